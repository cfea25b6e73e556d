#pragma once
/* Inside core/notice: the queue of gammu-smsd, a database of its own with its own tables (schema
 * 17). Each call has its own connection: nothing is shared between threads, and no transaction of
 * the caller is touched. docs/gsm-modem.md tells of rights and states. */
#include "db/db.h"
#include "notice/notice.h"
#include "notice/sms_text.h"

struct gammu {
	struct db_settings db;
	char sign_name[65]; /* empty: none */
	char phone_id[256]; /* the only modem to use; empty: any */
	bool report;	    /* ask the network for delivery reports */
	int64_t alive_s;    /* a modem that was not heard of for so long is dead */
};

struct gammu_message {
	const struct sms_text *text;
	const char *to;	    /* "+8613800000001" */
	const char *out_id; /* the same is never queued twice */
	int64_t priority;   /* above others that wait */
	int64_t validity;   /* TP-VP, relative: how long the network tries */
};

/* Chooses a modem and queues the message. Ends in ERR_OK also if it was queued before; *id is its
 * number there. ERR_NOT_FOUND no modem is alive, or its queue does not move · ERR_UNAVAILABLE no
 * connection, nothing was queued · ERR_UNKNOWN it may have been queued · ERR_DB refused. */
MUST_USE enum err gammu_queue(const struct gammu *g, const struct gammu_message *m, int64_t *id);

/* What became of it; id is 0 where it is not known whether it was queued. A message that has waited
 * for long (5 minutes for a modem that is dead, an hour for one that is alive) is taken out of the
 * queue: then it has failed, or was never sent if id is 0 and no daemon had begun it. Fills fate,
 * code, provider_ref and at. */
MUST_USE enum err gammu_fate(const struct gammu *g, const char *to, const char *out_id, int64_t id,
	struct notice_delivery *out);
