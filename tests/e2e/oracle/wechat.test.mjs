// WeChat Pay before two public packages that are not ours: they check what we sign, we read what they
// sign, and the strict client of one of them talks to our stand-in.
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { gunzipSync, gzipSync } from 'node:zlib';
import axiosPlugin from 'wechatpay-axios-plugin';
import nodeV3 from 'wechatpay-node-v3';
import { until } from '../../support/process.mjs';
import { copyKeys } from '../../support/stack.mjs';

const { Aes, Formatter, Rsa, Wechatpay } = axiosPlugin;
const Pay = nodeV3.default ?? nodeV3;
const SIM = path.join(process.env.YUFU_BIN_DIR, 'yufu-sim');
const VECTORS = path.resolve(import.meta.dirname, '../../vectors/pay');
const run = promisify(execFile);
const MCH = '1900000109';
const APP = 'wx8888888888888888';
const OPENID = 'oSandbox_payer-0000000000001';
const PUBLIC_KEY_ID = 'PUB_KEY_ID_0119000001092026112200000000000001';
const SERIAL = '5157F09EFDC096DE15EBE81A47057A7200000001';
const EXPIRES = String(Math.floor(Date.now() / 1000) + 1800);

let dir;
const file = (name) => readFileSync(path.join(dir, name), 'utf8');
const apiKey = () => file('wechat_api_v3_key').trim();
const number = () => `YF${randomBytes(6).toString('hex')}`;

before(async () => {
	dir = mkdtempSync(path.join(tmpdir(), 'yufu-oracle-'));
	await copyKeys(SIM, dir);
});
after(() => rmSync(dir, { recursive: true, force: true }));

/** Settings for a service at base; without: lines that are left out. */
async function settings(base, name, without = /^$/) {
	const { stdout } = await run(SIM, ['--print-settings', dir, base, base]);
	const conf = path.join(dir, name);
	writeFileSync(conf, stdout.split('\n').filter((line) => !without.test(line)).join('\n'));
	return conf;
}

/** A call of our client. */
async function call(conf, ...args) {
	const { stdout } = await run(process.env.WECHAT_CALL, [conf, ...args]);
	return JSON.parse(stdout);
}

/** The second opinion, as a merchant of ours. */
function second() {
	return new Pay({ appid: APP, mchid: MCH, serial_no: SERIAL, publicKey: Buffer.from(file('wechat_cert_a.pem')), privateKey: Buffer.from(file('wechat_merchant_private.pem')), key: apiKey() });
}

