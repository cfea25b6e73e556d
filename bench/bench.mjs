// make bench: a table of what was measured in this run, on a stack of its own.
//   BENCH_ARGS="--recharges 50 --fresh 600 --soak 20"
import { randomUUID } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { spawn, spawnSync } from 'node:child_process';
import os from 'node:os';
import { setTimeout as wait } from 'node:timers/promises';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { flood } from '../tests/e2e/flood.mjs';
import { faults } from '../tests/support/books.mjs';
import { situations } from '../tests/support/freshness.mjs';
import { mall } from '../tests/support/mall_book.mjs';
import { until } from '../tests/support/process.mjs';
import { sheetXml, xlsxOf } from '../tests/support/sheets.mjs';
import { DEMO_PASSWORD, ROOT, Stack } from '../tests/support/stack.mjs';

const { values: options } = parseArgs({
	options: {
		recharges: { type: 'string', default: '50' },
		fresh: { type: 'string', default: '0' }, // seconds in each situation; 600 is the promise
		seeded: { type: 'string', default: '500x60' }, // meters x days of the seeded run; 0 leaves it out
		pages: { type: 'string', default: '5' }, // runs of Lighthouse on each page of the tenants'; 0 leaves it out
		scale: { type: 'string', default: '10000x320x1,100000x3200x4' }, // meters x buses x pollers; empty leaves it out
		bus: { type: 'string', default: '600' }, // seconds on a busy bus, which the promise is of; 0 leaves it out
		notifies: { type: 'string', default: '10000' }, // payment notifies in the flood; 0 leaves it out
		imports: { type: 'string', default: '10000' }, // meters in one workbook; 0 leaves it out
		reports: { type: 'string', default: '1000x365' }, // meters x days; empty leaves it out
		board: { type: 'string', default: '10000' }, // meters on the staff's board; 0 leaves it out
		soak: { type: 'string', default: '0' }, // rounds of kill -9 of each process; 20 is the promise
	},
});
const RECHARGES = Number(options.recharges);
const AMOUNT_FEN = 2000;
const table = [];

function row(what, figure, remark = '') {
	table.push([what, String(figure), remark]);
	process.stderr.write(`bench: ${what}: ${figure} ${remark}\n`);
}

function quantile(sorted, q) {
	return sorted[Math.min(sorted.length - 1, Math.ceil(q * sorted.length) - 1)];
}

function shop(i) {
	const bus = i % 5;
	const unit = 5 + Math.floor(i / 5);
	return { phone: String(13_800_000_000 + bus * 60 + unit), gateway: `G${bus + 1}`, unit };
}

async function api(stack, method, route, { token, body, key } = {}) {
	const answer = await fetch(`${stack.base}/api/v1${route}`, {
		method,
		headers: {
			...(body && { 'content-type': 'application/json' }),
			...(token && { authorization: `Bearer ${token}` }),
			...(key && { 'idempotency-key': key }),
		},
		body: body && JSON.stringify(body),
	});
	const text = await answer.text();
	if (!answer.ok) throw new Error(`${method} ${route}: ${answer.status} ${text}`);
	return text ? JSON.parse(text) : null;
}

async function sim(stack, route, method = 'GET', body) {
	const answer = await fetch(stack.simBase + route, { method, body: body && JSON.stringify(body), headers: body ? { 'content-type': 'application/json' } : {} });
	if (!answer.ok) throw new Error(`${route}: ${answer.status} ${await answer.text()}`);
	return answer.json();
}

/** One dark shop pays; the answer is when its relay was seen closed on the wire. */
async function lightUp(stack, { phone, gateway, unit }) {
	const { access_token: token } = await api(stack, 'POST', '/auth/login', { body: { username: phone, password: DEMO_PASSWORD } });
	const account = (await api(stack, 'GET', '/me/accounts', { token })).items.find((a) => a.purpose === 'electricity');
	const order = await api(stack, 'POST', '/me/orders', { token, key: randomUUID(), body: { account_id: account.id, amount_fen: AMOUNT_FEN, channel: 'wechat_h5' } });
	const ready = order.pay ? order : await until('pay', async () => {
		const now = await api(stack, 'GET', `/me/orders/${order.id}`, { token });
		return now.pay && now;
	});
	const page = await (await fetch(ready.pay.h5_url)).text();
	const form = new URLSearchParams({ token: /name="?token"? value="([^"]+)"/.exec(page)[1], action: 'pay' });
	await (await fetch(`${stack.base}/sandbox/pay`, { method: 'POST', body: form, redirect: 'manual' })).text();
	await until(`${gateway}/${unit} is lit`, async () => (await sim(stack, `/sim/meters/${gateway}/${unit}`)).relay === 'on', 60_000, 10);
	return order.id;
}

