#pragma once
/* Inside the reader of .xlsx: the packed file and its small parts. */
#include <expat.h>
#include <zip.h>

#include "base/str.h"
#include "sheet/sheet.h"

struct package {
	zip_t *zip;
	size_t left; /* bytes that may still unfold */
	struct problem *why;
};
MUST_USE enum err package_open(
	const char *bytes, size_t n, struct package *out, struct problem *why);
void package_close(struct package *p); /* for AUTO() */
bool package_has(const struct package *p, const char *name);

/* One XML part, told element by element with names without their name space. Callbacks set e to
 * end the reading. */
struct xml {
	void *ctx;
	void (*start)(struct xml *x, const char *name, const char **attributes);
	void (*end)(struct xml *x, const char *name);
	void (*text)(struct xml *x, const char *text, size_t n);
	enum err e;
	struct package *package;
	const char *part;
	XML_Parser parser;
	int depth;
};
MUST_USE enum err xml_read(struct package *p, const char *part, struct xml *x);
/* The value of an attribute by its local name; NULL if absent. */
const char *xml_attribute(const char **attributes, const char *name);
/* Ends the reading with a reason. */
void xml_fail(struct xml *x, enum err e, const char *fmt, ...) PRINTF_LIKE(3, 4);

struct sheet_part {
	char *name; /* as the tab shows it */
	char *id;   /* of its relation */
	char *part; /* where it lies; NULL: no worksheet (a chart) */
};

struct workbook {
	struct sheet_part *sheets;
	size_t n;
	bool from_1904;
	char *strings_part, *styles_part; /* NULL: none */
	struct buf strings;		  /* shared texts, each with a NUL */
	size_t *string_at;
	size_t string_n, string_cap;
	bool *style_is_date; /* by index of the cell format */
	size_t style_n;
};
void workbook_free(struct workbook *w); /* for AUTO() */
/* Reads everything but the sheets. */
MUST_USE enum err workbook_read(struct package *p, struct workbook *out);
