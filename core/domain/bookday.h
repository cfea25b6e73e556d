#pragma once
/* Book days of a site. While a day is open, its charges live in usage_day and every entry of the
 * day is welcome. Sealing closes it for good:
 *
 * 1. close: a row in book_day. From here on no charge and no entry is of that day.
 * 2. post: one entry per purse, meter and day of use, batch by batch, and the rows are frozen. A
 *    batch waits for settlements that found the day open (it locks the meters' settled rows). No
 *    balance moves: settlement took the charges when they arose.
 * 3. finish: the hash of the day's entries, chained to the day before.
 *
 * Each step is a transaction that may run again, so a seal that was killed is simply begun anew.
 * Days are sealed in order, none is skipped. Lock order: book day, meters ascending, purses
 * ascending. */
#include "base/zone.h"
#include "db/listing.h"

struct book_day {
	char day[DAY_TEXT_MAX];
	struct utc sealed_at; /* 0: being sealed */
	int64_t entries;
	char sha256[65];
};

/* A closed day as a list shows it. */
struct book_day_line {
	int64_t site_id;
	char site_code[129];
	char site_name[257];
	char day[DAY_TEXT_MAX];
	struct utc closed_at;
	struct utc sealed_at; /* 0: being sealed */
	int64_t entries;
	char sha256[65]; /* "": not yet */
};
/* Rows of struct book_day_line, newest first; args: the site (0: every). */
extern const struct listing book_day_listing;

/* The local day of a site. */
MUST_USE enum err site_today(struct db *db, int64_t site_id, struct utc now, struct day *out);

/* Seals the next day of each site for which it is past 02:00 of the day after. */
MUST_USE enum err bookday_seal_due(struct db *db, struct utc now);

/* Seals one day now; site_id 0 is the only site. A sealed day is answered as it is. ERR_CONFLICT
 * when it is not over or when an earlier one is open; ERR_NOT_FOUND when there is no such site;
 * ERR_MISSING_FIELD when there are several. */
MUST_USE enum err bookday_seal(struct db *db, int64_t site_id, struct day day, struct utc now,
	struct book_day *out, struct problem *why);

/* The three steps. ERR_CONFLICT from close: it is not the turn of that day. */
MUST_USE enum err bookday_close(struct db *db, int64_t site_id, struct day day, struct utc now);
/* One batch: up to n meters with ids above *after, which is moved on; 0 when none is left. */
MUST_USE enum err bookday_post(
	struct db *db, int64_t site_id, struct day day, struct utc now, size_t n, int64_t *after);
MUST_USE enum err bookday_finish(
	struct db *db, int64_t site_id, struct day day, struct utc now, struct book_day *out);
