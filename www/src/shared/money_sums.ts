// Sums of money, exactly, and amounts that a person typed: apart from what the first page of tenants needs.
import { parse } from './money';

const NANO = 1_000_000_000;

/** What a person typed as an amount in yuan, in fen; null when it is none. Full-width digits are understood. */
export function typed_fen(typed: string): number | null {
	const plain = typed.replace(/[０-９．]/g, (c) => String.fromCharCode(c.charCodeAt(0) - 0xfee0))
		.replace(/[,，\s¥￥]/g, '').replace('。', '.');
	const m = /^(\d{1,9})(?:\.(\d{0,2}))?$/.exec(plain);
	return m ? Number(m[1]) * 100 + Number((m[2] || '').padEnd(2, '0')) : null;
}

/** text + fen, exactly, with nine decimals. */
export function add_fen(text: string, fen: number): string | null {
	const p = parse(text);
	if (!p) return null;
	const sign = p.neg ? -1 : 1;
	let whole = sign * p.yuan + Math.trunc(fen / 100);
	let nano = sign * p.nano + (fen % 100) * 10_000_000;
	const carry = Math.floor(nano / NANO);
	whole += carry;
	nano -= carry * NANO;
	if (whole < 0 && nano > 0) {
		whole += 1;
		nano = NANO - nano;
		return `-${Math.abs(whole)}.${String(nano).padStart(9, '0')}`;
	}
	return `${whole}.${String(nano).padStart(9, '0')}`;
}

/** The exact sum of decimal strings. */
export function sum_money(texts: string[]): string {
	let whole = 0;
	let nano = 0;
	for (const text of texts) {
		const p = parse(text);
		if (!p) continue;
		whole += p.neg ? -p.yuan : p.yuan;
		nano += p.neg ? -p.nano : p.nano;
		const carry = Math.floor(nano / NANO);
		whole += carry;
		nano -= carry * NANO;
	}
	if (whole < 0 && nano > 0) return `-${Math.abs(whole + 1)}.${String(NANO - nano).padStart(9, '0')}`;
	return `${whole}.${String(nano).padStart(9, '0')}`;
}
