import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { placed, prefix_of } from '../src/shared/prefix';

test('the path of the site is told by where a script came from', () => {
	expect(prefix_of('https://pay.example.com/assets/index-a1.js')).toBe('');
	expect(prefix_of('https://pay.example.com/staff/assets/index-a1.js')).toBe('');
	expect(prefix_of('https://pay.example.com/yufu/assets/index-a1.js')).toBe('/yufu');
	expect(prefix_of('https://pay.example.com:8443/a/b-c/staff/assets/index-a1.js')).toBe('/a/b-c');
	expect(prefix_of('file:///home/x/src/shared/prefix.ts')).toBe('');
});

test('a place of the site gets its path once, and what is not of the site none', () => {
	expect(placed('/usage?step=day', '/yufu')).toBe('/yufu/usage?step=day');
	expect(placed('/yufu/usage', '/yufu')).toBe('/yufu/usage');
	expect(placed('/usage', '')).toBe('/usage');
	for (const other of ['https://pay.example.com/', '//elsewhere/', '#main', 'data:image/png;base64,x']) expect(placed(other, '/yufu')).toBe(other);
});

test('no page hands the browser a place of the site without its path', () => {
	const src = join(import.meta.dirname, '../src');
	for (const name of readdirSync(src, { recursive: true, encoding: 'utf8' }).filter((n) => /\.(vue|ts)$/.test(n)))
		expect(readFileSync(join(src, name), 'utf8'), name).not.toMatch(/fetch\(['`]\/|location\.assign\(['`]\/|location\.origin\}\/| src="\//);
});
