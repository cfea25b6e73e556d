import { describe, expect, it } from 'vitest';
import type { BoardStates, Gateway, Meter } from '../src/shared/api';
import { counts, groups_of, live, on_states, state_of, take_states } from '../src/staff/live';
import { TileRows } from '../src/staff/tile_rows';
import { is_well, item_at, lay_out, step, type Item } from '../src/staff/tiles';

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

describe('rows of tiles', () => {
	const many = groups_of(Array.from({ length: 30 }, (_, n) => meter(n + 1)), buses, 'bus');
	const { items } = lay_out(many, 3, SIZES, () => true, false, () => false);
	const few = lay_out(groups_of(meters, buses, 'bus'), 3, SIZES, () => true, false, () => false).items;
	const all = (): boolean => true;
	const wall = (): { box: HTMLElement; rows: TileRows; texts: () => string[] } => {
		const box = document.body.appendChild(document.createElement('div'));
		return { box, rows: new TileRows(box), texts: () => Array.from(box.querySelectorAll('.tile'), (e) => e.textContent!) };
	};
	it('are written over with those that come into sight, and stand in order again', () => {
		const { box, rows, texts } = wall();
		rows.draw(items.slice(1, 9), false, all, false);
		expect(texts().length).toBe(24);
		const elements = new Set(box.children);
		rows.draw(items.slice(3, 11), false, all, false);
		expect(new Set(box.children)).toEqual(elements);
		expect(rows.tile(1), 'it is written over').toBeNull();
		expect(rows.tile(30)!.dataset.testid).toBe('tile-A30');
		rows.sort();
		expect(texts()).toEqual(Array.from({ length: 24 }, (_, n) => `A${n + 7}`));
	});
	it('keep the focus where it is', () => {
		const { box, rows, texts } = wall();
		rows.draw(items.slice(1, 9), false, all, false);
		rows.tile(2)!.focus();
		rows.draw(items.slice(2, 10), false, all, false);
		expect(document.activeElement, 'not on another meter').toBe(document.body);
		rows.tile(30)?.focus();
		rows.tile(9)!.focus();
		rows.draw(items.slice(1, 9), false, all, false);
		rows.sort();
		expect(document.activeElement).toBe(rows.tile(9));
		expect(texts()[0]).toBe('A1');
		rows.draw(few.slice(1), true, all, false);
		expect(document.activeElement, 'its meter is gone').toBe(document.body);
		rows.tile(10)!.focus();
		rows.draw(items.slice(1, 9), true, all, false);
		expect(document.activeElement, 'its meter moved').toBe(rows.tile(10));
		box.remove();
	});
	it('have no tile where a short row has no meter', () => {
		const { box, rows, texts } = wall();
		rows.draw(items.slice(1, 3), false, all, false);
		rows.draw(few.slice(1), true, all, false);
		expect(texts()).toEqual(['A1', 'A2', 'A3', 'A10', 'A20']);
		expect(box.querySelectorAll('.rest[data-id], .rest[data-testid]').length).toBe(0);
	});
	it('have no more places than columns when these become fewer', () => {
		const { box, rows } = wall();
		const rows_of = (columns: number): Item[] => lay_out(groups, columns, SIZES, () => true, true, () => false).items;
		const groups = groups_of(meters, buses, 'bus');
		for (const columns of [4, 3, 2, 3, 1]) {
			rows.draw(rows_of(columns), true, all, false);
			expect(Math.max(...Array.from(box.children, (row) => row.children.length)), `${columns} columns`).toBe(columns);
		}
		box.remove();
	});
	it('that are not urgent come one at a time', () => {
		const { rows, texts } = wall();
		const urgent = (i: Item): boolean => i === items[4];
		expect(rows.draw(items.slice(1, 5), false, urgent, false)).toBe(true);
		expect(texts().length, 'one, and the urgent one').toBe(6);
		expect(rows.draw(items.slice(1, 5), false, urgent, true)).toBe(true);
		expect(texts().length).toBe(6);
		rows.draw(items.slice(1, 5), false, urgent, false);
		expect(rows.draw(items.slice(1, 5), false, urgent, false)).toBe(false);
		expect(texts().length).toBe(12);
	});
	it('lead the Tab key to one tile, and mark the one that is shown', () => {
		const { box, rows } = wall();
		rows.draw(items.slice(1, 3), false, all, false);
		rows.lead_to(1);
		rows.lead_to(2);
		rows.show_open(3);
		rows.show_open(4);
		expect(Array.from(box.querySelectorAll('[tabindex="0"], .open'), (e) => e.textContent)).toEqual(['A2', 'A4']);
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
