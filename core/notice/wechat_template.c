#include "notice/wechat_template.h"

#include <stdio.h>
#include <string.h>

#define SENT_AT "sent_at"
#define BEIJING_MS (8 * 3600 * INT64_C(1000)) /* no summer time since 1991 */
#define CHARS_MAX 32

/* ---- texts of WeChat: counted in characters ---- */

static bool is_head(char c)
{
	return ((unsigned char)c & 0xC0) != 0x80;
}

static size_t char_count(const char *s)
{
	size_t n = 0;

	for (; *s; s++)
		n += is_head(*s);
	return n;
}

/* The bytes of the first n characters. */
static size_t bytes_of(const char *s, size_t n)
{
	size_t i = 0;

	for (; s[i]; i++)
		if (is_head(s[i]) && n-- == 0)
			break;
	return i;
}

static bool all_of(const char *s, const char *set)
{
	return s[0] && strspn(s, set) == strlen(s);
}

static bool is_ascii(const char *s)
{
	for (; *s; s++)
		if ((unsigned char)*s < 0x20 || (unsigned char)*s > 0x7e)
			return false;
	return true;
}

/* Whole, or cut with a sign that it was. */
static bool fit_cut(const char *v, size_t max, char *out)
{
	if (char_count(v) <= max)
		return str_copy(out, WECHAT_VALUE_MAX, v);
	snprintf(out, WECHAT_VALUE_MAX, "%.*s…", (int)bytes_of(v, max - 1), v);
	return true;
}

static bool fit_thing(const char *v, char *out)
{
	return fit_cut(v, 20, out);
}

static bool fit_const(const char *v, char *out)
{
	return char_count(v) <= 20 && str_copy(out, WECHAT_VALUE_MAX, v);
}

/* Chinese words only, and a cut one would be another word. */
static bool fit_phrase(const char *v, char *out)
{
	for (const char *s = v; *s; s++)
		if ((unsigned char)*s < 0x80)
			return false;
	return char_count(v) <= 5 && str_copy(out, WECHAT_VALUE_MAX, v);
}

static bool fit_name(const char *v, char *out)
{
	return fit_cut(v, is_ascii(v) ? 20 : 10, out);
}

static bool fit_character_string(const char *v, char *out)
{
	if (!is_ascii(v))
		return false;
	snprintf(out, WECHAT_VALUE_MAX, "%.*s", CHARS_MAX, v);
	return true;
}

static bool fit_letter(const char *v, char *out)
{
	return all_of(v, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz") &&
	       strlen(v) <= 32 && str_copy(out, WECHAT_VALUE_MAX, v);
}

/* "12" "12.50"; one point, digits on both sides. */
static bool is_decimal(const char *v, size_t max)
{
	const char *point = strchr(v, '.');

	return all_of(v, "0123456789.") && strlen(v) <= max && v[0] != '.' &&
	       (!point || (point[1] && !strchr(point + 1, '.')));
}

static bool fit_number(const char *v, char *out)
{
	return is_decimal(v, 32) && str_copy(out, WECHAT_VALUE_MAX, v);
}

/* Yuan; WeChat takes no negative amounts: what may be owed belongs into a character_string. */
static bool fit_amount(const char *v, char *out)
{
	if (!is_decimal(v, 10))
		return false;
	snprintf(out, WECHAT_VALUE_MAX, "¥%s", v);
	return true;
}

static bool fit_phone(const char *v, char *out)
{
	return all_of(v, "0123456789+- ") && strlen(v) <= 17 && str_copy(out, WECHAT_VALUE_MAX, v);
}

/* A pattern of digits (0) and other signs, to the end of the text. */
static bool looks_like(const char *v, const char *pattern)
{
	for (; *pattern; pattern++, v++)
		if (*pattern == '0' ? *v < '0' || *v > '9' : *v != *pattern)
			return false;
	return !*v;
}

static bool fit_time(const char *v, char *out)
{
	static const char *const forms[] = { "00:00", "00:00:00", "0000-00-00", "0000-00-00 00:00",
		"0000-00-00 00:00:00", "0000年00月00日", "0000年00月00日 00:00",
		"0000年00月00日 00:00:00" };

	for (size_t i = 0; i < ARRAY_LEN(forms); i++)
		if (looks_like(v, forms[i]))
			return str_copy(out, WECHAT_VALUE_MAX, v);
	return false;
}

/* The kinds of field that WeChat has for texts, times and numbers. */
static const struct {
	const char *name;
	bool (*fit)(const char *v, char *out);
} kinds[] = {
	{ "thing", fit_thing },
	{ "const", fit_const },
	{ "phrase", fit_phrase },
	{ "name", fit_name },
	{ "character_string", fit_character_string },
	{ "letter", fit_letter },
	{ "number", fit_number },
	{ "amount", fit_amount },
	{ "phone_number", fit_phone },
	{ "time", fit_time },
	{ "date", fit_time },
};

/* The row of a field "thing12", or -1. */
static int kind_of(const char *field)
{
	size_t word = strcspn(field, "0123456789");
	const char *digits = field + word;

	if (!all_of(digits, "0123456789") || strlen(digits) > 3)
		return -1;
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		if (strlen(kinds[i].name) == word && strncmp(kinds[i].name, field, word) == 0)
			return (int)i;
	return -1;
}

bool wechat_fit(const char *field, const char *value, char out[static WECHAT_VALUE_MAX])
{
	char line[400];
	int kind = kind_of(field);
	size_t n = 0;

	/* one line, whole characters */
	snprintf(line, sizeof(line), "%.*s", (int)bytes_of(value, 90), value);
	for (char *s = line; *s; s++)
		if ((unsigned char)*s < 0x20 || *s == 0x7f)
			*s = ' ';
	for (n = strlen(line); n && line[n - 1] == ' ';)
		line[--n] = '\0';
	value = line + strspn(line, " ");
	return kind >= 0 && value[0] && kinds[kind].fit(value, out);
}

/* ---- the setting ---- */

static bool has_param(const struct notice_kind *kind, const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(kind->params) && kind->params[i]; i++)
		if (str_eq(kind->params[i], name))
			return true;
	return str_eq(name, SENT_AT);
}

