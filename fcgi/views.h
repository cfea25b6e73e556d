#pragma once
/* JSON of things that several routes show. The caller owns every result. */
#include "base/json.h"
#include "domain/live.h"
#include "domain/me.h"
#include "fcgi/api.h"
#include "rules/daysleft.h"

/* What a supply looks like to people; null for a point without relay or valve. */
struct supply_view {
	int64_t id; /* of the point; 0: none */
	bool switchable;
	const char *desired, *desired_reason, *observed, *comm;
	struct utc since;
};
json_t *view_supply(const struct supply_view *s);
json_t *view_supply_short(const struct supply_view *s); /* state and since only */
struct supply_view supply_of_meter_row(const struct live_meter *m);

json_t *view_tenant(int64_t id, const char *code, const char *name, const char *room);
/* {"id", "code", "name"}, or null when id is 0 */
json_t *view_named(int64_t id, const char *code, const char *name);
/* "energy_wh" or "volume_l": how much */
void view_quantity(json_t *o, const char *utility, struct qty q);
json_t *view_meter(const struct live_meter *m, struct utc now);
json_t *view_my_meter(const struct live_meter *m);
json_t *view_keep(struct utc keep_until, struct utc now); /* null when it has ended */
json_t *view_blocks(const struct rows *blocks);
json_t *view_order(const struct me_order *o);
json_t *view_presets(void); /* amounts to choose from, in fen */
/* {"days", "low", "high"}, or null when it is not known. */
json_t *view_days_left(const struct days_left *d);
json_t *view_sub_tenant(const struct me_sub_tenant *s);

/* Of an order to a supply: until when it is kept. An instant to come, at most 31 days away; 72 h
 * unless said. Other orders take none. */
MUST_USE enum err supply_until(struct request *r, bool keep, struct utc *out, struct problem *why);
