// Lists of the system itself: settings, and what hangs together with them.
import { yuan_text } from '../list/body';
import { minute } from '../list/cell';
import type { Field, ListPage, Row } from '../list/types';

const REASON: Field = { name: 'reason', kind: 'long', required: true };

const is_money = (r: Row): boolean => String(r.name).endsWith('_fen');
const is_switch = (r: Row): boolean => r.min === 0 && r.max === 1;
const is_clock = (r: Row): boolean => r.min === 0 && r.max === 1439;
const first_value = (r: Row): unknown => (is_money(r) ? yuan_text(r.value) : is_clock(r) ? minute(Number(r.value)) : r.value);

export const settings: ListPage = {
	name: 'settings', path: '/settings', needs: 'setting.read', key: 'name',
	columns: [{ name: 'name', kind: 'word', words: 'setting' }, { name: 'value', kind: 'setting' }, { name: 'shipped', kind: 'setting' }, { name: 'second_person', kind: 'flag' }],
	facts: [{ name: 'min', kind: 'count' }, { name: 'max', kind: 'count' }, { name: 'help' }],
	acts: [{
		name: 'setting_change', needs: 'setting.edit', method: 'PUT', path: () => '/settings', fixed: (r) => ({ name: r.name, ...(r.site_id ? { site_id: r.site_id } : {}) }),
		fields: [
			{ name: 'value', kind: 'yuan', required: true, when: (_t, r) => is_money(r), initial: first_value },
			{ name: 'value', kind: 'choice', number: true, words: 'on_off', options: ['1', '0'], required: true, when: (_t, r) => is_switch(r), initial: first_value },
			{ name: 'value', kind: 'clock', required: true, when: (_t, r) => is_clock(r), initial: first_value },
			{ name: 'value', kind: 'count', required: true, when: (_t, r) => !is_money(r) && !is_switch(r) && !is_clock(r), initial: first_value }, REASON,
		],
	}],
};
