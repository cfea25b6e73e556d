#pragma once
/* Whose meter it is, told to somebody of another shop who wants to pay for it: as little as it
 * takes to see that it is the right one. */
#include "db/db.h"

/* In a query: the first character of the tenant's name, and two stars. */
#define NAME_MASKED "CONCAT(LEFT(t.name, 1), '**')"
#define NAME_MASKED_MAX 13

struct payee {
	int64_t site_id;
	int64_t account_id; /* the purse that the meter draws from */
	int64_t meter_id;
	char meter_code[129];
	char utility[12];
	char room[129];
	char name[NAME_MASKED_MAX];
	bool own; /* of a shop of the caller's */
};
/* By the whole code of a meter, letter by letter. ERR_NOT_FOUND: there is none, nobody rents it, or
 * its site does not let others pay (setting pay_for_others); all in the same words. */
MUST_USE enum err payee_find(struct db *db, int64_t user_id, const char *meter_code, struct utc now,
	struct payee *out, struct problem *why);
