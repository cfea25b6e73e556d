/* Shared energy, as the worker shares it and the API sets it up, with their own rights. */
#include <stdlib.h>
#include <string.h>

#include "domain/entry.h"
#include "domain/share.h"
#include "domain/sharerun.h"
#include "domain/site.h"
#include "domain/statement.h"
#include "shop_fixture.h"

#define DAY "2026-11-22"

static struct db *api, *worker;

static int open_all(void **state)
{
	if (fixture_open(state) != 0)
		return -1;
	api = fixture_as("yufu_api");
	worker = fixture_as("yufu_worker");
	return 0;
}

static int close_all(void **state)
{
	db_free(&api);
	db_free(&worker);
	return fixture_close(state);
}

static struct utc at(const char *text)
{
	struct utc t = { 0 };
	char full[40];

	snprintf(full, sizeof(full), "%s:00+08:00", text);
	assert_int_equal(utc_parse(full, &t), ERR_OK);
	return t;
}

static struct day day(const char *text)
{
	struct day d = { 0 };

	assert_int_equal(day_parse(text, &d), ERR_OK);
	return d;
}

/* ---- a site with three contracts and meters that nobody pays for ---- */

struct mall {
	struct shop first; /* its site, gateway and tariff serve all */
	int64_t contract[3], purse[3];
	int64_t meter[3];
	int n;
};

static int64_t last_id(struct db *db)
{
	return shop_number(db, "SELECT LAST_INSERT_ID() AS v", 0);
}

static void contract_make(struct db *db, struct mall *m, int i)
{
	shop_set(db,
		"INSERT INTO tenant (code, name, site_id, floor_m2_milli) VALUES ('T%d-%d', 'T', "
		"%lld,"
		" %d)",
		m->n, i, (long long)m->first.site, 10000 * (i + 1));
	shop_set(db, "INSERT INTO contract (code, tenant_id, start_at) VALUES ('C%d-%d', %lld, 1)",
		m->n, i, (long long)last_id(db));
	m->contract[i] = last_id(db);
	shop_set(db,
		"INSERT INTO account (code, kind, contract_id, purpose) VALUES"
		" ('purse:%lld:electricity', 'purse', %lld, 'electricity')",
		(long long)m->contract[i], (long long)m->contract[i]);
	m->purse[i] = last_id(db);
}

static void meter_make(struct db *db, struct mall *m, int i, const char *utility)
{
	shop_set(db,
		"INSERT INTO supply_point (code, site_id, utility, billing) VALUES ('Q%d-%d', %lld,"
		" '%s', 'none')",
		m->n, i, (long long)m->first.site, utility);
	shop_set(db,
		"INSERT INTO meter (code, gateway_id, unit, model, utility, role, billing,"
		" supply_point_id) VALUES ('Q%d-%d', %lld, '1%d', 'acrel-ddsy1352', '%s', 'public',"
		" 'none', %lld)",
		m->n, i, (long long)m->first.gateway, i, utility, (long long)last_id(db));
	m->meter[i] = last_id(db);
}

static struct mall mall_make(struct db *db, int n)
{
	struct mall m = { .first = shop_make(db, n), .n = n };

	for (int i = 0; i < 3; i++) {
		contract_make(db, &m, i);
		meter_make(db, &m, i, "electricity");
	}
	return m;
}

/* Use as settlement books it. price in millionths of a yuan per kWh; 0: no tariff. */
static void use(
	struct db *db, int64_t meter, const char *on, const char *rate, int64_t price, int64_t wh)
{
	shop_set(db,
		"INSERT INTO usage_day (meter_id, day, contract_id, account_id, tariff_id,"
		" version_at, rate, tier, price_micro, qty_milli, charge_nano, book_day) VALUES"
		" (%lld, '%s', 0, 0, %d, 1, '%s', 1, %lld, %lld, %lld, '%s') ON DUPLICATE KEY "
		"UPDATE"
		" qty_milli = qty_milli + VALUES(qty_milli), charge_nano = charge_nano +"
		" VALUES(charge_nano)",
		(long long)meter, on, price > 0, rate, (long long)price, (long long)wh,
		(long long)(wh * price), on);
}

