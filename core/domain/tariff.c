#include "domain/tariff_inside.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "domain/audit.h"
#include "domain/charge.h"
#include "rules/simulate.h"

#define CODE_CHARS 32
#define NAME_CHARS 64
#define RATE_BYTES 32
#define INTERVALS_MAX 100000

/* ---- reading ---- */

#define F(member) FIELD(struct tariff_row, member)
SHAPE(tariff_shape, struct tariff_row, F(id), F(code), F(name), F(utility), F(revision), F(meters));
#undef F
/* Meters whose newest assignment that has begun is of the tariff. */
#define TARIFF                                                                                     \
	"SELECT t.id, t.code, t.name, t.utility, t.revision, (SELECT COUNT(*) FROM meter_tariff a" \
	" JOIN meter m ON m.id = a.meter_id JOIN supply_point p ON p.id = m.supply_point_id"       \
	" WHERE a.tariff_id = t.id AND ? IN (0, p.site_id) AND a.from_at = (SELECT"                \
	" MAX(b.from_at) FROM meter_tariff b WHERE b.meter_id = a.meter_id AND b.from_at <= ?))"   \
	" AS meters FROM tariff t"
const struct listing tariff_listing = {
	.all = { TARIFF " WHERE 1", &tariff_shape },
	.sorts = { { "id", "t.id" }, { "code", "t.code" }, { "name", "t.name" } },
	.order = "code",
	.filters = { { "utility", FILTER_WORD, "t.utility = ?", "electricity water" },
		{ "q", FILTER_TEXT, "LOCATE(?, t.code) OR LOCATE(?, t.name)" } },
};
static const struct query Q_ONE = { TARIFF " WHERE t.id = ?", &tariff_shape };

enum err tariff_read(struct db *db, int64_t id, int64_t site_id, struct utc now,
	struct tariff_row *row, json_t **doc)
{
	enum err e = db_one(db, &Q_ONE, ARGS(arg_i64(site_id), arg_utc(now), arg_i64(id)), row);

	return e == ERR_OK ? tariff_doc_read(db, id, doc) : e;
}

/* ---- changing ---- */

struct zone_row {
	char zone[64];
};
SHAPE(zone_shape, struct zone_row, FIELD(struct zone_row, zone));
static const struct query Q_ZONES = {
	"SELECT DISTINCT zone FROM site UNION SELECT 'Asia/Shanghai' AS zone FROM DUAL"
	" WHERE NOT EXISTS (SELECT 1 FROM site)",
	&zone_shape
};

static enum err zones_accept(struct db *db, const json_t *doc, struct problem *why)
{
	AUTO(rows_free) struct rows rows = { 0 };
	enum err e = db_list(db, &Q_ZONES, NO_ARGS, &rows);
	const struct zone_row *r = rows.at;

	for (size_t i = 0; e == ERR_OK && i < rows.n; i++) {
		AUTO(tariff_free) struct tariff *t = NULL;
		AUTO(zone_free) struct zone *z = NULL;

		e = zone_open(r[i].zone, &z);
		if (e == ERR_OK)
			e = tariff_parse(doc, z, &t, why);
	}
	return e;
}

static size_t characters(const char *s)
{
	size_t n = 0;

	for (; *s; s++)
		n += ((unsigned char)*s & 0xc0) != 0x80;
	return n;
}

static const char *member(const json_t *doc, const char *key)
{
	const char *text = json_string_value(json_object_get(doc, key));

	return text ? text : "";
}

/* Names of rates are kept with every line of use. */
static bool rates_short_enough(const json_t *version, size_t i, struct problem *why)
{
	json_t *prices = json_object_get(version, "prices");
	const char *rate;
	json_t *list;
	char path[64];

	snprintf(path, sizeof(path), "versions[%zu].prices", i);
	json_object_foreach(prices, rate, list)
	{
		if (strlen(rate) <= RATE_BYTES)
			continue;
		problem_set(why, ERR_OUT_OF_RANGE, path,
			"the name of a rate has at most %d bytes: \"%s\"", RATE_BYTES, rate);
		return false;
	}
	return true;
}

static enum err short_enough(const json_t *doc, struct problem *why)
{
	if (characters(member(doc, "code")) > CODE_CHARS)
		return problem_set(
			why, ERR_OUT_OF_RANGE, "code", "at most %d characters", CODE_CHARS);
	if (characters(member(doc, "name")) > NAME_CHARS)
		return problem_set(
			why, ERR_OUT_OF_RANGE, "name", "at most %d characters", NAME_CHARS);
	for (size_t i = 0; i < json_array_size(json_object_get(doc, "versions")); i++) {
		const json_t *v = json_array_get(json_object_get(doc, "versions"), i);

		if (!rates_short_enough(v, i, why))
			return ERR_OUT_OF_RANGE;
	}
	return ERR_OK;
}

