/* The meter's own rate registers: how a gap is split by them, and when they may not. */
#include "cmock.h"

#include <string.h>

#include "rules/settle.h"

#define N (-1)

static void splits_by_registers(void **state)
{
	static const struct {
		int64_t before[4], after[4], total, ratio, step;
		int64_t parts[4]; /* sharp, peak, flat, valley; -1: no such part */
		enum err want;
	} cases[] = {
		/* 4 kWh at peak, 2 at night */
		{ { 0, 1000, 2000, 3000 }, { 0, 5000, 2000, 5000 }, 6000, 1, 10,
			{ 0, 4000, 0, 2000 }, ERR_OK },
		/* a meter of two rates */
		{ { N, 1000, N, 3000 }, { N, 5000, N, 5000 }, 6000, 1, 10, { N, 4000, N, 2000 },
			ERR_OK },
		/* behind transformers of 40 */
		{ { N, 100, N, 300 }, { N, 200, N, 400 }, 8000, 40, 10, { N, 4000, N, 4000 },
			ERR_OK },
		/* steps of 10 Wh: the total has moved 20 more than the parts; the largest takes it
		 */
		{ { 0, 1000, 2000, 3000 }, { 0, 5000, 2000, 5000 }, 6020, 1, 10,
			{ 0, 4020, 0, 2000 }, ERR_OK },
		{ { 0, 1000, 2000, 3000 }, { 0, 5000, 2000, 5000 }, 5980, 1, 10,
			{ 0, 3980, 0, 2000 }, ERR_OK },
		{ { 0, 1000, 2000, 3000 }, { 0, 5000, 2000, 5000 }, 6049, 1, 10,
			{ 0, 4049, 0, 2000 }, ERR_OK },
		/* more than five steps is no rounding */
		{ { 0, 1000, 2000, 3000 }, { 0, 5000, 2000, 5000 }, 6050, 1, 10, { 0 },
			ERR_CONFLICT },
		{ { 0, 1000, 2000, 3000 }, { 0, 5000, 2000, 5000 }, 5950, 1, 10, { 0 },
			ERR_CONFLICT },
		/* one of them fell */
		{ { 0, 1000, 2000, 3000 }, { 0, 5000, 1999, 5000 }, 5999, 1, 10, { 0 },
			ERR_CONFLICT },
		/* nothing that could give */
		{ { 0, 1000, 2000, 3000 }, { 0, 1000, 2000, 3000 }, 20, 1, 10, { 0, 0 }, ERR_OK },
		{ { 0, 0, 0, 0 }, { INT64_MAX, INT64_MAX, 0, 0 }, 20, 1, 10, { 0 }, ERR_CONFLICT },
		{ { 0, 0, 0, 0 }, { INT64_MAX, 0, 0, 0 }, 20, 40, 10, { 0 }, ERR_CONFLICT },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct rates_facts f = {
			.total = { cases[i].total }, .ratio = cases[i].ratio, .step = cases[i].step
		};
		struct rates_split split = { 0 };
		int64_t sum = 0;

		for (size_t k = 0; k < 4; k++) {
			f.before[k].milli = cases[i].before[k];
			f.after[k].milli = cases[i].after[k];
		}
		assert_int_equal(rates_split(&f, &split), cases[i].want);
		if (cases[i].want != ERR_OK || i == 9)
			continue;
		for (size_t k = 0, n = 0; k < 4; k++) {
			if (cases[i].parts[k] < 0)
				continue;
			assert_string_equal(split.at[n].rate, rate_of_meter(k));
			assert_int_equal(split.at[n].qty.milli, cases[i].parts[k]);
			sum += split.at[n++].qty.milli;
		}
		assert_int_equal(sum, cases[i].total);
	}
}

static void a_meter_that_has_rates(void **state)
{
	struct rates_facts f = { .before = { { 0 }, { 0 }, { 0 }, { 0 } } };

	(void)state;
	assert_false(rates_known(&f)); /* registers that never count */
	f.after[1].milli = 10;
	assert_true(rates_known(&f));
	f.before[3].milli = N; /* one that was not there before */
	assert_false(rates_known(&f));
	f.after[3].milli = N;
	assert_true(rates_known(&f));
}

static const char file[] =
	"{\"code\":\"c\",\"name\":\"n\",\"utility\":\"electricity\",\"versions\":["
	"{\"effective_from\":\"2026-01-01T00:00:00Z\",\"tier_cycle\":\"month\",\"tiers_upto_kwh\":["
	"\"3\"],\"calendar\":[{\"days\":\"weekend\",\"slots\":[[\"00:00\",\"flat\"]]},"
	"{\"slots\":[[\"00:00\",\"valley\"],[\"08:00\",\"peak\"],[\"12:00\",\"peak\"],"
	"[\"22:00\",\"valley\"]]}],\"prices\":{\"peak\":[\"1\",\"2\"],\"flat\":[\"0.7\",\"0.8\"],"
	"\"valley\":[\"0.3\",\"0.4\"]}}]}";

#define MONDAY INT64_C(1772409600000) /* 2026-03-02T00:00:00Z */
#define HOUR INT64_C(3600000)