/** Processor time of a process, in seconds. */
function cpu(pid) {
	const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').replace(/^.*\) /, '').split(' ');
	return (Number(fields[11]) + Number(fields[12])) / 100;
}

async function recharges(stack) {
	for (let i = 0; i < RECHARGES; i++)
		await until(`shop ${i} is dark`, async () => {
			const { gateway, unit } = shop(i);
			return (await sim(stack, `/sim/meters/${gateway}/${unit}`)).relay === 'off';
		}, 120_000, 100);
	const ids = [];
	for (let i = 0; i < RECHARGES; i++) ids.push(await lightUp(stack, shop(i)));
	const list = ids.join();
	await until('all are read back', async () => (await stack.number(`SELECT COUNT(*) FROM pay_order WHERE id IN (${list}) AND supply_restored_at > 0`)) === ids.length, 30_000, 200);
	const rows = await stack.sql(`SELECT supply_restored_at - credited_at AS ms FROM pay_order WHERE id IN (${list})`);
	const ms = rows.map((r) => Number(r.ms)).sort((a, b) => a - b);
	// The longest request that may be on a bus: the largest model's block at 9600 baud.
	row('accepted notify to relay read back, median', `${quantile(ms, 0.5)} ms`, `${ms.length} recharges, from the database; relay seen closed on the wire each time`);
	row('… 95th percentile', `${quantile(ms, 0.95)} ms`, 'goal: below 1000 ms and the transaction in flight');
	row('… longest', `${ms.at(-1)} ms`);
}

/** A gateway with a meter comes, gets another address, and goes, while all else runs. */
async function changes(stack, turns = 5) {
	const { access_token: token } = await api(stack, 'POST', '/auth/login', { body: { username: 'engineer', password: DEMO_PASSWORD } });
	const [site] = (await api(stack, 'GET', '/sites', { token })).items;
	const put = (method, route, body) => api(stack, method, route, { token, key: randomUUID(), body: { reason: 'bench', ...body } });
	const wire = (bus) => `127.0.0.1:${stack.ports.modbus + bus}`;
	const connections = async (bus) => (await sim(stack, '/sim/wire')).items[bus].connections;
	const took = { added: [], moved: [], gone: [] };
	const timed = async (what, done) => {
		const began = Date.now();
		await until(`a gateway ${what}`, done, 60_000, 10);
		took[what].push(Date.now() - began);
	};
	for (let turn = 0; turn < turns; turn++) {
		const [here, there] = [turn % 5, (turn + 1) % 5];
		const gateway = await put('POST', '/gateways', { code: `bench-g${turn}`, name: 'bench', site: site.code, transport: 'modbus-tcp', address: wire(here) });
		const meter = await put('POST', '/meters', { code: `bench-m${turn}`, gateway: `bench-g${turn}`, unit: '3', model: 'acrel-ddsy1352', role: 'public', billing: 'none' });
		await timed('added', () => stack.number(`SELECT COUNT(*) FROM meter_state WHERE meter_id = ${meter.id} AND read_at > 0`));
		const before = await connections(there);
		await put('PATCH', `/gateways/${gateway.id}`, { address: wire(there) });
		await timed('moved', async () => (await connections(there)) > before);
		await put('PATCH', `/meters/${meter.id}`, { enabled: false });
		await put('PATCH', `/gateways/${gateway.id}`, { enabled: false });
		await timed('gone', async () => (await connections(there)) === before);
	}
	row('a gateway with a meter added, to its first reading', `${Math.max(...took.added)} ms`, `longest of ${turns}, on a bus that others use; goal: 5 s`);
	row('… its address changed, to the new connection', `${Math.max(...took.moved)} ms`, 'goal: 5 s');
	row('… taken out of service, to its connection closed', `${Math.max(...took.gone)} ms`, 'goal: 5 s');
}

