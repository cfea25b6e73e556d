/* The report of energy and money as rows of columns. A row that does not tie is not shown. */
#include "report/energy_money.h"

#include <inttypes.h>

#include "base/log.h"
#include "report/columns.h"

/* clang-format off */
enum { EM_PURSE = 1, EM_TENANT, EM_ROOM, EM_PURPOSE, EM_METERS, EM_FROM, EM_TO, EM_ENERGY, EM_VOLUME,
	EM_OPENING, EM_MOVES, EM_CLOSING = EM_MOVES + MOVE__MAX };
static const struct column energy_money_columns_list[] = {
	SITE,
	[EM_PURSE]   = { "account_id", "账户号",   "Purse",   COLUMN_COUNT, 0 },
	[EM_TENANT]  = { "tenant",     "商户",     "Tenant",  COLUMN_TEXT,  0 },
	[EM_ROOM]    = { "room",       "房号",     "Room",    COLUMN_TEXT,  COLUMN_ABSENT },
	[EM_PURPOSE] = { "purpose",    "账户",     "For",     COLUMN_TEXT,  0 },
	[EM_METERS]  = { "meters",     "表计及起止读数", "Meters and registers", COLUMN_TEXT, COLUMN_ABSENT },
	[EM_FROM]    = { "opening_register", "期初读数", "Opening register", COLUMN_QTY, COLUMN_ABSENT },
	[EM_TO]      = { "closing_register", "期末读数", "Closing register", COLUMN_QTY, COLUMN_ABSENT },
	[EM_ENERGY]  = { "energy_wh",  "用电(kWh)", "Energy (kWh)", COLUMN_QTY, COLUMN_SUMMED | COLUMN_ABSENT },
	[EM_VOLUME]  = { "volume_l",   "用水(m³)", "Water (m³)", COLUMN_QTY, COLUMN_SUMMED | COLUMN_ABSENT },
	[EM_OPENING] = { "opening",    "期初余额(元)", "Opening (yuan)", COLUMN_MONEY, COLUMN_SUMMED },
	[EM_MOVES + MOVE_RECHARGE]   = { "recharge",   "充值(元)",   "Recharges (yuan)",   COLUMN_MONEY, COLUMN_SUMMED },
	[EM_MOVES + MOVE_SUBSIDY]    = { "subsidy",    "补贴(元)",   "Subsidies (yuan)",   COLUMN_MONEY, COLUMN_SUMMED },
	[EM_MOVES + MOVE_TRANSFER]   = { "transfer",   "转移(元)",   "Transfers (yuan)",   COLUMN_MONEY, COLUMN_SUMMED },
	[EM_MOVES + MOVE_ENERGY]     = { "energy",     "用量费用(元)", "Charges (yuan)",   COLUMN_MONEY, COLUMN_SUMMED },
	[EM_MOVES + MOVE_SHARE]      = { "share",      "公摊(元)",   "Shares (yuan)",      COLUMN_MONEY, COLUMN_SUMMED },
	[EM_MOVES + MOVE_FEE]        = { "fee",        "物业费(元)", "Fees (yuan)",        COLUMN_MONEY, COLUMN_SUMMED },
	[EM_MOVES + MOVE_REFUND]     = { "refund",     "退款(元)",   "Refunds (yuan)",     COLUMN_MONEY, COLUMN_SUMMED },
	[EM_MOVES + MOVE_LATE]       = { "late",       "补计费用(元)", "Late charges (yuan)", COLUMN_MONEY, COLUMN_SUMMED },
	[EM_MOVES + MOVE_CORRECTION] = { "correction", "更正(元)",   "Corrections (yuan)", COLUMN_MONEY, COLUMN_SUMMED },
	[EM_MOVES + MOVE_REVERSAL]   = { "reversal",   "冲正(元)",   "Reversals (yuan)",   COLUMN_MONEY, COLUMN_SUMMED },
	[EM_CLOSING] = { "closing",    "期末余额(元)", "Closing (yuan)", COLUMN_MONEY, COLUMN_SUMMED },
};
COLUMNS(energy_money_columns);
/* clang-format on */

