#include "domain/share.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "domain/audit.h"
#include "domain/site.h"

/* ---- reading ---- */

#define F(member) FIELD(struct share_group, member)
SHAPE(group_shape, struct share_group, F(id), F(site_id), F(name), F(utility), F(basis), F(kind),
	F(purse), F(from_day), F(to_day), F(run_to), F(zone));
#undef F
#define GROUPS                                                                                     \
	"SELECT g.id, g.site_id, g.name, g.utility, g.basis, g.kind, g.purse, g.from_day,"         \
	" g.to_day, g.run_to, s.zone FROM share_group g JOIN site s ON s.id = g.site_id "
static const struct query Q_GROUPS = {
	GROUPS "WHERE ? IN (0, g.site_id) AND ? IN (0, g.id) ORDER BY g.id", &group_shape
};
const struct listing share_listing = {
	.all = { GROUPS "WHERE ? IN (0, g.site_id)", &group_shape },
	.sorts = { { "id", "g.id" }, { "name", "g.name" }, { "from_day", "g.from_day" } },
	.order = "id",
	.filters = { { "site_id", FILTER_ID, "g.site_id = ?" },
		{ "utility", FILTER_WORD, "g.utility = ?", "electricity water" },
		{ "kind", FILTER_WORD, "g.kind = ?", "public loss" },
		{ "q", FILTER_TEXT, "LOCATE(?, g.name)" } },
	.usual = 100,
	.most = 200,
};
static const struct query Q_GROUP = { GROUPS "WHERE g.id = ?", &group_shape };
static const struct query Q_LOCK = { "SELECT id FROM share_group WHERE id = ? FOR UPDATE",
	&id_shape };

#define F(member) FIELD(struct share_source, member)
SHAPE(source_shape, struct share_source, F(meter_id), F(meter_code), F(meter_name), F(sign));
#undef F
static const struct query Q_SOURCES = {
	"SELECT m.id AS meter_id, m.code AS meter_code, m.name AS meter_name, s.sign"
	" FROM share_source s JOIN meter m ON m.id = s.meter_id WHERE s.group_id = ?"
	" ORDER BY s.line",
	&source_shape
};

#define F(member) FIELD(struct share_target, member)
SHAPE(target_shape, struct share_target, F(contract_id), F(contract_code), F(tenant_id),
	F(tenant_code), F(tenant_name), F(room), F(weight), F(from_day));
#undef F
static const struct query Q_TARGETS = {
	"SELECT c.id AS contract_id, c.code AS contract_code, t.id AS tenant_id, t.code AS"
	" tenant_code, t.name AS tenant_name, t.room, x.weight, x.from_day FROM share_target x"
	" JOIN contract c ON c.id = x.contract_id JOIN tenant t ON t.id = c.tenant_id"
	" WHERE x.group_id = ? AND x.from_day = COALESCE("
	"(SELECT MAX(y.from_day) FROM share_target y WHERE y.group_id = x.group_id"
	" AND y.from_day <= ?),"
	" (SELECT MIN(z.from_day) FROM share_target z WHERE z.group_id = x.group_id))"
	" ORDER BY c.id",
	&target_shape
};

enum err share_groups(struct db *db, int64_t site_id, int64_t id, struct rows *out)
{
	return db_list(db, &Q_GROUPS, ARGS(arg_i64(site_id), arg_i64(id)), out);
}

enum err share_sources(struct db *db, int64_t group_id, struct rows *out)
{
	return db_list(db, &Q_SOURCES, ARGS(arg_i64(group_id)), out);
}

enum err share_targets(struct db *db, int64_t group_id, struct day day, struct rows *out)
{
	char text[DAY_TEXT_MAX];

	return db_list(db, &Q_TARGETS, ARGS(arg_i64(group_id), arg_text(day_text(day, text))), out);
}

/* ---- checks ---- */

struct meter_row {
	int64_t site_id;
	char utility[12];
	bool enabled;
};
SHAPE(meter_shape, struct meter_row, FIELD(struct meter_row, site_id),
	FIELD(struct meter_row, utility), FIELD(struct meter_row, enabled));
static const struct query Q_METER = { "SELECT p.site_id, m.utility, m.enabled FROM meter m JOIN"
				      " supply_point p ON p.id = m.supply_point_id WHERE m.id = ?",
	&meter_shape };