/** All readings that are kept, as rows or packed. */
const READINGS = 'SELECT (SELECT COUNT(*) FROM reading) + (SELECT COUNT(*) FROM reading_packing) + (SELECT COALESCE(SUM(n), 0) FROM reading_hour)';

async function load(stack, seconds) {
	const names = ['poller', 'mariadb', 'api', 'worker', 'sim', 'nginx'];
	const before = { at: Date.now(), readings: await stack.number(READINGS), cpu: names.map((n) => cpu(stack.process(n).pid)) };
	await wait(seconds * 1000);
	const s = (Date.now() - before.at) / 1000;
	const readings = (await stack.number(READINGS)) - before.readings;
	row('readings stored', `${(readings / s).toFixed(1)}/s`, `of 370 meters, one at least every 60 s is ${(370 / 60).toFixed(1)}/s`);
	names.forEach((name, i) => {
		const share = (100 * (cpu(stack.process(name).pid) - before.cpu[i])) / s;
		row(`processor share of ${name}`, `${share.toFixed(2)} % of a core`, `over ${Math.round(s)} s, nobody looking`);
	});
	const wire = (await sim(stack, '/sim/wire')).items;
	const busy = wire.map((g) => g.busy_permille / 10);
	row('share of time a bus is in use', `${Math.min(...busy).toFixed(1)} to ${Math.max(...busy).toFixed(1)} %`, 'five buses, 74 meters each, 9600 baud');
}

async function freshness(stack, seconds) {
	const wire = { fault: (f) => sim(stack, '/sim/faults', 'POST', f), heal: () => sim(stack, '/sim/faults', 'DELETE') };
	for await (const s of situations(stack, wire, seconds))
		row(`fresher than 60 s: ${s.name}`, `${s.least} to ${s.most}`, `must be ${s.expected}; ${s.samples} samples over ${seconds} s`);
}

/** Settlement against the same statements without rules, on a database of its own. */
function settlement() {
	const run = spawnSync(path.join(ROOT, 'tests/support/mariadb.sh'), ['run', path.join(ROOT, 'build/bench/settle_bench')], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });
	if (run.status !== 0) throw new Error('settle_bench failed');
	const r = JSON.parse(run.stdout);
	for (const n of [1, 4])
		row(`settlements on ${n} connection${n > 1 ? 's' : ''}`, `${r[`settled_${n}`]}/s`, `${(r[`permille_${n}`] / 10).toFixed(1)} % of ${r[`ceiling_${n}`]}/s, the same statements without rules; goal: 70 %`);
	row('statements of a transaction', r.statements, '100 readings in it');
	row('tariff rule alone', `${r.rule_ns} ns`, 'a reading a minute, rates and tiers');
}

/** One busy bus against what a perfect master could do with it, and what silent meters cost the others. */
function bus(seconds) {
	const run = spawnSync(path.join(ROOT, 'build/bench/bus_bench'), [String(seconds)], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });
	if (run.status !== 0) throw new Error('bus_bench failed');
	const r = JSON.parse(run.stdout);
	const over = `over ${Math.round(r.seconds)} s, noticing it included`;
	row('use of a busy bus, 9600 8N1', `${r.efficiency_percent} %`, `of what a perfect master could do: wire, meters' delays and their pauses; ${r.readings} readings; goal: 97 %`);
	row('requests for a reading of a DDSY1352', String(r.requests_ddsy1352), 'goal: 1');
	row('one silent meter of 70 costs the others', `${r.one_silent_percent} %`, `of their readings, ${over}; goal: below 2 % over 600 s`);
	row('ten silent of 70', `${r.ten_silent_percent} %`, `${over}; goal: below 10 % over 600 s`);
	row('command to relay on a busy bus, 95 %', `${r.command_p95_ms} ms`, `${r.commands} commands; goal: below one turn of the bus (${r.turn_ms} ms) + 100 ms`);
}

