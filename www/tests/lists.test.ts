import { describe, expect, it } from 'vitest';
import { body_of, first_typed } from '../src/staff/list/body';
import type { Act, Column, Field, ListPage } from '../src/staff/list/types';
import * as meters from '../src/staff/lists/meters';
import * as money from '../src/staff/lists/money';
import * as rent from '../src/staff/lists/rent';
import * as system from '../src/staff/lists/system';
import * as work from '../src/staff/lists/work';
import { PLACES } from '../src/staff/places';
import { en } from '../src/staff/en';
import { zh, type Words } from '../src/staff/zh';
import { answer, has, operation, parameters, permission, request, required } from './openapi';

const pages: ListPage[] = [meters, money, rent, system, work].flatMap((m) => Object.values(m) as ListPage[]);
const ROW = { id: 7, meter_id: 7, meter: { id: 7 }, run_to: '2026-11-01', actions: ['credit'], meters: [], model: 'x', items: [], picked: [{ id: 7 }] };

const TYPED = { day: '2026-11-01' };

function columns_of(page: ListPage): Column[] {
	return [...page.columns, ...(page.facts || []), ...(page.totals || []), ...(page.parts || []).flatMap((p) => p.columns)];
}
function acts_of(page: ListPage): Act[] {
	return [...(page.acts || []), ...(page.tops || []), ...(page.picks || []), ...(page.parts || []).flatMap((p) => p.acts || [])];
}
function fields_of(fields: Field[]): Field[] {
	return fields.flatMap((f) => [f, ...fields_of(f.fields || [])]);
}
function options_of(f: { options?: Field['options'] }): string[] {
	const given = typeof f.options === 'function' ? f.options(ROW) : f.options || [];
	return given.filter((o): o is string => typeof o === 'string');
}

describe.each(pages.map((p) => [p.name, p] as const))('the list %s', (_name, page) => {
	it('shows what the API gives', () => {
		const list = operation('GET', page.path)!;
		expect(list, page.path).toBeDefined();
		const detail = page.detail ? answer(operation('GET', page.detail(ROW))!) : undefined;
		for (const c of page.columns) expect(has(answer(list, true), c.name), c.name).toBe(true);
		for (const c of page.facts || []) expect(has(answer(list, true), c.name) || has(detail, c.name), c.name).toBe(true);
		for (const f of page.filters || []) expect(parameters(list), page.path).toContain(f.name);
		for (const c of page.totals || []) expect(has(answer(list), `totals.${c.name}`), c.name).toBe(true);
		for (const p of page.parts || []) {
			if (!p.path) continue;
			const op = operation('GET', p.path(ROW));
			expect(op, p.path(ROW)).toBeDefined();
			for (const c of p.columns) expect(has(answer(op!, true), c.name), `${p.name}.${c.name}`).toBe(true);
		}
	});
	it('asks for the permission that the API asks for', () => {
		expect(permission(operation('GET', page.path)!)).toContain(page.needs);
		for (const a of acts_of(page)) expect(permission(operation(a.method || 'POST', a.path(ROW, TYPED))!), a.name).toContain(a.needs);
	});
	it('has acts whose bodies the API takes', () => {
		for (const a of acts_of(page)) {
			const op = operation(a.method || 'POST', a.path(ROW, TYPED))!;
			const body = request(op);
			const fixed = Object.keys((typeof a.fixed === 'function' ? a.fixed({ ...ROW, name: 'x' }) : a.fixed) || {});
			const names = [...(a.fields || []).filter((f) => !f.in_path).map((f) => f.name), ...fixed];
			for (const name of names) expect(has(body, name), `${a.name}: ${name}`).toBe(true);
			for (const f of (a.fields || []).filter((x) => x.fields)) for (const inner of f.fields!) expect(inner.name, a.name).toMatch(/^\w+$/);
			for (const must of required(body)) expect(names.map((n) => n.split('.')[0]), `${a.name} must send ${must}`).toContain(must);
			expect(parameters(op).includes('Idempotency-Key'), `${a.name} and its key`).toBe(!!a.once);
			if (a.preview) expect(has(body, 'preview'), a.name).toBe(true);
		}
	});
	it.each([['zh', zh], ['en', en as Words]] as const)('has its words in %s', (_lang, t) => {
		expect(t.page[page.name]?.title).toBeTruthy();
		for (const c of columns_of(page)) {
			expect((c.as ? t.col[c.as] : t.col[c.name]) || t.col[c.name.split('.').pop()!], c.name).toBeTruthy();
			if (c.words && c.words !== 'alarm') expect(t.word[c.words], c.words).toBeDefined();
		}
		for (const f of page.filters || []) {
			expect(t.filter[f.name] || t.col[f.name], f.name).toBeTruthy();
			for (const o of options_of(f)) expect((f.words === 'alarm' ? t.board.alarm : t.word[f.words!])?.[o], `${f.words}.${o}`).toBeTruthy();
		}
		for (const p of page.parts || []) expect(t.part[p.name], p.name).toBeTruthy();
		for (const a of acts_of(page)) {
			expect(t.act[a.name]?.title, a.name).toBeTruthy();
			for (const s of a.steps || []) expect(t.step[s], s).toBeTruthy();
			for (const f of fields_of(a.fields || [])) {
				const last = f.name.split('.').pop()!;
				expect(t.field[f.name] || t.field[last] || t.col[f.name] || t.col[last], `${a.name}.${f.name}`).toBeTruthy();
				for (const o of options_of(f)) expect(t.word[f.words!]?.[o], `${f.words}.${o}`).toBeTruthy();
			}
		}
	});
});