static const struct query Q_SHARED = {
	"SELECT g.id FROM share_source s JOIN share_group g ON g.id = s.group_id"
	" WHERE s.meter_id = ? AND s.sign = 1 AND g.kind = ?"
	" AND (g.to_day IS NULL OR (g.to_day >= ? AND g.to_day >= g.from_day)) LIMIT 1",
	&id_shape
};

struct contract_row {
	int64_t site_id;
	struct utc end_at;
	int64_t floor_m2_milli;
};
#define F(member) FIELD(struct contract_row, member)
SHAPE(contract_shape, struct contract_row, F(site_id), F(end_at), F(floor_m2_milli));
#undef F
static const struct query Q_CONTRACT = {
	"SELECT t.site_id, c.end_at, t.floor_m2_milli FROM contract c"
	" JOIN tenant t ON t.id = c.tenant_id WHERE c.id = ?",
	&contract_shape
};

static enum err path_problem(struct problem *why, enum err e, const char *list, size_t i,
	const char *member, const char *text)
{
	char field[64];

	snprintf(field, sizeof(field), "%s[%zu].%s", list, i, member);
	return problem_set(why, e, field, "%s", text);
}

static enum err source_check(
	struct db *db, const struct share_new *n, size_t i, struct day from, struct problem *why)
{
	const struct share_source_new *s = &n->sources[i];
	char text[DAY_TEXT_MAX];
	struct meter_row m;
	struct id_row other;
	enum err e = db_one(db, &Q_METER, ARGS(arg_i64(s->meter_id)), &m);

	if (e == ERR_NOT_FOUND || (e == ERR_OK && m.site_id != n->site_id))
		return path_problem(why, ERR_NOT_FOUND, "sources", i, "meter_id",
			"there is no such meter at this site");
	if (e != ERR_OK)
		return e;
	if (!str_eq(m.utility, n->utility))
		return path_problem(
			why, ERR_BAD_VALUE, "sources", i, "meter_id", "it measures something else");
	if (!m.enabled)
		return path_problem(
			why, ERR_CONFLICT, "sources", i, "meter_id", "it is out of service");
	for (size_t k = 0; k < i; k++)
		if (n->sources[k].meter_id == s->meter_id)
			return path_problem(
				why, ERR_BAD_VALUE, "sources", i, "meter_id", "it comes twice");
	if (s->sign < 0)
		return ERR_OK;
	e = db_one(db, &Q_SHARED,
		ARGS(arg_i64(s->meter_id), arg_text(n->kind), arg_text(day_text(from, text))),
		&other);
	if (e == ERR_OK)
		return path_problem(why, ERR_CONFLICT, "sources", i, "meter_id",
			"another group shares it already");
	return e == ERR_NOT_FOUND ? ERR_OK : e;
}

static enum err sources_check(
	struct db *db, const struct share_new *n, struct day from, struct problem *why)
{
	bool plus = false;
	enum err e = ERR_OK;

	if (n->sources_n == 0 || n->sources_n > SHARE_SOURCES_MAX)
		return problem_set(
			why, ERR_OUT_OF_RANGE, "sources", "from 1 to %d meters", SHARE_SOURCES_MAX);
	for (size_t i = 0; e == ERR_OK && i < n->sources_n; i++) {
		e = source_check(db, n, i, from, why);
		plus = plus || n->sources[i].sign > 0;
	}
	if (e == ERR_OK && !plus)
		return problem_set(
			why, ERR_BAD_VALUE, "sources", "at least one of them must count up");
	return e;
}

/* A set of sharers on its way into the table. */
struct sharers {
	int64_t site_id;
	const char *basis;
	const struct share_target_new *at;
	size_t n;
	int64_t weights[SHARE_TARGETS_MAX]; /* result of the check */
};

static enum err ratio_check(struct sharers *s, size_t i, struct problem *why)
{
	bool wanted = str_eq(s->basis, "ratio");

	if (s->at[i].has_ratio != wanted)
		return path_problem(why, wanted ? ERR_MISSING_FIELD : ERR_UNKNOWN_FIELD, "targets",
			i, "ratio",
			wanted ? "this basis needs a ratio" : "this basis takes no ratio");
	if (wanted && (s->at[i].ratio_ppm < 1 || s->at[i].ratio_ppm > SHARE_WHOLE))
		return path_problem(
			why, ERR_OUT_OF_RANGE, "targets", i, "ratio", "above 0 and at most 1");
	s->weights[i] = wanted ? s->at[i].ratio_ppm : 1;
	return ERR_OK;
}