static void read_until(struct db *db, int64_t meter, const char *when)
{
	shop_set(db,
		"REPLACE INTO settled (meter_id, read_at, register_milli) VALUES (%lld, %lld, 0)",
		(long long)meter, (long long)at(when).ms);
}

static struct share_actor by(const char *when)
{
	return (struct share_actor){ .actor = "user:1", .address = "", .now = at(when) };
}

struct setup {
	const char *basis, *kind;
	int64_t ratio[3]; /* millionths; negative: not a sharer */
	int64_t sign[3];  /* 0: not a source */
};

static enum err add(const struct mall *m, const struct setup *s, const char *key, int64_t *id,
	struct problem *why)
{
	struct share_source_new sources[3];
	struct share_target_new targets[3];
	struct share_actor who = by("2026-11-21T15:00");
	struct share_new n = { .site_id = m->first.site,
		.name = "公区",
		.utility = "electricity",
		.basis = s->basis,
		.kind = s->kind,
		.purse = "utility",
		.sources = sources,
		.targets = targets,
		.once_key = key };

	for (int i = 0; i < 3; i++) {
		if (s->sign[i])
			sources[n.sources_n++] =
				(struct share_source_new){ m->meter[i], s->sign[i] };
		if (s->ratio[i] >= 0)
			targets[n.targets_n++] = (struct share_target_new){ m->contract[i],
				str_eq(s->basis, "ratio"), s->ratio[i] };
	}
	return share_add(api, &n, &who, id, why);
}

static int64_t added(const struct mall *m, const struct setup *s, const char *key)
{
	struct problem why = { 0 };
	int64_t id = 0;
	enum err e = add(m, s, key, &id, &why);

	if (e != ERR_OK)
		fail_msg("%s: %s %s", err_word(e), why.field, why.text);
	return id;
}

static enum share_outcome share(int64_t group, const char *on, const char *when)
{
	enum share_outcome out = SHARE_SAME;

	assert_int_equal(share_day(worker, group, day(on), at(when), &out), ERR_OK);
	return out;
}

static int64_t balance(struct db *db, int64_t account)
{
	return shop_number(db, "SELECT balance_nano AS v FROM account WHERE id = %lld", account);
}

/* Of the last version of a day. */
static int64_t part(struct db *db, int64_t group, int64_t contract)
{
	char sql[300];

	snprintf(sql, sizeof(sql),
		"SELECT COALESCE(MAX(p.qty_milli), -1) AS v FROM share_part p WHERE p.group_id ="
		" %%lld AND p.contract_id = %lld AND p.version = (SELECT MAX(r.version) FROM"
		" share_run r WHERE r.group_id = p.group_id AND r.day = p.day)",
		(long long)contract);
	return shop_number(db, sql, group);
}

/* What must hold of every version that was ever written. */
static void assert_ties(struct db *db)
{
	static const char *const wrong[] = {
		/* parts and the owner sum to the day, in energy and in money */
		"SELECT COUNT(*) AS v FROM share_run r WHERE (r.qty_milli, r.charge_nano) <> "
		"(SELECT"
		" r.owner_milli + COALESCE(SUM(p.qty_milli), 0), r.owner_nano +"
		" COALESCE(SUM(p.charge_nano), 0) FROM share_part p WHERE p.group_id = r.group_id "
		"AND"
		" p.day = r.day AND p.version = r.version)",
		/* each part is the sum of its lines */
		"SELECT COUNT(*) AS v FROM share_part p WHERE (p.qty_milli, p.charge_nano) <> "
		"(SELECT"
		" COALESCE(SUM(l.qty_milli), 0), COALESCE(SUM(l.charge_nano), 0) FROM share_line l"
		" WHERE l.group_id = p.group_id AND l.day = p.day AND l.version = p.version AND"
		" l.contract_id = p.contract_id)",
		/* each line was split without rest */
		"SELECT COUNT(*) AS v FROM (SELECT 1 FROM share_line GROUP BY group_id, day, "
		"version,"
		" meter_id, rate, tier, price_micro HAVING SUM(qty_milli) <> MIN(of_milli) OR"
		" MIN(of_milli) <> MAX(of_milli) OR SUM(charge_nano) <> MIN(of_milli) *"
		" MIN(price_micro)) x",
		/* what was posted for a day is its last version */
		"SELECT COUNT(*) AS v FROM share_part p WHERE p.version = (SELECT MAX(r.version) "
		"FROM"
		" share_run r WHERE r.group_id = p.group_id AND r.day = p.day) AND p.charge_nano <>"
		" (SELECT COALESCE(-SUM(g.amount_nano), 0) FROM share_part q JOIN posting g ON"
		" g.entry_id = q.entry_id AND g.account_id = q.account_id WHERE q.group_id ="
		" p.group_id AND q.day = p.day AND q.contract_id = p.contract_id)",
		"SELECT COUNT(*) AS v FROM (SELECT entry_id FROM posting GROUP BY entry_id HAVING"
		" SUM(amount_nano) <> 0) x",
	};

	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		int64_t n = shop_number(db, wrong[i], 0);

		if (n != 0)
			fail_msg("%lld rows of: %s", (long long)n, wrong[i]);
	}
}

