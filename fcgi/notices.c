/* Messages: receipts of the services of short messages, the outbox, staff on duty. */
#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "domain/duty.h"
#include "domain/outbox_view.h"
#include "fcgi/handlers.h"
#include "fcgi/list.h"
#include "notice/notice.h"

/* ---- receipts ---- */

struct receiver {
	const char *way;
	enum err (*read)(
		const char *, size_t, struct notice_delivery *, size_t, size_t *, struct problem *);
	const char *received;
};
static const struct receiver receivers[RECEIVERS] = {
	[RECEIVER_ALIYUN] = { "aliyun_sms", notice_receipts_aliyun, NOTICE_RECEIVED_ALIYUN },
	[RECEIVER_TENCENT] = { "tencent_sms", notice_receipts_tencent, NOTICE_RECEIVED_TENCENT },
};

/* The last part of the path against the one of the settings; without one nobody is let in. */
static bool is_secret(const struct request *r, const char *secret)
{
	const char *given = strrchr(r->path, '/') + 1;
	size_t n = strlen(secret);

	return n && strlen(given) == n && CRYPTO_memcmp(given, secret, n) == 0;
}

static enum err take_receipt(
	struct request *r, const char *way, const struct notice_delivery *d, size_t *moved)
{
	bool yes = false;
	enum err e;

	if (d->fate != FATE_DELIVERED && d->fate != FATE_FAILED)
		return ERR_OK;
	if (!d->recipient[0] || (!d->provider_ref[0] && !d->out_id[0]))
		return ERR_OK;
	e = outbox_receive(r->db,
		&(struct outbox_receipt){ .way = way,
			.out_id = d->out_id,
			.provider_ref = d->provider_ref,
			.phone = d->recipient,
			.delivered = d->fate == FATE_DELIVERED,
			.code = d->code,
			.at = d->at },
		r->now, &yes);
	*moved += yes;
	return e;
}

static enum err receive(struct request *r, enum receiver_kind kind, struct answer *a)
{
	const struct receiver *v = &receivers[kind];
	struct notice_delivery list[NOTICE_RECEIPTS_MAX];
	size_t n = 0, moved = 0;
	enum err e;

	if (!is_secret(r, r->api->receipt_secrets[kind]))
		return ERR_NOT_FOUND;
	e = v->read(r->body, r->body_n, list, ARRAY_LEN(list), &n, &a->why);
	for (size_t i = 0; e == ERR_OK && i < n; i++)
		e = take_receipt(r, v->way, &list[i], &moved);
	if (e != ERR_OK)
		return e;
	log_info("receipts=%s n=%zu moved=%zu", v->way, n, moved);
	a->type = "application/json";
	buf_adds(&a->text, v->received);
	return ERR_OK;
}

enum err notify_aliyun_sms(struct request *r, struct answer *a)
{
	return receive(r, RECEIVER_ALIYUN, a);
}

enum err notify_tencent_sms(struct request *r, struct answer *a)
{
	return receive(r, RECEIVER_TENCENT, a);
}

/* ---- the outbox ---- */

static json_t *attempt_json(const struct outbox_attempt *t)
{
	return json_pack("{s:s, s:o, s:s, s:o, s:o}", "way", t->way, "at", json_utc(t->at),
		"outcome", t->outcome, "code", json_text_or_null(t->code), "fate_at",
		json_utc(t->fate_at));
}

static json_t *row_json(const struct outbox_row *o, const struct rows *attempts)
{
	const struct outbox_attempt *t = attempts->at;
	json_t *tries = json_array();
	char phone[PHONE_MASKED_MAX];

	for (size_t i = 0; i < attempts->n; i++)
		if (t[i].outbox_id == o->id)
			json_array_append_new(tries, attempt_json(&t[i]));
	return json_pack("{s:I, s:s, s:s, s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}",
		"id", (json_int_t)o->id, "kind", o->template, "state", o->state, "phone",
		phone_masked(o->recipient, phone), "language", o->language, "way",
		json_text_or_null(o->way), "why", json_text_or_null(o->error), "notice_id",
		o->notice_id ? json_integer(o->notice_id) : json_null(), "created_at",
		json_utc(o->created_at), "next_at", json_utc(o->next_at), "expires_at",
		json_utc(o->expires_at), "sent_at", json_utc(o->sent_at), "delivered_at",
		json_utc(o->delivered_at), "attempts", tries);
}

