// Lists of the daily work: alarms, supplies that wait, buses, approvals, messages, imports.
import { cell, dig } from '../list/cell';
import { zh } from '../zh';
import type { Act, Field, ListPage, Row } from '../list/types';
import { APPROVAL_KINDS } from '../kinds';
import { out_of_service, service } from './service';
import { t } from '../words';

const REASON: Field = { name: 'reason', kind: 'long', required: true };
const NOTE: Field = { name: 'note', kind: 'long' };

const ALARM_KINDS = Object.keys(zh.board.alarm);

export const alarms: ListPage = {
	name: 'alarms', path: '/alarms', needs: 'alarm.read', live_s: 10, files: true,
	columns: [{ name: 'severity', kind: 'state', words: 'severity' }, { name: 'object.code' }, { name: 'kind', kind: 'word', words: 'alarm' }, { name: 'raised_at', kind: 'time' }, { name: 'raised_at', kind: 'lasted', as: 'lasted' }, { name: 'acked_at', kind: 'time' }, { name: 'acked_by', kind: 'actor' }, { name: 'cleared_at', kind: 'time' }],
	heading: (r) => `${cell(r, { name: 'object.code' })} ${cell(r, { name: 'kind', kind: 'word', words: 'alarm' })}`,
	facts: [{ name: 'text', as: 'logged' }, { name: 'object.kind', kind: 'word', words: 'object' }, { name: 'repeats', kind: 'count' }, { name: 'told_at', kind: 'time' }, { name: 'told_times', kind: 'count' }],
	detail: (r) => `/alarms/${r.id}`,
	filters: [{ name: 'state', kind: 'choice', words: 'alarm_state', options: ['open', 'unacked', 'acked', 'cleared'] }, { name: 'severity', kind: 'choice', words: 'severity', options: ['urgent', 'warn', 'info'] },
		{ name: 'object', kind: 'choice', words: 'object', options: ['meter', 'gateway', 'supply_point', 'account', 'order', 'job'] }, { name: 'kind', kind: 'choice', words: 'alarm', options: ALARM_KINDS }, { name: 'from', kind: 'day' }, { name: 'to', kind: 'day' }],
	picks: [
		{ name: 'alarm_ack', needs: 'alarm.ack', each: true, path: (r) => `/alarms/${r.id}/ack`, fields: [NOTE] },
		{ name: 'alarm_comment', needs: 'alarm.ack', each: true, path: (r) => `/alarms/${r.id}/comment`, fields: [{ name: 'text', kind: 'long', required: true }] },
	],
	acts: [
		{ name: 'alarm_ack', needs: 'alarm.ack', when: (r) => !r.acked_at, path: (r) => `/alarms/${r.id}/ack`, fields: [NOTE] },
		{ name: 'alarm_comment', needs: 'alarm.ack', path: (r) => `/alarms/${r.id}/comment`, fields: [{ name: 'text', kind: 'long', required: true }] },
		{ name: 'alarm_clear', needs: 'alarm.ack', when: (r) => r.by_hand === true && !r.cleared_at, path: (r) => `/alarms/${r.id}/clear`, fields: [REASON] },
	],
	parts: [{ name: 'alarm_history', rows: (d) => (d.history as Row[]) || [], columns: [{ name: 'at', kind: 'time' }, { name: 'what', kind: 'word', words: 'alarm_step' }, { name: 'actor_name' }, { name: 'text', as: 'note' }] }],
};

export const gateways: ListPage = {
	name: 'gateways', path: '/gateways', needs: 'meter.read', live_s: 5, files: true,
	columns: [
		{ name: 'code' }, { name: 'name' }, { name: 'comm.state', kind: 'state', words: 'comm', instead: out_of_service }, { name: 'fresh', kind: 'count' }, { name: 'meters', kind: 'count' }, { name: 'read_at', kind: 'age' },
		 { name: 'round_ms', kind: 'ms' }, { name: 'utilisation_permille', kind: 'permille' }, { name: 'answer_ms.p95', kind: 'ms' },
	],
	facts: [{ name: 'address' }, { name: 'transport' }, { name: 'area' }, { name: 'comm.since', kind: 'time' }, { name: 'answer_ms.p50', kind: 'ms' }, { name: 'answer_ms.p99', kind: 'ms' }],
	filters: [{ name: 'q', kind: 'text' }, { name: 'area_id', kind: 'area' }, { name: 'comm', kind: 'choice', words: 'comm', options: ['silent', 'never', 'ok'] }, { name: 'enabled', kind: 'flag', asks: '0' }],
	acts: service('gateway'),
	parts: [
		{ name: 'faults', rows: (d) => (d.faults as Row[]) || [], columns: [{ name: 'kind', kind: 'word', words: 'bus_fault' }, { name: 'seen', kind: 'count' }, { name: 'last_at', kind: 'time' }] },
		{ name: 'gateway_meters', path: (r) => `/meters?gateway_id=${r.id}`, columns: [{ name: 'unit' }, { name: 'code' }, { name: 'display', kind: 'state', words: 'display' }, { name: 'comm.state', kind: 'state', words: 'comm' }, { name: 'read_at', kind: 'time' }] },
		{ name: 'outages', path: (r) => `/gateways/${r.id}/outages`, columns: [{ name: 'from_at', kind: 'time' }, { name: 'until_at', kind: 'time' }] },
	],
};

