/* Use by hour, day and month, losses, peaks and carbon are what the meters counted. */
#include "domain/board.h"
#include "reports_told.h"

/* ---- use ---- */

#define USED(what, utility)                                                                        \
	TABLE("SELECT CAST(COALESCE(SUM(u." what                                                   \
	      "), 0) AS SIGNED) AS v FROM usage_day u JOIN meter"                                  \
	      " m ON m.id = u.meter_id WHERE u.book_day BETWEEN ? AND ? AND m.utility = '" utility \
	      "'")

static bool is_rate(const char *code)
{
	return str_eq(code, "peak") || str_eq(code, "flat") || str_eq(code, "valley");
}

/* What stands in the column of codes is of the sort that was asked for. */
static void groups_are(const char *by, const json_t *items)
{
	static const struct query meters = { "SELECT COUNT(*) AS v FROM meter WHERE code = ?",
		&fixture_shape };
	static const struct query shops = { "SELECT COUNT(*) AS v FROM tenant WHERE code = ?",
		&fixture_shape };
	struct {
		int64_t v;
	} found = { 0 };
	size_t i, known = 0;
	json_t *row;

	json_array_foreach(items, i, row)
	{
		const char *code = text(row, "code");

		if (str_eq(by, "rate"))
			known += is_rate(code);
		if (str_eq(by, "area") || str_eq(by, "rate"))
			continue;
		assert_int_equal(db_one(world->root, str_eq(by, "shop") ? &shops : &meters,
					 ARGS(arg_text(code)), &found),
			ERR_OK);
		known += (size_t)found.v;
		if (!str_eq(by, "shop"))
			assert_int_equal(found.v, 1);
	}
	assert_true(str_eq(by, "area") || known > 1);
}

void use_is_the_same_however_it_is_grouped(void **state)
{
	static const char *const groups[] = { "", "meter", "shop", "area", "rate" };
	struct report_ask ask = asking("usage-day", "json");
	int64_t before = TABLE("SELECT CAST(COALESCE(SUM(u.qty_milli), 0) AS SIGNED) AS v FROM"
			       " usage_day u JOIN meter m ON m.id = u.meter_id WHERE m.utility ="
			       " 'electricity' AND u.book_day >= ? - INTERVAL 1 DAY AND u.book_day"
			       " <= ? - INTERVAL 1 DAY");

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(groups); i++) {
		AUTO(json_free) json_t *r = NULL;

		ask.by = groups[i];
		r = made(&ask);
		totals_are_sums(r);
		assert_int_equal(total(r, "energy_wh"), USED("qty_milli", "electricity"));
		assert_int_equal(total(r, "volume_l"), USED("qty_milli", "water"));
		assert_int_equal(total(r, "charge"),
			USED("charge_nano", "electricity") + USED("charge_nano", "water"));
		assert_int_equal(total(r, "last_energy_wh"), before);
		groups_are(groups[i], json_object_get(r, "items"));
	}
}

/* Each day's figure stands beside the next one's, for the same meter. */
void the_period_before_stands_beside(void **state)
{
	AUTO(json_free) json_t *r = report("usage-day");
	json_t *items = json_object_get(r, "items"), *a, *b;
	size_t i, k, pairs = 0;

	(void)state;
	json_array_foreach(items, i, a) json_array_foreach(items, k, b)
	{
		struct day da, db;

		assert_int_equal(day_parse(text(a, "period"), &da), ERR_OK);
		assert_int_equal(day_parse(text(b, "period"), &db), ERR_OK);
		if (db.days != da.days + 1 || !str_eq(text(a, "code"), text(b, "code")))
			continue;
		assert_int_equal(number(a, "energy_wh"), number(b, "last_energy_wh"));
		assert_int_equal(number(a, "volume_l"), number(b, "last_volume_l"));
		assert_int_equal(number(a, "charge"), number(b, "last_charge"));
		pairs++;
	}
	assert_true(pairs > METERS);
}

