// Contracts from opening to closing, the exchange of a device, and a tenant's sub-tenants.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { before, describe, test } from 'node:test';
import { expect, FEN, nano, tenantPhone, until } from '../lib.mjs';

export default function (world) {
	describe('contracts', () => {
		let operator, engineer, finance;
		const post = (session, path, body, key = randomUUID()) => session.call('POST', path, { key, body });
		const contractOf = async (n) => {
			const tenant = await world.api.login(tenantPhone(n));
			const { id } = (await tenant.get('/me')).tenants[0];
			return (await operator.get(`/contracts?tenant_id=${id}&open=1`)).items[0];
		};
		const steps = (answer, what) => answer.body.steps.filter((s) => s.what === what);
		const sum = (list) => list.reduce((total, s) => total + nano(s.amount), 0n);
		const held = (detail) => detail.meters.filter((m) => !m.to_at);
		const money = (detail) => detail.purses.reduce((total, p) => total + nano(p.balance), 0n);

		before(async () => {
			operator = await world.api.login('operator');
			engineer = await world.api.login('engineer');
			finance = await world.api.login('finance');
		});

		test('a tenant leaves: seen before, done once, taken back', async () => {
			const contract = await contractOf(3 * 60 + 41);
			const path = `/contracts/${contract.id}`;
			const body = { payout: 'none', reason: '退租' };
			expect(await post(await world.api.login('viewer'), `${path}/close`, body), 403, 'forbidden');
			expect(await post(operator, `${path}/close`, { payout: 'none' }), 400, 'missing_field');
			expect(await post(operator, `${path}/close`, { ...body, payout: 'gold' }), 422, 'bad_value');
			expect(await post(operator, `${path}/close`, { ...body, at: 'noon' }), 422);
			expect(await post(operator, `${path}/close`, { ...body, at: '2099-01-01T00:00:00Z' }), 422, 'out_of_range');
			expect(await post(operator, '/contracts/999999/close', body), 404, 'not_found');
			expect(await post(operator, `${path}/close`, { ...body, readings: [{ meter_id: 999999, register: '1' }] }), 404, 'not_found');
			const [meter] = held(await operator.get(path));
			const typed = (register) => ({ ...body, readings: [{ meter_id: meter.meter.id, register }] });
			expect(await post(operator, `${path}/close`, typed('-1')), 422, 'bad_value');
			expect(await post(operator, `${path}/close`, typed('0')), 422, 'out_of_range');
			expect(await post(operator, `${path}/close`, typed('999999999')), 422, 'out_of_range');

			const seen = expect(await post(operator, `${path}/close`, { ...body, preview: true }), 200);
			assert.equal(seen.body.preview, true);
			assert.equal(steps(seen, 'meter_ends').length, held(await operator.get(path)).length);
			assert.equal((await operator.get(path)).end_at, null);

			const key = randomUUID();
			const done = expect(await post(operator, `${path}/close`, body, key), 200);
			assert.deepEqual(expect(await post(operator, `${path}/close`, body, key), 200).body, done.body);
			expect(await post(operator, `${path}/close`, body), 409, 'conflict');
			const closed = await operator.get(path);
			assert.ok(closed.end_at);
			assert.equal(closed.meters_held, 0);
			assert.equal(closed.history[0].kind, 'close');
			assert.equal(sum(steps(done, 'left')), money(closed));
			const tenant = await world.api.login(tenantPhone(3 * 60 + 41));
			assert.deepEqual(await tenant.accounts(), []);
			// Who has left sees what was charged, and can do nothing with it.
			const { items: past } = await tenant.get('/me/accounts?ended=1');
			assert.deepEqual(past.map((a) => a.id).sort(), closed.purses.map((p) => p.account_id).sort());
			const power = past.find((a) => a.purpose === 'electricity');
			const statement = await tenant.get(`/me/statement?account_id=${power.id}`);
			assert.equal(statement.closing, power.balance);
			assert.ok(statement.items.some((m) => m.kind === 'opening'));
			const today = new Date(Date.now() + 8 * 3_600_000).toISOString().slice(0, 10);
			assert.equal((await tenant.get(`/me/bill?account_id=${power.id}&from=${today}&to=${today}`)).account_id, power.id);
			expect(await post(tenant, '/me/orders', { account_id: power.id, amount_fen: 2000, channel: 'wechat_native' }), 404, 'not_found');
			const stranger = await world.api.login(tenantPhone(3 * 60 + 42));
			expect(await stranger.call('GET', `/me/statement?account_id=${power.id}`), 404, 'not_found');

			expect(await post(operator, `${path}/meters`, { meters: [{ meter_id: meter.meter.id }] }), 409, 'conflict');
			expect(await post(operator, `${path}/reopen`, { reason: '误操作' }), 200);
			assert.equal((await operator.get(path)).meters_held, 1);
			expect(await post(operator, `${path}/reopen`, { reason: 'x' }), 409, 'conflict');
			assert.equal((await tenant.accounts()).length, closed.purses.length);
		});

		test('the next tenant takes the meters, then leaves with whole fen', async () => {
			const former = await contractOf(3 * 60 + 43);
			const [{ meter }] = held(await operator.get(`/contracts/${former.id}`));
			const body = {
				payout: 'none',
				reason: '转租',
				tenant: { code: 'E2E-1', name: '新店', phone: '13700000001', room: 'D-143' },
				purses: [{ purpose: 'electricity', opening_balance: '88.88', warn1: '20', warn2: '5' }],
			};
			expect(await post(operator, `/contracts/${former.id}/tenant`, { ...body, tenant: { name: 'x' } }), 400, 'missing_field');
			expect(await post(operator, `/contracts/${former.id}/tenant`, { ...body, purses: [{ purpose: 'electricity', opening_balance: '1.234' }] }), 422);
			expect(await post(operator, `/contracts/${former.id}/tenant`, { ...body, purses: [{ purpose: 'gas' }] }), 422, 'bad_value');
			const changed = expect(await post(operator, `/contracts/${former.id}/tenant`, body), 200);
			const next = await operator.get(`/contracts/${changed.body.id}`);
			assert.deepEqual(held(next).map((m) => m.meter.id), [meter.id]);
			assert.equal((await operator.get(`/contracts/${former.id}`)).meters_held, 0);
			// One register for both: where the one ends the other begins.
			assert.equal(steps(changed, 'meter_ends')[0].register, steps(changed, 'meter')[0].register);
			expect(await post(operator, `/contracts/${former.id}/reopen`, { reason: 'x' }), 409, 'conflict');
			// Somebody else cannot have it as well.
			const more = { tenant: { code: 'E2E-2', name: '别家' }, meters: [{ meter_id: meter.id }] };
			expect(await post(operator, '/contracts', more), 409, 'conflict');
			expect(await post(operator, '/contracts', { ...more, tenant: { code: 'E2E-1', name: 'x' }, meters: [] }), 409, 'already');

			const left = expect(await post(finance, `/contracts/${next.id}/close`, { payout: 'bank', reason: '退租' }), 200);
			expect(await post(finance, `/contracts/${next.id}/close`, { payout: 'bank', reason: '退租' }), 409, 'conflict');
			// Nothing is agreed on any more with who has left.
			const [{ account_id: purse }] = (await operator.get(`/contracts/${next.id}`)).purses;
			const put = (path, body) => finance.call('PUT', path, { body });
			expect(await put(`/accounts/${purse}/limits`, { credit_limit: '5', emergency_limit: '0', reason: 'x' }), 409, 'conflict');
			expect(await put(`/accounts/${purse}/warnings`, { warn1: '5', warn2: '1' }), 409, 'conflict');
			expect(await put(`/contracts/${next.id}/debt`, { permille: 10, cap_fen: 100 }), 409, 'conflict');
			expect(await put(`/contracts/${next.id}/allowance`, { account_id: purse, unit: 'yuan', amount: '1', reason: 'x' }), 409, 'conflict');
			expect(await post(finance, '/fees', { contract_id: next.id, kind: 'rent', monthly_fen: 1, from_day: '2031-01-01' }), 409, 'conflict');
			expect(await post(finance, `/accounts/${purse}/adjust`, { kind: 'subsidy', amount_fen: 1, document: 'x', reason: 'x' }), 409, 'conflict');
			const paid = sum(steps(left, 'payout'));
			assert.ok(paid > 80n * 100n * FEN && paid % FEN === 0n, String(paid));
			assert.equal(money(await operator.get(`/contracts/${next.id}`)), 0n);
			const opened = expect(await post(operator, '/contracts', more), 201);
			assert.equal(steps(opened, 'meter').length, 1);
			assert.ok((await operator.get('/contracts?q=E2E')).items.length >= 2);
			expect(await post(operator, `/contracts/${opened.body.id}/meters`, { meters: [{ meter_id: meter.id }] }), 409, 'conflict');
		});

		test('a broken device is exchanged, and its day adds up', async () => {
			await world.wire.set('G4', 44, { load_w: 0 });
			const meter = await operator.meterByCode('D44');
			const fresh = (after) => until('it is read', async () => {
				const m = await operator.get(`/meters/${meter.id}`);
				return Date.parse(m.read_at) > after && m;
			}, 90_000, 500);
			const settled = () => world.stack.number(`SELECT register_milli FROM settled WHERE meter_id = ${meter.id}`);
			const used = () => world.stack.number(`SELECT SUM(qty_milli) FROM usage_day WHERE meter_id = ${meter.id}`);
			const before = await fresh(Date.now() + 1000);
			const [last, use] = [await settled(), await used()];
			const path = `/meters/${meter.id}/replace`;
			const device = { model: before.model, unit: before.unit, serial: before.serial ?? '', start_register: '3' };
			const body = (more = {}) => ({ old_final_register: String((last + 200) / 1000), new: { ...device, ...more }, reason: '显示屏坏' });
			expect(await post(operator, path, body()), 403, 'forbidden');
			expect(await post(engineer, path, body({ model: 'abacus' })), 422, 'bad_value');
			expect(await post(engineer, path, body({ model: 'xintai-water' })), 422, 'bad_value');
			expect(await post(engineer, path, body({ unit: '45' })), 409, 'conflict');
			expect(await post(engineer, path, body({ unit: '300' })), 422, 'bad_value');
			expect(await post(engineer, path, body({ gateway_id: 999 })), 404, 'not_found');
			expect(await post(engineer, path, body({ ct_ratio: 0 })), 422);
			expect(await post(engineer, path, { ...body(), old_final_register: '0' }), 422, 'out_of_range');
			const seen = expect(await post(engineer, path, { ...body(), preview: true }), 200);
			assert.equal(steps(seen, 'settle')[0].energy_wh, 200);
			assert.equal(await settled(), last);

			const key = randomUUID();
			const done = expect(await post(engineer, path, body(), key), 200);
			assert.deepEqual(expect(await post(engineer, path, body(), key), 200).body, done.body);
			await world.wire.set('G4', 44, { register_milli: 3000 });
			const undo = expect(await post(engineer, `${path}/undo`, { preview: true }), 200);
			assert.equal(steps(undo, 'device').length, 1);
			await world.wire.set('G4', 44, { register_milli: 4000 });
			await until('the new device counts', async () => (await settled()) === 4000, 90_000, 500);
			assert.equal(await used(), use + 200 + 1000);
			expect(await post(engineer, `${path}/undo`, {}), 409, 'conflict');
			const [exchange] = (await operator.get(`/meters/${meter.id}/exchanges`)).items;
			assert.equal(exchange.new.register, '3');
			assert.equal(exchange.undone_at, null);
		});

		test('a tenant names what hangs below, and nothing else', async () => {
			// D45 becomes a kiosk of D46: no contract of its own any more, and its cable comes from there.
			const kiosk = await operator.meterByCode('D45');
			const own = await operator.meterByCode('D46');
			const former = await contractOf(3 * 60 + 45);
			expect(await post(operator, `/contracts/${former.id}/close`, { payout: 'none', reason: '并店' }), 200);
			await world.stack.sql(`UPDATE meter SET parent_id = ${own.id} WHERE id = ${kiosk.id}`);
			const tenant = await world.api.login(tenantPhone(3 * 60 + 46));
			const other = await world.api.login(tenantPhone(3 * 60 + 47));
			const name = (session, meter_id) => session.call('POST', '/me/sub-tenants', { body: { meter_id, name: '报刊亭' } });
			expect(await name(other, kiosk.id), 404, 'not_found');
			expect(await name(tenant, own.id), 404, 'not_found');
			expect(await name(tenant, (await operator.meterByCode('D47')).id), 404, 'not_found');
			const sub = expect(await name(tenant, kiosk.id), 201).body;
			assert.equal(expect(await name(tenant, kiosk.id), 201).body.id, sub.id);
			// Its energy is charged above: nobody can be made to pay for it once more.
			const again = { tenant: { code: 'E2E-3', name: 'x' }, meters: [{ meter_id: kiosk.id }] };
			expect(await post(operator, '/contracts', again), 409, 'conflict');
			// What the tenant switches off, staff may switch on.
			expect(await post(tenant, `/me/sub-tenants/${sub.id}/supply`, { action: 'off' }), 200);
			await world.wire.relay('G4', 45, 'off');
			expect(await post(operator, `/meters/${kiosk.id}/supply`, { action: 'on', reason: '租户来电' }), 202);
			await world.wire.relay('G4', 45, 'on');
			expect(await other.call('DELETE', `/me/sub-tenants/${sub.id}`), 404, 'not_found');
			expect(await tenant.call('DELETE', `/me/sub-tenants/${sub.id}`), 204);
			assert.deepEqual((await tenant.get('/me/sub-tenants')).items, []);
		});
	});
}
