/* A shaft whose losses grow: its meter has two below it, and days are sealed one after the other.
 */
#include "alarm_loss.h"

#include <stdio.h>

#include "domain/losswatch.h"
#include "shop_fixture.h"

#define DAY_MS INT64_C(86400000)
#define FIRST_MS INT64_C(1792944000000) /* 2026-10-26T00:00 at the shops: day 0 */

struct shaft {
	struct shop above, below[2];
	int days; /* sealed so far */
};

static struct shaft shaft_make(struct db *db, int n)
{
	struct shaft s = { .above = shop_make(db, n) };

	for (int i = 0; i < 2; i++) {
		s.below[i] = shop_make(db, n + 1 + i);
		shop_set(db, "UPDATE supply_point SET site_id = %lld WHERE id = %lld",
			(long long)s.above.site, (long long)s.below[i].point);
		shop_set(db, "UPDATE meter SET parent_id = %lld WHERE id = %lld",
			(long long)s.above.meter, (long long)s.below[i].meter);
	}
	return s;
}

static void use_put(struct db *db, const struct shop *shop, int day, int64_t kwh)
{
	shop_set(db,
		"INSERT INTO usage_day (meter_id, day, contract_id, account_id, tariff_id, "
		"version_at,"
		" rate, tier, price_micro, qty_milli, sealed) VALUES (%lld, '2026-10-26' + "
		"INTERVAL "
		"%d"
		" DAY, 0, 0, 0, 0, 'flat', 1, 0, %lld, 1)",
		(long long)shop->meter, day, (long long)kwh * 1000);
}

static void read_to(struct db *db, const struct shop *shop, int64_t ms)
{
	shop_set(db,
		"REPLACE INTO settled (meter_id, read_at, register_milli) VALUES (%lld, %lld, 1)",
		(long long)shop->meter, (long long)ms);
}

static int64_t open_alarms(struct db *db, const struct shaft *s)
{
	return shop_number(db,
		"SELECT COUNT(*) AS v FROM alarm WHERE kind = 'loss_grown' AND cleared_at = 0"
		" AND object_kind = 'meter' AND object_id = %lld",
		s->above.meter);
}

/* Days of 100 kWh above and of so many below are over, and the worker looks. late: the second meter
 * was last read so many days before the end. */
static void days_pass(
	struct db *db, struct db *worker, struct shaft *s, int n, int64_t below, int64_t late)
{
	for (int i = 0; i < n; i++) {
		int64_t end = FIRST_MS + (s->days + 1) * DAY_MS;

		use_put(db, &s->above, s->days, 100);
		use_put(db, &s->below[0], s->days, below);
		if (!late)
			use_put(db, &s->below[1], s->days, 20);
		read_to(db, &s->above, end + 60000);
		read_to(db, &s->below[0], end + 60000);
		read_to(db, &s->below[1], end + 60000 - late * DAY_MS);
		shop_set(db,
			"INSERT INTO book_day (site_id, day, closed_at, sealed_at, prev_sha256)"
			" VALUES (%lld, '2026-10-26' + INTERVAL %d DAY, 1, 1, '')",
			(long long)s->above.site, s->days);
		s->days++;
		for (int k = 0; k < 2; k++) /* the second look finds nothing to do */
			assert_int_equal(
				losswatch_run(worker, (struct utc){ end + 3 * 3600000 }, 9),
				ERR_OK);
	}
}

void losses_that_grow_are_one_alarm_until_they_are_back(void **state)
{
	struct db *db = *state, *worker = fixture_as("yufu_worker");
	struct shaft s = shaft_make(db, 60);

	days_pass(db, worker, &s, 28, 77, 0); /* 3 % are lost */
	assert_int_equal(open_alarms(db, &s), 0);
	days_pass(db, worker, &s, 3, 60, 0); /* 20 %, for less than half of a week */
	assert_int_equal(open_alarms(db, &s), 0);
	days_pass(db, worker, &s, 1, 60, 0);
	assert_int_equal(open_alarms(db, &s), 1);
	/* It goes on for so long that it has become the past, and is the same alarm. */
	days_pass(db, worker, &s, 40, 60, 0);
	assert_int_equal(open_alarms(db, &s), 1);
	days_pass(db, worker, &s, 5, 77, 0);
	assert_int_equal(open_alarms(db, &s), 1);
	days_pass(db, worker, &s, 2, 77, 0);
	assert_int_equal(open_alarms(db, &s), 0);
	assert_int_equal(shop_number(db,
				 "SELECT COUNT(*) AS v FROM alarm WHERE kind = 'loss_grown' AND"
				 " object_id = %lld",
				 s.above.meter),
		1);
	/* A shaft that is none any more has no losses. */
	days_pass(db, worker, &s, 5, 40, 0);
	assert_int_equal(open_alarms(db, &s), 1);
	shop_set(db, "UPDATE meter SET parent_id = NULL WHERE parent_id = %lld",
		(long long)s.above.meter);
	days_pass(db, worker, &s, 1, 40, 0);
	assert_int_equal(open_alarms(db, &s), 0);
	db_free(&worker);
}

/* A meter below is silent: what it counts is missing, which is no loss. */
void a_shaft_that_is_not_read_is_left_as_it_is(void **state)
{
	struct db *db = *state, *worker = fixture_as("yufu_worker");
	struct shaft s = shaft_make(db, 70);

	days_pass(db, worker, &s, 28, 77, 0);
	for (int silent = 1; silent <= 10; silent++)
		days_pass(db, worker, &s, 1, 77, silent);
	assert_int_equal(open_alarms(db, &s), 0);
	for (int day = 28; day < 38; day++) /* it is read again: its days are known */
		use_put(db, &s.below[1], day, 20);
	days_pass(db, worker, &s, 1, 77, 0);
	assert_int_equal(open_alarms(db, &s), 0);
	shop_set(db,
		"INSERT INTO setting (site_id, name, value) VALUES (%lld, 'loss_most_permille', "
		"20),"
		" (%lld, 'loss_growth_permille', 10)",
		(long long)s.above.site, (long long)s.above.site);
	days_pass(db, worker, &s, 7, 75, 0); /* 5 % is grown by these limits */
	assert_int_equal(open_alarms(db, &s), 1);
	db_free(&worker);
}
