/* Alarms: what is wrong, who knows, what was done. */
#include <string.h>

#include "domain/alarm.h"
#include "domain/alarm_kind.h"
#include "fcgi/handlers.h"
#include "fcgi/list.h"

static json_t *alarm_json(const struct alarm_row *x)
{
	const struct alarm_kind *k = alarm_kind_find(x->kind);

	return json_pack(
		"{s:I, s:s, s:s, s:s, s:s, s:{s:s, s:I, s:s}, s:s, s:o, s:o, s:o, s:o, s:o,"
		" s:o, s:I, s:I, s:o, s:o, s:b}",
		"id", (json_int_t)x->id, "kind", x->kind, "name_zh", k ? k->zh : x->kind, "name_en",
		k ? k->en : x->kind, "severity", x->severity, "object", "kind", x->object_kind,
		"id", (json_int_t)x->object_id, "code", x->object_code, "text", x->text,
		"raised_at", json_utc(x->raised_at), "last_at", json_utc(x->last_at), "cleared_at",
		json_utc(x->cleared_at), "acked_at", json_utc(x->acked_at), "acked_by",
		json_text_or_null(x->acked_by), "told_at", json_utc(x->told_at), "told_times",
		(json_int_t)x->told_times, "repeats", (json_int_t)x->repeats, "site_id",
		x->site_id ? json_integer(x->site_id) : json_null(), "area_id",
		x->area_id ? json_integer(x->area_id) : json_null(), "by_hand", k && k->by_hand);
}

static json_t *row_json(const void *row)
{
	return alarm_json(row);
}

enum err alarms_list(struct request *r, struct answer *a)
{
	return list_answer(r, a, ARGS(arg_i64(caller_site(r))), row_json);
}

static enum err answer_alarm(struct request *r, struct answer *a)
{
	AUTO(rows_free) struct rows rows = { 0 };
	json_t *history = json_array();
	const struct alarm_event *v;
	struct alarm_row x;
	enum err e = alarm_get(r->db, caller_site(r), r->object, &x);

	if (e == ERR_OK)
		e = alarm_history(r->db, x.id, &rows);
	v = rows.at;
	for (size_t i = 0; i < rows.n; i++)
		json_array_append_new(
			history, json_pack("{s:o, s:s, s:o, s:o, s:o}", "at", json_utc(v[i].at),
					 "what", v[i].what, "actor", json_text_or_null(v[i].actor),
					 "actor_name", json_text_or_null(v[i].actor_name), "text",
					 json_text_or_null(v[i].text)));
	if (e == ERR_OK) {
		a->json = alarm_json(&x);
		json_object_set(a->json, "history", history);
	}
	json_decref(history);
	return e;
}

enum err alarm_show(struct request *r, struct answer *a)
{
	return answer_alarm(r, a);
}

static enum err act(struct request *r, struct answer *a, const char *key,
	enum err (*run)(struct db *, const struct alarm_word *, struct problem *))
{
	struct alarm_word w = { .id = r->object,
		.site_id = caller_site(r),
		.text = body_text(r, key, ""),
		.actor = r->actor,
		.address = r->remote,
		.now = r->now };
	enum err e = run(r->db, &w, &a->why);

	return e == ERR_OK ? answer_alarm(r, a) : e;
}

enum err alarm_acknowledge(struct request *r, struct answer *a)
{
	return act(r, a, "note", alarm_ack);
}

enum err alarm_say(struct request *r, struct answer *a)
{
	return act(r, a, "text", alarm_comment);
}

enum err alarm_end(struct request *r, struct answer *a)
{
	return act(r, a, "reason", alarm_clear_hand);
}

enum err alarm_kinds_list(struct request *r, struct answer *a)
{
	json_t *items = json_array();

	(void)r;
	for (size_t i = 0; i < alarm_kind_count; i++) {
		const struct alarm_kind *k = &alarm_kinds[i];

		json_array_append_new(
			items, json_pack("{s:s, s:s, s:s, s:b, s:s, s:s}", "kind", k->kind,
				       "severity", k->severity, "object_kind", k->object_kind,
				       "by_hand", k->by_hand, "name_zh", k->zh, "name_en", k->en));
	}
	a->json = json_items(items);
	return ERR_OK;
}
