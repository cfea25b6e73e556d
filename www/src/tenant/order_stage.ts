// Where an order stands, told only from what the server says: never from the browser's return.
import type { Order } from '../shared/api';

export type Stage =
	| 'asking' | 'waiting' | 'closed'
	| 'crediting' | 'credited'
	| 'switching' | 'unreachable' | 'manual' | 'owing' | 'back';

/**
 * `reason` is why supply is off, if known. Supply that came on after the order was made came back by it ("back");
 * supply that was on before needs nothing, so "credited" is its end.
 */
export function order_stage(o: Order, reason: string | null, owes: boolean): Stage {
	if (o.state === 'closed') return 'closed';
	if (o.state !== 'paid') return o.pay ? 'waiting' : 'asking';
	if (!o.credited_at) return 'crediting';
	if (!o.supply) return 'credited';
	switch (o.supply.state) {
	case 'on':
		return o.supply.since && Date.parse(o.supply.since) > Date.parse(o.created_at) ? 'back' : 'credited';
	case 'switching':
		return 'switching';
	case 'unreachable':
		return 'unreachable';
	default:
		if (reason && !['arrears', 'none', 'keep'].includes(reason)) return 'manual';
		return owes ? 'owing' : 'switching';
	}
}

/** Nothing more will happen by itself. */
export function is_end(stage: Stage): boolean {
	return stage === 'back' || stage === 'credited';
}
