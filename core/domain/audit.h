#pragma once
/* Who did what, append-only by grant. A row has the members of its object that changed, as they
 * were and as they became (audit_view.h). */
#include "db/listing.h"

struct audit {
	const char *actor;   /* "user:3" "system" */
	const char *address; /* of the client; "": that of the request that db works for */
	const char *action;  /* "meter.control" */
	const char *object;  /* "meter"; with no id the whole word, as "day:2026-03-01" */
	int64_t id;	     /* written behind the object as "meter:17"; 0: none */
	const char *outcome; /* NULL: "ok"; or an error word */
};
/* Appends; in the transaction of the change, after it, or alone for a refused attempt. detail is
 * taken over (its member "reason" is kept as the reason); NULL: nothing more is known. */
MUST_USE enum err audit_add(struct db *db, const struct audit *a, json_t *detail, struct utc now);

/* Has this request left a row since then: of something done, or of something refused? */
MUST_USE enum err audit_has(
	struct db *db, const char *request_id, struct utc since, bool refused, bool *out);

#define AUDIT_SHA256 65
/* Chains rows that are not chained yet, in order of id among those that can be seen; at most some
 * thousand at a time. Rows further back than the newest chained ones by very many are looked for
 * only when all is true. *head: place and hash of the end. Safe to run many times at once: who
 * comes second changes nothing. */
struct audit_head {
	int64_t n;
	char sha256[AUDIT_SHA256];
};
MUST_USE enum err audit_chain(struct db *db, bool all, struct audit_head *head, int64_t *added);

/* ---- reading ---- */

struct audit_row {
	int64_t id;
	struct utc at;
	char actor[257];
	char actor_name[257];
	char address[257];
	char action[193];
	char object[257];
	char outcome[97];
	char reason[1201];
	char request_id[257];
	int64_t site_id;
	int64_t n; /* place in the chain; 0: not yet */
	char sha256[AUDIT_SHA256];
	struct blob detail, before_doc, after_doc; /* JSON texts; empty: none */
};
/* Rows of struct audit_row; its argument is the caller's scope, 0: all. */
extern const struct listing audit_listing;
/* Rows: one, or none. */
MUST_USE enum err audit_get(struct db *db, int64_t site_id, int64_t id, struct rows *out);

/* A piece of the chain: rows in its order, from n on, at most max; with the hash before the first.
 */
MUST_USE enum err audit_chained(struct db *db, int64_t from_n, int64_t max, struct rows *out);
/* Places of the first and last chained row of a span of time; 0, 0 when there is none. */
MUST_USE enum err audit_span(
	struct db *db, struct utc from, struct utc to, int64_t *first, int64_t *last);
/* The hash at a place; zeros for place 0. */
MUST_USE enum err audit_hash_at(struct db *db, int64_t n, char out[static AUDIT_SHA256]);
