// Payment notifies: whatever comes, in whatever number and order, each paid order is credited once and
// nothing else is credited.
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { readFileSync } from 'node:fs';
import net from 'node:net';
import { describe, test } from 'node:test';
import { faults } from '../support/books.mjs';
import { credited, FEN, nano, newOrder, pay, tenantPhone, until, useStack } from './lib.mjs';
import { alipayNotify, alipayPaid, notify, wechatNotify, wechatPaid } from './payer.mjs';

const world = useStack({ fresh: false });

/** A tenant and an open order; the sandbox is told to keep silent, so that only we speak. */
async function openOrder(n, channel = 'wechat_native') {
	const service = channel.startsWith('wechat') ? 'wechat' : 'alipay';
	await world.wire.behave(service, 'notify_never');
	const tenant = await world.api.login(tenantPhone(n));
	const order = await newOrder(tenant, 2000, channel);
	return { tenant, order, balance: () => credits(tenant) };
}

/** What recharges have brought to a tenant, in nano-yuan (balances move by themselves). */
async function credits(tenant) {
	const { id } = await tenant.account();
	const rows = await world.stack.sql(`SELECT COALESCE(SUM(p.amount_nano), 0) AS n FROM posting p JOIN entry e ON e.id = p.entry_id
		WHERE p.account_id = ${id} AND e.kind = 'recharge'`);
	return BigInt(rows[0].n);
}

function entries(order) {
	return world.stack.number(`SELECT COUNT(*) FROM entry WHERE kind = 'recharge' AND reference = 'order:${order.id}'`);
}

function outcomes(order) {
	return world.stack.sql(`SELECT outcome FROM pay_notify WHERE out_trade_no = '${order.out_trade_no}' ORDER BY id`)
		.then((rows) => rows.map((r) => r.outcome));
}

const send = {
	wechat: (order, changes, how) => notify(world.stack, 'wechat', wechatNotify(world.stack, wechatPaid(order, changes), how)),
	alipay: (order, changes, how) => notify(world.stack, 'alipay', alipayNotify(world.stack, alipayPaid(order, changes), how)),
};

function accepted(service, answer) {
	if (service === 'wechat') return [200, 204].includes(answer.status);
	return answer.status === 200 && answer.text === 'success';
}

async function refusedWithoutEffect(service, who, answer) {
	assert.ok(!accepted(service, answer), `accepted: ${answer.status} ${answer.text}`);
	if (service === 'wechat') {
		assert.ok(answer.status >= 400, `status ${answer.status}`);
		assert.equal(JSON.parse(answer.text).code, 'FAIL');
	}
	await noEffect(who);
}

async function noEffect(who) {
	assert.equal(await entries(who.order), 0);
	assert.equal(await who.balance(), 0n);
	assert.notEqual((await who.tenant.order(who.order.id)).state, 'paid');
}

describe('one paid order is credited once', () => {
	for (const [service, channel, n] of [['wechat', 'wechat_native', 101], ['alipay', 'alipay_wap', 102]]) {
		test(`${service}: ten equal notifies at the same time`, async () => {
			const who = await openOrder(n, channel);
			const message = service === 'wechat' ? wechatNotify(world.stack, wechatPaid(who.order))
				: alipayNotify(world.stack, alipayPaid(who.order));
			const answers = await Promise.all(Array.from({ length: 10 }, () => notify(world.stack, service, message)));
			// A loser of the race may ask for a repeat; the repeat is then accepted.
			assert.ok(answers.some((a) => accepted(service, a)), JSON.stringify(answers));
			assert.ok(accepted(service, await notify(world.stack, service, message)));
			assert.equal(await entries(who.order), 1);
			assert.equal(await who.balance(), 2000n * FEN);
			assert.equal((await who.tenant.order(who.order.id)).state, 'paid');
		});
	}

	test('ten freshly signed notifies of one payment', async () => {
		const who = await openOrder(103);
		const paid = wechatPaid(who.order);
		await Promise.all(Array.from({ length: 10 }, () => notify(world.stack, 'wechat', wechatNotify(world.stack, paid))));
		await until('credited', async () => (await entries(who.order)) === 1);
		assert.equal(await who.balance(), 2000n * FEN);
	});

	test('the sandbox repeating itself', async () => {
		const tenant = await world.api.login(tenantPhone(104));
		await world.wire.behave('wechat', 'notify_duplicate', { value: 5, count: 1 });
		const order = await newOrder(tenant, 2000);
		await pay(world.stack, world.wire, order);
		await credited(tenant, order);
		await until('the repeats have come', async () => (await outcomes(order)).length >= 2, 30_000);
		assert.equal(await credits(tenant), 2000n * FEN);
	});
});

