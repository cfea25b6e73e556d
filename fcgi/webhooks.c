/* Other systems that are told of events, and what they were told. */
#include "domain/webhook.h"

#include <stdio.h>
#include <string.h>

#include "domain/event.h"
#include "fcgi/handlers.h"
#include "fcgi/list.h"
#include "web/web.h"

static json_t *events_json(const char *events)
{
	json_t *list = json_array();

	while (*events) {
		size_t n = strcspn(events, ",");

		json_array_append_new(list, json_stringn(events, n));
		events += n + (events[n] == ',');
	}
	return list;
}

static json_t *webhook_json(const void *row)
{
	const struct webhook *w = row;
	return json_pack("{s:I, s:s, s:o, s:s, s:o, s:s, s:o, s:I, s:o, s:o, s:o, s:I, s:I, s:s, "
			 "s:o}",
		"id", (json_int_t)w->id, "name", w->name, "site_id",
		w->site_id ? json_integer(w->site_id) : json_null(), "url", w->url, "events",
		events_json(w->events), "state", w->state, "off_why", json_text_or_null(w->off_why),
		"failures", (json_int_t)w->failures, "failing_since", json_utc(w->failing_since),
		"secret_at", json_utc(w->secret_at), "old_secret_until", json_utc(w->old_until),
		"waiting", (json_int_t)w->waiting, "failed", (json_int_t)w->failed, "created_by",
		w->created_by, "created_at", json_utc(w->created_at));
}

static struct webhook_act act_of(const struct request *r)
{
	return (struct webhook_act){
		.site_id = caller_site(r), .actor = r->actor, .address = r->remote, .now = r->now
	};
}

static enum err answer_webhook(struct request *r, int64_t id, struct answer *a)
{
	struct webhook w;
	enum err e = webhook_get(r->db, caller_site(r), id, &w);

	if (e == ERR_OK)
		a->json = webhook_json(&w);
	return e;
}

enum err webhooks_list(struct request *r, struct answer *a)
{
	return list_answer(r, a, ARGS(arg_i64(caller_site(r))), webhook_json);
}

enum err webhook_one(struct request *r, struct answer *a)
{
	return answer_webhook(r, r->object, a);
}

/* ---- what it is ---- */

/* The kinds of the body, parted by commas; "*" swallows the others. */
static void events_read(const struct request *r, struct buf *out)
{
	const json_t *list = json_object_get(r->json, "events"), *v;
	size_t i;

	buf_adds(out, "");
	json_array_foreach(list, i, v)
	{
		const char *kind = json_string_value(v);

		if (str_eq(kind, WEBHOOK_ALL)) {
			buf_free(out);
			buf_adds(out, WEBHOOK_ALL);
			return;
		}
		buf_printf(out, "%s%s", out->len ? "," : "", kind);
	}
}

static enum err events_check(const struct request *r, struct problem *why)
{
	const json_t *list = json_object_get(r->json, "events"), *v;
	size_t i;

	json_array_foreach(list, i, v)
	{
		for (size_t k = 0; k < i; k++)
			if (json_equal(json_array_get(list, k), v))
				return problem_set(why, ERR_BAD_VALUE, "events", "%s comes twice",
					json_string_value(v));
	}
	return ERR_OK;
}

static enum err url_check(const struct request *r, struct problem *why)
{
	const char *url = body_text(r, "url", NULL);
	bool own = str_eq(conf_text(r->api->conf, "webhook", "allow_private", "0"), "1");

	return url ? web_url_check(url, own ? WEB_PRIVATE : WEB_PUBLIC, why) : ERR_OK;
}

/* The site of a new webhook: all of them (0) only by who sees all of them. */
static enum err site_read(struct request *r, int64_t *out, struct problem *why)
{
	int64_t named = body_int(r, "site_id", 0);

	*out = 0;
	return named || caller_site(r) ? request_site(r, named, out, why) : ERR_OK;
}

static enum err answer_made(struct request *r, int64_t id, const char *secret, struct answer *a)
{
	enum err e = answer_webhook(r, id, a);

	if (e == ERR_OK)
		json_object_set_new(a->json, "secret", json_string(secret));
	return e;
}

enum err webhook_new(struct request *r, struct answer *a)
{
	AUTO(buf_free) struct buf events = { 0 };
	const struct webhook_act by = act_of(r);
	struct webhook_new n = { .name = body_text(r, "name", ""), .url = body_text(r, "url", "") };
	char secret[WEBHOOK_SECRET_MAX], once[ONCE_MAX];
	int64_t id = 0;
	enum err e = url_check(r, &a->why);

