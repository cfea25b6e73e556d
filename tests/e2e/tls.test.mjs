// The site as it is shipped: the settings that scripts/nginx-site.sh prints, on a real nginx with a
// certificate of a throw-away authority.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import http2 from 'node:http2';
import https from 'node:https';
import net from 'node:net';
import path from 'node:path';
import { describe, test } from 'node:test';
import tls from 'node:tls';
import { promisify } from 'node:util';
import { ROOT } from '../support/stack.mjs';
import { credited, newOrder, tenantPhone, until, useStack } from './lib.mjs';
import { alipayNotify, alipayPaid, wechatNotify, wechatPaid } from './payer.mjs';

const run = promisify(execFile);
let ca;
const world = useStack({
	fresh: false,
	tls: { TRUSTED_PROXIES: '127.0.0.2' },
	ready: () => {
		ca = readFileSync(world.stack.path('keys', 'tls_ca.pem'));
	},
});

/** One request, by https unless another module is named. from: the address that it comes from. */
function ask(method, where, { headers = {}, body, module = https, port = world.stack.ports.tls, from } = {}) {
	return new Promise((resolve, reject) => {
		const request = module.request({ host: 'localhost', family: 4, port, path: where, method, headers, ca, agent: false, localAddress: from }, async (r) => {
			const chunks = [];
			for await (const chunk of r) chunks.push(chunk);
			const text = Buffer.concat(chunks).toString();
			resolve({ status: r.statusCode, headers: r.headers, text, problem: /problem\+json/.test(r.headers['content-type'] ?? '') ? JSON.parse(text) : null });
		});
		request.on('error', reject);
		request.end(body);
	});
}
const plain = (method, where, options = {}) => ask(method, where, { module: http, port: world.stack.ports.http, ...options });

/** Bytes as they are, and what comes back until the end. */
function raw(text) {
	return new Promise((resolve, reject) => {
		const socket = tls.connect({ host: '127.0.0.1', port: world.stack.ports.tls, ca, servername: 'localhost' }, () => socket.write(text));
		let answer = '';
		socket.setTimeout(15_000, () => socket.destroy());
		socket.on('data', (d) => (answer += d.toString('latin1')));
		socket.on('error', reject);
		socket.on('close', () => resolve(answer));
	});
}
const statuses = (answer) => [...answer.matchAll(/HTTP\/1\.1 (\d{3})/g)].map((m) => Number(m[1]));

function shake(options) {
	return new Promise((resolve, reject) => {
		const socket = tls.connect({ host: '127.0.0.1', port: world.stack.ports.tls, ca, servername: 'localhost', ...options }, () => {
			resolve({ protocol: socket.getProtocol(), cipher: socket.getCipher().name, alpn: socket.alpnProtocol });
			socket.destroy();
		});
		socket.on('error', reject);
	});
}

describe('TLS', () => {
	test('1.2 and 1.3 are spoken, older ones refused', async () => {
		for (const version of ['TLSv1.2', 'TLSv1.3'])
			assert.equal((await shake({ minVersion: version, maxVersion: version })).protocol, version);
		for (const version of ['TLSv1', 'TLSv1.1'])
			await assert.rejects(shake({ minVersion: version, maxVersion: version, ciphers: 'ALL:@SECLEVEL=0' }), /alert protocol version/);
	});

	test('ciphers are forward secret and authenticated', async () => {
		const weak = ['AES128-SHA', 'AES256-GCM-SHA384', 'ECDHE-RSA-AES128-SHA', 'DHE-RSA-AES128-GCM-SHA256', 'ECDHE-RSA-AES256-SHA384'];
		for (const ciphers of weak) await assert.rejects(shake({ maxVersion: 'TLSv1.2', ciphers: `${ciphers}:@SECLEVEL=0` }), /alert handshake failure/, ciphers);
		for (const ciphers of ['ECDHE-RSA-AES128-GCM-SHA256', 'ECDHE-RSA-CHACHA20-POLY1305'])
			assert.equal((await shake({ maxVersion: 'TLSv1.2', ciphers })).cipher, ciphers);
	});

	test('HTTP/2 is offered and works', async () => {
		assert.equal((await shake({ ALPNProtocols: ['h2', 'http/1.1'] })).alpn, 'h2');
		const session = http2.connect(world.stack.tlsBase, { ca, lookup: (_, __, done) => done(null, [{ address: '127.0.0.1', family: 4 }]) });
		const stream = session.request({ ':path': '/api/v1/openapi.json' });
		const [headers] = await new Promise((resolve, reject) => {
			stream.on('response', (...h) => resolve(h));
			stream.on('error', reject);
		});
		assert.equal(headers[':status'], 200);
		session.destroy();
	});

	test('what is not TLS gets an error, and no page', async () => {
		const answer = await plain('GET', '/', { port: world.stack.ports.tls });
		assert.equal(answer.status, 400);
	});
});

