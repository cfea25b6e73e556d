import { both } from '../words';

export const zh = {
	title: '应急额度',
	offer: (m: string) => `急用？可先用一次应急额度 ${m}`,
	can: (m: string) => `余额用完后可先用 ${m}，下次充值时扣还。每次欠费只能用一次。`,
	take: (m: string) => `使用应急额度 ${m}`,
	none: '目前没有可用的应急额度。',
	later: (m: string) => `余额用完后，可先用一次 ${m}，下次充值时扣还。`,
	sure: (m: string) => `确定使用应急额度 ${m}？下次充值时会先扣还。`,
	taken: (t: string) => `已于 ${t} 使用，下次充值时扣还。`,
	done: '应急额度已开通',
};

export const en: typeof zh = {
	title: 'Emergency credit',
	offer: (m) => `Urgent? Use ${m} of emergency credit once`,
	can: (m) => `The balance is used up: you may use ${m} now; the next top-up pays it back. Once each time.`,
	take: (m) => `Use ${m} of emergency credit`,
	none: 'No emergency credit is available now.',
	later: (m) => `When the balance is used up you may use ${m} once; the next top-up pays it back.`,
	sure: (m) => `Use ${m} of emergency credit? The next top-up pays it back first.`,
	taken: (t) => `Used ${t}; the next top-up pays it back.`,
	done: 'Emergency credit granted',
};

export const w = both(zh, en);
