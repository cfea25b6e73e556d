#include "poller/holdings.h"

#include <stdlib.h>

#include "poller/wait.h"

struct holdings {
	struct gate gate;
	struct holding {
		struct lease lease;
		bool lost;
	} at[HOLDINGS_MAX];
	size_t n;
};

struct holdings *holdings_open(void)
{
	struct holdings *h = calloc(1, sizeof(*h));

	ASSERT(h);
	gate_init(&h->gate);
	return h;
}

void holdings_free(struct holdings **h)
{
	if (!*h)
		return;
	gate_destroy(&(*h)->gate);
	free(*h);
	*h = NULL;
}

static struct holding *find(struct holdings *h, int64_t group_id)
{
	for (size_t i = 0; i < h->n; i++)
		if (h->at[i].lease.group_id == group_id)
			return &h->at[i];
	return NULL;
}

void holdings_add(struct holdings *h, const struct lease *l)
{
	struct holding *old;

	gate_lock(&h->gate);
	old = find(h, l->group_id);
	if (!old) {
		ASSERT(h->n < HOLDINGS_MAX);
		old = &h->at[h->n++];
	}
	*old = (struct holding){ .lease = *l };
	gate_unlock(&h->gate);
}

void holdings_remove(struct holdings *h, int64_t group_id)
{
	struct holding *old;

	gate_lock(&h->gate);
	old = find(h, group_id);
	if (old)
		*old = h->at[--h->n];
	gate_unlock(&h->gate);
}

void holdings_lose(struct holdings *h, const struct lease *l)
{
	struct holding *old;

	gate_lock(&h->gate);
	old = find(h, l->group_id);
	if (old && old->lease.epoch == l->epoch)
		old->lost = true;
	gate_unlock(&h->gate);
}

bool holdings_get(struct holdings *h, int64_t group_id, struct lease *out)
{
	const struct holding *found;
	bool held;

	gate_lock(&h->gate);
	found = find(h, group_id);
	held = found && !found->lost;
	if (held)
		*out = found->lease;
	gate_unlock(&h->gate);
	return held;
}

size_t holdings_list(struct holdings *h, bool lost, struct lease *out, size_t max)
{
	size_t n = 0;

	gate_lock(&h->gate);
	for (size_t i = 0; i < h->n && n < max; i++)
		if (h->at[i].lost == lost)
			out[n++] = h->at[i].lease;
	gate_unlock(&h->gate);
	return n;
}
