#include "domain/brake.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "domain/alarm.h"
#include "domain/audit.h"
#include "domain/setting.h"

#define MINUTE_MS 60000
#define BRAKE_LEAST 5 /* a percentage of a small site is never fewer */

#define F(member) FIELD(struct brake, member)
SHAPE(brake_shape, struct brake, F(id), F(site_id), F(pulled), F(pulled_at), F(pulled_by),
	F(reason), F(crossings), F(released_at), F(released_by), F(release_reason));
#undef F
static const struct query Q_LAST = {
	"SELECT id, site_id, open_site IS NOT NULL AS pulled, pulled_at, pulled_by, reason,"
	" crossings, released_at, released_by, release_reason FROM brake WHERE site_id = ?"
	" ORDER BY id DESC LIMIT 1",
	&brake_shape
};
static const struct query Q_PULL = {
	"INSERT INTO brake (site_id, open_site, pulled_at, pulled_by, reason, crossings)"
	" VALUES (?, ?, ?, ?, ?, ?)",
	NULL
};
static const struct query Q_RELEASE = {
	"UPDATE brake SET open_site = NULL, released_at = ?, released_by = ?, release_reason = ?"
	" WHERE open_site = ?",
	NULL
};
static const struct query Q_RETRY = {
	"UPDATE supply_point SET try_at = 0 WHERE site_id = ? AND desired = 'off'"
	" AND deferred = 'brake'",
	NULL
};

/* Cuts for arrears that became due, or were carried out, within the last minute and after the last
 * release. Fees run from an approved list and schedules are known beforehand: a person has seen
 * them. ? = site, last release, a minute ago, this point, a minute ago */
struct crossings_row {
	int64_t crossings;
	int64_t points;
};
SHAPE(crossings_shape, struct crossings_row, FIELD(struct crossings_row, crossings),
	FIELD(struct crossings_row, points));
static const struct query Q_CROSSINGS = {
	"SELECT (SELECT COUNT(*) FROM supply_point p WHERE p.site_id = ? AND p.desired = 'off'"
	" AND p.desired_since > ? AND p.desired_reason = 'arrears' AND p.switchable"
	" AND (p.desired_since > ? OR p.id = ? OR EXISTS (SELECT 1 FROM supply_act a"
	" WHERE a.supply_point_id = p.id AND a.created_at > ? AND a.action = 'off'))) AS crossings,"
	" (SELECT COUNT(*) FROM supply_point p WHERE p.site_id = ? AND p.switchable) AS points",
	&crossings_shape
};
struct code_row {
	char code[129];
};
SHAPE(code_shape, struct code_row, FIELD(struct code_row, code));
static const struct query Q_CODE = { "SELECT code FROM site WHERE id = ?", &code_shape };

enum err brake_get(struct db *db, int64_t site_id, struct brake *out)
{
	enum err e = db_one(db, &Q_LAST, ARGS(arg_i64(site_id)), out);

	if (e != ERR_NOT_FOUND)
		return e;
	*out = (struct brake){ .site_id = site_id };
	return ERR_OK;
}

static enum err told(struct db *db, const struct brake_change *c)
{
	char text[240];
	struct code_row site;
	enum err e = db_one(db, &Q_CODE, ARGS(arg_i64(c->site_id)), &site);

	if (e != ERR_OK)
		return e;
	if (c->crossings)
		snprintf(text, sizeof(text),
			"%" PRId64
			" supplies became due to be cut within a minute; none is until a person "
			"has looked",
			c->crossings);
	else
		snprintf(text, sizeof(text), "the brake was pulled: nothing is newly cut");
	return alarm_raise(db,
		&(struct alarm_new){ .kind = "mass_trip",
			.severity = "urgent",
			.object_kind = "site",
			.object_id = c->site_id,
			.object_code = site.code,
			.text = text },
		c->now);
}

enum err brake_pull(struct db *db, const struct brake_change *c)
{
	enum err e = db_exec(db, &Q_PULL,
		ARGS(arg_i64(c->site_id), arg_i64(c->site_id), arg_utc(c->now), arg_text(c->actor),
			arg_text(c->reason), arg_i64(c->crossings)),
		NULL);

	ASSERT(db_in_tx(db));
	if (e == ERR_ALREADY)
		return ERR_OK;
	if (e == ERR_OK)
		log_warn("site=%" PRId64 " brake pulled by=%s crossings=%" PRId64, c->site_id,
			c->actor, c->crossings);
	return e == ERR_OK ? told(db, c) : e;
}

enum err brake_release(struct db *db, const struct brake_change *c)
{
	int64_t n = 0;
	enum err e = db_exec(db, &Q_RELEASE,
		ARGS(arg_utc(c->now), arg_text(c->actor), arg_text(c->reason), arg_i64(c->site_id)),
		&n);

	ASSERT(db_in_tx(db));
	if (e != ERR_OK || n == 0)
		return e;
	log_warn("site=%" PRId64 " brake released by=%s", c->site_id, c->actor);
	e = db_exec(db, &Q_RETRY, ARGS(arg_i64(c->site_id)), NULL);
	return e == ERR_OK ? alarm_clear(db, "mass_trip", "site", c->site_id, c->now) : e;
}

struct order {
	const struct brake_change *c;
	bool pull;
};

static enum err order_tx(struct db *db, void *ctx)
{
	const struct order *o = ctx;
	struct audit audit = { o->c->actor, o->c->address, "brake.control", "site", o->c->site_id,
		NULL };
	enum err e = o->pull ? brake_pull(db, o->c) : brake_release(db, o->c);

	return e == ERR_OK ? audit_add(db, &audit,
				     json_pack("{s:s, s:s}", "action", o->pull ? "pull" : "release",
					     "reason", o->c->reason),
				     o->c->now)
			   : e;
}

enum err brake_order(struct db *db, const struct brake_change *c, bool pull)
{
	return db_tx(db, order_tx, &(struct order){ c, pull });
}

/* How many crossings a minute are plausible for a site of so many points. */
static int64_t plausible(const int64_t v[static SETTING__MAX], int64_t points)
{
	int64_t part = points * v[SETTING_BRAKE_PERCENT] / 100;

	if (part < BRAKE_LEAST)
		part = BRAKE_LEAST;
	return part < v[SETTING_BRAKE_COUNT] ? part : v[SETTING_BRAKE_COUNT];
}

enum err brake_check(struct db *db, int64_t site_id, int64_t supply_point_id, int64_t limit,
	struct utc now, bool *out)
{
	struct arg site = arg_i64(site_id), minute = arg_i64(now.ms - MINUTE_MS);
	int64_t v[SETTING__MAX];
	struct crossings_row row;
	struct brake last;
	enum err e = brake_get(db, site_id, &last);

	*out = e == ERR_OK && last.pulled;
	if (e != ERR_OK || last.pulled)
		return e;
	e = db_one(db, &Q_CROSSINGS,
		ARGS(site, arg_utc(last.released_at), minute, arg_i64(supply_point_id), minute,
			site),
		&row);
	if (e == ERR_OK)
		e = setting_all(db, site_id, v);
	if (e != ERR_OK || row.crossings <= (limit ? limit : plausible(v, row.points)))
		return e;
	*out = true;
	return brake_pull(db, &(struct brake_change){ .site_id = site_id,
				      .actor = "poller",
				      .reason = "",
				      .crossings = row.crossings,
				      .now = now });
}
