// What a tariff file says for a day, a moment, and from when on it will say something else. For showing:
// what is charged is the server's word.
import type { MyTariff, TariffFile, TariffVersion } from '../shared/api';
import { weekday } from '../shared/time';

export interface Slot { from: string; to: string; rate: string }
export type DayKind = 'workday' | 'weekend' | 'holiday';

export function day_kind(file: TariffFile, day: string): DayKind {
	if (file.holidays?.includes(day)) return 'holiday';
	const weekends = [0, 6].includes(weekday(day));
	return weekends && !file.workdays?.includes(day) ? 'weekend' : 'workday';
}

/** The version in force at an instant, and the one after it. */
export function versions_at(file: TariffFile, at: number): { now: TariffVersion | null; next: TariffVersion | null } {
	const sorted = [...file.versions].sort((a, b) => Date.parse(a.effective_from) - Date.parse(b.effective_from));
	const begun = sorted.filter((v) => Date.parse(v.effective_from) <= at);
	return { now: begun[begun.length - 1] || null, next: sorted[begun.length] || null };
}

/** Slots of a local day, midnight to midnight; the first row of the calendar that matches counts. */
export function slots_of(file: TariffFile, version: TariffVersion, day: string): Slot[] {
	const kind = day_kind(file, day);
	const month = Number(day.slice(5, 7));
	const row = version.calendar.find((r) => (!r.months || r.months.includes(month)) && (!r.days || r.days === 'all' || r.days === kind));
	const slots = row?.slots || [];
	return slots.map(([from, rate], i) => ({ from, to: slots[i + 1]?.[0] || '24:00', rate }));
}

/** The slot at a time of day ("18:02"). */
export function slot_at(slots: Slot[], hm: string): Slot | null {
	return slots.find((s) => s.from <= hm && hm < s.to) || null;
}

export function tiers_of(v: TariffVersion): string[] {
	return v.tiers_upto_kwh || v.tiers_upto_m3 || [];
}

export interface Prices { now: { file: TariffFile; version: TariffVersion; since: string }; next: { file: TariffFile; version: TariffVersion; from: string } | null }

/** The version in force and the next change: of the tariff, or to another tariff, whichever comes first. */
export function prices_at(of: MyTariff, at: number): Prices | null {
	const [first, second] = of.items;
	const mine = first && versions_at(first.file, at);
	if (!first || !mine?.now) return null;
	const later = (a: string, b: string) => (Date.parse(a) > Date.parse(b) ? a : b);
	const now = { file: first.file, version: mine.now, since: first.from ? later(mine.now.effective_from, first.from) : mine.now.effective_from };
	const changes: Prices['next'][] = [];
	if (mine.next) changes.push({ file: first.file, version: mine.next, from: mine.next.effective_from });
	const other = second?.from && versions_at(second.file, Date.parse(second.from)).now;
	if (second?.from && other) changes.push({ file: second.file, version: other, from: second.from });
	changes.sort((a, b) => Date.parse(a!.from) - Date.parse(b!.from));
	return { now, next: changes[0] || null };
}

/** How much more until the next tier, in Wh or litres; null in the last one. */
export function to_next_tier(v: TariffVersion, tier: number, used: number): number | null {
	const bound = tiers_of(v)[tier - 1];
	return bound === undefined ? null : Math.max(0, Math.round(Number(bound) * 1000) - used);
}

/** "3–5, 7" */
export function months_text(months: number[]): string {
	const runs: [number, number][] = [];
	for (const m of [...months].sort((a, b) => a - b)) {
		const last = runs[runs.length - 1];
		if (last && last[1] === m - 1) last[1] = m;
		else runs.push([m, m]);
	}
	return runs.map(([a, b]) => (a === b ? String(a) : `${a}–${b}`)).join(', ');
}
