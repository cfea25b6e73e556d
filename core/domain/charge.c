#include "domain/charge.h"

#include <stdlib.h>
#include <string.h>

#include "domain/account.h"
#include "domain/charge_inside.h"

/* ---- lists ---- */

#define LIST_FIRST 16

void *list_add(struct list *l, size_t size)
{
	if (l->n == 0 || (l->n >= LIST_FIRST && (l->n & (l->n - 1)) == 0)) {
		l->at = reallocarray(l->at, l->n ? l->n * 2 : LIST_FIRST, size);
		ASSERT(l->at);
	}
	return memset((char *)l->at + l->n++ * size, 0, size);
}

void list_free(struct list *l)
{
	free(l->at);
	*l = (struct list){ 0 };
}

const void *rows_of(const struct rows *r, size_t size, int64_t meter_id, size_t *n)
{
	const char *at = r->at;
	size_t low = 0, high = r->n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (*(const int64_t *)(const void *)(at + mid * size) < meter_id)
			low = mid + 1;
		else
			high = mid;
	}
	for (*n = 0; low + *n < r->n; ++*n)
		if (*(const int64_t *)(const void *)(at + (low + *n) * size) != meter_id)
			break;
	return *n ? at + low * size : NULL;
}

/* ---- the batch ---- */

struct charge_batch *charge_open(struct tariffs *cache)
{
	struct charge_batch *b = calloc(1, sizeof(*b));

	ASSERT(b);
	b->cache = cache;
	return b;
}

void charges_free(struct charges *c)
{
	free(c->at);
	*c = (struct charges){ 0 };
}

void charge_close(struct charge_batch **b)
{
	struct subject *s;
	struct evidence_row *e;

	if (!*b)
		return;
	s = (*b)->subjects.at;
	e = (*b)->evidence.at;
	for (size_t i = 0; i < (*b)->subjects.n; i++)
		list_free(&s[i].readings);
	for (size_t i = 0; i < (*b)->evidence.n; i++) {
		free((void *)(uintptr_t)e[i].rates);
		free((void *)(uintptr_t)e[i].evidence);
	}
	list_free(&(*b)->subjects);
	rows_free(&(*b)->meters);
	rows_free(&(*b)->holders);
	rows_free(&(*b)->pricings);
	rows_free(&(*b)->ratios);
	list_free(&(*b)->tiers);
	list_free(&(*b)->days);
	list_free(&(*b)->hours);
	list_free(&(*b)->evidence);
	charges_free(&(*b)->sum);
	free(*b);
	*b = NULL;
}

static struct subject *subject_of(const struct charge_batch *b, int64_t meter_id)
{
	const struct rows subjects = { .at = b->subjects.at, .n = b->subjects.n };
	size_t n;
	const void *found = rows_of(&subjects, sizeof(struct subject), meter_id, &n);

	ASSERT(n == 1);
	return (struct subject *)(uintptr_t)found;
}

const struct settled *charge_last(const struct charge_batch *b, int64_t meter_id)
{
	return &subject_of(b, meter_id)->last;
}

void charge_take(struct charge_batch *b, const struct charge_reading *r)
{
	struct charge_reading *added = list_add(&subject_of(b, r->meter_id)->readings, sizeof(*r));

	*added = *r;
}

enum err charge_result(const struct charge_batch *b, int64_t meter_id)
{
	return subject_of(b, meter_id)->result;
}

const struct charges *charge_sums(const struct charge_batch *b)
{
	return &b->sum;
}

/* ---- how far meters are settled ---- */

struct settled_row {
	int64_t meter_id;
	struct settled is;
};
#define SETTLED(member)                                                                            \
	{                                                                                          \
		.name = #member, .at = (uint32_t)offsetof(struct settled_row, is.member),          \
		.size = (uint32_t)sizeof(((struct settled *)0)->member),                           \
		.kind = KIND_OF(((struct settled *)0)->member)                                     \
	}
