import { beforeEach, describe, expect, it } from 'vitest';
import type { Account, AlertSettings, Bill, BillLine, MyTariff, Order, SharePart, Statement, TariffFile } from '../src/shared/api';
import { agent_of } from '../src/tenant/agent';
import { body_of, fits, form_of } from '../src/tenant/alerts_form';
import { by_day, by_price, shares_of } from '../src/tenant/bill';
import { draft, draft_keep, drafts_forget } from '../src/tenant/draft';
import { month_forecast, pace } from '../src/tenant/forecast';
import { open_order, open_order_keep } from '../src/tenant/open_order';
import { receipt_rows } from '../src/tenant/receipt';
import { days_of, debt_part, units_of } from '../src/tenant/recharge_sums';
import { months_text, prices_at, slot_at, slots_of, to_next_tier, versions_at } from '../src/tenant/tariff';
import { usage_csv } from '../src/tenant/usage_file';
import { is_period, labels, moved, part_name, period_as, range_of } from '../src/tenant/usage_period';
import { en as receipt_words } from '../src/tenant/words/receipt';

beforeEach(() => {
	localStorage.clear();
	sessionStorage.clear();
});

describe('what a recharge leads to', () => {
	const account = (balance: string, daily_average: string | null) => ({ balance, daily_average, energy_price_now: '0.658300000' } as Account);
	const terms = { account_id: 1, owed: '20.005000000', permille: 200, cap_fen: 5000 };
	it('splits off old debt as the server does', () => {
		expect(debt_part(8000, terms)).toBe(1600);
		expect(debt_part(99, terms)).toBe(19); // whole fen, for the balance
		expect(debt_part(50_000, terms)).toBe(2000); // never more than is owed
		expect(debt_part(50_000, { ...terms, owed: '900.000000000' })).toBe(5000); // nor than the cap
		expect([debt_part(8000, null), debt_part(8000, { ...terms, permille: 0 }), debt_part(8000, { ...terms, owed: '-1.000000000' })]).toEqual([0, 0, 0]);
	});
	it('pays the overdraft before it lasts', () => {
		expect(days_of(10_000, account('5.000000000', '20.310000000'))).toBe(4);
		expect(days_of(10_000, account('-60.000000000', '20.000000000'))).toBe(2);
		expect(days_of(10_000, account('-600.000000000', '20.000000000'))).toBe(0);
		expect(days_of(10_000, account('5.000000000', null))).toBeNull();
		expect(Math.round(units_of(10_000, account('0', null))! / 1000)).toBe(152);
	});
});

describe('periods of use', () => {
	it('move and change', () => {
		expect([moved('hour', '2026-03-01', -1), moved('day', '2026-01', -1), moved('month', '2026', 1)]).toEqual(['2026-02-28', '2025-12', '2027']);
		expect(range_of('day', '2028-02')).toEqual({ from: '2028-02-01', to: '2028-02-29' });
		expect(period_as('day', '2026', '2026-11-22')).toBe('2026-11');
		expect(period_as('day', '2025', '2026-11-22')).toBe('2025-12');
		expect(period_as('hour', '2026-10', '2026-11-22')).toBe('2026-10-31');
		expect(period_as('month', '2026-10-05', '2026-11-22')).toBe('2026');
	});
	it('are read from addresses that people type', () => {
		expect([is_period('day', '2026-11'), is_period('hour', '2026-11-22'), is_period('month', '2026')]).toEqual([true, true, true]);
		expect([is_period('day', '2026-13'), is_period('day', '2026'), is_period('hour', '<script>x'), is_period('month', '')]).toEqual([false, false, false, false]);
	});
	it('name their parts', () => {
		expect(labels('day', '2026-02')).toHaveLength(28);
		expect(part_name('hour', '2026-11-22T07')).toBe('07:00');
		expect(part_name('day', '2026-11-22')).toBe('11-22');
	});
	it('come to something at the pace of the last days', () => {
		expect(month_forecast(200, 10, 10, '2026-11-21')).toBe(290);
		expect(month_forecast(200, 50, 10, '2026-11-30')).toBe(200); // never less than was used
		const days = new Map([['a', 10], ['b', 20], ['c', 30]]);
		expect(pace((d) => days.get(d) ?? null, ['a', 'b', 'c', 'd'])).toBe(20);
		expect(pace((d) => days.get(d) ?? null, ['a', 'b', 'x'])).toBeNull();
	});
});

