// A tariff file as the editor holds it, and its calendar as a picture.
export interface CalendarRow { months?: number[]; days?: DayKind | 'all'; slots: [string, string][] }
export interface Version {
	effective_from: string;
	tier_cycle?: 'none' | 'month' | 'year';
	tiers_upto_kwh?: string[];
	tiers_upto_m3?: string[];
	calendar: CalendarRow[];
	prices: Record<string, string[]>;
}
export interface TariffFile { code: string; name: string; utility: 'electricity' | 'water'; holidays?: string[]; workdays?: string[]; versions: Version[] }

export type DayKind = 'workday' | 'weekend' | 'holiday';
export const DAY_KINDS: DayKind[] = ['workday', 'weekend', 'holiday'];
export const RATES = ['sharp', 'peak', 'flat', 'valley', 'deep_valley'];
const DAY_MIN = 24 * 60;

export interface Span { from: number; to: number; rate: string }
/** Months whose days are all alike, and the day of each kind; empty where no row is found. */
export interface MonthGroup { months: number[]; days: Record<DayKind, Span[]> }

/** "07:30" -> 450; null unless it is a time of the day. */
export function minutes(text: string): number | null {
	const m = /^([01]\d|2[0-3]):([0-5]\d)$/.exec(text);
	return m ? Number(m[1]) * 60 + Number(m[2]) : null;
}

/** The first row that fits the month and the kind of day. */
export function row_of(v: Version, month: number, kind: DayKind): CalendarRow | null {
	return v.calendar.find((r) => (!r.months?.length || r.months.includes(month)) && (!r.days || r.days === 'all' || r.days === kind)) || null;
}

export function spans(row: CalendarRow | null): Span[] {
	if (!row) return [];
	const starts = row.slots.map(([at, rate]) => ({ from: minutes(at), rate })).filter((s): s is { from: number; rate: string } => s.from !== null);
	return starts.map((s, i) => ({ from: s.from, to: starts[i + 1]?.from ?? DAY_MIN, rate: s.rate })).filter((s) => s.to > s.from);
}

/** The year as groups of months that are alike. */
export function year_picture(v: Version): MonthGroup[] {
	const groups = new Map<string, MonthGroup>();
	for (let month = 1; month <= 12; month++) {
		const days = Object.fromEntries(DAY_KINDS.map((k) => [k, spans(row_of(v, month, k))])) as MonthGroup['days'];
		const key = JSON.stringify(days);
		const group = groups.get(key);
		if (group) group.months.push(month);
		else groups.set(key, { months: [month], days });
	}
	return [...groups.values()];
}

/** [1,2,3,6] -> "1–3, 6". */
export function month_text(months: number[]): string {
	const runs: [number, number][] = [];
	for (const m of months) {
		const last = runs[runs.length - 1];
		if (last && last[1] === m - 1) last[1] = m;
		else runs.push([m, m]);
	}
	return runs.map(([a, b]) => (a === b ? String(a) : `${a}–${b}`)).join(', ');
}

export function bounds(v: Version): string[] {
	return v.tiers_upto_kwh || v.tiers_upto_m3 || [];
}

/** Rates that slots name or that have prices, dearest words first. */
export function rates_of(v: Version): string[] {
	const all = new Set([...v.calendar.flatMap((r) => r.slots.map((s) => s[1])), ...Object.keys(v.prices)].filter(Boolean));
	return [...RATES.filter((r) => all.has(r)), ...[...all].filter((r) => !RATES.includes(r)).sort()];
}

/** Gives every rate a price for every tier, and drops what no slot names. */
export function settle_prices(v: Version): void {
	const tiers = bounds(v).length + 1;
	const named = new Set(v.calendar.flatMap((r) => r.slots.map((s) => s[1])));
	for (const rate of Object.keys(v.prices)) if (!named.has(rate)) delete v.prices[rate];
	for (const rate of named) {
		if (!rate) continue;
		const old = v.prices[rate] || [];
		v.prices[rate] = Array.from({ length: tiers }, (_, i) => old[i] ?? old[old.length - 1] ?? '');
	}
}

export function set_bounds(v: Version, utility: string, text: string): void {
	const list = text.split(/[\s,，;]+/).filter(Boolean);
	delete v.tiers_upto_kwh;
	delete v.tiers_upto_m3;
	if (list.length) v[utility === 'water' ? 'tiers_upto_m3' : 'tiers_upto_kwh'] = list;
	settle_prices(v);
}

export function blank_tariff(from: string): TariffFile {
	return { code: '', name: '', utility: 'electricity', versions: [{ effective_from: from, tier_cycle: 'none', calendar: [{ days: 'all', slots: [['00:00', 'flat']] }], prices: { flat: [''] } }] };
}

/** A further version like the last one, from an instant on. */
export function next_version(file: TariffFile, from: string): Version {
	return { ...(JSON.parse(JSON.stringify(file.versions[file.versions.length - 1])) as Version), effective_from: from };
}
