// The whole platform on one machine, in one directory: a private MariaDB, the simulated mall, poller,
// worker, API and nginx. `make run` shows it to people, every end-to-end test starts one of its own.
import { createHash, randomBytes, randomInt } from 'node:crypto';
import {
	chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, renameSync, rmSync, statSync,
	writeFileSync,
} from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { Process, run, until } from './process.mjs';

export const ROOT = path.resolve(import.meta.dirname, '../..');

/** Password of every login of the demo; made for the demo only. */
export const DEMO_PASSWORD = 'yufu-demo';

const DATABASE_USERS = ['yufu_migrate', 'yufu_api', 'yufu_poller', 'yufu_worker'];
const BUSES = 5;
const SOCKET_PATH_MAX = 90; // sun_path holds 107 bytes

export class Stack {
	/** @param {{dir?: string, port?: number, bin?: string, say?: Function, conf?: object, env?: object,
	 *    editMall?: (mall: object) => void, poolMb?: number, historyDays?: number, pollers?: number, tls?: boolean | object,
	 *    modem?: object}} options
	 * dir: where everything lives (default: a new temporary one) · conf: further settings, by section ·
	 * env: further environment of every program · say: told what happens · editMall: changes the demo
	 * mall before it is loaded, once · poolMb: of the database · historyDays: of use before the start ·
	 * pollers: how many share the buses; named poller, poller2, … · tls: also the site as it is shipped,
	 * with a certificate of the test's own authority; an object holds further settings of it ·
	 * modem: a GSM modem with its daemon beside the worker (tests/e2e/modem.mjs) · prefix: the path that phones
	 * reach the site by, as "/yufu"; it is at the root as well */
	constructor(options = {}) {
		this.temporary = !options.dir;
		this.dir = options.dir ? path.resolve(options.dir) : temporaryDir();
		this.bin = options.bin ?? process.env.YUFU_BIN_DIR ?? path.join(ROOT, 'build/bin');
		this.say = options.say ?? (() => {});
		this.extraConf = options.conf ?? {};
		this.extraEnv = options.env ?? {};
		this.wantedPort = options.port ?? 0;
		this.poolMb = options.poolMb ?? 128;
		this.editMall = options.editMall;
		this.historyDays = options.historyDays ?? 0;
		this.pollers = options.pollers ?? 1;
		this.tls = options.tls ?? false;
		this.modem = options.modem;
		this.prefix = options.prefix ?? '';
		this.processes = new Map();
		this.stopping = false;
	}

	// ---- places -------------------------------------------------------------------------------

	path(...parts) {
		return path.join(this.dir, ...parts);
	}

	get socket() {
		return path.join(this.sockets, 'db.sock');
	}

	get confFile() {
		return this.path('yufu.conf');
	}

	/** Address of nginx. */
	get base() {
		return `http://127.0.0.1:${this.ports.nginx}`;
	}

	/** Address of the site as it is shipped, with TLS; its certificate names it so. */
	get tlsBase() {
		return `https://localhost:${this.ports.tls}`;
	}

	/** Address of yufu-sim's HTTP side: fault control and truth of the wire, for tests. */
	get simBase() {
		return `http://127.0.0.1:${this.ports.sim}`;
	}

	process(name) {
		return this.processes.get(name);
	}

	// ---- up and down --------------------------------------------------------------------------

	async up() {
		try {
			await this.#prepare();
			await this.#startDatabase();
			await this.#migrate();
			await this.#startModem();
			await this.#startPrograms();
			await this.#waitHealthy();
		} catch (error) {
			this.#explain();
			await this.down({ keep: true });
			throw error;
		}
		return this;
	}

	async #prepare() {
		for (const dir of ['', 'log', 'keys', 'sim']) mkdirSync(this.path(dir), { recursive: true, mode: 0o700 });
		this.sockets = this.dir.length <= SOCKET_PATH_MAX ? this.dir : shortDir(this.dir);
		this.ports = await this.#choosePorts();
		const keys = this.path('keys');
		if (this.temporary) await copyKeys(this.#program('yufu-sim'), keys);
		await run(this.#program('yufu-sim'), ['--make-keys', keys]);
		for (const user of DATABASE_USERS) secretFile(this.path('keys', user));
		const sandbox = await run(this.#program('yufu-sim'), ['--print-settings', keys, this.simBase, this.base]);
		writePrivate(this.confFile, `${sandbox}\n${confText(this.#settings())}`);
		await this.#nginxConf('nginx', {
			LISTEN_PLAIN: `127.0.0.1:${this.ports.nginx}`, // demo logins are public: this machine only
			SANDBOX_PORT: this.ports.sim,
			PREFIX: this.prefix,
		});
		if (this.tls) await this.#prepareTls();
	}

