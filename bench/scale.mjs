// What very many meters cost: pollers and a MariaDB of their own beside meters that answer at once.
//   scripts/node bench/scale.mjs --meters 10000 --buses 320 --pollers 1 --seconds 120
// Prints one line of JSON. Every meter is read, settled against its tariff and stored each minute.
import { spawn } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as wait } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { run, until } from '../tests/support/process.mjs';

const ROOT = path.resolve(import.meta.dirname, '..');
const { values: options } = parseArgs({
	options: {
		meters: { type: 'string', default: '10000' },
		buses: { type: 'string', default: '320' },
		pollers: { type: 'string', default: '1' },
		seconds: { type: 'string', default: '120' }, // measured, after every meter was read once
		disk: { type: 'string', default: os.tmpdir() },
		keep: { type: 'boolean', default: false },
	},
});
const METERS = Number(options.meters);
const BUSES = Number(options.buses);
const POLLERS = Number(options.pollers);
const SECONDS = Number(options.seconds);
const dir = mkdtempSync(path.join(options.disk, 'yufu-scale-'));
const socket = path.join(dir, 'db.sock');
const conf = path.join(dir, 'yufu.conf');
const children = [];

const TARIFF = {
	code: 'tou', name: 'tou', utility: 'electricity',
	versions: [{
		effective_from: '2026-01-01T00:00:00+08:00', tier_cycle: 'month', tiers_upto_kwh: ['260', '600'],
		calendar: [{ slots: [['00:00', 'valley'], ['08:00', 'peak'], ['18:00', 'flat']] }],
		prices: { peak: ['1.0987', '1.1487', '1.3987'], flat: ['0.6583', '0.7083', '0.9583'], valley: ['0.312', '0.362', '0.612'] },
	}],
};

function start(name, file, args, more = {}) {
	const log = openSync(path.join(dir, `${name}.log`), 'a');
	const child = spawn(file, args, { stdio: ['pipe', 'pipe', log], ...more });
	children.push(child);
	return child;
}

async function sql(text) {
	return run('mariadb', ['--no-defaults', '--user=root', `--socket=${socket}`, '--batch', '--skip-column-names', 'yufu'], { input: text });
}

async function number(text) {
	return Number(await sql(text));
}

async function database() {
	const template = path.join(ROOT, 'build/mariadb-template');
	await run(path.join(ROOT, 'tests/support/mariadb.sh'), ['template', template]);
	cpSync(template, path.join(dir, 'db'), { recursive: true });
	const server = start('mariadb', existsSync('/usr/sbin/mariadbd') ? '/usr/sbin/mariadbd' : 'mariadbd', [
		'--no-defaults', ...(process.getuid() === 0 ? ['--user=root'] : []), `--datadir=${path.join(dir, 'db')}`, `--socket=${socket}`,
		`--pid-file=${path.join(dir, 'db.pid')}`, '--skip-networking', '--skip-name-resolve', '--character-set-server=utf8mb4',
		'--collation-server=utf8mb4_bin', '--sql-mode=TRADITIONAL', '--innodb-flush-log-at-trx-commit=1',
		'--innodb-buffer-pool-size=3G', '--innodb-log-file-size=1G', '--performance-schema=0',
	]);
	await until('MariaDB answers', () => run('mariadb', ['--no-defaults', '--user=root', `--socket=${socket}`, '-e', 'CREATE DATABASE IF NOT EXISTS yufu CHARACTER SET utf8mb4 COLLATE utf8mb4_bin; SELECT 1']), 60_000);
	return server;
}

