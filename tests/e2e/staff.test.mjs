// The staff's pages in a browser, on a whole platform: every page of every shipped role opens without an
// error and without a finding of axe, each in one language and colours (make screenshots has them all), and
// what a person relies on holds: the address leads back to what was open, what was typed outlives a reload
// and the end of a session, a form pressed twice acts once.
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { axe as violations, launch, LOOKS, watch } from './browser.mjs';
import { DEMO_PASSWORD, useStack } from './lib.mjs';

const WAIT_MS = 120_000;

/** Places that a role must see in the navigation, and some that it must not. */
const ROLES = {
	finance: { sees: ['orders', 'reconciliations', 'tariffs', 'reports', 'fees', 'approvals'], not: ['sales', 'imports'] },
	cashier: { sees: ['board', 'sales', 'contracts', 'orders', 'fees'], not: ['reconciliations', 'reports', 'imports', 'settings', 'approvals'] },
	operator: { sees: ['board', 'contracts', 'supply', 'messages', 'approvals'], not: ['sales', 'orders', 'reports', 'imports'] },
	engineer: { sees: ['board', 'meters', 'gateways', 'imports', 'settings'], not: ['sales', 'orders', 'contracts', 'fees'] },
	viewer: { sees: ['board', 'contracts', 'orders', 'reports', 'fees'], not: ['sales', 'imports', 'settings', 'approvals', 'reconciliations'] },
};

const world = useStack({ fresh: false });
let browser;

before(async () => {
	browser = await launch();
});
after(() => browser?.close());

/** A page of a person of that role, signed in, or of nobody yet; complaints of the browser are kept in `page.complaints`. */
async function open(role, { dark = false, lang = 'zh', width = 1440 } = {}) {
	const context = await browser.newContext({ viewport: { width, height: 900 }, colorScheme: dark ? 'dark' : 'light', locale: 'zh-CN', timezoneId: 'Asia/Shanghai', acceptDownloads: true });
	context.setDefaultTimeout(WAIT_MS);
	await context.addInitScript((l) => localStorage.setItem('yufu.lang', l), lang);
	const page = await context.newPage();
	await watch(page, world.stack.base);
	await page.goto(`${world.stack.base}/staff/login`);
	if (role) await sign_in(page, role);
	return page;
}
async function sign_in(page, role, password = DEMO_PASSWORD, then = 'nav.side a') {
	await page.fill('input[autocomplete=username]', role);
	await page.fill('input[type=password]', password);
	await page.keyboard.press('Enter');
	await page.waitForSelector(then, { state: 'attached' });
}
/** What an authenticator app would show (RFC 6238). */
function one_time_code(base32) {
	const bits = [...base32.replace(/[ =]/g, '')].map((c) => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(c).toString(2).padStart(5, '0')).join('');
	const key = Buffer.from(bits.match(/.{8}/g).map((b) => parseInt(b, 2)));
	const step = Buffer.alloc(8);
	step.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30_000)));
	const hash = createHmac('sha1', key).update(step).digest();
	return String((hash.readUInt32BE(hash[19] & 15) & 0x7fffffff) % 1_000_000).padStart(6, '0');
}

/** Waits until nothing is loading, and says what went wrong on the page. */
async function settled(page) {
	await page.waitForFunction(() => !document.querySelector('.bone') && document.querySelector('#main'));
	return page.$$eval('.empty[role=alert], [data-testid=no-permission], [data-testid=no-page]', (all) => all.map((e) => e.textContent));
}
async function axe(page, where) {
	assert.deepEqual(await violations(page), [], `axe on ${where}`);
}
/** The n-th of the looks, without loading the page anew. */
async function put_on(page, n) {
	const { lang, dark } = LOOKS[n % LOOKS.length];
	await page.emulateMedia({ colorScheme: dark ? 'dark' : 'light' });
	if (await page.evaluate(() => document.documentElement.lang.slice(0, 2)) === lang) return;
	await page.click(`header.top button:text-is("${lang === 'en' ? 'EN' : '中文'}")`);
	await page.waitForFunction((l) => document.documentElement.lang.startsWith(l), lang);
}
async function addresses(page) {
	const places = await page.$$eval('nav.side a', (all) => all.map((a) => ({ place: a.dataset.place, at: a.getAttribute('href') })));
	return places;
}
async function go(page, at) {
	await page.click(`nav.side a[href="${at}"]`);
	await page.waitForFunction((to) => location.pathname === to, at);
}

