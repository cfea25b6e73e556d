// The one way to the API: tokens, time-outs, retries, idempotency keys, problem answers.
import { reactive } from 'vue';
import type { List, Tokens } from './api';
import { answered, open_key } from './once';
import { prefix } from './prefix';
import { forget, keep, keep_here, kept, kept_here } from './store';
import { clock_seen } from './time';

const API = `${prefix}/api/v1`;
const TIMEOUT_MS = 10_000;
const RETRY_WAITS_MS = [400, 1500];

/** An answer that says no. `code` is the API's own; "network" and "timeout" when there was no answer. */
export class ApiError extends Error {
	constructor(readonly status: number, readonly code: string, readonly detail = '', readonly field = '', readonly ticket = '') {
		super(`${status} ${code} ${detail}`);
	}
	get unanswered(): boolean {
		return this.code !== 'not_configured' && [0, 502, 503, 504].includes(this.status);
	}
}

/** What the pages show about the line itself. */
export const net = reactive({ down: false });

export interface Ask {
	body?: unknown;
	/** Makes a POST repeatable: its scope names the wish. */
	once?: string;
	etag?: string | null;
	anonymous?: boolean;
	/** The way back from WeChat belongs to this browser by a cookie. */
	cookies?: boolean;
	timeout_ms?: number;
	/** Bytes sent as they are, in place of `body`. */
	bytes?: Blob;
	/** The answer is a file: `data` is its bytes. */
	file?: boolean;
}

export interface Answer<T> { status: number; data: T; etag: string | null }

type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

let app = 'tenant';
let access: string | null = null;
let refreshing: Promise<boolean> | null = null;
let on_signed_out: () => void = () => undefined;

/** Names the app (its tokens live apart) and what to do when the sign-in has ended. */
export function client_init(name: string, signed_out: () => void): void {
	app = name;
	on_signed_out = signed_out;
	window.addEventListener('online', () => { net.down = false; });
	window.addEventListener('offline', () => { net.down = true; });
	window.addEventListener('storage', (e) => {
		if (e.key !== refresh_name() || e.newValue !== null) return;
		drop_tokens(); // signed out in another tab
		on_signed_out();
	});
	access = access_kept();
}

interface Access { token: string; until: number }

/** The access token outlives a reload of its tab, so that a reload need not ask for another one. */
function access_kept(): string | null {
	try {
		const had = JSON.parse(kept_here(`yufu.${app}.access`) || 'null') as Access | null;
		return had && had.until > Date.now() && kept(refresh_name()) ? had.token : null;
	} catch {
		return null;
	}
}

function refresh_name(): string {
	return `yufu.${app}.refresh`;
}

export function signed_in(): boolean {
	return access !== null || kept(refresh_name()) !== null;
}

export function take_tokens(tokens: Tokens): void {
	access = tokens.access_token;
	keep_here(`yufu.${app}.access`, JSON.stringify({ token: access, until: Date.now() + (tokens.expires_in - 30) * 1000 } satisfies Access));
	keep(refresh_name(), tokens.refresh_token);
}

function drop_tokens(): void {
	access = null;
	keep_here(`yufu.${app}.access`, null);
	keep(refresh_name(), null);
	forget(`yufu.${app}.cache.`);
}

export async function sign_out(): Promise<void> {
	const refresh_token = kept(refresh_name());
	drop_tokens();
	if (refresh_token)
		await call('POST', '/auth/logout', { body: { refresh_token }, anonymous: true }).catch(() => undefined);
}

/** One HTTP exchange. Throws ApiError with status 0 when no answer came. */
async function exchange(method: Method, path: string, ask: Ask, key: string | null): Promise<Response> {
	const stop = new AbortController();
	const timer = setTimeout(() => stop.abort(), ask.timeout_ms || TIMEOUT_MS);
	const headers: Record<string, string> = { Accept: ask.file ? '*/*' : 'application/json', 'Accept-Language': document.documentElement.lang || 'zh-CN' };
	if (ask.bytes) headers['Content-Type'] = 'application/octet-stream';
	else if (ask.body !== undefined) headers['Content-Type'] = 'application/json';
	if (access && !ask.anonymous) headers.Authorization = `Bearer ${access}`;
	if (ask.etag) headers['If-None-Match'] = ask.etag;
	if (key) headers['Idempotency-Key'] = key;
	try {
		const response = await fetch(API + path, {
			method, headers, signal: stop.signal, cache: 'no-store', credentials: ask.cookies ? 'same-origin' : 'omit',
			body: ask.bytes || (ask.body === undefined ? undefined : JSON.stringify(ask.body)),
		});
		// the body must arrive within the time, too
		const body = await response.arrayBuffer();
		net.down = false;
		clock_seen(response.headers.get('Date'));
		return new Response(body.byteLength ? body : null, { status: response.status === 304 ? 200 : response.status, headers: mark(response) });
	} catch {
		const timeout = stop.signal.aborted;
		net.down = true;
		throw new ApiError(0, timeout ? 'timeout' : 'network');
	} finally {
		clearTimeout(timer);
	}
}

/** Keeps what is needed of the headers; a 304 is carried as a mark because a Response cannot be built with it. */
function mark(response: Response): Record<string, string> {
	const headers: Record<string, string> = {};
	const etag = response.headers.get('ETag');
	if (etag) headers.ETag = etag;
	if (response.status === 304) headers['X-Same'] = '1';
	const type = response.headers.get('Content-Type');
	if (type) headers['Content-Type'] = type;
	return headers;
}

