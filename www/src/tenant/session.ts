// Who is signed in, whose accounts they see, and which account they look at.
import { computed, reactive } from 'vue';
import type { Account, Me } from '../shared/api';
import { get, get_all, Kept, sign_out } from '../shared/client';
import { loaded } from '../shared/load';
import { random_key } from '../shared/once';
import { placed } from '../shared/prefix';
import { go } from '../shared/router';
import { forget, keep, kept } from '../shared/store';
import { clock } from '../shared/time';
import { drafts_forget } from './draft';

const CURRENT = 'yufu.tenant.account';
/** Another value with each sign-in: other tabs see by it that another person may be here now. */
const PERSON = 'yufu.tenant.person';

const choice = reactive({ id: Number(kept(CURRENT)) || 0, told: '' });
let pages = new Kept<Account>();

/** The accounts of the tenant: what was seen last until the server has answered. */
export const mine = loaded<Account[]>(() => get_all<Account>('/me/accounts', pages), () => 'yufu.tenant.cache.accounts', true);

/** The zone of the site, as an answer names it. */
export function zone_seen(zone: string): void {
	if (zone !== clock.zone) keep('yufu.zone', (clock.zone = zone));
}

/** The tenant. */
export const who = loaded<Me>(async () => {
	const me = await get<Me>('/me');
	if (me.site) zone_seen(me.site.zone);
	return me;
}, () => 'yufu.tenant.cache.me', true);

export const accounts = computed(() => mine.data || []);

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

/** A person is known by their accounts: another one who signs in on this phone has read nothing yet. */
const told_name = () => `yufu.tenant.told.${accounts.value.map((a) => a.id)}`;

/** There are notices that came after the newest one that was looked at here. */
export const unread = computed(() => accounts.value.some((a) => a.notices_latest_at! > (choice.told || kept(told_name()) || '')));

/** The notices were looked at; the newest is of that moment. */
export function told(at: string): void {
	keep(told_name(), (choice.told = at));
}

export function shop_name(a: { tenant: { room: string; name: string } }): string {
	return [a.tenant.room, a.tenant.name].filter(Boolean).join(' ');
}

/** The session has ended, by itself perhaps: nothing of it is shown. What was begun stays for the same person. */
export function session_forget(): void {
	for (const of of [mine, who]) Object.assign(of, { data: null, at: null, error: null, stale: false });
	pages = new Kept<Account>();
	choice.told = '';
}

/** Somebody has signed in. */
export function session_begin(): void {
	session_forget();
	keep(PERSON, random_key());
	void mine.load();
	void who.load();
}

export function session_init(): void {
	clock.zone = kept('yufu.zone') || clock.zone;
	window.addEventListener('storage', (e) => {
		if (e.key === PERSON && e.newValue) location.assign(placed('/'));
	});
}

export async function leave(): Promise<void> {
	await sign_out();
	session_forget();
	choice.id = 0;
	keep(CURRENT, null);
	forget('yufu.once.');
	drafts_forget();
	go('/login', true);
}
