#include "domain/tariff_inside.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "domain/approval.h"
#include "domain/setting.h"
#include "rules/pricechange.h"

struct site_row {
	int64_t id;
	char zone[64];
};
SHAPE(site_shape, struct site_row, FIELD(struct site_row, id), FIELD(struct site_row, zone));
static const struct query Q_SITES = {
	"SELECT DISTINCT s.id, s.zone FROM meter_tariff a JOIN meter m ON m.id = a.meter_id"
	" JOIN supply_point p ON p.id = m.supply_point_id JOIN site s ON s.id = p.site_id"
	" WHERE a.tariff_id = ? ORDER BY s.id",
	&site_shape
};
static const struct query Q_PROPOSE = {
	"INSERT IGNORE INTO tariff_proposal (approval_id, doc) VALUES (?, ?)", NULL
};

static const struct query Q_PROPOSED = { "SELECT doc FROM tariff_proposal WHERE approval_id = ?",
	&tariff_doc_shape };

/* ---- of either kind ---- */

static void moves_text(int64_t permille, char *out, size_t size)
{
	if (permille == INT64_MAX)
		snprintf(out, size, "a price where there was none");
	else
		snprintf(out, size, "a price moves by %" PRId64 " thousandths", permille);
}

struct asking {
	const char *kind, *noun;
	int64_t id; /* of the object */
	int64_t site_id, permille;
	json_t *params; /* taken over */
};

/* As the guard has it. */
static enum err ask(struct db *db, const struct asking *k, const struct price_guard *g,
	struct utc now, struct problem *why)
{
	AUTO(json_free) json_t *params = k->params;
	char object[40], reason[120];

	moves_text(k->permille, reason, sizeof(reason));
	if (g->above == PRICE_ALONE)
		return problem_set(why, ERR_NEEDS_APPROVAL, "",
			"%s, more than the site allows without a second person", reason);
	snprintf(object, sizeof(object), "%s:%" PRId64, k->noun, k->id);
	return approval_ask(db,
		&(struct approval_new){ .kind = k->kind,
			.site_id = k->site_id,
			.object = object,
			.params = params,
			.reason = reason,
			.user_id = g->user_id,
			.once_key = g->once_key },
		now, g->approval_id, why);
}

/* ---- another file ---- */

/* The site with the tightest limit of those that have the tariff; id 0 when none has it. */
static enum err tightest(struct db *db, int64_t tariff_id, struct site_row *site, int64_t *permille)
{
	AUTO(rows_free) struct rows rows = { 0 };
	enum err e = db_list(db, &Q_SITES, ARGS(arg_i64(tariff_id)), &rows);
	const struct site_row *r = rows.at;

	site->id = 0;
	for (size_t i = 0; e == ERR_OK && i < rows.n; i++) {
		int64_t limit = 0;

		e = setting_get(db, r[i].id, SETTING_PRICE_LIMIT_PERMILLE, &limit);
		if (!site->id || limit < *permille) {
			*site = r[i];
			*permille = limit;
		}
	}
	return e;
}

/* Both files were checked before. */
static enum err moved(const json_t *was, const json_t *is, const char *zone_name, int64_t *permille)
{
	AUTO(zone_free) struct zone *z = NULL;
	AUTO(tariff_free) struct tariff *a = NULL;
	AUTO(tariff_free) struct tariff *b = NULL;
	enum err e = zone_open(zone_name, &z);

	if (e == ERR_OK)
		e = tariff_parse(was, z, &a, NULL);
	if (e == ERR_OK)
		e = tariff_parse(is, z, &b, NULL);
	if (e == ERR_OK)
		*permille = price_change_permille(
			a, b, (struct utc){ INT64_MIN }, (struct utc){ INT64_MAX });
	return e;
}

static enum err propose(struct db *db, const struct tariff_change *c)
{
	AUTO(text_free) char *text = json_text(c->doc);

	return db_exec(db, &Q_PROPOSE, ARGS(arg_i64(*c->guard.approval_id), arg_text(text)), NULL);
}

enum err price_change_ask(struct db *db, int64_t tariff_id, const json_t *was,
	const struct tariff_change *c, bool *waits, struct problem *why)
{
	struct site_row site;
	int64_t limit = 0, permille = 0;
	enum err e;

	*waits = false;
	if (c->guard.above == PRICE_FREE)
		return ERR_OK;
	e = tightest(db, tariff_id, &site, &limit);
	if (e == ERR_OK && site.id)
		e = moved(was, c->doc, site.zone, &permille);
	if (e != ERR_OK || permille <= limit)
		return e;
	e = ask(db,
		&(struct asking){ "tariff", "tariff", tariff_id, site.id, permille,
			json_pack("{s:O, s:I}", "code", json_object_get(c->doc, "code"), "permille",
				(json_int_t)permille) },
		&c->guard, c->now, why);
	*waits = e == ERR_OK;
	return e == ERR_OK ? propose(db, c) : e;
}

enum err tariff_approved(struct db *db, const struct approval *a, const json_t *params,
	const char *actor, struct utc now, struct problem *why)
{
	AUTO(json_free) json_t *doc = NULL;
	struct tariff_change c = { .actor = actor, .address = "", .now = now };
	int64_t id = 0;
	enum err e;

	(void)params;
	e = tariff_doc_one(db, &Q_PROPOSED, ARGS(arg_i64(a->id)), &doc);
	c.doc = doc;
	return e == ERR_OK ? tariff_put(db, &c, &id, why) : e;
}

/* ---- another tariff of a meter ---- */

static json_t *assign_params(const struct tariff_assign *a, int64_t permille)
{
	return json_pack("{s:I, s:I, s:o, s:I}", "meter_id", (json_int_t)a->meter_id, "tariff_id",
		(json_int_t)a->tariff_id, "from", json_utc(a->from), "permille",
		(json_int_t)permille);
}

enum err price_assign_ask(struct db *db, const struct tariff_assign *a, int64_t site_id,
	int64_t permille, bool *waits, struct problem *why)
{
	int64_t limit = 0;
	enum err e;

	*waits = false;
	if (a->guard.above == PRICE_FREE)
		return ERR_OK;
	if (a->guard.above == PRICE_APPROVED)
		return permille <= a->guard.most
			       ? ERR_OK
			       : problem_set(why, ERR_CONFLICT, "tariff_id",
					 "the tariffs were changed since this was asked");
	e = setting_get(db, site_id, SETTING_PRICE_LIMIT_PERMILLE, &limit);
	if (e != ERR_OK || permille <= limit)
		return e;
	e = ask(db,
		&(struct asking){ "tariff_assign", "meter", a->meter_id, site_id, permille,
			assign_params(a, permille) },
		&a->guard, a->now, why);
	*waits = e == ERR_OK;
	return e;
}

enum err tariff_assign_approved(struct db *db, const struct approval *a, const json_t *params,
	const char *actor, struct utc now, struct problem *why)
{
	struct tariff_assign t = { .meter_id =
					   json_integer_value(json_object_get(params, "meter_id")),
		.tariff_id = json_integer_value(json_object_get(params, "tariff_id")),
		.guard = { .above = PRICE_APPROVED,
			.most = json_integer_value(json_object_get(params, "permille")) },
		.actor = actor,
		.address = "",
		.now = now };
	const char *from = json_string_value(json_object_get(params, "from"));

	(void)a;
	if (!from || utc_parse(from, &t.from) != ERR_OK)
		return ERR_INTERNAL;
	if (t.from.ms < now.ms)
		t.from = now;
	return tariff_assign(db, &t, why);
}
