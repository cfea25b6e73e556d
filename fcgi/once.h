#pragma once
/* Requests with an Idempotency-Key. */
#include "fcgi/api.h"

/* Runs the handler of the request's route once per key, or gives the answer kept under the key
 * again. Failed work changed nothing, so its key is free again. */
MUST_USE enum err run_once(struct request *r, struct answer *a);
