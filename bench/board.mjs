// The live board of very many meters in a real browser: how much its main thread works for a frame while
// somebody scrolls, and how long a new state takes from its answer to the screen.
//   scripts/node bench/board.mjs --meters 10000 --seconds 10
// Prints one line of JSON. The meters come in as a workbook; states change in the database, a few
// hundred every 3 s. Frames and tasks are those of Chromium's own trace.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { mall } from '../tests/support/mall_book.mjs';
import { sheetXml, xlsxOf } from '../tests/support/sheets.mjs';
import { DEMO_PASSWORD, Stack } from '../tests/support/stack.mjs';

const { chromium } = createRequire(new URL('../tests/e2e/package.json', import.meta.url))('playwright-core');
const { values: options } = parseArgs({
	options: {
		meters: { type: 'string', default: '10000' },
		seconds: { type: 'string', default: '10' }, // of scrolling, once while nothing changes and once while states do
		trace: { type: 'string', default: '' }, // where the last trace is left
	},
});
const METERS = Number(options.meters);
const SECONDS = Number(options.seconds);
const CHANGE_EVERY_MS = 3000;
const PARTS = 32; // one in so many meters changes at a time

function quantile(values, q) {
	const sorted = [...values].sort((a, b) => a - b);
	return sorted[Math.min(sorted.length - 1, Math.ceil(q * sorted.length) - 1)] ?? NaN;
}

async function bringIn(stack) {
	const file = stack.path('big.xlsx');
	writeFileSync(file, xlsxOf(Object.fromEntries(Object.entries(mall('BIG', METERS, 200, false)).map(([name, rows]) => [name, sheetXml(rows)]))));
	const run = spawnSync(path.join(stack.bin, 'yufu'), ['--config', stack.confFile, 'import', file], { encoding: 'utf8' });
	if (run.status !== 0) throw new Error(`yufu import: ${run.stdout}`);
}

/** Keeps some meters on for an hour, others no longer: their tiles change. */
async function change(stack, turn) {
	await stack.sql(`UPDATE supply_point SET keep_until = IF(keep_until > 0, 0, (UNIX_TIMESTAMP() + 3600) * 1000) WHERE id % ${PARTS} = ${turn % PARTS}`);
}

/** What the page's main thread did between one commit of a frame and the next, in ms: processor time of
 * its tasks (what the page costs), and their time by the clock (which other programs lengthen). */
function frames(trace) {
	const { traceEvents: events } = JSON.parse(trace);
	const mains = new Set(events.filter((e) => e.name === 'thread_name' && e.args.name === 'CrRendererMain').map((e) => `${e.pid}.${e.tid}`));
	const on = events.filter((e) => e.ph === 'X' && mains.has(`${e.pid}.${e.tid}`)).sort((a, b) => a.ts - b.ts);
	const commits = on.filter((e) => e.name === 'Commit').map((e) => e.ts + e.dur);
	const all = Array.from({ length: Math.max(0, commits.length - 1) }, () => ({ work: 0, wall: 0 }));
	let frame = 0;
	let until = 0;
	for (const task of on.filter((e) => e.name === 'ThreadControllerImpl::RunTask')) {
		if (task.ts < until) continue; // inside the task before
		until = task.ts + task.dur;
		while (frame < all.length && commits[frame + 1] < task.ts) frame++;
		if (frame === all.length) break;
		if (task.ts < commits[0]) continue;
		all[frame].work += (task.tdur ?? task.dur) / 1000; // the trace leaves out a processor time of 0
		all[frame].wall += task.dur / 1000;
	}
	return all;
}

/** Scrolls down and up as a wheel does, for some seconds; the trace of it. */
async function scroll(browser, page, seconds) {
	const cdp = await page.context().newCDPSession(page);
	await browser.startTracing(page, { categories: ['toplevel', 'devtools.timeline', 'disabled-by-default-devtools.timeline', 'devtools.timeline.frame', 'blink.user_timing'] });
	const end = Date.now() + seconds * 1000;
	for (let way = -1; Date.now() < end; way = -way)
		await cdp.send('Input.synthesizeScrollGesture', { x: 600, y: 600, yDistance: way * 4000, speed: 2500, gestureSourceType: 'mouse' });
	return browser.stopTracing();
}