describe('a tariff, as it is shown', () => {
	const file: TariffFile = {
		code: 'x', name: 'x', utility: 'electricity', holidays: ['2026-10-01'], workdays: ['2026-10-10'],
		versions: [
			{ effective_from: '2027-01-01T00:00:00+08:00', calendar: [{ slots: [['00:00', 'flat']] }], prices: { flat: ['0.70'] } },
			{
				effective_from: '2026-01-01T00:00:00+08:00', tier_cycle: 'month', tiers_upto_kwh: ['260', '600'],
				calendar: [{ months: [7, 8], days: 'all', slots: [['00:00', 'valley'], ['08:00', 'peak']] }, { days: 'workday', slots: [['00:00', 'valley'], ['07:00', 'flat'], ['22:00', 'valley']] }, { slots: [['00:00', 'flat']] }],
				prices: { peak: ['1.1', '1.2', '1.4'], flat: ['0.6', '0.7', '0.9'], valley: ['0.3', '0.4', '0.6'] },
			}],
	};
	const at = Date.parse('2026-11-22T10:00:00Z');
	const version = versions_at(file, at).now!;
	it('finds the day in the calendar', () => {
		expect(slots_of(file, version, '2026-07-05').map((s) => s.rate)).toEqual(['valley', 'peak']); // Sunday in summer
		expect(slots_of(file, version, '2026-10-01').map((s) => s.rate)).toEqual(['flat']); // holiday on a Thursday
		expect(slots_of(file, version, '2026-10-10').map((s) => s.to)).toEqual(['07:00', '22:00', '24:00']); // a Saturday on which people work
		expect(slot_at(slots_of(file, version, '2026-10-10'), '22:00')?.rate).toBe('valley');
		expect(slot_at(slots_of(file, version, '2026-10-10'), '23:59')?.to).toBe('24:00');
	});
	it('says what comes next: another version, or another tariff before it', () => {
		const mine: MyTariff = { meter_id: 1, zone: 'Asia/Shanghai', tier: 2, rate: 'flat', price: '0.7', items: [{ from: '2026-03-01T00:00:00.000Z', file }] };
		expect(prices_at(mine, at)!.now.since).toBe('2026-03-01T00:00:00.000Z');
		expect(prices_at(mine, at)!.next!.from).toBe('2027-01-01T00:00:00+08:00');
		const other = { ...file, code: 'y' };
		const both = { ...mine, items: [...mine.items, { from: '2026-12-01T00:00:00.000Z', file: other }] };
		expect(prices_at(both, at)!.next).toMatchObject({ from: '2026-12-01T00:00:00.000Z', file: { code: 'y' } });
		expect(prices_at({ ...mine, items: [] }, at)).toBeNull();
		expect(prices_at({ ...mine, items: [{ from: null, file }] }, at)!.now.since).toBe('2026-01-01T00:00:00+08:00');
	});
	it('counts to the next tier', () => {
		expect([to_next_tier(version, 1, 200_000), to_next_tier(version, 2, 300_500), to_next_tier(version, 3, 900_000)]).toEqual([60_000, 299_500, null]);
		expect(months_text([8, 7, 12, 1])).toBe('1, 7–8, 12');
	});
});

describe('the explained bill', () => {
	const line = (book_day: string, rate: string, energy_wh: number, charge: string, sealed = true): BillLine => ({
		day: book_day, book_day, late: false, meter: { id: 1, code: 'A01', name: 'A01' }, rate, tier: 1, price: '0.6583', energy_wh, charge, sealed, explained: true, readings: [],
	});
	const bill: Bill = { account_id: 1, from: '', to: '', charge: '0.000000000', items: [line('2026-11-01', 'flat', 1000, '0.658300000'), line('2026-11-02', 'flat', 9000, '5.924700000', false), line('2026-11-02', 'peak', 500, '0.550000005')] };
	it('sums to the last digit, by price and by day', () => {
		expect(by_price(bill).map((p) => [p.rate, p.qty, p.charge])).toEqual([['flat', 10_000, '6.583000000'], ['peak', 500, '0.550000005']]);
		expect(by_day(bill).map((d) => [d.day, d.charge, d.open, d.lines.length])).toEqual([['2026-11-02', '6.474700005', true, 2], ['2026-11-01', '0.658300000', false, 1]]);
	});
	it('shows how shared costs came about, of this account only', () => {
		const part = (day: string, account_id: number, weight: number): SharePart => ({ group: { id: 3, name: '走廊' }, kind: 'public', basis: 'ratio', utility: 'electricity', day, account_id, weight, of_weight: 1_000_000, charge: '1.000000001', energy_wh: 100, volume_l: null, of_energy_wh: 1000, of_volume_l: null });
		const sums = shares_of([part('2026-11-01', 1, 100_000), part('2026-11-02', 1, 200_000), part('2026-11-02', 2, 300_000)], 1);
		expect(sums).toEqual([{ name: '走廊', kind: 'public', basis: 'ratio', weight: 200_000, of_weight: 1_000_000, qty: 200, of_qty: 2000, charge: '2.000000002' }]);
	});
});

