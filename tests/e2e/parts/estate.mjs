// Sites, areas, gateways and meters kept through the API, by the rules of the import; and how the
// worker's jobs are doing.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { describe, test } from 'node:test';
import { expect, until } from '../lib.mjs';

export default function (world) {
	describe('the estate', () => {
		const add = (session, path, body, headers) => session.call('POST', path, { body: { reason: 'e2e', ...body }, key: randomUUID(), headers });
		const change = (session, path, body) => session.call('PATCH', path, { body: { reason: 'e2e', ...body } });

		test('a gateway and a meter are added and read without a restart', async () => {
			const { stack } = world;
			const [engineer, viewer] = [await world.api.login('engineer'), await world.api.login('viewer')];
			const [site] = (await viewer.get('/sites')).items;
			assert.deepEqual(await viewer.get(`/sites/${site.id}`), site);
			assert.ok(site.meters >= 370 && site.gateways >= 5, JSON.stringify(site));
			const starts = stack.process('poller').starts;

			const area = expect(await add(engineer, '/areas', { code: 'e2e-area', name: '新楼层', site: site.code, floor_m2: '120.50' }), 201).body;
			assert.deepEqual([area.floor_m2, area.kind, area.site.id, area.parent], ['120.5', 'floor', site.id, null]);
			const gateway = expect(await add(engineer, '/gateways', {
				code: 'e2e-gw', name: 'new', site: site.code, area: 'e2e-area', transport: 'modbus-tcp', address: '127.0.0.1:1',
			}), 201).body;
			assert.deepEqual([gateway.setup.area.code, gateway.setup.baud, gateway.setup.parity], ['e2e-area', 9600, 'N']);

			// Unit 3 of the first bus, over a connection of its own: at a dead address first.
			const twin = await viewer.meterByCode('A03');
			const meter = expect(await add(engineer, '/meters', {
				code: 'e2e-m', gateway: 'e2e-gw', unit: '3', model: twin.model, role: 'public', billing: 'none', area: 'e2e-area', rated_current_a: '60',
			}), 201).body;
			assert.deepEqual([meter.role, meter.billing, meter.setup.rated_current_a], ['public', 'none', '60']);
			const at = expect(await change(engineer, `/gateways/${gateway.id}`, { address: `127.0.0.1:${stack.ports.modbus}` }), 200).body;
			assert.equal(at.address, `127.0.0.1:${stack.ports.modbus}`);
			await until('the new meter is read', async () => (await viewer.get(`/meters/${meter.id}`)).comm.state === 'ok', 60_000, 200);
			assert.equal(stack.process('poller').starts, starts);

			assert.equal(expect(await change(engineer, `/meters/${meter.id}`, { name: '改名' }), 200).body.name, '改名');
			assert.equal(expect(await change(engineer, `/areas/${area.id}`, { name: '改名', kind: 'riser' }), 200).body.kind, 'riser');
			assert.equal(expect(await change(engineer, `/sites/${site.id}`, { name: site.name }), 200).body.name, site.name);
			assert.equal(await stack.number("SELECT COUNT(*) FROM audit WHERE action IN ('area.add', 'area.edit', 'gateway.add', 'gateway.edit', 'meter.add', 'meter.edit', 'site.edit') AND reason = 'e2e' AND NOT (action = 'meter.edit' AND object LIKE 'site:%')"), 6);
			const [row] = await stack.sql(`SELECT detail, reason FROM audit WHERE action = 'meter.edit' AND object LIKE 'meter:%' AND reason = 'e2e' ORDER BY id DESC LIMIT 1`);
			assert.deepEqual([JSON.parse(row.detail), row.reason], [{ changes: { name: ['e2e-m', '改名'] } }, 'e2e']);
			assert.ok((await viewer.get('/areas')).items.some((a) => a.id === area.id && a.meters === 1));

			// Out of service: first what hangs behind, and nothing that a tenant pays for.
			const serve = (path, enabled) => change(engineer, path, { enabled });
			expect(await serve(`/gateways/${gateway.id}`, false), 409, 'conflict');
			expect(await serve(`/meters/${twin.id}`, false), 409, 'conflict');
			expect(await change(engineer, `/meters/${meter.id}`, { enabled: false, name: 'both' }), 422, 'bad_value');
			assert.equal(expect(await serve(`/meters/${meter.id}`, false), 200).body.setup.enabled, false);
			assert.equal(expect(await serve(`/gateways/${gateway.id}`, false), 200).body.enabled, false);
			const codes = async (query) => (await viewer.get(`/meters?gateway_id=${gateway.id}${query}`)).items.map((m) => m.code);
			assert.deepEqual([await codes(''), await codes('&enabled=0')], [[], ['e2e-m']]);
			assert.equal((await viewer.get(`/meters/${meter.id}`)).enabled, false);
			const gateways = async (query) => (await viewer.get(`/gateways?${query}`)).items.map((g) => g.code);
			assert.deepEqual(await gateways('enabled=0'), ['e2e-gw']);
			assert.ok(!(await gateways('enabled=1')).includes('e2e-gw'));
			expect(await serve(`/meters/${meter.id}`, true), 409, 'conflict'); // it could not be read
			expect(await serve(`/gateways/${gateway.id}`, true), 200);
			expect(await serve(`/meters/${meter.id}`, true), 200);
			const back = Date.now();
			await until('it is read again', async () => Date.parse((await viewer.get(`/meters/${meter.id}`)).read_at) > back, 60_000, 200);
			expect(await serve(`/meters/${meter.id}`, false), 200);
			expect(await serve(`/gateways/${gateway.id}`, false), 200);
		});

		test('what the import would refuse is refused here, by the same words', async () => {
			const [engineer, viewer] = [await world.api.login('engineer'), await world.api.login('viewer')];
			const meter = await viewer.meterByCode('A04');
			const good = { code: 'e2e-x', gateway: meter.gateway.code, unit: '247', model: meter.model };
			const refused = async (answer, status, code, field) => assert.equal(expect(await answer, status, code).body.field, field);
			await refused(add(engineer, '/meters', { ...good, code: 'A04' }), 409, 'already', 'code');
			await refused(add(engineer, '/meters', { ...good, gateway: 'nowhere' }), 404, 'not_found', 'gateway');
			await refused(add(engineer, '/meters', { ...good, model: 'nothing' }), 404, 'not_found', 'model');
			await refused(add(engineer, '/meters', { ...good, unit: '999' }), 422, 'out_of_range', 'unit');
			await refused(add(engineer, '/meters', { ...good, unit: meter.unit }), 409, 'already', 'unit');
			await refused(add(engineer, '/meters', { ...good, utility: meter.utility === 'water' ? 'electricity' : 'water' }), 409, 'conflict', 'utility');
			await refused(add(engineer, '/gateways', { code: 'e2e-y', site: 'nowhere', transport: 'modbus-tcp', address: '10.0.0.1:502' }), 404, 'not_found', 'site');
			const [site] = (await viewer.get('/sites')).items;
			await refused(add(engineer, '/gateways', { code: 'e2e-y', site: site.code, transport: 'modbus-tcp', address: 'no port' }), 422, 'bad_value', 'address');
			await refused(add(engineer, '/areas', { code: 'e2e-z', name: 'x', site: site.code, parent: 'nowhere' }), 404, 'not_found', 'parent');
			await refused(change(engineer, `/meters/${meter.id}`, { parent: 'A04' }), 409, 'conflict', 'parent');
			expect(await change(engineer, '/meters/999999', { name: 'x' }), 404, 'not_found');
			expect(await add(viewer, '/meters', good), 403, 'forbidden');
			const zh = expect(await add(engineer, '/meters', { ...good, code: 'A04' }, { 'accept-language': 'zh-CN,zh;q=0.9,en;q=0.8' }), 409).body;
			assert.match(zh.detail + zh.hint, /[\u4e00-\u9fff].*[\u4e00-\u9fff]/);
			assert.ok(!(await viewer.get('/meters')).items.some((m) => m.code === 'e2e-x'));
		});

		test('models, tenants and jobs can be looked at', async () => {
			const [viewer, operator] = [await world.api.login('viewer'), await world.api.login('operator')];
			const models = (await viewer.get('/meter-models')).items;
			const one = models.find((m) => m.name === 'acrel-ddsy1352');
			assert.deepEqual([one.utility, one.keeps_credit, one.acts.includes('off')], ['electricity', true, true]);
			assert.deepEqual(await viewer.get('/meter-models/acrel-ddsy1352'), one);
			expect(await viewer.call('GET', '/meter-models/nothing'), 404, 'not_found');
			const [tenant] = (await operator.get('/tenants')).items;
			const whole = await operator.get(`/tenants/${tenant.id}`);
			assert.deepEqual([whole.code, whole.contracts.length >= 1], [tenant.code, true]);
			const jobs = (await operator.get('/jobs')).items;
			const seal = jobs.find((j) => j.name === 'seal');
			assert.ok(jobs.length >= 25 && seal.runs >= 1 && seal.next_at > seal.run_at, JSON.stringify(seal));
			assert.equal((await operator.get('/jobs/send:aliyun_sms')).name, 'send:aliyun_sms');
			expect(await operator.call('GET', '/jobs/nothing'), 404, 'not_found');
		});
	});
}
