/* Leases, the sink and the acts against a real database, as the poller's own user. */
#include "shop_fixture.h"

#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "domain/act.h"
#include "domain/brake.h"
#include "domain/gateway.h"
#include "domain/meterclock.h"
#include "domain/outage.h"
#include "domain/storage.h"
#include "poller/sink.h"

struct world {
	struct db *root;
	struct db *db; /* yufu_poller */
	struct desk *desk;
	struct holdings *holdings;
	struct sink *sink;
	int shops;
};

static int open_world(void **state)
{
	static struct world w;
	struct db_settings s;

	if (fixture_open((void **)&w.root) != 0)
		return -1;
	s = fixture_settings("yufu_poller");
	w.db = db_open(&s);
	w.desk = desk_open();
	w.holdings = holdings_open();
	w.sink = sink_open(&s, w.desk, w.holdings);
	*state = &w;
	return 0;
}

static int close_world(void **state)
{
	struct world *w = *state;

	sink_free(&w->sink);
	holdings_free(&w->holdings);
	desk_free(&w->desk);
	db_free(&w->db);
	return fixture_close((void **)&w->root);
}

static struct lease lease_of(const struct shop *s)
{
	return (struct lease){ .group_id = s->group, .epoch = 1, .owner = "test" };
}

static struct shop new_shop(struct world *w)
{
	struct shop s = shop_make(w->root, ++w->shops);
	struct lease l = lease_of(&s);

	holdings_add(w->holdings, &l);
	return s;
}

/* ---- leases ---- */

static void test_a_lease_has_one_holder(void **state)
{
	struct world *w = *state;
	struct shop s = new_shop(w);
	struct lease a, b;

	shop_set(w->root, "UPDATE bus_group SET until_at = 0, owner = '' WHERE id = %lld",
		(long long)s.group);
	assert_int_equal(lease_take(w->db, s.group, "one", false, &a), ERR_OK);
	assert_int_equal(a.epoch, 2);
	assert_int_equal(lease_take(w->db, s.group, "two", true, &b), ERR_CONFLICT);
	assert_int_equal(lease_take(w->db, s.group, "one", false, &b), ERR_CONFLICT);
	assert_int_equal(lease_renew(w->db, &a), ERR_OK);
	/* Its own successor, started again, takes over at once and fences the former. */
	assert_int_equal(lease_take(w->db, s.group, "one", true, &b), ERR_OK);
	assert_int_equal(b.epoch, 3);
	assert_int_equal(lease_renew(w->db, &a), ERR_FENCED);
	/* When it has run out, anybody may. */
	shop_set(w->root, "UPDATE bus_group SET until_at = until_at - %d WHERE id = %lld",
		LEASE_MS + 1, (long long)s.group);
	assert_int_equal(lease_take(w->db, s.group, "two", false, &a), ERR_OK);
	assert_int_equal(lease_renew(w->db, &b), ERR_FENCED);
	assert_int_equal(lease_give_back(w->db, &b), ERR_OK); /* too late, and no harm */
	assert_int_equal(lease_renew(w->db, &a), ERR_OK);
}

/* Lives the others say so; a poller sees how its buses stand to theirs. */
static void test_pollers_see_each_other(void **state)
{
	struct world *w = *state;
	struct shop s = new_shop(w);
	struct spread one, two;
	struct lease l;

	shop_set(w->root, "DELETE FROM poller WHERE name <> %d", 0);
	shop_set(w->root, "UPDATE bus_group SET until_at = 0 WHERE id > %d", 0);
	assert_int_equal(poller_alive(w->db, "one", 900), ERR_OK);
	assert_int_equal(poller_alive(w->db, "two", 900), ERR_OK);
	assert_int_equal(lease_take(w->db, s.group, "one", false, &l), ERR_OK);
	assert_int_equal(leases_spread(w->db, "one", &one), ERR_OK);
	assert_int_equal(leases_spread(w->db, "two", &two), ERR_OK);
	assert_int_equal(one.others, 1);
	assert_int_equal(one.least, 0);
	assert_int_equal(two.least, 1);
	assert_int_equal(one.total, shop_number(w->root, "SELECT COUNT(*) AS v FROM gateway", 0));
	assert_int_equal(poller_gone(w->db, "two"), ERR_OK);
	assert_int_equal(leases_spread(w->db, "one", &one), ERR_OK);
	assert_int_equal(one.others, 0);
	shop_set(w->root, "UPDATE poller SET seen_at = seen_at - %d", LEASE_MS + 1);
	assert_int_equal(leases_spread(w->db, "three", &one), ERR_OK);
	assert_int_equal(one.others, 0);
}

/* ---- the sink ---- */

static struct report report_of(const struct shop *s, int64_t at, int64_t reg)
{
	struct report r = { .meter_id = s->meter,
		.group_id = s->group,
		.device = 1,
		.has_reading = true,
		.has_register = true,
		.most_per_hour = 36000,
		.step = 10,
		.comm = COMM_OK };

	snprintf(r.code, sizeof(r.code), "M%lld", (long long)s->meter);
	snprintf(r.observed, sizeof(r.observed), "on");
	r.now = (struct meter_now){ .meter_id = s->meter,
		.read_at = { at },
		.register_milli = { reg },
		.sharp_milli = { -1 },
		.peak_milli = { -1 },
		.flat_milli = { -1 },
		.valley_milli = { -1 },
		.power_w = 230,
		.phases = 1 };
	return r;
}

static enum err sink_one(struct world *w, const struct shop *s, int64_t at, int64_t reg)
{
	struct report r = report_of(s, at, reg);

	return sink_batch(w->sink, &r, 1);
}

static int64_t alarms_open(struct world *w, const struct shop *s)
{
	return shop_number(w->root,
		"SELECT COUNT(*) AS v FROM alarm WHERE open_key IS NOT NULL AND object_kind = "
		"'meter' AND object_id = %lld",
		s->meter);
}

static int64_t balance(struct world *w, const struct shop *s)
{
	return shop_number(
		w->root, "SELECT balance_nano AS v FROM account WHERE id = %lld", s->account);
}

static int64_t readings(struct world *w, const struct shop *s)
{
	return shop_number(
		w->root, "SELECT COUNT(*) AS v FROM reading WHERE meter_id = %lld", s->meter);
}

