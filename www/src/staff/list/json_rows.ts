// JSON of the API as lines that a person reads: names in words where they have one, values as they are.
import { fen_yuan, yuan } from '../../shared/money';
import { full_time } from '../../shared/time';
import { t } from '../words';
import { word } from './cell';
import { name_of } from './names';

export interface JsonRow { name: string; before: string; after: string; changed: boolean }

/** Dictionaries whose words stand in such values. */
const WORDS = ['purpose', 'setting', 'entry', 'supply_action', 'load_class', 'refund_method', 'staff_role', 'language', 'basis', 'block'];

/** Billionths as the decimal text that the API writes. */
function nano_text(nano: number): string {
	const digits = String(Math.abs(nano)).padStart(10, '0');
	return `${nano < 0 ? '-' : ''}${digits.slice(0, -9)}.${digits.slice(-9)}`;
}
/** A number whose member says what it is: money, an instant, a thing; null where it does not. */
function number_text(key: string, value: number): string | null {
	if (key.endsWith('_fen')) return fen_yuan(value);
	if (key.endsWith('_nano')) return yuan(nano_text(value));
	if (/(_at|^until)$/.test(key)) return value ? full_time(new Date(value).toISOString()) : '—';
	const kind = /(\w+?)_id$/.exec(key.replace(/^(to|from)_/, ''))?.[1];
	return kind ? value ? name_of(`${kind}:${value}`) : '—' : null;
}
function value_text(key: string, value: unknown): string {
	if (value === null || value === undefined || value === '') return '—';
	if (typeof value === 'number') return number_text(key, value) ?? String(value);
	if (typeof value === 'boolean') return value ? t.value.yes : t.value.no;
	if (typeof value === 'string') return WORDS.map((w) => word(w, value)).find((text) => text !== value) || value;
	return JSON.stringify(value);
}
export function name_text(name: string): string {
	return t.value.col[name] || t.value.field[name] || name;
}
function as_object(value: unknown): Record<string, unknown> | null {
	return value !== null && typeof value === 'object' && !Array.isArray(value) ? (value as Record<string, unknown>) : null;
}

/** What stood before beside what stands after; null where neither is an object. */
export function json_rows(before: unknown, after: unknown): JsonRow[] | null {
	const [a, b] = [as_object(before), as_object(after)];
	if (!a && !b) return null;
	return [...new Set([...Object.keys(a || {}), ...Object.keys(b || {})])].map((key) => {
		const [was, is] = [a?.[key], b?.[key]];
		return { name: name_text(key), before: value_text(key, was), after: value_text(key, is), changed: JSON.stringify(was) !== JSON.stringify(is) };
	});
}