describe('what comes unencrypted', () => {
	test('pages are sent on to the same address with TLS', async () => {
		for (const where of ['/', '/staff/', '/orders?x=1', '/assets/none.js', '//evil.example.com/', '/healthz']) {
			const answer = await plain('GET', where, { headers: { host: 'evil.example.com' } });
			assert.equal(answer.status, 308, where);
			assert.equal(answer.headers.location, world.stack.tlsBase + where);
		}
	});

	test('the API and notifies are refused, without a redirect', async () => {
		for (const [method, where] of [['GET', '/api/v1/me'], ['POST', '/api/v1/auth/login'], ['POST', '/api/v1/notify/wechat'], ['POST', '/api/v1/notify/alipay']]) {
			const answer = await plain(method, where, { body: method === 'POST' ? '{}' : undefined });
			assert.equal(answer.status, 403, where);
			assert.equal(answer.problem.code, 'forbidden');
			assert.equal(answer.headers.location, undefined);
		}
	});
});

describe('notifies over TLS', () => {
	test('of WeChat Pay and of Alipay reach the API to the byte, and are credited', async () => {
		for (const [service, channel, make, paid, phone] of [['wechat', 'wechat_native', wechatNotify, wechatPaid, 70], ['alipay', 'alipay_wap', alipayNotify, alipayPaid, 71]]) {
			await world.wire.behave(service, 'notify_never');
			const tenant = await world.api.login(tenantPhone(phone));
			const order = await newOrder(tenant, 2000, channel);
			const message = make(world.stack, paid(order));
			const answer = await ask('POST', `/api/v1/notify/${service}`, message);
			assert.equal(answer.status, service === 'wechat' ? 204 : 200);
			assert.equal(answer.text, service === 'wechat' ? '' : 'success');
			await credited(tenant, order);
			const forged = make(world.stack, paid(order));
			forged.body = `${forged.body} `;
			const refused = await ask('POST', `/api/v1/notify/${service}`, forged);
			assert.ok(refused.status === 401 || refused.text === 'fail', `${refused.status} ${refused.text}`);
		}
	});

	test('a forged one is refused by the API, and never redirected', async () => {
		for (const where of ['/api/v1/notify/wechat', '/api/v1/notify/alipay', '/api/v1/notify/wechat-refund', '/api/v1/notify/', '/api/v1/notify/x/../wechat']) {
			const answer = await ask('POST', where, { body: '{"id":"EV-1"}', headers: { 'content-type': 'application/json' } });
			assert.ok(answer.status >= 400 && answer.status < 500 || answer.text === 'fail', `${where} ${answer.status}`);
			assert.equal(answer.headers.location, undefined);
		}
	});
});

// No script, style, picture or answer from elsewhere, none written into a page, nobody's frame. Pictures may
// be made on the spot (a receipt).
const POLICY = "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

