// A payment service whose key cannot be read is off, says so, and leaves the rest alone.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { credited, expect, newOrder, pay, tenantPhone, useStack } from './lib.mjs';

const world = useStack({ fresh: false, env: { YUFU_WECHAT_PAY_PRIVATE_KEY_FILE: '/nowhere/key.pem' } });

test('WeChat Pay is off, and Alipay takes money', async () => {
	const tenant = await world.api.login(tenantPhone(31));
	const { items } = await tenant.get('/me/pay-channels');
	assert.deepEqual(Object.fromEntries(items.map((c) => [c.channel, c.on])), {
		wechat_jsapi: false, wechat_h5: false, wechat_native: false, alipay_wap: true, alipay_page: true, alipay_qr: true,
	});
	const { id } = await tenant.account();
	const asked = await tenant.call('POST', '/me/orders', { key: randomUUID(), body: { account_id: id, amount_fen: 2_000, channel: 'wechat_native' } });
	assert.match(expect(asked, 503, 'not_configured').body.detail, /wechat/);
	assert.equal(await world.stack.number("SELECT COUNT(*) FROM pay_order WHERE service = 'wechat'"), 0);
	const order = await newOrder(tenant, 2_000, 'alipay_wap');
	await pay(world.stack, world.wire, order);
	await credited(tenant, order);
});

test('whoever watches sees it, and the log says why', async () => {
	const text = await (await fetch(`${world.stack.base}/metrics`)).text();
	assert.match(text, /yufu_payment_service_on\{service="wechat"\} 0/);
	assert.match(text, /yufu_payment_service_on\{service="alipay"\} 1/);
	for (const log of ['api', 'worker'])
		assert.match(readFileSync(world.stack.path('log', `${log}.log`), 'utf8'), /service=wechat state=off key=private_key/);
});
