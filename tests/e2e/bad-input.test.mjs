// Malformed, oversized, unknown and forged input at the API's door, through nginx: a clear error, no
// effect, and a server that goes on.
import assert from 'node:assert/strict';
import { createHmac, randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import net from 'node:net';
import { before, describe, test } from 'node:test';
import { expect, tenantPhone, until, useStack } from './lib.mjs';

let api;
let tenant;
let account;
let starts;
const world = useStack({
	fresh: false,
	conf: { limits: { login_per_minute: 0, write_per_minute: 120, read_per_minute: 60, payee_per_minute: 3, payee_address_per_minute: 5 } },
	ready: async () => {
		api = world.api;
		tenant = await api.login(tenantPhone(50));
		account = await tenant.account();
		starts = world.stack.process('api').starts;
	},
});

const b64 = (value) => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');

describe('access tokens', () => {
	const now = () => Math.floor(Date.now() / 1000);
	const hmac = (hash, key, text) => createHmac(hash, key).update(text).digest('base64url');
	let key;
	let genuine;
	let head;
	before(() => {
		const text = readFileSync(world.stack.path('keys', 'jwt_key'), 'utf8').trim();
		genuine = tenant.tokens.access_token;
		const [h, p, s] = genuine.split('.');
		// The key's file may be used as text or as hex; what counts is that we can sign like the server.
		key = [Buffer.from(text), Buffer.from(text, 'hex')].find((k) => hmac('sha256', k, `${h}.${p}`) === s);
		assert.ok(key, 'the test cannot make tokens like the server');
		head = JSON.parse(Buffer.from(h, 'base64url'));
	});

	function claims(changes) {
		const c = { ...JSON.parse(Buffer.from(genuine.split('.')[1], 'base64url')), ...changes };
		for (const name of Object.keys(c)) if (c[name] === undefined) delete c[name];
		return c;
	}
	function token(changes = {}, header = {}, { hash = 'sha256', with: k = key } = {}) {
		const text = `${b64({ ...head, ...header })}.${b64(claims(changes))}`;
		return `${text}.${hmac(hash, k, text)}`;
	}

	test('one that we sign like the server is taken: the refusals below mean something', async () => {
		expect(await api.call('GET', '/me', { token: token() }), 200);
	});

	const bad = {
		'no signature': () => genuine.split('.').slice(0, 2).join('.'),
		'an empty signature': () => `${genuine.split('.').slice(0, 2).join('.')}.`,
		'a changed signature': () => genuine.slice(0, -4) + (genuine.endsWith('AAAA') ? 'BBBB' : 'AAAA'),
		'alg none': () => `${b64({ alg: 'none', typ: 'JWT' })}.${b64(claims())}.`,
		'alg None, signed': () => token({}, { alg: 'None' }),
		'alg hs256': () => token({}, { alg: 'hs256' }),
		'alg HS512 by the same key': () => token({}, { alg: 'HS512' }, { hash: 'sha512' }),
		'alg in a list': () => token({}, { alg: ['HS256'] }),
		'another typ': () => token({}, { typ: 'at+jwt' }),
		'another key': () => token({}, {}, { with: Buffer.alloc(32, 1) }),
		'an empty key': () => token({}, {}, { with: Buffer.alloc(0) }),
		expired: () => token({ exp: now() - 61, iat: now() - 1000 }),
		'no exp': () => token({ exp: undefined }),
		'exp as text': () => token({ exp: String(now() + 600) }),
		'exp as a fraction': () => token({ exp: now() + 600.5 }),
		'exp 1e30': () => token({ exp: 1e30 }),
		'exp null': () => token({ exp: null }),
		'exp true': () => token({ exp: true }),
		'exp -1': () => token({ exp: -1 }),
		'exp tomorrow': () => token({ exp: now() + 86_400 }),
		'nbf in the future': () => token({ nbf: now() + 600 }),
		'iat in the future': () => token({ iat: now() + 600 }),
		'another iss': () => token({ iss: 'someone' }),
		'another aud': () => token({ aud: 'someone' }),
		'aud in a list': () => token({ aud: [claims().aud, 'x'] }),
		'another use': () => token({ use: 'refresh' }),
		'sub as a number': () => token({ sub: 1 }),
		'sub not digits': () => token({ sub: '1 OR 1=1' }),
		'sub of nobody': () => token({ sub: '999999999' }),
		'four parts': () => `${genuine}.x`,
		'not base64': () => 'a.b.c',
		dots: () => '..',
		'a refresh token': () => tenant.tokens.refresh_token,
		'five thousand bytes': () => token({ pad: 'x'.repeat(5000) }),
	};
	for (const [name, make] of Object.entries(bad)) {
		test(name, async () => {
			const answer = await api.call('GET', '/me', { token: make() });
			expect(answer, 401);
			assert.match(answer.body.code, /^(unauthorized|token_expired)$/);
		});
	}

	test('other schemes, and none', async () => {
		for (const authorization of ['Basic dXNlcjpwYXNz', 'Bearer', 'bearer', genuine, `Token ${genuine}`, ''])
			expect(await api.call('GET', '/me', { headers: { authorization } }), 401);
		expect(await api.call('GET', '/me'), 401, 'unauthorized');
	});
});

describe('bodies', () => {
	const refuse = async (path, body, { headers, key = randomUUID(), codes } = {}) => {
		const answer = await tenant.call('POST', path, { body, headers, key });
		assert.ok(answer.status >= 400 && answer.status < 500, `status ${answer.status}: ${answer.text.slice(0, 200)}`);
		if (codes && answer.body) assert.match(answer.body.code, codes, answer.text);
		return answer;
	};

	const notJson = ['', ' ', '{', '}', 'null', '[]', '1', '"x"', '{"a":}', '{"a":1,}', '{"a":1}x', '{"a":1} {"a":1}', '{a:1}', "{'a':1}",
		'// x\n{}', '{"a":NaN}', '\ufeff{}', '{"a":"\ud800"}', '{"a":1,"a":2}', '{"a":"\0"}', `${'['.repeat(10_000)}${']'.repeat(10_000)}`,
		`{"a":${'{"a":'.repeat(3000)}1${'}'.repeat(3000)}}`, '{"username":"x","password":"\\u0000"}'];
	for (const body of notJson) {
		test(`not the JSON that is expected: ${JSON.stringify(body.slice(0, 24))}`, async () => {
			await refuse('/me/orders', body);
			const answer = await api.call('POST', '/auth/login', { body });
			assert.ok(answer.status >= 400 && answer.status < 500, `${answer.status}`);
		});
	}

	test('not UTF-8', () => refuse('/me/orders', new Uint8Array([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x3a, 0x31, 0x7d])));

	test('orders that make no sense, and none is made', async () => {
		const good = { account_id: account.id, amount_fen: 5000, channel: 'wechat_native' };
		const bad = [
			{ ...good, amount_fen: 0 }, { ...good, amount_fen: -5000 }, { ...good, amount_fen: 1.5 }, { ...good, amount_fen: '5000' },
			{ ...good, amount_fen: true }, { ...good, amount_fen: null }, { ...good, amount_fen: [5000] }, { ...good, amount_fen: 1e15 },
			{ ...good, account_id: '1' }, { ...good, account_id: -1 }, { ...good, account_id: 0 }, { ...good, account_id: null },
			{ ...good, channel: 'wechat_jsapi_x' }, { ...good, channel: '' }, { ...good, channel: 7 }, { ...good, channel: 'x'.repeat(5000) },
			{ ...good, balance: '1000000' }, { ...good, state: 'paid' }, { ...good, user_id: 1 },
			{ account_id: account.id, amount_fen: 5000 }, { amount_fen: 5000, channel: 'wechat_native' }, {},
		];
		for (const body of bad) await refuse('/me/orders', body);
		for (const text of ['9223372036854775808', '1e2', '1E400', '-0', '0x10', '5000.0'])
			await refuse('/me/orders', `{"account_id":${account.id},"amount_fen":${text},"channel":"wechat_native"}`);
		assert.equal((await tenant.get('/me/orders')).items.length, 0);
	});

	test('no idempotency key, or a bad one', async () => {
		const body = { account_id: account.id, amount_fen: 5000, channel: 'wechat_native' };
		expect(await tenant.call('POST', '/me/orders', { body }), 400);
		for (const key of ['x'.repeat(65), 'a b', "'; DROP TABLE entry", 'ä'.normalize('NFD').slice(1) || '%'])
			await refuse('/me/orders', body, { key: encodeURI(key) === key ? key : encodeURI(key) });
		assert.equal((await tenant.get('/me/orders')).items.length, 0);
	});

	test('too large', async () => {
		const body = JSON.stringify({ username: 'x', password: 'y'.repeat(70_000) });
		const answer = await api.call('POST', '/auth/login', { body });
		expect(answer, 413);
	});

	test('a password of a megabyte, an empty one, one with odd bytes', async () => {
		for (const password of ['', '\u0001', '😀'.repeat(100), 'x'.repeat(10_000)]) {
			const answer = await api.call('POST', '/auth/login', { body: { username: tenantPhone(51), password } });
			assert.ok([400, 401, 422].includes(answer.status), `${answer.status} ${answer.text}`);
		}
	});

	test('another content type', async () => {
		for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'application/json; charset=gbk']) {
			const answer = await api.call('POST', '/auth/login', { body: '{}', headers: { 'content-type': type } });
			assert.ok(answer.status >= 400 && answer.status < 500, `${type}: ${answer.status}`);
		}
	});
});

