#include <ctype.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/str.h"
#include "ctl/cmds.h"
#include "rules/simulate.h"

#define TARIFF_MAX_BYTES (4u << 20)
#define READINGS_MAX_BYTES (512u << 20)
#define EXIT_REFUSED 2

struct args {
	const char *tariff, *readings, *zone;
};

/* One line on standard error, whatever stands in the names and texts. */
static int complain(const char *file, const char *where, const char *text)
{
	AUTO(buf_free) struct buf line = { 0 };

	buf_adds(&line, "yufu tariff simulate: ");
	buf_printf(&line, "%s%s", file, file[0] ? ": " : "");
	buf_printf(&line, "%s%s%s", where, where[0] ? ": " : "", text);
	for (char *s = line.text; *s; s++)
		if (iscntrl((unsigned char)*s))
			*s = '?';
	fprintf(stderr, "%s\n", line.text);
	return EXIT_REFUSED;
}

static bool args_parse(int argc, char **argv, struct args *a)
{
	static const struct option options[] = { { "tz", required_argument, NULL, 'z' }, { 0 } };
	int c;

	a->zone = "Asia/Shanghai";
	optind = 0;
	opterr = 0;
	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1)
		if (c == 'z')
			a->zone = optarg;
		else
			return false;
	if (argc - optind != 3 || !str_eq(argv[optind], "simulate"))
		return false;
	a->tariff = argv[optind + 1];
	a->readings = argv[optind + 2];
	return true;
}

static int tariff_load(const char *path, const struct zone *z, struct tariff **out)
{
	AUTO(buf_free) struct buf text = { 0 };
	AUTO(json_free) json_t *json = NULL;
	struct problem why = { 0 };

	if (file_read(path, TARIFF_MAX_BYTES, &text) != ERR_OK)
		return complain(path, "", "cannot be read");
	if (json_parse(text.text, text.len, &json, &why) != ERR_OK ||
		tariff_parse(json, z, out, &why) != ERR_OK)
		return complain(path, why.field, why.text);
	return 0;
}

static int print(const json_t *result)
{
	char *text = json_text(result);
	bool ok = puts(text) >= 0 && fflush(stdout) == 0;

	free(text);
	return ok ? 0 : complain("standard output", "", "cannot be written");
}

static void readings_free(struct simulate_reading **r)
{
	free(*r);
}

static int simulate(const struct args *a)
{
	AUTO(zone_free) struct zone *z = NULL;
	AUTO(tariff_free) struct tariff *t = NULL;
	AUTO(buf_free) struct buf text = { 0 };
	AUTO(readings_free) struct simulate_reading *readings = NULL;
	AUTO(json_free) json_t *result = NULL;
	struct problem why = { 0 };
	size_t n = 0;
	int status;

	if (zone_open(a->zone, &z) != ERR_OK)
		return complain("--tz", a->zone, "there is no such time zone");
	if ((status = tariff_load(a->tariff, z, &t)) != 0)
		return status;
	if (file_read(a->readings, READINGS_MAX_BYTES, &text) != ERR_OK)
		return complain(a->readings, "", "cannot be read");
	if (simulate_read(text.text, text.len, tariff_utility(t), &readings, &n, &why) != ERR_OK ||
		simulate_run(t, readings, n, &result, &why) != ERR_OK)
		return complain(a->readings, why.field, why.text);
	return print(result);
}

int cmd_tariff(int argc, char **argv)
{
	struct args a = { 0 };

	if (!args_parse(argc, argv, &a))
		return complain(
			"", "", "usage: yufu tariff simulate TARIFF.json READINGS.csv [--tz ZONE]");
	return simulate(&a);
}
