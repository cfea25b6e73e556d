import { afterEach, describe, expect, test, vi } from 'vitest';
import { json_rows } from '../src/staff/list/json_rows';
import { cell } from '../src/staff/list/cell';
import { nextTick } from 'vue';

const asked: string[] = [];
vi.mock('../src/shared/client', async (original) => ({
	...await original<object>(),
	get: async (path: string) => {
		asked.push(path);
		return { items: [{ of: 'account:7', code: 'A-101', name: '云朵茶饮', purpose: 'electricity' }, { of: 'contract:7', code: 'A-102', name: '悦来美发', purpose: null }, { of: 'user:3', code: null, name: '李会计', purpose: null }], next: null };
	},
}));
afterEach(() => { asked.length = 0; });

const told = () => new Promise((done) => setTimeout(done)).then(nextTick);

describe('what a text of the API names', () => {
	test('numbers stand until the names have come, which are asked for together and once', async () => {
		const row = { object: 'account:7', actor: 'user:3', asked_by: 3 };
		const line = () => [cell(row, { name: 'object', kind: 'object' }), cell(row, { name: 'actor', kind: 'actor' }), cell(row, { name: 'asked_by', kind: 'user' })];
		expect(line()).toEqual(['账户 7', '用户 3', '#3']);
		await told();
		expect(line()).toEqual(['账户 A-101 云朵茶饮 电费', '李会计', '李会计']);
		await told();
		expect(asked).toEqual(['/names?of=account%3A7%2Cuser%3A3']);
	});
	test('of JSON: money in yuan, instants as times, things by name, and what is not known as it is', async () => {
		const rows = json_rows(null, { account_id: 7, amount_fen: 90_000, balance_nano: -3_180_000_001, until: 1_796_000_000_000, seen_at: 0, n: 5 })!;
		expect(rows.map((r) => r.after)).toEqual(['A-101 云朵茶饮 电费', '¥900.00', '−¥3.18', expect.stringMatching(/^2026-11-30 /), '—', '5']);
	});
	test('an account of the books has the name of its contract, and a till its number', async () => {
		const line = () => ['purse:7:water', 'drawer:7'].map((code) => cell({ code }, { name: 'code', kind: 'ledger' }));
		line();
		await told();
		expect(line()).toEqual(['账户 A-102 悦来美发 水费', '钱箱 #7']);
	});
	test('nobody asked: the system', () => {
		const row = { kind: 'fee_cut', asked_by: 0, reason: 'fees unpaid for 5 days or more', params: { month: '2026-12', contracts: 3 } };
		expect(cell(row, { name: 'asked_by', kind: 'user' })).toBe('系统');
		expect(cell(row, { name: 'reason', kind: 'asked_for' })).toBe('2026-12：3 户物业费拖欠超过宽限期');
	});
});
