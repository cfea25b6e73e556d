#include "domain/refund_inside.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/log.h"
#include "base/rand.h"
#include "domain/alarm.h"
#include "domain/audit.h"
#include "domain/event.h"
#include "domain/order.h"
#include "domain/scope.h"
#include "domain/setting.h"
#include "domain/shift.h"

#define F(member) FIELD(struct refund, member)
SHAPE(refund_shape, struct refund, F(id), F(site_id), F(zone), F(account_id), F(order_id),
	F(unmatched_id), F(method), F(service), F(amount_fen), F(reason), F(state),
	F(out_refund_no), F(service_refund_id), F(actor), F(created_at), F(entry_id),
	F(settled_entry_id), F(settled_at), F(settled_by), F(note), F(sent_at), F(ask_at), F(asks),
	F(said), F(tenant_id), F(tenant_code), F(tenant_name), F(room));
#undef F

#define REFUNDS                                                                                    \
	"SELECT f.id, e.site_id, s.zone, f.account_id, f.order_id, f.unmatched_id, f.method,"      \
	" f.service, f.amount_fen, f.reason, f.state, f.out_refund_no, f.service_refund_id,"       \
	" f.actor, f.created_at, f.entry_id, f.settled_entry_id, f.settled_at, f.settled_by,"      \
	" f.note, f.sent_at, f.ask_at, f.asks, f.said, COALESCE(t.id, 0) AS tenant_id,"            \
	" COALESCE(t.code, '') AS tenant_code,"                                                    \
	" COALESCE(t.name, '') AS tenant_name, COALESCE(t.room, '') AS room FROM refund f JOIN"    \
	" entry e ON e.id = f.entry_id JOIN site s ON s.id = e.site_id LEFT JOIN account a ON"     \
	" a.id = f.account_id LEFT JOIN contract c ON c.id = a.contract_id LEFT JOIN tenant t ON"  \
	" t.id = c.tenant_id WHERE "

static const struct query Q_GET = { REFUNDS "? IN (0, e.site_id) AND f.id = ?", &refund_shape };
static const struct query Q_BY_KEY = { REFUNDS "f.once_key = ?", &refund_shape };
const struct listing refund_listing = {
	.all = { REFUNDS "? IN (0, e.site_id, " SEEN_ENTRY("e.id") ")", &refund_shape },
	.sorts = { { "id", "f.id" }, { "created_at", "f.created_at" },
		{ "amount_fen", "f.amount_fen" } },
	.order = "-id",
	.filters = { { "state", FILTER_WORD, "f.state = ?",
			     "requested accepted person done failed" },
		{ "account_id", FILTER_ID, "f.account_id = ?" },
		{ "order_id", FILTER_ID, "f.order_id = ?" },
		{ "method", FILTER_WORD, "f.method = ?", "cash bank service" },
		{ "service", FILTER_TEXT, "f.service = ?" },
		{ "site_id", FILTER_ID, "e.site_id = ?" },
		{ "from", FILTER_FROM, "f.created_at >= ?" },
		{ "to", FILTER_TO, "f.created_at < ?" } },
};
static const struct query Q_ADD = {
	"INSERT INTO refund (account_id, order_id, unmatched_id, method, service, amount_fen,"
	" reason, state, out_refund_no, once_key, actor, created_at, entry_id, ask_at)"
	" VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
	NULL
};
static const struct query Q_BY_NO = { REFUNDS "f.out_refund_no = ?", &refund_shape };
struct before_row {
	int64_t fen; /* gone, or on its way */
	int64_t n;   /* the service counts those that came to nothing, too */
};
SHAPE(before_shape, struct before_row, FIELD(struct before_row, fen), FIELD(struct before_row, n));
static const struct query Q_OF_ORDER = {
	"SELECT CAST(COALESCE(SUM(IF(state = 'failed', 0, amount_fen)), 0) AS SIGNED) AS fen,"
	" COUNT(*) AS n FROM refund WHERE order_id = ?",
	&before_shape
};

/* How long after a payment, and in how many parts, a service pays back. */
static const struct terms {
	const char *service;
	int64_t days, most;
} terms[] = {
	{ "wechat", 365, 50 },
	{ "alipay", 365, INT64_MAX },
};
#define DAY_MS INT64_C(86400000)

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

enum err refund_find(struct db *db, const char *out_refund_no, struct refund *out)
{
	return db_one(db, &Q_BY_NO, ARGS(arg_text(out_refund_no)), out);
}

