// The live picture of the mall. What meters are is fetched once and again from time to time; what
// state each is in is asked every 3 s, in one short answer however many they are, more slowly when
// nobody looks.
import { computed, reactive, shallowRef } from 'vue';
import type { Alarm, Board, BoardStates, Gateway, List, Load, Meter } from '../shared/api';
import { ApiError, call, get, get_all, Kept } from '../shared/client';
import { poll, type Poller } from '../shared/poll';
import type { Shown } from '../ui/state';
import { may } from './session';

const WAIT_S = 3;
const HIDDEN_WAIT_S = 30;
/** Counters, gateways and alarms are asked for at every third turn. */
const OTHERS_EVERY = 3;
const LIST_AGE_MS = 5 * 60_000;
const LOAD_AGE_MS = 2 * 60_000;
const ALARMS_SHOWN = 50;
/** So many meters at a time; first as many as fill a screen, so that tiles are there soon. */
const FIRST_PAGE = 500;
const PAGE = 2500;

export const meters = shallowRef<Meter[] | null>(null);
export const gateways = shallowRef<Gateway[] | null>(null);
export const alarms = shallowRef<Alarm[] | null>(null);
export const board = shallowRef<Board | null>(null);
export const load = shallowRef<Load | null>(null);
/** The word of each meter by its id. Not reactive: `live.turn` tells of any change, `on_states` of which. */
export const states = new Map<number, Shown>();
/** `at`: when the last picture came, in ms; `error` while none comes; `turn` grows when any state changes;
 * `known`: of how many meters the state is known, null before the first answer; `whole`: all meters have come. */
export const live = reactive({ at: 0, error: null as ApiError | null, turn: 0, known: null as number | null, whole: false });

const kept_gateways = new Kept<Gateway>();
const etags: Record<string, string | null> = {};
let poller: Poller | null = null;
let turn = 0;
/** When all meters last came, in ms; 0: they are to be asked for again. */
let list_at = 0;
let load_at = 0;

/** The answer if it is another one than the last time. */
async function changed<T>(path: string): Promise<T | null> {
	const answer = await call<T>('GET', path, { etag: etags[path] });
	if (answer.status === 304) return null;
	etags[path] = answer.etag;
	return answer.data;
}

const tally = new Map<Shown, number>();
const told = new Set<(ids: Set<number>) => void>();

/** Has `tell` called with the ids of the meters whose state changed, until the function it returns is called. */
export function on_states(tell: (ids: Set<number>) => void): () => void {
	told.add(tell);
	return () => { told.delete(tell); };
}

function count(word: Shown | undefined, n: number): void {
	if (word) tally.set(word, (tally.get(word) || 0) + n);
}
function take_state(id: number, word: Shown): void {
	count(states.get(id), -1);
	count(word, 1);
	states.set(id, word);
}
function drop_states_but(now: Set<number>): void {
	for (const [id, word] of Array.from(states)) {
		if (now.has(id)) continue;
		count(word, -1);
		states.delete(id);
	}
}

/** Takes the words of all meters over. True when the meters themselves are others than before. */
export function take_states(of: BoardStates['states']): boolean {
	const moved = new Set<number>();
	let n = 0;
	let others = false;
	for (const [word, ids] of Object.entries(of) as [Shown, number[]][]) {
		n += ids.length;
		for (const id of ids) {
			const before = states.get(id);
			if (before === word) continue;
			if (before === undefined) others = true;
			take_state(id, word);
			moved.add(id);
		}
	}
	if (n !== states.size) {
		drop_states_but(new Set(Object.values(of).flat()));
		others = true;
	}
	live.known = states.size;
	if (moved.size || others) live.turn++;
	if (moved.size) for (const tell of told) tell(moved);
	return others;
}

async function ask_states(): Promise<void> {
	const answer = await changed<BoardStates>('/board/states');
	if (answer && take_states(answer.states)) list_at = 0;
}

/** All meters, page by page; the first time each page is shown as it comes. */
async function ask_meters(): Promise<void> {
	const all: Meter[] = [];
	let limit = FIRST_PAGE;
	for (let next: string | null = ''; next !== null; limit = PAGE) {
		const page: List<Meter> = await get<List<Meter>>(`/meters?limit=${limit}${next && `&cursor=${next}`}`);
		all.push(...page.items);
		next = page.next;
		if (!live.whole && all.length >= (meters.value?.length || 0)) meters.value = all.slice();
	}
	meters.value = all;
	live.whole = true;
	list_at = Date.now();
}

