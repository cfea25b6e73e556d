/* What staff order of a supply: as the API's own user, down to what is desired, who is named and
 * what the audit says. */
#include <stdio.h>
#include <string.h>

#include "domain/brake.h"
#include "domain/command.h"
#include "domain/holiday.h"
#include "domain/role.h"
#include "shop_fixture.h"

static const struct utc T0 = { SHOP_T0 };

struct world {
	struct db *root, *api;
	int64_t asker, other;
	int shops, keys;
};

static int64_t staff(struct db *db, const char *name, const char *role)
{
	shop_set(db,
		"INSERT INTO user (username, kind, role_id) SELECT '%s', 'staff', id FROM role"
		" WHERE code = '%s'",
		name, role);
	return shop_number(db, "SELECT LAST_INSERT_ID() AS v", 0);
}

static int open_world(void **state)
{
	static struct world w;

	if (fixture_open((void **)&w.root) != 0)
		return -1;
	w.api = fixture_as("yufu_api");
	assert_int_equal(roles_install(w.root), ERR_OK);
	w.asker = staff(w.root, "asker", "operator");
	w.other = staff(w.root, "other", "engineer");
	*state = &w;
	return 0;
}

static int close_world(void **state)
{
	struct world *w = *state;

	db_free(&w->api);
	return fixture_close((void **)&w->root);
}

static struct shop new_shop(struct world *w)
{
	return shop_make(w->root, ++w->shops);
}

static enum err order_at(struct world *w, const struct shop *s, enum command_kind kind,
	struct utc now, int64_t *approval)
{
	char once[32];
	struct command c = { .kind = kind,
		.supply_point_id = s->point,
		.until = { kind == COMMAND_KEEP ? now.ms + 3600000 : 0 },
		.reason = "why",
		.user_id = w->asker,
		.name = "Li",
		.actor = "user:1",
		.address = "10.0.0.1",
		.once_key = once,
		.now = now };

	snprintf(once, sizeof(once), "key:%d", w->keys);
	*approval = 0;
	return command_do(w->api, &c, approval, NULL);
}

static enum err order(
	struct world *w, const struct shop *s, enum command_kind kind, int64_t *approval)
{
	w->keys++;
	return order_at(w, s, kind, T0, approval);
}

static void do_now(struct world *w, const struct shop *s, enum command_kind kind)
{
	int64_t approval;

	assert_int_equal(order(w, s, kind, &approval), ERR_OK);
	assert_int_equal(approval, 0);
}

static enum err decide(struct world *w, int64_t id, int64_t user)
{
	struct approval_decision d = { .id = id,
		.user_id = user,
		.actor = "user:2",
		.address = "",
		.approve = true,
		.note = "",
		.now = T0 };
	struct approval out;

	return approval_decide(w->api, &d, &out, NULL);
}

static void expect(struct world *w, const struct shop *s, const char *desired, const char *reason,
	const char *actor)
{
	struct supply_point p;

	assert_int_equal(supply_get(w->root, s->point, &p), ERR_OK);
	assert_string_equal(p.desired, desired);
	assert_string_equal(p.desired_reason, reason);
	assert_string_equal(p.desired_actor, actor);
}

static int64_t audits(struct world *w, const struct shop *s)
{
	return shop_number(w->root,
		"SELECT COUNT(*) AS v FROM audit WHERE action = 'meter.control' AND object = "
		"'meter:%lld'",
		s->meter);
}

static void each_command_is_done_and_undone(void **state)
{
	struct world *w = *state;
	struct shop s = new_shop(w);

	do_now(w, &s, COMMAND_OFF);
	expect(w, &s, "off", "manual", "Li");
	do_now(w, &s, COMMAND_OFF); /* again: nothing changes */
	expect(w, &s, "off", "manual", "Li");
	do_now(w, &s, COMMAND_SAFETY_SET);
	expect(w, &s, "off", "safety", "Li");
	do_now(w, &s, COMMAND_ON); /* lifts manual only */
	expect(w, &s, "off", "safety", "Li");
	do_now(w, &s, COMMAND_VACANT_SET);
	do_now(w, &s, COMMAND_KEEP);
	do_now(w, &s, COMMAND_SAFETY_CLEAR);
	expect(w, &s, "off", "vacant", "Li");
	do_now(w, &s, COMMAND_VACANT_CLEAR);
	expect(w, &s, "on", "keep", "Li");
	do_now(w, &s, COMMAND_AUTO);
	expect(w, &s, "on", "none", "Li");
	assert_int_equal(audits(w, &s), 9);
	assert_int_equal(
		shop_number(w->root, "SELECT COUNT(*) AS v FROM block WHERE supply_point_id = %lld",
			s.point),
		0);
}

