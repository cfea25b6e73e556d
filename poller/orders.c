#include "poller/orders.h"

#include <glib.h>
#include <stdlib.h>

#include "poller/wait.h"

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
