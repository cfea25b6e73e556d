#include "domain/lease.h"

SHAPE(offer_shape, struct lease_offer, FIELD(struct lease_offer, group_id),
	FIELD(struct lease_offer, buses));

struct epoch_row {
	int64_t epoch;
};
SHAPE(epoch_shape, struct epoch_row, FIELD(struct epoch_row, epoch));

static const struct query Q_FREE = {
	"SELECT b.id AS group_id, COUNT(*) AS buses FROM bus_group b"
	" JOIN gateway g ON g.bus_group_id = b.id AND g.enabled"
	" WHERE b.until_at < ? OR (b.owner = ? AND ?) GROUP BY b.id ORDER BY b.id",
	&offer_shape
};
static const struct query Q_TAKE = {
	"UPDATE bus_group SET owner = ?, epoch = epoch + 1, until_at = ?"
	" WHERE id = ? AND (until_at < ? OR (owner = ? AND ?))",
	NULL
};
static const struct query Q_EPOCH = { "SELECT epoch FROM bus_group WHERE id = ?", &epoch_shape };
static const struct query Q_RENEW = {
	"UPDATE bus_group SET until_at = ? WHERE id = ? AND owner = ? AND epoch = ?", NULL
};
static const struct query Q_FENCE = {
	"UPDATE bus_group SET seen = seen + 1 WHERE id = ? AND owner = ? AND epoch = ?", NULL
};

enum err leases_free(struct db *db, const char *owner, bool mine, struct utc now, struct rows *out)
{
	return db_list(db, &Q_FREE, ARGS(arg_utc(now), arg_text(owner), arg_i64(mine)), out);
}

struct take {
	int64_t group_id;
	const char *owner;
	bool mine;
	struct utc now;
	int64_t epoch;
};

static enum err take_tx(struct db *db, void *ctx)
{
	struct take *t = ctx;
	struct epoch_row row;
	int64_t n = 0;
	enum err e = db_exec(db, &Q_TAKE,
		ARGS(arg_text(t->owner), arg_i64(t->now.ms + LEASE_MS), arg_i64(t->group_id),
			arg_utc(t->now), arg_text(t->owner), arg_i64(t->mine)),
		&n);

	if (e != ERR_OK)
		return e;
	if (n != 1)
		return ERR_CONFLICT;
	e = db_one(db, &Q_EPOCH, ARGS(arg_i64(t->group_id)), &row);
	t->epoch = row.epoch;
	return e;
}

enum err lease_take(struct db *db, int64_t group_id, const char *owner, bool mine, struct utc now,
	struct lease *out)
{
	struct take t = { .group_id = group_id, .owner = owner, .mine = mine, .now = now };
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

static enum err set_until(struct db *db, const struct lease *l, int64_t until_ms)
{
	int64_t n = 0;
	enum err e = db_exec(db, &Q_RENEW,
		ARGS(arg_i64(until_ms), arg_i64(l->group_id), arg_text(l->owner),
			arg_i64(l->epoch)),
		&n);

	return one_row(e, n);
}

enum err lease_renew(struct db *db, const struct lease *l, struct utc now)
{
	return set_until(db, l, now.ms + LEASE_MS);
}

enum err lease_give_back(struct db *db, const struct lease *l)
{
	enum err e = set_until(db, l, 0);

	return e == ERR_FENCED ? ERR_OK : e;
}

enum err lease_fence(struct db *db, const struct lease *l)
{
	int64_t n = 0;
	enum err e = db_exec(db, &Q_FENCE,
		ARGS(arg_i64(l->group_id), arg_text(l->owner), arg_i64(l->epoch)), &n);

	return one_row(e, n);
}
