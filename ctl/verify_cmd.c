/* yufu verify: runs the checks and prints what they found. */
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
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

enum err (*const verify_parts[VERIFY_PARTS])(struct db *, json_t *) = { verify_readings,
	verify_books, verify_sealed, verify_months, verify_pay, verify_reconcile, verify_credit,
	verify_fees, verify_shares, verify_subsidy, verify_supply, verify_life, verify_orphans,
	verify_chain, verify_audit, verify_use, verify_messages };

static const struct query Q_ONE_MOMENT = {
	"SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ", NULL
};
/* It holds no row, and may think for long between two questions. */
static const struct query Q_MAY_IDLE = { "SET SESSION idle_transaction_timeout = 0", NULL };
static const struct query Q_IS_ONE_MOMENT = {
	"SELECT @@SESSION.tx_isolation = 'REPEATABLE-READ' AS id", &id_shape
};

/* All checks see one moment of the database. A connection that was made anew in between would see
 * many. */
static enum err verify_tx(struct db *db, void *ctx)
{
	json_t *findings = ctx;
	struct id_row one;
	enum err e = db_one(db, &Q_IS_ONE_MOMENT, NO_ARGS, &one);

	json_array_clear(findings);
	if (e == ERR_OK && !one.id)
		return ERR_UNAVAILABLE;
	for (size_t i = 0; e == ERR_OK && i < VERIFY_PARTS; i++)
		e = verify_parts[i](db, findings);
	return e;
}

enum err verify_run(struct db *db, json_t *findings)
{
	enum err e = db_exec(db, &Q_ONE_MOMENT, NO_ARGS, NULL);

	if (e == ERR_OK)
		e = db_exec(db, &Q_MAY_IDLE, NO_ARGS, NULL);
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
	log_open("yufu", LOG_LEVEL_ERROR);
	e = verify_run(db, findings);
	if (e == ERR_UNAVAILABLE) /* of other errors the log has told already */
		fprintf(stderr, "yufu verify: the database cannot be reached\n");
	if (e != ERR_OK)
		return 2;
	text = json_text(findings);
	puts(text);
	free(text);
	return json_array_size(findings) > 0;
}
