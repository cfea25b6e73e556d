#include "domain/batch.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "domain/audit.h"
#include "domain/scope.h"
#include "domain/setting.h"

/* ---- the preview ---- */

struct picked {
	int64_t meter_id, site_id;
	bool switchable;
	char billing[12], load_class[12], comm[8];
	struct utc keep_until;
	char blocks[257]; /* kinds, parted by commas */
};
#define F(member) FIELD(struct picked, member)
SHAPE(picked_shape, struct picked, F(meter_id), F(site_id), F(switchable), F(billing),
	F(load_class), F(comm), F(keep_until), F(blocks));
#undef F
#define PICKED                                                                                     \
	"m.id AS meter_id, p.site_id, p.switchable, p.billing, p.load_class,"                      \
	" COALESCE(s.comm, 'never') AS comm, p.keep_until,"                                        \
	" COALESCE((SELECT GROUP_CONCAT(DISTINCT b.kind ORDER BY b.kind) FROM block b"             \
	" WHERE b.supply_point_id = p.id), '') AS blocks"
#define JOINED                                                                                     \
	" JOIN supply_point p ON p.id = m.supply_point_id"                                         \
	" LEFT JOIN meter_state s ON s.meter_id = m.id"
static const struct query Q_PICK_IDS = {
	"SELECT STRAIGHT_JOIN " PICKED " FROM " DB_IDS " meter m ON m.id = k.id" JOINED
	" WHERE ? IN (0, p.site_id, " SEEN_METER("m.id") ") ORDER BY m.id",
	&picked_shape
};
static const struct query Q_PICK = {
	"WITH RECURSIVE below (id, depth) AS (SELECT id, 0 FROM area WHERE id = ? UNION ALL"
	" SELECT a.id, b.depth + 1 FROM area a JOIN below b ON a.parent_id = b.id"
	" WHERE b.depth < 64)"
	" SELECT " PICKED " FROM meter m" JOINED " WHERE ? IN (0, p.site_id, " SEEN_METER(
		"m.id") ") AND m.enabled AND ? IN (0, m.gateway_id)"
			" AND ? IN ('', m.utility) AND ? IN ('', m.role)"
			" AND (? = 0 OR m.area_id IN (SELECT id FROM below)) ORDER BY m.id LIMIT ?",
	&picked_shape
};

/* The facts as they would be, were the order given. */
static void order_in_mind(struct supply_facts *f, const struct batch_new *n)
{
	if (str_eq(n->action, "off"))
		f->blocks[BLOCK_MANUAL] = true;
	if (str_eq(n->action, "on"))
		f->blocks[BLOCK_MANUAL] = f->blocks[BLOCK_SUB_TENANT] = f->blocks[BLOCK_OVERLOAD] =
			false;
	if (str_eq(n->action, "keep"))
		f->keep_until = n->until;
	if (str_eq(n->action, "auto"))
		f->keep_until.ms = 0;
}

static enum err facts_of(const struct picked *p, struct utc now, struct supply_facts *out)
{
	struct supply_facts f = { .now = now,
		.keep_until = p->keep_until,
		.protected_load = str_eq(p->load_class, "protected") };
	enum err e = billing_parse(p->billing, &f.billing);

	for (const char *at = p->blocks; e == ERR_OK && *at;) {
		size_t n = strcspn(at, ",");
		enum block_kind kind;
		char word[24];

		snprintf(word, sizeof(word), "%.*s", (int)n, at);
		e = block_parse(word, &kind);
		if (e == ERR_OK)
			f.blocks[kind] = true;
		at += n + (at[n] == ',');
	}
	*out = f;
	return e;
}

struct previewed {
	int64_t batch_id, meter_id;
	const char *would;
	const char *in_the_way;
	char words[201];
};
SHAPE(previewed_shape, struct previewed, FIELD(struct previewed, batch_id),
	FIELD(struct previewed, meter_id), FIELD(struct previewed, would),
	FIELD(struct previewed, in_the_way));
