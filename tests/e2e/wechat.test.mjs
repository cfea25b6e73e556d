// WeChat from end to end: who opens the page inside WeChat is logged in, binds, pays and is told; what
// WeChat's server tells us counts once, and only when it is really WeChat's.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { chromium } from 'playwright-core';
import WXBizMsgCrypt from 'wechat-crypto';
import { DEMO_PASSWORD, expect, tenantPhone, until, useStack } from './lib.mjs';

const AGENT = 'Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148 MicroMessenger/8.0.50';
const APP = 'wx8888888888888888';

let api;
const world = useStack({ fresh: false, ready: async () => { api = world.api; } });

// ---- a browser inside WeChat, made of fetch -----------------------------------------------------

class Browser {
	constructor(agent = AGENT) {
		this.agent = agent;
		this.cookies = new Map();
	}

	async go(address, options = {}) {
		const url = new URL(address, world.stack.base);
		const cookie = [...this.cookies].filter(([, c]) => url.pathname.startsWith(c.path)).map(([n, c]) => `${n}=${c.value}`).join('; ');
		const answer = await fetch(url, {
			redirect: 'manual', ...options, headers: { 'user-agent': this.agent, ...(cookie && { cookie }), ...options.headers },
		});
		for (const line of answer.headers.getSetCookie()) {
			const [, name, value] = /^([^=]+)=([^;]*)/.exec(line);
			if (/Max-Age=0/i.test(line)) this.cookies.delete(name);
			else this.cookies.set(name, { value, path: /Path=([^;]+)/i.exec(line)?.[1] ?? '/' });
		}
		return answer;
	}

	/** To WeChat as the n-th person, and back: the page's address with code and state. */
	async fetchCode(n, back = '/') {
		const start = await this.go(`/api/v1/auth/wechat/start?return=${encodeURIComponent(back)}`);
		assert.equal(start.status, 302);
		const authorize = new URL(start.headers.get('location'));
		assert.equal(authorize.hash, '#wechat_redirect');
		assert.match(authorize.searchParams.get('state'), /^[A-Za-z0-9]{1,128}$/);
		const page = await this.go(`${authorize.pathname}${authorize.search}`);
		if (page.status === 302) return new URL(page.headers.get('location'));
		assert.equal(page.status, 200, 'the authorize page');
		const query = new URLSearchParams({
			appid: APP, redirect_uri: authorize.searchParams.get('redirect_uri'), state: authorize.searchParams.get('state'), n,
		});
		const chosen = await this.go(`/sandbox/mp/connect/oauth2/choose?${query}`);
		assert.equal(chosen.status, 302);
		return new URL(chosen.headers.get('location'));
	}

	async exchange(address, more = {}) {
		const body = { code: address.searchParams.get('code'), state: address.searchParams.get('state'), ...more };
		const answer = await this.go('/api/v1/auth/wechat', {
			method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body),
		});
		return { status: answer.status, body: await answer.json() };
	}

	async login(n, back) {
		return this.exchange(await this.fetchCode(n, back));
	}
}

async function sim(body) {
	const answer = await fetch(`${world.stack.simBase}/sim/wechat`, {
		method: body ? 'POST' : 'GET', body: body && JSON.stringify(body), headers: { 'content-type': 'application/json' },
	});
	assert.equal(answer.status, 200);
	return answer.json();
}

async function bound(n, phone) {
	const first = await new Browser().login(n);
	assert.equal(first.body.code, 'wechat_not_bound', JSON.stringify(first.body));
	const tenant = await api.login(phone);
	expect(await tenant.call('POST', '/me/wechat', { body: { ticket: first.body.ticket } }), 200);
	return tenant;
}

