/* Worked examples: each can be followed with pencil and paper. */
#include "cmock.h"

#include <string.h>

#include "rules/settle.h"

struct expected {
	const char *from; /* UTC */
	int32_t hour;
	const char *rate;
	int tier;
	int64_t milli, nano;
	const char *cycle;
};

struct taken {
	struct segment s[200];
	size_t n;
	size_t stop_at; /* refuse this one, from 1; 0 none */
};

static enum err take(void *ctx, const struct segment *s)
{
	struct taken *t = ctx;

	assert_true(t->n < ARRAY_LEN(t->s));
	t->s[t->n++] = *s;
	return t->n == t->stop_at ? ERR_REFUSED : ERR_OK;
}

struct fixture {
	struct zone *zone;
	struct tariff *tariff;
};

static void fixture_free(struct fixture *f)
{
	tariff_free(&f->tariff);
	zone_free(&f->zone);
}

static struct fixture fixture(const char *zone, const char *versions)
{
	AUTO(json_free) json_t *file = NULL;
	char text[4096];
	struct problem why = { 0 };
	struct fixture f = { 0 };
	int n = snprintf(text, sizeof(text),
		"{\"code\":\"c\",\"name\":\"n\",\"utility\":\"electricity\",\"versions\":[%s]}",
		versions);

	assert_true(n > 0 && (size_t)n < sizeof(text));
	assert_int_equal(zone_open(zone, &f.zone), ERR_OK);
	assert_int_equal(json_parse(text, (size_t)n, &file, &why), ERR_OK);
	if (tariff_parse(file, f.zone, &f.tariff, &why) != ERR_OK)
		fail_msg("%s: %s", why.field, why.text);
	return f;
}

static struct utc at(const char *text)
{
	struct utc t;

	assert_int_equal(utc_parse(text, &t), ERR_OK);
	return t;
}

static enum err run(const struct fixture *f, const char *from, const char *to, int64_t milli,
	struct tier_use *use, struct taken *t)
{
	return settle_interval(f->tariff, at(from), at(to), (struct qty){ milli }, use,
		(struct segment_sink){ take, t });
}

static void expect(const struct taken *t, const struct expected *e, size_t n)
{
	assert_int_equal(t->n, n);
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(t->s[i].from.ms, at(e[i].from).ms);
		assert_int_equal(t->s[i].hour, e[i].hour);
		assert_string_equal(t->s[i].rate, e[i].rate);
		assert_int_equal(t->s[i].tier, e[i].tier);
		assert_int_equal(t->s[i].qty.milli, e[i].milli);
		assert_int_equal(t->s[i].charge.nano, e[i].nano);
		assert_string_equal(t->s[i].cycle, e[i].cycle);
	}
}

#define TWO_SLOTS                                                                                  \
	"{\"effective_from\":\"2026-01-01T00:00:00+08:00\","                                       \
	"\"calendar\":[{\"slots\":[[\"00:00\",\"low\"],[\"08:30\",\"high\"]]}],"                   \
	"\"prices\":{\"low\":[\"0.5\"],\"high\":[\"1.25\"]}}"

static void spreads_over_hours_and_slots(void **state)
{
	AUTO(fixture_free) struct fixture f = fixture("Asia/Shanghai", TWO_SLOTS);
	struct tier_use use = { 0 };
	struct taken t = { .n = 0 };
	/* 100 Wh over 90 minutes: after 15, 45 and 75 minutes floor(16.67) floor(50) floor(83.3).
	 */
	static const struct expected e[] = {
		{ "2026-03-01T23:45:00Z", 7, "low", 1, 16, 16 * 500000, "" },
		{ "2026-03-02T00:00:00Z", 8, "low", 1, 34, 34 * 500000, "" },
		{ "2026-03-02T00:30:00Z", 8, "high", 1, 33, 33 * 1250000, "" },
		{ "2026-03-02T01:00:00Z", 9, "high", 1, 17, 17 * 1250000, "" },
	};

	(void)state;
	assert_int_equal(
		run(&f, "2026-03-01T23:45:00Z", "2026-03-02T01:15:00Z", 100, &use, &t), ERR_OK);
	expect(&t, e, ARRAY_LEN(e));
	assert_string_equal(t.s[2].price_text, "1.25");
	assert_int_equal(t.s[2].price.micro, 1250000);
	assert_int_equal(t.s[2].to.ms, at("2026-03-02T01:00:00Z").ms);
	assert_int_equal(t.s[0].day.days, day_of(2026, 3, 2).days);
	assert_int_equal(t.s[0].version.ms, at("2025-12-31T16:00:00Z").ms);
	assert_int_equal(use.used.milli, 100);
}

