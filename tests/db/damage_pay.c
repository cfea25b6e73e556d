/* Payments that were nobody's, refunds at services, purses that take no recharge: what they were,
 * and damage to them. */
#include "damage.h"

#include <stdio.h>

#include "domain/invoice.h"
#include "domain/order.h"
#include "domain/rechargeblock.h"
#include "domain/refundwork.h"
#include "domain/unmatched.h"

#define FINANCE 22
#define ACCOUNT_ID 2101

static struct problem why;
static int keys;

static int64_t payment(struct world *w, int64_t fen, int64_t paid_fen)
{
	struct order_new n = { .account_id = ACCOUNT_ID,
		.amount_fen = fen,
		.channel = "alipay_wap",
		.service = "alipay",
		.payer_address = "" };
	char transaction[32];
	struct payment p = { .service = "alipay",
		.transaction_id = transaction,
		.amount_fen = paid_fen,
		.currency = "CNY",
		.paid_at = seeded_now };
	enum credit_outcome got;
	struct order o;

	snprintf(transaction, sizeof(transaction), "pay%d", ++keys);
	assert_int_equal(order_create(w->api, &n, seeded_now, &o, &why), ERR_OK);
	p.out_trade_no = o.out_trade_no;
	assert_int_equal(order_credit(w->api, &p, "notify", seeded_now, &got), ERR_OK);
	if (fen == 1500 && paid_fen != fen) { /* the service's better word */
		p.amount_fen = fen;
		assert_int_equal(order_credit(w->api, &p, "query", seeded_now, &got), ERR_OK);
	}
	return o.id;
}

static void settle(struct world *w, int64_t order, enum unmatched_how how, const char *once)
{
	static const struct query q = { "SELECT id FROM pay_unmatched WHERE order_id = ?",
		&id_shape };
	struct unmatched_act a = { .how = how,
		.account_id = how == UNMATCHED_CREDIT ? ACCOUNT_ID : 0,
		.user_id = FINANCE,
		.actor = "user:22",
		.address = "",
		.reason = "found",
		.once_key = once };
	struct unmatched u;
	struct id_row id;
	int64_t approval = 0;

	assert_int_equal(db_one(w->api, &q, ARGS(arg_i64(order)), &id), ERR_OK);
	a.id = id.id;
	assert_int_equal(unmatched_settle(w->api, &a, seeded_now, &u, &approval, &why), ERR_OK);
	assert_int_equal(approval, 0);
}

static void refund_ends(struct world *w, enum refund_word word)
{
	struct refund_work work;
	struct refund_told t = {
		.service = "alipay", .refund_id = "r", .word = word, .via = "query"
	};
	enum told_outcome outcome;

	assert_int_equal(refund_claim(w->worker, "alipay", seeded_now, &work), ERR_OK);
	t.out_refund_no = work.f.out_refund_no;
	t.out_trade_no = work.out_trade_no;
	assert_int_equal(refund_told(w->worker, &t, seeded_now, &outcome), ERR_OK);
}

/* Of a recharge: one that was issued, and one before it that was taken back. */
static void invoices(struct world *w, int64_t order)
{
	struct invoice_new n = { .actor = "user:23",
		.address = "",
		.orders = &order,
		.orders_n = 1,
		.kind = "personal",
		.title = "x",
		.tax_no = "",
		.email = "x@x.cn",
		.note = "",
		.once_key = "past:invoice1" };
	struct invoice_issued said = { .number = "N1", .url = "" };
	struct invoice_act a = { .actor = "user:22", .address = "", .now = seeded_now };
	struct invoice i;

	fixture_sql(w->root, "INSERT INTO user (username, kind) VALUES ('past-tenant', 'tenant')");
	n.user_id = FIXTURE_VALUE(w->root, "SELECT MAX(id) AS v FROM user");
	fixture_sql(w->root,
		"INSERT INTO user_tenant (user_id, tenant_id) SELECT u.id, c.tenant_id FROM user u,"
		" account a JOIN contract c ON c.id = a.contract_id WHERE a.id = 2101 AND"
		" u.username = 'past-tenant'");
	assert_int_equal(invoice_ask(w->api, &n, seeded_now, &i, &why), ERR_OK);
	a.id = i.id;
	assert_int_equal(invoice_withdraw(w->api, &a, n.user_id, &i, &why), ERR_OK);
	n.once_key = "past:invoice2";
	assert_int_equal(invoice_ask(w->api, &n, seeded_now, &i, &why), ERR_OK);
	a.id = i.id;
	said.date.days = (int32_t)(seeded_now.ms / 86400000) - 1;
	assert_int_equal(invoice_issue(w->api, &a, &said, &i, &why), ERR_OK);
}

