/* Settlement against a real database, as the poller's own user: what is charged is what the rules
 * say, once, whoever asks twice. */
#include "shop_fixture.h"

#include <string.h>

#include "domain/charge.h"
#include "domain/reading.h"
#include "rules/settle.h"

#define MINUTE INT64_C(60000)
#define DAY INT64_C(86400000)

struct world {
	struct db *root;
	struct db *db; /* yufu_poller */
	struct tariffs *tariffs;
	int shops;
};

static int open_world(void **state)
{
	static struct world w;

	if (fixture_open((void **)&w.root) != 0)
		return -1;
	w.db = fixture_as("yufu_poller");
	w.tariffs = tariffs_open();
	*state = &w;
	return 0;
}

static int close_world(void **state)
{
	struct world *w = *state;

	tariffs_free(&w->tariffs);
	db_free(&w->db);
	return fixture_close((void **)&w->root);
}

static struct shop new_shop(struct world *w)
{
	return shop_make(w->root, ++w->shops);
}

struct one {
	struct world *w;
	struct charge_reading r;
};

/* What the sink does with one reading. */
static enum err one_tx(struct db *db, void *ctx)
{
	struct one *o = ctx;
	AUTO(charges_free) struct charges sum = { 0 };
	struct settled last = { 0 };
	enum err e = settled_lock(db, o->r.meter_id, &last);
	struct reading_facts f = { .at = o->r.at,
		.reg = o->r.reg,
		.capacity = o->r.capacity,
		.most_per_hour = o->r.most_per_hour,
		.has_last = last.read_at.ms != 0,
		.last_at = last.read_at,
		.last_reg = last.register_milli };

	if (e != ERR_OK)
		return e;
	if (reading_judge(&f) != VERDICT_ACCEPTED)
		return ERR_ALREADY;
	e = charge_settle(db, o->w->tariffs, &o->r, &last, &sum);
	return e == ERR_OK ? charge_post(db, &sum, o->r.at) : e;
}

static enum err read_at(struct world *w, const struct shop *s, int64_t at, int64_t reg)
{
	struct one o = {
		w,
		{ .meter_id = s->meter, .at = { at }, .reg = { reg }, .most_per_hour = 100000000 }
	};

	return db_tx(w->db, one_tx, &o);
}

/* The same with what only some meters tell. */
static enum err read_as(struct world *w, struct charge_reading r)
{
	struct one o = { w, r };

	o.r.most_per_hour = 100000000;
	return db_tx(w->db, one_tx, &o);
}

static int64_t balance(struct world *w, const struct shop *s)
{
	return shop_number(
		w->root, "SELECT balance_nano AS v FROM account WHERE id = %lld", s->account);
}

static int64_t settled_register(struct world *w, const struct shop *s)
{
	return shop_number(w->root,
		"SELECT COALESCE(MAX(register_milli), -1) AS v FROM settled WHERE meter_id = %lld",
		s->meter);
}

static enum err add_charge(void *ctx, const struct segment *s)
{
	return money_add(*(struct money *)ctx, s->charge, ctx);
}

/* The same by the rules alone. */
static int64_t by_rules(const int64_t *at, const int64_t *reg, size_t n)
{
	AUTO(json_free) json_t *doc = NULL;
	AUTO(zone_free) struct zone *z = NULL;
	AUTO(tariff_free) struct tariff *t = NULL;
	struct tier_use use = { 0 };
	struct money sum = { 0 };

	assert_int_equal(json_parse(shop_tariff(), strlen(shop_tariff()), &doc, NULL), ERR_OK);
	assert_int_equal(zone_open("Asia/Shanghai", &z), ERR_OK);
	assert_int_equal(tariff_parse(doc, z, &t, NULL), ERR_OK);
	for (size_t i = 1; i < n; i++)
		assert_int_equal(settle_interval(t, (struct utc){ at[i - 1] },
					 (struct utc){ at[i] }, (struct qty){ reg[i] - reg[i - 1] },
					 &use, (struct segment_sink){ add_charge, &sum }),
			ERR_OK);
	return sum.nano;
}

