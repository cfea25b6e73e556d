/* What meters hold themselves, from the tariff to the wire and back: a poller's threads and a
 * simulated meter behind real sockets. Time is the test's own and moves on when it says so. */
#include "shop_fixture.h"

#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "domain/credit.h"
#include "domain/metersetting.h"
#include "poller/purchaser.h"
#include "poller/setter.h"
#include "poller/sink.h"
#include "sim/gateway.h"

#define DEADLINE_MS 30000
#define HOUR INT64_C(3600000)

static atomic_int_least64_t ahead; /* ms that the test has moved its clock on */

struct utc __wrap_utc_now(void);
struct utc __wrap_utc_now(void)
{
	static atomic_int_least64_t began;
	int_least64_t none = 0;

	atomic_compare_exchange_strong(&began, &none, mono_ms());
	return (struct utc){ SHOP_T0 + mono_ms() - atomic_load(&began) + atomic_load(&ahead) };
}

struct world {
	struct db *root, *worker, *api;
	struct db_settings settings; /* yufu_poller */
	struct mall *mall;
	struct models *models;
	struct zone *zone;
	struct gateway *wire;
	char dir[64];
	struct desk *desk;
	struct holdings *holdings;
	struct fleet *fleet;
	struct orders_back *back;
	struct sink *sink;
	struct purchaser *purchaser;
	struct setter *setter;
	pthread_t threads[3];
	int shops;
};

static void *run_sink(void *w)
{
	sink_run(((struct world *)w)->sink);
	return NULL;
}

static void *run_purchaser(void *w)
{
	purchaser_run(((struct world *)w)->purchaser);
	return NULL;
}

static void *run_setter(void *w)
{
	setter_run(((struct world *)w)->setter);
	return NULL;
}

static void open_wire(struct world *w)
{
	struct gateway_settings s = { .speed = 1,
		.timing = { .baud = 1000000, .answer_ms = 0, .silence_ms = 50 } };
	struct problem why = { 0 };

	snprintf(w->dir, sizeof(w->dir), "/tmp/yufu-setter-test.XXXXXX");
	assert_non_null(mkdtemp(w->dir));
	snprintf(s.state_path, sizeof(s.state_path), "%s/G1.json", w->dir);
	w->mall = mall_make(5, 0, 1);
	assert_int_equal(models_open(NULL, &w->models, &why), ERR_OK);
	assert_int_equal(zone_open(MALL_ZONE, &w->zone), ERR_OK);
	assert_int_equal(gateway_start(&s, w->mall, w->models, w->zone, &w->wire, &why), ERR_OK);
}

static int open_world(void **state)
{
	static struct world w;
	struct deals_ends ends;

	if (fixture_open((void **)&w.root) != 0)
		return -1;
	w.worker = fixture_as("yufu_worker");
	w.api = fixture_as("yufu_api");
	w.settings = fixture_settings("yufu_poller");
	open_wire(&w);
	w.desk = desk_open();
	w.holdings = holdings_open();
	w.fleet = fleet_open();
	w.back = orders_back_open();
	w.sink = sink_open(&w.settings, w.desk, w.holdings);
	ends = (struct deals_ends){ &w.settings, w.fleet, w.holdings };
	w.purchaser = purchaser_open(&ends);
	w.setter = setter_open(&ends);
	assert_int_equal(pthread_create(&w.threads[0], NULL, run_sink, &w), 0);
	assert_int_equal(pthread_create(&w.threads[1], NULL, run_purchaser, &w), 0);
	assert_int_equal(pthread_create(&w.threads[2], NULL, run_setter, &w), 0);
	*state = &w;
	return 0;
}

static void close_wire(struct world *w)
{
	char path[PATH_MAX];

	gateway_stop(&w->wire);
	snprintf(path, sizeof(path), "%s/G1.json", w->dir);
	unlink(path);
	rmdir(w->dir);
	zone_free(&w->zone);
	models_free(&w->models);
	mall_free(&w->mall);
}

