import { beforeEach, describe, expect, it } from 'vitest';
import { answered, open_key, random_key } from '../src/shared/once';

beforeEach(() => localStorage.clear());

describe('idempotency keys', () => {
	it('stays the same for the same wish until an answer came', () => {
		const first = open_key('order', 'a');
		expect(open_key('order', 'a')).toBe(first);
		answered('order');
		expect(open_key('order', 'a')).not.toBe(first);
	});
	it('is new for another wish or another scope', () => {
		const first = open_key('order', 'a');
		expect(open_key('order', 'b')).not.toBe(first);
		expect(open_key('sale', 'a')).not.toBe(first);
	});
	it('does not outlive ten minutes', () => {
		const now = Date.now();
		const first = open_key('order', 'a', now);
		expect(open_key('order', 'a', now + 9 * 60_000)).toBe(first);
		expect(open_key('order', 'a', now + 11 * 60_000)).not.toBe(first);
	});
	it('survives unreadable storage', () => {
		localStorage.setItem('yufu.once.order', '{nonsense');
		expect(open_key('order', 'a')).toMatch(/^[0-9a-f]{32}$/);
	});
	it('fits the header', () => expect(random_key()).toMatch(/^[A-Za-z0-9_-]{1,64}$/));
});
