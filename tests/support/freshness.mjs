// How many meters are fresher than a minute, watched over time while meters and a gateway fall silent.
import { setTimeout as wait } from 'node:timers/promises';

export const METERS = 370;
const BUSES = 5;
const METERS_A_BUS = METERS / BUSES;

async function fresh(stack) {
	return (await stack.metrics()).yufu_meters_fresh;
}

/** Waits until exactly `expected` meters are fresh, then watches for some seconds. Never on the way may
 * fewer be. The answer is the least and the most that was seen while watching. */
export async function watch(stack, expected, seconds, { settleMs = 150_000 } = {}) {
	const end = Date.now() + settleMs;
	for (let now; (now = await fresh(stack)) !== expected; await wait(250)) {
		if (now < expected) throw new Error(`${now} meters are fresh, ${expected} must be`);
		if (Date.now() > end) throw new Error(`${now} meters are still fresh, ${expected} can be`);
	}
	const seen = { least: expected, most: expected, samples: 0 };
	for (const until = Date.now() + seconds * 1000; Date.now() < until; await wait(250)) {
		const now = await fresh(stack);
		seen.least = Math.min(seen.least, now);
		seen.most = Math.max(seen.most, now);
		seen.samples++;
	}
	return seen;
}

/** The three situations in turn: all well; one silent meter on each bus; one gateway silent as well.
 * together: both faults come at once, which saves the minute until the first is seen. */
export async function* situations(stack, wire, seconds, { together = false } = {}) {
	await stack.allFresh(METERS, 120_000);
	yield { name: 'all answer', expected: METERS, ...(await watch(stack, METERS, seconds)) };

	for (let bus = 1; bus <= BUSES; bus++) await wire.fault({ gateway: `G${bus}`, unit: 30 + bus, kind: 'silent' });
	const silent = METERS - BUSES;
	if (!together)
		yield { name: 'one silent meter on each bus', expected: silent, ...(await watch(stack, silent, seconds)) };

	await wire.fault({ gateway: 'G5', kind: 'silent' });
	const dark = silent - (METERS_A_BUS - 1);
	yield { name: 'one silent meter on each bus, and one gateway silent', expected: dark, ...(await watch(stack, dark, seconds)) };

	await wire.heal();
	await stack.allFresh(METERS, 180_000);
	yield { name: 'all answer again', expected: METERS, ...(await watch(stack, METERS, Math.min(seconds, 10))) };
}
