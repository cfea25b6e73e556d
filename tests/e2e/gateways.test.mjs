// Gateways through the whole platform: one is changed to dial in while all run, one is lost and comes
// back, a meter is taken off and put back, and a clock goes wrong.
import assert from 'node:assert/strict';
import net from 'node:net';
import { test } from 'node:test';
import { faults } from '../support/books.mjs';
import { until, useStack } from './lib.mjs';

/** A port that nobody has. */
function freePort() {
	return new Promise((resolve) => {
		const server = net.createServer().listen(0, '127.0.0.1', () => {
			const { port } = server.address();
			server.close(() => resolve(port));
		});
	});
}

const dial = await freePort();
const world = useStack({
	conf: {
		poller: { name: 'demo', dial_in_listen: `127.0.0.1:${dial}` },
		sim: { dial_in: `127.0.0.1:${dial}`, dial_in_G2: 'DTU-0002', dial_heartbeat_ms: 500, dial_redial_ms: 200 },
	},
});

const number = (sql) => world.stack.number(sql);
const gatewayId = (code) => number(`SELECT id FROM gateway WHERE code = '${code}'`);
const readSince = (code, at) => number(`SELECT COUNT(*) FROM meter_state s JOIN meter m ON m.id = s.meter_id JOIN gateway g ON g.id = m.gateway_id WHERE g.code = '${code}' AND m.enabled AND s.read_at > ${at}`);
const openAlarms = (kind, code) => number(`SELECT COUNT(*) FROM alarm WHERE kind = '${kind}' AND object_code LIKE '${code}' AND cleared_at = 0`);

async function metric(line) {
	const text = await (await fetch(`${world.stack.base}/metrics`)).text();
	return Number(text.split('\n').find((l) => l.startsWith(`${line} `))?.split(' ')[1]);
}

test('a gateway is changed to dial in, and nobody else notices', async (t) => {
	const { stack } = world;
	const transactions = (where) => number(`SELECT MIN(s.transactions) FROM gateway_state s JOIN gateway g ON g.id = s.gateway_id WHERE g.code ${where}`);
	const others = await transactions("<> 'G2'");
	const before = await transactions("= 'G2'"); // a bus that is begun anew counts from 0
	const changed = Date.now();
	await stack.sql("UPDATE gateway SET transport = 'dial-in', address = 'DTU-0002', heartbeat = 'ping' WHERE code = 'G2'");
	await until('the first reading over it', async () => (await transactions("= 'G2'")) < before && (await readSince('G2', changed + 1000)) > 0, 30_000, 100);
	t.diagnostic(`${Date.now() - changed} ms from the change to a reading`);
	await until('all of its meters are read', async () => (await readSince('G2', changed + 5000)) === 74, 120_000, 200);
	assert.ok((await stack.metrics()).yufu_meters_fresh === 370);
	// Their buses were not begun anew: what they have counted goes on.
	assert.ok((await transactions("<> 'G2'")) >= others);
	assert.equal(await openAlarms('gateway_silent', '%'), 0);
	assert.equal(await openAlarms('identity_changed', '%'), 0);
	const staff = await world.api.login('viewer');
	const g2 = (await staff.get('/gateways')).items.find((g) => g.code === 'G2');
	assert.equal(g2.transport, 'dial-in');
	assert.ok(g2.answer_ms.p50 > 0 && g2.answer_ms.p50 <= g2.answer_ms.p99);
});

test('a meter is taken off a bus and put back', async () => {
	const { stack } = world;
	const id = await number("SELECT m.id FROM meter m JOIN gateway g ON g.id = m.gateway_id WHERE g.code = 'G2' AND m.unit = '7'");
	await stack.sql(`UPDATE meter SET enabled = 0 WHERE id = ${id}`);
	let last;
	await until('it is read no more', async () => {
		const at = await number(`SELECT read_at FROM meter_state WHERE meter_id = ${id}`);
		await stack.sql(`UPDATE meter_state SET read_wanted_at = ${Date.now()} WHERE meter_id = ${id}`);
		await until('a second reading of the others', async () => (await readSince('G2', Date.now() - 1000)) > 0, 20_000, 100);
		const same = last === at;
		last = at;
		return same;
	}, 60_000, 500);
	await stack.sql(`UPDATE meter SET enabled = 1 WHERE id = ${id}`);
	await until('it is read again', async () => (await number(`SELECT read_at FROM meter_state WHERE meter_id = ${id}`)) > last, 60_000, 200);
	assert.equal((await metric('yufu_dial_in_total{outcome="refused"}')), 0);
});

test('a lost gateway is one alarm and one outage', async () => {
	const id = await gatewayId('G3');
	const lost = Date.now();
	const staff = await world.api.login('viewer');
	await world.wire.fault({ gateway: 'G3', kind: 'silent' });
	await until('the alarm', async () => (await openAlarms('gateway_silent', 'G3')) === 1, 120_000, 200);
	const [open] = (await staff.get(`/gateways/${id}/outages`)).items;
	assert.equal(open.until_at, null);
	assert.ok(Date.parse(open.from_at) >= lost - 300_000 && Date.parse(open.from_at) <= Date.now());
	await world.wire.heal();
	await until('its end', async () => (await openAlarms('gateway_silent', 'G3')) === 0, 60_000, 200);
	await until('all are read again', async () => (await readSince('G3', lost + 1000)) === 74, 120_000, 200);
	const after = (await staff.get(`/gateways/${id}/outages`)).items;
	assert.equal(after.length, 1);
	assert.ok(Date.parse(after[0].until_at) > Date.parse(after[0].from_at));
	assert.equal(await number(`SELECT COUNT(*) FROM alarm WHERE kind = 'meter_silent' AND raised_at >= ${lost}`), 0);
	assert.ok((await metric('yufu_bus_faults_total{gateway="G3",kind="silent"}')) > 0);
	assert.deepEqual(await faults(world.stack), []);
});

test('a clock that goes wrong is told, and one that is right again is told no more', async () => {
	const id = await number("SELECT m.id FROM meter m JOIN gateway g ON g.id = m.gateway_id WHERE g.code = 'G1' AND m.unit = '3'");
	const severity = async () => (await world.stack.sql(`SELECT severity FROM alarm WHERE kind = 'clock_drift' AND object_id = ${id} AND cleared_at = 0`)).map((r) => r.severity);
	await world.wire.set('G1', 3, { clock_off_s: 4000 });
	await until('an urgent alarm', async () => (await severity()).join() === 'urgent', 120_000, 200);
	await world.wire.set('G1', 3, { clock_off_s: 0 });
	await until('its end', async () => (await severity()).length === 0, 120_000, 200);
});
