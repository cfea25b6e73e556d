// Contracts and what hangs on them: fees, shared energy.
import { fen_yuan } from '../../shared/money';
import { local_day } from '../../shared/time';
import { cell } from '../list/cell';
import type { Act, Field, ListPage, Option, Row } from '../list/types';
import { t } from '../words';

const REASON: Field = { name: 'reason', kind: 'long' };
const REASON_NEEDED: Field = { name: 'reason', kind: 'long', required: true };
const whose = (r: Row): string => `${r.code} ${cell(r, { name: 'tenant', kind: 'shop' })}`;
const open = (r: Row): boolean => !r.end_at;
const month_ahead = (): string => local_day().slice(0, 7);

function held(row: Row): Option[] {
	return ((row.meters as { meter: { id: number; code: string; name: string }; to_at: string | null }[]) || [])
		.filter((m) => !m.to_at).map((m) => ({ value: `${m.meter.id}`, label: `${m.meter.code} ${m.meter.name}` }));
}
const meters = (step: number): Field => ({
	name: 'meters', kind: 'rows', required: true, step,
	fields: [{ name: 'meter_id', kind: 'meter', required: true }, { name: 'register', kind: 'decimal' }],
});
const purses = (step: number): Field => ({
	name: 'purses', kind: 'rows', step, initial: () => [],
	fields: [
		{ name: 'purpose', kind: 'choice', words: 'purpose', options: ['electricity', 'water', 'fee'], required: true, initial: 'electricity' },
		{ name: 'opening_balance', kind: 'decimal' }, { name: 'warn1', kind: 'decimal' }, { name: 'warn2', kind: 'decimal' }, { name: 'credit_limit', kind: 'decimal' },
	],
});
const tenant = (step: number): Field[] => [
	{ name: 'tenant.code', kind: 'text', required: true, step, max: 32 }, { name: 'tenant.name', kind: 'text', required: true, step, max: 64 },
	{ name: 'tenant.phone', kind: 'text', step, max: 20 }, { name: 'tenant.room', kind: 'text', step, max: 32 }, { name: 'tenant.contacts', kind: 'text', step },
];
const readings = (step: number): Field => ({
	name: 'readings', kind: 'rows', step, initial: () => [],
	fields: [{ name: 'meter_id', kind: 'choice', options: held, required: true }, { name: 'register', kind: 'decimal', required: true }],
});
/** Choices give the id as text. */
const PAYOUT = (step: number): Field => ({ name: 'payout', kind: 'choice', words: 'payout', options: ['cash', 'bank', 'none'], required: true, initial: 'none', step });

const CONTRACT_OPEN: Act = {
	name: 'contract_open', needs: 'contract.edit', once: true, preview: true, path: () => '/contracts', steps: ['tenant', 'meters', 'purses'],
	fields: [...tenant(0), meters(1), { name: 'at', kind: 'instant', step: 1 }, purses(2), { name: 'code', kind: 'text', step: 2, max: 32 }, { ...REASON, step: 2 }],
	then: (answer) => (answer.id ? String(answer.id) : null),
};

export const contracts: ListPage = {
	name: 'contracts', path: '/contracts', needs: 'contract.read', files: true,
	columns: [{ name: 'code' }, { name: 'tenant', kind: 'shop' }, { name: 'meters_held', kind: 'count' }, { name: 'start_at', kind: 'time' }, { name: 'end_at', kind: 'time' }],
	filters: [{ name: 'q', kind: 'text' }, { name: 'open', kind: 'flag' }],
	detail: (r) => `/contracts/${r.id}`,
	parts: [
		{ name: 'contract_meters', rows: (d) => (d.meters as Row[]) || [], columns: [{ name: 'meter', kind: 'named' }, { name: 'utility', kind: 'word', words: 'utility' }, { name: 'from_at', kind: 'time' }, { name: 'to_at', kind: 'time' }] },
		{ name: 'contract_purses', rows: (d) => (d.purses as Row[]) || [], columns: [{ name: 'purpose', kind: 'word', words: 'purpose' }, { name: 'balance', kind: 'yuan' }, { name: 'level', kind: 'state', words: 'level' }, { name: 'warn1', kind: 'yuan' }, { name: 'credit_limit', kind: 'yuan' }] },
		{ name: 'contract_history', rows: (d) => (d.history as Row[]) || [], columns: [{ name: 'at', kind: 'time' }, { name: 'kind', kind: 'word', words: 'contract_act' }, { name: 'actor', kind: 'actor' }, { name: 'undone_at', kind: 'time' }] },
	],
	acts: [
		{ name: 'contract_meters', needs: 'contract.edit', once: true, preview: true, subject: whose, when: open, path: (r) => `/contracts/${r.id}/meters`, fields: [meters(0), { name: 'at', kind: 'instant' }, REASON] },
		{
			name: 'contract_tenant', needs: 'contract.edit', once: true, preview: true, subject: whose, danger: true, when: open, path: (r) => `/contracts/${r.id}/tenant`, steps: ['settle', 'tenant', 'purses'],
			fields: [readings(0), PAYOUT(0), { ...REASON_NEEDED, step: 0 }, ...tenant(1), { name: 'at', kind: 'instant', step: 1 }, purses(2), { name: 'code', kind: 'text', step: 2, max: 32 }],
		},
		{ name: 'contract_close', needs: 'contract.edit', once: true, preview: true, subject: whose, danger: true, when: open, path: (r) => `/contracts/${r.id}/close`, fields: [readings(0), PAYOUT(0), { name: 'at', kind: 'instant' }, REASON_NEEDED] },
		{ name: 'contract_reopen', needs: 'contract.edit', once: true, preview: true, subject: whose, when: (r) => !!r.end_at, path: (r) => `/contracts/${r.id}/reopen`, fields: [REASON] },
		{
			name: 'contract_debt', needs: 'adjustment.create', method: 'PUT', when: open, path: (r) => `/contracts/${r.id}/debt`,
			fields: [{ name: 'permille', kind: 'count', required: true }, { name: 'cap_fen', kind: 'yuan', required: true }],
		},
	],
	tops: [CONTRACT_OPEN],
};

