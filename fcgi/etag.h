#pragma once
/* Cheap polls: the tag of an answer, and 304 for who has it already. */
#include "fcgi/routes.h"

/* Calls the handler, unless the tag can be known without it and the caller has it. */
MUST_USE enum err etag_run(
	struct request *r, struct answer *a, enum err (*run)(struct request *r, struct answer *a));
