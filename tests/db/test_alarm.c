/* Alarms: one for a cause, with its history; who is told, and told again. */
#include "alarm_loss.h"
#include "shop_fixture.h"

#include <stdio.h>
#include <string.h>

#include "domain/alarm.h"
#include "domain/alarm_kind.h"
#include "domain/duty.h"
#include "domain/jobstate.h"

static const struct utc NOW = { SHOP_T0 };

static struct utc after_min(int64_t minutes)
{
	return (struct utc){ NOW.ms + minutes * 60000 };
}

static int64_t open_of(struct db *db, const char *kind)
{
	char sql[200];

	snprintf(sql, sizeof(sql),
		"SELECT COUNT(*) AS v FROM alarm WHERE kind = '%s' AND cleared_at = 0", kind);
	return shop_number(db, sql, 0);
}

static enum err raise_fell(struct db *db, const struct shop *s, struct utc now)
{
	return alarm_raise(db,
		&(struct alarm_new){ "register_fell", "urgent", "meter", s->meter, "M", "fell" },
		now);
}

static int64_t newest(struct db *db)
{
	return shop_number(db, "SELECT MAX(id) AS v FROM alarm", 0);
}

static void history_is(struct db *db, int64_t id, const char *want)
{
	AUTO(rows_free) struct rows rows = { 0 };
	AUTO(buf_free) struct buf have = { 0 };
	const struct alarm_event *v;

	assert_int_equal(alarm_history(db, id, &rows), ERR_OK);
	v = rows.at;
	for (size_t i = 0; i < rows.n; i++)
		buf_printf(&have, "%s%s", i ? " " : "", v[i].what);
	assert_string_equal(have.text, want);
}

static void the_list_is_in_order_of_nothing_twice(void **state)
{
	(void)state;
	for (size_t i = 0; i < alarm_kind_count; i++) {
		const struct alarm_kind *k = &alarm_kinds[i];

		assert_ptr_equal(alarm_kind_find(k->kind), k);
		assert_true(strlen(k->kind) <= 32 && strlen(k->object_kind) <= 16);
		assert_true(k->zh[0] && k->en[0]);
	}
}

static void one_alarm_for_a_cause_with_its_history(void **state)
{
	struct db *db = *state, *api = fixture_as("yufu_api"), *poller = fixture_as("yufu_poller");
	struct shop s = shop_make(db, 1);
	struct alarm_word w = { .site_id = s.site,
		.text = "on my way",
		.actor = "user:3",
		.address = "",
		.now = after_min(5) };
	struct problem why = { 0 };
	struct alarm_row x;

	for (int64_t m = 0; m < 4; m++) /* twice a minute, which counts once */
		for (int i = 0; i < 2; i++)
			assert_int_equal(raise_fell(poller, &s, after_min(m)), ERR_OK);
	assert_int_equal(open_of(db, "register_fell"), 1);
	w.id = newest(db);
	assert_int_equal(alarm_ack(api, &w, &why), ERR_OK);
	assert_int_equal(alarm_ack(api, &w, &why), ERR_OK); /* the first one counts */
	w.text = "display is broken";
	assert_int_equal(alarm_comment(api, &w, &why), ERR_OK);
	assert_int_equal(alarm_clear_hand(api, &w, &why), ERR_CONFLICT);
	w.site_id = s.site + 1;
	assert_int_equal(alarm_comment(api, &w, &why), ERR_NOT_FOUND);
	assert_int_equal(
		alarm_clear(poller, "register_fell", "meter", s.meter, after_min(9)), ERR_OK);
	assert_int_equal(alarm_get(db, s.site, w.id, &x), ERR_OK);
	assert_int_equal(x.repeats, 3);
	assert_string_equal(x.acked_by, "user:3");
	assert_int_equal(x.cleared_at.ms, after_min(9).ms);
	history_is(db, w.id, "raised acked commented cleared");
	assert_int_equal(raise_fell(poller, &s, after_min(10)), ERR_OK);
	assert_int_equal(open_of(db, "register_fell"), 1); /* it came again: another alarm */
	assert_true(newest(db) > w.id);
	db_free(&api);
	db_free(&poller);
}

static void an_event_is_cleared_by_hand(void **state)
{
	struct db *db = *state, *api = fixture_as("yufu_api");
	struct alarm_word w = {
		.text = "key renewed", .actor = "user:3", .address = "", .now = after_min(5)
	};
	struct problem why = { 0 };

	assert_int_equal(alarm_raise(api,
				 &(struct alarm_new){
					 "notify_refused", "warn", "service", 0, "alipay", "x" },
				 NOW),
		ERR_OK);
	w.id = newest(db);
	assert_int_equal(alarm_clear_hand(api, &w, &why), ERR_OK);
	assert_int_equal(open_of(db, "notify_refused"), 0);
	assert_int_equal(alarm_clear_hand(api, &w, &why), ERR_CONFLICT);
	db_free(&api);
}

