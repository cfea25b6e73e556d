// Money as text. A decimal string is split into whole yuan and nano-yuan, both exact integers, so
// that no amount ever passes through floating point.

export interface Parts { neg: boolean; yuan: number; nano: number }

/** Splits "-3.180000000"; null unless it is plain decimal text of at most 12 whole digits. */
export function parse(text: string | null | undefined): Parts | null {
	const m = /^([+-]?)(\d{1,12})(?:\.(\d{0,9}))?$/.exec((text || '').trim());
	if (!m) return null;
	const nano = Number(((m[3] || '') + '000000000').slice(0, 9));
	return { neg: m[1] === '-', yuan: Number(m[2]), nano };
}

function group(digits: string): string {
	return digits.replace(/\B(?=(\d{3})+$)/g, ',');
}

function pad(n: number, width: number): string {
	return String(n).padStart(width, '0');
}

/** Sign and figures of an amount rounded to fen, half away from zero: {neg, whole: "1,234", cents: "56"}. */
export function money_parts(text: string | null | undefined): { neg: boolean; whole: string; cents: string } | null {
	const p = parse(text);
	if (!p) return null;
	let cents = Math.floor((p.nano + 5_000_000) / 10_000_000);
	let yuan = p.yuan;
	if (cents === 100) {
		cents = 0;
		yuan += 1;
	}
	return { neg: p.neg && (yuan > 0 || cents > 0), whole: group(String(yuan)), cents: pad(cents, 2) };
}

/** "128.460000000" -> "¥128.46", "-3.18" -> "−¥3.18"; "—" for what is no amount. */
export function yuan(text: string | null | undefined): string {
	const p = money_parts(text);
	return p ? `${p.neg ? '−' : ''}¥${p.whole}.${p.cents}` : '—';
}

/** As yuan(), with "+" before what is not negative. */
export function signed_yuan(text: string): string {
	const shown = yuan(text);
	return /^[−—]/.test(shown) ? shown : `+${shown}`;
}

/** A price keeps its decimals, at least four: "0.658300000" -> "0.6583". */
export function price(text: string | null | undefined): string {
	const p = parse(text);
	if (!p) return '—';
	const decimals = pad(p.nano, 9).replace(/0+$/, '').padEnd(4, '0');
	return `${p.neg ? '−' : ''}${p.yuan}.${decimals}`;
}

/** 20000 -> "200.00". */
export function fen_decimal(fen: number): string {
	const abs = Math.abs(fen);
	return `${fen < 0 ? '-' : ''}${Math.floor(abs / 100)}.${pad(abs % 100, 2)}`;
}

/** 20000 -> "¥200.00". */
export function fen_yuan(fen: number): string {
	return yuan(fen_decimal(fen));
}

/** 20000 -> "¥200", 20050 -> "¥200.50": for buttons. */
export function fen_short(fen: number): string {
	return fen_yuan(fen).replace(/\.00$/, '');
}

/** -1, 0 or 1. */
export function money_sign(text: string | null | undefined): number {
	const p = parse(text);
	if (!p || (p.yuan === 0 && p.nano === 0)) return 0;
	return p.neg ? -1 : 1;
}

/** Whole fen, rounded towards zero: for widths of bars and counts of days, never for sums of money. */
export function rough_fen(text: string | null | undefined): number {
	const p = parse(text);
	if (!p) return 0;
	const fen = p.yuan * 100 + Math.floor(p.nano / 10_000_000);
	return p.neg ? -fen : fen;
}
