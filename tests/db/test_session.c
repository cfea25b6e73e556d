/* Refresh tokens: one use each, a family that ends when one is used twice, a lost answer that may
 * be asked for again. As the API's own user. */
#include "db_fixture.h"

#include <string.h>

#include "domain/session.h"

#define NOW ((struct utc){ INT64_C(1795384417000) })
#define AFTER(ms_) ((struct utc){ NOW.ms + (ms_) })

static struct db *api;
static const struct session_from FROM = { "test", "10.0.0.1" };

static int open_all(void **state)
{
	if (fixture_open(state) != 0)
		return -1;
	api = fixture_as("yufu_api");
	fixture_sql(*state, "INSERT INTO user (id, username, kind) VALUES (7, 'u', 'tenant')");
	return 0;
}

static int close_all(void **state)
{
	db_free(&api);
	return fixture_close(state);
}

static struct session_new start(void)
{
	struct session_new s;

	assert_int_equal(session_start(api, 7, &FROM, NOW, &s), ERR_OK);
	return s;
}

static struct session_new refresh(const struct session_new *s, struct utc now)
{
	struct session_new next;

	assert_int_equal(session_refresh(api, s->token, &FROM, now, &next), ERR_OK);
	assert_string_equal(next.family, s->family);
	assert_string_not_equal(next.token, s->token);
	assert_int_equal(next.user_id, 7);
	return next;
}

static void refused(const char *token, struct utc now)
{
	struct session_new none = { 0 };

	assert_int_equal(session_refresh(api, token, &FROM, now, &none), ERR_UNAUTHORIZED);
	assert_int_equal(none.user_id, 0);
}

static void test_rotation(void **state)
{
	struct session_new a = start(), b = refresh(&a, AFTER(60000)),
			   c = refresh(&b, AFTER(120000));

	(void)state;
	assert_int_equal(strlen(a.token), 64);
	refresh(&c, AFTER(180000));
}

static void test_reuse_ends_the_family(void **state)
{
	struct session_new a = start(), b = refresh(&a, NOW), other = start();

	(void)state;
	refused(a.token, AFTER(10001));
	refused(b.token, AFTER(10002)); /* the honest one too: two people hold this family */
	refresh(&other, AFTER(10003));	/* another login of the same user is untouched */
}

static void test_lost_answer(void **state)
{
	struct session_new a = start(), b;

	(void)state;
	refresh(&a, NOW); /* whose answer never arrived */
	b = refresh(&a, AFTER(10000));
	refresh(&b, AFTER(20000));
}

static void test_repeat_after_use_is_theft(void **state)
{
	struct session_new a = start(), b = refresh(&a, NOW), c = refresh(&b, AFTER(1000));

	(void)state;
	refused(a.token, AFTER(2000));
	refused(c.token, AFTER(3000));
}

static void test_expiry(void **state)
{
	struct session_new a = start();

	(void)state;
	refused(a.token, AFTER(SESSION_LIFE_MS));
	refresh(&a, AFTER(SESSION_LIFE_MS - 1));
}

static void test_end(void **state)
{
	struct session_new a = start(), b = refresh(&a, NOW);

	(void)state;
	/* An old token of the family ends it as well. */
	assert_int_equal(session_end(api, a.token, NOW), ERR_OK);
	refused(b.token, NOW);
	assert_int_equal(session_end(api, "unknown", NOW), ERR_OK);
	refused("unknown", NOW);
	refused("", NOW);
}

static void test_no_token_is_stored(void **state)
{
	static const struct query q = {
		"SELECT COUNT(*) AS v FROM session WHERE refresh_sha256 = ?", &fixture_shape
	};
	struct session_new a = start();
	int64_t n = -1;

	assert_int_equal(db_one(*state, &q, ARGS(arg_text(a.token)), &n), ERR_OK);
	assert_int_equal(n, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rotation),
		cmocka_unit_test(test_reuse_ends_the_family),
		cmocka_unit_test(test_lost_answer),
		cmocka_unit_test(test_repeat_after_use_is_theft),
		cmocka_unit_test(test_expiry),
		cmocka_unit_test(test_end),
		cmocka_unit_test(test_no_token_is_stored),
	};

	return cmocka_run_group_tests(tests, open_all, close_all);
}