static enum err sharer_check(struct db *db, struct sharers *s, size_t i, struct problem *why)
{
	struct contract_row c;
	enum err e = db_one(db, &Q_CONTRACT, ARGS(arg_i64(s->at[i].contract_id)), &c);

	if (e == ERR_NOT_FOUND || (e == ERR_OK && c.site_id != s->site_id))
		return path_problem(why, ERR_NOT_FOUND, "targets", i, "contract_id",
			"there is no such contract at this site");
	if (e == ERR_OK && c.end_at.ms)
		return path_problem(
			why, ERR_CONFLICT, "targets", i, "contract_id", "the contract has ended");
	if (e != ERR_OK)
		return e;
	for (size_t k = 0; k < i; k++)
		if (s->at[k].contract_id == s->at[i].contract_id)
			return path_problem(
				why, ERR_BAD_VALUE, "targets", i, "contract_id", "it comes twice");
	e = ratio_check(s, i, why);
	if (e != ERR_OK || !str_eq(s->basis, "area"))
		return e;
	if (c.floor_m2_milli <= 0)
		return path_problem(why, ERR_CONFLICT, "targets", i, "contract_id",
			"its tenant has no floor area");
	s->weights[i] = c.floor_m2_milli;
	return ERR_OK;
}

static enum err sharers_check(struct db *db, struct sharers *s, struct problem *why)
{
	int64_t sum = 0;
	enum err e = ERR_OK;

	if (s->n == 0 || s->n > SHARE_TARGETS_MAX)
		return problem_set(why, ERR_OUT_OF_RANGE, "targets", "from 1 to %d contracts",
			SHARE_TARGETS_MAX);
	for (size_t i = 0; e == ERR_OK && i < s->n; i++) {
		e = sharer_check(db, s, i, why);
		sum += s->weights[i];
	}
	if (e == ERR_OK && str_eq(s->basis, "ratio") && sum > SHARE_WHOLE)
		return problem_set(
			why, ERR_OUT_OF_RANGE, "targets", "the ratios sum to more than 1");
	return e;
}

static bool is_one_of(const char *word, const char *a, const char *b, const char *c)
{
	return str_eq(word, a) || str_eq(word, b) || str_eq(word, c);
}

static enum err words_check(const struct share_new *n, struct problem *why)
{
	if (!is_one_of(n->utility, "electricity", "water", "water"))
		return problem_set(why, ERR_BAD_VALUE, "utility", "electricity or water");
	if (!is_one_of(n->basis, "ratio", "area", "equal"))
		return problem_set(why, ERR_BAD_VALUE, "basis", "ratio, area or equal");
	if (!is_one_of(n->kind, "public", "loss", "loss"))
		return problem_set(why, ERR_BAD_VALUE, "kind", "public or loss");
	if (!is_one_of(n->purse, "utility", "fee", "fee"))
		return problem_set(why, ERR_BAD_VALUE, "purse", "utility or fee");
	if (!n->name[0])
		return problem_set(why, ERR_BAD_VALUE, "name", "it needs a name");
	return ERR_OK;
}

/* ---- writing ---- */

static const struct query Q_ADD = {
	"INSERT INTO share_group (site_id, name, utility, basis, kind, purse, from_day, to_day,"
	" run_to, created_at, once_key) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
	NULL
};
static const struct query Q_BY_KEY = {
	"SELECT id FROM share_group WHERE once_key = ? AND site_id = ? AND name = ? AND basis = ?",
	&id_shape
};
static const struct query Q_KEY_USED = { "SELECT id FROM share_group WHERE once_key = ?",
	&id_shape };
static const struct query Q_SOURCE_ADD = {
	"INSERT INTO share_source (group_id, line, meter_id, sign) VALUES (?, ?, ?, ?)", NULL
};
static const struct query Q_TARGETS_DROP = {
	"DELETE FROM share_target WHERE group_id = ? AND from_day >= ?", NULL
};
static const struct query Q_TARGET_ADD = {
	"INSERT INTO share_target (group_id, from_day, contract_id, weight) VALUES (?, ?, ?, ?)",
	NULL
};
static const struct query Q_RENAME = { "UPDATE share_group SET name = ? WHERE id = ?", NULL };
static const struct query Q_END = { "UPDATE share_group SET to_day = ? WHERE id = ?", NULL };

