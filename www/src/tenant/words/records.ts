import { both } from '../words';

export const zh = {
	orders: '充值', statement: '明细', notices: '通知', label: '账单种类',
	no_orders: '还没有充值记录。',
	by_another: '他人代付', for_another: (who: string) => `代付给 ${who}`,
	no_items: '这个月没有收支。',
	no_notices: '还没有发过通知。',
	opening: '期初', closing: '期末', balance: '余额', came: '充入', went: '支出',
	kind: { recharge: '充值', found: '已认领付款', sale: '柜台充值', energy: '电费', water: '水费', late_charge: '补计费用', fee: '物业费', opening: '期初余额', adjustment: '调整', refund: '退款', reversal: '冲正', subsidy: '补贴', allowance: '免费额度', write_off: '核销', correction: '更正', debt: '欠费分期', deposit_out: '押金转入', transfer: '账户互转', property_fee: '物业费', rent: '租金', share: '公摊', closing: '销户结转', payout: '销户退款', subsidy_back: '补贴收回', settlement: '结清' } as Record<string, string>,
	state: { created: '待支付', pending: '待支付', paid: '已支付', closed: '已关闭' },
	refunded: (m: string) => `已退 ${m}`,
	notice_state: { pending: '发送中', sent: '已发送', failed: '发送失败', unknown: '结果不明', delivered: '已送达', undelivered: '未送达' },
	by: { sms: '短信', wechat: '微信' } as Record<string, string>,
	month: '月份',
	prev: '上个月', next: '下个月',
	bill: '看懂这个月的账单',
	more: '再看早一些的',
	invoices: '发票：申请和进度',
};

export const en: typeof zh = {
	orders: 'Top-ups', statement: 'Statement', notices: 'Messages', label: 'Kind of record',
	no_orders: 'No top-ups yet.',
	by_another: 'paid by somebody else', for_another: (who) => `for ${who}`,
	no_items: 'No entries in this month.',
	no_notices: 'No messages yet.',
	opening: 'Opening', closing: 'Closing', balance: 'Balance', came: 'In', went: 'Out',
	kind: { recharge: 'Top-up', found: 'Payment found', sale: 'Paid at the desk', energy: 'Electricity', water: 'Water', late_charge: 'Late charge', fee: 'Property fee', opening: 'Opening balance', adjustment: 'Adjustment', refund: 'Refund', reversal: 'Reversal', subsidy: 'Subsidy', allowance: 'Free allowance', write_off: 'Written off', correction: 'Correction', debt: 'Agreed debt', deposit_out: 'From the deposit', transfer: 'Transfer', property_fee: 'Property fee', rent: 'Rent', share: 'Shared cost', closing: 'Closing', payout: 'Paid out', subsidy_back: 'Subsidy returned', settlement: 'Settlement' },
	state: { created: 'Unpaid', pending: 'Unpaid', paid: 'Paid', closed: 'Closed' },
	refunded: (m) => `${m} refunded`,
	notice_state: { pending: 'Sending', sent: 'Sent', failed: 'Not sent', unknown: 'Unknown', delivered: 'Delivered', undelivered: 'Not delivered' },
	by: { sms: 'SMS', wechat: 'WeChat' },
	month: 'Month',
	prev: 'Month before', next: 'Next month',
	bill: 'This month explained',
	more: 'Earlier ones',
	invoices: 'Invoices: request and follow',
};

export const w = both(zh, en);
