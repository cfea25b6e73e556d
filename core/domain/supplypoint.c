#include "domain/supplypoint.h"

#include "base/log.h"
#include "domain/event.h"
#include "domain/notice.h"
#include "domain/scope.h"

SHAPE(point_shape, struct supply_point, FIELD(struct supply_point, id),
	FIELD(struct supply_point, meter_id), FIELD(struct supply_point, site_id),
	FIELD(struct supply_point, utility), FIELD(struct supply_point, switchable),
	FIELD(struct supply_point, billing), FIELD(struct supply_point, load_class),
	FIELD(struct supply_point, keep_until), FIELD(struct supply_point, keep_actor),
	FIELD(struct supply_point, desired), FIELD(struct supply_point, desired_reason),
	FIELD(struct supply_point, desired_since), FIELD(struct supply_point, desired_actor),
	FIELD(struct supply_point, gated), FIELD(struct supply_point, observed),
	FIELD(struct supply_point, observed_since), FIELD(struct supply_point, pending),
	FIELD(struct supply_point, deferred), FIELD(struct supply_point, deferred_since),
	FIELD(struct supply_point, noted_at));

static const struct field block_fields[] = {
	FIELD(struct block, kind),
	FIELD(struct block, cause),
	FIELD(struct block, since_at),
	FIELD(struct block, actor),
	FIELD(struct block, reason),
};
const struct shape block_shape = { block_fields, ARRAY_LEN(block_fields), sizeof(struct block) };

#define POINT_COLUMNS                                                                              \
	"SELECT p.id, m.id AS meter_id, p.site_id, p.utility, p.switchable, p.billing, "           \
	"p.load_class,"                                                                            \
	" p.keep_until, p.keep_actor, p.desired, p.desired_reason, p.desired_since,"               \
	" p.desired_actor, p.gated, p.observed, p.observed_since, p.pending, p.deferred,"          \
	" p.deferred_since, p.noted_at"                                                            \
	" FROM supply_point p JOIN meter m ON m.supply_point_id = p.id "

static const struct query Q_GET = { POINT_COLUMNS "WHERE p.id = ?", &point_shape };
static const struct query Q_LOCK = { "SELECT id FROM supply_point WHERE id = ? FOR UPDATE",
	&id_shape };
static const struct query Q_BLOCKS = {
	"SELECT kind, cause, since_at, actor, reason FROM block WHERE supply_point_id = ?"
	" ORDER BY kind, cause",
	&block_shape
};
static const struct query Q_BLOCK_SET = {
	"INSERT INTO block (supply_point_id, kind, cause, since_at, actor, reason)"
	" VALUES (?, ?, ?, ?, ?, ?)",
	NULL
};
static const struct query Q_BLOCK_CLEAR = {
	"DELETE FROM block WHERE supply_point_id = ? AND kind = ? AND cause = ?", NULL
};
static const struct query Q_KEEP = {
	"UPDATE supply_point SET keep_until = ?, keep_reason = ?, keep_actor = ? WHERE id = ?", NULL
};
static const struct query Q_KEEPS_ENDED = {
	"SELECT id FROM supply_point WHERE keep_until > 0 AND keep_until <= ? ORDER BY id",
	&id_shape
};
/* A new wish starts with a clean slate: no former refusal of the gate, no pause. */
static const struct query Q_DESIRE = {
	"UPDATE supply_point SET desired_since = IF(desired = ?, desired_since, ?), desired = ?,"
	" desired_reason = ?, desired_actor = ?, gated = ?, deferred = '', deferred_since = 0,"
	" try_at = 0, tries = 0,"
	" pending = switchable AND observed IN ('on','off') AND desired <> 'auto'"
	" AND desired <> observed WHERE id = ?",
	NULL
};
/* What is not due any more is not put off either. Assignments see those before them. */
static const struct query Q_OBSERVE = {
	"UPDATE supply_point SET observed_since = IF(observed = ?, observed_since, ?), observed = "
	"?,"
	" pending = switchable AND observed IN ('on','off') AND desired <> 'auto'"
	" AND desired <> observed, deferred = IF(pending, deferred, ''),"
	" deferred_since = IF(pending, deferred_since, 0) WHERE id = ?",
	NULL
};
/* Asked first and without locks: whoever credits an order holds its purse before the supply. */
struct dark_order {
	int64_t id;
	int64_t account_id;
	struct utc credited_at;
};
SHAPE(dark_shape, struct dark_order, FIELD(struct dark_order, id),
	FIELD(struct dark_order, account_id), FIELD(struct dark_order, credited_at));
