/* Settings, and acts that need two persons. */
#include <stdio.h>

#include "domain/approval.h"
#include "domain/role.h"
#include "domain/setting.h"
#include "shop_fixture.h"

#define DAY_MS INT64_C(86400000)
static const struct utc T0 = { SHOP_T0 };

static int64_t staff(struct db *db, const char *name, const char *role)
{
	shop_set(db,
		"INSERT INTO user (username, kind, role_id) SELECT '%s', 'staff', id FROM role"
		" WHERE code = '%s'",
		name, role);
	return shop_number(db, "SELECT LAST_INSERT_ID() AS v", 0);
}

static enum err put(struct db *db, int64_t site, enum setting s, int64_t value, int64_t user,
	const char *key, int64_t *approval)
{
	struct setting_change c = { .site_id = site,
		.setting = s,
		.value = value,
		.reason = "test",
		.once_key = key,
		.user_id = user,
		.actor = "user:1",
		.address = "",
		.now = T0 };

	*approval = 0;
	return setting_put(db, &c, approval, NULL);
}

static enum err decide(struct db *db, int64_t id, int64_t user, bool approve, struct utc now)
{
	struct approval_decision d = { .id = id,
		.user_id = user,
		.actor = "user:2",
		.address = "",
		.approve = approve,
		.note = "",
		.now = now };
	struct approval out;

	return approval_decide(db, &d, &out, NULL);
}

static int64_t value(struct db *db, int64_t site, enum setting s)
{
	int64_t v = -1;

	assert_int_equal(setting_get(db, site, s, &v), ERR_OK);
	return v;
}

static void two_persons_turn_the_fee_cut_on_and_one_turns_it_off(void **state)
{
	struct db *db = *state;
	struct shop s = shop_make(db, 1);
	int64_t asker = staff(db, "asker", "admin"), other = staff(db, "other", "admin");
	int64_t clerk = staff(db, "clerk", "cashier"), id, none;

	assert_int_equal(value(db, s.site, SETTING_FEE_CUT), 0);
	assert_int_equal(put(db, s.site, SETTING_FEE_CUT, 1, asker, "k1", &id), ERR_OK);
	assert_true(id > 0);
	assert_int_equal(value(db, s.site, SETTING_FEE_CUT), 0);
	assert_int_equal(decide(db, id, asker, true, T0), ERR_FORBIDDEN);
	assert_int_equal(decide(db, id, clerk, true, T0), ERR_FORBIDDEN);
	assert_int_equal(decide(db, id, clerk, false, T0), ERR_FORBIDDEN);
	assert_int_equal(value(db, s.site, SETTING_FEE_CUT), 0);
	assert_int_equal(decide(db, id, other, true, T0), ERR_OK);
	assert_int_equal(value(db, s.site, SETTING_FEE_CUT), 1);
	assert_int_equal(decide(db, id, other, true, T0), ERR_OK); /* the answer was lost */
	assert_int_equal(decide(db, id, other, false, T0), ERR_CONFLICT);
	assert_int_equal(put(db, s.site, SETTING_FEE_CUT, 0, asker, "k2", &none), ERR_OK);
	assert_int_equal(none, 0);
	assert_int_equal(value(db, s.site, SETTING_FEE_CUT), 0);
	assert_int_equal(
		shop_number(db, "SELECT COUNT(*) AS v FROM audit WHERE action = 'setting.edit'", 0),
		2);
}

static void the_same_request_asks_once(void **state)
{
	struct db *db = *state;
	struct shop s = shop_make(db, 2);
	int64_t user = staff(db, "again", "admin"), first, second;

	assert_int_equal(put(db, s.site, SETTING_FEE_CUT, 1, user, "same", &first), ERR_OK);
	assert_int_equal(put(db, s.site, SETTING_FEE_CUT, 1, user, "same", &second), ERR_OK);
	assert_int_equal(first, second);
	assert_int_equal(put(db, s.site, SETTING_REFUND_LIMIT_FEN, 60000, user, "same", &second),
		ERR_IDEMPOTENCY);
}

static void what_was_rejected_or_is_old_is_not_done(void **state)
{
	struct db *db = *state;
	struct shop s = shop_make(db, 3);
	int64_t asker = staff(db, "asks", "admin"), other = staff(db, "decides", "admin"), id;
	struct utc late = { T0.ms + APPROVAL_LIFE_MS + 1 };

	assert_int_equal(put(db, s.site, SETTING_FEE_CUT, 1, asker, "r1", &id), ERR_OK);
	assert_int_equal(decide(db, id, asker, false, T0), ERR_OK); /* taken back */
	assert_int_equal(decide(db, id, other, true, T0), ERR_CONFLICT);
	assert_int_equal(put(db, s.site, SETTING_FEE_CUT, 1, asker, "r2", &id), ERR_OK);
	assert_int_equal(decide(db, id, other, true, late), ERR_CONFLICT);
	assert_int_equal(value(db, s.site, SETTING_FEE_CUT), 0);
}

static void values_outside_their_limits_are_refused(void **state)
{
	struct db *db = *state;
	struct shop s = shop_make(db, 4);
	int64_t id;

	for (unsigned k = 0; k < SETTING__MAX; k++) {
		enum setting found;

		assert_int_equal(setting_find(settings[k].name, &found), ERR_OK);
		assert_int_equal(found, k);
		assert_true(settings[k].shipped >= settings[k].min);
		assert_true(settings[k].shipped <= settings[k].max);
		assert_int_equal(put(db, s.site, (enum setting)k, settings[k].max + 1, 1, "x", &id),
			ERR_OUT_OF_RANGE);
		assert_int_equal(put(db, s.site, (enum setting)k, settings[k].min - 1, 1, "x", &id),
			ERR_OUT_OF_RANGE);
	}
	assert_int_equal(setting_find("nothing", &(enum setting){ 0 }), ERR_NOT_FOUND);
}

static int open_all(void **state)
{
	return fixture_open(state) == 0 && roles_install(*state) == ERR_OK ? 0 : -1;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(two_persons_turn_the_fee_cut_on_and_one_turns_it_off),
		cmocka_unit_test(the_same_request_asks_once),
		cmocka_unit_test(what_was_rejected_or_is_old_is_not_done),
		cmocka_unit_test(values_outside_their_limits_are_refused),
	};

	return cmocka_run_group_tests(tests, open_all, fixture_close);
}
