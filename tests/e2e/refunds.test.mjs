// Refunds through the services, as the sandbox plays them: sent by the worker, asked about, told of.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { describe, test } from 'node:test';
import { faults } from '../support/books.mjs';
import { credited, expect, FEN, nano, newOrder, pay, tenantPhone, until, useStack } from './lib.mjs';

const world = useStack({ fresh: false });
const ends = (finance, id, state, ms = 60_000) => until(`refund ${id} is ${state}`, async () => {
	const now = await finance.get(`/refunds/${id}`);
	return now.state === state && now;
}, ms, 200);

describe('an order goes back through its service', () => {
	for (const [n, channel] of [[21, 'wechat_native'], [22, 'alipay_wap']]) {
		test(`${channel}: in two parts, each once`, async () => {
			const tenant = await world.api.login(tenantPhone(n));
			const finance = await world.api.login('finance');
			const order = await newOrder(tenant, 5_000, channel);
			await pay(world.stack, world.wire, order);
			await credited(tenant, order);
			const before = nano((await tenant.account()).balance);
			const key = randomUUID();
			const ask = (fen, k) => finance.call('POST', `/orders/${order.id}/refund`, { key: k, body: { amount_fen: fen, reason: '误充' } });
			const first = expect(await ask(2_000, key), 201).body;
			assert.equal(expect(await ask(2_000, key), 201).body.id, first.id);
			const done = await ends(finance, first.id, 'done');
			assert.ok(done.service_refund_id || channel.startsWith('alipay'));
			const second = expect(await ask(3_000, randomUUID()), 201).body;
			expect(await ask(1, randomUUID()), 422, 'amount_too_large');
			await ends(finance, second.id, 'done', 120_000); // WeChat takes parts a minute apart
			const now = nano((await tenant.account()).balance);
			assert.ok(before - now >= 5_000n * FEN && before - now < 5_100n * FEN, 'less what went back, and a little use');
			assert.equal((await tenant.order(order.id)).refunded_fen, 5_000);
		});
	}
});

test('the books add up', async () => {
	assert.deepEqual(await faults(world.stack), []);
});