/* voltages in volts of three phases, read now */
static void read_as(struct db *db, const struct shop *s, int a, int b, int c, struct utc now)
{
	shop_set(db,
		"REPLACE INTO meter_state (meter_id, read_at, comm, phases, voltage1_mv, "
		"voltage2_mv,"
		" voltage3_mv) VALUES (%lld, %lld, 'ok', 3, %d000, %d000, %d000)",
		(long long)s->meter, (long long)now.ms, a, b, c);
}

static void look(struct db *worker, struct utc now)
{
	assert_int_equal(alarm_watch(worker, now), ERR_OK);
}

static void voltages_out_of_their_limits(void **state)
{
	struct db *db = *state, *worker = fixture_as("yufu_worker");
	struct shop s = shop_make(db, 2);

	read_as(db, &s, 220, 230, 241, NOW);
	look(worker, NOW);
	assert_int_equal(open_of(db, "voltage_low") + open_of(db, "voltage_high") +
				 open_of(db, "phase_lost"),
		0);
	read_as(db, &s, 220, 197, 243, NOW);
	look(worker, NOW);
	look(worker, NOW);
	assert_int_equal(open_of(db, "voltage_low"), 1);
	assert_int_equal(open_of(db, "voltage_high"), 1);
	read_as(db, &s, 220, 199, 241, NOW); /* inside, and not by the margin */
	look(worker, NOW);
	assert_int_equal(open_of(db, "voltage_low"), 1);
	assert_int_equal(open_of(db, "voltage_high"), 1);
	read_as(db, &s, 220, 201, 239, NOW);
	look(worker, NOW);
	assert_int_equal(open_of(db, "voltage_low"), 0);
	assert_int_equal(open_of(db, "voltage_high"), 0);
	read_as(db, &s, 220, 0, 221, NOW); /* one alarm for the cause */
	look(worker, NOW);
	assert_int_equal(open_of(db, "phase_lost"), 1);
	assert_int_equal(open_of(db, "voltage_low"), 0);
	look(worker, after_min(60)); /* an old reading neither raises nor clears */
	assert_int_equal(open_of(db, "phase_lost"), 1);
	read_as(db, &s, 220, 219, 221, after_min(60));
	look(worker, after_min(60));
	assert_int_equal(open_of(db, "phase_lost"), 0);
	/* The site's own limit. */
	shop_set(db,
		"INSERT INTO setting (site_id, name, value) VALUES (%lld, 'voltage_low_mv', "
		"225000)",
		(long long)s.site);
	look(worker, after_min(60));
	assert_int_equal(open_of(db, "voltage_low"), 1);
	db_free(&worker);
}

static void held_on_although_in_arrears(void **state)
{
	struct db *db = *state, *worker = fixture_as("yufu_worker");
	struct shop s = shop_make(db, 3);

	shop_set(db,
		"INSERT INTO block (supply_point_id, kind, cause, since_at) VALUES (%lld, "
		"'arrears', 'x',"
		" %lld)",
		(long long)s.point, (long long)NOW.ms);
	shop_set(db, "UPDATE supply_point SET desired_reason = 'keep' WHERE id = %lld",
		(long long)s.point);
	look(worker, after_min(59));
	assert_int_equal(open_of(db, "held_unpaid"), 0);
	look(worker, after_min(61));
	assert_int_equal(open_of(db, "held_unpaid"), 1);
	shop_set(db, "DELETE FROM block WHERE supply_point_id = %lld", (long long)s.point);
	look(worker, after_min(62));
	assert_int_equal(open_of(db, "held_unpaid"), 0);
	db_free(&worker);
}

static void long_rounds_and_messages_that_wait(void **state)
{
	struct db *db = *state, *worker = fixture_as("yufu_worker");
	struct shop s = shop_make(db, 4);

	shop_set(db,
		"INSERT INTO gateway_state (gateway_id, comm, round_ms, updated_at) VALUES (%lld, "
		"'ok',"
		" 61000, %lld)",
		(long long)s.gateway, (long long)NOW.ms);
	shop_set(db,
		"INSERT INTO outbox (once_key, channel, recipient, template, params, state, "
		"next_at,"
		" expires_at, created_at) VALUES ('stuck', 'sms', 'x', 'low1', '{}', 'pending', "
		"%lld, 0,"
		" 0)",
		(long long)NOW.ms);
	look(worker, after_min(1));
	assert_int_equal(open_of(db, "round_long"), 1);
	assert_int_equal(open_of(db, "outbox_stuck"), 0);
	shop_set(db, "UPDATE gateway_state SET round_ms = 20000 WHERE gateway_id = %lld",
		(long long)s.gateway);
	look(worker, after_min(2));
	assert_int_equal(open_of(db, "round_long"), 0);
	look(worker, after_min(16));
	look(worker, after_min(16));
	assert_int_equal(open_of(db, "outbox_stuck"), 1);
	shop_set(db, "UPDATE outbox SET state = 'sent' WHERE once_key = 'stuck'");
	look(worker, after_min(17));
	assert_int_equal(open_of(db, "outbox_stuck"), 0);
	db_free(&worker);
}

