/* The clock of a meter: how it lies in bytes, both ways, and the frame that sets it. */
#include <stdio.h>
#include <string.h>

#include "meter/frame.h"
#include "meter/model_build.h"
#include "meter/model_parse.h"

/* The parts of a clock. */
struct parts {
	int year, month, day, weekday, hour, minute, second; /* weekday: Sunday is 0 */
};

static int byte_get(const struct model_clock *c, uint8_t byte)
{
	if (!c->bcd)
		return byte;
	return (byte >> 4) > 9 || (byte & 15) > 9 ? 255 : (byte >> 4) * 10 + (byte & 15);
}

static uint8_t byte_put(const struct model_clock *c, int v)
{
	return (uint8_t)(c->bcd ? v / 10 << 4 | v % 10 : v);
}

static bool is_whole_year(const char *layout, size_t i)
{
	return layout[i] == 'Y' && layout[i + 1] == 'Y';
}

static int *part_of(struct parts *p, char letter)
{
	switch (letter) {
	case 'Y':
		return &p->year;
	case 'M':
		return &p->month;
	case 'D':
		return &p->day;
	case 'h':
		return &p->hour;
	case 'm':
		return &p->minute;
	case 's':
		return &p->second;
	default:
		return NULL;
	}
}

bool clock_get(const struct model_clock *c, const uint8_t *bytes, int64_t *seconds)
{
	struct parts p = { 0 };
	int64_t days;
	int y, m, d;

	for (size_t i = 0; c->layout[i]; i++) {
		int *part = part_of(&p, c->layout[i]);
		int v = byte_get(c, bytes[i]);

		if (part && is_whole_year(c->layout, i)) {
			int low = byte_get(c, bytes[++i]);

			*part = c->bcd ? v * 100 + low : v * 256 + low;
		} else if (part) {
			*part = c->layout[i] == 'Y' && v <= 99 ? 2000 + v : v;
		}
	}
	if (p.year < 2000 || p.year > 2099 || p.month < 1 || p.month > 12 || p.day < 1 ||
		p.day > 31 || p.hour > 23 || p.minute > 59 || p.second > 59)
		return false;
	days = civil_days(p.year, p.month, p.day);
	civil_date(days, &y, &m, &d);
	*seconds = days * 86400 + p.hour * 3600 + p.minute * 60 + p.second;
	return m == p.month && d == p.day;
}

static uint8_t weekday_put(char letter, int weekday)
{
	return (uint8_t)(letter == 'W' && weekday == 0 ? 7 : weekday);
}

bool clock_put(const struct model_clock *c, int64_t seconds, uint8_t *bytes)
{
	int64_t days = seconds / 86400, second = seconds % 86400;
	struct parts p = { .hour = (int)(second / 3600),
		.minute = (int)(second / 60 % 60),
		.second = (int)(second % 60),
		/* 1970-01-01 was a Thursday */
		.weekday = (int)((days + 4) % 7) };

	if (seconds < 0)
		return false;
	civil_date(days, &p.year, &p.month, &p.day);
	if (p.year < 2000 || p.year > 2099)
		return false;
	for (size_t i = 0; c->layout[i]; i++) {
		const int *part = part_of(&p, c->layout[i]);

		if (part && is_whole_year(c->layout, i)) {
			bytes[i] = c->bcd ? byte_put(c, p.year / 100) : (uint8_t)(p.year >> 8);
			bytes[i + 1] = c->bcd ? byte_put(c, p.year % 100) : (uint8_t)p.year;
			i++;
		} else if (part) {
			bytes[i] = byte_put(c, c->layout[i] == 'Y' ? p.year - 2000 : *part);
		} else {
			bytes[i] = c->layout[i] == '-' ? 0 : weekday_put(c->layout[i], p.weekday);
		}
	}
	return true;
}

static size_t times_in(const char *text, char letter)
{
	size_t n = 0;

	for (; *text; text++)
		n += *text == letter;
	return n;
}

/* Each part once, the seconds and weekdays at most once; a whole year in two bytes that touch. */
static bool layout_is_good(const char *l)
{
	size_t years = times_in(l, 'Y');

	return l[strspn(l, "YMDhmswW-")] == '\0' && strlen(l) % 2 == 0 &&
	       (years == 1 || (years == 2 && strstr(l, "YY"))) && times_in(l, 'M') == 1 &&
	       times_in(l, 'D') == 1 && times_in(l, 'h') == 1 && times_in(l, 'm') == 1 &&
	       times_in(l, 's') <= 1 && times_in(l, 'w') + times_in(l, 'W') <= 1;
}

