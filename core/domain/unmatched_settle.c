#include <inttypes.h>
#include <stdio.h>

#include "base/log.h"
#include "domain/audit.h"
#include "domain/notice.h"
#include "domain/refund_inside.h"
#include "domain/setting.h"
#include "domain/unmatched_inside.h"

static const struct query Q_LOCK = { "SELECT id FROM pay_unmatched WHERE id = ? FOR UPDATE",
	&id_shape };
static const struct query Q_SETTLE = {
	"UPDATE pay_unmatched SET state = ?, suspense_entry_id = ?, account_id = ?, entry_id = ?,"
	" once_key = ?, resolved_at = ?, resolved_by = ?, note = ? WHERE id = ?",
	NULL
};
struct site_row {
	int64_t id;
	char zone[65];
};
SHAPE(site_shape, struct site_row, FIELD(struct site_row, id), FIELD(struct site_row, zone));
static const struct query Q_SITE = { "SELECT id, zone FROM site WHERE id = ?", &site_shape };

static const char *const how_words[UNMATCHED__MAX] = {
	[UNMATCHED_CREDIT] = "credit",
	[UNMATCHED_REFUND] = "refund",
	[UNMATCHED_CLOSE] = "close",
};
static const char *const state_words[UNMATCHED__MAX] = {
	[UNMATCHED_CREDIT] = "credited",
	[UNMATCHED_REFUND] = "refunded",
	[UNMATCHED_CLOSE] = "closed",
};

struct settle {
	const struct unmatched_act *a;
	bool approved;
	int64_t asked_fen; /* what the second person was asked about */
	struct utc now;
	struct problem *why;
	char out_refund_no[33];
	struct unmatched u;
	struct account account; /* credited; or only site and zone of the books */
	int64_t approval_id;
};

/* ERR_NOT_FOUND: not by this request. */
static enum err settled_before(const struct settle *s)
{
	const struct unmatched *u = &s->u;

	if (!str_eq(u->once_key, s->a->once_key))
		return ERR_NOT_FOUND;
	if (str_eq(u->state, state_words[s->a->how]) &&
		(s->a->how != UNMATCHED_CREDIT || u->account_id == s->a->account_id))
		return ERR_OK;
	return problem_set(s->why, ERR_IDEMPOTENCY, "Idempotency-Key",
		"this key was used for another request");
}

static enum err state_check(const struct settle *s)
{
	const struct unmatched *u = &s->u;
	bool payment = !str_eq(u->why, "refund");

	if (!str_eq(u->state, "open"))
		return problem_set(s->why, ERR_CONFLICT, "id", "it is %s already", u->state);
	if (s->a->how == UNMATCHED_CLOSE)
		return u->suspense_entry_id
			       ? problem_set(s->why, ERR_CONFLICT, "id",
					 "the money lies in suspense: credit it or pay it back")
			       : ERR_OK;
	if (!payment || u->amount_fen < 1 || !str_eq(u->currency, "CNY"))
		return problem_set(s->why, ERR_CONFLICT, "id",
			payment ? "only yuan of a known amount can be moved"
				: "this money has left already; close it with a note");
	return ERR_OK;
}

static enum err site_find(struct db *db, struct settle *s)
{
	struct site_row site;
	int64_t own = s->u.site_id, named = s->a->book_site_id, id = own ? own : named;
	enum err e;

	if (!id)
		return problem_set(s->why, ERR_MISSING_FIELD, "site_id",
			"say which site's books the refund goes into");
	e = db_one(db, &Q_SITE, ARGS(arg_i64(id)), &site);
	if (e == ERR_NOT_FOUND || (own && named && own != named))
		return problem_set(
			s->why, ERR_NOT_FOUND, "site_id", "it is not a payment of such a site");
	if (e != ERR_OK)
		return e;
	s->account = (struct account){ .site_id = id };
	ASSERT(str_copy(s->account.zone, sizeof(s->account.zone), site.zone));
	return ERR_OK;
}

/* Whose books; of another site it is not there. The purse is locked. */
static enum err books_find(struct db *db, struct settle *s)
{
	const struct unmatched_act *a = s->a;
	enum err e;

	if (a->how == UNMATCHED_CLOSE)
		return ERR_OK;
	if (a->how == UNMATCHED_REFUND)
		return site_find(db, s);
	e = account_lock(db, a->account_id, &s->account);
	if (e == ERR_OK && a->site_id && s->account.site_id != a->site_id)
		e = ERR_NOT_FOUND;
	if (e == ERR_NOT_FOUND)
		return problem_set(s->why, e, "account_id", "there is no such account");
	if (e == ERR_OK && s->account.closed)
		return problem_set(s->why, ERR_CONFLICT, "account_id", "the account is closed");
	return e;
}