const totals_of = (r: Row): Row | undefined => r.totals as Row | undefined;
/** Where it is known what it would do, that is said before it is done. */
const FEE_RUN: Act = {
	name: 'fee_run', needs: 'fee.edit', once: true, path: () => '/fees/run', when: (r) => !totals_of(r) || (totals_of(r)!.begun === true && Number(totals_of(r)!.due) > 0),
	warns: (r) => { const of = totals_of(r); return of ? t.value.fee_run_would(Number(of.due), fen_yuan(Number(of.due_fen)), Number(of.shorts)) : null; },
	fields: [{ name: 'month', kind: 'month', required: true, initial: (r) => (r.asked as Row | undefined)?.month || month_ahead() }],
};

export const fees: ListPage = {
	name: 'fees', path: '/fees', needs: 'fee.read', files: true,
	columns: [
		{ name: 'tenant', kind: 'shop' }, { name: 'kind', kind: 'word', words: 'fee_kind' }, { name: 'monthly_fen', kind: 'fen' }, { name: 'balance', kind: 'yuan' }, { name: 'next.due_day', kind: 'day' }, { name: 'next.amount_fen', kind: 'short', as: 'fee_short' }, { name: 'from_day', kind: 'day' }, { name: 'to_day', kind: 'day' }, { name: 'last_month' },
	],
	filters: [{ name: 'q', kind: 'text' }, { name: 'kind', kind: 'choice', words: 'fee_kind', options: ['property_fee', 'rent'] }],
	facts: [{ name: 'contract', kind: 'named' }, { name: 'next.month' }, { name: 'next.amount_fen', kind: 'fen' }],
	acts: [{ name: 'fee_end', needs: 'fee.edit', danger: true, method: 'PUT', when: (r) => !r.to_day, path: (r) => `/fees/${r.id}`, fields: [{ name: 'to_day', kind: 'day', required: true, initial: () => local_day() }] }],
	tops: [
		{
			name: 'fee_add', needs: 'fee.edit', once: true, path: () => '/fees',
			fields: [
				{ name: 'contract_id', kind: 'contract', required: true }, { name: 'kind', kind: 'choice', words: 'fee_kind', options: ['property_fee', 'rent'], required: true, initial: 'property_fee' },
				{ name: 'monthly_fen', kind: 'yuan', required: true }, { name: 'from_day', kind: 'day', required: true, initial: () => local_day() }, { name: 'to_day', kind: 'day' },
			],
		},
		FEE_RUN,
	],
};

