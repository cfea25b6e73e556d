#include "cmock.h"

#include <string.h>

#include "base/str.h"
#include "rules/tariff.h"

#define SLOTS "\"slots\":[[\"00:00\",\"a\"]]"
#define ROW "{" SLOTS "}"
#define PRICES "\"prices\":{\"a\":[\"1\"]}"
#define FROM "\"effective_from\":\"2026-01-01T00:00:00+08:00\""
#define VERSION_(middle) "{" FROM middle ",\"calendar\":[" ROW "]," PRICES "}"
#define FILE_(head, versions)                                                                      \
	"{\"code\":\"c\",\"name\":\"n\",\"utility\":\"electricity\"" head                          \
	",\"versions\":[" versions "]}"
#define CALENDAR(rows) FILE_("", "{" FROM ",\"calendar\":" rows "," PRICES "}")

static enum err parse(const char *text, const char *zone, struct problem *why)
{
	AUTO(zone_free) struct zone *z = NULL;
	AUTO(tariff_free) struct tariff *t = NULL;
	AUTO(json_free) json_t *file = NULL;

	assert_int_equal(zone_open(zone, &z), ERR_OK);
	if (json_parse(text, strlen(text), &file, why) != ERR_OK)
		fail_msg("the test's own JSON: %s in %s", why->text, text);
	return tariff_parse(file, z, &t, why);
}

static void accepts(void **state)
{
	static const char *const files[] = {
		FILE_("", VERSION_("")),
		FILE_(",\"holidays\":[],\"workdays\":[]", VERSION_(",\"tiers_upto_kwh\":[]")),
		FILE_("", VERSION_(",\"tier_cycle\":\"none\"")),
		CALENDAR("[{\"days\":\"workday\"," SLOTS "},{\"days\":\"weekend\"," SLOTS "}]"),
		/* contradictory lists: a holiday it is */
		FILE_(",\"holidays\":[\"2026-10-01\"],\"workdays\":[\"2026-10-01\"]", VERSION_("")),
		/* water has bounds of its own name */
		"{\"code\":\"c\",\"name\":\"n\",\"utility\":\"water\",\"versions\":[{" FROM
		",\"tiers_upto_m3\":[\"0.001\"],\"calendar\":[" ROW
		"],\"prices\":{\"a\":[\"0\",\"0.000001\"]}}]}",
		/* in force for six months only: other months need no row */
		FILE_("", "{" FROM ",\"calendar\":[{\"months\":[1,2,3,4,5,6]," SLOTS "}]," PRICES
			  "},{\"effective_from\":\"2026-07-01T00:00:00+08:00\",\"calendar\":[" ROW
			  "]," PRICES "}"),
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		struct problem why = { 0 };

		if (parse(files[i], "Asia/Shanghai", &why) != ERR_OK)
			fail_msg("%s: %s in %s", why.field, why.text, files[i]);
	}
}

