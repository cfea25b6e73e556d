/* Chooses the way of each message that waits for one. Calls no service: nothing here can hang. */
#include <inttypes.h>

#include "base/log.h"
#include "worker/outbox_way.h"

#define BATCH 200

/* Warnings that can wait for the morning. */
static bool can_wait(const char *kind)
{
	static const char *const kinds[] = { "low1", "low2", "fee_low", "fee_due" };

	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		if (str_eq(kinds[i], kind))
			return true;
	return false;
}

/* In quiet hours it waits for their end, and is good for as much longer. */
static enum err hush(struct tools *t, const struct outgoing *o, const struct route *r,
	struct utc now, bool *hushed)
{
	struct utc until = { 0 };
	enum err e =
		can_wait(o->template) ? outbox_quiet_until(t->db, &r->facts, now, &until) : ERR_OK;

	*hushed = until.ms > 0;
	if (e == ERR_OK && *hushed)
		e = outbox_postpone(t->db, o->id, until, until.ms - now.ms, "quiet_hours");
	return e;
}

static enum err step(
	struct tools *t, const struct outgoing *o, const struct route *r, struct utc now)
{
	struct sending_step s = sending_next(&r->sending, now);

	switch (s.act) {
	case SENDING_SEND:
	case SENDING_LOOK:
		return outbox_hand(t->db, o->id, r->channels[s.way]->name);
	case SENDING_WAIT:
		return outbox_postpone(t->db, o->id, s.at, 0, "waits");
	case SENDING_END:
		log_warn("outbox=%" PRId64 " kind=%s ends=%s", o->id, o->template,
			sending_end_word(s.end));
		return outbox_finish(t->db, o->id, s.end);
	}
	return ERR_INTERNAL;
}

static enum err choose(struct tools *t, const struct outgoing *o, struct utc now)
{
	AUTO(route_free) struct route r = { .facts = { .site_id = 0 } };
	bool hushed = false;
	enum err e = route_load(t, o, now, &r);

	if (e == ERR_OK && r.sending.tries_n == 0)
		e = hush(t, o, &r, now, &hushed);
	if (e != ERR_OK || hushed)
		return e;
	if (route_wants_both(o, &r))
		return outbox_split(t->db, o->id, now); /* chosen in the next round */
	return step(t, o, &r, now);
}

enum err job_outbox(struct tools *t, struct utc now)
{
	AUTO(rows_free) struct rows rows = { 0 };
	enum err e = outbox_waiting(t->db, now, BATCH, &rows);
	const struct outgoing *o = rows.at;

	for (size_t i = 0; e == ERR_OK && i < rows.n; i++)
		e = choose(t, &o[i], now);
	return e;
}
