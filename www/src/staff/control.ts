// Acts under way: each is followed until the meter has been read back, or refused, or nobody knows.
import { reactive } from 'vue';
import type { Action, ActState, MeterDetail, SupplyAnswer } from '../shared/api';
import { get, post } from '../shared/client';
import { live_now } from './live';

const WAIT_MS = 1000;
const GIVE_UP_MS = 5 * 60_000;

export interface Doing { meter_id: number; code: string; action: Action; act_id: number; at: number }
export const doing = reactive<Doing[]>([]);

export interface Outcome { action: Action; state: ActState | 'none'; remains: string[]; at: number }

/** Asks for an act. The answer names the act to follow, if the relay must move at all. */
export function supply_ask(meter_id: number, action: Action, reason: string, until: string | null): Promise<SupplyAnswer> {
	const body: Record<string, unknown> = { action, reason };
	if (until) body.until = until;
	return post<SupplyAnswer>(`/meters/${meter_id}/supply`, body, `supply-${meter_id}`);
}

/** Waits until the act has ended; tells each state it sees. */
export async function act_follow(d: Doing, told: (state: ActState, meter: MeterDetail) => void): Promise<void> {
	const index = doing.findIndex((x) => x.meter_id === d.meter_id);
	if (index >= 0) doing.splice(index, 1);
	doing.push(d);
	try {
		while (Date.now() - d.at < GIVE_UP_MS) {
			await new Promise((done) => setTimeout(done, WAIT_MS));
			const meter = await get<MeterDetail>(`/meters/${d.meter_id}`).catch(() => null);
			const act = meter?.acts?.find((a) => a.id === d.act_id);
			if (!meter || !act) continue;
			told(act.state, meter);
			if (act.state !== 'sent') return;
		}
	} finally {
		const left = doing.findIndex((x) => x.act_id === d.act_id);
		if (left >= 0) doing.splice(left, 1);
		live_now();
	}
}
