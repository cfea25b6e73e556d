/* Sends by one channel, and asks it what became of what it was given. */
#include <inttypes.h>
#include <string.h>

#include "base/log.h"
#include "worker/outbox_way.h"

#define BATCH 8 /* each takes send_ms at most: all of them end within the claim */
#define RUN_MS 35000
#define RECEIPTS 5
#define DAY_MS INT64_C(86400000)
#define BEIJING_MS INT64_C(28800000)

static const struct notice_channel *channel_of(const struct tools *t)
{
	const char *colon = strchr(t->job, ':');
	const struct notice_channel *c = colon ? notice_channel_find(colon + 1) : NULL;

	return c && (!c->off || !c->off(t->notice)) ? c : NULL;
}

static enum try_outcome outcome_of(const struct notice_result *r)
{
	if (r->outcome == NOTICE_DONE)
		return TRY_DONE;
	if (r->outcome == NOTICE_UNKNOWN)
		return TRY_UNKNOWN;
	return r->unreachable ? TRY_UNREACHABLE
	       : r->next_day  ? TRY_NEXT_DAY
	       : r->retry     ? TRY_RETRY
			      : TRY_REFUSED;
}

static struct outbox_budget budget_of(const struct notice_rules *n)
{
	return (struct outbox_budget){ .code_minute = n->code_minute,
		.code_hour = n->code_hour,
		.code_day = n->code_day,
		.kind_day = n->kind_day,
		.alarm_hour = n->alarm_hour,
		.phone_day = n->phone_day,
		.all_day = n->all_day };
}

/* The services' next day, and a few minutes for their clocks. */
static struct utc next_day(struct utc now)
{
	return (struct utc){ ((now.ms + BEIJING_MS) / DAY_MS + 1) * DAY_MS - BEIJING_MS + 300000 };
}

struct job_at {
	struct tools *t;
	const struct notice_channel *channel;
	const struct outgoing *o;
	const char *address;
	json_t *params;
	char out_id[OUT_ID_MAX];
	char url[320]; /* the pages of who is told; "" */
};

static struct notice_message message_of(const struct job_at *j)
{
	return (struct notice_message){ .recipient = j->address,
		.kind = j->o->template,
		.language = j->o->language,
		.params = j->params,
		.out_id = j->out_id,
		.url = j->url };
}

/* What came of the call, written down. *down: the way is left out from now on. */
static enum err call_and_note(const struct job_at *j, int64_t try_id, bool *down)
{
	const struct notice_rules *rules = notice_rules(j->t->notice);
	struct notice_message m = message_of(j);
	struct notice_result result = { .outcome = NOTICE_REFUSED, .code = "bad_params" };
	struct outbox_result r = {
		.try_id = try_id, .way = j->channel->name, .address = j->address
	};
	struct utc now;

	if (j->params)
		j->channel->send(j->t->notice, &m, utc_now(), mono_ms() + rules->send_ms, &result);
	now = utc_now();
	r.outcome = outcome_of(&result);
	r.code = result.code;
	r.provider_ref = result.provider_ref;
	r.no_answer = r.outcome == TRY_UNKNOWN || str_eq(result.code, "no_connection") ||
		      str_eq(result.code, "provider_down");
	r.quota_until = next_day(now);
	if (j->channel->look_up)
		r.ask_at.ms = now.ms + rules->receipt_after_ms;
	if (result.outcome != NOTICE_DONE)
		log_warn("outbox=%" PRId64 " kind=%s way=%s outcome=%s code=%s", j->o->id,
			j->o->template, r.way, try_outcome_word(r.outcome), r.code);
	return outbox_end(j->t->db, j->o, &r, now, down);
}

static enum err send(const struct job_at *j, bool *down)
{
	struct outbox_budget b = budget_of(notice_rules(j->t->notice));
	bool sms = str_eq(j->channel->medium, "sms");
	struct utc now = utc_now(), wait = { 0 };
	const char *which = "";
	int64_t try_id = 0;
	enum err e = outbox_begin(
		j->t->db, j->o, j->channel->name, sms ? &b : NULL, now, &try_id, &wait, &which);

	if (e != ERR_OK)
		return e;
	if (wait.ms == 0)
		return call_and_note(j, try_id, down);
	log_warn("outbox=%" PRId64 " kind=%s budget=%s", j->o->id, j->o->template, which);
	return outbox_postpone(j->t->db, j->o->id, wait, 0, which);
}

static enum try_outcome fate_of(const struct notice_delivery *d)
{
	switch (d->fate) {
	case FATE_WAITING:
		return TRY_DONE;
	case FATE_DELIVERED:
		return TRY_DELIVERED;
	case FATE_FAILED:
		return TRY_UNDELIVERED;
	case FATE_NEVER_SENT:
		return TRY_NEVER_SENT;
	case FATE_UNKNOWN:
		break;
	}
	return TRY_UNKNOWN;
}

