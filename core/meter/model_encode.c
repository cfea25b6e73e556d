/* A reading to registers, for simulators. */
#include <string.h>

#include "meter/model_build.h"
#include "meter/model_raw.h"

static bool number_fits(const struct model_point *p, __int128 v)
{
	bool negative = wire_is_signed(p->wire);
	__int128 most = ((__int128)1 << (negative ? raw_bits(p) - 1 : raw_bits(p))) - 1;

	if (p->wire == WIRE_BCD) {
		most = 1;
		for (unsigned i = 0; i < 4U * p->count; i++)
			most *= 10;
		most--;
	}
	return v <= most && v >= (negative ? -most - 1 : 0);
}

static int64_t ratio_or_1(const struct meter_reading *r, enum point p)
{
	return reading_has(r, p) && r->value[p] > 0 ? r->value[p] : 1;
}

static enum err number_encode(const struct model *m, const struct model_point *p,
	const struct meter_reading *r, uint16_t *regs);

/* What the factor's register shows: the point that it tells, too, or what it plays. */
static uint16_t factor_register(
	const struct model *m, const struct model_factor *f, const struct meter_reading *r)
{
	for (size_t i = 0; i < m->point_count; i++) {
		const struct model_point *p = &m->points[i];
		uint16_t reg = 0;

		if (p->serial || p->factors || p->count != 1 || p->function != f->function ||
			p->address != f->address || p->wire == WIRE_CLOCK)
			continue;
		if (number_encode(m, p, r, &reg) == ERR_OK && reg != 0)
			return reg;
	}
	return f->plays;
}

/* num / den by which a value is multiplied on its way in, without the scale. */
static void factors_of(const struct model *m, const struct model_point *p,
	const struct meter_reading *r, __int128 *num, __int128 *den)
{
	*num = (__int128)(p->by_ct ? ratio_or_1(r, POINT_CT_RATIO) : 1) *
	       (p->by_pt ? ratio_or_1(r, POINT_PT_RATIO) : 1);
	*den = 1;
	for (size_t i = 0; i < m->factor_count; i++) {
		int64_t n = 1, d = 1;

		if (!((p->factors >> i) & 1) ||
			!factor_value(
				&m->factors[i], factor_register(m, &m->factors[i], r), &n, &d))
			continue;
		if (__builtin_mul_overflow(*num, n, num) || __builtin_mul_overflow(*den, d, den))
			*num = 0;
	}
}

static void float_encode(const struct model_point *p, double v, uint16_t *regs)
{
	float narrow = (float)v;
	uint32_t bits;
	uint64_t wide;

	memcpy(&bits, &narrow, sizeof(bits));
	memcpy(&wide, &v, sizeof(wide));
	raw_put(p, p->wire == WIRE_F64 ? wide : bits, regs);
}

static enum err number_encode(const struct model *m, const struct model_point *p,
	const struct meter_reading *r, uint16_t *regs)
{
	int64_t v = point_is_ratio(p) ? ratio_or_1(r, p->point) : r->value[p->point] - p->offset;
	__int128 num, den, above, below;

	if (!reading_has(r, p->point) && !point_is_ratio(p))
		return ERR_OK;
	factors_of(m, p, r, &num, &den);
	if (__builtin_mul_overflow(den, p->scale_den, &above) ||
		__builtin_mul_overflow(num, p->scale_num, &below) || below == 0)
		return ERR_OUT_OF_RANGE;
	if (wire_is_float(p->wire)) {
		float_encode(p, (double)v * (double)above / (double)below, regs);
		return ERR_OK;
	}
	if (__builtin_mul_overflow(above, v, &above))
		return ERR_OUT_OF_RANGE;
	above = divide_round(above, below);
	if (!number_fits(p, above))
		return ERR_OUT_OF_RANGE;
	raw_put(p, p->wire == WIRE_BCD ? bcd_digits((uint64_t)above) : (uint64_t)above, regs);
	return ERR_OK;
}

