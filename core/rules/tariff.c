#include "rules/parts.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rules/calendar.h"

#define CODE_MAX 64
#define NAME_MAX_BYTES 256
#define RATE_MAX 64

/* ---- where in the file, for messages ---- */

/* One step of a JSON path; the steps stand on the stack of the parser. */
struct at {
	const struct at *up;
	const char *key; /* NULL: an index */
	size_t index;
};

static void path_write(const struct at *at, char *buf, size_t size)
{
	size_t n;

	if (!at) {
		buf[0] = '\0';
		return;
	}
	path_write(at->up, buf, size);
	n = strlen(buf);
	if (at->key)
		snprintf(buf + n, size - n, "%s%s", n ? "." : "", at->key);
	else
		snprintf(buf + n, size - n, "[%zu]", at->index);
}

/* Takes a character that was cut in the middle off the end of a full buffer. */
static void utf8_trim(char *s, size_t size)
{
	size_t n = strlen(s);

	if (n + 1 < size)
		return;
	while (n > 0 && ((unsigned char)s[n - 1] & 0xc0) == 0x80)
		s[--n] = '\0';
	if (n > 0 && ((unsigned char)s[n - 1] & 0x80))
		s[n - 1] = '\0';
}

PRINTF_LIKE(4, 5)
static enum err refuse(struct problem *why, const struct at *at, enum err e, const char *fmt, ...)
{
	char path[sizeof(why->field)], text[sizeof(why->text)];
	va_list ap;

	path_write(at, path, sizeof(path));
	utf8_trim(path, sizeof(path));
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return problem_set(why, e, path, "%s", text);
}

/* ---- small readers ---- */

static void *many(size_t n, size_t size)
{
	void *p = calloc(n ? n : 1, size);

	ASSERT(p);
	return p;
}

static char *copy(const char *s)
{
	char *c = strdup(s);

	ASSERT(c);
	return c;
}

/* An object with no member beside the NULL-terminated names. */
static enum err read_object(
	const json_t *j, const char *const names[], const struct at *at, struct problem *why)
{
	const char *key;
	json_t *value;

	if (!json_is_object(j))
		return refuse(why, at, ERR_BAD_VALUE, "an object is expected");
	json_object_foreach((json_t *)(uintptr_t)j, key, value)
	{
		struct at here = { at, key, 0 };
		size_t i = 0;

		while (names[i] && strcmp(names[i], key) != 0)
			i++;
		if (!names[i])
			return refuse(why, &here, ERR_UNKNOWN_FIELD, "there is no such field");
	}
	return ERR_OK;
}

static enum err read_text(
	const json_t *j, size_t max, const struct at *at, const char **out, struct problem *why)
{
	if (!j)
		return refuse(why, at, ERR_MISSING_FIELD, "is required");
	if (!json_is_string(j))
		return refuse(why, at, ERR_BAD_VALUE, "text is expected");
	if (json_string_length(j) == 0 || json_string_length(j) > max ||
		strlen(json_string_value(j)) != json_string_length(j))
		return refuse(why, at, ERR_OUT_OF_RANGE, "text of 1 to %zu bytes is expected", max);
	*out = json_string_value(j);
	return ERR_OK;
}

/* Absent counts as empty unless required. */
static enum err read_list(
	const json_t *j, enum field_need need, const struct at *at, size_t *n, struct problem *why)
{
	if (!j && need == FIELD_REQUIRED)
		return refuse(why, at, ERR_MISSING_FIELD, "is required");
	if (j && !json_is_array(j))
		return refuse(why, at, ERR_BAD_VALUE, "a list is expected");
	*n = json_array_size(j);
	if (*n == 0 && need == FIELD_REQUIRED)
		return refuse(why, at, ERR_BAD_VALUE, "must not be empty");
	return ERR_OK;
}

/* The index of a text in a NULL-terminated list. */
static enum err read_word(const json_t *j, const char *const words[], const struct at *at, int *out,
	struct problem *why)
{
	const char *text = "";
	enum err e = read_text(j, RATE_MAX, at, &text, why);

	if (e != ERR_OK)
		return e;
	for (int i = 0; words[i]; i++)
		if (strcmp(words[i], text) == 0) {
			*out = i;
			return ERR_OK;
		}
	return refuse(why, at, ERR_BAD_VALUE, "\"%s\" is not known here", text);
}

