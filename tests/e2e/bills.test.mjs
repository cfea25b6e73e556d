// The services' bills over the whole stack: the sandbox makes them, doctored on command; the worker
// fetches and compares them; finance resolves; in the end clearing holds what the bills say.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { describe, test } from 'node:test';
import { faults } from '../support/books.mjs';
import { run } from '../support/process.mjs';
import { credited, expect, FEN, nano, newOrder, pay, tenantPhone, until, useStack } from './lib.mjs';

const world = useStack({
	fresh: false,
	conf: { reconciliation: { running_day: 1, wechat_fee_per_10000: 60, alipay_fee_per_10000: 60 } },
	ready: async () => {
		await sim('/sim/bills/today', { on: true });
	},
});

async function sim(path, body) {
	const answer = await fetch(world.stack.simBase + path, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });
	assert.ok(answer.ok, `${path}: ${answer.status} ${await answer.text()}`);
}

const beijing = () => new Date(Date.now() + 8 * 3_600_000);
const today = () => beijing().toISOString().slice(0, 10);
/** What is paid so close to midnight may be on either bill: then there is nothing to be said. */
const nearMidnight = () => {
	const minute = beijing().getUTCHours() * 60 + beijing().getUTCMinutes();
	return minute < 11 || minute > 1440 - 20;
};

const HOW = {
	missing_here: 'credit', second: 'credit', missing_there: 'reverse', amount: 'suspense', twice: 'suspense', fee: 'accept',
	refund_missing_here: 'charge', refund_missing_there: 'suspense', refund_amount: 'suspense',
};

describe('bills', { skip: nearMidnight() && 'close to midnight in Beijing' }, () => {
	for (const [service, channel, first] of [['wechat', 'wechat_native', 61], ['alipay', 'alipay_wap', 81]]) {
		test(`${service}: every doctored row is found, nothing else, and all is resolved`, async () => {
			const finance = await world.api.login('finance');
			const second = await world.second('finance');
			const doctor = (order, change, more = {}) => sim('/sim/bills', { service, out_trade_no: order.out_trade_no, change, ...more });
			const bill = async () => (await finance.get(`/reconciliations?service=${service}&from=${today()}&to=${today()}`)).items[0];
			const fetched = async () => {
				const { fetched_at: last } = (await bill()) ?? {};
				await finance.post('/reconciliations', { service, day: today() }, 202);
				return until('the bill is there', async () => {
					const now = await bill();
					return now.fetched_at && now.fetched_at !== last && !now.next_try_at && now;
				}, 60_000, 200);
			};

			// ten payers, of whom one gets something back
			const orders = [];
			for (let i = 0; i < 8; i++) {
				const tenant = await world.api.login(tenantPhone(first + i));
				const order = await newOrder(tenant, 2_000 + i, channel);
				if (i < 7) {
					await pay(world.stack, world.wire, order);
					await credited(tenant, order);
				}
				orders.push(order);
			}
			const [good, amount, fee, gone, twice, refunded, secondly, open] = orders;
			const { id: refund } = expect(await finance.call('POST', `/orders/${refunded.id}/refund`, { key: randomUUID(), body: { amount_fen: 500, reason: '退款' } }), 201).body;
			const { out_refund_no: refundNo } = await until('the refund is done', async () => {
				const f = await finance.get(`/refunds/${refund}`);
				return f.state === 'done' && f;
			}, 60_000, 200);

			await doctor(amount, 'amount', { amount_fen: 1_999 });
			await doctor(fee, 'fee', { amount_fen: 77 });
			await doctor(gone, 'remove');
			await doctor(twice, 'twice');
			await doctor(refunded, 'remove', { out_refund_no: refundNo });
			await doctor(good, 'add', { out_refund_no: 'CONSOLE20261130', amount_fen: 30 });
			await doctor(secondly, 'add', { amount_fen: 2_006 });
			await doctor(open, 'add', { amount_fen: 2_007 });
			await doctor({ out_trade_no: `NOBODY${service}` }, 'add', { amount_fen: 1_234 });

			const { id } = await fetched();
			const { differences, ...head } = await finance.get(`/reconciliations/${id}`);
			const no = new Map(orders.map((o, i) => [o.out_trade_no, i]));
			assert.deepEqual(differences.map((d) => [d.kind, no.get(d.out_trade_no) ?? '-']).sort(), [
				['amount', 1], ['fee', 2], ['missing_here', 7], ['missing_here', '-'], ['missing_there', 3], ['refund_missing_here', 0],
				['refund_missing_there', 5], ['second', 6], ['twice', 4],
			].sort());
			assert.equal(head.state, 'differs');
			assert.equal(head.matched + differences.filter((d) => d.bill_fen > 0).length, head.rows_total);

			// fetched again: nothing is another
			const again = await fetched();
			assert.deepEqual([again.revision, again.unresolved], [1, differences.length]);

			for (const d of differences) {
				const action = d.kind === 'missing_here' && !d.order_id ? 'suspense' : HOW[d.kind];
				const answer = await finance.call('POST', `/reconciliations/differences/${d.id}/resolve`, { key: randomUUID(), body: { action, reason: '已核对' } });
				assert.ok([200, 202].includes(answer.status), `${d.kind}: ${answer.status} ${answer.text}`);
				if (answer.status === 202) expect(await second.call('POST', `/approvals/${answer.body.approval.id}/approve`, { key: randomUUID(), body: { note: '同意' } }), 200);
			}
			const done = await until('the fee is booked', async () => {
				const now = await bill();
				return now.state === 'resolved' && now.fee === now.fee_booked && now;
			}, 60_000, 200);
			const { owed } = (await finance.get('/reconciliations/services')).items.find((s) => s.service === service);
			assert.equal(nano(owed), BigInt(done.paid_fen - done.refunded_fen) * FEN - nano(done.fee));

			// the service changes its mind: kept beside the first, and alarmed
			await doctor(good, 'amount', { amount_fen: 1 });
			const changed = await fetched();
			assert.deepEqual([changed.revision, changed.state, changed.unresolved], [2, 'differs', 1]);
			assert.ok((await finance.get('/alarms?open=1')).items.some((a) => a.kind === 'bill_changed' && a.object.code.startsWith(service)));
		});
	}

	test('the books tie', async () => {
		const { stack } = world;
		assert.deepEqual(await faults(stack), []);
		const env = { ...process.env, YUFU_DATABASE_USER: 'yufu_migrate', YUFU_DATABASE_PASSWORD_FILE: stack.path('keys', 'yufu_migrate') };
		const out = await run(`${stack.bin}/yufu`, ['verify', '--config', stack.confFile], { env });
		assert.deepEqual(JSON.parse(out), [], out);
	});
});
