/* What is known of a message before its next step. */
#include <string.h>

#include "base/zone.h"
#include "domain/outbox_inside.h"
#include "domain/setting.h"
#include "rules/quiet.h"

#define UNREACHED_MS (INT64_C(7) * 24 * 3600 * 1000) /* people come back */

#define F(member) FIELD(struct outbox_try, member)
SHAPE(try_shape, struct outbox_try, F(id), F(way), F(at), F(outcome), F(provider_ref), F(looks),
	F(looked_at));
#undef F
SHAPE(way_shape, struct outbox_way, FIELD(struct outbox_way, way),
	FIELD(struct outbox_way, failures), FIELD(struct outbox_way, down_until),
	FIELD(struct outbox_way, quota_until));
SHAPE(unreached_shape, struct outbox_unreached, FIELD(struct outbox_unreached, address),
	FIELD(struct outbox_unreached, way));

struct wishes {
	char channels[14];
	int64_t site_id;
	char zone[64];
};
SHAPE(wishes_shape, struct wishes, FIELD(struct wishes, channels), FIELD(struct wishes, site_id),
	FIELD(struct wishes, zone));

static const struct query Q_TRIES = {
	"SELECT id, way, at, outcome, provider_ref, looks, looked_at FROM outbox_try"
	" WHERE outbox_id = ? AND id > ? ORDER BY id",
	&try_shape
};
static const struct query Q_WAYS = {
	"SELECT way, failures, down_until, quota_until FROM outbox_way", &way_shape
};
static const struct query Q_UNREACHED = {
	"SELECT r.address, r.way FROM unreachable r WHERE r.since > ? AND r.address = ?",
	&unreached_shape
};
static const struct query Q_WISHES = {
	"SELECT t.channels, t.site_id, s.zone FROM tenant t JOIN site s ON s.id = t.site_id"
	" WHERE t.id = ?",
	&wishes_shape
};

void outbox_facts_free(struct outbox_facts *f)
{
	rows_free(&f->tries);
	rows_free(&f->ways);
	rows_free(&f->unreached);
}

static enum err wishes(struct db *db, int64_t tenant_id, struct outbox_facts *f)
{
	struct wishes w = { .channels = "wechat_or_sms" };
	enum err e = tenant_id ? db_one(db, &Q_WISHES, ARGS(arg_i64(tenant_id)), &w) : ERR_OK;

	if (e != ERR_OK && e != ERR_NOT_FOUND)
		return e;
	memcpy(f->channels, w.channels, sizeof(f->channels));
	memcpy(f->zone, w.zone, sizeof(f->zone));
	f->site_id = w.site_id;
	return ERR_OK;
}

enum err outbox_facts(
	struct db *db, const struct outgoing *o, struct utc now, struct outbox_facts *out)
{
	AUTO(outbox_facts_free) struct outbox_facts f = { 0 };
	struct arg phone = arg_text(o->recipient);
	enum err e = db_list(db, &Q_TRIES, ARGS(arg_i64(o->id), arg_i64(o->tries_from)), &f.tries);

	if (e == ERR_OK)
		e = db_list(db, &Q_WAYS, NO_ARGS, &f.ways);
	if (e == ERR_OK)
		e = db_list(db, &Q_UNREACHED, ARGS(arg_i64(now.ms - UNREACHED_MS), phone),
			&f.unreached);
	if (e == ERR_OK)
		e = wishes(db, o->tenant_id, &f);
	if (e != ERR_OK)
		return e;
	*out = f;
	f = (struct outbox_facts){ 0 };
	return ERR_OK;
}

enum err outbox_quiet_until(
	struct db *db, const struct outbox_facts *f, struct utc now, struct utc *until)
{
	AUTO(zone_free) struct zone *z = NULL;
	struct quiet_site site = { .rule = { 0 } };
	int64_t from = 0, to = 0;
	enum err e = ERR_OK;

	*until = (struct utc){ 0 };
	if (!f->site_id)
		return ERR_OK;
	e = setting_get(db, f->site_id, SETTING_NOTICE_QUIET_FROM_MIN, &from);
	if (e == ERR_OK)
		e = setting_get(db, f->site_id, SETTING_NOTICE_QUIET_TO_MIN, &to);
	if (e == ERR_OK)
		e = zone_open(f->zone, &z);
	if (e != ERR_OK)
		return e;
	site.rule.from_min = (int)from;
	site.rule.to_min = (int)to;
	site.zone = z;
	if (quiet_at(&site, now))
		*until = quiet_until(&site, 0, now);
	return ERR_OK;
}
