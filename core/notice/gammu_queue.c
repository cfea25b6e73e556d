/* The tables of gammu-smsd. Its daemon writes there at the same time, one statement after the other
 * and without transactions: a part that is sent is first copied to sentitems, then marked or
 * deleted in outbox. So outbox is always read first. */
#include <inttypes.h>
#include <stdio.h>

#include "base/log.h"
#include "notice/gammu.h"

#define OVERDUE_S 300	     /* a due message that was not tried for so long: the queue is stuck */
#define FAILING_MAX 3	     /* so many messages that failed at least once: likewise */
#define ABANDON_S 300	     /* untouched for so long while its modem is dead: taken back */
#define ABANDON_ALIVE_S 3600 /* and while it is alive */

/* Rows that are not complete yet lie in a time that never comes. */
#define HELD "'2037-01-01'"
#define IS_HELD "SendingDateTime > '2036-01-01'"
#define FAILED "Status IN ('SendingError', 'Error', 'DeliveryFailed')"
/* Numbers of ours begin again with another database of ours; those of the last days count. */
#define RECENT "InsertIntoDB >= NOW() - INTERVAL 3 DAY"

struct modem_row {
	char id[1021];
	int64_t alive;
	int64_t pending;
	int64_t failing;
	int64_t overdue;
};
SHAPE(modem_shape, struct modem_row, FIELD(struct modem_row, id), FIELD(struct modem_row, alive),
	FIELD(struct modem_row, pending), FIELD(struct modem_row, failing),
	FIELD(struct modem_row, overdue));

struct version_row {
	int64_t version;
};
SHAPE(version_shape, struct version_row, FIELD(struct version_row, version));

struct waiting_row { /* in outbox */
	int64_t id;
	int64_t held;
	int64_t untouched; /* no daemon has ever begun it */
	int64_t age_s;
	int64_t retries;
	int64_t alive; /* its modem is */
};
SHAPE(waiting_shape, struct waiting_row, FIELD(struct waiting_row, id),
	FIELD(struct waiting_row, held), FIELD(struct waiting_row, untouched),
	FIELD(struct waiting_row, age_s), FIELD(struct waiting_row, retries),
	FIELD(struct waiting_row, alive));

struct ended_row { /* in sentitems, all parts */
	int64_t id;
	int64_t parts;
	int64_t delivered;
	int64_t failed;
	char status[73];
	int64_t reason; /* of the network, for what failed; -1: none */
	int64_t at_ms;
};
SHAPE(ended_shape, struct ended_row, FIELD(struct ended_row, id), FIELD(struct ended_row, parts),
	FIELD(struct ended_row, delivered), FIELD(struct ended_row, failed),
	FIELD(struct ended_row, status), FIELD(struct ended_row, reason),
	FIELD(struct ended_row, at_ms));

/* A modem that was exchanged leaves a row behind; its daemon writes the newest. */
static const struct query Q_MODEMS = {
	"SELECT LEFT(p.ID, 255) AS id,"
	" CAST(MAX(p.TimeOut) >= NOW() - INTERVAL ? SECOND AS SIGNED) AS alive,"
	" (SELECT COUNT(*) FROM outbox o WHERE o.SenderID = p.ID) AS pending,"
	" (SELECT COUNT(*) FROM outbox o WHERE o.SenderID = p.ID AND o.Retries > 0) AS failing,"
	" (SELECT COUNT(*) FROM outbox o WHERE o.SenderID = p.ID AND o.Retries = 0"
	"  AND o.SendingTimeOut < NOW() AND o.SendingDateTime < NOW() - INTERVAL ? SECOND"
	"  AND o.SendAfter = '00:00:00' AND o.SendBefore = '23:59:59')"
	"  AS overdue"
	" FROM phones p WHERE p.Send = 'yes' AND (? = '' OR p.ID = ?) GROUP BY p.ID"
	" ORDER BY pending, id",
	&modem_shape
};
/* The one row that every sender takes first: no two of them look and queue at the same time. */
static const struct query Q_LOCK = { "SELECT Version AS version FROM gammu LIMIT 1 FOR UPDATE",
	&version_shape };
