// A day of shared energy as the API tells it, and whether it ties.
import { sum_money } from '../shared/money_sums';

export interface Amounts { energy_wh: number | null; volume_l: number | null }
export interface ShareLine extends Amounts { meter: { id: number; code: string; name: string }; rate: string | null; tier: number; price: string; charge: string; of_energy_wh: number | null; of_volume_l: number | null }
export interface SharePart extends Amounts {
	contract: { id: number; code: string }; tenant: { room?: string; name?: string }; weight: number; of_weight: number; charge: string; lines: ShareLine[];
}
export interface ShareDay extends Amounts {
	day: string; version: number; complete: boolean; run_at: string; charge: string; owner_charge: string;
	net_energy_wh: number | null; net_volume_l: number | null; owner_energy_wh: number | null; owner_volume_l: number | null; parts: SharePart[];
}

/** Wh, or litres. */
export function amount_of(x: Amounts): number {
	return x.energy_wh ?? x.volume_l ?? 0;
}

/** Parts and owner sum to the whole, in energy and in money, exactly. */
export function share_ties(d: ShareDay): boolean {
	const use = d.parts.reduce((sum, p) => sum + amount_of(p), 0) + (d.owner_energy_wh ?? d.owner_volume_l ?? 0);
	const money = sum_money([...d.parts.map((p) => p.charge), d.owner_charge]);
	return use === amount_of(d) && money === sum_money([d.charge]);
}

/** "12.50 %" of a whole. */
export function percent(part: number, whole: number): string {
	return whole ? `${(part / whole * 100).toFixed(2)} %` : '—';
}
