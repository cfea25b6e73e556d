#include "domain/refundwork.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/log.h"
#include "domain/alarm.h"
#include "domain/audit.h"
#include "domain/refund_inside.h"
#include "domain/unmatched.h"

#define DAY_MS INT64_C(86400000)
#define HOUR_MS INT64_C(3600000)
#define WECHAT_APART_MS 60000

#define DUE "service = ? AND ask_at > 0 AND ask_at <= ?"
struct count_row {
	int64_t n;
};
SHAPE(count_shape, struct count_row, FIELD(struct count_row, n));
static const struct query Q_DUE = { "SELECT COUNT(*) AS n FROM refund WHERE " DUE, &count_shape };
static const struct query Q_NEXT = { "SELECT id FROM refund WHERE " DUE
				     " ORDER BY ask_at LIMIT 1 FOR UPDATE SKIP LOCKED",
	&id_shape };
static const struct query Q_LAST_SENT = {
	"SELECT COALESCE(MAX(sent_at), 0) AS n FROM refund WHERE order_id = ? AND id <> ?",
	&count_shape
};
static const struct query Q_PUT_OFF = { "UPDATE refund SET ask_at = ? WHERE id = ?", NULL };
static const struct query Q_TAKEN = {
	"UPDATE refund SET asks = asks + 1, ask_at = ?, sent_at = IF(sent_at > 0, sent_at, ?)"
	" WHERE id = ?",
	NULL
};
struct payment_row {
	char out_trade_no[257];
	int64_t total_fen;
};
SHAPE(payment_shape, struct payment_row, FIELD(struct payment_row, out_trade_no),
	FIELD(struct payment_row, total_fen));
static const struct query Q_PAYMENT = {
	"SELECT COALESCE(o.out_trade_no, u.out_trade_no) AS out_trade_no,"
	" COALESCE(o.amount_fen, u.amount_fen) AS total_fen FROM refund f"
	" LEFT JOIN pay_order o ON o.id = f.order_id"
	" LEFT JOIN pay_unmatched u ON u.id = f.unmatched_id WHERE f.id = ?",
	&payment_shape
};
static const struct query Q_STATE = {
	"UPDATE refund SET state = ?, ask_at = ?, said = ? WHERE id = ?", NULL
};
static const struct query Q_SERVICE_ID = {
	"UPDATE refund SET service_refund_id = ? WHERE id = ? AND service_refund_id = ''", NULL
};
static const struct query Q_NOTIFY = {
	"INSERT INTO pay_notify (service, received_at, out_trade_no, transaction_id, outcome,"
	" detail) VALUES (?, ?, ?, ?, ?, ?)",
	NULL
};
static const struct query Q_HINT = {
	"UPDATE refund SET ask_at = ? WHERE order_id = ? AND ask_at > ?", NULL
};
static const struct query Q_GIVEN_BACK = {
	"SELECT CAST(COALESCE(SUM(amount_fen), 0) AS SIGNED) AS n FROM refund"
	" WHERE (order_id = ? OR unmatched_id IN (SELECT u.id FROM pay_unmatched u WHERE"
	" u.order_id = ?)) AND state <> 'failed' AND sent_at > 0",
	&count_shape
};

/* ---- taking one up ---- */

enum err refunds_due(struct db *db, const char *service, struct utc now, int64_t *n)
{
	struct count_row row;
	enum err e = db_one(db, &Q_DUE, ARGS(arg_text(service), arg_utc(now)), &row);

	if (e == ERR_OK)
		*n = row.n;
	return e;
}

static int64_t pause_ms(int64_t asks)
{
	static const int64_t s[] = { 10, 30, 60, 120, 300, 600, 1800 };

	return asks < (int64_t)ARRAY_LEN(s) ? s[asks] * 1000 : HOUR_MS;
}

/* The order is locked, so that two parts of it are not judged at once. 0: it may go now. */
static enum err too_early(
	struct db *db, const struct refund *f, struct utc now, int64_t *not_before)
{
	struct count_row last;
	struct order o;
	enum err e;

