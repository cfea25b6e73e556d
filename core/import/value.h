#pragma once
/* Cells as people type them, to the one form in which we keep a value. Pure. */
#include "base/str.h"
#include "import/layout.h"

/* Why a cell is refused, for people of both languages. */
struct refusal {
	enum err e;
	char zh[200], en[200];
};
enum err refuse(struct refusal *r, enum err e, const char *zh, const char *en);

/* Surrounding blanks off, full-width letters, digits and signs to their ordinary ones. */
void value_clean(const char *text, struct buf *out);

/* The value of a column, appended to out: a code or text as it is; a choice as its word; a number
 * without separators and needless zeros; a date "2026-03-01"; phones digits only, several of
 * anything parted by ';'. An empty cell is "". On error out is as it was. */
MUST_USE enum err value_take(
	const struct column *c, const char *text, struct buf *out, struct refusal *why);

/* The next code of a list; *list moves behind it. False at its end. */
bool list_next(const char **list, char *out, size_t size);
/* Is a code in a list of codes? */
bool list_has(const char *list, const char *code);
