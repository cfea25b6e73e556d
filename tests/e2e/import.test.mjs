// A mall out of a workbook: written by LibreOffice, brought in through nginx and by the command line,
// exported and brought in again; and workbooks that nobody should send.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { mall } from '../support/mall_book.mjs';
import { run } from '../support/process.mjs';
import {
	Day, Formula, columnName, encryptedPackage, fods, libreOffice, sheetXml, withFilePass, xlsxOf,
} from '../support/sheets.mjs';
import { expect, useStack } from './lib.mjs';

const ROWS = { sites: 1, areas: 6, gateways: 5, tariffs: 2, meters: 350, tenants: 300, purses: 600, shares: 10 };

const METERS = 2_000; // of the largest file; make bench has one of 10,000

const world = useStack({ fresh: false });
let office; // what LibreOffice made of the books below
let template; // what it read of the template
let engineer;

const count = (sql) => world.stack.number(sql);
const ours = "FROM meter m JOIN supply_point p ON p.id = m.supply_point_id JOIN site s ON s.id = p.site_id WHERE s.code = 'DY350'";

async function send(name, bytes, { dryRun = false, language = 'en', session = engineer } = {}) {
	const answer = await session.call('POST', `/imports?name=${encodeURIComponent(name)}${dryRun ? '&dry_run=1' : ''}`, {
		body: bytes, headers: { 'content-type': 'application/octet-stream', 'accept-language': language },
	});
	return expect(answer, 200).body;
}

async function bytesOf(session, route) {
	const answer = await fetch(world.api.base + route, { headers: { authorization: `Bearer ${session.tokens.access_token}` } });
	assert.equal(answer.status, 200, route);
	return { bytes: Buffer.from(await answer.arrayBuffer()), headers: answer.headers };
}

function assertAll(report, state) {
	assert.deepEqual(report.errors, []);
	assert.equal(report.ok, true);
	for (const [sheet, n] of Object.entries(ROWS))
		assert.deepEqual(report.counts[sheet], { new: 0, same: 0, changed: 0, [state]: n }, sheet);
}

function yufu(...args) {
	return run(path.join(world.stack.bin, 'yufu'), ['--config', world.stack.confFile, ...args]);
}

/** The mall with three bad cells. */
function badMall() {
	const book = mall('DYBAD');
	book.表计[17][3] = 300;
	book.表计[18][2] = 'nowhere';
	book.租户[1][2] = '0855-1234567';
	return fods(book);
}

/** Texts where numbers and days belong, numbers where texts do. */
function mixedBook() {
	return fods({
		租户: [['编码', '名称', '起租日期', '面积', '房号', '表计'], ['TX1', 'x', '2026.3.1', '１,２００．５', 101, 'DY350-00061'], ['TX2', new Formula('"甲" & "乙"'), new Day('2026-03-02'), new Formula('3+4'), '', 'DY350-00062']],
	}).replace('<table:table-row><table:table-cell office:value-type="string"><text:p>TX1', '<table:table-row><table:table-cell table:number-columns-spanned="1" table:number-rows-spanned="1" office:value-type="string"><text:p>TX1');
}

test('the Duyun mall comes in at once, out of what LibreOffice wrote', async () => {
	engineer = await world.api.login('engineer');
	const book = Buffer.from(fods(mall('DY350')));
	const mixed = Buffer.from(mixedBook());
	const xlsx = await libreOffice({ book, mixed, bad: Buffer.from(badMall()) }, 'fods', 'xlsx');
	const xls = await libreOffice({ book, mixed }, 'fods', 'xls');
	office = {
		xlsx: xlsx['book.xlsx'], xls: xls['book.xls'], csv: await libreOffice(book, 'fods', 'csv'),
		bad: xlsx['bad.xlsx'], mixed: { xlsx: xlsx['mixed.xlsx'], xls: xls['mixed.xls'] },
	};
	assertAll(await send('都匀.xlsx', office.xlsx, { dryRun: true }), 'new');
	assert.equal(await count(`SELECT COUNT(*) ${ours}`), 0);
	assertAll(await send('都匀.xls', office.xls), 'new');
	assert.equal(await count(`SELECT COUNT(*) ${ours}`), 350);
	assertAll(await send('都匀.xlsx', office.xlsx), 'same');
	assertAll(await send('都匀.xls', office.xls), 'same');
	assert.equal(await count("SELECT COUNT(*) FROM entry WHERE kind = 'opening' AND created_at > (SELECT MIN(at) FROM import_run)"), 600);
	const tenant = await count("SELECT COUNT(*) FROM user WHERE username = '13700000001' AND kind = 'tenant'");
	assert.equal(tenant, 1);
});

