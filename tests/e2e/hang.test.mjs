// A payment service that hangs makes nothing else slower, and what was ordered meanwhile can be paid
// once it answers again; a slow one still finds every payment in time.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { describe, test } from 'node:test';
import { faults } from '../support/books.mjs';
import { credited, expect, newOrder, pay, tenantPhone, until, useStack } from './lib.mjs';

const TENANTS = 40;
const BYSTANDERS = 4;
const HANG_S = 60;
const SLOW_S = 3;
const OPEN = 200;

const world = useStack({ fresh: false, ready: logins });
const tenants = [];
const others = [];

async function logins({ api }) {
	for (let i = 0; i < TENANTS; i++) tenants.push(await api.login(tenantPhone(201 + i)));
	for (let i = 0; i < BYSTANDERS; i++) others.push(await api.login(tenantPhone(251 + i)));
	for (const session of [...tenants, ...others]) session.purse = (await session.account()).id;
}

const order = (session, channel) => session.call('POST', '/me/orders', {
	key: randomUUID(), body: { account_id: session.purse, amount_fen: 2_000, channel },
});

const requests = {
	'GET /me': (s) => s.call('GET', '/me').then((a) => expect(a, 200)),
	'GET /me/accounts': (s) => s.call('GET', '/me/accounts').then((a) => expect(a, 200)),
	'POST /me/orders by Alipay': async (s) => assert.ok(expect(await order(s, 'alipay_wap'), 201).body.pay),
};

/** Others at work for so long, or until done() says so: times in ms by request. */
async function atWork(done) {
	const times = Object.fromEntries(Object.keys(requests).map((name) => [name, []]));
	await Promise.all(others.map(async (session) => {
		while (!done()) for (const [name, send] of Object.entries(requests)) {
			const at = performance.now();
			await send(session);
			times[name].push(performance.now() - at);
			await new Promise((resolve) => setTimeout(resolve, 40)); // nginx lets one address ask 200 times a second
		}
	}));
	return times;
}

function figures(list) {
	const sorted = [...list].sort((a, b) => a - b);
	const at = (q) => Math.round(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))]);
	return `${list.length} requests, median ${at(0.5)} ms, 95 % ${at(0.95)} ms, slowest ${at(1)} ms`;
}

async function forSeconds(s) {
	const end = Date.now() + s * 1000;
	return atWork(() => Date.now() >= end);
}

describe('WeChat Pay hangs for a minute', () => {
	test('forty tenants order there at once, and nobody else waits', async (t) => {
		const before = await forSeconds(5);
		await world.wire.behave('wechat', 'answer_slow', { value: HANG_S });
		let over = false;
		const began = performance.now();
		const [orders, during] = await Promise.all([
			Promise.all(tenants.map(async (session) => {
				const made = expect(await order(session, 'wechat_native'), 201).body;
				return { session, id: made.id, pay: made.pay, ms: performance.now() - began };
			})).finally(() => (over = true)),
			atWork(() => over && performance.now() - began > 10_000),
		]);
		for (const name of Object.keys(requests)) t.diagnostic(`${name}: before ${figures(before[name])}; while it hangs ${figures(during[name])}`);
		t.diagnostic(`orders at WeChat: ${figures(orders.map((o) => o.ms))}`);
		assert.ok(orders.every((o) => o.pay === null), 'nothing to pay by yet');
		assert.ok(orders.every((o) => o.ms < 15_000), 'no order waits for the service');
		assert.ok(Object.values(during).every((list) => list.length > 0 && Math.max(...list) < 10_000), 'the others go on');

		await world.wire.behave('wechat', 'normal');
		for (const o of orders) await until(`order ${o.id} can be paid`, async () => (await o.session.order(o.id)).pay, 90_000, 500);
		t.diagnostic(`all forty could be paid ${Math.round((performance.now() - began) / 1000)} s after they were made`);
		const one = await orders[0].session.order(orders[0].id);
		await pay(world.stack, world.wire, one);
		await credited(orders[0].session, one);
	});
});

describe('WeChat Pay answers slowly and never notifies', () => {
	test(`a payment among ${OPEN} open orders is found within 90 s`, async (t) => {
		await world.wire.behave('wechat', 'notify_never');
		const open = [];
		for (let i = 0; i < OPEN; i += TENANTS)
			open.push(...await Promise.all(tenants.map(async (session) => ({ session, order: await newOrder(session, 2_000) }))));
		const paid = open.filter((_, i) => i % (OPEN / 8) === 0);
		await world.wire.behave('wechat', 'answer_slow', { value: SLOW_S });
		const ids = paid.map((o) => o.order.id).join();
		await until('each was asked about twice', async () => (await world.stack.number(`SELECT MIN(queries) FROM pay_order WHERE id IN (${ids})`)) >= 2, 300_000, 500);
		await world.wire.behave('wechat', 'notify_never');
		for (const { order: o } of paid) await pay(world.stack, world.wire, o);
		const at = Date.now();
		await world.wire.behave('wechat', 'answer_slow', { value: SLOW_S });
		const waits = [];
		await Promise.all(paid.map(async ({ session, order: o }) => {
			await credited(session, o, 90_000);
			waits.push(Date.now() - at);
		}));
		t.diagnostic(`found after ${waits.sort((a, b) => a - b).map((ms) => Math.round(ms / 1000)).join(', ')} s; each answer takes ${SLOW_S} s`);
		await world.wire.behave('wechat', 'normal');
	});
});

test('the books add up', async () => {
	assert.deepEqual(await faults(world.stack), []);
});
