#include "domain/order.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/rand.h"
#include "domain/payee.h"
#include "domain/rechargeblock.h"
#include "domain/setting.h"

#define FIRST_ASK_MS 5000
#define ORDER_GRACE_MS (10 * 60 * 1000) /* how long after expiry a payment may still surface */

#define F(member) FIELD(struct order, member)
SHAPE(order_shape, struct order, F(id), F(out_trade_no), F(account_id), F(user_id), F(meter_id),
	F(amount_fen), F(channel), F(service), F(state), F(payer_address), F(payer_id),
	F(description), F(pay), F(transaction_id), F(created_at), F(expires_at), F(paid_at),
	F(credited_at), F(entry_id), F(supply_restored_at), F(supply_was_off), F(queries));
#undef F

#define ORDER_COLUMNS                                                                              \
	"SELECT id, out_trade_no, account_id, user_id, meter_id, amount_fen, channel, service,"    \
	" state, payer_address, payer_id, description, pay, transaction_id, created_at,"           \
	" expires_at, paid_at, credited_at, entry_id, supply_restored_at, supply_was_off, queries" \
	" FROM pay_order "

static const struct query Q_ADD = {
	"INSERT INTO pay_order (out_trade_no, account_id, user_id, meter_id, amount_fen, channel,"
	" service, payer_address, payer_id, description, pay, created_at, expires_at, query_at)"
	" VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, '', ?, ?, ?)",
	NULL
};
static const struct query Q_GET = { ORDER_COLUMNS "WHERE id = ?", &order_shape };
static const struct query Q_FIND = { ORDER_COLUMNS "WHERE out_trade_no = ?", &order_shape };
static const struct query Q_LOCK = { ORDER_COLUMNS "WHERE id = ? FOR UPDATE", &order_shape };
static const struct query Q_OPENED = { "UPDATE pay_order SET pay = ?, state = IF(state = "
				       "'created', 'pending', state) WHERE id = ?",
	NULL };
static const struct query Q_CLOSED = {
	"UPDATE pay_order SET state = 'closed', closed_at = ?, query_at = 0"
	" WHERE id = ? AND state IN ('created','pending')",
	NULL
};
static const struct query Q_CLAIM = { ORDER_COLUMNS
	"WHERE service = ? AND query_at > 0 AND query_at <= ? ORDER BY query_at LIMIT 1"
	" FOR UPDATE SKIP LOCKED",
	&order_shape };
static const struct query Q_ASKED = {
	"UPDATE pay_order SET queries = queries + 1, query_at = ? WHERE id = ?", NULL
};
static const struct query Q_ASK_NOW = {
	"UPDATE pay_order SET query_at = ? WHERE id = ? AND query_at > ?", NULL
};

struct count_row {
	int64_t n;
};
SHAPE(count_shape, struct count_row, FIELD(struct count_row, n));
static const struct query Q_DUE = {
	"SELECT COUNT(*) AS n FROM pay_order WHERE service = ? AND query_at > 0 AND query_at <= ?",
	&count_shape
};
static const struct query Q_OPEN = {
	"SELECT COUNT(*) AS n FROM pay_order WHERE user_id = ? AND state IN ('created', 'pending')"
	" AND expires_at > ?",
	&count_shape
};

/* ---- may it be? ---- */

enum err balance_cap_check(
	struct db *db, const struct account *a, int64_t fen, const char *field, struct problem *why)
{
	struct money cap, amount, after;
	int64_t cap_fen = 0;
	enum err e = setting_get(db, a->site_id, SETTING_BALANCE_CAP_FEN, &cap_fen);

	if (e == ERR_OK)
		e = money_from_fen(cap_fen, &cap);
	if (e != ERR_OK)
		return e;
	if (money_from_fen(fen, &amount) != ERR_OK ||
		money_add(a->balance, amount, &after) != ERR_OK || after.nano > cap.nano)
		return problem_set(why, ERR_AMOUNT_LARGE, field,
			"the balance may not grow beyond %" PRId64 " fen", cap_fen);
	return ERR_OK;
}

enum err order_limits_get(struct db *db, int64_t site_id, struct order_limits *out)
{
	int64_t all[SETTING__MAX];
	enum err e = setting_all(db, site_id, all);

	if (e == ERR_OK)
		*out = (struct order_limits){ .min_fen = all[SETTING_ORDER_MIN_FEN],
			.max_fen = all[SETTING_ORDER_MAX_FEN],
			.open_most = all[SETTING_OPEN_ORDERS_MOST],
			.others = all[SETTING_PAY_FOR_OTHERS] != 0 };
	return e;
}

