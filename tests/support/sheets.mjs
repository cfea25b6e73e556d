// Workbooks for tests: written by LibreOffice from a flat text form, or put together byte by byte where
// no office program would write such a thing.
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { crc32 as zlibCrc32, deflateRawSync } from 'node:zlib';
import { run } from './process.mjs';

const escape = (text) => String(text).replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');

/** A date, for a cell that is to be a real one. */
export class Day {
	constructor(text) {
		this.text = text;
	}
}

/** A formula with what it comes to. */
export class Formula {
	constructor(text) {
		this.text = text;
	}
}

function fodsCell(v) {
	if (v === '' || v === null || v === undefined) return '<table:table-cell/>';
	if (v instanceof Day)
		return `<table:table-cell table:style-name="day" office:value-type="date" office:date-value="${v.text}"/>`;
	if (v instanceof Formula) return `<table:table-cell table:formula="of:=${escape(v.text)}"/>`;
	if (typeof v === 'number') return `<table:table-cell office:value-type="float" office:value="${v}"/>`;
	return `<table:table-cell office:value-type="string"><text:p>${escape(v)}</text:p></table:table-cell>`;
}

/** Flat OpenDocument text of a book: {sheet: [[cell, …], …]}. */
export function fods(book) {
	const tables = Object.entries(book).map(([name, rows]) => {
		const lines = rows.map((row) => `<table:table-row>${row.map(fodsCell).join('')}</table:table-row>`);
		return `<table:table table:name="${escape(name)}">${lines.join('')}</table:table>`;
	});
	return `<?xml version="1.0" encoding="UTF-8"?>
<office:document xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0" xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0" xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0" xmlns:style="urn:oasis:names:tc:opendocument:xmlns:style:1.0" xmlns:number="urn:oasis:names:tc:opendocument:xmlns:datastyle:1.0" xmlns:of="urn:oasis:names:tc:opendocument:xmlns:of:1.2" office:version="1.2" office:mimetype="application/vnd.oasis.opendocument.spreadsheet">
<office:automatic-styles><number:date-style style:name="ymd"><number:year number:style="long"/><number:text>-</number:text><number:month number:style="long"/><number:text>-</number:text><number:day number:style="long"/></number:date-style><style:style style:name="day" style:family="table-cell" style:data-style-name="ymd"/></office:automatic-styles>
<office:body><office:spreadsheet>${tables.join('')}</office:spreadsheet></office:body></office:document>`;
}

const FORMATS = {
	xlsx: 'xlsx:Calc MS Excel 2007 XML',
	xls: 'xls:MS Excel 97',
	csv: 'csv:Text - txt - csv (StarCalc):44,34,76,1,,0,false,true,false,false,false,-1',
	ods: 'ods',
};

const profile = mkdtempSync(path.join(os.tmpdir(), 'yufu-profile-'));
process.on('exit', () => rmSync(profile, { recursive: true, force: true }));

// Asked for no encoding, LibreOffice would take a CSV file for Latin-1; it detects days and times.
const INPUT = { csv: ['--infilter=Text - txt - csv (StarCalc):44,34,76,1,,0,true,true'] };

/** What LibreOffice makes of a file, named book, or of several, {name: bytes}, for which it starts once:
 * {name: bytes}. Of CSV it makes one file for each sheet. */
export async function libreOffice(files, from, to) {
	const dir = mkdtempSync(path.join(os.tmpdir(), 'yufu-office-'));
	const books = Object.entries(files instanceof Uint8Array ? { book: files } : files);
	const file = (name) => path.join(dir, `${name}.${from}`);
	try {
		for (const [name, bytes] of books) writeFileSync(file(name), bytes);
		await run('soffice', ['--headless', '--norestore', `-env:UserInstallation=file://${profile}`, ...(INPUT[from] ?? []),
			'--convert-to', FORMATS[to], '--outdir', path.join(dir, 'out'), ...books.map(([name]) => file(name))]);
		const out = path.join(dir, 'out');
		return Object.fromEntries(readdirSync(out).map((name) => [name, readFileSync(path.join(out, name))]));
	} finally {
		rmSync(dir, { recursive: true, force: true });
	}
}

// ---- by hand ----

const TABLE = Array.from({ length: 256 }, (_, n) => {
	let c = n;
	for (let k = 0; k < 8; k++) c = c & 1 ? 0xedb88320 ^ (c >>> 1) : c >>> 1;
	return c >>> 0;
});

function crc32(bytes) {
	if (zlibCrc32) return zlibCrc32(bytes);
	let c = 0xffffffff;
	for (const b of bytes) c = TABLE[(c ^ b) & 0xff] ^ (c >>> 8);
	return (c ^ 0xffffffff) >>> 0;
}

