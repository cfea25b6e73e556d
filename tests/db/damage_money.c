/* Damage to the books and to what they come from. */
#include "damage.h"

#define AN_ORDER                                                                                   \
	"id, account_id, entry_id INTO @o, @a, @e FROM pay_order WHERE state = 'paid' LIMIT 1"
#define ORDER_NAME "CONCAT('order:', @o)"
#define BOOK_DAY "CONCAT('book_day:1:', @d)"

#define A_MESSAGE                                                                                  \
	"o.id INTO @s FROM outbox o JOIN outbox_try t ON t.outbox_id = o.id WHERE o.state = "      \
	"'sent'"                                                                                   \
	" AND o.notice_id IS NOT NULL LIMIT 1"
#define MESSAGE_NAME "CONCAT('outbox:', @s)"
#define A_SALE "id, entry_id INTO @s, @e FROM sale WHERE method = 'cash' ORDER BY id DESC LIMIT 1"
#define SPLIT_SALE                                                                                 \
	"s.id, s.entry_id, l.account_id INTO @s, @e, @a FROM sale s JOIN sale_line l ON "          \
	"l.sale_id ="                                                                              \
	" s.id AND l.debt_fen > 0 ORDER BY s.id LIMIT 1"
#define SALE_NAME "CONCAT('sale:', @s)"
#define OF_SALE " WHERE sale_id = @s AND line = 1"
#define A_SHIFT "id INTO @h FROM shift WHERE closed_at > 0 AND counted_fen > 0 LIMIT 1"
#define SHIFT_NAME "CONCAT('shift:', @h)"
#define A_REFUND(what)                                                                             \
	"id, entry_id, account_id INTO @s, @e, @a FROM refund WHERE " what " ORDER BY id LIMIT 1"
#define REFUND_NAME "CONCAT('refund:', @s)"
#define A_REVERSAL                                                                                 \
	"r.entry_id, r.reversal_id INTO @e, @s FROM reversal r JOIN sale s ON s.entry_id ="        \
	" r.entry_id ORDER BY r.entry_id LIMIT 1"
#define REVERSAL_NAME "CONCAT('reversal:', @e)"
#define AN_APPROVAL(kind)                                                                          \
	"id INTO @s FROM approval WHERE state = 'approved' AND kind = '" kind "' LIMIT 1"
#define APPROVAL_NAME "CONCAT('approval:', @s)"
#define OF_APPROVAL                                                                                \
	"CONCAT('entry:', (SELECT id FROM entry WHERE once_key = CONCAT('approval:', @s)))"
#define A_PURCHASE(what)                                                                           \
	"id, entry_id, end_entry_id, meter_id INTO @s, @e, @o, @m FROM purchase WHERE " what       \
	" ORDER BY id LIMIT 1"
#define PURCHASE_NAME "CONCAT('purchase:', @s)"
#define A_CREDIT "meter_id INTO @m FROM meter_credit LIMIT 1"
#define CREDIT_NAME "CONCAT('meter_credit:', @m)"
#define A_FEE                                                                                      \
	"contract_fee_id, month, version, entry_id INTO @s, @d, @c, @e FROM fee_charge WHERE"      \
	" version = 2 LIMIT 1"
#define FEE_NAME "CONCAT('fee_charge:', @s, ':', @d, ':', @c)"
#define THIS_FEE " WHERE contract_fee_id = @s AND month = @d AND version = @c"
#define A_RUN "group_id, day, version INTO @s, @d, @c FROM share_run WHERE qty_milli > 9 LIMIT 1"
#define RUN_NAME "CONCAT('share_run:', @s, ':', @d, ':', @c)"
#define THIS_RUN " WHERE group_id = @s AND day = @d AND version = @c"
#define A_PART                                                                                     \
	"group_id, day, version, contract_id, entry_id INTO @s, @d, @c, @a, @e FROM share_part"    \
	" WHERE charge_nano > 9 LIMIT 1"
#define PART_NAME "CONCAT('share_part:', @s, ':', @d, ':', @c, ':', @a)"
#define THIS_PART THIS_RUN " AND contract_id = @a"
#define A_LAST_LINE                                                                                \
	"group_id, day, version, contract_id, meter_id, rate, tier INTO @s, @d, @c, @a, @m, @r, "  \
	"@i"                                                                                       \
	" FROM share_line ORDER BY contract_id DESC LIMIT 1"
#define A_LINE                                                                                     \
	"group_id, day, version, contract_id, meter_id, rate, tier INTO @s, @d, @c, @a, @m, @r, "  \
	"@i"                                                                                       \
	" FROM share_line WHERE contract_id > 0 AND qty_milli > 9 LIMIT 1"