static enum err open_check(
	struct db *db, int64_t user_id, int64_t most, struct utc now, struct problem *why)
{
	struct count_row open;
	enum err e;

	if (!most || !user_id)
		return ERR_OK;
	e = db_one(db, &Q_OPEN, ARGS(arg_i64(user_id), arg_utc(now)), &open);
	return e == ERR_OK && open.n >= most
		       ? problem_set(why, ERR_ORDERS_OPEN, "",
				 "%" PRId64 " unpaid orders are open; pay one or wait", open.n)
		       : e;
}

static enum err order_check(struct db *db, const struct account *a, const struct order_new *n,
	struct utc now, struct problem *why)
{
	const char *whose = n->meter_id ? "meter" : "account_id";
	struct order_limits l;
	enum err e;

	if (a->closed)
		return problem_set(why, ERR_CONFLICT, whose, "the account is closed");
	e = recharge_block_check(db, a->id, whose, why);
	if (e == ERR_OK)
		e = order_limits_get(db, a->site_id, &l);
	if (e != ERR_OK)
		return e;
	if (n->amount_fen < l.min_fen)
		return problem_set(
			why, ERR_AMOUNT_SMALL, "amount_fen", "at least %" PRId64 " fen", l.min_fen);
	if (n->amount_fen > l.max_fen)
		return problem_set(
			why, ERR_AMOUNT_LARGE, "amount_fen", "at most %" PRId64 " fen", l.max_fen);
	e = balance_cap_check(db, a, n->amount_fen, "amount_fen", why);
	return e == ERR_OK ? open_check(db, n->user_id, l.open_most, now, why) : e;
}

/* ---- what the payer reads ---- */

struct about {
	char room[129];
	char name[257]; /* who rents */
	char masked[NAME_MASKED_MAX];
	char purpose[12];
	char language[3];
	char meter[129]; /* the first that the purse pays for; "" */
	int64_t meters;
};
#define F(member) FIELD(struct about, member)
SHAPE(about_shape, struct about, F(room), F(name), F(masked), F(purpose), F(language), F(meter),
	F(meters));
#undef F
/* All of the purse's, or the one that was named. */
#define METERS_ABOUT                                                                               \
	" FROM contract_point p JOIN meter m ON m.supply_point_id = p.supply_point_id"             \
	" WHERE p.account_id = a.id AND p.to_at = 0 AND ? IN (0, m.id)"
static const struct query Q_ABOUT = {
	"SELECT t.room, t.name, " NAME_MASKED " AS masked, a.purpose, t.language,"
	" (SELECT m.code" METERS_ABOUT " ORDER BY m.id LIMIT 1) AS meter,"
	" (SELECT COUNT(*)" METERS_ABOUT ") AS meters"
	" FROM account a JOIN contract c ON c.id = a.contract_id JOIN tenant t ON t.id ="
	" c.tenant_id WHERE a.id = ?",
	&about_shape
};

static const struct purpose_words {
	const char *purpose, *zh, *en;
} purposes[] = {
	{ "electricity", "电费", "electricity" },
	{ "water", "水费", "water" },
	{ "fee", "物业费", "fees" },
};

/* Characters that payment services take badly in the title of an order. */
static void soften(char *text)
{
	for (char *s = text; *s; s++)
		if (strchr("/=&\"\\<>", *s) || (unsigned char)*s < 0x20)
			*s = ' ';
}

/* Whoever pays for others reads no name in full. */
static void describe(const struct about *a, bool others, char *out, size_t size)
{
	bool zh = !str_eq(a->language, "en");
	const char *purpose = "", *place = a->room;
	int n;

	if (!place[0])
		place = others ? a->masked : a->name;

	for (size_t i = 0; i < ARRAY_LEN(purposes); i++)
		if (str_eq(purposes[i].purpose, a->purpose))
			purpose = zh ? purposes[i].zh : purposes[i].en;
	n = snprintf(out, size, "%s %s", place, purpose);
	if (a->meters && n > 0 && (size_t)n < size)
		n += snprintf(out + n, size - (size_t)n, zh ? " 表%s" : ", meter %s", a->meter);
	if (a->meters > 1 && n > 0 && (size_t)n < size)
		snprintf(out + n, size - (size_t)n, zh ? "等%" PRId64 "块" : " of %" PRId64,
			a->meters);
	soften(out);
}

/* ---- rows ---- */

/* "YF" + time + random: letters and digits only, as both services allow. */
static void trade_no_make(struct utc now, char out[static 33])
{
	char random[13];

	rand_hex(random, 6);
	snprintf(out, 33, "YF%" PRId64 "%s", now.ms, random);
}

