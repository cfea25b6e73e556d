// The API as its users meet it: logins, recharges by three channels, statement and usage, staff
// control down to the wire, the sales desk, permissions. Every answer is checked against
// openapi.json by the client itself.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { describe, test } from 'node:test';
import { faults } from '../support/books.mjs';
import batches from './parts/batches.mjs';
import books from './parts/books.mjs';
import contracts from './parts/contracts.mjs';
import control from './parts/control.mjs';
import credit from './parts/credit.mjs';
import estate from './parts/estate.mjs';
import fees from './parts/fees.mjs';
import lists from './parts/lists.mjs';
import matrix from './parts/matrix.mjs';
import orders from './parts/orders.mjs';
import reconciliation from './parts/reconciliation.mjs';
import refused from './parts/refused.mjs';
import reports from './parts/reports.mjs';
import settings from './parts/settings.mjs';
import watch from './parts/watch.mjs';
import who from './parts/who.mjs';
import { credited, expect, FEN, nano, newOrder, pay, Session, tenantPhone, until, useStack } from './lib.mjs';

const world = useStack();

function today(offsetDays = 0) {
	return new Intl.DateTimeFormat('sv-SE', { timeZone: 'Asia/Shanghai' }).format(Date.now() + offsetDays * 86_400_000);
}

describe('logging in', () => {
	test('by password, as tenant and as staff', async () => {
		const tenant = await world.api.login(tenantPhone(1));
		const me = await tenant.get('/me');
		assert.equal(me.kind, 'tenant');
		assert.equal(me.tenants.length, 1);
		assert.equal(me.site.zone, 'Asia/Shanghai');
		assert.equal(tenant.tokens.expires_in, 900);

		const staff = await world.api.login('operator');
		assert.equal((await staff.get('/me')).kind, 'staff');
		assert.ok((await staff.get('/me')).permissions.includes('meter.control'));
	});

	test('a wrong password and an unknown name get the same answer', async () => {
		for (const username of [tenantPhone(2), '13999999999']) {
			const answer = await world.api.call('POST', '/auth/login', { body: { username, password: 'wrong' } });
			expect(answer, 401, 'wrong_password');
		}
	});

	test('by a code sent as SMS', async () => {
		const phone = tenantPhone(20);
		expect(await world.api.call('POST', '/auth/sms-code', { body: { phone } }), 202);
		const { code } = await until('the SMS arrives', async () =>
			(await world.wire.sms(phone)).find((m) => /^\d{6}$/.test(m.code)), 20_000);
		const wrong = code === '000000' ? '111111' : '000000';
		expect(await world.api.call('POST', '/auth/sms-login', { body: { phone, code: wrong } }), 401, 'wrong_code');
		const answer = expect(await world.api.call('POST', '/auth/sms-login', { body: { phone, code } }), 200);
		assert.equal((await new Session(world.api, answer.body).get('/me')).phone, phone);
		expect(await world.api.call('POST', '/auth/sms-login', { body: { phone, code } }), 401, 'wrong_code');
		expect(await world.api.call('POST', '/auth/sms-code', { body: { phone } }), 429, 'too_many');
	});

	test('an unknown phone gets the same answer and no SMS', async () => {
		const phone = '13999999998';
		expect(await world.api.call('POST', '/auth/sms-code', { body: { phone } }), 202);
		assert.equal((await world.wire.sms(phone)).length, 0);
	});

	test('refresh tokens rotate, and a stolen one ends the session', async () => {
		const { api } = world;
		const first = (await api.login(tenantPhone(3))).tokens.refresh_token;
		const refresh = (token) => api.call('POST', '/auth/refresh', { body: { refresh_token: token } });
		const second = expect(await refresh(first), 200).body.refresh_token;
		assert.notEqual(second, first);
		const third = expect(await refresh(second), 200).body;
		// first was spent two rotations ago: nobody honest sends it again.
		expect(await refresh(first), 401);
		expect(await refresh(third.refresh_token), 401);
	});

	test('logging out ends the session', async () => {
		const { api } = world;
		const session = await api.login(tenantPhone(3));
		const body = { refresh_token: session.tokens.refresh_token };
		expect(await api.call('POST', '/auth/logout', { body }), 204);
		expect(await api.call('POST', '/auth/refresh', { body }), 401);
	});

	test('WeChat logs nobody in by a code that it does not know', async () => {
		const { api } = world;
		expect(await api.call('GET', '/auth/wechat/start?return=/recharge'), 302);
		expect(await api.call('POST', '/auth/wechat', { body: { code: 'x' } }), 401, 'wrong_code');
		const tenant = await api.login(tenantPhone(3));
		assert.deepEqual((await tenant.get('/me/wechat')).apps, []);
		expect(await tenant.call('POST', '/me/wechat', { body: { ticket: 'x' } }), 422);
		expect(await tenant.call('POST', '/me/wechat/subscriptions', { body: { template_id: 'MINI_BALANCE', result: 'accept' } }), 404, 'wechat_not_bound');
		expect(await tenant.call('DELETE', '/me/wechat'), 404);
	});
});