SHAPE(settled_shape, struct settled_row, FIELD(struct settled_row, meter_id), SETTLED(read_at),
	SETTLED(register_milli), SETTLED(own_ratio), SETTLED(sharp_milli), SETTLED(peak_milli),
	SETTLED(flat_milli), SETTLED(valley_milli));
#define SETTLED_COLUMNS                                                                            \
	" s.meter_id, s.read_at, s.register_milli, s.own_ratio, s.sharp_milli, s.peak_milli,"      \
	" s.flat_milli, s.valley_milli"
static const struct query Q_LOCK = {
	"SELECT" SETTLED_COLUMNS " FROM settled s WHERE s.meter_id = ? FOR UPDATE", &settled_shape
};
static const struct query Q_LOCK_ALL = {
	"SELECT STRAIGHT_JOIN" SETTLED_COLUMNS " FROM " DB_IDS
	" settled s FORCE INDEX (PRIMARY) ON s.meter_id = k.id ORDER BY s.meter_id FOR UPDATE",
	&settled_shape
};
static const struct query Q_SETTLED_SET = {
	"INSERT INTO settled (meter_id, read_at, register_milli, own_ratio, sharp_milli,"
	" peak_milli, flat_milli, valley_milli) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
	" ON DUPLICATE KEY UPDATE read_at = VALUES(read_at),"
	" register_milli = VALUES(register_milli), own_ratio = VALUES(own_ratio),"
	" sharp_milli = VALUES(sharp_milli), peak_milli = VALUES(peak_milli),"
	" flat_milli = VALUES(flat_milli), valley_milli = VALUES(valley_milli)",
	NULL
};

enum err settled_lock(struct db *db, int64_t meter_id, struct settled *out)
{
	struct settled_row s = { 0 };
	enum err e;

	ASSERT(db_in_tx(db));
	e = db_one(db, &Q_LOCK, ARGS(arg_i64(meter_id)), &s);
	if (e != ERR_OK && e != ERR_NOT_FOUND)
		return e;
	*out = s.is;
	return ERR_OK;
}

enum err charge_lock(struct db *db, struct charge_batch *b, const int64_t *meter_ids, size_t n)
{
	AUTO(rows_free) struct rows rows = { 0 };
	AUTO(text_free) char *ids = json_ids(meter_ids, n);
	enum err e;

	ASSERT(db_in_tx(db) && b->subjects.n == 0);
	e = db_list(db, &Q_LOCK_ALL, ARGS(arg_text(ids)), &rows);
	if (e != ERR_OK)
		return e;
	for (size_t i = 0; i < n; i++) {
		struct subject *s = list_add(&b->subjects, sizeof(*s));
		const struct settled_row *row;
		size_t found;

		ASSERT(i == 0 || meter_ids[i - 1] < meter_ids[i]);
		s->meter_id = meter_ids[i];
		row = rows_of(&rows, sizeof(*row), s->meter_id, &found);
		if (row)
			s->last = row->is;
	}
	return ERR_OK;
}

/* A meter without a row has nothing that the sealing of a day could wait for: a row of zeros, which
 * still says "not yet", is its lock. */
static const struct query Q_SETTLED_BEGIN = {
	"INSERT INTO settled (meter_id, read_at, register_milli) VALUES (?, 0, 0)"
	" ON DUPLICATE KEY UPDATE meter_id = VALUES(meter_id)",
	NULL
};

static enum err settled_begin(struct db *db, const struct charge_batch *b)
{
	const struct subject *s = b->subjects.at;
	enum err e = ERR_OK;

	for (size_t i = 0; e == ERR_OK && i < b->subjects.n; i++)
		if (s[i].readings.n > 0 && !s[i].last.read_at.ms)
			e = db_exec(db, &Q_SETTLED_BEGIN, ARGS(arg_i64(s[i].meter_id)), NULL);
	return e;
}

static enum err settled_write(struct db *db, const struct charge_batch *b)
{
	const struct subject *s = b->subjects.at;
	struct list rows = { 0 };
	enum err e;