/** A flood of payment notifies through nginx, beside what the same database on the same disk commits. */
async function notifies(total) {
	const dir = mkdtempSync('/var/tmp/yufu-bench-');
	const own = new Stack({ dir, say: () => {} });
	try {
		await own.up();
		await own.sql('CREATE TABLE bench_commit (id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY, at_ms BIGINT NOT NULL)');
		const ceiling = () => {
			const run = spawnSync(path.join(ROOT, 'build/bench/commit_bench'), [own.socket, '16', '5'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });
			if (run.status !== 0) throw new Error('commit_bench failed');
			return JSON.parse(run.stdout).per_s;
		};
		const before = ceiling();
		const r = await flood(own, total);
		const after = ceiling();
		const most = Math.max(before, after);
		row('payment notifies', `${Math.round(r.rate)}/s`, `${(100 * r.rate / most).toFixed(1)} % of ${most} single rows made durable a second on the API's 16 connections; ${total} notifies, half of them twice, a tenth forged, 50 at a time`);
		row('… answered within, 95 %', `${Math.round(r.p95)} ms`, `slowest ${Math.round(r.slowest)} ms; services give up after 5 s`);
		const wrong = Object.entries(r.statuses).filter(([s]) => Number(s) >= 500).reduce((n, [, k]) => n + k, 0);
		row('… lost, double, forged and taken, 5xx', `${r.orders - r.credited}, ${r.entries - r.orders}, ${r.forgedTaken}, ${wrong}`, 'goal: none');
		for (const fault of await faults(own)) row('… the books', 'FAILED', fault);
	} finally {
		await own.down({ keep: true });
		rmSync(dir, { recursive: true, force: true });
	}
}