static int close_world(void **state)
{
	struct world *w = *state;
	int64_t ids[64];
	size_t n = fleet_list(w->fleet, 0, ids, ARRAY_LEN(ids));

	for (size_t i = 0; i < n; i++) {
		struct runner *r = fleet_remove(w->fleet, ids[i]);

		runner_free(&r);
	}
	purchaser_stop(w->purchaser);
	setter_stop(w->setter);
	desk_close(w->desk);
	for (size_t i = 0; i < ARRAY_LEN(w->threads); i++)
		pthread_join(w->threads[i], NULL);
	setter_free(&w->setter);
	purchaser_free(&w->purchaser);
	sink_free(&w->sink);
	fleet_free(&w->fleet);
	orders_back_free(&w->back);
	holdings_free(&w->holdings);
	desk_free(&w->desk);
	close_wire(w);
	db_free(&w->worker);
	db_free(&w->api);
	return fixture_close((void **)&w->root);
}

/* ---- a shop with a meter on the wire ---- */

struct bench {
	struct world *w;
	struct shop s;
	int unit;
};

static void worker_round(struct bench *b)
{
	assert_int_equal(credit_work(b->w->worker, utc_now()), ERR_OK);
	assert_int_equal(metersettings_alarm(b->w->worker, utc_now()), ERR_OK);
}

static int64_t number(struct bench *b, const char *format)
{
	return shop_number(b->w->root, format, b->s.meter);
}

/* Lets all threads work until a number of the database is what it has to be. */
static void await(struct bench *b, const char *format, int64_t expected)
{
	int64_t deadline = mono_ms() + DEADLINE_MS;
	int64_t v;

	while ((v = number(b, format)) != expected) {
		if (mono_ms() > deadline)
			fail_msg("%s: %lld, not %lld", format, (long long)v, (long long)expected);
		worker_round(b);
		usleep(10000);
	}
}

#define SETTING(kind, condition)                                                                   \
	"SELECT COUNT(*) AS v FROM meter_setting WHERE meter_id = %lld AND kind = '" kind          \
	"' AND " condition
#define ALARMS                                                                                     \
	"SELECT COUNT(*) AS v FROM alarm WHERE open_key LIKE 'settings_differ:%%' AND object_id "  \
	"= %lld"

/* A number of the meter itself, as the simulator knows it. */
static int64_t truth(struct bench *b, const char *name, size_t i)
{
	json_t *meter = NULL;
	const json_t *v;
	int64_t n;

	assert_int_equal(gateway_meter(b->w->wire, b->unit, &meter), ERR_OK);
	v = json_object_get(json_object_get(meter, "credit"), name);
	if (json_is_array(v))
		v = json_array_get(v, i);
	n = json_is_boolean(v) ? json_is_true(v) : json_integer_value(v);
	json_decref(meter);
	return n;
}

static void assert_prices(
	struct bench *b, int64_t sharp, int64_t peak, int64_t flat, int64_t valley)
{
	assert_int_equal(truth(b, "price_fen", 0), sharp);
	assert_int_equal(truth(b, "price_fen", 1), peak);
	assert_int_equal(truth(b, "price_fen", 2), flat);
	assert_int_equal(truth(b, "price_fen", 3), valley);
}

static void change(struct bench *b, struct meter_change c)
{
	assert_int_equal(gateway_change_meter(b->w->wire, b->unit, &c, NULL), ERR_OK);
}

static void start_bus(struct bench *b)
{
	AUTO(plant_free) struct plant p = { 0 };
	struct world *w = b->w;
	struct db *db = db_open(&w->settings);
	/* Nobody reads unless he is asked to. */
	struct runner_ends ends = { .desk = w->desk, .back = w->back, .period_ms = 10 * HOUR };
	struct runner *r = NULL;

	assert_int_equal(plant_load(db, w->models, b->s.group, true, &p), ERR_OK);
	assert_int_equal(p.n, 1);
	assert_int_equal(p.buses[0].n, 1);
	assert_int_equal(runner_start(&p.buses[0], &ends, NULL, &r), ERR_OK);
	fleet_add(w->fleet, r);
	db_free(&db);
}

