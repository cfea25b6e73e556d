/* Damage to supply, contracts, devices and readings. */
#include "damage.h"

static const struct damage list[] = {
	/* supply */
	{ "block_invented", "block", "MIN(id) INTO @s FROM supply_point",
		"INSERT INTO block (supply_point_id, kind, cause, since_at) VALUES (@s, 'arrears',"
		" 'account:999', 1)",
		"arrears_block_has_its_cause", "CONCAT('block:', @s, ':arrears:account:999')" },
	{ "block_gone", "block",
		"supply_point_id, SUBSTRING(cause, 9) INTO @s, @a FROM block WHERE kind = "
		"'arrears' LIMIT 1",
		"DELETE FROM block WHERE supply_point_id = @s", "arrears_have_their_block",
		ACCOUNT },
	/* levels and notices */
	{ "level_low", "account",
		"id INTO @a FROM account WHERE kind = 'purse' AND level = 'ok' AND level_since > 0 "
		"AND purpose <> 'fee' AND contract_id IN (SELECT id FROM contract WHERE end_at = "
		"0) AND balance_nano > 9000000000 LIMIT 1",
		"UPDATE account SET level = 'low1' WHERE id = @a", "level_is_of_the_balance",
		ACCOUNT },
	{ "level_ok", "account",
		"id INTO @a FROM account WHERE kind = 'purse' AND level = 'ok' AND level_since > 0 "
		"AND purpose <> 'fee' AND contract_id IN (SELECT id FROM contract WHERE end_at = "
		"0) AND balance_nano > 9000000000 LIMIT 1",
		"UPDATE account SET warn1_nano = balance_nano + 5 WHERE id = @a",
		"level_is_of_the_balance", ACCOUNT },
	{ "credit_limit", "account",
		"id INTO @a FROM account WHERE kind = 'purse' AND level = 'arrears' AND purpose <> "
		"'fee' LIMIT 1",
		"UPDATE account SET level = 'ok' WHERE id = @a", "arrears_are_of_the_balance",
		ACCOUNT },
	{ "fee_level", "account",
		"id INTO @a FROM account WHERE kind = 'purse' AND purpose = 'fee' AND balance_nano "
		"< 0 LIMIT 1",
		"UPDATE account SET level = 'ok', level_since = 5 WHERE id = @a",
		"fee_arrears_are_of_the_balance", ACCOUNT },
	{ "notice_gone", "notice",
		"a.id INTO @a FROM account a WHERE a.level = 'arrears' AND a.purpose <> 'fee' "
		"LIMIT 1",
		"DELETE FROM notice WHERE account_id = @a AND kind = 'arrears'",
		"arrears_were_told", ACCOUNT },
	{ "level_since", "account", "a.id INTO @a FROM account a WHERE a.level = 'arrears' LIMIT 1",
		"UPDATE account SET level_since = level_since + 1 WHERE id = @a",
		"arrears_were_told", ACCOUNT },
	{ "notice_twice", "notice", "MAX(id) INTO @s FROM notice WHERE kind = 'arrears'",
		"INSERT INTO notice (id, account_id, kind, text, created_at) SELECT 999999, "
		"account_id, kind, text, created_at FROM notice WHERE id = @s",
		"crossing_is_told_once", "'notice:999999'" },
	/* blocks */
	{ "block_fee_without_cause", "block", "MIN(id) INTO @s FROM supply_point",
		"INSERT INTO block (supply_point_id, kind, cause, since_at) VALUES (@s, 'fee', "
		"'account:1001', 1)",
		"fee_block_has_its_cause", "CONCAT('block:', @s, ':fee:', 'account:1001')" },
	{ "block_overload_without_cause", "block", "MIN(id) INTO @s FROM supply_point",
		"INSERT INTO block (supply_point_id, kind, cause, since_at) VALUES (@s, "
		"'overload', '', 1)",
		"overload_block_has_its_cause", "CONCAT('block:', @s, ':overload:', '')" },
	{ "block_schedule_without_cause", "block", "MIN(id) INTO @s FROM supply_point",
		"INSERT INTO block (supply_point_id, kind, cause, since_at) VALUES (@s, "
		"'schedule', '', 1)",
		"schedule_block_has_its_cause", "CONCAT('block:', @s, ':schedule:', '')" },
	{ "block_sub_tenant_without_cause", "block", "MIN(id) INTO @s FROM supply_point",
		"INSERT INTO block (supply_point_id, kind, cause, since_at) VALUES (@s, "
		"'sub_tenant', 'user:1', 1)",
		"sub_tenant_block_has_its_cause",
		"CONCAT('block:', @s, ':sub_tenant:', 'user:1')" },
	{ "block_of_nothing", "block", "MIN(id) INTO @s FROM supply_point",
		"INSERT INTO block (supply_point_id, kind, cause, since_at) VALUES (99, 'manual', "
		"'', 1);INSERT IGNORE INTO block (supply_point_id, kind, cause, since_at) VALUES "
		"(99, 'safety', '', 1)",
		"block_has_its_supply_point", "'block:99:manual:'" },
	{ "block_manual_undecided", "block",
		"MIN(id) INTO @s FROM supply_point WHERE desired_reason = 'none'",
		"INSERT INTO block (supply_point_id, kind, cause, since_at) VALUES (@s, 'manual', "
		"'x', 1)",
		"supply_is_as_decided", "CONCAT('supply_point:', @s)" },
	/* supply */
	{ "desired", "supply_point",
		"MIN(id) INTO @s FROM supply_point WHERE desired = 'on' AND desired_reason = "
		"'none'",
		"UPDATE supply_point SET desired = 'off' WHERE id = @s", "supply_is_as_decided",
		"CONCAT('supply_point:', @s)" },
	{ "desired_reason", "supply_point",
		"MIN(id) INTO @s FROM supply_point WHERE desired = 'off'",
		"UPDATE supply_point SET desired_reason = 'safety' WHERE id = @s",
		"supply_is_as_decided", "CONCAT('supply_point:', @s)" },
	{ "gated", "supply_point", "MIN(id) INTO @s FROM supply_point WHERE desired = 'off'",
		"UPDATE supply_point SET gated = 1 - gated WHERE id = @s", "supply_is_as_decided",
		"CONCAT('supply_point:', @s)" },
	{ "pending", "supply_point",
		"MIN(id) INTO @s FROM supply_point WHERE desired = 'on' AND desired_reason = "
		"'none'",
		"UPDATE supply_point SET pending = 1 - pending WHERE id = @s",
		"work_is_what_differs", "CONCAT('supply_point:', @s)" },
	{ "observed", "supply_point",
		"MIN(id) INTO @s FROM supply_point WHERE desired = observed AND desired = 'on'",
		"UPDATE supply_point SET observed = 'off' WHERE id = @s", "work_is_what_differs",
		"CONCAT('supply_point:', @s)" },
	{ "keep_by_nobody", "supply_point",
		"MIN(id) INTO @s FROM supply_point WHERE desired = 'on' AND desired_reason = "
		"'none'",
		"UPDATE supply_point SET keep_until = 5, keep_actor = '' WHERE id = @s",
		"keep_has_its_reason", "CONCAT('supply_point:', @s)" },
	{ "load_class", "supply_point",
		"MIN(id) INTO @s FROM supply_point WHERE desired_reason = 'arrears'",
		"UPDATE supply_point SET load_class = 'protected' WHERE id = @s",
		"supply_is_as_decided", "CONCAT('supply_point:', @s)" },
	{ "point_billing", "supply_point", "MIN(id) INTO @m FROM meter WHERE billing = 'account'",
		"UPDATE supply_point p JOIN meter m ON m.supply_point_id = p.id SET p.billing = "
		"'postpaid' WHERE m.id = @m",
		"billing_of_supply_is_its_meters", "CONCAT('meter:', @m)" },
	{ "meter_utility", "meter", "MIN(id) INTO @m FROM meter WHERE utility = 'electricity'",
		"UPDATE meter SET utility = 'water' WHERE id = @m",
		"billing_of_supply_is_its_meters", "CONCAT('meter:', @m)" },
	/* contracts */
	{ "contract_start", "contract",
		"c.id INTO @c FROM contract c JOIN contract_event e ON e.contract_id = c.id AND "
		"e.kind = 'open' LIMIT 1",
		"UPDATE contract SET start_at = start_at - 1 WHERE id = @c",
		"contract_lasts_as_its_events_say", "CONCAT('contract:', @c)" },
	{ "contract_end", "contract",
		"c.id INTO @c FROM contract c JOIN contract_event e ON e.contract_id = c.id AND "
		"e.kind = 'close' LIMIT 1",
		"UPDATE contract SET end_at = end_at + 1 WHERE id = @c",
		"contract_lasts_as_its_events_say", "CONCAT('contract:', @c)" },
	{ "contract_open_again", "contract",
		"c.id INTO @c FROM contract c JOIN contract_event e ON e.contract_id = c.id AND "
		"e.kind = 'close' LIMIT 1",
		"UPDATE contract SET end_at = 0 WHERE id = @c", "contract_lasts_as_its_events_say",
		"CONCAT('contract:', @c)" },
	{ "event_undone", "contract_event",
		"c.id INTO @c FROM contract c JOIN contract_event e ON e.contract_id = c.id AND "
		"e.kind = 'close' LIMIT 1",
		"UPDATE contract_event SET undone_at = 5 WHERE contract_id = @c AND kind = 'close'",
		"contract_lasts_as_its_events_say", "CONCAT('contract:', @c)" },
	{ "event_gone", "contract_event",
		"c.id INTO @c FROM contract c JOIN contract_event e ON e.contract_id = c.id AND "
		"e.kind = 'close' LIMIT 1",
		"DELETE FROM contract_event WHERE contract_id = @c AND kind = 'close'",
		"contract_lasts_as_its_events_say", "CONCAT('contract:', @c)" },
	{ "held_after_the_end", "contract_point",
		"h.contract_id, h.supply_point_id, h.from_at INTO @c, @s, @t FROM contract_point h "
		"JOIN contract c ON c.id = h.contract_id AND c.end_at > 0 LIMIT 1",
		"UPDATE contract_point SET to_at = 0 WHERE supply_point_id = @s AND from_at = @t",
		"nothing_is_held_after_the_end", "CONCAT('contract_point:', @s, ':', @t)" },
	{ "held_twice", "contract_point",
		"h.contract_id, h.supply_point_id, h.from_at INTO @c, @s, @t FROM contract_point h "
		"JOIN contract c ON c.id = h.contract_id AND c.end_at > 0 LIMIT 1",
		"UPDATE contract_point SET to_at = to_at + 9999999 WHERE supply_point_id = @s AND "
		"from_at = @t",
		"supply_is_held_once", "CONCAT('contract_point:', @s, ':', @t)" },
	{ "held_by_another_contract", "contract_point",
		"h.contract_id, h.supply_point_id, h.from_at INTO @c, @s, @t FROM contract_point h "
		"JOIN contract c ON c.id = h.contract_id AND c.end_at > 0 LIMIT 1",
		"UPDATE contract_point SET contract_id = 101 WHERE supply_point_id = @s AND "
		"from_at = @t",
		"supply_is_paid_by_its_contract", "CONCAT('contract_point:', @s, ':', @t)" },
	{ "paid_by_a_purse_for_water", "account",
		"supply_point_id, from_at, account_id INTO @s, @t, @a FROM contract_point WHERE "
		"supply_point_id = 101",
		"UPDATE account SET purpose = 'water' WHERE id = @a",
		"supply_is_paid_by_its_contract", "CONCAT('contract_point:', @s, ':', @t)" },
	{ "allowance_last_month", "contract_allowance",
		"contract_id INTO @c FROM contract_allowance",
		"UPDATE contract_allowance SET last_month = '1999-01' WHERE contract_id = @c",
		"allowance_was_given_up_to_its_month", "CONCAT('contract_allowance:', @c)" },
	{ "allowance_account", "contract_allowance", "contract_id INTO @c FROM contract_allowance",
		"UPDATE contract_allowance SET account_id = 2103 WHERE contract_id = @c",
		"allowance_goes_to_its_contract", "CONCAT('contract_allowance:', @c)" },
	{ "allowance_amount", "contract_allowance", "contract_id INTO @c FROM contract_allowance",
		"UPDATE contract_allowance SET amount_milli = amount_milli + 1 WHERE contract_id = "
		"@c",
		"allowance_is_as_agreed", "CONCAT('contract_allowance:', @c)" },
	/* devices, readings, tariffs */
	{ "exchange_old_register", "meter_change",
		"id, meter_id, at INTO @s, @m, @t FROM meter_change",
		"UPDATE meter_change SET old_register_milli = old_register_milli + 1 WHERE id = @s",
		"exchange_was_read", "CONCAT('meter_change:', @s)" },
	{ "exchange_new_register", "meter_change",
		"id, meter_id, at INTO @s, @m, @t FROM meter_change",
		"UPDATE meter_change SET new_register_milli = new_register_milli + 1 WHERE id = @s",
		"evidence_is_a_chain",
		"CONCAT('settlement:', @m, ':', (SELECT MIN(to_at) FROM settlement WHERE meter_id "
		"= @m AND from_at >= @t))" },
	{ "exchange_time", "meter_change", "id, meter_id, at INTO @s, @m, @t FROM meter_change",
		"UPDATE meter_change SET at = at + 1 WHERE id = @s", "exchange_was_read",
		"CONCAT('meter_change:', @s)" },
	{ "exchange_undone", "meter_change", "id, meter_id, at INTO @s, @m, @t FROM meter_change",
		"UPDATE meter_change SET undone_at = 5 WHERE id = @s",
		"device_is_as_last_exchanged", "CONCAT('meter:', @m)" },
	{ "exchange_gone", "meter_change", "id, meter_id, at INTO @s, @m, @t FROM meter_change",
		"DELETE FROM meter_change WHERE id = @s", "evidence_is_a_chain",
		"CONCAT('settlement:', @m, ':', (SELECT MIN(to_at) FROM settlement WHERE meter_id "
		"= @m AND from_at >= @t))" },
	{ "device", "meter", "id, meter_id, at INTO @s, @m, @t FROM meter_change",
		"UPDATE meter SET device = device + 1 WHERE id = @m", "device_is_as_last_exchanged",
		"CONCAT('meter:', @m)" },
	{ "device_serial", "meter", "id, meter_id, at INTO @s, @m, @t FROM meter_change",
		"UPDATE meter SET serial = 'x' WHERE id = @m", "device_is_as_last_exchanged",
		"CONCAT('meter:', @m)" },
	{ "typed_reading", "typed_reading", "id, meter_id, at INTO @s, @m, @t FROM meter_change",
		"UPDATE typed_reading SET register_milli = register_milli + 1 WHERE meter_id = @m "
		"AND read_at = @t",
		"typed_register_is_settled", "CONCAT('settlement:', @m, ':', @t)" },
	{ "typed_reading_gone", "typed_reading",
		"id, meter_id, at INTO @s, @m, @t FROM meter_change",
		"DELETE FROM typed_reading WHERE meter_id = @m AND read_at = @t",
		"exchange_was_read", "CONCAT('meter_change:', @s)" },
	{ "ratio_history", "meter_ratio", "id, meter_id, at INTO @s, @m, @t FROM meter_change",
		"UPDATE meter_ratio SET ct = ct + 1 WHERE meter_id = @m AND from_at > 0",
		"ratio_is_of_its_time",
		"CONCAT('settlement:', @m, ':', (SELECT MIN(to_at) FROM settlement WHERE meter_id "
		"= @m AND from_at >= @t))" },
	{ "ratio_zero", "meter_ratio", "id, meter_id, at INTO @s, @m, @t FROM meter_change",
		"UPDATE meter_ratio SET pt = 0 WHERE meter_id = @m AND from_at > 0",
		"ratio_is_positive",
		"CONCAT('meter_ratio:', @m, ':', (SELECT MAX(from_at) FROM meter_ratio WHERE "
		"meter_id = @m))" },
	{ "settled_without_reading", "settled",
		"meter_id INTO @m FROM settled WHERE meter_id = 101",
		"UPDATE settled SET read_at = read_at + 1 WHERE meter_id = @m",
		"settled_reading_is_there", "CONCAT('settled:', @m)" },
	{ "base_reading", "reading",
		"meter_id, from_at, to_at INTO @m, @f, @t FROM settlement WHERE meter_id = 101 "
		"ORDER BY to_at LIMIT 1",
		"UPDATE reading SET register_milli = register_milli - 1 WHERE meter_id = @m AND "
		"read_at = @f",
		"base_register_was_read", "CONCAT('settlement:', @m, ':', @t)" },
	{ "tariff_revision", "tariff", "id INTO @s FROM tariff WHERE id = 12",
		"UPDATE tariff SET revision = revision + 1 WHERE id = @s",
		"tariff_is_its_last_file", "CONCAT('tariff:', @s)" },
	{ "tariff_file", "tariff_revision", "id INTO @s FROM tariff WHERE id = 12",
		"UPDATE tariff_revision SET doc = '{}' WHERE tariff_id = @s",
		"tariff_is_its_last_file", "CONCAT('tariff:', @s)" },
	{ "tariff_utility", "tariff",
		"meter_id, from_at INTO @m, @t FROM meter_tariff WHERE tariff_id = 12 LIMIT 1",
		"UPDATE tariff SET utility = 'water' WHERE id = 12", "tariff_is_of_its_utility",
		"CONCAT('meter_tariff:', @m, ':', @t)" },
	{ "device_never_exchanged", "meter", "id INTO @m FROM meter WHERE id = 101",
		"UPDATE meter SET device = 2 WHERE id = @m", "first_device_is_the_first",
		"CONCAT('meter:', @m)" },
};

const struct damages damages_of_life = { list, ARRAY_LEN(list) };
