// make screenshots: every screen of both apps on a mall of its own, in both languages, light and dark, as
// pictures in a folder; and on each of them what axe finds, what stands in the console, what was asked for
// elsewhere, and what the policy forbids. Ends with 1 if there is anything.
//   --dir FOLDER --port PORT --only NAME,NAME (beginnings) --looks zh-light,zh-dark,en-light,en-dark
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { Stack, ROOT } from '../support/stack.mjs';
import { launch } from './browser.mjs';
import { Api, CONF, Wire } from './lib.mjs';
import { editMall, play } from './screens/scene.mjs';
import { STAFF, STAFF_BEFORE } from './screens/staff.mjs';
import { TENANT } from './screens/tenant.mjs';
import { Walk } from './screens/walk.mjs';

const { values: options } = parseArgs({
	options: {
		dir: { type: 'string', default: path.join(ROOT, 'build/screenshots') },
		port: { type: 'string', default: '0' },
		only: { type: 'string', default: '' },
		looks: { type: 'string', default: 'zh-light,zh-dark,en-light,en-dark' },
	},
});
const only = options.only.split(',').filter(Boolean);
const wanted = (screens) => screens.filter((s) => !only.length || only.some((o) => s.name.startsWith(o)));

const say = (text) => process.stderr.write(`screenshots: ${text}\n`);
const findings = [];
const taken = new Map(); // name -> files

function find(where, texts) {
	for (const text of texts) {
		findings.push(`${where}: ${text}`);
		say(`${where}: ${text}`);
	}
}

/** Pages that no line of a table shows: the staff's of places.ts, the tenants' by their files. */
function forgotten() {
	const places = readFileSync(path.join(ROOT, 'www/src/staff/places.ts'), 'utf8');
	const pages = [...places.matchAll(/\{ name: '([a-z_]+)', needs:/g)].map((m) => m[1]);
	if (pages.length < 10) throw new Error('places.ts is not read as it is written');
	const tenants = readdirSync(path.join(ROOT, 'www/src/tenant/pages')).filter((f) => f.endsWith('.vue')).map((f) => f.slice(0, -4).toLowerCase());
	const without = (names, screens, key) => names.filter((name) => !screens.some((s) => s[key] === name));
	return [...without(pages, STAFF, 'place').map((n) => `the staff's ${n}`), ...without(tenants, TENANT, 'page').map((n) => `the tenants' ${n}`)];
}

function contactSheet() {
	const rows = [...taken].map(([name, files]) => `<section><h2>${name}</h2>${files.map((f) => `<a href="${f}"><img loading="lazy" src="${f}" alt="${f}"></a>`).join('')}</section>`);
	writeFileSync(path.join(options.dir, 'index.html'), `<!doctype html><meta charset="utf-8"><title>Screens</title>
<style>body{font:16px system-ui;margin:1rem;background:#ddd}h2{font-size:1rem;margin:1rem 0 .25rem}section{white-space:nowrap;overflow:auto}img{height:22rem;margin-right:.5rem;vertical-align:top}</style>
${rows.join('\n')}\n`);
	writeFileSync(path.join(options.dir, 'findings.txt'), findings.map((f) => `${f}\n`).join(''));
}

find('tests/e2e/screens', forgotten().map((name) => `${name} is on no line`));
rmSync(options.dir, { recursive: true, force: true });
mkdirSync(options.dir, { recursive: true });
const stack = new Stack({ say, port: Number(options.port), historyDays: 14, conf: CONF, editMall });
let browser;
const end = async () => {
	await browser?.close();
	await stack.down();
};
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => end().then(() => process.exit(1)));
try {
	await stack.up();
	const world = { stack, api: await Api.open(stack), wire: new Wire(stack), scene: {} };
	browser = await launch();
	const walk = new Walk(browser, world, { dir: options.dir, looks: options.looks.split(','), find, taken });
	await walk.all(wanted(STAFF_BEFORE));
	await stack.allFresh(370, 120_000);
	find('scene', await play(world, world.scene, say));
	say('the scene is set');
	await walk.all(wanted(TENANT));
	await walk.all(wanted(STAFF));
} finally {
	contactSheet();
	await end();
}
const pictures = [...taken.values()].reduce((sum, files) => sum + files.length, 0);
console.log(`${pictures} pictures of ${taken.size} screens in ${options.dir}, ${findings.length} findings`);
for (const finding of findings) console.log(finding);
process.exit(findings.length || !pictures ? 1 : 0);
