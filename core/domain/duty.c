#include "domain/duty.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/zone.h"
#include "domain/alarm_site.h"
#include "domain/audit.h"
#include "domain/outbox.h"
#include "rules/duty.h"

#define BATCH 500
#define LIFE_MS (INT64_C(6) * 3600 * 1000)

/* What an alarm is called in a message: short, for services limit the length of a variable. */
static const struct {
	const char *kind, *zh, *en;
} words[] = {
	{ "bill_changed", "对账单被更改", "bill was changed" },
	{ "bill_contradicts", "对账单自相矛盾", "bill contradicts itself" },
	{ "bill_missing", "两天未取得对账单", "no bill for two days" },
	{ "clock_drift", "时钟不准", "clock is wrong" },
	{ "count_mismatch", "表内购电次数不符", "purchase count differs" },
	{ "gateway_silent", "网关无应答", "gateway is silent" },
	{ "gateway_twin", "网关编号冒用", "gateway id used twice" },
	{ "identity_changed", "表号已变", "serial number changed" },
	{ "mass_trip", "批量断供已刹车", "mass-trip brake pulled" },
	{ "overload", "超功率已断电", "overload, supply cut" },
	{ "overload_lock", "多次超功率已锁定", "overload, locked off" },
	{ "paid_dark", "已付款未恢复供应", "paid, supply not back" },
	{ "payment_amount", "付款金额不符", "amount paid differs" },
	{ "payment_second", "重复付款", "paid twice" },
	{ "payment_unknown_order", "付款无对应订单", "payment without an order" },
	{ "refund_amount", "退款金额不符", "refund of another amount" },
	{ "refund_contradiction", "退款结果与账目不符", "refund ended otherwise" },
	{ "refund_foreign", "非本系统退款", "refunded by others" },
	{ "refund_person", "退款需人工处理", "refund needs a person" },
	{ "refund_waiting", "退款逾一天未受理", "refund waits for a day" },
	{ "register_fell", "读数回退", "register fell" },
	{ "register_jumped", "读数跳变", "register jumped" },
	{ "settle_failed", "无法结算", "cannot be settled" },
	{ "still_dark", "应供未供", "due on, still off" },
	{ "supply_stuck", "供断电未执行", "supply does not switch" },
	{ "tariff_missing", "无电价", "no tariff" },
	{ "use_while_off", "断供后仍有用量", "use while off" },
	{ "valve_stuck", "阀门未到位", "valve is stuck" },
};

#define F(member) FIELD(struct duty, member)
SHAPE(duty_shape, struct duty, F(id), F(site_id), F(name), F(phone), F(kinds), F(from_min),
	F(to_min), F(weekdays), F(language));
#undef F
static const struct query Q_LIST = {
	"SELECT id, site_id, name, phone, kinds, from_min, to_min, weekdays, language FROM duty"
	" WHERE ? IN (0, site_id) ORDER BY site_id, id",
	&duty_shape
};
static const struct query Q_CLEAR = { "DELETE FROM duty WHERE site_id = ?", NULL };
static const struct query Q_ADD = {
	"INSERT INTO duty (site_id, name, phone, kinds, from_min, to_min, weekdays, language)"
	" VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
	NULL
};

enum err duty_list(struct db *db, int64_t site_id, struct rows *out)
{
	return db_list(db, &Q_LIST, ARGS(arg_i64(site_id)), out);
}

static bool is_mobile(const char *p)
{
	return strlen(p) == 11 && strspn(p, "0123456789") == 11 && p[0] == '1' && p[1] >= '3';
}

static enum err check(const struct duty *d, size_t i, struct problem *why)
{
	char field[40];

	if (!is_mobile(d->phone)) {
		snprintf(field, sizeof(field), "items[%zu].phone", i);
		return problem_set(why, ERR_BAD_VALUE, field, "a mobile number is expected");
	}
	if (!duty_weekdays_valid(d->weekdays)) {
		snprintf(field, sizeof(field), "items[%zu].weekdays", i);
		return problem_set(why, ERR_BAD_VALUE, field,
			"days from 1 (Monday) to 7 in order are expected, as 12345");
	}
	return ERR_OK;
}

static enum err put_tx(struct db *db, void *ctx)
{
	const struct duty_change *c = ctx;
	struct audit audit = { c->actor, c->address, "duty.edit", "site", c->site_id, NULL };
	enum err e = db_exec(db, &Q_CLEAR, ARGS(arg_i64(c->site_id)), NULL);

	for (size_t i = 0; e == ERR_OK && i < c->n; i++) {
		const struct duty *d = &c->list[i];

		e = db_exec(db, &Q_ADD,
			ARGS(arg_i64(c->site_id), arg_text(d->name), arg_text(d->phone),
				arg_text(d->kinds), arg_i64(d->from_min), arg_i64(d->to_min),
				arg_text(d->weekdays), arg_text(d->language)),
			NULL);
	}
	return e == ERR_OK ? audit_add(db, &audit, json_pack("{s:I}", "people", (json_int_t)c->n),
				     c->now)
			   : e;
}

