#pragma once
/* Frames of DL/T 645-2007. Pure. Layout: FE as often as wanted, 68, address (6 BCD bytes, low pair
 * first), 68, control code, length, data (33H added to each byte), sum of all since the first 68,
 * 16. Checked against recorded frames (tests/vectors/dlt645_2007.txt). */
#include "meter/frame.h"

#define DLT645_ADDRESS 6
#define DLT645_DATA_MAX 200 /* of a read; nothing longer is taken for a frame */
#define DLT645_LEADERS_MAX 20
#define DLT645_FRAME_MAX (DLT645_LEADERS_MAX + 12 + DLT645_DATA_MAX)
_Static_assert(DLT645_FRAME_MAX <= FRAME_MAX, "a bus carries it");

enum dlt645_control {
	DLT645_SECURITY = 0x03,
	DLT645_BROADCAST_TIME = 0x08,
	DLT645_READ = 0x11,
	DLT645_READ_MORE = 0x12,
	DLT645_READ_ADDRESS = 0x13,
	DLT645_WRITE = 0x14,
	DLT645_RELAY = 0x1C,
	DLT645_MORE = 0x20,  /* in a reply: follow-up frames wait to be read */
	DLT645_ERROR = 0x40, /* in a reply: one byte says why it was refused */
	DLT645_REPLY = 0x80,
};
#define DLT645_NO_SUCH_DATA 0x02 /* bit of the error byte */

struct dlt645_frame {
	uint8_t address[DLT645_ADDRESS]; /* as sent: low pair first; all AA: any meter */
	uint8_t control;
	uint8_t n;
	uint8_t data[DLT645_DATA_MAX]; /* without the 33H */
};

/* The frame as sent, with so many FE in front; its length. n <= DLT645_DATA_MAX. */
size_t dlt645_build(
	const struct dlt645_frame *f, int leaders, uint8_t out[static DLT645_FRAME_MAX]);

/* The first whole frame among n bytes, past leaders and noise: its length, and where it begins. 0:
 * more bytes are needed. One whose sum is right goes before one whose sum is not. */
size_t dlt645_find(const uint8_t *bytes, size_t n, size_t *at);

/* Takes a frame apart that begins with its first 68. ERR_PROTOCOL: it is none, or its sum is
 * wrong. */
MUST_USE enum err dlt645_parse(
	const uint8_t *bytes, size_t n, struct dlt645_frame *out, struct bus_error *why);

/* Checks every byte of a reply against its request and takes it apart. The data of a read still has
 * its item in front, that of a follow-up its number at the end. ERR_RETRY: it belongs to another
 * meter or another request (or is our own, echoed), wait on. ERR_REFUSED: the meter says no;
 * out->data[0] is its error byte. ERR_PROTOCOL: nonsense. */
MUST_USE enum err dlt645_check_reply(const struct dlt645_frame *ask, const uint8_t *bytes, size_t n,
	struct dlt645_frame *out, struct bus_error *why);

/* Data identification, 4 bytes low first. */
uint32_t dlt645_item(const uint8_t data[static 4]);
void dlt645_put_item(uint32_t item, uint8_t data[static 4]);
