/* Use added up by day, hour and tier, and compared with the tables. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "ctl/verify_use.h"

#define F(member) FIELD(struct day_use, member)
SHAPE(day_shape, struct day_use, F(day), F(book_day), F(contract_id), F(account_id), F(tariff_id),
	F(version_at), F(rate), F(tier), F(price_micro), F(qty_milli), F(charge_nano));
#undef F
static const struct query Q_DAYS = {
	"SELECT CAST(day AS CHAR) AS day, CAST(book_day AS CHAR) AS book_day, contract_id, "
	"account_id, tariff_id, version_at, rate, "
	"tier,"
	" price_micro, CAST(SUM(qty_milli) AS SIGNED) AS qty_milli, CAST(SUM(charge_nano) AS "
	"SIGNED)"
	" AS charge_nano FROM usage_day WHERE meter_id = ? AND usage_day.day >= ? AND "
	"usage_day.day <"
	" ? GROUP BY usage_day.day, usage_day.book_day, contract_id, account_id, tariff_id, "
	"version_at, rate, tier,"
	" price_micro",
	&day_shape
};

#define F(member) FIELD(struct hour_use, member)
SHAPE(hour_shape, struct hour_use, F(hour_at), F(qty_milli), F(charge_nano));
#undef F
static const struct query Q_HOURS = {
	"SELECT hour_at, qty_milli, charge_nano FROM usage_hour WHERE meter_id = ? AND hour_at >= ?"
	" AND hour_at < ? ORDER BY hour_at",
	&hour_shape
};

struct tier_use {
	int64_t contract_id;
	char cycle[8];
	int64_t used_milli;
};
#define F(member) FIELD(struct tier_use, member)
SHAPE(tier_shape, struct tier_use, F(contract_id), F(cycle), F(used_milli));
#undef F
static const struct query Q_TIERS = {
	"SELECT contract_id, cycle, used_milli FROM tier_use WHERE supply_point_id = ?", &tier_shape
};

/* ---- adding up ---- */

static bool same_day_use(const struct day_use *a, const struct day_use *b)
{
	return str_eq(a->day, b->day) && str_eq(a->book_day, b->book_day) &&
	       a->contract_id == b->contract_id && a->account_id == b->account_id &&
	       a->tariff_id == b->tariff_id && a->version_at == b->version_at &&
	       str_eq(a->rate, b->rate) && a->tier == b->tier && a->price_micro == b->price_micro;
}

/* Adds to the row of the same key, which is near the end when it is there. */
void day_add(struct day_use **list, size_t *n, const struct day_use *u)
{
	size_t i = *n;

	while (i > 0 && !same_day_use(&(*list)[i - 1], u))
		i--;
	if (i == 0) {
		*list = work_more(*list, *n, sizeof(*u));
		(*list)[(*n)++] = *u;
		return;
	}
	(*list)[i - 1].qty_milli += u->qty_milli;
	(*list)[i - 1].charge_nano += u->charge_nano;
}

void hour_add(struct work *w, const struct slow_line *l)
{
	struct hour_use *h = w->hours_n ? &w->hours[w->hours_n - 1] : NULL;

	if (!h || h->hour_at.ms != l->hour.ms) {
		w->hours = work_more(w->hours, w->hours_n, sizeof(*h));
		h = &w->hours[w->hours_n++];
		h->hour_at = l->hour;
	}
	h->qty_milli += l->qty_milli;
	h->charge_nano += l->charge_nano;
}

struct slow_use *use_of(struct work *w, int64_t contract_id)
{
	for (size_t i = 0; i < w->uses_n; i++)
		if (w->uses[i].contract_id == contract_id)
			return &w->uses[i].use;
	w->uses = work_more(w->uses, w->uses_n, sizeof(*w->uses));
	w->uses[w->uses_n].contract_id = contract_id;
	return &w->uses[w->uses_n++].use;
}

/* ---- comparing with the tables ---- */

static const char *day_name(char buf[static 160], const struct work *w, const struct day_use *u)
{
	return work_name(buf, "usage_day:%" PRId64 ":%s:%" PRId64 ":%s:%" PRId64 ":%" PRId64,
		w->meter->id, u->day, u->contract_id, u->rate, u->tier, u->price_micro);
}

static void day_pair(struct work *w, const struct day_use *have, const struct day_use *want)
{
	char object[160];

	if (have->qty_milli != want->qty_milli)
		work_found(w, "use_of_day_is_its_evidence", day_name(object, w, want),
			have->qty_milli, want->qty_milli);
	if (have->charge_nano != want->charge_nano)
		work_found(w, "charge_of_day_is_its_evidence", day_name(object, w, want),
			have->charge_nano, want->charge_nano);
}