enum err order_create(struct db *db, const struct order_new *n, struct utc now, struct order *out,
	struct problem *why)
{
	char trade_no[33], description[509];
	struct account a;
	struct about about;
	enum err e = account_get(db, n->account_id, &a);

	if (e == ERR_OK)
		e = order_check(db, &a, n, now, why);
	if (e == ERR_OK)
		e = db_one(db, &Q_ABOUT,
			ARGS(arg_i64(n->meter_id), arg_i64(n->meter_id), arg_i64(a.id)), &about);
	if (e != ERR_OK)
		return e;
	describe(&about, n->meter_id != 0, description, sizeof(description));
	trade_no_make(now, trade_no);
	e = db_exec(db, &Q_ADD,
		ARGS(arg_text(trade_no), arg_i64(n->account_id), arg_id(n->user_id),
			arg_id(n->meter_id), arg_i64(n->amount_fen), arg_text(n->channel),
			arg_text(n->service), arg_text(n->payer_address),
			arg_text(n->payer_id ? n->payer_id : ""), arg_text(description),
			arg_utc(now), arg_i64(now.ms + ORDER_LIFE_MS),
			arg_i64(now.ms + FIRST_ASK_MS)),
		NULL);
	return e == ERR_OK ? order_find(db, trade_no, out) : e;
}

enum err order_get(struct db *db, int64_t id, struct order *out)
{
	return db_one(db, &Q_GET, ARGS(arg_i64(id)), out);
}

enum err order_find(struct db *db, const char *out_trade_no, struct order *out)
{
	return db_one(db, &Q_FIND, ARGS(arg_text(out_trade_no)), out);
}

enum err order_lock(struct db *db, int64_t id, struct order *out)
{
	ASSERT(db_in_tx(db));
	return db_one(db, &Q_LOCK, ARGS(arg_i64(id)), out);
}

enum err order_opened(struct db *db, int64_t id, const char *pay_json)
{
	return db_exec(db, &Q_OPENED, ARGS(arg_text(pay_json), arg_i64(id)), NULL);
}

enum err order_closed(struct db *db, int64_t id, struct utc now)
{
	return db_exec(db, &Q_CLOSED, ARGS(arg_utc(now), arg_i64(id)), NULL);
}

/* ---- when to ask ---- */

enum err orders_due(struct db *db, const char *service, struct utc now, int64_t *n)
{
	struct count_row row;
	enum err e = db_one(db, &Q_DUE, ARGS(arg_text(service), arg_utc(now)), &row);

	if (e == ERR_OK)
		*n = row.n;
	return e;
}

static int64_t next_ask(const struct order *o, struct utc now)
{
	static const int64_t pause_s[] = { 10, 15, 30 };

	if (now.ms > o->expires_at.ms + ORDER_GRACE_MS)
		return now.ms + 3600 * 1000LL; /* it should be closed by now; keep asking, seldom */
	return now.ms +
	       (o->queries < (int64_t)ARRAY_LEN(pause_s) ? pause_s[o->queries] : 45) * 1000;
}

struct claim {
	const char *service;
	struct utc now;
	struct order *out;
};

static enum err claim_tx(struct db *db, void *ctx)
{
	const struct claim *c = ctx;
	enum err e = db_one(db, &Q_CLAIM, ARGS(arg_text(c->service), arg_utc(c->now)), c->out);

	return e == ERR_OK
		       ? db_exec(db, &Q_ASKED,
				 ARGS(arg_i64(next_ask(c->out, c->now)), arg_i64(c->out->id)), NULL)
		       : e;
}

enum err order_claim(struct db *db, const char *service, struct utc now, struct order *out)
{
	struct claim c = { .service = service, .now = now, .out = out };

	return db_tx(db, claim_tx, &c);
}

enum err order_ask_now(struct db *db, int64_t id, struct utc now)
{
	return db_exec(db, &Q_ASK_NOW, ARGS(arg_utc(now), arg_i64(id), arg_utc(now)), NULL);
}

void receipt_no(int64_t entry_id, struct utc at, const char *zone, char out[static 32])
{
	AUTO(zone_free) struct zone *z = NULL;
	int64_t days = at.ms / 86400000;
	int y, m, d;

	if (zone_open(zone, &z) == ERR_OK)
		days = zone_local(z, at).day.days;
	civil_date(days, &y, &m, &d);
	snprintf(out, 32, "YF-%04d%02d%02d-%06" PRId64, y % 10000, m % 100, d % 100, entry_id);
}
