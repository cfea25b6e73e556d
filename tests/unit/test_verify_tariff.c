/* What yufu tariff simulate says of random tariffs, zones and readings, against the verifier's own
 * reading of the same file: two implementations that share no line but those of core/base. */
#include "cmock.h"

#include <string.h>

#include "base/str.h"
#include "ctl/verify_tariff.h"
#include "rules/settle.h"
#include "rules/simulate.h"

#define LINES_MAX 4000
#define READINGS_MAX 40
#define HOUR INT64_C(3600000)
#define DAY (24 * HOUR)

/* ---- a random tariff ---- */

static const char *const rates[] = { "sharp", "peak", "flat", "valley", "deep_valley" };
/* As people write them; the same price in two ways is two lines of a bill. */
static const char *const prices[] = { "0", "1", "1.0", "0.5", "0.50", "0.6583", "1.0987",
	"0.000001", "3.999999", "0.312", "12.5" };
static const char *const kinds[] = { "workday", "weekend", "holiday", "all" };

struct draw {
	struct lots *l;
	struct buf text;
	int rates, tiers;
	bool water;
};

static void draw_slots(struct draw *d)
{
	int64_t minute = 0;

	for (int i = 0; minute < 1440; i++) {
		/* Often around the hours in which clocks jump. */
		buf_printf(&d->text, "%s[\"%02d:%02d\",\"%s\"]", i ? "," : "[", (int)minute / 60,
			(int)minute % 60, rates[lots_between(d->l, 0, d->rates - 1)]);
		minute += lots_between(d->l, 0, 3) ? lots_between(d->l, 1, 500)
						   : lots_between(d->l, 1, 45);
		if (lots_between(d->l, 0, 6) == 0)
			break;
	}
	buf_adds(&d->text, "]");
}

static void draw_row(struct draw *d)
{
	buf_printf(&d->text, "{\"days\":\"%s\",",
		kinds[lots_between(d->l, 0, (int64_t)ARRAY_LEN(kinds) - 1)]);
	if (lots_between(d->l, 0, 2) == 0)
		buf_printf(&d->text, "\"months\":[%d,%d],", (int)lots_between(d->l, 1, 12),
			(int)lots_between(d->l, 1, 12));
	buf_adds(&d->text, "\"slots\":");
	draw_slots(d);
	buf_adds(&d->text, "},");
}

static void draw_bounds(struct draw *d)
{
	int64_t bound = 0;

	d->tiers = (int)lots_between(d->l, 1, 4);
	if (d->tiers == 1)
		return;
	buf_printf(&d->text, "\"tiers_upto_%s\":", d->water ? "m3" : "kwh");
	for (int i = 0; i + 1 < d->tiers; i++) {
		bound += lots_between(d->l, 1, 150000);
		buf_printf(&d->text, "%s\"%lld.%03lld\"", i ? "," : "[", (long long)bound / 1000,
			(long long)bound % 1000);
	}
	buf_adds(&d->text, "],");
}

static void draw_version(struct draw *d, struct utc from)
{
	static const char *const cycles[] = { "none", "month", "year" };
	char at[UTC_TEXT_MAX];
	int64_t cycle = lots_between(d->l, 0, 3);

	buf_printf(&d->text, "{\"effective_from\":\"%s\",", utc_text(from, at));
	if (cycle < 3)
		buf_printf(&d->text, "\"tier_cycle\":\"%s\",", cycles[cycle]);
	draw_bounds(d);
	d->rates = (int)lots_between(d->l, 1, (int64_t)ARRAY_LEN(rates));
	buf_adds(&d->text, "\"calendar\":[");
	for (int64_t i = lots_between(d->l, 0, 4); i > 0; i--)
		draw_row(d);
	buf_adds(&d->text, "{\"slots\":");
	draw_slots(d);
	buf_adds(&d->text, "}],\"prices\":");
	for (int r = 0; r < d->rates; r++) {
		buf_printf(&d->text, "%s\"%s\":", r ? "," : "{", rates[r]);
		for (int i = 0; i < d->tiers; i++)
			buf_printf(&d->text, "%s\"%s\"", i ? "," : "[",
				prices[lots_between(d->l, 0, (int64_t)ARRAY_LEN(prices) - 1)]);
		buf_adds(&d->text, "]");
	}
	buf_adds(&d->text, "}}");
}

static void draw_days(struct draw *d, const char *name, int64_t day)
{
	char text[DAY_TEXT_MAX];

	buf_printf(&d->text, "\"%s\":[", name);
	for (int64_t i = 0, n = lots_between(d->l, 0, 4); i < n; i++)
		buf_printf(&d->text, "%s\"%s\"", i ? "," : "",
			day_text((struct day){ (int32_t)(day + lots_between(d->l, -9, 9)) }, text));
	buf_adds(&d->text, "],");
}

