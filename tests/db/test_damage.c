/* A real history, in which one row at a time is changed by hand: yufu verify must name that row,
 * and must find nothing once it is put back. */
#include "seeded.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "ctl/verify.h"
#include "shop_fixture.h"

#define HOURS 80
#define SEED 203

struct utc seeded_now;

struct utc __wrap_utc_now(void);
struct utc __wrap_utc_now(void)
{
	return seeded_now;
}

static struct world *w;

/* One kind of damage: which row (into user variables), what is done to it, what must be said. The
 * tables named are put back afterwards. */
struct damage {
	const char *name;
	const char *tables; /* separated by blanks */
	const char *pick;   /* the rest of SELECT … INTO; must find a row */
	const char *harm;
	const char *check;
	const char *object; /* an expression over the variables */
};

#define A_SETTLEMENT                                                                               \
	"meter_id, to_at, from_at INTO @m, @t, @f FROM settlement WHERE charge_nano > 0 AND kind " \
	"="                                                                                        \
	" 'use' ORDER BY to_at LIMIT 1 OFFSET 40"
#define SETTLEMENT "CONCAT('settlement:', @m, ':', @t)"
#define THIS_SETTLEMENT " WHERE meter_id = @m AND to_at = @t"
/* The one after the picked one has the same meter. */
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
#define AN_ENTRY(kind)                                                                             \
	"id, book_day INTO @e, @d FROM entry WHERE kind = '" kind "' ORDER BY id LIMIT 1"
#define ENTRY "CONCAT('entry:', @e)"
#define A_PURSE                                                                                    \
	"id INTO @a FROM account WHERE kind = 'purse' AND balance_nano > 100 ORDER BY id LIMIT 1"
#define ACCOUNT "CONCAT('account:', @a)"
#define AN_ORDER                                                                                   \
	"id, account_id, entry_id INTO @o, @a, @e FROM pay_order WHERE state = 'paid' LIMIT 1"
#define ORDER_NAME "CONCAT('order:', @o)"
#define AN_HOUR                                                                                    \
	"meter_id, hour_at INTO @m, @h FROM usage_hour WHERE qty_milli > 10 LIMIT 1 OFFSET 30"
#define HOUR_NAME "CONCAT('usage_hour:', @m, ':', @h)"
#define A_SEALED_DAY                                                                               \
	"day INTO @d FROM book_day WHERE sealed_at > 0 AND entries > 0 ORDER BY day LIMIT 1 "      \
	"OFFSET 1"
#define BOOK_DAY "CONCAT('book_day:1:', @d)"

#define A_GROUP                                                                                    \
	"INSERT INTO share_group (id, site_id, name, utility, basis, kind, purse, from_day, "      \
	"run_to,"                                                                                  \
	" created_at, once_key) VALUES (1, 1, 'x', 'electricity', 'equal', 'public', 'utility',"   \
	" '2026-01-01', '2026-01-01', 1, 'x')"
#define A_SHARE                                                                                    \
	A_GROUP ";INSERT INTO share_run VALUES (1, '2026-02-01', 1, 1, 9, 90, 1, 9, 9, 90, 2, 20)"
#define A_PART                                                                                     \
	"INSERT INTO share_part (group_id, day, version, contract_id, weight, of_weight, "         \
	"qty_milli,"                                                                               \
	" charge_nano, account_id) VALUES (1, '2026-02-01', 1, 1, 1, 1, 5, 50, @a)"