static void make_bench(struct bench *b, struct world *w, int unit)
{
	const struct mall_meter *m = mall_meter(w->mall, 0, unit);
	struct lease l = { .epoch = 1, .owner = "test" };

	*b = (struct bench){ .w = w, .s = shop_make(w->root, ++w->shops), .unit = unit };
	shop_set(w->root, "UPDATE gateway SET address = '127.0.0.1:%d' WHERE id = %lld",
		gateway_port(w->wire), (long long)b->s.gateway);
	shop_set(w->root,
		"UPDATE meter SET unit = '%d', model = '%s', serial = '%s' WHERE id = %lld", unit,
		m->model, m->serial, (long long)b->s.meter);
	change(b, (struct meter_change){ .set_load = true,
			  .load = 0,
			  .set_register = true,
			  .register_milli = 1000000 });
	l.group_id = b->s.group;
	holdings_add(w->holdings, &l);
	start_bus(b);
}

/* The meter is read, and what it says is settled. */
static void read_meter(struct bench *b)
{
	int64_t now = utc_now().ms, deadline = mono_ms() + DEADLINE_MS;

	while (number(b, "SELECT COALESCE(MAX(read_at), 0) AS v FROM settled WHERE meter_id = "
			 "%lld") <= now ||
		number(b, "SELECT read_at AS v FROM meter_state WHERE meter_id = %lld") <= now) {
		assert_true(mono_ms() < deadline);
		fleet_want(b->w->fleet, b->s.meter);
		usleep(20000);
	}
}

/* Rates without tiers, in whole fen. */
#define SLOTS_3 "[[\"00:00\", \"valley\"], [\"08:00\", \"peak\"], [\"18:00\", \"flat\"]]"
#define VERSION(from, slots, peak, flat, valley, more)                                             \
	"{\"effective_from\": \"" from "\", \"calendar\": [{\"slots\": " slots                     \
	"}], \"prices\": {\"peak\": [\"" peak "\"], \"flat\": [\"" flat                            \
	"\"], \"valley\": [\"" valley "\"]}" more "}"
#define FIRST VERSION("2026-01-01T00:00:00+08:00", SLOTS_3, "1.10", "0.66", "0.31", "")

static void set_tariff(struct bench *b, const char *versions)
{
	shop_set(b->w->root,
		"UPDATE tariff SET revision = revision + 1, doc = '{\"code\": \"tou%d\", \"name\": "
		"\"tou\", \"utility\": \"electricity\", \"versions\": [%s]}' WHERE id = %lld",
		(int)b->s.group, versions, (long long)b->s.tariff);
}

static enum err convert(struct bench *b, bool to_meter, const char *key, struct problem *why)
{
	const struct model *m = models_find(b->w->models, "acrel-ddsy1352");
	struct credit_converting c = { .meter_id = b->s.meter,
		.to_meter = to_meter,
		.facts = { .unit = "yuan", .step_milli = 10, .prepaid = true },
		.reason = "test",
		.once_key = key,
		.actor = "user:1",
		.address = "",
		.now = utc_now() };
	struct credit_converted out;

	model_holds(m, c.facts.hold.rates, &c.facts.hold.price_step_micro, &c.facts.hold.slots_max);
	return credit_convert(b->w->api, &c, &out, why);
}

static void to_meter(struct bench *b)
{
	struct problem why = { 0 };

	set_tariff(b, FIRST);
	read_meter(b);
	if (convert(b, true, "to", &why) != ERR_OK)
		fail_msg("%s", why.text);
	await(b, SETTING("prices", "state = 'done'"), 1);
	await(b, SETTING("slots", "state = 'done'"), 1);
	await(b, "SELECT COUNT(*) AS v FROM purchase WHERE meter_id = %lld AND state = 'done'", 1);
	await(b, SETTING("prepaid", "state = 'done'"), 1);
}

/* ---- tests ---- */

