/* Registers to integers and back. Floating point lives here only, inside one conversion. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "meter/model_build.h"

static const struct {
	int64_t least, most;
} point_limits[] = {
#define POINT(name, word, least, most) [POINT_##name] = { least, most },
#include "meter/points.def"
#undef POINT
};

static bool word_swapped(enum wire_order o)
{
	return o == ORDER_CDAB || o == ORDER_DCBA;
}

static uint16_t in_byte_order(enum wire_order o, uint16_t reg)
{
	bool swapped = o == ORDER_BADC || o == ORDER_DCBA;

	return swapped ? __builtin_bswap16(reg) : reg;
}

/* One to four registers as one number, most significant first whatever their order. */
static uint64_t raw_get(const struct model_point *p, const uint16_t *regs)
{
	uint64_t raw = 0;

	for (unsigned i = 0; i < p->count; i++) {
		unsigned at = word_swapped(p->order) ? p->count - 1U - i : i;

		raw = (raw << 16) | in_byte_order(p->order, regs[at]);
	}
	return raw;
}

static void raw_put(const struct model_point *p, uint64_t raw, uint16_t *regs)
{
	for (unsigned i = p->count; i-- > 0; raw >>= 16) {
		unsigned at = word_swapped(p->order) ? p->count - 1U - i : i;

		regs[at] = in_byte_order(p->order, (uint16_t)raw);
	}
}

static bool is_signed(enum wire w)
{
	return w == WIRE_S16 || w == WIRE_S32 || w == WIRE_S64;
}

/* raw as the signed or unsigned number that it stands for. */
static __int128 raw_number(const struct model_point *p, uint64_t raw)
{
	unsigned bits = 16U * p->count;
	__int128 v = raw;

	ASSERT(bits >= 16 && bits <= 64);
	if (is_signed(p->wire) && ((raw >> (bits - 1)) & 1))
		v -= (__int128)1 << bits;
	return v;
}

/* n / d to the nearest, halves away from zero; d > 0. */
static __int128 divide(__int128 n, __int128 d)
{
	return (n < 0 ? n - d / 2 : n + d / 2) / d;
}

static enum err bad_point(struct problem *why, const struct model_point *p, const char *text)
{
	const char *word = p->serial ? "serial" : point_word(p->point);

	return problem_set(
		why, ERR_PROTOCOL, word, "%s at register 0x%04X %s", word, p->address, text);
}

/* What the point is multiplied by: 1, or the meter's own ratios. */
static enum err ratio_of(const struct model_point *p, const struct meter_reading *r, int64_t *out,
	struct problem *why)
{
	int64_t ct = p->by_ct ? r->value[POINT_CT_RATIO] : 1;
	int64_t pt = p->by_pt ? r->value[POINT_PT_RATIO] : 1;

	if (ct < 1 || pt < 1)
		return bad_point(why, p, "needs a ratio that the meter does not tell");
	*out = ct * pt;
	return ERR_OK;
}

static enum err float_decode(
	const struct model_point *p, uint64_t raw, int64_t ratio, int64_t *out, struct problem *why)
{
	uint32_t bits = (uint32_t)raw;
	float wire;
	double v;

	memcpy(&wire, &bits, sizeof(wire));
	v = (double)wire * (double)p->scale_num / (double)p->scale_den * (double)ratio;
	if (!isfinite(v) || fabs(v) > 9e15)
		return bad_point(why, p, "is not a number that can be");
	*out = llround(v);
	return ERR_OK;
}

static enum err number_decode(const struct model_point *p, const uint16_t *regs,
	struct meter_reading *r, struct problem *why)
{
	uint64_t raw = raw_get(p, regs);
	int64_t ratio = 1, v = 0;
	enum err e = ratio_of(p, r, &ratio, why);

