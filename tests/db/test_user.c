/* Logins by password and by code, lock-out, and what a caller may, as the API's own user. */
#include "db_fixture.h"

#include <string.h>

#include "domain/user.h"

#define NOW ((struct utc){ INT64_C(1795384417000) })
#define LATER(s) ((struct utc){ NOW.ms + (s)*1000 })

static struct db *api;

static void add_user(struct db *db, const char *name, const char *kind, const char *password)
{
	char hash[PASSWORD_HASH_MAX] = "";
	static const struct query q = { "INSERT INTO user (username, kind, name, phone, "
					"password_hash) VALUES (?, ?, ?, ?, ?)",
		NULL };

	if (password[0])
		assert_int_equal(password_hash(password, hash), ERR_OK);
	assert_int_equal(db_exec(db, &q,
				 ARGS(arg_text(name), arg_text(kind), arg_text("N"), arg_text(name),
					 arg_text(hash)),
				 NULL),
		ERR_OK);
}

static int open_all(void **state)
{
	if (fixture_open(state) != 0)
		return -1;
	api = fixture_as("yufu_api");
	add_user(*state, "boss", "staff", "right horse");
	add_user(*state, "13800000001", "tenant", "");
	add_user(*state, "13800000002", "tenant", "right horse");
	return 0;
}

static int close_all(void **state)
{
	db_free(&api);
	return fixture_close(state);
}

static enum err login(const char *name, const char *password, struct utc now)
{
	struct user u = { 0 };
	enum err e = user_login(api, name, password, now, &u);

	assert_int_equal(u.id != 0, e == ERR_OK);
	if (e == ERR_OK)
		assert_string_equal(u.username, name);
	return e;
}

static void test_password(void **state)
{
	char hash[PASSWORD_HASH_MAX], again[PASSWORD_HASH_MAX], huge[PASSWORD_MAX + 2];

	(void)state;
	assert_int_equal(login("boss", "right horse", NOW), ERR_OK);
	assert_int_equal(login("boss", "wrong horse", NOW), ERR_WRONG_PASSWORD);
	assert_int_equal(login("boss", "", NOW), ERR_WRONG_PASSWORD);
	assert_int_equal(login("nobody", "right horse", NOW), ERR_WRONG_PASSWORD);
	assert_int_equal(login("13800000001", "", NOW), ERR_WRONG_PASSWORD); /* has none */
	assert_int_equal(login("boss' OR '1'='1", "right horse", NOW), ERR_WRONG_PASSWORD);
	memset(huge, 'a', sizeof(huge));
	huge[sizeof(huge) - 1] = '\0';
	assert_int_equal(login("boss", huge, NOW), ERR_WRONG_PASSWORD);
	/* Salted, with the parameters that were chosen. */
	assert_int_equal(password_hash("x", hash), ERR_OK);
	assert_int_equal(password_hash("x", again), ERR_OK);
	assert_string_not_equal(hash, again);
	assert_non_null(strstr(hash, "$argon2id$v=19$m=19456,t=2,p=1$"));
}

static void test_lock_out(void **state)
{
	struct db *root = *state;

	for (int i = 0; i < 5; i++)
		assert_int_equal(login("13800000002", "wrong", NOW), ERR_WRONG_PASSWORD);
	/* Also the right password waits now. */
	assert_int_equal(login("13800000002", "right horse", LATER(29)), ERR_LOCKED);
	assert_int_equal(login("13800000002", "wrong", LATER(30)), ERR_WRONG_PASSWORD);
	assert_int_equal(login("13800000002", "right horse", LATER(30 + 59)), ERR_LOCKED);
	assert_int_equal(login("13800000002", "right horse", LATER(30 + 60)), ERR_OK);
	assert_int_equal(FIXTURE_VALUE(root, "SELECT SUM(failures) AS v FROM user WHERE username ="
					     " '13800000002'"),
		0);
	fixture_sql(root, "UPDATE user SET failures = 60 WHERE username = '13800000002'");
	assert_int_equal(login("13800000002", "wrong", NOW), ERR_WRONG_PASSWORD);
	assert_int_equal(login("13800000002", "right horse", LATER(3599)), ERR_LOCKED);
	assert_int_equal(login("13800000002", "right horse", LATER(3600)), ERR_OK);
}

