// The rows of tiles in the page, without a component of their own. A row that goes out of sight is written
// over with one that comes into it: that costs a browser far less than to take one away and to bring another.
import type { Meter } from '../shared/api';
import { states } from './live';
import { tile_title, tile_word } from './tile_words';
import type { Item } from './tiles';
import { t } from './words';

/** So many rows out of sight wait in their places until they are written over. */
const SPARE = 6;

export class TileRows {
	/** The meter whose tile the Tab key leads to, and the one that is shown beside the board. */
	active: number | null = null;
	private open: number | null = null;
	private readonly rows = new Map<string, HTMLElement>();
	private readonly tiles = new Map<number, HTMLElement>();
	/** What a row was last written with. */
	private readonly written = new WeakMap<HTMLElement, { tiles: Meter[]; words: unknown }>();

	constructor(private readonly box: HTMLElement) {}

	tile(id: number | null): HTMLElement | null {
		return (id !== null && this.tiles.get(id)) || null;
	}

	/** Draws the rows among these items; `moved`: items stand elsewhere than before, or mean others. Of those that
	 * are not urgent it draws one at a time, or none; true when some are left. */
	draw(items: Item[], moved: boolean, urgent: (i: Item) => boolean, none: boolean): boolean {
		let enough = none;
		let left = false;
		const focused = moved ? this.focused() : null;
		const keys = new Set(items.map((i) => i.key));
		const spare = Array.from(this.rows.keys()).filter((key) => !keys.has(key));
		for (const item of items) {
			if (!item.tiles) continue;
			const row = this.rows.get(item.key);
			if (row && !moved) continue;
			if (enough && !moved && !urgent(item)) {
				left = true;
				continue;
			}
			enough = true;
			this.write(row || this.take(spare, item.key), item, item.tiles, moved);
		}
		while (spare.length > (moved ? 0 : SPARE)) this.drop(spare.shift()!).remove();
		if (focused) this.refocus(focused);
		return left;
	}

	lead_to(id: number | null): void {
		if (id === this.active) return;
		this.tile(this.active)?.setAttribute('tabindex', '-1');
		this.active = id;
		this.tile(id)?.setAttribute('tabindex', '0');
	}

	show_open(id: number | null): void {
		this.tile(this.open)?.classList.remove('open');
		this.open = id;
		this.tile(id)?.classList.add('open');
	}

	/** Brings heads and rows into the order in which they stand, for who hears the page. Who has the focus keeps it. */
	sort(): void {
		const all = (Array.from(this.box.children) as HTMLElement[]).sort((a, b) => parseFloat(a.style.top) - parseFloat(b.style.top));
		const stays = Math.max(0, all.findIndex((e) => e.contains(document.activeElement)));
		for (let i = stays + 1; i < all.length; i++)
			if (all[i - 1]!.nextElementSibling !== all[i]) all[i - 1]!.after(all[i]!);
		for (let i = stays - 1; i >= 0; i--)
			if (all[i + 1]!.previousElementSibling !== all[i]) all[i + 1]!.before(all[i]!);
	}

	/** The meter whose tile has the focus. */
	private focused(): number | null {
		const at = document.activeElement as HTMLElement | null;
		return at && this.box.contains(at) ? Number(at.dataset.id) || null : null;
	}

	/** The focus follows its meter to another tile, and never stays on a tile that another meter got. */
	private refocus(id: number): void {
		if (this.focused() === id) return;
		(document.activeElement as HTMLElement | null)?.blur();
		this.tile(id)?.focus({ preventScroll: true });
	}

	/** A row to write over, but not one that has the focus: it would then be on another meter. */
	private take(spare: string[], key: string): HTMLElement {
		let row: HTMLElement | null = null;
		while (!row && spare.length) {
			row = this.drop(spare.shift()!);
			if (!row.contains(document.activeElement)) break;
			row.remove();
			row = null;
		}
		if (!row) {
			row = document.createElement('div');
			row.setAttribute('role', 'group');
			this.box.append(row);
		}
		this.rows.set(key, row);
		return row;
	}

	private drop(key: string): HTMLElement {
		const row = this.rows.get(key)!;
		this.rows.delete(key);
		this.forget(row);
		return row;
	}

	private forget(row: HTMLElement): void {
		for (const m of this.written.get(row)?.tiles || [])
			if (this.tiles.get(m.id)?.parentElement === row) this.tiles.delete(m.id);
	}

	/** `moved`: rows may have fewer places than before, and a place too many would make a second line of them. */
	private write(row: HTMLElement, item: Item, tiles: Meter[], moved: boolean): void {
		row.className = item.last ? 'tiles end' : 'tiles';
		row.style.top = `${item.top}px`;
		row.style.height = `${item.height}px`;
		set(row, 'aria-label', t.value.board.tiles(item.group.name));
		while (moved && row.children.length > tiles.length && row.lastElementChild!.className === 'rest') row.lastElementChild!.remove();
		const before = this.written.get(row);
		if (before?.words === t.value && before.tiles.length === tiles.length && tiles.every((m, n) => m === before.tiles[n] && this.tiles.has(m.id))) return;
		this.forget(row);
		this.written.set(row, { tiles, words: t.value });
		tiles.forEach((m, n) => { this.write_tile((row.children[n] || row.appendChild(document.createElement('button'))) as HTMLElement, m); });
		for (let n = row.children.length - 1; n >= tiles.length; n--) {
			if (moved) row.children[n]!.remove();
			else rest(row.children[n]!);
		}
	}

	private write_tile(tile: HTMLElement, m: Meter): void {
		const word = tile_word(m, states);
		const name = `tile ${word}${m.id === this.open ? ' open' : ''}${m.utility === 'water' ? ' water' : ''}`;
		this.tiles.set(m.id, tile);
		if (tile.className !== name) tile.className = name;
		if (tile.firstChild) (tile.firstChild as Text).data = m.code; // the node stays: a new one would be laid out anew
		else tile.append(m.code);
		if (tile.title) tile.removeAttribute('title');
		set(tile, 'tabindex', m.id === this.active ? '0' : '-1');
		set(tile, 'aria-label', tile_title(m, states));
		set(tile, 'data-testid', `tile-${m.code}`);
		set(tile, 'data-id', String(m.id));
		set(tile, 'data-state', word);
	}
}

/** A place at the end of a short row that no meter has: what it said stays in it, but is not seen, heard or found. */
function rest(place: Element): void {
	if (place.className === 'rest') return;
	place.className = 'rest';
	for (const name of ['data-testid', 'data-id', 'data-state', 'title']) place.removeAttribute(name);
}

function set(of: Element, name: string, value: string): void {
	if (of.getAttribute(name) !== value) of.setAttribute(name, value);
}
