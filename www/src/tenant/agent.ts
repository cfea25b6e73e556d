// What a browser calls itself, as a person would.

export type Agent = 'wechat' | 'alipay' | 'iphone' | 'ipad' | 'android' | 'computer' | 'other';

export function agent_of(text: string): Agent {
	if (/MicroMessenger/i.test(text)) return 'wechat';
	if (/AlipayClient/i.test(text)) return 'alipay';
	if (/iPad/i.test(text)) return 'ipad';
	if (/iPhone/i.test(text)) return 'iphone';
	if (/Android/i.test(text)) return 'android';
	return /Windows|Macintosh|X11|Linux|CrOS/i.test(text) ? 'computer' : 'other';
}
