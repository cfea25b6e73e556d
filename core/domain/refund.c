#include "domain/refund.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/log.h"
#include "base/rand.h"
#include "domain/account.h"
#include "domain/audit.h"
#include "domain/event.h"
#include "domain/order.h"
#include "domain/setting.h"
#include "domain/shift.h"

#define F(member) FIELD(struct refund, member)
SHAPE(refund_shape, struct refund, F(id), F(site_id), F(account_id), F(order_id), F(method),
	F(service), F(amount_fen), F(reason), F(state), F(out_refund_no), F(actor), F(created_at),
	F(entry_id), F(settled_entry_id), F(settled_at), F(settled_by), F(note));
#undef F

#define REFUNDS                                                                                    \
	"SELECT f.id, t.site_id, f.account_id, COALESCE(f.order_id, 0) AS order_id, f.method,"     \
	" COALESCE(o.service, '') AS service, f.amount_fen, f.reason, f.state, f.out_refund_no,"   \
	" f.actor, f.created_at, f.entry_id, COALESCE(f.settled_entry_id, 0) AS settled_entry_id," \
	" f.settled_at, f.settled_by, f.note FROM refund f JOIN account a ON a.id = f.account_id"  \
	" JOIN contract c ON c.id = a.contract_id JOIN tenant t ON t.id = c.tenant_id"             \
	" LEFT JOIN pay_order o ON o.id = f.order_id WHERE "

static const struct query Q_GET = { REFUNDS "? IN (0, t.site_id) AND f.id = ?", &refund_shape };
static const struct query Q_BY_KEY = { REFUNDS "f.once_key = ?", &refund_shape };
static const struct query Q_LIST = { REFUNDS
	"? IN (0, t.site_id) AND ? IN (0, f.account_id) AND ? IN ('', f.state)"
	" ORDER BY f.id DESC LIMIT 200",
	&refund_shape };
static const struct query Q_ADD = {
	"INSERT INTO refund (account_id, order_id, method, amount_fen, reason, state,"
	" out_refund_no, once_key, actor, created_at, entry_id)"
	" VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
	NULL
};
static const struct query Q_LOCK = { "SELECT id FROM refund WHERE id = ? FOR UPDATE", &id_shape };
static const struct query Q_SETTLED = {
	"UPDATE refund SET state = ?, settled_entry_id = ?, settled_at = ?, settled_by = ?,"
	" note = ? WHERE id = ?",
	NULL
};
static const struct query Q_REVERSAL_ADD = {
	"INSERT INTO reversal (entry_id, reversal_id, once_key, reason) VALUES (?, ?, ?, ?)", NULL
};

struct fen_row {
	int64_t fen;
};
SHAPE(fen_shape, struct fen_row, FIELD(struct fen_row, fen));
static const struct query Q_OF_ORDER = {
	"SELECT CAST(COALESCE(SUM(amount_fen), 0) AS SIGNED) AS fen FROM refund"
	" WHERE order_id = ? AND state <> 'failed'",
	&fen_shape
};

int64_t refundable_fen(const struct account *a)
{
	struct money own;

	if (money_sub(a->balance, a->subsidy, &own) != ERR_OK || own.nano < 0)
		return 0;
	return own.nano / NANO_PER_FEN;
}

enum err refund_get(struct db *db, int64_t site_id, int64_t id, struct refund *out)
{
	return db_one(db, &Q_GET, ARGS(arg_i64(site_id), arg_i64(id)), out);
}

enum err refund_list(
	struct db *db, int64_t site_id, int64_t account_id, const char *state, struct rows *out)
{
	return db_list(
		db, &Q_LIST, ARGS(arg_i64(site_id), arg_i64(account_id), arg_text(state)), out);
}

static enum err audit(struct db *db, const char *actor, const char *address, const char *action,
	const struct refund *f, struct utc now)
{
	return audit_add(db, &(struct audit){ actor, address, action, "refund", f->id, NULL },
		json_pack("{s:I, s:I}", "account", (json_int_t)f->account_id, "amount_fen",
			(json_int_t)f->amount_fen),
		now);
}

