import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { prefix_of } from '../src/shared/prefix';

test('the path of the site is told by where a script came from', () => {
	expect(prefix_of('https://pay.example.com/assets/index-a1.js')).toBe('');
	expect(prefix_of('https://pay.example.com/staff/assets/index-a1.js')).toBe('');
	expect(prefix_of('https://pay.example.com/yufu/assets/index-a1.js')).toBe('/yufu');
	expect(prefix_of('https://pay.example.com:8443/a/b-c/staff/assets/index-a1.js')).toBe('/a/b-c');
	expect(prefix_of('file:///home/x/src/shared/prefix.ts')).toBe('');
});

test('no page names a place of the site without its path', () => {
	const src = join(import.meta.dirname, '../src');
	for (const name of readdirSync(src, { recursive: true, encoding: 'utf8' }).filter((n) => /\.(vue|ts)$/.test(n))) {
		const text = readFileSync(join(src, name), 'utf8');
		// `href('/…')` and `${prefix}/…` carry it; go('/…') and get('/…') add it
		expect(text, name).not.toMatch(/[ (](href="|src="|href="`|fetch\('|fetch\(`|assign\('|assign\(`)\//);
	}
});