enum err duty_put(struct db *db, const struct duty_change *c, struct problem *why)
{
	ASSERT(c->n <= DUTY_MOST);
	for (size_t i = 0; i < c->n; i++) {
		enum err e = check(&c->list[i], i, why);

		if (e != ERR_OK)
			return e;
	}
	return db_tx(db, put_tx, (void *)(uintptr_t)c);
}

/* ---- telling ---- */

struct untold {
	int64_t id;
	char kind[33];
	char object_code[257];
	int64_t site_id; /* 0: of no site */
};
SHAPE(untold_shape, struct untold, FIELD(struct untold, id), FIELD(struct untold, kind),
	FIELD(struct untold, object_code), FIELD(struct untold, site_id));
static const struct query Q_UNTOLD = {
	"SELECT x.id, x.kind, x.object_code, COALESCE(" SITE_OF_ALARM ", 0) AS site_id"
	" FROM alarm x WHERE x.told_at = 0 AND x.severity = 'urgent' AND x.cleared_at = 0"
	" AND EXISTS (SELECT 1 FROM duty) ORDER BY x.id DESC LIMIT ?",
	&untold_shape
};
static const struct query Q_TOLD = { "UPDATE alarm SET told_at = ? WHERE id = ? AND told_at = 0",
	NULL };
struct zone_row {
	char zone[64];
};
SHAPE(zone_shape, struct zone_row, FIELD(struct zone_row, zone));
static const struct query Q_ZONE = { "SELECT zone FROM site WHERE id = ?", &zone_shape };

/* Is a word one of those that ';' separates? */
static bool has_kind(const char *kinds, const char *kind)
{
	size_t n = strlen(kind);

	if (!kinds[0])
		return true;
	for (const char *p = kinds; *p; p += strspn(p, "; ")) {
		size_t have = strcspn(p, "; ");

		if (have == n && memcmp(p, kind, n) == 0)
			return true;
		p += have;
	}
	return false;
}

static enum err is_on(struct db *db, const struct duty *d, struct utc now, bool *on)
{
	const struct duty_hours h = { (int)d->from_min, (int)d->to_min, d->weekdays };
	AUTO(zone_free) struct zone *z = NULL;
	struct zone_row row;
	struct local l;
	enum err e = db_one(db, &Q_ZONE, ARGS(arg_i64(d->site_id)), &row);

	if (e == ERR_OK)
		e = zone_open(row.zone, &z);
	if (e != ERR_OK)
		return e;
	l = zone_local(z, now);
	*on = duty_at(&h, day_weekday(l.day), l.second / 60);
	return ERR_OK;
}

static const char *word_of(const char *kind, bool zh)
{
	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (str_eq(words[i].kind, kind))
			return zh ? words[i].zh : words[i].en;
	return kind;
}

static enum err tell_one(
	struct db *db, const struct untold *x, const struct duty *d, struct utc now)
{
	AUTO(json_free)
	json_t *params = json_pack("{s:s, s:s}", "object", x->object_code, "what",
		word_of(x->kind, !str_eq(d->language, "en")));
	AUTO(text_free) char *text = params ? json_text(params) : NULL;
	char once[64];

	if (!text)
		return ERR_INTERNAL;
	snprintf(once, sizeof(once), "alarm:%" PRId64 ":%s", x->id, d->phone);
	return outbox_add(db,
		&(struct outbox_new){ .once_key = once,
			.language = d->language,
			.recipient = d->phone,
			.template = "alarm",
			.params = text,
			.not_before = now,
			.expires_at = { now.ms + LIFE_MS } },
		now);
}

struct telling {
	const struct untold *x;
	struct utc now;
};

static enum err tell_tx(struct db *db, void *ctx)
{
	const struct telling *t = ctx;
	AUTO(rows_free) struct rows people = { 0 };
	size_t told = 0;
	enum err e = duty_list(db, t->x->site_id, &people);
	const struct duty *d = people.at;

	for (size_t i = 0; e == ERR_OK && i < people.n; i++) {
		bool on = false;

		if (!has_kind(d[i].kinds, t->x->kind))
			continue;
		e = is_on(db, &d[i], t->now, &on);
		if (e == ERR_OK && on) {
			e = tell_one(db, t->x, &d[i], t->now);
			told++;
		}
	}
	if (e != ERR_OK || told == 0)
		return e;
	return db_exec(db, &Q_TOLD, ARGS(arg_utc(t->now), arg_i64(t->x->id)), NULL);
}

enum err duty_tell(struct db *db, struct utc now)
{
	AUTO(rows_free) struct rows rows = { 0 };
	enum err e = db_list(db, &Q_UNTOLD, ARGS(arg_i64(BATCH)), &rows);
	const struct untold *x = rows.at;

	for (size_t i = 0; e == ERR_OK && i < rows.n; i++)
		e = db_tx(db, tell_tx, &(struct telling){ &x[i], now });
	return e;
}
