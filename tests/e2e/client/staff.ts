// What a program of another system would write against the types made from docs/openapi.yaml. It is
// compiled, not run: what the document promises must be what a typed client can use, and no more.
import createClient from 'openapi-fetch';
import type { components, paths } from './api';

const api = createClient<paths>({ baseUrl: 'https://yufu.example/api/v1' });
type Problem = components['schemas']['problem'];

export async function logIn(username: string, password: string): Promise<string> {
	const { data, error } = await api.POST('/auth/login', { body: { username, password } });
	if (error) throw new Error(`${error.code}: ${error.hint}`);
	return data.access_token;
}

export async function meterCodes(): Promise<string[]> {
	const { data, error } = await api.GET('/meters', { params: { query: { q: 'A-1' } } });
	if (error) throw new Error(error.detail);
	// A list may also be asked for as a file.
	return typeof data === 'object' ? data.items.map((meter) => meter.code) : [];
}

export async function recharge(account_id: number, amount_fen: number, key: string) {
	const { data, error } = await api.POST('/me/orders', {
		params: { header: { 'Idempotency-Key': key } },
		body: { account_id, amount_fen, channel: 'wechat_native' },
	});
	const code: Problem['code'] | undefined = error?.code;
	return { state: data?.state, code };
}

export async function switchOff(meters: number[], key: string) {
	const preview = await api.POST('/batches', {
		params: { header: { 'Idempotency-Key': key } },
		body: { meters, action: 'off', reason: 'maintenance' },
	});
	if (!preview.data) return null;
	const hindered = preview.data.meters.filter((m) => m.in_the_way.length > 0).map((m) => m.meter.code);
	const { data } = await api.POST('/batches/{id}/confirm', { params: { path: { id: preview.data.id } }, body: {} });
	return { hindered, waiting: data?.counts.waiting ?? 0 };
}

export async function moveGateway(id: number, address: string) {
	const { data } = await api.PATCH('/gateways/{id}', { params: { path: { id } }, body: { address, reason: 'moved' } });
	return data?.setup.baud;
}

export async function notOfTheDocument() {
	// @ts-expect-error a body without what is required
	await api.POST('/auth/login', { body: { username: 'x' } });
	// @ts-expect-error a field that there is not
	const change: components['schemas']['site_change'] = { reason: 'x', surprise: 1 };
	await api.PATCH('/sites/{id}', { params: { path: { id: 1 } }, body: change });
	// @ts-expect-error a word that is none of those listed
	await api.POST('/me/orders', { params: { header: { 'Idempotency-Key': 'k' } }, body: { account_id: 1, amount_fen: 100, channel: 'gold' } });
	// @ts-expect-error no key, where money moves
	await api.POST('/sales', { body: { lines: [{ account_id: 1, amount_fen: 100 }], method: 'cash' } });
	// @ts-expect-error a path that there is not
	await api.GET('/me/gold');
	const { data } = await api.GET('/sites/{id}', { params: { path: { id: 1 } } });
	// @ts-expect-error an answer has no member that is not documented
	return data?.surprise;
}
