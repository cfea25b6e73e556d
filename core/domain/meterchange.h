#pragma once
/* The exchange of the device of a metering point. The meter keeps its id, supply point, contract,
 * tariffs, tier use and purchase count; what hangs on the wall and its register change. The old
 * device is settled to its last register and charged, then the register is rebased, in one
 * transaction: the day of an exchange counts what both devices have counted, and no more. A reading
 * of the old device that is still on its way has another generation and never counts. */
#include "domain/life.h"

struct meter_change_new {
	int64_t meter_id;
	struct utc at; /* 0: now */
	struct qty old_register;
	const char *model, *unit, *serial;
	int64_t gateway_id; /* 0: as before */
	struct qty new_register;
	int64_t ct_ratio, pt_ratio;
	bool switchable; /* by the new model */
	bool own_ratio;	 /* the new model applies the ratios itself */
	const char *reason;
};
/* ERR_OUT_OF_RANGE: a register or instant that cannot be. ERR_CONFLICT: the address is taken, or no
 * tariff covers the use so far. */
MUST_USE enum err meter_replace(struct db *db, const struct life_ask *ask,
	const struct meter_change_new *n, struct life_done *out, struct problem *why);

/* Puts the old device back, until the new one has counted for the first time. What the old device
 * had counted stays charged: it is its own register. ERR_CONFLICT later than that, or when there is
 * nothing to undo. */
MUST_USE enum err meter_replace_undo(struct db *db, const struct life_ask *ask, int64_t meter_id,
	struct life_done *out, struct problem *why);

struct meter_change {
	int64_t id;
	struct utc at;
	char old_model[193];
	char old_serial[129];
	struct qty old_register_milli;
	char new_model[193];
	char new_serial[129];
	struct qty new_register_milli;
	char actor[257];
	char reason[801];
	struct utc undone_at;
};
/* Of a meter, newest first (struct meter_change). */
MUST_USE enum err meter_changes(struct db *db, int64_t meter_id, struct rows *out);
