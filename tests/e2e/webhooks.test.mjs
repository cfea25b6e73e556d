// Webhooks as another system meets them: a receiver of its own that checks signatures by node:crypto and
// nothing of ours, and that takes, refuses, redirects, hangs and floods.
import assert from 'node:assert/strict';
import { createHmac, randomUUID, timingSafeEqual } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, readFileSync, readdirSync } from 'node:fs';
import http from 'node:http';
import { after, before, describe, test } from 'node:test';
import { chromium } from 'playwright-core';
import { credited, DEMO_PASSWORD, expect, newOrder, pay, PATIENCE, tenantPhone, until, useStack } from './lib.mjs';

let admin;
const world = useStack({
	fresh: false,
	ready: async () => {
		admin = await world.api.login('admin');
	},
});

/** Another system. Each path is a mailbox; what it answers is told by behave(). */
class Receiver {
	async open() {
		this.boxes = new Map();
		this.server = http.createServer((request, response) => this.#take(request, response));
		this.server.listen(0, '127.0.0.1');
		await once(this.server, 'listening');
		this.base = `http://127.0.0.1:${this.server.address().port}`;
		return this;
	}

	box(path) {
		if (!this.boxes.has(path)) this.boxes.set(path, { got: [], open: [], behave: (m, r) => r.writeHead(204).end() });
		return this.boxes.get(path);
	}

	async #take(request, response) {
		const chunks = [];
		for await (const chunk of request) chunks.push(chunk);
		const box = this.box(request.url);
		const body = Buffer.concat(chunks);
		const message = { method: request.method, headers: request.headers, body, event: JSON.parse(body) };
		box.got.push(message);
		box.open.push(response);
		response.on('close', () => box.open.splice(box.open.indexOf(response), 1));
		box.behave(message, response);
	}

	close() {
		this.server.closeAllConnections();
		this.server.close();
	}
}

const receiver = new Receiver();
before(() => receiver.open());
after(() => receiver.close());

/** What docs/webhooks.md tells a receiver to do. */
function signed(message, secret, nowS = Date.now() / 1000) {
	const at = message.headers['yufu-timestamp'];
	if (Math.abs(nowS - Number(at)) > 300) return false;
	const want = createHmac('sha256', secret).update(`${at}.`).update(message.body).digest();
	return message.headers['yufu-signature'].split(',')
		.filter((s) => s.startsWith('v1='))
		.some((s) => s.length === 67 && timingSafeEqual(want, Buffer.from(s.slice(3), 'hex')));
}

async function hook(name, events, more = {}) {
	const made = await admin.post('/webhooks', { name, url: `${receiver.base}/${name}`, events, ...more }, 201);
	return { ...made, box: receiver.box(`/${name}`) };
}

const ping = (h) => admin.post(`/webhooks/${h.id}/test`, {}, 202);
const delivery = async (h, id) => (await admin.get(`/webhooks/${h.id}/deliveries`)).items.find((d) => d.id === id);
const ended = (h, id, state) => until(`delivery ${id} is ${state}`, async () => {
	const d = await delivery(h, id);
	return d.state === state && d;
});