#define TIERED(from, cycle)                                                                        \
	"{\"effective_from\":\"" from "\",\"tier_cycle\":\"" cycle "\","                           \
	"\"tiers_upto_kwh\":[\"0.1\",\"0.2\"],\"calendar\":[{\"slots\":[[\"00:00\",\"a\"]]}],"     \
	"\"prices\":{\"a\":[\"1\",\"2\",\"3\"]}}"

static void tiers_fill_upwards(void **state)
{
	AUTO(fixture_free)
	struct fixture f = fixture("Asia/Shanghai", TIERED("2026-01-01T00:00:00+08:00", "month"));
	struct tier_use use = { "2026-03", { 60 } };
	struct taken t = { .n = 0 };
	/* 60 Wh used; 250 more: 40 in tier 1, 100 in tier 2, the rest in tier 3. */
	static const struct expected e[] = {
		{ "2026-03-01T00:00:00Z", 8, "a", 1, 40, 40 * 1000000, "2026-03" },
		{ "2026-03-01T00:00:00Z", 8, "a", 2, 100, 100 * 2000000, "2026-03" },
		{ "2026-03-01T00:00:00Z", 8, "a", 3, 110, 110 * 3000000, "2026-03" },
	};

	(void)state;
	assert_int_equal(
		run(&f, "2026-03-01T00:00:00Z", "2026-03-01T00:01:00Z", 250, &use, &t), ERR_OK);
	expect(&t, e, ARRAY_LEN(e));
	assert_int_equal(use.used.milli, 310);
}

static void energy_at_a_bound_is_of_the_lower_tier(void **state)
{
	AUTO(fixture_free)
	struct fixture f = fixture("Asia/Shanghai", TIERED("2026-01-01T00:00:00+08:00", "none"));
	struct tier_use use = { 0 };
	struct taken t = { .n = 0 };

	(void)state;
	assert_int_equal(
		run(&f, "2026-03-01T00:00:00Z", "2026-03-01T00:01:00Z", 100, &use, &t), ERR_OK);
	assert_int_equal(t.n, 1);
	assert_int_equal(t.s[0].tier, 1);
	assert_int_equal(
		run(&f, "2026-03-01T00:01:00Z", "2026-03-01T00:02:00Z", 1, &use, &t), ERR_OK);
	assert_int_equal(t.s[1].tier, 2);
}

static void a_new_month_begins_at_tier_1(void **state)
{
	AUTO(fixture_free)
	struct fixture f = fixture("Asia/Shanghai", TIERED("2026-01-01T00:00:00+08:00", "month"));
	struct tier_use use = { "2026-03", { 95 } };
	struct taken t = { .n = 0 };
	static const struct expected e[] = {
		{ "2026-03-31T15:50:00Z", 23, "a", 1, 5, 5 * 1000000, "2026-03" },
		{ "2026-03-31T15:50:00Z", 23, "a", 2, 5, 5 * 2000000, "2026-03" },
		{ "2026-03-31T16:00:00Z", 0, "a", 1, 10, 10 * 1000000, "2026-04" },
	};

	(void)state;
	assert_int_equal(
		run(&f, "2026-03-31T15:50:00Z", "2026-03-31T16:10:00Z", 20, &use, &t), ERR_OK);
	expect(&t, e, ARRAY_LEN(e));
	assert_string_equal(use.cycle, "2026-04");
	assert_int_equal(use.used.milli, 10);
}

static void use_of_a_cycle_carries_over_versions(void **state)
{
	AUTO(fixture_free)
	struct fixture f =
		fixture("Asia/Shanghai", TIERED("2026-01-01T00:00:00+08:00", "year") "," TIERED(
						 "2026-03-01T00:00:30Z", "year"));
	struct tier_use use = { "2026", { 90 } };
	struct taken t = { .n = 0 };
	static const struct expected e[] = {
		{ "2026-03-01T00:00:00Z", 8, "a", 1, 10, 10 * 1000000, "2026" },
		{ "2026-03-01T00:00:30Z", 8, "a", 2, 10, 10 * 2000000, "2026" },
	};

	(void)state;
	assert_int_equal(
		run(&f, "2026-03-01T00:00:00Z", "2026-03-01T00:01:00Z", 20, &use, &t), ERR_OK);
	expect(&t, e, ARRAY_LEN(e));
	assert_int_equal(t.s[1].version.ms, at("2026-03-01T00:00:30Z").ms);
}

/* Slots at 02:30 and 03:00 around the jumps of Berlin. */
#define NIGHT                                                                                      \
	"{\"effective_from\":\"2026-01-01T00:00:00Z\","                                            \
	"\"calendar\":[{\"slots\":[[\"00:00\",\"a\"],[\"02:30\",\"b\"],[\"04:00\",\"c\"]]}],"      \
	"\"prices\":{\"a\":[\"1\"],\"b\":[\"1\"],\"c\":[\"1\"]}}"

