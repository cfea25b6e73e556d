/* Warning thresholds, by tenants and by staff, and what staff allow a purse. */
#include "domain/warning.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "domain/live.h"
#include "domain/me.h"
#include "fcgi/handlers.h"

#define MOST_UNITS INT64_C(999999000) /* as many digits as the schema has */

/* The thresholds as they were said, and what they come to. */
static void add_thresholds(json_t *o, const struct warning *w)
{
	bool yuan = str_eq(w->unit, "yuan");
	char first[MONEY_TEXT_MAX], second[MONEY_TEXT_MAX];

	snprintf(first, sizeof(first), "%" PRId64 ".%03d", w->qty1.milli / 1000,
		(int)(w->qty1.milli % 1000));
	snprintf(second, sizeof(second), "%" PRId64 ".%03d", w->qty2.milli / 1000,
		(int)(w->qty2.milli % 1000));
	json_object_set_new(o, "unit", json_string(w->unit));
	json_object_set_new(o, "warn1", yuan ? json_money(w->warn1) : json_string(first));
	json_object_set_new(o, "warn2", yuan ? json_money(w->warn2) : json_string(second));
	json_object_set_new(o, "warn1_yuan", json_money(w->warn1));
	json_object_set_new(o, "warn2_yuan", json_money(w->warn2));
}

static json_t *alert_json(const struct me_account *m)
{
	struct warning w = {
		.warn1 = m->warn1, .warn2 = m->warn2, .qty1 = m->qty1, .qty2 = m->qty2
	};
	json_t *o = json_pack("{s:I, s:s}", "account_id", (json_int_t)m->id, "purpose", m->purpose);

	memcpy(w.unit, m->warn_unit, sizeof(w.unit));
	add_thresholds(o, &w);
	return o;
}

enum err me_alerts(struct request *r, struct answer *a)
{
	AUTO(rows_free) struct rows rows = { 0 };
	char language[3] = "zh", channels[14] = "wechat_or_sms";
	json_t *items = json_array();
	enum err e = me_account_list(r->db, r->user.id, false, r->now, &rows);
	const struct me_account *m = rows.at;

	if (e == ERR_OK)
		e = me_language(r->db, r->user.id, language);
	if (e == ERR_OK)
		e = me_channels(r->db, r->user.id, channels);
	for (size_t i = 0; e == ERR_OK && i < rows.n; i++)
		json_array_append_new(items, alert_json(&m[i]));
	a->json = json_pack(
		"{s:o, s:s, s:s}", "items", items, "language", language, "channels", channels);
	return e == ERR_NOT_FOUND ? ERR_OK : e;
}

/* One threshold into money or quantity, by the unit. */
static enum err threshold(
	const json_t *item, const char *key, bool yuan, struct money *money, struct qty *qty)
{
	const char *text = json_string_value(json_object_get(item, key));

	if (!yuan)
		return qty_parse(text, qty) == ERR_OK && qty->milli >= 0 && qty->milli <= MOST_UNITS
			       ? ERR_OK
			       : ERR_BAD_VALUE;
	return money_parse(text, money) == ERR_OK && money->nano >= 0 &&
			       money->nano <= ACCOUNT_LIMIT_YUAN * NANO_PER_YUAN
		       ? ERR_OK
		       : ERR_OUT_OF_RANGE;
}

/* prefix names the item in problems: "items[3]." */
static enum err warning_read(
	const json_t *item, const char *prefix, struct warning *w, struct problem *why)
{
	const char *unit = json_string_value(json_object_get(item, "unit"));
	bool yuan = !unit || str_eq(unit, "yuan");
	char field[48];
	enum err e;

	if (!str_copy(w->unit, sizeof(w->unit), unit ? unit : "yuan"))
		return ERR_BAD_VALUE;
	snprintf(field, sizeof(field), "%swarn1", prefix);
	e = threshold(item, "warn1", yuan, &w->warn1, &w->qty1);
	if (e == ERR_OK) {
		snprintf(field, sizeof(field), "%swarn2", prefix);
		e = threshold(item, "warn2", yuan, &w->warn2, &w->qty2);
	}
	if (e != ERR_OK)
		return problem_set(why, e, field,
			yuan ? "an amount from 0 to 100000 is expected"
			     : "a quantity from 0 to 999999 with at most 3 decimals is expected");
	if (w->warn2.nano > w->warn1.nano || w->qty2.milli > w->qty1.milli)
		return problem_set(why, ERR_OUT_OF_RANGE, field, "warn2 must not exceed warn1");
	return ERR_OK;
}

static enum err alert_read(
	struct request *r, const json_t *item, size_t i, struct warning *w, struct problem *why)
{
	char prefix[24], field[48];
	struct me_account m;
	enum err e;

