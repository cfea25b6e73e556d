import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { prefs } from '../src/shared/prefs';
import { body_of } from '../src/staff/list/body';
import { cell } from '../src/staff/list/cell';
import { json_rows } from '../src/staff/list/json_rows';
import { settings } from '../src/staff/lists/system';
import { APPROVAL_KINDS, ENTRY_KINDS, REVERSIBLE } from '../src/staff/kinds';
import { bars_beside, report_topics, span_before, type ReportKind } from '../src/staff/report';
import { GROUP_OF } from '../src/staff/setting_groups';
import { share_ties, type ShareDay } from '../src/staff/share_day';
import { en } from '../src/staff/en';
import { zh, type Words } from '../src/staff/zh';
import { days_between, month_weeks } from '../src/staff/year';

/** Names that begin the rows of a list in C. */
function listed(file: string, list: RegExp, row: RegExp): string[] {
	const text = readFileSync(join(import.meta.dirname, '../..', file), 'utf8');
	const body = list.exec(text)![0];
	return [...body.matchAll(row)].map((m) => m[1]!);
}
const entry_kinds = listed('core/domain/chart.c', /entry_kinds\[\] = \{[\s\S]*?\n\};/, /\n\t\{ "(\w+)"/g);
const ledger_kinds = listed('core/domain/chart.c', /chart\[\] = \{[\s\S]*?\n\};/, /\n\t\{ CHART_\w+, +"(\w+)"/g);
const approval_kinds = listed('core/domain/approval.c', /approval_kinds\[\] = \{[\s\S]*?\n\};/, /\n\t\{ "(\w+)"/g);
const setting_names = listed('core/domain/setting.c', /settings\[SETTING__MAX\] = \{[\s\S]*?\n\};/, /\] = \{ "(\w+)"/g);
const verdicts = ['backwards', 'implausible', 'identity'];

describe.each([['zh', zh], ['en', en as Words]] as const)('what the lists in C name has words in %s', (_lang, t) => {
	it.each([['entry', entry_kinds], ['ledger', ledger_kinds], ['approval', approval_kinds], ['setting', setting_names], ['verdict', verdicts]] as const)('%s', (words, names) => {
		expect(names.length).toBeGreaterThan(2);
		for (const name of names) expect(t.word[words]?.[name], name).toBeTruthy();
	});
});

describe('lists of the pages', () => {
	it('offer every kind of entry, and every setting by its topic', () => {
		expect([...ENTRY_KINDS].sort()).toEqual([...entry_kinds].sort());
		expect([...REVERSIBLE].sort()).toEqual(listed('core/domain/chart.c', /entry_kinds\[\] = \{[\s\S]*?\n\};/, /\n\t\{ "(\w+)", +true/g).sort());
		expect([...APPROVAL_KINDS].sort()).toEqual([...approval_kinds].sort());
		for (const name of Object.keys(GROUP_OF)) expect(setting_names, name).toContain(name);
	});
});

describe('the switch that cuts for fees', () => {
	const change = settings.acts![0]!;
	const row = { name: 'fee_cut', value: 0, min: 0, max: 1, site_id: 1 };
	afterEach(() => { prefs.lang = 'zh'; });
	it('warns of the law before it is turned on, and not before it is turned off', () => {
		expect(change.warns!(row)).toMatch(/九百四十四/);
		expect(change.warns!({ ...row, value: 1 })).toBeNull();
		expect(change.warns!({ ...row, name: 'fee_grace_days' })).toBeNull();
	});
	it('takes a reason', () => {
		expect(body_of(change.fields!, { value: '1', reason: '' }, row).wrong).toEqual([{ field: 'reason', why: 'missing' }]);
	});
	it('leaves quiet hours to the profile when they are empty', () => {
		const quiet = { name: 'quiet_from_min', value: -1, min: -1, max: 1439 };
		expect(body_of(change.fields!, { value: '', reason: 'x' }, quiet).body).toEqual({ value: -1, reason: 'x' });
		expect(body_of(change.fields!, { value: '22:00', reason: 'x' }, quiet).body).toEqual({ value: 1320, reason: 'x' });
	});
});

describe('cells', () => {
	it('name accounts of the books in words', () => {
		expect(cell({ code: 'clearing:wechat' }, { name: 'code', kind: 'ledger' })).toBe('在途 微信支付');
		expect(cell({ code: 'purse:7:water' }, { name: 'code', kind: 'ledger' })).toBe('账户 #7 水费');
		expect(cell({ code: 'energy' }, { name: 'code', kind: 'ledger' })).toBe('电费收入');
	});
	it('tell how far a register in doubt is off', () => {
		expect(cell({ utility: 'electricity', verdict: 'backwards', register_milli: 1000, settled_milli: 2500 }, { name: 'utility', kind: 'growth' })).toBe('−1.50 kWh');
		expect(cell({ utility: 'water', verdict: 'identity', register_milli: 1, settled_milli: 2 }, { name: 'utility', kind: 'growth' })).toBe('—');
	});
	it('tell what a fee purse lacks of the next fee', () => {
		const short = (balance: string) => cell({ balance, next: { amount_fen: 30000 } }, { name: 'next.amount_fen', kind: 'short' });
		expect(short('299.500000000')).toBe('−¥0.50');
		expect(short('300.000000000')).toBe('—');
	});
	it('keep no zeros behind an amount', () => {
		expect(cell({ floor_m2: '1200.500000000' }, { name: 'floor_m2', kind: 'amount' })).toBe('1200.5');
		expect(cell({ floor_m2: '1200.000' }, { name: 'floor_m2', kind: 'amount' })).toBe('1200');
	});
});

describe('what an act changed', () => {
	it('stands line by line, and what did not change is not marked', () => {
		expect(json_rows({ name: '甲', purpose: 'water' }, { name: '乙', purpose: 'water' })).toEqual([
			{ name: '名称', before: '甲', after: '乙', changed: true }, { name: '账户', before: '水费', after: '水费', changed: false },
		]);
		expect(json_rows(null, [1])).toBeNull();
	});
});

describe('a year', () => {
	it('has weeks from Monday on', () => {
		const weeks = month_weeks('2026-11');
		expect(weeks[0]).toEqual(['', '', '', '', '', '', '2026-11-01']);
		expect(weeks.flat().filter(Boolean)).toHaveLength(30);
		expect(weeks.every((w) => w.length === 7)).toBe(true);
	});
	it('has spans of days over the end of a month', () => {
		expect(days_between('2026-09-30', '2026-10-02', 31)).toEqual(['2026-09-30', '2026-10-01', '2026-10-02']);
		expect(days_between('2026-10-02', '2026-10-01', 31)).toEqual([]);
		expect(days_between('2026-01-01', '2026-12-31', 31)).toHaveLength(31);
	});
});

describe('a day that was shared', () => {
	const day = (charge: string): ShareDay => ({
		day: '2026-11-01', version: 1, complete: true, run_at: '', energy_wh: 10, volume_l: null, charge, owner_charge: '0.000000001', net_energy_wh: 10, net_volume_l: null, owner_energy_wh: 1, owner_volume_l: null,
		parts: ['0.000000004', '0.000000005'].map((c, i) => ({ contract: { id: i, code: '' }, tenant: {}, weight: 1, of_weight: 2, charge: c, energy_wh: 4 + i, volume_l: null, lines: [] })),
	});
	it('ties to the last digit, or it is said', () => {
		expect(share_ties(day('0.000000010'))).toBe(true);
		expect(share_ties(day('0.000000011'))).toBe(false);
	});
});

describe('reports', () => {
	it('are compared with the span before: days by days, months by months', () => {
		const days = span_before('usage-day', '2026-03-01', '2026-03-07');
		expect([days.from, days.to, days.now('2026-02-22')]).toEqual(['2026-02-22', '2026-02-28', '2026-03-01']);
		const months = span_before('vending-month', '2026-02-15', '2026-03-02');
		expect([months.from, months.to, months.now('2025-12')]).toEqual(['2025-12-01', '2026-01-31', '2026-02']);
		const years = span_before('vending-year', '2026-02-15', '2026-03-02');
		expect([years.from, years.to, years.now('2025')]).toEqual(['2025-01-01', '2025-12-31', '2026']);
	});
	it('have the bars of before beside those of now', () => {
		const bar = (label: string, value: number) => ({ label, tick: '', value, text: String(value) });
		const [a, b] = bars_beside([bar('B', 2), bar('C', 3)], [bar('B', 5)], (x) => x);
		expect([a!.before, a!.cells]).toEqual([5, ['B', '2', '5']]);
		expect([b!.before, b!.cells]).toEqual([null, ['C', '3', '—']]);
	});
	it('stand in one topic each', () => {
		const names = ['vending-day', 'usage-day', 'fees', 'debtors', 'new-one'];
		const topics = report_topics(names.map((name) => ({ name }) as ReportKind));
		expect(topics.flatMap((g) => g.kinds.map((k) => k.name)).sort()).toEqual([...names].sort());
	});
});
