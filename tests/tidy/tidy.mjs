// Rules of the source that no compiler knows: which folder may include which, what is not called, what
// does not stand in a text. Prints every breach; ends with 1 if there is one.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';

const root = path.resolve(import.meta.dirname, '../..');

// What the files of a folder may include of the others. A folder may always include itself.
const MAY_USE = {
	'core/base': [],
	'core/sheet': ['core/base'],
	'core/rules': ['core/base'],
	'core/db': ['core/base'],
	'core/meter': ['core/base'],
	'core/import': ['core/base', 'core/sheet', 'core/rules', 'core/db', 'core/domain', 'core/meter'],
	'core/web': ['core/base'],
	'core/domain': ['core/base', 'core/rules', 'core/db'],
	'core/pay': ['core/base', 'core/web'],
	'core/notice': ['core/base', 'core/web', 'core/db'],
	'core/report': ['core/base', 'core/rules', 'core/db', 'core/domain'],
	sim: ['core/base', 'core/meter', 'core/rules', 'core/web'],
	poller: ['core'],
	fcgi: ['core'],
	worker: ['core'],
	ctl: ['core'],
};

const BANNED = [
	[/\b(strcpy|strcat|sprintf|vsprintf|gets|strtok|atoi|atol|atoll|atof|system|popen|tmpnam|alloca)\s*\(/, 'is not called here'],
	[/\bFIXME\b|\bXXX\b|\bTODO\b/, 'belongs to an issue, not into the source'],
	[/-----BEGIN [A-Z ]*PRIVATE KEY-----\n?[A-Za-z0-9+/]{40}/, 'no private key lies in the repository'],
];

// Meters send floats, the simulated ones count with them, old workbooks keep them. Nothing else does:
// money is exact.
const FLOATS = ['core/meter/', 'core/sheet/xls.c', 'core/import/workbook.c', 'sim/', 'tests/'];

function files() {
	const list = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], { cwd: root, encoding: 'utf8' });
	return list.split('\0').filter(Boolean);
}

function folderOf(file) {
	return Object.keys(MAY_USE).filter((folder) => file.startsWith(`${folder}/`)).sort((a, b) => b.length - a.length)[0];
}

/** The folder of an included header, for headers of ours: "db/db.h" is core/db. */
function folderOfHeader(header) {
	return folderOf(`core/${header}`) ?? folderOf(header);
}

const breaches = [];

function checkIncludes(file, line, number) {
	const header = /^\s*#\s*include\s+"([^"]+)"/.exec(line)?.[1];
	if (header?.includes('..')) breaches.push(`${file}:${number}: a header is named from core/ or the root`);
	const from = folderOf(file);
	const to = header && folderOfHeader(header);
	if (!from || !to || from === to) return;
	if (!MAY_USE[from].some((allowed) => to === allowed || to.startsWith(`${allowed}/`)))
		breaches.push(`${file}:${number}: ${from} must not use ${to}`);
}

for (const file of files()) {
	if (!/\.(c|h|mjs|ts|vue|sh|sql|cmake|def)$/.test(file) || file.startsWith('tests/tidy/')) continue;
	let text;
	try {
		text = readFileSync(path.join(root, file), 'utf8');
	} catch {
		continue; // deleted, and not yet committed
	}
	const isC = /\.[ch]$/.test(file);
	for (const [i, line] of text.split('\n').entries()) {
		if (isC) checkIncludes(file, line, i + 1);
		if (isC && /\b(float|double)\b/.test(line) && !FLOATS.some((folder) => file.startsWith(folder)))
			breaches.push(`${file}:${i + 1}: no floats outside ${FLOATS.join(', ')}`);
		for (const [pattern, why] of BANNED) {
			const found = pattern.exec(line);
			if (found && (isC || /TODO|FIXME|XXX|PRIVATE/.test(found[0]))) breaches.push(`${file}:${i + 1}: ${found[0].trim()} ${why}`);
		}
		if (/\s+$/.test(line) && line.trim() !== '') breaches.push(`${file}:${i + 1}: blanks at the end`);
	}
	if (text !== '' && !text.endsWith('\n')) breaches.push(`${file}: no newline at the end`);
}

for (const breach of breaches) console.log(breach);
console.log(breaches.length ? `${breaches.length} breaches` : 'tidy: nothing found');
process.exit(breaches.length ? 1 : 0);