describe('a tenant', () => {
	test('sees accounts and meters, and only its own', async () => {
		const tenant = await world.api.login(tenantPhone(1));
		const accounts = await tenant.accounts();
		assert.deepEqual(accounts.map((a) => a.purpose).sort(), ['electricity', 'water']);
		for (const account of accounts) nano(account.balance);
		const meters = (await tenant.get('/me/meters')).items;
		assert.deepEqual(meters.map((m) => m.code).sort(), ['A01', 'A71W']);
		assert.ok(meters.every((m) => m.comm === 'ok' && m.read_at));

		const other = await (await world.api.login(tenantPhone(2))).account();
		expect(await tenant.call('GET', `/me/statement?account_id=${other.id}&from=${today()}&to=${today()}`), 404);
		expect(await tenant.call('POST', '/me/orders', {
			key: randomUUID(),
			body: { account_id: other.id, amount_fen: 5000, channel: 'wechat_native' },
		}), 404);
		expect(await tenant.call('GET', '/meters'), 403, 'forbidden');
	});

	for (const [i, channel] of ['wechat_native', 'wechat_h5', 'alipay_wap'].entries()) {
		test(`recharges by ${channel}`, async () => {
			const tenant = await world.api.login(tenantPhone(10 + i));
			const before = await tenant.account();
			const order = await newOrder(tenant, 5000, channel);
			assert.match(order.state, /^(created|pending)$/);
			await pay(world.stack, world.wire, order);
			const done = await credited(tenant, order);
			assert.equal(done.amount_fen, 5000);
			assert.ok(done.paid_at);
			const after = await tenant.account();
			const grown = nano(after.balance) - nano(before.balance);
			assert.ok(grown <= 5000n * FEN && grown > 4800n * FEN, `grown by ${grown}`);

			const statement = await tenant.get(`/me/statement?account_id=${after.id}&from=${today(-1)}&to=${today()}`);
			const line = statement.items.find((s) => s.order_id === order.id);
			assert.equal(nano(line.amount), 5000n * FEN);
			assert.equal(line.kind, 'recharge');
		});
	}

	test('gets the same order for the same key, and a conflict for another request', async () => {
		const tenant = await world.api.login(tenantPhone(13));
		const account = await tenant.account();
		const body = { account_id: account.id, amount_fen: 5000, channel: 'wechat_native' };
		const key = randomUUID();
		const order = await tenant.post('/me/orders', body, 201, key);
		const again = await tenant.post('/me/orders', body, 201, key);
		assert.equal(again.id, order.id);
		const other = await tenant.call('POST', '/me/orders', { body: { ...body, amount_fen: 10000 }, key });
		expect(other, 409, 'idempotency_mismatch');
		assert.equal((await tenant.get('/me/orders')).items.length, 1);
	});

	test('can recharge water too', async () => {
		const tenant = await world.api.login(tenantPhone(1));
		const order = await newOrder(tenant, 5000, 'wechat_native', 'water');
		await pay(world.stack, world.wire, order);
		await credited(tenant, order);
	});

	test('has a statement whose lines lead from opening to closing', async () => {
		const tenant = await world.api.login(tenantPhone(10));
		const { id } = await tenant.account();
		const s = await tenant.get(`/me/statement?account_id=${id}&from=${today(-1)}&to=${today()}`);
		let balance = nano(s.opening);
		for (const line of [...s.items].reverse()) {
			balance += nano(line.amount);
			assert.equal(nano(line.balance), balance, JSON.stringify(line));
		}
		assert.equal(nano(s.closing), balance);
	});

	test('sees use by hour, day and month, with one total', async () => {
		const phone = tenantPhone(30);
		await world.wire.set('G1', 30, { load_w: 8000 });
		const tenant = await world.api.login(phone);
		const [meter] = (await tenant.get('/me/meters')).items;
		const ask = (step) => tenant.get(`/me/usage?meter_id=${meter.id}&from=${today()}&to=${today()}&step=${step}`);
		await until('energy was charged', async () => (await ask('day')).items[0]?.energy_wh > 0, 120_000, 500);
		await until('hours, day and month agree', async () => {
			const [hours, days, months] = [await ask('hour'), await ask('day'), await ask('month')];
			const wh = hours.items.reduce((sum, item) => sum + item.energy_wh, 0);
			const charge = hours.items.reduce((sum, item) => sum + nano(item.charge), 0n);
			assert.equal(days.items[0].label, today());
			for (const item of [...days.items, ...months.items]) {
				const lines = item.lines.reduce((sum, line) => sum + nano(line.charge), 0n);
				assert.equal(lines, nano(item.charge), 'the lines of a day add up');
			}
			return days.items.length === 1 && wh === days.items[0].energy_wh && charge === nano(days.items[0].charge)
				&& months.items[0].energy_wh === wh;
		}, 20_000, 500);
	});

	test('sets warning thresholds', async () => {
		const tenant = await world.api.login(tenantPhone(2));
		const settings = await tenant.get('/me/alert-settings');
		const changed = { ...settings, items: settings.items.map((i) => ({ ...i, warn1: '77', warn2: '7' })), language: 'en' };
		const put = (body) => tenant.call('PUT', '/me/alert-settings', { body });
		expect(await put(changed), 200);
		const read = await tenant.get('/me/alert-settings');
		assert.equal(read.language, 'en');
		assert.ok(read.items.every((i) => Number(i.warn1) === 77 && Number(i.warn2) === 7));
		expect(await put({ items: changed.items }), 200);
		assert.equal((await tenant.get('/me/alert-settings')).language, 'en', 'what is not named stays');
		expect(await put({ ...changed, items: changed.items.map((i) => ({ ...i, warn2: changed.items[0].warn1, warn1: changed.items[0].warn2 })) }), 422);
		expect(await put(settings), 200);
	});
});