	if (e == ERR_OK && p->wire == WIRE_F32)
		e = float_decode(p, raw, ratio, &v, why);
	if (e != ERR_OK)
		return e;
	if (p->wire != WIRE_F32) {
		__int128 exact = divide(raw_number(p, raw) * p->scale_num * ratio, p->scale_den);

		if (exact < INT64_MIN || exact > INT64_MAX)
			return bad_point(why, p, "is outside its limits");
		v = (int64_t)exact;
	}
	if (v < point_limits[p->point].least || v > point_limits[p->point].most)
		return bad_point(why, p, "is outside its limits");
	reading_set(r, p->point, v);
	return ERR_OK;
}

enum err point_set(const struct model_point *p, int64_t raw, struct meter_reading *r)
{
	__int128 exact = divide((__int128)raw * p->scale_num, p->scale_den);

	if (exact < point_limits[p->point].least || exact > point_limits[p->point].most)
		return ERR_PROTOCOL;
	reading_set(r, p->point, (int64_t)exact);
	return ERR_OK;
}

static enum err serial_decode(const struct model_point *p, const uint16_t *regs,
	struct meter_reading *r, struct problem *why)
{
	char text[SERIAL_MAX] = "";

	for (unsigned i = 0; i < p->count; i++)
		snprintf(text + 4U * i, sizeof(text) - 4U * i, "%04X",
			in_byte_order(p->order, regs[i]));
	if (p->wire == WIRE_BCD && text[strspn(text, "0123456789")])
		return bad_point(why, p, "is not decimal digits");
	memcpy(r->serial, text, sizeof(text));
	return ERR_OK;
}

static void clock_bytes(const struct model_point *p, const uint16_t *regs, int b[static 6])
{
	unsigned n = 0;

	for (unsigned i = 0; n < 6; i++) {
		bool weekday = p->wire == WIRE_YMDWHMS && i == 3;

		if (!weekday)
			b[n++] = (regs[i / 2] >> (i % 2 ? 0 : 8)) & 0xff;
	}
}

/* A clock that shows no possible time was never set: absent, and no reason to drop a reading. */
static void clock_decode(const struct model_point *p, const uint16_t *regs, struct meter_reading *r)
{
	int b[6], y, m, d;
	int64_t days;

	clock_bytes(p, regs, b);
	if (b[0] > 99 || b[1] < 1 || b[1] > 12 || b[2] < 1 || b[3] > 23 || b[4] > 59 || b[5] > 59)
		return;
	days = civil_days(2000 + b[0], b[1], b[2]);
	civil_date(days, &y, &m, &d);
	if (m == b[1] && d == b[2])
		reading_set(r, POINT_CLOCK, days * 86400 + b[3] * 3600 + b[4] * 60 + b[5]);
}

static void clock_encode(const struct model_point *p, int64_t clock, uint16_t *regs)
{
	int64_t days = clock / 86400, second = clock % 86400;
	int y, m, d;
	unsigned n = 0;

	civil_date(days, &y, &m, &d);
	/* 1970-01-01 was a Thursday; Sunday is 0. */
	int bytes[7] = { y % 100, m, d, (int)((days + 4) % 7), (int)(second / 3600),
		(int)(second / 60 % 60), (int)(second % 60) };

	for (unsigned i = 0; i < 7; i++) {
		if (i == 3 && p->wire == WIRE_YMDHMS)
			continue;
		regs[n / 2] |= (uint16_t)(bytes[i] << (n % 2 ? 0 : 8));
		n++;
	}
}

static bool is_ratio(const struct model_point *p)
{
	return !p->serial && (p->point == POINT_CT_RATIO || p->point == POINT_PT_RATIO);
}

static const uint16_t *regs_at(const struct register_block *blocks, size_t n, uint8_t function,
	unsigned address, unsigned count)
{
	for (size_t i = 0; i < n; i++) {
		const struct register_block *b = &blocks[i];

		if (b->function == function && address >= b->address &&
			address + count <= (unsigned)b->address + b->count)
			return &b->regs[address - b->address];
	}
	return NULL;
}

