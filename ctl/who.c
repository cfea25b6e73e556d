#include "ctl/who.h"

#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "domain/audit.h"

const char *who_actor(char out[static WHO_MAX])
{
	const char *before = getuid() == 0 ? getenv("SUDO_USER") : NULL;
	const struct passwd *p = getpwuid(getuid());
	char number[16];

	snprintf(number, sizeof(number), "%u", (unsigned)getuid());
	snprintf(out, WHO_MAX, "cli:%.40s", before && before[0] ? before : p ? p->pw_name : number);
	return out;
}

void who_take(struct db *db)
{
	char host[65] = "";

	(void)gethostname(host, sizeof(host) - 1);
	db_request_set(db, "", host, "");
}

void who_refused(
	struct db *db, const char *action, const char *object, enum err why, json_t *detail)
{
	char actor[WHO_MAX];
	enum err e = audit_add(db,
		&(struct audit){ who_actor(actor), "", action, object, 0, err_word(why) }, detail,
		utc_now());

	if (e != ERR_OK)
		fprintf(stderr, "yufu: the audit log does not have this attempt: %s\n",
			err_text(e));
}
