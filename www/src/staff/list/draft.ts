// What was typed into a form, kept in this tab until it is sent or given up: it outlives a reload and
// the end of a session, and is not seen by the next person who signs in.
import { me } from '../session';
import type { Typed } from './types';

function name_of(form: string): string {
	return `yufu.staff.draft.${me.data?.id ?? 0}.${form}`;
}

export function draft(form: string): Typed | null {
	try {
		return JSON.parse(sessionStorage.getItem(name_of(form)) || 'null') as Typed | null;
	} catch {
		return null;
	}
}

export function draft_keep(form: string, typed: Typed | null): void {
	try {
		if (typed) sessionStorage.setItem(name_of(form), JSON.stringify(typed));
		else sessionStorage.removeItem(name_of(form));
	} catch {
		// storage is full or forbidden: then it is merely forgotten
	}
}