test('the command line takes the same files, and sheets as CSV', async () => {
	for (const [name, bytes] of Object.entries(office.csv)) {
		const file = world.stack.path(name.replace(/^book-/, ''));
		writeFileSync(file, bytes);
		const report = JSON.parse(await yufu('import', file));
		assert.equal(report.ok, true, `${name}: ${JSON.stringify(report.errors)}`);
		const [[, counts]] = Object.entries(report.counts);
		assert.ok(counts.same > 0 && counts.new === 0 && counts.changed === 0, name);
	}
	const bad = world.stack.path('tenants.csv');
	writeFileSync(bad, 'code,name,phone\nX,\xe4,1\n');
	await assert.rejects(yufu('import', bad, '--dry-run'));
	writeFileSync(world.stack.path('flat.json'), JSON.stringify({
		code: 'by-file', name: '文件电价', utility: 'electricity',
		versions: [{ effective_from: '2026-01-01T00:00:00+08:00', calendar: [{ days: 'all', slots: [['00:00', 'flat']] }], prices: { flat: ['0.5'] } }],
	}));
	const tariffs = world.stack.path('tariffs.csv');
	writeFileSync(tariffs, 'code,name,file\nby-file,文件电价,flat.json\n');
	await yufu('import', tariffs);
	assert.equal(await count("SELECT COUNT(*) FROM tariff WHERE code = 'by-file'"), 1);
});

test('an export is read by LibreOffice, and importing it changes nothing', async () => {
	const admin = await world.api.login('admin');
	const { bytes, headers } = await bytesOf(admin, '/export');
	assert.match(headers.get('content-disposition'), /yufu\.xlsx/);
	const report = await send('yufu.xlsx', bytes, { session: admin });
	assert.deepEqual(report.errors, []);
	for (const [sheet, c] of Object.entries(report.counts)) assert.ok(c.new === 0 && c.changed === 0, sheet);
	assert.equal(report.counts.meters.same, await count('SELECT COUNT(*) FROM meter'));
	// LibreOffice saves it under both formats: still the same.
	const again = await libreOffice(bytes, 'xlsx', 'xls');
	const second = await send('yufu.xls', again['book.xls'], { session: admin });
	assert.deepEqual(second.errors, []);
	for (const [sheet, c] of Object.entries(second.counts)) assert.ok(c.new === 0 && c.changed === 0, sheet);
	template = await bytesOf(engineer, '/imports/template');
	const seen = await libreOffice({ book: bytes, template: template.bytes }, 'xlsx', 'csv');
	template.seen = seen;
	const sheet = seen['book-租户.csv'].toString().split('\n');
	assert.match(sheet[0], /编码/);
	assert.ok(sheet.some((line) => /商户1,"?13700000001"?,.*"?0001"?,"?DY350-00001"?,2026-03-01,86\.5,500/.test(line)), 'texts stay texts, days days');
	const csv = await bytesOf(admin, '/export?format=csv&sheet=meters');
	assert.match(csv.headers.get('content-type'), /text\/csv/);
	const third = await send('meters.csv', csv.bytes, { session: admin });
	assert.deepEqual({ ...third.counts.meters, same: 0 }, { new: 0, same: 0, changed: 0 });
});

test('the template can be opened, and is empty', async () => {
	const { bytes, seen } = template;
	assert.ok('template-说明.csv' in seen && 'template-公摊.csv' in seen);
	assert.match(seen['template-表计.csv'].toString(), /^"?编码"?,"?名称"?,"?网关"?/);
	const report = await send('template.xlsx', bytes);
	assert.equal(report.ok, true);
	assert.equal(report.counts.meters.new, 0);
});

test('every bad cell is named, in both languages, and nothing is imported', async () => {
	const bytes = office.bad;
	const report = await send('bad.xlsx', bytes);
	assert.equal(report.ok, false);
	assert.deepEqual(report.errors.map((e) => [e.sheet, e.row, e.column, e.value, e.code]), [
		['meters', 18, 'unit', '300', 'out_of_range'],
		['meters', 19, 'gateway', 'nowhere', 'not_found'],
		['tenants', 2, 'phone', '0855-1234567', 'bad_value'],
	]);
	const chinese = await send('bad.xlsx', bytes, { language: 'zh-CN,zh;q=0.9' });
	assert.match(chinese.errors[2].message, /手机/);
	assert.equal(await count("SELECT COUNT(*) FROM site WHERE code = 'DYBAD'"), 0);
	const list = (await engineer.get('/imports')).items;
	assert.equal(list[0].ok, false);
	assert.equal(list[0].error_count, 3);
	assert.equal((await engineer.get(`/imports/${list[0].id}`)).errors.length, 3);
});

test('numbers and dates as texts, texts as numbers, formulas, merged cells, other sheets', async () => {
	for (const to of ['xlsx', 'xls']) {
		const report = await send(`x.${to}`, office.mixed[to], { dryRun: true });
		assert.deepEqual(report.errors, [], to);
		assert.equal(report.counts.tenants.new, 2);
	}
	const report = await send('x.xlsx', xlsxOf({ 商户: sheetXml([['编码'], ['A']]), 租户: sheetXml([['编码', '名称', '颜色'], ['A', 'a', 'red']]) }));
	assert.deepEqual(report.errors.map((e) => [e.sheet, e.row, e.code]), [['tenants', 1, 'unknown_field'], ['tenants', 2, 'missing_field'], ['商户', 1, 'unknown_field']]);
	const old = xlsxOf({ 租户: '<sheetData><row r="1"><c r="A1" t="inlineStr"><is><t>编码</t></is></c><c r="B1" t="inlineStr"><is><t>名称</t></is></c><c r="C1" t="inlineStr"><is><t>起租日期</t></is></c></row><row r="2"><c r="A2" t="inlineStr"><is><t>TDY350-00001</t></is></c><c r="B2" t="inlineStr"><is><t>商户1</t></is></c><c r="C2" s="1"><v>44620</v></c></row></sheetData><mergeCells count="1"><mergeCell ref="A3:C4"/></mergeCells>' }, { from1904: true });
	assert.equal((await send('1904.xlsx', old)).counts.tenants.same, 1); // 2026-03-01
});