	#program(name) {
		const file = path.join(this.bin, name);
		if (!existsSync(file)) throw new Error(`${file} is not built`);
		return file;
	}

	async #choosePorts() {
		const file = this.path('ports.json');
		const ports = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : await freePorts();
		if (this.wantedPort) ports.nginx = this.wantedPort;
		for (const port of [ports.nginx, ports.sim, ...range(ports.modbus, BUSES)])
			if (!(await isFree(port)))
				throw new Error(`port ${port} is in use${port === this.wantedPort ? '; choose another: PORT=' : ''}`);
		writeFileSync(file, JSON.stringify(ports));
		return ports;
	}

	/** Our own settings; those that join the platform to the sandbox are printed by yufu-sim. */
	#settings() {
		const settings = {
			// The command line's own user; each daemon gets its own through its environment.
			database: {
				socket: this.socket,
				name: 'yufu',
				user: 'yufu_migrate',
				password_file: this.path('keys', 'yufu_migrate'),
				migrations: path.join(ROOT, 'migrations'),
			},
			jwt: { key_file: this.path('keys', 'jwt_key') },
			api: { listen: path.join(this.sockets, 'api.sock'), threads: 16 },
			poller: { name: 'demo' },
			sim: {
				http_listen: `127.0.0.1:${this.ports.sim}`,
				modbus_base_port: this.ports.modbus,
				buses: BUSES,
				state_dir: this.path('sim'),
			},
		};
		if (this.prefix) settings.site = { base: this.base + this.prefix };
		if (this.modem) settings.gammu = { database: 'smsd' };
		for (const [section, values] of Object.entries(this.extraConf))
			settings[section] = { ...settings[section], ...values };
		return settings;
	}

	/** The settings of an nginx, printed by the script that an administrator would use. */
	async #nginxConf(name, settings) {
		mkdirSync(this.path(name), { recursive: true, mode: 0o700 });
		const all = {
			RUN: this.path(name),
			LOG: this.path(name, 'access.log'),
			WWW: path.join(ROOT, 'www/dist'),
			API_SOCKET: path.join(this.sockets, 'api.sock'),
			// As root, workers must still be able to read a checkout that only root can.
			USER: process.getuid() === 0 ? 'root' : '',
			...settings,
		};
		const file = this.path(`${name}.env`);
		writePrivate(file, Object.entries(all).map(([key, value]) => `${key}=${value}\n`).join(''));
		writePrivate(this.path(`${name}.conf`), await run(path.join(ROOT, 'scripts/nginx-site.sh'), ['--whole', file]));
	}

	/** A throw-away authority, a certificate for localhost, and the site with both. */
	async #prepareTls() {
		const keys = (name) => this.path('keys', name);
		const openssl = (...args) => run('openssl', args);
		const request = (name, subject, ...more) => openssl('req', '-newkey', 'rsa:2048', '-nodes', '-keyout', keys(`${name}.key`),
			'-subj', `/CN=${subject}`, ...more);
		await request('tls_ca', 'test authority', '-x509', '-days', '2', '-out', keys('tls_ca.pem'));
		await request('tls', 'localhost', '-out', keys('tls.csr'));
		writePrivate(keys('tls.ext'), 'subjectAltName=DNS:localhost,IP:127.0.0.1\n');
		await openssl('x509', '-req', '-in', keys('tls.csr'), '-CA', keys('tls_ca.pem'), '-CAkey', keys('tls_ca.key'),
			'-CAcreateserial', '-days', '2', '-extfile', keys('tls.ext'), '-out', keys('tls.pem'));
		await this.#nginxConf('nginx-tls', {
			BASE: this.tlsBase,
			CERTIFICATE: keys('tls.pem'),
			CERTIFICATE_KEY: keys('tls.key'),
			LISTEN_TLS: `127.0.0.1:${this.ports.tls}`,
			LISTEN_HTTP: `127.0.0.1:${this.ports.http}`,
			...(this.tls === true ? {} : this.tls),
		});
	}

	#supervise(name, file, args, options = {}) {
		const p = new Process({
			name,
			file,
			args,
			log: this.path('log', `${name}.log`),
			cwd: this.dir,
			onExit: (_, why) => this.say(`${name} ended (${why}), starting it again`),
			...options,
		});
		this.processes.set(name, p);
		return p.start();
	}

	// ---- database -----------------------------------------------------------------------------

	async #startDatabase() {
		const data = this.path('db');
		if (!existsSync(data)) {
			const template = process.env.YUFU_MARIADB_TEMPLATE ?? path.join(ROOT, 'build/mariadb-template');
			await run(path.join(ROOT, 'tests/support/mariadb.sh'), ['template', template]);
			rmSync(`${data}.new`, { recursive: true, force: true });
			cpSync(template, `${data}.new`, { recursive: true });
			renameSync(`${data}.new`, data);
		}
		this.#supervise('mariadb', this.#mariadbd(), [
			'--no-defaults',
			...(process.getuid() === 0 ? ['--user=root'] : []),
			`--datadir=${data}`,
			`--tmpdir=${data}`, // a server that starts removes the temporary tables of all others there
			`--socket=${this.socket}`,
			`--pid-file=${this.path('db.pid')}`,
			'--skip-networking',
			'--skip-name-resolve',
			'--character-set-server=utf8mb4',
			'--collation-server=utf8mb4_bin',
			'--sql-mode=TRADITIONAL',
			'--transaction-isolation=READ-COMMITTED',
			'--innodb-flush-log-at-trx-commit=1',
			`--innodb-buffer-pool-size=${this.poolMb}M`,
			'--innodb-log-file-size=64M',
			'--max-connections=200',
			'--performance-schema=0',
		], { stopMs: 30_000 });
		await until('MariaDB answers', () => this.sql('SELECT 1'), 60_000);
		await this.#createUsers();
	}

	#mariadbd() {
		for (const dir of ['/usr/sbin', ...(process.env.PATH ?? '').split(':')])
			if (existsSync(path.join(dir, 'mariadbd'))) return path.join(dir, 'mariadbd');
		throw new Error('mariadbd is not installed');
	}

	async #createUsers() {
		const users = DATABASE_USERS.map((user) => {
			const password = readFileSync(this.path('keys', user), 'utf8');
			return `CREATE USER IF NOT EXISTS '${user}'@'localhost';
				ALTER USER '${user}'@'localhost' IDENTIFIED BY '${password}';`;
		});
		await this.sql(`CREATE DATABASE IF NOT EXISTS yufu CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
			${users.join('\n')}
			GRANT ALL ON yufu.* TO 'yufu_migrate'@'localhost' WITH GRANT OPTION;
			GRANT CREATE USER ON *.* TO 'yufu_migrate'@'localhost';`, { database: '' });
	}

	/** Statements as root, by MariaDB's own client. The answer is the rows of the result (all values
	 * are texts, NULL is null). */
	async sql(text, { database = 'yufu' } = {}) {
		const args = ['--no-defaults', '--user=root', `--socket=${this.socket}`,
			'--default-character-set=utf8mb4', '--batch', '--connect-timeout=5'];
		if (database && text !== 'SELECT 1') args.push(database);
		const out = await run('mariadb', args, { input: text });
		return parseBatch(out);
	}

	/** The single value of a statement, as a number. */
	async number(text) {
		const rows = await this.sql(text);
		return Number(Object.values(rows[0] ?? { none: NaN })[0]);
	}

	async #migrate() {
		const env = this.#env('yufu_migrate');
		const yufu = this.#program('yufu');
		await run(yufu, ['migrate', '--config', this.confFile], { env, cwd: ROOT });
		if (existsSync(this.path('demo-loaded'))) return;
		this.say('loading the demo mall');
		const text = await run(this.#program('yufu-sim'), ['--config', this.confFile, '--mall', '--history', String(this.historyDays)], { env });
		const mall = JSON.parse(text);
		this.editMall?.(mall);
		writePrivate(this.path('mall.json'), JSON.stringify(mall));
		await run(yufu, ['demo', 'load', this.path('mall.json'), '--config', this.confFile], { env, cwd: ROOT });
		writeFileSync(this.path('demo-loaded'), '');
	}

	/** A login for a member of staff, as an administrator at the machine would add it. */
	async addStaff(name, role, password) {
		await run(this.#program('yufu'), ['user', 'add', name, '--role', role, '--config', this.confFile],
			{ input: `${password}\n`, env: this.#env('yufu_migrate'), cwd: ROOT });
	}

	/** The command line, as the worker's user. */
	yufu(...args) {
		return run(this.#program('yufu'), [...args, '--config', this.confFile], { env: this.#env('yufu_worker'), cwd: ROOT });
	}

	// ---- programs -----------------------------------------------------------------------------

	/** Our environment passes through, so that YUFU_* can name another stand-in of a service. */
	#env(databaseUser) {
		return {
			...process.env,
			...this.extraEnv,
			YUFU_DATABASE_USER: databaseUser,
			YUFU_DATABASE_PASSWORD_FILE: this.path('keys', databaseUser),
		};
	}

	async #startPrograms() {
		const config = ['--config', this.confFile];
		this.#supervise('sim', this.#program('yufu-sim'), config, { env: { ...process.env, ...this.extraEnv } });
		await until('the simulated mall answers', () => fetch(`${this.simBase}/sim/wire`).then((r) => r.ok));
		for (const name of ['poller', 'worker', 'api'])
			this.#supervise(name, this.#program(`yufu-${name}`), config, { env: this.#env(`yufu_${name}`) });
		for (let i = 2; i <= this.pollers; i++)
			this.#supervise(`poller${i}`, this.#program('yufu-poller'), config, {
				env: { ...this.#env('yufu_poller'), YUFU_POLLER_NAME: `poller${i}` },
			});
		for (const name of this.tls ? ['nginx', 'nginx-tls'] : ['nginx'])
			this.#supervise(name, nginxProgram(), [
				'-p', this.path(name), '-c', this.path(`${name}.conf`), '-e', this.path('log', `${name}.log`),
				'-g', 'daemon off;',
			], { deathSignal: 'TERM' }); // its workers outlive a master that is killed outright
	}

	/** The daemon finds its modem there, and the worker its rights. */
	async #startModem() {
		if (!this.modem) return;
		mkdirSync(this.path('modem'), { recursive: true, mode: 0o700 });
		this.modem.place({ dir: this.path('modem'), socket: this.socket });
		await this.modem.createDatabase((text) => this.sql(text, { database: '' }));
		this.#supervise('modem', ...this.modem.modemCommand);
		await until('the modem is there', () => existsSync(this.modem.path('tty')));
		this.#supervise('smsd', ...this.modem.daemonCommand, { stopMs: 1000 });
	}

	async #waitHealthy() {
		await until('the API is healthy behind nginx', async () => {
			const answer = await fetch(`${this.base}/healthz`);
			return answer.status === 200;
		}, 30_000);
	}

	/** Prometheus figures by name, those with labels left out. */
	async metrics() {
		const text = await (await fetch(`${this.base}/metrics`)).text();
		const figures = {};
		for (const line of text.split('\n')) {
			const match = /^([a-z_]+) ([0-9.eE+-]+|NaN)$/.exec(line);
			if (match) figures[match[1]] = Number(match[2]);
		}
		return figures;
	}

	/** Waits until every meter that the mall has was read once. */
	async allFresh(count = 370, ms = 90_000) {
		await until(`${count} meters are fresh`, async () => (await this.metrics()).yufu_meters_fresh >= count, ms, 200);
	}

	#explain() {
		for (const p of this.processes.values()) {
			const tail = p.tail(12);
			if (tail) this.say(`--- ${p.log}\n${tail}`);
		}
	}

	/** Stops everything, the servers before those they lean on; removes a temporary directory. */
	async down({ keep = false } = {}) {
		if (this.stopping) return;
		this.stopping = true;
		const more = [...this.processes.keys()].filter((name) => /^poller\d/.test(name));
		for (const name of ['nginx-tls', 'nginx', 'api', 'worker', 'poller', ...more, 'smsd', 'modem', 'sim', 'mariadb']) await this.process(name)?.stop();
		if (this.temporary && !keep) rmSync(this.dir, { recursive: true, force: true });
		if (this.sockets && this.sockets !== this.dir) rmSync(this.sockets, { recursive: true, force: true });
	}
}

