#pragma once
/* Gateways that dial in. Before they carry anybody's frames they say who they are (registration),
 * and they say now and then that they still are there (heartbeat), at any moment and even amid a
 * reply. Both are data of the gateway. Pure: no sockets, no clock. */
#include "meter/frame.h"

#define DIAL_PATTERN_MAX 64 /* bytes of one */
#define DIAL_PATTERNS_MAX 9 /* the registration and eight heartbeats */

/* What a gateway sends of its own; the first is its registration. */
struct dial_patterns {
	struct dial_pattern {
		uint8_t bytes[DIAL_PATTERN_MAX];
		size_t n;
	} at[DIAL_PATTERNS_MAX];
	size_t n;
};

/* From the id that the gateway has in our table and from the templates of its two settings.
 * Templates are text in which {id} is the id, {hex} the bytes that the id spells in hexadecimal
 * (colons and dashes do not count: a MAC), and \xNN \r \n \\ single bytes. registration "" is
 * {id}; heartbeats are templates with blanks between, may be none. ERR_BAD_VALUE names the field.
 */
MUST_USE enum err dial_patterns_read(const char *id, const char *registration,
	const char *heartbeats, struct dial_patterns *out, struct problem *why);

/* Do the first bytes of a connection come from this gateway? Heartbeats may come first, and
 * registration and heartbeats may be glued together. */
enum dial_hello {
	DIAL_OTHER, /* no */
	DIAL_MORE,  /* perhaps; not enough yet */
	DIAL_KNOWN, /* yes, as far as these bytes go */
};
enum dial_hello dial_hello(const struct dial_patterns *p, const uint8_t *bytes, size_t n);

/* The next RTU frame with a right CRC in what has come from a gateway, past registrations and
 * heartbeats before it and past one amid it. */
enum dial_found {
	DIAL_WAIT,  /* there may be one when more bytes come */
	DIAL_FRAME, /* out[] and *out_n; *used bytes of the input are done with */
	DIAL_JUNK,  /* whatever comes: these bytes are none */
};
enum dial_found dial_frame(const struct dial_patterns *p, const uint8_t *bytes, size_t n,
	uint8_t out[static FRAME_MAX], size_t *out_n, size_t *used);

/* How many bytes at the end are the begin of a registration or heartbeat whose rest is still on
 * its way. */
size_t dial_tail(const struct dial_patterns *p, const uint8_t *bytes, size_t n);
/* Nothing of a frame is among these bytes: registrations and heartbeats only, perhaps the begin of
 * another. */
bool dial_is_quiet(const struct dial_patterns *p, const uint8_t *bytes, size_t n);
