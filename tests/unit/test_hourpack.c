/* Hours of readings packed: what comes out is what went in, whatever that was, and bytes that are
 * not ours are refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rules/hourpack.h"

#include <cmocka.h>

#define HOUR_AT INT64_C(1795341600000)
static const struct utc HOUR = { HOUR_AT };

static uint64_t seed;

static uint64_t lot(uint64_t below)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed % below;
}

static bool same(const struct raw_reading *a, const struct raw_reading *b)
{
	return a->at.ms == b->at.ms && a->reg.milli == b->reg.milli && a->power_w == b->power_w &&
	       a->verdict == b->verdict;
}

static size_t pack_and_back(const struct raw_reading *r, size_t n)
{
	uint8_t *bytes = malloc(hour_room(n));
	struct raw_reading *got = calloc(n, sizeof(*got));
	size_t len = 0, count = 0, back = 0;

	assert_non_null(bytes);
	assert_non_null(got);
	assert_int_equal(hour_pack(HOUR, r, n, bytes, &len), ERR_OK);
	assert_true(len <= hour_room(n));
	assert_int_equal(hour_count(bytes, len, &count), ERR_OK);
	assert_int_equal(count, n);
	assert_int_equal(hour_unpack(HOUR, bytes, len, got, n, &back), ERR_OK);
	assert_int_equal(back, n);
	for (size_t i = 0; i < n; i++)
		if (!same(&r[i], &got[i]))
			fail_msg("seed %llu: reading %zu differs", (unsigned long long)seed, i);
	if (n > 1)
		assert_int_equal(hour_unpack(HOUR, bytes, len, got, n - 1, &back), ERR_BAD_VALUE);
	/* Neither a part of it nor a byte more is an hour. */
	assert_int_equal(hour_unpack(HOUR, bytes, len - 1, got, n, &back), ERR_BAD_VALUE);
	bytes[len] = 0;
	assert_int_equal(hour_unpack(HOUR, bytes, len + 1, got, n, &back), ERR_BAD_VALUE);
	free(got);
	free(bytes);
	return len;
}

/* A meter read each minute, with the jitter of a bus and a load that moves. */
static size_t usual_hour(struct raw_reading *r, size_t n, int64_t step)
{
	int64_t wms = 0, base = (int64_t)lot(1000000000), level = 200 + (int64_t)lot(4000);

	for (size_t i = 0; i < n; i++) {
		if (lot(12) == 0)
			level = 200 + (int64_t)lot(4000);
		r[i].at.ms = HOUR.ms + (int64_t)i * 60000 + (int64_t)lot(1500);
		r[i].power_w = level + (int64_t)lot(80);
		wms += r[i].power_w * 60000;
		r[i].reg.milli = base + wms / 3600000 / step * step;
		r[i].verdict = lot(200) == 0 ? 4 : 0;
	}
	return n;
}

static void a_usual_hour_takes_few_bytes(void **state)
{
	struct raw_reading r[60];
	size_t bytes = 0;

	(void)state;
	seed = 7;
	for (int i = 0; i < 200; i++)
		bytes += pack_and_back(r, usual_hour(r, 60, 10));
	if (bytes > 200 * 60 * 5)
		fail_msg("%.2f bytes a reading", (double)bytes / (200 * 60));
}

static void a_still_hour_takes_next_to_nothing(void **state)
{
	struct raw_reading r[60] = { 0 };

	(void)state;
	for (size_t i = 0; i < 60; i++) {
		r[i].at.ms = HOUR.ms + 17 + (int64_t)i * 60000;
		r[i].reg.milli = 123456780;
	}
	assert_true(pack_and_back(r, 60) < 24);
}

static int64_t any_number(void)
{
	switch (lot(5)) {
	case 0:
		return INT64_MIN;
	case 1:
		return INT64_MAX;
	case 2:
		return (int64_t)lot(1000) - 500;
	case 3:
		return (int64_t)(lot(UINT64_MAX) | 1ULL << 63);
	default:
		return (int64_t)lot(INT64_MAX);
	}
}

