/* What a meter can be told of a tariff, and why it cannot. */
#include "cmock.h"

#include <stdio.h>
#include <string.h>

#include "rules/hold.h"

#define HEAD "{\"code\": \"t\", \"name\": \"t\", \"utility\": \"electricity\", "
#define V(from, calendar, prices)                                                                  \
	"{\"effective_from\": \"" from "T00:00:00+08:00\", \"calendar\": " calendar                \
	", \"prices\": " prices "}"
#define ONE(calendar, prices) HEAD "\"versions\": [" V("2026-01-01", calendar, prices) "]}"
#define DAY_3                                                                                      \
	"[{\"slots\": [[\"00:00\", \"valley\"], [\"08:00\", \"peak\"], [\"18:00\", \"flat\"]]}]"
#define PRICES_3 "{\"peak\": [\"1.1\"], \"flat\": [\"0.66\"], \"valley\": [\"0.31\"]}"
#define ALL_DAY(rate) "[{\"slots\": [[\"00:00\", \"" rate "\"]]}]"
#define SUMMER                                                                                     \
	"[{\"months\": [7, 8, 9], \"slots\": [[\"00:00\", \"valley\"], [\"09:00\", \"sharp\"]]}, " \
	"{\"slots\": [[\"00:00\", \"valley\"], [\"08:00\", \"peak\"]]}]"
#define SUMMER_PRICES "{\"sharp\": [\"2\"], \"peak\": [\"1.1\"], \"valley\": [\"0.3\"]}"
#define WEEKEND                                                                                    \
	"[{\"days\": \"weekend\", \"slots\": [[\"00:00\", \"valley\"]]}, {\"slots\": "             \
	"[[\"00:00\", \"valley\"], [\"08:00\", \"peak\"]]}]"
#define FIVE                                                                                       \
	"[{\"slots\": [[\"00:00\", \"a\"], [\"01:00\", \"b\"], [\"02:00\", \"c\"], [\"03:00\", "   \
	"\"d\"], [\"04:00\", \"e\"]]}]"
#define FIVE_PRICES                                                                                \
	"{\"a\": [\"1\"], \"b\": [\"1\"], \"c\": [\"1\"], \"d\": [\"1\"], \"e\": [\"1\"]}"

static const struct hold_facts four = { { true, true, true, true }, 10000, 14 };
static const struct hold_facts fine = { { true, true, true, true }, 100, 14 };
static const struct hold_facts two_slots = { { true, true, true, true }, 10000, 2 };
static const struct hold_facts no_table = { { true, true, true, true }, 10000, 0 };
static const struct hold_facts two_rates = { { false, true, false, true }, 10000, 14 };
static const struct hold_facts nothing = { { false, false, false, false }, 0, 0 };