struct held_row {
	int64_t id;
	char utility[12];
	int64_t revision;
};
SHAPE(held_shape, struct held_row, FIELD(struct held_row, id), FIELD(struct held_row, utility),
	FIELD(struct held_row, revision));
static const struct query Q_LOCK = {
	"SELECT id, utility, revision FROM tariff WHERE code = ? FOR UPDATE", &held_shape
};

struct use_row {
	struct utc until;    /* energy is priced up to here; 0: none */
	char zone[64];	     /* of the meter that is farthest */
	int64_t other_sites; /* meters of other sites that have it */
};
SHAPE(use_shape, struct use_row, FIELD(struct use_row, until), FIELD(struct use_row, zone),
	FIELD(struct use_row, other_sites));
static const struct query Q_USE = {
	"SELECT COALESCE(MAX(IF(EXISTS (SELECT 1 FROM usage_day u WHERE u.meter_id = m.id AND"
	" u.tariff_id = ? LIMIT 1), d.read_at, 0)), 0) AS until, COALESCE(MAX(s.zone), '') AS zone,"
	" CAST(COALESCE(SUM(? NOT IN (0, s.id)), 0) AS SIGNED) AS other_sites"
	" FROM (SELECT DISTINCT meter_id FROM meter_tariff WHERE tariff_id = ?) a"
	" JOIN meter m ON m.id = a.meter_id JOIN supply_point p ON p.id = m.supply_point_id"
	" JOIN site s ON s.id = p.site_id LEFT JOIN settled d ON d.meter_id = m.id",
	&use_shape
};

static enum err refuse_path(struct problem *why, size_t i, const char *rest, const char *text)
{
	char path[64];

	snprintf(path, sizeof(path), "versions[%zu]%s", i, rest);
	return problem_set(why, ERR_CONFLICT, path, "%s", text);
}

static bool from_of(const json_t *version, struct utc *out)
{
	const char *text = json_string_value(json_object_get(version, "effective_from"));

	return text && utc_parse(text, out) == ERR_OK;
}

/* Versions that have begun before `until` stay as they are, and no new one begins before it. */
static enum err versions_kept(
	const json_t *old, const json_t *new, struct utc until, struct problem *why)
{
	const json_t *was = json_object_get(old, "versions"),
		     *is = json_object_get(new, "versions");
	struct utc from = { 0 };
	size_t i = 0;

	for (; i < json_array_size(was); i++) {
		if (!from_of(json_array_get(was, i), &from) || from.ms >= until.ms)
			break;
		if (i >= json_array_size(is) ||
			!json_equal(json_array_get(was, i), json_array_get(is, i)))
			return refuse_path(why, i, "",
				"this version has priced settled energy: add another one, that "
				"begins later");
	}
	if (i < json_array_size(is) && from_of(json_array_get(is, i), &from) && from.ms < until.ms)
		return refuse_path(
			why, i, ".effective_from", "energy after this instant is settled already");
	return ERR_OK;
}

static bool listed(const json_t *list, const char *day)
{
	for (size_t i = 0; i < json_array_size(list); i++)
		if (str_eq(json_string_value(json_array_get(list, i)), day))
			return true;
	return false;
}

/* Days of one list that the other lacks must not have begun. */
static enum err days_kept(
	const char *key, const json_t *a, const json_t *b, struct day last, struct problem *why)
{
	const json_t *list = json_object_get(a, key), *other = json_object_get(b, key);

	for (size_t i = 0; i < json_array_size(list); i++) {
		const char *text = json_string_value(json_array_get(list, i));
		struct day day;

		if (!text || day_parse(text, &day) != ERR_OK || listed(other, text))
			continue;
		if (day.days <= last.days)
			return problem_set(why, ERR_CONFLICT, key,
				"energy of %s is settled already: it cannot become another kind of "
				"day",
				text);
	}
	return ERR_OK;
}

static enum err past_kept(
	const json_t *old, const json_t *new, const struct use_row *use, struct problem *why)
{
	static const char *const lists[] = { "holidays", "workdays" };
	AUTO(zone_free) struct zone *z = NULL;
	struct day last;
	enum err e;

	if (!use->until.ms)
		return ERR_OK;
	e = zone_open(use->zone, &z);
	if (e != ERR_OK)
		return e;
	last = zone_local(z, use->until).day;
	e = versions_kept(old, new, use->until, why);
	for (size_t i = 0; e == ERR_OK && i < ARRAY_LEN(lists); i++) {
		e = days_kept(lists[i], old, new, last, why);
		if (e == ERR_OK)
			e = days_kept(lists[i], new, old, last, why);
	}
	return e;
}