describe('every answer', () => {
	test('has the headers that browsers are to obey', async () => {
		const asset = /(?:src|href)="\.(\/assets\/[^"]+)"/.exec((await ask('GET', '/')).text)?.[1];
		assert.ok(asset, 'the page has assets');
		const answers = {
			page: await ask('GET', '/'), staff: await ask('GET', '/staff/'), 'staff page': await ask('GET', '/staff/sales'), 'order page': await ask('GET', '/order/1'), asset: await ask('GET', asset), 'no asset': await ask('GET', '/assets/none.js'),
			api: await ask('GET', '/api/v1/openapi.json'), 'no token': await ask('GET', '/api/v1/me'), 'no route': await ask('GET', '/api/v1/nothing'),
			'too large': await ask('POST', '/api/v1/auth/login', { body: 'x'.repeat(70_000) }), redirect: await ask('GET', '/staff'),
			hidden: await ask('GET', '/.git/config'), method: await ask('DELETE', '/'), notify: await ask('POST', '/api/v1/notify/wechat', { body: '{}' }),
			'long header': await ask('GET', '/', { headers: { 'x-long': 'x'.repeat(9_000) } }),
		};
		for (const [what, { status, headers }] of Object.entries(answers)) {
			const where = `${what} ${status}`;
			assert.match(headers['strict-transport-security'] ?? '', /^max-age=63072000$/, where);
			assert.equal(headers['content-security-policy'], POLICY, where);
			assert.equal(headers['x-content-type-options'], 'nosniff', where);
			assert.equal(headers['referrer-policy'], 'strict-origin', where);
			assert.ok(!/\d/.test(headers.server ?? ''), `${where}: ${headers.server}`);
		}
		assert.deepEqual([answers.page.status, answers.staff.status, answers.asset.status, answers['no asset'].status], [200, 200, 200, 404]);
		assert.match(answers.asset.headers['cache-control'], /max-age=31536000/);
	});

	test('of a limit is a problem as the API has them', async () => {
		const large = await ask('POST', '/api/v1/notify/wechat', { body: 'x'.repeat(65_537) });
		assert.deepEqual([large.status, large.problem?.code], [413, 'too_large']);
		assert.ok((await ask('POST', '/api/v1/notify/wechat', { body: 'x'.repeat(65_536) })).status < 500);
		const many = await Promise.all(Array.from({ length: 120 }, () => ask('POST', '/api/v1/auth/login', { body: '{}' })));
		const limited = many.filter((a) => a.status === 429);
		assert.ok(limited.length > 0 && limited.length < 120, `${limited.length}`);
		assert.ok(limited.every((a) => a.problem?.code === 'too_many' && a.headers['retry-after'] === '1'));
		assert.ok(many.every((a) => a.status < 500));
	});
});

describe('what is not there', () => {
	test('the sandbox, the simulator, hidden files', async () => {
		for (const where of ['/sandbox/', '/sandbox/pay', '/sim/wire', '/sim/faults', '/.git/config', '/.env', '/staff/../sim/wire', '/%73im/wire'])
			assert.equal((await ask('GET', where)).status, 404, where);
	});

	test('health and figures are for this machine only, whatever a header says', async () => {
		const local = await ask('GET', '/healthz');
		assert.deepEqual([local.status, JSON.parse(local.text).status], [200, 'ok']);
		assert.equal((await ask('GET', '/metrics')).status, 200);
		assert.equal((await ask('GET', '/healthz', { headers: { 'x-forwarded-for': '203.0.113.9' } })).status, 200, 'nobody was to be trusted');
		// The trusted proxy speaks for another: that one is not here.
		for (const where of ['/healthz', '/metrics', '/api/v1/healthz', '/api/v1/metrics'])
			assert.equal((await ask('GET', where, { from: '127.0.0.2', headers: { 'x-forwarded-for': '203.0.113.9' } })).status, 403, where);
		await until('the log has the address', () => /from=203\.0\.113\.9 /.test(readFileSync(world.stack.path('nginx-tls', 'access.log'), 'utf8')));
	});
});

