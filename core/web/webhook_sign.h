#pragma once
/* How a webhook's receiver knows that an event is ours: docs/webhooks.md. */
#include "base/str.h"

#define WEBHOOK_SIGNATURES_MAX 160

/* "v1=<hex>" of HMAC-SHA256 over "<unix seconds>.<body>", keyed with the secret as it was shown;
 * with a former secret (not "") that of both, the present one first, parted by a comma. */
void webhook_sign(const char *secret, const char *former, int64_t at_s, const char *body, size_t n,
	char out[static WEBHOOK_SIGNATURES_MAX]);
