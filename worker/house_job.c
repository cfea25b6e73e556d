#include "domain/alarm.h"
#include "domain/supplypoint.h"
#include "domain/webhook.h"
#include "domain/user.h"
#include "worker/jobs.h"

#define DARK_MS 60000
#define KEEP_ANSWERS_MS (48 * 3600 * INT64_C(1000))

struct dark {
	int64_t id;
	char out_trade_no[33];
};
SHAPE(dark_shape, struct dark, FIELD(struct dark, id), FIELD(struct dark, out_trade_no));

#define DARK                                                                                       \
	" FROM pay_order o JOIN account a ON a.id = o.account_id" SUPPLIES_OF_PURSE                \
	" WHERE o.supply_was_off = 1"                                                              \
	" AND o.supply_restored_at = 0 AND o.credited_at <= ? AND p.desired = 'on'"                \
	" AND p.observed <> 'on' AND p.switchable = 1"
static const struct query Q_DARK = { "SELECT DISTINCT o.id, o.out_trade_no" DARK, &dark_shape };
static const struct query Q_DARK_OVER = {
	"SELECT o.id, o.out_trade_no FROM alarm a JOIN pay_order o ON o.id = a.object_id"
	" WHERE a.kind = 'paid_dark' AND a.cleared_at = 0 AND o.supply_restored_at > 0",
	&dark_shape
};
static const struct query Q_PURGE_ANSWERS = {
	"DELETE FROM idempotency WHERE created_at < ? LIMIT 5000", NULL
};
static const struct query Q_PURGE_SESSIONS = {
	"DELETE FROM session WHERE expires_at < ? LIMIT 5000", NULL
};

enum err job_keeps(struct tools *t, struct utc now)
{
	return supply_keeps_end(t->db, now);
}

/* Paid, and still dark after a minute: somebody must go and look. */
enum err job_paid_dark(struct tools *t, struct utc now)
{
	AUTO(rows_free) struct rows dark = { 0 }, over = { 0 };
	enum err e = db_list(t->db, &Q_DARK, ARGS(arg_i64(now.ms - DARK_MS)), &dark);
	const struct dark *d = dark.at;

	for (size_t i = 0; e == ERR_OK && i < dark.n; i++)
		e = alarm_raise(t->db,
			&(struct alarm_new){ "paid_dark", "urgent", "order", d[i].id,
				d[i].out_trade_no,
				"paid more than a minute ago, and the supply is not back" },
			now);
	if (e == ERR_OK)
		e = db_list(t->db, &Q_DARK_OVER, NO_ARGS, &over);
	d = over.at;
	for (size_t i = 0; e == ERR_OK && i < over.n; i++)
		e = alarm_clear(t->db, "paid_dark", "order", d[i].id, now);
	return e;
}

enum err job_purge(struct tools *t, struct utc now)
{
	enum err e =
		db_exec(t->db, &Q_PURGE_ANSWERS, ARGS(arg_i64(now.ms - KEEP_ANSWERS_MS)), NULL);

	if (e == ERR_OK)
		e = db_exec(t->db, &Q_PURGE_SESSIONS, ARGS(arg_utc(now)), NULL);
	return e == ERR_OK ? deliveries_purge(t->db, now) : e;
}
