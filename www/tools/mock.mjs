// A development tool: serves dist/ and answers /api/v1 from memory with the shapes of the real API, so that the
// pages can be seen and tried without the servers. Knows the same policy header as the real site.
//   node tools/mock.mjs [port]      tenant 13800000001 (on), …002 (cut), …003 (low, water), …004 (silent); staff: operator, cashier
import { createReadStream, existsSync, statSync } from 'node:fs';
import { createServer } from 'node:http';
import { extname, join, normalize } from 'node:path';

const DIST = join(import.meta.dirname, '..', 'dist');
const CSP = "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";
const TYPES = { '.html': 'text/html; charset=utf-8', '.js': 'text/javascript', '.css': 'text/css', '.svg': 'image/svg+xml', '.txt': 'text/plain' };
const iso = (ms = Date.now()) => new Date(ms).toISOString();
const yuan = (fen) => `${fen < 0 ? '-' : ''}${Math.floor(Math.abs(fen) / 100)}.${String(Math.abs(fen) % 100).padStart(2, '0')}0000000`;
const day = (n = 0) => new Date(Date.now() + 8 * 3600e3 + n * 86400e3).toISOString().slice(0, 10);
const noise = (n) => { const x = Math.sin(n * 12.9898) * 43758.5453; return x - Math.floor(x); };

// --- the mall
const gateways = 'ABCDE'.split('').map((letter, g) => ({
	id: g + 1, code: `G${g + 1}`, name: `${g + 1} 号竖井网关`, address: `127.0.0.1:${15020 + g}`, transport: 'modbus-tcp',
	area: `${g + 1} 号竖井`, comm: { state: 'ok', since: iso(Date.now() - 86400e3) }, meters: 74, fresh: 74, round_ms: 11800 + g * 130, utilisation_permille: 197 + g * 3, answer_ms: { p50: 175, p95: 180, p99: 191 }, faults: g === 3 ? [{ kind: 'silent', seen: 12, last_at: iso(Date.now() - 3600e3) }] : [], enabled: true, letter,
}));
const SHOPS = ['好味面馆', '晨光文具', '星巴客咖啡', '都匀毛尖茶庄', '苗家银饰', '小城理发', '鲜果时光', '一点点奶茶'];
const meters = [];
for (const g of gateways) {
	for (let u = 1; u <= 74; u++) {
		const water = u > 70;
		const pub = u > 60 && !water;
		const code = water ? `${g.letter}${u}W` : `${g.letter}${String(u).padStart(2, '0')}`;
		const shop = water ? u - 70 : u;
		const r = noise(g.id * 100 + u);
		const low = !pub && r > .965;
		const kept = code === 'C18';
		const silent = code === 'C17';
		const cut = code === 'A41' || code === 'B07' || code === 'A02' || code === 'D05';
		const balance = cut ? -318 : low ? 1850 : 3000 + Math.floor(r * 40000);
		meters.push({
			id: g.id * 1000 + u, code, name: pub ? `${g.area} 公区照明 ${u - 60}` : `${SHOPS[u % 8]}`, utility: water ? 'water' : 'electricity', role: pub ? 'public' : 'tenant', billing: pub ? 'none' : 'account',
			model: water ? 'xintai-water' : pub ? 'acrel-dtsd1352' : u % 10 ? 'acrel-ddsy1352' : 'acrel-dtsy1352', unit: u, serial: `20211206${String(g.id * 1000 + u)}`,
			gateway: { id: g.id, code: g.code, name: g.name }, area: { id: g.id, name: g.area }, tenant: pub ? null : { id: g.id * 100 + shop, code: `T${g.letter}${shop}`, name: SHOPS[shop % 8], room: `${g.letter}-${100 + shop}` },
			account: pub ? null : { id: g.id * 1000 + u, balance: yuan(balance), level: cut ? 'arrears' : low ? 'low1' : 'ok' },
			...(water ? { volume_l: 31200 + u } : { energy_wh: 12345670 + Math.floor(r * 1e7), power_w: cut ? 0 : Math.floor(r * 4200), voltage_mv: u % 10 || pub ? [228100 + Math.floor(r * 4000)] : [228100, 229700, 230200], current_ma: cut ? [0] : [Math.floor(r * 18000)] }),
			supply: pub ? null : { state: silent ? 'unreachable' : cut ? 'off' : 'on', since: iso(Date.now() - 26 * 60e3), desired: cut ? 'off' : 'on', reason: cut ? 'arrears' : kept ? 'keep' : 'none' },
			comm: { state: silent ? 'silent' : 'ok', since: iso(Date.now() - 360e3) }, read_at: iso(Date.now() - (silent ? 360e3 : r * 12e3)), enabled: true, display: pub ? 'public' : silent ? 'silent' : cut ? 'cut' : kept ? 'kept' : low ? 'low' : 'on',
			acts: [], blocks: cut ? [{ kind: 'arrears', cause: '', since: iso(Date.now() - 26 * 60e3), actor: 'system', reason: null }] : [], keep_until: kept ? iso(Date.now() + 5 * 3600e3) : null, fault: null,
			energy_by_rate_wh: water ? null : { sharp: 0, peak: 5123450, flat: 4876540, valley: 2345680 }, fen: balance,
		});
	}
}
const meter_of = (id) => meters.find((m) => m.id === id);
let turn = 1;
setInterval(() => {
	turn++;
	for (const m of meters) if (m.comm.state === 'ok' && noise(turn + m.id) > .8) m.read_at = iso();
}, 3000).unref();

