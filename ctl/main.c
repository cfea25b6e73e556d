/* yufu: the command line. The commands are the list below. */
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "ctl/cmds.h"
#include "ctl/who.h"

#define CONFIG_DEFAULT "/etc/yufu/yufu.conf"

static const struct command {
	const char *name;
	int (*run)(int argc, char **argv);
	int (*run_db)(struct conf *conf, struct db *db, int argc, char **argv);
	const char *help;
} commands[] = {
	{ "migrate", NULL, cmd_migrate,
		"[--status] [--folder DIR]: bring the database up to date" },
	{ "user", NULL, cmd_user,
		"add NAME --role ROLE [--site CODE]: password from standard input" },
	{ "import", NULL, cmd_import,
		"FILE.xlsx|.xls|.csv [--dry-run] [--lang zh|en]: bring in what a workbook says" },
	{ "tariff", cmd_tariff, NULL, "simulate TARIFF.json READINGS.csv [--tz ZONE]" },
	{ "job", NULL, cmd_job, "done|failed backup|verify: tell how a job of yours ended" },
	{ "verify", NULL, cmd_verify, ": recompute the books from first records" },
	{ "model", cmd_model, NULL,
		"check FILE.json | list [--models DIR] | units NAME SIZE BASE WIDE: meter models" },
	{ "meter", cmd_meter, NULL,
		"read | settings | supply: talk to one meter, without a database" },
	{ "demo", NULL, cmd_demo, "load FILE|-: fill an empty database with a demonstration mall" },
};

static int usage(void)
{
	fprintf(stderr, "usage: yufu [--config FILE] COMMAND …\n");
	for (size_t i = 0; i < ARRAY_LEN(commands); i++)
		fprintf(stderr, "  yufu %s %s\n", commands[i].name, commands[i].help);
	return 2;
}

/* Takes --config FILE or --config=FILE out of the arguments, wherever it stands. */
static bool config_take(int *argc, char **argv, const char **config)
{
	int kept = 0;

	for (int i = 0; i < *argc; i++) {
		if (str_eq(argv[i], "--config")) {
			if (++i >= *argc)
				return false;
			*config = argv[i];
		} else if (str_starts(argv[i], "--config=")) {
			*config = argv[i] + strlen("--config=");
		} else {
			argv[kept++] = argv[i];
		}
	}
	argv[kept] = NULL;
	*argc = kept;
	return true;
}

static int run_with_database(const struct command *c, const char *config, int argc, char **argv)
{
	AUTO(conf_free) struct conf *conf = NULL;
	AUTO(db_free) struct db *db = NULL;
	struct db_settings settings;
	struct problem why = { 0 };
	enum err e = conf_open(config, &conf, &why);

	if (e == ERR_OK)
		e = db_settings_read(conf, &settings, &why);
	if (e != ERR_OK) {
		fprintf(stderr, "yufu: %s: %s\n", why.field, why.text);
		return 2;
	}
	db_library_open();
	db = db_open(&settings);
	who_take(db);
	return c->run_db(conf, db, argc, argv);
}

int main(int argc, char **argv)
{
	const char *config = CONFIG_DEFAULT;

	log_open("yufu", LOG_LEVEL_INFO);
	if (!config_take(&argc, argv, &config) || argc < 2)
		return usage();
	for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
		const struct command *c = &commands[i];

		if (!str_eq(argv[1], c->name))
			continue;
		if (c->run)
			return c->run(argc - 1, argv + 1);
		return run_with_database(c, config, argc - 1, argv + 1);
	}
	return usage();
}