static void a_job_that_fails(void **state)
{
	struct db *db = *state, *worker = fixture_as("yufu_worker");
	struct job_run run = { .name = "seal", .worker = "host:1", .result = "db", .at = NOW };

	assert_int_equal(job_state_note(worker, &run), ERR_OK);
	assert_int_equal(open_of(db, "job_failed"), 0);
	run.at = after_min(2);
	assert_int_equal(job_state_note(worker, &run), ERR_OK);
	assert_int_equal(open_of(db, "job_failed"), 1);
	run.at = after_min(3);
	run.result = "ok";
	assert_int_equal(job_state_note(worker, &run), ERR_OK);
	assert_int_equal(open_of(db, "job_failed"), 0);
	db_free(&worker);
}

/* Backups are made by others: their failure is told at once, and so is their absence. */
static void a_job_of_others(void **state)
{
	struct db *db = *state, *worker = fixture_as("yufu_worker");

	assert_int_equal(job_outside_note(worker, "nothing", true, NOW), ERR_NOT_FOUND);
	assert_int_equal(job_outside_note(worker, "backup", false, NOW), ERR_OK);
	assert_int_equal(open_of(db, "job_failed"), 1);
	assert_int_equal(job_outside_note(worker, "backup", true, after_min(10)), ERR_OK);
	assert_int_equal(open_of(db, "job_failed"), 0);
	look(worker, after_min(30 * 60 + 10));
	assert_int_equal(open_of(db, "job_late"), 0);
	look(worker, after_min(30 * 60 + 14));
	look(worker, after_min(30 * 60 + 15));
	assert_int_equal(open_of(db, "job_late"), 1);
	assert_int_equal(job_outside_note(worker, "backup", true, after_min(30 * 60 + 20)), ERR_OK);
	look(worker, after_min(30 * 60 + 20));
	assert_int_equal(open_of(db, "job_late"), 0);
	db_free(&worker);
}

/* ---- who is told ---- */

static int64_t told(struct db *db, const char *phone)
{
	char sql[200];

	snprintf(sql, sizeof(sql),
		"SELECT COUNT(*) AS v FROM outbox WHERE template = 'alarm' AND recipient = '%s'",
		phone);
	return shop_number(db, sql, 0);
}

static int64_t area_make(struct db *db, const struct shop *s, const char *code, int64_t parent)
{
	shop_set(db,
		"INSERT INTO area (code, name, site_id, parent_id) VALUES ('%s', '', %lld,"
		" NULLIF(%lld, 0))",
		code, (long long)s->site, (long long)parent);
	return shop_number(db, "SELECT LAST_INSERT_ID() AS v", 0);
}

static void alarms_go_to_the_area_and_then_to_the_next_step(void **state)
{
	struct db *db = *state, *api = fixture_as("yufu_api"), *worker = fixture_as("yufu_worker");
	struct shop s = shop_make(db, 5);
	struct duty list[] = {
		{ .phone = "13700000001",
			.weekdays = "1234567",
			.language = "zh",
			.area = "E5",
			.step = 1 },
		{ .phone = "13700000002",
			.weekdays = "1234567",
			.language = "zh",
			.area = "W5",
			.step = 1 },
		{ .phone = "13700000003",
			.weekdays = "1234567",
			.language = "zh",
			.step = 2,
			.name = "Wang" },
	};
	struct duty_change c = { .site_id = s.site,
		.list = list,
		.n = 3,
		.actor = "user:1",
		.address = "",
		.now = NOW };
	struct alarm_word w = {
		.text = "", .actor = "user:3", .address = "", .now = after_min(40)
	};
	struct problem why = { 0 };
	int64_t floor;

	assert_int_equal(duty_put(api, &c, &why), ERR_BAD_VALUE);
	assert_string_equal(why.field, "items[0].area");
	floor = area_make(db, &s, "F5", area_make(db, &s, "E5", 0));
	area_make(db, &s, "W5", 0);
	assert_int_equal(duty_put(api, &c, &why), ERR_OK);
	shop_set(db, "UPDATE meter SET area_id = %lld WHERE id = %lld", (long long)floor,
		(long long)s.meter);
	fixture_sql(db, "UPDATE alarm SET acked_at = 1"); /* of the tests before */
	assert_int_equal(raise_fell(worker, &s, NOW), ERR_OK);
	for (int64_t m = 0; m < 30; m += 7)
		assert_int_equal(duty_tell(worker, after_min(m)), ERR_OK);
	assert_int_equal(told(db, "13700000001"), 1);
	assert_int_equal(told(db, "13700000002"), 0); /* another wing */
	assert_int_equal(told(db, "13700000003"), 0); /* not yet */
	assert_int_equal(duty_tell(worker, after_min(31)), ERR_OK);
	assert_int_equal(duty_tell(worker, after_min(32)), ERR_OK);
	assert_int_equal(told(db, "13700000001"), 2);
	assert_int_equal(told(db, "13700000003"), 1);
	w.id = newest(db);
	assert_int_equal(alarm_ack(api, &w, &why), ERR_OK);
	assert_int_equal(duty_tell(worker, after_min(70)), ERR_OK);
	assert_int_equal(told(db, "13700000001"), 2);
	history_is(db, w.id, "raised told told told acked");
	db_free(&api);
	db_free(&worker);
}

