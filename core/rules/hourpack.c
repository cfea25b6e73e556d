#include "rules/hourpack.h"

#include <string.h>

#define VERSION 1
#define K_STILL 63
#define K_MOST 40
#define ONES_MOST 24

struct utc hour_of(struct utc at)
{
	int64_t into = at.ms % HOUR_MS;

	return (struct utc){ at.ms - (into < 0 ? into + HOUR_MS : into) };
}

size_t hour_room(size_t n)
{
	return 64 + 38 * n;
}

static uint64_t zigzag(uint64_t v)
{
	return v << 1 ^ (v >> 63 ? UINT64_MAX : 0);
}

static uint64_t unzigzag(uint64_t v)
{
	return v >> 1 ^ (v & 1 ? UINT64_MAX : 0);
}

/* ---- bits ---- */

struct bits {
	uint8_t *out;
	const uint8_t *in;
	size_t at, end; /* bits */
	bool short_of;	/* read beyond the end */
};

static void put(struct bits *b, uint64_t v, unsigned n)
{
	while (n > 0) {
		unsigned free = 8 - b->at % 8, take = n < free ? n : free;
		uint8_t low = (uint8_t)(v & ((1U << take) - 1));

		if (free == 8)
			b->out[b->at / 8] = 0;
		b->out[b->at / 8] = (uint8_t)(b->out[b->at / 8] | low << (8 - free));
		b->at += take;
		v >>= take;
		n -= take;
	}
}

static uint64_t get(struct bits *b, unsigned n)
{
	uint64_t v = 0;

	if (b->end - b->at < n) {
		b->short_of = true;
		b->at = b->end;
		return 0;
	}
	for (unsigned done = 0; done < n;) {
		unsigned free = 8 - b->at % 8, take = n - done < free ? n - done : free;
		uint64_t low = (uint64_t)b->in[b->at / 8] >> (8 - free) & ((1U << take) - 1);

		v |= low << done;
		b->at += take;
		done += take;
	}
	return v;
}

static void put_varint(struct bits *b, uint64_t v)
{
	for (; v >= 128; v >>= 7)
		put(b, (v & 127) | 128, 8);
	put(b, v, 8);
}

static uint64_t get_varint(struct bits *b)
{
	uint64_t v = 0;

	for (unsigned shift = 0; shift < 64; shift += 7) {
		uint64_t byte = get(b, 8);

		v |= (byte & 127) << shift;
		if (byte < 128) {
			if (shift == 63 && byte > 1)
				break;
			return v;
		}
	}
	b->short_of = true;
	return 0;
}

/* ---- columns ---- */

/* What the columns are told against. */
struct layout {
	const struct raw_reading *r;
	size_t n;
	uint64_t usual;	  /* ms between two */
	uint64_t divisor; /* of the register's steps; 0: it stands still */
};
enum column { COLUMN_TIME, COLUMN_REGISTER, COLUMN_POWER, COLUMN__MAX };

/* Differences wrap, so that any two 64-bit values have one and it leads back. */
static uint64_t reg_step(const struct raw_reading *r, size_t i)
{
	return (uint64_t)r[i].reg.milli - (uint64_t)r[i - 1].reg.milli;
}

static uint64_t by_divisor(uint64_t step, uint64_t divisor)
{
	bool down = step >> 63;
	uint64_t times = divisor ? (down ? 0 - step : step) / divisor : 0;

	return down ? 0 - times : times;
}

static uint64_t number(const struct layout *l, enum column c, size_t i)
{
	const struct raw_reading *r = l->r;

	switch (c) {
	case COLUMN_TIME:
		return zigzag((uint64_t)(r[i].at.ms - r[i - 1].at.ms) - l->usual);
	case COLUMN_REGISTER:
		return zigzag(by_divisor(reg_step(r, i), l->divisor));
	case COLUMN_POWER:
	case COLUMN__MAX:
		break;
	}
	return zigzag((uint64_t)r[i].power_w - (uint64_t)r[i - 1].power_w);
}

/* Bits of a column with each k, and the k with the fewest. */
static uint64_t column_cost(const struct layout *l, enum column c, unsigned *best)
{
	uint64_t bits[K_MOST + 1] = { 0 };
	uint64_t any = 0;

	for (size_t i = 1; i < l->n; i++) {
		uint64_t u = number(l, c, i);

		any |= u;
		for (unsigned k = 0; k <= K_MOST; k++)
			bits[k] += u >> k < ONES_MOST ? (u >> k) + 1 + k : ONES_MOST + 64;
	}
	*best = 0;
	for (unsigned k = 1; k <= K_MOST; k++)
		if (bits[k] < bits[*best])
			*best = k;
	if (!any) {
		*best = K_STILL;
		return 0;
	}
	return bits[*best];
}