static const struct damage damages[] = {
	/* entries and postings */
	{ "entry_kind", "entry", AN_ENTRY("recharge"),
		"UPDATE entry SET kind = 'subsidy' WHERE id = @e", "order_is_paid_once",
		"CONCAT('order:', (SELECT id FROM pay_order WHERE entry_id = @e))" },
	{ "entry_once_key", "entry", AN_ENTRY("energy"),
		"UPDATE entry SET once_key = 'free' WHERE id = @e", "sealed_use_is_posted",
		"(SELECT CONCAT('day:', memo, ':account:', (SELECT account_id FROM posting WHERE"
		" entry_id = @e AND line = 1), ':meter:', (SELECT meter_id FROM usage_day u WHERE"
		" u.day = memo AND u.sealed = 1 AND u.account_id = (SELECT account_id FROM posting"
		" WHERE entry_id = @e AND line = 1) ORDER BY meter_id LIMIT 1)) FROM entry WHERE "
		"id ="
		" @e)" },
	{ "entry_memo", "entry", AN_ENTRY("energy"),
		"UPDATE entry SET memo = 'nothing' WHERE id = @e", "sealed_day_has_its_hash",
		BOOK_DAY },
	{ "entry_book_day", "entry", AN_ENTRY("energy"),
		"UPDATE entry SET book_day = book_day + INTERVAL 1 DAY WHERE id = @e",
		"sealed_day_has_all_its_entries", BOOK_DAY },
	{ "entry_of_a_sale", "entry", AN_ENTRY("sale"),
		"UPDATE entry SET once_key = 'other' WHERE id = @e", "sale_has_its_entry",
		"CONCAT('sale:', (SELECT id FROM sale WHERE entry_id = @e))" },
	{ "entry_invented", "entry posting", AN_ENTRY("recharge"),
		"INSERT INTO entry (id, kind, once_key, actor, book_day, created_at, site_id) "
		"SELECT"
		" 999999, kind, 'new', actor, '2035-01-01', created_at, site_id FROM entry WHERE "
		"id = @e;"
		"INSERT INTO posting SELECT 999999, line, account_id, amount_nano FROM posting "
		"WHERE"
		" entry_id = @e",
		"recharge_entry_has_its_order", "'entry:999999'" },
	{ "entry_gone", "entry posting", AN_ENTRY("recharge"),
		"DELETE FROM posting WHERE entry_id = @e;DELETE FROM entry WHERE id = @e",
		"order_is_paid_once",
		"CONCAT('order:', (SELECT id FROM pay_order WHERE entry_id = @e))" },
	{ "posting_amount", "posting", AN_ENTRY("recharge"),
		"UPDATE posting SET amount_nano = amount_nano + 1 WHERE entry_id = @e AND line = 2",
		"entry_sums_to_zero", ENTRY },
	{ "posting_gone", "posting", AN_ENTRY("energy"),
		"DELETE FROM posting WHERE entry_id = @e AND line = 2", "entry_sums_to_zero",
		ENTRY },
	{ "posting_line", "posting", AN_ENTRY("sale"),
		"UPDATE posting SET line = 7 WHERE entry_id = @e AND line = 2",
		"postings_are_numbered", ENTRY },
	{ "posting_account", "posting",
		"MIN(entry_id), MIN(a.id) INTO @e, @a FROM posting p JOIN account a ON a.id ="
		" p.account_id AND a.kind = 'purse'",
		"UPDATE posting SET account_id = (SELECT MAX(id) FROM account WHERE kind = 'purse')"
		" WHERE entry_id = @e AND account_id = @a",
		"balance_is_postings_minus_open_charges", ACCOUNT },
	{ "postings_grown_together", "posting", AN_ORDER,
		"UPDATE posting SET amount_nano = amount_nano * 2 WHERE entry_id = @e",
		"paid_order_has_its_entry", ORDER_NAME },
	/* accounts */
	{ "account_balance", "account", A_PURSE,
		"UPDATE account SET balance_nano = balance_nano + 1 WHERE id = @a",
		"balance_is_postings_minus_open_charges", ACCOUNT },
	{ "account_level", "account", A_PURSE, "UPDATE account SET level = 'arrears' WHERE id = @a",
		"arrears_are_of_the_balance", ACCOUNT },
	{ "account_code", "account", A_PURSE,
		"UPDATE account SET code = 'purse:0:water' WHERE id = @a",
		"account_is_named_by_its_kind", ACCOUNT },
	{ "account_of_the_company", "account", "id INTO @a FROM account WHERE kind = 'energy'",
		"UPDATE account SET balance_nano = 5 WHERE id = @a",
		"company_account_keeps_no_balance", ACCOUNT },
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
	{ "book_day_gone", "book_day", A_SEALED_DAY, "DELETE FROM book_day WHERE day = @d",
		"no_day_is_skipped", "CONCAT('book_day:1:', @d + INTERVAL 1 DAY)" },
	/* orders and the desk */
	{ "order_amount", "pay_order", AN_ORDER,
		"UPDATE pay_order SET amount_fen = amount_fen + 1 WHERE id = @o",
		"paid_order_has_its_entry", ORDER_NAME },
	{ "order_state", "pay_order", AN_ORDER,
		"UPDATE pay_order SET state = 'closed' WHERE id = @o",
		"recharge_entry_has_its_order", ENTRY },
	{ "order_transaction", "pay_order", AN_ORDER,
		"UPDATE pay_order SET transaction_id = 'x' WHERE id = @o", "order_is_paid_once",
		ORDER_NAME },
	{ "order_entry", "pay_order", AN_ORDER,
		"UPDATE pay_order SET entry_id = (SELECT MIN(id) FROM entry) WHERE id = @o",
		"paid_order_has_its_entry", ORDER_NAME },
	{ "order_account", "pay_order", AN_ORDER,
		"UPDATE pay_order SET account_id = 1001 + (account_id - 1000) MOD 5 WHERE id = @o",
		"paid_order_has_its_entry", ORDER_NAME },
	{ "sale_total", "sale", "id INTO @s FROM sale LIMIT 1",
		"UPDATE sale SET total_fen = total_fen + 1 WHERE id = @s", "sale_has_its_entry",
		"CONCAT('sale:', @s)" },
	{ "sale_gone", "sale sale_line", "id, entry_id INTO @s, @e FROM sale LIMIT 1",
		"DELETE FROM sale_line WHERE sale_id = @s;DELETE FROM sale WHERE id = @s",
		"sale_entry_has_its_sale", ENTRY },
	{ "shift_counted", "shift",
		"id INTO @h FROM shift WHERE closed_at > 0 AND counted_fen > 0 LIMIT 1",
		"UPDATE shift SET counted_fen = counted_fen - 1 WHERE id = @h",
		"closed_shift_has_its_entry", "CONCAT('shift:', @h)" },
	{ "shift_opened_again", "shift", "id INTO @h FROM shift WHERE closed_at > 0 LIMIT 1",
		"UPDATE shift SET closed_at = 0 WHERE id = @h", "closed_shift_has_its_entry",
		"CONCAT('shift:', @h)" },
	/* rows that come with a wrong or missing cause */
	{ "fee_charge_invented", "contract_fee fee_charge", A_PURSE,
		"INSERT INTO contract_fee (id, contract_id, account_id, kind, monthly_fen, "
		"from_day,"
		" created_at, actor, once_key) VALUES (1, 1, @a, 'rent', 100, '2026-01-01', 1, "
		"'x', 'x');"
		"INSERT INTO fee_charge VALUES (1, '2026-02', 1, 28, 100, 1)",
		"fee_charge_has_its_entry", "'fee_charge:1:2026-02:1'" },
	{ "refund_invented", "refund", A_PURSE,
		"INSERT INTO refund (id, account_id, method, amount_fen, reason, state, "
		"out_refund_no,"
		" once_key, actor, created_at, entry_id) VALUES (1, @a, 'cash', 5, '', "
		"'requested', 'x',"
		" 'x', 'x', 1, 999999)",
		"refund_has_its_entry", "'refund:1'" },
	{ "refund_settled_by_nothing", "refund", A_PURSE,
		"INSERT INTO refund (id, account_id, method, amount_fen, reason, state, "
		"out_refund_no,"
		" once_key, actor, created_at, entry_id) VALUES (1, @a, 'cash', 5, '', 'done', "
		"'x', 'x',"
		" 'x', 1, 999999)",
		"refund_is_settled_by_an_entry", "'refund:1'" },
	{ "reversal_invented", "reversal", AN_ENTRY("recharge"),
		"INSERT INTO reversal (entry_id, reversal_id, once_key, reason) VALUES (@e, "
		"999999, 'x',"
		" 'x')",
		"reversal_mirrors_its_entry", "CONCAT('reversal:', @e)" },
	{ "purchase_invented", "purchase", A_PURSE,
		"INSERT INTO purchase (id, meter_id, account_id, count, amount_milli, worth_nano,"
		" created_at, once_key, entry_id) VALUES (1, 1, @a, 1, 1000, 1000, 1, 'x', 999999)",
		"purchase_has_its_entry", "'purchase:1'" },
	{ "meter_credit_invented", "meter_credit", A_PURSE,
		"INSERT INTO meter_credit (meter_id, unit, step_milli, count, worth_nano) VALUES "
		"(1,"
		" 'yuan', 10, 1, 5000)",
		"credit_in_the_meter_is_posted", "'meter_credit:1'" },
	{ "share_part_invented", "share_group share_run share_part", A_PURSE, A_SHARE ";" A_PART,
		"share_lines_sum_to_parts", "'share_part:1:2026-02-01:1:1'" },
	{ "share_not_posted", "share_group share_run share_part", A_PURSE, A_SHARE ";" A_PART,
		"share_is_posted", "'share_part:1:2026-02-01:1:1'" },
	{ "share_run_lost_energy", "share_group share_run", A_PURSE, A_SHARE,
		"share_parts_sum_to_the_whole", "'share_run:1:2026-02-01:1'" },
	{ "share_line_charge", "share_group share_line", A_PURSE,
		"INSERT INTO share_line VALUES (1, '2026-02-01', 1, 1, 1, 'flat', 1, 7, 5, 5, "
		"34);" A_GROUP,
		"share_line_is_quantity_times_price", "'share_line:1:2026-02-01:1:1:flat:1:1'" },
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
};

