#include "sim/sim.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "meter/dialin.h"
#include "sim/dialler.h"

enum { PORT_BASE = 15020, BUSES = 5, SEED = 20260301 };

struct sim {
	struct mall *mall;
	struct models *models;
	struct zone *zone;
	struct line_server *line;
	struct gateway *gateways[MALL_BUSES_MAX];
	struct dialler *diallers[MALL_BUSES_MAX]; /* NULL: this one waits to be called */
	size_t n;
};

static enum err setting(struct conf *conf, const char *key, int64_t min, int64_t max,
	int64_t fallback, int *out, struct problem *why)
{
	int64_t n = 0;
	enum err e = conf_int(conf, "sim", key, min, max, fallback, &n, why);

	if (!e)
		*out = (int)n;
	return e;
}

enum err sim_mall(struct conf *conf, struct mall **out, struct problem *why)
{
	int buses, port, seed;
	enum err e = setting(conf, "buses", 1, MALL_BUSES_MAX, BUSES, &buses, why);

	if (!e)
		e = setting(conf, "modbus_base_port", 0, UINT16_MAX - MALL_BUSES_MAX, PORT_BASE,
			&port, why);
	if (!e)
		e = setting(conf, "seed", 0, INT32_MAX, SEED, &seed, why);
	if (e)
		return e;
	*out = mall_make(buses, (uint16_t)port, (uint32_t)seed);
	return ERR_OK;
}

static enum err silence_setting(
	struct conf *conf, const char *gateway, bool *out, struct problem *why)
{
	char key[32];
	const char *word = conf_text(conf, "sim", "silence", "nothing");

	snprintf(key, sizeof key, "silence_%s", gateway);
	word = conf_text(conf, "sim", key, word);
	if (!str_eq(word, "nothing") && !str_eq(word, "exception"))
		return problem_set(why, ERR_BAD_VALUE, "sim.silence", "nothing or exception");
	*out = str_eq(word, "exception");
	return ERR_OK;
}

static enum err path_setting(
	struct conf *conf, const char *gateway, char out[static PATH_MAX], struct problem *why)
{
	const char *dir = conf_text(conf, "sim", "state_dir", NULL);

	if (!dir)
		return problem_set(why, ERR_NOT_CONFIGURED, "sim.state_dir", "is missing");
	if (mkdir(dir, 0750) != 0 && errno != EEXIST)
		return problem_set(why, ERR_UNAVAILABLE, "sim.state_dir", "cannot make %s: %s", dir,
			strerror(errno));
	if (snprintf(out, PATH_MAX, "%s/%s.json", dir, gateway) >= PATH_MAX)
		return problem_set(why, ERR_TOO_LARGE, "sim.state_dir", "is too long");
	return ERR_OK;
}

static enum err gateway_setting(struct conf *conf, const struct mall *mall, int bus,
	struct gateway_settings *out, struct problem *why)
{
	struct gateway_settings s = { .bus = bus };
	char name[8];
	enum err e = setting(conf, "baud", 300, 1000000, 9600, &s.timing.baud, why);

	if (mall->port_base)
		s.port = (uint16_t)(mall->port_base + bus);
	if (!e)
		e = setting(conf, "answer_ms", 0, 10000, 50, &s.timing.answer_ms, why);
	if (!e)
		e = setting(conf, "silence_ms", 1, 120000, 1000, &s.timing.silence_ms, why);
	if (!e)
		e = setting(conf, "speed", 1, DEVICE_SPEED_MAX, 1, &s.speed, why);
	if (!e)
		e = silence_setting(conf, mall_gateway(bus, name), &s.silence_told, why);
	if (!e)
		e = path_setting(conf, mall_gateway(bus, name), s.state_path, why);
	if (!e)
		*out = s;
	return e;
}

static void pattern_copy(const struct dial_pattern *p, uint8_t *out, size_t *n)
{
	memcpy(out, p->bytes, p->n);
	*n = p->n;
}

/* The gateway dials in when it has an id: dial_in_G2 = DTU-0002. */
static enum err dialler_open(
	struct conf *conf, struct gateway *g, struct dialler **out, struct problem *why)
{
	struct dialler_settings s = { .gateway_port = gateway_port(g), .seed = gateway_port(g) };
	const char *registration = conf_text(conf, "sim", "dial_registration", "{id}");
	const char *heartbeat = conf_text(conf, "sim", "dial_heartbeat", "ping");
	const char *master = conf_text(conf, "sim", "dial_in", "127.0.0.1:15100");
	struct dial_patterns p = { 0 };
	char key[32];
	const char *id;
	enum err e;

