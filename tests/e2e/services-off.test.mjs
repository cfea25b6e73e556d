// Keys of outside services that are missing, unreadable or nonsense: the programs start, the service is
// off and shown as off, one line in the log says why, and everything else works.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { chmodSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { credited, expect, newOrder, pay, tenantPhone, until, useStack } from './lib.mjs';
import { notify } from './payer.mjs';

const world = useStack({ fresh: false });
const CHANNEL = { wechat_pay: 'wechat_native', alipay: 'alipay_wap' };
const OTHER = { wechat_pay: 'alipay', alipay: 'wechat_pay' };

/** [section, key, file] of every secret that the stack's settings name a file for, and without which a
 * service is off. */
function keyFiles() {
	let section = '';
	return readFileSync(world.stack.confFile, 'utf8').split('\n').flatMap((line) => {
		section = /^\[(\w+)\]/.exec(line)?.[1] ?? section;
		const [, key, file] = /^(\w+_file)\s*=\s*(.+)$/.exec(line) ?? [];
		return key && key !== 'receipt_secret_file' && TRIED.includes(section) ? [{ section, key, file: file.trim() }] : [];
	});
}

/** Of those whose keys are tried here: the stack has no modem, and more ways to tell people. */
const TRIED = ['wechat_pay', 'alipay', 'aliyun_sms'];
const services = async () => {
	const all = (await (await fetch(`${world.stack.base}/healthz`)).json()).services;
	return Object.fromEntries(TRIED.filter((name) => name in all).map((name) => [name, all[name]]));
};

/** Both programs anew; the answer is what each said since. */
async function restart() {
	const { stack } = world;
	const log = (name) => readFileSync(stack.path('log', `${name}.log`), 'utf8');
	await Promise.all(['api', 'worker'].map((name) => stack.process(name).stop()));
	await stack.sql('DELETE FROM service_state');
	const before = { api: log('api').length, worker: log('worker').length };
	for (const name of ['api', 'worker']) stack.process(name).start();
	await until('both serve', async () => Object.keys(await services()).length >= 3 && await stack.number('SELECT COUNT(*) FROM service_state') >= 3);
	return { api: log('api').slice(before.api), worker: log('worker').slice(before.worker) };
}

const is = {
	missing: (file) => rmSync(file),
	empty: (file) => writeFileSync(file, ''),
	'a folder': (file) => {
		rmSync(file);
		mkdirSync(file);
	},
	...(process.getuid() !== 0 && { 'not ours to read': (file) => chmodSync(file, 0) }), // root reads everything
	garbage: (file) => writeFileSync(file, 'gar\0bage\xff\n'),
	'a key of the other sort': (file, was) => writeFileSync(file, readFileSync(world.stack.path('keys', /private/i.test(was) ? 'wechat_platform_public.pem' : 'wechat_merchant_private.pem'))),
};

/** Which of these a program can notice: a secret word may be anything. */
const ways = ({ key, section }) => Object.keys(is).filter((way) => section !== 'aliyun_sms' ? way !== 'a key of the other sort' || /private|public/.test(key)
	: ['missing', 'empty', 'a folder', 'not ours to read'].includes(way));

async function recharge(channel, n) {
	const tenant = await world.api.login(tenantPhone(n));
	const order = await newOrder(tenant, 1000, channel);
	await pay(world.stack, world.wire, order);
	await credited(tenant, order);
}

test('all are on while their keys are good', async () => {
	await until('the worker has said so', async () => Object.keys(await services()).length >= 3);
	assert.deepEqual(Object.entries(await services()).filter(([, state]) => state !== 'on'), []);
});

describe('a key that is', () => {
	for (const way of Object.keys(is))
		test(`${way} turns its service off, and nothing else`, async () => {
			const files = keyFiles().filter((f) => ways(f).includes(way));
			assert.ok(files.length >= 4, files.map((f) => f.key).join());
			for (const { section, key, file } of files) {
				const content = readFileSync(file, 'utf8');
				renameSync(file, `${file}.good`);
				writeFileSync(file, content);
				is[way](file, key.startsWith('private') ? 'private' : 'public');
				try {
					const said = await restart();
					const now = await services();
					assert.deepEqual(Object.keys(now).filter((name) => now[name] === 'off'), [section], `${section} ${key}`);
					for (const [program, text] of Object.entries(said)) {
						const lines = text.split('\n').filter((l) => /state=off/.test(l));
						assert.equal(lines.length, program === 'api' && section === 'aliyun_sms' ? 0 : 1, `${program}: ${lines.join('\n')}`);
						for (const line of lines) assert.match(line, new RegExp(`level=error.*key=\\S*${key.replace(/_file$/, '')}\\S* why="[^"]{8,}"`), key);
					}
					if (CHANNEL[section]) await refusedAlone(section);
				} finally {
					rmSync(file, { recursive: true, force: true });
					renameSync(`${file}.good`, file);
				}
			}
			await restart();
			assert.ok(Object.values(await services()).every((s) => s === 'on'));
		});
});

/** Its channel is refused with a clear word; its notifies too; the other service takes money. */
async function refusedAlone(section) {
	const tenant = await world.api.login(tenantPhone(81));
	const account = await tenant.account();
	const answer = await tenant.call('POST', '/me/orders', { body: { account_id: account.id, amount_fen: 1000, channel: CHANNEL[section] }, key: randomUUID() });
	assert.ok(answer.status === 503 && answer.body.code === 'not_configured' || answer.status === 201 && answer.body.pay === null, answer.text);
	const service = section === 'alipay' ? 'alipay' : 'wechat';
	const said = await notify(world.stack, service, { body: '{}', headers: {} });
	assert.ok(said.status >= 400 || said.text === 'fail', `${said.status} ${said.text}`);
	const other = OTHER[section];
	await recharge(CHANNEL[other], 82);
}

test('without any of them the platform works at the desk', async () => {
	const files = keyFiles();
	for (const { file } of files) renameSync(file, `${file}.good`);
	try {
		await restart();
		assert.ok(Object.values(await services()).every((s) => s === 'off'));
		const cashier = await world.api.login('cashier');
		await cashier.post('/shifts', {}, 201);
		const tenant = await world.api.login(tenantPhone(83));
		const account = await tenant.account();
		await cashier.post('/sales', { lines: [{ account_id: account.id, amount_fen: 1500 }], method: 'cash', tendered_fen: 1500, note: '' }, 201);
		expect(await world.api.call('POST', '/auth/sms-code', { body: { phone: tenantPhone(83) } }), 202);
	} finally {
		for (const { file } of files) renameSync(`${file}.good`, file);
	}
});
