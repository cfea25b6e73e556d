// One vocabulary of states for both apps.
import type { Account, Display, Meter } from '../shared/api';

export type Shown = Display | 'moving' | 'ok';

/** What a tenant sees of an account. */
export function account_state(a: Account): Shown {
	const s = a.supply;
	if (s) {
		if (s.state === 'unreachable') return 'silent';
		if (s.state === 'switching') return 'moving';
		if (s.state === 'off') return s.desired === 'on' ? 'moving' : 'cut';
		if (s.reason === 'keep') return 'kept';
	}
	if (a.level !== 'ok') return 'low';
	return s ? 'on' : 'ok';
}

/** Supply is off because the balance is used up: the page then has one task. */
export function cut_for_arrears(a: Account): boolean {
	return a.supply?.state === 'off' && a.supply.desired !== 'on' && a.supply.reason === 'arrears';
}

/** Supply is off for another cause, which no recharge lifts. */
export function cut_otherwise(a: Account): boolean {
	return account_state(a) === 'cut' && !cut_for_arrears(a);
}

/** What the board shows of a meter: the server's word, but a switch under way is shown as that. */
export function meter_state(m: Meter): Shown {
	if (m.display !== 'silent' && m.supply?.state === 'switching') return 'moving';
	return m.display;
}