async function problem(response: Response): Promise<ApiError> {
	const body = await response.json().catch(() => null) as Record<string, unknown> | null;
	const text = (name: string) => (body && typeof body[name] === 'string' ? body[name] as string : '');
	return new ApiError(response.status, text('code') || (response.status >= 500 ? 'unavailable' : 'internal'), text('detail'), text('field'), text('ticket'));
}

async function refresh(): Promise<boolean> {
	const refresh_token = kept(refresh_name());
	if (!refresh_token) return false;
	const response = await exchange('POST', '/auth/refresh', { body: { refresh_token }, anonymous: true }, null);
	if (response.status === 200) {
		take_tokens(await response.json() as Tokens);
		return true;
	}
	const error = await problem(response);
	if (error.status >= 500 || error.status === 429) throw error;
	return false;
}

async function locked_refresh(): Promise<boolean> {
	const locks = navigator.locks as LockManager | undefined;
	return locks ? await locks.request(`yufu-${app}-refresh`, refresh) : await refresh();
}

/** Gets a new access token; one at a time in this tab, and across tabs where the browser has locks. */
function refresh_once(): Promise<boolean> {
	if (!refreshing) {
		refreshing = locked_refresh().finally(() => { refreshing = null; });
	}
	return refreshing;
}

function sleep(ms: number): Promise<void> {
	return new Promise((done) => setTimeout(done, ms));
}

/** Whether a 401 is about the token, and not about a password or code in the body, which is not sent twice. */
async function token_refused(response: Response): Promise<boolean> {
	const { code } = await problem(response.clone());
	return code !== 'wrong_password' && code !== 'wrong_code';
}

async function with_token(method: Method, path: string, ask: Ask, key: string | null): Promise<Response> {
	if (ask.anonymous) return exchange(method, path, ask, key);
	if (access === null && !(await refresh_once())) return end_session();
	const first = await exchange(method, path, ask, key);
	if (first.status !== 401 || !(await token_refused(first))) return first;
	access = null;
	if (!(await refresh_once())) return end_session();
	return exchange(method, path, ask, key);
}

function end_session(): never {
	drop_tokens();
	on_signed_out();
	throw new ApiError(401, 'unauthorized');
}

async function attempt<T>(method: Method, path: string, ask: Ask, key: string | null): Promise<Answer<T>> {
	const response = await with_token(method, path, ask, key);
	if (response.status >= 400) throw await problem(response);
	const same = response.headers.get('X-Same') === '1';
	if (ask.file) return { status: response.status, data: await response.blob() as T, etag: null };
	const data = (same || response.status === 204 ? null : await response.json().catch(() => null)) as T;
	return { status: same ? 304 : response.status, data, etag: response.headers.get('ETag') };
}

/** Asks; GETs and POSTs with `once` are repeated when no answer came. */
export async function call<T>(method: Method, path: string, ask: Ask = {}): Promise<Answer<T>> {
	const key = ask.once ? open_key(ask.once, `${method} ${path} ${JSON.stringify(ask.body)}`) : null;
	const repeatable = method === 'GET' || key !== null;
	for (let n = 0; ; n++) {
		try {
			const answer = await attempt<T>(method, path, ask, key);
			if (ask.once) answered(ask.once);
			return answer;
		} catch (e) {
			const error = e instanceof ApiError ? e : new ApiError(0, 'network');
			if (ask.once && !error.unanswered && error.status !== 401) answered(ask.once);
			if (!repeatable || !error.unanswered || n >= RETRY_WAITS_MS.length) throw error;
			await sleep(RETRY_WAITS_MS[n]!);
		}
	}
}

export async function get<T>(path: string): Promise<T> {
	return (await call<T>('GET', path)).data;
}

/** Pages as they came last, for lists that are asked again and again: what did not change is not sent. */
export class Kept<T> {
	pages = new Map<string, Answer<List<T>>>();
	items: T[] | null = null;
}

/** A whole list, page by page. With `kept`, the same array as the last time when nothing changed. */
export async function get_all<T>(path: string, kept = new Kept<T>()): Promise<T[]> {
	const pages = new Map<string, Answer<List<T>>>();
	let same = kept.items !== null;
	for (let next: string | null = ''; next !== null;) {
		const at: string = next ? `${path}${path.includes('?') ? '&' : '?'}cursor=${next}` : path;
		const before = kept.pages.get(at);
		const answer = await call<List<T>>('GET', at, { etag: before?.etag });
		const page: Answer<List<T>> = answer.status === 304 && before ? before : answer;
		if (page !== before) same = false;
		pages.set(at, page);
		next = page.data.next;
	}
	kept.pages = pages;
	if (!same || !kept.items) kept.items = ([] as T[]).concat(...Array.from(pages.values(), (p) => p.data.items));
	return kept.items;
}

export async function post<T>(path: string, body: unknown, once?: string): Promise<T> {
	return (await call<T>('POST', path, { body, once })).data;
}

/** Builds "?a=1&b=2" without the empty ones. */
export function query(of: Record<string, string | number | null | undefined>): string {
	const parts = Object.entries(of).filter(([, v]) => v !== null && v !== undefined && v !== '')
		.map(([k, v]) => `${k}=${encodeURIComponent(String(v))}`);
	return parts.length ? `?${parts.join('&')}` : '';
}