static const struct setup RATIO = { "ratio", "public", { 500000, 300000, 100000 }, { 1, 0, 0 } };

/* ---- sharing ---- */

static void by_ratio_each_line_at_its_price(void **state)
{
	struct db *db = *state;
	struct mall m = mall_make(db, 1);
	int64_t group = added(&m, &RATIO, "r1");

	use(db, m.meter[0], DAY, "flat", 658300, 1001);
	use(db, m.meter[0], DAY, "peak", 1098700, 10);
	use(db, m.meter[0], "2026-11-21", "flat", 658300, 5000); /* before it began */
	/* Not before every source has been read past the end of the day. */
	read_until(db, m.meter[0], "2026-11-22T23:59");
	assert_int_equal(share(group, DAY, "2026-11-22T23:59"), SHARE_SAME);
	assert_int_equal(share(group, DAY, "2026-11-23T00:00"), SHARE_WAITS);
	read_until(db, m.meter[0], "2026-11-23T00:00");
	assert_int_equal(share(group, DAY, "2026-11-23T00:00"), SHARE_DONE);
	/* flat: 500.5, 300.3, 100.1, owner 100.1: 501, 300, 100, 100; peak: 5, 3, 1, 1 */
	assert_int_equal(balance(db, m.purse[0]), -(501 * 658300 + 5 * 1098700));
	assert_int_equal(balance(db, m.purse[1]), -(300 * 658300 + 3 * 1098700));
	assert_int_equal(balance(db, m.purse[2]), -(100 * 658300 + 1 * 1098700));
	assert_int_equal(
		shop_number(
			db, "SELECT owner_milli AS v FROM share_run WHERE group_id = %lld", group),
		101);
	assert_ties(db);
	/* Once, whoever asks, and again and again. */
	assert_int_equal(share(group, DAY, "2026-11-23T00:01"), SHARE_SAME);
	assert_int_equal(shares_due(worker, at("2026-11-23T00:01")), ERR_OK);
	assert_int_equal(
		shop_number(db, "SELECT COUNT(*) AS v FROM share_run WHERE group_id = %lld", group),
		1);
	assert_int_equal(balance(db, m.purse[1]), -(300 * 658300 + 3 * 1098700));
}