/* ---- how it ends ---- */

struct settling {
	const struct refund_settling *s;
	struct refund f;
	struct utc now;
	struct problem *why;
	int64_t drawer_id; /* of cash */
};

/* Where the money leaves: the drawer, the bank, or what the service holds for us. */
static enum err way_out(struct db *db, const struct settling *g, int64_t *id)
{
	char clearing[80];

	if (str_eq(g->f.method, "cash")) {
		*id = g->drawer_id;
		return ERR_OK;
	}
	snprintf(clearing, sizeof(clearing), "clearing:%s", g->f.service);
	return account_company(db, g->f.order_id ? clearing : "bank", id);
}

/* refund_due to where it leaves; or, failed, back to the purse. */
static enum err settle_postings(struct db *db, const struct settling *g, struct posting p[static 2])
{
	struct money amount = { 0 };
	enum err e = account_company(db, "refund_due", &p[0].account_id);

	if (e == ERR_OK && g->s->done)
		e = way_out(db, g, &p[1].account_id);
	if (e == ERR_OK)
		e = money_from_fen(g->f.amount_fen, &amount);
	if (e != ERR_OK)
		return e;
	p[0].amount.nano = -amount.nano;
	p[1].amount = amount;
	if (!g->s->done) {
		p[1].account_id = g->f.account_id;
		p[1].purse = true;
	}
	return ERR_OK;
}

static enum err settle_post(
	struct db *db, const struct settling *g, const struct account *a, int64_t *entry_id)
{
	bool done = g->s->done;
	struct posting p[2] = { 0 };
	char once[48], reference[48];
	struct day day;
	enum err e = settle_postings(db, g, p);

	if (e == ERR_OK)
		e = account_book_day(a, g->now, &day);
	if (e != ERR_OK)
		return e;
	snprintf(once, sizeof(once), done ? "refund_paid:%" PRId64 : "reversal:%" PRId64,
		done ? g->f.id : g->f.entry_id);
	snprintf(reference, sizeof(reference), done ? "refund:%" PRId64 : "entry:%" PRId64,
		done ? g->f.id : g->f.entry_id);
	return entry_post(db,
		&(struct entry){ .kind = done ? "refund_paid" : "reversal",
			.once_key = once,
			.reference = reference,
			.actor = g->s->actor,
			.memo = g->s->note,
			.site_id = a->site_id,
			.book_day = day,
			.at = g->now,
			.undoes = done ? NULL : "refund" },
		p, 2, entry_id);
}

static enum err settle_write(struct db *db, const struct settling *g, int64_t entry_id)
{
	char once[32];
	enum err e = db_exec(db, &Q_SETTLED,
		ARGS(arg_text(g->s->done ? "done" : "failed"), arg_i64(entry_id), arg_utc(g->now),
			arg_text(g->s->actor), arg_text(g->s->note), arg_i64(g->f.id)),
		NULL);

	if (e != ERR_OK || g->s->done)
		return e;
	snprintf(once, sizeof(once), "refund:%" PRId64, g->f.id);
	e = db_exec(db, &Q_REVERSAL_ADD,
		ARGS(arg_i64(g->f.entry_id), arg_i64(entry_id), arg_text(once),
			arg_text(g->s->note)),
		NULL);
	return e == ERR_OK ? account_changed(db, g->f.account_id, g->now) : e;
}

static json_t *settled_event(const struct refund *f)
{
	return json_pack("{s:I, s:I, s:o, s:I, s:s, s:s}", "refund_id", (json_int_t)f->id,
		"account_id", (json_int_t)f->account_id, "order_id",
		f->order_id ? json_integer(f->order_id) : json_null(), "amount_fen",
		(json_int_t)f->amount_fen, "method", f->method, "out_refund_no", f->out_refund_no);
}