export const supply_points: ListPage = {
	name: 'supply_points', path: '/supply-points', needs: 'meter.read', live_s: 15, files: true,
	columns: [
		{ name: 'meter', kind: 'named' }, { name: 'tenant', kind: 'shop' }, { name: 'desired', kind: 'word', words: 'desired' }, { name: 'observed', kind: 'word', words: 'observed' }, { name: 'reason', kind: 'word', words: 'block' },
		{ name: 'deferred', kind: 'word', words: 'deferred' }, { name: 'since', kind: 'time' },
	],
	facts: [{ name: 'load_class', kind: 'word', words: 'load_class' }, { name: 'should_be_off', kind: 'flag' }, { name: 'deferred_since', kind: 'time' }, { name: 'actor', kind: 'actor' }, { name: 'noted_at', kind: 'time' }, { name: 'noted_by', kind: 'actor' }],
	filters: [{ name: 'q', kind: 'text' }, { name: 'should_be_off', kind: 'flag' }],
	acts: [{ name: 'take_note', needs: 'meter.control', once: true, when: (r) => r.should_be_off === true && !r.noted_at, path: (r) => `/supply-points/${r.id}/take-note`, fields: [REASON] }],
};

const PERIODS = (name: string): Field => ({
	name, kind: 'rows', initial: (r) => dig(r, name) || [],
	fields: [{ name: 'from', kind: 'text', required: true, max: 5 }, { name: 'supply', kind: 'choice', words: 'switch', options: ['on', 'off'], required: true, initial: 'on' }],
});
const PERIODS_ALL = [PERIODS('workday'), PERIODS('weekend'), PERIODS('holiday')];

export const schedules: ListPage = {
	name: 'schedules', path: '/schedules', needs: 'meter.read', files: true, filters: [{ name: 'q', kind: 'text' }],
	columns: [{ name: 'code' }, { name: 'name' }, { name: 'points', kind: 'count' }, { name: 'supply_now', kind: 'word', words: 'switch' }, { name: 'changes_at', kind: 'time' }],
	parts: (['workday', 'weekend', 'holiday'] as const).map((name) => ({ name, rows: (d: Row) => (d[name] as Row[]) || [], columns: [{ name: 'from' }, { name: 'supply', kind: 'word' as const, words: 'switch' }] })),
	acts: [
		{ name: 'schedule_edit', needs: 'schedule.edit', method: 'PUT', path: (r) => `/schedules/${r.id}`, fields: [{ name: 'name', kind: 'text', required: true, initial: (r) => r.name }, ...PERIODS_ALL] },
		{ name: 'schedule_remove', needs: 'schedule.edit', method: 'DELETE', danger: true, when: (r) => r.points === 0, path: (r) => `/schedules/${r.id}` },
	],
	tops: [{ name: 'schedule_add', needs: 'schedule.edit', once: true, path: () => '/schedules', fields: [{ name: 'code', kind: 'text', required: true, max: 32 }, { name: 'name', kind: 'text', required: true, max: 64 }, ...PERIODS_ALL] }],
};

const waits = (r: Row): boolean => r.state === 'pending';

