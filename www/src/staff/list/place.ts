// Where a person is, in the address: what is filtered, which row is open, what is being done to it. So
// the back button, a reload and a new sign-in lead back to it.
import { go, route } from '../../shared/router';

/** Path and query of the present page. */
export function here(): string {
	return route.path + location.search;
}

/** Changes parts of the query; null removes. Opening something can be undone by the back button. */
export function turn_to(changes: Record<string, string | number | null | undefined>, replace = false): void {
	const all = new URLSearchParams(location.search);
	for (const [name, value] of Object.entries(changes)) {
		if (value === null || value === undefined || value === '') all.delete(name);
		else all.set(name, String(value));
	}
	const text = all.toString();
	go(route.path + (text ? `?${text}` : ''), replace);
}
