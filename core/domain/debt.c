#include "domain/debt.h"

#include <inttypes.h>
#include <stdio.h>

#include "domain/ledger.h"

#define CAP_MAX_FEN INT64_C(100000000)

struct terms_row {
	int64_t permille;
	int64_t cap_fen;
};
SHAPE(terms_shape, struct terms_row, FIELD(struct terms_row, permille),
	FIELD(struct terms_row, cap_fen));
static const struct query Q_GET = {
	"SELECT permille, cap_fen FROM contract_debt WHERE contract_id = ?", &terms_shape
};
static const struct query Q_LOCK = {
	"SELECT permille, cap_fen FROM contract_debt WHERE contract_id = ? FOR UPDATE", &terms_shape
};
static const struct query Q_CONTRACT = {
	"SELECT c.id FROM contract c JOIN tenant t ON t.id = c.tenant_id"
	" WHERE c.id = ? AND ? IN (0, t.site_id)",
	&id_shape
};
static const struct query Q_OPEN_LOCK = {
	"SELECT id FROM contract WHERE id = ? AND end_at = 0 FOR UPDATE", &id_shape
};
static const struct query Q_SET = {
	"INSERT INTO contract_debt (contract_id, permille, cap_fen) VALUES (?, ?, ?)"
	" ON DUPLICATE KEY UPDATE permille = VALUES(permille), cap_fen = VALUES(cap_fen)",
	NULL
};

const char *debt_code(int64_t contract_id, char buf[static DEBT_CODE_MAX])
{
	snprintf(buf, DEBT_CODE_MAX, "debt:%" PRId64, contract_id);
	return buf;
}

static enum err owed(struct db *db, int64_t contract_id, struct money *out)
{
	char code[DEBT_CODE_MAX];
	struct money sum;
	enum err e = ledger_sum(db, debt_code(contract_id, code), &sum);

	return e == ERR_OK ? money_sub((struct money){ 0 }, sum, out) : e;
}

static enum err read(struct db *db, const struct query *q, int64_t contract_id, struct debt *out)
{
	struct terms_row row = { 0 };
	struct debt d = { .contract_id = contract_id };
	enum err e = db_one(db, q, ARGS(arg_i64(contract_id)), &row);

	if (e == ERR_OK || e == ERR_NOT_FOUND)
		e = owed(db, contract_id, &d.owed);
	if (e != ERR_OK)
		return e;
	d.permille = row.permille;
	d.cap_fen = row.cap_fen;
	*out = d;
	return ERR_OK;
}

enum err debt_get(struct db *db, int64_t site_id, int64_t contract_id, struct debt *out)
{
	struct id_row found;
	enum err e = db_one(db, &Q_CONTRACT, ARGS(arg_i64(contract_id), arg_i64(site_id)), &found);

	return e == ERR_OK ? read(db, &Q_GET, contract_id, out) : e;
}

enum err debt_terms(struct db *db, int64_t contract_id, struct split_terms *t)
{
	struct debt d;
	enum err e;

	ASSERT(db_in_tx(db));
	e = read(db, &Q_LOCK, contract_id, &d);
	if (e != ERR_OK)
		return e;
	t->debt_permille = d.permille;
	t->debt_cap_fen = d.cap_fen;
	t->debt_left_fen = d.owed.nano > 0 ? d.owed.nano / NANO_PER_FEN : 0;
	return ERR_OK;
}

enum err debt_agree(
	struct db *db, int64_t contract_id, int64_t permille, int64_t cap_fen, struct problem *why)
{
	struct id_row open;
	enum err e;

	if (permille < 0 || permille > 1000)
		return problem_set(why, ERR_OUT_OF_RANGE, "permille", "from 0 to 1000");
	if (cap_fen < 0 || cap_fen > CAP_MAX_FEN)
		return problem_set(
			why, ERR_OUT_OF_RANGE, "cap_fen", "from 0 to %" PRId64, CAP_MAX_FEN);
	e = db_one(db, &Q_OPEN_LOCK, ARGS(arg_i64(contract_id)), &open);
	if (e == ERR_NOT_FOUND)
		return problem_set(why, ERR_CONFLICT, "id", "the contract is closed");
	return e == ERR_OK
		       ? db_exec(db, &Q_SET,
				 ARGS(arg_i64(contract_id), arg_i64(permille), arg_i64(cap_fen)),
				 NULL)
		       : e;
}
