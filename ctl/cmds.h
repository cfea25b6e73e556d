#pragma once
/* The commands of yufu. argv[0] is the command's own word ("tariff"); the result is the exit
 * status. */

/* yufu tariff simulate TARIFF.json READINGS.csv [--tz ZONE] */
int cmd_tariff(int argc, char **argv);