static struct arg arg_day(struct day d, char buf[static DAY_TEXT_MAX])
{
	return arg_text(day_text(d, buf));
}

static enum err sharers_write(
	struct db *db, int64_t group_id, const struct sharers *s, struct day from)
{
	char text[DAY_TEXT_MAX];
	enum err e =
		db_exec(db, &Q_TARGETS_DROP, ARGS(arg_i64(group_id), arg_day(from, text)), NULL);

	for (size_t i = 0; e == ERR_OK && i < s->n; i++)
		e = db_exec(db, &Q_TARGET_ADD,
			ARGS(arg_i64(group_id), arg_text(text), arg_i64(s->at[i].contract_id),
				arg_i64(s->weights[i])),
			NULL);
	return e;
}

static enum err share_audit(
	struct db *db, const struct share_actor *by, const char *action, int64_t id, json_t *detail)
{
	return audit_add(db,
		&(struct audit){ by->actor, by->address, action, "share_group", id, NULL }, detail,
		by->now);
}

static json_t *sharers_json(const struct sharers *s)
{
	json_t *list = json_array();

	for (size_t i = 0; i < s->n; i++)
		json_array_append_new(list, json_pack("[I, I]", (json_int_t)s->at[i].contract_id,
						    (json_int_t)s->weights[i]));
	return list;
}

struct adding {
	const struct share_new *n;
	const struct share_actor *by;
	struct day from;
	struct sharers sharers;
	int64_t id;
	struct problem *why;
};

static enum err added_before(struct db *db, struct adding *a)
{
	const struct share_new *n = a->n;
	struct id_row found;
	enum err e = db_one(db, &Q_KEY_USED, ARGS(arg_text(n->once_key)), &found);

	if (e != ERR_OK)
		return e;
	e = db_one(db, &Q_BY_KEY,
		ARGS(arg_text(n->once_key), arg_i64(n->site_id), arg_text(n->name),
			arg_text(n->basis)),
		&found);
	a->id = found.id;
	return e == ERR_NOT_FOUND ? problem_set(a->why, ERR_IDEMPOTENCY, "Idempotency-Key",
					    "this key was used for another request")
				  : e;
}

static enum err group_write(struct db *db, struct adding *a)
{
	const struct share_new *n = a->n;
	char from[DAY_TEXT_MAX], to[DAY_TEXT_MAX], before[DAY_TEXT_MAX];
	enum err e = db_exec(db, &Q_ADD,
		ARGS(arg_i64(n->site_id), arg_text(n->name), arg_text(n->utility),
			arg_text(n->basis), arg_text(n->kind), arg_text(n->purse),
			arg_day(a->from, from),
			n->ends ? arg_day(n->to, to) : (struct arg){ .kind = ARG_NULL },
			arg_day((struct day){ a->from.days - 1 }, before), arg_utc(a->by->now),
			arg_text(n->once_key)),
		NULL);

	if (e == ERR_OK)
		a->id = db_insert_id(db);
	for (size_t i = 0; e == ERR_OK && i < n->sources_n; i++)
		e = db_exec(db, &Q_SOURCE_ADD,
			ARGS(arg_i64(a->id), arg_i64((int64_t)i + 1),
				arg_i64(n->sources[i].meter_id), arg_i64(n->sources[i].sign)),
			NULL);
	if (e == ERR_OK)
		e = sharers_write(db, a->id, &a->sharers, a->from);
	return e == ERR_OK ? share_audit(db, a->by, "share.create", a->id,
				     json_pack("{s:s, s:s, s:s, s:o}", "name", n->name, "basis",
					     n->basis, "from_day", from, "sharers",
					     sharers_json(&a->sharers)))
			   : e;
}

/* Tenants are not charged for days before they could know of it. */
static enum err days_check(const struct adding *a, struct day today)
{
	char text[DAY_TEXT_MAX];

	if (a->from.days < today.days)
		return problem_set(a->why, ERR_OUT_OF_RANGE, "from_day", "not before %s",
			day_text(today, text));
	if (a->n->ends && a->n->to.days < a->from.days)
		return problem_set(
			a->why, ERR_OUT_OF_RANGE, "to_day", "it must not end before it begins");
	return ERR_OK;
}

static enum err add_tx(struct db *db, void *ctx)
{
	struct adding *a = ctx;
	struct day today;
	enum err e = added_before(db, a);

