#include "domain/monthsum.h"

struct due_row {
	int64_t site_id;
	char day[DAY_TEXT_MAX];
};
SHAPE(due_shape, struct due_row, FIELD(struct due_row, site_id), FIELD(struct due_row, day));
#define DUE "SELECT site_id, day FROM book_day WHERE sealed_at > 0 AND summed_at = 0"
static const struct query Q_DUE = { DUE " ORDER BY day, site_id LIMIT 1", &due_shape };
static const struct query Q_LOCK = { DUE " AND site_id = ? AND day = ? FOR UPDATE", &due_shape };
#define MONTH "EXTRACT(YEAR_MONTH FROM ?)"
static const struct query Q_USE = {
	"INSERT INTO usage_month (site_id, month, meter_id, contract_id, account_id, rate,"
	" qty_milli, charge_nano, late_milli) SELECT p.site_id, " MONTH ", u.meter_id,"
	" u.contract_id, u.account_id, u.rate, SUM(u.qty_milli), SUM(u.charge_nano),"
	" SUM(IF(u.day < u.book_day, u.qty_milli, 0)) FROM usage_day u"
	" JOIN meter m ON m.id = u.meter_id JOIN supply_point p ON p.id = m.supply_point_id"
	" WHERE u.sealed = 1 AND u.book_day = ? AND p.site_id = ?"
	" GROUP BY u.meter_id, u.contract_id, u.account_id, u.rate"
	" ON DUPLICATE KEY UPDATE qty_milli = usage_month.qty_milli + VALUES(qty_milli),"
	" charge_nano = usage_month.charge_nano + VALUES(charge_nano),"
	" late_milli = usage_month.late_milli + VALUES(late_milli)",
	NULL
};
static const struct query Q_POSTINGS = {
	"INSERT INTO posting_month (site_id, month, account_id, kind, amount_nano)"
	" SELECT e.site_id, " MONTH ", q.account_id, e.kind, SUM(q.amount_nano) FROM entry e"
	" JOIN posting q ON q.entry_id = e.id JOIN account a ON a.id = q.account_id"
	" WHERE e.book_day = ? AND e.site_id = ? AND a.kind IN ('purse', 'debt')"
	" GROUP BY q.account_id, e.kind ON DUPLICATE KEY UPDATE"
	" amount_nano = posting_month.amount_nano + VALUES(amount_nano)",
	NULL
};
static const struct query Q_DONE = {
	"UPDATE book_day SET summed_at = ? WHERE site_id = ? AND day = ?", NULL
};

struct adding {
	struct due_row due;
	struct utc now;
};

static enum err add_tx(struct db *db, void *ctx)
{
	const struct adding *a = ctx;
	struct due_row locked;
	struct arg site = arg_i64(a->due.site_id), day = arg_text(a->due.day);
	enum err e = db_one(db, &Q_LOCK, ARGS(site, day), &locked);

	if (e == ERR_NOT_FOUND) /* another worker was first */
		return ERR_OK;
	if (e == ERR_OK)
		e = db_exec(db, &Q_USE, ARGS(day, day, site), NULL);
	if (e == ERR_OK)
		e = db_exec(db, &Q_POSTINGS, ARGS(day, day, site), NULL);
	return e == ERR_OK ? db_exec(db, &Q_DONE, ARGS(arg_utc(a->now), site, day), NULL) : e;
}

enum err monthsum_run(struct db *db, struct utc now, int64_t days_most, int64_t *n)
{
	struct adding a = { .now = now };
	enum err e = ERR_OK;

	for (*n = 0; e == ERR_OK && *n < days_most; ++*n) {
		e = db_one(db, &Q_DUE, NO_ARGS, &a.due);
		if (e == ERR_NOT_FOUND)
			return ERR_OK;
		if (e == ERR_OK)
			e = db_tx(db, add_tx, &a);
	}
	return e;
}

/* ---- how far they reach ---- */

struct reach_row {
	char sealed[DAY_TEXT_MAX];  /* the last day that is; "" */
	char missing[DAY_TEXT_MAX]; /* the first sealed one that is not summed; "" */
};
SHAPE(reach_shape, struct reach_row, FIELD(struct reach_row, sealed),
	FIELD(struct reach_row, missing));
static const struct query Q_REACH = {
	"SELECT COALESCE(CAST(MAX(day) AS CHAR), '') AS sealed,"
	" COALESCE(CAST(MIN(IF(summed_at = 0, day, NULL)) AS CHAR), '') AS missing"
	" FROM book_day WHERE site_id = ? AND sealed_at > 0",
	&reach_shape
};

int64_t monthsum_month(struct day d)
{
	int y, m, dom;

	civil_date(d.days, &y, &m, &dom);
	return (int64_t)y * 100 + m;
}

struct day monthsum_first(int64_t month)
{
	return day_of((int)(month / 100), (int)(month % 100), 1);
}

struct day monthsum_last(int64_t month)
{
	int y = (int)(month / 100), m = (int)(month % 100);
	struct day next = m == 12 ? day_of(y + 1, 1, 1) : day_of(y, m + 1, 1);

	return (struct day){ next.days - 1 };
}

enum err monthsum_to(struct db *db, int64_t site_id, struct day *out)
{
	struct reach_row r;
	struct day missing;
	enum err e = db_one(db, &Q_REACH, ARGS(arg_i64(site_id)), &r);

	if (e == ERR_OK && !r.sealed[0])
		return ERR_NOT_FOUND;
	if (e == ERR_OK)
		e = day_parse(r.sealed, out);
	if (e == ERR_OK && r.missing[0]) {
		e = day_parse(r.missing, &missing);
		out->days = missing.days - 1;
	}
	if (e != ERR_OK)
		return e;
	if (monthsum_last(monthsum_month(*out)).days != out->days)
		out->days = monthsum_first(monthsum_month(*out)).days - 1;
	return ERR_OK;
}