static void anything_comes_back_as_it_went(void **state)
{
	static struct raw_reading r[4000];

	(void)state;
	for (uint64_t s = 1; s <= 3000; s++) {
		size_t n = 0, most = s % 50 == 0 ? 4000 : 1 + s % 90;
		uint64_t gap = (uint64_t)HOUR_MS / most, shape = s % 4;
		int64_t at = HOUR.ms + (int64_t)lot(2), fixed = any_number();

		seed = s * 0x9e3779b97f4a7c15U;
		while (n < most && at < HOUR.ms + HOUR_MS) {
			r[n].at.ms = at;
			r[n].reg.milli = shape == 0   ? any_number()
					 : shape == 1 ? fixed
						      : (int64_t)((uint64_t)n * lot(100) * 10);
			r[n].power_w = shape == 2 ? any_number() : (int64_t)lot(3);
			r[n].verdict = (uint8_t)(shape == 3 ? lot(16) : 0);
			n++;
			at += 1 + (int64_t)lot(shape == 1 ? 2 : gap);
		}
		pack_and_back(r, n);
	}
}

static void the_first_and_last_moment_belong_to_the_hour(void **state)
{
	struct raw_reading r[2] = { { .at = HOUR }, { .at = { HOUR.ms + HOUR_MS - 1 } } };
	uint8_t bytes[200];
	size_t len;

	(void)state;
	pack_and_back(r, 2);
	pack_and_back(r + 1, 1);
	r[1].at.ms++;
	assert_int_equal(hour_pack(HOUR, r, 2, bytes, &len), ERR_OUT_OF_RANGE);
	r[1].at.ms = HOUR.ms;
	assert_int_equal(hour_pack(HOUR, r, 2, bytes, &len), ERR_OUT_OF_RANGE);
	r[0].at.ms = HOUR.ms - 1;
	assert_int_equal(hour_pack(HOUR, r, 1, bytes, &len), ERR_OUT_OF_RANGE);
	assert_int_equal(hour_pack(HOUR, r, 0, bytes, &len), ERR_OUT_OF_RANGE);
	assert_int_equal(
		hour_pack((struct utc){ HOUR.ms + 1 }, r + 1, 1, bytes, &len), ERR_OUT_OF_RANGE);
	r[1].verdict = HOUR_VERDICTS_MAX;
	assert_int_equal(hour_pack(HOUR, r + 1, 1, bytes, &len), ERR_OUT_OF_RANGE);
}

/* What was stored must be readable for good: these bytes are version 1. */
static void bytes_of_version_1_stay_readable(void **state)
{
	static const uint8_t bytes[] = { 0x01, 0x03, 0xd0, 0x0f, 0xd0, 0x0f, 0xc8, 0x01, 0x10, 0x40,
		0x00, 0xe2, 0xd4, 0x03, 0x0a, 0x82, 0x33, 0xc8, 0x10, 0xd1, 0x0e };
	static const struct raw_reading want[] = {
		{ { HOUR_AT + 2000 }, { 1000 }, 100, 0 },
		{ { HOUR_AT + 62000 }, { 1010 }, 110, 0 },
		{ { HOUR_AT + 122005 }, { 1030 }, 90, 4 },
	};
	struct raw_reading got[3];
	uint8_t made[200];
	size_t n = 0, len = 0;

	(void)state;
	assert_int_equal(hour_pack(HOUR, want, 3, made, &len), ERR_OK);
	for (size_t i = 0; i < len; i++)
		if (len != sizeof(bytes) || made[i] != bytes[i]) {
			for (size_t k = 0; k < len; k++)
				fprintf(stderr, "0x%02x, ", made[k]);
			fail_msg("packed otherwise than before");
		}
	assert_int_equal(hour_unpack(HOUR, bytes, sizeof(bytes), got, 3, &n), ERR_OK);
	assert_int_equal(n, 3);
	for (size_t i = 0; i < 3; i++)
		assert_true(same(&got[i], &want[i]));
}