describe('logging in from WeChat', () => {
	test('not bound, bound by password once, from then on by itself, and unbound again', async () => {
		const first = await new Browser().login(1, '/recharge');
		assert.equal(first.status, 404);
		assert.equal(first.body.code, 'wechat_not_bound');
		assert.doesNotMatch(JSON.stringify(first.body), /oSB/, 'the openid is not told');
		const tenant = await api.login(tenantPhone(1));
		assert.deepEqual((await tenant.get('/me/wechat')).apps, []);
		const bind = await tenant.call('POST', '/me/wechat', { body: { ticket: first.body.ticket } });
		assert.equal(expect(bind, 200).body.apps[0].app, 'mp');
		const again = await new Browser().login(1);
		assert.equal(again.status, 200);
		assert.match(again.body.refresh_token, /^[0-9a-f]{64}$/);
		const me = await api.call('GET', '/me', { token: again.body.access_token });
		assert.equal(expect(me, 200).body.phone, tenantPhone(1));
		// the same ticket again changes nothing; another login cannot take this WeChat
		expect(await tenant.call('POST', '/me/wechat', { body: { ticket: first.body.ticket } }), 200);
		const other = await api.login(tenantPhone(2));
		expect(await other.call('POST', '/me/wechat', { body: { ticket: first.body.ticket } }), 409, 'conflict');
		expect(await tenant.call('DELETE', '/me/wechat'), 204);
		expect(await tenant.call('DELETE', '/me/wechat'), 404, 'not_found');
		assert.equal((await new Browser().login(1)).body.code, 'wechat_not_bound');
	});

	test('WeChat brings the browser back to the page that it wanted', async () => {
		const browser = new Browser();
		const address = await browser.fetchCode(1, '/order/12?pay=1');
		assert.equal(address.origin, world.stack.base);
		assert.equal(address.pathname, '/login');
		assert.equal(address.searchParams.get('to'), '/order/12?pay=1');
		// silent from then on, as in the real one
		assert.ok((await browser.fetchCode(1, '/')).searchParams.get('code'));
	});

	test('a code counts once', async () => {
		const browser = new Browser();
		const address = await browser.fetchCode(3);
		assert.equal((await browser.exchange(address)).status, 404);
		const code = address.searchParams.get('code');
		assert.equal((await browser.exchange(address)).status, 401, 'the cookie is spent, too');
		expect(await api.call('POST', '/auth/wechat', { body: { code } }), 401, 'wrong_code');
		expect(await api.call('POST', '/auth/wechat', { body: { code: 'no-such-code' } }), 401, 'wrong_code');
	});

	test('a code that was got in another browser logs nobody in', async () => {
		const attacker = new Browser();
		const theirs = await attacker.fetchCode(4);
		const victim = new Browser();
		assert.equal((await victim.exchange(theirs)).body.code, 'wrong_code', 'no cookie');
		await victim.fetchCode(5);
		assert.equal((await victim.exchange(theirs)).body.code, 'wrong_code', 'another cookie');
		await victim.fetchCode(5);
		assert.equal((await victim.exchange(theirs, { state: undefined })).body.code, 'wrong_code', 'a cookie and no state');
		// and the code is as good as it was for whom it belongs to
		assert.equal((await attacker.exchange(theirs)).body.code, 'wechat_not_bound');
	});

	test('a snapshot of the page is nobody', async () => {
		const browser = new Browser();
		const answer = await browser.exchange(await browser.fetchCode(0));
		assert.equal(answer.status, 403);
		assert.equal(answer.body.code, 'forbidden');
	});

	test('WeChat that breaks down is an error, not a login', async () => {
		const browser = new Browser();
		const address = await browser.fetchCode(3);
		await world.wire.behave('mp', 'answer_500', { count: 1 });
		assert.equal((await browser.exchange(address)).status, 502);
	});

	test('a WeChat that hangs leaves room for everybody else', async () => {
		await world.wire.behave('mp', 'answer_slow', { value: 30 });
		const waiting = Array.from({ length: 20 }, (_, i) => api.call('POST', '/auth/wechat', { body: { code: `slow-${i}` } }));
		const tenant = await api.login(tenantPhone(3));
		await tenant.get('/me/accounts');
		await world.wire.behave('mp', 'normal');
		const answers = await Promise.all(waiting);
		assert.ok(answers.every((a) => [503, 504].includes(a.status)), answers.map((a) => a.status).join());
		assert.ok(answers.filter((a) => a.status === 504).length <= 4);
	});

	test('by a code of the mini program, at its own app', async () => {
		const { code } = await sim({ app: 'mini', n: 2, code_for: 1 });
		const answer = expect(await api.call('POST', '/auth/wechat', { body: { code, app: 'mini' } }), 404, 'wechat_not_bound');
		const tenant = await api.login(tenantPhone(4));
		const done = await tenant.call('POST', '/me/wechat', { body: { ticket: answer.body.ticket } });
		assert.deepEqual(expect(done, 200).body.apps.map((a) => a.app), ['mini']);
		const other = await sim({ app: 'mini', n: 2, code_for: 1 });
		expect(await api.call('POST', '/auth/wechat', { body: { code: other.code, app: 'mp' } }), 401, 'wrong_code');
	});
});

