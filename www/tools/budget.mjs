// Fails the build when a first load grows above its budget. Counted as a browser loads it: what the
// page names, plus the modules these import at once; gzip -9; 1 KB = 1,000 bytes.
import { readFileSync } from 'node:fs';
import { dirname, join, posix } from 'node:path';
import { gzipSync } from 'node:zlib';

const dist = join(import.meta.dirname, '..', 'dist');
const budgets = [
	{ app: 'tenant', html: 4000, js: 50000, css: 8000 },
	{ app: 'staff', html: 4000, js: 200000, css: 20000 },
];

function first_load(app) {
	const html = readFileSync(join(dist, app, 'index.html'), 'utf8');
	const names = [...html.matchAll(/(?:src|href)="\.\/([^"]+\.(?:js|css))"/g)]
		.map((m) => m[1]);
	const seen = new Map();
	for (const name of names) follow(app, name, seen);
	return { html: gzipSync(html, { level: 9 }).length, seen };
}

function follow(app, name, seen) {
	if (seen.has(name)) return;
	const text = readFileSync(join(dist, app, name));
	seen.set(name, gzipSync(text, { level: 9 }).length);
	if (!name.endsWith('.js')) return;
	for (const m of text.toString().matchAll(/(?:^|[;}\s])(?:import|export)[^;()]*?["'](\.[^"']+\.js)["']/g))
		follow(app, posix.join(dirname(name), m[1]), seen);
}

let failed = false;
for (const { app, ...limit } of budgets) {
	const { html, seen } = first_load(app);
	const sum = (ending) => [...seen].filter(([n]) => n.endsWith(ending)).reduce((a, [, n]) => a + n, 0);
	const size = { html, js: sum('.js'), css: sum('.css') };
	for (const kind of ['html', 'js', 'css']) {
		const over = size[kind] > limit[kind];
		failed ||= over;
		console.log(`${app} first load ${kind}: ${(size[kind] / 1000).toFixed(1)} KB gz of ${limit[kind] / 1000}${over ? '  TOO LARGE' : ''}`);
	}
}
process.exit(failed ? 1 : 0);
