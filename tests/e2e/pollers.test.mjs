// Several pollers share the buses: evenly, by leases that end, and one that slept through its lease
// can do nothing when it wakes.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { run } from '../support/process.mjs';
import { until, useStack } from './lib.mjs';

const LEASE_MS = 12_000; // core/domain/lease.h
const TAKEN_MS = 15_000; // from the death of a poller until others read its buses, on a quiet machine
const BUSES = 5;
const world = useStack({ pollers: 2, conf: { poller: { name: 'demo', fresh_s: 25 } } });

/** Buses by the name of the poller that holds them now. */
async function held() {
	const rows = await world.stack.sql(`SELECT b.owner, COUNT(*) AS n FROM bus_group b JOIN gateway g ON g.bus_group_id = b.id
		WHERE b.until_at >= UNIX_TIMESTAMP(NOW(3)) * 1000 GROUP BY b.owner`);
	return Object.fromEntries(rows.map((r) => [r.owner, Number(r.n)]));
}

function shared(...wanted) {
	return until(`the buses are held ${wanted}`, async () => {
		const is = Object.values(await held()).sort();
		if (is.join() !== wanted.join()) throw new Error(JSON.stringify(await held()));
		return true;
	}, 60_000, 200);
}

function heldAllBy(name, ms) {
	return until(`${name} holds every bus`, async () => (await held())[name] === BUSES, ms, 100);
}

/** Every meter was read after that moment. */
function readSince(at, ms) {
	return until('every meter is read', async () =>
		(await world.stack.number(`SELECT COUNT(*) FROM meter_state WHERE read_at > ${at}`)) === 370, ms, 500);
}

/** What the watcher is told. */
async function health() {
	const answer = await fetch(`${world.stack.base}/healthz`);
	const body = await answer.json();
	return { status: answer.status, body, parts: Object.fromEntries(Object.entries(body.parts ?? {}).map(([name, p]) => [name, p.status])) };
}
function healthIs(parts, ms = 30_000) {
	return until(`health says ${JSON.stringify(parts)}`, async () => {
		const is = await health();
		assert.equal(is.status, 200);
		assert.deepEqual(is.parts, parts);
		return is;
	}, ms, 500);
}

test('two pollers share five buses', () => shared(2, 3));

test('a poller that is killed leaves its buses to the other', async (t) => {
	const { stack } = world;
	const victim = stack.process('poller');
	victim.stopSignal = 'SIGKILL'; // and nobody starts it again
	await victim.stop();
	const ended = Date.now();
	await heldAllBy('poller2', TAKEN_MS);
	t.diagnostic(`the other holds them after ${Date.now() - ended} ms`);
	await readSince(Date.now(), 90_000);
	victim.stopSignal = 'SIGTERM';
	victim.start();
	await shared(2, 3);
	await readSince(Date.now(), 90_000);
});

test('a poller that is ended gives its buses back at once', async () => {
	const { stack } = world;
	await stack.process('poller').stop();
	assert.equal(await stack.number("SELECT COUNT(*) FROM bus_group WHERE owner = 'demo' AND until_at > 0"), 0);
	await heldAllBy('poller2', LEASE_MS);
	stack.process('poller').start();
	await shared(2, 3);
});

test('a poller that slept through its lease writes nothing when it wakes', async () => {
	const { stack, wire, api } = world;
	const sleeper = stack.process('poller2');
	const log = () => readFileSync(sleeper.log, 'utf8');
	await stack.process('worker').stop(); // so that health has missed it long enough
	const own = await stack.sql("SELECT b.id, b.epoch FROM bus_group b JOIN gateway g ON g.bus_group_id = b.id WHERE b.owner = 'poller2'");
	const before = log().length;
	sleeper.kill('SIGSTOP');
	await heldAllBy('demo', LEASE_MS + TAKEN_MS);
	await readSince(Date.now(), 90_000);
	sleeper.kill('SIGCONT');
	await until('it notices', () => /lease lost|fenced/.test(log().slice(before)), 20_000, 100);
	for (const { id, epoch } of own)
		assert.ok(await stack.number(`SELECT epoch > ${epoch} FROM bus_group WHERE id = ${id}`), `group ${id}`);
	await shared(2, 3);
	await readSince(Date.now(), 90_000);
	// A supply is driven once whoever holds its bus.
	const operator = await api.login('operator');
	const [lit] = await stack.sql(`SELECT m.id, m.code, m.unit, g.code AS gateway FROM meter m JOIN gateway g ON g.id = m.gateway_id
		JOIN supply_point p ON p.id = m.supply_point_id WHERE p.observed = 'on' AND p.switchable AND p.utility = 'electricity'
		AND p.load_class = 'ordinary' AND g.bus_group_id = ${own[0].id} LIMIT 1`);
	const answer = await operator.call('POST', `/meters/${lit.id}/supply`, { body: { action: 'off', reason: 'test' }, key: randomUUID() });
	assert.equal(answer.status, 202, JSON.stringify(answer.body));
	await wire.relay(lit.gateway, Number(lit.unit), 'off', 30_000);
	assert.equal(await stack.number(`SELECT COUNT(*) FROM supply_act WHERE meter_id = ${lit.id}`), 1);
});

test('health tells which part is away, and is no 200 without the database', async () => {
	const { stack } = world;
	const late = await healthIs({ database: 'ok', poller: 'ok', worker: 'failed' }, 90_000);
	assert.match(late.body.parts.worker.why, /no sign/);
	assert.equal(late.body.status, 'degraded');
	await Promise.all(['poller', 'poller2'].map((name) => stack.process(name).stop()));
	assert.match((await healthIs({ database: 'ok', poller: 'failed', worker: 'failed' })).body.parts.poller.why, /held by no poller/);
	await stack.process('mariadb').stop();
	await until('health says no', async () => {
		const { status, body } = await health();
		return status === 503 && body.code === 'unavailable' && body.field === 'database';
	}, 30_000, 200);
	for (const name of ['mariadb', 'poller', 'poller2', 'worker']) stack.process(name).start();
	await healthIs({ database: 'ok', poller: 'ok', worker: 'ok' }, 90_000);
	await until('every row is chained', async () =>
		(await stack.number('SELECT COUNT(*) FROM audit a LEFT JOIN audit_chain c ON c.audit_id = a.id WHERE c.n IS NULL')) === 0, 30_000, 500);
});

test('the books tie', async () => {
	const { stack } = world;
	const env = { ...process.env, YUFU_DATABASE_USER: 'yufu_migrate', YUFU_DATABASE_PASSWORD_FILE: stack.path('keys', 'yufu_migrate') };
	const out = await run(`${stack.bin}/yufu`, ['verify', '--config', stack.confFile], { env });
	assert.deepEqual(JSON.parse(out), [], out);
});
