/* Energy that several contracts pay together: how it is set up, and how each part came about. */
#include <stdio.h>
#include <string.h>

#include "domain/share.h"
#include "domain/sharerun.h"
#include "fcgi/handlers.h"
#include "fcgi/list.h"
#include "fcgi/views.h"

/* ---- groups ---- */

static json_t *sources_json(const struct rows *rows)
{
	const struct share_source *s = rows->at;
	json_t *list = json_array();

	for (size_t i = 0; i < rows->n; i++)
		json_array_append_new(
			list, json_pack("{s:o, s:s}", "meter",
				      view_named(s[i].meter_id, s[i].meter_code, s[i].meter_name),
				      "sign", s[i].sign < 0 ? "-" : "+"));
	return list;
}

static json_t *targets_json(const struct rows *rows, const char *basis)
{
	const struct share_target *t = rows->at;
	json_t *list = json_array();

	for (size_t i = 0; i < rows->n; i++)
		json_array_append_new(list,
			json_pack("{s:{s:I, s:s}, s:o, s:o, s:o, s:s}", "contract", "id",
				(json_int_t)t[i].contract_id, "code", t[i].contract_code, "tenant",
				view_tenant(t[i].tenant_id, t[i].tenant_code, t[i].tenant_name,
					t[i].room),
				"ratio",
				str_eq(basis, "ratio") ? json_price((struct price){ t[i].weight })
						       : json_null(),
				"floor_m2_milli",
				str_eq(basis, "area") ? json_integer(t[i].weight) : json_null(),
				"from_day", t[i].from_day));
	return list;
}

static enum err group_json(struct request *r, const struct share_group *g, json_t **out)
{
	AUTO(rows_free) struct rows sources = { 0 };
	AUTO(rows_free) struct rows targets = { 0 };
	AUTO(zone_free) struct zone *z = NULL;
	enum err e = zone_open(g->zone, &z);

	if (e == ERR_OK)
		e = share_sources(r->db, g->id, &sources);
	if (e == ERR_OK)
		e = share_targets(r->db, g->id, zone_local(z, r->now).day, &targets);
	if (e != ERR_OK)
		return e;
	*out = json_pack("{s:I, s:I, s:s, s:s, s:s, s:s, s:s, s:s, s:o, s:s, s:o, s:o}", "id",
		(json_int_t)g->id, "site_id", (json_int_t)g->site_id, "name", g->name, "utility",
		g->utility, "basis", g->basis, "kind", g->kind, "purse", g->purse, "from_day",
		g->from_day, "to_day", json_text_or_null(g->to_day), "run_to", g->run_to, "sources",
		sources_json(&sources), "targets", targets_json(&targets, g->basis));
	return ERR_OK;
}

enum err shares_list(struct request *r, struct answer *a)
{
	AUTO(rows_free) struct rows rows = { 0 };
	json_t *items = json_array(), *one = NULL;
	enum err e = list_rows(r, ARGS(arg_i64(caller_site(r))), &rows);
	const struct share_group *g = rows.at;

	for (size_t i = 0; e == ERR_OK && i < rows.n; i++) {
		e = group_json(r, &g[i], &one);
		if (e == ERR_OK)
			json_array_append_new(items, one);
	}
	a->json = json_items(items);
	return e;
}

static enum err group_get(struct request *r, int64_t id, struct share_group *out)
{
	AUTO(rows_free) struct rows rows = { 0 };
	enum err e = share_groups(r->db, caller_site(r), id, &rows);

	if (e == ERR_OK && rows.n == 0)
		return ERR_NOT_FOUND;
	if (e == ERR_OK)
		*out = *(const struct share_group *)rows.at;
	return e;
}

static enum err answer_group(struct request *r, int64_t id, struct answer *a)
{
	struct share_group g;
	enum err e = group_get(r, id, &g);

	return e == ERR_OK ? group_json(r, &g, &a->json) : e;
}

static size_t sources_read(
	const struct request *r, struct share_source_new out[static SHARE_SOURCES_MAX])
{
	const json_t *list = json_object_get(r->json, "sources");
	const char *sign;
	json_t *s;
	size_t i;

	ASSERT(json_array_size(list) <= SHARE_SOURCES_MAX); /* by the schema */
	json_array_foreach(list, i, s)
	{
		sign = json_string_value(json_object_get(s, "sign"));
		out[i] = (struct share_source_new){ json_integer_value(
							    json_object_get(s, "meter_id")),
			sign && str_eq(sign, "-") ? -1 : 1 };
	}
	return i;
}

