/* How far a new tariff file moves prices. */
#include "cmock.h"

#include <string.h>

#include "rules/pricechange.h"

#define V(from, prices)                                                                            \
	"{\"effective_from\": \"" from "T00:00:00+08:00\", \"prices\": {" prices "}}"
#define OLD V("2026-01-01", "\"flat\": [\"0.5\", \"0.6\"], \"peak\": [\"1\", \"1.2\"]")

static int64_t permille(const char *is)
{
	AUTO(json_free) json_t *a = NULL;
	AUTO(json_free) json_t *b = NULL;
	static const char was[] = "{\"versions\": [" OLD "]}";

	assert_int_equal(json_parse(was, strlen(was), &a, NULL), ERR_OK);
	assert_int_equal(json_parse(is, strlen(is), &b, NULL), ERR_OK);
	return price_change_permille(a, b);
}

static void changes(void **state)
{
	static const struct {
		const char *is;
		int64_t want;
	} cases[] = {
		{ "{\"versions\": [" OLD "]}", 0 },
		{ "{\"versions\": [" OLD "," V("2027-01-01", "\"flat\": [\"0.55\"]") "]}", 100 },
		{ "{\"versions\": [" OLD "," V("2027-01-01", "\"peak\": [\"0.7\"]") "]}", 300 },
		{ "{\"versions\": [" OLD
		  "," V("2027-01-01", "\"flat\": [\"0.5\", \"0.6\", \"0.9\"]") "]}",
			500 },
		{ "{\"versions\": [" OLD "," V("2027-01-01", "\"flat\": [\"0.500001\"]") "]}", 1 },
		{ "{\"versions\": [" OLD "," V("2027-01-01", "\"night\": [\"0.1\"]") "]}",
			INT64_MAX },
		/* what begins before all of it is compared with the first */
		{ "{\"versions\": [" V("2025-01-01", "\"flat\": [\"1\"]") "," OLD "]}", 1000 },
		/* a version that was replaced */
		{ "{\"versions\": [" V("2026-01-01", "\"flat\": [\"0.25\"]") "]}", 500 },
		/* each is compared with what was, not with the new one before it */
		{ "{\"versions\": [" OLD "," V("2027-01-01", "\"flat\": [\"0.55\"]") "," V(
			  "2028-01-01", "\"flat\": [\"0.65\"]") "]}",
			300 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		if (permille(cases[i].is) != cases[i].want)
			fail_msg("case %zu: %lld", i, (long long)permille(cases[i].is));
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(changes) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
