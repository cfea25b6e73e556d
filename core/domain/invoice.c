#include "domain/invoice.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/log.h"
#include "domain/account.h"
#include "domain/audit.h"
#include "domain/invoice_inside.h"
#include "domain/scope.h"
#include "rules/taxno.h"

#define F(member) FIELD(struct invoice, member)
SHAPE(invoice_shape, struct invoice, F(id), F(site_id), F(account_id), F(purpose), F(tenant_id),
	F(tenant_code), F(tenant_name), F(room), F(kind), F(title), F(tax_no), F(email), F(note),
	F(state), F(amount_fen), F(left_fen), F(changed), F(count), F(asked_at), F(number), F(date),
	F(url), F(reason), F(red_number), F(decided_at), F(decided_by), F(voided_at), F(voided_by));
#undef F
#define F(member) FIELD(struct invoice_order, member)
SHAPE(order_shape, struct invoice_order, F(id), F(out_trade_no), F(paid_fen), F(refunded_fen),
	F(amount_fen), F(paid_at));
#undef F

#define LEFT                                                                                       \
	"(SELECT CAST(COALESCE(SUM(o.amount_fen - " ORDER_REFUNDED "), 0) AS SIGNED)"              \
	" FROM invoice_order l JOIN pay_order o ON o.id = l.order_id WHERE "                       \
	"l.invoice_id = i.id)"
#define CHANGED "(i.state IN ('asked', 'issued') AND i.amount_fen <> " LEFT ")"
#define INVOICES                                                                                   \
	"SELECT i.id, t.site_id, i.account_id, a.purpose, t.id AS tenant_id, t.code AS"            \
	" tenant_code, t.name AS tenant_name, t.room, i.kind, i.title, i.tax_no, i.email, i.note," \
	" i.state, i.amount_fen, " LEFT " AS left_fen, " CHANGED " AS changed, (SELECT COUNT(*)"   \
	" FROM invoice_order n WHERE n.invoice_id = i.id) AS count, i.asked_at,"                   \
	" COALESCE(i.number, '') AS number, COALESCE(i.date, '') AS date, i.url, i.reason,"        \
	" COALESCE(i.red_number, '') AS red_number, i.decided_at, i.decided_by, i.voided_at,"      \
	" i.voided_by FROM invoice i JOIN account a ON a.id = i.account_id JOIN contract c ON"     \
	" c.id = a.contract_id JOIN tenant t ON t.id = c.tenant_id "
#define OWN INVOICES "JOIN user_tenant ut ON ut.tenant_id = t.id WHERE ut.user_id = ?"
#define SEEN INVOICES "WHERE ? IN (0, t.site_id, " SEEN_ACCOUNT("i.account_id") ")"

#define STATES "asked issued refused withdrawn voided"
static const struct query Q_OWN = { OWN " AND i.id = ?", &invoice_shape };
static const struct query Q_GET = { SEEN " AND i.id = ?", &invoice_shape };
static const struct query Q_BY_KEY = { INVOICES "WHERE i.once_key = ?", &invoice_shape };
static const struct query Q_ORDERS = {
	"SELECT o.id, o.out_trade_no, o.amount_fen AS paid_fen, " ORDER_REFUNDED
	" AS refunded_fen, l.amount_fen, o.paid_at FROM invoice_order l"
	" JOIN pay_order o ON o.id = l.order_id WHERE l.invoice_id = ? ORDER BY"
	" o.id",
	&order_shape
};

const struct listing my_invoice_listing = {
	.all = { OWN, &invoice_shape },
	.sorts = { { "id", "i.id" }, { "asked_at", "i.asked_at" } },
	.order = "-id",
	.filters = { { "state", FILTER_WORD, "i.state = ?", STATES },
		{ "account_id", FILTER_ID, "i.account_id = ?" } },
};
const struct listing invoice_listing = {
	.all = { SEEN, &invoice_shape },
	.sorts = { { "id", "i.id" }, { "asked_at", "i.asked_at" },
		{ "amount_fen", "i.amount_fen" } },
	.order = "-id",
	.filters = { { "state", FILTER_WORD, "i.state = ?", STATES },
		{ "changed", FILTER_FLAG, CHANGED " = ?" },
		{ "kind", FILTER_WORD, "i.kind = ?", "personal company" },
		{ "number", FILTER_TEXT, "i.number = ? OR i.red_number = ?" },
		{ "q", FILTER_TEXT,
			"LOCATE(?, t.room) OR LOCATE(?, t.name) OR LOCATE(?, i.title) OR"
			" LOCATE(?, i.tax_no) OR LOCATE(?, COALESCE(i.number, ''))" },
		{ "account_id", FILTER_ID, "i.account_id = ?" },
		{ "tenant_id", FILTER_ID, "t.id = ?" }, { "site_id", FILTER_ID, "t.site_id = ?" },
		{ "from", FILTER_FROM, "i.asked_at >= ?" }, { "to", FILTER_TO, "i.asked_at < ?" } },
};

