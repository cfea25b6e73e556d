#include "db/db.h"

#include <mysql.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/rand.h"

/* Codes of the server and the client library; names as in their manuals. */
enum {
	ER_DUP_ENTRY_CODE = 1062,
	ER_LOCK_WAIT_CODE = 1205,
	ER_DEADLOCK_CODE = 1213,
	ER_CHECKREAD_CODE = 1020,
	ER_TABLE_DEF_CHANGED_CODE = 1412, /* a snapshot older than the table as it is now */
	ER_UNKNOWN_COM_CODE = 1047,	  /* Galera: node without quorum */
	ER_ERROR_DURING_COMMIT_CODE = 1180,
	ER_SHUTDOWN_CODE = 1053,
	ER_KILLED_CODE = 1927,
	ER_STATEMENT_TIMEOUT_CODE = 1969,
	CLIENT_ERRORS = 2000,
	CLIENT_ERRORS_END = 3000,
};

#define LONE_REPEATS 5
#define STATEMENTS_MAX 512 /* slots of the cache; a power of two, twice what a program uses */
#define TRIES_MAX 8
#define TRY_TIME_MS 10000
#define COLUMNS_MAX 64

struct statement {
	const struct query *query;
	MYSQL_STMT *stmt;
};

struct db {
	struct db_settings settings;
	MYSQL *mysql; /* NULL while not connected */
	struct statement statements[STATEMENTS_MAX];
	int64_t insert_id;
	bool in_tx;
	bool broken; /* the server has already undone this transaction: nothing more may run in it
		      */
	struct db *beside; /* NULL until it is asked for */
	struct db_request request;
};

enum err db_settings_read(struct conf *c, struct db_settings *out, struct problem *why)
{
	struct db_settings s = { 0 };
	AUTO(buf_free) struct buf password = { 0 };
	int64_t port;
	enum err e;

	if (!str_copy(s.socket, sizeof(s.socket), conf_text(c, "database", "socket", "")) ||
		!str_copy(s.host, sizeof(s.host), conf_text(c, "database", "host", "localhost")) ||
		!str_copy(s.user, sizeof(s.user), conf_text(c, "database", "user", "yufu")) ||
		!str_copy(s.name, sizeof(s.name), conf_text(c, "database", "name", "yufu")))
		return problem_set(
			why, ERR_OUT_OF_RANGE, "database", "a value of [database] is too long");
	e = conf_int(c, "database", "port", 1, 65535, 3306, &port, why);
	if (e != ERR_OK)
		return e;
	s.port = (int)port;
	e = conf_secret(c, "database", "password", &password);
	if (e == ERR_OK && !str_copy(s.password, sizeof(s.password), password.text))
		return problem_set(
			why, ERR_OUT_OF_RANGE, "password", "the database password is too long");
	*out = s;
	return ERR_OK;
}

void db_library_open(void)
{
	ASSERT(mysql_library_init(0, NULL, NULL) == 0);
}

void db_thread_end(void)
{
	mysql_thread_end();
}

struct db *db_open(const struct db_settings *s)
{
	struct db *db = calloc(1, sizeof(*db));

	ASSERT(db);
	db->settings = *s;
	return db;
}

static void db_disconnect(struct db *db)
{
	for (size_t i = 0; i < STATEMENTS_MAX; i++) {
		if (db->statements[i].stmt)
			mysql_stmt_close(db->statements[i].stmt);
		db->statements[i] = (struct statement){ 0 };
	}
	if (db->mysql)
		mysql_close(db->mysql);
	db->mysql = NULL;
}

void db_free(struct db **db)
{
	if (!*db)
		return;
	db_free(&(*db)->beside);
	db_disconnect(*db);
	free(*db);
	*db = NULL;
}

struct db *db_beside(struct db *db)
{
	if (!db->beside)
		db->beside = db_open(&db->settings);
	return db->beside;
}

void db_request_set(struct db *db, const char *id, const char *address, const char *reason)
{
	snprintf(db->request.id, sizeof(db->request.id), "%s", id);
	snprintf(db->request.address, sizeof(db->request.address), "%s", address);
	str_cut(db->request.reason, sizeof(db->request.reason), reason);
}