static int day_order(const void *a, const void *b)
{
	int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;

	return (x > y) - (x < y);
}

static enum err read_days(
	const json_t *j, const struct at *at, int32_t **days, size_t *n, struct problem *why)
{
	enum err e = read_list(j, FIELD_OPTIONAL, at, n, why);

	if (e != ERR_OK)
		return e;
	*days = many(*n, sizeof(**days));
	for (size_t i = 0; i < *n; i++) {
		struct at here = { at, NULL, i };
		const char *text = "";
		struct day d;

		if ((e = read_text(json_array_get(j, i), DAY_TEXT_MAX, &here, &text, why)) !=
			ERR_OK)
			return e;
		if (day_parse(text, &d) != ERR_OK)
			return refuse(why, &here, ERR_BAD_VALUE, "\"%s\" is not a date", text);
		(*days)[i] = d.days;
	}
	qsort(*days, *n, sizeof(**days), day_order);
	return ERR_OK;
}

/* ---- prices ---- */

static enum err read_price(
	const json_t *j, const struct at *at, struct rate *r, size_t tier, struct problem *why)
{
	const char *text = "";
	enum err e = read_text(j, RATE_MAX, at, &text, why);

	if (e != ERR_OK)
		return e;
	if (price_parse(text, &r->prices[tier]) != ERR_OK)
		return refuse(why, at, ERR_BAD_VALUE,
			"\"%s\" is not a price: plain decimal, not negative, at most 6 decimals",
			text);
	r->texts[tier] = copy(text);
	return ERR_OK;
}

static enum err read_rate(
	const json_t *j, size_t tiers, const struct at *at, struct rate *r, struct problem *why)
{
	size_t n = 0;
	enum err e = read_list(j, FIELD_REQUIRED, at, &n, why);

	if (e != ERR_OK)
		return e;
	if (n != tiers)
		return refuse(why, at, ERR_BAD_VALUE, "%zu prices for %zu tiers", n, tiers);
	for (size_t i = 0; i < n; i++) {
		struct at here = { at, NULL, i };

		if ((e = read_price(json_array_get(j, i), &here, r, i, why)) != ERR_OK)
			return e;
	}
	return ERR_OK;
}

static enum err read_prices(
	const json_t *j, const struct at *at, struct version *v, struct problem *why)
{
	size_t tiers = v->bounds_n + 1;
	const char *key;
	json_t *list;

	if (!j)
		return refuse(why, at, ERR_MISSING_FIELD, "is required");
	if (!json_is_object(j))
		return refuse(why, at, ERR_BAD_VALUE, "an object is expected");
	v->rates = many(json_object_size(j), sizeof(*v->rates));
	json_object_foreach((json_t *)(uintptr_t)j, key, list)
	{
		struct at here = { at, key, 0 };
		struct rate *r = &v->rates[v->rates_n++];
		enum err e;

		*r = (struct rate){ copy(key), many(tiers, sizeof(*r->prices)),
			many(tiers + 1, sizeof(*r->texts)) };
		if (key[0] == '\0' || strlen(key) > RATE_MAX)
			return refuse(why, &here, ERR_OUT_OF_RANGE,
				"a rate's name has 1 to %d bytes", RATE_MAX);
		if ((e = read_rate(list, tiers, &here, r, why)) != ERR_OK)
			return e;
	}
	return ERR_OK;
}

/* ---- calendar ---- */

int32_t slot_second(const char *s)
{
	int h, m;

	if (strlen(s) != 5 || s[2] != ':' || strspn(s, "0123456789") != 2 ||
		strspn(s + 3, "0123456789") != 2)
		return -1;
	h = (s[0] - '0') * 10 + s[1] - '0';
	m = (s[3] - '0') * 10 + s[4] - '0';
	return h < 24 && m < 60 ? h * 3600 + m * 60 : -1;
}

static enum err read_slot_rate(const json_t *j, const struct at *at, const struct version *v,
	struct slot *s, struct problem *why)
{
	const char *name = "";
	enum err e = read_text(j, RATE_MAX, at, &name, why);

