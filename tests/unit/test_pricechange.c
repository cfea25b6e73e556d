/* How far a tariff moves prices. */
#include "cmock.h"

#include <stdio.h>
#include <string.h>

#include "rules/pricechange.h"

#define V(from, tiers, calendar, prices)                                                           \
	"{\"effective_from\": \"" from "T00:00:00+08:00\", " tiers "\"calendar\": [" calendar      \
	"], \"prices\": {" prices "}}"
#define FLAT "{\"days\": \"all\", \"slots\": [[\"00:00\", \"flat\"]]}"
#define TOU                                                                                        \
	"{\"days\": \"all\", \"slots\": [[\"00:00\", \"flat\"], [\"08:00\", \"peak\"],"            \
	" [\"22:00\", \"flat\"]]}"
#define MONTH "\"tier_cycle\": \"month\", \"tiers_upto_kwh\": [\"260\"], "
#define YEAR "\"tier_cycle\": \"year\", \"tiers_upto_kwh\": [\"260\"], "
#define NEXT "\"tier_cycle\": \"month\", \"tiers_upto_kwh\": [\"500\"], "
#define OLD_PRICES "\"flat\": [\"0.5\", \"0.6\"], \"peak\": [\"1\", \"1.2\"]"
#define OLD V("2026-01-01", MONTH, TOU, OLD_PRICES)

static struct tariff *tariff_of(const char *versions, const struct zone *z)
{
	AUTO(json_free) json_t *doc = NULL;
	struct tariff *t = NULL;
	struct problem why = { 0 };
	char text[4000];

	snprintf(text, sizeof(text),
		"{\"code\": \"x\", \"name\": \"x\", \"utility\": \"electricity\", \"versions\": "
		"[%s]}",
		versions);
	assert_int_equal(json_parse(text, strlen(text), &doc, NULL), ERR_OK);
	if (tariff_parse(doc, z, &t, &why) != ERR_OK)
		fail_msg("%s: %s", why.field, why.text);
	return t;
}

static int64_t permille(const char *was, const char *is, const char *from, const char *until)
{
	struct zone *z = NULL;
	struct tariff *a, *b;
	struct utc first = { INT64_MIN }, last = { INT64_MAX };
	int64_t moved;

	assert_int_equal(zone_open("Asia/Shanghai", &z), ERR_OK);
	if (from[0])
		assert_int_equal(utc_parse(from, &first), ERR_OK);
	if (until[0])
		assert_int_equal(utc_parse(until, &last), ERR_OK);
	a = tariff_of(was, z);
	b = tariff_of(is, z);
	moved = price_change_permille(a, b, first, last);
	tariff_free(&a);
	tariff_free(&b);
	zone_free(&z);
	return moved;
}

struct change_case {
	const char *was, *is;
	int64_t want;
	const char *from, *until;
};

static void check(const struct change_case *cases, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct change_case *c = &cases[i];
		int64_t got =
			permille(c->was, c->is, c->from ? c->from : "", c->until ? c->until : "");

		if (got != c->want)
			fail_msg("case %zu: %lld", i, (long long)got);
	}
}

static void test_versions(void **state)
{
	static const struct change_case cases[] = {
		{ OLD, OLD, 0, NULL, NULL },
		{ OLD,
			OLD "," V("2027-01-01", MONTH, TOU,
				"\"flat\": [\"0.55\", \"0.66\"], \"peak\": [\"1.1\", \"1.32\"]"),
			100, NULL, NULL },
		{ OLD,
			OLD "," V("2027-01-01", MONTH, TOU,
				"\"flat\": [\"0.5\", \"0.6\"], \"peak\": [\"0.7\", \"1.2\"]"),
			300, NULL, NULL },
		{ OLD,
			OLD "," V("2027-01-01", MONTH, TOU,
				"\"flat\": [\"0.500001\", \"0.6\"], \"peak\": [\"1\", \"1.2\"]"),
			1, NULL, NULL },
		/* what begins before all of it is compared with the first */
		{ V("2026-01-01", "", FLAT, "\"flat\": [\"0.5\"]"),
			V("2025-01-01", "", FLAT, "\"flat\": [\"1\"]") "," V(
				"2026-01-01", "", FLAT, "\"flat\": [\"0.5\"]"),
			1000, NULL, NULL },
		/* each is compared with what was, not with the new one before it */
		{ V("2026-01-01", "", FLAT, "\"flat\": [\"0.5\"]"),
			V("2026-01-01", "", FLAT, "\"flat\": [\"0.5\"]") "," V(
				"2027-01-01", "", FLAT, "\"flat\": [\"0.55\"]") "," V("2028-01-01",
				"", FLAT, "\"flat\": [\"0.65\"]"),
			300, NULL, NULL },
		/* a price to come does not get far in small steps */
		{ V("2026-01-01", "", FLAT, "\"flat\": [\"0.5\"]") "," V(
			  "2027-01-01", "", FLAT, "\"flat\": [\"0.6\"]"),
			V("2026-01-01", "", FLAT, "\"flat\": [\"0.5\"]") "," V(
				"2027-01-01", "", FLAT, "\"flat\": [\"0.61\"]"),
			220, NULL, NULL },
		/* a planned change that is taken back */
		{ V("2026-01-01", "", FLAT, "\"flat\": [\"0.5\"]") "," V(
			  "2027-01-01", "", FLAT, "\"flat\": [\"1\"]"),
			V("2026-01-01", "", FLAT, "\"flat\": [\"0.5\"]"), 500, NULL, NULL },
		{ V("2026-01-01", "", FLAT, "\"flat\": [\"0\"]"),
			V("2026-01-01", "", FLAT, "\"flat\": [\"0.000001\"]"), INT64_MAX, NULL,
			NULL },
		{ V("2026-01-01", "", FLAT, "\"flat\": [\"0.5\"]"),
			V("2026-01-01", "", FLAT, "\"flat\": [\"0\"]"), 1000, NULL, NULL },
	};

	(void)state;
	check(cases, ARRAY_LEN(cases));
}