/** Every page that the navigation, and its tabs if wanted, lead to. */
async function walk(page, { tabs = false, each } = {}) {
	const seen = [];
	for (const { at } of await addresses(page)) {
		await go(page, at);
		const more = tabs ? await page.$$eval('nav.tabs a', (all) => all.map((a) => a.getAttribute('href'))) : [];
		for (const tab of new Set([at, ...more])) {
			if (tab !== at) await page.click(`nav.tabs a[href="${tab}"]`);
			await page.waitForFunction((to) => location.pathname === to, tab);
			assert.deepEqual(await settled(page), [], `${tab} shows what it is for`);
			seen.push(tab);
			await each?.(tab);
		}
	}
	assert.deepEqual(page.complaints, []);
	return seen;
}

describe('pages by role', () => {
	test('an administrator sees every page, and axe finds nothing', async () => {
		const page = await open('admin');
		let n = 0;
		const seen = await walk(page, {
			tabs: true,
			each: async (at) => {
				await put_on(page, n++);
				await axe(page, `${at}, look ${n}`);
			},
		});
		for (const name of ['users', 'service_accounts', 'permissions', 'audit', 'jobs', 'batches', 'sites', 'areas', 'alarms'])
			assert.ok(seen.includes(`/staff/${name}`), `${name} was visited`);
		await page.context().close();
	});
	test('nor in the dark, in English, on a tablet, with a row and a form open', async () => {
		const page = await open('admin', { dark: true, lang: 'en', width: 1024 });
		for (const at of ['/accounts', '/tariffs?open=1', '/settings', '/contracts?act=contract_open', '/reports?report=usage-day&by=shop', '/import']) {
			await page.goto(`${world.stack.base}/staff${at}`);
			assert.deepEqual(await settled(page), [], at);
			if (at === '/accounts') await page.click('button.opens >> nth=0').then(() => page.waitForSelector('[data-testid=drawer]'));
			if (at.includes('act=')) await page.waitForSelector('[data-testid=act-contract_open]');
			await axe(page, at);
		}
		await page.context().close();
	});
	for (const [role, { sees, not }] of Object.entries(ROLES)) {
		test(`${role} sees what the role may see, and nothing else`, async () => {
			const page = await open(role);
			const places = (await addresses(page)).map((p) => p.place);
			for (const name of sees) assert.ok(places.includes(name), `${role} sees ${name}`);
			for (const name of not) assert.ok(!places.includes(name), `${role} does not see ${name}`);
			await walk(page);
			await page.goto(`${world.stack.base}/staff/${not[0]}`);
			await page.waitForSelector('[data-testid=no-permission], [data-testid=no-page]');
			await page.context().close();
		});
	}
});