	for (size_t i = 0; i < b->subjects.n; i++)
		if (s[i].moved) {
			struct settled_row *row = list_add(&rows, sizeof(*row));

			*row = (struct settled_row){ s[i].meter_id, s[i].last };
		}
	e = db_bulk(db, &Q_SETTLED_SET, &settled_shape, rows.at, rows.n);
	list_free(&rows);
	return e;
}

/* ---- writing ---- */

#define F(member) FIELD(struct day_row, member)
SHAPE(day_shape, struct day_row, F(meter_id), F(day), F(book_day), F(contract_id), F(account_id),
	F(tariff_id), F(version_at), F(rate), F(tier), F(price_micro), F(qty_milli),
	F(charge_nano));
#undef F
#define F(member) FIELD(struct hour_row, member)
SHAPE(hour_shape, struct hour_row, F(meter_id), F(hour_at), F(qty_milli), F(charge_nano));
#undef F
#define F(member) FIELD(struct evidence_row, member)
SHAPE(evidence_shape, struct evidence_row, F(meter_id), F(to_at), F(from_at), F(from_milli),
	F(to_milli), F(capacity_milli), F(ratio), F(qty_milli), F(kind), F(rates), F(account_id),
	F(charge_nano), F(evidence));
#undef F

static const struct query Q_DAYS = {
	"INSERT INTO usage_day (meter_id, day, book_day, contract_id, account_id, tariff_id,"
	" version_at, rate, tier, price_micro, qty_milli, charge_nano)"
	" VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
	" ON DUPLICATE KEY UPDATE qty_milli = qty_milli + VALUES(qty_milli),"
	" charge_nano = charge_nano + VALUES(charge_nano)",
	NULL
};
static const struct query Q_HOURS = {
	"INSERT INTO usage_hour (meter_id, hour_at, qty_milli, charge_nano) VALUES (?, ?, ?, ?)"
	" ON DUPLICATE KEY UPDATE qty_milli = qty_milli + VALUES(qty_milli),"
	" charge_nano = charge_nano + VALUES(charge_nano)",
	NULL
};
static const struct query Q_EVIDENCE = {
	"INSERT INTO settlement (meter_id, to_at, from_at, from_milli, to_milli, capacity_milli,"
	" ratio, qty_milli, kind, rates, account_id, charge_nano, evidence)"
	" VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, NULLIF(?, 0), ?, ?)",
	NULL
};
static enum err write(struct db *db, struct charge_batch *b)
{
	enum err e = db_bulk(db, &Q_DAYS, &day_shape, b->days.at, b->days.n);

	if (e == ERR_OK)
		e = db_bulk(db, &Q_HOURS, &hour_shape, b->hours.at, b->hours.n);
	if (e == ERR_OK)
		e = db_bulk(db, &Q_EVIDENCE, &evidence_shape, b->evidence.at, b->evidence.n);
	if (e == ERR_OK)
		e = tiers_store(db, b);
	return e == ERR_OK ? settled_write(db, b) : e;
}

/* ---- the whole ---- */

static enum err work_all(struct db *db, struct charge_batch *b, struct subject *s)
{
	const struct charge_reading *r = s->readings.at;
	enum err e = ERR_OK;

	for (size_t i = 0; e == ERR_OK && i < s->readings.n; i++)
		e = charge_work(db, b, s, &r[i]);
	if (e == ERR_NOT_FOUND) {
		s->result = e;
		return ERR_OK;
	}
	return e;
}

enum err charge_run(struct db *db, struct charge_batch *b)
{
	struct subject *s = b->subjects.at;
	enum err e;

	ASSERT(db_in_tx(db));
	e = settled_begin(db, b);
	if (e == ERR_OK)
		e = charge_load(db, b);
	for (size_t i = 0; e == ERR_OK && i < b->subjects.n; i++)
		e = work_all(db, b, &s[i]);

	return e == ERR_OK ? write(db, b) : e;
}