describe('a receipt', () => {
	const order = { id: 7, out_trade_no: 'YF1', account_id: 1, meter: { code: 'A03', name: 'A-103' }, amount_fen: 20_000, channel: 'wechat_h5', state: 'paid', paid_at: '2026-11-22T10:07:09.000Z', receipt_no: 'YF-20261122-000481', transaction_id: '4200', refunded_fen: 0 } as Order;
	const account = { tenant: { room: 'A-103', name: '好味面馆' }, meter: { serial: '202112060103', area: '2 号竖井' } } as Account;
	const statement = { items: [{ order_id: 6, amount: '1.000000000', balance: '9.000000000' }, { order_id: 7, amount: '180.000000000', balance: '176.820000000' }] } as Statement;
	it('carries both numbers, the meter, and the balance before and after', () => {
		const rows = new Map(receipt_rows(order, account, '都匀星力城', 'Electricity', 'WeChat Pay', statement, receipt_words));
		expect(Object.fromEntries(rows)).toMatchObject({ Payee: '都匀星力城', Meter: '202112060103 · A03', 'Balance before': '−¥3.18', 'To old debt': '¥20.00', 'Balance after': '¥176.82', Receipt: 'YF-20261122-000481', Order: 'YF1', 'Payment number': '4200', Paid: '2026-11-22 18:07:09' });
		expect(rows.has('Refunded')).toBe(false);
	});
	it('leaves out what is not known', () => {
		const names = receipt_rows({ ...order, transaction_id: null, refunded_fen: 500 }, null, 'X', '', 'Alipay', null, receipt_words).map(([n]) => n);
		expect(names).not.toContain('Balance before');
		expect(names).toContain('Refunded');
	});
});

describe('warning settings', () => {
	const settings: AlertSettings = { items: [{ account_id: 1, purpose: 'electricity', unit: 'yuan', warn1: '50.000000000', warn2: '20.500000000', warn1_yuan: '50.000000000', warn2_yuan: '20.500000000' }], language: 'en', channels: 'sms' };
	it('go to the form and back unchanged', () => {
		const form = form_of(settings);
		expect(form).toEqual({ items: [{ account_id: 1, purpose: 'electricity', unit: 'yuan', warn1: '50', warn2: '20.50' }], language: 'en', channels: 'sms' });
		expect(body_of(form)!.items[0]).toMatchObject({ warn1: '50.00', warn2: '20.50' });
	});
	it('refuse what the API would', () => {
		const typed = (warn1: string, warn2: string) => body_of({ ...form_of(settings), items: [{ ...form_of(settings).items[0]!, warn1, warn2 }] });
		expect([typed('20', '50'), typed('', '1'), typed('x', '1'), typed('100000.01', '1')]).toEqual([null, null, null, null]);
		expect(typed('５０', '２０')).not.toBeNull();
	});
	it('take a draft only for the same accounts', () => {
		const form = form_of(settings);
		expect(fits(form, form)).toBe(true);
		expect(fits(null, form)).toBe(false);
		expect(fits({ ...form, items: [{ ...form.items[0]!, account_id: 2 }] }, form)).toBe(false);
	});
});

describe('what outlives a page', () => {
	it('is what was typed, until it is sent or the person leaves', () => {
		draft_keep('recharge.1', { other: '88.5' });
		expect(draft('recharge.1')).toEqual({ other: '88.5' });
		expect(draft('recharge.2')).toBeNull();
		drafts_forget();
		expect(draft('recharge.1')).toBeNull();
		sessionStorage.setItem('yufu.tenant.draft.x', '{');
		expect(draft('x')).toBeNull();
	});
	it('is the recharge that has not ended, for two hours', () => {
		open_order_keep(12, 1000);
		open_order_keep(12, 500_000); // asked again: it began when it began
		expect(open_order(60_000)).toBe(12);
		expect(open_order(1000 + 2 * 3600_000)).toBeNull();
		open_order_keep(null);
		expect(open_order(60_000)).toBeNull();
	});
	it('names the devices', () => {
		expect([agent_of('… iPhone … MicroMessenger/8'), agent_of('Mozilla/5.0 (iPhone; CPU'), agent_of('Linux; Android 14'), agent_of('X11; Linux'), agent_of('curl/8')]).toEqual(['wechat', 'iphone', 'android', 'computer', 'other']);
	});
});

it('use as a file: plain figures, empty where nothing is known, quoted where a comma stands', () => {
	const bar = (cells: string[]) => ({ label: '', tick: '', value: 1, text: '', cells });
	expect(usage_csv(['时间', 'kWh', '费用', 'before, all'], [bar(['12-01', '1,036.29', '−¥1,002.50', '—'])]))
		.toBe('\ufeff时间,kWh,费用,"before, all"\r\n12-01,1036.29,-1002.50,\r\n');
});
