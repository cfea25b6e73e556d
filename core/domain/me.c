#include "domain/me.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rules/tariff.h"

#define F(member) FIELD(struct me_account, member)
SHAPE(account_shape, struct me_account, F(id), F(site_id), F(purpose), F(tenant_id), F(tenant_code),
	F(tenant_name), F(room), F(zone), F(balance), F(subsidy), F(credit_limit), F(warn_unit),
	F(warn1), F(warn2), F(qty1), F(qty2), F(level), F(emergency_limit), F(emergency_at),
	F(meter_id), F(meter_code), F(meter_name), F(serial), F(utility), F(area), F(contract_id),
	F(supply_point_id), F(switchable), F(desired), F(desired_reason), F(observed),
	F(observed_since), F(comm), F(read_at), F(last_amount_fen), F(told_at));
#undef F

/* The first meter that an account pays for now. */
#define FIRST_METER                                                                                \
	" LEFT JOIN meter m ON m.id = (SELECT MIN(m2.id) FROM contract_point cp"                   \
	" JOIN meter m2 ON m2.supply_point_id = cp.supply_point_id"                                \
	" WHERE cp.account_id = a.id AND cp.to_at = 0)"                                            \
	" LEFT JOIN supply_point p ON p.id = m.supply_point_id"                                    \
	" LEFT JOIN meter_state s ON s.meter_id = m.id"

static const struct query Q_ACCOUNTS = {
	"SELECT a.id, t.site_id, a.purpose, t.id AS tenant_id, t.code AS tenant_code, t.name AS "
	"tenant_name,"
	" t.room, st.zone, a.balance_nano AS balance, a.subsidy_nano AS subsidy,"
	" a.credit_limit_nano AS credit_limit,"
	" a.warn_unit, a.warn1_nano AS warn1, a.warn2_nano AS warn2,"
	" a.warn1_milli AS qty1, a.warn2_milli AS qty2, a.level,"
	" a.emergency_limit_nano AS emergency_limit, a.emergency_at, m.id AS meter_id,"
	" m.code AS meter_code, m.name AS meter_name, m.serial, m.utility, r.name AS area,"
	" c.id AS contract_id, p.id AS supply_point_id, p.switchable, p.desired, p.desired_reason,"
	" p.observed, p.observed_since, COALESCE(s.comm, 'never') AS comm, s.read_at,"
	" (SELECT o.amount_fen FROM pay_order o WHERE o.account_id = a.id AND o.state = 'paid'"
	" ORDER BY o.id DESC LIMIT 1) AS last_amount_fen,"
	" COALESCE((SELECT n.created_at FROM notice n WHERE n.account_id = a.id"
	" ORDER BY n.id DESC LIMIT 1), 0) AS told_at"
	" FROM user_tenant ut JOIN tenant t ON t.id = ut.tenant_id JOIN site st ON st.id = "
	"t.site_id"
	" JOIN contract c ON c.tenant_id = t.id AND IF(c.end_at = 0 OR c.end_at > ?, ?, ?)"
	" JOIN account a ON a.contract_id = c.id AND a.kind = 'purse'" FIRST_METER
	" LEFT JOIN area r ON r.id = m.area_id"
	" WHERE ut.user_id = ? AND ? IN (0, a.id) ORDER BY t.id, a.id",
	&account_shape
};

struct which {
	int64_t account_id; /* 0: all */
	bool present, ended;
};

static enum err accounts(
	struct db *db, int64_t user_id, struct which w, struct utc now, struct rows *out)
{
	return db_list(db, &Q_ACCOUNTS,
		ARGS(arg_utc(now), arg_i64(w.present), arg_i64(w.ended), arg_i64(user_id),
			arg_i64(w.account_id)),
		out);
}

enum err me_account_list(
	struct db *db, int64_t user_id, bool ended, struct utc now, struct rows *out)
{
	return accounts(db, user_id, (struct which){ 0, !ended, ended }, now, out);
}

static enum err one_account(
	struct db *db, int64_t user_id, struct which w, struct utc now, struct me_account *out)
{
	AUTO(rows_free) struct rows r = { 0 };
	enum err e = accounts(db, user_id, w, now, &r);

	if (e != ERR_OK)
		return e;
	if (r.n != 1)
		return ERR_NOT_FOUND;
	*out = *(const struct me_account *)r.at;
	return ERR_OK;
}