enum err invoice_get_own(struct db *db, int64_t user_id, int64_t id, struct invoice *out)
{
	return db_one(db, &Q_OWN, ARGS(arg_i64(user_id), arg_i64(id)), out);
}

enum err invoice_get(struct db *db, int64_t site_id, int64_t id, struct invoice *out)
{
	return db_one(db, &Q_GET, ARGS(arg_i64(site_id), arg_i64(id)), out);
}

enum err invoice_orders(struct db *db, int64_t id, struct rows *out)
{
	return db_list(db, &Q_ORDERS, ARGS(arg_i64(id)), out);
}

#define F(member) FIELD(struct invoice_title, member)
SHAPE(title_shape, struct invoice_title, F(kind), F(title), F(tax_no), F(email));
#undef F
static const struct query Q_TITLE = {
	"SELECT kind, title, tax_no, email FROM invoice WHERE user_id = ? ORDER BY id DESC LIMIT 1",
	&title_shape
};

enum err invoice_title_last(struct db *db, int64_t user_id, struct invoice_title *out)
{
	return db_one(db, &Q_TITLE, ARGS(arg_i64(user_id)), out);
}

enum err invoice_audit(struct db *db, const struct invoice_act *a, const char *action,
	const struct invoice *i, json_t *detail)
{
	json_object_set_new(detail, "account", json_integer(i->account_id));
	json_object_set_new(detail, "amount_fen", json_integer(i->amount_fen));
	return audit_add(db,
		&(struct audit){ a->actor, a->address, action, "invoice", i->id, NULL }, detail,
		a->now);
}

/* ---- how it begins ---- */

struct own_order {
	int64_t id, account_id;
	char state[33];
	bool credited;
	int64_t left_fen;
};
#define F(member) FIELD(struct own_order, member)
SHAPE(own_shape, struct own_order, F(id), F(account_id), F(state), F(credited), F(left_fen));
#undef F
static const struct query Q_OWN_ORDER = {
	"SELECT o.id, o.account_id, o.state, o.credited_at > 0 AS credited, o.amount_fen -"
	" " ORDER_REFUNDED " AS left_fen FROM user_tenant ut JOIN contract c ON"
	" c.tenant_id = ut.tenant_id JOIN account a ON a.contract_id"
	" = c.id JOIN pay_order o ON o.account_id = a.id"
	" WHERE ut.user_id = ? AND o.id = ?",
	&own_shape
};
static const struct query Q_ADD = {
	"INSERT INTO invoice (account_id, user_id, kind, title, tax_no, email, note, amount_fen,"
	" asked_at, once_key) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
	NULL
};
static const struct query Q_ADD_ORDER = {
	"INSERT INTO invoice_order (invoice_id, order_id, amount_fen, live_order)"
	" VALUES (?, ?, ?, ?)",
	NULL
};

struct asking {
	const struct invoice_new *n;
	struct utc now;
	struct problem *why;
	int64_t account_id, amount_fen;
	int64_t parts[INVOICE_ORDERS_MAX];
	struct invoice out;
};

static const char *order_field(size_t i, char buf[static 32])
{
	snprintf(buf, 32, "order_ids[%zu]", i);
	return buf;
}

/* Something that shows, and not only blanks. */
static bool is_blank(const char *s)
{
	while (*s == ' ' || *s == '\t' || *s == '\n')
		s++;
	return *s == '\0';
}

static enum err words_check(const struct invoice_new *n, struct problem *why)
{
	if (is_blank(n->title))
		return problem_set(why, ERR_BAD_VALUE, "title", "a name is expected");
	if (str_eq(n->kind, "personal") && n->tax_no[0])
		return problem_set(
			why, ERR_BAD_VALUE, "tax_no", "an invoice to a person has no tax number");
	if (str_eq(n->kind, "company") && !n->tax_no[0])
		return problem_set(
			why, ERR_MISSING_FIELD, "tax_no", "a company's tax number is required");
	return n->tax_no[0] ? tax_no_check(n->tax_no, "tax_no", why) : ERR_OK;
}

static enum err numbers_check(const struct invoice_new *n, struct problem *why)
{
	char field[32];

	if (n->orders_n < 1 || n->orders_n > INVOICE_ORDERS_MAX)
		return problem_set(why, ERR_OUT_OF_RANGE, "order_ids", "1 to %d recharges",
			INVOICE_ORDERS_MAX);
	for (size_t i = 1; i < n->orders_n; i++)
		for (size_t k = 0; k < i; k++)
			if (n->orders[i] == n->orders[k])
				return problem_set(why, ERR_BAD_VALUE, order_field(i, field),
					"this recharge is named twice");
	return ERR_OK;
}

