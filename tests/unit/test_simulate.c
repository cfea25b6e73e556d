#include "cmock.h"

#include <string.h>

#include "base/str.h"
#include "rules/simulate.h"

struct fixture {
	struct zone *zone;
	struct tariff *tariff;
};

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

static void readings_free(struct simulate_reading **r)
{
	free(*r);
}

static enum err simulate(
	const struct fixture *f, const char *csv, size_t size, json_t **out, struct problem *why)
{
	AUTO(readings_free) struct simulate_reading *r = NULL;
	size_t n = 0;
	enum err e = simulate_read(csv, size, UTILITY_ELECTRICITY, &r, &n, why);

	return e != ERR_OK ? e : simulate_run(f->tariff, r, n, out, why);
}

static void expect(const struct fixture *f, const char *csv, const char *json)
{
	AUTO(json_free) json_t *out = NULL;
	struct problem why = { 0 };
	char *text;

	if (simulate(f, csv, strlen(csv), &out, &why) != ERR_OK)
		fail_msg("%s: %s in %s", why.field, why.text, csv);
	text = json_text(out);
	assert_string_equal(text, json);
	free(text);
}

#define NOTHING "{\"energy_wh\":0,\"charge\":\"0.000000000\",\"lines\":[]}"

static void bills(void **state)
{
	const struct fixture *f = *state;

	/* A Sunday: 8.465 kWh at 0.6583. */
	expect(f,
		"time,energy_kwh\n2026-03-01T00:00:00+08:00,1234.560\n"
		"2026-03-01T20:00:00+08:00,1243.025\n",
		"{\"energy_wh\":8465,\"charge\":\"5.572509500\",\"lines\":[{\"cycle\":\"2026-03\","
		"\"rate\":\"flat\",\"tier\":1,\"price\":\"0.6583\",\"energy_wh\":8465,"
		"\"charge\":\"5.572509500\"}]}");
	/* Monday 06:00 to 08:00: one hour of each rate; then up to and over the first bound;
	 * sorted by rate before tier. Columns the other way, no last line end. */
	expect(f,
		"energy_kwh,time\r\n0,2026-03-02T06:00:00+08:00\r\n2,2026-03-02T08:00:00+08:00\r\n"
		"261.5,2026-03-02T09:00:00+08:00",
		"{\"energy_wh\":261500,\"charge\":\"171.874150000\",\"lines\":["
		"{\"cycle\":\"2026-03\",\"rate\":\"flat\",\"tier\":1,\"price\":\"0.6583\","
		"\"energy_wh\":259000,\"charge\":\"170.499700000\"},"
		"{\"cycle\":\"2026-03\",\"rate\":\"flat\",\"tier\":2,\"price\":\"0.7083\","
		"\"energy_wh\":1500,\"charge\":\"1.062450000\"},"
		"{\"cycle\":\"2026-03\",\"rate\":\"valley\",\"tier\":1,\"price\":\"0.312\","
		"\"energy_wh\":1000,\"charge\":\"0.312000000\"}]}");
}

static void fewer_than_two_readings_are_nothing(void **state)
{
	expect(*state, "time,energy_kwh", NOTHING);
	expect(*state, "time,energy_kwh\n", NOTHING);
	expect(*state, "time,energy_kwh\n2026-03-01T00:00:00Z,999999999999.999\n", NOTHING);
	expect(*state, "\xef\xbb\xbftime,energy_kwh\n2026-03-01T00:00:00Z,1\n\n", NOTHING);
}

