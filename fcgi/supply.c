/* Switching: what staff order of a supply, what should be off and is not, the brake and the days of
 * a site. */
#include <string.h>

#include "domain/brake.h"
#include "domain/command.h"
#include "domain/holiday.h"
#include "fcgi/handlers.h"
#include "fcgi/list.h"
#include "fcgi/views.h"

#define KEEP_MS (INT64_C(72) * 3600 * 1000)
#define KEEP_MOST_MS (INT64_C(31) * 24 * 3600 * 1000)

static struct command command_of(struct request *r, enum command_kind kind)
{
	return (struct command){ .kind = kind,
		.reason = body_text(r, "reason", ""),
		.user_id = r->user.id,
		.name = r->user.name,
		.actor = r->actor,
		.address = r->remote,
		.now = r->now };
}

static enum err control_answer(struct request *r, int64_t meter_id, struct answer *a)
{
	AUTO(rows_free) struct rows blocks = { 0 };
	AUTO(rows_free) struct rows acts = { 0 };
	struct supply_view supply;
	const struct live_act *act;
	struct live_meter m;
	enum err e = live_meter(r->db, caller_site(r), meter_id, r->now, &m);

	if (e == ERR_OK)
		e = supply_blocks(r->db, m.supply_point_id, &blocks);
	if (e == ERR_OK)
		e = live_acts(r->db, m.id, 1, &acts);
	if (e != ERR_OK)
		return e;
	act = acts.at;
	supply = supply_of_meter_row(&m);
	/* An act of before is not the one to follow. */
	if (acts.n && (act->created_at.ms < r->now.ms && !str_eq(act->state, "sent")))
		act = NULL;
	a->json = json_pack("{s:I, s:s, s:s, s:o, s:o, s:o, s:o}", "meter_id", (json_int_t)m.id,
		"desired", m.desired, "reason", m.desired_reason, "blocks", view_blocks(&blocks),
		"keep_until", view_keep(m.keep_until, r->now), "act",
		act ? json_pack("{s:I, s:s}", "id", (json_int_t)act->id, "state", act->state)
		    : json_null(),
		"supply", view_supply_short(&supply));
	return ERR_OK;
}

/* Does it to the meter of the path, and shows what has become of it. */
static enum err order(struct request *r, struct command *c, struct answer *a)
{
	char once[ONCE_MAX];
	int64_t approval_id = 0;
	struct live_meter m;
	enum err e = live_meter(r->db, caller_site(r), r->object, r->now, &m);

	c->supply_point_id = m.supply_point_id;
	c->once_key = request_once(r, command_word(c->kind), once);
	if (e == ERR_OK)
		e = command_do(r->db, c, &approval_id, &a->why);
	if (e != ERR_OK)
		return e;
	if (!approval_id)
		return control_answer(r, m.id, a);
	answer_approval(a, approval_id);
	return ERR_OK;
}

enum err supply_until(struct request *r, bool keep, struct utc *out, struct problem *why)
{
	const char *text = body_text(r, "until", NULL);

	if (!text) {
		out->ms = keep ? r->now.ms + KEEP_MS : 0;
		return ERR_OK;
	}
	if (!keep)
		return problem_set(why, ERR_BAD_VALUE, "until", "only keep has an end");
	if (utc_parse(text, out) != ERR_OK)
		return problem_set(why, ERR_BAD_VALUE, "until", "an RFC 3339 time is expected");
	if (out->ms <= r->now.ms || out->ms > r->now.ms + KEEP_MOST_MS)
		return problem_set(why, ERR_OUT_OF_RANGE, "until", "from now to 31 days ahead");
	return ERR_OK;
}

enum err meter_supply(struct request *r, struct answer *a)
{
	const char *action = body_text(r, "action", "");
	struct command c = command_of(r, COMMAND_OFF);
	enum err e;

	while (!str_eq(command_word(c.kind), action))
		c.kind++; /* it is one of the first four, by the schema */
	e = supply_until(r, c.kind == COMMAND_KEEP, &c.until, &a->why);
	return e == ERR_OK ? order(r, &c, a) : e;
}