describe('a tenant in need', () => {
	test('takes the emergency credit once, and the lights come back', async () => {
		await world.wire.relay('G1', 3, 'off', 60_000); // A03 owes 3.18
		const tenant = await world.api.login(tenantPhone(3));
		const account = await tenant.account();
		assert.equal(account.emergency.available, true);
		const take = () => tenant.call('POST', `/me/accounts/${account.id}/emergency-credit`, { body: {}, key: randomUUID() });
		const taken = expect(await take(), 200).body;
		assert.ok(taken.emergency.taken_at);
		await world.wire.relay('G1', 3, 'on');
		expect(await take(), 409, 'conflict');
		const other = await world.api.login(tenantPhone(4));
		expect(await other.call('POST', `/me/accounts/${account.id}/emergency-credit`, { body: {}, key: randomUUID() }), 404);
	});

	test('reads what it was told when the money ran out', async () => {
		const notices = (await (await world.api.login(tenantPhone(3))).get('/me/notices')).items;
		assert.ok(notices.some((n) => n.kind === 'arrears' && n.text.includes('-3.18')), JSON.stringify(notices));
	});

	test('switches the supply of a sub-tenant, and only of its own', async () => {
		// C12 hangs below the shop of C11 from now on.
		await world.stack.sql(`INSERT INTO sub_tenant (contract_id, supply_point_id, name)
			SELECT cp.contract_id, below.supply_point_id, '夹层仓库' FROM meter own
			JOIN contract_point cp ON cp.supply_point_id = own.supply_point_id
			JOIN meter below ON below.code = 'C12' WHERE own.code = 'C11'`);
		const tenant = await world.api.login(tenantPhone(2 * 60 + 11));
		const [sub] = (await tenant.get('/me/sub-tenants')).items;
		assert.equal(sub.name, '夹层仓库');
		const order = (session, action) => session.call('POST', `/me/sub-tenants/${sub.id}/supply`, { body: { action }, key: randomUUID() });
		assert.equal(expect(await order(tenant, 'off'), 200).body.switched_off, true);
		await world.wire.relay('G3', 12, 'off');
		expect(await order(await world.api.login(tenantPhone(2 * 60 + 13)), 'on'), 404);
		assert.equal((await world.wire.meter('G3', 12)).relay, 'off');
		expect(await order(tenant, 'on'), 200);
		await world.wire.relay('G3', 12, 'on');
	});
});