static const struct query Q_METERS_ADD = {
	"INSERT INTO batch_meter (batch_id, meter_id, would, in_the_way) VALUES (?, ?, ?, ?)", NULL
};

static void stands(struct previewed *v, bool holds, const char *word)
{
	size_t n = strlen(v->words);

	if (holds)
		snprintf(v->words + n, sizeof(v->words) - n, "%s%s", n ? "," : "", word);
}

/* What would be ordered, and what a person should know before. */
static enum err preview(const struct batch_new *n, const struct picked *p, struct previewed *v)
{
	bool off = str_eq(n->action, "off"), read = str_eq(n->action, "read");
	struct supply_decision d;
	struct supply_facts f;
	enum err e = facts_of(p, n->now, &f);

	if (e != ERR_OK)
		return e;
	stands(v, !str_eq(p->comm, "ok"), "silent");
	v->would = "read";
	if (read)
		return ERR_OK;
	stands(v, !p->switchable, "no_relay");
	stands(v, off && f.protected_load, "protected");
	stands(v, off && f.keep_until.ms > n->now.ms, "keep");
	stands(v, f.billing == BILLING_METER, "credit_in_meter");
	order_in_mind(&f, n);
	d = supply_decide(&f);
	stands(v, !off && d.want == WANT_OFF, d.reason);
	v->would = !p->switchable || (off && f.protected_load) ? "" : want_word(d.want);
	return ERR_OK;
}

/* ---- making one ---- */

static const struct query Q_ADD = {
	"INSERT INTO batch (site_id, action, until_at, reason, user_id, name, address, created_at,"
	" expires_at, once_key) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
	NULL
};
static const struct query Q_BY_KEY = { "SELECT id FROM batch WHERE once_key = ?", &id_shape };

struct making {
	const struct batch_new *n;
	int64_t id;
	struct problem *why;
};

/* Which of the wanted ones is not there. */
static enum err name_missing(
	const struct batch_pick *pick, const struct rows *rows, struct problem *why)
{
	const struct picked *p = rows->at;
	char field[32];

	for (size_t i = 0; i < pick->n; i++) {
		bool found = false;

		for (size_t k = 0; !found && k < rows->n; k++)
			found = p[k].meter_id == pick->ids[i];
		if (found)
			continue;
		snprintf(field, sizeof(field), "meters[%zu]", i);
		return problem_set(why, ERR_NOT_FOUND, field, "there is no such meter");
	}
	return problem_set(why, ERR_BAD_VALUE, "meters", "a meter stands there twice");
}

static enum err pick_meters(
	struct db *db, const struct batch_new *n, struct rows *rows, struct problem *why)
{
	const struct batch_pick *k = &n->pick;
	AUTO(text_free) char *ids = json_ids(k->ids, k->n);
	enum err e = k->n ? db_list(db, &Q_PICK_IDS, ARGS(arg_text(ids), arg_i64(n->site_id)), rows)
			  : db_list(db, &Q_PICK,
				    ARGS(arg_i64(k->area_id), arg_i64(n->site_id),
					    arg_i64(k->gateway_id), arg_text(k->utility),
					    arg_text(k->role), arg_i64(k->area_id),
					    arg_i64(BATCH_METERS_MOST + 1)),
				    rows);
	const struct picked *p = rows->at;

	if (e != ERR_OK)
		return e;
	if (k->n && rows->n != k->n)
		return name_missing(k, rows, why);
	if (rows->n == 0)
		return problem_set(why, ERR_NOT_FOUND, "", "there is no meter like that");
	if (rows->n > BATCH_METERS_MOST)
		return problem_set(
			why, ERR_TOO_LARGE, "meters", "at most %d at once", BATCH_METERS_MOST);
	for (size_t i = 1; i < rows->n; i++)
		if (p[i].meter_id == p[i - 1].meter_id)
			return problem_set(
				why, ERR_BAD_VALUE, "meters", "a meter stands there twice");
		else if (p[i].site_id != p[0].site_id)
			return problem_set(
				why, ERR_CONFLICT, "meters", "meters of one site at a time");
	return ERR_OK;
}

