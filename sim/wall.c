#include "sim/wall.h"

enum { ACREL_CLOCK = 0x0354, ACREL_REGISTERS = 5, ADL_CLOCK = 0x003C, ADL_REGISTERS = 3 };

/* Years to seconds, each a byte. */
struct dial {
	int year, month, day, hour, minute, second;
};

static bool is_prepaid(const struct device *d)
{
	return !d->mall->water && d->mall->tenant;
}

static bool is_postpaid(const struct device *d)
{
	return !d->mall->water && !d->mall->tenant;
}

bool wall_is_write(const struct device *d, const struct modbus_request *req)
{
	return (is_prepaid(d) && req->function == MODBUS_ACREL_WRITE &&
		       req->address == ACREL_CLOCK) ||
	       (is_postpaid(d) && req->function == 16 && req->address == ADL_CLOCK);
}

static int byte_of(const struct modbus_request *req, unsigned i)
{
	return i % 2 ? req->values[i / 2] & 0xff : req->values[i / 2] >> 8;
}

static struct dial dial_of(const struct device *d, const struct modbus_request *req)
{
	if (is_prepaid(d))
		return (struct dial){ byte_of(req, 6), byte_of(req, 5), byte_of(req, 4),
			byte_of(req, 2), byte_of(req, 1), byte_of(req, 0) };
	return (struct dial){ byte_of(req, 0), byte_of(req, 1), byte_of(req, 2), byte_of(req, 3),
		byte_of(req, 4), byte_of(req, 5) };
}

static int64_t wall_true(const struct device *d)
{
	return (int64_t)d->now.day * 86400 + d->now.second;
}

enum modbus_exception wall_write(struct device *d, const struct modbus_request *req)
{
	struct dial c;
	int64_t days;
	int y, m, day;

	if (req->count != (is_prepaid(d) ? ACREL_REGISTERS : ADL_REGISTERS))
		return MODBUS_ILLEGAL_VALUE;
	c = dial_of(d, req);
	if (c.year > 99 || c.month < 1 || c.month > 12 || c.day < 1 || c.day > 31 || c.hour > 23 ||
		c.minute > 59 || c.second > 59)
		return MODBUS_ILLEGAL_VALUE;
	days = civil_days(2000 + c.year, c.month, c.day);
	civil_date(days, &y, &m, &day);
	if (m != c.month || (is_prepaid(d) && byte_of(req, 3) != (days + 4) % 7))
		return MODBUS_ILLEGAL_VALUE;
	d->clock_off_s = days * 86400 + c.hour * 3600 + c.minute * 60 + c.second - wall_true(d);
	return MODBUS_OK;
}

int64_t wall_told(const struct device *d)
{
	return wall_true(d) + d->clock_off_s;
}