describe('an event', () => {
	test('a ping arrives, signed, and is kept with its answer', async () => {
		const h = await hook('ping', ['order.paid']);
		h.box.behave = (m, r) => r.writeHead(200).end('thank you\n\u7535');
		const sent = await ping(h);
		const done = await ended(h, sent.id, 'done');
		const [m] = h.box.got;
		assert.equal(m.method, 'POST');
		assert.equal(m.headers['content-type'], 'application/json');
		assert.ok(signed(m, h.secret));
		assert.ok(!signed(m, `${h.secret}0`));
		assert.ok(!signed({ ...m, body: Buffer.concat([m.body, Buffer.from(' ')]) }, h.secret));
		assert.equal(m.headers['yufu-event'], 'ping');
		assert.equal(m.headers['yufu-event-id'], sent.event_id);
		assert.deepEqual([m.event.id, m.event.kind, m.event.site_id], [sent.event_id, 'ping', null]);
		assert.equal(done.payload, m.body.toString());
		assert.deepEqual([done.status, done.tries, done.error, done.answer], [200, 1, null, 'thank you\n???']);
	});

	test('a recharge is told when it is credited, and only to whom it concerns', async () => {
		const h = await hook('paid', ['order.paid']);
		const other = await hook('sealed', ['day.sealed']);
		const tenant = await world.api.login(tenantPhone(60));
		const order = await newOrder(tenant, 4200);
		await pay(world.stack, world.wire, order);
		await credited(tenant, order);
		const [m] = await until('the event arrives', () => h.box.got.length && h.box.got);
		assert.ok(signed(m, h.secret));
		assert.deepEqual([m.event.kind, m.event.data.out_trade_no, m.event.data.amount_fen, m.event.data.account_id],
			['order.paid', order.out_trade_no, 4200, order.account_id]);
		assert.ok(m.event.site_id > 0);
		assert.ok(!m.body.includes(tenantPhone(60)));
		assert.deepEqual([h.box.got.length, other.box.got.length], [1, 0]);
	});

	test('a sale, and a supply that was switched', async () => {
		const h = await hook('desk', ['*']);
		const tenant = await world.api.login(tenantPhone(61));
		const account = await tenant.account();
		const cashier = await world.api.login('cashier');
		await cashier.post('/shifts', {}, 201);
		const sale = await cashier.post('/sales', { lines: [{ account_id: account.id, amount_fen: 1500 }], method: 'cash', tendered_fen: 1500, note: '' }, 201);
		const of = (kind) => until(kind, () => h.box.got.find((m) => m.event.kind === kind), 60_000);
		assert.deepEqual((await of('sale.created')).event.data, {
			sale_id: sale.id, method: 'cash', total_fen: 1500, lines: [{ account_id: account.id, amount_fen: 1500 }],
		});
		const operator = await world.api.login('operator');
		await until('the meter was read', async () => (await tenant.account()).supply.state === 'on', 60_000);
		await operator.post(`/meters/${account.meter.id}/supply`, { action: 'off', reason: 'test' }, 202);
		const changed = await until('it is off', () => h.box.got.find((m) => m.event.kind === 'supply.changed'
			&& m.event.data.supply === 'off' && m.event.data.reason === 'manual'), 60_000);
		assert.equal(changed.event.data.was, 'on');
		await operator.post(`/meters/${account.meter.id}/supply`, { action: 'on', reason: 'test' }, 202);
		const ids = h.box.got.map((m) => m.event.id);
		assert.equal(new Set(ids).size, ids.length, 'no event came twice');
		expect(await admin.call('DELETE', `/webhooks/${h.id}`), 204);
	});
});

