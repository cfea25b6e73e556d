/* How often somebody may call. */
#include "cmock.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "fcgi/limits.h"

static struct limits *limits_in(const char *text, const char *shared)
{
	char path[] = "/tmp/yufu-limits-XXXXXX";
	int fd = mkstemp(path);
	AUTO(conf_free) struct conf *conf = NULL;
	struct limits *l = NULL;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
	assert_int_equal(conf_open(path, &conf, NULL), ERR_OK);
	unlink(path);
	assert_int_equal(limits_open(conf, shared, &l, NULL), ERR_OK);
	return l;
}

static struct limits *limits_of(const char *text)
{
	return limits_in(text, "");
}

static int taken(struct limits *l, enum limit_kind kind, const char *who, int64_t at, int n)
{
	int let_in = 0;

	for (int i = 0; i < n; i++)
		let_in += limits_take(l, kind, who, at) == 0;
	return let_in;
}

static void test_a_minutes_worth(void **state)
{
	struct limits *l = limits_of("[limits]\nread_per_minute = 60\nwrite_per_minute = 6\n");

	(void)state;
	assert_int_equal(taken(l, LIMIT_READ, "user:1", 1000, 100), 60);
	assert_int_equal(limits_take(l, LIMIT_READ, "user:1", 1000), 1);
	assert_int_equal(taken(l, LIMIT_READ, "user:1", 11000, 100), 10);
	assert_int_equal(taken(l, LIMIT_READ, "user:1", 10000000, 100), 60);
	/* Kinds and callers are counted apart. */
	assert_int_equal(taken(l, LIMIT_WRITE, "user:1", 10000000, 100), 6);
	assert_int_equal(limits_take(l, LIMIT_WRITE, "user:1", 10000000), 10);
	assert_int_equal(taken(l, LIMIT_WRITE, "user:2", 10000000, 100), 6);
	assert_int_equal(taken(l, LIMIT_LOGIN, "10.0.0.1", 10000000, 1000), 300); /* as shipped */
	limits_free(&l);
}

static void test_none(void **state)
{
	struct limits *l = limits_of("[limits]\nlogin_per_minute = 0\n");

	(void)state;
	assert_int_equal(taken(l, LIMIT_LOGIN, "10.0.0.1", 1000, 10000), 10000);
	limits_free(&l);
}

/* Whoever was throttled stays so while very many others come by once. */
static void test_a_crowd(void **state)
{
	struct limits *l = limits_of("[limits]\nread_per_minute = 60\n");
	char who[24];

	(void)state;
	assert_int_equal(taken(l, LIMIT_READ, "user:1", 1000, 100), 60);
	for (int i = 0; i < 100000; i++) {
		snprintf(who, sizeof(who), "user:%d", i + 2);
		assert_int_equal(limits_take(l, LIMIT_READ, who, 1000 + i / 10), 0);
	}
	assert_in_range(taken(l, LIMIT_READ, "user:1", 11000, 100), 0, 10);
	limits_free(&l);
}

/* Two processes of one machine: what one lets in counts for the other, and outlives it. */
static void test_shared(void **state)
{
	static const char conf[] = "[limits]\nread_per_minute = 60\n";
	char path[] = "/tmp/yufu-limits-XXXXXX";
	int fd = mkstemp(path);
	struct limits *a = limits_in(conf, path), *b = limits_in(conf, path);

	(void)state;
	close(fd);
	assert_int_equal(taken(a, LIMIT_READ, "user:1", 100000, 40), 40);
	assert_int_equal(taken(b, LIMIT_READ, "user:1", 100000, 40), 20);
	assert_int_equal(taken(b, LIMIT_READ, "user:2", 100000, 40), 40);
	limits_free(&a);
	a = limits_in(conf, path);
	assert_int_equal(taken(a, LIMIT_READ, "user:1", 101000, 40), 1);
	/* The machine began anew, and so did its clock. */
	assert_int_equal(taken(a, LIMIT_READ, "user:1", 1000, 100), 60);
	limits_free(&a);
	limits_free(&b);
	unlink(path);
}

/* Another version of the program may have more of it mapped: what is longer is not cut. */
static void test_longer_stays(void **state)
{
	char path[] = "/tmp/yufu-limits-XXXXXX";
	const off_t size = 1 << 20;
	int fd = mkstemp(path);
	struct limits *l;

	(void)state;
	assert_int_equal(ftruncate(fd, size), 0);
	l = limits_in("[limits]\nread_per_minute = 60\n", path);
	assert_int_equal(lseek(fd, 0, SEEK_END), size);
	assert_int_equal(taken(l, LIMIT_READ, "user:1", 100000, 100), 60);
	limits_free(&l);
	close(fd);
	unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_minutes_worth),
		cmocka_unit_test(test_none),
		cmocka_unit_test(test_a_crowd),
		cmocka_unit_test(test_shared),
		cmocka_unit_test(test_longer_stays),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
