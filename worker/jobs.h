#pragma once
/* What the worker does, again and again. Any number of workers may run: work is claimed in tables
 * or is safe to do twice. */
#include <stdatomic.h>

#include "base/conf.h"
#include "db/db.h"
#include "domain/storage.h"
#include "notice/notice.h"
#include "pay/pay.h"

#define PAY_SERVICES_MAX 8

struct bill_rules { /* [reconciliation] */
	int64_t from_hour, back_days;
	int64_t fee_per_10000[PAY_SERVICES_MAX]; /* as pay_services */
};

struct tools { /* of one job's thread */
	struct db *db;
	const struct pay *pay;
	const struct notice *notice;
	const struct storage_rules *storage;
	const char *name;   /* of this worker, for claims */
	const char *job;    /* its row of the list */
	bool private_hooks; /* webhooks may be in own networks */
	const struct bill_rules *bills;
	const struct db_settings *settings; /* for further connections */
	const char *site_base;		    /* public address of the site; "" */
	const atomic_bool *stopping;
};

struct job {
	const char *name;
	int64_t every_ms;
	enum err (*run)(struct tools *t, struct utc now);
};
extern const struct job jobs[];
extern const size_t job_count;
size_t job_threads(const struct job *job); /* how many run it side by side */

enum err job_outbox(struct tools *t, struct utc now);
enum err job_orders_wechat(struct tools *t, struct utc now);
enum err job_orders_alipay(struct tools *t, struct utc now);
enum err job_refunds_wechat(struct tools *t, struct utc now);
enum err job_refunds_alipay(struct tools *t, struct utc now);
enum err job_send(struct tools *t, struct utc now); /* "send:<channel>" */
enum err job_audit_chain(struct tools *t, struct utc now);
enum err job_audit_sweep(struct tools *t, struct utc now);
enum err job_alarms(struct tools *t, struct utc now);
enum err job_duty(struct tools *t, struct utc now);
enum err job_warnings(struct tools *t, struct utc now);
enum err job_timetables(struct tools *t, struct utc now);
enum err job_batches(struct tools *t, struct utc now);
enum err job_keeps(struct tools *t, struct utc now);
enum err job_paid_dark(struct tools *t, struct utc now);
enum err job_bills(struct tools *t, struct utc now);
enum err job_bill_checks(struct tools *t, struct utc now);
enum err job_seal(struct tools *t, struct utc now);
enum err job_month_sums(struct tools *t, struct utc now);
enum err job_losses(struct tools *t, struct utc now);
enum err job_fees(struct tools *t, struct utc now);
enum err job_shares(struct tools *t, struct utc now);
enum err job_allowances(struct tools *t, struct utc now);
enum err job_credit(struct tools *t, struct utc now);
enum err job_purge(struct tools *t, struct utc now);
enum err job_storage(struct tools *t, struct utc now);
enum err job_evidence(struct tools *t, struct utc now);
enum err job_webhooks(struct tools *t, struct utc now);
enum err job_services(struct tools *t, struct utc now);
enum err job_wechat(struct tools *t, struct utc now);
enum err job_wechat_watch(struct tools *t, struct utc now);
