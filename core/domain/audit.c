#include "domain/audit.h"

#include <inttypes.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

#include "domain/audit_view.h"
#include "domain/scope.h"

#define CHAIN_BATCH 1000
#define CHAIN_BACK 20000 /* ids: no transaction is overtaken by so many */

static const struct query Q_ADD = {
	"INSERT INTO audit (at, actor, address, action, object, detail, outcome, site_id,"
	" request_id, reason, before_doc, after_doc) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
	NULL
};

/* What the object was before this transaction, and what it is now. */
struct change {
	int64_t site_id;
	char *before, *after; /* JSON of what differs; NULL: nothing */
};

static void change_free(struct change *c)
{
	text_free(&c->before);
	text_free(&c->after);
}

/* Taken over; NULL for an object without members, which says nothing. */
static char *diff_text(json_t *part)
{
	char *text = json_object_size(part) ? json_text(part) : NULL;

	json_decref(part);
	return text;
}

/* The connection beside sees what was committed: the object as it was. */
static enum err change_find(struct db *db, const struct audit *a, struct change *c)
{
	AUTO(json_free) json_t *before = NULL;
	AUTO(json_free) json_t *after = NULL;
	json_t *was = NULL, *is = NULL;
	enum err e = ERR_OK;

	if (a->outcome && !str_eq(a->outcome, "ok"))
		return audit_view(db, a->object, a->id, &after, &c->site_id);
	if (db_in_tx(db))
		e = audit_view(db_beside(db), a->object, a->id, &before, &c->site_id);
	if (e == ERR_OK)
		e = audit_view(db, a->object, a->id, &after, &c->site_id);
	if (e != ERR_OK || !db_in_tx(db))
		return e;
	audit_diff(before, after, &was, &is);
	c->before = diff_text(was);
	c->after = diff_text(is);
	return ERR_OK;
}

enum err audit_add(struct db *db, const struct audit *a, json_t *detail, struct utc now)
{
	AUTO(json_free) json_t *owned = detail ? detail : json_object();
	AUTO(change_free) struct change c = { 0 };
	AUTO(text_free) char *text = NULL;
	const char *why = json_string_value(json_object_get(owned, "reason"));
	char object[65], reason[301];
	enum err e = change_find(db, a, &c);

	if (e != ERR_OK)
		return e;
	str_cut(reason, sizeof(reason), why ? why : db_request(db)->reason);
	json_object_del(owned, "reason");
	text = json_text(owned);
	if (a->id)
		snprintf(object, sizeof(object), "%s:%" PRId64, a->object, a->id);
	else
		snprintf(object, sizeof(object), "%s", a->object);
	return db_exec(db, &Q_ADD,
		ARGS(arg_utc(now), arg_text(a->actor),
			arg_text(a->address[0] ? a->address : db_request(db)->address),
			arg_text(a->action), arg_text(object), arg_text(text),
			arg_text(a->outcome ? a->outcome : "ok"), arg_i64(c.site_id),
			arg_text(db_request(db)->id), arg_text(reason),
			arg_text(c.before ? c.before : ""), arg_text(c.after ? c.after : "")),
		NULL);
}

static const struct query Q_HAS = {
	"SELECT EXISTS (SELECT 1 FROM audit WHERE request_id = ? AND at >= ?"
	" AND (outcome <> 'ok') = ?) AS id",
	&id_shape
};

enum err audit_has(struct db *db, const char *request_id, struct utc since, bool refused, bool *out)
{
	struct id_row row = { 0 };
	enum err e = db_one(
		db, &Q_HAS, ARGS(arg_text(request_id), arg_utc(since), arg_i64(refused)), &row);

	*out = row.id != 0;
	return e;
}

/* ---- the chain ---- */

/* The text of a row: numbers as such, texts behind their length in bytes. audit.md says the same to
 * who checks an export. */
#define CHAIN_TEXT                                                                                 \
	" CONCAT_WS(' ', 'audit', u.id, u.at,"                                                     \
	" CONCAT(OCTET_LENGTH(u.actor), ':', u.actor),"                                            \
	" CONCAT(OCTET_LENGTH(u.address), ':', u.address),"                                        \
	" CONCAT(OCTET_LENGTH(u.action), ':', u.action),"                                          \
	" CONCAT(OCTET_LENGTH(u.object), ':', u.object),"                                          \
	" CONCAT(OCTET_LENGTH(u.outcome), ':', u.outcome), u.site_id,"                             \
	" CONCAT(OCTET_LENGTH(u.request_id), ':', u.request_id),"                                  \
	" CONCAT(OCTET_LENGTH(u.reason), ':', u.reason),"                                          \
	" CONCAT(OCTET_LENGTH(u.detail), ':', u.detail),"                                          \
	" CONCAT(OCTET_LENGTH(u.before_doc), ':', u.before_doc),"                                  \
	" CONCAT(OCTET_LENGTH(u.after_doc), ':', u.after_doc)) AS text"

