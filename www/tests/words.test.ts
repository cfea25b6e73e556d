import { describe, expect, it } from 'vitest';
import { en as staff_en } from '../src/staff/en';
import { zh as staff_zh } from '../src/staff/zh';
import { en as tenant_en } from '../src/tenant/en';
import { zh as tenant_zh } from '../src/tenant/zh';

type Tree = { [name: string]: unknown };
const pages = Object.entries(import.meta.glob<{ zh: Tree; en: Tree }>('../src/tenant/words/*.ts', { eager: true }))
	.map(([path, m]) => [path.replace(/.*\/(\w+)\.ts/, 'tenant page: $1'), m.zh, m.en] as const);
const SAME_ALLOWED = /^(none|lang_other|lang_other_name)$/;

function leaves(tree: Tree, path = ''): Map<string, unknown> {
	const all = new Map<string, unknown>();
	for (const [name, value] of Object.entries(tree)) {
		const at = path ? `${path}.${name}` : name;
		if (value !== null && typeof value === 'object') for (const [k, v] of leaves(value as Tree, at)) all.set(k, v);
		else all.set(at, value);
	}
	return all;
}

describe.each([['tenant', tenant_zh, tenant_en], ['staff', staff_zh, staff_en], ...pages] as [string, Tree, Tree][])('words of the %s', (_name, zh, en) => {
	const chinese = leaves(zh);
	const english = leaves(en);
	it('has the same names in both languages', () => expect([...english.keys()].sort()).toEqual([...chinese.keys()].sort()));
	it('has functions of the same arity', () => {
		for (const [name, value] of chinese) {
			expect(typeof english.get(name), name).toBe(typeof value);
			if (typeof value === 'function') expect((english.get(name) as () => string).length, name).toBe(value.length);
		}
	});
	it('has no Chinese left in English', () => {
		expect(english.size).toBeGreaterThan(0);
		for (const [name, value] of english) {
			if (SAME_ALLOWED.test(name)) continue;
			const text = typeof value === 'function' ? String((value as (...a: unknown[]) => string)('1', '2', '3', '4')) : String(value);
			expect(text, name).not.toMatch(/[\u4e00-\u9fff]/);
			expect(text.length, name).toBeGreaterThan(0);
		}
	});
});
