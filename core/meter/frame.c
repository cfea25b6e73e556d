#include "meter/frame.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define MBAP 6 /* transaction, protocol, length; the unit is the first byte of what follows */
#define CRC 2
#define ACREL_REPLY 13 /* without its CRC */

enum err bus_error_set(
	struct bus_error *why, enum err e, enum bus_fault fault, const char *fmt, ...)
{
	static const enum bus_kind kinds[] = { KIND_FINE, KIND_UNREACHABLE, KIND_LOST, KIND_SILENT,
		KIND_EXCEPTION, KIND_LYING };
	_Static_assert(ARRAY_LEN(kinds) == BUS_FAULT__MAX, "a kind for each");
	va_list args;

	if (!why)
		return e;
	why->fault = fault;
	why->kind = kinds[fault];
	va_start(args, fmt);
	vsnprintf(why->text, sizeof(why->text), fmt, args);
	va_end(args);
	return e;
}

uint16_t frame_crc(const uint8_t *bytes, size_t n)
{
	uint16_t crc = 0xFFFF;

	for (size_t i = 0; i < n; i++) {
		crc ^= bytes[i];
		for (int bit = 0; bit < 8; bit++)
			crc = (uint16_t)(crc & 1 ? (crc >> 1) ^ 0xA001 : crc >> 1);
	}
	return crc;
}

static uint16_t get16(const uint8_t *p)
{
	return (uint16_t)((p[0] << 8) | p[1]);
}

static uint8_t *put16(uint8_t *p, uint16_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
	return p + 2;
}

static bool is_read(const struct bus_request *q)
{
	return !q->vendor && q->function >= 1 && q->function <= 4;
}

/* Coils and inputs: eight a byte. */
static bool is_bits(const struct bus_request *q)
{
	return q->function == 1 || q->function == 2 || q->function == 15;
}

static unsigned data_bytes(const struct bus_request *q)
{
	return is_bits(q) ? (q->count + 7U) / 8 : 2U * q->count;
}

bool frame_is_vendor(const struct bus_request *q)
{
	return q->vendor || q->function == FRAME_ACREL_WRITE;
}

static bool writes_many(const struct bus_request *q)
{
	return q->function == 15 || q->function == 16 || q->function == FRAME_ACREL_WRITE;
}

static bool is_known(const struct bus_request *q)
{
	if (q->unit == 0)
		return false;
	if (q->vendor)
		return q->vendor->n >= 1 && q->vendor->n <= FRAME_VENDOR_MAX &&
		       q->vendor->bytes[0] >= 1 && q->vendor->bytes[0] < 0x80;
	if ((unsigned)q->address + q->count > 0x10000)
		return false;
	if (is_read(q))
		return q->count >= 1 && q->count <= MODBUS_READ_MAX;
	if (!q->values)
		return false;
	return ((q->function == 5 || q->function == 6) && q->count == 1) ||
	       (writes_many(q) && q->count >= 1 && q->count <= MODBUS_WRITE_MAX);
}

/* The one value of functions 5 and 6 as sent. */
static uint16_t single_value(const struct bus_request *q)
{
	return q->function == 6 ? q->values[0] : q->values[0] ? 0xFF00 : 0;
}

static uint8_t *put_bits(const struct bus_request *q, uint8_t *p)
{
	memset(p, 0, data_bytes(q));
	for (unsigned i = 0; i < q->count; i++)
		if (q->values[i])
			p[i / 8] |= (uint8_t)(1U << i % 8);
	return p + data_bytes(q);
}

/* Unit, function and data: what is the same on every transport. */
static uint8_t *put_body(const struct bus_request *q, uint8_t *p)
{
	*p++ = q->unit;
	if (q->vendor) {
		memcpy(p, q->vendor->bytes, q->vendor->n);
		return p + q->vendor->n;
	}
	*p++ = q->function;
	p = put16(p, q->address);
	if (q->function == 5 || q->function == 6)
		return put16(p, single_value(q));
	p = put16(p, q->count);
	if (is_read(q))
		return p;
	*p++ = (uint8_t)data_bytes(q);
	if (is_bits(q))
		return put_bits(q, p);
	for (unsigned i = 0; i < q->count; i++)
		p = put16(p, q->values[i]);
	return p;
}

size_t frame_build(enum framing f, const struct bus_request *q, uint16_t transaction,
	uint8_t out[static FRAME_MAX])
{
	uint8_t *body = f == FRAMING_TCP ? out + MBAP : out;
	uint8_t *end;

	if (!is_known(q))
		return 0;
	end = put_body(q, body);
	if (f == FRAMING_TCP) {
		put16(out, transaction);
		put16(out + 2, 0);
		put16(out + 4, (uint16_t)(end - body));
	} else {
		uint16_t crc = frame_crc(body, (size_t)(end - body));

		*end++ = (uint8_t)crc;
		*end++ = (uint8_t)(crc >> 8);
	}
	return (size_t)(end - out);
}