/* opening + all that moved = closing, to the last nano-yuan. */
static enum err check(const struct energy_money_row *row)
{
	struct money sum = row->opening;
	enum err e = ERR_OK;

	for (unsigned i = 0; e == ERR_OK && i < MOVE__MAX; i++)
		e = money_add(sum, row->moves[i], &sum);
	if (e == ERR_OK && sum.nano != row->closing.nano) {
		log_error("report=energy-money account=%" PRId64 " have=%" PRId64 " want=%" PRId64,
			row->account_id, row->closing.nano, sum.nano);
		e = ERR_INTERNAL;
	}
	return e;
}

/* Purses in which nothing lay and nothing moved: also those that came into being later. */
static bool is_empty(const struct energy_money_row *row)
{
	for (unsigned i = 0; i < MOVE__MAX; i++)
		if (row->moves[i].nano)
			return false;
	return !row->opening.nano && !row->closing.nano && !row->qty.milli;
}

static void register_add(struct buf *b, int64_t milli)
{
	if (milli == REPORT_NONE)
		buf_adds(b, "-");
	else
		buf_printf(b, "%" PRId64 ".%03" PRId64, milli / 1000, milli % 1000);
}

/* "A01 12.345 15.000; A02 …", and the registers of an only one as numbers. */
static void meters_tell(struct report_run *r, const struct energy_money_meter *m, size_t n)
{
	AUTO(buf_free) struct buf b = { 0 };

	for (size_t i = 0; i < n; i++) {
		buf_printf(&b, "%s%s ", i ? "; " : "", m[i].code);
		register_add(&b, m[i].opening_register.milli);
		buf_adds(&b, " ");
		register_add(&b, m[i].closing_register.milli);
	}
	report_text(r, EM_METERS, n ? b.text : "");
	r->cells->n[EM_FROM] = n == 1 ? m->opening_register.milli : REPORT_NONE;
	r->cells->n[EM_TO] = n == 1 ? m->closing_register.milli : REPORT_NONE;
}

static enum err row_put(struct report_run *r, const struct energy_money_row *row,
	const struct energy_money_meter *m, size_t meters)
{
	int64_t *n = r->cells->n;

	report_text(r, EM_TENANT, row->tenant);
	report_text(r, EM_ROOM, row->room);
	report_text(r, EM_PURPOSE, row->purpose);
	meters_tell(r, m, meters);
	n[EM_PURSE] = row->account_id;
	n[EM_ENERGY] = str_eq(row->purpose, "electricity") ? row->qty.milli : REPORT_NONE;
	n[EM_VOLUME] = str_eq(row->purpose, "water") ? row->qty.milli : REPORT_NONE;
	n[EM_OPENING] = row->opening.nano;
	for (unsigned i = 0; i < MOVE__MAX; i++)
		n[EM_MOVES + i] = row->moves[i].nano;
	n[EM_CLOSING] = row->closing.nano;
	return report_row(r);
}

enum err energy_money_rows(struct report_run *r)
{
	AUTO(energy_money_free) struct energy_money report = { 0 };
	enum err e = energy_money(r->db, r->site.id, r->scope, r->from, r->to, &report);
	const struct energy_money_row *row = report.rows.at;
	const struct energy_money_meter *m = report.meters.at;
	size_t at = 0, n;

	for (size_t i = 0; e == ERR_OK && i < report.rows.n; i++) {
		while (at < report.meters.n && m[at].account_id < row[i].account_id)
			at++;
		for (n = 0; at + n < report.meters.n && m[at + n].account_id == row[i].account_id;)
			n++;
		e = check(&row[i]);
		if (e == ERR_OK && !is_empty(&row[i]))
			e = row_put(r, &row[i], &m[at], n);
	}
	return e;
}
