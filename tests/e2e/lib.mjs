// What every end-to-end test uses: a stack of its own, a client that checks every answer against the
// API's own document, the truth of the wire, and the payer at the payment sandbox.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { rmSync } from 'node:fs';
import { after, before } from 'node:test';
import Ajv2020 from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { DEMO_PASSWORD, Stack } from '../support/stack.mjs';
import { PATIENCE, until } from '../support/process.mjs';

export { DEMO_PASSWORD, PATIENCE, until };

/** Answers are checked by the API itself as well. A test asks faster than people: limits of callers have a
 * test of their own. */
export const CONF = {
	api: { check_answers: 1 },
	limits: { login_per_minute: 0, write_per_minute: 0, read_per_minute: 0, payee_per_minute: 0, payee_address_per_minute: 0 },
};
/** What waits for the next reading of a meter waits for 20 s instead of 50 at most, behind wires that are
 * quick enough for it. */
const QUICK = { ...CONF, poller: { name: 'demo', fresh_s: 30 }, sim: { baud: 115200, answer_ms: 10 } };

/** A stack for one test file. The object is filled before the first test runs; ready is called then. */
export function useStack(options = {}) {
	const world = {};
	before(async () => {
		const say = (text) => process.stderr.write(`${text}\n`);
		const usual = options.fresh === false ? CONF : QUICK;
		const conf = {};
		for (const section of new Set([...Object.keys(usual), ...Object.keys(options.conf ?? {})]))
			conf[section] = { ...usual[section], ...options.conf?.[section] };
		world.stack = await new Stack({ say, ...options, conf }).up();
		// Tests run at any hour: warnings do not wait for the morning.
		await world.stack.sql(`INSERT IGNORE INTO setting (site_id, name, value)
			SELECT id, 'notice_quiet_from_min', 480 FROM site`);
		world.api = await Api.open(world.stack);
		world.wire = new Wire(world.stack);
		const seconds = new Map();
		/** A session of another person with the same role: what two must decide. */
		world.second = async (role) => {
			const name = `${role}2`;
			if (!seconds.has(role)) seconds.set(role, world.stack.addStaff(name, role, DEMO_PASSWORD));
			await seconds.get(role);
			return world.api.login(name);
		};
		if (options.fresh !== false) await world.stack.allFresh();
		await options.ready?.(world);
	});
	process.on('exit', (status) => {
		if (!world.stack) return;
		if (status === 0) rmSync(world.stack.dir, { recursive: true, force: true });
		else process.stderr.write(`kept for an hour: ${world.stack.dir}\n`);
	});
	after(async () => {
		await world.stack?.down({ keep: true }); // whether a test failed is known at exit
	});
	return world;
}

// ---- the API ------------------------------------------------------------------------------------

export class Api {
	static async open(stack) {
		const api = new Api();
		api.base = `${stack.base}/api/v1`;
		const answer = await fetch(`${api.base}/openapi.json`);
		assert.equal(answer.status, 200, 'GET /openapi.json');
		api.document = await answer.json();
		api.ajv = new Ajv2020({ strict: false, validateSchema: false, allErrors: true });
		addFormats(api.ajv);
		api.ajv.addSchema(api.document, 'api');
		api.templates = Object.keys(api.document.paths).map((template) => ({
			template,
			pattern: new RegExp(`^${template.replace(/^\/api\/v1/, '').replace(/\{(secret|name)\}/, '[A-Za-z0-9_:-]+').replace(/\{[^}]+\}/g, '[0-9-]+')}$`),
		}));
		api.validators = new Map(); // compiled once each
		api.seen = new Set();
		return api;
	}

	/** Sends a request and checks the answer against the document. body: an object is sent as JSON, a
	 * text or bytes as they are. */
	async call(method, path, { body, token, headers = {}, key } = {}) {
		const all = { ...headers };
		let payload;
		if (body !== undefined) {
			const raw = typeof body === 'string' || body instanceof Uint8Array;
			payload = raw ? body : JSON.stringify(body);
			all['content-type'] ??= 'application/json';
		}
		if (token) all.authorization ??= `Bearer ${token}`;
		if (key) all['idempotency-key'] = key;
		const response = await fetch(this.base + path, { method, headers: all, body: payload, redirect: 'manual' });
		const text = await response.text();
		const type = response.headers.get('content-type') ?? '';
		const answer = {
			status: response.status,
			headers: response.headers,
			text,
			body: /\bjson|\+json/.test(type) && text ? JSON.parse(text) : null,
		};
		this.#check(method, path, answer, type);
		return answer;
	}

