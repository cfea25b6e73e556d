// docs/meter-model.schema.json and `yufu model check` judge model files alike: those that are
// shipped, and right and wrong changes to tests/models/madeup-mx1.json (tests/vectors/model-cases.json).
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import Ajv2020 from 'ajv/dist/2020.js';

const ROOT = path.join(import.meta.dirname, '../..');
const YUFU = path.join(process.env.YUFU_BIN_DIR, 'yufu');
const json = (file) => JSON.parse(readFileSync(path.join(ROOT, file), 'utf8'));
const SHIPPED = 'core/meter/models';
const MADE_UP = 'tests/models/madeup-mx1.json';

const schema = json('docs/meter-model.schema.json');
const fits = new Ajv2020({ strict: true, strictTypes: false, strictRequired: false }).compile(schema);
const dir = mkdtempSync(path.join(tmpdir(), 'yufu-models-'));
after(() => rmSync(dir, { recursive: true, force: true }));

function check(file) {
	const { status, stderr } = spawnSync(YUFU, ['model', 'check', file], { encoding: 'utf8' });
	return { ok: status === 0, said: stderr.trim() };
}

/** The member that a JSON pointer names, as the object or list that holds it and its key. */
function place(document, pointer) {
	const keys = pointer.split('/').slice(1);
	const last = keys.pop();
	return [keys.reduce((at, key) => at[key], document), last];
}

function changed(one) {
	const document = json(MADE_UP);
	for (const [pointer, value] of Object.entries(one.set ?? {})) {
		const [holder, key] = place(document, pointer);
		holder[key] = value;
	}
	for (const pointer of one.remove ?? []) {
		const [holder, key] = place(document, pointer);
		if (Array.isArray(holder)) holder.splice(Number(key), 1);
		else delete holder[key];
	}
	return document;
}

test('shipped Modbus models and the made-up one fit both', () => {
	const files = readdirSync(path.join(ROOT, SHIPPED)).map((name) => `${SHIPPED}/${name}`);
	let seen = 0;
	for (const file of [...files, MADE_UP]) {
		assert.deepEqual(check(path.join(ROOT, file)), { ok: true, said: '' });
		if (json(file).framing !== 'modbus') continue;
		assert.ok(fits(json(file)), `${file}: ${JSON.stringify(fits.errors)}`);
		seen++;
	}
	assert.ok(seen >= 13);
});

test('names of points and of status words are those of the program', () => {
	const words = (file) =>
		[...readFileSync(path.join(ROOT, file), 'utf8').matchAll(/^\w+\(\w+,\s*"(\w+)"/gm)].map((m) => m[1]);
	assert.deepEqual(schema.$defs.point_name.enum, ['serial', ...words('core/meter/points.def')]);
	assert.deepEqual(schema.$defs.status_name.enum, words('core/meter/status.def'));
});

test('each right and wrong file gets the same verdict from both, and the wrong ones their path', () => {
	const cases = json('tests/vectors/model-cases.json');
	const file = path.join(dir, 'one.json');
	const wrong = [];
	assert.ok(cases.length > 100);
	for (const one of cases) {
		const document = changed(one);
		writeFileSync(file, JSON.stringify(document));
		const found = check(file);
		const told = JSON.stringify(one);
		if (one.good && !found.ok) wrong.push(`${told} should be fine: ${found.said}`);
		if (!one.good && found.ok) wrong.push(`${told} should be refused`);
		if (!one.good && !found.ok && !found.said.startsWith(`yufu model check: ${file}: ${one.path}: `))
			wrong.push(`${told}: ${found.said}`);
		// what no single row can see is beyond the schema, and the list says so
		const schemaOk = fits(document);
		if (schemaOk !== Boolean(one.good || one.schema === false))
			wrong.push(`${told}: the schema ${schemaOk ? 'takes' : 'refuses'} it: ${JSON.stringify(fits.errors)}`);
	}
	assert.deepEqual(wrong, []);
});
