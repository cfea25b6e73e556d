import { beforeEach, describe, expect, it } from 'vitest';
import { pay_link, pay_path } from '../src/shared/pay_link';
import { has_label, label_of, labels_pick, labels_picked } from '../src/staff/labels';

describe('the code on a meter', () => {
	it('leads to the site, wherever that lies', () => {
		expect(pay_link('A03', 'https://pay.example.com')).toBe('https://pay.example.com/p/A03');
		expect(pay_link('A03', 'https://pay.example.com/yufu')).toBe('https://pay.example.com/yufu/p/A03');
	});
	it('is one part of the path, whatever is in it', () => {
		expect(pay_path('甲 1%')).toBe('/p/%E7%94%B2%201%25');
		expect(pay_path('A/1')).toBe('/p?meter=A%2F1');
		expect(pay_path('.1')).toBe('/p?meter=.1');
	});
});

describe('a label', () => {
	beforeEach(() => sessionStorage.clear());
	const row = (more: object) => ({ code: 'A03', name: 'A-103', role: 'tenant', tenant: { room: 'A-103', name: '面馆' }, ...more });
	it('names code and room, and the name where it says more', () => {
		expect(label_of(row({}))).toEqual({ code: 'A03', room: 'A-103', name: '' });
		expect(label_of(row({ name: 'A-103 面馆' })).name).toBe('面馆');
		expect(label_of(row({ name: 'A03' })).name).toBe('');
		expect(label_of(row({ name: '后厨', tenant: null }))).toEqual({ code: 'A03', room: '', name: '后厨' });
	});
	it('is of meters that a shop draws from, and outlives a reload', () => {
		expect(has_label(row({ role: 'public' }))).toBe(false);
		labels_pick([row({}), row({ code: 'X', role: 'incomer' })]);
		expect(labels_picked().map((l) => l.code)).toEqual(['A03']);
		sessionStorage.setItem('yufu.staff.labels', '{');
		expect(labels_picked()).toEqual([]);
	});
});
