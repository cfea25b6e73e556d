// The values of the API as a person reads them.
import { fen_yuan, money_sign, price, yuan } from '../../shared/money';
import { add_fen } from '../../shared/money_sums';
import { age_s, full_time, when } from '../../shared/time';
import { cubic, kwh, register } from '../../shared/use';
import { browser_name } from '../session_name';
import { t } from '../words';
import { estate_name } from './estate';
import { name_of } from './names';
import type { Column, Kind, Row } from './types';

const RIGHT = new Set<Kind>(['lack', 'fen', 'yuan', 'price', 'count', 'wh', 'litre', 'register', 'permille', 'ms', 'setting', 'growth', 'amount', 'short']);

/** The member that a dotted name means; undefined when anything on the way is missing. */
export function dig(row: Row, name: string): unknown {
	let at: unknown = row;
	for (const part of name.split('.')) {
		if (at === null || typeof at !== 'object') return undefined;
		at = (at as Row)[part];
	}
	return at;
}

export function is_number(kind: Kind | undefined): boolean {
	return kind !== undefined && RIGHT.has(kind);
}

/** Groups of three: 1234567 -> "1,234,567". */
export function grouped(n: number): string {
	return String(n).replace(/\B(?=(\d{3})+$)/g, ',');
}

/** Minutes of the day: 510 -> "08:30". */
export function minute(n: number): string {
	return `${String(Math.floor(n / 60)).padStart(2, '0')}:${String(n % 60).padStart(2, '0')}`;
}

function shop(value: unknown): string {
	const s = value as { room?: string; name?: string };
	return [s.room, s.name].filter(Boolean).join(' ');
}
function named(value: unknown): string {
	if (typeof value !== 'object') return String(value);
	const n = value as { code?: string; name?: string; id?: number };
	return [n.code, n.name === n.code ? '' : n.name].filter(Boolean).join(' ') || String(n.id ?? '');
}

/** "项目 新增 3 · 表计 新增 350": what an import counted, without zeros. */
function counts(value: unknown): string {
	const parts: string[] = [];
	for (const [sheet, by] of Object.entries(value as Record<string, Record<string, number>>)) {
		const some = Object.entries(by).filter(([, n]) => n > 0).map(([what, n]) => `${t.value.word.count![what] || what} ${grouped(n)}`);
		if (some.length) parts.push(`${t.value.word.sheet![sheet] || sheet} ${some.join(' ')}`);
	}
	return parts.join(' · ') || '—';
}

/** A word of the dictionary, or the value itself when it has none. */
export function word(words: string | undefined, value: unknown): string {
	const all = words === 'alarm' ? t.value.board.alarm : words ? t.value.word[words] : undefined;
	return all?.[String(value)] || String(value);
}

/** A setting in the unit that its name ends with. */
function setting(value: unknown, row: Row): string {
	const name = String(row.name);
	const n = Number(value);
	if (name.endsWith('_fen')) return fen_yuan(n);
	if (row.min === 0 && row.max === 1) return n ? t.value.yes : t.value.no;
	if (row.max === 1439) return n < 0 ? t.value.by_profile : minute(n);
	const unit = t.value.word.setting_unit![name.split('_').pop()!];
	return unit ? `${grouped(n)} ${unit}` : grouped(n);
}

/** "setting.edit" in words; what has none stays as it is. */
function action(value: string): string {
	const [noun, ...verbs] = value.split('.');
	const all = t.value.word;
	const named = all.permission![noun!] || all.object![noun!];
	const done = verbs.map((v) => all.verb![v] || all.object![v] || all.permission![v]);
	return named && done.every(Boolean) ? [named, ...done].join(' · ') : value;
}
/** "meter:17" in words. */
function object(value: string): string {
	const [kind, ...rest] = value.split(':');
	const named = t.value.word.object![kind!];
	return named ? `${named} ${name_of(value) || rest.join(':')}`.trim() : value;
}

/** A name, or what the code of who acted means. */
function actor(value: string): string {
	return t.value.word.actor![value] || name_of(value) || object(value) || '—';
}

/** How long an alarm has been or was there, in ms. */
function lasted_ms(row: Row): number {
	const end = row.cleared_at ? Date.parse(String(row.cleared_at)) : Date.now();
	return Math.max(0, end - Date.parse(String(row.raised_at)));
}
/** 7,500,000 ms -> "2 小时 5 分". */
export function lasted(ms: number): string {
	const min = Math.floor(ms / 60_000);
	if (min < 60) return t.value.lasted.min(min);
	if (min < 48 * 60) return t.value.lasted.hour(Math.floor(min / 60), min % 60);
	return t.value.lasted.day(Math.floor(min / 1440), Math.floor(min / 60) % 24);
}

/** Kinds of the company's accounts whose number is that of a contract. */
const OF_CONTRACT = ['purse', 'debt'];

