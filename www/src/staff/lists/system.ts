// Lists of the system itself: settings, and what hangs together with them.
import { yuan_text } from '../list/body';
import { cell, minute, word } from '../list/cell';
import type { Field, ListPage, Row } from '../list/types';
import { t } from '../words';

/** Where somebody may see and act: areas count with a site only. */
const SCOPE: Field[] = [
	{ name: 'site_id', kind: 'site', none: true, initial: (r) => r.site_id },
	{ name: 'area_ids', kind: 'areas', when: (typed) => !!typed.site_id, initial: (r) => ((r.area_ids as number[]) || []).join(' ') },
];
const REASON: Field = { name: 'reason', kind: 'long', required: true };

const is_money = (r: Row): boolean => String(r.name).endsWith('_fen');
const is_switch = (r: Row): boolean => r.min === 0 && r.max === 1;
const is_clock = (r: Row): boolean => r.min === 0 && r.max === 1439;
const by_profile = (r: Row): boolean => r.min === -1 && r.max === 1439;
/** Cutting for a fee is against Civil Code art. 944: whoever turns it on is told so first. */
const law = (r: Row): string | null => (r.name === 'fee_cut' && r.value !== 1 ? t.value.law_944 : null);
const bounds = (r: Row): string => t.value.bounds(cell(r, { name: 'min', kind: 'setting' }), cell(r, { name: 'max', kind: 'setting' }));
const first_value = (r: Row): unknown => (is_money(r) ? yuan_text(r.value) : is_clock(r) ? minute(Number(r.value)) : by_profile(r) ? (Number(r.value) < 0 ? '' : minute(Number(r.value))) : r.value);

export const settings: ListPage = {
	name: 'settings', path: '/settings', needs: 'setting.read', key: 'name',
	columns: [{ name: 'name', kind: 'word', words: 'setting' }, { name: 'value', kind: 'setting' }, { name: 'shipped', kind: 'setting' }, { name: 'second_person', kind: 'flag' }],
	facts: [{ name: 'min', kind: 'setting' }, { name: 'max', kind: 'setting' }, { name: 'help' }],
	acts: [{
		name: 'setting_change', warns: law, subject: (r) => word('setting', r.name), needs: 'setting.edit', method: 'PUT', path: () => '/settings', fixed: (r) => ({ name: r.name, ...(r.site_id ? { site_id: r.site_id } : {}) }),
		fields: [
			{ name: 'value', kind: 'yuan', required: true, when: (_t, r) => is_money(r), initial: first_value, hint: bounds },
			{ name: 'value', kind: 'clock', empty: -1, when: (_t, r) => by_profile(r), initial: first_value, hint: () => t.value.by_profile_empty },
			{ name: 'value', kind: 'choice', number: true, words: 'on_off', options: ['1', '0'], required: true, when: (_t, r) => is_switch(r), initial: first_value },
			{ name: 'value', kind: 'clock', required: true, when: (_t, r) => is_clock(r), initial: first_value },
			{ name: 'value', kind: 'count', required: true, when: (_t, r) => !is_money(r) && !is_switch(r) && !is_clock(r) && !by_profile(r), initial: first_value, hint: bounds }, REASON,
		],
	}],
};

