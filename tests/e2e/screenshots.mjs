// make screenshots: every screen of both apps on a mall of its own, in both languages, light and dark, as
// pictures in a folder; and on each of them what axe finds, what stands in the console, what was asked for
// elsewhere, and what the policy forbids. Ends with 1 if there is anything.
//   --dir FOLDER --port PORT --only NAME,NAME (beginnings) --langs zh,en
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { Stack, DEMO_PASSWORD, ROOT } from '../support/stack.mjs';
import { axe, launch, watch } from './browser.mjs';
import { Api, CONF, Wire } from './lib.mjs';
import { editMall, play } from './screens/scene.mjs';
import { STAFF, STAFF_BEFORE } from './screens/staff.mjs';
import { TENANT } from './screens/tenant.mjs';

const { values: options } = parseArgs({
	options: {
		dir: { type: 'string', default: path.join(ROOT, 'build/screenshots') },
		port: { type: 'string', default: '0' },
		only: { type: 'string', default: '' },
		langs: { type: 'string', default: 'zh,en' },
	},
});
const only = options.only.split(',').filter(Boolean);
const PATIENCE_MS = 30_000;
const SIZES = { tenant: { width: 390, height: 844 }, staff: { width: 1440, height: 900 } };

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

const contexts = new Map();

/** One browser context a person, language and size: signed in once. */
async function contextOf(browser, world, screen, lang) {
	const size = { ...SIZES[screen.wide ? 'staff' : screen.narrow ? 'tenant' : screen.app], ...(screen.width && { width: screen.width }) };
	const key = [screen.app, screen.as, lang, size.width, screen.agent, screen.large].join();
	if (contexts.has(key)) return contexts.get(key);
	const context = await browser.newContext({
		viewport: size, locale: 'zh-CN', timezoneId: 'Asia/Shanghai', reducedMotion: 'reduce', ...(screen.agent && { userAgent: screen.agent, hasTouch: true }),
	});
	context.setDefaultTimeout(PATIENCE_MS);
	contexts.set(key, context);
	const page = await context.newPage();
	await page.goto(`${world.stack.base}/robots.txt`);
	const token = screen.as && (await world.api.login(screen.as, DEMO_PASSWORD)).tokens.refresh_token;
	await page.evaluate(([app, l, t, large]) => {
		localStorage.setItem('yufu.lang', l);
		sessionStorage.setItem('yufu.wechat', '1');
		if (large) localStorage.setItem('yufu.large', '1');
		if (t) localStorage.setItem(`yufu.${app}.refresh`, t);
	}, [screen.app, lang, token, screen.large]);
	await page.close();
	return context;
}

/** Nothing is being loaded, or has been for long enough. */
function quietly(page) {
	let open = 0;
	let at = Date.now();
	const change = (by) => () => {
		open += by;
		at = Date.now();
	};
	page.on('request', change(1));
	page.on('requestfinished', change(-1));
	page.on('requestfailed', change(-1));
	return async () => {
		const stop = Date.now() + 4_000;
		while ((open > 0 || Date.now() - at < 150) && Date.now() < stop) await page.waitForTimeout(30);
		await page.waitForFunction(() => !document.querySelector('.bone'), null, { timeout: 8_000 }).catch(() => {});
	};
}

/** Scrolls what is longer than the screen to its end; false where nothing is. */
const below = (page) => page.evaluate(() => {
	const box = document.querySelector('.sheet') || document.querySelector('.drawer') || document.querySelector('.pane') || document.scrollingElement;
	const all = [box, document.scrollingElement].filter((e) => e.scrollHeight > e.clientHeight + 60);
	for (const e of all) e.scrollTop = e.scrollHeight;
	return all.length > 0;
});

async function shoot(page, name, lang) {
	await page.quiet();
	const files = taken.get(name) ?? taken.set(name, []).get(name);
	for (const dark of [false, true]) {
		await page.emulateMedia({ colorScheme: dark ? 'dark' : 'light' });
		const look = `${lang}-${dark ? 'dark' : 'light'}`;
		find(`${name} ${look}`, await axe(page));
		const file = `${name}.${look}.png`;
		await page.screenshot({ path: path.join(options.dir, file), animations: 'disabled', caret: 'hide' });
		files.push(file);
	}
	await page.emulateMedia({ colorScheme: 'light' });
	if (lang !== 'zh' || !await below(page)) return;
	const file = `${name}.below.png`;
	await page.screenshot({ path: path.join(options.dir, file), animations: 'disabled' });
	files.push(file);
}

async function show(browser, world, screen, lang) {
	const context = await contextOf(browser, world, screen, lang);
	const page = await context.newPage();
	try {
		await watch(page, world.stack.base);
		page.quiet = quietly(page);
		page.at = (at) => `${world.stack.base}${screen.app === 'staff' ? '/staff' : ''}${at}`;
		await page.goto(page.at(screen.at));
		await page.quiet();
		const shot = (more = '') => shoot(page, screen.name + more, lang);
		await screen.act?.(page, world, shot);
		if (!screen.act || screen.act.length < 3) await shot();
	} catch (e) {
		find(`${screen.name} ${lang}`, [`not reached: ${String(e.message ?? e).split('\n')[0]}`]);
		await page.screenshot({ path: path.join(options.dir, `${screen.name}.${lang}.failed.png`) }).catch(() => {});
	}
	find(`${screen.name} ${lang}`, [...new Set(page.complaints)]);
	await page.close();
}

async function showAll(browser, world, screens) {
	const wanted = screens.filter((s) => !only.length || only.some((o) => s.name.startsWith(o)));
	for (const screen of wanted)
		for (const lang of options.langs.split(',')) await show(browser, world, screen, lang);
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
	await showAll(browser, world, STAFF_BEFORE);
	await stack.allFresh(370, 120_000);
	find('scene', await play(world, world.scene, say));
	await showAll(browser, world, TENANT);
	await showAll(browser, world, STAFF);
} finally {
	contactSheet();
	await end();
}
const pictures = [...taken.values()].reduce((sum, files) => sum + files.length, 0);
console.log(`${pictures} pictures of ${taken.size} screens in ${options.dir}, ${findings.length} findings`);
for (const finding of findings) console.log(finding);
process.exit(findings.length || !pictures ? 1 : 0);