static const struct query Q_ORDERS_DARK = {
	"SELECT o.id, o.account_id, o.credited_at FROM pay_order o"
	" JOIN account a ON a.id = o.account_id" SUPPLIES_OF_PURSE
	" WHERE c.supply_point_id = ? AND o.supply_was_off = 1 AND o.supply_restored_at = 0"
	" ORDER BY o.account_id, o.id",
	&dark_shape
};
static const struct query Q_ORDER_RESTORED = {
	"UPDATE pay_order SET supply_restored_at = ? WHERE id = ? AND supply_restored_at = 0", NULL
};

enum err supply_get(struct db *db, int64_t id, struct supply_point *out)
{
	return db_one(db, &Q_GET, ARGS(arg_i64(id)), out);
}

enum err supply_blocks(struct db *db, int64_t id, struct rows *out)
{
	return db_list(db, &Q_BLOCKS, ARGS(arg_i64(id)), out);
}

/* The facts of the precedence table, from a locked supply point. */
static enum err facts_read(struct db *db, const struct supply_point *p, struct utc now,
	struct rows *blocks, struct supply_facts *out)
{
	struct supply_facts f = { .now = now,
		.keep_until = p->keep_until,
		.protected_load = str_eq(p->load_class, "protected") };
	const struct block *b;
	enum block_kind kind;
	enum err e;

	e = billing_parse(p->billing, &f.billing);
	if (e == ERR_OK)
		e = supply_blocks(db, p->id, blocks);
	if (e != ERR_OK)
		return e;
	b = blocks->at;
	for (size_t i = 0; i < blocks->n; i++) {
		e = block_parse(b[i].kind, &kind);
		if (e != ERR_OK)
			return e;
		f.blocks[kind] = true;
	}
	*out = f;
	return ERR_OK;
}

/* Who set what decided. */
static const char *actor_of(
	const struct supply_point *p, const struct rows *blocks, const char *reason)
{
	const struct block *b = blocks->at;

	for (size_t i = 0; i < blocks->n; i++)
		if (str_eq(b[i].kind, reason) && b[i].actor[0])
			return b[i].actor;
	if (str_eq(reason, "keep") && p->keep_actor[0])
		return p->keep_actor;
	return "system";
}

enum err supply_refresh(struct db *db, int64_t id, struct utc now)
{
	AUTO(rows_free) struct rows blocks = { 0 };
	struct supply_decision d;
	struct supply_facts facts;
	struct supply_point p;
	struct id_row locked;
	enum err e;

	ASSERT(db_in_tx(db));
	e = db_one(db, &Q_LOCK, ARGS(arg_i64(id)), &locked);
	if (e == ERR_OK)
		e = supply_get(db, id, &p);
	if (e == ERR_OK)
		e = facts_read(db, &p, now, &blocks, &facts);
	if (e != ERR_OK)
		return e;
	d = supply_decide(&facts);
	if (str_eq(want_word(d.want), p.desired) && str_eq(d.reason, p.desired_reason) &&
		d.gated == p.gated)
		return ERR_OK;
	log_info("supply_point=%lld desired=%s reason=%s", (long long)id, want_word(d.want),
		d.reason);
	return db_exec(db, &Q_DESIRE,
		ARGS(arg_text(want_word(d.want)), arg_utc(now), arg_text(want_word(d.want)),
			arg_text(d.reason), arg_text(actor_of(&p, &blocks, d.reason)),
			arg_i64(d.gated), arg_i64(id)),
		NULL);
}

/* The supply point is locked before its blocks, so that two changes cannot each miss the other. */
static enum err point_lock(struct db *db, int64_t id)
{
	struct id_row locked;

	ASSERT(db_in_tx(db));
	return db_one(db, &Q_LOCK, ARGS(arg_i64(id)), &locked);
}

enum err supply_lock(struct db *db, int64_t id, struct supply_point *out)
{
	enum err e = point_lock(db, id);

	return e == ERR_OK ? supply_get(db, id, out) : e;
}

enum err supply_block_set(struct db *db, int64_t id, enum block_kind kind, const char *cause,
	const char *actor, const char *reason, struct utc now)
{
	enum err e = point_lock(db, id);

	if (e == ERR_OK)
		e = db_exec(db, &Q_BLOCK_SET,
			ARGS(arg_i64(id), arg_text(block_word(kind)), arg_text(cause), arg_utc(now),
				arg_text(actor), arg_text(reason)),
			NULL);
	if (e == ERR_ALREADY)
		e = ERR_OK;
	return e == ERR_OK ? supply_refresh(db, id, now) : e;
}

enum err supply_block_clear(
	struct db *db, int64_t id, enum block_kind kind, const char *cause, struct utc now)
{
	enum err e = point_lock(db, id);

	if (e == ERR_OK)
		e = db_exec(db, &Q_BLOCK_CLEAR,
			ARGS(arg_i64(id), arg_text(block_word(kind)), arg_text(cause)), NULL);
	return e == ERR_OK ? supply_refresh(db, id, now) : e;
}