static enum err post(struct db *db, const struct settle *s, const char *kind, const char *once,
	const char *from, const char *to, int64_t *entry_id)
{
	struct posting p[2] = { 0 };
	char reference[48];
	struct day day;
	enum err e = account_company(db, from, &p[0].account_id);

	if (e == ERR_OK && to)
		e = account_company(db, to, &p[1].account_id);
	if (e == ERR_OK)
		e = money_from_fen(-s->u.amount_fen, &p[0].amount);
	if (e == ERR_OK)
		e = money_from_fen(s->u.amount_fen, &p[1].amount);
	if (e == ERR_OK)
		e = account_book_day(&s->account, s->now, &day);
	if (e != ERR_OK)
		return e;
	if (!to) {
		p[1].account_id = s->account.id;
		p[1].purse = true;
	}
	snprintf(reference, sizeof(reference), "unmatched:%" PRId64, s->u.id);
	return entry_post(db,
		&(struct entry){ .kind = kind,
			.once_key = once,
			.reference = reference,
			.actor = s->a->actor,
			.memo = str_eq(kind, "suspense") ? s->u.out_trade_no : s->a->reason,
			.site_id = s->account.site_id,
			.book_day = day,
			.at = s->now },
		p, 2, entry_id);
}

/* The key of a recharge: this transaction can be booked in one way only. */
static enum err to_suspense(struct db *db, struct settle *s)
{
	char once[360], clearing[80];
	enum err e;

	if (s->u.suspense_entry_id)
		return ERR_OK;
	snprintf(once, sizeof(once), "recharge:%s:%s", s->u.service, s->u.transaction_id);
	snprintf(clearing, sizeof(clearing), "clearing:%s", s->u.service);
	e = post(db, s, "suspense", once, clearing, "suspense", &s->u.suspense_entry_id);
	if (e == ERR_ALREADY)
		return problem_set(
			s->why, ERR_CONFLICT, "id", "this very transaction was booked before");
	return e;
}

static enum err row_write(struct db *db, const struct settle *s, int64_t entry_id)
{
	const struct unmatched_act *a = s->a;
	bool credit = a->how == UNMATCHED_CREDIT;

	return db_exec(db, &Q_SETTLE,
		ARGS(arg_text(state_words[a->how]), arg_id(s->u.suspense_entry_id),
			arg_id(credit ? a->account_id : 0), arg_id(entry_id), arg_text(a->once_key),
			arg_utc(s->now), arg_text(a->actor), arg_text(a->reason), arg_i64(s->u.id)),
		NULL);
}

static enum err credit(struct db *db, struct settle *s)
{
	int64_t entry_id = 0;
	enum err e = post(db, s, "found", s->a->once_key, "suspense", NULL, &entry_id);

	if (e == ERR_OK)
		e = row_write(db, s, entry_id);
	if (e == ERR_OK)
		e = account_changed(db, s->account.id, s->now);
	if (e == ERR_OK)
		e = account_get(db, s->account.id, &s->account);
	return e == ERR_OK ? notice_add(db, &s->account, "recharged", s->u.amount_fen, s->now) : e;
}

static enum err refund(struct db *db, struct settle *s)
{
	const struct unmatched_act *a = s->a;
	int64_t entry_id = 0;
	struct refund f;
	enum err e = post(db, s, "refund", a->once_key, "suspense", "refund_due", &entry_id);

	if (e == ERR_OK)
		e = row_write(db, s, 0);
	if (e != ERR_OK)
		return e;
	return refund_add(db,
		&(struct refund_row){ .unmatched_id = s->u.id,
			.method = "service",
			.service = s->u.service,
			.state = "requested",
			.amount_fen = s->u.amount_fen,
			.reason = a->reason,
			.out_refund_no = s->out_refund_no,
			.once_key = a->once_key,
			.actor = a->actor,
			.address = a->address,
			.entry_id = entry_id },
		s->now, &f);
}

/* An order that was not paid by it never will be: its money is where a person put it. */
static enum err after(struct db *db, const struct settle *s)
{
	const struct unmatched *u = &s->u;
	enum err e = ERR_OK;

	if (u->order_id && str_eq(u->why, "amount") && s->a->how != UNMATCHED_CLOSE)
		e = order_closed(db, u->order_id, s->now);
	if (e == ERR_OK)
		e = unmatched_alarm_over(db, u->order_id, u->out_trade_no, u->why, s->now);
	return e == ERR_OK ? audit_add(db,
				     &(struct audit){ s->a->actor, s->a->address, "payment.settle",
					     "unmatched", u->id, NULL },
				     json_pack("{s:s, s:I, s:I, s:s}", "how", how_words[s->a->how],
					     "account", (json_int_t)s->a->account_id, "amount_fen",
					     (json_int_t)u->amount_fen, "reason", s->a->reason),
				     s->now)
			   : e;
}

