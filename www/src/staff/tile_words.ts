// What a tile says.
import type { Meter } from '../shared/api';
import type { Shown } from '../ui/state';
import { t } from './words';

/** The state of a meter, as last told; before that, as its list had it. */
export function tile_word(m: Meter, states: Map<number, Shown>): Shown {
	return states.get(m.id) || m.display;
}

export function tile_title(m: Meter, states: Map<number, Shown>): string {
	const words = m.utility === 'water' ? t.value.state_water : t.value.state;
	const who = m.tenant ? [m.tenant.room, m.tenant.name].filter(Boolean).join(' ') : m.name;
	return t.value.board.tile(m.code, words[tile_word(m, states)], who);
}

/** Brings a drawn tile to the state of its meter. */
export function tile_show(tile: HTMLElement, m: Meter, states: Map<number, Shown>): void {
	const word = tile_word(m, states);
	if (tile.dataset.state === word) return;
	tile.classList.replace(tile.dataset.state!, word);
	tile.dataset.state = word;
	const title = tile_title(m, states);
	tile.setAttribute('aria-label', title);
	if (tile.title) tile.title = title;
}
