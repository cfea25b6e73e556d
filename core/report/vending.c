/* What was paid, and how: from the postings to drawers, bank and payment services. */
#include "report/columns.h"

/* clang-format off */
static const struct column vending_columns_list[] = {
	SITE,
	{ "period",    "日期",       "Period",           COLUMN_TEXT,  0 },
	{ "payments",  "笔数",       "Payments",         COLUMN_COUNT, COLUMN_SUMMED },
	{ "cash",      "现金(元)",   "Cash (yuan)",      COLUMN_MONEY, COLUMN_SUMMED },
	{ "pos",       "刷卡(元)",   "Card (yuan)",      COLUMN_MONEY, COLUMN_SUMMED },
	{ "transfer",  "转账(元)",   "Transfer (yuan)",  COLUMN_MONEY, COLUMN_SUMMED },
	{ "wechat",    "微信(元)",   "WeChat (yuan)",    COLUMN_MONEY, COLUMN_SUMMED },
	{ "alipay",    "支付宝(元)", "Alipay (yuan)",    COLUMN_MONEY, COLUMN_SUMMED },
	{ "other",     "其他(元)",   "Other (yuan)",     COLUMN_MONEY, COLUMN_SUMMED },
	{ "received",  "收款合计(元)", "Received (yuan)", COLUMN_MONEY, COLUMN_SUMMED },
	{ "to_purses", "入账(元)",   "To purses (yuan)", COLUMN_MONEY, COLUMN_SUMMED },
	{ "service",   "服务费(元)", "Service charge (yuan)", COLUMN_MONEY, COLUMN_SUMMED },
	{ "debt",      "还欠(元)",   "Old debt paid (yuan)", COLUMN_MONEY, COLUMN_SUMMED },
	{ "unassigned", "待认领(元)", "Nobody's yet (yuan)", COLUMN_MONEY, COLUMN_SUMMED },
	{ "refunds",   "退款笔数",   "Refunds",          COLUMN_COUNT, COLUMN_SUMMED },
	{ "refunded",  "退款(元)",   "Refunded (yuan)",  COLUMN_MONEY, COLUMN_SUMMED },
	{ "reversals", "冲正笔数",   "Reversals",        COLUMN_COUNT, COLUMN_SUMMED },
	{ "reversed",  "冲正(元)",   "Reversed (yuan)",  COLUMN_MONEY, COLUMN_SUMMED },
	{ "net",       "净收(元)",   "Net (yuan)",       COLUMN_MONEY, COLUMN_SUMMED },
};
COLUMNS(vending_columns);

static const struct column operator_columns_list[] = {
	SITE,
	{ "day",            "日期",           "Day",               COLUMN_DAY,   0 },
	{ "shift",          "班次",           "Shift",             COLUMN_COUNT, 0 },
	{ "operator",       "收银员",         "Operator",          COLUMN_TEXT,  0 },
	{ "opened_at",      "开班",           "Opened",            COLUMN_TIME,  0 },
	{ "closed_at",      "交班",           "Closed",            COLUMN_TIME,  0 },
	{ "sales",          "笔数",           "Sales",             COLUMN_COUNT, COLUMN_SUMMED },
	{ "sales_cash",     "现金收款(元)",   "Cash sales (yuan)", COLUMN_MONEY, COLUMN_SUMMED },
	{ "sales_pos",      "刷卡收款(元)",   "Card sales (yuan)", COLUMN_MONEY, COLUMN_SUMMED },
	{ "sales_transfer", "转账收款(元)",   "Transfer sales (yuan)", COLUMN_MONEY, COLUMN_SUMMED },
	{ "refunded_cash",  "现金退款(元)",   "Cash refunded (yuan)", COLUMN_MONEY, COLUMN_SUMMED },
	{ "reversed_cash",  "现金冲正(元)",   "Cash reversed (yuan)", COLUMN_MONEY, COLUMN_SUMMED },
	{ "other_cash",     "其他现金(元)",   "Other cash (yuan)", COLUMN_MONEY, COLUMN_SUMMED },
	{ "expected",       "应有现金(元)",   "Expected (yuan)",   COLUMN_MONEY, COLUMN_SUMMED },
	{ "counted",        "实点现金(元)",   "Counted (yuan)",    COLUMN_MONEY, COLUMN_SUMMED },
	{ "over_short",     "长短款(元)",     "Over or short (yuan)", COLUMN_MONEY, COLUMN_SUMMED },
};
COLUMNS(operator_columns);