/* "0.125": decimal text, as prices are. */
static enum err ratio_read(
	const json_t *target, size_t i, struct share_target_new *out, struct problem *why)
{
	const char *text = json_string_value(json_object_get(target, "ratio"));
	struct price ratio = { 0 };
	char field[48];

	out->has_ratio = text != NULL;
	if (!text)
		return ERR_OK;
	snprintf(field, sizeof(field), "targets[%zu].ratio", i);
	if (text[0] == '-')
		return problem_set(why, ERR_OUT_OF_RANGE, field, "above 0 and at most 1");
	if (price_parse(text, &ratio) != ERR_OK)
		return problem_set(why, ERR_BAD_VALUE, field,
			"a decimal like 0.125 with at most 6 places is expected");
	out->ratio_ppm = ratio.micro;
	return ERR_OK;
}

static enum err targets_read(const struct request *r,
	struct share_target_new out[static SHARE_TARGETS_MAX], size_t *n, struct problem *why)
{
	const json_t *list = json_object_get(r->json, "targets");
	enum err e = ERR_OK;
	json_t *t;
	size_t i;

	*n = json_array_size(list);
	ASSERT(*n <= SHARE_TARGETS_MAX); /* by the schema */
	json_array_foreach(list, i, t)
	{
		out[i] = (struct share_target_new){ .contract_id = json_integer_value(
							    json_object_get(t, "contract_id")) };
		e = ratio_read(t, i, &out[i], why);
		if (e != ERR_OK)
			return e;
	}
	return ERR_OK;
}

static struct share_actor share_actor_of(const struct request *r)
{
	return (struct share_actor){
		.site_id = caller_site(r), .actor = r->actor, .address = r->remote, .now = r->now
	};
}

enum err share_create(struct request *r, struct answer *a)
{
	struct share_source_new sources[SHARE_SOURCES_MAX];
	struct share_target_new targets[SHARE_TARGETS_MAX];
	struct share_actor by = share_actor_of(r);
	struct share_new n = { .name = body_text(r, "name", ""),
		.utility = body_text(r, "utility", "electricity"),
		.basis = body_text(r, "basis", ""),
		.kind = body_text(r, "kind", "public"),
		.purse = body_text(r, "purse", "utility"),
		.sources = sources,
		.targets = targets };
	char once[ONCE_MAX];
	int64_t id = 0;
	enum err e = request_site(r, body_int(r, "site_id", 0), &n.site_id, &a->why);

	if (e == ERR_OK)
		e = body_day(r, "from_day", &n.has_from, &n.from, &a->why);
	if (e == ERR_OK)
		e = body_day(r, "to_day", &n.ends, &n.to, &a->why);
	if (e == ERR_OK)
		e = targets_read(r, targets, &n.targets_n, &a->why);
	n.sources_n = sources_read(r, sources);
	n.once_key = request_once(r, "share", once);
	if (e == ERR_OK)
		e = share_add(r->db, &n, &by, &id, &a->why);
	return e == ERR_OK ? answer_group(r, id, a) : e;
}

enum err share_change(struct request *r, struct answer *a)
{
	struct share_target_new targets[SHARE_TARGETS_MAX];
	struct share_actor by = share_actor_of(r);
	struct share_change c = { .id = r->object, .name = body_text(r, "name", NULL) };
	enum err e = body_day(r, "to_day", &c.ends, &c.to, &a->why);

	if (json_object_get(r->json, "targets"))
		c.targets = targets;
	if (e == ERR_OK)
		e = body_day(r, "from_day", &c.has_from, &c.from, &a->why);
	if (e == ERR_OK)
		e = targets_read(r, targets, &c.targets_n, &a->why);
	if (e == ERR_OK)
		e = share_edit(r->db, &c, &by, &a->why);
	return e == ERR_OK ? answer_group(r, r->object, a) : e;
}

/* ---- parts ---- */

/* "energy_wh" and "volume_l" with a prefix: one of them says how much, the other is null. */
static void both(json_t *o, const char *utility, const char *prefix, struct qty q)
{
	bool water = str_eq(utility, "water");
	char key[32];

	snprintf(key, sizeof(key), "%senergy_wh", prefix);
	json_object_set_new(o, key, water ? json_null() : json_integer(q.milli));
	snprintf(key, sizeof(key), "%svolume_l", prefix);
	json_object_set_new(o, key, water ? json_integer(q.milli) : json_null());
}

static json_t *line_json(const struct share_line *l, const char *utility)
{
	json_t *o = json_pack("{s:o, s:o, s:I, s:o, s:o}", "meter",
		view_named(l->meter_id, l->meter_code, l->meter_name), "rate",
		json_text_or_null(l->rate), "tier", (json_int_t)l->tier, "price",
		json_price(l->price), "charge", json_money(l->charge));

	both(o, utility, "of_", l->of);
	both(o, utility, "", l->qty);
	return o;
}