/* Files that are refused, and where each is wrong. */
static const struct {
	const char *file, *path;
} bad_files[] = {
	{ "[]", "" },
	{ "{}", "code" },
	{ "{\"code\":7}", "code" },
	{ "{\"code\":\"\"}", "code" },
	{ "{\"code\":\"c\"}", "name" },
	{ "{\"code\":\"c\",\"name\":\"n\"}", "utility" },
	{ "{\"code\":\"c\",\"name\":\"n\",\"utility\":\"gas\"}", "utility" },
	{ "{\"code\":\"c\",\"name\":\"n\",\"utility\":\"water\"}", "versions" },
	{ FILE_("", ""), "versions" },
	{ FILE_(",\"colour\":1", VERSION_("")), "colour" },
	{ FILE_(",\"holidays\":\"2026-10-01\"", VERSION_("")), "holidays" },
	{ FILE_(",\"holidays\":[\"2026-10-01\",\"2026-02-29\"]", VERSION_("")), "holidays[1]" },
	{ FILE_(",\"workdays\":[20261001]", VERSION_("")), "workdays[0]" },
	{ FILE_(",\"workdays\":null", VERSION_("")), "workdays" },
	{ FILE_("", "3"), "versions[0]" },
	{ FILE_("", VERSION_(",\"tiers_upto_m3\":[]")), "versions[0].tiers_upto_m3" },
	{ FILE_("", VERSION_(",\"tier_cycle\":\"week\"")), "versions[0].tier_cycle" },
	{ FILE_("", VERSION_(",\"tier_cycle\":null")), "versions[0].tier_cycle" },
	{ FILE_("", VERSION_(",\"tiers_upto_kwh\":[260]")), "versions[0].tiers_upto_kwh[0]" },
	{ FILE_("", VERSION_(",\"tiers_upto_kwh\":[\"0\"]")), "versions[0].tiers_upto_kwh[0]" },
	{ FILE_("", VERSION_(",\"tiers_upto_kwh\":[\"-1\"]")), "versions[0].tiers_upto_kwh[0]" },
	{ FILE_("", VERSION_(",\"tiers_upto_kwh\":[\"1e3\"]")), "versions[0].tiers_upto_kwh[0]" },
	{ FILE_("", VERSION_(",\"tiers_upto_kwh\":[\"1.0001\"]")),
		"versions[0].tiers_upto_kwh[0]" },
	{ FILE_("", VERSION_(",\"tiers_upto_kwh\":[\"99999999999999999999\"]")),
		"versions[0].tiers_upto_kwh[0]" },
	{ FILE_("", VERSION_(",\"tiers_upto_kwh\":[\"2\",\"2.000\"]")),
		"versions[0].tiers_upto_kwh[1]" },
	{ FILE_("", VERSION_(",\"tiers_upto_kwh\":[\"3\",\"2\"]")),
		"versions[0].tiers_upto_kwh[1]" },
	/* one price for two tiers */
	{ FILE_("", VERSION_(",\"tiers_upto_kwh\":[\"3\"]")), "versions[0].prices.a" },
	{ FILE_("", VERSION_("") "," VERSION_("")), "versions[1].effective_from" },
	{ FILE_("", "{\"effective_from\":\"2026-01-01T00:00:00\"}"), "versions[0].effective_from" },
	{ FILE_("", "{\"effective_from\":\"2026-01-01\"}"), "versions[0].effective_from" },
	{ FILE_("", "{\"effective_from\":1767196800}"), "versions[0].effective_from" },
	{ FILE_("", "{\"calendar\":[]}"), "versions[0].effective_from" },
	{ FILE_("", "{" FROM "}"), "versions[0].prices" },
	{ FILE_("", "{" FROM ",\"prices\":[]}"), "versions[0].prices" },
	{ FILE_("", "{" FROM ",\"prices\":{\"a\":\"1\"}}"), "versions[0].prices.a" },
	{ FILE_("", "{" FROM ",\"prices\":{\"a\":[]}}"), "versions[0].prices.a" },
	{ FILE_("", "{" FROM ",\"prices\":{\"a\":[1]}}"), "versions[0].prices.a[0]" },
	{ FILE_("", "{" FROM ",\"prices\":{\"a\":[\"-1\"]}}"), "versions[0].prices.a[0]" },
	{ FILE_("", "{" FROM ",\"prices\":{\"a\":[\"1.0000001\"]}}"), "versions[0].prices.a[0]" },
	{ FILE_("", "{" FROM ",\"prices\":{\"a\":[\".5\"]}}"), "versions[0].prices.a[0]" },
	{ FILE_("", "{" FROM ",\"prices\":{\"a\":[\"1e2\"]}}"), "versions[0].prices.a[0]" },
	{ FILE_("", "{" FROM ",\"prices\":{\"a\":[\"9999999999999999999\"]}}"),
		"versions[0].prices.a[0]" },
	{ FILE_("", "{" FROM ",\"prices\":{\"a\":[\"1\",\"2\"]}}"), "versions[0].prices.a" },
	{ FILE_("", "{" FROM ",\"prices\":{\"\":[\"1\"]}}"), "versions[0].prices." },
	{ FILE_("", "{" FROM "," PRICES "}"), "versions[0].calendar" },
	{ CALENDAR("{}"), "versions[0].calendar" },
	{ CALENDAR("[]"), "versions[0].calendar" },
	{ CALENDAR("[7]"), "versions[0].calendar[0]" },
	{ CALENDAR("[{}]"), "versions[0].calendar[0].slots" },
	{ CALENDAR("[{\"day\":\"all\"," SLOTS "}]"), "versions[0].calendar[0].day" },
	{ CALENDAR("[{\"days\":\"monday\"," SLOTS "}]"), "versions[0].calendar[0].days" },
	{ CALENDAR("[{\"months\":7," SLOTS "}]"), "versions[0].calendar[0].months" },
	{ CALENDAR("[{\"months\":[]," SLOTS "}]"), "versions[0].calendar[0].months" },
	{ CALENDAR("[{\"months\":[1,0]," SLOTS "}]"), "versions[0].calendar[0].months[1]" },
	{ CALENDAR("[{\"months\":[13]," SLOTS "}]"), "versions[0].calendar[0].months[0]" },
	{ CALENDAR("[{\"months\":[\"7\"]," SLOTS "}]"), "versions[0].calendar[0].months[0]" },
	{ CALENDAR("[{\"months\":[7.0]," SLOTS "}]"), "versions[0].calendar[0].months[0]" },
	{ CALENDAR("[{\"slots\":[]}]"), "versions[0].calendar[0].slots" },
	{ CALENDAR("[{\"slots\":[\"00:00\"]}]"), "versions[0].calendar[0].slots[0]" },
	{ CALENDAR("[{\"slots\":[[\"00:00\"]]}]"), "versions[0].calendar[0].slots[0]" },
	{ CALENDAR("[{\"slots\":[[\"00:00\",\"a\",1]]}]"), "versions[0].calendar[0].slots[0]" },
	{ CALENDAR("[{\"slots\":[[0,\"a\"]]}]"), "versions[0].calendar[0].slots[0][0]" },
	{ CALENDAR("[{\"slots\":[[\"01:00\",\"a\"]]}]"), "versions[0].calendar[0].slots[0][0]" },
	{ CALENDAR("[{\"slots\":[[\"0:00\",\"a\"]]}]"), "versions[0].calendar[0].slots[0][0]" },
	{ CALENDAR("[{\"slots\":[[\"00:00\",\"b\"]]}]"), "versions[0].calendar[0].slots[0][1]" },
	{ CALENDAR("[{\"slots\":[[\"00:00\",\"a\"],[\"24:00\",\"a\"]]}]"),
		"versions[0].calendar[0].slots[1][0]" },
	{ CALENDAR("[{\"slots\":[[\"00:00\",\"a\"],[\"08:60\",\"a\"]]}]"),
		"versions[0].calendar[0].slots[1][0]" },
	{ CALENDAR("[{\"slots\":[[\"00:00\",\"a\"],[\"00:00\",\"a\"]]}]"),
		"versions[0].calendar[0].slots[1][0]" },
	{ CALENDAR("[{\"slots\":[[\"00:00\",\"a\"],[\"09:00\",\"a\"],[\"08:00\",\"a\"]]}]"),
		"versions[0].calendar[0].slots[2][0]" },
	/* days without a row */
	{ CALENDAR("[{\"days\":\"workday\"," SLOTS "}]"), "versions[0].calendar" },
	{ CALENDAR("[{\"months\":[1,2,3,4,5,6,7,8,9,10,11]," SLOTS "}]"), "versions[0].calendar" },
	{ FILE_(",\"holidays\":[\"2031-10-01\"]",
		  "{" FROM ",\"calendar\":[{\"days\":\"workday\"," SLOTS
		  "},{\"days\":\"weekend\"," SLOTS "}]," PRICES "}"),
		"versions[0].calendar" },
};