/* The same prices at other hours, and from other bounds on, are other prices. */
static void test_hours_and_tiers(void **state)
{
	static const struct change_case cases[] = {
		/* another name is no other price */
		{ V("2026-01-01", "", FLAT, "\"flat\": [\"0.5\"]"),
			V("2026-01-01", "", "{\"slots\": [[\"00:00\", \"day\"]]}",
				"\"day\": [\"0.5\"]"),
			0, NULL, NULL },
		{ V("2026-01-01", "", TOU, "\"flat\": [\"0.5\"], \"peak\": [\"1\"]"),
			V("2026-01-01", "", "{\"slots\": [[\"00:00\", \"peak\"]]}",
				"\"flat\": [\"0.5\"], \"peak\": [\"1\"]"),
			1000, NULL, NULL },
		{ V("2026-01-01", "", TOU, "\"flat\": [\"0.5\"], \"peak\": [\"1\"]"),
			V("2026-01-01", "", FLAT, "\"flat\": [\"0.5\"]"), 500, NULL, NULL },
		/* on weekends in July only */
		{ V("2026-01-01", "", FLAT, "\"flat\": [\"0.5\"]"),
			V("2026-01-01", "",
				"{\"months\": [7], \"days\": \"weekend\", \"slots\": [[\"00:00\", "
				"\"flat\"], [\"23:00\", \"peak\"]]}, " FLAT,
				"\"flat\": [\"0.5\"], \"peak\": [\"0.6\"]"),
			200, NULL, NULL },
		{ OLD, V("2026-01-01", NEXT, TOU, OLD_PRICES), 167, NULL, NULL },
		{ OLD, V("2026-01-01", YEAR, TOU, OLD_PRICES), 200, NULL, NULL },
		/* tiers where there were none */
		{ V("2026-01-01", "", FLAT, "\"flat\": [\"0.5\"]"),
			V("2026-01-01", MONTH, FLAT, "\"flat\": [\"0.5\", \"0.9\"]"), 800, NULL,
			NULL },
	};

	(void)state;
	check(cases, ARRAY_LEN(cases));
}

/* From one tariff to another, for a time. */
static void test_spans(void **state)
{
#define TWO                                                                                        \
	V("2026-01-01", "", FLAT, "\"flat\": [\"0.5\"]")                                           \
	"," V("2027-01-01", "", FLAT, "\"flat\": [\"1\"]")
#define ONE V("2020-01-01", "", FLAT, "\"flat\": [\"1\"]")
	static const struct change_case cases[] = {
		{ TWO, ONE, 1000, "2026-06-01T00:00:00Z", NULL },
		{ TWO, ONE, 0, "2027-06-01T00:00:00Z", NULL },
		{ ONE, TWO, 500, "2026-06-01T00:00:00Z", NULL },
		{ V("2020-01-01", "", FLAT, "\"flat\": [\"0.5\"]"), TWO, 1000,
			"2026-06-01T00:00:00Z", NULL },
		{ V("2020-01-01", "", FLAT, "\"flat\": [\"0.5\"]"), TWO, 0, "2026-06-01T00:00:00Z",
			"2026-12-31T16:00:00Z" },
	};

	(void)state;
	check(cases, ARRAY_LEN(cases));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_versions),
		cmocka_unit_test(test_hours_and_tiers),
		cmocka_unit_test(test_spans),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
