// Two thousand payment notifies at a time: none is lost, none counts twice, forged ones do nothing.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { faults } from '../support/books.mjs';
import { flood } from './flood.mjs';
import { useStack } from './lib.mjs';

const world = useStack({ fresh: false });
const TOTAL = 2_000;

test(`${TOTAL} notifies, half of them twice, a tenth forged, fifty at a time`, async (t) => {
	const r = await flood(world.stack, TOTAL);
	t.diagnostic(`${Math.round(r.rate)} notifies/s; 95 % within ${Math.round(r.p95)} ms, slowest ${Math.round(r.slowest)} ms; answers ${JSON.stringify(r.statuses)}`);
	assert.deepEqual(Object.keys(r.statuses).filter((s) => Number(s) >= 500), [], 'no 5xx');
	assert.equal(r.forgedTaken, 0);
	assert.equal(r.credited, r.orders, 'none is lost');
	assert.equal(r.entries, r.orders, 'none is double');
	assert.equal(r.kept, 2 * r.orders, 'each genuine arrival is kept');
	assert.ok(r.slowest < 5_000, 'each is answered before the service gives up');
});

test('the books add up', async () => {
	assert.deepEqual(await faults(world.stack), []);
});