static void prices_and_slots_follow_the_tariff(void **state)
{
	struct bench b;
	int64_t held;

	make_bench(&b, *state, 3);
	to_meter(&b);
	assert_prices(&b, 31, 110, 66, 31); /* no sharp slot: the price of the first */
	assert_int_equal(number(&b, SETTING("prices", "observed = 'sharp 0.31 peak 1.1 flat 0.66"
						      " valley 0.31'")),
		1);
	assert_int_equal(
		number(&b, SETTING("slots", "observed = '00:00 valley 08:00 peak 18:00 flat'")), 1);
	assert_int_equal(truth(&b, "on", 0), 1);
	assert_int_equal(truth(&b, "fen", 0), 10000);

	/* A version that begins in an hour changes nothing now, and everything then. */
	set_tariff(&b, FIRST ", " VERSION("2026-11-23T00:00:00+08:00",
			       "[[\"00:00\", \"peak\"], [\"06:30\", \"valley\"]]", "1.20", "0.70",
			       "0.35", ""));
	worker_round(&b);
	assert_prices(&b, 31, 110, 66, 31);
	atomic_fetch_add(&ahead, 7 * HOUR);
	await(&b, SETTING("prices", "state = 'done' AND observed LIKE '%%peak 1.2 %%'"), 1);
	await(&b, SETTING("slots", "state = 'done' AND observed = '00:00 peak 06:30 valley'"), 1);
	assert_prices(&b, 120, 120, 120, 35);
	/* The credit and its count are as they were. */
	assert_int_equal(truth(&b, "fen", 0), 10000);
	assert_int_equal(truth(&b, "count", 0), 1);
	assert_int_equal(
		number(&b, "SELECT count AS v FROM meter_credit WHERE meter_id = %lld"), 1);
	held = number(&b, "SELECT COUNT(*) AS v FROM meter_slots WHERE meter_id = %lld");
	assert_int_equal(held, 5); /* its own; unknown, ours; unknown, the new ones */
	assert_int_equal(number(&b, ALARMS), 0);
}

static void a_lost_answer_is_settled_by_reading(void **state)
{
	struct bench b;

	make_bench(&b, *state, 4);
	to_meter(&b);
	change(&b, (struct meter_change){ .loses = true });
	set_tariff(&b, VERSION("2026-01-01T00:00:00+08:00", SLOTS_3, "1.15", "0.66", "0.31", ""));
	await(&b, SETTING("prices", "state = 'done' AND observed LIKE '%%peak 1.15 %%'"), 1);
	assert_int_equal(number(&b, SETTING("prices", "tries = 1 AND error <> ''")), 1);
	assert_prices(&b, 31, 115, 66, 31);
}

static void a_refusal_ends_in_an_alarm(void **state)
{
	struct bench b;

	make_bench(&b, *state, 5);
	to_meter(&b);
	change(&b, (struct meter_change){ .set_refuses = true, .refuses = true });
	set_tariff(&b, VERSION("2026-01-01T00:00:00+08:00", SLOTS_3, "1.25", "0.66", "0.31", ""));
	for (int i = 1; i < SETTING_TRIES_MAX; i++) {
		char tries[200];

		snprintf(tries, sizeof(tries),
			"SELECT COUNT(*) AS v FROM meter_setting WHERE meter_id = %%lld AND kind ="
			" 'prices' AND state = 'desired' AND tries = %d",
			i);
		await(&b, tries, 1);
		assert_int_equal(number(&b, ALARMS), 0);
		atomic_fetch_add(&ahead, 60000); /* past the pause */
	}
	await(&b, SETTING("prices", "state = 'refused' AND tries = 4"), 1);
	await(&b, ALARMS, 1);
	assert_prices(&b, 31, 110, 66, 31);
	/* Somebody mends it: it is tried once more by itself. */
	change(&b, (struct meter_change){ .set_refuses = true });
	atomic_fetch_add(&ahead, 7 * HOUR);
	await(&b, SETTING("prices", "state = 'done'"), 1);
	assert_prices(&b, 31, 125, 66, 31);
	await(&b, ALARMS, 0);
}

