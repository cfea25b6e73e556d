// Writes the corpus of fuzz_sheet anew: small workbooks by LibreOffice, and some by hand.
//   scripts/node tests/fuzz/make_sheets.mjs
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { Day, Formula, encryptedPackage, fods, libreOffice, sheetXml, withFilePass, xlsxOf } from '../support/sheets.mjs';

const dir = path.join(import.meta.dirname, 'corpus/sheet');
const book = {
	表计: [['编码', '名称', 'unit'], ['M0017', '好味, "一楼"', 17], ['M2', new Formula('"a" & "b"'), -0.5]],
	tenants: [['code', 'start_date', 'floor_m2'], ['T1', new Day('2026-03-01'), 1234.5], ['T2', '2026.3.1', new Formula('1/0')]],
};
const flat = Buffer.from(fods(book));
const xls = (await libreOffice(flat, 'fods', 'xls'))['book.xls'];
const files = {
	'book.xlsx': (await libreOffice(flat, 'fods', 'xlsx'))['book.xlsx'],
	'book.xls': xls,
	'password.xls': withFilePass(xls),
	'password.xlsx': encryptedPackage(),
	'inline.xlsx': xlsxOf({ sites: sheetXml([['code', 'name'], ['A', 'a&b']]) }, { from1904: true }),
	'meters.csv': Object.values(await libreOffice(flat, 'fods', 'csv'))[0],
	'gb18030.csv': Buffer.from('b1e0c2eb2cc3fbb3c60a4d312c22612c2262220a27273d312b312c270a', 'hex'),
};
for (const [name, bytes] of Object.entries(files)) writeFileSync(path.join(dir, name), bytes);