enum err supply_keep_set(struct db *db, int64_t id, struct utc until, const char *reason,
	const char *actor, struct utc now)
{
	enum err e = point_lock(db, id);

	if (e == ERR_OK)
		e = db_exec(db, &Q_KEEP,
			ARGS(arg_utc(until), arg_text(reason), arg_text(actor), arg_i64(id)), NULL);
	return e == ERR_OK ? supply_refresh(db, id, now) : e;
}

enum err supply_keep_clear(struct db *db, int64_t id, struct utc now)
{
	return supply_keep_set(db, id, (struct utc){ 0 }, "", "", now);
}

static const struct query Q_ACTOR = {
	"UPDATE supply_point SET desired_actor = ? WHERE id = ? AND desired_since = ?", NULL
};
static const struct query Q_NOTE = {
	"UPDATE supply_point SET noted_at = ?, noted_by = ?, try_at = 0 WHERE id = ?", NULL
};
static const struct query Q_CLASS = { "UPDATE supply_point SET load_class = ? WHERE id = ?", NULL };

enum err supply_actor_set(struct db *db, int64_t id, const char *actor, struct utc now)
{
	ASSERT(db_in_tx(db));
	return db_exec(db, &Q_ACTOR, ARGS(arg_text(actor), arg_i64(id), arg_utc(now)), NULL);
}

enum err supply_take_note(struct db *db, int64_t id, const char *actor, struct utc now)
{
	ASSERT(db_in_tx(db));
	return db_exec(db, &Q_NOTE, ARGS(arg_utc(now), arg_text(actor), arg_i64(id)), NULL);
}

enum err supply_class_set(struct db *db, int64_t id, const char *load_class, struct utc now)
{
	enum err e = point_lock(db, id);

	if (e == ERR_OK)
		e = db_exec(db, &Q_CLASS, ARGS(arg_text(load_class), arg_i64(id)), NULL);
	return e == ERR_OK ? supply_refresh(db, id, now) : e;
}

#define F(member) FIELD(struct supply_line, member)
SHAPE(line_shape, struct supply_line, F(id), F(code), F(site_id), F(meter_id), F(meter_code),
	F(meter_name), F(tenant_id), F(tenant_code), F(tenant_name), F(room), F(load_class),
	F(desired), F(desired_reason), F(desired_since), F(desired_actor), F(observed),
	F(should_be_off), F(deferred), F(deferred_since), F(noted_at), F(noted_by));
#undef F
#define SHOULD_BE_OFF                                                                              \
	"(p.gated AND p.switchable AND p.desired = 'off' AND p.observed IN ('on','off')"           \
	" AND p.observed <> p.desired)"
#define LINE_SELECT                                                                                \
	"SELECT p.id, p.code, p.site_id, m.id AS meter_id, m.code AS meter_code,"                  \
	" m.name AS meter_name, t.id AS tenant_id, t.code AS tenant_code,"                         \
	" t.name AS tenant_name, t.room, p.load_class, p.desired, p.desired_reason,"               \
	" p.desired_since, p.desired_actor, p.observed, " SHOULD_BE_OFF " AS should_be_off,"       \
	" p.deferred, p.deferred_since, p.noted_at, p.noted_by"                                    \
	" FROM supply_point p JOIN meter m ON m.supply_point_id = p.id"                            \
	" LEFT JOIN contract_point cp ON cp.supply_point_id = p.id AND cp.to_at = 0"               \
	" LEFT JOIN contract c ON c.id = cp.contract_id LEFT JOIN tenant t ON t.id = c.tenant_id"  \
	" WHERE ? IN (0, p.site_id, " SEEN_AREA("m.area_id") ")"
static const struct query Q_DUE = {
	LINE_SELECT " AND " SHOULD_BE_OFF " ORDER BY p.desired_since, p.id", &line_shape
};
const struct listing supply_listing = {
	.all = { LINE_SELECT, &line_shape },
	.sorts = { { "id", "p.id" }, { "since", "p.desired_since", "desired_since" },
		{ "code", "p.code" }, { "room", "COALESCE(t.room, '')" } },
	.order = "since",
	.filters = { { "should_be_off", FILTER_FLAG, "? = 0 OR " SHOULD_BE_OFF },
		{ "site_id", FILTER_ID, "p.site_id = ?" }, { "tenant_id", FILTER_ID, "t.id = ?" },
		{ "desired", FILTER_WORD, "p.desired = ?", "on off auto" },
		{ "observed", FILTER_WORD, "p.observed = ?", "on off moving unknown" },
		{ "reason", FILTER_TEXT, "p.desired_reason = ?" },
		{ "load_class", FILTER_WORD, "p.load_class = ?", "ordinary protected" },
		{ "q", FILTER_TEXT,
			"LOCATE(?, p.code) OR LOCATE(?, m.code) OR LOCATE(?, t.room)"
			" OR LOCATE(?, t.name)" } },
	.usual = 500,
	.most = 1000,
};
static const struct query Q_LINE = { LINE_SELECT " AND p.id = ? LIMIT 1", &line_shape };

