import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { in_wechat, wechat_first_time, wechat_pay } from '../src/tenant/wechat';

const order = { appId: 'wx1', timeStamp: '1', nonceStr: 'n', package: 'prepay_id=x', signType: 'RSA', paySign: 's' };

afterEach(() => {
	delete window.WeixinJSBridge;
	vi.unstubAllGlobals();
});
beforeEach(() => sessionStorage.clear());

describe('paying inside WeChat', () => {
	it.each([
		['get_brand_wcpay_request:ok', 'ok'], ['get_brand_wcpay_request:cancel', 'cancel'],
		['get_brand_wcpay_request:fail', 'fail'], ['system:access_denied', 'fail'], [undefined, 'fail'],
	])('hands on the order as it came, and takes %s for %s', async (err_msg, word) => {
		const invoke = vi.fn((_name: string, _args: unknown, done: (a: { err_msg?: string }) => void) => done({ err_msg }));
		window.WeixinJSBridge = { invoke };
		expect(await wechat_pay(order)).toBe(word);
		expect(invoke.mock.calls[0]![0]).toBe('getBrandWCPayRequest');
		expect(invoke.mock.calls[0]![1]).toEqual(order);
	});
	it('waits for a bridge that comes later than the page', async () => {
		const answer = wechat_pay(order);
		window.WeixinJSBridge = { invoke: (_n, _a, done) => done({ err_msg: 'get_brand_wcpay_request:ok' }) };
		document.dispatchEvent(new Event('WeixinJSBridgeReady'));
		expect(await answer).toBe('ok');
	});
});

describe('signing in inside WeChat', () => {
	it('is tried once a visit', () => {
		expect(wechat_first_time()).toBe(true);
		expect(wechat_first_time()).toBe(false);
	});
	it('is not tried where nothing can be remembered', () => {
		vi.stubGlobal('sessionStorage', { getItem: () => { throw new Error('forbidden'); } });
		expect(wechat_first_time()).toBe(false);
	});
	it('is only for WeChat', () => expect(in_wechat()).toBe(false));
});
