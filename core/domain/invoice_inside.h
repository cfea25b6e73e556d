#pragma once
/* What the files of invoices share. */
#include "base/json.h"
#include "domain/invoice.h"

/* What of an order was refunded, or is on its way back. */
#define ORDER_REFUNDED(id)                                                                         \
	"CAST((SELECT COALESCE(SUM(f.amount_fen), 0) FROM refund f WHERE f.order_id = " id         \
	" AND f.state <> 'failed') AS SIGNED)"

/* Takes over detail. */
MUST_USE enum err invoice_audit(struct db *db, const struct invoice_act *a, const char *action,
	const struct invoice *i, json_t *detail);