static void foreign_bytes_are_refused(void **state)
{
	struct raw_reading r[60], got[60];
	uint8_t bytes[2400], bad[2400];
	size_t len, n, refused = 0;

	(void)state;
	seed = 11;
	usual_hour(r, 60, 10);
	assert_int_equal(hour_pack(HOUR, r, 60, bytes, &len), ERR_OK);
	for (size_t cut = 0; cut < len; cut++)
		assert_int_equal(hour_unpack(HOUR, bytes, cut, got, 60, &n), ERR_BAD_VALUE);
	for (int i = 0; i < 20000; i++) {
		memcpy(bad, bytes, len);
		bad[lot(len)] ^= (uint8_t)(1U << lot(8));
		if (hour_unpack(HOUR, bad, len, got, 60, &n) != ERR_OK) {
			refused++;
			continue;
		}
		for (size_t k = 1; k < n; k++)
			assert_true(got[k].at.ms > got[k - 1].at.ms);
		assert_true(got[n - 1].at.ms < HOUR.ms + HOUR_MS);
	}
	assert_true(refused > 0);
	bytes[0] = 2;
	assert_int_equal(hour_unpack(HOUR, bytes, len, got, 60, &n), ERR_BAD_VALUE);
}

static void of_two_at_one_instant_the_first_stays(void **state)
{
	struct raw_reading a[] = { { { 10 }, { 1 }, 0, 0 }, { { 30 }, { 3 }, 0, 0 } };
	struct raw_reading b[] = { { { 5 }, { 0 }, 0, 0 }, { { 10 }, { 9 }, 0, 0 },
		{ { 20 }, { 2 }, 0, 0 }, { { 40 }, { 4 }, 0, 0 } };
	struct raw_reading out[6];

	(void)state;
	assert_int_equal(hour_merge(a, 2, b, 4, out), 5);
	for (int i = 0; i < 5; i++)
		assert_int_equal(out[i].reg.milli, i);
	assert_int_equal(hour_merge(a, 2, NULL, 0, out), 2);
	assert_int_equal(hour_merge(NULL, 0, b, 4, out), 4);
}

static void thinning_keeps_the_first_of_each_stretch_and_what_must_stay(void **state)
{
	struct raw_reading r[6];
	bool keep[6] = { false, false, true, false, false, true };

	(void)state;
	for (int i = 0; i < 6; i++)
		r[i] = (struct raw_reading){ { 1000 + i * 60000 }, { i }, 0, 0 };
	assert_int_equal(hour_thin(r, keep, 6, 180000), 4); /* 0, 2, 3, 5 */
	assert_int_equal(r[1].reg.milli, 2);
	assert_int_equal(r[2].reg.milli, 3);
	assert_int_equal(r[3].reg.milli, 5);
	keep[1] = keep[3] = false;
	assert_int_equal(hour_thin(r, keep, 4, 1), 4);
}

static void the_load_of_an_hour_leaves_doubtful_readings_out(void **state)
{
	struct raw_reading r[] = { { { 1 }, { 1 }, 100, 0 }, { { 2 }, { 1 }, -20, 1 },
		{ { 3 }, { 1 }, 999999, 4 }, { { 4 }, { 1 }, 41, 0 } };
	struct hour_power p = hour_power(r, 4, 0x3);

	(void)state;
	assert_int_equal(p.n, 3);
	assert_int_equal(p.least_w, -20);
	assert_int_equal(p.most_w, 100);
	assert_int_equal(hour_power(r + 2, 1, 0x3).n, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_usual_hour_takes_few_bytes),
		cmocka_unit_test(a_still_hour_takes_next_to_nothing),
		cmocka_unit_test(anything_comes_back_as_it_went),
		cmocka_unit_test(the_first_and_last_moment_belong_to_the_hour),
		cmocka_unit_test(bytes_of_version_1_stay_readable),
		cmocka_unit_test(foreign_bytes_are_refused),
		cmocka_unit_test(of_two_at_one_instant_the_first_stays),
		cmocka_unit_test(thinning_keeps_the_first_of_each_stretch_and_what_must_stay),
		cmocka_unit_test(the_load_of_an_hour_leaves_doubtful_readings_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
