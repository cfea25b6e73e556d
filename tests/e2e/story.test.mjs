// The whole way once, as a shopkeeper sees it: the power is cut at zero, a recharge on the phone, the
// relay closes on the wire, the page says that the power is back. On a site that lies below a path.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mkdirSync } from 'node:fs';
import { launch, PHONE_AGENT, watch } from './browser.mjs';
import { DEMO_PASSWORD, PATIENCE, tenantPhone, until, useStack } from './lib.mjs';
import payOther from './parts/pay_other.mjs';
import tenantPages from './parts/tenant_pages.mjs';

// The shop A-105 begins with two fen: what it uses within a minute brings it to zero.
const UNIT = 5;
const PREFIX = '/yufu';
const world = useStack({
	prefix: PREFIX,
	editMall: (mall) => {
		const meter = mall.meters.find((m) => m.gateway === 'G1' && Number(m.unit) === UNIT);
		const tenant = mall.tenants.find((x) => [x.meters].flat().join(';').split(';').includes(meter.code));
		mall.purses.find((p) => p.tenant === tenant.code && p.purpose === 'electricity').opening_balance = '0.02';
	},
});

// YUFU_SCREENSHOTS names a directory that takes pictures of each step.
async function picture(page, name) {
	const dir = process.env.YUFU_SCREENSHOTS;
	if (!dir) return;
	mkdirSync(dir, { recursive: true });
	await page.screenshot({ path: `${dir}/${name}.png` });
}

async function browser(t, { width, height, phone }) {
	const chrome = await launch();
	t.after(() => chrome.close());
	const context = await chrome.newContext({
		viewport: { width, height },
		locale: 'zh-CN',
		timezoneId: 'Asia/Shanghai',
		hasTouch: phone,
		...(phone && { userAgent: PHONE_AGENT }),
	});
	const page = await context.newPage();
	page.setDefaultTimeout(30_000 * PATIENCE);
	await watch(page, world.stack.base, { strict: true });
	page.asked = [];
	const paying = (r) => /\/sandbox\//.test(r.url()) || /\/sandbox\//.test(r.headers().referer ?? '');
	page.on('request', (r) => paying(r) || page.asked.push(new URL(r.url()).pathname));
	return page;
}

const id = (name) => `[data-testid="${name}"]`;

async function logIn(page, name) {
	await page.fill(id('login-phone'), name);
	await page.fill(id('login-password'), DEMO_PASSWORD);
	await page.click(id('login-submit'));
}

