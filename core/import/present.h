#pragma once
/* What the database holds, as the rows of a workbook in the one form of the import: the export
 * writes them, an import is compared with them. */
#include <glib.h>

#include "db/db.h"
#include "import/check.h"

/* In rows that come from the database, link is: of tenants their open contract, 0 when it has
 * ended; of purses the account is the row's number and link the contract; of shares the group is
 * the row's number and link counts its meters. */
struct present {
	struct book book;
	GHashTable *index[SHEET__MAX]; /* book_key() -> place of the row, plus 1 */
	GHashTable *holder;	       /* code of a meter -> code of the tenant whose it is */
};
void present_free(struct present *p); /* for AUTO() */

/* Reads what a caller sees who is confined to a site (0: everything) into an empty one. Tariffs are
 * everybody's. */
MUST_USE enum err present_read(struct db *db, int64_t site_id, struct utc now, struct present *out);

/* The same as a book to write: without tenants who have moved out. */
MUST_USE enum err present_export(struct db *db, int64_t site_id, struct utc now, struct book *out);

/* NULL: there is none. */
const struct book_row *present_find(const struct present *p, enum sheet_id sheet, const char *key);

/* What rows may name, for book_check(). The caller frees. */
struct known *present_known(const struct present *p);

/* The file of a tariff as its cell shows it, and the price instead of it where that says all: one
 * rate, one price at any time. Either is "" then. The caller frees *file. */
void tariff_cells(const json_t *doc, char **file, char price[static 32]);
/* One form of a tariff file's text, for comparing. The caller frees. */
char *tariff_text(const json_t *doc);
