// Lists of the money: orders, refunds, payments that are nobody's, entries, purses, bills of the services.
import { add_days, local_day } from '../../shared/time';
import { yuan_text } from '../list/body';
import { cell, word } from '../list/cell';
import { ENTRY_KINDS, REVERSIBLE } from '../kinds';
import type { Act, Column, Field, ListPage, Row } from '../list/types';

const REASON: Field = { name: 'reason', kind: 'long', required: true };
const NOTE: Field = { name: 'note', kind: 'long' };
const AMOUNT: Field = { name: 'amount_fen', kind: 'yuan', required: true };

const is = (...states: string[]) => (row: Row): boolean => states.includes(String(row.state));
const left_fen = (row: Row): number => Number(row.amount_fen) - Number(row.refunded_fen);

export const orders: ListPage = {
	name: 'orders', path: '/orders', needs: 'entry.read', files: true,
	columns: [
		{ name: 'out_trade_no' }, { name: 'tenant', kind: 'shop' }, { name: 'purpose', kind: 'word', words: 'purpose' }, { name: 'amount_fen', kind: 'fen' },
		{ name: 'channel', kind: 'word', words: 'channel' }, { name: 'state', kind: 'state', words: 'order_state' }, { name: 'created_at', kind: 'time' }, { name: 'paid_at', kind: 'time' },
	],
	facts: [
		{ name: 'meter', kind: 'named' }, { name: 'transaction_id' }, { name: 'credited_at', kind: 'time' }, { name: 'closed_at', kind: 'time' }, { name: 'expires_at', kind: 'time' },
		{ name: 'paid_after_close', kind: 'flag' }, { name: 'by_another', kind: 'flag' }, { name: 'refunded_fen', kind: 'fen' }, { name: 'unmatched', kind: 'count' }, { name: 'queries', kind: 'count' }, { name: 'entry_id' },
	],
	filters: [
		{ name: 'state', kind: 'choice', words: 'order_state', options: ['created', 'pending', 'paid', 'closed'] },
		{ name: 'service', kind: 'choice', words: 'service', options: ['wechat', 'alipay'] },
		{ name: 'number', kind: 'text' }, { name: 'mismatch', kind: 'flag' },
	],
	detail: (r) => `/orders/${r.id}`,
	acts: [{
		name: 'order_refund', needs: 'refund.create', danger: true, once: true, when: (r) => r.state === 'paid' && left_fen(r) > 0, path: (r) => `/orders/${r.id}/refund`,
		fields: [{ ...AMOUNT, initial: (r) => yuan_text(left_fen(r)) }, REASON],
	}],
};

export const refunds: ListPage = {
	name: 'refunds', path: '/refunds', needs: 'entry.read', files: true,
	columns: [
		{ name: 'out_refund_no' }, { name: 'tenant', kind: 'shop' }, { name: 'amount_fen', kind: 'fen' }, { name: 'method', kind: 'word', words: 'refund_method' },
		{ name: 'state', kind: 'state', words: 'refund_state' }, { name: 'reason' }, { name: 'created_at', kind: 'time' }, { name: 'settled_at', kind: 'time' },
	],
	facts: [
		{ name: 'service', kind: 'word', words: 'service' }, { name: 'service_refund_id' }, { name: 'said' }, { name: 'actor', kind: 'actor' }, { name: 'order_id' }, { name: 'account_id', kind: 'account' }, { name: 'unmatched_id' },
		{ name: 'sent_at', kind: 'time' }, { name: 'asked_next_at', kind: 'time' }, { name: 'settled_by', kind: 'actor' }, { name: 'note' }, { name: 'entry_id' },
	],
	filters: [{ name: 'state', kind: 'choice', words: 'refund_state', options: ['requested', 'accepted', 'person', 'done', 'failed'] }],
	detail: (r) => `/refunds/${r.id}`,
	acts: [
		{ name: 'refund_retry', needs: 'refund.create', once: true, when: is('person'), path: (r) => `/refunds/${r.id}/retry`, fields: [NOTE] },
		{ name: 'refund_done', needs: 'refund.create', once: true, when: is('requested', 'accepted', 'person'), path: (r) => `/refunds/${r.id}/done`, fields: [NOTE] },
		{ name: 'refund_failed', needs: 'refund.create', danger: true, once: true, when: is('requested', 'accepted', 'person'), path: (r) => `/refunds/${r.id}/failed`, fields: [NOTE] },
	],
};

