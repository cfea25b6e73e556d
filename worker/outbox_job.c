#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "domain/outbox.h"
#include "worker/jobs.h"

#define BATCH 20
#define SEND_MS 5000 /* 20 sends end within the claim of 60 s only if most are quick: see run */
#define RUN_MS 40000

static enum send_outcome outcome_of(const struct notice_result *r)
{
	if (r->outcome == NOTICE_DONE)
		return SEND_DONE;
	if (r->outcome == NOTICE_UNKNOWN)
		return SEND_UNKNOWN;
	return r->retry ? SEND_RETRY : SEND_REFUSED;
}

static enum err send_one(struct tools *t, const struct outgoing *o)
{
	AUTO(json_free) json_t *params = NULL;
	struct notice_result result = { .outcome = NOTICE_REFUSED, .code = "bad_params" };
	struct problem why = { 0 };
	char out_id[32];

	snprintf(out_id, sizeof(out_id), "yufu-%" PRId64, o->id);
	if (json_parse(o->params, strlen(o->params), &params, &why) == ERR_OK)
		notice_send_sms(t->notice,
			&(struct notice_message){ .recipient = o->recipient,
				.kind = o->template,
				.params = params,
				.out_id = out_id },
			utc_now(), mono_ms() + SEND_MS, &result);
	if (result.outcome != NOTICE_DONE)
		log_warn("outbox=%" PRId64 " kind=%s outcome=%s code=%s", o->id, o->template,
			result.outcome == NOTICE_UNKNOWN ? "unknown" : "refused", result.code);
	return outbox_result(t->db, o->id, outcome_of(&result), result.provider_ref,
		result.outcome == NOTICE_DONE ? "" : result.code, utc_now());
}

enum err job_outbox(struct tools *t, struct utc now)
{
	AUTO(rows_free) struct rows rows = { 0 };
	int64_t stop = mono_ms() + RUN_MS;
	enum err e = outbox_claim(t->db, t->name, now, BATCH, &rows);
	const struct outgoing *o = rows.at;

	for (size_t i = 0; e == ERR_OK && i < rows.n; i++)
		/* What the claim will not cover is left untouched: it was not sent, so it is
		 * retried. */
		e = mono_ms() < stop
			    ? send_one(t, &o[i])
			    : outbox_result(t->db, o[i].id, SEND_RETRY, "", "no time", utc_now());
	return e;
}