enum err meter_safety(struct request *r, struct answer *a)
{
	bool set = str_eq(body_text(r, "action", ""), "set");
	struct command c = command_of(r, set ? COMMAND_SAFETY_SET : COMMAND_SAFETY_CLEAR);

	if (!set && !json_is_true(json_object_get(r->json, "on_site")))
		return problem_set(&a->why, ERR_BAD_VALUE, "on_site",
			"only a person on site may end this: say on_site, and what was found");
	return order(r, &c, a);
}

enum err meter_vacant(struct request *r, struct answer *a)
{
	bool set = str_eq(body_text(r, "action", ""), "set");
	struct command c = command_of(r, set ? COMMAND_VACANT_SET : COMMAND_VACANT_CLEAR);

	return order(r, &c, a);
}

enum err meter_load_class(struct request *r, struct answer *a)
{
	bool set = str_eq(body_text(r, "load_class", ""), "protected");
	struct command c = command_of(r, set ? COMMAND_PROTECT : COMMAND_UNPROTECT);

	return order(r, &c, a);
}

/* ---- supply points ---- */

static json_t *line_json(const void *row)
{
	const struct supply_line *p = row;

	return json_pack("{s:I, s:s, s:I, s:o, s:o, s:s, s:s, s:s, s:o, s:s, s:s, s:b, s:o, s:o,"
			 " s:o, s:o}",
		"id", (json_int_t)p->id, "code", p->code, "site_id", (json_int_t)p->site_id,
		"meter", view_named(p->meter_id, p->meter_code, p->meter_name), "tenant",
		view_tenant(p->tenant_id, p->tenant_code, p->tenant_name, p->room), "load_class",
		p->load_class, "desired", p->desired, "reason", p->desired_reason, "since",
		json_utc(p->desired_since), "actor",
		p->desired_actor[0] ? p->desired_actor : "system", "observed", p->observed,
		"should_be_off", p->should_be_off ? 1 : 0, "deferred",
		json_text_or_null(p->deferred), "deferred_since", json_utc(p->deferred_since),
		"noted_at", json_utc(p->noted_at), "noted_by", json_text_or_null(p->noted_by));
}

enum err supply_points_list(struct request *r, struct answer *a)
{
	int64_t confined = caller_site(r), named = param_int(r, "site_id");

	if (r->user.site_id && named && r->user.site_id != named)
		return problem_set(&a->why, ERR_NOT_FOUND, "site_id", "there is no such site");
	return list_answer(r, a, ARGS(arg_i64(confined)), line_json);
}

enum err supply_point_note(struct request *r, struct answer *a)
{
	struct command c = command_of(r, COMMAND_TAKE_NOTE);
	struct supply_line p;
	int64_t approval_id = 0;
	enum err e = supply_line_get(r->db, caller_site(r), r->object, &p);

	c.supply_point_id = r->object;
	if (e == ERR_OK && !p.should_be_off)
		return problem_set(&a->why, ERR_CONFLICT, "", "this supply is not due to be cut");
	if (e == ERR_OK)
		e = command_do(r->db, &c, &approval_id, &a->why);
	if (e == ERR_OK)
		e = supply_line_get(r->db, caller_site(r), r->object, &p);
	if (e == ERR_OK)
		a->json = line_json(&p);
	return e;
}

/* ---- the brake ---- */

static enum err brake_answer(struct request *r, int64_t site_id, struct answer *a)
{
	AUTO(rows_free) struct rows rows = { 0 };
	const struct supply_line *p;
	struct brake b;
	int64_t waiting = 0;
	enum err e = brake_get(r->db, site_id, &b);

	if (e == ERR_OK)
		e = supply_due(r->db, site_id, &rows);
	if (e != ERR_OK)
		return e;
	p = rows.at;
	for (size_t i = 0; i < rows.n; i++)
		waiting += str_eq(p[i].deferred, "brake");
	a->json = json_pack("{s:I, s:b, s:o, s:o, s:o, s:I, s:I, s:o, s:o, s:o}", "site_id",
		(json_int_t)site_id, "pulled", b.pulled ? 1 : 0, "pulled_at", json_utc(b.pulled_at),
		"pulled_by", json_text_or_null(b.pulled_by), "reason", json_text_or_null(b.reason),
		"crossings", (json_int_t)b.crossings, "waiting", (json_int_t)waiting, "released_at",
		json_utc(b.released_at), "released_by", json_text_or_null(b.released_by),
		"release_reason", json_text_or_null(b.release_reason));
	return ERR_OK;
}

