import type { Account } from '../shared/api';
import { account_state } from '../ui/state';
import { t } from './words';

/** The word for an account's state: power and water have their own. */
export function state_word(a: Account): string {
	const words = a.purpose === 'water' ? t.value.state_water : t.value.state;
	return words[account_state(a)];
}