enum err outbox_show(struct request *r, struct answer *a)
{
	AUTO(rows_free) struct rows rows = { 0 }, attempts = { 0 };
	struct arg site = arg_i64(caller_site(r));
	enum err e = list_rows(r, ARGS(site, site, site, site), &rows);
	const struct outbox_row *o;
	json_t *items;

	if (e == ERR_OK)
		e = outbox_attempts(r->db, &rows, &attempts);
	if (e != ERR_OK)
		return e;
	items = json_array();
	o = rows.at;
	for (size_t i = 0; i < rows.n; i++)
		json_array_append_new(items, row_json(&o[i], &attempts));
	a->json = json_items(items);
	return ERR_OK;
}

enum err outbox_again(struct request *r, struct answer *a)
{
	struct outbox_again again = { .id = r->object,
		.site_id = caller_site(r),
		.actor = r->actor,
		.address = r->remote,
		.now = r->now };
	struct rows none = { 0 };
	struct outbox_row row;
	enum err e = outbox_retry(r->db, &again, &a->why);

	if (e == ERR_OK)
		e = outbox_get(r->db, r->object, caller_site(r), &row);
	if (e == ERR_OK)
		a->json = row_json(&row, &none);
	return e;
}

/* ---- duty ---- */

static enum err answer_duty(struct request *r, int64_t site_id, struct answer *a)
{
	AUTO(rows_free) struct rows rows = { 0 };
	json_t *items = json_array();
	enum err e = duty_list(r->db, site_id, &rows);
	const struct duty *d = rows.at;

	for (size_t i = 0; i < rows.n; i++)
		json_array_append_new(items,
			json_pack("{s:s, s:s, s:s, s:I, s:I, s:s, s:s, s:o, s:I}", "name",
				d[i].name, "phone", d[i].phone, "kinds", d[i].kinds, "from_min",
				(json_int_t)d[i].from_min, "to_min", (json_int_t)d[i].to_min,
				"weekdays", d[i].weekdays, "language", d[i].language, "area",
				json_text_or_null(d[i].area), "step", (json_int_t)d[i].step));
	a->json = json_pack("{s:I, s:o}", "site_id", (json_int_t)site_id, "items", items);
	return e;
}

enum err duty_show(struct request *r, struct answer *a)
{
	int64_t site = 0;
	enum err e = request_site(r, param_int(r, "site_id"), &site, &a->why);

	return e == ERR_OK ? answer_duty(r, site, a) : e;
}

static const char *member(const json_t *o, const char *key, const char *fallback)
{
	const char *v = json_string_value(json_object_get(o, key));

	return v ? v : fallback;
}

/* The schema has checked kinds and lengths in characters. */
static enum err duty_read(const json_t *o, struct duty *d, struct problem *why)
{
	d->from_min = json_integer_value(json_object_get(o, "from_min"));
	d->to_min = json_integer_value(json_object_get(o, "to_min"));
	d->step = json_object_get(o, "step") ? json_integer_value(json_object_get(o, "step")) : 1;
	if (!str_copy(d->name, sizeof(d->name), member(o, "name", "")) ||
		!str_copy(d->phone, sizeof(d->phone), member(o, "phone", "")) ||
		!str_copy(d->kinds, sizeof(d->kinds), member(o, "kinds", "")) ||
		!str_copy(d->weekdays, sizeof(d->weekdays), member(o, "weekdays", "1234567")) ||
		!str_copy(d->area, sizeof(d->area), member(o, "area", "")) ||
		!str_copy(d->language, sizeof(d->language), member(o, "language", "zh")))
		return problem_set(why, ERR_TOO_LARGE, "items", "a text is too long");
	return ERR_OK;
}

enum err duty_change(struct request *r, struct answer *a)
{
	const json_t *items = json_object_get(r->json, "items");
	struct duty list[DUTY_MOST] = { 0 };
	struct duty_change c = { .list = list,
		.n = json_array_size(items),
		.actor = r->actor,
		.address = r->remote,
		.now = r->now };
	enum err e = request_site(r, body_int(r, "site_id", 0), &c.site_id, &a->why);

	ASSERT(c.n <= DUTY_MOST); /* by the schema */
	for (size_t i = 0; e == ERR_OK && i < c.n; i++)
		e = duty_read(json_array_get(items, i), &list[i], &a->why);
	if (e == ERR_OK)
		e = duty_put(r->db, &c, &a->why);
	return e == ERR_OK ? answer_duty(r, c.site_id, a) : e;
}
