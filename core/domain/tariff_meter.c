/* Which meter has which tariff. */
#include "domain/tariff_inside.h"

#include "domain/audit.h"
#include "domain/charge.h"
#include "rules/pricechange.h"

#define F(member) FIELD(struct assigned, member)
SHAPE(assigned_shape, struct assigned, F(tariff_id), F(code), F(name), F(from_at));
#undef F
static const struct query Q_OF_METER = {
	"SELECT a.tariff_id, t.code, t.name, a.from_at FROM meter_tariff a"
	" JOIN tariff t ON t.id = a.tariff_id WHERE a.meter_id = ? ORDER BY a.from_at",
	&assigned_shape
};

enum err tariff_of_meter(struct db *db, int64_t meter_id, struct rows *out)
{
	return db_list(db, &Q_OF_METER, ARGS(arg_i64(meter_id)), out);
}

#define F(member) FIELD(struct tariff_meter, member)
SHAPE(meter_shape, struct tariff_meter, F(utility), F(zone), F(billing), F(site_id));
#undef F
static const struct query Q_METER = {
	"SELECT m.utility, s.zone, m.billing, s.id AS site_id FROM meter m"
	" JOIN supply_point p ON p.id = m.supply_point_id JOIN site s ON s.id = p.site_id"
	" WHERE m.id = ?",
	&meter_shape
};

enum err tariff_meter_read(struct db *db, int64_t meter_id, struct tariff_meter *out)
{
	return db_one(db, &Q_METER, ARGS(arg_i64(meter_id)), out);
}

static const struct query Q_ASSIGN = {
	"INSERT INTO meter_tariff (meter_id, from_at, tariff_id) VALUES (?, ?, ?)"
	" ON DUPLICATE KEY UPDATE tariff_id = VALUES(tariff_id)",
	NULL
};

/* Is the tariff one for this meter at that time? */
static enum err fits(const struct tariff *t, const struct tariff_meter *m,
	const struct tariff_assign *a, struct problem *why)
{
	const char *of = tariff_utility(t) == UTILITY_WATER ? "water" : "electricity";

	if (!str_eq(m->utility, of))
		return problem_set(why, ERR_CONFLICT, "tariff_id", "this tariff is for %s", of);
	if (str_eq(m->billing, "meter") &&
		tariff_tier_of(t, a->from, (struct qty){ INT64_MAX }) > 1)
		return problem_set(why, ERR_CONFLICT, "tariff_id",
			"this meter keeps its credit itself, and tiers cannot apply to that");
	if (!tariff_covers(t, a->from))
		return problem_set(
			why, ERR_CONFLICT, "from", "the first version of the tariff begins later");
	return ERR_OK;
}

/* What is priced stays priced so: an assignment may begin before the last settled reading only
 * where the meter had no tariff yet. */
static enum err not_too_early(const struct rows *rows, const struct tariff_assign *a,
	const struct settled *last, struct problem *why)
{
	const struct assigned *r = rows->at;
	char text[UTC_TEXT_MAX];

	if (a->from.ms >= last->read_at.ms || rows->n == 0 || r[0].from_at.ms >= last->read_at.ms)
		return ERR_OK;
	return problem_set(why, ERR_CONFLICT, "from", "energy is settled up to %s",
		utc_text(last->read_at, text));
}

/* The assignment that holds at an instant; NULL: none. */
static const struct assigned *assigned_at(const struct rows *rows, struct utc at)
{
	const struct assigned *r = rows->at;
	size_t n = rows->n;

	while (n > 0 && r[n - 1].from_at.ms > at.ms)
		n--;
	return n ? &r[n - 1] : NULL;
}

static enum err assigned_held(struct db *db, const struct assigned *a, const struct zone *z,
	struct utc from, const struct hold_facts *f, struct tariff_hold *out, struct problem *why)
{
	AUTO(json_free) json_t *doc = NULL;
	AUTO(tariff_free) struct tariff *t = NULL;
	struct problem inner = { 0 };
	enum err e = tariff_doc_read(db, a->tariff_id, &doc);

	if (e == ERR_OK)
		e = tariff_parse(doc, z, &t, NULL);
	if (e == ERR_OK)
		e = hold_tariff(t, from, f, out, &inner);
	if (e == ERR_OK)
		e = hold_lasting(t, from, f, &inner);
	return e == ERR_CONFLICT || e == ERR_NOT_FOUND
		       ? problem_set(why, ERR_CONFLICT, "",
				 "its tariff %.60s cannot be held by the "
				 "meter: %s",
				 a->code, inner.text)
		       : e;
}

enum err tariff_held(struct db *db, int64_t meter_id, struct utc at, const struct hold_facts *f,
	struct tariff_hold *out, struct problem *why)
{
	AUTO(rows_free) struct rows rows = { 0 };
	AUTO(zone_free) struct zone *z = NULL;
	const struct assigned *now, *r;
	struct tariff_hold later;
	struct tariff_meter m;
	enum err e = tariff_meter_read(db, meter_id, &m);