static enum err points_decode(const struct model *m, const struct register_block *blocks, size_t n,
	bool ratios, struct meter_reading *r, struct problem *why)
{
	for (size_t i = 0; i < m->point_count; i++) {
		const struct model_point *p = &m->points[i];
		const uint16_t *regs = regs_at(blocks, n, p->function, p->address, p->count);
		enum err e = ERR_OK;

		if (!regs || is_ratio(p) != ratios)
			continue;
		if (p->serial)
			e = serial_decode(p, regs, r, why);
		else if (p->wire == WIRE_YMDWHMS || p->wire == WIRE_YMDHMS)
			clock_decode(p, regs, r);
		else
			e = number_decode(p, regs, r, why);
		if (e != ERR_OK)
			return e;
	}
	return ERR_OK;
}

static bool bits_hold(const struct model_bits *b, uint16_t reg)
{
	return (reg & b->mask) == b->value;
}

static void flags_decode(const struct model *m, const struct register_block *blocks, size_t n,
	struct meter_reading *r)
{
	for (size_t i = 0; i < m->flag_count; i++) {
		const struct model_flag *f = &m->flags[i];
		const uint16_t *reg = regs_at(blocks, n, f->when.function, f->when.address, 1);

		if (!reg)
			continue;
		r->has_status = true;
		if (bits_hold(&f->when, *reg))
			r->status |= UINT32_C(1) << f->status;
	}
}

static void supply_decode(const struct model *m, const struct register_block *blocks, size_t n,
	struct meter_reading *r)
{
	for (size_t i = 0; i < m->supply_count; i++) {
		const struct model_supply *s = &m->supplies[i];
		const uint16_t *reg = regs_at(blocks, n, s->when.function, s->when.address, 1);

		if (!reg)
			return;
		r->has_supply = true;
		r->supply = m->supply_else;
		if (bits_hold(&s->when, *reg)) {
			r->supply = s->supply;
			return;
		}
	}
}

enum err model_decode(const struct model *m, const struct register_block *blocks, size_t n,
	struct meter_reading *out, struct problem *why)
{
	struct meter_reading r = { 0 };
	enum err e = points_decode(m, blocks, n, true, &r, why);

	if (e == ERR_OK)
		e = points_decode(m, blocks, n, false, &r, why);
	if (e != ERR_OK)
		return e;
	flags_decode(m, blocks, n, &r);
	supply_decode(m, blocks, n, &r);
	*out = r;
	return ERR_OK;
}

static bool number_fits(const struct model_point *p, __int128 v)
{
	unsigned bits = 16U * p->count;
	__int128 most = ((__int128)1 << (is_signed(p->wire) ? bits - 1 : bits)) - 1;

	return v <= most && v >= (is_signed(p->wire) ? -most - 1 : 0);
}

static int64_t ratio_or_1(const struct meter_reading *r, enum point p)
{
	return reading_has(r, p) && r->value[p] > 0 ? r->value[p] : 1;
}

static enum err number_encode(
	const struct model_point *p, const struct meter_reading *r, uint16_t *regs)
{
	int64_t v = is_ratio(p) ? ratio_or_1(r, p->point) : r->value[p->point];
	int64_t ratio = (p->by_ct ? ratio_or_1(r, POINT_CT_RATIO) : 1) *
			(p->by_pt ? ratio_or_1(r, POINT_PT_RATIO) : 1);
	__int128 raw;

	if (p->wire == WIRE_F32) {
		float wire = (float)((double)v * (double)p->scale_den / (double)p->scale_num /
				     (double)ratio);
		uint32_t bits;

		memcpy(&bits, &wire, sizeof(bits));
		raw_put(p, bits, regs);
		return ERR_OK;
	}
	raw = divide((__int128)v * p->scale_den, (__int128)p->scale_num * ratio);
	if (!number_fits(p, raw))
		return ERR_OUT_OF_RANGE;
	raw_put(p, (uint64_t)raw, regs);
	return ERR_OK;
}

