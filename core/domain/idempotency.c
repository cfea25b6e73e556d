#include "domain/idempotency.h"

#include <stdlib.h>
#include <string.h>

#define CLAIM_MS 30000
#define BODY_TEXT_MAX 65536

struct stored {
	char request_sha256[65];
	int64_t status; /* 0: being worked on */
	struct utc created_at;
	char body[BODY_TEXT_MAX];
};
SHAPE(stored_shape, struct stored, FIELD(struct stored, request_sha256),
	FIELD(struct stored, status), FIELD(struct stored, created_at), FIELD(struct stored, body));

static const struct query Q_CLAIM = {
	"INSERT INTO idempotency (user_id, idem_key, request_sha256, status, body, created_at)"
	" VALUES (?, ?, ?, 0, '', ?)",
	NULL
};
static const struct query Q_GET = {
	"SELECT request_sha256, status, created_at, body FROM idempotency"
	" WHERE user_id = ? AND idem_key = ?",
	&stored_shape
};
static const struct query Q_TAKE_OVER = {
	"UPDATE idempotency SET created_at = ? WHERE user_id = ? AND idem_key = ? AND status = 0"
	" AND created_at = ?",
	NULL
};
static const struct query Q_DONE = {
	"UPDATE idempotency SET status = ?, body = ? WHERE user_id = ? AND idem_key = ?", NULL
};
static const struct query Q_UNDONE = {
	"DELETE FROM idempotency WHERE user_id = ? AND idem_key = ? AND status = 0", NULL
};

static void stored_free(struct stored **s)
{
	free(*s);
}

static enum err take_over(
	struct db *db, const struct idempotent *i, const struct stored *s, struct utc now)
{
	int64_t taken = 0;
	enum err e;

	if (now.ms - s->created_at.ms < CLAIM_MS)
		return ERR_CONFLICT;
	e = db_exec(db, &Q_TAKE_OVER,
		ARGS(arg_utc(now), arg_i64(i->user_id), arg_text(i->key), arg_utc(s->created_at)),
		&taken);
	return e == ERR_OK && taken == 0 ? ERR_CONFLICT : e;
}

static enum err answer_of(
	struct db *db, const struct idempotent *i, struct utc now, struct stored_answer *out)
{
	AUTO(stored_free) struct stored *s = calloc(1, sizeof(*s));
	enum err e;

	ASSERT(s);
	e = db_one(db, &Q_GET, ARGS(arg_i64(i->user_id), arg_text(i->key)), s);
	if (e == ERR_NOT_FOUND)
		return ERR_CONFLICT; /* given back this moment: the client may try again */
	if (e != ERR_OK)
		return e;
	if (!str_eq(s->request_sha256, i->request_sha256))
		return ERR_IDEMPOTENCY;
	if (s->status == 0)
		return take_over(db, i, s, now);
	out->status = s->status;
	out->body = strdup(s->body);
	ASSERT(out->body);
	return ERR_ALREADY;
}

enum err idempotent_begin(
	struct db *db, const struct idempotent *i, struct utc now, struct stored_answer *out)
{
	enum err e = db_exec(db, &Q_CLAIM,
		ARGS(arg_i64(i->user_id), arg_text(i->key), arg_text(i->request_sha256),
			arg_utc(now)),
		NULL);

	return e == ERR_ALREADY ? answer_of(db, i, now, out) : e;
}

enum err idempotent_done(
	struct db *db, const struct idempotent *i, int64_t status, const char *body)
{
	return db_exec(db, &Q_DONE,
		ARGS(arg_i64(status), arg_text(body), arg_i64(i->user_id), arg_text(i->key)), NULL);
}

enum err idempotent_undone(struct db *db, const struct idempotent *i)
{
	return db_exec(db, &Q_UNDONE, ARGS(arg_i64(i->user_id), arg_text(i->key)), NULL);
}