/** Puts into a directory the keys that tests of one build share, each a copy: making a set takes a processor
 * three seconds. program: yufu-sim, which made them. */
export async function copyKeys(program, dir) {
	const shared = path.join(ROOT, 'build', `test-keys-${Math.round(statSync(program).mtimeMs)}`);
	if (!existsSync(shared)) {
		const fresh = `${shared}.${process.pid}`;
		mkdirSync(fresh, { recursive: true, mode: 0o700 });
		await run(program, ['--make-keys', fresh]);
		try {
			renameSync(fresh, shared);
		} catch { // another test was quicker
			rmSync(fresh, { recursive: true });
		}
	}
	cpSync(shared, dir, { recursive: true });
}

// ---- small helpers ------------------------------------------------------------------------------

/** A new directory in memory; those that dead runs left behind more than an hour ago go away. */
function temporaryDir() {
	const place = [process.env.TMPDIR, '/dev/shm', os.tmpdir()].find((p) => p && existsSync(p));
	for (const name of readdirSync(place).filter((n) => n.startsWith('yufu-e2e-'))) {
		const owner = Number(/^yufu-e2e-(\d+)-/.exec(name)?.[1]);
		const dir = path.join(place, name);
		const age = Date.now() - (statSync(dir, { throwIfNoEntry: false })?.mtimeMs ?? Infinity);
		if (owner && !existsSync(`/proc/${owner}`) && age > 3_600_000) removeDir(dir);
	}
	return mkdtempSync(path.join(place, `yufu-e2e-${process.pid}-`));
}