static void refuses_and_says_where(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad_files); i++) {
		struct problem why = { 0 };

		if (parse(bad_files[i].file, "Asia/Shanghai", &why) == ERR_OK)
			fail_msg("accepted: %s", bad_files[i].file);
		assert_string_equal(why.field, bad_files[i].path);
		assert_true(why.text[0] != '\0');
	}
}

static void long_names_do_not_overrun(void **state)
{
	AUTO(buf_free) struct buf text = { 0 };
	struct problem why = { 0 };

	(void)state;
	buf_adds(&text, "{\"");
	for (int i = 0; i < 500; i++)
		buf_adds(&text, "电价");
	buf_adds(&text, "\":1}");
	assert_int_equal(parse(text.text, "Asia/Shanghai", &why), ERR_UNKNOWN_FIELD);
	assert_int_equal(strlen(why.field) % 3, 0); /* no half character */
	assert_true(strlen(why.field) > 100);
}

struct fixture {
	struct zone *zone;
	struct tariff *tariff;
};

/* The shop tariff that is kept as an input of the fuzzer. */
static int open_shop(void **state)
{
	AUTO(buf_free) struct buf text = { 0 };
	AUTO(json_free) json_t *file = NULL;
	struct fixture *f = calloc(1, sizeof(*f));
	struct problem why = { 0 };

	assert_non_null(f);
	assert_int_equal(zone_open("Asia/Shanghai", &f->zone), ERR_OK);
	assert_int_equal(
		file_read(SOURCE_DIR "/tests/fuzz/corpus/tariff/shop-tou.json", 100000, &text),
		ERR_OK);
	assert_int_equal(json_parse(text.text, text.len, &file, &why), ERR_OK);
	assert_int_equal(tariff_parse(file, f->zone, &f->tariff, &why), ERR_OK);
	*state = f;
	return 0;
}

static int close_shop(void **state)
{
	struct fixture *f = *state;

	tariff_free(&f->tariff);
	zone_free(&f->zone);
	free(f);
	return 0;
}

static void names(void **state)
{
	const struct fixture *f = *state;

	assert_string_equal(tariff_code(f->tariff), "shop-tou");
	assert_string_equal(tariff_name(f->tariff), "商铺分时阶梯");
	assert_int_equal(tariff_utility(f->tariff), UTILITY_ELECTRICITY);
	assert_ptr_equal(tariff_zone(f->tariff), f->zone);
}