	snprintf(key, sizeof key, "dial_in_%s", gateway_name(g));
	id = conf_text(conf, "sim", key, "");
	if (!id[0])
		return ERR_OK;
	if (!str_copy(s.master, sizeof s.master, master))
		return problem_set(why, ERR_TOO_LARGE, "sim.dial_in", "is too long");
	e = dial_patterns_read(id, registration, heartbeat, &p, why);
	if (!e)
		e = setting(conf, "dial_heartbeat_ms", 1, 600000, 2000, &s.heartbeat_ms, why);
	if (!e)
		e = setting(conf, "dial_redial_ms", 1, 600000, 1000, &s.redial_ms, why);
	if (e)
		return e;
	pattern_copy(&p.at[0], s.registration, &s.registration_n);
	if (p.n > 1)
		pattern_copy(&p.at[1], s.heartbeat, &s.heartbeat_n);
	*out = dialler_start(&s);
	return ERR_OK;
}

static enum err gateways_start(struct sim *sim, struct conf *conf, struct problem *why)
{
	for (int bus = 0; bus < sim->mall->buses; bus++) {
		struct gateway_settings settings;
		enum err e = gateway_setting(conf, sim->mall, bus, &settings, why);

		if (!e)
			e = gateway_start(&settings, sim->mall, sim->models, sim->zone,
				&sim->gateways[bus], why);
		if (e)
			return e;
		sim->n++;
		e = dialler_open(conf, sim->gateways[bus], &sim->diallers[bus], why);
		if (e)
			return e;
	}
	return ERR_OK;
}

/* A meter of each protocol, on a transparent server of their own. */
static enum err line_start(struct sim *sim, struct conf *conf, struct problem *why)
{
	struct line_server_settings settings = { .zone = sim->zone };
	struct line_meter m;
	int port = -1;
	enum err e = setting(conf, "line_port", -1, UINT16_MAX, -1, &port, why);

	if (e || port < 0)
		return e;
	settings.port = (uint16_t)port;
	e = line_server_start(&settings, &sim->line, why);
	if (e)
		return e;
	line_meter_init(&m, LINE_DLT645, "201000000012");
	m.register_milli = 12345670;
	m.power_w = 1500;
	m.credit_fen = 19856;
	m.purchases = 12;
	line_server_add(sim->line, &m);
	line_meter_init(&m, LINE_CJT188, "00000805000001");
	m.register_milli = 123000;
	line_server_add(sim->line, &m);
	return ERR_OK;
}

enum err sim_start(struct conf *conf, struct sim **out, struct problem *why)
{
	AUTO(sim_stop) struct sim *sim = calloc(1, sizeof *sim);
	enum err e;

	ASSERT(sim);
	e = sim_mall(conf, &sim->mall, why);
	if (!e)
		e = models_open(conf_text(conf, "sim", "models_dir", NULL), &sim->models, why);
	if (!e && zone_open(MALL_ZONE, &sim->zone))
		e = problem_set(
			why, ERR_NOT_FOUND, "", "no time zone %s (install tzdata)", MALL_ZONE);
	if (!e)
		e = gateways_start(sim, conf, why);
	if (!e)
		e = line_start(sim, conf, why);
	if (e)
		return e;
	*out = sim;
	sim = NULL;
	return ERR_OK;
}

void sim_stop(struct sim **sim)
{
	if (!*sim)
		return;
	for (size_t i = 0; i < (*sim)->n; i++)
		dialler_stop(&(*sim)->diallers[i]);
	for (size_t i = 0; i < (*sim)->n; i++)
		gateway_stop(&(*sim)->gateways[i]);
	line_server_stop(&(*sim)->line);
	zone_free(&(*sim)->zone);
	models_free(&(*sim)->models);
	mall_free(&(*sim)->mall);
	free(*sim);
	*sim = NULL;
}

struct gateway *const *sim_gateways(const struct sim *sim, size_t *n)
{
	*n = sim->n;
	return sim->gateways;
}

struct line_server *sim_line(const struct sim *sim)
{
	return sim->line;
}