describe('tricks with a request', () => {
	const head = 'Host: localhost\r\nContent-Type: application/json\r\n';
	const smuggled = 'GET /api/v1/openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n';
	const cases = {
		'two lengths': `POST /api/v1/auth/login HTTP/1.1\r\n${head}Content-Length: 2\r\nContent-Length: ${smuggled.length}\r\n\r\n${smuggled}`,
		'a length and chunks': `POST /api/v1/auth/login HTTP/1.1\r\n${head}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${smuggled}`,
		'a strange coding': `POST /api/v1/auth/login HTTP/1.1\r\n${head}Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n${smuggled}`,
		'a coding twice': `POST /api/v1/auth/login HTTP/1.1\r\n${head}Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n${smuggled}`,
		'a negative length': `POST /api/v1/auth/login HTTP/1.1\r\n${head}Content-Length: -1\r\n\r\n${smuggled}`,
		'a length that is no number': `POST /api/v1/auth/login HTTP/1.1\r\n${head}Content-Length: 0x10\r\n\r\n${smuggled}`,
		'chunks of a size that is none': `POST /api/v1/auth/login HTTP/1.1\r\n${head}Transfer-Encoding: chunked\r\n\r\nzz\r\n${smuggled}`,
		'two hosts': `GET / HTTP/1.1\r\nHost: localhost\r\nHost: evil.example.com\r\n\r\n${smuggled}`,
		'no host': `GET / HTTP/1.1\r\n\r\n${smuggled}`,
		'a line that is too long': `GET /${'x'.repeat(9_000)} HTTP/1.1\r\nHost: localhost\r\n\r\n`,
		'a header that is too long': `GET / HTTP/1.1\r\nHost: localhost\r\nX: ${'x'.repeat(40_000)}\r\n\r\n`,
		'a NUL': `GET / HTTP/1.1\r\nHost: localhost\r\nX: a\0b\r\n\r\n`,
		'nonsense': 'nonsense\r\n\r\n',
	};
	for (const [name, text] of Object.entries(cases))
		test(`${name}: one refusal, and nothing behind it is heard`, async () => {
			const got = statuses(await raw(text));
			assert.equal(got.length, 1, `${got}`);
			assert.ok(got[0] >= 400 && got[0] < 502, `${got}`);
		});

	test('a slow header line is not waited for', async () => {
		const socket = net.connect(world.stack.ports.http, '127.0.0.1');
		socket.write('GET / HTTP/1.1\r\nHost: x\r\nX: ');
		const end = new Promise((resolve) => socket.on('close', resolve));
		socket.on('error', () => {});
		socket.resume();
		await end;
	});
});

describe('the script', () => {
	const site = (settings, ...args) => {
		const file = world.stack.path('site.env');
		writeFileSync(file, settings.join('\n'));
		return run(path.join(ROOT, 'scripts/nginx-site.sh'), [...args, file]).then(({ stdout }) => stdout, (e) => ({ error: e.stderr, out: e.stdout }));
	};
	const good = ['# ours', '', 'BASE=https://pay.example.com', 'CERTIFICATE=/c.pem', 'CERTIFICATE_KEY=/k.pem'];

	test('prints what an administrator wants, by few settings', async () => {
		const text = await site(good);
		for (const line of ['listen 443 ssl http2;', 'listen [::]:443 ssl http2;', 'listen 80;', 'server_name pay.example.com;', 'ssl_certificate /c.pem;', 'return 308 https://pay.example.com$request_uri;'])
			assert.ok(text.includes(line), line);
		assert.ok(!/@[A-Z_]+@|set_real_ip_from|ssl_stapling|sandbox\/ \{\n\tproxy/.test(text));
		const more = await site([...good, 'OCSP_CHAIN=/chain.pem', 'OCSP_RESOLVER=127.0.0.1', 'HSTS_SECONDS=0', 'TRUSTED_PROXIES=10.0.0.0/8, fd00::/8']);
		assert.match(more, /ssl_trusted_certificate \/chain.pem;[^]*set_real_ip_from fd00::\/8;/);
		assert.ok(!/Strict-Transport-Security/.test(more));
	});

	const bad = {
		'no name': [[], 'BASE is missing'],
		'a name without TLS': [['BASE=http://pay.example.com'], 'BASE is'],
		'no key': [good.slice(0, 4), 'CERTIFICATE_KEY is missing'],
		'an unknown setting': [[...good, 'CERTIFICAT=/x'], 'there is no setting "CERTIFICAT"'],
		'a line without =': [[...good, 'nonsense'], 'there is no setting'],
		'a word of nginx inside a value': [[...good, 'WWW=/x; return 200'], 'WWW has a character'],
		'a path in the name': [['BASE=https://pay.example.com/yufu', ...good.slice(3)], 'a path goes into PREFIX'],
		'a path that ends': [[...good, 'PREFIX=/yufu/'], 'PREFIX is a path'],
		'a variable': [[...good, 'WWW=$document_root'], 'WWW has a character'],
		'no number': [[...good, 'HSTS_SECONDS=year'], 'HSTS_SECONDS is a number'],
		'the demo for everybody': [['LISTEN_PLAIN=0.0.0.0:8080'], 'only this machine'],
		'the sandbox on a live site': [[...good, 'SANDBOX_PORT=9000'], 'SANDBOX_PORT'],
	};
	for (const [name, [settings, why]] of Object.entries(bad))
		test(`refuses ${name}, and prints nothing`, async () => {
			const { error, out } = await site(settings);
			assert.ok(error?.includes(why), error);
			assert.equal(out, '');
		});
});
