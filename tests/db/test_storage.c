/* Raw readings on their way from rows to packed hours and out: whoever reads sees the same before,
 * meanwhile and after, and nobody waits. */
#include "shop_fixture.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/verify.h"
#include "domain/readings.h"
#include "domain/storage.h"

#define HOUR INT64_C(3600000)
#define DAY (24 * HOUR)
#define NOW (INT64_C(1795305600000) + 40 * DAY + 10 * HOUR + 1800000) /* half past ten, UTC */
#define THIS_HOUR (NOW - 1800000)
#define METERS 3
#define ALL 100000

static const struct storage_rules RULES = { .raw_days = 90 };

static void add(struct db *db, int64_t meter, int64_t at, int64_t reg, enum verdict v)
{
	struct reading_row row = { .meter_id = meter,
		.read_at = { at },
		.register_milli = { reg },
		.power_w = (reg * 7 + at / 1000) % 3001 - 300 };

	snprintf(row.verdict, sizeof(row.verdict), "%s", verdict_word(v));
	assert_int_equal(readings_store(db, &row, 1), ERR_OK);
}

/* Some hours up to the running one, a reading every 37 seconds, all verdicts. */
static void fill(struct db *db, int hours)
{
	int i = 0;

	for (int64_t at = THIS_HOUR - hours * HOUR + 400; at < NOW; at += 37000, i++)
		for (int64_t m = 1; m <= METERS; m++)
			add(db, m, at + m, 1000000 * m + i / 3 * 10,
				i % 11 ? VERDICT_ACCEPTED : (enum verdict)(i / 11 % VERDICT__MAX));
}

static int fresh(void **state)
{
	fixture_sql(*state, "DELETE FROM reading");
	fixture_sql(*state, "DELETE FROM reading_packing");
	fixture_sql(*state, "DELETE FROM usage_hour");
	fixture_sql(*state, "TRUNCATE TABLE reading_hour");
	fixture_sql(*state, "UPDATE reading_span SET from_at = 0, to_at = 0");
	return 0;
}

/* What readers see of all meters, newest first. */
struct sight {
	struct kept_reading *at;
	size_t n;
};

static struct sight look(struct db *db)
{
	struct sight s = { 0 };

	for (int64_t m = 1; m <= METERS; m++) {
		AUTO(rows_free) struct rows rows = { 0 };

		assert_int_equal(readings_newest(db, m, (struct utc){ 0 },
					 (struct utc){ INT64_MAX }, VERDICTS_ALL, ALL, &rows),
			ERR_OK);
		s.at = realloc(s.at, (s.n + rows.n + 1) * sizeof(*s.at));
		assert_non_null(s.at);
		if (rows.n > 0)
			memcpy(s.at + s.n, rows.at, rows.n * sizeof(*s.at));
		s.n += rows.n;
	}
	return s;
}

static void assert_sight(struct db *db, const struct sight *want)
{
	struct sight have = look(db);

	assert_int_equal(have.n, want->n);
	for (size_t i = 0; i < want->n; i++) {
		assert_int_equal(have.at[i].read_at.ms, want->at[i].read_at.ms);
		assert_int_equal(have.at[i].register_milli.milli, want->at[i].register_milli.milli);
		assert_int_equal(have.at[i].power_w, want->at[i].power_w);
		assert_int_equal(have.at[i].verdict, want->at[i].verdict);
	}
	free(have.at);
}

/* As the worker's job does: what could not be locked is done by the next run. */
static void upkeep_by(struct db *worker, int64_t now)
{
	int64_t give_up = mono_ms() + 20000;
	enum err e;

	do {
		assert_true(mono_ms() < give_up);
		e = storage_upkeep(worker, &RULES, (struct utc){ now });
	} while (e == ERR_RETRY);
	assert_int_equal(e, ERR_OK);
}

static void upkeep(int64_t now)
{
	struct db *worker = fixture_as("yufu_worker");

	upkeep_by(worker, now);
	db_free(&worker);
}

