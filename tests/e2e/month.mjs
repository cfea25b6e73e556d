// A month of orders in a minute or two: what each payer does is drawn before the first order is made, so
// that a seed repeats it; the services misbehave another way every second, and programs are killed.
import { randomUUID } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import { until } from './lib.mjs';
import { alipayNotify, alipayPaid, notify, wechatNotify, wechatPaid } from './payer.mjs';

export const SERVICES = ['wechat', 'alipay'];
const CHANNELS = ['wechat_native', 'wechat_h5', 'wechat_jsapi', 'alipay_wap', 'alipay_page', 'alipay_qr'];
const GENTLE = { notify_late: 4, notify_duplicate: 3, answer_slow: 2 };
const MODES = {
	wechat: ['normal', 'notify_duplicate', 'notify_late', 'notify_never', 'notify_forged', 'notify_wrong_amount', 'notify_probe',
		'notify_other_merchant', 'notify_other_key', 'notify_shuffled', 'answer_500', 'answer_slow', 'answer_hang_up', 'answer_forged', 'answer_probe',
		'answer_unsigned_500', 'answer_unsigned_404', 'answer_429', 'close_busy', 'refund_processing', 'refund_abnormal', 'refund_closed',
		'refund_not_enough', 'refuse'],
	alipay: ['normal', 'notify_duplicate', 'notify_late', 'notify_never', 'notify_forged', 'notify_wrong_amount', 'notify_reordered',
		'notify_other_seller', 'notify_other_app', 'notify_gbk', 'answer_500', 'answer_slow', 'answer_hang_up', 'answer_forged', 'answer_busy',
		'answer_twice', 'answer_unsigned', 'trade_finished', 'refund_pending', 'refuse'],
};
const FATES = [['paid', 72], ['second', 4], ['after_close', 6], ['at_close', 7], ['unpaid', 11]];
const REFUNDS = [['none', 62], ['part', 16], ['whole', 14], ['several', 8]];

/** mulberry32: small, and the same everywhere. */
export function dice(seed) {
	let a = seed >>> 0;
	const next = () => {
		a = (a + 0x6d2b79f5) >>> 0;
		let t = Math.imul(a ^ (a >>> 15), 1 | a);
		t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
		return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
	};
	const below = (n) => Math.floor(next() * n);
	const weighted = (list) => {
		let at = below(list.reduce((sum, [, w]) => sum + w, 0));
		return list.find(([, w]) => (at -= w) < 0)[0];
	};
	return { below, pick: (list) => list[below(list.length)], weighted };
}

/** What each of so many payers will do. */
export function planOrders(n, tenants, d) {
	return Array.from({ length: n }, (_, i) => {
		const amount = 200 + d.below(9_800);
		const channel = d.pick(CHANNELS);
		const refund = d.weighted(REFUNDS);
		const part = 1 + d.below(amount - 1);
		const parts = { none: [], part: [part], whole: [amount], several: [Math.ceil(part / 2), Math.floor(part / 2)].filter(Boolean) }[refund];
		return { i, who: i % tenants, amount, channel, service: channel.split('_')[0], fate: d.weighted(FATES), parts, looks: d.below(2) === 1 };
	});
}

/** Programs are away now and then: what a person and a page do is repeat it. */
const persist = (what, fn, ms = 90_000) => until(what, fn, ms, 800);

export class Month {
	constructor(world, tenants, finance, second) {
		Object.assign(this, { world, tenants, finance, second, kills: [], used: new Map(), sealed: [] });
	}

	// ---- one order --------------------------------------------------------------------------------

	async live(p) {
		const { session, purse } = this.tenants[p.who];
		const key = randomUUID();
		const body = { account_id: purse, amount_fen: p.amount, channel: p.channel };
		p.order = await persist(`order ${p.i}`, async () => {
			const answer = await session.call('POST', '/me/orders', { body, key });
			return answer.status === 201 && answer.body;
		});
		p.id = p.order.id;
		const open = await persist(`order ${p.i} is answered`, async () => {
			const now = await session.order(p.id);
			return (now.pay || now.state === 'closed') && now;
		});
		if (open.state === 'closed') return; // the service would not have it
		await this.#fate(p, open);
		if (p.parts.length && p.fate !== 'second') await this.#refund(p, session);
	}

