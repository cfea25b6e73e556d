#pragma once
/* A serial line with its meters, reached over a transparent server (a TCP port that carries the
 * bytes of the line) or a pseudo terminal. Meters of DL/T 645, CJ/T 188 and Modbus RTU may hang on
 * it side by side, as they do in real cabinets. One thread; the functions may be called from any.
 */
#include <limits.h>

#include "base/json.h"
#include "base/zone.h"
#include "sim/device.h"
#include "sim/line_meter.h"

struct line_server;

enum { LINE_METERS_MAX = 16 };

struct line_server_settings {
	bool terminal;		 /* a pseudo terminal instead of a port on 127.0.0.1 */
	uint16_t port;		 /* 0: any free one */
	const struct zone *zone; /* of the clocks on the wall; borrowed */
};

MUST_USE enum err line_server_start(
	const struct line_server_settings *settings, struct line_server **out, struct problem *why);
void line_server_stop(struct line_server **s); /* may be given a pointer to NULL */
/* "127.0.0.1:4711" or "/dev/pts/7". */
const char *line_server_address(const struct line_server *s);

/* The meter is copied; its number, for the calls below. */
size_t line_server_add(struct line_server *s, const struct line_meter *m);
/* A device of the mall, by Modbus RTU; copied. */
void line_server_add_device(struct line_server *s, const struct device *d);
/* A copy of the meter as it is now. */
struct line_meter line_server_meter(struct line_server *s, size_t i);
/* Changes one as the function says, with the line standing still. */
void line_server_change(struct line_server *s, size_t i,
	void (*change)(struct line_meter *m, const void *arg), const void *arg);
void line_server_fault(struct line_server *s, size_t i, enum line_fault fault);

/* The meter with this address; LINE_METERS_MAX: none. */
size_t line_server_find(struct line_server *s, const char *address);
/* The truth of all of them; the caller owns it. */
json_t *line_server_json(struct line_server *s);
