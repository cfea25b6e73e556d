// A month of random orders while both services misbehave in every way and programs are killed: every fen
// ends in exactly one place. By the sandbox's own orders, by the services' bills, and by yufu verify.
// SEED repeats a run, MONTH_ORDERS makes it longer.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { faults } from '../support/books.mjs';
import { run } from '../support/process.mjs';
import { FEN, nano, tenantPhone, until, useStack } from './lib.mjs';
import { dice, gaveBack, Month, planOrders, SERVICES } from './month.mjs';
import { alipayNotify, alipayPaid, notify, wechatNotify, wechatPaid } from './payer.mjs';

const SEED = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31));
const ORDERS = Number(process.env.MONTH_ORDERS ?? 160);
const TENANTS = 40;
const AT_ONCE = 80;
const KILLED_MS = 5_000; // so long a program that was killed may be away
const FEE_NANO = FEN * 6n / 1000n; // of each fen
const APP = 'wx8888888888888888';

const world = useStack({
	fresh: false,
	conf: { reconciliation: { running_day: 1, wechat_fee_per_10000: 60, alipay_fee_per_10000: 60 } },
});

const beijing = () => new Date(Date.now() + 8 * 3_600_000);
const today = () => beijing().toISOString().slice(0, 10);
/** What is paid so close to midnight may be on either bill: then there is nothing to be said. */
const nearMidnight = () => {
	const minute = beijing().getUTCHours() * 60 + beijing().getUTCMinutes();
	return minute < 15 || minute > 1440 - 25;
};

const HOW = {
	missing_here: 'credit', second: 'credit', missing_there: 'reverse', amount: 'suspense', twice: 'suspense', fee: 'accept',
	refund_missing_here: 'charge', refund_missing_there: 'suspense', refund_amount: 'suspense', refund_state: 'suspense',
};

/** What a service keeps of a payment: Alipay's bills know whole fen. */
function fee(service, fen) {
	const exact = BigInt(fen) * FEE_NANO;
	return service === 'wechat' ? exact : (exact + FEN / 2n) / FEN * FEN;
}

async function tenants() {
	const list = [];
	for (let n = 1; n <= TENANTS; n++) {
		const session = await until('a login', () => world.api.login(tenantPhone(n)), 30_000, 200);
		const { id } = await session.get('/me');
		await world.stack.sql(`INSERT INTO user_wechat VALUES ('${APP}', 'oMonthTest${String(n).padStart(18, '0')}', ${id}, 1)`);
		list.push({ session, purse: (await session.account()).id });
	}
	return list;
}