describe('bad input', () => {
	const codes = ['', 'a b', 'a&secret=x', '中文', 'x'.repeat(129), 7, null, ['a']];
	for (const code of codes)
		test(`code ${JSON.stringify(code).slice(0, 30)}`, async () => {
			const answer = await api.call('POST', '/auth/wechat', { body: { code } });
			assert.ok([400, 422].includes(answer.status), answer.text);
			assert.equal(answer.body.field, 'code');
		});
	for (const back of ['//evil.example', 'https://evil.example', '/\\evil.example', 'login', '/a%0d%0aSet-Cookie: x', '/中', '/a b', `/${'a'.repeat(80)}`])
		test(`return ${back.slice(0, 30)}`, async () => {
			const answer = await api.call('GET', `/auth/wechat/start?return=${encodeURIComponent(back)}`);
			expect(answer, 422);
			assert.equal(answer.body.field, 'return');
			assert.equal(answer.headers.get('location'), null);
		});
	test('tickets', async () => {
		const tenant = await api.login(tenantPhone(5));
		const { ticket } = (await new Browser().login(5)).body;
		for (const bad of ['x', 'x'.repeat(400), ticket.slice(0, -4), `${ticket.slice(0, 20)}AAAA${ticket.slice(24)}`, ` ${ticket}`])
			assert.equal(expect(await tenant.call('POST', '/me/wechat', { body: { ticket: bad } }), 422).body.field, 'ticket');
		for (const body of [{}, { ticket: 1 }, { ticket, more: 1 }, { ticket: 'x'.repeat(401) }])
			assert.ok([400, 422].includes((await tenant.call('POST', '/me/wechat', { body })).status));
		expect(await api.call('POST', '/me/wechat', { body: { ticket } }), 401);
		const staff = await api.login('cashier');
		expect(await staff.call('POST', '/me/wechat', { body: { ticket } }), 403);
		assert.deepEqual((await tenant.get('/me/wechat')).apps, []);
	});
	test('subscriptions', async () => {
		const tenant = await api.login(tenantPhone(5));
		const send = (body) => tenant.call('POST', '/me/wechat/subscriptions', { body });
		expect(await send({ template_id: 'MINI_BALANCE', result: 'accept' }), 404, 'wechat_not_bound');
		expect(await send({ template_id: 'NO_SUCH', result: 'accept' }), 404, 'not_found');
		expect(await send({ template_id: 'MINI_BALANCE', result: 'perhaps' }), 422);
		expect(await send({ template_id: 'a b', result: 'accept' }), 422);
	});
});

// ---- the account's server URL -------------------------------------------------------------------

const own = (name) => readFileSync(world.stack.path('keys', name), 'utf8').trim();
const sha1 = (...texts) => createHash('sha1').update(texts.sort().join('')).digest('hex');
const seconds = () => String(Math.floor(Date.now() / 1000));