export const invoices: ListPage = {
	name: 'invoices', path: '/invoices', needs: 'entry.read', files: true, help: true,
	columns: [
		{ name: 'title', as: 'invoice_title' }, { name: 'tenant', kind: 'shop' }, { name: 'amount_fen', kind: 'fen' }, { name: 'state', kind: 'state', words: 'invoice_state' },
		{ name: 'changed', kind: 'flag', as: 'invoice_changed' }, { name: 'asked_at', kind: 'time', as: 'invoice_asked_at' }, { name: 'number', as: 'invoice_number' },
	],
	facts: [
		{ name: 'date', kind: 'day', as: 'invoice_date' }, { name: 'kind', kind: 'word', words: 'invoice_kind' }, { name: 'tax_no' }, { name: 'email' }, { name: 'note' }, { name: 'left_fen', kind: 'fen' }, { name: 'purpose', kind: 'word', words: 'purpose' }, { name: 'reason' }, { name: 'url', as: 'invoice_url' },
		{ name: 'decided_at', kind: 'time', as: 'settled_at' }, { name: 'decided_by', kind: 'actor', as: 'settled_by' }, { name: 'red_number' }, { name: 'voided_at', kind: 'time' }, { name: 'voided_by', kind: 'actor' },
	],
	filters: [
		{ name: 'state', kind: 'choice', words: 'invoice_state', options: ['asked', 'issued', 'refused', 'withdrawn', 'voided'] }, { name: 'q', kind: 'text' }, { name: 'changed', kind: 'flag' }, { name: 'from', kind: 'day' }, { name: 'to', kind: 'day' },
	],
	detail: (r) => `/invoices/${r.id}`,
	parts: [{
		name: 'invoice_orders', rows: (d) => (d.orders as Row[]) || [],
		columns: [{ name: 'out_trade_no' }, { name: 'amount_fen', kind: 'fen' }, { name: 'paid_fen', kind: 'fen' }, { name: 'refunded_fen', kind: 'fen' }, { name: 'paid_at', kind: 'time' }],
	}],
	acts: [
		{
			name: 'invoice_issue', needs: 'invoice.edit', once: true, when: is('asked'), subject: (r) => String(r.title), path: (r) => `/invoices/${r.id}/issue`,
			fields: [
				{ name: 'amount_fen', kind: 'yuan', required: true, initial: (r) => yuan_text(Number(r.amount_fen)) }, { name: 'number', kind: 'text', required: true },
				{ name: 'date', kind: 'day', required: true, initial: () => local_day() }, { name: 'url', kind: 'text' },
			],
		},
		{ name: 'invoice_refuse', needs: 'invoice.edit', danger: true, once: true, when: is('asked'), path: (r) => `/invoices/${r.id}/refuse`, fields: [REASON] },
		{ name: 'invoice_void', needs: 'invoice.edit', danger: true, once: true, when: is('issued'), path: (r) => `/invoices/${r.id}/void`, fields: [{ name: 'red_number', kind: 'text', required: true }, REASON] },
	],
};

