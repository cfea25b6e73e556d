import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ApiError, call, client_init, get, get_all, Kept, net, post, sign_out, take_tokens } from '../src/shared/client';

interface Asked { url: string; method: string; headers: Record<string, string>; body: string | undefined }
let asked: Asked[] = [];
let answer: (a: Asked) => Response | Promise<Response>;
let signed_out = 0;

function json(body: unknown, status = 200, headers: Record<string, string> = {}): Response {
	return new Response(JSON.stringify(body), { status, headers });
}
function problem(status: number, code: string): Response {
	return json({ type: 'about:blank', title: code, status, code, detail: '' }, status);
}
const tokens = (n: number) => ({ access_token: `a${n}`, token_type: 'Bearer' as const, expires_in: 900, refresh_token: `r${n}` });

beforeEach(() => {
	localStorage.clear();
	asked = [];
	signed_out = 0;
	net.down = false;
	vi.useFakeTimers();
	vi.stubGlobal('fetch', vi.fn(async (url: string, init: RequestInit) => {
		const a = { url, method: init.method!, headers: init.headers as Record<string, string>, body: init.body as string | undefined };
		asked.push(a);
		const response = answer(a);
		return Promise.race([response, new Promise<Response>((_, no) => init.signal!.addEventListener('abort', () => no(new Error('aborted'))))]);
	}));
	client_init('test', () => { signed_out++; });
	take_tokens(tokens(1));
});
afterEach(() => {
	vi.useRealTimers();
	vi.unstubAllGlobals();
});
/** Lets the retries' waits pass while `p` runs. */
async function soon<T>(p: Promise<T>): Promise<T> {
	const settled = p.then((value) => ({ value }), (error: unknown) => ({ error }));
	await vi.advanceTimersByTimeAsync(60_000);
	const r = await settled;
	if ('error' in r) throw r.error;
	return r.value;
}

