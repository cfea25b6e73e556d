#pragma once
/* Frames of CJ/T 188-2004. Pure. Layout: FE as often as wanted, 68, type, address (7 bytes, low
 * pair first), control code, length, data, sum of all since the 68, 16. Data: two bytes of data
 * identification, one of sequence, then what was asked for. Makers differ in the order of the
 * identification and in the codes of their replies, so both are the caller's. Checked against
 * recorded frames (tests/vectors/cjt188_2004.txt). */
#include "meter/frame.h"

#define CJT188_ADDRESS 7
#define CJT188_DATA_MAX 100
#define CJT188_LEADERS_MAX 20
#define CJT188_FRAME_MAX (CJT188_LEADERS_MAX + 13 + CJT188_DATA_MAX)
_Static_assert(CJT188_FRAME_MAX <= FRAME_MAX, "a bus carries it");

enum cjt188_control {
	CJT188_READ = 0x01,
	CJT188_READ_ADDRESS = 0x03,
	CJT188_WRITE = 0x04, /* and the valve */
	CJT188_REPLY = 0x80,
	CJT188_ERROR = 0x40, /* beside CJT188_REPLY */
};

struct cjt188_frame {
	uint8_t type;			 /* 10H: cold water */
	uint8_t address[CJT188_ADDRESS]; /* as sent: low pair first; all AA: any meter */
	uint8_t control;
	uint8_t n;
	uint8_t data[CJT188_DATA_MAX];
};

/* The frame as sent, with so many FE in front; its length. n <= CJT188_DATA_MAX. */
size_t cjt188_build(
	const struct cjt188_frame *f, int leaders, uint8_t out[static CJT188_FRAME_MAX]);

/* As dlt645_find(). */
size_t cjt188_find(const uint8_t *bytes, size_t n, size_t *at);

MUST_USE enum err cjt188_parse(
	const uint8_t *bytes, size_t n, struct cjt188_frame *out, struct bus_error *why);

#define CJT188_CODES_MAX 4
/* What may come in reply. */
struct cjt188_expect {
	uint8_t codes[CJT188_CODES_MAX];    /* control codes of a good reply; 0: no more */
	uint8_t items[CJT188_CODES_MAX][2]; /* identification, as it comes; item_count of them */
	size_t item_count;
	bool sequence; /* the reply repeats the sequence of its request */
};

/* Checks every byte of a reply against its request and takes it apart; data still begins with
 * identification and sequence. Results as of dlt645_check_reply(). */
MUST_USE enum err cjt188_check_reply(const struct cjt188_frame *ask,
	const struct cjt188_expect *expect, const uint8_t *bytes, size_t n,
	struct cjt188_frame *out, struct bus_error *why);
