// What a page does with data that comes from afar: loading, shown, old, failed.
import { reactive } from 'vue';
import { ApiError } from './client';
import { keep, kept } from './store';
import { right_now } from './time';

export interface Loaded<T> {
	data: T | null;
	/** When `data` came, in ms; old when `stale`. */
	at: number | null;
	stale: boolean;
	loading: boolean;
	error: ApiError | null;
	load(): Promise<void>;
}

/** Data of `ask`; with `cache` the last answer is kept in the browser and shown when there is no line,
 * with `early` also until the new one is here. */
export function loaded<T>(ask: () => Promise<T>, cache?: () => string, early = false): Loaded<T> {
	let turn = 0;
	const self: Loaded<T> = reactive({
		data: null, at: null, stale: false, loading: false, error: null, load,
	}) as Loaded<T>;

	async function load(): Promise<void> {
		const mine = ++turn;
		self.loading = true;
		if (early && self.data === null) {
			recall();
			self.stale = false;
		}
		try {
			const data = await ask();
			if (mine !== turn) return;
			self.data = data;
			self.at = right_now().getTime();
			self.stale = false;
			self.error = null;
			if (cache) keep(cache(), JSON.stringify({ at: self.at, data }));
		} catch (e) {
			if (mine !== turn) return;
			self.error = e instanceof ApiError ? e : new ApiError(0, 'internal', String(e));
			if (self.error.unanswered) recall();
		} finally {
			if (mine === turn) self.loading = false;
		}
	}
	function recall(): void {
		self.stale = self.data !== null;
		if (self.data !== null || !cache) return;
		try {
			const old = JSON.parse(kept(cache()) || 'null') as { at: number; data: T } | null;
			if (!old) return;
			self.data = old.data;
			self.at = old.at;
			self.stale = true;
		} catch {
			// unreadable: nothing to show
		}
	}
	return self;
}
