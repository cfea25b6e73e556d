// Reads a workbook (.xlsx) or .csv in the browser, only to show bad cells among their neighbours: what a
// file means is for the server to say. Whatever cannot be read here is shown without its neighbours.

/** Rows by the spreadsheet's own number, cells from column 0. */
export type Grid = Map<number, string[]>;

const SHEETS: Record<string, string> = { 项目: 'sites', 区域: 'areas', 网关: 'gateways', 表计: 'meters', 电价: 'tariffs', 租户: 'tenants', 账户: 'purses', 公摊: 'shares' };
const MOST_BYTES = 8_000_000;

/** The name of a sheet as the API has it. */
export function sheet_name(name: string): string {
	return SHEETS[name.trim()] || name.trim().toLowerCase();
}

/** The cells of each sheet; null when this browser cannot read the file. */
export async function read_book(file: File): Promise<Map<string, Grid> | null> {
	if (file.size > MOST_BYTES) return null;
	try {
		const bytes = new Uint8Array(await file.arrayBuffer());
		if (bytes[0] === 0x50 && bytes[1] === 0x4b) return await read_xlsx(bytes);
		if (/\.csv$/i.test(file.name)) return new Map([[sheet_name(file.name.replace(/\.csv$/i, '')), read_csv(decode(bytes))]]);
	} catch {
		// not readable here: the server's own words remain
	}
	return null;
}

function decode(bytes: Uint8Array): string {
	try {
		return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
	} catch {
		return new TextDecoder('gb18030').decode(bytes);
	}
}

/** Text of comma separated values by the line on which each row stands. */
export function read_csv(text: string): Grid {
	const grid: Grid = new Map();
	let row: string[] = [];
	let cell = '';
	let quoted = false;
	let number = 1;
	function end(): void {
		row.push(cell);
		grid.set(number++, row);
		row = [];
		cell = '';
	}
	for (let i = 0; i < text.length; i++) {
		const c = text[i]!;
		if (quoted) {
			if (c !== '"') cell += c;
			else if (text[i + 1] === '"') cell += text[++i];
			else quoted = false;
		} else if (c === '"') quoted = true;
		else if (c === ',') {
			row.push(cell);
			cell = '';
		} else if (c === '\n') end();
		else if (c !== '\r') cell += c;
	}
	if (cell || row.length) end();
	return grid;
}

async function inflate(bytes: Uint8Array): Promise<string> {
	const stream = new Blob([bytes as BlobPart]).stream().pipeThrough(new DecompressionStream('deflate-raw'));
	return new Response(stream).text();
}

/** The files of a zip by name, read by its directory at the end. */
async function unzip(bytes: Uint8Array, want: RegExp): Promise<Map<string, string>> {
	const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
	let end = bytes.length - 22;
	while (end >= 0 && view.getUint32(end, true) !== 0x06054b50) end--;
	const files = new Map<string, string>();
	let at = view.getUint32(end + 16, true);
	for (let n = view.getUint16(end + 10, true); n > 0; n--) {
		const method = view.getUint16(at + 10, true);
		const size = view.getUint32(at + 20, true);
		const [name_n, extra_n, comment_n] = [view.getUint16(at + 28, true), view.getUint16(at + 30, true), view.getUint16(at + 32, true)];
		const local = view.getUint32(at + 42, true);
		const name = new TextDecoder().decode(bytes.subarray(at + 46, at + 46 + name_n));
		if (want.test(name)) {
			const start = local + 30 + view.getUint16(local + 26, true) + view.getUint16(local + 28, true);
			const data = bytes.subarray(start, start + size);
			files.set(name, method === 8 ? await inflate(data) : new TextDecoder().decode(data));
		}
		at += 46 + name_n + extra_n + comment_n;
	}
	return files;
}

function xml(text: string | undefined): Document {
	return new DOMParser().parseFromString(text || '<x/>', 'application/xml');
}

/** "BC12" -> 54. */
function column_of(reference: string): number {
	let n = 0;
	for (const c of reference) {
		const code = c.charCodeAt(0) - 64;
		if (code < 1 || code > 26) break;
		n = n * 26 + code;
	}
	return n - 1;
}

function cell_text(c: Element, shared: string[]): string {
	const type = c.getAttribute('t');
	if (type === 'inlineStr') return c.textContent || '';
	const value = c.getElementsByTagName('v')[0]?.textContent || '';
	return type === 's' ? shared[Number(value)] || '' : value;
}

function grid_of(sheet: Document, shared: string[]): Grid {
	const grid: Grid = new Map();
	for (const row of Array.from(sheet.getElementsByTagName('row'))) {
		const cells: string[] = [];
		for (const c of Array.from(row.getElementsByTagName('c'))) cells[column_of(c.getAttribute('r') || '')] = cell_text(c, shared);
		grid.set(Number(row.getAttribute('r')), Array.from(cells, (x) => x || ''));
	}
	return grid;
}

async function read_xlsx(bytes: Uint8Array): Promise<Map<string, Grid>> {
	const files = await unzip(bytes, /^xl\/(workbook\.xml|sharedStrings\.xml|_rels\/workbook\.xml\.rels|worksheets\/.*\.xml)$/);
	const shared = Array.from(xml(files.get('xl/sharedStrings.xml')).getElementsByTagName('si')).map((s) => s.textContent || '');
	const targets = new Map(Array.from(xml(files.get('xl/_rels/workbook.xml.rels')).getElementsByTagName('Relationship')).map((r) => [r.getAttribute('Id'), r.getAttribute('Target')!]));
	const book = new Map<string, Grid>();
	for (const s of Array.from(xml(files.get('xl/workbook.xml')).getElementsByTagName('sheet'))) {
		const target = targets.get(s.getAttribute('r:id')) || '';
		const text = files.get(target.startsWith('/') ? target.slice(1) : `xl/${target}`);
		if (text) book.set(sheet_name(s.getAttribute('name') || ''), grid_of(xml(text), shared));
	}
	return book;
}
