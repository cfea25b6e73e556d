// JSON of the API as lines that a person reads: names in words where they have one, values as they are.
import { t } from '../words';
import { word } from './cell';

export interface JsonRow { name: string; before: string; after: string; changed: boolean }

/** Dictionaries whose words stand in such values. */
const WORDS = ['purpose', 'setting', 'entry', 'supply_action', 'load_class', 'refund_method', 'staff_role', 'language', 'basis', 'block'];

function value_text(value: unknown): string {
	if (value === null || value === undefined || value === '') return '—';
	if (typeof value === 'boolean') return value ? t.value.yes : t.value.no;
	if (typeof value === 'string') return WORDS.map((w) => word(w, value)).find((text) => text !== value) || value;
	return typeof value === 'number' ? String(value) : JSON.stringify(value);
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
		return { name: name_text(key), before: value_text(was), after: value_text(is), changed: JSON.stringify(was) !== JSON.stringify(is) };
	});
}
