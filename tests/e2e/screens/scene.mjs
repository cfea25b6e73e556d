// What has happened in the mall before its screens are looked at, so that every list has rows and every
// state a shop. Done through the API and on the wire, as people and meters would.
import { randomUUID } from 'node:crypto';
import { credited, expect, newOrder, pay, tenantPhone, until } from '../lib.mjs';
import { notify, wechatNotify, wechatPaid } from '../payer.mjs';

/** Shops by what the screens show of them. All of the first shaft, where number and unit are the same. */
export const SHOPS = { on: 1, twoPurses: 2, cut: 3, waterCut: 4, waits: 5, refunded: 6, kept: 7, low: 8, off: 9, pays: 11, silent: 12, closing: 13, subs: 14, fee: 4 * 60 + 21 };

/** The mall as it is loaded: one shop's water is used up, one is about to be cut. */
export function editMall(mall) {
	const purse = (n, purpose) => {
		const tenant = mall.tenants.find((t) => t.phone === tenantPhone(n));
		return mall.purses.find((p) => p.tenant === tenant.code && p.purpose === purpose);
	};
	purse(SHOPS.waterCut, 'water').opening_balance = '-2.40';
	purse(SHOPS.pays, 'electricity').opening_balance = '-6.20';
}

const day = (offset = 0) => new Intl.DateTimeFormat('sv-SE', { timeZone: 'Asia/Shanghai' }).format(Date.now() + offset * 86_400_000);

