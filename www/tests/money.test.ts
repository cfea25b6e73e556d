import { describe, expect, it } from 'vitest';
import { fen_short, fen_yuan, money_parts, money_sign, price, rough_fen, signed_yuan, yuan } from '../src/shared/money';
import { add_fen, sum_money, typed_fen } from '../src/shared/money_sums';

describe('money as text', () => {
	it('shows fen of nine decimals, half away from zero', () => {
		expect(yuan('128.460000000')).toBe('¥128.46');
		expect(yuan('-3.180000000')).toBe('−¥3.18');
		expect(yuan('0.005')).toBe('¥0.01');
		expect(yuan('-0.005')).toBe('−¥0.01');
		expect(yuan('0.004999999')).toBe('¥0.00');
		expect(yuan('-0.004999999')).toBe('¥0.00');
		expect(yuan('99.995000000')).toBe('¥100.00');
		expect(yuan('1234567.891')).toBe('¥1,234,567.89');
	});
	it('keeps what floating point would lose', () => {
		expect(yuan('999999999999.990000000')).toBe('¥999,999,999,999.99');
		expect(yuan('1.005')).toBe('¥1.01');
		expect(add_fen('0.100000001', 20)).toBe('0.300000001');
	});
	it('says — to what is no amount', () => {
		for (const bad of ['', 'NaN', '1e3', '1,5', '0x1', '.5', null, undefined]) expect(yuan(bad)).toBe('—');
	});
	it('splits for large figures', () => {
		expect(money_parts('-1203.4')).toEqual({ neg: true, whole: '1,203', cents: '40' });
	});
	it('adds fen over zero, both ways', () => {
		expect(add_fen('-3.180000000', 20000)).toBe('196.820000000');
		expect(add_fen('-3.180000001', 300)).toBe('-0.180000001');
		expect(add_fen('-0.5', 50)).toBe('0.000000000');
		expect(add_fen('0.250000000', -50)).toBe('-0.250000000');
		expect(add_fen('2.5', -150)).toBe('1.000000000');
		expect(add_fen('x', 1)).toBeNull();
	});
	it('sums exactly', () => {
		expect(sum_money(['0.1', '0.2', '-0.3'])).toBe('0.000000000');
		expect(sum_money(['-18.923400001', '200.000000000', '-18.923400000'])).toBe('162.153199999');
		expect(sum_money(['-1.5', '-0.75'])).toBe('-2.250000000');
		expect(sum_money(['-0.000000001'])).toBe('-0.000000001');
	});
	it('understands what people type', () => {
		expect(typed_fen('88.5')).toBe(8850);
		expect(typed_fen(' １００ ')).toBe(10000);
		expect(typed_fen('¥1,000.05')).toBe(100005);
		expect(typed_fen('20。5')).toBe(2050);
		for (const bad of ['', '-5', '1.234', 'abc', '1e3', '1.2.3', '.']) expect(typed_fen(bad)).toBeNull();
	});
	it('names prices, signs and short forms', () => {
		expect(price('0.658300000')).toBe('0.6583');
		expect(price('1.09875')).toBe('1.09875');
		expect(fen_short(20000)).toBe('¥200');
		expect(fen_short(20050)).toBe('¥200.50');
		expect(fen_yuan(-5)).toBe('−¥0.05');
		expect(signed_yuan('200')).toBe('+¥200.00');
		expect(signed_yuan('-1')).toBe('−¥1.00');
		expect([money_sign('0.000'), money_sign('-0.000000001'), money_sign('3')]).toEqual([0, -1, 1]);
		expect(rough_fen('-3.189')).toBe(-318);
	});
});
