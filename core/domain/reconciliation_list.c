/* Reading bills and differences, and what can be done about each kind. */
#include "domain/reconciliation_inside.h"

/* clang-format off */
const struct difference_action difference_actions[] = {
	{ "credit", "missing_here second", false,
		"The order is credited as if its notify had come; a second payment goes to suspense." },
	{ "suspense", "missing_here second missing_there amount twice refund_missing_here refund_missing_there"
		" refund_amount refund_state", false,
		"What clearing holds becomes what the bill says; the difference lies in suspense until a person knows whose it is." },
	{ "reverse", "missing_there", true, "What was credited and never paid is taken back from the purse." },
	{ "charge", "refund_missing_here refund_state", true,
		"What the payer was given back at the service is taken off the purse of the order." },
	{ "wait", "missing_there refund_missing_there", false, "The next bill may have it." },
	{ "accept", "fee reference twice", false, "It is as the bill says, or the service's mistake on paper; no entry." },
};
/* clang-format on */
const size_t difference_actions_n = ARRAY_LEN(difference_actions);

bool difference_takes(const char *kind, const struct difference_action *a)
{
	const char *words = a->kinds;
	char word[32];

	while (str_word(&words, word, sizeof(word)))
		if (str_eq(word, kind))
			return true;
	return false;
}

#define F(member) FIELD(struct difference, member)
SHAPE(difference_shape, struct difference, F(id), F(reconciliation_id), F(service), F(day), F(kind),
	F(out_trade_no), F(transaction_id), F(out_refund_no), F(order_id), F(entry_id),
	F(refund_id), F(bill_fen), F(book_fen), F(fee), F(state), F(found_at), F(action), F(reason),
	F(actor), F(resolved_at), F(resolution_id));
#undef F
#define DIFFERENCES                                                                                \
	"SELECT d.id, d.reconciliation_id, r.service, CAST(r.day AS CHAR) AS day, d.kind,"         \
	" d.out_trade_no, d.transaction_id, d.out_refund_no, COALESCE(d.order_id, 0) AS order_id," \
	" COALESCE(d.entry_id, 0) AS entry_id, COALESCE(d.refund_id, 0) AS refund_id, d.bill_fen," \
	" d.book_fen, d.fee_nano AS fee, d.state, d.found_at, d.action, d.reason, d.actor,"        \
	" d.resolved_at, COALESCE(d.resolution_id, 0) AS resolution_id FROM bill_difference d "    \
	"JOIN"                                                                                     \
	" reconciliation r ON r.id = d.reconciliation_id WHERE "
static const struct query Q_GET = { DIFFERENCES "d.id = ?", &difference_shape };
static const struct query Q_LIST = { DIFFERENCES "d.reconciliation_id = ? ORDER BY d.id LIMIT 1000",
	&difference_shape };
#define R(member) FIELD(struct bill_row, member)
SHAPE(bill_row_shape, struct bill_row, R(id), R(revision), R(line), R(refund), R(out_trade_no),
	R(transaction_id), R(out_refund_no), R(service_refund_id), R(state), R(amount_fen), R(fee),
	R(at));
#undef R
static const struct query Q_ROWS = {
	"SELECT b.id, b.revision, b.line, b.refund, b.out_trade_no, b.transaction_id,"
	" b.out_refund_no, b.service_refund_id, b.state, b.amount_fen, b.fee_nano AS fee, b.at FROM"
	" bill_row b JOIN reconciliation r ON r.id = b.reconciliation_id AND r.revision = "
	"b.revision"
	" WHERE r.id = ? AND b.line > ? ORDER BY b.line LIMIT ?",
	&bill_row_shape
};

enum err bill_rows(
	struct db *db, int64_t reconciliation_id, int64_t after, int64_t max, struct rows *out)
{
	return db_list(
		db, &Q_ROWS, ARGS(arg_i64(reconciliation_id), arg_i64(after), arg_i64(max)), out);
}

enum err difference_get(struct db *db, int64_t id, struct difference *out)
{
	return db_one(db, &Q_GET, ARGS(arg_i64(id)), out);
}

enum err difference_list(struct db *db, int64_t reconciliation_id, struct rows *out)
{
	return db_list(db, &Q_LIST, ARGS(arg_i64(reconciliation_id)), out);
}
