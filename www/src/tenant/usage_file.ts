// Use as a file for a spreadsheet: what the table shows, in plain figures.
import type { Bar } from '../ui/Chart.vue';

/** A figure without what makes it easy to read; nothing for what is not known. */
function plain(cell: string): string {
	return cell === '—' ? '' : cell.replace(/[¥,]/g, '').replace('−', '-');
}

/** UTF-8 with its mark, by which spreadsheets know it. */
export function usage_csv(head: string[], bars: Bar[]): string {
	const rows = [head, ...bars.map((b) => (b.cells || []).map(plain))];
	return `\ufeff${rows.map((cells) => cells.map((c) => (/[",]/.test(c) ? `"${c.replace(/"/g, '""')}"` : c)).join(',')).join('\r\n')}\r\n`;
}
