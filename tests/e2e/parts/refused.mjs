// Bad values at every field of every route that changes something, and ids that are somebody else's:
// each is refused by name, and not one row of the books, the contracts or the settings is another
// afterwards. What to send comes from the API's own document.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { credited, DEMO_PASSWORD, each, expect, newOrder, pay, tenantPhone, until } from '../lib.mjs';

const SHOP = 42;
const TAG = 'refused';
const NOBODY = 999_999_999;
const day = (offset = 0) => new Intl.DateTimeFormat('sv-SE', { timeZone: 'Asia/Shanghai' }).format(Date.now() + offset * 86_400_000);
const CLOCK_DRIVEN = {
	// What goes on by itself while meters are read, supplies are switched and days are shared.
	account: ['balance_nano', 'level', 'level_since', 'seen', 'subsidy_nano', 'allowance_nano', 'warn1_nano', 'warn2_nano', 'warn_at'],
	supply_point: ['desired', 'desired_reason', 'desired_since', 'desired_actor', 'gated', 'observed', 'observed_since', 'pending',
		'deferred', 'deferred_since', 'try_at', 'tries', 'noted_at', 'noted_by', 'schedule_at'],
	share_group: ['run_to'],
	pay_order: ['query_at', 'queries', 'state', 'closed_at'],
	user: ['failures', 'locked_until'],
	webhook: ['failures', 'failing_since', 'rest_until', 'served_at', 'claimed_by', 'claimed_until'],
	webhook_delivery: ['state', 'tries', 'next_at', 'tried_at', 'status', 'error', 'answer'],
	refund: ['ask_at', 'asks', 'sent_at'],
};
const WATCHED = ['site', 'area', 'gateway', 'batch', 'batch_meter', 'account', 'supply_point', 'share_group', 'pay_order', 'user', 'user_area', 'role', 'role_permission', 'entry', 'posting', 'sale', 'sale_line', 'shift', 'refund', 'invoice', 'invoice_order', 'reversal',
	'approval', 'contract', 'contract_point', 'contract_event', 'contract_fee', 'contract_debt', 'contract_allowance', 'fee_charge', 'fee_cut', 'share_source',
	'share_target', 'tenant', 'tariff', 'tariff_revision', 'meter', 'meter_tariff', 'meter_ratio', 'meter_change', 'meter_credit', 'purchase', 'typed_reading',
	'reading_decision', 'setting', 'schedule', 'schedule_period', 'site_holiday', 'sub_tenant', 'brake', 'webhook', 'webhook_delivery', 'pay_unmatched', 'recharge_block', 'bill_difference', 'service_payout'];
// Days are sealed and shared by the worker meanwhile: only what a person did counts.
const BY_A_PERSON = { entry: `WHERE actor LIKE 'user:%'`, posting: `WHERE entry_id IN (SELECT id FROM entry WHERE actor LIKE 'user:%')` };

/** One text for all rows of all watched tables: another one when anything changed. */
async function fingerprint(stack) {
	const columns = await stack.sql(`SELECT table_name AS t, column_name AS c FROM information_schema.columns
		WHERE table_schema = 'yufu' AND table_name IN (${WATCHED.map((t) => `'${t}'`).join()}) ORDER BY t, ordinal_position`);
	const parts = WATCHED.map((t) => {
		const own = columns.filter((r) => r.t === t && !CLOCK_DRIVEN[t]?.includes(r.c)).map((r) => `COALESCE(${r.c}, '\\\\N')`);
		assert.ok(own.length > 0, `no table ${t}`);
		return `SELECT '${t}' AS t, COUNT(*) AS n, BIT_XOR(CONV(LEFT(SHA1(CONCAT_WS('|', ${own.join()})), 16), 16, 10)) AS x FROM ${t} ${BY_A_PERSON[t] ?? ''}`;
	});
	return Object.fromEntries((await stack.sql(parts.join(' UNION ALL '))).map((r) => [r.t, `${r.n} ${r.x}`]));
}

// ---- what is wrong with a value ---------------------------------------------------------------

const DECIMALS = ['-1', '1e3', '0.1234567890', '9999999999999999999', '', ' 1', '1,5', '+1', '.5', '5.', 'NaN', '１', '0x10', 1, null];
const DAYS = ['2026-02-30', '2026-13-01', '0000-00-00', '2026-1-1', 'yesterday', '20260101', '', '2026-01-01T00:00:00Z', 20260101, null];
const TIMES = ['2026-02-30T00:00:00Z', '2026-01-01T00:00:00', '2026-01-01 00:00:00Z', '2026-01-01T25:00:00Z', 'now', '2026-01-01', '', 1767225600, null];
const MONTHS = ['2026-13', '2026-00', '2026-1', '0000-00', '9999-12', 'May', '', 202601, null];
const INTEGERS = [-1, 1.5, '7', '', null, true, [], {}, 1_000_000_000_000_000_000, 9_300_000_000_000_000_000, -1_000_000_000_000_000_000];

const TIME_FIELD = /^(at|until|read_at|expires_at)$/;
const DAY_FIELD = /^(day|date|from_day|to_day)$/;
const DECIMAL_FIELD = /^(amount|price|ratio|capacity|register|start_register|old_final_register|opening_balance|warn[12]|credit_limit|emergency_limit)$/;

