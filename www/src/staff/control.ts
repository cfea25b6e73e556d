// Acts under way: each is followed until the meter has been read back, or refused, or nobody knows.
import { reactive } from 'vue';
import type { Act, Action, ActState, MeterDetail, SupplyAnswer } from '../shared/api';
import { get, post } from '../shared/client';
import { live_now } from './live';

const WAIT_MS = 1000;
const GIVE_UP_MS = 5 * 60_000;

/** accepted: the wish is written down, the relay must still be told. none: the relay need not move. */
export type Stage = 'accepted' | 'none' | ActState;

export interface Doing {
	meter_id: number;
	code: string;
	action: Action;
	/** Null until the server has begun the act. */
	act_id: number | null;
	/** Acts of before, which are not the one to follow. */
	known: number[];
	desired: string;
	/** When it was asked for, in ms. */
	at: number;
}
export const doing = reactive<Doing[]>([]);

/** Asks for an act. The answer names the act to follow, if there is one already. */
export function supply_ask(meter_id: number, action: Action, reason: string, until: string | null): Promise<SupplyAnswer> {
	const body: Record<string, unknown> = { action, reason };
	if (until) body.until = until;
	return post<SupplyAnswer>(`/meters/${meter_id}/supply`, body, `supply-${meter_id}`);
}

export function first_stage(answer: SupplyAnswer): Stage {
	if (answer.act) return answer.act.state;
	return answer.supply.state === answer.desired ? 'none' : 'accepted';
}

export function is_settled(stage: Stage): boolean {
	return stage !== 'accepted' && stage !== 'sent';
}

/** How far an act has come, as the meter's page of the server tells it. */
export function stage_of(d: Doing, meter: { acts?: Act[]; supply: { state: string } | null }): Stage {
	const act = (meter.acts || []).find((a) => (d.act_id === null ? !d.known.includes(a.id) : a.id === d.act_id));
	if (act) return act.state;
	return meter.supply?.state === d.desired ? 'done' : 'accepted';
}

/** Waits until the act has ended; tells each stage it sees. */
export async function act_follow(d: Doing, told: (stage: Stage, meter: MeterDetail) => void): Promise<void> {
	const index = doing.findIndex((x) => x.meter_id === d.meter_id);
	if (index >= 0) doing.splice(index, 1);
	doing.push(d);
	try {
		while (Date.now() - d.at < GIVE_UP_MS) {
			await new Promise((done) => setTimeout(done, WAIT_MS));
			if (!doing.some((x) => x.at === d.at && x.meter_id === d.meter_id)) return;
			const meter = await get<MeterDetail>(`/meters/${d.meter_id}`).catch(() => null);
			if (!meter) continue;
			const stage = stage_of(d, meter);
			told(stage, meter);
			if (is_settled(stage)) return;
		}
	} finally {
		const left = doing.findIndex((x) => x.at === d.at && x.meter_id === d.meter_id);
		if (left >= 0) doing.splice(left, 1);
		live_now();
	}
}
