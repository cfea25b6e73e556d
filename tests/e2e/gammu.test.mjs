// Messages by a GSM modem: the real gammu-smsd sends them, and what the network would get is decoded by a
// library that is not ours. Whole texts, each once, whatever the daemon and the modem do.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { run } from '../support/process.mjs';
import { expect, tenantPhone, until, useStack } from './lib.mjs';
import { decode, Modem } from './modem.mjs';

const SIGN = '【预付】';
const STORY_UNIT = 5;
const modem = new Modem();
const world = useStack({
	fresh: false,
	modem,
	ready: () => until('the modem is alive', alive),
	conf: {
		gammu: { database: 'smsd', sign_name: '预付', alive_s: 15 },
		notice: { order: 'gammu' },
		// No other way.
		aliyun_sms: { endpoint: '' },
		tencent_sms: { endpoint: '' },
	},
	// One shop begins with two fen: what it uses within a minute brings it to zero.
	editMall: (mall) => {
		const meter = mall.meters.find((m) => m.gateway === 'G1' && Number(m.unit) === STORY_UNIT);
		const tenant = mall.tenants.find((x) => [x.meters].flat().join(';').split(';').includes(meter.code));
		mall.purses.find((p) => p.tenant === tenant.code && p.purpose === 'electricity').opening_balance = '0.02';
	},
});

let calls = 0;
const messages = new Map();

async function channel(verb, { phone, kind = 'restored', language = 'zh', id, params, ref = '' }) {
	const { stack } = world;
	const last = verb === 'send' ? JSON.stringify(params) : ref;
	const env = {
		...process.env,
		YUFU_DATABASE_USER: 'yufu_worker',
		YUFU_DATABASE_PASSWORD_FILE: stack.path('keys', 'yufu_worker'),
	};
	return JSON.parse(await run(process.env.MODEM_CALL, [stack.confFile, verb, phone, kind, language, id, last], { env }));
}

/** Hands a message over, to a phone of its own; the text is what the shop's name makes it. */
async function send(shop, { language = 'zh', purse = language === 'en' ? 'water' : '电费' } = {}) {
	const n = ++calls;
	const message = { phone: String(13_900_000_000 + n), language, id: `test-${n}`, params: { shop, purse } };
	const answer = await channel('send', message);
	messages.set(message.id, message);
	return { ...message, ...answer };
}

const ENDING = '的电费已恢复供应。';
/** A name that makes the whole text so many UTF-16 units long. */
const nameFor = (units, pattern = '好味面馆') => pattern.repeat(units).slice(0, units - SIGN.length - ENDING.length);
const textOf = (shop) => `${SIGN}${shop}${ENDING}`;

/** What every part on the air must be. */
function assertParts(parts, { text, unicode = true }) {
	assert.equal(parts.map((p) => p.text).join(''), text);
	const limit = unicode ? [70, 67] : [160, 153];
	for (const [i, p] of parts.entries()) {
		assert.equal(p.unicode, unicode);
		assert.equal(p.octets, p.length, 'AT+CMGS says how many octets follow');
		assert.ok(p.units <= limit[parts.length > 1 ? 1 : 0], `part of ${p.units}`);
		assert.ok(!/^[\udc00-\udfff]|[\ud800-\udbff]$/.test(p.text), 'no character is cut');
		assert.ok(p.first & 0x20, 'a delivery report is asked for');
		if (parts.length === 1) assert.equal(p.joined, null);
		else assert.deepEqual(p.joined, { reference: parts[0].joined.reference, total: parts.length, no: i + 1 });
	}
}

async function fate(m) {
	const answer = await channel('look_up', m);
	assert.equal(answer.result, 'ok', JSON.stringify([m, answer]));
	return answer;
}

/** Every part has its report. */
async function delivered(m) {
	await until('the message was delivered', async () => (await fate(m)).fate === 'delivered', 30_000, 250);
}

const smsd = (text) => world.stack.sql(text, { database: 'smsd' });

const alive = async () => (await smsd('SELECT ID FROM phones WHERE TimeOut > NOW()')).length === 1;

/** The daemon locks a message for a minute; a test does not wait for that. */
const unlock = () => smsd('UPDATE outbox SET SendingTimeOut = NOW() - INTERVAL 1 SECOND WHERE SendingTimeOut > NOW()');

test('the decoder reads vectors that are not ours', () => {
	const file = path.join(import.meta.dirname, '../vectors/pay/sms_pdu_ucs2.json');
	const { single, long } = JSON.parse(readFileSync(file, 'utf8'));
	assert.equal(decode(single.pdu, single.cmgs_length).text, single.text);
	assert.equal(decode(single.pdu, single.cmgs_length).octets, single.cmgs_length);
	assert.equal(long.parts.map((p) => decode(p.pdu, 0).text).join(''), long.text);
});

