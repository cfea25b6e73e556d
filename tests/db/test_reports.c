/* All reports over a mall that has lived for a while: each ties to the books by sums that share no
 * text with it, and what is final comes out the same, byte for byte, after more has happened. */
#include "reports_told.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"

#define DAYS 9	     /* before the first asking */
#define DAYS_LATER 4 /* between that and the second */

struct utc seeded_now;

struct utc __wrap_utc_now(void);
struct utc __wrap_utc_now(void)
{
	return seeded_now;
}

/* ---- the line ---- */

static void outages_are_told_by_the_part_that_lies_in_the_span(void **state)
{
	struct utc begins = zone_day_start(world->zone, first),
		   ends = zone_day_start(world->zone, (struct day){ last.days + 1 });
	AUTO(json_free) json_t *outages = NULL, *comm = NULL;
	char sql[400];
	json_t *row;
	size_t i, met = 0;

	(void)state;
	fixture_sql(world->root, "DELETE FROM outage");
	snprintf(sql, sizeof(sql),
		"INSERT INTO outage (object_kind, object_id, from_at, until_at, open_key) VALUES"
		" ('meter', 1, %lld, %lld, NULL), ('meter', 1, %lld, %lld, NULL),"
		" ('meter', 2, %lld, 0, 'meter:2'), ('meter', 1, 5, 6, NULL)",
		(long long)begins.ms - 5000, (long long)begins.ms + 10000,
		(long long)begins.ms + 20000, (long long)begins.ms + 25000,
		(long long)ends.ms - 60000);
	fixture_sql(world->root, sql);
	outages = report("outages");
	comm = report("communication");
	assert_int_equal(json_array_size(json_object_get(outages, "items")), 3);
	assert_int_equal(total(outages, "seconds"), 10 + 5 + 60);
	json_array_foreach(json_object_get(comm, "items"), i, row)
	{
		int64_t silent = number(row, "silent_s");

		assert_int_equal(number(row, "of_s"), (ends.ms - begins.ms) / 1000);
		met += silent == 15 && number(row, "outages") == 2;
		met += silent == 60 && number(row, "outages") == 1;
	}
	assert_int_equal(met, 2);
	fixture_sql(world->root, "DELETE FROM outage");
}

static void acts_are_all_told(void **state)
{
	AUTO(json_free) json_t *r = report("supply-actions");

	(void)state;
	assert_true(json_array_size(json_object_get(r, "items")) > 0);
}

/* ---- as files ---- */

static void a_text_is_no_formula(void **state)
{
	struct report_ask ask = asking("purchases", "csv");
	AUTO(buf_free) struct buf b = { 0 };

	(void)state;
	fixture_sql(world->root, "UPDATE tenant SET room = name, name = '=1+1,\"x\"'");
	make(&ask, &b);
	assert_memory_equal(b.text, "\xef\xbb\xbf项目,", 10);
	assert_non_null(strstr(b.text, ",\"'=1+1,\"\"x\"\"\","));
	assert_null(strstr(b.text, ",=1+1"));
	fixture_sql(world->root, "UPDATE tenant SET name = room, room = ''");
}

static void what_cannot_be_made_is_refused(void **state)
{
	struct report_ask far = asking("fees", "json"), grouped = asking("fees", "json"),
			  rates = asking("usage-hour", "json"), long_span = asking("fees", "json"),
			  other = asking("fees", "json");
	struct report_file file = { 0 };
	struct problem why = { 0 };

	(void)state;
	far.site = "nowhere";
	assert_int_equal(report_make(world->root, &far, &file, &why), ERR_NOT_FOUND);
	assert_string_equal(why.field, "site");
	other.caller_site = 999;
	assert_int_equal(report_make(world->root, &other, &file, &why), ERR_NOT_FOUND);
	grouped.by = "shop";
	assert_int_equal(report_make(world->root, &grouped, &file, &why), ERR_UNKNOWN_FIELD);
	rates.by = "rate";
	assert_int_equal(report_make(world->root, &rates, &file, &why), ERR_BAD_VALUE);
	long_span.from.days -= 400;
	assert_int_equal(report_make(world->root, &long_span, &file, &why), ERR_OUT_OF_RANGE);
	assert_string_equal(why.field, "to");
	assert_null(file.file);
}

/* Days of a long span are read in another way. */
static void a_long_span_tells_the_same(void **state)
{
	static const char *const names[] = { "usage-day", "losses" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		struct report_ask quarter = asking(names[i], "json"), year = quarter;
		AUTO(json_free) json_t *few = NULL, *many = NULL;

		quarter.from.days = last.days - 60;
		year.from.days = last.days - 300;
		few = made(&quarter);
		many = made(&year);
		assert_true(json_array_size(json_object_get(few, "items")) > 0);
		assert_true(
			json_equal(json_object_get(few, "items"), json_object_get(many, "items")));
	}
}

/* ---- of some areas ---- */

#define HALF_USER 77
/* Rows of a report that who sees the area "half" sees, by what names them. */
#define OF_METER                                                                                   \
	"SELECT COUNT(*) AS v FROM meter m JOIN area a ON a.id = m.area_id AND a.code = 'half'"
