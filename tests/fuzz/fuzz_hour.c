/* Any bytes as a packed hour; what is accepted is in order and survives being packed again. */
#include <stdlib.h>
#include <string.h>

#include "rules/hourpack.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct utc hour = { 0 };
	struct raw_reading *r, *again;
	size_t n = 0, len = 0, back = 0;
	uint8_t *bytes;

	if (hour_count(data, size, &n) != ERR_OK)
		return 0;
	r = calloc(n, sizeof(*r));
	again = calloc(n, sizeof(*again));
	bytes = malloc(hour_room(n));
	ASSERT(r && again && bytes);
	if (hour_unpack(hour, data, size, r, n, &n) == ERR_OK) {
		ASSERT(hour_pack(hour, r, n, bytes, &len) == ERR_OK && len <= hour_room(n));
		ASSERT(hour_unpack(hour, bytes, len, again, n, &back) == ERR_OK && back == n);
		for (size_t i = 0; i < n; i++)
			ASSERT(r[i].at.ms == again[i].at.ms && r[i].verdict == again[i].verdict &&
				r[i].reg.milli == again[i].reg.milli &&
				r[i].power_w == again[i].power_w);
	}
	free(bytes);
	free(again);
	free(r);
	return 0;
}
