#pragma once
/* What was imported: dry runs and refused files too. */
#include "db/listing.h"

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
/* Rows of struct import_row; args: the site (0: every). */
extern const struct listing import_listing;
/* One, and its errors; the caller owns *errors. */
MUST_USE enum err import_get(
	struct db *db, int64_t site_id, int64_t id, struct import_row *row, json_t **errors);