static void packed_hours_read_like_rows(void **state)
{
	struct db *poller = fixture_as("yufu_poller");
	struct sight before;

	fill(poller, 30);
	before = look(poller);
	upkeep(NOW);
	assert_sight(poller, &before);
	assert_int_equal(FIXTURE_VALUE(*state, "SELECT COUNT(*) AS v FROM reading_packing"), 0);
	assert_true(FIXTURE_VALUE(*state, "SELECT COUNT(*) AS v FROM reading_hour") >= 22 * METERS);
	/* Only the running hour, and those that share its slot, are rows. */
	assert_int_equal(
		FIXTURE_VALUE(*state, "SELECT COUNT(DISTINCT read_at DIV 3600000 MOD 4) AS v FROM"
				      " reading"),
		1);
	upkeep(NOW + HOUR);
	assert_sight(poller, &before);
	assert_int_equal(FIXTURE_VALUE(*state, "SELECT COUNT(*) AS v FROM reading"), 0);
	assert_int_equal(
		FIXTURE_VALUE(*state, "SELECT CAST(SUM(n) AS SIGNED) AS v FROM reading_hour"),
		before.n);
	free(before.at);
	db_free(&poller);
}

/* The three questions, against the rows themselves. */
static void every_question_is_answered_from_packed_hours(void **state)
{
	struct db *db = *state;
	AUTO(rows_free) struct rows kept = { 0 }, two = { 0 }, doubt = { 0 };
	const struct kept_reading *k;
	struct kept_reading one;

	for (int64_t i = 0; i < 200; i++)
		add(db, 1, THIS_HOUR - 50 * HOUR + i * 15 * 60000, 1000 + i,
			i == 77	      ? VERDICT_IMPLAUSIBLE
			: i % 10 == 3 ? VERDICT_LATE
				      : VERDICT_ACCEPTED);
	upkeep(NOW);
	upkeep(NOW + HOUR);
	assert_int_equal(FIXTURE_VALUE(db, "SELECT COUNT(*) AS v FROM reading"), 0);
	assert_int_equal(readings_kept(db, 1, (struct utc){ THIS_HOUR - 50 * HOUR },
				 (struct utc){ THIS_HOUR }, ALL, &kept),
		ERR_OK);
	k = kept.at;
	assert_int_equal(kept.n, 178); /* both ends left out, 20 late and one implausible */
	assert_int_equal(k[0].register_milli.milli, 1001);
	for (size_t i = 1; i < kept.n; i++)
		assert_true(k[i].read_at.ms > k[i - 1].read_at.ms);
	assert_int_equal(readings_kept(db, 1, (struct utc){ THIS_HOUR - 40 * HOUR },
				 (struct utc){ THIS_HOUR }, 2, &two),
		ERR_OK);
	k = two.at;
	assert_int_equal(two.n, 2);
	assert_int_equal(k[0].register_milli.milli, 1041);
	assert_int_equal(k[1].register_milli.milli, 1042);
	assert_int_equal(readings_newest(db, 1, (struct utc){ 0 }, (struct utc){ INT64_MAX },
				 VERDICTS_DOUBTFUL, 200, &doubt),
		ERR_OK);
	k = doubt.at;
	assert_int_equal(doubt.n, 1);
	assert_int_equal(k[0].register_milli.milli, 1077);
	assert_int_equal(reading_find(db, 1, k[0].read_at, &one), ERR_OK);
	assert_int_equal(one.register_milli.milli, 1077);
	assert_int_equal(one.verdict, VERDICT_IMPLAUSIBLE);
	assert_int_equal(
		reading_find(db, 1, (struct utc){ k[0].read_at.ms + 1 }, &one), ERR_NOT_FOUND);
	assert_int_equal(reading_find(db, 2, k[0].read_at, &one), ERR_NOT_FOUND);
}

static void a_late_reading_finds_its_place_in_a_packed_hour(void **state)
{
	const int64_t hour = THIS_HOUR - 5 * HOUR;
	struct db *poller = fixture_as("yufu_poller");
	struct kept_reading one;
	struct sight before;

	add(poller, 1, hour + 1000, 10, VERDICT_ACCEPTED);
	add(poller, 1, hour + 3000, 30, VERDICT_ACCEPTED);
	upkeep(NOW);
	assert_int_equal(FIXTURE_VALUE(*state, "SELECT COUNT(*) AS v FROM reading"), 0);
	add(poller, 1, hour + 2000, 20, VERDICT_LATE);
	add(poller, 1, hour + 3000, 99, VERDICT_LATE); /* of this instant there is one */
	add(poller, 2, hour + 2000, 5, VERDICT_LATE);
	before = look(poller);
	assert_int_equal(before.n, 4);
	upkeep(NOW);
	assert_sight(poller, &before);
	assert_int_equal(FIXTURE_VALUE(*state, "SELECT COUNT(*) AS v FROM reading"), 0);
	assert_int_equal(FIXTURE_VALUE(*state, "SELECT COUNT(*) AS v FROM reading_hour"), 2);
	assert_int_equal(reading_find(poller, 1, (struct utc){ hour + 3000 }, &one), ERR_OK);
	assert_int_equal(one.register_milli.milli, 30);
	free(before.at);
	db_free(&poller);
}

