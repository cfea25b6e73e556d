/* yufu job done|failed NAME: what others run for us is told, so that its absence is noticed. */
#include <stdio.h>

#include "ctl/cmds.h"
#include "domain/jobstate.h"

int cmd_job(struct conf *conf, struct db *db, int argc, char **argv)
{
	bool well = argc == 3 && str_eq(argv[1], "done");
	enum err e;

	(void)conf;
	if (argc != 3 || (!well && !str_eq(argv[1], "failed"))) {
		fprintf(stderr, "usage: yufu job done|failed NAME\n");
		return 2;
	}
	e = job_outside_note(db, argv[2], well, utc_now());
	if (e == ERR_NOT_FOUND) {
		fprintf(stderr, "yufu: there is no job %s; there are:", argv[2]);
		for (size_t i = 0; i < jobs_outside_n; i++)
			fprintf(stderr, " %s", jobs_outside[i].name);
		fprintf(stderr, "\n");
		return 2;
	}
	if (e != ERR_OK)
		fprintf(stderr, "yufu: %s\n", err_word(e));
	return e == ERR_OK ? 0 : 1;
}