void past_pay(struct world *w)
{
	struct recharge_block_set block = {
		.account_id = FIXTURE_VALUE(
			w->root, "SELECT MAX(id) AS v FROM account WHERE kind = 'purse'"),
		.blocked = true,
		.reason = "a dispute",
		.actor = "user:22",
		.address = ""
	};
	struct recharge_block b;

	payment(w, 1000, 900);
	invoices(w, payment(w, 1500, 150000));
	settle(w, payment(w, 1100, 990), UNMATCHED_CREDIT, "past:found");
	settle(w, payment(w, 1200, 980), UNMATCHED_REFUND, "past:back1");
	refund_ends(w, REFUND_DONE);
	settle(w, payment(w, 1300, 970), UNMATCHED_REFUND, "past:back2");
	refund_ends(w, REFUND_CLOSED);
	settle(w, payment(w, 1400, 960), UNMATCHED_REFUND, "past:back3");
	settle(w, payment(w, 1600, 950), UNMATCHED_CLOSE, "past:closed");
	assert_int_equal(recharge_block_put(w->api, &block, seeded_now, &b), ERR_OK);
}

#define UNMATCHED(what)                                                                            \
	"id, entry_id, suspense_entry_id, order_id INTO @s, @e, @d, @o FROM pay_unmatched "        \
	"WHERE " what " ORDER BY id DESC LIMIT 1"
#define UNMATCHED_NAME "CONCAT('unmatched:', @s)"
#define WHERE_IT_SAYS "unmatched_payment_is_where_it_says"
#define A_REFUND(what) "id, entry_id INTO @s, @e FROM refund WHERE " what " ORDER BY id LIMIT 1"
#define REFUND_NAME "CONCAT('refund:', @s)"
#define AN_INVOICE(state)                                                                          \
	"i.id, l.order_id INTO @s, @o FROM invoice i JOIN invoice_order l ON l.invoice_id = i.id"  \
	" WHERE i.state = '" state "' ORDER BY i.id LIMIT 1"
#define INVOICE_NAME "CONCAT('invoice:', @s)"
#define SUSPENSE "(SELECT CONCAT('account:', id) FROM account WHERE code = 'suspense')"