enum err parse_layout(struct parse *ps, const json_t *obj, struct model_clock *out)
{
	const char *text = NULL;
	enum err e = field_text(ps, obj, "layout", FIELD_REQUIRED, CLOCK_BYTES_MAX, &text);

	if (e != ERR_OK)
		return e;
	if (!layout_is_good(text))
		return field_bad(ps, "layout",
			"must name each byte: Y or YY, M, D, h, m, each once, and s, w or W, -; an "
			"even number of them");
	ASSERT(str_copy(out->layout, sizeof(out->layout), text));
	return ERR_OK;
}

/* Registers, or a vendor's frame with a hole for the clock. */
static enum err parse_clock_frame(struct parse *ps, const json_t *obj, struct model_clock_set *c)
{
	int function = 0;
	enum err e;

	if (json_object_get(obj, "frame")) {
		e = parse_frame(ps, obj, 1U << HOLE_CLOCK, &c->frame);
		if (e == ERR_OK && c->frame.holes[HOLE_CLOCK].size != strlen(c->clock.layout))
			return field_bad(ps, "frame", "has another number of bytes than layout");
		c->function = c->frame.bytes[0];
		return e;
	}
	e = field_int(ps, obj, "function", FIELD_REQUIRED, 16, FRAME_ACREL_WRITE, &function);
	if (e == ERR_OK && function != 16 && function != FRAME_ACREL_WRITE)
		return field_bad(ps, "function", "must be 16 or 32");
	c->function = (uint8_t)function;
	return e == ERR_OK ? field_hex(ps, obj, "address", FIELD_REQUIRED, &c->address) : e;
}

enum err parse_clock_set(struct parse *ps, const json_t *root)
{
	static const char *const plain[] = { "function", "address", "layout", "bcd", "answer_ms",
		"note", NULL };
	static const char *const vendor[] = { "frame", "reply", "layout", "bcd", "answer_ms",
		"note", NULL };
	const json_t *obj = json_object_get(root, "clock_set");
	struct model_clock_set c = { 0 };
	enum err e;

	if (!obj)
		return ERR_OK;
	snprintf(ps->path, sizeof(ps->path), "clock_set");
	e = field_at(ps, json_only(obj, json_object_get(obj, "frame") ? vendor : plain, ps->why));
	if (e == ERR_OK)
		e = parse_layout(ps, obj, &c.clock);
	if (e == ERR_OK)
		e = field_at(ps, json_get_bool(obj, "bcd", FIELD_OPTIONAL, &c.clock.bcd, ps->why));
	if (e == ERR_OK)
		e = field_int(ps, obj, "answer_ms", FIELD_OPTIONAL, 50, 10000, &c.answer_ms);
	if (e == ERR_OK)
		e = parse_clock_frame(ps, obj, &c);
	if (e != ERR_OK)
		return e;
	ps->m->clock_set = c;
	return ERR_OK;
}

bool model_sets_clock(const struct model *m)
{
	return m->clock_set.function != 0;
}

enum err model_clock_values(
	const struct model *m, int64_t wall_seconds, uint16_t values[static CLOCK_BYTES_MAX / 2])
{
	const struct model_clock *c = &m->clock_set.clock;
	uint8_t bytes[CLOCK_BYTES_MAX] = { 0 };

	if (!model_sets_clock(m))
		return ERR_NOT_CONFIGURED;
	if (!clock_put(c, wall_seconds, bytes))
		return ERR_OUT_OF_RANGE;
	for (size_t i = 0; c->layout[2 * i]; i++)
		values[i] = (uint16_t)(bytes[2 * i] << 8 | bytes[2 * i + 1]);
	return ERR_OK;
}

enum err model_clock_frame(const struct model *m, int64_t wall_seconds, struct model_frame *out)
{
	uint8_t bytes[CLOCK_BYTES_MAX] = { 0 };

	if (!model_sets_clock(m) || m->clock_set.frame.n == 0)
		return ERR_NOT_CONFIGURED;
	if (!clock_put(&m->clock_set.clock, wall_seconds, bytes))
		return ERR_OUT_OF_RANGE;
	*out = m->clock_set.frame;
	frame_fill(out, HOLE_CLOCK, bytes);
	return ERR_OK;
}