test('texts of every length arrive whole, and their reports come back', async () => {
	modem.behave();
	const cases = [
		[nameFor(22), 1], [nameFor(70), 1], [nameFor(71), 2], [nameFor(90), 2], [nameFor(134), 2], [nameFor(135), 3],
		[`${'面'.repeat(66 - SIGN.length)}😀店`, 2], // the pair would lie on the border of the parts
		[`${nameFor(70).slice(0, -2)}😀`, 1],
	];
	const sent = [];
	for (const [shop, parts] of cases) sent.push({ ...(await send(shop)), shop, parts });
	for (const m of sent) {
		assert.equal(m.outcome, 'done', m.code);
		const parts = await modem.heard(m.phone, m.parts);
		assertParts(parts, { text: textOf(m.shop) });
		assert.equal(parts.length, m.parts);
	}
	for (const m of sent) await delivered(m);
	const { at } = await fate(sent[0]);
	assert.ok(Math.abs(Date.parse(at) - Date.now()) < 1_200_000, `delivered at ${at}`);
	// Long emptied, the queue still knows each message by name: nothing is sent twice.
	for (const m of sent) {
		const again = await channel('send', messages.get(m.id));
		assert.deepEqual([again.outcome, again.ref], ['done', m.ref]);
	}
	assert.equal((await smsd("SELECT ID FROM outbox WHERE CreatorID LIKE 'test-%'")).length, 0);
});

test('English goes in the 7-bit alphabet where all of it is there', async () => {
	const plain = 'Shop [A-1] {x} ~ 5|6 ^ \\ @_$ "q"';
	const first = await send(plain, { language: 'en' });
	// The signature is Chinese: then all of it is. A ~ would come out as a control character there.
	assertParts(await modem.heard(first.phone, 1), { text: `${SIGN}${plain.replace('~', '～')}: supply is back for water.` });
	process.env.YUFU_GAMMU_SIGN_NAME = '';
	try {
		const long = await send('Shop ['.padEnd(152, 'x') + '~~', { language: 'en' });
		assertParts(await modem.heard(long.phone, 2), {
			text: `${'Shop ['.padEnd(152, 'x')}~~: supply is back for water.`, unicode: false,
		});
		const short = await send(plain, { language: 'en' });
		assertParts(await modem.heard(short.phone, 1), { text: `${plain}: supply is back for water.`, unicode: false });
	} finally {
		delete process.env.YUFU_GAMMU_SIGN_NAME;
	}
});

test('a report of failure is told, and one that never comes as well', async () => {
	modem.behave({ report: '46' });
	const lost = await send('某店');
	await until('it is known to have failed', async () => (await fate(lost)).fate === 'failed', 30_000, 250);
	assert.equal((await fate(lost)).code, 'DeliveryFailed 70');
	modem.behave({ report: 'none' });
	const silent = await send('另一店');
	await modem.heard(silent.phone, 1);
	await until('it was sent', async () => (await fate(silent)).code === 'SendingOK', 30_000, 250);
	assert.equal((await fate(silent)).fate, 'waiting');
	modem.behave();
});

test('what the network refuses is tried again by the daemon, then given up and told', async () => {
	modem.behave({ cms: 38 });
	const m = await send('某店');
	assert.equal(m.outcome, 'done');
	await until('the daemon gave up', async () => (await fate(m)).fate === 'failed', 40_000, 250);
	assert.match((await fate(m)).code, /^SendingError/);
	assert.equal(modem.parts().filter((p) => p.to === `+86${m.phone}`).length, 0);
	modem.behave();
	// It certainly did not leave, so that it may be sent again by the same name.
	const again = await channel('send', messages.get(m.id));
	assert.equal(again.outcome, 'done');
	assert.notEqual(again.ref, m.ref);
	await modem.heard(m.phone, 1);
	await delivered(messages.get(m.id));
});

test('the daemon is killed between two parts: the message is whole, and no part comes twice', async () => {
	const before = modem.parts().length;
	const held = modem.lines().filter(([w]) => w === 'HELD').length;
	modem.behave({ allow: before + 1 });
	const m = await send(nameFor(135));
	await until('the second part waits', () => modem.lines().filter(([w]) => w === 'HELD').length > held, 40_000);
	await until('the first part is on record', async () =>
		(await smsd(`SELECT ID FROM sentitems WHERE CreatorID = '${m.id}'`)).length === 1);
	assert.equal((await fate(m)).fate, 'waiting');
	world.stack.process('smsd').kill('SIGKILL');
	modem.behave();
	await unlock();
	const parts = await modem.heard(m.phone, 3);
	assertParts(parts, { text: textOf(nameFor(135)) });
	// The report of the first part came while no daemon was there.
	await until('all is on record', async () => /^(SendingOK|DeliveryOK)$/.test((await fate(m)).code), 30_000, 250);
	assert.equal((await modem.heard(m.phone, 3)).length, 3);
});