static void test_exactly_what_the_rules_say(void **state)
{
	struct world *w = *state;
	struct shop s = new_shop(w);
	int64_t at[40], reg[40], charge, days, hours, evidence;

	for (int i = 0; i < 40; i++) { /* into the third tier, and over the end of the month */
		at[i] = SHOP_T0 + i * (6 * 3600000 + 1234);
		reg[i] = 37537372 + i * 333 + i % 3;
		assert_int_equal(read_at(w, &s, at[i], reg[i]), ERR_OK);
	}
	charge = by_rules(at, reg, 40);
	assert_true(charge > 0);
	days = shop_number(w->root,
		"SELECT SUM(charge_nano) AS v FROM usage_day WHERE meter_id = %lld", s.meter);
	hours = shop_number(w->root,
		"SELECT SUM(charge_nano) AS v FROM usage_hour WHERE meter_id = %lld", s.meter);
	evidence = shop_number(w->root,
		"SELECT SUM(charge_nano) AS v FROM settlement WHERE meter_id = %lld", s.meter);
	assert_int_equal(balance(w, &s), SHOP_OPENING - charge);
	assert_int_equal(days, charge);
	assert_int_equal(hours, charge);
	assert_int_equal(evidence, charge);
	assert_int_equal(
		shop_number(w->root,
			"SELECT SUM(qty_milli) AS v FROM usage_day WHERE meter_id = %lld", s.meter),
		reg[39] - reg[0]);
	assert_int_equal(shop_number(w->root,
				 "SELECT SUM(to_milli - from_milli) AS v FROM settlement WHERE "
				 "meter_id = %lld",
				 s.meter),
		reg[39] - reg[0]);
	/* Every hour row begins at a full local hour. */
	assert_int_equal(shop_number(w->root,
				 "SELECT COUNT(*) AS v FROM usage_hour WHERE MOD(hour_at, 3600000) "
				 "<> 0 AND meter_id = %lld",
				 s.meter),
		0);
}

static void test_a_reading_counts_once(void **state)
{
	struct world *w = *state;
	struct shop s = new_shop(w);
	int64_t once;

	assert_int_equal(read_at(w, &s, SHOP_T0, 1000), ERR_OK);
	assert_int_equal(balance(w, &s), SHOP_OPENING); /* the first is the base */
	assert_int_equal(read_at(w, &s, SHOP_T0 + MINUTE, 1100), ERR_OK);
	once = balance(w, &s);
	assert_true(once < SHOP_OPENING);
	assert_int_equal(read_at(w, &s, SHOP_T0 + MINUTE, 1100), ERR_ALREADY);
	assert_int_equal(read_at(w, &s, SHOP_T0 + 1, 1050), ERR_ALREADY);
	assert_int_equal(read_at(w, &s, SHOP_T0 + 2 * MINUTE, 900), ERR_ALREADY);
	assert_int_equal(balance(w, &s), once);
	assert_int_equal(settled_register(w, &s), 1100);
	/* Nothing used: settled up to now, and no evidence of nothing. */
	assert_int_equal(read_at(w, &s, SHOP_T0 + 3 * MINUTE, 1100), ERR_OK);
	assert_int_equal(balance(w, &s), once);
	assert_int_equal(
		shop_number(w->root, "SELECT COUNT(*) AS v FROM settlement WHERE meter_id = %lld",
			s.meter),
		1);
}

static void test_without_tariff_it_waits(void **state)
{
	struct world *w = *state;
	struct shop s = new_shop(w);
	const int64_t at[] = { SHOP_T0, SHOP_T0 + DAY };
	const int64_t reg[] = { 1000, 8000 };

	shop_set(w->root, "DELETE FROM meter_tariff WHERE meter_id = %lld", (long long)s.meter);
	assert_int_equal(read_at(w, &s, SHOP_T0, 1000), ERR_OK);
	assert_int_equal(read_at(w, &s, SHOP_T0 + DAY / 2, 5000), ERR_NOT_FOUND);
	assert_int_equal(settled_register(w, &s), 1000);
	assert_int_equal(balance(w, &s), SHOP_OPENING);
	assert_int_equal(
		shop_number(w->root, "SELECT COUNT(*) AS v FROM usage_day WHERE meter_id = %lld",
			s.meter),
		0);
	shop_set(w->root, "INSERT INTO meter_tariff VALUES (%lld, 1, %lld)", (long long)s.meter,
		(long long)s.tariff);
	assert_int_equal(read_at(w, &s, at[1], reg[1]), ERR_OK);
	assert_int_equal(balance(w, &s), SHOP_OPENING - by_rules(at, reg, 2));
}

