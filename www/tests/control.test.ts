import { describe, expect, it } from 'vitest';
import type { Act, SupplyAnswer } from '../src/shared/api';
import { first_stage, is_settled, stage_of, type Doing } from '../src/staff/control';

const d: Doing = { meter_id: 1, code: 'A01', action: 'off', act_id: null, known: [7], desired: 'off', at: 0 };
const act = (id: number, state: Act['state']): Act => ({ id, action: 'off', state, reason: '', actor: '', created_at: '', done_at: null, error: null });
const answer = (state: SupplyAnswer['supply']['state'], given: SupplyAnswer['act'] = null): SupplyAnswer =>
	({ meter_id: 1, desired: 'off', reason: 'manual', blocks: [], keep_until: null, act: given, supply: { state, since: null } });

describe('an act', () => {
	it('is accepted until the relay has been told, and nothing to do when it stands already so', () => {
		expect(first_stage(answer('switching'))).toBe('accepted');
		expect(first_stage(answer('unreachable'))).toBe('accepted');
		expect(first_stage(answer('off'))).toBe('none');
		expect(first_stage(answer('switching', { id: 8, state: 'sent' }))).toBe('sent');
	});
	it('never takes an act of before for its own', () => {
		expect(stage_of(d, { acts: [act(7, 'done')], supply: { state: 'switching' } })).toBe('accepted');
		expect(stage_of(d, { acts: [act(8, 'sent'), act(7, 'done')], supply: { state: 'switching' } })).toBe('sent');
		expect(stage_of({ ...d, act_id: 7 }, { acts: [act(8, 'sent'), act(7, 'refused')], supply: { state: 'on' } })).toBe('refused');
	});
	it('is done when the meter reads as wished, though no act is seen', () => {
		expect(stage_of(d, { acts: [], supply: { state: 'off' } })).toBe('done');
		expect(stage_of(d, { acts: [], supply: { state: 'on' } })).toBe('accepted');
	});
	it('settles only when nothing more will come', () => {
		expect(['done', 'refused', 'unknown', 'none', 'accepted', 'sent'].map((s) => is_settled(s as 'done'))).toEqual([true, true, true, true, false, false]);
	});
});