describe('a month of orders', { skip: nearMidnight() && 'close to midnight in Beijing' }, () => {
	const d = dice(SEED);
	const plan = planOrders(ORDERS, TENANTS, d);
	const doctored = []; // what the bills have more than the sandbox's orders
	let month;
	let orders;

	const post = (session, path, body, key = randomUUID()) => session.call('POST', path, { key, body });
	/** An act of finance, with the second person where one is wanted. */
	const act = async (path, body) => {
		const answer = await post(month.finance, path, body);
		assert.ok([200, 201, 202].includes(answer.status), `${path}: ${answer.status} ${answer.text}`);
		if (answer.status === 202) await month.approve(answer.body.approval.id);
		return answer;
	};
	const bill = async (service) => (await month.finance.get(`/reconciliations?service=${service}&from=${today()}&to=${today()}`)).items[0];
	const fetchBill = async (service) => {
		const { fetched_at: last } = (await bill(service)) ?? {};
		await month.finance.post('/reconciliations', { service, day: today() }, 202);
		const head = await until(`the bill of ${service}`, async () => {
			const now = await bill(service);
			return now.fetched_at && now.fetched_at !== last && !now.next_try_at && now;
		}, 60_000, 200);
		return month.finance.get(`/reconciliations/${head.id}`);
	};
	/** Until nothing is left to resolve: what one bill could not tell may come with the next. */
	const resolveBill = async (service, kinds) => {
		for (const x of (await fetchBill(service)).differences.filter((x) => x.state !== 'resolved')) {
			kinds.push(x.kind);
			const action = x.kind === 'missing_here' && !x.order_id ? 'suspense' : HOW[x.kind];
			await act(`/reconciliations/differences/${x.id}/resolve`, { action, reason: '已核对' });
		}
		return until(`the bill of ${service} is resolved`, async () => {
			const now = await bill(service);
			return ['ties', 'resolved'].includes(now.state) && now.fee === now.fee_booked && now;
		}, 60_000, 200);
	};
	const settleUnmatched = async () => {
		const { items } = await month.finance.get('/unmatched-payments?state=open');
		for (const [i, u] of items.entries()) {
			assert.notEqual(u.why, 'refund', `a refund that nobody asked for: ${JSON.stringify(u)}`);
			const real = orders.some((o) => o.transaction_id === u.transaction_id);
			const path = `/unmatched-payments/${u.id}`;
			if (u.why === 'unknown_order' && !u.in_suspense) await act(`${path}/close`, { reason: '不在账单上' });
			else if (real && i % 2) await act(`${path}/refund`, { reason: '重复付款' });
			else await act(`${path}/credit`, { account_id: month.tenants[i % TENANTS].purse, reason: '已核对' });
		}
		return items;
	};

	test(`${ORDERS} orders, seed ${SEED}`, async (t) => {
		t.diagnostic(`SEED=${SEED} repeats this`);
		const list = await tenants();
		month = new Month(world, list, await world.api.login('finance'), await world.second('finance'));
		await world.stack.sql("INSERT INTO setting (site_id, name, value) SELECT id, 'open_orders_most', 0 FROM site ON DUPLICATE KEY UPDATE value = 0");
		for (const [service, make, plain] of [['wechat', wechatNotify, wechatPaid], ['alipay', alipayNotify, alipayPaid]])
			await notify(world.stack, service, make(world.stack, plain({ out_trade_no: `YFnobody${service}`, amount_fen: 777 })));
		const began = Date.now();
		await month.play(plan, d, AT_ONCE);
		t.diagnostic(`played in ${Math.round((Date.now() - began) / 1000)} s, ${month.kills.length} kills, ${month.used.size} modes: ${[...month.used].map(([m, n]) => `${m} ${n}`).join(', ')}`);
		await month.behave();
		await month.settle(d);
		t.diagnostic(`all was final after ${Math.round((Date.now() - began) / 1000)} s`);
		orders = await month.sandboxOrders();
	});

	test('orders and refunds are what the sandbox says', async () => {
		const ours = new Map((await world.stack.sql('SELECT out_trade_no AS no, state, transaction_id AS tx, paid_after_close AS late FROM pay_order')).map((o) => [o.no, o]));
		// Closed while the service would still take the money, and no notify came: only the bill tells.
		const after = new Set(plan.filter((p) => ['after_close', 'at_close'].includes(p.fate)).map((p) => p.order?.out_trade_no));
		const stranger = new Set(plan.filter((p) => p.stranger).map((p) => p.order.out_trade_no));
		for (const o of orders) {
			const our = ours.get(o.out_trade_no);
			assert.ok(our, o.out_trade_no);
			if (stranger.has(o.out_trade_no)) assert.equal(our.state, 'paid', o.out_trade_no);
			else if (o.state !== 'SUCCESS') assert.equal(our.state, 'closed', `${o.out_trade_no} is ${o.state} there`);
			else if (our.state !== 'paid') assert.ok(after.has(o.out_trade_no), `${o.out_trade_no} was paid and is ${our.state}`);
			else assert.equal(our.tx, o.transaction_id);
		}
		const known = new Set(orders.map((o) => o.out_trade_no));
		for (const [no, our] of ours) assert.ok(known.has(no) || our.state === 'closed' || stranger.has(no), `${no} is ${our.state} and the sandbox does not know it`);
		const refunds = new Map((await world.stack.sql("SELECT out_refund_no AS no, state, amount_fen AS fen FROM refund WHERE service <> ''")).map((f) => [f.no, f]));
		for (const o of orders)
			for (const f of o.refunds ?? []) {
				const our = refunds.get(f.out_refund_no);
				assert.ok(our, `a refund that is not ours: ${f.out_refund_no}`);
				assert.equal(Number(our.fen), f.amount_fen);
				assert.equal(our.state, gaveBack(o.service, f) ? 'done' : 'failed', `${f.out_refund_no} ${JSON.stringify(f)}`);
				refunds.delete(f.out_refund_no);
			}
		for (const [no, our] of refunds) assert.equal(our.state, 'failed', `${no} is not at the sandbox`);
	});

	test('bills: what is doctored and what no notify told is found and resolved', async (t) => {
		await month.sim('/sim/bills/today', { on: true });
		for (const service of SERVICES) {
			const doctor = async (order, change, more = {}) => {
				await month.sim('/sim/bills', { service, out_trade_no: order.out_trade_no ?? order, change, ...more });
				doctored.push({ service, order, change, fen: more.amount_fen ?? 0, back: Boolean(more.out_refund_no) });
			};
			const plain = new Set(plan.filter((p) => p.fate === 'paid' && !p.parts.length).map((p) => p.order?.out_trade_no));
			const good = orders.filter((o) => o.service === service && o.state === 'SUCCESS' && plain.has(o.out_trade_no));
			const open = orders.find((o) => o.service === service && o.state === 'CLOSED');
			await doctor(good[0], 'amount', { amount_fen: good[0].amount_fen + 7 });
			await doctor(good[1], 'fee', { amount_fen: 99 });
			await doctor(good[2], 'remove');
			await doctor(good[3], 'twice');
			await doctor(good[4], 'add', { amount_fen: good[4].amount_fen });
			await doctor(good[5], 'add', { out_refund_no: `CONSOLE${service}`, amount_fen: 30 });
			if (open) await doctor(open, 'add', { amount_fen: open.amount_fen });
			await doctor(`NOBODY${service}`, 'add', { amount_fen: 1_234 });
			const kinds = [];
			await resolveBill(service, kinds);
			t.diagnostic(`${service}: ${kinds.sort().join(', ')}`);
			for (const kind of ['amount', 'fee', 'missing_there', 'twice', 'second', 'refund_missing_here', 'missing_here']) assert.ok(kinds.includes(kind), `${service}: no ${kind}`);
		}
	});

	test('payments that are nobody\'s get an owner or go back, and the bills are right again', async (t) => {
		const items = await settleUnmatched();
		t.diagnostic(`${items.length} payments: ${items.map((u) => u.why).sort().join(', ')}`);
		await month.settle(d);
		const kinds = [];
		for (const service of SERVICES) await resolveBill(service, kinds);
		assert.deepEqual(kinds.filter((k) => k !== 'refund_state'), [], 'a bill that was asked for again has nothing new');
		const again = (await settleUnmatched()).filter((u) => u.why !== 'unknown_order');
		assert.equal(again.length, 0, JSON.stringify(again));
		orders = await month.sandboxOrders();
	});

	test('every payment is in exactly one place', async () => {
		const rows = await world.stack.sql(`SELECT e.id, e.kind, e.once_key AS k, COALESCE(u.state, '') AS unmatched, COALESCE(o.out_trade_no, '') AS no,
			(SELECT COUNT(*) FROM entry r WHERE r.kind = 'reversal' AND r.reference = CONCAT('entry:', e.id)) AS reversed,
			(SELECT -SUM(p.amount_nano) FROM posting p JOIN account a ON a.id = p.account_id WHERE p.entry_id = e.id AND a.kind = 'clearing') AS nano
			FROM entry e LEFT JOIN pay_unmatched u ON u.suspense_entry_id = e.id LEFT JOIN pay_order o ON o.entry_id = e.id WHERE e.once_key LIKE 'recharge:%'`);
		const places = new Map(rows.map((r) => [r.k, r]));
		assert.equal(places.size, rows.length);
		for (const o of orders.filter((x) => x.state === 'SUCCESS')) {
			const at = places.get(`recharge:${o.service}:${o.transaction_id}`);
			assert.ok(at, `${o.out_trade_no} ${o.amount_fen} fen are nowhere`);
			assert.equal(BigInt(at.nano), BigInt(o.amount_fen) * FEN, o.out_trade_no);
			if (at.kind === 'suspense') assert.ok(['credited', 'refunded'].includes(at.unmatched), `${o.out_trade_no} lies in suspense`);
			else assert.deepEqual([at.kind, at.no], ['recharge', o.out_trade_no]);
			places.delete(at.k);
		}
		const invented = (await (await fetch(`${world.stack.simBase}/sim/bills`)).json()).items.filter((x) => x.change === 'add' && !x.out_refund_no);
		for (const x of invented) assert.ok(places.delete(`recharge:${x.service}:${x.transaction_id}`), `${x.transaction_id} of the bill is nowhere`);
		const strangers = new Set(plan.filter((p) => p.stranger).map((p) => `recharge:${p.service}:${p.stranger}`));
		for (const [k, at] of places) {
			assert.ok(strangers.has(k), `${k}: nobody paid that`);
			assert.equal(Number(at.reversed), 1, `${k} is on no bill and was taken back`);
		}
	});

	test('each purse has what was recharged, less what went back', async () => {
		const { stack } = world;
		const want = new Map();
		const add = (id, fen) => want.set(Number(id), (want.get(Number(id)) ?? 0n) + BigInt(fen) * FEN);
		const owner = new Map((await stack.sql('SELECT out_trade_no AS no, account_id AS id FROM pay_order')).map((o) => [o.no, o.id]));
		const given = new Map((await stack.sql("SELECT transaction_id AS tx, account_id AS id FROM pay_unmatched WHERE state = 'credited'")).map((u) => [u.tx, u.id]));
		const refundOf = new Map((await stack.sql("SELECT out_refund_no AS no, account_id AS id FROM refund WHERE service <> ''")).map((f) => [f.no, f.id]));
		const unmatched = new Set((await stack.sql('SELECT transaction_id AS tx FROM pay_unmatched WHERE suspense_entry_id IS NOT NULL')).map((u) => u.tx));
		const gone = new Set(doctored.filter((x) => x.change === 'remove').map((x) => x.order.out_trade_no));
		const credit = (no, tx, fen) => {
			if (!unmatched.has(tx)) add(owner.get(no), fen);
			else if (given.has(tx)) add(given.get(tx), fen);
		};
		for (const o of orders) {
			if (o.state === 'SUCCESS' && !gone.has(o.out_trade_no)) credit(o.out_trade_no, o.transaction_id, o.amount_fen);
			for (const f of o.refunds ?? []) if (gaveBack(o.service, f) && refundOf.get(f.out_refund_no)) add(refundOf.get(f.out_refund_no), -f.amount_fen);
		}
		for (const x of (await (await fetch(`${stack.simBase}/sim/bills`)).json()).items.filter((y) => y.change === 'add')) {
			if (x.out_refund_no) add(owner.get(x.out_trade_no), -x.amount_fen);
			else credit(x.out_trade_no, x.transaction_id, x.amount_fen);
		}
		const have = await stack.sql(`SELECT a.id, COALESCE(SUM(IF(e.kind IN ('opening', 'energy', 'water'), 0, p.amount_nano)), 0) AS nano FROM account a
			LEFT JOIN posting p ON p.account_id = a.id LEFT JOIN entry e ON e.id = p.entry_id WHERE a.kind = 'purse' GROUP BY a.id`);
		const mine = new Set(month.tenants.map((x) => x.purse));
		for (const a of have.filter((x) => mine.has(Number(x.id)))) assert.equal(BigInt(a.nano), want.get(Number(a.id)) ?? 0n, `purse ${a.id}`);
		assert.deepEqual([...want.keys()].filter((id) => !mine.has(id)), [], 'purses of nobody who plays');
	});

	test('clearing holds what the services owe, to the nano', async () => {
		for (const service of SERVICES) {
			let owed = 0n;
			for (const o of orders.filter((x) => x.service === service)) {
				if (o.state === 'SUCCESS') owed += BigInt(o.amount_fen) * FEN - fee(service, o.amount_fen);
				for (const f of o.refunds ?? []) if (gaveBack(service, f)) owed -= BigInt(f.amount_fen) * FEN - fee(service, f.amount_fen);
			}
			// The bill has a refund on the day on which it was accepted, and not that it came to nothing.
			for (const f of orders.filter((x) => x.service === 'wechat' && service === 'wechat').flatMap((o) => o.refunds ?? []))
				if (!gaveBack(service, f)) owed -= BigInt(f.amount_fen) * FEN - fee(service, f.amount_fen);
			for (const { order, change, fen, back, ...x } of doctored.filter((y) => y.service === service)) {
				const old = order.amount_fen;
				const whole = (n) => BigInt(n) * FEN - fee(service, n);
				if (change === 'amount') owed += BigInt(fen - old) * FEN;
				else if (change === 'fee') owed += fee(service, old) - BigInt(fen) * FEN;
				else if (change === 'remove') owed -= whole(old);
				else if (change === 'twice') owed += whole(old);
				else if (change === 'add') owed += back ? -whole(fen) : whole(fen);
				else assert.fail(JSON.stringify(x));
			}
			const now = (await month.finance.get('/reconciliations/services')).items.find((s) => s.service === service);
			assert.equal(nano(now.owed), owed, service);
			const head = await bill(service);
			assert.equal(nano(now.owed), BigInt(head.paid_fen - head.refunded_fen) * FEN - nano(head.fee), `${service}, by its bill`);
		}
	});

	test('the books tie', async () => {
		const { stack } = world;
		assert.deepEqual(await faults(stack), []);
		const env = { ...process.env, YUFU_DATABASE_USER: 'yufu_migrate', YUFU_DATABASE_PASSWORD_FILE: stack.path('keys', 'yufu_migrate') };
		const out = await run(`${stack.bin}/yufu`, ['verify', '--config', stack.confFile], { env });
		assert.deepEqual(JSON.parse(out), [], out);
	});

	// 503 asks WeChat to come again while the certificates of a signature that was never seen are looked up; 502 tells it
	// that what it sealed cannot be opened by our key.
	test('no notify was answered 5xx while the programs ran', () => {
		const lines = readFileSync(world.stack.path('nginx', 'access.log'), 'utf8').split('\n').filter((l) => l.includes('/api/v1/notify/'));
		assert.ok(lines.length > ORDERS / 2);
		const bad = lines.filter((l) => / status=5\d\d/.test(l) && !/notify\/wechat\S* status=503/.test(l)).filter((l) => {
			const at = Date.parse(/t=(\S+)/.exec(l)[1]);
			if (/notify\/wechat/.test(l) && month.sealed.some((x) => at >= x.from - 1_000 && at <= x.to + 3_000)) return false;
			return !month.kills.some((k) => at >= k - 1_000 && at <= k + KILLED_MS);
		});
		assert.deepEqual(bad, []);
	});
});