static void by_area_and_in_equal_parts(void **state)
{
	struct db *db = *state;
	struct mall m = mall_make(db, 2), e = mall_make(db, 3);
	/* 10, 20 and 30 m² */
	const struct setup area = { "area", "public", { 0, 0, 0 }, { 1, 0, 0 } };
	const struct setup equal = { "equal", "public", { 0, 0, -1 }, { 1, 1, 0 } };
	int64_t by_area = added(&m, &area, "a1"), in_equal = added(&e, &equal, "a2");

	use(db, m.meter[0], DAY, "flat", 1000000, 100);
	use(db, e.meter[0], DAY, "flat", 1000000, 7);
	use(db, e.meter[1], DAY, "flat", 2000000, 8);
	for (int i = 0; i < 2; i++) {
		read_until(db, m.meter[i], "2026-11-23T00:00");
		read_until(db, e.meter[i], "2026-11-23T00:00");
	}
	assert_int_equal(shares_due(worker, at("2026-11-23T00:05")), ERR_OK);
	assert_int_equal(part(db, by_area, m.contract[0]), 17); /* 16.67 */
	assert_int_equal(part(db, by_area, m.contract[1]), 33); /* 33.33 */
	assert_int_equal(part(db, by_area, m.contract[2]), 50);
	assert_int_equal(part(db, in_equal, e.contract[0]), 4 + 4);
	assert_int_equal(part(db, in_equal, e.contract[1]), 3 + 4);
	assert_int_equal(part(db, in_equal, e.contract[2]), -1);
	assert_int_equal(balance(db, e.purse[0]), -(4 * 1000000 + 4 * 2000000));
	/* A later change of the floor changes nothing that was shared. */
	shop_set(db, "UPDATE tenant SET floor_m2_milli = 1 WHERE code = 'T2-2'");
	use(db, m.meter[0], DAY, "flat", 1000000, 100);
	assert_int_equal(shares_due(worker, at("2026-11-23T00:06")), ERR_OK);
	assert_int_equal(part(db, by_area, m.contract[2]), 100);
	assert_ties(db);
}

/* The incomer less what is measured below, at the incomer's prices. */
static void losses_are_the_difference(void **state)
{
	struct db *db = *state;
	struct mall m = mall_make(db, 4);
	const struct setup loss = { "equal", "loss", { 0, 0, -1 }, { 1, -1, -1 } };
	int64_t group = added(&m, &loss, "l1");

	use(db, m.meter[0], DAY, "flat", 1000000, 600);
	use(db, m.meter[0], DAY, "peak", 2000000, 300);
	use(db, m.meter[1], DAY, "flat", 5000000, 500);
	use(db, m.meter[2], DAY, "", 0, 391); /* measured only: no price is needed below */
	for (int i = 0; i < 3; i++)
		read_until(db, m.meter[i], "2026-11-24T00:00");
	assert_int_equal(share(group, DAY, "2026-11-23T00:05"), SHARE_DONE);
	/* 9 Wh over 600 : 300 are 6 and 3; each in two parts 3, 3 and 2, 1 */
	assert_int_equal(part(db, group, m.contract[0]), 5);
	assert_int_equal(part(db, group, m.contract[1]), 4);
	assert_int_equal(balance(db, m.purse[0]), -(3 * 1000000 + 2 * 2000000));
	assert_int_equal(balance(db, m.purse[1]), -(3 * 1000000 + 1 * 2000000));
	/* More below than above: nothing, and a person is told. */
	use(db, m.meter[0], "2026-11-23", "flat", 1000000, 100);
	use(db, m.meter[1], "2026-11-23", "flat", 1000000, 101);
	assert_int_equal(share(group, "2026-11-23", "2026-11-24T00:05"), SHARE_DONE);
	assert_int_equal(balance(db, m.purse[0]), -(3 * 1000000 + 2 * 2000000));
	assert_int_equal(
		shop_number(db,
			"SELECT net_milli AS v FROM share_run WHERE group_id = %lld AND day ="
			" '2026-11-23'",
			group),
		-1);
	assert_int_equal(shop_number(db,
				 "SELECT COUNT(*) AS v FROM alarm WHERE kind = 'share_negative' AND"
				 " object_id = %lld AND cleared_at = 0",
				 group),
		1);
	assert_ties(db);
}

