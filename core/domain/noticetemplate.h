#pragma once
/* What the worker sends each kind of message by, written down by it for those who look. */
#include "db/db.h"

struct notice_template {
	char way[33];	   /* "aliyun_sms" */
	char kind[33];	   /* "low1" */
	char language[3];  /* of who is written to */
	char template[65]; /* "": the text is our own */
	char template_language[3];
	char sign[65];
	char fields[1201]; /* of WeChat */
	struct utc seen_at;
};
/* Before service_state_put() with the same now, which ends those that are not there any more. */
MUST_USE enum err notice_templates_put(struct db *db, const struct notice_template *list, size_t n);
/* Those that the worker had when it was seen last (struct notice_template), of ways that are on. */
MUST_USE enum err notice_templates(struct db *db, struct rows *out);
