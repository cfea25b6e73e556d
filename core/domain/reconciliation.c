#include "domain/reconciliation_inside.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/log.h"
#include "domain/alarm.h"
#include "domain/audit.h"

#define DAY_MS INT64_C(86400000)
#define BEIJING_MS (8 * INT64_C(3600000))
#define MISSING_MS (2 * DAY_MS)

#define F(member) FIELD(struct reconciliation, member)
SHAPE(reconciliation_shape, struct reconciliation, F(id), F(service), F(day), F(state), F(revision),
	F(sha256), F(rows_n), F(matched), F(late), F(unresolved), F(paid_fen), F(refunded_fen),
	F(fee), F(fee_booked), F(fetched_at), F(changed_at), F(fetch_at), F(tries), F(error),
	F(claimed_by), F(created_at));
#undef F

#define RECONCILIATIONS                                                                            \
	"SELECT id, service, CAST(day AS CHAR) AS day, state, revision, sha256, rows_n, matched,"  \
	" late, unresolved, paid_fen, refunded_fen, fee_nano AS fee, fee_booked_nano AS"           \
	" fee_booked, fetched_at, changed_at, fetch_at, tries, error, claimed_by, created_at FROM" \
	" reconciliation WHERE "

static const struct query Q_GET = { RECONCILIATIONS "id = ?", &reconciliation_shape };
static const struct query Q_LOCK = { RECONCILIATIONS "id = ? FOR UPDATE", &reconciliation_shape };
static const struct query Q_FIND = { RECONCILIATIONS "service = ? AND day = ?",
	&reconciliation_shape };
const struct listing reconciliation_listing = {
	.all = { RECONCILIATIONS "1", &reconciliation_shape },
	.sorts = { { "id", "id" }, { "day", "day" }, { "service", "service" },
		{ "unresolved", "unresolved" }, { "paid_fen", "paid_fen" } },
	.order = "-id",
	.filters = { { "service", FILTER_TEXT, "service = ?" },
		{ "state", FILTER_WORD, "state = ?", "waiting fetched ties differs resolved" },
		{ "from", FILTER_DAY, "day >= ?" }, { "to", FILTER_DAY, "day <= ?" } },
};
static const struct query Q_DUE = { RECONCILIATIONS
	"service = ? AND fetch_at > 0 AND fetch_at <= ? AND claimed_until < ?"
	" ORDER BY day LIMIT 1 FOR UPDATE SKIP LOCKED",
	&reconciliation_shape };
static const struct query Q_CLAIM = {
	"UPDATE reconciliation SET claimed_by = ?, claimed_until = ? WHERE id = ?", NULL
};
static const struct query Q_ADD = {
	"INSERT IGNORE INTO reconciliation (service, day, fetch_at, created_at, created_by)"
	" VALUES (?, ?, ?, ?, ?)",
	NULL
};
static const struct query Q_AGAIN = {
	"UPDATE reconciliation SET fetch_at = ?, tries = 0 WHERE id = ?", NULL
};
static const struct query Q_FIRST = {
	"SELECT COALESCE(MIN(created_at), 0) AS id FROM pay_order WHERE service = ?", &id_shape
};
static const struct query Q_LAST = {
	"SELECT COALESCE(DATEDIFF(MAX(day), '1970-01-01'), 0) AS id FROM reconciliation WHERE"
	" service = ? AND day <= ? AND created_by = 'worker'",
	&id_shape
};
static const struct query Q_FAILED = {
	"UPDATE reconciliation SET tries = tries + 1, fetch_at = ?, error = ?, claimed_by = '',"
	" claimed_until = 0 WHERE id = ? AND claimed_by = ?",
	NULL
};
static const struct query Q_COUNT = {
	"UPDATE reconciliation r SET unresolved = (SELECT COUNT(*) FROM bill_difference d WHERE"
	" d.reconciliation_id = r.id AND d.state <> 'resolved'), state = CASE WHEN revision = 0"
	" THEN 'waiting' WHEN unresolved > 0 THEN 'differs' WHEN late > 0 THEN 'fetched' WHEN"
	" EXISTS (SELECT 1 FROM bill_difference d WHERE d.reconciliation_id = r.id) THEN 'resolved'"
	" ELSE 'ties' END WHERE r.id = ?",
	NULL
};
static const struct query Q_SITE = { "SELECT COALESCE(MIN(id), 0) AS id FROM site", &id_shape };

