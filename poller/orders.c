#include "poller/orders.h"

#include <glib.h>
#include <stdlib.h>

struct order_out *order_new(void)
{
	struct order_out *o = calloc(1, sizeof(*o));

	ASSERT(o);
	gate_init(&o->gate);
	o->looked_at = mono_ms();
	o->permit_until = INT64_MAX;
	return o;
}

void order_free(struct order_out **o)
{
	if (!*o)
		return;
	gate_destroy(&(*o)->gate);
	free(*o);
	*o = NULL;
}

void order_confirm(struct order_out *o, int64_t looked_at)
{
	gate_lock(&o->gate);
	o->looked_at = looked_at;
	gate_wake(&o->gate);
	gate_unlock(&o->gate);
}

void order_cancel(struct order_out *o)
{
	gate_lock(&o->gate);
	o->cancelled = true;
	gate_wake(&o->gate);
	gate_unlock(&o->gate);
}

/* Locked. */
static const char *refusal(const struct order_out *o, int64_t now)
{
	if (o->cancelled)
		return "no longer wanted";
	if (now > o->permit_until || now - o->looked_at > ORDER_LOOK_MS)
		return "the bus was not free in time";
	return NULL;
}

const char *order_refusal(struct order_out *o)
{
	const char *word;

	gate_lock(&o->gate);
	word = refusal(o, mono_ms());
	gate_unlock(&o->gate);
	return word;
}

bool order_may_send(struct order_out *o)
{
	int64_t asked = mono_ms();
	bool good;

	gate_lock(&o->gate);
	while (!o->on && o->looked_at < asked && !refusal(o, mono_ms()) &&
		mono_ms() < asked + ORDER_LOOK_MS)
		gate_wait(&o->gate, asked + ORDER_LOOK_MS);
	good = !refusal(o, mono_ms()) && (o->on || o->looked_at >= asked);
	gate_unlock(&o->gate);
	return good;
}

struct orders_back {
	struct gate gate;
	GQueue results; /* struct order_result * */
	bool woken;
};

struct orders_back *orders_back_open(void)
{
	struct orders_back *b = calloc(1, sizeof(*b));

	ASSERT(b);
	gate_init(&b->gate);
	g_queue_init(&b->results);
	return b;
}

void orders_back_free(struct orders_back **b)
{
	if (!*b)
		return;
	g_queue_clear_full(&(*b)->results, free);
	gate_destroy(&(*b)->gate);
	free(*b);
	*b = NULL;
}

void orders_back_put(struct orders_back *b, const struct order_result *r)
{
	struct order_result *copy = malloc(sizeof(*copy));

	ASSERT(copy);
	*copy = *r;
	gate_lock(&b->gate);
	g_queue_push_tail(&b->results, copy);
	gate_wake(&b->gate);
	gate_unlock(&b->gate);
}

bool orders_back_take(struct orders_back *b, int64_t deadline, struct order_result *out)
{
	struct order_result *r;

	gate_lock(&b->gate);
	while (g_queue_is_empty(&b->results) && !b->woken && mono_ms() < deadline)
		gate_wait(&b->gate, deadline);
	b->woken = false;
	r = g_queue_pop_head(&b->results);
	gate_unlock(&b->gate);
	if (!r)
		return false;
	*out = *r;
	free(r);
	return true;
}

void orders_back_wake(struct orders_back *b)
{
	gate_lock(&b->gate);
	b->woken = true;
	gate_wake(&b->gate);
	gate_unlock(&b->gate);
}
