// Signatures before parties that are not ours: the vendors' own or well-known libraries stand in for
// the services and check our requests, then they are the clients of our stand-ins.
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { createHash, createHmac, randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import dysms from '@alicloud/dysmsapi20170525';
import openapi from '@alicloud/openapi-util';
import sign from 'tencentcloud-sdk-nodejs-common/tencentcloud/common/sign.js';
import tencent from 'tencentcloud-sdk-nodejs-sms';
import wechat from 'wechatpay-axios-plugin';
import { until } from '../../support/process.mjs';
import { copyKeys } from '../../support/stack.mjs';

const { Formatter, Rsa, Wechatpay } = wechat;
const OpenApi = openapi.default;
const SIM = path.join(process.env.YUFU_BIN_DIR, 'yufu-sim');
const run = promisify(execFile);
const MCH = '1900000109';
const APP = 'wx8888888888888888';
const PUBLIC_KEY_ID = 'PUB_KEY_ID_0119000001092026112200000000000001';
const SERIAL = '5157F09EFDC096DE15EBE81A47057A7200000001';

let dir;
const file = (name) => readFileSync(path.join(dir, name), 'utf8');

before(async () => {
	dir = mkdtempSync(path.join(tmpdir(), 'yufu-oracle-'));
	await copyKeys(SIM, dir);
});
after(() => rmSync(dir, { recursive: true, force: true }));

/** Settings for a service at base. */
async function settings(base, name) {
	const { stdout } = await run(SIM, ['--print-settings', dir, base, base]);
	const conf = path.join(dir, name);
	writeFileSync(conf, stdout);
	return conf;
}

/** A call of our client. */
async function call(conf, ...args) {
	const { stdout } = await run(process.env.PAY_CALL, [conf, ...args]);
	return JSON.parse(stdout);
}

/** An HTTP server on a free port; answer(request with body) gives {status, headers, body}. */
async function serve(answer) {
	const requests = [];
	const server = http.createServer(async (req, res) => {
		const chunks = [];
		for await (const chunk of req) chunks.push(chunk);
		req.body = Buffer.concat(chunks).toString('utf8');
		requests.push(req);
		const { status = 200, headers = {}, body = '' } = answer(req);
		res.writeHead(status, headers).end(body);
	});
	await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
	return { requests, base: `http://127.0.0.1:${server.address().port}`, close: () => new Promise((r) => server.close(r)) };
}

function authorization(req) {
	const [scheme, rest] = req.headers.authorization.split(/ (.*)/s);
	assert.equal(scheme, 'WECHATPAY2-SHA256-RSA2048');
	return Object.fromEntries([...rest.matchAll(/(\w+)="([^"]*)"/g)].map((m) => [m[1], m[2]]));
}

function wechatAnswer(status, object) {
	const body = object ? JSON.stringify(object) : '';
	const timestamp = String(Formatter.timestamp());
	const nonce = Formatter.nonce();
	return {
		status,
		body,
		headers: {
			'Content-Type': 'application/json',
			'Wechatpay-Serial': PUBLIC_KEY_ID,
			'Wechatpay-Timestamp': timestamp,
			'Wechatpay-Nonce': nonce,
			'Wechatpay-Signature': Rsa.sign(Formatter.response(timestamp, nonce, body), file('wechat_platform_private.pem')),
		},
	};
}

describe('our requests', () => {
	test('WeChat Pay: each request is signed as the library demands, and its answers are believed', async () => {
		const service = await serve((req) => {
			const a = authorization(req);
			const message = Formatter.request(req.method, req.url, a.timestamp, a.nonce_str, req.body);
			if (!Rsa.verify(message, a.signature, file('wechat_merchant_public.pem'))) return wechatAnswer(401, { code: 'SIGN_ERROR', message: '' });
			if (req.url.endsWith('/close')) return wechatAnswer(204);
			if (req.method === 'GET')
				return wechatAnswer(200, { mchid: MCH, appid: APP, out_trade_no: 'YFORACLE001', trade_state: 'NOTPAY' });
			return wechatAnswer(200, req.url.endsWith('/h5') ? { h5_url: 'https://wx.tenpay.com/x?prepay_id=1' } : { code_url: 'weixin://wxpay/bizpayurl?pr=x' });
		});
		const conf = await settings(service.base, 'wechat.conf');
		const native = await call(conf, 'open', 'wechat_native', 'YFORACLE001', '5000', 'https://pay.example/');
		assert.deepEqual(native, { outcome: 'ok', code: '', result: { code_url: 'weixin://wxpay/bizpayurl?pr=x' } });
		const h5 = await call(conf, 'open', 'wechat_h5', 'YFORACLE002', '5000', 'https://pay.example/');
		assert.equal(h5.result.h5_url, 'https://wx.tenpay.com/x?prepay_id=1&redirect_url=https%3A%2F%2Fpay.example%2F');
		assert.equal((await call(conf, 'query', 'wechat_native', 'YFORACLE001')).result.state, 'not_paid');
		assert.equal((await call(conf, 'close', 'wechat_native', 'YFORACLE001')).outcome, 'ok');
		for (const req of service.requests) {
			const a = authorization(req);
			assert.equal(a.mchid, MCH);
			assert.equal(a.serial_no, SERIAL);
			assert.ok(a.nonce_str.length <= 32);
			assert.ok(Math.abs(Date.now() / 1000 - Number(a.timestamp)) < 60);
			assert.equal(req.headers['wechatpay-serial'], PUBLIC_KEY_ID);
			assert.ok(req.headers['user-agent']);
		}
		const order = JSON.parse(service.requests[1].body);
		assert.deepEqual(order.amount, { total: 5000, currency: 'CNY' });
		assert.deepEqual(order.scene_info, { payer_client_ip: '203.0.113.7', h5_info: { type: 'Wap' } });
		assert.match(order.time_expire, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+08:00$/);
		await service.close();
	});

	test('Alibaba Cloud: the Authorization is the one that its own library computes', async () => {
		const service = await serve(() => ({ headers: { 'Content-Type': 'application/json' }, body: '{"Code":"OK","Message":"OK","BizId":"9^0","RequestId":"x"}' }));
		const conf = await settings(service.base, 'aliyun.conf');
		const sent = await call(conf, 'sms', '13800000001', 'login_code', '{"code":"123456"}');
		assert.deepEqual(sent.result, { code: 'OK', ref: '9^0', outcome: 0 });
		const [req] = service.requests;
		const signed = Object.fromEntries(Object.entries(req.headers).filter(([name]) => name === 'host' || name === 'content-type' || name.startsWith('x-acs-')));
		const hash = createHash('sha256').update(req.body).digest('hex');
		assert.equal(req.headers['x-acs-content-sha256'], hash);
		const expected = OpenApi.getAuthorization({ method: req.method, pathname: new URL(req.url, 'http://x').pathname, query: {}, headers: signed },
			'ACS3-HMAC-SHA256', hash, 'LTAIsandbox', file('aliyun_access_key_secret'));
		assert.equal(req.headers.authorization, expected);
		const form = Object.fromEntries(new URLSearchParams(req.body));
		assert.equal(form.PhoneNumbers, '13800000001');
		assert.deepEqual(JSON.parse(form.TemplateParam), { code: '123456' });
		await service.close();
	});

	test('Tencent Cloud: the Authorization is the one that its own SDK computes', async () => {
		const service = await serve(() => ({ headers: { 'Content-Type': 'application/json' },
			body: '{"Response":{"SendStatusSet":[{"SerialNo":"2019:1","PhoneNumber":"+8613800000001","Fee":1,"SessionContext":"n-1","Code":"Ok","Message":"send success","IsoCode":"CN"}],"RequestId":"x"}}' }));
		// The SDK signs the host without its port: so it judges our reckoning of TC3, which judges the request.
		const conf = await settings(service.base, 'tencent.conf');
		const sent = await call(conf, 'sms:tencent_sms', '13800000001', 'low1', '{"shop":"A-1","purse":"电费","balance":"9.80"}');
		assert.deepEqual(sent.result, { code: 'Ok', ref: '2019:1', outcome: 0 });
		const [req] = service.requests;
		const expected = sign.default.sign3({ method: 'POST', url: `http://${req.headers.host}${req.url}`, payload: Buffer.from(req.body),
			timestamp: Number(req.headers['x-tc-timestamp']), service: 'sms', secretId: 'AKIDsandbox', secretKey: file('tencent_secret_key').trim(),
			multipart: false, boundary: '', headers: { 'Content-Type': req.headers['content-type'] } });
		const parts = (text) => /Credential=(\S+), SignedHeaders=(\S+), Signature=([0-9a-f]{64})/.exec(text).slice(1);
		assert.deepEqual(parts(req.headers.authorization).slice(0, 2), parts(expected).slice(0, 2));
		assert.equal(tc3(req, '127.0.0.1', file('tencent_secret_key').trim()), parts(expected)[2]);
		assert.equal(tc3(req, req.headers.host, file('tencent_secret_key').trim()), parts(req.headers.authorization)[2]);
		assert.equal(req.headers['x-tc-action'], 'SendSms');
		assert.equal(req.headers['x-tc-version'], '2021-01-11');
		assert.equal(req.headers['x-tc-region'], 'ap-guangzhou');
		assert.deepEqual(JSON.parse(req.body), { PhoneNumberSet: ['+8613800000001'], SmsSdkAppId: '1400000109', SignName: '星力城', TemplateId: '110002',
			TemplateParamSet: ['A-1', '电费', '9.80'], SessionContext: 'n-1' });
		await service.close();
	});

	test('Tencent Cloud: the code of the number counts, not that of the call', async () => {
		const codes = { 'LimitExceeded.PhoneNumberDailyLimit': 1, 'InternalError.Timeout': 2, Ok: 0 };
		for (const [code, outcome] of Object.entries(codes)) {
			const service = await serve(() => ({ body: JSON.stringify({ Response: { SendStatusSet: [{ SerialNo: '', PhoneNumber: '', Code: code }], RequestId: 'x' } }) }));
			const conf = await settings(service.base, 'tencent.conf');
			const sent = await call(conf, 'sms:tencent_sms', '13800000001', 'login_code', '{"code":"123456"}');
			assert.equal(sent.result.outcome, outcome, code);
			await service.close();
		}
	});
});

/** TC3 by the vendor's description. */
function tc3(req, host, secret) {
	const hmac = (key, text) => createHmac('sha256', key).update(text).digest();
	const hash = (text) => createHash('sha256').update(text).digest('hex');
	const timestamp = req.headers['x-tc-timestamp'];
	const date = new Date(Number(timestamp) * 1000).toISOString().slice(0, 10);
	const canonical = ['POST', req.url, '', `content-type:${req.headers['content-type']}`, `host:${host}`, '', 'content-type;host', hash(req.body)].join('\n');
	const text = ['TC3-HMAC-SHA256', timestamp, `${date}/sms/tc3_request`, hash(canonical)].join('\n');
	return createHmac('sha256', hmac(hmac(hmac(`TC3${secret}`, date), 'sms'), 'tc3_request')).update(text).digest('hex');
}

describe('our stand-ins', () => {
	let sim;
	let base;

	before(async () => {
		const conf = path.join(dir, 'sim.conf');
		const log = [];
		writeFileSync(conf, `${(await run(SIM, ['--print-settings', dir, 'http://127.0.0.1:9', 'http://127.0.0.1:9'])).stdout}
http_listen=127.0.0.1:0\nmodbus_base_port=0\nbuses=1\nstate_dir=${dir}\n`);
		sim = spawn(SIM, ['--config', conf], { stdio: ['ignore', 'ignore', 'pipe'] });
		sim.stderr.on('data', (data) => log.push(data));
		const port = await until('the simulator says its port', () => /http_port=(\d+)/.exec(Buffer.concat(log).toString())?.[1]);
		base = `http://127.0.0.1:${port}`;
	});
	after(() => new Promise((resolve) => {
		sim.on('exit', resolve);
		sim.kill('SIGTERM');
	}));

	const order = (no) => ({
		appid: APP,
		mchid: MCH,
		description: '电费充值',
		out_trade_no: no,
		notify_url: 'http://127.0.0.1:9/notify',
		amount: { total: 100, currency: 'CNY' },
	});

	function client(privateKey = file('wechat_merchant_private.pem')) {
		return new Wechatpay({ mchid: MCH, serial: SERIAL, privateKey, certs: { [PUBLIC_KEY_ID]: file('wechat_platform_public.pem') }, baseURL: `${base}/` });
	}

	const headers = { 'Wechatpay-Serial': PUBLIC_KEY_ID };
	const native = (wx) => wx.chain('sandbox/wechat/v3/pay/transactions/native');

	test('WeChat Pay: a strict client of the public package opens, asks and closes', async () => {
		const no = `YF${randomBytes(6).toString('hex')}`;
		const wx = client();
		const opened = await native(wx).post(order(no), { headers });
		assert.match(opened.data.code_url, /^weixin:\/\/wxpay\/bizpayurl\?pr=/);
		const asked = await wx.chain(`sandbox/wechat/v3/pay/transactions/out-trade-no/${no}`).get({ params: { mchid: MCH }, headers });
		assert.equal(asked.data.trade_state, 'NOTPAY');
		const closed = await wx.chain(`sandbox/wechat/v3/pay/transactions/out-trade-no/${no}/close`).post({ mchid: MCH }, { headers });
		assert.equal(closed.status, 204);
	});

	test('WeChat Pay: refuses a strange key, unknown fields, nulls and other parameters', async () => {
		const refused = async (wx, body, status, code) => {
			const error = await native(wx).post(body, { headers }).then(() => assert.fail('was accepted'), (e) => e);
			assert.equal(error.response?.status, status, error.message);
			assert.equal(error.response.data.code, code);
		};
		const no = `YF${randomBytes(6).toString('hex')}`;
		await refused(client(file('alipay_app_private.pem')), order(no), 401, 'SIGN_ERROR');
		await refused(client(), { ...order(no), surprise: 1 }, 400, 'PARAM_ERROR');
		await refused(client(), { ...order(no), attach: null }, 400, 'PARAM_ERROR');
		await refused(client(), { ...order(no), amount: { total: 0, currency: 'CNY' } }, 400, 'PARAM_ERROR');
		await refused(client(), { ...order(no), mchid: '1900000001' }, 400, 'APPID_MCHID_NOT_MATCH');
		await native(client()).post(order(no), { headers });
		await refused(client(), { ...order(no), amount: { total: 101, currency: 'CNY' } }, 403, 'OUT_TRADE_NO_USED');
	});

	test('Alibaba Cloud: its own client sends, and asks what became of it', async () => {
		const config = { accessKeyId: 'LTAIsandbox', accessKeySecret: file('aliyun_access_key_secret').trim(), endpoint: base.slice(7), protocol: 'HTTP' };
		const client = new dysms.default(config);
		const phone = '13700000001';
		const sent = await client.sendSms(new dysms.SendSmsRequest({ phoneNumbers: phone, signName: '星力城', templateCode: 'SMS_100002',
			templateParam: JSON.stringify({ shop: 'A-1', purse: '电费', balance: '9.80' }), outId: 'n-1' }));
		assert.equal(sent.body.code, 'OK', JSON.stringify(sent.body));
		const date = new Date(Date.now() + 8 * 3600_000).toISOString().slice(0, 10).replaceAll('-', '');
		const asked = await client.querySendDetails(new dysms.QuerySendDetailsRequest({ phoneNumber: phone, bizId: sent.body.bizId, sendDate: date, pageSize: 10, currentPage: 1 }));
		assert.equal(asked.body.code, 'OK');
		const [detail] = asked.body.smsSendDetailDTOs.smsSendDetailDTO;
		assert.equal(detail.outId, 'n-1');
		assert.equal(detail.content, '【星力城】A-1：电费余额还有 9.80 元，请留意充值。');
		const stranger = new dysms.default({ ...config, accessKeySecret: 'x' });
		await assert.rejects(stranger.sendSms(new dysms.SendSmsRequest({ phoneNumbers: phone, signName: '星力城', templateCode: 'SMS_100002', templateParam: '{}' })), /SignatureDoesNotMatch/);
		// What our own client reads is the same.
		await until('the message has arrived', async () => (await call(await settings(base, 'ours.conf'), 'fate:aliyun_sms', phone, sent.body.bizId)).result.fate === 2, 10_000, 200);
	});

	test('Tencent Cloud: its own SDK sends, and pulls what became of it', async () => {
		const { Client } = tencent.sms.v20210111;
		const client = (secretKey) => new Client({ credential: { secretId: 'AKIDsandbox', secretKey }, region: 'ap-guangzhou',
			profile: { httpProfile: { endpoint: base.slice(7), protocol: 'http://' } } });
		const phone = '13700000002';
		const request = { PhoneNumberSet: [`+86${phone}`, '+8612'], SmsSdkAppId: '1400000109', SignName: '星力城', TemplateId: '110002', TemplateParamSet: ['A-1', '电费', '9.80'], SessionContext: 'n-1' };
		const sent = await client(file('tencent_secret_key').trim()).SendSms(request);
		assert.deepEqual(sent.SendStatusSet.map((s) => s.Code), ['Ok', 'InvalidParameterValue.IncorrectPhoneNumber']);
		await assert.rejects(client('x').SendSms(request), /AuthFailure.SignatureFailure|signature/i);
		await assert.rejects(client(file('tencent_secret_key').trim()).SendSms({ ...request, TemplateParamSet: ['A-1'] }), /TemplateParamSetNotMatch|parameters/i);
		const pulled = await until('it is reported on', async () => {
			const answer = await client(file('tencent_secret_key').trim()).PullSmsSendStatusByPhoneNumber({ BeginTime: Math.floor(Date.now() / 1000) - 60, Offset: 0, Limit: 10, PhoneNumber: `+86${phone}`, SmsSdkAppId: '1400000109' });
			return answer.PullSmsSendStatusSet[0];
		}, 10_000, 200);
		assert.equal(pulled.ReportStatus, 'SUCCESS');
		assert.equal(pulled.SerialNo, sent.SendStatusSet[0].SerialNo);
		assert.equal((await call(await settings(base, 'ours.conf'), 'fate:tencent_sms', phone, pulled.SerialNo)).result.fate, 2);
	});
});
