#include "base/clock.h"

#include <errno.h>
#include <stdio.h>
#include <time.h>

static int64_t clock_ms(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

struct utc utc_now(void)
{
	return (struct utc){ clock_ms(CLOCK_REALTIME) };
}

int64_t mono_ms(void)
{
	return clock_ms(CLOCK_MONOTONIC);
}

void mono_sleep_until(int64_t deadline_ms)
{
	struct timespec ts = { .tv_sec = deadline_ms / 1000,
		.tv_nsec = deadline_ms % 1000 * 1000000 };

	if (deadline_ms > mono_ms())
		clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL);
}

/* Howard Hinnant's days_from_civil and its inverse. */
int64_t civil_days(int year, int month, int day)
{
	int64_t y = month <= 2 ? (int64_t)year - 1 : year;
	int64_t era = (y >= 0 ? y : y - 399) / 400;
	int64_t yoe = y - era * 400;
	int64_t doy = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
	int64_t doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;

	return era * 146097 + doe - 719468;
}

void civil_date(int64_t days, int *year, int *month, int *day)
{
	int64_t z = days + 719468;
	int64_t era = (z >= 0 ? z : z - 146096) / 146097;
	int64_t doe = z - era * 146097;
	int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
	int64_t mp = (5 * doy + 2) / 153;

	*day = (int)(doy - (153 * mp + 2) / 5 + 1);
	*month = (int)(mp < 10 ? mp + 3 : mp - 9);
	*year = (int)(yoe + era * 400 + (*month <= 2));
}

const char *utc_text(struct utc t, char buf[static UTC_TEXT_MAX])
{
	int64_t days = t.ms / 86400000 - (t.ms % 86400000 < 0);
	int64_t in_day = t.ms - days * 86400000;
	int y, m, d;

	civil_date(days, &y, &m, &d);
	snprintf(buf, UTC_TEXT_MAX, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", y, m, d,
		(int)(in_day / 3600000), (int)(in_day / 60000 % 60), (int)(in_day / 1000 % 60),
		(int)(in_day % 1000));
	return buf;
}

/* Reads exactly n digits. */
static bool digits(const char **s, int n, int *out)
{
	int v = 0;

	for (; n > 0; n--, (*s)++) {
		if (**s < '0' || **s > '9')
			return false;
		v = v * 10 + (**s - '0');
	}
	*out = v;
	return true;
}

static bool literal(const char **s, char c)
{
	if (**s != c)
		return false;
	(*s)++;
	return true;
}

/* "Z", "+08:00" or "-03:30" to milliseconds. */
static bool offset_parse(const char **s, int64_t *ms)
{
	int sign, h, m;

	if (literal(s, 'Z')) {
		*ms = 0;
		return true;
	}
	if (**s != '+' && **s != '-')
		return false;
	sign = **s == '-' ? -1 : 1;
	(*s)++;
	if (!digits(s, 2, &h) || !literal(s, ':') || !digits(s, 2, &m) || h > 23 || m > 59)
		return false;
	*ms = sign * (h * 3600000LL + m * 60000LL);
	return true;
}

static bool fraction_parse(const char **s, int64_t *ms)
{
	int64_t unit = 100;

	*ms = 0;
	if (!literal(s, '.'))
		return true;
	if (**s < '0' || **s > '9')
		return false;
	for (; **s >= '0' && **s <= '9'; (*s)++, unit /= 10)
		*ms += (**s - '0') * unit;
	return true;
}

enum err utc_parse(const char *s, struct utc *out)
{
	int y, mo, d, h, mi, sec, y2, mo2, d2;
	int64_t frac, off, days;

	if (!digits(&s, 4, &y) || !literal(&s, '-') || !digits(&s, 2, &mo) || !literal(&s, '-') ||
		!digits(&s, 2, &d) || !literal(&s, 'T') || !digits(&s, 2, &h) ||
		!literal(&s, ':') || !digits(&s, 2, &mi) || !literal(&s, ':') ||
		!digits(&s, 2, &sec) || !fraction_parse(&s, &frac) || !offset_parse(&s, &off) || *s)
		return ERR_BAD_VALUE;
	if (y < 1970 || mo < 1 || mo > 12 || h > 23 || mi > 59 || sec > 59)
		return ERR_OUT_OF_RANGE;
	days = civil_days(y, mo, d);
	civil_date(days, &y2, &mo2, &d2);
	if (y2 != y || mo2 != mo || d2 != d)
		return ERR_OUT_OF_RANGE;
	out->ms = ((days * 24 + h) * 60 + mi) * 60000 + sec * 1000 + frac - off;
	return ERR_OK;
}
