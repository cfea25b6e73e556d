// The staff's screens. Each place of www/src/staff/places.ts has a line here: `list` opens a row of it, and
// each form of the row and of the page in turn; `view` is a page by itself.
import { printed } from './walk.mjs';

const id = (name) => `[data-testid="${name}"]`;
const sheet = '.sheet, [role=dialog]';

/** Every form that the buttons inside `where` open, one picture each. */
async function forms(page, shot, where, prefix, before) {
	const names = await page.$$eval(`${where} [data-testid^="${prefix}"]`, (all) => all.map((b) => b.dataset.testid));
	for (const name of names) {
		await page.click(id(name));
		await page.waitForSelector(sheet);
		await shot(`${before}-${name.slice(prefix.length).replace(/-\d+$/, '')}`);
		await page.keyboard.press('Escape');
		await page.waitForSelector(sheet, { state: 'detached' });
	}
}
const list = (name, { at = `/${name}`, row, ...more } = {}) => ({
	name, at, ...more, place: name,
	async act(page, world, shot) {
		await shot('');
		await forms(page, shot, '.list > .pane', 'top-', '-form');
		const opens = page.locator(row ? `tr:has-text("${row}") .opens` : '.opens').first();
		if (!await opens.count()) return;
		await opens.click();
		await page.waitForSelector(id('drawer'));
		await page.quiet();
		await shot('-row');
		await forms(page, shot, id('drawer'), 'do-', '-row');
	},
});
const view = (name, more = {}) => ({ name, at: `/${name}`, place: name, ...more });
const meter = (code) => async (page) => {
	await page.click(id(`tile-${code}`));
	await page.waitForSelector(id('detail-state'));
};
const asks = (code, action) => async (page) => {
	await meter(code)(page);
	await page.click(id(`action-${action}`));
	await page.waitForSelector(id('reason'));
};
const find = async (page, text, name = 'found') => {
	await page.fill(id('sale-find'), text);
	await page.waitForSelector(`[data-testid^="${name}-"]`);
};
async function fill_sale(page) {
	await find(page, 'A-102');
	await page.click('[data-testid^="found-"] >> nth=0');
	await page.click(id('sale-amount-10000'));
	await page.fill(id('sale-tendered'), '150');
}
async function sold(page) {
	await fill_sale(page);
	await page.click(id('sale-confirm'));
	await page.waitForSelector(id('receipt'));
}
const broken = (path) => async (page) => {
	page.spoilt = true;
	await page.route(`**/api/v1${path}**`, (r) => r.fulfill({ status: 500, json: { type: 'about:blank', title: 'x', status: 500, code: 'internal', ticket: 'A1B2C3' } }));
	await page.go(new URL(page.url()).pathname.replace('/staff', '') || '/');
};

/** Before anything has happened: lists without rows, the desk before its shift. */
export const STAFF_BEFORE = [
	{ name: 'login', at: '/login', as: null },
	{ name: 'login-wrong', at: '/login', as: null, act: async (page) => {
		await page.fill(id('login-phone'), 'cashier');
		await page.fill(id('login-password'), 'not this one');
		await page.click(id('login-submit'));
		await page.waitForSelector('.wrong:not(:empty)');
	} },
	{ name: 'desk-closed', at: '/sales', as: 'cashier' },
	{ name: 'refunds-empty', at: '/refunds' }, { name: 'invoices-empty', at: '/invoices' }, { name: 'unmatched-empty', at: '/unmatched' }, { name: 'batches-empty', at: '/batches' },
	{ name: 'approvals-empty', at: '/approvals' }, { name: 'webhooks-empty', at: '/webhooks' },
];

