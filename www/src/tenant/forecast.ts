// What a month comes to at the pace of the last days. A guess, shown as one: never a sum of money.
import { days_in_month } from '../shared/time';

/** `so_far` of the month of `today` ("2026-11-22") with `so_far_today` of it; `daily` a day from now on. Whole units of what goes in. */
export function month_forecast(so_far: number, so_far_today: number, daily: number, today: string): number {
	const left = days_in_month(today.slice(0, 7)) - Number(today.slice(8)) + 1;
	return Math.round(Math.max(so_far, so_far - so_far_today + daily * left));
}

/** The mean of the last 7 whole days; null with fewer than 3 of them. `by_day` has a day's amount, or nothing. */
export function pace(by_day: (day: string) => number | null, before: string[]): number | null {
	const known = before.map(by_day).filter((n): n is number => n !== null);
	return known.length < 3 ? null : known.reduce((a, n) => a + n, 0) / known.length;
}