static void test_readings_are_kept_and_charged(void **state)
{
	struct world *w = *state;
	struct shop s = new_shop(w);
	int64_t t = SHOP_T0;

	assert_int_equal(sink_one(w, &s, t, 1000), ERR_OK);
	assert_int_equal(sink_one(w, &s, t + 60000, 1100), ERR_OK);
	assert_int_equal(readings(w, &s), 2);
	assert_true(balance(w, &s) < SHOP_OPENING);
	assert_int_equal(alarms_open(w, &s), 0);
	assert_int_equal(
		shop_number(w->root,
			"SELECT register_milli AS v FROM meter_state WHERE comm = 'ok' AND "
			"verdict = 'accepted' AND power_w = 230 AND meter_id = %lld",
			s.meter),
		1100);
	assert_int_equal(
		shop_number(w->root,
			"SELECT observed = 'on' AS v FROM supply_point WHERE id = %lld", s.point),
		1);
}

static void test_bad_readings_are_kept_not_charged(void **state)
{
	struct world *w = *state;
	struct shop s = new_shop(w);
	int64_t t = SHOP_T0;
	struct report other;

	assert_int_equal(sink_one(w, &s, t, 1000), ERR_OK);
	assert_int_equal(sink_one(w, &s, t += 60000, 900), ERR_OK); /* fell */
	assert_int_equal(alarms_open(w, &s), 1);
	assert_int_equal(sink_one(w, &s, t += 60000, 900000), ERR_OK); /* jumped */
	assert_int_equal(alarms_open(w, &s), 1);
	other = report_of(&s, t += 60000, 1010);
	other.other_serial = true;
	assert_int_equal(sink_batch(w->sink, &other, 1), ERR_OK);
	assert_int_equal(alarms_open(w, &s), 1);
	assert_int_equal(balance(w, &s), SHOP_OPENING);
	assert_int_equal(readings(w, &s), 4);
	assert_int_equal(sink_one(w, &s, t += 60000, 1010), ERR_OK); /* good again */
	assert_int_equal(alarms_open(w, &s), 0);
	assert_true(balance(w, &s) < SHOP_OPENING);
}

static void test_the_same_batch_twice(void **state)
{
	struct world *w = *state;
	struct shop s = new_shop(w);
	int64_t once;

	assert_int_equal(sink_one(w, &s, SHOP_T0, 1000), ERR_OK);
	assert_int_equal(sink_one(w, &s, SHOP_T0 + 60000, 1100), ERR_OK);
	once = balance(w, &s);
	assert_int_equal(sink_one(w, &s, SHOP_T0 + 60000, 1100), ERR_OK);
	assert_int_equal(balance(w, &s), once);
	assert_int_equal(readings(w, &s), 2);
	assert_int_equal(shop_number(w->root,
				 "SELECT COUNT(*) AS v FROM reading WHERE verdict = 'accepted' AND "
				 "meter_id = %lld",
				 s.meter),
		2);
}

static void test_one_bad_meter_blocks_nobody(void **state)
{
	struct world *w = *state;
	struct shop good = new_shop(w), bad = new_shop(w), bare = new_shop(w);
	struct report batch[3];

	shop_set(w->root, "UPDATE tariff SET doc = '{}' WHERE id = %lld", (long long)bad.tariff);
	shop_set(w->root, "DELETE FROM meter_tariff WHERE meter_id = %lld", (long long)bare.meter);
	for (int i = 0; i < 2; i++) {
		int64_t t = SHOP_T0 + i * 60000;

		batch[0] = report_of(&bad, t, 1000 + i * 100);
		batch[1] = report_of(&good, t, 1000 + i * 100);
		batch[2] = report_of(&bare, t, 1000 + i * 100);
		assert_int_equal(sink_batch(w->sink, batch, 3), ERR_OK);
	}
	assert_true(balance(w, &good) < SHOP_OPENING);
	assert_int_equal(balance(w, &bad), SHOP_OPENING);
	assert_int_equal(balance(w, &bare), SHOP_OPENING);
	assert_int_equal(readings(w, &bad), 2);
	assert_int_equal(readings(w, &bare), 2);
	assert_int_equal(shop_number(w->root,
				 "SELECT COUNT(*) AS v FROM alarm WHERE kind = 'settle_failed' AND "
				 "object_id = %lld",
				 bad.meter),
		1);
	assert_int_equal(
		shop_number(w->root,
			"SELECT COUNT(*) AS v FROM alarm WHERE kind = 'tariff_missing' AND "
			"object_id = %lld",
			bare.meter),
		1);
	/* What was missing comes, and all of it is charged. */
	shop_set(w->root, "UPDATE tariff SET revision = 2, doc = '%s' WHERE id = %lld",
		shop_tariff(), (long long)bad.tariff);
	batch[0] = report_of(&bad, SHOP_T0 + 120000, 1100);
	assert_int_equal(sink_batch(w->sink, batch, 1), ERR_OK);
	assert_true(balance(w, &bad) < SHOP_OPENING);
	assert_int_equal(alarms_open(w, &bad), 0);
}

/* All hours that are over leave the rows, as thinly as may be. */
static void pack_readings(int64_t now)
{
	const struct storage_rules sparse = { .raw_days = 90, .raw_spacing_s = 3600 };
	struct db *worker = fixture_as("yufu_worker");

	for (int i = 0; i < 2; i++) /* the slot of the running hour comes later */
		assert_int_equal(
			storage_upkeep(worker, &sparse, (struct utc){ now + i * 3600000 }), ERR_OK);
	db_free(&worker);
}

/* A tariff that comes late charges what it would have charged in time: by the readings that were
 * kept meanwhile, which use more by day than by night; packed by hours or not. */
static void test_a_late_tariff_charges_like_a_timely_one(void **state)
{
	struct world *w = *state;
	struct shop timely = new_shop(w), late = new_shop(w);
	int64_t reg = 1000, t = SHOP_T0;

	shop_set(w->root, "DELETE FROM meter_tariff WHERE meter_id = %lld", (long long)late.meter);
	for (int i = 0; i < 300; i++, t += 600000) {
		reg += i % 7 == 0 ? 900 : 10;
		assert_int_equal(sink_one(w, &timely, t, reg), ERR_OK);
		assert_int_equal(sink_one(w, &late, t, reg), ERR_OK);
	}
	assert_int_equal(balance(w, &late), SHOP_OPENING);
	pack_readings(t - 2 * 3600000);
	assert_true(readings(w, &late) < 30);
	shop_set(w->root,
		"INSERT INTO meter_tariff (meter_id, from_at, tariff_id) VALUES (%lld, 1, %lld)",
		(long long)late.meter, (long long)late.tariff);
	for (int i = 0; i < 3; i++, t += 600000) { /* more than one transaction may take */
		reg += 10;
		assert_int_equal(sink_one(w, &timely, t, reg), ERR_OK);
		assert_int_equal(sink_one(w, &late, t, reg), ERR_OK);
	}
	assert_int_equal(alarms_open(w, &late), 0);
	assert_int_equal(balance(w, &late), balance(w, &timely));
	assert_true(balance(w, &late) < SHOP_OPENING);
}

