#include "poller/fleet.h"

#include <glib.h>
#include <stdio.h>
#include <stdlib.h>

#include "poller/wait.h"

struct fleet {
	struct gate gate;
	GHashTable *by_gateway; /* &plant_bus.gateway_id -> struct runner */
};

struct fleet *fleet_open(void)
{
	struct fleet *f = calloc(1, sizeof(*f));

	ASSERT(f);
	gate_init(&f->gate);
	f->by_gateway = g_hash_table_new(g_int64_hash, g_int64_equal);
	return f;
}

void fleet_free(struct fleet **f)
{
	if (!*f)
		return;
	ASSERT(g_hash_table_size((*f)->by_gateway) == 0);
	g_hash_table_destroy((*f)->by_gateway);
	gate_destroy(&(*f)->gate);
	free(*f);
	*f = NULL;
}

/* g_int64_hash takes pointers to what it never changes. */
static gpointer key(const struct runner *r)
{
	return (gpointer)(uintptr_t)&runner_bus(r)->gateway_id;
}

void fleet_add(struct fleet *f, struct runner *r)
{
	gate_lock(&f->gate);
	g_hash_table_insert(f->by_gateway, key(r), r);
	gate_unlock(&f->gate);
}

struct runner *fleet_remove(struct fleet *f, int64_t gateway_id)
{
	struct runner *r;

	gate_lock(&f->gate);
	r = g_hash_table_lookup(f->by_gateway, &gateway_id);
	g_hash_table_remove(f->by_gateway, &gateway_id);
	gate_unlock(&f->gate);
	return r;
}

bool fleet_print(struct fleet *f, int64_t gateway_id, uint64_t *out)
{
	const struct runner *r;

	gate_lock(&f->gate);
	r = g_hash_table_lookup(f->by_gateway, &gateway_id);
	if (r)
		*out = runner_bus(r)->print;
	gate_unlock(&f->gate);
	return r != NULL;
}

bool fleet_arrived(struct fleet *f, int64_t gateway_id)
{
	struct runner *r;

	gate_lock(&f->gate);
	r = g_hash_table_lookup(f->by_gateway, &gateway_id);
	if (r)
		runner_arrived(r);
	gate_unlock(&f->gate);
	return r != NULL;
}

size_t fleet_list(struct fleet *f, int64_t group_id, int64_t *ids, size_t max)
{
	GHashTableIter it;
	gpointer value;
	size_t n = 0;

	gate_lock(&f->gate);
	g_hash_table_iter_init(&it, f->by_gateway);
	while (g_hash_table_iter_next(&it, NULL, &value)) {
		const struct plant_bus *b = runner_bus(value);

		if (group_id && b->group_id != group_id)
			continue;
		if (n < max)
			ids[n] = b->gateway_id;
		n++;
	}
	gate_unlock(&f->gate);
	return n;
}

bool fleet_want(struct fleet *f, int64_t meter_id)
{
	GHashTableIter it;
	gpointer value;
	bool found = false;

	gate_lock(&f->gate);
	g_hash_table_iter_init(&it, f->by_gateway);
	while (!found && g_hash_table_iter_next(&it, NULL, &value))
		found = runner_want(value, meter_id);
	gate_unlock(&f->gate);
	return found;
}

bool fleet_meter(struct fleet *f, int64_t gateway_id, int64_t meter_id, struct fleet_meter *out)
{
	const struct plant_meter *m = NULL;
	struct runner *r;
	bool found;

	gate_lock(&f->gate);
	r = g_hash_table_lookup(f->by_gateway, &gateway_id);
	found = r && runner_identity(r, meter_id, &out->identity, &m);
	if (found) {
		out->group_id = runner_bus(r)->group_id;
		out->settle_ms = m->model->limits.settle_ms;
		out->model = m->model;
		out->device = m->device;
	}
	gate_unlock(&f->gate);
	return found;
}

static bool tells_any(const struct model *m)
{
	for (unsigned k = 0; k < METER_SETTING__MAX; k++)
		if (model_tells(m, (enum meter_setting)k))
			return true;
	return false;
}

size_t fleet_tellers(struct fleet *f, struct fleet_teller **out)
{
	GHashTableIter it;
	gpointer value;
	size_t n = 0, room = 0;

	gate_lock(&f->gate);
	g_hash_table_iter_init(&it, f->by_gateway);
	while (g_hash_table_iter_next(&it, NULL, &value))
		room += runner_bus(value)->n;
	*out = calloc(room + 1, sizeof(**out));
	ASSERT(*out);
	g_hash_table_iter_init(&it, f->by_gateway);
	while (g_hash_table_iter_next(&it, NULL, &value)) {
		const struct plant_bus *b = runner_bus(value);

		for (size_t i = 0; i < b->n; i++)
			if (tells_any(b->meters[i].model))
				(*out)[n++] = (struct fleet_teller){ b->gateway_id, b->meters[i].id,
					b->meters[i].model };
	}
	gate_unlock(&f->gate);
	return n;
}

bool fleet_order(struct fleet *f, int64_t gateway_id, struct order_out *o)
{
	struct runner *r;

	gate_lock(&f->gate);
	r = g_hash_table_lookup(f->by_gateway, &gateway_id);
	if (r)
		runner_order(r, o);
	gate_unlock(&f->gate);
	return r != NULL;
}

size_t fleet_health(struct fleet *f, struct fleet_health **out)
{
	GHashTableIter it;
	gpointer value;
	size_t n = 0;

	gate_lock(&f->gate);
	*out = calloc(g_hash_table_size(f->by_gateway) + 1, sizeof(**out));
	ASSERT(*out);
	g_hash_table_iter_init(&it, f->by_gateway);
	while (g_hash_table_iter_next(&it, NULL, &value)) {
		struct fleet_health *h = &(*out)[n++];
		const struct plant_bus *b = runner_bus(value);

		snprintf(h->code, sizeof(h->code), "%s", b->code);
		h->group_id = b->group_id;
		runner_health(value, &h->health);
	}
	gate_unlock(&f->gate);
	return n;
}
