/* yufu verify: runs the checks and prints what they found. */
#include <stdio.h>
#include <stdlib.h>

#include "ctl/cmds.h"
#include "ctl/verify.h"

void finding_add(
	json_t *findings, const char *check, const char *object, const char *have, const char *want)
{
	if (json_array_size(findings) == FINDINGS_MAX) {
		check = "there_are_more";
		object = have = want = "";
	}
	if (json_array_size(findings) <= FINDINGS_MAX)
		json_array_append_new(
			findings, json_pack("{s:s, s:s, s:s, s:s}", "check", check, "object",
					  object, "have", have, "want", want));
}

/* All checks see one moment of the database. */
static enum err verify_tx(struct db *db, void *ctx)
{
	static enum err (*const parts[])(struct db *, json_t *) = { verify_readings, verify_books,
		verify_orphans, verify_chain, verify_use };
	json_t *findings = ctx;
	enum err e = ERR_OK;

	json_array_clear(findings);
	for (size_t i = 0; e == ERR_OK && i < ARRAY_LEN(parts); i++)
		e = parts[i](db, findings);
	return e;
}

static const struct query Q_ONE_MOMENT = {
	"SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ", NULL
};

enum err verify_run(struct db *db, json_t *findings)
{
	enum err e = db_exec(db, &Q_ONE_MOMENT, NO_ARGS, NULL);

	return e == ERR_OK ? db_tx(db, verify_tx, findings) : e;
}

int cmd_verify(struct conf *conf, struct db *db, int argc, char **argv)
{
	AUTO(json_free) json_t *findings = json_array();
	char *text;
	enum err e;

	(void)conf;
	(void)argv;
	if (argc != 1) {
		fprintf(stderr, "usage: yufu verify\n");
		return 2;
	}
	e = verify_run(db, findings);
	if (e != ERR_OK) {
		fprintf(stderr, "yufu verify: %s\n", err_text(e));
		return 2;
	}
	text = json_text(findings);
	puts(text);
	free(text);
	return json_array_size(findings) > 0;
}
