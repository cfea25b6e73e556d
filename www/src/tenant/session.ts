// Who is signed in, whose accounts they see, and which account they look at.
import { computed, reactive } from 'vue';
import type { Account, List, Me } from '../shared/api';
import { get, sign_out } from '../shared/client';
import { loaded } from '../shared/load';
import { go } from '../shared/router';
import { forget, keep, kept } from '../shared/store';
import { clock } from '../shared/time';

const CURRENT = 'yufu.tenant.account';

const choice = reactive({ id: Number(kept(CURRENT)) || 0 });

/** The tenant with all accounts. */
export const mine = loaded<{ me: Me; accounts: Account[] }>(async () => {
	const [me, accounts] = await Promise.all([get<Me>('/me'), get<List<Account>>('/me/accounts')]);
	if (me.site) clock.zone = me.site.zone;
	return { me, accounts: accounts.items };
}, () => 'yufu.tenant.cache.mine');

export const accounts = computed(() => mine.data?.accounts || []);

/** The account looked at; the first one with electricity unless another was chosen. */
export const account = computed<Account | null>(() => {
	const all = accounts.value;
	return all.find((a) => a.id === choice.id) || all.find((a) => a.purpose === 'electricity') || all[0] || null;
});

export function choose(id: number): void {
	choice.id = id;
	keep(CURRENT, String(id));
}

/** The same shop's accounts for other purposes. */
export const beside = computed(() => {
	const now = account.value;
	return now ? accounts.value.filter((a) => a.id !== now.id && a.tenant.id === now.tenant.id) : [];
});

export function shop_name(a: { tenant: { room: string; name: string } }): string {
	return [a.tenant.room, a.tenant.name].filter(Boolean).join(' ');
}

export function session_forget(): void {
	mine.data = null;
	mine.at = null;
	mine.error = null;
	choice.id = 0;
	keep(CURRENT, null);
	forget('yufu.once.');
}

export async function leave(): Promise<void> {
	await sign_out();
	session_forget();
	go('/login', true);
}