static void what_cannot_be_held_is_told(void **state)
{
	static const char *const tiers = ", \"tier_cycle\": \"month\", \"tiers_upto_kwh\": [\"5\"]";
	struct problem why = { 0 };
	struct bench b;
	char two[600];

	make_bench(&b, *state, 6);
	read_meter(&b);
	assert_int_equal(convert(&b, true, "tiers", &why), ERR_CONFLICT);
	assert_non_null(strstr(why.text, "tiers"));
	/* A price that the meter's steps cannot show. */
	set_tariff(&b, VERSION("2026-01-01T00:00:00+08:00", SLOTS_3, "1.105", "0.66", "0.31", ""));
	assert_int_equal(convert(&b, true, "fine", &why), ERR_CONFLICT);
	assert_non_null(strstr(why.text, "1.105 is finer than the 0.01 yuan"));
	to_meter(&b);
	/* A later version has tiers: told ahead, and the meter keeps what it has. */
	snprintf(two, sizeof(two),
		FIRST ", {\"effective_from\": \"2027-01-01T00:00:00+08:00\", \"calendar\": "
		      "[{\"slots\": " SLOTS_3 "}], \"prices\": {\"peak\": [\"1.1\", \"1.2\"], "
		      "\"flat\": [\"0.66\", \"0.7\"], \"valley\": [\"0.31\", \"0.4\"]}%s}",
		tiers);
	set_tariff(&b, two);
	await(&b, ALARMS, 1);
	assert_int_equal(number(&b, SETTING("prices", "why LIKE 'from 2027-01-01 on%%tiers%%' AND"
						      " desired LIKE '%%peak 1.1 %%'")),
		1);
	set_tariff(&b, FIRST);
	await(&b, ALARMS, 0);
	assert_prices(&b, 31, 110, 66, 31);
}

static void back_to_the_account_switches_its_own_control_off(void **state)
{
	struct problem why = { 0 };
	struct bench b;

	make_bench(&b, *state, 7);
	to_meter(&b);
	assert_int_equal(truth(&b, "on", 0), 1);
	change(&b, (struct meter_change){ .set_refuses = true, .refuses = true });
	read_meter(&b);
	if (convert(&b, false, "back", &why) != ERR_OK)
		fail_msg("%s", why.text);
	await(&b, ALARMS, 1);
	assert_int_equal(number(&b, SETTING("prices", "desired = '' AND state = 'none'")), 1);
	assert_int_equal(truth(&b, "on", 0), 1);
	change(&b, (struct meter_change){ .set_refuses = true });
	atomic_fetch_add(&ahead, 60000);
	await(&b, SETTING("prepaid", "state = 'done' AND observed = 'off'"), 1);
	assert_int_equal(truth(&b, "on", 0), 0);
	await(&b, ALARMS, 0);
	/* A meter that came with its own control on trips all the same. */
	shop_set(b.w->root,
		"UPDATE meter_setting SET desired = '', state = 'none', observed = 'on'"
		" WHERE kind = 'prepaid' AND meter_id = %lld",
		(long long)b.s.meter);
	await(&b, ALARMS " AND text LIKE '%%trips by its own credit%%'", 1);
	shop_set(b.w->root,
		"UPDATE meter_setting SET observed = 'off' WHERE kind = 'prepaid' AND meter_id ="
		" %lld",
		(long long)b.s.meter);
	await(&b, ALARMS, 0);
	/* Prices at the meter are nobody's business any more. */
	assert_int_equal(number(&b, SETTING("prices", "desired = '' AND observed <> ''")), 1);
}