/* Length of unit, function and data of a reply, from its first bytes. */
static size_t body_need(const uint8_t *body, size_t n)
{
	if (n < 2)
		return 3;
	if (body[1] & 0x80)
		return 3;
	if (body[1] >= 1 && body[1] <= 4)
		return n < 3 ? 3 : 3U + body[2];
	if (body[1] == 5 || body[1] == 6 || body[1] == 15 || body[1] == 16)
		return 6;
	return body[1] == FRAME_ACREL_WRITE ? ACREL_REPLY : 3;
}

size_t frame_need(enum framing f, const uint8_t *bytes, size_t n)
{
	if (f == FRAMING_RTU)
		return body_need(bytes, n) + CRC;
	return n < MBAP + 2 ? MBAP + 3 : MBAP + body_need(bytes + MBAP, n - MBAP);
}

size_t frame_need_for(enum framing f, const struct bus_request *q, const uint8_t *bytes, size_t n)
{
	size_t head = f == FRAMING_RTU ? 0 : MBAP;
	size_t whole;

	if (!q->vendor || n < head + 2 || (bytes[head + 1] & 0x80))
		return frame_need(f, bytes, n);
	whole = head + 1 + q->vendor->reply_n + (f == FRAMING_RTU ? CRC : 0);
	return whole > n ? whole : n;
}

enum err bus_error_nonsense(struct bus_error *why, enum bus_kind kind, const char *text)
{
	bus_error_set(why, ERR_PROTOCOL, BUS_NONSENSE, "%s", text);
	if (why)
		why->kind = kind;
	return ERR_PROTOCOL;
}

enum err bus_error_length(struct bus_error *why, unsigned got, unsigned expected)
{
	char text[80];

	snprintf(text, sizeof(text), "reply with %u bytes of data instead of %u", got, expected);
	return bus_error_nonsense(why, got < expected ? KIND_SHORT : KIND_LONG, text);
}

enum err bus_error_passed(struct bus_error *why, enum bus_kind kind, const char *fmt, ...)
{
	va_list args;

	if (!why)
		return ERR_RETRY;
	why->fault = BUS_NONSENSE;
	why->kind = kind;
	va_start(args, fmt);
	vsnprintf(why->text, sizeof(why->text), fmt, args);
	va_end(args);
	return ERR_RETRY;
}

static enum err nonsense(struct bus_error *why, enum bus_kind kind, const char *what, unsigned got,
	unsigned expected)
{
	char text[80];

	snprintf(text, sizeof(text), "reply with %s %u instead of %u", what, got, expected);
	return bus_error_nonsense(why, kind, text);
}

static enum err wrong_length(
	struct bus_error *why, const char *what, unsigned got, unsigned expected)
{
	return nonsense(why, got < expected ? KIND_SHORT : KIND_LONG, what, got, expected);
}

static const char *exception_name(unsigned code)
{
	static const char *const names[] = { [1] = "illegal function",
		[2] = "illegal address",
		[3] = "illegal value",
		[4] = "device failure",
		[5] = "acknowledge",
		[6] = "busy",
		[8] = "memory parity",
		[10] = "gateway path unavailable",
		[11] = "meter does not answer its gateway" };

	return code < ARRAY_LEN(names) && names[code] ? names[code] : "unknown";
}

static enum err check_exception(
	const struct bus_request *q, const uint8_t *body, size_t n, struct bus_error *why)
{
	if (n != 3)
		return wrong_length(why, "length", (unsigned)n, 3);
	if (why) {
		why->exception = body[2];
		why->address = q->address;
	}
	if (q->vendor)
		return bus_error_set(why, ERR_REFUSED, BUS_EXCEPTION,
			"exception %u to function 0x%02X (%s)", body[2], q->vendor->bytes[0],
			exception_name(body[2]));
	return bus_error_set(why, ERR_REFUSED, BUS_EXCEPTION,
		"exception %u at register 0x%04X (%s)", body[2], q->address,
		exception_name(body[2]));
}

static enum err check_echo(
	const struct bus_request *q, const uint8_t *body, size_t n, struct bus_error *why)
{
	bool single = q->function == 5 || q->function == 6;
	unsigned last = single ? single_value(q) : q->count;

	if (n != 6)
		return wrong_length(why, "length", (unsigned)n, 6);
	if (get16(body + 2) != q->address)
		return nonsense(why, KIND_FOREIGN, "register", get16(body + 2), q->address);
	if (get16(body + 4) != last)
		return nonsense(
			why, KIND_FOREIGN, single ? "value" : "count", get16(body + 4), last);
	return ERR_OK;
}