static void test_a_new_revision_is_noticed(void **state)
{
	struct world *w = *state;
	struct shop s = new_shop(w);
	int64_t before;

	assert_int_equal(read_at(w, &s, SHOP_T0, 1000), ERR_OK);
	assert_int_equal(read_at(w, &s, SHOP_T0 + MINUTE, 1100), ERR_OK);
	before = balance(w, &s);
	shop_set(w->root,
		"UPDATE tariff SET revision = revision + 1, doc = REGEXP_REPLACE(doc, "
		"'\"[0-9]\\\\.[0-9]+\"', '\"2\"') WHERE id = %lld",
		(long long)s.tariff);
	assert_int_equal(read_at(w, &s, SHOP_T0 + 2 * MINUTE, 1200), ERR_OK);
	assert_int_equal(before - balance(w, &s), 100 * 2000000);
}

static void test_arrears_at_zero(void **state)
{
	struct world *w = *state;
	struct shop s = new_shop(w);

	shop_set(w->root, "UPDATE account SET balance_nano = 50000000 WHERE id = %lld",
		(long long)s.account);
	assert_int_equal(read_at(w, &s, SHOP_T0, 1000), ERR_OK);
	assert_int_equal(read_at(w, &s, SHOP_T0 + MINUTE, 1010), ERR_OK);
	assert_int_equal(
		shop_number(w->root, "SELECT COUNT(*) AS v FROM block WHERE supply_point_id = %lld",
			s.point),
		0);
	assert_int_equal(read_at(w, &s, SHOP_T0 + 2 * MINUTE, 1510), ERR_OK);
	assert_true(balance(w, &s) <= 0);
	assert_int_equal(shop_number(w->root,
				 "SELECT COUNT(*) AS v FROM block WHERE kind = 'arrears' AND "
				 "supply_point_id = %lld",
				 s.point),
		1);
	assert_int_equal(shop_number(w->root,
				 "SELECT desired = 'off' AND gated AS v FROM supply_point WHERE id "
				 "= %lld",
				 s.point),
		1);
	assert_int_equal(shop_number(w->root,
				 "SELECT COUNT(*) AS v FROM notice WHERE kind = 'arrears' AND "
				 "account_id = %lld",
				 s.account),
		1);
}

static void test_a_new_tenant_pays_from_his_first_moment(void **state)
{
	struct world *w = *state;
	struct shop s = new_shop(w), other = new_shop(w);
	const int64_t at[] = { SHOP_T0 + DAY / 2, SHOP_T0 + DAY };
	const int64_t reg[] = { 3000, 5000 };

	/* Contract one ends at noon, the other tenant's begins then. */
	shop_set(w->root, "UPDATE contract_point SET to_at = %lld WHERE supply_point_id = %lld",
		(long long)at[0], (long long)s.point);
	shop_set(w->root, "INSERT INTO contract_point VALUES (%lld, %lld, %lld, %lld, 0)",
		(long long)other.contract, (long long)s.point, (long long)other.account,
		(long long)at[0]);
	assert_int_equal(read_at(w, &s, SHOP_T0, 1000), ERR_OK);
	assert_int_equal(read_at(w, &s, SHOP_T0 + DAY, 5000), ERR_OK);
	assert_int_equal(balance(w, &other), SHOP_OPENING - by_rules(at, reg, 2));
	assert_int_equal(
		shop_number(w->root,
			"SELECT SUM(qty_milli) AS v FROM usage_day WHERE meter_id = %lld", s.meter),
		4000);
	assert_int_equal(
		shop_number(w->root, "SELECT COUNT(*) AS v FROM settlement WHERE meter_id = %lld",
			s.meter),
		2);
}

/* Priced, so that it can be billed or shared, but no purse is touched. */
static void check_priced_only(struct world *w, const char *billing)
{
	struct shop s = new_shop(w);
	const int64_t at[] = { SHOP_T0, SHOP_T0 + DAY };
	const int64_t reg[] = { 1000, 9000 };

	shop_set(w->root, "UPDATE meter SET billing = '%s' WHERE id = %lld", billing,
		(long long)s.meter);
	assert_int_equal(read_at(w, &s, at[0], reg[0]), ERR_OK);
	assert_int_equal(read_at(w, &s, at[1], reg[1]), ERR_OK);
	assert_int_equal(balance(w, &s), SHOP_OPENING);
	assert_int_equal(shop_number(w->root,
				 "SELECT SUM(qty_milli) AS v FROM usage_day WHERE account_id = 0 "
				 "AND tariff_id <> 0 AND meter_id = %lld",
				 s.meter),
		8000);
	assert_int_equal(
		shop_number(w->root,
			"SELECT SUM(charge_nano) AS v FROM usage_day WHERE meter_id = %lld",
			s.meter),
		by_rules(at, reg, 2));
}

