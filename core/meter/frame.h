#pragma once
/* Modbus requests as bytes, and the check of what comes back. Pure. Modbus Application Protocol
 * V1.1b3 and Modbus over Serial Line V1.02; Modbus TCP puts a 7-byte header in front. */
#include "meter/bus.h"

#define FRAME_MAX 260

enum framing { FRAMING_TCP, FRAMING_RTU };

/* Acrel's function for several settings in one write: laid out like function 16, with a byte in
 * front of each setting that says whether it counts. The reply has 15 bytes on RTU, of which
 * nothing is known but that it came. Recovered from the maker's commissioning tool (public code).
 */
#define FRAME_ACREL_WRITE 0x20

/* CRC of Modbus RTU (polynomial 0xA001 reflected); its low byte is sent first. */
uint16_t frame_crc(const uint8_t *bytes, size_t n);

#define FRAME_VENDOR_MAX 253 /* function and data of a vendor's frame */

/* Is its reply one that only we know the length of? */
bool frame_is_vendor(const struct bus_request *request);

/* The request as sent; its length, or 0 for one that is not for Modbus (function other than 1 to 6,
 * 15, 16, 32, or a vendor's frame; too many registers; unit 0). The transaction counts on TCP only.
 */
size_t frame_build(enum framing f, const struct bus_request *request, uint16_t transaction,
	uint8_t out[static FRAME_MAX]);

/* How long the frame that begins with these n bytes will be, as far as they tell; more than n while
 * bytes are missing. */
size_t frame_need(enum framing f, const uint8_t *bytes, size_t n);
/* The same for the reply to a request, which may be a vendor's. */
size_t frame_need_for(
	enum framing f, const struct bus_request *request, const uint8_t *bytes, size_t n);

/* Checks every byte of a reply against its request, and takes out the registers (may be NULL for a
 * write; written only when all is well). ERR_RETRY: the reply belongs to another request (a late
 * one), wait on. ERR_REFUSED: exception. ERR_PROTOCOL: nonsense. */
MUST_USE enum err frame_check_reply(enum framing f, const struct bus_request *request,
	uint16_t transaction, const uint8_t *reply, size_t n, uint16_t *regs,
	struct bus_error *why);

/* Fills the error (may be NULL) and returns e. */
enum err bus_error_set(struct bus_error *why, enum err e, enum bus_fault fault, const char *fmt,
	...) PRINTF_LIKE(4, 5);
/* The same for a reply that is none: ERR_PROTOCOL, BUS_NONSENSE, of this kind. */
enum err bus_error_nonsense(struct bus_error *why, enum bus_kind kind, const char *text);
/* The same for one with less or more bytes of data than it has to have. */
enum err bus_error_length(struct bus_error *why, unsigned got, unsigned expected);
/* A reply that belongs to another request: ERR_RETRY. */
enum err bus_error_passed(struct bus_error *why, enum bus_kind kind, const char *fmt, ...)
	PRINTF_LIKE(3, 4);
