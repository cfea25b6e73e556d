/* Settlement against a slow reference that shares nothing with it but the text of the rules: time
 * goes minute by minute over the C library's idea of the zone, quantities unit by unit of tier. */
#include "cmock.h"

#include <string.h>

#include "base/str.h"
#include "rules/settle.h"
#include "wall.h"

#define DAY_MIN 1440
#define RATES 3
#define TIERS 3
#define SLOTS 6
#define VERSIONS 3
#define PIECES_MAX 4096

static const char *const rate_names[RATES] = { "flat", "peak", "valley" };

struct day_plan {
	int slots;
	int minute[SLOTS], rate[SLOTS];
};

struct version_plan {
	int64_t from_min; /* UTC */
	int cycle;	  /* 0 none, 1 month, 2 year */
	int tiers;
	int64_t bounds[TIERS];
	int64_t price[RATES][TIERS]; /* micro-yuan */
	struct day_plan work, rest;
};

struct plan {
	const char *zone;
	int versions;
	struct version_plan v[VERSIONS];
	int64_t holiday; /* a local day */
};

struct piece {
	int version, rate, tier;
	char cycle[8];
	int64_t milli, nano;
};

struct pieces {
	struct piece p[PIECES_MAX];
	size_t n;
};

/* Neighbours of the same kind become one. */
static void pieces_add(struct pieces *all, const struct piece *p)
{
	struct piece *last = all->n ? &all->p[all->n - 1] : NULL;

	if (last && last->version == p->version && last->rate == p->rate && last->tier == p->tier &&
		strcmp(last->cycle, p->cycle) == 0) {
		last->milli += p->milli;
		last->nano += p->nano;
		return;
	}
	assert_true(all->n < PIECES_MAX);
	all->p[all->n++] = *p;
}

/* ---- the reference ---- */

static int64_t floor_div(int64_t a, int64_t b)
{
	return a / b - (a % b < 0);
}

/* The local day that has begun last at a UTC minute. */
static int64_t ref_day(const struct wall *w, int64_t utc_min)
{
	int64_t guess = floor_div(wall_local(w, utc_min), DAY_MIN);

	for (int64_t d = guess + 1; d >= guess - 1; d--) {
		int64_t start = wall_find(w, d * DAY_MIN);

		assert_true(start >= 0);
		if (start <= utc_min)
			return d;
	}
	fail_msg("no day");
	return 0;
}

static bool ref_is_rest(const struct plan *p, int64_t day)
{
	return floor_div(day, 7) * 7 + 2 == day || floor_div(day, 7) * 7 + 3 == day ||
	       day == p->holiday; /* day 0 was a Thursday */
}

static int ref_rate(const struct plan *p, const struct version_plan *v, const struct wall *w,
	int64_t day, int64_t utc_min)
{
	const struct day_plan *d = ref_is_rest(p, day) ? &v->rest : &v->work;

	for (int i = d->slots - 1; i > 0; i--)
		if (wall_find(w, day * DAY_MIN + d->minute[i]) <= utc_min)
			return d->rate[i];
	return d->rate[0];
}

static void ref_cycle(const struct version_plan *v, int64_t day, char label[8])
{
	time_t t = day * 86400;
	struct tm tm;

	memset(label, 0, 8);
	gmtime_r(&t, &tm);
	if (v->cycle)
		strftime(label, 8, v->cycle == 1 ? "%Y-%m" : "%Y", &tm);
}

/* Fills tiers upwards, at most up to the next bound at a time. */
static void ref_charge(
	const struct plan *p, struct piece k, int64_t q, struct tier_use *use, struct pieces *out)
{
	const struct version_plan *v = &p->v[k.version];

	if (q == 0) /* the count begins anew with the first unit of another cycle */
		return;
	if (strcmp(use->cycle, k.cycle) != 0) {
		memcpy(use->cycle, k.cycle, 8);
		use->used.milli = 0;
	}
	while (q > 0) {
		int tier = 0;

		while (tier < v->tiers - 1 && use->used.milli >= v->bounds[tier])
			tier++;
		k.milli = q;
		if (tier < v->tiers - 1 && use->used.milli + q > v->bounds[tier])
			k.milli = v->bounds[tier] - use->used.milli;
		k.tier = tier + 1;
		k.nano = k.milli * v->price[k.rate][tier];
		use->used.milli += k.milli;
		q -= k.milli;
		pieces_add(out, &k);
	}
}

