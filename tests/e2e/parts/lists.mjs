// Every list of the document: pages that follow one another without a gap or a repeat, orders that are
// kept, the same rows as CSV and XLSX, cursors that nobody can make, and 304 for polls.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import XLSX from 'xlsx';
import { expect, nano, tenantPhone, until } from '../lib.mjs';

/** Records of RFC 4180; the mark before them is gone when the bytes have become text. */
function csv(text) {
	const rows = [[]];
	for (const [, quoted, plain, end] of text.matchAll(/(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n|$)/g)) {
		rows.at(-1).push(quoted?.replaceAll('""', '"') ?? plain);
		if (end === '\r\n') rows.push([]);
	}
	return rows.slice(0, -1);
}

const with_query = (path, more) => `${path}${path.includes('?') ? '&' : '?'}${more}`;
const key_of = (item) => item.id ?? (item.approval_id ? `${item.approval_id}/${item.account_id}` : item.read_at ?? JSON.stringify(item));

/** What a list is sorted by, as something to compare; undefined: only the database knows its order. */
function sort_value(item, name) {
	let value = item[name];
	if (value === undefined) value = Object.values(item).find((v) => v && typeof v === 'object' && name in v)?.[name];
	if (value && typeof value === 'object') value = value.id;
	if (value === null || value === undefined) return null;
	if (typeof value === 'number') return BigInt(value);
	if (typeof value === 'boolean') return BigInt(value);
	if (/^-?\d+\.\d{9}$/.test(value)) return nano(value);
	return /^[A-Za-z0-9:.-]*$/.test(value) ? value : undefined;
}

function assert_sorted(items, sort, where) {
	const down = sort.startsWith('-');
	const values = items.map((i) => sort_value(i, sort.replace('-', '')));
	for (let i = 1; i < values.length; i++) {
		let [a, b] = down ? [values[i], values[i - 1]] : [values[i - 1], values[i]];
		if (a === undefined || b === undefined || a === b) continue;
		a ??= typeof b === 'bigint' ? 0n : ''; // what is absent counts as nothing
		b ??= typeof a === 'bigint' ? 0n : '';
		// Codes go by their bytes, names by the alphabet.
		const lower = (v) => (typeof v === 'string' ? v.toLowerCase() : v);
		assert.ok(a <= b || lower(a) <= lower(b), `${where}: ${a} before ${b}`);
	}
}