/** An event sealed and signed by an independent library. */
function sealed(xml, { token = own('wechat_mp_token'), key = own('wechat_mp_aes_key'), app = APP, time = seconds() } = {}) {
	const crypt = new WXBizMsgCrypt(token, key, app);
	const encrypt = crypt.encrypt(xml);
	const nonce = String(Math.random()).slice(2);
	const query = new URLSearchParams({
		signature: sha1(token, time, nonce), timestamp: time, nonce, openid: 'o', encrypt_type: 'aes',
		msg_signature: crypt.getSignature(time, nonce, encrypt),
	});
	return [query, `<xml><ToUserName><![CDATA[gh]]></ToUserName><Encrypt><![CDATA[${encrypt}]]></Encrypt></xml>`];
}

async function tell([query, body]) {
	const answer = await fetch(`${api.base}/notify/wechat-mp?${query}`, { method: 'POST', headers: { 'content-type': 'text/xml' }, body });
	return { status: answer.status, text: await answer.text() };
}

const event = (name, members = '', openid = 'oTEST', at = seconds()) => `<xml><ToUserName><![CDATA[gh]]></ToUserName><FromUserName><![CDATA[${openid}]]></FromUserName>`
	+ `<CreateTime>${at}</CreateTime><MsgType><![CDATA[event]]></MsgType><Event><![CDATA[${name}]]></Event>${members}</xml>`;
const popup = (template) => `<SubscribeMsgPopupEvent><List><TemplateId><![CDATA[${template}]]></TemplateId><SubscribeStatusString>accept</SubscribeStatusString></List></SubscribeMsgPopupEvent>`;
const remaining = async (openid) => world.stack.number(`SELECT COALESCE(SUM(remaining), -1) FROM wechat_permission WHERE openid = '${openid}'`);

describe('what WeChat\'s server tells', () => {
	test('the check of the address is answered, by a good signature only', async () => {
		const ask = async (changes = {}) => {
			const time = seconds();
			const query = new URLSearchParams({ signature: sha1(own('wechat_mp_token'), time, 'n1'), timestamp: time, nonce: 'n1', echostr: '5836920000000000001', ...changes });
			const answer = await fetch(`${api.base}/notify/wechat-mp?${query}`);
			return [answer.status, await answer.text()];
		};
		assert.deepEqual(await ask(), [200, '5836920000000000001']);
		assert.deepEqual(await ask({ later_parameter: 'x' }), [200, '5836920000000000001']);
		assert.equal((await ask({ nonce: 'n2' }))[0], 401);
		assert.equal((await ask({ echostr: '<script>' }))[0], 422);
		assert.equal((await fetch(`${api.base}/notify/wechat-mp`)).status, 401);
		assert.equal((await fetch(`${api.base}/notify/wechat-mini`)).status, 503, 'no token is set up for the mini program');
	});

	test('an event of an independent library is taken, and counts once however often it comes', async () => {
		const at = Number(seconds());
		const xml = event('subscribe_msg_popup_event', popup('OA_RESTORED'), 'oCOUNT', String(at));
		for (let i = 0; i < 3; i++) assert.deepEqual(await tell(sealed(xml)), { status: 200, text: 'success' });
		assert.equal(await remaining('oCOUNT'), 1);
		assert.equal((await tell(sealed(event('subscribe_msg_popup_event', popup('OA_RESTORED'), 'oCOUNT', String(at - 1))))).status, 200);
		assert.equal(await remaining('oCOUNT'), 2);
	});

	test('what means nothing here is thanked for', async () => {
		for (const xml of [event('LOCATION'), event('VIEW'), event('TEMPLATESENDJOBFINISH'), '<xml><FromUserName>oX</FromUserName><MsgType>text</MsgType><Content>hello</Content></xml>'])
			assert.deepEqual(await tell(sealed(xml)), { status: 200, text: 'success' });
	});

	const good = () => event('subscribe_msg_popup_event', popup('OA_RESTORED'), 'oFORGED');
	const forged = {
		'another token': () => sealed(good(), { token: 'another' }),
		'another key': () => sealed(good(), { key: 'a'.repeat(43) }),
		'another app': () => sealed(good(), { app: 'wx0000000000000000' }),
		'eleven minutes old': () => sealed(good(), { time: String(Number(seconds()) - 660) }),
		'not sealed': () => {
			const time = seconds();
			return [new URLSearchParams({ signature: sha1(own('wechat_mp_token'), time, 'n'), timestamp: time, nonce: 'n', openid: 'o' }), good()];
		},
		'another sealed text under a good signature': () => [sealed(good())[0], sealed(good())[1]],
		'no query': () => ['', good()],
		'no XML': () => [sealed(good())[0], '{"a":1}'],
		empty: () => [sealed(good())[0], ''],
		entities: () => [sealed(good())[0], `<!DOCTYPE x [<!ENTITY a "b">]>${sealed(good())[1]}`],
		'entities inside the seal': () => sealed(`<!DOCTYPE xml [<!ENTITY a SYSTEM "file:///etc/passwd">]>${good()}`),
		'a broken query': () => ['signature=%zz', good()],
	};
	for (const [name, make] of Object.entries(forged))
		test(`refused: ${name}`, async () => {
			const answer = await tell(make());
			assert.ok(answer.status >= 400 && answer.status < 500, `${answer.status} ${answer.text}`);
			assert.notEqual(answer.text, 'success');
			assert.equal(await remaining('oFORGED'), -1);
		});
	test('refused: larger than the site takes', async () => {
		const [query] = sealed(good());
		assert.equal((await tell([query, 'x'.repeat(70_000)])).status, 413);
	});
	test('the stand-in forging', async () => {
		const before = await sim();
		await sim({ n: 4, follows: false, forged: true });
		await until('the event was posted', async () => (await sim()).events_posted > before.events_posted);
		assert.equal((await sim()).last_status, 401);
		await sim({ n: 4, follows: true });
	});
});