describe('a forged or wrong notify is refused without effect', () => {
	const stranger = generateKeyPairSync('rsa', {
		modulusLength: 2048,
		privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
		publicKeyEncoding: { type: 'spki', format: 'pem' },
	}).privateKey;
	const own = (name) => readFileSync(world.stack.path('keys', name), 'utf8');

	const wechatCases = {
		'signed by a stranger': [{}, () => ({ keyPem: stranger })],
		'signed by our own merchant key': [{}, () => ({ keyPem: own('wechat_merchant_private.pem') })],
		'of an unknown key number': [{}, () => ({ serial: 'PUB_KEY_ID_0000000000000000000000000000000000' })],
		'a signature probe': [{}, () => ({ signature: `WECHATPAY/SIGNTEST/${'A'.repeat(324)}` })],
		'a signature that is no base64': [{}, () => ({ signature: '!!!' })],
		'ten minutes old': [{}, () => ({ ageSeconds: 600 })],
		'ten minutes ahead': [{}, () => ({ ageSeconds: -600 })],
		'changed by one blank after signing': [{}, () => ({ tamper: (body) => `${body} ` })],
		'encrypted by another key': [{}, () => ({ apiKey: '0'.repeat(32) })],
		'of another merchant': [{ mchid: '1900000110' }],
		'of another app': [{ appid: 'wx0000000000000000' }],
	};
	for (const [i, [name, [changes, how]]] of Object.entries(wechatCases).entries()) {
		test(`wechat: ${name}`, async () => {
			const who = await openOrder(110 + i);
			await refusedWithoutEffect('wechat', who, await send.wechat(who.order, changes, how?.()));
		});
	}

	const alipayCases = {
		'signed by a stranger': [{}, () => ({ keyPem: stranger })],
		'signed by our own app key': [{}, () => ({ keyPem: own('alipay_app_private.pem') })],
		'signed by SHA-1': [{ sign_type: 'RSA' }, () => ({ algorithm: 'RSA-SHA1' })],
		'a parameter added after signing': [{}, () => ({ tamper: (body) => `${body}&x=1` })],
		'a parameter twice': [{}, () => ({ tamper: (body) => `${body}&total_amount=20.00` })],
		'of another app': [{ app_id: '2021000000000110', auth_app_id: '2021000000000110' }],
		'of another seller': [{ seller_id: '2088000000000110' }],
	};
	for (const [i, [name, [changes, how]]] of Object.entries(alipayCases).entries()) {
		test(`alipay: ${name}`, async () => {
			const who = await openOrder(130 + i, 'alipay_wap');
			await refusedWithoutEffect('alipay', who, await send.alipay(who.order, changes, how?.()));
		});
	}

	for (const service of ['wechat', 'alipay']) {
		for (const body of ['', '{', '[]', '{"resource":1}', 'a=b&c', '\0'.repeat(100), 'x'.repeat(60_000)]) {
			test(`${service}: ${JSON.stringify(body.slice(0, 20))} (${body.length} bytes)`, async () => {
				const answer = await notify(world.stack, service, { body, headers: { 'content-type': 'application/json' } });
				assert.ok(!accepted(service, answer), `${answer.status} ${answer.text}`);
				assert.ok(answer.status < 500 || answer.status === 503, `status ${answer.status}`);
			});
		}
	}
});

/** Bytes as they are, past every client library; the status of the answer, 0 when there was none. */
function raw(text, body = '') {
	return new Promise((resolve) => {
		const socket = net.connect(world.stack.ports.nginx, '127.0.0.1');
		let answer = '';
		const end = () => resolve(Number(/^HTTP\/1\.[01] (\d{3})/.exec(answer)?.[1] ?? 0));
		socket.setTimeout(10_000, () => socket.destroy());
		socket.on('data', (part) => (answer += part)).on('close', end).on('error', () => {});
		socket.write(text);
		socket.write(body);
	});
}

function request(service, headers, body, more = {}) {
	const all = { host: 'localhost', connection: 'close', 'content-length': Buffer.byteLength(body), ...headers, ...more };
	const lines = Object.entries(all).flatMap(([k, v]) => (v === undefined ? [] : [v].flat().map((one) => `${k}: ${one}`)));
	return raw(`POST /api/v1/notify/${service} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`, body);
}

