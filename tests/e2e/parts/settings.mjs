// Settings of a site, and acts that need two persons.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { describe, test } from 'node:test';
import { expect } from '../lib.mjs';

export default function (world) {
	describe('settings and second persons', () => {
		const put = (session, body) => session.call('PUT', '/settings', { body: { reason: 'test', ...body } });
		const value = async (session, name) => (await session.get('/settings')).items.find((s) => s.name === name).value;

		test('an ordinary change is made at once, within its limits', async () => {
			const admin = await world.api.login('admin');
			const before = await value(admin, 'refund_limit_fen');
			expect(await put(admin, { name: 'refund_limit_fen', value: before - 1 }), 200);
			assert.equal(await value(admin, 'refund_limit_fen'), before - 1);
			expect(await put(admin, { name: 'refund_limit_fen', value: -1 }), 422, 'out_of_range');
			expect(await put(admin, { name: 'nothing', value: 1 }), 422, 'bad_value');
			expect(await put(await world.api.login('finance'), { name: 'refund_limit_fen', value: 0 }), 403, 'forbidden');
		});

		test('supply kept for long waits for another person too', async () => {
			const operator = await world.api.login('operator');
			const meter = await operator.meterByCode('A36');
			const keep = (hours) => operator.call('POST', `/meters/${meter.id}/supply`, {
				key: randomUUID(), body: { action: 'keep', reason: 'test', until: new Date(Date.now() + hours * 3_600_000).toISOString() },
			});
			const kept = async () => (await operator.get(`/meters/${meter.id}`)).keep_until;
			expect(await keep(2), 202);
			const before = await kept();
			assert.ok(before);
			const asked = expect(await keep(200), 202).body.approval.id;
			assert.equal(await kept(), before);
			expect(await operator.call('POST', `/approvals/${asked}/approve`, { body: { note: '' } }), 403, 'forbidden');
			expect(await (await world.second('operator')).call('POST', `/approvals/${asked}/approve`, { body: { note: '' } }), 200);
			assert.ok(Date.parse(await kept()) - Date.parse(before) > 100 * 3_600_000);
			expect(await operator.call('POST', `/meters/${meter.id}/supply`, { key: randomUUID(), body: { action: 'auto', reason: 'test' } }), 202);
		});

		test('a price that moves far waits for another person', async () => {
			const finance = await world.api.login('finance');
			const meter = await finance.meterByCode('A37');
			const version = (year, price) => ({ effective_from: `${year}-01-01T00:00:00+08:00`, calendar: [{ slots: [['00:00', 'flat']] }], prices: { flat: [price] } });
			const put = (...versions) => finance.call('POST', '/tariffs', { body: { code: 'second-person', name: 'x', utility: 'electricity', versions } });
			const first = version(2026, '0.5');
			const { id } = expect(await put(first), 200).body;
			expect(await put(version(2026, '0.9')), 200); // nobody has it yet
			expect(await put(first), 200);
			// another tariff is another price too
			const held = (await finance.get(`/meters/${meter.id}/tariffs`)).items;
			const given = expect(await finance.call('POST', `/meters/${meter.id}/tariff`, { body: { tariff_id: id, from: '2039-01-01T00:00:00+08:00' } }), 202).body.approval.id;
			assert.deepEqual((await finance.get(`/meters/${meter.id}/tariffs`)).items, held);
			expect(await finance.call('POST', `/approvals/${given}/approve`, { body: { note: '' } }), 403, 'forbidden');
			expect(await (await world.second('finance')).call('POST', `/approvals/${given}/approve`, { body: { note: '' } }), 200);
			assert.equal((await finance.get(`/meters/${meter.id}/tariffs`)).items.length, held.length + 1);
			// nor do the roads around it lead further
			const patched = await (await world.api.login('admin')).call('PATCH', `/meters/${meter.id}`, { body: { tariff: 'second-person', reason: 'x' } });
			assert.equal(expect(patched, 409, 'needs_approval').body.field, 'tariff');
			expect(await put(first, version(2040, '0.6')), 200); // by a fifth, as the site allows
			const before = (await finance.get(`/tariffs/${id}`)).revision;
			const asked = expect(await put(first, version(2040, '0.61')), 202).body.approval.id;
			assert.equal((await finance.get(`/tariffs/${id}`)).revision, before);
			expect(await finance.call('POST', `/approvals/${asked}/approve`, { body: { note: '' } }), 403, 'forbidden');
			expect(await (await world.second('finance')).call('POST', `/approvals/${asked}/approve`, { body: { note: '' } }), 200);
			assert.equal((await finance.get(`/tariffs/${id}`)).revision, before + 1);
			assert.match(JSON.stringify(await finance.get(`/tariffs/${id}`)), /0\.61/);
		});

		test('a risky one waits for another person, who may refuse', async () => {
			const admin = await world.api.login('admin');
			const before = await value(admin, 'refund_limit_fen');
			const ask = async (n) => expect(await put(admin, { name: 'refund_limit_fen', value: before + n }), 202).body.approval.id;
			const first = await ask(1000);
			assert.equal(await value(admin, 'refund_limit_fen'), before);
			const decide = (session, id, word) => session.call('POST', `/approvals/${id}/${word}`, { body: { note: 'test' } });
			expect(await decide(admin, first, 'approve'), 403, 'forbidden'); // the one who asked
			expect(await decide(await world.api.login('finance'), first, 'approve'), 403, 'forbidden'); // without the permission
			expect(await decide(admin, first, 'reject'), 200); // taken back
			expect(await decide(admin, first, 'approve'), 403, 'forbidden');

			const second = await ask(2000);
			const other = await world.second('admin');
			assert.ok((await other.get('/approvals?state=pending')).items.some((a) => a.id === second));
			expect(await decide(other, second, 'approve'), 200);
			expect(await decide(other, second, 'approve'), 200); // the answer was lost
			expect(await decide(other, second, 'reject'), 409, 'conflict');
			assert.equal(await value(admin, 'refund_limit_fen'), before + 2000);
		});
	});
}