test('a modem that is pulled out: messages are refused for now, and those that wait are taken back', async (t) => {
	const { stack } = world;
	await stack.process('modem').stop();
	let back = false;
	t.after(() => back || (stack.process('modem').start() && stack.process('smsd').kill('SIGKILL')));
	const waiting = await send('某店'); // the daemon is not known to be dead yet
	assert.equal(waiting.outcome, 'done');
	await until('the modem counts as dead', async () => {
		const m = await send('别的店');
		return m.outcome === 'refused' && m.retry && m.code === 'provider_down';
	}, 60_000, 2000);
	// Five minutes later it is still there: the daemon tried it once and then lost its modem.
	await smsd(`UPDATE outbox SET InsertIntoDB = InsertIntoDB - INTERVAL 6 MINUTE,
		SendingTimeOut = SendingTimeOut - INTERVAL 6 MINUTE WHERE CreatorID LIKE 'test-%'`);
	const looked = await fate(waiting);
	assert.deepEqual([looked.fate, looked.code], ['failed', 'provider_down']);

	await smsd("DELETE FROM outbox WHERE CreatorID LIKE 'test-%'"); // they would only take their time
	// The daemon never finds back by itself: systemd ends it with the device (docs/gsm-modem.md).
	stack.process('modem').start();
	stack.process('smsd').kill('SIGKILL');
	await until('the modem is alive again', alive, 90_000);
	back = true;
	const m = await send(nameFor(71));
	assert.equal(m.outcome, 'done', m.code);
	assertParts(await modem.heard(m.phone, 2, 120_000), { text: textOf(nameFor(71)) });
	await delivered(m);
	assert.equal(modem.parts().filter((p) => p.to === `+86${waiting.phone}`).length, 0, 'what was taken back is not sent');
});

test('numbers and texts that cannot be sent are refused before they are queued', async () => {
	const before = await smsd('SELECT COUNT(*) AS n FROM outbox');
	for (const phone of ['', '1380000000', '138000000012', '+8613800000001', '23800000001', '1380000000x', "13800000001'"]) {
		const answer = await channel('send', { phone, id: 'bad-1', params: { shop: 'x', purse: 'y' } });
		assert.deepEqual([answer.outcome, answer.code, answer.retry], ['refused', 'bad_phone', false], phone);
	}
	const refused = async (message, code) => {
		const answer = await channel('send', { phone: '13900000999', id: 'bad-2', ...message });
		assert.deepEqual([answer.outcome, answer.code, answer.retry], ['refused', code, false]);
	};
	await refused({ params: { shop: 'x' } }, 'bad_params');
	await refused({ params: { shop: 'x'.repeat(1600), purse: 'y' } }, 'bad_params');
	await refused({ params: { shop: 'x', purse: 'y' }, id: '' }, 'bad_params');
	await refused({ params: { shop: 'x', purse: 'y' }, kind: 'no_such_kind' }, 'not_configured');
	assert.deepEqual(await smsd('SELECT COUNT(*) AS n FROM outbox'), before);
});

test('a login code comes by modem, and logs in', async () => {
	const { api } = world;
	const phone = tenantPhone(7);
	expect(await api.call('POST', '/auth/sms-code', { body: { phone } }), 202);
	const [part] = await modem.heard(phone, 1);
	const code = /验证码(\d{6})/.exec(part.text)?.[1];
	assert.ok(code, part.text);
	expect(await api.call('POST', '/auth/sms-login', { body: { phone, code } }), 200);
});

test('a shop whose balance falls low is warned by modem', async () => {
	const { stack, wire } = world;
	const phone = tenantPhone(STORY_UNIT);
	const [shop] = await stack.sql(`SELECT room FROM tenant WHERE phone = '${phone}'`);
	await wire.set('G1', STORY_UNIT, { load_w: 9000 });
	const [part] = await modem.heard(phone, 1, 150_000);
	assert.ok(part.text.startsWith(SIGN), part.text);
	assert.ok(part.text.includes(`${shop.room}的电费`), part.text);
	assert.match(part.text, /-?\d+\.\d\d元/);
	const worker = readFileSync(stack.path('log', 'worker.log'), 'utf8');
	assert.ok(!worker.includes(phone), 'no number in the log');
});
