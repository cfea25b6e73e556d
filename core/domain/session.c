#include "domain/session.h"

#include <sodium.h>
#include <string.h>

#include "base/log.h"
#include "base/rand.h"
#include "domain/audit.h"

#define AGENT_MAX 201

struct session {
	int64_t id;
	int64_t user_id;
	char family[SESSION_FAMILY_MAX];
	int64_t first_id;
	struct utc since_at;
	struct utc expires_at;
	struct utc used_at;
	struct utc revoked_at;
};
SHAPE(session_shape, struct session, FIELD(struct session, id), FIELD(struct session, user_id),
	FIELD(struct session, family), FIELD(struct session, first_id),
	FIELD(struct session, since_at), FIELD(struct session, expires_at),
	FIELD(struct session, used_at), FIELD(struct session, revoked_at));

struct count_row {
	int64_t n;
};
SHAPE(count_shape, struct count_row, FIELD(struct count_row, n));

static const struct query Q_INSERT = {
	"INSERT INTO session (user_id, family, refresh_sha256, created_at, expires_at, first_id,"
	" since_at, agent, address) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
	NULL
};
static const struct query Q_LOCK = {
	"SELECT id, user_id, family, IF(first_id = 0, id, first_id) AS first_id,"
	" IF(since_at = 0, created_at, since_at) AS since_at, expires_at, used_at, revoked_at"
	" FROM session"
	" WHERE refresh_sha256 = ? FOR UPDATE",
	&session_shape
};
static const struct query Q_SUCCESSORS_USED = {
	"SELECT COUNT(*) AS n FROM session WHERE family = ? AND id > ? AND used_at > 0",
	&count_shape
};
static const struct query Q_USED = { "UPDATE session SET used_at = ? WHERE id = ?", NULL };
static const struct query Q_REVOKE = {
	"UPDATE session SET revoked_at = ? WHERE family = ? AND revoked_at = 0", NULL
};

static void token_sha256(const char *token, char out[static 65])
{
	unsigned char hash[crypto_hash_sha256_BYTES];

	crypto_hash_sha256(hash, (const unsigned char *)token, strlen(token));
	hex_encode(hash, sizeof(hash), out);
}

/* What can be shown and kept of a header. */
static void agent_text(const char *from, char out[static AGENT_MAX])
{
	size_t n = 0;

	for (; from[n] && n < AGENT_MAX - 1; n++)
		out[n] = from[n] >= 0x20 && from[n] < 0x7f ? from[n] : '?';
	out[n] = '\0';
}

/* first: the row that the token comes from; NULL: a login. */
static enum err insert_token(struct db *db, const struct session *first,
	const struct session_from *from, struct utc now, struct session_new *s)
{
	struct utc expires = { now.ms + SESSION_LIFE_MS };
	char sha[65], agent[AGENT_MAX];

	rand_hex(s->token, 32);
	token_sha256(s->token, sha);
	agent_text(from->agent, agent);
	return db_exec(db, &Q_INSERT,
		ARGS(arg_i64(s->user_id), arg_text(s->family), arg_text(sha), arg_utc(now),
			arg_utc(expires), arg_i64(first ? first->first_id : 0),
			arg_utc(first ? first->since_at : now), arg_text(agent),
			arg_text(from->address)),
		NULL);
}

enum err session_start(struct db *db, int64_t user_id, const struct session_from *from,
	struct utc now, struct session_new *out)
{
	struct session_new s = { .user_id = user_id };
	enum err e;

	rand_hex(s.family, 16);
	e = insert_token(db, NULL, from, now, &s);
	if (e == ERR_OK)
		*out = s;
	return e;
}

struct refresh {
	char sha[65];
	const struct session_from *from;
	struct utc now;
	struct session_new made;
	enum err verdict; /* an error of db_tx would undo the revocation */
};

static enum err is_lost_answer(struct db *db, const struct session *s, struct utc now, bool *out)
{
	struct count_row used;
	enum err e =
		db_one(db, &Q_SUCCESSORS_USED, ARGS(arg_text(s->family), arg_i64(s->id)), &used);

	if (e == ERR_OK)
		*out = now.ms - s->used_at.ms <= SESSION_REPEAT_MS && used.n == 0;
	return e;
}

static enum err refresh_tx(struct db *db, void *ctx)
{
	struct refresh *r = ctx;
	bool lost_answer = false;
	struct session s;
	enum err e = db_one(db, &Q_LOCK, ARGS(arg_text(r->sha)), &s);

