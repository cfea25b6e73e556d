#include "web/webhook_sign.h"

#include <inttypes.h>
#include <stdio.h>

#include "web/crypt.h"

void webhook_sign(const char *secret, const char *former, int64_t at_s, const char *body, size_t n,
	char out[static WEBHOOK_SIGNATURES_MAX])
{
	AUTO(buf_free) struct buf text = { 0 };
	char hex[SHA256_HEX], former_hex[SHA256_HEX];

	buf_printf(&text, "%" PRId64 ".", at_s);
	buf_add(&text, body, n);
	hmac_sha256_hex(secret, text.text, text.len, hex);
	if (!former[0]) {
		snprintf(out, WEBHOOK_SIGNATURES_MAX, "v1=%s", hex);
		return;
	}
	hmac_sha256_hex(former, text.text, text.len, former_hex);
	snprintf(out, WEBHOOK_SIGNATURES_MAX, "v1=%s,v1=%s", hex, former_hex);
}
