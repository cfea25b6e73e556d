#include <ctype.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/cmds.h"
#include "meter/keys.h"
#include "meter/meter.h"

#define MODEL_FILE_MAX (256 * 1024)
#define READ_BACK_MS 200 /* between two looks at a relay or valve that moves */

struct meter_args {
	const char *verb; /* "read", "settings" or "supply" */
	const char *model, *models_dir;
	struct bus_settings bus;
	const char *unit;
	struct meter_address at;
	enum meter_act act;
};

/* One line on standard error, whatever stands in the texts. */
static int complain(const char *command, const char *who, const char *text)
{
	AUTO(buf_free) struct buf line = { 0 };

	buf_printf(&line, "yufu %s: %s%s%s", command, who, who[0] ? ": " : "", text);
	for (char *s = line.text; *s; s++)
		if (iscntrl((unsigned char)*s))
			*s = '?';
	fprintf(stderr, "%s\n", line.text);
	return EXIT_FAILURE;
}

static int complain_problem(const char *command, const struct problem *p)
{
	return complain(command, p->field, p->text);
}

static enum err parse_number(const char *name, const char *text, int64_t least, int64_t most,
	int *out, struct problem *why)
{
	int64_t v = 0;

	if (i64_parse(text, least, most, &v) != ERR_OK)
		return problem_set(why, ERR_BAD_VALUE, name, "must be a number from %d to %d",
			(int)least, (int)most);
	*out = (int)v;
	return ERR_OK;
}

/* As far as it can be told without the model. */
static enum err check_unit(const char *text, struct problem *why)
{
	size_t digits = strspn(text, "0123456789");
	int64_t unit = 0;

	if (!text[digits] && (digits == 12 || digits == 14))
		return ERR_OK;
	if (i64_parse(text, 1, 255, &unit) == ERR_OK)
		return ERR_OK;
	return problem_set(why, ERR_BAD_VALUE, "--unit",
		"must be a number from 1 to 255, or an address of 12 or 14 digits");
}

static enum err parse_option(int c, const char *text, struct meter_args *a, struct problem *why)
{
	switch (c) {
	case 'm':
		a->model = text;
		return ERR_OK;
	case 'd':
		a->models_dir = text;
		return ERR_OK;
	case 't':
		if (transport_parse(text, &a->bus.transport) == ERR_OK)
			return ERR_OK;
		return problem_set(
			why, ERR_BAD_VALUE, "--transport", "must be modbus-tcp, rtu-tcp or rtu");
	case 'a':
		if (str_copy(a->bus.address, sizeof(a->bus.address), text))
			return ERR_OK;
		return problem_set(why, ERR_BAD_VALUE, "--address", "is too long");
	case 'u':
		a->unit = text;
		return check_unit(text, why);
	case 'b':
		return parse_number("--baud", text, 1200, 115200, &a->bus.baud, why);
	case 'p':
		a->bus.parity = text[0] && !text[1] ? text[0] : '?';
		return ERR_OK;
	default:
		return problem_set(why, ERR_BAD_VALUE, "",
			"options: --model M --transport T "
			"--address A --unit N [--baud B] [--parity N|E|O] [--models DIR]");
	}
}

static enum err parse_rest(int argc, char **argv, struct meter_args *a, struct problem *why)
{
	bool supply;

	if (optind >= argc)
		return problem_set(why, ERR_BAD_VALUE, "", "read, settings or supply?");
	a->verb = argv[optind++];
	supply = str_eq(a->verb, "supply");
	if (!supply && !str_eq(a->verb, "read") && !str_eq(a->verb, "settings"))
		return problem_set(why, ERR_BAD_VALUE, a->verb, "read, settings or supply?");
	if (supply && (optind >= argc || act_parse(argv[optind++], &a->act) != ERR_OK))
		return problem_set(why, ERR_BAD_VALUE, "supply", "on, off, keep or auto?");
	if (optind < argc)
		return problem_set(why, ERR_BAD_VALUE, argv[optind], "is too much");
	if (!a->model)
		return problem_set(why, ERR_MISSING_FIELD, "--model", "is missing");
	if (!a->bus.address[0])
		return problem_set(why, ERR_MISSING_FIELD, "--address", "is missing");
	if (!a->unit)
		return problem_set(why, ERR_MISSING_FIELD, "--unit", "is missing");
	return ERR_OK;
}

static enum err parse_args(int argc, char **argv, struct meter_args *a, struct problem *why)
{
	static const struct option options[] = { { "model", required_argument, NULL, 'm' },
		{ "models", required_argument, NULL, 'd' },
		{ "transport", required_argument, NULL, 't' },
		{ "address", required_argument, NULL, 'a' },
		{ "unit", required_argument, NULL, 'u' }, { "baud", required_argument, NULL, 'b' },
		{ "parity", required_argument, NULL, 'p' }, { 0 } };
	int c;