/** From here on the page notes how long each change takes from its answer to the frame that shows it. A tile that
 * is written over with another meter while the page scrolls is no change. */
function watchUpdates() {
	window.__updates = [];
	const wall = document.querySelector('.wall-tiles');
	let noted = 0;
	new MutationObserver((changes) => {
		const others = new Set(changes.filter((c) => c.attributeName === 'data-id').map((c) => c.target));
		if (!changes.some((c) => c.attributeName === 'data-state' && !others.has(c.target))) return;
		const answers = performance.getEntriesByType('resource').filter((e) => e.name.includes('/board/states'));
		const answer = answers.at(-1)?.responseEnd ?? 0;
		if (answer === noted) return;
		noted = answer;
		requestAnimationFrame(() => setTimeout(() => window.__updates.push(performance.now() - answer)));
	}).observe(wall, { subtree: true, attributes: true, attributeFilter: ['data-state', 'data-id'] });
	performance.setResourceTimingBufferSize(100_000);
}

async function open(browser, stack) {
	const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, locale: 'zh-CN', timezoneId: 'Asia/Shanghai' });
	const page = await context.newPage();
	await page.goto(`${stack.base}/staff/login?to=/`);
	await page.fill('input[autocomplete=username]', 'admin');
	await page.fill('input[type=password]', DEMO_PASSWORD);
	const began = Date.now();
	await page.keyboard.press('Enter');
	await page.waitForSelector('.wall-tiles .group-head', { timeout: 60_000 });
	const opened_ms = Date.now() - began; // the first tiles
	await page.waitForSelector('.wall-tiles[aria-busy=false]', { timeout: 60_000 });
	const whole_ms = Date.now() - began; // all of them
	await page.click('[data-testid=show-all]');
	await page.waitForSelector('.wall-tiles .tile');
	await wait(3000); // what comes with the first picture is over
	return { page, opened_ms, whole_ms };
}

async function main() {
	const dir = mkdtempSync('/var/tmp/yufu-bench-');
	const stack = new Stack({ dir, say: () => {} });
	let browser = null;
	try {
		await stack.up();
		await stack.process('poller').stop(); // no device stands behind these meters: it would call them silent, whatever else changes
		await bringIn(stack);
		browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage'] });
		const { page, opened_ms, whole_ms } = await open(browser, stack);
		const still = frames(String(await scroll(browser, page, SECONDS)));
		await page.evaluate(watchUpdates);
		let turn = 0;
		const changing = setInterval(() => { void change(stack, turn++); }, CHANGE_EVERY_MS);
		const trace = String(await scroll(browser, page, SECONDS));
		await wait(4 * CHANGE_EVERY_MS);
		clearInterval(changing);
		if (options.trace) writeFileSync(options.trace, trace);
		const updates = await page.evaluate(() => window.__updates);
		const live = frames(trace);
		const ms = (v) => Number(v.toFixed(1));
		const of = (all, what, q) => ms(quantile(all.map((f) => f[what]), q));
		process.stdout.write(`${JSON.stringify({
			meters: METERS, opened_ms, whole_ms, drawn: await page.$$eval('.tile', (all) => all.length), nodes: await page.evaluate(() => document.querySelectorAll('*').length),
			frames: still.length, frame_p50_ms: of(still, 'work', .5), frame_p95_ms: of(still, 'work', .95), frame_wall_p95_ms: of(still, 'wall', .95),
			live_frames: live.length, live_frame_p50_ms: of(live, 'work', .5), live_frame_p95_ms: of(live, 'work', .95), live_frame_most_ms: of(live, 'work', 1), live_frame_wall_p95_ms: of(live, 'wall', .95),
			updates: updates.length, update_p50_ms: ms(quantile(updates, .5)), update_most_ms: ms(Math.max(...updates)),
		})}\n`);
	} finally {
		await browser?.close();
		await stack.down({ keep: true });
		rmSync(dir, { recursive: true, force: true });
	}
}

await main();