static void test_a_fenced_sink_writes_nothing(void **state)
{
	struct world *w = *state;
	struct shop mine = new_shop(w), lost = new_shop(w);
	struct lease l = lease_of(&lost);
	struct report batch[2] = { report_of(&lost, SHOP_T0, 1000),
		report_of(&mine, SHOP_T0, 1000) };

	shop_set(w->root, "UPDATE bus_group SET epoch = 2 WHERE id = %lld", (long long)lost.group);
	assert_int_equal(sink_batch(w->sink, batch, 2), ERR_FENCED);
	assert_int_equal(readings(w, &lost), 0);
	assert_false(holdings_get(w->holdings, lost.group, &l));
	/* The other group's report is not lost with it. */
	assert_int_equal(desk_take(w->desk, batch, 2, 0, 0), 1);
	assert_int_equal(batch[0].meter_id, mine.meter);
	assert_int_equal(sink_batch(w->sink, batch, 1), ERR_OK);
	assert_int_equal(readings(w, &mine), 1);
}

static int64_t gateway_of(struct world *w, const struct shop *s)
{
	return shop_number(w->root, "SELECT gateway_id AS v FROM meter WHERE id = %lld", s->meter);
}

static void expect_clock(struct world *w, const struct shop *s, int64_t warn, int64_t urgent)
{
	assert_int_equal(
		shop_number(w->root,
			"SELECT COUNT(*) AS v FROM alarm WHERE kind = 'clock_drift' AND severity ="
			" 'warn' AND open_key IS NOT NULL AND object_id = %lld",
			s->meter),
		warn);
	assert_int_equal(
		shop_number(w->root,
			"SELECT COUNT(*) AS v FROM alarm WHERE kind = 'clock_drift' AND severity ="
			" 'urgent' AND open_key IS NOT NULL AND object_id = %lld",
			s->meter),
		urgent);
}

static void test_clocks_that_are_wrong(void **state)
{
	static const struct {
		int64_t drift, warn, urgent;
	} rows[] = { { 299, 0, 0 }, { -301, 1, 0 }, { -3600, 1, 0 }, { 3601, 0, 1 }, { 400, 1, 0 },
		{ -86400, 0, 1 }, { 5, 0, 0 } };
	struct world *w = *state;
	struct shop s = new_shop(w);
	struct meter_clock c;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct report r = report_of(&s, SHOP_T0 + (int64_t)i * 60000, 1000);

		r.has_clock = true;
		r.clock_drift_s = rows[i].drift;
		if (i == 2) {
			r.clock_set_at = (struct utc){ SHOP_T0 };
			r.clock_set_by_s = 300;
		}
		assert_int_equal(sink_batch(w->sink, &r, 1), ERR_OK);
		expect_clock(w, &s, rows[i].warn, rows[i].urgent);
		assert_int_equal(meter_clock_get(w->db, s.meter, &c), ERR_OK);
		assert_int_equal(c.drift_s, rows[i].drift);
		assert_int_equal(c.set_at.ms, i < 2 ? 0 : SHOP_T0);
		assert_int_equal(c.set_by_s, i < 2 ? 0 : 300);
		sink_forget(w->sink); /* another process goes on as well */
	}
}

static void test_the_first_serial_of_a_device_stays(void **state)
{
	static const struct {
		int64_t device;
		const char *told, *kept;
	} rows[] = { { 1, "", "" }, { 1, "A1", "A1" }, { 1, "B2", "A1" }, { 2, "B2", "B2" } };
	struct world *w = *state;
	struct shop s = new_shop(w);

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct report r = report_of(&s, SHOP_T0 + (int64_t)i * 60000, 1000);

		r.device = rows[i].device;
		shop_set(w->root, "UPDATE meter SET device = %lld WHERE id = %lld",
			(long long)r.device, (long long)s.meter);
		snprintf(r.serial, sizeof(r.serial), "%s", rows[i].told);
		assert_int_equal(sink_batch(w->sink, &r, 1), ERR_OK);
		shop_set(w->root, "SET @told = '%s'", rows[i].kept);
		assert_int_equal(shop_number(w->root,
					 "SELECT serial_seen = @told AS v FROM meter_state WHERE "
					 "meter_id = %lld",
					 s.meter),
			1);
	}
}

static void expect_outage(struct world *w, const char *kind, int64_t id, int64_t until)
{
	AUTO(rows_free) struct rows rows = { 0 };
	struct list_ask ask = list_ask_of(&outage_listing, "from_at", true, 10);
	struct list_place next;
	const struct outage *o;

	assert_int_equal(db_page(w->db, &outage_listing, &ask, ARGS(arg_text(kind), arg_i64(id)),
				 &rows, &next),
		ERR_OK);
	assert_int_equal(rows.n, 1);
	o = rows.at;
	assert_int_equal(o->from_at.ms, SHOP_T0);
	assert_int_equal(o->until_at.ms, until);
}

/* How long a meter was away is kept; a gateway that was away has one outage and one alarm. */
static void test_outages_are_kept(void **state)
{
	struct world *w = *state;
	struct shop s = new_shop(w);
	struct utc t0 = { SHOP_T0 }, later = { SHOP_T0 + 70000 };
	int64_t gateway = gateway_of(w, &s);
	struct report r;

	assert_int_equal(sink_one(w, &s, SHOP_T0, 1000), ERR_OK);
	for (int i = 0; i < 2; i++) {
		r = report_of(&s, SHOP_T0, 1000);
		r.has_reading = false;
		r.fails = 3;
		r.comm = COMM_SILENT;
		assert_int_equal(sink_batch(w->sink, &r, 1), ERR_OK);
		expect_outage(w, "meter", s.meter, 0);
	}
	assert_int_equal(sink_one(w, &s, SHOP_T0 + 900000, 1010), ERR_OK);
	expect_outage(w, "meter", s.meter, SHOP_T0 + 900000);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(gateway_alarm(w->db, gateway, "G", true, t0, later), ERR_OK);
		expect_outage(w, "gateway", gateway, 0);
	}
	assert_int_equal(gateway_alarm(w->db, gateway, "G", false, later, later), ERR_OK);
	expect_outage(w, "gateway", gateway, later.ms);
	assert_int_equal(shop_number(w->root,
				 "SELECT COUNT(*) AS v FROM alarm WHERE kind = 'gateway_silent'"
				 " AND cleared_at > 0 AND object_id = %lld",
				 gateway),
		1);
}