	if (e == ERR_OK)
		e = events_check(r, &a->why);
	if (e == ERR_OK)
		e = site_read(r, &n.site_id, &a->why);
	if (e != ERR_OK)
		return e;
	events_read(r, &events);
	n.events = events.text;
	n.once_key = request_once(r, "webhook", once);
	e = webhook_add(r->db, &n, &by, &id, secret);
	return e == ERR_OK ? answer_made(r, id, secret, a) : e;
}

enum err webhook_change(struct request *r, struct answer *a)
{
	AUTO(buf_free) struct buf events = { 0 };
	const struct webhook_act by = act_of(r);
	struct webhook_change c = { .name = body_text(r, "name", NULL),
		.url = body_text(r, "url", NULL),
		.state = body_text(r, "state", NULL) };
	enum err e = url_check(r, &a->why);

	if (e == ERR_OK)
		e = events_check(r, &a->why);
	if (e != ERR_OK)
		return e;
	events_read(r, &events);
	c.events = events.text[0] ? events.text : NULL;
	e = webhook_set(r->db, r->object, &c, &by);
	return e == ERR_OK ? answer_webhook(r, r->object, a) : e;
}

enum err webhook_drop(struct request *r, struct answer *a)
{
	const struct webhook_act by = act_of(r);

	(void)a;
	return webhook_remove(r->db, r->object, &by);
}

enum err webhook_secret(struct request *r, struct answer *a)
{
	const struct webhook_act by = act_of(r);
	char secret[WEBHOOK_SECRET_MAX], once[ONCE_MAX];
	enum err e = webhook_rotate(
		r->db, r->object, request_once(r, "webhook_secret", once), &by, secret);

	return e == ERR_OK ? answer_made(r, r->object, secret, a) : e;
}

/* ---- what it was told ---- */

/* Another's bytes, for people to look at. */
static json_t *answer_text(const struct blob *b)
{
	char text[512];
	size_t n = 0;

	for (; n < b->n && n < sizeof(text) - 1; n++) {
		uint8_t c = b->at[n];

		text[n] = (c >= ' ' && c <= '~') || c == '\n' ? (char)c : '?';
	}
	return n ? json_stringn(text, n) : json_null();
}

static json_t *delivery_json(const void *row)
{
	const struct delivery *d = row;
	json_t *j = json_pack("{s:I, s:I, s:s, s:s, s:s%, s:s, s:I, s:o, s:o, s:o, s:o, s:o, s:o}",
		"id", (json_int_t)d->id, "webhook_id", (json_int_t)d->webhook_id, "event_id",
		d->event_id, "kind", d->kind, "payload", (const char *)d->payload.at, d->payload.n,
		"state", d->state, "tries", (json_int_t)d->tries, "next_at", json_utc(d->next_at),
		"tried_at", json_utc(d->tried_at), "status",
		d->status ? json_integer(d->status) : json_null(), "error",
		json_text_or_null(d->error), "answer", answer_text(&d->answer), "created_at",
		json_utc(d->created_at));

	return j;
}

enum err deliveries_list(struct request *r, struct answer *a)
{
	struct webhook w;
	enum err e = webhook_get(r->db, caller_site(r), r->object, &w);

	return e == ERR_OK ? list_answer(r, a, ARGS(arg_i64(r->object)), delivery_json) : e;
}

static enum err answer_delivery(struct request *r, int64_t id, struct answer *a)
{
	AUTO(rows_free) struct rows rows = { 0 };
	enum err e = delivery_get(r->db, caller_site(r), id, &rows);

	if (e == ERR_OK)
		a->json = delivery_json(rows.at);
	return e;
}

static enum err off_said(enum err e, struct problem *why)
{
	return e == ERR_CONFLICT ? problem_set(why, e, "id", "the webhook is off: turn it on first")
				 : e;
}

enum err webhook_test(struct request *r, struct answer *a)
{
	const struct webhook_act by = act_of(r);
	int64_t id = 0;
	enum err e = webhook_ping(r->db, r->object, &by, &id);

	return e == ERR_OK ? answer_delivery(r, id, a) : off_said(e, &a->why);
}

enum err delivery_again(struct request *r, struct answer *a)
{
	const struct webhook_act by = act_of(r);
	enum err e = delivery_replay(r->db, r->object, &by);

	return e == ERR_OK ? answer_delivery(r, r->object, a) : off_said(e, &a->why);
}
