// Reports through nginx: each as JSON that is what the document says, and as CSV and XLSX that an
// independent reader opens; numbers are numbers, days are days, and no text is a formula.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import XLSX from 'xlsx';
import { libreOffice } from '../../support/sheets.mjs';
import { expect, nano } from '../lib.mjs';

const day = (offset = 0) => new Intl.DateTimeFormat('sv-SE', { timeZone: 'Asia/Shanghai' }).format(Date.now() + offset * 86_400_000);
const SCALE = { quantity: 1000, money: 1, price: 1, fen: 100, permille: 1000, count: 1 };
const MOVES = ['recharge', 'subsidy', 'transfer', 'energy', 'share', 'fee', 'refund', 'late', 'correction', 'reversal'];

const whole = (value) => (typeof value === 'string' ? nano(value) : BigInt(value ?? 0));

/** RFC 4180 lines of a text without its mark. */
function csvRows(text) {
	assert.ok(text.startsWith('\ufeff'), 'a mark says that it is UTF-8');
	const rows = [[]];
	for (const [, quoted, plain, end] of text.slice(1).matchAll(/(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n|$)/g)) {
		rows.at(-1).push(quoted?.replaceAll('""', '"') ?? plain);
		if (end !== ',') rows.push([]);
	}
	return rows.filter((r) => r.length > 1);
}

