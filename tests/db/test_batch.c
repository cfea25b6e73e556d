/* Orders to many meters: what a preview says, who may start it, and what comes of each meter; the
 * API's and the worker's own users do it, time is the test's. */
#include <stdio.h>
#include <string.h>

#include "domain/batch.h"
#include "domain/role.h"
#include "shop_fixture.h"

static const struct utc T0 = { SHOP_T0 };

#define SHOPS 4

struct world {
	struct db *root, *api, *worker;
	int64_t asker, other;
	int shops, keys;
	struct shop at[SHOPS]; /* of one site */
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
	w.worker = fixture_as("yufu_worker");
	assert_int_equal(roles_install(w.root), ERR_OK);
	w.asker = staff(w.root, "asker", "operator");
	w.other = staff(w.root, "other", "operator");
	*state = &w;
	return 0;
}

static int close_world(void **state)
{
	struct world *w = *state;

	db_free(&w->api);
	db_free(&w->worker);
	return fixture_close((void **)&w->root);
}

/* Four shops of one site whose relays were read back as on. */
static void new_shops(struct world *w)
{
	for (int i = 0; i < SHOPS; i++) {
		struct shop *s = &w->at[i];

		*s = shop_make(w->root, ++w->shops);
		shop_set(w->root,
			"UPDATE supply_point SET site_id = %lld, observed = 'on', observed_since = "
			"1"
			" WHERE id = %lld",
			(long long)w->at[0].site, (long long)s->point);
		shop_set(w->root,
			"INSERT INTO meter_state (meter_id, read_at, comm) VALUES (%lld, 1, 'ok')",
			(long long)s->meter);
	}
}

static enum err make_of(struct world *w, const struct batch_pick *pick, const char *action,
	int64_t *id, struct problem *why)
{
	char once[32];
	struct batch_new n = { .pick = *pick,
		.action = action,
		.until = { str_eq(action, "keep") ? T0.ms + 3600000 : 0 },
		.reason = "why",
		.user_id = w->asker,
		.name = "Li",
		.address = "10.0.0.1",
		.once_key = once,
		.now = T0 };

	snprintf(once, sizeof(once), "batch:%d", ++w->keys);
	return batch_make(w->api, &n, id, why);
}

static int64_t make(struct world *w, const char *action)
{
	int64_t ids[SHOPS], id = 0;

	for (int i = 0; i < SHOPS; i++)
		ids[i] = w->at[i].meter;
	assert_int_equal(
		make_of(w,
			&(struct batch_pick){ .ids = ids, .n = SHOPS, .utility = "", .role = "" },
			action, &id, NULL),
		ERR_OK);
	return id;
}

static enum err start_by(struct world *w, int64_t id, int64_t user, struct utc now)
{
	return batch_start(w->api,
		&(struct batch_confirm){ .id = id,
			.user_id = user,
			.actor = "user:1",
			.address = "10.0.0.1",
			.now = now },
		NULL);
}

static void work(struct world *w, int64_t after_ms)
{
	assert_int_equal(batch_work(w->worker, (struct utc){ T0.ms + after_ms }), ERR_OK);
}

static struct batch_meter meter(struct world *w, int64_t id, int i)
{
	AUTO(rows_free) struct rows rows = { 0 };
	const struct batch_meter *m;

	assert_int_equal(batch_meters(w->api, id, &rows), ERR_OK);
	m = rows.at;
	for (size_t k = 0; k < rows.n; k++)
		if (m[k].meter_id == w->at[i].meter)
			return m[k];
	fail_msg("meter %d is not in the batch", i);
	return *m;
}

static void expect(struct world *w, int64_t id, int i, const char *state, const char *why)
{
	struct batch_meter m = meter(w, id, i);

	if (!str_eq(m.state, state) || !str_eq(m.why, why))
		fail_msg("meter %d: %s %s, not %s %s", i, m.state, m.why, state, why);
}

static void expect_state(struct world *w, int64_t id, const char *state)
{
	struct batch_view b;

	assert_int_equal(batch_get(w->api, 0, id, T0, &b), ERR_OK);
	assert_string_equal(b.state, state);
}

struct seen {
	int64_t point;
	const char *observed;
};

static enum err observe_tx(struct db *db, void *ctx)
{
	const struct seen *s = ctx;

	return supply_observe(db, s->point, s->observed, T0);
}

static void observe(struct world *w, int i, const char *observed)
{
	struct seen s = { w->at[i].point, observed };

	assert_int_equal(db_tx(w->root, observe_tx, &s), ERR_OK);
}

static void block(struct world *w, int i, const char *kind)
{
	shop_set(w->root,
		"INSERT INTO block (supply_point_id, kind, cause, since_at) VALUES (%lld, '%s', "
		"'account:1', 1)",
		(long long)w->at[i].point, kind);
}