export const fee_preview: ListPage = {
	name: 'fee_preview', path: '/fees/preview', needs: 'fee.read', files: true, help: true,
	columns: [
		{ name: 'tenant', kind: 'shop' }, { name: 'kind', kind: 'word', words: 'fee_kind' }, { name: 'state', kind: 'state', words: 'fee_state' }, { name: 'first_day', kind: 'day', as: 'from_day' }, { name: 'last_day', kind: 'day', as: 'to_day' }, { name: 'days', kind: 'count' },
		{ name: 'due_fen', kind: 'fen' }, { name: 'balance', kind: 'yuan' }, { name: 'balance_after', kind: 'yuan' }, { name: 'short_by', kind: 'lack' },
	],
	facts: [{ name: 'contract', kind: 'named' }, { name: 'monthly_fen', kind: 'fen' }, { name: 'amount_fen', kind: 'fen', as: 'days_fen' }, { name: 'charged_fen', kind: 'fen' }],
	filters: [{ name: 'month', kind: 'month', initial: month_ahead }, { name: 'q', kind: 'text' }, { name: 'kind', kind: 'choice', words: 'fee_kind', options: ['property_fee', 'rent'] }],
	totals: [
		{ name: 'due', kind: 'count' }, { name: 'due_fen', kind: 'fen' }, { name: 'shorts', kind: 'count' }, { name: 'short_by', kind: 'lack' }, { name: 'charged', kind: 'count' }, { name: 'charged_fen', kind: 'fen' },
		{ name: 'later', kind: 'count' }, { name: 'later_fen', kind: 'fen' },
	],
	tops: [FEE_RUN],
};

export const fee_cuts: ListPage = {
	name: 'fee_cuts', path: '/fees/cuts', needs: 'fee.read', files: true, key: 'account_id',
	columns: [{ name: 'tenant', kind: 'shop' }, { name: 'contract', kind: 'named' }, { name: 'listed', kind: 'yuan' }, { name: 'balance', kind: 'yuan' }, { name: 'state', kind: 'state', words: 'approval_state' }, { name: 'asked_at', kind: 'time' }, { name: 'cut_at', kind: 'time' }],
	facts: [{ name: 'approval_id' }],
	help: true,
	filters: [{ name: 'state', kind: 'choice', words: 'approval_state', options: ['pending', 'approved', 'rejected', 'expired'] }],
};

const TARGETS: Field = {
	name: 'targets', kind: 'rows', required: true,
	fields: [{ name: 'contract_id', kind: 'contract', required: true }, { name: 'ratio', kind: 'decimal' }],
};

export const shares: ListPage = {
	name: 'shares', path: '/shares', needs: 'share.read', files: true,
	columns: [
		{ name: 'name' }, { name: 'utility', kind: 'word', words: 'utility' }, { name: 'kind', kind: 'word', words: 'share_kind' }, { name: 'basis', kind: 'word', words: 'basis' }, { name: 'from_day', kind: 'day' }, { name: 'to_day', kind: 'day' }, { name: 'run_to', kind: 'day' },
	],
	facts: [{ name: 'purse', kind: 'word', words: 'share_purse' }],
	filters: [{ name: 'q', kind: 'text' }, { name: 'kind', kind: 'choice', words: 'share_kind', options: ['public', 'loss'] }],
	parts: [
		{ name: 'sources', rows: (d) => (d.sources as Row[]) || [], columns: [{ name: 'sign' }, { name: 'meter', kind: 'named' }] },
		{ name: 'targets', rows: (d) => (d.targets as Row[]) || [], columns: [{ name: 'tenant', kind: 'shop' }, { name: 'contract', kind: 'named' }, { name: 'ratio', kind: 'amount' }, { name: 'floor_m2_milli', kind: 'register' }, { name: 'from_day', kind: 'day' }] },
	],
	acts: [
		{ name: 'share_targets', needs: 'share.edit', method: 'PUT', when: (r) => !r.to_day, path: (r) => `/shares/${r.id}`, fields: [TARGETS, { name: 'from_day', kind: 'day', required: true }] },
		{ name: 'share_end', needs: 'share.edit', method: 'PUT', danger: true, when: (r) => !r.to_day, path: (r) => `/shares/${r.id}`, fields: [{ name: 'to_day', kind: 'day', required: true }] },
		{ name: 'share_rename', needs: 'share.edit', method: 'PUT', path: (r) => `/shares/${r.id}`, fields: [{ name: 'name', kind: 'text', required: true, initial: (r) => r.name, max: 64 }] },
	],
	tops: [{
		name: 'share_add', needs: 'share.edit', once: true, path: () => '/shares', steps: ['share', 'sources', 'targets'],
		fields: [
			{ name: 'name', kind: 'text', required: true, max: 64 },
			{ name: 'utility', kind: 'choice', words: 'utility', options: ['electricity', 'water'], required: true, initial: 'electricity' },
			{ name: 'kind', kind: 'choice', words: 'share_kind', options: ['public', 'loss'], required: true, initial: 'public' },
			{ name: 'basis', kind: 'choice', words: 'basis', options: ['ratio', 'area', 'equal'], required: true, initial: 'ratio' },
			{ name: 'from_day', kind: 'day' },
			{ name: 'sources', kind: 'rows', required: true, step: 1, fields: [{ name: 'meter_id', kind: 'meter', required: true }, { name: 'sign', kind: 'choice', words: 'sign', options: ['+', '-'], required: true, initial: '+' }] },
			{ ...TARGETS, step: 2 },
		],
	}],
};
