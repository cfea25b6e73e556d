#include "sim/prepaid.h"

#define NANO_PER_FEN INT64_C(10000000)

enum {
	BLOCK = 0x0200,
	BLOCK_REGISTERS = 30,
	MODE_FLAG = 0,
	MODE = 1,
	AMOUNT_FLAG = 2,
	AMOUNT = 3,
	COUNT_FLAG = 7,
	COUNT = 8,
};

void prepaid_use(struct prepaid *p, int64_t register_milli)
{
	if (register_milli > p->taken_milli && p->on)
		p->nano -= (register_milli - p->taken_milli) * p->price_micro;
	p->taken_milli = register_milli;
}

int64_t prepaid_fen(const struct prepaid *p)
{
	int64_t fen = p->nano / NANO_PER_FEN;

	return p->nano < 0 && fen * NANO_PER_FEN != p->nano ? fen - 1 : fen;
}

bool prepaid_tripped(const struct prepaid *p)
{
	return p->on && p->nano <= 0;
}

static uint8_t byte_of(const struct modbus_request *req, unsigned i)
{
	return (uint8_t)(i % 2 ? req->values[i / 2] & 0xff : req->values[i / 2] >> 8);
}

static uint32_t number_of(const struct modbus_request *req, unsigned at, unsigned bytes)
{
	uint32_t v = 0;

	for (unsigned i = 0; i < bytes; i++)
		v = v << 8 | byte_of(req, at + i);
	return v;
}

/* Amount and count only together, and only the next count: else a frame that comes twice would
 * count twice. */
static enum modbus_exception take_purchase(struct prepaid *p, const struct modbus_request *req)
{
	int64_t nano = number_of(req, AMOUNT, 4) * NANO_PER_FEN;

	if (byte_of(req, AMOUNT_FLAG) != 1 || byte_of(req, COUNT_FLAG) != 1 ||
		number_of(req, COUNT, 2) != (uint32_t)(p->count + 1))
		return MODBUS_ILLEGAL_VALUE;
	p->nano = p->adds ? p->nano + nano : nano;
	if (!p->power_fails)
		p->count++;
	p->power_fails = false;
	return MODBUS_OK;
}

enum modbus_exception prepaid_write(struct prepaid *p, const struct modbus_request *req)
{
	enum modbus_exception bad = MODBUS_OK;

	if (req->address != BLOCK)
		return MODBUS_ILLEGAL_ADDRESS;
	if (req->count != BLOCK_REGISTERS || byte_of(req, MODE) > 1)
		return MODBUS_ILLEGAL_VALUE;
	if (byte_of(req, AMOUNT_FLAG) || byte_of(req, COUNT_FLAG))
		bad = take_purchase(p, req);
	if (!bad && byte_of(req, MODE_FLAG) == 1)
		p->on = byte_of(req, MODE) == 1;
	return bad;
}
