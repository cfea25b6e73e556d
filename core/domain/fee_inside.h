#pragma once
/* Between the files of fees. */
#include "domain/fee.h"

extern const struct shape fee_shape;
/* The columns of struct fee. */
#define FEES                                                                                       \
	"SELECT f.id, f.contract_id, c.code AS contract_code, t.id AS tenant_id, t.code AS"        \
	" tenant_code, t.name AS tenant_name, t.room, f.account_id, a.balance_nano AS balance,"    \
	" f.kind, f.monthly_fen, f.from_day, f.to_day, c.end_at, s.zone,"                          \
	" (SELECT MAX(g.month) FROM fee_charge g WHERE g.contract_fee_id = f.id) AS last_month"    \
	" FROM contract_fee f JOIN contract c ON c.id = f.contract_id"                             \
	" JOIN tenant t ON t.id = c.tenant_id JOIN site s ON s.id = t.site_id"                     \
	" JOIN account a ON a.id = f.account_id "
