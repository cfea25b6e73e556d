#pragma once
/* What the rows of a book say of each other and of what there is already. Pure: the database has
 * told what it knows before. */
#include "import/book.h"
#include "meter/model.h"

/* What the database has, so far as a row may name it. */
struct known;
struct known *known_open(void);
void known_free(struct known **k); /* for AUTO() */
void known_add(struct known *k, enum sheet_id sheet, const char *code);
bool known_has(const struct known *k, enum sheet_id sheet, const char *code);
/* That meter stands at that address of a gateway. */
void known_address(struct known *k, const char *gateway, const char *unit, const char *meter);

/* Adds an error to the book for: a row that comes twice; a code that nobody defines; of tariffs
 * both of file and price, or neither of a new one; of meters an unknown model, an address that the
 * model's protocol does not have or that another meter of the gateway has, another utility than the
 * model's; a meter of two tenants; ratios of one source above 1. */
void book_check(struct book *b, const struct known *known, const struct models *models);