function removeDir(dir) {
	try {
		rmSync(dir, { recursive: true, force: true });
	} catch {
		// It belongs to another user.
	}
}

/** A short directory for the sockets of a long one; always the same for the same. */
function shortDir(dir) {
	const name = createHash('sha256').update(dir).digest('hex').slice(0, 12);
	const short = path.join(os.tmpdir(), `yufu-${process.getuid()}-${name}`);
	mkdirSync(short, { recursive: true, mode: 0o700 });
	return short;
}

function writePrivate(file, text) {
	writeFileSync(file, text, { mode: 0o600 });
	chmodSync(file, 0o600);
}

function secretFile(file) {
	if (!existsSync(file)) writePrivate(file, randomBytes(18).toString('base64url'));
}

function confText(settings) {
	return Object.entries(settings).map(([section, values]) =>
		`[${section}]\n${Object.entries(values).map(([k, v]) => `${k}=${v}\n`).join('')}`).join('\n');
}

function nginxProgram() {
	return existsSync('/usr/sbin/nginx') ? '/usr/sbin/nginx' : 'nginx';
}

function range(from, n) {
	return Array.from({ length: n }, (_, i) => from + i);
}

function isFree(port) {
	return new Promise((resolve) => {
		const server = net.createServer();
		server.once('error', () => resolve(false));
		server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
	});
}

/** A block of ports below those that the kernel hands out by itself. */
async function freePorts() {
	for (;;) {
		const first = 20_000 + 10 * randomInt(1_100);
		const free = await Promise.all(range(first, 4 + BUSES).map(isFree));
		if (free.every(Boolean)) return { nginx: first, sim: first + 1, modbus: first + 2, tls: first + 2 + BUSES, http: first + 3 + BUSES };
	}
}

/** Rows of `mariadb --batch`: a line of names, then lines of tab-separated, escaped values. */
function parseBatch(out) {
	const lines = out.split('\n').filter((line) => line !== '');
	if (lines.length === 0) return [];
	const names = lines[0].split('\t');
	const plain = { t: '\t', n: '\n', 0: '\0', '\\': '\\' };
	return lines.slice(1).map((line) => Object.fromEntries(line.split('\t').map((value, i) => [
		names[i], value === 'NULL' ? null : value.replace(/\\([tn0\\])/g, (_, c) => plain[c]),
	])));
}