static void test_whoever_pays_no_purse_is_priced(void **state)
{
	check_priced_only(*state, "postpaid");
	check_priced_only(*state, "none");
}

/* A postpaid bill needs a price: use waits for its tariff as that of a purse does. */
static void test_postpaid_waits_for_its_tariff(void **state)
{
	struct world *w = *state;
	struct shop s = new_shop(w);
	const int64_t at[] = { SHOP_T0, SHOP_T0 + DAY };
	const int64_t reg[] = { 1000, 9000 };

	shop_set(w->root, "UPDATE meter SET billing = 'postpaid' WHERE id = %lld",
		(long long)s.meter);
	shop_set(w->root, "DELETE FROM meter_tariff WHERE meter_id = %lld", (long long)s.meter);
	assert_int_equal(read_at(w, &s, at[0], reg[0]), ERR_OK);
	assert_int_equal(read_at(w, &s, at[0] + DAY / 2, 5000), ERR_NOT_FOUND);
	assert_int_equal(
		shop_number(w->root, "SELECT COUNT(*) AS v FROM settlement WHERE meter_id = %lld",
			s.meter),
		0);
	shop_set(w->root,
		"INSERT INTO meter_tariff (meter_id, from_at, tariff_id) VALUES (%lld, 1, %lld)",
		(long long)s.meter, (long long)s.tariff);
	assert_int_equal(read_at(w, &s, at[1], reg[1]), ERR_OK);
	assert_int_equal(
		shop_number(w->root,
			"SELECT SUM(charge_nano) AS v FROM usage_day WHERE meter_id = %lld",
			s.meter),
		by_rules(at, reg, 2));
	assert_int_equal(balance(w, &s), SHOP_OPENING);
}

static void test_nobodys_energy_is_priced(void **state)
{
	struct world *w = *state;
	struct shop s = new_shop(w);
	const int64_t at[] = { SHOP_T0, SHOP_T0 + DAY };
	const int64_t reg[] = { 1000, 9000 };

	shop_set(w->root, "DELETE FROM contract_point WHERE supply_point_id = %lld",
		(long long)s.point);
	assert_int_equal(read_at(w, &s, at[0], reg[0]), ERR_OK);
	assert_int_equal(read_at(w, &s, at[1], reg[1]), ERR_OK);
	assert_int_equal(
		shop_number(w->root,
			"SELECT SUM(charge_nano) AS v FROM usage_day WHERE contract_id = 0 AND "
			"account_id = 0 AND meter_id = %lld",
			s.meter),
		by_rules(at, reg, 2));
	assert_int_equal(shop_number(w->root,
				 "SELECT used_milli AS v FROM tier_use WHERE contract_id = 0 AND "
				 "supply_point_id = %lld",
				 s.point),
		8000);
	assert_int_equal(balance(w, &s), SHOP_OPENING);
}

/* Without a tariff nothing waits where nobody is charged. */
static void test_measured_without_tariff(void **state)
{
	struct world *w = *state;
	struct shop s = new_shop(w);

	shop_set(w->root, "DELETE FROM meter_tariff WHERE meter_id = %lld", (long long)s.meter);
	shop_set(w->root, "UPDATE meter SET billing = 'none' WHERE id = %lld", (long long)s.meter);
	assert_int_equal(read_at(w, &s, SHOP_T0, 1000), ERR_OK);
	assert_int_equal(read_at(w, &s, SHOP_T0 + DAY, 9000), ERR_OK);
	assert_int_equal(
		shop_number(w->root,
			"SELECT SUM(qty_milli) AS v FROM usage_day WHERE tariff_id = 0 AND "
			"charge_nano = 0 AND meter_id = %lld",
			s.meter),
		8000);
}

