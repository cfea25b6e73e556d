#pragma once
/* The readings that one meter gave within one hour, packed without loss into a few bytes. Pure.
 *
 * Version 1 is a stream of bits, the low bit of a byte first; a varint has 7 bits a byte, the last
 * byte below 128; a signed number is made unsigned by zigzag (0 -1 1 -2 …):
 *   8 bits version, 1 · varint how many · varint ms of the first after the hour
 *   zigzag varint register of the first · zigzag varint power of the first
 *   verdicts as runs: 4 bits verdict, varint length - 1, until all are told
 *   varint usual ms between two · varint greatest common divisor of the register's steps (0: still)
 *   three columns of n - 1 numbers: ms between two less the usual, zigzag; step of the register by
 *   the divisor, zigzag; step of the power, zigzag
 *   zero bits up to a whole byte
 * A column is 6 bits k, 63: all are 0 and nothing follows; else each number u as a Rice code:
 * u >> k ones, a zero, k low bits of u; or 24 ones and 64 bits when there would be more ones. */
#include "base/clock.h"
#include "base/money.h"

#define HOUR_MS INT64_C(3600000)
#define HOUR_READINGS_MAX 65535
#define HOUR_VERDICTS_MAX 16

struct raw_reading {
	struct utc at;
	struct qty reg;
	int64_t power_w;
	uint8_t verdict; /* below HOUR_VERDICTS_MAX */
};

/* The start of the hour that an instant lies in; of UTC. */
struct utc hour_of(struct utc at);

/* Bytes that n readings take at the most. */
size_t hour_room(size_t n);
/* Packs 1 to HOUR_READINGS_MAX readings of that hour in strictly ascending time into out, which
 * holds hour_room(n). ERR_OUT_OF_RANGE when they are not that. */
MUST_USE enum err hour_pack(
	struct utc hour, const struct raw_reading *r, size_t n, uint8_t *out, size_t *len);
/* How many readings are in there, not yet checked. */
MUST_USE enum err hour_count(const uint8_t *bytes, size_t len, size_t *n);
/* The readings, at most max, as they were packed. ERR_BAD_VALUE for bytes that hour_pack() does not
 * make. */
MUST_USE enum err hour_unpack(struct utc hour, const uint8_t *bytes, size_t len,
	struct raw_reading *out, size_t max, size_t *n);

/* Puts readings of two lists, each ascending, in one; of two at one instant the first list's stays.
 * out holds na + nb. Returns how many there are. */
size_t hour_merge(const struct raw_reading *a, size_t na, const struct raw_reading *b, size_t nb,
	struct raw_reading *out);

/* Thins readings, in place: of those with keep[i] false only the first in every spacing_ms (counted
 * from 0 of UTC) stays. Returns how many are left. */
size_t hour_thin(struct raw_reading *r, const bool *keep, size_t n, int64_t spacing_ms);

/* Load within an hour; readings that are in doubt do not count. n 0: there was none. */
struct hour_power {
	size_t n;
	int64_t least_w, most_w;
};
struct hour_power hour_power(const struct raw_reading *r, size_t n, uint32_t good_verdicts);
