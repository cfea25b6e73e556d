import { both } from '../words';

export const zh = {
	text: '这些手机和电脑登录着您的账号。不认识的请退出，并修改密码。',
	here: '本机',
	since: (t: string) => `${t} 登录`,
	used: (t: string) => `最近使用 ${t}`,
	end: '退出',
	end_all: '退出其他所有设备',
	end_sure: (n: string) => `确定让 ${n} 退出登录？`,
	all_sure: '确定让其他所有设备退出登录？',
	ended: '已退出',
	only: '没有其他设备登录。',
	agents: { wechat: '微信', alipay: '支付宝', iphone: 'iPhone', ipad: 'iPad', android: '安卓手机', computer: '电脑', other: '其他设备' },
	old: '原密码',
	fresh: '新密码',
	rule: '至少 8 位',
	too_short: '新密码至少 8 位。',
	old_wrong: '原密码不对。',
	no_old: '请填写原密码。',
	weak: '新密码太常见，请换一个。',
	change: '修改密码',
	changed: '密码已修改，其他设备已退出',
};

export const en: typeof zh = {
	text: 'These phones and computers are signed in as you. Sign out what you do not know, and change your password.',
	here: 'this one',
	since: (t) => `signed in ${t}`,
	used: (t) => `last used ${t}`,
	end: 'Sign out',
	end_all: 'Sign out all others',
	end_sure: (n) => `Sign ${n} out?`,
	all_sure: 'Sign out all other devices?',
	ended: 'Signed out',
	only: 'No other device is signed in.',
	agents: { wechat: 'WeChat', alipay: 'Alipay', iphone: 'iPhone', ipad: 'iPad', android: 'Android phone', computer: 'Computer', other: 'Other device' },
	old: 'Present password',
	fresh: 'New password',
	rule: 'At least 8 characters',
	too_short: 'The new password needs at least 8 characters.',
	old_wrong: 'The present password is wrong.',
	no_old: 'Enter your present password.',
	weak: 'The new password is too common: please take another.',
	change: 'Change password',
	changed: 'Password changed; other devices are signed out',
};

export const w = both(zh, en);
