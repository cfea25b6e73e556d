#pragma once
/* One alarm per cause: raised while open counts a repeat, cleared by the cause going. */
#include "db/listing.h"

struct alarm_new {
	const char *kind;	 /* a row of alarm_kinds */
	const char *severity;	 /* "info" "warn" "urgent" */
	const char *object_kind; /* "meter" "gateway" "order" "account" */
	int64_t object_id;
	const char *object_code;
	const char *text;
};
MUST_USE enum err alarm_raise(struct db *db, const struct alarm_new *a, struct utc now);
MUST_USE enum err alarm_clear(struct db *db, const char *kind, const char *object_kind,
	int64_t object_id, struct utc now);

/* The same for what has no id and is told apart by its code. */
MUST_USE enum err alarm_clear_code(struct db *db, const char *kind, const char *object_kind,
	const char *object_code, struct utc now);

/* A line of an alarm's history: "raised" "told" "acked" "commented" "cleared". */
MUST_USE enum err alarm_event_add(struct db *db, int64_t alarm_id, const char *what,
	const char *actor, const char *text, struct utc now);

/* ---- what staff see and do ---- */

struct alarm_row {
	int64_t id;
	char kind[129];
	char severity[8];
	char object_kind[65];
	int64_t object_id;
	char object_code[257];
	char text[1201];
	struct utc raised_at, last_at, cleared_at, acked_at, told_at;
	char acked_by[257];
	int64_t repeats, told_times;
	int64_t site_id, area_id; /* 0: of none */
};
/* Rows of struct alarm_row; its argument is the scope (domain/scope.h). */
extern const struct listing alarm_listing;
MUST_USE enum err alarm_get(struct db *db, int64_t site_id, int64_t id, struct alarm_row *out);

struct alarm_event {
	struct utc at;
	char what[12];
	char actor[257];
	char actor_name[257];
	char text[1201];
};
MUST_USE enum err alarm_history(struct db *db, int64_t id, struct rows *out);

struct alarm_word {
	int64_t id, site_id; /* the caller's; 0: any */
	const char *text;    /* note, comment, reason */
	const char *actor, *address;
	struct utc now;
};
/* A person knows of it: nobody is told again. Acknowledging twice keeps the first. */
MUST_USE enum err alarm_ack(struct db *db, const struct alarm_word *w, struct problem *why);
MUST_USE enum err alarm_comment(struct db *db, const struct alarm_word *w, struct problem *why);
/* By hand, for kinds whose cause does not go by itself: ERR_CONFLICT for the others and for what is
 * cleared already. A cause that is still there raises it anew. */
MUST_USE enum err alarm_clear_hand(struct db *db, const struct alarm_word *w, struct problem *why);

/* Looks for causes that stand in tables: raises and clears. */
MUST_USE enum err alarm_watch(struct db *db, struct utc now);