/** A workbook of that many meters, brought in by the command line, and once more when nothing has changed. */
async function imports(meters) {
	const dir = mkdtempSync('/var/tmp/yufu-bench-');
	const own = new Stack({ dir, say: () => {} });
	try {
		await own.up();
		const file = own.path('big.xlsx');
		writeFileSync(file, xlsxOf(Object.fromEntries(Object.entries(mall('BIG', meters, 200, false)).map(([name, rows]) => [name, sheetXml(rows)]))));
		for (const state of ['new', 'same']) {
			const [began, server] = [Date.now(), cpu(own.process('mariadb').pid)];
			const run = spawnSync('bash', ['-c', 'TIMEFORMAT="%U %S"; time "$@"', '-', path.join(own.bin, 'yufu'), '--config', own.confFile, 'import', file],
				{ encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
			if (run.status !== 0) throw new Error(`yufu import: ${run.stdout}`);
			const { counts } = JSON.parse(run.stdout);
			const used = run.stderr.trim().split('\n').at(-1).split(' ').reduce((sum, s) => sum + Number(s), 0);
			row(`a workbook of ${counts.meters[state]} meters, ${state}`, `${((Date.now() - began) / 1000).toFixed(1)} s`,
				`${counts.tenants[state]} tenants, ${counts.purses[state]} purses, in one transaction; processor ${used.toFixed(1)} s, server ${(cpu(own.process('mariadb').pid) - server).toFixed(1)} s`);
		}
	} finally {
		await own.down({ keep: true });
		rmSync(dir, { recursive: true, force: true });
	}
}

/** Raw readings on disk: a server with usual settings, on the disk and not in memory. */
function storage() {
	const run = spawnSync(path.join(ROOT, 'tests/support/mariadb.sh'), ['run', path.join(ROOT, 'build/bench/store_bench')], {
		encoding: 'utf8',
		stdio: ['ignore', 'pipe', 'inherit'],
		env: {
			...process.env,
			TMPDIR: '/var/tmp',
			YUFU_MARIADB_AGAIN: '1',
			YUFU_MARIADB_OPTIONS: '--innodb-buffer-pool-size=512M --innodb-log-file-size=96M --innodb-doublewrite=1'
				+ ' --innodb-buffer-pool-dump-at-shutdown=0 --innodb-buffer-pool-load-at-startup=0',
		},
	});
	if (run.status !== 0) throw new Error('store_bench failed');
	const r = JSON.parse(run.stdout);
	const bytes = (hundredths) => `${(hundredths / 100).toFixed(1)} bytes`;
	const ms = (us) => `${(us / 1000).toFixed(2)} ms`;
	row('a raw reading on disk', bytes(r.disk_per_100), `goal: 20; ${r.readings} of 2,000 meters and 25 hours, indexes and the running hour included`);
	row('… packed', bytes(r.packed_per_100), 'finished hours');
	row('… not yet packed', bytes(r.hot_per_100), `${r.hot_readings} of the running hour`);
	row('written for a raw reading', `${r.pages_written + r.log_written} bytes`, `${r.pages_written} in pages and doublewrite, ${r.log_written} in the log, packing included; from SHOW GLOBAL STATUS`);
	row('readings stored', `${r.stored_per_s}/s`, '200 in a transaction, one connection');
	row('readings packed', `${r.packed_per_s}/s`, 'upkeep after each hour, with its changes of tables');
	row("one meter's day of readings", `${ms(r.day_warm_us)} warm, ${ms(r.day_cold_us)} cold`, 'goal: 3 ms; cold: server started anew, each meter for the first time');
	row("one meter's month by hour", `${ms(r.month_warm_us)} warm, ${ms(r.month_cold_us)} cold`, 'goal: 5 ms');
}

/** Reports over a year of a large site; the server on disk, as big as a server for that is. */
function reports(meters, days) {
	const run = spawnSync(path.join(ROOT, 'tests/support/mariadb.sh'), ['run', path.join(ROOT, 'build/bench/report_bench'), meters, days], {
		encoding: 'utf8',
		stdio: ['ignore', 'pipe', 'ignore'],
		env: { ...process.env, TMPDIR: '/var/tmp', YUFU_MARIADB_OPTIONS: '--innodb-buffer-pool-size=4G --innodb-log-file-size=1G' },
	});
	if (run.status !== 0) throw new Error('report_bench failed');
	const r = JSON.parse(run.stdout);
	for (const one of r.reports)
		row(`report ${one.name}${one.by && ` by ${one.by}`}, ${one.days} days, ${one.format}`, one.refused ? 'refused' : `${(one.ms / 1000).toFixed(1)} s`,
			one.refused ? `${meters} meters; ${one.refused}` : `${meters} meters; processor ${(one.cpu_ms / 1000).toFixed(1)} s, server ${(one.server_cpu_ms / 1000).toFixed(1)} s; ${Math.round(one.bytes / 1024)} KiB`);
	row('memory of the program that made them, at most', `${Math.round(Math.max(...r.reports.map((one) => one.most_kb)) / 1024)} MiB`, `${Math.round(r.before_kb / 1024)} MiB before the first`);
}

/** The staff's board of that many meters, in a browser. */
function board(meters) {
	const run = spawnSync(path.join(ROOT, 'scripts/node'), [path.join(ROOT, 'bench/board.mjs'), '--meters', meters], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });
	if (run.status !== 0) throw new Error('board.mjs failed');
	const r = JSON.parse(run.stdout);
	row(`board of ${meters} meters: main thread for a frame while scrolling, 95 %`, `${r.frame_p95_ms} ms`, `half below ${r.frame_p50_ms} ms; by the clock ${r.frame_wall_p95_ms} ms; ${r.frames} frames, all tiles shown, ${r.drawn} of them in the page; goal: 8 ms`);
	row('… while states change', `${r.live_frame_p95_ms} ms`, `half below ${r.live_frame_p50_ms} ms, at most ${r.live_frame_most_ms} ms; by the clock ${r.live_frame_wall_p95_ms} ms; ${r.live_frames} frames; goal: 8 ms`);
	row('… from the answer to the screen', `${r.update_most_ms} ms at most`, `half below ${r.update_p50_ms} ms; ${r.updates} updates of some hundred meters each; goal: 100 ms`);
	row('… first picture after signing in', `${r.opened_ms} ms`);
}

const SEEDED_MINUTES = 45; // the longest that the seeded run may take

/** A mall of that size through that many simulated days; every invariant after every hour. Whatever
 * comes of it, the rest of the table is printed. */
function seeded(meters, days) {
	const began = Date.now();
	const what = `seeded run, ${meters} meters over ${days} days`;
	const run = spawnSync(path.join(ROOT, 'tests/support/mariadb.sh'), ['run', path.join(ROOT, 'build/tests/db/db_seeded'), '1', meters, days], {
		encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'], timeout: SEEDED_MINUTES * 60_000, killSignal: 'SIGTERM', maxBuffer: 2 ** 26,
	});
	const out = run.stdout ?? '';
	const seed = /SEED=\d+/.exec(out)?.[0] ?? 'no seed';
	const took = `${Math.round((Date.now() - began) / 1000)} s`;
	const late = run.error?.code === 'ETIMEDOUT';
	if (run.status === 0) return row(what, 'all holds', `${seed}; ${/SEED=\d+ (.*), \d+ ms$/m.exec(out)?.[1] ?? ''}; ${took}`);
	process.exitCode = 1;
	row(what, 'FAILED', `${seed}; ${late ? `not done after ${SEEDED_MINUTES} minutes` : (/ERROR: (.*)/.exec(out)?.[1] ?? `exit ${run.status ?? run.signal}`)}; ${took}`);
}

/** Reads of 48 registers for a second of processor time, beside what others would use, turn by turn. */
async function speed(turns = 3, buses = 300, seconds = 4) {
	const server = spawn(path.join(ROOT, 'build/bench/meter_server'), { stdio: ['pipe', 'pipe', 'inherit'] });
	const [port] = await new Promise((resolve) => server.stdout.once('data', (d) => resolve([String(d).trim()])));
	const speedOf = (kind) => [path.join(ROOT, 'build/bench/bus_speed'), kind, port, buses, seconds];
	const peers = {
		'our bus': speedOf('ours'),
		'a bare loop on libmodbus': speedOf('libmodbus'),
		pymodbus: ['/usr/bin/python3', path.join(ROOT, 'bench/peers/pymodbus_loop.py'), port, buses, seconds],
		'modbus-serial for Node': [process.execPath, path.join(ROOT, 'bench/peers/modbus_serial_loop.mjs'), port, buses, seconds],
	};
	const rates = Object.fromEntries(Object.keys(peers).map((name) => [name, []]));
	const perSecond = Object.fromEntries(Object.keys(peers).map((name) => [name, []]));
	try {
		for (let turn = 0; turn < turns; turn++)
			for (const [name, [file, ...args]] of Object.entries(peers)) {
				const run = spawnSync(file, args.map(String), { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });
				if (run.status !== 0) throw new Error(`${name} failed`);
				const r = JSON.parse(run.stdout);
				if (r.failed) throw new Error(`${name}: ${r.failed} reads failed`);
				rates[name].push(r.done / r.cpu);
				perSecond[name].push(r.done / r.seconds);
			}
	} finally {
		server.stdin.end();
	}
	const ratios = (name) => rates['our bus'].map((ours, i) => ours / rates[name][i]).sort((a, b) => a - b);
	const goals = { 'a bare loop on libmodbus': 0.9, pymodbus: 5, 'modbus-serial for Node': 1.5 };
	for (const [name, list] of Object.entries(rates)) {
		const median = (some) => [...some].sort((a, b) => a - b)[Math.floor(turns / 2)];
		const goal = goals[name] && `${ratios(name)[Math.floor(turns / 2)].toFixed(2)} times that is ours; goal: ${goals[name]}`;
		row(`reads for a second of processor time, ${name}`, `${Math.round(median(list))}`,
			`${Math.round(median(perSecond[name]))} in a second; ${goal || `${buses} buses, a thread each, meters that answer at once`}`);
	}
}

/** The tenants' pages as Lighthouse sees them on a slow phone; the figures of the median run. */
function pages(runs) {
	const run = spawnSync(path.join(ROOT, 'scripts/node'), [path.join(ROOT, 'bench/lighthouse/pages.mjs'), '--runs', String(runs)], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });
	if (run.status !== 0) throw new Error('pages.mjs failed');
	for (const r of JSON.parse(run.stdout)) {
		row(`${r.name}, Lighthouse on a phone: performance`, r.performance, `goal: 95, better 98; median of ${runs}: ${r.all.join(' ')}; slow 4G and a slow processor, simulated`);
		row('… accessibility, best practices', `${r.accessibility}, ${r.practices}`, 'goal: 100, 95');
		row('… largest paint', `${(r.lcp / 1000).toFixed(2)} s`, `goal: 1.5 s; shift ${r.cls}`);
		row('… scripts, styles', `${(r.js / 1000).toFixed(1)} kB, ${(r.css / 1000).toFixed(1)} kB`, 'on the wire, headers included; goal: 40, 8');
		row('… requests', r.requests, `goal: 6; ${r.names.join(' ')}`);
	}
}

