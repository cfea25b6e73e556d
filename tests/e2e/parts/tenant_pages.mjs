// The tenant's page in a browser: what a recharge, a lost line, an ended session, a wrong clock or a second tab may
// not spoil, and what each page shows. Of one stack with story.test.mjs.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { axe as violations, PHONE_AGENT, watch } from '../browser.mjs';
import { DEMO_PASSWORD, PATIENCE, credited, newOrder, pay, tenantPhone, until } from '../lib.mjs';

const WAIT_MS = 30_000 * PATIENCE;
const UNIT = 6; // whose shop pays, and has a sub-tenant
const SUB_UNIT = 9;
const id = (name) => `[data-testid="${name}"]`;

export default function tenantPages(world, launch, picture, prefix) {
	let chrome, page, api, orderId;

	async function open({ dark = false, lang = 'zh', large = false, width = 390, height = 844, days = 0 } = {}) {
		const context = await chrome.newContext({
			viewport: { width, height }, colorScheme: dark ? 'dark' : 'light', locale: 'zh-CN', timezoneId: 'Asia/Shanghai', hasTouch: true,
			userAgent: PHONE_AGENT,
		});
		context.setDefaultTimeout(WAIT_MS);
		await context.addInitScript(([l, big, ahead]) => {
			localStorage.setItem('yufu.lang', l);
			if (big) localStorage.setItem('yufu.large', '1');
			if (!ahead) return;
			const Real = Date;
			globalThis.Date = class extends Real {
				constructor(...a) { super(...(a.length ? a : [Real.now() + ahead])); }
				static now() { return Real.now() + ahead; }
			};
		}, [lang, large, days * 86_400_000]);
		return watched(await context.newPage());
	}
	async function watched(p) {
		await watch(p, world.stack.base);
		return p;
	}
	const go = (p, path) => p.goto(`${world.stack.base}${prefix}${path}`);
	async function signIn(p, unit = UNIT) {
		await p.fill(id('login-phone'), tenantPhone(unit));
		await p.fill(id('login-password'), DEMO_PASSWORD);
		await p.click(id('login-submit'));
		await p.waitForURL((url) => !url.pathname.endsWith('/login'));
	}
	const stage = (p, name) => p.waitForSelector(`main[data-stage="${name}"]`);
	async function shows(p, what, pattern) {
		await p.waitForFunction(([selector, source]) => new RegExp(source).test(document.querySelector(selector)?.textContent ?? ''), [what, pattern.source]);
	}

	describe('the tenant\'s page', () => {
		before(async () => {
			chrome = await launch();
			api = await world.api.login(tenantPhone(UNIT));
			await world.stack.sql(`INSERT INTO sub_tenant (contract_id, supply_point_id, name)
				SELECT (SELECT c.id FROM contract c JOIN user_tenant ut ON ut.tenant_id = c.tenant_id JOIN user u ON u.id = ut.user_id WHERE u.username = '${tenantPhone(UNIT)}' LIMIT 1),
				m.supply_point_id, '外摆档' FROM meter m JOIN gateway g ON g.id = m.gateway_id WHERE g.code = 'G1' AND m.unit = '${SUB_UNIT}'`);
			page = await open();
			await go(page, '/usage');
			await signIn(page);
			await page.waitForURL(/\/usage/);
		});
		after(() => chrome?.close());

		test('a press twice is one order, and the way back never pays again', async () => {
			await go(page, '/recharge');
			await page.click(id('amount-5000'));
			await page.dblclick(id('pay-wechat_h5'));
			await page.waitForURL(/\/sandbox\//);
			assert.equal((await api.get('/me/orders')).items.length, 1);
			await page.goBack();
			await stage(page, 'waiting');
			await page.click(id('have-paid'));
			await shows(page, id('order-said'), /还没有收到/);
			await picture(page, 'tenant-waiting');
		});

		test('a recharge that was left is found again, in each state', async () => {
			await go(page, '/');
			await page.click(id('open-order'));
			await stage(page, 'waiting');
			const [order] = (await api.get('/me/orders')).items;
			orderId = order.id;
			await pay(world.stack, world.wire, order);
			await stage(page, 'credited');
			await page.reload();
			await stage(page, 'credited');
			const late = await newOrder(api, 1_000);
			await world.stack.sql(`UPDATE pay_order SET state = 'closed' WHERE id = ${late.id}`);
			await go(page, `/order/${late.id}`);
			await stage(page, 'closed');
			await go(page, '/order/999999');
			await shows(page, 'main', /没有这张订单/);
		});

		test('the receipt names both numbers and the balance before and after, and is kept as a picture', async () => {
			const order = await credited(api, { id: orderId, out_trade_no: '' });
			await go(page, `/receipt/${orderId}`);
			await shows(page, id('receipt'), /充值后余额/);
			const text = await page.textContent(id('receipt'));
			for (const part of [order.out_trade_no, order.receipt_no, order.transaction_id, '¥50.00', '充值前余额', order.meter.code]) assert.ok(text.includes(part), part);
			await page.click(id('receipt-save'));
			const source = await page.getAttribute(id('receipt-picture'), 'src');
			assert.match(source, /^data:image\/png;base64,.{5000}/);
			await picture(page, 'tenant-receipt');
			await page.keyboard.press('Escape');
		});

		test('an invoice is asked for from the receipt, finance issues it, and the shop sees it', async () => {
			await page.click(id('receipt-invoice'));
			await page.waitForSelector(id('invoice-send'));
			assert.match(await page.textContent(id('invoice-total')), /1 笔，共 ¥50\.00/);
			await page.fill(id('invoice-title'), '金谷鲜奶茶有限公司');
			await page.fill(id('invoice-tax'), '91350100M000100Y44');
			await page.fill(id('invoice-email'), 'a@jingu.example');
			await page.click(id('invoice-send'));
			await shows(page, id('invoice-tax-wrong'), /最后一位应是 3/);
			await picture(page, 'tenant-invoice-wrong');
			await page.fill(id('invoice-tax'), '91350100 m000100y43');
			await page.dblclick(id('invoice-send'));
			await page.waitForSelector(`${id('invoice-state')}[data-state=asked]`);
			const { items: [asked, ...more] } = await api.get('/me/invoices');
			assert.deepEqual([asked.tax_no, asked.amount_fen, more.length], ['91350100M000100Y43', 5_000, 0]);
			await picture(page, 'tenant-invoice-asked');

			const desk = await watched(await (await chrome.newContext({ viewport: { width: 1440, height: 900 }, locale: 'zh-CN', timezoneId: 'Asia/Shanghai' })).newPage());
			desk.setDefaultTimeout(WAIT_MS);
			await go(desk, '/staff/invoices');
			await desk.fill('input[autocomplete=username]', 'finance');
			await desk.fill('input[type=password]', DEMO_PASSWORD);
			await desk.keyboard.press('Enter');
			await desk.click('button.opens:has-text("金谷鲜奶茶有限公司")');
			await desk.click(id('do-invoice_issue'));
			assert.equal(await desk.inputValue('#f-amount_fen'), '50');
			await desk.fill('#f-number', '26312000000012345678');
			await desk.fill('#f-url', 'https://tax.example/1.pdf');
			await picture(desk, 'staff-invoice-issue');
			await desk.click(id('act-go'));
			await desk.waitForSelector(id('act-invoice_issue'), { state: 'detached' });
			await desk.waitForSelector(`${id('drawer')}:has-text("已开具")`);
			await picture(desk, 'staff-invoice-issued');
			assert.deepEqual(desk.complaints, []);
			await desk.context().close();

			await go(page, '/records');
			await page.click(id('open-invoices'));
			await page.click(id(`invoice-${asked.id}`));
			await page.waitForSelector(`${id('invoice-state')}[data-state=issued]`);
			assert.equal(await page.getAttribute(id('invoice-open'), 'href'), 'https://tax.example/1.pdf');
			await shows(page, id('invoice'), /26312000000012345678/);
			await picture(page, 'tenant-invoice-issued');
			await go(page, `/receipt/${orderId}`);
			await page.click(id('receipt-invoice'));
			await page.waitForSelector(id('invoice'));
		});

		test('what was typed outlives the end of the session', async () => {
			await go(page, '/recharge');
			await page.click(id('amount-other'));
			await page.fill(id('amount-input'), '88.5');
			await api.call('DELETE', '/me/sessions');
			await page.click(id('pay-wechat_h5'));
			await page.waitForURL(/\/login/);
			await picture(page, 'tenant-ended');
			await signIn(page);
			await page.waitForURL(/\/recharge/);
			assert.equal(await page.inputValue(id('amount-input')), '88.5');
			assert.equal((await api.get('/me/orders')).items.length, 2);
			await picture(page, 'tenant-recharge');
		});

		test('without a line the last figures stay, and say how old they are', async () => {
			await go(page, '/');
			await page.waitForSelector(id('home-balance'));
			await page.context().setOffline(true);
			await page.evaluate(() => document.dispatchEvent(new Event('visibilitychange')));
			await shows(page, '.banner', /网络不通/);
			assert.match(await page.textContent(id('home-balance')), /\d/);
			await picture(page, 'tenant-offline');
			await page.context().setOffline(false);
			await page.click('.banner .link');
			await page.waitForFunction(() => !document.querySelector('.banner .link'));
		});

		test('a sub-tenant is switched off and on, as the meter says', async () => {
			await go(page, '/subs');
			const sub = '[data-testid^="sub-"][data-state]';
			for (const [shown, relay] of [['cut', 'off'], ['on', 'on']]) {
				await page.click(id('sub-switch'));
				await picture(page, `tenant-sub-${relay}`);
				await page.click(id('sub-confirm'));
				await world.wire.relay('G1', SUB_UNIT, relay);
				await page.waitForSelector(`${sub}[data-state="${shown}"]`);
			}
		});

		test('warning settings are checked, kept while they are typed, and saved', async () => {
			await go(page, '/alerts');
			await page.fill(id('warn1-electricity'), '20');
			await page.fill(id('warn2-electricity'), '80');
			await page.click(id('alerts-save'));
			await shows(page, 'form [role=alert]', /不高于/);
			await page.fill(id('warn1-electricity'), '120');
			await page.reload();
			await page.waitForSelector(id('warn1-electricity'));
			assert.equal(await page.inputValue(id('warn1-electricity')), '120');
			await page.click(id('alerts-save'));
			await until('the settings are saved', async () => {
				const { items } = await api.get('/me/alert-settings');
				return items.some((i) => i.purpose === 'electricity' && i.warn1 === '120.000000000' && i.warn2 === '80.000000000');
			}, WAIT_MS);
		});

		test('the bill, the price and the devices say what the API says', async () => {
			const account = await api.account();
			const tariff = await api.get(`/me/tariff?meter_id=${account.meter.id}`);
			const terms = await api.get(`/me/repayment?account_id=${account.id}`);
			assert.deepEqual([terms.permille, terms.owed], [0, '0.000000000']);
			await go(page, `/price?meter=${account.meter.id}`);
			await page.waitForSelector(id('price-now'));
			const version = tariff.items[0].file.versions.at(-1);
			assert.ok(Object.keys(version.prices).includes(tariff.rate));
			assert.ok((await page.textContent(id('price-now'))).includes(String(Number(tariff.price))), await page.textContent(id('price-now')));
			await go(page, '/bill');
			await page.click(`${id('bill-day')} >> nth=0`);
			await shows(page, id('bill-day'), /读数.*→/);
			await picture(page, 'tenant-bill');
			await world.api.login(tenantPhone(UNIT)); // another device, used last
			await go(page, '/devices');
			await page.click(`${id('session-end')} >> nth=0`);
			await page.click(id('session-end-sure'));
			await shows(page, '[role=status] .toast', /已退出/);
			assert.deepEqual(page.complaints, []);
		});

		test('two tabs: who leaves in one has left in the other', async () => {
			const other = await watched(await page.context().newPage());
			await go(other, '/');
			await other.waitForSelector(id('home-balance'));
			await go(page, '/me');
			await page.click(id('logout'));
			await other.waitForURL(/\/login/);
			await signIn(page);
			await other.waitForSelector(id('home-balance'));
			await other.close();
		});

		test('a phone whose clock is months ahead shows the site\'s days', async () => {
			const lost = await open({ days: 100 });
			await go(lost, '/usage');
			await signIn(lost);
			await lost.waitForSelector(id('usage-period'));
			const month = new Intl.DateTimeFormat('sv-SE', { timeZone: 'Asia/Shanghai', year: 'numeric', month: '2-digit' }).format(new Date());
			assert.equal(await lost.textContent(id('usage-period')), month);
			await lost.context().close();
		});

		for (const look of [{}, { dark: true, lang: 'en', large: true, width: 360, height: 740 }]) {
			test(`axe finds nothing, ${JSON.stringify(look)}`, async () => {
				const p = await open(look);
				await go(p, '/login');
				await p.waitForSelector(id('login-submit'));
				await axe(p, '/login', look);
				await signIn(p);
				const { items: [order] } = await api.get('/me/orders');
				for (const at of ['/', '/recharge', `/order/${order.id}`, `/receipt/${orderId}`, '/usage', '/records', '/usage?by=hour&as=table', '/records?tab=statement', '/bill', '/records?tab=notices', '/price', '/me', '/alerts', '/subs', '/devices', '/password', '/former', '/p', '/p?meter=A03', '/invoices', '/invoices/new']) {
					await walk(p, at);
					await axe(p, at, look);
					const wide = await p.evaluate(() => document.documentElement.scrollWidth - innerWidth);
					assert.ok(wide <= 0, `${at} is ${wide} px too wide`);
				}
				assert.deepEqual(p.complaints, []);
				await p.context().close();
			});
		}
	});

	/** Goes there as a link of the page would: nothing is loaded anew. */
	async function walk(p, at) {
		await p.evaluate((to) => {
			history.pushState({ inside: true }, '', to);
			dispatchEvent(new PopStateEvent('popstate'));
		}, prefix + at);
		const page_key = /^\/(order|receipt)\//.test(at) ? at : at.split(/[/?]/)[1] || 'home';
		await p.waitForFunction((key) => document.querySelector('.app')?.dataset.page === key && document.querySelector('main h1') && !document.querySelector('.bone'), page_key);
	}

	async function axe(p, where, look) {
		const found = await violations(p);
		await picture(p, `axe-${look.lang ?? 'zh'}${where.replace(/\W+/g, '-')}`);
		assert.deepEqual(found, [], `axe on ${where}`);
	}
}
