// The tenants' first pages through Lighthouse as it ships (a phone, slow 4G, a processor four times slower, all
// simulated), on a platform of its own: the page to sign in, and the home of a shop that is signed in. Prints
// the figures of the median run of each as JSON.
//   scripts/node bench/lighthouse/pages.mjs --runs 5
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import lighthouse from 'lighthouse';
import { launchShared } from '../../tests/e2e/browser.mjs';
import { DEMO_PASSWORD, Stack } from '../../tests/support/stack.mjs';

const { values: options } = parseArgs({ options: { runs: { type: 'string', default: '5' } } });
const PHONE = '13800000001';

async function signIn(stack) {
	const answer = await fetch(`${stack.base}/api/v1/auth/login`, {
		method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ username: PHONE, password: DEMO_PASSWORD }),
	});
	if (!answer.ok) throw new Error(`login: ${answer.status}`);
	return (await answer.json()).refresh_token;
}

/** A first visit: nothing is kept but the sign-in, if there is one. */
async function prepare(context, stack, token) {
	const page = await context.newPage();
	await page.goto(`${stack.base}/robots.txt`);
	await page.evaluate((t) => {
		localStorage.clear();
		if (t) localStorage.setItem('yufu.tenant.refresh', t);
	}, token);
	await page.close();
}

function figures(name, { lhr }) {
	const score = (category) => Math.round(lhr.categories[category].score * 100);
	const requests = lhr.audits['network-requests'].details.items.filter((r) => !r.url.startsWith('data:'));
	const bytes = (type) => requests.filter((r) => r.resourceType === type).reduce((sum, r) => sum + r.transferSize, 0);
	return {
		name,
		performance: score('performance'),
		accessibility: score('accessibility'),
		practices: score('best-practices'),
		lcp: Math.round(lhr.audits['largest-contentful-paint'].numericValue),
		cls: Number(lhr.audits['cumulative-layout-shift'].numericValue.toFixed(3)),
		js: bytes('Script'),
		css: bytes('Stylesheet'),
		requests: requests.length,
		names: requests.map((r) => new URL(r.url).pathname.replace(/-[\w-]{8}\./, '.')),
		failed: Object.values(lhr.audits).filter((a) => a.score !== null && a.score < 0.5 && a.scoreDisplayMode === 'binary').map((a) => a.id),
	};
}

async function measure(context, stack, port, name, at, signedIn) {
	const runs = [];
	for (let i = 0; i < Number(options.runs); i++) {
		await prepare(context, stack, signedIn ? await signIn(stack) : null);
		runs.push(figures(name, await lighthouse(stack.base + at, { port, logLevel: 'error', output: 'json', onlyCategories: ['performance', 'accessibility', 'best-practices'] })));
		process.stderr.write(`lighthouse: ${name}: ${JSON.stringify(runs.at(-1))}\n`);
	}
	runs.sort((a, b) => a.performance - b.performance);
	return { ...runs[Math.floor(runs.length / 2)], all: runs.map((r) => r.performance) };
}

const dir = mkdtempSync(path.join(os.tmpdir(), 'yufu-lighthouse-'));
const stack = new Stack({ say: (text) => process.stderr.write(`${text}\n`), historyDays: 14, conf: { limits: { login_per_minute: 0, write_per_minute: 0, read_per_minute: 0 } } });
let context;
try {
	await stack.up();
	await stack.allFresh();
	const port = stack.ports.tls; // nobody listens there without TLS
	context = await launchShared(dir, port);
	const pages = [
		await measure(context, stack, port, 'tenant, signing in', '/login', false),
		await measure(context, stack, port, 'tenant, home', '/', true),
	];
	console.log(JSON.stringify(pages));
} finally {
	await context?.close();
	await stack.down();
	rmSync(dir, { recursive: true, force: true });
}
