/* What staff set beside money: weekly schedules and load limits. */
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "domain/overload.h"
#include "domain/supplypoint.h"
#include "domain/timetable.h"
#include "fcgi/handlers.h"
#include "fcgi/list.h"
#include "fcgi/views.h"

/* ---- schedules ---- */

static json_t *periods_json(const struct timetable_day *d)
{
	json_t *list = json_array();
	char from[24];

	for (size_t i = 0; i < d->n; i++) {
		snprintf(from, sizeof(from), "%02d:%02d", (int)(d->at[i].minute / 60),
			(int)(d->at[i].minute % 60));
		json_array_append_new(list, json_pack("{s:s, s:s}", "from", from, "supply",
						    d->at[i].off ? "off" : "on"));
	}
	return list;
}

static enum err schedule_json(struct request *r, const struct timetable_row *row, json_t **out)
{
	struct timetable_state now;
	struct timetable t;
	enum err e = timetable_load(r->db, row->id, &t);

	if (e == ERR_OK)
		e = timetable_now(r->db, row->site_id, row->id, r->now, &now);
	if (e != ERR_OK)
		return e;
	*out = json_pack("{s:I, s:s, s:s, s:I, s:I, s:s, s:o}", "id", (json_int_t)row->id, "code",
		row->code, "name", row->name, "site_id", (json_int_t)row->site_id, "points",
		(json_int_t)row->points, "supply_now", now.off ? "off" : "on", "changes_at",
		json_utc(now.next));
	for (enum day_sort s = SORT_WORKDAY; s < SORT__MAX; s++)
		json_object_set_new(*out, day_sort_word(s), periods_json(&t.days[s]));
	return ERR_OK;
}

enum err schedules_list(struct request *r, struct answer *a)
{
	AUTO(rows_free) struct rows rows = { 0 };
	json_t *items = json_array(), *one = NULL;
	enum err e = list_rows(r, ARGS(arg_i64(caller_site(r))), &rows);
	const struct timetable_row *row = rows.at;

	for (size_t i = 0; e == ERR_OK && i < rows.n; i++) {
		e = schedule_json(r, &row[i], &one);
		if (e == ERR_OK)
			json_array_append_new(items, one);
	}
	a->json = json_items(items);
	return e;
}

static enum err answer_schedule(struct request *r, int64_t id, struct answer *a)
{
	struct timetable_row row;
	enum err e = timetable_get(r->db, caller_site(r), id, &row);

	return e == ERR_OK ? schedule_json(r, &row, &a->json) : e;
}

enum err schedule_one(struct request *r, struct answer *a)
{
	return answer_schedule(r, r->object, a);
}

/* "08:30", as the schema has checked it. */
static int32_t minute_of(const char *text)
{
	return ((text[0] - '0') * 10 + text[1] - '0') * 60 + (text[3] - '0') * 10 + text[4] - '0';
}

static void periods_read(const json_t *list, struct timetable_day *d)
{
	const json_t *p;
	size_t i;

	ASSERT(json_array_size(list) <= TIMETABLE_PERIODS); /* by the schema */
	json_array_foreach(list, i, p) d->at[d->n++] = (struct timetable_period){
		minute_of(json_string_value(json_object_get(p, "from"))),
		str_eq(json_string_value(json_object_get(p, "supply")), "off"),
	};
}

static enum err table_read(const struct request *r, struct timetable *t, struct problem *why)
{
	for (enum day_sort s = SORT_WORKDAY; s < SORT__MAX; s++) {
		struct timetable one = { 0 };
		enum err e;

		periods_read(json_object_get(r->json, day_sort_word(s)), &t->days[s]);
		one.days[s] = t->days[s];
		e = timetable_check(&one);
		if (e != ERR_OK)
			return problem_set(
				why, e, day_sort_word(s), "periods begin at 00:00 and ascend");
	}
	return ERR_OK;
}

static enum err schedule_save(struct request *r, struct timetable_edit *edit, struct answer *a)
{
	struct timetable t = { 0 };
	int64_t id = 0;
	enum err e = table_read(r, &t, &a->why);

	if (e != ERR_OK)
		return e;
	edit->name = body_text(r, "name", "");
	edit->table = &t;
	edit->actor = r->actor;
	edit->address = r->remote;
	edit->now = r->now;
	e = timetable_save(r->db, edit, &id);
	if (e == ERR_ALREADY)
		return problem_set(&a->why, e, "code", "there is a schedule of this code");
	return e == ERR_OK ? answer_schedule(r, id, a) : e;
}

enum err schedule_new(struct request *r, struct answer *a)
{
	struct timetable_edit edit = { .code = body_text(r, "code", "") };
	enum err e = request_site(r, body_int(r, "site_id", 0), &edit.site_id, &a->why);

