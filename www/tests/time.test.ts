import { describe, expect, it } from 'vitest';
import { add_days, add_months, clock, clock_seen, days_in_month, local_day, right_now, site_input, site_instant, time_of_day, weekday, when } from '../src/shared/time';

describe('the clock of the site', () => {
	it('tells the day there, not here', () => {
		expect(local_day(new Date('2026-11-22T15:59:59Z'))).toBe('2026-11-22');
		expect(local_day(new Date('2026-11-22T16:00:00Z'))).toBe('2026-11-23');
	});
	it('shows as little as is needed', () => {
		const now = new Date('2026-11-22T10:30:00Z');
		expect(when('2026-11-22T10:02:03.123Z', now)).toBe('18:02');
		expect(when('2026-11-21T10:02:03Z', now)).toBe('11-21 18:02');
		expect(when('2025-11-21T10:02:03Z', now)).toBe('2025-11-21 18:02');
		expect(when(null, now)).toBe('—');
		expect(time_of_day('2026-11-22T16:00:00Z')).toBe('00:00:00');
	});
	it('goes from the site\'s clock to the instant and back', () => {
		expect(site_instant('2026-11-23T02:30')).toBe('2026-11-22T18:30:00.000Z');
		expect(site_input(new Date('2026-11-22T18:30:00Z'))).toBe('2026-11-23T02:30');
		expect(site_instant('nonsense')).toBeNull();
	});
	it('counts days and months', () => {
		expect(add_days('2026-03-01', -1)).toBe('2026-02-28');
		expect(add_days('2024-02-28', 1)).toBe('2024-02-29');
		expect(add_months('2026-01', -1)).toBe('2025-12');
		expect(add_months('2026-11', 2)).toBe('2027-01');
		expect([days_in_month('2026-02'), days_in_month('2024-02')]).toEqual([28, 29]);
		expect(weekday('2026-11-22')).toBe(0);
	});
});

describe('the phone\'s clock', () => {
	const header = (ms: number) => new Date(ms).toUTCString();
	it('is corrected by the server\'s when it is wrong, and left alone when it is not', () => {
		clock_seen(header(Date.now() + 400 * 86_400_000));
		expect(Math.round((right_now().getTime() - Date.now()) / 86_400_000)).toBe(400);
		expect(localStorage.getItem('yufu.ahead')).not.toBeNull();
		clock_seen(header(Date.now() + 5_000));
		expect(clock.ahead_ms).toBe(0);
		expect(localStorage.getItem('yufu.ahead')).toBeNull();
	});
	it('is not judged by an answer without a time', () => {
		clock_seen(null);
		clock_seen('nonsense');
		expect(clock.ahead_ms).toBe(0);
	});
});
