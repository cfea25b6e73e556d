/* What WeChat said of messages reaches the outbox; what a person must put right reaches the staff.
 */
#include <stdio.h>

#include "domain/alarm.h"
#include "domain/wechat.h"
#include "notice/wechat_app.h"
#include "worker/jobs.h"

#define REFUSED_MS (3600 * INT64_C(1000))
#define ALARM "wechat_refused"

enum err job_wechat(struct tools *t, struct utc now)
{
	return wechat_deliveries_apply(t->db, now);
}

/* Wrong templates, rights or addresses do not mend themselves; an hour without one, and it is over.
 */
enum err job_wechat_watch(struct tools *t, struct utc now)
{
	AUTO(rows_free) struct rows rows = { 0 };
	enum err e = wechat_refusals(t->db, (struct utc){ now.ms - REFUSED_MS }, &rows);
	const struct wechat_refusal *r = rows.at;
	char text[200] = "";

	for (size_t i = 0; e == ERR_OK && i < rows.n && !text[0]; i++)
		if (wechat_code_needs_person(r[i].error))
			snprintf(text, sizeof(text),
				"%.32s refuses messages (%.32s): see its settings and templates",
				r[i].channel, r[i].error);
	if (e == ERR_OK && text[0])
		e = alarm_raise(t->db,
			&(struct alarm_new){ ALARM, "warn", "service", 1, "wechat", text }, now);
	else if (e == ERR_OK)
		e = alarm_clear(t->db, ALARM, "service", 1, now);
	return e == ERR_OK ? wechat_purge(t->db, now) : e;
}
