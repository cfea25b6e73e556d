#pragma once
/* Weekly schedules of supply: kept per site, given to supply points, and carried out by the worker,
 * which sets and lifts the block `schedule`. */
#include "db/listing.h"
#include "rules/timetable.h"

/* The marked days of a site from a day on. */
struct site_days {
	struct day_mark *list;
	struct day_marks marks;
};
MUST_USE enum err site_days_load(
	struct db *db, int64_t site_id, struct day from, struct site_days *out);
void site_days_free(struct site_days *d);

struct timetable_row {
	int64_t id;
	char code[129];
	char name[257];
	int64_t site_id;
	int64_t points; /* supply points that follow it */
};
/* Rows of struct timetable_row; args: the site (0: every). */
extern const struct listing timetable_listing;
MUST_USE enum err timetable_get(
	struct db *db, int64_t site_id, int64_t id, struct timetable_row *out);
MUST_USE enum err timetable_load(struct db *db, int64_t id, struct timetable *out);

struct timetable_state {
	bool off;
	struct utc next; /* when that changes; 0: not within a year */
};
/* What a schedule of a site says at an instant. */
MUST_USE enum err timetable_now(
	struct db *db, int64_t site_id, int64_t id, struct utc now, struct timetable_state *out);

struct timetable_edit {
	int64_t id; /* 0: a new one */
	int64_t site_id;
	const char *code; /* of a new one */
	const char *name;
	const struct timetable *table;
	const char *actor, *address;
	struct utc now;
};
/* Adds or changes one, with an audit row; supply points that follow it are looked at again at once.
 * ERR_ALREADY when a new one's code is taken by another; the same once more is answered alike. */
MUST_USE enum err timetable_save(struct db *db, const struct timetable_edit *t, int64_t *id);
/* ERR_CONFLICT while supply points follow it. */
MUST_USE enum err timetable_remove(struct db *db, const struct timetable_edit *t);

struct timetable_give {
	int64_t supply_point_id;
	int64_t site_id;      /* of the supply point */
	int64_t timetable_id; /* 0: takes it away, and the block with it */
	const char *actor, *address;
	struct utc now;
};
/* Inside db_tx: lets a supply point follow a schedule, with an audit row, and does at once what it
 * says now. ERR_NOT_FOUND for a schedule of another site. */
MUST_USE enum err timetable_give(struct db *db, const struct timetable_give *g);

/* Supply points whose schedule is due: block set or lifted, next look noted. Safe to do twice. */
MUST_USE enum err timetables_run(struct db *db, struct utc now);
/* The marked days of a site have changed: every supply point of it that follows a schedule is
 * looked at again. */
MUST_USE enum err timetables_touch(struct db *db, int64_t site_id);
