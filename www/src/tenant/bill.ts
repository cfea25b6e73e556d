// The explained bill: lines summed by what a unit cost, and day by day.
import type { Bill, BillLine, SharePart } from '../shared/api';
import { sum_money } from '../shared/money_sums';
import { t } from './words';

export interface PriceSum { rate: string; tier: number; price: string; qty: number; charge: string }
export interface DaySum { day: string; charge: string; qty: number; open: boolean; lines: BillLine[] }

export function qty_of(l: { energy_wh?: number; volume_l?: number }): number {
	return l.energy_wh ?? l.volume_l ?? 0;
}

/** A rate in words; none for the one rate that water has. */
export function rate_word(rate: string, water: boolean): string {
	return water && rate === 'flat' ? '' : t.value.rate[rate] || rate;
}

/** One sum for each rate, tier and price, the largest first. */
export function by_price(bill: Bill): PriceSum[] {
	const sums = new Map<string, PriceSum>();
	for (const l of bill.items) {
		const key = `${l.rate} ${l.tier} ${l.price}`;
		const sum = sums.get(key) || { rate: l.rate, tier: l.tier, price: l.price, qty: 0, charge: '0' };
		sums.set(key, { ...sum, qty: sum.qty + qty_of(l), charge: sum_money([sum.charge, l.charge]) });
	}
	return Array.from(sums.values()).sort((a, b) => b.qty - a.qty);
}

/** One sum for each book day, the newest first. */
export function by_day(bill: Bill): DaySum[] {
	const days = new Map<string, DaySum>();
	for (const l of bill.items) {
		const day = days.get(l.book_day) || { day: l.book_day, charge: '0', qty: 0, open: false, lines: [] };
		day.lines.push(l);
		days.set(l.book_day, { ...day, charge: sum_money([day.charge, l.charge]), qty: day.qty + qty_of(l), open: day.open || !l.sealed });
	}
	return Array.from(days.values()).sort((a, b) => (a.day < b.day ? 1 : -1));
}

export interface ShareSum { name: string; kind: SharePart['kind']; basis: SharePart['basis']; weight: number; of_weight: number; qty: number; of_qty: number; charge: string }

/** Parts of shared energy of an account, one sum for each group; the weights are those of its newest day. */
export function shares_of(parts: SharePart[], account_id: number): ShareSum[] {
	const sums = new Map<number, ShareSum>();
	const mine = parts.filter((p) => p.account_id === account_id).sort((a, b) => (a.day < b.day ? 1 : -1));
	for (const p of mine) {
		const sum = sums.get(p.group.id) || { name: p.group.name, kind: p.kind, basis: p.basis, weight: p.weight, of_weight: p.of_weight, qty: 0, of_qty: 0, charge: '0' };
		sums.set(p.group.id, {
			...sum,
			qty: sum.qty + (p.energy_wh ?? p.volume_l ?? 0),
			of_qty: sum.of_qty + (p.of_energy_wh ?? p.of_volume_l ?? 0),
			charge: sum_money([sum.charge, p.charge]),
		});
	}
	return Array.from(sums.values());
}