export const approvals: ListPage = {
	name: 'approvals', path: '/approvals', needs: 'approval.read', live_s: 20, files: true,
	columns: [{ name: 'kind', kind: 'word', words: 'approval' }, { name: 'object', kind: 'object' }, { name: 'state', kind: 'state', words: 'approval_state' }, { name: 'reason', kind: 'asked_for' }, { name: 'asked_at', kind: 'time' }, { name: 'decided_at', kind: 'time' }],
	facts: [{ name: 'asked_by', kind: 'user' }, { name: 'decided_by', kind: 'user' }, { name: 'note' }, { name: 'params', kind: 'json' }],
	filters: [
		{ name: 'state', kind: 'choice', words: 'approval_state', options: ['pending', 'approved', 'rejected', 'expired'] },
		{ name: 'kind', kind: 'choice', words: 'approval', options: APPROVAL_KINDS }, { name: 'from', kind: 'day' }, { name: 'to', kind: 'day' },
	],
	acts: [
		{ name: 'approve', warns: (r) => (r.kind === 'fee_cut' || (r.kind === 'setting' && (r.params as Row | null)?.setting === 'fee_cut') ? t.value.law_944 : null), needs: 'approval.read', when: waits, path: (r) => `/approvals/${r.id}/approve`, fields: [NOTE] },
		{ name: 'reject', needs: 'approval.read', danger: true, when: waits, path: (r) => `/approvals/${r.id}/reject`, fields: [NOTE] },
	],
};

const not_identity = (r: Row): boolean => r.verdict !== 'identity';
const decision = (action: 'accept' | 'rebase'): Act => ({
	name: `reading_${action}`, needs: 'meter.edit', once: true, danger: action === 'accept', when: (r) => not_identity(r) && r.settled_at !== null,
	subject: (r) => cell(r, { name: 'meter', kind: 'named' }), path: (r) => `/meters/${(r.meter as { id: number }).id}/readings/decide`, fixed: (r) => ({ action, read_at: r.read_at }), fields: [REASON],
	warns: (r) => t.value.doubt[action](cell(r, { name: 'register_milli', kind: 'growth' }), cell(r, { name: 'settled_milli', kind: 'register' }), cell(r, { name: 'register_milli', kind: 'register' })),
});

export const doubtful: ListPage = {
	name: 'doubtful', path: '/readings/doubtful', needs: 'meter.read', live_s: 20, files: true, help: true, key: (r) => String((r.meter as { id: number }).id),
	columns: [
		{ name: 'meter', kind: 'named' }, { name: 'tenant', kind: 'shop' }, { name: 'verdict', kind: 'state', words: 'verdict' }, { name: 'settled_milli', kind: 'register' }, { name: 'register_milli', kind: 'register' },
		{ name: 'settled_at', kind: 'time', as: 'reading_settled_at' }, { name: 'read_at', kind: 'time' },
	],
	facts: [{ name: 'utility', kind: 'growth', as: 'growth' }, { name: 'serial' }, { name: 'serial_seen' }],
	filters: [{ name: 'verdict', kind: 'choice', words: 'verdict', options: ['backwards', 'implausible', 'identity'] }],
	parts: [{ name: 'doubtful', path: (r) => `/meters/${(r.meter as { id: number }).id}/readings?doubtful=1&limit=50`, columns: [{ name: 'read_at', kind: 'time' }, { name: 'energy_wh', kind: 'register' }, { name: 'verdict', kind: 'word', words: 'verdict' }, { name: 'decision', kind: 'word', words: 'decision' }] }],
	acts: [decision('rebase'), decision('accept')],
};

export const outbox: ListPage = {
	name: 'outbox', path: '/outbox', needs: 'notice.read', live_s: 20, files: true,
	columns: [{ name: 'created_at', kind: 'time' }, { name: 'kind', kind: 'word', words: 'notice' }, { name: 'phone' }, { name: 'way', kind: 'word', words: 'way' }, { name: 'state', kind: 'state', words: 'outbox_state' }, { name: 'sent_at', kind: 'time' }],
	facts: [{ name: 'why' }, { name: 'language' }, { name: 'next_at', kind: 'time' }, { name: 'expires_at', kind: 'time' }, { name: 'delivered_at', kind: 'time' }],
	filters: [
		{ name: 'state', kind: 'choice', words: 'outbox_state', options: ['pending', 'sending', 'sent', 'delivered', 'undelivered', 'failed', 'unknown'] },
		{ name: 'kind', kind: 'choice', words: 'notice', options: ['low1', 'low2', 'arrears', 'overload', 'overload_lock', 'fee_low', 'fee_due', 'fee_short', 'restored', 'recharged', 'invoice_issued', 'invoice_refused', 'login_code', 'alarm'] }, { name: 'from', kind: 'day' },
	],
	parts: [{ name: 'tries', rows: (d) => (d.attempts as Row[]) || [], columns: [{ name: 'at', kind: 'time' }, { name: 'way', kind: 'word', words: 'way' }, { name: 'outcome', kind: 'word', words: 'outbox_state' }, { name: 'code' }] }],
	picks: [{ name: 'outbox_retry', needs: 'notice.edit', each: true, path: (r) => `/outbox/${r.id}/retry`, fixed: {} }],
	acts: [{ name: 'outbox_retry', needs: 'notice.edit', when: (r) => ['failed', 'undelivered', 'unknown'].includes(String(r.state)), path: (r) => `/outbox/${r.id}/retry`, fixed: {} }],
};