	if (e != ERR_OK)
		return e;
	for (size_t i = 0; i < v->rates_n; i++)
		if (strcmp(v->rates[i].name, name) == 0) {
			s->rate = i;
			return ERR_OK;
		}
	return refuse(why, at, ERR_BAD_VALUE, "rate \"%s\" has no price", name);
}

static enum err read_slot(const json_t *j, const struct at *at, const struct version *v,
	struct slot *s, struct problem *why)
{
	struct at time_at = { at, NULL, 0 }, rate_at = { at, NULL, 1 };
	const char *text = "";
	enum err e;

	if (!json_is_array(j) || json_array_size(j) != 2)
		return refuse(why, at, ERR_BAD_VALUE, "a slot is [\"hh:mm\", \"rate\"]");
	if ((e = read_text(json_array_get(j, 0), RATE_MAX, &time_at, &text, why)) != ERR_OK)
		return e;
	s->second = slot_second(text);
	if (s->second < 0)
		return refuse(why, &time_at, ERR_BAD_VALUE,
			"\"%s\" is not a time from 00:00 to 23:59", text);
	if (at->index == 0 && s->second != 0)
		return refuse(why, &time_at, ERR_BAD_VALUE, "the first slot begins at 00:00");
	if (at->index > 0 && s->second <= s[-1].second)
		return refuse(why, &time_at, ERR_BAD_VALUE,
			"\"%s\" is not later than the slot before", text);
	return read_slot_rate(json_array_get(j, 1), &rate_at, v, s, why);
}

static enum err read_slots(const json_t *j, const struct at *at, const struct version *v,
	struct row *r, struct problem *why)
{
	size_t n = 0;
	enum err e = read_list(j, FIELD_REQUIRED, at, &n, why);

	if (e != ERR_OK)
		return e;
	r->slots = many(n, sizeof(*r->slots));
	for (; r->slots_n < n; r->slots_n++) {
		struct at here = { at, NULL, r->slots_n };
		json_t *slot = json_array_get(j, r->slots_n);

		if ((e = read_slot(slot, &here, v, &r->slots[r->slots_n], why)) != ERR_OK)
			return e;
	}
	return ERR_OK;
}

static enum err read_months(
	const json_t *j, const struct at *at, uint32_t *months, struct problem *why)
{
	size_t n = 0;
	enum err e = read_list(j, j ? FIELD_REQUIRED : FIELD_OPTIONAL, at, &n, why);

	if (e != ERR_OK)
		return e;
	*months = j ? 0 : UINT32_MAX;
	for (size_t i = 0; i < n; i++) {
		struct at here = { at, NULL, i };
		const json_t *m = json_array_get(j, i);

		if (!json_is_integer(m) || json_integer_value(m) < 1 || json_integer_value(m) > 12)
			return refuse(why, &here, ERR_OUT_OF_RANGE, "a month is a number 1 to 12");
		*months |= UINT32_C(1) << json_integer_value(m);
	}
	return ERR_OK;
}

static enum err read_row(const json_t *j, const struct at *at, const struct version *v,
	struct row *r, struct problem *why)
{
	static const char *const names[] = { "months", "days", "slots", NULL };
	static const char *const kinds[] = { [DAY_ALL] = "all",
		[DAY_WORKDAY] = "workday",
		[DAY_WEEKEND] = "weekend",
		[DAY_HOLIDAY] = "holiday",
		NULL };
	struct at months = { at, "months", 0 }, days = { at, "days", 0 },
		  slots = { at, "slots", 0 };
	const json_t *kind = json_object_get(j, "days");
	int k = DAY_ALL;
	enum err e;

	if ((e = read_object(j, names, at, why)) != ERR_OK ||
		(e = read_months(json_object_get(j, "months"), &months, &r->months, why)) !=
			ERR_OK ||
		(kind && (e = read_word(kind, kinds, &days, &k, why)) != ERR_OK))
		return e;
	r->days = (enum day_kind)k;
	return read_slots(json_object_get(j, "slots"), &slots, v, r, why);
}

static enum err read_calendar(
	const json_t *j, const struct at *at, struct version *v, struct problem *why)
{
	size_t n = 0;
	enum err e = read_list(j, FIELD_REQUIRED, at, &n, why);

	if (e != ERR_OK)
		return e;
	v->rows = many(n, sizeof(*v->rows));
	while (v->rows_n < n) {
		size_t i = v->rows_n++;
		struct at here = { at, NULL, i };

		if ((e = read_row(json_array_get(j, i), &here, v, &v->rows[i], why)) != ERR_OK)
			return e;
	}
	return ERR_OK;
}

