#pragma once
/* The routes under /sim/: faults, the true state of meters, and what went over the wire. Reference:
 * docs/simulator.md. */
#include "sim/gateway.h"
#include "sim/http.h"
#include "sim/line_server.h"

struct control {
	struct gateway *const *gateways;
	size_t n;
	struct line_server *line; /* NULL: none */
};

/* control is borrowed and must outlive the server. */
void control_add_routes(struct http *http, struct control *control);
