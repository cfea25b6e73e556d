// What the tests of signatures share: keys, settings, our client, a service of one function, the sandbox.
import { execFile, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { until } from '../../support/process.mjs';
import { copyKeys } from '../../support/stack.mjs';

const SIM = path.join(process.env.YUFU_BIN_DIR, 'yufu-sim');
const run = promisify(execFile);

export class Stage {
	async open() {
		this.dir = mkdtempSync(path.join(tmpdir(), 'yufu-oracle-'));
		await copyKeys(SIM, this.dir);
	}

	close() {
		rmSync(this.dir, { recursive: true, force: true });
	}

	file(name) {
		return readFileSync(path.join(this.dir, name), 'utf8');
	}

	/** Settings for services at base; change(text) spoils or adds to them. */
	async settings(base, name, change = (text) => text) {
		const { stdout } = await run(SIM, ['--print-settings', this.dir, base, base]);
		const conf = path.join(this.dir, name);
		writeFileSync(conf, change(stdout));
		return conf;
	}

	/** A call of our client. */
	async call(conf, ...args) {
		const { stdout } = await run(process.env.PAY_CALL, [conf, ...args]);
		return JSON.parse(stdout);
	}

	/** The sandbox on a free port: its address, and what ends it. */
	async sandbox(name, change) {
		const log = [];
		const more = `\nhttp_listen=127.0.0.1:0\nmodbus_base_port=0\nbuses=1\nstate_dir=${mkdtempSync(path.join(this.dir, name))}\n`;
		const conf = await this.settings('http://127.0.0.1:9', `${name}.conf`, (text) => (change ? change(text) : text) + more);
		const sim = spawn(SIM, ['--config', conf], { stdio: ['ignore', 'ignore', 'pipe'] });
		sim.stderr.on('data', (data) => log.push(data));
		const port = await until('the simulator says its port', () => /http_port=(\d+)/.exec(Buffer.concat(log).toString())?.[1]);
		const end = () => new Promise((resolve) => {
			sim.on('exit', resolve);
			sim.kill('SIGTERM');
		});
		return { base: `http://127.0.0.1:${port}`, end };
	}
}

/** An HTTP server on a free port; answer(request with body) gives {status, headers, body}. */
export async function serve(answer) {
	const requests = [];
	const server = http.createServer(async (req, res) => {
		const chunks = [];
		for await (const chunk of req) chunks.push(chunk);
		req.body = Buffer.concat(chunks).toString('utf8');
		requests.push(req);
		const { status = 200, headers = {}, body = '' } = answer(req);
		res.writeHead(status, headers).end(body);
	});
	await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
	return { requests, base: `http://127.0.0.1:${server.address().port}`, close: () => new Promise((r) => server.close(r)) };
}
