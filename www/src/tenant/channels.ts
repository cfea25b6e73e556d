// By which ways a person can pay from this browser.
import type { Channel } from '../shared/api';

export function channels(agent: string): Channel[] {
	if (/MicroMessenger/i.test(agent)) return ['wechat_jsapi'];
	if (/AlipayClient/i.test(agent)) return ['alipay_wap'];
	return /Android|iPhone|iPad|Mobile/i.test(agent) ? ['wechat_h5', 'alipay_wap'] : ['wechat_native', 'alipay_page'];
}

/** Where the browser must go to pay, or null when it shows a code. Only web addresses are followed. */
export function pay_address(pay: { code_url?: string; h5_url?: string; pay_url?: string } | null, back: string): string | null {
	const text = pay?.h5_url || pay?.pay_url;
	if (!text) return null;
	try {
		const url = new URL(text, location.href);
		if (url.protocol !== 'http:' && url.protocol !== 'https:') return null;
		// WeChat comes back to where the page says, unless the server has said so already
		if (!pay?.h5_url || url.searchParams.has('redirect_url')) return text;
		return `${text}${text.includes('?') ? '&' : '?'}redirect_url=${encodeURIComponent(back)}`;
	} catch {
		return null;
	}
}