export default function (world) {
	const span = (from = day(-1), to = day()) => `from=${from}&to=${to}`;

	/** The bytes of a file, as a browser would save them. */
	async function file(session, path, language = 'zh-CN,zh;q=0.9,en;q=0.5') {
		const answer = await fetch(`${world.api.base}${path}`, { headers: { authorization: `Bearer ${session.tokens.access_token}`, 'accept-language': language } });
		const bytes = Buffer.from(await answer.arrayBuffer());
		assert.equal(answer.status, 200, bytes.toString('utf8', 0, 300));
		return { bytes, type: answer.headers.get('content-type'), name: answer.headers.get('content-disposition') };
	}

	describe('reports', () => {
		test('are listed with their columns, in either language', async () => {
			const viewer = await world.api.login('viewer');
			const ask = async (language) => expect(await viewer.call('GET', '/reports', { headers: { 'accept-language': language } }), 200).body.items;
			const [zh, en] = [await ask('zh-CN,en'), await ask('en-GB, zh;q=0.1')];
			assert.equal(zh.find((r) => r.name === 'vending-day').title, '售电日报');
			assert.equal(en.find((r) => r.name === 'vending-day').title, 'Sales by day');
			for (const r of zh) {
				assert.equal(r.columns[0].name, 'site');
				assert.equal(new Set(r.columns.map((c) => c.name)).size, r.columns.length, r.name);
				assert.equal(new Set(r.columns.map((c) => c.title)).size, r.columns.length, r.name);
			}
		});

		test('as JSON have totals that are the sums of their rows', async () => {
			const finance = await world.api.login('finance');
			const list = (await finance.get('/reports')).items;
			assert.ok(list.length >= 18);
			const empty = [];
			for (const { name, columns, by } of list) {
				const report = await finance.get(`/reports/${name}?${span()}`);
				assert.equal(report.name, name);
				if (report.items.length === 0) empty.push(name);
				for (const c of columns.filter((x) => x.summed))
					assert.equal(report.items.reduce((sum, row) => sum + whole(row[c.name]), 0n), whole(report.totals[c.name]), `${name} ${c.name}`);
				for (const group of by ? ['meter', 'shop', 'area'] : []) await finance.get(`/reports/${name}?${span()}&by=${group}`);
			}
			// Nothing was shared yet, and no gateway was away, in a mall of a few minutes.
			assert.deepEqual(empty.filter((name) => !/shares|outages|losses/.test(name)), []);
		});

		test('energy and money tie in every row', async () => {
			const finance = await world.api.login('finance');
			expect(await (await world.api.login('operator')).call('GET', `/reports/energy-money?${span()}`), 403, 'forbidden');
			const { items } = await finance.get(`/reports/energy-money?${span()}`);
			assert.ok(items.length >= 300);
			for (const row of items)
				assert.equal(MOVES.reduce((sum, move) => sum + nano(row[move]), nano(row.opening)), nano(row.closing), `${row.tenant} ${row.purpose}`);
		});

		test('as XLSX are numbers, days and texts in a sheet with a frozen head and totals', async () => {
			const finance = await world.api.login('finance');
			const { columns, title } = (await finance.get('/reports')).items.find((r) => r.name === 'vending-operator');
			const path = `/reports/vending-operator?${span()}`;
			const { items, totals } = await finance.get(path);
			assert.ok(items.length > 0);
			const saved = await file(finance, `${path}&format=xlsx`);
			assert.match(saved.type, /spreadsheetml/);
			assert.match(saved.name, /^attachment; filename="vending-operator_[-0-9]+_[-0-9]+_open\.xlsx"$/);
			const book = XLSX.read(saved.bytes, { cellDates: false, cellNF: true });
			assert.deepEqual(book.SheetNames, [title]);
			const sheet = book.Sheets[title];
			const cell = (r, c) => sheet[XLSX.utils.encode_cell({ r, c })];
			for (const [c, column] of columns.entries()) {
				assert.equal(cell(0, c).v, column.title);
				for (const [i, item] of items.entries()) {
					const [have, want] = [cell(i + 1, c), item[column.name]];
					const where = `${column.name} of row ${i}`;
					if (column.kind === 'text') assert.deepEqual([have?.t ?? 's', have?.v ?? null], ['s', want], where);
					else if (column.kind === 'day') assert.equal(XLSX.SSF.format('yyyy-mm-dd', have.v), want, where);
					else if (column.kind === 'time') assert.equal(have.t, 'n', where);
					else assert.deepEqual([have.t, have.v], ['n', Number(want) / SCALE[column.kind]], where);
					if (column.kind === 'day' || column.kind === 'time') assert.ok(XLSX.SSF.is_date(have.z), `${where}: ${have.z}`);
				}
				if (column.summed) assert.equal(cell(items.length + 1, c).v, Number(totals[column.name]) / SCALE[column.kind], column.name);
			}
			const inner = XLSX.CFB.find(XLSX.CFB.read(saved.bytes, { type: 'buffer' }), '/xl/worksheets/sheet1.xml').content;
			assert.match(Buffer.from(inner).toString(), /<pane ySplit="1"[^>]*state="frozen"/);
			assert.doesNotMatch(Buffer.from(inner).toString(), /<f>/);
		});

		test('are read by LibreOffice: the same rows, numbers as numbers, days as days', async () => {
			const finance = await world.api.login('finance');
			const path = `/reports/vending-operator?${span()}`;
			const { columns } = (await finance.get('/reports')).items.find((r) => r.name === 'vending-operator');
			const { items } = await finance.get(path);
			for (const format of ['xlsx', 'csv']) {
				const { bytes } = await file(finance, `${path}&format=${format}`);
				const [saved] = Object.values(await libreOffice(bytes, format, 'xlsx'));
				const book = XLSX.read(saved, { cellNF: true });
				const sheet = book.Sheets[book.SheetNames[0]];
				const cell = (r, c) => sheet[XLSX.utils.encode_cell({ r, c })];
				for (const [c, column] of columns.entries()) {
					assert.equal(cell(0, c).v, column.title);
					for (const [i, item] of items.entries()) {
						const [have, want] = [cell(i + 1, c), item[column.name]];
						const where = `${format}: ${column.name} of row ${i}`;
						if (column.kind === 'day' || column.kind === 'time') assert.ok(have.t === 'n' && XLSX.SSF.is_date(have.z), where);
						else if (column.kind === 'text') assert.equal(have?.v ?? null, want, where);
						else assert.deepEqual([have.t, have.v], ['n', Number(want) / SCALE[column.kind]], where);
					}
				}
			}
		});

		test('of every name open as XLSX and CSV, with as many rows', async () => {
			const finance = await world.api.login('finance');
			for (const { name, columns } of (await finance.get('/reports')).items) {
				const path = `/reports/${name}?${span()}`;
				const book = XLSX.read((await file(finance, `${path}&format=xlsx`)).bytes);
				const csv = csvRows((await file(finance, `${path}&format=csv`)).bytes.toString());
				const sheet = XLSX.utils.sheet_to_json(book.Sheets[book.SheetNames[0]], { header: 1 });
				assert.deepEqual(csv[0], columns.map((c) => c.title), name);
				assert.deepEqual(sheet[0], csv[0], name);
				for (const row of csv) assert.equal(row.length, columns.length, `${name}: ${row}`);
			}
		});

		test('as CSV keep texts from becoming formulas, and name columns in English where it is wanted', async () => {
			const finance = await world.api.login('finance');
			const { items } = await finance.get(`/reports/purchases?${span()}`);
			const [{ tenant, name }] = items;
			const evil = '=HYPERLINK("http://x","y")';
			await world.stack.sql(`UPDATE tenant SET name = '${evil}' WHERE code = '${tenant}'`);
			const rows = csvRows((await file(finance, `/reports/purchases?${span()}&format=csv`, 'en')).bytes.toString());
			const book = XLSX.read((await file(finance, `/reports/purchases?${span()}&format=xlsx`, 'en')).bytes);
			await world.stack.sql(`UPDATE tenant SET name = '${name}' WHERE code = '${tenant}'`);
			assert.deepEqual(rows[0].slice(0, 4), ['Site', 'Tenant', 'Name', 'Room']);
			assert.equal(rows.find((r) => r[1] === tenant)[2], `'${evil}`);
			const sheet = book.Sheets['Purchases and use'];
			const found = Object.values(sheet).find((c) => c.v === evil);
			assert.deepEqual([found.t, found.f], ['s', undefined]);
		});

		test('of one site are asked for by its code', async () => {
			const admin = await world.api.login('admin');
			const [{ code }] = await world.stack.sql('SELECT code FROM site');
			const all = await admin.get(`/reports/vending-day?${span()}`);
			assert.deepEqual(await admin.get(`/reports/vending-day?${span()}&site=${encodeURIComponent(code)}`), all);
			assert.ok(all.items.every((row) => row.site === code));
			expect(await admin.call('GET', `/reports/vending-day?${span()}&site=nowhere`), 404, 'not_found');
		});

		test('refuse what they cannot tell', async () => {
			const admin = await world.api.login('admin');
			const ask = (name, query) => admin.call('GET', `/reports/${name}?${query}`);
			const refused = async (answer, status, code, field) => assert.equal(expect(await answer, status, code).body.field, field);
			await refused(ask('usage-hour', span(day(-40))), 422, 'out_of_range', 'to');
			await refused(ask('usage-hour', `${span()}&by=rate`), 422, 'bad_value', 'by');
			await refused(ask('fees', `${span()}&by=shop`), 400, 'unknown_field', 'by');
			await refused(ask('fees', `${span()}&format=pdf`), 422, 'bad_value', 'format');
			await refused(ask('fees', `${span()}&site_id=1`), 400, 'unknown_field', 'site_id');
			await refused(ask('fees', span('2026-02-02', '2026-02-01')), 422, 'out_of_range', 'to');
			expect(await ask('nothing', span()), 404, 'not_found');
		});
	});
}