describe('tricks with headers and bodies have no effect', () => {
	const tricks = {
		'without a signature': { 'wechatpay-signature': undefined },
		'without a serial': { 'wechatpay-serial': undefined },
		'without a nonce': { 'wechatpay-nonce': undefined },
		'without a timestamp': { 'wechatpay-timestamp': undefined },
		'an empty signature': { 'wechatpay-signature': '' },
		'a timestamp in hexadecimal': { 'wechatpay-timestamp': '0x7fffffff' },
		'a timestamp below zero': { 'wechatpay-timestamp': '-1' },
		'a timestamp beyond all numbers': { 'wechatpay-timestamp': '9'.repeat(40) },
		'a timestamp with a fraction': (h) => ({ 'wechatpay-timestamp': `${h['wechatpay-timestamp']}.0` }),
		'a signature twice': (h) => ({ 'wechatpay-signature': [`${'A'.repeat(342)}==`, h['wechatpay-signature']] }),
		'a serial of 6000 letters': { 'wechatpay-serial': 'A'.repeat(6_000) },
		'a serial that is a path': { 'wechatpay-serial': '../../keys/wechat_platform_private.pem' },
		'a form for JSON': { 'content-type': 'application/x-www-form-urlencoded' },
		'said to be packed': { 'content-encoding': 'gzip' },
	};
	test('wechat', async () => {
		const who = await openOrder(170);
		for (const [name, trick] of Object.entries(tricks)) {
			const { body, headers } = wechatNotify(world.stack, wechatPaid(who.order));
			const status = await request('wechat', headers, body, typeof trick === 'function' ? trick(headers) : trick);
			if (name === 'said to be packed') continue; // nobody unpacks it, so it is what was signed
			assert.ok(status >= 400 && status < 500, `${name}: ${status}`);
			await noEffect(who);
		}
	});

	test('wechat: parts of a signed message', async () => {
		const who = await openOrder(171);
		const good = wechatNotify(world.stack, wechatPaid(who.order));
		const other = JSON.parse(wechatNotify(world.stack, wechatPaid({ ...who.order, amount_fen: 1 })).body);
		const parsed = JSON.parse(good.body);
		const bodies = {
			'cut in the middle': good.body.slice(0, good.body.length / 2),
			'the last byte missing': good.body.slice(0, -1),
			'printed anew': JSON.stringify(parsed, null, 1),
			'another resource in it': JSON.stringify({ ...parsed, resource: other.resource }),
			'its resource encrypted anew': JSON.stringify({ ...parsed, resource: JSON.parse(wechatNotify(world.stack, wechatPaid(who.order)).body).resource }),
			'a member more': JSON.stringify({ ...parsed, x: 1 }),
		};
		for (const [name, body] of Object.entries(bodies)) {
			const status = await request('wechat', good.headers, body);
			assert.ok(status >= 400 && status < 500, `${name}: ${status}`);
		}
		await noEffect(who);
		assert.ok([200, 204].includes(await request('wechat', good.headers, good.body)), 'the message itself was good');
	});

	test('wechat: signed, and yet nonsense', async () => {
		const who = await openOrder(172);
		for (const transaction of ['null', '[]', '"x"', '{}', '{"trade_state": 7}', '', 'x'.repeat(40_000), JSON.stringify({ ...wechatPaid(who.order), amount: { total: '2000', currency: 'CNY' } }),
			JSON.stringify({ ...wechatPaid(who.order), amount: { total: -2000, currency: 'CNY' } }), JSON.stringify({ ...wechatPaid(who.order), amount: { total: 2000.5, currency: 'CNY' } }),
			JSON.stringify({ ...wechatPaid(who.order), out_trade_no: `${who.order.out_trade_no}\0` }), JSON.stringify({ ...wechatPaid(who.order), transaction_id: 'x'.repeat(500) })]) {
			const answer = await notify(world.stack, 'wechat', wechatNotify(world.stack, transaction));
			assert.ok(answer.status < 500 || answer.status === 502, `${transaction.slice(0, 60)}: ${answer.status}`);
			assert.ok(!accepted('wechat', answer), transaction.slice(0, 60));
		}
		await noEffect(who);
	});

	test('alipay', async () => {
		const who = await openOrder(173, 'alipay_wap');
		const good = alipayNotify(world.stack, alipayPaid(who.order));
		const bodies = {
			'cut in the middle': good.body.slice(0, good.body.length / 2),
			'the order of another': good.body.replace(who.order.out_trade_no, 'YF0000000000001'),
			'an amount in front': `total_amount=0.01&${good.body}`,
			'half an escape': `${good.body}%`,
			'an escaped zero': `${good.body}&x=%00`,
			'encoded twice': encodeURIComponent(good.body),
			'without a signature': good.body.replace(/&sign=[^&]*/, ''),
		};
		for (const [name, body] of Object.entries(bodies)) {
			const status = await request('alipay', good.headers, body);
			assert.ok(status >= 400 && status < 500, `${name}: ${status}`);
		}
		for (const type of ['application/json', 'text/plain', undefined, 'multipart/form-data; boundary=x']) {
			const status = await request('alipay', good.headers, good.body, { 'content-type': type });
			assert.ok(status >= 400 && status < 500, `${type}: ${status}`);
		}
		await noEffect(who);
	});

	for (const service of ['wechat', 'wechat-refund', 'alipay']) {
		test(`${service}: what is too large, too short or never ends`, async () => {
			const headers = { 'content-type': 'application/json' };
			assert.equal(await request(service, headers, 'x'.repeat(70_000)), 413);
			assert.equal(await request(service, headers, '', { 'content-length': 3_000_000 }), 413);
			for (const length of ['-1', 'x', '1e3', '99999999999999999999']) {
				const status = await request(service, headers, 'x', { 'content-length': length });
				assert.ok(status === 0 || (status >= 400 && status < 500), `${length}: ${status}`);
			}
			const many = Object.fromEntries(Array.from({ length: 200 }, (_, i) => [`x-${i}`, 'y'.repeat(200)]));
			const status = await request(service, { ...headers, ...many }, '{}');
			assert.ok(status >= 400 && status < 500, `many headers: ${status}`);
			assert.equal((await fetch(`${world.stack.base}/api/v1/notify/${service}`)).status, 405);
			const asked = await notify(world.stack, service, { body: '{}', headers });
			assert.ok(asked.status >= 400 && asked.status < 600 && asked.status !== 500, `${asked.status}`);
		});
	}
});