const orders = [];
const sales = [];
let shift = null;
const notices = [{ id: 1, at: iso(Date.now() - 7200e3), kind: 'low1', text: '【星力城】A-103 好味面馆：电费余额 ¥49.80，低于提醒线 ¥50，请及时充值。', account_id: 1003, channel: 'sms', state: 'sent' }];
const alerts = {};

function used(n, water) { return water ? { volume_l: 180 + Math.floor(noise(n) * 400) } : { energy_wh: 14000 + Math.floor(noise(n) * 12000) }; }
function charge(of) { return of.volume_l !== undefined ? yuan(Math.floor(of.volume_l * .42)) : yuan(Math.floor(of.energy_wh * .0885)); }
function account(m) {
	const water = m.utility === 'water';
	const with_charge = (n) => { const u = used(n, water); return { energy_wh: 0, volume_l: 0, ...u, charge: charge(u) }; };
	return {
		id: m.id, purpose: m.utility, tenant: m.tenant, balance: yuan(m.fen), credit_limit: '0.000000000', warn1: '50.000000000', warn2: '20.000000000',
		level: m.account.level, emergency: { limit: '20.000000000', available: m.supply.state === 'off' && m.blocks.some((b) => b.kind === 'arrears'), taken_at: null },
		days_left: m.fen > 0 ? Math.floor(m.fen / (water ? 240 : 2031)) : 0, daily_average: water ? '2.400000000' : '20.310000000',
		meter: { id: m.id, code: m.code, name: m.name, serial: m.serial, area: `星力城 ${m.area.name}` }, supply: m.supply, read_at: m.read_at,
		today: with_charge(m.id), yesterday: with_charge(m.id + 1), month: water ? { energy_wh: 0, volume_l: 8400, charge: '35.280000000' } : { energy_wh: 462300, volume_l: 0, charge: '408.900000000' },
		last_amount_fen: 20000, presets_fen: [5000, 10000, 20000, 30000, 50000], min_fen: 100, max_fen: 2000000, energy_price_now: water ? null : '0.885000000', rate_now: 'flat',
	};
}
function usage(m, q) {
	const items = [];
	const water = m.utility === 'water';
	const step = q.get('step');
	const end = q.get('to') < day() ? q.get('to') : day();
	for (let d = q.get('from'), n = 0; d <= end && n < 800; n++, d = new Date(Date.parse(`${d}T00:00:00Z`) + 86400e3).toISOString().slice(0, 10)) {
		const seed = Date.parse(d) / 86400e3 + m.id;
		if (step === 'hour') {
			const last = d === day() ? Number(iso(Date.now() + 8 * 3600e3).slice(11, 13)) : 23;
			for (let h = 0; h <= last; h++) {
				const wh = Math.floor((h > 8 && h < 22 ? 1300 : 180) * (.6 + noise(seed * 24 + h)));
				const u = water ? { volume_l: Math.floor(wh / 60) } : { energy_wh: wh };
				items.push({ label: `${d}T${String(h).padStart(2, '0')}`, ...u, charge: charge(u), provisional: d === day() });
			}
			continue;
		}
		const u = used(seed, water);
		if (d === day()) for (const k of Object.keys(u)) u[k] = Math.floor(u[k] * .6);
		const label = step === 'month' ? d.slice(0, 7) : d;
		const old = items[items.length - 1];
		if (old?.label === label) {
			for (const k of Object.keys(u)) old[k] += u[k];
			old.charge = charge(old);
		} else items.push({ label, ...u, charge: charge(u), provisional: d === day() });
	}
	if (step !== 'hour')
		for (const i of items) i.lines = [{ rate: 'peak', tier: 1, price: '1.0987', ...(i.volume_l !== undefined ? { volume_l: i.volume_l } : { energy_wh: Math.floor(i.energy_wh * .6) }), charge: i.charge },
			...(i.volume_l !== undefined ? [] : [{ rate: 'valley', tier: 1, price: '0.312', energy_wh: i.energy_wh - Math.floor(i.energy_wh * .6), charge: '1.200000000' }])];
	return { meter_id: m.id, step, zone: 'Asia/Shanghai', items, next: null };
}
function pay_in(m, fen) {
	m.fen += fen;
	m.account.balance = yuan(m.fen);
	m.account.level = m.fen <= 0 ? 'arrears' : m.fen < 5000 ? 'low1' : 'ok';
	if (m.fen > 0 && m.supply?.state === 'off' && !m.blocks.some((b) => b.kind === 'manual')) switch_to(m, true);
	else if (m.supply?.state === 'on') m.display = m.account.level === 'ok' ? 'on' : 'low';
	turn++;
}
function switch_to(m, on, act) {
	if (on) m.blocks = [];
	m.supply = { ...m.supply, state: 'switching', desired: on ? 'on' : 'off', reason: on ? 'none' : m.supply.reason };
	turn++;
	setTimeout(() => {
		m.supply = { ...m.supply, state: on ? 'on' : 'off', since: iso() };
		m.display = on ? (m.account?.level === 'ok' ? 'on' : 'low') : m.blocks.some((b) => b.kind === 'manual') ? 'off' : 'cut';
		if (!on) m.power_w = 0;
		if (act) Object.assign(act, { state: 'done', done_at: iso() });
		turn++;
	}, 1500);
}
function settle(o) {
	if (o.state === 'paid') return;
	Object.assign(o, { state: 'paid', paid_at: iso(), receipt_no: `YF-${day().replace(/-/g, '')}-${String(480 + o.id).padStart(6, '0')}` });
	setTimeout(() => { o.credited_at = iso(); pay_in(meter_of(o.account_id), o.amount_fen); }, 700);
}
const order_view = (o) => { const m = meter_of(o.account_id); return { ...o, balance: yuan(m.fen), supply: { state: m.supply.state, since: m.supply.since } }; };