static enum err look(const struct job_at *j, const struct outbox_try *last)
{
	struct notice_message m = message_of(j);
	struct notice_delivery d = { .fate = FATE_UNKNOWN };
	struct problem why = { 0 };
	enum err e = j->channel->look_up(j->t->notice, &m, last->provider_ref, last->at, utc_now(),
		mono_ms() + notice_rules(j->t->notice)->send_ms, &d, &why);
	enum try_outcome found = e == ERR_OK ? fate_of(&d) : TRY_UNKNOWN;

	log_info("outbox=%" PRId64 " way=%s looked_up=%s", j->o->id, j->channel->name,
		try_outcome_word(found));
	return outbox_looked(j->t->db, j->o, last->id, found,
		d.code[0] ? d.code : try_outcome_word(found), d.provider_ref, utc_now());
}

/* Decided once more, since things may have changed on the way here. */
static enum err take(
	struct tools *t, const struct notice_channel *c, const struct outgoing *o, bool *down)
{
	AUTO(route_free) struct route r = { .facts = { .site_id = 0 } };
	AUTO(json_free) json_t *params = NULL;
	struct job_at j = { .t = t, .channel = c, .o = o };
	struct utc now = utc_now();
	struct sending_step s;
	enum err e = route_load(t, o, now, &r);

	if (e != ERR_OK)
		return e;
	s = sending_next(&r.sending, now);
	if ((s.act != SENDING_SEND && s.act != SENDING_LOOK) || r.channels[s.way] != c)
		return outbox_release(t->db, o->id, now);
	if (json_parse(o->params, strlen(o->params), &params, NULL) != ERR_OK)
		params = NULL;
	j.address = r.addresses[s.way] ? r.addresses[s.way] : o->recipient;
	j.params = params;
	outbox_out_id(o->id, j.out_id);
	if (t->site_base[0])
		snprintf(j.url, sizeof(j.url), "%s%s", t->site_base,
			str_eq(o->template, "alarm") ? "/staff/" : "/");
	return s.act == SENDING_SEND ? send(&j, down) : look(&j, route_last(&r));
}

static enum err send_due(struct tools *t, const struct notice_channel *c, struct utc now)
{
	AUTO(rows_free) struct rows rows = { 0 };
	int64_t stop = mono_ms() + RUN_MS;
	bool down = false;
	enum err e = outbox_claim(t->db, t->name, c->name, now, BATCH, &rows);
	const struct outgoing *o = rows.at;

	for (size_t i = 0; e == ERR_OK && i < rows.n; i++)
		/* What a way that is down, or the time, leaves over is decided anew. */
		e = !down && mono_ms() < stop ? take(t, c, &o[i], &down)
					      : outbox_release(t->db, o[i].id, utc_now());
	if (e == ERR_OK && down)
		e = outbox_release_way(t->db, c->name);
	return e;
}

/* ---- receipts that did not come ---- */

static enum err ask_one(
	struct tools *t, const struct notice_channel *c, const struct outbox_sent *s)
{
	struct notice_delivery d = { .fate = FATE_UNKNOWN };
	struct problem why = { 0 };
	char out_id[OUT_ID_MAX];
	struct notice_message m = { .recipient = s->recipient,
		.kind = s->template,
		.language = s->language,
		.out_id = outbox_out_id(s->id, out_id) };
	enum err e = c->look_up(t->notice, &m, s->provider_ref, s->sent_at, utc_now(),
		mono_ms() + notice_rules(t->notice)->send_ms, &d, &why);

	if (e != ERR_OK || (d.fate != FATE_DELIVERED && d.fate != FATE_FAILED))
		return ERR_OK;
	return outbox_receive(t->db,
		&(struct outbox_receipt){ .way = c->name,
			.out_id = out_id,
			.provider_ref = s->provider_ref,
			.phone = s->recipient,
			.delivered = d.fate == FATE_DELIVERED,
			.code = d.code,
			.at = d.at,
			.proven = true },
		utc_now(), NULL);
}

static enum err ask_due(struct tools *t, const struct notice_channel *c, struct utc now)
{
	AUTO(rows_free) struct rows rows = { 0 };
	enum err e = outbox_unreceipted(
		t->db, c->name, notice_rules(t->notice)->receipt_after_ms, now, RECEIPTS, &rows);
	const struct outbox_sent *s = rows.at;

	for (size_t i = 0; e == ERR_OK && i < rows.n; i++)
		e = ask_one(t, c, &s[i]);
	return e;
}

enum err job_send(struct tools *t, struct utc now)
{
	const struct notice_channel *c = channel_of(t);
	enum err e;

	if (!c)
		return ERR_OK;
	e = send_due(t, c, now);
	return e == ERR_OK && c->look_up ? ask_due(t, c, now) : e;
}