static void a_skipped_slot_counts_with_the_offset_before(void **state)
{
	AUTO(fixture_free) struct fixture f = fixture("Europe/Berlin", NIGHT);
	struct tier_use use = { 0 };
	struct taken t = { .n = 0 };
	/* 2026-03-29: 02:00 CET is 03:00 CEST at 01:00 UTC. 02:30 (+01:00) is 01:30 UTC. */
	static const struct expected e[] = {
		{ "2026-03-29T00:00:00Z", 1, "a", 1, 60, 60000000, "" },
		{ "2026-03-29T01:00:00Z", 3, "a", 1, 30, 30000000, "" },
		{ "2026-03-29T01:30:00Z", 3, "b", 1, 30, 30000000, "" },
		{ "2026-03-29T02:00:00Z", 4, "c", 1, 60, 60000000, "" },
	};

	(void)state;
	assert_int_equal(
		run(&f, "2026-03-29T00:00:00Z", "2026-03-29T03:00:00Z", 180, &use, &t), ERR_OK);
	expect(&t, e, ARRAY_LEN(e));
}

static void a_slot_that_comes_twice_begins_once(void **state)
{
	AUTO(fixture_free) struct fixture f = fixture("Europe/Berlin", NIGHT);
	struct tier_use use = { 0 };
	struct taken t = { .n = 0 };
	/* 2026-10-25: 03:00 CEST is 02:00 CET at 01:00 UTC. 02:30 first comes at 00:30 UTC and
	 * is not undone when the clock shows 02:00 again. */
	static const struct expected e[] = {
		{ "2026-10-24T23:00:00Z", 1, "a", 1, 60, 60000000, "" },
		{ "2026-10-25T00:00:00Z", 2, "a", 1, 30, 30000000, "" },
		{ "2026-10-25T00:30:00Z", 2, "b", 1, 30, 30000000, "" },
		{ "2026-10-25T01:00:00Z", 2, "b", 1, 60, 60000000, "" },
		{ "2026-10-25T02:00:00Z", 3, "b", 1, 60, 60000000, "" },
		{ "2026-10-25T03:00:00Z", 4, "c", 1, 60, 60000000, "" },
	};

	(void)state;
	assert_int_equal(
		run(&f, "2026-10-24T23:00:00Z", "2026-10-25T04:00:00Z", 300, &use, &t), ERR_OK);
	expect(&t, e, ARRAY_LEN(e));
}

static void a_day_may_have_23_or_25_hours(void **state)
{
	static const struct {
		const char *from, *to;
		size_t hours;
	} days[] = { { "2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z", 23 },
		{ "2026-03-29T22:00:00Z", "2026-03-30T22:00:00Z", 24 },
		{ "2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z", 25 } };
	AUTO(zone_free) struct zone *z = NULL;

	(void)state;
	assert_int_equal(zone_open("Europe/Berlin", &z), ERR_OK);
	for (size_t i = 0; i < ARRAY_LEN(days); i++) {
		struct taken t = { .n = 0 };
		struct day d = zone_local(z, at(days[i].from)).day;

		assert_int_equal(settle_usage(z, at(days[i].from), at(days[i].to),
					 (struct qty){ 100000 }, (struct segment_sink){ take, &t }),
			ERR_OK);
		assert_int_equal(t.n, days[i].hours);
		for (size_t k = 0; k < t.n; k++) {
			assert_int_equal(t.s[k].day.days, d.days);
			assert_int_equal(t.s[k].tier, 0);
			assert_string_equal(t.s[k].rate, "");
			assert_string_equal(t.s[k].price_text, "");
		}
	}
}

static void fractions_of_a_second(void **state)
{
	AUTO(fixture_free) struct fixture f = fixture("Asia/Shanghai", TWO_SLOTS);
	struct tier_use use = { 0 };
	struct taken t = { .n = 0 };

	(void)state;
	/* 1.6 s to the cut is 1 whole second, of 3 whole seconds. */
	assert_int_equal(
		run(&f, "2026-03-02T00:29:58.4Z", "2026-03-02T00:30:02.2Z", 100, &use, &t), ERR_OK);
	assert_int_equal(t.n, 2);
	assert_int_equal(t.s[0].qty.milli, 33);
	/* A span without a whole second: nothing has passed at the cut. */
	t.n = 0;
	assert_int_equal(
		run(&f, "2026-03-02T00:29:59.9Z", "2026-03-02T00:30:00.1Z", 7, &use, &t), ERR_OK);
	assert_int_equal(t.n, 1);
	assert_string_equal(t.s[0].rate, "high");
}