static void test_disabled(void **state)
{
	struct db *root = *state;

	fixture_sql(root, "UPDATE user SET disabled = 1 WHERE username = 'boss'");
	assert_int_equal(login("boss", "right horse", NOW), ERR_WRONG_PASSWORD);
	fixture_sql(root, "UPDATE user SET disabled = 0, failures = 0 WHERE username = 'boss'");
}

struct text_row {
	char v[128];
};
SHAPE(text_shape, struct text_row, FIELD(struct text_row, v));

static void sent_code(struct db *db, char code[static 8])
{
	static const struct query q = { "SELECT params AS v FROM outbox WHERE template = "
					"'login_code' ORDER BY id DESC LIMIT 1",
		&text_shape };
	struct text_row row;

	assert_int_equal(db_one(db, &q, NO_ARGS, &row), ERR_OK);
	assert_int_equal(strlen(row.v), strlen("{\"code\":\"123456\"}"));
	snprintf(code, 8, "%.6s", row.v + strlen("{\"code\":\""));
}

static enum err by_code(const char *phone, const char *code, struct utc now)
{
	struct user u;

	return user_login_code(api, phone, code, now, &u);
}

static void test_codes(void **state)
{
	struct db *root = *state;
	const char *phone = "13800000001";
	char code[8], wrong[8];

	assert_int_equal(by_code(phone, "123456", NOW), ERR_WRONG_CODE); /* none was sent */
	assert_int_equal(user_send_code(api, phone, "192.0.2.1", NOW), ERR_OK);
	assert_int_equal(user_send_code(api, phone, "192.0.2.1", LATER(59)), ERR_TOO_MANY);
	sent_code(root, code);
	assert_int_equal(FIXTURE_VALUE(root, "SELECT COUNT(*) AS v FROM sms_code WHERE code_sha256"
					     " RLIKE '^[0-9a-f]{64}$'"),
		1);
	snprintf(wrong, sizeof(wrong), "%s", code);
	wrong[0] = wrong[0] == '9' ? '0' : (char)(wrong[0] + 1);
	assert_int_equal(by_code(phone, wrong, NOW), ERR_WRONG_CODE);
	assert_int_equal(
		by_code("13800000002", code, NOW), ERR_WRONG_CODE);	    /* bound to its phone */
	assert_int_equal(by_code(phone, code, LATER(300)), ERR_WRONG_CODE); /* too late */
	assert_int_equal(by_code(phone, code, LATER(299)), ERR_OK);
	assert_int_equal(by_code(phone, code, LATER(299)), ERR_WRONG_CODE); /* counts once */

	assert_int_equal(user_send_code(api, phone, "192.0.2.1", LATER(60)), ERR_OK);
	sent_code(root, code);
	snprintf(wrong, sizeof(wrong), "%s", code);
	wrong[5] = wrong[5] == '9' ? '0' : (char)(wrong[5] + 1);
	for (int i = 0; i < 5; i++)
		assert_int_equal(by_code(phone, wrong, LATER(61)), ERR_WRONG_CODE);
	assert_int_equal(by_code(phone, code, LATER(61)), ERR_WRONG_CODE); /* five tries */
}

/* Of one phone 1 in a minute, 5 in an hour, 10 in a day; of one address more, for it may be a mall.
 */
