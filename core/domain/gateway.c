#include "domain/gateway.h"

#include <stdio.h>

#include "domain/alarm.h"

#define NOW(member) FIELD(struct gateway_now, member)
SHAPE(now_shape, struct gateway_now, NOW(gateway_id), NOW(comm), NOW(comm_since), NOW(round_ms),
	NOW(utilisation_permille), NOW(transactions), NOW(failures), NOW(updated_at));

static const struct query Q_STORE = {
	"INSERT INTO gateway_state (gateway_id, comm, comm_since, round_ms, utilisation_permille,"
	" transactions, failures, updated_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
	" ON DUPLICATE KEY UPDATE comm = VALUES(comm), comm_since = VALUES(comm_since),"
	" round_ms = VALUES(round_ms), utilisation_permille = VALUES(utilisation_permille),"
	" transactions = VALUES(transactions), failures = VALUES(failures),"
	" updated_at = VALUES(updated_at)",
	NULL
};

enum err gateways_store(struct db *db, const struct gateway_now *rows, size_t n)
{
	return db_bulk(db, &Q_STORE, &now_shape, rows, n);
}

enum err gateway_alarm(
	struct db *db, int64_t gateway_id, const char *code, bool silent, struct utc now)
{
	char text[200];

	if (!silent)
		return alarm_clear(db, "gateway_silent", "gateway", gateway_id, now);
	snprintf(text, sizeof(text), "gateway %s does not answer; its meters cannot be read", code);
	return alarm_raise(db,
		&(struct alarm_new){ .kind = "gateway_silent",
			.severity = "urgent",
			.object_kind = "gateway",
			.object_id = gateway_id,
			.object_code = code,
			.text = text },
		now);
}
