/* yufu-poller: reads the meters of the buses that it holds, settles what they say, and drives their
 * supplies to what the database desires. It ends for a bad configuration and for a signal, never
 * for a device or the database. */
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "meter/keys.h"
#include "poller/keeper.h"
#include "poller/purchaser.h"
#include "poller/setter.h"
#include "poller/reception.h"
#include "poller/sink.h"
#include "poller/switcher.h"

struct settings {
	struct db_settings database;
	char name[64];
	int64_t buses_max;
	int64_t period_ms;
	int64_t config_ms;
	int64_t mass_trip_limit;
	const char *models_dir;
	struct dlt645_keys keys;
	const char *dial_in_listen;
	int64_t set_clocks;
};

struct poller {
	struct settings settings;
	struct models *models;
	struct desk *desk;
	struct holdings *holdings;
	struct orders_back *back;
	struct fleet *fleet;
	struct reception *reception;
	struct sink *sink;
	struct switcher *switcher;
	struct purchaser *purchaser;
	struct setter *setter;
	struct keeper *keeper;
};

static enum err read_name(struct conf *c, char *out, size_t size, struct problem *why)
{
	char host[64] = "";
	const char *name;

	if (gethostname(host, sizeof(host) - 1) != 0 || !host[0])
		memcpy(host, "poller", sizeof("poller"));
	name = conf_text(c, "poller", "name", host);
	if (!name[0] || !str_copy(out, size, name))
		return problem_set(why, ERR_OUT_OF_RANGE, "poller.name",
			"the name of a poller has 1 to 63 bytes");
	return ERR_OK;
}

static enum err settings_read(struct conf *c, struct settings *s, struct problem *why)
{
	int64_t fresh_s = 60, config_s = 86400;
	enum err e = db_settings_read(c, &s->database, why);

	if (e == ERR_OK)
		e = read_name(c, s->name, sizeof(s->name), why);
	if (e == ERR_OK)
		e = conf_int(c, "poller", "buses_max", 1, 900, 900, &s->buses_max, why);
	if (e == ERR_OK)
		e = conf_int(c, "poller", "fresh_s", 12, 3600, 60, &fresh_s, why);
	if (e == ERR_OK)
		e = conf_int(c, "poller", "config_s", 3600, 604800, 86400, &config_s, why);
	if (e == ERR_OK)
		e = conf_int(
			c, "poller", "mass_trip_limit", 0, 1000000, 0, &s->mass_trip_limit, why);
	if (e == ERR_OK)
		e = dlt645_keys_read(c, &s->keys, why);
	if (e == ERR_OK)
		e = conf_int(c, "poller", "set_clocks", 0, 1, 1, &s->set_clocks, why);
	s->dial_in_listen = conf_text(c, "poller", "dial_in_listen", "");
	s->models_dir = conf_text(c, "poller", "models_dir", NULL);
	s->period_ms = fresh_s * 1000 - 10000; /* room for one failure and its retry */
	s->config_ms = config_s * 1000;
	return e;
}

static void *run_sink(void *p)
{
	sink_run(((struct poller *)p)->sink);
	return NULL;
}

static void *run_switcher(void *p)
{
	switcher_run(((struct poller *)p)->switcher);
	return NULL;
}

static void *run_purchaser(void *p)
{
	purchaser_run(((struct poller *)p)->purchaser);
	return NULL;
}

static void *run_setter(void *p)
{
	setter_run(((struct poller *)p)->setter);
	return NULL;
}

static void *run_keeper(void *p)
{
	keeper_run(((struct poller *)p)->keeper);
	db_thread_end();
	return NULL;
}

static void *run_reception(void *p)
{
	reception_run(((struct poller *)p)->reception);
	return NULL;
}

static pthread_t thread(void *(*fn)(void *), struct poller *p)
{
	pthread_t t;

	ASSERT(pthread_create(&t, NULL, fn, p) == 0);
	return t;
}

