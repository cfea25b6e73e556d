// Messages to people: receipts through nginx, what tenants and staff see of them, and who is on duty.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { expect, tenantPhone, until, useStack } from './lib.mjs';

const world = useStack({ fresh: false });

const secret = (service) => readFileSync(world.stack.path('keys', `${service}_receipt_secret`), 'utf8').trim();
const row = async (phone, kind) => (await world.stack.sql(`SELECT id, state, way, provider_ref, params FROM outbox
	WHERE recipient = '${phone}' AND template = '${kind}' ORDER BY id DESC LIMIT 1`))[0];

/** As a service pushes it, not as the API's own client. */
async function post(service, key, body) {
	const answer = await fetch(`${world.stack.base}/api/v1/notify/${service}-sms/${key}`, {
		method: 'POST', headers: { 'content-type': 'application/json' }, body: typeof body === 'string' ? body : JSON.stringify(body),
	});
	const text = await answer.text();
	return { status: answer.status, text, body: text && JSON.parse(text) };
}

async function code(n) {
	const phone = tenantPhone(n);
	expect(await world.api.call('POST', '/auth/sms-code', { body: { phone } }), 202);
	await until('the code is with the service', async () => (await row(phone, 'login_code'))?.state !== 'pending' && (await row(phone, 'login_code')).state !== 'sending', 20_000);
	return phone;
}

