import { both } from '../words';

export const zh = {
	login: '微信登录',
	bind_next: '绑定这个微信，下次自动登录',
	done: '已绑定微信',
	other: '这个微信绑定的是已有的登录',
	title: '微信',
	why: '绑定后在微信中自动登录、付款，并收到余额提醒。请在微信中打开本页绑定。',
	bind: '绑定微信',
	bound: (at: string) => `${at} 已绑定，在微信中自动登录。`,
	follow: '关注公众号后才能收到消息。',
	unbind: '解除绑定',
	unbound: '已解除绑定',
	sure: '解除后需用密码或短信登录，也收不到微信消息。',
};

export const en: typeof zh = {
	login: 'Sign in with WeChat',
	bind_next: 'Bind this WeChat: it signs in by itself next time',
	done: 'WeChat is bound',
	other: 'This WeChat is bound to a login already',
	title: 'WeChat',
	why: 'Once bound, WeChat signs in and pays by itself, and brings balance alerts. Open this page in WeChat to bind it.',
	bind: 'Bind WeChat',
	bound: (at) => `Bound ${at}; signs in by itself inside WeChat.`,
	follow: 'Follow the account to get messages.',
	unbind: 'Unbind',
	unbound: 'Unbound',
	sure: 'You will sign in by password or SMS, and get no messages in WeChat.',
};

export const wt = both(zh, en);