static const struct query Q_INSERT = {
	"INSERT INTO tariff (code, name, utility, revision, doc) VALUES (?, ?, ?, 1, ?)", NULL
};
static const struct query Q_UPDATE = {
	"UPDATE tariff SET name = ?, utility = ?, revision = ?, doc = ? WHERE id = ?", NULL
};
static const struct query Q_REVISION = {
	"INSERT INTO tariff_revision (tariff_id, revision, doc, actor, created_at)"
	" VALUES (?, ?, ?, ?, ?)",
	NULL
};

struct putting {
	const struct tariff_change *c;
	const char *text; /* of the file */
	int64_t id;
	struct problem *why;
};

static enum err put_audit(struct db *db, const struct putting *p, int64_t id, int64_t revision)
{
	size_t versions = json_array_size(json_object_get(p->c->doc, "versions"));

	return audit_add(db,
		&(struct audit){ p->c->actor, p->c->address, "tariff.edit", "tariff", id, NULL },
		json_pack("{s:I, s:I}", "revision", (json_int_t)revision, "versions",
			(json_int_t)versions),
		p->c->now);
}

static enum err put_new(struct db *db, struct putting *p, int64_t *id)
{
	enum err e = db_exec(db, &Q_INSERT,
		ARGS(arg_text(member(p->c->doc, "code")), arg_text(member(p->c->doc, "name")),
			arg_text(member(p->c->doc, "utility")), arg_text(p->text)),
		NULL);

	*id = db_insert_id(db);
	return e == ERR_ALREADY ? ERR_RETRY : e; /* somebody else made it just now */
}

static const struct query Q_USED = {
	"SELECT meter_id AS id FROM meter_tariff WHERE tariff_id = ? LIMIT 1", &id_shape
};

/* Has any meter ever had it? When in doubt, yes. */
static bool was_used(struct db *db, int64_t id)
{
	struct id_row row;

	return db_one(db, &Q_USED, ARGS(arg_i64(id)), &row) != ERR_NOT_FOUND;
}

static enum err put_next(struct db *db, struct putting *p, const struct held_row *held, bool *same)
{
	AUTO(json_free) json_t *old = NULL;
	struct use_row use;
	enum err e = tariff_doc_read(db, held->id, &old);

	if (e != ERR_OK)
		return e;
	*same = json_equal(old, p->c->doc);
	if (*same)
		return ERR_OK;
	if (!str_eq(held->utility, member(p->c->doc, "utility")) && was_used(db, held->id))
		return problem_set(
			p->why, ERR_CONFLICT, "utility", "this tariff is for %s", held->utility);
	e = db_one(db, &Q_USE, ARGS(arg_i64(held->id), arg_i64(p->c->site_id), arg_i64(held->id)),
		&use);
	if (e != ERR_OK)
		return e;
	if (use.other_sites > 0)
		return problem_set(
			p->why, ERR_FORBIDDEN, "code", "meters of another site have this tariff");
	e = past_kept(old, p->c->doc, &use, p->why);
	if (e == ERR_OK)
		e = price_change_ask(db, held->id, old, p->c, same, p->why);
	if (e != ERR_OK || *same)
		return e;
	return db_exec(db, &Q_UPDATE,
		ARGS(arg_text(member(p->c->doc, "name")), arg_text(member(p->c->doc, "utility")),
			arg_i64(held->revision + 1), arg_text(p->text), arg_i64(held->id)),
		NULL);
}

static enum err put_tx(struct db *db, void *ctx)
{
	struct putting *p = ctx;
	struct held_row held = { 0 };
	bool same = false; /* or it waits for a second person */
	enum err e = db_one(db, &Q_LOCK, ARGS(arg_text(member(p->c->doc, "code"))), &held);

	if (e == ERR_NOT_FOUND)
		e = put_new(db, p, &held.id);
	else if (e == ERR_OK)
		e = put_next(db, p, &held, &same);
	p->id = held.id;
	if (e != ERR_OK || same)
		return e;
	e = db_exec(db, &Q_REVISION,
		ARGS(arg_i64(held.id), arg_i64(held.revision + 1), arg_text(p->text),
			arg_text(p->c->actor), arg_utc(p->c->now)),
		NULL);
	return e == ERR_OK ? put_audit(db, p, held.id, held.revision + 1) : e;
}

