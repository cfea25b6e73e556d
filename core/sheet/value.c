#include "sheet/value.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"

#define DIGITS_MAX 15
#define POWER_MAX 30
#define DAY_S 86400
#define NANO INT64_C(1000000000)

/* 0.d1d2d3… × 10^power, without zeros in front. */
struct decimal {
	bool negative;
	char digits[DIGITS_MAX + 1]; /* one more, to round by */
	size_t n;
	int power;
};

static bool take_digit(struct decimal *d, char c, bool behind_point, bool *any)
{
	*any = true;
	if (c == '0' && d->n == 0) {
		d->power -= behind_point;
		return true;
	}
	d->power += !behind_point;
	if (d->n < sizeof(d->digits))
		d->digits[d->n++] = (char)(c - '0');
	return d->power < 400;
}

static bool take_exponent(struct decimal *d, const char *s)
{
	bool negative = *s == '-';
	int e = 0;

	s += *s == '-' || *s == '+';
	if (!*s || strlen(s) > 3 || strspn(s, "0123456789") != strlen(s))
		return false;
	for (; *s; s++)
		e = e * 10 + (*s - '0');
	d->power += negative ? -e : e;
	return true;
}

static bool decimal_read(const char *v, struct decimal *out)
{
	struct decimal d = { .negative = *v == '-' };
	bool point = false, any = false;

	v += *v == '-' || *v == '+';
	for (; *v && *v != 'e' && *v != 'E'; v++) {
		if (*v == '.' && !point)
			point = true;
		else if (*v < '0' || *v > '9' || !take_digit(&d, *v, point, &any))
			return false;
	}
	if (!any || (*v && !take_exponent(&d, v + 1)))
		return false;
	*out = d;
	return true;
}

static void round_off(struct decimal *d)
{
	size_t n = d->n;

	if (n > DIGITS_MAX) {
		bool up = d->digits[--n] >= 5;

		while (up && n > 0 && d->digits[n - 1] == 9)
			n--;
		if (up && n > 0) {
			d->digits[n - 1]++;
		} else if (up) { /* 999… to 1 */
			d->digits[n++] = 1;
			d->power++;
		}
	}
	while (n > 0 && d->digits[n - 1] == 0)
		n--;
	d->n = n;
}

bool decimal_text(const char *v, char out[static DECIMAL_MAX])
{
	struct decimal d;
	size_t used = 0;

	if (!decimal_read(v, &d))
		return false;
	round_off(&d);
	if (d.n == 0) {
		snprintf(out, DECIMAL_MAX, "0");
		return true;
	}
	if (d.power > POWER_MAX || d.power < -POWER_MAX)
		return false;
	if (d.negative)
		out[used++] = '-';
	if (d.power <= 0)
		out[used++] = '0';
	for (int i = 0; i < d.power; i++)
		out[used++] = (char)('0' + ((size_t)i < d.n ? d.digits[i] : 0));
	if (d.power < (int)d.n)
		out[used++] = '.';
	for (int i = d.power; i < 0; i++)
		out[used++] = '0';
	for (int i = d.power > 0 ? d.power : 0; i < (int)d.n; i++)
		out[used++] = (char)('0' + d.digits[i]);
	out[used] = '\0';
	return true;
}

/* Days and seconds of a serial number; rounded to the second. */
static bool serial_read(const char *v, int64_t *days, int64_t *second)
{
	char plain[DECIMAL_MAX];
	int64_t fraction = 0, unit = NANO;
	const char *s = plain;

	if (!decimal_text(v, plain) || plain[0] == '-')
		return false;
	for (*days = 0; *s && *s != '.'; s++) {
		if (*days > 10000000)
			return false;
		*days = *days * 10 + (*s - '0');
	}
	for (s += *s == '.'; *s && unit > 1; s++) {
		unit /= 10;
		fraction += unit * (*s - '0');
	}
	*second = (fraction * DAY_S + NANO / 2) / NANO;
	if (*second == DAY_S) {
		++*days;
		*second = 0;
	}
	return true;
}

bool serial_text(const char *v, bool from_1904, char out[static DECIMAL_MAX])
{
	int64_t days, second, day0 = from_1904 ? civil_days(1904, 1, 1) : civil_days(1899, 12, 30);
	int year, month, day;
	char time[16] = "";

	if (!serial_read(v, &days, &second))
		return false;
	snprintf(time, sizeof(time), "%02d:%02d:%02d", (int)(second / 3600 % 24),
		(int)(second / 60 % 60), (int)(second % 60));
	if (days == 0 && !from_1904) {
		snprintf(out, DECIMAL_MAX, "%s", time);
		return true;
	}
	/* The spreadsheets count a 29th of February 1900, which there was not. */
	if (!from_1904 && days < 60)
		day0++;
	civil_date(day0 + days, &year, &month, &day);
	if (year > 9999)
		return false;
	snprintf(out, DECIMAL_MAX, "%04d-%02d-%02d%s%s", year % 10000, month, day,
		second ? " " : "", second ? time : "");
	return true;
}

/* Numbers that need no code: ECMA-376 part 1, 18.8.30; 27 to 36 and 50 to 58 are dates in Chinese,
 * Japanese and Korean. */
bool format_is_date(int64_t id)
{
	return (id >= 14 && id <= 22) || (id >= 27 && id <= 36) || (id >= 45 && id <= 47) ||
	       (id >= 50 && id <= 58);
}

bool format_code_is_date(const char *code)
{
	for (const char *s = code; *s && *s != ';'; s++) {
		if (*s == '"') {
			s = strchr(s + 1, '"');
		} else if (*s == '[') { /* a colour, a condition or a language */
			s = strchr(s, ']');
		} else if (*s == '\\' || *s == '_' || *s == '*') {
			s = s[1] ? s + 1 : NULL;
		} else if (strchr("yYmMdDhHsS", *s)) {
			/* "General", "Standard" and the like are words, not letters of a date. */
			return strncmp(code, "General", 7) != 0;
		}
		if (!s)
			return false;
	}
	return false;
}
