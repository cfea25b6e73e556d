#pragma once
/* MariaDB through prepared statements only. One struct db belongs to one thread at a time.
 *
 * A connection is made when it is needed and again after it was lost: opening never fails because
 * the server is down, calls do (ERR_UNAVAILABLE). Sessions are strict, UTC and READ COMMITTED.
 *
 * Errors of every call: ERR_ALREADY a unique key exists · ERR_NOT_FOUND no row (db_one) · ERR_RETRY
 * deadlock or lock time-out: the transaction is to be run again (db_tx does) · ERR_UNAVAILABLE no
 * connection · ERR_DB anything else; it has been logged. */
#include "base/conf.h"
#include "db/shape.h"

struct db;

struct db_settings {
	char socket[108]; /* unix socket; wins over host */
	char host[128];
	int port;
	char user[64];
	char password[128];
	char name[64];
	unsigned answer_s; /* how long a statement may take; 0: 15 */
};

/* [database] socket|host port user password(_file) name */
MUST_USE enum err db_settings_read(struct conf *c, struct db_settings *out, struct problem *why);

/* Once per process, before threads; and in each thread that used a db, before it ends. */
void db_library_open(void);
void db_thread_end(void);

struct db *db_open(const struct db_settings *s); /* copies the settings; never NULL */
void db_free(struct db **db);
/* A second connection with the same settings, which sees what is committed and nothing of the
 * transaction that runs in the first. Made when first asked for; belongs to db. */
struct db *db_beside(struct db *db);
/* The request that this db works for: audit rows name it. The texts are copied; "": none. */
struct db_request {
	char id[65];
	char address[65]; /* of the client */
	char reason[301]; /* why, as the request says */
};
void db_request_set(struct db *db, const char *id, const char *address, const char *reason);
const struct db_request *db_request(const struct db *db);

/* One statement: constant text, values only as ?. row is the shape of a result row, NULL for
 * writes; the columns must have the names of its fields, in order (checked when prepared). */
struct query {
	const char *sql;
	const struct shape *row;
};

struct arg {
	enum { ARG_NULL, ARG_I64, ARG_TEXT } kind;
	int64_t i;
	const char *text; /* borrowed during the call */
	size_t n;
};
static inline struct arg arg_i64(int64_t v)
{
	return (struct arg){ .kind = ARG_I64, .i = v };
}
static inline struct arg arg_utc(struct utc t)
{
	return arg_i64(t.ms);
}
static inline struct arg arg_money(struct money m)
{
	return arg_i64(m.nano);
}
static inline struct arg arg_qty(struct qty q)
{
	return arg_i64(q.milli);
}
/* An id, where 0 means "none" and is stored as NULL. */
static inline struct arg arg_id(int64_t id)
{
	return id ? arg_i64(id) : (struct arg){ .kind = ARG_NULL };
}
struct arg arg_text(const char *s);
struct arg arg_bytes(const char *s, size_t n);

#define ARGS(...)                                                                                  \
	(const struct arg[]){ __VA_ARGS__ },                                                       \
		sizeof((struct arg[]){ __VA_ARGS__ }) / sizeof(struct arg)
#define NO_ARGS NULL, 0

/* For a query about many rows: SELECT STRAIGHT_JOIN … FROM DB_IDS table t ON t.id = k.id, where k
 * is a table of ids out of one argument, json_ids(). Rows are found, and locked, in their order. */
#define DB_IDS "JSON_TABLE(?, '$[*]' COLUMNS (id BIGINT PATH '$')) k JOIN"

/* Rows in one allocation, and their blobs in another; at is an array of the query's row struct. */
struct rows {
	void *at;
	size_t n;
	uint8_t *blobs;
};
void rows_free(struct rows *r);

/* The row must have no blobs: nobody would own them. */
MUST_USE enum err db_one(
	struct db *db, const struct query *q, const struct arg *args, size_t n, void *row);
MUST_USE enum err db_list(
	struct db *db, const struct query *q, const struct arg *args, size_t n, struct rows *out);
/* Rows one after the other, each in the caller's struct when take() is called, and none kept. Until
 * the last one nothing else may be asked of this db. Any error of take() ends it and is returned.
 * No blobs. Prepared anew each time: the query need not be a constant. */
MUST_USE enum err db_each(struct db *db, const struct query *q, const struct arg *args, size_t n,
	void *row, enum err (*take)(void *ctx), void *ctx);
/* As db_list, but prepared anew each time: the query need not be a constant. */
MUST_USE enum err db_list_anew(
	struct db *db, const struct query *q, const struct arg *args, size_t n, struct rows *out);
/* affected (may be NULL) counts matched rows, also those that already had the new values. */
MUST_USE enum err db_exec(
	struct db *db, const struct query *q, const struct arg *args, size_t n, int64_t *affected);
int64_t db_insert_id(struct db *db); /* of the last db_exec */
/* The statement for n rows at once, bound as arrays; its ? are the fields of the shape, in order.
 */
MUST_USE enum err db_bulk(struct db *db, const struct query *q, const struct shape *shape,
	const void *rows, size_t n);

/* Runs fn inside one transaction and commits. fn may run again (deadlock, lost connection, COMMIT
 * whose answer was lost), so it touches nothing but the database and its own result, and its writes
 * are safe to repeat (once_key). Any error of fn rolls back and is returned. */
MUST_USE enum err db_tx(struct db *db, enum err (*fn)(struct db *, void *), void *ctx);
/* In the transaction that runs already, whose owner ends it, or in one of its own. */
MUST_USE enum err db_join(struct db *db, enum err (*fn)(struct db *, void *), void *ctx);
bool db_in_tx(const struct db *db);

/* Prepares a statement and checks its columns, without running it. */
MUST_USE enum err db_check(struct db *db, const struct query *q);
/* One statement without parameters or result whose text is not a constant: migrations and the
 * upkeep of partitions only. */
MUST_USE enum err db_run(struct db *db, const char *sql);
