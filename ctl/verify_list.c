#include "ctl/verify_list.h"

#define F(member) FIELD(struct finding, member)
static const struct field finding_fields[] = { F(object), F(have), F(want) };
#undef F
const struct shape finding_shape = { finding_fields, ARRAY_LEN(finding_fields),
	sizeof(struct finding) };

#define LAST(table)                                                                                \
	{                                                                                          \
		"SELECT COALESCE(MAX(id), 0) AS id FROM " table, &id_shape                         \
	}
static const struct {
	struct query last;
	int64_t step;
} spans[] = {
	[ALONG_ENTRY] = { LAST("entry"), 5000 },
	[ALONG_ACCOUNT] = { LAST("account"), 64 },
	[ALONG_METER] = { LAST("meter"), 4 },
	[ALONG_POINT] = { LAST("supply_point"), 1000 },
	[ALONG_CONTRACT] = { LAST("contract"), 1000 },
	[ALONG_TARIFF] = { LAST("tariff"), 10 },
	[ALONG_ORDER] = { LAST("pay_order"), 5000 },
	[ALONG_SALE] = { LAST("sale"), 5000 },
	[ALONG_SHIFT] = { LAST("shift"), 500 },
	[ALONG_REFUND] = { LAST("refund"), 2000 },
	[ALONG_APPROVAL] = { LAST("approval"), 2000 },
	[ALONG_BILL] = { LAST("reconciliation"), 10 },
	[ALONG_DIFFERENCE] = { LAST("bill_difference"), 1000 },
	[ALONG_PAYOUT] = { LAST("service_payout"), 1000 },
	[ALONG_PURCHASE] = { LAST("purchase"), 2000 },
	[ALONG_FEE] = { LAST("contract_fee"), 500 },
	[ALONG_SHARE] = { LAST("share_group"), 1 },
	[ALONG_UNMATCHED] = { LAST("pay_unmatched"), 2000 },
	[ALONG_MESSAGE] = { LAST("outbox"), 5000 },
};

static enum err window_run(
	struct db *db, const struct check *c, int64_t after, int64_t upto, json_t *findings)
{
	AUTO(rows_free) struct rows rows = { 0 };
	enum err e = db_list(db, &c->query, ARGS(arg_i64(after), arg_i64(upto)), &rows);
	const struct finding *f = rows.at;

	for (size_t i = 0; e == ERR_OK && i < rows.n; i++)
		finding_add(findings, c->name, f[i].object, f[i].have, f[i].want);
	return e;
}

enum err checks_run(struct db *db, const struct check *checks, size_t n, json_t *findings)
{
	enum err e = ERR_OK;

	for (size_t i = 0; e == ERR_OK && i < n; i++) {
		int64_t step = spans[checks[i].along].step;
		struct id_row last = { 0 };

		e = db_one(db, &spans[checks[i].along].last, NO_ARGS, &last);
		for (int64_t after = 0; e == ERR_OK && after < last.id; after += step)
			e = window_run(db, &checks[i], after, after + step, findings);
	}
	return e;
}
