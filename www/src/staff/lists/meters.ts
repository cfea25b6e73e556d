// Meters as a list, with what is done at a metering point: exchange of the device, tariff, limits, blocks.
import { defineAsyncComponent } from 'vue';
import { labels_pick } from '../labels';
import type { Act, Field, ListPage, Row } from '../list/types';
import { out_of_service, service } from './service';

const REASON: Field = { name: 'reason', kind: 'long', required: true };

const REPLACE: Act = {
	name: 'meter_replace', needs: 'meter.edit', once: true, preview: true, path: (r) => `/meters/${r.id}/replace`, steps: ['old_device', 'new_device'],
	fields: [
		{ name: 'old_final_register', kind: 'decimal', required: true }, { name: 'at', kind: 'instant' }, { name: 'reason', kind: 'long' },
		{ name: 'new.model', kind: 'model', required: true, step: 1, initial: (r) => `${String(r.model)}\t${String(r.model)}` },
		{ name: 'new.unit', kind: 'text', required: true, step: 1, initial: (r) => r.unit, max: 14 }, { name: 'new.serial', kind: 'text', required: true, step: 1, max: 32 },
		{ name: 'new.start_register', kind: 'decimal', required: true, step: 1, initial: '0' },
	],
};

export const meters: ListPage = {
	name: 'meters', path: '/meters', needs: 'meter.read', files: true,
	columns: [
		{ name: 'code' }, { name: 'tenant', kind: 'shop' }, { name: 'display', kind: 'state', words: 'display', instead: out_of_service }, { name: 'energy_wh', kind: 'register' }, { name: 'power_w', kind: 'count' }, { name: 'account.balance', kind: 'yuan' }, { name: 'read_at', kind: 'time' },
	],
	facts: [
		{ name: 'name' }, { name: 'volume_l', kind: 'register' }, { name: 'model' }, { name: 'unit' }, { name: 'serial' }, { name: 'gateway', kind: 'named' }, { name: 'area', kind: 'named' }, { name: 'role', kind: 'word', words: 'role' }, { name: 'billing', kind: 'word', words: 'billing' },
		{ name: 'supply.state', kind: 'word', words: 'supply_state' }, { name: 'supply.reason', kind: 'word', words: 'block' },
	],
	filters: [
		{ name: 'q', kind: 'text' }, { name: 'area_id', kind: 'area' }, { name: 'utility', kind: 'choice', words: 'utility', options: ['electricity', 'water'] }, { name: 'role', kind: 'choice', words: 'role', options: ['tenant', 'public', 'incomer'] },
		{ name: 'level', kind: 'choice', words: 'level', options: ['low1', 'low2', 'arrears', 'ok'] }, { name: 'comm', kind: 'choice', words: 'comm', options: ['silent', 'never', 'ok'] }, { name: 'enabled', kind: 'flag', asks: '0' },
	],
	live_s: 15,
	print: { page: 'labels', picked: labels_pick },
	lead: defineAsyncComponent(() => import('../MeterBody.vue')),
	picks: [{
		name: 'batch_picked', needs: 'meter.control', once: true, path: () => '/batches', fixed: (r) => ({ meters: (r.picked as Row[]).map((m) => m.id) }),
		fields: [
			{ name: 'action', kind: 'choice', words: 'supply_action', options: ['read', 'off', 'on', 'keep', 'auto'], required: true },
			{ name: 'until', kind: 'instant', required: true, when: (typed) => typed.action === 'keep' }, REASON,
		],
		then: (answer) => (answer.id ? `/batches?row=${String(answer.id)}` : null),
	}],
	detail: (r) => `/meters/${r.id}`,
	parts: [
		{ name: 'meter_tariffs', path: (r) => `/meters/${r.id}/tariffs`, columns: [{ name: 'code' }, { name: 'name' }, { name: 'from', kind: 'time' }] },
		{ name: 'exchanges', path: (r) => `/meters/${r.id}/exchanges`, columns: [{ name: 'at', kind: 'time' }, { name: 'old.serial' }, { name: 'old.register' }, { name: 'new.serial' }, { name: 'new.register' }, { name: 'undone_at', kind: 'time' }] },
		{ name: 'outages', path: (r) => `/meters/${r.id}/outages`, columns: [{ name: 'from_at', kind: 'time' }, { name: 'until_at', kind: 'time' }] },
		{
			name: 'doubtful', path: (r) => `/meters/${r.id}/readings?doubtful=1`, columns: [{ name: 'read_at', kind: 'time' }, { name: 'energy_wh', kind: 'register' }, { name: 'verdict', kind: 'word', words: 'verdict' }, { name: 'decision', kind: 'word', words: 'decision' }],
		},
	],
	acts: [
		REPLACE,
		{ name: 'meter_replace_undo', needs: 'meter.edit', danger: true, once: true, preview: true, path: (r) => `/meters/${r.id}/replace/undo`, fields: [{ name: 'reason', kind: 'long' }] },
		{ name: 'meter_tariff', needs: 'tariff.edit', path: (r) => `/meters/${r.id}/tariff`, fields: [{ name: 'tariff_id', kind: 'tariff', required: true }, { name: 'from', kind: 'instant', required: true }] },
		{ name: 'meter_read', needs: 'meter.read', path: (r) => `/meters/${r.id}/read` },
		{
			name: 'meter_overload', needs: 'meter.edit', method: 'PUT', path: (r) => `/meters/${r.id}/overload`, when: (r) => r.utility === 'electricity',
			fields: [{ name: 'limit_w', kind: 'count', required: true }, { name: 'delay_s', kind: 'count', initial: '60', required: true }, { name: 'retry_s', kind: 'count', initial: '300', required: true }, { name: 'retries', kind: 'count', initial: '3', required: true }, REASON],
		},
		{ name: 'meter_ratio', needs: 'meter.edit', path: (r) => `/meters/${r.id}/ratio`, fields: [{ name: 'ct', kind: 'count', required: true }, { name: 'pt', kind: 'count' }, REASON] },
		{ name: 'meter_schedule', needs: 'schedule.edit', once: true, path: (r) => `/meters/${r.id}/schedule`, fields: [{ name: 'schedule_id', kind: 'schedule', required: true }] },
		{ name: 'meter_load_class', needs: 'meter.control', once: true, path: (r) => `/meters/${r.id}/load-class`, fields: [{ name: 'load_class', kind: 'choice', words: 'load_class', options: ['protected', 'ordinary'], required: true, initial: 'protected' }, REASON] },
		{ name: 'meter_vacant', needs: 'meter.control', once: true, path: (r) => `/meters/${r.id}/vacant`, fields: [{ name: 'action', kind: 'choice', words: 'set_clear', options: ['set', 'clear'], required: true, initial: 'set' }, REASON] },
		{
			name: 'meter_safety', needs: 'meter.control', danger: true, once: true, path: (r) => `/meters/${r.id}/safety`,
			fields: [{ name: 'action', kind: 'choice', words: 'set_clear', options: ['set', 'clear'], required: true, initial: 'set' }, { name: 'on_site', kind: 'flag', when: (typed) => typed.action === 'clear' }, REASON],
		},
		...service('meter'),
	],
};
