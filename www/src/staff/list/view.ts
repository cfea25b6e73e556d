// How a person likes a list: which columns are hidden, and filters that were given a name. Kept in this
// browser under the person's number.
import { keep, kept } from '../../shared/store';
import { me } from '../session';
import type { Column, ListPage } from './types';

export type Filters = Record<string, string>;
export interface Saved { name: string; filters: Filters }
export interface ListView { hidden: string[]; saved: Saved[] }

export const SAVED_MOST = 20;
export const NAME_MOST = 32;

export function column_key(c: Column): string {
	return c.as || c.name;
}
function place(page: ListPage): string {
	return `yufu.staff.list.${me.data?.id ?? 0}.${page.name}`;
}
const is_text = (v: unknown): v is string => typeof v === 'string';

function parsed(text: string | null): { hidden?: unknown; saved?: unknown } {
	try {
		return (JSON.parse(text || 'null') as object | null) || {};
	} catch {
		return {}; // unreadable: as if nothing were kept
	}
}
/** What is kept, as far as it is anything: columns and filters that are gone are left out. */
export function view_read(page: ListPage, text: string | null): ListView {
	const raw = parsed(text);
	const columns = new Set(page.columns.slice(1).map(column_key));
	const names = new Set((page.filters || []).map((f) => f.name));
	const hidden = Array.isArray(raw.hidden) ? raw.hidden.filter(is_text).filter((c) => columns.has(c)) : [];
	const saved = (Array.isArray(raw.saved) ? raw.saved as Partial<Saved>[] : []).filter((s) => is_text(s?.name) && s.name && s.filters && typeof s.filters === 'object')
		.map((s) => ({ name: s.name!.slice(0, NAME_MOST), filters: Object.fromEntries(Object.entries(s.filters!).filter(([n, v]) => names.has(n) && is_text(v) && v)) as Filters }));
	return { hidden, saved: saved.slice(0, SAVED_MOST) };
}
export function view_of(page: ListPage): ListView {
	return view_read(page, kept(place(page)));
}
export function view_keep(page: ListPage, view: ListView): void {
	keep(place(page), view.hidden.length || view.saved.length ? JSON.stringify(view) : null);
}

/** The columns to show; the first names the row and stays. */
export function columns_of(page: ListPage, view: ListView): Column[] {
	return page.columns.filter((c, i) => i === 0 || !view.hidden.includes(column_key(c)));
}
/** With a filter set added, or put in the place of one of that name; the newest first. */
export function with_saved(view: ListView, one: Saved): ListView {
	return { ...view, saved: [one, ...view.saved.filter((s) => s.name !== one.name)].slice(0, SAVED_MOST) };
}
/** The one that the filters of now are. */
export function same_saved(view: ListView, now: Filters): Saved | undefined {
	const set = Object.entries(now).filter(([, v]) => v);
	return view.saved.find((s) => Object.keys(s.filters).length === set.length && set.every(([n, v]) => s.filters[n] === v));
}