describe('a receiver that', () => {
	test('refuses is asked again with the same id, and others go on meanwhile', async () => {
		const h = await hook('refusing', ['order.paid']);
		let poison;
		h.box.behave = (m, r) => {
			poison ??= m.event.id;
			const first = m.event.id === poison && h.box.got.filter((x) => x.event.id === poison).length === 1;
			r.writeHead(first ? 500 : 200).end('no');
		};
		const one = await ping(h);
		const waiting = await ended(h, one.id, 'waiting');
		assert.deepEqual([waiting.status, waiting.tries, waiting.error], [500, 1, 'the receiver answered 500']);
		const two = await ping(h);
		await ended(h, two.id, 'done');
		assert.equal((await delivery(h, one.id)).state, 'waiting', 'the first waits, and stops nobody');
		const done = await ended(h, one.id, 'done');
		assert.equal(done.tries, 2);
		const tries = h.box.got.filter((m) => m.event.id === one.event_id);
		assert.deepEqual(tries[0].body, tries[1].body);
		assert.ok(tries.every((m) => signed(m, h.secret)));
	});

	test('redirects is not followed', async () => {
		const h = await hook('redirecting', ['order.paid']);
		h.box.behave = (m, r) => r.writeHead(307, { location: `${receiver.base}/elsewhere` }).end();
		const d = await ended(h, (await ping(h)).id, 'waiting');
		assert.equal(d.status, 307);
		assert.equal(receiver.box('/elsewhere').got.length, 0);
		expect(await admin.call('DELETE', `/webhooks/${h.id}`), 204);
	});

	test('floods is read for 500 bytes', async () => {
		const h = await hook('flooding', ['order.paid']);
		h.box.behave = (m, r) => {
			r.writeHead(200);
			r.on('error', () => {});
			const more = () => {
				while (!r.destroyed && r.write('x'.repeat(65_536)));
				if (!r.destroyed) r.once('drain', more);
			};
			more();
		};
		const d = await ended(h, (await ping(h)).id, 'done');
		assert.equal(d.answer, 'x'.repeat(500));
	});

	test('hangs delays no other, and no recharge', async () => {
		const hanging = await hook('hanging', ['order.paid']);
		const quick = await hook('quick', ['order.paid']);
		hanging.box.behave = () => {};
		await ping(hanging);
		await until('it hangs', () => hanging.box.open.length === 1);
		const tenant = await world.api.login(tenantPhone(62));
		const order = await newOrder(tenant, 2100);
		await pay(world.stack, world.wire, order);
		await credited(tenant, order);
		await until('the other is told', () => quick.box.got.length === 1);
		assert.equal(hanging.box.open.length, 1, 'all that happened while one call was open');
		await until('the call is given up', () => hanging.box.open.length === 0, 20_000);
		const [d] = (await until('it is noted', async () => {
			const list = (await admin.get(`/webhooks/${hanging.id}/deliveries?state=waiting`)).items;
			return list.length > 0 && list;
		}));
		assert.deepEqual([d.status, d.error], [null, 'no answer in time']);
		expect(await admin.call('DELETE', `/webhooks/${hanging.id}`), 204);
	});

	test('is not there is tried again', async () => {
		const made = await admin.post('/webhooks', { name: 'x', url: 'http://127.0.0.1:1/', events: ['day.sealed'] }, 201);
		const sent = await admin.post(`/webhooks/${made.id}/test`, {}, 202);
		const d = await ended(made, sent.id, 'waiting');
		assert.equal(d.status, null);
		assert.ok(d.error);
		expect(await admin.call('DELETE', `/webhooks/${made.id}`), 204);
		expect(await admin.call('GET', `/webhooks/${made.id}`), 404, 'not_found');
		expect(await admin.call('POST', `/webhooks/deliveries/${sent.id}/replay`, { body: {}, key: randomUUID() }), 404, 'not_found');
	});

	test('wants no more is turned off, with an alarm', async () => {
		const h = await hook('gone', ['order.paid']);
		h.box.behave = (m, r) => r.writeHead(410).end();
		await ended(h, (await ping(h)).id, 'failed');
		const now = await admin.get(`/webhooks/${h.id}`);
		assert.deepEqual([now.state, now.off_why], ['off', 'gone']);
		const alarm = async () => (await admin.get('/alarms?open=1')).items.find((a) => a.kind === 'webhook_off' && a.object?.id === h.id);
		assert.ok((await admin.get('/alarms?open=1')).items.some((a) => a.kind === 'webhook_off'), JSON.stringify(await alarm()));
		expect(await admin.call('POST', `/webhooks/${h.id}/test`, { body: {}, key: randomUUID() }), 409, 'conflict');
		const on = expect(await admin.call('PUT', `/webhooks/${h.id}`, { body: { state: 'on' } }), 200).body;
		assert.deepEqual([on.state, on.off_why, on.failures], ['on', null, 0]);
		assert.ok(!(await admin.get('/alarms?open=1')).items.some((a) => a.kind === 'webhook_off'));
	});
});