/* The same day, rate and price, first measured and then charged: two rows, and one is paid. */
static void test_a_meter_begins_to_be_charged(void **state)
{
	struct world *w = *state;
	struct shop s = new_shop(w);

	shop_set(w->root, "UPDATE meter SET billing = 'none' WHERE id = %lld", (long long)s.meter);
	assert_int_equal(read_at(w, &s, SHOP_T0, 1000), ERR_OK);
	assert_int_equal(read_at(w, &s, SHOP_T0 + MINUTE, 1100), ERR_OK);
	shop_set(w->root, "UPDATE meter SET billing = 'account' WHERE id = %lld",
		(long long)s.meter);
	assert_int_equal(read_at(w, &s, SHOP_T0 + 2 * MINUTE, 1200), ERR_OK);
	assert_true(balance(w, &s) < SHOP_OPENING);
	assert_int_equal(SHOP_OPENING - balance(w, &s),
		shop_number(w->root,
			"SELECT SUM(charge_nano) AS v FROM usage_day WHERE account_id = %lld",
			s.account));
	assert_int_equal(
		shop_number(w->root,
			"SELECT SUM(charge_nano) AS v FROM usage_day WHERE account_id = 0 AND "
			"meter_id = %lld",
			s.meter),
		SHOP_OPENING - balance(w, &s));
}

static void test_start_register(void **state)
{
	struct world *w = *state;
	struct shop s = new_shop(w);
	const int64_t at[] = { SHOP_T0 - DAY, SHOP_T0 };
	const int64_t reg[] = { 1000, 3000 };

	shop_set(
		w->root, "UPDATE meter SET start_milli = 1000 WHERE id = %lld", (long long)s.meter);
	assert_int_equal(read_at(w, &s, SHOP_T0, 3000), ERR_OK);
	assert_int_equal(balance(w, &s), SHOP_OPENING - by_rules(at, reg, 2));
	/* Above the register it is somebody's mistake. */
	s = new_shop(w);
	shop_set(
		w->root, "UPDATE meter SET start_milli = 5000 WHERE id = %lld", (long long)s.meter);
	assert_int_equal(read_at(w, &s, SHOP_T0, 3000), ERR_OK);
	assert_int_equal(balance(w, &s), SHOP_OPENING);
	assert_int_equal(settled_register(w, &s), 3000);
}

/* 50 A transformers of 200/5, changed for 400/5 at half of the way: the register of the meter goes
 * from 10.00 to 12.00 kWh, 1 kWh before the change is 40 and 1 kWh after it 80. */
static void test_ratio_by_time(void **state)
{
	struct world *w = *state;
	struct shop s = new_shop(w);
	const int64_t at[] = { SHOP_T0, SHOP_T0 + 30 * MINUTE, SHOP_T0 + 60 * MINUTE };
	const int64_t use[] = { 0, 40000, 120000 };

	shop_set(w->root, "UPDATE meter SET ct_ratio = 40 WHERE id = %lld", (long long)s.meter);
	shop_set(w->root,
		"INSERT INTO meter_ratio (meter_id, from_at, ct, pt) VALUES (%lld, 0, 40, 1),"
		" (%lld, %lld, 80, 1)",
		(long long)s.meter, (long long)s.meter, (long long)at[1]);
	assert_int_equal(read_at(w, &s, at[0], 10000), ERR_OK);
	assert_int_equal(read_at(w, &s, at[2], 12000), ERR_OK);
	assert_int_equal(SHOP_OPENING - balance(w, &s), by_rules(at, use, 3));
	assert_int_equal(settled_register(w, &s), 12000);
	assert_int_equal(
		shop_number(w->root,
			"SELECT GROUP_CONCAT(CONCAT(from_milli, ' ', to_milli, ' ', ratio, ' ',"
			" qty_milli) ORDER BY to_at) = '10000 11000 40 40000,11000 12000 80 80000'"
			" AS v FROM settlement WHERE meter_id = %lld",
			s.meter),
		1);
	/* A meter that multiplies by itself is not multiplied again. */
	assert_int_equal(read_as(w, (struct charge_reading){ .meter_id = s.meter,
					    .at = { at[2] + MINUTE },
					    .reg = { 12500 },
					    .own_ratio = true }),
		ERR_OK);
	assert_int_equal(
		shop_number(w->root,
			"SELECT SUM(qty_milli) AS v FROM usage_day WHERE meter_id = %lld", s.meter),
		120500);
}

