#pragma once
/* What DL/T 645 and CJ/T 188 have in common: decimal digits two a byte with the low pair first,
 * sums, and frames amid noise. Pure. */
#include <stddef.h>

#include "base/err.h"

/* Sum of the bytes, modulo 256. */
uint8_t byte_sum(const uint8_t *bytes, size_t n);

/* n bytes (at most 9), low pair first, to a number. With a sign its place is the top bit of the
 * last byte. ERR_PROTOCOL: a digit is not decimal. */
MUST_USE enum err bcd_get(const uint8_t *bytes, size_t n, bool with_sign, int64_t *out);
/* ERR_OUT_OF_RANGE: it does not fit. */
MUST_USE enum err bcd_put(int64_t value, size_t n, bool with_sign, uint8_t *bytes);

/* As people write it: high pair first. out holds 2n + 1. Digits beyond 9 are told as A to F. */
void bcd_text(const uint8_t *bytes, size_t n, char *out);
/* And back: exactly 2n decimal digits. */
MUST_USE enum err bcd_parse(const char *text, size_t n, uint8_t *bytes);

/* The first whole frame among n bytes: its length and where it begins, 0 when there is none yet.
 * frame_at: length of a frame that begins here by its form, or 0. One whose sum is right goes
 * before one whose sum is not: noise can look like the beginning of a frame. */
size_t frame_find(const uint8_t *bytes, size_t n, size_t *at,
	size_t (*frame_at)(const uint8_t *, size_t), bool (*is_right)(const uint8_t *, size_t));
