// Where one can go: places in the navigation, each with one page or some that share it as tabs. A page is
// a description of a list or a component of its own; either is fetched when somebody goes there.
import { defineAsyncComponent, type Component } from 'vue';
import type { NavIconName } from './NavIcon.vue';
import type { ListPage } from './list/types';

export interface Page {
	/** Its address: /staff/NAME. */
	name: string;
	needs: string;
	list?: () => Promise<ListPage>;
	view?: Component;
}
export interface Place { name: string; group: 'daily' | 'money' | 'work' | 'system' | 'own'; icon: NavIconName; pages: Page[] }

const money = (name: keyof typeof import('./lists/money')) => async () => (await import('./lists/money'))[name];
const rent = (name: keyof typeof import('./lists/rent')) => async () => (await import('./lists/rent'))[name];
const work = (name: keyof typeof import('./lists/work')) => async () => (await import('./lists/work'))[name];
const system = (name: keyof typeof import('./lists/system')) => async () => (await import('./lists/system'))[name];

export const PLACES: Place[] = [
	{ name: 'board', group: 'daily', icon: 'board', pages: [{ name: 'board', needs: 'meter.read', view: defineAsyncComponent(() => import('./pages/Board.vue')) }] },
	{
		name: 'sales', group: 'daily', icon: 'desk', pages: [
			{ name: 'sales', needs: 'sale.create', view: defineAsyncComponent(() => import('./pages/Sales.vue')) },
			{ name: 'shifts', needs: 'sale.create', list: money('shifts') },
		],
	},
	{
		name: 'meters', group: 'daily', icon: 'meter', pages: [
			{ name: 'meters', needs: 'meter.read', list: async () => (await import('./lists/meters')).meters },
			{ name: 'labels', needs: 'meter.read', view: defineAsyncComponent(() => import('./pages/Labels.vue')) },
		],
	},
	{
		name: 'contracts', group: 'daily', icon: 'contract', pages: [
			{ name: 'contracts', needs: 'contract.read', list: rent('contracts') },
			{ name: 'accounts', needs: 'account.read', list: money('accounts') },
		],
	},
	{ name: 'alarms', group: 'daily', icon: 'bell', pages: [{ name: 'alarms', needs: 'alarm.read', list: work('alarms') }] },
	{
		name: 'orders', group: 'money', icon: 'order', pages: [
			{ name: 'orders', needs: 'entry.read', list: money('orders') },
			{ name: 'refunds', needs: 'entry.read', list: money('refunds') },
			{ name: 'unmatched', needs: 'entry.read', list: money('unmatched') },
			{ name: 'attempts', needs: 'entry.read', list: money('attempts') },
		],
	},
	{ name: 'invoices', group: 'money', icon: 'invoice', pages: [{ name: 'invoices', needs: 'entry.read', list: money('invoices') }] },
	{
		name: 'entries', group: 'money', icon: 'book', pages: [
			{ name: 'entries', needs: 'entry.read', list: money('entries') },
			{ name: 'days', needs: 'entry.read', list: money('days') },
		],
	},
	{
		name: 'reconciliations', group: 'money', icon: 'tie', pages: [
			{ name: 'reconciliations', needs: 'reconciliation.read', list: money('reconciliations') },
			{ name: 'services', needs: 'reconciliation.read', list: money('services') },
			{ name: 'payouts', needs: 'reconciliation.read', list: money('payouts') },
		],
	},
	{ name: 'tariffs', group: 'money', icon: 'tariff', pages: [{ name: 'tariffs', needs: 'tariff.read', view: defineAsyncComponent(() => import('./pages/Tariffs.vue')) }] },
	{
		name: 'fees', group: 'money', icon: 'share', pages: [
			{ name: 'fees', needs: 'fee.read', list: rent('fees') },
			{ name: 'fee_preview', needs: 'fee.read', list: rent('fee_preview') },
			{ name: 'fee_cuts', needs: 'fee.read', list: rent('fee_cuts') },
			{ name: 'shares', needs: 'share.read', list: rent('shares') },
			{ name: 'share_days', needs: 'share.read', view: defineAsyncComponent(() => import('./pages/ShareDays.vue')) },
		],
	},
	{ name: 'reports', group: 'money', icon: 'report', pages: [{ name: 'reports', needs: 'report.read', view: defineAsyncComponent(() => import('./pages/Reports.vue')) }] },
	{
		name: 'supply', group: 'work', icon: 'bolt', pages: [
			{ name: 'supply_points', needs: 'meter.read', list: work('supply_points') },
			{ name: 'schedules', needs: 'meter.read', list: work('schedules') },
			{ name: 'batches', needs: 'meter.read', list: work('batches') },
			{ name: 'brake', needs: 'meter.read', view: defineAsyncComponent(() => import('./pages/Brake.vue')) },
		],
	},
	{ name: 'gateways', group: 'work', icon: 'bus', pages: [{ name: 'gateways', needs: 'meter.read', list: work('gateways') }] },
	{
		name: 'approvals', group: 'work', icon: 'stamp', pages: [
			{ name: 'approvals', needs: 'approval.read', list: work('approvals') },
			{ name: 'doubtful', needs: 'meter.edit', list: work('doubtful') },
		],
	},
	{
		name: 'messages', group: 'work', icon: 'mail', pages: [
			{ name: 'outbox', needs: 'notice.read', list: work('outbox') },
			{ name: 'message_texts', needs: 'notice.read', view: defineAsyncComponent(() => import('./pages/MessageTexts.vue')) },
			{ name: 'duty', needs: 'notice.read', list: work('duty') },
		],
	},
	{
		name: 'imports', group: 'work', icon: 'inbox', pages: [
			{ name: 'import', needs: 'import.run', view: defineAsyncComponent(() => import('./pages/Import.vue')) },
			{ name: 'imports', needs: 'import.run', list: work('imports') },
		],
	},
	{
		name: 'people', group: 'system', icon: 'people', pages: [
			{ name: 'users', needs: 'user.manage', list: system('users') },
			{ name: 'service_accounts', needs: 'user.manage', list: system('service_accounts') },
			{ name: 'permissions', needs: 'user.manage', view: defineAsyncComponent(() => import('./pages/Permissions.vue')) },
		],
	},
	{ name: 'audit', group: 'system', icon: 'eye', pages: [{ name: 'audit', needs: 'audit.read', list: system('audit') }] },
	{ name: 'jobs', group: 'system', icon: 'jobs', pages: [{ name: 'jobs', needs: 'setting.read', list: system('jobs') }, { name: 'system', needs: 'setting.read', view: defineAsyncComponent(() => import('./pages/System.vue')) }] },
	{
		name: 'places', group: 'system', icon: 'place', pages: [
			{ name: 'sites', needs: 'meter.read', list: system('sites') },
			{ name: 'areas', needs: 'meter.read', list: system('areas') },
		],
	},
	{
		name: 'settings', group: 'system', icon: 'cog', pages: [
			{ name: 'settings', needs: 'setting.read', view: defineAsyncComponent(() => import('./pages/Settings.vue')) },
			{ name: 'holidays', needs: 'setting.read', view: defineAsyncComponent(() => import('./pages/Holidays.vue')) },
			{ name: 'webhooks', needs: 'webhook.manage', view: defineAsyncComponent(() => import('./pages/Webhooks.vue')) },
		],
	},
	// not in the navigation: everybody comes to it by their name above
	{ name: 'account', group: 'own', icon: 'people', pages: [{ name: 'account', needs: '', view: defineAsyncComponent(() => import('./pages/Account.vue')) }] },
];
