#pragma once
/* How often somebody may call, in this process: a bucket for each caller and kind of request, which
 * holds a minute's worth and fills evenly. Several processes, and nodes, each allow that much. */
#include "base/conf.h"

enum limit_kind { LIMIT_LOGIN, LIMIT_WRITE, LIMIT_READ, LIMIT__MAX };

struct limits;
/* [limits] login_per_minute write_per_minute read_per_minute; 0: no limit. */
MUST_USE enum err limits_open(struct conf *c, struct limits **out, struct problem *why);
void limits_free(struct limits **l);

/* Counts a request at a time of mono_ms(). 0: it may go on; else seconds to wait, and it was not
 * counted. Safe from any thread. */
int limits_take(struct limits *l, enum limit_kind kind, const char *who, int64_t now_ms);
