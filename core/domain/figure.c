#include "domain/figure.h"

SHAPE(figure_shape, struct figure_row, FIELD(struct figure_row, label),
	FIELD(struct figure_row, v));

/* The one ? of each query: an expression that needs no time has it aside. */
#define NOW " FROM (SELECT ? AS now) w"
#define AGE(at) "COALESCE(GREATEST(0, w.now - " at ") DIV 1000, 0)"

/* clang-format off */
const struct figure figures[] = {
	{ "yufu_alarms_open", "alarms that are not cleared", "severity",
		{ "SELECT k.s AS label, (SELECT COUNT(*) FROM alarm a WHERE a.cleared_at = 0 AND a.severity = k.s) AS v" NOW
			", (SELECT 'info' AS s UNION SELECT 'warn' UNION SELECT 'urgent') k", &figure_shape } },
	{ "yufu_alarms_unacknowledged", "alarms that are open and that nobody has acknowledged", "severity",
		{ "SELECT k.s AS label, (SELECT COUNT(*) FROM alarm a WHERE a.cleared_at = 0 AND a.acked_at = 0 AND a.severity = k.s) AS v" NOW
			", (SELECT 'info' AS s UNION SELECT 'warn' UNION SELECT 'urgent') k", &figure_shape } },
	{ "yufu_approvals_pending", "acts that wait for a second person", NULL,
		{ "SELECT '' AS label, (SELECT COUNT(*) FROM approval WHERE state = 'pending') AS v" NOW, &figure_shape } },
	{ "yufu_audit_chain_lag_rows", "rows of the audit log that are not chained yet, about", NULL,
		{ "SELECT '' AS label, COALESCE((SELECT MAX(id) FROM audit), 0) - COALESCE((SELECT MAX(audit_id) FROM audit_chain), 0) AS v" NOW,
			&figure_shape } },
	{ "yufu_bus_groups_without_poller", "groups of buses in use that no poller holds", NULL,
		{ "SELECT '' AS label, COUNT(DISTINCT b.id) AS v" NOW " JOIN bus_group b ON b.until_at < w.now JOIN gateway g ON g.bus_group_id = b.id"
			" AND g.enabled = 1", &figure_shape } },
	{ "yufu_bus_failures_total", "requests on a bus without a good answer, since its poller began", "gateway",
		{ "SELECT g.code AS label, s.failures AS v" NOW ", gateway_state s JOIN gateway g ON g.id = s.gateway_id WHERE g.enabled = 1",
			&figure_shape } },
	{ "yufu_bus_requests_total", "requests on a bus, since its poller began", "gateway",
		{ "SELECT g.code AS label, s.transactions AS v" NOW ", gateway_state s JOIN gateway g ON g.id = s.gateway_id WHERE g.enabled = 1",
			&figure_shape } },
	{ "yufu_gateway_round_seconds", "length of the last whole round of a bus", "gateway",
		{ "SELECT g.code AS label, s.round_ms DIV 1000 AS v" NOW ", gateway_state s JOIN gateway g ON g.id = s.gateway_id WHERE g.enabled = 1",
			&figure_shape } },
	{ "yufu_job_failing_seconds", "for how long a job of the worker has failed; 0: it is well", "job",
		{ "SELECT j.name AS label, IF(j.failing_since, " AGE("j.failing_since") ", 0) AS v" NOW ", job_state j", &figure_shape } },
	{ "yufu_job_last_success_seconds", "since a job of the worker last ended well", "job",
		{ "SELECT j.name AS label, " AGE("j.ok_at") " AS v" NOW ", job_state j WHERE j.ok_at > 0", &figure_shape } },
	{ "yufu_meters_silent", "meters in service that do not answer", NULL,
		{ "SELECT '' AS label, COUNT(*) AS v" NOW ", meter_state s JOIN meter m ON m.id = s.meter_id WHERE s.comm = 'silent' AND m.enabled = 1",
			&figure_shape } },
	{ "yufu_order_oldest_open_seconds", "age of the oldest order that is neither paid nor closed", NULL,
		{ "SELECT '' AS label, COALESCE(MAX(" AGE("o.created_at") "), 0) AS v" NOW " LEFT JOIN pay_order o ON o.state IN ('created', 'pending')",
			&figure_shape } },
	{ "yufu_orders_open", "orders that are neither paid nor closed", "state",
		{ "SELECT k.s AS label, (SELECT COUNT(*) FROM pay_order o WHERE o.state = k.s) AS v" NOW
			", (SELECT 'created' AS s UNION SELECT 'pending') k", &figure_shape } },
	{ "yufu_outbox_messages", "messages to people that are not sent, or ended badly", "state",
		{ "SELECT k.s AS label, (SELECT COUNT(*) FROM outbox o WHERE o.state = k.s) AS v" NOW ", (SELECT 'pending' AS s UNION SELECT 'sending'"
			" UNION SELECT 'failed' UNION SELECT 'unknown' UNION SELECT 'undelivered') k", &figure_shape } },
	{ "yufu_outbox_oldest_due_seconds", "for how long the oldest message has been due", NULL,
		{ "SELECT '' AS label, COALESCE(MAX(" AGE("o.next_at") "), 0) AS v" NOW " LEFT JOIN outbox o ON o.state IN ('pending', 'sending')"
			" AND o.next_at < w.now", &figure_shape } },
	{ "yufu_readings_total", "readings of meters that came in over a bus, since its poller began", "gateway",
		{ "SELECT g.code AS label, s.readings AS v" NOW ", gateway_state s JOIN gateway g ON g.id = s.gateway_id WHERE g.enabled = 1",
			&figure_shape } },
	{ "yufu_reconciliation_differences_open", "differences between bills of services and the books", NULL,
		{ "SELECT '' AS label, (SELECT COUNT(*) FROM bill_difference d WHERE d.state <> 'resolved') AS v" NOW, &figure_shape } },
	{ "yufu_refunds_waiting", "refunds that are not settled; person: somebody must decide", "state",
		{ "SELECT k.s AS label, (SELECT COUNT(*) FROM refund f WHERE f.state = k.s) AS v" NOW
			", (SELECT 'requested' AS s UNION SELECT 'accepted' UNION SELECT 'person') k", &figure_shape } },
	{ "yufu_seal_backlog", "book days before today that are not sealed yet", "site",
		{ "SELECT s.code AS label, COALESCE(GREATEST(0, DATEDIFF(DATE(FROM_UNIXTIME(w.now DIV 1000)), MAX(b.day)) - 1), 0) AS v" NOW
			", site s LEFT JOIN book_day b ON b.site_id = s.id AND b.sealed_at > 0 GROUP BY s.id, s.code, w.now", &figure_shape } },
	{ "yufu_settlement_lag_seconds", "how far settlement is behind the readings, at most, of meters that answer", NULL,
		{ "SELECT '' AS label, COALESCE(MAX(GREATEST(0, s.read_at - d.read_at)) DIV 1000, 0) AS v" NOW ", meter_state s JOIN settled d"
			" ON d.meter_id = s.meter_id JOIN meter m ON m.id = s.meter_id WHERE s.comm = 'ok' AND m.enabled = 1", &figure_shape } },
	{ "yufu_supply_pending", "supplies that are not yet as they should be", NULL,
		{ "SELECT '' AS label, (SELECT COUNT(*) FROM supply_point p WHERE p.pending = 1) AS v" NOW, &figure_shape } },
	{ "yufu_webhook_deliveries_waiting", "events that other systems were not told of yet", NULL,
		{ "SELECT '' AS label, (SELECT COUNT(*) FROM webhook_delivery d WHERE d.state IN ('pending', 'waiting')) AS v" NOW, &figure_shape } },
};
/* clang-format on */
const size_t figure_count = ARRAY_LEN(figures);

enum err figure_rows(struct db *db, const struct figure *f, struct utc now, struct rows *out)
{
	return db_list(db, &f->q, ARGS(arg_utc(now)), out);
}