const struct db_request *db_request(const struct db *db)
{
	return &db->request;
}

static enum err db_connect(struct db *db)
{
	const struct db_settings *s = &db->settings;
	const unsigned connect_s = 3, io_s = s->answer_s ? s->answer_s : 15;
	MYSQL *m;

	if (db->mysql)
		return ERR_OK;
	m = mysql_init(NULL);
	ASSERT(m);
	mysql_options(m, MYSQL_OPT_CONNECT_TIMEOUT, &connect_s);
	mysql_options(m, MYSQL_OPT_READ_TIMEOUT, &io_s);
	mysql_options(m, MYSQL_OPT_WRITE_TIMEOUT, &io_s);
	mysql_options(m, MYSQL_SET_CHARSET_NAME, "utf8mb4");
	/* A process that stands still in a transaction must not keep its locks from the others: the
	 * server ends it well before a lease does (core/domain/lease.h). */
	mysql_options(m, MYSQL_INIT_COMMAND,
		"SET sql_mode='TRADITIONAL,NO_ENGINE_SUBSTITUTION', time_zone='+00:00',"
		" tx_isolation='READ-COMMITTED', innodb_lock_wait_timeout=5,"
		" idle_transaction_timeout=6");
	if (!mysql_real_connect(m, s->socket[0] ? "localhost" : s->host, s->user, s->password,
		    s->name, (unsigned)s->port, s->socket[0] ? s->socket : NULL,
		    CLIENT_FOUND_ROWS)) {
		log_warn("db=unreachable code=%u why=\"%s\"", mysql_errno(m), mysql_error(m));
		mysql_close(m);
		return ERR_UNAVAILABLE;
	}
	db->mysql = m;
	return ERR_OK;
}

static bool is_lost(unsigned code)
{
	return (code >= CLIENT_ERRORS && code < CLIENT_ERRORS_END && code != 2057) ||
	       code == ER_UNKNOWN_COM_CODE || code == ER_SHUTDOWN_CODE || code == ER_KILLED_CODE;
}

/* Maps a failure; a lost connection is dropped, so that the next call makes a new one. */
static enum err db_failed(struct db *db, unsigned code, const char *why, const char *sql)
{
	switch (code) {
	case ER_DUP_ENTRY_CODE:
		return ERR_ALREADY;
	case ER_LOCK_WAIT_CODE:
	case ER_DEADLOCK_CODE:
	case ER_CHECKREAD_CODE:
	case ER_TABLE_DEF_CHANGED_CODE:
		db->broken = true;
		return ERR_RETRY;
	}
	if (code == ER_STATEMENT_TIMEOUT_CODE)
		return ERR_TIMEOUT;
	if (is_lost(code)) {
		log_warn("db=lost code=%u why=\"%s\"", code, why);
		db->broken = true;
		db_disconnect(db);
		return ERR_UNAVAILABLE;
	}
	log_error("db=refused code=%u why=\"%s\" sql=\"%.160s\"", code, why, sql);
	return ERR_DB;
}

/* The columns of a result must be the fields of the shape, by name and order. */
static bool columns_match(MYSQL_STMT *stmt, const struct query *q)
{
	MYSQL_RES *meta = mysql_stmt_result_metadata(stmt);
	size_t n = meta ? mysql_num_fields(meta) : 0;
	size_t want = q->row ? q->row->n : 0;
	bool same = n == want;

	for (size_t i = 0; same && i < n; i++)
		if (!str_eq(mysql_fetch_field_direct(meta, (unsigned)i)->name,
			    q->row->fields[i].name)) {
			log_error("db=columns have=%s want=%s sql=\"%.120s\"",
				mysql_fetch_field_direct(meta, (unsigned)i)->name,
				q->row->fields[i].name, q->sql);
			same = false;
		}
	if (n != want)
		log_error("db=columns have=%zu want=%zu sql=\"%.120s\"", n, want, q->sql);
	if (meta)
		mysql_free_result(meta);
	return same;
}