function badStrings(name, schema, route) {
	if (schema.enum) return ['gift', '', 7, null];
	if (name === 'month') return MONTHS;
	if (TIME_FIELD.test(name) || (name === 'from' && /\/(tariff|ratio)$/.test(route))) return TIMES;
	if (DAY_FIELD.test(name) || ((name === 'from' || name === 'to') && /\/simulate$/.test(route))) return DAYS;
	if (name === 'opening_balance') return ['0.001', ...DECIMALS.filter((v) => v !== '-1')];
	if (name === 'ratio') return ['0', '0.000', '1.1', '2', ...DECIMALS];
	if (DECIMAL_FIELD.test(name)) return DECIMALS;
	return [7, null, {}, 'x'.repeat(5000), ...((schema.minLength ?? 0) > 0 || schema.pattern?.startsWith('^[') && !new RegExp(schema.pattern).test('') ? [''] : [])];
}

function badValues(name, schema, route) {
	const nullable = Array.isArray(schema.type) && schema.type.includes('null');
	const type = Array.isArray(schema.type) ? schema.type.find((t) => t !== 'null') : schema.type;
	const list = {
		integer: () => (/_fen$|_id$|^(id|ct|pt|ct_ratio|pt_ratio)$/.test(name) && schema.minimum !== 0 && !/cap_fen/.test(name) ? [0, ...INTEGERS] : INTEGERS),
		string: () => badStrings(name, schema, route),
		boolean: () => ['true', 1, null],
		array: () => [null, {}, 'x', [null], ...(schema.minItems ? [[]] : [])],
		object: () => [null, [], 'x', 1],
	}[type]?.();
	assert.ok(list, `${name}: ${JSON.stringify(schema)}`);
	return nullable ? list.filter((v) => v !== null) : list;
}

/** Every body that differs from a good one by one bad, strange or missing member: [path, body, what]. */
function* spoiled(document, schema, good, route) {
	const resolve = (s) => (s.$ref ? resolve(s.$ref.slice(2).split('/').reduce((n, part) => n[part], document)) : s);
	const put = (path, value) => {
		const body = structuredClone(good);
		const last = path.at(-1);
		const holder = path.slice(0, -1).reduce((o, k) => o[k], body);
		if (value === undefined) delete holder[last];
		else holder[last] = value;
		return body;
	};
	const text = (path) => path.reduce((s, k) => (typeof k === 'number' ? `${s}[${k}]` : s ? `${s}.${k}` : k), '');
	function* walk(raw, here, path) {
		const s = resolve(raw);
		if (s.type === 'array') {
			for (const i of here.keys()) yield* walk(s.items, here[i], [...path, i]);
			return;
		}
		if (s.type !== 'object' || !s.properties) return;
		if (s.additionalProperties === false) yield [text([...path, 'surprise']), put([...path, 'surprise'], 1), 'unknown'];
		for (const [name, member] of Object.entries(s.properties)) {
			const own = [...path, name];
			if (s.required?.includes(name)) yield [text(own), put(own, undefined), 'missing'];
			const there = name in here; // else a number that nothing has may be wrong beside the others only
			for (const value of badValues(name, resolve(member), route).filter((v) => there || v !== 1_000_000_000_000_000_000)) yield [text(own), put(own, value), JSON.stringify(value).slice(0, 40)];
			if (there) yield* walk(member, here[name], own);
		}
	}
	yield* walk(schema, good, []);
}