struct fixture {
	struct zone *zone;
	struct tariff *tariff;
};

static void fixture_free(struct fixture *f)
{
	tariff_free(&f->tariff);
	zone_free(&f->zone);
}

static void fixture_open(struct fixture *f)
{
	AUTO(json_free) json_t *doc = NULL;

	assert_int_equal(zone_open("UTC", &f->zone), ERR_OK);
	assert_int_equal(json_parse(file, strlen(file), &doc, NULL), ERR_OK);
	assert_int_equal(tariff_parse(doc, f->zone, &f->tariff, NULL), ERR_OK);
}

static void slots_are_compared(void **state)
{
	static const struct {
		const char *slots;
		int64_t from_h, to_h;
		bool want;
	} cases[] = {
		{ "00:00 valley 08:00 peak 22:00 valley", 0, 24, true },
		{ "00:00 valley 08:00 peak 22:00 valley", 20, 70, true },
		{ "00:00 valley 06:00 valley 08:00 peak 22:00 valley", 0, 24, true },
		{ " 00:00  valley 08:00 peak 22:00 valley ", 0, 24, true },
		{ "00:00 valley 08:00 peak 21:00 valley", 0, 24, false },
		{ "00:00 valley 08:00 flat 22:00 valley", 0, 24, false },
		{ "00:00 valley 08:00 peak", 0, 24, false },
		{ "00:00 valley 08:00 peak 22:00 valley 23:00 peak", 0, 24, false },
		{ "", 0, 24, false },
		{ "00:00", 0, 24, false },
		{ "08:00 peak 00:00 valley", 0, 24, false },
		/* over Saturday, which is another kind of day */
		{ "00:00 valley 08:00 peak 22:00 valley", 0, 6 * 24, false },
		{ "00:00 valley 08:00 peak 22:00 valley", 0, 5 * 24, true },
		{ "00:00 flat", 5 * 24, 7 * 24, true },
		/* before the tariff */
		{ "00:00 valley 08:00 peak 22:00 valley", -100 * 24, 24, false },
	};
	AUTO(fixture_free) struct fixture f = { 0 };

	(void)state;
	fixture_open(&f);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_int_equal(
			tariff_slots_are(f.tariff, (struct utc){ MONDAY + cases[i].from_h * HOUR },
				(struct utc){ MONDAY + cases[i].to_h * HOUR }, cases[i].slots),
			cases[i].want);
}

struct sums {
	int64_t peak, valley, nano, cheap;
};

static enum err add(void *ctx, const struct segment *s)
{
	struct sums *t = ctx;

	*(strcmp(s->rate, "peak") == 0 ? &t->peak : &t->valley) += s->qty.milli;
	t->nano += s->charge.nano;
	t->cheap += s->tier == 1 ? s->qty.milli : 0;
	return ERR_OK;
}

/* Monday 06:00 to 10:00: 2 h of valley, 2 h of peak. 4 kWh, 1 by night and 3 by day; the first 3
 * are of tier 1: 1 * 0.3 + 2 * 1 + 1 * 2 = 4.3 yuan. By time it were 2 * 0.3 + 1 * 1 + 1 * 2 = 3.6.
 */
static void a_gap_worked_out(void **state)
{
	AUTO(fixture_free) struct fixture f = { 0 };
	struct utc from = { MONDAY + 6 * HOUR }, to = { MONDAY + 10 * HOUR };
	struct rates_split split = { { { "peak", { 3000 } }, { "valley", { 1000 } } }, 2 };
	struct tier_use use = { 0 };
	struct sums got = { 0 };

	(void)state;
	fixture_open(&f);
	assert_int_equal(settle_by_rates(f.tariff, from, to, &split, &use,
				 (struct segment_sink){ add, &got }),
		ERR_OK);
	assert_int_equal(got.peak, 3000);
	assert_int_equal(got.valley, 1000);
	assert_int_equal(got.cheap, 3000);
	assert_int_equal(got.nano, INT64_C(4300000000));
	assert_int_equal(use.used.milli, 4000);
	got = (struct sums){ 0 };
	use = (struct tier_use){ 0 };
	assert_int_equal(settle_interval(f.tariff, from, to, (struct qty){ 4000 }, &use,
				 (struct segment_sink){ add, &got }),
		ERR_OK);
	assert_int_equal(got.nano, INT64_C(3600000000));
	/* Energy at night, but the gap had no night; a rate of the tariff without part. */
	from.ms = MONDAY + 9 * HOUR;
	assert_false(settle_rates_fit(f.tariff, from, to, &split));
	split.at[1].qty.milli = 0;
	assert_true(settle_rates_fit(f.tariff, from, to, &split));
	split = (struct rates_split){ { { "valley", { 1000 } } }, 1 };
	assert_false(settle_rates_fit(f.tariff, from, to, &split));
	assert_false(settle_rates_fit(f.tariff, to, to, &split));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(splits_by_registers),
		cmocka_unit_test(a_meter_that_has_rates),
		cmocka_unit_test(slots_are_compared),
		cmocka_unit_test(a_gap_worked_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
