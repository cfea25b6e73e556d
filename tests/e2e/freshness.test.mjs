// Every meter that answers is fresher than a minute, whatever the others do. `make bench` watches the
// same for ten minutes, on wires of 9600 baud and with the settings as shipped.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { situations } from '../support/freshness.mjs';
import { useStack } from './lib.mjs';

const SECONDS = Number(process.env.YUFU_FRESH_SECONDS ?? 5);
const world = useStack({ fresh: false });

test('370 of 370, then 292, then 370 again', async (t) => {
	for await (const s of situations(world.stack, world.wire, SECONDS, { together: true })) {
		t.diagnostic(`${s.name}: ${s.least} to ${s.most} fresh in ${s.samples} samples over ${SECONDS} s`);
		assert.equal(s.least, s.expected, s.name);
		assert.equal(s.most, s.expected, s.name);
	}
});

test('the board tells a silent gateway from silent meters', async () => {
	// All are back: no alarm of silence may stay open.
	const staff = await world.api.login('viewer');
	const open = (await staff.get('/alarms?open=1')).items.map((a) => a.kind);
	assert.ok(!open.includes('gateway_silent') && !open.includes('meter_silent'), `open alarms: ${open}`);
	assert.equal(await world.stack.number("SELECT COUNT(*) FROM alarm WHERE kind = 'gateway_silent'"), 1);
});
