// Orders to many meters at once: previewed, confirmed, followed to their read-back.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { describe, test } from 'node:test';
import { expect, until } from '../lib.mjs';

export default function (world) {
	describe('batches', () => {
		const make = (session, body) => session.call('POST', '/batches', { body: { reason: 'e2e', ...body }, key: randomUUID() });
		const confirm = (session, id) => session.call('POST', `/batches/${id}/confirm`, { body: {} });
		const finished = (session, id) => until(`batch ${id} is over`, async () => {
			const batch = await session.get(`/batches/${id}`);
			return batch.state === 'done' && batch;
		}, 60_000, 100);
		const state = (batch, id) => {
			const one = batch.meters.find((m) => m.meter.id === id);
			return [one.state, one.why];
		};

		test('a preview says what would happen, and each meter is followed to its read-back', async () => {
			const [operator, viewer] = [await world.api.login('operator'), await world.api.login('viewer')];
			const ids = [];
			for (const code of ['D30', 'D31', 'D32']) ids.push((await viewer.meterByCode(code)).id);
			const [fixed] = (await viewer.get('/meters')).items.filter((m) => m.supply === null);
			await world.stack.sql(`UPDATE supply_point p JOIN meter m ON m.supply_point_id = p.id SET p.load_class = 'protected' WHERE m.id = ${ids[2]}`);

			expect(await make(viewer, { meters: ids, action: 'off' }), 403, 'forbidden');
			expect(await make(operator, { meters: [...ids, 999_999], action: 'off' }), 404, 'not_found');
			expect(await make(operator, { meters: [ids[0], ids[0]], action: 'off' }), 422, 'bad_value');
			expect(await make(operator, { meters: ids, utility: 'water', action: 'off' }), 422, 'bad_value');
			expect(await make(operator, { action: 'off' }), 400, 'missing_field');
			expect(await make(operator, { meters: ids, action: 'off', until: '2030-01-01T00:00:00Z' }), 422, 'bad_value');

			const batch = expect(await make(operator, { meters: [...ids, fixed.id], action: 'off' }), 201).body;
			assert.equal(batch.state, 'preview');
			const preview = Object.fromEntries(batch.meters.map((m) => [m.meter.id, [m.would, m.in_the_way.filter((w) => w !== 'silent')]]));
			assert.deepEqual(preview, { [ids[0]]: ['off', []], [ids[1]]: ['off', []], [ids[2]]: [null, ['protected']], [fixed.id]: [null, ['no_relay']] });
			assert.ok(batch.meters.find((m) => m.meter.id === ids[0]).tenant.code);
			assert.equal((await world.wire.meter('G4', 30)).relay, 'on');
			expect(await confirm(await world.second('operator'), batch.id), 403, 'forbidden');
			assert.equal(expect(await confirm(operator, batch.id), 202).body.state, 'running');
			expect(await confirm(operator, batch.id), 202);
			const done = await finished(viewer, batch.id);
			for (const [i, unit] of [30, 31].entries()) {
				assert.deepEqual(state(done, ids[i]), ['done', null]);
				assert.equal((await world.wire.meter('G4', unit)).relay, 'off');
			}
			assert.deepEqual([state(done, ids[2]), state(done, fixed.id)], [['refused', 'protected'], ['refused', 'no_relay']]);
			assert.deepEqual(done.counts, { meters: 4, todo: 0, waiting: 0, done: 2, refused: 2, failed: 0 });
			assert.equal((await world.wire.meter('G4', 32)).relay, 'on');
			await world.stack.sql(`UPDATE supply_point p JOIN meter m ON m.supply_point_id = p.id SET p.load_class = 'ordinary' WHERE m.id = ${ids[2]}`);

			const late = expect(await make(operator, { meters: ids, action: 'on' }), 201).body;
			await world.stack.sql(`UPDATE batch SET expires_at = 1 WHERE id = ${late.id}`);
			expect(await confirm(operator, late.id), 409, 'conflict');
			assert.equal((await viewer.get('/batches')).items.find((b) => b.id === late.id).state, 'expired');
		});

		test('more than the limit of the site needs a second person; reading needs none', async () => {
			const [operator, viewer] = [await world.api.login('operator'), await world.api.login('viewer')];
			const ids = [];
			for (const code of ['D30', 'D31']) ids.push((await viewer.meterByCode(code)).id);
			await world.stack.sql(`INSERT INTO setting (site_id, name, value) SELECT MIN(id), 'batch_limit', 1 FROM site`);
			const batch = expect(await make(operator, { meters: ids, action: 'on' }), 201).body;
			const asked = expect(await confirm(operator, batch.id), 202).body;
			assert.equal(asked.state, 'approval');
			const decide = (session, word) => session.call('POST', `/approvals/${asked.approval_id}/${word}`, { body: {} });
			expect(await decide(operator, 'approve'), 403, 'forbidden');
			expect(await decide(await world.second('operator'), 'approve'), 200);
			await finished(viewer, batch.id);
			await world.wire.relay('G4', 30, 'on');
			const rejected = expect(await make(operator, { meters: ids, action: 'off' }), 201).body;
			const { approval_id } = expect(await confirm(operator, rejected.id), 202).body;
			expect(await operator.call('POST', `/approvals/${approval_id}/reject`, { body: {} }), 200);
			assert.equal((await viewer.get(`/batches/${rejected.id}`)).state, 'rejected');

			const reads = expect(await make(viewer, { meters: ids, action: 'read' }), 201).body;
			assert.equal(expect(await confirm(viewer, reads.id), 202).body.state, 'running');
			assert.equal((await finished(viewer, reads.id)).counts.done, 2);
			await world.stack.sql("DELETE FROM setting WHERE name = 'batch_limit'");
		});

		test('a worker that is killed loses no order and gives none twice', async () => {
			const operator = await world.api.login('operator');
			const all = (await operator.get('/meters')).items;
			const meters = all.filter((m) => m.gateway.code === 'G5' && m.supply?.state === 'on' && m.role === 'tenant').slice(0, 20).map((m) => m.id);
			const batch = expect(await make(operator, { meters, action: 'keep', reason: 'crash' }), 201).body;
			expect(await confirm(operator, batch.id), 202);
			await until('one is ordered', async () => (await operator.get(`/batches/${batch.id}`)).counts.todo < meters.length, 20_000, 5);
			world.stack.process('worker').kill();
			const done = await finished(operator, batch.id);
			assert.equal(done.counts.done, meters.length, JSON.stringify(done.counts));
			const audits = await world.stack.sql(`SELECT object, COUNT(*) AS n FROM audit WHERE action = 'meter.control' AND reason = 'crash' AND object LIKE 'meter:%' GROUP BY object`);
			assert.deepEqual([audits.length, audits.every((a) => a.n === '1')], [meters.length, true]);
			const end = expect(await make(operator, { meters, action: 'auto' }), 201).body;
			expect(await confirm(operator, end.id), 202);
			await finished(operator, end.id);
		});
	});
}