enum err supply_due(struct db *db, int64_t site_id, struct rows *out)
{
	return db_list(db, &Q_DUE, ARGS(arg_i64(site_id)), out);
}

enum err supply_line_get(struct db *db, int64_t site_id, int64_t id, struct supply_line *out)
{
	return db_one(db, &Q_LINE, ARGS(arg_i64(site_id), arg_i64(id)), out);
}

static enum err tell_restored(struct db *db, int64_t account_id, struct utc now)
{
	struct account a;
	enum err e = account_get(db, account_id, &a);

	return e == ERR_OK ? notice_add(db, &a, "restored", 0, now) : e;
}

/* Whoever paid and watched the page has seen it; whoever had to wait is told, once. */
static enum err orders_restored(struct db *db, int64_t id, struct utc now)
{
	AUTO(rows_free) struct rows rows = { 0 };
	enum err e = db_list(db, &Q_ORDERS_DARK, ARGS(arg_i64(id)), &rows);
	const struct dark_order *o = rows.at;
	int64_t told = 0;

	for (size_t i = 0; e == ERR_OK && i < rows.n; i++) {
		int64_t n = 0;

		e = db_exec(db, &Q_ORDER_RESTORED, ARGS(arg_utc(now), arg_i64(o[i].id)), &n);
		if (e != ERR_OK || n == 0 || o[i].account_id == told ||
			now.ms - o[i].credited_at.ms < SUPPLY_WAITED_MS)
			continue;
		told = o[i].account_id;
		e = tell_restored(db, told, now);
	}
	return e;
}

struct news_row {
	int64_t site_id;
	char code[129];
	char was[8];
	char desired_reason[17];
};
SHAPE(news_shape, struct news_row, FIELD(struct news_row, site_id), FIELD(struct news_row, code),
	FIELD(struct news_row, was), FIELD(struct news_row, desired_reason));
static const struct query Q_NEWS = {
	"SELECT site_id, code, observed AS was, desired_reason FROM supply_point WHERE id = ?"
	" AND observed <> ?",
	&news_shape
};

/* Positions that can be relied on; what a valve does in between is nobody's news. */
static enum err tell(struct db *db, int64_t id, const char *observed, struct utc now)
{
	struct news_row n;
	enum err e;

	if (!str_eq(observed, "on") && !str_eq(observed, "off"))
		return ERR_OK;
	e = db_one(db, &Q_NEWS, ARGS(arg_i64(id), arg_text(observed)), &n);
	if (e != ERR_OK)
		return e == ERR_NOT_FOUND ? ERR_OK : e;
	return event_add(db, "supply.changed", n.site_id,
		json_pack("{s:I, s:s, s:s, s:s, s:s}", "supply_point_id", (json_int_t)id, "code",
			n.code, "supply", observed, "was", n.was, "reason", n.desired_reason),
		now);
}

enum err supply_observe(struct db *db, int64_t id, const char *observed, struct utc now)
{
	enum err e;

	ASSERT(db_in_tx(db));
	e = tell(db, id, observed, now);
	if (e != ERR_OK)
		return e;
	e = db_exec(db, &Q_OBSERVE,
		ARGS(arg_text(observed), arg_utc(now), arg_text(observed), arg_i64(id)), NULL);
	if (e == ERR_OK && str_eq(observed, "on"))
		e = orders_restored(db, id, now);
	return e;
}

struct keep_end {
	int64_t id;
	struct utc now;
};

static enum err keep_end_tx(struct db *db, void *ctx)
{
	const struct keep_end *k = ctx;

	return supply_keep_clear(db, k->id, k->now);
}

enum err supply_keeps_end(struct db *db, struct utc now)
{
	AUTO(rows_free) struct rows ended = { 0 };
	enum err e = db_list(db, &Q_KEEPS_ENDED, ARGS(arg_utc(now)), &ended);
	const struct id_row *r = ended.at;

	for (size_t i = 0; e == ERR_OK && i < ended.n; i++)
		e = db_tx(db, keep_end_tx, &(struct keep_end){ r[i].id, now });
	return e;
}

const char *supply_state_word(const char *desired, const char *observed, const char *comm)
{
	if (str_eq(comm, "silent"))
		return "unreachable";
	if (str_eq(observed, "moving"))
		return "switching";
	if (str_eq(observed, "unknown"))
		return str_eq(comm, "ok") ? "on"
					  : "unreachable"; /* no relay to read: never cut by us */
	if (str_eq(desired, "auto") || str_eq(desired, observed))
		return observed;
	return "switching";
}
