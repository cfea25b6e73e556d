/* Bills of a service at the end of the history, and damage to them and to what came of them. */
#include "damage.h"

#include <stdio.h>
#include <string.h>

#include "domain/approval.h"
#include "domain/order.h"
#include "domain/reconciliation.h"
#include "shop_fixture.h"

#define PURSE 2101
#define FINANCE 22
#define SECOND 21
#define MUST(act)                                                                                  \
	do {                                                                                       \
		struct problem why = { 0 };                                                        \
		enum err e_ = (act);                                                               \
		if (e_ != ERR_OK)                                                                  \
			fail_msg("%s:%d: %s %s: %s", __FILE__, __LINE__, err_word(e_), why.field,  \
				why.text);                                                         \
	} while (0)

#define ROWS 8
static struct bill_entry rows[ROWS];
static char numbers[ROWS][33];
static size_t rows_n;

static void order_paid(
	struct world *w, const char *transaction, int64_t fen, bool booked, bool billed)
{
	struct order_new n = { .account_id = PURSE,
		.amount_fen = fen,
		.channel = "alipay_qr",
		.service = "alipay",
		.payer_address = "" };
	struct payment p = { .service = "alipay",
		.transaction_id = transaction,
		.amount_fen = fen,
		.currency = "CNY",
		.paid_at = seeded_now };
	enum credit_outcome got;
	struct order o;

	MUST(order_create(w->api, &n, seeded_now, &o, &why));
	p.out_trade_no = o.out_trade_no;
	if (booked)
		MUST(order_credit(w->api, &p, "notify", seeded_now, &got));
	if (!billed)
		return;
	snprintf(numbers[rows_n], sizeof(numbers[0]), "%s", o.out_trade_no);
	rows[rows_n] = (struct bill_entry){ .out_trade_no = numbers[rows_n],
		.transaction_id = transaction,
		.out_refund_no = "",
		.refund_id = "",
		.state = "",
		.amount_fen = fen,
		.fee = { fen * 60000 },
		.at = seeded_now };
	rows_n++;
}

static void given_back_there(struct world *w)
{
	(void)w;
	rows[rows_n] = rows[0];
	rows[rows_n].refund = true;
	rows[rows_n].out_refund_no = "CONSOLE";
	rows[rows_n].amount_fen = 30;
	rows[rows_n].fee.nano = 0;
	rows_n++;
}

static void keep(struct world *w, struct day day, size_t n)
{
	static const struct reconciliation_rules rules = { 10, 30, 60 };
	struct bill bill = { .rows = rows, .n = n };
	struct reconciliation r;

	for (size_t i = 0; i < n; i++) {
		if (rows[i].refund)
			bill.refunded_fen += rows[i].amount_fen;
		else
			bill.paid_fen += rows[i].amount_fen;
		bill.fee.nano += rows[i].fee.nano;
	}
	MUST(reconciliation_ask(w->api, "alipay", day, "user:22", "", seeded_now, &r));
	MUST(reconciliation_claim(w->worker, "alipay", "w", seeded_now, &r));
	MUST(reconciliation_store(w->worker, &r, &bill, &rules, seeded_now));
}

static void resolve(struct world *w, const char *kind, const char *action)
{
	char key[64];
	struct resolving_new n = { .action = action,
		.reason = "seen",
		.user_id = FINANCE,
		.actor = "user:22",
		.address = "",
		.once_key = key };
	struct approval_decision by = { .user_id = SECOND,
		.actor = "user:21",
		.address = "",
		.approve = true,
		.note = "",
		.now = seeded_now };
	struct difference d;
	struct approval a;

	shop_set(w->root, "SET @difference = (SELECT id FROM bill_difference WHERE kind = '%s')",
		kind);
	n.difference_id = FIXTURE_VALUE(w->root, "SELECT @difference AS v");
	snprintf(key, sizeof(key), "bills:%s", kind);
	MUST(difference_resolve(w->api, &n, seeded_now, &d, &by.id, &why));
	if (by.id)
		MUST(approval_decide(w->api, &by, &a, &why));
}