export default function (world) {
	const sessions = new Map();
	const session = async (name) => {
		if (!sessions.has(name)) sessions.set(name, await world.api.login(name));
		return sessions.get(name);
	};
	const who = (path) => session(/^\/me\//.test(path) ? tenantPhone(1) : 'admin');
	const parameter = (list, name) => list.parameters.find((p) => p.name === name)?.schema;

	/** All lists: {template, parameters, etag}. */
	function lists() {
		return Object.entries(world.api.document.paths).flatMap(([path, { get }]) => {
			const properties = get?.responses['200']?.content?.['application/json']?.schema?.properties;
			if (!properties?.items || !properties.next) return [];
			return [{ template: path.replace(/^\/api\/v1/, ''), parameters: get.parameters ?? [], etag: '304' in get.responses }];
		});
	}

	/** The paths of a list that are worth asking. */
	async function paths({ template, parameters }) {
		const admin = await session('admin');
		let all = [template];
		if (template.includes('{id}')) {
			const parent = template.slice(0, template.indexOf('/{id}'));
			const found = parent === '/sites' ? [(await admin.get('/meters?limit=1')).items[0] && { id: 1 }]
				: (await admin.get(`${parent}?limit=1`)).items;
			all = found.map((x) => template.replace('{id}', x.id));
			if (parent === '/meters') {
				const credit = (await admin.get('/meters?billing=meter&limit=1')).items[0];
				if (credit) all.push(template.replace('{id}', credit.id));
			}
		}
		const required = parameters.filter((p) => p.required && p.in === 'query').map((p) => {
			const day = new Intl.DateTimeFormat('sv-SE', { timeZone: 'Asia/Shanghai' }).format();
			const value = { from: day, to: day, month: day.slice(0, 7), of: 'meter:1' }[p.name];
			assert.ok(value, `${template}: what is ${p.name}?`);
			return `${p.name}=${value}`;
		});
		return all.map((path) => (required.length ? with_query(path, required.join('&')) : path));
	}

	/** The body; asked again when it was asked faster than nginx lets anyone. */
	function ask(who_asks, path) {
		return until(`an answer to ${path}`, async () => {
			const answer = await who_asks.call('GET', path);
			return answer.status !== 429 && expect(answer, 200).body;
		}, 30_000, 100);
	}

	async function walk(who_asks, path, limit) {
		const items = [];
		let next = null;
		do {
			const page = await ask(who_asks, with_query(path, `limit=${limit}${next ? `&cursor=${next}` : ''}`));
			assert.ok(page.items.length <= limit && (page.items.length === limit || !page.next), `${path}: ${page.items.length} of ${limit}`);
			items.push(...page.items);
			next = page.next;
		} while (next);
		return items;
	}

	/** Rows may come and go while it is walked; what was there before and after must have been met, once. */
	function assert_met(before, met, after, where) {
		const keys = met.map(key_of);
		assert.equal(new Set(keys).size, keys.length, `${where}: a row came twice`);
		const still = new Set(after.map(key_of));
		const missed = before.map(key_of).filter((k) => still.has(k) && !keys.includes(k));
		assert.deepEqual(missed, [], `${where}: rows were passed over`);
	}

	async function file(who_asks, path, format, language = 'en') {
		const answer = await who_asks.call('GET', with_query(path, `format=${format}`), { headers: { 'accept-language': language } });
		assert.equal(expect(answer, 200).headers.get('content-disposition')?.endsWith(`.${format}"`), true, path);
		return answer;
	}

	async function sheet(who_asks, path, language = 'en') {
		const answer = await fetch(`${world.api.base}${with_query(path, 'format=xlsx')}`, {
			headers: { authorization: `Bearer ${who_asks.tokens.access_token}`, 'accept-language': language } });
		assert.equal(answer.status, 200, path);
		const book = XLSX.read(Buffer.from(await answer.arrayBuffer()), { cellNF: true });
		return book.Sheets[book.SheetNames[0]];
	}

	describe('lists', () => {
		test('by pages of a few are the same as at once, in every order', async () => {
			const seen = [];
			for (const list of lists().filter((l) => parameter(l, 'limit'))) {
				for (const path of await paths(list)) {
					const asks = await who(path);
					const most = parameter(list, 'limit').maximum;
					const before = await walk(asks, path, most);
					const few = before.length <= 24 ? 2 : Math.min(most, Math.ceil(before.length / 12));
					const met = await walk(asks, path, few);
					assert_met(before, met, await walk(asks, path, most), path);
					if (before.length > 1) seen.push(list.template);
					for (const sort of parameter(list, 'sort').enum) {
						const sorted = await walk(asks, with_query(path, `sort=${sort}`), Math.min(most, Math.max(2, Math.ceil(before.length / 3))));
						assert_sorted(sorted, sort, `${path} by ${sort}`);
						if (!/read_at|power_w|balance|_at$/.test(sort)) assert.equal(new Set(sorted.map(key_of)).size, sorted.length, `${path} by ${sort}`);
					}
				}
			}
			// A mall has at least these; a list without rows proves nothing.
			for (const template of ['/meters', '/gateways', '/tenants', '/accounts', '/contracts', '/entries', '/supply-points', '/meters/{id}/readings', '/me/meters', '/audit', '/users'])
				assert.ok(seen.includes(template), `${template} has fewer than two rows`);
		});

		test('are the same rows as CSV and XLSX', async () => {
			for (const list of lists()) {
				const [path] = await paths(list);
				if (!path) continue;
				const asks = await who(path);
				const whole = async () => (parameter(list, 'limit') ? walk(asks, path, parameter(list, 'limit').maximum) : (await asks.get(path)).items);
				const before = await whole();
				const text = csv((await file(asks, path, 'csv')).text);
				const cells = await sheet(asks, path);
				const after = await whole();
				const range = XLSX.utils.decode_range(cells['!ref']);
				for (const [format, n] of [['csv', text.length - 1], ['xlsx', range.e.r]])
					assert.ok(n >= Math.min(before.length, after.length) && n <= Math.max(before.length, after.length), `${path}: ${n} rows of ${format}, ${before.length} of JSON`);
				assert.ok(text.every((row) => row.length === text[0].length), path);
				assert.deepEqual(text[0], text[0].map((_, c) => cells[XLSX.utils.encode_cell({ r: 0, c })].v), path);
				assert.equal(new Set(text[0]).size, text[0].length, `${path}: two columns of one name: ${text[0]}`);
			}
		});

		test('as files have filters, titles in either language, numbers, and a name', async () => {
			const admin = await session('admin');
			const water = (await admin.get('/meters?utility=water')).items;
			assert.ok(water.length > 0);
			const saved = await file(admin, '/meters?utility=water&sort=code', 'csv', 'zh-CN');
			assert.match(saved.headers.get('content-disposition'), /^attachment; filename="meters_\d{4}-\d\d-\d\d\.csv"$/);
			const rows = csv(saved.text);
			assert.equal(rows.length - 1, water.length);
			assert.ok(rows[0].includes('编码') && rows[0].includes('水量(m³)'), rows[0].join());
			const at = rows[0].indexOf('编码');
			assert.deepEqual(rows.slice(1).map((r) => r[at]), water.map((m) => m.code).sort());
			assert.equal(csv((await file(admin, '/meters?limit=3', 'csv')).text).length, 4, 'with a limit, a file is that page');

			const [users] = csv((await file(admin, '/users', 'csv', 'zh-CN')).text);
			assert.ok(users.includes('用户名') && users.includes('角色'), users.join());

			const cells = await sheet(admin, '/accounts');
			const head = Array.from({ length: XLSX.utils.decode_range(cells['!ref']).e.c + 1 }, (_, c) => cells[XLSX.utils.encode_cell({ r: 0, c })].v);
			const balance = cells[XLSX.utils.encode_cell({ r: 1, c: head.indexOf('Balance (yuan)') })];
			assert.equal(balance.t, 'n');
		});

		test('take no cursor but their own', async () => {
			const admin = await session('admin');
			const own = (await admin.get('/tenants?limit=1')).next;
			const byName = (await admin.get('/tenants?limit=1&sort=name')).next;
			const others = (await admin.get('/contracts?limit=1')).next;
			const [one, two] = (await admin.get('/meters?limit=2')).items;
			expect(await admin.call('GET', `/tenants?cursor=${own}`), 200);
			const flip = (c) => c.replace(/.$/, (x) => (x === 'A' ? 'Q' : 'A'));
			const made = Buffer.concat([Buffer.alloc(12), Buffer.from('n'), Buffer.alloc(8)]).toString('base64url');
			for (const forged of ['', '5', 'x'.repeat(3000), own.slice(0, -2), `${own}AA`, `${own}=`, flip(own), `${flip(own.slice(0, 6))}${own.slice(6)}`, others, byName, made, '%00', '..%2f']) {
				const answer = expect(await admin.call('GET', `/tenants?cursor=${forged}`), /%00/.test(forged) ? 422 : 400);
				assert.equal(answer.body.field ?? '', /%00/.test(forged) ? answer.body.field ?? '' : 'cursor', forged);
			}
			expect(await admin.call('GET', `/tenants?sort=-name&cursor=${byName}`), 400, 'bad_cursor');
			const reading = (await admin.get(`/meters/${one.id}/readings?limit=1`)).next;
			expect(await admin.call('GET', `/meters/${two.id}/readings?cursor=${reading}`), 400, 'bad_cursor');
		});

		test('name the parameter that is wrong', async () => {
			const admin = await session('admin');
			for (const [wrong, field] of [['limit=0', 'limit'], ['limit=1000000', 'limit'], ['limit=x', 'limit'], ['sort=no', 'sort'], ['sort=--id', 'sort'], ['sort=', 'sort'],
				['format=pdf', 'format'], ['utility=gas', 'utility'], ['area_id=0', 'area_id'], ['page=2', 'page']]) {
				const answer = await admin.call('GET', `/meters?${wrong}`);
				assert.ok([400, 422].includes(answer.status), `${wrong}: ${answer.status}`);
				assert.equal(answer.body.field, field, wrong);
			}
			for (const [path, field] of [['/alarms?severity=bad', 'severity'], ['/alarms?state=x', 'state'], ['/alarms?cursor=17', 'cursor'], ['/audit?from=today', 'from'], ['/audit?cursor=17', 'cursor'],
				['/batches?action=blink', 'action'], ['/users?disabled=2', 'disabled'], ['/service-accounts?sort=hint', 'sort']]) {
				const answer = await admin.call('GET', path);
				assert.ok([400, 422].includes(answer.status), `${path}: ${answer.status}`);
				assert.equal(answer.body.field, field, path);
			}
			expect(await admin.call('GET', '/settings?limit=1'), 400, 'unknown_field'); // answered whole
		});

		test('a filter leaves what it says', async () => {
			const admin = await session('admin');
			const gateway = (await admin.get('/gateways?limit=1')).items[0];
			const of = (await admin.get(`/meters?gateway_id=${gateway.id}`)).items;
			assert.ok(of.length > 0 && of.every((m) => m.gateway.id === gateway.id));
			assert.ok((await admin.get('/accounts?purpose=water')).items.every((a) => a.purpose === 'water'));
			assert.ok((await admin.get('/alarms?open=1')).items.every((a) => a.cleared_at === null));
			const day = new Intl.DateTimeFormat('sv-SE', { timeZone: 'Asia/Shanghai' }).format(Date.now() + 3 * 86_400_000);
			assert.deepEqual((await admin.get(`/orders?from=${day}`)).items, []);
			assert.ok((await admin.get('/users?q=admin')).items.some((u) => u.username === 'admin'));
			assert.deepEqual((await admin.get('/users?q=nobody-of-this-name')).items, []);
		});

		test('and live views that did not change are answered with 304', async () => {
			const viewer = await session('viewer');
			const live = Object.entries(world.api.document.paths).filter(([, { get }]) => get && '304' in get.responses).map(([path]) => path.replace(/^\/api\/v1/, ''));
			for (const wanted of ['/board', '/meters', '/meters/{id}', '/gateways', '/alarms', '/me/accounts', '/me/orders/{id}']) assert.ok(live.includes(wanted), wanted);
			const meter = (await viewer.get('/meters?limit=1')).items[0];
			for (const path of ['/board', '/meters?limit=2', `/meters/${meter.id}`, '/gateways', '/alarms', '/me/accounts']) {
				const asks = /^\/me\//.test(path) ? await session(tenantPhone(1)) : viewer;
				await until(`${path} is answered with 304`, async () => {
					const etag = expect(await asks.call('GET', path), 200).headers.get('etag');
					assert.match(etag, /^W\/"[0-9a-f]{24}"$/, path);
					const same = await asks.call('GET', path, { headers: { 'if-none-match': `"x", ${etag}` } });
					return same.status === 304 && same.text === '' && same.headers.get('etag') === etag;
				}, 60_000, 50);
			}
			const token = viewer.tokens.access_token;
			const head = await fetch(`${world.api.base}/gateways`, { method: 'HEAD', headers: { authorization: `Bearer ${token}` } });
			assert.equal(head.status, 200);
			assert.match(head.headers.get('etag'), /^W\//);
			assert.equal(await head.text(), '');
		});

		test('a tag is of one caller: nobody is told that another person has it already', async () => {
			const [viewer, admin] = [await session('viewer'), await session('admin')];
			const etag = expect(await viewer.call('GET', '/meters'), 200).headers.get('etag');
			expect(await admin.call('GET', '/meters', { headers: { 'if-none-match': etag } }), 200);
		});
	});
}
