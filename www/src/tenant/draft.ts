// What was typed and not sent yet, kept in this tab: it outlives a reload and the end of a session. Its name
// holds an account's number, so another person's pages never find it.
import { keep_here, kept_here } from '../shared/store';

const PREFIX = 'yufu.tenant.draft.';

export function draft<T>(name: string): T | null {
	try {
		return JSON.parse(kept_here(PREFIX + name) || 'null') as T | null;
	} catch {
		return null;
	}
}

export function draft_keep(name: string, typed: unknown): void {
	keep_here(PREFIX + name, typed === null ? null : JSON.stringify(typed));
}

export function drafts_forget(): void {
	try {
		for (const name of Object.keys(sessionStorage)) if (name.startsWith(PREFIX)) sessionStorage.removeItem(name);
	} catch {
		// there are none
	}
}