static void nobody_is_told_for_ever(void **state)
{
	struct db *db = *state, *worker = fixture_as("yufu_worker");
	struct shop s = shop_make(db, 6);

	shop_set(db, "INSERT INTO duty (site_id, phone) VALUES (%lld, '13700000009')",
		(long long)s.site);
	assert_int_equal(raise_fell(worker, &s, NOW), ERR_OK);
	for (int64_t m = 0; m < 600; m += 31)
		assert_int_equal(duty_tell(worker, after_min(m)), ERR_OK);
	assert_int_equal(told(db, "13700000009"), 4); /* once, and thrice again */
	db_free(&worker);
}

/* Of the alarms in this area. */
static size_t listed(int64_t area, const char *filter, struct arg value)
{
	struct list_ask ask = list_ask_of(&alarm_listing, "id", true, 100);
	struct db *api = fixture_as("yufu_api");
	AUTO(rows_free) struct rows rows = { 0 };
	struct list_place next;

	list_ask_filter(&ask, &alarm_listing, "area_id", arg_i64(area));
	list_ask_filter(&ask, &alarm_listing, filter, value);
	assert_int_equal(
		db_page(api, &alarm_listing, &ask, ARGS(arg_i64(0)), &rows, &next), ERR_OK);
	db_free(&api);
	return rows.n;
}

static void an_area_has_the_alarms_of_those_below_it(void **state)
{
	struct db *db = *state;
	struct shop s = shop_make(db, 7);
	int64_t building = area_make(db, &s, "B7", 0);
	int64_t floor = area_make(db, &s, "F7", building);
	int64_t other = area_make(db, &s, "O7", building);

	shop_set(db, "UPDATE meter SET area_id = %lld WHERE id = %lld", (long long)floor,
		(long long)s.meter);
	assert_int_equal(raise_fell(db, &s, NOW), ERR_OK);
	assert_int_equal(listed(building, "site_id", arg_i64(s.site)), 1);
	assert_int_equal(listed(floor, "site_id", arg_i64(s.site)), 1);
	assert_int_equal(listed(other, "site_id", arg_i64(s.site)), 0);
	assert_int_equal(listed(floor, "site_id", arg_i64(s.site + 100)), 0);
	assert_int_equal(listed(floor, "state", arg_text("unacked")), 1);
	assert_int_equal(listed(floor, "state", arg_text("acked")), 0);
	assert_int_equal(listed(floor, "state", arg_text("cleared")), 0);
	assert_int_equal(listed(floor, "object", arg_text("meter")), 1);
	assert_int_equal(listed(floor, "object", arg_text("met")), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_list_is_in_order_of_nothing_twice),
		cmocka_unit_test(one_alarm_for_a_cause_with_its_history),
		cmocka_unit_test(an_event_is_cleared_by_hand),
		cmocka_unit_test(voltages_out_of_their_limits),
		cmocka_unit_test(held_on_although_in_arrears),
		cmocka_unit_test(long_rounds_and_messages_that_wait),
		cmocka_unit_test(a_job_that_fails),
		cmocka_unit_test(a_job_of_others),
		cmocka_unit_test(alarms_go_to_the_area_and_then_to_the_next_step),
		cmocka_unit_test(nobody_is_told_for_ever),
		cmocka_unit_test(an_area_has_the_alarms_of_those_below_it),
		cmocka_unit_test(losses_that_grow_are_one_alarm_until_they_are_back),
		cmocka_unit_test(a_shaft_that_is_not_read_is_left_as_it_is),
	};

	return cmocka_run_group_tests(tests, fixture_open, fixture_close);
}