struct day beijing_day(struct utc t)
{
	int64_t ms = t.ms + BEIJING_MS;

	return (struct day){ (int32_t)(ms / DAY_MS - (ms % DAY_MS < 0)) };
}

struct utc beijing_start(struct day d)
{
	return (struct utc){ d.days * DAY_MS - BEIJING_MS };
}

enum err company_site(struct db *db, int64_t *site_id)
{
	struct id_row row;
	enum err e = db_one(db, &Q_SITE, NO_ARGS, &row);

	if (e == ERR_OK)
		*site_id = row.id;
	return e;
}

enum err reconciliation_get(struct db *db, int64_t id, struct reconciliation *out)
{
	return db_one(db, &Q_GET, ARGS(arg_i64(id)), out);
}

enum err reconciliation_lock(struct db *db, int64_t id, struct reconciliation *out)
{
	return db_one(db, &Q_LOCK, ARGS(arg_i64(id)), out);
}

/* ---- which bills there should be ---- */

static enum err add(
	struct db *db, const char *service, struct day day, const char *actor, struct utc now)
{
	char text[DAY_TEXT_MAX];

	return db_exec(db, &Q_ADD,
		ARGS(arg_text(service), arg_text(day_text(day, text)), arg_utc(now), arg_utc(now),
			arg_text(actor)),
		NULL);
}

static int32_t later(int32_t a, int32_t b)
{
	return a > b ? a : b;
}

enum err reconciliation_plan(
	struct db *db, const char *service, const struct reconciliation_rules *r, struct utc now)
{
	struct utc due = { now.ms - r->from_hour * (DAY_MS / 24) };
	struct day last = { beijing_day(due).days - 1 };
	struct day day = { last.days - (int32_t)r->back_days + 1 };
	struct id_row first, planned;
	char text[DAY_TEXT_MAX];
	enum err e = db_one(db, &Q_FIRST, ARGS(arg_text(service)), &first);

	if (e == ERR_OK && !first.id)
		return ERR_OK; /* nobody ever paid through it */
	if (e == ERR_OK)
		e = db_one(db, &Q_LAST, ARGS(arg_text(service), arg_text(day_text(last, text))),
			&planned);
	if (e != ERR_OK)
		return e;
	day.days = later(day.days, beijing_day((struct utc){ first.id }).days);
	day.days = later(day.days, (int32_t)planned.id + 1);
	for (; e == ERR_OK && day.days <= last.days; day.days++)
		e = add(db, service, day, "worker", now);
	return e;
}

struct asking {
	const char *service;
	struct day day;
	int64_t id; /* or that one */
	const char *actor, *address;
	struct utc now;
	struct reconciliation *out;
};

static enum err ask_tx(struct db *db, void *ctx)
{
	struct asking *a = ctx;
	char text[DAY_TEXT_MAX];
	enum err e = ERR_OK;

	if (!a->id) {
		e = add(db, a->service, a->day, a->actor, a->now);
		if (e == ERR_OK)
			e = db_one(db, &Q_FIND,
				ARGS(arg_text(a->service), arg_text(day_text(a->day, text))),
				a->out);
	} else {
		e = reconciliation_lock(db, a->id, a->out);
	}
	if (e == ERR_OK)
		e = db_exec(db, &Q_AGAIN, ARGS(arg_utc(a->now), arg_i64(a->out->id)), NULL);
	if (e == ERR_OK)
		e = audit_add(db,
			&(struct audit){ a->actor, a->address, "reconciliation.fetch",
				"reconciliation", a->out->id, NULL },
			json_pack("{s:s, s:s}", "service", a->out->service, "day", a->out->day),
			a->now);
	return e == ERR_OK ? reconciliation_get(db, a->out->id, a->out) : e;
}

enum err reconciliation_ask(struct db *db, const char *service, struct day day, const char *actor,
	const char *address, struct utc now, struct reconciliation *out)
{
	struct asking a = { service, day, 0, actor, address, now, out };

	return db_tx(db, ask_tx, &a);
}

enum err reconciliation_again(struct db *db, int64_t id, const char *actor, const char *address,
	struct utc now, struct reconciliation *out)
{
	struct asking a = { "", { 0 }, id, actor, address, now, out };

