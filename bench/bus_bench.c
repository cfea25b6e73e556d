/* How well the poller uses a bus that is never idle: the bus thread of the poller against gateways
 * of the simulator that take the time which the bytes take (9600 8N1, meters that think 50 ms).
 * Four buses of 70 meters at the same time: all answer; one is silent; ten are silent; commands
 * come. No database. Prints one line of JSON.
 *
 * Limit in the same run: what a perfect master would need for the readings that were made, which is
 * request and reply on the wire, the meter's own delay, and the pause that its model asks for. */
#include <inttypes.h>
#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "poller/runner.h"
#include "poller/wait.h"
#include "sim/gateway.h"

#define METERS 70
#define WARM_MS 45000 /* settings are read, answer times learned */
#define ANSWER_MS 50
#define BAUD 9600
#define COMMANDS_MAX 4000

enum { ALL_ANSWER, ONE_SILENT, TEN_SILENT, COMMANDS, BUSES };
static const int silent[BUSES] = { 0, 1, 10, 0 };

struct bench {
	char dir[PATH_MAX / 2];
	struct mall *mall;
	struct models *models;
	struct zone *zone;
	struct bus_under_test {
		struct gateway *gateway;
		struct desk *desk;
		struct orders_back *back;
		struct runner *runner;
		pthread_t collector;
		_Atomic int64_t readings[METERS]; /* taken from the desk */
		int64_t before[METERS];
		int64_t requests;
		uint64_t silences;
	} buses[BUSES];
	int64_t command_ms[COMMANDS_MAX];
	size_t commands;
};

static void must(enum err e, const struct problem *why)
{
	if (e == ERR_OK)
		return;
	fprintf(stderr, "bus_bench: %s: %s %s\n", err_word(e), why->field, why->text);
	exit(EXIT_FAILURE);
}

static const struct line_timing timing = {
	.baud = BAUD, .answer_ms = ANSWER_MS, .silence_ms = 1000
};

static void gateway_open(struct bench *b, int bus)
{
	struct gateway_settings s = { .bus = bus, .timing = timing, .speed = 1 };
	struct problem why = { 0 };

	snprintf(s.state_path, sizeof(s.state_path), "%s/G%d.json", b->dir, bus + 1);
	must(gateway_start(&s, b->mall, b->models, b->zone, &b->buses[bus].gateway, &why), &why);
}

static struct plant_bus plant_of(struct bench *b, int bus)
{
	struct plant_bus p = { .gateway_id = bus + 1,
		.group_id = 1,
		.settings = { .transport = TRANSPORT_MODBUS_TCP, .baud = BAUD },
		.n = METERS };

	snprintf(p.code, sizeof(p.code), "G%d", bus + 1);
	snprintf(p.settings.address, sizeof(p.settings.address), "127.0.0.1:%u",
		gateway_port(b->buses[bus].gateway));
	p.meters = calloc(METERS, sizeof(*p.meters));
	ASSERT(p.meters);
	for (int i = 0; i < METERS; i++) {
		const struct mall_meter *m = mall_meter(b->mall, bus, i + 1);
		struct plant_meter *out = &p.meters[i];

		out->id = i;
		snprintf(out->at.text, sizeof(out->at.text), "%d", i + 1);
		out->at.unit = (uint8_t)(i + 1);
		out->model = models_find(b->models, m->model);
		out->ct_ratio = out->pt_ratio = 1;
		snprintf(out->code, sizeof(out->code), "M%d", i + 1);
		snprintf(out->serial, sizeof(out->serial), "%s", m->serial);
	}
	return p;
}

static void *collect(void *arg)
{
	struct bus_under_test *u = arg;
	struct report reports[METERS];

	while (!desk_is_closed(u->desk)) {
		size_t n = desk_take(u->desk, reports, METERS, 0, 200);

		for (size_t i = 0; i < n; i++)
			if (reports[i].has_reading)
				u->readings[reports[i].meter_id]++;
	}
	return NULL;
}

static void bus_begin(struct bench *b, int bus)
{
	struct bus_under_test *u = &b->buses[bus];
	struct plant_bus p = plant_of(b, bus);
	struct runner_ends ends = { .period_ms = 1000 }; /* always somebody's turn */

	u->desk = ends.desk = desk_open();
	u->back = ends.back = orders_back_open();
	ASSERT(pthread_create(&u->collector, NULL, collect, u) == 0);
	must(runner_start(&p, &ends, NULL, &u->runner), &(struct problem){ { 0 }, { 0 } });
}