/* ---- doing and undoing ---- */

/* Runs statements separated by semicolons. */
static void run_all(const char *text)
{
	char *all = strdup(text), *save = NULL;

	ASSERT(all);
	for (char *s = strtok_r(all, ";", &save); s; s = strtok_r(NULL, ";", &save))
		fixture_sql(w->root, s);
	free(all);
}

static void each_table(const char *tables, const char *format)
{
	char *all = strdup(tables), *save = NULL;

	ASSERT(all);
	for (char *t = strtok_r(all, " ", &save); t; t = strtok_r(NULL, " ", &save)) {
		AUTO(buf_free) struct buf sql = { 0 };

		for (const char *f = format; *f; f++) /* % stands for the table */
			buf_add(&sql, *f == '%' ? t : f, *f == '%' ? strlen(t) : 1);
		run_all(sql.text);
	}
	free(all);
}

struct text_row {
	char v[300];
};
SHAPE(text_shape, struct text_row, FIELD(struct text_row, v));

static const struct query Q_OBJECT = { "SELECT COALESCE(@object, '') AS v", &text_shape };

static json_t *findings(void)
{
	json_t *list = json_array();

	assert_int_equal(verify_run(w->root, list), ERR_OK);
	return list;
}

static bool is_found(const json_t *list, const char *check, const char *object)
{
	size_t i;
	const json_t *f;

	json_array_foreach(list, i, f)
	{
		if (str_eq(json_string_value(json_object_get(f, "check")), check) &&
			str_eq(json_string_value(json_object_get(f, "object")), object))
			return true;
	}
	return false;
}

