#pragma once
/* Staff on duty, who are told of urgent alarms. */
#include "base/json.h"
#include "db/db.h"

struct duty {
	int64_t id;
	int64_t site_id;
	char name[257];
	char phone[21];
	char kinds[401]; /* of alarms, separated by ';'; "": every one */
	int64_t from_min, to_min;
	char weekdays[8];
	char language[3];
	int64_t area_id; /* 0: all of the site; else what is in this area and below it */
	char area[129];	 /* its code; of a new list this one counts */
	int64_t step;	 /* 1: at once; n: from the nth telling on */
};
#define DUTY_MOST 50

/* Rows of struct duty, of one site, or of all (0). */
MUST_USE enum err duty_list(struct db *db, int64_t site_id, struct rows *out);

struct duty_change {
	int64_t site_id;
	const struct duty *list;
	size_t n; /* at most DUTY_MOST */
	const char *actor, *address;
	struct utc now;
};
/* The whole list of a site, with an audit row. ERR_BAD_VALUE names the row ("items[2].phone"). */
MUST_USE enum err duty_put(struct db *db, const struct duty_change *c, struct problem *why);

/* Parameters of the message about an alarm of a kind; the caller owns them. NULL: no memory. */
json_t *duty_params(const char *object_code, const char *alarm_kind, const char *language);

/* Tells who is on duty of each urgent alarm that nobody was told of: a message to each of them,
 * and again, to the next step too, while nobody acknowledges it (settings alarm_repeat_min and
 * alarm_repeat_most). Where nobody is on duty it waits for who comes next, as long as the alarm is
 * open. */
MUST_USE enum err duty_tell(struct db *db, struct utc now);
