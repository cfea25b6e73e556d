#include "domain/event.h"

#include <string.h>

#include "base/rand.h"

/* clang-format off */
const struct event_kind event_kinds[] = {
	{ "order.paid",      "A recharge was paid and credited." },
	{ "refund.done",     "A refund has left." },
	{ "refund.failed",   "A refund came back to its account." },
	{ "sale.created",    "A sale at the desk." },
	{ "account.low",     "A balance fell to a warning level, or used up its credit." },
	{ "supply.changed",  "A relay or valve was read in another position." },
	{ "alarm.raised",    "An alarm began." },
	{ "alarm.cleared",   "An alarm ended by itself." },
	{ "contract.opened", "A contract began, or a closed one was taken up again." },
	{ "contract.closed", "A contract ended." },
	{ "meter.replaced",  "The device of a meter was exchanged." },
	{ "day.sealed",      "The books of a site's day are final." },
};
/* clang-format on */
const size_t event_kind_count = ARRAY_LEN(event_kinds);

#define EVENT_ID_BYTES 16

static const struct query Q_ADD = {
	"INSERT INTO webhook_delivery (webhook_id, event_id, kind, payload, next_at, created_at,"
	" since) SELECT w.id, ?, ?, ?, ?, ?, ? FROM webhook w WHERE w.state = 'on'"
	" AND (w.site_id IS NULL OR w.site_id = ?)"
	" AND (w.events = '*' OR FIND_IN_SET(?, w.events) > 0)",
	NULL
};
static const struct query Q_ADD_ONE = {
	"INSERT INTO webhook_delivery (webhook_id, event_id, kind, payload, next_at, created_at,"
	" since) VALUES (?, ?, ?, ?, ?, ?, ?)",
	NULL
};

/* The bytes as they are sent. */
static char *payload(
	const char *id, const char *kind, int64_t site_id, json_t *data, struct utc now)
{
	AUTO(json_free)
	json_t *j = json_pack("{s:s, s:s, s:o, s:o, s:o}", "id", id, "kind", kind, "at",
		json_utc(now), "site_id", site_id ? json_integer(site_id) : json_null(), "data",
		data ? data : json_object());

	return json_text(j);
}

enum err event_add(struct db *db, const char *kind, int64_t site_id, json_t *data, struct utc now)
{
	char id[2 * EVENT_ID_BYTES + 1];
	AUTO(text_free) char *text = NULL;

	rand_hex(id, EVENT_ID_BYTES);
	text = payload(id, kind, site_id, data, now);
	return db_exec(db, &Q_ADD,
		ARGS(arg_text(id), arg_text(kind), arg_bytes(text, strlen(text)), arg_utc(now),
			arg_utc(now), arg_utc(now), arg_i64(site_id), arg_text(kind)),
		NULL);
}

enum err event_add_one(struct db *db, int64_t webhook_id, const char *kind, int64_t site_id,
	json_t *data, struct utc now, int64_t *delivery_id)
{
	char id[2 * EVENT_ID_BYTES + 1];
	AUTO(text_free) char *text = NULL;
	enum err e;

	rand_hex(id, EVENT_ID_BYTES);
	text = payload(id, kind, site_id, data, now);
	e = db_exec(db, &Q_ADD_ONE,
		ARGS(arg_i64(webhook_id), arg_text(id), arg_text(kind),
			arg_bytes(text, strlen(text)), arg_utc(now), arg_utc(now), arg_utc(now)),
		NULL);
	*delivery_id = db_insert_id(db);
	return e;
}
