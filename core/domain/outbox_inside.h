#pragma once
/* Between the files of the outbox. */
#include "domain/outbox.h"

extern const struct shape outgoing_shape;
/* The columns of struct outgoing, of outbox o. */
#define OUTGOING                                                                                   \
	"o.id, o.recipient, o.template, o.params, o.medium, o.language, o.way,"                    \
	" COALESCE(o.tenant_id, 0) AS tenant_id, o.tries_from, o.expires_at"
/* A code is nobody's business once it has left or never will. */
#define WIPED "IF(template = 'login_code', '{}', params)"
