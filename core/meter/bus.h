#pragma once
/* A connection to one gateway port or serial line: one request at a time, for one thread. Connects
 * at the first request, and again when the connection was lost. A call waits as long as connecting
 * may take (plus the resolver, for a host name; twice, when the other side had hung up), plus the
 * pause that the meter asks for, plus the time given for the answer and what the line takes. On
 * Modbus TCP that may be 50 ms longer; on RTU there comes before it what bus_late_until() says, and
 * what it takes until nothing stale comes any more (2 s at most). */
#include "base/err.h"
#include "meter/model.h"
#include "meter/patience.h"

enum transport {
	TRANSPORT_MODBUS_TCP,
	TRANSPORT_RTU_TCP,
	TRANSPORT_RTU,
	TRANSPORT_DIAL_IN, /* the gateway connects to us, and then carries RTU */
	TRANSPORT__MAX
};
const char *transport_word(enum transport t); /* "modbus-tcp" "rtu-tcp" "rtu" "dial-in" */
MUST_USE enum err transport_parse(const char *word, enum transport *out);

#define BUS_ADDRESS_MAX 128
#define BUS_CONNECT_MS 3000
#define BUS_ANSWER_MS 1000

struct dial_patterns; /* dialin.h */

/* Where the connections of a gateway that dials in come from. */
struct bus_dial {
	/* The connection that waits (not blocking; the bus closes it), or -1. */
	int (*take)(void *ctx);
	void *ctx;
	const struct dial_patterns *patterns; /* what it sends of its own; outlives the bus */
};

struct bus_settings {
	enum transport transport;
	char address[BUS_ADDRESS_MAX]; /* "10.0.0.5:502", "[::1]:502", "/dev/ttyUSB0", or the id
					* of a gateway that dials in */
	struct bus_dial dial;	       /* of such a gateway only */
	int connect_ms;		       /* 0: BUS_CONNECT_MS */
	int baud;		       /* of the line, 0: 9600; behind a gateway, 0: not known.
					* Slow lines are given the time that they need */
	char parity;		       /* 'N' 'E' 'O'; 0: 'N' */
};

enum bus_fault {
	BUS_FINE,
	BUS_UNREACHABLE, /* no connection could be made */
	BUS_LOST,	 /* the connection broke */
	BUS_SILENT,	 /* no answer in time */
	BUS_EXCEPTION,	 /* the device, or the gateway for it, answered an exception */
	BUS_NONSENSE,	 /* an answer that does not fit the request, or cannot be */
	BUS_FAULT__MAX
};
const char *bus_fault_word(enum bus_fault f); /* "silent" "exception" ... */

/* The same more finely, as it is counted. */
enum bus_kind {
	KIND_FINE,
	KIND_SHORT,	  /* breaks off, or tells less than was asked for */
	KIND_LONG,	  /* more than was asked for, or than a frame can hold */
	KIND_CRC,	  /* checksum */
	KIND_FOREIGN,	  /* of another meter, function or register */
	KIND_LATE,	  /* to a request that was given up */
	KIND_NOISE,	  /* bytes that are no frame */
	KIND_LYING,	  /* a frame without fault that tells what cannot be */
	KIND_EXCEPTION,	  /* the device refused */
	KIND_SILENT,	  /* no answer in time */
	KIND_UNREACHABLE, /* no connection */
	KIND_LOST,	  /* the connection broke */
	KIND__MAX
};
const char *bus_kind_word(enum bus_kind k); /* "fine" "short" "crc" ... */

struct bus_error {
	enum bus_fault fault;
	enum bus_kind kind;
	int exception;	  /* Modbus exception code, 0 if none */
	uint16_t address; /* first register of the request */
	bool sent;	  /* the request may have reached the device: a write is then unknown, not
			   * undone, unless an exception refused it */
	char text[200];	  /* "no answer within 1000 ms", "exception 2 at register 0x0061", ... */
};

/* Asked when the bus is ready, as the last thing before the request leaves: connecting can take as
 * long as a permission lasts. It may wait. False: nothing is sent, ERR_FORBIDDEN. */
struct bus_permit {
	bool (*may_send)(void *ctx);
	void *ctx;
};

/* A frame that only its maker knows: function and data, as they are sent. Of the reply the bytes
 * where `fixed` is 0xff are known, and its length. */
struct bus_vendor {
	const uint8_t *bytes;
	size_t n;
	const uint8_t *reply, *fixed;
	size_t reply_n;
};

