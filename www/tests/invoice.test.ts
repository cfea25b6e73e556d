import { describe, expect, it } from 'vitest';
import { email_ok, tax_fault, tax_no_of } from '../src/tenant/invoice';
import { en, zh } from '../src/tenant/words/invoices';

describe('a tax number', () => {
	it.each(['91350100M000100Y43', '91330106673959654P', '91110000802100433B', '914403001922038216', '350100M000100Y4', '35010019850101123XS1'])('%s is one', (code) => {
		expect(tax_fault(code)).toBeNull();
	});
	it.each([
		['', 'missing'], ['350100M000100Y', 'length'], ['35010019850101123XS12', 'length'], ['91350100m000100y43', 'chars'], ['91350100-000100Y43', 'chars'],
		['91350100M00010OY43', 'letters'], ['91350100M000100Y4Z', 'letters'],
	])('%s is none: %s', (code, is) => {
		expect(tax_fault(code)).toEqual({ is });
		expect(zh.tax[is as 'length']).toBeTruthy();
		expect(en.tax[is as 'length']).toBeTruthy();
	});
	it('with one wrong character names the one that would be right at the end', () => {
		expect(tax_fault('91350100M000100Y44')).toEqual({ is: 'check', expected: '3' });
		expect(tax_fault('19350100M000100Y43')).toMatchObject({ is: 'check' });
		expect(zh.tax.check('3')).toContain('3');
	});
	it('is meant without blanks, in capitals, with plain digits', () => {
		expect(tax_no_of(' 9135 0100 m000100y43 ')).toBe('91350100M000100Y43');
		expect(tax_no_of('９１350100Ｍ000100Ｙ43')).toBe('91350100M000100Y43');
	});
});

describe('an e-mail address', () => {
	it.each([['a@b.cn', true], ['first.last+x@mail.example.com', true], ['a@b', false], ['a b@c.cn', false], ['a@b.cn.', false], ['', false], ['中@b.cn', false]])('%s: %s', (text, ok) => {
		expect(email_ok(text)).toBe(ok);
	});
});