enum err brake_show(struct request *r, struct answer *a)
{
	int64_t site_id = 0;
	enum err e = request_site(r, r->object, &site_id, &a->why);

	return e == ERR_OK ? brake_answer(r, site_id, a) : e;
}

enum err brake_change(struct request *r, struct answer *a)
{
	struct brake_change c = { .actor = r->actor,
		.address = r->remote,
		.reason = body_text(r, "reason", ""),
		.now = r->now };
	enum err e = request_site(r, r->object, &c.site_id, &a->why);

	if (e == ERR_OK)
		e = brake_order(r->db, &c, str_eq(body_text(r, "action", ""), "pull"));
	return e == ERR_OK ? brake_answer(r, c.site_id, a) : e;
}

/* ---- the days of a site ---- */

#define FIRST_DAY "2000-01-01"
#define LAST_DAY "2099-12-31"

static enum err day_read(const char *text, const char *field, struct day *out, struct problem *why)
{
	struct day first, last;

	if (day_parse(text, out) != ERR_OK || day_parse(FIRST_DAY, &first) != ERR_OK ||
		day_parse(LAST_DAY, &last) != ERR_OK)
		return problem_set(why, ERR_BAD_VALUE, field, "a day like 2026-11-22 is expected");
	if (out->days < first.days || out->days > last.days)
		return problem_set(
			why, ERR_OUT_OF_RANGE, field, "a day from " FIRST_DAY " to " LAST_DAY);
	return ERR_OK;
}

static enum err holidays_answer(
	struct request *r, int64_t site_id, const char *from, const char *to, struct answer *a)
{
	AUTO(rows_free) struct rows rows = { 0 };
	struct day first, last;
	json_t *items;
	enum err e = day_read(from[0] ? from : FIRST_DAY, "from", &first, &a->why);

	if (e == ERR_OK)
		e = day_read(to[0] ? to : LAST_DAY, "to", &last, &a->why);
	if (e == ERR_OK)
		e = holiday_list(r->db, site_id, first, last, &rows);
	if (e != ERR_OK)
		return e;
	items = json_array();
	for (size_t i = 0; i < rows.n; i++)
		json_array_append_new(
			items, shape_json(&holiday_shape, (const struct holiday *)rows.at + i));
	a->json = json_items(items);
	return ERR_OK;
}

enum err holidays_list(struct request *r, struct answer *a)
{
	int64_t site_id = 0;
	enum err e = request_site(r, r->object, &site_id, &a->why);

	return e == ERR_OK
		       ? holidays_answer(r, site_id, param_text(r, "from"), param_text(r, "to"), a)
		       : e;
}

static enum err holiday_read(
	struct request *r, const char *day, struct holiday_change *c, struct problem *why)
{
	enum err e = request_site(r, r->object, &c->site_id, why);

	c->actor = r->actor;
	c->address = r->remote;
	c->now = r->now;
	return e == ERR_OK ? day_read(day, "day", &c->day, why) : e;
}

enum err holiday_change(struct request *r, struct answer *a)
{
	const char *day = body_text(r, "day", "");
	struct holiday_change c = { .name = body_text(r, "name", "") };
	enum err e = holiday_read(r, day, &c, &a->why);

	if (e == ERR_OK)
		e = site_day_parse(body_text(r, "kind", ""), &c.kind);
	if (e == ERR_OK)
		e = holiday_put(r->db, &c);
	if (e == ERR_TOO_LARGE)
		return problem_set(&a->why, e, "day", "at most %d days of a site", HOLIDAYS_MOST);
	return e == ERR_OK ? holidays_answer(r, c.site_id, day, day, a) : e;
}

enum err holiday_remove(struct request *r, struct answer *a)
{
	struct holiday_change c = { .name = "" };
	enum err e = holiday_read(r, param_text(r, "day"), &c, &a->why);

	return e == ERR_OK ? holiday_delete(r->db, &c) : e;
}
