// Where the tiles of the board stand: heads of groups and rows of tiles, one below the other, of
// known heights, so that of very many only those in sight need to be drawn.
import type { Meter } from '../shared/api';
import type { Shown } from '../ui/state';
import type { Group } from './live';

/** Heights in px. */
export interface Sizes { head: number; row: number; gap: number }
export interface Item {
	key: string;
	top: number;
	height: number;
	group: Group;
	/** Null: the head of its group. */
	tiles: Meter[] | null;
	/** How many of the group's meters are shown. */
	shown: number;
	last: boolean;
}
export interface Laid { items: Item[]; height: number; tiles: number }

const WELL = new Set<Shown | undefined>(['on', 'public']);

/** Whether a meter needs no person. */
export function is_well(state: Shown | undefined): boolean {
	return WELL.has(state);
}

/** Lays out what `pick` leaves of each group; groups of which nothing is left stay as their head, or not at all. */
export function lay_out(groups: Group[], columns: number, sizes: Sizes, pick: (m: Meter) => boolean, keep_empty: boolean, whole: (g: Group) => boolean): Laid {
	const items: Item[] = [];
	let top = 0;
	let tiles = 0;
	for (const group of groups) {
		const some = whole(group) ? group.meters : group.meters.filter(pick);
		if (!some.length && !keep_empty) continue;
		items.push({ key: group.key, top, height: sizes.head, group, tiles: null, shown: some.length, last: !some.length });
		top += sizes.head;
		for (let i = 0; i < some.length; i += columns) {
			items.push({ key: `${group.key}-${i}`, top, height: sizes.row, group, tiles: some.slice(i, i + columns), shown: some.length, last: i + columns >= some.length });
			top += sizes.row;
		}
		top += sizes.gap;
		tiles += some.length;
	}
	return { items, height: Math.max(0, top), tiles };
}

/** The first item that ends below `y`. */
export function item_at(items: Item[], y: number): number {
	let low = 0;
	let high = items.length;
	while (low < high) {
		const mid = (low + high) >> 1;
		if (items[mid]!.top + items[mid]!.height <= y) low = mid + 1;
		else high = mid;
	}
	return low;
}

/** Where a key leads from a tile: the id of the meter there, or of the same one at an edge. */
export function step(items: Item[], id: number, key: string): number {
	const rows = items.filter((i) => i.tiles);
	const row = rows.findIndex((r) => r.tiles!.some((m) => m.id === id));
	if (row < 0) return rows[0]?.tiles![0]?.id ?? id;
	const at = rows[row]!.tiles!.findIndex((m) => m.id === id);
	const to = (r: number, c: number): number => {
		const tiles = rows[Math.max(0, Math.min(rows.length - 1, r))]!.tiles!;
		return tiles[Math.max(0, Math.min(tiles.length - 1, c))]!.id;
	};
	switch (key) {
	case 'ArrowLeft': return at > 0 ? to(row, at - 1) : row > 0 ? to(row - 1, Infinity) : id;
	case 'ArrowRight': return at < rows[row]!.tiles!.length - 1 ? to(row, at + 1) : row < rows.length - 1 ? to(row + 1, 0) : id;
	case 'ArrowUp': return to(row - 1, at);
	case 'ArrowDown': return to(row + 1, at);
	case 'PageUp': return to(row - 10, at);
	case 'PageDown': return to(row + 10, at);
	case 'Home': return to(0, 0);
	case 'End': return to(rows.length - 1, Infinity);
	default: return id;
	}
}
