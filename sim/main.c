/* yufu-sim: the demo mall on real Modbus frames, and stand-ins for the outside services. */
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/str.h"
#include "sim/control.h"
#include "sim/history.h"
#include "sim/sim.h"
#ifdef SIM_SERVICES
#include "sim/svc.h"
#endif

static const char usage[] =
	"usage: yufu-sim --config FILE           run until SIGTERM or SIGINT\n"
	"       yufu-sim [--config FILE] --mall [--history DAYS]\n"
	"                                        print the mall as import sheets in JSON, and "
	"what\n"
	"                                        its meters counted in the days before\n"
#ifdef SIM_SERVICES
	"       yufu-sim --make-keys DIR         write fresh keys of both sides for a demo\n"
	"       yufu-sim --print-settings DIR SIM_BASE PUBLIC_BASE\n"
	"                                        print the settings that go with those keys\n"
#endif
	;

enum task { TASK_NONE, TASK_RUN, TASK_MALL, TASK_KEYS, TASK_SETTINGS };

struct options {
	enum task task;
	const char *config;
	const char *dir; /* of the keys */
	char **rest;	 /* SIM_BASE, PUBLIC_BASE */
	int days;	 /* of history with the mall */
};

/* -1 for anything but 0..60. */
static int days_parse(const char *text)
{
	int64_t days;

	return i64_parse(text, 0, 60, &days) == ERR_OK ? (int)days : -1;
}

static bool options_take(int c, struct options *o)
{
	switch (c) {
	case 'c':
		o->config = optarg;
		return true;
	case 'm':
		o->task = TASK_MALL;
		return true;
	case 'h':
		o->days = days_parse(optarg);
		return o->days >= 0;
#ifdef SIM_SERVICES
	case 'k':
		o->task = TASK_KEYS;
		o->dir = optarg;
		return true;
	case 's':
		o->task = TASK_SETTINGS;
		o->dir = optarg;
		return true;
#endif
	default:
		return false;
	}
}

static bool options_read(int argc, char **argv, struct options *out)
{
	static const struct option known[] = {
		{ "config", required_argument, NULL, 'c' },
		{ "mall", no_argument, NULL, 'm' },
		{ "history", required_argument, NULL, 'h' },
		{ "make-keys", required_argument, NULL, 'k' },
		{ "print-settings", required_argument, NULL, 's' },
		{ NULL, 0, NULL, 0 },
	};
	struct options o = { 0 };
	int c;

	while ((c = getopt_long(argc, argv, "", known, NULL)) != -1) {
		if (!options_take(c, &o))
			return false;
	}
	if (o.task == TASK_NONE && o.config)
		o.task = TASK_RUN;
	o.rest = argv + optind;
	if (o.task == TASK_NONE || argc - optind != (o.task == TASK_SETTINGS ? 2 : 0))
		return false;
	*out = o;
	return true;
}

static enum err mall_print(struct conf *conf, int days, struct problem *why)
{
	AUTO(mall_free) struct mall *mall = NULL;
	AUTO(json_free) json_t *all = NULL;
	enum err e = sim_mall(conf, &mall, why);

	if (e)
		return e;
	all = mall_json(mall);
	if (days > 0)
		json_object_set_new(all, "history", mall_history(mall, days, utc_now()));
	if (json_dumpf(all, stdout, JSON_INDENT(1)) != 0 || putchar('\n') == EOF ||
		fflush(stdout) != 0)
		return problem_set(why, ERR_UNAVAILABLE, "", "cannot write to standard output");
	return ERR_OK;
}

/* Signals are taken in sigwait() only; every thread begins with them blocked. */
static sigset_t signals_block(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	return set;
}

static void serve(const sigset_t *set, const struct sim *sim, const struct http *http)
{
	size_t n;
	struct gateway *const *gateways = sim_gateways(sim, &n);
	int number = 0;

	for (size_t i = 0; i < n; i++)
		log_info("event=gateway_open gateway=%s port=%u", gateway_name(gateways[i]),
			gateway_port(gateways[i]));
	if (sim_line(sim))
		log_info("event=line_open address=%s", line_server_address(sim_line(sim)));
	log_info("event=started http_port=%u", http_port(http));
	while (sigwait(set, &number) != 0)
		;
	log_info("event=stopping signal=%d", number);
}

static enum err run(struct conf *conf, struct problem *why)
{
	AUTO(sim_stop) struct sim *sim = NULL;
#ifdef SIM_SERVICES
	AUTO(svc_stop) struct svc *svc = NULL;
#endif
	AUTO(http_stop) struct http *http = NULL;
	struct control control;
	sigset_t set = signals_block();
	enum err e =
		http_open(conf_text(conf, "sim", "http_listen", "127.0.0.1:15080"), &http, why);

	if (!e)
		e = sim_start(conf, &sim, why);
	if (e)
		return e;
	control.gateways = sim_gateways(sim, &control.n);
	control.line = sim_line(sim);
	control_add_routes(http, &control);
#ifdef SIM_SERVICES
	e = svc_start(conf, http, &svc, why);
	if (e)
		return e;
#endif
	e = http_start(http, why);
	if (e)
		return e;
	serve(&set, sim, http);
	return ERR_OK; /* stops in turn: HTTP, services, wire */
}

static enum err work(const struct options *o, struct problem *why)
{
	AUTO(conf_free) struct conf *conf = NULL;
	enum err e;

#ifdef SIM_SERVICES
	if (o->task == TASK_KEYS)
		return svc_make_keys(o->dir, why);
	if (o->task == TASK_SETTINGS) {
		svc_print_settings(o->dir, o->rest[0], o->rest[1]);
		return ERR_OK;
	}
#endif
	e = conf_open(o->config, &conf, why);
	if (e)
		return e;
	return o->task == TASK_MALL ? mall_print(conf, o->days, why) : run(conf, why);
}

int main(int argc, char **argv)
{
	struct problem why = { 0 };
	struct options options;
	enum err e;

	if (!options_read(argc, argv, &options)) {
		fputs(usage, stderr);
		return 2;
	}
	log_open("yufu-sim", LOG_LEVEL_INFO);
	e = work(&options, &why);
	if (!e)
		return 0;
	fprintf(stderr, "yufu-sim: %s%s%s\n", why.field, why.field[0] ? ": " : "",
		why.text[0] ? why.text : err_text(e));
	return 1;
}