static void test_register_rolls_over(void **state)
{
	struct world *w = *state;
	struct shop s = new_shop(w);
	const int64_t at[] = { SHOP_T0, SHOP_T0 + 10 * MINUTE };
	const int64_t use[] = { 0, 2500 };
	struct charge_reading r = {
		.meter_id = s.meter, .at = { at[1] }, .reg = { 1500 }, .capacity = { 1000000000 }
	};

	assert_int_equal(read_at(w, &s, at[0], 999999000), ERR_OK);
	/* Nobody has said how far the register counts: it fell, and a person is asked. */
	assert_int_equal(read_at(w, &s, at[1], 1500), ERR_ALREADY);
	assert_int_equal(read_as(w, r), ERR_OK);
	assert_int_equal(SHOP_OPENING - balance(w, &s), by_rules(at, use, 2));
	assert_int_equal(settled_register(w, &s), 1500);
	assert_int_equal(
		shop_number(w->root,
			"SELECT from_milli = 999999000 AND to_milli = 1500 AND capacity_milli ="
			" 1000000000 AND qty_milli = 2500 AS v FROM settlement WHERE meter_id = "
			"%lld",
			s.meter),
		1);
	/* The next fall is none: the register is far from its end. */
	r.at.ms += MINUTE;
	r.reg.milli = 200;
	assert_int_equal(read_as(w, r), ERR_ALREADY);
}

/* A new tenant within the interval in which the register rolls over. */
static void test_roll_over_in_a_cut_interval(void **state)
{
	struct world *w = *state;
	struct shop s = new_shop(w), other = new_shop(w);
	int64_t noon = SHOP_T0 + 5 * MINUTE;

	shop_set(w->root, "UPDATE contract_point SET to_at = %lld WHERE supply_point_id = %lld",
		(long long)noon, (long long)s.point);
	shop_set(w->root, "INSERT INTO contract_point VALUES (%lld, %lld, %lld, %lld, 0)",
		(long long)other.contract, (long long)s.point, (long long)other.account,
		(long long)noon);
	assert_int_equal(read_at(w, &s, SHOP_T0, 999999000), ERR_OK);
	assert_int_equal(read_as(w, (struct charge_reading){ .meter_id = s.meter,
					    .at = { SHOP_T0 + 10 * MINUTE },
					    .reg = { 3000 },
					    .capacity = { 1000000000 } }),
		ERR_OK);
	assert_int_equal(
		shop_number(w->root,
			"SELECT GROUP_CONCAT(CONCAT(from_milli, ' ', to_milli, ' ', capacity_milli,"
			" ' ', qty_milli) ORDER BY to_at) = '999999000 1000 1000000000 2000,1000 "
			"3000 0 2000' AS v FROM settlement WHERE meter_id = %lld",
			s.meter),
		1);
}

#define SLOTS "00:00 valley 08:00 peak 18:00 flat"

static struct charge_reading with_rates(
	const struct shop *s, int64_t at, int64_t peak, int64_t flat, int64_t valley)
{
	return (struct charge_reading){ .meter_id = s->meter,
		.at = { at },
		.reg = { peak + flat + valley },
		.step = 10,
		.has_rates = true,
		.rates = { { 0 }, { peak }, { flat }, { valley } } };
}

static int64_t used_at(struct world *w, const struct shop *s, const char *query)
{
	return shop_number(w->root, query, s->meter);
}

/* A day without readings: 6 kWh, of which the meter itself says 4 at peak, 2 at night, none in the
 * evening. */
static void test_gap_by_the_meters_rates(void **state)
{
	struct world *w = *state;
	struct shop s = new_shop(w);

	shop_set(w->root, "INSERT INTO meter_slots VALUES (%lld, 1, '" SLOTS "')",
		(long long)s.meter);
	assert_int_equal(read_as(w, with_rates(&s, SHOP_T0, 1000, 2000, 3000)), ERR_OK);
	assert_int_equal(read_as(w, with_rates(&s, SHOP_T0 + DAY, 5000, 2000, 5000)), ERR_OK);
	assert_int_equal(
		used_at(w, &s,
			"SELECT SUM(qty_milli) AS v FROM usage_day WHERE rate = 'peak' AND "
			"meter_id = %lld"),
		4000);
	assert_int_equal(used_at(w, &s,
				 "SELECT SUM(qty_milli) AS v FROM usage_day WHERE rate = 'valley' "
				 "AND meter_id = %lld"),
		2000);
	assert_int_equal(used_at(w, &s,
				 "SELECT COUNT(*) AS v FROM usage_day WHERE rate = 'flat' AND "
				 "meter_id = %lld"),
		0);
	assert_int_equal(used_at(w, &s,
				 "SELECT rates = '{\"sharp\":[0,0],\"peak\":[1000,5000],\"flat\":["
				 "2000,2000],\"valley\":[3000,5000]}' AS v FROM settlement WHERE "
				 "meter_id = %lld"),
		1);
	/* Five minutes later there is no gap: time decides. */
	assert_int_equal(
		read_as(w, with_rates(&s, SHOP_T0 + DAY + 5 * MINUTE, 5000, 2000, 6000)), ERR_OK);
	assert_int_equal(
		used_at(w, &s,
			"SELECT COUNT(*) AS v FROM settlement WHERE rates <> '' AND meter_id "
			"= %lld"),
		1);
}

