#include "poller/desk.h"

#include <glib.h>
#include <stdlib.h>
#include <string.h>

#include "poller/wait.h"

struct desk {
	struct gate gate;
	GHashTable *by_meter; /* &report.meter_id -> struct report, owned by the queue */
	GQueue order;	      /* struct report *, oldest first */
	bool closed;
};

struct desk *desk_open(void)
{
	struct desk *d = calloc(1, sizeof(*d));

	ASSERT(d);
	gate_init(&d->gate);
	d->by_meter = g_hash_table_new(g_int64_hash, g_int64_equal);
	g_queue_init(&d->order);
	return d;
}

void desk_free(struct desk **d)
{
	if (!*d)
		return;
	g_hash_table_destroy((*d)->by_meter);
	g_queue_clear_full(&(*d)->order, free);
	gate_destroy(&(*d)->gate);
	free(*d);
	*d = NULL;
}

static struct report *add(struct desk *d, const struct report *r)
{
	struct report *copy = malloc(sizeof(*copy));

	ASSERT(copy);
	*copy = *r;
	g_queue_push_tail(&d->order, copy);
	g_hash_table_insert(d->by_meter, &copy->meter_id, copy);
	return copy;
}

/* The communication part of a report. */
static void copy_comm(struct report *to, const struct report *from)
{
	to->comm = from->comm;
	to->comm_since = from->comm_since;
	to->fails = from->fails;
	memcpy(to->error, from->error, sizeof(to->error));
	memcpy(to->fault, from->fault, sizeof(to->fault));
	to->gateway_silent = from->gateway_silent;
}

void desk_put(struct desk *d, const struct report *r)
{
	struct report *old;

	gate_lock(&d->gate);
	old = g_hash_table_lookup(d->by_meter, &r->meter_id);
	if (!old)
		add(d, r);
	else if (r->has_reading)
		*old = *r;
	else
		copy_comm(old, r);
	gate_wake(&d->gate);
	gate_unlock(&d->gate);
}

void desk_put_back(struct desk *d, const struct report *r, size_t n)
{
	gate_lock(&d->gate);
	for (size_t i = 0; i < n; i++) {
		struct report *newer = g_hash_table_lookup(d->by_meter, &r[i].meter_id);

		if (!newer) {
			add(d, &r[i]);
		} else if (!newer->has_reading && r[i].has_reading) {
			struct report merged = r[i];

			copy_comm(&merged, newer);
			*newer = merged;
		}
	}
	gate_unlock(&d->gate);
}

static void wait_for_first(struct desk *d, int64_t deadline)
{
	while (!d->closed && g_queue_is_empty(&d->order) && mono_ms() < deadline)
		gate_wait(&d->gate, deadline);
}

size_t desk_take(struct desk *d, struct report *out, size_t max, int64_t gather_ms, int64_t idle_ms)
{
	int64_t deadline;
	size_t n = 0;

	gate_lock(&d->gate);
	wait_for_first(d, mono_ms() + idle_ms);
	deadline = mono_ms() + gather_ms;
	while (!d->closed && !g_queue_is_empty(&d->order) && g_queue_get_length(&d->order) < max &&
		mono_ms() < deadline)
		gate_wait(&d->gate, deadline);
	while (n < max && !g_queue_is_empty(&d->order)) {
		struct report *r = g_queue_pop_head(&d->order);

		g_hash_table_remove(d->by_meter, &r->meter_id);
		out[n++] = *r;
		free(r);
	}
	gate_unlock(&d->gate);
	return n;
}

void desk_close(struct desk *d)
{
	gate_lock(&d->gate);
	d->closed = true;
	gate_wake(&d->gate);
	gate_unlock(&d->gate);
}

bool desk_is_closed(struct desk *d)
{
	bool closed;

	gate_lock(&d->gate);
	closed = d->closed;
	gate_unlock(&d->gate);
	return closed;
}

size_t desk_waiting(struct desk *d)
{
	size_t n;

	gate_lock(&d->gate);
	n = g_queue_get_length(&d->order);
	gate_unlock(&d->gate);
	return n;
}