static int64_t requests_of(struct bus_under_test *u)
{
	struct runner_health h;

	runner_health(u->runner, &h);
	return h.now.transactions;
}

static uint64_t silences_of(struct bus_under_test *u)
{
	struct runner_health h;

	runner_health(u->runner, &h);
	return h.kinds[KIND_SILENT];
}

/* From here it counts, and from here the silent ones are silent: noticing them is part of it. */
static void window_begin(struct bench *b)
{
	for (int bus = 0; bus < BUSES; bus++) {
		struct bus_under_test *u = &b->buses[bus];

		for (int k = 0; k < silent[bus]; k++)
			must(gateway_add_fault(
				     u->gateway, &(struct fault){ .unit = 1 + k * 7 % METERS,
							 .kind = FAULT_SILENT,
							 .ends_ms = INT64_MAX }),
				&(struct problem){ { 0 }, { 0 } });
		for (int i = 0; i < METERS; i++)
			u->before[i] = u->readings[i];
		u->requests = requests_of(u);
		u->silences = silences_of(u);
	}
}

/* When the meter was last written to, as the simulator tells. */
static const char *written_at(struct gateway *g, int unit, json_t **keep)
{
	must(gateway_meter(g, unit, keep), &(struct problem){ { 0 }, { 0 } });
	return json_string_value(json_object_get(*keep, "last_write_at"));
}

/* One relay is told to close; how long until the frame has arrived at the meter. */
static void command(struct bench *b, int unit)
{
	struct bus_under_test *u = &b->buses[COMMANDS];
	struct order_result done = { 0 };
	struct order_out *o = order_new();
	AUTO(json_free) json_t *was = NULL;
	const char *before = written_at(u->gateway, unit, &was);
	int64_t began = mono_ms(), deadline = began + 10000;
	bool moved = false;

	o->meter_id = unit - 1;
	o->on = true;
	runner_order(u->runner, o);
	while (!moved && mono_ms() < deadline) {
		AUTO(json_free) json_t *is = NULL;
		const char *now = written_at(u->gateway, unit, &is);

		moved = now && (!before || strcmp(now, before) != 0);
		if (!moved)
			usleep(1000);
	}
	if (b->commands < COMMANDS_MAX)
		b->command_ms[b->commands++] = moved ? mono_ms() - began : INT64_MAX;
	while (!done.final)
		if (!orders_back_take(u->back, mono_ms() + 10000, &done))
			break;
	order_free(&o);
}

static void commands(struct bench *b, int64_t until)
{
	unsigned seed = 7;

	while (mono_ms() < until) {
		seed = seed * 1664525 + 1013904223;
		command(b, 1 + (int)(seed >> 16) % 60); /* those have relays */
		mono_sleep_until(mono_ms() + 700 + (seed >> 16) % 600);
	}
}

/* What a perfect master needs for one reading of this meter, in microseconds. */
static int64_t perfect_us(const struct bench *b, int bus, int unit)
{
	const struct model *m = models_find(b->models, mall_meter(b->mall, bus, unit)->model);
	size_t n = 0;
	const struct model_read *plan = model_plan(m, CLASS_LIVE, &n);
	int64_t us = 0;

	for (size_t i = 0; i < n; i++)
		us += line_frame_us(&timing, 8) + ANSWER_MS * 1000 +
		      line_frame_us(&timing, 5 + 2 * (size_t)plan[i].count) +
		      m->limits.pause_ms * 1000;
	return us;
}

static bool is_silent(int bus, int i)
{
	for (int k = 0; k < silent[bus]; k++)
		if (i == k * 7 % METERS)
			return true;
	return false;
}

/* Useful time of the bus in the window, and readings of the meters that answer on `others` (which
 * names the bus whose silent meters are left out). */
static int64_t useful_us(struct bench *b, int bus, int others, int64_t *readings)
{
	struct bus_under_test *u = &b->buses[bus];
	int64_t us = 0;

	*readings = 0;
	for (int i = 0; i < METERS; i++) {
		int64_t n = u->readings[i] - u->before[i];

		us += n * perfect_us(b, bus, i + 1);
		if (!is_silent(others, i))
			*readings += n;
	}
	return us;
}