static void column_put(struct bits *b, const struct layout *l, enum column c)
{
	unsigned k;

	(void)column_cost(l, c, &k);
	put(b, k, 6);
	for (size_t i = 1; k != K_STILL && i < l->n; i++) {
		uint64_t u = number(l, c, i);

		if (u >> k < ONES_MOST) {
			put(b, (UINT64_C(1) << (u >> k)) - 1, (unsigned)(u >> k) + 1);
			put(b, u & ((UINT64_C(1) << k) - 1), k);
		} else {
			put(b, (UINT64_C(1) << ONES_MOST) - 1, ONES_MOST);
			put(b, u, 64);
		}
	}
}

static uint64_t rice_get(struct bits *b, unsigned k)
{
	unsigned ones = 0;

	while (ones < ONES_MOST && get(b, 1))
		ones++;
	return ones == ONES_MOST ? get(b, 64) : (uint64_t)ones << k | get(b, k);
}

/* Takes the numbers of a column into the readings, which have the first one already. */
static void column_get(struct bits *b, const struct layout *l, enum column c, struct raw_reading *r)
{
	unsigned k = (unsigned)get(b, 6);

	if (k != K_STILL && k > K_MOST)
		b->short_of = true;
	for (size_t i = 1; i < l->n && !b->short_of; i++) {
		uint64_t v = k == K_STILL ? 0 : unzigzag(rice_get(b, k));

		switch (c) {
		case COLUMN_TIME:
			v += l->usual;
			if (v == 0 || v >= (uint64_t)HOUR_MS)
				b->short_of = true;
			else
				r[i].at.ms = r[i - 1].at.ms + (int64_t)v;
			break;
		case COLUMN_REGISTER:
			r[i].reg.milli = (int64_t)((uint64_t)r[i - 1].reg.milli + v * l->divisor);
			break;
		case COLUMN_POWER:
		case COLUMN__MAX:
			r[i].power_w = (int64_t)((uint64_t)r[i - 1].power_w + v);
			break;
		}
	}
}

/* ---- packing ---- */

static bool in_order(struct utc hour, const struct raw_reading *r, size_t n)
{
	if (n < 1 || n > HOUR_READINGS_MAX || hour.ms != hour_of(hour).ms || r[0].at.ms < hour.ms ||
		r[n - 1].at.ms >= hour.ms + HOUR_MS)
		return false;
	for (size_t i = 0; i < n; i++)
		if (r[i].verdict >= HOUR_VERDICTS_MAX || (i > 0 && r[i].at.ms <= r[i - 1].at.ms))
			return false;
	return true;
}

static uint64_t common_divisor(const struct raw_reading *r, size_t n)
{
	uint64_t divisor = 0;

	for (size_t i = 1; i < n; i++) {
		uint64_t a = reg_step(r, i), b = divisor;

		a = a >> 63 ? 0 - a : a;
		while (b) {
			uint64_t rest = a % b;

			a = b;
			b = rest;
		}
		divisor = a;
	}
	return divisor;
}

/* A gap must not spoil the rest: the mean and a few single ones are tried. */
static uint64_t usual_ms(const struct layout *of)
{
	const struct raw_reading *r = of->r;
	size_t n = of->n, at[] = { 1, n / 4, n / 2, n / 4 * 3, n - 1 };
	struct layout l = *of;
	uint64_t least = UINT64_MAX, best = 0;

	if (n < 2)
		return 0;
	for (size_t i = 0; i <= ARRAY_LEN(at); i++) {
		unsigned k;
		uint64_t bits;

		if (i == ARRAY_LEN(at))
			l.usual = (uint64_t)(r[n - 1].at.ms - r[0].at.ms) / (n - 1);
		else if (at[i] > 0)
			l.usual = (uint64_t)(r[at[i]].at.ms - r[at[i] - 1].at.ms);
		bits = column_cost(&l, COLUMN_TIME, &k);
		if (bits < least) {
			least = bits;
			best = l.usual;
		}
	}
	return best;
}

enum err hour_pack(
	struct utc hour, const struct raw_reading *r, size_t n, uint8_t *out, size_t *len)
{
	struct bits b = { .out = out };
	struct layout l = { .r = r, .n = n };
	size_t run;

