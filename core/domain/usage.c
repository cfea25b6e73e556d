#include "domain/usage.h"

#include <inttypes.h>

#define QUARTER_MS 900000

#define F(member) FIELD(struct usage_line, member)
SHAPE(line_shape, struct usage_line, F(day), F(rate), F(tier), F(price), F(qty), F(charge));
#undef F
static const struct query Q_LINES = {
	"SELECT u.day, u.rate, u.tier, u.price_micro AS price,"
	" CAST(SUM(u.qty_milli) AS SIGNED) AS qty,"
	" CAST(SUM(IF(? <> 0 AND m.billing = 'none', 0, u.charge_nano)) AS SIGNED) AS charge"
	" FROM usage_day u JOIN meter m ON m.id = u.meter_id"
	" WHERE u.meter_id = ? AND u.day BETWEEN ? AND ? AND (? = 0 OR EXISTS"
	" (SELECT 1 FROM contract c JOIN user_tenant ut ON ut.tenant_id = c.tenant_id"
	" WHERE c.id = u.contract_id AND ut.user_id = ?))"
	" GROUP BY u.day, u.rate, u.tier, u.price_micro",
	&line_shape
};

enum err usage_lines(struct db *db, int64_t meter_id, int64_t user_id, struct day from,
	struct day to, struct rows *out)
{
	char first[DAY_TEXT_MAX], last[DAY_TEXT_MAX];

	return db_list(db, &Q_LINES,
		ARGS(arg_i64(user_id), arg_i64(meter_id), arg_text(day_text(from, first)),
			arg_text(day_text(to, last)), arg_i64(user_id), arg_i64(user_id)),
		out);
}

#define F(member) FIELD(struct usage_hour, member)
SHAPE(hour_shape, struct usage_hour, F(hour_at), F(qty), F(charge), F(has_load), F(least_w),
	F(most_w));
#undef F
static const struct query Q_HOURS = {
	"SELECT h.hour_at, h.qty_milli AS qty, IF(? <> 0 AND m.billing = 'none', 0, h.charge_nano)"
	" AS charge, h.most_w IS NOT NULL AS has_load, COALESCE(h.least_w, 0) AS least_w,"
	" COALESCE(h.most_w, 0) AS most_w FROM usage_hour h"
	" JOIN meter m ON m.id = h.meter_id"
	" WHERE h.meter_id = ? AND h.hour_at >= ? AND h.hour_at < ? AND (? = 0 OR EXISTS"
	" (SELECT 1 FROM contract_point cp JOIN contract c ON c.id = cp.contract_id"
	" JOIN user_tenant ut ON ut.tenant_id = c.tenant_id"
	" WHERE cp.supply_point_id = m.supply_point_id AND ut.user_id = ?"
	" AND h.hour_at + 3600000 > cp.from_at AND (cp.to_at = 0 OR h.hour_at < cp.to_at)))"
	" ORDER BY h.hour_at",
	&hour_shape
};

enum err usage_hours(struct db *db, int64_t meter_id, int64_t user_id, struct utc from,
	struct utc to, struct rows *out)
{
	return db_list(db, &Q_HOURS,
		ARGS(arg_i64(user_id), arg_i64(meter_id), arg_utc(from), arg_utc(to),
			arg_i64(user_id), arg_i64(user_id)),
		out);
}

/* Clocks and zones are moved by quarters of an hour. */
void usage_hours_list(const struct zone *z, struct utc from, struct utc to, struct buf *out)
{
	int64_t last = INT64_MIN;

	buf_adds(out, "[");
	for (int64_t at = from.ms; at < to.ms; at += QUARTER_MS) {
		int64_t hour = at - zone_local(z, (struct utc){ at }).second % 3600 * 1000;

		if (hour != last)
			buf_printf(out, "%s%" PRId64, last == INT64_MIN ? "" : ",", hour);
		last = hour;
	}
	buf_adds(out, "]");
}

