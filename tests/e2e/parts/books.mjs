// The books as finance and the desk keep them: entries and their reversal, refunds, adjustments, debt,
// allowances, copies of receipts, and what was refused.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { credited, expect, FEN, nano, newOrder, pay, tenantPhone } from '../lib.mjs';

export default function (world) {
	describe('the books', () => {
		let admin, finance, shift;
		const key = () => randomUUID();
		const post = (session, path, body, k = key()) => session.call('POST', path, { key: k, body });
		const found = async (room, purpose = 'electricity') =>
			(await admin.get(`/accounts?q=${room}`)).items.find((a) => a.purpose === purpose);
		const sell = async (account, fen) => {
			const body = { lines: [{ account_id: account.id, amount_fen: fen }], method: 'cash', tendered_fen: fen };
			return expect(await post(admin, '/sales', body), 201).body;
		};
		/** Use goes on: at most so many fen less than expected, and none more. */
		const near = (have, want, what) => {
			const gone = want - nano(have);
			assert.ok(gone >= 0n && gone < 100n * FEN, `${what}: ${have}, not ${want}`);
		};

		before(async () => {
			[admin, finance] = [await world.api.login('admin'), await world.api.login('finance')];
			shift = await admin.post('/shifts', {}, 201);
		});
		after(async () => {
			const path = `/shifts/${shift.id}/close`;
			const k = key();
			const closed = expect(await post(admin, path, { counted_fen: 0 }, k), 200).body;
			assert.equal(closed.difference_fen, -closed.expected_fen);
			assert.deepEqual(expect(await post(admin, path, { counted_fen: 0 }, k), 200).body, closed);
			expect(await admin.call('POST', path, { body: { counted_fen: 0 } }), 200);
			expect(await admin.call('POST', path, { body: { counted_fen: 1 } }), 409, 'conflict');
		});

		test('a wrong sale is found, undone once, and both are shown', async () => {
			const account = await found('A-107');
			const sale = await sell(account, 10_000);
			const entry = sale.lines[0].entry_id;
			const list = await finance.get(`/entries?account_id=${account.id}&kind=sale`);
			assert.equal(list.items[0].id, entry);
			assert.equal(list.items[0].amount, '100.000000000');

			const k = key();
			const undo = (session, body, kk = key()) => post(session, `/entries/${entry}/reverse`, body, kk);
			expect(await undo(await world.api.login('viewer'), { reason: 'x' }), 403, 'forbidden');
			expect(await undo(admin, {}), 400, 'missing_field');
			expect(await undo(admin, { reason: '' }), 422, 'out_of_range');
			const mirror = expect(await undo(admin, { reason: '收错店铺' }, k), 201).body;
			assert.equal(mirror.reverses, entry);
			assert.equal(mirror.memo, '收错店铺');
			assert.equal(mirror.postings.reduce((sum, p) => sum + nano(p.amount), 0n), 0n);
			assert.equal(expect(await undo(admin, { reason: '收错店铺' }, k), 201).body.id, mirror.id);
			expect(await undo(admin, { reason: 'again' }), 409, 'already');
			expect(await post(admin, `/entries/${mirror.id}/reverse`, { reason: 'x' }), 409, 'conflict');
			expect(await post(admin, '/entries/999999999/reverse', { reason: 'x' }), 404, 'not_found');
			assert.equal((await finance.get(`/entries/${entry}`)).reversed_by, mirror.id);
			near((await found('A-107')).balance, nano(account.balance), 'as before the sale');
			const refused = (await finance.get('/attempts')).items;
			assert.ok(refused.some((a) => a.kind === 'reversal' && a.code === 'already' && a.amount_fen === 10_000));
		});

		test('entries come in pages, and bad filters are named', async () => {
			const first = await finance.get('/entries');
			assert.equal(first.items.length, 100);
			const second = await finance.get(`/entries?cursor=${first.next}`);
			assert.ok(second.items[0].id < first.items[99].id);
			expect(await finance.call('GET', '/entries?from=yesterday'), 422, 'bad_value');
			expect(await finance.call('GET', '/entries?account=1'), 400, 'unknown_field');
			expect(await finance.call('GET', '/entries/999999999'), 404, 'not_found');
			assert.deepEqual((await finance.get('/entries?from=2030-01-01&to=2030-01-02')).items, []);
		});

		test('a copy of a receipt says that it is one', async () => {
			const sale = await sell(await found('A-107'), 1_000);
			assert.equal(sale.copy, false);
			const copy = await admin.get(`/sales/${sale.id}`);
			assert.equal(copy.copy, true);
			assert.equal(copy.receipt_no, sale.receipt_no);
			assert.equal((await admin.get(`/sales/${sale.id}`)).reprints, 2);
			expect(await admin.call('GET', '/sales/999999999'), 404, 'not_found');
		});

		test('a sale key with another body is refused, and so is hoarding; both are kept', async () => {
			const account = await found('A-107');
			const k = key();
			const body = (fen) => ({ lines: [{ account_id: account.id, amount_fen: fen }], method: 'cash', tendered_fen: fen });
			expect(await post(admin, '/sales', body(100), k), 201);
			expect(await post(admin, '/sales', body(200), k), 409, 'idempotency_mismatch');
			for (const fen of [0, -1, 1_000_001, 1_000_000_000_000_000_000])
				assert.match(expect(await post(admin, '/sales', { ...body(1), lines: [{ account_id: account.id, amount_fen: fen }] }), 422).body.field, /lines\[0\]/);
			const refused = (await finance.get(`/attempts?account_id=${account.id}`)).items;
			assert.deepEqual(refused.slice(0, 4).map((a) => a.kind), ['sale', 'sale', 'sale', 'sale']);
			assert.equal(refused[0].amount_fen, 1_000_000_000_000_000_000);
		});

		test('a cashier undoes sales of the own open shift, finance has a drawer of its own', async () => {
			const cashier = await world.api.login('cashier');
			const account = await found('A-107');
			const own = await cashier.post('/shifts', {}, 201);
			const sold = async (session, fen) => expect(await post(session, '/sales', {
				lines: [{ account_id: account.id, amount_fen: fen }], method: 'cash', tendered_fen: fen }), 201).body.lines[0].entry_id;
			const undo = (entry) => post(cashier, `/entries/${entry}/reverse`, { reason: '收错店铺' });
			const [small, large, others] = [await sold(cashier, 5_000), await sold(cashier, 30_000), await sold(admin, 5_000)];
			expect(await undo(small), 201);
			const waits = expect(await undo(large), 202).body.approval.id;
			expect(await undo(others), 403, 'forbidden');
			expect(await post(finance, `/approvals/${waits}/approve`, { note: '已核对' }), 200);
			const closed = expect(await post(cashier, `/shifts/${own.id}/close`, { counted_fen: 0 }), 200).body;
			assert.equal(closed.expected_fen, 0);
			expect(await undo(small), 409, 'already');
			expect(await post(admin, `/entries/${others}/reverse`, { reason: 'x' }), 201);

			const drawer = await finance.post('/shifts', {}, 201);
			const refund = { amount_fen: 1_000, method: 'cash', reason: '退租' };
			assert.equal(expect(await post(finance, `/accounts/${account.id}/refund`, refund), 201).body.state, 'done');
			expect(await post(finance, '/sales', { lines: [{ account_id: account.id, amount_fen: 1 }], method: 'cash', tendered_fen: 1 }), 403, 'forbidden');
			assert.equal(expect(await post(finance, `/shifts/${drawer.id}/close`, { counted_fen: 0 }), 200).body.expected_fen, -1_000);
		});

		test('what was paid goes back: in cash at once, by the bank when somebody has seen to it', async () => {
			const account = await found('A-107');
			await sell(account, 20_000);
			const path = `/accounts/${account.id}/refund`;
			const body = { amount_fen: 3_000, method: 'cash', reason: '退租' };
			expect(await post(await world.api.login('cashier'), path, body), 403, 'forbidden');
			for (const fen of [0, -5, 100_000_000, 1_000_000_000_000_000_000])
				expect(await post(admin, path, { ...body, amount_fen: fen }), 422);
			expect(await post(admin, path, { ...body, method: 'gold' }), 422, 'bad_value');
			expect(await post(admin, '/accounts/999999/refund', body), 404, 'not_found');
			expect(await post(finance, path, body), 409, 'shift_closed');
			const cash = expect(await post(admin, path, body), 201).body;
			assert.equal(cash.state, 'done');

			const bank = async () => expect(await post(finance, path, { ...body, method: undefined }), 201).body; // unless said
			const [one, two] = [await bank(), await bank()];
			assert.equal(one.state, 'person');
			assert.ok((await finance.get(`/refunds?state=person&account_id=${account.id}`)).items.some((f) => f.id === one.id));
			assert.equal(expect(await post(finance, `/refunds/${one.id}/done`, { note: '已到账' }), 200).body.state, 'done');
			assert.equal(expect(await post(finance, `/refunds/${two.id}/failed`, { note: '账号错误' }), 200).body.state, 'failed');
			expect(await post(finance, `/refunds/${two.id}/done`, {}), 409, 'conflict');
			assert.equal((await finance.get(`/refunds/${two.id}`)).note, '账号错误');
			near((await found('A-107')).balance, nano(account.balance) + 14_000n * FEN, 'less two refunds');
		});

		test('an order goes back up to what it paid', async () => {
			const tenant = await world.api.login(tenantPhone(7));
			const order = await newOrder(tenant, 5_000);
			await pay(world.stack, world.wire, order);
			await credited(tenant, order);
			const path = `/orders/${order.id}/refund`;
			const refund = expect(await post(finance, path, { amount_fen: 2_000, reason: '误充' }), 201).body;
			assert.equal(refund.state, 'requested');
			assert.equal(refund.order_id, order.id);
			expect(await post(finance, path, { amount_fen: 3_001, reason: '误充' }), 422, 'amount_too_large');
			// By hand, unless the service was faster.
			assert.ok([200, 409].includes((await post(finance, `/refunds/${refund.id}/failed`, {})).status));
		});

		test('above the limit a second person decides', async () => {
			const account = await found('A-107');
			const other = await world.second('admin');
			const ask = async (path, body) => {
				const id = expect(await post(finance, path, body), 202).body.approval.id;
				expect(await finance.call('POST', `/approvals/${id}/approve`, { body: {} }), 403, 'forbidden');
				return id;
			};
			const adjustment = { kind: 'write_off', amount_fen: 90_000, document: 'BX-1', reason: '坏账' };
			const id = await ask(`/accounts/${account.id}/adjust`, adjustment);
			const approved = () => other.call('POST', `/approvals/${id}/approve`, { body: { note: '同意' } });
			expect(await approved(), 200);
			expect(await approved(), 200);
			near((await found('A-107')).balance, nano(account.balance) + 90_000n * FEN, 'adjusted once');
			const refund = await ask(`/accounts/${account.id}/refund`, { amount_fen: 90_000, method: 'bank', reason: '退款' });
			expect(await other.call('POST', `/approvals/${refund}/approve`, { body: {} }), 200);
			const entry = (await finance.get(`/entries?account_id=${account.id}&kind=write_off`)).items[0].id;
			const back = await ask(`/entries/${entry}/reverse`, { reason: '撤销' });
			// what it was is paid out: it cannot be taken back as well
			expect(await other.call('POST', `/approvals/${back}/approve`, { body: {} }), 409, 'conflict');
			expect(await other.call('POST', `/approvals/${back}/reject`, { body: {} }), 200);
		});

		test('adjustments go by a document, and subsidy is shown apart', async () => {
			const account = await found('A-107');
			const path = `/accounts/${account.id}/adjust`;
			const body = { kind: 'subsidy', amount_fen: 500, document: 'BT-2026-9', reason: '政府补贴' };
			for (const [change, status, code] of [
				[{ amount_fen: 0 }, 422, 'amount_too_small'],
				[{ amount_fen: 1_000_000_000_000_000_000 }, 422, 'amount_too_large'],
				[{ amount_fen: -1_000_000_000_000_000_000 }, 422, 'amount_too_large'],
				[{ kind: 'gift' }, 422, 'bad_value'],
				[{ kind: 'deposit_in', amount_fen: -1 }, 422, 'amount_too_small'],
				[{ kind: 'transfer' }, 400, 'missing_field'],
				[{ kind: 'transfer', to_account_id: account.id }, 422, 'bad_value'],
				[{ document: '' }, 422, 'out_of_range'],
				[{ document: undefined }, 400, 'missing_field'],
			])
				expect(await post(finance, path, { ...body, ...change }), status, code);
			expect(await post(finance, '/accounts/999999/adjust', body), 404, 'not_found');
			const k = key();
			const entry = expect(await post(finance, path, body, k), 201).body;
			assert.equal(entry.memo, 'BT-2026-9: 政府补贴');
			assert.equal(expect(await post(finance, path, body, k), 201).body.id, entry.id);
			expect(await post(finance, path, { ...body, amount_fen: 501 }, k), 409, 'idempotency_mismatch');
			assert.ok(nano((await found('A-107')).subsidy) > 400n * FEN);
			const tenant = await world.api.login(tenantPhone(7));
			const own = (await tenant.accounts()).find((a) => a.id === account.id);
			assert.ok(nano(own.subsidy) > 400n * FEN && nano(own.subsidy) <= 500n * FEN);
			const { items } = await tenant.get(`/me/statement?account_id=${account.id}`);
			for (const kind of ['subsidy', 'refund', 'reversal', 'sale', 'write_off'])
				assert.ok(items.some((m) => m.kind === kind), `${kind} is in the statement`);
			for (let i = 1; i < items.length; i++)
				assert.equal(nano(items[i - 1].balance) - nano(items[i - 1].amount), nano(items[i].balance));
		});

		test('old debt is paid off by a share of each sale', async () => {
			const account = await found('A-108');
			const contract = await world.stack.number(`SELECT contract_id FROM account WHERE id = ${account.id}`);
			const path = `/contracts/${contract}/debt`;
			expect(await finance.call('PUT', path, { body: { permille: 1001, cap_fen: 1 } }), 422, 'out_of_range');
			expect(await finance.call('PUT', path, { body: { permille: -1, cap_fen: 1 } }), 422, 'out_of_range');
			expect(await finance.call('PUT', '/contracts/999999/debt', { body: { permille: 1, cap_fen: 1 } }), 404, 'not_found');
			expect(await finance.call('PUT', path, { body: { permille: 200, cap_fen: 5_000 } }), 200);
			assert.equal((await finance.get(path)).owed, '0.000000000');
			assert.equal((await sell(account, 1_000)).lines[0].debt_fen, 0);
			// arrears of 30.00 and more become debt
			const down = -(Number(nano((await found('A-108')).balance) / FEN) + 3_000);
			expect(await post(finance, `/accounts/${account.id}/adjust`, { kind: 'correction', amount_fen: down, document: 'D', reason: '欠费' }), 201);
			expect(await post(finance, `/accounts/${account.id}/adjust`, { kind: 'debt', amount_fen: 2_000, document: 'D', reason: '分期' }), 201);
			assert.equal((await finance.get(path)).owed, '20.000000000');
			assert.equal((await sell(account, 8_000)).lines[0].debt_fen, 1_600);
			assert.equal((await sell(account, 8_000)).lines[0].debt_fen, 400);
			assert.equal((await finance.get(path)).owed, '0.000000000');
		});

		test('a free allowance is agreed on', async () => {
			const account = await found('A-108');
			const contract = await world.stack.number(`SELECT contract_id FROM account WHERE id = ${account.id}`);
			const path = `/contracts/${contract}/allowance`;
			const body = { account_id: account.id, unit: 'kwh', amount: '10', price: '0.65', reason: '员工宿舍' };
			expect(await finance.call('GET', path), 404, 'not_found');
			for (const [change, status] of [[{ amount: 'x' }, 422], [{ amount: '-1' }, 422], [{ price: '0' }, 422],
				[{ unit: 'hours' }, 422], [{ account_id: (await found('A-107')).id }, 404], [{ amount: undefined }, 400]])
				expect(await finance.call('PUT', path, { body: { ...body, ...change } }), status);
			const agreed = expect(await finance.call('PUT', path, { body }), 200).body;
			assert.equal(agreed.worth, '6.500000000');
			assert.deepEqual(await finance.get(path), agreed);
			expect(await finance.call('PUT', path, { body: { ...body, amount: '100000' } }), 202);
		});

		test('a closed contract and another site are left alone', async () => {
			const sql = (text) => world.stack.sql(text);
			await sql(`INSERT INTO site (code, name, zone) VALUES ('books-far', 'Far', 'Asia/Shanghai')`);
			await sql(`INSERT INTO tenant (code, name, site_id) SELECT 'books-far', 'Far', id FROM site WHERE code = 'books-far'`);
			await sql(`INSERT INTO contract (code, tenant_id, start_at) SELECT 'books-far', id, 1 FROM tenant WHERE code = 'books-far'`);
			await sql(`INSERT INTO account (code, kind, contract_id, purpose) SELECT CONCAT('purse:', id, ':electricity'), 'purse', id, 'electricity'
				FROM contract WHERE code = 'books-far'`);
			const contract = await world.stack.number(`SELECT id FROM contract WHERE code = 'books-far'`);
			const id = await world.stack.number(`SELECT id FROM account WHERE contract_id = ${contract}`);
			const adjust = { kind: 'subsidy', amount_fen: 1, document: 'x', reason: 'x' };
			await sql(`UPDATE user SET site_id = (SELECT MIN(id) FROM site) WHERE username = 'finance'`);
			expect(await post(finance, `/accounts/${id}/adjust`, adjust), 404, 'not_found');
			expect(await post(finance, `/accounts/${id}/refund`, { amount_fen: 1, method: 'bank', reason: 'x' }), 404, 'not_found');
			expect(await finance.call('GET', `/contracts/${contract}/debt`), 404, 'not_found');
			await sql(`UPDATE user SET site_id = NULL WHERE username = 'finance'`);
			await sql(`UPDATE contract SET end_at = 5 WHERE id = ${contract}`);
			const sale = (lines) => post(admin, '/sales', { lines, method: 'cash', tendered_fen: 200 });
			expect(await sale([{ account_id: id, amount_fen: 100 }]), 409, 'conflict');
			expect(await post(finance, `/accounts/${id}/adjust`, adjust), 409, 'conflict');
			await sql(`UPDATE contract SET end_at = 0 WHERE id = ${contract}`);
			const near = (await found('A-107')).id;
			expect(await sale([{ account_id: near, amount_fen: 100 }, { account_id: id, amount_fen: 100 }]), 422, 'bad_value');
			for (const statement of [`DELETE FROM account WHERE id = ${id}`, `DELETE FROM contract WHERE id = ${contract}`,
				`DELETE FROM tenant WHERE code = 'books-far'`, `DELETE FROM site WHERE code = 'books-far'`])
				await sql(statement);
		});
	});
}
