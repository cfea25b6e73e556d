#include "meter/cjt188.h"

#include <string.h>

#include "meter/bcd.h"

#define HEAD 11	 /* 68, type, address, control, length */
#define TAIL 2	 /* sum, 16 */
#define PREFIX 3 /* identification, sequence */

size_t cjt188_build(const struct cjt188_frame *f, int leaders, uint8_t out[static CJT188_FRAME_MAX])
{
	uint8_t *frame = out + leaders;

	ASSERT(leaders >= 0 && leaders <= CJT188_LEADERS_MAX && f->n <= CJT188_DATA_MAX);
	memset(out, 0xFE, (size_t)leaders);
	frame[0] = 0x68;
	frame[1] = f->type;
	memcpy(frame + 2, f->address, CJT188_ADDRESS);
	frame[9] = f->control;
	frame[10] = f->n;
	memcpy(frame + HEAD, f->data, f->n);
	frame[HEAD + f->n] = byte_sum(frame, HEAD + (size_t)f->n);
	frame[HEAD + f->n + 1] = 0x16;
	return (size_t)leaders + HEAD + f->n + TAIL;
}

static size_t frame_at(const uint8_t *b, size_t n)
{
	size_t length;

	if (n < HEAD + TAIL || b[0] != 0x68 || b[10] > CJT188_DATA_MAX)
		return 0;
	length = HEAD + b[10] + (size_t)TAIL;
	return length <= n && b[length - 1] == 0x16 ? length : 0;
}

static bool sum_is_right(const uint8_t *b, size_t length)
{
	return byte_sum(b, length - TAIL) == b[length - TAIL];
}

size_t cjt188_find(const uint8_t *bytes, size_t n, size_t *at)
{
	return frame_find(bytes, n, at, frame_at, sum_is_right);
}

enum err cjt188_parse(
	const uint8_t *bytes, size_t n, struct cjt188_frame *out, struct bus_error *why)
{
	if (n < HEAD + TAIL || frame_at(bytes, n) != n)
		return bus_error_nonsense(why, KIND_NOISE, "not a frame of CJ/T 188");
	if (!sum_is_right(bytes, n))
		return bus_error_nonsense(why, KIND_CRC, "checksum error");
	out->type = bytes[1];
	memcpy(out->address, bytes + 2, CJT188_ADDRESS);
	out->control = bytes[9];
	out->n = bytes[10];
	memcpy(out->data, bytes + HEAD, out->n);
	return ERR_OK;
}

static bool is_from(const struct cjt188_frame *ask, const struct cjt188_frame *reply)
{
	static const uint8_t any[CJT188_ADDRESS] = { 0xAA, 0xAA, 0xAA, 0xAA, 0xAA, 0xAA, 0xAA };

	return memcmp(ask->address, any, sizeof(any)) == 0 ||
	       memcmp(ask->address, reply->address, sizeof(any)) == 0;
}

static bool is_good_code(const struct cjt188_expect *x, uint8_t control)
{
	for (size_t i = 0; i < CJT188_CODES_MAX && x->codes[i]; i++)
		if (x->codes[i] == control)
			return true;
	return false;
}

static bool is_item(const struct cjt188_expect *x, const uint8_t *data)
{
	for (size_t i = 0; i < x->item_count; i++)
		if (memcmp(x->items[i], data, 2) == 0)
			return true;
	return false;
}

static enum err check_data(const struct cjt188_frame *ask, const struct cjt188_expect *x,
	const struct cjt188_frame *reply, struct bus_error *why)
{
	if (reply->n < PREFIX)
		return bus_error_length(why, reply->n, PREFIX);
	if (!is_item(x, reply->data))
		return bus_error_passed(why, KIND_LATE,
			"reply for item %02X%02X instead of %02X%02X", reply->data[0],
			reply->data[1], ask->data[0], ask->data[1]);
	if (x->sequence && reply->data[2] != ask->data[2])
		return bus_error_passed(why, KIND_LATE, "reply with sequence %u instead of %u",
			reply->data[2], ask->data[2]);
	return ERR_OK;
}

enum err cjt188_check_reply(const struct cjt188_frame *ask, const struct cjt188_expect *expect,
	const uint8_t *bytes, size_t n, struct cjt188_frame *out, struct bus_error *why)
{
	enum err e = cjt188_parse(bytes, n, out, why);
	char from[2 * CJT188_ADDRESS + 1];

	if (e != ERR_OK)
		return e;
	if (!(out->control & CJT188_REPLY))
		return bus_error_passed(why, KIND_FOREIGN, "a request instead of a reply");
	if (!is_from(ask, out)) {
		bcd_text(out->address, CJT188_ADDRESS, from);
		return bus_error_passed(why, KIND_FOREIGN, "reply of meter %s", from);
	}
	if (is_good_code(expect, out->control))
		return check_data(ask, expect, out, why);
	if (out->control == (CJT188_REPLY | CJT188_ERROR | ask->control))
		return bus_error_set(why, ERR_REFUSED, BUS_EXCEPTION,
			"error reply %02X to control code %02X", out->control, ask->control);
	return bus_error_passed(why, KIND_LATE, "reply with control code %02X instead of %02X",
		out->control, expect->codes[0]);
}
