/* Bytes of items to integers. */
#include <string.h>

#include "meter/bcd.h"
#include "meter/model_build.h"

static enum err bad_item(struct problem *why, const struct model_point *p, const char *text)
{
	const char *word = p->serial ? "serial" : point_word(p->point);

	return problem_set(why, ERR_PROTOCOL, word, "%s in item %08X %s", word, p->item.id, text);
}

static const struct item_block *block_of(const struct item_block *blocks, size_t n, uint32_t item)
{
	for (size_t i = 0; i < n; i++)
		if (blocks[i].item == item)
			return &blocks[i];
	return NULL;
}

static bool all_are(const uint8_t *bytes, size_t n, uint8_t value)
{
	for (size_t i = 0; i < n; i++)
		if (bytes[i] != value)
			return false;
	return true;
}

/* What is subtracted: 0 where the meter has no such item. */
static enum err less_decode(
	const struct model_point *p, const struct item_block *b, int64_t *out, struct problem *why)
{
	const struct model_item *i = &p->item;

	if (!b || b->absent)
		return ERR_OK;
	if (b->n < i->bytes || bcd_get(b->bytes, i->bytes, false, out) != ERR_OK)
		return bad_item(why, p, "is less something that is no number");
	return ERR_OK;
}

static enum err number_decode(const struct model_point *p, const struct item_block *b,
	const struct item_block *other, struct meter_reading *r, struct problem *why)
{
	const struct model_item *i = &p->item;
	int64_t v = 0, less = 0;
	enum err e;

	if (all_are(b->bytes + i->at, i->bytes, 0xFF))
		return ERR_OK; /* so meters tell that they lack a phase */
	if (i->has_unit && (i->unit_at >= b->n || b->bytes[i->unit_at] != i->unit))
		return bad_item(why, p, "is told in another unit");
	if (bcd_get(b->bytes + i->at, i->bytes, i->wire == ITEM_SIGNED_BCD, &v) != ERR_OK)
		return bad_item(why, p, "is not decimal digits");
	e = less_decode(p, i->other ? other : NULL, &less, why);
	if (e != ERR_OK)
		return e;
	if (point_set(p, v - less, r) != ERR_OK)
		return bad_item(why, p, "is outside its limits");
	return ERR_OK;
}

static enum err serial_decode(const struct model_point *p, const struct item_block *b,
	struct meter_reading *r, struct problem *why)
{
	char text[SERIAL_MAX] = "";

	bcd_text(b->bytes + p->item.at, p->item.bytes, text);
	if (text[strspn(text, "0123456789")])
		return bad_item(why, p, "is not decimal digits");
	memcpy(r->serial, text, sizeof(text));
	return ERR_OK;
}

struct wall {
	int64_t year, month, day, hour, minute, second;
};

static bool two_digits(uint8_t b, int64_t most, int64_t *out)
{
	return bcd_get(&b, 1, false, out) == ERR_OK && *out <= most;
}

/* Seconds of the meter's own clock; false: no possible time. */
static bool wall_seconds(const struct wall *w, int64_t *out)
{
	int64_t days;
	int y, m, d;

	if (w->month < 1 || w->day < 1)
		return false;
	days = civil_days((int)w->year, (int)w->month, (int)w->day);
	civil_date(days, &y, &m, &d);
	*out = days * 86400 + w->hour * 3600 + w->minute * 60 + w->second;
	return m == w->month && d == w->day;
}

/* second, minute, hour */
static bool time_decode(const uint8_t *b, struct wall *w)
{
	return two_digits(b[0], 59, &w->second) && two_digits(b[1], 59, &w->minute) &&
	       two_digits(b[2], 23, &w->hour);
}

/* Date and time are two answers: around midnight they may not belong together. */
static bool near_midnight(const struct wall *w)
{
	int64_t second = w->hour * 3600 + w->minute * 60 + w->second;

	return second < 30 || second > 86400 - 30;
}

