// Fees by the month, supplies that are cut for them, and shared energy.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { describe, test } from 'node:test';
import { credited, expect, FEN, nano, newOrder, pay, tenantPhone, until } from '../lib.mjs';

function today(offsetDays = 0) {
	return new Intl.DateTimeFormat('sv-SE', { timeZone: 'Asia/Shanghai' }).format(Date.now() + offsetDays * 86_400_000);
}

export default function (world) {
	describe('fees', () => {
		const phone = tenantPhone(4 * 60 + 21); // E21 pays 300.00 a month and has 100.00
		const month = () => today().slice(0, 7);

		test('are taken at the start of the month, and the next one is shown beforehand', async () => {
			const tenant = await world.api.login(phone);
			const fee = await until('this month was charged', async () => {
				const [one] = (await tenant.get('/me/fees')).items;
				return one?.last_month === month() && one;
			}, 60_000);
			assert.equal(fee.kind, 'property_fee');
			assert.equal(fee.balance, '-200.000000000');
			assert.equal(fee.next.amount_fen, 30_000);
			assert.equal(fee.next.due_day, `${fee.next.month}-01`);
			assert.ok(fee.next.month > month());
			const statement = await tenant.get(`/me/statement?account_id=${fee.account_id}&from=${today(-1)}&to=${today()}`);
			const line = statement.items.find((item) => item.kind === 'property_fee');
			assert.equal(line.amount, '-300.000000000');
			assert.equal(line.memo, month());
			const notices = (await tenant.get('/me/notices')).items.map((n) => n.kind);
			assert.ok(notices.includes('fee_short') && !notices.includes('arrears'), notices.join());
		});

		test('cut electricity only from an approved list, and a payment brings it back', async () => {
			const [finance, viewer] = [await world.api.login('finance'), await world.api.login('viewer')];
			const tenant = await world.api.login(phone);
			const [fee] = (await tenant.get('/me/fees')).items;
			const listed = async () => (await viewer.get('/fees/cuts')).items.find((k) => k.account_id === fee.account_id);
			const cut = await until('it is listed', listed, 60_000);
			assert.equal(cut.state, 'pending');
			assert.equal(cut.listed, '-200.000000000');
			assert.equal((await world.wire.meter('G5', 21)).relay, 'on');
			expect(await (await world.api.login('operator')).call('POST', `/approvals/${cut.approval_id}/approve`, { body: {} }), 403);
			expect(await finance.call('POST', `/approvals/${cut.approval_id}/approve`, { body: { note: '已核对' } }), 200);
			assert.ok((await listed()).cut_at);
			await world.wire.relay('G5', 21, 'off', 60_000);
			const order = await newOrder(tenant, 20_000, 'wechat_native', 'fee');
			await pay(world.stack, world.wire, order);
			await credited(tenant, order);
			await world.wire.relay('G5', 21, 'on');
			assert.equal((await tenant.get('/me/fees')).items[0].balance, '0.000000000');
			await until('the order knows when the light was back', async () =>
				await world.stack.number(`SELECT supply_restored_at FROM pay_order WHERE id = ${order.id}`) > 0, 20_000, 50);
		});

		test('begin, run once a month, and end by the day', async () => {
			const [finance, viewer] = [await world.api.login('finance'), await world.api.login('viewer')];
			const [of] = (await (await world.api.login(tenantPhone(4 * 60 + 20))).get('/me/fees')).items;
			const body = { contract_id: of.contract.id, kind: 'rent', monthly_fen: 90_000, from_day: `${month()}-01` };
			const key = randomUUID();
			expect(await viewer.call('POST', '/fees', { key, body }), 403, 'forbidden');
			const rent = expect(await finance.call('POST', '/fees', { key, body }), 201).body;
			assert.equal(expect(await finance.call('POST', '/fees', { key, body }), 201).body.id, rent.id);
			const add = (more) => finance.call('POST', '/fees', { key: randomUUID(), body: { ...body, ...more } });
			assert.equal(expect(await add({}), 409, 'conflict').body.field, 'from_day');
			assert.equal(expect(await add({ contract_id: 99_999 }), 404).body.field, 'contract_id');
			assert.equal(expect(await add({ from_day: '2026-02-30' }), 422).body.field, 'from_day');
			assert.equal(expect(await add({ monthly_fen: 0 }), 422).body.field, 'monthly_fen');
			assert.equal(expect(await add({ kind: 'property_fee', from_day: '2030-05-10', to_day: '2030-05-01' }), 422).body.field, 'to_day');

			const run = async (which) => finance.call('POST', '/fees/run', { key: randomUUID(), body: { month: which } });
			const preview = (which) => finance.get(`/fees/preview?month=${which}&limit=500`);
			const would = await preview(month());
			const of_rent = would.items.find((f) => f.id === rent.id);
			assert.deepEqual([of_rent.state, of_rent.amount_fen, of_rent.due_fen, of_rent.first_day], ['due', 90_000, 90_000, `${month()}-01`]);
			assert.deepEqual([would.totals.due, would.totals.due_fen, would.totals.begun], [1, 90_000, true]);
			assert.equal((await preview('2999-01')).totals.begun, false);
			expect(await finance.call('GET', '/fees/preview'), 400, 'missing_field');
			expect(await finance.call('GET', '/fees/preview?month=2026-13'), 422, 'bad_value');
			const first = expect(await run(month()), 200).body;
			assert.equal(first.amount_fen, would.totals.charged_fen + would.totals.due_fen);
			const then = await preview(month());
			assert.deepEqual([then.totals.due, then.totals.charged], [0, would.totals.charged + 1]);
			assert.equal(then.items.find((f) => f.id === rent.id).balance, of_rent.balance_after);
			assert.deepEqual(expect(await run(month()), 200).body, first);
			assert.ok(first.fees >= 5 && first.amount_fen >= 334_000, JSON.stringify(first));
			assert.equal(expect(await run('2999-01'), 422, 'out_of_range').body.field, 'month');
			assert.equal(expect(await run('2026-13'), 422).body.field, 'month');

			const end = (to_day) => finance.call('PUT', `/fees/${rent.id}`, { body: { to_day } });
			const balance = async () => nano((await finance.get(`/fees?contract_id=${of.contract.id}`)).items[0].balance);
			const charged = await balance();
			const before = new Date(`${month()}-01T00:00:00Z`).getTime() - 86_400_000;
			assert.equal(expect(await end(new Date(before).toISOString().slice(0, 10)), 200).body.next, null);
			assert.equal(await balance() - charged, 90_000n * FEN);
			assert.equal(expect(await end('2020-01-01'), 422).body.field, 'to_day');
			expect(await finance.call('PUT', '/fees/99999', { body: { to_day: '2026-12-31' } }), 404);
		});
	});

	describe('shared energy', () => {
		test('is set up with ratios that make sense', async () => {
			const [finance, viewer] = [await world.api.login('finance'), await world.api.login('viewer')];
			const groups = (await viewer.get('/shares')).items;
			assert.equal(groups.length, 5);
			assert.deepEqual(groups[0].targets.map((t) => t.ratio), Array(60).fill('0.015'));
			assert.equal(groups[0].sources.length, 10);
			const [a, b] = groups[0].targets.map((t) => t.contract.id);
			const spare = await viewer.meterByCode('A70');
			const body = { name: '线损', basis: 'ratio', kind: 'loss', sources: [{ meter_id: groups[0].sources[0].meter.id }, { meter_id: spare.id, sign: '-' }],
				targets: [{ contract_id: a, ratio: '0.6' }, { contract_id: b, ratio: '0.4' }] };
			const add = (more, session = finance, key = randomUUID()) => session.call('POST', '/shares', { key, body: { ...body, ...more } });
			const field = async (more, status) => expect(await add(more), status).body.field;
			const targets = (...ratios) => ({ targets: ratios.map((ratio, i) => ({ contract_id: [a, b][i], ratio })) });
			expect(await add({}, viewer), 403, 'forbidden');
			assert.equal(await field(targets('0.6', '0'), 422), 'targets[1].ratio');
			assert.equal(await field(targets('-0.1', '0.4'), 422), 'targets[0].ratio');
			assert.equal(await field(targets('0.6', '0.400001'), 422), 'targets');
			assert.equal(await field(targets('0.6', '0.1e-3'), 422), 'targets[1].ratio');
			assert.equal(await field({ basis: 'equal' }, 400), 'targets[0].ratio');
			assert.equal(await field({ targets: [{ contract_id: a, ratio: '0.5' }, { contract_id: a, ratio: '0.5' }] }, 422), 'targets[1].contract_id');
			assert.equal(await field({ targets: [{ contract_id: 99_999, ratio: '0.5' }] }, 404), 'targets[0].contract_id');
			assert.equal(await field({ sources: [{ meter_id: 99_999 }] }, 404), 'sources[0].meter_id');
			assert.equal(await field({ kind: 'public' }, 409), 'sources[0].meter_id');
			assert.equal(await field({ from_day: '2020-01-01' }, 422), 'from_day');
			const key = randomUUID();
			const group = expect(await add({}, finance, key), 201).body;
			assert.equal(expect(await add({}, finance, key), 201).body.id, group.id);
			assert.deepEqual(group.sources.map((s) => s.sign), ['+', '-']);

			const edit = (change) => finance.call('PUT', `/shares/${group.id}`, { body: change });
			expect(await edit({ name: '一号线损', targets: [{ contract_id: b, ratio: '1' }] }), 200);
			assert.equal((await viewer.get('/shares')).items.at(-1).name, '一号线损');
			assert.equal(expect(await edit({ to_day: '2020-01-01' }), 422).body.field, 'to_day');
			expect(await finance.call('PUT', '/shares/99999', { body: {} }), 404);
		});

		test('is shown with what each part came from', async () => {
			const viewer = await world.api.login('viewer');
			const [group] = (await viewer.get('/shares')).items;
			const lines = (day) => viewer.call('GET', `/shares/${group.id}/lines?day=${day}`);
			assert.equal(expect(await lines(today()), 404, 'not_found').body.field, 'day');
			// As if it had begun yesterday, before there were contracts: the owner has all of it.
			await world.stack.sql(`UPDATE share_group SET from_day = '${today(-1)}', run_to = '${today(-2)}' WHERE id = ${group.id}`);
			await world.stack.sql(`UPDATE share_target SET from_day = '${today(-1)}' WHERE group_id = ${group.id}`);
			const day = await until('the day was shared', async () => {
				const answer = await lines(today(-1));
				return answer.status === 200 && answer.body;
			}, 60_000);
			assert.equal(day.energy_wh, day.owner_energy_wh);
			assert.equal(day.complete, true);
			const tenant = await world.api.login(tenantPhone(1));
			assert.deepEqual((await tenant.get(`/me/shares?from=${today(-30)}&to=${today()}`)).items, []);
			expect(await tenant.call('GET', `/me/shares?from=${today()}&to=${today(-1)}`), 422, 'out_of_range');
			expect(await viewer.call('GET', `/shares/99999/lines?day=${today()}`), 404);
		});
	});
}