function tariff(meter_id) {
	const slots = [['00:00', 'valley'], ['07:00', 'flat'], ['10:00', 'peak'], ['15:00', 'flat'], ['18:00', 'peak'], ['22:00', 'valley']];
	const version = (effective_from, prices) => ({ effective_from, tier_cycle: 'month', tiers_upto_kwh: ['260', '600'], calendar: [{ days: 'workday', slots }, { days: 'all', slots: [['00:00', 'flat']] }], prices });
	const versions = [version('2026-01-01T00:00:00+08:00', { peak: ['1.0987', '1.1487', '1.3987'], flat: ['0.6583', '0.7083', '0.9583'], valley: ['0.312', '0.362', '0.612'] }), version('2027-01-01T00:00:00+08:00', { peak: ['1.12', '1.17', '1.42'], flat: ['0.66', '0.71', '0.96'], valley: ['0.3', '0.35', '0.6'] })];
	return { meter_id, zone: 'Asia/Shanghai', tier: 2, rate: 'flat', price: '0.708300', energy_wh: 312400, items: [{ from: '2026-01-01T00:00:00.000Z', file: { code: 'shop', name: '商铺分时阶梯', utility: 'electricity', versions } }], next: null };
}
function bill(m, q) {
	const items = [];
	for (let n = 6; n >= 0; n--) {
		if (day(-n) < q.get('from') || day(-n) > q.get('to')) continue;
		for (const [rate, price, wh, charge] of [['peak', '1.098700', 9000, '9.888300000'], ['flat', '0.658300', 12000, '7.899600000']])
			items.push({ day: day(-n), book_day: day(-n), late: false, meter: { id: m.id, code: m.code, name: m.name }, rate, tier: 1, price, energy_wh: wh, charge, sealed: n > 0, explained: true, readings: [{ from: `${day(-n)}T00:00:00.000Z`, from_register: 24700000, to: `${day(-n)}T10:00:00.000Z`, to_register: 24700000 + wh, ratio: 1, rolled_over: false, part: true, energy_wh: wh }] });
	}
	return { account_id: m.id, zone: 'Asia/Shanghai', from: q.get('from'), to: q.get('to'), charge: yuan(items.length * 889), items, next: null };
}