static int64_t days(struct db *db)
{
	return FIXTURE_VALUE(db, "SELECT COUNT(*) AS v FROM information_schema.partitions WHERE"
				 " table_schema = DATABASE() AND table_name = 'reading_hour'");
}

static void days_are_made_ahead_and_expire(void **state)
{
	const struct storage_rules week = { .raw_days = 7 };
	struct db *worker = fixture_as("yufu_worker");
	struct db *db = *state;
	struct sight left;

	for (int day = 0; day < 20; day++) {
		struct utc now = { NOW + 100 * DAY + day * DAY };

		add(db, 1, now.ms - HOUR, 1000 + day, VERDICT_ACCEPTED);
		assert_int_equal(storage_upkeep(worker, &week, now), ERR_OK);
	}
	left = look(db);
	/* Those whose day ended less than 7 days ago, and the present one. */
	assert_int_equal(left.n, 8);
	assert_int_equal(left.at[7].register_milli.milli, 1012);
	assert_int_equal(days(db), 8 + 2 + 1);
	free(left.at);
	db_free(&worker);
}

static void a_worker_that_was_away_for_days_catches_up(void **state)
{
	struct db *worker = fixture_as("yufu_worker");
	struct db *db = *state;
	struct sight before;

	upkeep(NOW + 200 * DAY);
	for (int day = 0; day < 6; day++)
		add(db, 1, NOW + 200 * DAY + day * DAY, 1000 + day, VERDICT_ACCEPTED);
	before = look(db);
	/* Packed before there were days for them: they wait in the last partition. */
	assert_int_equal(
		storage_pack(worker, &RULES, (struct utc){ NOW + 206 * DAY + 2 * HOUR }), ERR_OK);
	assert_true(
		FIXTURE_VALUE(db, "SELECT COUNT(*) AS v FROM reading_hour PARTITION (later)") > 0);
	assert_sight(db, &before);
	upkeep(NOW + 206 * DAY + 2 * HOUR);
	assert_int_equal(
		FIXTURE_VALUE(db, "SELECT COUNT(*) AS v FROM reading_hour PARTITION (later)"), 0);
	assert_sight(db, &before);
	free(before.at);
	db_free(&worker);
}

static int64_t slot_of(int64_t at)
{
	return at / HOUR % STORAGE_SLOTS;
}

static void killed_between_any_two_steps_nothing_is_lost_or_doubled(void **state)
{
	struct db *worker = fixture_as("yufu_worker");
	struct db *db = *state;
	struct storage_packed packed;
	struct sight before;

	fill(db, 6);
	before = look(db);
	assert_int_equal(storage_take_out(worker, (int)slot_of(NOW - HOUR)), ERR_OK);
	assert_sight(db, &before);
	db_free(&worker); /* killed */
	worker = fixture_as("yufu_worker");
	assert_int_equal(storage_pack_rows(worker, &RULES, &packed), ERR_OK);
	assert_true(packed.n > 0);
	assert_sight(db, &before);
	db_free(&worker);
	upkeep(NOW);
	assert_sight(db, &before);
	upkeep(NOW + HOUR);
	assert_sight(db, &before);
	assert_int_equal(FIXTURE_VALUE(db, "SELECT COUNT(*) AS v FROM reading"), 0);
	assert_int_equal(FIXTURE_VALUE(db, "SELECT CAST(SUM(n) AS SIGNED) AS v FROM reading_hour"),
		before.n);
	free(before.at);
}

/* It had packed a slot; while it slept another worker finished that and took out the next one, with
 * as many rows. */