static enum err meters_add(
	struct db *db, const struct batch_new *n, int64_t id, const struct rows *rows)
{
	const struct picked *p = rows->at;
	struct previewed *list = calloc(rows->n, sizeof(*list));
	enum err e = ERR_OK;

	ASSERT(list);
	for (size_t i = 0; e == ERR_OK && i < rows->n; i++) {
		list[i] = (struct previewed){ .batch_id = id, .meter_id = p[i].meter_id };
		list[i].in_the_way = list[i].words;
		e = preview(n, &p[i], &list[i]);
	}
	if (e == ERR_OK)
		e = db_bulk(db, &Q_METERS_ADD, &previewed_shape, list, rows->n);
	free(list);
	return e;
}

static enum err make_tx(struct db *db, void *ctx)
{
	AUTO(rows_free) struct rows rows = { 0 };
	struct making *m = ctx;
	const struct batch_new *n = m->n;
	struct id_row first;
	enum err e = db_one(db, &Q_BY_KEY, ARGS(arg_text(n->once_key)), &first);

	if (e == ERR_OK)
		m->id = first.id;
	if (e != ERR_NOT_FOUND)
		return e;
	e = pick_meters(db, n, &rows, m->why);
	if (e == ERR_OK)
		e = db_exec(db, &Q_ADD,
			ARGS(arg_i64(((const struct picked *)rows.at)->site_id),
				arg_text(n->action), arg_utc(n->until), arg_text(n->reason),
				arg_i64(n->user_id), arg_text(n->name), arg_text(n->address),
				arg_utc(n->now), arg_i64(n->now.ms + BATCH_PREVIEW_MS),
				arg_text(n->once_key)),
			NULL);
	if (e != ERR_OK)
		return e;
	m->id = db_insert_id(db);
	return meters_add(db, n, m->id, &rows);
}

enum err batch_make(struct db *db, const struct batch_new *n, int64_t *id, struct problem *why)
{
	struct making m = { .n = n, .why = why };
	enum err e = db_tx(db, make_tx, &m);

	if (e == ERR_OK)
		*id = m.id;
	return e;
}

/* ---- starting it ---- */

struct batch_row {
	int64_t id, site_id, user_id;
	char action[8], reason[801], state[12];
	struct utc expires_at;
	int64_t meters;
};
#define F(member) FIELD(struct batch_row, member)
SHAPE(row_shape, struct batch_row, F(id), F(site_id), F(user_id), F(action), F(reason), F(state),
	F(expires_at), F(meters));
#undef F
static const struct query Q_LOCK = {
	"SELECT k.id, k.site_id, k.user_id, k.action, k.reason, k.state, k.expires_at,"
	" (SELECT COUNT(*) FROM batch_meter b WHERE b.batch_id = k.id) AS meters"
	" FROM batch k WHERE ? IN (0, k.site_id) AND k.id = ? FOR UPDATE",
	&row_shape
};
static const struct query Q_RUN = {
	"UPDATE batch SET state = 'running', confirmed_at = IF(confirmed_at = 0, ?, confirmed_at),"
	" started_at = ? WHERE id = ?",
	NULL
};
static const struct query Q_ASKED = {
	"UPDATE batch SET state = 'approval', confirmed_at = ?, approval_id = ? WHERE id = ?", NULL
};

static enum err run(struct db *db, const struct batch_row *b, const char *actor,
	const char *address, struct utc now)
{
	enum err e = db_exec(db, &Q_RUN, ARGS(arg_utc(now), arg_utc(now), arg_i64(b->id)), NULL);

	return e == ERR_OK ? audit_add(db,
				     &(struct audit){
					     actor, address, "batch.start", "batch", b->id, NULL },
				     json_pack("{s:s, s:I, s:s}", "action", b->action, "meters",
					     (json_int_t)b->meters, "reason", b->reason),
				     now)
			   : e;
}