void bills_make(struct world *w)
{
	struct payout_new payout = { .service = "alipay",
		.amount_fen = 100,
		.document = "B-1",
		.reason = "x",
		.actor = "user:22",
		.address = "",
		.once_key = "bills:payout" };
	struct day day = beijing_day(seeded_now);
	struct service_payout done;

	/* Two acts of one person's are one answer; these are two persons. */
	shop_set(w->root,
		"UPDATE user SET role_id = (SELECT id FROM role WHERE code = 'admin') WHERE id IN "
		"(%d,"
		" %d)",
		FINANCE, SECOND);
	order_paid(w, "A1", 500, true, true);
	order_paid(w, "A2", 600, false, true); /* missing_here */
	order_paid(w, "A3", 700, true, false); /* missing_there */
	given_back_there(w);
	rows[rows_n] = rows[0]; /* nobody's */
	rows[rows_n].transaction_id = "A4";
	rows[rows_n++].amount_fen = 501; /* second */
	order_paid(w, "A5", 800, true, true);
	rows[rows_n - 1].amount_fen = 810; /* amount */
	keep(w, day, rows_n);
	resolve(w, "missing_here", "credit");
	resolve(w, "missing_there", "reverse");
	resolve(w, "refund_missing_here", "charge");
	resolve(w, "second", "suspense");
	resolve(w, "amount", "suspense");
	keep(w, (struct day){ day.days + 1 }, 0);
	MUST(reconciliation_fees(w->worker, "alipay", seeded_now));
	MUST(service_payout_book(w->api, &payout, seeded_now, &done, &why));
}

#define A_BILL "id INTO @s FROM reconciliation WHERE rows_n > 0 LIMIT 1"
#define BILL "CONCAT('reconciliation:', @s)"
#define A_ROW                                                                                      \
	"id, reconciliation_id INTO @e, @s FROM bill_row WHERE transaction_id = 'A1' AND NOT "     \
	"refund"
#define BILL_ROW "CONCAT('bill_row:', @e)"
#define A_DIFFERENCE(action)                                                                       \
	"id, resolution_id INTO @s, @e FROM bill_difference WHERE action = '" action               \
	"' ORDER BY id LIMIT 1"
#define DIFFERENCE "CONCAT('bill_difference:', @s)"
#define A_PAYOUT "id, entry_id INTO @s, @e FROM service_payout LIMIT 1"
#define PAYOUT "CONCAT('service_payout:', @s)"

