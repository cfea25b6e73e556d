import { reactive } from 'vue';
import type { Meter } from '../shared/api';
import { meter_state, type Shown } from '../ui/state';

/** What is looked for on the board: words, and one state. */
export const find = reactive({ text: '', state: '' as Shown | '' });

/** Whether a meter is what is looked for. */
export function matches(m: Meter, text: string, state: Shown | ''): boolean {
	if (state && meter_state(m) !== state) return false;
	const words = text.trim().toLowerCase().split(/\s+/).filter(Boolean);
	if (!words.length) return true;
	const hay = [m.code, m.name, m.serial, m.tenant?.name, m.tenant?.room, m.tenant?.code, m.tenant?.phone, m.gateway.code].join(' ').toLowerCase();
	return words.every((w) => hay.includes(w));
}