static void late_energy_posts_the_difference(void **state)
{
	struct db *db = *state;
	struct mall m = mall_make(db, 5);
	int64_t group = added(&m, &RATIO, "e1"), sealed;

	use(db, m.meter[0], DAY, "flat", 1000000, 100);
	/* The meter is silent; after 72 h the day is shared by what there is. */
	read_until(db, m.meter[0], "2026-11-22T12:00");
	assert_int_equal(share(group, DAY, "2026-11-25T23:59"), SHARE_WAITS);
	assert_int_equal(share(group, DAY, "2026-11-26T00:00"), SHARE_DONE);
	assert_int_equal(
		shop_number(db, "SELECT complete AS v FROM share_run WHERE group_id = %lld", group),
		0);
	assert_int_equal(balance(db, m.purse[0]), -50 * 1000000);
	/* It answers again: the rest of the day arrives, in the books of another day. */
	shop_set(
		db, "UPDATE usage_day SET sealed = 1 WHERE meter_id = %lld", (long long)m.meter[0]);
	shop_set(db,
		"INSERT INTO usage_day (meter_id, day, contract_id, account_id, tariff_id,"
		" version_at, rate, tier, price_micro, qty_milli, charge_nano, book_day) VALUES"
		" (%lld, '" DAY "', 0, 0, 1, 1, 'flat', 1, 1000000, 31, 31000000, '2026-11-27'),"
		" (%lld, '" DAY "', 0, 0, 1, 1, 'peak', 1, 2000000, 10, 20000000, '2026-11-27')",
		(long long)m.meter[0], (long long)m.meter[0]);
	read_until(db, m.meter[0], "2026-11-27T10:00");
	sealed = shop_number(db, "SELECT COUNT(*) AS v FROM entry", 0);
	assert_int_equal(shares_due(worker, at("2026-11-27T10:01")), ERR_OK);
	/* 131 Wh flat: 65.5, 39.3, 13.1, owner 13.1: 66, 39, 13, 13; 10 Wh peak: 5, 3, 1, 1 */
	assert_int_equal(balance(db, m.purse[0]), -(66 * 1000000 + 5 * 2000000));
	assert_int_equal(balance(db, m.purse[1]), -(39 * 1000000 + 3 * 2000000));
	assert_int_equal(
		shop_number(db,
			"SELECT complete AS v FROM share_run WHERE group_id = %lld AND version"
			" = 2",
			group),
		1);
	/* Posted on the day of its arrival, as a difference, as one entry a purse; nothing older
	 * was touched. */
	assert_int_equal(
		shop_number(db,
			"SELECT COUNT(*) AS v FROM entry WHERE reference = 'share:%lld' AND"
			" once_key LIKE '%:2' AND book_day = '2026-11-27' AND kind = 'share'",
			group),
		3);
	/* And the four days in between were shared too, with nothing in them. */
	assert_int_equal(shop_number(db, "SELECT COUNT(*) AS v FROM entry", 0), sealed + 3);
	assert_int_equal(
		shop_number(db, "SELECT COUNT(*) AS v FROM share_run WHERE group_id = %lld", group),
		6);
	assert_int_equal(shares_due(worker, at("2026-11-27T10:02")), ERR_OK);
	assert_int_equal(shop_number(db, "SELECT COUNT(*) AS v FROM entry", 0), sealed + 3);
	assert_ties(db);
}

static void nobody_pays_for_time_after_the_contract(void **state)
{
	struct db *db = *state;
	struct mall m = mall_make(db, 6);
	const struct setup equal = { "equal", "public", { 0, 0, -1 }, { 1, 0, 0 } };
	int64_t group = added(&m, &equal, "m1"), debt;

	/* The first leaves at noon: half of its part is the owner's. */
	shop_set(db, "UPDATE contract SET end_at = %lld WHERE id = %lld",
		(long long)at(DAY "T12:00").ms, (long long)m.contract[0]);
	use(db, m.meter[0], DAY, "flat", 1000000, 400);
	use(db, m.meter[0], "2026-11-23", "flat", 1000000, 400);
	read_until(db, m.meter[0], "2026-11-24T00:00");
	assert_int_equal(share(group, DAY, "2026-11-23T00:00"), SHARE_DONE);
	assert_int_equal(part(db, group, m.contract[0]), 100);
	assert_int_equal(part(db, group, m.contract[1]), 200);
	/* Its purse was emptied when it was closed: it owes the part. */
	assert_int_equal(balance(db, m.purse[0]), 0);
	debt = shop_number(db,
		"SELECT SUM(p.amount_nano) AS v FROM posting p JOIN account a ON a.id = "
		"p.account_id"
		" WHERE a.code = 'debt:%lld'",
		m.contract[0]);
	assert_int_equal(debt, -100 * 1000000);
	/* From the next day on the other has all. */
	assert_int_equal(share(group, "2026-11-23", "2026-11-24T00:00"), SHARE_DONE);
	assert_int_equal(balance(db, m.purse[1]), -(200 + 400) * INT64_C(1000000));
	assert_ties(db);
}