describe('a genuine notify that does not fit credits nothing', () => {
	const cases = [
		['wechat', 'wechat_native', 'a smaller amount', { amount: { total: 1, payer_total: 1, currency: 'CNY', payer_currency: 'CNY' } }],
		['wechat', 'wechat_native', 'a larger amount', { amount: { total: 200_000, payer_total: 200_000, currency: 'CNY', payer_currency: 'CNY' } }],
		['wechat', 'wechat_native', 'another currency', { amount: { total: 2000, payer_total: 2000, currency: 'USD', payer_currency: 'USD' } }],
		['wechat', 'wechat_native', 'not paid', { trade_state: 'NOTPAY' }],
		['alipay', 'alipay_wap', 'a smaller amount', { total_amount: '0.01' }],
		['alipay', 'alipay_wap', 'an amount with three decimals', { total_amount: '20.001' }],
		['alipay', 'alipay_wap', 'an amount in exponents', { total_amount: '2e1' }],
		['alipay', 'alipay_wap', 'not paid yet', { trade_status: 'WAIT_BUYER_PAY' }],
		['alipay', 'alipay_wap', 'closed', { trade_status: 'TRADE_CLOSED' }],
	];
	for (const [i, [service, channel, name, changes]] of cases.entries()) {
		test(`${service}: ${name}`, async () => {
			const who = await openOrder(140 + i, channel);
			await send[service](who.order, changes);
			await noEffect(who);
		});
	}

	for (const service of ['wechat', 'alipay']) {
		test(`${service}: an order that nobody knows`, async () => {
			const ghost = { out_trade_no: `YF${Date.now()}`, amount_fen: 2000 };
			await send[service](ghost);
			const rows = await outcomes(ghost);
			assert.equal(rows.length, 1, 'it is written down');
			assert.notEqual(rows[0], 'credited');
		});
	}

	test('one payment cannot pay two orders', async () => {
		const first = await openOrder(150);
		const second = await openOrder(151);
		const transaction_id = `42000${Date.now()}777`;
		assert.ok(accepted('wechat', await send.wechat(first.order, { transaction_id })));
		await send.wechat(second.order, { transaction_id });
		assert.equal(await first.balance(), 2000n * FEN);
		await noEffect(second);
	});

	test("alipay: a refund told on the order's path is no payment, and is listed once when nobody asked for it", async () => {
		const who = await openOrder(153, 'alipay_wap');
		const trade_no = `2088${Date.now()}`;
		assert.ok(accepted('alipay', await send.alipay(who.order, { trade_no })));
		for (const refund_fee of ['5.00', '5.00', '20.00'])
			assert.ok(accepted('alipay', await send.alipay(who.order, { trade_no, refund_fee, gmt_refund: '2026-11-30 10:00:00.000',
				trade_status: refund_fee === '20.00' ? 'TRADE_CLOSED' : 'TRADE_SUCCESS' })));
		assert.equal(await who.balance(), 2000n * FEN);
		assert.equal(await entries(who.order), 1);
		const rows = await world.stack.sql(`SELECT amount_fen FROM pay_unmatched WHERE order_id = ${who.order.id} AND why = 'refund' ORDER BY id`);
		assert.deepEqual(rows.map((r) => Number(r.amount_fen)), [500, 2000]);
	});

	test('what did not fit is listed for finance', async () => {
		const finance = await world.api.login('finance');
		const { items } = await finance.get('/unmatched-payments?state=open');
		assert.ok(items.some((u) => u.why === 'amount') && items.some((u) => u.why === 'unknown_order'));
	});

	test('a second payment of one order waits in suspense for a person', async () => {
		const who = await openOrder(152);
		assert.ok(accepted('wechat', await send.wechat(who.order)));
		await send.wechat(who.order);
		assert.equal(await who.balance(), 2000n * FEN);
		assert.equal(await entries(who.order), 1);
		assert.equal(await world.stack.number(`SELECT COUNT(*) FROM entry WHERE kind = 'suspense' AND reference = 'order:${who.order.id}'`), 1);
	});
});