static void a_worker_that_slept_empties_nothing_of_others(void **state)
{
	struct db *sleeper = fixture_as("yufu_worker"), *other = fixture_as("yufu_worker");
	struct db *db = *state;
	struct storage_packed packed, again;
	struct sight before;

	for (int i = 0; i < 50; i++) {
		add(db, 1, THIS_HOUR - 2 * HOUR + i * 1000, i, VERDICT_ACCEPTED);
		add(db, 1, THIS_HOUR - HOUR + i * 1000, i, VERDICT_ACCEPTED);
	}
	before = look(db);
	assert_int_equal(storage_take_out(sleeper, (int)slot_of(NOW - 2 * HOUR)), ERR_OK);
	assert_int_equal(storage_pack_rows(sleeper, &RULES, &packed), ERR_OK);
	assert_int_equal(storage_pack_rows(other, &RULES, &again), ERR_OK);
	assert_int_equal(storage_clear(other, &again), ERR_OK);
	assert_int_equal(storage_take_out(other, (int)slot_of(NOW - HOUR)), ERR_OK);
	assert_int_equal(storage_clear(sleeper, &packed), ERR_OK);
	assert_int_equal(FIXTURE_VALUE(db, "SELECT COUNT(*) AS v FROM reading_packing"), 50);
	assert_sight(db, &before);
	/* Nor does a second one take out a slot while the first is not done. */
	assert_int_not_equal(storage_take_out(sleeper, (int)slot_of(NOW - 2 * HOUR)), ERR_OK);
	upkeep(NOW);
	assert_sight(db, &before);
	free(before.at);
	db_free(&other);
	db_free(&sleeper);
}

struct writer {
	struct db *db;
	atomic_bool stop;
	atomic_int written;
	int64_t from;
};

/* Each statement waits for a table two seconds at most, then it fails. */
static void *write_readings(void *ctx)
{
	struct writer *w = ctx;

	fixture_sql(w->db, "SET SESSION lock_wait_timeout = 2");
	for (int i = 0; !atomic_load(&w->stop); i++) {
		add(w->db, 1, w->from + i, i, VERDICT_ACCEPTED);
		atomic_fetch_add(&w->written, 1);
	}
	db_thread_end();
	return NULL;
}

static void await_more(struct writer *w, int more)
{
	int64_t give_up = mono_ms() + 20000;
	int enough = atomic_load(&w->written) + more;

	while (atomic_load(&w->written) < enough) {
		assert_true(mono_ms() < give_up);
		mono_sleep_until(mono_ms() + 5);
	}
}

static void nobody_waits_for_upkeep_nor_does_it_wait_for_long(void **state)
{
	struct db *reader = fixture_as("root"), *worker = fixture_as("yufu_worker");
	struct db *db = *state;
	struct writer w = { .db = fixture_as("yufu_poller"), .from = THIS_HOUR };
	pthread_t thread;
	struct sight seen;

	fill(db, 3);
	assert_int_equal(storage_days_ahead(worker, (struct utc){ NOW }), ERR_OK);
	fixture_sql(reader, "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ");
	fixture_sql(reader, "START TRANSACTION");
	fixture_sql(reader, "SELECT COUNT(*) INTO @n FROM reading");
	assert_int_equal(pthread_create(&thread, NULL, write_readings, &w), 0);
	await_more(&w, 10);
	/* The slots are held by the snapshot: not now, and nobody failed over it. */
	assert_int_equal(storage_upkeep(worker, &RULES, (struct utc){ NOW }), ERR_RETRY);
	await_more(&w, 10);
	fixture_sql(reader, "SELECT COUNT(*) INTO @again FROM reading");
	assert_int_equal(FIXTURE_VALUE(reader, "SELECT @n = @again AS v"), 1);
	fixture_sql(reader, "COMMIT");
	/* Later it goes through, with the writer writing. */
	upkeep_by(worker, NOW);
	await_more(&w, 10);
	atomic_store(&w.stop, true);
	pthread_join(thread, NULL);
	assert_true(FIXTURE_VALUE(db, "SELECT COUNT(*) AS v FROM reading_hour") >= 3 * METERS);
	seen = look(db);
	upkeep(NOW + HOUR);
	assert_sight(db, &seen);
	free(seen.at);
	db_free(&w.db);
	db_free(&worker);
	db_free(&reader);
}