	*not_before = 0;
	if (f->sent_at.ms || !f->order_id || !str_eq(f->service, "wechat"))
		return ERR_OK;
	e = order_lock(db, f->order_id, &o);
	if (e == ERR_OK)
		e = db_one(db, &Q_LAST_SENT, ARGS(arg_i64(o.id), arg_i64(f->id)), &last);
	if (e == ERR_OK && last.n > now.ms - WECHAT_APART_MS)
		*not_before = last.n + WECHAT_APART_MS;
	return e;
}

static enum err waiting_check(struct db *db, const struct refund *f, struct utc now)
{
	if (!str_eq(f->state, "requested") || now.ms < f->created_at.ms + DAY_MS)
		return ERR_OK;
	return alarm_raise(db,
		&(struct alarm_new){ "refund_waiting", "urgent", "refund", f->id, f->out_refund_no,
			"a refund was not accepted by its service within a day; it is tried on" },
		now);
}

struct claim {
	const char *service;
	struct utc now;
	struct refund_work *out;
	bool put_off;
};

static enum err claim_tx(struct db *db, void *ctx)
{
	struct claim *c = ctx;
	struct refund *f = &c->out->f;
	struct payment_row payment;
	int64_t not_before = 0;
	struct id_row id;
	enum err e = db_one(db, &Q_NEXT, ARGS(arg_text(c->service), arg_utc(c->now)), &id);

	if (e == ERR_OK)
		e = refund_get(db, 0, id.id, f);
	if (e == ERR_OK)
		e = too_early(db, f, c->now, &not_before);
	if (e != ERR_OK)
		return e;
	c->put_off = not_before > 0;
	if (c->put_off)
		return db_exec(db, &Q_PUT_OFF, ARGS(arg_i64(not_before), arg_i64(f->id)), NULL);
	c->out->sent_before = f->sent_at.ms > 0;
	e = db_exec(db, &Q_TAKEN,
		ARGS(arg_i64(c->now.ms +
			     (str_eq(f->state, "person") ? HOUR_MS : pause_ms(f->asks))),
			arg_utc(c->now), arg_i64(f->id)),
		NULL);
	if (e == ERR_OK)
		e = db_one(db, &Q_PAYMENT, ARGS(arg_i64(f->id)), &payment);
	if (e != ERR_OK)
		return e;
	ASSERT(str_copy(c->out->out_trade_no, sizeof(c->out->out_trade_no), payment.out_trade_no));
	c->out->total_fen = payment.total_fen;
	return waiting_check(db, f, c->now);
}

enum err refund_claim(struct db *db, const char *service, struct utc now, struct refund_work *out)
{
	struct claim c = { .service = service, .now = now, .out = out };
	enum err e;

	do
		e = db_tx(db, claim_tx, &c);
	while (e == ERR_OK && c.put_off);
	return e;
}

/* ---- what the service says ---- */

bool refund_word_find(const char *word, enum refund_word *out)
{
	static const char *const words[REFUND_WORD__MAX] = {
		[REFUND_ACCEPTED] = "accepted",
		[REFUND_DONE] = "done",
		[REFUND_CLOSED] = "closed",
		[REFUND_PERSON] = "person",
	};

	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		if (str_eq(words[i], word)) {
			*out = (enum refund_word)i;
			return true;
		}
	}
	return false;
}

const char *told_outcome_word(enum told_outcome o)
{
	static const char *const words[TOLD__MAX] = {
		[TOLD_TAKEN] = "refund_taken",
		[TOLD_REPEATED] = "refund_repeated",
		[TOLD_FOREIGN] = "refund_foreign",
		[TOLD_DIFFERENT] = "refund_different",
	};

	return o < TOLD__MAX ? words[o] : "";
}

struct telling {
	const struct refund_told *t;
	struct utc now;
	struct refund f;
	char out_trade_no[257];
	enum told_outcome outcome;
};

static enum err alarm(struct db *db, const struct telling *g, const char *kind, const char *text)
{
	return alarm_raise(db,
		&(struct alarm_new){ kind, "urgent", "refund", g->f.id, g->f.out_refund_no, text },
		g->now);
}

static enum err foreign(struct db *db, struct telling *g)
{
	const struct refund_told *t = g->t;
	struct order o = { .id = 0 };
	bool open = false;
	enum err e = order_find(db, t->out_trade_no, &o);

