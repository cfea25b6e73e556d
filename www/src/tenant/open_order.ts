// The recharge that was begun last and has not ended: the first page leads back to it. Forgotten with the session.
import { keep, kept } from '../shared/store';

const NAME = 'yufu.tenant.cache.open_order';
const SHOWN_MS = 2 * 3600_000;

export function open_order_keep(id: number | null, now = Date.now()): void {
	if (id === null) return keep(NAME, null);
	const [had] = (kept(NAME) || '').split(' ');
	if (Number(had) !== id) keep(NAME, `${id} ${now}`);
}

export function open_order(now = Date.now()): number | null {
	const [id, at] = (kept(NAME) || '').split(' ').map(Number);
	return id && at && now - at < SHOWN_MS ? id : null;
}