describe('reach', () => {
	test('who unfollows is not reached until they follow again', async () => {
		const tenant = await bound(5, tenantPhone(6));
		const reachable = async () => (await tenant.get('/me/wechat')).apps[0].reachable;
		assert.equal(await reachable(), true);
		await sim({ n: 5, follows: false });
		await until('we know', async () => !(await reachable()));
		await sim({ n: 5, follows: true });
		await until('we know that, too', reachable);
	});

	test('permissions of the mini program are counted from the page where its server tells nothing', async () => {
		const { code } = await sim({ app: 'mini', n: 3, code_for: 1 });
		const { body } = await api.call('POST', '/auth/wechat', { body: { code, app: 'mini' } });
		const tenant = await api.login(tenantPhone(7));
		expect(await tenant.call('POST', '/me/wechat', { body: { ticket: body.ticket } }), 200);
		const choose = async (result) => (expect(await tenant.call('POST', '/me/wechat/subscriptions', { body: { template_id: 'MINI_BALANCE', result } }), 200))
			.body.templates.find((t) => t.app === 'mini' && t.kind === 'low1').remaining;
		assert.equal(await choose('accept'), 1);
		assert.equal(await choose('accept'), 2);
		assert.equal(await choose('ban'), 0);
	});

	test('and from its server where that tells', async () => {
		const tenant = await bound(2, tenantPhone(8));
		const left = async () => (await tenant.get('/me/wechat')).templates.find((t) => t.app === 'mp' && t.kind === 'restored').remaining;
		expect(await tenant.call('POST', '/me/wechat/subscriptions', { body: { app: 'mp', template_id: 'OA_RESTORED', result: 'accept' } }), 200);
		assert.equal(await left(), 0, 'the page alone does not count');
		await sim({ n: 2, allow: 'OA_RESTORED' });
		await until('it is counted', async () => (await left()) === 1);
	});
});

