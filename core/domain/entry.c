#include "domain/entry.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "domain/chart.h"

#define POSTINGS_MAX 64

static const struct query Q_INSERT = {
	"INSERT INTO entry (site_id, kind, once_key, reference, actor, book_day, created_at, memo)"
	" VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
	NULL
};
static const struct query Q_FIND = { "SELECT id FROM entry WHERE once_key = ?", &id_shape };
static const struct query Q_CLOSED = {
	"SELECT site_id AS id FROM book_day WHERE site_id = ? AND day >= ? LIMIT 1", &id_shape
};
struct line_row {
	int64_t entry_id, line, account_id, amount_nano;
};
#define F(member) FIELD(struct line_row, member)
SHAPE(line_shape, struct line_row, F(entry_id), F(line), F(account_id), F(amount_nano));
#undef F
static const struct query Q_POSTING = {
	"INSERT INTO posting (entry_id, line, account_id, amount_nano) VALUES (?, ?, ?, ?)", NULL
};
static const struct query Q_MOVE = {
	"UPDATE account SET balance_nano = balance_nano + ?, seen = seen + 1"
	" WHERE id = ? AND kind = 'purse'",
	NULL
};
/* Assignments see those before them. Subsidy that only fills a negative balance is spent at once.
 */
static const struct query Q_MOVE_SUBSIDY = {
	"UPDATE account SET balance_nano = balance_nano + ?, seen = seen + 1,"
	" subsidy_nano = GREATEST(0, subsidy_nano + LEAST(?, GREATEST(0, balance_nano))),"
	" allowance_nano = LEAST(subsidy_nano, GREATEST(0, allowance_nano + ?))"
	" WHERE id = ? AND kind = 'purse'",
	NULL
};
static const struct query Q_MOVE_SPEND = {
	"UPDATE account SET balance_nano = balance_nano + ?, seen = seen + 1,"
	" subsidy_nano = GREATEST(0, subsidy_nano + LEAST(0, ?)),"
	" allowance_nano = GREATEST(0, allowance_nano + LEAST(0, ?))"
	" WHERE id = ? AND kind = 'purse'",
	NULL
};
static const struct query Q_COMPANY = { "SELECT id FROM account WHERE code = ?", &id_shape };
static const struct query Q_COMPANY_ADD = { "INSERT INTO account (code, kind) VALUES (?, ?)",
	NULL };

static bool sums_to_zero(const struct posting *p, size_t n)
{
	__int128 sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += p[i].amount.nano;
	return sum == 0;
}

static int by_account(const void *a, const void *b)
{
	const struct posting *x = a, *y = b;

	return x->account_id < y->account_id ? -1 : x->account_id > y->account_id;
}

static enum err lines_write(struct db *db, int64_t entry_id, const struct posting *p, size_t n)
{
	struct line_row rows[POSTINGS_MAX];

	for (size_t i = 0; i < n; i++)
		rows[i] = (struct line_row){ entry_id, (int64_t)i + 1, p[i].account_id,
			p[i].amount.nano };
	return db_bulk(db, &Q_POSTING, &line_shape, rows, n);
}

static enum err purse_move(struct db *db, const char *kind, const struct posting *p)
{
	const struct entry_kind *k = entry_kind_find(kind);
	enum subsidy_effect effect = k ? k->subsidy : SUBSIDY_KEPT;
	struct money allowance = str_eq(kind, "allowance") ? p->amount : (struct money){ 0 };

	if (effect == SUBSIDY_MOVED)
		return db_exec(db, &Q_MOVE_SUBSIDY,
			ARGS(arg_money(p->amount), arg_money(p->amount), arg_money(allowance),
				arg_i64(p->account_id)),
			NULL);
	if (effect == SUBSIDY_SPENT)
		return db_exec(db, &Q_MOVE_SPEND,
			ARGS(arg_money(p->amount), arg_money(p->amount), arg_money(p->amount),
				arg_i64(p->account_id)),
			NULL);
	return db_exec(db, &Q_MOVE, ARGS(arg_money(p->amount), arg_i64(p->account_id)), NULL);
}

/* Purses are locked first and in ascending id; company accounts, which every entry shares, only by
 * the foreign key: so no two entries wait for each other. */
