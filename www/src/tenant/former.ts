// Accounts of contracts that have ended: their statement and bill can still be seen.
import type { Account } from '../shared/api';
import { get_all } from '../shared/client';
import { loaded, type Loaded } from '../shared/load';

export function former_accounts(): Loaded<Account[]> {
	return loaded<Account[]>(() => get_all<Account>('/me/accounts?ended=1'), () => 'yufu.tenant.cache.former', true);
}
