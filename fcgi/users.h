#pragma once
/* What the handlers of users and of service accounts have in common. */
#include "domain/staff.h"
#include "fcgi/api.h"

struct staff_act staff_act_of(const struct request *r);
/* A list out of "3,7" (numbers) or "a.b,c.d" (texts). */
json_t *list_json(const char *text, bool numbers);
/* area_ids of the body; how many. */
size_t areas_read(const struct request *r, int64_t out[static STAFF_AREAS_MAX]);
