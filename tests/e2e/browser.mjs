// A browser that notices: what axe finds, what stands in its console, what it was told to load from
// elsewhere, and what the policy of the site forbids.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { chromium } from 'playwright-core';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
export const TAGS = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'];
export const PHONE_AGENT = 'Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Mobile Safari/537.36';
export const WECHAT_AGENT = 'Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148 MicroMessenger/8.0.50';

/** Languages and colours, so that a walk that goes on to the next at each page has all of them soon. */
export const LOOKS = [
	{ lang: 'zh', dark: false }, { lang: 'en', dark: true }, { lang: 'zh', dark: true }, { lang: 'en', dark: false },
];

// Rows and tiles are alike: the first ones stand for all.
const ALIKE = [['.data tbody tr:nth-child(n+7)'], ['.tiles > :nth-child(n+9)'], ['.wall-tiles > :nth-child(n+8)'], ['.rows li:nth-child(n+6)']];

const HOW = {
	executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
	args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--no-first-run',
		'--disable-background-networking', '--disable-component-update', '--disable-sync'],
};

export function launch() {
	return chromium.launch(HOW);
}

/** A browser that a further program shares by its debugging port; it keeps its data in a folder. */
export function launchShared(dir, port) {
	return chromium.launchPersistentContext(dir, { ...HOW, args: [...HOW.args, `--remote-debugging-port=${port}`] });
}

/** Violations on the page as it is now, in words. */
export async function axe(page) {
	if (!await page.evaluate(() => 'axe' in window)) await page.evaluate(AXE);
	const found = await page.evaluate(([exclude, tags]) => window.axe.run({ exclude }, { runOnly: tags, resultTypes: ['violations'] }), [ALIKE, TAGS]);
	return found.violations.map((v) => `${v.id}: ${v.nodes.slice(0, 3).map((n) => n.target.join(' ')).join(' | ')}`);
}

/** Collects in page.complaints what a page must not do. Answers that say no are the page's own business
 * unless strict: what it shows of them is looked at. */
export async function watch(page, origin, { strict = false } = {}) {
	page.complaints = [];
	page.on('pageerror', (e) => page.complaints.push(`exception: ${e}`));
	page.on('console', (m) => m.type() === 'error' && (strict || !/Failed to load resource/.test(m.text())) && page.complaints.push(`console: ${m.text()}`));
	page.on('request', (r) => /^(https?|wss?):/.test(r.url()) && new URL(r.url()).origin !== origin && page.complaints.push(`elsewhere: ${r.url()}`));
	await page.exposeFunction('policyComplaint', (text) => { page.complaints.push(`policy: ${text}`); });
	await page.addInitScript(() => {
		document.addEventListener('securitypolicyviolation', (e) => window.policyComplaint(`${e.violatedDirective} ${e.blockedURI}`));
	});
}
