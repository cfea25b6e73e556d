// Settings by topic, in the order in which they are shown; what is not named here stands at the end.
export const GROUPS = ['recharge', 'cutting', 'fee', 'persons', 'notice', 'credit', 'other'] as const;
export type Group = typeof GROUPS[number];

const NAMES: Record<Exclude<Group, 'other'>, string> = {
	recharge: 'order_min_fen order_max_fen open_orders_most pay_for_others balance_cap_fen service_charge_permille warn_most_yuan warn2_least_yuan allowance_carries',
	cutting: 'quiet_from_min quiet_to_min quiet_weekend quiet_stagger_min final_warning_min brake_count brake_percent vacant_block',
	fee: 'fee_cut fee_grace_days fee_notice_days',
	persons: 'refund_limit_fen reversal_limit_fen desk_reversal_limit_fen adjustment_limit_fen price_limit_permille keep_limit_h batch_limit',
	notice: 'notice_quiet_from_min notice_quiet_to_min alarm_repeat_min alarm_repeat_most voltage_low_mv voltage_high_mv round_long_s',
	credit: 'credit_most_per_hour credit_drift_permille credit_drift_least_fen',
};
export const GROUP_OF: Record<string, Group> = Object.fromEntries(Object.entries(NAMES).flatMap(([group, names]) => names.split(' ').map((name) => [name, group as Group])));

export function group_of(name: string): Group {
	return GROUP_OF[name] || 'other';
}