export const STAFF = [
	view('board', { at: '/', as: 'operator', act: async (page) => { await page.waitForSelector(id('tile-A01')); } }),
	{ name: 'board-phone', at: '/', as: 'operator', narrow: true, act: async (page) => { await page.waitForSelector(id('tile-A01')); } },
	{ name: 'board-menu-phone', at: '/', as: 'operator', narrow: true, act: async (page) => { await page.click('.top .menu'); } },
	{ name: 'board-find', at: '/', as: 'operator', act: async (page) => {
		await page.waitForSelector(id('tile-A01'));
		await page.fill(id('find'), '面馆');
		page.spoilt = true; // what the board shows stays chosen
	} },
	{ name: 'board-cut', at: '/', as: 'operator', act: async (page) => {
		await page.click(id('legend-cut'));
		page.spoilt = true;
	} },
	{ name: 'board-none', at: '/', as: 'operator', act: async (page) => {
		await page.fill(id('find'), 'zzzz');
		page.spoilt = true;
	} },
	{ name: 'meter', at: '/', as: 'operator', act: meter('A01') },
	{ name: 'meter-cut', at: '/', as: 'operator', act: meter('A03') },
	{ name: 'meter-kept', at: '/', as: 'operator', act: meter('A07') },
	{ name: 'meter-silent', at: '/', as: 'operator', act: meter('A12') },
	{ name: 'meter-public', at: '/', as: 'operator', act: meter('A61') },
	{ name: 'meter-water', at: '/', as: 'operator', act: meter('A71W') },
	{ name: 'meter-viewer', at: '/', as: 'viewer', act: meter('A01') },
	{ name: 'meter-phone', at: '/', as: 'operator', narrow: true, act: meter('A01') },
	{ name: 'control-off', at: '/', as: 'operator', act: asks('A01', 'off') },
	{ name: 'control-on', at: '/', as: 'operator', act: asks('A09', 'on') },
	{ name: 'control-keep', at: '/', as: 'operator', act: asks('A01', 'keep') },
	{ name: 'control-auto', at: '/', as: 'operator', act: asks('A07', 'auto') },
	view('sales', { as: 'cashier' }),
	{ name: 'desk-phone', at: '/sales', as: 'cashier', narrow: true, act: fill_sale },
	{ name: 'desk-found', at: '/sales', as: 'cashier', act: (page) => find(page, 'A-10') },
	{ name: 'desk-nobody', at: '/sales', as: 'cashier', act: async (page) => { await page.fill(id('sale-find'), 'zzzz'); } },
	{ name: 'desk-lines', at: '/sales', as: 'cashier', act: fill_sale },
	{ name: 'desk-receipt', at: '/sales', as: 'cashier', act: sold },
	{ name: 'desk-receipt-print', at: '/sales', as: 'cashier', act: async (page) => {
		await sold(page);
		await printed(page);
	} },
	{ name: 'desk-closing', at: '/sales', as: 'cashier', act: async (page) => { await page.click(id('shift-close')); } },
	list('shifts', { as: 'cashier' }),
	list('meters', { row: 'A01' }),
	view('labels', { at: '/labels?q=A0' }),
	{ name: 'labels-phone', at: '/labels?q=A0', narrow: true },
	view('message_texts'), view('system'),
	{ name: 'list-view', at: '/meters?utility=water&view=1', act: async (page) => { await page.waitForSelector(sheet); } },
	{ name: 'meters-out', at: '/meters?enabled=0' },
	list('contracts', { at: '/contracts?q=A-101' }),
	list('accounts', { at: '/accounts?q=A-101' }),
	{ name: 'contract-steps', at: '/contracts?act=contract_open', act: async (page, world, shot) => {
		await page.fill('#f-tenant-code', 'S-1');
		await page.fill('#f-tenant-name', '新开的店');
		await page.click(id('act-go'));
		await page.fill('#f-meters-0-meter_id', 'A61');
		await page.waitForSelector('[role=option]');
		await shot('-meters');
		await page.keyboard.press('Enter');
		await page.click(id('act-go'));
		await shot('-purses');
		await page.click(id('act-go'));
		await page.quiet();
		await shot('-preview');
	} },
	{ name: 'form-missing', at: '/fees?act=fee_add', act: async (page) => { await page.click(id('act-go')); } },
	list('alarms'),
	{ name: 'alarms-phone', at: '/alarms', narrow: true },
	list('orders', { row: '已支付' }),
	{ name: 'orders-phone', at: '/orders', narrow: true },
	list('refunds'), list('unmatched'), list('attempts'),
	list('invoices'),
	{ name: 'invoices-phone', at: '/invoices', narrow: true },
	{ name: 'invoices-changed', at: '/invoices?changed=1' },
	{ name: 'invoice-issue', at: '/invoices?state=asked', act: async (page) => {
		await page.click('button.opens >> nth=0');
		await page.click(id('do-invoice_issue'));
		await page.waitForSelector(sheet);
	} },
	list('entries'), list('days'), list('reconciliations'), list('services'), list('payouts'),
	view('tariffs'),
	{ name: 'tariff', at: '/tariffs?open=1', act: async (page) => { await page.waitForSelector('.calendar svg'); } },
	{ name: 'tariff-edit', at: '/tariffs?open=1', act: async (page) => { await page.click(id('tariff-edit')); } },
	{ name: 'tariff-new', at: '/tariffs?open=new' },
	list('fee_preview', { at: '/fee_preview' }),
	list('fees'), list('fee_cuts'), list('shares'),
	view('share_days', { act: async (page) => { await page.click('[data-testid="share-parts"] .opens >> nth=0'); } }),
	view('reports'),
	...['usage-day', 'energy-money', 'sales-day', 'debtors', 'losses'].map((r) => ({ name: `report-${r}`, at: `/reports?report=${r}` })),
	{ name: 'report-print', at: '/reports?report=energy-money', act: printed },
	list('supply_points'), list('schedules'), list('batches'),
	view('brake'), { name: 'brake-pull', at: '/brake?act=brake_pull', as: 'operator', act: async (page) => { await page.waitForSelector(sheet); } },
	list('gateways'), list('approvals'), list('doubtful'), list('outbox'), list('duty'),
	view('import'),
	{ name: 'import-bad', at: '/import', act: async (page) => {
		await page.setInputFiles(id('import-file'), { name: 'meters.csv', mimeType: 'text/csv', buffer: Buffer.from('code,name,gateway,unit,model\nZ01,新表,G1,300,acrel-ddsy1352\nZ02,新表,G1,200,acrel-ddsy1352\n') });
		await page.waitForSelector(id('import-bad'));
	} },
	{ name: 'import-good', at: '/import', act: async (page) => {
		await page.setInputFiles(id('import-file'), { name: 'meters.csv', mimeType: 'text/csv', buffer: Buffer.from('code,name,gateway,unit,model\nZ01,新表,G1,201,acrel-ddsy1352\n') });
		await page.waitForSelector(id('import-good'));
	} },
	list('imports'),
	list('users', { row: 'cashier' }), list('service_accounts'), view('permissions'),
	list('audit'), list('jobs'), list('sites'), list('areas'),
	view('settings'),
	...['fee_cut', 'refund_limit_fen', 'quiet_from_min'].map((name) => ({ name: `settings-${name}`, at: `/settings?act=setting_change&row=${name}`, act: async (page) => { await page.waitForSelector(sheet); } })),
	{ name: 'settings-none-match', at: '/settings', act: async (page) => { await page.fill(id('setting-find'), 'zzzz'); } },
	view('holidays'),
	{ name: 'holidays-days', at: '/holidays', act: async (page) => { await page.click('.month >> nth=9 >> button >> nth=4'); } },
	view('webhooks'),
	{ name: 'webhook', at: '/webhooks', act: async (page) => { await page.click('[data-testid^="webhook-"]:not([data-testid="webhook-add"]) >> nth=0'); } },
	{ name: 'webhook-add', at: '/webhooks', act: async (page) => { await page.click(id('webhook-add')); } },
	view('account'),
	{ name: 'no-permission', at: '/users', as: 'viewer' },
	{ name: 'no-page', at: '/nothing' },
	{ name: 'list-none-match', at: '/contracts?q=zzzz' },
	{ name: 'list-error', at: '/contracts', act: broken('/contracts') },
	{ name: 'board-error', at: '/', as: 'operator', act: broken('/meters') },
	{ name: 'board-offline', at: '/', as: 'operator', act: async (page) => {
		await page.waitForSelector(id('tile-A01'));
		await page.route('**/api/**', (r) => r.abort());
		await page.waitForSelector('.banner[role=alert]', { timeout: 45_000 });
	} },
	{ name: 'list-offline', at: '/contracts', act: async (page) => {
		await page.route('**/api/v1/contracts**', (r) => r.abort());
		await page.reload();
		await page.waitForSelector('.failed, .banner, [role=alert]');
	} },
];
for (const all of [STAFF, STAFF_BEFORE])
	for (const s of all) Object.assign(s, { app: 'staff', name: `staff-${s.name}`, as: s.as === undefined ? 'admin' : s.as });