static void two_persons_for_a_protected_load(void **state)
{
	struct world *w = *state;
	struct shop s = new_shop(w);
	int64_t id, again;

	/* To protect it. */
	assert_int_equal(order(w, &s, COMMAND_PROTECT, &id), ERR_OK);
	assert_true(id > 0);
	assert_int_equal(order_at(w, &s, COMMAND_PROTECT, T0, &again), ERR_OK); /* lost answer */
	assert_int_equal(again, id);
	expect(w, &s, "on", "none", "");
	assert_int_equal(decide(w, id, w->asker), ERR_FORBIDDEN);
	assert_int_equal(decide(w, id, w->other), ERR_OK);
	expect(w, &s, "on", "protected", "system");
	assert_int_equal(order(w, &s, COMMAND_PROTECT, &id), ERR_CONFLICT);

	/* To switch it off, by either block; not for safety. */
	assert_int_equal(order(w, &s, COMMAND_VACANT_SET, &id), ERR_OK);
	assert_true(id > 0);
	expect(w, &s, "on", "protected", "system");
	assert_int_equal(order(w, &s, COMMAND_OFF, &id), ERR_OK);
	assert_int_equal(decide(w, id, w->asker), ERR_FORBIDDEN);
	expect(w, &s, "on", "protected", "system");
	assert_int_equal(decide(w, id, w->other), ERR_OK);
	expect(w, &s, "off", "manual", "user:2");
	do_now(w, &s, COMMAND_ON); /* one is enough to give it back */
	expect(w, &s, "on", "protected", "Li");
	do_now(w, &s, COMMAND_SAFETY_SET);
	expect(w, &s, "off", "safety", "Li");
	do_now(w, &s, COMMAND_SAFETY_CLEAR);

	/* To end it; a second wish finds that it is ended already. */
	assert_int_equal(order(w, &s, COMMAND_UNPROTECT, &id), ERR_OK);
	assert_int_equal(order(w, &s, COMMAND_UNPROTECT, &again), ERR_OK);
	assert_true(id > 0 && again > id);
	assert_int_equal(decide(w, id, w->other), ERR_OK);
	assert_int_equal(decide(w, again, w->other), ERR_CONFLICT);
	expect(w, &s, "on", "none", "system");
	do_now(w, &s, COMMAND_OFF);
	expect(w, &s, "off", "manual", "Li");
}

static void nothing_to_switch(void **state)
{
	struct world *w = *state;
	struct shop s = new_shop(w);
	int64_t id;

	shop_set(w->root, "UPDATE supply_point SET switchable = 0 WHERE id = %lld",
		(long long)s.point);
	assert_int_equal(order(w, &s, COMMAND_OFF, &id), ERR_CONFLICT);
	assert_int_equal(order(w, &s, COMMAND_SAFETY_SET, &id), ERR_CONFLICT);
	assert_int_equal(shop_number(w->root,
				 "SELECT COUNT(*) AS v FROM audit WHERE outcome = 'conflict' AND "
				 "object = 'meter:%lld'",
				 s.meter),
		2);
	expect(w, &s, "on", "none", "");
}

