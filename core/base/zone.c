#include "base/zone.h"

#include <glib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct zone {
	GTimeZone *tz;
	char name[64];
};

/* A name of the IANA database, so that no text from outside opens another file. */
static bool name_is_plain(const char *name)
{
	for (const char *s = name; *s; s++)
		if (!g_ascii_isalnum(*s) && !strchr("_+-/", *s))
			return false;
	return g_ascii_isalpha(name[0]);
}

enum err zone_open(const char *name, struct zone **out)
{
	GTimeZone *tz;
	struct zone *z;

	if (strlen(name) >= sizeof(z->name) || !name_is_plain(name))
		return ERR_BAD_VALUE;
	tz = g_time_zone_new_identifier(name);
	if (!tz)
		return ERR_BAD_VALUE;
	z = calloc(1, sizeof(*z));
	ASSERT(z);
	z->tz = tz;
	memcpy(z->name, name, strlen(name));
	*out = z;
	return ERR_OK;
}

void zone_free(struct zone **z)
{
	if (!*z)
		return;
	g_time_zone_unref((*z)->tz);
	free(*z);
	*z = NULL;
}

const char *zone_name(const struct zone *z)
{
	return z->name;
}

static int64_t floor_div(int64_t a, int64_t b)
{
	return a / b - (a % b < 0);
}

static int32_t offset_at(const struct zone *z, int64_t utc_s)
{
	int i = g_time_zone_find_interval(z->tz, G_TIME_TYPE_UNIVERSAL, utc_s);

	return g_time_zone_get_offset(z->tz, i);
}

struct local zone_local(const struct zone *z, struct utc t)
{
	int64_t s = floor_div(t.ms, 1000);
	int32_t off = offset_at(z, s);
	int64_t wall = s + off;
	int64_t days = floor_div(wall, 86400);

	return (struct local){
		.day = { (int32_t)days },
		.second = (int32_t)(wall - days * 86400),
		.offset_s = off,
	};
}

struct utc zone_utc(const struct zone *z, struct day d, int32_t second)
{
	int64_t wall = (int64_t)d.days * 86400 + second;
	/* Offsets a day before and after bracket any single jump between them. */
	int32_t before = offset_at(z, wall - 86400);
	int32_t after = offset_at(z, wall + 86400);
	int64_t first = wall - before;

	/* Valid with the offset before (normal, or the first of two)? Else after the jump. */
	if (offset_at(z, first) == before)
		return (struct utc){ first * 1000 };
	if (offset_at(z, wall - after) == after)
		return (struct utc){ (wall - after) * 1000 };
	return (struct utc){ first * 1000 }; /* skipped: the offset before the jump */
}

struct utc zone_day_start(const struct zone *z, struct day d)
{
	return zone_utc(z, d, 0);
}

const char *day_text(struct day d, char buf[static DAY_TEXT_MAX])
{
	int y, m, dd;

	civil_date(d.days, &y, &m, &dd);
	snprintf(buf, DAY_TEXT_MAX, "%04d-%02d-%02d", y % 10000, m % 100, dd % 100);
	return buf;
}

enum err day_parse(const char *text, struct day *out)
{
	char full[UTC_TEXT_MAX];
	struct utc t;
	enum err e;

	if (strlen(text) != 10)
		return ERR_BAD_VALUE;
	snprintf(full, sizeof(full), "%sT00:00:00Z", text);
	e = utc_parse(full, &t);
	if (e != ERR_OK)
		return e;
	out->days = (int32_t)(t.ms / 86400000);
	return ERR_OK;
}

struct day day_of(int year, int month, int day)
{
	return (struct day){ (int32_t)civil_days(year, month, day) };
}

int day_weekday(struct day d)
{
	int w = (d.days + 3) % 7; /* 1970-01-01 was a Thursday */

	return w < 0 ? w + 7 : w;
}
