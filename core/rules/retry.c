#include "rules/retry.h"

#define REST_MOST_MS (300 * INT64_C(1000))

bool retry_next(int64_t tries, struct utc since, struct utc now, uint32_t jitter, struct utc *next)
{
	static const int64_t pause_s[] = { 10, 60, 300, 1800, 7200, 21600, 43200 };
	const int64_t most = (int64_t)ARRAY_LEN(pause_s) - 1;
	int64_t i = tries < 1 ? 0 : tries - 1;

	next->ms = now.ms + pause_s[i < most ? i : most] * (900 + (int64_t)jitter);
	return next->ms <= since.ms + RETRY_FOR_MS;
}

int64_t retry_rest_ms(int64_t failures)
{
	if (failures < 1)
		return 0;
	return failures > 9 ? REST_MOST_MS : (INT64_C(500) << failures);
}
