/* Tells other systems of events. Several threads run this job, and each serves one webhook at a
 * time: a receiver that hangs holds up its own events only. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/rand.h"
#include "domain/webhook.h"
#include "rules/retry.h"
#include "web/web.h"
#include "web/webhook_sign.h"
#include "worker/jobs.h"

#define SEND_MS 10000
#define ANSWER_KEPT 500
#define BATCH 20
#define RUN_MS 5000 /* then the others; with the last try still well within the claim */
#define GONE 410

struct headers {
	char id[64], kind[64], timestamp[48], signature[WEBHOOK_SIGNATURES_MAX + 24];
};

static void headers_make(const struct webhook_due *w, const struct delivery *d, struct headers *h)
{
	char signature[WEBHOOK_SIGNATURES_MAX];
	int64_t at_s = utc_now().ms / 1000;

	webhook_sign(w->secret, w->old_secret, at_s, (const char *)d->payload.at, d->payload.n,
		signature);
	snprintf(h->id, sizeof(h->id), "Yufu-Event-Id: %.40s", d->event_id);
	snprintf(h->kind, sizeof(h->kind), "Yufu-Event: %.40s", d->kind);
	snprintf(h->timestamp, sizeof(h->timestamp), "Yufu-Timestamp: %" PRId64, at_s);
	snprintf(h->signature, sizeof(h->signature), "Yufu-Signature: %s", signature);
}

static struct delivery_result judge(const struct web_answer *answer, struct problem *why)
{
	struct delivery_result r = { .end = DELIVERY_FAILED,
		.status = answer->status,
		.error = "",
		.answer = answer->body.text,
		.answer_n = answer->body.len,
		.jitter = rand_below(RETRY_JITTER) };

	if (answer->status >= 200 && answer->status < 300) {
		r.end = DELIVERY_DONE;
		return r;
	}
	if (answer->status == GONE)
		r.end = DELIVERY_GONE;
	problem_set(why, ERR_REFUSED, "", "the receiver answered %d", answer->status);
	r.error = why->text;
	return r;
}

/* *good: the receiver took it. */
static enum err send_one(
	struct tools *t, const struct webhook_due *w, const struct delivery *d, bool *good)
{
	AUTO(web_answer_free) struct web_answer answer = { 0 };
	struct delivery_result r = { .end = DELIVERY_FAILED };
	struct problem why = { 0 };
	struct headers h;
	enum err e;

	headers_make(w, d, &h);
	e = web_call(&(struct web_request){ .method = "POST",
			     .url = w->url,
			     .headers = { "Content-Type: application/json", h.id, h.kind,
				     h.timestamp, h.signature },
			     .body = (const char *)d->payload.at,
			     .body_len = d->payload.n,
			     .deadline_ms = mono_ms() + SEND_MS,
			     .reach = t->private_hooks ? WEB_PRIVATE : WEB_PUBLIC,
			     .keep = ANSWER_KEPT },
		&answer, &why);
	if (e == ERR_OK)
		r = judge(&answer, &why);
	else
		r = (struct delivery_result){ .end = DELIVERY_FAILED,
			.error = why.text,
			.answer = "",
			.jitter = rand_below(RETRY_JITTER) };
	*good = r.end == DELIVERY_DONE;
	return delivery_result(t->db, w, d, &r, utc_now());
}

/* Until it has everything, or fails, or its turn is over. */
static enum err serve(struct tools *t, const struct webhook_due *w)
{
	int64_t stop = mono_ms() + RUN_MS;
	bool good = true;
	enum err e = ERR_OK;

	while (e == ERR_OK && good && mono_ms() < stop) {
		AUTO(rows_free) struct rows rows = { 0 };
		const struct delivery *d;

		e = deliveries_due(t->db, w->id, utc_now(), BATCH, &rows);
		if (rows.n == 0)
			break;
		d = rows.at;
		for (size_t i = 0; e == ERR_OK && good && i < rows.n && mono_ms() < stop; i++)
			e = send_one(t, w, &d[i], &good);
	}
	return e;
}

enum err job_webhooks(struct tools *t, struct utc now)
{
	struct webhook_due w;
	char owner[WEBHOOK_OWNER_MAX], unique[17];
	enum err e, released;

	rand_hex(unique, 8); /* of this turn: the threads of a worker must not take each other's */
	snprintf(owner, sizeof(owner), "%.60s:%s", t->name, unique);
	e = webhook_claim(t->db, owner, now, &w);
	if (e != ERR_OK)
		return e == ERR_NOT_FOUND ? ERR_OK : e;
	e = serve(t, &w);
	released = webhook_release(t->db, w.id, owner);
	return e == ERR_OK ? released : e;
}
