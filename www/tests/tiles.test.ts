import { describe, expect, it } from 'vitest';
import type { BoardStates, Gateway, Meter } from '../src/shared/api';
import { counts, groups_of, live, on_states, state_of, take_states } from '../src/staff/live';
import { is_well, item_at, lay_out, step } from '../src/staff/tiles';

const meter = (id: number, bus = 1, area = 1): Meter => ({ id, code: `A${id}`, unit: String(id), gateway: { id: bus, code: `G${bus}`, name: '' }, area: { id: area, name: `floor ${area}` }, name: '', tenant: null }) as unknown as Meter;
const meters = [3, 10, 2, 1].map((id) => meter(id)).concat([meter(20, 2, 1)]);
const buses = [{ id: 1, code: 'G1', name: 'bus 1', area: null }, { id: 2, code: 'G2', name: 'bus 2', area: null }, { id: 3, code: 'G3', name: 'spare', area: null }] as unknown as Gateway[];
const SIZES = { head: 48, row: 56, gap: 12 };
const states = (more: Partial<BoardStates['states']>): BoardStates['states'] => ({ on: [], low: [], cut: [], off: [], kept: [], moving: [], silent: [], public: [], ...more });

describe('the board in groups', () => {
	it('keeps the order of the bus, and a bus without meters', () => {
		const groups = groups_of(meters, buses, 'bus');
		expect(groups.map((g) => [g.name, g.meters.map((m) => m.id)])).toEqual([['bus 1', [1, 2, 3, 10]], ['bus 2', [20]], ['spare', []]]);
	});
	it('puts meters of several buses into one area', () => {
		expect(groups_of(meters, buses, 'area').map((g) => g.meters.length)).toEqual([5]);
	});
});

describe('tiles in sight', () => {
	const groups = groups_of(meters, buses, 'bus');
	const all = lay_out(groups, 3, SIZES, () => true, true, () => false);
	it('stand below one another without a gap or an overlap', () => {
		expect(all.items.map((i) => i.tiles?.map((m) => m.id) ?? 'head')).toEqual(['head', [1, 2, 3], [10], 'head', [20], 'head']);
		expect(all.items.map((i) => i.top)).toEqual([0, 48, 104, 172, 220, 288]);
		expect(all.height).toBe(348);
		expect(new Set(all.items.map((i) => i.key)).size).toBe(all.items.length);
	});
	it('are found by where the page stands', () => {
		expect([0, 47, 48, 103, 104, 171, 999].map((y) => item_at(all.items, y))).toEqual([0, 0, 1, 1, 2, 3, 6]);
	});
	it('leave out what is not looked for, and open what was unfolded', () => {
		expect(lay_out(groups, 3, SIZES, (m) => m.id === 20, false, () => false).items.length).toBe(2);
		expect(lay_out(groups, 3, SIZES, () => false, true, (g) => g.name === 'bus 2').tiles).toBe(1);
	});
	it('are walked through by keys, from group to group, and never fall off an edge', () => {
		const walk = (id: number, ...keys: string[]): number => keys.reduce((at, key) => step(all.items, at, key), id);
		expect(walk(3, 'ArrowRight')).toBe(10);
		expect(walk(10, 'ArrowRight')).toBe(20);
		expect(walk(2, 'ArrowDown')).toBe(10);
		expect(walk(1, 'ArrowUp', 'ArrowLeft')).toBe(1);
		expect(walk(2, 'End')).toBe(20);
		expect(walk(20, 'ArrowRight', 'Home')).toBe(1);
	});
});

describe('states of all meters', () => {
	it('say when meters came or went, and count', () => {
		expect(take_states(states({ on: [1, 2], cut: [3] }))).toBe(true);
		const turn = live.turn;
		expect(take_states(states({ on: [1, 2], cut: [3] }))).toBe(false);
		expect(live.turn, 'nothing changed').toBe(turn);
		expect(take_states(states({ on: [1], moving: [3], silent: [2] }))).toBe(false);
		expect([1, 2, 3].map(state_of)).toEqual(['on', 'silent', 'moving']);
		expect(counts.value.get('on')).toBe(1);
		expect(take_states(states({ on: [1] })), 'meters are gone').toBe(true);
		expect(state_of(2)).toBeUndefined();
		expect([is_well('on'), is_well('public'), is_well('low')]).toEqual([true, true, false]);
	});
	it('tell which meters changed, and only who listens', () => {
		take_states(states({ on: [1, 2] }));
		const told: number[] = [];
		const deaf = on_states((ids) => { told.push(...ids); });
		take_states(states({ on: [1], cut: [2] }));
		deaf();
		take_states(states({ low: [1, 2] }));
		expect(told).toEqual([2]);
		expect([counts.value.get('low'), counts.value.get('cut')]).toEqual([2, 0]);
	});
});