#define LINE_NAME "CONCAT('share_line:', @s, ':', @d, ':', @c, ':', @m, ':', @r, ':', @i, ':', @a)"
#define THIS_LINE THIS_PART " AND meter_id = @m AND rate = @r AND tier = @i"
#define COMPANY(code) "id INTO @a FROM account WHERE code = '" code "'"
#define GIVEN "id INTO @a FROM account WHERE subsidy_nano > 1000 AND allowance_nano > 1000 LIMIT 1"

static const struct damage list[] = {
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
	{ "shift_opened_again", "shift",
		"id INTO @h FROM shift WHERE closed_at > 0 AND counted_fen > 0 LIMIT 1",
		"UPDATE shift SET closed_at = 0 WHERE id = @h", "closed_shift_has_its_entry",
		"CONCAT('shift:', @h)" },
	/* what kinds of entries move */
	{ "posting_on_another_kind_of_account", "posting", AN_ENTRY("energy"),
		"UPDATE posting SET account_id = (SELECT id FROM account WHERE code = 'opening') "
		"WHERE entry_id = @e AND account_id = (SELECT id FROM account WHERE code = "
		"'energy')",
		"posting_fits_its_kind", ENTRY },
	{ "posting_of_no_account", "posting", AN_ENTRY("opening"),
		"UPDATE posting SET account_id = 999999 WHERE entry_id = @e AND line = 1",
		"posting_has_its_account", ENTRY },
	{ "posting_without_entry", "posting", AN_ENTRY("opening"),
		"INSERT INTO posting VALUES (999999, 1, 1, 5)", "row_belongs_to_something",
		"'posting:999999:1'" },
	{ "entry_site", "entry", AN_ENTRY("sale"),
		"UPDATE entry SET site_id = 3 - site_id WHERE id = @e",
		"entry_is_of_the_site_of_its_purse", ENTRY },
	{ "entry_created_at", "entry", AN_ENTRY("write_off"),
		"UPDATE entry SET created_at = created_at - 999999999 WHERE id = @e",
		"entry_is_booked_on_its_day", ENTRY },
	{ "entry_unknown_kind", "entry", AN_ENTRY("write_off"),
		"UPDATE entry SET kind = 'gift' WHERE id = @e", "posting_fits_its_kind", ENTRY },
	{ "debt_of_another_contract", "posting account", SPLIT_SALE,
		"UPDATE account SET code = 'debt:101' WHERE code = 'debt:108'",
		"contract_account_goes_with_its_purse",
		"CONCAT('entry:', (SELECT id FROM entry WHERE kind = 'debt'))" },
	{ "deposit_of_another_contract", "account", AN_ENTRY("deposit_out"),
		"UPDATE account SET code = 'deposit:108' WHERE code = 'deposit:101'",
		"contract_account_goes_with_its_purse", ENTRY },
	{ "deposit_overdrawn", "posting", "id INTO @a FROM account WHERE code = 'deposit:101'",
		"UPDATE posting SET amount_nano = amount_nano * 9 WHERE entry_id = (SELECT id FROM "
		"entry WHERE kind = 'deposit_out')",
		"deposit_is_not_overdrawn", ACCOUNT },
	{ "adjustment_reference", "entry", AN_ENTRY("write_off"),
		"UPDATE entry SET reference = 'account:2103' WHERE id = @e",
		"adjustment_names_its_account", ENTRY },
	{ "adjustment_not_audited", "audit", AN_ENTRY("subsidy"),
		"DELETE FROM audit WHERE action = 'adjustment.create' AND JSON_VALUE(detail, "
		"'$.entry') = @e",
		"adjustment_is_in_the_audit", ENTRY },
	{ "adjustment_kind", "entry", AN_ENTRY("correction"),
		"UPDATE entry SET kind = 'write_off' WHERE id = @e", "posting_fits_its_kind",
		ENTRY },
	{ "allowance_month", "entry", AN_ENTRY("allowance"),
		"UPDATE entry SET memo = '1999-01' WHERE id = @e", "allowance_is_of_its_contract",
		ENTRY },
	{ "account_named_after_nothing", "shift sale", A_SHIFT, "DELETE FROM shift WHERE id = @h",
		"company_account_is_of_something",
		"CONCAT('account:', (SELECT id FROM account WHERE code = CONCAT('drawer:', @h)))" },
	{ "account_limits", "account audit", A_PURSE,
		"INSERT INTO audit (at, actor, action, object, detail) VALUES (1, 'user:1', "
		"'account.limits', CONCAT('account:', @a), JSON_OBJECT('credit_limit_nano', 7, "
		"'emergency_limit_nano', 0))",
		"limits_are_as_set", ACCOUNT },
	/* subsidies */
	{ "subsidy_less", "account", GIVEN,
		"UPDATE account SET subsidy_nano = subsidy_nano - 1000, allowance_nano = 0 WHERE "
		"id = @a",
		"allowance_is_what_is_left", ACCOUNT },
	{ "subsidy_more", "account", GIVEN,
		"UPDATE account SET subsidy_nano = subsidy_nano * 100 WHERE id = @a",
		"subsidy_is_what_is_left", ACCOUNT },
	{ "subsidy_from_nothing", "account",
		"id INTO @a FROM account WHERE code = 'purse:105:electricity'",
		"UPDATE account SET subsidy_nano = 1 WHERE id = @a", "subsidy_is_what_is_left",
		ACCOUNT },
	{ "allowance_more_than_subsidy", "account", GIVEN,
		"UPDATE account SET allowance_nano = subsidy_nano + 1 WHERE id = @a",
		"subsidy_is_not_negative", ACCOUNT },
	/* accounts of money on its way */
	{ "suspense", "posting", COMPANY("suspense"),
		"UPDATE posting SET amount_nano = amount_nano + 1 WHERE account_id = @a LIMIT 1",
		"suspense_is_of_second_payments", ACCOUNT },
	{ "second_payment_of_no_order", "entry", AN_ENTRY("suspense"),
		"UPDATE entry SET memo = 'x', reference = 'order:0' WHERE id = @e",
		"second_payment_has_its_order", ENTRY },
	{ "refund_due", "posting", COMPANY("refund_due"),
		"UPDATE posting SET amount_nano = amount_nano + 1 WHERE account_id = @a LIMIT 1",
		"refund_due_is_of_open_refunds", ACCOUNT },
	{ "meter_transit", "posting", COMPANY("meter_transit"),
		"UPDATE posting SET amount_nano = amount_nano + 1 WHERE account_id = @a LIMIT 1",
		"meter_transit_is_of_open_purchases", ACCOUNT },
	/* orders */
	{ "order_service", "pay_order", AN_ORDER,
		"UPDATE pay_order SET channel = 'alipay_wap' WHERE id = @o",
		"order_was_paid_through_its_service", ORDER_NAME },
	{ "order_paid_from_elsewhere", "posting", AN_ORDER,
		"UPDATE posting SET account_id = (SELECT id FROM account WHERE code = "
		"'clearing:pos') WHERE entry_id = @e AND line = 1",
		"order_was_paid_through_its_service", ORDER_NAME },
	{ "order_credited_at", "pay_order", AN_ORDER,
		"UPDATE pay_order SET credited_at = credited_at + 1 WHERE id = @o",
		"order_times_are_of_its_state", ORDER_NAME },
	{ "order_paid_at", "pay_order", AN_ORDER, "UPDATE pay_order SET paid_at = 0 WHERE id = @o",
		"order_times_are_of_its_state", ORDER_NAME },
	{ "order_closed_at", "pay_order", AN_ORDER,
		"UPDATE pay_order SET closed_at = IF(closed_at, 0, 5) WHERE id = @o",
		"order_times_are_of_its_state", ORDER_NAME },
	{ "order_never_notified", "pay_notify",
		"o.id, o.entry_id INTO @o, @e FROM pay_order o WHERE o.state = 'paid' LIMIT 1",
		"DELETE FROM pay_notify WHERE out_trade_no = (SELECT out_trade_no FROM pay_order "
		"WHERE id = @o)",
		"paid_order_was_told_of", ORDER_NAME },
	{ "order_gone", "pay_order", AN_ORDER, "DELETE FROM pay_order WHERE id = @o",
		"recharge_entry_has_its_order", ENTRY },
	{ "order_number", "pay_order", AN_ORDER,
		"UPDATE pay_order SET out_trade_no = 'x' WHERE id = @o", "order_is_paid_once",
		ORDER_NAME },
	/* the desk */
	{ "sale_line_amount", "sale_line", SPLIT_SALE,
		"UPDATE sale_line SET amount_fen = amount_fen + 1" OF_SALE "",
		"sale_lines_sum_to_its_total", SALE_NAME },
	{ "sale_line_moved", "sale_line", SPLIT_SALE,
		"UPDATE sale_line SET account_id = 2105 WHERE sale_id = @s AND line = 1",
		"sale_line_is_posted", "CONCAT('sale_line:', @s, ':1')" },
	{ "sale_line_service", "sale_line", SPLIT_SALE,
		"UPDATE sale_line SET service_fen = service_fen + 1, debt_fen = debt_fen - "
		"1" OF_SALE "",
		"sale_service_is_posted", SALE_NAME },
	{ "sale_line_debt", "sale_line", SPLIT_SALE,
		"UPDATE sale_line SET debt_fen = debt_fen - 1" OF_SALE "", "sale_debt_is_posted",
		SALE_NAME },
	{ "sale_line_gone", "sale_line", SPLIT_SALE, "DELETE FROM sale_line" OF_SALE "",
		"sale_lines_sum_to_its_total", SALE_NAME },
	{ "sale_method", "sale", A_SALE, "UPDATE sale SET method = 'pos' WHERE id = @s",
		"sale_was_paid_by_its_method", SALE_NAME },
	{ "sale_tendered", "sale", A_SALE, "UPDATE sale SET tendered_fen = 0 WHERE id = @s",
		"sale_was_paid_by_its_method", SALE_NAME },
	{ "sale_time", "sale", A_SALE, "UPDATE sale SET created_at = 1 WHERE id = @s",
		"sale_has_its_entry", SALE_NAME },
	{ "sale_note", "sale", A_SALE, "UPDATE sale SET note = 'x' WHERE id = @s",
		"sale_has_its_entry", SALE_NAME },
	{ "sale_shift", "sale", A_SALE, "UPDATE sale SET shift_id = shift_id + 100 WHERE id = @s",
		"sale_has_its_entry", SALE_NAME },
	{ "shift_open_key", "shift", A_SHIFT, "UPDATE shift SET open_key = user_id WHERE id = @h",
		"shift_is_open_once", SHIFT_NAME },
	{ "shift_user", "shift", A_SHIFT, "UPDATE shift SET user_id = user_id + 1 WHERE id = @h",
		"closed_shift_has_its_entry", SHIFT_NAME },
	{ "shift_closed_at", "shift", A_SHIFT,
		"UPDATE shift SET closed_at = closed_at + 1 WHERE id = @h",
		"closed_shift_has_its_entry", SHIFT_NAME },
	{ "shift_gone", "shift", AN_ENTRY("shift"),
		"DELETE FROM shift WHERE CONCAT('shift:', id) = (SELECT once_key FROM entry WHERE "
		"id = @e)",
		"shift_entry_has_its_shift", ENTRY },
	{ "drawer_not_empty", "posting", A_SHIFT,
		"UPDATE posting p JOIN account a ON a.id = p.account_id AND a.code = "
		"CONCAT('drawer:', @h) SET p.amount_nano = p.amount_nano + 1 WHERE p.line = 1",
		"drawer_of_a_closed_shift_is_empty", SHIFT_NAME },
	/* refunds */
	{ "refund_amount", "refund", A_REFUND("state = 'done'"),
		"UPDATE refund SET amount_fen = amount_fen + 1 WHERE id = @s",
		"refund_has_its_entry", REFUND_NAME },
	{ "refund_account", "refund", A_REFUND("state = 'done'"),
		"UPDATE refund SET account_id = 2103 WHERE id = @s", "refund_has_its_entry",
		REFUND_NAME },
	{ "refund_key", "refund", A_REFUND("state = 'done'"),
		"UPDATE refund SET once_key = 'x' WHERE id = @s", "refund_has_its_entry",
		REFUND_NAME },
	{ "refund_reason", "refund", A_REFUND("state = 'done'"),
		"UPDATE refund SET reason = 'x' WHERE id = @s", "refund_has_its_entry",
		REFUND_NAME },
	{ "refund_done_without_entry", "refund", A_REFUND("state = 'person'"),
		"UPDATE refund SET state = 'done' WHERE id = @s", "refund_is_settled_by_an_entry",
		REFUND_NAME },
	{ "refund_open_again", "refund", A_REFUND("state = 'done'"),
		"UPDATE refund SET state = 'person' WHERE id = @s", "refund_is_settled_by_an_entry",
		REFUND_NAME },
	{ "refund_failed_not", "refund", A_REFUND("state = 'failed'"),
		"UPDATE refund SET state = 'done' WHERE id = @s", "refund_is_settled_by_an_entry",
		REFUND_NAME },
	{ "refund_settled_at", "refund", A_REFUND("state = 'done'"),
		"UPDATE refund SET settled_at = 1 WHERE id = @s", "refund_is_settled_by_an_entry",
		REFUND_NAME },
	{ "refund_settled_by", "refund", A_REFUND("state = 'done'"),
		"UPDATE refund SET settled_by = 'user:9' WHERE id = @s",
		"refund_is_settled_by_an_entry", REFUND_NAME },
	{ "refund_method", "refund", A_REFUND("state = 'done' AND method = 'bank'"),
		"UPDATE refund SET method = 'cash' WHERE id = @s", "refund_left_by_its_method",
		REFUND_NAME },
	{ "refund_of_another_order", "refund pay_order", A_REFUND("order_id > 0"),
		"UPDATE refund SET order_id = NULL WHERE id = @s", "refund_left_by_its_method",
		REFUND_NAME },
	{ "refund_above_its_order", "refund",
		"id, entry_id, order_id INTO @s, @e, @o FROM refund WHERE order_id > 0 LIMIT 1",
		"UPDATE refund SET amount_fen = 1201 WHERE id = @s",
		"refunds_are_within_their_order", ORDER_NAME },
	{ "refund_gone", "refund", A_REFUND("state = 'person'"), "DELETE FROM refund WHERE id = @s",
		"refund_entry_has_its_refund", ENTRY },
	/* reversals and approvals */
	{ "reversal_of_another_entry", "reversal", A_REVERSAL,
		"UPDATE reversal SET entry_id = (SELECT MIN(id) FROM entry) WHERE entry_id = @e",
		"reversal_has_its_entry", "CONCAT('reversal:', (SELECT MIN(id) FROM entry))" },
	{ "reversal_gone", "reversal", A_REVERSAL, "DELETE FROM reversal WHERE entry_id = @e",
		"reversal_entry_has_its_reversal", "CONCAT('entry:', @s)" },
	{ "reversal_is_no_mirror", "posting", A_REVERSAL,
		"UPDATE posting SET amount_nano = amount_nano * 2 WHERE entry_id = @s",
		"reversal_mirrors_its_entry", REVERSAL_NAME },
	{ "reversal_company_account", "posting", A_REVERSAL,
		"UPDATE posting p JOIN account a ON a.id = p.account_id AND a.kind = 'service' SET "
		"p.account_id = (SELECT id FROM account WHERE code = 'bank') WHERE p.entry_id = @s",
		"reversal_mirrors_its_entry", REVERSAL_NAME },
	{ "reversal_key", "entry", A_REVERSAL, "UPDATE entry SET once_key = 'x' WHERE id = @s",
		"reversal_has_its_entry", REVERSAL_NAME },
	{ "approved_by_who_asked", "approval", AN_APPROVAL("adjustment"),
		"UPDATE approval SET decided_by = asked_by WHERE id = @s",
		"approval_is_by_another_person", APPROVAL_NAME },
	{ "approval_pending_again", "approval", AN_APPROVAL("adjustment"),
		"UPDATE approval SET state = 'pending' WHERE id = @s", "act_of_two_was_approved",
		OF_APPROVAL },
	{ "approval_amount", "approval", AN_APPROVAL("adjustment"),
		"UPDATE approval SET params = JSON_SET(params, '$.amount_fen', 5) WHERE id = @s",
		"approved_act_was_done", APPROVAL_NAME },
	{ "approval_refund_amount", "approval", AN_APPROVAL("refund"),
		"UPDATE approval SET params = JSON_SET(params, '$.amount_fen', 5) WHERE id = @s",
		"approved_act_was_done", APPROVAL_NAME },
	{ "approval_reversal", "approval", AN_APPROVAL("reversal"),
		"UPDATE approval SET params = JSON_SET(params, '$.entry_id', 5) WHERE id = @s",
		"approved_act_was_done", APPROVAL_NAME },
	{ "approval_kind", "approval", AN_APPROVAL("refund"),
		"UPDATE approval SET kind = 'setting' WHERE id = @s", "act_of_two_was_approved",
		OF_APPROVAL },
	/* credit in the meter */
	{ "purchase_worth", "purchase", A_PURCHASE("state = 'done'"),
		"UPDATE purchase SET worth_nano = worth_nano + 1 WHERE id = @s",
		"purchase_has_its_entry", PURCHASE_NAME },
	{ "purchase_amount", "purchase", A_PURCHASE("state = 'done'"),
		"UPDATE purchase SET amount_milli = amount_milli + 10 WHERE id = @s",
		"purchase_is_worth_its_amount", PURCHASE_NAME },
	{ "purchase_account", "purchase", A_PURCHASE("state = 'done'"),
		"UPDATE purchase SET account_id = 2101 WHERE id = @s",
		"purchase_is_of_a_holder_of_its_meter", PURCHASE_NAME },
	{ "purchase_state", "purchase", A_PURCHASE("state = 'failed'"),
		"UPDATE purchase SET state = 'done' WHERE id = @s",
		"purchase_is_booked_as_it_ended", PURCHASE_NAME },
	{ "purchase_open", "purchase", A_PURCHASE("end_entry_id IS NULL"),
		"UPDATE purchase SET open_meter = NULL WHERE id = @s",
		"purchase_is_booked_as_it_ended", PURCHASE_NAME },
	{ "purchase_meter", "purchase", A_PURCHASE("state = 'done'"),
		"UPDATE purchase SET meter_id = 104 WHERE id = @s", "purchase_has_its_entry",
		PURCHASE_NAME },
	{ "purchase_count", "purchase", A_PURCHASE("state = 'done'"),
		"UPDATE purchase SET count = count + 1, ended_at = 9223372036854775807 WHERE id = "
		"@s",
		"credit_counts_its_purchases", CREDIT_NAME },
	{ "purchase_gone", "purchase", A_PURCHASE("state = 'failed'"),
		"DELETE FROM purchase WHERE id = @s", "purchase_entry_has_its_purchase", ENTRY },
	{ "purchase_end_gone", "purchase", A_PURCHASE("state = 'done'"),
		"UPDATE purchase SET end_entry_id = NULL WHERE id = @s",
		"purchase_entry_has_its_purchase", "CONCAT('entry:', @o)" },
	{ "meter_credit_worth", "meter_credit", A_CREDIT,
		"UPDATE meter_credit SET worth_nano = worth_nano + 1 WHERE meter_id = @m",
		"credit_in_the_meter_is_posted", CREDIT_NAME },
	{ "meter_credit_remaining", "meter_credit", A_CREDIT,
		"UPDATE meter_credit SET remaining_milli = remaining_milli + 10 WHERE meter_id = "
		"@m",
		"credit_is_worth_what_remains", CREDIT_NAME },
	{ "meter_credit_gone", "meter_credit", A_CREDIT,
		"DELETE FROM meter_credit WHERE meter_id = @m", "meter_of_credit_has_its_credit",
		"CONCAT('meter:', @m)" },
	{ "meter_use_of_another_meter", "entry", AN_ENTRY("meter_use"),
		"UPDATE entry SET reference = 'meter:104' WHERE id = @e",
		"meter_entry_is_of_its_meter", ENTRY },
	{ "meter_use_amount", "posting", AN_ENTRY("meter_use"),
		"UPDATE posting SET amount_nano = amount_nano * 2 WHERE entry_id = @e",
		"credit_in_the_meter_is_posted", "'meter_credit:103'" },
	{ "meter_use_utility", "posting account", AN_ENTRY("meter_use"),
		"UPDATE posting p JOIN account a ON a.id = p.account_id AND a.kind = 'energy' SET "
		"p.account_id = (SELECT id FROM account WHERE kind = 'water') WHERE p.entry_id = "
		"@e",
		"use_of_credit_is_of_its_utility", ENTRY },
	/* fees */
	{ "fee_charge_amount", "fee_charge", A_FEE,
		"UPDATE fee_charge SET amount_fen = amount_fen + 1" THIS_FEE "",
		"fee_charge_has_its_entry", FEE_NAME },
	{ "fee_charge_days", "fee_charge", A_FEE,
		"UPDATE fee_charge SET days = days - 1" THIS_FEE "", "fee_charge_is_of_its_days",
		FEE_NAME },
	{ "fee_charge_gone", "fee_charge", A_FEE, "DELETE FROM fee_charge" THIS_FEE "",
		"fee_entry_has_its_charge", ENTRY },
	{ "fee_charge_month", "fee_charge", A_FEE,
		"UPDATE fee_charge SET month = '1999-01'" THIS_FEE "", "fee_charge_has_its_entry",
		"CONCAT('fee_charge:', @s, ':1999-01:', @c)" },
	{ "fee_monthly", "contract_fee", A_FEE,
		"UPDATE contract_fee SET monthly_fen = monthly_fen + 100 WHERE id = @s",
		"fee_of_month_is_of_its_term", "CONCAT('contract_fee:', @s)" },
	{ "fee_from", "contract_fee", A_FEE,
		"UPDATE contract_fee SET from_day = from_day + INTERVAL 3 DAY WHERE id = @s",
		"fee_of_month_is_of_its_term", "CONCAT('contract_fee:', @s)" },
	{ "fee_to", "contract_fee", A_FEE, "UPDATE contract_fee SET to_day = NULL WHERE id = @s",
		"fee_of_month_is_of_its_term", "CONCAT('contract_fee:', @s)" },
	{ "fee_account", "contract_fee", A_FEE,
		"UPDATE contract_fee SET account_id = 2103 WHERE id = @s",
		"fee_is_paid_by_its_contract", "CONCAT('contract_fee:', @s)" },
	{ "fee_kind", "contract_fee", A_FEE,
		"UPDATE contract_fee SET kind = 'property_fee' WHERE id = @s",
		"fee_charge_has_its_entry", FEE_NAME },
	{ "fee_cut_not_approved", "fee_cut approval", AN_APPROVAL("refund"),
		"INSERT INTO fee_cut VALUES (@s, 2101, 0, '2026-01', 5)",
		"cut_for_a_fee_was_approved", "CONCAT('fee_cut:', @s, ':2101')" },
	/* shares */
	{ "share_run_seen", "share_run", A_RUN,
		"UPDATE share_run SET seen_milli = seen_milli + 1" THIS_RUN "",
		"share_is_of_its_sources", RUN_NAME },
	{ "share_run_charge_seen", "share_run", A_RUN,
		"UPDATE share_run SET seen_nano = seen_nano + 1" THIS_RUN "",
		"share_is_of_its_sources", RUN_NAME },
	{ "share_run_net", "share_run", A_RUN,
		"UPDATE share_run SET net_milli = net_milli - 1" THIS_RUN "",
		"share_is_of_what_was_used", RUN_NAME },
	{ "share_run_qty", "share_run", A_RUN,
		"UPDATE share_run SET qty_milli = qty_milli - 1" THIS_RUN "",
		"share_parts_sum_to_the_whole", RUN_NAME },
	{ "share_run_charge", "share_run", A_RUN,
		"UPDATE share_run SET charge_nano = charge_nano - 1" THIS_RUN "",
		"share_parts_sum_to_the_whole", RUN_NAME },
	{ "share_run_owner", "share_run", A_RUN,
		"UPDATE share_run SET owner_milli = owner_milli + 1, qty_milli = qty_milli + "
		"1" THIS_RUN "",
		"owner_keeps_the_rest", RUN_NAME },
	{ "share_run_gone", "share_run", A_PART, "DELETE FROM share_run" THIS_RUN "",
		"share_part_has_its_run", PART_NAME },
	{ "share_run_version", "share_run", A_RUN, "UPDATE share_run SET version = 2" THIS_RUN "",
		"share_runs_are_numbered", "CONCAT('share_run:', @s, ':', @d)" },
	{ "share_part_qty", "share_part", A_PART,
		"UPDATE share_part SET qty_milli = qty_milli + 1" THIS_PART "",
		"share_lines_sum_to_parts", PART_NAME },
	{ "share_part_charge", "share_part", A_PART,
		"UPDATE share_part SET charge_nano = charge_nano + 1" THIS_PART "",
		"share_version_is_posted", PART_NAME },
	{ "share_part_not_posted", "share_part", A_PART,
		"UPDATE share_part SET entry_id = NULL" THIS_PART "", "share_is_posted",
		PART_NAME },
	{ "share_part_account", "share_part", A_PART,
		"UPDATE share_part SET account_id = 2103" THIS_PART "",
		"share_is_paid_by_its_contract", PART_NAME },
	{ "share_part_gone", "share_part", A_PART, "DELETE FROM share_part" THIS_PART "",
		"share_entry_has_its_part", ENTRY },
	{ "share_part_weight", "share_part", A_LINE,
		"UPDATE share_part SET weight = weight DIV 2" THIS_PART "",
		"share_is_split_by_weight", LINE_NAME },
	{ "share_part_whole", "share_part", A_LAST_LINE,
		"UPDATE share_part SET of_weight = of_weight + 1" THIS_PART "",
		"share_weights_are_of_one_whole", LINE_NAME },
	{ "share_line_qty", "share_line", A_LINE,
		"UPDATE share_line SET qty_milli = qty_milli + 1" THIS_LINE "",
		"share_is_split_by_weight", LINE_NAME },
	{ "share_line_charge", "share_line", A_LINE,
		"UPDATE share_line SET charge_nano = charge_nano - 1" THIS_LINE "",
		"share_line_is_quantity_times_price", LINE_NAME },
	{ "share_line_of", "share_line", A_LINE,
		"UPDATE share_line SET of_milli = of_milli + 9" THIS_RUN "",
		"share_line_is_of_its_use", LINE_NAME },
	{ "share_line_moved", "share_line", A_LINE,
		"UPDATE share_line SET contract_id = 999" THIS_LINE "", "share_line_has_its_part",
		"REPLACE(CONCAT('share_line:', @s, ':', @d, ':', @c, ':', @m, ':', @r, ':', @i, "
		"':999'), ' ', '')" },
	{ "share_group_run_to", "share_group", A_RUN,
		"UPDATE share_group SET run_to = run_to + INTERVAL 5 DAY WHERE id = @s",
		"share_is_run_to_its_last_day", "CONCAT('share_group:', @s)" },
	{ "share_source", "share_source", A_RUN,
		"UPDATE share_source SET meter_id = 101 WHERE group_id = @s",
		"share_is_of_its_sources", RUN_NAME },
	/* and more of them */
	{ "company_account_level", "account", "id INTO @a FROM account WHERE kind = 'bank'",
		"UPDATE account SET level = 'low1' WHERE id = @a",
		"company_account_keeps_no_balance", ACCOUNT },
	{ "allowance_price", "contract_allowance", "contract_id INTO @c FROM contract_allowance",
		"UPDATE contract_allowance SET unit = 'kwh', price_micro = 1 WHERE contract_id = "
		"@c",
		"allowance_is_as_agreed", "CONCAT('contract_allowance:', @c)" },
	{ "allowance_worth", "contract_allowance audit",
		"contract_id INTO @c FROM contract_allowance",
		"UPDATE audit SET at = 1 WHERE action = 'allowance.edit';UPDATE contract_allowance "
		"SET price_micro = 2000000 WHERE contract_id = @c",
		"allowance_is_worth_what_was_agreed", "CONCAT('contract_allowance:', @c)" },
	{ "approval_decided_at", "approval", AN_APPROVAL("adjustment"),
		"UPDATE approval SET decided_at = decided_at + 1 WHERE id = @s",
		"approved_act_was_done", APPROVAL_NAME },
	{ "approval_asked_by", "approval", AN_APPROVAL("reversal"),
		"UPDATE approval SET asked_by = 7 WHERE id = @s", "approved_act_was_done",
		APPROVAL_NAME },
	{ "approval_decided_by", "approval", AN_APPROVAL("refund"),
		"UPDATE approval SET decided_by = 7 WHERE id = @s", "approval_is_in_the_audit",
		APPROVAL_NAME },
	{ "approval_object", "approval", AN_APPROVAL("refund"),
		"UPDATE approval SET object = 'account:1' WHERE id = @s", "approved_act_was_done",
		APPROVAL_NAME },
	{ "refund_of_cash_still_open", "refund", A_REFUND("state = 'person'"),
		"UPDATE refund SET method = 'cash' WHERE id = @s", "refund_left_by_its_method",
		REFUND_NAME },
	{ "order_unpaid_and_all_that_followed", "pay_order entry posting", AN_ORDER,
		"DELETE FROM posting WHERE entry_id = @e;DELETE FROM entry WHERE id = @e;UPDATE "
		"pay_order SET state = 'closed', closed_at = 5, paid_at = 0, credited_at = 0, "
		"entry_id = NULL, transaction_id = NULL WHERE id = @o",
		"what_was_told_was_credited", ORDER_NAME },
	{ "second_payment_gone", "entry posting",
		"e.id, o.id INTO @e, @o FROM entry e JOIN pay_order o ON o.out_trade_no = e.memo "
		"WHERE e.kind = 'suspense' LIMIT 1",
		"DELETE FROM posting WHERE entry_id = @e;DELETE FROM entry WHERE id = @e",
		"what_was_told_was_credited", ORDER_NAME },
	{ "share_target_weight", "share_target", A_PART,
		"UPDATE share_target SET weight = weight + 1 WHERE group_id = @s AND contract_id = "
		"@a",
		"share_part_is_of_a_sharer", PART_NAME },
	{ "share_target_gone", "share_target", A_PART,
		"DELETE FROM share_target WHERE group_id = @s AND contract_id = @a",
		"share_part_is_of_a_sharer", PART_NAME },
	{ "share_basis", "share_group", A_PART,
		"UPDATE share_group SET basis = 'equal' WHERE id = @s", "share_part_is_of_a_sharer",
		PART_NAME },
	/* messages */
	{ "message_sent_by_nobody", "outbox_try", A_MESSAGE,
		"UPDATE outbox_try SET outcome = 'refused' WHERE outbox_id = @s",
		"message_has_its_attempt", MESSAGE_NAME },
	{ "message_attempt_gone", "outbox_try", A_MESSAGE,
		"DELETE FROM outbox_try WHERE outbox_id = @s", "message_has_its_attempt",
		MESSAGE_NAME },
	{ "message_said_to_have_arrived", "outbox", A_MESSAGE,
		"UPDATE outbox SET state = 'delivered' WHERE id = @s", "message_has_its_attempt",
		MESSAGE_NAME },
	{ "message_of_another_kind", "outbox", A_MESSAGE,
		"UPDATE outbox SET template = 'restored' WHERE id = @s", "message_is_of_its_notice",
		MESSAGE_NAME },
	{ "login_code_kept", "outbox", A_MESSAGE,
		"UPDATE outbox SET template = 'login_code', notice_id = NULL, params = 'x' WHERE id"
		" = @s",
		"login_code_is_wiped", MESSAGE_NAME },
};

const struct damages damages_of_money = { list, ARRAY_LEN(list) };