	optind = 0; /* somebody may have parsed before us */
	opterr = 0;
	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		enum err e = parse_option(c, optarg, a, why);

		if (e != ERR_OK)
			return e;
	}
	return parse_rest(argc, argv, a, why);
}

/* Live points, and what is read at start only (serial number, clock) where the meter has it. */
static enum err read_all(struct bus *b, const struct model *m, const struct meter_address *at,
	struct meter_reading *out, struct bus_error *why)
{
	struct meter_reading config = { 0 };
	enum err e = meter_read(b, m, at, CLASS_CONFIG, &config, why);

	if (e != ERR_OK && e != ERR_REFUSED)
		return e;
	e = meter_read(b, m, at, CLASS_LIVE, out, why);
	if (e == ERR_OK && config.serial[0])
		memcpy(out->serial, config.serial, sizeof(out->serial));
	return e;
}

/* Until the meter shows what was asked for, or its time to move is over. */
static enum err read_back(struct bus *b, const struct model *m, const struct meter_args *a,
	struct meter_reading *out, bool *confirmed, struct bus_error *why)
{
	int64_t deadline = mono_ms() + m->actions[a->act].deadline_ms;
	enum err e;

	while ((e = read_all(b, m, &a->at, out, why)) == ERR_OK) {
		*confirmed = model_confirms(m, a->act, out);
		if (*confirmed || mono_ms() >= deadline)
			break;
		mono_sleep_until(mono_ms() + READ_BACK_MS);
	}
	return e;
}

static void print_reading(const struct meter_reading *r, const struct model *m, const char *unit)
{
	AUTO(json_free) json_t *j = reading_json(r, m->name, unit);
	char *text = json_text(j);

	puts(text);
	free(text);
}

static int run_read(
	struct bus *b, const struct model *m, const struct meter_args *a, const char *who)
{
	struct meter_reading r;
	struct bus_error why = { 0 };

	if (read_all(b, m, &a->at, &r, &why) != ERR_OK)
		return complain("meter read", who, why.text);
	print_reading(&r, m, a->unit);
	return EXIT_SUCCESS;
}

/* What the meter holds itself; null: its model does not tell, or the meter refuses to. */
static int run_settings(
	struct bus *b, const struct model *m, const struct meter_args *a, const char *who)
{
	AUTO(json_free)
	json_t *j = json_pack("{s:s, s:i}", "model", m->name, "unit", a->at.unit);
	AUTO(text_free) char *line = NULL;

	for (unsigned k = 0; k < METER_SETTING__MAX; k++) {
		enum meter_setting s = (enum meter_setting)k;
		char text[METER_SETTING_TEXT];
		struct bus_error why = { 0 };
		enum err e = meter_setting_read(b, m, &a->at, s, text, &why);

		if (e != ERR_OK && e != ERR_REFUSED && e != ERR_NOT_CONFIGURED)
			return complain("meter settings", who, why.text);
		json_object_set_new(
			j, meter_setting_word(s), e == ERR_OK ? json_string(text) : json_null());
	}
	line = json_text(j);
	puts(line);
	return EXIT_SUCCESS;
}

static int run_supply(
	struct bus *b, const struct model *m, const struct meter_args *a, const char *who)
{
	struct meter_reading r;
	struct bus_error why = { 0 };
	bool confirmed = false;
	enum err e = meter_act(b, m, &a->at, a->act, NULL, &why);

	/* An unknown outcome is settled by reading back, never by assuming. */
	if (e != ERR_OK && e != ERR_UNKNOWN)
		return complain("meter supply", who, why.text);
	if (e == ERR_UNKNOWN && m->actions[a->act].by_reply)
		return complain("meter supply", who, why.text);
	if (read_back(b, m, a, &r, &confirmed, &why) != ERR_OK)
		return complain("meter supply", who, why.text);
	print_reading(&r, m, a->unit);
	if (!confirmed)
		return complain("meter supply", who, "the meter does not show what was asked for");
	return EXIT_SUCCESS;
}

/* No database and no file: the password of meters of DL/T 645 is in the environment, or in a file
 * that it names. */
static enum err keys_take(struct models *models, struct problem *why)
{
	AUTO(conf_free) struct conf *conf = NULL;
	struct dlt645_keys keys = { 0 };
	enum err e = conf_open(NULL, &conf, why);

	if (e == ERR_OK)
		e = dlt645_keys_read(conf, &keys, why);
	if (e == ERR_OK)
		models_set_keys(models, &keys);
	explicit_bzero(&keys, sizeof(keys));
	return e;
}