	g->outcome = TOLD_FOREIGN;
	if (e == ERR_NOT_FOUND)
		e = ERR_OK;
	if (e == ERR_OK)
		e = unmatched_keep(db,
			&(struct unmatched_new){ .service = t->service,
				.transaction_id = t->out_refund_no,
				.out_trade_no = t->out_trade_no,
				.amount_fen = t->amount_fen,
				.currency = "CNY",
				.paid_at = g->now,
				.order_id = o.id,
				.why = "refund" },
			g->now, &open);
	if (e != ERR_OK || !open)
		return e;
	return alarm_raise(db,
		&(struct alarm_new){ "refund_foreign", "urgent", "order", o.id, t->out_trade_no,
			"the service reports a refund that nobody asked for here" },
		g->now);
}

static enum err settled(struct db *db, struct telling *g, bool done)
{
	struct refund_settling s = { .id = g->f.id,
		.done = done,
		.note = g->t->refund_id,
		.actor = g->t->via,
		.address = "" };

	return refund_settle_locked(
		db, &(struct settling){ .s = &s, .f = g->f, .now = g->now, .why = NULL });
}

/* ask_ms: when to turn to it again; 0: as planned. */
static enum err moved(struct db *db, const struct telling *g, const char *state, int64_t ask_ms)
{
	int64_t at = ask_ms ? g->now.ms + ask_ms : g->f.ask_at.ms;

	if (str_eq(g->f.state, state))
		return ERR_OK;
	return db_exec(db, &Q_STATE,
		ARGS(arg_text(state), arg_i64(at), arg_text(""), arg_i64(g->f.id)), NULL);
}

static enum err person(struct db *db, struct telling *g, const char *kind, const char *text)
{
	enum err e = moved(db, g, "person", HOUR_MS);

	return e == ERR_OK ? alarm(db, g, kind, text) : e;
}

static enum err take_final(struct db *db, struct telling *g)
{
	bool done = str_eq(g->f.state, "done");

	g->outcome = TOLD_REPEATED;
	if ((g->t->word != REFUND_DONE || done) && (g->t->word != REFUND_CLOSED || !done))
		return ERR_OK;
	g->outcome = TOLD_DIFFERENT;
	return alarm(db, g, "refund_contradiction",
		"the service says that this refund ended otherwise than is booked here");
}

static enum err take_open(struct db *db, struct telling *g)
{
	const struct refund_told *t = g->t;
	enum err e = ERR_OK;

	if ((t->amount_fen && t->amount_fen != g->f.amount_fen) ||
		(t->out_trade_no[0] && !str_eq(t->out_trade_no, g->out_trade_no))) {
		g->outcome = TOLD_DIFFERENT;
		return person(db, g, "refund_amount",
			"the service names another amount or order for this refund");
	}
	if (t->refund_id[0])
		e = db_exec(
			db, &Q_SERVICE_ID, ARGS(arg_text(t->refund_id), arg_i64(g->f.id)), NULL);
	if (e != ERR_OK)
		return e;
	g->outcome = TOLD_TAKEN;
	switch (t->word) {
	case REFUND_DONE:
		return settled(db, g, true);
	case REFUND_CLOSED:
		return settled(db, g, false);
	case REFUND_PERSON:
		return person(db, g, "refund_person",
			"the payer's way is blocked: the refund is to be settled at the service");
	case REFUND_ACCEPTED:
		return str_eq(g->f.state, "requested") ? moved(db, g, "accepted", 0) : ERR_OK;
	case REFUND_WORD__MAX:
		break;
	}
	return ERR_INTERNAL;
}

static enum err told(struct db *db, struct telling *g)
{
	struct payment_row payment;
	enum err e = refund_find(db, g->t->out_refund_no, &g->f);

	if (e == ERR_NOT_FOUND || (e == ERR_OK && !str_eq(g->f.service, g->t->service)))
		return foreign(db, g);
	if (e == ERR_OK)
		e = refund_lock(db, &g->f);
	if (e == ERR_OK)
		e = db_one(db, &Q_PAYMENT, ARGS(arg_i64(g->f.id)), &payment);
	if (e != ERR_OK)
		return e;
	ASSERT(str_copy(g->out_trade_no, sizeof(g->out_trade_no), payment.out_trade_no));
	return refund_is_final(&g->f) ? take_final(db, g) : take_open(db, g);
}