static void readers_see_everything_at_every_moment(void **state)
{
	struct db *worker = fixture_as("yufu_worker");
	struct db *db = *state;
	struct writer w = { .db = fixture_as("yufu_poller"), .from = THIS_HOUR - 20 * HOUR };
	pthread_t thread;
	struct sight first;

	/* Late readings come all the time into hours that are being packed. */
	fill(db, 12);
	assert_int_equal(pthread_create(&thread, NULL, write_readings, &w), 0);
	first = look(db);
	for (int i = 0; i < 12; i++) {
		struct sight s;

		upkeep_by(worker, NOW);
		s = look(db);
		assert_true(s.n >= first.n);
		for (size_t k = 1; k < s.n; k++)
			assert_true(s.at[k].read_at.ms != s.at[k - 1].read_at.ms);
		free(first.at);
		first = s;
	}
	atomic_store(&w.stop, true);
	pthread_join(thread, NULL);
	free(first.at);
	first = look(db);
	upkeep(NOW + HOUR);
	assert_sight(db, &first);
	assert_int_equal(FIXTURE_VALUE(db, "SELECT COUNT(*) AS v FROM reading"), 0);
	free(first.at);
	db_free(&w.db);
	db_free(&worker);
}

static void spacing_thins_what_money_and_doubts_do_not_need(void **state)
{
	const struct storage_rules sparse = { .raw_days = 90, .raw_spacing_s = 600 };
	const int64_t hour = THIS_HOUR - 2 * HOUR;
	struct db *worker = fixture_as("yufu_worker");
	struct db *db = *state;
	struct sight left;

	for (int i = 0; i < 60; i++) {
		add(db, 1, hour + i * 60000, 100 + i,
			i == 7 ? VERDICT_BACKWARDS : VERDICT_ACCEPTED);
		add(db, 2, hour + i * 60000, 100 + i, VERDICT_ACCEPTED);
	}
	/* Meter 1 is charged up to its 40th minute, meter 2 waits for a tariff. */
	fixture_sql(db, "SET foreign_key_checks = 0");
	shop_set(db,
		"INSERT INTO settled (meter_id, read_at, register_milli) VALUES (1, %lld, 140)",
		(long long)(hour + 40 * 60000));
	shop_set(db,
		"INSERT INTO reading_decision (meter_id, action, read_at, register_milli,"
		" last_at, last_milli, reason, actor, decided_at)"
		" VALUES (1, 'accept', %lld, 1, %lld, 1, 'r', 'a', 1)",
		(long long)(hour + 16 * 60000), (long long)(hour + 13 * 60000));
	assert_int_equal(storage_upkeep(worker, &sparse, (struct utc){ NOW }), ERR_OK);
	left = look(db);
	/* Meter 1: minutes 0 10 20 30 of four stretches, 7 in doubt, 13 and 16 named, 40 and all
	 * later ones; meter 2: all. */
	assert_int_equal(left.n, 4 + 1 + 2 + 20 + 60);
	/* A late reading and a second run leave it so. */
	add(db, 1, hour + 1000, 100, VERDICT_ACCEPTED);
	assert_int_equal(storage_upkeep(worker, &sparse, (struct utc){ NOW }), ERR_OK);
	assert_sight(db, &left);
	free(left.at);
	fixture_sql(db, "DELETE FROM settled");
	fixture_sql(db, "DELETE FROM reading_decision");
	db_free(&worker);
}

static void the_load_of_each_hour_is_kept_for_good(void **state)
{
	const struct storage_rules day = { .raw_days = 1 };
	const int64_t hour = THIS_HOUR + 400 * DAY;
	struct db *worker = fixture_as("yufu_worker");
	struct db *db = *state;
	struct reading_row rows[] = { { 1, { hour }, { 1 }, 100, "accepted" },
		{ 1, { hour + 1 }, { 1 }, 9000000, "implausible" },
		{ 1, { hour + 2 }, { 1 }, 700, "accepted" },
		{ 1, { hour + 3 }, { 1 }, 401, "repeated" } };

	shop_set(db, "INSERT INTO usage_hour (meter_id, hour_at, qty_milli) VALUES (1, %lld, 5)",
		(long long)hour);
	assert_int_equal(readings_store(db, rows, ARRAY_LEN(rows)), ERR_OK);
	for (int days_on = 0; days_on < 3; days_on++)
		assert_int_equal(storage_upkeep(worker, &day,
					 (struct utc){ hour + HOUR + HOUR / 2 + days_on * DAY }),
			ERR_OK);
	assert_int_equal(FIXTURE_VALUE(db, "SELECT COUNT(*) AS v FROM reading_hour"), 0);
	assert_int_equal(FIXTURE_VALUE(db, "SELECT least_w AS v FROM usage_hour"), 100);
	assert_int_equal(FIXTURE_VALUE(db, "SELECT most_w AS v FROM usage_hour"), 700);
	assert_int_equal(FIXTURE_VALUE(db, "SELECT qty_milli AS v FROM usage_hour"), 5);
	db_free(&worker);
}

