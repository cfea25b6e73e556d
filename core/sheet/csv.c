/* Comma-separated text: RFC 4180 as spreadsheets write it, in UTF-8 or GB18030. */
#include <errno.h>
#include <iconv.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "sheet/sheet.h"

#define NAME_MAX_BYTES 200

static bool is_continuation(unsigned char c)
{
	return (c & 0xC0) == 0x80;
}

/* The length of the character at s, 0 when it is no UTF-8 (overlong, surrogate, cut off). */
static size_t utf8_len(const unsigned char *s, size_t n)
{
	size_t len = s[0] < 0x80 ? 1 : s[0] < 0xC2 ? 0 : s[0] < 0xE0 ? 2 : s[0] < 0xF0 ? 3 : 4;

	if (s[0] > 0xF4 || len > n)
		return 0;
	for (size_t i = 1; i < len; i++)
		if (!is_continuation(s[i]))
			return 0;
	if ((s[0] == 0xE0 && s[1] < 0xA0) || (s[0] == 0xED && s[1] > 0x9F) ||
		(s[0] == 0xF0 && s[1] < 0x90) || (s[0] == 0xF4 && s[1] > 0x8F))
		return 0;
	return len;
}

static bool is_utf8(const char *bytes, size_t n)
{
	const unsigned char *s = (const unsigned char *)bytes;

	for (size_t i = 0, len; i < n; i += len) {
		len = utf8_len(s + i, n - i);
		if (len == 0)
			return false;
	}
	return true;
}

static enum err from_gb18030(const char *bytes, size_t n, struct buf *out, struct problem *why)
{
	iconv_t cd = iconv_open("UTF-8", "GB18030");
	char *in = (char *)(uintptr_t)bytes; /* iconv only reads it */
	char block[4096];
	enum err e = ERR_OK;

	if (cd == (iconv_t)-1)
		return problem_set(why, ERR_INTERNAL, "", "this system knows no GB18030");
	while (e == ERR_OK && n > 0) {
		char *at = block;
		size_t room = sizeof(block);
		size_t r = iconv(cd, &in, &n, &at, &room);

		buf_add(out, block, sizeof(block) - room);
		if (r == (size_t)-1 && errno != E2BIG)
			e = problem_set(why, ERR_BAD_VALUE, "",
				"the text is neither UTF-8 nor GB18030, at byte %zu",
				(size_t)(in - bytes) + 1);
	}
	iconv_close(cd);
	return e;
}

/* The text as UTF-8, without a byte order mark. */
static enum err decode(const char *bytes, size_t n, struct buf *out, struct problem *why)
{
	if (memchr(bytes, '\0', n))
		return problem_set(why, ERR_BAD_VALUE, "", "this is no text: it holds a zero byte");
	if (n >= 3 && memcmp(bytes, "\xEF\xBB\xBF", 3) == 0) {
		bytes += 3;
		n -= 3;
	}
	if (!is_utf8(bytes, n))
		return from_gb18030(bytes, n, out, why);
	buf_add(out, bytes, n);
	return ERR_OK;
}

/* What parts the cells of the first line; a comma unless something else is seen more often. */
static char separator(const char *text)
{
	static const char choices[] = ",;\t";
	size_t seen[3] = { 0 };
	size_t best = 0;
	bool quoted = false;

	for (const char *s = text; *s && (quoted || (*s != '\n' && *s != '\r')); s++) {
		const char *c = strchr(choices, *s);

		if (*s == '"')
			quoted = !quoted;
		else if (c && !quoted)
			seen[c - choices]++;
	}
	for (size_t i = 1; i < ARRAY_LEN(seen); i++)
		if (seen[i] > seen[best])
			best = i;
	return choices[best];
}

struct csv {
	char *s; /* the text, taken apart in place */
	char comma;
	int64_t row;
	struct cell cells[SHEET_COLUMNS_MAX];
	size_t n;
	struct problem *why;
};

static enum err broken(struct csv *c, const char *what)
{
	char field[32];