static enum err statement_prepare(struct db *db, const struct query *q, MYSQL_STMT **out)
{
	MYSQL_STMT *stmt = mysql_stmt_init(db->mysql);
	unsigned code;
	enum err e;

	ASSERT(stmt);
	if (mysql_stmt_prepare(stmt, q->sql, strlen(q->sql)) != 0) {
		char why[256];

		code = mysql_stmt_errno(stmt);
		snprintf(why, sizeof(why), "%s", mysql_stmt_error(stmt));
		mysql_stmt_close(stmt);
		e = db_failed(db, code, why, q->sql);
		return e;
	}
	if (!columns_match(stmt, q)) {
		mysql_stmt_close(stmt);
		return ERR_DB;
	}
	*out = stmt;
	return ERR_OK;
}

static enum err statement_get(struct db *db, const struct query *q, MYSQL_STMT **out)
{
	size_t slot = ((uintptr_t)q >> 4) * 2654435761U % STATEMENTS_MAX;
	enum err e;

	while (db->statements[slot].query && db->statements[slot].query != q)
		slot = (slot + 1) % STATEMENTS_MAX;
	if (!db->statements[slot].query) {
		e = statement_prepare(db, q, &db->statements[slot].stmt);
		if (e != ERR_OK)
			return e;
		db->statements[slot].query = q;
	}
	*out = db->statements[slot].stmt;
	return ERR_OK;
}

struct arg arg_text(const char *s)
{
	return arg_bytes(s, strlen(s));
}

struct arg arg_bytes(const char *s, size_t n)
{
	return (struct arg){ .kind = ARG_TEXT, .text = s, .n = n };
}

static void bind_args(const struct arg *args, size_t n, MYSQL_BIND *b)
{
	for (size_t i = 0; i < n; i++) {
		b[i] = (MYSQL_BIND){ 0 };
		switch (args[i].kind) {
		case ARG_NULL:
			b[i].buffer_type = MYSQL_TYPE_NULL;
			break;
		case ARG_I64:
			b[i].buffer_type = MYSQL_TYPE_LONGLONG;
			b[i].buffer = (void *)(uintptr_t)&args[i].i;
			break;
		case ARG_TEXT:
			b[i].buffer_type = MYSQL_TYPE_STRING;
			b[i].buffer = (void *)(uintptr_t)args[i].text;
			b[i].buffer_length = (unsigned long)args[i].n;
			break;
		}
	}
}

static enum err statement_failed(struct db *db, MYSQL_STMT *stmt, const struct query *q)
{
	unsigned code = mysql_stmt_errno(stmt);
	char why[256];

	/* What fails while rows come one by one is said of the connection only. */
	snprintf(why, sizeof(why), "%s", code ? mysql_stmt_error(stmt) : mysql_error(db->mysql));
	if (!code)
		code = mysql_errno(db->mysql);
	mysql_stmt_free_result(stmt);
	return db_failed(db, code, why, q->sql);
}

/* A connection for one statement; never a new one in the middle of a transaction. */
static enum err ready(struct db *db)
{
	if (db->in_tx && db->broken)
		return ERR_RETRY;
	return db_connect(db);
}

static enum err start(
	struct db *db, const struct query *q, MYSQL_STMT *stmt, const struct arg *args, size_t n)
{
	MYSQL_BIND binds[COLUMNS_MAX];
	const unsigned single = 0;

	ASSERT(n <= COLUMNS_MAX && mysql_stmt_param_count(stmt) == n);
	mysql_stmt_attr_set(stmt, STMT_ATTR_ARRAY_SIZE, &single); /* db_bulk may have set more */
	bind_args(args, n, binds);
	if ((n > 0 && mysql_stmt_bind_param(stmt, binds) != 0) || mysql_stmt_execute(stmt) != 0)
		return statement_failed(db, stmt, q);
	return ERR_OK;
}

static enum err execute(
	struct db *db, const struct query *q, const struct arg *args, size_t n, MYSQL_STMT **out)
{
	enum err e = ready(db);

	if (e == ERR_OK)
		e = statement_get(db, q, out);
	return e == ERR_OK ? start(db, q, *out, args, n) : e;
}