/** A contract with a purse for every meter, all on one tariff. */
async function load(port) {
	const perBus = Math.ceil(METERS / BUSES);
	await sql(`INSERT INTO site (id, code, name, zone) VALUES (1, 'S', 'S', 'Asia/Shanghai');
		INSERT IGNORE INTO bus_group (id) SELECT seq FROM seq_1_to_64;
		INSERT INTO gateway (id, code, name, site_id, transport, address, bus_group_id)
			SELECT seq, CONCAT('G', seq), 'G', 1, 'modbus-tcp', '127.0.0.1:${port}', 1 + (seq - 1) % 64 FROM seq_1_to_${BUSES};
		INSERT INTO tariff (id, code, name, utility, doc) VALUES (1, 'tou', 'tou', 'electricity', '${JSON.stringify(TARIFF)}');
		INSERT INTO supply_point (id, code, site_id, utility, switchable) SELECT seq, CONCAT('P', seq), 1, 'electricity', 1 FROM seq_1_to_${METERS};
		INSERT INTO meter (id, code, gateway_id, unit, model, utility, supply_point_id)
			SELECT seq, CONCAT('M', seq), 1 + (seq - 1) DIV ${perBus}, 1 + (seq - 1) % ${perBus}, 'acrel-ddsy1352', 'electricity', seq FROM seq_1_to_${METERS};
		INSERT INTO tenant (id, code, name, site_id) SELECT seq, CONCAT('T', seq), 'T', 1 FROM seq_1_to_${METERS};
		INSERT INTO contract (id, code, tenant_id, start_at) SELECT seq, CONCAT('C', seq), seq, 1 FROM seq_1_to_${METERS};
		INSERT INTO account (id, code, kind, contract_id, purpose, balance_nano)
			SELECT 1000 + seq, CONCAT('purse:', seq, ':electricity'), 'purse', seq, 'electricity', 1000000000000 FROM seq_1_to_${METERS};
		INSERT INTO contract_point (contract_id, supply_point_id, account_id, from_at) SELECT seq, seq, 1000 + seq, 1 FROM seq_1_to_${METERS};
		INSERT INTO meter_tariff (meter_id, from_at, tariff_id) SELECT seq, 1, 1 FROM seq_1_to_${METERS};
		INSERT INTO meter_state (meter_id) SELECT seq FROM seq_1_to_${METERS};
		INSERT INTO gateway_state (gateway_id) SELECT seq FROM seq_1_to_${BUSES};`);
}

/** Processor time in seconds and memory that is its own, in MB. */
function usage(pid) {
	const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').replace(/^.*\) /, '').split(' ');
	const pss = /^Pss:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))[1];
	return { cpu: (Number(fields[11]) + Number(fields[12])) / 100, mb: Number(pss) / 1024 };
}

function sum(pids) {
	return pids.map(usage).reduce((a, b) => ({ cpu: a.cpu + b.cpu, mb: a.mb + b.mb }));
}

async function measure(db, pollers) {
	const pids = pollers.map((p) => p.pid);
	const before = { at: Date.now(), settled: await number('SELECT COUNT(*) FROM settlement'), db: usage(db.pid), poller: sum(pids) };
	const fresh = [];
	while (Date.now() - before.at < SECONDS * 1000) {
		await wait(10_000);
		fresh.push(await number('SELECT COUNT(*) FROM meter_state WHERE read_at > UNIX_TIMESTAMP(NOW(3)) * 1000 - 60000'));
	}
	const s = (Date.now() - before.at) / 1000;
	const after = { settled: await number('SELECT COUNT(*) FROM settlement'), db: usage(db.pid), poller: sum(pids) };
	const share = (x) => Number(((100 * (after[x].cpu - before[x].cpu)) / s).toFixed(1));
	return {
		meters: METERS, buses: BUSES, pollers: POLLERS, seconds: Math.round(s),
		fresh_least: Math.min(...fresh), fresh_most: Math.max(...fresh),
		settled_per_s: Math.round((after.settled - before.settled) / s),
		poller_cpu_percent: share('poller'), poller_mb: Math.round(after.poller.mb),
		mariadb_cpu_percent: share('db'), mariadb_mb: Math.round(after.db.mb),
	};
}

async function main() {
	const meters = start('meters', path.join(ROOT, 'build/bench/meter_server'), []);
	const [port] = await new Promise((resolve) => createInterface({ input: meters.stdout }).once('line', (l) => resolve([Number(l)])));
	const db = await database();
	const settings = `[database]\nsocket=${socket}\nuser=root\nname=yufu\nmigrations=${path.join(ROOT, 'migrations')}\n[poller]\nbuses_max=900\n`;
	writeFileSync(conf, settings, { mode: 0o600 });
	await run(path.join(ROOT, 'build/bin/yufu'), ['migrate', '--config', conf], { cwd: ROOT });
	await load(port);
	const pollers = Array.from({ length: POLLERS }, (_, i) => start(`poller${i + 1}`, path.join(ROOT, 'build/bin/yufu-poller'), ['--config', conf],
		{ env: { ...process.env, YUFU_POLLER_NAME: `poller${i + 1}` } }));
	await until('every meter is read', async () => (await number('SELECT COUNT(*) FROM meter_state WHERE read_at > 0')) === METERS, 300_000, 1000);
	await wait(20_000); // serial numbers are read, too
	process.stdout.write(`${JSON.stringify(await measure(db, pollers))}\n`);
}

try {
	await main();
} finally {
	for (const child of children.reverse()) child.kill('SIGKILL');
	if (options.keep) process.stderr.write(`kept: ${dir}\n`);
	else rmSync(dir, { recursive: true, force: true });
}