/** A ZIP file of {name: bytes or text}. */
export function zip(files) {
	const parts = [];
	const directory = [];
	let at = 0;
	for (const [name, content] of Object.entries(files)) {
		const raw = Buffer.from(content);
		const packed = deflateRawSync(raw, { level: 9 });
		const head = Buffer.alloc(26);
		head.writeUInt16LE(20, 0);
		head.writeUInt16LE(8, 4);
		head.writeUInt32LE(crc32(raw), 10);
		head.writeUInt32LE(packed.length, 14);
		head.writeUInt32LE(raw.length, 18);
		head.writeUInt16LE(name.length, 22);
		const local = Buffer.concat([Buffer.from('PK\x03\x04'), head, Buffer.from(name), packed]);
		const offset = Buffer.alloc(14);
		offset.writeUInt32LE(at, 10);
		directory.push(Buffer.concat([Buffer.from('PK\x01\x02\x14\x00'), head, offset, Buffer.from(name)]));
		parts.push(local);
		at += local.length;
	}
	const list = Buffer.concat(directory);
	const end = Buffer.alloc(18);
	end.writeUInt16LE(directory.length, 4);
	end.writeUInt16LE(directory.length, 6);
	end.writeUInt32LE(list.length, 8);
	end.writeUInt32LE(at, 12);
	return Buffer.concat([...parts, list, Buffer.from('PK\x05\x06'), end]);
}

/** An .xlsx file around the XML of its sheets: {name: xml of <worksheet>}. */
export function xlsxOf(sheets, { from1904 = false } = {}) {
	const names = Object.keys(sheets);
	const files = {
		'[Content_Types].xml': '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="xml" ContentType="application/xml"/></Types>',
		'_rels/.rels': '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="r1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="xl/workbook.xml"/></Relationships>',
		'xl/workbook.xml': `<workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"><workbookPr${from1904 ? ' date1904="1"' : ''}/><sheets>${names.map((n, i) => `<sheet name="${escape(n)}" sheetId="${i + 1}" r:id="s${i + 1}"/>`).join('')}</sheets></workbook>`,
		'xl/_rels/workbook.xml.rels': `<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">${names.map((_, i) => `<Relationship Id="s${i + 1}" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet" Target="worksheets/sheet${i + 1}.xml"/>`).join('')}<Relationship Id="st" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/styles" Target="styles.xml"/></Relationships>`,
		'xl/styles.xml': '<styleSheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><cellXfs count="2"><xf numFmtId="0"/><xf numFmtId="14"/></cellXfs></styleSheet>',
	};
	names.forEach((n, i) => {
		files[`xl/worksheets/sheet${i + 1}.xml`] = `<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">${sheets[n]}</worksheet>`;
	});
	return zip(files);
}

export function columnName(i) {
	return i < 26 ? String.fromCharCode(65 + i) : columnName(Math.floor(i / 26) - 1) + columnName(i % 26);
}

/** XML of a sheet's rows, texts in line. */
export function sheetXml(rows) {
	const lines = rows.map((row, r) => {
		const cells = row.map((v, c) => (v === '' ? '' : `<c r="${columnName(c)}${r + 1}" t="inlineStr"><is><t>${escape(v)}</t></is></c>`));
		return `<row r="${r + 1}">${cells.join('')}</row>`;
	});
	return `<sheetData>${lines.join('')}</sheetData>`;
}

/** A compound file that holds nothing but an EncryptedPackage, as a workbook with a password is. */
export function encryptedPackage() {
	const sector = (n) => 512 + n * 512;
	const file = Buffer.alloc(sector(3 + 9), 0);
	Buffer.from('d0cf11e0a1b11ae1', 'hex').copy(file);
	file.writeUInt16LE(0x3e, 24);
	file.writeUInt16LE(3, 26);
	file.writeUInt16LE(0xfffe, 28);
	file.writeUInt16LE(9, 30);
	file.writeUInt16LE(6, 32);
	file.writeUInt32LE(1, 44); // sectors of the allocation table
	file.writeUInt32LE(1, 48); // where the directory begins
	file.writeUInt32LE(4096, 56);
	file.writeUInt32LE(0xfffffffe, 60);
	file.writeUInt32LE(0xfffffffe, 68);
	for (let i = 0; i < 109; i++) file.writeUInt32LE(i === 0 ? 0 : 0xffffffff, 76 + 4 * i);
	for (let i = 0; i < 128; i++) file.writeUInt32LE(0xffffffff, sector(0) + 4 * i);
	file.writeUInt32LE(0xfffffffd, sector(0));
	file.writeUInt32LE(0xfffffffe, sector(0) + 4);
	for (let i = 3; i < 12; i++) file.writeUInt32LE(i === 11 ? 0xfffffffe : i + 1, sector(0) + 4 * i);
	const entry = (n, name, kind, first, size, child = 0xffffffff) => {
		const at = sector(1) + 128 * n;
		Buffer.from(name, 'utf16le').copy(file, at);
		file.writeUInt16LE(2 * name.length + 2, at + 64);
		file[at + 66] = kind;
		file[at + 67] = 1;
		file.writeUInt32LE(0xffffffff, at + 68);
		file.writeUInt32LE(0xffffffff, at + 72);
		file.writeUInt32LE(child, at + 76);
		file.writeUInt32LE(first, at + 116);
		file.writeUInt32LE(size, at + 120);
	};
	entry(0, 'Root Entry', 5, 0xfffffffe, 0, 1);
	entry(1, 'EncryptedPackage', 2, 3, 4608);
	return file;
}

/** The same .xls, but it says that it has a password: one of its first records becomes FILEPASS. */
export function withFilePass(xls) {
	const file = Buffer.from(xls);
	for (let at = 512; at + 8 < file.length; at += 512)
		if (file.readUInt16LE(at) === 0x0809) {
			file.writeUInt16LE(0x2f, at + 4 + file.readUInt16LE(at + 2));
			return file;
		}
	throw new Error('there is no workbook stream');
}