static void use_without_a_price_is_the_owners(void **state)
{
	struct db *db = *state;
	struct mall m = mall_make(db, 7);
	int64_t group = added(&m, &RATIO, "u1");

	use(db, m.meter[0], DAY, "", 0, 40);
	use(db, m.meter[0], DAY, "flat", 1000000, 60);
	read_until(db, m.meter[0], "2026-11-24T00:00");
	assert_int_equal(share(group, DAY, "2026-11-23T00:00"), SHARE_DONE);
	assert_int_equal(part(db, group, m.contract[0]), 30);
	assert_int_equal(
		shop_number(
			db, "SELECT owner_milli AS v FROM share_run WHERE group_id = %lld", group),
		46);
	assert_int_equal(shop_number(db,
				 "SELECT COUNT(*) AS v FROM alarm WHERE kind = 'share_unpriced' AND"
				 " object_id = %lld AND cleared_at = 0",
				 group),
		1);
	assert_ties(db);
}

static void days_are_shared_in_order_and_end(void **state)
{
	struct db *db = *state;
	struct mall m = mall_make(db, 8);
	int64_t group = added(&m, &RATIO, "o1");
	struct share_actor who = by("2026-11-21T16:00");
	struct share_change c = { .id = group, .ends = true, .to = day("2026-11-24") };

	assert_int_equal(share_edit(api, &c, &who, NULL), ERR_OK);
	read_until(db, m.meter[0], "2026-12-01T00:00");
	use(db, m.meter[0], "2026-11-24", "flat", 1000000, 10);
	use(db, m.meter[0], "2026-11-25", "flat", 1000000, 10);
	assert_int_equal(share(group, "2026-11-23", "2026-11-30T00:00"), SHARE_SAME);
	assert_int_equal(shares_due(worker, at("2026-11-30T00:00")), ERR_OK);
	assert_int_equal(
		shop_number(db, "SELECT COUNT(*) AS v FROM share_run WHERE group_id = %lld", group),
		3);
	assert_int_equal(balance(db, m.purse[0]), -5 * 1000000);
	assert_int_equal(share(group, "2026-11-25", "2026-11-30T00:00"), SHARE_SAME);
	assert_int_equal(share(group, "2026-11-21", "2026-11-30T00:00"), SHARE_SAME);
	/* What was shared stays shared. */
	c.to = day("2026-11-23");
	who = by("2026-11-30T00:00");
	assert_int_equal(share_edit(api, &c, &who, NULL), ERR_OUT_OF_RANGE);
	assert_ties(db);
}

static void new_sharers_count_from_their_day(void **state)
{
	struct db *db = *state;
	struct mall m = mall_make(db, 9);
	int64_t group = added(&m, &RATIO, "n1");
	struct share_actor who = by("2026-11-22T16:00");
	const struct share_target_new only = { m.contract[2], true, 1000000 };
	struct share_change c = { .id = group, .name = "新名", .targets = &only, .targets_n = 1 };
	struct problem why = { 0 };

	assert_int_equal(share_edit(api, &c, &who, &why), ERR_OK); /* from tomorrow */
	use(db, m.meter[0], DAY, "flat", 1000000, 100);
	use(db, m.meter[0], "2026-11-23", "flat", 1000000, 100);
	read_until(db, m.meter[0], "2026-12-01T00:00");
	assert_int_equal(shares_due(worker, at("2026-11-24T00:00")), ERR_OK);
	assert_int_equal(balance(db, m.purse[0]), -50 * 1000000);
	assert_int_equal(balance(db, m.purse[2]), -(10 + 100) * INT64_C(1000000));
	/* Late energy of the first day goes to the sharers of that day. */
	use(db, m.meter[0], DAY, "flat", 1000000, 10);
	assert_int_equal(shares_due(worker, at("2026-11-24T00:01")), ERR_OK);
	assert_int_equal(balance(db, m.purse[0]), -55 * 1000000);
	assert_int_equal(balance(db, m.purse[2]), -(11 + 100) * INT64_C(1000000));
	c.has_from = true;
	c.from = day("2026-11-23");
	who = by("2026-11-24T16:00");
	assert_int_equal(share_edit(api, &c, &who, &why), ERR_OUT_OF_RANGE);
	assert_string_equal(why.field, "from_day");
	assert_ties(db);
}

