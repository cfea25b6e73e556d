#pragma once
/* Between the files of the import. */
#include "domain/place.h"
#include "import/apply.h"

#define ZONE_DEFAULT "Asia/Shanghai"

/* New rows that wait for their statements, see many.h. */
enum many {
	MANY_METERS,
	MANY_TENANTS,
	MANY_PURSES,
	MANY_POINTS, /* meters of contracts */
	MANY_FEES,
	MANY__MAX
};
struct many_rows {
	enum many of;
	json_t *list;
};

/* What all of them need while a workbook is written. */
struct applying {
	struct db *db;
	const struct import_ask *ask;
	struct book *book;
	const struct present *present;
	struct plan *plan;
	GHashTable *contracts; /* code of a tenant -> contract, as far as they were asked for */
	GHashTable *trees;     /* codes of meters that stand above or below others */
	GHashTable *touched;   /* codes of tenants to whom meters or money came */
	GArray *touched_ids;   /* their contracts: int64_t */
	struct opening_book opening; /* of the site of the last purse */
	bool many;		     /* new rows are written many at a time */
	struct many_rows points, fees;
};
void applying_free(struct applying *a); /* for AUTO() */

/* A row of the sheet that is being written. */
struct target {
	enum sheet_id sheet;
	const struct book_row *row;
	const struct row_plan *plan;
};
struct target target_of(const struct applying *a, enum sheet_id sheet, size_t row);
/* The value that shall be, and what it is where that is empty too. */
const char *wish(const struct target *t, size_t column, const char *fallback);
int64_t wish_whole(const struct target *t, size_t column, int64_t fallback);
/* In thousandths. */
int64_t wish_milli(const struct target *t, size_t column);
struct money wish_money(const struct target *t, size_t column);

/* Says of an error which column it is about, and returns it. */
enum err about(struct problem *why, enum err e, const char *column);

/* Goes through the rows of a sheet. What the domain refuses is an error of the row, and the next
 * row is tried; what is wrong with the database ends it. */
MUST_USE enum err each_row(struct applying *a, enum sheet_id sheet,
	enum err (*fn)(struct applying *a, const struct target *t, struct problem *why));
/* Makes of a refusal an error of the row; other errors are returned as they are. */
MUST_USE enum err row_refused(
	struct applying *a, const struct target *t, enum err e, const struct problem *why);

/* The contract that rows of a tenant are about: its first open one. */
struct contract_ref {
	int64_t id, site_id;
	char zone[64];
	struct utc start_at;
};
MUST_USE enum err contract_of(struct applying *a, const char *tenant, struct contract_ref *out);
struct meter_ref {
	int64_t id, site_id;
	char utility[12], billing[12], role[12];
};
MUST_USE enum err meter_of(struct applying *a, const char *code, struct meter_ref *out);

/* Before the transaction: files of tariffs are read, checked, and put into their cells in one form.
 */
void tariff_files(struct book *b, const char *folder);

/* One import at a time: held until the transaction ends. */
MUST_USE enum err import_lock(struct db *db);
/* Checks a book, compares it with what there is (the plan is empty before), and writes it unless it
 * has errors, which are no error here; new rows many in a statement, or row by row. Inside db_tx.
 */
MUST_USE enum err book_put(struct db *db, const struct import_ask *ask, struct book *book,
	const struct present *present, bool many, struct plan *plan);

MUST_USE enum err apply_places(struct applying *a);
MUST_USE enum err apply_tariffs(struct applying *a);
MUST_USE enum err apply_meters(struct applying *a);
MUST_USE enum err apply_tenants(struct applying *a);
MUST_USE enum err apply_purses(struct applying *a);
MUST_USE enum err apply_contracts(struct applying *a); /* meters of tenants, fees, supply */
MUST_USE enum err apply_shares(struct applying *a);
