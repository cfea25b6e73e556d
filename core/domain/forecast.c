#include "domain/forecast.h"

#include <stdlib.h>

#include "domain/timetable.h"

struct purse_row {
	int64_t site_id;
	char zone[64];
	struct money balance;
	struct utc read_at; /* up to which all its meters are settled; 0: none is */
	char first_day[DAY_TEXT_MAX];
};
#define F(member) FIELD(struct purse_row, member)
SHAPE(purse_shape, struct purse_row, F(site_id), F(zone), F(balance), F(read_at), F(first_day));
#undef F
static const struct query Q_PURSE = {
	"SELECT t.site_id, s.zone, a.balance_nano AS balance,"
	" COALESCE((SELECT MIN(d.read_at) FROM contract_point p"
	" JOIN meter m ON m.supply_point_id = p.supply_point_id"
	" JOIN settled d ON d.meter_id = m.id"
	" WHERE p.account_id = a.id AND p.to_at = 0), 0) AS read_at,"
	" COALESCE((SELECT CAST(MIN(u.day) AS CHAR) FROM usage_day u WHERE u.account_id = a.id),"
	" '') AS first_day"
	" FROM account a JOIN contract c ON c.id = a.contract_id"
	" JOIN tenant t ON t.id = c.tenant_id JOIN site s ON s.id = t.site_id WHERE a.id = ?",
	&purse_shape
};

struct use_row {
	char day[DAY_TEXT_MAX];
	struct money charge;
};
SHAPE(use_shape, struct use_row, FIELD(struct use_row, day), FIELD(struct use_row, charge));
static const struct query Q_USE = {
	"SELECT CAST(u.day AS CHAR) AS day, CAST(SUM(u.charge_nano) AS SIGNED) AS charge"
	" FROM usage_day u WHERE u.account_id = ? AND u.day BETWEEN ? AND ? GROUP BY u.day",
	&use_shape
};

void forecast_free(struct forecast *f)
{
	zone_free(&f->zone);
	free(f->list);
	*f = (struct forecast){ 0 };
}

static enum err site_of(
	struct db *db, struct forecast *f, const struct purse_row *p, struct utc now)
{
	struct site_days days = { 0 };
	enum err e;

	if (f->zone && f->site_id == p->site_id)
		return ERR_OK;
	forecast_free(f);
	e = zone_open(p->zone, &f->zone);
	if (e != ERR_OK)
		return e;
	f->today = zone_local(f->zone, now).day;
	e = site_days_load(db, p->site_id, (struct day){ f->today.days - DAYSLEFT_HISTORY }, &days);
	if (e != ERR_OK)
		return e;
	f->list = days.list;
	f->marks = days.marks;
	f->site_id = p->site_id;
	return ERR_OK;
}

/* The days that count, without use at first: behind the first, read to their end, before today. */
static size_t whole_days(const struct forecast *f, const struct purse_row *p, struct day first,
	struct day_charge out[static DAYSLEFT_HISTORY])
{
	size_t n = 0;

	for (int32_t back = 1; back <= DAYSLEFT_HISTORY; back++) {
		struct day d = { f->today.days - back };

		if (d.days <= first.days)
			break;
		if (zone_day_start(f->zone, (struct day){ d.days + 1 }).ms <= p->read_at.ms)
			out[n++] = (struct day_charge){ .day = d };
	}
	return n;
}

static enum err add_use(
	struct daysleft_facts *facts, struct day_charge *history, const struct rows *rows)
{
	const struct use_row *u = rows->at;
	enum err e = ERR_OK;

	for (size_t i = 0; e == ERR_OK && i < rows->n; i++) {
		struct day d = { 0 };

		e = day_parse(u[i].day, &d);
		if (d.days == facts->today.days)
			facts->today_charge = u[i].charge;
		for (size_t k = 0; k < facts->history_n; k++)
			if (history[k].day.days == d.days)
				history[k].charge = u[i].charge;
	}
	return e;
}

enum err forecast_account(struct db *db, struct forecast *f, int64_t account_id, struct utc now,
	struct days_left *out)
{
	AUTO(rows_free) struct rows rows = { 0 };
	struct day_charge history[DAYSLEFT_HISTORY];
	struct daysleft_facts facts = { .history = history };
	char from[DAY_TEXT_MAX], to[DAY_TEXT_MAX];
	struct purse_row p;
	struct day first;
	enum err e = db_one(db, &Q_PURSE, ARGS(arg_i64(account_id)), &p);

	*out = (struct days_left){ .known = false };
	if (e != ERR_OK || !p.first_day[0])
		return e;
	e = day_parse(p.first_day, &first);
	if (e == ERR_OK)
		e = site_of(db, f, &p, now);
	if (e != ERR_OK)
		return e;
	facts.balance = p.balance;
	facts.today = f->today;
	facts.marks = f->marks;
	facts.history_n = whole_days(f, &p, first, history);
	e = db_list(db, &Q_USE,
		ARGS(arg_i64(account_id),
			arg_text(day_text((struct day){ f->today.days - DAYSLEFT_HISTORY }, from)),
			arg_text(day_text(f->today, to))),
		&rows);
	if (e == ERR_OK)
		e = add_use(&facts, history, &rows);
	if (e == ERR_OK)
		*out = days_left(&facts);
	return e;
}