static void check_gap_by_time(struct world *w, const struct shop *s, struct charge_reading end)
{
	const int64_t at[] = { SHOP_T0, SHOP_T0 + DAY };
	const int64_t reg[] = { 6000, 12000 };

	assert_int_equal(end.reg.milli, reg[1]);
	assert_int_equal(read_as(w, with_rates(s, at[0], 1000, 2000, 3000)), ERR_OK);
	assert_int_equal(read_as(w, end), ERR_OK);
	assert_int_equal(SHOP_OPENING - balance(w, s), by_rules(at, reg, 2));
}

static int64_t rates_alarms(struct world *w, const struct shop *s)
{
	return used_at(w, s,
		"SELECT COUNT(*) AS v FROM alarm WHERE kind = 'rates_differ' AND object_id = "
		"%lld AND open_key IS NOT NULL");
}

static void test_gap_by_time_where_the_meter_is_not_sure(void **state)
{
	struct world *w = *state;
	struct shop s = new_shop(w);
	struct charge_reading end;

	/* Nobody has read its slots. */
	check_gap_by_time(w, &s, with_rates(&s, SHOP_T0 + DAY, 5000, 2000, 5000));
	assert_int_equal(rates_alarms(w, &s), 0);
	/* It has others. */
	s = new_shop(w);
	shop_set(w->root, "INSERT INTO meter_slots VALUES (%lld, 1, '00:00 valley 07:00 peak')",
		(long long)s.meter);
	check_gap_by_time(w, &s, with_rates(&s, SHOP_T0 + DAY, 5000, 2000, 5000));
	/* They were changed in between. */
	s = new_shop(w);
	shop_set(w->root,
		"INSERT INTO meter_slots VALUES (%lld, 1, '00:00 flat'), (%lld, %lld, '" SLOTS "')",
		(long long)s.meter, (long long)s.meter, (long long)SHOP_T0 + 1);
	check_gap_by_time(w, &s, with_rates(&s, SHOP_T0 + DAY, 5000, 2000, 5000));
	/* Its registers do not add up: that is told. */
	s = new_shop(w);
	shop_set(w->root, "INSERT INTO meter_slots VALUES (%lld, 1, '" SLOTS "')",
		(long long)s.meter);
	end = with_rates(&s, SHOP_T0 + DAY, 5000, 2000, 5000);
	end.rates[1].milli -= 60;
	check_gap_by_time(w, &s, end);
	assert_int_equal(rates_alarms(w, &s), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_exactly_what_the_rules_say),
		cmocka_unit_test(test_a_reading_counts_once),
		cmocka_unit_test(test_without_tariff_it_waits),
		cmocka_unit_test(test_a_new_revision_is_noticed),
		cmocka_unit_test(test_arrears_at_zero),
		cmocka_unit_test(test_a_new_tenant_pays_from_his_first_moment),
		cmocka_unit_test(test_whoever_pays_no_purse_is_priced),
		cmocka_unit_test(test_postpaid_waits_for_its_tariff),
		cmocka_unit_test(test_nobodys_energy_is_priced),
		cmocka_unit_test(test_measured_without_tariff),
		cmocka_unit_test(test_a_meter_begins_to_be_charged),
		cmocka_unit_test(test_start_register),
		cmocka_unit_test(test_ratio_by_time),
		cmocka_unit_test(test_register_rolls_over),
		cmocka_unit_test(test_roll_over_in_a_cut_interval),
		cmocka_unit_test(test_gap_by_the_meters_rates),
		cmocka_unit_test(test_gap_by_time_where_the_meter_is_not_sure),
	};

	return cmocka_run_group_tests(tests, open_world, close_world);
}
