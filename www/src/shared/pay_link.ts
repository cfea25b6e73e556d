// The address in the code on a meter: who reads it with a phone may pay for that meter.
import { prefix } from './prefix';

/** Where one pays for a meter. What no path may hold goes behind it. */
export function pay_path(code: string): string {
	const text = encodeURIComponent(code);
	return /%2F|^\./.test(text) ? `/p?meter=${text}` : `/p/${text}`;
}

export function pay_link(code: string, at = location.origin + prefix): string {
	return at + pay_path(code);
}
