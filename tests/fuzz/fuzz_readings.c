/* Any bytes as a readings file; what is accepted must ascend and stay in its limits. */
#include <stdlib.h>

#include "rules/simulate.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct simulate_reading *r = NULL;
	struct problem why = { 0 };
	size_t n = 0;

	if (simulate_read((const char *)data, size, UTILITY_ELECTRICITY, &r, &n, &why) != ERR_OK) {
		ASSERT(why.field[0] && why.text[0] && !r);
		return 0;
	}
	for (size_t i = 0; i < n; i++) {
		ASSERT(r[i].reg.milli >= 0 && r[i].reg.milli < INT64_C(1000000000000000));
		ASSERT(i == 0 || r[i].at.ms > r[i - 1].at.ms);
		ASSERT(i == 0 || r[i].reg.milli >= r[i - 1].reg.milli);
	}
	free(r);
	return 0;
}