static const struct query Q_WAITING = {
	"SELECT o.ID AS id, o." IS_HELD " AS held,"
	" o.SendingTimeOut <=> o.InsertIntoDB AS untouched,"
	" TIMESTAMPDIFF(SECOND, o.InsertIntoDB, NOW()) AS age_s, o.Retries AS retries,"
	" EXISTS (SELECT 1 FROM phones p WHERE p.ID = o.SenderID"
	"  AND p.TimeOut >= NOW() - INTERVAL ? SECOND) AS alive"
	" FROM outbox o WHERE o.CreatorID = ? AND o.DestinationNumber = ? ORDER BY o.ID DESC LIMIT "
	"1",
	&waiting_shape
};
static const struct query Q_ENDED = {
	"SELECT ID AS id, COUNT(*) AS parts,"
	" CAST(SUM(Status = 'DeliveryOK') AS SIGNED) AS delivered,"
	" CAST(SUM(" FAILED ") AS SIGNED) AS failed,"
	" COALESCE(MAX(CASE WHEN " FAILED " THEN CONCAT('', Status) END),"
	"  MIN(CONCAT('', Status))) AS status,"
	" COALESCE(MAX(CASE WHEN Status = 'DeliveryFailed' THEN StatusError"
	"  WHEN " FAILED " THEN StatusCode END), -1) AS reason,"
	" CAST(COALESCE(UNIX_TIMESTAMP(MAX(DeliveryDateTime)), 0) * 1000 AS SIGNED) AS at_ms"
	" FROM sentitems WHERE DestinationNumber = ? AND CreatorID = ? AND (? = 0 OR ID = ?)"
	" AND " RECENT " GROUP BY ID ORDER BY ID DESC LIMIT 1",
	&ended_shape
};
static const struct query Q_ADD = {
	"INSERT INTO outbox (DestinationNumber, TextDecoded, Coding, UDH, MultiPart, CreatorID,"
	" SenderID, DeliveryReport, RelativeValidity, Priority, SendingDateTime)"
	" VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, " HELD ")",
	NULL
};
static const struct query Q_ADD_PART = {
	"INSERT INTO outbox_multipart (ID, SequencePosition, TextDecoded, Coding, UDH)"
	" VALUES (?, ?, ?, ?, ?)",
	NULL
};
static const struct query Q_RELEASE = {
	"UPDATE outbox SET SendingDateTime = InsertIntoDB WHERE ID = ?", NULL
};
/* A daemon begins a message by moving its SendingTimeOut: only one of the two statements wins. */
static const struct query Q_TAKE_BACK = { "DELETE FROM outbox WHERE ID = ? AND (" IS_HELD
					  " OR (SendingTimeOut <=> InsertIntoDB AND Retries = 0))",
	NULL };
/* What a daemon has begun and left: nothing of it is known to have gone out, but it may have. */
static const struct query Q_GIVE_UP = {
	"DELETE FROM outbox WHERE ID = ? AND SendingTimeOut < NOW()"
	" AND NOT EXISTS (SELECT 1 FROM sentitems s WHERE s.ID = outbox.ID)",
	NULL
};
static const struct query Q_TAKE_BACK_PARTS = { "DELETE FROM outbox_multipart WHERE ID = ?", NULL };

/* ---- modems ---- */

static bool is_usable(const struct modem_row *m)
{
	return m->alive && m->failing < FAILING_MAX && m->overdue == 0;
}

/* The modem that is alive and has the fewest messages before it. */
static enum err choose_modem(struct db *db, const struct gammu *g, struct modem_row *out)
{
	AUTO(rows_free) struct rows rows = { 0 };
	const struct modem_row *m;
	enum err e = db_list(db, &Q_MODEMS,
		ARGS(arg_i64(g->alive_s), arg_i64(OVERDUE_S), arg_text(g->phone_id),
			arg_text(g->phone_id)),
		&rows);

	if (e != ERR_OK)
		return e;
	m = rows.at;
	for (size_t i = 0; i < rows.n; i++) {
		if (is_usable(&m[i])) {
			*out = m[i];
			return ERR_OK;
		}
		log_warn("event=modem modem=\"%s\" state=%s pending=%" PRId64 " failing=%" PRId64,
			m[i].id, m[i].alive ? "stuck" : "dead", m[i].pending, m[i].failing);
	}
	if (rows.n == 0)
		log_warn("event=modem modem=\"%s\" state=unknown", g->phone_id);
	return ERR_NOT_FOUND;
}