static bool same_price(const struct piece *a, const struct piece *b)
{
	return a->version == b->version && a->rate == b->rate && strcmp(a->cycle, b->cycle) == 0;
}

static void reference(const struct plan *p, const struct wall *w, int64_t from_ms, int64_t to_ms,
	int64_t delta, struct tier_use *use, struct pieces *out)
{
	int64_t span_s = (to_ms - from_ms) / 1000, done = 0;
	int64_t min = floor_div(from_ms, 60000), last_day = INT64_MIN, last_min = -1;
	struct piece k = { 0 }, next;

	/* A cut can only lie on a whole minute: look at each. */
	for (; min * 60000 < to_ms; min++) {
		int64_t day = ref_day(w, min);

		next = (struct piece){ 0 };
		while (next.version + 1 < p->versions && p->v[next.version + 1].from_min <= min)
			next.version++;
		next.rate = ref_rate(p, &p->v[next.version], w, day, min);
		ref_cycle(&p->v[next.version], day, next.cycle);
		if (last_min >= 0 && (!same_price(&next, &k) || day != last_day)) {
			__int128 sum = (__int128)delta * ((min * 60000 - from_ms) / 1000);
			int64_t now = span_s ? (int64_t)(sum / span_s) : 0;

			ref_charge(p, k, now - done, use, out);
			done = now;
		}
		k = next;
		last_day = day;
		last_min = min;
	}
	ref_charge(p, k, delta - done, use, out);
}

/* ---- drawing a tariff ---- */

static void draw_day(struct lots *l, struct day_plan *d)
{
	d->slots = (int)lots_between(l, 1, SLOTS);
	for (int i = 0; i < d->slots; i++) {
		/* Often around the hours in which clocks jump. */
		int64_t room = lots_between(l, 0, 1) ? 1439 : 200;

		d->minute[i] = i ? d->minute[i - 1] + 1 + (int)lots_between(l, 0, room / SLOTS) : 0;
		d->rate[i] = (int)lots_between(l, 0, RATES - 1);
		if (d->minute[i] > 1439) {
			d->slots = i;
			return;
		}
	}
}

static void draw_version(struct lots *l, struct version_plan *v)
{
	v->cycle = (int)lots_between(l, 0, 2);
	v->tiers = (int)lots_between(l, 1, TIERS);
	for (int i = 0; i < v->tiers - 1; i++)
		v->bounds[i] = (i ? v->bounds[i - 1] : 0) + lots_between(l, 1, 200000);
	for (int r = 0; r < RATES; r++)
		for (int i = 0; i < TIERS; i++)
			v->price[r][i] = lots_between(l, 0, 2000000);
	draw_day(l, &v->work);
	draw_day(l, &v->rest);
}

static void slots_text(struct buf *b, const struct day_plan *d)
{
	buf_adds(b, "[");
	for (int i = 0; i < d->slots; i++)
		buf_printf(b, "%s[\"%02d:%02d\",\"%s\"]", i ? "," : "", d->minute[i] / 60,
			d->minute[i] % 60, rate_names[d->rate[i]]);
	buf_adds(b, "]");
}

