// Goes from screen to screen: one context a person, language and size, in it one page that is loaded once
// and then led on by its addresses, as a reader would. Each screen is looked at in the looks that were asked
// for, and what is found there is told.
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { DEMO_PASSWORD } from '../../support/stack.mjs';
import { axe, watch } from '../browser.mjs';

const PATIENCE_MS = 15_000;
const QUIET_MS = 120;
const SIZES = { tenant: { width: 390, height: 844 }, staff: { width: 1440, height: 900 } };
/** Where nothing is asked for and nothing stays of the page before. */
const NOWHERE = { staff: ['/nothing', '[data-testid="no-page"]'], tenant: ['/password', '.app[data-page="password"]'] };

/** Nothing is being loaded, or has been for long enough. */
function quietly(page) {
	const open = new Set();
	let at = Date.now();
	const ended = (r) => {
		open.delete(r);
		at = Date.now();
	};
	page.on('request', (r) => {
		open.add(r);
		at = Date.now();
	});
	page.on('requestfinished', ended);
	page.on('requestfailed', ended);
	return async () => {
		const stop = Date.now() + 4_000;
		while ((open.size > 0 || Date.now() - at < QUIET_MS) && Date.now() < stop) await page.waitForTimeout(20);
		await page.waitForFunction(() => !document.querySelector('.bone'), null, { timeout: 8_000 }).catch(() => {});
	};
}

/** As it comes out of a printer. */
export const printed = (page) => page.emulateMedia({ media: 'print' });

/** Scrolls what is longer than the screen to its end; false where nothing is. */
const below = (page) => page.evaluate(() => {
	const box = document.querySelector('.sheet') || document.querySelector('.drawer') || document.querySelector('.pane') || document.scrollingElement;
	const all = [box, document.scrollingElement].filter((e) => e.scrollHeight > e.clientHeight + 60);
	for (const e of all) e.scrollTop = e.scrollHeight;
	return all.length > 0;
});
const above = (page) => page.evaluate(() => {
	for (const e of document.querySelectorAll('.sheet, .drawer, .pane, html')) e.scrollTop = 0;
});

export class Walk {
	/** looks: "zh-light", …; find: told where and what; taken: filled, files by the name of the screen. */
	constructor(browser, world, { dir, looks, find, taken }) {
		Object.assign(this, { browser, world, dir, looks, find, taken });
		mkdirSync(dir, { recursive: true });
	}

	async all(screens) {
		for (const lang of ['zh', 'en']) {
			const darks = this.looks.filter((l) => l.startsWith(lang)).map((l) => l.endsWith('dark'));
			const by = new Map();
			for (const s of darks.length ? screens : []) by.set(this.#key(s), [...by.get(this.#key(s)) ?? [], s]);
			for (const some of by.values()) await this.#people(some, lang, darks);
		}
	}

	#size(screen) {
		return { ...SIZES[screen.wide ? 'staff' : screen.narrow ? 'tenant' : screen.app], ...(screen.width && { width: screen.width }) };
	}

	#key(screen) {
		return [screen.app, screen.as, this.#size(screen).width, screen.agent, screen.large].join();
	}

	/** The screens of one person on one kind of screen. */
	async #people(screens, lang, darks) {
		const context = await this.#context(screens[0], lang);
		let page = null;
		for (const screen of screens) {
			page ??= await this.#page(context, screen);
			await this.#show(page, screen, lang, darks);
			if (!page.spoilt && screen.as) continue;
			await page.close();
			page = null;
		}
		await context.close();
	}

	async #context(screen, lang) {
		const { stack, api } = this.world;
		const context = await this.browser.newContext({
			viewport: this.#size(screen), locale: 'zh-CN', timezoneId: 'Asia/Shanghai', reducedMotion: 'reduce', ...(screen.agent && { userAgent: screen.agent, hasTouch: true }),
		});
		context.setDefaultTimeout(PATIENCE_MS);
		const page = await context.newPage();
		await page.goto(`${stack.base}/robots.txt`);
		const token = screen.as && (await api.login(screen.as, DEMO_PASSWORD)).tokens.refresh_token;
		await page.evaluate(([app, l, t, large]) => {
			localStorage.setItem('yufu.lang', l);
			if (large) localStorage.setItem('yufu.large', '1');
			if (t) localStorage.setItem(`yufu.${app}.refresh`, t);
		}, [screen.app, lang, token, screen.large]);
		await page.close();
		return context;
	}

	async #page(context, screen) {
		const page = await context.newPage();
		await watch(page, this.world.stack.base);
		await page.addInitScript(() => sessionStorage.setItem('yufu.wechat', '1'));
		page.quiet = quietly(page);
		page.at = (at) => `${this.world.stack.base}${screen.app === 'staff' ? '/staff' : ''}${at}`;
		page.go = (at) => this.#go(page, screen.app, at);
		return page;
	}

	/** To another address of the app, through one where nothing is, so that a page begins anew. */
	async #go(page, app, at) {
		if (!page.loaded) {
			page.loaded = true;
			return page.goto(page.at(at));
		}
		const turn = (to) => page.evaluate((address) => {
			history.pushState({ inside: true }, '', address);
			dispatchEvent(new PopStateEvent('popstate'));
		}, page.at(to));
		const [nowhere, sign] = NOWHERE[app];
		await turn(nowhere);
		await page.waitForSelector(sign);
		await turn(at);
	}

	async #show(page, screen, lang, darks) {
		page.complaints = [];
		const shot = (more = '') => this.#shoot(page, screen.name + more, lang, darks);
		try {
			await page.go(screen.at);
			await page.quiet();
			await screen.act?.(page, this.world, shot);
			if (!screen.act || screen.act.length < 3) await shot();
		} catch (e) {
			this.find(`${screen.name} ${lang}`, [`not reached: ${String(e.message ?? e).split('\n').slice(0, 3).join(' ')}`]);
			await page.screenshot({ path: path.join(this.dir, `${screen.name}.${lang}.failed.png`) }).catch(() => {});
			page.spoilt = true;
		}
		await page.emulateMedia({ media: null });
		await page.unrouteAll({ behavior: 'ignoreErrors' });
		this.find(`${screen.name} ${lang}`, [...new Set(page.complaints)]);
	}

	async #shoot(page, name, lang, darks) {
		await page.quiet();
		const files = this.taken.get(name) ?? this.taken.set(name, []).get(name);
		const take = async (look) => {
			const file = `${name}.${look}.png`;
			await page.screenshot({ path: path.join(this.dir, file), animations: 'disabled', caret: 'hide' });
			files.push(file);
		};
		for (const dark of darks) {
			const look = `${lang}-${dark ? 'dark' : 'light'}`;
			await page.emulateMedia({ colorScheme: dark ? 'dark' : 'light' });
			this.find(`${name} ${look}`, await axe(page));
			await take(look);
		}
		await page.emulateMedia({ colorScheme: 'light' });
		if (lang !== 'zh' || !await below(page)) return;
		await take('below');
		await above(page);
	}
}
