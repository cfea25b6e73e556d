#pragma once
/* Prepayment inside a simulated meter: it takes what is used off its own credit, trips by its own
 * rule, and takes a purchase only when it is the next one by count. Frames are understood by what
 * the maker's commissioning tool writes (Acrel, function 0x20, block 0x0200), not by model files.
 */
#include "base/clock.h"
#include "sim/mbap.h"

struct prepaid {
	bool on;	     /* prepaid control: trips at zero */
	bool adds;	     /* firmware: an amount is added; else it is the new remaining */
	bool power_fails;    /* once: the next purchase is written by half, without its count */
	int64_t count;	     /* purchases */
	int64_t nano;	     /* remaining, 1e-9 yuan; negative when overdrawn */
	int64_t price_micro; /* yuan per kWh */
	int64_t taken_milli; /* register up to which use was taken off */
};
#define PREPAID_PRICE_MICRO 650000

/* Takes the growth of the register off the credit. */
void prepaid_use(struct prepaid *p, int64_t register_milli);
/* Hundredths of a yuan, as the meter shows them: rounded down. */
int64_t prepaid_fen(const struct prepaid *p);
bool prepaid_tripped(const struct prepaid *p);
/* Function 0x20, block 0x0200: amount, count, mode. */
enum modbus_exception prepaid_write(struct prepaid *p, const struct modbus_request *req);
