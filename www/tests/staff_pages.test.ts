import { describe, expect, it } from 'vitest';
import { bad_sheets } from '../src/staff/import';
import { chart_bars, report_cell, type ReportColumn } from '../src/staff/report';
import { read_csv } from '../src/staff/sheet';
import { month_text, set_bounds, settle_prices, year_picture, type Version } from '../src/staff/tariff';

const version = (): Version => ({
	effective_from: '2026-01-01T00:00:00+08:00',
	calendar: [{ months: [7, 8], slots: [['00:00', 'valley'], ['08:00', 'peak'], ['22:00', 'valley']] }, { days: 'workday', slots: [['00:00', 'valley'], ['07:00', 'flat']] }, { slots: [['00:00', 'flat']] }],
	prices: { peak: ['1'], flat: ['0.6'], valley: ['0.3'] },
});

describe('the calendar picture', () => {
	it('puts months together that are alike, and finds the first row that fits', () => {
		const groups = year_picture(version());
		expect(groups.map((g) => month_text(g.months))).toEqual(['1–6, 9–12', '7–8']);
		expect(groups[0]!.days.workday).toEqual([{ from: 0, to: 420, rate: 'valley' }, { from: 420, to: 1440, rate: 'flat' }]);
		expect(groups[0]!.days.holiday).toEqual([{ from: 0, to: 1440, rate: 'flat' }]);
		expect(groups[1]!.days.weekend.map((s) => s.rate)).toEqual(['valley', 'peak', 'valley']);
	});
	it('keeps a price for every rate and tier', () => {
		const v = version();
		set_bounds(v, 'electricity', '260, 600');
		expect(v.tiers_upto_kwh).toEqual(['260', '600']);
		expect(v.prices.peak).toEqual(['1', '1', '1']);
		v.calendar.shift();
		settle_prices(v);
		expect(Object.keys(v.prices).sort()).toEqual(['flat', 'valley']);
	});
});

describe('bad cells of an import', () => {
	const errors = [
		{ sheet: 'meters', row: 2, column: 'unit', value: '300', code: 'out_of_range', message: '1 to 247' },
		{ sheet: 'meters', row: 4, column: 'model', value: 'x', code: 'unknown', message: 'no such model' },
		{ sheet: 'meters', row: 4, column: '', value: '', code: 'same', message: 'comes twice' },
	];
	it('stand in their rows, under heads in either language', () => {
		const book = new Map([['meters', read_csv('编码,表地址,型号\nZ01,300,a\n\n"Z, 02",7,x\n')]]);
		const [sheet] = bad_sheets(errors, book);
		expect(sheet!.heads).toEqual(['编码', '表地址', '型号']);
		expect(sheet!.rows.map((r) => r.number)).toEqual([2, 4]);
		expect(sheet!.rows[0]!.cells[1]).toEqual({ text: '300', wrong: ['1 to 247'] });
		expect(sheet!.rows[1]!.cells[0]!.text).toBe('Z, 02');
		expect(sheet!.rows[1]!.wrong).toEqual(['comes twice']);
	});
	it('are shown alone when the file cannot be read here', () => {
		const [sheet] = bad_sheets(errors, null);
		expect(sheet!.heads).toEqual(['unit', 'model']);
		expect(sheet!.rows[0]!.cells[0]).toEqual({ text: '300', wrong: ['1 to 247'] });
	});
});

describe('the chart of a report', () => {
	const columns: ReportColumn[] = [
		{ name: 'period', title: 'Day', kind: 'day', summed: false }, { name: 'energy_wh', title: 'kWh', kind: 'quantity', summed: true }, { name: 'charge', title: 'Charge', kind: 'money', summed: true },
	];
	it('adds up the rows of a day, money exactly', () => {
		const items = [{ period: '2026-11-02', energy_wh: 500, charge: '0.100000001' }, { period: '2026-11-01', energy_wh: 1000, charge: '1.000000000' }, { period: '2026-11-02', energy_wh: 1500, charge: '0.200000002' }];
		expect(chart_bars(items, columns, columns[1]!, 31).map((b) => [b.label, b.value])).toEqual([['2026-11-01', 1000], ['2026-11-02', 2000]]);
		expect(chart_bars(items, columns, columns[2]!, 31)[1]!.text).toBe('¥0.30');
	});
	it('shows quantities in the unit of their name', () => {
		expect(report_cell(columns[1]!, 1500).text).toBe('1.5');
		expect(report_cell(columns[1]!, null).text).toBe('');
	});
});