static void refusals_leave_the_count_alone(void **state)
{
	AUTO(fixture_free)
	struct fixture f = fixture("Asia/Shanghai", TIERED("2026-01-01T00:00:00Z", "month"));
	struct tier_use use = { "2026-03", { 60 } };
	const struct tier_use before = use;
	struct taken t = { .stop_at = 2 };

	(void)state;
	assert_int_equal(run(&f, "2025-12-31T23:59:59Z", "2026-03-01T00:00:00Z", 1, &use, &t),
		ERR_NOT_FOUND);
	assert_int_equal(run(&f, "2026-03-01T00:00:00Z", "2026-03-01T00:00:00Z", 1, &use, &t),
		ERR_OUT_OF_RANGE);
	assert_int_equal(run(&f, "2026-03-01T00:00:00Z", "2026-03-01T00:00:01Z", -1, &use, &t),
		ERR_OUT_OF_RANGE);
	assert_int_equal(t.n, 0);
	assert_int_equal(run(&f, "2026-03-01T00:00:00Z", "2026-03-01T00:00:01Z", 250, &use, &t),
		ERR_REFUSED);
	assert_int_equal(t.n, 2);
	t.stop_at = 0;
	assert_int_equal(
		run(&f, "2026-03-01T00:00:00Z", "2026-03-01T00:00:01Z", INT64_MAX, &use, &t),
		ERR_OVERFLOW);
	assert_memory_equal(&use, &before, sizeof(use));
}

static void nothing_used_nothing_told(void **state)
{
	AUTO(fixture_free) struct fixture f = fixture("Asia/Shanghai", TWO_SLOTS);
	struct tier_use use = { 0 };
	struct taken t = { .n = 0 };

	(void)state;
	assert_int_equal(
		run(&f, "2026-03-01T00:00:00Z", "2026-04-01T00:00:00Z", 0, &use, &t), ERR_OK);
	assert_int_equal(t.n, 0);
	/* The last of these hours gets the only unit: floor() gives it to no earlier one. */
	assert_int_equal(
		run(&f, "2026-03-01T00:00:00Z", "2026-03-02T00:00:00Z", 1, &use, &t), ERR_OK);
	assert_int_equal(t.n, 1);
	assert_int_equal(t.s[0].from.ms, at("2026-03-01T23:00:00Z").ms);
}

static enum err add(void *ctx, const struct segment *s)
{
	struct money *sum = ctx;

	return money_add(*sum, s->charge, sum);
}

/* With one rate, cutting an interval anywhere into any parts never changes the charge. */
static void splitting_changes_no_charge(void **state)
{
	AUTO(fixture_free)
	struct fixture f = fixture("Asia/Shanghai", TIERED("2026-01-01T00:00:00Z", "year"));
	struct lots l = lots_open();

	(void)state;
	for (int i = 0; i < 200; i++) {
		struct tier_use whole = { 0 }, parts = { 0 };
		struct money whole_sum = { 0 }, parts_sum = { 0 };
		struct utc from = at("2026-03-01T00:00:00Z"), to = { from.ms + 86400000 }, cut;
		int64_t delta = lots_between(&l, 0, 500), left = delta;

		assert_int_equal(settle_interval(f.tariff, from, to, (struct qty){ delta }, &whole,
					 (struct segment_sink){ add, &whole_sum }),
			ERR_OK);
		for (; from.ms < to.ms; from = cut) {
			int64_t part = lots_between(&l, 0, left);

			cut.ms = lots_between(&l, from.ms + 1, to.ms);
			if (cut.ms == to.ms)
				part = left;
			left -= part;
			assert_int_equal(settle_interval(f.tariff, from, cut, (struct qty){ part },
						 &parts, (struct segment_sink){ add, &parts_sum }),
				ERR_OK);
		}
		assert_int_equal(parts_sum.nano, whole_sum.nano);
		assert_int_equal(parts.used.milli, whole.used.milli);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(spreads_over_hours_and_slots),
		cmocka_unit_test(tiers_fill_upwards),
		cmocka_unit_test(energy_at_a_bound_is_of_the_lower_tier),
		cmocka_unit_test(a_new_month_begins_at_tier_1),
		cmocka_unit_test(use_of_a_cycle_carries_over_versions),
		cmocka_unit_test(a_skipped_slot_counts_with_the_offset_before),
		cmocka_unit_test(a_slot_that_comes_twice_begins_once),
		cmocka_unit_test(a_day_may_have_23_or_25_hours),
		cmocka_unit_test(fractions_of_a_second),
		cmocka_unit_test(refusals_leave_the_count_alone),
		cmocka_unit_test(nothing_used_nothing_told),
		cmocka_unit_test(splitting_changes_no_charge),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