export const unmatched: ListPage = {
	name: 'unmatched', path: '/unmatched-payments', needs: 'entry.read', files: true,
	columns: [
		{ name: 'out_trade_no' }, { name: 'service', kind: 'word', words: 'service' }, { name: 'amount_fen', kind: 'fen' }, { name: 'why', kind: 'word', words: 'unmatched_why' },
		{ name: 'state', kind: 'state', words: 'unmatched_state' }, { name: 'seen_at', kind: 'time' },
	],
	facts: [
		{ name: 'transaction_id' }, { name: 'paid_at', kind: 'time' }, { name: 'in_suspense', kind: 'flag' }, { name: 'order_id' }, { name: 'account_id', kind: 'account' }, { name: 'refund_id' },
		{ name: 'resolved_at', kind: 'time' }, { name: 'resolved_by', kind: 'actor' }, { name: 'note' },
	],
	filters: [{ name: 'state', kind: 'choice', words: 'unmatched_state', options: ['open', 'matched', 'credited', 'refunded', 'closed'] }],
	detail: (r) => `/unmatched-payments/${r.id}`,
	acts: [
		{ name: 'unmatched_credit', needs: 'refund.create', once: true, when: is('open'), path: (r) => `/unmatched-payments/${r.id}/credit`, fields: [{ name: 'account_id', kind: 'account', required: true }, REASON] },
		{ name: 'unmatched_refund', needs: 'refund.create', danger: true, once: true, when: is('open'), path: (r) => `/unmatched-payments/${r.id}/refund`, fields: [REASON] },
		{ name: 'unmatched_close', needs: 'refund.create', once: true, when: (r) => r.state === 'open' && !r.in_suspense, path: (r) => `/unmatched-payments/${r.id}/close`, fields: [REASON] },
	],
};

export const attempts: ListPage = {
	name: 'attempts', path: '/attempts', needs: 'entry.read', files: true,
	columns: [
		{ name: 'at', kind: 'time' }, { name: 'kind', kind: 'word', words: 'attempt' }, { name: 'amount_fen', kind: 'fen' }, { name: 'code', kind: 'word', words: 'audit_outcome', as: 'why' }, { name: 'account_id', kind: 'account' }, { name: 'actor', kind: 'actor' },
	],
	facts: [{ name: 'why', as: 'text' }],
};

const POSTINGS: Column[] = [{ name: 'code', kind: 'ledger', as: 'ledger' }, { name: 'amount', kind: 'yuan' }];

export const entries: ListPage = {
	name: 'entries', path: '/entries', needs: 'entry.read', files: true,
	columns: [
		{ name: 'id', kind: 'text' }, { name: 'kind', kind: 'word', words: 'entry' }, { name: 'tenant', kind: 'shop' }, { name: 'amount', kind: 'yuan' }, { name: 'book_day', kind: 'day' }, { name: 'at', kind: 'time' }, { name: 'reference', kind: 'object' }, { name: 'actor', kind: 'actor' },
	],
	facts: [{ name: 'memo' }, { name: 'reversed_by' }, { name: 'reverses' }],
	filters: [
		{ name: 'account_id', kind: 'number' }, { name: 'kind', kind: 'choice', words: 'entry', options: ENTRY_KINDS },
		{ name: 'from', kind: 'day' }, { name: 'to', kind: 'day' },
	],
	detail: (r) => `/entries/${r.id}`,
	parts: [{ name: 'postings', columns: POSTINGS, rows: (d) => (d.postings as Row[]) || [] }],
	acts: [{ name: 'entry_reverse', needs: 'entry.reverse', danger: true, once: true, when: (r) => !r.reversed_by && !r.reverses && REVERSIBLE.includes(String(r.kind)), subject: (r) => `${word('entry', r.kind)} ${cell(r, { name: 'amount', kind: 'yuan' })}`, path: (r) => `/entries/${r.id}/reverse`, fields: [REASON] }],
};

const own = (row: Row, name: string): string => String(row[name] ?? '').replace(/(\.\d*?)0+$/, '$1').replace(/\.$/, '');