static void test_faults_add_up(void **state)
{
	struct world *w = *state;
	struct shop s = new_shop(w);
	int64_t gateway = gateway_of(w, &s);
	const struct gateway_fault rows[] = { { gateway, "crc", 3, { SHOP_T0 } },
		{ gateway, "exception_2", 1, { SHOP_T0 } } };

	for (int i = 0; i < 2; i++)
		assert_int_equal(gateway_faults_add(w->db, rows, 2), ERR_OK);
	assert_int_equal(shop_number(w->root,
				 "SELECT seen AS v FROM gateway_fault WHERE kind = 'crc' AND "
				 "gateway_id = %lld",
				 gateway),
		6);
}

static void test_silence_and_its_gateway(void **state)
{
	struct world *w = *state;
	struct shop s = new_shop(w);
	struct report r = report_of(&s, SHOP_T0, 1000), copy;

	assert_int_equal(sink_one(w, &s, SHOP_T0, 1000), ERR_OK);
	r.has_reading = false;
	r.fails = 3;
	r.comm = COMM_SILENT;
	snprintf(r.error, sizeof(r.error), "no answer within 1000 ms");
	copy = r;
	assert_int_equal(sink_batch(w->sink, &copy, 1), ERR_OK);
	assert_int_equal(alarms_open(w, &s), 1);
	assert_int_equal(
		shop_number(w->root,
			"SELECT fails AS v FROM meter_state WHERE comm = 'silent' AND meter_id = "
			"%lld",
			s.meter),
		3);
	copy = r;
	copy.gateway_silent = true; /* its gateway has an alarm of its own */
	assert_int_equal(sink_batch(w->sink, &copy, 1), ERR_OK);
	assert_int_equal(alarms_open(w, &s), 0);
	copy = r;
	assert_int_equal(sink_batch(w->sink, &copy, 1), ERR_OK);
	assert_int_equal(alarms_open(w, &s), 1);
	assert_int_equal(sink_one(w, &s, SHOP_T0 + 60000, 1000), ERR_OK);
	assert_int_equal(alarms_open(w, &s), 0);
	assert_int_equal(
		shop_number(w->root,
			"SELECT fails AS v FROM meter_state WHERE comm = 'ok' AND meter_id "
			"= %lld",
			s.meter),
		0);
}

static void test_use_while_off(void **state)
{
	struct world *w = *state;
	struct shop s = new_shop(w);
	struct report r;

	assert_int_equal(sink_one(w, &s, SHOP_T0, 1000), ERR_OK);
	for (int i = 1; i <= 6; i++) {
		r = report_of(&s, SHOP_T0 + i * 60000, 1000 + i * 20);
		snprintf(r.observed, sizeof(r.observed), "off");
		assert_int_equal(sink_batch(w->sink, &r, 1), ERR_OK);
		/* Off since the first minute, watched from the fourth: 60 Wh are too much. */
		assert_int_equal(alarms_open(w, &s), i * 20 - 80 > 50 ? 1 : 0);
	}
	for (int i = 7; i <= 8; i++) {
		r = report_of(&s, SHOP_T0 + i * 60000, 1000 + i * 20);
		snprintf(r.observed, sizeof(r.observed), "off");
		assert_int_equal(sink_batch(w->sink, &r, 1), ERR_OK);
	}
	assert_int_equal(alarms_open(w, &s), 1);
	assert_int_equal(sink_one(w, &s, SHOP_T0 + 9 * 60000, 1200), ERR_OK);
	assert_int_equal(alarms_open(w, &s), 0);
}

static void test_the_newest_reading_wins_on_the_desk(void **state)
{
	struct desk *d = desk_open();
	struct shop s = { .meter = 5, .group = 1 };
	struct report r = report_of(&s, SHOP_T0, 1000), out[4];

	(void)state;
	desk_put(d, &r);
	r = report_of(&s, SHOP_T0 + 60000, 1100);
	desk_put(d, &r);
	r.has_reading = false; /* a failure does not take the reading away */
	r.fails = 1;
	desk_put(d, &r);
	assert_int_equal(desk_waiting(d), 1);
	assert_int_equal(desk_take(d, out, 4, 0, 0), 1);
	assert_true(out[0].has_reading);
	assert_int_equal(out[0].now.register_milli.milli, 1100);
	assert_int_equal(out[0].fails, 1);
	r = report_of(&s, SHOP_T0 + 120000, 1200);
	desk_put(d, &r);
	desk_put_back(d, out, 1); /* older than what has come */
	assert_int_equal(desk_take(d, out, 4, 0, 0), 1);
	assert_int_equal(out[0].now.register_milli.milli, 1200);
	desk_close(d);
	assert_int_equal(desk_take(d, out, 4, 1000, 1000), 0);
	desk_free(&d);
}

/* ---- acts ---- */

/* A shop that owes, was warned, and whose meter was read just now. */
static struct shop owing_shop(struct world *w)
{
	struct shop s = new_shop(w);
	long long now = utc_now().ms, point = s.point, account = s.account;

	assert_int_equal(sink_one(w, &s, now, 1000), ERR_OK);
	shop_set(w->root,
		"INSERT INTO block (supply_point_id, kind, cause, since_at) VALUES (%lld, "
		"'arrears', 'account:%lld', %lld)",
		point, account, now);
	shop_set(w->root,
		"INSERT INTO notice (account_id, kind, text, created_at) VALUES (%lld, 'arrears', "
		"'', %lld)",
		account, now);
	shop_set(w->root,
		"INSERT INTO outbox (once_key, notice_id, channel, recipient, template, params, "
		"state, next_at, expires_at, sent_at, created_at) VALUES ('final:%lld', "
		"LAST_INSERT_ID(), 'sms', '1', 'arrears', '{}', 'sent', 0, 0, %lld, %lld)",
		account, now, now);
	shop_set(w->root,
		"UPDATE supply_point SET desired = 'off', desired_reason = 'arrears', gated = 1, "
		"desired_since = %lld, pending = 1 WHERE id = %lld",
		now, point);
	return s;
}

static struct act_order ask(struct world *w, const struct shop *s, enum identity identity)
{
	struct act_ask a = { .lease = lease_of(s),
		.supply_point_id = s->point,
		.identity = identity,
		.settle_ms = 3000,
		.now = utc_now() };
	struct act_order o = { 0 };

	assert_int_equal(act_begin(w->db, &a, &o), ERR_OK);
	return o;
}

static void finish(struct world *w, const struct shop *s, int64_t act_id, enum act_result result,
	const char *observed)
{
	struct act_end end = { .lease = lease_of(s),
		.act_id = act_id,
		.result = result,
		.observed = observed,
		.error = "",
		.now = utc_now() };

	assert_int_equal(act_end(w->db, &end), ERR_OK);
	assert_int_equal(act_end(w->db, &end), ERR_OK); /* safe to repeat */
}