/* The account is locked, and then the row of an open refund. */
static enum err settle(struct db *db, const struct settling *g, const struct account *a)
{
	int64_t entry_id = 0;
	enum err e = settle_post(db, g, a, &entry_id);

	if (e == ERR_OK)
		e = settle_write(db, g, entry_id);
	if (e == ERR_OK)
		e = event_add(db, g->s->done ? "refund.done" : "refund.failed", a->site_id,
			settled_event(&g->f), g->now);
	return e == ERR_OK ? audit(db, g->s->actor, g->s->address,
				     g->s->done ? "refund.done" : "refund.failed", &g->f, g->now)
			   : e;
}

static enum err settle_tx(struct db *db, void *ctx)
{
	struct settling *g = ctx;
	const char *wanted = g->s->done ? "done" : "failed";
	struct id_row locked;
	struct account a;
	enum err e = refund_get(db, g->s->site_id, g->s->id, &g->f);

	if (e == ERR_OK)
		e = account_lock(db, g->f.account_id, &a);
	if (e == ERR_OK)
		e = db_one(db, &Q_LOCK, ARGS(arg_i64(g->s->id)), &locked);
	if (e == ERR_OK)
		e = refund_get(db, g->s->site_id, g->s->id, &g->f);
	if (e != ERR_OK || str_eq(g->f.state, wanted))
		return e;
	if (str_eq(g->f.state, "done") || str_eq(g->f.state, "failed"))
		return problem_set(g->why, ERR_CONFLICT, "id", "it is %s already", g->f.state);
	e = settle(db, g, &a);
	return e == ERR_OK ? refund_get(db, g->s->site_id, g->s->id, &g->f) : e;
}

enum err refund_settle(struct db *db, const struct refund_settling *s, struct utc now,
	struct refund *out, struct problem *why)
{
	struct settling g = { .s = s, .now = now, .why = why };
	enum err e = db_tx(db, settle_tx, &g);

	if (e == ERR_OK)
		*out = g.f;
	return e;
}

/* ---- how it begins ---- */

struct refunding {
	const struct refund_new *n;
	bool approved;
	struct utc now;
	struct problem *why;
	char out_refund_no[33];
	struct account account;
	struct order order; /* id 0: none */
	int64_t drawer_id;
	struct refund out;
	int64_t approval_id;
};

/* ERR_NOT_FOUND: the key was not used yet. */
static enum err refunded_before(struct db *db, struct refunding *r)
{
	const struct refund_new *n = r->n;
	struct refund f;
	enum err e = db_one(db, &Q_BY_KEY, ARGS(arg_text(n->once_key)), &f);

	if (e != ERR_OK)
		return e;
	if (f.account_id != r->account.id || f.order_id != n->order_id ||
		f.amount_fen != n->amount_fen || !str_eq(f.method, n->method) ||
		!str_eq(f.reason, n->reason))
		return problem_set(r->why, ERR_IDEMPOTENCY, "Idempotency-Key",
			"this key was used for another request");
	r->out = f;
	return ERR_OK;
}

/* Whose money it is; of another site it is not there. */
static enum err find(struct db *db, struct refunding *r)
{
	int64_t account = r->n->account_id;
	enum err e = ERR_OK;

	r->order.id = 0;
	if (r->n->order_id) {
		e = order_get(db, r->n->order_id, &r->order);
		account = r->order.account_id;
	}
	if (e == ERR_OK)
		e = account_get(db, account, &r->account);
	if (e == ERR_OK && r->n->site_id && r->account.site_id != r->n->site_id)
		e = ERR_NOT_FOUND;
	return e;
}

static enum err lock(struct db *db, struct refunding *r)
{
	struct shift shift;
	enum err e = ERR_OK;

	if (str_eq(r->n->method, "cash")) {
		e = shift_lock(db, r->n->user_id, &shift);
		if (e == ERR_SHIFT_CLOSED)
			return problem_set(r->why, e, "method",
				"cash comes from an open drawer: open a shift first");
		if (e == ERR_OK)
			e = shift_drawer(db, shift.id, &r->drawer_id);
	}
	return e == ERR_OK ? account_lock(db, r->account.id, &r->account) : e;
}

