/* Sites, areas, gateways and meters of a workbook. */
#include <stdlib.h>
#include <string.h>

#include "domain/overload.h"
#include "domain/place.h"
#include "domain/tariff.h"
#include "import/many.h"
#include "meter/model.h"

#define BAUD_DEFAULT 9600

/* ---- sites ---- */

static enum err put_site(struct applying *a, const struct target *t, struct problem *why)
{
	const char *code = t->row->values[SITE_CODE], *name = wish(t, SITE_NAME, code);
	const char *profile = wish(t, SITE_PROFILE, "shop");

	if (t->plan->state == ROW_SAME)
		return ERR_OK;
	if (t->plan->is)
		return site_edit(a->db, code, name, profile);
	return site_add(a->db,
		&(struct site_new){ code, name, wish(t, SITE_ZONE, ZONE_DEFAULT), profile }, why);
}

/* ---- areas ---- */

static struct area_new area_of(const struct target *t)
{
	return (struct area_new){ .code = t->row->values[AREA_CODE],
		.name = wish(t, AREA_NAME, ""),
		.site = wish(t, AREA_SITE, ""),
		.parent = wish(t, AREA_PARENT, ""),
		.kind = wish(t, AREA_KIND, "floor"),
		.floor_m2_milli = wish_milli(t, AREA_FLOOR_M2) };
}

/* What stands above it may be in a later row, so that comes when all are there. */
static enum err add_area(struct applying *a, const struct target *t, struct problem *why)
{
	struct area_new n = area_of(t);

	n.parent = "";
	return t->plan->is ? ERR_OK : area_add(a->db, &n, why);
}

static enum err set_area(struct applying *a, const struct target *t, struct problem *why)
{
	struct area_new n = area_of(t);

	if (t->plan->state == ROW_SAME || (t->plan->state == ROW_NEW && !n.parent[0]))
		return ERR_OK;
	return area_edit(a->db, &n, why);
}

/* ---- gateways ---- */

static enum err put_gateway(struct applying *a, const struct target *t, struct problem *why)
{
	const char *code = t->row->values[GATEWAY_CODE];
	struct gateway_new n = { .code = code,
		.name = wish(t, GATEWAY_NAME, code),
		.site = wish(t, GATEWAY_SITE, ""),
		.area = wish(t, GATEWAY_AREA, ""),
		.transport = wish(t, GATEWAY_TRANSPORT, ""),
		.address = wish(t, GATEWAY_ADDRESS, ""),
		.parity = wish(t, GATEWAY_PARITY, "N"),
		.baud = wish_whole(t, GATEWAY_BAUD, BAUD_DEFAULT) };

	if (t->plan->state == ROW_SAME)
		return ERR_OK;
	return t->plan->is ? gateway_edit(a->db, &n, why) : gateway_add(a->db, &n, why);
}

enum err apply_places(struct applying *a)
{
	enum err e = each_row(a, SHEET_SITES, put_site);

	if (e == ERR_OK)
		e = each_row(a, SHEET_AREAS, add_area);
	if (e == ERR_OK)
		e = each_row(a, SHEET_AREAS, set_area);
	return e == ERR_OK ? each_row(a, SHEET_GATEWAYS, put_gateway) : e;
}

/* ---- meters ---- */

static struct meter_new meter_of_row(const struct applying *a, const struct target *t)
{
	const struct model *model = models_find(a->ask->models, wish(t, METER_MODEL, ""));
	const char *code = t->row->values[METER_CODE], *role = wish(t, METER_ROLE, "tenant");
	const char *start = t->row->values[METER_START_REGISTER];

	ASSERT(model); /* checked before */
	return (struct meter_new){ .code = code,
		.name = wish(t, METER_NAME, code),
		.gateway = wish(t, METER_GATEWAY, ""),
		.unit = wish(t, METER_UNIT, ""),
		.model = wish(t, METER_MODEL, ""),
		.serial = wish(t, METER_SERIAL, ""),
		.role = role,
		.area = wish(t, METER_AREA, ""),
		.parent = "",
		.tariff = wish(t, METER_TARIFF, ""),
		.billing = wish(t, METER_BILLING, "account"),
		.load_class = wish(t, METER_LOAD_CLASS, "ordinary"),
		.has_start = start[0] != '\0',
		.start = { wish_milli(t, METER_START_REGISTER) },
		.ct_ratio = wish_whole(t, METER_CT_RATIO, 1),
		.pt_ratio = wish_whole(t, METER_PT_RATIO, 1),
		.rated_current_ma = wish_milli(t, METER_RATED_CURRENT_A),
		.power_limit_w = wish_whole(t, METER_POWER_LIMIT_W, 0),
		.utility = utility_word(model->utility),
		.switchable = model_can(model, ACT_OFF) && model->supply_count > 0 };
}

static enum err add_meter(struct applying *a, const struct target *t, struct problem *why)
{
	struct meter_new n;

	if (t->plan->is)
		return ERR_OK;
	n = meter_of_row(a, t);
	return meter_add(a->db, &n, a->ask->now, why);
}

static json_t *meter_json(const struct meter_new *n)
{
	json_t *o = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s}",
		"code", n->code, "name", n->name, "gateway", n->gateway, "unit", n->unit, "model",
		n->model, "serial", n->serial, "utility", n->utility, "role", n->role, "area",
		n->area, "tariff", n->tariff, "billing", n->billing, "load_class", n->load_class);

	ASSERT(o);
	json_object_set_new(o, "switchable", json_integer(n->switchable));
	if (n->has_start)
		json_object_set_new(o, "start", json_integer(n->start.milli));
	json_object_set_new(o, "ct", json_integer(n->ct_ratio));
	json_object_set_new(o, "pt", json_integer(n->pt_ratio));
	json_object_set_new(o, "rated", json_integer(n->rated_current_ma));
	json_object_set_new(o, "power_limit", json_integer(n->power_limit_w));
	return o;
}