/* ---- versions ---- */

static enum err read_bounds(
	const json_t *j, const struct at *at, struct version *v, struct problem *why)
{
	size_t n = 0;
	struct qty last = { 0 };
	enum err e = read_list(j, FIELD_OPTIONAL, at, &n, why);

	if (e != ERR_OK)
		return e;
	v->bounds = many(n, sizeof(*v->bounds));
	for (; v->bounds_n < n; last = v->bounds[v->bounds_n++]) {
		struct at here = { at, NULL, v->bounds_n };
		struct qty *b = &v->bounds[v->bounds_n];
		const char *text = "";

		e = read_text(json_array_get(j, v->bounds_n), RATE_MAX, &here, &text, why);
		if (e != ERR_OK)
			return e;
		if (text[0] == '-' || qty_parse(text, b) != ERR_OK)
			return refuse(why, &here, ERR_BAD_VALUE,
				"\"%s\" is not a bound: plain decimal, at most 3 decimals", text);
		if (b->milli <= last.milli)
			return refuse(why, &here, ERR_BAD_VALUE,
				"\"%s\" is not above the bound before it", text);
	}
	return ERR_OK;
}

static enum err read_from(const json_t *j, const struct at *at, const struct version *before,
	struct utc *from, struct problem *why)
{
	const char *text = "";
	enum err e = read_text(j, RATE_MAX, at, &text, why);

	if (e != ERR_OK)
		return e;
	if (utc_parse(text, from) != ERR_OK)
		return refuse(why, at, ERR_BAD_VALUE,
			"\"%s\" is not a time with an offset (2026-01-01T00:00:00+08:00)", text);
	if (before && from->ms <= before->from.ms)
		return refuse(
			why, at, ERR_BAD_VALUE, "must be later than that of the version before");
	return ERR_OK;
}

static const char *bounds_name(const struct tariff *t)
{
	return t->utility == UTILITY_WATER ? "tiers_upto_m3" : "tiers_upto_kwh";
}

static enum err read_version(const json_t *j, const struct at *at, const struct tariff *t,
	struct version *v, struct problem *why)
{
	static const char *const cycles[] = {
		[CYCLE_NONE] = "none", [CYCLE_MONTH] = "month", [CYCLE_YEAR] = "year", NULL
	};
	const char *const names[] = { "effective_from", "tier_cycle", bounds_name(t), "calendar",
		"prices", NULL };
	struct at from = { at, names[0], 0 }, cycle = { at, names[1], 0 },
		  bounds = { at, names[2], 0 }, calendar = { at, names[3], 0 },
		  prices = { at, names[4], 0 };
	const json_t *c = json_object_get(j, names[1]);
	int k = CYCLE_NONE;
	enum err e;

	if ((e = read_object(j, names, at, why)) != ERR_OK ||
		(e = read_from(json_object_get(j, names[0]), &from, at->index ? v - 1 : NULL,
			 &v->from, why)) != ERR_OK ||
		(c && (e = read_word(c, cycles, &cycle, &k, why)) != ERR_OK))
		return e;
	v->cycle = (enum cycle)k;
	if ((e = read_bounds(json_object_get(j, names[2]), &bounds, v, why)) != ERR_OK ||
		(e = read_prices(json_object_get(j, names[4]), &prices, v, why)) != ERR_OK)
		return e;
	return read_calendar(json_object_get(j, names[3]), &calendar, v, why);
}

static enum err read_versions(
	const json_t *j, const struct at *at, struct tariff *t, struct problem *why)
{
	size_t n = 0;
	enum err e = read_list(j, FIELD_REQUIRED, at, &n, why);

	if (e != ERR_OK)
		return e;
	t->versions = many(n, sizeof(*t->versions));
	while (t->versions_n < n) {
		size_t i = t->versions_n++;
		struct at here = { at, NULL, i };

		e = read_version(json_array_get(j, i), &here, t, &t->versions[i], why);
		if (e != ERR_OK)
			return e;
	}
	return ERR_OK;
}

