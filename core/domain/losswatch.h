#pragma once
/* Losses that grow: a meter above others counts more than they do together, and clearly more than
 * it used to (rules/loss.h). One alarm for each such meter, "loss_grown". */
#include "db/db.h"

/* Looks at the losses of each site that has sealed a day since it was looked at last; sites_most of
 * them. Days are those of use, as far as all meters of a shaft were read past their end, so that a
 * meter that was silent delays the verdict and does not change it. A shaft that is three days
 * behind is left as it is. */
MUST_USE enum err losswatch_run(struct db *db, struct utc now, int64_t sites_most);