static const struct column purchases_columns_list[] = {
	SITE,
	{ "tenant",    "商户编码",   "Tenant",           COLUMN_TEXT,  0 },
	{ "name",      "商户",       "Name",             COLUMN_TEXT,  0 },
	{ "room",      "房号",       "Room",             COLUMN_TEXT,  COLUMN_ABSENT },
	{ "contract",  "合同",       "Contract",         COLUMN_TEXT,  0 },
	{ "purpose",   "账户",       "Purse",            COLUMN_TEXT,  0 },
	{ "payments",  "充值笔数",   "Payments",         COLUMN_COUNT, COLUMN_SUMMED },
	{ "recharged", "充值(元)",   "Recharged (yuan)", COLUMN_MONEY, COLUMN_SUMMED },
	{ "reversed",  "冲正(元)",   "Reversed (yuan)",  COLUMN_MONEY, COLUMN_SUMMED },
	{ "energy_wh", "用电(kWh)",  "Energy (kWh)",     COLUMN_QTY,   COLUMN_SUMMED | COLUMN_ABSENT },
	{ "volume_l",  "用水(m³)",   "Water (m³)",       COLUMN_QTY,   COLUMN_SUMMED | COLUMN_ABSENT },
	{ "charge",    "用量费用(元)", "Charge (yuan)",  COLUMN_MONEY, COLUMN_SUMMED },
};
COLUMNS(purchases_columns);
/* clang-format on */

/* A sum over postings of a condition. */
#define SUM_IF(when, what) "CAST(SUM(IF(" when ", " what ", 0)) AS SIGNED)"
#define CREDITED "e.kind IN ('recharge', 'sale', 'found')"
/* Also what is nobody's yet, and what a service's bill had more or less than the books. */
#define PAID "e.kind IN ('recharge', 'sale', 'found', 'suspense', 'bill_adjust')"
#define HELD "a.kind IN ('drawer', 'bank', 'clearing')"
#define UNDONE "COALESCE(o.kind IN ('recharge', 'sale', 'suspense', 'bill_adjust'), 0)"
#define REFUNDED "e.kind IN ('refund_paid', 'payout', 'bill_refund')"
#define BACK "(" REFUNDED " OR COALESCE(o.kind IN ('payout', 'bill_refund'), 0))"
#define CAME(where) SUM_IF(PAID " AND " where, "-p.amount_nano")

/* Entries are found by site, kind and day: there are many more of charges. What is undone is undone
 * by an entry of the kind "reversal". */
#define ENTRIES_OF_KIND "entry e FORCE INDEX (site_kind_day)"
#define REVERSED_OF                                                                                \
	" LEFT JOIN reversal r ON r.reversal_id = e.id LEFT JOIN entry o ON o.id = r.entry_id"

/* clang-format off */
#define VENDING(period)                                                                            \
	"SELECT STRAIGHT_JOIN " period " AS period, COUNT(DISTINCT IF(" CREDITED ", e.id, NULL)) AS payments, "  \
	CAME("a.kind = 'drawer'") " AS cash, "                                                     \
	CAME("a.code = 'clearing:pos'") " AS pos, "                                                \
	CAME("a.kind = 'bank'") " AS transfer, "                                                   \
	CAME("a.code = 'clearing:wechat'") " AS wechat, "                                          \
	CAME("a.code = 'clearing:alipay'") " AS alipay, "                                          \
	CAME("a.kind = 'clearing' AND a.code NOT IN ('clearing:pos', 'clearing:wechat',"           \
		" 'clearing:alipay')") " AS other, "                                               \
	CAME(HELD) " AS received, "                                                                \
	SUM_IF(PAID, "-p.amount_nano") " AS to_purses, "                                           \
	SUM_IF(PAID " AND a.kind = 'service'", "p.amount_nano") " AS service, "                    \
	SUM_IF(PAID " AND a.kind = 'debt'", "p.amount_nano") " AS debt, "                          \
	SUM_IF(PAID " AND a.kind = 'suspense'", "p.amount_nano") " AS unassigned,"                 \
	" COUNT(DISTINCT IF(" REFUNDED " AND " HELD ", e.id, NULL))"                               \
	" AS refunds, "                                                                            \
	SUM_IF(BACK " AND " HELD, "p.amount_nano") " AS refunded,"                                 \
	" COUNT(DISTINCT IF(" UNDONE " AND " HELD ", e.id, NULL)) AS reversals, "                  \
	SUM_IF(UNDONE " AND " HELD, "p.amount_nano") " AS reversed, "                              \
	SUM_IF(HELD, "-p.amount_nano") " AS net"                                                   \
	" FROM " ENTRIES_OF_KIND " JOIN posting p ON p.entry_id = e.id"                            \
	" JOIN account a ON a.id = p.account_id" REVERSED_OF                                       \
	" WHERE e.site_id = ? AND e.kind IN ('recharge', 'sale', 'found', 'suspense',"             \
	" 'bill_adjust', 'refund_paid', 'payout', 'bill_refund', 'reversal')"                      \
	" AND e.book_day BETWEEN ? AND ?"                                                          \
	" AND a.kind IN ('drawer', 'bank', 'clearing', 'service', 'debt', 'suspense')"             \
	" AND (" PAID " OR " BACK " OR " UNDONE ") GROUP BY 1 ORDER BY 1"
/* clang-format on */