static const struct {
	const char *file;
	int month; /* of 2026, on the 15th at noon */
	const struct hold_facts *facts;
	const char *prices, *slots; /* NULL: it cannot be held */
	const char *why;
} cases[] = {
	{ ONE(DAY_3, PRICES_3), 3, &four, "sharp 0.31 peak 1.1 flat 0.66 valley 0.31",
		"00:00 valley 08:00 peak 18:00 flat", "" },
	/* one price all day: all places have it, and no table is needed */
	{ ONE(ALL_DAY("flat"), "{\"flat\": [\"0.65\"]}"), 3, &no_table,
		"sharp 0.65 peak 0.65 flat 0.65 valley 0.65", "", "" },
	/* a name that meters do not know takes a free place */
	{ ONE(ALL_DAY("ordinary"), "{\"ordinary\": [\"0.65\"]}"), 3, &four,
		"sharp 0.65 peak 0.65 flat 0.65 valley 0.65", "00:00 flat", "" },
	{ ONE("[{\"slots\": [[\"00:00\", \"night\"], [\"07:00\", \"flat\"]]}]",
		  "{\"night\": [\"0.3\"], \"flat\": [\"0.6\"]}"),
		3, &four, "sharp 0.3 peak 0.3 flat 0.6 valley 0.3", "00:00 peak 07:00 flat", "" },
	/* slots that go on are one */
	{ ONE("[{\"slots\": [[\"00:00\", \"flat\"], [\"07:00\", \"flat\"], [\"09:30\", "
	      "\"peak\"]]}]",
		  "{\"peak\": [\"1\"], \"flat\": [\"0.6\"]}"),
		3, &two_slots, "sharp 0.6 peak 1 flat 0.6 valley 0.6", "00:00 flat 09:30 peak",
		"" },
	/* the table of the month */
	{ ONE(SUMMER, SUMMER_PRICES), 6, &four, "sharp 0.3 peak 1.1 flat 0.3 valley 0.3",
		"00:00 valley 08:00 peak", "" },
	{ ONE(SUMMER, SUMMER_PRICES), 8, &four, "sharp 2 peak 0.3 flat 0.3 valley 0.3",
		"00:00 valley 09:00 sharp", "" },
	{ ONE("[{\"slots\": [[\"00:00\", \"peak\"], [\"08:00\", \"valley\"]]}]",
		  "{\"peak\": [\"1\"], \"valley\": [\"0.6\"]}"),
		3, &two_rates, "peak 1 valley 0.6", "00:00 peak 08:00 valley", "" },
	{ ONE(DAY_3, PRICES_3), 3, &nothing, "", "", "" },
	/* what cannot be */
	{ ONE(DAY_3, PRICES_3), 3, &two_slots, NULL, NULL, "more slots in a day than the meter" },
	{ ONE(DAY_3, PRICES_3), 3, &no_table, NULL, NULL, "slots cannot be written" },
	{ ONE(DAY_3, PRICES_3), 3, &two_rates, NULL, NULL, "more rates than the meter" },
	{ ONE(FIVE, FIVE_PRICES), 3, &four, NULL, NULL, "more rates than the meter" },
	{ ONE(WEEKEND, "{\"peak\": [\"1\"], \"valley\": [\"0.6\"]}"), 3, &four, NULL, NULL,
		"differ between workdays, weekends" },
	{ ONE(ALL_DAY("flat"), "{\"flat\": [\"0.6583\"]}"), 3, &four, NULL, NULL,
		"0.6583 is finer than the 0.01 yuan" },
	{ ONE(ALL_DAY("flat"), "{\"flat\": [\"0.6583\"]}"), 3, &fine,
		"sharp 0.6583 peak 0.6583 flat 0.6583 valley 0.6583", "00:00 flat", "" },
	{ HEAD "\"versions\": [{\"effective_from\": \"2026-01-01T00:00:00+08:00\", \"tier_cycle\": "
	       "\"month\", \"tiers_upto_kwh\": [\"5\"], \"calendar\": " ALL_DAY(
		       "flat") ", \"prices\": {\"flat\": [\"1\", \"2\"]}}]}",
		3, &nothing, NULL, NULL, "it has tiers" },
};

static struct tariff *parse(const char *file, const struct zone *z)
{
	AUTO(json_free) json_t *j = NULL;
	struct problem why = { 0 };
	struct tariff *t = NULL;

	if (json_parse(file, strlen(file), &j, &why) != ERR_OK ||
		tariff_parse(j, z, &t, &why) != ERR_OK)
		fail_msg("%s: %s in %s", why.field, why.text, file);
	return t;
}

static struct utc noon(int year, int month, int day)
{
	return (struct utc){ (civil_days(year, month, day) * 24 + 4) * 3600000 };
}

static void what_a_meter_holds(void **state)
{
	AUTO(zone_free) struct zone *z = NULL;

	(void)state;
	assert_int_equal(zone_open("Asia/Shanghai", &z), ERR_OK);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		AUTO(tariff_free) struct tariff *t = parse(cases[i].file, z);
		struct problem why = { 0 };
		struct tariff_hold h = { "?", "?" };
		enum err e =
			hold_tariff(t, noon(2026, cases[i].month, 15), cases[i].facts, &h, &why);

		if (!cases[i].prices) {
			assert_int_equal(e, ERR_CONFLICT);
			if (!strstr(why.text, cases[i].why))
				fail_msg("row %zu: %s", i, why.text);
			assert_string_equal(h.prices, "?");
			assert_int_equal(hold_lasting(t, noon(2026, 3, 15), cases[i].facts, NULL),
				ERR_CONFLICT);
			continue;
		}
		if (e != ERR_OK)
			fail_msg("row %zu: %s", i, why.text);
		assert_string_equal(h.prices, cases[i].prices);
		assert_string_equal(h.slots, cases[i].slots);
		assert_int_equal(hold_lasting(t, noon(2026, 3, 15), cases[i].facts, NULL), ERR_OK);
	}
}