static bool of_part(const struct share_line *l, const struct share_part *p)
{
	return l->group_id == p->group_id && l->contract_id == p->contract_id &&
	       str_eq(l->day, p->day);
}

/* Lines and parts come in the same order; the owner's lines are of no part. */
static json_t *lines_of(const struct rows *lines, const struct share_part *p, size_t *at)
{
	const struct share_line *l = lines->at;
	json_t *list = json_array();
	size_t i = *at;

	while (i < lines->n && !of_part(&l[i], p))
		i++;
	if (i == lines->n)
		return list;
	for (; i < lines->n && of_part(&l[i], p); i++)
		json_array_append_new(list, line_json(&l[i], p->utility));
	*at = i;
	return list;
}

static json_t *part_json(const struct share_part *p, json_t *lines)
{
	json_t *o = json_pack("{s:{s:I, s:s}, s:s, s:s, s:s, s:s, s:I, s:b, s:{s:I, s:s}, s:o, s:I,"
			      " s:I, s:I, s:o, s:o, s:o}",
		"group", "id", (json_int_t)p->group_id, "name", p->group_name, "kind", p->kind,
		"basis", p->basis, "utility", p->utility, "day", p->day, "version",
		(json_int_t)p->version, "complete", p->complete ? 1 : 0, "contract", "id",
		(json_int_t)p->contract_id, "code", p->contract_code, "tenant",
		view_tenant(p->tenant_id, p->tenant_code, p->tenant_name, p->room), "account_id",
		(json_int_t)p->account_id, "weight", (json_int_t)p->weight, "of_weight",
		(json_int_t)p->of_weight, "charge", json_money(p->charge), "of_charge",
		json_money(p->total_charge), "lines", lines);

	both(o, p->utility, "", p->qty);
	both(o, p->utility, "of_", p->total);
	return o;
}

static enum err parts_json(struct request *r, const struct share_span *s, json_t **out)
{
	AUTO(rows_free) struct rows parts = { 0 };
	AUTO(rows_free) struct rows lines = { 0 };
	enum err e = share_parts(r->db, s, &parts);
	const struct share_part *p;
	size_t at = 0;

	if (e == ERR_OK)
		e = share_lines(r->db, s, &lines);
	if (e != ERR_OK)
		return e;
	*out = json_array();
	p = parts.at;
	for (size_t i = 0; i < parts.n; i++)
		json_array_append_new(*out, part_json(&p[i], lines_of(&lines, &p[i], &at)));
	return ERR_OK;
}

#define DAYS_MOST 92

enum err me_shares(struct request *r, struct answer *a)
{
	struct share_span s = { .user_id = r->user.id };
	json_t *items = NULL;
	enum err e = day_parse(param_text(r, "from"), &s.from);

	if (e == ERR_OK)
		e = day_parse(param_text(r, "to"), &s.to);
	if (e != ERR_OK)
		return e;
	if (s.to.days < s.from.days || s.to.days - s.from.days >= DAYS_MOST)
		return problem_set(&a->why, ERR_OUT_OF_RANGE, "to", "from 1 to %d days", DAYS_MOST);
	e = parts_json(r, &s, &items);
	if (e == ERR_OK)
		a->json = json_items(items);
	return e;
}

enum err share_day_get(struct request *r, struct answer *a)
{
	AUTO(rows_free) struct rows sums = { 0 };
	struct share_span s = { .group_id = r->object };
	struct share_group g;
	const struct share_sum *sum;
	json_t *parts = NULL;
	enum err e = group_get(r, r->object, &g);

	if (e == ERR_OK)
		e = day_parse(param_text(r, "day"), &s.from);
	s.to = s.from;
	if (e == ERR_OK)
		e = share_sums(r->db, &s, &sums);
	if (e == ERR_OK && sums.n == 0)
		return problem_set(&a->why, ERR_NOT_FOUND, "day", "this day was not shared");
	if (e == ERR_OK)
		e = parts_json(r, &s, &parts);
	if (e != ERR_OK)
		return e;
	sum = sums.at;
	a->json = json_pack("{s:{s:I, s:s}, s:s, s:I, s:b, s:o, s:o, s:o, s:o}", "group", "id",
		(json_int_t)g.id, "name", g.name, "day", sum->day, "version",
		(json_int_t)sum->version, "complete", sum->complete ? 1 : 0, "run_at",
		json_utc(sum->run_at), "charge", json_money(sum->charge), "owner_charge",
		json_money(sum->owner_charge), "parts", parts);
	both(a->json, g.utility, "net_", sum->net);
	both(a->json, g.utility, "", sum->qty);
	both(a->json, g.utility, "owner_", sum->owner);
	return ERR_OK;
}