static enum err run_verify(struct db *db, void *findings)
{
	return verify_readings(db, findings);
}

static json_t *found(struct db *db)
{
	json_t *list = json_array();

	assert_int_equal(db_tx(db, run_verify, list), ERR_OK);
	return list;
}

static void a_settlement_that_packed_readings_deny_is_found(void **state)
{
	const int64_t hour = THIS_HOUR - 2 * HOUR;
	AUTO(json_free) json_t *fine = NULL, *wrong = NULL, *damaged = NULL;
	struct db *db = *state;
	struct shop s = shop_make(db, 1);
	char want[100];

	for (int i = 0; i < 60; i++) {
		add(db, s.meter, hour + i * 60000, 100 + i, VERDICT_ACCEPTED);
		shop_set(db,
			"INSERT INTO settlement (meter_id, to_at, from_at, from_milli, to_milli,"
			" charge_nano, evidence) VALUES (%lld, %lld, 1, 0, %d, 0, '[]')",
			(long long)s.meter, (long long)(hour + i * 60000), 100 + i);
	}
	upkeep(NOW);
	fine = found(db);
	assert_int_equal(json_array_size(fine), 0);
	shop_set(db, "UPDATE settlement SET to_milli = 1 WHERE meter_id = %lld AND to_at = %lld",
		(long long)s.meter, (long long)(hour + 7 * 60000));
	wrong = found(db);
	assert_int_equal(json_array_size(wrong), 1);
	snprintf(want, sizeof(want), "settlement:%lld:%lld", (long long)s.meter,
		(long long)(hour + 7 * 60000));
	assert_string_equal(
		json_string_value(json_object_get(json_array_get(wrong, 0), "object")), want);
	shop_set(db, "UPDATE reading_hour SET bytes = '12' WHERE meter_id = %lld",
		(long long)s.meter);
	damaged = found(db);
	assert_int_equal(json_array_size(damaged), 1);
	assert_string_equal(json_string_value(json_object_get(json_array_get(damaged, 0), "check")),
		"packed_hour_is_readable");
	fixture_sql(db, "DELETE FROM settlement");
}

static int64_t cuts_found(struct db *db, const char *object)
{
	AUTO(json_free) json_t *list = json_array();
	const json_t *f;
	int64_t n = 0;
	size_t i;

	assert_int_equal(verify_run(db, list), ERR_OK);
	json_array_foreach(list, i, f) n +=
		str_eq(json_string_value(json_object_get(f, "check")), "cut_is_by_whole_seconds") &&
		str_eq(json_string_value(json_object_get(f, "object")), object);
	return n;
}

