#include "base/money.h"

#include <inttypes.h>
#include <stdio.h>

enum err money_add(struct money a, struct money b, struct money *sum)
{
	int64_t r;

	if (__builtin_add_overflow(a.nano, b.nano, &r))
		return ERR_OVERFLOW;
	sum->nano = r;
	return ERR_OK;
}

enum err money_sub(struct money a, struct money b, struct money *difference)
{
	int64_t r;

	if (__builtin_sub_overflow(a.nano, b.nano, &r))
		return ERR_OVERFLOW;
	difference->nano = r;
	return ERR_OK;
}

enum err qty_add(struct qty a, struct qty b, struct qty *sum)
{
	int64_t r;

	if (__builtin_add_overflow(a.milli, b.milli, &r))
		return ERR_OVERFLOW;
	sum->milli = r;
	return ERR_OK;
}

enum err qty_sub(struct qty a, struct qty b, struct qty *difference)
{
	int64_t r;

	if (__builtin_sub_overflow(a.milli, b.milli, &r))
		return ERR_OVERFLOW;
	difference->milli = r;
	return ERR_OK;
}

enum err qty_charge(struct qty q, struct price p, struct money *charge)
{
	int64_t r;

	if (__builtin_mul_overflow(q.milli, p.micro, &r))
		return ERR_OVERFLOW;
	charge->nano = r;
	return ERR_OK;
}

enum err money_from_fen(int64_t fen, struct money *out)
{
	int64_t r;

	if (__builtin_mul_overflow(fen, NANO_PER_FEN, &r))
		return ERR_OVERFLOW;
	out->nano = r;
	return ERR_OK;
}

/* Reads [-]digits[.digits] as an integer of 10^-decimals. */
static enum err decimal_parse(const char *s, int decimals, bool may_be_negative, int64_t *out)
{
	bool negative = *s == '-';
	bool digits = false;
	int left = decimals;
	int64_t v = 0;

	if (negative && !may_be_negative)
		return ERR_BAD_VALUE;
	s += negative;
	for (; *s >= '0' && *s <= '9'; s++, digits = true)
		if (__builtin_mul_overflow(v, 10, &v) || __builtin_add_overflow(v, *s - '0', &v))
			return ERR_OUT_OF_RANGE;
	if (!digits)
		return ERR_BAD_VALUE;
	if (*s == '.') {
		s++;
		digits = false;
		for (; *s >= '0' && *s <= '9'; s++, left--, digits = true)
			if (left <= 0 || __builtin_mul_overflow(v, 10, &v) ||
				__builtin_add_overflow(v, *s - '0', &v))
				return left <= 0 ? ERR_BAD_VALUE : ERR_OUT_OF_RANGE;
		if (!digits)
			return ERR_BAD_VALUE;
	}
	if (*s)
		return ERR_BAD_VALUE;
	for (; left > 0; left--)
		if (__builtin_mul_overflow(v, 10, &v))
			return ERR_OUT_OF_RANGE;
	*out = negative ? -v : v;
	return ERR_OK;
}

enum err money_parse(const char *text, struct money *out)
{
	return decimal_parse(text, 9, true, &out->nano);
}

enum err qty_parse(const char *text, struct qty *out)
{
	return decimal_parse(text, 3, true, &out->milli);
}

enum err price_parse(const char *text, struct price *out)
{
	return decimal_parse(text, 6, false, &out->micro);
}

static uint64_t magnitude(int64_t v)
{
	return v < 0 ? -(uint64_t)v : (uint64_t)v;
}

const char *money_text(struct money m, char buf[static MONEY_TEXT_MAX])
{
	uint64_t v = magnitude(m.nano);

	snprintf(buf, MONEY_TEXT_MAX, "%s%" PRIu64 ".%09" PRIu64, m.nano < 0 ? "-" : "",
		v / (uint64_t)NANO_PER_YUAN, v % (uint64_t)NANO_PER_YUAN);
	return buf;
}

const char *price_text(struct price p, char buf[static MONEY_TEXT_MAX])
{
	uint64_t v = magnitude(p.micro);
	int n = snprintf(buf, MONEY_TEXT_MAX, "%s%" PRIu64 ".%06" PRIu64, p.micro < 0 ? "-" : "",
		v / 1000000, v % 1000000);

	while (n > 0 && buf[n - 1] == '0')
		buf[--n] = '\0';
	if (n > 0 && buf[n - 1] == '.')
		buf[--n] = '\0';
	return buf;
}

const char *money_text2(struct money m, char buf[static MONEY_TEXT_MAX])
{
	int64_t fen = m.nano / NANO_PER_FEN - (m.nano % NANO_PER_FEN < 0);
	uint64_t v = magnitude(fen);

	snprintf(buf, MONEY_TEXT_MAX, "%s%" PRIu64 ".%02" PRIu64, fen < 0 ? "-" : "", v / 100,
		v % 100);
	return buf;
}
