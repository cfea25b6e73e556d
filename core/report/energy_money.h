#pragma once
/* Energy and money in one report: for each purse of a site and a span of book days, what it opened
 * with, what moved it, and what it closed with. In every row
 *
 *   opening + the sum of all movements = closing
 *
 * where opening is summed from the first record on, and closing is worked back from the balance of
 * now, so that the two meet only if every movement is accounted for. */
#include "base/zone.h"
#include "db/db.h"

enum movement_class {
	MOVE_RECHARGE,	 /* paid in by anybody, at the desk or through a service */
	MOVE_SUBSIDY,	 /* subsidy, free allowance */
	MOVE_TRANSFER,	 /* opening balances, deposits, debts, other purses, a meter's own credit */
	MOVE_ENERGY,	 /* energy or water of the days, sealed or open */
	MOVE_SHARE,	 /* shares of public areas and losses */
	MOVE_FEE,	 /* property fee, rent */
	MOVE_REFUND,	 /* refunds, taken back ones too */
	MOVE_LATE,	 /* energy of closed days */
	MOVE_CORRECTION, /* corrections, write-offs */
	MOVE_REVERSAL,
	MOVE__MAX
};
const char *movement_word(enum movement_class m); /* "recharge" */
/* ERR_NOT_FOUND for a kind of entry that the report does not know. */
MUST_USE enum err movement_of(const char *entry_kind, enum movement_class *out);

struct energy_money_row {
	int64_t account_id;
	char purpose[12];
	char tenant[257];
	char room[129];
	struct money opening;
	struct money moves[MOVE__MAX]; /* signed: what it adds to the purse */
	struct money closing;
	struct qty qty; /* that was charged in the span: Wh or litres */
};

struct energy_money_meter { /* ascending by account, then meter */
	int64_t account_id;
	int64_t meter_id;
	char code[129];
	struct qty opening_register,
		closing_register; /* last settled ones before and in the span; REPORT_NONE */
};

struct energy_money {
	struct rows rows;   /* struct energy_money_row, by account */
	struct rows meters; /* struct energy_money_meter */
};
void energy_money_free(struct energy_money *r);

/* First and last book day included. scope: the site, or minus the user who sees areas of it.
 * ERR_INTERNAL when an entry's kind is not known to the report; ERR_OVERFLOW. */
MUST_USE enum err energy_money(struct db *db, int64_t site_id, int64_t scope, struct day from,
	struct day to, struct energy_money *out);
