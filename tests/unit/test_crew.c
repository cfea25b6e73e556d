/* Threads for work that waits: as many as there is work, also when it comes while they are at it.
 */
#include "cmock.h"

#include <pthread.h>

#include "base/clock.h"
#include "worker/crew.h"

#define MANY 4
#define PATIENCE_MS 60000

static struct {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	int due, inside, peak;
} work = { PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0, 0, 0 };

static const struct db_settings nowhere;
static atomic_bool stopping;

static enum err work_due(struct db *db, const char *service, struct utc now, int64_t *n)
{
	(void)db, (void)service, (void)now;
	pthread_mutex_lock(&work.lock);
	*n = work.due;
	pthread_mutex_unlock(&work.lock);
	return ERR_OK;
}

static void wait_for_others(void)
{
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += PATIENCE_MS / 1000;
	while (work.peak < MANY && pthread_cond_timedwait(&work.changed, &work.lock, &until) == 0)
		;
}

/* One piece, of which one is there at first; then more comes than one can do. Whoever is the second
 * to come waits for a fourth beside it. */
static enum err growing_step(struct tools *t, const char *service)
{
	static bool first = true;
	enum err e = ERR_OK;

	(void)t, (void)service;
	pthread_mutex_lock(&work.lock);
	if (work.due == 0) {
		e = ERR_NOT_FOUND;
	} else if (first) {
		first = false;
		work.due = 10;
	} else {
		work.due--;
		if (++work.inside > work.peak)
			work.peak = work.inside;
		pthread_cond_broadcast(&work.changed);
		wait_for_others();
		work.inside--;
	}
	pthread_mutex_unlock(&work.lock);
	return e;
}

static void test_a_crew_that_began_small_grows(void **state)
{
	struct tools t = { .settings = &nowhere, .stopping = &stopping };
	const struct crew_work w = { "wechat", MANY, work_due, growing_step };

	(void)state;
	work.due = 1;
	assert_int_equal(crew_run(&t, &w), ERR_OK);
	assert_int_equal(work.peak, MANY);
	assert_int_equal(work.due, 0);
	assert_int_equal(work.inside, 0);
}

static enum err failing_step(struct tools *t, const char *service)
{
	(void)t, (void)service;
	return ERR_UNAVAILABLE;
}

static void test_what_fails_one_ends_the_crew(void **state)
{
	struct tools t = { .settings = &nowhere, .stopping = &stopping };
	const struct crew_work w = { "wechat", MANY, work_due, failing_step };

	(void)state;
	work.due = 10;
	assert_int_equal(crew_run(&t, &w), ERR_UNAVAILABLE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_crew_that_began_small_grows),
		cmocka_unit_test(test_what_fails_one_ends_the_crew),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
