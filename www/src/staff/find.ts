import { reactive } from 'vue';
import type { Meter } from '../shared/api';
import type { Shown } from '../ui/state';

/** What is looked for on the board: words, and one state. */
export const find = reactive({ text: '', state: '' as Shown | '' });

const hay = new WeakMap<Meter, string>();

/** Whether a meter has all the words, in any order. */
export function matches(m: Meter, words: string[]): boolean {
	if (!words.length) return true;
	let all = hay.get(m);
	if (all === undefined) hay.set(m, all = [m.code, m.name, m.serial, m.tenant?.name, m.tenant?.room, m.tenant?.code, m.tenant?.phone, m.gateway.code].join(' ').toLowerCase());
	return words.every((w) => all!.includes(w));
}

export function words_of(text: string): string[] {
	return text.trim().toLowerCase().split(/\s+/).filter(Boolean);
}