static void expect_word(struct world *w, const struct shop *s, enum identity id, const char *word)
{
	struct act_order o = ask(w, s, id);

	assert_int_equal(o.answer, ANSWER_LATER);
	assert_string_equal(o.word, word);
	assert_int_equal(shop_number(w->root,
				 "SELECT COUNT(*) AS v FROM supply_act WHERE supply_point_id = "
				 "%lld",
				 s->point),
		0);
	assert_int_equal(
		shop_number(w->root,
			"SELECT deferred <> '' AND try_at > 0 AS v FROM supply_point WHERE "
			"id = %lld",
			s->point),
		1);
}

static void test_a_cut_goes_its_whole_way(void **state)
{
	struct world *w = *state;
	struct shop s = owing_shop(w);
	struct act_order o = ask(w, &s, IDENTITY_SURE);

	assert_int_equal(o.answer, ANSWER_GO);
	assert_false(o.on);
	assert_true(o.gated);
	assert_int_equal(shop_number(w->root,
				 "SELECT COUNT(*) AS v FROM supply_act WHERE state = 'sent' AND "
				 "epoch = 1 AND id = %lld",
				 o.act_id),
		1);
	finish(w, &s, o.act_id, ACT_RESULT_DONE, "off");
	assert_int_equal(
		shop_number(w->root, "SELECT state = 'done' AS v FROM supply_act WHERE id = %lld",
			o.act_id),
		1);
	assert_int_equal(shop_number(w->root,
				 "SELECT observed = 'off' AND NOT pending AS v FROM supply_point "
				 "WHERE id = %lld",
				 s.point),
		1);
	assert_int_equal(ask(w, &s, IDENTITY_SURE).answer, ANSWER_NOTHING);
}

static void test_what_stands_against_a_cut(void **state)
{
	struct world *w = *state;
	struct shop s = owing_shop(w);
	long long now = utc_now().ms;

	expect_word(w, &s, IDENTITY_UNREAD, "identity");
	expect_word(w, &s, IDENTITY_OTHER, "identity");
	shop_set(w->root, "UPDATE meter_state SET read_at = %lld WHERE meter_id = %lld",
		now - 121000, (long long)s.meter);
	expect_word(w, &s, IDENTITY_SURE, "stale");
	shop_set(w->root, "UPDATE meter_state SET read_at = %lld WHERE meter_id = %lld", now,
		(long long)s.meter);
	shop_set(w->root, "UPDATE meter_state SET verdict = 'backwards' WHERE meter_id = %lld",
		(long long)s.meter);
	expect_word(w, &s, IDENTITY_SURE, "implausible");
	shop_set(w->root, "UPDATE meter_state SET verdict = 'accepted' WHERE meter_id = %lld",
		(long long)s.meter);
	shop_set(w->root, "UPDATE notice SET created_at = 5 WHERE account_id = %lld",
		(long long)s.account);
	expect_word(w, &s, IDENTITY_SURE, "unwarned"); /* that was for an earlier crossing */
	shop_set(w->root, "UPDATE notice SET created_at = %lld WHERE account_id = %lld", now,
		(long long)s.account);
	shop_set(w->root,
		"INSERT INTO brake (site_id, open_site, pulled_at, pulled_by) VALUES (%lld, %lld, "
		"1, 'x')",
		(long long)s.site, (long long)s.site);
	expect_word(w, &s, IDENTITY_SURE, "brake");
	shop_set(w->root, "UPDATE brake SET open_site = NULL WHERE site_id = %lld",
		(long long)s.site);
	shop_set(w->root,
		"INSERT INTO site_holiday (site_id, day, kind) VALUES (%lld, "
		"DATE(FROM_UNIXTIME(%lld / 1000 + 8 * 3600)), 'holiday')",
		(long long)s.site, now);
	expect_word(w, &s, IDENTITY_SURE, "quiet");
	shop_set(w->root, "DELETE FROM site_holiday WHERE site_id = %lld", (long long)s.site);
	shop_set(w->root,
		"INSERT INTO pay_order (out_trade_no, account_id, amount_fen, channel, service, "
		"pay, state, created_at, expires_at) VALUES ('o%lld', %lld, 100, 'wechat_native', "
		"'wechat', '', 'pending', %lld, %lld)",
		(long long)s.account, (long long)s.account, now, now + 1800000);
	expect_word(w, &s, IDENTITY_SURE, "payment");
	/* One delay a crossing: the first order of this one was two minutes ago. */
	shop_set(w->root,
		"INSERT INTO pay_order (out_trade_no, account_id, amount_fen, channel, service, "
		"pay, state, created_at, expires_at) VALUES ('p%lld', %lld, 100, 'wechat_native', "
		"'wechat', '', 'closed', %lld, %lld)",
		(long long)s.account, (long long)s.account, now - 119999, now + 1800000);
	shop_set(w->root,
		"UPDATE block SET since_at = since_at - 60000 WHERE supply_point_id = %lld",
		(long long)s.point);
	shop_set(w->root,
		"UPDATE pay_order SET created_at = %lld WHERE account_id = %lld AND state = "
		"'closed'",
		now - 121000, (long long)s.account);
	assert_int_equal(ask(w, &s, IDENTITY_SURE).answer, ANSWER_GO);
}

static void test_a_payment_stops_the_cut(void **state)
{
	struct world *w = *state;
	struct shop s = owing_shop(w);

	/* Paid, but desired has not been decided anew yet: the poller does it. */
	shop_set(w->root, "DELETE FROM block WHERE supply_point_id = %lld", (long long)s.point);
	assert_int_equal(ask(w, &s, IDENTITY_SURE).answer, ANSWER_NOTHING);
	assert_int_equal(shop_number(w->root,
				 "SELECT desired = 'on' AND NOT pending AS v FROM supply_point "
				 "WHERE id = %lld",
				 s.point),
		1);
}

static void test_unknown_is_read_before_anything_else(void **state)
{
	struct world *w = *state;
	struct shop s = owing_shop(w);
	struct act_order o = ask(w, &s, IDENTITY_SURE);

	assert_int_equal(o.answer, ANSWER_GO);
	finish(w, &s, o.act_id, ACT_RESULT_UNKNOWN, "");
	assert_int_equal(ask(w, &s, IDENTITY_SURE).answer, ANSWER_READ);
	assert_int_equal(sink_one(w, &s, utc_now().ms + 10, 1000), ERR_OK);
	assert_int_equal(ask(w, &s, IDENTITY_SURE).answer, ANSWER_GO);
}

