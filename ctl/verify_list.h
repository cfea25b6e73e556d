#pragma once
/* Checks that are one query each: it names the rows that do not tie, in a window of ids
 * ("id > ? AND id <= ?"), so that neither side ever holds a table. Sums are taken in DECIMAL. */
#include "ctl/verify.h"

/* Whose ids a check goes along. */
enum along {
	ALONG_ENTRY,
	ALONG_ACCOUNT,
	ALONG_METER,
	ALONG_POINT,
	ALONG_CONTRACT,
	ALONG_TARIFF,
	ALONG_ORDER,
	ALONG_SALE,
	ALONG_SHIFT,
	ALONG_REFUND,
	ALONG_APPROVAL,
	ALONG_BILL,
	ALONG_DIFFERENCE,
	ALONG_PAYOUT,
	ALONG_PURCHASE,
	ALONG_FEE,
	ALONG_SHARE,
	ALONG_UNMATCHED,
	ALONG_INVOICE,
	ALONG_MESSAGE,
};

struct finding {
	char object[200];
	char have[200];
	char want[200];
};
extern const struct shape finding_shape;

struct check {
	const char *name;
	enum along along;
	struct query query; /* of struct finding; its two arguments are the window */
};
/* A row of a list of checks. No window answers more than can be reported. */
#define CHECK(name, along, text)                                                                   \
	{                                                                                          \
		name, along,                                                                       \
		{                                                                                  \
			text " LIMIT 10001", &finding_shape                                        \
		}                                                                                  \
	}

MUST_USE enum err checks_run(struct db *db, const struct check *checks, size_t n, json_t *findings);

/* Parts of queries. FEN in nano-yuan, as DECIMAL; the contents of an account; a company account. */
#define FEN_NANO "CAST(10000000 AS DECIMAL(38))"
#define DECIMAL(x) "CAST(" x " AS DECIMAL(38))"
#define TEXT(x) "CAST(" x " AS CHAR)"
#define SUM_OF(entry, account)                                                                     \
	"COALESCE((SELECT SUM(ps.amount_nano) FROM posting ps WHERE ps.entry_id = " entry          \
	" AND ps.account_id = " account "), 0)"
#define SUM_OF_CODE(entry, code)                                                                   \
	"COALESCE((SELECT SUM(ps.amount_nano) FROM posting ps JOIN account pa ON pa.id ="          \
	" ps.account_id WHERE ps.entry_id = " entry " AND pa.code = " code "), 0)"
#define HELD(account)                                                                              \
	"COALESCE((SELECT SUM(ps.amount_nano) FROM posting ps WHERE ps.account_id = " account      \
	"), 0)"
