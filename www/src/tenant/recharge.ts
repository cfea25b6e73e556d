// A recharge before it is an order: how much, by which way, and the one press that pays. For one's own purse
// and for others.
import { computed, onMounted, ref, watch, type ComputedRef, type Ref } from 'vue';
import type { Channel, Order, PayChannel } from '../shared/api';
import { ApiError, get_all, post } from '../shared/client';
import { loaded } from '../shared/load';
import { fen_short } from '../shared/money';
import { typed_fen } from '../shared/money_sums';
import { go } from '../shared/router';
import { channels } from './channels';
import { draft, draft_keep } from './draft';
import { w } from './words/recharge';
import { why } from './words';

export interface Offer { presets_fen: number[]; min_fen: number; max_fen: number }
interface Typed { chosen: number | null; other: string }

export interface Recharge {
	presets: ComputedRef<number[]>;
	chosen: Ref<number | null>;
	other: Ref<string>;
	amount: ComputedRef<number | null>;
	range: ComputedRef<string>;
	wrong: ComputedRef<string>;
	ways: ComputedRef<Channel[]>;
	none: ComputedRef<string>;
	busy: Ref<boolean>;
	failed: Ref<string>;
	pay(channel: Channel | undefined): Promise<void>;
}

/** `name` is that of what was typed and not sent; `target` says whose purse; `back` is the page it is done on. */
export function recharge(name: string, offer: () => Offer, target: () => { account_id: number } | { meter: string }, back: string, first: number | null = null): Recharge {
	const presets = computed(() => offer().presets_fen.slice(0, 5));
	const typed = draft<Typed>(name);
	const usual = first !== null && presets.value.includes(first) ? first : presets.value[Math.min(2, presets.value.length - 1)] ?? null;
	const chosen = ref(typed ? typed.chosen : usual);
	const other = ref(typed?.other || '');
	const busy = ref(false);
	const failed = ref('');
	watch([chosen, other], () => draft_keep(name, { chosen: chosen.value, other: other.value } satisfies Typed));

	const set_up = loaded<PayChannel[]>(() => get_all<PayChannel>('/me/pay-channels'), () => 'yufu.tenant.cache.channels', true);
	onMounted(() => { void set_up.load(); });
	/** Ways of this browser that are set up here; all of them until that is known. */
	const ways = computed(() => channels(navigator.userAgent).filter((c) => !set_up.data || set_up.data.some((s) => s.channel === c && s.on)));
	const none = computed(() => (ways.value.length ? '' : set_up.data?.some((s) => s.on) ? w.value.no_way_here : w.value.no_way));

	const amount = computed(() => (chosen.value === null ? typed_fen(other.value) : chosen.value));
	const range = computed(() => w.value.other_range(fen_short(offer().min_fen), fen_short(offer().max_fen)));
	const wrong = computed(() => {
		if (amount.value === null) return other.value ? w.value.bad : range.value;
		return amount.value < offer().min_fen || amount.value > offer().max_fen ? range.value : '';
	});

	async function pay(channel: Channel | undefined): Promise<void> {
		if (busy.value || wrong.value || !channel) {
			if (!busy.value) failed.value = wrong.value;
			return;
		}
		busy.value = true;
		failed.value = '';
		try {
			const order = await post<Order>('/me/orders', { ...target(), amount_fen: amount.value, channel }, 'order');
			draft_keep(name, null);
			go(`/order/${order.id}?pay=1`);
		} catch (e) {
			const error = e instanceof ApiError ? e : new ApiError(0, 'internal');
			if (error.code === 'wechat_not_bound') void import('./wechat').then((m) => m.wechat_start(back)); // who pays must be known first
			failed.value = `${why(error)} ${error.unanswered ? w.value.unsure : w.value.failed}`;
		} finally {
			busy.value = false;
		}
	}
	return { presets, chosen, other, amount, range, wrong, ways, none, busy, failed, pay };
}