export const duty: ListPage = {
	name: 'duty', path: '/duty', needs: 'notice.read', key: 'phone',
	columns: [{ name: 'phone' }, { name: 'name' }, { name: 'kinds' }, { name: 'from_min', kind: 'minute' }, { name: 'to_min', kind: 'minute' }, { name: 'weekdays' }, { name: 'language', kind: 'word', words: 'language' }],
	tops: [{
		name: 'duty_edit', needs: 'duty.edit', method: 'PUT', path: () => '/duty',
		fields: [{
			name: 'items', kind: 'rows', initial: (r) => r.items,
			fields: [
				{ name: 'phone', kind: 'text', required: true, max: 20 }, { name: 'name', kind: 'text', max: 32 }, { name: 'kinds', kind: 'text', initial: '' }, { name: 'weekdays', kind: 'text', initial: '' },
				{ name: 'from_min', kind: 'count', initial: '0' }, { name: 'to_min', kind: 'count', initial: '0' }, { name: 'language', kind: 'choice', words: 'language', options: ['zh', 'en'], initial: 'zh' },
			],
		}],
	}],
};

export const imports: ListPage = {
	name: 'imports', path: '/imports', needs: 'import.run', files: true,
	columns: [{ name: 'at', kind: 'time' }, { name: 'file_name' }, { name: 'dry_run', kind: 'flag' }, { name: 'ok', kind: 'flag' }, { name: 'error_count', kind: 'count' }, { name: 'counts', kind: 'counts' }, { name: 'user' }],
	facts: [{ name: 'bytes', kind: 'count' }, { name: 'actor', kind: 'actor' }],
	detail: (r) => `/imports/${r.id}`,
	parts: [{ name: 'import_errors', rows: (d) => (d.errors as Row[]) || [], columns: [{ name: 'sheet', kind: 'word', words: 'sheet' }, { name: 'row' }, { name: 'column' }, { name: 'value' }, { name: 'message' }] }],
};

export const batches: ListPage = {
	name: 'batches', path: '/batches', needs: 'meter.read', live_s: 10, files: true,
	columns: [{ name: 'id' }, { name: 'action', kind: 'word', words: 'supply_action' }, { name: 'state', kind: 'state', words: 'batch_state' }, { name: 'counts.meters', kind: 'count' }, { name: 'counts.done', kind: 'count' }, { name: 'counts.failed', kind: 'count' }, { name: 'user.name' }, { name: 'created_at', kind: 'time' }],
	facts: [{ name: 'reason' }, { name: 'until', kind: 'time' }, { name: 'counts.waiting', kind: 'count' }, { name: 'counts.refused', kind: 'count' }, { name: 'expires_at', kind: 'time' }, { name: 'confirmed_at', kind: 'time' }, { name: 'done_at', kind: 'time' }],
	detail: (r) => `/batches/${r.id}`,
	parts: [{ name: 'batch_meters', rows: (d) => (d.meters as Row[]) || [], columns: [{ name: 'meter', kind: 'named' }, { name: 'tenant', kind: 'shop' }, { name: 'would', kind: 'word', words: 'supply_action' }, { name: 'state', kind: 'state', words: 'batch_meter' }, { name: 'why' }] }],
	acts: [{ name: 'batch_confirm', needs: 'meter.control', danger: true, when: (r) => r.state === 'preview', path: (r) => `/batches/${r.id}/confirm`, sure: (r) => (Number(dig(r, 'counts.meters')) > 1 ? String(dig(r, 'counts.meters')) : '') }],
	tops: [{
		name: 'batch_add', needs: 'meter.control', once: true, path: () => '/batches',
		fields: [
			{ name: 'gateway_id', kind: 'gateway', required: true }, { name: 'utility', kind: 'choice', words: 'utility', options: ['electricity', 'water'], initial: 'electricity' }, { name: 'role', kind: 'choice', words: 'role', options: ['tenant', 'public', 'incomer'], initial: 'tenant' },
			{ name: 'action', kind: 'choice', words: 'supply_action', options: ['on', 'off', 'keep', 'auto', 'read'], required: true }, { name: 'until', kind: 'instant', required: true, when: (typed) => typed.action === 'keep' }, REASON,
		],
		then: (answer) => (answer.id ? String(answer.id) : null),
	}],
};
