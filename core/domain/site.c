#include "domain/site.h"

#include <inttypes.h>
#include <stdio.h>

SHAPE(ref_shape, struct site_ref, FIELD(struct site_ref, id), FIELD(struct site_ref, zone));
static const struct query Q_ALL = { "SELECT id, zone FROM site ORDER BY id", &ref_shape };
static const struct query Q_ONE = { "SELECT id, zone FROM site WHERE id = ?", &ref_shape };
static const struct query Q_PURSE = {
	"SELECT id FROM account WHERE contract_id = ? AND purpose = ? AND kind = 'purse'", &id_shape
};
static const struct query Q_PURSE_ADD = {
	"INSERT INTO account (code, kind, contract_id, purpose) VALUES (?, 'purse', ?, ?)", NULL
};

enum err site_refs(struct db *db, struct rows *out)
{
	return db_list(db, &Q_ALL, NO_ARGS, out);
}

enum err site_zone(struct db *db, int64_t site_id, struct zone **out)
{
	struct site_ref ref;
	enum err e = db_one(db, &Q_ONE, ARGS(arg_i64(site_id)), &ref);

	return e == ERR_OK ? zone_open(ref.zone, out) : e;
}

enum err site_day(struct db *db, int64_t site_id, struct utc at, struct day *out)
{
	AUTO(zone_free) struct zone *z = NULL;
	enum err e = site_zone(db, site_id, &z);

	if (e == ERR_OK)
		*out = zone_local(z, at).day;
	return e;
}

enum err purse_of(struct db *db, int64_t contract_id, const char *purpose, int64_t *account_id)
{
	struct id_row row;
	char code[64];
	enum err e;

	ASSERT(db_in_tx(db));
	e = db_one(db, &Q_PURSE, ARGS(arg_i64(contract_id), arg_text(purpose)), &row);
	if (e == ERR_NOT_FOUND) {
		snprintf(code, sizeof(code), "purse:%" PRId64 ":%s", contract_id, purpose);
		e = db_exec(db, &Q_PURSE_ADD,
			ARGS(arg_text(code), arg_i64(contract_id), arg_text(purpose)), NULL);
		row.id = db_insert_id(db);
		if (e == ERR_ALREADY) /* somebody was first: to be read again */
			e = db_one(
				db, &Q_PURSE, ARGS(arg_i64(contract_id), arg_text(purpose)), &row);
	}
	if (e == ERR_OK)
		*account_id = row.id;
	return e;
}
