// Load limits, weekly schedules, limits of purses, and the report of energy and money.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { describe, test } from 'node:test';
import { expect, nano, until } from '../lib.mjs';

function today() {
	return new Intl.DateTimeFormat('sv-SE', { timeZone: 'Asia/Shanghai' }).format(Date.now());
}

export default function (world) {
	describe('load limits', () => {
		test('cut what draws too much, and a person brings it back', async () => {
			const [engineer, operator] = [await world.api.login('engineer'), await world.api.login('operator')];
			const meter = await engineer.meterByCode('E33');
			const limit = (session, body) => session.call('PUT', `/meters/${meter.id}/overload`, { body: { reason: 'test', ...body } });
			const asked = { limit_w: 3_000, delay_s: 0, retry_s: 0, retries: 0 };
			expect(await limit(await world.api.login('viewer'), asked), 403, 'forbidden');
			expect(await limit(engineer, { ...asked, limit_w: -1 }), 422);
			const set = await limit(engineer, asked);
			expect(set.status === 403 ? await limit(operator, asked) : set, 200);
			await world.wire.set('G5', 33, { load_w: 9_000 });
			await until('it is cut', async () => {
				await engineer.call('POST', `/meters/${meter.id}/read`, { body: {} });
				return (await world.wire.meter('G5', 33)).relay === 'off';
			}, 90_000, 1_000);
			assert.equal((await engineer.get(`/meters/${meter.id}/overload`)).phase, 'locked');
			assert.ok((await engineer.get('/alarms?open=1')).items.some((a) => a.kind === 'overload_lock' && a.object.id === meter.id));
			await world.wire.set('G5', 33, { load_w: 500 });
			await operator.post(`/meters/${meter.id}/supply`, { action: 'on', reason: '负荷已减' }, 202);
			await world.wire.relay('G5', 33, 'on', 40_000);
		});
	});

	describe('weekly schedules', () => {
		const off = [{ from: '00:00', supply: 'off' }];

		test('cut and restore the supplies that follow them', async () => {
			const [operator, viewer] = [await world.api.login('operator'), await world.api.login('viewer')];
			const meter = await viewer.meterByCode('E34');
			const add = (session, body) => session.call('POST', '/schedules', { body, key: randomUUID() });
			const body = { code: 'e2e-closed', name: '停业', workday: off, weekend: off, holiday: off };
			expect(await add(viewer, body), 403, 'forbidden');
			expect(await add(operator, { ...body, workday: [{ from: '08:00', supply: 'off' }] }), 422);
			const schedule = expect(await add(operator, body), 201).body;
			assert.equal(schedule.supply_now, 'off');
			const follow = (id) => operator.call('POST', `/meters/${meter.id}/schedule`, { body: { schedule_id: id }, key: randomUUID() });
			expect(await follow(schedule.id), 202);
			await world.wire.relay('G5', 34, 'off', 60_000);
			assert.equal((await viewer.get(`/schedules/${schedule.id}`)).points, 1);
			expect(await operator.call('DELETE', `/schedules/${schedule.id}`), 409);
			expect(await operator.call('PUT', `/schedules/${schedule.id}`, { body: { name: '营业', workday: [], weekend: [], holiday: [] } }), 200);
			await world.wire.relay('G5', 34, 'on', 60_000);
			expect(await follow(null), 202);
			expect(await operator.call('DELETE', `/schedules/${schedule.id}`), 204);
			assert.ok(!(await viewer.get('/schedules')).items.some((s) => s.id === schedule.id));
		});
	});

	describe('limits of a purse', () => {
		test('are set by finance, within what is allowed', async () => {
			const [finance, viewer] = [await world.api.login('finance'), await world.api.login('viewer')];
			const { account } = await viewer.meterByCode('E35');
			const before = await viewer.get(`/accounts/${account.id}/limits`);
			const set = (session, body) => session.call('PUT', `/accounts/${account.id}/limits`, { body: { reason: 'test', ...body } });
			expect(await set(viewer, { credit_limit: '10', emergency_limit: '5' }), 403, 'forbidden');
			expect(await set(finance, { credit_limit: '999999', emergency_limit: '5' }), 422, 'out_of_range');
			assert.deepEqual((await viewer.get(`/accounts/${account.id}/limits`)).credit_limit, before.credit_limit);
			const after = expect(await set(finance, { credit_limit: '10', emergency_limit: '5' }), 200).body;
			assert.equal(after.credit_limit, '10.000000000');
			const warn = (body) => finance.call('PUT', `/accounts/${account.id}/warnings`, { body });
			expect(await warn({ warn1: '10', warn2: '20' }), 422);
			assert.equal(expect(await warn({ warn1: '30', warn2: '20' }), 200).body.warn1, '30.000000000');
			expect(await set(finance, { credit_limit: '0', emergency_limit: before.emergency_limit.replace(/\..*/, '') }), 200);
		});
	});
}