static const struct damage list[] = {
	{ "unmatched_open_again", "pay_unmatched", UNMATCHED("state = 'credited'"),
		"UPDATE pay_unmatched SET state = 'open' WHERE id = @s", WHERE_IT_SAYS,
		UNMATCHED_NAME },
	{ "unmatched_open_and_free", "pay_unmatched", UNMATCHED("state = 'credited'"),
		"UPDATE pay_unmatched SET state = 'open', resolved_at = 0, account_id = NULL,"
		" entry_id = NULL WHERE id = @s",
		"found_payment_has_its_row", "CONCAT('entry:', @e)" },
	{ "unmatched_amount", "pay_unmatched", UNMATCHED("state = 'credited'"),
		"UPDATE pay_unmatched SET amount_fen = amount_fen + 1 WHERE id = @s", WHERE_IT_SAYS,
		UNMATCHED_NAME },
	{ "unmatched_account", "pay_unmatched", UNMATCHED("state = 'credited'"),
		"UPDATE pay_unmatched SET account_id = 2103 WHERE id = @s", WHERE_IT_SAYS,
		UNMATCHED_NAME },
	{ "unmatched_when", "pay_unmatched", UNMATCHED("state = 'credited'"),
		"UPDATE pay_unmatched SET resolved_at = resolved_at + 1 WHERE id = @s",
		WHERE_IT_SAYS, UNMATCHED_NAME },
	{ "unmatched_by_whom", "pay_unmatched", UNMATCHED("state = 'credited'"),
		"UPDATE pay_unmatched SET resolved_by = 'user:9' WHERE id = @s", WHERE_IT_SAYS,
		UNMATCHED_NAME },
	{ "unmatched_credited_not", "pay_unmatched", UNMATCHED("state = 'closed'"),
		"UPDATE pay_unmatched SET state = 'credited' WHERE id = @s", WHERE_IT_SAYS,
		UNMATCHED_NAME },
	{ "unmatched_matched_not", "pay_unmatched",
		UNMATCHED("state = 'open' AND why = 'amount' AND suspense_entry_id IS NULL"),
		"UPDATE pay_unmatched SET state = 'matched', resolved_at = 5 WHERE id = @s",
		WHERE_IT_SAYS, UNMATCHED_NAME },
	{ "unmatched_transaction", "pay_unmatched", UNMATCHED("state = 'matched'"),
		"UPDATE pay_unmatched SET transaction_id = 'x' WHERE id = @s", WHERE_IT_SAYS,
		UNMATCHED_NAME },
	{ "unmatched_refunded_not", "pay_unmatched",
		UNMATCHED("state = 'open' AND why = 'amount' AND suspense_entry_id > 0"),
		"UPDATE pay_unmatched SET state = 'refunded', resolved_at = 5 WHERE id = @s",
		WHERE_IT_SAYS, UNMATCHED_NAME },
	{ "unmatched_in_suspense_closed", "pay_unmatched",
		UNMATCHED("state = 'open' AND why = 'second_payment'"),
		"UPDATE pay_unmatched SET state = 'closed', resolved_at = 5 WHERE id = @s",
		"suspense_is_of_second_payments", SUSPENSE },
	{ "unmatched_gone", "pay_unmatched",
		UNMATCHED("state = 'open' AND suspense_entry_id > 0 AND transaction_id <> 'A4'"),
		"DELETE FROM pay_unmatched WHERE id = @s", "second_payment_has_its_order",
		"CONCAT('entry:', @d)" },
	{ "unmatched_never_listed", "pay_unmatched",
		UNMATCHED("state = 'open' AND suspense_entry_id IS NULL"),
		"DELETE FROM pay_unmatched WHERE id = @s", "payment_that_did_not_fit_is_listed",
		"CONCAT('order:', @o)" },
	{ "refund_of_unmatched_amount", "refund", A_REFUND("unmatched_id > 0 AND state = 'done'"),
		"UPDATE refund SET amount_fen = amount_fen + 1 WHERE id = @s",
		"refund_has_its_entry", REFUND_NAME },
	{ "refund_of_unmatched_of_a_purse", "refund", A_REFUND("unmatched_id > 0"),
		"UPDATE refund SET account_id = 2101 WHERE id = @s", "refund_has_its_entry",
		REFUND_NAME },
	{ "refund_of_unmatched_gone", "refund",
		A_REFUND("unmatched_id > 0 AND state = 'requested'"),
		"DELETE FROM refund WHERE id = @s", "refund_entry_has_its_refund",
		"CONCAT('entry:', @e)" },
	{ "refund_service", "refund", A_REFUND("order_id > 0"),
		"UPDATE refund SET service = 'alipay' WHERE id = @s", "refund_left_by_its_method",
		REFUND_NAME },
	{ "refund_forgotten", "refund", A_REFUND("service <> '' AND state = 'requested'"),
		"UPDATE refund SET ask_at = 0 WHERE id = @s", "open_refund_is_worked_on",
		REFUND_NAME },
	{ "refund_asked_for_ever", "refund", A_REFUND("state = 'done'"),
		"UPDATE refund SET ask_at = 5 WHERE id = @s", "open_refund_is_worked_on",
		REFUND_NAME },
	{ "invoice_amount", "invoice", AN_INVOICE("issued"),
		"UPDATE invoice SET amount_fen = amount_fen + 1 WHERE id = @s",
		"invoice_is_the_sum_of_its_orders", INVOICE_NAME },
	{ "invoice_order_gone", "invoice_order", AN_INVOICE("withdrawn"),
		"DELETE FROM invoice_order WHERE invoice_id = @s",
		"invoice_is_the_sum_of_its_orders", INVOICE_NAME },
	{ "invoice_order_free", "invoice_order", AN_INVOICE("issued"),
		"UPDATE invoice_order SET live_order = NULL WHERE invoice_id = @s",
		"invoice_holds_its_orders", INVOICE_NAME },
	{ "invoice_taken_back_after_all", "invoice", AN_INVOICE("issued"),
		"UPDATE invoice SET state = 'withdrawn', number = NULL, date = NULL WHERE id = @s",
		"invoice_holds_its_orders", INVOICE_NAME },
	{ "invoice_without_number", "invoice", AN_INVOICE("issued"),
		"UPDATE invoice SET number = NULL WHERE id = @s", "invoice_is_of_its_state",
		INVOICE_NAME },
	{ "invoice_voided_by_nothing", "invoice invoice_order", AN_INVOICE("issued"),
		"UPDATE invoice SET state = 'voided' WHERE id = @s; UPDATE invoice_order SET"
		" live_order = NULL WHERE invoice_id = @s",
		"invoice_is_of_its_state", INVOICE_NAME },
	{ "invoice_above_what_was_paid", "invoice invoice_order", AN_INVOICE("issued"),
		"UPDATE invoice SET amount_fen = amount_fen + 1 WHERE id = @s; UPDATE"
		" invoice_order SET amount_fen = amount_fen + 1 WHERE invoice_id = @s",
		"invoiced_order_was_paid", "CONCAT('order:', @o)" },
	{ "recharge_block_gone", "recharge_block", "account_id INTO @a FROM recharge_block",
		"DELETE FROM recharge_block", "recharge_block_is_as_set",
		"CONCAT('account:', @a)" },
	{ "recharge_block_by_nobody", "recharge_block", "2103 INTO @a",
		"INSERT INTO recharge_block VALUES (2103, 'x', 'x', 1)", "recharge_block_is_as_set",
		"CONCAT('account:', @a)" },
};

const struct damages damages_of_pay = { list, ARRAY_LEN(list) };