	#check(method, path, answer, type) {
		const bare = path.split('?')[0];
		const found = this.templates.find((t) => t.pattern.test(bare));
		const operation = found && this.document.paths[found.template][method.toLowerCase()];
		const where = `${method} ${bare} -> ${answer.status}`;
		if (!operation) {
			// Not a route: then the answer can only be a problem.
			assert.ok([400, 404, 405, 413, 414, 429].includes(answer.status), `${where}: not in the document`);
			if (answer.body) this.#checkProblem(where, answer);
			return;
		}
		this.seen.add(`${method} ${found.template}`);
		assert.match(answer.headers.get('x-request-id') ?? '', /^[0-9a-f]{32}$/, `${where}: X-Request-Id`);
		if (answer.status >= 400 && /problem\+json/.test(type)) this.#checkProblem(where, answer);
		const code = operation.responses[answer.status] ? String(answer.status) : `${String(answer.status)[0]}XX`;
		const documented = operation.responses[code];
		assert.ok(documented, `${where}: status is not in the document`);
		const at = ['#/paths', escapePointer(found.template), method.toLowerCase(), 'responses', code].join('/');
		const content = this.#resolve(documented).content;
		if (!answer.text) {
			assert.ok(!content || answer.status === 304 || answer.status === 204, `${where}: a body is documented`);
			return;
		}
		assert.ok(content, `${where}: no body is documented, got ${answer.text.slice(0, 80)}`);
		const media = Object.keys(content).find((m) => type.startsWith(m));
		assert.ok(media, `${where}: ${type} is not documented`);
		if (!/\bjson|\+json/.test(media) || !content[media].schema) return;
		const base = documented.$ref ?? at;
		this.#validate(`${base}/content/${escapePointer(media)}/schema`, answer, where);
	}

	#resolve(node) {
		if (!node.$ref) return node;
		return node.$ref.slice(2).split('/').reduce((n, part) => n[part], this.document);
	}

	/** Also of what is no route, and is in no document. */
	#checkProblem(where, answer) {
		const { body, status, headers } = answer;
		this.#validate('#/components/schemas/problem', answer, where);
		assert.equal(body.status, status, where);
		assert.equal(body.request_id, headers.get('x-request-id'), `${where}: the number of the request`);
	}

	#validate(pointer, answer, where) {
		if (!this.validators.has(pointer)) this.validators.set(pointer, this.ajv.compile({ $ref: `api${encodeURI(pointer)}` }));
		const validate = this.validators.get(pointer);
		if (validate(answer.body)) return;
		const errors = validate.errors.slice(0, 5).map((e) => `${e.instancePath} ${e.message} ${JSON.stringify(e.params)}`);
		assert.fail(`${where} is not what the document says:\n${errors.join('\n')}\n${answer.text.slice(0, 600)}`);
	}

	async login(username, password = DEMO_PASSWORD) {
		const answer = await this.call('POST', '/auth/login', { body: { username, password } });
		expect(answer, 200);
		return new Session(this, answer.body);
	}
}

function escapePointer(text) {
	return text.replaceAll('~', '~0').replaceAll('/', '~1');
}

export class Session {
	constructor(api, tokens) {
		this.api = api;
		this.tokens = tokens;
	}

	call(method, path, options = {}) {
		return this.api.call(method, path, { token: this.tokens.access_token, ...options });
	}

	/** A GET that must succeed; the answer's body. */
	async get(path) {
		return expect(await this.call('GET', path), 200).body;
	}

	/** A POST that must succeed, with an idempotency key of its own unless one is given. */
	async post(path, body, status = 200, key = randomUUID()) {
		return expect(await this.call('POST', path, { body, key }), status).body;
	}

	async accounts() {
		return (await this.get('/me/accounts')).items;
	}

	async account(purpose = 'electricity') {
		const found = (await this.accounts()).find((a) => a.purpose === purpose);
		assert.ok(found, `no ${purpose} account`);
		return found;
	}

	async meterByCode(code) {
		const found = (await this.get('/meters')).items.find((m) => m.code === code);
		assert.ok(found, `no meter ${code}`);
		return found;
	}

	order(id) {
		return this.get(`/me/orders/${id}`);
	}
}

/** Calls fn for each item, some at a time: requests that have nothing to do with each other. */
export async function each(items, fn, atOnce = 6) {
	const queue = items[Symbol.iterator]();
	await Promise.all(Array.from({ length: atOnce }, async () => {
		for (const item of queue) await fn(item);
	}));
}