static void price_at_an_instant(void **state)
{
	const struct fixture *f = *state;
	static const struct {
		const char *at;
		int tier;
		const char *rate;
		int64_t micro;
	} rows[] = {
		/* clang-format off */
		{ "2026-03-02T06:59:59+08:00", 1, "valley",  312000 }, /* Monday */
		{ "2026-03-02T07:00:00+08:00", 1, "flat",    658300 },
		{ "2026-03-02T07:00:00+08:00", 3, "flat",    958300 },
		{ "2026-03-01T03:00:00+08:00", 1, "flat",    658300 }, /* Sunday */
		{ "2026-07-05T03:00:00+08:00", 2, "valley",  362000 }, /* July: one row for all */
		{ "2026-07-06T08:00:00+08:00", 1, "peak",   1098700 },
		{ "2026-07-06T22:00:00+08:00", 1, "valley",  312000 },
		{ "2026-10-01T03:00:00+08:00", 1, "flat",    658300 }, /* Thursday, holiday */
		{ "2026-10-02T03:00:00+08:00", 1, "valley",  312000 }, /* Friday */
		{ "2026-10-10T03:00:00+08:00", 1, "valley",  312000 }, /* Saturday worked */
		{ "2026-10-11T03:00:00+08:00", 1, "flat",    658300 },
		/* clang-format on */
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const char *rate = NULL;
		struct price price = { 0 };
		struct utc at;

		assert_int_equal(utc_parse(rows[i].at, &at), ERR_OK);
		assert_int_equal(
			tariff_price_at(f->tariff, at, rows[i].tier, &rate, &price), ERR_OK);
		assert_string_equal(rate, rows[i].rate);
		assert_int_equal(price.micro, rows[i].micro);
	}
}

static void lists_of_days_in_any_order(void **state)
{
	static const char text[] = FILE_(
		",\"holidays\":[\"2026-10-02\",\"2026-10-07\",\"2026-10-01\"]",
		"{" FROM ",\"calendar\":[{\"days\":\"holiday\",\"slots\":[[\"00:00\",\"b\"]]}," ROW
		"],\"prices\":{\"a\":[\"1\"],\"b\":[\"2\"]}}");
	static const struct {
		int day;
		const char *rate;
	} rows[] = { { 1, "b" }, { 2, "b" }, { 3, "a" }, { 7, "b" }, { 8, "a" } };
	const struct fixture *f = *state;
	AUTO(json_free) json_t *file = NULL;
	AUTO(tariff_free) struct tariff *t = NULL;
	struct problem why = { 0 };

	assert_int_equal(json_parse(text, strlen(text), &file, &why), ERR_OK);
	assert_int_equal(tariff_parse(file, f->zone, &t, &why), ERR_OK);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct utc at = zone_day_start(f->zone, day_of(2026, 10, rows[i].day));
		const char *rate = NULL;
		struct price price;

		assert_int_equal(tariff_price_at(t, at, 1, &rate, &price), ERR_OK);
		assert_string_equal(rate, rows[i].rate);
	}
}

static void no_price(void **state)
{
	const struct fixture *f = *state;
	const char *rate;
	struct price price;
	struct utc start;

	assert_int_equal(utc_parse("2026-01-01T00:00:00+08:00", &start), ERR_OK);
	assert_int_equal(tariff_price_at(f->tariff, start, 1, &rate, &price), ERR_OK);
	assert_int_equal(tariff_price_at(f->tariff, start, 0, &rate, &price), ERR_OUT_OF_RANGE);
	assert_int_equal(tariff_price_at(f->tariff, start, 4, &rate, &price), ERR_OUT_OF_RANGE);
	start.ms--;
	assert_int_equal(tariff_price_at(f->tariff, start, 1, &rate, &price), ERR_NOT_FOUND);
}

static void tier_of_the_next_unit(void **state)
{
	const struct fixture *f = *state;
	static const struct {
		int64_t used;
		int tier;
	} rows[] = { { 0, 1 }, { 259999, 1 }, { 260000, 2 }, { 599999, 2 }, { 600000, 3 },
		{ INT64_MAX, 3 } };

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_int_equal(tariff_tier_of(f->tariff, (struct utc){ INT64_C(1780000000000) },
					 (struct qty){ rows[i].used }),
			rows[i].tier);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(accepts),
		cmocka_unit_test(refuses_and_says_where),
		cmocka_unit_test(long_names_do_not_overrun),
		cmocka_unit_test_setup_teardown(names, open_shop, close_shop),
		cmocka_unit_test_setup_teardown(price_at_an_instant, open_shop, close_shop),
		cmocka_unit_test_setup_teardown(lists_of_days_in_any_order, open_shop, close_shop),
		cmocka_unit_test_setup_teardown(no_price, open_shop, close_shop),
		cmocka_unit_test_setup_teardown(tier_of_the_next_unit, open_shop, close_shop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