static enum err ask_second(struct db *db, const struct batch_row *b, const struct batch_confirm *c,
	struct problem *why)
{
	AUTO(json_free)
	json_t *params = json_pack("{s:I, s:s, s:I}", "batch", (json_int_t)b->id, "action",
		b->action, "meters", (json_int_t)b->meters);
	char object[40], once[48];
	int64_t approval_id;
	enum err e;

	snprintf(object, sizeof(object), "batch:%" PRId64, b->id);
	snprintf(once, sizeof(once), "batch:%" PRId64, b->id);
	e = approval_ask(db,
		&(struct approval_new){ .kind = "batch",
			.site_id = b->site_id,
			.object = object,
			.params = params,
			.reason = b->reason,
			.user_id = c->user_id,
			.once_key = once },
		c->now, &approval_id, why);
	return e == ERR_OK
		       ? db_exec(db, &Q_ASKED,
				 ARGS(arg_utc(c->now), arg_i64(approval_id), arg_i64(b->id)), NULL)
		       : e;
}

struct starting {
	const struct batch_confirm *c;
	struct problem *why;
};

static enum err start_tx(struct db *db, void *ctx)
{
	const struct starting *s = ctx;
	const struct batch_confirm *c = s->c;
	struct batch_row b;
	int64_t limit = 0;
	enum err e = db_one(db, &Q_LOCK, ARGS(arg_i64(c->site_id), arg_i64(c->id)), &b);

	if (e != ERR_OK)
		return e;
	if (b.user_id != c->user_id)
		return problem_set(s->why, ERR_FORBIDDEN, "",
			"who made the preview confirms it; make one of your own");
	if (!str_eq(b.state, "preview"))
		return ERR_OK; /* confirmed before */
	if (c->now.ms > b.expires_at.ms)
		return problem_set(
			s->why, ERR_CONFLICT, "id", "this preview has expired; make another");
	e = setting_get(db, b.site_id, SETTING_BATCH_LIMIT, &limit);
	if (e != ERR_OK)
		return e;
	/* Reading harms nobody. */
	if (b.meters > limit && !str_eq(b.action, "read"))
		return ask_second(db, &b, c, s->why);
	return run(db, &b, c->actor, c->address, c->now);
}

enum err batch_start(struct db *db, const struct batch_confirm *c, struct problem *why)
{
	return db_tx(db, start_tx, &(struct starting){ c, why });
}

enum err batch_approved(struct db *db, const struct approval *a, const json_t *params,
	const char *actor, struct utc now, struct problem *why)
{
	int64_t id = json_integer_value(json_object_get(params, "batch"));
	struct batch_row b;
	enum err e = db_one(db, &Q_LOCK, ARGS(arg_i64(a->site_id), arg_i64(id)), &b);

	if (e == ERR_OK && !str_eq(b.state, "approval"))
		return problem_set(why, ERR_CONFLICT, "id", "this batch does not wait any more");
	return e == ERR_OK ? run(db, &b, actor, "", now) : e;
}

/* ---- how it is doing ---- */

#define F(member) FIELD(struct batch_view, member)
SHAPE(view_shape, struct batch_view, F(id), F(site_id), F(action), F(until_at), F(reason), F(state),
	F(user_id), F(name), F(created_at), F(expires_at), F(confirmed_at), F(started_at),
	F(done_at), F(approval_id), F(meters), F(todo), F(waiting), F(done), F(refused), F(failed));
#undef F
#define COUNTED(word)                                                                              \
	" (SELECT COUNT(*) FROM batch_meter b WHERE b.batch_id = k.id AND b.state = '" word        \
	"') AS " word