enum err me_account_get(
	struct db *db, int64_t user_id, int64_t account_id, struct utc now, struct me_account *out)
{
	return one_account(db, user_id, (struct which){ account_id, true, false }, now, out);
}

enum err me_account_seen(
	struct db *db, int64_t user_id, int64_t account_id, struct utc now, struct me_account *out)
{
	return one_account(db, user_id, (struct which){ account_id, true, true }, now, out);
}

#define TARIFF_TEXT_MAX 65536
struct tariff_row {
	int64_t used_milli;
	char cycle[8];
	char doc[TARIFF_TEXT_MAX];
};
SHAPE(tariff_shape, struct tariff_row, FIELD(struct tariff_row, used_milli),
	FIELD(struct tariff_row, cycle), FIELD(struct tariff_row, doc));
static const struct query Q_TARIFF = {
	"SELECT COALESCE(u.used_milli, 0) AS used_milli, COALESCE(u.cycle, '') AS cycle, f.doc"
	" FROM meter_tariff mt JOIN tariff f ON f.id = mt.tariff_id"
	" LEFT JOIN tier_use u ON u.contract_id = ? AND u.supply_point_id = ?"
	" WHERE mt.meter_id = ? AND mt.from_at <= ? ORDER BY mt.from_at DESC LIMIT 1",
	&tariff_shape
};

/* A count of another cycle than the present one is over: nothing is used yet. */
static struct qty used_now(const struct tariff_row *row, const struct zone *z, struct utc now)
{
	char today[DAY_TEXT_MAX];
	size_t n = strlen(row->cycle);

	day_text(zone_local(z, now).day, today);
	return (struct qty){ strncmp(row->cycle, today, n) == 0 ? row->used_milli : 0 };
}

static enum err price_of(
	const struct tariff_row *row, const char *zone, struct utc now, struct me_price *out)
{
	AUTO(zone_free) struct zone *z = NULL;
	AUTO(json_free) json_t *doc = NULL;
	AUTO(tariff_free) struct tariff *t = NULL;
	struct me_price p;
	const char *rate;
	enum err e = zone_open(zone, &z);

	if (e == ERR_OK)
		e = json_parse(row->doc, strlen(row->doc), &doc, NULL);
	if (e == ERR_OK)
		e = tariff_parse(doc, z, &t, NULL);
	if (e != ERR_OK)
		return e;
	p.used = used_now(row, z, now);
	p.tier = tariff_tier_of(t, now, p.used);
	e = tariff_price_at(t, now, p.tier, &rate, &p.price);
	if (e != ERR_OK)
		return e;
	snprintf(p.rate, sizeof(p.rate), "%s", rate);
	*out = p;
	return ERR_OK;
}

static void tariff_row_free(struct tariff_row **row)
{
	free(*row);
}

enum err me_price_now(
	struct db *db, const struct me_account *a, struct utc now, struct me_price *out)
{
	AUTO(tariff_row_free) struct tariff_row *row = calloc(1, sizeof(*row));
	enum err e;

	ASSERT(row);
	e = db_one(db, &Q_TARIFF,
		ARGS(arg_i64(a->contract_id), arg_i64(a->supply_point_id), arg_i64(a->meter_id),
			arg_utc(now)),
		row);
	return e == ERR_OK ? price_of(row, a->zone, now, out) : e;
}

#define F(member) FIELD(struct me_account, member)
SHAPE(meter_shape, struct me_account, F(meter_id), F(contract_id), F(supply_point_id), F(zone));
#undef F
static const struct query Q_METER = {
	"SELECT m.id AS meter_id, c.id AS contract_id, m.supply_point_id, st.zone"
	" FROM user_tenant ut JOIN tenant t ON t.id = ut.tenant_id JOIN site st ON st.id = "
	"t.site_id"
	" JOIN contract c ON c.tenant_id = t.id AND (c.end_at = 0 OR c.end_at > ?)"
	" JOIN contract_point cp ON cp.contract_id = c.id AND cp.to_at = 0"
	" JOIN meter m ON m.supply_point_id = cp.supply_point_id"
	" WHERE ut.user_id = ? AND m.id = ? LIMIT 1",
	&meter_shape
};

