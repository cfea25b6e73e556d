#include "worker/outbox_way.h"

#include <string.h>

#include "notice/wechat_app.h"

void route_free(struct route *r)
{
	outbox_facts_free(&r->facts);
}

const struct outbox_try *route_last(const struct route *r)
{
	const struct outbox_try *t = r->facts.tries.at;

	return r->facts.tries.n ? &t[r->facts.tries.n - 1] : NULL;
}

static bool is_wechat(const struct notice_channel *c)
{
	return str_eq(c->medium, "wechat");
}

/* A login code and an alarm go to the phone itself. */
static bool is_for_phone(const struct outgoing *o)
{
	return str_eq(o->template, "login_code") || str_eq(o->template, "alarm");
}

/* The openid that a message of this kind reaches now; ERR_NOT_FOUND: none. */
static enum err openid_of(struct tools *t, const struct notice_channel *c, const struct outgoing *o,
	struct utc now, char openid[static WECHAT_OPENID_BYTES])
{
	const struct wechat_app *app =
		notice_wechat(t->notice, str_eq(c->name, "wechat_mini") ? WECHAT_MINI : WECHAT_OA);
	struct wechat_permit permits[WECHAT_PERMITS_MAX];
	const char *template_id = "";
	size_t n = app ? wechat_permits(app, permits) : 0;

	if (!app)
		return ERR_NOT_FOUND;
	for (size_t i = 0; i < n; i++)
		if (str_eq(permits[i].kind, o->template))
			template_id = permits[i].template_id;
	return wechat_reach(t->db, o->recipient, wechat_app_id(app), template_id,
		template_id[0] != '\0', now, openid);
}

static bool is_wanted(
	const struct notice_channel *c, const struct outgoing *o, const struct outbox_facts *f)
{
	if (is_wechat(c))
		return !is_for_phone(o) && !str_eq(o->medium, "sms") &&
		       (str_eq(o->medium, "wechat") || !str_eq(f->channels, "sms"));
	return !str_eq(o->medium, "wechat");
}

static bool is_unreached(const struct outbox_facts *f, const char *address, const char *way)
{
	const struct outbox_unreached *u = f->unreached.at;

	for (size_t i = 0; i < f->unreached.n; i++)
		if (str_eq(u[i].address, address) && str_eq(u[i].way, way))
			return true;
	return false;
}

static struct utc left_out_until(const struct outbox_facts *f, const char *way)
{
	const struct outbox_way *w = f->ways.at;

	for (size_t i = 0; i < f->ways.n; i++)
		if (str_eq(w[i].way, way))
			return w[i].down_until.ms > w[i].quota_until.ms ? w[i].down_until
									: w[i].quota_until;
	return (struct utc){ 0 };
}

static enum err add_way(struct tools *t, const struct outgoing *o, const struct notice_channel *c,
	struct utc now, struct route *r)
{
	size_t i = r->sending.ways_n;
	const char *address = o->recipient;
	enum err e = ERR_OK;

	if (i == WAYS_MAX)
		return ERR_OK;
	if (is_wechat(c)) {
		e = openid_of(t, c, o, now, r->openids[i]);
		address = e == ERR_OK ? r->openids[i] : NULL;
	}
	if (e != ERR_OK && e != ERR_NOT_FOUND)
		return e;
	r->channels[i] = c;
	r->addresses[i] = address;
	r->ways[i] = (struct sending_way){ .open = address && is_wanted(c, o, &r->facts) &&
						   c->serves(t->notice, o->template, o->language) &&
						   !is_unreached(&r->facts, address, c->name),
		.asks = c->look_up != NULL,
		.from = left_out_until(&r->facts, c->name) };
	r->sending.ways_n++;
	return ERR_OK;
}

static enum err add_ways(struct tools *t, const struct outgoing *o, struct utc now, struct route *r)
{
	size_t n;
	const struct notice_channel *const *list = notice_ways(t->notice, &n);
	enum err e = ERR_OK;

	for (size_t i = 0; e == ERR_OK && i < n; i++)
		if (is_wechat(list[i]))
			e = add_way(t, o, list[i], now, r);
	for (size_t i = 0; e == ERR_OK && i < n; i++)
		if (!is_wechat(list[i]))
			e = add_way(t, o, list[i], now, r);
	return e;
}

static size_t place_of(const struct route *r, const char *way)
{
	for (size_t i = 0; i < r->sending.ways_n; i++)
		if (str_eq(r->channels[i]->name, way))
			return i;
	return SENDING_GONE;
}

/* The last TRIES_MAX of them: no message has as many. */
static enum err add_tries(struct route *r)
{
	const struct outbox_try *t = r->facts.tries.at;
	size_t skip = r->facts.tries.n > TRIES_MAX ? r->facts.tries.n - TRIES_MAX : 0;

	for (size_t i = skip; i < r->facts.tries.n; i++) {
		struct sending_try *s = &r->tries[r->sending.tries_n++];

		*s = (struct sending_try){ .way = place_of(r, t[i].way),
			.at = t[i].at,
			.looks = t[i].looks,
			.looked_at = t[i].looked_at };
		if (try_outcome_parse(t[i].outcome, &s->outcome) != ERR_OK)
			return ERR_INTERNAL;
	}
	return ERR_OK;
}

enum err route_load(struct tools *t, const struct outgoing *o, struct utc now, struct route *out)
{
	bool code = str_eq(o->template, "login_code");
	enum err e;

	memset(out, 0, sizeof(*out));
	e = outbox_facts(t->db, o, now, &out->facts);
	if (e != ERR_OK)
		return e;
	out->sending.patience = code ? &sending_brisk : &sending_patient;
	out->sending.look_after_ms = notice_rules(t->notice)->look_after_ms;
	out->sending.insists = outbox_insists(o->template);
	e = add_ways(t, o, now, out);
	if (e == ERR_OK)
		e = add_tries(out);
	/* only now: the struct is the caller's and stays where it is */
	out->sending.ways = out->ways;
	out->sending.tries = out->tries;
	return e;
}

bool route_wants_both(const struct outgoing *o, const struct route *r)
{
	if (!str_eq(r->facts.channels, "both") || !str_eq(o->medium, "any") || is_for_phone(o) ||
		r->sending.tries_n)
		return false;
	for (size_t i = 0; i < r->sending.ways_n; i++)
		if (is_wechat(r->channels[i]) && r->ways[i].open)
			return true;
	return false;
}
