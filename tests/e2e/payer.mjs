// The payment services' side of a notify, made by libraries that are not ours. What is signed here is
// as genuine as what the sandbox signs: it has the same keys, which every stack makes afresh.
import { createSign } from 'node:crypto';
import { readFileSync } from 'node:fs';
import wechat from 'wechatpay-axios-plugin';

const { Aes, Formatter, Rsa } = wechat;
const WECHAT_SERIAL = 'PUB_KEY_ID_0119000001092026112200000000000001';

function key(stack, name) {
	return readFileSync(stack.path('keys', name), 'utf8');
}

/** The plain transaction of a paid order, as WeChat Pay would describe it. */
export function wechatPaid(order, changes = {}) {
	return {
		mchid: '1900000109',
		appid: 'wx8888888888888888',
		out_trade_no: order.out_trade_no,
		transaction_id: `42000${Date.now()}${Math.floor(Math.random() * 1e9)}`,
		trade_type: 'NATIVE',
		trade_state: 'SUCCESS',
		trade_state_desc: '支付成功',
		bank_type: 'OTHERS',
		success_time: Formatter ? new Date(Date.now() + 8 * 3_600_000).toISOString().replace(/\.\d+Z/, '+08:00') : '',
		payer: { openid: 'oUpF8uMuAJO_M2pxb1Q9zNjWeS6o' },
		amount: { total: order.amount_fen, payer_total: order.amount_fen, currency: 'CNY', payer_currency: 'CNY' },
		...changes,
	};
}

/** Body and headers of a signed notify. how: {keyPem, serial, ageSeconds, tamper, apiKey} spoil it. */
export function wechatNotify(stack, transaction, how = {}) {
	const nonce = Formatter.nonce(12);
	const apiKey = how.apiKey ?? key(stack, 'wechat_api_v3_key').trim();
	const plain = typeof transaction === 'string' ? transaction : JSON.stringify(transaction);
	let body = JSON.stringify({
		id: `EV-${Date.now()}${Math.floor(Math.random() * 1e6)}`,
		create_time: new Date(Date.now() + 8 * 3_600_000).toISOString().replace(/\.\d+Z/, '+08:00'),
		resource_type: 'encrypt-resource',
		event_type: 'TRANSACTION.SUCCESS',
		summary: '支付成功',
		resource: {
			original_type: 'transaction',
			algorithm: 'AEAD_AES_256_GCM',
			ciphertext: Aes.AesGcm.encrypt(plain, apiKey, nonce, 'transaction'),
			associated_data: 'transaction',
			nonce,
		},
	});
	const timestamp = String(Math.floor(Date.now() / 1000) - (how.ageSeconds ?? 0));
	const requestNonce = Formatter.nonce();
	const signature = how.signature ?? Rsa.sign(Formatter.response(timestamp, requestNonce, body),
		how.keyPem ?? key(stack, 'wechat_platform_private.pem'));
	if (how.tamper) body = how.tamper(body);
	return {
		body,
		headers: {
			'content-type': 'application/json',
			'wechatpay-serial': how.serial ?? WECHAT_SERIAL,
			'wechatpay-timestamp': timestamp,
			'wechatpay-nonce': requestNonce,
			'wechatpay-signature': signature,
			'wechatpay-signature-type': 'WECHATPAY2-SHA256-RSA2048',
		},
	};
}

function yuan(fen) {
	return `${Math.floor(fen / 100)}.${String(fen % 100).padStart(2, '0')}`;
}

function beijing(ms = Date.now()) {
	return new Date(ms + 8 * 3_600_000).toISOString().slice(0, 19).replace('T', ' ');
}

export function alipayPaid(order, changes = {}) {
	const total = yuan(order.amount_fen);
	return {
		notify_time: beijing(),
		notify_type: 'trade_status_sync',
		notify_id: `${Date.now()}${Math.floor(Math.random() * 1e12)}`,
		charset: 'utf-8',
		version: '1.0',
		sign_type: 'RSA2',
		app_id: '2021000000000109',
		auth_app_id: '2021000000000109',
		seller_id: '2088000000000109',
		buyer_id: '2088000000000099',
		trade_no: `${Date.now()}${Math.floor(Math.random() * 1e9)}`,
		out_trade_no: order.out_trade_no,
		trade_status: 'TRADE_SUCCESS',
		total_amount: total,
		receipt_amount: total,
		buyer_pay_amount: total,
		invoice_amount: total,
		point_amount: '0.00',
		subject: '电费充值',
		gmt_create: beijing(),
		gmt_payment: beijing(),
		fund_bill_list: JSON.stringify([{ amount: total, fundChannel: 'ALIPAYACCOUNT' }]),
		...changes,
	};
}

/** Body and headers of a signed Alipay notify. how: {keyPem, tamper} spoil it. */
export function alipayNotify(stack, parameters, how = {}) {
	const content = Object.keys(parameters).filter((k) => k !== 'sign' && k !== 'sign_type').sort()
		.map((k) => `${k}=${parameters[k]}`).join('&');
	const signer = createSign(how.algorithm ?? 'RSA-SHA256');
	signer.update(content, 'utf8');
	const sign = signer.sign(how.keyPem ?? key(stack, 'alipay_private.pem'), 'base64');
	let body = new URLSearchParams({ ...parameters, sign }).toString();
	if (how.tamper) body = how.tamper(body);
	return { body, headers: { 'content-type': 'application/x-www-form-urlencoded; charset=utf-8' } };
}

/** Sends a notify through nginx, as the service would. */
export async function notify(stack, service, { body, headers }) {
	const answer = await fetch(`${stack.base}/api/v1/notify/${service}`, { method: 'POST', body, headers, redirect: 'manual' });
	return { status: answer.status, text: await answer.text() };
}