static void a_later_version_that_cannot_be_held_is_named(void **state)
{
	AUTO(zone_free) struct zone *z = NULL;
	AUTO(tariff_free) struct tariff *t = NULL;
	struct problem why = { 0 };
	struct tariff_hold h;

	(void)state;
	assert_int_equal(zone_open("Asia/Shanghai", &z), ERR_OK);
	t = parse(HEAD "\"versions\": [" V("2026-01-01", DAY_3, PRICES_3) ", " V(
			  "2026-06-01", WEEKEND, "{\"peak\": [\"1\"], \"valley\": [\"0.6\"]}") "]}",
		z);
	assert_int_equal(hold_tariff(t, noon(2026, 5, 31), &four, &h, &why), ERR_OK);
	assert_int_equal(hold_tariff(t, noon(2026, 6, 1), &four, &h, &why), ERR_CONFLICT);
	assert_int_equal(hold_tariff(t, noon(2025, 6, 1), &four, &h, &why), ERR_NOT_FOUND);
	assert_int_equal(hold_lasting(t, noon(2026, 5, 31), &four, &why), ERR_CONFLICT);
	assert_non_null(strstr(why.text, "from 2026-06-01 on: its slots differ"));
}

/* Months count only while their version is in force. */
static void a_month_that_a_version_never_sees(void **state)
{
#define JULY                                                                                       \
	"[{\"months\": [7], \"days\": \"weekend\", \"slots\": [[\"00:00\", \"valley\"]]}, "        \
	"{\"slots\": "                                                                             \
	"[[\"00:00\", \"valley\"], [\"08:00\", \"peak\"]]}]"
#define PEAK_VALLEY "{\"peak\": [\"1\"], \"valley\": [\"0.6\"]}"
	AUTO(zone_free) struct zone *z = NULL;
	AUTO(tariff_free) struct tariff *open = NULL;
	AUTO(tariff_free) struct tariff *ends = NULL;
	struct problem why = { 0 };

	(void)state;
	assert_int_equal(zone_open("Asia/Shanghai", &z), ERR_OK);
	open = parse(ONE(JULY, PEAK_VALLEY), z);
	ends = parse(HEAD "\"versions\": [" V("2026-01-01", JULY, PEAK_VALLEY) ", " V(
			     "2027-07-01", DAY_3, PRICES_3) "]}",
		z);
	assert_int_equal(hold_lasting(open, noon(2026, 8, 15), &four, &why), ERR_CONFLICT);
	assert_non_null(strstr(why.text, "from 2027-07-01 on: its slots differ"));
	assert_int_equal(hold_lasting(ends, noon(2026, 8, 15), &four, &why), ERR_OK);
	assert_int_equal(hold_lasting(ends, noon(2026, 5, 15), &four, &why), ERR_CONFLICT);
	assert_non_null(strstr(why.text, "from 2026-07-01 on"));
}

/* Holidays that a tariff does not have cannot stand against it. */
static void holidays_count_only_where_there_are_any(void **state)
{
#define HOLIDAY                                                                                    \
	"[{\"days\": \"holiday\", \"slots\": [[\"00:00\", \"valley\"]]}, {\"slots\": "             \
	"[[\"00:00\", \"valley\"], [\"08:00\", \"peak\"]]}]"
#define TWO "{\"peak\": [\"1\"], \"valley\": [\"0.6\"]}"
	AUTO(zone_free) struct zone *z = NULL;
	AUTO(tariff_free) struct tariff *none = NULL;
	AUTO(tariff_free) struct tariff *one = NULL;
	struct tariff_hold h;

	(void)state;
	assert_int_equal(zone_open("Asia/Shanghai", &z), ERR_OK);
	none = parse(ONE(HOLIDAY, TWO), z);
	one = parse(HEAD "\"holidays\": [\"2026-10-01\"], \"versions\": [" V(
			    "2026-01-01", HOLIDAY, TWO) "]}",
		z);
	assert_int_equal(hold_tariff(none, noon(2026, 3, 15), &four, &h, NULL), ERR_OK);
	assert_int_equal(hold_tariff(one, noon(2026, 3, 15), &four, &h, NULL), ERR_CONFLICT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_a_meter_holds),
		cmocka_unit_test(a_later_version_that_cannot_be_held_is_named),
		cmocka_unit_test(a_month_that_a_version_never_sees),
		cmocka_unit_test(holidays_count_only_where_there_are_any),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