static enum err apply(struct db *db, struct settle *s)
{
	enum err e = s->a->how == UNMATCHED_CLOSE ? ERR_OK : to_suspense(db, s);

	if (e != ERR_OK)
		return e;
	switch (s->a->how) {
	case UNMATCHED_CREDIT:
		e = credit(db, s);
		break;
	case UNMATCHED_REFUND:
		e = refund(db, s);
		break;
	case UNMATCHED_CLOSE:
	case UNMATCHED__MAX:
		e = row_write(db, s, 0);
	}
	return e == ERR_OK ? after(db, s) : e;
}

static enum err needs_second(struct db *db, const struct settle *s, bool *out)
{
	int64_t limit = 0;
	enum err e;

	*out = false;
	if (s->approved || s->a->how == UNMATCHED_CLOSE)
		return ERR_OK;
	e = setting_get(db, s->account.site_id, SETTING_REFUND_LIMIT_FEN, &limit);
	*out = s->u.amount_fen > limit;
	return e;
}

static enum err ask(struct db *db, struct settle *s)
{
	const struct unmatched_act *a = s->a;
	AUTO(json_free)
	json_t *params = json_pack("{s:I, s:s, s:I, s:I}", "id", (json_int_t)a->id, "how",
		how_words[a->how], "account_id", (json_int_t)a->account_id, "amount_fen",
		(json_int_t)s->u.amount_fen);
	char object[40];

	snprintf(object, sizeof(object), "unmatched:%" PRId64, a->id);
	return approval_ask(db,
		&(struct approval_new){ .kind = "unmatched",
			.site_id = s->account.site_id,
			.object = object,
			.params = params,
			.reason = a->reason,
			.user_id = a->user_id,
			.once_key = a->once_key },
		s->now, &s->approval_id, s->why);
}

static enum err settle_tx(struct db *db, void *ctx)
{
	struct settle *s = ctx;
	struct id_row locked;
	bool second = false;
	enum err e = unmatched_get(db, s->a->site_id, s->a->id, &s->u);

	s->approval_id = 0;
	if (e != ERR_OK)
		return e;
	e = settled_before(s);
	if (e != ERR_NOT_FOUND)
		return e;
	e = books_find(db, s);
	if (e == ERR_OK)
		e = db_one(db, &Q_LOCK, ARGS(arg_i64(s->a->id)), &locked);
	if (e == ERR_OK)
		e = unmatched_get(db, s->a->site_id, s->a->id, &s->u);
	if (e == ERR_OK)
		e = state_check(s);
	if (e == ERR_OK && s->approved && s->asked_fen != s->u.amount_fen)
		e = problem_set(s->why, ERR_CONFLICT, "id",
			"the service has named another amount since this was asked");
	if (e == ERR_OK)
		e = needs_second(db, s, &second);
	if (e == ERR_OK && second)
		return ask(db, s);
	if (e == ERR_OK)
		e = apply(db, s);
	return e == ERR_OK ? unmatched_get(db, 0, s->a->id, &s->u) : e;
}

enum err unmatched_settle(struct db *db, const struct unmatched_act *a, struct utc now,
	struct unmatched *out, int64_t *approval_id, struct problem *why)
{
	struct settle s = { .a = a, .now = now, .why = why };
	enum err e;

	refund_no_make(now, s.out_refund_no);
	e = db_tx(db, settle_tx, &s);
	if (e != ERR_OK)
		return e;
	*out = s.u;
	*approval_id = s.approval_id;
	log_info("unmatched=%" PRId64 " how=%s approval=%" PRId64, a->id, how_words[a->how],
		s.approval_id);
	return ERR_OK;
}

enum err unmatched_approved(struct db *db, const struct approval *p, const json_t *params,
	const char *actor, struct utc now, struct problem *why)
{
	char once[32], asker[32];
	const char *how = json_string_value(json_object_get(params, "how"));
	struct unmatched_act a = { .id = json_integer_value(json_object_get(params, "id")),
		.how = str_eq(how, "credit") ? UNMATCHED_CREDIT : UNMATCHED_REFUND,
		.account_id = json_integer_value(json_object_get(params, "account_id")),
		.book_site_id = p->site_id,
		.user_id = p->asked_by,
		.actor = asker,
		.address = "",
		.reason = p->reason,
		.once_key = once };
	struct settle s = { .a = &a,
		.approved = true,
		.asked_fen = json_integer_value(json_object_get(params, "amount_fen")),
		.now = now,
		.why = why };

	(void)actor; /* stands in the approval */
	snprintf(once, sizeof(once), "approval:%" PRId64, p->id);
	snprintf(asker, sizeof(asker), "user:%" PRId64, p->asked_by);
	refund_no_make(now, s.out_refund_no);
	return settle_tx(db, &s);
}