static void test_orphans_are_unknown(void **state)
{
	struct world *w = *state;
	struct shop s = owing_shop(w);
	struct act_order o = ask(w, &s, IDENTITY_SURE);
	struct lease next;

	assert_int_equal(o.answer, ANSWER_GO);
	assert_int_equal(lease_take(w->db, s.group, "test", true, &next), ERR_OK);
	assert_int_equal(acts_orphaned(w->db, &next, utc_now()), ERR_OK);
	assert_int_equal(
		shop_number(w->root,
			"SELECT state = 'unknown' AS v FROM supply_act WHERE id = %lld", o.act_id),
		1);
	/* The former process is fenced whatever it still wants. */
	assert_int_equal(act_end(w->db, &(struct act_end){ .lease = lease_of(&s),
						.act_id = o.act_id,
						.observed = "off",
						.error = "",
						.now = utc_now() }),
		ERR_FENCED);
}

static void test_failures_wait_longer_and_alarm(void **state)
{
	struct world *w = *state;
	struct shop s = owing_shop(w);
	struct act_order o;

	for (int i = 1; i <= 5; i++) {
		assert_int_equal(alarms_open(w, &s), 0);
		o = ask(w, &s, IDENTITY_SURE);
		assert_int_equal(o.answer, ANSWER_GO);
		finish(w, &s, o.act_id, ACT_RESULT_REFUSED, "on");
		assert_int_equal(
			shop_number(w->root, "SELECT tries AS v FROM supply_point WHERE id = %lld",
				s.point),
			i);
	}
	assert_int_equal(alarms_open(w, &s), 1);
	o = ask(w, &s, IDENTITY_SURE);
	finish(w, &s, o.act_id, ACT_RESULT_DONE, "off");
	assert_int_equal(alarms_open(w, &s), 0);
	assert_int_equal(
		shop_number(w->root, "SELECT tries + try_at AS v FROM supply_point WHERE id = %lld",
			s.point),
		0);
}

static void put_at_site(struct world *w, const struct shop *s, int64_t site)
{
	shop_set(w->root, "UPDATE supply_point SET site_id = %lld WHERE id = %lld", (long long)site,
		(long long)s->point);
}

static int64_t alarms_of_site(struct world *w, int64_t site)
{
	return shop_number(w->root,
		"SELECT COUNT(*) AS v FROM alarm WHERE open_key IS NOT NULL AND kind = 'mass_trip' "
		"AND severity = 'urgent' AND object_id = %lld",
		site);
}

static enum err release_tx(struct db *db, void *ctx)
{
	return brake_release(db, &(struct brake_change){ .site_id = *(int64_t *)ctx,
					 .actor = "user:1",
					 .reason = "seen",
					 .now = utc_now() });
}

/* Six of the seven supplies of a site are due at once: five a minute are plausible. None is cut
 * until a person has looked, then all of them are. */
static void test_mass_trip_brake(void **state)
{
	struct world *w = *state;
	struct shop due[6];
	struct shop calm = new_shop(w);
	struct db *api = fixture_as("yufu_api");
	int64_t site = calm.site;

	for (size_t i = 0; i < ARRAY_LEN(due); i++) {
		due[i] = owing_shop(w);
		put_at_site(w, &due[i], site);
	}
	put_at_site(w, &due[5], due[5].site); /* still elsewhere: five are plausible */
	assert_int_equal(ask(w, &due[0], IDENTITY_SURE).answer, ANSWER_GO);
	assert_int_equal(alarms_of_site(w, site), 0);
	put_at_site(w, &due[5], site);
	for (size_t i = 1; i < ARRAY_LEN(due); i++)
		expect_word(w, &due[i], IDENTITY_SURE, "brake");
	assert_int_equal(alarms_of_site(w, site), 1);
	assert_int_equal(shop_number(w->root,
				 "SELECT crossings AS v FROM brake WHERE open_site = %lld", site),
		6);
	/* A minute later the crossings are old, and it is pulled all the same. */
	shop_set(w->root,
		"UPDATE supply_point SET desired_since = desired_since - 61000 WHERE site_id = "
		"%lld",
		(long long)site);
	expect_word(w, &due[1], IDENTITY_SURE, "brake");

	assert_int_equal(db_tx(api, release_tx, &site), ERR_OK);
	assert_int_equal(alarms_of_site(w, site), 0);
	assert_int_equal(shop_number(w->root,
				 "SELECT COUNT(*) AS v FROM supply_point WHERE site_id = %lld AND "
				 "try_at > 0",
				 site),
		0);
	for (size_t i = 1; i < ARRAY_LEN(due); i++)
		assert_int_equal(ask(w, &due[i], IDENTITY_SURE).answer, ANSWER_GO);
	db_free(&api);
}

/* The poller's own setting wins over those of the site. */
static void test_the_limit_of_the_poller(void **state)
{
	struct world *w = *state;
	struct shop a = owing_shop(w), b = owing_shop(w);
	struct act_ask q = { .lease = lease_of(&a),
		.supply_point_id = a.point,
		.identity = IDENTITY_SURE,
		.mass_trip_limit = 1,
		.now = utc_now() };
	struct act_order o;

	assert_int_equal(act_begin(w->db, &q, &o), ERR_OK);
	assert_int_equal(o.answer, ANSWER_GO);
	put_at_site(w, &b, a.site);
	q.lease = lease_of(&b);
	q.supply_point_id = b.point;
	assert_int_equal(act_begin(w->db, &q, &o), ERR_OK);
	assert_int_equal(o.answer, ANSWER_LATER);
	assert_string_equal(o.word, "brake");
}

/* Fees run from an approved list: they neither count for the brake nor pass it. */
static void test_fees_do_not_pull_the_brake(void **state)
{
	struct world *w = *state;
	struct shop due[7];

	for (size_t i = 0; i < ARRAY_LEN(due); i++) {
		due[i] = owing_shop(w);
		put_at_site(w, &due[i], due[0].site);
		shop_set(w->root,
			"UPDATE supply_point p, block b, notice n SET p.desired_reason = 'fee', "
			"b.kind = 'fee', n.kind = 'fee' WHERE p.id = %lld AND b.supply_point_id = "
			"p.id AND n.account_id = %lld",
			(long long)due[i].point, (long long)due[i].account);
	}
	for (size_t i = 0; i + 1 < ARRAY_LEN(due); i++)
		assert_int_equal(ask(w, &due[i], IDENTITY_SURE).answer, ANSWER_GO);
	shop_set(w->root,
		"INSERT INTO brake (site_id, open_site, pulled_at, pulled_by) VALUES (%lld, %lld, "
		"1, 'user:1')",
		(long long)due[0].site, (long long)due[0].site);
	expect_word(w, &due[6], IDENTITY_SURE, "brake");
}

