// Inside WeChat's browser: who this is, and paying without leaving the page.
import { placed } from '../shared/prefix';

interface Bridge { invoke(name: string, args: unknown, done: (answer: { err_msg?: string }) => void): void }
declare global { interface Window { WeixinJSBridge?: Bridge } }

export function in_wechat(): boolean {
	return /MicroMessenger/i.test(navigator.userAgent);
}

/** Goes to WeChat and comes back to /login with a code. */
export function wechat_start(back: string): void {
	location.assign(placed(`/api/v1/auth/wechat/start?return=${encodeURIComponent(back)}`));
}

/** By itself the page goes there once a visit: whoever signs out stays signed out. */
export function wechat_first_time(): boolean {
	try {
		if (sessionStorage.getItem('yufu.wechat')) return false;
		sessionStorage.setItem('yufu.wechat', '1');
		return true;
	} catch {
		return false;
	}
}

/** Opens WeChat's payment; what it answers is no proof of anything. */
export function wechat_pay(order: Record<string, string>): Promise<'ok' | 'cancel' | 'fail'> {
	return new Promise((done) => {
		const run = () => window.WeixinJSBridge!.invoke('getBrandWCPayRequest', order, (answer) => {
			const word = /:(ok|cancel)$/.exec(answer.err_msg || '')?.[1];
			done(word === 'ok' || word === 'cancel' ? word : 'fail');
		});
		if (window.WeixinJSBridge) run();
		else document.addEventListener('WeixinJSBridgeReady', run, { once: true });
	});
}