describe('paths and parameters', () => {
	test('unknown paths and methods', async () => {
		for (const path of ['/', '/nothing', '/me/', '/me//orders', '/me/orders/x', '/me/orders/0', '/me/orders/-1', '/me/orders/99999999999999999999', '/me/orders/1%00', `/${'x'.repeat(3000)}`]) {
			const answer = await tenant.call('GET', path);
			assert.ok([400, 404, 414].includes(answer.status), `${path}: ${answer.status}`);
		}
		expect(await tenant.call('GET', '/me/orders/999999'), 404, 'not_found');
		const answer = await api.call('DELETE', '/me', { token: tenant.tokens.access_token });
		expect(answer, 405, 'method_not_allowed');
		assert.ok(answer.headers.get('allow'));
	});

	test('queries', async () => {
		const queries = ['', 'meter_id=1', 'meter_id=x&from=2026-01-01&to=2026-01-02&step=day', 'meter_id=1&from=2026-13-01&to=2026-01-02&step=day',
			'meter_id=1&from=2026-02-30&to=2026-03-02&step=day', 'meter_id=1&from=2026-01-02&to=2026-01-01&step=day',
			'meter_id=1&from=2026-01-01&to=2026-01-02&step=year', 'meter_id=1&from=0000-00-00&to=9999-99-99&step=hour', 'from=%00&to=%ff&meter_id=%31',
			`meter_id=1' OR '1'='1&from=2026-01-01&to=2026-01-02&step=day`];
		for (const query of queries) {
			const answer = await tenant.call('GET', `/me/usage?${query}`);
			assert.ok([400, 404, 422].includes(answer.status), `${query}: ${answer.status}`);
		}
		const long = await tenant.call('GET', '/me/usage?meter_id=1&from=1970-01-01&to=9999-12-31&step=hour');
		assert.ok([200, 404, 422].includes(long.status), `${long.status}`);
	});

	test('headers that only the proxy may set change nothing', async () => {
		for (const headers of [{ 'x-forwarded-for': '127.0.0.1' }, { 'x-user-id': '1' }, { 'x-real-ip': '::1' }])
			expect(await api.call('GET', '/me', { headers }), 401);
	});

	test('the simulator cannot be steered through the public door', async () => {
		for (const path of ['/sim/faults', '/sim/meters/G1/1', '/sandbox/../sim/faults', '/sandbox/%2e%2e/sim/faults', '/sandbox/..%2fsim/faults']) {
			const answer = await raw(`GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);
			assert.doesNotMatch(answer, /"items"|"relay"/, path);
		}
	});
});

/** The bytes that nginx answers to these bytes. */
function raw(text) {
	return new Promise((resolve, reject) => {
		const socket = net.connect(world.stack.ports.nginx, '127.0.0.1', () => socket.write(text));
		const parts = [];
		socket.setTimeout(15_000, () => socket.destroy());
		socket.on('data', (d) => parts.push(d));
		socket.on('close', () => resolve(Buffer.concat(parts).toString()));
		socket.on('error', (e) => (e.code === 'ECONNRESET' ? resolve(Buffer.concat(parts).toString()) : reject(e)));
	});
}

describe('broken HTTP', () => {
	const cases = {
		garbage: '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n',
		'no host': 'GET /api/v1/me HTTP/1.1\r\n\r\n',
		'a length that is no number': 'POST /api/v1/auth/login HTTP/1.1\r\nHost: x\r\nContent-Length: abc\r\n\r\n',
		'a negative length': 'POST /api/v1/auth/login HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n',
		'a huge length': 'POST /api/v1/auth/login HTTP/1.1\r\nHost: x\r\nContent-Length: 9223372036854775808\r\n\r\n',
		'two lengths': 'POST /api/v1/auth/login HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}',
		'length and chunks': 'POST /api/v1/auth/login HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
		'a header of 40 kilobytes': `GET /api/v1/me HTTP/1.1\r\nHost: x\r\nX: ${'y'.repeat(40_000)}\r\n\r\n`,
		TRACE: 'TRACE /api/v1/me HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n',
	};
	for (const [name, text] of Object.entries(cases)) {
		test(name, async () => {
			const answer = await raw(text);
			assert.ok(answer === '' || /^HTTP\/1\.1 (4\d\d|501|505)/.test(answer), answer.slice(0, 100));
		});
	}

	test('a body that is shorter than promised ends nothing', async () => {
		const answer = raw('POST /api/v1/auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{');
		expect(await api.call('GET', '/me', { token: tenant.tokens.access_token }), 200);
		await answer;
	});
});

test('Modbus answers that are not: no reading is taken from them, and the meters are read again afterwards', async () => {
	const { stack, wire } = world;
	const kinds = ['short', 'long', 'unit', 'transaction', 'function', 'count', 'protocol', 'noise'];
	const units = kinds.map((_, i) => 20 + i);
	const list = units.map((unit) => `'E${unit}'`).join();
	const states = () => stack.sql(`SELECT m.id, m.code, s.read_at, s.fails FROM meter m JOIN meter_state s ON s.meter_id = m.id WHERE m.code IN (${list}) ORDER BY m.code`);
	await until('all were read once', async () => {
		const rows = await states();
		return rows.length === kinds.length && rows.every((r) => Number(r.read_at) > 0);
	}, 90_000, 200);

	const staff = await api.login('operator');
	const faults = [];
	for (const [i, value] of kinds.entries()) faults.push(await wire.fault({ gateway: 'G5', unit: units[i], kind: 'garbage', value }));
	const before = await states();
	await until('each was asked in vain', async () => {
		const now = await states();
		for (const r of now.filter((row) => Number(row.fails) === 0)) await staff.call('POST', `/meters/${r.id}/read`, { body: {} });
		return now.every((r) => Number(r.fails) > 0);
	}, 90_000, 1000);
	assert.deepEqual((await states()).map((r) => r.read_at), before.map((r) => r.read_at));

	await wire.heal();
	await until('all are read again', async () => {
		const now = await states();
		for (const [i, r] of now.entries())
			if (r.read_at === before[i].read_at) await staff.call('POST', `/meters/${r.id}/read`, { body: {} });
		return now.every((r, i) => Number(r.read_at) > Number(before[i].read_at));
	}, 120_000, 1000);
	assert.equal(await stack.number(`SELECT COUNT(*) FROM reading r JOIN meter m ON m.id = r.meter_id WHERE m.code IN (${list}) AND r.verdict <> 'accepted'`), 0, 'a reading was made of garbage');
});

test('many wrong passwords lock a login for a while, also for the right one', async () => {
	const username = tenantPhone(59);
	let answer;
	for (let i = 0; i < 8; i++) answer = await api.call('POST', '/auth/login', { body: { username, password: `wrong${i}` } });
	assert.match(answer.body.code, /^(locked|too_many)$/, answer.text);
	answer = await api.call('POST', '/auth/login', { body: { username, password: 'yufu-demo' } });
	assert.ok([423, 429].includes(answer.status), `${answer.status}`);
});

describe('what every answer tells', () => {
	test('the number of the request is in the answer, its problem, and every line of the logs', async () => {
		const lines = (file, id) => readFileSync(world.stack.path(...file), 'utf8').split('\n').filter((line) => line.includes(`req=${id}`));
		for (const path of ['/me', '/me/orders/999999']) {
			const answer = await tenant.call('GET', path, { headers: { 'x-request-id': 'deadbeefdeadbeef' } });
			const id = answer.headers.get('x-request-id');
			assert.match(id, /^[0-9a-f]{32}$/);
			if (answer.status !== 200) assert.equal(answer.body.request_id, id);
			await until('it is in both logs', () => ['log/api.log', 'nginx/access.log'].every((file) => lines(file.split('/'), id).length > 0));
		}
		const large = await api.call('POST', '/auth/login', { body: 'x'.repeat(70_000) }); // nginx's own answer
		assert.equal(expect(large, 413).body.request_id, large.headers.get('x-request-id'));
	});

	test('what to do, in the language of the caller', async () => {
		for (const [language, words] of [['zh-CN,zh;q=0.9,en;q=0.8', /[\u4e00-\u9fff]/], ['en-GB,en', /^[ -~]+$/], ['fr', /^[ -~]+$/]]) {
			const headers = { 'accept-language': language };
			for (const answer of [await tenant.call('GET', '/me/orders/999999', { headers }), await api.call('POST', '/auth/login', { body: 'x'.repeat(70_000), headers })])
				assert.match(answer.body.hint, words, `${language}: ${answer.text}`);
		}
	});
});

test('who calls too often waits, and nobody else does', async () => {
	const [hasty, calm] = [await api.login(tenantPhone(57)), await api.login(tenantPhone(58))];
	/** Asks until the API says that it is too often; the answers from before that. */
	const slowed = async (ask) => {
		const before = [];
		while (before.length < 5_000) {
			const answers = await Promise.all(Array.from({ length: 20 }, ask));
			const ours = answers.filter((a) => a.status === 429 && /again in \d+ s/.test(a.body.detail)); // nginx says it otherwise
			before.push(...answers.filter((a) => a.status !== 429));
			if (ours.length === 0) continue;
			assert.ok(ours.every((a) => a.body.code === 'too_many' && Number(a.headers.get('retry-after')) >= 1));
			return before;
		}
		return assert.fail('never too often');
	};
	assert.ok((await slowed(() => hasty.call('GET', '/me'))).every((a) => a.status === 200));
	const others = await until('another is let in', async () => (await calm.call('GET', '/me')).status === 200); // nginx counts by address
	assert.ok(others);
	assert.ok((await slowed(() => hasty.call('PUT', '/me/alert-settings', { body: {} }))).every((a) => a.status === 400));
});

test('nobody goes through the codes of meters', async () => {
	const [first, second] = [await api.login(tenantPhone(55)), await api.login(tenantPhone(56))];
	const ask = (session) => until('nginx lets it in', async () => {
		const answer = await session.call('GET', '/me/payee?meter=NONE');
		return (answer.status !== 429 || /again in \d+ s/.test(answer.body.detail)) && answer;
	});
	for (let i = 0; i < 3; i++) expect(await ask(first), 404, 'not_found');
	const slowed = expect(await ask(first), 429, 'too_many');
	assert.ok(Number(slowed.headers.get('retry-after')) >= 1);
	// an order by a code is a question as well, and what somebody else asks from the same address counts, too
	const order = { meter: 'NONE', amount_fen: 1_000, channel: 'wechat_native' };
	expect(await first.call('POST', '/me/orders', { key: randomUUID(), body: order }), 429, 'too_many');
	for (let i = 0; i < 2; i++) expect(await second.call('POST', '/me/orders', { key: randomUUID(), body: order }), 404, 'not_found');
	expect(await ask(second), 429, 'too_many');
	assert.ok((await second.account()).id); // nothing else waits
});

test('the API went through all of this without dying once', () => {
	assert.equal(world.stack.process('api').starts, starts);
});