/* From a few days before the day on. */
static void draw_tariff(struct draw *d, int64_t day)
{
	int64_t from = (day - 3) * DAY + lots_between(d->l, 0, 6 * HOUR);
	int64_t n = lots_between(d->l, 1, 4);

	d->water = lots_between(d->l, 0, 3) == 0;
	buf_printf(&d->text, "{\"code\":\"c\",\"name\":\"n\",\"utility\":\"%s\",",
		d->water ? "water" : "electricity");
	draw_days(d, "holidays", day);
	draw_days(d, "workdays", day);
	for (int64_t i = 0; i < n; i++) {
		buf_adds(&d->text, i ? "," : "\"versions\":[");
		draw_version(d, (struct utc){ from });
		from += lots_between(d->l, 1, 3 * DAY); /* at any millisecond */
	}
	buf_adds(&d->text, "]}");
}

/* ---- the bill, as a list of texts ---- */

struct bill {
	struct slow_line lines[LINES_MAX];
	size_t n;
};

static int order(const struct slow_line *a, const struct slow_line *b)
{
	int d = strcmp(a->cycle, b->cycle);

	d = d ? d : strcmp(a->rate, b->rate);
	d = d ? d : (a->tier > b->tier) - (a->tier < b->tier);
	return d ? d : strcmp(a->price_text, b->price_text);
}

static void take(void *ctx, const struct slow_line *l)
{
	struct bill *b = ctx;
	size_t i = 0;

	while (i < b->n && order(&b->lines[i], l) < 0)
		i++;
	if (i == b->n || order(&b->lines[i], l) != 0) {
		assert_true(b->n + 1 < LINES_MAX);
		memmove(&b->lines[i + 1], &b->lines[i], (b->n++ - i) * sizeof(*l));
		b->lines[i] = *l;
		return;
	}
	b->lines[i].qty_milli += l->qty_milli;
	b->lines[i].charge_nano += l->charge_nano;
}

static json_t *bill_json(const struct bill *b, bool water, int64_t total)
{
	const char *unit = water ? "volume_l" : "energy_wh";
	json_t *lines = json_array();
	int64_t charge = 0;

	for (size_t i = 0; i < b->n; i++) {
		const struct slow_line *l = &b->lines[i];

		charge += l->charge_nano;
		json_array_append_new(
			lines, json_pack("{s:s, s:s, s:I, s:s, s:I, s:o}", "cycle", l->cycle,
				       "rate", l->rate, "tier", (json_int_t)l->tier, "price",
				       l->price_text, unit, (json_int_t)l->qty_milli, "charge",
				       json_money((struct money){ l->charge_nano })));
	}
	return json_pack("{s:I, s:o, s:o}", unit, (json_int_t)total, "charge",
		json_money((struct money){ charge }), "lines", lines);
}

/* ---- places and times at which something happens to a clock ---- */

static const struct {
	const char *zone;
	int year, month, day;
} places[] = {
	{ "Asia/Shanghai", 2026, 2, 28 },
	{ "Asia/Shanghai", 2026, 12, 31 },
	{ "Europe/Berlin", 2026, 3, 29 },
	{ "Europe/Berlin", 2026, 10, 25 },
	{ "America/New_York", 2026, 3, 8 },
	{ "America/New_York", 2026, 11, 1 },
	{ "America/St_Johns", 2010, 11, 7 }, /* at one minute past midnight */
	{ "Australia/Lord_Howe", 2026, 4, 5 },
	{ "Australia/Lord_Howe", 2026, 10, 4 },
	{ "America/Sao_Paulo", 2018, 11, 4 },
	{ "America/Sao_Paulo", 2018, 2, 18 },
	{ "America/Havana", 2026, 11, 1 },
	{ "Asia/Beirut", 2026, 3, 29 },
	{ "Asia/Kathmandu", 2026, 7, 31 },
	{ "Pacific/Apia", 2011, 12, 30 },
};

static size_t draw_readings(struct lots *l, struct utc from, struct simulate_reading *r)
{
	size_t n = (size_t)lots_between(l, 2, READINGS_MAX);

	r[0] = (struct simulate_reading){ .at = { from.ms + lots_between(l, 0, DAY) },
		.reg = { lots_between(l, 0, 1000000) },
		.line = 2 };
	for (size_t i = 1; i < n; i++) {
		int64_t longest = lots_between(l, 0, 2) ? 2 * HOUR : 2 * DAY;

		r[i].at.ms = r[i - 1].at.ms + lots_between(l, 1, longest);
		r[i].reg.milli =
			r[i - 1].reg.milli + lots_between(l, 0, lots_between(l, 0, 2) ? 20000 : 20);
		r[i].line = i + 2;
	}
	return n;
}

