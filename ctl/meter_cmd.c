/* Placeholder until the meter commands are written here. */
#include "ctl/cmds.h"

int cmd_model(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	return 2;
}

int cmd_meter(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	return 2;
}
