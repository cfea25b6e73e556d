// Orders beside their payment: ways to pay, what the payer reads, purses that take no recharge, and
// payments that no order takes.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { describe, test } from 'node:test';
import { credited, expect, newOrder, pay, tenantPhone } from '../lib.mjs';
import { notify, wechatNotify, wechatPaid } from '../payer.mjs';

const SHOP = 61;
const PAYER = 62; // pays for that shop
const THIRD = 63;
const WECHAT_APP = 'wx8888888888888888';
const reason = '凭证已核对';

export default function (world) {
	describe('orders and payments', () => {
		const post = (session, path, body, key = randomUUID()) => session.call('POST', path, { key, body });
		const tell = async (order, changes) => {
			const answer = await notify(world.stack, 'wechat', wechatNotify(world.stack, wechatPaid(order, changes)));
			assert.ok([200, 204].includes(answer.status), `${answer.status}`);
		};
		const silent = () => world.wire.behave('wechat', 'notify_never');
		const unmatched = async (finance, order) => (await finance.get('/unmatched-payments?state=open')).items.find((u) => u.out_trade_no === order.out_trade_no);
		const wrong = async (tenant, fen) => {
			const order = await newOrder(tenant, 2_000);
			await tell(order, { amount: { total: fen, payer_total: fen, currency: 'CNY', payer_currency: 'CNY' } });
			return order;
		};

		test('the page is told which ways to pay there are', async () => {
			const tenant = await world.api.login(tenantPhone(SHOP));
			const { items } = await tenant.get('/me/pay-channels');
			assert.deepEqual(items.map((c) => c.channel), ['wechat_jsapi', 'wechat_h5', 'wechat_native', 'alipay_wap', 'alipay_page', 'alipay_qr']);
			assert.ok(items.every((c) => c.on));
			const account = await tenant.account();
			const order = { account_id: account.id, amount_fen: 5_000, channel: 'cheque' };
			expect(await post(tenant, '/me/orders', order), 422, 'bad_value');
		});

		test('inside WeChat needs a login from there', async () => {
			const tenant = await world.api.login(tenantPhone(SHOP));
			const account = await tenant.account();
			const order = { account_id: account.id, amount_fen: 5_000, channel: 'wechat_jsapi' };
			expect(await post(tenant, '/me/orders', order), 404, 'wechat_not_bound');
			const user = (await tenant.get('/me')).id;
			await world.stack.sql(`INSERT INTO user_wechat VALUES ('${WECHAT_APP}', 'oOrdersTest00000000000000001', ${user}, 1)`);
			const made = expect(await post(tenant, '/me/orders', order), 201).body;
			assert.equal(await world.stack.number(`SELECT payer_id = 'oOrdersTest00000000000000001' FROM pay_order WHERE id = ${made.id}`), 1);
		});

		test('an order names its meter, and staff find it', async () => {
			await silent();
			const tenant = await world.api.login(tenantPhone(SHOP));
			const finance = await world.api.login('finance');
			const account = await tenant.account();
			const order = await newOrder(tenant, 2_000);
			assert.equal(order.meter.code, account.meter.code);
			assert.match(order.description, new RegExp(`电费 表${account.meter.code}`));
			const page = await fetch(`${world.stack.base}/sandbox/pay?code_url=${encodeURIComponent(order.pay.code_url)}`);
			assert.ok((await page.text()).includes(order.description), 'the payer reads the same');
			const [found] = (await finance.get(`/orders?number=${order.out_trade_no}&service=wechat&state=pending`)).items;
			assert.equal(found.id, order.id);
			assert.equal(found.meter.code, account.meter.code);
			assert.equal((await finance.get(`/orders/${order.id}`)).out_trade_no, order.out_trade_no);
			expect(await finance.call('GET', '/orders/999999'), 404, 'not_found');
			expect(await tenant.call('GET', `/orders/${order.id}`), 403, 'forbidden');
		});

		test('a purse that is barred takes neither orders nor sales', async () => {
			const tenant = await world.api.login(tenantPhone(SHOP));
			const admin = await world.api.login('admin');
			const account = await tenant.account();
			const put = (body) => admin.call('PUT', `/accounts/${account.id}/recharge-block`, { body });
			expect(await put({ blocked: true, reason: '' }), 422);
			assert.equal(expect(await put({ blocked: true, reason: '纠纷' }), 200).body.reason, '纠纷');
			assert.equal((await admin.get(`/accounts/${account.id}/recharge-block`)).blocked, true);
			const order = { account_id: account.id, amount_fen: 5_000, channel: 'wechat_native' };
			expect(await post(tenant, '/me/orders', order), 409, 'recharge_blocked');
			if (!(await admin.get('/shifts?open=1')).items.length) await admin.post('/shifts', {}, 201);
			const sale = { lines: [{ account_id: account.id, amount_fen: 5_000 }], method: 'cash', tendered_fen: 5_000, note: '' };
			expect(await post(admin, '/sales', sale), 409, 'recharge_blocked');
			expect(await put({ blocked: false, reason: '已解决' }), 200);
			expect(await post(tenant, '/me/orders', order), 201);
		});

		test('limits of the site count for orders and for the page', async () => {
			const tenant = await world.api.login(tenantPhone(SHOP));
			const admin = await world.api.login('admin');
			const set = async (value) => expect(await admin.call('PUT', '/settings', { body: { name: 'order_min_fen', value, reason } }), 200);
			await set(300);
			const account = await tenant.account();
			assert.equal(account.min_fen, 300);
			expect(await post(tenant, '/me/orders', { account_id: account.id, amount_fen: 299, channel: 'wechat_native' }), 422, 'amount_too_small');
			await set(100);
		});

		test('a wrong amount is given to a purse, or back, or closed', async () => {
			await silent();
			const tenant = await world.api.login(tenantPhone(SHOP));
			const finance = await world.api.login('finance');
			const account = await tenant.account();
			const first = await wrong(tenant, 1_900);
			let u = await unmatched(finance, first);
			assert.equal(u.why, 'amount');
			assert.equal(u.amount_fen, 1_900);
			assert.ok((await finance.get('/orders?mismatch=1')).items.some((o) => o.id === first.id && o.unmatched === 1));
			expect(await post(await world.api.login('cashier'), `/unmatched-payments/${u.id}/credit`, { account_id: account.id, reason }), 403, 'forbidden');
			expect(await post(finance, `/unmatched-payments/${u.id}/credit`, { account_id: 999_999, reason }), 404, 'not_found');
			const key = randomUUID();
			for (let i = 0; i < 2; i++)
				assert.equal(expect(await post(finance, `/unmatched-payments/${u.id}/credit`, { account_id: account.id, reason }, key), 200).body.state, 'credited');
			expect(await post(finance, `/unmatched-payments/${u.id}/close`, { reason }), 409, 'conflict');
			assert.equal((await finance.get(`/unmatched-payments/${u.id}`)).account_id, account.id);
			assert.equal((await tenant.get(`/me/statement?account_id=${account.id}`)).items.filter((m) => m.kind === 'found').length, 1);

			u = await unmatched(finance, await wrong(tenant, 1_800));
			const back = expect(await post(finance, `/unmatched-payments/${u.id}/refund`, { reason }), 200).body;
			const refund = await finance.get(`/refunds/${back.refund_id}`);
			assert.equal(refund.unmatched_id, u.id);
			assert.equal(refund.account_id, null);
			assert.equal(refund.service, 'wechat');

			u = await unmatched(finance, await wrong(tenant, 1_700));
			assert.equal(expect(await post(finance, `/unmatched-payments/${u.id}/close`, { reason }), 200).body.state, 'closed');
		});

		test('another shop is paid for by the code of its meter, and shows neither purse nor balance', async () => {
			await world.wire.behave('wechat', 'normal');
			const [owner, payer, third] = [await world.api.login(tenantPhone(SHOP)), await world.api.login(tenantPhone(PAYER)), await world.api.login(tenantPhone(THIRD))];
			const account = await owner.account();
			const { code } = account.meter;
			const masked = { room: account.tenant.room, name: `${[...account.tenant.name][0]}**` };
			const payee = await payer.get(`/me/payee?meter=${code}`);
			assert.deepEqual(payee, { meter: code, utility: 'electricity', ...masked, presets_fen: account.presets_fen, min_fen: account.min_fen, max_fen: account.max_fen });
			assert.equal((await owner.get(`/me/payee?meter=${code}`)).account_id, account.id);

			const order = await payer.post('/me/orders', { meter: code, amount_fen: 2_100, channel: 'wechat_native' }, 201);
			assert.deepEqual([order.account_id, order.balance, order.supply, order.payee], [null, null, null, { ...masked, utility: 'electricity' }]);
			assert.deepEqual(order.meter, { code, name: '' });
			for (const other of [owner, third]) expect(await other.call('GET', `/me/orders/${order.id}`), 404, 'not_found');
			await pay(world.stack, world.wire, order);
			const paid = await credited(payer, order);
			const { balance } = await owner.account();
			assert.equal(Number(balance) > Number(account.balance) + 20, true, `${account.balance} to ${balance}`);

			const seen = await owner.order(order.id);
			assert.deepEqual([seen.by_another, seen.payee, seen.account_id, seen.transaction_id], [true, null, account.id, null]);
			assert.ok((await owner.get('/me/orders')).items.some((o) => o.id === order.id));
			assert.equal((await (await world.api.login('finance')).get(`/orders/${order.id}`)).by_another, true);
			assert.equal((await owner.get(`/me/statement?account_id=${account.id}`)).items.filter((m) => m.order_id === order.id).length, 1);
			expect(await third.call('GET', `/me/orders/${order.id}`), 404, 'not_found');
			assert.ok((await third.get('/me/orders')).items.every((o) => o.id !== order.id));

			assert.ok(paid.receipt_no && paid.transaction_id);
			const listed = (await payer.get('/me/orders')).items.find((o) => o.id === order.id);
			const file = await payer.call('GET', '/me/orders?format=csv');
			for (const text of [JSON.stringify(paid), JSON.stringify(listed), file.text])
				for (const secret of [account.tenant.name, tenantPhone(SHOP), balance, balance.slice(0, -7), account.meter.name, `"account_id":${account.id}`]) assert.ok(!text.includes(secret), `${secret} in ${text}`);
			assert.deepEqual((await payer.get(`/me/orders?account_id=${account.id}`)).items, []);
			expect(await payer.call('GET', `/me/statement?account_id=${account.id}`), 404, 'not_found');
			assert.equal((await world.stack.number(`SELECT COUNT(*) FROM notice WHERE account_id = ${account.id} AND kind = 'recharged' AND text LIKE '%21.00%'`)), 1);
		});

		test('water that somebody else pays for goes to the purse of water', async () => {
			const admin = await world.api.login('admin');
			const payer = await world.api.login(tenantPhone(PAYER));
			const meter = (await admin.get('/meters?utility=water')).items.find((m) => m.account && m.tenant.name !== (payer.name ?? ''));
			assert.equal((await payer.get(`/me/payee?meter=${meter.code}`)).utility, 'water');
			const order = await payer.post('/me/orders', { meter: meter.code, amount_fen: 1_000, channel: 'alipay_wap' }, 201);
			await pay(world.stack, world.wire, order);
			await credited(payer, order);
			assert.equal(await world.stack.number(`SELECT a.purpose = 'water' AND o.account_id = ${meter.account.id} FROM pay_order o JOIN account a ON a.id = o.account_id WHERE o.id = ${order.id}`), 1);
		});

		test('what may not be paid for by others is refused, by name or in the same words', async () => {
			const [owner, payer, admin] = [await world.api.login(tenantPhone(SHOP)), await world.api.login(tenantPhone(PAYER)), await world.api.login('admin')];
			const account = await owner.account();
			const { code } = account.meter;
			const ask = (meter) => payer.call('GET', `/me/payee?meter=${encodeURIComponent(meter)}`);
			const plain = ({ request_id, ...rest }) => rest;
			const none = plain(expect(await ask('NOPE'), 404, 'not_found').body);
			assert.equal(none.field, 'meter');
			const vacant = (await admin.get('/meters?role=public')).items[0].code;
			for (const wrong of [code.toLowerCase(), `${code} `, code.slice(0, -1), '%', vacant]) assert.deepEqual(plain(expect(await ask(wrong), 404).body), none, wrong);
			const order = { meter: code, amount_fen: 5_000, channel: 'wechat_native' };
			const refuse = async (body, status, word, field) => assert.equal(expect(await post(payer, '/me/orders', body), status, word).body.field, field);
			const { meter, ...nobody } = order;
			await refuse({ ...order, meter: 'NOPE' }, 404, 'not_found', 'meter');
			await refuse({ ...order, account_id: account.id }, 422, 'bad_value', 'meter');
			await refuse(nobody, 400, 'missing_field', 'account_id');
			await refuse({ ...nobody, account_id: account.id }, 404, 'not_found', 'account_id');
			await refuse({ ...order, amount_fen: 99 }, 422, 'amount_too_small', 'amount_fen');

			const bar = (blocked) => admin.call('PUT', `/accounts/${account.id}/recharge-block`, { body: { blocked, reason } });
			expect(await bar(true), 200);
			await refuse(order, 409, 'recharge_blocked', 'meter');
			expect(await bar(false), 200);
			const set = async (name, value) => expect(await admin.call('PUT', '/settings', { body: { name, value, reason } }), 200);
			await set('balance_cap_fen', 100);
			await refuse(order, 422, 'amount_too_large', 'amount_fen');
			await set('balance_cap_fen', 5_000_000);
			await set('pay_for_others', 0);
			assert.equal((await payer.account()).pay_for_others, false);
			assert.deepEqual(plain(expect(await ask(code), 404).body), none);
			await refuse(order, 404, 'not_found', 'meter');
			expect(await post(owner, '/me/orders', { ...order, meter: code }), 201); // one's own, named by its meter
			await set('pay_for_others', 1);
			expect(await post(payer, '/me/orders', order), 201);
		});

		test('only a refund that waits for a person is sent again', async () => {
			const tenant = await world.api.login(tenantPhone(SHOP));
			const admin = await world.api.login('admin');
			await world.wire.behave('wechat', 'normal');
			const order = await newOrder(tenant, 2_000);
			await pay(world.stack, world.wire, order);
			await credited(tenant, order);
			const refund = await admin.post(`/accounts/${(await tenant.account()).id}/refund`, { amount_fen: 100, method: 'bank', reason }, 201);
			expect(await post(admin, `/refunds/${refund.id}/retry`, {}), 409, 'conflict');
			expect(await post(admin, `/refunds/${refund.id}/done`, {}), 200);
		});

		test('an invoice is asked for once, follows a refund, is issued, told of, voided, and asked for anew', async () => {
			const tenant = await world.api.login(tenantPhone(SHOP));
			const other = await world.api.login(tenantPhone(SHOP + 1));
			const finance = await world.api.login('finance');
			const orders = [];
			for (const fen of [2_000, 3_000]) {
				const order = await newOrder(tenant, fen);
				await pay(world.stack, world.wire, order);
				orders.push(await credited(tenant, order));
			}
			const order_ids = orders.map((o) => o.id);
			const free = async () => (await tenant.get('/me/orders?invoiceable=1')).items.map((o) => o.id).filter((id) => order_ids.includes(id)).length;
			const wish = { order_ids, kind: 'company', title: '莲花茶馆有限公司', tax_no: '91350100M000100Y43', email: 'a@lotus.example' };
			assert.equal(await free(), 2);
			assert.equal((await tenant.get('/me/invoices/title')).title, null);
			const wrong = expect(await post(tenant, '/me/invoices', { ...wish, tax_no: '91350100M000100Y44' }), 422, 'bad_value').body;
			assert.equal(wrong.field, 'tax_no');
			assert.match(wrong.detail, /check character, would be 3/);
			expect(await post(tenant, '/me/invoices', { ...wish, tax_no: undefined }), 400, 'missing_field');
			expect(await post(other, '/me/invoices', wish), 404, 'not_found');
			expect(await post(finance, '/me/invoices', wish), 403, 'forbidden');

			const key = randomUUID();
			const asked = expect(await post(tenant, '/me/invoices', wish, key), 201).body;
			assert.deepEqual(expect(await post(tenant, '/me/invoices', wish, key), 201).body, asked);
			assert.equal(asked.amount_fen, 5_000);
			assert.deepEqual(asked.orders.map((o) => o.amount_fen), [2_000, 3_000]);
			assert.equal(expect(await post(tenant, '/me/invoices', { ...wish, order_ids: [order_ids[1]] }), 409, 'already').body.field, 'order_ids[0]');
			assert.equal(await free(), 0);
			assert.equal((await tenant.order(order_ids[0])).invoice_id, asked.id);
			assert.deepEqual(await tenant.get('/me/invoices/title'), { kind: 'company', title: wish.title, tax_no: wish.tax_no, email: wish.email });
			assert.equal((await tenant.get(`/me/invoices/${asked.id}`)).state, 'asked');

			const at = `/invoices/${asked.id}`;
			const issued = { number: `N${Date.now()}`, date: new Date().toISOString().slice(0, 10), url: 'https://tax.example/1.pdf' };
			expect(await post(await world.api.login('cashier'), `${at}/issue`, issued), 403, 'forbidden');
			expect(await post(finance, `${at}/issue`, { ...issued, url: 'http://tax.example/1.pdf' }), 422, 'bad_value');
			expect(await post(finance, `${at}/void`, { reason, red_number: 'R1' }), 409, 'conflict');
			expect(await post(finance, `/orders/${order_ids[1]}/refund`, { amount_fen: 1_000, reason }), 201);
			assert.equal((await finance.get(at)).left_fen, 4_000);
			assert.match(expect(await post(finance, `${at}/issue`, issued), 409, 'conflict').body.detail, /4000 fen/);
			expect(await post(finance, `${at}/issue`, { ...issued, amount_fen: 5_000 }), 409, 'conflict');
			const done = expect(await post(finance, `${at}/issue`, { ...issued, amount_fen: 4_000 }), 200).body;
			assert.deepEqual([done.state, done.amount_fen, done.number], ['issued', 4_000, issued.number]);
			expect(await post(tenant, `/me/invoices/${asked.id}/withdraw`, {}), 409, 'conflict');
			assert.equal((await tenant.get('/me/notices')).items.filter((n) => n.kind === 'invoice_issued').length, 1);
			assert.equal((await tenant.get('/me/invoices')).items[0].url, issued.url);

			expect(await post(finance, `/orders/${order_ids[0]}/refund`, { amount_fen: 500, reason }), 201);
			const [changed] = (await finance.get('/invoices?changed=1&state=issued&q=莲花')).items;
			assert.deepEqual([changed.id, changed.amount_fen, changed.left_fen], [asked.id, 4_000, 3_500]);
			const file = (await finance.call('GET', `/invoices?format=csv&number=${issued.number}`, { headers: { 'accept-language': 'zh' } })).text;
			assert.match(file, /,抬头,.*\r\n.*莲花茶馆有限公司.*,40\.00,35\.00,true,/);
			const gone = expect(await post(finance, `${at}/void`, { reason: '部分退款', red_number: `R${Date.now()}` }), 200).body;
			assert.equal(gone.state, 'voided');
			const again = expect(await post(tenant, '/me/invoices', wish), 201).body;
			assert.equal(again.amount_fen, 3_500);
			assert.equal(expect(await post(tenant, `/me/invoices/${again.id}/withdraw`, {}), 200).body.state, 'withdrawn');
			const third = expect(await post(tenant, '/me/invoices', { ...wish, kind: 'personal', title: '王芳', tax_no: undefined }), 201).body;
			assert.equal(expect(await post(finance, `/invoices/${third.id}/refuse`, { reason: '抬头不全' }), 200).body.reason, '抬头不全');
			assert.equal((await tenant.get('/me/notices')).items[0].kind, 'invoice_refused');
			assert.equal(await free(), 2);
			const trail = (await (await world.api.login('admin')).get(`/audit?object=invoice:${asked.id}`)).items.map((r) => r.action).reverse();
			assert.deepEqual(trail.filter((a) => a.startsWith('invoice.') && a !== 'invoice.edit'), ['invoice.ask', 'invoice.look', 'invoice.issue', 'invoice.void']);
		});
	});
}
