#pragma once
/* An import: one workbook, in one transaction, all of it or nothing. */
#include "import/compare.h"

struct import_ask {
	const char *name; /* of the file */
	const char *bytes;
	size_t n;
	const char *folder; /* that tariff files are named from; NULL: no files are read */
	bool dry_run;	    /* everything but the COMMIT */
	bool chinese;	    /* messages */
	const struct models *models;
	int64_t site_id; /* that the caller is confined to; 0: none */
	unsigned rights;
	const char *actor, *address;
	const char *reason;   /* of changes that keep one; NULL: that it was an import */
	const char *once_key; /* a new one for each import */
	struct utc now;
};

/* *report is {"ok", "counts": {sheet: {"new", "same", "changed"}}, "errors": […]}; the caller owns
 * it. Bad rows, and a file that cannot be read, are no error here: nothing was changed then, and
 * the report says why. Each import, dry run and refusal is kept in import_run. */
MUST_USE enum err import_run(struct db *db, const struct import_ask *ask, json_t **report);

/* ---- what was imported ---- */

struct import_row {
	int64_t id;
	struct utc at;
	char actor[257];
	char user[257]; /* name of the login; "" */
	char file_name[801];
	int64_t bytes;
	bool dry_run, ok;
	char counts[2000]; /* JSON */
	int64_t error_count;
};
/* Newest first, at most 200 (struct import_row). site_id 0: all; before: ids below it, 0: all. */
MUST_USE enum err import_list(struct db *db, int64_t site_id, int64_t before, struct rows *out);
/* One, and its errors; the caller owns *errors. */
MUST_USE enum err import_get(
	struct db *db, int64_t site_id, int64_t id, struct import_row *row, json_t **errors);
