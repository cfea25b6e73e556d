#pragma once
/* A gateway: a Modbus TCP server with the meters of one RS485 bus behind it. One thread serves all
 * its connections; requests go over the bus one at a time, in the order of their arrival, and take
 * the time that the bytes take. The functions here may be called from any thread. */
#include <limits.h>

#include "base/zone.h"
#include "sim/device.h"
#include "sim/fault.h"
#include "sim/line.h"

enum { GATEWAY_CLIENTS_MAX = 16, GATEWAY_SAVE_MS = 5000 };

struct gateway_settings {
	int bus;
	uint16_t port; /* on 127.0.0.1; 0: any free one */
	struct line_timing timing;
	bool silence_told; /* a meter that is silent: exception 0x0B, or else no answer at all */
	int speed;	   /* how many times faster than life registers count */
	char state_path[PATH_MAX];
};

struct gateway;

/* Mall, models and zone are borrowed. Loads the state if there is one, listens, starts the thread.
 */
MUST_USE enum err gateway_start(const struct gateway_settings *settings, const struct mall *mall,
	const struct models *models, const struct zone *zone, struct gateway **out,
	struct problem *why);
/* Ends the thread, saves the state, frees. May be given a pointer to NULL. */
void gateway_stop(struct gateway **g);

const char *gateway_name(const struct gateway *g);
uint16_t gateway_port(const struct gateway *g);

/* What went over the bus so far; the caller owns it. */
json_t *gateway_stats(struct gateway *g);

/* The true state of a meter. ERR_NOT_FOUND: no such unit. */
MUST_USE enum err gateway_meter(struct gateway *g, int unit, json_t **out);

struct meter_change {
	bool set_register, set_load, set_closed;
	int64_t register_milli; /* 0..DEVICE_REGISTER_MAX */
	int64_t load;		/* 0..DEVICE_LOAD_MAX; -1: by the curve again */
	bool closed;
	bool set_adds, set_credit, set_count, set_refuses, power_fails, loses;
	bool adds, refuses;
	int64_t credit_fen, count;
	bool set_clock;
	int64_t clock_off_s;
};
MUST_USE enum err gateway_change_meter(
	struct gateway *g, int unit, const struct meter_change *change, struct problem *why);

MUST_USE enum err gateway_add_fault(struct gateway *g, const struct fault *fault);
size_t gateway_remove_faults(struct gateway *g, int id); /* 0: all; how many went */
/* Appends the faults in force to a JSON list. */
void gateway_list_faults(struct gateway *g, json_t *list);