static void compare(
	const struct draw *d, const struct zone *z, const json_t *file, struct slow_tariff *slow)
{
	static struct bill bill;
	struct simulate_reading r[READINGS_MAX] = { 0 };
	AUTO(tariff_free) struct tariff *t = NULL;
	AUTO(json_free) json_t *have = NULL;
	AUTO(json_free) json_t *want = NULL;
	struct slow_use use = { 0 };
	struct problem why = { 0 };
	struct utc first;
	size_t n;

	assert_int_equal(utc_parse(json_string_value(json_object_get(
					   json_array_get(json_object_get(file, "versions"), 0),
					   "effective_from")),
				 &first),
		ERR_OK);
	if (tariff_parse(file, z, &t, &why) != ERR_OK)
		fail_msg("%s: %s in %s", why.field, why.text, d->text.text);
	n = draw_readings(d->l, first, r);
	bill.n = 0;
	for (size_t i = 1; i < n; i++)
		assert_int_equal(
			slow_charge(slow, r[i - 1].at, r[i].at, r[i].reg.milli - r[i - 1].reg.milli,
				&use, (struct slow_sink){ take, &bill }),
			ERR_OK);
	assert_int_equal(simulate_run(t, r, n, &have, &why), ERR_OK);
	want = bill_json(&bill, d->water, r[n - 1].reg.milli - r[0].reg.milli);
	if (!json_equal(have, want))
		fail_msg("%s\n%s\n%s\n%s", zone_name(z), d->text.text, json_text(have),
			json_text(want));
}

static void draw_free(struct draw *d)
{
	buf_free(&d->text);
}

static void as_simulate_says(void **state)
{
	struct lots l = lots_open();

	(void)state;
	for (int i = 0; i < 450; i++) {
		size_t place = (size_t)i % ARRAY_LEN(places);
		AUTO(zone_free) struct zone *z = NULL;
		AUTO(json_free) json_t *file = NULL;
		AUTO(slow_tariff_free) struct slow_tariff *slow = NULL;
		AUTO(draw_free) struct draw d = { .l = &l };

		draw_tariff(
			&d, civil_days(places[place].year, places[place].month, places[place].day));
		assert_int_equal(zone_open(places[place].zone, &z), ERR_OK);
		assert_int_equal(json_parse(d.text.text, d.text.len, &file, NULL), ERR_OK);
		assert_int_equal(slow_tariff_open(d.text.text, d.text.len, z, &slow), ERR_OK);
		compare(&d, z, file, slow);
	}
}

/* ---- the segments themselves: days and hours, which no bill shows ---- */

struct key {
	int64_t day, hour, version;
	char rate[40];
	int64_t tier, qty, nano;
};
struct keys {
	struct key k[LINES_MAX];
	size_t n;
};

static void key_add(struct keys *all, const struct key *k)
{
	size_t i = 0;

	while (i < all->n && (all->k[i].day != k->day || all->k[i].hour != k->hour ||
				     all->k[i].version != k->version || all->k[i].tier != k->tier ||
				     !str_eq(all->k[i].rate, k->rate)))
		i++;
	assert_true(i + 1 < LINES_MAX);
	if (i == all->n) {
		all->k[all->n++] = *k;
		return;
	}
	all->k[i].qty += k->qty;
	all->k[i].nano += k->nano;
}

static void take_slow(void *ctx, const struct slow_line *l)
{
	struct key k = { l->day.days, l->hour.ms, l->version.ms, "", l->tier, l->qty_milli,
		l->charge_nano };

	assert_true(str_copy(k.rate, sizeof(k.rate), l->rate));
	key_add(ctx, &k);
}

struct fast {
	struct keys keys;
	const struct zone *z;
};

static enum err take_fast(void *ctx, const struct segment *s)
{
	struct fast *f = ctx;
	struct local at = zone_local(f->z, s->from);
	struct key k = { s->day.days,
		s->from.ms - s->from.ms % 1000 - at.second % 3600 * INT64_C(1000), s->version.ms,
		"", s->tier, s->qty.milli, s->charge.nano };

	assert_true(str_copy(k.rate, sizeof(k.rate), s->rate));
	key_add(&f->keys, &k);
	return ERR_OK;
}