describe('the client', () => {
	it('refreshes once for many requests and asks again', async () => {
		answer = (a) => {
			if (a.url.endsWith('/auth/refresh')) return json(tokens(2));
			return a.headers.Authorization === 'Bearer a2' ? json({ ok: a.url }) : problem(401, 'token_expired');
		};
		const all = await soon(Promise.all([get('/a'), get('/b'), get('/c')]));
		expect(all).toEqual([{ ok: '/api/v1/a' }, { ok: '/api/v1/b' }, { ok: '/api/v1/c' }]);
		expect(asked.filter((a) => a.url.endsWith('/auth/refresh')).map((a) => a.body)).toEqual(['{"refresh_token":"r1"}']);
		expect(localStorage.getItem('yufu.test.refresh')).toBe('r2');
	});
	it('ends the session when the refresh is refused', async () => {
		answer = (a) => (a.url.endsWith('/auth/refresh') ? problem(401, 'unauthorized') : problem(401, 'token_expired'));
		await expect(soon(get('/a'))).rejects.toMatchObject({ status: 401 });
		expect(signed_out).toBe(1);
		expect(localStorage.getItem('yufu.test.refresh')).toBeNull();
	});
	it('needs no other token after a reload of its tab', async () => {
		answer = (a) => json({ who: a.headers.Authorization });
		client_init('test', () => { signed_out++; });
		expect(await soon(get('/a'))).toEqual({ who: 'Bearer a1' });
		expect(asked.map((a) => a.url)).toEqual(['/api/v1/a']);
	});
	it('ends the session that another tab has ended', () => {
		localStorage.removeItem('yufu.test.refresh');
		window.dispatchEvent(new StorageEvent('storage', { key: 'yufu.test.refresh', newValue: null }));
		expect(signed_out).toBeGreaterThan(0);
		expect(sessionStorage.getItem('yufu.test.access')).toBeNull();
	});
	it('keeps the session when the refresh gets no answer', async () => {
		answer = (a) => {
			if (a.url.endsWith('/auth/refresh')) throw new TypeError('no line');
			return problem(401, 'token_expired');
		};
		await expect(soon(get('/a'))).rejects.toMatchObject({ code: 'network' });
		expect(signed_out).toBe(0);
		expect(localStorage.getItem('yufu.test.refresh')).toBe('r1');
	});
	it('repeats a GET that got no answer', async () => {
		let n = 0;
		answer = () => {
			if (++n < 3) throw new TypeError('no line');
			return json({ n });
		};
		expect(await soon(get('/a'))).toEqual({ n: 3 });
		expect(net.down).toBe(false);
	});
	it('gives up after ten seconds each', async () => {
		answer = () => new Promise(() => undefined);
		await expect(soon(get('/a'))).rejects.toMatchObject({ code: 'timeout', status: 0 });
		expect(asked).toHaveLength(3);
		expect(net.down).toBe(true);
	});
	it('repeats a POST only with a key, and always with the same key, even when pressed again', async () => {
		answer = () => { throw new TypeError('no line'); };
		await expect(soon(post('/sales', { x: 1 }))).rejects.toBeInstanceOf(ApiError);
		expect(asked).toHaveLength(1);
		asked = [];
		await expect(soon(post('/sales', { x: 1 }, 'sale'))).rejects.toBeInstanceOf(ApiError);
		answer = () => json({ id: 7 }, 201);
		expect(await soon(post('/sales', { x: 1 }, 'sale'))).toEqual({ id: 7 });
		const keys = new Set(asked.map((a) => a.headers['Idempotency-Key']));
		expect(asked).toHaveLength(4);
		expect(keys.size).toBe(1);
		await soon(post('/sales', { x: 1 }, 'sale'));
		expect(keys.has(asked[4]!.headers['Idempotency-Key'])).toBe(false);
	});
	it('takes a new key after a refusal', async () => {
		answer = () => problem(422, 'bad_value');
		await expect(soon(post('/sales', {}, 'sale'))).rejects.toMatchObject({ code: 'bad_value' });
		await expect(soon(post('/sales', {}, 'sale'))).rejects.toMatchObject({ code: 'bad_value' });
		expect(new Set(asked.map((a) => a.headers['Idempotency-Key'])).size).toBe(2);
	});
	it('knows that nothing changed', async () => {
		answer = (a) => (a.headers['If-None-Match'] === '"1"' ? new Response(null, { status: 304 }) : json({ items: [] }, 200, { ETag: '"1"' }));
		const first = await soon(call('GET', '/meters'));
		expect(first).toMatchObject({ status: 200, etag: '"1"' });
		expect(await soon(call('GET', '/meters', { etag: first.etag }))).toMatchObject({ status: 304, data: null });
	});
	it('follows a list to its end, and is told of pages that did not change only once', async () => {
		const page = (a: Asked) => (a.url.includes('cursor=c1') ? { items: [2], next: null } : { items: [1], next: 'c1' });
		let changed = '';
		answer = (a) => {
			const etag = `W/"${a.url}${changed}"`;
			return a.headers['If-None-Match'] === etag ? new Response(null, { status: 304 }) : json(page(a), 200, { ETag: etag });
		};
		const kept = new Kept<number>();
		const first = await soon(get_all<number>('/meters?q=x', kept));
		expect(first).toEqual([1, 2]);
		expect(asked.map((a) => a.url)).toEqual(['/api/v1/meters?q=x', '/api/v1/meters?q=x&cursor=c1']);
		expect(await soon(get_all<number>('/meters?q=x', kept))).toBe(first);
		changed = '!';
		const later = await soon(get_all<number>('/meters?q=x', kept));
		expect(later).not.toBe(first);
		expect(later).toEqual([1, 2]);
		expect(await soon(get_all<number>('/gateways'))).toEqual([1, 2]);
	});
	it('forgets tokens and kept data at sign-out', async () => {
		localStorage.setItem('yufu.test.cache.mine', '{}');
		answer = () => new Response(null, { status: 204 });
		await soon(sign_out());
		expect(localStorage.getItem('yufu.test.refresh')).toBeNull();
		expect(localStorage.getItem('yufu.test.cache.mine')).toBeNull();
		expect(asked[0]).toMatchObject({ url: '/api/v1/auth/logout', body: '{"refresh_token":"r1"}' });
	});
});
