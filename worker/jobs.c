#include "worker/jobs.h"

const struct job jobs[] = {
	{ "orders_wechat", 1000, job_orders_wechat },
	{ "orders_alipay", 1000, job_orders_alipay },
	{ "refunds_wechat", 1000, job_refunds_wechat },
	{ "refunds_alipay", 1000, job_refunds_alipay },
	{ "outbox", 300, job_outbox },
	/* A thread each, two where many go: a service that hangs holds up no other. */
	{ "send:aliyun_sms", 300, job_send },
	{ "send:aliyun_sms", 300, job_send },
	{ "send:tencent_sms", 300, job_send },
	{ "send:tencent_sms", 300, job_send },
	{ "send:gammu", 300, job_send },
	{ "send:wechat_oa", 300, job_send },
	{ "send:wechat_mini", 300, job_send },
	{ "audit_chain", 500, job_audit_chain },
	{ "audit_sweep", 3600000, job_audit_sweep },
	{ "alarms", 15000, job_alarms },
	{ "duty", 1000, job_duty },
	{ "timetables", 1000, job_timetables },
	{ "warnings", 60000, job_warnings },
	{ "batches", 500, job_batches },
	{ "keeps", 5000, job_keeps },
	{ "paid_dark", 10000, job_paid_dark },
	{ "bills", 2000, job_bills },
	{ "bill_checks", 10000, job_bill_checks },
	{ "seal", 30000, job_seal },
	{ "month_sums", 10000, job_month_sums },
	{ "losses", 60000, job_losses },
	{ "fees", 30000, job_fees },
	{ "shares", 30000, job_shares },
	{ "allowances", 60000, job_allowances },
	{ "credit", 500, job_credit },
	{ "purge", 600000, job_purge },
	{ "storage", 60000, job_storage },
	{ "evidence", 60000, job_evidence },
	{ "webhooks", 300, job_webhooks },
	{ "services", 30000, job_services },
	{ "wechat", 1000, job_wechat },
	{ "wechat_watch", 10000, job_wechat_watch },
};
const size_t job_count = ARRAY_LEN(jobs);

/* A receiver that hangs holds one of them for the length of a try. */
size_t job_threads(const struct job *job)
{
	return job->run == job_webhooks ? 8 : 1;
}
