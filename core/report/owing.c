/* Shared energy, fees, and who owes. */
#include <stdlib.h>
#include <string.h>

#include "report/columns.h"

/* clang-format off */
static const struct column shares_columns_list[] = {
	SITE,
	{ "run_at",    "分摊时间",       "Shared at",     COLUMN_TIME,  0 },
	{ "group",     "公摊组",         "Group",         COLUMN_TEXT,  0 },
	{ "day",       "用能日期",       "Day of use",    COLUMN_DAY,   0 },
	{ "version",   "版本",           "Version",       COLUMN_COUNT, 0 },
	{ "basis",     "依据",           "Basis",         COLUMN_TEXT,  0 },
	{ "tenant",    "商户编码",       "Tenant",        COLUMN_TEXT,  COLUMN_ABSENT },
	{ "name",      "商户",           "Name",          COLUMN_TEXT,  COLUMN_ABSENT },
	{ "room",      "房号",           "Room",          COLUMN_TEXT,  COLUMN_ABSENT },
	{ "weight",    "权重",           "Weight",        COLUMN_COUNT, COLUMN_ABSENT },
	{ "of_weight", "总权重",         "of",            COLUMN_COUNT, COLUMN_ABSENT },
	{ "of_wh",     "待摊电量(kWh)",  "Shared energy (kWh)", COLUMN_QTY, COLUMN_ABSENT },
	{ "energy_wh", "分摊电量(kWh)",  "Energy (kWh)",  COLUMN_QTY,   COLUMN_ABSENT },
	{ "of_l",      "待摊水量(m³)",   "Shared water (m³)", COLUMN_QTY, COLUMN_ABSENT },
	{ "volume_l",  "分摊水量(m³)",   "Water (m³)",    COLUMN_QTY,   COLUMN_ABSENT },
	{ "of_charge", "待摊费用(元)",   "Shared charge (yuan)", COLUMN_MONEY, 0 },
	{ "charge",    "分摊费用(元)",   "Charge (yuan)", COLUMN_MONEY, 0 },
	{ "booked",    "本次入账(元)",   "Booked (yuan)", COLUMN_MONEY, COLUMN_SUMMED },
};
COLUMNS(shares_columns);

static const struct column fees_columns_list[] = {
	SITE,
	{ "day",         "入账日期",     "Booked on",     COLUMN_DAY,   0 },
	{ "month",       "月份",         "Month",         COLUMN_TEXT,  0 },
	{ "tenant",      "商户编码",     "Tenant",        COLUMN_TEXT,  0 },
	{ "name",        "商户",         "Name",          COLUMN_TEXT,  0 },
	{ "room",        "房号",         "Room",          COLUMN_TEXT,  COLUMN_ABSENT },
	{ "contract",    "合同",         "Contract",      COLUMN_TEXT,  0 },
	{ "kind",        "费用",         "Fee",           COLUMN_TEXT,  0 },
	{ "monthly_fen", "月费(元)",     "A month (yuan)", COLUMN_FEN,  0 },
	{ "days",        "天数",         "Days",          COLUMN_COUNT, 0 },
	{ "version",     "版本",         "Version",       COLUMN_COUNT, 0 },
	{ "amount_fen",  "金额(元)",     "Amount (yuan)", COLUMN_FEN,   COLUMN_SUMMED },
};
COLUMNS(fees_columns);

enum { DEBT_TENANT = 1, DEBT_NAME, DEBT_ROOM, DEBT_CONTRACT, DEBT_WHAT, DEBT_OWED, DEBT_SINCE, DEBT_AGE,
	DEBT_30, DEBT_90, DEBT_OLD };
static const struct column debtors_columns_list[] = {
	SITE,
	[DEBT_TENANT]   = { "tenant",   "商户编码",     "Tenant",     COLUMN_TEXT,  0 },
	[DEBT_NAME]     = { "name",     "商户",         "Name",       COLUMN_TEXT,  0 },
	[DEBT_ROOM]     = { "room",     "房号",         "Room",       COLUMN_TEXT,  COLUMN_ABSENT },
	[DEBT_CONTRACT] = { "contract", "合同",         "Contract",   COLUMN_TEXT,  0 },
	[DEBT_WHAT]     = { "what",     "欠费类型",     "What",       COLUMN_TEXT,  0 },
	[DEBT_OWED]     = { "owed",     "欠费(元)",     "Owed (yuan)", COLUMN_MONEY, COLUMN_SUMMED },
	[DEBT_SINCE]    = { "since",    "起欠日",       "Since",      COLUMN_DAY,   0 },
	[DEBT_AGE]      = { "age_days", "账龄(天)",     "Age (days)", COLUMN_COUNT, 0 },
	[DEBT_30]       = { "to_30",    "30天内(元)",   "to 30 days (yuan)", COLUMN_MONEY, COLUMN_SUMMED },
	[DEBT_90]       = { "to_90",    "31至90天(元)", "31 to 90 days (yuan)", COLUMN_MONEY, COLUMN_SUMMED },
	[DEBT_OLD]      = { "over_90",  "90天以上(元)", "over 90 days (yuan)", COLUMN_MONEY, COLUMN_SUMMED },
};
COLUMNS(debtors_columns);

