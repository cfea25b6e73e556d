// From what was typed to the body of a request, and what is wrong with it.
import { fen_decimal } from '../../shared/money';
import { typed_fen } from '../../shared/money_sums';
import { site_instant } from '../../shared/time';
import { dig } from './cell';
import type { Field, Row, Typed } from './types';

export interface Wrong { field: string; why: 'missing' | 'bad' }

/** The number of what was picked: a picker keeps "12\tA-101 悦茶". */
export function picked_id(value: string): number {
	return Number(value.split('\t')[0]);
}

const PICKERS = new Set(['account', 'meter', 'contract', 'tenant', 'gateway', 'tariff', 'schedule', 'role']);

/** The JSON value of one field, or undefined when the text is none. */
function value_of(field: Field, text: string): unknown {
	switch (field.kind) {
	case 'yuan': return typed_fen(text) ?? undefined;
	case 'count': return /^-?\d{1,12}$/.test(text.trim()) ? Number(text) : undefined;
	case 'decimal': return /^-?\d{1,12}(\.\d{1,9})?$/.test(text.trim()) ? text.trim() : undefined;
	case 'instant': return site_instant(text) ?? undefined;
	case 'choice': return field.number || field.name.endsWith('_id') ? Number(text) : text;
	case 'clock': return /^\d\d:\d\d$/.test(text) ? Number(text.slice(0, 2)) * 60 + Number(text.slice(3)) : undefined;
	case 'model': return text.split('\t')[0];
	case 'site': return Number(text);
	case 'areas': return text.split(' ').filter(Boolean).map(Number);
	case 'checks':
	case 'words': return text.split(/[\s,，;；]+/).filter(Boolean);
	default: return PICKERS.has(field.kind) ? picked_id(text) || undefined : text.trim();
	}
}

function put(body: Row, name: string, value: unknown): void {
	const parts = name.split('.');
	let at = body;
	for (const part of parts.slice(0, -1)) at = (at[part] ??= {}) as Row;
	at[parts[parts.length - 1]!] = value;
}

function rows_of(field: Field, rows: Record<string, string | boolean>[], row: Row, wrong: Wrong[]): Row[] {
	return rows.filter((r) => Object.values(r).some((v) => v !== '' && v !== false)).map((r, i) => {
		const inner = body_of(field.fields!, r, row);
		for (const w of inner.wrong) wrong.push({ field: `${field.name}.${i}.${w.field}`, why: w.why });
		return inner.body;
	});
}

/** The body, and the fields that are missing or no value of their kind. Empty optional fields are left out. */
export function body_of(fields: Field[], typed: Typed, row: Row): { body: Row; wrong: Wrong[] } {
	const body: Row = {};
	const wrong: Wrong[] = [];
	for (const field of fields) {
		if (field.when && !field.when(typed, row)) continue;
		if (field.in_path) {
			if (!typed[field.name]) wrong.push({ field: field.name, why: 'missing' });
			continue;
		}
		const value = typed[field.name];
		if (Array.isArray(value)) {
			const rows = rows_of(field, value, row, wrong);
			if (rows.length) put(body, field.name, rows);
			else if (field.required) wrong.push({ field: field.name, why: 'missing' });
		} else if (typeof value === 'boolean') put(body, field.name, value);
		else if (!value?.trim()) {
			if (field.required) wrong.push({ field: field.name, why: 'missing' });
			else if (field.none) put(body, field.name, null);
			else if (field.empty !== undefined) put(body, field.name, field.empty);
		} else {
			const made = value_of(field, value);
			if (made === undefined) wrong.push({ field: field.name, why: 'bad' });
			else put(body, field.name, made);
		}
	}
	return { body, wrong };
}

/** What a form shows first: the row's own values where a field asks for them. */
export function first_typed(fields: Field[], row: Row): Typed {
	const typed: Typed = {};
	for (const f of fields) {
		const first = typeof f.initial === 'function' ? f.initial(row) : f.initial;
		if (f.kind === 'rows') typed[f.name] = (Array.isArray(first) ? first : [{}]).map((r: Row) => first_typed_row(f.fields!, r));
		else if (f.kind === 'flag') typed[f.name] = first === true || first === 'true';
		else typed[f.name] = first === null || first === undefined ? '' : String(first);
	}
	return typed;
}

function first_typed_row(fields: Field[], given: Row): Record<string, string | boolean> {
	const typed = first_typed(fields.map((f) => ({ ...f, initial: (row: Row) => dig(row, f.name) ?? (typeof f.initial === 'string' ? f.initial : '') })), given);
	return typed as Record<string, string | boolean>;
}

export const yuan_text = (fen: unknown): string => fen_decimal(Number(fen)).replace(/\.00$/, '');