/* ---- every local day finds a row ---- */

static const char *const kind_words[] = { [DAY_ALL] = "day",
	[DAY_WORKDAY] = "workday",
	[DAY_WEEKEND] = "weekend",
	[DAY_HOLIDAY] = "holiday" };

static enum err check_day(const struct tariff *t, const struct version *v, struct day d,
	const struct at *at, struct problem *why)
{
	enum day_kind kind = day_kind_of(t, d);
	char text[DAY_TEXT_MAX];
	int year, month, day;

	civil_date(d.days, &year, &month, &day);
	if (row_find(v, month, kind))
		return ERR_OK;
	return refuse(
		why, at, ERR_BAD_VALUE, "no row for %s, a %s", day_text(d, text), kind_words[kind]);
}

/* Ordinary days of a version that is in force for a year or longer. */
static enum err check_year(const struct version *v, const struct at *at, struct problem *why)
{
	for (int month = 1; month <= 12; month++)
		for (enum day_kind k = DAY_WORKDAY; k <= DAY_WEEKEND; k++)
			if (!row_find(v, month, k))
				return refuse(why, at, ERR_BAD_VALUE, "no row for a %s in month %d",
					kind_words[k], month);
	return ERR_OK;
}

static enum err check_listed(const struct tariff *t, const struct version *v, struct day first,
	struct day last, const struct at *at, struct problem *why)
{
	const struct {
		const int32_t *days;
		size_t n;
	} lists[] = { { t->holidays, t->holidays_n }, { t->workdays, t->workdays_n } };
	enum err e;

	for (size_t l = 0; l < ARRAY_LEN(lists); l++)
		for (size_t i = 0; i < lists[l].n; i++) {
			struct day d = { lists[l].days[i] };

			if (d.days < first.days || d.days > last.days)
				continue;
			if ((e = check_day(t, v, d, at, why)) != ERR_OK)
				return e;
		}
	return ERR_OK;
}

static enum err check_days(const struct tariff *t, size_t i, struct problem *why)
{
	struct at versions = { NULL, "versions", 0 }, version = { &versions, NULL, i },
		  calendar = { &version, "calendar", 0 };
	const struct version *v = &t->versions[i];
	struct day first = local_day_at(t->zone, v->from).day, last = { INT32_MAX };
	enum err e = ERR_OK;

	if (i + 1 < t->versions_n)
		last = local_day_at(t->zone, (struct utc){ v[1].from.ms - 1 }).day;
	if (last.days - first.days >= 366) {
		e = check_year(v, &calendar, why);
		return e != ERR_OK ? e : check_listed(t, v, first, last, &calendar, why);
	}
	for (struct day d = first; e == ERR_OK && d.days <= last.days; d.days++)
		e = check_day(t, v, d, &calendar, why);
	return e;
}

/* ---- the whole file ---- */

static enum err read_head(const json_t *j, struct tariff *t, struct problem *why)
{
	static const char *const utilities[] = {
		[UTILITY_ELECTRICITY] = "electricity", [UTILITY_WATER] = "water", NULL
	};
	struct at code = { NULL, "code", 0 }, name = { NULL, "name", 0 },
		  utility = { NULL, "utility", 0 }, holidays = { NULL, "holidays", 0 },
		  workdays = { NULL, "workdays", 0 };
	const char *text = "";
	int u = 0;
	enum err e;

	if ((e = read_text(json_object_get(j, "code"), CODE_MAX, &code, &text, why)) != ERR_OK)
		return e;
	t->code = copy(text);
	e = read_text(json_object_get(j, "name"), NAME_MAX_BYTES, &name, &text, why);
	if (e != ERR_OK)
		return e;
	t->name = copy(text);
	e = read_word(json_object_get(j, "utility"), utilities, &utility, &u, why);
	if (e != ERR_OK)
		return e;
	t->utility = (enum utility)u;
	e = read_days(json_object_get(j, "holidays"), &holidays, &t->holidays, &t->holidays_n, why);
	if (e != ERR_OK)
		return e;
	return read_days(
		json_object_get(j, "workdays"), &workdays, &t->workdays, &t->workdays_n, why);
}