static void point_set(struct world *w, int i, const char *what)
{
	shop_set(w->root, "UPDATE supply_point SET %s WHERE id = %lld", what,
		(long long)w->at[i].point);
}

/* ---- */

static void a_preview_says_what_stands_in_the_way(void **state)
{
	struct world *w = *state;
	static const char *const ways[] = { "keep", "protected", "no_relay", "silent" };
	int64_t id;

	new_shops(w);
	point_set(w, 0, "keep_until = 9000000000000");
	point_set(w, 1, "load_class = 'protected'");
	point_set(w, 2, "switchable = 0");
	shop_set(w->root, "UPDATE meter_state SET comm = 'silent' WHERE meter_id = %lld",
		(long long)w->at[3].meter);
	id = make(w, "off");
	for (int i = 0; i < SHOPS; i++) {
		struct batch_meter m = meter(w, id, i);

		assert_string_equal(m.in_the_way, ways[i]);
		assert_string_equal(m.would, i == 1 || i == 2 ? "" : "off");
		assert_string_equal(m.state, "todo");
	}
	/* Nobody has confirmed it. */
	work(w, 1000);
	expect(w, id, 0, "todo", "");
	block(w, 3, "arrears");
	id = make(w, "on");
	assert_string_equal(meter(w, id, 3).in_the_way, "silent,arrears");
	assert_string_equal(meter(w, id, 3).would, "off");
	assert_string_equal(meter(w, id, 1).would, "on");
}

static void each_meter_comes_to_its_end(void **state)
{
	struct world *w = *state;
	int64_t id, audits;

	new_shops(w);
	point_set(w, 2, "load_class = 'protected'");
	point_set(w, 3, "switchable = 0");
	id = make(w, "off");
	assert_int_equal(start_by(w, id, w->asker, T0), ERR_OK);
	assert_int_equal(start_by(w, id, w->asker, T0), ERR_OK); /* the answer was lost */
	expect_state(w, id, "running");
	work(w, 1000);
	work(w, 1100); /* another worker, or the same after a crash */
	expect(w, id, 0, "waiting", "");
	expect(w, id, 2, "refused", "protected");
	expect(w, id, 3, "refused", "no_relay");
	observe(w, 0, "off");
	work(w, 2000);
	expect(w, id, 0, "done", "");
	expect(w, id, 1, "waiting", "");
	expect_state(w, id, "running");
	observe(w, 1, "off");
	work(w, 3000);
	expect_state(w, id, "done");
	audits = shop_number(w->root,
		"SELECT COUNT(*) AS v FROM audit WHERE action = 'meter.control' AND object ="
		" CONCAT('meter:', %lld)",
		w->at[0].meter);
	assert_int_equal(audits, 1);
}

static void an_order_may_be_outvoted_overtaken_or_in_vain(void **state)
{
	struct world *w = *state;
	int64_t id;

	new_shops(w);
	for (int i = 0; i < SHOPS; i++) {
		point_set(w, i, "desired = 'off', desired_reason = 'manual', observed = 'off'");
		block(w, i, "manual");
	}
	shop_set(w->root, "UPDATE block SET cause = '' WHERE kind = 'manual'");
	block(w, 0, "arrears");
	id = make(w, "on");
	assert_int_equal(start_by(w, id, w->asker, T0), ERR_OK);
	work(w, 1000);
	expect(w, id, 0, "refused", "arrears");
	point_set(w, 1, "desired = 'off', desired_reason = 'safety'");
	point_set(w, 2, "tries = 5");
	work(w, 2000);
	expect(w, id, 1, "refused", "changed");
	expect(w, id, 2, "failed", "not_confirmed");
	expect(w, id, 3, "waiting", "");
	work(w, 1000 + BATCH_WAIT_MS + 1);
	expect(w, id, 3, "failed", "no_answer");
	expect_state(w, id, "done");
}

static void readings_are_waited_for(void **state)
{
	struct world *w = *state;
	int64_t id;

	new_shops(w);
	id = make(w, "read");
	assert_int_equal(start_by(w, id, w->asker, T0), ERR_OK);
	work(w, 1000);
	assert_int_equal(
		shop_number(w->root,
			"SELECT read_wanted_at AS v FROM meter_state WHERE meter_id = %lld",
			w->at[0].meter),
		T0.ms + 1000);
	shop_set(w->root, "UPDATE meter_state SET read_at = %lld WHERE meter_id = %lld",
		(long long)T0.ms + 1500, (long long)w->at[0].meter);
	work(w, 2000);
	expect(w, id, 0, "done", "");
	expect(w, id, 1, "waiting", "");
	work(w, 1000 + BATCH_READ_MS + 1);
	expect(w, id, 1, "failed", "no_answer");
}