export const accounts: ListPage = {
	name: 'accounts', path: '/accounts', needs: 'account.read', files: true,
	columns: [
		{ name: 'tenant', kind: 'shop' }, { name: 'purpose', kind: 'word', words: 'purpose' }, { name: 'meter', kind: 'named' }, { name: 'balance', kind: 'yuan' }, { name: 'level', kind: 'state', words: 'level' }, { name: 'days_left.days', kind: 'count' },
	],
	facts: [
		{ name: 'tenant.phone' }, { name: 'subsidy', kind: 'yuan' }, { name: 'credit_limit', kind: 'yuan' }, { name: 'emergency_limit', kind: 'yuan' }, { name: 'emergency_taken_at', kind: 'time' },
		{ name: 'warn1_yuan', kind: 'yuan' }, { name: 'warn2_yuan', kind: 'yuan' },
	],
	filters: [{ name: 'q', kind: 'text' }],
	detail: (r) => `/accounts/${r.id}/limits`,
	parts: [{ name: 'movements', path: (r) => `/entries?account_id=${r.id}`, columns: [{ name: 'at', kind: 'time' }, { name: 'kind', kind: 'word', words: 'entry' }, { name: 'amount', kind: 'yuan' }] }],
	acts: [
		{
			name: 'account_refund', needs: 'refund.create', danger: true, once: true, path: (r) => `/accounts/${r.id}/refund`,
			fields: [AMOUNT, { name: 'method', kind: 'choice', words: 'refund_method', options: ['cash', 'bank'], required: true, initial: 'cash' }, REASON],
		},
		{
			name: 'account_adjust', needs: 'adjustment.create', once: true, path: (r) => `/accounts/${r.id}/adjust`,
			fields: [
				{ name: 'kind', kind: 'choice', words: 'adjust', options: ['subsidy', 'write_off', 'correction', 'opening', 'debt', 'deposit_in', 'deposit_out', 'transfer'], required: true },
				{ name: 'to_account_id', kind: 'account', required: true, when: (typed) => typed.kind === 'transfer' },
				AMOUNT, { name: 'document', kind: 'text', required: true }, REASON,
			],
		},
		{
			name: 'account_limits', needs: 'account.edit', method: 'PUT', path: (r) => `/accounts/${r.id}/limits`,
			fields: [
				{ name: 'credit_limit', kind: 'decimal', required: true, initial: (r) => own(r, 'credit_limit') },
				{ name: 'emergency_limit', kind: 'decimal', required: true, initial: (r) => own(r, 'emergency_limit') }, REASON,
			],
		},
		{
			name: 'account_warnings', needs: 'account.edit', method: 'PUT', path: (r) => `/accounts/${r.id}/warnings`,
			fields: [
				{ name: 'unit', kind: 'choice', words: 'unit', options: ['yuan', 'kwh', 'm3'], required: true, initial: (r) => r.unit },
				{ name: 'warn1', kind: 'decimal', required: true, initial: (r) => own(r, 'warn1') }, { name: 'warn2', kind: 'decimal', required: true, initial: (r) => own(r, 'warn2') },
			],
		},
		{ name: 'account_block', needs: 'account.edit', method: 'PUT', path: (r) => `/accounts/${r.id}/recharge-block`, fields: [{ name: 'blocked', kind: 'flag', initial: 'true' }, REASON] },
	],
};

const RESOLVE: Act = {
	name: 'difference_resolve', needs: 'reconciliation.resolve', once: true, when: (r) => r.state !== 'resolved' && (r.actions as string[]).length > 0, path: (r) => `/reconciliations/differences/${r.id}/resolve`,
	fields: [{ name: 'action', kind: 'choice', words: 'resolve', required: true, options: (r) => r.actions as string[] }, REASON],
};