/* 100 units within the minute in which the tariff changed at its middle. */
static void a_wrong_cut_is_found_in_packed_hours(void **state)
{
	const int64_t hour = THIS_HOUR - 2 * HOUR, at = hour + 630000;
	const struct {
		int64_t from, to, from_reg, to_reg;
	} rows[] = { { hour, hour + 600000, 0, 100 }, { hour + 600000, at, 100, 150 },
		{ at, hour + 660000, 150, 200 } };
	struct db *db = *state;
	struct shop s = shop_make(db, 2);
	char object[100];

	add(db, s.meter, hour, 0, VERDICT_ACCEPTED);
	add(db, s.meter, hour + 600000, 100, VERDICT_ACCEPTED);
	add(db, s.meter, hour + 660000, 200, VERDICT_ACCEPTED);
	shop_set(db,
		"INSERT INTO meter_tariff (meter_id, from_at, tariff_id) VALUES (%lld, %lld, %lld)",
		(long long)s.meter, (long long)at, (long long)s.tariff);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		shop_set(db,
			"INSERT INTO settlement (meter_id, to_at, from_at, from_milli, to_milli,"
			" charge_nano, evidence) VALUES (%lld, %lld, %lld, %lld, %lld, 0, '[]')",
			(long long)s.meter, (long long)rows[i].to, (long long)rows[i].from,
			(long long)rows[i].from_reg, (long long)rows[i].to_reg);
	snprintf(object, sizeof(object), "settlement:%lld:%lld", (long long)s.meter, (long long)at);
	upkeep(NOW);
	assert_int_equal(FIXTURE_VALUE(db, "SELECT COUNT(*) AS v FROM reading"), 0);
	assert_int_equal(cuts_found(db, object), 0);
	shop_set(db, "UPDATE settlement SET to_milli = 160 WHERE meter_id = %lld AND to_at = %lld",
		(long long)s.meter, (long long)at);
	assert_int_equal(cuts_found(db, object), 1);
	/* Where readings were left out nobody knows whether one was taken just then. */
	fixture_sql(db, "UPDATE reading_hour SET thinned = 1");
	assert_int_equal(cuts_found(db, object), 0);
	fixture_sql(db, "DELETE FROM settlement");
}

static void a_damaged_hour_blocks_nobody(void **state)
{
	const int64_t hour = THIS_HOUR - 2 * HOUR;
	struct db *db = *state;
	struct sight left;

	for (int64_t m = 1; m <= METERS; m++)
		add(db, m, hour + 1000, m, VERDICT_ACCEPTED);
	upkeep(NOW);
	fixture_sql(db, "UPDATE reading_hour SET bytes = 'x' WHERE meter_id = 2");
	for (int64_t m = 1; m <= METERS; m++)
		add(db, m, hour + 2000, 10 * m, VERDICT_LATE);
	upkeep(NOW);
	assert_int_equal(FIXTURE_VALUE(db, "SELECT COUNT(*) AS v FROM reading_packing"), 0);
	left = look(db);
	assert_int_equal(left.n, 2 * (METERS - 1));
	free(left.at);
}

/* It holds the readings of its moment until its end; upkeep does what it has to later. */
static enum err upkeep_meanwhile(struct db *db, void *ctx)
{
	struct db *worker = fixture_as("yufu_worker");
	json_t *list = ctx;

	assert_int_equal(verify_readings(db, list), ERR_OK);
	assert_int_equal(storage_upkeep(worker, &RULES, (struct utc){ NOW }), ERR_RETRY);
	fixture_sql(db, "SELECT COUNT(*) INTO @rows FROM reading");
	assert_int_equal(FIXTURE_VALUE(db, "SELECT @rows > 0 AS v"), 1);
	db_free(&worker);
	return ERR_OK;
}

static void verification_sees_one_moment_of_the_readings(void **state)
{
	AUTO(json_free) json_t *list = json_array();
	struct db *verifier = fixture_as("root");

	fill(*state, 3);
	fixture_sql(verifier, "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ");
	assert_int_equal(db_tx(verifier, upkeep_meanwhile, list), ERR_OK);
	upkeep(NOW);
	db_free(&verifier);
}

#define FRESH(test) cmocka_unit_test_setup(test, fresh)

int main(void)
{
	const struct CMUnitTest tests[] = {
		FRESH(packed_hours_read_like_rows),
		FRESH(every_question_is_answered_from_packed_hours),
		FRESH(a_late_reading_finds_its_place_in_a_packed_hour),
		FRESH(killed_between_any_two_steps_nothing_is_lost_or_doubled),
		FRESH(a_worker_that_slept_empties_nothing_of_others),
		FRESH(nobody_waits_for_upkeep_nor_does_it_wait_for_long),
		FRESH(readers_see_everything_at_every_moment),
		FRESH(spacing_thins_what_money_and_doubts_do_not_need),
		FRESH(days_are_made_ahead_and_expire),
		FRESH(a_worker_that_was_away_for_days_catches_up),
		FRESH(the_load_of_each_hour_is_kept_for_good),
		FRESH(a_settlement_that_packed_readings_deny_is_found),
		FRESH(a_wrong_cut_is_found_in_packed_hours),
		FRESH(verification_sees_one_moment_of_the_readings),
		FRESH(a_damaged_hour_blocks_nobody),
	};

	return cmocka_run_group_tests(tests, fixture_open, fixture_close);
}