static void no_price_goes_while_a_purchase_is_on_its_way(void **state)
{
	struct bench b;

	make_bench(&b, *state, 8);
	to_meter(&b);
	shop_set(b.w->root,
		"UPDATE purchase SET state = 'unknown', open_meter = meter_id, sent_at = %lld"
		" WHERE meter_id = %lld",
		9000000000000LL, (long long)b.s.meter);
	set_tariff(&b, VERSION("2026-01-01T00:00:00+08:00", SLOTS_3, "1.30", "0.66", "0.31", ""));
	await(&b, SETTING("prices", "state = 'desired' AND observed_at >= desired_at"), 1);
	for (int i = 0; i < 30; i++) /* more than a scan of the setter */
		await(&b, SETTING("prices", "state = 'desired' AND tries = 0"), 1);
	assert_prices(&b, 31, 110, 66, 31);
	shop_set(b.w->root,
		"UPDATE purchase SET state = 'done', open_meter = NULL WHERE meter_id = %lld",
		(long long)b.s.meter);
	await(&b, SETTING("prices", "state = 'done'"), 1);
	assert_prices(&b, 31, 130, 66, 31);
}

#define MALL_SLOTS                                                                                 \
	"00:00 valley 07:00 flat 10:00 peak 12:00 flat 17:00 peak 19:00 sharp 21:00 peak 23:00 "   \
	"valley"

static int64_t used_at_rate(struct bench *b, const char *rate)
{
	char sql[200];

	snprintf(sql, sizeof(sql),
		"SELECT COALESCE(SUM(qty_milli), 0) AS v FROM usage_day WHERE meter_id = %%lld AND"
		" rate = '%s'",
		rate);
	return number(b, sql);
}

static void a_gap_is_split_by_the_registers_of_the_meter(void **state)
{
	struct bench b;

	make_bench(&b, *state, 9);
	set_tariff(&b,
		"{\"effective_from\": \"2026-01-01T00:00:00+08:00\", \"calendar\": [{\"slots\": "
		"[[\"00:00\", \"valley\"], [\"07:00\", \"flat\"], [\"10:00\", \"peak\"], "
		"[\"12:00\", \"flat\"], [\"17:00\", \"peak\"], [\"19:00\", \"sharp\"], [\"21:00\","
		" \"peak\"], [\"23:00\", \"valley\"]]}], \"prices\": {\"sharp\": [\"2\"], "
		"\"peak\": [\"1.5\"], \"flat\": [\"1\"], \"valley\": [\"0.5\"]}}");
	await(&b,
		"SELECT COUNT(*) AS v FROM meter_slots WHERE meter_id = %lld AND slots ="
		" '" MALL_SLOTS "'",
		1);
	read_meter(&b);
	/* Nobody reads it for 25 hours. It counts 10 kWh: 9, 34, 36 and 21 in a hundred. */
	change(&b, (struct meter_change){ .set_register = true, .register_milli = 1010000 });
	atomic_fetch_add(&ahead, 25 * HOUR);
	read_meter(&b);
	assert_int_equal(used_at_rate(&b, "sharp"), 900);
	assert_int_equal(used_at_rate(&b, "peak"), 3400);
	assert_int_equal(used_at_rate(&b, "flat"), 3600);
	assert_int_equal(used_at_rate(&b, "valley"), 2100);
	/* 0.9 x 2 + 3.4 x 1.5 + 3.6 x 1 + 2.1 x 0.5 yuan */
	assert_int_equal(number(&b, "SELECT CAST(SUM(charge_nano) AS SIGNED) AS v FROM settlement"
				    " WHERE meter_id = %lld"),
		INT64_C(11550000000));
	/* Nothing was written to a meter of the account. */
	assert_int_equal(number(&b, "SELECT COUNT(*) AS v FROM meter_setting WHERE meter_id = %lld"
				    " AND (state <> 'none' OR desired <> '')"),
		0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(prices_and_slots_follow_the_tariff),
		cmocka_unit_test(a_lost_answer_is_settled_by_reading),
		cmocka_unit_test(a_refusal_ends_in_an_alarm),
		cmocka_unit_test(what_cannot_be_held_is_told),
		cmocka_unit_test(back_to_the_account_switches_its_own_control_off),
		cmocka_unit_test(no_price_goes_while_a_purchase_is_on_its_way),
		cmocka_unit_test(a_gap_is_split_by_the_registers_of_the_meter),
	};

	log_open("db_setter", LOG_LEVEL_ERROR);
	return cmocka_run_group_tests(tests, open_world, close_world);
}
