// Pages by address: /recharge, /order/12, … with the history of the browser.
import { reactive } from 'vue';
import { prefix_init } from './prefix';

export interface Route { path: string; parts: string[]; query: Record<string, string> }

export const route = reactive<Route>({ path: '/', parts: [], query: {} });

let base = '';

function read(): void {
	const path = location.pathname.slice(base.length) || '/';
	route.path = path;
	route.parts = path.split('/').filter(Boolean);
	const query: Record<string, string> = {};
	new URLSearchParams(location.search).forEach((value, name) => { query[name] = value; });
	route.query = query;
}

/** A page of this app by its address as the browser shows it, or as it is called here. */
function inside(path: string): string {
	return path.startsWith(`${base}/`) ? path.slice(base.length) : path;
}

/** Goes to a page of this app; `replace` leaves no trace of the present one. */
export function go(to: string, replace = false): void {
	const path = inside(to);
	if (replace) history.replaceState(history.state, '', base + path);
	else history.pushState({ inside: true }, '', base + path);
	const before = route.path;
	read();
	if (route.path !== before) window.scrollTo(0, 0);
}

/** One step back in this app; a page that was opened by its address leads to `path`. */
export function back(path: string): void {
	if ((history.state as { inside?: boolean } | null)?.inside) history.back();
	else go(path, true);
}

/** For `<a href>` of this app: a plain click changes the page without loading it anew. */
export function on_link(event: MouseEvent): void {
	if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
	const a = (event.target as Element).closest('a[data-in]') as HTMLAnchorElement | null;
	if (!a) return;
	event.preventDefault();
	go(a.getAttribute('href')!);
}

export function href(path: string): string {
	return base + path;
}

export function router_init(at: string): void {
	base = at;
	prefix_init();
	read();
	window.addEventListener('popstate', read);
}