int cmd_meter(int argc, char **argv)
{
	AUTO(models_free) struct models *models = NULL;
	AUTO(bus_close) struct bus *b = NULL;
	struct meter_args a = { 0 };
	struct problem why = { 0 };
	const struct model *m;
	char who[256];

	if (parse_args(argc, argv, &a, &why) != ERR_OK ||
		models_open(a.models_dir, &models, &why) != ERR_OK ||
		keys_take(models, &why) != ERR_OK || bus_open(&a.bus, &b, &why) != ERR_OK)
		return complain_problem("meter", &why);
	m = models_find(models, a.model);
	if (!m && models_refused_count(models) > 0) /* perhaps it is the one that was meant */
		return complain_problem("meter", models_refused_at(models, 0));
	if (!m)
		return complain("meter", a.model, "there is no such model (see yufu model list)");
	if (meter_address_parse(m, a.unit, &a.at, &why) != ERR_OK)
		return complain("meter", "--unit", why.text);
	snprintf(who, sizeof(who), "%s unit %s at %s", m->name, a.unit, a.bus.address);
	if (str_eq(a.verb, "settings"))
		return run_settings(b, m, &a, who);
	return str_eq(a.verb, "read") ? run_read(b, m, &a, who) : run_supply(b, m, &a, who);
}

static void print_read(const struct model *m, const struct model_read *r)
{
	if (m->framing == MODEL_MODBUS)
		printf("  reads 0x%04X x%d with function %d each round\n", r->address, r->count,
			r->function);
	else
		printf("  reads item %0*X each round%s\n", m->framing == MODEL_DLT645 ? 8 : 4,
			r->item, r->optional ? ", if the meter has it" : "");
}

static int model_check(const char *file)
{
	AUTO(buf_free) struct buf text = { 0 };
	AUTO(model_free) struct model *m = NULL;
	struct problem why = { 0 };
	enum err e = file_read(file, MODEL_FILE_MAX, &text);

	if (e != ERR_OK)
		return complain("model check", file, err_text(e));
	e = model_parse(text.text ? text.text : "", text.len, &m, &why);
	if (e != ERR_OK) {
		AUTO(buf_free) struct buf who = { 0 };

		buf_printf(&who, "%s%s%s", file, why.field[0] ? ": " : "", why.field);
		return complain("model check", who.text, why.text);
	}
	printf("%s: fine\n", m->name);
	for (size_t i = 0; i < m->plan_count[CLASS_LIVE]; i++)
		print_read(m, &m->plan[CLASS_LIVE][i]);
	return EXIT_SUCCESS;
}

static int model_list(const char *dir)
{
	AUTO(models_free) struct models *models = NULL;
	struct problem why = { 0 };

	if (models_open(dir, &models, &why) != ERR_OK)
		return complain_problem("model list", &why);
	for (size_t i = 0; i < models_count(models); i++) {
		const struct model *m = models_at(models, i);

		printf("%-24s %-12s %-6s %s %s\n", m->name, utility_word(m->utility),
			maturity_word(m->maturity), m->maker, m->title);
	}
	for (size_t i = 0; i < models_refused_count(models); i++)
		complain_problem("model list", models_refused_at(models, i));
	return models_refused_count(models) > 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

static bool number_of(const char *text, int *out)
{
	int64_t v = 0;

	if (i64_parse(text, 0, 1000, &v) != ERR_OK)
		return false;
	*out = (int)v;
	return true;
}

/* Which unit ids the circuits of a box answer on. */
static int model_units(const char *name, char **numbers)
{
	AUTO(models_free) struct models *models = NULL;
	struct model_circuit circuits[MODEL_CIRCUITS_MAX];
	struct model_box box = { 0 };
	struct problem why = { 0 };
	const struct model *m;
	size_t n = 0;

	if (models_open(NULL, &models, &why) != ERR_OK)
		return complain_problem("model units", &why);
	m = models_find(models, name);
	if (!m)
		return complain("model units", name, "there is no such model");
	if (!number_of(numbers[0], &box.size) || !number_of(numbers[1], &box.base) ||
		!number_of(numbers[2], &box.wide))
		return complain("model units", "", "SIZE, BASE and WIDE are numbers");
	if (model_circuits(m, &box, circuits, &n, &why) != ERR_OK)
		return complain_problem("model units", &why);
	for (size_t i = 0; i < n; i++)
		printf("unit %-3d takes %d\n", circuits[i].unit, circuits[i].takes);
	return EXIT_SUCCESS;
}

int cmd_model(int argc, char **argv)
{
	if (argc == 3 && str_eq(argv[1], "check"))
		return model_check(argv[2]);
	if (argc == 2 && str_eq(argv[1], "list"))
		return model_list(NULL);
	if (argc == 4 && str_eq(argv[1], "list") && str_eq(argv[2], "--models"))
		return model_list(argv[3]);
	if (argc == 6 && str_eq(argv[1], "units"))
		return model_units(argv[2], argv + 3);
	return complain(
		"model", "", "check FILE.json, list [--models DIR], or units NAME SIZE BASE WIDE");
}
