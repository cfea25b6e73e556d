#pragma once
/* Prepayment inside a simulated meter: it takes what is used off its own credit, trips by its own
 * rule, and takes a purchase only when it is the next one by count. Frames are understood by what
 * the maker's commissioning tool writes (Acrel, function 0x20, block 0x0200), not by model files.
 */
#include "base/clock.h"
#include "sim/mall.h"
#include "sim/mbap.h"

struct prepaid {
	bool on;	  /* prepaid control: trips at zero */
	bool adds;	  /* firmware: an amount is added; else it is the new remaining */
	bool power_fails; /* once: the next purchase is written by half, without its count */
	bool refuses;	  /* takes no settings */
	bool loses;	  /* once: acts on a setting, and the answer never arrives */
	int64_t count;	  /* purchases */
	int64_t nano;	  /* remaining, 1e-9 yuan; negative when overdrawn */
	uint32_t price_fen[RATE__MAX];	/* 0.01 yuan per kWh */
	int64_t taken_milli[RATE__MAX]; /* registers up to which use was taken off */
};
#define PREPAID_PRICE_FEN 65

enum {
	PREPAID_TOLD = 0x0400, /* what it tells of it, function 3 */
	PREPAID_TOLD_REGISTERS = 25,
};

/* Takes the growth of the rates' registers off the credit, each by its own price. */
void prepaid_use(struct prepaid *p, const int64_t register_milli[static RATE__MAX]);
/* Hundredths of a yuan, as the meter shows them: rounded down. */
int64_t prepaid_fen(const struct prepaid *p);
bool prepaid_tripped(const struct prepaid *p);
/* Function 0x20, block 0x0200: amount and count, mode, prices. */
enum modbus_exception prepaid_write(struct prepaid *p, const struct modbus_request *req);
bool prepaid_sells(const struct modbus_request *req); /* such a frame has an amount */
/* Function 3 inside 0x0400 x25; total is the whole register in Wh. */
void prepaid_read(const struct prepaid *p, int64_t total_milli, const struct modbus_request *req,
	uint16_t *values);
