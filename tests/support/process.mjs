// One supervised process: a program that ends is started again, as systemd would with Restart=always.
import { spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { once } from 'node:events';
import { setTimeout as wait } from 'node:timers/promises';

const RESTART_MS = 200;

export class Process {
	#child = null;
	#wanted = false;
	#ended = Promise.resolve();

	/** @param {{name: string, file: string, args: string[], env?: object, cwd?: string, log: string,
	 *    stopSignal?: string, deathSignal?: string, stopMs?: number,
	 *    onExit?: (p: Process, why: string) => void}} options
	 * deathSignal: what it gets from the kernel when the supervisor is killed */
	constructor(options) {
		Object.assign(this, { stopSignal: 'SIGTERM', deathSignal: 'KILL', stopMs: 10_000, env: process.env }, options);
		this.starts = 0;
	}

	get pid() {
		return this.#child?.pid ?? null;
	}

	get running() {
		return this.#child !== null;
	}

	start() {
		this.#wanted = true;
		if (!this.#child) this.#spawn();
		return this;
	}

	#spawn() {
		const log = openSync(this.log, 'a', 0o600);
		// A session of its own, so that Ctrl-C reaches only the supervisor, which stops things in
		// order; and a signal from the kernel, should the supervisor itself be killed.
		const child = spawn('setpriv', ['--pdeathsig', this.deathSignal, this.file, ...this.args], {
			stdio: ['ignore', log, log],
			env: this.env,
			cwd: this.cwd,
			detached: true,
		});
		closeSync(log);
		this.starts++;
		this.#child = child;
		this.#ended = new Promise((resolve) => {
			const end = (why) => {
				if (this.#child !== child) return;
				this.#child = null;
				endGroup(child.pid);
				resolve();
				if (!this.#wanted) return;
				this.onExit?.(this, why);
				setTimeout(() => this.#wanted && !this.#child && this.#spawn(), RESTART_MS);
			};
			child.on('exit', (code, signal) => end(signal ?? `status ${code}`));
			child.on('error', (error) => end(error.message));
		});
	}

	/** Sends a signal, as a test or an accident would; the supervisor does not mind. */
	kill(signal = 'SIGKILL') {
		if (!this.#child) return false;
		return this.#child.kill(signal);
	}

	async stop() {
		this.#wanted = false;
		if (!this.#child) return;
		this.#child.kill(this.stopSignal);
		const late = new AbortController();
		const killer = wait(this.stopMs, null, { signal: late.signal }).then(
			() => {
				this.onExit?.(this, `did not stop within ${this.stopMs} ms`);
				this.#child?.kill('SIGKILL');
			},
			() => {},
		);
		await this.#ended;
		late.abort();
		await killer;
	}

	/** The last lines of its log. */
	tail(lines = 20) {
		try {
			return readFileSync(this.log, 'utf8').trimEnd().split('\n').slice(-lines).join('\n');
		} catch {
			return '';
		}
	}
}

/** Ends what a dead program has left behind: it led a process group of its own. */
function endGroup(pid) {
	try {
		if (pid) process.kill(-pid, 'SIGKILL');
	} catch {
		// Nobody is left.
	}
}

/** Runs a program to its end; the answer is its standard output. Input is text for its stdin. */
export async function run(file, args, { input = '', env = process.env, cwd } = {}) {
	const child = spawn(file, args, { stdio: ['pipe', 'pipe', 'pipe'], env, cwd });
	const out = [];
	const err = [];
	child.stdout.on('data', (d) => out.push(d));
	child.stderr.on('data', (d) => err.push(d));
	child.stdin.on('error', () => {}); // it may end without reading
	child.stdin.end(input);
	const [code, signal] = await once(child, 'close');
	const text = Buffer.concat(out).toString();
	if (code !== 0) {
		const said = Buffer.concat(err).toString().trim() || text.trim();
		throw new Error(`${file} ${args[0] ?? ''} ended with ${signal ?? code}: ${said}`);
	}
	return text;
}

/** A machine may be so many times slower than the one that deadlines were thought of on. */
export const PATIENCE = 4;

const ASK_SELDOM_MS = 500;

/** Calls fn until it answers something truthy; throws when it has not after ms times PATIENCE. The longer
 * it takes, the more rarely it is asked: waiting must not take the processor from what is waited for. */
export async function until(what, fn, ms = 30_000, everyMs = 50) {
	const began = Date.now();
	const end = began + ms * PATIENCE;
	let last;
	for (;;) {
		try {
			const answer = await fn();
			if (answer) return answer;
			last = undefined;
		} catch (error) {
			last = error;
		}
		if (Date.now() >= end)
			throw new Error(`waited ${ms * PATIENCE} ms in vain: ${what}${last ? ` (${last.message})` : ''}`);
		const pause = Math.max(everyMs, Math.min(ASK_SELDOM_MS, (Date.now() - began) / 50));
		await wait(Math.min(pause, Math.max(1, end - Date.now())));
	}
}