describe('a new member of staff', () => {
	test('sets a password of their own, turns a second factor on, and ends other sessions', async () => {
		const admin = await open('admin');
		await admin.goto(`${world.stack.base}/staff/users?act=user_add`);
		await admin.fill('#f-username', 'e2e.clerk');
		await admin.fill('#f-role_id', '售电员');
		await admin.waitForSelector('[role=option]');
		await admin.keyboard.press('Enter');
		await admin.click('[data-testid=act-go]');
		const first = (await admin.innerText('[data-testid=secret]')).trim();
		await admin.context().close();

		const page = await open(null);
		await sign_in(page, 'e2e.clerk', first, '[data-testid=password-form]');
		assert.equal(await page.$('nav.side'), null, 'nothing else is there before');
		await axe(page, 'the first password');
		const own = 'rain on the tin roof';
		await page.fill('#old-password', first);
		await page.fill('#new-password', own);
		await page.fill('#again-password', own);
		await page.click('[data-testid=password-save]');
		await page.waitForSelector('nav.side a');

		await page.click('[data-testid=account]');
		await page.click('[data-testid=totp-begin]');
		const secret = await page.innerText('[data-testid=totp-secret]');
		await page.waitForSelector('svg.qr');
		await axe(page, 'the second factor');
		await page.fill('#totp-code', one_time_code(secret));
		await page.click('[data-testid=totp-confirm]');
		const codes = (await page.innerText('[data-testid=recovery-codes]')).trim().split(/\s+/);
		assert.equal(codes.length, 10);

		const other = await open(null);
		await sign_in(other, 'e2e.clerk', own, '[data-testid=login-code]');
		await axe(other, 'the code');
		await other.fill('[data-testid=login-code]', '000000');
		await other.keyboard.press('Enter');
		await other.waitForSelector('.wrong:not(:empty)');
		await other.fill('[data-testid=login-code]', codes[0]);
		await other.keyboard.press('Enter');
		await other.waitForSelector('nav.side a');
		await other.click('[data-testid=account]');
		await other.click('[data-testid=sessions-end]');
		await other.waitForFunction(() => document.querySelectorAll('[data-testid=sessions] li').length === 1);
		await page.click('nav.side a >> nth=0');
		await page.waitForSelector('[data-testid=login-submit]');
		for (const p of [page, other]) await p.context().close();
	});
});