export const users: ListPage = {
	name: 'users', path: '/users', needs: 'user.manage', files: true,
	columns: [{ name: 'username' }, { name: 'name' }, { name: 'role', kind: 'word', words: 'staff_role', as: 'staff_role' }, { name: 'phone' }, { name: 'site_id', kind: 'site' }, { name: 'disabled', kind: 'flag' }],
	facts: [{ name: 'area_ids', kind: 'areas' }, { name: 'password_change_required', kind: 'flag' }, { name: 'locked_until', kind: 'time' }, { name: 'created_at', kind: 'time' }],
	filters: [{ name: 'q', kind: 'text' }, { name: 'disabled', kind: 'flag' }],
	detail: (r) => `/users/${r.id}`,
	parts: [{ name: 'sessions', path: (r) => `/users/${r.id}/sessions`, columns: [{ name: 'agent', kind: 'program' }, { name: 'address', as: 'from_address' }, { name: 'since', kind: 'time' }, { name: 'last_used_at', kind: 'time' }] }],
	acts: [
		{
			name: 'user_edit', needs: 'user.manage', method: 'PUT', path: (r) => `/users/${r.id}`,
			fields: [
				{ name: 'name', kind: 'text', initial: (r) => r.name, max: 64 }, { name: 'phone', kind: 'text', initial: (r) => r.phone, max: 20 },
				{ name: 'role_id', kind: 'role', initial: (r) => (r.role_id ? `${r.role_id}\t${r.role}` : '') }, ...SCOPE, { name: 'disabled', kind: 'flag', initial: (r) => r.disabled },
			],
		},
		{ name: 'user_password', needs: 'user.manage', danger: true, path: (r) => `/users/${r.id}/password`, shows: 'password' },
		{ name: 'user_sessions_end', needs: 'user.manage', danger: true, method: 'DELETE', path: (r) => `/users/${r.id}/sessions` },
		{ name: 'user_totp_off', needs: 'user.manage', danger: true, method: 'DELETE', path: (r) => `/users/${r.id}/totp` },
	],
	tops: [{
		name: 'user_add', needs: 'user.manage', path: () => '/users', shows: 'password',
		fields: [{ name: 'username', kind: 'text', required: true, max: 32 }, { name: 'name', kind: 'text', max: 64 }, { name: 'phone', kind: 'text', max: 20 }, { name: 'role_id', kind: 'role', required: true }, ...SCOPE],
	}],
};

export const service_accounts: ListPage = {
	name: 'service_accounts', path: '/service-accounts', needs: 'user.manage', files: true,
	columns: [{ name: 'username' }, { name: 'name' }, { name: 'role', kind: 'word', words: 'staff_role', as: 'staff_role' }, { name: 'site_id', kind: 'site' }, { name: 'hint' }, { name: 'last_used_at', kind: 'time' }, { name: 'revoked', kind: 'flag' }],
	facts: [{ name: 'area_ids', kind: 'areas' }, { name: 'addresses' }, { name: 'expires_at', kind: 'time' }, { name: 'made_at', kind: 'time' }],
	acts: [
		{ name: 'service_key', needs: 'user.manage', danger: true, when: (r) => !r.revoked, path: (r) => `/service-accounts/${r.id}/key`, shows: 'key' },
		{ name: 'service_revoke', needs: 'user.manage', danger: true, method: 'DELETE', when: (r) => !r.revoked, path: (r) => `/service-accounts/${r.id}` },
	],
	tops: [{
		name: 'service_add', needs: 'user.manage', path: () => '/service-accounts', shows: 'key',
		fields: [
			{ name: 'username', kind: 'text', required: true, max: 32 }, { name: 'name', kind: 'text', required: true, max: 64 }, { name: 'role_id', kind: 'role', required: true }, ...SCOPE,
			{ name: 'addresses', kind: 'words' }, { name: 'expires_at', kind: 'instant' },
		],
	}],
};

export const audit: ListPage = {
	name: 'audit', path: '/audit', needs: 'audit.read', files: true,
	columns: [{ name: 'at', kind: 'time' }, { name: 'actor_name', kind: 'actor' }, { name: 'action', kind: 'action', as: 'audit_action' }, { name: 'object', kind: 'object' }, { name: 'outcome', kind: 'state', words: 'audit_outcome' }, { name: 'reason' }],
	facts: [{ name: 'actor', kind: 'object', as: 'audit_actor' }, { name: 'address', as: 'from_address' }, { name: 'request_id' }, { name: 'after', kind: 'changes', as: 'changes' }, { name: 'detail', kind: 'json' }, { name: 'chain.n' }, { name: 'chain.sha256' }],
	filters: [{ name: 'q', kind: 'text' }, { name: 'outcome', kind: 'choice', words: 'audit_outcome', options: ['ok', 'refused', 'forbidden', 'wrong_password', 'locked'] }, { name: 'from', kind: 'day' }, { name: 'to', kind: 'day' }],
	detail: (r) => `/audit/${r.id}`,
	more_files: [{ name: 'audit_chain', path: '/audit/export', ends: 'jsonl', filters: ['from', 'to'] }],
};