struct text_row {
	int64_t id;
	struct blob text;
};
SHAPE(text_shape, struct text_row, FIELD(struct text_row, id), FIELD(struct text_row, text));
static const struct query Q_LOOSE = { "SELECT u.id," CHAIN_TEXT
				      " FROM audit u LEFT JOIN audit_chain c ON c.audit_id = u.id"
				      " WHERE u.id > ? AND c.n IS NULL ORDER BY u.id LIMIT ?",
	&text_shape };
struct head_row {
	int64_t n;
	char sha256[AUDIT_SHA256];
	int64_t newest;
};
SHAPE(head_shape, struct head_row, FIELD(struct head_row, n), FIELD(struct head_row, sha256),
	FIELD(struct head_row, newest));
static const struct query Q_HEAD = { "SELECT n, sha256, (SELECT MAX(audit_id) FROM audit_chain)"
				     " AS newest FROM audit_chain ORDER BY n DESC LIMIT 1",
	&head_shape };
struct link {
	int64_t n;
	int64_t audit_id;
	char sha256[AUDIT_SHA256];
};
SHAPE(link_shape, struct link, FIELD(struct link, n), FIELD(struct link, audit_id),
	FIELD(struct link, sha256));
static const struct query Q_LINK = {
	"INSERT INTO audit_chain (n, audit_id, sha256) VALUES (?, ?, ?)", NULL
};

static void link_hash(const char *before, const void *text, size_t n, char out[static AUDIT_SHA256])
{
	unsigned char digest[32];
	EVP_MD_CTX *md = EVP_MD_CTX_new();

	ASSERT(md && EVP_DigestInit_ex(md, EVP_sha256(), NULL) == 1);
	ASSERT(EVP_DigestUpdate(md, before, strlen(before)) == 1);
	ASSERT(EVP_DigestUpdate(md, "\n", 1) == 1);
	ASSERT(EVP_DigestUpdate(md, text, n) == 1);
	ASSERT(EVP_DigestFinal_ex(md, digest, NULL) == 1);
	EVP_MD_CTX_free(md);
	hex_encode(digest, sizeof(digest), out);
}

static void zeros(char out[static AUDIT_SHA256])
{
	memset(out, '0', AUDIT_SHA256 - 1);
	out[AUDIT_SHA256 - 1] = '\0';
}

static enum err head_find(struct db *db, struct head_row *head)
{
	enum err e = db_one(db, &Q_HEAD, NO_ARGS, head);

	if (e != ERR_NOT_FOUND)
		return e;
	*head = (struct head_row){ 0 };
	zeros(head->sha256);
	return ERR_OK;
}

struct chaining {
	bool all;
	struct audit_head *head;
	int64_t *added;
};

static enum err chain_tx(struct db *db, void *ctx)
{
	const struct chaining *g = ctx;
	AUTO(rows_free) struct rows rows = { 0 };
	struct link links[CHAIN_BATCH];
	const struct text_row *t;
	struct head_row head;
	enum err e = head_find(db, &head);

	if (e == ERR_OK)
		e = db_list(db, &Q_LOOSE,
			ARGS(arg_i64(g->all ? 0 : head.newest - CHAIN_BACK), arg_i64(CHAIN_BATCH)),
			&rows);
	if (e != ERR_OK)
		return e;
	t = rows.at;
	for (size_t i = 0; i < rows.n; i++) {
		char hash[AUDIT_SHA256];

		link_hash(head.sha256, t[i].text.at, t[i].text.n, hash);
		memcpy(head.sha256, hash, sizeof(hash));
		links[i] = (struct link){ .n = ++head.n, .audit_id = t[i].id };
		memcpy(links[i].sha256, hash, sizeof(hash));
	}
	*g->added = (int64_t)rows.n;
	g->head->n = head.n;
	memcpy(g->head->sha256, head.sha256, sizeof(head.sha256));
	return db_bulk(db, &Q_LINK, &link_shape, links, rows.n);
}

enum err audit_chain(struct db *db, bool all, struct audit_head *head, int64_t *added)
{
	struct chaining g = { all, head, added };
	enum err e = db_tx(db, chain_tx, &g);

	if (e == ERR_ALREADY) { /* another worker was faster */
		*added = 0;
		return ERR_OK;
	}
	return e;
}