export default function (world) {
	describe('what is refused', () => {
		let admin, far, farSite, tenant, other, own, bodies, print;

		/** Asks as often as nginx wants to wait: it counts the requests of an address. */
		const send = (session, method, path, body, key = randomUUID()) => until(`${method} ${path} is let in`, async () => {
			const answer = await session.call(method, path, { body, key });
			return answer.status !== 429 && answer;
		}, 20_000, 20);
		const unchanged = async (what) => assert.deepEqual(await fingerprint(world.stack), print, `${what} changed something`);

		before(async () => {
			[admin, tenant, other] = [await world.api.login('admin'), await world.api.login(tenantPhone(SHOP - 1)), await world.api.login(tenantPhone(SHOP))];
			own = await things(world, admin, other);
			bodies = goodBodies(own);
			await admin.call('POST', '/imports?name=sites.csv&dry_run=1', { body: 'code,name\n' });
			own.imports = (await admin.get('/imports')).items[0].id;
			own.alarms = (await admin.get('/alarms?object=gateway')).items[0].id;
			own.audit = await world.stack.number(`SELECT MAX(id) FROM audit WHERE object = 'meter:${own.meters}'`);
			own.areas = await world.stack.number('SELECT COALESCE(MIN(id), 1) FROM area');
			await world.stack.sql(`INSERT INTO site (code, name, zone) VALUES ('${TAG}', 'Far', 'Asia/Shanghai')`);
			await world.stack.addStaff(TAG, 'admin', DEMO_PASSWORD);
			await world.stack.sql(`UPDATE user SET site_id = (SELECT id FROM site WHERE code = '${TAG}') WHERE username = '${TAG}'`);
			far = await world.api.login(TAG);
			await far.post('/shifts', {}, 201);
			farSite = await world.stack.number(`SELECT id FROM site WHERE code = '${TAG}'`);
			print = await fingerprint(world.stack);
			world.refused = { things: own, bodies, site: farSite };
		});
		after(async () => {
			expect(await send(admin, 'POST', `/shifts/${own.shifts}/close`, { counted_fen: 0 }), 200);
		});

		const doors = () => Object.entries(world.api.document.paths).flatMap(([path, methods]) => Object.entries(methods)
			.map(([method, operation]) => ({ method: method.toUpperCase(), route: path.replace(/^\/api\/v1/, ''), operation })))
			.filter(({ route }) => !/^\/notify\//.test(route));
		const routes = () => doors().filter(({ route }) => !route.startsWith('/auth/'));
		const askerOf = (route) => (route.startsWith('/auth/') ? world.api : route.startsWith('/me/') && !route.startsWith('/me/totp') ? other : admin);
		const bodySchema = ({ operation }) => operation.requestBody?.content['application/json']?.schema;
		const named = (route) => route.replace(/\{(\w+)\}/, (_, word) => (word === 'date' ? '2020-01-01' : own[kindOf(route)]));

		test('a bad value in any field, by the name of the field', async () => {
			const wrong = [];
			let asked = 0;
			for (const r of doors()) {
				const good = bodies[`${r.method} ${r.route}`];
				const schema = bodySchema(r);
				if (r.method === 'GET' || !schema || /\/empty$/.test(schema.$ref ?? '')) continue;
				assert.ok(good, `no example of ${r.method} ${r.route}`);
				const session = askerOf(r.route);
				await each([...spoiled(world.api.document, schema, good, r.route)], async ([field, body, what]) => {
					asked++;
					const answer = await send(session, r.method, named(r.route), body);
					const where = `${r.method} ${r.route} ${field} ${what} -> ${answer.status} ${answer.body?.code ?? answer.text.slice(0, 200)} ${answer.body?.field} ${answer.body?.detail}`;
					if (answer.status < 400 || answer.status >= 500) wrong.push(where);
					else if (answer.body.code === 'bad_json') return;
					else if (!answer.body.field || !(field === answer.body.field || field.startsWith(answer.body.field) || answer.body.field.startsWith(field)))
						wrong.push(where);
				});
			}
			assert.deepEqual(wrong, []);
			assert.ok(asked > 1000, `only ${asked}`);
			await unchanged('a refused body');
		});

		test('a body that is not proper JSON, or has in a text what is none', async () => {
			const wrong = [];
			const refuse = async (r, what, body, code) => {
				const answer = await send(askerOf(r.route), r.method, named(r.route), body);
				if (![400, 422].includes(answer.status) || !code.test(answer.body?.code)) wrong.push(`${r.method} ${r.route} ${what} -> ${answer.status} ${answer.text.slice(0, 200)}`);
			};
			await each(doors(), async (r) => {
				const good = bodies[`${r.method} ${r.route}`] ?? {};
				if (r.method === 'GET' || !bodySchema(r)) return;
				const [text, first] = [JSON.stringify(good), JSON.stringify(Object.keys(good)[0] ?? 'x')];
				const rest = text === '{}' ? '}' : `,${text.slice(1)}`;
				await refuse(r, 'a name twice', `{${first}:1,${first}:1${rest}`, /^bad_json$/);
				await refuse(r, 'nested deeply', `{"x":${'['.repeat(40)}${']'.repeat(40)}${rest}`, /^bad_json$/);
				await refuse(r, 'not UTF-8', Buffer.concat([Buffer.from('{"x":"'), Buffer.from([0xc3, 0x28, 0xff]), Buffer.from(`"${rest}`)]), /^bad_json$/);
				await refuse(r, 'a number without end', `{${first}:${'9'.repeat(400)}${rest}`, /^bad_json$/);
				for (const [name, value] of Object.entries(good).filter(([, v]) => typeof v === 'string'))
					for (const odd of ['\u0000', '\u001b'])
						await refuse(r, `${name} with a control character`, JSON.stringify({ ...good, [name]: `x${value}${odd}` }), /^(bad_json|bad_value|out_of_range)$/);
			});
			assert.deepEqual(wrong, []);
			await unchanged('improper JSON');
		});

		test('a bad parameter, by its name', async () => {
			const bad = { integer: ['0', '-1', '1.5', 'x', '', '1e3', '99999999999999999999', '%00'], date: DAYS.filter((v) => typeof v === 'string'), string: ['%ff'] };
			const good = { from: '2026-01-02', to: '2026-01-03', day: '2026-01-02', month: '2026-01', step: 'day', account_id: own.accounts, meter_id: own.meters, name: 'sites.csv', of: `meter:${own.meters}` };
			const wrong = [];
			await each(routes(), async (r) => {
				const session = askerOf(r.route);
				const params = (r.operation.parameters ?? []).filter((p) => p.in === 'query');
				const ask = async (changed, name) => {
					const query = Object.entries({ ...Object.fromEntries(params.filter((p) => p.required).map((p) => [p.name, good[p.name]])), ...changed })
						.filter(([, v]) => v !== undefined).map(([k, v]) => `${k}=${v}`).join('&');
					const answer = await send(session, r.method, `${named(r.route)}?${query}`, bodies[`${r.method} ${r.route}`]);
					if (answer.status < 400 || answer.status >= 500 || (name && answer.body.field !== name))
						wrong.push(`${r.method} ${r.route}?${query} -> ${answer.status} ${answer.text.slice(0, 160)}`);
				};
				await ask({ surprise: 1 }, 'surprise');
				for (const p of params) {
					const kind = p.schema.format === 'date' ? 'date' : p.schema.enum ? null : p.schema.type;
					const values = kind === 'string' ? ['x'.repeat(p.schema.maxLength + 1), ...bad.string] : bad[kind];
					for (const value of kind ? values : ['gift', '']) await ask({ [p.name]: value }, /%/.test(value) ? null : p.name);
					if (p.required) await ask({ [p.name]: undefined }, p.name);
				}
				if (params.some((p) => p.name === 'from') && params.some((p) => p.name === 'to')) await ask({ from: '2026-01-03', to: '2026-01-02' }, 'to');
			});
			assert.deepEqual(wrong, []);
			await unchanged('a refused parameter');
		});

		test('names are of what the caller sees, and at most a hundred at once', async () => {
			const of = ['meter', 'account', 'contract', 'tenant', 'gateway', 'order'].map((kind) => `${kind}:${own[`${kind}s`]}`);
			const names = (session, list) => send(session, 'GET', `/names?of=${list}`);
			assert.deepEqual((await names(admin, of)).body.items.map((i) => i.of), of);
			assert.deepEqual((await names(far, of)).body.items, []);
			for (const list of [[...of, 'meter'], ['meter:0'], ['nothing:1'], ['meter:1x'], Array(101).fill(of[0])]) {
				const { status, body } = await names(admin, list);
				assert.deepEqual([status >= 400 && status < 500, body.field], [true, 'of'], `${list}`);
			}
		});

		const emptyList = (method, { status, body }) => method === 'GET' && status === 200 && body.items.length === 0;
		/** A problem without what must differ: its request, and the id that was asked for. */
		const plain = ({ request_id: _, ...problem }) => ({ ...problem, detail: problem.detail?.replace(/\d+/g, 'n') });

		test('what belongs to another site is not there for its staff, wherever its id stands', async () => {
			const wrong = [];
			const ask = async (method, path, nobody, body, bodyNobody = body) => {
				const [real, none] = [await send(far, method, path, body), await send(far, method, nobody, bodyNobody)];
				const same = JSON.stringify(plain(real.body ?? {})) === JSON.stringify(plain(none.body ?? {}));
				if ((real.status !== 404 && !emptyList(method, real)) || !same) wrong.push(`${method} ${path} -> ${real.status} ${real.text.slice(0, 160)} / ${none.status} ${none.text.slice(0, 160)}`);
			};
			for (const { method, route, operation } of routes()) {
				if (/^\/(me|attempts)/.test(route)) continue;
				const query = (operation.parameters ?? []).filter((p) => p.in === 'query' && p.required)
					.map((p) => `${p.name}=${{ from: '2026-01-01', to: '2026-01-02', day: '2026-01-01', month: '2026-01', step: 'day' }[p.name]}`).join('&');
				const tail = query && `?${query}`;
				const body = bodies[`${method} ${route}`] ?? (method === 'GET' || method === 'DELETE' ? undefined : {});
				if (/\{id\}/.test(route) && !/^(tariffs|roles)$/.test(kindOf(route)))
					await ask(method, named(route) + tail, route.replace('{id}', NOBODY) + tail, body);
				for (const p of (operation.parameters ?? []).filter((x) => x.in === 'query' && /_id$/.test(x.name))) {
					const path = `${named(route)}${tail}${tail ? '&' : '?'}${p.name}=`;
					await ask(method, path + own[p.name.replace('_id', 's')], path + NOBODY, body);
				}
			}
			assert.deepEqual(wrong, []);
			// Who asks sees what was refused to them, alike for what is elsewhere and what is nowhere.
			const attempts = async (id) => (await send(far, 'GET', `/attempts?account_id=${id}`)).body.items.map(({ kind, code, why }) => [kind, code, why]);
			assert.ok((await attempts(NOBODY)).length > 0);
			assert.deepEqual(await attempts(own.accounts), await attempts(NOBODY));
			await unchanged('staff of another site');
		});

		test('lists and figures of another site are empty', async () => {
			const own_or_common = /^\/(me|users|roles|permissions|shifts|settings|tariffs|attempts|openapi|healthz|metrics|reports$|imports\/template|export|sites$|meter-models|jobs|system|notice-kinds|audit|alarms\/kinds)/;
			/** As long a span up to today as a route may be asked for. */
			const span = (most) => ({ month: day().slice(0, 7), of: `meter:${own.meters}`, ...(most ? { from: day(1 - most), to: day() } : { from: '2026-01-01', to: '2099-12-31' }) });
			const full = [];
			for (const { method, route, operation } of routes()) {
				if (method !== 'GET' || /\{/.test(route) || own_or_common.test(route)) continue;
				const query = (operation.parameters ?? []).filter((p) => p.required).map((p) => `${p.name}=${span(operation['x-days-most'])[p.name]}`).join('&');
				const { status, body } = await send(far, 'GET', `${route}?${query}`);
				const figures = Object.entries(body).filter(([name, value]) => /_(fen|total|today|open|fresh)$/.test(name) && value !== 0);
				const items = body.items ?? (body.states ? Object.values(body.states).flat() : body.today_wh && [...body.today_wh, ...body.yesterday_wh].filter(Boolean));
				if (status !== 200 || items?.length > 0 || figures.length > 0) full.push(`${route} ${status} ${JSON.stringify(items?.[0] ?? figures)}`);
				assert.ok(items || route === '/board', route);
			}
			assert.deepEqual(full, []);
			const seen = (await send(admin, 'GET', '/board')).body;
			assert.ok(seen.sales_today_fen > 0 && (await send(admin, 'GET', '/alarms')).body.items.length > 0, 'there is something to be seen');
		});

		test('a report of another site is not there, by whatever it is asked for', async () => {
			const { code } = (await world.stack.sql(`SELECT code FROM site WHERE id = ${own.sites}`))[0];
			const wrong = [];
			for (const { method, route } of routes().filter((r) => /^\/reports\//.test(r.route)))
				for (const format of ['json', 'csv', 'xlsx']) {
					const ask = (site) => send(far, method, `${route}?from=${day()}&to=${day()}&format=${format}&site=${site}`);
					const [real, none, self] = [await ask(encodeURIComponent(code)), await ask('nowhere'), await ask(TAG)];
					if (real.status !== 404 || real.body.field !== 'site' || JSON.stringify(plain(real.body)) !== JSON.stringify(plain(none.body)) || self.status !== 200)
						wrong.push(`${route} ${format} -> ${real.status} ${none.status} ${self.status}`);
					if (format === 'csv' && self.text.trim().split('\n').length !== 1) wrong.push(`${route} has lines of another site`);
				}
			assert.deepEqual(wrong, []);
		});

		test('nor inside a body', async () => {
			const wrong = [];
			for (const [key, good] of Object.entries(bodies)) {
				const [method, route] = key.split(' ');
				if (route.startsWith('/me/') || /\{/.test(route)) continue;
				const own_site = { ...good, ...('site_id' in good && { site_id: farSite }) };
				const nobodys = JSON.parse(JSON.stringify(own_site, (k, v) => (k === 'meters' && Number.isInteger(v[0]) ? [NOBODY] : /^(account|contract|meter)_id$/.test(k) ? NOBODY : v)));
				if (JSON.stringify(nobodys) === JSON.stringify(own_site)) continue;
				const [real, none] = [await send(far, method, route, own_site), await send(far, method, route, nobodys)];
				if (real.status < 400 || real.status >= 500 || JSON.stringify(plain(real.body)) !== JSON.stringify(plain(none.body)))
					wrong.push(`${key} -> ${real.status} ${real.text.slice(0, 200)} / ${none.status} ${none.text.slice(0, 200)}`);
			}
			assert.deepEqual(wrong, []);
			await unchanged('staff of another site');
		});

		test('what belongs to another tenant is not there', async () => {
			const wrong = [];
			const ask = async (method, path, nobody, body, bodyNobody = body) => {
				const [real, none] = [await send(tenant, method, path, body), await send(tenant, method, nobody, bodyNobody)];
				if (real.status !== 404 || JSON.stringify(plain(real.body)) !== JSON.stringify(plain(none.body)))
					wrong.push(`${method} ${path} -> ${real.status} ${real.text.slice(0, 160)} / ${none.status} ${none.text.slice(0, 160)}`);
			};
			const span = 'from=2026-01-01&to=2026-01-02';
			for (const query of ['/me/statement?account_id=', '/me/repayment?account_id=', `/me/bill?${span}&account_id=`]) await ask('GET', query + own.accounts, query + NOBODY);
			await ask('GET', `/me/usage?${span}&step=day&meter_id=${own.meters}`, `/me/usage?${span}&step=day&meter_id=${NOBODY}`);
			await ask('GET', `/me/tariff?meter_id=${own.meters}`, `/me/tariff?meter_id=${NOBODY}`);
			await ask('GET', `/me/orders/${own.orders}`, `/me/orders/${NOBODY}`);
			await ask('GET', `/me/invoices/${own.invoices}`, `/me/invoices/${NOBODY}`);
			await ask('POST', `/me/invoices/${own.invoices}/withdraw`, `/me/invoices/${NOBODY}/withdraw`, {});
			const invoice = bodies['POST /me/invoices'];
			await ask('POST', '/me/invoices', '/me/invoices', invoice, { ...invoice, order_ids: [NOBODY] });
			await ask('POST', `/me/accounts/${own.accounts}/emergency-credit`, `/me/accounts/${NOBODY}/emergency-credit`, {});
			await ask('POST', `/me/sub-tenants/${own.subs}/supply`, `/me/sub-tenants/${NOBODY}/supply`, { action: 'off' });
			await ask('DELETE', `/me/sub-tenants/${own.subs}`, `/me/sub-tenants/${NOBODY}`);
			const order = bodies['POST /me/orders'];
			await ask('POST', '/me/orders', '/me/orders', order, { ...order, account_id: NOBODY });
			const sub = bodies['POST /me/sub-tenants'];
			await ask('POST', '/me/sub-tenants', '/me/sub-tenants', sub, { ...sub, meter_id: NOBODY });
			const alerts = (account_id) => ({ items: [{ account_id, warn1: '50', warn2: '10' }] });
			await ask('PUT', '/me/alert-settings', '/me/alert-settings', alerts(own.accounts), alerts(NOBODY));
			assert.deepEqual(wrong, []);
			await unchanged('another tenant');
		});

		// Last: from here on things happen.
		test('the same key and request get the same answer, another request with that key none', async () => {
			const [wrong, done] = [[], []];
			const other_one = (body) => {
				const field = ['reason', 'note', 'name', 'document'].find((f) => f in body) ?? ['amount_fen', 'monthly_fen'].find((f) => f in body);
				return field && { ...body, [field]: typeof body[field] === 'number' ? body[field] + 1 : 'another' };
			};
			for (const r of routes().filter(({ operation }) => operation.parameters?.some((p) => p.name === 'Idempotency-Key' && p.required))) {
				const body = bodies[`${r.method} ${r.route}`] ?? {};
				const session = askerOf(r.route);
				const key = randomUUID();
				const ask = (b) => send(session, r.method, named(r.route), b, key);
				const first = await ask(body);
				if (first.status >= 300) continue; // its own tests know the state that it needs
				const again = await ask(body);
				done.push(r.route);
				if (again.status !== first.status || again.text !== first.text) wrong.push(`${r.route}: ${first.text.slice(0, 200)} / ${again.status} ${again.text.slice(0, 200)}`);
				const changed = other_one(body);
				const answer = changed && await ask(changed);
				if (answer && (answer.status !== 409 || answer.body.code !== 'idempotency_mismatch')) wrong.push(`${r.route}: ${answer.status} ${answer.text.slice(0, 200)}`);
			}
			assert.deepEqual(wrong, []);
			assert.ok(done.length >= 15, done.join(' '));
		});
	});
}

/** The kind of thing that the id of a route names. */
export function kindOf(route) {
	if (route.startsWith('/me/sub-tenants/')) return 'subs';
	if (route.startsWith('/webhooks/deliveries/')) return 'deliveries';
	return /^\/(?:me\/)?([a-z-]+)\//.exec(route)[1];
}

/** One real thing of every kind, all of one tenant and site. */
export async function things(world, admin, owner) {
	const stack = world.stack;
	const account = await owner.account();
	const one = (sql) => stack.number(sql);
	const contract = await one(`SELECT contract_id FROM account WHERE id = ${account.id}`);
	const shift = (await admin.get('/shifts?open=1')).items[0]?.id ?? (await admin.post('/shifts', {}, 201)).id;
	const sale = await admin.post('/sales', { lines: [{ account_id: account.id, amount_fen: 3_000 }], method: 'cash', tendered_fen: 3_000, note: '' }, 201);
	const refund = await admin.post(`/accounts/${account.id}/refund`, { amount_fen: 100, method: 'bank', reason: 'x' }, 201);
	const order = await newOrder(owner, 5_000);
	await pay(stack, world.wire, order);
	await credited(owner, order);
	const invoice = await owner.post('/me/invoices', { order_ids: [order.id], kind: 'personal', title: 'x', email: 'a@b.cn' }, 201);
	const role = await admin.post('/roles', { code: TAG, name: 'x', permissions: ['meter.read'] }, 201);
	const service = await admin.post('/service-accounts', { username: `${TAG}.service`, name: 'x', role_id: role.id }, 201);
	const fee = await admin.post('/fees', { contract_id: contract, kind: 'rent', monthly_fen: 100, from_day: '2031-01-01', to_day: '2031-12-31' }, 201);
	const schedule = await admin.post('/schedules', { code: TAG, name: 'x', site_id: await one('SELECT MIN(id) FROM site') }, 201);
	const webhook = await admin.post('/webhooks', { name: TAG, url: 'http://127.0.0.1:9/', events: ['day.sealed'], site_id: await one('SELECT MIN(id) FROM site') }, 201);
	const delivery = await admin.post(`/webhooks/${webhook.id}/test`, {}, 202);
	const batch = await admin.post('/batches', { meters: [account.meter.id], action: 'read', reason: 'x' }, 201);
	const [at] = await stack.sql(`SELECT s.code AS site, g.code AS gateway FROM gateway g JOIN site s ON s.id = g.site_id ORDER BY g.id LIMIT 1`);
	const point = await one(`SELECT supply_point_id FROM meter WHERE id = ${account.meter.id}`);
	const approval = expect(await admin.call('POST', `/meters/${account.meter.id}/load-class`, {
		key: randomUUID(), body: { load_class: 'protected', reason: 'x' },
	}), 202).body.approval.id;
	const below = await one(`SELECT supply_point_id FROM meter WHERE code = 'A${SHOP + 1}'`);
	await stack.sql(`INSERT INTO sub_tenant (contract_id, supply_point_id, name) VALUES (${contract}, ${below}, '${TAG}')`);
	await stack.sql(`INSERT INTO alarm (kind, severity, object_kind, object_id, object_code, text, raised_at, open_key)
		VALUES ('register_jumped', 'urgent', 'meter', ${account.meter.id}, '${account.meter.code}', 'test', 1, '${TAG}')`);
	await stack.sql(`INSERT INTO pay_unmatched (service, transaction_id, out_trade_no, order_id, amount_fen, currency, why, paid_at, seen_at)
		VALUES ('wechat', '${TAG}', '${order.out_trade_no}', ${order.id}, 700, 'CNY', 'amount', 1, 1)`);
	// A bill of a day on which nothing happened here, with one difference, under the same number.
	const bill = 900_001;
	await stack.sql(`INSERT INTO reconciliation (id, service, day, state, revision, rows_n, paid_fen, fee_nano, unresolved, fetched_at, created_at, created_by)
		VALUES (${bill}, 'wechat', '2020-02-02', 'differs', 1, 1, 1, 1, 1, 1, 1, '${TAG}');
		INSERT INTO bill_row (id, reconciliation_id, revision, line, refund, out_trade_no, transaction_id, amount_fen, fee_nano, at)
		VALUES (${bill}, ${bill}, 1, 1, 0, '${TAG}', '${TAG}', 1, 1, 1580600000000);
		INSERT INTO bill_difference (id, reconciliation_id, diff_key, kind, bill_row_id, out_trade_no, transaction_id, bill_fen, book_fen, found_at)
		VALUES (${bill}, ${bill}, 'missing_here:${TAG}:0:1:0:0', 'missing_here', ${bill}, '${TAG}', '${TAG}', 1, 0, 1)`);
	return {
		'unmatched-payments': await one(`SELECT id FROM pay_unmatched WHERE transaction_id = '${TAG}'`),
		outbox: await one(`SELECT MAX(id) FROM outbox WHERE tenant_id = ${account.tenant.id}`), alarms: await one(`SELECT id FROM alarm WHERE open_key = '${TAG}'`), reconciliations: bill, accounts: account.id, contracts: contract, meters: account.meter.id, shifts: shift, sales: sale.id, entries: sale.lines[0].entry_id,
		'service-accounts': service.service.id, sessions: await one(`SELECT MAX(s.id) FROM session s JOIN user u ON u.id = s.user_id WHERE u.username = '${tenantPhone(SHOP)}'`),
		users: await one("SELECT id FROM user WHERE username = 'viewer'"), roles: role.id, areas: await one(`SELECT area_id FROM meter WHERE id = ${account.meter.id}`),
		gateways: await one(`SELECT gateway_id FROM meter WHERE id = ${account.meter.id}`), tenants: account.tenant.id, batches: batch.id,
		'meter-models': 'acrel-ddsy1352', jobs: 'outbox', siteCode: at.site, gatewayCode: at.gateway,
		webhooks: webhook.id, deliveries: delivery.id,
		refunds: refund.id, orders: order.id, invoices: invoice.id, fees: fee.id, schedules: schedule.id, 'supply-points': point, approvals: approval,
		sites: await one('SELECT MIN(id) FROM site'), shares: (await admin.get('/shares')).items[0].id, tariffs: (await admin.get('/tariffs')).items[0].id,
		subs: await one(`SELECT id FROM sub_tenant WHERE name = '${TAG}'`),
		otherContract: await one(`SELECT MIN(id) FROM contract WHERE id > ${contract} AND end_at = 0`),
		publicMeter: await one(`SELECT MAX(id) FROM meter WHERE role = 'public' AND utility = 'electricity' AND enabled`),
		model: (await stack.sql(`SELECT model FROM meter WHERE id = ${account.meter.id}`))[0].model,
	};
}

/** By route, a body in which everything is right but what the test makes wrong. */
export function goodBodies(o) {
	const reason = 'x';
	const at = new Date(Date.now() - 1_000).toISOString();
	const note = { note: 'x' };
	const taken = [{ meter_id: o.meters, register: '1', at }];
	const typed = [{ meter_id: o.meters, register: '1', at }];
	const newTenant = { code: 'R-1', name: 'x', phone: '', contacts: '', room: '' };
	const purses = [{ purpose: 'electricity', opening_balance: '1.00', warn1: '50', warn2: '10', credit_limit: '0', emergency_limit: '0' }];
	const periods = () => [{ from: '00:00', supply: 'on' }];
	const life = { preview: true, reason };
	return {
		'POST /auth/login': { username: 'nobody', password: 'x', code: '000000' },
		'POST /auth/sms-code': { phone: '13800000001' },
		'POST /auth/sms-login': { phone: '13800000001', code: '000000' },
		'POST /auth/wechat': { code: 'x' },
		'POST /auth/refresh': { refresh_token: 'x' },
		'POST /auth/logout': { refresh_token: 'x' },
		'PUT /me/password': { old_password: 'x', new_password: 'another one of mine' },
		'POST /me/totp/confirm': { code: '000000' },
		'POST /me/totp/remove': { password: 'x' },
		'POST /service-accounts': { username: 'refused.y', name: 'x', role_id: o.roles, site_id: o.sites, area_ids: [o.areas], expires_at: '2031-01-01T00:00:00Z', addresses: ['10.0.0.7'] },
		'POST /users': { username: 'refused.x', name: 'x', phone: '', role_id: o.roles, site_id: o.sites, area_ids: [o.areas] },
		'PUT /users/{id}': { name: 'x', phone: '', role_id: o.roles, site_id: o.sites, area_ids: [o.areas], disabled: false },
		'POST /roles': { code: 'refused-x', name: 'x', permissions: ['meter.read'] },
		'PUT /roles/{id}': { name: 'x', permissions: ['meter.read'] },
		'PUT /me/alert-settings': { items: [{ account_id: o.accounts, purpose: 'electricity', unit: 'yuan', warn1: '50', warn2: '10' }], language: 'zh' },
		'POST /me/orders': { account_id: o.accounts, amount_fen: 5_000, channel: 'wechat_native' },
		'POST /me/invoices': { order_ids: [o.orders], kind: 'company', title: 'x', tax_no: '91350100M000100Y43', email: 'a@b.cn', note: 'x' },
		'POST /me/sub-tenants/{id}/supply': { action: 'on' },
		'POST /me/sub-tenants': { meter_id: o.meters, name: 'x' },
		'POST /me/wechat': { ticket: 'x' },
		'POST /me/wechat/subscriptions': { template_id: 'MINI_BALANCE', result: 'accept' },
		'POST /meters/{id}/supply': { action: 'keep', reason, until: new Date(Date.now() + 3_600_000).toISOString() },
		'POST /shifts/{id}/close': { counted_fen: 5 },
		'POST /sales': { lines: [{ account_id: o.accounts, amount_fen: 5_000 }], method: 'cash', tendered_fen: 5_000, note: '' },
		'PUT /duty': { site_id: o.sites, items: [{ name: 'x', phone: '13900000001', kinds: '', from_min: 480, to_min: 1200, weekdays: '12345', language: 'zh' }] },
		'PUT /settings': { site_id: o.sites, name: 'refund_limit_fen', value: 5, reason },
		'POST /approvals/{id}/approve': note,
		'POST /approvals/{id}/reject': note,
		'POST /tariffs': { code: 'x', name: 'x', utility: 'electricity', versions: [] },
		'POST /tariffs/{id}/simulate': { meter_id: o.meters, from: '2026-01-01', to: '2026-01-02' },
		'POST /tariffs/simulate': { file: { code: 'x', name: 'x', utility: 'electricity', versions: [] }, meter_id: o.meters, from: '2026-01-01', to: '2026-01-02' },
		'POST /meters/{id}/tariff': { tariff_id: o.tariffs, from: at },
		'POST /meters/{id}/ratio': { ct: 2, pt: 1, from: at, reason },
		'POST /meters/{id}/capacity': { capacity: '1000000', reason },
		'POST /meters/{id}/readings/decide': { action: 'accept', read_at: at, reason },
		'POST /entries/{id}/reverse': { reason },
		'POST /accounts/{id}/refund': { amount_fen: 1, method: 'bank', reason },
		'POST /orders/{id}/refund': { amount_fen: 1, reason },
		'POST /invoices/{id}/issue': { number: 'N-1', date: at.slice(0, 10), url: 'https://tax.example/1', amount_fen: 5_000 },
		'POST /invoices/{id}/refuse': { reason },
		'POST /invoices/{id}/void': { reason, red_number: 'R-1' },
		'POST /refunds/{id}/done': note,
		'POST /refunds/{id}/failed': note,
		'POST /refunds/{id}/retry': note,
		'POST /unmatched-payments/{id}/credit': { account_id: o.accounts, reason },
		'POST /unmatched-payments/{id}/refund': { site_id: o.sites, reason },
		'POST /unmatched-payments/{id}/close': { reason },
		'PUT /accounts/{id}/recharge-block': { blocked: true, reason },
		'POST /reconciliations': { service: 'wechat', day: new Date(Date.now() - 2 * 86_400_000).toISOString().slice(0, 10) },
		'POST /reconciliations/differences/{id}/resolve': { action: 'suspense', reason },
		'POST /reconciliations/payouts': { service: 'wechat', amount_fen: 1, document: 'x', reason },
		'POST /accounts/{id}/adjust': { kind: 'deposit_in', amount_fen: 100, document: 'x', reason },
		'PUT /contracts/{id}/debt': { permille: 10, cap_fen: 100 },
		'PUT /contracts/{id}/allowance': { account_id: o.accounts, unit: 'kwh', amount: '1', price: '0.5', reason },
		'POST /contracts': { preview: true, code: 'R-1', site_id: o.sites, tenant: newTenant, at, meters: taken, purses, reason },
		'POST /contracts/{id}/meters': { ...life, at, meters: taken },
		'POST /contracts/{id}/tenant': { ...life, at, readings: typed, payout: 'none', code: 'R-2', tenant: newTenant, purses },
		'POST /contracts/{id}/close': { ...life, at, readings: typed, payout: 'none' },
		'POST /contracts/{id}/reopen': life,
		'POST /meters/{id}/replace': { ...life, at, old_final_register: '999999', new: { model: o.model, unit: '247', serial: '', start_register: '0', ct_ratio: 1, pt_ratio: 1 } },
		'POST /meters/{id}/replace/undo': life,
		'POST /fees': { contract_id: o.contracts, kind: 'property_fee', monthly_fen: 100, from_day: '2031-01-01', to_day: '2031-12-31' },
		'PUT /fees/{id}': { to_day: '2031-06-30' },
		'POST /fees/run': { month: '2031-01', site_id: o.sites },
		'POST /alarms/{id}/ack': { note: 'x' },
		'POST /alarms/{id}/comment': { text: 'x' },
		'POST /alarms/{id}/clear': { reason: 'x' },
		'POST /shares': { site_id: o.sites, name: 'x', utility: 'electricity', basis: 'ratio', kind: 'loss', purse: 'fee', from_day: '2031-01-01', to_day: '2031-12-31',
			sources: [{ meter_id: o.publicMeter, sign: '+' }], targets: [{ contract_id: o.contracts, ratio: '0.5' }, { contract_id: o.otherContract, ratio: '0.5' }] },
		'PUT /shares/{id}': { name: 'x', to_day: '2031-12-31', from_day: '2031-01-01', targets: [{ contract_id: o.contracts, ratio: '0.5' }] },
		'POST /meters/{id}/credit/decide': { action: 'accept', reason },
		'POST /meters/{id}/billing': { billing: 'meter', reason, preview: true },
		'POST /meters/{id}/safety': { action: 'clear', reason, on_site: true },
		'POST /meters/{id}/vacant': { action: 'clear', reason },
		'POST /meters/{id}/load-class': { load_class: 'protected', reason },
		'POST /supply-points/{id}/take-note': { reason },
		'POST /sites/{id}/brake': { action: 'release', reason },
		'PUT /sites/{id}/holidays': { day: '2031-10-01', kind: 'holiday', name: 'x' },
		'PUT /accounts/{id}/limits': { credit_limit: '0', emergency_limit: '0', reason },
		'PUT /accounts/{id}/warnings': { unit: 'yuan', warn1: '50', warn2: '10' },
		'POST /schedules': { code: 'refused-2', name: 'x', site_id: o.sites, workday: periods(), weekend: periods(), holiday: periods() },
		'PUT /schedules/{id}': { name: 'x', workday: periods(), weekend: periods(), holiday: periods() },
		'POST /webhooks': { name: 'x', url: 'http://127.0.0.1:9/', events: ['day.sealed'], site_id: o.sites },
		'PUT /webhooks/{id}': { name: 'x', url: 'http://127.0.0.1:9/', events: ['day.sealed'], state: 'off' },
		'POST /sites': { code: `${TAG}-2`, name: 'x', zone: 'Asia/Shanghai', profile: 'shop', reason },
		'PATCH /sites/{id}': { name: 'x', profile: 'shop', reason },
		'POST /areas': { code: `${TAG}-2`, name: 'x', site: o.siteCode, kind: 'floor', floor_m2: '1', reason },
		'PATCH /areas/{id}': { name: 'x', kind: 'floor', floor_m2: '1', reason },
		'POST /gateways': { code: `${TAG}-2`, name: 'x', site: o.siteCode, transport: 'rtu-tcp', address: '127.0.0.1:9', baud: 9600, parity: 'N', reason },
		'PATCH /gateways/{id}': { name: 'x', transport: 'rtu-tcp', address: '127.0.0.1:9', baud: 9600, parity: 'N', reason },
		'POST /meters': { code: `${TAG}-2`, name: 'x', gateway: o.gatewayCode, unit: '246', model: o.model, serial: '1', utility: 'electricity', role: 'public',
			ct_ratio: 1, pt_ratio: 1, rated_current_a: '60', start_register: '0', billing: 'none', power_limit_w: 0, load_class: 'ordinary', reason },
		'PATCH /meters/{id}': { name: 'x', unit: '246', serial: '1', role: 'tenant', rated_current_a: '60', power_limit_w: 0, reason },
		'POST /batches': { meters: [o.meters], action: 'read', reason },
		'POST /meters/{id}/schedule': { schedule_id: o.schedules },
		'PUT /meters/{id}/overload': { limit_w: 0, delay_s: 0, retry_s: 0, retries: 0, reason },
	};
}
