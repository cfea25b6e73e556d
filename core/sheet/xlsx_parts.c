/* The packed file of an .xlsx and its small parts: which sheets there are, the shared texts, which
 * cell formats are dates. ECMA-376 part 1 (SpreadsheetML) and part 2 (packaging). */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sheet/value.h"
#include "sheet/xlsx_inside.h"

#define DEPTH_MAX 64
#define PARTS_MAX 20000
#define SHEETS_MAX 64
#define STYLES_MAX 65536
#define FORMATS_MAX 4096
#define BLOCK 65536

/* ---- the package ---- */

enum err package_open(const char *bytes, size_t n, struct package *out, struct problem *why)
{
	zip_error_t error;
	zip_source_t *source;
	zip_t *zip;

	zip_error_init(&error);
	source = zip_source_buffer_create(bytes, n, 0, &error);
	ASSERT(source);
	zip = zip_open_from_source(source, ZIP_RDONLY | ZIP_CHECKCONS, &error);
	if (!zip) {
		enum err e = problem_set(why, ERR_BAD_VALUE, "", "the file is damaged: %.180s",
			zip_error_strerror(&error));

		zip_source_free(source);
		zip_error_fini(&error);
		return e;
	}
	zip_error_fini(&error);
	*out = (struct package){ .zip = zip, .left = SHEET_BYTES_MAX, .why = why };
	if (zip_get_num_entries(zip, 0) > PARTS_MAX)
		return problem_set(why, ERR_TOO_LARGE, "", "the file has too many parts");
	return ERR_OK;
}

void package_close(struct package *p)
{
	if (p->zip)
		zip_discard(p->zip);
	p->zip = NULL;
}

bool package_has(const struct package *p, const char *name)
{
	return zip_name_locate(p->zip, name, ZIP_FL_NOCASE) >= 0;
}

/* ---- XML ---- */

void xml_fail(struct xml *x, enum err e, const char *fmt, ...)
{
	char text[256];
	va_list args;

	if (x->e != ERR_OK)
		return;
	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	x->e = problem_set(x->package->why, e, x->part, "%s", text);
	XML_StopParser(x->parser, XML_FALSE);
}

static const char *local(const char *name)
{
	const char *bar = strrchr(name, '|');

	return bar ? bar + 1 : name;
}

const char *xml_attribute(const char **attributes, const char *name)
{
	for (size_t i = 0; attributes[i]; i += 2)
		if (str_eq(local(attributes[i]), name))
			return attributes[i + 1];
	return NULL;
}

static void XMLCALL on_start(void *ctx, const char *name, const char **attributes)
{
	struct xml *x = ctx;

	if (++x->depth > DEPTH_MAX)
		xml_fail(x, ERR_BAD_VALUE, "elements lie too deep");
	else if (x->e == ERR_OK)
		x->start(x, local(name), attributes);
}

static void XMLCALL on_end(void *ctx, const char *name)
{
	struct xml *x = ctx;

	x->depth--;
	if (x->e == ERR_OK && x->end)
		x->end(x, local(name));
}

static void XMLCALL on_text(void *ctx, const char *text, int n)
{
	struct xml *x = ctx;

	if (x->e == ERR_OK && x->text)
		x->text(x, text, (size_t)n);
}

/* No workbook declares entities; whoever does means harm. */
static void XMLCALL on_doctype(
	void *ctx, const char *name, const char *system, const char *public, int internal)
{
	(void)name;
	(void)system;
	(void)public;
	(void)internal;
	xml_fail(ctx, ERR_BAD_VALUE, "a document type is declared");
}

static enum err feed(struct xml *x, zip_file_t *file)
{
	for (;;) {
		void *block = XML_GetBuffer(x->parser, BLOCK);
		zip_int64_t n = block ? zip_fread(file, block, BLOCK) : -1;

		if (n < 0 || (size_t)n > x->package->left) {
			xml_fail(x, n < 0 ? ERR_BAD_VALUE : ERR_TOO_LARGE,
				n < 0 ? "this part is damaged" : "unfolds to too many bytes");
			return x->e;
		}
		x->package->left -= (size_t)n;
		if (XML_ParseBuffer(x->parser, (int)n, n == 0) != XML_STATUS_OK) {
			xml_fail(x, ERR_BAD_VALUE, "line %lu: %s",
				XML_GetCurrentLineNumber(x->parser),
				XML_ErrorString(XML_GetErrorCode(x->parser)));
			return x->e;
		}
		if (n == 0)
			return x->e;
	}
}