static void test_code_limits(void **state)
{
	struct db *root = *state;
	char phone[16];
	int sent = 0;

	fixture_sql(root, "DELETE FROM sms_code_asked");
	for (int minute = 0; minute < 70; minute++)
		sent += user_send_code(api, "13922220000", "192.0.2.7",
				LATER(minute * INT64_C(61))) == ERR_OK;
	assert_int_equal(sent, 10); /* five, and five more an hour later */
	for (int hour = 2; hour < 23; hour++)
		assert_int_equal(user_send_code(api, "13922220000", "192.0.2.7",
					 LATER(hour * INT64_C(3600))),
			ERR_TOO_MANY);
	assert_int_equal(
		user_send_code(api, "13922220000", "192.0.2.7", LATER(25 * INT64_C(3600))), ERR_OK);
	sent = 0;
	for (int n = 0; n < 30; n++) {
		snprintf(phone, sizeof(phone), "139333300%02d", n);
		sent += user_send_code(api, phone, "192.0.2.8", NOW) == ERR_OK;
	}
	assert_int_equal(sent, 10);
	assert_int_equal(user_send_code(api, phone, "192.0.2.9", NOW), ERR_OK);
	assert_int_equal(user_codes_purge(api, LATER(50 * INT64_C(3600))), ERR_OK);
	assert_int_equal(FIXTURE_VALUE(root, "SELECT (SELECT COUNT(*) FROM sms_code_asked) +"
					     " (SELECT COUNT(*) FROM sms_code) AS v"),
		0);
}

/* Nobody learns which phones are known, and strangers get no message. */
static void test_unknown_phone(void **state)
{
	int64_t before = FIXTURE_VALUE(*state, "SELECT COUNT(*) AS v FROM outbox");

	assert_int_equal(user_send_code(api, "13911112222", "192.0.2.1", NOW), ERR_OK);
	assert_int_equal(user_send_code(api, "13911112222", "192.0.2.1", LATER(1)), ERR_TOO_MANY);
	assert_int_equal(FIXTURE_VALUE(*state, "SELECT COUNT(*) AS v FROM outbox"), before);
}

static void test_check(void **state)
{
	struct db *root = *state;
	struct user u;
	int64_t id = FIXTURE_VALUE(root, "SELECT id AS v FROM user WHERE username = 'boss'");

	fixture_sql(root, "INSERT INTO role (id, code, name) VALUES (50, 'r', 'r')");
	fixture_sql(root, "INSERT INTO role_permission VALUES (50, 'meter.read')");
	fixture_sql(root, "UPDATE user SET role_id = 50 WHERE username = 'boss'");
	fixture_sql(root,
		"INSERT INTO session (user_id, family, refresh_sha256, created_at, expires_at)"
		" SELECT id, 'fam', 'x', 1, 2 FROM user WHERE username = 'boss'");
	assert_int_equal(user_check(api, id, "fam", "meter.read", &u), ERR_OK);
	assert_true(u.may);
	assert_int_equal(user_check(api, id, "fam", "meter.control", &u), ERR_OK);
	assert_false(u.may);
	assert_int_equal(user_check(api, id, "other", "meter.read", &u), ERR_UNAUTHORIZED);
	assert_int_equal(user_check(api, id + 1, "fam", "meter.read", &u), ERR_UNAUTHORIZED);
	/* A changed role counts at once, and so does an ended session. */
	fixture_sql(root, "DELETE FROM role_permission WHERE role_id = 50");
	assert_int_equal(user_check(api, id, "fam", "meter.read", &u), ERR_OK);
	assert_false(u.may);
	fixture_sql(root, "UPDATE session SET revoked_at = 5 WHERE family = 'fam'");
	assert_int_equal(user_check(api, id, "fam", "", &u), ERR_UNAUTHORIZED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_password),
		cmocka_unit_test(test_lock_out),
		cmocka_unit_test(test_disabled),
		cmocka_unit_test(test_codes),
		cmocka_unit_test(test_unknown_phone),
		cmocka_unit_test(test_code_limits),
		cmocka_unit_test(test_check),
	};

	return cmocka_run_group_tests(tests, open_all, close_all);
}
