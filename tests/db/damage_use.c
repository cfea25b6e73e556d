/* Damage to use and charges, to what they come from, and to the sealed days. */
#include "damage.h"

#define A_SETTLEMENT                                                                               \
	"meter_id, to_at, from_at INTO @m, @t, @f FROM settlement WHERE charge_nano > 0 AND kind " \
	"="                                                                                        \
	" 'use' ORDER BY to_at LIMIT 1 OFFSET 40"
#define SETTLEMENT "CONCAT('settlement:', @m, ':', @t)"
#define THIS_SETTLEMENT " WHERE meter_id = @m AND to_at = @t"
#define NEXT_SETTLEMENT                                                                            \
	"CONCAT('settlement:', @m, ':', (SELECT MIN(to_at) FROM settlement WHERE meter_id = @m "   \
	"AND"                                                                                      \
	" to_at > @t))"
#define A_DAY(sealed)                                                                              \
	"meter_id, day, contract_id, rate, tier, price_micro, account_id, book_day INTO @m, @d, "  \
	"@c,"                                                                                      \
	" @r, @i, @p, @a, @b FROM usage_day WHERE charge_nano > 1000 AND account_id <> 0 AND"      \
	" sealed = " #sealed " ORDER BY qty_milli DESC LIMIT 1"
#define THIS_DAY                                                                                   \
	" WHERE meter_id = @m AND day = @d AND contract_id = @c AND rate = @r AND tier = @i AND"   \
	" price_micro = @p AND book_day = @b"
#define DAY_NAME "CONCAT('usage_day:', @m, ':', @d, ':', @c, ':', @r, ':', @i, ':', @p)"
#define AN_HOUR                                                                                    \
	"meter_id, hour_at INTO @m, @h FROM usage_hour WHERE qty_milli > 10 LIMIT 1 OFFSET 30"
#define HOUR_NAME "CONCAT('usage_hour:', @m, ':', @h)"
#define A_SEALED_DAY                                                                               \
	"day INTO @d FROM book_day WHERE sealed_at > 0 AND entries > 0 ORDER BY day LIMIT 1 "      \
	"OFFSET 1"
#define A_MONTH                                                                                    \
	"month, meter_id, contract_id, account_id, rate INTO @t, @m, @c, @a, @r FROM usage_month"  \
	" WHERE charge_nano > 0 LIMIT 1"
#define THIS_MONTH                                                                                 \
	" WHERE month = @t AND meter_id = @m AND contract_id = @c AND account_id = @a AND rate = " \
	"@r"
#define MONTH_NAME "CONCAT('usage_month:1:', @t, ':', @m, ':', @c, ':', @a, ':', @r)"
#define A_MONTHS_POSTINGS "month, account_id, kind INTO @t, @a, @k FROM posting_month LIMIT 1"
#define A_MONTHS_DAY                                                                               \
	"b.day INTO @d FROM book_day b JOIN entry e ON e.book_day = b.day WHERE b.summed_at > 0"   \
	" AND e.kind = 'energy' LIMIT 1"
#define BOOK_DAY "CONCAT('book_day:1:', @d)"

#define A_CUT                                                                                      \
	"s.meter_id, s.to_at INTO @m, @t FROM settlement s JOIN contract_point h ON"               \
	" h.supply_point_id = s.meter_id AND h.to_at = s.to_at WHERE s.meter_id = 104"
#define A_SPLIT "meter_id, to_at INTO @m, @t FROM settlement WHERE rates <> '' LIMIT 1"
#define A_DECISION(action)                                                                         \
	"id, meter_id, read_at INTO @s, @m, @t FROM reading_decision WHERE action = '" action "'"