struct column {
	my_bool null;
	my_bool error;
	unsigned long length;
	int64_t number;
};

static void bind_row(const struct shape *s, char *row, struct column *c, MYSQL_BIND *b)
{
	for (size_t i = 0; i < s->n; i++) {
		const struct field *f = &s->fields[i];

		ASSERT(f->kind != KIND_BORROWED);
		b[i] = (MYSQL_BIND){
			.is_null = &c[i].null, .error = &c[i].error, .length = &c[i].length
		};
		if (f->kind == KIND_TEXT) {
			b[i].buffer_type = MYSQL_TYPE_STRING;
			b[i].buffer = row + f->at;
			b[i].buffer_length = f->size;
		} else if (f->kind == KIND_BLOB) { /* taken by blobs_get() */
			b[i].buffer_type = MYSQL_TYPE_BLOB;
		} else {
			b[i].buffer_type = MYSQL_TYPE_LONGLONG;
			b[i].buffer = &c[i].number;
			b[i].buffer_length = sizeof(c[i].number);
		}
	}
}

/* Moves a fetched row into the struct; false when a value did not fit its member. */
static bool store_row(const struct shape *s, char *row, const struct column *c)
{
	for (size_t i = 0; i < s->n; i++) {
		const struct field *f = &s->fields[i];
		int64_t v = c[i].null ? 0 : c[i].number;

		if (f->kind == KIND_TEXT) {
			if (!c[i].null && c[i].length >= f->size)
				return false;
			row[f->at + (c[i].null ? 0 : c[i].length)] = '\0';
		} else if (f->kind == KIND_BLOB) {
			continue;
		} else if (f->kind == KIND_BOOL) {
			*(bool *)(void *)(row + f->at) = v != 0;
		} else if (f->kind == KIND_I32) {
			if (v < INT32_MIN || v > INT32_MAX)
				return false;
			*(int32_t *)(void *)(row + f->at) = (int32_t)v;
		} else {
			memcpy(row + f->at, &v, sizeof(v));
		}
	}
	return true;
}

/* Blobs of all rows in one growing allocation, one after the other. */
struct blob_heap {
	uint8_t *at;
	size_t n, cap;
};

static bool blobs_get(MYSQL_STMT *stmt, const struct shape *s, char *row, const struct column *c,
	struct blob_heap *heap)
{
	for (unsigned i = 0; i < s->n; i++) {
		struct blob blob = { .n = c[i].null ? 0 : c[i].length };
		MYSQL_BIND b = { .buffer_type = MYSQL_TYPE_BLOB, .buffer_length = blob.n };

		if (s->fields[i].kind != KIND_BLOB)
			continue;
		if (heap->cap - heap->n < blob.n) {
			heap->cap = heap->cap * 2 + blob.n + 4096;
			heap->at = realloc(heap->at, heap->cap);
			ASSERT(heap->at);
		}
		b.buffer = heap->at + heap->n;
		if (blob.n > 0 && mysql_stmt_fetch_column(stmt, &b, i, 0) != 0)
			return false;
		heap->n += blob.n;
		memcpy(row + s->fields[i].at, &blob, sizeof(blob));
	}
	return true;
}

/* Where each blob came to lie, now that they do not move any more. */
static void blobs_place(const struct shape *s, struct rows *r, struct blob_heap *heap)
{
	size_t place = 0;

	for (size_t k = 0; heap->at && k < r->n; k++)
		for (size_t i = 0; i < s->n; i++) {
			char *at = (char *)r->at + k * s->size + s->fields[i].at;
			struct blob blob;

			if (s->fields[i].kind != KIND_BLOB)
				continue;
			memcpy(&blob, at, sizeof(blob));
			blob.at = heap->at + place;
			place += blob.n;
			memcpy(at, &blob, sizeof(blob));
		}
	r->blobs = heap->at;
}

/* Fetches at most max rows into *at (grown as needed). */
static enum err fetch(
	struct db *db, const struct query *q, MYSQL_STMT *stmt, size_t max, struct rows *out)
{
	struct column columns[COLUMNS_MAX];
	MYSQL_BIND binds[COLUMNS_MAX];
	AUTO(rows_free) struct rows r = { 0 };
	struct blob_heap heap = { 0 };
	size_t cap = 0;
	char *row = calloc(1, q->row->size);
	int rc;

