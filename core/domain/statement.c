#include "domain/statement.h"

#include <stdlib.h>
#include <string.h>

#define MOVEMENTS_MAX 5000

struct posted {
	int64_t entry_id;
	char kind[25];
	char memo[801];
	char reference[65];
	char book_day[DAY_TEXT_MAX];
	struct utc at;
	struct money amount;
};
#define F(member) FIELD(struct posted, member)
SHAPE(posted_shape, struct posted, F(entry_id), F(kind), F(memo), F(reference), F(book_day), F(at),
	F(amount));
#undef F
/* Newest first; everything since from, because the balance is known only now. */
static const struct query Q_POSTED = {
	"SELECT e.id AS entry_id, e.kind, e.memo, e.reference, e.book_day, e.created_at AS at,"
	" CAST(SUM(g.amount_nano) AS SIGNED) AS amount FROM posting g JOIN entry e"
	" ON e.id = g.entry_id WHERE g.account_id = ? AND e.created_at >= ?"
	" GROUP BY e.id ORDER BY e.created_at DESC, e.id DESC LIMIT 5001",
	&posted_shape
};

struct open_day {
	char day[DAY_TEXT_MAX];
	char book_day[DAY_TEXT_MAX];
	char utility[12];
	struct qty qty;
	struct money charge;
};
#define F(member) FIELD(struct open_day, member)
SHAPE(open_day_shape, struct open_day, F(day), F(book_day), F(utility), F(qty), F(charge));
#undef F
static const struct query Q_OPEN_DAYS = {
	"SELECT u.day, u.book_day, m.utility, CAST(SUM(u.qty_milli) AS SIGNED) AS qty,"
	" CAST(SUM(u.charge_nano) AS SIGNED) AS charge FROM usage_day u"
	" JOIN meter m ON m.id = u.meter_id WHERE u.account_id = ? AND NOT u.sealed"
	" GROUP BY u.day, u.book_day, m.utility HAVING qty <> 0 OR charge <> 0"
	" ORDER BY u.book_day DESC, u.day DESC",
	&open_day_shape
};

/* What the entries of sealed days charged for; the meter is in the entry's once_key. */
struct sealed_qty {
	int64_t entry_id;
	char utility[12];
	struct qty qty;
};
#define F(member) FIELD(struct sealed_qty, member)
SHAPE(sealed_qty_shape, struct sealed_qty, F(entry_id), F(utility), F(qty));
#undef F
static const struct query Q_SEALED_QTY = {
	"SELECT e.id AS entry_id, m.utility, CAST(SUM(u.qty_milli) AS SIGNED) AS qty"
	" FROM posting g JOIN entry e ON e.id = g.entry_id"
	" JOIN usage_day u ON u.account_id = g.account_id AND u.book_day = e.book_day"
	" AND u.day = SUBSTRING(e.reference, 5) AND u.sealed = 1 AND u.meter_id ="
	" SUBSTRING_INDEX(SUBSTRING_INDEX(e.once_key, ':meter:', -1), ':', 1)"
	" JOIN meter m ON m.id = u.meter_id WHERE g.account_id = ? AND e.created_at >= ?"
	" AND e.reference LIKE 'day:%' GROUP BY e.id, m.utility ORDER BY e.id",
	&sealed_qty_shape
};

struct balance_row {
	struct money balance;
};
SHAPE(balance_shape, struct balance_row, FIELD(struct balance_row, balance));
static const struct query Q_BALANCE = {
	"SELECT balance_nano AS balance FROM account WHERE id = ? FOR UPDATE", &balance_shape
};

void statement_free(struct statement *s)
{
	free(s->at);
	*s = (struct statement){ 0 };
}

/* The last instant of a day, or now. */
static enum err day_end(const char *text, const struct zone *z, struct utc now, struct utc *out)
{
	struct day day;
	enum err e = day_parse(text, &day);

	if (e != ERR_OK)
		return e;
	out->ms = zone_day_start(z, (struct day){ day.days + 1 }).ms - 1;
	if (out->ms > now.ms)
		*out = now;
	return ERR_OK;
}

static int by_entry(const void *key, const void *row)
{
	const int64_t *id = key;
	const struct sealed_qty *q = row;

	return (*id > q->entry_id) - (*id < q->entry_id);
}

static enum err of_posted(const struct posted *p, const struct rows *sealed, const struct zone *z,
	struct utc now, struct movement *out)
{
	struct movement m = { .at = p->at, .amount = p->amount, .entry_id = p->entry_id };
	const struct sealed_qty *q = NULL;
	enum err e = ERR_OK;

	memcpy(m.kind, p->kind, sizeof(m.kind));
	memcpy(m.memo, p->memo, sizeof(m.memo));
	memcpy(m.reference, p->reference, sizeof(m.reference));
	if (str_starts(p->reference, "day:"))
		e = day_end(p->book_day, z, now, &m.at);
	if (sealed->n)
		q = bsearch(&p->entry_id, sealed->at, sealed->n, sizeof(*q), by_entry);
	if (q) {
		m.has_qty = true;
		m.qty = q->qty;
		memcpy(m.utility, q->utility, sizeof(m.utility));
	}
	if (e == ERR_OK)
		*out = m;
	return e;
}

