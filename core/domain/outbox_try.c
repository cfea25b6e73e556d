/* Attempts to reach a person, within budgets, and what became of them. */
#include <stdio.h>
#include <string.h>

#include "domain/outbox_inside.h"

#define MINUTE_MS INT64_C(60000)
#define HOUR_MS (60 * MINUTE_MS)
#define DAY_MS (24 * HOUR_MS)
#define MARGIN_MS 2000 /* clocks differ, and the services count by theirs */
#define BEIJING_MS (8 * HOUR_MS)
#define DOWN_AFTER 3
#define DOWN_MS MINUTE_MS

struct at_row {
	struct utc at;
};
SHAPE(at_shape, struct at_row, FIELD(struct at_row, at));

/* The attempt that must leave a window before there is room: what was certainly not sent does not
 * count, nor what went by WeChat. */
#define COUNTED                                                                                    \
	" AND at > ? AND outcome IN ('sending', 'done', 'unknown', 'delivered', 'undelivered')"    \
	" AND way NOT LIKE 'wechat%' ORDER BY at DESC LIMIT 1 OFFSET ?"
static const struct query Q_OF_KIND = {
	"SELECT at FROM outbox_try WHERE phone = ? AND kind = ?" COUNTED, &at_shape
};
static const struct query Q_OF_PHONE = { "SELECT at FROM outbox_try WHERE phone = ?" COUNTED,
	&at_shape };
static const struct query Q_DAY = {
	"INSERT INTO outbox_day (day, messages) VALUES (?, 0) ON DUPLICATE KEY UPDATE messages ="
	" messages",
	NULL
};
static const struct query Q_DAY_LOCK = { "SELECT messages AS id FROM outbox_day WHERE day = ?"
					 " FOR UPDATE",
	&id_shape };
static const struct query Q_DAY_ADD = {
	"UPDATE outbox_day SET messages = messages + 1 WHERE day = ?", NULL
};
static const struct query Q_TRY = {
	"INSERT INTO outbox_try (outbox_id, way, phone, kind, at) VALUES (?, ?, ?, ?, ?)", NULL
};

struct beginning {
	const struct outgoing *o;
	const char *way;
	const struct outbox_budget *b;
	struct utc now;
	int64_t try_id;
	struct utc wait;
	const char *which;
};

/* No more than most in a window: sets wait where that is reached. */
static enum err within(struct db *db, struct beginning *b, const char *kind, int64_t most,
	int64_t window_ms, const char *which)
{
	const int64_t window = window_ms + MARGIN_MS;
	struct arg phone = arg_text(b->o->recipient), from = arg_i64(b->now.ms - window);
	struct arg offset = arg_i64(most > 0 ? most - 1 : 0);
	struct at_row row;
	enum err e;

	if (b->wait.ms)
		return ERR_OK;
	e = kind ? db_one(db, &Q_OF_KIND, ARGS(phone, arg_text(kind), from, offset), &row)
		 : db_one(db, &Q_OF_PHONE, ARGS(phone, from, offset), &row);
	if (e == ERR_OK) {
		b->wait.ms = row.at.ms + window;
		b->which = which;
	}
	return e == ERR_NOT_FOUND ? ERR_OK : e;
}

static enum err within_kind(struct db *db, struct beginning *b)
{
	const char *kind = b->o->template;
	enum err e;

	if (!str_eq(kind, "login_code")) {
		e = within(db, b, kind, b->b->kind_day, DAY_MS, "kind_day");
		if (e == ERR_OK && str_eq(kind, "alarm"))
			e = within(db, b, kind, b->b->alarm_hour, HOUR_MS, "alarm_hour");
		return e;
	}
	e = within(db, b, kind, b->b->code_day, DAY_MS, "code_day");
	if (e == ERR_OK)
		e = within(db, b, kind, b->b->code_hour, HOUR_MS, "code_hour");
	return e == ERR_OK ? within(db, b, kind, b->b->code_minute, MINUTE_MS, "code_minute") : e;
}

/* The day's row is locked first, so that attempts are counted one after the other, whoever sends.
 */
static enum err within_day(struct db *db, struct beginning *b, int64_t day)
{
	struct id_row sent;
	enum err e = db_exec(db, &Q_DAY, ARGS(arg_i64(day)), NULL);

