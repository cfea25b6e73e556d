#include "domain/lease.h"

#include "base/json.h"

#define NOW "CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS INTEGER)"

#define F(member) FIELD(struct lease_offer, member)
SHAPE(offer_shape, struct lease_offer, F(group_id), F(buses), F(free), F(waited), F(named));
#undef F
#define F(member) FIELD(struct spread, member)
SHAPE(spread_shape, struct spread, F(total), F(others), F(least));
#undef F

struct epoch_row {
	int64_t epoch;
};
SHAPE(epoch_shape, struct epoch_row, FIELD(struct epoch_row, epoch));

static const struct query Q_ALIVE = {
	"INSERT INTO poller (name, seen_at, buses_max) VALUES (?, " NOW ", ?)"
	" ON DUPLICATE KEY UPDATE seen_at = VALUES(seen_at), buses_max = VALUES(buses_max)",
	NULL
};
static const struct query Q_GONE = { "UPDATE poller SET seen_at = 0 WHERE name = ?", NULL };
static const struct query Q_LIST = {
	"SELECT b.id AS group_id, COUNT(*) AS buses, b.until_at < " NOW " AS free,"
	" b.until_at < " NOW " AND GREATEST(b.until_at, b.free_since) + ? < " NOW " AS waited,"
	" b.owner = ? AS named FROM bus_group b"
	" JOIN gateway g ON g.bus_group_id = b.id AND g.enabled GROUP BY b.id ORDER BY b.id",
	&offer_shape
};
static const struct query Q_SPREAD = {
	"SELECT (SELECT COUNT(*) FROM gateway WHERE enabled) AS total, COUNT(*) AS others,"
	" COALESCE(MIN(held), 0) AS least FROM (SELECT (SELECT COUNT(*) FROM bus_group b"
	" JOIN gateway g ON g.bus_group_id = b.id AND g.enabled"
	" WHERE b.owner = p.name AND b.until_at >= " NOW ") AS held FROM poller p"
	" WHERE p.name <> ? AND p.seen_at + ? >= " NOW ") o",
	&spread_shape
};
static const struct query Q_TAKE = {
	"UPDATE bus_group SET owner = ?, epoch = epoch + 1, until_at = " NOW " + ?"
	" WHERE id = ? AND (until_at < " NOW " OR (owner = ? AND ?))",
	NULL
};
static const struct query Q_EPOCH = { "SELECT epoch FROM bus_group WHERE id = ?", &epoch_shape };
static const struct query Q_RENEW = {
	"UPDATE bus_group SET until_at = " NOW " + ? WHERE id = ? AND owner = ? AND epoch = ?", NULL
};
static const struct query Q_GIVE_BACK = { "UPDATE bus_group SET until_at = 0, free_since = " NOW
					  " WHERE id = ? AND owner = ? AND epoch = ?",
	NULL };
static const struct query Q_FENCE = {
	"UPDATE bus_group SET seen = seen + 1 WHERE id = ? AND owner = ? AND epoch = ?", NULL
};

enum err poller_alive(struct db *db, const char *name, int64_t buses_max)
{
	return db_exec(db, &Q_ALIVE, ARGS(arg_text(name), arg_i64(buses_max)), NULL);
}

enum err poller_gone(struct db *db, const char *name)
{
	return db_exec(db, &Q_GONE, ARGS(arg_text(name)), NULL);
}

enum err leases_list(struct db *db, const char *name, struct rows *out)
{
	return db_list(db, &Q_LIST, ARGS(arg_i64(LEASE_WAIT_MS), arg_text(name)), out);
}

enum err leases_spread(struct db *db, const char *name, struct spread *out)
{
	struct spread s = { 0 };
	enum err e = db_one(db, &Q_SPREAD, ARGS(arg_text(name), arg_i64(LEASE_MS)), &s);

	if (e == ERR_OK)
		*out = s;
	return e;
}

struct take {
	int64_t group_id;
	const char *owner;
	bool mine;
	int64_t epoch;
};

