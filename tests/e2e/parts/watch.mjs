// The audit log, alarms and figures, as staff and watchers meet them.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { hostname, userInfo } from 'node:os';
import { describe, test } from 'node:test';
import { DEMO_PASSWORD, expect, tenantPhone, until } from '../lib.mjs';

const here = (file) => new URL(`../../../docs/monitoring/${file}`, import.meta.url);
const today = () => new Intl.DateTimeFormat('sv-SE', { timeZone: 'Asia/Shanghai' }).format(Date.now());

/** What docs/audit.md tells a third party to do. */
function chainFaults(lines) {
	const part = (text) => `${Buffer.byteLength(text)}:${text}`;
	return lines.filter((l, i) => {
		const text = ['audit', l.id, l.at, part(l.actor), part(l.address), part(l.action), part(l.object), part(l.outcome), l.site_id,
			part(l.request_id), part(l.reason), part(l.detail), part(l.before), part(l.after)].join(' ');
		const hash = createHash('sha256').update(`${l.prev_sha256}\n${text}`).digest('hex');
		return hash !== l.sha256 || (i > 0 && (l.n !== lines[i - 1].n + 1 || l.prev_sha256 !== lines[i - 1].sha256));
	});
}

export default function (world) {
	describe('the audit log', () => {
		test('has who, from where, what, before, after and why', async () => {
			const admin = await world.api.login('admin');
			const { items } = await admin.get('/settings');
			const old = items.find((s) => s.name === 'fee_notice_days').value;
			const put = (value, reason) => admin.call('PUT', '/settings', { body: { name: 'fee_notice_days', value, reason } });
			expect(await put(old + 1, 'first'), 200);
			const answer = expect(await put(old + 2, 'longer notice'), 200);
			const request = answer.headers.get('x-request-id');
			const [row] = (await admin.get('/audit?action=setting.edit&q=longer')).items;
			assert.equal(row.request_id, request);
			assert.equal(row.actor, `user:${(await admin.get('/me')).id}`);
			assert.equal(row.address, '127.0.0.1');
			assert.equal(row.outcome, 'ok');
			assert.equal(row.reason, 'longer notice');
			assert.deepEqual(row.before, { settings: { fee_notice_days: old + 1 } });
			assert.deepEqual(row.after, { settings: { fee_notice_days: old + 2 } });
			assert.equal((await admin.get(`/audit/${row.id}`)).reason, 'longer notice');
		});

		test('keeps what was refused: a wrong password, a missing right, a thing of others', async () => {
			const admin = await world.api.login('admin');
			const viewer = await world.api.login('viewer');
			const newest = async (query) => (await admin.get(`/audit?outcome=refused&${query}`)).items[0];
			expect(await world.api.call('POST', '/auth/login', { body: { username: 'cashier', password: 'guess-me' } }), 401);
			const login = await newest('action=auth.login');
			assert.equal(login.outcome, 'wrong_password');
			assert.equal(login.detail.asked.username, 'cashier');
			assert.ok(!JSON.stringify(login).includes('guess-me'));
			assert.equal((await admin.get(`/audit?action=auth.login&outcome=ok&object=user:${(await viewer.get('/me')).id}`)).items[0].address, '127.0.0.1');

			expect(await viewer.call('PUT', '/settings', { body: { name: 'fee_cut', value: 1, reason: 'no' } }), 403);
			const forbidden = await newest('action=setting.edit');
			assert.equal(forbidden.outcome, 'forbidden');
			assert.equal(forbidden.actor, `user:${(await viewer.get('/me')).id}`);

			const tenant = await world.api.login(tenantPhone(1));
			const other = await (await world.api.login(tenantPhone(2))).account();
			expect(await tenant.call('POST', `/me/accounts/${other.id}/emergency-credit`, { body: {}, key: `em-${Date.now()}` }), 404);
			assert.equal((await newest(`object=account:${other.id}`)).outcome, 'not_found');
			expect(await viewer.call('GET', '/audit'), 403, 'forbidden');
		});

		test('has what was done by the command line, and by whom', async () => {
			const admin = await world.api.login('admin');
			const { username } = userInfo();
			await world.second('viewer');
			const made = (await admin.get('/audit?action=user.create&outcome=ok')).items.find((r) => r.detail.username === 'viewer2');
			assert.deepEqual([made.actor, made.address, made.detail.role], [`cli:${username}`, hostname(), 'viewer']);
			assert.equal(made.after.username, 'viewer2');
			await assert.rejects(world.stack.addStaff('viewer2', 'viewer', DEMO_PASSWORD));
			assert.equal((await admin.get('/audit?action=user.create&outcome=already')).items[0].detail.username, 'viewer2');
			const [migrated] = (await admin.get('/audit?action=database.migrate')).items;
			assert.equal(migrated.actor, `cli:${username}`);
			assert.ok(migrated.detail.migrations.includes('0001_places.sql'));
		});

		test('goes on page by page, without a gap', async () => {
			const admin = await world.api.login('admin');
			await world.stack.sql(`INSERT INTO audit (at, actor, action, object, detail)
				SELECT ${Date.now()}, 'system', 'test.row', CONCAT('test:', seq), '{}' FROM seq_1_to_120`);
			const first = await admin.get('/audit');
			assert.equal(first.items.length, 100);
			const second = await admin.get(`/audit?cursor=${first.next}`);
			assert.ok(second.items.every((r) => r.id < first.items.at(-1).id));
			assert.equal((await admin.get(`/audit?from=${today()}&to=${today()}`)).items.length, 100);
			expect(await admin.call('GET', '/audit?from=2026-01-02&to=2026-01-01'), 422, 'out_of_range');
		});

		test('can be taken out and checked by anyone', async () => {
			const admin = await world.api.login('admin');
			await until('every row is chained', async () =>
				(await world.stack.number('SELECT COUNT(*) FROM audit a LEFT JOIN audit_chain c ON c.audit_id = a.id WHERE c.n IS NULL')) === 0, 30_000);
			const file = expect(await admin.call('GET', '/audit/export'), 200);
			const lines = file.text.trim().split('\n').map((l) => JSON.parse(l));
			assert.ok(lines.length > 100);
			assert.equal(lines[0].prev_sha256, '0'.repeat(64));
			assert.deepEqual(chainFaults(lines), []);
			lines[50].reason += 'x';
			assert.deepEqual(chainFaults(lines), [lines[50]]);
		});
	});

	describe('alarms', () => {
		test('are acknowledged, commented on and listed by what they are', async () => {
			const engineer = await world.api.login('engineer');
			const { items: [gateway] } = await engineer.get('/gateways');
			await world.stack.sql(`INSERT INTO alarm (kind, severity, object_kind, object_id, object_code, text, raised_at, last_at, open_key)
				VALUES ('gateway_twin', 'urgent', 'gateway', ${gateway.id}, '${gateway.code}', 'test', ${Date.now()}, ${Date.now()}, 'gateway_twin:gateway:${gateway.id}')`);
			const list = async (query) => (await engineer.get(`/alarms?kind=gateway_twin&${query}`)).items;
			const [alarm] = await list('state=unacked&severity=urgent');
			assert.deepEqual(alarm.object, { kind: 'gateway', id: gateway.id, code: gateway.code });
			expect(await (await world.api.login('viewer')).call('POST', `/alarms/${alarm.id}/ack`, { body: {} }), 403);
			expect(await engineer.call('POST', `/alarms/${alarm.id}/ack`, { body: { note: 'I go' } }), 200);
			expect(await engineer.call('POST', `/alarms/${alarm.id}/comment`, { body: { text: 'second device found' } }), 200);
			expect(await engineer.call('POST', `/alarms/${alarm.id}/clear`, { body: { reason: 'gone' } }), 409, 'conflict');
			const detail = await engineer.get(`/alarms/${alarm.id}`);
			assert.deepEqual(detail.history.map((h) => [h.what, h.text]), [['acked', 'I go'], ['commented', 'second device found']]);
			assert.equal((await list('state=unacked')).length, 0);
			assert.equal((await list(`state=acked&object=gateway:${gateway.id}&from=${today()}`)).length, 1);
			assert.equal((await list('state=open&object=meter')).length, 0);
			expect(await engineer.call('GET', '/alarms?state=never'), 422, 'bad_value');
			const { items: areas } = await engineer.get('/areas');
			const area = areas.find((a) => a.id === detail.area_id);
			for (const where of [`site_id=${detail.site_id}`, `area_id=${area.id}`]) assert.equal((await list(where)).length, 1, where);
			const other = areas.find((a) => a.id !== area.id && a.id !== area.parent?.id);
			assert.equal((await list(`area_id=${other.id}`)).length, 0, 'an area beside it');
			assert.equal((await list('site_id=999999')).length, 0);
			assert.equal((await list('sort=raised_at&state=all')).length, 1);
			expect(await engineer.call('POST', '/alarms/999999999/ack', { body: {} }), 404);
			const kinds = (await engineer.get('/alarms/kinds')).items;
			assert.ok(kinds.every((k) => k.name_zh && k.name_en) && kinds.some((k) => k.kind === 'phase_lost'));
		});
	});

	test('every alarm that the sources raise or clear is of a kind of the list', async () => {
		const known = new Set((await (await world.api.login('viewer')).get('/alarms/kinds')).items.map((k) => k.kind));
		const root = new URL('../../../', import.meta.url);
		const patterns = [/alarm_clear(?:_code)?\(\s*[\w>.-]+,\s*"([a-z_]+)"/g, /struct alarm_new\)\{\s*"([a-z_]+)"/g,
			/\.kind = "([a-z_]+)",\s*\.severity/g, /\[ALARM_\w+\] = \{ "([a-z_]+)"/g];
		const found = ['core', 'fcgi', 'poller', 'worker'].flatMap((folder) => readdirSync(new URL(folder, root), { recursive: true })
			.filter((f) => f.endsWith('.c')).flatMap((f) => {
				const text = readFileSync(new URL(`${folder}/${f}`, root), 'utf8');
				return patterns.flatMap((p) => [...text.matchAll(p)].map((m) => m[1]));
			}));
		assert.ok(found.length > 30);
		assert.deepEqual([...new Set(found)].filter((k) => !known.has(k)), []);
	});

	describe('figures', () => {
		const text = async () => (await fetch(`${world.stack.base}/metrics`)).text();
		const panels = () => JSON.parse(readFileSync(here('grafana.json'), 'utf8')).panels;
		const names = (all) => new Set([...all.matchAll(/^# TYPE (\S+) (\S+)/gm)].flatMap(([, name, type]) =>
			(type === 'histogram' ? ['_bucket', '_sum', '_count'].map((s) => name + s) : type === 'summary' ? [name, `${name}_count`] : [name])));

		test('are such as Prometheus takes', async () => {
			execFileSync('promtool', ['check', 'metrics'], { input: await text(), stdio: ['pipe', 'inherit', 'inherit'] });
			execFileSync('promtool', ['check', 'rules', here('alerts.yml').pathname], { stdio: 'pipe' });
			// each query of the dashboard is one that Prometheus can parse
			const file = world.stack.path('dashboard.yml');
			writeFileSync(file, JSON.stringify({ groups: [{ name: 'dashboard', rules: panels().flatMap((p) => p.targets.map((t) => ({ record: `panel:${p.id}_${t.refId}`, expr: t.expr }))) }] }));
			execFileSync('promtool', ['check', 'rules', file], { stdio: 'pipe' });
			execFileSync('promtool', ['test', 'rules', new URL('../../monitoring/alerts.test.yml', import.meta.url).pathname], { stdio: 'pipe' });
		});

		test('count readings', async () => {
			const read = async () => [...(await text()).matchAll(/^yufu_readings_total\{gateway="[^"]+"\} (\d+)$/gm)].reduce((sum, [, n]) => sum + Number(n), 0);
			const before = await read();
			await until('more were read', async () => await read() > before, 60_000, 500);
		});

		test('have every name that the rules and the dashboard ask for, and the documents tell of each', async () => {
			const there = names(await text());
			const asked = [readFileSync(here('alerts.yml'), 'utf8').replace(/^\s*annotations:.*$/gm, ''),
				...panels().flatMap((p) => p.targets.map((t) => t.expr))];
			const wanted = new Set(asked.flatMap((a) => a.match(/yufu_[a-z_0-9]+/g) ?? []));
			assert.ok(wanted.size > 20);
			assert.deepEqual([...wanted].filter((n) => !there.has(n)), []);
			const told = readFileSync(new URL('../../../docs/metrics.md', import.meta.url), 'utf8');
			assert.deepEqual([...there].filter((n) => !told.includes(n.replace(/_(bucket|sum|count)$/, ''))), []);
		});

		test('count answers and how long they took', async () => {
			const count = async () => Number(/yufu_http_request_duration_seconds_count\{method="GET",route="\/me"\} (\d+)/.exec(await text())?.[1] ?? 0);
			const before = await count();
			await (await world.api.login('viewer')).get('/me');
			assert.ok(await count() > before);
		});
	});

	test('health says which part is not well', async () => {
		const health = await (await fetch(`${world.stack.base}/healthz`)).json();
		assert.deepEqual(Object.keys(health.parts), ['database', 'poller', 'worker']);
		assert.equal(health.parts.database.status, 'ok');
		assert.equal(health.parts.poller.status, 'ok');
		assert.equal(health.parts.worker.status, 'ok');
	});

	test('staff see how the platform is doing, and when the last backup was told of', async () => {
		const engineer = await world.api.login('engineer');
		const backup = async () => (await engineer.get('/system')).outside.find((o) => o.name === 'backup');
		const system = await engineer.get('/system');
		assert.equal(system.parts.worker.status, 'ok');
		assert.equal(system.pollers.filter((p) => p.live).reduce((n, p) => n + p.buses, 0), await world.stack.number('SELECT COUNT(*) FROM gateway WHERE enabled = 1'));
		await until('a round is over', async () => (await engineer.get('/system')).pollers.every((p) => !p.live || p.round_ms > 0), 60_000, 200);
		assert.deepEqual(system.jobs, []);
		assert.ok(system.storage.bytes > 1_000_000 && system.audit.rows > 0, JSON.stringify([system.storage, system.audit]));
		assert.equal(system.sealed.length, 1);
		assert.equal((await backup()).state, 'never');
		await world.stack.yufu('job', 'failed', 'backup');
		assert.equal((await backup()).state, 'failed');
		assert.equal((await (await fetch(`${world.stack.base}/healthz`)).json()).parts.worker.status, 'ok', 'it is no job of the worker');
		await world.stack.yufu('job', 'done', 'backup');
		const done = await backup();
		assert.ok(done.state === 'ok' && Date.now() - Date.parse(done.ok_at) < 60_000, JSON.stringify(done));
		assert.equal((await engineer.get('/jobs/backup')).result, 'ok');
		await assert.rejects(world.stack.yufu('job', 'done', 'nothing'));
		expect(await (await world.api.login('viewer')).call('GET', '/system'), 403);
	});
}