enum err charges_add(struct charges *c, int64_t account_id, struct money m)
{
	struct list l = { c->at, c->n };
	size_t i = c->n;

	while (i > 0 && c->at[i - 1].account_id != account_id)
		i--;
	if (i == 0) {
		struct charge_sum *added = list_add(&l, sizeof(*added));

		added->account_id = account_id;
		*c = (struct charges){ l.at, l.n };
		i = l.n;
	}
	return money_add(c->at[i - 1].sum, m, &c->at[i - 1].sum);
}

enum err charge_settle(struct db *db, struct tariffs *cache, const struct charge_reading *r,
	const struct settled *last, struct charges *sum)
{
	AUTO(charge_close) struct charge_batch *b = charge_open(cache);
	struct subject *s = list_add(&b->subjects, sizeof(*s));
	enum err e;

	s->meter_id = r->meter_id;
	s->last = *last;
	charge_take(b, r);
	e = charge_run(db, b);
	if (e == ERR_OK)
		e = s->result;
	for (size_t i = 0; e == ERR_OK && i < b->sum.n; i++)
		e = charges_add(sum, b->sum.at[i].account_id, b->sum.at[i].sum);
	return e;
}

static const struct query Q_REBASE = {
	"INSERT INTO settlement (meter_id, to_at, from_at, from_milli, to_milli, qty_milli, kind,"
	" charge_nano, evidence) VALUES (?, ?, ?, ?, ?, 0, 'rebase', 0, '[]')",
	NULL
};

enum err charge_rebase(struct db *db, const struct charge_reading *r, const struct settled *last)
{
	const struct settled_row now = { r->meter_id, settled_after(r) };
	enum err e;

	ASSERT(db_in_tx(db));
	if (r->at.ms <= last->read_at.ms)
		return ERR_OUT_OF_RANGE;
	e = db_exec(db, &Q_REBASE,
		ARGS(arg_i64(r->meter_id), arg_utc(r->at), arg_utc(last->read_at),
			arg_qty(last->register_milli), arg_qty(r->reg)),
		NULL);
	return e == ERR_OK ? db_bulk(db, &Q_SETTLED_SET, &settled_shape, &now, 1) : e;
}

struct take_row {
	struct money sum;
	int64_t account_id;
};
#define F(member) FIELD(struct take_row, member)
SHAPE(take_shape, struct take_row, F(sum), F(sum), F(sum), F(account_id));
#undef F
/* Use spends the subsidy in a purse first; what a correction gives back is the tenant's own. */
static const struct query Q_TAKE = {
	"UPDATE account SET balance_nano = balance_nano - ?,"
	" subsidy_nano = GREATEST(0, subsidy_nano - GREATEST(0, ?)),"
	" allowance_nano = GREATEST(0, allowance_nano - GREATEST(0, ?)) WHERE id = ?",
	NULL
};

static int by_account(const void *a, const void *b)
{
	const struct take_row *x = a, *y = b;

	return (x->account_id > y->account_id) - (x->account_id < y->account_id);
}

enum err charge_post(struct db *db, const struct charges *sum, struct utc now)
{
	struct take_row *rows;
	int64_t *ids;
	enum err e;

	ASSERT(db_in_tx(db));
	if (sum->n == 0)
		return ERR_OK;
	rows = calloc(sum->n, sizeof(*rows));
	ids = calloc(sum->n, sizeof(*ids));
	ASSERT(rows && ids);
	for (size_t i = 0; i < sum->n; i++)
		rows[i] = (struct take_row){ sum->at[i].sum, sum->at[i].account_id };
	qsort(rows, sum->n, sizeof(*rows), by_account);
	for (size_t i = 0; i < sum->n; i++)
		ids[i] = rows[i].account_id;
	e = db_bulk(db, &Q_TAKE, &take_shape, rows, sum->n);
	if (e == ERR_OK)
		e = accounts_changed(db, ids, sum->n, now);
	free(rows);
	free(ids);
	return e;
}
