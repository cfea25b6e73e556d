#pragma once
/* The commands of yufu. argv[0] is the command's own word ("tariff"), --config is already taken
 * out; the result is the exit status. */
#include "base/conf.h"
#include "db/db.h"

/* yufu tariff simulate TARIFF.json READINGS.csv [--tz ZONE] */
int cmd_tariff(int argc, char **argv);
/* yufu model check FILE.json, yufu model list */
int cmd_model(int argc, char **argv);
/* yufu meter read|supply … */
int cmd_meter(int argc, char **argv);

/* Those that need settings and the database. */
int cmd_migrate(struct conf *conf, struct db *db, int argc, char **argv);
int cmd_user(struct conf *conf, struct db *db, int argc, char **argv);
int cmd_verify(struct conf *conf, struct db *db, int argc, char **argv);
/* yufu job done|failed NAME */
int cmd_job(struct conf *conf, struct db *db, int argc, char **argv);
int cmd_import(struct conf *conf, struct db *db, int argc, char **argv);
int cmd_demo(struct conf *conf, struct db *db, int argc, char **argv);
