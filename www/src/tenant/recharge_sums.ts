// What a recharge leads to, as the server will split it.
import type { Account, Repayment } from '../shared/api';
import { rough_fen } from '../shared/money';

/** The part of a recharge that pays off old debt: whole fen, rounded in favour of the balance. */
export function debt_part(amount_fen: number, r: Repayment | null): number {
	if (!r || r.permille <= 0) return 0;
	const owed = Math.max(0, rough_fen(r.owed));
	return Math.min(Math.floor((amount_fen * r.permille) / 1000), r.cap_fen, owed);
}

/** Days that an amount lasts at the pace of last week, after it has paid the overdraft; null when there is no pace yet. */
export function days_of(amount_fen: number, a: Account): number | null {
	const day = rough_fen(a.daily_average);
	if (day <= 0) return null;
	return Math.max(0, Math.floor((amount_fen + Math.min(0, rough_fen(a.balance))) / day));
}

/** Roughly how much an amount buys at the price of now, in Wh or litres; null without a price. */
export function units_of(amount_fen: number, a: Account): number | null {
	const price = Number(a.energy_price_now); // shown as "about", in whole units
	return price > 0 && amount_fen > 0 ? Math.floor((amount_fen * 10) / price) : null;
}