enum err tariff_parse(
	const json_t *file, const struct zone *z, struct tariff **out, struct problem *why)
{
	static const char *const names[] = { "code", "name", "utility", "holidays", "workdays",
		"versions", NULL };
	struct at versions = { NULL, "versions", 0 };
	AUTO(tariff_free) struct tariff *t = many(1, sizeof(*t));
	enum err e;

	t->zone = z;
	if ((e = read_object(file, names, NULL, why)) != ERR_OK ||
		(e = read_head(file, t, why)) != ERR_OK ||
		(e = read_versions(json_object_get(file, "versions"), &versions, t, why)) != ERR_OK)
		return e;
	for (size_t i = 0; i < t->versions_n; i++)
		if ((e = check_days(t, i, why)) != ERR_OK)
			return e;
	*out = t;
	t = NULL;
	return ERR_OK;
}

static void rate_free(struct rate *r)
{
	for (char **text = r->texts; *text; text++)
		free(*text);
	free(r->texts);
	free(r->prices);
	free(r->name);
}

static void version_free(struct version *v)
{
	for (size_t i = 0; i < v->rates_n; i++)
		rate_free(&v->rates[i]);
	for (size_t i = 0; i < v->rows_n; i++)
		free(v->rows[i].slots);
	free(v->rates);
	free(v->rows);
	free(v->bounds);
}

void tariff_free(struct tariff **t)
{
	if (!*t)
		return;
	for (size_t i = 0; i < (*t)->versions_n; i++)
		version_free(&(*t)->versions[i]);
	free((*t)->versions);
	free((*t)->holidays);
	free((*t)->workdays);
	free((*t)->code);
	free((*t)->name);
	free(*t);
	*t = NULL;
}

/* ---- questions ---- */

const char *tariff_code(const struct tariff *t)
{
	return t->code;
}

const char *tariff_name(const struct tariff *t)
{
	return t->name;
}

enum utility tariff_utility(const struct tariff *t)
{
	return t->utility;
}

const struct zone *tariff_zone(const struct tariff *t)
{
	return t->zone;
}

const struct version *version_at(const struct tariff *t, struct utc at, struct utc *until)
{
	size_t i = t->versions_n;

	while (i > 0 && t->versions[i - 1].from.ms > at.ms)
		i--;
	*until = i < t->versions_n ? t->versions[i].from : (struct utc){ INT64_MAX };
	return i > 0 ? &t->versions[i - 1] : NULL;
}

int version_tier_of(const struct version *v, struct qty used)
{
	size_t i = 0;

	while (i < v->bounds_n && v->bounds[i].milli <= used.milli)
		i++;
	return (int)i + 1;
}

static bool listed(const int32_t *days, size_t n, struct day d)
{
	return bsearch(&d.days, days, n, sizeof(*days), day_order) != NULL;
}

enum day_kind day_kind_of(const struct tariff *t, struct day d)
{
	if (listed(t->holidays, t->holidays_n, d))
		return DAY_HOLIDAY;
	if (day_weekday(d) < 5 || listed(t->workdays, t->workdays_n, d))
		return DAY_WORKDAY;
	return DAY_WEEKEND;
}

const struct row *row_find(const struct version *v, int month, enum day_kind kind)
{
	for (size_t i = 0; i < v->rows_n; i++)
		if ((v->rows[i].months >> month & 1) &&
			(v->rows[i].days == DAY_ALL || v->rows[i].days == kind))
			return &v->rows[i];
	return NULL;
}

bool tariff_covers(const struct tariff *t, struct utc at)
{
	struct utc until;

	return version_at(t, at, &until) != NULL;
}

enum err tariff_price_at(
	const struct tariff *t, struct utc at, int tier, const char **rate, struct price *price)
{
	struct moment m = { 0 };
	struct utc until;
	const struct version *v = version_at(t, at, &until);

	if (!v)
		return ERR_NOT_FOUND;
	if (tier < 1 || (size_t)tier > v->bounds_n + 1)
		return ERR_OUT_OF_RANGE;
	moment_find(t, t->zone, at, &m);
	*rate = m.rate->name;
	*price = m.rate->prices[tier - 1];
	return ERR_OK;
}

int tariff_tier_of(const struct tariff *t, struct utc at, struct qty used)
{
	struct utc until;
	const struct version *v = version_at(t, at, &until);

	return v ? version_tier_of(v, used) : 1;
}