export const jobs: ListPage = {
	name: 'jobs', path: '/jobs', needs: 'setting.read', key: 'name', live_s: 15, files: true,
	columns: [{ name: 'name', kind: 'word', words: 'job' }, { name: 'result', kind: 'state', words: 'job_result' }, { name: 'run_at', kind: 'time' }, { name: 'took_ms', kind: 'ms' }, { name: 'next_at', kind: 'time' }, { name: 'runs', kind: 'count' }, { name: 'failures', kind: 'count' }],
	facts: [{ name: 'every_ms', kind: 'ms' }, { name: 'failing_since', kind: 'time' }, { name: 'failed_at', kind: 'time' }, { name: 'worker' }],
};

export const sites: ListPage = {
	name: 'sites', path: '/sites', needs: 'meter.read', files: true,
	columns: [{ name: 'code' }, { name: 'name' }, { name: 'profile', kind: 'word', words: 'profile' }, { name: 'zone' }, { name: 'areas', kind: 'count' }, { name: 'gateways', kind: 'count' }, { name: 'meters', kind: 'count' }],
	acts: [{
		name: 'site_edit', needs: 'meter.edit', method: 'PATCH', path: (r) => `/sites/${r.id}`,
		fields: [{ name: 'name', kind: 'text', initial: (r) => r.name, max: 64 }, { name: 'profile', kind: 'choice', words: 'profile', options: ['shop', 'dwelling'], initial: (r) => r.profile }, REASON],
	}],
	tops: [{
		name: 'site_add', needs: 'meter.edit', once: true, path: () => '/sites',
		fields: [{ name: 'code', kind: 'text', required: true, max: 32 }, { name: 'name', kind: 'text', required: true, max: 64 }, { name: 'zone', kind: 'text', initial: 'Asia/Shanghai' }, { name: 'profile', kind: 'choice', words: 'profile', options: ['shop', 'dwelling'], initial: 'shop' }, REASON],
	}],
};

export const areas: ListPage = {
	name: 'areas', path: '/areas', needs: 'meter.read', files: true,
	columns: [{ name: 'code' }, { name: 'name' }, { name: 'kind', kind: 'word', words: 'area_kind' }, { name: 'parent', kind: 'named' }, { name: 'site', kind: 'named' }, { name: 'floor_m2', kind: 'amount' }, { name: 'meters', kind: 'count' }],
	acts: [{
		name: 'area_edit', needs: 'meter.edit', method: 'PATCH', path: (r) => `/areas/${r.id}`,
		fields: [{ name: 'name', kind: 'text', initial: (r) => r.name, max: 64 }, { name: 'kind', kind: 'choice', words: 'area_kind', options: ['building', 'floor', 'riser'], initial: (r) => r.kind }, { name: 'floor_m2', kind: 'decimal', initial: (r) => r.floor_m2 }, REASON],
	}],
	tops: [{
		name: 'area_add', needs: 'meter.edit', once: true, path: () => '/areas',
		fields: [
			{ name: 'code', kind: 'text', required: true, max: 32 }, { name: 'name', kind: 'text', required: true, max: 64 }, { name: 'site', kind: 'text', required: true, max: 32 }, { name: 'parent', kind: 'text', max: 32 },
			{ name: 'kind', kind: 'choice', words: 'area_kind', options: ['building', 'floor', 'riser'], initial: 'floor' }, REASON,
		],
	}],
};