	ASSERT(row && q->row->n <= COLUMNS_MAX);
	bind_row(q->row, row, columns, binds);
	if (mysql_stmt_bind_result(stmt, binds) != 0 || mysql_stmt_store_result(stmt) != 0) {
		free(row);
		return statement_failed(db, stmt, q);
	}
	while (r.n < max && ((rc = mysql_stmt_fetch(stmt)) == 0 || rc == MYSQL_DATA_TRUNCATED)) {
		if (r.n == cap) {
			cap = cap ? cap * 2 : (max == 1 ? 1 : 16);
			r.at = realloc(r.at, cap * q->row->size);
			ASSERT(r.at);
		}
		if (!store_row(q->row, row, columns) ||
			!blobs_get(stmt, q->row, row, columns, &heap)) {
			log_error("db=does_not_fit sql=\"%.160s\"", q->sql);
			mysql_stmt_free_result(stmt);
			free(heap.at);
			free(row);
			return ERR_DB;
		}
		memcpy((char *)r.at + r.n++ * q->row->size, row, q->row->size);
	}
	free(row);
	mysql_stmt_free_result(stmt);
	blobs_place(q->row, &r, &heap);
	*out = r;
	r = (struct rows){ 0 };
	return ERR_OK;
}

void rows_free(struct rows *r)
{
	free(r->at);
	free(r->blobs);
	*r = (struct rows){ 0 };
}

/* Reads up to max rows. A connection that died while idle is replaced once, outside transactions.
 */
static enum err read_rows(struct db *db, const struct query *q, const struct arg *args, size_t n,
	size_t max, struct rows *out)
{
	enum err e = ERR_UNAVAILABLE;

	for (int tries = 0; tries < 2 && e == ERR_UNAVAILABLE; tries++) {
		MYSQL_STMT *stmt = NULL;

		e = execute(db, q, args, n, &stmt);
		if (e == ERR_OK)
			e = fetch(db, q, stmt, max, out);
		if (db->in_tx)
			break;
	}
	return e;
}

enum err db_list(
	struct db *db, const struct query *q, const struct arg *args, size_t n, struct rows *out)
{
	return read_rows(db, q, args, n, SIZE_MAX, out);
}

static enum err read_anew(
	struct db *db, const struct query *q, const struct arg *args, size_t n, struct rows *out)
{
	MYSQL_STMT *stmt = NULL;
	enum err e = ready(db);

	if (e == ERR_OK)
		e = statement_prepare(db, q, &stmt);
	if (e != ERR_OK)
		return e;
	e = start(db, q, stmt, args, n);
	if (e == ERR_OK)
		e = fetch(db, q, stmt, SIZE_MAX, out);
	mysql_stmt_close(stmt);
	return e;
}

enum err db_list_anew(
	struct db *db, const struct query *q, const struct arg *args, size_t n, struct rows *out)
{
	enum err e = read_anew(db, q, args, n, out);

	return e == ERR_UNAVAILABLE && !db->in_tx ? read_anew(db, q, args, n, out) : e;
}

static enum err each(struct db *db, const struct query *q, MYSQL_STMT *stmt, void *row,
	enum err (*take)(void *ctx), void *ctx)
{
	struct column columns[COLUMNS_MAX];
	MYSQL_BIND binds[COLUMNS_MAX];
	enum err e = ERR_OK;
	int rc = 0;

	ASSERT(q->row->n <= COLUMNS_MAX);
	bind_row(q->row, row, columns, binds);
	if (mysql_stmt_bind_result(stmt, binds) != 0)
		return statement_failed(db, stmt, q);
	while (e == ERR_OK && ((rc = mysql_stmt_fetch(stmt)) == 0 || rc == MYSQL_DATA_TRUNCATED)) {
		if (store_row(q->row, row, columns)) {
			e = take(ctx);
			continue;
		}
		log_error("db=does_not_fit sql=\"%.160s\"", q->sql);
		e = ERR_DB;
	}
	if (e == ERR_OK && rc != MYSQL_NO_DATA)
		return statement_failed(db, stmt, q);
	mysql_stmt_free_result(stmt);
	return e;
}

