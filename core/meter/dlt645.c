#include "meter/dlt645.h"

#include <stdio.h>
#include <string.h>

#include "meter/bcd.h"

#define HEAD 10 /* 68, address, 68, control, length */
#define TAIL 2	/* sum, 16 */
#define OFFSET 0x33

size_t dlt645_build(const struct dlt645_frame *f, int leaders, uint8_t out[static DLT645_FRAME_MAX])
{
	uint8_t *frame = out + leaders;

	ASSERT(leaders >= 0 && leaders <= DLT645_LEADERS_MAX && f->n <= DLT645_DATA_MAX);
	memset(out, 0xFE, (size_t)leaders);
	frame[0] = frame[7] = 0x68;
	memcpy(frame + 1, f->address, DLT645_ADDRESS);
	frame[8] = f->control;
	frame[9] = f->n;
	for (unsigned i = 0; i < f->n; i++)
		frame[HEAD + i] = (uint8_t)(f->data[i] + OFFSET);
	frame[HEAD + f->n] = byte_sum(frame, HEAD + (size_t)f->n);
	frame[HEAD + f->n + 1] = 0x16;
	return (size_t)leaders + HEAD + f->n + TAIL;
}

/* Length of the frame that begins here as far as its form goes; 0: none does, or not yet. */
static size_t frame_at(const uint8_t *b, size_t n)
{
	size_t length;

	if (n < HEAD + TAIL || b[0] != 0x68 || b[7] != 0x68 || b[9] > DLT645_DATA_MAX)
		return 0;
	length = HEAD + b[9] + (size_t)TAIL;
	return length <= n && b[length - 1] == 0x16 ? length : 0;
}

static bool sum_is_right(const uint8_t *b, size_t length)
{
	return byte_sum(b, length - TAIL) == b[length - TAIL];
}

size_t dlt645_find(const uint8_t *bytes, size_t n, size_t *at)
{
	return frame_find(bytes, n, at, frame_at, sum_is_right);
}

enum err dlt645_parse(
	const uint8_t *bytes, size_t n, struct dlt645_frame *out, struct bus_error *why)
{
	if (n < HEAD + TAIL || frame_at(bytes, n) != n)
		return bus_error_nonsense(why, KIND_NOISE, "not a frame of DL/T 645");
	if (!sum_is_right(bytes, n))
		return bus_error_nonsense(why, KIND_CRC, "checksum error");
	memcpy(out->address, bytes + 1, DLT645_ADDRESS);
	out->control = bytes[8];
	out->n = bytes[9];
	for (unsigned i = 0; i < out->n; i++)
		out->data[i] = (uint8_t)(bytes[HEAD + i] - OFFSET);
	return ERR_OK;
}

uint32_t dlt645_item(const uint8_t data[static 4])
{
	return (uint32_t)data[3] << 24 | (uint32_t)data[2] << 16 | (uint32_t)data[1] << 8 | data[0];
}

void dlt645_put_item(uint32_t item, uint8_t data[static 4])
{
	for (unsigned i = 0; i < 4; i++)
		data[i] = (uint8_t)(item >> 8 * i);
}

static bool reads(uint8_t control)
{
	return control == DLT645_READ || control == DLT645_READ_MORE;
}

static enum err refused(
	const struct dlt645_frame *ask, const struct dlt645_frame *reply, struct bus_error *why)
{
	/* Bits 0 and 3 to 6 as the standard's table has them; 1 was seen on the wire. */
	static const char *const names[] = { "other error", "no such data",
		"wrong password or not permitted", "baud rate cannot be changed",
		"too many year zones", "too many day slots", "too many rates", "reserved" };
	char words[160] = "", about[40] = "";
	size_t used = 0;

	if (reply->n != 1)
		return bus_error_length(why, reply->n, 1);
	for (unsigned i = 0; i < ARRAY_LEN(names); i++)
		if (((reply->data[0] >> i) & 1) && used < sizeof(words))
			used += (size_t)snprintf(words + used, sizeof(words) - used, "%s%s",
				used ? ", " : "", names[i]);
	if (reads(ask->control))
		snprintf(about, sizeof(about), " for item %08X", dlt645_item(ask->data));
	else
		snprintf(about, sizeof(about), " to control code %02X", ask->control);
	return bus_error_set(why, ERR_REFUSED, BUS_EXCEPTION, "error 0x%02X%s (%s)", reply->data[0],
		about, words[0] ? words : "no reason");
}

/* What the data of a good reply must be. */
static enum err check_data(
	const struct dlt645_frame *ask, const struct dlt645_frame *reply, struct bus_error *why)
{
	unsigned least = ask->control == DLT645_READ_MORE ? 5 : 4;

	if (ask->control == DLT645_RELAY && reply->n != 0)
		return bus_error_length(why, reply->n, 0);
	if (!reads(ask->control))
		return ERR_OK;
	if (reply->n < least)
		return bus_error_length(why, reply->n, least);
	if (memcmp(reply->data, ask->data, 4) != 0)
		return bus_error_passed(why, KIND_LATE, "reply for item %08X instead of %08X",
			dlt645_item(reply->data), dlt645_item(ask->data));
	if (ask->control == DLT645_READ_MORE && reply->data[reply->n - 1] != ask->data[4])
		return bus_error_passed(why, KIND_LATE, "reply with frame %u instead of %u",
			reply->data[reply->n - 1], ask->data[4]);
	return ERR_OK;
}

static bool is_from(const struct dlt645_frame *ask, const struct dlt645_frame *reply)
{
	static const uint8_t any[DLT645_ADDRESS] = { 0xAA, 0xAA, 0xAA, 0xAA, 0xAA, 0xAA };

	return memcmp(ask->address, any, sizeof(any)) == 0 ||
	       memcmp(ask->address, reply->address, sizeof(any)) == 0;
}

enum err dlt645_check_reply(const struct dlt645_frame *ask, const uint8_t *bytes, size_t n,
	struct dlt645_frame *out, struct bus_error *why)
{
	enum err e = dlt645_parse(bytes, n, out, why);
	char from[2 * DLT645_ADDRESS + 1];

	if (e != ERR_OK)
		return e;
	if (!(out->control & DLT645_REPLY))
		return bus_error_passed(why, KIND_FOREIGN, "a request instead of a reply");
	if (!is_from(ask, out)) {
		bcd_text(out->address, DLT645_ADDRESS, from);
		return bus_error_passed(why, KIND_FOREIGN, "reply of meter %s", from);
	}
	if ((out->control & 0x1F) != ask->control)
		return bus_error_passed(why, KIND_LATE,
			"reply to control code %02X instead of %02X", out->control & 0x1FU,
			ask->control);
	return out->control & DLT645_ERROR ? refused(ask, out, why) : check_data(ask, out, why);
}