/* Digits from the right; what is missing on the left is 0. Anything else is 0, too. */
static void digits_encode(const struct model_point *p, const char *serial, uint8_t *bytes)
{
	size_t len = strlen(serial);

	for (size_t i = 0; i < len && i < p->digits; i++) {
		char c = serial[len - 1 - i];
		unsigned nibble = c >= '0' && c <= '9'	 ? (unsigned)(c - '0')
				  : c >= 'A' && c <= 'F' ? (unsigned)(c - 'A' + 10)
							 : 0;
		size_t at = p->digits - 1 - i;

		bytes[at / 2] |= (uint8_t)(nibble << (at % 2 ? 0 : 4));
	}
}

static void serial_encode(const struct model_point *p, const char *serial, uint16_t *regs)
{
	uint8_t bytes[POINT_BYTES_MAX] = { 0 };
	int64_t number = 0;

	if (wire_is_unsigned(p->wire)) {
		if (i64_parse(serial, 0, INT64_MAX, &number) == ERR_OK && number_fits(p, number))
			raw_put(p, (uint64_t)number, regs);
		return;
	}
	if (p->wire == WIRE_ASCII)
		memcpy(bytes, serial, strnlen(serial, 2U * p->count));
	else
		digits_encode(p, serial, bytes);
	raw_bytes_put(p, bytes, regs);
}

static void clock_encode(const struct model_point *p, int64_t clock, uint16_t *regs)
{
	uint8_t bytes[CLOCK_BYTES_MAX] = { 0 };

	if (!clock_put(&p->clock, clock, bytes))
		return;
	for (unsigned i = 0; i < 2U * p->count; i++)
		regs[i / 2] = (uint16_t)(regs[i / 2] | bytes[i] << (i % 2 ? 0 : 8));
}

static enum err point_encode(const struct model *m, const struct model_point *p,
	const struct meter_reading *r, uint16_t *regs)
{
	if (p->serial) {
		serial_encode(p, r->serial, regs);
		return ERR_OK;
	}
	if (!wire_is_clock(p->wire)) {
		enum err e = number_encode(m, p, r, regs);

		return reading_has(r, p->point) ? e : ERR_OK; /* a ratio of 1 need not fit */
	}
	if (reading_has(r, POINT_CLOCK))
		clock_encode(p, r->value[POINT_CLOCK], regs);
	return ERR_OK;
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

static void factors_encode(
	const struct model *m, const struct meter_reading *r, const struct image *im)
{
	for (size_t i = 0; i < m->factor_count; i++) {
		const struct model_factor *f = &m->factors[i];
		uint16_t reg = factor_register(m, f, r);

		if (f->function == im->function)
			image_put(im, f->address, f->mask, reg & f->mask);
	}
}

/* A count that the meter refuses. */
static bool count_is_bad(const struct model *m, uint8_t function, uint16_t count)
{
	return m->limits.even_counts && function > 2 && count % 2 != 0;
}

enum err model_encode(const struct model *m, const struct meter_reading *state, uint8_t function,
	uint16_t address, uint16_t count, uint16_t *regs)
{
	uint16_t answer[MODBUS_READ_MAX] = { 0 };
	struct image im = { function, address, count, answer };

	if (!answers(m, &im))
		return ERR_NOT_FOUND;
	if (count_is_bad(m, function, count))
		return ERR_BAD_VALUE;
	for (size_t i = 0; i < m->point_count; i++) {
		const struct model_point *p = &m->points[i];
		uint16_t own[MODBUS_READ_MAX] = { 0 };
		enum err e;

		if (p->function != function || p->address >= im.address + im.count ||
			p->address + p->count <= im.address)
			continue;
		e = point_encode(m, p, state, own);
		if (e != ERR_OK)
			return e;
		/* or-ed, because a clock may share its last register with something else */
		for (unsigned k = 0; k < p->count; k++)
			image_put(&im, p->address + k, own[k], own[k]);
	}
	factors_encode(m, state, &im);
	states_encode(m, state, &im);
	memcpy(regs, answer, count * sizeof(regs[0]));
	return ERR_OK;
}
