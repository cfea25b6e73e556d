/* Messages: what is said to have left has an attempt that left. */
#include "ctl/verify_list.h"

/* clang-format off */
#define MESSAGE "CONCAT('outbox:', o.id) AS object, "

static const struct check checks[] = {
	CHECK("message_has_its_attempt", ALONG_MESSAGE,
		"SELECT " MESSAGE "'no such attempt' AS have, o.state AS want FROM outbox o WHERE o.id > ? AND o.id <= ?"
		" AND o.state IN ('sent', 'delivered', 'undelivered') AND NOT EXISTS (SELECT 1 FROM outbox_try t WHERE"
		" t.outbox_id = o.id AND t.outcome = IF(o.state = 'sent', 'done', o.state))"),
	CHECK("message_is_of_its_notice", ALONG_MESSAGE,
		"SELECT " MESSAGE "o.template AS have, n.kind AS want FROM outbox o JOIN notice n ON n.id = o.notice_id"
		" JOIN account a ON a.id = n.account_id JOIN contract c ON c.id = a.contract_id WHERE o.id > ? AND o.id <= ?"
		" AND (o.template <> n.kind OR COALESCE(o.tenant_id, c.tenant_id) <> c.tenant_id)"),
	CHECK("login_code_is_wiped", ALONG_MESSAGE,
		"SELECT " MESSAGE "'a code' AS have, '{}' AS want FROM outbox o WHERE o.id > ? AND o.id <= ?"
		" AND o.template = 'login_code' AND o.state NOT IN ('pending', 'sending') AND o.params <> '{}'"),
};
/* clang-format on */

enum err verify_messages(struct db *db, json_t *findings)
{
	return checks_run(db, checks, ARRAY_LEN(checks), findings);
}