static void damage(void **state)
{
	const struct damage *d = *state;
	AUTO(buf_free) struct buf pick = { 0 }, object = { 0 };
	AUTO(json_free) json_t *list = NULL;
	struct text_row named;
	int64_t rows;

	buf_printf(&pick, "SELECT %s", d->pick);
	run_all("SET @m = NULL, @e = NULL, @a = NULL, @o = NULL, @d = NULL, @s = NULL, @h = NULL, "
		"@c ="
		" NULL");
	fixture_sql(w->root, pick.text);
	rows = FIXTURE_VALUE(
		w->root, "SELECT COALESCE(@m, @e, @a, @o, @d, @s, @h, @c) IS NOT NULL AS v");
	assert_int_equal(rows, 1); /* the history has such a row */
	each_table(d->tables, "CREATE TEMPORARY TABLE kept_% SELECT * FROM %");
	run_all(d->harm);
	buf_printf(&object, "SET @object = CAST(%s AS CHAR)", d->object);
	fixture_sql(w->root, object.text);
	assert_int_equal(db_one(w->root, &Q_OBJECT, NO_ARGS, &named), ERR_OK);
	list = findings();
	each_table(d->tables,
		"DELETE FROM %;INSERT INTO % SELECT * FROM kept_%;DROP TEMPORARY TABLE kept_%");
	if (!is_found(list, d->check, named.v))
		fail_msg("%s of %s is not among %s", d->check, named.v, json_text(list));
}