	return db_tx(db, ask_tx, &a);
}

/* ---- fetching ---- */

struct claim {
	const char *service, *owner;
	struct utc now;
	struct reconciliation *out;
};

static enum err claim_tx(struct db *db, void *ctx)
{
	struct claim *c = ctx;
	enum err e = db_one(
		db, &Q_DUE, ARGS(arg_text(c->service), arg_utc(c->now), arg_utc(c->now)), c->out);

	if (e != ERR_OK)
		return e;
	(void)!str_copy(c->out->claimed_by, sizeof(c->out->claimed_by), c->owner);
	return db_exec(db, &Q_CLAIM,
		ARGS(arg_text(c->owner), arg_i64(c->now.ms + RECONCILIATION_CLAIM_MS),
			arg_i64(c->out->id)),
		NULL);
}

enum err reconciliation_claim(struct db *db, const char *service, const char *owner, struct utc now,
	struct reconciliation *out)
{
	struct claim c = { service, owner, now, out };

	return db_tx(db, claim_tx, &c);
}

struct failing {
	const struct reconciliation *r;
	enum err why;
	const char *text;
	struct utc now;
};

/* What a service said may have been cut in the middle of a character. */
static void plain(char *text)
{
	AUTO(json_free) json_t *whole = json_string(text);
	char *to = text;

	if (whole)
		return;
	for (const char *c = text; *c; c++)
		if ((unsigned char)*c < 0x80)
			*to++ = *c;
	*to = '\0';
}

static enum err failed_alarm(struct db *db, const struct failing *f)
{
	struct day day = { 0 };
	char code[96], text[300];
	bool contradicts = f->why == ERR_PROTOCOL;
	enum err e = day_parse(f->r->day, &day);

	if (e != ERR_OK)
		return e;
	if (!contradicts && f->now.ms < beijing_start((struct day){ day.days + 1 }).ms + MISSING_MS)
		return ERR_OK;
	snprintf(code, sizeof(code), "%s %s", f->r->service, f->r->day);
	snprintf(text, sizeof(text),
		contradicts ? "the bill of %s contradicts itself: %.120s"
			    : "the bill of %s cannot be had for two days: %.120s",
		code, f->text);
	plain(text);
	return alarm_raise(db,
		&(struct alarm_new){ contradicts ? "bill_contradicts" : "bill_missing", "urgent",
			"reconciliation", f->r->id, code, text },
		f->now);
}

/* A minute, doubled each time, at most an hour: bills are late by minutes or by hours. */
static int64_t pause_ms(int64_t tries)
{
	int64_t minutes = tries < 6 ? INT64_C(1) << tries : 60;

	return minutes * 60000;
}

static enum err failed_tx(struct db *db, void *ctx)
{
	const struct failing *f = ctx;
	char text[200];
	int64_t n = 0;
	enum err e;

	snprintf(text, sizeof(text), "%s %.150s", err_word(f->why), f->text);
	plain(text);
	e = db_exec(db, &Q_FAILED,
		ARGS(arg_i64(f->now.ms + pause_ms(f->r->tries)), arg_text(text), arg_i64(f->r->id),
			arg_text(f->r->claimed_by)),
		&n);
	return e == ERR_OK && n > 0 ? failed_alarm(db, f) : e;
}

enum err reconciliation_failed(struct db *db, const struct reconciliation *r, enum err why,
	const char *text, struct utc now)
{
	struct failing f = { r, why, text, now };

	return db_tx(db, failed_tx, &f);
}

/* ---- what is open ---- */

enum err reconciliation_count(struct db *db, int64_t id, struct utc now)
{
	struct reconciliation r;
	char code[96], text[200];
	enum err e = db_exec(db, &Q_COUNT, ARGS(arg_i64(id)), NULL);

	if (e == ERR_OK)
		e = reconciliation_get(db, id, &r);
	if (e != ERR_OK)
		return e;
	if (!r.unresolved)
		return alarm_clear(db, "bill_differs", "reconciliation", id, now);
	snprintf(code, sizeof(code), "%s %s", r.service, r.day);
	snprintf(text, sizeof(text), "the bill of %s and the books differ: %" PRId64 " to resolve",
		code, r.unresolved);
	return alarm_raise(db,
		&(struct alarm_new){ "bill_differs", "warn", "reconciliation", id, code, text },
		now);
}