static void the_tenant_sees_how_it_came_about(void **state)
{
	struct db *db = *state;
	struct mall m = mall_make(db, 10);
	int64_t group = added(&m, &RATIO, "s1"), user;
	AUTO(statement_free) struct statement st = { 0 };
	AUTO(rows_free) struct rows parts = { 0 };
	AUTO(rows_free) struct rows lines = { 0 };
	AUTO(zone_free) struct zone *z = NULL;
	struct share_span span = { .from = day(DAY), .to = day(DAY) };
	const struct share_part *p;
	const struct share_line *l;

	shop_set(db, "INSERT INTO user (username, kind) VALUES ('13899990010', 'tenant')");
	user = last_id(db);
	shop_set(db,
		"INSERT INTO user_tenant (user_id, tenant_id) SELECT %lld, tenant_id FROM contract"
		" WHERE id = %lld",
		(long long)user, (long long)m.contract[1]);
	use(db, m.meter[0], DAY, "flat", 658300, 1001);
	use(db, m.meter[0], DAY, "peak", 1098700, 10);
	read_until(db, m.meter[0], "2026-11-24T00:00");
	assert_int_equal(share(group, DAY, "2026-11-23T00:00"), SHARE_DONE);
	span.user_id = user;
	assert_int_equal(share_parts(api, &span, &parts), ERR_OK);
	assert_int_equal(share_lines(api, &span, &lines), ERR_OK);
	assert_int_equal(parts.n, 1);
	assert_int_equal(lines.n, 2);
	p = parts.at;
	l = lines.at;
	assert_int_equal(p->contract_id, m.contract[1]);
	assert_int_equal(p->weight * 10, p->of_weight * 3);
	assert_int_equal(p->qty.milli, 303);
	assert_int_equal(p->total.milli, 1011);
	assert_int_equal(l[0].of.milli, 1001);
	assert_int_equal(l[0].qty.milli, 300);
	assert_string_equal(l[1].rate, "peak");
	assert_int_equal(l[0].charge.nano + l[1].charge.nano, p->charge.nano);
	assert_int_equal(zone_open("Asia/Shanghai", &z), ERR_OK);
	assert_int_equal(statement_read(api, m.purse[1], z, at("2026-11-23T00:00"),
				 at("2026-11-24T00:00"), at("2026-11-23T12:00"), &st),
		ERR_OK);
	assert_int_equal(st.n, 1);
	assert_string_equal(st.at[0].kind, "share");
	assert_string_equal(st.at[0].memo, DAY " 公区");
	assert_int_equal(st.at[0].amount.nano, -p->charge.nano);
}