/* A clock that shows no possible time was never set: absent, and no reason to drop a reading. */
static void clock_decode(const struct model_point *p, const struct item_block *b,
	const struct item_block *other, struct meter_reading *r)
{
	const uint8_t *d = b->bytes + p->item.at;
	bool date_only = p->item.wire == ITEM_WDMY;
	struct wall w = { .year = 2000 };
	int64_t years = 0, century = 20, seconds = 0;

	if (date_only && (!other || other->absent || other->n < 3))
		return;
	if (!time_decode(date_only ? other->bytes : d, &w) || (date_only && near_midnight(&w)))
		return;
	d += date_only ? 1 : 3; /* past weekday, or time */
	if (!two_digits(d[0], 31, &w.day) || !two_digits(d[1], 12, &w.month) ||
		!two_digits(d[2], 99, &years) || (!date_only && !two_digits(d[3], 99, &century)))
		return;
	w.year = century * 100 + years;
	if (wall_seconds(&w, &seconds))
		(void)!point_set(p, seconds, r); /* before 1970: as if never set */
}

static enum err point_decode(const struct model_point *p, const struct item_block *blocks, size_t n,
	struct meter_reading *r, struct problem *why)
{
	const struct item_block *b = block_of(blocks, n, p->item.id);
	const struct item_block *other = block_of(blocks, n, p->item.other);

	if (!b)
		return ERR_OK;
	if (b->absent || b->n < (size_t)p->item.at + p->item.bytes)
		return p->item.optional ? ERR_OK : bad_item(why, p, "is missing");
	if (p->serial)
		return serial_decode(p, b, r, why);
	if (p->point == POINT_CLOCK) {
		clock_decode(p, b, other, r);
		return ERR_OK;
	}
	return number_decode(p, b, other, r, why);
}

/* ERR_NOT_FOUND: that item is not among the blocks. */
static enum err bits_get(const struct model_bits *when, const struct item_block *blocks, size_t n,
	uint16_t *out, struct problem *why)
{
	const struct item_block *b = block_of(blocks, n, when->item);

	if (!b)
		return ERR_NOT_FOUND;
	if (b->absent || b->n < (size_t)when->at + when->bytes)
		return problem_set(
			why, ERR_PROTOCOL, "status", "status in item %08X is missing", when->item);
	*out = b->bytes[when->at];
	if (when->bytes == 2)
		*out |= (uint16_t)(b->bytes[when->at + 1] << 8);
	return ERR_OK;
}

static enum err flags_decode(const struct model *m, const struct item_block *blocks, size_t n,
	struct meter_reading *r, struct problem *why)
{
	for (size_t i = 0; i < m->flag_count; i++) {
		const struct model_bits *when = &m->flags[i].when;
		uint16_t word = 0;
		enum err e = bits_get(when, blocks, n, &word, why);

		if (e == ERR_PROTOCOL)
			return e;
		if (e != ERR_OK)
			continue;
		r->has_status = true;
		if ((word & when->mask) == when->value)
			r->status |= UINT32_C(1) << m->flags[i].status;
	}
	return ERR_OK;
}

static enum err supply_decode(const struct model *m, const struct item_block *blocks, size_t n,
	struct meter_reading *r, struct problem *why)
{
	for (size_t i = 0; i < m->supply_count; i++) {
		const struct model_bits *when = &m->supplies[i].when;
		uint16_t word = 0;
		enum err e = bits_get(when, blocks, n, &word, why);

		if (e != ERR_OK)
			return e == ERR_PROTOCOL ? e : ERR_OK;
		r->has_supply = true;
		r->supply = m->supply_else;
		if ((word & when->mask) == when->value) {
			r->supply = m->supplies[i].supply;
			return ERR_OK;
		}
	}
	return ERR_OK;
}

enum err model_decode_items(const struct model *m, const struct item_block *blocks, size_t n,
	struct meter_reading *out, struct problem *why)
{
	struct meter_reading r = { 0 };
	enum err e = ERR_OK;

	for (size_t i = 0; e == ERR_OK && i < m->point_count; i++)
		e = point_decode(&m->points[i], blocks, n, &r, why);
	if (e == ERR_OK)
		e = flags_decode(m, blocks, n, &r, why);
	if (e == ERR_OK)
		e = supply_decode(m, blocks, n, &r, why);
	if (e == ERR_OK)
		*out = r;
	return e;
}