static int ascending(const void *a, const void *b)
{
	const int64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* Prints part / whole as a per cent with two places. */
static void print_percent(const char *name, int64_t part, int64_t whole)
{
	int64_t bp = whole > 0 ? part * 10000 / whole : 0;

	printf("\"%s\": %s%" PRId64 ".%02" PRId64 ", ", name, bp < 0 ? "-" : "",
		(bp < 0 ? -bp : bp) / 100, (bp < 0 ? -bp : bp) % 100);
}

/* How many readings the silent meters of a bus cost the others. */
static void print_cost(struct bench *b, const char *name, int bus)
{
	int64_t normal, disturbed;

	useful_us(b, ALL_ANSWER, bus, &normal);
	useful_us(b, bus, bus, &disturbed);
	print_percent(name, normal - disturbed, normal);
}

static void report(struct bench *b, int64_t wall_ms)
{
	int64_t readings, useful = useful_us(b, ALL_ANSWER, ALL_ANSWER, &readings);
	int64_t requests = requests_of(&b->buses[ALL_ANSWER]) - b->buses[ALL_ANSWER].requests;
	size_t n = b->commands, ddsy = 0;

	qsort(b->command_ms, n, sizeof(*b->command_ms), ascending);
	model_plan(models_find(b->models, "acrel-ddsy1352"), CLASS_LIVE, &ddsy);
	printf("{\"seconds\": %" PRId64 ", ", wall_ms / 1000);
	print_percent("efficiency_percent", useful, wall_ms * 1000);
	print_cost(b, "one_silent_percent", ONE_SILENT);
	print_cost(b, "ten_silent_percent", TEN_SILENT);
	printf("\"readings\": %" PRId64 ", \"requests\": %" PRId64 ", \"requests_ddsy1352\": %zu, ",
		readings, requests, ddsy);
	printf("\"silences_without_cause\": %" PRIu64 ", ",
		silences_of(&b->buses[ALL_ANSWER]) - b->buses[ALL_ANSWER].silences);
	printf("\"commands\": %zu, \"command_p50_ms\": %" PRId64 ", \"command_p95_ms\": %" PRId64
	       ", \"turn_ms\": %" PRId64 "}\n",
		n, n ? b->command_ms[n / 2] : 0, n ? b->command_ms[(n * 95 + 99) / 100 - 1] : 0,
		perfect_us(b, COMMANDS, 1) / 1000);
}

static void bench_close(struct bench *b)
{
	for (int bus = 0; bus < BUSES; bus++) {
		struct bus_under_test *u = &b->buses[bus];
		char path[PATH_MAX];

		runner_free(&u->runner);
		desk_close(u->desk);
		pthread_join(u->collector, NULL);
		desk_free(&u->desk);
		orders_back_free(&u->back);
		gateway_stop(&u->gateway);
		snprintf(path, sizeof(path), "%s/G%d.json", b->dir, bus + 1);
		unlink(path);
	}
	rmdir(b->dir);
	zone_free(&b->zone);
	models_free(&b->models);
	mall_free(&b->mall);
}

int main(int argc, char **argv)
{
	static struct bench b;
	struct problem why = { 0 };
	int64_t seconds = 60, began;

	if (argc > 2 || (argc == 2 && i64_parse(argv[1], 1, 86400, &seconds) != ERR_OK)) {
		fprintf(stderr, "usage: bus_bench [SECONDS]\n");
		return 2;
	}
	log_open("bus_bench", LOG_LEVEL_ERROR);
	/* In memory: what the simulator saves must not hold up its bus. */
	snprintf(b.dir, sizeof(b.dir), "/dev/shm/yufu-bus-bench.XXXXXX");
	ASSERT(mkdtemp(b.dir));
	b.mall = mall_make(BUSES, 0, 1);
	must(models_open(NULL, &b.models, &why), &why);
	must(zone_open(MALL_ZONE, &b.zone), &why);
	for (int bus = 0; bus < BUSES; bus++)
		gateway_open(&b, bus);
	for (int bus = 0; bus < BUSES; bus++)
		bus_begin(&b, bus);
	mono_sleep_until(mono_ms() + WARM_MS);
	began = mono_ms();
	window_begin(&b);
	commands(&b, began + seconds * 1000);
	report(&b, mono_ms() - began);
	bench_close(&b);
	return EXIT_SUCCESS;
}
