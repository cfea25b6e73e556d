#pragma once
/* The whole wire: the mall, its gateways, and the settings by which they run ([sim]). */
#include "base/conf.h"
#include "sim/gateway.h"
#include "sim/line_server.h"

struct sim;

/* The mall that [sim] describes: buses, modbus_base_port, seed. The caller frees. */
MUST_USE enum err sim_mall(struct conf *conf, struct mall **out, struct problem *why);

/* Starts every gateway. */
MUST_USE enum err sim_start(struct conf *conf, struct sim **out, struct problem *why);
void sim_stop(struct sim **sim); /* may be given a pointer to NULL */

struct gateway *const *sim_gateways(const struct sim *sim, size_t *n);
/* The line with meters of DL/T 645 and CJ/T 188; NULL when there is none. */
struct line_server *sim_line(const struct sim *sim);