struct bus_request {
	uint8_t unit;	  /* 1..255; no broadcasts, since nobody confirms them */
	uint8_t function; /* 1 to 4 to read; 5, 6, 15, 16, 32 to write (32: frame.h) */
	uint16_t address;
	uint16_t count;			 /* registers; coils or inputs with 1, 2, 5, 15 */
	const uint16_t *values;		 /* to write; 0 or 1 for a coil */
	const struct bus_vendor *vendor; /* a frame of the maker's own instead of all these */
	int answer_ms;			 /* 0: BUS_ANSWER_MS */
	int pause_ms;			 /* silence kept since the last exchange on this bus */
	const struct bus_permit *permit; /* NULL: none is needed */
};

#define BUS_EXCEPTIONS 13

struct bus_stats {
	uint64_t requests, answers;
	uint64_t bytes_out, bytes_in;
	uint64_t connects;
	uint64_t hang_ups; /* connections that the other side had closed while nothing was asked */
	int64_t busy_ms;   /* time spent waiting for answers */
	int answer_ms;	   /* of the last answer */
	uint64_t kinds[KIND__MAX];
	uint64_t exceptions[BUS_EXCEPTIONS]; /* by code; the last one: other codes */
	struct answer_times times;
};

struct bus;
/* Checks the settings; touches no wire yet. ERR_BAD_VALUE names the setting. */
MUST_USE enum err bus_open(
	const struct bus_settings *settings, struct bus **out, struct problem *why);
void bus_close(struct bus **b);
bool bus_is_connected(const struct bus *b);
struct bus_stats bus_stats(const struct bus *b);

/* From now on waits for a device no longer than this (0: as each request says), plus what the line
 * takes. Behind a Modbus TCP gateway, the request after a silent one is given its full time: the
 * gateway may still be waiting for the meter that did not answer. */
void bus_patience(struct bus *b, int ms);
/* The longest that a device took for an answer since bus_patience(), without the time on the line;
 * -1: nobody answered, or it cannot be said. */
int bus_delay_ms(const struct bus *b);
/* mono_ms() until which a request to this unit may have to wait for late replies; 0: not. */
int64_t bus_late_until(const struct bus *b, uint8_t unit);
/* Counts what was found out after the exchange: a reply that lies. */
void bus_count(struct bus *b, enum bus_kind kind);
/* Somebody who is called between the requests of a reading, for what cannot wait for its end: may
 * use the bus. NULL: nobody. */
void bus_on_gap(struct bus *b, void (*fn)(void *ctx), void *ctx);
void bus_gap(struct bus *b);
/* Closes the connection; the next request makes or takes another. */
void bus_hang_up(struct bus *b);
/* Times a connection was made. */
uint64_t bus_connects(const struct bus *b);
/* Exchanges connection, counts and who is called in gaps with another bus of the same transport,
 * address and line, for an heir. */
void bus_inherit(struct bus *b, struct bus *former);

/* regs gets request->count registers (or coils, each 0 or 1), and only when all is well.
 * ERR_UNAVAILABLE (unreachable, lost), ERR_TIMEOUT (silent), ERR_REFUSED (exception), ERR_PROTOCOL
 * (nonsense), ERR_BAD_VALUE (there is no such request), ERR_FORBIDDEN (its permit was refused). */
MUST_USE enum err bus_read(
	struct bus *b, const struct bus_request *request, uint16_t *regs, struct bus_error *why);
/* One write; done when the device echoed it, or answered a vendor's frame as it should. Errors as
 * bus_read; see bus_error.sent. */
MUST_USE enum err bus_write(
	struct bus *b, const struct bus_request *request, struct bus_error *why);

/* Another framing than Modbus on the same wire. `ask` is its own request, and takes in the reply.
 */
struct bus_framing {
	const char *name; /* for people */
	/* The request as sent, FRAME_MAX bytes at most. The number tells it from others. */
	size_t (*build)(void *ask, uint16_t number, uint8_t *out);
	/* The first whole frame past leaders and noise: its length and begin; 0: none yet. */
	size_t (*find)(const uint8_t *bytes, size_t n, size_t *at);
	/* As frame_check_reply(); ERR_RETRY: late or foreign, wait on. */
	enum err (*check)(void *ask, const uint8_t *frame, size_t n, struct bus_error *why);
};

struct bus_ask {
	const struct bus_framing *framing;
	void *ask;
	int reply_bytes; /* that the line has to carry back, about */
	uint32_t mark;	 /* of 24 bits; the same for requests whose replies look alike */
	bool unanswered; /* a broadcast: nobody confirms it */
	int answer_ms;	 /* as in struct bus_request */
	int pause_ms;
	const struct bus_permit *permit;
};
/* One request and its reply. Errors as of bus_write(), and ERR_BAD_VALUE on Modbus TCP. */
MUST_USE enum err bus_exchange(struct bus *b, const struct bus_ask *request, struct bus_error *why);