static void the_brake_by_hand(void **state)
{
	struct world *w = *state;
	struct shop s = new_shop(w);
	struct brake_change c = { .site_id = s.site,
		.actor = "user:1",
		.address = "",
		.reason = "works on the mains",
		.now = T0 };
	struct brake b;

	assert_int_equal(brake_get(w->api, s.site, &b), ERR_OK);
	assert_false(b.pulled);
	assert_int_equal(brake_order(w->api, &c, false), ERR_OK); /* nothing to release */
	assert_int_equal(brake_order(w->api, &c, true), ERR_OK);
	assert_int_equal(brake_order(w->api, &c, true), ERR_OK);
	assert_int_equal(brake_get(w->api, s.site, &b), ERR_OK);
	assert_true(b.pulled);
	assert_string_equal(b.pulled_by, "user:1");
	assert_int_equal(shop_number(w->root,
				 "SELECT COUNT(*) AS v FROM alarm WHERE kind = 'mass_trip' AND "
				 "open_key IS NOT NULL AND object_id = %lld",
				 s.site),
		1);
	c.now.ms++;
	assert_int_equal(brake_order(w->api, &c, false), ERR_OK);
	assert_int_equal(brake_get(w->api, s.site, &b), ERR_OK);
	assert_false(b.pulled);
	assert_int_equal(b.released_at.ms, c.now.ms);
	assert_int_equal(shop_number(w->root,
				 "SELECT COUNT(*) AS v FROM brake WHERE site_id = %lld", s.site),
		1);
	assert_int_equal(shop_number(w->root,
				 "SELECT COUNT(*) AS v FROM alarm WHERE kind = 'mass_trip' AND "
				 "open_key IS NOT NULL AND object_id = %lld",
				 s.site),
		0);
	assert_int_equal(
		shop_number(w->root,
			"SELECT COUNT(*) AS v FROM audit WHERE action = 'brake.control' AND object "
			"= 'site:%lld'",
			s.site),
		4);
}

static void days_and_the_time_of_the_cut(void **state)
{
	struct world *w = *state;
	struct shop s = new_shop(w);
	AUTO(rows_free) struct rows rows = { 0 };
	struct holiday_change c = { .site_id = s.site,
		.day = day_of(2026, 11, 23),
		.kind = SITE_DAY_WORKDAY,
		.name = "",
		.actor = "user:1",
		.address = "",
		.now = T0 };
	struct utc noon, midnight, at;

	assert_int_equal(utc_parse("2026-11-23T12:00:00+08:00", &noon), ERR_OK);
	assert_int_equal(utc_parse("2026-11-24T00:00:00+08:00", &midnight), ERR_OK);
	assert_int_equal(holiday_put(w->api, &c), ERR_OK);
	assert_int_equal(supply_trip_time(w->api, s.site, s.point, noon, &at), ERR_OK);
	assert_int_equal(at.ms, noon.ms); /* a shop has no quiet hours as shipped */
	c.kind = SITE_DAY_HOLIDAY;
	c.name = "店庆";
	assert_int_equal(holiday_put(w->api, &c), ERR_OK);
	assert_int_equal(holiday_list(w->api, s.site, c.day, c.day, &rows), ERR_OK);
	assert_int_equal(rows.n, 1);
	assert_string_equal(((struct holiday *)rows.at)->kind, "holiday");
	assert_string_equal(((struct holiday *)rows.at)->day, "2026-11-23");
	/* Spread over the half hour after the holiday. */
	assert_int_equal(supply_trip_time(w->api, s.site, s.point, noon, &at), ERR_OK);
	assert_in_range(at.ms, midnight.ms, midnight.ms + 30 * 60000 - 1);
	assert_int_equal(holiday_delete(w->api, &c), ERR_OK);
	assert_int_equal(holiday_delete(w->api, &c), ERR_OK);
	assert_int_equal(
		shop_number(w->root,
			"SELECT COUNT(*) AS v FROM audit WHERE action = 'holiday.edit' AND object "
			"= 'site:%lld'",
			s.site),
		3);
	/* A dwelling ships with 22:00 to 07:00. */
	shop_set(
		w->root, "UPDATE site SET profile = 'dwelling' WHERE id = %lld", (long long)s.site);
	assert_int_equal(supply_trip_time(w->api, s.site, s.point, noon, &at), ERR_OK);
	assert_int_equal(at.ms, noon.ms);
	assert_int_equal(supply_trip_time(w->api, s.site, s.point, midnight, &at), ERR_OK);
	assert_in_range(
		at.ms, midnight.ms + 7 * 3600000, midnight.ms + 7 * 3600000 + 30 * 60000 - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_command_is_done_and_undone),
		cmocka_unit_test(two_persons_for_a_protected_load),
		cmocka_unit_test(nothing_to_switch),
		cmocka_unit_test(the_brake_by_hand),
		cmocka_unit_test(days_and_the_time_of_the_cut),
	};

	return cmocka_run_group_tests(tests, open_world, close_world);
}