/** So many meters, each read, settled and stored every minute. */
function scale(meters, buses, pollers) {
	const run = spawnSync(path.join(ROOT, 'scripts/node'), [path.join(ROOT, 'bench/scale.mjs'), '--meters', meters, '--buses', buses, '--pollers', pollers],
		{ encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });
	if (run.status !== 0) throw new Error('scale.mjs failed');
	const r = JSON.parse(run.stdout);
	row(`${meters} meters on ${buses} buses: read within the minute`, `${r.fresh_least} to ${r.fresh_most}`, `${r.settled_per_s} settlements/s over ${r.seconds} s, buses without byte timing`);
	row('… pollers', `${r.poller_cpu_percent} % of a core`, `${r.poller_mb} MB, ${pollers} process${pollers > 1 ? 'es' : ''}${meters === '100000' ? '; goal: below 40 % and 300 MB' : ''}`);
	row('… MariaDB', `${r.mariadb_cpu_percent} % of a core`, `${r.mariadb_mb} MB${meters === '100000' ? '; goal: below 40 %' : ''}`);
}

function machine() {
	const model = /model name\s*: (.*)/.exec(readFileSync('/proc/cpuinfo', 'utf8'))?.[1] ?? 'processor';
	return `${os.cpus().length} × ${model}, ${Math.round(os.totalmem() / 2 ** 30)} GiB, ${new Date().toISOString()}`;
}