static enum err told_tx(struct db *db, void *ctx)
{
	struct telling *g = ctx;
	const struct refund_told *t = g->t;
	enum err e = told(db, g);

	if (e != ERR_OK || !str_eq(t->via, "notify"))
		return e;
	return db_exec(db, &Q_NOTIFY,
		ARGS(arg_text(t->service), arg_utc(g->now), arg_text(t->out_trade_no),
			arg_text(t->out_refund_no), arg_text(told_outcome_word(g->outcome)),
			arg_text(t->via)),
		NULL);
}

enum err refund_told(
	struct db *db, const struct refund_told *t, struct utc now, enum told_outcome *out)
{
	struct telling g = { .t = t, .now = now };
	enum err e = db_tx(db, told_tx, &g);

	if (e != ERR_OK)
		return e;
	log_info("refund=%s service=%s via=%s outcome=%s", t->out_refund_no, t->service, t->via,
		told_outcome_word(g.outcome));
	*out = g.outcome;
	return ERR_OK;
}

/* ---- the service said no ---- */

struct refusing {
	int64_t id;
	char said[200];
	bool passing;
	struct utc now;
};

static enum err refused_tx(struct db *db, void *ctx)
{
	struct refusing *r = ctx;
	struct refund f;
	enum err e = refund_get(db, 0, r->id, &f);

	if (e == ERR_OK)
		e = refund_lock(db, &f);
	if (e != ERR_OK || !str_eq(f.state, "requested"))
		return e;
	e = db_exec(db, &Q_STATE,
		ARGS(arg_text(r->passing ? "requested" : "person"),
			arg_i64(r->passing ? f.ask_at.ms : 0), arg_text(r->said), arg_i64(f.id)),
		NULL);
	if (e != ERR_OK || r->passing)
		return e;
	return alarm_raise(db,
		&(struct alarm_new){ "refund_person", "urgent", "refund", f.id, f.out_refund_no,
			"the service refuses this refund; somebody decides" },
		r->now);
}

enum err refund_refused(
	struct db *db, int64_t id, const char *code, const char *text, bool passing, struct utc now)
{
	struct refusing r = { .id = id, .passing = passing, .now = now };

	snprintf(r.said, sizeof(r.said), "%.60s", code);
	log_warn("refund=%" PRId64 " refused=%s passing=%d why=\"%s\"", id, r.said, passing, text);
	return db_tx(db, refused_tx, &r);
}

/* ---- hints ---- */

struct hinting {
	const char *service, *out_trade_no;
	int64_t fen;
	struct utc now;
};

static enum err hint_tx(struct db *db, void *ctx)
{
	const struct hinting *h = ctx;
	struct count_row ours;
	struct telling g = { .now = h->now };
	struct refund_told t = { .service = h->service, .out_trade_no = h->out_trade_no };
	char no[65];
	struct order o;
	enum err e = order_find(db, h->out_trade_no, &o);

	if (e == ERR_OK && !str_eq(o.service, h->service))
		e = ERR_NOT_FOUND;
	if (e == ERR_OK)
		e = db_exec(
			db, &Q_HINT, ARGS(arg_utc(h->now), arg_i64(o.id), arg_utc(h->now)), NULL);
	if (e == ERR_OK)
		e = db_one(db, &Q_GIVEN_BACK, ARGS(arg_i64(o.id), arg_i64(o.id)), &ours);
	if (e != ERR_OK || h->fen <= ours.n)
		return e;
	/* Told apart by how much it is: one row for each further sum. */
	snprintf(no, sizeof(no), "%.40s:%" PRId64, h->out_trade_no, h->fen);
	t.out_refund_no = no;
	t.amount_fen = h->fen - ours.n;
	g.t = &t;
	return foreign(db, &g);
}

enum err refunds_hint(
	struct db *db, const char *service, const char *out_trade_no, int64_t fen, struct utc now)
{
	struct hinting h = { service, out_trade_no, fen, now };

	return db_tx(db, hint_tx, &h);
}
