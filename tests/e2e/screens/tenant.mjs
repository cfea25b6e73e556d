// The tenants' screens. A line: name, who looks, address, and what is done before the picture. The states
// that an order passes in seconds are told by an answer that stands still.
import { PHONE_AGENT, WECHAT_AGENT } from '../browser.mjs';
import { SHOPS } from './scene.mjs';
import { printed } from './walk.mjs';

const id = (name) => `[data-testid="${name}"]`;
const click = (name) => async (page) => { await page.click(id(name)); };
const phone = (n) => `138${String(n).padStart(8, '0')}`;

const ago = (seconds) => new Date(Date.now() - seconds * 1000).toISOString();

/** The API's answers about one order, as they are at a moment. */
const orderIs = (which, change = () => ({})) => async (page, { scene }) => {
	const order = { ...scene[which], ...change() };
	await page.route(`**/api/v1/me/orders/${order.id}`, (r) => r.fulfill({ json: order }));
	await page.go(`/order/${order.id}`);
};
/** What an order for the shop of others says and does not say. */
const OTHERS = { account_id: null, balance: null, payee: { room: 'A-103', name: '好**', utility: 'electricity' } };
const order = (name, as, which, change) => ({ name: `order-${name}`, page: 'order', as, act: orderIs(which, change) });
const receipt = async (page, { scene }) => {
	await page.go(`/receipt/${scene.paid.id}`);
	await page.waitForSelector(id('receipt'));
};
const invoice = (name, which) => ({ name: `invoice-${name}`, page: 'invoices', as: SHOPS.on, act: async (page, { scene }) => {
	await page.go(`/invoices/${scene.invoices[which]}`);
	await page.waitForSelector(id('invoice'));
} });
const cut_off = async (page) => {
	page.spoilt = true;
	await page.route('**/api/**', (r) => r.abort());
	await page.go('/');
	await page.waitForSelector('.banner');
};
const broken = async (page) => {
	page.spoilt = true;
	await page.route('**/api/v1/me**', (r) => r.fulfill({ status: 500, json: { type: 'about:blank', title: 'x', status: 500, code: 'internal' } }));
	await page.evaluate(() => Object.keys(localStorage).filter((k) => k.includes('.cache.')).forEach((k) => localStorage.removeItem(k)));
	await page.reload();
};

