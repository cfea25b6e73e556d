/* Transactions a second of processor time: our bus against the barest loop on libmodbus, a thread
 * for each of many buses, against meters that answer at once (meter_server). Prints one line of
 * JSON.
 *
 *   bus_speed ours|libmodbus PORT BUSES SECONDS */
#include <inttypes.h>
#include <modbus.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/resource.h>

#include "base/clock.h"
#include "base/str.h"
#include "meter/bus.h"

#define BLOCK 0x0200
#define REGISTERS 48
#define LANES_MAX 900

struct lane {
	int port;
	int64_t until;
	bool bare;
	int64_t done, failed;
};

static void lane_bare(struct lane *l)
{
	modbus_t *m = modbus_new_tcp("127.0.0.1", l->port);
	uint16_t regs[REGISTERS];

	ASSERT(m && modbus_connect(m) == 0);
	modbus_set_response_timeout(m, 5, 0); /* a late reply would put it out of step for good */
	for (int unit = 1; mono_ms() < l->until; unit = unit % 32 + 1) {
		modbus_set_slave(m, unit);
		if (modbus_read_registers(m, BLOCK, REGISTERS, regs) == REGISTERS)
			l->done++;
		else
			l->failed++;
	}
	modbus_close(m);
	modbus_free(m);
}

static void lane_ours(struct lane *l)
{
	struct bus_settings settings = { .transport = TRANSPORT_MODBUS_TCP };
	struct bus_request q = { .function = 3, .address = BLOCK, .count = REGISTERS };
	struct problem why = { 0 };
	struct bus *bus = NULL;
	uint16_t regs[REGISTERS];

	snprintf(settings.address, sizeof(settings.address), "127.0.0.1:%d", l->port);
	ASSERT(bus_open(&settings, &bus, &why) == ERR_OK);
	for (uint8_t unit = 1; mono_ms() < l->until; unit = (uint8_t)(unit % 32 + 1)) {
		q.unit = unit;
		if (bus_read(bus, &q, regs, NULL) == ERR_OK)
			l->done++;
		else
			l->failed++;
	}
	bus_close(&bus);
}

static void *lane_run(void *ctx)
{
	struct lane *l = ctx;

	if (l->bare)
		lane_bare(l);
	else
		lane_ours(l);
	return NULL;
}

static int64_t cpu_us(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return (u.ru_utime.tv_sec + u.ru_stime.tv_sec) * INT64_C(1000000) + u.ru_utime.tv_usec +
	       u.ru_stime.tv_usec;
}

/* Runs all lanes to their end; what they did is in them. */
static void lanes_run(struct lane *lanes, int64_t n)
{
	pthread_t threads[LANES_MAX];

	for (int64_t i = 0; i < n; i++)
		ASSERT(pthread_create(&threads[i], NULL, lane_run, &lanes[i]) == 0);
	for (int64_t i = 0; i < n; i++)
		pthread_join(threads[i], NULL);
}

int main(int argc, char **argv)
{
	struct lane lanes[LANES_MAX];
	int64_t port, buses, seconds, done = 0, failed = 0, began = mono_ms(), took_ms, cpu;

	if (argc != 5 || i64_parse(argv[2], 1, 65535, &port) != ERR_OK ||
		i64_parse(argv[3], 1, LANES_MAX, &buses) != ERR_OK ||
		i64_parse(argv[4], 1, 3600, &seconds) != ERR_OK) {
		fprintf(stderr, "usage: bus_speed ours|libmodbus PORT BUSES SECONDS\n");
		return 2;
	}
	for (int64_t i = 0; i < buses; i++)
		lanes[i] = (struct lane){ .port = (int)port,
			.until = began + seconds * 1000,
			.bare = str_eq(argv[1], "libmodbus") };
	lanes_run(lanes, buses);
	for (int64_t i = 0; i < buses; i++) {
		done += lanes[i].done;
		failed += lanes[i].failed;
	}
	took_ms = mono_ms() - began;
	cpu = cpu_us();
	printf("{\"done\": %" PRId64 ", \"failed\": %" PRId64 ", \"seconds\": %" PRId64
	       ".%03" PRId64 ", \"cpu\": %" PRId64 ".%06" PRId64 "}\n",
		done, failed, took_ms / 1000, took_ms % 1000, cpu / 1000000, cpu % 1000000);
	return 0;
}
