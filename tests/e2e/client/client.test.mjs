// docs/openapi.yaml as other programs meet it: its examples are what its schemas say, a well-known
// generator makes types of it, and a small program compiles against these.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import Ajv2020 from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import yaml from 'js-yaml';
import openapiTS, { astToString } from 'openapi-typescript';

const here = import.meta.dirname;
const file = path.resolve(here, '../../../docs/openapi.yaml');
const api = yaml.load(readFileSync(file, 'utf8'), { schema: yaml.JSON_SCHEMA });
const dir = mkdtempSync(path.join(os.tmpdir(), 'yufu-client-'));
after(() => rmSync(dir, { recursive: true, force: true }));

const operations = Object.entries(api.paths).flatMap(([route, methods]) =>
	Object.entries(methods).map(([method, operation]) => ({ name: `${method.toUpperCase()} ${route}`, operation })));
const resolve = (node) => (node?.$ref ? node.$ref.slice(2).split('/').reduce((n, part) => n[part], api) : node);

test('every request and answer in JSON has an example that fits its schema', () => {
	const ajv = new Ajv2020({ strict: false, validateSchema: false });
	addFormats(ajv);
	ajv.addSchema({ $id: 'api', components: api.components });
	const [wrong, checkers] = [[], new Map()];
	let seen = 0;
	const check = (where, holder) => {
		for (const [type, media] of Object.entries(resolve(holder)?.content ?? {})) {
			if (!/[/+]json$/.test(type) || !media.schema) continue;
			const text = JSON.stringify(media.schema);
			if (!checkers.has(text)) checkers.set(text, ajv.compile(JSON.parse(text.replaceAll('"#/', '"api#/'))));
			const examples = Object.values(media.examples ?? {}).map((e) => resolve(e).value);
			if (examples.length === 0) wrong.push(`${where}: no example`);
			for (const value of examples) {
				seen++;
				if (!checkers.get(text)(value)) wrong.push(`${where}: ${ajv.errorsText(checkers.get(text).errors)} ${JSON.stringify(value).slice(0, 300)}`);
			}
		}
	};
	for (const { name, operation } of operations) {
		check(`${name} request`, operation.requestBody);
		for (const [status, response] of Object.entries(operation.responses)) check(`${name} ${status}`, response);
	}
	assert.deepEqual(wrong, []);
	assert.ok(seen > 300, `${seen} examples`);
});

test('every object is closed and says what it requires, every problem is listed with its codes', () => {
	const open = [];
	const walk = (node, where) => {
		if (typeof node !== 'object' || node === null) return;
		if (node.type === 'object' && node.properties && !/problem_\d/.test(where) && (node.additionalProperties !== false || !Array.isArray(node.required)))
			open.push(where);
		for (const [key, value] of Object.entries(node)) if (!/^(examples?|value)$/.test(key)) walk(value, `${where}/${key}`);
	};
	walk(api.components, 'components');
	walk(api.paths, 'paths');
	assert.deepEqual(open, []);
	for (const { name, operation } of operations) {
		const statuses = Object.keys(operation.responses);
		assert.ok(!statuses.includes('default') && statuses.some((s) => s >= '4'), `${name}: ${statuses}`);
	}
	const codes = Object.values(api.components.responses).flatMap((r) => r.content['application/problem+json'].schema.allOf[1].properties.code.enum);
	assert.deepEqual(codes.sort(), api['x-problems'].map((p) => p.code).sort());
	for (const p of api['x-problems']) assert.ok(p.hint.en && /[\u4e00-\u9fff]/.test(p.hint.zh), p.code);
});

test('types are made of it, and a program compiles against them', async () => {
	const types = astToString(await openapiTS(pathToFileURL(file), { silent: true }));
	writeFileSync(path.join(dir, 'api.d.ts'), types);
	cpSync(path.join(here, 'staff.ts'), path.join(dir, 'staff.ts'));
	symlinkSync(path.join(here, '../node_modules'), path.join(dir, 'node_modules'));
	const options = { strict: true, noEmit: true, target: 'es2022', module: 'esnext', moduleResolution: 'bundler', skipLibCheck: true, types: [], lib: ['es2022', 'dom', 'dom.iterable'] };
	writeFileSync(path.join(dir, 'tsconfig.json'), JSON.stringify({ compilerOptions: options, files: ['staff.ts'] }));
	try {
		execFileSync(process.execPath, [path.join(here, '../node_modules/typescript/bin/tsc'), '-p', dir], { encoding: 'utf8' });
	} catch (error) {
		assert.fail(error.stdout);
	}
});
