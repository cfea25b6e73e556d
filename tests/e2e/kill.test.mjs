// kill -9 of each process in turn, at random moments, while shops recharge: nothing lost, nothing
// doubled, the power is back within a minute. YUFU_SEED repeats a run, YUFU_KILL_ROUNDS makes it longer.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { darkDespiteMoney, faults } from '../support/books.mjs';
import { run } from '../support/process.mjs';
import { tenantPhone, until, useStack } from './lib.mjs';

const ROUNDS = Number(process.env.YUFU_KILL_ROUNDS ?? 3);
const SEED = Number(process.env.YUFU_SEED ?? Math.floor(Math.random() * 2 ** 31));
const VICTIMS = ['api', 'poller', 'worker', 'sim', 'nginx', 'mariadb'];
const SHOPS_A_ROUND = 2;
const AMOUNT_FEN = 2000;
const shops = VICTIMS.length * ROUNDS * SHOPS_A_ROUND;
const prepaidOnBus = 60;

// Shops in debt, one after the other over all buses.
function shop(i) {
	const bus = i % 5;
	const unit = 10 + Math.floor(i / 5);
	return { n: bus * prepaidOnBus + unit, gateway: `G${bus + 1}`, unit };
}

const world = useStack({
	conf: { poller: { name: 'demo', mass_trip_limit: 1000 } },
	editMall: (mall) => {
		for (let i = 0; i < shops; i++) {
			const tenant = mall.tenants.find((x) => x.phone === tenantPhone(shop(i).n));
			mall.purses.find((p) => p.tenant === tenant.code && p.purpose === 'electricity').opening_balance = '-1.00';
		}
	},
});

// mulberry32: small, and the same everywhere.
function randomOf(seed) {
	let a = seed >>> 0;
	return () => {
		a = (a + 0x6d2b79f5) >>> 0;
		let t = Math.imul(a ^ (a >>> 15), 1 | a);
		t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
		return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
	};
}

/** Does it again until it works, as a person and a page do while a server is away. */
function persist(what, fn, ms = 60_000) {
	return until(what, fn, ms, 200);
}

async function openOrder(session) {
	const key = randomUUID();
	const account = await persist('the account', () => session.account());
	const body = { account_id: account.id, amount_fen: AMOUNT_FEN, channel: 'wechat_h5' };
	const order = await persist('an order', async () => {
		const answer = await session.call('POST', '/me/orders', { body, key });
		return answer.status === 201 && answer.body;
	});
	return persist('a way to pay', async () => {
		const now = await session.order(order.id);
		return now.pay && now;
	});
}

async function payOrder(order) {
	const { stack, wire } = world;
	await persist('paying', async () => {
		const page = await fetch(order.pay.h5_url);
		const text = await page.text();
		if (page.ok && text.includes('已支付')) return true;
		const token = /name="?token"? value="([^"]+)"/.exec(text)?.[1];
		if (!token) return false;
		await fetch(`${stack.base}/sandbox/pay`, { method: 'POST', body: new URLSearchParams({ token, action: 'pay' }), redirect: 'manual' });
		return (await wire.sandboxOrder(order.out_trade_no))?.state === 'SUCCESS';
	});
}

async function recharge(session, { gateway, unit }) {
	const order = await openOrder(session);
	await payOrder(order);
	const paid = Date.now();
	await until(`${gateway}/${unit} has power again`, async () => {
		const meter = await world.wire.meter(gateway, unit);
		return meter.relay === 'on';
	}, 90_000, 100);
	return { order, ms: Date.now() - paid };
}

test(`every process, ${ROUNDS} times each, seed ${SEED}`, async (t) => {
	const { stack, wire, api } = world;
	const random = randomOf(SEED);
	t.diagnostic(`YUFU_SEED=${SEED}`);
	const sessions = [];
	for (let i = 0; i < shops; i++) {
		await wire.relay(shop(i).gateway, shop(i).unit, 'off', 150_000);
		// The limit of logins per address lets them through in time.
		sessions.push(await until(`shop ${i} logs in`, () => api.login(tenantPhone(shop(i).n)), 60_000, 200));
	}
	let next = 0;
	const orders = [];
	for (let round = 0; round < ROUNDS; round++) {
		for (const victim of VICTIMS) {
			const buyers = Array.from({ length: SHOPS_A_ROUND }, () => next++);
			const moment = Math.floor(random() * 600); // most are over after that
			const recharges = Promise.all(buyers.map((i) => recharge(sessions[i], shop(i))));
			const killed = wait(moment).then(() => stack.process(victim).kill('SIGKILL'));
			const done = await recharges;
			assert.ok(await killed, `${victim} was not running`);
			for (const { order } of done) orders.push(order);
			t.diagnostic(`${victim} killed after ${moment} ms: power after ${done.map((d) => `${d.ms} ms`).join(', ')}`);
		}
	}
	await t.test('nothing was lost and nothing doubled', async () => {
		await until('all orders are credited', async () => (await stack.number("SELECT COUNT(*) FROM pay_order WHERE state = 'paid'")) === orders.length, 90_000, 500);
		assert.equal(await stack.number("SELECT COUNT(*) FROM entry WHERE kind = 'recharge'"), orders.length);
		assert.equal(await stack.number("SELECT COUNT(*) FROM entry WHERE kind = 'suspense'"), 0);
		for (const order of orders) assert.equal((await wire.sandboxOrder(order.out_trade_no)).state, 'SUCCESS');
		assert.deepEqual(await faults(stack), []);
	});
	await t.test('nobody who has money is dark after a minute', async () => {
		await until('all are lit', async () => {
			const dark = await darkDespiteMoney(stack);
			if (dark.length) throw new Error(JSON.stringify(dark));
			return true;
		}, 60_000, 500);
	});
	await t.test('yufu verify finds nothing', async () => {
		const env = { ...process.env, YUFU_DATABASE_USER: 'yufu_migrate', YUFU_DATABASE_PASSWORD_FILE: stack.path('keys', 'yufu_migrate') };
		const out = await run(`${stack.bin}/yufu`, ['verify', '--config', stack.confFile], { env });
		assert.deepEqual(JSON.parse(out), [], out);
	});
	await t.test('every meter is read again', () => stack.allFresh(370, 120_000));
});