	if (e == ERR_OK)
		e = db_one(db, &Q_DAY_LOCK, ARGS(arg_i64(day)), &sent);
	if (e == ERR_OK && sent.id >= b->b->all_day) {
		b->wait.ms = (day + 1) * DAY_MS - BEIJING_MS;
		b->which = "all_day";
	}
	return e;
}

static enum err begin_tx(struct db *db, void *ctx)
{
	struct beginning *b = ctx;
	const int64_t day = (b->now.ms + BEIJING_MS) / DAY_MS;
	enum err e = ERR_OK;

	b->wait = (struct utc){ 0 };
	if (b->b) {
		e = within_day(db, b, day);
		if (e == ERR_OK)
			e = within_kind(db, b);
		if (e == ERR_OK)
			e = within(db, b, NULL, b->b->phone_day, DAY_MS, "phone_day");
		if (e != ERR_OK || b->wait.ms)
			return e;
		e = db_exec(db, &Q_DAY_ADD, ARGS(arg_i64(day)), NULL);
	}
	if (e == ERR_OK)
		e = db_exec(db, &Q_TRY,
			ARGS(arg_i64(b->o->id), arg_text(b->way), arg_text(b->o->recipient),
				arg_text(b->o->template), arg_utc(b->now)),
			NULL);
	b->try_id = db_insert_id(db);
	return e;
}

enum err outbox_begin(struct db *db, const struct outgoing *o, const char *way,
	const struct outbox_budget *b, struct utc now, int64_t *try_id, struct utc *wait,
	const char **which)
{
	struct beginning ctx = { .o = o, .way = way, .b = b, .now = now, .which = "" };
	enum err e = db_tx(db, begin_tx, &ctx);

	if (e != ERR_OK)
		return e;
	*try_id = ctx.wait.ms ? 0 : ctx.try_id;
	*wait = ctx.wait;
	*which = ctx.which;
	return ERR_OK;
}

/* ---- what came of it ---- */

static const struct query Q_TRIED = {
	"UPDATE outbox_try SET outcome = ?, code = ?, provider_ref = ? WHERE id = ?"
	" AND outcome = 'sending'",
	NULL
};
static const struct query Q_SENT = {
	"UPDATE outbox SET state = 'sent', way = ?, sent_at = ?, provider_ref = ?, error = '',"
	" ask_at = ?, asks = 0, claimed_by = '', params = " WIPED
	" WHERE id = ? AND state = 'sending'",
	NULL
};
static const struct query Q_AGAIN = {
	"UPDATE outbox SET state = 'pending', way = '', next_at = ?, error = ?, claimed_by = ''"
	" WHERE id = ? AND state = 'sending'",
	NULL
};
static const struct query Q_UNREACHED = {
	"INSERT INTO unreachable (address, way, since, code) VALUES (?, ?, ?, ?)"
	" ON DUPLICATE KEY UPDATE since = VALUES(since), code = VALUES(code)",
	NULL
};
/* Assignments run from left to right: the second sees the new count. */
static const struct query Q_NO_ANSWER = {
	"INSERT INTO outbox_way (way, failures) VALUES (?, 1) ON DUPLICATE KEY UPDATE"
	" failures = failures + 1, down_until = IF(failures >= ?, ?, down_until)",
	NULL
};
static const struct query Q_ANSWERS = {
	"UPDATE outbox_way SET failures = 0, down_until = 0 WHERE way = ? AND failures > 0", NULL
};
static const struct query Q_QUOTA = {
	"INSERT INTO outbox_way (way, quota_until) VALUES (?, ?) ON DUPLICATE KEY UPDATE"
	" quota_until = VALUES(quota_until)",
	NULL
};
static const struct query Q_DOWN = {
	"SELECT COUNT(*) AS id FROM outbox_way WHERE way = ? AND down_until > ?", &id_shape
};

struct ending {
	const struct outgoing *o;
	const struct outbox_result *r;
	struct utc now;
	bool down;
};

static enum err note_way(struct db *db, struct ending *n)
{
	const struct outbox_result *r = n->r;
	struct id_row row = { 0 };
	enum err e;

	if (!r->no_answer) {
		e = db_exec(db, &Q_ANSWERS, ARGS(arg_text(r->way)), NULL);
		if (e == ERR_OK && r->outcome == TRY_NEXT_DAY)
			e = db_exec(db, &Q_QUOTA, ARGS(arg_text(r->way), arg_utc(r->quota_until)),
				NULL);
		return e;
	}
	e = db_exec(db, &Q_NO_ANSWER,
		ARGS(arg_text(r->way), arg_i64(DOWN_AFTER), arg_i64(n->now.ms + DOWN_MS)), NULL);
	if (e == ERR_OK)
		e = db_one(db, &Q_DOWN, ARGS(arg_text(r->way), arg_utc(n->now)), &row);
	n->down = row.id > 0;
	return e;
}

