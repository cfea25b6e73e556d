import { describe, expect, it } from 'vitest';
import type { Account, Meter, Supply } from '../src/shared/api';
import { cubic, kwh, register, used } from '../src/shared/use';
import { matches, words_of } from '../src/staff/find';
import { account_state, cut_for_arrears, cut_otherwise, meter_state } from '../src/ui/state';

const supply = (state: Supply['state'], desired: 'on' | 'off' = 'on', reason = 'none'): Supply => ({ state, since: null, desired, reason });
const account = (s: Supply | null, level: Account['level'] = 'ok') => ({ supply: s, level } as Account);
const meter = (more: Partial<Meter>) => ({
	code: 'A03', name: 'A-103 好味面馆', serial: '250600010003', gateway: { code: 'G1' }, tenant: { name: '好味面馆', room: 'A-103', code: 'TA103' }, display: 'on', supply: supply('on'), ...more,
} as Meter);

describe('states', () => {
	it('tells the tenant what is so', () => {
		expect(account_state(account(supply('on')))).toBe('on');
		expect(account_state(account(supply('on'), 'low2'))).toBe('low');
		expect(account_state(account(supply('on', 'on', 'keep'), 'arrears'))).toBe('kept');
		expect(account_state(account(supply('off', 'off', 'arrears'), 'arrears'))).toBe('cut');
		expect(account_state(account(supply('switching')))).toBe('moving');
		expect(account_state(account(supply('unreachable')))).toBe('silent');
		expect(account_state(account(null))).toBe('ok');
	});
	it('never says on before the relay was read back', () => {
		expect(account_state(account(supply('off', 'on')))).toBe('moving');
		expect(meter_state(meter({ display: 'on', supply: supply('switching') }))).toBe('moving');
		expect(meter_state(meter({ display: 'silent', supply: supply('switching') }))).toBe('silent');
	});
	it('asks for money only where money helps', () => {
		const owing = account(supply('off', 'off', 'arrears'), 'arrears');
		const switched_off = account(supply('off', 'off', 'manual'));
		expect([cut_for_arrears(owing), cut_otherwise(owing)]).toEqual([true, false]);
		expect([cut_for_arrears(switched_off), cut_otherwise(switched_off)]).toEqual([false, true]);
		expect(cut_otherwise(account(supply('on')))).toBe(false);
	});
});

describe('finding meters', () => {
	it('takes shop, room, code, serial, in any order and case', () => {
		for (const text of ['a03', '好味', 'a-103', '10003', '面馆 A03', '']) expect(matches(meter({}), words_of(text)), text).toBe(true);
		for (const text of ['b03', '好味 b03']) expect(matches(meter({}), words_of(text)), text).toBe(false);
	});
});

describe('amounts used', () => {
	it('counts water in litres though energy is given as well', () => {
		expect(used({ energy_wh: 0, volume_l: 1250 }, true)).toBe(1250);
		expect(used({ energy_wh: 21400 }, false)).toBe(21400);
		expect(used({ energy_wh: 21400 }, true)).toBeNull();
		expect(used(null, false)).toBeNull();
	});
	it('reads easily', () => {
		expect([kwh(21400), kwh(999), kwh(123456)]).toEqual(['21.4', '1.0', '123.5']);
		expect(cubic(1250)).toBe('1.25');
		expect(register(24715540, 2)).toBe('24,715.54');
		expect(register(540, 2)).toBe('0.54');
	});
});
