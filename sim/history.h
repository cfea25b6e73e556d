#pragma once
/* What the tenants' meters counted before the demonstration began, by the same load curves that
 * the wire follows. */
#include "base/clock.h"
#include "sim/mall.h"

/* {"from_at": "…Z", "meters": {"A01": [use of each local hour, Wh or litres], …}}: whole hours from
 * the midnight `days` days ago to the last full hour before now. The caller owns it. */
json_t *mall_history(const struct mall *mall, int days, struct utc now);
