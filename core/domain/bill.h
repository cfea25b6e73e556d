#pragma once
/* The explained bill of a purse: what the book days of a period took from it, line by line (day,
 * rate, tier, price), each with the readings that it came from. Its charges sum to those of the
 * statement of the same days. Reading only. */
#include "base/zone.h"
#include "db/db.h"

/* Readings between which the energy of a line was counted, neighbours taken together. */
struct bill_run {
	struct utc from, to;
	struct qty from_reg, to_reg; /* as the meter shows them */
	int64_t ratio;		     /* transformers that the registers lack */
	bool rolled;		     /* the register began anew in between */
	bool part;		     /* the rest of this interval is in other lines */
	struct qty qty;		     /* of this line */
};

struct bill_line {
	int64_t meter_id;
	char meter_code[129];
	char utility[12];
	char day[DAY_TEXT_MAX];	     /* of the use */
	char book_day[DAY_TEXT_MAX]; /* that took the charge: another one when it arrived late */
	char rate[33];
	int64_t tier;
	struct price price;
	struct qty qty;
	struct money charge;
	bool sealed;
	struct bill_run *runs;
	size_t runs_n;
	bool explained; /* the runs make up the whole quantity */
};

struct bill {
	struct bill_line *at; /* by book day, meter, day, rate, tier, price */
	size_t n;
	struct money charge;
};
void bill_free(struct bill *b);

#define BILL_DAYS_MOST 31

/* Book days from..to, both included. ERR_NOT_FOUND: no such account. ERR_TOO_LARGE beyond 5000
 * lines. */
MUST_USE enum err bill_read(struct db *db, int64_t account_id, const struct zone *z,
	struct day from, struct day to, struct bill *out);