static void version_text(struct buf *b, const struct version_plan *v)
{
	static const char *const cycles[] = { "none", "month", "year" };
	char text[UTC_TEXT_MAX];

	buf_printf(b, "{\"effective_from\":\"%s\",\"tier_cycle\":\"%s\",\"tiers_upto_kwh\":[",
		utc_text((struct utc){ v->from_min * 60000 }, text), cycles[v->cycle]);
	for (int i = 0; i < v->tiers - 1; i++)
		buf_printf(b, "%s\"%lld.%03lld\"", i ? "," : "", (long long)v->bounds[i] / 1000,
			(long long)v->bounds[i] % 1000);
	buf_adds(b, "],\"calendar\":[{\"days\":\"workday\",\"slots\":");
	slots_text(b, &v->work);
	buf_adds(b, "},{\"slots\":");
	slots_text(b, &v->rest);
	buf_adds(b, "}],\"prices\":{");
	for (int r = 0; r < RATES; r++) {
		buf_printf(b, "%s\"%s\":[", r ? "," : "", rate_names[r]);
		for (int i = 0; i < v->tiers; i++)
			buf_printf(b, "%s\"%lld.%06lld\"", i ? "," : "",
				(long long)v->price[r][i] / 1000000,
				(long long)v->price[r][i] % 1000000);
		buf_adds(b, "]");
	}
	buf_adds(b, "}}");
}

static void plan_text(struct buf *b, const struct plan *p)
{
	char day[DAY_TEXT_MAX];

	buf_printf(b,
		"{\"code\":\"c\",\"name\":\"n\",\"utility\":\"electricity\",\"holidays\":[\"%s\"],"
		"\"versions\":[",
		day_text((struct day){ (int32_t)p->holiday }, day));
	for (int i = 0; i < p->versions; i++) {
		buf_adds(b, i ? "," : "");
		version_text(b, &p->v[i]);
	}
	buf_adds(b, "]}");
}

/* ---- comparing ---- */

struct taken {
	const struct plan *plan;
	const struct wall *wall;
	struct pieces pieces;
	int64_t last_to, milli;
};

static enum err take(void *ctx, const struct segment *s)
{
	struct taken *t = ctx;
	struct piece p = { .tier = s->tier, .milli = s->qty.milli, .nano = s->charge.nano };
	int64_t min = floor_div(s->from.ms, 60000);

	while (t->plan->v[p.version].from_min * 60000 != s->version.ms)
		p.version++;
	while (strcmp(rate_names[p.rate], s->rate) != 0)
		p.rate++;
	memcpy(p.cycle, s->cycle, sizeof(p.cycle));
	assert_true(s->qty.milli > 0);
	assert_true(s->from.ms < s->to.ms && s->to.ms - s->from.ms <= 3600000);
	assert_int_equal(s->price.micro, t->plan->v[p.version].price[p.rate][p.tier - 1]);
	assert_int_equal(s->day.days, ref_day(t->wall, min));
	assert_int_equal(s->hour, floor_div(wall_local(t->wall, min), 60) -
					  floor_div(wall_local(t->wall, min), DAY_MIN) * 24);
	/* One hour only: its last second shows the same one. */
	min = floor_div(s->to.ms - 1, 60000);
	assert_int_equal(s->hour, floor_div(wall_local(t->wall, min), 60) -
					  floor_div(wall_local(t->wall, min), DAY_MIN) * 24);
	t->milli += p.milli;
	pieces_add(&t->pieces, &p);
	return ERR_OK;
}

static void pieces_equal(const struct pieces *a, const struct pieces *b)
{
	assert_int_equal(a->n, b->n);
	for (size_t i = 0; i < a->n; i++) {
		assert_int_equal(a->p[i].version, b->p[i].version);
		assert_int_equal(a->p[i].rate, b->p[i].rate);
		assert_int_equal(a->p[i].tier, b->p[i].tier);
		assert_string_equal(a->p[i].cycle, b->p[i].cycle);
		assert_int_equal(a->p[i].milli, b->p[i].milli);
		assert_int_equal(a->p[i].nano, b->p[i].nano);
	}
}

