import { describe, expect, it } from 'vitest';
import type { ListPage } from '../src/staff/list/types';
import { columns_of, same_saved, SAVED_MOST, view_read, with_saved } from '../src/staff/list/view';

const page: ListPage = {
	name: 'meters', path: '/meters', needs: 'meter.read', columns: [{ name: 'code' }, { name: 'power_w' }, { name: 'raised_at', as: 'lasted' }],
	filters: [{ name: 'q', kind: 'text' }, { name: 'comm', kind: 'choice' }],
};

describe('how a person likes a list', () => {
	it('is read back as it was kept', () => {
		const view = { hidden: ['lasted'], saved: [{ name: '失联', filters: { comm: 'silent' } }] };
		expect(view_read(page, JSON.stringify(view))).toEqual(view);
		expect(columns_of(page, view).map((c) => c.name)).toEqual(['code', 'power_w']);
	});
	it.each([null, '', '{', '7', '[]', '{"hidden": 1, "saved": {}}', '{"saved": [null, {}, {"name": 1}, {"name": "x"}, {"name": "", "filters": {}}]}'])('is as shipped when %s is kept', (text) => {
		expect(view_read(page, text)).toEqual({ hidden: [], saved: [] });
	});
	it('leaves out what a list does not have, and never hides what names a row', () => {
		expect(view_read(page, '{"hidden": ["code", "gone", "power_w"], "saved": [{"name": "a", "filters": {"q": "1", "gone": "2", "comm": 3}}]}')).toEqual({ hidden: ['power_w'], saved: [{ name: 'a', filters: { q: '1' } }] });
	});
	it('keeps one of a name, and so many at most', () => {
		let view = view_read(page, null);
		for (let i = 0; i < SAVED_MOST + 5; i++) view = with_saved(view, { name: `n${i}`, filters: { q: `${i}` } });
		expect(view.saved).toHaveLength(SAVED_MOST);
		view = with_saved(view, { name: 'n24', filters: { q: 'x' } });
		expect(view.saved.filter((s) => s.name === 'n24')).toEqual([{ name: 'n24', filters: { q: 'x' } }]);
		expect(same_saved(view, { q: 'x', comm: '' })?.name).toBe('n24');
		expect(same_saved(view, { q: 'x', comm: 'ok' })).toBeUndefined();
	});
});