static enum err note_tx(struct db *db, void *ctx)
{
	const struct shop *s = ctx;

	return supply_take_note(db, s->point, "user:1", utc_now());
}

/* The final warning has left long enough ago, or a person has taken note since. */
static void test_the_final_warning(void **state)
{
	struct world *w = *state;
	struct shop s = owing_shop(w), noted = owing_shop(w);

	shop_set(w->root,
		"INSERT INTO setting (site_id, name, value) VALUES (%lld, 'final_warning_min', 10)",
		(long long)s.site);
	expect_word(w, &s, IDENTITY_SURE, "unwarned");
	shop_set(
		w->root, "UPDATE outbox SET sent_at = sent_at - 599000 WHERE template = 'arrears'");
	expect_word(w, &s, IDENTITY_SURE, "unwarned");
	shop_set(w->root, "UPDATE outbox SET sent_at = sent_at - 2000 WHERE template = 'arrears'");
	assert_int_equal(ask(w, &s, IDENTITY_SURE).answer, ANSWER_GO);

	/* What never left does not warn. */
	shop_set(w->root,
		"UPDATE outbox o JOIN notice n ON n.id = o.notice_id SET o.state = 'failed' WHERE "
		"n.account_id = %lld",
		(long long)noted.account);
	expect_word(w, &noted, IDENTITY_SURE, "unwarned");
	assert_int_equal(db_tx(w->root, note_tx, &noted), ERR_OK);
	shop_set(w->root,
		"UPDATE block SET since_at = since_at + 60000 WHERE supply_point_id = "
		"%lld",
		(long long)noted.point);
	expect_word(w, &noted, IDENTITY_SURE, "unwarned"); /* a crossing after the note */
	shop_set(w->root,
		"UPDATE block SET since_at = since_at - 60000 WHERE supply_point_id = "
		"%lld",
		(long long)noted.point);
	assert_int_equal(ask(w, &noted, IDENTITY_SURE).answer, ANSWER_GO);
}

/* Quiet hours hold a cut back; it is listed with its reason, and carried out when they are over. */
static void test_quiet_hours_put_a_cut_off(void **state)
{
	struct world *w = *state;
	struct shop s = owing_shop(w);
	AUTO(rows_free) struct rows due = { 0 };
	AUTO(rows_free) struct rows none = { 0 };
	const struct supply_line *line;
	int64_t minute = (utc_now().ms / 60000 + 8 * 60) % 1440;

	/* From an hour ago to an hour ahead, and nothing is spread. */
	shop_set(w->root,
		"INSERT INTO setting (site_id, name, value) VALUES (%lld, 'quiet_from_min', %lld), "
		"(%lld, 'quiet_to_min', %lld), (%lld, 'quiet_stagger_min', 0)",
		(long long)s.site, (long long)(minute + 1380) % 1440, (long long)s.site,
		(long long)(minute + 60) % 1440, (long long)s.site);
	expect_word(w, &s, IDENTITY_SURE, "quiet");
	assert_int_equal(supply_due(w->root, s.site, &due), ERR_OK);
	assert_int_equal(due.n, 1);
	line = due.at;
	assert_int_equal(line->id, s.point);
	assert_string_equal(line->desired_reason, "arrears");
	assert_string_equal(line->deferred, "quiet");
	assert_true(line->should_be_off && line->deferred_since.ms > 0);
	/* An overload does not wait: it is a danger by itself. */
	shop_set(w->root,
		"INSERT INTO block (supply_point_id, kind, since_at, actor) VALUES (%lld, "
		"'overload', 1, 'system')",
		(long long)s.point);
	assert_int_equal(ask(w, &s, IDENTITY_SURE).answer, ANSWER_GO);
	shop_set(
		w->root, "DELETE FROM supply_act WHERE supply_point_id = %lld", (long long)s.point);
	shop_set(w->root, "DELETE FROM block WHERE supply_point_id = %lld AND kind = 'overload'",
		(long long)s.point);
	expect_word(w, &s, IDENTITY_SURE, "quiet");

	shop_set(w->root,
		"UPDATE setting SET value = %lld WHERE site_id = %lld AND name = 'quiet_to_min'",
		(long long)(minute + 1439) % 1440, (long long)s.site);
	assert_int_equal(ask(w, &s, IDENTITY_SURE).answer, ANSWER_GO);
	assert_int_equal(shop_number(w->root,
				 "SELECT deferred = '' AND deferred_since = 0 AS v FROM "
				 "supply_point WHERE id = %lld",
				 s.point),
		1);
	assert_int_equal(supply_due(w->root, s.site + 1000000, &none), ERR_OK);
	assert_int_equal(none.n, 0);
}

static void test_acts_name_who(void **state)
{
	struct world *w = *state;
	struct shop s = owing_shop(w);
	struct act_order o;

	shop_set(w->root,
		"INSERT INTO block (supply_point_id, kind, since_at, actor) VALUES (%lld, "
		"'manual', 1, 'user:9')",
		(long long)s.point);
	o = ask(w, &s, IDENTITY_UNREAD); /* a person's wish passes no gate */
	assert_int_equal(o.answer, ANSWER_GO);
	assert_int_equal(
		shop_number(w->root, "SELECT actor = 'user:9' AS v FROM supply_act WHERE id = %lld",
			o.act_id),
		1);
	finish(w, &s, o.act_id, ACT_RESULT_DONE, "off");
	shop_set(w->root, "DELETE FROM block WHERE supply_point_id = %lld", (long long)s.point);
	o = ask(w, &s, IDENTITY_UNREAD);
	assert_true(o.on);
	assert_int_equal(
		shop_number(w->root, "SELECT actor = 'system' AS v FROM supply_act WHERE id = %lld",
			o.act_id),
		1);
}

static void test_an_open_valve_is_not_sent_twice(void **state)
{
	struct world *w = *state;
	struct shop s = owing_shop(w);
	struct act_order o = ask(w, &s, IDENTITY_SURE);
	struct act_end end = { .lease = lease_of(&s),
		.act_id = o.act_id,
		.result = ACT_RESULT_MOVING,
		.observed = "moving",
		.error = "",
		.now = utc_now() };

	assert_int_equal(act_end(w->db, &end), ERR_OK);
	assert_int_equal(
		shop_number(w->root, "SELECT state = 'sent' AS v FROM supply_act WHERE id = %lld",
			o.act_id),
		1);
	assert_int_equal(ask(w, &s, IDENTITY_SURE).answer, ANSWER_NOTHING);
	end.result = ACT_RESULT_DONE;
	end.observed = "off";
	assert_int_equal(act_end(w->db, &end), ERR_OK);
	assert_int_equal(shop_number(w->root,
				 "SELECT observed = 'off' AND NOT pending AS v FROM supply_point "
				 "WHERE id = %lld",
				 s.point),
		1);
}