	if (!in_order(hour, r, n))
		return ERR_OUT_OF_RANGE;
	put(&b, VERSION, 8);
	put_varint(&b, n);
	put_varint(&b, (uint64_t)(r[0].at.ms - hour.ms));
	put_varint(&b, zigzag((uint64_t)r[0].reg.milli));
	put_varint(&b, zigzag((uint64_t)r[0].power_w));
	for (size_t i = 0; i < n; i += run) {
		run = 1;
		while (i + run < n && r[i + run].verdict == r[i].verdict)
			run++;
		put(&b, r[i].verdict, 4);
		put_varint(&b, run - 1);
	}
	l.usual = usual_ms(&l);
	l.divisor = common_divisor(r, n);
	put_varint(&b, l.usual);
	put_varint(&b, l.divisor);
	for (unsigned c = 0; c < COLUMN__MAX; c++)
		column_put(&b, &l, (enum column)c);
	*len = (b.at + 7) / 8;
	return ERR_OK;
}

enum err hour_count(const uint8_t *bytes, size_t len, size_t *n)
{
	struct bits b = { .in = bytes, .end = len * 8 };
	uint64_t version = get(&b, 8), count = get_varint(&b);

	if (b.short_of || version != VERSION || count < 1 || count > HOUR_READINGS_MAX)
		return ERR_BAD_VALUE;
	*n = (size_t)count;
	return ERR_OK;
}

static void verdicts_get(struct bits *b, struct raw_reading *r, size_t n)
{
	for (size_t i = 0; i < n && !b->short_of;) {
		uint8_t verdict = (uint8_t)get(b, 4);
		uint64_t run = get_varint(b);

		if (run >= n - i) {
			b->short_of = true;
			return;
		}
		for (run++; run > 0; run--)
			r[i++].verdict = verdict;
	}
}

enum err hour_unpack(struct utc hour, const uint8_t *bytes, size_t len, struct raw_reading *out,
	size_t max, size_t *n)
{
	struct bits b = { .in = bytes, .end = len * 8 };
	struct layout l = { 0 };
	uint64_t first;

	if (hour_count(bytes, len, &l.n) != ERR_OK || l.n > max)
		return ERR_BAD_VALUE;
	(void)get(&b, 8);
	(void)get_varint(&b);
	first = get_varint(&b);
	if (first >= (uint64_t)HOUR_MS)
		return ERR_BAD_VALUE;
	memset(out, 0, l.n * sizeof(*out));
	out[0].at.ms = hour.ms + (int64_t)first;
	out[0].reg.milli = (int64_t)unzigzag(get_varint(&b));
	out[0].power_w = (int64_t)unzigzag(get_varint(&b));
	verdicts_get(&b, out, l.n);
	l.usual = get_varint(&b);
	l.divisor = get_varint(&b);
	for (unsigned c = 0; c < COLUMN__MAX && !b.short_of; c++)
		column_get(&b, &l, (enum column)c, out);
	if (b.short_of || b.end - b.at >= 8 || get(&b, (unsigned)(b.end - b.at)) != 0 ||
		out[l.n - 1].at.ms >= hour.ms + HOUR_MS)
		return ERR_BAD_VALUE;
	*n = l.n;
	return ERR_OK;
}

/* ---- lists ---- */

size_t hour_merge(const struct raw_reading *a, size_t na, const struct raw_reading *b, size_t nb,
	struct raw_reading *out)
{
	size_t i = 0, j = 0, n = 0;

	while (i < na || j < nb) {
		if (j == nb || (i < na && a[i].at.ms <= b[j].at.ms)) {
			if (j < nb && a[i].at.ms == b[j].at.ms)
				j++;
			out[n++] = a[i++];
		} else {
			out[n++] = b[j++];
		}
	}
	return n;
}

size_t hour_thin(struct raw_reading *r, const bool *keep, size_t n, int64_t spacing_ms)
{
	int64_t last = -1;
	size_t left = 0;

	for (size_t i = 0; i < n; i++) {
		if (!keep[i]) {
			if (r[i].at.ms / spacing_ms == last)
				continue;
			last = r[i].at.ms / spacing_ms;
		}
		r[left++] = r[i];
	}
	return left;
}

struct hour_power hour_power(const struct raw_reading *r, size_t n, uint32_t good_verdicts)
{
	struct hour_power p = { 0 };

	for (size_t i = 0; i < n; i++) {
		if (!(good_verdicts >> r[i].verdict & 1))
			continue;
		if (p.n == 0 || r[i].power_w < p.least_w)
			p.least_w = r[i].power_w;
		if (p.n == 0 || r[i].power_w > p.most_w)
			p.most_w = r[i].power_w;
		p.n++;
	}
	return p;
}
