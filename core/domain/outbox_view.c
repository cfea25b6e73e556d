#include "domain/outbox_view.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "domain/audit.h"
#include "domain/scope.h"

#define AGAIN_MS (INT64_C(24) * 3600 * 1000)

#define F(member) FIELD(struct outbox_row, member)
SHAPE(row_shape, struct outbox_row, F(id), F(template), F(state), F(recipient), F(language), F(way),
	F(error), F(notice_id), F(created_at), F(next_at), F(expires_at), F(sent_at),
	F(delivered_at));
#undef F
#define F(member) FIELD(struct outbox_attempt, member)
SHAPE(attempt_shape, struct outbox_attempt, F(outbox_id), F(way), F(at), F(outcome), F(code),
	F(fate_at));
#undef F

#define ROW                                                                                        \
	"SELECT o.id, o.template, o.state, o.recipient, o.language, o.way, o.error,"               \
	" COALESCE(o.notice_id, 0) AS notice_id, o.created_at, o.next_at, o.expires_at,"           \
	" o.sent_at, o.delivered_at FROM outbox o"
/* Of a site: its tenants' messages, login codes of their logins, alarms to its staff. */
#define OF_SITE                                                                                    \
	" (? = 0 OR EXISTS (SELECT 1 FROM tenant t WHERE t.id = o.tenant_id AND ? IN "             \
	"(t.site_id, " SEEN_TENANT("t.id") "))"                                                    \
					   " OR o.template = 'alarm' AND EXISTS (SELECT 1 FROM "   \
					   "duty d WHERE d.phone = o.recipient"                    \
					   " AND d.site_id = ?) OR o.template = 'login_code' AND " \
					   "EXISTS (SELECT 1 FROM user u"                          \
					   " JOIN user_tenant ut ON ut.user_id = u.id JOIN "       \
					   "tenant t ON t.id = ut.tenant_id"                       \
					   " WHERE u.username = o.recipient AND t.site_id = ?))"
const struct listing outbox_listing = {
	.all = { ROW " WHERE" OF_SITE, &row_shape },
	.sorts = { { "id", "o.id" }, { "created_at", "o.created_at" } },
	.order = "-id",
	.filters = { { "state", FILTER_WORD, "o.state = ?",
			     "pending sending sent delivered undelivered failed unknown" },
		{ "kind", FILTER_TEXT, "o.template = ?" }, { "way", FILTER_TEXT, "o.way = ?" },
		{ "from", FILTER_FROM, "o.created_at >= ?" },
		{ "to", FILTER_TO, "o.created_at < ?" } },
};
static const struct query Q_GET = { ROW " WHERE" OF_SITE " AND o.id = ?", &row_shape };
static const struct query Q_ATTEMPTS = {
	"SELECT STRAIGHT_JOIN t.outbox_id, t.way, t.at, t.outcome, t.code, t.fate_at FROM " DB_IDS
	" outbox_try t ON t.outbox_id = k.id ORDER BY t.outbox_id, t.id",
	&attempt_shape
};
static const struct query Q_LOCK = { ROW
	" WHERE o.id = ? AND o.state IN ('failed', 'undelivered', 'unknown') FOR UPDATE",
	&row_shape };
static const struct query Q_AGAIN = {
	"UPDATE outbox SET state = 'pending', way = '', error = '', next_at = ?, expires_at = ?,"
	" tries_from = COALESCE((SELECT MAX(t.id) FROM outbox_try t WHERE t.outbox_id ="
	" outbox.id), 0) WHERE id = ?",
	NULL
};

enum err outbox_attempts(struct db *db, const struct rows *rows, struct rows *out)
{
	AUTO(text_free) char *text = NULL;
	const struct outbox_row *r = rows->at;
	int64_t *ids = calloc(rows->n + 1, sizeof(*ids));

	ASSERT(ids);
	for (size_t i = 0; i < rows->n; i++)
		ids[i] = r[i].id;
	text = json_ids(ids, rows->n);
	free(ids);
	return db_list(db, &Q_ATTEMPTS, ARGS(arg_text(text)), out);
}

enum err outbox_get(struct db *db, int64_t id, int64_t site_id, struct outbox_row *out)
{
	struct arg site = arg_i64(site_id);

	return db_one(db, &Q_GET, ARGS(site, site, site, site, arg_i64(id)), out);
}

struct again {
	const struct outbox_again *a;
	struct problem *why;
};

static enum err again_tx(struct db *db, void *ctx)
{
	const struct again *g = ctx;
	const struct outbox_again *a = g->a;
	struct audit audit = { a->actor, a->address, "notice.retry", "outbox", a->id, NULL };
	struct outbox_row row;
	enum err e = outbox_get(db, a->id, a->site_id, &row);

	if (e != ERR_OK)
		return e;
	if (str_eq(row.template, "login_code"))
		return problem_set(g->why, ERR_CONFLICT, "", "a login code is not sent again");
	e = db_one(db, &Q_LOCK, ARGS(arg_i64(a->id)), &row);
	if (e == ERR_NOT_FOUND)
		return problem_set(g->why, ERR_CONFLICT, "",
			"only what failed, did not arrive or is unknown is sent again");
	if (e == ERR_OK)
		e = db_exec(db, &Q_AGAIN,
			ARGS(arg_utc(a->now), arg_i64(a->now.ms + AGAIN_MS), arg_i64(a->id)), NULL);
	return e == ERR_OK
		       ? audit_add(db, &audit,
				 json_pack("{s:s, s:s}", "kind", row.template, "was", row.state),
				 a->now)
		       : e;
}

enum err outbox_retry(struct db *db, const struct outbox_again *a, struct problem *why)
{
	return db_tx(db, again_tx, &(struct again){ a, why });
}

const char *phone_masked(const char *phone, char buf[static PHONE_MASKED_MAX])
{
	size_t n = strlen(phone);

	if (n < 8 || n > 20)
		snprintf(buf, PHONE_MASKED_MAX, "****");
	else
		snprintf(buf, PHONE_MASKED_MAX, "%.3s****%s", phone, phone + n - 4);
	return buf;
}