static enum err amount_check(struct db *db, const struct refunding *r)
{
	int64_t most = refundable_fen(&r->account);
	struct fen_row before;
	enum err e;

	if (r->n->amount_fen < 1)
		return problem_set(r->why, ERR_AMOUNT_SMALL, "amount_fen", "at least 1 fen");
	if (r->n->amount_fen > most)
		return problem_set(r->why, ERR_AMOUNT_LARGE, "amount_fen",
			"%" PRId64 " fen can be refunded of this account", most);
	if (!r->order.id)
		return ERR_OK;
	if (!str_eq(r->order.state, "paid"))
		return problem_set(r->why, ERR_CONFLICT, "id", "this order was not paid");
	e = db_one(db, &Q_OF_ORDER, ARGS(arg_i64(r->order.id)), &before);
	if (e == ERR_OK && r->n->amount_fen > r->order.amount_fen - before.fen)
		return problem_set(r->why, ERR_AMOUNT_LARGE, "amount_fen",
			"%" PRId64 " fen of this order are left to refund",
			r->order.amount_fen - before.fen);
	return e;
}

static enum err needs_second(struct db *db, const struct refunding *r, bool *out)
{
	int64_t limit = 0;
	enum err e = setting_get(db, r->account.site_id, SETTING_REFUND_LIMIT_FEN, &limit);

	if (e == ERR_OK)
		*out = !r->approved && r->n->amount_fen > limit;
	return e;
}

static enum err ask(struct db *db, struct refunding *r)
{
	AUTO(json_free)
	json_t *params = json_pack("{s:I, s:I, s:I, s:s, s:s}", "account_id",
		(json_int_t)r->account.id, "order_id", (json_int_t)r->n->order_id, "amount_fen",
		(json_int_t)r->n->amount_fen, "method", r->n->method, "reason", r->n->reason);
	char object[32];

	snprintf(object, sizeof(object), "account:%" PRId64, r->account.id);
	return approval_ask(db,
		&(struct approval_new){ .kind = "refund",
			.site_id = r->account.site_id,
			.object = object,
			.params = params,
			.reason = r->n->reason,
			.user_id = r->n->user_id,
			.once_key = r->n->once_key },
		r->now, &r->approval_id, r->why);
}

/* purse to refund_due */
static enum err refund_post(struct db *db, const struct refunding *r, int64_t *entry_id)
{
	struct posting p[2] = { { .account_id = r->account.id, .purse = true } };
	char reference[64];
	struct day day;
	enum err e = money_from_fen(-r->n->amount_fen, &p[0].amount);

	if (e == ERR_OK)
		e = money_from_fen(r->n->amount_fen, &p[1].amount);
	if (e == ERR_OK)
		e = account_company(db, "refund_due", &p[1].account_id);
	if (e == ERR_OK)
		e = account_book_day(&r->account, r->now, &day);
	if (e != ERR_OK)
		return e;
	if (r->order.id)
		snprintf(reference, sizeof(reference), "order:%" PRId64, r->order.id);
	else
		snprintf(reference, sizeof(reference), "refund:%s", r->out_refund_no);
	return entry_post(db,
		&(struct entry){ .kind = "refund",
			.once_key = r->n->once_key,
			.reference = reference,
			.actor = r->n->actor,
			.memo = r->n->reason,
			.site_id = r->account.site_id,
			.book_day = day,
			.at = r->now },
		p, 2, entry_id);
}

static enum err row_write(struct db *db, struct refunding *r, int64_t entry_id)
{
	const struct refund_new *n = r->n;
	enum err e = db_exec(db, &Q_ADD,
		ARGS(arg_i64(r->account.id), arg_id(n->order_id), arg_text(n->method),
			arg_i64(n->amount_fen), arg_text(n->reason),
			arg_text(n->order_id ? "requested" : "person"), arg_text(r->out_refund_no),
			arg_text(n->once_key), arg_text(n->actor), arg_utc(r->now),
			arg_i64(entry_id)),
		NULL);