/** Each answer is shown when it comes, whatever the others do. */
async function ask_others(): Promise<void> {
	await Promise.all([
		changed<Board>('/board').then((b) => { if (b) board.value = b; }),
		get_all<Gateway>('/gateways', kept_gateways).then((g) => { gateways.value = g; }),
		may('alarm.read') ? changed<List<Alarm>>(`/alarms?state=open&limit=${ALARMS_SHOWN}`).then((a) => { if (a) alarms.value = a.items; }) : null,
	]);
	if (Date.now() - load_at > LOAD_AGE_MS) {
		load_at = Date.now();
		const l = await changed<Load>('/board/load').catch(() => null);
		if (l) load.value = l;
	}
}

async function ask(): Promise<boolean> {
	try {
		const first = !live.whole;
		await Promise.all([ask_states(), first ? ask_meters() : null, turn++ % OTHERS_EVERY === 0 ? ask_others() : null]);
		if (!first && Date.now() - list_at > LIST_AGE_MS) await ask_meters();
		live.at = Date.now();
		live.error = null;
	} catch (e) {
		live.error = e instanceof ApiError ? e : new ApiError(0, 'internal');
	}
	return true;
}

export function live_start(): void {
	turn = 0;
	poller = poll(ask, () => (document.visibilityState === 'visible' ? WAIT_S : HIDDEN_WAIT_S));
}

export function live_stop(): void {
	poller?.stop();
	poller = null;
}

export function live_now(): void {
	turn = 0;
	poller?.now();
}

/** The word of a meter for who goes through all of them: told of any change, by `live.turn`. */
export function state_of(id: number): Shown | undefined {
	void live.turn;
	return states.get(id);
}

export const gateway_by_id = computed(() => new Map((gateways.value || []).map((g): [number, Gateway] => [g.id, g])));
/** Which buses there are and how they are called: what the order of the board hangs on. */
export const bus_names = computed(() => (gateways.value || []).map((g) => `${g.id} ${bus_name(g)}`).join('\n'));
export const by_id = computed(() => new Map((meters.value || []).map((m): [number, Meter] => [m.id, m])));

/** How many meters are in each state. */
export const counts = computed(() => {
	void live.turn;
	return new Map(tally);
});

/** Meters that belong together on the board: those of a bus, or of an area. */
export interface Group { key: string; name: string; gateway_id: number | null; meters: Meter[] }
export type GroupBy = 'bus' | 'area';

const collator = new Intl.Collator('en', { numeric: true });

/** By bus, in the order of the meters, so that a lost bus is seen as a hole; or by area. */
export function groups_of(all: Meter[], buses: Gateway[], by: GroupBy): Group[] {
	const found = new Map<string, Group>();
	if (by === 'bus')
		for (const g of buses) found.set(`bus-${g.id}`, { key: `bus-${g.id}`, name: bus_name(g), gateway_id: g.id, meters: [] });
	for (const m of all) {
		const key = by === 'bus' ? `bus-${m.gateway.id}` : `area-${m.area?.id ?? 0}`;
		let group = found.get(key);
		if (!group) found.set(key, group = { key, name: m.area?.name || m.gateway.name || m.gateway.code, gateway_id: null, meters: [] });
		group.meters.push(m);
	}
	const groups = Array.from(found.values());
	for (const group of groups) group.meters.sort(by === 'bus' ? by_unit : by_code);
	return groups.sort((a, b) => collator.compare(a.meters[0]?.code || a.name, b.meters[0]?.code || b.name));
}

function by_code(a: Meter, b: Meter): number {
	return collator.compare(a.code, b.code);
}
function by_unit(a: Meter, b: Meter): number {
	const [x, y] = [Number(a.unit), Number(b.unit)];
	if (Number.isFinite(x) && Number.isFinite(y) && x !== y) return x - y;
	return by_code(a, b);
}
function bus_name(g: Gateway): string {
	return (typeof g.area === 'string' ? g.area : g.area?.name) || g.name || g.code;
}