export const reconciliations: ListPage = {
	name: 'reconciliations', path: '/reconciliations', needs: 'reconciliation.read', files: true,
	columns: [
		{ name: 'day', kind: 'day' }, { name: 'service', kind: 'word', words: 'service' }, { name: 'state', kind: 'state', words: 'bill_state' }, { name: 'rows_total', kind: 'count' }, { name: 'matched', kind: 'count' },
		{ name: 'unresolved', kind: 'count' }, { name: 'paid_fen', kind: 'fen' }, { name: 'refunded_fen', kind: 'fen' },
	],
	facts: [
		{ name: 'late', kind: 'count' }, { name: 'fee', kind: 'yuan' }, { name: 'fee_booked', kind: 'yuan' }, { name: 'revision', kind: 'count' }, { name: 'fetched_at', kind: 'time' }, { name: 'changed_at', kind: 'time' },
		{ name: 'next_try_at', kind: 'time' }, { name: 'tries', kind: 'count' }, { name: 'error' },
	],
	filters: [
		{ name: 'service', kind: 'choice', words: 'service', options: ['wechat', 'alipay'] },
		{ name: 'state', kind: 'choice', words: 'bill_state', options: ['waiting', 'fetched', 'ties', 'differs', 'resolved'] }, { name: 'from', kind: 'day' }, { name: 'to', kind: 'day' },
	],
	detail: (r) => `/reconciliations/${r.id}`,
	parts: [
		{
			name: 'differences', rows: (d) => (d.differences as Row[]) || [], acts: [RESOLVE],
			columns: [{ name: 'kind', kind: 'word', words: 'difference' }, { name: 'out_trade_no' }, { name: 'bill_fen', kind: 'fen' }, { name: 'book_fen', kind: 'fen' }, { name: 'state', kind: 'state', words: 'difference_state' }, { name: 'action', kind: 'word', words: 'resolve' }],
		},
		{ name: 'bill_rows', rows: (d) => (d.rows as Row[]) || [], columns: [{ name: 'line' }, { name: 'out_trade_no' }, { name: 'amount_fen', kind: 'fen' }, { name: 'refund', kind: 'flag' }, { name: 'at', kind: 'time' }] },
	],
	acts: [{ name: 'bill_fetch', needs: 'reconciliation.resolve', path: (r) => `/reconciliations/${r.id}/fetch` }],
	tops: [{
		name: 'bill_ask', needs: 'reconciliation.resolve', path: () => '/reconciliations',
		fields: [{ name: 'service', kind: 'choice', words: 'service', options: ['wechat', 'alipay'], required: true, initial: 'wechat' }, { name: 'day', kind: 'day', required: true }],
	}],
};

export const services: ListPage = {
	name: 'services', path: '/reconciliations/services', needs: 'reconciliation.read', key: 'service',
	columns: [{ name: 'service', kind: 'word', words: 'service' }, { name: 'on', kind: 'flag' }, { name: 'owed', kind: 'yuan' }, { name: 'last_day', kind: 'day' }, { name: 'waiting', kind: 'count' }, { name: 'unresolved', kind: 'count' }],
	tops: [{
		name: 'payout', needs: 'reconciliation.resolve', once: true, path: () => '/reconciliations/payouts',
		fields: [{ name: 'service', kind: 'choice', words: 'service', options: ['wechat', 'alipay'], required: true, initial: 'wechat' }, AMOUNT, { name: 'document', kind: 'text', required: true }, REASON],
	}],
};

export const payouts: ListPage = {
	name: 'payouts', path: '/reconciliations/payouts', needs: 'reconciliation.read', files: true,
	columns: [{ name: 'document' }, { name: 'service', kind: 'word', words: 'service' }, { name: 'amount_fen', kind: 'fen' }, { name: 'at', kind: 'time' }, { name: 'actor', kind: 'actor' }, { name: 'reason' }],
};

export const shifts: ListPage = {
	name: 'shifts', path: '/shifts', needs: 'sale.create', files: true,
	columns: [{ name: 'id' }, { name: 'opened_at', kind: 'time' }, { name: 'closed_at', kind: 'time' }, { name: 'count', kind: 'count' }, { name: 'sales_fen', kind: 'fen' }],
};

export const days: ListPage = {
	name: 'days', path: '/days', needs: 'entry.read', files: true, help: true, key: (r) => `${(r.site as { id: number }).id}:${r.day}`,
	columns: [{ name: 'day', kind: 'day' }, { name: 'site', kind: 'named' }, { name: 'sealed_at', kind: 'time' }, { name: 'entries', kind: 'count' }, { name: 'sha256', kind: 'digest' }],
	facts: [{ name: 'closed_at', kind: 'time', as: 'day_closed_at' }],
	filters: [{ name: 'from', kind: 'day' }, { name: 'to', kind: 'day' }],
	tops: [{ name: 'day_seal', needs: 'day.seal', path: (_r, typed) => `/days/${typed?.day}/seal`, fields: [{ name: 'day', kind: 'day', required: true, in_path: true, initial: () => add_days(local_day(), -1) }] }],
};