async function buyPower(page, shot) {
	await page.click(id('amount-10000'));
	await page.click(id('pay-wechat_h5'));
	// the page goes there by itself, maybe while its link is being pressed
	if (await page.locator(id('open-pay')).first().isVisible().catch(() => false)) await page.click(id('open-pay'), { timeout: 2_000 }).catch(() => {});
	await page.waitForURL(/\/sandbox\//);
	await picture(page, `${shot}-sandbox`);
	await page.click('button[value="pay"]');
	await page.waitForURL(new RegExp(`${PREFIX}/order/\\d+`));
}

test('a shop whose power was cut pays by phone and the lights come back', async (t) => {
	const { stack, wire } = world;
	const unit = UNIT;
	assert.equal((await wire.meter('G1', unit)).relay, 'on');
	await wire.set('G1', unit, { load_w: 9000 });
	await wire.relay('G1', unit, 'off', 150_000);
	const dark = await wire.meter('G1', unit);
	assert.equal(dark.power_w, 0);

	const page = await browser(t, { width: 390, height: 844, phone: true });
	await page.goto(`${stack.base}${PREFIX}/`);
	await logIn(page, tenantPhone(unit));
	await page.waitForSelector(id('home-state'));
	await until('the page says that the power is off', async () =>
		/断电/.test(await page.textContent(id('home-state'))), 30_000);
	await picture(page, 'cut');

	if (!(await page.locator(id('amount-10000')).isVisible())) await page.click(id('recharge-open'));
	await buyPower(page, 'recharge');
	await page.waitForSelector(id('power-back'));
	await picture(page, 'power-back');

	// The page must not run ahead of the wire.
	const lit = await wire.meter('G1', unit);
	assert.equal(lit.relay, 'on');
	await page.click(id('order-done'));
	await until('the home page says that the power is on', async () =>
		/供电/.test(await page.textContent(id('home-state'))), 30_000);
	await picture(page, 'home');
	await t.test('a home that is opened anew asks for six things', async () => {
		await page.evaluate(() => sessionStorage.clear());
		page.asked.length = 0;
		await Promise.all([page.waitForResponse(/\/me\/usage/), page.goto(`${stack.base}${PREFIX}/`)]);
		await page.waitForSelector('.week svg');
		const names = page.asked.map((path) => path.slice(PREFIX.length).replace(/-[\w-]+\./, '.'));
		assert.deepEqual(names.sort(), ['/', '/api/v1/auth/refresh', '/api/v1/me/accounts', '/api/v1/me/usage', '/assets/first.css', '/assets/first.js']);
	});
	assert.deepEqual(page.complaints, []);
	assert.deepEqual(page.asked.filter((path) => !path.startsWith(`${PREFIX}/`)), [], 'nothing is asked for outside the path');

	await t.test('logging in with WeChat comes back to the path', async () => {
		const answer = await fetch(`${stack.base}${PREFIX}/api/v1/auth/wechat/start?return=/recharge`, { redirect: 'manual' });
		assert.equal(answer.status, 302);
		assert.match(answer.headers.get('set-cookie'), new RegExp(`Path=${PREFIX}/api/v1/auth/wechat;`));
		assert.match(new URL(answer.headers.get('location')).searchParams.get('redirect_uri'), new RegExp(`^${stack.base}${PREFIX}/login`));
	});

	await t.test('and the records show it', async () => {
		const tenant = await world.api.login(tenantPhone(unit));
		const [order] = (await tenant.get('/me/orders')).items;
		assert.equal(order.state, 'paid');
		assert.equal(order.amount_fen, 10000);
		assert.equal(order.supply.state, 'on');
		const restored = await stack.number(`SELECT supply_restored_at - credited_at FROM pay_order WHERE id = ${order.id}`);
		assert.ok(restored > 0, `relay read back ${restored} ms after the credit`);
		t.diagnostic(`credited to read back: ${restored} ms`);
		await until('the tenant is told by SMS', async () => (await wire.sms(tenantPhone(unit))).length > 0, 30_000);
	});
});

test('the board shows every meter, and switches one off and on again', async (t) => {
	const { stack, wire } = world;
	await stack.allFresh();
	const page = await browser(t, { width: 1440, height: 900, phone: false });
	await page.goto(`${stack.base}${PREFIX}/staff`);
	await logIn(page, 'operator');
	await page.waitForSelector(id('tile-A01'));
	await until('the board counts 370 fresh meters', async () =>
		/370/.test(await page.textContent(id('board-fresh'))), 30_000);
	assert.equal(await page.locator('[data-testid^="tile-"]').count(), 370);
	await picture(page, 'board');

	for (const [action, relay] of [['off', 'off'], ['on', 'on']]) {
		await page.click(id('tile-B07'));
		await page.waitForSelector(id('detail-panel'));
		await page.click(id(`action-${action}`));
		await page.fill(id('reason'), '检修');
		await picture(page, `control-${action}`);
		await page.click(id('confirm'));
		await wire.relay('G2', 7, relay);
		await until('the panel says so', async () =>
			(relay === 'on' ? /供电/ : /断电/).test(await page.textContent(id('detail-state'))), 30_000);
		await page.waitForSelector(id('tile-B07') + (relay === 'on' ? ':not(.off, .moving)' : '.off[aria-label*=断电]'), { timeout: 30_000 });
		await page.keyboard.press('Escape');
	}
	assert.deepEqual(page.complaints, []);
});

payOther(world, launch, picture, PREFIX);
tenantPages(world, launch, picture, PREFIX);
