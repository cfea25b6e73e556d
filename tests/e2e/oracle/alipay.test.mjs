// Alipay's own SDK as the judge of both sides: it checks and repeats what our client signs, in either
// mode, and it is the client of our stand-in, whose signatures it checks.
import assert from 'node:assert/strict';
import { createSign, randomBytes } from 'node:crypto';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { AlipaySdk } from 'alipay-sdk';
import { serve, Stage } from './stage.mjs';

const APP = '2021000000000109';
const stage = new Stage();

before(() => stage.open());
after(() => stage.close());

/** Certificate mode instead of public-key mode. */
const byCert = (text) => text.replace(/^alipay_public_key_file=.*\n/m, '').replace(/^#(\w*cert_file=)/gm, '$1');

/** The platform's part, played by the SDK. */
function merchant(certificates, more = {}) {
	const keys = certificates
		? {
			appCertPath: path.join(stage.dir, 'alipay_app_cert.pem'),
			alipayPublicCertPath: path.join(stage.dir, 'alipay_cert.pem'),
			alipayRootCertPath: path.join(stage.dir, 'alipay_root_cert.pem'),
		}
		: { alipayPublicKey: stage.file('alipay_public.pem') };
	return new AlipaySdk({ appId: APP, keyType: 'PKCS8', privateKey: stage.file('alipay_app_private.pem'), ...keys, ...more });
}

/** Alipay's part: it knows the public key of the application. */
const judge = () => new AlipaySdk({ appId: APP, keyType: 'PKCS8', privateKey: stage.file('alipay_private.pem'), alipayPublicKey: stage.file('alipay_app_public.pem') });

function check(sdk, parameters) {
	const { sign, ...rest } = Object.fromEntries(parameters);
	const content = Object.keys(rest).sort().map((k) => `${k}=${rest[k]}`).join('&');
	assert.ok(sdk.rsaCheck(content, sign, 'RSA2'), content);
	return { ...rest, sign };
}

/** What the SDK would send in our place: the same parameters, so the same signature. */
function repeated(ours, certificates) {
	const sdk = merchant(certificates);
	const parameters = { format: ours.format, timestamp: ours.timestamp, bizContent: JSON.parse(ours.biz_content) };
	if (ours.notify_url) parameters.notifyUrl = ours.notify_url;
	if (ours.return_url) parameters.returnUrl = ours.return_url;
	const text = sdk.sdkExecute(ours.method, parameters, { bizContentAutoSnakeCase: false });
	return Object.fromEntries(new URLSearchParams(text));
}

function answer(method, object, more = {}) {
	const text = JSON.stringify({ code: '10000', msg: 'Success', ...object }).replaceAll('/', '\\/');
	const sign = createSign('RSA-SHA256').update(text).sign(stage.file('alipay_private.pem'), 'base64');
	const rest = JSON.stringify({ ...more, sign }).slice(1);
	return { headers: { 'Content-Type': 'text/html;charset=utf-8' }, body: `{"${method.replaceAll('.', '_')}_response":${text},${rest}` };
}

for (const certificates of [false, true]) {
	const mode = certificates ? 'certificate mode' : 'public-key mode';
	const change = certificates ? byCert : (text) => text;

	describe(`our requests, ${mode}`, () => {
		test('the addresses for a browser are those of the SDK', async () => {
			const conf = await stage.settings('http://127.0.0.1:9', 'browser.conf', change);
			for (const [channel, code] of [['alipay_wap', 'QUICK_WAP_WAY'], ['alipay_page', 'FAST_INSTANT_TRADE_PAY']]) {
				const opened = await stage.call(conf, 'open', channel, 'YFORACLE003', '29', 'https://pay.example/order/1?x=1&y=中文');
				const ours = check(judge(), new URL(opened.result.pay_url).searchParams);
				const biz = JSON.parse(ours.biz_content);
				assert.equal(biz.total_amount, '0.29');
				assert.equal(biz.product_code, code);
				assert.equal('app_cert_sn' in ours, certificates);
				assert.deepEqual({ ...repeated(ours, certificates) }, { ...ours });
				const page = merchant(certificates, { gateway: 'http://127.0.0.1:9/sandbox/alipay/gateway.do' }).pageExecute(ours.method, 'GET', {
					timestamp: ours.timestamp, bizContent: biz, notifyUrl: ours.notify_url, returnUrl: ours.return_url,
				});
				const theirs = new URL(page);
				assert.equal(theirs.origin + theirs.pathname, 'http://127.0.0.1:9/sandbox/alipay/gateway.do');
				assert.equal(theirs.searchParams.get('app_cert_sn'), ours.app_cert_sn ?? null);
				check(judge(), theirs.searchParams);
			}
		});

		test('a call is signed as the SDK demands, and what the SDK\'s side signs is believed', async (t) => {
			const seen = [];
			const service = await serve((req) => {
				const query = [...new URL(req.url, 'http://x').searchParams];
				assert.ok(query.some(([name, value]) => name === 'charset' && value === 'utf-8'));
				const asked = check(judge(), [...query, ...new URLSearchParams(req.body)]);
				seen.push(asked);
				const biz = JSON.parse(asked.biz_content);
				const more = certificates ? { alipay_cert_sn: merchant(true).config.alipayCertSn } : {};
				if (asked.method === 'alipay.trade.precreate')
					return answer(asked.method, { out_trade_no: biz.out_trade_no, qr_code: 'https://qr.alipay.com/bax0' }, more);
				return answer(asked.method, { ...biz, total_amount: '50.00', trade_no: '20261122', trade_status: 'TRADE_SUCCESS' }, more);
			});
			t.after(() => service.close());
			const conf = await stage.settings(service.base, 'call.conf', change);
			assert.deepEqual(await stage.call(conf, 'query', 'alipay_wap', 'YFORACLE003'), { outcome: 'ok', code: '', result: { state: 'paid', amount_fen: 5000 } });
			assert.deepEqual(await stage.call(conf, 'open', 'alipay_qr', 'YFORACLE004', '29', 'https://pay.example/'),
				{ outcome: 'ok', code: '', result: { code_url: 'https://qr.alipay.com/bax0' } });
			for (const ours of seen) assert.deepEqual({ ...repeated(ours, certificates) }, { ...ours });
		});
	});

	describe(`our stand-in, ${mode}`, () => {
		let sandbox;
		let sdk;
		const exec = (method, bizContent, more = {}) => sdk.exec(method, { bizContent, ...more }, { validateSign: true });

		before(async () => {
			sandbox = await stage.sandbox(certificates ? 'certs' : 'keys', change);
			sdk = merchant(certificates, { gateway: `${sandbox.base}/sandbox/alipay/gateway.do` });
		});
		after(() => sandbox.end());

		test('the SDK opens, pays, refunds and asks, and believes each signature', async () => {
			const no = `YF${randomBytes(6).toString('hex')}`;
			const missing = await exec('alipay.trade.query', { out_trade_no: no });
			assert.equal(missing.subCode, 'ACQ.TRADE_NOT_EXIST');
			const opened = await exec('alipay.trade.precreate', { out_trade_no: no, total_amount: '12.30', subject: '电费 充值' });
			assert.equal(opened.code, '10000', opened.subMsg);
			const token = new URL(opened.qrCode).searchParams.get('token');
			await fetch(`${sandbox.base}/sandbox/pay?token=${token}`);
			assert.equal((await exec('alipay.trade.query', { out_trade_no: no })).tradeStatus, 'WAIT_BUYER_PAY');
			await fetch(`${sandbox.base}/sandbox/pay`, { method: 'POST', body: new URLSearchParams({ token, action: 'pay' }) });
			const paid = await exec('alipay.trade.query', { out_trade_no: no });
			assert.equal(paid.tradeStatus, 'TRADE_SUCCESS');
			const back = { trade_no: paid.tradeNo, refund_amount: '2.30', out_request_no: `${no}R` };
			assert.equal((await exec('alipay.trade.refund', back)).fundChange, 'Y');
			assert.equal((await exec('alipay.trade.refund', back)).fundChange, 'N');
			const other = await exec('alipay.trade.refund', { ...back, refund_amount: '2.31' });
			assert.equal(other.subCode, 'ACQ.DISCORDANT_REPEAT_REQUEST');
			const record = await exec('alipay.trade.fastpay.refund.query', { out_trade_no: no, out_request_no: `${no}R` });
			assert.equal(record.refundStatus, 'REFUND_SUCCESS');
		});

		test('its gateway takes the page of the SDK, and nothing that was changed on the way', async () => {
			const no = `YF${randomBytes(6).toString('hex')}`;
			const biz = { out_trade_no: no, total_amount: '0.01', subject: '电费', product_code: 'FAST_INSTANT_TRADE_PAY' };
			const url = sdk.pageExecute('alipay.trade.page.pay', 'GET', { bizContent: biz });
			const get = async (address) => (await fetch(address, { redirect: 'manual' })).status;
			assert.equal(await get(url), 303);
			assert.equal(await get(url.replace('0.01', '0.02')), 400);
			assert.equal(await get(url.replace('charset=utf-8', 'charset=GBK')), 400);
		});

		test('it turns down amounts, numbers, times and parameters that the service would not take', async () => {
			const good = { out_trade_no: 'YFSTRICT001', total_amount: '1.00', subject: '电费' };
			const bad = [{ total_amount: '1' }, { total_amount: '1.0' }, { total_amount: '01.00' }, { total_amount: '0.00' }, { total_amount: '100000000.01' },
				{ out_trade_no: 'has-a-dash' }, { out_trade_no: 'x'.repeat(65) }, { subject: 'a/b' }, { subject: 'a=b' }, { subject: 'a&b' }, { subject: '' },
				{ time_expire: '2020-01-01 00:00:00' }, { time_expire: '2099-01-01 00:00:00' }, { time_expire: 'tomorrow' }, { timeout_express: '16d' },
				{ seller_id: '2088000000000999' }, { product_code: 'QUICK_WAP_WAY' }, { surprise: 1 }];
			for (const changes of bad) {
				const refused = await exec('alipay.trade.precreate', { ...good, ...changes });
				assert.equal(refused.subCode, 'ACQ.INVALID_PARAMETER', JSON.stringify(changes));
			}
			assert.equal((await exec('alipay.trade.precreate', good)).code, '10000');
		});
	});
}
