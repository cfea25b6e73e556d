#include "domain/gateway.h"

#include <stdio.h>

#include "domain/alarm.h"
#include "domain/outage.h"

#define NOW(member) FIELD(struct gateway_now, member)
SHAPE(now_shape, struct gateway_now, NOW(gateway_id), NOW(comm), NOW(comm_since), NOW(round_ms),
	NOW(utilisation_permille), NOW(transactions), NOW(failures), NOW(readings),
	NOW(answer_p50_ms), NOW(answer_p95_ms), NOW(answer_p99_ms), NOW(updated_at));

static const struct query Q_STORE = {
	"INSERT INTO gateway_state (gateway_id, comm, comm_since, round_ms, utilisation_permille,"
	" transactions, failures, readings, answer_p50_ms, answer_p95_ms, answer_p99_ms,"
	" updated_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
	" ON DUPLICATE KEY UPDATE comm = VALUES(comm), comm_since = VALUES(comm_since),"
	" round_ms = VALUES(round_ms), utilisation_permille = VALUES(utilisation_permille),"
	" transactions = VALUES(transactions), failures = VALUES(failures),"
	" readings = VALUES(readings),"
	" answer_p50_ms = VALUES(answer_p50_ms), answer_p95_ms = VALUES(answer_p95_ms),"
	" answer_p99_ms = VALUES(answer_p99_ms), updated_at = VALUES(updated_at)",
	NULL
};

enum err gateways_store(struct db *db, const struct gateway_now *rows, size_t n)
{
	return db_bulk(db, &Q_STORE, &now_shape, rows, n);
}

SHAPE(fault_shape, struct gateway_fault, FIELD(struct gateway_fault, gateway_id),
	FIELD(struct gateway_fault, kind), FIELD(struct gateway_fault, more),
	FIELD(struct gateway_fault, last_at));
static const struct query Q_FAULTS = {
	"INSERT INTO gateway_fault (gateway_id, kind, seen, last_at) VALUES (?, ?, ?, ?)"
	" ON DUPLICATE KEY UPDATE seen = seen + VALUES(seen), last_at = VALUES(last_at)",
	NULL
};

enum err gateway_faults_add(struct db *db, const struct gateway_fault *rows, size_t n)
{
	return db_bulk(db, &Q_FAULTS, &fault_shape, rows, n);
}

struct silence {
	int64_t gateway_id;
	const char *code;
	bool silent;
	struct utc last_answer, now;
};

static enum err silence_tx(struct db *db, void *ctx)
{
	const struct silence *s = ctx;
	char text[200];
	enum err e;

	if (!s->silent) {
		e = outage_end(db, "gateway", s->gateway_id, s->now);
		return e == ERR_OK
			       ? alarm_clear(db, "gateway_silent", "gateway", s->gateway_id, s->now)
			       : e;
	}
	e = outage_begin(db, "gateway", s->gateway_id, s->last_answer);
	if (e != ERR_OK)
		return e;
	snprintf(text, sizeof(text), "gateway %s does not answer; its meters cannot be read",
		s->code);
	return alarm_raise(db,
		&(struct alarm_new){ .kind = "gateway_silent",
			.severity = "urgent",
			.object_kind = "gateway",
			.object_id = s->gateway_id,
			.object_code = s->code,
			.text = text },
		s->now);
}

enum err gateway_alarm(struct db *db, int64_t gateway_id, const char *code, bool silent,
	struct utc last_answer, struct utc now)
{
	struct silence s = { gateway_id, code, silent, last_answer, now };

	return db_tx(db, silence_tx, &s);
}

enum err gateway_twin_alarm(
	struct db *db, int64_t gateway_id, const char *code, bool twin, struct utc now)
{
	char text[200];

	if (!twin)
		return alarm_clear(db, "gateway_twin", "gateway", gateway_id, now);
	snprintf(text, sizeof(text),
		"another gateway dials in with the id of gateway %s; it is refused", code);
	return alarm_raise(db,
		&(struct alarm_new){ .kind = "gateway_twin",
			.severity = "urgent",
			.object_kind = "gateway",
			.object_id = gateway_id,
			.object_code = code,
			.text = text },
		now);
}

static const struct query Q_RECEPTION = {
	"INSERT INTO reception (poller, accepted, turned_away, unknown, elsewhere, refused,"
	" updated_at) VALUES (?, ?, ?, ?, ?, ?, ?) ON DUPLICATE KEY UPDATE"
	" accepted = VALUES(accepted), turned_away = VALUES(turned_away),"
	" unknown = VALUES(unknown), elsewhere = VALUES(elsewhere), refused = VALUES(refused),"
	" updated_at = VALUES(updated_at)",
	NULL
};

enum err reception_store(struct db *db, const struct reception_row *r)
{
	return db_exec(db, &Q_RECEPTION,
		ARGS(arg_text(r->poller), arg_i64(r->accepted), arg_i64(r->turned_away),
			arg_i64(r->unknown), arg_i64(r->elsewhere), arg_i64(r->refused),
			arg_utc(r->updated_at)),
		NULL);
}