/* A zone and a day near which something happens to its clock or calendar. */
static const struct {
	const char *zone;
	int year, month, day;
} places[] = {
	{ "Asia/Shanghai", 2026, 2, 28 }, { "Asia/Shanghai", 2026, 12, 31 },
	{ "Europe/Berlin", 2026, 3, 29 }, { "Europe/Berlin", 2026, 10, 25 },
	{ "America/New_York", 2026, 3, 8 }, { "America/New_York", 2026, 11, 1 },
	{ "Australia/Lord_Howe", 2026, 4, 5 },	/* half an hour back */
	{ "Australia/Lord_Howe", 2026, 10, 4 }, /* half an hour on */
	{ "America/Sao_Paulo", 2018, 11, 4 },	/* 00:00 is skipped */
	{ "America/Sao_Paulo", 2018, 2, 18 },	/* 23:00 comes twice */
	{ "America/Havana", 2026, 11, 1 },	/* 00:00 comes twice */
	{ "Asia/Beirut", 2026, 3, 29 }, { "Asia/Kathmandu", 2026, 7, 31 },
	{ "Pacific/Apia", 2011, 12, 30 }, /* a day that never was */
};

static void draw_plan(struct lots *l, size_t place, struct plan *p)
{
	int64_t day = civil_days(places[place].year, places[place].month, places[place].day);

	p->zone = places[place].zone;
	p->holiday = day + lots_between(l, -3, 3);
	p->versions = (int)lots_between(l, 1, VERSIONS);
	for (int i = 0; i < p->versions; i++) {
		draw_version(l, &p->v[i]);
		p->v[i].from_min = i ? p->v[i - 1].from_min + lots_between(l, 1, 2 * DAY_MIN)
				     : (day - 2) * DAY_MIN + lots_between(l, 0, 600);
	}
}

/* Three intervals one after the other: the tier count is carried from the first interval on. */
static void run_case(
	struct lots *l, const struct plan *p, const struct tariff *t, const struct wall *w)
{
	struct tier_use use = { 0 }, ref_use = { 0 };
	int64_t at = p->v[0].from_min * 60000 + lots_between(l, 0, 86400000);

	for (int i = 0; i < 3; i++) {
		int64_t longest = lots_between(l, 0, 3) ? 86400000 : 90000;
		int64_t to = at + lots_between(l, 1, longest);
		int64_t delta = lots_between(l, 0, lots_between(l, 0, 2) ? 100000 : 30);
		struct taken got = { .plan = p, .wall = w };
		struct pieces expected = { .n = 0 };

		assert_int_equal(
			settle_interval(t, (struct utc){ at }, (struct utc){ to },
				(struct qty){ delta }, &use, (struct segment_sink){ take, &got }),
			ERR_OK);
		reference(p, w, at, to, delta, &ref_use, &expected);
		assert_int_equal(got.milli, delta);
		pieces_equal(&got.pieces, &expected);
		assert_string_equal(use.cycle, ref_use.cycle);
		assert_int_equal(use.used.milli, ref_use.used.milli);
		at = to;
	}
}

static void as_the_reference(void **state)
{
	struct lots l = lots_open();

	(void)state;
	for (int i = 0; i < 280; i++) {
		AUTO(zone_free) struct zone *z = NULL;
		AUTO(tariff_free) struct tariff *t = NULL;
		AUTO(json_free) json_t *file = NULL;
		AUTO(buf_free) struct buf text = { 0 };
		AUTO(wall_free) struct wall w = { 0 };
		struct plan p = { 0 };
		struct problem why = { 0 };

		draw_plan(&l, (size_t)i % ARRAY_LEN(places), &p);
		plan_text(&text, &p);
		w = wall_open(p.zone, p.v[0].from_min - 4 * DAY_MIN, 12 * DAY_MIN);
		assert_int_equal(zone_open(p.zone, &z), ERR_OK);
		assert_int_equal(json_parse(text.text, text.len, &file, &why), ERR_OK);
		if (tariff_parse(file, z, &t, &why) != ERR_OK)
			fail_msg("%s: %s in %s", why.field, why.text, text.text);
		run_case(&l, &p, t, &w);
	}
}

/* ---- laws ---- */

/* A drawn tariff, parsed. */
struct drawn {
	struct plan plan;
	struct zone *zone;
	struct tariff *tariff;
};

