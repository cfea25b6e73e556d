// When to ask again: quickly at first, then calmly.

const PAY_WAITS_S = [1, 1, 2, 3, 5];
const CALM_AFTER_S = 60;
const CALM_WAIT_S = 10;

/** Seconds to wait before asking the n-th time (n from 0) about a payment: 1,1,2,3,5,5,… and 10 after a minute. */
export function pay_wait_s(n: number): number {
	let asked_for = 0;
	let wait = 0;
	for (let i = 0; i <= n; i++) {
		wait = asked_for >= CALM_AFTER_S ? CALM_WAIT_S : PAY_WAITS_S[Math.min(i, PAY_WAITS_S.length - 1)]!;
		asked_for += wait;
	}
	return wait;
}

export interface Poller { stop(): void; now(): void }

/**
 * Calls `ask` at once and again `wait_s(n)` seconds after each answer, until it answers false or stop() is called.
 * Asks at once when the page comes back into view; a second question never starts while one is open.
 */
export function poll(ask: () => Promise<boolean>, wait_s: (n: number) => number): Poller {
	let timer = 0;
	let n = 0;
	let busy = false;
	let again = false;
	let stopped = false;

	async function run(): Promise<void> {
		if (stopped) return;
		if (busy) {
			again = true;
			return;
		}
		clearTimeout(timer);
		busy = true;
		const go_on = await ask().catch(() => true);
		busy = false;
		if (stopped) return;
		if (!go_on) return stop();
		const soon = again;
		again = false;
		timer = window.setTimeout(run, soon ? 0 : wait_s(n++) * 1000);
	}
	function wake(): void {
		if (document.visibilityState === 'visible') void run();
	}
	function stop(): void {
		stopped = true;
		clearTimeout(timer);
		document.removeEventListener('visibilitychange', wake);
		window.removeEventListener('pageshow', wake);
	}

	document.addEventListener('visibilitychange', wake);
	window.addEventListener('pageshow', wake);
	void run();
	return { stop, now: () => void run() };
}