enum err me_meter_get(
	struct db *db, int64_t user_id, int64_t meter_id, struct utc now, struct me_account *out)
{
	memset(out, 0, sizeof(*out));
	return db_one(db, &Q_METER, ARGS(arg_utc(now), arg_i64(user_id), arg_i64(meter_id)), out);
}

#define F(member) FIELD(struct me_order, member)
SHAPE(order_shape, struct me_order, F(id), F(out_trade_no), F(transaction_id), F(account_id),
	F(by_another), F(room), F(name), F(utility), F(meter_code), F(meter_name), F(amount_fen),
	F(channel), F(state), F(description), F(pay), F(created_at), F(expires_at), F(paid_at),
	F(credited_at), F(paid_after_close), F(refunded_fen), F(invoice_id), F(entry_id), F(zone),
	F(balance), F(desired), F(observed), F(observed_since), F(comm), F(restored_at),
	F(followed));
#undef F
/* Those of the caller's shops, what others paid among them once it was paid; and those that the
 * caller made for others. What a side may not know is not even read. */
#define MY_ORDERS                                                                                  \
	"SELECT o.id, o.out_trade_no,"                                                             \
	" IF(w.others OR o.meter_id IS NULL, COALESCE(o.transaction_id, ''), '') AS"               \
	" transaction_id, IF(w.others, 0, o.account_id) AS account_id,"                            \
	" NOT w.others AND o.meter_id IS NOT NULL AS by_another,"                                  \
	" IF(w.others, t.room, '') AS room,"                                                       \
	" IF(w.others, " NAME_MASKED ", '') AS name, m.utility, m.code AS meter_code,"             \
	" IF(w.others, '', m.name) AS meter_name, o.amount_fen, o.channel, o.state,"               \
	" o.description, o.pay, o.created_at, o.expires_at, o.paid_at, o.credited_at,"             \
	" o.paid_after_close, " ORDER_REFUNDED " AS refunded_fen,"                                 \
	" IF(w.others, 0, (SELECT io.invoice_id FROM invoice_order io WHERE io.live_order ="       \
	" o.id)) AS invoice_id, o.entry_id, st.zone, IF(w.others, 0, a.balance_nano) AS balance,"  \
	" p.desired, p.observed, p.observed_since, COALESCE(s.comm, 'never') AS comm,"             \
	" IF(w.others, o.supply_restored_at, 0) AS restored_at,"                                   \
	" NOT w.others OR (o.supply_was_off AND o.supply_restored_at = 0 AND o.credited_at > ?"    \
	" AND EXISTS (SELECT 1 FROM contract_point cp WHERE cp.supply_point_id = p.id"             \
	" AND cp.account_id = a.id AND cp.to_at = 0)) AS followed"                                 \
	" FROM (SELECT o.id, 0 AS others FROM user_tenant ut JOIN contract c ON c.tenant_id ="     \
	" ut.tenant_id JOIN account a ON a.contract_id = c.id JOIN pay_order o ON o.account_id ="  \
	" a.id AND (o.meter_id IS NULL OR (o.state = 'paid' AND o.user_id <> ut.user_id))"         \
	" WHERE ut.user_id = ? UNION ALL"                                                          \
	" SELECT o.id, 1 FROM pay_order o WHERE o.user_id = ? AND o.meter_id IS NOT NULL) w"       \
	" JOIN pay_order o ON o.id = w.id JOIN account a ON a.id = o.account_id"                   \
	" JOIN contract c ON c.id = a.contract_id JOIN tenant t ON t.id = c.tenant_id"             \
	" JOIN site st ON st.id = t.site_id LEFT JOIN meter m ON m.id = IF(w.others, o.meter_id,"  \
	" (SELECT MIN(m2.id) FROM contract_point cp JOIN meter m2 ON m2.supply_point_id ="         \
	" cp.supply_point_id WHERE cp.account_id = a.id AND cp.to_at = 0))"                        \
	" LEFT JOIN supply_point p ON p.id = m.supply_point_id"                                    \
	" LEFT JOIN meter_state s ON s.meter_id = m.id WHERE TRUE"
/* The caller's own, paid, not all of it refunded, and in no request for an invoice. */
#define INVOICEABLE                                                                                \
	"(NOT w.others AND o.state = 'paid' AND o.credited_at > 0 AND o.amount_fen >"              \
	" " ORDER_REFUNDED                                                                         \
	" AND NOT EXISTS (SELECT 1 FROM invoice_order io WHERE io.live_order = o.id))"
