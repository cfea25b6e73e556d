#pragma once
/* Between the files of the bus, and for nobody else: bus.c has its settings and counts,
 * bus_connect.c gets it ready for a request, bus_receive.c carries bytes, bus_exchange.c makes a
 * request and its reply of them. */
#include <modbus/modbus.h>

#include "meter/bus.h"
#include "meter/frame.h"

#define LATE_MAX 8 /* requests that are remembered, for their replies may still come */
#define HEAP_MAX (2 * FRAME_MAX)

/* A request that nobody answered. */
struct given_up {
	uint8_t unit, function;
	uint16_t count;
	int64_t until; /* mono_ms(): then its reply comes no more */
};

struct bus {
	struct bus_settings settings;
	char host[BUS_ADDRESS_MAX];
	char port[8];
	enum framing framing;
	modbus_t *modbus; /* of RTU that we connect to; NULL: libmodbus is not needed */
	int fd;		  /* -1: not connected */
	uint16_t transaction;
	int silent; /* unanswered requests in a row */
	bool clean; /* the last request was answered, by nothing but its reply */
	struct given_up given_up[LATE_MAX]; /* none on Modbus TCP */
	size_t given_up_next;
	int patience_ms, delay_ms; /* see bus_patience() */
	void (*on_gap)(void *ctx);
	void *gap_ctx;
	uint8_t heap[HEAP_MAX]; /* received and not yet used */
	size_t heap_n;
	int64_t receive_ms; /* how long a call to receive waits on this connection; Modbus TCP */
	int64_t quiet_at;   /* mono_ms() of the last sign of life or end of waiting */
	struct bus_stats stats;
};

bool bus_dials_in(const struct bus *b);
bool bus_is_socket(const struct bus *b);

/* Readable (or writable) before the deadline; false: not. */
bool bus_wait_for(int fd, short events, int64_t deadline);
/* Connected, silent for the pause that the meter asks for, and nothing stale in the way. */
MUST_USE enum err bus_make_ready(struct bus *b, const struct bus_request *q, struct bus_error *why);

MUST_USE enum err bus_send(
	struct bus *b, const uint8_t *frame, size_t n, int64_t deadline, struct bus_error *why);
/* What came is put to the heap. ERR_TIMEOUT: nothing did. */
MUST_USE enum err bus_heap_more(struct bus *b, int64_t deadline, struct bus_error *why);
/* The first n bytes of the heap are done with. */
void bus_heap_drop(struct bus *b, size_t n);
/* How many bytes at its end are the begin of what a gateway says of itself. */
size_t bus_heap_tail(const struct bus *b);
/* Something more to look at, if it be the end. */
bool bus_has_more(struct bus *b, int64_t deadline);
/* One frame into reply[]; there is something, as bus_has_more() says. ERR_TIMEOUT: nothing but
 * what a gateway says of itself. */
MUST_USE enum err bus_receive(struct bus *b, const struct bus_request *q, int64_t deadline,
	uint8_t reply[static FRAME_MAX], size_t *n, struct bus_error *why);
/* Why a reply came to no end: an errno, libmodbus's own among them. */
enum err bus_receive_failed(struct bus *b, int error, struct bus_error *why);
