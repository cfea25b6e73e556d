#include "sim/mbap.h"

#include <string.h>

static uint16_t get16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static void put16(uint8_t *p, uint16_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)(v & 0xff);
}

enum mbap_found mbap_parse(const uint8_t *bytes, size_t n, struct mbap_frame *out, size_t *used)
{
	size_t length;

	if (n >= 4 && get16(bytes + 2) != 0)
		return MBAP_BAD; /* another protocol */
	if (n < 6)
		return MBAP_MORE;
	length = get16(bytes + 4); /* unit and PDU */
	if (length < 2 || length > 1 + MBAP_PDU_MAX)
		return MBAP_BAD;
	if (n < 6 + length)
		return MBAP_MORE;
	*out = (struct mbap_frame){
		.transaction = get16(bytes), .unit = bytes[6], .pdu_n = length - 1
	};
	memcpy(out->pdu, bytes + MBAP_HEADER, out->pdu_n);
	*used = 6 + length;
	return MBAP_FRAME;
}

size_t mbap_build(const struct mbap_frame *frame, uint8_t out[static MBAP_FRAME_MAX])
{
	ASSERT(frame->pdu_n >= 1 && frame->pdu_n <= MBAP_PDU_MAX);
	put16(out, frame->transaction);
	put16(out + 2, 0);
	put16(out + 4, (uint16_t)(frame->pdu_n + 1));
	out[6] = frame->unit;
	memcpy(out + MBAP_HEADER, frame->pdu, frame->pdu_n);
	return MBAP_HEADER + frame->pdu_n;
}

static enum modbus_exception parse_span(uint16_t max, const struct modbus_request *req)
{
	if (req->count < 1 || req->count > max)
		return MODBUS_ILLEGAL_VALUE;
	if ((uint32_t)req->address + req->count > 0x10000)
		return MODBUS_ILLEGAL_ADDRESS;
	return MODBUS_OK;
}

static enum modbus_exception parse_read(const uint8_t *pdu, size_t n, struct modbus_request *req)
{
	if (n != 5)
		return MODBUS_ILLEGAL_VALUE;
	req->count = get16(pdu + 3);
	return parse_span(MBAP_READ_MAX, req);
}

static enum modbus_exception parse_write_one(
	const uint8_t *pdu, size_t n, struct modbus_request *req)
{
	if (n != 5)
		return MODBUS_ILLEGAL_VALUE;
	req->count = 1;
	req->values[0] = get16(pdu + 3);
	return MODBUS_OK;
}

static enum modbus_exception parse_write_many(
	const uint8_t *pdu, size_t n, struct modbus_request *req)
{
	enum modbus_exception bad;

	if (n < 6)
		return MODBUS_ILLEGAL_VALUE;
	req->count = get16(pdu + 3);
	bad = parse_span(MBAP_WRITE_MAX, req);
	if (bad)
		return bad;
	if (pdu[5] != 2 * req->count || n != 6 + (size_t)pdu[5])
		return MODBUS_ILLEGAL_VALUE;
	for (size_t i = 0; i < req->count; i++)
		req->values[i] = get16(pdu + 6 + 2 * i);
	return MODBUS_OK;
}

enum modbus_exception modbus_parse(const uint8_t *pdu, size_t n, struct modbus_request *out)
{
	struct modbus_request req = { 0 };
	enum modbus_exception bad;

	if (n < 1)
		return MODBUS_ILLEGAL_FUNCTION;
	req.function = pdu[0];
	if (req.function != 3 && req.function != 4 && !modbus_is_write(req.function))
		return MODBUS_ILLEGAL_FUNCTION;
	if (n < 5)
		return MODBUS_ILLEGAL_VALUE;
	req.address = get16(pdu + 1);
	if (req.function == 6)
		bad = parse_write_one(pdu, n, &req);
	else if (req.function == 16 || req.function == MODBUS_ACREL_WRITE)
		bad = parse_write_many(pdu, n, &req);
	else
		bad = parse_read(pdu, n, &req);
	if (bad)
		return bad;
	*out = req;
	return MODBUS_OK;
}

size_t modbus_reply_read(
	const struct modbus_request *req, const uint16_t *values, uint8_t pdu[static MBAP_PDU_MAX])
{
	pdu[0] = req->function;
	pdu[1] = (uint8_t)(2 * req->count);
	for (size_t i = 0; i < req->count; i++)
		put16(pdu + 2 + 2 * i, values[i]);
	return 2 + 2 * (size_t)req->count;
}

size_t modbus_reply_write(const struct modbus_request *req, uint8_t pdu[static MBAP_PDU_MAX])
{
	pdu[0] = req->function;
	put16(pdu + 1, req->address);
	put16(pdu + 3, req->function == 6 ? req->values[0] : req->count);
	if (req->function != MODBUS_ACREL_WRITE)
		return 5;
	memset(pdu + 5, 0, 7); /* 15 bytes on RTU; what is in them is not known */
	return 12;
}

size_t modbus_reply_exception(
	uint8_t function, enum modbus_exception code, uint8_t pdu[static MBAP_PDU_MAX])
{
	pdu[0] = function | 0x80;
	pdu[1] = (uint8_t)code;
	return 2;
}
