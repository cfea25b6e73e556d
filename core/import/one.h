#pragma once
/* One site, area, gateway or meter by its columns: a workbook of one row, checked and written by
 * the rules of the import. */
#include "import/apply.h"

struct one_ask {
	enum sheet_id sheet; /* SHEET_SITES, _AREAS, _GATEWAYS, _METERS */
	int64_t id;	     /* what is changed; 0: a new one */
	/* Object: name of a column -> text or whole number; others are not read. What is absent
	 * stays as it is. */
	const json_t *fields;
	const char *reason;
	bool chinese; /* words of a refusal */
	const struct models *models;
	int64_t site_id; /* that the caller is confined to; 0: none */
	unsigned rights;
	const char *actor, *address;
	struct utc now;
};

/* Makes or changes it, with an audit row; *id is its number. Errors name the column: ERR_ALREADY a
 * new one whose code exists, ERR_NOT_FOUND what it names (or, with no column, itself), ERR_CONFLICT
 * what does not change this way, ERR_FORBIDDEN what needs a further permission. */
MUST_USE enum err one_put(
	struct db *db, const struct one_ask *ask, int64_t *id, struct problem *why);
