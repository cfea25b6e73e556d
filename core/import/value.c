#include "import/value.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "base/zone.h"

#define NUMBER_MAX 40

enum err refuse(struct refusal *r, enum err e, const char *zh, const char *en)
{
	r->e = e;
	snprintf(r->zh, sizeof(r->zh), "%s", zh);
	snprintf(r->en, sizeof(r->en), "%s", en);
	return e;
}

/* ---- cleaning ---- */

/* One character of UTF-8 that stands for an ordinary one: U+FF01..FF5E, the wide blank, the blank
 * that does not break. 0: it stands for itself. n is its length. */
static char ordinary(const char *s, size_t *n)
{
	const unsigned char *u = (const unsigned char *)s;

	*n = 1;
	if (u[0] == 0xC2 && u[1] == 0xA0) {
		*n = 2;
		return ' ';
	}
	if ((u[0] != 0xE3 && u[0] != 0xEF) || !u[1] || !u[2])
		return 0;
	*n = 3;
	if (u[0] == 0xE3 && u[1] == 0x80 && u[2] == 0x80)
		return ' ';
	if (u[0] == 0xEF && u[1] == 0xBC && u[2] >= 0x81)
		return (char)(u[2] - 0x81 + '!');
	if (u[0] == 0xEF && u[1] == 0xBD && u[2] <= 0x9E)
		return (char)(u[2] - 0x80 + '`');
	*n = 1;
	return 0;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Takes the blanks off both ends of what was appended from start on. */
static void trim(struct buf *b, size_t start)
{
	size_t lead = 0;

	while (b->len > start && is_blank(b->text[b->len - 1]))
		b->len--;
	while (start + lead < b->len && is_blank(b->text[start + lead]))
		lead++;
	memmove(b->text + start, b->text + start + lead, b->len - start - lead);
	b->len -= lead;
	b->text[b->len] = '\0';
}

void value_clean(const char *text, struct buf *out)
{
	size_t start = out->len, n;

	buf_adds(out, "");
	for (const char *s = text; *s; s += n) {
		char c = ordinary(s, &n);

		buf_add(out, c ? &c : s, c ? 1 : n);
	}
	trim(out, start);
}

/* ---- texts ---- */

static size_t characters(const char *s)
{
	size_t n = 0;

	for (; *s; s++)
		n += ((unsigned char)*s & 0xC0) != 0x80;
	return n;
}

static enum err check_text(const struct column *c, const char *text, struct refusal *why)
{
	char zh[100], en[100];

	for (const char *s = text; *s; s++)
		if ((unsigned char)*s < ' ' || *s == 0x7F)
			return refuse(why, ERR_BAD_VALUE, "含有控制字符或换行",
				"it holds a control character or a line break");
	if (c->max == 0 || characters(text) <= (size_t)c->max)
		return ERR_OK;
	snprintf(zh, sizeof(zh), "最多%lld个字符", (long long)c->max);
	snprintf(en, sizeof(en), "at most %lld characters", (long long)c->max);
	return refuse(why, ERR_OUT_OF_RANGE, zh, en);
}

static enum err take_choice(
	const struct column *c, const char *text, struct buf *out, struct refusal *why)
{
	char zh[160] = "应为：", en[160] = "one of: ";

	for (const struct choice *k = c->choices; k->word; k++) {
		if (strcasecmp(text, k->word) == 0 || (k->zh && strcasecmp(text, k->zh) == 0)) {
			buf_adds(out, k->word);
			return ERR_OK;
		}
		snprintf(zh + strlen(zh), sizeof(zh) - strlen(zh), "%s%s",
			k == c->choices ? "" : "、", k->zh ? k->zh : k->word);
		snprintf(en + strlen(en), sizeof(en) - strlen(en), "%s%s",
			k == c->choices ? "" : ", ", k->word);
	}
	return refuse(why, ERR_BAD_VALUE, zh, en);
}

static enum err take_zone(const char *text, struct buf *out, struct refusal *why)
{
	AUTO(zone_free) struct zone *z = NULL;

	if (zone_open(text, &z) != ERR_OK)
		return refuse(why, ERR_BAD_VALUE, "没有这个时区，例如 Asia/Shanghai",
			"there is no such time zone; Asia/Shanghai is one");
	buf_adds(out, text);
	return ERR_OK;
}

/* ---- numbers ---- */

/* "1,234.50" to "1234.50"; separators must stand before three digits each. */
static bool without_separators(const char *text, char out[static NUMBER_MAX])
{
	size_t n = 0, group = 0;
	bool grouped = false, point = false;

	for (const char *s = text; *s; s++) {
		if (*s == ',') {
			if (point || group == 0 || group > 3 || (grouped && group != 3))
				return false;
			grouped = true;
			group = 0;
			continue;
		}
		if (*s == '.') {
			if (grouped && group != 3)
				return false;
			point = true;
		} else if (*s >= '0' && *s <= '9') {
			group += !point;
		} else if (s != text || (*s != '-' && *s != '+')) {
			return false;
		}
		if (n + 1 >= NUMBER_MAX)
			return false;
		if (*s != '+')
			out[n++] = *s;
	}
	out[n] = '\0';
	return !grouped || point || group == 3;
}

/* Plain decimal text to units of the last place. ERR_OUT_OF_RANGE: more places than that. */
static enum err to_units(const char *text, int places, int64_t *out)
{
	bool negative = *text == '-', point = false, any = false;
	__int128 v = 0;
	int seen = 0;

	for (const char *s = text + negative; *s; s++) {
		if (*s == '.' && !point) {
			point = true;
			continue;
		}
		if (*s < '0' || *s > '9')
			return ERR_BAD_VALUE;
		any = true;
		if (point && seen == places && *s != '0')
			return ERR_OUT_OF_RANGE;
		if (point && seen++ >= places)
			continue;
		v = v * 10 + (*s - '0');
		if (v > INT64_MAX)
			return ERR_OVERFLOW;
	}
	for (; seen < places; seen++) {
		v *= 10;
		if (v > INT64_MAX)
			return ERR_OVERFLOW;
	}
	*out = (int64_t)(negative ? -v : v);
	return any ? ERR_OK : ERR_BAD_VALUE;
}

/* Units back to text, without needless zeros. */
static void units_text(int64_t v, int places, char out[static NUMBER_MAX])
{
	uint64_t u = v < 0 ? 0 - (uint64_t)v : (uint64_t)v, scale = 1;
	size_t n;

	for (int i = 0; i < places; i++)
		scale *= 10;
	snprintf(out, NUMBER_MAX, "%s%llu.%0*llu", v < 0 ? "-" : "",
		(unsigned long long)(u / scale), places, (unsigned long long)(u % scale));
	n = strlen(out);
	while (places > 0 && out[n - 1] == '0')
		out[--n] = '\0';
	if (out[n - 1] == '.' || places == 0)
		*strchr(out, '.') = '\0';
}

static enum err refuse_range(const struct column *c, struct refusal *why)
{
	char lo[NUMBER_MAX], hi[NUMBER_MAX], zh[120], en[120];

	units_text(c->min, c->places, lo);
	units_text(c->max, c->places, hi);
	snprintf(zh, sizeof(zh), "应在%s至%s之间", lo, hi);
	snprintf(en, sizeof(en), "it must be %s to %s", lo, hi);
	return refuse(why, ERR_OUT_OF_RANGE, zh, en);
}

static enum err take_number(
	const struct column *c, const char *text, struct buf *out, struct refusal *why)
{
	char plain[NUMBER_MAX], zh[80], en[80];
	int64_t v = 0;
	enum err e;

	if (!without_separators(text, plain))
		return refuse(why, ERR_BAD_VALUE, "不是数字", "it is no number");
	e = to_units(plain, c->places, &v);
	if (e == ERR_BAD_VALUE)
		return refuse(why, ERR_BAD_VALUE, "不是数字", "it is no number");
	if (e == ERR_OUT_OF_RANGE) {
		snprintf(zh, sizeof(zh), c->places ? "最多%d位小数" : "应为整数", c->places);
		snprintf(en, sizeof(en), c->places ? "at most %d decimals" : "a whole number",
			c->places);
		return refuse(why, ERR_BAD_VALUE, zh, en);
	}
	if (e != ERR_OK || v < c->min || v > c->max)
		return refuse_range(c, why);
	units_text(v, c->places, plain);
	buf_adds(out, plain);
	return ERR_OK;
}

/* ---- dates ---- */

/* Digits up to the next separator; *s moves behind it. -1: none. */
static int number_part(const char **s, size_t most)
{
	int v = 0;
	size_t n = 0;

	while (**s >= '0' && **s <= '9' && n < most) {
		v = v * 10 + (**s - '0');
		n++;
		(*s)++;
	}
	return n ? v : -1;
}

static bool skip_word(const char **s, const char *word)
{
	size_t n = strlen(word);

	if (strncmp(*s, word, n) != 0)
		return false;
	*s += n;
	return true;
}

static bool skip_mark(const char **s, const char *zh)
{
	if (skip_word(s, zh))
		return true;
	if (**s != '-' && **s != '/' && **s != '.')
		return false;
	(*s)++;
	return true;
}

/* 2026-3-1, 2026/3/1, 2026.3.1, 2026年3月1日, 20260301; a time of midnight may follow. */
static bool read_date(const char *s, int *year, int *month, int *day)
{
	bool packed = strlen(s) == 8 && strspn(s, "0123456789") == 8;

	*year = number_part(&s, 4);
	if (!packed && !skip_mark(&s, "年"))
		return false;
	*month = number_part(&s, 2);
	if (!packed && !skip_mark(&s, "月"))
		return false;
	*day = number_part(&s, 2);
	if (!packed)
		(void)skip_word(&s, "日");
	if (skip_word(&s, " 00:00"))
		(void)skip_word(&s, ":00");
	return *s == '\0';
}

static enum err take_date(const char *text, struct buf *out, struct refusal *why)
{
	int y, m, d, y2, m2, d2;

	if (!read_date(text, &y, &m, &d))
		return refuse(why, ERR_BAD_VALUE, "不是日期，例如 2026-03-01",
			"it is no date; 2026-03-01 is one");
	if (y < 1970 || y > 9999 || m < 1 || m > 12 || d < 1 || d > 31)
		return refuse(why, ERR_OUT_OF_RANGE, "没有这一天", "there is no such day");
	civil_date(civil_days(y, m, d), &y2, &m2, &d2);
	if (y != y2 || m != m2 || d != d2)
		return refuse(why, ERR_OUT_OF_RANGE, "没有这一天", "there is no such day");
	buf_printf(out, "%04d-%02d-%02d", y, m, d);
	return ERR_OK;
}

/* ---- phones, and several of something ---- */

/* A mainland mobile number, as the message services take them. */
static enum err take_phone(const char *text, struct buf *out, struct refusal *why)
{
	char digits[16];
	size_t n = 0;
	const char *s = text;

	if (!skip_word(&s, "+86") && strlen(s) > 11)
		(void)skip_word(&s, "0086");
	for (; *s; s++) {
		if (*s == ' ' || *s == '-')
			continue;
		if (*s < '0' || *s > '9' || n == 11)
			n = 12;
		else
			digits[n++] = *s;
		if (n == 12)
			break;
	}
	if (n != 11 || digits[0] != '1' || digits[1] < '3')
		return refuse(why, ERR_BAD_VALUE, "不是手机号码", "it is no mobile number");
	buf_add(out, digits, n);
	return ERR_OK;
}

static enum err take_one(
	const struct column *c, const char *text, struct buf *out, struct refusal *why)
{
	enum err e = ERR_OK;

	switch (c->kind) {
	case COL_CHOICE:
		return take_choice(c, text, out, why);
	case COL_WHOLE:
	case COL_DECIMAL:
		return take_number(c, text, out, why);
	case COL_DATE:
		return take_date(text, out, why);
	case COL_PHONE:
	case COL_PHONES:
		return take_phone(text, out, why);
	case COL_ZONE:
		return take_zone(text, out, why);
	case COL_CODE:
	case COL_CODES:
	case COL_TEXT:
		break;
	}
	e = check_text(c, text, why);
	if (e == ERR_OK)
		buf_adds(out, text);
	return e;
}

/* Is a separator of a list here? n is its length. */
static bool is_separator(const char *s, size_t *n)
{
	*n = strncmp(s, "、", 3) == 0 ? 3 : 1;
	return *n == 3 || *s == ';' || *s == ',' || *s == '\n';
}

static enum err take_list(
	const struct column *c, const char *text, struct buf *out, struct refusal *why)
{
	size_t start = out->len, n = 0;
	enum err e = ERR_OK;

	while (e == ERR_OK && *text) {
		AUTO(buf_free) struct buf one = { 0 };

		buf_adds(&one, "");
		for (n = 0; *text && !is_separator(text, &n); text++)
			buf_add(&one, text, 1);
		if (*text)
			text += n;
		trim(&one, 0);
		if (one.len == 0)
			continue;
		if (out->len > start)
			buf_adds(out, ";");
		e = take_one(c, one.text, out, why);
	}
	return e == ERR_OK ? check_text(c, out->text + start, why) : e;
}

/* Names keep their full-width signs; everything else is typed in either width. */
static void prepare(const struct column *c, const char *text, struct buf *out)
{
	if (c->kind == COL_TEXT) {
		buf_adds(out, text);
		trim(out, 0);
	} else {
		value_clean(text, out);
	}
}

enum err value_take(const struct column *c, const char *text, struct buf *out, struct refusal *why)
{
	AUTO(buf_free) struct buf clean = { 0 };
	size_t start = out->len;
	enum err e;

	buf_adds(out, "");
	prepare(c, text, &clean);
	if (clean.len == 0)
		return c->required ? refuse(why, ERR_MISSING_FIELD, "必填", "it is required")
				   : ERR_OK;
	e = c->kind == COL_CODES || c->kind == COL_PHONES ? take_list(c, clean.text, out, why)
							  : take_one(c, clean.text, out, why);
	if (e != ERR_OK) {
		out->len = start;
		out->text[start] = '\0';
	}
	return e;
}

/* ---- lists of codes ---- */

bool list_next(const char **list, char *out, size_t size)
{
	size_t n = strcspn(*list, ";");

	if (n == 0)
		return false;
	snprintf(out, size, "%.*s", (int)n, *list);
	*list += n + ((*list)[n] == ';');
	return true;
}

bool list_has(const char *list, const char *code)
{
	char one[256];

	while (list_next(&list, one, sizeof(one)))
		if (str_eq(one, code))
			return true;
	return false;
}