	r->verdict = ERR_UNAUTHORIZED;
	if (e == ERR_NOT_FOUND)
		return ERR_OK;
	if (e != ERR_OK || s.revoked_at.ms || s.expires_at.ms <= r->now.ms)
		return e;
	if (s.used_at.ms) {
		e = is_lost_answer(db, &s, r->now, &lost_answer);
		if (e == ERR_OK && !lost_answer) {
			log_warn("session=reused user=%lld family=%.8s", (long long)s.user_id,
				s.family);
			return db_exec(
				db, &Q_REVOKE, ARGS(arg_utc(r->now), arg_text(s.family)), NULL);
		}
	} else {
		e = db_exec(db, &Q_USED, ARGS(arg_utc(r->now), arg_i64(s.id)), NULL);
	}
	r->made.user_id = s.user_id;
	ASSERT(str_copy(r->made.family, sizeof(r->made.family), s.family));
	if (e == ERR_OK)
		e = insert_token(db, &s, r->from, r->now, &r->made);
	r->verdict = ERR_OK;
	return e;
}

enum err session_refresh(struct db *db, const char *token, const struct session_from *from,
	struct utc now, struct session_new *out)
{
	struct refresh r = { .from = from, .now = now };
	enum err e;

	token_sha256(token, r.sha);
	e = db_tx(db, refresh_tx, &r);
	if (e != ERR_OK || r.verdict != ERR_OK)
		return e != ERR_OK ? e : r.verdict;
	*out = r.made;
	return ERR_OK;
}

static enum err end_tx(struct db *db, void *ctx)
{
	const struct refresh *r = ctx;
	struct session s;
	enum err e = db_one(db, &Q_LOCK, ARGS(arg_text(r->sha)), &s);

	if (e != ERR_OK)
		return e == ERR_NOT_FOUND ? ERR_OK : e;
	return db_exec(db, &Q_REVOKE, ARGS(arg_utc(r->now), arg_text(s.family)), NULL);
}

enum err session_end(struct db *db, const char *token, struct utc now)
{
	struct refresh r = { .now = now };

	token_sha256(token, r.sha);
	return db_tx(db, end_tx, &r);
}

/* ---- the list of a user ---- */

#define F(member) FIELD(struct session_row, member)
SHAPE(row_shape, struct session_row, F(id), F(family), F(since), F(used_at), F(agent), F(address));
#undef F
/* The last row of a family tells of it. */
#define OPEN                                                                                       \
	" FROM session s WHERE s.user_id = ? AND s.revoked_at = 0 AND s.expires_at > ?"            \
	" AND s.id = (SELECT MAX(x.id) FROM session x WHERE x.family = s.family)"
static const struct query Q_LIST = {
	"SELECT IF(s.first_id = 0, s.id, s.first_id) AS id, s.family,"
	" IF(s.since_at = 0, s.created_at, s.since_at) AS since, s.created_at AS used_at, s.agent,"
	" s.address" OPEN " ORDER BY s.created_at DESC LIMIT 200",
	&row_shape
};

struct family_row {
	char family[SESSION_FAMILY_MAX];
};
SHAPE(family_shape, struct family_row, FIELD(struct family_row, family));
static const struct query Q_FIND = {
	"SELECT s.family" OPEN " AND ? IN (s.first_id, IF(s.first_id = 0, s.id, 0))", &family_shape
};
static const struct query Q_REVOKE_ALL = {
	"UPDATE session SET revoked_at = ? WHERE user_id = ? AND family <> ? AND revoked_at = 0",
	NULL
};

enum err session_list(struct db *db, int64_t user_id, struct utc now, struct rows *out)
{
	return db_list(db, &Q_LIST, ARGS(arg_i64(user_id), arg_utc(now)), out);
}

static enum err revoke_one(struct db *db, const struct session_revoke *r)
{
	struct family_row row;
	enum err e = db_one(
		db, &Q_FIND, ARGS(arg_i64(r->user_id), arg_utc(r->now), arg_i64(r->id)), &row);

	return e == ERR_OK
		       ? db_exec(db, &Q_REVOKE, ARGS(arg_utc(r->now), arg_text(row.family)), NULL)
		       : e;
}

static enum err revoke_tx(struct db *db, void *ctx)
{
	const struct session_revoke *r = ctx;
	enum err e = r->id ? revoke_one(db, r)
			   : db_exec(db, &Q_REVOKE_ALL,
				     ARGS(arg_utc(r->now), arg_i64(r->user_id), arg_text(r->keep)),
				     NULL);

	return e == ERR_OK ? audit_add(db,
				     &(struct audit){ r->actor, r->address, "session.revoke",
					     "user", r->user_id, NULL },
				     NULL, r->now)
			   : e;
}

enum err session_revoke(struct db *db, const struct session_revoke *r)
{
	struct session_revoke copy = *r;

	return db_tx(db, revoke_tx, &copy);
}