static const struct query Q_ORDER = { MY_ORDERS " AND o.id = ?", &order_shape };
const struct listing my_order_listing = {
	.all = { MY_ORDERS, &order_shape },
	.sorts = { { "id", "o.id" }, { "created_at", "o.created_at" },
		{ "amount_fen", "o.amount_fen" } },
	.order = "-id",
	.filters = { { "state", FILTER_WORD, "o.state = ?", "created pending paid closed" },
		{ "account_id", FILTER_ID, "NOT w.others AND o.account_id = ?" },
		{ "invoiceable", FILTER_FLAG, INVOICEABLE " = ?" },
		{ "from", FILTER_FROM, "o.created_at >= ?" },
		{ "to", FILTER_TO, "o.created_at < ?" } },
	.usual = 100,
};

enum err me_order_get(
	struct db *db, int64_t user_id, int64_t order_id, struct utc now, struct me_order *out)
{
	return db_one(db, &Q_ORDER,
		ARGS(arg_i64(now.ms - ORDER_FOLLOWED_MS), arg_i64(user_id), arg_i64(user_id),
			arg_i64(order_id)),
		out);
}

struct openid_row {
	char openid[OPENID_MAX];
};
SHAPE(openid_shape, struct openid_row, FIELD(struct openid_row, openid));
static const struct query Q_OPENID = {
	"SELECT openid FROM user_wechat WHERE user_id = ? AND app_id = ?", &openid_shape
};

enum err me_openid(struct db *db, int64_t user_id, const char *app_id, char out[static OPENID_MAX])
{
	struct openid_row row;
	enum err e = db_one(db, &Q_OPENID, ARGS(arg_i64(user_id), arg_text(app_id)), &row);

	if (e == ERR_OK)
		ASSERT(str_copy(out, OPENID_MAX, row.openid));
	return e;
}

#define F(member) FIELD(struct me_notice, member)
SHAPE(notice_shape, struct me_notice, F(id), F(at), F(kind), F(text), F(account_id), F(channel),
	F(state), F(way), F(sent_at), F(delivered_at));
#undef F
/* A notice to several contacts counts as sent when one of them has it. */
const struct listing my_notice_listing = {
	.all = { "SELECT n.id, n.created_at AS at, n.kind, n.text, n.account_id,"
		 " COALESCE(MIN(b.channel), 'sms') AS channel,"
		 " CASE WHEN SUM(b.state = 'delivered') > 0 THEN 'delivered'"
		 " WHEN SUM(b.state = 'sent') > 0 THEN 'sent'"
		 " WHEN SUM(b.state IN ('pending', 'sending')) > 0 THEN 'pending'"
		 " WHEN SUM(b.state = 'unknown') > 0 THEN 'unknown'"
		 " WHEN SUM(b.state = 'undelivered') > 0 THEN 'undelivered' ELSE 'failed' END AS "
		 "state,"
		 " COALESCE(MAX(IF(b.state = 'delivered', b.way, NULL)), MAX(IF(b.state = 'sent', "
		 "b.way,"
		 " NULL)), '') AS way, COALESCE(MIN(NULLIF(b.sent_at, 0)), 0) AS sent_at,"
		 " COALESCE(MIN(NULLIF(b.delivered_at, 0)), 0) AS delivered_at"
		 " FROM user_tenant ut JOIN contract c ON c.tenant_id = ut.tenant_id"
		 " JOIN account a ON a.contract_id = c.id JOIN notice n ON n.account_id = a.id"
		 " LEFT JOIN outbox b ON b.notice_id = n.id WHERE ut.user_id = ?",
		&notice_shape },
	.group = " GROUP BY n.id",
	.sorts = { { "id", "n.id" }, { "at", "n.created_at" } },
	.order = "-id",
	.filters = { { "kind", FILTER_TEXT, "n.kind = ?" },
		{ "account_id", FILTER_ID, "n.account_id = ?" },
		{ "from", FILTER_FROM, "n.created_at >= ?" },
		{ "to", FILTER_TO, "n.created_at < ?" } },
	.usual = 100,
};