// --- http
const STAFF = { operator: ['meter.read', 'meter.control', 'alarm.read', 'gateway.read'], cashier: ['meter.read', 'sale.create', 'account.read'], admin: ['meter.read', 'meter.control', 'sale.create', 'alarm.read', 'alarm.ack', 'account.read', 'notice.read', 'notice.edit', 'setting.read'], viewer: ['meter.read'] };
class No extends Error { constructor(status, code, detail = '') { super(code); Object.assign(this, { status, code, detail }); } }
const list = (items) => ({ items, next: null });
const tokens = (who) => ({ access_token: `a.${who}`, token_type: 'Bearer', expires_in: 900, refresh_token: `r.${who}` });

function mine(who) {
	const n = Number(who.slice(-3));
	const g = gateways[Math.floor((n - 1) / 60)];
	const u = ((n - 1) % 60) + 1;
	return meters.filter((m) => m.gateway.id === g.id && m.tenant && m.tenant.id === g.id * 100 + u);
}
function route(method, path, q, body, who) {
	const at = (re) => { const m = re.exec(`${method} ${path}`); return m && m.slice(1); };
	let p;
	if (at(/^POST \/auth\/login$/)) {
		if (body.password !== 'yufu-demo') throw new No(401, 'wrong_password');
		return [200, tokens(body.username)];
	}
	if (at(/^POST \/auth\/sms-code$/)) return [202, { expires_in: 300, resend_after: 60 }];
	if (at(/^POST \/auth\/sms-login$/)) { if (body.code !== '123456') throw new No(401, 'wrong_code'); return [200, tokens(body.phone)]; }
	if (at(/^POST \/auth\/refresh$/)) { if (!body.refresh_token?.startsWith('r.')) throw new No(401, 'unauthorized'); return [200, tokens(body.refresh_token.slice(2))]; }
	if (at(/^POST \/auth\/logout$/)) return [204, null];
	if (!who) throw new No(401, 'token_expired');
	const own = /^1\d{10}$/.test(who) ? mine(who) : [];
	if (at(/^GET \/me$/)) {
		const site = { code: 'duyun', name: '都匀星力城', zone: 'Asia/Shanghai' };
		if (own.length) return [200, { id: 1, kind: 'tenant', name: own[0].tenant.name, phone: who, role: 'tenant', permissions: [], site, tenants: [own[0].tenant] }];
		return [200, { id: 2, kind: 'staff', name: who, phone: null, role: who, permissions: STAFF[who] || [], site, tenants: [] }];
	}
	if (at(/^GET \/me\/accounts$/)) return [200, list(own.map(account))];
	if (at(/^GET \/me\/meters$/)) return [200, list(own.map((m) => ({ ...m, account_id: m.id })))];
	if (at(/^GET \/me\/usage$/)) return [200, usage(meter_of(Number(q.get('meter_id'))), q)];
	if (at(/^GET \/me\/statement$/)) {
		const m = meter_of(Number(q.get('account_id')));
		const items = [];
		let balance = m.fen;
		for (let n = 0; n < 9 && day(-n) >= q.get('from') && day(-n) <= q.get('to'); n++) {
			items.push({ at: `${day(-n)}T10:00:00.000Z`, kind: n === 3 ? 'recharge' : m.utility === 'water' ? 'water' : 'energy', amount: n === 3 ? '200.000000000' : '-18.923400000', balance: yuan(balance), memo: null, order_id: null, receipt_no: n === 3 ? 'YF-20261119-000102' : null, energy_wh: n === 3 ? null : 21400, volume_l: null });
			balance += n === 3 ? -20000 : 1892;
		}
		return [200, { account_id: m.id, opening: yuan(balance), closing: yuan(m.fen), items: q.get('from').slice(0, 7) === day().slice(0, 7) ? items : [], next: null }];
	}
	if (at(/^GET \/me\/orders$/)) return [200, list(orders.filter((o) => own.some((m) => m.id === o.account_id)).map(order_view).reverse())];
	if (at(/^POST \/me\/orders$/)) {
		const m = own.find((x) => x.id === body.account_id);
		if (!m) throw new No(404, 'not_found');
		const id = orders.length + 1;
		const no = `YF${Date.now()}${id}`;
		const o = { id, out_trade_no: no, account_id: m.id, meter: { code: m.code, name: m.name }, amount_fen: body.amount_fen, channel: body.channel, state: 'pending', pay: null, created_at: iso(), expires_at: iso(Date.now() + 900e3), paid_at: null, credited_at: null, receipt_no: null };
		o.pay = body.channel === 'wechat_native' ? { code_url: `weixin://wxpay/bizpayurl?pr=${no}` } : body.channel === 'wechat_h5' ? { h5_url: `/sandbox/pay?no=${no}` } : { pay_url: `/sandbox/pay?no=${no}` };
		orders.push(o);
		return [201, order_view(o)];
	}
	if ((p = at(/^GET \/me\/orders\/(\d+)$/))) { const o = orders[p[0] - 1]; if (!o) throw new No(404, 'not_found'); return [200, order_view(o)]; }
	if (at(/^GET \/me\/notices$/)) return [200, list(notices)];
	if (at(/^GET \/me\/pay-channels$/)) return [200, list(['wechat_jsapi', 'wechat_h5', 'wechat_native', 'alipay_wap', 'alipay_page', 'alipay_qr'].map((channel) => ({ channel, service: channel.split('_')[0], on: true })))];
	if (at(/^GET \/me\/repayment$/)) return [200, { account_id: Number(q.get('account_id')), owed: '0.000000000', permille: 0, cap_fen: 0 }];
	if (at(/^GET \/me\/tariff$/)) return [200, tariff(Number(q.get('meter_id')))];
	if (at(/^GET \/me\/bill$/)) return [200, bill(meter_of(Number(q.get('account_id'))), q)];
	if (at(/^GET \/me\/shares$/)) return [200, list([{ group: { id: 1, name: '二层走廊' }, kind: 'public', basis: 'area', utility: 'electricity', day: day(-1), account_id: own[0]?.id, weight: 85, of_weight: 1240, charge: '1.320000000', energy_wh: 1820, volume_l: null, of_energy_wh: 26550, of_volume_l: null, lines: [] }])];
	if (at(/^GET \/me\/fees$/)) return [200, list([{ id: 1, account_id: own[0]?.id, kind: 'property_fee', monthly_fen: 42500, next: { month: day().slice(0, 7), due_day: day(2), amount_fen: 42500 } }])];
	if (at(/^GET \/me\/sessions$/)) return [200, list([{ id: 1, current: true, agent: 'Mozilla/5.0 (iPhone) MicroMessenger/8.0', address: '127.0.0.1', since: iso(Date.now() - 86400e3), last_used_at: iso() }, { id: 2, current: false, agent: 'Mozilla/5.0 (Linux; Android 14)', address: '10.0.0.8', since: iso(Date.now() - 9 * 86400e3), last_used_at: iso(Date.now() - 7200e3) }])];
	if (at(/^GET \/me\/wechat$/)) return [200, { available: true, apps: [] }];
	if (at(/^GET \/me\/alert-settings$/)) return [200, alerts[who] || { items: own.map((m) => ({ account_id: m.id, purpose: m.utility, warn1: '50.000000000', warn2: '20.000000000' })), language: 'zh' }];
	if (at(/^PUT \/me\/alert-settings$/)) return [200, (alerts[who] = body)];
	if ((p = at(/^POST \/me\/accounts\/(\d+)\/emergency-credit$/))) { const m = meter_of(Number(p[0])); pay_in(m, 2000); return [200, account(m)]; }
	if (at(/^GET \/me\/sub-tenants$/)) return [200, list(who.endsWith('003') ? [{ id: 1, name: '好味面馆 外摆档', meter: { id: 1004, code: 'A04', name: '外摆' }, supply: meter_of(1004).supply, switched_off: meter_of(1004).supply.state === 'off' }] : [])];
	if ((p = at(/^POST \/me\/sub-tenants\/(\d+)\/supply$/))) { const m = meter_of(1004); switch_to(m, body.action === 'on'); return [200, { id: 1, name: '好味面馆 外摆档', meter: { id: 1004, code: 'A04', name: '外摆' }, supply: m.supply, switched_off: body.action === 'off' }]; }
	return staff_route(at, q, body, who);
}
const hours = (last) => Array.from({ length: 24 }, (_, h) => (h > last ? null : Math.floor((h > 8 && h < 22 ? 320e3 : 70e3) * (.8 + noise(h + last) * .4))));
const brief = ({ acts, blocks, keep_until, fault, energy_by_rate_wh, fen, ...m }) => m;

