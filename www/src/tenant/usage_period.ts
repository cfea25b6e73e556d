// Periods of use: a day by hours ("2026-11-22"), a month by days ("2026-11"), a year by months ("2026").
import type { Step } from '../shared/api';
import { add_days, add_months, days_in_month } from '../shared/time';

const LENGTH: Record<Step, number> = { hour: 10, day: 7, month: 4 };

/** Is this text a period of the step? Addresses are typed by people. */
export function is_period(step: Step, at: string): boolean {
	return at.length === LENGTH[step] && /^\d{4}(-(0[1-9]|1[0-2])(-(0[1-9]|[12]\d|3[01]))?)?$/.test(at);
}

/** First and last day. */
export function range_of(step: Step, at: string): { from: string; to: string } {
	if (step === 'hour') return { from: at, to: at };
	if (step === 'day') return { from: `${at}-01`, to: `${at}-${days_in_month(at)}` };
	return { from: `${at}-01-01`, to: `${at}-12-31` };
}

/** The period `n` later. */
export function moved(step: Step, at: string, n: number): string {
	if (step === 'hour') return add_days(at, n);
	if (step === 'day') return add_months(at, n);
	return String(Number(at) + n);
}

/** The period of another step that shows the same time, or the end of it. */
export function period_as(next: Step, at: string, today: string): string {
	if (today.startsWith(at)) return today.slice(0, LENGTH[next]);
	const month = at.length === 4 ? `${at}-12` : at.slice(0, 7);
	if (next === 'hour') return at.length === 10 ? at : `${month}-${days_in_month(month)}`;
	return month.slice(0, LENGTH[next]);
}

/** Labels of all its parts, so that missing ones show as gaps. */
export function labels(step: Step, at: string): string[] {
	const two = (n: number) => String(n).padStart(2, '0');
	if (step === 'hour') return Array.from({ length: 24 }, (_, h) => `${at}T${two(h)}`);
	if (step === 'day') return Array.from({ length: days_in_month(at) }, (_, d) => `${at}-${two(d + 1)}`);
	return Array.from({ length: 12 }, (_, m) => `${at}-${two(m + 1)}`);
}

/** A part as a person reads it: "13:00", "11-22", "2026-11". */
export function part_name(step: Step, label: string): string {
	if (step === 'hour') return `${label.slice(11)}:00`;
	return step === 'day' ? label.slice(5) : label;
}

/** What stands under the i-th bar. */
export function tick(step: Step, i: number): string {
	if (step === 'hour') return i % 6 === 0 ? String(i) : '';
	if (step === 'day') return i === 0 || (i + 1) % 5 === 0 ? String(i + 1) : '';
	return String(i + 1);
}