static void drawn_free(struct drawn *d)
{
	tariff_free(&d->tariff);
	zone_free(&d->zone);
}

static void draw(struct lots *l, size_t place, struct drawn *d)
{
	AUTO(json_free) json_t *file = NULL;
	AUTO(buf_free) struct buf text = { 0 };

	draw_plan(l, place, &d->plan);
	plan_text(&text, &d->plan);
	assert_int_equal(zone_open(d->plan.zone, &d->zone), ERR_OK);
	assert_int_equal(json_parse(text.text, text.len, &file, NULL), ERR_OK);
	assert_int_equal(tariff_parse(file, d->zone, &d->tariff, NULL), ERR_OK);
}

struct by_rate {
	int64_t milli[RATES];
	int64_t nano, last;
};

static enum err take_by_rate(void *ctx, const struct segment *s)
{
	struct by_rate *b = ctx;
	int r = 0;

	while (strcmp(rate_names[r], s->rate) != 0)
		r++;
	assert_true(s->qty.milli > 0 && s->from.ms >= b->last);
	assert_int_equal(s->charge.nano, s->qty.milli * s->price.micro);
	b->last = s->from.ms;
	b->milli[r] += s->qty.milli;
	b->nano += s->charge.nano;
	return ERR_OK;
}

/* Each part of a gap is used up in the time of its rate, and in no other; the rest of the rules is
 * that of every interval. */
static void parts_of_rates_are_used_up(void **state)
{
	struct lots l = lots_open();
	int fitted = 0;

	(void)state;
	for (int i = 0; i < 400; i++) {
		AUTO(drawn_free) struct drawn d = { 0 };
		struct rates_split split = { .n = RATES };
		struct by_rate got = { .last = INT64_MIN };
		struct tier_use use = { 0 };
		int64_t from, to, total = 0;

		draw(&l, (size_t)i % ARRAY_LEN(places), &d);
		from = d.plan.v[0].from_min * 60000 + lots_between(&l, 0, 86400000);
		to = from + lots_between(&l, 900000, 3 * INT64_C(86400000));
		for (int r = 0; r < RATES; r++) {
			split.at[r].rate = rate_names[r];
			split.at[r].qty.milli =
				lots_between(&l, 0, 1) ? lots_between(&l, 0, 300000) : 0;
			total += split.at[r].qty.milli;
		}
		if (!settle_rates_fit(d.tariff, (struct utc){ from }, (struct utc){ to }, &split)) {
			assert_int_equal(
				settle_by_rates(d.tariff, (struct utc){ from }, (struct utc){ to },
					&split, &use, (struct segment_sink){ take_by_rate, &got }),
				ERR_CONFLICT);
			assert_int_equal(got.nano, 0);
			continue;
		}
		fitted++;
		assert_int_equal(settle_by_rates(d.tariff, (struct utc){ from }, (struct utc){ to },
					 &split, &use, (struct segment_sink){ take_by_rate, &got }),
			ERR_OK);
		for (int r = 0; r < RATES; r++)
			assert_int_equal(got.milli[r], split.at[r].qty.milli);
		assert_true(use.used.milli <= total);
	}
	assert_true(fitted > 100);
}

static enum err take_sum(void *ctx, const struct segment *s)
{
	return money_add(*(struct money *)ctx, s->charge, ctx);
}

static enum err charge_of(const struct tariff *t, int64_t from, int64_t to, int64_t delta,
	struct tier_use *use, struct money *sum)
{
	return settle_interval(t, (struct utc){ from }, (struct utc){ to }, (struct qty){ delta },
		use, (struct segment_sink){ take_sum, sum });
}

/* One rate, two tiers of rising price, one month. */
static struct tariff *one_rate(const struct zone *z)
{
	static const char text[] =
		"{\"code\":\"c\",\"name\":\"n\",\"utility\":\"electricity\",\"versions\":["
		"{\"effective_from\":\"2026-01-01T00:00:00Z\",\"tier_cycle\":\"month\","
		"\"tiers_upto_kwh\":[\"5\"],\"calendar\":[{\"slots\":[[\"00:00\",\"flat\"]]}],"
		"\"prices\":{\"flat\":[\"0.5283\",\"0.8\"]}}]}";
	AUTO(json_free) json_t *file = NULL;
	struct tariff *t = NULL;