	async #fate(p, order) {
		if (p.fate === 'unpaid' && p.looks) await fetch(this.#link(order));
		if (p.fate === 'unpaid') return;
		if (p.fate === 'second') p.stranger = await this.#paidByAnother(p, order);
		if (p.fate === 'after_close')
			await this.world.stack.sql(`UPDATE pay_order SET state = 'closed', closed_at = ${Date.now()}, query_at = 0 WHERE id = ${p.id} AND state = 'pending'`);
		if (p.fate === 'at_close') await this.expire(`id = ${p.id}`);
		await this.#press(p, order);
	}

	/** As if they had been made so much earlier: the worker asks, and closes what is not paid. */
	expire(which) {
		const now = Date.now();
		return this.world.stack.sql(`UPDATE pay_order SET created_at = LEAST(created_at, ${now - 1_930_000}), expires_at = LEAST(expires_at, ${now - 130_000}),
			query_at = ${now} WHERE ${which} AND state IN ('created', 'pending')`);
	}

	#link({ pay }) {
		const { base } = this.world.stack;
		if (pay.jsapi) return `${base}/sandbox/jsapi?${new URLSearchParams(pay.jsapi)}`;
		return pay.h5_url ?? pay.pay_url ?? `${base}/sandbox/pay?code_url=${encodeURIComponent(pay.code_url)}`;
	}

	/** Until the sandbox's own page says that it is paid, or can be paid no more. An order that was opened twice has two
	 * links, and the sandbox knows the newer one only. */
	#press(p, order) {
		let link = this.#link(order);
		return persist(`paying order ${p.i}`, async () => {
			const answer = await fetch(link);
			const page = await answer.text();
			if (/已支付|订单已失效|TRADE_HAS_(SUCCESS|CLOSE)/.test(page)) return true;
			const token = /name="?token"? value="([^"]+)"/.exec(page)?.[1];
			if (answer.status === 404) {
				const found = (await this.sandboxOrders()).find((o) => o.out_trade_no === order.out_trade_no);
				link = `${this.world.stack.base}/sandbox/pay?token=${found?.token}`;
			}
			if (!token) throw new Error(`${answer.status} ${page.slice(-200)}`);
			await (await fetch(`${this.world.stack.base}/sandbox/pay`, { method: 'POST', redirect: 'manual', body: new URLSearchParams({ token, action: 'pay' }) })).text();
			return false;
		});
	}

	/** A genuine word of a payment that the service's own books do not know. */
	async #paidByAnother(p, order) {
		return persist(`order ${p.i} is paid by another`, async () => {
			const plain = p.plain ??= p.service === 'wechat' ? wechatPaid(order) : alipayPaid(order);
			const made = p.service === 'wechat' ? wechatNotify(this.world.stack, plain) : alipayNotify(this.world.stack, plain);
			const answer = await notify(this.world.stack, p.service, made);
			return answer.status < 300 && (plain.transaction_id ?? plain.trade_no);
		});
	}

	async #refund(p, session) {
		const paid = await until('credited', async () => (await session.order(p.id)).credited_at, 30_000, 1_000).catch(() => false);
		if (!paid) return; // found later
		p.refunds = [];
		for (const fen of p.parts) {
			const key = randomUUID();
			const answer = await persist(`refund of order ${p.i}`, async () => {
				const a = await this.finance.call('POST', `/orders/${p.id}/refund`, { key, body: { amount_fen: fen, reason: '误充' } });
				return a.status < 500 && a.status !== 429 && a;
			});
			if (answer.status === 202) await this.approve(answer.body.approval.id);
			p.refunds.push({ fen, status: answer.status });
		}
	}

	approve(id) {
		const key = randomUUID();
		return persist(`approval ${id}`, async () => (await this.second.call('POST', `/approvals/${id}/approve`, { key, body: { note: '同意' } })).status === 200);
	}

	// ---- misbehaviour -----------------------------------------------------------------------------

	async #misbehave(service, d) {
		const mode = d.pick(MODES[service]);
		const more = GENTLE[mode] ? { value: GENTLE[mode] } : {};
		if (!mode.startsWith('notify')) more.count = 1 + d.below(6);
		this.used.set(`${service} ${mode}`, (this.used.get(`${service} ${mode}`) ?? 0) + 1);
		await this.world.wire.behave(service, mode, mode === 'normal' ? {} : more);
		if (service === 'wechat') this.#noteSealed(mode);
	}

	/** The times at which notifies cannot be opened: sealed with another key than ours. */
	#noteSealed(mode) {
		const last = this.sealed.at(-1);
		if (last && !last.to) last.to = Date.now();
		if (mode === 'notify_other_key') this.sealed.push({ from: Date.now(), to: 0 });
	}

	/** All orders, so many at once; every second another mode, and now and then a kill. */
	async play(plan, d, atOnce) {
		const queue = [...plan];
		let over = false;
		const payers = Promise.all(Array.from({ length: atOnce }, async () => {
			for (let p = queue.shift(); p; p = queue.shift()) await this.live(p);
		})).finally(() => (over = true));
		payers.catch(() => {});
		for (let round = 0; !over; round++) {
			for (const service of SERVICES) await this.#misbehave(service, d);
			if (round % 4 === 1) await this.#rotate(d);
			if (round % 6 === 3) this.#kill(d.pick(['api', 'worker']));
			await wait(1_000); // the length of a round, not a wait for anything
		}
		await payers;
	}

	#kill(victim) {
		this.kills.push(Date.now());
		this.world.stack.process(victim).kill('SIGKILL');
	}

	/** WeChat signs by another key from now on; all are good ones. */
	async #rotate(d) {
		await this.sim('/sim/services/wechat', { signer: d.pick(['public_key', 'a', 'b']), listed: 'ab' });
	}

	async behave() {
		this.#noteSealed('normal');
		for (const service of SERVICES) await this.world.wire.behave(service, 'normal');
		await this.sim('/sim/services/wechat', { signer: 'public_key', listed: 'ab' });
	}

	async sim(path, body) {
		const answer = await fetch(this.world.stack.simBase + path, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });
		if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
	}

	// ---- until all is final -----------------------------------------------------------------------

	/** Questions are asked at once instead of by their plan; what waits for a person gets its person. */
	async settle(d, ms = 150_000) {
		const { stack } = this.world;
		await this.expire('1');
		return until('every order and refund is final', async () => {
			await this.expire(`query_at > ${Date.now() + 2_000}`);
			await stack.sql(`UPDATE refund SET ask_at = ${Date.now()} WHERE ask_at > ${Date.now() + 2_000} AND state IN ('requested', 'accepted', 'person')`);
			await this.#persons(d);
			const open = await stack.sql(`SELECT out_trade_no AS no, state, service FROM pay_order WHERE state IN ('created', 'pending')
				UNION SELECT out_refund_no, state, service FROM refund WHERE service <> '' AND state NOT IN ('done', 'failed')`);
			if (open.length) throw new Error(JSON.stringify(open.slice(0, 8)));
			return true;
		}, ms, 1_000);
	}

	async #persons(d) {
		const rows = await this.world.stack.sql(`SELECT id, out_refund_no AS no, state, said, service FROM refund WHERE state IN ('person', 'accepted') AND service <> ''`);
		for (const r of rows) {
			if (r.state === 'person' && r.said) await this.finance.call('POST', `/refunds/${r.id}/retry`, { key: randomUUID(), body: {} });
			else if (r.service === 'wechat') await this.#endRefund(r.no, d);
		}
	}

	/** The service decides what it has pondered: those that stay in work, or whose way is blocked. */
	async #endRefund(no, d) {
		const refund = (await this.sandboxOrders()).flatMap((o) => o.refunds ?? []).find((f) => f.out_refund_no === no);
		if (!refund || refund.status === 'SUCCESS' || refund.status === 'CLOSED' || ['SUCCESS', 'CLOSED'].includes(refund.next)) return;
		if (refund.next === 'ABNORMAL' && Date.now() < refund.due_ms) return;
		await this.sim('/sim/services/wechat', { refund: { out_refund_no: no, status: d.pick(['SUCCESS', 'SUCCESS', 'CLOSED']) } });
	}

	async sandboxOrders() {
		return (await (await fetch(`${this.world.stack.simBase}/sandbox/orders.json`)).json()).items;
	}
}

/** What became of a refund by the sandbox: does the payer have it? */
export function gaveBack(service, refund) {
	if (service === 'alipay') return refund.state === 'REFUND_SUCCESS';
	return (refund.next && Date.now() >= refund.due_ms ? refund.next : refund.status) === 'SUCCESS';
}