static enum err add_meters(struct applying *a)
{
	AUTO(many_free) struct many_rows m = { .of = MANY_METERS };
	const struct book_sheet *s = &a->book->sheets[SHEET_METERS];
	enum err e = ERR_OK;

	if (!a->many)
		return each_row(a, SHEET_METERS, add_meter);
	for (size_t i = 0; e == ERR_OK && i < s->n; i++) {
		struct target t = target_of(a, SHEET_METERS, i);
		struct meter_new n;

		if (t.plan->is)
			continue;
		n = meter_of_row(a, &t);
		e = many_add(a, &m, meter_json(&n));
	}
	return e == ERR_OK ? many_end(a, &m) : e;
}

static bool moves(const struct target *t)
{
	return t->plan->is &&
	       (is_changed(t->plan, METER_GATEWAY) || is_changed(t->plan, METER_UNIT));
}

static enum err unplug_meter(struct applying *a, const struct target *t, struct problem *why)
{
	(void)why;
	return moves(t) ? meter_unplug(a->db, t->row->values[METER_CODE]) : ERR_OK;
}

static enum err limit_meter(struct applying *a, const struct target *t, struct problem *why)
{
	struct overload_view now;
	enum err e = overload_get(a->db, t->plan->is->row, &now);

	if (e != ERR_OK)
		return e;
	return overload_set(a->db,
		&(struct overload_setting){ .meter_id = t->plan->is->row,
			.limits = { wish_whole(t, METER_POWER_LIMIT_W, 0), now.delay_s, now.retry_s,
				now.retries },
			.actor = a->ask->actor,
			.address = a->ask->address,
			.reason = a->ask->reason ? a->ask->reason : "import",
			.now = a->ask->now },
		why);
}

static enum err edit_meter(struct applying *a, const struct target *t, struct problem *why)
{
	return meter_edit(a->db,
		&(struct meter_edit){ .code = t->row->values[METER_CODE],
			.name = wish(t, METER_NAME, t->row->values[METER_CODE]),
			.gateway = wish(t, METER_GATEWAY, ""),
			.unit = wish(t, METER_UNIT, ""),
			.serial = wish(t, METER_SERIAL, ""),
			.role = wish(t, METER_ROLE, "tenant"),
			.area = wish(t, METER_AREA, ""),
			.parent = wish(t, METER_PARENT, ""),
			.rated_current_ma = wish_milli(t, METER_RATED_CURRENT_A) },
		why);
}

static const struct query Q_TARIFF = { "SELECT id FROM tariff WHERE code = ?", &id_shape };

static enum err assign_tariff(struct applying *a, const struct target *t, struct problem *why)
{
	struct id_row tariff;
	enum err e =
		db_one(a->db, &Q_TARIFF, ARGS(arg_text(t->row->values[METER_TARIFF])), &tariff);

	if (e != ERR_OK)
		return e;
	e = tariff_assign(a->db,
		&(struct tariff_assign){ .meter_id = t->plan->is->row,
			.tariff_id = tariff.id,
			.from = a->ask->now,
			.actor = a->ask->actor,
			.address = a->ask->address,
			.now = a->ask->now,
			.guard = { .above = PRICE_ALONE } },
		why);
	return about(why, e, "tariff");
}

#define PLACE_COLUMNS                                                                              \
	(1u << METER_NAME | 1u << METER_GATEWAY | 1u << METER_UNIT | 1u << METER_SERIAL |          \
		1u << METER_ROLE | 1u << METER_AREA | 1u << METER_PARENT |                         \
		1u << METER_RATED_CURRENT_A)

static enum err set_meter(struct applying *a, const struct target *t, struct problem *why)
{
	bool above = !t->plan->is && t->row->values[METER_PARENT][0];
	enum err e = ERR_OK;

	if (above || t->plan->changed & PLACE_COLUMNS)
		e = edit_meter(a, t, why);
	if (e == ERR_OK && is_changed(t->plan, METER_POWER_LIMIT_W))
		e = limit_meter(a, t, why);
	if (e == ERR_OK && is_changed(t->plan, METER_TARIFF))
		e = assign_tariff(a, t, why);
	return e;
}

/* Meters that move leave their addresses first, so that two may change places; those that are there
 * before the new ones, which may come to a freed address; and who stands above whom when all are.
 */
static enum err set_old(struct applying *a, const struct target *t, struct problem *why)
{
	return moves(t)
		       ? meter_edit(a->db,
				 &(struct meter_edit){ .code = t->row->values[METER_CODE],
					 .name = t->plan->is->values[METER_NAME],
					 .gateway = wish(t, METER_GATEWAY, ""),
					 .unit = wish(t, METER_UNIT, ""),
					 .serial = t->plan->is->values[METER_SERIAL],
					 .role = t->plan->is->values[METER_ROLE],
					 .area = t->plan->is->values[METER_AREA],
					 .parent = t->plan->is->values[METER_PARENT],
					 .rated_current_ma = wish_milli(t, METER_RATED_CURRENT_A) },
				 why)
		       : ERR_OK;
}

enum err apply_meters(struct applying *a)
{
	enum err e = each_row(a, SHEET_METERS, unplug_meter);

	if (e == ERR_OK)
		e = each_row(a, SHEET_METERS, set_old);
	if (e == ERR_OK)
		e = add_meters(a);
	return e == ERR_OK ? each_row(a, SHEET_METERS, set_meter) : e;
}