static enum err read_field(const char *part, const struct notice_kind *kind,
	struct wechat_field *out, struct problem *why)
{
	size_t n = strcspn(part, ":=");
	char name[40], fitted[WECHAT_VALUE_MAX];

	snprintf(name, sizeof(name), "%.*s", (int)n, part);
	if (!str_copy(out->name, sizeof(out->name), name) || kind_of(name) < 0 || !part[n])
		return problem_set(why, ERR_NOT_CONFIGURED, "",
			"\"%.40s\" is no field of WeChat's, or says not what it gets", part);
	if (part[n] == ':') {
		if (!has_param(kind, part + n + 1) ||
			!str_copy(out->param, sizeof(out->param), part + n + 1))
			return problem_set(why, ERR_NOT_CONFIGURED, "",
				"a notice %s has no parameter \"%.40s\"", kind->name, part + n + 1);
		return ERR_OK;
	}
	if (!str_copy(out->text, sizeof(out->text), part + n + 1) ||
		!wechat_fit(name, out->text, fitted) || !str_eq(fitted, out->text))
		return problem_set(why, ERR_NOT_CONFIGURED, "",
			"the text of %s is not what that field can hold", name);
	return ERR_OK;
}

enum err wechat_fields_read(const char *text, const struct notice_kind *kind,
	struct wechat_template *out, struct problem *why)
{
	AUTO(buf_free) struct buf copy = { 0 };
	char *save = NULL;

	buf_adds(&copy, text);
	out->n = 0;
	for (char *p = strtok_r(copy.text, ",", &save); p; p = strtok_r(NULL, ",", &save)) {
		enum err e;

		if (out->n == WECHAT_FIELDS_MAX)
			return problem_set(why, ERR_NOT_CONFIGURED, "", "at most %d fields",
				WECHAT_FIELDS_MAX);
		out->fields[out->n] = (struct wechat_field){ .name = "" };
		e = read_field(p + strspn(p, " "), kind, &out->fields[out->n], why);
		if (e != ERR_OK)
			return e;
		out->n++;
	}
	return out->n ? ERR_OK
		      : problem_set(why, ERR_NOT_CONFIGURED, "", "the list of fields is empty");
}

void wechat_fields_text(const struct wechat_template *t, struct buf *out)
{
	for (size_t i = 0; i < t->n; i++) {
		const struct wechat_field *f = &t->fields[i];

		buf_printf(out, "%s%s%s%s", i ? "," : "", f->name, f->param[0] ? ":" : "=",
			f->param[0] ? f->param : f->text);
	}
}

/* ---- a message ---- */

static void beijing(struct utc now, char out[static 40])
{
	int64_t s = (now.ms + BEIJING_MS) / 1000;
	int year, month, day;

	civil_date(s / 86400, &year, &month, &day);
	snprintf(out, 40, "%04d年%02d月%02d日 %02d:%02d", year, month, day, (int)(s % 86400 / 3600),
		(int)(s % 3600 / 60));
}

json_t *wechat_data(
	const struct wechat_template *t, const json_t *params, struct utc now, struct problem *why)
{
	AUTO(json_free) json_t *data = json_object();
	char sent_at[40];
	json_t *done;

	beijing(now, sent_at);
	for (size_t i = 0; i < t->n; i++) {
		const struct wechat_field *f = &t->fields[i];
		const char *v = json_string_value(json_object_get(params, f->param));
		char fitted[WECHAT_VALUE_MAX];

		if (!f->param[0])
			v = f->text;
		else if (str_eq(f->param, SENT_AT))
			v = sent_at;
		if (!v || !wechat_fit(f->name, v, fitted)) {
			(void)problem_set(why, ERR_BAD_VALUE, f->name, "%s does not fit %s",
				f->param, f->name);
			return NULL;
		}
		json_object_set_new(data, f->name, json_pack("{s:s}", "value", fitted));
	}
	done = data;
	data = NULL;
	return done;
}