static void keys_equal(const struct keys *a, const struct keys *b)
{
	assert_int_equal(a->n, b->n);
	for (size_t i = 0; i < a->n; i++)
		assert_memory_equal(&a->k[i], &b->k[i], sizeof(a->k[i]));
}

static void hours_and_days_too(void **state)
{
	static struct keys slow_keys;
	static struct fast fast;
	struct lots l = lots_open();

	(void)state;
	for (int i = 0; i < 600; i++) {
		size_t place = (size_t)i % ARRAY_LEN(places);
		int64_t day =
			civil_days(places[place].year, places[place].month, places[place].day);
		AUTO(zone_free) struct zone *z = NULL;
		AUTO(json_free) json_t *file = NULL;
		AUTO(tariff_free) struct tariff *t = NULL;
		AUTO(slow_tariff_free) struct slow_tariff *slow = NULL;
		AUTO(draw_free) struct draw d = { .l = &l };
		struct utc from = { (day - 2) * DAY + lots_between(&l, 0, 3 * DAY) }, to;
		int64_t qty = lots_between(&l, 0, 30000);
		bool priced = lots_between(&l, 0, 3) > 0;
		struct slow_use slow_use = { 0 };
		struct tier_use use = { 0 };

		to.ms = from.ms + lots_between(&l, 1, lots_between(&l, 0, 1) ? 2 * DAY : HOUR);
		draw_tariff(&d, day);
		assert_int_equal(zone_open(places[place].zone, &z), ERR_OK);
		assert_int_equal(json_parse(d.text.text, d.text.len, &file, NULL), ERR_OK);
		assert_int_equal(tariff_parse(file, z, &t, NULL), ERR_OK);
		assert_int_equal(
			slow_tariff_open(priced ? d.text.text : NULL, d.text.len, z, &slow),
			ERR_OK);
		slow_keys.n = fast.keys.n = 0;
		fast.z = z;
		assert_int_equal(slow_charge(slow, from, to, qty, &slow_use,
					 (struct slow_sink){ take_slow, &slow_keys }),
			ERR_OK);
		assert_int_equal(priced ? settle_interval(t, from, to, (struct qty){ qty }, &use,
						  (struct segment_sink){ take_fast, &fast })
					: settle_usage(z, from, to, (struct qty){ qty },
						  (struct segment_sink){ take_fast, &fast }),
			ERR_OK);
		keys_equal(&slow_keys, &fast.keys);
		assert_int_equal(slow_use.used_milli, use.used.milli);
		assert_string_equal(slow_use.cycle, use.cycle);
	}
}

static void what_it_cannot_answer(void **state)
{
	static const char doc[] =
		"{\"code\":\"c\",\"name\":\"n\",\"utility\":\"electricity\",\"versions\":[{"
		"\"effective_from\":\"2026-01-01T00:00:00+08:00\",\"calendar\":[{\"days\":"
		"\"weekend\","
		"\"slots\":[[\"00:00\",\"flat\"]]}],\"prices\":{\"flat\":[\"9223\"]}}]}";
	static struct keys keys;
	const struct slow_sink sink = { take_slow, &keys };
	const struct utc new_year = { INT64_C(1767196800000) }; /* a Thursday */
	AUTO(zone_free) struct zone *z = NULL;
	AUTO(slow_tariff_free) struct slow_tariff *t = NULL;
	struct slow_use use = { 0 };

	(void)state;
	assert_int_equal(zone_open("Asia/Shanghai", &z), ERR_OK);
	assert_int_equal(slow_tariff_open("{}", 2, z, &t), ERR_BAD_VALUE);
	assert_int_equal(slow_tariff_open(doc, sizeof(doc) - 1, z, &t), ERR_OK);
	assert_int_equal(slow_charge(t, (struct utc){ new_year.ms - 1 }, new_year, 1, &use, sink),
		ERR_NOT_FOUND);
	assert_int_equal(slow_charge(t, new_year, new_year, 1, &use, sink), ERR_OUT_OF_RANGE);
	assert_int_equal(
		slow_charge(t, new_year, (struct utc){ new_year.ms + HOUR }, 1, &use, sink),
		ERR_BAD_VALUE); /* no row for a Thursday */
	assert_int_equal(
		slow_charge(t, (struct utc){ new_year.ms + 2 * DAY },
			(struct utc){ new_year.ms + 2 * DAY + 1 }, INT64_C(2000000000), &use, sink),
		ERR_OVERFLOW);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(as_simulate_says),
		cmocka_unit_test(hours_and_days_too),
		cmocka_unit_test(what_it_cannot_answer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
