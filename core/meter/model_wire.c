/* Registers to a reading. Floating point lives inside one conversion only. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "meter/model_build.h"
#include "meter/model_raw.h"

#define OUT_OF_HAND INT64_C(4000000000000000000) /* leaves room for an offset */

static const struct {
	int64_t least, most;
} point_limits[] = {
#define POINT(name, word, least, most) [POINT_##name] = { least, most },
#include "meter/points.def"
#undef POINT
};

/* raw as the signed or unsigned number that it stands for. */
static __int128 raw_number(const struct model_point *p, uint64_t raw)
{
	unsigned bits = raw_bits(p);
	__int128 v = raw;

	if (wire_is_signed(p->wire) && ((raw >> (bits - 1)) & 1))
		v -= (__int128)1 << bits;
	return v;
}

static enum err bad_point(struct problem *why, const struct model_point *p, const char *text)
{
	const char *word = p->serial ? "serial" : point_word(p->point);

	return problem_set(
		why, ERR_PROTOCOL, word, "%s at register 0x%04X %s", word, p->address, text);
}

/* What a raw number is multiplied and divided by. */
struct factor {
	__int128 num, den;
};

static bool factor_times(struct factor *f, int64_t num, int64_t den)
{
	return !__builtin_mul_overflow(f->num, num, &f->num) &&
	       !__builtin_mul_overflow(f->den, den, &f->den);
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

/* What has been read, and what has been made of it so far. */
struct decoding {
	const struct model *m;
	const struct register_block *blocks;
	size_t n;
	struct meter_reading r;
	struct problem *why;
};

static enum err ratio_of(const struct decoding *d, const struct model_point *p, struct factor *out)
{
	int64_t ct = p->by_ct ? d->r.value[POINT_CT_RATIO] : 1;
	int64_t pt = p->by_pt ? d->r.value[POINT_PT_RATIO] : 1;

	*out = (struct factor){ p->scale_num, p->scale_den };
	if (ct < 1 || pt < 1)
		return bad_point(d->why, p, "needs a ratio that the meter does not tell");
	if (!factor_times(out, ct, 1) || !factor_times(out, pt, 1))
		return bad_point(d->why, p, "is outside its limits");
	for (size_t i = 0; i < d->m->factor_count; i++) {
		const struct model_factor *f = &d->m->factors[i];
		const uint16_t *reg;
		int64_t num = 1, den = 1;

		if (!((p->factors >> i) & 1))
			continue;
		reg = regs_at(d->blocks, d->n, f->function, f->address, 1);
		if (!reg || !factor_value(f, *reg, &num, &den))
			return bad_point(d->why, p, "needs a factor that the meter does not tell");
		if (!factor_times(out, num, den))
			return bad_point(d->why, p, "is outside its limits");
	}
	return ERR_OK;
}

static double raw_float(const struct model_point *p, uint64_t raw)
{
	uint32_t bits = (uint32_t)raw;
	double wide;
	float narrow;

	if (p->wire == WIRE_F64) {
		memcpy(&wide, &raw, sizeof(wide));
		return wide;
	}
	memcpy(&narrow, &bits, sizeof(narrow));
	return (double)narrow;
}

static enum err float_decode(const struct decoding *d, const struct model_point *p, uint64_t raw,
	const struct factor *f, int64_t *out)
{
	double v = raw_float(p, raw) * (double)f->num / (double)f->den;

	if (!isfinite(v) || fabs(v) > 9e15)
		return bad_point(d->why, p, "is not a number that can be");
	*out = llround(v);
	return ERR_OK;
}

static enum err integer_decode(const struct decoding *d, const struct model_point *p, uint64_t raw,
	const struct factor *f, int64_t *out)
{
	__int128 exact;

	if (p->wire == WIRE_BCD && !bcd_number(raw, &raw))
		return bad_point(d->why, p, "is not decimal digits");
	if (__builtin_mul_overflow(raw_number(p, raw), f->num, &exact))
		return bad_point(d->why, p, "is outside its limits");
	exact = divide_round(exact, f->den);
	if (exact < -OUT_OF_HAND || exact > OUT_OF_HAND)
		return bad_point(d->why, p, "is outside its limits");
	*out = (int64_t)exact;
	return ERR_OK;
}

/* One unit of the register in units of the value; a float holds 24 bits of it. */
static int64_t step_of(const struct model_point *p, const struct factor *f, int64_t v)
{
	__int128 step = (f->num + f->den - 1) / f->den;

	if (p->wire == WIRE_F32)
		step = (v < 0 ? -v : v) >> 22;
	if (p->wire == WIRE_F64 || step < 1)
		step = 1;
	return step > INT64_MAX ? INT64_MAX : (int64_t)step;
}

static enum err number_decode(struct decoding *d, const struct model_point *p, const uint16_t *regs)
{
	uint64_t raw = raw_get(p, regs);
	struct factor f;
	int64_t v = 0;
	enum err e = ratio_of(d, p, &f);

	if (e == ERR_OK)
		e = wire_is_float(p->wire) ? float_decode(d, p, raw, &f, &v)
					   : integer_decode(d, p, raw, &f, &v);
	if (e != ERR_OK)
		return e;
	if (p->point == POINT_ENERGY || p->point == POINT_VOLUME)
		d->r.step = step_of(p, &f, v);
	v += p->offset;
	if (v < point_limits[p->point].least || v > point_limits[p->point].most)
		return bad_point(d->why, p, "is outside its limits");
	reading_set(&d->r, p->point, v);
	return ERR_OK;
}

enum err point_set(const struct model_point *p, int64_t raw, struct meter_reading *r)
{
	__int128 exact = divide_round((__int128)raw * p->scale_num, p->scale_den);

	if (exact < point_limits[p->point].least || exact > point_limits[p->point].most)
		return ERR_PROTOCOL;
	if (p->point == POINT_ENERGY || p->point == POINT_VOLUME)
		r->step = (p->scale_num + p->scale_den - 1) / p->scale_den;
	reading_set(r, p->point, (int64_t)exact);
	return ERR_OK;
}

/* Printable characters, without the blanks and zeros that fill up. */
static bool serial_ascii(const uint8_t *bytes, size_t n, char text[static SERIAL_MAX])
{
	while (n > 0 && (bytes[n - 1] == ' ' || bytes[n - 1] == 0))
		n--;
	for (size_t i = 0; i < n; i++) {
		if (bytes[i] < ' ' || bytes[i] > '~')
			return false;
		text[i] = (char)bytes[i];
	}
	return true;
}

static enum err serial_decode(struct decoding *d, const struct model_point *p, const uint16_t *regs)
{
	char text[SERIAL_MAX] = "";
	uint8_t bytes[POINT_BYTES_MAX];

	raw_bytes_get(p, regs, bytes);
	if (wire_is_unsigned(p->wire)) {
		snprintf(text, sizeof(text), "%" PRIu64, raw_get(p, regs));
	} else if (p->wire == WIRE_ASCII) {
		if (!serial_ascii(bytes, 2U * p->count, text))
			return bad_point(d->why, p, "is not text");
	} else {
		for (unsigned i = 0; i < p->digits; i++)
			text[i] = "0123456789ABCDEF"[bytes[i / 2] >> (i % 2 ? 0 : 4) & 15];
		if (p->wire == WIRE_BCD && text[strspn(text, "0123456789")])
			return bad_point(d->why, p, "is not decimal digits");
	}
	memcpy(d->r.serial, text, sizeof(text));
	return ERR_OK;
}

/* A clock that shows no possible time was never set: absent, and no reason to drop a reading. */
static void clock_decode(struct decoding *d, const struct model_point *p, const uint16_t *regs)
{
	uint8_t bytes[CLOCK_BYTES_MAX];
	int64_t seconds = 0;

	for (unsigned i = 0; i < 2U * p->count; i++)
		bytes[i] = (uint8_t)(regs[i / 2] >> (i % 2 ? 0 : 8));
	if (clock_get(&p->clock, bytes, &seconds))
		reading_set(&d->r, POINT_CLOCK, seconds);
}

static enum err points_decode(struct decoding *d, bool ratios)
{
	for (size_t i = 0; i < d->m->point_count; i++) {
		const struct model_point *p = &d->m->points[i];
		const uint16_t *regs = regs_at(d->blocks, d->n, p->function, p->address, p->count);
		enum err e = ERR_OK;

		if (!regs || point_is_ratio(p) != ratios)
			continue;
		if (p->serial)
			e = serial_decode(d, p, regs);
		else if (wire_is_clock(p->wire))
			clock_decode(d, p, regs);
		else
			e = number_decode(d, p, regs);
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
	struct decoding d = { .m = m, .blocks = blocks, .n = n, .why = why };
	enum err e = points_decode(&d, true);

	if (e == ERR_OK)
		e = points_decode(&d, false);
	if (e != ERR_OK)
		return e;
	flags_decode(m, blocks, n, &d.r);
	supply_decode(m, blocks, n, &d.r);
	*out = d.r;
	return ERR_OK;
}