static enum err postings_write(
	struct db *db, int64_t entry_id, const struct entry *en, const struct posting *p, size_t n)
{
	const char *kind = en->undoes ? en->undoes : en->kind;
	struct posting sorted[POSTINGS_MAX];
	enum err e = ERR_OK;

	memcpy(sorted, p, n * sizeof(*p));
	qsort(sorted, n, sizeof(*sorted), by_account);
	for (size_t i = 0; e == ERR_OK && i < n; i++)
		if (sorted[i].purse)
			e = purse_move(db, kind, &sorted[i]);
	return e == ERR_OK ? lines_write(db, entry_id, p, n) : e;
}

/* To be asked after the entry was inserted: whoever closes the day reads its entries later, under a
 * lock that waits for this one. */
static enum err day_is_open(struct db *db, const struct entry *en)
{
	struct id_row closed;
	char day[DAY_TEXT_MAX];
	enum err e = db_one(db, &Q_CLOSED,
		ARGS(arg_i64(en->site_id), arg_text(day_text(en->book_day, day))), &closed);

	if (e != ERR_OK)
		return e == ERR_NOT_FOUND ? ERR_OK : e;
	log_error("entry=%s once_key=%s book_day=%s is closed", en->kind, en->once_key, day);
	return ERR_CONFLICT;
}

static enum err entry_write(
	struct db *db, const struct entry *en, const struct posting *p, size_t n, int64_t *entry_id)
{
	struct id_row first;
	char day[DAY_TEXT_MAX];
	enum err e;

	ASSERT(db_in_tx(db) && n >= 2 && n <= POSTINGS_MAX);
	if (!sums_to_zero(p, n)) {
		log_error(
			"entry=%s once_key=%s postings do not sum to zero", en->kind, en->once_key);
		return ERR_INTERNAL;
	}
	e = db_exec(db, &Q_INSERT,
		ARGS(arg_i64(en->site_id), arg_text(en->kind), arg_text(en->once_key),
			arg_text(en->reference), arg_text(en->actor),
			arg_text(day_text(en->book_day, day)), arg_utc(en->at), arg_text(en->memo)),
		NULL);
	if (e == ERR_ALREADY) {
		enum err found = db_one(db, &Q_FIND, ARGS(arg_text(en->once_key)), &first);

		if (found != ERR_OK)
			return found;
		*entry_id = first.id;
		return ERR_ALREADY;
	}
	if (e == ERR_OK)
		*entry_id = db_insert_id(db);
	return e;
}

enum err entry_post(
	struct db *db, const struct entry *en, const struct posting *p, size_t n, int64_t *entry_id)
{
	int64_t id = 0;
	enum err e = entry_write(db, en, p, n, &id);

	if (e == ERR_OK) {
		e = day_is_open(db, en);
		if (e == ERR_OK)
			e = postings_write(db, id, en, p, n);
	}
	if (e == ERR_OK || e == ERR_ALREADY)
		*entry_id = id;
	return e;
}

enum err entry_post_taken(
	struct db *db, const struct entry *en, const struct posting *p, size_t n, int64_t *entry_id)
{
	int64_t id = 0;
	enum err e = entry_write(db, en, p, n, &id);

	if (e == ERR_OK)
		e = lines_write(db, id, p, n);
	if (e == ERR_OK || e == ERR_ALREADY)
		*entry_id = id;
	return e;
}

enum err account_company(struct db *db, const char *code, int64_t *id)
{
	const struct chart_row *c = chart_of_code(code);
	struct id_row row;
	enum err e;

	if (!c) {
		log_error("account=%s is not in the chart", code);
		return ERR_INTERNAL;
	}
	e = db_one(db, &Q_COMPANY, ARGS(arg_text(code)), &row);
	if (e == ERR_NOT_FOUND) {
		e = db_exec(db, &Q_COMPANY_ADD, ARGS(arg_text(code), arg_text(c->kind)), NULL);
		row.id = db_insert_id(db);
		if (e == ERR_ALREADY) /* another process was first */
			e = db_one(db, &Q_COMPANY, ARGS(arg_text(code)), &row);
	}
	if (e == ERR_OK)
		*id = row.id;
	return e;
}