enum err db_each(struct db *db, const struct query *q, const struct arg *args, size_t n, void *row,
	enum err (*take)(void *ctx), void *ctx)
{
	MYSQL_STMT *stmt = NULL;
	enum err e = ready(db);

	if (e == ERR_OK)
		e = statement_prepare(db, q, &stmt);
	if (e != ERR_OK)
		return e;
	e = start(db, q, stmt, args, n);
	if (e == ERR_OK)
		e = each(db, q, stmt, row, take, ctx);
	mysql_stmt_close(stmt);
	return e;
}

enum err db_one(struct db *db, const struct query *q, const struct arg *args, size_t n, void *row)
{
	AUTO(rows_free) struct rows r = { 0 };
	enum err e = read_rows(db, q, args, n, 1, &r);

	ASSERT(!r.blobs);
	if (e != ERR_OK)
		return e;
	if (r.n == 0)
		return ERR_NOT_FOUND;
	memcpy(row, r.at, q->row->size);
	return ERR_OK;
}

enum err db_exec(
	struct db *db, const struct query *q, const struct arg *args, size_t n, int64_t *affected)
{
	MYSQL_STMT *stmt = NULL;
	enum err e = execute(db, q, args, n, &stmt);

	/* Alone it is a whole transaction, which the server has undone. */
	for (int i = 0; e == ERR_RETRY && !db->in_tx && i < LONE_REPEATS; i++)
		e = execute(db, q, args, n, &stmt);
	if (e != ERR_OK)
		return e;
	db->insert_id = (int64_t)mysql_stmt_insert_id(stmt);
	if (affected)
		*affected = (int64_t)mysql_stmt_affected_rows(stmt);
	return ERR_OK;
}

int64_t db_insert_id(struct db *db)
{
	return db->insert_id;
}

/* Column-wise arrays of one field over all rows. */
struct bulk_column {
	int64_t *numbers;
	const char **texts;
	unsigned long *lengths;
};

static void bulk_fill(const struct field *f, size_t row_size, const char *rows, size_t n,
	struct bulk_column *c, MYSQL_BIND *b)
{
	bool text = f->kind == KIND_TEXT || f->kind == KIND_BORROWED || f->kind == KIND_BLOB;

	*b = (MYSQL_BIND){ 0 };
	if (text) {
		c->texts = calloc(n, sizeof(*c->texts));
		c->lengths = calloc(n, sizeof(*c->lengths));
		ASSERT(c->texts && c->lengths);
		b->buffer_type = f->kind == KIND_BLOB ? MYSQL_TYPE_BLOB : MYSQL_TYPE_STRING;
		b->buffer = (void *)(uintptr_t)c->texts;
		b->length = c->lengths;
	} else {
		c->numbers = calloc(n, sizeof(*c->numbers));
		ASSERT(c->numbers);
		b->buffer_type = MYSQL_TYPE_LONGLONG;
		b->buffer = c->numbers;
	}
	for (size_t i = 0; i < n; i++) {
		const char *at = rows + i * row_size + f->at;

		if (f->kind == KIND_BLOB) {
			struct blob blob;

			memcpy(&blob, at, sizeof(blob));
			c->texts[i] = (const char *)blob.at;
			c->lengths[i] = blob.n;
		} else if (text) {
			c->texts[i] =
				f->kind == KIND_TEXT ? at : *(const char *const *)(const void *)at;
			c->lengths[i] = (unsigned long)strlen(c->texts[i]);
		} else if (f->kind == KIND_BOOL) {
			c->numbers[i] = *(const bool *)at;
		} else if (f->kind == KIND_I32) {
			c->numbers[i] = *(const int32_t *)(const void *)at;
		} else {
			memcpy(&c->numbers[i], at, sizeof(int64_t));
		}
	}
}