static void many_need_a_second_person(void **state)
{
	struct world *w = *state;
	struct approval_decision d = { .user_id = w->other,
		.actor = "user:2",
		.address = "",
		.approve = true,
		.note = "",
		.now = T0 };
	struct approval out;
	struct batch_view b;
	int64_t id;

	new_shops(w);
	shop_set(w->root,
		"INSERT INTO setting (site_id, name, value) VALUES (%lld, 'batch_limit', 3)",
		(long long)w->at[0].site);
	id = make(w, "off");
	assert_int_equal(start_by(w, id, w->other, T0), ERR_FORBIDDEN);
	assert_int_equal(start_by(w, id, w->asker, (struct utc){ T0.ms + BATCH_PREVIEW_MS + 1 }),
		ERR_CONFLICT);
	assert_int_equal(start_by(w, id, w->asker, T0), ERR_OK);
	assert_int_equal(batch_get(w->api, w->at[0].site, id, T0, &b), ERR_OK);
	assert_string_equal(b.state, "approval");
	assert_int_equal(batch_get(w->api, w->at[0].site + 999, id, T0, &b), ERR_NOT_FOUND);
	work(w, 1000);
	expect(w, id, 0, "todo", "");
	assert_int_equal(batch_get(w->api, 0, id, T0, &b), ERR_OK);
	d.id = b.approval_id;
	d.user_id = w->asker;
	assert_int_equal(approval_decide(w->api, &d, &out, NULL), ERR_FORBIDDEN);
	d.user_id = w->other;
	assert_int_equal(approval_decide(w->api, &d, &out, NULL), ERR_OK);
	work(w, 2000);
	expect(w, id, 0, "waiting", "");
	id = make(w, "read"); /* harms nobody */
	assert_int_equal(start_by(w, id, w->asker, T0), ERR_OK);
	expect_state(w, id, "running");
}

static void meters_are_picked(void **state)
{
	struct world *w = *state;
	struct problem why = { 0 };
	struct batch_view b;
	int64_t ids[3], id, area;

	new_shops(w);
	shop_set(w->root, "INSERT INTO area (code, name, site_id) VALUES ('F%d', 'F', %lld)",
		w->shops, (long long)w->at[0].site);
	area = shop_number(w->root, "SELECT LAST_INSERT_ID() AS v", 0);
	shop_set(w->root,
		"INSERT INTO area (code, name, site_id, parent_id) VALUES ('R%d', 'R', %lld, %lld)",
		w->shops, (long long)w->at[0].site, (long long)area);
	shop_set(w->root, "UPDATE meter SET area_id = %lld WHERE id = %lld",
		(long long)shop_number(w->root, "SELECT LAST_INSERT_ID() AS v", 0),
		(long long)w->at[1].meter);
	assert_int_equal(
		make_of(w, &(struct batch_pick){ .area_id = area, .utility = "", .role = "" }, "on",
			&id, &why),
		ERR_OK);
	assert_int_equal(batch_get(w->api, 0, id, T0, &b), ERR_OK);
	assert_int_equal(b.meters, 1);
	meter(w, id, 1);
	assert_int_equal(
		make_of(w, &(struct batch_pick){ .area_id = area, .utility = "water", .role = "" },
			"on", &id, &why),
		ERR_NOT_FOUND);
	ids[0] = w->at[0].meter;
	ids[1] = 999999;
	ids[2] = w->at[0].meter;
	assert_int_equal(
		make_of(w, &(struct batch_pick){ .ids = ids, .n = 2, .utility = "", .role = "" },
			"on", &id, &why),
		ERR_NOT_FOUND);
	assert_string_equal(why.field, "meters[1]");
	ids[1] = w->at[1].meter;
	assert_int_equal(
		make_of(w, &(struct batch_pick){ .ids = ids, .n = 3, .utility = "", .role = "" },
			"on", &id, &why),
		ERR_BAD_VALUE);
	shop_set(w->root, "UPDATE supply_point SET site_id = %lld WHERE id = %lld",
		(long long)w->at[1].site, (long long)w->at[1].point);
	assert_int_equal(
		make_of(w, &(struct batch_pick){ .ids = ids, .n = 2, .utility = "", .role = "" },
			"on", &id, &why),
		ERR_CONFLICT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_preview_says_what_stands_in_the_way),
		cmocka_unit_test(each_meter_comes_to_its_end),
		cmocka_unit_test(an_order_may_be_outvoted_overtaken_or_in_vain),
		cmocka_unit_test(readings_are_waited_for),
		cmocka_unit_test(many_need_a_second_person),
		cmocka_unit_test(meters_are_picked),
	};

	return cmocka_run_group_tests(tests, open_world, close_world);
}