static enum err take_tx(struct db *db, void *ctx)
{
	struct take *t = ctx;
	struct epoch_row row;
	int64_t n = 0;
	enum err e = db_exec(db, &Q_TAKE,
		ARGS(arg_text(t->owner), arg_i64(LEASE_MS), arg_i64(t->group_id),
			arg_text(t->owner), arg_i64(t->mine)),
		&n);

	if (e != ERR_OK)
		return e;
	if (n != 1)
		return ERR_CONFLICT;
	e = db_one(db, &Q_EPOCH, ARGS(arg_i64(t->group_id)), &row);
	t->epoch = row.epoch;
	return e;
}

enum err lease_take(
	struct db *db, int64_t group_id, const char *owner, bool mine, struct lease *out)
{
	struct take t = { .group_id = group_id, .owner = owner, .mine = mine };
	struct lease l = { .group_id = group_id };
	enum err e;

	if (!str_copy(l.owner, sizeof(l.owner), owner))
		return ERR_OUT_OF_RANGE;
	e = db_tx(db, take_tx, &t);
	if (e != ERR_OK)
		return e;
	l.epoch = t.epoch;
	*out = l;
	return ERR_OK;
}

/* One row under owner and epoch, or the lease is somebody else's. */
static enum err one_row(enum err e, int64_t n)
{
	if (e != ERR_OK)
		return e;
	return n == 1 ? ERR_OK : ERR_FENCED;
}

enum err lease_renew(struct db *db, const struct lease *l)
{
	int64_t n = 0;
	enum err e = db_exec(db, &Q_RENEW,
		ARGS(arg_i64(LEASE_MS), arg_i64(l->group_id), arg_text(l->owner),
			arg_i64(l->epoch)),
		&n);

	return one_row(e, n);
}

enum err lease_give_back(struct db *db, const struct lease *l)
{
	return db_exec(db, &Q_GIVE_BACK,
		ARGS(arg_i64(l->group_id), arg_text(l->owner), arg_i64(l->epoch)), NULL);
}

enum err lease_fence(struct db *db, const struct lease *l)
{
	int64_t n = 0;
	enum err e = db_exec(db, &Q_FENCE,
		ARGS(arg_i64(l->group_id), arg_text(l->owner), arg_i64(l->epoch)), &n);

	return one_row(e, n);
}

/* Joined in the order of the list: rows are locked ascending, as everywhere. */
static const struct query Q_FENCE_ALL = {
	"UPDATE JSON_TABLE(?, '$[*]' COLUMNS (id BIGINT PATH '$[0]', epoch BIGINT PATH '$[1]')) k"
	" STRAIGHT_JOIN bus_group b FORCE INDEX (PRIMARY) ON b.id = k.id AND b.epoch = k.epoch"
	" SET b.seen = b.seen + 1 WHERE b.owner = ?",
	NULL
};

static char *leases_text(const struct lease *leases, size_t n)
{
	AUTO(json_free) json_t *list = json_array();

	for (size_t i = 0; i < n; i++)
		json_array_append_new(list, json_pack("[I, I]", (json_int_t)leases[i].group_id,
						    (json_int_t)leases[i].epoch));
	return json_text(list);
}

enum err leases_fence(struct db *db, const struct lease *leases, size_t n, struct lease *lost)
{
	AUTO(text_free) char *text = NULL;
	int64_t found = 0;
	enum err e = ERR_OK;

	if (n == 0)
		return ERR_OK;
	text = leases_text(leases, n);
	e = db_exec(db, &Q_FENCE_ALL, ARGS(arg_text(text), arg_text(leases[0].owner)), &found);
	if (e != ERR_OK || found == (int64_t)n)
		return e;
	for (size_t i = 0; i < n; i++) { /* which one? */
		*lost = leases[i];
		e = lease_fence(db, lost);
		if (e != ERR_OK)
			return e;
	}
	return ERR_RETRY; /* one came back in between */
}
