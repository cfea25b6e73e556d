#include "domain/tariff_inside.h"

#include <inttypes.h>
#include <stdio.h>

#include "domain/approval.h"
#include "domain/setting.h"
#include "rules/pricechange.h"

static const struct query Q_SITES = {
	"SELECT DISTINCT p.site_id AS id FROM meter_tariff a JOIN meter m ON m.id = a.meter_id"
	" JOIN supply_point p ON p.id = m.supply_point_id WHERE a.tariff_id = ? ORDER BY id",
	&id_shape
};
static const struct query Q_PROPOSE = {
	"INSERT IGNORE INTO tariff_proposal (approval_id, doc) VALUES (?, ?)", NULL
};

static const struct query Q_PROPOSED = { "SELECT doc FROM tariff_proposal WHERE approval_id = ?",
	&tariff_doc_shape };

/* The site with the tightest limit of those that have the tariff; 0 when none has it. */
static enum err tightest(struct db *db, int64_t tariff_id, int64_t *site_id, int64_t *permille)
{
	AUTO(rows_free) struct rows rows = { 0 };
	enum err e = db_list(db, &Q_SITES, ARGS(arg_i64(tariff_id)), &rows);
	const struct id_row *site = rows.at;

	*site_id = 0;
	for (size_t i = 0; e == ERR_OK && i < rows.n; i++) {
		int64_t limit = 0;

		e = setting_get(db, site[i].id, SETTING_PRICE_LIMIT_PERMILLE, &limit);
		if (!*site_id || limit < *permille) {
			*site_id = site[i].id;
			*permille = limit;
		}
	}
	return e;
}

static enum err propose(struct db *db, const struct tariff_change *c)
{
	AUTO(text_free) char *text = json_text(c->doc);

	return db_exec(db, &Q_PROPOSE, ARGS(arg_i64(*c->approval_id), arg_text(text)), NULL);
}

enum err price_change_ask(struct db *db, int64_t tariff_id, const json_t *was,
	const struct tariff_change *c, struct problem *why)
{
	AUTO(json_free) json_t *params = NULL;
	int64_t site_id, limit = 0, moved = price_change_permille(was, c->doc);
	char object[40], reason[120];
	enum err e = tightest(db, tariff_id, &site_id, &limit);

	*c->approval_id = 0;
	if (e != ERR_OK || !site_id || moved <= limit)
		return e;
	if (moved == INT64_MAX)
		snprintf(reason, sizeof(reason), "a price where there was none");
	else
		snprintf(reason, sizeof(reason), "a price moves by %" PRId64 " thousandths", moved);
	params = json_pack("{s:O, s:I}", "code", json_object_get(c->doc, "code"), "permille",
		(json_int_t)moved);
	snprintf(object, sizeof(object), "tariff:%" PRId64, tariff_id);
	e = approval_ask(db,
		&(struct approval_new){ .kind = "tariff",
			.site_id = site_id,
			.object = object,
			.params = params,
			.reason = reason,
			.user_id = c->user_id,
			.once_key = c->once_key },
		c->now, c->approval_id, why);
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
