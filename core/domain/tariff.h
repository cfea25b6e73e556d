#pragma once
/* Tariffs as they are kept, which meter has which, and what one would have charged. A tariff is its
 * file (docs/tariff-file.md); changing it makes a new revision, and no revision changes a price
 * that settled energy has had. */
#include "db/listing.h"
#include "base/zone.h"
#include "domain/tariffs.h"
#include "rules/hold.h"

struct tariff_row {
	int64_t id;
	char code[129];
	char name[257];
	char utility[12];
	int64_t revision;
	int64_t meters; /* that have it now, of the site asked for */
};
/* Rows of struct tariff_row; args: the site whose meters are counted (0: every), now. */
extern const struct listing tariff_listing;
/* One, and its file; the caller owns *doc. */
MUST_USE enum err tariff_read(struct db *db, int64_t id, int64_t site_id, struct utc now,
	struct tariff_row *row, json_t **doc);

/* What becomes of a change that moves prices above the limit of a site (price_limit_permille). */
struct price_guard {
	enum {
		PRICE_FREE,	/* it is done */
		PRICE_ALONE,	/* refused: ERR_NEEDS_APPROVAL */
		PRICE_SECOND,	/* a second person is asked, and nothing is done */
		PRICE_APPROVED, /* done, unless it moves them by more than `most` by now */
	} above;
	int64_t most;	      /* thousandths */
	int64_t *approval_id; /* of PRICE_SECOND: what it waits for; 0: it was done */
	int64_t user_id;      /* who asks */
	const char *once_key;
};

struct tariff_change {
	const json_t *doc; /* the whole file */
	int64_t site_id;   /* that the caller is confined to; 0: none */
	const char *actor, *address;
	struct utc now;
	struct price_guard guard;
};
/* Makes the tariff of that code, or a new revision of it; the file of now once more changes
 * nothing. The problem names the path in the file: what is no tariff in the zone of some site, or
 * another utility once meters had it, or a change of a version or special day that has priced
 * settled energy. ERR_FORBIDDEN: meters of another site have it. Also inside db_tx. */
MUST_USE enum err tariff_put(
	struct db *db, const struct tariff_change *c, int64_t *id, struct problem *why);

struct approval;
/* The approved file; in the transaction that approves. */
MUST_USE enum err tariff_approved(struct db *db, const struct approval *a, const json_t *params,
	const char *actor, struct utc now, struct problem *why);

struct assigned {
	int64_t tariff_id;
	char code[129];
	char name[257];
	struct utc from_at;
};
/* Rows of struct assigned, in order of time. */
MUST_USE enum err tariff_of_meter(struct db *db, int64_t meter_id, struct rows *out);

struct tariff_assign {
	int64_t meter_id, tariff_id;
	struct utc from;
	const char *actor, *address;
	struct utc now;
	struct price_guard guard; /* a meter's first tariff moves no price */
};
/* From then on the meter has the tariff, until the next of its list. ERR_CONFLICT when energy after
 * `from` has been priced already, or when the tariff begins later or is for another utility. Also
 * inside db_tx. */
MUST_USE enum err tariff_assign(struct db *db, const struct tariff_assign *a, struct problem *why);
/* The approved one, from then on or from now; in the transaction that approves. ERR_CONFLICT when
 * the tariffs were changed since and it moves prices further than was asked. */
MUST_USE enum err tariff_assign_approved(struct db *db, const struct approval *a,
	const json_t *params, const char *actor, struct utc now, struct problem *why);

/* Can a meter that keeps its credit itself hold the tariffs that it has from an instant on? *out is
 * what it has to hold then, nothing without a tariff. ERR_CONFLICT with the reason when it cannot.
 */
MUST_USE enum err tariff_held(struct db *db, int64_t meter_id, struct utc at,
	const struct hold_facts *f, struct tariff_hold *out, struct problem *why);

struct what_if {
	int64_t tariff_id;
	const json_t *doc; /* a file that is not kept, instead; NULL: that of tariff_id */
	int64_t meter_id;
	struct utc from, to;
};
/* What the tariff would have charged for the settled energy of a meter between two instants, tiers
 * beginning at nothing: as of simulate_run(), and "charged": what it was priced at. Settled
 * intervals count that lie between the two as a whole. The caller owns *out. The problem names the
 * path in doc that is no tariff. ERR_TOO_LARGE beyond 100000 intervals. */
MUST_USE enum err tariff_what_if(
	struct db *db, const struct what_if *w, json_t **out, struct problem *why);