static enum err of_open_day(
	const struct open_day *o, const struct zone *z, struct utc now, struct movement *out)
{
	struct movement m = { .has_qty = true, .qty = o->qty };
	const char *kind = !str_eq(o->day, o->book_day)	 ? "late_charge"
			   : str_eq(o->utility, "water") ? "water"
							 : "energy";
	enum err e = day_end(o->book_day, z, now, &m.at);

	if (e == ERR_OK)
		e = money_sub((struct money){ 0 }, o->charge, &m.amount);
	if (e != ERR_OK)
		return e;
	if (!str_copy(m.kind, sizeof(m.kind), kind) || !str_copy(m.memo, sizeof(m.memo), o->day) ||
		!str_copy(m.utility, sizeof(m.utility), o->utility))
		return ERR_OVERFLOW;
	*out = m;
	return ERR_OK;
}

/* Newest first; of two at the same instant the open day first, as it still grows. */
static int by_time(const void *a, const void *b)
{
	const struct movement *x = a, *y = b;

	if (x->at.ms != y->at.ms)
		return x->at.ms < y->at.ms ? 1 : -1;
	if (!x->entry_id || !y->entry_id)
		return (x->entry_id != 0) - (y->entry_id != 0);
	return x->entry_id < y->entry_id ? 1 : -1;
}

static enum err gather(struct db *db, int64_t account_id, const struct zone *z, struct utc from,
	struct utc now, struct statement *s)
{
	AUTO(rows_free) struct rows posted = { 0 };
	AUTO(rows_free) struct rows sealed = { 0 };
	AUTO(rows_free) struct rows open = { 0 };
	enum err e = db_list(db, &Q_POSTED, ARGS(arg_i64(account_id), arg_utc(from)), &posted);

	if (e == ERR_OK)
		e = db_list(db, &Q_SEALED_QTY, ARGS(arg_i64(account_id), arg_utc(from)), &sealed);
	if (e == ERR_OK)
		e = db_list(db, &Q_OPEN_DAYS, ARGS(arg_i64(account_id)), &open);
	if (e != ERR_OK)
		return e;
	if (posted.n > MOVEMENTS_MAX)
		return ERR_TOO_LARGE;
	s->at = calloc(posted.n + open.n + 1, sizeof(*s->at));
	ASSERT(s->at);
	for (size_t i = 0; e == ERR_OK && i < posted.n; i++)
		e = of_posted(
			(const struct posted *)posted.at + i, &sealed, z, now, &s->at[s->n++]);
	for (size_t i = 0; e == ERR_OK && i < open.n; i++)
		e = of_open_day((const struct open_day *)open.at + i, z, now, &s->at[s->n++]);
	if (s->n)
		qsort(s->at, s->n, sizeof(*s->at), by_time);
	return e;
}

/* From the balance of now backwards; then what lies outside [from, to) is dropped. */
static enum err run_back(struct statement *s, struct money balance, struct utc from, struct utc to)
{
	size_t kept = 0;
	enum err e = ERR_OK;

	s->closing = balance;
	for (size_t i = 0; e == ERR_OK && i < s->n; i++) {
		if (s->at[i].at.ms < from.ms)
			break;
		s->at[i].balance = balance;
		e = money_sub(balance, s->at[i].amount, &balance);
		if (s->at[i].at.ms >= to.ms)
			s->closing = balance;
		else
			s->at[kept++] = s->at[i];
	}
	s->opening = balance;
	s->n = kept;
	return e;
}

struct reading_job {
	int64_t account_id;
	const struct zone *z;
	struct utc from, to, now;
	struct statement s;
};

/* Balance and movements of one instant: whoever moves money writes the account row, and waits. */
static enum err read_tx(struct db *db, void *ctx)
{
	struct reading_job *j = ctx;
	struct balance_row row;
	enum err e = db_one(db, &Q_BALANCE, ARGS(arg_i64(j->account_id)), &row);

	statement_free(&j->s);
	if (e == ERR_OK)
		e = gather(db, j->account_id, j->z, j->from, j->now, &j->s);
	return e == ERR_OK ? run_back(&j->s, row.balance, j->from, j->to) : e;
}

enum err statement_read(struct db *db, int64_t account_id, const struct zone *z, struct utc from,
	struct utc to, struct utc now, struct statement *out)
{
	struct reading_job j = {
		.account_id = account_id, .z = z, .from = from, .to = to, .now = now
	};
	enum err e = db_tx(db, read_tx, &j);

	if (e != ERR_OK) {
		statement_free(&j.s);
		return e;
	}
	*out = j.s;
	return ERR_OK;
}