function staff_route(at, q, body, who) {
	const may = (name) => { if (!(STAFF[who] || []).includes(name)) throw new No(403, 'forbidden'); };
	let p;
	const count = (d) => meters.filter((m) => m.display === d).length;
	if (at(/^GET \/board$/)) return [200, { at: iso(), meters_total: meters.length, meters_fresh: meters.filter((m) => Date.now() - Date.parse(m.read_at) < 60e3).length, low: count('low'), cut: count('cut'), kept: count('kept'), silent: count('silent'), sales_today_fen: 1842000, orders_today: 71, power_back_p95_ms: 1420, alarms_open: 3, orders_open: 2, sales_by_channel: [{ channel: 'wechat_jsapi', fen: 1242000, count: 52 }, { channel: 'alipay_wap', fen: 400000, count: 14 }, { channel: 'cash', fen: 200000, count: 5 }] }];
	if (at(/^GET \/board\/states$/)) return [200, { at: iso(), states: Object.fromEntries(['on', 'low', 'cut', 'off', 'kept', 'moving', 'silent', 'public'].map((w) => [w, meters.filter((m) => (m.supply?.state === 'switching' ? 'moving' : m.display) === w).map((m) => m.id)])) }, `"${turn}"`];
	if (at(/^GET \/board\/load$/)) return [200, { at: iso(), today_wh: hours(new Date().getHours()), yesterday_wh: hours(23) }];
	if (at(/^GET \/meters\/\d+\/tariffs$/)) return [200, list([{ tariff_id: 1, code: 'shop-tou', name: '商铺分时阶梯', from: null }])];
	if (at(/^GET \/sales$/)) return [200, list([...sales].reverse().map((s) => ({ id: s.id, receipt_no: s.receipt_no, shift_id: 1, method: s.method, total_fen: s.total_fen, at: s.at, entry_id: s.id, reprints: s.reprints, shops: s.lines.map((l) => `${l.tenant.room} ${l.tenant.name}`).join('; '), reversed_by: s.undone || null })))];
	if ((p = at(/^GET \/sales\/(\d+)$/))) { const s = sales[p[0] - 1]; s.reprints++; return [200, { ...s, copy: true }]; }
	if ((p = at(/^POST \/entries\/(\d+)\/reverse$/))) { sales[p[0] - 1].undone = 900; return [201, {}]; }
	if (at(/^GET \/meters$/)) return [200, list(meters.filter((m) => `${m.code} ${m.name} ${m.tenant?.room}`.includes(q.get('q') || '')).slice(0, Number(q.get('limit')) || 1000).map(brief)), `"${turn}"`];
	if ((p = at(/^GET \/meters\/(\d+)$/))) { const m = meter_of(Number(p[0])); if (!m) throw new No(404, 'not_found'); const { fen, ...rest } = m; return [200, rest]; }
	if ((p = at(/^GET \/meters\/(\d+)\/usage$/))) return [200, usage(meter_of(Number(p[0])), q)];
	if ((p = at(/^POST \/meters\/(\d+)\/supply$/))) {
		may('meter.control');
		const m = meter_of(Number(p[0]));
		const act = null;
		if (body.action === 'keep') { m.keep_until = body.until || null; m.display = 'kept'; m.supply.reason = 'keep'; } else if (body.action === 'auto') { m.keep_until = null; m.supply.reason = 'none'; m.display = m.account?.level === 'ok' ? 'on' : 'low'; } else if (m.supply.state !== body.action) {
			// as in the real thing the poller begins the act a little later
			const begun = { id: Date.now(), action: body.action, state: 'sent', reason: body.reason, actor: who, created_at: iso(), done_at: null, error: null };
			setTimeout(() => m.acts.unshift(begun), 500);
			if (body.action === 'off') m.blocks = [{ kind: 'manual', cause: '', since: iso(), actor: who, reason: body.reason }];
			switch_to(m, body.action === 'on', begun);
		}
		turn++;
		return [202, { meter_id: m.id, desired: m.supply.desired, reason: m.supply.reason, blocks: m.blocks, keep_until: m.keep_until, act: act && { id: act.id, state: act.state }, supply: m.supply }];
	}
	if ((p = at(/^POST \/meters\/(\d+)\/read$/))) { meter_of(Number(p[0])).read_at = iso(); return [202, { meter_id: Number(p[0]), requested_at: iso() }]; }
	if (at(/^GET \/gateways$/)) return [200, list(gateways.map(({ letter, ...g }) => ({ ...g, fresh: g.id === 3 ? 73 : 74 })))];
	if (at(/^GET \/alarms$/)) return [200, list([
		{ id: 1, kind: 'meter_silent', severity: 'warn', object: { kind: 'meter', id: 3017, code: 'C17' }, text: '失联 6 分钟，总线其余 73 只正常', raised_at: iso(Date.now() - 360e3), cleared_at: null, acked_at: null },
		{ id: 2, kind: 'use_while_off', severity: 'urgent', object: { kind: 'meter', id: 1041, code: 'A41' }, text: '断电后仍有用电 0.32 kWh，疑似触点粘连', raised_at: iso(Date.now() - 1560e3), cleared_at: null, acked_at: null },
		{ id: 3, kind: 'slow_bus', severity: 'warn', object: { kind: 'gateway', id: 2, code: 'G2' }, text: '2 号竖井一轮 12.4 s，比昨日慢 8%', raised_at: iso(Date.now() - 3600e3), cleared_at: null, acked_at: null }])];
	if (at(/^GET \/accounts$/)) return [200, list(meters.filter((m) => m.tenant && `${m.code} ${m.tenant.name} ${m.tenant.room}`.includes(q.get('q') || '')).slice(0, 30).map((m) => ({ id: m.id, purpose: m.utility, tenant: { ...m.tenant, phone: `13800000${String(m.id % 1000).padStart(3, '0')}` }, meter: { id: m.id, code: m.code, name: m.name }, balance: yuan(m.fen), level: m.account.level })))];
	if (at(/^GET \/shifts$/)) return [200, list(shift ? [shift] : [])];
	if (at(/^POST \/shifts$/)) return [201, (shift = { id: 1, opened_at: iso(), closed_at: null, sales_fen: 0, count: 0 })];
	if (at(/^POST \/shifts\/\d+\/close$/)) { const s = { ...shift, closed_at: iso(), counted_fen: body.counted_fen, expected_fen: shift.sales_fen, difference_fen: body.counted_fen - shift.sales_fen }; shift = null; return [200, s]; }
	if (at(/^POST \/sales$/)) {
		may('sale.create');
		if (!shift) throw new No(409, 'shift_closed');
		const total = body.lines.reduce((a, l) => a + l.amount_fen, 0);
		const lines = body.lines.map((l, n) => { const m = meter_of(l.account_id); pay_in(m, l.amount_fen); return { account_id: m.id, entry_id: n + 1, amount_fen: l.amount_fen, service_fen: 0, debt_fen: 0, balance: yuan(m.fen), tenant: m.tenant, meter: { id: m.id, code: m.code, name: m.name }, supply: { state: m.supply.state, since: m.supply.since } }; });
		shift.sales_fen += total;
		shift.count++;
		const sale = { id: sales.length + 1, receipt_no: `YF-${day().replace(/-/g, '')}-${String(100 + sales.length).padStart(6, '0')}`, method: body.method, total_fen: total, tendered_fen: body.tendered_fen, change_fen: body.tendered_fen - total, at: iso(), copy: false, reprints: 0, lines };
		sales.push(sale);
		return [201, sale];
	}
	throw new No(404, 'not_found');
}

