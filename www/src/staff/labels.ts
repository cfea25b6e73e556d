// Labels of meters: what is on one, and which were picked for print.
import { keep_here, kept_here } from '../shared/store';
import type { Row } from './list/types';

export interface Label { code: string; name: string; room: string }

const PICKED = 'yufu.staff.labels';

/** Of a row of /meters; of its name, what repeats neither code nor room. */
export function label_of(row: Row): Label {
	const code = String(row.code);
	const room = (row.tenant as { room?: string } | null)?.room || '';
	const name = String(row.name || '');
	return { code, room, name: name === code ? '' : room && name.startsWith(room) ? name.slice(room.length).trim() : name };
}

/** Only what a shop draws from can be paid for. */
export function has_label(row: Row): boolean {
	return row.role === 'tenant';
}

export function labels_pick(rows: Row[]): void {
	keep_here(PICKED, JSON.stringify(rows.filter(has_label).map(label_of)));
}

export function labels_picked(): Label[] {
	try {
		return JSON.parse(kept_here(PICKED) || '[]') as Label[];
	} catch {
		return [];
	}
}
