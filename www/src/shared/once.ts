// Idempotency keys. A key belongs to one wish (a scope and what is asked) and stays the same, over
// reloads too, until an answer has arrived: so pressing again after a lost answer never doubles.
import { keep, kept } from './store';

const PREFIX = 'yufu.once.';
const MAX_AGE_MS = 10 * 60_000;

interface Wish { key: string; ask: string; at: number }

export function random_key(): string {
	const bytes = crypto.getRandomValues(new Uint8Array(16));
	return Array.from(bytes, (b) => b.toString(16).padStart(2, '0')).join('');
}

/** The key for asking `ask` in `scope`: the open one of the same wish, else a new one. */
export function open_key(scope: string, ask: string, now = Date.now()): string {
	try {
		const wish = JSON.parse(kept(PREFIX + scope) || 'null') as Wish | null;
		if (wish && wish.ask === ask && now - wish.at < MAX_AGE_MS) return wish.key;
	} catch {
		// unreadable: a new wish
	}
	const key = random_key();
	keep(PREFIX + scope, JSON.stringify({ key, ask, at: now } satisfies Wish));
	return key;
}

/** To be called once a definite answer has arrived. */
export function answered(scope: string): void {
	keep(PREFIX + scope, null);
}