/** "purse:7:water" in words: the kind of a company's account, and whose it is. */
function ledger(value: string): string {
	const [kind, ...rest] = value.split(':');
	const name = t.value.word.ledger![kind!];
	if (!name) return value;
	const whose = OF_CONTRACT.includes(kind!) && name_of(`contract:${rest[0]}`);
	if (whose) rest[0] = whose;
	return [name, ...rest.map((p) => t.value.word.purpose![p] || t.value.word.service![p] || t.value.sales.methods[p as 'pos'] || (/^\d+$/.test(p) ? `#${p}` : p))].join(' ');
}
/** How far a register in doubt is from the one that was settled last, in kWh or m³. */
function growth(row: Row): string {
	if (row.settled_milli === null || row.verdict === 'identity') return '—';
	const by = Number(row.register_milli) - Number(row.settled_milli);
	return `${by < 0 ? '−' : '+'}${register(Math.abs(by), 2)} ${row.utility === 'water' ? 'm³' : 'kWh'}`;
}

/** Why an approval was asked for: a person's words, or those for what the system asks by itself. */
function asked_for(value: string, row: Row): string {
	const p = row.params as { month: string; contracts: number };
	return row.kind === 'fee_cut' && !row.asked_by ? t.value.fees_unpaid(p.contracts, p.month) : value;
}

/** What a balance lacks of what is taken next. */
function short_by(balance: string, next_fen: number): string {
	const left = add_fen(balance, -next_fen);
	return left && money_sign(left) < 0 ? yuan(left) : '—';
}

const SHOW: Record<Kind, (value: unknown, column: Column, row: Row) => string> = {
	text: (v) => (Array.isArray(v) ? v.map((x) => (typeof x === 'object' ? named(x) : String(x))).join(' · ') : String(v)),
	word: (v, c) => (Array.isArray(v) ? v.map((x) => word(c.words, x)).join(' · ') : word(c.words, v)),
	state: (v, c) => word(c.words, v),
	time: (v) => when(String(v)),
	day: String,
	fen: (v) => fen_yuan(Number(v)),
	yuan: (v) => yuan(String(v)),
	price: (v) => price(String(v)),
	count: (v) => grouped(Number(v)),
	wh: (v) => kwh(Number(v)),
	litre: (v) => cubic(Number(v)),
	register: (v) => register(Number(v), 2),
	permille: (v) => `${(Number(v) / 10).toFixed(1)} %`,
	flag: (v) => (v ? t.value.yes : t.value.no),
	shop, named,
	ms: (v) => `${grouped(Number(v))} ms`,
	minute: (v) => minute(Number(v)),
	json: (v) => JSON.stringify(v, null, 1),
	changes: (v) => JSON.stringify(v, null, 1),
	counts,
	action: (v) => action(String(v)),
	actor: (v) => actor(String(v)),
	object: (v) => object(String(v)),
	program: (v) => browser_name(String(v)),
	site: (v) => estate_name('sites', v),
	areas: (v) => (v as number[]).map((id) => estate_name('areas', id)).join(' · '),
	setting: (v, _c, row) => setting(v, row),
	lasted: (v) => lasted(Number(v)),
	age: (v) => t.value.ago(age_s(String(v))!),
	ledger: (v) => ledger(String(v)),
	growth: (_v, _c, row) => growth(row),
	user: (v) => (Number(v) ? name_of(`user:${v}`) || `#${v}` : t.value.word.actor!.system!),
	account: (v) => name_of(`account:${v}`) || `#${v}`,
	asked_for: (v, _c, row) => asked_for(String(v), row),
	short: (v, _c, row) => short_by(String(row.balance), Number(v)),
	lack: (v) => (money_sign(String(v)) ? yuan(String(v)) : '—'),
	amount: (v) => String(v).replace(/(\.\d*?)0+$/, '$1').replace(/\.$/, ''),
	digest: (v) => `${String(v).slice(0, 16)}…`,
};

/** What the row has there, or the word that stands there instead. */
export function said(row: Row, column: Column): unknown {
	return column.instead?.(row) ?? dig(row, column.name);
}

/** The text of a cell; "—" for what is not there. */
export function cell(row: Row, column: Column): string {
	const value = column.kind === 'lasted' ? lasted_ms(row) : said(row, column);
	if (column.kind === 'site' && value === null) return t.value.account.all_sites;
	if (column.kind === 'actor') return actor(String(value || (column.name === 'actor_name' && row.actor) || ''));
	if (value === null || value === undefined || value === '' || (Array.isArray(value) && !value.length)) return '—';
	return SHOW[column.kind || 'text'](value, column, row);
}

/** As cell(), with the full time where the table shows a short one. */
export function fact(row: Row, column: Column): string {
	const value = dig(row, column.name);
	if (column.kind === 'digest' && value) return String(value);
	return (column.kind === 'time' || column.kind === 'age') && value ? full_time(String(value)) : cell(row, column);
}

export function title(column: Column): string {
	return (column.as && t.value.col[column.as]) || t.value.col[column.name] || t.value.col[column.name.split('.').pop()!] || column.name;
}
