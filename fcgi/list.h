#pragma once
/* Lists: pages, filters and orders by the listing of the route (core/db/listing.h), and the same
 * rows as a sheet. A route with list = true has format; with a listing also limit, cursor, sort and
 * the filters of the listing. */
#include "fcgi/routes.h"

bool list_is(const struct route *r);
/* Checks a parameter that the route has as a list. ERR_UNKNOWN_FIELD: it has no such one. */
MUST_USE enum err list_param_check(
	const struct route *route, const char *name, const char *value, struct problem *why);
/* Appends those parameters to a list of the API document. */
void list_params_document(const struct route *route, json_t *list);

/* A page of the listing of the route, and where the next begins; args are those of its statement.
 * The driver writes "next". */
MUST_USE enum err list_rows(struct request *r, const struct arg *args, size_t n, struct rows *out);

/* The same as an answer, each row as show() has it. */
MUST_USE enum err list_answer(struct request *r, struct answer *a, const struct arg *args, size_t n,
	json_t *(*show)(const void *row));

/* Pages of rows inside of another answer, by a number that grows: behind which row, by the
 * parameter cursor (0: from the first), and the cursor behind a row. ERR_BAD_CURSOR. */
MUST_USE enum err inner_cursor_read(const struct request *r, int64_t *after, struct problem *why);
json_t *inner_cursor_json(const struct request *r, int64_t last);

/* Calls the handler: once for a page, page by page for a file. */
MUST_USE enum err list_run(struct request *r, struct answer *a);
/* The rows of all pages as a sheet; r->list.format is csv or xlsx. */
MUST_USE enum err list_file(struct request *r, struct answer *a);
