#pragma once
/* New rows, many in a statement: they come as JSON, and names are looked up by joins. What cannot
 * be written ends in an error that names no row; the import then goes row by row (apply.c), and
 * each row says what is wrong with it. So nothing is checked here that only serves a message. */
#include "import/apply_inside.h"

#define MANY_ROWS 1000

void many_free(struct many_rows *m); /* for AUTO() */

/* Takes a row (a JSON object, owned from here on); writes when there are MANY_ROWS. */
MUST_USE enum err many_add(struct applying *a, struct many_rows *m, json_t *row);
/* Writes what is left. */
MUST_USE enum err many_end(struct applying *a, struct many_rows *m);

/* The contracts of all tenants that the book names, into a->contracts. */
MUST_USE enum err contracts_learn(struct applying *a);