	*out = (struct tariff_hold){ "", "" };
	if (e == ERR_OK)
		e = tariff_of_meter(db, meter_id, &rows);
	if (e == ERR_OK)
		e = zone_open(m.zone, &z);
	now = assigned_at(&rows, at);
	r = rows.at;
	if (e == ERR_OK && now)
		e = assigned_held(db, now, z, at, f, out, why);
	for (size_t i = 0; e == ERR_OK && i < rows.n; i++)
		if (r[i].from_at.ms > at.ms)
			e = assigned_held(db, &r[i], z, r[i].from_at, f, &later, why);
	return e;
}

struct assigning {
	const struct tariff_assign *a;
	struct problem *why;
};

static enum err parsed(struct db *db, int64_t tariff_id, const struct zone *z, struct tariff **out)
{
	AUTO(json_free) json_t *doc = NULL;
	enum err e = tariff_doc_read(db, tariff_id, &doc);

	return e == ERR_OK ? tariff_parse(doc, z, out, NULL) : e;
}

/* How far the tariff of one assignment is from another, for as long as that one would hold. */
static enum err moved_from(struct db *db, const struct assigned *was, const struct tariff *t,
	struct utc from, struct utc until, int64_t *permille)
{
	AUTO(tariff_free) struct tariff *old = NULL;
	enum err e = parsed(db, was->tariff_id, tariff_zone(t), &old);
	int64_t apart = e == ERR_OK ? price_change_permille(old, t, from, until) : 0;

	if (apart > *permille)
		*permille = apart;
	return e;
}

/* How far the assignment moves the prices of the meter until its next one; 0 where it has none. One
 * that takes the place of another of the same time is also compared with what held before both, so
 * that a price to come does not get far in small steps. */
static enum err moved(struct db *db, const struct tariff_assign *a, const struct rows *rows,
	const struct tariff *t, int64_t *permille)
{
	const struct assigned *r = rows->at, *held = assigned_at(rows, a->from);
	struct utc until = { INT64_MAX };
	enum err e;

	*permille = 0;
	if (!held || held->tariff_id == a->tariff_id)
		return ERR_OK;
	for (size_t i = rows->n; i > 0 && r[i - 1].from_at.ms > a->from.ms; i--)
		until = r[i - 1].from_at;
	e = moved_from(db, held, t, a->from, until, permille);
	if (e == ERR_OK && held > r && held->from_at.ms == a->from.ms)
		e = moved_from(db, held - 1, t, a->from, until, permille);
	return e;
}

static enum err assign_write(struct db *db, const struct tariff_assign *a)
{
	char from[UTC_TEXT_MAX];
	enum err e = db_exec(db, &Q_ASSIGN,
		ARGS(arg_i64(a->meter_id), arg_utc(a->from), arg_i64(a->tariff_id)), NULL);

	return e == ERR_OK ? audit_add(db,
				     &(struct audit){ a->actor, a->address, "tariff.assign",
					     "meter", a->meter_id, NULL },
				     json_pack("{s:I, s:s}", "tariff_id", (json_int_t)a->tariff_id,
					     "from", utc_text(a->from, from)),
				     a->now)
			   : e;
}

/* The tariff, when it may be given to the meter then, and how far that moves its prices. */
static enum err assign_check(struct db *db, const struct assigning *x, const struct tariff_meter *m,
	const struct settled *last, int64_t *permille)
{
	AUTO(rows_free) struct rows rows = { 0 };
	AUTO(zone_free) struct zone *z = NULL;
	AUTO(tariff_free) struct tariff *t = NULL;
	enum err e = zone_open(m->zone, &z);

	if (e == ERR_OK)
		e = parsed(db, x->a->tariff_id, z, &t);
	if (e == ERR_NOT_FOUND)
		return problem_set(x->why, ERR_BAD_VALUE, "tariff_id", "there is no such tariff");
	if (e == ERR_OK)
		e = fits(t, m, x->a, x->why);
	if (e == ERR_OK)
		e = tariff_of_meter(db, x->a->meter_id, &rows);
	if (e == ERR_OK)
		e = not_too_early(&rows, x->a, last, x->why);
	return e == ERR_OK ? moved(db, x->a, &rows, t, permille) : e;
}

static enum err assign_tx(struct db *db, void *ctx)
{
	const struct assigning *asked = ctx;
	struct tariff_assign a = *asked->a;
	const struct assigning of = { &a, asked->why }, *x = &of;
	struct tariff_meter m;
	struct settled last = { 0 };
	int64_t permille = 0;
	bool waits = false;
	enum err e = settled_lock(db, a.meter_id, &last);

	/* Time went on until it was approved. */
	if (a.guard.above == PRICE_APPROVED && a.from.ms < last.read_at.ms)
		a.from = last.read_at;

	if (e == ERR_OK)
		e = tariff_meter_read(db, x->a->meter_id, &m);
	if (e == ERR_OK)
		e = assign_check(db, x, &m, &last, &permille);
	if (e == ERR_OK)
		e = price_assign_ask(db, x->a, m.site_id, permille, &waits, x->why);
	return e == ERR_OK && !waits ? assign_write(db, x->a) : e;
}

enum err tariff_assign(struct db *db, const struct tariff_assign *a, struct problem *why)
{
	return db_join(db, assign_tx, &(struct assigning){ a, why });
}