	if (e != ERR_NOT_FOUND)
		return e;
	e = site_day(db, a->n->site_id, a->by->now, &today);
	if (e == ERR_NOT_FOUND)
		return problem_set(a->why, e, "site_id", "there is no such site");
	if (e != ERR_OK)
		return e;
	a->from = a->n->has_from ? a->n->from : (struct day){ today.days + 1 };
	e = days_check(a, today);
	if (e == ERR_OK)
		e = sources_check(db, a->n, a->from, a->why);
	if (e == ERR_OK)
		e = sharers_check(db, &a->sharers, a->why);
	return e == ERR_OK ? group_write(db, a) : e;
}

enum err share_add(struct db *db, const struct share_new *n, const struct share_actor *by,
	int64_t *id, struct problem *why)
{
	struct adding a = { .n = n, .by = by, .why = why };
	enum err e = words_check(n, why);

	a.sharers = (struct sharers){
		.site_id = n->site_id, .basis = n->basis, .at = n->targets, .n = n->targets_n
	};
	if (e == ERR_OK && by->site_id && by->site_id != n->site_id)
		return problem_set(why, ERR_NOT_FOUND, "site_id", "there is no such site");
	if (e == ERR_OK)
		e = db_in_tx(db) ? add_tx(db, &a) : db_tx(db, add_tx, &a);
	if (e == ERR_OK)
		*id = a.id;
	return e;
}

/* ---- changing ---- */

struct changing {
	const struct share_change *c;
	const struct share_actor *by;
	struct share_group group;
	struct day today, run_to;
	struct sharers sharers;
	struct problem *why;
};

static enum err change_load(struct db *db, struct changing *g)
{
	struct id_row locked;
	enum err e = db_one(db, &Q_LOCK, ARGS(arg_i64(g->c->id)), &locked);

	if (e == ERR_OK)
		e = db_one(db, &Q_GROUP, ARGS(arg_i64(g->c->id)), &g->group);
	if (e == ERR_OK && g->by->site_id && g->by->site_id != g->group.site_id)
		return ERR_NOT_FOUND;
	if (e == ERR_OK)
		e = day_parse(g->group.run_to, &g->run_to);
	if (e == ERR_OK)
		e = site_day(db, g->group.site_id, g->by->now, &g->today);
	return e;
}

static enum err change_end(struct db *db, const struct changing *g)
{
	char text[DAY_TEXT_MAX];

	if (g->c->to.days < g->run_to.days)
		return problem_set(g->why, ERR_OUT_OF_RANGE, "to_day",
			"days up to %s have been shared", g->group.run_to);
	return db_exec(db, &Q_END, ARGS(arg_day(g->c->to, text), arg_i64(g->c->id)), NULL);
}

static enum err change_sharers(struct db *db, struct changing *g)
{
	struct day from = g->c->has_from ? g->c->from : (struct day){ g->today.days + 1 };
	enum err e;

	if (from.days <= g->run_to.days || from.days < g->today.days)
		return problem_set(g->why, ERR_OUT_OF_RANGE, "from_day",
			"not before today, nor on a day that has been shared");
	g->sharers = (struct sharers){ .site_id = g->group.site_id,
		.basis = g->group.basis,
		.at = g->c->targets,
		.n = g->c->targets_n };
	e = sharers_check(db, &g->sharers, g->why);
	return e == ERR_OK ? sharers_write(db, g->c->id, &g->sharers, from) : e;
}

static enum err change_tx(struct db *db, void *ctx)
{
	struct changing *g = ctx;
	const struct share_change *c = g->c;
	char to[DAY_TEXT_MAX];
	enum err e = change_load(db, g);

	if (e == ERR_OK && c->name)
		e = db_exec(db, &Q_RENAME, ARGS(arg_text(c->name), arg_i64(c->id)), NULL);
	if (e == ERR_OK && c->ends)
		e = change_end(db, g);
	if (e == ERR_OK && c->targets)
		e = change_sharers(db, g);
	return e == ERR_OK ? share_audit(db, g->by, "share.edit", c->id,
				     json_pack("{s:s, s:s, s:o}", "name",
					     c->name ? c->name : g->group.name, "to_day",
					     c->ends ? day_text(c->to, to) : g->group.to_day,
					     "sharers", sharers_json(&g->sharers)))
			   : e;
}

enum err share_edit(struct db *db, const struct share_change *c, const struct share_actor *by,
	struct problem *why)
{
	struct changing g = { .c = c, .by = by, .why = why };

	return db_join(db, change_tx, &g);
}
