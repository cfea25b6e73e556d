// Instants come as RFC 3339 UTC; what a person reads is the site's own clock. The phone's own clock may be
// wrong: the server's answers tell by how much.
import { keep, kept } from './store';

const AHEAD = 'yufu.ahead';
const TOLERATED_MS = 60_000;

export const clock = { zone: 'Asia/Shanghai', ahead_ms: Number(kept(AHEAD)) || 0 };

/** Takes the time of an answer (its header Date); a small difference is none. */
export function clock_seen(date: string | null): void {
	const at = date ? Date.parse(date) : NaN;
	if (Number.isNaN(at)) return;
	const ahead = at - Date.now();
	const ahead_ms = Math.abs(ahead) < TOLERATED_MS ? 0 : ahead;
	if (Math.abs(ahead_ms - clock.ahead_ms) < TOLERATED_MS && ahead_ms) return;
	if (ahead_ms !== clock.ahead_ms) keep(AHEAD, ahead_ms ? String(ahead_ms) : null);
	clock.ahead_ms = ahead_ms;
}

/** The present by the server's clock. */
export function right_now(): Date {
	return new Date(Date.now() + clock.ahead_ms);
}

const formats = new Map<string, Intl.DateTimeFormat>();

function format_of(zone: string): Intl.DateTimeFormat {
	let f = formats.get(zone);
	if (!f) {
		f = new Intl.DateTimeFormat('en-GB', {
			timeZone: zone, hour12: false,
			year: 'numeric', month: '2-digit', day: '2-digit',
			hour: '2-digit', minute: '2-digit', second: '2-digit',
		});
		formats.set(zone, f);
	}
	return f;
}

interface Local { day: string; hm: string; hms: string }

function local(at: Date, zone: string): Local {
	const p: Record<string, string> = {};
	for (const part of format_of(zone).formatToParts(at)) p[part.type] = part.value;
	const hour = p.hour === '24' ? '00' : p.hour;
	return { day: `${p.year}-${p.month}-${p.day}`, hm: `${hour}:${p.minute}`, hms: `${hour}:${p.minute}:${p.second}` };
}

/** The site's day, "2026-11-22". */
export function local_day(at = right_now()): string {
	return local(at, clock.zone).day;
}

/** "18:02" today, "11-21 18:02" this year, else with the year; "—" for null. */
export function when(iso: string | null | undefined, now = right_now()): string {
	if (!iso) return '—';
	const then = local(new Date(iso), clock.zone);
	const today = local_day(now);
	if (then.day === today) return then.hm;
	return `${then.day.slice(0, 4) === today.slice(0, 4) ? then.day.slice(5) : then.day} ${then.hm}`;
}

/** "18:07:09" of the site's clock; "" for null. */
export function time_of_day(iso: string | null | undefined): string {
	return iso ? local(new Date(iso), clock.zone).hms : '';
}

/** "2026-11-22 18:07:09" of the site's clock. */
export function full_time(iso: string): string {
	const then = local(new Date(iso), clock.zone);
	return `${then.day} ${then.hms}`;
}

/** The instant at which the site's clock shows `day`T`hm` ("2026-11-22T18:00"), as RFC 3339 UTC. */
export function site_instant(day_hm: string): string | null {
	const as_utc = /^\d{4}-\d\d-\d\dT\d\d:\d\d$/.test(day_hm) ? Date.parse(`${day_hm}:00Z`) : NaN;
	if (Number.isNaN(as_utc)) return null;
	const shown = local(new Date(as_utc), clock.zone);
	const offset = Date.parse(`${shown.day}T${shown.hms}Z`) - as_utc;
	return new Date(as_utc - offset).toISOString();
}

/** The site's clock at an instant as an input of type datetime-local wants it. */
export function site_input(at: Date): string {
	const l = local(at, clock.zone);
	return `${l.day}T${l.hm}`;
}

/** A day `n` days after `day`. */
export function add_days(day: string, n: number): string {
	return new Date(Date.parse(`${day}T00:00:00Z`) + n * 86_400_000).toISOString().slice(0, 10);
}

/** A month `n` months after `month` ("2026-11"). */
export function add_months(month: string, n: number): string {
	const all = Number(month.slice(0, 4)) * 12 + Number(month.slice(5, 7)) - 1 + n;
	return `${String(Math.floor(all / 12)).padStart(4, '0')}-${String((all % 12) + 1).padStart(2, '0')}`;
}

export function days_in_month(month: string): number {
	return new Date(Date.UTC(Number(month.slice(0, 4)), Number(month.slice(5, 7)), 0)).getUTCDate();
}

/** 0 = Sunday. */
export function weekday(day: string): number {
	return new Date(`${day}T00:00:00Z`).getUTCDay();
}

/** Seconds since an instant, at least 0. */
export function age_s(iso: string | null | undefined, now = right_now().getTime()): number | null {
	return iso ? Math.max(0, Math.round((now - Date.parse(iso)) / 1000)) : null;
}
