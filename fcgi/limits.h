#pragma once
/* How often somebody may call: a bucket for each caller and kind of request, which holds a minute's
 * worth and fills evenly. All processes of a machine count in one file; each node allows that much.
 */
#include "base/conf.h"

enum limit_kind {
	LIMIT_LOGIN,
	LIMIT_WRITE,
	LIMIT_READ,
	LIMIT_PAYEE,	     /* questions whose a meter is, of a user */
	LIMIT_PAYEE_ADDRESS, /* and of all users behind an address */
	LIMIT__MAX
};

struct limits;
/* [limits] login_per_minute write_per_minute read_per_minute payee_per_minute
 * payee_address_per_minute; 0: no limit. path: the file that the
 * processes share; "": they are of this one alone. */
MUST_USE enum err limits_open(
	struct conf *c, const char *path, struct limits **out, struct problem *why);
void limits_free(struct limits **l);

/* Counts a request at a time of mono_ms(). 0: it may go on; else seconds to wait, and it was not
 * counted. Safe from any thread and process. */
int limits_take(struct limits *l, enum limit_kind kind, const char *who, int64_t now_ms);
