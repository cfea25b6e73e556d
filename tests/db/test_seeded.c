/* The seeded run: test_seeded [SEEDS [METERS [DAYS [SEED]]]]. Each seed is a mall of its own, which
 * lives through so many days; after each simulated hour everything must tie. */
#include "seeded.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"

#define EVERYTHING_DAYS 120 /* simulated days after which each kind of event must have come */

struct utc seeded_now;

/* Every clock of the programs under test (the linker puts it in the place of utc_now). */
struct utc __wrap_utc_now(void);
struct utc __wrap_utc_now(void)
{
	return seeded_now;
}

static struct {
	size_t meters;
	int64_t days;
} size = { 60, 40 };
static int64_t events[EVENT__MAX];

static void live(void **state)
{
	const uint64_t *seed = *state;
	struct world *w;
	int64_t began = mono_ms();

	printf("SEED=%llu meters=%zu days=%lld\n", (unsigned long long)*seed, size.meters,
		(long long)size.days);
	fflush(stdout);
	w = world_open(*seed, size.meters, false);
	for (int64_t hour = 0; hour < size.days * 24; hour++) {
		play_hour(w, w->start + hour * HOUR);
		check_hour(w);
	}
	check_end(w);
	for (enum event e = 0; e < EVENT__MAX; e++) {
		printf("%s%s %lld", e ? ", " : "", event_word(e), (long long)w->events[e]);
		events[e] += w->events[e];
	}
	printf("\nSEED=%llu %s: %lld readings, %lld recharges, %lld acts, %lld ms\n",
		(unsigned long long)*seed, w->zone_name, (long long)w->readings,
		(long long)w->recharges, (long long)w->acts, (long long)(mono_ms() - began));
	world_free(&w);
}

/* A run that plays nothing proves nothing. */
static void everything_happened(void **state)
{
	(void)state;
	for (enum event e = 0; e < EVENT__MAX; e++)
		if (events[e] == 0)
			fail_msg("%s never happened", event_word(e));
}

int main(int argc, char **argv)
{
	size_t seeds = argc > 1 ? strtoul(argv[1], NULL, 10) : 1, n;
	struct CMUnitTest tests[64];
	uint64_t seed[ARRAY_LEN(tests)];

	if (seeds < 1 || seeds >= ARRAY_LEN(tests))
		return 2;
	if (argc > 2)
		size.meters = strtoul(argv[2], NULL, 10);
	if (argc > 3)
		size.days = strtol(argv[3], NULL, 10);
	log_open("test", LOG_LEVEL_ERROR);
	db_library_open();
	for (size_t i = 0; i < seeds; i++) {
		rand_bytes(&seed[i], sizeof(seed[i]));
		if (argc > 4)
			seed[i] = strtoull(argv[4], NULL, 10) + i;
		tests[i] = (struct CMUnitTest){ "live", live, NULL, NULL, &seed[i] };
	}
	n = seeds;
	if (seeds * (size_t)size.days >= EVERYTHING_DAYS)
		tests[n++] = (struct CMUnitTest){ "everything_happened", everything_happened, NULL,
			NULL, NULL };
	return _cmocka_run_group_tests("seeded", tests, n, NULL, NULL);
}
