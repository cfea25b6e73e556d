#include "ctl/verify_list.h"

#include "base/clock.h"

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
	[ALONG_INVOICE] = { LAST("invoice"), 2000 },
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

#define QUICK_MS 20
#define SLOW_MS 100
#define WIDEST 16 /* times the first step */

/* Windows widen while they are quick: ids have gaps, and most malls are small. */
static int64_t next_step(int64_t step, int64_t first, int64_t took_ms)
{
	if (took_ms < QUICK_MS && step < first * WIDEST)
		return step * 2;
	return took_ms > SLOW_MS && step > first ? step / 2 : step;
}

static enum err check_run(struct db *db, const struct check *c, int64_t last, json_t *findings)
{
	int64_t first = spans[c->along].step, step = first;
	enum err e = ERR_OK;

	for (int64_t after = 0; e == ERR_OK && after < last;) {
		int64_t began = mono_ms();

		e = window_run(db, c, after, after + step, findings);
		after += step;
		step = next_step(step, first, mono_ms() - began);
	}
	return e;
}

/* Nothing is added meanwhile: all of it sees one moment. */
enum err checks_run(struct db *db, const struct check *checks, size_t n, json_t *findings)
{
	int64_t last[ARRAY_LEN(spans)];
	enum err e = ERR_OK;

	for (size_t i = 0; i < ARRAY_LEN(last); i++)
		last[i] = -1; /* not asked for yet */
	for (size_t i = 0; e == ERR_OK && i < n; i++) {
		enum along along = checks[i].along;
		struct id_row row = { 0 };

		if (last[along] < 0) {
			e = db_one(db, &spans[along].last, NO_ARGS, &row);
			last[along] = row.id;
		}
		if (e == ERR_OK)
			e = check_run(db, &checks[i], last[along], findings);
	}
	return e;
}