/* ---- queueing ---- */

struct job {
	const struct gammu *g;
	const struct gammu_message *message;
	const char *modem;
	int64_t id;
};

static const char *coding_word(const struct sms_text *t)
{
	return t->coding == SMS_GSM7 ? "Default_No_Compression" : "Unicode_No_Compression";
}

static struct arg arg_part(const struct sms_text *t, size_t i)
{
	return arg_bytes(t->parts[i].at, t->parts[i].n);
}

static enum err add(struct db *db, struct job *j)
{
	const struct gammu_message *m = j->message;
	const struct sms_text *t = m->text;
	uint8_t reference = sms_reference(m->out_id);
	char udh[SMS_UDH_MAX];
	enum err e;

	sms_udh(reference, t->n, 1, udh);
	e = db_exec(db, &Q_ADD,
		ARGS(arg_text(m->to), arg_part(t, 0), arg_text(coding_word(t)),
			t->n > 1 ? arg_text(udh) : (struct arg){ .kind = ARG_NULL },
			arg_text(t->n > 1 ? "true" : "false"), arg_text(m->out_id),
			arg_text(j->modem), arg_text(j->g->report ? "yes" : "no"),
			arg_i64(m->validity), arg_i64(m->priority)),
		NULL);
	if (e != ERR_OK)
		return e;
	j->id = db_insert_id(db);
	for (size_t i = 1; i < t->n && e == ERR_OK; i++) {
		sms_udh(reference, t->n, i + 1, udh);
		e = db_exec(db, &Q_ADD_PART,
			ARGS(arg_i64(j->id), arg_i64((int64_t)i + 1), arg_part(t, i),
				arg_text(coding_word(t)), arg_text(udh)),
			NULL);
	}
	return e == ERR_OK ? db_exec(db, &Q_RELEASE, ARGS(arg_i64(j->id)), NULL) : e;
}

/* how: Q_TAKE_BACK or Q_GIVE_UP. *gone: no daemon can get it any more. */
static enum err take_back(struct db *db, const struct query *how, int64_t id, bool *gone)
{
	int64_t n = 0;
	enum err e = db_exec(db, how, ARGS(arg_i64(id)), &n);

	*gone = n > 0;
	return e == ERR_OK && n > 0 ? db_exec(db, &Q_TAKE_BACK_PARTS, ARGS(arg_i64(id)), NULL) : e;
}

static enum err find_waiting(struct db *db, const struct gammu *g, const char *to,
	const char *out_id, struct waiting_row *out)
{
	return db_one(
		db, &Q_WAITING, ARGS(arg_i64(g->alive_s), arg_text(out_id), arg_text(to)), out);
}

static enum err find_ended(
	struct db *db, const char *to, const char *out_id, int64_t id, struct ended_row *out)
{
	return db_one(
		db, &Q_ENDED, ARGS(arg_text(to), arg_text(out_id), arg_i64(id), arg_i64(id)), out);
}

/* An earlier try of the same message: its number, or 0 if there is none that may reach the phone.
 */
static enum err find_earlier(struct db *db, struct job *j, int64_t *id)
{
	const struct gammu_message *m = j->message;
	struct waiting_row waiting = { 0 };
	struct ended_row ended = { 0 };
	bool gone;
	enum err e = find_waiting(db, j->g, m->to, m->out_id, &waiting);

	*id = 0;
	if (e == ERR_OK && !waiting.held) {
		*id = waiting.id;
		return ERR_OK;
	}
	if (e == ERR_OK) /* half of it was written, where tables know no transactions */
		e = take_back(db, &Q_TAKE_BACK, waiting.id, &gone);
	if (e != ERR_OK && e != ERR_NOT_FOUND)
		return e;
	e = find_ended(db, m->to, m->out_id, 0, &ended);
	if (e == ERR_OK && ended.failed == 0)
		*id = ended.id;
	return e == ERR_NOT_FOUND ? ERR_OK : e;
}

