#pragma once
/* The chart of accounts and the kinds of entries: what may be booked, and where. */
#include "base/base.h"

enum chart_class { CHART_ASSET, CHART_LIABILITY, CHART_INCOME, CHART_COST, CHART_EQUITY };

enum chart_part {	/* what stands behind the ':' of a code */
	CHART_ONE,	/* nothing: there is one account of this kind */
	CHART_OF_ID,	/* the id of what it belongs to: drawer:3 */
	CHART_OF_WORD,	/* clearing:wechat */
	CHART_OF_PURSE, /* purse:7:water; made with its contract, never by account_company() */
};

struct chart_row {
	enum chart_class class;
	const char *kind;
	enum chart_part part;
	const char *what; /* the id or word is that of a … */
};
extern const struct chart_row chart[];
extern const size_t chart_n;

/* The row of a code of a company account; NULL when the chart has none of that form, and for
 * purses. */
const struct chart_row *chart_of_code(const char *code);

/* What an entry of a kind does to the subsidy in the purses that it moves. */
enum subsidy_effect {
	SUBSIDY_KEPT,  /* nothing: money that was paid moves */
	SUBSIDY_MOVED, /* it is the subsidy that comes or goes */
	SUBSIDY_SPENT, /* use: the subsidy is spent first */
};

struct entry_kind {
	const char *name;
	bool reversible; /* by hand, as a whole; the others have ways of their own */
	enum subsidy_effect subsidy;
};
extern const struct entry_kind entry_kinds[];
extern const size_t entry_kinds_n;

/* NULL for a kind that is not in the list: it is not reversible and keeps the subsidy. */
const struct entry_kind *entry_kind_find(const char *name);
