#pragma once
/* Local time of a site, by IANA zone name. A zone is data: a process may use many. */
#include "base/clock.h"

struct zone; /* immutable after opening; may be shared by threads */

struct day {
	int32_t days; /* local calendar day, counted from 1970-01-01 */
};

struct local {
	struct day day;
	int32_t second;	  /* wall clock second of the day, 0..86399 */
	int32_t offset_s; /* local minus UTC */
};

#define DAY_TEXT_MAX 16

/* "Asia/Shanghai" and the like; ERR_BAD_VALUE for an unknown name. The caller frees. */
MUST_USE enum err zone_open(const char *name, struct zone **out);
void zone_free(struct zone **z);
const char *zone_name(const struct zone *z);

struct local zone_local(const struct zone *z, struct utc t);
/* The instant of a wall clock time on a day. A time that the clock skips counts with the offset
 * before the jump; one that comes twice is its first. second may be 86400: the next midnight. */
struct utc zone_utc(const struct zone *z, struct day d, int32_t second);
struct utc zone_day_start(const struct zone *z, struct day d);

const char *day_text(struct day d, char buf[static DAY_TEXT_MAX]); /* "2026-11-22" */
MUST_USE enum err day_parse(const char *text, struct day *out);
struct day day_of(int year, int month, int day);
int day_weekday(struct day d); /* 0 = Monday .. 6 = Sunday */