function print() {
	const widths = [0, 1].map((i) => Math.max(...table.map((r) => r[i].length)));
	process.stdout.write(`\n${machine()}\n\n`);
	for (const [what, figure, remark] of table)
		process.stdout.write(`${what.padEnd(widths[0])}  ${figure.padStart(widths[1])}  ${remark}\n`);
}

const stack = new Stack({
	say: (text) => process.stderr.write(`${text}\n`),
	conf: {
		poller: { name: 'demo', mass_trip_limit: 1000 },
		limits: { login_per_minute: 0, write_per_minute: 0, read_per_minute: 0 }, // one user asks for all
	},
	editMall: (mall) => {
		for (let i = 0; i < RECHARGES; i++) {
			const tenant = mall.tenants.find((x) => x.phone === shop(i).phone);
			mall.purses.find((p) => p.tenant === tenant.code && p.purpose === 'electricity').opening_balance = '-1.00';
		}
	},
});
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => stack.down().then(() => process.exit(1)));
try {
	const started = Date.now();
	await stack.up();
	row('from nothing to healthy', `${((Date.now() - started) / 1000).toFixed(1)} s`, 'database, keys, demo mall');
	await stack.allFresh();
	row('… to every meter read', `${((Date.now() - started) / 1000).toFixed(1)} s`);
	await load(stack, 60);
	await recharges(stack);
	await changes(stack);
	if (Number(options.fresh)) await freshness(stack, Number(options.fresh));
	const wrong = await faults(stack);
	row('invariants of the books that do not hold', String(wrong.length), wrong.join('; '));
} finally {
	await stack.down();
}
settlement();
if (Number(options.notifies)) await notifies(Number(options.notifies));
if (Number(options.imports)) await imports(Number(options.imports));
if (Number(options.bus)) bus(Number(options.bus));
storage();
await speed();
if (options.reports) reports(...options.reports.split('x'));
if (Number(options.board)) board(options.board);
for (const size of options.scale.split(',').filter(Boolean)) scale(...size.split('x'));
if (Number(options.pages)) pages(Number(options.pages));
if (options.seeded !== '0') seeded(...options.seeded.split('x'));
if (Number(options.soak)) {
	const soak = spawnSync(path.join(ROOT, 'scripts/node'), ['--test-reporter=spec', path.join(ROOT, 'tests/e2e/kill.test.mjs')], {
		env: { ...process.env, YUFU_KILL_ROUNDS: options.soak }, stdio: ['ignore', 'inherit', 'inherit'],
	});
	row(`kill -9 of each of six processes, ${options.soak} times`, soak.status === 0 ? 'passed' : 'FAILED', 'books and supply checked afterwards');
}
print();
