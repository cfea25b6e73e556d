// A development tool: pictures of every page against tools/mock.mjs, and what the browser complained about.
//   node tools/look.mjs OUT_DIR [beginnings of the names of the wanted pictures…]
import { spawn } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { chromium } from 'playwright-core';

const [out = '/tmp/yufu-look', ...wanted] = process.argv.slice(2);
mkdirSync(out, { recursive: true });
const mock = spawn(process.execPath, [join(import.meta.dirname, 'mock.mjs'), '0'], { stdio: ['ignore', 'pipe', 'inherit'] });
const base = await new Promise((done) => mock.stdout.once('data', (d) => done(String(d).trim())));
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM || '/usr/bin/chromium', args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage'] });
const complaints = new Set();

async function open(app, user, { dark = false, en = false, large = false, wide = app === 'staff', width } = {}) {
	const context = await browser.newContext({ viewport: wide ? { width: width || 1440, height: 900 } : { width: width || 390, height: 844 }, colorScheme: dark ? 'dark' : 'light', locale: 'zh-CN', timezoneId: 'Asia/Shanghai', isMobile: false });
	const page = await context.newPage();
	page.on('console', (m) => { if (m.type() === 'error' || m.type() === 'warning') complaints.add(m.text()); });
	page.on('pageerror', (e) => complaints.add(String(e)));
	await page.addInitScript(([a, u, l, big]) => {
		localStorage.setItem('yufu.lang', l);
		if (big) localStorage.setItem('yufu.large', '1');
		if (u && !sessionStorage.getItem('put')) localStorage.setItem(`yufu.${a}.refresh`, `r.${u}`);
		sessionStorage.setItem('put', '1');
	}, [app, user, en ? 'en' : 'zh', large]);
	return page;
}
const PHONE = '13800000001';
const CUT = '13800000002';
const shots = [];
const shot = (name, run) => shots.push({ name, run });
async function tenant(name, path, user, opts = {}, act = null) {
	shot(name, async () => {
		const page = await open('tenant', user, opts);
		await page.goto(base + path.slice(1));
		await page.waitForLoadState('networkidle');
		if (act) await act(page);
		await page.waitForTimeout(250);
		await page.screenshot({ path: join(out, `${name}.png`), fullPage: opts.full || false });
		await page.context().close();
	});
}
async function staff(name, path, user, opts = {}, act = null) {
	shot(name, async () => {
		const page = await open('staff', user, opts);
		await page.goto(`${base}staff/${path}`);
		await page.waitForTimeout(900);
		if (act) await act(page);
		await page.waitForTimeout(250);
		await page.screenshot({ path: join(out, `${name}.png`), fullPage: opts.full || false });
		await page.context().close();
	});
}
await tenant('t-login', '/login', null);
await tenant('t-login-code-en', '/login', null, { en: true }, (p) => p.click('[data-testid=login-by-code]'));
await tenant('t-home', '/', PHONE);
await tenant('t-home-dark', '/', PHONE, { dark: true });
await tenant('t-home-en', '/', PHONE, { en: true });
await tenant('t-home-large', '/', PHONE, { large: true, full: true });
await tenant('t-home-small', '/', PHONE, { width: 320 });
await tenant('t-home-wide', '/', PHONE, { wide: true });
await tenant('t-switch', '/', PHONE, {}, (p) => p.click('[data-testid=switch-account]'));
await tenant('t-cut', '/', CUT);
await tenant('t-cut-dark-en', '/', CUT, { dark: true, en: true });
await tenant('t-recharge', '/recharge', PHONE);
await tenant('t-recharge-other', '/recharge', PHONE, {}, async (p) => { await p.click('[data-testid=amount-other]'); await p.fill('[data-testid=amount-input]', '88.5'); });
await tenant('t-qr', '/recharge', PHONE, {}, async (p) => { await p.click('[data-testid=pay-wechat_native]'); await p.waitForSelector('.qr'); await p.waitForTimeout(400); });
await tenant('t-usage', '/usage', PHONE, { full: true }, (p) => p.focus('svg[role=group]').then(() => p.keyboard.press('ArrowLeft')));
await tenant('t-usage-hour-dark', '/usage', PHONE, { dark: true }, async (p) => { await p.click('[data-testid=step-hour]'); await p.waitForTimeout(400); });
await tenant('t-usage-table-en', '/usage', PHONE, { en: true }, async (p) => { await p.click('[data-testid=usage-table]'); });
await tenant('t-records', '/records', PHONE);
await tenant('t-statement', '/records', PHONE, {}, async (p) => { await p.click('[data-testid=records-statement]'); await p.waitForTimeout(300); });
await tenant('t-me', '/me', '13800000003', { full: true });
await tenant('t-me-dark-en', '/me', PHONE, { dark: true, en: true, full: true });
for (const at of ['bill', 'price', 'alerts', 'subs', 'devices', 'password', 'former']) {
	await tenant(`t-${at}`, `/${at}`, '13800000003', { full: true, width: 360 });
	await tenant(`t-${at}-dark-en`, `/${at}`, '13800000003', { full: true, dark: true, en: true, large: true });
}
async function pay(p) {
	await p.click('[data-testid=amount-20000]');
	await p.click('[data-testid=pay-wechat_native]');
	await p.waitForSelector('[data-testid=sandbox-pay]');
	const href = await p.getAttribute('[data-testid=sandbox-pay]', 'href');
	await p.request.get(new URL(href, base).href);
}
await tenant('t-back-1-wait', '/', '13800000185', {}, async (p) => { await pay(p); await p.waitForSelector('[data-stage=switching]', { timeout: 8000 }); });
await tenant('t-back-2', '/', CUT, {}, async (p) => { await pay(p); await p.waitForSelector('[data-testid=power-back]', { timeout: 15000 }); await p.waitForTimeout(500); });
await tenant('t-back-3-dark-en', '/', '13800000067', { dark: true, en: true }, async (p) => { await pay(p); await p.waitForSelector('[data-testid=power-back]', { timeout: 15000 }); await p.waitForTimeout(500); });
await tenant('t-credited', '/recharge', PHONE, {}, async (p) => { await pay(p); await p.waitForSelector('[data-stage=credited]', { timeout: 15000 }); });
await tenant('t-offline', '/', PHONE, {}, async (p) => {
	await p.route('**/api/**', (r) => r.abort());
	await p.reload();
	await p.waitForSelector('.banner', { timeout: 15000 });
});
await staff('s-login', 'login', null);
await staff('s-board', '', 'operator');
await staff('s-board-dark-en', '', 'operator', { dark: true, en: true });
await staff('s-board-tablet', '', 'operator', { width: 1024 });
await staff('s-board-find', '', 'operator', {}, async (p) => { await p.keyboard.press('/'); await p.keyboard.type('星巴客'); await p.waitForTimeout(300); });
await staff('s-meter', '', 'operator', {}, async (p) => { await p.click('[data-testid=tile-B07]'); await p.waitForSelector('[data-testid=detail-panel] svg[role=group]'); await p.waitForTimeout(300); });
await staff('s-meter-dark-en', '', 'operator', { dark: true, en: true }, async (p) => { await p.click('[data-testid=tile-A10]'); await p.waitForSelector('[data-testid=detail-panel] svg[role=group]'); await p.waitForTimeout(300); });
await staff('s-action', '', 'operator', {}, async (p) => { await p.click('[data-testid=tile-A10]'); await p.click('[data-testid=action-off]'); await p.waitForTimeout(200); });
await staff('s-keep', '', 'operator', {}, async (p) => { await p.click('[data-testid=tile-A11]'); await p.click('[data-testid=action-keep]'); await p.waitForTimeout(200); });
await staff('s-act-done', '', 'operator', {}, async (p) => {
	await p.click('[data-testid=tile-A12]');
	await p.click('[data-testid=action-off]');
	await p.fill('[data-testid=reason]', '检修配电箱');
	await p.click('[data-testid=confirm]');
	await p.waitForSelector('[data-act-state=done]', { timeout: 8000 });
	await p.waitForTimeout(400);
});
await staff('s-sales-closed', 'sales', 'cashier');
async function sell(p) {
	const opens = await p.$('[data-testid=shift-open]');
	if (opens) await opens.click();
	await p.fill('[data-testid=sale-find]', 'A-102');
	await p.click('[data-testid=found-1002]');
	await p.click('[data-testid=sale-amount-10000]');
	await p.fill('[data-testid=sale-tendered]', '150');
}
await staff('s-sales', 'sales', 'cashier', {}, sell);
await staff('s-receipt', 'sales', 'cashier', {}, async (p) => { await sell(p); await p.click('[data-testid=sale-confirm]'); await p.waitForSelector('[data-testid=receipt]'); await p.waitForTimeout(3500); });
await staff('s-sales-dark-en', 'sales', 'cashier', { dark: true, en: true }, sell);

let failed = 0;
for (const { name, run } of shots) {
	if (wanted.length && !wanted.some((w) => name.startsWith(w))) continue;
	try {
		await run();
	} catch (e) {
		failed++;
		console.log(`${name}: ${String(e).split('\n')[0]}`);
	}
}
await browser.close();
mock.kill();
for (const c of complaints) console.log('browser:', c.slice(0, 300));
console.log(`pictures in ${out}`);
process.exit(failed ? 1 : 0);
