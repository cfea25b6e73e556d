import type { Component } from 'vue';

// A page of the staff's app as a description: a list of the API, what stands in its columns, how it is
// filtered, what is shown of one row, and what may be done. ListPage.vue draws it; its words are
// `t.page[name]`, `t.col[column]`, `t.word[words][value]`, `t.act[act]`, `t.field[field]`.

export type Row = Record<string, unknown>;

export type Kind = 'text' | 'word' | 'state' | 'time' | 'day' | 'fen' | 'yuan' | 'price' | 'count' | 'wh' | 'litre' | 'register'
	| 'permille' | 'flag' | 'shop' | 'named' | 'ms' | 'minute' | 'json' | 'counts' | 'setting' | 'site' | 'areas' | 'program' | 'action' | 'object' | 'actor' | 'lasted' | 'age'
	| 'ledger' | 'growth' | 'amount' | 'digest' | 'changes' | 'short' | 'asked_for' | 'user' | 'account' | 'lack';

export interface Column {
	/** The API's member; "tenant.name" looks inside. */
	name: string;
	kind?: Kind;
	/** The word of its head, `t.col[as]`, where the member's own would mislead. */
	as?: string;
	/** The dictionary `t.word[words]`; states take shape and colour from tones.ts. */
	words?: string;
	/** A word that stands there for some rows, whatever the member says. */
	instead?: (row: Row) => string | null;
}

export interface Filter {
	name: string;
	kind: 'choice' | 'area' | 'text' | 'day' | 'flag' | 'month' | 'number';
	words?: string;
	options?: string[];
	/** What a flag asks for when it is set; "1" unless said. */
	asks?: string;
	/** What is asked for while the address says nothing. */
	initial?: () => string;
}

export type FieldKind = 'text' | 'long' | 'yuan' | 'decimal' | 'count' | 'day' | 'month' | 'instant' | 'choice' | 'clock' | 'flag' | 'rows' | 'words' | 'checks' | 'site' | 'areas' | PickKind;
export type PickKind = 'account' | 'meter' | 'contract' | 'tenant' | 'gateway' | 'model' | 'tariff' | 'schedule' | 'role';
export interface Option { value: string; label: string }

export interface Field {
	/** The member of the body; "tenant.name" goes inside an object. */
	name: string;
	kind: FieldKind;
	required?: boolean;
	/** Options of a choice, by `t.word[words]` unless they bring labels. */
	options?: string[] | ((row: Row) => Option[] | string[]);
	words?: string;
	initial?: string | ((row: Row) => unknown);
	/** A choice whose values are numbers. */
	number?: boolean;
	/** Of rows. */
	fields?: Field[];
	/** Empty is sent as null: none, and not "as it was". */
	none?: boolean;
	/** What is sent when it is left empty. */
	empty?: number;
	/** It goes into the path, and not into the body. */
	in_path?: boolean;
	/** Said below it. */
	hint?: (row: Row) => string | null;
	/** Shown only then. */
	when?: (typed: Typed, row: Row) => boolean;
	/** The number of the step it belongs to, from 0. */
	step?: number;
	max?: number;
}

export type Typed = Record<string, string | boolean | Record<string, string | boolean>[]>;

export interface Act {
	name: string;
	needs: string;
	when?: (row: Row) => boolean;
	method?: 'POST' | 'PUT' | 'PATCH' | 'DELETE';
	path: (row: Row, typed?: Typed) => string;
	fields?: Field[];
	/** Whom or what it is done to, behind its title. */
	subject?: (row: Row) => string;
	/** What a person must know before doing it to this row. */
	warns?: (row: Row) => string | null;
	/** Names of its steps, `t.step[name]`; a form without has one. */
	steps?: string[];
	/** The API is first asked what it would do, and that is shown. */
	preview?: boolean;
	/** Other members of the body. */
	fixed?: Row | ((row: Row) => Row);
	danger?: boolean;
	/** Carries an Idempotency-Key. */
	once?: boolean;
	/** A member of the answer that is shown once, and never again. */
	shows?: string;
	/** The row to open when it is done; a path where it begins with "/". */
	then?: (answer: Row) => string | null;
	/** A text that must be typed before it is done: how many it is about. Empty: none. */
	sure?: (row: Row) => string;
	/** Of picked rows: asked for once with all of them, `row.picked`; or for each of them. */
	each?: boolean;
}

export interface Part {
	name: string;
	columns: Column[];
	/** Rows of the detail, or asked for by a path of their own. */
	rows?: (detail: Row) => Row[];
	path?: (row: Row) => string;
	acts?: Act[];
}

export interface ListPage {
	name: string;
	path: string;
	needs: string;
	columns: Column[];
	filters?: Filter[];
	/** Sums of the list as a whole, said above it. */
	totals?: Column[];
	/** Further facts of one row, below those of the columns. */
	facts?: Column[];
	parts?: Part[];
	/** What stands above a row in full; its first column unless said. */
	heading?: (row: Row) => string;
	/** One row in full. */
	detail?: (row: Row) => string;
	/** What names a row; "id" unless said. */
	key?: string | ((row: Row) => string);
	acts?: Act[];
	/** Acts that need no row; theirs has `items`, what is `asked` for, and the `totals`. */
	tops?: Act[];
	/** Acts on rows that were picked by their boxes. */
	picks?: Act[];
	/** A page for print: of the rows that were picked, which it is told before, or of all that the filters name. */
	print?: { page: string; picked: (rows: Row[]) => void };
	/** Stands at the top of a row in full; gets the row. */
	lead?: Component;
	/** Asked again every so many seconds. */
	live_s?: number;
	/** It comes as CSV and XLSX. */
	files?: boolean;
	/** Further files of it: the end of the path, with the filters of now, and the kind of file. */
	more_files?: { name: string; path: string; ends: string; filters: string[] }[];
	/** Said above the list. */
	help?: boolean;
}