describe('places', () => {
	it('have words, and each page stands in one place only', () => {
		const names = PLACES.flatMap((p) => p.pages.map((x) => x.name));
		expect(new Set(names).size).toBe(names.length);
		for (const p of PLACES) expect(zh.place[p.name] || zh.nav[p.name as 'board'], p.name).toBeTruthy();
	});
	it('lead to the lists of their names', async () => {
		for (const p of PLACES.flatMap((x) => x.pages)) if (p.list) expect((await p.list()).name, p.name).toBe(p.name);
	});
});

describe('the body of a form', () => {
	const fields: Field[] = [
		{ name: 'amount_fen', kind: 'yuan', required: true }, { name: 'tenant.name', kind: 'text' }, { name: 'account_id', kind: 'account' }, { name: 'month', kind: 'count' },
		{ name: 'lines', kind: 'rows', fields: [{ name: 'meter_id', kind: 'meter', required: true }, { name: 'register', kind: 'decimal' }] },
	];
	it('has numbers, objects and lists as the API wants them, and leaves out what is empty', () => {
		const { body, wrong } = body_of(fields, { amount_fen: '12.5', 'tenant.name': ' 茶店 ', account_id: '12\tA-101', month: '', lines: [{ meter_id: '3\tA01', register: '1.5' }, { meter_id: '', register: '' }] }, {});
		expect(wrong).toEqual([]);
		expect(body).toEqual({ amount_fen: 1250, tenant: { name: '茶店' }, account_id: 12, lines: [{ meter_id: 3, register: '1.5' }] });
	});
	it('names what is missing and what is no value', () => {
		expect(body_of(fields, { amount_fen: '', month: 'x', lines: [{ meter_id: '', register: '2' }] }, {}).wrong).toEqual([
			{ field: 'amount_fen', why: 'missing' }, { field: 'month', why: 'bad' }, { field: 'lines.0.meter_id', why: 'missing' },
		]);
	});
	it('begins with the values of the row', () => {
		expect(first_typed([{ name: 'value', kind: 'count', initial: (r) => r.value }, { name: 'on', kind: 'flag', initial: 'true' }], { value: 0 })).toEqual({ value: '0', on: true });
	});
});
