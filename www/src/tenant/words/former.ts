import { both } from '../words';

export const zh = {
	text: '合同结束后，账单和明细仍可查看，不能充值。',
	none: '没有已结束的合同。',
	left: (m: string) => `结余 ${m}`,
	statement: '明细',
	bill: '账单',
};

export const en: typeof zh = {
	text: 'Bills and statements of ended contracts stay readable; they cannot be topped up.',
	none: 'There are no ended contracts.',
	left: (m) => `${m} left`,
	statement: 'Statement',
	bill: 'Bill',
};

export const w = both(zh, en);
