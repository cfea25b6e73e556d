#pragma once
/* What the files of invoices share. */
#include "base/json.h"
#include "domain/invoice.h"
#include "domain/order.h"

/* Takes over detail. */
MUST_USE enum err invoice_audit(struct db *db, const struct invoice_act *a, const char *action,
	const struct invoice *i, json_t *detail);
