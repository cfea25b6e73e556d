// Lists of the system itself: settings, and what hangs together with them.
import type { Field, ListPage } from '../list/types';

const REASON: Field = { name: 'reason', kind: 'long', required: true };

export const settings: ListPage = {
	name: 'settings', path: '/settings', needs: 'setting.read', key: 'name',
	columns: [{ name: 'name', kind: 'word', words: 'setting' }, { name: 'value', kind: 'count' }, { name: 'shipped', kind: 'count' }, { name: 'min', kind: 'count' }, { name: 'max', kind: 'count' }, { name: 'second_person', kind: 'flag' }],
	facts: [{ name: 'help' }],
	acts: [{
		name: 'setting_change', needs: 'setting.edit', method: 'PUT', path: () => '/settings', fixed: (r) => ({ name: r.name, ...(r.site_id ? { site_id: r.site_id } : {}) }),
		fields: [{ name: 'value', kind: 'count', required: true, initial: (r) => r.value }, REASON],
	}],
};