	assert_int_equal(json_parse(text, strlen(text), &file, NULL), ERR_OK);
	assert_int_equal(tariff_parse(file, z, &t, NULL), ERR_OK);
	return t;
}

#define MARCH INT64_C(1772323200000) /* 2026-03-01T00:00:00Z */

/* However often the meter is read, the month costs the same; and more energy never costs less. */
static void readings_do_not_matter_and_more_costs_more(void **state)
{
	struct lots l = lots_open();
	AUTO(zone_free) struct zone *z = NULL;
	AUTO(tariff_free) struct tariff *t = NULL;

	(void)state;
	assert_int_equal(zone_open("UTC", &z), ERR_OK);
	t = one_rate(z);
	for (int i = 0; i < 300; i++) {
		struct tier_use whole_use = { 0 }, use = { 0 }, more_use = { 0 };
		struct money whole = { 0 }, sum = { 0 }, more = { 0 };
		int64_t end = MARCH + lots_between(&l, 100000, 30 * INT64_C(86400000));
		int64_t total = lots_between(&l, 0, 20000), at = MARCH, used = 0;

		assert_int_equal(charge_of(t, MARCH, end, total, &whole_use, &whole), ERR_OK);
		while (at < end) {
			int64_t next = at + lots_between(&l, 1, (end - MARCH) / 4);
			int64_t part = lots_between(&l, 0, total - used);

			if (next >= end) {
				next = end;
				part = total - used;
			}
			assert_int_equal(charge_of(t, at, next, part, &use, &sum), ERR_OK);
			used += part;
			at = next;
		}
		assert_int_equal(sum.nano, whole.nano);
		assert_int_equal(use.used.milli, whole_use.used.milli);
		assert_int_equal(charge_of(t, MARCH, end, total + lots_between(&l, 1, 500),
					 &more_use, &more),
			ERR_OK);
		assert_true(more.nano > whole.nano);
	}
}

/* Huge quantities are exact or refused, never wrapped. */
static void nothing_overflows_silently(void **state)
{
	struct lots l = lots_open();
	AUTO(zone_free) struct zone *z = NULL;
	AUTO(tariff_free) struct tariff *t = NULL;
	int refused = 0, exact = 0;

	(void)state;
	assert_int_equal(zone_open("UTC", &z), ERR_OK);
	t = one_rate(z);
	for (int i = 0; i < 500; i++) {
		int64_t delta = INT64_MAX >> lots_between(&l, 0, 62);
		struct tier_use use = { .cycle = "2026-03",
			.used = { INT64_MAX >> lots_between(&l, 0, 62) } };
		struct tier_use before = use;
		struct money sum = { 0 };
		int64_t cheap = before.used.milli < 5000 ? 5000 - before.used.milli : 0;
		__int128 want;
		enum err e;

		cheap = cheap < delta ? cheap : delta;
		want = (__int128)cheap * 528300 + (__int128)(delta - cheap) * 800000;
		e = charge_of(t, MARCH, MARCH + lots_between(&l, 1, 86400000), delta, &use, &sum);
		if (e == ERR_OK) {
			exact++;
			assert_true(want == sum.nano);
			assert_true((__int128)before.used.milli + delta == use.used.milli);
		} else {
			refused++;
			assert_int_equal(e, ERR_OVERFLOW);
			assert_true(want > INT64_MAX ||
				    (__int128)before.used.milli + delta > INT64_MAX);
			assert_memory_equal(&use, &before, sizeof(use));
		}
	}
	assert_true(exact > 50 && refused > 50);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(as_the_reference),
		cmocka_unit_test(parts_of_rates_are_used_up),
		cmocka_unit_test(readings_do_not_matter_and_more_costs_more),
		cmocka_unit_test(nothing_overflows_silently),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
