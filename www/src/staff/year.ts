// A year as months of weeks, Monday first.
import { add_days, days_in_month, weekday } from '../shared/time';

/** The weeks of a month; empty before its first day and after its last one. */
export function month_weeks(month: string): string[][] {
	const first = `${month}-01`;
	const lead = (weekday(first) + 6) % 7;
	const cells = [...Array<string>(lead).fill(''), ...Array.from({ length: days_in_month(month) }, (_, i) => add_days(first, i))];
	while (cells.length % 7) cells.push('');
	return Array.from({ length: cells.length / 7 }, (_, i) => cells.slice(i * 7, i * 7 + 7));
}

/** Days from..to, both included; at most `most` of them, none when they are in the wrong order. */
export function days_between(from: string, to: string, most: number): string[] {
	const days: string[] = [];
	for (let day = from; day <= to && days.length < most; day = add_days(day, 1)) days.push(day);
	return days;
}