void months_and_carbon_add_up(void **state)
{
	AUTO(json_free) json_t *months = report("usage-month"), *none = report("carbon");
	AUTO(json_free) json_t *some = NULL;
	json_t *row;
	size_t i;

	(void)state;
	totals_are_sums(months);
	assert_int_equal(total(none, "carbon_g"), 0);
	fixture_sql(world->root, "INSERT INTO setting VALUES (1, 'carbon_mg_per_kwh', 536600)");
	some = report("carbon");
	totals_are_sums(some);
	json_array_foreach(json_object_get(some, "items"), i, row) assert_int_equal(
		number(row, "carbon_g"), (number(row, "energy_wh") * 536600 + 500000) / 1000000);
	assert_true(total(some, "carbon_g") > 0);
	assert_true(total(some, "energy_wh") <= total(months, "energy_wh"));
	fixture_sql(world->root, "DELETE FROM setting WHERE name = 'carbon_mg_per_kwh'");
}

void losses_are_the_difference(void **state)
{
	AUTO(json_free) json_t *r = report("losses");
	json_t *row;
	size_t i;

	(void)state;
	totals_are_sums(r);
	assert_true(json_array_size(json_object_get(r, "items")) >=
		    2 * (size_t)(last.days - first.days));
	json_array_foreach(json_object_get(r, "items"), i, row)
	{
		assert_int_equal(
			number(row, "lost_wh"), number(row, "energy_wh") - number(row, "below_wh"));
		assert_int_equal(
			number(row, "lost_l"), number(row, "volume_l") - number(row, "below_l"));
	}
	assert_int_equal(total(r, "below_wh"),
		TABLE("SELECT CAST(COALESCE(SUM(u.qty_milli), 0) AS SIGNED) AS v FROM usage_day u"
		      " JOIN meter m ON m.id = u.meter_id AND m.parent_id > 0 AND m.utility ="
		      " 'electricity' WHERE u.book_day BETWEEN ? AND ?"));
}

struct by_hand {
	int64_t qty, charge, last_qty, last_charge;
};
#define F(member) FIELD(struct by_hand, member)
SHAPE(by_hand_shape, struct by_hand, F(qty), F(charge), F(last_qty), F(last_charge));
#undef F
#define IN_HOUR(what) "CAST(COALESCE(SUM(IF(h.hour_at = k.at, h." what ", 0)), 0) AS SIGNED)"
#define A_DAY_BEFORE(what) "CAST(COALESCE(SUM(IF(h.hour_at = k.at, 0, h." what ")), 0) AS SIGNED)"
/* clang-format off */
static const struct query Q_BY_HAND = {
	"SELECT " IN_HOUR("qty_milli") " AS qty, " IN_HOUR("charge_nano") " AS charge, "
	A_DAY_BEFORE("qty_milli") " AS last_qty, " A_DAY_BEFORE("charge_nano") " AS last_charge"
	" FROM (SELECT ? AS at) k STRAIGHT_JOIN meter m STRAIGHT_JOIN usage_hour h"
	" ON h.meter_id = m.id AND h.hour_at IN (k.at, k.at - 86400000)"
	" LEFT JOIN area a ON a.id = m.area_id LEFT JOIN contract_point p"
	" ON p.supply_point_id = m.supply_point_id AND p.from_at <= h.hour_at"
	" AND (p.to_at = 0 OR p.to_at > h.hour_at) LEFT JOIN contract c ON c.id = p.contract_id"
	" LEFT JOIN tenant t ON t.id = c.tenant_id WHERE m.role = ? AND m.utility = ? AND ? ="
	" CASE ? WHEN 'shop' THEN COALESCE(t.code, '') WHEN 'area' THEN COALESCE(a.code, '') ELSE m.code END",
	&by_hand_shape
};
/* clang-format on */

static void hour_is(const json_t *row, const char *by)
{
	bool water = str_eq(text(row, "utility"), "water");
	struct by_hand hand;
	struct utc at;

	assert_int_equal(utc_parse(text(row, "hour_at"), &at), ERR_OK);
	assert_int_equal(db_one(world->root, &Q_BY_HAND,
				 ARGS(arg_utc(at), arg_text(text(row, "role")),
					 arg_text(text(row, "utility")),
					 arg_text(text(row, "code")), arg_text(by)),
				 &hand),
		ERR_OK);
	assert_int_equal(number(row, water ? "volume_l" : "energy_wh"), hand.qty);
	assert_int_equal(number(row, water ? "last_volume_l" : "last_energy_wh"), hand.last_qty);
	assert_int_equal(number(row, "charge"), hand.charge);
	assert_int_equal(number(row, "last_charge"), hand.last_charge);
}

