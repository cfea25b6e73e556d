#pragma once
#include "fcgi/api.h"

/* Answers with the use of a meter by the route's from, to and step. user_id: only that tenant's
 * part; 0: staff confined to site_id. */
MUST_USE enum err answer_usage(
	struct request *r, struct answer *a, int64_t meter_id, int64_t user_id, int64_t site_id);