const steps = {
	// it takes longest to be noticed, so it comes first and is waited for last
	async 'a meter that falls silent'({ wire }) {
		await wire.fault({ gateway: 'G1', unit: SHOPS.silent, kind: 'silent' });
	},
	async 'shops that pay by phone'({ api, stack, wire }, scene) {
		const tenant = await api.login(tenantPhone(SHOPS.on));
		for (const [fen, channel] of [[20_000, 'wechat_native'], [10_000, 'alipay_wap']]) {
			const order = await newOrder(tenant, fen, channel);
			await pay(stack, wire, order);
			scene.paid = await credited(tenant, order);
		}
		const waits = await api.login(tenantPhone(SHOPS.waits));
		scene.waiting = await newOrder(waits, 5_000, 'wechat_native');
		scene.waitingAlipay = await newOrder(waits, 5_000, 'alipay_wap');
		const back = await api.login(tenantPhone(SHOPS.refunded));
		scene.refunded = await newOrder(back, 30_000);
		await pay(stack, wire, scene.refunded);
		await credited(back, scene.refunded);
	},
	async 'a dark shop whose light comes back'({ api, stack, wire }, scene) {
		await wire.relay('G1', SHOPS.pays, 'off', 120_000);
		const tenant = await api.login(tenantPhone(SHOPS.pays));
		const order = await newOrder(tenant, 10_000);
		await pay(stack, wire, order);
		scene.back = await until('its light is back', async () => {
			const now = await tenant.order(order.id);
			return now.supply?.state === 'on' && now;
		}, 30_000, 100);
	},
	async 'money that goes back'({ api }, scene) {
		const finance = await api.login('finance');
		await finance.post(`/orders/${scene.refunded.id}/refund`, { amount_fen: 12_000, reason: '误充' }, 201);
		const { account } = await finance.meterByCode('A01');
		await finance.post(`/accounts/${account.id}/refund`, { amount_fen: 3_000, method: 'bank', reason: '退租' }, 201);
		await finance.post(`/accounts/${account.id}/adjust`, { kind: 'write_off', amount_fen: 90_000, document: 'BX-1', reason: '坏账' }, 202);
		await finance.post(`/accounts/${account.id}/adjust`, { kind: 'subsidy', amount_fen: 500, document: 'BT-2026-9', reason: '政府补贴' }, 201);
	},
	async 'invoices in each state'({ api, stack, wire }, scene) {
		const tenant = await api.login(tenantPhone(SHOPS.on));
		const finance = await api.login('finance');
		const company = { kind: 'company', title: '莲花茶馆有限公司', tax_no: '91350100M000100Y43', email: 'a@lotus.example' };
		const ask = async (fen, to = company) => {
			const order = await newOrder(tenant, fen);
			await pay(stack, wire, order);
			await credited(tenant, order);
			return tenant.post('/me/invoices', { order_ids: [order.id], ...to }, 201);
		};
		const issue = (i, number) => finance.post(`/invoices/${i.id}/issue`, { number, date: day(-1), url: 'https://tax.example/1.pdf' });
		const [refused, issued, changed, voided, asked] = [await ask(3_000, { kind: 'personal', title: '王芳', email: 'w@lotus.example' }), await ask(8_000), await ask(6_000), await ask(4_000), await ask(5_000)];
		await finance.post(`/invoices/${refused.id}/refuse`, { reason: '请用公司抬头申请' });
		await issue(issued, '26312000000012345678');
		await issue(changed, '26312000000012345679');
		await finance.post(`/orders/${changed.orders[0].id}/refund`, { amount_fen: 1_000, reason: '误充' }, 201);
		await issue(voided, '26312000000012345680');
		await finance.post(`/invoices/${voided.id}/void`, { reason: '抬头有误', red_number: '26312000000012349999' });
		scene.invoices = { refused: refused.id, issued: issued.id, asked: asked.id };
	},
	async 'payments that are nobody\'s'({ stack }) {
		const transaction = wechatPaid({ out_trade_no: `X${Date.now()}`, amount_fen: 4_000 });
		await notify(stack, 'wechat', wechatNotify(stack, transaction));
	},
	async 'sales at the desk, one of them refused'({ api }, scene) {
		const cashier = await api.login('cashier');
		scene.shift = await cashier.post('/shifts', {}, 201);
		for (const [room, fen, method] of [['A-115', 10_000, 'cash'], ['A-116', 20_000, 'pos'], ['A-117', 5_000, 'cash']]) {
			const [account] = (await cashier.get(`/accounts?q=${room}`)).items;
			const body = { lines: [{ account_id: account.id, amount_fen: fen }], method, tendered_fen: fen };
			scene.sale = await cashier.post('/sales', body, 201);
			if (room === 'A-115') scene.account = account;
		}
		const hoard = { lines: [{ account_id: scene.account.id, amount_fen: 1_000_001 }], method: 'cash', tendered_fen: 1_000_001 };
		expect(await cashier.call('POST', '/sales', { body: hoard, key: randomUUID() }), 422);
	},
	async 'supplies that people decided on'({ api, wire }) {
		const operator = await api.login('operator');
		const order = async (code, body) => operator.post(`/meters/${(await operator.meterByCode(code)).id}/supply`, body, 202);
		await order('A07', { action: 'keep', reason: '冷库检修', until: new Date(Date.now() + 26 * 3_600_000).toISOString() });
		await order('A09', { action: 'off', reason: '配电箱检修' });
		await wire.relay('G1', SHOPS.off, 'off', 40_000);
		const closed = [{ from: '00:00', supply: 'on' }, { from: '22:30', supply: 'off' }];
		await operator.post('/schedules', { code: 'night', name: '夜间停业', workday: closed, weekend: closed, holiday: closed }, 201);
		const meters = [];
		for (const code of ['D30', 'D31', 'D32']) meters.push((await operator.meterByCode(code)).id);
		await operator.post('/batches', { meters, action: 'off', reason: '停电检修' }, 201);
		const done = await operator.post('/batches', { meters, action: 'read', reason: '抄表' }, 201);
		expect(await operator.call('POST', `/batches/${done.id}/confirm`, { body: {} }), 202);
	},
	async 'a sub-tenant'({ stack }) {
		await stack.sql(`INSERT INTO sub_tenant (contract_id, supply_point_id, name) SELECT cp.contract_id, below.supply_point_id, '报刊亭' FROM meter own
			JOIN contract_point cp ON cp.supply_point_id = own.supply_point_id JOIN meter below ON below.code = 'A15' WHERE own.code = 'A14'`);
	},
	async 'webhooks, people and programs'({ api }) {
		const admin = await api.login('admin');
		const hook = await admin.post('/webhooks', { name: '财务系统', url: 'http://127.0.0.1:9/yufu', events: ['day.sealed'] }, 201);
		await admin.post(`/webhooks/${hook.id}/test`, {}, 202);
		const roles = (await admin.get('/roles')).items;
		await admin.post('/service-accounts', { username: 'erp', name: '财务系统', role_id: roles.find((r) => r.code === 'viewer').id }, 201);
	},
	async 'a bill that differs'({ stack, api }) {
		const finance = await api.login('finance');
		const row = (line, no, transaction, fen) => `(@b, 1, ${line}, 0, '${no}', '${transaction}', '', '', 'SUCCESS', ${fen}, ${fen * 60_000}, 1578200000000)`;
		await stack.sql(`INSERT INTO reconciliation (service, day, state, revision, rows_n, paid_fen, fee_nano, fetched_at, created_at, created_by)
			VALUES ('wechat', '2020-01-05', 'waiting', 1, 2, 3700, ${3_700 * 60_000}, 1578300000000, 1578300000000, 'screens');
			SET @b = LAST_INSERT_ID();
			INSERT INTO bill_row (reconciliation_id, revision, line, refund, out_trade_no, transaction_id, out_refund_no, service_refund_id, state, amount_fen,
			 fee_nano, at) VALUES ${row(1, 'S-OPEN', 'S-OPEN', 3_000)}, ${row(2, 'S-NOBODYS', 'S-NOBODY', 700)};
			UPDATE reconciliation SET state = 'fetched' WHERE id = @b`);
		await until('the worker has compared it', async () => (await finance.get('/reconciliations?service=wechat&from=2020-01-05&to=2020-01-05')).items[0].unresolved === 2, 60_000, 200);
		await finance.post('/reconciliations/payouts', { service: 'wechat', amount_fen: 100, document: 'BK-1', reason: '银行流水' }, 201);
	},
	async 'fees, and who is short'({ api }) {
		const viewer = await api.login('viewer');
		await until('the fee is short', async () => (await viewer.get('/fees/cuts')).items.length > 0, 90_000, 500);
	},
	async 'a share that was run'({ api, stack }) {
		const viewer = await api.login('viewer');
		const [group] = (await viewer.get('/shares')).items;
		await stack.sql(`UPDATE share_group SET from_day = '${day(-1)}', run_to = '${day(-2)}' WHERE id = ${group.id};
			UPDATE share_target SET from_day = '${day(-1)}' WHERE group_id = ${group.id}`);
	},
	async 'cuts for an unpaid fee'({ api }) {
		const admin = await api.login('admin');
		expect(await admin.call('PUT', '/settings', { body: { name: 'fee_cut', value: 1, reason: '业主大会决议' } }), 200);
	},
	async 'a sheet that was refused'({ stack, api }) {
		const { tokens } = await api.login('engineer');
		const body = Buffer.from('code,name,gateway,unit,model\nZ01,新表,G1,300,acrel-ddsy1352\n');
		const answer = await fetch(`${stack.base}/api/v1/imports?name=meters.csv&dry_run=1`, { method: 'POST', body, headers: { authorization: `Bearer ${tokens.access_token}`, 'content-type': 'application/octet-stream' } });
		if (answer.status >= 500) throw new Error(`${answer.status}`);
	},
	async 'readings in doubt'({ api, wire }) {
		const engineer = await api.login('engineer');
		await wire.set('G3', 30, { register_milli: 1_000 });
		await until('a reading waits for a person', async () => (await engineer.get('/readings/doubtful')).items.length > 0, 120_000, 500);
	},
	async 'a shop that is cut off, and a meter that is silent'({ api, wire }) {
		await wire.relay('G1', SHOPS.cut, 'off', 120_000);
		const viewer = await api.login('viewer');
		await until('the meter is silent', async () => (await viewer.meterByCode('A12')).comm.state !== 'ok', 180_000, 1_000);
	},
};

/** Does all of it; the answer is what did not work. */
export async function play(world, scene, say) {
	const failed = [];
	for (const [name, run] of Object.entries(steps)) {
		say(name);
		await run(world, scene).catch((e) => failed.push(`${name}: ${String(e.message ?? e).split('\n')[0]}`));
	}
	return failed;
}
