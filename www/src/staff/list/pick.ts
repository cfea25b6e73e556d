// What a picker looks for, and what it shows of it.
import type { List } from '../../shared/api';
import { get, query } from '../../shared/client';
import { yuan } from '../../shared/money';
import { t } from '../words';
import type { PickKind, Row } from './types';

export interface Found { id: string; label: string; more: string }

interface Source { path: (text: string) => string; show: (row: Row) => Found; here?: boolean }

const shop = (v: unknown): string => {
	const s = v as { room?: string; name?: string } | null;
	return s ? [s.room, s.name].filter(Boolean).join(' ') : '';
};
const named = (r: Row): string => [r.code, r.name].filter(Boolean).join(' ');
const id = (r: Row): string => String(r.id);

const SOURCES: Record<PickKind, Source> = {
	account: {
		path: (q) => `/accounts${query({ q })}`,
		show: (r) => ({ id: id(r), label: `${shop(r.tenant)} ${t.value.purpose[r.purpose as 'fee']}`, more: `${(r.meter as { code?: string } | null)?.code || ''} ${yuan(String(r.balance))}` }),
	},
	meter: { path: (q) => `/meters${query({ q })}`, show: (r) => ({ id: id(r), label: named(r), more: shop(r.tenant) || t.value.word.role![String(r.role)] || '' }) },
	contract: { path: (q) => `/contracts${query({ q, open: 1 })}`, show: (r) => ({ id: id(r), label: `${r.code} ${shop(r.tenant)}`, more: '' }) },
	tenant: { path: (q) => `/tenants${query({ q })}`, show: (r) => ({ id: id(r), label: shop(r) || String(r.code), more: String(r.phone || '') }) },
	gateway: { path: (q) => `/gateways${query({ q })}`, show: (r) => ({ id: id(r), label: named(r), more: String(r.address || '') }) },
	tariff: { path: (q) => `/tariffs${query({ q })}`, show: (r) => ({ id: id(r), label: named(r), more: t.value.utility[r.utility as 'water'] }) },
	role: { path: () => '/roles', show: (r) => ({ id: id(r), label: t.value.role[String(r.code)] || String(r.name), more: String(r.code) }), here: true },
	schedule: { path: (q) => `/schedules${query({ q })}`, show: (r) => ({ id: id(r), label: named(r), more: '' }) },
	model: { path: () => '/meter-models', show: (r) => ({ id: String(r.name), label: String(r.name), more: String(r.maker || '') }), here: true },
};
const MOST = 8;

/** At most 8 that fit the text. */
export async function find_some(kind: PickKind, text: string): Promise<Found[]> {
	const source = SOURCES[kind];
	const { items } = await get<List<Row>>(source.path(text));
	const seen = new Set<string>();
	const all = items.map(source.show).filter((f) => !seen.has(f.id) && seen.add(f.id));
	const low = text.toLowerCase();
	return (source.here ? all.filter((f) => f.label.toLowerCase().includes(low)) : all).slice(0, MOST);
}