describe('staff', () => {
	test('see the secret once; a new one signs beside the old', async () => {
		const h = await hook('secret', ['order.paid']);
		assert.ok(!('secret' in await admin.get(`/webhooks/${h.id}`)));
		assert.ok((await admin.get('/webhooks')).items.every((w) => !('secret' in w)));
		const made = await admin.post(`/webhooks/${h.id}/secret`, {});
		assert.notEqual(made.secret, h.secret);
		assert.ok(Date.parse(made.old_secret_until) - Date.now() > 23 * 3_600_000);
		await ended(h, (await ping(h)).id, 'done');
		const [m] = h.box.got;
		assert.ok(signed(m, h.secret) && signed(m, made.secret));
		await world.stack.sql(`UPDATE webhook SET old_until = 1 WHERE id = ${h.id}`);
		await ended(h, (await ping(h)).id, 'done');
		const last = h.box.got.at(-1);
		assert.ok(!signed(last, h.secret) && signed(last, made.secret));
	});

	test('send an event once more by the replay button', async () => {
		const h = await hook('replay', ['order.paid']);
		const sent = await ping(h);
		await ended(h, sent.id, 'done');
		const again = await admin.post(`/webhooks/deliveries/${sent.id}/replay`, {}, 202);
		assert.deepEqual([again.id, again.event_id, again.tries], [sent.id, sent.event_id, 0]);
		await until('it comes again', () => h.box.got.length === 2);
		assert.deepEqual(h.box.got[0].body, h.box.got[1].body);
	});

	test('turn one off: it is told nothing; change where it goes', async () => {
		const h = await hook('moved', ['order.paid']);
		expect(await admin.call('PUT', `/webhooks/${h.id}`, { body: { state: 'off' } }), 200);
		await world.stack.sql(`INSERT INTO webhook_delivery (webhook_id, event_id, kind, payload, next_at, created_at, since)
			VALUES (${h.id}, '${'0'.repeat(32)}', 'order.paid', '{}', 1, 1, ${Date.now()})`);
		const b = await hook('beside', ['order.paid']);
		await ended(b, (await ping(b)).id, 'done');
		assert.equal(h.box.got.length, 0);
		const body = { name: 'moved', url: `${receiver.base}/new-place`, events: ['*', 'order.paid'], state: 'on' };
		const now = expect(await admin.call('PUT', `/webhooks/${h.id}`, { body }), 200).body;
		assert.deepEqual([now.events, now.url], [['*'], body.url]);
		await until('what waited comes to the new place', () => receiver.box('/new-place').got.length > 0);
		expect(await admin.call('DELETE', `/webhooks/${h.id}`), 204);
	});

	test('page through what was sent', async () => {
		const h = await hook('pages', ['day.sealed']);
		await world.stack.sql(`INSERT INTO webhook_delivery (webhook_id, event_id, kind, payload, state, next_at, created_at, since)
			SELECT ${h.id}, LPAD(LOWER(HEX(seq)), 32, '0'), 'day.sealed', '{}', IF(seq % 2, 'done', 'failed'), 0, 1, 1 FROM seq_1_to_230`);
		const seen = [];
		for (let next = ''; next !== null;) {
			const page = await admin.get(`/webhooks/${h.id}/deliveries${next && `?cursor=${next}`}`);
			seen.push(...page.items.map((d) => d.id));
			next = page.next;
		}
		assert.equal(new Set(seen).size, 230);
		assert.deepEqual(seen, seen.toSorted((a, b) => b - a));
		const failed = (await admin.get(`/webhooks/${h.id}/deliveries?state=failed`)).items;
		assert.ok(failed.length === 100 && failed.every((d) => d.state === 'failed'));
		assert.equal((await admin.get(`/webhooks/${h.id}`)).failed, 115);
		expect(await admin.call('GET', `/webhooks/${h.id}/deliveries?state=gift`), 422, 'bad_value');
		expect(await admin.call('DELETE', `/webhooks/${h.id}`), 204);
	});

	test('do it all by the page: add, see the secret once, test, look, send again', async (t) => {
		const chrome = await chromium.launch({
			executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
			args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--no-first-run', '--disable-background-networking'],
		});
		t.after(() => chrome.close());
		const page = await (await chrome.newContext({ viewport: { width: 1440, height: 900 }, locale: 'zh-CN', timezoneId: 'Asia/Shanghai' })).newPage();
		page.setDefaultTimeout(30_000 * PATIENCE);
		const errors = [];
		page.on('pageerror', (e) => errors.push(e.message));
		page.on('console', (m) => m.type() === 'error' && errors.push(m.text()));
		const by = (id) => page.getByTestId(id);
		const box = receiver.box('/by-page');
		await page.goto(`${world.stack.base}/staff/login?to=%2Fwebhooks`);
		await by('login-phone').fill('admin');
		await by('login-password').fill(DEMO_PASSWORD);
		await by('login-submit').click();
		await by('webhook-add').click();
		await page.fill('#hook-name', '财务系统');
		await page.fill('#hook-url', 'http://10.0.0.1/');
		await by('webhook-save').click();
		await page.getByRole('alert').filter({ hasText: /https/ }).waitFor();
		await page.fill('#hook-url', `${receiver.base}/by-page`);
		await page.getByRole('button', { name: '日结', exact: true }).click();
		await by('webhook-save').click();
		const secret = await by('webhook-secret').innerText();
		assert.match(secret, /^whsec_[0-9a-f]{64}$/);
		await page.keyboard.press('Escape');
		await page.getByRole('button', { name: /财务系统/ }).click();
		await by('webhook-test').click();
		await until('it has come', () => box.got.length === 1);
		assert.ok(signed(box.got[0], secret));
		await page.getByRole('button', { name: '已送达', exact: true }).click();
		const line = by('deliveries').getByRole('listitem');
		await line.first().waitFor();
		await line.getByRole('button', { name: '测试', exact: true }).click();
		if (process.env.YUFU_SCREENSHOTS) {
			mkdirSync(process.env.YUFU_SCREENSHOTS, { recursive: true });
			await page.screenshot({ path: `${process.env.YUFU_SCREENSHOTS}/staff-webhooks.png` });
		}
		await line.getByRole('button', { name: '重新推送' }).click();
		await until('it has come again', () => box.got.length === 2);
		assert.equal(box.got[1].event.id, box.got[0].event.id);
		await by('webhook-turn').click();
		await page.getByText('人工停用').waitFor();
		assert.ok(!(await page.content()).includes(secret), 'the secret is not kept in the page');
		assert.deepEqual(errors.filter((e) => !/422/.test(e)), []);
	});

	test('are refused addresses that others must not make us call', async () => {
		for (const url of ['http://erp.example.com/', 'https://10.0.0.1/', 'https://169.254.169.254/', 'https://[fe80::1]/', 'https://0x0a000001/',
			'https://user@erp.example.com/', 'ftp://erp.example.com/', 'nonsense', 'https://erp.example.com/ x', 'http://127.0.0.1:80/#x'])
			expect(await admin.call('POST', '/webhooks', { body: { name: 'x', url, events: ['*'] }, key: randomUUID() }), 422, 'bad_value');
		expect(await admin.call('POST', '/webhooks', { body: { name: 'x', url: receiver.base, events: ['day.sealed', 'day.sealed'] }, key: randomUUID() }), 422, 'bad_value');
		expect(await admin.call('POST', '/webhooks', { body: { name: 'x', url: receiver.base, events: ['day.sealed'], site_id: 999_999 }, key: randomUUID() }), 404, 'not_found');
	});

	test('leave a trace in the audit log; secrets are in no log', async () => {
		const rows = await world.stack.sql(`SELECT DISTINCT action FROM audit WHERE action LIKE 'webhook.%' AND outcome = 'ok' ORDER BY action`);
		assert.deepEqual(rows.map((r) => r.action),
			['webhook.change', 'webhook.create', 'webhook.remove', 'webhook.replay', 'webhook.rotate', 'webhook.test']);
		assert.equal(await world.stack.number(`SELECT COUNT(*) FROM audit WHERE detail LIKE '%whsec%'`), 0);
		for (const file of readdirSync(world.stack.path('log')))
			assert.ok(!readFileSync(world.stack.path('log', file), 'utf8').includes('whsec_'), file);
	});
});
