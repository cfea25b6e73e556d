// Credit in the meter: sold, written and read back on the wire, with both kinds of firmware.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { describe, test } from 'node:test';
import { expect, FEN, nano, until } from '../lib.mjs';

export default function (world) {
	describe('credit in the meter', () => {
		const code = 'E31';
		const [gateway, unit] = ['G5', 31];
		const flat = {
			code: 'flat-meter', name: '单一电价', utility: 'electricity',
			versions: [{ effective_from: '2026-01-01T00:00:00+08:00', calendar: [{ slots: [['00:00', 'flat']] }], prices: { flat: ['0.65'] } }],
		};
		let meter;

		const credit = async () => (await world.wire.meter(gateway, unit)).credit;
		const change = (body) => world.wire.set(gateway, unit, body);
		const engineer = () => world.api.login('engineer');
		const fresh = async () => {
			const session = await engineer();
			await session.call('POST', `/meters/${meter.id}/read`, { body: {} });
			await until('the meter was read', async () => {
				const { read_at } = await session.get(`/meters/${meter.id}`);
				return Date.now() - Date.parse(read_at) < 20_000;
			}, 60_000);
		};
		const billing = async (body, status = 200) => expect(await (await engineer()).call('POST', `/meters/${meter.id}/billing`,
			{ body: { reason: 'test', ...body }, key: randomUUID() }), status).body;
		const purchases = async () => (await (await engineer()).get(`/meters/${meter.id}/purchases`)).items;
		const sell = async (fen) => {
			const cashier = await world.api.login('cashier');
			const shift = (await cashier.get('/shifts?open=1')).items[0] ?? await cashier.post('/shifts', {}, 201);
			await cashier.post('/sales', { lines: [{ account_id: meter.account.id, amount_fen: fen }], method: 'cash', tendered_fen: fen }, 201);
			return shift;
		};

		test('needs a model that keeps it and a tariff without tiers; a preview changes nothing', async () => {
			const session = await engineer();
			meter = await session.meterByCode(code);
			await fresh();
			const refused = await billing({ billing: 'meter' }, 409);
			assert.match(refused.detail, /tiers/);
			expect(await (await world.api.login('operator')).call('POST', `/meters/${meter.id}/billing`,
				{ body: { billing: 'meter', reason: 'test' }, key: randomUUID() }), 403);
			const finance = await world.api.login('finance');
			const tariff = (await finance.post('/tariffs', flat)).id;
			const given = await finance.post(`/meters/${meter.id}/tariff`, { tariff_id: tariff, from: new Date(Date.now() + 1000).toISOString() }, 202);
			await (await world.second('finance')).post(`/approvals/${given.approval.id}/approve`, { note: '' });
			await until('the tariff holds', async () => {
				const answer = await (await engineer()).call('POST', `/meters/${meter.id}/billing`,
					{ body: { billing: 'meter', reason: 'test', preview: true }, key: randomUUID() });
				return answer.status === 200 && answer.body;
			}, 60_000);
			expect(await session.call('GET', `/meters/${meter.id}/credit`), 404);
			const preview = await billing({ billing: 'meter', preview: true });
			assert.equal(preview.prices, 'sharp 0.65 peak 0.65 flat 0.65 valley 0.65');
			assert.equal(preview.slots, '00:00 flat');
		});

		test('what the purse holds goes into the meter, and every later sale', async () => {
			const { moves, preview } = await billing({ billing: 'meter' });
			assert.equal(preview, false);
			const bought = Number(nano(moves) / FEN); // whole fen
			await until('the meter has it', async () => (await credit()).count === 1, 30_000);
			assert.ok((await credit()).fen <= bought && (await credit()).fen > bought - 100);
			assert.equal((await credit()).on, true);
			await until('the books know', async () => (await purchases())[0].state === 'done' &&
				(await (await engineer()).get(`/meters/${meter.id}/credit`)).count === 1);
			const before = (await credit()).fen;
			await sell(5_000);
			await until('the second sale is there', async () => (await credit()).count === 2, 30_000);
			assert.ok(Math.abs((await credit()).fen - before - 5_000) < 100);
		});

		test('it holds the prices and slots of its tariff, and a new version reaches it', async () => {
			const finance = await world.api.login('finance');
			const setting = async (kind) => (await (await engineer()).get(`/meters/${meter.id}/settings`)).items.find((s) => s.kind === kind);
			await until('it holds them', async () => (await setting('prices'))?.state === 'done' && (await setting('slots'))?.state === 'done', 60_000);
			assert.deepEqual((await credit()).price_fen, [65, 65, 65, 65]);
			assert.equal((await setting('slots')).observed, '00:00 flat');
			const { count } = await credit();
			await change({ loses_answer: true });
			await finance.call('POST', '/tariffs', { body: { ...flat, versions: [...flat.versions,
				{ effective_from: new Date(Date.now() + 2000).toISOString(), calendar: [{ slots: [['00:00', 'flat']] }], prices: { flat: ['0.72'] } }] },
			key: randomUUID() });
			await until('it holds the new price', async () => (await setting('prices')).desired?.includes('0.72') && (await setting('prices')).state === 'done', 60_000);
			assert.deepEqual((await credit()).price_fen, [72, 72, 72, 72]);
			assert.equal((await credit()).count, count);
			const { settings } = await (await engineer()).get(`/meters/${meter.id}/credit`);
			assert.deepEqual(settings.map((s) => s.kind), ['prices', 'slots', 'prepaid']);
		});

		test('firmware that adds gets the same amount, by its own rule of writing', async () => {
			await until('the sale is booked', async () => (await (await engineer()).get(`/meters/${meter.id}/credit`)).count === 2);
			await world.stack.sql(`UPDATE meter_credit SET adds = 1 WHERE meter_id = ${meter.id}`);
			await change({ firmware: 'add' });
			const before = (await credit()).fen;
			await sell(1_000);
			await until('it is added', async () => (await credit()).count === 3, 30_000);
			assert.ok(Math.abs((await credit()).fen - before - 1_000) < 100);
			await until('the books know', async () => (await purchases())[0].state === 'done');
			await change({ firmware: 'set' });
			await world.stack.sql(`UPDATE meter_credit SET adds = 0 WHERE meter_id = ${meter.id}`);
		});

		test('an answer that is lost is settled by reading: the sale arrives once', async () => {
			await until('the sale is booked', async () => (await (await engineer()).get(`/meters/${meter.id}/credit`)).count === 3);
			const before = (await credit()).fen;
			await world.wire.fault({ gateway, kind: 'cut', value: 'reply', seconds: 3 });
			await sell(500);
			await until('the books know', async () => {
				const [last] = await purchases();
				return last.state === 'done' && last.count === 4;
			}, 60_000);
			assert.equal((await credit()).count, 4);
			assert.ok(Math.abs((await credit()).fen - before - 500) < 100);
		});

		test('a purchase that is written by half blocks the meter until a person decides', async () => {
			await until('the sale is booked', async () => (await (await engineer()).get(`/meters/${meter.id}/credit`)).count === 4);
			await change({ power_fails: true });
			await sell(3_000);
			const finance = await world.api.login('finance');
			await until('it is blocked', async () => (await finance.get(`/meters/${meter.id}/credit`)).blocked, 40_000);
			const [purchase] = await purchases();
			assert.equal(purchase.state, 'mismatch');
			assert.equal(purchase.why, 'half');
			const open = (await finance.get('/alarms?open=1')).items;
			assert.ok(open.some((a) => a.kind === 'count_mismatch'));
			expect(await (await engineer()).call('POST', `/meters/${meter.id}/credit/decide`,
				{ body: { action: 'accept', reason: 'test' }, key: randomUUID() }), 403);
			await fresh();
			await finance.post(`/meters/${meter.id}/credit/decide`, { action: 'accept', reason: '现场核对：已到账' }, 200);
			await until('it is done', async () => (await purchases())[0].state === 'done');
			assert.equal((await finance.get(`/meters/${meter.id}/credit`)).blocked, false);
		});

		test('a meter without credit trips by itself, and is not forced on', async () => {
			await until('nothing is on its way', async () => (await purchases())[0].state === 'done');
			await change({ credit_fen: -1 });
			await world.wire.relay(gateway, unit, 'off');
			await fresh();
			const { supply } = await (await engineer()).meterByCode(code);
			assert.equal((await world.wire.meter(gateway, unit)).relay, 'off');
			assert.ok(supply);
			await sell(2_000);
			await world.wire.relay(gateway, unit, 'on', 40_000);
		});

		test('the credit comes back to the account', async () => {
			await until('nothing is on its way', async () => (await purchases())[0].state === 'done');
			await fresh();
			const back = await until('it can be converted', async () => {
				const answer = await (await engineer()).call('POST', `/meters/${meter.id}/billing`,
					{ body: { billing: 'account', reason: 'test' }, key: randomUUID() });
				return answer.status === 200 && answer.body;
			}, 30_000);
			assert.equal(back.billing, 'account');
			assert.ok(nano(back.moves) > 0n);
			expect(await (await engineer()).call('GET', `/meters/${meter.id}/credit`), 404);
			await until('its own control is off', async () => !(await credit()).on, 60_000);
			await until('that was read back', async () => {
				const { items } = await (await engineer()).get(`/meters/${meter.id}/settings`);
				return items.some((s) => s.kind === 'prepaid' && s.state === 'done' && s.observed === 'off');
			}, 30_000);
			const cashier = await world.api.login('cashier');
			const shift = (await cashier.get('/shifts?open=1')).items[0];
			await cashier.call('POST', `/shifts/${shift.id}/close`, { body: { counted_fen: 11_500 }, key: randomUUID() });
		});
	});
}