static enum err lock(struct db *db)
{
	struct version_row v;

	return db_one(db, &Q_LOCK, NO_ARGS, &v);
}

static enum err queue_tx(struct db *db, void *ctx)
{
	struct job *j = ctx;
	enum err e = lock(db);

	if (e == ERR_OK)
		e = find_earlier(db, j, &j->id);
	return e == ERR_OK && j->id == 0 ? add(db, j) : e;
}

enum err gammu_queue(const struct gammu *g, const struct gammu_message *m, int64_t *id)
{
	AUTO(db_free) struct db *db = db_open(&g->db);
	struct modem_row modem = { 0 };
	struct job j = { .g = g, .message = m, .modem = modem.id };
	enum err e = choose_modem(db, g, &modem);

	if (e != ERR_OK)
		return e;
	e = db_tx(db, queue_tx, &j);
	*id = j.id;
	if (e == ERR_UNAVAILABLE) /* COMMIT may have been the last that it heard */
		return ERR_UNKNOWN;
	return e == ERR_OK ? ERR_OK : ERR_DB;
}

/* ---- what became of it ---- */

struct question {
	const struct gammu *g;
	const char *to, *out_id;
	int64_t id;
	struct notice_delivery *out;
};

static void answer(struct notice_delivery *out, enum notice_fate fate, int64_t id, const char *code)
{
	out->fate = fate;
	snprintf(out->code, sizeof(out->code), "%.60s", code);
	if (id)
		snprintf(out->provider_ref, sizeof(out->provider_ref), "%" PRId64, id);
}

static enum err still_waiting(struct db *db, struct question *q, const struct waiting_row *w)
{
	bool late = w->age_s >= (w->alive ? ABANDON_ALIVE_S : ABANDON_S), gone = false;
	enum err e = ERR_OK;

	answer(q->out, FATE_WAITING, w->id, w->retries > 0 ? "retrying" : "queued");
	if (!late && !w->held)
		return ERR_OK;
	e = take_back(db, &Q_TAKE_BACK, w->id, &gone);
	if (e != ERR_OK || gone) {
		answer(q->out, q->id ? FATE_FAILED : FATE_NEVER_SENT, w->id, "provider_down");
		return e;
	}
	e = take_back(db, &Q_GIVE_UP, w->id, &gone);
	if (gone)
		answer(q->out, FATE_FAILED, w->id, "provider_down");
	return e;
}

static void has_ended(struct question *q, const struct ended_row *row)
{
	char code[64];

	if (row->failed > 0) {
		snprintf(code, sizeof(code), row->reason >= 0 ? "%.40s %" PRId64 : "%.40s",
			row->status, row->reason);
		answer(q->out, FATE_FAILED, row->id, code);
	} else if (row->delivered == row->parts) {
		answer(q->out, FATE_DELIVERED, row->id, row->status);
		q->out->at.ms = row->at_ms;
	} else {
		answer(q->out, FATE_WAITING, row->id, row->status);
	}
}

static enum err fate_tx(struct db *db, void *ctx)
{
	struct question *q = ctx;
	struct waiting_row waiting = { 0 };
	struct ended_row ended = { 0 };
	enum err e = lock(db); /* who is about to queue it has done so, or never will */

	if (e == ERR_OK)
		e = find_waiting(db, q->g, q->to, q->out_id, &waiting);
	if (e == ERR_OK)
		return still_waiting(db, q, &waiting);
	if (e == ERR_NOT_FOUND)
		e = find_ended(db, q->to, q->out_id, q->id, &ended);
	if (e == ERR_OK)
		has_ended(q, &ended);
	else if (e == ERR_NOT_FOUND)
		answer(q->out, FATE_NEVER_SENT, 0, "not_queued");
	return e == ERR_NOT_FOUND ? ERR_OK : e;
}

enum err gammu_fate(const struct gammu *g, const char *to, const char *out_id, int64_t id,
	struct notice_delivery *out)
{
	AUTO(db_free) struct db *db = db_open(&g->db);
	struct question q = { .g = g, .to = to, .out_id = out_id, .id = id, .out = out };

	return db_tx(db, fate_tx, &q);
}
