// Bills beside the books, as finance works through them: what the worker finds in a bill that is
// there (put in by hand, of a day on which nobody paid), and what each resolution does.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { before, describe, test } from 'node:test';
import { credited, expect, FEN, nano, newOrder, pay, tenantPhone, until } from '../lib.mjs';

const DAY = '2020-01-05';
const SHOP = 47;

export default function (world) {
	describe('reconciliation', () => {
		let finance, tenant, paid, open, bill;
		const find = async () => (await finance.get(`/reconciliations?service=wechat&from=${DAY}&to=${DAY}`)).items[0];
		const detail = () => finance.get(`/reconciliations/${bill}`);
		const difference = async (kind, no) => (await detail()).differences.find((d) => d.kind === kind && (!no || d.out_trade_no === no));
		const resolve = (session, id, action, key = randomUUID()) => session.call('POST', `/reconciliations/differences/${id}/resolve`,
			{ key, body: { action, reason: '已核对' } });

		before(async () => {
			[finance, tenant] = [await world.api.login('finance'), await world.api.login(tenantPhone(SHOP))];
			[paid, open] = [await newOrder(tenant, 2_000), await newOrder(tenant, 3_000)];
			await pay(world.stack, world.wire, paid);
			await credited(tenant, paid);
			const [{ transaction_id: known }] = await world.stack.sql(`SELECT transaction_id FROM pay_order WHERE id = ${paid.id}`);
			const row = (line, no, transaction, fen) => `(@b, 1, ${line}, 0, '${no}', '${transaction}', '', '', 'SUCCESS', ${fen}, ${fen * 60_000}, 1578200000000)`;
			await world.stack.sql(`INSERT INTO reconciliation (service, day, state, revision, rows_n, paid_fen, fee_nano, fetched_at, created_at, created_by)
				VALUES ('wechat', '${DAY}', 'waiting', 1, 3, ${2_001 + 3_000 + 700}, ${5_701 * 60_000}, 1, 1, 'test');
				SET @b = LAST_INSERT_ID();
				INSERT INTO bill_row (reconciliation_id, revision, line, refund, out_trade_no, transaction_id, out_refund_no, service_refund_id, state, amount_fen,
				 fee_nano, at) VALUES ${row(1, paid.out_trade_no, known, 2_001)}, ${row(2, open.out_trade_no, 'E2E-OPEN', 3_000)}, ${row(3, 'NOBODYS', 'E2E-NOBODY', 700)};
				UPDATE reconciliation SET state = 'fetched' WHERE id = @b`);
			bill = (await find()).id;
			await until('the worker has compared it', async () => (await find()).unresolved === 3, 30_000, 200);
		});

		test('each row of a bill is matched or a difference, with what may be done', async () => {
			const { differences, rows, ...head } = await detail();
			assert.equal(head.state, 'differs');
			assert.equal(rows.length, 3);
			assert.deepEqual(differences.map((d) => [d.kind, d.bill_fen, d.book_fen, d.state]).sort(),
				[['amount', 2_001, 2_000, 'open'], ['missing_here', 3_000, 0, 'open'], ['missing_here', 700, 0, 'open']].sort());
			assert.deepEqual(differences.find((d) => d.kind === 'amount').actions, ['suspense']);
			assert.ok((await finance.get('/alarms?open=1')).items.some((a) => a.kind === 'bill_differs'));
		});

		test('only who may resolves, and only as it fits', async () => {
			const { id } = await difference('amount');
			for (const name of ['cashier', 'operator', 'engineer', 'viewer']) {
				const session = await world.api.login(name);
				expect(await resolve(session, id, 'suspense'), 403);
				expect(await session.call('GET', '/reconciliations'), 403);
			}
			expect(await resolve(finance, id, 'credit'), 409, 'conflict');
			expect(await resolve(finance, id, 'gift'), 422);
			assert.equal((await difference('amount')).state, 'open');
		});

		test('paid there and unknown here is credited to its order', async () => {
			const { id } = await difference('missing_here', open.out_trade_no);
			const done = expect(await resolve(finance, id, 'credit'), 200).body;
			assert.equal(done.state, 'resolved');
			assert.equal((await tenant.order(open.id)).state, 'paid');
			const entry = await finance.get(`/entries/${done.resolution_entry_id}`);
			assert.equal(entry.kind, 'recharge');
		});

		test('one click, one entry: the same request again is answered as it was', async () => {
			for (const kind of ['amount', 'missing_here']) {
				const { id } = (await detail()).differences.find((d) => d.kind === kind && d.state === 'open');
				const key = randomUUID();
				const first = expect(await resolve(finance, id, 'suspense', key), 200);
				assert.equal((await resolve(finance, id, 'suspense', key)).text, first.text);
				const entry = await finance.get(`/entries/${first.body.resolution_entry_id}`);
				assert.deepEqual([entry.kind, entry.postings.map((p) => p.code).sort()], [kind === 'amount' ? 'bill_adjust' : 'suspense', ['clearing:wechat', 'suspense']]);
			}
			const done = await until('the fee is booked', async () => {
				const now = await find();
				return now.fee_booked === now.fee && now;
			}, 30_000, 200);
			assert.equal(done.state, 'resolved');
			assert.equal(nano(done.fee), 5_701n * 60_000n);
		});

		test('what the service pays out leaves what it owes', async () => {
			const owed = async () => nano((await finance.get('/reconciliations/services')).items.find((s) => s.service === 'wechat').owed);
			const before = await owed();
			const ask = (body) => finance.call('POST', '/reconciliations/payouts', { key: randomUUID(), body: { service: 'wechat', reason: '银行流水', ...body } });
			const done = expect(await ask({ amount_fen: 100, document: 'E2E-1' }), 201).body;
			assert.equal(done.amount_fen, 100);
			assert.ok(before - (await owed()) <= 100n * FEN); // others may pay meanwhile
			assert.equal((await finance.get('/reconciliations/payouts')).items[0].document, 'E2E-1');
			expect(await ask({ amount_fen: 101, document: 'E2E-1' }), 409, 'conflict');
			expect(await ask({ amount_fen: 0, document: 'E2E-2' }), 422, 'amount_too_small');
			expect(await ask({ amount_fen: 900_000_000_000, document: 'E2E-2' }), 422, 'amount_too_large');
		});

		test('a day is asked for by hand once it is over', async () => {
			const ask = (day) => finance.call('POST', '/reconciliations', { body: { service: 'wechat', day } });
			expect(await ask('2099-01-01'), 422, 'out_of_range');
			expect(await ask('2020-01-01'), 422, 'out_of_range');
			expect(await ask('2026-02-30'), 422, 'bad_value');
			const yesterday = new Date(Date.now() + 8 * 3_600_000 - 86_400_000).toISOString().slice(0, 10);
			const [first, again] = [expect(await ask(yesterday), 202).body, expect(await ask(yesterday), 202).body];
			assert.equal(first.id, again.id);
			expect(await finance.call('POST', `/reconciliations/${bill}/fetch`, { body: {} }), 202);
		});
	});
}