/* Digits from the right; what is missing on the left is 0. Anything else is 0, too. */
static void serial_encode(const struct model_point *p, const char *serial, uint16_t *regs)
{
	size_t len = strlen(serial), digits = 4U * p->count;

	for (size_t i = 0; i < len && i < digits; i++) {
		char c = serial[len - 1 - i];
		unsigned nibble = c >= '0' && c <= '9'	 ? (unsigned)(c - '0')
				  : c >= 'A' && c <= 'F' ? (unsigned)(c - 'A' + 10)
							 : 0;
		unsigned reg = p->count - 1U - (unsigned)(i / 4);

		regs[reg] |= (uint16_t)(nibble << (4 * (i % 4)));
	}
	for (unsigned i = 0; i < p->count; i++)
		regs[i] = in_byte_order(p->order, regs[i]);
}

static enum err point_encode(
	const struct model_point *p, const struct meter_reading *r, uint16_t *regs)
{
	if (p->serial) {
		serial_encode(p, r->serial, regs);
		return ERR_OK;
	}
	if (p->wire == WIRE_YMDWHMS || p->wire == WIRE_YMDHMS) {
		if (reading_has(r, POINT_CLOCK))
			clock_encode(p, r->value[POINT_CLOCK], regs);
		return ERR_OK;
	}
	return number_encode(p, r, regs);
}

/* The answer under construction. */
struct image {
	uint8_t function;
	unsigned address, count;
	uint16_t *regs;
};

static void image_put(const struct image *im, unsigned address, uint16_t mask, uint16_t value)
{
	if (address >= im->address && address < im->address + im->count) {
		uint16_t *reg = &im->regs[address - im->address];

		*reg = (uint16_t)((*reg & ~mask) | value);
	}
}

static void bits_encode(const struct image *im, const struct model_bits *b)
{
	if (b->function == im->function)
		image_put(im, b->address, b->mask, b->value);
}

static void states_encode(
	const struct model *m, const struct meter_reading *r, const struct image *im)
{
	for (size_t i = 0; i < m->flag_count; i++)
		if (reading_has_status(r, m->flags[i].status))
			bits_encode(im, &m->flags[i].when);
	for (size_t i = 0; i < m->supply_count; i++) {
		if (m->supplies[i].supply != r->supply)
			continue;
		bits_encode(im, &m->supplies[i].when);
		return;
	}
}

static bool answers(const struct model *m, const struct image *im)
{
	for (unsigned i = 0; i < im->count; i++)
		if (im->address + i > 0xffff ||
			!model_block_of(m, im->function, (uint16_t)(im->address + i), 1))
			return false;
	return im->count > 0 && im->count <= MODBUS_READ_MAX;
}

enum err model_encode(const struct model *m, const struct meter_reading *state, uint8_t function,
	uint16_t address, uint16_t count, uint16_t *regs)
{
	uint16_t answer[MODBUS_READ_MAX] = { 0 };
	struct image im = { function, address, count, answer };

	if (!answers(m, &im))
		return ERR_NOT_FOUND;
	for (size_t i = 0; i < m->point_count; i++) {
		const struct model_point *p = &m->points[i];
		uint16_t own[MODBUS_READ_MAX] = { 0 };
		enum err e;

		if (p->function != function || p->address >= im.address + im.count ||
			p->address + p->count <= im.address)
			continue;
		e = point_encode(p, state, own);
		if (e != ERR_OK)
			return e;
		/* or-ed, because a clock may share its last register with something else */
		for (unsigned k = 0; k < p->count; k++)
			image_put(&im, p->address + k, own[k], own[k]);
	}
	states_encode(m, state, &im);
	memcpy(regs, answer, count * sizeof(regs[0]));
	return ERR_OK;
}