/* ---- reading ---- */

#define F(member) FIELD(struct audit_row, member)
SHAPE(audit_shape, struct audit_row, F(id), F(at), F(actor), F(actor_name), F(address), F(action),
	F(object), F(outcome), F(reason), F(request_id), F(site_id), F(n), F(sha256), F(detail),
	F(before_doc), F(after_doc));
#undef F
#define COLUMNS                                                                                    \
	"SELECT u.id, u.at, u.actor, COALESCE(y.name, '') AS actor_name, u.address, u.action,"     \
	" u.object, u.outcome, u.reason, u.request_id, u.site_id, COALESCE(c.n, 0) AS n,"          \
	" COALESCE(c.sha256, '') AS sha256, u.detail, u.before_doc, u.after_doc"
#define ACTOR_NAME                                                                                 \
	" LEFT JOIN user y ON u.actor LIKE 'user:%' AND y.id = CAST(SUBSTR(u.actor, 6) AS SIGNED)"
#define CHAINED " LEFT JOIN audit_chain c ON c.audit_id = u.id"
#define ROWS                                                                                       \
	COLUMNS " FROM audit u" CHAINED ACTOR_NAME " WHERE ? IN (0, u.site_id, " SEEN_NAMED(       \
		"u.object") ", " SEEN_DOING("u.actor") ")"
const struct listing audit_listing = {
	.all = { ROWS, &audit_shape },
	.sorts = { { "id", "u.id" }, { "at", "u.at" } },
	.order = "-id",
	.filters = { { "actor", FILTER_TEXT, "u.actor = ?" },
		{ "action", FILTER_TEXT, "u.action = ?" },
		{ "object", FILTER_TEXT, "u.object = ? OR u.object LIKE CONCAT(?, ':%')" },
		{ "outcome", FILTER_TEXT,
			"u.outcome = ? OR (? = 'refused' AND u.outcome <> 'ok')" },
		{ "q", FILTER_TEXT,
			"LOCATE(?, u.actor) OR LOCATE(?, u.object) OR LOCATE(?, u.reason)"
			" OR LOCATE(?, u.detail) OR LOCATE(?, u.action)" },
		{ "from", FILTER_FROM, "u.at >= ?" }, { "to", FILTER_TO, "u.at < ?" } },
};
static const struct query Q_GET = { ROWS " AND u.id = ?", &audit_shape };
static const struct query Q_CHAINED = { COLUMNS
	" FROM audit_chain c JOIN audit u ON u.id = c.audit_id" ACTOR_NAME
	" WHERE c.n >= ? ORDER BY c.n LIMIT ?",
	&audit_shape };
static const struct query Q_HASH = { "SELECT n, sha256, 0 AS newest FROM audit_chain WHERE n = ?",
	&head_shape };
struct span_row {
	int64_t first, last;
};
SHAPE(span_shape, struct span_row, FIELD(struct span_row, first), FIELD(struct span_row, last));
static const struct query Q_SPAN = {
	"SELECT COALESCE(MIN(c.n), 0) AS first, COALESCE(MAX(c.n), 0) AS last FROM audit u"
	" JOIN audit_chain c ON c.audit_id = u.id WHERE u.at >= ? AND u.at < ?",
	&span_shape
};

static struct arg to_arg(struct utc to)
{
	return arg_i64(to.ms ? to.ms : INT64_MAX);
}

enum err audit_get(struct db *db, int64_t site_id, int64_t id, struct rows *out)
{
	return db_list(db, &Q_GET, ARGS(arg_i64(site_id), arg_i64(id)), out);
}

enum err audit_chained(struct db *db, int64_t from_n, int64_t max, struct rows *out)
{
	return db_list(db, &Q_CHAINED, ARGS(arg_i64(from_n), arg_i64(max)), out);
}

enum err audit_span(struct db *db, struct utc from, struct utc to, int64_t *first, int64_t *last)
{
	struct span_row row = { 0 };
	enum err e = db_one(db, &Q_SPAN, ARGS(arg_utc(from), to_arg(to)), &row);

	*first = row.first;
	*last = row.last;
	return e;
}

enum err audit_hash_at(struct db *db, int64_t n, char out[static AUDIT_SHA256])
{
	struct head_row row;
	enum err e;

	zeros(out);
	if (n == 0)
		return ERR_OK;
	e = db_one(db, &Q_HASH, ARGS(arg_i64(n)), &row);
	if (e == ERR_OK)
		memcpy(out, row.sha256, sizeof(row.sha256));
	return e;
}
