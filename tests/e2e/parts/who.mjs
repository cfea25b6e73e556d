// Staff and their roles, passwords, sessions, the second factor, and keys of other systems.
import assert from 'node:assert/strict';
import { createHmac, randomUUID } from 'node:crypto';
import { before, describe, test } from 'node:test';
import { expect, Session, tenantPhone } from '../lib.mjs';

const OWN = 'a password of my own';

/** The code of RFC 6238 at a time, counted in steps of 30 s from now. */
function totp(secret, steps = 0) {
	const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
	const bits = [...secret.replace(/[= ]/g, '')].map((c) => letters.indexOf(c).toString(2).padStart(5, '0')).join('');
	const key = Buffer.from(bits.match(/.{8}/g).map((b) => parseInt(b, 2)));
	const counter = Buffer.alloc(8);
	counter.writeBigInt64BE(BigInt(Math.floor(Date.now() / 30_000) + steps));
	const hash = createHmac('sha1', key).update(counter).digest();
	return String((hash.readUInt32BE(hash[19] & 15) & 0x7fffffff) % 1_000_000).padStart(6, '0');
}

export default function (world) {
	describe('who a caller is', () => {
		let admin, roles;
		const call = (session, method, path, body) => session.call(method, path, { body, key: randomUUID() });
		const add = async (username, role, more = {}) =>
			expect(await call(admin, 'POST', '/users', { username, role_id: roles[role], ...more }), 201).body;
		/** A member of staff with a password of their own. */
		const person = async (username, role, more) => {
			const { user, password } = await add(username, role, more);
			const session = await world.api.login(username, password);
			expect(await call(session, 'PUT', '/me/password', { old_password: password, new_password: OWN }), 204);
			return { ...user, session };
		};
		before(async () => {
			admin = await world.api.login('admin');
			roles = Object.fromEntries((await admin.get('/roles')).items.map((r) => [r.code, r.id]));
		});

		test('a password that somebody else set is changed before anything else', async () => {
			const { user, password } = await add('who.first', 'viewer');
			assert.equal(user.password_change_required, true);
			const session = await world.api.login('who.first', password);
			expect(await call(session, 'GET', '/meters'), 403, 'password_change_required');
			assert.equal((await session.get('/me')).password_change_required, true);
			const change = (old_password, new_password) => call(session, 'PUT', '/me/password', { old_password, new_password });
			for (const [bad, code] of [['short', 'out_of_range'], ['Password123', 'bad_value'], ['who.first', 'bad_value'], ['aaaaaaaaaa', 'bad_value'], [password, 'bad_value']])
				assert.equal(expect(await change(password, bad), 422, code).body.field, 'new_password');
			expect(await change('wrong', OWN), 401, 'wrong_password');
			expect(await change(password, OWN), 204);
			expect(await call(session, 'GET', '/meters'), 200);
			expect(await call(world.api, 'POST', '/auth/login', { username: 'who.first', password }), 401, 'wrong_password');
		});

		test('a user is moved, shut out and given another password; sessions end at once', async () => {
			const one = await person('who.moved', 'cashier');
			expect(await call(one.session, 'GET', '/settings'), 403);
			expect(await call(admin, 'PUT', `/users/${one.id}`, { role_id: roles.operator }), 200);
			expect(await call(one.session, 'GET', '/settings'), 200);
			const made = expect(await call(admin, 'POST', `/users/${one.id}/password`, {}), 200).body;
			expect(await call(one.session, 'GET', '/me'), 401);
			const again = await world.api.login('who.moved', made.password);
			expect(await call(admin, 'PUT', `/users/${one.id}`, { disabled: true }), 200);
			expect(await call(again, 'GET', '/me'), 401);
			expect(await call(world.api, 'POST', '/auth/login', { username: 'who.moved', password: made.password }), 401, 'wrong_password');
			assert.equal((await admin.get(`/users/${one.id}`)).disabled, true);
			assert.ok((await admin.get('/users')).items.some((u) => u.username === 'who.moved'));
			expect(await call(admin, 'POST', '/users', { username: 'who.moved', role_id: roles.viewer }), 409, 'already');
		});

		test('nobody gives what he may not do, and somebody stays admin', async () => {
			const clerk = expect(await call(admin, 'POST', '/roles', { code: 'who-clerk', name: 'x', permissions: ['user.manage', 'meter.read'] }), 201).body;
			roles['who-clerk'] = clerk.id;
			const one = await person('who.clerk', 'who-clerk');
			expect(await call(one.session, 'POST', '/users', { username: 'who.more', role_id: roles.viewer }), 403, 'forbidden');
			expect(await call(one.session, 'PUT', `/users/${one.id}`, { role_id: roles.admin }), 403, 'forbidden');
			const [meter] = (await admin.get('/meters?limit=1&role=tenant')).items;
			const of = [`meter:${meter.id}`, `tenant:${meter.tenant.id}`, `user:${one.id}`];
			const names = async (session) => (await session.get(`/names?of=${of}`)).items.map((i) => [i.of, i.code, i.name]);
			assert.deepEqual(await names(admin), [[of[0], meter.code, meter.name], [of[1], meter.tenant.room, meter.tenant.name], [of[2], null, 'who.clerk']]);
			assert.deepEqual((await names(one.session)).map(([what]) => what), [of[0], of[2]], 'who may not read tenants does not learn their names');
			const boss = (await admin.get('/users')).items.find((u) => u.username === 'admin');
			expect(await call(one.session, 'POST', `/users/${boss.id}/password`, {}), 403, 'forbidden');
			expect(await call(one.session, 'POST', '/roles', { code: 'who-more', name: 'x', permissions: ['meter.control'] }), 403, 'forbidden');
			expect(await call(one.session, 'PUT', `/roles/${clerk.id}`, { permissions: ['user.manage', 'sale.create'] }), 403, 'forbidden');
			expect(await call(one.session, 'POST', '/users', { username: 'who.same', role_id: clerk.id }), 201);
			// Other parts have second admins: while there is one, the first may go.
			const others = (await admin.get('/users')).items.filter((u) => u.role === 'admin' && u.id !== boss.id && !u.site_id && !u.disabled);
			for (const u of others) expect(await call(admin, 'PUT', `/users/${u.id}`, { disabled: true }), 200);
			for (const change of [{ disabled: true }, { role_id: roles.viewer }, { site_id: 1 }]) expect(await call(admin, 'PUT', `/users/${boss.id}`, change), 409, 'conflict');
			for (const u of others) expect(await call(admin, 'PUT', `/users/${u.id}`, { disabled: false }), 200);
		});

		test('roles as shipped stay, copies are edited and count at once', async () => {
			const shipped = (await admin.get('/roles')).items.find((r) => r.code === 'operator');
			assert.equal(shipped.shipped, true);
			expect(await call(admin, 'PUT', `/roles/${shipped.id}`, { permissions: [] }), 409, 'conflict');
			expect(await call(admin, 'DELETE', `/roles/${shipped.id}`), 409, 'conflict');
			const copy = expect(await call(admin, 'POST', '/roles', { code: 'who-night', name: '夜班', permissions: shipped.permissions }), 201).body;
			roles['who-night'] = copy.id;
			const one = await person('who.night', 'who-night');
			expect(await call(one.session, 'GET', '/tariffs'), 200);
			expect(await call(admin, 'PUT', `/roles/${copy.id}`, { permissions: ['meter.read'] }), 200);
			expect(await call(one.session, 'GET', '/tariffs'), 403);
			expect(await call(admin, 'PUT', `/roles/${copy.id}`, { permissions: ['meter.eat'] }), 422, 'bad_value');
			expect(await call(admin, 'DELETE', `/roles/${copy.id}`), 409, 'conflict');
			expect(await call(admin, 'PUT', `/users/${one.id}`, { role_id: roles.viewer }), 200);
			expect(await call(admin, 'DELETE', `/roles/${copy.id}`), 204);
			const listed = (await admin.get('/permissions')).items;
			assert.deepEqual(listed.map((p) => p.permission).sort(), [...(await admin.get('/me')).permissions].sort());
		});

		test('who is confined to an area sees what is inside it', async () => {
			const [{ area, site, code }] = await world.stack.sql(`SELECT m.area_id AS area, a.site_id AS site, m.code FROM meter m JOIN area a ON a.id = m.area_id WHERE m.code = 'A30'`);
			const one = await person('who.area', 'viewer', { site_id: Number(site), area_ids: [Number(area)] });
			const inside = (await world.stack.sql(`SELECT code FROM meter WHERE area_id = ${area} AND enabled ORDER BY id`)).map((m) => m.code);
			assert.deepEqual((await one.session.get('/meters')).items.map((m) => m.code).sort(), inside.sort());
			assert.ok(inside.includes(code) && inside.length < (await admin.get('/meters')).items.length);
			assert.equal((await one.session.get('/board')).meters_total, inside.length);
			assert.deepEqual((await one.session.get('/me')).areas.map((a) => a.id), [Number(area)]);
			const told = (await one.session.get('/reports')).items.map((r) => r.name);
			assert.ok(told.includes('communication') && !told.some((name) => name.startsWith('vending')), `${told}`);
			const span = 'from=2026-01-02&to=2026-01-02';
			const { items: kept } = await one.session.get(`/reports/communication?${span}`);
			assert.deepEqual(kept.filter((row) => row.kind === 'meter' && inside.includes(row.code)).map((row) => row.code).sort(), inside.sort());
			const outside = (await world.stack.sql(`SELECT code FROM meter WHERE area_id IS NULL OR area_id <> ${area}`)).map((m) => m.code);
			assert.ok(!kept.some((row) => outside.includes(row.code)));
			expect(await one.session.call('GET', `/reports/vending-day?${span}`), 403, 'forbidden');
			// An area above it takes it in.
			await world.stack.sql(`INSERT INTO area (code, name, site_id) VALUES ('WHO', 'x', ${site})`);
			const above = await world.stack.number(`SELECT id FROM area WHERE code = 'WHO'`);
			const place = (area_ids) => call(admin, 'PUT', `/users/${one.id}`, { area_ids });
			expect(await place([above]), 200);
			assert.deepEqual((await one.session.get('/meters')).items, []);
			await world.stack.sql(`UPDATE area SET parent_id = ${above} WHERE id = ${area}`);
			expect(await place([above]), 200);
			assert.equal((await one.session.get('/meters')).items.length, inside.length);
			await world.stack.sql(`UPDATE area SET parent_id = NULL WHERE id = ${area}`);
			expect(await place([999_999]), 404, 'not_found');
			expect(await place([]), 200);
			assert.equal((await one.session.get('/meters')).items.length, (await admin.get('/meters')).items.length);
		});

		test('sessions are listed, and ended one by one or all others', async () => {
			for (const who of ['tenant', 'staff']) {
				const name = who === 'tenant' ? tenantPhone(39) : 'viewer';
				const login = async (agent) => {
					const { body } = expect(await world.api.call('POST', '/auth/login', { body: { username: name, password: 'yufu-demo' }, headers: { 'user-agent': agent } }), 200);
					return new Session(world.api, body);
				};
				const [here, phone, desk] = [await login('here'), await login('a phone'), await login('a desk')];
				const list = async () => (await here.get('/me/sessions')).items;
				const found = (await list()).find((s) => s.agent === 'a phone');
				assert.equal((await list()).find((s) => s.current).agent, 'here');
				expect(await world.api.call('POST', '/auth/refresh', { body: { refresh_token: phone.tokens.refresh_token }, headers: { 'user-agent': 'a phone' } }), 200);
				assert.equal((await list()).find((s) => s.agent === 'a phone').id, found.id); // the same after its tokens changed
				expect(await call(here, 'DELETE', `/me/sessions/${found.id}`), 204);
				expect(await call(phone, 'GET', '/me'), 401);
				expect(await call(here, 'DELETE', `/me/sessions/${found.id}`), 404);
				expect(await call(here, 'DELETE', '/me/sessions'), 204);
				expect(await call(desk, 'GET', '/me'), 401);
				assert.equal((await list()).length, 1);
			}
		});

		test('a second factor: no code counts twice, wrong ones lock, a lost phone is got over', async () => {
			const one = await person('who.factor', 'viewer');
			const login = (code) => world.api.call('POST', '/auth/login', { body: { username: 'who.factor', password: OWN, ...(code && { code }) } });
			const { secret, uri } = expect(await call(one.session, 'POST', '/me/totp', {}), 201).body;
			assert.ok(uri.startsWith('otpauth://totp/') && uri.includes(secret));
			expect(await login(), 200); // not in force yet
			const other = totp(secret) === '000000' ? '111111' : '000000';
			expect(await call(one.session, 'POST', '/me/totp/confirm', { code: other }), 401, 'wrong_code');
			const code = totp(secret);
			const { recovery_codes: codes } = expect(await call(one.session, 'POST', '/me/totp/confirm', { code }), 200).body;
			assert.equal(new Set(codes).size, 10);
			expect(await login(), 401, 'code_required');
			expect(await login(code), 401, 'wrong_code'); // it was taken
			expect(await login(totp(secret, 1)), 200);
			expect(await login(codes[0]), 200);
			expect(await login(codes[0]), 401, 'wrong_code');
			expect(await call(one.session, 'POST', '/me/totp', {}), 409, 'conflict');
			expect(await call(one.session, 'POST', '/me/totp/remove', { password: 'wrong' }), 401, 'wrong_password');
			for (let n = 0; n < 6; n++) await login(other === totp(secret) ? '222222' : other);
			expect(await login(codes[1]), 423, 'locked');
			const plain = await world.stack.sql(`SELECT secret_box FROM user_totp WHERE user_id = ${one.id}`);
			assert.ok(!plain[0].secret_box.includes(secret));
			expect(await call(admin, 'DELETE', `/users/${one.id}/totp`), 204);
			const { password } = expect(await call(admin, 'POST', `/users/${one.id}/password`, {}), 200).body;
			expect(await world.api.call('POST', '/auth/login', { body: { username: 'who.factor', password } }), 200);
		});

		test('another system by its key: as its role, under its own name, until it is revoked', async () => {
			const make = async (username, more) => expect(await call(admin, 'POST', '/service-accounts', { username, name: 'ERP', role_id: roles.operator, ...more }), 201).body;
			const made = await make('who.erp');
			const as = (key) => new Session(world.api, { access_token: key });
			const erp = as(made.key);
			assert.match(made.key, /^yk_[0-9a-f]{64}$/);
			assert.ok(!JSON.stringify(await admin.get(`/service-accounts/${made.service.id}`)).includes(made.key));
			assert.equal((await erp.get('/me')).kind, 'service');
			assert.ok((await erp.get('/meters')).items.length > 0);
			expect(await call(erp, 'GET', '/users'), 403, 'forbidden');
			expect(await call(erp, 'PUT', '/me/password', { old_password: 'x', new_password: OWN }), 403, 'forbidden');
			expect(await call(erp, 'POST', '/me/totp', {}), 403, 'forbidden');
			const meter = (await erp.get('/meters')).items.find((m) => m.code === 'A35');
			expect(await call(erp, 'POST', `/meters/${meter.id}/supply`, { action: 'auto', reason: 'who' }), 202);
			assert.ok(await world.stack.number(`SELECT COUNT(*) FROM audit WHERE actor = 'user:${made.service.id}' AND object LIKE '%:%'`) > 0);
			// It is no second person.
			const asked = expect(await call(await world.api.login('operator'), 'POST', `/meters/${meter.id}/load-class`, { load_class: 'protected', reason: 'who' }), 202).body.approval.id;
			expect(await call(erp, 'POST', `/approvals/${asked}/approve`, { note: 'x' }), 403, 'forbidden');
			expect(await call(admin, 'POST', `/approvals/${asked}/reject`, { note: 'x' }), 200);

			const next = expect(await call(admin, 'POST', `/service-accounts/${made.service.id}/key`, {}), 200).body.key;
			expect(await call(erp, 'GET', '/me'), 401);
			expect(await call(as(next), 'GET', '/me'), 200);
			expect(await call(admin, 'DELETE', `/service-accounts/${made.service.id}`), 204);
			expect(await call(as(next), 'GET', '/me'), 401);
			expect(await call(admin, 'POST', `/service-accounts/${made.service.id}/key`, {}), 409, 'conflict');
			expect(await call(as(`yk_${'0'.repeat(64)}`), 'GET', '/me'), 401);

			const elsewhere = await make('who.elsewhere', { addresses: ['10.9.8.7'] });
			expect(await call(as(elsewhere.key), 'GET', '/me'), 401);
			const old = await make('who.old', { expires_at: new Date(Date.now() + 3_600_000).toISOString() });
			expect(await call(as(old.key), 'GET', '/me'), 200);
			await world.stack.sql(`UPDATE service_key SET expires_at = 1 WHERE user_id = ${old.service.id}`);
			expect(await call(as(old.key), 'GET', '/me'), 401);
		});
	});
}