describe('staff', () => {
	test('finds a shop and its past use', async () => {
		const staff = await world.api.login('operator');
		const found = (await staff.get(`/tenants?q=${encodeURIComponent('A-112')}`)).items;
		assert.deepEqual(found.map((t) => t.room), ['A-112']);
		const meter = await staff.meterByCode('A30');
		const use = await staff.get(`/meters/${meter.id}/usage?from=${today(-1)}&to=${today()}&step=day`);
		assert.ok(use.items.length >= 1 && use.items.every((day) => day.energy_wh > 0));
	});

	test('is told of a meter that falls silent, once, and when it is back', async () => {
		const staff = await world.api.login('operator');
		const open = async () => (await staff.get('/alarms?open=1')).items.filter((a) => a.object.code === 'E33');
		await world.wire.fault({ gateway: 'G5', unit: 33, kind: 'silent' });
		const [alarm] = await until('the alarm is raised', async () => {
			const found = await open();
			return found.length > 0 && found;
		}, 200_000, 1000);
		assert.equal(alarm.kind, 'meter_silent');
		assert.equal((await open()).length, 1);
		await world.wire.heal();
		await until('it is cleared', async () => (await open()).length === 0, 120_000, 1000);
	});

	test('sees the mall live, and 304 when nothing changed', async () => {
		const staff = await world.api.login('viewer');
		const answer = expect(await staff.call('GET', '/meters'), 200);
		assert.equal(answer.body.items.length, 370);
		assert.ok(answer.headers.get('etag'));
		assert.equal(answer.body.items.filter((m) => m.role === 'public').length, 50);
		assert.equal(answer.body.items.filter((m) => m.utility === 'water').length, 20);
		const board = await staff.get('/board');
		assert.equal(board.meters_total, 370);
		assert.ok(board.meters_fresh >= 365, `fresh: ${board.meters_fresh}`);
		assert.equal((await staff.get('/gateways')).items.length, 5);
		await until('an unchanged list is answered with 304', async () => {
			const { headers } = expect(await staff.call('GET', '/meters'), 200);
			const same = await staff.call('GET', '/meters', { headers: { 'if-none-match': headers.get('etag') } });
			return same.status === 304;
		}, 20_000, 1);
	});

	test('may look but not touch, as a viewer', async () => {
		const viewer = await world.api.login('viewer');
		const meter = await viewer.meterByCode('C09');
		const { clock } = await viewer.get(`/meters/${meter.id}`);
		assert.ok(Math.abs(clock.drift_s) <= 15 && Date.parse(clock.seen_at) > 0 && clock.set_by_s === 0, JSON.stringify(clock));
		const body = { action: 'off', reason: 'x' };
		expect(await viewer.call('POST', `/meters/${meter.id}/supply`, { body, key: randomUUID() }), 403, 'forbidden');
		expect(await viewer.call('POST', '/shifts', { body: {} }), 403, 'forbidden');
		assert.equal((await world.wire.meter('G3', 9)).relay, 'on');
	});

	test('switches a supply off and on, down to the read-back', async () => {
		const staff = await world.api.login('operator');
		const meter = await staff.meterByCode('C10');
		const order = (action, more) => staff.post(`/meters/${meter.id}/supply`, { action, reason: '检修', ...more }, 202);
		const off = await order('off');
		assert.equal(off.desired, 'off');
		assert.ok(off.blocks.some((b) => b.kind === 'manual'));
		await world.wire.relay('G3', 10, 'off');
		const dark = await until('the act is done', async () => {
			const now = await staff.get(`/meters/${meter.id}`);
			return now.supply.state === 'off' && now.acts[0]?.state === 'done' && now;
		});
		assert.equal(dark.acts[0].action, 'off');
		assert.equal(dark.display, 'off');

		const on = await order('on');
		assert.deepEqual(on.blocks, []);
		await world.wire.relay('G3', 10, 'on');
		await until('the API says so', async () => (await staff.get(`/meters/${meter.id}`)).supply.state === 'on');
	});

	test('keeps a supply on for a shop without money, until it ends that', async () => {
		const staff = await world.api.login('operator');
		await world.wire.relay('G2', 17, 'off', 60_000); // B17 has nothing left
		const meter = await staff.meterByCode('B17');
		const until_ = new Date(Date.now() + 3_600_000).toISOString();
		const kept = await staff.post(`/meters/${meter.id}/supply`, { action: 'keep', reason: '店庆', until: until_ }, 202);
		assert.ok(kept.keep_until);
		assert.ok(kept.blocks.some((b) => b.kind === 'arrears'));
		await world.wire.relay('G2', 17, 'on');
		await until('the board shows it', async () => (await staff.get(`/meters/${meter.id}`)).display === 'kept');
		await staff.post(`/meters/${meter.id}/supply`, { action: 'auto', reason: '结束' }, 202);
		await world.wire.relay('G2', 17, 'off', 60_000);
	});

	test('asks for a reading before its turn', async () => {
		const staff = await world.api.login('operator');
		const meter = await staff.meterByCode('D20');
		const before = (await staff.get(`/meters/${meter.id}`)).read_at;
		expect(await staff.call('POST', `/meters/${meter.id}/read`, { body: {} }), 202);
		await until('it is read', async () => (await staff.get(`/meters/${meter.id}`)).read_at > before, 10_000);
	});
});

