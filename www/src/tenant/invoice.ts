// Requests for invoices: their shapes, and what of a form is wrong before it is sent.

export type InvoiceState = 'asked' | 'issued' | 'refused' | 'withdrawn' | 'voided';
export type InvoiceKind = 'company' | 'personal';
export interface InvoiceOrder { id: number; out_trade_no: string; paid_fen: number; refunded_fen: number; amount_fen: number; paid_at: string | null }
export interface Invoice {
	id: number;
	account_id: number;
	kind: InvoiceKind;
	title: string;
	tax_no: string | null;
	email: string;
	note: string | null;
	state: InvoiceState;
	amount_fen: number;
	/** Paid less refunded now. */
	left_fen: number;
	changed: boolean;
	count: number;
	asked_at: string;
	number: string | null;
	date: string | null;
	url: string | null;
	reason: string | null;
	red_number: string | null;
	orders?: InvoiceOrder[];
}
export interface InvoiceTitle { kind: InvoiceKind | null; title: string | null; tax_no: string | null; email: string | null }
export interface InvoiceForm { orders: number[]; kind: InvoiceKind; title: string; tax_no: string; email: string; note: string }

export const ORDERS_MOST = 50;

/** As it is meant: without blanks, in capitals, full-width characters as plain ones. */
export function tax_no_of(typed: string): string {
	return typed.replace(/[\uff01-\uff5e]/g, (c) => String.fromCharCode(c.charCodeAt(0) - 0xfee0)).replace(/[\s\u3000-]/g, '').toUpperCase();
}

const CODE = '0123456789ABCDEFGHJKLMNPQRTUWXY';

/** The check character that GB 32100-2015 gives the first 17. */
function check_character(code: string): string {
	let [sum, weight] = [0, 1];
	for (const c of code.slice(0, 17)) {
		sum += CODE.indexOf(c) * weight;
		weight = (weight * 3) % 31;
	}
	return CODE[(31 - (sum % 31)) % 31]!;
}

export type TaxFault = { is: 'missing' | 'length' | 'chars' | 'letters' } | { is: 'check'; expected: string };

/** What is wrong with a company's tax number, as the server sees it; null: nothing. */
export function tax_fault(code: string): TaxFault | null {
	if (!code) return { is: 'missing' };
	if (!/^[A-Z0-9]*$/.test(code)) return { is: 'chars' };
	if (code.length < 15 || code.length > 20) return { is: 'length' };
	if (code.length !== 18) return null;
	if (/[IOSVZ]/.test(code)) return { is: 'letters' };
	const expected = check_character(code);
	return code[17] === expected ? null : { is: 'check', expected };
}

export function email_ok(text: string): boolean {
	return text.length <= 100 && /^[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+$/.test(text);
}

export const INK: Record<InvoiceState, string> = { asked: 'ink-moving', issued: 'ink-on', refused: 'ink-cut', withdrawn: 'second', voided: 'ink-low' };
