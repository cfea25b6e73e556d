#pragma once
/* The audit rows that no handler writes itself. */
#include "fcgi/api.h"

/* After a request that changes something: where it was refused, or done and nothing was written in
 * its transaction, a row says so. Wrong input, requests of nobody, and what services send leave
 * none. */
void audit_request(struct request *r, const struct answer *a, enum err e);