describe('what protects people from the machine', () => {
	const key = () => randomUUID();

	test('a place that is a danger stays dark until a person on site says otherwise', async () => {
		const staff = await world.api.login('operator');
		const meter = await staff.meterByCode('C11');
		const order = (path, body) => staff.call('POST', `/meters/${meter.id}/${path}`, { key: key(), body });
		assert.equal(expect(await order('safety', { action: 'set', reason: '漏电' }), 202).body.reason, 'safety');
		await world.wire.relay('G3', 11, 'off');
		expect(await order('supply', { action: 'keep', reason: 'x' }), 202);
		assert.equal(expect(await order('vacant', { action: 'set', reason: '空置' }), 202).body.reason, 'safety');
		expect(await order('safety', { action: 'clear', reason: '已修复' }), 422, 'bad_value');
		assert.equal(expect(await order('safety', { action: 'clear', reason: '已修复', on_site: true }), 202).body.reason, 'vacant');
		assert.equal(expect(await order('vacant', { action: 'clear', reason: '已租' }), 202).body.reason, 'keep');
		await world.wire.relay('G3', 11, 'on');
		expect(await order('supply', { action: 'auto', reason: 'x' }), 202);
		const acts = (await staff.get(`/meters/${meter.id}`)).acts;
		assert.ok(acts.length >= 2 && acts.every((act) => act.actor !== 'poller'), JSON.stringify(acts));
	});

	test('a protected load needs two persons', async () => {
		const [staff, other] = [await world.api.login('operator'), await world.api.login('engineer')];
		const meter = await staff.meterByCode('C12');
		const ask = async (path, body) => {
			const answer = expect(await staff.call('POST', `/meters/${meter.id}/${path}`, { key: key(), body }), 202).body;
			return `/approvals/${answer.approval.id}/approve`;
		};
		const decide = async (session, path, status) => expect(await session.call('POST', path, { body: {} }), status);
		const protect = await ask('load-class', { load_class: 'protected', reason: '消防水泵' });
		await decide(staff, protect, 403);
		await decide(other, protect, 200);
		assert.equal((await staff.get(`/meters/${meter.id}`)).load_class, 'protected');
		await decide(other, await ask('supply', { action: 'off', reason: '检修' }), 200);
		await world.wire.relay('G3', 12, 'off');
		expect(await staff.call('POST', `/meters/${meter.id}/supply`, { key: key(), body: { action: 'on', reason: '完成' } }), 202);
		await world.wire.relay('G3', 12, 'on');
		await decide(other, await ask('load-class', { load_class: 'ordinary', reason: '已换' }), 200);
	});

	test('a pulled brake holds cuts back, which are listed, until a person releases it', async () => {
		const [staff, viewer] = [await world.api.login('operator'), await world.api.login('viewer')];
		const meter = await staff.meterByCode('B17'); // has nothing left
		const [{ site_id: site, id }] = (await staff.get('/supply-points')).items.filter((p) => p.meter.id === meter.id);
		const brake = (action, session = staff) => session.call('POST', `/sites/${site}/brake`, { key: key(), body: { action, reason: 'x' } });
		expect(await brake('pull', viewer), 403, 'forbidden');
		assert.equal(expect(await brake('pull'), 200).body.pulled, true);
		await staff.post(`/meters/${meter.id}/supply`, { action: 'keep', reason: 'x' }, 202);
		await world.wire.relay('G2', 17, 'on', 60_000);
		await staff.post(`/meters/${meter.id}/supply`, { action: 'auto', reason: 'x' }, 202);
		const held = await until('the cut is listed', async () =>
			(await staff.get('/supply-points?should_be_off=1')).items.find((p) => p.id === id && p.deferred === 'brake'), 30_000);
		assert.equal(held.reason, 'arrears');
		const noted = expect(await staff.call('POST', `/supply-points/${id}/take-note`, { key: key(), body: { reason: 'x' } }), 200).body;
		assert.ok(noted.noted_at);
		assert.equal((await world.wire.meter('G2', 17)).relay, 'on');
		assert.ok((await viewer.get(`/sites/${site}/brake`)).waiting >= 1);
		assert.equal(expect(await brake('release'), 200).body.pulled, false);
		await world.wire.relay('G2', 17, 'off', 60_000);
	});

	test('the days of a site are its own', async () => {
		const [admin, staff] = [await world.api.login('admin'), await world.api.login('operator')];
		const [{ site_id: site }] = (await staff.get('/supply-points')).items;
		const path = `/sites/${site}/holidays`;
		const day = { day: '2030-10-01', kind: 'holiday', name: '国庆节' };
		expect(await staff.call('PUT', path, { body: day }), 403, 'forbidden');
		expect(await admin.call('PUT', path, { body: { ...day, day: '2030-02-30' } }), 422, 'bad_value');
		expect(await admin.call('PUT', path, { body: { ...day, kind: 'feast' } }), 422);
		expect(await admin.call('PUT', '/sites/999/holidays', { body: day }), 404, 'not_found');
		assert.deepEqual(expect(await admin.call('PUT', path, { body: day }), 200).body.items, [day]);
		assert.deepEqual((await staff.get(`${path}?from=2030-10-01&to=2030-10-31`)).items, [day]);
		expect(await admin.call('DELETE', `${path}?day=2030-10-01`), 204);
		assert.deepEqual((await staff.get(`${path}?from=2030-10-01`)).items, []);
	});
});