enum err db_bulk(
	struct db *db, const struct query *q, const struct shape *shape, const void *rows, size_t n)
{
	struct bulk_column columns[COLUMNS_MAX] = { 0 };
	MYSQL_BIND binds[COLUMNS_MAX];
	unsigned array_size = (unsigned)n;
	MYSQL_STMT *stmt = NULL;
	enum err e;

	if (n == 0)
		return ERR_OK;
	ASSERT(shape->n <= COLUMNS_MAX && n <= UINT32_MAX);
	e = ready(db);
	if (e == ERR_OK)
		e = statement_get(db, q, &stmt);
	if (e != ERR_OK)
		return e;
	ASSERT(mysql_stmt_param_count(stmt) == shape->n);
	for (size_t i = 0; i < shape->n; i++)
		bulk_fill(&shape->fields[i], shape->size, rows, n, &columns[i], &binds[i]);
	mysql_stmt_attr_set(stmt, STMT_ATTR_ARRAY_SIZE, &array_size);
	if (mysql_stmt_bind_param(stmt, binds) != 0 || mysql_stmt_execute(stmt) != 0)
		e = statement_failed(db, stmt, q);
	for (size_t i = 0; i < shape->n; i++) {
		free(columns[i].numbers);
		free(columns[i].texts);
		free(columns[i].lengths);
	}
	return e;
}

static const struct query Q_BEGIN = { "START TRANSACTION", NULL };
static const struct query Q_COMMIT = { "COMMIT", NULL };
static const struct query Q_ROLLBACK = { "ROLLBACK", NULL };

static void roll_back(struct db *db)
{
	db->in_tx = false;
	/* A connection that cannot roll back is dropped; the server then rolls back by itself. */
	if (db->mysql && db_exec(db, &Q_ROLLBACK, NO_ARGS, NULL) != ERR_OK)
		db_disconnect(db);
}

static enum err try_tx(struct db *db, enum err (*fn)(struct db *, void *), void *ctx)
{
	enum err e = db_exec(db, &Q_BEGIN, NO_ARGS, NULL);

	if (e != ERR_OK)
		return e;
	db->in_tx = true;
	db->broken = false;
	e = fn(db, ctx);
	if (e == ERR_OK && db->broken) /* fn hid a deadlock: the first half is already undone */
		e = ERR_RETRY;
	if (e != ERR_OK) {
		roll_back(db);
		return e;
	}
	/* An answer to COMMIT that is lost leaves the outcome unknown: db_tx runs fn again, and
	 * once_key makes that safe. */
	e = db_exec(db, &Q_COMMIT, NO_ARGS, NULL);
	db->in_tx = false;
	return e;
}

enum err db_tx(struct db *db, enum err (*fn)(struct db *, void *), void *ctx)
{
	int64_t give_up = mono_ms() + TRY_TIME_MS;
	enum err e = ERR_INTERNAL;

	ASSERT(!db->in_tx);
	for (int i = 0; i < TRIES_MAX; i++) {
		e = try_tx(db, fn, ctx);
		if ((e != ERR_RETRY && e != ERR_UNAVAILABLE) || mono_ms() >= give_up)
			break;
		mono_sleep_until(mono_ms() + rand_below(i < 7 ? 10u << i : 1280));
	}
	return e == ERR_RETRY ? ERR_UNAVAILABLE : e;
}

enum err db_join(struct db *db, enum err (*fn)(struct db *, void *), void *ctx)
{
	return db_in_tx(db) ? fn(db, ctx) : db_tx(db, fn, ctx);
}

bool db_in_tx(const struct db *db)
{
	return db->in_tx;
}

enum err db_check(struct db *db, const struct query *q)
{
	MYSQL_STMT *stmt = NULL;
	enum err e = db_connect(db);

	return e != ERR_OK ? e : statement_get(db, q, &stmt);
}

enum err db_run(struct db *db, const char *sql)
{
	enum err e = db_connect(db);

	if (e != ERR_OK)
		return e;
	if (mysql_real_query(db->mysql, sql, strlen(sql)) != 0)
		return db_failed(db, mysql_errno(db->mysql), mysql_error(db->mysql), sql);
	return ERR_OK;
}