describe('what a person relies on', () => {
	test('the address holds what is filtered and open; the back button closes it', async () => {
		const page = await open('finance');
		await page.goto(`${world.stack.base}/staff/contracts`);
		await page.fill('[data-testid=filter-q]', 'A-101');
		await page.waitForFunction(() => location.search === '?q=A-101');
		await page.waitForFunction(() => document.querySelectorAll('[data-testid=list-contracts] tbody tr').length === 1);
		await page.click('button.opens');
		await page.waitForSelector('[data-testid=drawer]');
		await page.reload();
		await page.waitForSelector('[data-testid=drawer]');
		assert.equal(await page.inputValue('[data-testid=filter-q]'), 'A-101');
		await page.goBack();
		await page.waitForSelector('[data-testid=drawer]', { state: 'detached' });
		await page.context().close();
	});
	test('a contract is opened in steps; what was typed outlives the end of the session; the preview changes nothing', async () => {
		const page = await open('finance');
		await page.goto(`${world.stack.base}/staff/contracts?act=contract_open`);
		await page.fill('#f-tenant-code', 'E2E-1');
		await page.fill('#f-tenant-name', '新开的店');
		await page.evaluate(() => localStorage.removeItem('yufu.staff.refresh'));
		await page.reload();
		await sign_in(page, 'finance');
		await page.waitForSelector('[data-testid=act-contract_open]');
		assert.equal(await page.inputValue('#f-tenant-name'), '新开的店', 'the form is open again, with what was typed');
		await page.click('[data-testid=act-go]');
		await page.fill('#f-meters-0-meter_id', 'A61');
		await page.waitForSelector('[role=option]');
		await page.keyboard.press('Enter');
		await page.click('[data-testid=act-go]');
		await page.click('[data-testid=act-go]');
		await page.waitForFunction(() => document.querySelector('.taken li') || document.querySelector('.sheet .wrong:not(:empty)'));
		const [{ n }] = await world.stack.sql(`SELECT COUNT(*) AS n FROM tenant WHERE code = 'E2E-1'`);
		assert.equal(Number(n), 0, 'a preview opens nothing');
		await page.context().close();
	});
	test('an import shows the bad cell in its row', async () => {
		const page = await open('engineer');
		await page.goto(`${world.stack.base}/staff/import`);
		await page.setInputFiles('[data-testid=import-file]', { name: 'meters.csv', mimeType: 'text/csv', buffer: Buffer.from('code,name,gateway,unit,model\nZ01,新表,G1,300,acrel-ddsy1352\n') });
		await page.waitForSelector('[data-testid=import-bad]');
		assert.match(await page.innerText('.bad-grid td.bad'), /^300/);
		assert.match(await page.innerText('.bad-grid tbody tr'), /Z01/, 'its neighbours are there');
		await page.context().close();
	});
	test('a tariff is tried on real energy, and a report comes as a file', async () => {
		const page = await open('finance');
		await page.goto(`${world.stack.base}/staff/tariffs?open=1`);
		await page.waitForSelector('.calendar svg');
		await page.click('[data-testid=tariff-edit]');
		await page.fill('.prices input.price >> nth=0', 'much');
		await page.fill('#what-if-meter-0', 'A6');
		await page.waitForSelector('[role=option]');
		await page.keyboard.press('Enter');
		await page.click('[data-testid=what-if]');
		await page.waitForSelector('[data-testid=what-if-failed]:has-text("prices")');
		await page.fill('.prices input.price >> nth=0', '9.5');
		await page.click('[data-testid=what-if]');
		await page.waitForSelector('[data-testid=what-if-answer]');
		await axe(page, 'a tariff that is tried');
		const [{ n }] = await world.stack.sql(`SELECT COUNT(*) AS n FROM tariff WHERE doc LIKE '%"9.5"%'`);
		assert.equal(Number(n), 0, 'nothing is stored');
		await page.goto(`${world.stack.base}/staff/reports?report=debtors`);
		await page.waitForSelector('[data-testid=report-csv]:not(:disabled)');
		const [file] = await Promise.all([page.waitForEvent('download'), page.click('[data-testid=report-csv]')]);
		assert.match(file.suggestedFilename(), /^debtors-.*\.csv$/);
		assert.match(readFileSync(await file.path(), 'utf8'), /^\ufeff/);
		await page.context().close();
	});
	test('settings say what they are for in both languages, and what the law says of cutting for fees; a holiday is set and taken back', async () => {
		const page = await open('admin');
		await page.goto(`${world.stack.base}/staff/settings`);
		await page.waitForSelector('[data-setting=fee_cut]:has-text("第九百四十四条")');
		await page.click('.top-button[aria-label^=EN]');
		await page.waitForSelector('[data-setting=fee_cut]:has-text("Civil Code")');
		await page.goto(`${world.stack.base}/staff/holidays?year=2099`);
		await page.click('[data-day="2099-05-04"]');
		await page.fill('#holiday-name', 'Youth Day');
		await page.click('[data-testid=holiday-save]');
		await page.waitForSelector('[data-testid=holidays]:has-text("Youth Day")');
		await page.click('.pick:has(input[value=plain])');
		await page.click('[data-testid=holiday-save]');
		await page.waitForSelector('[data-testid=holidays]', { state: 'detached' });
		await page.context().close();
	});
	test('the words of messages are seen, with samples and with the values of an account', async () => {
		const page = await open('operator');
		await page.goto(`${world.stack.base}/staff/message_texts`);
		await page.waitForSelector('[data-testid=text-low1]');
		assert.match(await page.innerText('[data-testid=text-low1] blockquote'), /A-101的电费余额还有18\.50元/);
		assert.match(await page.innerText('[data-testid=text-low1] [data-testid=text-size]'), /1 条短信/);
		await page.fill('#texts-account', 'A-102');
		await page.waitForSelector('[role=option]');
		await page.keyboard.press('Enter');
		await page.waitForSelector('[data-testid=text-low1] blockquote:has-text("A-102")');
		assert.equal(await page.$('[data-testid=text-alarm]'), null);
		await axe(page, 'the words of messages');
		await page.context().close();
	});
	test('the page of the system says how the parts are, and when the last backup was told of', async () => {
		const page = await open('engineer');
		await page.goto(`${world.stack.base}/staff/system`);
		await page.waitForSelector('[data-testid=system-parts] .ink-ok');
		assert.match(await page.innerText('[data-testid=outside-backup]'), /没有报告过/);
		await world.stack.yufu('job', 'done', 'backup');
		await page.waitForSelector('[data-testid=outside-backup].ink-ok, [data-testid=outside-backup] .ink-ok');
		await page.waitForSelector('[data-testid=system-pollers] tbody tr');
		await axe(page, 'the system');
		await page.context().close();
	});
	test('columns are hidden and filters saved, for this person, by keys too', async () => {
		const page = await open('engineer');
		await page.goto(`${world.stack.base}/staff/meters?comm=silent`);
		await page.waitForSelector('[data-testid=list-options]');
		await page.focus('[data-testid=list-options]');
		await page.keyboard.press('Enter');
		await page.waitForSelector('[data-testid=list-view]');
		await axe(page, 'columns and filters');
		await page.focus('[data-testid=column-power_w]');
		await page.keyboard.press('Space');
		await page.fill('[data-testid=view-name]', '失联的表');
		await page.keyboard.press('Enter');
		await page.waitForSelector('[data-testid="saved-失联的表"]');
		await page.keyboard.press('Escape');
		await page.waitForSelector('[data-testid=list-view]', { state: 'detached' });
		await page.goto(`${world.stack.base}/staff/meters`);
		await page.waitForSelector('[data-testid=list-meters]');
		const heads = await page.$$eval('[data-testid=list-meters] thead th', (all) => all.map((h) => h.innerText));
		assert.ok(!heads.some((h) => /功率/.test(h)) && heads.some((h) => /余额/.test(h)), heads.join());
		await page.selectOption('[data-testid=saved-filters]', '失联的表');
		await page.waitForFunction(() => new URLSearchParams(location.search).get('comm') === 'silent');
		assert.equal(await page.inputValue('[data-testid=saved-filters]'), '失联的表');
		const kept = await page.evaluate(() => Object.keys(localStorage).filter((k) => k.startsWith('yufu.staff.list.')));
		assert.equal(kept.length, 1);
		assert.match(kept[0], /^yufu\.staff\.list\.[1-9]\d*\.meters$/);
		assert.deepEqual(page.complaints, []);
		await page.context().close();
	});
	test('a month of fees is looked at beforehand, and run from there', async () => {
		const page = await open('finance');
		const [of] = await world.stack.sql(`SELECT contract_id FROM contract_fee WHERE to_day IS NULL ORDER BY id LIMIT 1`);
		const finance = await world.api.login('finance');
		const day = new Intl.DateTimeFormat('sv-SE', { timeZone: 'Asia/Shanghai' }).format(Date.now());
		const fee = await finance.post('/fees', { contract_id: Number(of.contract_id), kind: 'rent', monthly_fen: 900_000, from_day: `${day.slice(0, 7)}-01` }, 201);
		await page.goto(`${world.stack.base}/staff/fee_preview`);
		await page.waitForSelector(`tr[data-row="${fee.id}"]:has-text("9,000.00")`);
		assert.match(await page.innerText(`tr[data-row="${fee.id}"] .state`), /将收/);
		assert.match(await page.innerText('[data-testid=totals]'), /将收笔数\s*1\b/);
		await axe(page, 'a month of fees beforehand');
		await page.click('[data-testid=top-fee_run]');
		assert.match(await page.innerText('[data-testid=act-warning]'), /将收取 1 笔，共 ¥?\s?9,000\.00/);
		await page.click('[data-testid=act-go]');
		await page.waitForSelector(`tr[data-row="${fee.id}"] .state:has-text("已收")`);
		assert.equal(await page.$('[data-testid=top-fee_run]'), null, 'nothing is left to run');
		await page.fill('[data-testid=filter-month]', '2099-01');
		await page.waitForFunction(() => location.search.includes('month=2099-01'));
		await page.waitForSelector(`tr[data-row="${fee.id}"] .state:has-text("将收")`);
		assert.equal(await page.$('[data-testid=top-fee_run]'), null, 'a month to come is not run');
		await page.context().close();
	});
	test('a refund whose answer is lost is asked for again under the same key', async () => {
		const page = await open('finance');
		await page.goto(`${world.stack.base}/staff/accounts`);
		await page.waitForSelector('button.opens');
		await page.click('button.opens >> nth=0');
		await page.click('[data-testid=do-account_refund]');
		const keys = [];
		await page.route('**/accounts/*/refund', async (route) => {
			keys.push(route.request().headers()['idempotency-key']);
			if (keys.length > 1) return route.continue();
			await route.fetch(); // it arrived, but nobody will hear of it
			return route.abort();
		});
		await page.fill('#f-amount_fen', '1');
		await page.click('.pick:has-text("银行")');
		await page.fill('#f-reason', '多收');
		await page.click('[data-testid=act-go]');
		await page.waitForSelector('[data-testid=act-account_refund]', { state: 'detached' });
		assert.ok(keys.length >= 2 && new Set(keys).size === 1, `one key: ${keys}`);
		const [{ n }] = await world.stack.sql(`SELECT COUNT(*) AS n FROM refund WHERE reason = '多收'`);
		assert.equal(Number(n), 1);
		await page.context().close();
	});
});