static void refuses_and_names_the_line(void **state)
{
#define HEAD "time,energy_kwh\n2026-03-01T00:00:00Z,5\n"
	static const struct {
		const char *csv, *where;
	} rows[] = {
		{ "", "line 1" },
		{ "\n\n", "line 1" },
		{ "time\n", "line 1" },
		{ "time,volume_m3\n", "line 1" },
		{ "time,time\n", "line 1" },
		{ "energy_kwh,energy_kwh\n", "line 1" },
		{ "Time,energy_kwh\n", "line 1" },
		{ "time,energy_kwh,note\n", "line 1" },
		{ "2026-03-01T00:00:00Z,5\n", "line 1" },
		{ HEAD "2026-03-01T00:01:00Z\n", "line 3" },
		{ HEAD "2026-03-01T00:01:00Z,6,7\n", "line 3" },
		{ HEAD "\n2026-03-01T00:01:00Z,6\n", "line 3" },
		{ HEAD "2026-03-01T00:00:00Z,6\n", "line 3" },
		{ HEAD "2026-02-28T00:00:00Z,6\n", "line 3" },
		{ HEAD "2026-03-01T00:01:00,6\n", "line 3" },
		{ HEAD "2026-02-29T00:01:00Z,6\n", "line 3" },
		{ HEAD "1772323260,6\n", "line 3" },
		{ HEAD "2026-03-01T00:01:00Z,4.999\n", "line 3" },
		{ HEAD "2026-03-01T00:01:00Z,-6\n", "line 3" },
		{ HEAD "2026-03-01T00:01:00Z,-0\n", "line 3" },
		{ HEAD "2026-03-01T00:01:00Z,+6\n", "line 3" },
		{ HEAD "2026-03-01T00:01:00Z, 6\n", "line 3" },
		{ HEAD "2026-03-01T00:01:00Z,\n", "line 3" },
		{ HEAD "2026-03-01T00:01:00Z,6.0001\n", "line 3" },
		{ HEAD "2026-03-01T00:01:00Z,6e1\n", "line 3" },
		{ HEAD "2026-03-01T00:01:00Z,1000000000000\n", "line 3" },
		{ HEAD "2026-03-01T00:01:00Z,99999999999999999999\n", "line 3" },
		/* before the first version, also where nothing would be charged */
		{ "time,energy_kwh\n2025-12-31T15:59:59Z,5\n", "line 2" },
		{ "time,energy_kwh\n2025-12-31T15:59:59Z,5\n2026-03-01T00:00:00Z,5\n", "line 2" },
		/* 1e12 kWh at 0.9583 are more than 64 bits of nano-yuan */
		{ HEAD "2026-03-01T00:01:00Z,6\n2026-03-01T00:02:00Z,999999999999\n", "line 4" },
	};
	const struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		AUTO(json_free) json_t *out = NULL;
		struct problem why = { 0 };

		if (simulate(f, rows[i].csv, strlen(rows[i].csv), &out, &why) == ERR_OK)
			fail_msg("accepted: %s", rows[i].csv);
		assert_null(out);
		assert_string_equal(why.field, rows[i].where);
		assert_true(why.text[0] != '\0');
	}
}

static void refuses_odd_bytes(void **state)
{
	static const char nul[] = HEAD "2026-03-01T00:01:00Z,6\0\n";
	AUTO(buf_free) struct buf line = { 0 };
	AUTO(json_free) json_t *out = NULL;
	struct problem why = { 0 };

	assert_int_not_equal(simulate(*state, nul, sizeof(nul) - 1, &out, &why), ERR_OK);
	assert_string_equal(why.field, "line 3");
	buf_adds(&line, HEAD "2026-03-01T00:01:00Z,");
	for (int i = 0; i < 1000; i++)
		buf_adds(&line, "0");
	buf_adds(&line, "6\n");
	assert_int_equal(simulate(*state, line.text, line.len, &out, &why), ERR_TOO_LARGE);
	assert_string_equal(why.field, "line 3");
}

static void water_counts_cubic_metres(void **state)
{
	static const char csv[] =
		"time,volume_m3\n2026-03-01T00:00:00Z,1\n2026-03-01T01:00:00Z,2.5\n";
	static const char text[] =
		"{\"code\":\"w\",\"name\":\"w\",\"utility\":\"water\",\"versions\":[{"
		"\"effective_from\":\"2026-01-01T00:00:00Z\",\"calendar\":[{\"slots\":[[\"00:00\","
		"\"水\"]]}],"
		"\"prices\":{\"水\":[\"3.50\"]}}]}";
	const struct fixture *f = *state;
	AUTO(tariff_free) struct tariff *t = NULL;
	AUTO(json_free) json_t *file = NULL, *out = NULL;
	AUTO(readings_free) struct simulate_reading *r = NULL;
	struct problem why = { 0 };
	size_t n = 0;
	char *got;

	assert_int_equal(json_parse(text, strlen(text), &file, &why), ERR_OK);
	assert_int_equal(tariff_parse(file, f->zone, &t, &why), ERR_OK);
	assert_int_equal(simulate_read(csv, strlen(csv), UTILITY_WATER, &r, &n, &why), ERR_OK);
	assert_int_equal(simulate_run(t, r, n, &out, &why), ERR_OK);
	got = json_text(out);
	assert_string_equal(got,
		"{\"volume_l\":1500,\"charge\":\"5.250000000\",\"lines\":[{\"cycle\":\"\",\"rate\":"
		"\"水\","
		"\"tier\":1,\"price\":\"3.50\",\"volume_l\":1500,\"charge\":\"5.250000000\"}]}");
	free(got);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(bills, open_shop, close_shop),
		cmocka_unit_test_setup_teardown(
			fewer_than_two_readings_are_nothing, open_shop, close_shop),
		cmocka_unit_test_setup_teardown(refuses_and_names_the_line, open_shop, close_shop),
		cmocka_unit_test_setup_teardown(refuses_odd_bytes, open_shop, close_shop),
		cmocka_unit_test_setup_teardown(water_counts_cubic_metres, open_shop, close_shop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
