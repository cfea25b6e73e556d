// A report's cells as text, and which of its columns make a chart.
import { fen_yuan, price, rough_fen, yuan } from '../shared/money';
import { sum_money } from '../shared/money_sums';
import { full_time } from '../shared/time';
import { cubic, kwh, register } from '../shared/use';
import { add_days, add_months, days_in_month } from '../shared/time';
import type { Bar } from '../ui/Chart.vue';
import { grouped, word } from './list/cell';
import { RATES } from './tariff';
import { t } from './words';

export type ReportColumnKind = 'text' | 'day' | 'time' | 'quantity' | 'money' | 'price' | 'fen' | 'permille' | 'count';
export interface ReportColumn { name: string; title: string; kind: ReportColumnKind; summed: boolean }
export interface ReportKind { name: string; title: string; days_most: number; by: boolean; columns: ReportColumn[] }

/** Dictionaries of text that is a word of the API; what has none there stays as it is. */
const WORDS: Record<string, string[]> = { role: ['role'], utility: ['utility'], purpose: ['purpose'], kind: ['entry', 'fee_kind'], what: ['purpose'], basis: ['basis'], action: ['supply_action'], state: ['batch_meter'] };

const LEFT = new Set<ReportColumnKind>(['text', 'day', 'time']);

function quantity(name: string, n: number): string {
	if (!/_(l|wh)$/.test(name)) return register(n, 3);
	const [whole, part] = (name.endsWith('_l') ? cubic(n) : kwh(n)).split('.');
	return part ? `${grouped(Number(whole))}.${part}` : grouped(Number(whole));
}

function said(name: string, value: string): string {
	if (name === 'rate') return t.value.rate[value] || value || '—';
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

export interface Before { from: string; to: string; /** The label of now that stands for a label of then. */ now: (label: string) => string }

/** The span of the same length before, in whole months where the report tells months. */
export function span_before(report: string, from: string, to: string): Before {
	if (/-(month|year)$/.test(report) || report === 'carbon') {
		const year = /-year$/.test(report);
		const first = year ? `${from.slice(0, 4)}-01` : from.slice(0, 7);
		const last = year ? `${to.slice(0, 4)}-12` : to.slice(0, 7);
		const n = (Number(last.slice(0, 4)) - Number(first.slice(0, 4))) * 12 + Number(last.slice(5)) - Number(first.slice(5)) + 1;
		const end = add_months(last, -n);
		return {
			from: `${add_months(first, -n)}-01`, to: `${end}-${String(days_in_month(end)).padStart(2, '0')}`,
			now: (label) => (/^\d{4}-\d\d$/.test(label) ? add_months(label, n) : /^\d{4}$/.test(label) ? String(Number(label) + n / 12) : label),
		};
	}
	const n = Math.round((Date.parse(to) - Date.parse(from)) / 86_400_000) + 1;
	return { from: add_days(from, -n), to: add_days(to, -n), now: (label) => (/^\d{4}-\d\d-\d\d/.test(label) ? add_days(label.slice(0, 10), n) + label.slice(10) : label) };
}

/** The bars of now with those of the span before beside them. */
export function bars_beside(bars: Bar[], then: Bar[], now: (label: string) => string): Bar[] {
	const by = new Map(then.map((b) => [now(b.label), b]));
	return bars.map((b) => {
		const was = by.get(b.label);
		return { ...b, before: was?.value ?? null, before_text: was?.text || '', cells: [b.label, b.text, was?.text || '—'] };
	});
}

/** The topics that reports are listed by. */
const TOPICS: Record<'sale' | 'use' | 'money', RegExp> = { sale: /^(vending|purchases|energy-money)/, use: /^(usage|losses|peaks|carbon|supply|outages|communication)/, money: /./ };
export function report_topics(kinds: ReportKind[]): { name: 'sale' | 'use' | 'money'; kinds: ReportKind[] }[] {
	const names = Object.keys(TOPICS) as (keyof typeof TOPICS)[];
	const topic = (k: ReportKind): string => names.find((n) => TOPICS[n].test(k.name))!;
	return names.map((name) => ({ name, kinds: kinds.filter((k) => topic(k) === name) })).filter((g) => g.kinds.length);
}

/** Bars that are made of parts: values of each part by bar, and their texts. */
export interface Stack { labels: string[]; ticks: string[]; series: { name: string; values: number[]; texts: string[] }[] }

const CHANNELS = ['cash', 'pos', 'transfer', 'wechat', 'alipay', 'other'];
const IN_TIME = ['period', 'day'];

/** Dear rates first; what has no rank last. */
const rank = (rate: string): number => (RATES.includes(rate) ? RATES.indexOf(rate) : RATES.length);

/** Payments by channel, or use by rate, one bar a day or period; null where a report has no such parts. */
export function stack_of(kind: ReportKind, items: Record<string, unknown>[], measure: ReportColumn, by: string, most: number): Stack | null {
	const time = kind.columns.find((c) => IN_TIME.includes(c.name));
	if (!time) return null;
	const channels = measure.name === 'received' ? kind.columns.filter((c) => CHANNELS.includes(c.name)) : [];
	const rate = by === 'rate' ? kind.columns.find((c) => ['rate', 'group', 'code', 'name'].includes(c.name)) : undefined;
	const labels = [...new Set(items.map((r) => String(r[time.name])))].sort().slice(-most);
	const names = channels.length ? channels.map((c) => c.title.replace(/\s?\(.*\)$/, '')) : rate ? [...new Set(items.map((r) => String(r[rate.name] ?? '')))].sort((a, b) => rank(a) - rank(b)).map((r) => said('rate', r)) : [];
	if (labels.length < 2 || names.length < 2) return null;
	const series = names.map((name, k) => {
		const column = channels[k] || measure;
		const of = labels.map((label) => items.filter((r) => String(r[time.name]) === label && (channels.length || said('rate', String(r[rate!.name] ?? '')) === name)).map((r) => r[column.name]).filter((v) => v !== null && v !== undefined));
		const totals = of.map((values) => sum(column, values));
		return { name, values: totals.map((v) => Math.max(0, height(column, v))), texts: totals.map((v) => report_cell(column, v).text) };
	}).filter((x) => x.values.some((v) => v > 0));
	return series.length > 1 ? { labels, ticks: labels.map(short), series } : null;
}

/** What a report's chart shows first: money that came, then use, then whatever is summed. */
export function first_measure(measures: ReportColumn[]): ReportColumn | null {
	for (const name of ['received', 'recharged', 'charge', 'energy_wh', 'amount_fen', 'owed']) {
		const found = measures.find((m) => m.name === name);
		if (found) return found;
	}
	return measures[0] || null;
}