describe('the board and what follows from it', () => {
	test('tiles are found, filtered and grouped; the search leads to a meter from any page', async () => {
		const page = await open('operator');
		await page.waitForSelector('[data-testid=tile-A01]');
		await page.fill('[data-testid=find]', 'A01');
		await page.waitForFunction(() => document.querySelectorAll('.tile').length < 20);
		await page.waitForSelector('[data-testid=tile-A01]');
		await page.fill('[data-testid=find]', '');
		await page.click('[data-testid=legend-public]');
		await page.waitForFunction(() => [...document.querySelectorAll('.tile')].every((e) => e.dataset.state === 'public'));
		await page.click('[data-testid=legend-public]');
		await page.click('[data-testid=by-area]');
		await page.waitForSelector('[data-testid^=bus-area-]');
		await page.click('[data-testid=by-bus]');
		await page.focus('[data-testid=tile-A01]');
		await page.keyboard.press('ArrowRight');
		assert.equal(await page.evaluate(() => document.activeElement.dataset.testid), 'tile-A02');
		// With a meter beside the board rows are narrower, and tiles as high as before.
		const { height, width } = await page.locator('.tiles').first().boundingBox();
		await page.keyboard.press('Enter');
		await page.waitForFunction((was) => document.querySelector('.tiles').clientWidth < was, Math.floor(width));
		await page.waitForFunction((row) => [...document.querySelectorAll('.tile')].every((e) => e.offsetHeight > row * .8), height);
		await page.keyboard.press('Escape');

		await go(page, '/staff/gateways');
		await page.keyboard.press('/');
		await page.keyboard.type('B07');
		await page.waitForSelector('[data-testid=find-hit]');
		await page.keyboard.press('Enter');
		await page.waitForFunction(() => location.pathname === '/staff/meters');
		await page.waitForSelector('[data-testid=drawer] [data-testid=action-off]');
		assert.match(await page.innerText('[data-testid=drawer] h2'), /^B07/);
		await axe(page, 'the page of a meter');
		assert.deepEqual(page.complaints, []);
		await page.context().close();
	});
	test('a meter that nobody counts on goes out of service and comes back; one that a contract holds does not', async () => {
		const code = 'OUT-1';
		const admin = await world.api.login('admin');
		const { id } = await admin.post('/meters', { code, gateway: 'G1', unit: '199', model: (await admin.meterByCode('A03')).model, role: 'public', billing: 'none', reason: 'e2e' }, 201);
		const [held] = await world.stack.sql(`SELECT id FROM meter WHERE code = 'A02'`);
		const in_service = async () => Number((await world.stack.sql(`SELECT enabled FROM meter WHERE id = ${id}`))[0].enabled);
		const page = await open('admin');
		const act = async (name, reason) => {
			await page.click(`[data-testid=do-meter_${name}]`);
			await page.fill('#f-reason', reason);
			await page.click('[data-testid=act-go]');
		};
		await page.goto(`${world.stack.base}/staff/meters?row=${held.id}`);
		await act('out', '拆除');
		await page.waitForSelector('.sheet .wrong:not(:empty)');
		assert.match(await page.innerText('.sheet .wrong[role=alert]'), /contract \S+/);
		await page.goto(`${world.stack.base}/staff/meters?row=${id}`);
		await act('out', '拆除');
		await page.waitForSelector('[data-testid=out-of-service]');
		assert.equal(await in_service(), 0);
		await page.check('[data-testid=filter-enabled]');
		await page.waitForFunction((c) => document.querySelectorAll('tbody .opens').length === 1 && document.querySelector('tbody .opens').innerText === c, code);
		assert.match(await page.innerText('[data-testid=list-meters] tbody .state'), /已停用/);
		await page.click('tbody .opens');
		await axe(page, 'a meter out of service');
		await act('back', '装回');
		await page.waitForSelector('[data-testid=do-meter_out]');
		assert.equal(await in_service(), 1);
		await page.goto(`${world.stack.base}/staff/gateways?row=1`);
		await page.click('[data-testid=do-gateway_out]');
		await page.fill('#f-reason', '拆除');
		await page.click('[data-testid=act-go]');
		await page.waitForSelector('.sheet .wrong:not(:empty)');
		await page.context().close();
	});
	test('several meters are ordered at once, after a preview and the number typed', async () => {
		const page = await open('operator');
		await page.goto(`${world.stack.base}/staff/meters?q=A0`);
		for (const n of [0, 1]) await page.click(`tbody .pick-box input >> nth=${n}`);
		await page.click('[data-testid=picked-batch_picked]');
		await page.selectOption('#f-action', 'read');
		await page.fill('#f-reason', '抽查');
		await page.click('[data-testid=act-go]');
		await page.waitForFunction(() => location.pathname === '/staff/batches');
		await page.click('[data-testid=do-batch_confirm]');
		await axe(page, 'a batch before it is confirmed');
		await page.click('[data-testid=act-go]');
		await page.waitForSelector('.sheet .wrong:not(:empty)');
		const [{ state }] = await world.stack.sql(`SELECT state FROM batch WHERE reason = '抽查'`);
		assert.equal(state, 'preview', 'nothing is done before the number is typed');
		await page.fill('[data-testid=sure]', '2');
		await page.click('[data-testid=act-go]');
		await page.waitForSelector('[data-testid=act-batch_confirm]', { state: 'detached' });
		const [{ later }] = await world.stack.sql(`SELECT state AS later FROM batch WHERE reason = '抽查'`);
		assert.notEqual(later, 'preview');
		await page.context().close();
	});
	test('several alarms are acknowledged with one note', async () => {
		await world.stack.sql(`INSERT INTO alarm (kind, severity, object_kind, object_id, object_code, text, raised_at) SELECT 'notify_refused', 'warn', 'service', seq, 'wechat', 'e2e', 1 FROM seq_1_to_2`);
		const page = await open('admin');
		await page.goto(`${world.stack.base}/staff/alarms?kind=notify_refused&state=unacked`);
		await page.click('[data-testid=pick-all]');
		await page.click('[data-testid=picked-alarm_ack]');
		await page.fill('#f-note', '已派人');
		await page.click('[data-testid=act-go]');
		await page.waitForSelector('[data-testid=list-alarms]', { state: 'detached' });
		const [{ n }] = await world.stack.sql(`SELECT COUNT(*) AS n FROM alarm a JOIN alarm_event v ON v.alarm_id = a.id AND v.what = 'acked' AND v.text = '已派人' WHERE a.text = 'e2e' AND a.acked_at > 0`);
		assert.equal(Number(n), 2);
		// one alone, from beside the list, where the act has the same name
		await world.stack.sql(`UPDATE alarm SET acked_at = 0, acked_by = '' WHERE text = 'e2e' AND object_id = 1`);
		await page.goto(`${world.stack.base}/staff/alarms?kind=notify_refused&state=unacked`);
		await page.click('.opens');
		await page.click('[data-testid=do-alarm_ack]');
		await page.click('[data-testid=act-go]');
		await page.waitForSelector('[data-testid=do-alarm_ack]', { state: 'detached' });
		await page.context().close();
	});
});

