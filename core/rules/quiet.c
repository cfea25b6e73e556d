#include "rules/quiet.h"

#include <string.h>

#define MINUTE_S 60
#define MINUTE_MS INT64_C(60000)
#define JUMP_MS (180 * MINUTE_MS) /* no clock falls back further */

static const char *const words[SITE_DAY__MAX] = {
	[SITE_DAY_HOLIDAY] = "holiday",
	[SITE_DAY_WORKDAY] = "workday",
};

const char *site_day_word(enum site_day d)
{
	return words[d];
}

enum err site_day_parse(const char *word, enum site_day *out)
{
	for (enum site_day d = 0; d < SITE_DAY__MAX; d++)
		if (strcmp(words[d], word) == 0) {
			*out = d;
			return ERR_OK;
		}
	return ERR_BAD_VALUE;
}

static bool is_marked(const struct day_marks *m, struct day d, enum site_day kind)
{
	size_t lo = 0, hi = m->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (m->at[mid].day.days < d.days)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < m->n && m->at[lo].day.days == d.days && m->at[lo].kind == kind;
}

bool quiet_is_holiday(const struct day_marks *m, struct day d)
{
	return is_marked(m, d, SITE_DAY_HOLIDAY);
}

static bool is_weekend(struct day d)
{
	return day_weekday(d) >= 5;
}

bool quiet_is_workday(const struct day_marks *m, struct day d)
{
	if (quiet_is_holiday(m, d))
		return false;
	return !is_weekend(d) || is_marked(m, d, SITE_DAY_WORKDAY);
}

static bool whole_day(const struct quiet_site *s, struct day d)
{
	if (quiet_is_holiday(&s->marks, d))
		return true;
	return s->rule.weekend && is_weekend(d) && !is_marked(&s->marks, d, SITE_DAY_WORKDAY);
}

/* By what the clock on the wall shows. */
static bool clock_says(const struct quiet_rule *q, int32_t second)
{
	int minute = second / MINUTE_S;

	if (q->from_min <= q->to_min)
		return minute >= q->from_min && minute < q->to_min;
	return minute >= q->from_min || minute < q->to_min;
}

/* The instant of a wall clock time; the second one when the clock shows it twice. */
static struct utc last_time(const struct zone *z, struct day d, int32_t second)
{
	struct utc first = zone_utc(z, d, second);
	struct local now = zone_local(z, first);
	struct local later = zone_local(z, (struct utc){ first.ms + JUMP_MS });
	struct utc again = { first.ms + (int64_t)(now.offset_s - later.offset_s) * 1000 };

	if (again.ms <= first.ms)
		return first;
	later = zone_local(z, again);
	return later.second == now.second && later.day.days == now.day.days ? again : first;
}

/* The quiet hours that begin on a local day, from the first reading of their begin to the last of
 * their end. */
struct span {
	struct utc from, to;
};

static struct span span_of(const struct quiet_site *s, struct day d)
{
	const struct quiet_rule *q = &s->rule;
	struct day end = { d.days + (q->from_min > q->to_min) };

	return (struct span){ zone_utc(s->zone, d, q->from_min * MINUTE_S),
		last_time(s->zone, end, q->to_min * MINUTE_S) };
}

static bool inside(struct span p, struct utc at)
{
	return p.from.ms <= at.ms && at.ms < p.to.ms;
}

bool quiet_at(const struct quiet_site *s, struct utc at)
{
	struct local l = zone_local(s->zone, at);

	if (whole_day(s, l.day))
		return true;
	if (s->rule.from_min == s->rule.to_min)
		return false;
	return clock_says(&s->rule, l.second) || inside(span_of(s, l.day), at) ||
	       inside(span_of(s, (struct day){ l.day.days - 1 }), at);
}

/* A supply point's part of the stagger, in milliseconds: the bits of its id, well mixed. */
static int64_t share_ms(const struct quiet_rule *q, int64_t id)
{
	uint64_t h = (uint64_t)id * UINT64_C(0x9E3779B97F4A7C15);

	if (q->stagger_min <= 0)
		return 0;
	h ^= h >> 32;
	h *= UINT64_C(0xD6E8FEB86659FD93);
	h ^= h >> 32;
	return (int64_t)(h % ((uint64_t)q->stagger_min * MINUTE_S)) * 1000;
}

/* Quiet begins and ends at whole minutes, so that looking once a minute misses nothing. */
bool quiet_for(const struct quiet_site *s, int64_t supply_point_id, struct utc at)
{
	struct utc t = { at.ms - share_ms(&s->rule, supply_point_id) };

	for (; t.ms < at.ms; t.ms += MINUTE_MS)
		if (quiet_at(s, t))
			return true;
	return quiet_at(s, at);
}

struct utc quiet_until(const struct quiet_site *s, int64_t supply_point_id, struct utc at)
{
	int64_t share = share_ms(&s->rule, supply_point_id);
	int64_t first = (at.ms - share) / MINUTE_MS * MINUTE_MS;
	int64_t free_at = at.ms; /* as far as the minutes before t say */

	for (int64_t t = first; t < at.ms + QUIET_MOST_MS; t += MINUTE_MS) {
		if (quiet_at(s, (struct utc){ t }) && t + MINUTE_MS + share > free_at)
			free_at = t + MINUTE_MS + share;
		if (free_at < t + MINUTE_MS)
			break;
	}
	return (struct utc){ free_at };
}
