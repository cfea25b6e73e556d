#pragma once
/* What the handlers of the books share. */
#include "domain/attempt.h"
#include "domain/reversal.h"
#include "fcgi/api.h"

/* Keeps a refused attempt; actor and site are the caller's. Outages are not attempts: nothing is
 * kept of them. */
void note_refused(struct request *r, struct attempt_new *a);

/* Number, or null for 0. */
json_t *id_or_null(int64_t id);

/* One entry with its postings. */
MUST_USE enum err answer_entry(struct request *r, int64_t id, struct answer *a);
/* The entry, or that it waits for a second person. */
MUST_USE enum err answer_booked(struct request *r, const struct booked *b, struct answer *a);