#define OF_CONTRACT                                                                                \
	OF_METER " JOIN contract_point p ON p.supply_point_id = m.supply_point_id"                 \
		 " JOIN contract c ON c.id = p.contract_id JOIN tenant t ON t.id = c.tenant_id"
static const struct query Q_OF_METER = { OF_METER " WHERE m.code = ?", &fixture_shape };
static const struct query Q_OF_GATEWAY = {
	OF_METER " JOIN gateway g ON g.id = m.gateway_id WHERE g.code = ?", &fixture_shape
};
static const struct query Q_OF_TENANT = { OF_CONTRACT " WHERE t.code = ?", &fixture_shape };
static const struct query Q_OF_PURSE = {
	OF_CONTRACT " JOIN account x ON x.contract_id = c.id WHERE x.id = ?", &fixture_shape
};

static bool is_of(const struct query *q, const json_t *name)
{
	char id[24];
	struct {
		int64_t v;
	} row = { 0 };

	snprintf(id, sizeof(id), "%lld", (long long)json_integer_value(name));
	assert_int_equal(
		db_one(world->root, q,
			ARGS(arg_text(json_is_string(name) ? json_string_value(name) : id)), &row),
		ERR_OK);
	return row.v > 0;
}

static json_t *of_half(const char *name, const char *by)
{
	struct report_ask ask = asking(name, "json");

	ask.caller_site = 1;
	ask.areas_of = HALF_USER;
	ask.by = by;
	return made(&ask);
}

static void half_is(const char *name, const char *member, const struct query *q)
{
	AUTO(json_free) json_t *all = report(name), *half = of_half(name, "");
	AUTO(json_free) json_t *want = json_array();
	json_t *row;
	size_t i;

	json_array_foreach(json_object_get(all, "items"), i, row)
	{
		bool gateway = strcmp(text(row, "kind"), "gateway") == 0;

		if (is_of(gateway ? &Q_OF_GATEWAY : q, json_object_get(row, member)))
			json_array_append(want, row);
	}
	if (!json_equal(want, json_object_get(half, "items"))) {
		char *have = json_dumps(half, 0), *due = json_dumps(want, 0);

		fail_msg("%s: %.3000s\nnot %.3000s", name, have, due);
	}
	totals_are_sums(half);
	/* Some of it is seen, and some is not, where there is anything. */
	if (json_array_size(json_object_get(all, "items")) > 30)
		assert_in_range(json_array_size(want), 1,
			json_array_size(json_object_get(all, "items")) - 1);
}

static void who_sees_an_area_is_told_of_it_alone(void **state)
{
	static const char *const groups[] = { "shop", "area", "rate" };
	AUTO(json_free) json_t *used = NULL, *carbon = NULL, *months = NULL;
	struct report_file file = { 0 };
	struct problem why = { 0 };

	(void)state;
	fixture_sql(
		world->root, "INSERT INTO area (code, name, site_id) VALUES ('half', 'half', 1)");
	fixture_sql(world->root, "UPDATE meter SET area_id = (SELECT id FROM area WHERE code = "
				 "'half') WHERE id % 2");
	fixture_sql(world->root, "INSERT INTO user_area_scope (user_id, area_id) SELECT 77, id "
				 "FROM area WHERE code = "
				 "'half'");
	half_is("usage-day", "code", &Q_OF_METER);
	half_is("usage-hour", "code", &Q_OF_METER);
	half_is("usage-month", "code", &Q_OF_METER);
	half_is("losses", "meter", &Q_OF_METER);
	half_is("peaks", "meter", &Q_OF_METER);
	half_is("supply-actions", "meter", &Q_OF_METER);
	half_is("outages", "code", &Q_OF_METER);
	half_is("communication", "code", &Q_OF_METER);
	half_is("purchases", "tenant", &Q_OF_TENANT);
	half_is("shares", "tenant", &Q_OF_TENANT);
	half_is("fees", "tenant", &Q_OF_TENANT);
	half_is("debtors", "tenant", &Q_OF_TENANT);
	half_is("energy-money", "account_id", &Q_OF_PURSE);
	used = of_half("usage-day", "meter");
	for (size_t i = 0; i < ARRAY_LEN(groups); i++) {
		AUTO(json_free) json_t *r = of_half("usage-day", groups[i]);

		totals_are_sums(r);
		assert_true(
			json_equal(json_object_get(r, "totals"), json_object_get(used, "totals")));
	}
	months = of_half("usage-month", "meter");
	carbon = of_half("carbon", "");
	assert_true(total(carbon, "energy_wh") > 0);
	assert_true(total(carbon, "energy_wh") <= total(months, "energy_wh"));
	for (size_t i = 0; i < reports_n; i++) {
		struct report_ask ask = asking(reports[i].name, "json");

		ask.caller_site = 1;
		ask.areas_of = HALF_USER;
		if (strncmp(reports[i].name, "vending", 7) == 0)
			assert_int_equal(
				report_make(world->root, &ask, &file, &why), ERR_FORBIDDEN);
		else
			assert_true(reports[i].areas);
	}
	fixture_sql(world->root, "UPDATE meter SET area_id = NULL");
	fixture_sql(world->root, "DELETE FROM user_area_scope WHERE user_id = 77");
}

