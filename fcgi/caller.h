#pragma once
#include "fcgi/api.h"

/* Who calls, and may they? Read from the database each time. ERR_UNAUTHORIZED, ERR_TOKEN_EXPIRED,
 * ERR_FORBIDDEN, ERR_PASSWORD_OLD. */
MUST_USE enum err caller_check(struct request *r);
