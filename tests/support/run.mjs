// `make run`: the whole mall in the foreground, until Ctrl-C.
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { DEMO_PASSWORD, ROOT, Stack } from './stack.mjs';

const { values: options } = parseArgs({
	options: {
		port: { type: 'string', default: '8080' },
		dir: { type: 'string', default: path.join(ROOT, '.run') },
		clean: { type: 'boolean', default: false },
	},
});
const dir = path.resolve(options.dir);
const pidFile = path.join(dir, 'run.pid');

function say(text) {
	process.stderr.write(`yufu: ${text}\n`);
}

function runningElsewhere() {
	if (!existsSync(pidFile)) return 0;
	const pid = Number(readFileSync(pidFile, 'utf8'));
	try {
		const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8');
		return command.includes('run.mjs') ? pid : 0;
	} catch {
		return 0;
	}
}

function welcome(stack) {
	const line = (label, value) => `  ${label.padEnd(22)}${value}`;
	return [
		'',
		'The mall is open.',
		line('phone page', `${stack.base}/`),
		line('staff page', `${stack.base}/staff/`),
		line('sandbox (pay, SMS)', `${stack.base}/sandbox/`),
		line('figures', `${stack.base}/metrics`),
		'',
		`Demo logins, all with the password ${DEMO_PASSWORD}:`,
		line('tenant', '13800000001 … 13800000300; 13800000003 was cut off'),
		line('cashier', 'cashier'),
		line('operator', 'operator'),
		line('admin', 'admin'),
		line('further staff', 'finance engineer viewer'),
		'',
		`State and logs are in ${stack.dir}. Ctrl-C stops everything; make run resumes.`,
		'',
	].join('\n');
}

const other = runningElsewhere();
if (other) {
	say(`it runs already, as process ${other}`);
	process.exit(1);
}
if (options.clean) {
	rmSync(dir, { recursive: true, force: true });
	say(`dropped ${dir}`);
	process.exit(0);
}

mkdirSync(dir, { recursive: true, mode: 0o700 });
writeFileSync(pidFile, String(process.pid));
const stack = new Stack({ dir, port: Number(options.port), say, poolMb: 256, historyDays: 14 });
let ending = false;

async function end(status) {
	if (ending) return;
	ending = true;
	say('stopping');
	await stack.down();
	rmSync(pidFile, { force: true });
	process.exit(status);
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => end(0));
const parent = process.ppid;
setInterval(() => process.ppid !== parent && end(0), 1000).unref();

try {
	say('starting');
	await stack.up();
	if (!ending) process.stdout.write(welcome(stack));
	await stack.allFresh(370, 120_000);
	if (!ending) say('all 370 meters are read within the minute');
	setInterval(() => {}, 1 << 30);
} catch (error) {
	if (!ending) say(error.message);
	if (!ending && !stack.process('nginx')?.running) await end(1);
	setInterval(() => {}, 1 << 30);
}
