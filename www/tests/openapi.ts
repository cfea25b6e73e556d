// The API's own document, as the tests look things up in it. It is printed by our program, so the few
// forms of YAML that it prints are all that is read here.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

type Node = { [name: string]: Node } | Node[] | string;
interface Line { indent: number; text: string }

function scalar(text: string): string {
	return text.startsWith('"') ? JSON.parse(text) as string : text;
}

function block(lines: Line[], at: { i: number }, indent: number): Node {
	const list: Node[] = [];
	const map: { [name: string]: Node } = {};
	while (at.i < lines.length && lines[at.i]!.indent >= indent) {
		const line = lines[at.i]!;
		if (line.text.startsWith('- ')) {
			const rest = line.text.slice(2);
			if (/^[\w$"{}/.-]+: ?|^\w+:$/.test(rest) && !rest.startsWith('"')) {
				lines[at.i] = { indent: line.indent + 2, text: rest };
				list.push(block(lines, at, line.indent + 2));
			} else {
				list.push(scalar(rest));
				at.i++;
			}
			continue;
		}
		const cut = /^("(?:[^"\\]|\\.)*"|[^:]+):(?: (.*))?$/.exec(line.text);
		if (!cut) throw new Error(`not understood: ${line.text}`);
		at.i++;
		const next = lines[at.i];
		const inside = cut[2] === undefined && next && (next.indent > line.indent || (next.indent === line.indent && next.text.startsWith('- ')));
		map[scalar(cut[1]!)] = inside ? block(lines, at, next.indent) : scalar(cut[2] ?? '');
	}
	return list.length ? list : map;
}

const text = readFileSync(process.env.OPENAPI || join(import.meta.dirname, '../../docs/openapi.yaml'), 'utf8');
const lines = text.split('\n').filter((l) => l.trim() && !l.trim().startsWith('#')).map((l) => ({ indent: l.length - l.trimStart().length, text: l.trim() }));
const document = block(lines, { i: 0 }, 0) as { [name: string]: Node };

function at(node: Node | undefined, ...names: string[]): Node | undefined {
	let here = node;
	for (const name of names) here = here && typeof here === 'object' && !Array.isArray(here) ? here[name] : undefined;
	const ref = at_ref(here);
	return ref === undefined ? here : at(document, ...ref.slice(2).split('/'));
}
function at_ref(node: Node | undefined): string | undefined {
	const ref = node && typeof node === 'object' && !Array.isArray(node) ? node.$ref : undefined;
	return typeof ref === 'string' ? ref : undefined;
}

/** The operation of a path such as "/orders/7/refund"; undefined when there is none. */
export function operation(method: string, path: string): Node | undefined {
	const plain = path.split('?')[0]!;
	const paths = at(document, 'paths') as { [name: string]: Node };
	const found = Object.keys(paths).find((p) => p === plain) || Object.keys(paths).find((p) => new RegExp(`^${p.replace(/\{\w+\}/g, '[^/]+')}$`).test(plain));
	return found ? at(paths[found], method.toLowerCase()) : undefined;
}

export function parameters(op: Node): string[] {
	const list = at(op, 'parameters');
	return Array.isArray(list) ? list.map((p) => String(at(p, 'name'))) : [];
}

/** The schema of an answer of 200 or 201, or of a list's items. */
export function answer(op: Node, items = false): Node | undefined {
	const code = ['200', '201', '202'].find((c) => at(op, 'responses', c)) || '200';
	const schema = at(op, 'responses', code, 'content', 'application/json', 'schema');
	return items ? at(at(schema, 'properties', 'items'), 'items') : schema;
}

export function request(op: Node): Node | undefined {
	return at(op, 'requestBody', 'content', 'application/json', 'schema');
}

/** Whether a schema has the member that a dotted name means. */
export function has(schema: Node | undefined, name: string): boolean {
	const [first, ...rest] = name.split('.');
	const options = ['oneOf', 'anyOf', 'allOf'].flatMap((k) => { const o = at(schema, k); return Array.isArray(o) ? o : []; });
	if (options.some((o) => has(at({ o } as { o: Node }, 'o'), name))) return true;
	const member = at(schema, 'properties', first!);
	if (member === undefined) return false;
	return rest.length === 0 || has(member, rest.join('.'));
}

/** Members that a body must have. */
export function required(schema: Node | undefined): string[] {
	const list = at(schema, 'required');
	return Array.isArray(list) ? list.map(String) : [];
}

export function permission(op: Node): string[] {
	return ['x-permission', 'x-or-permission'].map((k) => at(op, k)).filter((p): p is string => typeof p === 'string');
}