describe('the sales desk', () => {
	test('sells only in an open shift, gives change, closes with a count', async () => {
		const cashier = await world.api.login('cashier');
		const [account] = (await cashier.get('/accounts?q=A-112')).items.filter((a) => a.purpose === 'electricity');
		assert.ok(account, 'the account of A-112');
		const lines = [{ account_id: account.id, amount_fen: 10_000 }];
		const sell = (more, key = randomUUID()) => cashier.call('POST', '/sales', { key, body: { lines, method: 'cash', tendered_fen: 20_000, ...more } });
		expect(await sell(), 409, 'shift_closed');

		const shift = await cashier.post('/shifts', {}, 201);
		const key = randomUUID();
		const sale = expect(await sell({}, key), 201).body;
		assert.equal(sale.change_fen, 10_000);
		assert.equal(sale.total_fen, 10_000);
		assert.ok(sale.receipt_no);
		assert.equal(expect(await sell({}, key), 201).body.id, sale.id);
		expect(await sell({ tendered_fen: 9_999 }), 422);

		const balance = (await cashier.get('/accounts?q=A-112')).items.find((a) => a.id === account.id).balance;
		const grown = nano(balance) - nano(account.balance);
		assert.ok(grown <= 10_000n * FEN && grown > 9_900n * FEN, `grown by ${grown}`);
		const closed = expect(await cashier.call('POST', `/shifts/${shift.id}/close`, { body: { counted_fen: 9_000 } }), 200).body;
		assert.equal(closed.expected_fen, 10_000);
		assert.equal(closed.difference_fen, -1_000);
		expect(await sell(), 409, 'shift_closed');
		assert.deepEqual((await cashier.get('/shifts?open=1')).items, []);
	});

	test('lights a cut shop by cash', async () => {
		const cashier = await world.api.login('cashier');
		await world.wire.relay('G4', 42, 'off', 60_000); // D42 owes 12.40
		const meter = await (await world.api.login('viewer')).meterByCode('D42');
		const shift = await cashier.post('/shifts', {}, 201);
		const body = { lines: [{ account_id: meter.account.id, amount_fen: 5_000 }], method: 'cash', tendered_fen: 5_000 };
		await cashier.post('/sales', body, 201);
		await world.wire.relay('G4', 42, 'on');
		await cashier.call('POST', `/shifts/${shift.id}/close`, { body: { counted_fen: 5_000 } });
	});
});