/* By meter, shop and area, some of them in none: the totals, and some of the rows one by one. */
void hours_are_the_same_however_they_are_grouped(void **state)
{
	static const char *const groups[] = { "meter", "shop", "area" };
	struct report_ask ask = asking("usage-hour", "json");
	AUTO(json_free) json_t *totals = NULL;

	(void)state;
	fixture_sql(world->root,
		"INSERT INTO area (code, name, site_id) VALUES ('third', 'A third', 1)");
	fixture_sql(world->root, "UPDATE meter SET area_id = (SELECT id FROM area WHERE code ="
				 " 'third') WHERE id % 3 = 0");
	for (size_t i = 0; i < ARRAY_LEN(groups); i++) {
		AUTO(json_free) json_t *r = NULL;
		json_t *items;

		ask.by = groups[i];
		r = made(&ask);
		totals_are_sums(r);
		items = json_object_get(r, "items");
		assert_true(json_array_size(items) > 100);
		for (size_t k = 0; k < json_array_size(items); k += 7)
			hour_is(json_array_get(items, k), groups[i]);
		if (!totals)
			totals = json_incref(json_object_get(r, "totals"));
		assert_true(json_equal(json_object_get(r, "totals"), totals));
	}
	fixture_sql(world->root, "UPDATE meter SET area_id = NULL");
	fixture_sql(world->root, "DELETE FROM area WHERE code = 'third'");
}

void hours_and_peaks_add_up(void **state)
{
	AUTO(json_free) json_t *hours = report("usage-hour"), *peaks = report("peaks");
	struct utc begins = zone_day_start(world->zone, first),
		   ends = zone_day_start(world->zone, (struct day){ last.days + 1 });
	static const struct query q = {
		"SELECT CAST(SUM(h.qty_milli) AS SIGNED) AS v FROM usage_hour h JOIN meter m ON"
		" m.id = h.meter_id WHERE m.utility = 'electricity' AND h.hour_at >= ? AND"
		" h.hour_at < ?",
		&fixture_shape
	};
	struct {
		int64_t v;
	} sum;
	json_t *row;
	size_t i;

	(void)state;
	assert_int_equal(
		db_one(world->root, &q, ARGS(arg_utc(begins), arg_utc(ends)), &sum), ERR_OK);
	totals_are_sums(hours);
	totals_are_sums(peaks);
	assert_int_equal(total(hours, "energy_wh"), sum.v);
	assert_int_equal(total(peaks, "day_wh"), sum.v);
	json_array_foreach(json_object_get(peaks, "items"), i, row)
		assert_true(number(row, "energy_wh") <= number(row, "day_wh"));
}

/* The load of the board is that of the hours, none left out and none counted twice. */
void load_is_that_of_the_hours(void **state)
{
	AUTO(rows_free) struct rows rows = { 0 };
	struct utc begins = zone_day_start(world->zone, first),
		   ends = zone_day_start(world->zone, (struct day){ last.days + 1 });
	static const struct query q = {
		"SELECT CAST(SUM(h.qty_milli) AS SIGNED) AS v FROM usage_hour h JOIN meter m ON"
		" m.id = h.meter_id WHERE m.enabled AND m.utility = 'electricity' AND"
		" m.role <> 'incomer' AND h.hour_at BETWEEN ? AND ? - 1",
		&fixture_shape
	};
	struct {
		int64_t v;
	} sum;
	const struct board_hour *h;

	(void)state;
	assert_int_equal(
		db_one(world->root, &q, ARGS(arg_utc(begins), arg_utc(ends)), &sum), ERR_OK);
	assert_int_equal(board_load(world->root, 0, world->zone, begins, ends, &rows), ERR_OK);
	assert_true(rows.n > 24);
	h = rows.at;
	for (size_t i = 0; i < rows.n; i++) {
		assert_in_range(h[i].hour_at.ms, begins.ms, ends.ms - HOUR);
		assert_true(i == 0 || h[i].hour_at.ms > h[i - 1].hour_at.ms);
		sum.v -= h[i].energy.milli;
	}
	assert_int_equal(sum.v, 0);
}