/* Those of the days before `until`; what is left of them has no row. */
enum err days_compare(struct work *w, struct day until)
{
	AUTO(rows_free) struct rows rows = { 0 };
	char from[DAY_TEXT_MAX], to[DAY_TEXT_MAX], object[160];
	const struct day_use *have;
	size_t kept = 0;
	enum err e = db_list(w->db, &Q_DAYS,
		ARGS(arg_i64(w->meter->id), arg_text(day_text(w->days_until, from)),
			arg_text(day_text(until, to))),
		&rows);

	have = rows.at;
	for (size_t i = 0; e == ERR_OK && i < rows.n; i++) {
		size_t k = 0;

		while (k < w->days_n && !same_day_use(&w->days[k], &have[i]))
			k++;
		if (k == w->days_n) {
			work_found(w, "use_of_day_has_evidence", day_name(object, w, &have[i]),
				have[i].qty_milli, 0);
			continue;
		}
		day_pair(w, &have[i], &w->days[k]);
		w->days[k].day[0] = '\0'; /* done with */
	}
	for (size_t k = 0; e == ERR_OK && k < w->days_n; k++) {
		struct day_use *u = &w->days[k];

		if (u->day[0] && strcmp(u->day, to) >= 0)
			w->days[kept++] = *u;
		else if (u->day[0])
			work_found(w, "evidence_is_in_use_of_day", day_name(object, w, u), 0,
				u->qty_milli);
	}
	w->days_n = kept;
	w->days_until = until;
	return e;
}

static void hour_pair(struct work *w, const struct hour_use *have, const struct hour_use *want)
{
	char object[160];

	work_name(object, "usage_hour:%" PRId64 ":%" PRId64, w->meter->id,
		have ? have->hour_at.ms : want->hour_at.ms);
	if ((have ? have->qty_milli : 0) != (want ? want->qty_milli : 0))
		work_found(w, "use_of_hour_is_its_evidence", object, have ? have->qty_milli : 0,
			want ? want->qty_milli : 0);
	if ((have ? have->charge_nano : 0) != (want ? want->charge_nano : 0))
		work_found(w, "charge_of_hour_is_its_evidence", object,
			have ? have->charge_nano : 0, want ? want->charge_nano : 0);
}

/* Two lists in order of time. */
enum err hours_compare(struct work *w, struct utc until)
{
	AUTO(rows_free) struct rows rows = { 0 };
	const struct hour_use *have;
	size_t i = 0, k = 0;
	enum err e = db_list(w->db, &Q_HOURS,
		ARGS(arg_i64(w->meter->id), arg_utc(w->hours_until), arg_utc(until)), &rows);

	if (e != ERR_OK)
		return e;
	have = rows.at;
	while (i < rows.n || (k < w->hours_n && w->hours[k].hour_at.ms < until.ms)) {
		bool past = k == w->hours_n;

		if (i == rows.n || (!past && w->hours[k].hour_at.ms < have[i].hour_at.ms)) {
			hour_pair(w, NULL, &w->hours[k++]);
		} else if (past || have[i].hour_at.ms < w->hours[k].hour_at.ms) {
			hour_pair(w, &have[i++], NULL);
		} else {
			hour_pair(w, &have[i++], &w->hours[k++]);
		}
	}
	if (w->hours_n > k)
		memmove(w->hours, w->hours + k, (w->hours_n - k) * sizeof(*w->hours));
	w->hours_n -= k;
	w->hours_until = until;
	return ERR_OK;
}

enum err tiers_compare(struct work *w)
{
	AUTO(rows_free) struct rows rows = { 0 };
	char object[160];
	const struct tier_use *have;
	enum err e = db_list(w->db, &Q_TIERS, ARGS(arg_i64(w->meter->supply_point_id)), &rows);

	have = rows.at;
	for (size_t i = 0; e == ERR_OK && i < rows.n; i++) {
		struct slow_use *want = use_of(w, have[i].contract_id);

		work_name(object, "tier_use:%" PRId64 ":%" PRId64, have[i].contract_id,
			w->meter->supply_point_id);
		if (!str_eq(have[i].cycle, want->cycle))
			finding_add(w->findings, "tier_cycle_is_its_evidence", object,
				have[i].cycle, want->cycle);
		else if (have[i].used_milli != want->used_milli)
			work_found(w, "tier_use_is_its_evidence", object, have[i].used_milli,
				want->used_milli);
		want->used_milli = 0; /* done with */
	}
	for (size_t i = 0; e == ERR_OK && i < w->uses_n; i++)
		if (w->uses[i].use.used_milli != 0)
			work_found(w, "tier_use_is_its_evidence",
				work_name(object, "tier_use:%" PRId64 ":%" PRId64,
					w->uses[i].contract_id, w->meter->supply_point_id),
				0, w->uses[i].use.used_milli);
	return e;
}
