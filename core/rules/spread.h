#pragma once
/* How pollers share the buses among themselves: pure. Each poller decides for itself from what it
 * sees of the others, one group of buses at a time; together they end evenly. */
#include "base/base.h"

struct spread {
	int64_t total;	/* buses of all groups */
	int64_t mine;	/* that this poller holds */
	int64_t most;	/* that it may hold */
	int64_t others; /* pollers that live, besides this one */
	int64_t least;	/* buses of the one of them that has fewest; counts with others only */
};

/* May it take a free group? Up to its fair share; above that only a group that nobody else has
 * taken for a while: better uneven than unread. */
bool spread_take(const struct spread *s, int64_t buses, bool waited);
/* Should it hand a group that it holds to the others? When that makes it more even. */
bool spread_give(const struct spread *s, int64_t buses);