const seen = new Map();
function answer(req, res, text) {
	const url = new URL(req.url, 'http://x');
	const who = /^Bearer a\.(.*)$/.exec(req.headers.authorization || '')?.[1];
	const key = req.headers['idempotency-key'];
	const send = ([status, body, etag]) => {
		if (etag && req.headers['if-none-match'] === etag) return res.writeHead(304, { ETag: etag }).end();
		res.writeHead(status, { 'Content-Type': status < 400 ? 'application/json' : 'application/problem+json', 'Cache-Control': 'no-store', ...(etag ? { ETag: etag } : {}) });
		res.end(status === 204 ? undefined : JSON.stringify(body));
	};
	try {
		if (key && seen.has(key)) return send(seen.get(key));
		const result = route(req.method, url.pathname.slice(7), url.searchParams, text ? JSON.parse(text) : {}, who);
		if (key) seen.set(key, result);
		send(result);
	} catch (e) {
		if (!(e instanceof No)) console.error(e);
		send([e.status || 500, { type: 'about:blank', title: e.code || 'internal', status: e.status || 500, code: e.code || 'internal', detail: e.detail || e.message, request_id: '1' }]);
	}
}
function file(res, path, fallback) {
	const real = existsSync(path) && statSync(path).isFile() ? path : fallback;
	res.writeHead(200, { 'Content-Type': TYPES[extname(real)] || 'application/octet-stream', 'Content-Security-Policy': CSP, 'Cache-Control': 'no-cache' });
	createReadStream(real).pipe(res);
}
const server = createServer((req, res) => {
	const url = new URL(req.url, 'http://x');
	const path = normalize(url.pathname);
	if (path.startsWith('/api/v1/')) {
		let text = '';
		req.on('data', (part) => { text += part; });
		req.on('end', () => setTimeout(() => answer(req, res, text), Number(process.env.DELAY_MS || 20)));
		return;
	}
	if (path === '/sandbox/info') return res.writeHead(200, { 'Content-Type': 'application/json' }).end('{"sandbox":true}');
	if (path === '/sandbox/pay') {
		const o = orders.find((x) => req.url.includes(x.out_trade_no));
		if (o) settle(o);
		return res.writeHead(200, { 'Content-Type': 'text/html; charset=utf-8' }).end(o ? `paid <a href="/order/${o.id}">back</a>` : 'no such order');
	}
	if (path === '/staff') return res.writeHead(301, { Location: '/staff/' }).end();
	if (path.startsWith('/staff/')) return file(res, join(DIST, 'staff', path.slice(7)), join(DIST, 'staff', 'index.html'));
	file(res, join(DIST, 'tenant', path), join(DIST, 'tenant', /^\/[^/]+\/[^/]*$/.test(path) ? 'deeper.html' : 'index.html'));
});
server.listen(Number(process.argv[2] || 0), '127.0.0.1', () => console.log(`http://127.0.0.1:${server.address().port}/`));
