// Paying for another shop on the phone, by the code on its meter: their light comes back, and the one who paid
// sees it, and neither their name nor their balance. Of one stack with story.test.mjs.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { PHONE_AGENT, watch } from '../browser.mjs';
import { DEMO_PASSWORD, PATIENCE, tenantPhone, until } from '../lib.mjs';

const DARK = 3; // whose credit is used up as the mall is loaded
const FRIEND = 8;
const WAIT_MS = 30_000 * PATIENCE;
const id = (name) => `[data-testid="${name}"]`;

export default function payOther(world, launch, picture, prefix) {
	describe('another shop is paid for', () => {
		let chrome, page;
		const at = (path) => `${world.stack.base}${prefix}${path}`;

		async function phone(unit, path) {
			const context = await chrome.newContext({ viewport: { width: 390, height: 844 }, locale: 'zh-CN', timezoneId: 'Asia/Shanghai', hasTouch: true, userAgent: PHONE_AGENT });
			context.setDefaultTimeout(WAIT_MS);
			const p = await context.newPage();
			await watch(p, world.stack.base);
			await p.goto(at(path));
			await p.fill(id('login-phone'), tenantPhone(unit));
			await p.fill(id('login-password'), DEMO_PASSWORD);
			await p.click(id('login-submit'));
			return p;
		}
		before(async () => { chrome = await launch(); });
		after(() => chrome?.close());

		test('by the code on its meter, and its light comes back', async () => {
			await world.wire.relay('G1', DARK, 'off', 150_000);
			const owner = await world.api.login(tenantPhone(DARK));
			const account = await owner.account();
			page = await phone(FRIEND, `/p/${account.meter.code}`);
			await page.waitForSelector(id('pay-other'));
			const told = await page.textContent('main');
			assert.match(await page.textContent(id('not-yours')), /这不是您的表/);
			for (const part of [account.meter.code, account.tenant.room, `${[...account.tenant.name][0]}**`]) assert.ok(told.includes(part), part);
			assert.ok(!told.includes(account.tenant.name) && !told.includes('余额'), told);
			await picture(page, 'tenant-pay-other');
			await page.click(id('amount-10000'));
			await page.click(id('pay-wechat_h5'));
			await page.waitForURL(/\/sandbox\//);
			await page.click('button[value="pay"]');
			await page.waitForSelector(id('power-back'));
			assert.equal((await world.wire.meter('G1', DARK)).relay, 'on');
			assert.match(await page.textContent('h2'), /对方来电了/);
			const { balance } = await owner.account();
			const order = await page.textContent('main');
			assert.ok(!order.includes('余额') && !order.includes(balance.slice(0, -7)) && !order.includes(account.tenant.name), order);
			await picture(page, 'tenant-paid-other');
			await page.click(id('order-receipt'));
			const receipt = await page.textContent(id('receipt'));
			assert.ok(receipt.includes('100.00') && receipt.includes(account.meter.code) && !receipt.includes('余额'), receipt);
			await page.goto(at('/records'));
			await page.waitForSelector('.rows li');
			assert.match(await page.textContent('.rows'), new RegExp(`代付给 ${account.tenant.room} `));
			await until('the shop is told as always', async () => (await world.wire.sms(tenantPhone(DARK))).some((m) => JSON.stringify(m).includes('100.00')), WAIT_MS);
			assert.deepEqual(page.complaints, []);
		});

		test('one\'s own code leads to one\'s own recharge, an unknown one to typing it', async () => {
			const own = (await (await world.api.login(tenantPhone(FRIEND))).account()).meter.code;
			await page.goto(at(`/p/${own}`));
			await page.waitForURL((url) => url.pathname === `${prefix}/recharge`);
			await page.click(id('pay-other-open'));
			await page.fill(id('other-code'), 'NOPE');
			await page.click(id('other-next'));
			await page.waitForSelector('main [role=alert]:not(:empty)');
			await page.fill(id('other-code'), 'A05');
			await page.press(id('other-code'), 'Enter');
			await page.waitForSelector(id('pay-other'));
			assert.deepEqual(page.complaints, []);
		});

		test('what came since the notices were last looked at has a mark', async () => {
			const p = await phone(DARK, '/');
			await p.waitForSelector('.tabs .new');
			await p.goto(at('/records?tab=notices'));
			await p.waitForSelector(id('notices'));
			await p.waitForFunction(() => !document.querySelector('.new'));
			await Promise.all([p.waitForResponse(/\/me\/usage/), p.goto(at('/'))]);
			await p.waitForSelector(id('home-balance'));
			assert.equal(await p.locator('.new').count(), 0);
			const order = (await (await world.api.login(tenantPhone(DARK))).get('/me/orders')).items[0];
			await p.goto(at(`/order/${order.id}`));
			await p.waitForFunction(() => /他人代付/.test(document.querySelector('.facts')?.textContent));
			assert.deepEqual(p.complaints, []);
			await p.context().close();
		});

		test('labels are printed from the list of meters: their codes lead here, below the path', async () => {
			const context = await chrome.newContext({ viewport: { width: 1440, height: 900 }, locale: 'zh-CN' });
			const p = await context.newPage();
			await watch(p, world.stack.base);
			await p.goto(at('/staff/meters?q=A0'));
			await p.fill(id('login-phone'), 'viewer');
			await p.fill(id('login-password'), DEMO_PASSWORD);
			await p.click(id('login-submit'));
			await p.waitForSelector(id('list-meters'));
			await p.click(id('print-all'));
			const labels = p.locator(`${id('labels')} li`);
			await labels.first().waitFor();
			assert.equal(await labels.count(), 9);
			await picture(p, 'staff-labels');
			await p.goBack();
			for (const row of [0, 2]) await p.locator(`${id('list-meters')} tbody input[type=checkbox]`).nth(row).check();
			await p.click(id('print-picked'));
			await labels.first().waitFor();
			assert.deepEqual(await labels.evaluateAll((all) => all.map((l) => l.dataset.code)), ['A01', 'A03']);
			assert.deepEqual(p.complaints, []);
			await context.close();
		});
	});
}