/* The valve did not arrive before its deadline: unknown, read again (still moving), nothing more is
 * sent into it, and a person is told; once it is seen to have arrived the work goes on. */
static void test_a_valve_that_sticks(void **state)
{
	struct world *w = *state;
	struct shop s = owing_shop(w);
	struct act_order o = ask(w, &s, IDENTITY_SURE);
	struct utc now = utc_now();
	struct report r;

	finish(w, &s, o.act_id, ACT_RESULT_UNKNOWN, "moving");
	assert_int_equal(ask(w, &s, IDENTITY_SURE).answer, ANSWER_NOTHING);
	r = report_of(&s, now.ms + 1000, 1000);
	snprintf(r.observed, sizeof(r.observed), "moving");
	assert_int_equal(sink_batch(w->sink, &r, 1), ERR_OK);
	assert_int_equal(ask(w, &s, IDENTITY_SURE).answer, ANSWER_NOTHING);
	assert_int_equal(supplies_wrong(w->db, now), ERR_OK);
	assert_int_equal(alarms_open(w, &s), 0);
	now.ms += 62000;
	assert_int_equal(supplies_wrong(w->db, now), ERR_OK);
	assert_int_equal(supplies_wrong(w->db, now), ERR_OK);
	assert_int_equal(alarms_open(w, &s), 1);
	/* It went back open: the alarm ends, and the cut is due again. */
	assert_int_equal(sink_one(w, &s, utc_now().ms + 2000, 1000), ERR_OK);
	assert_int_equal(supplies_wrong(w->db, now), ERR_OK);
	assert_int_equal(alarms_open(w, &s), 0);
	assert_int_equal(ask(w, &s, IDENTITY_SURE).answer, ANSWER_GO);
}

static void test_still_dark_after_a_minute(void **state)
{
	struct world *w = *state;
	struct shop s = new_shop(w);
	struct utc now = utc_now();

	shop_set(w->root,
		"UPDATE supply_point SET desired = 'on', observed = 'off', pending = 1, "
		"desired_since = %lld WHERE id = %lld",
		(long long)now.ms - 59000, (long long)s.point);
	assert_int_equal(supplies_wrong(w->db, now), ERR_OK);
	assert_int_equal(alarms_open(w, &s), 0);
	now.ms += 2000;
	assert_int_equal(supplies_wrong(w->db, now), ERR_OK);
	assert_int_equal(supplies_wrong(w->db, now), ERR_OK);
	assert_int_equal(alarms_open(w, &s), 1);
	shop_set(w->root, "UPDATE supply_point SET observed = 'on', pending = 0 WHERE id = %lld",
		(long long)s.point);
	assert_int_equal(supplies_wrong(w->db, now), ERR_OK);
	assert_int_equal(alarms_open(w, &s), 0);
}

static void test_a_device_that_was_exchanged(void **state)
{
	struct world *w = *state;
	struct shop s = new_shop(w);
	struct report flying;
	int64_t before;

	assert_int_equal(sink_one(w, &s, SHOP_T0, 1000), ERR_OK);
	assert_int_equal(sink_one(w, &s, SHOP_T0 + 60000, 1100), ERR_OK);
	before = balance(w, &s);
	/* Exchanged while the old device's reading was on its way. */
	shop_set(w->root, "UPDATE meter SET device = 2 WHERE id = %lld", (long long)s.meter);
	flying = report_of(&s, SHOP_T0 + 120000, 1200);
	snprintf(flying.observed, sizeof(flying.observed), "off");
	assert_int_equal(sink_batch(w->sink, &flying, 1), ERR_OK);
	assert_int_equal(balance(w, &s), before);
	assert_int_equal(shop_number(w->root,
				 "SELECT COUNT(*) AS v FROM reading WHERE verdict = 'identity'"
				 " AND meter_id = %lld",
				 s.meter),
		1);
	assert_int_equal(
		shop_number(w->root,
			"SELECT observed = 'on' AS v FROM supply_point WHERE id = %lld", s.point),
		1);
	assert_int_equal(alarms_open(w, &s), 0);
	/* The new one counts from where the old one ended here. */
	flying = report_of(&s, SHOP_T0 + 180000, 1200);
	flying.device = 2;
	assert_int_equal(sink_batch(w->sink, &flying, 1), ERR_OK);
	assert_true(balance(w, &s) < before);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_lease_has_one_holder),
		cmocka_unit_test(test_pollers_see_each_other),
		cmocka_unit_test(test_readings_are_kept_and_charged),
		cmocka_unit_test(test_bad_readings_are_kept_not_charged),
		cmocka_unit_test(test_the_same_batch_twice),
		cmocka_unit_test(test_one_bad_meter_blocks_nobody),
		cmocka_unit_test(test_a_late_tariff_charges_like_a_timely_one),
		cmocka_unit_test(test_a_fenced_sink_writes_nothing),
		cmocka_unit_test(test_clocks_that_are_wrong),
		cmocka_unit_test(test_the_first_serial_of_a_device_stays),
		cmocka_unit_test(test_outages_are_kept),
		cmocka_unit_test(test_faults_add_up),
		cmocka_unit_test(test_silence_and_its_gateway),
		cmocka_unit_test(test_use_while_off),
		cmocka_unit_test(test_the_newest_reading_wins_on_the_desk),
		cmocka_unit_test(test_a_cut_goes_its_whole_way),
		cmocka_unit_test(test_what_stands_against_a_cut),
		cmocka_unit_test(test_a_payment_stops_the_cut),
		cmocka_unit_test(test_unknown_is_read_before_anything_else),
		cmocka_unit_test(test_orphans_are_unknown),
		cmocka_unit_test(test_failures_wait_longer_and_alarm),
		cmocka_unit_test(test_mass_trip_brake),
		cmocka_unit_test(test_the_limit_of_the_poller),
		cmocka_unit_test(test_fees_do_not_pull_the_brake),
		cmocka_unit_test(test_the_final_warning),
		cmocka_unit_test(test_quiet_hours_put_a_cut_off),
		cmocka_unit_test(test_acts_name_who),
		cmocka_unit_test(test_an_open_valve_is_not_sent_twice),
		cmocka_unit_test(test_a_valve_that_sticks),
		cmocka_unit_test(test_still_dark_after_a_minute),
		cmocka_unit_test(test_a_device_that_was_exchanged),
	};

	return cmocka_run_group_tests(tests, open_world, close_world);
}