struct language_row {
	char language[3];
};
SHAPE(language_shape, struct language_row, FIELD(struct language_row, language));
static const struct query Q_LANGUAGE = {
	"SELECT t.language FROM user_tenant ut JOIN tenant t ON t.id = ut.tenant_id"
	" WHERE ut.user_id = ? ORDER BY t.id",
	&language_shape
};
static const struct query Q_SET_LANGUAGE = {
	"UPDATE tenant t JOIN user_tenant ut ON ut.tenant_id = t.id SET t.language = ?"
	" WHERE ut.user_id = ?",
	NULL
};

enum err me_language(struct db *db, int64_t user_id, char out[static 3])
{
	struct language_row row;
	enum err e = db_one(db, &Q_LANGUAGE, ARGS(arg_i64(user_id)), &row);

	if (e == ERR_OK)
		memcpy(out, row.language, 3);
	return e;
}

enum err me_set_language(struct db *db, int64_t user_id, const char *language)
{
	return db_exec(db, &Q_SET_LANGUAGE, ARGS(arg_text(language), arg_i64(user_id)), NULL);
}

struct channels_row {
	char channels[14];
};
SHAPE(channels_shape, struct channels_row, FIELD(struct channels_row, channels));
static const struct query Q_CHANNELS = {
	"SELECT t.channels FROM user_tenant ut JOIN tenant t ON t.id = ut.tenant_id"
	" WHERE ut.user_id = ? ORDER BY t.id LIMIT 1",
	&channels_shape
};
static const struct query Q_SET_CHANNELS = {
	"UPDATE tenant t JOIN user_tenant ut ON ut.tenant_id = t.id SET t.channels = ?"
	" WHERE ut.user_id = ?",
	NULL
};

enum err me_channels(struct db *db, int64_t user_id, char out[static 14])
{
	struct channels_row row;
	enum err e = db_one(db, &Q_CHANNELS, ARGS(arg_i64(user_id)), &row);

	if (e == ERR_OK)
		memcpy(out, row.channels, sizeof(row.channels));
	return e;
}

enum err me_set_channels(struct db *db, int64_t user_id, const char *channels)
{
	return db_exec(db, &Q_SET_CHANNELS, ARGS(arg_text(channels), arg_i64(user_id)), NULL);
}

#define F(member) FIELD(struct me_sub_tenant, member)
SHAPE(sub_shape, struct me_sub_tenant, F(id), F(name), F(supply_point_id), F(meter_id),
	F(meter_code), F(meter_name), F(switchable), F(desired), F(desired_reason), F(observed),
	F(observed_since), F(comm), F(switched_off));
#undef F
#define SUB_TENANTS                                                                                \
	"SELECT b.id, b.name, p.id AS supply_point_id, m.id AS meter_id, m.code AS meter_code,"    \
	" m.name AS meter_name, p.switchable, p.desired, p.desired_reason, p.observed,"            \
	" p.observed_since, COALESCE(s.comm, 'never') AS comm,"                                    \
	" EXISTS (SELECT 1 FROM block k WHERE k.supply_point_id = p.id AND k.kind = 'sub_tenant')" \
	" AS switched_off"                                                                         \
	" FROM user_tenant ut JOIN contract c ON c.tenant_id = ut.tenant_id AND c.end_at = 0"      \
	" JOIN sub_tenant b ON b.contract_id = c.id"                                               \
	" JOIN supply_point p ON p.id = b.supply_point_id"                                         \
	" JOIN meter m ON m.supply_point_id = p.id LEFT JOIN meter_state s ON s.meter_id = m.id"   \
	" WHERE ut.user_id = ?"
static const struct query Q_SUB_TENANT = { SUB_TENANTS " AND b.id = ?", &sub_shape };
const struct listing sub_tenant_listing = {
	.all = { SUB_TENANTS, &sub_shape },
	.sorts = { { "id", "b.id" }, { "name", "b.name" } },
	.order = "id",
	.filters = { { "q", FILTER_TEXT, "LOCATE(?, b.name) OR LOCATE(?, m.code)" } },
};

enum err me_sub_tenant_get(struct db *db, int64_t user_id, int64_t id, struct me_sub_tenant *out)
{
	return db_one(db, &Q_SUB_TENANT, ARGS(arg_i64(user_id), arg_i64(id)), out);
}
