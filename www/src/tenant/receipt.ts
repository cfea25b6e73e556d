// A receipt: what it says, and the same as a picture, drawn here, so that it can be kept and passed on.
import { area_name, type Account, type Order, type Statement } from '../shared/api';
import { fen_decimal, fen_yuan, yuan } from '../shared/money';
import { sum_money } from '../shared/money_sums';
import { full_time } from '../shared/time';
import { shop_name } from './session';

export interface ReceiptWords {
	payee: string; shop: string; meter: string; area: string; purpose: string; way: string; trade: string; order: string; no: string;
	payer: string; by_another: string; paid_at: string; before: string; debt: string; after: string; refunded: string;
}
export type Row = [name: string, value: string];

/** Rows of a paid order's receipt. The statement of its day tells the balance before and after. */
export function receipt_rows(o: Order, a: Account | null, payee: string, purpose: string, way: string, s: Statement | null, w: ReceiptWords): Row[] {
	const m = s?.items.find((i) => i.order_id === o.id && !i.amount.startsWith('-'));
	const debt = m ? sum_money([fen_decimal(o.amount_fen), `-${m.amount}`]) : null;
	const rows: (Row | null)[] = [
		[w.payee, payee],
		o.payee ? [w.shop, [o.payee.room, o.payee.name].filter(Boolean).join(' ')] : a ? [w.shop, shop_name(a)] : null,
		o.meter ? [w.meter, [a?.meter?.serial, o.meter.code].filter(Boolean).join(' · ')] : null,
		a && area_name(a.meter?.area) ? [w.area, area_name(a.meter?.area)] : null,
		purpose ? [w.purpose, purpose] : null,
		[w.way, way],
		o.by_another ? [w.payer, w.by_another] : null,
		[w.paid_at, o.paid_at ? full_time(o.paid_at) : '—'],
		m ? [w.before, yuan(sum_money([m.balance, `-${m.amount}`]))] : null,
		debt && yuan(debt) !== '¥0.00' ? [w.debt, yuan(debt)] : null,
		m ? [w.after, yuan(m.balance)] : null,
		o.refunded_fen ? [w.refunded, fen_yuan(o.refunded_fen)] : null,
		[w.no, o.receipt_no || '—'],
		[w.order, o.out_trade_no],
		o.transaction_id ? [w.trade, o.transaction_id] : null,
	];
	return rows.filter((r): r is Row => r !== null && r[1] !== '');
}

const WIDTH = 720;
const EDGE = 44;
const LINE = 60;
const FONT = '"PingFang SC", "Microsoft YaHei", "Noto Sans CJK SC", sans-serif';

/** A picture of it, as a data address; empty where the browser cannot draw. */
export function receipt_picture(title: string, amount: string, rows: Row[], foot: string): string {
	const canvas = document.createElement('canvas');
	canvas.width = WIDTH;
	canvas.height = 300 + rows.length * LINE;
	const c = canvas.getContext('2d');
	if (!c) return '';
	const text = (what: string, x: number, y: number, font: string, colour: string, align: CanvasTextAlign = 'left', most?: number) => {
		c.font = `${font} ${FONT}`;
		c.fillStyle = colour;
		c.textAlign = align;
		c.fillText(what, x, y, most);
	};
	c.fillStyle = '#fff';
	c.fillRect(0, 0, canvas.width, canvas.height);
	c.fillStyle = '#0b7a4b';
	c.fillRect(0, 0, canvas.width, 12);
	text(title, EDGE, 82, '600 30px', '#14211b');
	text(amount, EDGE, 160, 'bold 64px', '#14211b');
	rows.forEach(([name, value], i) => {
		const y = 236 + i * LINE;
		c.fillStyle = '#e3e6e1';
		c.fillRect(EDGE, y - 40, WIDTH - 2 * EDGE, 1);
		text(name, EDGE, y, '26px', '#55625b', 'left', 190);
		text(value, WIDTH - EDGE, y, '600 26px', '#14211b', 'right', 430);
	});
	text(foot, EDGE, canvas.height - 36, '22px', '#55625b', 'left', WIDTH - 2 * EDGE);
	return canvas.toDataURL('image/png');
}
