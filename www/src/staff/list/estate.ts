// Sites and areas by id, for what names them by id only. Fetched once, when a page needs them.
import type { List } from '../../shared/api';
import { get_all, get } from '../../shared/client';
import { loaded } from '../../shared/load';

export interface Site { id: number; code: string; name: string }
export interface Area { id: number; code: string; name: string; site: Site | null; parent: { id: number; name: string } | null }

export const estate = loaded<{ sites: Site[]; areas: Area[] }>(async () => {
	const [sites, areas] = await Promise.all([get<List<Site>>('/sites'), get_all<Area>('/areas')]);
	return { sites: sites.items, areas };
});

export function estate_need(): void {
	if (!estate.data && !estate.loading) void estate.load();
}

/** Areas to choose from; with the site's name where there are several. */
export function area_options(): { value: string; label: string }[] {
	const { sites = [], areas = [] } = estate.data || {};
	return areas.map((a) => ({ value: String(a.id), label: sites.length > 1 && a.site ? `${a.site.name} ${a.name}` : a.name }));
}

/** The name of a site or area; its number while that is not known. */
export function estate_name(what: 'sites' | 'areas', id: unknown): string {
	return estate.data?.[what].find((x) => x.id === Number(id))?.name || `#${id}`;
}