describe('tariffs and registers', () => {
	const file = (code, price) => ({
		code, name: code, utility: 'electricity',
		versions: [{
			effective_from: '2026-01-01T00:00:00+08:00',
			calendar: [{ slots: [['00:00', 'flat']] }],
			prices: { flat: [price] },
		}],
	});

	test('a tariff is stored, refused by path, and given to a meter', async () => {
		const admin = await world.api.login('admin');
		const made = expect(await admin.call('POST', '/tariffs', { body: file('e2e-flat', '0.5') }), 200).body;
		assert.equal(made.revision, 1);
		assert.equal(expect(await admin.call('POST', '/tariffs', { body: file('e2e-flat', '0.5') }), 200).body.revision, 1);
		const refused = expect(await admin.call('POST', '/tariffs', { body: file('e2e-flat', 'free') }), 422, 'bad_value');
		assert.equal(refused.body.field, 'versions[0].prices.flat[0]');
		assert.ok((await admin.get('/tariffs')).items.some((t) => t.id === made.id));
		assert.deepEqual((await admin.get(`/tariffs/${made.id}`)).file, file('e2e-flat', '0.5'));

		const meter = (await admin.get('/meters')).items.find((m) => m.utility === 'electricity' && m.tenant);
		const before = (await admin.get(`/meters/${meter.id}/tariffs`)).items;
		const give = (from) => admin.call('POST', `/meters/${meter.id}/tariff`, { body: { tariff_id: made.id, from } });
		expect(await give('2026-02-01T00:00:00+08:00'), 409, 'conflict');
		const waits = expect(await give('2099-01-01T00:00:00+08:00'), 202).body.approval.id; // it is much cheaper
		await (await world.second('admin')).post(`/approvals/${waits}/approve`, { note: '' });
		const after = (await admin.get(`/meters/${meter.id}/tariffs`)).items;
		assert.equal(after.length, before.length + 1);

		const what = { meter_id: meter.id, from: today(-3), to: today() };
		const guess = expect(await admin.call('POST', `/tariffs/${made.id}/simulate`, { body: what }), 200).body;
		assert.equal(nano(guess.charge), BigInt(guess.energy_wh) * 500_000n);

		const viewer = await world.api.login('viewer');
		expect(await viewer.call('POST', '/tariffs', { body: file('e2e-flat', '0.5') }), 403, 'forbidden');
	});

	test('ratio, capacity and readings of a meter', async () => {
		const admin = await world.api.login('admin');
		const [meter] = (await admin.get('/meters')).items.filter((m) => m.utility === 'electricity');
		assert.equal((await admin.get(`/meters/${meter.id}/ratios`)).items.length, 1);
		expect(await admin.call('POST', `/meters/${meter.id}/ratio`, { body: { ct: 0, reason: 'x' } }), 422, 'out_of_range');
		const ratios = expect(await admin.call('POST', `/meters/${meter.id}/ratio`, {
			body: { ct: 2, reason: '互感器', from: '2099-01-01T00:00:00+08:00' },
		}), 200).body.items;
		assert.equal(ratios.at(-1).ct, 2);
		expect(await admin.call('POST', `/meters/${meter.id}/capacity`, { body: { capacity: '1000000', reason: '六位' } }), 200);
		expect(await admin.call('POST', `/meters/${meter.id}/capacity`, { body: { capacity: '1e6', reason: '六位' } }), 422);
		const { items } = await admin.get(`/meters/${meter.id}/readings`);
		assert.equal((await admin.get(`/meters/${meter.id}/readings?doubtful=1`)).items.length, 0);
		const decide = (read_at) => admin.call('POST', `/meters/${meter.id}/readings/decide`, {
			body: { action: 'rebase', read_at, reason: 'x' }, key: randomUUID(),
		});
		expect(await decide('2026-01-01T00:00:00Z'), 404, 'not_found');
		if (items.length > 0)
			expect(await decide(items[0].read_at), 409, 'conflict');
	});

	test('the bill explains the statement', async () => {
		const tenant = await world.api.login(tenantPhone(1));
		const account = (await tenant.get('/me/accounts')).items.find((a) => a.purpose === 'electricity');
		const span = `from=${today(-1)}&to=${today()}`;
		const bill = await until('the shop has used something, and nothing is settled in between', async () => {
			const before = await tenant.get(`/me/bill?account_id=${account.id}&${span}`);
			const statement = await tenant.get(`/me/statement?account_id=${account.id}&${span}`);
			const taken = statement.items.filter((m) => ['energy', 'late_charge'].includes(m.kind))
				.reduce((sum, m) => sum - nano(m.amount), 0n);
			return nano(before.charge) > 0n && nano(before.charge) === taken && before;
		}, 90_000);
		assert.ok(bill.items.every((l) => l.explained && l.readings.length > 0));
		const staff = await world.api.login('finance');
		const again = await staff.get(`/accounts/${account.id}/bill?${span}`);
		assert.ok(nano(again.charge) >= nano(bill.charge));
		expect(await tenant.call('GET', `/me/bill?account_id=${account.id}&from=${today(-40)}&to=${today()}`), 422, 'out_of_range');
		const other = await world.api.login(tenantPhone(2));
		expect(await other.call('GET', `/me/bill?account_id=${account.id}&${span}`), 404, 'not_found');
	});
});

