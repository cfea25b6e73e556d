/* What the tariff says of an interval, against its evidence. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "ctl/verify_use.h"

#define EVIDENCE_LONG 1048576
#define DOC_MAX 262144

struct long_text {
	char evidence[EVIDENCE_LONG];
};
SHAPE(long_shape, struct long_text, FIELD(struct long_text, evidence));
static const struct query Q_EVIDENCE = {
	"SELECT evidence FROM settlement WHERE meter_id = ? AND to_at = ?", &long_shape
};

struct doc {
	char doc[DOC_MAX];
};
SHAPE(doc_shape, struct doc, FIELD(struct doc, doc));
static const struct query Q_DOC = { "SELECT doc FROM tariff WHERE id = ?", &doc_shape };

/* ---- zones and tariffs ---- */

enum err zone_keep(struct work *w, const char *zone, const struct zone **out)
{
	struct kept_zone *k = w->zones;
	struct zone *z = NULL;
	enum err e;

	while (k && !str_eq(zone_name(k->zone), zone))
		k = k->next;
	if (!k) {
		e = zone_open(zone, &z);
		if (e != ERR_OK)
			return e;
		k = malloc(sizeof(*k));
		ASSERT(k);
		*k = (struct kept_zone){ z, w->zones };
		w->zones = k;
	}
	*out = k->zone;
	return ERR_OK;
}

static void doc_free(struct doc **d)
{
	free(*d);
}

static enum err tariff_keep(struct work *w, int64_t id, struct slow_tariff **out)
{
	AUTO(doc_free) struct doc *d = NULL;
	struct kept_tariff *k;
	enum err e = ERR_OK;

	for (size_t i = 0; i < TARIFFS_MAX; i++)
		if (w->tariffs[i].tariff && w->tariffs[i].id == id &&
			w->tariffs[i].zone == w->zone) {
			*out = w->tariffs[i].tariff;
			return ERR_OK;
		}
	if (id) {
		d = malloc(sizeof(*d));
		ASSERT(d);
		e = db_one(w->db, &Q_DOC, ARGS(arg_i64(id)), d);
		if (e != ERR_OK)
			return e;
	}
	k = &w->tariffs[w->tariffs_next++ % TARIFFS_MAX];
	slow_tariff_free(&k->tariff);
	*k = (struct kept_tariff){ id, NULL, w->zone };
	e = slow_tariff_open(d ? d->doc : NULL, d ? strlen(d->doc) : 0, w->zone, &k->tariff);
	*out = k->tariff;
	return e;
}

/* ---- one interval ---- */

static void line_take(void *ctx, const struct slow_line *l)
{
	struct work *w = ctx;
	struct day_use u = { .contract_id = w->hold ? w->hold->contract_id : 0,
		.account_id = w->account_id,
		.tariff_id = w->tariff_id,
		.version_at = l->version.ms,
		.tier = l->tier,
		.price_micro = l->price_micro,
		.qty_milli = l->qty_milli,
		.charge_nano = l->charge_nano };

	day_text(l->day, u.day);
	day_text(l->day, u.book_day);
	if (!str_copy(u.rate, sizeof(u.rate), l->rate))
		u.rate[0] = '\0';
	day_add(&w->lines, &w->lines_n, &u);
	hour_add(w, l);
	w->charge += l->charge_nano;
}

int64_t interval_grown(const struct interval *i)
{
	int64_t product;

	if (__builtin_mul_overflow(
		    i->to_milli - i->from_milli + i->capacity_milli, i->ratio, &product))
		return INT64_MAX;
	return product;
}

static json_t *line_json(const struct day_use *u)
{
	return json_pack("[s, s, I, o, I, I, I]", u->day, u->rate, (json_int_t)u->tier,
		json_price((struct price){ u->price_micro }), (json_int_t)u->qty_milli,
		(json_int_t)u->tariff_id, (json_int_t)u->version_at);
}

static void evidence_differs(
	struct work *w, const struct interval *i, const char *have, const json_t *want)
{
	AUTO(text_free) char *text = json_text(want);
	char object[160];

	finding_add(w->findings, "evidence_is_what_the_tariff_says", interval_name(object, w, i),
		have, text);
}

static void long_free(struct long_text **l)
{
	free(*l);
}

/* A line that was late ends with the day of its arrival, which no first record tells: it is taken
 * from the evidence into ours, and out of it. */
static void book_days_take(json_t *lines, struct work *w)
{
	for (size_t k = 0; k < json_array_size(lines); k++) {
		json_t *line = json_array_get(lines, k);
		const char *book_day = json_string_value(json_array_get(line, 7));

		if (json_array_size(line) != 8)
			continue;
		if (k < w->lines_n && book_day &&
			!str_copy(w->lines[k].book_day, sizeof(w->lines[k].book_day), book_day))
			w->lines[k].book_day[0] = '\0';
		json_array_remove(line, 7);
	}
}