static void nothing_is_found(void **state)
{
	AUTO(json_free) json_t *list = findings();

	(void)state;
	if (json_array_size(list) > 0)
		fail_msg("%s", json_text(list));
}

/* A cheap tariff was in force for two days and is taken away again: charge, evidence, day, hour,
 * entry, balance and hash all agree with each other, and with nothing else. */
static void consistent_forgery(void **state)
{
	AUTO(json_free) json_t *list = NULL;
	size_t wrong = 0, other = 0, i;
	const json_t *f;

	(void)state;
	fixture_sql(w->root, "CREATE TEMPORARY TABLE kept_tariff SELECT * FROM tariff");
	fixture_sql(w->root,
		"UPDATE tariff SET revision = revision + 1000, doc = REGEXP_REPLACE(doc,"
		" '\"[0-9]\\\\.[0-9]{4}\"', '\"0.0100\"')");
	for (int64_t hour = HOURS; hour < HOURS + 48; hour++)
		play_hour(w, w->start + hour * HOUR);
	fixture_sql(w->root, "UPDATE tariff t JOIN kept_tariff k ON k.id = t.id SET t.doc = k.doc");
	list = findings();
	json_array_foreach(list, i, f)
	{
		const char *check = json_string_value(json_object_get(f, "check"));

		wrong += str_eq(check, "charge_is_what_the_tariff_says");
		/* None of the books knows. */
		other += str_eq(check, "balance_is_postings_minus_open_charges") ||
			 str_eq(check, "sealed_use_is_posted") ||
			 str_eq(check, "charge_is_quantity_times_price") ||
			 str_eq(check, "sealed_day_has_its_hash");
	}
	assert_true(wrong > 20);
	assert_int_equal(other, 0);
}

#define CASES ARRAY_LEN(damages)

int main(void)
{
	struct CMUnitTest tests[CASES + 3] = { { "nothing_is_found", nothing_is_found, NULL, NULL,
		NULL } };
	int failed;

	for (size_t i = 0; i < CASES; i++)
		tests[i + 1] = (struct CMUnitTest){ damages[i].name, damage, NULL, NULL,
			(void *)(uintptr_t)&damages[i] };
	tests[CASES + 1] =
		(struct CMUnitTest){ "and_nothing_at_the_end", nothing_is_found, NULL, NULL, NULL };
	tests[CASES + 2] =
		(struct CMUnitTest){ "consistent_forgery", consistent_forgery, NULL, NULL, NULL };
	log_open("test", LOG_LEVEL_ERROR);
	db_library_open();
	w = world_open(SEED, 14, true);
	for (int64_t hour = 0; hour < HOURS; hour++)
		play_hour(w, w->start + hour * HOUR);
	fixture_sql(w->root, "SET FOREIGN_KEY_CHECKS = 0");
	failed = _cmocka_run_group_tests("damage", tests, ARRAY_LEN(tests), NULL, NULL);
	world_free(&w);
	return failed;
}
