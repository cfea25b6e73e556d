#pragma once
/* The leases that this process holds, for all its threads. */
#include "domain/lease.h"

struct holdings;
struct holdings *holdings_open(void);
void holdings_free(struct holdings **h);
void holdings_add(struct holdings *h, const struct lease *l);
void holdings_remove(struct holdings *h, int64_t group_id);
/* The database refused this lease: it is not held any more. The keeper then stops its buses. */
void holdings_lose(struct holdings *h, const struct lease *l);
/* False: not held. */
bool holdings_get(struct holdings *h, int64_t group_id, struct lease *out);
/* Copies up to max leases that are held, or that were lost and not yet removed. */
size_t holdings_list(struct holdings *h, bool lost, struct lease *out, size_t max);
#define HOLDINGS_MAX 512
