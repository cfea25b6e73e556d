/* Orders to many meters at once. */
#include "domain/batch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fcgi/handlers.h"
#include "fcgi/list.h"
#include "fcgi/views.h"

static json_t *batch_json(const struct batch_view *b)
{
	json_t *j = json_pack(
		"{s:I, s:I, s:s, s:o, s:s, s:s, s:{s:I, s:s}, s:o, s:o, s:o, s:o, s:o}", "id",
		(json_int_t)b->id, "site_id", (json_int_t)b->site_id, "action", b->action, "until",
		json_utc(b->until_at), "reason", b->reason, "state", b->state, "user", "id",
		(json_int_t)b->user_id, "name", b->name, "created_at", json_utc(b->created_at),
		"expires_at", json_utc(b->expires_at), "confirmed_at", json_utc(b->confirmed_at),
		"started_at", json_utc(b->started_at), "done_at", json_utc(b->done_at));

	json_object_set_new(
		j, "approval_id", b->approval_id ? json_integer(b->approval_id) : json_null());
	json_object_set_new(j, "counts",
		json_pack("{s:I, s:I, s:I, s:I, s:I, s:I}", "meters", (json_int_t)b->meters, "todo",
			(json_int_t)b->todo, "waiting", (json_int_t)b->waiting, "done",
			(json_int_t)b->done, "refused", (json_int_t)b->refused, "failed",
			(json_int_t)b->failed));
	return j;
}

static json_t *words_json(const char *list)
{
	json_t *words = json_array();

	while (*list) {
		size_t n = strcspn(list, ",");

		json_array_append_new(words, json_stringn(list, n));
		list += n + (list[n] == ',');
	}
	return words;
}

static json_t *meter_json(const struct batch_meter *m)
{
	struct supply_view supply = { .id = m->meter_id,
		.switchable = m->switchable,
		.desired = m->desired,
		.observed = m->observed,
		.comm = m->comm,
		.since = m->observed_since };

	return json_pack("{s:o, s:o, s:o, s:o, s:s, s:o, s:o, s:o, s:o}", "meter",
		view_named(m->meter_id, m->meter_code, m->meter_name), "tenant",
		view_tenant(m->tenant_id, m->tenant_code, m->tenant_name, m->room), "would",
		json_text_or_null(m->would), "in_the_way", words_json(m->in_the_way), "state",
		m->state, "why", json_text_or_null(m->why), "ordered_at", json_utc(m->ordered_at),
		"ended_at", json_utc(m->ended_at), "supply", view_supply_short(&supply));
}

static json_t *row_json(const void *row)
{
	return batch_json(row);
}

enum err batches_list(struct request *r, struct answer *a)
{
	struct arg args[BATCH_LIST_ARGS];

	batch_list_args(args, caller_site(r), r->now);
	return list_answer(r, a, args, ARRAY_LEN(args), row_json);
}

static enum err answer_batch(struct request *r, struct answer *a, int64_t id)
{
	AUTO(rows_free) struct rows rows = { 0 };
	const struct batch_meter *m;
	struct batch_view b;
	json_t *meters;
	enum err e = batch_get(r->db, caller_site(r), id, r->now, &b);

	if (e == ERR_OK)
		e = batch_meters(r->db, id, &rows);
	if (e != ERR_OK)
		return e;
	m = rows.at;
	meters = json_array();
	for (size_t i = 0; i < rows.n; i++)
		json_array_append_new(meters, meter_json(&m[i]));
	a->json = batch_json(&b);
	json_object_set_new(a->json, "meters", meters);
	return ERR_OK;
}

enum err batch_show(struct request *r, struct answer *a)
{
	return answer_batch(r, a, r->object);
}

/* Either a list, or what they have in common. The caller frees the ids. */
static enum err read_pick(
	struct request *r, struct batch_pick *out, int64_t **ids, struct problem *why)
{
	const json_t *list = json_object_get(r->json, "meters"), *one;
	size_t i;

	*out = (struct batch_pick){ .n = json_array_size(list),
		.area_id = body_int(r, "area_id", 0),
		.gateway_id = body_int(r, "gateway_id", 0),
		.utility = body_text(r, "utility", ""),
		.role = body_text(r, "role", "") };
	if (out->n && (out->area_id || out->gateway_id || out->utility[0] || out->role[0]))
		return problem_set(why, ERR_BAD_VALUE, "meters",
			"name the meters, or what they have in common, not both");
	if (!out->n && !out->area_id && !out->gateway_id && !out->utility[0] && !out->role[0])
		return problem_set(why, ERR_MISSING_FIELD, "meters",
			"say which meters: meters, area_id, gateway_id, utility or role");
	*ids = calloc(out->n + 1, sizeof(**ids));
	ASSERT(*ids);
	json_array_foreach(list, i, one)(*ids)[i] = json_integer_value(one);
	out->ids = *ids;
	return ERR_OK;
}

static void ids_free(int64_t **ids)
{
	free(*ids);
}

enum err batch_new(struct request *r, struct answer *a)
{
	AUTO(ids_free) int64_t *ids = NULL;
	char once[ONCE_MAX];
	struct batch_new n = { .site_id = caller_site(r),
		.action = body_text(r, "action", ""),
		.reason = body_text(r, "reason", ""),
		.user_id = r->user.id,
		.name = r->user.name,
		.address = r->remote,
		.once_key = request_once(r, "batch", once),
		.now = r->now };
	int64_t id = 0;
	enum err e = read_pick(r, &n.pick, &ids, &a->why);

	if (e == ERR_OK && r->lesser && !str_eq(n.action, "read"))
		return problem_set(
			&a->why, ERR_FORBIDDEN, "action", "switching needs meter.control");
	if (e == ERR_OK)
		e = supply_until(r, str_eq(n.action, "keep"), &n.until, &a->why);
	if (e == ERR_OK)
		e = batch_make(r->db, &n, &id, &a->why);
	return e == ERR_OK ? answer_batch(r, a, id) : e;
}

enum err batch_confirm(struct request *r, struct answer *a)
{
	struct batch_confirm c = { .id = r->object,
		.site_id = caller_site(r),
		.user_id = r->user.id,
		.actor = r->actor,
		.address = r->remote,
		.now = r->now };
	enum err e = batch_start(r->db, &c, &a->why);

	return e == ERR_OK ? answer_batch(r, a, c.id) : e;
}
