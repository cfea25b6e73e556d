#include <stdlib.h>
#include <string.h>

#include "domain/tariff_inside.h"
#include "domain/tariffs.h"

struct doc_row {
	char doc[TARIFF_DOC_MAX];
};
static const struct field doc_fields[] = { FIELD(struct doc_row, doc) };
const struct shape tariff_doc_shape = {
	.fields = doc_fields, .n = ARRAY_LEN(doc_fields), .size = sizeof(struct doc_row)
};

static void doc_free(struct doc_row **d)
{
	free(*d);
}

enum err tariff_doc_one(
	struct db *db, const struct query *q, const struct arg *args, size_t n, json_t **out)
{
	AUTO(doc_free) struct doc_row *row = malloc(sizeof(*row));
	enum err e;

	ASSERT(row);
	e = db_one(db, q, args, n, row);
	return e == ERR_OK ? json_parse(row->doc, strlen(row->doc), out, NULL) : e;
}

static const struct query Q_DOC = { "SELECT doc FROM tariff WHERE id = ?", &tariff_doc_shape };

enum err tariff_doc_read(struct db *db, int64_t id, json_t **out)
{
	return tariff_doc_one(db, &Q_DOC, ARGS(arg_i64(id)), out);
}