enum err tariff_put(struct db *db, const struct tariff_change *c, int64_t *id, struct problem *why)
{
	AUTO(text_free) char *text = json_text(c->doc);
	struct putting p = { .c = c, .text = text, .why = why };
	enum err e = zones_accept(db, c->doc, why);

	if (e == ERR_OK)
		e = short_enough(c->doc, why);
	if (e == ERR_OK && strlen(text) >= TARIFF_DOC_MAX)
		return ERR_TOO_LARGE;
	if (e == ERR_OK)
		e = db_join(db, put_tx, &p);
	if (e == ERR_OK)
		*id = p.id;
	return e;
}

/* ---- what if ---- */

struct settled_piece {
	struct utc from_at, to_at;
	struct qty qty;
	struct money charge;
};
#define F(member) FIELD(struct settled_piece, member)
SHAPE(piece_shape, struct settled_piece, F(from_at), F(to_at), F(qty), F(charge));
#undef F
static const struct query Q_PIECES = {
	"SELECT from_at, to_at, qty_milli AS qty, charge_nano AS charge FROM settlement"
	" WHERE meter_id = ? AND from_at >= ? AND to_at > ? AND to_at <= ? AND qty_milli > 0"
	" ORDER BY to_at LIMIT 100001",
	&piece_shape
};

/* Readings of a register that begins at 0 and counts what was settled. */
static enum err readings_make(const struct settled_piece *p, size_t n, struct simulate_reading *out,
	size_t *out_n, struct money *charged)
{
	struct qty reg = { 0 };
	enum err e = ERR_OK;

	for (size_t i = 0; e == ERR_OK && i < n; i++) {
		if (*out_n == 0 || out[*out_n - 1].at.ms < p[i].from_at.ms)
			out[(*out_n)++] = (struct simulate_reading){ p[i].from_at, reg, i + 1 };
		e = qty_add(reg, p[i].qty, &reg);
		if (e == ERR_OK)
			e = money_add(*charged, p[i].charge, charged);
		out[(*out_n)++] = (struct simulate_reading){ p[i].to_at, reg, i + 1 };
	}
	return e;
}

static enum err what_if(
	const struct tariff *t, const struct rows *pieces, json_t **out, struct problem *why)
{
	struct simulate_reading *readings = calloc(2 * pieces->n + 1, sizeof(*readings));
	struct money charged = { 0 };
	size_t n = 0;
	enum err e;

	ASSERT(readings);
	e = readings_make(pieces->at, pieces->n, readings, &n, &charged);
	if (e == ERR_OK)
		e = simulate_run(t, readings, n, out, why);
	free(readings);
	if (e != ERR_OK) /* the lines of a file mean nothing here */
		return problem_set(why, e == ERR_OVERFLOW ? e : ERR_CONFLICT, "from",
			"the tariff does not cover the settled energy");
	json_object_set_new(*out, "charged", json_money(charged));
	return ERR_OK;
}

enum err tariff_what_if(struct db *db, const struct what_if *w, json_t **out, struct problem *why)
{
	AUTO(rows_free) struct rows pieces = { 0 };
	AUTO(json_free) json_t *kept = NULL;
	AUTO(zone_free) struct zone *z = NULL;
	AUTO(tariff_free) struct tariff *t = NULL;
	const json_t *doc = w->doc;
	struct tariff_meter m;
	enum err e = doc ? ERR_OK : tariff_doc_read(db, w->tariff_id, &kept);

	if (!doc)
		doc = kept;
	if (e == ERR_OK)
		e = tariff_meter_read(db, w->meter_id, &m);
	if (e == ERR_OK)
		e = zone_open(m.zone, &z);
	if (e == ERR_OK)
		e = tariff_parse(doc, z, &t, w->doc ? why : NULL);
	if (e == ERR_OK && !str_eq(m.utility, member(doc, "utility")))
		return problem_set(why, ERR_CONFLICT, "meter_id", "the tariff is for %s",
			member(doc, "utility"));
	if (e == ERR_OK)
		e = db_list(db, &Q_PIECES,
			ARGS(arg_i64(w->meter_id), arg_utc(w->from), arg_utc(w->from),
				arg_utc(w->to)),
			&pieces);
	if (e == ERR_OK && pieces.n > INTERVALS_MAX)
		return problem_set(why, ERR_TOO_LARGE, "to", "ask for a shorter time");
	return e == ERR_OK ? what_if(t, &pieces, out, why) : e;
}
