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
	PRICES_FLAG = 29,
	PRICES = 30,
};

void prepaid_use(struct prepaid *p, const int64_t register_milli[static RATE__MAX])
{
	for (size_t i = 0; i < RATE__MAX; i++) {
		int64_t used = register_milli[i] - p->taken_milli[i];

		/* Wh by hundredths of a yuan per kWh: 1e-5 yuan */
		if (used > 0 && p->on)
			p->nano -= used * p->price_fen[i] * 10000;
		p->taken_milli[i] = register_milli[i];
	}
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

static enum modbus_exception take_settings(struct prepaid *p, const struct modbus_request *req)
{
	bool mode = byte_of(req, MODE_FLAG) == 1, prices = byte_of(req, PRICES_FLAG) == 1;

	if (p->refuses && (prices || (mode && !byte_of(req, AMOUNT_FLAG))))
		return MODBUS_DEVICE_FAILURE;
	if (mode)
		p->on = byte_of(req, MODE) == 1;
	for (unsigned i = 0; i < RATE__MAX && prices; i++)
		p->price_fen[i] = number_of(req, PRICES + 4 * i, 4);
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
	return bad ? bad : take_settings(p, req);
}

bool prepaid_sells(const struct modbus_request *req)
{
	return byte_of(req, AMOUNT_FLAG) == 1;
}

static void put32(uint16_t *at, int64_t v)
{
	at[0] = (uint16_t)((uint32_t)v >> 16);
	at[1] = (uint16_t)v;
}

void prepaid_read(const struct prepaid *p, int64_t total_milli, const struct modbus_request *req,
	uint16_t *values)
{
	uint16_t all[PREPAID_TOLD_REGISTERS] = { p->on, (uint16_t)p->count };

	for (unsigned i = 0; i < RATE__MAX; i++)
		put32(&all[2 + 2 * i], p->price_fen[i]);
	put32(&all[18], total_milli / 10);
	put32(&all[20], prepaid_fen(p));
	for (unsigned i = 0; i < req->count; i++)
		values[i] = all[req->address - PREPAID_TOLD + i];
}