static enum err end_tx(struct db *db, void *ctx)
{
	struct ending *n = ctx;
	const struct outbox_result *r = n->r;
	enum err e = db_exec(db, &Q_TRIED,
		ARGS(arg_text(try_outcome_word(r->outcome)), arg_text(r->code),
			arg_text(r->provider_ref), arg_i64(r->try_id)),
		NULL);

	n->down = false;
	if (e == ERR_OK)
		e = note_way(db, n);
	/* WeChat tells who follows again; its own tables know (domain/wechat.h). */
	if (e == ERR_OK && r->outcome == TRY_UNREACHABLE && !str_starts(r->way, "wechat"))
		e = db_exec(db, &Q_UNREACHED,
			ARGS(arg_text(r->address), arg_text(r->way), arg_utc(n->now),
				arg_text(r->code)),
			NULL);
	if (e != ERR_OK)
		return e;
	if (r->outcome != TRY_DONE)
		return db_exec(db, &Q_AGAIN,
			ARGS(arg_utc(n->now), arg_text(r->code), arg_i64(n->o->id)), NULL);
	return db_exec(db, &Q_SENT,
		ARGS(arg_text(r->way), arg_utc(n->now), arg_text(r->provider_ref),
			arg_utc(r->ask_at), arg_i64(n->o->id)),
		NULL);
}

enum err outbox_end(struct db *db, const struct outgoing *o, const struct outbox_result *r,
	struct utc now, bool *down)
{
	struct ending n = { .o = o, .r = r, .now = now };
	enum err e = db_tx(db, end_tx, &n);

	if (e == ERR_OK)
		*down = n.down;
	return e;
}

/* ---- asked after an unknown outcome ---- */

static const struct query Q_LOOKED = {
	"UPDATE outbox_try SET looks = looks + 1, looked_at = ?, outcome = ?, code = ?,"
	" provider_ref = IF(? = '', provider_ref, ?), fate_at = IF(? IN ('delivered',"
	" 'undelivered'), ?, fate_at) WHERE id = ? AND outcome = 'unknown'",
	NULL
};
static const struct query Q_FOUND = {
	"UPDATE outbox o JOIN outbox_try t ON t.id = ? SET o.state = ?, o.way = t.way,"
	" o.sent_at = t.at, o.provider_ref = t.provider_ref, o.error = '', o.claimed_by = '',"
	" o.delivered_at = ?, o.ask_at = ?, o.asks = 0, o.params = IF(o.template = 'login_code',"
	" '{}', o.params) WHERE o.id = ? AND o.state = 'sending'",
	NULL
};

struct look {
	const struct outgoing *o;
	int64_t try_id;
	enum try_outcome outcome;
	const char *code, *ref;
	struct utc now;
};

static enum err looked_tx(struct db *db, void *ctx)
{
	const struct look *l = ctx;
	bool delivered = l->outcome == TRY_DELIVERED;
	struct arg word = arg_text(try_outcome_word(l->outcome)), ref = arg_text(l->ref);
	enum err e = db_exec(db, &Q_LOOKED,
		ARGS(arg_utc(l->now), word, arg_text(l->code), ref, ref, word, arg_utc(l->now),
			arg_i64(l->try_id)),
		NULL);

	if (e != ERR_OK)
		return e;
	if (delivered || l->outcome == TRY_DONE)
		return db_exec(db, &Q_FOUND,
			ARGS(arg_i64(l->try_id), arg_text(delivered ? "delivered" : "sent"),
				arg_i64(delivered ? l->now.ms : 0),
				arg_i64(delivered ? 0 : l->now.ms + 5 * MINUTE_MS),
				arg_i64(l->o->id)),
			NULL);
	return db_exec(
		db, &Q_AGAIN, ARGS(arg_utc(l->now), arg_text(l->code), arg_i64(l->o->id)), NULL);
}

enum err outbox_looked(struct db *db, const struct outgoing *o, int64_t try_id,
	enum try_outcome outcome, const char *code, const char *provider_ref, struct utc now)
{
	struct look l = { o, try_id, outcome, code, provider_ref, now };

	return db_tx(db, looked_tx, &l);
}