describe('a notify that is late or never comes', () => {
	test('never: found by asking, within 90 seconds', async (t) => {
		const tenants = [];
		for (const [n, channel] of [[160, 'wechat_native'], [161, 'alipay_wap']]) {
			const who = await openOrder(n, channel);
			await pay(world.stack, world.wire, who.order);
			tenants.push({ ...who, channel, paid: Date.now() });
		}
		for (const who of tenants) {
			await credited(who.tenant, who.order, 90_000 - (Date.now() - who.paid));
			t.diagnostic(`${who.channel}: credited ${Math.round((Date.now() - who.paid) / 100) / 10} s after paying`);
			assert.equal(await who.balance(), 2000n * FEN);
		}
	});

	test('after the order was closed: credited all the same', async () => {
		const who = await openOrder(162);
		await world.stack.sql(`UPDATE pay_order SET state = 'closed', closed_at = expires_at, query_at = 0 WHERE id = ${who.order.id}`);
		assert.equal((await who.tenant.order(who.order.id)).state, 'closed');
		assert.ok(accepted('wechat', await send.wechat(who.order)));
		const order = await who.tenant.order(who.order.id);
		assert.equal(order.state, 'paid');
		assert.equal(await who.balance(), 2000n * FEN);
	});
});

test('the books add up', async () => {
	assert.deepEqual(await faults(world.stack), []);
});

test('nothing secret is in the logs', () => {
	const { stack } = world;
	const secrets = ['wechat_api_v3_key', 'aliyun_access_key_secret', 'jwt_key', 'yufu_api', 'yufu_poller', 'yufu_worker']
		.map((name) => readFileSync(stack.path('keys', name), 'utf8').trim());
	for (const log of ['api', 'worker', 'poller', 'nginx']) {
		const text = readFileSync(stack.path('log', `${log}.log`), 'utf8');
		for (const secret of secrets) assert.ok(!text.includes(secret), `a secret is in ${log}.log`);
		assert.doesNotMatch(text, /\b1[38]\d{9}\b/, `a whole phone number is in ${log}.log`);
		assert.doesNotMatch(text, /BEGIN (RSA )?PRIVATE/);
		assert.doesNotMatch(text, /eyJ[A-Za-z0-9_-]{20,}\./, `a token is in ${log}.log`);
	}
});

test('money is never off by a fen', async () => {
	// What the channels took equals what the purses got.
	const rows = await world.stack.sql(`SELECT (SELECT COALESCE(SUM(amount_fen), 0) FROM pay_order WHERE state = 'paid') AS paid,
		(SELECT COALESCE(SUM(p.amount_nano), 0) FROM posting p JOIN entry e ON e.id = p.entry_id JOIN account a ON a.id = p.account_id
		 WHERE e.kind = 'recharge' AND a.kind = 'purse') AS purses`);
	assert.equal(BigInt(rows[0].paid) * FEN, BigInt(rows[0].purses));
	assert.ok(nano('0.01') === FEN);
});