enum err xml_read(struct package *p, const char *part, struct xml *x)
{
	zip_int64_t index = zip_name_locate(p->zip, part, ZIP_FL_NOCASE);
	zip_file_t *file = index < 0 ? NULL : zip_fopen_index(p->zip, (zip_uint64_t)index, 0);

	if (!file)
		return problem_set(p->why, ERR_BAD_VALUE, part,
			index < 0 ? "this part is missing" : "this part cannot be read");
	x->package = p;
	x->part = part;
	x->e = ERR_OK;
	x->depth = 0;
	x->parser = XML_ParserCreateNS(NULL, '|');
	ASSERT(x->parser);
	XML_SetUserData(x->parser, x);
	XML_SetElementHandler(x->parser, on_start, on_end);
	XML_SetCharacterDataHandler(x->parser, on_text);
	XML_SetStartDoctypeDeclHandler(x->parser, on_doctype);
	(void)!feed(x, file);
	XML_ParserFree(x->parser);
	x->parser = NULL;
	zip_fclose(file);
	return x->e;
}

/* ---- which sheets ---- */

void workbook_free(struct workbook *w)
{
	for (size_t i = 0; i < w->n; i++) {
		free(w->sheets[i].name);
		free(w->sheets[i].id);
		free(w->sheets[i].part);
	}
	free(w->sheets);
	free(w->strings_part);
	free(w->styles_part);
	buf_free(&w->strings);
	free(w->string_at);
	free(w->style_is_date);
	*w = (struct workbook){ 0 };
}

static char *copy(const char *text)
{
	char *s = strdup(text ? text : "");

	ASSERT(s);
	return s;
}

static void on_workbook(struct xml *x, const char *name, const char **attributes)
{
	struct workbook *w = x->ctx;
	const char *v;

	if (str_eq(name, "workbookPr")) {
		v = xml_attribute(attributes, "date1904");
		w->from_1904 = v && (str_eq(v, "1") || str_eq(v, "true"));
	}
	if (!str_eq(name, "sheet"))
		return;
	if (w->n == SHEETS_MAX) {
		xml_fail(x, ERR_TOO_LARGE, "there are more than %d sheets", SHEETS_MAX);
		return;
	}
	w->sheets = realloc(w->sheets, (w->n + 1) * sizeof(*w->sheets));
	ASSERT(w->sheets);
	w->sheets[w->n++] = (struct sheet_part){ .name = copy(xml_attribute(attributes, "name")),
		.id = copy(xml_attribute(attributes, "id")) };
}

/* A target is relative to xl/, or begins at the root. */
static char *part_of(const char *target)
{
	char part[512];

	snprintf(part, sizeof(part), target[0] == '/' ? "%s" : "xl/%s",
		target[0] == '/' ? target + 1 : target);
	return copy(part);
}

static bool ends_with(const char *text, const char *end)
{
	size_t n = strlen(text), m = strlen(end);

	return n >= m && str_eq(text + n - m, end);
}

static void keep_part(char **to, const char *target)
{
	free(*to);
	*to = part_of(target);
}

static void on_relation(struct xml *x, const char *name, const char **attributes)
{
	struct workbook *w = x->ctx;
	const char *id = xml_attribute(attributes, "Id"), *type = xml_attribute(attributes, "Type");
	const char *target = xml_attribute(attributes, "Target");

	if (!str_eq(name, "Relationship") || !id || !type || !target)
		return;
	if (ends_with(type, "/sharedStrings"))
		keep_part(&w->strings_part, target);
	if (ends_with(type, "/styles"))
		keep_part(&w->styles_part, target);
	for (size_t i = 0; i < w->n && ends_with(type, "/worksheet"); i++)
		if (str_eq(w->sheets[i].id, id))
			keep_part(&w->sheets[i].part, target);
}

/* ---- shared texts ---- */

struct strings {
	struct workbook *w;
	bool in_text;
	int phonetic; /* depth of readings above characters: not part of the text */
};

