#include "domain/approval.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "domain/adjust.h"
#include "domain/allowance.h"
#include "domain/audit.h"
#include "domain/batch.h"
#include "domain/feecut.h"
#include "domain/reconciliation.h"
#include "domain/refund.h"
#include "domain/reversal.h"
#include "domain/command.h"
#include "domain/scope.h"
#include "domain/setting.h"
#include "domain/tariff.h"
#include "domain/unmatched.h"

const struct approval_kind approval_kinds[] = {
	{ "setting", "setting.edit", setting_approved },
	{ "fee_cut", "fee.edit", fee_cut_approved },
	{ "reversal", "entry.reverse", reversal_approved },
	{ "protect", "meter.control", command_approved },
	{ "unprotect", "meter.control", command_approved },
	{ "protected_off", "meter.control", command_approved },
	{ "tariff", "tariff.edit", tariff_approved },
	{ "tariff_assign", "tariff.edit", tariff_assign_approved },
	{ "long_keep", "meter.control", command_approved },
	{ "refund", "refund.create", refund_approved },
	{ "unmatched", "refund.create", unmatched_approved },
	{ "adjustment", "adjustment.create", adjust_approved },
	{ "allowance", "adjustment.create", allowance_approved },
	{ "batch", "meter.control", batch_approved },
	{ "reconciliation", "reconciliation.resolve", difference_approved },
};
const size_t approval_kinds_n = ARRAY_LEN(approval_kinds);

#define F(member) FIELD(struct approval, member)
SHAPE(approval_shape, struct approval, F(id), F(kind), F(site_id), F(object), F(params), F(reason),
	F(state), F(asked_by), F(asked_at), F(decided_by), F(decided_at), F(note));
#undef F
#define COLUMNS                                                                                    \
	"SELECT id, kind, site_id, object, params, reason, state, asked_by, asked_at, decided_by," \
	" decided_at, note FROM approval "

static const struct query Q_GET = { COLUMNS "WHERE id = ?", &approval_shape };
static const struct query Q_LOCK = { COLUMNS "WHERE id = ? FOR UPDATE", &approval_shape };
static const struct query Q_BY_KEY = { COLUMNS "WHERE once_key = ?", &approval_shape };
const struct listing approval_listing = {
	.all = { COLUMNS "WHERE ? IN (0, site_id, " SEEN_NAMED("approval.object") ")",
		&approval_shape },
	.sorts = { { "id", "id" }, { "asked_at", "asked_at" }, { "kind", "kind" },
		{ "decided_at", "decided_at" } },
	.order = "-id",
	.filters = { { "state", FILTER_WORD, "state = ?", "pending approved rejected expired" },
		{ "kind", FILTER_TEXT, "kind = ?" }, { "asked_by", FILTER_ID, "asked_by = ?" },
		{ "site_id", FILTER_ID, "site_id = ?" }, { "from", FILTER_FROM, "asked_at >= ?" },
		{ "to", FILTER_TO, "asked_at < ?" } },
};
static const struct query Q_ADD = {
	"INSERT INTO approval (kind, site_id, object, params, reason, asked_by, asked_at, once_key)"
	" VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
	NULL
};
static const struct query Q_DECIDE = {
	"UPDATE approval SET state = ?, decided_by = ?, decided_at = ?, note = ? WHERE id = ?", NULL
};
static const struct query Q_MAY = {
	"SELECT u.id FROM user u JOIN role_permission p ON p.role_id = u.role_id"
	" WHERE u.id = ? AND p.permission = ? AND u.kind = 'staff' AND NOT u.disabled",
	&id_shape
};

static enum err asked_before(struct db *db, const struct approval_new *n, const char *params,
	int64_t *id, struct problem *why)
{
	struct approval first;
	enum err e = db_one(db, &Q_BY_KEY, ARGS(arg_text(n->once_key)), &first);

	if (e != ERR_OK)
		return e;
	if (!str_eq(first.kind, n->kind) || !str_eq(first.object, n->object) ||
		!str_eq(first.params, params))
		return problem_set(why, ERR_IDEMPOTENCY, "Idempotency-Key",
			"this key was used for another request");
	*id = first.id;
	return ERR_OK;
}

enum err approval_ask(struct db *db, const struct approval_new *n, struct utc now, int64_t *id,
	struct problem *why)
{
	AUTO(text_free) char *params = json_dumps(n->params, JSON_COMPACT | JSON_SORT_KEYS);
	enum err e;