/** Asserts the status (and the code of a problem) and hands the answer on. */
export function expect(answer, status, code) {
	assert.equal(answer.status, status, `status ${answer.status}, not ${status}: ${answer.text.slice(0, 400)}`);
	if (code) assert.equal(answer.body?.code, code, answer.text.slice(0, 400));
	return answer;
}

export function tenantPhone(n) {
	return String(13_800_000_000 + n);
}

/** Exact decimal text to whole nano-yuan, as BigInt. */
export function nano(text) {
	const match = /^(-?)(\d+)(?:\.(\d{1,9}))?$/.exec(text);
	assert.ok(match, `not a decimal: ${text}`);
	const value = BigInt(match[2]) * 1_000_000_000n + BigInt((match[3] ?? '').padEnd(9, '0'));
	return match[1] ? -value : value;
}

export const FEN = 10_000_000n; // nano-yuan

// ---- the wire -----------------------------------------------------------------------------------

/** The simulator's own truth, and faults on request. */
export class Wire {
	constructor(stack) {
		this.stack = stack;
	}

	async #send(method, path, body) {
		const answer = await fetch(this.stack.simBase + path, {
			method,
			headers: body ? { 'content-type': 'application/json' } : {},
			body: body && JSON.stringify(body),
		});
		const text = await answer.text();
		assert.ok(answer.ok, `${method} ${path}: ${answer.status} ${text}`);
		return text ? JSON.parse(text) : null;
	}

	meter(gateway, unit) {
		return this.#send('GET', `/sim/meters/${gateway}/${unit}`);
	}

	/** {register_milli?, load_w?, relay?} */
	set(gateway, unit, change) {
		return this.#send('POST', `/sim/meters/${gateway}/${unit}`, change);
	}

	/** {gateway, unit?, kind, value?, seconds?} */
	fault(fault) {
		return this.#send('POST', '/sim/faults', fault);
	}

	heal() {
		return this.#send('DELETE', '/sim/faults');
	}

	/** How a payment or message service behaves: service wechat, alipay, sms or tencent. */
	behave(service, mode, more = {}) {
		return this.#send('POST', '/sim/services', { service, mode, ...more });
	}

	async sms(phone) {
		const answer = await fetch(`${this.stack.simBase}/sandbox/sms.json${phone ? `?phone=${phone}` : ''}`);
		return (await answer.json()).items;
	}

	async sandboxOrder(outTradeNo) {
		const answer = await fetch(`${this.stack.simBase}/sandbox/orders.json`);
		return (await answer.json()).items.find((o) => o.out_trade_no === outTradeNo);
	}

	/** Waits until the relay of a meter is as wanted. */
	async relay(gateway, unit, wanted, ms = 20_000) {
		return until(`relay of ${gateway}/${unit} is ${wanted}`, async () => {
			const meter = await this.meter(gateway, unit);
			return meter.relay === wanted && meter;
		}, ms, 20);
	}
}

// ---- the payer ----------------------------------------------------------------------------------

/** Makes an order and waits until the service has answered. */
export async function newOrder(session, amountFen, channel = 'wechat_native', purpose = 'electricity') {
	const account = await session.account(purpose);
	const body = { account_id: account.id, amount_fen: amountFen, channel };
	const order = await session.post('/me/orders', body, 201);
	return order.pay ? order : until('the order can be paid', async () => {
		const now = await session.order(order.id);
		return now.pay && now;
	}, 30_000, 200);
}

/** Opens the page that the order leads to, through nginx as a browser would, and presses 支付. */
export async function pay(stack, wire, order) {
	const link = order.pay.h5_url ?? order.pay.pay_url
		?? `${stack.base}/sandbox/pay?code_url=${encodeURIComponent(order.pay.code_url)}`;
	const page = await fetch(link);
	assert.equal(page.status, 200, `pay page ${link}: ${page.status}`);
	const token = /name="?token"? value="([^"]+)"/.exec(await page.text())?.[1];
	assert.ok(token, 'the pay page has no form');
	const answer = await fetch(`${stack.base}/sandbox/pay`, {
		method: 'POST',
		headers: { 'content-type': 'application/x-www-form-urlencoded' },
		body: new URLSearchParams({ token, action: 'pay' }),
		redirect: 'manual',
	});
	assert.ok([200, 303].includes(answer.status), `paying: ${answer.status}`);
	await answer.text();
}

/** Waits until an order is credited here. */
export function credited(session, order, ms = 20_000) {
	return until(`order ${order.out_trade_no} is credited`, async () => {
		const now = await session.order(order.id);
		return now.state === 'paid' && now.credited_at && now;
	}, ms, 50);
}