/* By the time of the run, so that a day that is over gets no further rows; the owner is the row
 * without a tenant. */
#define OF(utility, what) "IF(x.utility = '" utility "', " what ", " REPORT_NONE_SQL ") AS "
#define RUNS                                                                                       \
	" FROM share_run r JOIN share_group g ON g.id = r.group_id"
#define RUN "r.run_at, g.id, g.name AS share, g.utility, g.basis, r.day, r.version, r.qty_milli AS of_qty," \
	" r.charge_nano AS of_charge, "
const char shares_sql[] =
	"SELECT x.run_at, x.share AS `group`, x.day, x.version, x.basis, COALESCE(t.code, '') AS tenant,"
	" COALESCE(t.name, '') AS name, COALESCE(t.room, '') AS room, x.weight, x.of_weight, "
	OF("electricity", "x.of_qty") "of_wh, " OF("electricity", "x.qty") "energy_wh, "
	OF("water", "x.of_qty") "of_l, " OF("water", "x.qty") "volume_l,"
	" x.of_charge, x.charge, x.booked FROM ("
	"SELECT g.site_id, " RUN "s.contract_id, s.weight, s.of_weight, s.qty_milli AS qty, s.charge_nano AS charge,"
	" (SELECT CAST(COALESCE(-SUM(q.amount_nano), 0) AS SIGNED) FROM posting q"
	" WHERE q.entry_id = s.entry_id AND q.account_id = s.account_id) AS booked" RUNS
	" JOIN share_part s ON s.group_id = r.group_id AND s.day = r.day AND s.version = r.version"
	" WHERE g.site_id = ? AND r.run_at >= ? AND r.run_at < ?"
	" UNION ALL SELECT g.site_id, " RUN "0, " REPORT_NONE_SQL ", " REPORT_NONE_SQL ", r.owner_milli, r.owner_nano, 0" RUNS
	" WHERE g.site_id = ? AND r.run_at >= ? AND r.run_at < ?"
	") x LEFT JOIN contract c ON c.id = x.contract_id LEFT JOIN tenant t ON t.id = c.tenant_id"
	" WHERE ? IN (x.site_id, " SEEN_CONTRACT("x.contract_id") ") ORDER BY x.run_at, x.id, x.day, x.version, x.contract_id";

const char fees_sql[] =
	"SELECT STRAIGHT_JOIN e.book_day AS day, f.month, t.code AS tenant, t.name, t.room, c.code AS contract, k.kind,"
	" k.monthly_fen, f.days, f.version, f.amount_fen FROM entry e FORCE INDEX (site_kind_day)"
	" JOIN fee_charge f ON f.entry_id = e.id JOIN contract_fee k ON k.id = f.contract_fee_id"
	" JOIN contract c ON c.id = k.contract_id JOIN tenant t ON t.id = c.tenant_id"
	" WHERE e.site_id = ? AND e.kind IN ('property_fee', 'rent') AND e.book_day BETWEEN ? AND ?" SEES_CONTRACT("e.site_id", "c.id")
	" ORDER BY e.book_day, t.code, k.id, f.month, f.version";
/* clang-format on */

/* ---- debtors, at the end of the last day asked for ---- */

struct debtor {
	int64_t account_id;
	char tenant[129];
	char name[257];
	char room[129];
	char contract[129];
	char what[16];
	struct money balance;
};
#define F(member) FIELD(struct debtor, member)
SHAPE(debtor_shape, struct debtor, F(account_id), F(tenant), F(name), F(room), F(contract), F(what),
	F(balance));