static enum err evidence_check(struct work *w, const struct interval *i)
{
	AUTO(long_free) struct long_text *l = NULL;
	AUTO(json_free) json_t *have = NULL;
	AUTO(json_free) json_t *want = json_array();
	const char *text = i->evidence;
	enum err e = ERR_OK;

	if (i->length >= EVIDENCE_SHORT) {
		l = malloc(sizeof(*l));
		ASSERT(l);
		e = db_one(w->db, &Q_EVIDENCE, ARGS(arg_i64(w->meter->id), arg_utc(i->to_at)), l);
		text = l->evidence;
	}
	if (e != ERR_OK)
		return e;
	for (size_t k = 0; k < w->lines_n; k++)
		json_array_append_new(want, line_json(&w->lines[k]));
	e = json_parse(text, strlen(text), &have, NULL);
	book_days_take(have, w);
	if (e != ERR_OK || !json_equal(have, want))
		evidence_differs(w, i, text, want);
	return ERR_OK;
}

/* What the meter's own rate registers counted: {"peak": [before, after], …}. What they miss of the
 * total is the largest one's. */
static size_t parts_read(
	const json_t *rates, const struct interval *i, struct slow_part out[static 4])
{
	static const char *const names[] = { "sharp", "peak", "flat", "valley" };
	int64_t missed = interval_grown(i);
	size_t n = 0, largest = 0;

	for (size_t k = 0; k < ARRAY_LEN(names); k++) {
		const json_t *pair = json_object_get(rates, names[k]);
		int64_t before = json_integer_value(json_array_get(pair, 0));
		int64_t after = json_integer_value(json_array_get(pair, 1));

		if (after < 0 || after < before || !pair)
			continue;
		out[n] = (struct slow_part){ names[k], (after - before) * i->ratio };
		missed -= out[n].qty_milli;
		if (out[n].qty_milli > out[largest].qty_milli)
			largest = n;
		n++;
	}
	if (n > 0)
		out[largest].qty_milli += missed;
	return n;
}

static enum err interval_charge(struct work *w, const struct interval *i, struct slow_tariff *t,
	struct slow_use *use, struct slow_sink sink)
{
	AUTO(json_free) json_t *rates = NULL;
	struct slow_part parts[4];

	if (!i->rates[0])
		return slow_charge(t, i->from_at, i->to_at, interval_grown(i), use, sink);
	if (json_parse(i->rates, strlen(i->rates), &rates, NULL) != ERR_OK || w->tariff_id == 0)
		return ERR_BAD_VALUE;
	return slow_charge_parts(
		t, i->from_at, i->to_at, parts, parts_read(rates, i, parts), use, sink);
}

/* The tariff of an interval: what is charged must have one, what is only measured is priced where
 * one is in force. */
static enum err interval_price(struct work *w, const struct interval *i)
{
	const struct slow_sink sink = { line_take, w };
	struct slow_use *use = use_of(w, w->hold ? w->hold->contract_id : 0);
	struct slow_use spread_only = { 0 };
	struct slow_tariff *t = NULL;
	enum err e = ERR_NOT_FOUND;

	if (w->tariff_id) {
		e = tariff_keep(w, w->tariff_id, &t);
		if (e == ERR_OK)
			e = interval_charge(w, i, t, use, sink);
	}
	if (e != ERR_NOT_FOUND || w->account_id)
		return e;
	w->tariff_id = 0;
	e = tariff_keep(w, 0, &t);
	return e == ERR_OK ? interval_charge(w, i, t, &spread_only, sink) : e;
}

/* Errors of the data are findings; only those of the database end the work. */
enum err interval_priced(struct work *w, const struct interval *i)
{
	char object[160];
	enum err e = interval_price(w, i);

	switch (e) {
	case ERR_OK:
		break;
	case ERR_NOT_FOUND:
	case ERR_BAD_VALUE:
	case ERR_BAD_JSON:
	case ERR_OVERFLOW:
	case ERR_OUT_OF_RANGE:
	case ERR_CONFLICT:
		finding_add(w->findings, "interval_has_a_tariff", interval_name(object, w, i),
			err_word(e), "a price");
		return ERR_OK;
	default:
		return e;
	}
	e = evidence_check(w, i);
	if (e == ERR_OK && i->charge_nano != w->charge)
		work_found(w, "charge_is_what_the_tariff_says", interval_name(object, w, i),
			i->charge_nano, w->charge);
	for (size_t k = 0; k < w->lines_n; k++)
		day_add(&w->days, &w->days_n, &w->lines[k]);
	return e;
}

void prices_free(struct work *w)
{
	for (size_t i = 0; i < TARIFFS_MAX; i++)
		slow_tariff_free(&w->tariffs[i].tariff);
	for (struct kept_zone *z = w->zones, *next; z; z = next) {
		next = z->next;
		zone_free(&z->zone);
		free(z);
	}
}
