#pragma once
/* The raw numbers of a point, between its registers and its value; not for users of models. */
#include "meter/model.h"

/* The bytes of a value of the point, most significant first whatever their order on the wire. */
void raw_bytes_get(const struct model_point *p, const uint16_t *regs, uint8_t *bytes);
/* The other way round, or-ed into the registers. */
void raw_bytes_put(const struct model_point *p, const uint8_t *bytes, uint16_t *regs);
/* One to four registers as one number, its mask applied; and back. */
uint64_t raw_get(const struct model_point *p, const uint16_t *regs);
void raw_put(const struct model_point *p, uint64_t raw, uint16_t *regs);
/* Bits of the number: of the registers, or of the mask. */
unsigned raw_bits(const struct model_point *p);

bool wire_is_signed(enum wire w);
bool wire_is_float(enum wire w);

/* Decimal digits, four bits each, as a number; false: others are among them. And back. */
bool bcd_number(uint64_t raw, uint64_t *out);
uint64_t bcd_digits(uint64_t v);

/* n / d to the nearest, halves away from zero; d > 0. */
__int128 divide_round(__int128 n, __int128 d);

/* One of the meter's own ratio registers, which other points may need. */
bool point_is_ratio(const struct model_point *p);