describe('the sales desk', () => {
	test('leads who may to a refund of the shop that was found, and to its entries; a cashier may not', async () => {
		const open_desk = async (role) => {
			const page = await open(role);
			await page.goto(`${world.stack.base}/staff/sales`);
			await page.waitForSelector('[data-testid=shift-open], [data-testid=sale-find]');
			if (await page.$('[data-testid=shift-open]')) await page.click('[data-testid=shift-open]');
			await page.fill('[data-testid=sale-find]', 'A-102');
			await page.click('#found-0');
			await page.waitForSelector('[data-testid=sale-amount-input]');
			return page;
		};
		const cashier = await open_desk('cashier');
		assert.equal(await cashier.$('[data-testid=desk-refund], [data-testid=desk-reverse]'), null);
		await cashier.click('[data-testid=shift-close]');
		await cashier.fill('[data-testid=shift-counted]', '0');
		await cashier.keyboard.press('Enter');
		await cashier.waitForSelector('[data-testid=shift-open]');
		await cashier.context().close();
		const page = await open_desk('admin');
		await axe(page, 'a shop at the desk, for who may refund');
		await page.click('[data-testid=desk-refund]');
		await page.waitForSelector('[data-testid=act-account_refund]');
		assert.match(await page.innerText('[data-testid=drawer] h2'), /^A-102/);
		await page.goBack();
		await page.fill('[data-testid=sale-find]', 'A-102');
		await page.click('#found-0');
		await page.click('[data-testid=desk-reverse]');
		await page.waitForFunction(() => location.pathname === '/staff/entries');
		const account = new URL(page.url()).searchParams.get('account_id');
		assert.equal(await page.inputValue('[data-testid=filter-account_id]'), account);
		assert.deepEqual(page.complaints, []);
		await page.context().close();
	});
	test('is worked by keys alone: two to find a shop, a sale, a marked copy, and a reversal', async () => {
		const page = await open('cashier');
		await page.goto(`${world.stack.base}/staff/sales`);
		await page.waitForSelector('[data-testid=shift-open], [data-testid=sale-find]');
		if (await page.$('[data-testid=shift-open]')) await page.click('[data-testid=shift-open]');
		await page.waitForSelector('[data-testid=sale-find]');
		await page.focus('[data-testid=sale-find]');
		await page.keyboard.type('02');
		await page.waitForSelector('#found-0');
		await axe(page, 'accounts found at the desk');
		await page.keyboard.press('ArrowDown');
		await page.keyboard.press('Enter');
		await page.keyboard.type('30');
		await page.keyboard.press('Enter');
		await page.keyboard.type('50');
		assert.match(await page.innerText('[data-testid=sale-change]'), /20\.00/);
		await page.keyboard.press('Enter');
		await page.waitForSelector('[data-testid=receipt]');
		const number = await page.innerText('[data-testid=receipt-no]');
		assert.equal(await page.$('[data-testid=receipt-copy]'), null, 'the first print is no copy');
		await page.keyboard.press('Enter');
		await page.waitForSelector('[data-testid^=sold-]');
		await page.click('[data-testid^=copy-] >> nth=0');
		await page.waitForSelector('[data-testid=receipt-copy]');
		assert.equal(await page.innerText('[data-testid=receipt-no]'), number);
		await page.keyboard.press('Enter');
		await page.click('[data-testid^=undo-] >> nth=0');
		await page.fill('[data-testid=undo-reason]', '收错了');
		await page.keyboard.press('Enter');
		await page.waitForSelector('.sale-log .undone');
		await axe(page, 'the desk');
		await page.click('[data-testid=shift-close]');
		await page.fill('[data-testid=shift-counted]', '0');
		await page.keyboard.press('Enter');
		await page.waitForSelector('[data-testid=shift-open]');
		assert.deepEqual(page.complaints, []);
		await page.context().close();
	});
});