static enum err order_check(struct asking *g, const struct own_order *o, const char *field)
{
	if (!str_eq(o->state, "paid") || !o->credited)
		return problem_set(g->why, ERR_CONFLICT, field, "this recharge was not paid");
	if (g->account_id && o->account_id != g->account_id)
		return problem_set(g->why, ERR_BAD_VALUE, field,
			"one request is for recharges of one account");
	if (o->left_fen < 1)
		return problem_set(g->why, ERR_CONFLICT, field, "all of it was refunded");
	return ERR_OK;
}

/* Reads all orders; once more when their account is locked, since refunds lock it, too. */
static enum err orders_read(struct db *db, struct asking *g)
{
	enum err e = ERR_OK;

	g->amount_fen = 0;
	for (size_t i = 0; e == ERR_OK && i < g->n->orders_n; i++) {
		struct own_order o;
		char field[32];

		e = db_one(db, &Q_OWN_ORDER, ARGS(arg_i64(g->n->user_id), arg_i64(g->n->orders[i])),
			&o);
		if (e == ERR_NOT_FOUND)
			return problem_set(g->why, e, order_field(i, field),
				"there is no such recharge of yours");
		if (e == ERR_OK)
			e = order_check(g, &o, order_field(i, field));
		if (e != ERR_OK)
			return e;
		g->account_id = o.account_id;
		g->parts[i] = o.left_fen;
		g->amount_fen += o.left_fen;
	}
	return e;
}

static enum err asked_before(struct db *db, struct asking *g)
{
	const struct invoice_new *n = g->n;
	enum err e = db_one(db, &Q_BY_KEY, ARGS(arg_text(n->once_key)), &g->out);

	if (e == ERR_OK &&
		(!str_eq(g->out.kind, n->kind) || !str_eq(g->out.title, n->title) ||
			!str_eq(g->out.tax_no, n->tax_no) || !str_eq(g->out.email, n->email) ||
			!str_eq(g->out.note, n->note) || g->out.count != (int64_t)n->orders_n))
		return problem_set(g->why, ERR_IDEMPOTENCY, "Idempotency-Key",
			"this key was used for another request");
	return e;
}

static enum err rows_write(struct db *db, struct asking *g)
{
	const struct invoice_new *n = g->n;
	char field[32];
	int64_t id;
	enum err e = db_exec(db, &Q_ADD,
		ARGS(arg_i64(g->account_id), arg_i64(n->user_id), arg_text(n->kind),
			arg_text(n->title), arg_text(n->tax_no), arg_text(n->email),
			arg_text(n->note), arg_i64(g->amount_fen), arg_utc(g->now),
			arg_text(n->once_key)),
		NULL);

	if (e != ERR_OK)
		return e == ERR_ALREADY ? ERR_RETRY : e; /* another with this key was faster */
	id = db_insert_id(db);
	for (size_t i = 0; e == ERR_OK && i < n->orders_n; i++) {
		e = db_exec(db, &Q_ADD_ORDER,
			ARGS(arg_i64(id), arg_i64(n->orders[i]), arg_i64(g->parts[i]),
				arg_i64(n->orders[i])),
			NULL);
		if (e == ERR_ALREADY)
			return problem_set(g->why, e, order_field(i, field),
				"an invoice was asked for already");
	}
	return e == ERR_OK ? invoice_get(db, 0, id, &g->out) : e;
}

static enum err ask_tx(struct db *db, void *ctx)
{
	struct asking *g = ctx;
	struct invoice_act a = { .actor = g->n->actor, .address = g->n->address, .now = g->now };
	struct account account;
	enum err e = asked_before(db, g);

	if (e != ERR_NOT_FOUND)
		return e;
	g->account_id = 0;
	e = orders_read(db, g);
	if (e == ERR_OK)
		e = account_lock(db, g->account_id, &account);
	if (e == ERR_OK)
		e = orders_read(db, g);
	if (e == ERR_OK)
		e = rows_write(db, g);
	return e == ERR_OK ? invoice_audit(db, &a, "invoice.ask", &g->out,
				     json_pack("{s:I}", "orders", (json_int_t)g->out.count))
			   : e;
}

enum err invoice_ask(struct db *db, const struct invoice_new *n, struct utc now,
	struct invoice *out, struct problem *why)
{
	struct asking g = { .n = n, .now = now, .why = why };
	enum err e = words_check(n, why);

	if (e == ERR_OK)
		e = numbers_check(n, why);
	if (e == ERR_OK)
		e = db_tx(db, ask_tx, &g);
	if (e != ERR_OK)
		return e;
	*out = g.out;
	log_info("invoice=%" PRId64 " account=%" PRId64 " amount_fen=%" PRId64 " state=%s", out->id,
		out->account_id, out->amount_fen, out->state);
	return ERR_OK;
}