static void open_parts(struct poller *p)
{
	p->desk = desk_open();
	p->holdings = holdings_open();
	p->back = orders_back_open();
	p->sink = sink_open(&p->settings.database, p->desk, p->holdings);
	p->switcher = switcher_open(&(struct switcher_ends){ .database = &p->settings.database,
		.fleet = p->fleet,
		.holdings = p->holdings,
		.back = p->back,
		.mass_trip_limit = p->settings.mass_trip_limit });
	const struct deals_ends ends = { &p->settings.database, p->fleet, p->holdings };

	p->purchaser = purchaser_open(&ends);
	p->setter = setter_open(&ends);
	setter_look_every(p->setter, p->settings.config_ms);
	p->keeper = keeper_open(&(struct keeper_ends){ .database = &p->settings.database,
		.name = p->settings.name,
		.buses_max = p->settings.buses_max,
		.models = p->models,
		.fleet = p->fleet,
		.holdings = p->holdings,
		.sink = p->sink,
		.reception = p->reception,
		.runner = { .desk = p->desk,
			.back = p->back,
			.reception = p->reception,
			.sets_clocks = p->settings.set_clocks != 0,
			.period_ms = p->settings.period_ms,
			.config_ms = p->settings.config_ms } });
}

static void free_parts(struct poller *p)
{
	keeper_free(&p->keeper);
	setter_free(&p->setter);
	purchaser_free(&p->purchaser);
	switcher_free(&p->switcher);
	sink_free(&p->sink);
	reception_free(&p->reception);
	fleet_free(&p->fleet);
	orders_back_free(&p->back);
	holdings_free(&p->holdings);
	desk_free(&p->desk);
	models_free(&p->models);
}

/* Buses first, then what they have left behind, then the leases. */
static void run(struct poller *p, const sigset_t *signals)
{
	pthread_t sink, switcher, purchaser, setter, keeper, reception;
	int signal = 0;

	open_parts(p);
	sink = thread(run_sink, p);
	switcher = thread(run_switcher, p);
	purchaser = thread(run_purchaser, p);
	setter = thread(run_setter, p);
	keeper = thread(run_keeper, p);
	reception = thread(run_reception, p);
	log_info("started name=%s buses_max=%lld dial_in_port=%d", p->settings.name,
		(long long)p->settings.buses_max, reception_port(p->reception));
	sigwait(signals, &signal);
	log_info("signal=%d stopping", signal);
	reception_stop(p->reception);
	pthread_join(reception, NULL);
	keeper_stop(p->keeper);
	pthread_join(keeper, NULL);
	switcher_stop(p->switcher);
	pthread_join(switcher, NULL);
	purchaser_stop(p->purchaser);
	setter_stop(p->setter);
	pthread_join(purchaser, NULL);
	pthread_join(setter, NULL);
	desk_close(p->desk);
	pthread_join(sink, NULL);
	keeper_give_back(p->keeper);
	free_parts(p);
	log_info("stopped");
}

static const char *config_path(int argc, char **argv)
{
	if (argc == 1)
		return "/etc/yufu/yufu.conf";
	if (argc == 3 && str_eq(argv[1], "--config"))
		return argv[2];
	return NULL;
}

static int fail(const struct problem *why)
{
	log_error("%s%s%s", why->field, why->field[0] ? ": " : "", why->text);
	return EXIT_FAILURE;
}

int main(int argc, char **argv)
{
	static struct poller p;
	const char *path = config_path(argc, argv);
	AUTO(conf_free) struct conf *conf = NULL;
	struct problem why = { 0 };
	sigset_t signals;

	log_open("yufu-poller", LOG_LEVEL_INFO);
	if (!path) {
		log_error("usage: yufu-poller [--config FILE]");
		return EXIT_FAILURE;
	}
	if (conf_open(path, &conf, &why) != ERR_OK ||
		settings_read(conf, &p.settings, &why) != ERR_OK ||
		models_open(p.settings.models_dir, &p.models, &why) != ERR_OK)
		return fail(&why);
	models_set_keys(p.models, &p.settings.keys);
	for (size_t i = 0; i < models_refused_count(p.models); i++) {
		const struct problem *bad = models_refused_at(p.models, i);

		log_error("model file %s is left out: %s", bad->field, bad->text);
	}
	p.fleet = fleet_open();
	if (reception_open(p.settings.dial_in_listen, p.fleet, &p.reception, &why) != ERR_OK)
		return fail(&why);
	/* Every thread inherits this: signals go to sigwait() only. */
	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	pthread_sigmask(SIG_BLOCK, &signals, NULL);
	signal(SIGPIPE, SIG_IGN);
	db_library_open();
	run(&p, &signals);
	return EXIT_SUCCESS;
}
