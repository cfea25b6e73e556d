/* Transactions a second of processor time: our bus against the barest loop on libmodbus, a thread
 * for each of many buses, against meters that answer at once (meter_server). Prints one line of
 * JSON.
 *
 *   bus_speed ours|libmodbus PORT BUSES SECONDS */
#include <modbus.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/clock.h"
#include "meter/bus.h"

#define BLOCK 0x0200
#define REGISTERS 48

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

static double cpu_s(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
	       (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

int main(int argc, char **argv)
{
	int buses = argc == 5 ? atoi(argv[3]) : 0;
	struct lane *lanes = calloc((size_t)buses + 1, sizeof(*lanes));
	pthread_t *threads = calloc((size_t)buses + 1, sizeof(*threads));
	int64_t done = 0, failed = 0, began = mono_ms(), until;

	if (buses < 1 || buses > 900 || !lanes || !threads) {
		fprintf(stderr, "usage: bus_speed ours|libmodbus PORT BUSES SECONDS\n");
		return 2;
	}
	until = began + atoi(argv[4]) * INT64_C(1000);
	for (int i = 0; i < buses; i++) {
		lanes[i] = (struct lane){ .port = atoi(argv[2]),
			.until = until,
			.bare = strcmp(argv[1], "libmodbus") == 0 };
		ASSERT(pthread_create(&threads[i], NULL, lane_run, &lanes[i]) == 0);
	}
	for (int i = 0; i < buses; i++) {
		pthread_join(threads[i], NULL);
		done += lanes[i].done;
		failed += lanes[i].failed;
	}
	printf("{\"done\": %lld, \"failed\": %lld, \"seconds\": %.2f, \"cpu\": %.3f}\n",
		(long long)done, (long long)failed, (double)(mono_ms() - began) / 1000, cpu_s());
	free(lanes);
	free(threads);
	return 0;
}