	snprintf(prefix, sizeof(prefix), "items[%zu].", i);
	e = warning_read(item, prefix, w, why);
	if (e != ERR_OK)
		return e;
	w->account_id = json_integer_value(json_object_get(item, "account_id"));
	e = me_account_get(r->db, r->user.id, w->account_id, r->now, &m);
	snprintf(field, sizeof(field), "%saccount_id", prefix);
	return e == ERR_NOT_FOUND ? problem_set(why, e, field, "there is no such account of yours")
				  : e;
}

/* The page sends every threshold that it shows: what has not changed is no change. */
static enum err without_same(struct request *r, struct warning *list, size_t *n)
{
	size_t kept = 0;

	for (size_t i = 0; i < *n; i++) {
		struct warning had;
		bool yuan = str_eq(list[i].unit, "yuan");
		enum err e = warning_get(r->db, list[i].account_id, &had);

		if (e != ERR_OK)
			return e;
		if (str_eq(had.unit, list[i].unit) &&
			(yuan ? had.warn1.nano == list[i].warn1.nano &&
						had.warn2.nano == list[i].warn2.nano
			      : had.qty1.milli == list[i].qty1.milli &&
						had.qty2.milli == list[i].qty2.milli))
			continue;
		list[kept++] = list[i];
	}
	*n = kept;
	return ERR_OK;
}

enum err me_alerts_put(struct request *r, struct answer *a)
{
	const json_t *items = json_object_get(r->json, "items");
	struct warning list[32] = { 0 };
	struct warning_change c = { .list = list,
		.n = json_array_size(items),
		.limited = true,
		.actor = r->actor,
		.address = r->remote,
		.now = r->now };
	enum err e = ERR_OK;

	ASSERT(c.n <= ARRAY_LEN(list)); /* by the schema */
	for (size_t i = 0; e == ERR_OK && i < c.n; i++)
		e = alert_read(r, json_array_get(items, i), i, &list[i], &a->why);
	if (e == ERR_OK)
		e = without_same(r, list, &c.n);
	if (e == ERR_OK && c.n)
		e = warning_set(r->db, &c, &a->why);
	if (e == ERR_OK && json_object_get(r->json, "language"))
		e = me_set_language(r->db, r->user.id, body_text(r, "language", "zh"));
	if (e == ERR_OK && json_object_get(r->json, "channels"))
		e = me_set_channels(r->db, r->user.id, body_text(r, "channels", ""));
	return e == ERR_OK ? me_alerts(r, a) : e;
}

/* ---- by staff ---- */

static enum err answer_limits(struct request *r, struct answer *a)
{
	struct account acc;
	struct warning w;
	enum err e = account_get(r->db, r->object, &acc);

	if (e == ERR_OK)
		e = warning_get(r->db, r->object, &w);
	if (e != ERR_OK)
		return e;
	a->json = json_pack("{s:I, s:s, s:o, s:s, s:o, s:o, s:o}", "account_id", (json_int_t)acc.id,
		"purpose", acc.purpose, "balance", json_money(acc.balance), "level", acc.level,
		"credit_limit", json_money(acc.credit_limit), "emergency_limit",
		json_money(acc.emergency_limit), "emergency_taken_at", json_utc(acc.emergency_at));
	add_thresholds(a->json, &w);
	return ERR_OK;
}

static enum err may_see(struct request *r)
{
	struct live_account found;

	return live_account(r->db, caller_site(r), r->object, &found);
}

enum err account_limits_get(struct request *r, struct answer *a)
{
	enum err e = may_see(r);

	return e == ERR_OK ? answer_limits(r, a) : e;
}

enum err account_warnings_put(struct request *r, struct answer *a)
{
	struct warning w = { .account_id = r->object };
	struct warning_change c = {
		.list = &w, .n = 1, .actor = r->actor, .address = r->remote, .now = r->now
	};
	enum err e = may_see(r);

	if (e == ERR_OK)
		e = warning_read(r->json, "", &w, &a->why);
	if (e == ERR_OK)
		e = warning_set(r->db, &c, &a->why);
	return e == ERR_OK ? answer_limits(r, a) : e;
}

static enum err amount_read(
	const struct request *r, const char *key, struct money *out, struct problem *why)
{
	enum err e = money_parse(body_text(r, key, ""), out);

	return e == ERR_OK ? e : problem_set(why, ERR_BAD_VALUE, key, "an amount is expected");
}

enum err account_limits_put(struct request *r, struct answer *a)
{
	struct account_limits l = { .account_id = r->object,
		.actor = r->actor,
		.address = r->remote,
		.reason = body_text(r, "reason", ""),
		.now = r->now };
	enum err e = may_see(r);

	if (e == ERR_OK)
		e = amount_read(r, "credit_limit", &l.credit_limit, &a->why);
	if (e == ERR_OK)
		e = amount_read(r, "emergency_limit", &l.emergency_limit, &a->why);
	if (e == ERR_OK)
		e = account_set_limits(r->db, &l, &a->why);
	if (e != ERR_OK)
		return e;
	log_info("account=%" PRId64 " limits by=%s", r->object, r->actor);
	return answer_limits(r, a);
}