	if (e == ERR_OK)
		e = refund_get(db, 0, db_insert_id(db), &r->out);
	return e == ERR_OK ? audit(db, n->actor, n->address, "refund.create", &r->out, r->now) : e;
}

/* Cash is handed over at once. */
static enum err hand_over(struct db *db, struct refunding *r)
{
	struct refund_settling s = { .id = r->out.id,
		.done = true,
		.note = "",
		.actor = r->n->actor,
		.address = r->n->address };
	struct settling g = {
		.s = &s, .f = r->out, .now = r->now, .why = r->why, .drawer_id = r->drawer_id
	};
	enum err e = settle(db, &g, &r->account);

	return e == ERR_OK ? refund_get(db, 0, r->out.id, &r->out) : e;
}

static enum err post(struct db *db, struct refunding *r)
{
	int64_t entry_id = 0;
	enum err e = refund_post(db, r, &entry_id);

	if (e == ERR_ALREADY) /* another request with this key was faster */
		return refunded_before(db, r);
	if (e == ERR_OK)
		e = row_write(db, r, entry_id);
	if (e == ERR_OK && str_eq(r->n->method, "cash"))
		e = hand_over(db, r);
	return e == ERR_OK ? account_changed(db, r->account.id, r->now) : e;
}

static enum err refund_tx(struct db *db, void *ctx)
{
	struct refunding *r = ctx;
	bool second = false;
	enum err e = find(db, r);

	r->approval_id = 0;
	if (e != ERR_OK)
		return e;
	e = refunded_before(db, r);
	if (e != ERR_NOT_FOUND)
		return e;
	e = lock(db, r);
	if (e == ERR_OK)
		e = amount_check(db, r);
	if (e == ERR_OK)
		e = needs_second(db, r, &second);
	if (e != ERR_OK)
		return e;
	return second ? ask(db, r) : post(db, r);
}

/* "YFR" + time + random: our number at the service. */
static void refund_no_make(struct utc now, char out[static 33])
{
	char random[13];

	rand_hex(random, 6);
	snprintf(out, 33, "YFR%" PRId64 "%s", now.ms, random);
}

enum err refund_create(struct db *db, const struct refund_new *n, struct utc now,
	struct refund *out, int64_t *approval_id, struct problem *why)
{
	struct refunding r = { .n = n, .now = now, .why = why };
	enum err e;

	refund_no_make(now, r.out_refund_no);
	e = db_tx(db, refund_tx, &r);
	if (e != ERR_OK)
		return e;
	if (!r.approval_id) {
		*out = r.out;
		log_info("refund=%" PRId64 " account=%" PRId64 " amount_fen=%" PRId64 " state=%s",
			r.out.id, r.out.account_id, r.out.amount_fen, r.out.state);
	}
	*approval_id = r.approval_id;
	return ERR_OK;
}

enum err refund_approved(struct db *db, const struct approval *a, const json_t *params,
	const char *actor, struct utc now, struct problem *why)
{
	char once[32], asker[32];
	int64_t order = json_integer_value(json_object_get(params, "order_id"));
	struct refund_new n = { .order_id = order,
		.account_id = json_integer_value(json_object_get(params, "account_id")),
		.site_id = a->site_id,
		.user_id = a->asked_by,
		.actor = asker,
		.address = "",
		.amount_fen = json_integer_value(json_object_get(params, "amount_fen")),
		.method = json_string_value(json_object_get(params, "method")),
		.reason = a->reason,
		.once_key = once };
	struct refunding r = { .n = &n, .approved = true, .now = now, .why = why };

	(void)actor; /* stands in the approval */
	snprintf(once, sizeof(once), "approval:%" PRId64, a->id);
	snprintf(asker, sizeof(asker), "user:%" PRId64, a->asked_by);
	refund_no_make(now, r.out_refund_no);
	return refund_tx(db, &r);
}