	snprintf(field, sizeof(field), "row %lld", (long long)c->row);
	return problem_set(c->why, ERR_BAD_VALUE, field, "%s", what);
}

/* Takes "…""…" apart in place; c->s is behind it then. */
static enum err quoted_cell(struct csv *c, char **text)
{
	char *to = ++c->s;

	*text = to;
	for (;;) {
		if (!*c->s)
			return broken(c, "a quotation mark is not closed");
		if (*c->s == '"' && c->s[1] != '"')
			break;
		c->s += *c->s == '"';
		*to++ = *c->s++;
	}
	c->s++;
	*to = '\0';
	return *c->s && !strchr("\r\n", *c->s) && *c->s != c->comma
		       ? broken(c, "there is text behind a closing quotation mark")
		       : ERR_OK;
}

/* Without the sign that keeps a spreadsheet from taking a text for a formula; see sheet.h. */
static const char *unguarded(const char *text)
{
	size_t n = strspn(text, "'");

	return n && text[n] && strchr(CSV_FORMULA_SIGNS, text[n]) ? text + 1 : text;
}

static enum err add_cell(struct csv *c, const char *text)
{
	text = unguarded(text);
	if (c->n == SHEET_COLUMNS_MAX)
		return broken(c, "it has too many columns");
	if (strlen(text) > SHEET_TEXT_MAX)
		return broken(c, "a cell is too long");
	c->cells[c->n++] = (struct cell){ *text ? CELL_TEXT : CELL_EMPTY, text };
	return ERR_OK;
}

/* Reads one line into c->cells and moves behind it. */
static enum err read_line(struct csv *c)
{
	c->n = 0;
	for (;;) {
		char *text = c->s, end;
		enum err e = *c->s == '"' ? quoted_cell(c, &text) : ERR_OK;

		if (e != ERR_OK)
			return e;
		while (*c->s && *c->s != c->comma && *c->s != '\r' && *c->s != '\n')
			c->s++;
		end = *c->s;
		if (end == '\r' && c->s[1] == '\n')
			*c->s++ = '\0';
		if (end)
			*c->s++ = '\0';
		e = add_cell(c, text);
		if (e != ERR_OK || end != c->comma)
			return e;
	}
}

static bool is_blank(const struct csv *c)
{
	for (size_t i = 0; i < c->n; i++)
		if (c->cells[i].kind != CELL_EMPTY)
			return false;
	return true;
}

static enum err read_lines(struct csv *c, const struct sheet_reader *r)
{
	enum err e = ERR_OK;

	while (e == ERR_OK && *c->s) {
		c->row++;
		e = c->row > SHEET_ROWS_MAX ? broken(c, "there are too many rows") : read_line(c);
		if (e == ERR_OK && !is_blank(c))
			e = r->row(r->ctx, c->row, c->cells, c->n, c->why);
	}
	return e;
}

/* "dir/meters.csv" to "meters" */
static void sheet_name(const char *file, char out[static NAME_MAX_BYTES])
{
	const char *slash = strrchr(file, '/'), *dot;

	file = slash ? slash + 1 : file;
	dot = strrchr(file, '.');
	snprintf(out, NAME_MAX_BYTES, "%.*s", (int)(dot ? dot - file : NAME_MAX_BYTES - 1), file);
}

enum err sheet_read_csv(const char *name, const char *bytes, size_t n, const struct sheet_reader *r,
	struct problem *why)
{
	AUTO(buf_free) struct buf text = { 0 };
	char sheet[NAME_MAX_BYTES];
	struct csv *c;
	enum err e;

	buf_adds(&text, "");
	e = decode(bytes, n, &text, why);
	if (e != ERR_OK)
		return e;
	sheet_name(name, sheet);
	e = r->sheet(r->ctx, sheet, why);
	if (e != ERR_OK)
		return e;
	c = calloc(1, sizeof(*c));
	ASSERT(c);
	c->s = text.text;
	c->comma = separator(text.text);
	c->why = why;
	e = read_lines(c, r);
	free(c);
	return e;
}