/* clang-format off */
#define VIEW \
	"SELECT k.id, k.site_id, k.action, k.until_at, k.reason," \
	" CASE WHEN k.state = 'preview' AND k.expires_at < ? THEN 'expired'" \
	" WHEN k.state = 'approval' AND a.state = 'rejected' THEN 'rejected'" \
	" WHEN k.state = 'approval' AND a.asked_at < ? THEN 'expired' ELSE k.state END AS state," \
	" k.user_id, k.name, k.created_at, k.expires_at, k.confirmed_at, k.started_at, k.done_at," \
	" COALESCE(k.approval_id, 0) AS approval_id," \
	" (SELECT COUNT(*) FROM batch_meter b WHERE b.batch_id = k.id) AS meters," COUNTED("todo") "," \
	COUNTED("waiting") "," COUNTED("done") "," COUNTED("refused") "," COUNTED("failed") \
	" FROM batch k LEFT JOIN approval a ON a.id = k.approval_id WHERE ? IN (0, k.site_id, " SEEN_BATCH("k.id") ")"
/* clang-format on */
const struct listing batch_listing = {
	.all = { VIEW, &view_shape },
	.sorts = { { "id", "k.id" }, { "created_at", "k.created_at" } },
	.order = "-id",
	.filters = { { "site_id", FILTER_ID, "k.site_id = ?" },
		{ "action", FILTER_WORD, "k.action = ?", "on off keep auto read" },
		{ "from", FILTER_FROM, "k.created_at >= ?" },
		{ "to", FILTER_TO, "k.created_at < ?" } },
};
static const struct query Q_GET = { VIEW " AND k.id = ?", &view_shape };

void batch_list_args(struct arg out[static BATCH_LIST_ARGS], int64_t site_id, struct utc now)
{
	out[0] = arg_utc(now);
	out[1] = arg_i64(now.ms - APPROVAL_LIFE_MS);
	out[2] = arg_i64(site_id);
}

enum err batch_get(
	struct db *db, int64_t site_id, int64_t id, struct utc now, struct batch_view *out)
{
	struct arg args[BATCH_LIST_ARGS + 1];

	batch_list_args(args, site_id, now);
	args[BATCH_LIST_ARGS] = arg_i64(id);
	return db_one(db, &Q_GET, args, ARRAY_LEN(args), out);
}

#define F(member) FIELD(struct batch_meter, member)
SHAPE(meter_shape, struct batch_meter, F(meter_id), F(meter_code), F(meter_name), F(tenant_id),
	F(tenant_code), F(tenant_name), F(room), F(would), F(in_the_way), F(state), F(why),
	F(ordered_at), F(ended_at), F(switchable), F(desired), F(observed), F(comm),
	F(observed_since));
#undef F
static const struct query Q_METERS = {
	"SELECT b.meter_id, m.code AS meter_code, m.name AS meter_name,"
	" COALESCE(t.id, 0) AS tenant_id, COALESCE(t.code, '') AS tenant_code,"
	" COALESCE(t.name, '') AS tenant_name, COALESCE(t.room, '') AS room, b.would,"
	" b.in_the_way, b.state, IF(b.state = 'waiting' AND b.why = '', p.deferred, b.why) AS why,"
	" b.ordered_at, b.ended_at, p.switchable, p.desired, p.observed,"
	" COALESCE(s.comm, 'never') AS comm, p.observed_since"
	" FROM batch_meter b JOIN meter m ON m.id = b.meter_id" JOINED
	" LEFT JOIN contract_point cp ON cp.supply_point_id = p.id AND cp.to_at = 0"
	" LEFT JOIN contract c ON c.id = cp.contract_id LEFT JOIN tenant t ON t.id = c.tenant_id"
	" WHERE b.batch_id = ? ORDER BY b.meter_id",
	&meter_shape
};

enum err batch_meters(struct db *db, int64_t id, struct rows *out)
{
	return db_list(db, &Q_METERS, ARGS(arg_i64(id)), out);
}