static const struct damage list[] = {
	/* use by day and hour, tiers */
	{ "usage_day_qty", "usage_day", A_DAY(0),
		"UPDATE usage_day SET qty_milli = qty_milli - 1" THIS_DAY,
		"use_of_day_is_its_evidence", DAY_NAME },
	{ "usage_day_charge", "usage_day", A_DAY(0),
		"UPDATE usage_day SET charge_nano = charge_nano - 1" THIS_DAY,
		"charge_of_day_is_its_evidence", DAY_NAME },
	{ "usage_day_charge_alone", "usage_day", A_DAY(0),
		"UPDATE usage_day SET charge_nano = charge_nano - 1" THIS_DAY,
		"charge_is_quantity_times_price", DAY_NAME },
	{ "usage_day_sealed_charge", "usage_day", A_DAY(1),
		"UPDATE usage_day SET charge_nano = charge_nano - 1" THIS_DAY,
		"sealed_use_is_posted", "CONCAT('day:', @d, ':account:', @a, ':meter:', @m)" },
	{ "usage_day_price", "usage_day", A_DAY(0), "UPDATE usage_day SET price_micro = 1" THIS_DAY,
		"evidence_is_in_use_of_day", DAY_NAME },
	{ "usage_day_tier", "usage_day", A_DAY(0), "UPDATE usage_day SET tier = 9" THIS_DAY,
		"evidence_is_in_use_of_day", DAY_NAME },
	{ "usage_day_account", "usage_day", A_DAY(0),
		"UPDATE usage_day SET account_id = 0" THIS_DAY, "evidence_is_in_use_of_day",
		DAY_NAME },
	{ "usage_day_gone", "usage_day", A_DAY(1), "DELETE FROM usage_day" THIS_DAY,
		"evidence_is_in_use_of_day", DAY_NAME },
	{ "usage_day_invented", "usage_day", A_DAY(0),
		"INSERT INTO usage_day SELECT meter_id, day, contract_id, account_id, tariff_id,"
		" version_at, 'night', tier, price_micro, qty_milli, charge_nano, sealed, book_day "
		"FROM"
		" usage_day" THIS_DAY ";SET @r = 'night'",
		"use_of_day_has_evidence", DAY_NAME },
	{ "usage_day_opened_again", "usage_day", A_DAY(1),
		"UPDATE usage_day SET sealed = 0" THIS_DAY, "sealed_day_has_no_open_charge",
		DAY_NAME },
	{ "usage_day_frozen_early", "usage_day", A_DAY(0),
		"UPDATE usage_day SET sealed = 1" THIS_DAY, "frozen_use_is_of_a_closed_day",
		DAY_NAME },
	{ "usage_day_book_day", "usage_day", A_DAY(0),
		"UPDATE usage_day SET book_day = day + INTERVAL 3 DAY" THIS_DAY,
		"late_use_is_of_a_closed_day", DAY_NAME },
	{ "usage_hour_qty", "usage_hour", AN_HOUR,
		"UPDATE usage_hour SET qty_milli = qty_milli + 1 WHERE meter_id = @m AND hour_at = "
		"@h",
		"use_of_hour_is_its_evidence", HOUR_NAME },
	{ "usage_hour_charge", "usage_hour", AN_HOUR,
		"UPDATE usage_hour SET charge_nano = charge_nano + 1 WHERE meter_id = @m AND "
		"hour_at = @h",
		"charge_of_hour_is_its_evidence", HOUR_NAME },
	{ "usage_hour_gone", "usage_hour", AN_HOUR,
		"DELETE FROM usage_hour WHERE meter_id = @m AND hour_at = @h",
		"use_of_hour_is_its_evidence", HOUR_NAME },
	{ "usage_hour_moved", "usage_hour", AN_HOUR,
		"UPDATE usage_hour SET hour_at = hour_at + 1 WHERE meter_id = @m AND hour_at = @h",
		"use_of_hour_is_its_evidence", HOUR_NAME },
	{ "tier_use", "tier_use",
		"contract_id, supply_point_id INTO @c, @s FROM tier_use WHERE used_milli > 0 LIMIT "
		"1",
		"UPDATE tier_use SET used_milli = used_milli - 1 WHERE contract_id = @c AND"
		" supply_point_id = @s",
		"tier_use_is_its_evidence", "CONCAT('tier_use:', @c, ':', @s)" },
	{ "tier_cycle", "tier_use",
		"contract_id, supply_point_id INTO @c, @s FROM tier_use WHERE used_milli > 0 LIMIT "
		"1",
		"UPDATE tier_use SET cycle = '1999' WHERE contract_id = @c AND supply_point_id = "
		"@s",
		"tier_cycle_is_its_evidence", "CONCAT('tier_use:', @c, ':', @s)" },
	{ "tier_use_gone", "tier_use",
		"contract_id, supply_point_id INTO @c, @s FROM tier_use WHERE used_milli > 0 LIMIT "
		"1",
		"DELETE FROM tier_use WHERE contract_id = @c AND supply_point_id = @s",
		"tier_use_is_its_evidence", "CONCAT('tier_use:', @c, ':', @s)" },
	/* settlement */
	{ "settlement_to_register", "settlement", A_SETTLEMENT,
		"UPDATE settlement SET to_milli = to_milli - 1" THIS_SETTLEMENT,
		"settled_register_was_read", SETTLEMENT },
	{ "settlement_registers_shifted", "settlement reading", A_SETTLEMENT,
		"DELETE FROM reading;UPDATE settlement SET to_milli = to_milli - 1, qty_milli = "
		"qty_milli"
		" - 1" THIS_SETTLEMENT,
		"evidence_is_a_chain", NEXT_SETTLEMENT },
	{ "settlement_from_register", "settlement", A_SETTLEMENT,
		"UPDATE settlement SET from_milli = from_milli + 1" THIS_SETTLEMENT,
		"quantity_is_growth_times_ratio", SETTLEMENT },
	{ "settlement_times", "settlement", A_SETTLEMENT,
		"UPDATE settlement SET from_at = from_at - 3600000" THIS_SETTLEMENT,
		"evidence_goes_forward", SETTLEMENT },
	{ "settlement_charge", "settlement", A_SETTLEMENT,
		"UPDATE settlement SET charge_nano = charge_nano - 1" THIS_SETTLEMENT,
		"charge_is_what_the_tariff_says", SETTLEMENT },
	{ "settlement_evidence", "settlement", A_SETTLEMENT,
		"UPDATE settlement SET evidence = '[]'" THIS_SETTLEMENT,
		"evidence_is_what_the_tariff_says", SETTLEMENT },
	{ "settlement_account", "settlement", A_SETTLEMENT,
		"UPDATE settlement SET account_id = NULL" THIS_SETTLEMENT,
		"interval_is_charged_to_its_contract", SETTLEMENT },
	{ "settlement_quantity", "settlement", A_SETTLEMENT,
		"UPDATE settlement SET qty_milli = 0" THIS_SETTLEMENT,
		"quantity_is_growth_times_ratio", SETTLEMENT },
	{ "settlement_ratio", "settlement", A_SETTLEMENT,
		"UPDATE settlement SET ratio = 2, qty_milli = 2 * qty_milli" THIS_SETTLEMENT,
		"ratio_is_of_its_time", SETTLEMENT },
	{ "settlement_rolled_over", "settlement", A_SETTLEMENT,
		"UPDATE settlement SET capacity_milli = 1000, qty_milli = qty_milli + "
		"1000" THIS_SETTLEMENT,
		"evidence_is_what_the_tariff_says", SETTLEMENT },
	{ "settlement_rates", "settlement", A_SETTLEMENT,
		"UPDATE settlement SET rates = '{}'" THIS_SETTLEMENT, "interval_has_a_tariff",
		SETTLEMENT },
	{ "settlement_rebased", "settlement", A_SETTLEMENT,
		"UPDATE settlement SET kind = 'rebase'" THIS_SETTLEMENT,
		"doubtful_reading_was_decided", SETTLEMENT },
	{ "settlement_gone", "settlement", A_SETTLEMENT, "DELETE FROM settlement" THIS_SETTLEMENT,
		"evidence_is_a_chain", NEXT_SETTLEMENT },
	{ "last_settlement_gone", "settlement",
		"meter_id, MAX(to_at) INTO @m, @t FROM settlement WHERE meter_id = 3",
		"DELETE FROM settlement" THIS_SETTLEMENT, "settled_is_last_evidence",
		"CONCAT('settled:', @m)" },
	{ "settled_register", "settled",
		"meter_id INTO @m FROM settled WHERE register_milli > 9 LIMIT 1",
		"UPDATE settled SET register_milli = register_milli - 1 WHERE meter_id = @m",
		"settled_is_last_evidence", "CONCAT('settled:', @m)" },
	{ "settled_time", "settled",
		"meter_id INTO @m FROM settled WHERE register_milli > 9 LIMIT 1",
		"UPDATE settled SET read_at = 1 WHERE meter_id = @m",
		"settled_is_not_before_evidence", "CONCAT('settled:', @m)" },
	{ "reading", "reading", A_SETTLEMENT,
		"UPDATE reading SET register_milli = register_milli + 1 WHERE meter_id = @m AND "
		"read_at ="
		" @t",
		"settled_register_was_read", SETTLEMENT },
	/* what charges come from */
	{ "tariff_doc", "tariff", A_SETTLEMENT,
		"UPDATE tariff SET doc = REGEXP_REPLACE(doc, '\"[0-9]\\\\.[0-9]{4}\"', "
		"'\"0.0001\"')",
		"evidence_is_what_the_tariff_says", SETTLEMENT },
	{ "tariff_broken", "tariff", A_SETTLEMENT, "UPDATE tariff SET doc = '{}'",
		"interval_has_a_tariff", SETTLEMENT },
	{ "meter_tariff", "meter_tariff", A_SETTLEMENT,
		"UPDATE meter_tariff SET tariff_id = 1 + tariff_id MOD 5 WHERE meter_id = @m",
		"evidence_is_what_the_tariff_says", SETTLEMENT },
	{ "meter_tariff_cut", "meter_tariff", A_SETTLEMENT,
		"INSERT INTO meter_tariff VALUES (@m, @t - 1000, 1)",
		"interval_is_of_one_contract_and_tariff", SETTLEMENT },
	{ "meter_tariff_gone", "meter_tariff", A_SETTLEMENT,
		"DELETE FROM meter_tariff WHERE meter_id = @m", "interval_has_a_tariff",
		SETTLEMENT },
	{ "meter_ratio", "meter_ratio", A_SETTLEMENT,
		"INSERT INTO meter_ratio (meter_id, from_at, ct, pt) VALUES (@m, 1, 10, 1)",
		"ratio_is_of_its_time", SETTLEMENT },
	{ "contract_point_account", "contract_point", A_SETTLEMENT,
		"UPDATE contract_point SET account_id = 1001 + (account_id - 1000) MOD 5 WHERE"
		" supply_point_id = @m",
		"interval_is_charged_to_its_contract", SETTLEMENT },
	{ "contract_point_end", "contract_point", A_SETTLEMENT,
		"UPDATE contract_point SET to_at = from_at + 1 WHERE supply_point_id = @m",
		"interval_is_charged_to_its_contract", SETTLEMENT },
	{ "contract_point_gone", "contract_point", A_SETTLEMENT,
		"DELETE FROM contract_point WHERE supply_point_id = @m",
		"interval_is_charged_to_its_contract", SETTLEMENT },
	{ "meter_billing", "meter", A_SETTLEMENT, "UPDATE meter SET billing = 'none' WHERE id = @m",
		"interval_is_charged_to_its_contract", SETTLEMENT },
	{ "meter_gone", "meter", A_SETTLEMENT, "DELETE FROM meter WHERE id = @m",
		"row_belongs_to_something", "CONCAT('settlement:', @m)" },
	/* sealed days */
	{ "book_day_hash", "book_day", A_SEALED_DAY,
		"UPDATE book_day SET sha256 = REVERSE(sha256) WHERE day = @d",
		"sealed_day_has_its_hash", BOOK_DAY },
	{ "book_day_link", "book_day", A_SEALED_DAY,
		"UPDATE book_day SET prev_sha256 = REPEAT('1', 64) WHERE day = @d",
		"sealed_day_follows_the_one_before", BOOK_DAY },
	{ "book_day_entries", "book_day", A_SEALED_DAY,
		"UPDATE book_day SET entries = entries + 1 WHERE day = @d",
		"sealed_day_has_all_its_entries", BOOK_DAY },
	{ "usage_month_charge", "usage_month", A_MONTH,
		"UPDATE usage_month SET charge_nano = charge_nano + 1" THIS_MONTH,
		"month_has_the_use_of_its_days", MONTH_NAME },
	{ "usage_month_late", "usage_month", A_MONTH,
		"UPDATE usage_month SET late_milli = late_milli + 1" THIS_MONTH,
		"month_has_the_use_of_its_days", MONTH_NAME },
	{ "usage_month_gone", "usage_month", A_MONTH, "DELETE FROM usage_month" THIS_MONTH,
		"month_has_the_use_of_its_days", MONTH_NAME },
	{ "posting_month_amount", "posting_month", A_MONTHS_POSTINGS,
		"UPDATE posting_month SET amount_nano = amount_nano - 1 WHERE account_id = @a AND "
		"kind = @k",
		"month_has_the_postings_of_its_days",
		"CONCAT('posting_month:1:', @t, ':', @a, ':', @k)" },
	{ "book_day_not_summed", "book_day", A_MONTHS_DAY,
		"UPDATE book_day SET summed_at = 0 WHERE day = @d",
		"month_has_the_postings_of_its_days",
		"(SELECT CONCAT('posting_month:1:', EXTRACT(YEAR_MONTH FROM @d), ':', "
		"q.account_id, ':', e.kind) FROM entry e JOIN posting q ON q.entry_id = e.id JOIN "
		"account a ON a.id = q.account_id WHERE e.book_day = @d AND a.kind = 'purse' AND "
		"q.amount_nano <> 0 LIMIT 1)" },
	{ "book_day_gone", "book_day", A_SEALED_DAY, "DELETE FROM book_day WHERE day = @d",
		"no_day_is_skipped", "CONCAT('book_day:1:', @d + INTERVAL 1 DAY)" },
	/* intervals that were cut, split by registers, decided on */
	{ "cut_moved", "settlement reading", A_CUT,
		"UPDATE settlement SET to_milli = to_milli + 1, qty_milli = qty_milli + 1 WHERE "
		"meter_id = @m AND to_at = @t;UPDATE settlement SET from_milli = from_milli + 1, "
		"qty_milli = qty_milli - 1 WHERE meter_id = @m AND from_at = @t",
		"cut_is_by_whole_seconds", SETTLEMENT },
	{ "cut_at_another_time", "settlement contract_point", A_CUT,
		"UPDATE contract_point SET to_at = to_at - 60000 WHERE supply_point_id = @m AND "
		"to_at = @t;UPDATE contract_point SET from_at = from_at - 60000 WHERE "
		"supply_point_id = @m AND from_at = @t;UPDATE settlement SET to_at = to_at - 60000 "
		"WHERE meter_id = @m AND to_at = @t;UPDATE settlement SET from_at = from_at - "
		"60000 WHERE meter_id = @m AND from_at = @t",
		"cut_is_by_whole_seconds", "CONCAT('settlement:', @m, ':', @t - 60000)" },
	{ "cut_forgotten", "contract_point", A_CUT,
		"UPDATE contract_point SET to_at = to_at + 1000 WHERE supply_point_id = @m AND "
		"to_at = @t;UPDATE contract_point SET from_at = from_at + 1000 WHERE "
		"supply_point_id = @m AND from_at = @t",
		"interval_is_of_one_contract_and_tariff",
		"CONCAT('settlement:', @m, ':', (SELECT MIN(to_at) FROM settlement WHERE meter_id "
		"= @m AND to_at > @t))" },
	{ "rates_without_slots", "meter_slots", A_SPLIT,
		"DELETE FROM meter_slots WHERE meter_id = @m", "rates_split_by_known_slots",
		SETTLEMENT },
	{ "rates_other_slots", "meter_slots", A_SPLIT,
		"INSERT INTO meter_slots VALUES (@m, @t - 1, '00:00 flat')",
		"rates_split_by_known_slots", SETTLEMENT },
	{ "rates_registers", "settlement", A_SPLIT,
		"UPDATE settlement SET rates = JSON_SET(rates, '$.peak[1]', 950, '$.valley[1]', "
		"750) WHERE meter_id = @m AND to_at = @t",
		"evidence_is_what_the_tariff_says", SETTLEMENT },
	{ "jump_was_use", "settlement",
		"meter_id, to_at INTO @m, @t FROM settlement WHERE kind = 'jump' LIMIT 1",
		"UPDATE settlement SET kind = 'use' WHERE meter_id = @m AND to_at = @t",
		"decision_was_carried_out",
		"CONCAT('reading_decision:', (SELECT id FROM reading_decision WHERE meter_id = @m "
		"AND action = 'accept'))" },
	{ "rebase_charges", "settlement",
		"meter_id, to_at INTO @m, @t FROM settlement WHERE kind = 'rebase' LIMIT 1",
		"UPDATE settlement SET charge_nano = 5 WHERE meter_id = @m AND to_at = @t",
		"rebase_charges_nothing", SETTLEMENT },
	{ "decision_register", "reading_decision", A_DECISION("rebase"),
		"UPDATE reading_decision SET register_milli = register_milli + 1 WHERE id = @s",
		"decision_was_carried_out", "CONCAT('reading_decision:', @s)" },
	{ "decision_last", "reading_decision", A_DECISION("rebase"),
		"UPDATE reading_decision SET last_milli = last_milli + 1 WHERE id = @s",
		"decision_was_carried_out", "CONCAT('reading_decision:', @s)" },
	{ "decision_action", "reading_decision", A_DECISION("accept"),
		"UPDATE reading_decision SET action = 'rebase' WHERE id = @s",
		"decision_was_carried_out", "CONCAT('reading_decision:', @s)" },
	{ "decision_gone", "reading_decision", A_DECISION("accept"),
		"DELETE FROM reading_decision WHERE id = @s", "doubtful_reading_was_decided",
		SETTLEMENT },
	{ "late_use_booked_elsewhere", "usage_day",
		"meter_id, day, contract_id, rate, tier, price_micro INTO @m, @d, @c, @r, @i, @p "
		"FROM usage_day WHERE sealed = 0 AND account_id <> 0 ORDER BY qty_milli DESC LIMIT "
		"1",
		"UPDATE usage_day SET book_day = book_day + INTERVAL 1 DAY WHERE meter_id = @m AND "
		"day = @d AND rate = @r AND tier = @i AND contract_id = @c",
		"use_of_day_has_evidence", DAY_NAME },
	{ "evidence_booked_elsewhere", "settlement",
		"meter_id, MAX(to_at) INTO @m, @t FROM settlement WHERE meter_id = 101",
		"UPDATE settlement SET evidence = JSON_ARRAY_APPEND(evidence, '$[0]', "
		"'2099-01-01') WHERE meter_id = @m AND to_at = @t",
		"evidence_is_in_use_of_day",
		"CONCAT('usage_day:101:', (SELECT JSON_VALUE(evidence, '$[0][0]') FROM settlement "
		"WHERE meter_id = @m AND to_at = @t), ':101:', (SELECT JSON_VALUE(evidence, "
		"'$[0][1]') FROM settlement WHERE meter_id = @m AND to_at = @t), ':', (SELECT "
		"JSON_VALUE(evidence, '$[0][2]') FROM settlement WHERE meter_id = @m AND to_at = "
		"@t), ':', (SELECT FLOOR(1000000 * JSON_VALUE(evidence, '$[0][3]')) FROM "
		"settlement WHERE meter_id = @m AND to_at = @t))" },
	{ "day_entry_utility", "posting", AN_ENTRY("energy"),
		"UPDATE posting SET account_id = (SELECT id FROM account WHERE kind = 'water') "
		"WHERE entry_id = @e AND account_id = (SELECT id FROM account WHERE kind = "
		"'energy')",
		"day_entry_is_of_its_utility", ENTRY },
	{ "day_entry_without_key", "entry", AN_ENTRY("energy"),
		"UPDATE entry SET once_key = 'x' WHERE id = @e", "energy_entry_is_of_a_day",
		ENTRY },
	{ "book_day_not_sealed", "book_day", A_SEALED_DAY,
		"UPDATE book_day SET sealed_at = 0 WHERE day = @d", "no_day_is_skipped",
		"CONCAT('book_day:1:', @d + INTERVAL 1 DAY)" },
};

const struct damages damages_of_use = { list, ARRAY_LEN(list) };