static void on_string_start(struct xml *x, const char *name, const char **attributes)
{
	struct strings *s = x->ctx;
	struct workbook *w = s->w;

	(void)attributes;
	if (str_eq(name, "si")) {
		if (w->string_n == w->string_cap) {
			w->string_cap = w->string_cap ? w->string_cap * 2 : 1024;
			w->string_at = realloc(w->string_at, w->string_cap * sizeof(size_t));
			ASSERT(w->string_at);
		}
		w->string_at[w->string_n++] = w->strings.len;
	} else if (str_eq(name, "rPh")) {
		s->phonetic++;
	} else if (str_eq(name, "t")) {
		s->in_text = s->phonetic == 0 && w->string_n > 0;
	}
}

static void on_string_end(struct xml *x, const char *name)
{
	struct strings *s = x->ctx;

	if (str_eq(name, "t"))
		s->in_text = false;
	else if (str_eq(name, "rPh"))
		s->phonetic--;
	else if (str_eq(name, "si"))
		buf_add(&s->w->strings, "", 1);
}

static void on_string_text(struct xml *x, const char *text, size_t n)
{
	struct strings *s = x->ctx;

	if (s->in_text)
		buf_add(&s->w->strings, text, n);
}

/* ---- cell formats ---- */

struct styles {
	struct workbook *w;
	int64_t dates[FORMATS_MAX]; /* own formats that show dates */
	size_t date_n;
	bool in_formats; /* <cellXfs> */
};

static void take_format(struct styles *s, const char **attributes)
{
	const char *id = xml_attribute(attributes, "numFmtId");
	const char *code = xml_attribute(attributes, "formatCode");
	int64_t n;

	if (id && code && i64_parse(id, 0, 1000000, &n) == ERR_OK && s->date_n < FORMATS_MAX &&
		format_code_is_date(code))
		s->dates[s->date_n++] = n;
}

static bool shows_date(const struct styles *s, const char *id)
{
	int64_t n;

	if (!id || i64_parse(id, 0, 1000000, &n) != ERR_OK)
		return false;
	for (size_t i = 0; i < s->date_n; i++)
		if (s->dates[i] == n)
			return true;
	return format_is_date(n);
}

static void on_style_start(struct xml *x, const char *name, const char **attributes)
{
	struct styles *s = x->ctx;
	struct workbook *w = s->w;

	if (str_eq(name, "numFmt"))
		take_format(s, attributes);
	else if (str_eq(name, "cellXfs"))
		s->in_formats = true;
	else if (str_eq(name, "xf") && s->in_formats && w->style_n < STYLES_MAX)
		w->style_is_date[w->style_n++] =
			shows_date(s, xml_attribute(attributes, "numFmtId"));
}

static void on_style_end(struct xml *x, const char *name)
{
	struct styles *s = x->ctx;

	if (str_eq(name, "cellXfs"))
		s->in_formats = false;
}

static enum err read_strings(struct package *p, struct workbook *w)
{
	struct strings s = { .w = w };
	struct xml x = {
		.ctx = &s, .start = on_string_start, .end = on_string_end, .text = on_string_text
	};

	return w->strings_part ? xml_read(p, w->strings_part, &x) : ERR_OK;
}

static enum err read_styles(struct package *p, struct workbook *w)
{
	struct styles *s = calloc(1, sizeof(*s));
	struct xml x = { .ctx = s, .start = on_style_start, .end = on_style_end };
	enum err e = ERR_OK;

	w->style_is_date = calloc(STYLES_MAX, sizeof(bool));
	ASSERT(s && w->style_is_date);
	s->w = w;
	if (w->styles_part)
		e = xml_read(p, w->styles_part, &x);
	free(s);
	return e;
}

enum err workbook_read(struct package *p, struct workbook *out)
{
	struct xml book = { .ctx = out, .start = on_workbook };
	struct xml relations = { .ctx = out, .start = on_relation };
	enum err e;

	if (!package_has(p, "xl/workbook.xml"))
		return problem_set(p->why, ERR_BAD_VALUE, "",
			"this is no .xlsx workbook: it has no xl/workbook.xml");
	e = xml_read(p, "xl/workbook.xml", &book);
	if (e == ERR_OK)
		e = xml_read(p, "xl/_rels/workbook.xml.rels", &relations);
	if (e == ERR_OK)
		e = read_styles(p, out);
	return e == ERR_OK ? read_strings(p, out) : e;
}
