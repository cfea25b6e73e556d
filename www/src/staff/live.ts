// The live picture of the mall: asked every 3 s, more slowly when nobody looks.
import { computed, reactive, shallowRef } from 'vue';
import type { Alarm, Board, Gateway, Meter } from '../shared/api';
import { ApiError, call, get_all, Kept } from '../shared/client';
import { poll, type Poller } from '../shared/poll';
import { may } from './session';

const WAIT_S = 3;
const HIDDEN_WAIT_S = 30;

export const meters = shallowRef<Meter[] | null>(null);
export const gateways = shallowRef<Gateway[] | null>(null);
export const alarms = shallowRef<Alarm[] | null>(null);
export const board = shallowRef<Board | null>(null);
/** When the last picture came, in ms; `error` while none comes. */
export const live = reactive({ at: 0, error: null as ApiError | null });

const kept = { meters: new Kept<Meter>(), gateways: new Kept<Gateway>(), alarms: new Kept<Alarm>() };
let board_etag: string | null = null;
let poller: Poller | null = null;

async function ask_board(): Promise<void> {
	const answer = await call<Board>('GET', '/board', { etag: board_etag });
	if (answer.status === 304) return;
	board_etag = answer.etag;
	board.value = answer.data;
}

async function ask(): Promise<boolean> {
	try {
		const [, m, g, a] = await Promise.all([
			ask_board(), get_all<Meter>('/meters', kept.meters), get_all<Gateway>('/gateways', kept.gateways),
			may('alarm.read') ? get_all<Alarm>('/alarms?open=1', kept.alarms) : null,
		]);
		meters.value = m;
		gateways.value = g;
		alarms.value = a;
		live.at = Date.now();
		live.error = null;
	} catch (e) {
		live.error = e instanceof ApiError ? e : new ApiError(0, 'internal');
	}
	return true;
}

export function live_start(): void {
	poller = poll(ask, () => (document.visibilityState === 'visible' ? WAIT_S : HIDDEN_WAIT_S));
}

export function live_stop(): void {
	poller?.stop();
	poller = null;
}

export function live_now(): void {
	poller?.now();
}

export interface Bus { id: number; name: string; gateway: Gateway | null; meters: Meter[] }

/** By bus, in the order of the meters, so that a lost bus is seen as a hole. */
export const buses = computed<Bus[]>(() => {
	const by_id = new Map<number, Bus>();
	for (const g of gateways.value || [])
		by_id.set(g.id, { id: g.id, name: bus_name(g), gateway: g, meters: [] });
	for (const m of meters.value || []) {
		let bus = by_id.get(m.gateway.id);
		if (!bus) by_id.set(m.gateway.id, bus = { id: m.gateway.id, name: m.area?.name || m.gateway.name || m.gateway.code, gateway: null, meters: [] });
		bus.meters.push(m);
	}
	const all = Array.from(by_id.values()).filter((b) => b.meters.length || b.gateway);
	for (const bus of all) bus.meters.sort(by_unit);
	return all.sort((a, b) => (a.meters[0]?.code || a.name).localeCompare(b.meters[0]?.code || b.name, 'en', { numeric: true }));
});

function by_unit(a: Meter, b: Meter): number {
	const [x, y] = [Number(a.unit), Number(b.unit)];
	if (Number.isFinite(x) && Number.isFinite(y) && x !== y) return x - y;
	return a.code.localeCompare(b.code, 'en', { numeric: true });
}
function bus_name(g: Gateway): string {
	return (typeof g.area === 'string' ? g.area : g.area?.name) || g.name || g.code;
}
