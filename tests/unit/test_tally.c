/* Counters that several processes of a machine share. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "fcgi/tally.h"

static void what_one_process_counts_another_tells(void **state)
{
	char folder[] = "/tmp/yufu-tally-XXXXXX", path[64], made[80];
	struct tally *t, *other;
	pid_t child;
	int status = 1;

	(void)state;
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/figures", folder);
	snprintf(made, sizeof(made), "%s.00000001", path);
	t = tally_open(path, 1);
	tally_add(t, 3, 200, 7);
	child = fork();
	if (child == 0) {
		struct tally *mine = tally_open(path, 1);

		tally_add(mine, 3, 200, 10);
		tally_add(mine, 3, 503, 10001);
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	assert_int_equal(atomic_load(&t->answers[3][200]), 2);
	assert_int_equal(atomic_load(&t->answers[3][503]), 1);
	assert_int_equal(atomic_load(&t->took[3][1]), 2); /* above 5 ms, up to 10 */
	assert_int_equal(atomic_load(&t->took[3][TALLY_BUCKETS]), 1);
	assert_int_equal(atomic_load(&t->took_ms[3]), 10018);
	other = tally_open(path, 2); /* another list of routes counts for itself */
	assert_int_equal(atomic_load(&other->answers[3][200]), 0);
	tally_free(&other);
	tally_free(&t);
	t = tally_open(path, 1); /* it outlives its processes */
	assert_int_equal(atomic_load(&t->answers[3][200]), 2);
	tally_free(&t);
	unlink(made);
	snprintf(made, sizeof(made), "%s.00000002", path);
	unlink(made);
	rmdir(folder);
}

static void without_a_file_it_counts_alone(void **state)
{
	struct tally *t = tally_open("/nowhere/figures", 1);

	(void)state;
	tally_add(t, 0, 200, 1);
	assert_int_equal(atomic_load(&t->answers[0][200]), 1);
	tally_free(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_one_process_counts_another_tells),
		cmocka_unit_test(without_a_file_it_counts_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
