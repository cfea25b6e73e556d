// Bad cells of an import, put back among their neighbours.
import type { Grid } from './sheet';

export interface ImportError { sheet: string; row: number; column: string; value: string; code: string; message: string }
export interface ImportReport { ok: boolean; counts: Record<string, Record<string, number>>; errors: ImportError[] }

export interface BadCell { text: string; wrong: string[] }
export interface BadRow { number: number; cells: BadCell[]; wrong: string[] }
export interface BadSheet { name: string; heads: string[]; rows: BadRow[]; more: number }

const ROWS_MOST = 200;
const COLUMNS: Record<string, string> = {
	code: '编码', name: '名称', site: '项目', area: '区域', parent: '上级', kind: '类型', zone: '时区', profile: '用户类型', floor_m2: '面积', transport: '通讯方式', address: '地址', baud: '波特率', parity: '校验', gateway: '网关', unit: '表地址', model: '型号', serial: '表号', utility: '能源类型',
	role: '用途', ct_ratio: 'CT变比', pt_ratio: 'PT变比', rated_current_a: '额定电流', start_register: '起始读数', tariff: '电价', billing: '计费方式', power_limit_w: '功率限值', load_class: '负荷等级', file: '文件', price: '单价', phone: '电话', contacts: '联系电话', room: '房号', meters: '表计',
	start_date: '起租日期', property_fee: '物业费', tenant: '租户', purpose: '用途', opening_balance: '期初余额', warn1: '报警1', warn2: '报警2', credit_limit: '透支限额', source: '源表', ratio: '比例',
};

/** Where the column of an error stands under these heads; -1 when it does not. */
function place_of(heads: string[], column: string): number {
	const names = [column, COLUMNS[column], column === 'parent' ? '上级表' : ''].filter(Boolean);
	return heads.findIndex((h) => names.includes(h.trim().replace(/\s*\*$/, '').toLowerCase()) || names.includes(h.trim().replace(/\s*\*$/, '')));
}

/** The bad rows of each sheet: whole rows where the file could be read, else only the bad cells. */
export function bad_sheets(errors: ImportError[], book: Map<string, Grid> | null): BadSheet[] {
	const by = new Map<string, ImportError[]>();
	for (const e of errors) by.set(e.sheet, [...(by.get(e.sheet) || []), e]);
	return [...by].map(([name, wrong]) => bad_sheet(name, wrong, book?.get(name) || null));
}

function bad_sheet(name: string, errors: ImportError[], grid: Grid | null): BadSheet {
	const heads = grid ? [...([...grid.values()].find((r) => r.some(Boolean)) || [])] : [];
	for (const e of errors) if (e.column && place_of(heads, e.column) < 0) heads.push(e.column);
	const rows = new Map<number, BadRow>();
	for (const e of errors) {
		let row = rows.get(e.row);
		if (!row) {
			const own = grid?.get(e.row) || [];
			row = { number: e.row, cells: heads.map((_, i) => ({ text: own[i] || '', wrong: [] })), wrong: [] };
			rows.set(e.row, row);
		}
		const cell = e.column ? row.cells[place_of(heads, e.column)] : undefined;
		if (!cell) {
			row.wrong.push(e.message);
			continue;
		}
		cell.text ||= e.value;
		cell.wrong.push(e.message);
	}
	const all = [...rows.values()].sort((a, b) => a.number - b.number);
	return { name, heads, rows: all.slice(0, ROWS_MOST), more: Math.max(0, all.length - ROWS_MOST) };
}