const char vending_day_sql[] = VENDING("CAST(e.book_day AS CHAR)");
const char vending_month_sql[] = VENDING("LEFT(e.book_day, 7)");
const char vending_year_sql[] = VENDING("LEFT(e.book_day, 4)");

/* Shifts by the book day of their closing, so that a day that is over gets no further ones. */
#define DRAWER(when, sign)                                                                         \
	"CAST(COALESCE(SUM(IF(" when ", " sign "p.amount_nano, 0)), 0) AS SIGNED) AS "
#define SOLD(method)                                                                               \
	"(SELECT CAST(COALESCE(SUM(s.total_fen), 0) * 10000000 AS SIGNED) FROM sale s"             \
	" WHERE s.shift_id = h.id AND s.method = '" method "') AS "
/* clang-format off */
const char operator_sql[] =
	"SELECT e.book_day AS day, h.id AS shift, IF(u.name = '', u.username, u.name) AS operator,"
	" h.opened_at, h.closed_at, (SELECT COUNT(*) FROM sale s WHERE s.shift_id = h.id) AS sales, "
	DRAWER("x.kind = 'sale'", "-") "sales_cash, "
	SOLD("pos") "sales_pos, "
	SOLD("transfer") "sales_transfer, "
	DRAWER("x.kind IN ('refund_paid', 'payout')", "") "refunded_cash, "
	DRAWER("x.kind = 'reversal'", "") "reversed_cash, "
	DRAWER("x.kind NOT IN ('sale', 'refund_paid', 'payout', 'reversal', 'shift')", "-") "other_cash, "
	DRAWER("x.kind <> 'shift'", "-") "expected, h.counted_fen * 10000000 AS counted,"
	" (SELECT CAST(COALESCE(SUM(q.amount_nano), 0) AS SIGNED) FROM posting q"
	" JOIN account b ON b.id = q.account_id AND b.code = 'over_short' WHERE q.entry_id = e.id)"
	" AS over_short"
	" FROM shift h JOIN entry e ON e.once_key = CONCAT('shift:', h.id) AND e.kind = 'shift'"
	" JOIN user u ON u.id = h.user_id LEFT JOIN account d ON d.code = CONCAT('drawer:', h.id)"
	" LEFT JOIN posting p ON p.account_id = d.id LEFT JOIN entry x ON x.id = p.entry_id"
	" WHERE e.site_id = ? AND e.book_day BETWEEN ? AND ?"
	" GROUP BY h.id ORDER BY e.book_day, h.id";
/* clang-format on */

/* clang-format off */
const char purchases_sql[] =
	"SELECT t.code AS tenant, t.name, t.room, c.code AS contract, a.purpose, x.payments,"
	" x.recharged, x.reversed,"
	" IF(a.purpose = 'electricity', x.qty, " REPORT_NONE_SQL ") AS energy_wh,"
	" IF(a.purpose = 'water', x.qty, " REPORT_NONE_SQL ") AS volume_l, x.charge FROM ("
	"SELECT y.account_id, CAST(SUM(y.payments) AS SIGNED) AS payments,"
	" CAST(SUM(y.recharged) AS SIGNED) AS recharged, CAST(SUM(y.reversed) AS SIGNED) AS "
	"reversed,"
	" CAST(SUM(y.qty) AS SIGNED) AS qty, CAST(SUM(y.charge) AS SIGNED) AS charge FROM ("
	"SELECT STRAIGHT_JOIN p.account_id, COUNT(DISTINCT IF(" CREDITED
	", e.id, NULL)) AS payments,"
	" SUM(IF(" CREDITED ", p.amount_nano, 0)) AS recharged,"
	" SUM(IF(" CREDITED ", 0, p.amount_nano)) AS reversed, 0 AS qty, 0 AS charge"
	" FROM " ENTRIES_OF_KIND REVERSED_OF " JOIN posting p ON p.entry_id = e.id"
	" JOIN account z ON z.id = p.account_id AND z.kind = 'purse' WHERE e.site_id = ?"
	" AND e.kind IN ('recharge', 'sale', 'found', 'reversal') AND e.book_day BETWEEN ? AND ?"
	" AND (" CREDITED " OR " UNDONE ") GROUP BY 1"
	" UNION ALL SELECT account_id, 0, 0, 0, SUM(qty_milli), SUM(charge_nano)"
	" FROM usage_month WHERE " IN_MONTHS " AND account_id > 0 GROUP BY 1"
	" UNION ALL SELECT u.account_id, 0, 0, 0, SUM(u.qty_milli), SUM(u.charge_nano)"
	" FROM usage_day u WHERE u.account_id > 0 AND " IN_DAYS
	" GROUP BY 1) y GROUP BY y.account_id) x"
	" JOIN account a ON a.id = x.account_id JOIN contract c ON c.id = a.contract_id"
	" JOIN tenant t ON t.id = c.tenant_id WHERE t.site_id = ?" SEES_CONTRACT("t.site_id", "c.id") " ORDER BY t.code, a.id";
/* clang-format on */