describe('the words of messages', () => {
	test('are seen before they are sent: samples, or the values of an account, and what each way has for them', async () => {
		const operator = await world.api.login('operator');
		const kinds = await until('the worker told of its templates', async () => {
			const found = await operator.get('/notice-kinds');
			return found.items.some((k) => k.messages[0].ways.length) && found;
		}, 60_000);
		const source = readFileSync(new URL('../../core/notice/notice.c', import.meta.url), 'utf8');
		const all = [...source.split('notice_kinds[] = {')[1].split('};')[0].matchAll(/^\t\{ "(\w+)",/gm)].map((m) => m[1]);
		assert.ok(all.length > 12);
		assert.deepEqual(all.filter((kind) => !kinds.items.some((k) => k.kind === kind)), [], 'every kind is shown');
		const [low] = kinds.items.filter((k) => k.kind === 'low1');
		const [zh, en] = low.messages;
		assert.equal(zh.text, 'A-101的电费余额还有18.50元，请留意充值。');
		assert.deepEqual(zh.sms, { coding: 'ucs2', units: 25, parts: 1 });
		assert.equal(en.sms.coding, 'gsm7');
		const aliyun = zh.ways.find((w) => w.way === 'aliyun_sms');
		assert.equal(aliyun.text, `【${aliyun.text.slice(1).split('】')[0]}】${zh.text}`);
		assert.ok(aliyun.template && aliyun.sms.units > zh.sms.units, JSON.stringify(aliyun));
		assert.deepEqual(kinds.ways.filter((w) => w.on).map((w) => w.medium).includes('sms'), true);
		assert.deepEqual(kinds.items.map((k) => k.kind).filter((k) => ['login_code', 'alarm', 'arrears'].includes(k)), ['arrears', 'arrears', 'login_code', 'alarm']);

		const [account] = (await operator.get('/accounts?q=A-102')).items.filter((a) => a.purpose === 'electricity');
		const own = await operator.get(`/accounts/${account.id}/notice-kinds`);
		assert.equal(own.account.id, account.id);
		assert.ok(!own.items.some((k) => k.kind.startsWith('fee') || k.kind === 'alarm'));
		assert.match(own.items.find((k) => k.kind === 'low1').messages[0].page, /^A-102 /);
		expect(await operator.call('GET', '/accounts/999999/notice-kinds'), 404);
		expect(await (await world.api.login('viewer')).call('GET', '/notice-kinds'), 403);
	});
});

describe('receipts', () => {
	test('pushed by the stand-ins of both services, they settle what was sent', async () => {
		let phone = await code(31);
		await until('delivered by Alibaba Cloud', async () => (await row(phone, 'login_code')).state === 'delivered', 20_000);
		assert.equal((await row(phone, 'login_code')).way, 'aliyun_sms');
		assert.equal((await row(phone, 'login_code')).params, '{}', 'a code that has left is wiped');
		await world.wire.behave('sms', 'refuse', { count: 1 });
		await world.wire.behave('tencent', 'receipt_failed', { count: 1 });
		phone = await code(32);
		await until('not delivered by Tencent Cloud', async () => (await row(phone, 'login_code')).state === 'undelivered', 20_000);
		assert.equal((await row(phone, 'login_code')).way, 'tencent_sms');
	});

	test('without the secret, or with nonsense, nothing happens', async () => {
		await world.wire.behave('sms', 'receipt_lost', { count: 1 });
		const phone = await code(33);
		const sent = await row(phone, 'login_code');
		assert.equal(sent.state, 'sent');
		const push = (key, body) => post('aliyun', key, body);
		const receipt = { phone_number: phone, success: true, err_code: 'DELIVERED', biz_id: sent.provider_ref, out_id: `yufu-${sent.id}` };
		expect(await push('guessed-guessed-guessed', [receipt]), 404);
		expect(await push(secret('tencent'), [receipt]), 404);
		for (const bad of ['', '{', '{}', '[1]', '[{}]', JSON.stringify([{ ...receipt, success: 'yes' }])])
			assert.ok((await push(secret('aliyun'), bad)).status >= 400, bad);
		const other = await push(secret('aliyun'), [{ ...receipt, phone_number: tenantPhone(34) }]);
		assert.deepEqual(other.body, { code: 0, msg: '接收成功' });
		assert.equal((await row(phone, 'login_code')).state, 'sent');
		for (let i = 0; i < 3; i++) expect(await push(secret('aliyun'), [receipt, { ...receipt, success: false }]), 200);
		assert.equal((await row(phone, 'login_code')).state, 'delivered');
		const unknown = await post('tencent', secret('tencent'), [{ mobile: '13800000001', report_status: 'SUCCESS', errmsg: 'DELIVRD', sid: 'no:such' }]);
		assert.deepEqual(unknown.body, { result: 0, errmsg: 'OK' });
		const logged = readFileSync(world.stack.path('nginx', 'access.log'), 'utf8');
		assert.ok(!logged.includes(secret('aliyun')), 'the secret stands in the log of nginx');
	});
});

describe('what people see', () => {
	test('staff see each message with its attempts and without its phone, and send it once more', async () => {
		const operator = await world.api.login('operator');
		const items = (await operator.get('/outbox?kind=login_code')).items;
		assert.ok(items.length >= 3);
		assert.ok(items.every((m) => m.phone.includes('****') && !/1[0-9]{10}/.test(JSON.stringify(m))));
		const fell = items.find((m) => m.state === 'undelivered');
		assert.deepEqual(fell.attempts.map((a) => `${a.way}:${a.outcome}`), ['aliyun_sms:refused', 'tencent_sms:undelivered']);
		expect(await operator.call('POST', `/outbox/${fell.id}/retry`, { body: {} }), 409, 'conflict');
		expect(await operator.call('POST', '/outbox/99999999/retry', { body: {} }), 404);
		assert.equal((await operator.get('/outbox?state=failed&from=2020-01-01')).items.length, 0);
		const viewer = await world.api.login('viewer');
		expect(await viewer.call('GET', '/outbox'), 403, 'forbidden');
		const finance = await world.api.login('finance');
		expect(await finance.call('POST', `/outbox/${fell.id}/retry`, { body: {} }), 403, 'forbidden');
	});

	test('a tenant chooses how to be told', async () => {
		const tenant = await world.api.login(tenantPhone(35));
		const settings = await tenant.get('/me/alert-settings');
		assert.equal(settings.channels, 'wechat_or_sms');
		const put = (channels) => tenant.call('PUT', '/me/alert-settings', { body: { items: [], channels } });
		assert.equal(expect(await put('both'), 200).body.channels, 'both');
		expect(await put('pigeon'), 422);
		assert.equal((await tenant.get('/me/alert-settings')).channels, 'both');
		await tenant.get('/me/notices');
	});

	test('an urgent alarm reaches who is on duty, once', async () => {
		const operator = await world.api.login('operator');
		const phone = '13900000009';
		const list = [{ name: '老王', phone, kinds: '', from_min: 0, to_min: 0 }];
		const put = (items) => operator.call('PUT', '/duty', { body: { items } });
		assert.equal(expect(await put(list), 200).body.items[0].weekdays, '1234567');
		expect(await put([{ ...list[0], phone: '110' }]), 422);
		assert.equal(expect(await put([{ ...list[0], weekdays: '21' }]), 422).body.field, 'items[0].weekdays');
		assert.equal((await operator.get('/duty')).items[0].phone, phone);
		expect(await (await world.api.login('finance')).call('PUT', '/duty', { body: { items: [] } }), 403);
		await world.stack.sql(`INSERT INTO alarm (kind, severity, object_kind, object_id, object_code, text, raised_at, open_key)
			VALUES ('gateway_silent', 'urgent', 'gateway', (SELECT MIN(id) FROM gateway), 'G1', 'gateway G1 does not answer', 1, 'test')`);
		const told = await until('the alarm is on the phone', async () => (await world.wire.sms(phone))[0], 20_000);
		assert.match(told.text, /告警：G1 网关无应答/);
		assert.equal((await world.wire.sms(phone)).length, 1);
	});
});
