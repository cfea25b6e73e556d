#pragma once
/* Modbus TCP frames as a gateway sees them: seven bytes of header and a PDU. Pure; no sockets.
 * Source: Modbus Application Protocol V1.1b3, Modbus Messaging on TCP/IP V1.0b. */
#include "base/err.h"

enum {
	MBAP_HEADER = 7,
	MBAP_PDU_MAX = 253,
	MBAP_FRAME_MAX = MBAP_HEADER + MBAP_PDU_MAX,
	MBAP_READ_MAX = 125,
	MBAP_WRITE_MAX = 123,
};

enum modbus_exception {
	MODBUS_OK = 0,
	MODBUS_ILLEGAL_FUNCTION = 1,
	MODBUS_ILLEGAL_ADDRESS = 2,
	MODBUS_ILLEGAL_VALUE = 3,
	MODBUS_DEVICE_FAILURE = 4,
	MODBUS_BUSY = 6,
	MODBUS_GATEWAY_NO_ANSWER = 11,
};

struct mbap_frame {
	uint16_t transaction;
	uint8_t unit;
	uint8_t pdu[MBAP_PDU_MAX];
	size_t pdu_n; /* 1..MBAP_PDU_MAX; pdu[0] is the function code */
};

enum mbap_found {
	MBAP_MORE,  /* the bytes so far are the begin of a frame */
	MBAP_FRAME, /* a frame; *used bytes belong to it */
	MBAP_BAD,   /* no Modbus: the stream cannot be understood any more, hang up */
};

/* Takes the first frame off a stream. out and used are written only for MBAP_FRAME. */
enum mbap_found mbap_parse(const uint8_t *bytes, size_t n, struct mbap_frame *out, size_t *used);
/* Writes the frame; returns its length, at most MBAP_FRAME_MAX. */
size_t mbap_build(const struct mbap_frame *frame, uint8_t out[static MBAP_FRAME_MAX]);

/* What a request of a supported function asks for. */
struct modbus_request {
	uint8_t function; /* 3, 4, 6, 16 or 32 */
	uint16_t address;
	uint16_t count;			 /* registers read or written; address + count <= 65536 */
	uint16_t values[MBAP_WRITE_MAX]; /* functions 6, 16 and 32 */
};

#define MODBUS_ACREL_WRITE 0x20 /* laid out like function 16 */

static inline bool modbus_is_write(uint8_t function)
{
	return function == 6 || function == 16 || function == MODBUS_ACREL_WRITE;
}

/* The request in a PDU, or the exception with which a device must answer it. */
enum modbus_exception modbus_parse(const uint8_t *pdu, size_t n, struct modbus_request *out);

/* Reply PDUs; each returns its length. */
size_t modbus_reply_read(
	const struct modbus_request *req, const uint16_t *values, uint8_t pdu[static MBAP_PDU_MAX]);
size_t modbus_reply_write(const struct modbus_request *req, uint8_t pdu[static MBAP_PDU_MAX]);
size_t modbus_reply_exception(
	uint8_t function, enum modbus_exception code, uint8_t pdu[static MBAP_PDU_MAX]);