function authorization(req) {
	const [scheme, rest] = req.headers.authorization.split(/ (.*)/s);
	assert.equal(scheme, 'WECHATPAY2-SHA256-RSA2048');
	return Object.fromEntries([...rest.matchAll(/(\w+)="([^"]*)"/g)].map((m) => [m[1], m[2]]));
}

/** Both packages find the request signed as WeChat Pay demands. */
function checkRequest(req) {
	const a = authorization(req);
	const message = Formatter.request(req.method, req.url, a.timestamp, a.nonce_str, req.body);
	assert.ok(Rsa.verify(message, a.signature, file('wechat_merchant_public.pem')), `${req.method} ${req.url}`);
	const body = req.method === 'GET' ? undefined : req.body;
	assert.equal(second().getSignature(req.method, a.nonce_str, a.timestamp, req.url, body), a.signature);
	assert.equal(a.mchid, MCH);
	assert.equal(a.serial_no, SERIAL);
	assert.match(a.nonce_str, /^[0-9A-Za-z]{1,32}$/);
	assert.ok(req.headers['user-agent']);
	assert.equal(req.headers.accept, 'application/json');
}

/** An answer or a notify, signed by the package. */
function signed(body, by = { serial: PUBLIC_KEY_ID, key: 'wechat_platform_private.pem' }) {
	const timestamp = String(Formatter.timestamp());
	const nonce = Formatter.nonce();
	return {
		body,
		headers: {
			'content-type': 'application/json',
			'wechatpay-serial': by.serial,
			'wechatpay-timestamp': timestamp,
			'wechatpay-nonce': nonce,
			'wechatpay-signature': Rsa.sign(Formatter.response(timestamp, nonce, body), file(by.key)),
		},
	};
}

/** A service on a free port; answer(request) gives {status, headers, body}. */
async function serve(answer) {
	const requests = [];
	const server = http.createServer(async (req, res) => {
		const chunks = [];
		for await (const chunk of req) chunks.push(chunk);
		req.body = Buffer.concat(chunks).toString('utf8');
		requests.push(req);
		let a;
		try {
			checkRequest(req);
			a = answer(req);
		} catch (error) {
			a = { status: 599, body: String(error) };
			requests.failed = error;
		}
		res.writeHead(a.status ?? 200, a.headers ?? {}).end(a.body ?? '');
	});
	await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
	return { requests, base: `http://127.0.0.1:${server.address().port}`, close: () => new Promise((r) => server.close(r)) };
}

/** What both packages say of bytes that came with these headers. */
async function bothVerify({ headers, body }, serial, publicKey) {
	const get = (name) => (typeof headers.get === 'function' ? headers.get(name) : headers[name]);
	assert.equal(get('wechatpay-serial'), serial);
	const message = Formatter.response(get('wechatpay-timestamp'), get('wechatpay-nonce'), body);
	assert.ok(Rsa.verify(message, get('wechatpay-signature'), publicKey));
	Pay.certificates[serial] = publicKey;
	assert.ok(await second().verifySign({ timestamp: get('wechatpay-timestamp'), nonce: get('wechatpay-nonce'), body, serial, signature: get('wechatpay-signature'), apiSecret: apiKey() }));
}

describe('our requests', () => {
	test('JSAPI: the order, the same order again, and what the page is handed', async () => {
		const service = await serve(() => signed('{"prepay_id":"wx26112112580621e9b071c00d9e093b0000"}'));
		const conf = await settings(service.base, 'jsapi.conf');
		const { outcome, result } = await call(conf, 'open', 'wechat_jsapi', 'YFORACLE001', EXPIRES);
		assert.equal(service.requests.failed, undefined);
		assert.equal(outcome, 'ok');
		const p = result.jsapi;
		assert.deepEqual(Object.keys(p).sort(), ['appId', 'nonceStr', 'package', 'paySign', 'signType', 'timeStamp']);
		const message = Formatter.joinedByLineFeed(p.appId, p.timeStamp, p.nonceStr, p.package);
		assert.ok(Rsa.verify(message, p.paySign, file('wechat_merchant_public.pem')));
		assert.equal(second().sha256WithRsa(message), p.paySign);
		await call(conf, 'open', 'wechat_jsapi', 'YFORACLE001', EXPIRES);
		assert.equal(service.requests[1].body, service.requests[0].body);
		assert.equal(service.requests[0].headers['wechatpay-serial'], PUBLIC_KEY_ID);
		const order = JSON.parse(service.requests[0].body);
		assert.deepEqual(order.payer, { openid: OPENID });
		assert.match(order.notify_url, /\/api\/v1\/notify\/wechat$/);
		await service.close();
	});

	test('refunds: the request, and every state of an answer', async () => {
		let status = 'PROCESSING';
		const answer = () => signed(JSON.stringify({ refund_id: '50000000382019052709732678859', out_refund_no: 'YFR000001', transaction_id: '1217752501201407033233368018', out_trade_no: 'YFORACLE001', channel: 'ORIGINAL', user_received_account: '招商银行信用卡0403', create_time: '2026-12-01T10:34:56+08:00', status, amount: { total: 5000, refund: 1200, payer_total: 4800, payer_refund: 1152, settlement_refund: 1200, settlement_total: 5000, discount_refund: 48, currency: 'CNY' } }));
		const service = await serve(answer);
		const conf = await settings(service.base, 'refund.conf');
		const refund = ['YFORACLE001', 'YFR000001', '1200', '5000'];
		assert.equal((await call(conf, 'refund', ...refund)).result.state, 'accepted');
		for (const [word, state] of [['SUCCESS', 'done'], ['CLOSED', 'closed'], ['ABNORMAL', 'person'], ['NEW_WORD', 'unknown']]) {
			status = word;
			assert.equal((await call(conf, 'refund_query', ...refund)).result.state, state);
		}
		assert.equal(service.requests.failed, undefined);
		const body = JSON.parse(service.requests[0].body);
		assert.deepEqual(body.amount, { refund: 1200, total: 5000, currency: 'CNY' });
		assert.match(body.notify_url, /\/api\/v1\/notify\/wechat-refund$/);
		assert.equal(service.requests[1].url, '/sandbox/wechat/v3/refund/domestic/refunds/YFR000001');
		// an answer about another refund proves nothing
		assert.equal((await call(conf, 'refund', 'YFORACLE001', 'YFR000002', '1200', '5000')).outcome, 'unknown');
		assert.equal((await call(conf, 'refund', 'YFORACLE001', 'YFR000001', '1201', '5000')).outcome, 'unknown');
		await service.close();
	});

	test('bills: the link is followed as it stands, and the package reads the same sums', async () => {
		const text = Buffer.from(readFileSync(path.join(VECTORS, 'wechat_trade_bill.csv'), 'utf8').replaceAll('1900000001', MCH));
		const target = '/sandbox/wechat/v3/billdownload/file?token=AbC%2Bd%2Fe%3D%3D&tartype=gzip';
		let hash = createHash('sha1').update(text).digest('hex');
		let elsewhere;
		const service = await serve((req) => {
			if (req.url === target) return { headers: { 'content-type': 'application/x-gzip' }, body: gzipSync(text) };
			return signed(JSON.stringify({ hash_type: 'SHA1', hash_value: hash, download_url: elsewhere ?? `http://${req.headers.host}${target}` }));
		});
		const conf = await settings(service.base, 'bill.conf');
		const ours = await call(conf, 'bill', '2026-11-22');
		assert.equal(service.requests.failed, undefined);
		const { rows, summary } = Formatter.castCsvBill(text);
		assert.deepEqual(ours.result, { rows: rows.length, paid_fen: 5001, refunded_fen: 1200, fee: `${summary['手续费总金额']}0000000` });
		assert.match(service.requests[0].url, /\/v3\/bill\/tradebill\?bill_date=2026-11-22&bill_type=ALL&tar_type=GZIP$/);
		hash = '0'.repeat(40);
		assert.equal((await call(conf, 'bill', '2026-11-22')).outcome, 'protocol');
		elsewhere = 'http://127.0.0.1:1/v3/billdownload/file';
		assert.equal((await call(conf, 'bill', '2026-11-22')).outcome, 'protocol');
		await service.close();
	});

	test('errors that are not signed, or say that nothing is sure', async () => {
		let answer;
		const service = await serve(() => answer);
		const conf = await settings(service.base, 'errors.conf');
		const outcome = async () => (await call(conf, 'query', 'YFORACLE001')).outcome;
		for (const [status, code, expected] of [[404, 'ORDERNOTEXIST', 'ok'], [404, 'ORDER_NOT_EXIST', 'ok'], [400, 'PARAM_ERROR', 'refused'],
			[500, 'SYSTEM_ERROR', 'unknown'], [429, 'FREQUENCY_LIMITED', 'unknown'], [403, 'RATELIMIT_EXCEEDED', 'unknown']]) {
			answer = { ...signed(JSON.stringify({ code, message: '' })), status };
			assert.equal(await outcome(), expected, `${status} ${code}`);
		}
		answer = { status: 500, body: JSON.stringify({ code: 'ORDER_NOT_EXIST', message: '' }) };
		assert.equal(await outcome(), 'unknown');
		answer = { status: 200, body: JSON.stringify({ trade_state: 'SUCCESS' }) };
		assert.equal(await outcome(), 'unknown');
		await service.close();
	});
});

describe('what the packages sign', () => {
	const transaction = (changes) => ({ mchid: MCH, appid: APP, out_trade_no: 'YFORACLE001', transaction_id: '4200001', trade_type: 'JSAPI', trade_state: 'SUCCESS', trade_state_desc: '支付成功', bank_type: 'CMC', success_time: '2026-11-30T10:34:56+08:00', payer: { openid: OPENID }, amount: { total: 5000, payer_total: 4800, currency: 'CNY', payer_currency: 'CNY' }, ...changes });
	const refund = (changes) => ({ mchid: MCH, transaction_id: '4200001', out_trade_no: 'YFORACLE001', refund_id: '5030001', out_refund_no: 'YFR000001', refund_status: 'SUCCESS', success_time: '2026-11-30T10:34:56+08:00', user_received_account: '支付用户零钱', amount: { total: 5000, refund: 1200, payer_total: 4800, payer_refund: 1152 }, ...changes });

	function notify(event, plain, by) {
		const kind = event.startsWith('REFUND') ? 'refund' : 'transaction';
		const nonce = Formatter.nonce(12);
		return signed(JSON.stringify({ id: 'EV-2018022511223320873', create_time: '2026-11-30T10:34:56+08:00', resource_type: 'encrypt-resource', event_type: event, summary: 'x',
			resource: { original_type: kind, algorithm: 'AEAD_AES_256_GCM', ciphertext: Aes.AesGcm.encrypt(JSON.stringify(plain), apiKey(), nonce, kind), associated_data: kind, nonce } }), by);
	}

	async function read(conf, message) {
		const name = path.join(dir, 'notify.json');
		writeFileSync(name, JSON.stringify(message));
		return call(conf, 'notify', name);
	}

	test('notifies of payments and refunds', async () => {
		const conf = await settings('http://127.0.0.1:9', 'notify.conf');
		const paid = notify('TRANSACTION.SUCCESS', transaction({}));
		await bothVerify(paid, PUBLIC_KEY_ID, file('wechat_platform_public.pem'));
		assert.deepEqual((await read(conf, paid)).result, { kind: 1, state: 'paid', out_trade_no: 'YFORACLE001', amount_fen: 5000, transaction_id: '4200001' });
		const back = await read(conf, notify('REFUND.SUCCESS', refund({})));
		assert.equal(back.result.kind, 2);
		assert.deepEqual(back.result.refund, { state: 'done', out_refund_no: 'YFR000001', refund_id: '5030001', amount_fen: 1200 });
		assert.equal((await read(conf, notify('REFUND.ABNORMAL', refund({ refund_status: 'ABNORMAL', success_time: undefined })))).result.refund.state, 'person');
		assert.equal((await read(conf, notify('TRANSACTION.SUCCESS', transaction({ mchid: '1900000001' })))).outcome, 'conflict');
		assert.equal((await read(conf, notify('TRANSACTION.SUCCESS', transaction({ appid: 'wx1' })))).outcome, 'conflict');
		assert.equal((await read(conf, notify('REFUND.SUCCESS', refund({ amount: { total: 5000, refund: 5001 } })))).outcome, 'out_of_range');
		assert.equal((await read(conf, { ...paid, body: `${paid.body} ` })).outcome, 'bad_signature');
		assert.equal((await read(conf, notify('TRANSACTION.SUCCESS', transaction({}), { serial: PUBLIC_KEY_ID, key: 'alipay_private.pem' }))).outcome, 'bad_signature');
	});

	test('by a platform certificate, whose serial the second package reads', async () => {
		const conf = await settings('http://127.0.0.1:9', 'cert.conf', /^public_key_/);
		writeFileSync(conf, readFileSync(conf, 'utf8').replace('[wechat_pay]', `[wechat_pay]\nplatform_cert_files=${path.join(dir, 'wechat_cert_b.pem')}`));
		const serial = second().getSN(file('wechat_cert_b.pem')).toUpperCase();
		assert.match(serial, /^51[0-9A-F]{38}$/);
		const paid = notify('TRANSACTION.SUCCESS', transaction({}), { serial, key: 'wechat_cert_b_private.pem' });
		assert.equal((await read(conf, paid)).outcome, 'ok');
		const other = notify('TRANSACTION.SUCCESS', transaction({}), { serial: PUBLIC_KEY_ID, key: 'wechat_platform_private.pem' });
		assert.equal((await read(conf, other)).outcome, 'bad_signature');
	});
});

describe('our stand-in', () => {
	let sim;
	let base;
	let receiver;
	const notifies = [];

	before(async () => {
		const conf = path.join(dir, 'sim.conf');
		const log = [];
		receiver = http.createServer(async (req, res) => {
			const chunks = [];
			for await (const chunk of req) chunks.push(chunk);
			notifies.push({ url: req.url, headers: req.headers, body: Buffer.concat(chunks).toString('utf8') });
			res.writeHead(204).end();
		});
		await new Promise((resolve) => receiver.listen(0, '127.0.0.1', resolve));
		writeFileSync(conf, `${(await run(SIM, ['--print-settings', dir, 'http://127.0.0.1:9', 'http://127.0.0.1:9'])).stdout}
http_listen=127.0.0.1:0\nmodbus_base_port=0\nbuses=1\nstate_dir=${dir}\n`);
		sim = spawn(SIM, ['--config', conf], { stdio: ['ignore', 'ignore', 'pipe'] });
		sim.stderr.on('data', (data) => log.push(data));
		const port = await until('the simulator says its port', () => /http_port=(\d+)/.exec(Buffer.concat(log).toString())?.[1]);
		base = `http://127.0.0.1:${port}`;
	});
	after(async () => {
		await new Promise((resolve) => {
			sim.on('exit', resolve);
			sim.kill('SIGTERM');
		});
		await new Promise((resolve) => receiver.close(resolve));
	});

	function client(certs) {
		return new Wechatpay({ mchid: MCH, serial: SERIAL, privateKey: file('wechat_merchant_private.pem'), certs, baseURL: `${base}/` });
	}
	const byPublicKey = () => client({ [PUBLIC_KEY_ID]: file('wechat_platform_public.pem') });
	const headers = { 'Wechatpay-Serial': PUBLIC_KEY_ID };
	const at = (wx, target) => wx.chain(`sandbox/wechat/v3/${target}`);
	const notifyUrl = () => `http://127.0.0.1:${receiver.address().port}/notify`;
	const order = (no, more = {}) => ({ appid: APP, mchid: MCH, description: '电费充值', out_trade_no: no, notify_url: notifyUrl(), amount: { total: 5000, currency: 'CNY' }, ...more });
	const command = (body) => fetch(`${base}/sim/services/wechat`, { method: 'POST', body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }).then((r) => assert.equal(r.status, 200));

	async function refused(promise, status, code) {
		const error = await promise.then(() => assert.fail('was accepted'), (e) => e);
		assert.equal(error.response?.status, status, error.message);
		assert.equal(error.response.data.code, code);
	}

	/** Opens a JSAPI order with the strict client, and pays it. */
	async function paid() {
		const no = number();
		const opened = await at(byPublicKey(), 'pay/transactions/jsapi').post(order(no, { payer: { openid: OPENID } }), { headers });
		const token = /^wx([0-9a-f]{32})$/.exec(opened.data.prepay_id)[1];
		await fetch(`${base}/sandbox/pay`, { method: 'POST', body: new URLSearchParams({ token, action: 'pay' }) });
		return no;
	}
	const arrived = (match) => until('a notify', () => notifies.find((n) => {
		const { resource } = JSON.parse(n.body);
		const plain = JSON.parse(Aes.AesGcm.decrypt(resource.ciphertext, apiKey(), resource.nonce, resource.associated_data));
		return match(plain) && Object.assign(n, { plain });
	}));

	test('JSAPI, query and a notify that both packages verify and decrypt', async () => {
		const no = await paid();
		const asked = await at(byPublicKey(), `pay/transactions/out-trade-no/${no}`).get({ params: { mchid: MCH }, headers });
		assert.equal(asked.data.trade_state, 'SUCCESS');
		assert.equal(asked.data.trade_type, 'JSAPI');
		assert.equal(asked.data.payer.openid, OPENID);
		const n = await arrived((plain) => plain.out_trade_no === no);
		await bothVerify(n, PUBLIC_KEY_ID, file('wechat_platform_public.pem'));
		const { resource } = JSON.parse(n.body);
		assert.deepEqual(second().decipher_gcm(resource.ciphertext, resource.associated_data, resource.nonce, apiKey()), n.plain);
		await refused(at(byPublicKey(), `pay/transactions/out-trade-no/${no}`).get({ params: { mchid: '1900000001' }, headers }), 404, 'ORDER_NOT_EXIST');
	});

	test('orders that break a rule', async () => {
		const open = (kind, more, wx = byPublicKey(), h = headers) => at(wx, `pay/transactions/${kind}`).post(order(number(), more), { headers: h });
		await refused(open('jsapi', {}), 400, 'PARAM_ERROR');
		await refused(open('jsapi', { payer: { openid: 'x' } }), 400, 'PARAM_ERROR');
		await refused(open('jsapi', { payer: { openid: OPENID, unionid: 'x' } }), 400, 'PARAM_ERROR');
		await refused(open('jsapi', { payer: { openid: 'oOtherApp0000000000000000001' } }), 400, 'OPENID_MISMATCH');
		await refused(open('native', { payer: { openid: OPENID } }), 400, 'PARAM_ERROR');
		await refused(open('native', { amount: { total: 1, currency: 'CNY', payer_total: null } }), 400, 'PARAM_ERROR');
		await refused(open('native', { time_expire: '2026-12-01T00:00:00Z' }), 400, 'PARAM_ERROR');
		await refused(open('native', { time_expire: '2026-12-01 00:00:00' }), 400, 'PARAM_ERROR');
		await refused(open('native', { notify_url: 'https://pay.example/notify?x=1' }), 400, 'PARAM_ERROR');
		await refused(open('native', { out_trade_no: 'YF' }), 400, 'PARAM_ERROR');
		await refused(open('native', { description: '长'.repeat(43) }), 400, 'PARAM_ERROR');
		const unknown = { 'Wechatpay-Serial': 'PUB_KEY_ID_0000000000000000000000000000000000' };
		const error = await open('native', {}, byPublicKey(), unknown).then(() => assert.fail('was accepted'), (e) => e);
		assert.equal(error.response.status, 400);
	});

	test('refunds: partial ones up to the order, the same number once', async () => {
		const no = await paid();
		const refunds = (body) => at(byPublicKey(), 'refund/domestic/refunds').post(body, { headers });
		const body = (refund, more = {}) => ({ out_trade_no: no, out_refund_no: number(), notify_url: notifyUrl(), amount: { refund, total: 5000, currency: 'CNY' }, ...more });
		const first = body(2000);
		const accepted = (await refunds(first)).data;
		assert.equal(accepted.status, 'PROCESSING');
		assert.equal((await refunds(first)).data.refund_id, accepted.refund_id);
		await refused(refunds({ ...first, amount: { ...first.amount, refund: 1 } }), 400, 'INVALID_REQUEST');
		await refused(refunds(body(3001)), 400, 'INVALID_REQUEST');
		await refused(refunds(body(1, { amount: { refund: 1, total: 4999, currency: 'CNY' } })), 400, 'INVALID_REQUEST');
		await refused(refunds(body(1, { transaction_id: '42' })), 400, 'PARAM_ERROR');
		await refused(refunds(body(1, { reason: null })), 400, 'PARAM_ERROR');
		await refused(refunds(body(1, { refund_status: 'x' })), 400, 'PARAM_ERROR');
		await refunds(body(3000));
		const n = await arrived((plain) => plain.out_refund_no === first.out_refund_no);
		assert.equal(n.plain.refund_status, 'SUCCESS');
		assert.equal(n.plain.status, undefined);
		const asked = (await at(byPublicKey(), `refund/domestic/refunds/${first.out_refund_no}`).get({ headers })).data;
		assert.equal(asked.status, 'SUCCESS');
		assert.equal(asked.refund_status, undefined);
		await refused(at(byPublicKey(), `refund/domestic/refunds/${number()}`).get({ headers }), 404, 'RESOURCE_NOT_EXISTS');
		assert.equal((await at(byPublicKey(), `pay/transactions/out-trade-no/${no}`).get({ params: { mchid: MCH }, headers })).data.trade_state, 'REFUND');
	});

	test('certificates: fetched, decrypted, and then the client works with them alone', async () => {
		await command({ listed: 'ab' });
		const { data } = await at(byPublicKey(), 'certificates').get({ headers });
		const certs = {};
		for (const c of data.data) {
			const { ciphertext, nonce, associated_data: aad } = c.encrypt_certificate;
			const pem = Aes.AesGcm.decrypt(ciphertext, apiKey(), nonce, aad);
			assert.equal(second().getSN(pem).toUpperCase(), c.serial_no);
			certs[c.serial_no] = pem;
		}
		assert.equal(Object.keys(certs).length, 2);
		for (const serial of Object.keys(certs)) {
			const opened = await at(client(certs), 'pay/transactions/native').post(order(number()), { headers: { 'Wechatpay-Serial': serial } });
			assert.match(opened.data.code_url, /^weixin:/);
			assert.equal(opened.headers['wechatpay-serial'], serial);
		}
		await command({ listed: 'none' });
		await refused(at(byPublicKey(), 'certificates').get({ headers }), 404, 'RESOURCE_NOT_EXISTS');
		await command({ listed: 'a' });
	});

	test('bills: the ticket, the file, and the sums by the package', async () => {
		await command({ bills_today: true });
		const no = await paid();
		const date = new Date(Date.now() + 8 * 3_600_000).toISOString().slice(0, 10);
		const ticket = (await at(byPublicKey(), 'bill/tradebill').get({ params: { bill_date: date, bill_type: 'ALL', tar_type: 'GZIP' }, headers })).data;
		assert.equal(ticket.hash_type, 'SHA1');
		const unsigned = await fetch(ticket.download_url, { headers: { accept: 'application/json', 'user-agent': 'x' } });
		assert.equal(unsigned.status, 401);
		const url = new URL(ticket.download_url);
		const timestamp = String(Formatter.timestamp());
		const nonce = Formatter.nonce();
		const signature = Rsa.sign(Formatter.request('GET', `${url.pathname}${url.search}`, timestamp, nonce, ''), file('wechat_merchant_private.pem'));
		const answer = await fetch(ticket.download_url, { headers: { accept: 'application/json', ...headers, authorization: Formatter.authorization(MCH, nonce, signature, timestamp, SERIAL) } });
		assert.equal(answer.status, 200);
		assert.equal(answer.headers.get('wechatpay-signature'), null);
		const text = gunzipSync(Buffer.from(await answer.arrayBuffer()));
		assert.equal(createHash('sha1').update(text).digest('hex'), ticket.hash_value);
		const { rows, summary } = Formatter.castCsvBill(text);
		const row = rows.find((r) => r['商户订单号'] === no);
		assert.equal(row['订单金额'], '50.00');
		assert.equal(row['手续费'], '0.30000');
		assert.equal(summary['总交易单数'], String(rows.length));
		const conf = await settings(base, 'ours.conf');
		const ours = await call(conf, 'bill', date);
		assert.equal(ours.outcome, 'ok');
		assert.equal(ours.result.rows, rows.length);
		assert.equal(ours.result.paid_fen, Number(summary['订单总金额'].replace('.', '')));
		assert.equal((await call(conf, 'funds', date)).outcome, 'ok');
		await refused(at(byPublicKey(), 'bill/tradebill').get({ params: { bill_date: '2026-13-01', tar_type: 'GZIP' }, headers }), 400, 'PARAM_ERROR');
	});
});