describe('what becomes of messages', () => {
	const outbox = (key, state, ref, code, at) => world.stack.sql(`INSERT INTO outbox (once_key, recipient, template, params, state, way, next_at, expires_at, provider_ref, error, created_at)
		VALUES ('${key}', '13700000000', 'low1', '{}', '${state}', 'wechat_oa', ${at}, ${at}, '${ref}', '${code}', ${at});
		INSERT INTO outbox_try (outbox_id, way, phone, kind, at, outcome, code, provider_ref)
		VALUES (LAST_INSERT_ID(), 'wechat_oa', '13700000000', 'low1', ${at}, '${state === 'sent' ? 'done' : 'refused'}', '${code}', '${ref}')`);
	const state = async (key) => (await world.stack.sql(`SELECT CONCAT(state, ' ', error) AS s FROM outbox WHERE once_key = '${key}'`))[0].s;
	const finish = (ref, status) => event('TEMPLATESENDJOBFINISH', `<MsgID>${ref}</MsgID><Status><![CDATA[${status}]]></Status>`);

	test('the outbox learns what WeChat tells later, also when that comes first', async () => {
		await outbox('w-1', 'sent', '7001', '', Date.now());
		assert.equal((await tell(sealed(finish('7001', 'failed:user block')))).status, 200);
		assert.equal((await tell(sealed(finish('7002', 'failed: system failed')))).status, 200);
		await until('the first is known', async () => (await state('w-1')) === 'undelivered failed:user block');
		await outbox('w-2', 'sent', '7002', '', Date.now());
		await until('the second, too', async () => (await state('w-2')) === 'undelivered failed: system failed');
	});

	test('a warning goes by WeChat and is delivered; who does not follow gets it by SMS, nobody both', async () => {
		const phone = tenantPhone(9);
		await bound(4, phone);
		const push = (key) => world.stack.sql(`INSERT INTO outbox (once_key, recipient, template, params, next_at, expires_at, created_at) VALUES ('${key}', '${phone}', 'arrears',
			'${JSON.stringify({ shop: 'A-9', purse: '电费', balance: '-1.00', amount: '0.00', time: '即刻' })}', 0, ${Date.now() + 600_000}, ${Date.now()})`);
		const ways = async (key) => (await world.stack.sql(`SELECT t.way, t.outcome FROM outbox_try t JOIN outbox o ON o.id = t.outbox_id WHERE o.once_key = '${key}' ORDER BY t.id`))
			.map((r) => `${r.way} ${r.outcome}`).join();
		await push('w-way-1');
		await until('WeChat says that it arrived', async () => (await ways('w-way-1')) === 'wechat_oa delivered', 30_000);
		const { items } = await (await fetch(`${world.stack.simBase}/sandbox/wechat-messages.json`)).json();
		assert.equal(items.find((m) => m.n === 4).url, `${world.stack.base}/`, 'a tap leads to the pages');
		await sim({ n: 4, follows: false });
		await push('w-way-2');
		await until('it goes by SMS', async () => /aliyun_sms (done|delivered)$/.test(await ways('w-way-2')), 30_000);
		assert.doesNotMatch(await ways('w-way-2'), /wechat_oa (done|delivered)/);
		assert.equal(await world.stack.number(`SELECT COUNT(*) FROM outbox_try t JOIN outbox o ON o.id = t.outbox_id WHERE o.once_key = 'w-way-1' AND t.way = 'aliyun_sms'`), 0);
	});

	test('settings that WeChat refuses are an alarm, and no more once an hour has passed', async () => {
		const admin = await api.login('admin');
		const open = async () => (await admin.get('/alarms?open=1')).items.filter((a) => a.kind === 'wechat_refused');
		assert.deepEqual(await open(), []);
		await outbox('w-3', 'failed', '', '40164', Date.now());
		await until('it is raised', async () => (await open()).length === 1, 30_000);
		assert.match((await open())[0].text, /40164/);
		await world.stack.sql(`UPDATE outbox_try SET at = at - 3700000 WHERE code = '40164'`);
		await until('it is over', async () => (await open()).length === 0, 30_000);
	});
});

test('openids, codes and secrets stand in no log', async () => {
	for (const name of ['api', 'worker', 'nginx']) {
		const log = readFileSync(world.stack.path('log', `${name}.log`), 'utf8');
		for (const secret of [/oSB[0-9a-f]{25}/, new RegExp(own('wechat_mp_secret')), new RegExp(own('wechat_mp_token')), /code=[0-9a-f]{32}/, /oCOUNT/])
			assert.doesNotMatch(log, secret, name);
	}
	assert.doesNotMatch(readFileSync(world.stack.path('nginx', 'access.log'), 'utf8'), /code=|oSB/);
});

