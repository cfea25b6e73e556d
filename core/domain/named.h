#pragma once
/* What texts like "account:7" name, as a person would say it. */
#include "db/db.h"

struct named {
	char code[129];	  /* a meter's, a shop's room; "" */
	char name[257];	  /* "" */
	char purpose[33]; /* of a purse or an order: "electricity" "water" "fee"; else "" */
};

/* Who asks: what of the company is seen (domain/scope.h), and whose permissions count. */
struct named_reader {
	int64_t site_id;
	int64_t user_id;
};

/* ERR_BAD_VALUE for a text that is no kind and number; ERR_NOT_FOUND for what is not there, has no
 * name, or is not for this reader. */
MUST_USE enum err named_find(
	struct db *db, const struct named_reader *by, const char *text, struct named *out);
