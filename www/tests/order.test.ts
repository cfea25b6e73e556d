import { describe, expect, it } from 'vitest';
import type { Order } from '../src/shared/api';
import { channels, pay_address } from '../src/tenant/channels';
import { is_end, order_stage } from '../src/tenant/order_stage';

const base: Order = {
	id: 1, out_trade_no: 'x', account_id: 1, meter: null, amount_fen: 20000, channel: 'wechat_native', state: 'pending', pay: { code_url: 'weixin://wxpay/bizpayurl?pr=x' },
	created_at: '2026-11-22T10:07:00.000Z', expires_at: null, paid_at: null, credited_at: null, receipt_no: null, balance: '-3.18', supply: { state: 'off', since: '2026-11-22T09:41:00.000Z' },
};
const paid = { ...base, state: 'paid' as const, paid_at: '2026-11-22T10:07:09.000Z' };
const credited = { ...paid, credited_at: '2026-11-22T10:07:10.000Z', balance: '196.82' };
const supply = (state: 'on' | 'off' | 'switching' | 'unreachable', since = '2026-11-22T09:41:00.000Z') => ({ ...credited, supply: { state, since } });

describe('an order', () => {
	it('waits, pays, credits', () => {
		expect(order_stage({ ...base, pay: null }, null, false)).toBe('asking');
		expect(order_stage(base, null, true)).toBe('waiting');
		expect(order_stage({ ...base, state: 'closed' }, null, true)).toBe('closed');
		expect(order_stage(paid, null, true)).toBe('crediting');
	});
	it('says power is back only after the relay was read back on', () => {
		expect(order_stage(supply('off'), 'arrears', false)).toBe('switching');
		expect(order_stage(supply('switching'), null, false)).toBe('switching');
		expect(order_stage(supply('on', '2026-11-22T10:07:12.000Z'), null, false)).toBe('back');
	});
	it('ends with the credit when supply was on all along', () => {
		expect(order_stage(supply('on'), null, false)).toBe('credited');
		expect(order_stage({ ...credited, supply: null }, null, false)).toBe('credited');
	});
	it('says what is true when supply does not come back', () => {
		expect(order_stage(supply('unreachable'), null, false)).toBe('unreachable');
		expect(order_stage(supply('off'), 'manual', false)).toBe('manual');
		expect(order_stage(supply('off'), 'arrears', true)).toBe('owing');
	});
	it('ends only where nothing more happens by itself', () => {
		expect(is_end('back') && is_end('credited')).toBe(true);
		for (const s of ['asking', 'waiting', 'closed', 'crediting', 'switching', 'unreachable', 'manual', 'owing'] as const) expect(is_end(s)).toBe(false);
	});
});

describe('ways to pay', () => {
	it('follows the browser', () => {
		expect(channels('… MicroMessenger/8.0 iPhone')).toEqual(['wechat_jsapi']);
		expect(channels('… AlipayClient/10.3 Android')).toEqual(['alipay_wap']);
		expect(channels('Mozilla/5.0 (Linux; Android 14) Mobile')).toEqual(['wechat_h5', 'alipay_wap']);
		expect(channels('Mozilla/5.0 (X11; Linux x86_64)')).toEqual(['wechat_native', 'alipay_page']);
	});
	it('goes to web addresses only', () => {
		const back = 'https://a.example/order/1';
		expect(pay_address({ h5_url: 'https://wx.example/pay?id=1' }, back)).toBe('https://wx.example/pay?id=1&redirect_url=https%3A%2F%2Fa.example%2Forder%2F1');
		expect(pay_address({ h5_url: 'https://wx.example/pay?id=1&redirect_url=x' }, back)).toBe('https://wx.example/pay?id=1&redirect_url=x');
		expect(pay_address({ pay_url: 'https://ali.example/pay' }, back)).toBe('https://ali.example/pay');
		expect(pay_address({ code_url: 'weixin://x' }, back)).toBeNull();
		expect(pay_address({ pay_url: 'javascript:alert(1)' }, back)).toBeNull();
		expect(pay_address(null, back)).toBeNull();
	});
});