/* Whether the meter took it is seen by reading back only. */
static enum err check_taken(size_t n, struct bus_error *why)
{
	return n == ACREL_REPLY ? ERR_OK : wrong_length(why, "length", (unsigned)n, ACREL_REPLY);
}

static enum err check_vendor(
	const struct bus_request *q, const uint8_t *body, size_t n, struct bus_error *why)
{
	const struct bus_vendor *v = q->vendor;

	if (n != 1 + v->reply_n)
		return wrong_length(why, "length", (unsigned)n, (unsigned)(1 + v->reply_n));
	for (size_t i = 0; i < v->reply_n; i++)
		if ((body[1 + i] ^ v->reply[i]) & v->fixed[i])
			return bus_error_set(why, ERR_PROTOCOL, BUS_NONSENSE,
				"reply with 0x%02X instead of 0x%02X in byte %u", body[1 + i],
				v->reply[i], (unsigned)i);
	return ERR_OK;
}

static uint16_t bit_of(const uint8_t *bytes, unsigned i)
{
	return (uint16_t)((bytes[i / 8] >> (i % 8)) & 1);
}

static enum err check_registers(const struct bus_request *q, const uint8_t *body, size_t n,
	uint16_t *regs, struct bus_error *why)
{
	unsigned bytes = data_bytes(q);

	if (n < 3 || body[2] != bytes)
		return wrong_length(why, "byte count", n < 3 ? 0 : body[2], bytes);
	if (n != 3 + bytes)
		return wrong_length(why, "length", (unsigned)n, 3 + bytes);
	for (unsigned i = 0; regs && i < q->count; i++)
		regs[i] = is_bits(q) ? bit_of(body + 3, i) : get16(body + 3 + 2U * i);
	return ERR_OK;
}

static enum err check_body(const struct bus_request *q, const uint8_t *body, size_t n,
	uint16_t *regs, struct bus_error *why)
{
	if (n < 3)
		return wrong_length(why, "length", (unsigned)n, 3);
	unsigned function = q->vendor ? q->vendor->bytes[0] : q->function;

	if ((body[1] & 0x7f) != function)
		return nonsense(why, KIND_FOREIGN, "function", body[1] & 0x7fU, function);
	if (body[1] & 0x80)
		return check_exception(q, body, n, why);
	if (q->vendor)
		return check_vendor(q, body, n, why);
	if (q->function == FRAME_ACREL_WRITE)
		return check_taken(n, why);
	return is_read(q) ? check_registers(q, body, n, regs, why) : check_echo(q, body, n, why);
}

static enum err check_tcp(const struct bus_request *q, uint16_t transaction, const uint8_t *reply,
	size_t n, uint16_t *regs, struct bus_error *why)
{
	if (n < MBAP + 2)
		return wrong_length(why, "length", (unsigned)n, MBAP + 2);
	if (get16(reply + 2) != 0)
		return nonsense(why, KIND_NOISE, "protocol", get16(reply + 2), 0);
	if (get16(reply + 4) != n - MBAP)
		return nonsense(
			why, KIND_NOISE, "header length", get16(reply + 4), (unsigned)n - MBAP);
	if (get16(reply) != transaction) {
		nonsense(why, KIND_LATE, "transaction", get16(reply), transaction);
		return ERR_RETRY;
	}
	if (reply[MBAP] != q->unit)
		return nonsense(why, KIND_FOREIGN, "unit", reply[MBAP], q->unit);
	return check_body(q, reply + MBAP, n - MBAP, regs, why);
}

static enum err check_rtu(const struct bus_request *q, const uint8_t *reply, size_t n,
	uint16_t *regs, struct bus_error *why)
{
	uint16_t crc;

	if (n < 3 + CRC)
		return wrong_length(why, "length", (unsigned)n, 3 + CRC);
	crc = frame_crc(reply, n - CRC);
	if (reply[n - 2] != (uint8_t)crc || reply[n - 1] != crc >> 8)
		return bus_error_nonsense(why, KIND_CRC, "CRC error");
	if (reply[0] != q->unit) {
		nonsense(why, KIND_FOREIGN, "unit", reply[0], q->unit);
		return ERR_RETRY;
	}
	return check_body(q, reply, n - CRC, regs, why);
}

enum err frame_check_reply(enum framing f, const struct bus_request *request, uint16_t transaction,
	const uint8_t *reply, size_t n, uint16_t *regs, struct bus_error *why)
{
	return f == FRAMING_TCP ? check_tcp(request, transaction, reply, n, regs, why)
				: check_rtu(request, reply, n, regs, why);
}
