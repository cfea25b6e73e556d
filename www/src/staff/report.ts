// A report's cells as text, and which of its columns make a chart.
import { fen_yuan, price, rough_fen, sum_money, yuan } from '../shared/money';
import { full_time } from '../shared/time';
import { cubic, kwh } from '../shared/use';
import type { Bar } from '../ui/Chart.vue';
import { grouped, word } from './list/cell';

export type ReportColumnKind = 'text' | 'day' | 'time' | 'quantity' | 'money' | 'price' | 'fen' | 'permille' | 'count';
export interface ReportColumn { name: string; title: string; kind: ReportColumnKind; summed: boolean }
export interface ReportKind { name: string; title: string; days_most: number; by: boolean; columns: ReportColumn[] }

/** Dictionaries of text that is a word of the API; what has none there stays as it is. */
const WORDS: Record<string, string[]> = { role: ['role'], utility: ['utility'], purpose: ['purpose'], kind: ['entry', 'fee_kind'], what: ['purpose'], basis: ['basis'], action: ['supply_action'], state: ['batch_meter'] };

const LEFT = new Set<ReportColumnKind>(['text', 'day', 'time']);

function quantity(name: string, n: number): string {
	const text = name.endsWith('_l') ? cubic(n) : name.endsWith('_wh') ? kwh(n) : String(n);
	const [whole, part] = text.split('.');
	return part ? `${grouped(Number(whole))}.${part}` : grouped(Number(whole));
}

function said(name: string, value: string): string {
	return (WORDS[name] || []).map((words) => word(words, value)).find((text) => text !== value) || value;
}

export function report_cell(c: ReportColumn, value: unknown): { text: string; right: boolean } {
	const right = !LEFT.has(c.kind);
	if (value === null || value === undefined) return { text: '', right };
	const show: Record<ReportColumnKind, () => string> = {
		text: () => said(c.name, String(value)), day: () => String(value), time: () => full_time(String(value)), quantity: () => quantity(c.name, Number(value)), money: () => yuan(String(value)),
		price: () => price(String(value)), fen: () => fen_yuan(Number(value)), permille: () => `${(Number(value) / 10).toFixed(1)} %`, count: () => grouped(Number(value)),
	};
	return { text: show[c.kind](), right };
}

/** The columns that a chart can show: what is summed. */
export function chart_columns(columns: ReportColumn[]): ReportColumn[] {
	return columns.filter((c) => c.summed);
}

/** Whole numbers for the height of a bar; the text beside it is exact. */
function height(c: ReportColumn, value: unknown): number {
	return c.kind === 'money' ? rough_fen(String(value)) : Number(value);
}

function sum(c: ReportColumn, values: unknown[]): unknown {
	return c.kind === 'money' ? sum_money(values.map(String)) : values.reduce((a: number, v) => a + Number(v), 0);
}

/** What a row is about: its day or period, else its shop, meter or name. */
function about(columns: ReportColumn[]): ReportColumn | undefined {
	const names = ['period', 'day', 'hour_at', 'month', 'created_at', 'name', 'tenant', 'meter', 'code', 'operator', 'group', 'kind'];
	return names.map((n) => columns.find((c) => c.name === n)).find(Boolean);
}

/** One bar for each day, period or thing; of things that have no order in time, the largest. */
export function chart_bars(items: Record<string, unknown>[], columns: ReportColumn[], measure: ReportColumn, most: number): Bar[] {
	const key = about(columns);
	if (!key) return [];
	const by = new Map<string, unknown[]>();
	for (const row of items) {
		const value = row[measure.name];
		if (value === null || value === undefined) continue;
		const label = report_cell(key, row[key.name]).text || '—';
		by.set(label, [...(by.get(label) || []), value]);
	}
	let bars = [...by].map(([label, values]): Bar => {
		const total = sum(measure, values);
		const text = report_cell(measure, total).text;
		return { label, tick: '', value: Math.max(0, height(measure, total)), text, cells: [label, text] };
	});
	const in_time = ['period', 'day', 'hour_at', 'month', 'created_at'].includes(key.name);
	bars = in_time ? bars.sort((a, b) => (a.label < b.label ? -1 : 1)).slice(-most) : bars.sort((a, b) => (b.value || 0) - (a.value || 0)).slice(0, most);
	const every = Math.ceil(bars.length / 8);
	return bars.map((b, i) => ({ ...b, tick: i % every === 0 ? short(b.label) : '' }));
}

function short(label: string): string {
	return /^\d{4}-\d\d-\d\d/.test(label) ? label.slice(5, 16).trim() : label.slice(0, 5);
}