// ---- a real browser -----------------------------------------------------------------------------

const id = (name) => `[data-testid="${name}"]`;

async function phone(t) {
	const chrome = await chromium.launch({
		executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
		args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--no-first-run',
			'--disable-background-networking', '--disable-component-update', '--disable-sync'],
	});
	t.after(() => chrome.close());
	const context = await chrome.newContext({ viewport: { width: 390, height: 844 }, locale: 'zh-CN', timezoneId: 'Asia/Shanghai', userAgent: AGENT });
	const page = await context.newPage();
	page.setDefaultTimeout(20_000);
	return page;
}

test('a phone inside WeChat: log in once and bind, then by itself; pay by the bridge; unbind', async (t) => {
	const { stack } = world;
	const page = await phone(t);
	await page.goto(`${stack.base}/`);
	await page.waitForURL(/\/sandbox\/mp\/connect/); // by itself
	await page.click('button[value="3"]');
	await page.waitForSelector(id('login-bind'));
	assert.doesNotMatch(page.url(), /code=/, 'the code is gone from the address');
	await page.fill(id('login-phone'), tenantPhone(20));
	await page.fill(id('login-password'), DEMO_PASSWORD);
	await page.click(id('login-submit'));
	await page.waitForSelector(id('recharge-open'));

	// a new visit: nobody is logged in here, and WeChat says who it is
	await page.evaluate(() => { localStorage.clear(); sessionStorage.clear(); });
	await page.goto(`${stack.base}/me`);
	await page.waitForSelector(`${id('wechat')}[data-bound="true"]`);
	assert.match(page.url(), /\/me$/);

	// paying: the page hands the order to the bridge, and believes the server only
	const asked = [];
	await page.exposeFunction('bridgeAsked', (name, order) => asked.push([name, order]));
	await page.addInitScript(() => {
		window.WeixinJSBridge = { invoke: (name, order, done) => { void window.bridgeAsked(name, order); setTimeout(() => done({ err_msg: 'get_brand_wcpay_request:ok' }), 50); } };
	});
	const jsapi = { appId: APP, timeStamp: '1795400000', nonceStr: 'n', package: 'prepay_id=wx1', signType: 'RSA', paySign: 'x' };
	const order = { id: 999, out_trade_no: 'Y1', account_id: 1, meter: null, amount_fen: 10000, channel: 'wechat_jsapi', state: 'pending', pay: { jsapi },
		created_at: new Date().toISOString(), expires_at: null, paid_at: null, credited_at: null, receipt_no: null, balance: '0', supply: null };
	let polls = 0;
	await page.route('**/api/v1/me/orders/999', (route) => { polls++; return route.fulfill({ json: order }); });
	await page.goto(`${stack.base}/order/999?pay=1`);
	await until('the bridge was asked', () => asked.length === 1);
	assert.deepEqual(asked[0], ['getBrandWCPayRequest', jsapi]);
	const seen = polls;
	await until('the server is asked', () => polls > seen);
	assert.equal(await page.getAttribute(id('order-state'), 'data-state'), 'pending', 'ok of the bridge proves nothing');

	await page.goto(`${stack.base}/me`);
	await page.click(id('wechat-unbind'));
	await page.click(id('wechat-unbind-sure'));
	await page.waitForSelector(`${id('wechat')}[data-bound="false"]`);

	// bound again from there, without logging in once more
	await page.click(id('wechat-bind'));
	await page.waitForSelector(`${id('wechat')}[data-bound="true"]`);

	// whoever logs out stays logged out
	await page.click(id('logout'));
	await page.waitForSelector(id('login-wechat'));
	await page.waitForTimeout(300);
	assert.match(page.url(), /\/login/);
	await page.click(id('login-wechat'));
	await page.waitForSelector(id('recharge-open'));
});