enum err refund_audit(struct db *db, const char *actor, const char *address, const char *action,
	const struct refund *f, struct utc now)
{
	return audit_add(db, &(struct audit){ actor, address, action, "refund", f->id, NULL },
		json_pack("{s:I, s:I}", "account", (json_int_t)f->account_id, "amount_fen",
			(json_int_t)f->amount_fen),
		now);
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

/* What the service would refuse for good is not begun. */
static enum err terms_check(const struct refunding *r, int64_t parts)
{
	for (size_t i = 0; i < ARRAY_LEN(terms); i++) {
		const struct terms *t = &terms[i];

		if (!str_eq(t->service, r->order.service))
			continue;
		if (r->now.ms > r->order.paid_at.ms + t->days * DAY_MS)
			return problem_set(r->why, ERR_CONFLICT, "id",
				"the service pays back within %" PRId64
				" days; refund the account by bank",
				t->days);
		if (parts >= t->most)
			return problem_set(r->why, ERR_CONFLICT, "id",
				"the service pays an order back in at most %" PRId64 " parts",
				t->most);
	}
	return ERR_OK;
}

static enum err amount_check(struct db *db, const struct refunding *r)
{
	int64_t most = refundable_fen(&r->account);
	struct before_row before;
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
	return e == ERR_OK ? terms_check(r, before.n) : e;
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

enum err refund_add(struct db *db, const struct refund_row *r, struct utc now, struct refund *out)
{
	enum err e = db_exec(db, &Q_ADD,
		ARGS(arg_id(r->account_id), arg_id(r->order_id), arg_id(r->unmatched_id),
			arg_text(r->method), arg_text(r->service), arg_i64(r->amount_fen),
			arg_text(r->reason), arg_text(r->state), arg_text(r->out_refund_no),
			arg_text(r->once_key), arg_text(r->actor), arg_utc(now),
			arg_i64(r->entry_id), arg_i64(r->service[0] ? now.ms : 0)),
		NULL);

	if (e == ERR_OK)
		e = refund_get(db, 0, db_insert_id(db), out);
	return e == ERR_OK ? refund_audit(db, r->actor, r->address, "refund.create", out, now) : e;
}

static enum err row_write(struct db *db, struct refunding *r, int64_t entry_id)
{
	const struct refund_new *n = r->n;

	return refund_add(db,
		&(struct refund_row){ .account_id = r->account.id,
			.order_id = n->order_id,
			.method = n->method,
			.service = r->order.id ? r->order.service : "",
			.state = n->order_id ? "requested" : "person",
			.amount_fen = n->amount_fen,
			.reason = n->reason,
			.out_refund_no = r->out_refund_no,
			.once_key = n->once_key,
			.actor = n->actor,
			.address = n->address,
			.entry_id = entry_id },
		r->now, &r->out);
}

/* Cash is handed over at once. */
static enum err hand_over(struct db *db, struct refunding *r)
{
	struct refund_settling s = { .id = r->out.id,
		.done = true,
		.note = "",
		.actor = r->n->actor,
		.address = r->n->address };
	enum err e = refund_settle_locked(db, &(struct settling){ .s = &s,
						      .f = r->out,
						      .now = r->now,
						      .why = r->why,
						      .drawer_id = r->drawer_id });

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

void refund_no_make(struct utc now, char out[static 33])
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

/* ---- once more ---- */

static const struct query Q_AGAIN = {
	"UPDATE refund SET state = 'requested', ask_at = ?, asks = 0 WHERE id = ?", NULL
};

struct retrying {
	int64_t id, site_id;
	const char *actor, *address;
	struct utc now;
	struct refund f;
	struct problem *why;
};

static enum err retry_tx(struct db *db, void *ctx)
{
	struct retrying *r = ctx;
	enum err e = refund_get(db, r->site_id, r->id, &r->f);

	if (e == ERR_OK)
		e = refund_lock(db, &r->f);
	if (e != ERR_OK)
		return e;
	if (!r->f.service[0] || !str_eq(r->f.state, "person"))
		return problem_set(r->why, ERR_CONFLICT, "id",
			"only a refund of a service that waits for a person is sent again");
	e = db_exec(db, &Q_AGAIN, ARGS(arg_utc(r->now), arg_i64(r->id)), NULL);
	if (e == ERR_OK)
		e = alarm_clear(db, "refund_person", "refund", r->id, r->now);
	if (e == ERR_OK)
		e = refund_audit(db, r->actor, r->address, "refund.retry", &r->f, r->now);
	return e == ERR_OK ? refund_get(db, 0, r->id, &r->f) : e;
}

enum err refund_retry(struct db *db, int64_t id, int64_t site_id, const char *actor,
	const char *address, struct utc now, struct refund *out, struct problem *why)
{
	struct retrying r = { id, site_id, actor, address, now, .why = why };
	enum err e = db_tx(db, retry_tx, &r);

	if (e == ERR_OK)
		*out = r.f;
	return e;
}