#define F(member) FIELD(struct usage_meter, member)
SHAPE(meter_shape, struct usage_meter, F(utility), F(zone), F(settled_at));
#undef F
static const struct query Q_METER = {
	"SELECT m.utility, st.zone, COALESCE(d.read_at, 0) AS settled_at FROM meter m"
	" JOIN supply_point p ON p.id = m.supply_point_id JOIN site st ON st.id = p.site_id"
	" LEFT JOIN settled d ON d.meter_id = m.id"
	" WHERE m.id = ? AND ? IN (0, p.site_id) AND (? = 0 OR EXISTS"
	" (SELECT 1 FROM contract_point cp JOIN contract c ON c.id = cp.contract_id"
	" JOIN user_tenant ut ON ut.tenant_id = c.tenant_id"
	" WHERE cp.supply_point_id = m.supply_point_id AND ut.user_id = ?))",
	&meter_shape
};

enum err usage_meter_get(
	struct db *db, int64_t meter_id, int64_t user_id, int64_t site_id, struct usage_meter *out)
{
	return db_one(db, &Q_METER,
		ARGS(arg_i64(meter_id), arg_i64(site_id), arg_i64(user_id), arg_i64(user_id)), out);
}

/* One row per day and utility of the 40 days that month and week can reach. */
struct day_row {
	char day[DAY_TEXT_MAX];
	char utility[12];
	struct qty qty;
	struct money charge;
};
#define F(member) FIELD(struct day_row, member)
SHAPE(day_shape, struct day_row, F(day), F(utility), F(qty), F(charge));
#undef F
static const struct query Q_DAYS = {
	"SELECT u.day, m.utility, CAST(SUM(u.qty_milli) AS SIGNED) AS qty,"
	" CAST(SUM(u.charge_nano) AS SIGNED) AS charge"
	" FROM usage_day u JOIN meter m ON m.id = u.meter_id"
	" WHERE u.account_id = ? AND u.day BETWEEN ? AND ? GROUP BY u.day, m.utility",
	&day_shape
};

static enum err sum_add(struct usage_sum *s, const struct day_row *r)
{
	struct qty *q = str_eq(r->utility, "water") ? &s->volume : &s->energy;
	enum err e = qty_add(*q, r->qty, q);

	return e == ERR_OK ? money_add(s->charge, r->charge, &s->charge) : e;
}

static enum err sums_add(struct usage_sums *s, const struct day_row *r, struct day today)
{
	int y, m, y2, m2, d;
	struct day day;
	enum err e = day_parse(r->day, &day);

	if (e != ERR_OK)
		return e;
	civil_date(day.days, &y, &m, &d);
	civil_date(today.days, &y2, &m2, &d);
	if (day.days == today.days)
		e = sum_add(&s->today, r);
	if (e == ERR_OK && day.days == today.days - 1)
		e = sum_add(&s->yesterday, r);
	if (e == ERR_OK && y == y2 && m == m2)
		e = sum_add(&s->month, r);
	if (e == ERR_OK && day.days < today.days && day.days >= today.days - 7) {
		e = money_add(s->week, r->charge, &s->week);
		if (today.days - day.days > s->week_days)
			s->week_days = today.days - day.days; /* days without use count too */
	}
	return e;
}

enum err usage_of_account(
	struct db *db, int64_t account_id, struct day today, struct usage_sums *out)
{
	AUTO(rows_free) struct rows r = { 0 };
	char first[DAY_TEXT_MAX], last[DAY_TEXT_MAX];
	struct usage_sums s = { 0 };
	const struct day_row *row;
	enum err e = db_list(db, &Q_DAYS,
		ARGS(arg_i64(account_id),
			arg_text(day_text((struct day){ today.days - 31 }, first)),
			arg_text(day_text(today, last))),
		&r);

	row = r.at;
	for (size_t i = 0; e == ERR_OK && i < r.n; i++)
		e = sums_add(&s, &row[i], today);
	if (e == ERR_OK)
		*out = s;
	return e;
}