/* ---- the same tomorrow ---- */

static void play(int64_t days)
{
	for (int64_t i = 0; i < days * 24; i++) {
		play_hour(world, seeded_now.ms - (seeded_now.ms - world->start) % HOUR +
					 ((seeded_now.ms - world->start) % HOUR ? HOUR : 0));
		check_hour(world);
	}
}

#define FORMATS 3
static const char *const formats[FORMATS] = { "json", "csv", "xlsx" };

static void a_past_day_comes_out_the_same(void **state)
{
	struct buf *before = calloc(reports_n * FORMATS, sizeof(*before));

	(void)state;
	ASSERT(before);
	for (size_t i = 0; i < reports_n * FORMATS; i++) {
		struct report_ask ask = asking(reports[i / FORMATS].name, formats[i % FORMATS]);

		make(&ask, &before[i]);
	}
	play(DAYS_LATER);
	for (size_t i = 0; i < reports_n * FORMATS; i++) {
		const struct report_kind *r = &reports[i / FORMATS];
		struct report_ask ask = asking(r->name, formats[i % FORMATS]);
		AUTO(buf_free) struct buf after = { 0 };

		make(&ask, &after);
		if (!r->measured && !r->whole &&
			(after.len != before[i].len ||
				memcmp(after.text, before[i].text, after.len) != 0))
			fail_msg("%s.%s is another one now:\n%.2000s\n%.2000s", r->name,
				formats[i % FORMATS], before[i].text, after.text);
		if (i % FORMATS == 0 && !r->whole && !r->measured)
			assert_non_null(strstr(after.text, "\"final\":true"));
		buf_free(&before[i]);
	}
	free(before);
}

static struct day last_sealed(void)
{
	struct day d = { (int32_t)FIXTURE_VALUE(world->root,
		"SELECT DATEDIFF(MAX(day), '1970-01-01') AS v FROM book_day WHERE sealed_at > 0") };

	return d;
}

static int open_all(void **state)
{
	uint64_t seed;

	(void)state;
	rand_bytes(&seed, sizeof(seed));
	if (getenv("SEED"))
		seed = strtoull(getenv("SEED"), NULL, 10);
	printf("SEED=%llu\n", (unsigned long long)seed);
	log_open("test", LOG_LEVEL_ERROR);
	db_library_open();
	world = world_open(seed, METERS, false);
	for (int64_t hour = 0; hour < DAYS * 24; hour++) {
		play_hour(world, world->start + hour * HOUR);
		check_hour(world);
	}
	/* A shaft of each utility, and a smaller one inside that of electricity. */
	fixture_sql(world->root,
		"UPDATE meter m JOIN (SELECT MIN(id) AS id, utility FROM meter GROUP BY utility) x"
		" ON x.utility = m.utility AND m.id > x.id SET m.parent_id = x.id");
	fixture_sql(world->root,
		"UPDATE meter m JOIN (SELECT MIN(id) AS id FROM meter WHERE parent_id = 1) x"
		" ON m.id IN (x.id + 2, x.id + 3) AND m.parent_id = 1 SET m.parent_id = x.id");
	last = last_sealed();
	first = (struct day){ last.days - (DAYS - 3) };
	return 0;
}

static int close_all(void **state)
{
	(void)state;
	world_free(&world);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sales_are_what_came_into_purses),
		cmocka_unit_test(shifts_tie_to_their_drawers),
		cmocka_unit_test(purchases_tie_to_purses_and_use),
		cmocka_unit_test(energy_and_money_tie),
		cmocka_unit_test(use_is_the_same_however_it_is_grouped),
		cmocka_unit_test(the_period_before_stands_beside),
		cmocka_unit_test(months_and_carbon_add_up),
		cmocka_unit_test(losses_are_the_difference),
		cmocka_unit_test(hours_are_the_same_however_they_are_grouped),
		cmocka_unit_test(hours_and_peaks_add_up),
		cmocka_unit_test(load_is_that_of_the_hours),
		cmocka_unit_test(shares_and_fees_tie_to_their_entries),
		cmocka_unit_test(debtors_are_those_below_zero),
		cmocka_unit_test(acts_are_all_told),
		cmocka_unit_test(what_cannot_be_made_is_refused),
		cmocka_unit_test(a_long_span_tells_the_same),
		cmocka_unit_test(who_sees_an_area_is_told_of_it_alone),
		cmocka_unit_test(a_past_day_comes_out_the_same),
		cmocka_unit_test(outages_are_told_by_the_part_that_lies_in_the_span),
		cmocka_unit_test(a_text_is_no_formula),
		cmocka_unit_test(payments_of_nobody_are_told),
	};

	return cmocka_run_group_tests(tests, open_all, close_all);
}