#undef F
/* Purses below zero, and old debt that was agreed: both are negative where something is owed. */
/* clang-format off */
static const struct query Q_DEBTORS = {
	"SELECT x.account_id, t.code AS tenant, t.name, t.room, c.code AS contract,"
	" IF(a.kind = 'debt', 'debt', a.purpose) AS what, CAST(SUM(x.amount) AS SIGNED) AS balance"
	" FROM (SELECT account_id, SUM(amount_nano) AS amount FROM posting_month"
	" WHERE " IN_MONTHS " GROUP BY 1"
	" UNION ALL SELECT p.account_id, SUM(p.amount_nano) FROM entry e"
	" JOIN posting p ON p.entry_id = e.id JOIN account b ON b.id = p.account_id"
	" WHERE e.site_id = ? AND " DAYS_LEFT("e.book_day") " AND b.kind IN ('purse', 'debt') GROUP BY 1"
	" UNION ALL SELECT u.account_id, -SUM(u.charge_nano) FROM usage_day u"
	" WHERE u.account_id > 0 AND u.sealed = 0 AND u.book_day <= ? GROUP BY 1) x"
	" JOIN account a ON a.id = x.account_id JOIN contract c"
	" ON c.id = IF(a.kind = 'debt', CAST(SUBSTRING(a.code, 6) AS SIGNED), a.contract_id)"
	" JOIN tenant t ON t.id = c.tenant_id WHERE t.site_id = ?" SEES_CONTRACT("t.site_id", "c.id")
	" GROUP BY x.account_id HAVING SUM(x.amount) < 0 ORDER BY t.code, c.code, what",
	&debtor_shape
};
/* clang-format on */

struct flow {
	char day[DAY_TEXT_MAX];
	struct money amount;
};
SHAPE(flow_shape, struct flow, FIELD(struct flow, day), FIELD(struct flow, amount));
static const struct query Q_FLOWS = {
	"SELECT x.day, CAST(SUM(x.amount) AS SIGNED) AS amount FROM ("
	"SELECT e.book_day AS day, p.amount_nano AS amount FROM posting p"
	" JOIN entry e ON e.id = p.entry_id WHERE p.account_id = ? AND e.book_day <= ?"
	" UNION ALL SELECT u.book_day, -u.charge_nano FROM usage_day u"
	" WHERE u.account_id = ? AND u.sealed = 0 AND u.book_day <= ?) x"
	" GROUP BY x.day ORDER BY x.day",
	&flow_shape
};

struct owing {
	struct flow flow;
	struct money balance;
	char since[DAY_TEXT_MAX]; /* the day at whose end it was below zero, and ever since */
};

static enum err take_flow(void *ctx)
{
	struct owing *o = ctx;
	bool owed = o->balance.nano < 0;
	enum err e = money_add(o->balance, o->flow.amount, &o->balance);

	if (!owed)
		memcpy(o->since, o->flow.day, sizeof(o->since));
	return e;
}

static enum err debtor_row(struct report_run *r, const struct debtor *d)
{
	struct arg id = arg_i64(d->account_id), last = arg_text(r->last);
	struct owing o = { 0 };
	struct day since;
	int64_t age, *n = r->cells->n;
	enum err e = db_each(r->db, &Q_FLOWS, ARGS(id, last, id, last), &o.flow, take_flow, &o);

	if (e == ERR_OK)
		e = day_parse(o.since, &since);
	if (e != ERR_OK)
		return e;
	age = r->to.days - since.days;
	report_text(r, DEBT_TENANT, d->tenant);
	report_text(r, DEBT_NAME, d->name);
	report_text(r, DEBT_ROOM, d->room);
	report_text(r, DEBT_CONTRACT, d->contract);
	report_text(r, DEBT_WHAT, d->what);
	report_text(r, DEBT_SINCE, o.since);
	n[DEBT_OWED] = -d->balance.nano;
	n[DEBT_AGE] = age;
	n[DEBT_30] = age <= 30 ? n[DEBT_OWED] : 0;
	n[DEBT_90] = age > 30 && age <= 90 ? n[DEBT_OWED] : 0;
	n[DEBT_OLD] = age > 90 ? n[DEBT_OWED] : 0;
	return report_row(r);
}

enum err debtors_rows(struct report_run *r)
{
	AUTO(rows_free) struct rows debtors = { 0 };
	struct arg site = arg_i64(r->site.id), last = arg_text(r->last);
	struct report_sums s;
	const struct debtor *d;
	enum err e = report_sums_find(r->db, r->site.id, day_of(1000, 1, 1), r->to, &s);

	if (e == ERR_OK)
		e = db_list(r->db, &Q_DEBTORS,
			ARGS(site, arg_i64(s.first), arg_i64(s.last), site, arg_text(s.head_first),
				arg_text(s.head_last), arg_text(s.tail_first),
				arg_text(s.tail_last), last, site, arg_i64(r->scope)),
			&debtors);
	d = debtors.at;
	for (size_t i = 0; e == ERR_OK && i < debtors.n; i++)
		e = debtor_row(r, &d[i]);
	return e;
}