export const TENANT = [
	{ name: 'login', at: '/login' },
	{ name: 'login-code', at: '/login', act: click('login-by-code') },
	{ name: 'login-wrong', at: '/login', act: async (page) => {
		await page.fill(id('login-phone'), phone(1));
		await page.fill(id('login-password'), 'not this one');
		await page.click(id('login-submit'));
		await page.waitForSelector('.wrong:not(:empty)');
	} },
	{ name: 'login-wechat', at: '/login?wechat=off', agent: WECHAT_AGENT },
	{ name: 'home', as: SHOPS.on },
	{ name: 'home-desktop', as: SHOPS.on, wide: true },
	{ name: 'home-large', as: SHOPS.on, large: true },
	{ name: 'home-320', as: SHOPS.on, width: 320 },
	{ name: 'home-switch', as: SHOPS.on, act: click('switch-account') },
	{ name: 'home-low', as: SHOPS.low },
	{ name: 'home-cut', as: SHOPS.cut },
	{ name: 'home-cut-water', as: SHOPS.waterCut },
	{ name: 'home-kept', as: SHOPS.kept },
	{ name: 'home-off', as: SHOPS.off },
	{ name: 'home-silent', as: SHOPS.silent },
	{ name: 'home-fee', as: SHOPS.fee },
	{ name: 'home-offline', as: SHOPS.on, act: cut_off },
	{ name: 'home-error', as: SHOPS.on, act: broken },
	{ name: 'recharge', as: SHOPS.on, at: '/recharge' },
	{ name: 'recharge-desktop', as: SHOPS.on, at: '/recharge', wide: true, agent: '' },
	{ name: 'recharge-other', as: SHOPS.on, at: '/recharge', act: async (page) => {
		await page.click(id('amount-other'));
		await page.fill(id('amount-input'), '88.5');
	} },
	{ name: 'recharge-bad', as: SHOPS.on, at: '/recharge', act: async (page) => {
		await page.click(id('amount-other'));
		await page.fill(id('amount-input'), '8x');
	} },
	{ name: 'recharge-other-shop', as: SHOPS.on, at: '/recharge', act: click('pay-other-open') },
	{ name: 'pay-other', page: 'payother', as: SHOPS.on, at: '/p/A03', act: async (page) => { await page.waitForSelector(id('pay-other')); } },
	{ name: 'pay-other-320', as: SHOPS.on, at: '/p/A03', width: 320, act: async (page) => { await page.waitForSelector(id('pay-other')); } },
	{ name: 'pay-other-large', as: SHOPS.on, at: '/p/A03', large: true, act: async (page) => { await page.waitForSelector(id('pay-other')); } },
	{ name: 'pay-other-unknown', as: SHOPS.on, at: '/p/NONE', act: async (page) => { await page.waitForSelector('main [role=alert]:not(:empty)'); } },
	{ name: 'emergency', as: SHOPS.cut, act: click('emergency') },
	order('asking', SHOPS.waits, 'waiting', () => ({ pay: null, state: 'created' })),
	order('waiting', SHOPS.waits, 'waiting'),
	order('waiting-alipay', SHOPS.waits, 'waitingAlipay'),
	order('closed', SHOPS.waits, 'waiting', () => ({ state: 'closed' })),
	order('crediting', SHOPS.pays, 'back', () => ({ credited_at: null })),
	order('switching', SHOPS.pays, 'back', () => ({ credited_at: ago(3), supply: { state: 'switching', since: ago(3) } })),
	order('unreachable', SHOPS.pays, 'back', () => ({ supply: { state: 'unreachable', since: ago(3) } })),
	order('owing', SHOPS.pays, 'back', () => ({ supply: { state: 'off', since: ago(3) }, balance: '-1.200000000' })),
	order('back', SHOPS.pays, 'back'),
	order('credited', SHOPS.on, 'paid'),
	order('others-back', SHOPS.on, 'paid', () => ({ ...OTHERS, supply: { state: 'on', since: ago(-1) } })),
	order('others-off', SHOPS.on, 'paid', () => ({ ...OTHERS, supply: { state: 'off', since: ago(3) } })),
	{ name: 'receipt', page: 'receipt', as: SHOPS.on, act: receipt },
	{ name: 'receipt-picture', page: 'receipt', as: SHOPS.on, act: async (page, { scene }) => {
		await receipt(page, { scene });
		await page.click(id('receipt-save'));
		await page.waitForSelector(id('receipt-picture'));
	} },
	{ name: 'receipt-print', page: 'receipt', as: SHOPS.on, act: async (page, { scene }) => {
		await receipt(page, { scene });
		await printed(page);
	} },
	{ name: 'order-unknown', as: SHOPS.on, at: '/order/999999' },
	{ name: 'usage-hour', as: SHOPS.on, at: '/usage', act: click('step-hour') },
	{ name: 'usage-day', as: SHOPS.on, at: '/usage', act: click('step-day') },
	{ name: 'usage-month', as: SHOPS.on, at: '/usage', act: click('step-month') },
	{ name: 'usage-table', as: SHOPS.on, at: '/usage', act: click('usage-table') },
	{ name: 'usage-water', as: SHOPS.on, at: '/usage', act: click('meter-A71W') },
	{ name: 'bill', as: SHOPS.on, at: '/bill' },
	{ name: 'bill-before', as: SHOPS.on, at: '/bill', act: click('bill-prev') },
	{ name: 'bill-print', as: SHOPS.on, at: '/bill', act: async (page) => {
		await page.click(id('bill-prev'));
		await page.quiet();
		await printed(page);
	} },
	{ name: 'price', as: SHOPS.on, at: '/price' },
	{ name: 'records', as: SHOPS.on, at: '/records' },
	{ name: 'records-empty', as: 20, at: '/records' },
	{ name: 'statement', as: SHOPS.on, at: '/records', act: click('records-statement') },
	{ name: 'notices', as: SHOPS.cut, at: '/records', act: click('records-notices') },
	{ name: 'invoices', as: SHOPS.on, at: '/invoices' },
	{ name: 'invoices-empty', as: 20, at: '/invoices' },
	invoice('issued', 'issued'), invoice('asked', 'asked'), invoice('refused', 'refused'),
	{ name: 'invoice-withdraw', page: 'invoices', as: SHOPS.on, act: async (page, { scene }) => {
		await page.go(`/invoices/${scene.invoices.asked}`);
		await page.click(id('invoice-withdraw'));
		await page.waitForSelector(id('invoice-withdraw-yes'));
	} },
	{ name: 'invoice-new', as: SHOPS.on, at: '/invoices/new' },
	{ name: 'invoice-nothing', as: 20, at: '/invoices/new' },
	{ name: 'invoice-bad', as: SHOPS.on, at: '/invoices/new', act: async (page) => {
		await page.fill(id('invoice-title'), '莲花茶馆有限公司');
		await page.fill(id('invoice-tax'), '91350100M000100Y44');
		await page.fill(id('invoice-email'), 'a@');
		await page.click(id('invoice-send'));
	} },
	{ name: 'me', as: SHOPS.on, at: '/me' },
	{ name: 'subs', as: SHOPS.subs, at: '/subs' },
	{ name: 'subs-off', as: SHOPS.subs, at: '/subs', act: async (page) => {
		await page.click(`${id('sub-switch')} >> nth=0`);
		await page.waitForSelector(id('sub-confirm'));
	} },
	{ name: 'subs-none', as: SHOPS.on, at: '/subs' },
	{ name: 'alerts', as: SHOPS.on, at: '/alerts' },
	{ name: 'alerts-bad', as: SHOPS.on, at: '/alerts', act: async (page) => {
		await page.fill(id('warn1-electricity'), '1');
		await page.click(id('alerts-save'));
	} },
	{ name: 'devices', as: SHOPS.on, at: '/devices' },
	{ name: 'password', as: SHOPS.on, at: '/password' },
	{ name: 'former', as: SHOPS.on, at: '/former' },
	{ name: 'me-emergency', as: SHOPS.cut, at: '/me', act: click('me-emergency') },
	{ name: 'me-wechat', as: SHOPS.on, at: '/me', agent: WECHAT_AGENT },
].map((s) => ({ at: '/', agent: PHONE_AGENT, page: s.at?.split(/[/?]/)[1] || 'home', ...s, app: 'tenant', name: `tenant-${s.name}`, as: s.as && phone(s.as) }));
