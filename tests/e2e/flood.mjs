// A flood of payment notifies: half of the genuine ones come twice, a tenth of all is forged, fifty are
// on their way at a time. Whoever is told to come again does so, as the services do.
import { generateKeyPairSync } from 'node:crypto';
import http from 'node:http';
import { alipayNotify, alipayPaid, wechatNotify, wechatPaid } from './payer.mjs';

const AMOUNT_FEN = 1_000;

/** So many open orders of both services, spread over all purses, that nobody asks the services about. */
async function openOrders(stack, n) {
	const tag = `YFflood${Date.now()}`;
	const later = Date.now() + 3_600_000;
	await stack.sql(`SET @i = 0; INSERT INTO pay_order (out_trade_no, account_id, amount_fen, channel, service, state, pay, created_at, expires_at, query_at)
		SELECT CONCAT('${tag}n', s.seq), p.id, ${AMOUNT_FEN}, IF(s.seq % 2, 'wechat_native', 'alipay_wap'), IF(s.seq % 2, 'wechat', 'alipay'), 'pending',
			'{"code_url": "x"}', ${Date.now()}, ${later}, ${later}
		FROM seq_1_to_${n} s JOIN (SELECT id, ROW_NUMBER() OVER (ORDER BY id) - 1 AS i FROM account WHERE kind = 'purse' AND purpose = 'electricity') p
			ON p.i = s.seq % (SELECT COUNT(*) FROM account WHERE kind = 'purse' AND purpose = 'electricity')`);
	return Array.from({ length: n }, (_, i) => ({ out_trade_no: `${tag}n${i + 1}`, amount_fen: AMOUNT_FEN, service: (i + 1) % 2 ? 'wechat' : 'alipay', tag }));
}

function message(stack, order, how) {
	return order.service === 'wechat'
		? { service: 'wechat', ...wechatNotify(stack, order.paid ??= wechatPaid(order), how) }
		: { service: 'alipay', ...alipayNotify(stack, order.paid ??= alipayPaid(order), how) };
}

function shuffle(list) {
	for (let i = list.length - 1; i > 0; i--) {
		const k = Math.floor(Math.random() * (i + 1));
		[list[i], list[k]] = [list[k], list[i]];
	}
	return list;
}

function post(agent, stack, { service, body, headers }) {
	return new Promise((resolve, reject) => {
		const url = new URL(`${stack.base}/api/v1/notify/${service}`);
		const request = http.request(url, { method: 'POST', agent, headers: { ...headers, 'content-length': Buffer.byteLength(body) } }, (answer) => {
			let text = '';
			answer.setEncoding('utf8').on('data', (part) => (text += part)).on('end', () => resolve({ status: answer.statusCode, text }));
		});
		request.on('error', reject);
		request.end(body);
	});
}

/** {seconds, rate, statuses, credited, lost, double, forgedTaken, slowest}: of total notifies. */
export async function flood(stack, total, atOnce = 50) {
	const forgedN = Math.round(total / 10);
	const orders = await openOrders(stack, Math.round((total - forgedN) / 2));
	const stranger = generateKeyPairSync('rsa', {
		modulusLength: 2048,
		privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
		publicKeyEncoding: { type: 'spki', format: 'pem' },
	}).privateKey;
	const genuine = orders.flatMap((order) => [message(stack, order), message(stack, order)]);
	const forged = orders.slice(0, forgedN).map((order) => ({ ...message(stack, order, { keyPem: stranger }), forged: true }));
	const queue = shuffle([...genuine, ...forged]);
	const agent = new http.Agent({ keepAlive: true, maxSockets: atOnce });
	const statuses = {};
	const times = [];
	let next = 0;
	let forgedTaken = 0;
	const began = Date.now();
	await Promise.all(Array.from({ length: atOnce }, async () => {
		while (next < queue.length) {
			const one = queue[next++];
			for (let again = true; again;) {
				const at = performance.now();
				const answer = await post(agent, stack, one);
				times.push(performance.now() - at);
				statuses[answer.status] = (statuses[answer.status] ?? 0) + 1;
				const taken = one.service === 'wechat' ? [200, 204].includes(answer.status) : answer.text === 'success';
				if (one.forged && taken) forgedTaken++;
				again = !one.forged && !taken && (answer.status === 429 || answer.status >= 500);
				if (again) await new Promise((resolve) => setTimeout(resolve, 50));
			}
		}
	}));
	const seconds = (Date.now() - began) / 1000;
	agent.destroy();
	const like = `'${orders[0].tag}n%'`;
	times.sort((a, b) => a - b);
	return {
		seconds,
		rate: queue.length / seconds,
		statuses,
		forgedTaken,
		p95: times[Math.floor(times.length * 0.95)],
		slowest: times.at(-1),
		orders: orders.length,
		credited: await stack.number(`SELECT COUNT(*) FROM pay_order WHERE out_trade_no LIKE ${like} AND state = 'paid'`),
		entries: await stack.number(`SELECT COUNT(*) FROM entry WHERE kind = 'recharge' AND memo LIKE ${like}`),
		kept: await stack.number(`SELECT COUNT(*) FROM pay_notify WHERE out_trade_no LIKE ${like}`),
	};
}
