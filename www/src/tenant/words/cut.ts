import { both } from '../words';

export const zh = {
	reason: '电费用完',
	reason_water: '水费用完',
	text: (at: string, owed: string) => `${at} 断电，断电前已用透支 ${owed}。`,
	text_plain: (at: string) => `${at} 断电，余额已用完。`,
	text_water: (at: string) => `${at} 停水，余额已用完。`,
	back: '充值到账后约 2 秒自动恢复供电。',
	back_water: '充值到账后自动恢复供水。',
};

export const en: typeof zh = {
	reason: 'no credit',
	reason_water: 'no credit',
	text: (at, owed) => `Cut at ${at}, after ${owed} of overdraft.`,
	text_plain: (at) => `Cut at ${at}: the balance is used up.`,
	text_water: (at) => `Cut at ${at}: the balance is used up.`,
	back: 'Power comes back by itself about 2 seconds after the top-up is credited.',
	back_water: 'Water comes back by itself once the top-up is credited.',
};

export const w = both(zh, en);