static void what_cannot_be_shared_is_refused_with_its_path(void **state)
{
	struct db *db = *state;
	struct mall m = mall_make(db, 11), other = mall_make(db, 12);
	static const struct {
		struct setup s;
		enum err e;
		const char *field;
	} rows[] = {
		{ { "ratio", "public", { 500000, 0, 100000 }, { 1, 0, 0 } }, ERR_OUT_OF_RANGE,
			"targets[1].ratio" },
		{ { "ratio", "public", { 500000, 400000, 100001 }, { 1, 0, 0 } }, ERR_OUT_OF_RANGE,
			"targets" },
		{ { "ratio", "public", { 1000001, -1, -1 }, { 1, 0, 0 } }, ERR_OUT_OF_RANGE,
			"targets[0].ratio" },
		{ { "ratio", "public", { -1, -1, -1 }, { 1, 0, 0 } }, ERR_OUT_OF_RANGE, "targets" },
		{ { "ratio", "public", { 1, -1, -1 }, { 0, 0, 0 } }, ERR_OUT_OF_RANGE, "sources" },
		{ { "ratio", "loss", { 1, -1, -1 }, { -1, -1, 0 } }, ERR_BAD_VALUE, "sources" },
		{ { "weight", "public", { 1, -1, -1 }, { 1, 0, 0 } }, ERR_BAD_VALUE, "basis" },
		{ { "ratio", "private", { 1, -1, -1 }, { 1, 0, 0 } }, ERR_BAD_VALUE, "kind" },
	};
	struct problem why;
	struct mall mixed = m;
	int64_t id = 0;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		why = (struct problem){ 0 };
		assert_int_equal(add(&m, &rows[i].s, "bad", &id, &why), rows[i].e);
		assert_string_equal(why.field, rows[i].field);
	}
	mixed.contract[1] = other.contract[1];
	assert_int_equal(add(&mixed, &RATIO, "bad", &id, &why), ERR_NOT_FOUND);
	assert_string_equal(why.field, "targets[1].contract_id");
	mixed.contract[1] = m.contract[0];
	assert_int_equal(add(&mixed, &RATIO, "bad", &id, &why), ERR_BAD_VALUE);
	assert_string_equal(why.field, "targets[1].contract_id");
	mixed = m;
	mixed.meter[0] = other.meter[0];
	assert_int_equal(add(&mixed, &RATIO, "bad", &id, &why), ERR_NOT_FOUND);
	assert_string_equal(why.field, "sources[0].meter_id");
	shop_set(db, "UPDATE meter SET utility = 'water' WHERE id = %lld", (long long)m.meter[2]);
	mixed.meter[0] = m.meter[2];
	assert_int_equal(add(&mixed, &RATIO, "bad", &id, &why), ERR_BAD_VALUE);
	assert_string_equal(why.field, "sources[0].meter_id");
	shop_set(db, "UPDATE meter SET enabled = 0 WHERE id = %lld", (long long)m.meter[0]);
	assert_int_equal(add(&m, &RATIO, "bad", &id, &why), ERR_CONFLICT);
	assert_string_equal(why.field, "sources[0].meter_id");
	shop_set(db, "UPDATE meter SET enabled = 1 WHERE id = %lld", (long long)m.meter[0]);
	assert_int_equal(
		shop_number(db, "SELECT COUNT(*) AS v FROM share_group WHERE site_id = %lld",
			m.first.site),
		0);
	/* The same request twice is one group; the same meter is not shared twice. */
	id = added(&m, &RATIO, "good");
	assert_int_equal(added(&m, &RATIO, "good"), id);
	assert_int_equal(add(&m, &RATIO, "good2", &id, &why), ERR_CONFLICT);
	assert_string_equal(why.field, "sources[0].meter_id");
	shop_set(db, "UPDATE contract SET end_at = 5 WHERE id = %lld", (long long)m.contract[2]);
	mixed = m;
	mixed.meter[0] = m.meter[1];
	assert_int_equal(add(&mixed, &RATIO, "bad3", &id, &why), ERR_CONFLICT);
	assert_string_equal(why.field, "targets[2].contract_id");
	shop_set(db, "UPDATE tenant SET floor_m2_milli = 0 WHERE code = 'T11-0'");
	assert_int_equal(add(&mixed, &(struct setup){ "area", "public", { 0, 0, -1 }, { 1, 0, 0 } },
				 "bad4", &id, &why),
		ERR_CONFLICT);
	assert_string_equal(why.field, "targets[0].contract_id");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(by_ratio_each_line_at_its_price),
		cmocka_unit_test(by_area_and_in_equal_parts),
		cmocka_unit_test(losses_are_the_difference),
		cmocka_unit_test(late_energy_posts_the_difference),
		cmocka_unit_test(nobody_pays_for_time_after_the_contract),
		cmocka_unit_test(use_without_a_price_is_the_owners),
		cmocka_unit_test(days_are_shared_in_order_and_end),
		cmocka_unit_test(new_sharers_count_from_their_day),
		cmocka_unit_test(the_tenant_sees_how_it_came_about),
		cmocka_unit_test(what_cannot_be_shared_is_refused_with_its_path),
	};

	return cmocka_run_group_tests(tests, open_all, close_all);
}