test('workbooks that nobody should send', async (t) => {
	const wide = Array.from({ length: 16384 }, (_, i) => `h${i}`);
	const long = `<sheetData>${Array.from({ length: 250_000 }, (_, i) => `<row r="${i + 1}"><c r="A${i + 1}"><v>1</v></c></row>`).join('')}</sheetData>`;
	const files = {
		'truncated.xlsx': office.xlsx.subarray(0, office.xlsx.length >> 1),
		'truncated.xls': office.xls.subarray(0, office.xls.length >> 1),
		'password.xlsx': encryptedPackage(),
		'password.xls': withFilePass(office.xls),
		'bomb.xlsx': xlsxOf({ 租户: `<sheetData>${' '.repeat(300 << 20)}</sheetData>` }),
		'wide.xlsx': xlsxOf({ 租户: sheetXml([wide]) }),
		'far.xlsx': xlsxOf({ 租户: `<sheetData><row r="1"><c r="${columnName(16383)}1"><v>1</v></c></row></sheetData>` }),
		'long.xlsx': xlsxOf({ 租户: long }),
		'nothing.xlsx': xlsxOf({}),
		'empty.csv': Buffer.from(''),
		'picture.xlsx': Buffer.from('\x89PNG\r\n\x1a\n0000'),
	};
	const before = await count('SELECT COUNT(*) FROM tenant');
	for (const [name, bytes] of Object.entries(files)) {
		const report = await send(name, bytes);
		assert.equal(report.ok, false, name);
		assert.ok(report.errors.length >= 1 && report.errors[0].message, name);
		t.diagnostic(`${name} (${bytes.length} bytes): ${report.errors[0].message}`);
	}
	assert.equal(await count('SELECT COUNT(*) FROM tenant'), before);
	assert.match((await send('p.xlsx', files['password.xlsx'])).errors[0].message, /password|encrypt/i);
	assert.match((await send('p.xls', files['password.xls'])).errors[0].message, /password|encrypt/i);
	expect(await engineer.call('POST', '/imports?name=big.csv', { body: Buffer.alloc((20 << 20) + 1, 'a'), headers: { 'content-type': 'text/csv' } }), 413);
});

test('who may, and who may not', async () => {
	const cashier = await world.api.login('cashier');
	const csv = Buffer.from('code,name\nX,x\n');
	for (const [method, route] of [['POST', '/imports?name=sites.csv'], ['GET', '/imports'], ['GET', '/imports/template'], ['GET', '/export']])
		expect(await cashier.call(method, route, { body: method === 'POST' ? csv : undefined }), 403);
	expect(await world.api.call('POST', '/imports?name=sites.csv', { body: csv }), 401);
	expect(await engineer.call('POST', '/imports', { body: csv }), 400, 'missing_field');
	expect(await engineer.call('GET', '/export?format=csv'), 400, 'missing_field');
	expect(await engineer.call('GET', '/export?format=pdf'), 422, 'bad_value');
	// An engineer prepares; what is in use already is changed by those who may.
	const report = await send('purses.csv', Buffer.from('tenant,purpose,credit_limit\nTDY350-00001,electricity,50\n'));
	assert.equal(report.errors[0].code, 'forbidden');
});

test('two at once are one after the other', async () => {
	const book = xlsxOf(Object.fromEntries(Object.entries(mall('TWO', 70, 70, false)).map(([n, rows]) => [n, sheetXml(rows)])));
	const reports = await Promise.all([send('two.xlsx', book), send('two.xlsx', book)]);
	assert.deepEqual(reports.map((r) => r.counts.meters.new).sort(), [0, 70]);
});

test('the books tie after all of it', async () => {
	assert.deepEqual(JSON.parse(await yufu('verify')), []);
});

test('2,000 meters with their tenants in one file', async (t) => {
	const big = xlsxOf(Object.fromEntries(Object.entries(mall('BIG', METERS, 200, false)).map(([n, rows]) => [n, sheetXml(rows)])));
	const file = world.stack.path('big.xlsx');
	writeFileSync(file, big);
	for (const state of ['new', 'same']) {
		const began = Date.now();
		const report = JSON.parse(await yufu('import', file));
		t.diagnostic(`${METERS} meters, ${report.counts.tenants[state]} tenants, ${report.counts.purses[state]} purses, ${state}: ${Date.now() - began} ms`);
		assert.equal(report.counts.meters[state], METERS);
	}
});
