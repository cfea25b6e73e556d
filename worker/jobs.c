#include "worker/jobs.h"

const struct job jobs[] = {
	{ "outbox", 300, job_outbox },
	/* A thread each, two where many go: a service that hangs holds up no other. */
	{ "send:aliyun_sms", 300, job_send },
	{ "send:aliyun_sms", 300, job_send },
	{ "send:tencent_sms", 300, job_send },
	{ "send:tencent_sms", 300, job_send },
	{ "send:gammu", 300, job_send },
	{ "send:wechat_oa", 300, job_send },
	{ "send:wechat_mini", 300, job_send },
	{ "duty", 1000, job_duty },
	{ "orders", 1000, job_orders },
	{ "timetables", 1000, job_timetables },
	{ "warnings", 60000, job_warnings },
	{ "keeps", 5000, job_keeps },
	{ "paid_dark", 10000, job_paid_dark },
	{ "seal", 30000, job_seal },
	{ "fees", 30000, job_fees },
	{ "shares", 30000, job_shares },
	{ "allowances", 60000, job_allowances },
	{ "credit", 500, job_credit },
	{ "purge", 600000, job_purge },
	{ "storage", 60000, job_storage },
};
const size_t job_count = ARRAY_LEN(jobs);
