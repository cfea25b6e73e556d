#include "rules/calendar.h"

#define DAY_MS 86400000
#define HOUR_MS 3600000

static struct utc earlier(struct utc a, struct utc b)
{
	return a.ms < b.ms ? a : b;
}

struct local_day local_day_at(const struct zone *z, struct utc at)
{
	struct day d = zone_local(z, at).day;
	struct utc start = zone_day_start(z, d);
	struct utc end = zone_day_start(z, (struct day){ d.days + 1 });

	while (start.ms > at.ms) { /* the clock jumped over midnight */
		d.days--;
		end = start;
		start = zone_day_start(z, d);
	}
	while (end.ms <= at.ms) { /* the clock fell back behind midnight */
		d.days++;
		start = end;
		end = zone_day_start(z, (struct day){ d.days + 1 });
	}
	return (struct local_day){
		.day = d,
		.start = start,
		.end = end,
		/* A single jump shows in the length of the day. */
		.even = end.ms - start.ms == DAY_MS,
	};
}

/* First second in (lo, hi] whose offset differs from that at lo; the one at hi does. */
static int64_t jump_find(const struct zone *z, int64_t lo, int64_t hi)
{
	int32_t before = zone_local(z, (struct utc){ lo * 1000 }).offset_s;

	while (hi - lo > 1) {
		int64_t mid = lo + (hi - lo) / 2;

		if (zone_local(z, (struct utc){ mid * 1000 }).offset_s == before)
			lo = mid;
		else
			hi = mid;
	}
	return hi;
}

/* End of the local hour on a day on which the clock jumps. */
static struct utc hour_end(const struct zone *z, struct utc at, struct local l)
{
	int64_t s = at.ms / 1000 - (at.ms % 1000 < 0);
	int64_t end = s + 3600 - l.second % 3600;

	if (zone_local(z, (struct utc){ (end - 1) * 1000 }).offset_s != l.offset_s)
		end = jump_find(z, s, end - 1);
	return (struct utc){ end * 1000 };
}

static int32_t hour_find(
	const struct zone *z, const struct local_day *d, struct utc at, struct utc *end)
{
	struct local l;

	if (d->even) {
		int64_t hour = (at.ms - d->start.ms) / HOUR_MS;

		end->ms = d->start.ms + (hour + 1) * HOUR_MS;
		return (int32_t)hour;
	}
	l = zone_local(z, at);
	*end = earlier(hour_end(z, at, l), d->end);
	return l.second / 3600;
}

static struct utc slot_start(
	const struct zone *z, const struct local_day *d, const struct slot *slot)
{
	if (d->even)
		return (struct utc){ d->start.ms + (int64_t)slot->second * 1000 };
	return zone_utc(z, d->day, slot->second);
}

/* The last slot that has begun, and when the next one begins. */
static const struct slot *slot_find(const struct zone *z, const struct local_day *d,
	const struct row *row, struct utc at, struct utc *end)
{
	size_t i = row->slots_n;

	*end = d->end;
	while (--i > 0) {
		struct utc start = slot_start(z, d, &row->slots[i]);

		if (start.ms <= at.ms)
			break;
		*end = earlier(*end, start);
	}
	return &row->slots[i];
}

void moment_find(const struct tariff *t, const struct zone *z, struct utc at, struct moment *m)
{
	struct utc end;
	const struct row *row;
	int year, month, day;

	if (at.ms < m->day.start.ms || at.ms >= m->day.end.ms)
		m->day = local_day_at(z, at);
	m->hour = hour_find(z, &m->day, at, &m->until);
	if (!t)
		return;
	m->version = version_at(t, at, &end);
	ASSERT(m->version);
	m->until = earlier(m->until, end);
	civil_date(m->day.day.days, &year, &month, &day);
	row = row_find(m->version, month, day_kind_of(t, m->day.day));
	ASSERT(row);
	m->rate = &m->version->rates[slot_find(z, &m->day, row, at, &end)->rate];
	m->until = earlier(m->until, end);
}
