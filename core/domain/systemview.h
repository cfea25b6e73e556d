#pragma once
/* How the platform itself is doing, for its staff: what is written down in the database by the
 * programs, read at one go. */
#include "base/zone.h"
#include "db/db.h"

struct system_poller {
	char name[193];
	struct utc seen_at;
	int64_t live;		/* it told so lately */
	int64_t buses;		/* that it leads now */
	int64_t round_ms;	/* the longest last round of them */
	struct utc answered_at; /* the last note about one of them */
};
/* By name (struct system_poller); those not seen for a day are left out unless they lead a bus. */
MUST_USE enum err system_pollers(struct db *db, struct rows *out);

struct system_counts {
	int64_t outbox_waiting;
	struct utc outbox_due_at; /* of the oldest that is due; 0: none */
	int64_t bytes;		  /* of the database, about */
	struct utc readings_from; /* the oldest hour of raw readings; 0: none is packed yet */
	int64_t audit_rows;	  /* chained */
	int64_t audit_unchained;  /* about */
};
MUST_USE enum err system_counts(struct db *db, struct utc now, struct system_counts *out);

struct system_sealed {
	int64_t site_id;
	char code[129];
	char name[257];
	char zone[64];
	char day[DAY_TEXT_MAX]; /* the last sealed one; "": none */
	struct utc sealed_at;
};
/* By site (struct system_sealed); site_id 0: every site. */
MUST_USE enum err system_sealed(struct db *db, int64_t site_id, struct rows *out);
/* How many days before today are not sealed yet, of a site that has sealed some. */
MUST_USE enum err system_behind(const struct system_sealed *s, struct utc now, int64_t *days);
