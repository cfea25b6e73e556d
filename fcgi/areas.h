#pragma once
/* Staff who are confined to areas of their site: which routes are theirs, and which things. */
#include "fcgi/api.h"

/* Takes the caller's scope. ERR_FORBIDDEN: the route is of the whole site. ERR_NOT_FOUND: the thing
 * in the path is outside the caller's areas. */
MUST_USE enum err areas_check_path(struct request *r, struct problem *why);
/* ERR_NOT_FOUND for a thing outside of them in the query or the body. */
MUST_USE enum err areas_check_input(struct request *r, struct problem *why);