	return e == ERR_OK ? schedule_save(r, &edit, a) : e;
}

enum err schedule_change(struct request *r, struct answer *a)
{
	struct timetable_edit edit = { .id = r->object };
	struct timetable_row row;
	enum err e = timetable_get(r->db, caller_site(r), r->object, &row);

	edit.site_id = row.site_id;
	return e == ERR_OK ? schedule_save(r, &edit, a) : e;
}

enum err schedule_remove(struct request *r, struct answer *a)
{
	struct timetable_edit edit = {
		.id = r->object, .actor = r->actor, .address = r->remote, .now = r->now
	};
	struct timetable_row row;
	enum err e = timetable_get(r->db, caller_site(r), r->object, &row);

	if (e == ERR_OK)
		e = timetable_remove(r->db, &edit);
	return e == ERR_CONFLICT ? problem_set(&a->why, e, "",
					   "supplies follow this schedule: take it from them first")
				 : e;
}

static enum err answer_given(
	struct request *r, int64_t meter_id, int64_t schedule_id, struct answer *a)
{
	struct supply_view supply;
	struct live_meter m;
	enum err e = live_meter(r->db, caller_site(r), meter_id, r->now, &m);

	if (e != ERR_OK)
		return e;
	supply = supply_of_meter_row(&m);
	a->json = json_pack("{s:I, s:o, s:s, s:s, s:o}", "meter_id", (json_int_t)m.id,
		"schedule_id", schedule_id ? json_integer(schedule_id) : json_null(), "desired",
		m.desired, "reason", m.desired_reason, "supply", view_supply_short(&supply));
	return ERR_OK;
}

static enum err give_tx(struct db *db, void *ctx)
{
	return timetable_give(db, ctx);
}

enum err meter_schedule(struct request *r, struct answer *a)
{
	struct timetable_give g = { .timetable_id = body_int(r, "schedule_id", 0),
		.actor = r->actor,
		.address = r->remote,
		.now = r->now };
	struct supply_point p;
	struct live_meter m;
	enum err e = live_meter(r->db, caller_site(r), r->object, r->now, &m);

	if (e == ERR_OK)
		e = supply_get(r->db, m.supply_point_id, &p);
	if (e != ERR_OK)
		return e;
	if (!m.switchable)
		return problem_set(
			&a->why, ERR_CONFLICT, "", "this meter has no relay or valve to switch");
	g.supply_point_id = p.id;
	g.site_id = p.site_id;
	e = db_tx(r->db, give_tx, &g);
	if (e == ERR_NOT_FOUND)
		return problem_set(&a->why, ERR_BAD_VALUE, "schedule_id",
			"there is no such schedule at this site");
	if (e != ERR_OK)
		return e;
	log_info("meter=%s schedule=%lld by=%s", m.code, (long long)g.timetable_id, r->actor);
	return answer_given(r, m.id, g.timetable_id, a);
}

/* ---- load limits ---- */

static enum err answer_overload(struct request *r, int64_t meter_id, struct answer *a)
{
	struct overload_view v;
	enum err e = overload_get(r->db, meter_id, &v);

	if (e == ERR_OK)
		a->json = json_pack("{s:I, s:I, s:I, s:I, s:I, s:s, s:o, s:I}", "meter_id",
			(json_int_t)meter_id, "limit_w", (json_int_t)v.limit_w, "delay_s",
			(json_int_t)v.delay_s, "retry_s", (json_int_t)v.retry_s, "retries",
			(json_int_t)v.retries, "phase", v.phase, "since", json_utc(v.since),
			"trips", (json_int_t)v.trips);
	return e;
}

enum err meter_overload(struct request *r, struct answer *a)
{
	struct live_meter m;
	enum err e = live_meter(r->db, caller_site(r), r->object, r->now, &m);

	return e == ERR_OK ? answer_overload(r, m.id, a) : e;
}

enum err meter_overload_set(struct request *r, struct answer *a)
{
	struct overload_setting s = { .limits = { body_int(r, "limit_w", 0),
					      body_int(r, "delay_s", 0), body_int(r, "retry_s", 0),
					      body_int(r, "retries", 0) },
		.actor = r->actor,
		.address = r->remote,
		.reason = body_text(r, "reason", ""),
		.now = r->now };
	struct live_meter m;
	enum err e = live_meter(r->db, caller_site(r), r->object, r->now, &m);

	if (e != ERR_OK)
		return e;
	s.meter_id = m.id;
	e = overload_set(r->db, &s, &a->why);
	return e == ERR_OK ? answer_overload(r, m.id, a) : e;
}