static const struct damage list[] = {
	{ "bill_row_amount", "bill_row", A_ROW,
		"UPDATE bill_row SET amount_fen = amount_fen + 1 WHERE id = @e",
		"bill_is_the_sum_of_its_rows", BILL },
	{ "bill_row_fee", "bill_row", A_ROW,
		"UPDATE bill_row SET fee_nano = fee_nano + 1 WHERE id = @e",
		"bill_is_the_sum_of_its_rows", BILL },
	{ "bill_row_gone", "bill_row", A_ROW, "DELETE FROM bill_row WHERE id = @e",
		"bill_is_the_sum_of_its_rows", BILL },
	{ "bill_row_gone_from_all_sums", "bill_row reconciliation", A_ROW,
		"UPDATE reconciliation SET rows_n = rows_n - 1, paid_fen = paid_fen - 500, "
		"fee_nano ="
		" fee_nano - 30000000 WHERE id = @s;UPDATE bill_row SET line = 100 WHERE id = "
		"@e;UPDATE"
		" bill_row SET line = 1 WHERE reconciliation_id = @s AND line = 5;DELETE FROM "
		"bill_row"
		" WHERE id = @e",
		"booked_payment_is_on_a_bill",
		"CONCAT('order:', (SELECT id FROM pay_order WHERE transaction_id = 'A1'))" },
	{ "bill_row_of_another_payment", "bill_row", A_ROW,
		"UPDATE bill_row SET transaction_id = 'A9' WHERE id = @e",
		"billed_payment_is_booked_or_differs", BILL_ROW },
	{ "bill_row_both_grown", "bill_row reconciliation", A_ROW,
		"UPDATE bill_row SET amount_fen = amount_fen + 1 WHERE id = @e;UPDATE "
		"reconciliation SET"
		" paid_fen = paid_fen + 1 WHERE id = @s",
		"billed_payment_is_booked_or_differs", BILL_ROW },
	{ "billed_refund_of_another", "bill_row",
		"id, reconciliation_id INTO @e, @s FROM bill_row WHERE refund LIMIT 1",
		"UPDATE bill_row SET out_refund_no = 'R9' WHERE id = @e",
		"billed_refund_is_booked_or_differs", BILL_ROW },
	{ "bill_sum", "reconciliation", A_BILL,
		"UPDATE reconciliation SET paid_fen = paid_fen + 1 WHERE id = @s",
		"bill_is_the_sum_of_its_rows", BILL },
	{ "bill_state", "reconciliation", A_BILL,
		"UPDATE reconciliation SET state = 'ties' WHERE id = @s",
		"bill_state_is_of_its_differences", BILL },
	{ "bill_unresolved", "reconciliation", A_BILL,
		"UPDATE reconciliation SET unresolved = 1 WHERE id = @s",
		"bill_state_is_of_its_differences", BILL },
	{ "bill_fee_booked", "reconciliation", A_BILL,
		"UPDATE reconciliation SET fee_booked_nano = 0 WHERE id = @s",
		"fee_is_booked_as_billed", BILL },
	{ "fee_entry_gone", "entry posting",
		"e.id, r.id INTO @e, @s FROM entry e JOIN reconciliation r ON e.reference ="
		" CONCAT('reconciliation:', r.id) AND e.kind = 'channel_fee' LIMIT 1",
		"DELETE FROM posting WHERE entry_id = @e;DELETE FROM entry WHERE id = @e",
		"fee_is_booked_as_billed", BILL },
	{ "fee_entry_of_another_day", "entry", AN_ENTRY("channel_fee"),
		"UPDATE entry SET once_key = 'fee:alipay:2001-01-01' WHERE id = @e",
		"fee_entry_has_its_bill", ENTRY },
	{ "difference_gone", "bill_difference",
		"id, resolution_id INTO @s, @e FROM bill_difference WHERE kind = 'amount'",
		"DELETE FROM bill_difference WHERE id = @s", "bill_entry_has_its_difference",
		ENTRY },
	{ "difference_open_again", "bill_difference", A_DIFFERENCE("credit"),
		"UPDATE bill_difference SET state = 'open' WHERE id = @s",
		"resolved_difference_has_its_entry", DIFFERENCE },
	{ "difference_amount", "bill_difference", A_DIFFERENCE("suspense"),
		"UPDATE bill_difference SET bill_fen = bill_fen + 1 WHERE id = @s",
		"difference_is_of_its_bill", DIFFERENCE },
	{ "difference_action", "bill_difference", A_DIFFERENCE("suspense"),
		"UPDATE bill_difference SET action = 'accept' WHERE id = @s",
		"resolved_difference_has_its_entry", DIFFERENCE },
	{ "difference_actor", "bill_difference", A_DIFFERENCE("suspense"),
		"UPDATE bill_difference SET actor = 'user:21' WHERE id = @s",
		"resolution_is_in_the_audit", DIFFERENCE },
	{ "difference_entry", "bill_difference", A_DIFFERENCE("charge"),
		"UPDATE bill_difference SET resolution_id = (SELECT MIN(id) FROM entry) WHERE id = "
		"@s",
		"resolved_difference_has_its_entry", DIFFERENCE },
	{ "difference_not_approved", "approval", A_DIFFERENCE("reverse"),
		"DELETE FROM approval WHERE object = CONCAT('difference:', @s)",
		"difference_of_two_was_approved", DIFFERENCE },
	{ "bill_reversal_gone", "reversal", A_DIFFERENCE("reverse"),
		"DELETE FROM reversal WHERE reversal_id = @e", "resolved_difference_has_its_entry",
		DIFFERENCE },
	{ "bill_adjust_amount", "posting", AN_ENTRY("bill_adjust"),
		"UPDATE posting SET amount_nano = amount_nano * 2 WHERE entry_id = @e",
		"resolved_difference_has_its_entry",
		"CONCAT('bill_difference:', (SELECT id FROM bill_difference WHERE resolution_id = "
		"@e))" },
	{ "bill_found_unlisted", "pay_unmatched",
		"d.id, d.resolution_id INTO @s, @e FROM bill_difference d WHERE d.kind = 'second'",
		"DELETE FROM pay_unmatched WHERE suspense_entry_id = @e",
		"resolved_difference_has_its_entry", DIFFERENCE },
	{ "payout_amount", "service_payout", A_PAYOUT,
		"UPDATE service_payout SET amount_fen = amount_fen + 1 WHERE id = @s",
		"payout_has_its_entry", PAYOUT },
	{ "payout_gone", "service_payout", A_PAYOUT, "DELETE FROM service_payout WHERE id = @s",
		"payout_entry_has_its_payout", ENTRY },
	{ "payout_posting", "posting", A_PAYOUT,
		"UPDATE posting SET amount_nano = amount_nano * 2 WHERE entry_id = @e",
		"payout_has_its_entry", PAYOUT },
};

const struct damages damages_of_bills = { list, ARRAY_LEN(list) };