	ASSERT(db_in_tx(db) && params);
	if (strlen(params) > 4000)
		return problem_set(why, ERR_TOO_LARGE, "", "too much for one approval");
	e = db_exec(db, &Q_ADD,
		ARGS(arg_text(n->kind), arg_i64(n->site_id), arg_text(n->object), arg_text(params),
			arg_text(n->reason), arg_i64(n->user_id), arg_utc(now),
			arg_text(n->once_key)),
		NULL);
	if (e == ERR_ALREADY)
		return asked_before(db, n, params, id, why);
	if (e != ERR_OK)
		return e;
	*id = db_insert_id(db);
	log_info("approval=%" PRId64 " kind=%s object=%s asked_by=%" PRId64, *id, n->kind,
		n->object, n->user_id);
	return ERR_OK;
}

static const struct approval_kind *kind_find(const char *kind)
{
	for (size_t i = 0; i < approval_kinds_n; i++)
		if (str_eq(approval_kinds[i].kind, kind))
			return &approval_kinds[i];
	return NULL;
}

struct deciding {
	const struct approval_decision *d;
	struct approval *out;
	struct problem *why;
};

static const char *decided_word(const struct approval_decision *d)
{
	return d->approve ? "approved" : "rejected";
}

static enum err may_decide(struct db *db, const struct deciding *g, const struct approval *a,
	const struct approval_kind *kind)
{
	struct id_row found;
	enum err e = db_one(
		db, &Q_MAY, ARGS(arg_i64(g->d->user_id), arg_text(kind->permission)), &found);

	if (e == ERR_NOT_FOUND)
		return problem_set(
			g->why, ERR_FORBIDDEN, "", "deciding this needs %s", kind->permission);
	if (e == ERR_OK && g->d->approve && a->asked_by == g->d->user_id)
		return problem_set(
			g->why, ERR_FORBIDDEN, "", "another person than who asked must approve");
	return e;
}

static enum err apply(struct db *db, const struct deciding *g, const struct approval *a,
	const struct approval_kind *kind)
{
	AUTO(json_free) json_t *params = NULL;
	enum err e = json_parse(a->params, strlen(a->params), &params, NULL);

	if (e != ERR_OK)
		return ERR_INTERNAL;
	return kind->apply(db, a, params, g->d->actor, g->d->now, g->why);
}

static enum err decide_write(struct db *db, const struct approval_decision *d)
{
	enum err e = db_exec(db, &Q_DECIDE,
		ARGS(arg_text(decided_word(d)), arg_i64(d->user_id), arg_utc(d->now),
			arg_text(d->note), arg_i64(d->id)),
		NULL);

	return e == ERR_OK ? audit_add(db,
				     &(struct audit){ d->actor, d->address,
					     d->approve ? "approval.approve" : "approval.reject",
					     "approval", d->id, NULL },
				     NULL, d->now)
			   : e;
}

static enum err decide_tx(struct db *db, void *ctx)
{
	const struct deciding *g = ctx;
	const struct approval_decision *d = g->d;
	const struct approval_kind *kind;
	struct approval a;
	enum err e = db_one(db, &Q_LOCK, ARGS(arg_i64(d->id)), &a);

	if (e != ERR_OK || (d->site_id && a.site_id != d->site_id))
		return e == ERR_OK ? ERR_NOT_FOUND : e;
	kind = kind_find(a.kind);
	if (!kind)
		return ERR_INTERNAL;
	e = may_decide(db, g, &a, kind);
	if (e != ERR_OK)
		return e;
	if (str_eq(a.state, decided_word(d)) && a.decided_by == d->user_id) { /* done before */
		*g->out = a;
		return ERR_OK;
	}
	if (!str_eq(a.state, "pending"))
		return problem_set(g->why, ERR_CONFLICT, "id", "it is %s already", a.state);
	if (d->approve && d->now.ms - a.asked_at.ms > APPROVAL_LIFE_MS)
		return problem_set(g->why, ERR_CONFLICT, "id", "it was asked too long ago");
	if (d->approve)
		e = apply(db, g, &a, kind);
	if (e == ERR_OK)
		e = decide_write(db, d);
	return e == ERR_OK ? db_one(db, &Q_GET, ARGS(arg_i64(d->id)), g->out) : e;
}

enum err approval_decide(
	struct db *db, const struct approval_decision *d, struct approval *out, struct problem *why)
{
	enum err e = db_tx(db, decide_tx, &(struct deciding){ d, out, why });

	if (e == ERR_OK)
		log_info("approval=%" PRId64 " %s by=%s", d->id, decided_word(d), d->actor);
	return e;
}
