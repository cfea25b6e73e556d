#include "meter/model_raw.h"

#include "meter/model_build.h"

void raw_bytes_get(const struct model_point *p, const uint16_t *regs, uint8_t *bytes)
{
	for (unsigned i = 0; i < 2U * p->count; i++)
		bytes[p->place[i]] = (uint8_t)(regs[i / 2] >> (i % 2 ? 0 : 8));
}

void raw_bytes_put(const struct model_point *p, const uint8_t *bytes, uint16_t *regs)
{
	for (unsigned i = 0; i < 2U * p->count; i++)
		regs[i / 2] = (uint16_t)(regs[i / 2] | bytes[p->place[i]] << (i % 2 ? 0 : 8));
}

uint64_t raw_get(const struct model_point *p, const uint16_t *regs)
{
	uint8_t bytes[POINT_BYTES_MAX];
	uint64_t raw = 0;

	ASSERT(p->count <= 4);
	raw_bytes_get(p, regs, bytes);
	for (unsigned i = 0; i < 2U * p->count; i++)
		raw = raw << 8 | bytes[i];
	if (p->mask)
		raw = (raw & p->mask) >> __builtin_ctzll(p->mask);
	return raw;
}

void raw_put(const struct model_point *p, uint64_t raw, uint16_t *regs)
{
	uint8_t bytes[POINT_BYTES_MAX];

	if (p->mask)
		raw <<= __builtin_ctzll(p->mask);
	for (unsigned i = 2U * p->count; i-- > 0; raw >>= 8)
		bytes[i] = (uint8_t)raw;
	raw_bytes_put(p, bytes, regs);
}

bool wire_is_signed(enum wire w)
{
	return w == WIRE_S16 || w == WIRE_S32 || w == WIRE_S48 || w == WIRE_S64;
}

bool wire_is_float(enum wire w)
{
	return w == WIRE_F32 || w == WIRE_F64;
}

unsigned raw_bits(const struct model_point *p)
{
	return p->mask ? (unsigned)__builtin_popcountll(p->mask) : 16U * p->count;
}

bool bcd_number(uint64_t raw, uint64_t *out)
{
	uint64_t v = 0;

	for (int shift = 60; shift >= 0; shift -= 4) {
		uint64_t digit = raw >> shift & 15;

		if (digit > 9)
			return false;
		v = v * 10 + digit;
	}
	*out = v;
	return true;
}

uint64_t bcd_digits(uint64_t v)
{
	uint64_t raw = 0;

	for (int shift = 0; shift < 64; shift += 4, v /= 10)
		raw |= v % 10 << shift;
	return raw;
}

__int128 divide_round(__int128 n, __int128 d)
{
	return (n < 0 ? n - d / 2 : n + d / 2) / d;
}

bool point_is_ratio(const struct model_point *p)
{
	return !p->serial && (p->point == POINT_CT_RATIO || p->point == POINT_PT_RATIO);
}