reconciliation(world);

describe('the book day', () => {
	test('is sealed in order, once, when it is over', async () => {
		const finance = await world.api.login('finance');
		const seal = (day, session = finance) => session.call('POST', `/days/${day}/seal`);
		expect(await seal(today(), await world.api.login('cashier')), 403, 'forbidden');
		expect(await seal(today()), 409, 'conflict');
		expect(await seal('2026-02-30'), 404, 'not_found');
		expect(await finance.call('POST', `/days/${today(-1)}/seal?site_id=999`), 404, 'not_found');
		expect(await seal('1999-12-31'), 409, 'conflict'); // the books begin later

		// As if the mall had run since the day before yesterday.
		const entry = `INSERT INTO entry (site_id, kind, once_key, actor, book_day, created_at)
			SELECT id, 'opening', 'api-test', 'test', '${today(-2)}', 1 FROM site`;
		await world.stack.sql(entry);
		await world.stack.sql(`INSERT INTO posting SELECT e.id, n.line, a.id, 0 FROM entry e, (SELECT 1 AS line UNION SELECT 2) n,
			(SELECT MIN(id) AS id FROM account) a WHERE e.once_key = 'api-test'`);
		const first = expect(await seal(today(-2)), 200).body;
		assert.equal(first.day, today(-2));
		assert.ok(first.entries >= 1);
		assert.deepEqual(expect(await seal(today(-2)), 200).body, first);
		const second = expect(await seal(today(-1)), 200).body;
		assert.notEqual(second.sha256, first.sha256);
		expect(await seal(today()), 409, 'conflict');
	});
});

for (const part of [books, contracts, settings, fees, credit, control, orders, reports, watch, estate, batches, lists]) part(world);
who(world);
refused(world); // from here on there are two sites
matrix(world);

test('the books add up after all of this', async () => {
	assert.deepEqual(await faults(world.stack), []);
});

test('every route of the document was asked', () => {
	const all = Object.entries(world.api.document.paths).flatMap(([path, methods]) =>
		Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`));
	const elsewhere = /notify|healthz|metrics|openapi|outbox|duty/; // other suites, and not for people
	const unasked = all.filter((route) => !world.api.seen.has(route) && !elsewhere.test(route));
	assert.deepEqual(unasked, []);
});
