#pragma once
/* One alarm per cause: raised while open changes nothing, cleared by the cause going. */
#include "db/db.h"

struct alarm_new {
	const char *kind;	 /* "meter_silent" */
	const char *severity;	 /* "info" "warn" "urgent" */
	const char *object_kind; /* "meter" "gateway" "order" "account" */
	int64_t object_id;
	const char *object_code;
	const char *text;
};
MUST_USE enum err alarm_raise(struct db *db, const struct alarm_new *a, struct utc now);
MUST_USE enum err alarm_clear(struct db *db, const char *kind, const char *object_kind,
	int64_t object_id, struct utc now);

/* The site of the thing x.object_kind and x.object_id; NULL for what is of no site: those who see
 * every site look after it. */
#define SITE_OF_ALARM                                                                              \
	" CASE x.object_kind WHEN 'site' THEN x.object_id"                                         \
	" WHEN 'meter' THEN (SELECT g.site_id FROM meter m JOIN gateway g ON g.id = m.gateway_id"  \
	" WHERE m.id = x.object_id)"                                                               \
	" WHEN 'gateway' THEN (SELECT g.site_id FROM gateway g WHERE g.id = x.object_id)"          \
	" WHEN 'share_group' THEN (SELECT s.site_id FROM share_group s WHERE s.id = x.object_id)"  \
	" WHEN 'webhook' THEN (SELECT w.site_id FROM webhook w WHERE w.id = x.object_id)"          \
	" WHEN 'order' THEN (SELECT t.site_id FROM pay_order o"                                    \
	" JOIN account a ON a.id = o.account_id JOIN contract c ON c.id = a.contract_id"           \
	" JOIN tenant t ON t.id = c.tenant_id WHERE o.id = x.object_id) END"
/* The same for what has no id and is told apart by its code. */
MUST_USE enum err alarm_clear_code(struct db *db, const char *kind, const char *object_kind,
	const char *object_code, struct utc now);
