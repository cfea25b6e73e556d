// Every route as every role, on what is the caller's own, of another site, of another area, of
// another tenant. What is expected stands in matrix.txt, a line a route, reviewed by hand; a route
// without a line fails. Where the caller may, a parameter that there is not is sent along, so that
// the request ends behind the door without doing anything.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { before, describe, test } from 'node:test';
import { expect, tenantPhone, until } from '../lib.mjs';
import { kindOf } from './refused.mjs';

const FILE = new URL('../matrix.txt', import.meta.url);
const ROLES = ['admin', 'finance', 'cashier', 'operator', 'engineer', 'viewer'];
const AT_ONCE = 8;
const NOBODY = 999_999_999;

/** {"GET /meters": {who: Set, site, area}} */
function expected() {
	const lines = readFileSync(FILE, 'utf8').split('\n').filter((l) => l && !l.startsWith('#'));
	return new Map(lines.map((l) => {
		const [method, path, who, site, area] = l.split(/\s+/);
		assert.ok(area, `matrix.txt: ${l}`);
		return [`${method} ${path}`, { who: new Set(who.split(',').flatMap((w) => (w === 'all' ? ROLES : [w]))), site, area }];
	}));
}

export default function (world) {
	describe('who may do what', () => {
		let own, bodies, table, routes;
		const sessions = {};
		const wrong = [];

		/** Asks as often as nginx wants to wait: it counts the requests of an address. */
		const send = (session, method, path, body) => until(`${method} ${path} is let in`, async () => {
			const answer = await session.call(method, path, { body, key: randomUUID() });
			return answer.status !== 429 && answer;
		}, 60_000, 20);

		/** One after the other: only so many passwords are hashed at a time. */
		async function logins(name) {
			const all = {};
			for (const role of ROLES) all[role] = await world.api.login(name(role));
			return all;
		}

		/** Sessions of all roles, confined as said: users made at once, with the password of the demo. */
		async function people(word, site, area) {
			await world.stack.sql(`INSERT INTO user (username, kind, name, password_hash, role_id, site_id)
				SELECT CONCAT('${word}.', r.code), 'staff', '', u.password_hash, r.id, ${site} FROM role r JOIN user u ON u.username = 'admin'
				WHERE r.code IN (${ROLES.map((r) => `'${r}'`)})`);
			if (area) {
				const admin = sessions.own.admin;
				for (const role of ROLES) {
					const id = await world.stack.number(`SELECT id FROM user WHERE username = '${word}.${role}'`);
					expect(await send(admin, 'PUT', `/users/${id}`, { site_id: site, area_ids: [area] }), 200);
				}
			}
			return logins((role) => `${word}.${role}`);
		}

		before(async () => {
			({ things: own, bodies } = world.refused);
			table = expected();
			routes = Object.entries(world.api.document.paths).flatMap(([path, methods]) => Object.entries(methods)
				.map(([method, operation]) => ({ method: method.toUpperCase(), route: path, operation })));
			sessions.own = await logins((role) => role);
			const area = await world.stack.number(`SELECT area_id FROM meter WHERE id = ${own.meters}`);
			const elsewhere = await world.stack.number(`SELECT MAX(a.id) FROM area a JOIN meter m ON m.area_id = a.id AND m.enabled AND m.utility = 'electricity' WHERE a.site_id = ${own.sites} AND a.parent_id IS NULL AND a.id <> ${area}`);
			sessions.far = await people('far', world.refused.site);
			sessions.here = await people('here', own.sites, area);
			sessions.there = await people('there', own.sites, elsewhere);
			sessions.tenant = await world.api.login(tenantPhone(40));
		});

		const path = (route) => route.replace(/\{(\w+)\}/, (_, word) => ({ date: '2020-01-01', secret: 'x'.repeat(20) })[word] ?? own[kindOf(route)] ?? NOBODY);
		/** The query with all that is required, of the thing's own ids. */
		const query = (operation, more = {}) => {
			const good = { from: '2026-01-02', to: '2026-01-03', day: '2026-01-02', month: '2026-01', step: 'day', name: 'sites.csv', account_id: own.accounts, meter_id: own.meters, of: `meter:${own.meters}` };
			const required = (operation.parameters ?? []).filter((p) => p.in === 'query' && p.required).map((p) => [p.name, good[p.name]]);
			return new URLSearchParams({ ...Object.fromEntries(required), ...more }).toString();
		};
		const verdict = ({ status, body }) => (body?.code === 'unknown_field' && body.field === 'surprise' ? 'in' : status < 400 ? 'in' : String(status));
		/** Asks for the thing, or stops behind the door when sure is false. */
		async function ask(session, { method, route, operation }, sure) {
			const raw = operation.requestBody?.content['application/octet-stream'];
			const body = bodies[`${method} ${route}`] ?? (raw ? 'code,name\n' : /^(GET|DELETE)$/.test(method) ? undefined : {});
			const page = (more) => send(session, method, `${path(route)}?${query(operation, more)}`, body);
			const answer = await page(sure ? {} : { surprise: 1 });
			const isIn = (a) => a.body?.items?.some((i) => i.id !== undefined && i.id === own[route.slice(1)]);
			let [seen, last] = [isIn(answer), answer];
			for (let n = 0; !seen && last.body?.next && n < 20; n++) {
				last = await page({ cursor: last.body.next });
				seen = isIn(last);
			}
			return { seen, verdict: verdict(answer) };
		}
		async function each(list, one) {
			const queue = [...list];
			await Promise.all(Array.from({ length: AT_ONCE }, async () => {
				for (let r = queue.shift(); r; r = queue.shift()) await one(r);
			}));
		}
		const judge = (who, { method, route }, got, want) => {
			if (got !== want) wrong.push(`${who} ${method} ${route}: ${got}, not ${want}`);
		};
		const done = () => assert.deepEqual(wrong.splice(0), []);
		const key = ({ method, route }) => `${method} ${route.replace(/^\/reports\/(vending-)?[^/]+$/, (_, vending) => (vending ? '/reports/{vending}' : '/reports/{report}'))}`;
		const lineOf = (r) => table.get(key(r));
		const closed = () => routes.filter((r) => r.operation.security.length > 0);

		test('every route has its line, and every line its route', () => {
			const keys = routes.map(key);
			assert.deepEqual(keys.filter((k) => !table.has(k)), [], 'write a line into matrix.txt');
			assert.deepEqual([...table.keys()].filter((k) => !keys.includes(k)), []);
			for (const r of routes)
				assert.equal(lineOf(r).who.has('anyone'), r.operation.security.length === 0, `${r.method} ${r.route}`);
		});

		test('nobody, and a tenant on what is another tenant\'s', async () => {
			await each(closed(), async (r) => {
				judge('nobody', r, (await ask(world.api, r, false)).verdict, '401');
				const { who, site } = lineOf(r);
				const another = who.has('tenant') && site === '404'; // what is another tenant's
				judge('tenant', r, (await ask(sessions.tenant, r, another)).verdict, another ? '404' : who.has('tenant') ? 'in' : '403');
			});
			done();
		});

		test('every role, on what is its own', async () => {
			await each(closed(), async (r) => {
				for (const role of ROLES) judge(role, r, (await ask(sessions.own[role], r, false)).verdict, lineOf(r).who.has(role) ? 'in' : '403');
			});
			done();
		});

		/** A line's word: "404", "403"; "empty": a list without the thing; "open". */
		async function confined(who, role, r, word) {
			const may = lineOf(r).who.has(role);
			const sure = may && (word === '404' || word === '403' || r.method === 'GET');
			const { verdict: got, seen } = await ask(sessions[who][role], r, sure);

			if (!may) judge(`${who}.${role}`, r, got, '403');
			else if (word === '404' || word === '403') judge(`${who}.${role}`, r, got, word);
			else if (got === '401' || got === '403' || got === '404') judge(`${who}.${role}`, r, got, word);
			else if (word === 'empty' && seen) judge(`${who}.${role}`, r, 'seen', word);
		}

		const ofStaff = () => closed().filter((r) => ROLES.some((role) => lineOf(r).who.has(role)));
		test('every role, on what is of another site', async () => {
			await each(ofStaff(), async (r) => {
				for (const role of ROLES) await confined('far', role, r, lineOf(r).site);
			});
			done();
		});

		test('every role, on what is of another area', async () => {
			await each(ofStaff(), async (r) => {
				for (const role of ROLES) await confined('there', role, r, lineOf(r).area);
			});
			done();
		});

		test('every role, on what is in its own areas', async () => {
			await each(ofStaff(), async (r) => {
				const { area } = lineOf(r);

				for (const role of ROLES) {
					const may = lineOf(r).who.has(role) && area !== '403';
					const { verdict: got, seen } = await ask(sessions.here[role], r, may && area === 'empty');
					judge(`here.${role}`, r, got, may ? 'in' : '403');
					if (may && area === 'empty' && own[r.route.slice(1)] && !seen) judge(`here.${role}`, r, 'not seen', 'seen');
				}
			});
			done();
		});

		test('orders to many meters, and the audit log, end at the areas of who asks', async () => {
			const batch = { utility: 'electricity', action: 'read', reason: 'areas' };
			const make = async (who, body) => (await send(sessions[who].admin, 'POST', '/batches', body));
			const inside = async (word) => (await world.stack.sql(`SELECT m.id FROM meter m JOIN user_area_scope s ON s.area_id = m.area_id
				JOIN user u ON u.id = s.user_id AND u.username = '${word}.admin' WHERE m.utility = 'electricity' AND m.enabled`)).map((m) => Number(m.id)).sort((a, b) => a - b);
			const [here, there] = [expect(await make('here', batch), 201).body, expect(await make('there', batch), 201).body];
			for (const [word, made] of [['here', here], ['there', there]])
				assert.deepEqual(made.meters.map((m) => m.meter.id).sort((a, b) => a - b), await inside(word));
			expect(await make('there', { meters: [own.meters], action: 'read', reason: 'areas' }), 404);
			const mixed = expect(await make('own', { meters: [here.meters[0].meter.id, there.meters[0].meter.id], action: 'read', reason: 'areas' }), 201).body;
			for (const [word, made] of [['here', here], ['there', there], ['own', mixed]])
				expect(await send(sessions[word].admin, 'POST', `/batches/${made.id}/confirm`, {}), 202);
			const batches = async (word) => (await sessions[word].admin.get('/batches')).items.map((b) => b.id);
			for (const [word, sees] of [['here', [here.id]], ['there', [there.id]], ['own', [here.id, there.id, mixed.id]]]) {
				const seen = await batches(word);
				assert.deepEqual([here.id, there.id, mixed.id].filter((id) => seen.includes(id)), sees, word);
				const started = (await sessions[word].admin.get('/audit?action=batch.start')).items.map((r) => r.object);
				assert.deepEqual([here.id, there.id, mixed.id].filter((id) => started.includes(`batch:${id}`)), sees, `audit of ${word}`);
			}
			// What others did to what is theirs, and what they did themselves; nothing else.
			const { items } = await sessions.there.admin.get('/audit');
			const me = `user:${(await sessions.there.admin.get('/me')).id}`;
			assert.ok(items.some((r) => r.actor === me));
			expect(await send(sessions.there.admin, 'GET', `/audit/${items[0].id}`), 200);
			expect(await send(sessions.here.admin, 'GET', `/audit/${items.find((r) => r.actor === me).id}`), 404);
		});
	});
}
