#pragma once
/* An import: one workbook, in one transaction, all of it or nothing. */
#include "import/compare.h"
#include "import/runs.h"

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
	bool row_by_row; /* as after an error: slower, with the same result */
};

/* *report is {"ok", "counts": {sheet: {"new", "same", "changed"}}, "errors": […]}; the caller owns
 * it. Bad rows, and a file that cannot be read, are no error here: nothing was changed then, and
 * the report says why. Each import, dry run and refusal is kept in import_run. */
MUST_USE enum err import_run(struct db *db, const struct import_ask *ask, json_t **report);
