// The account that an address names ("?account=12"), of a former contract perhaps; else the one looked at.
import { computed, onMounted, type ComputedRef } from 'vue';
import type { Account } from '../shared/api';
import { route } from '../shared/router';
import { former_accounts } from './former';
import { account, accounts, mine } from './session';

export interface Asked { id: ComputedRef<number | null>; is: ComputedRef<Account | null>; former: ComputedRef<boolean>; all: ComputedRef<Account[]> }

export function asked_account(): Asked {
	const ended = former_accounts();
	const wanted = computed(() => Number(route.query.account) || null);
	const here = computed(() => accounts.value.find((a) => a.id === wanted.value) || null);
	onMounted(async () => {
		if (!mine.data) await mine.load();
		if (wanted.value && !here.value) await ended.load();
	});
	const gone = computed(() => ended.data?.find((a) => a.id === wanted.value) || null);
	const is = computed(() => (wanted.value ? here.value || gone.value : account.value));
	return { id: computed(() => is.value?.id ?? null), is, former: computed(() => gone.value !== null && here.value === null), all: computed(() => [...accounts.value, ...(ended.data || [])]) };
}
