// Warning thresholds as a person types them, and back.
import type { AlertSettings } from '../shared/api';
import { fen_decimal, rough_fen } from '../shared/money';
import { typed_fen } from '../shared/money_sums';

export type Alert = AlertSettings['items'][number];
export type Typed = Pick<Alert, 'account_id' | 'purpose' | 'unit' | 'warn1' | 'warn2'>;
export interface Form { items: Typed[]; language: 'zh' | 'en'; channels: NonNullable<AlertSettings['channels']> }

const MOST_FEN = 10_000_000;

function plain(text: string): string {
	return fen_decimal(rough_fen(text)).replace(/\.00$/, '');
}

export function form_of(s: AlertSettings): Form {
	return {
		items: s.items.map((i) => ({ account_id: i.account_id, purpose: i.purpose, unit: i.unit || 'yuan', warn1: plain(i.warn1), warn2: plain(i.warn2) })),
		language: s.language || 'zh', channels: s.channels || 'wechat_or_sms',
	};
}

/** What the API takes; null when a threshold is no number, or the second is above the first. */
export function body_of(form: Form): Form | null {
	const items: Typed[] = [];
	for (const f of form.items) {
		const warn1 = typed_fen(f.warn1);
		const warn2 = typed_fen(f.warn2);
		if (warn1 === null || warn2 === null || warn2 > warn1 || warn1 > MOST_FEN) return null;
		items.push({ account_id: f.account_id, purpose: f.purpose, unit: f.unit, warn1: fen_decimal(warn1), warn2: fen_decimal(warn2) });
	}
	return { ...form, items };
}

/** A draft counts only for the accounts that there are. */
export function fits(draft: Form | null, form: Form): draft is Form {
	return draft !== null && draft.items.length === form.items.length && draft.items.every((d, i) => d.account_id === form.items[i]!.account_id);
}
