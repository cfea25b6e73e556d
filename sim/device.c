#include "sim/device.h"

#include <string.h>

#include "base/str.h"
#include "sim/wall.h"

enum {
	NOMINAL_MV = 230000,
	ACREL_FORCED = 0x0057, /* 1: control is forced, 0: released */
	ACREL_FORCED_OPEN,     /* 0: forced closed, 1: forced open */
	XINTAI_VALVE = 0x001C, /* write 1: open, 2: close */
};

/* How a new register is spread over the rates. */
static const int rate_percent[RATE__MAX] = { 9, 34, 36, 21 };

void device_init(struct device *d, const struct mall_meter *mall, const struct model *model,
	uint32_t seed, int speed)
{
	*d = (struct device){ .mall = mall, .model = model, .seed = seed, .speed = speed };
	d->closed = true;
	d->load = -1;
	for (size_t i = 0; i < RATE__MAX; i++)
		d->prepaid.price_fen[i] = PREPAID_PRICE_FEN;
	tables_init(&d->tables);
	device_set_register(d, mall->start_milli);
	device_raise_ceiling(d, 0);
}

static uint32_t device_id(const struct device *d)
{
	return (uint32_t)d->mall->bus << 8 | d->mall->unit;
}

static bool has_relay(const struct device *d)
{
	return !d->mall->water && d->mall->tenant;
}

static int noise(const struct device *d, uint32_t what, int amplitude)
{
	uint64_t minute = (uint64_t)d->now.wall.ms / 60000;

	return load_noise(d->seed ^ what, device_id(d), minute, amplitude);
}

enum supply device_supply(const struct device *d)
{
	if (!d->mall->water)
		return d->closed ? SUPPLY_ON : SUPPLY_OFF;
	switch (d->valve) {
	case VALVE_OPEN:
		return SUPPLY_ON;
	case VALVE_CLOSED:
		return SUPPLY_OFF;
	default:
		return SUPPLY_MOVING;
	}
}

/* Water runs until a closing valve has arrived, and not before an opening one has. */
static bool flows(const struct device *d)
{
	if (!d->mall->water)
		return d->closed;
	return d->valve == VALVE_OPEN || d->valve == VALVE_CLOSING;
}

static int64_t draw_now(const struct device *d)
{
	const struct mall_meter *m = d->mall;

	if (!flows(d))
		return 0;
	if (d->load >= 0)
		return d->load;
	return m->peak * load_permille(m->kind, d->seed, device_id(d), d->now.day, d->now.second) /
	       1000;
}

static enum mall_rate rate_now(const struct device *d)
{
	if (d->mall->water)
		return RATE_SHARP;
	return has_relay(d) ? tables_rate_at(&d->tables, d->now.day, d->now.second)
			    : mall_rate_at(d->now.second);
}

static void count_until(struct device *d, int64_t mono_ms)
{
	if (d->mono_ms && mono_ms > d->mono_ms)
		d->count[rate_now(d)] += d->draw * (mono_ms - d->mono_ms) * d->speed;
	d->mono_ms = mono_ms;
}

static void valve_arrive(struct device *d, const struct moment *now)
{
	if (d->valve != VALVE_OPENING && d->valve != VALVE_CLOSING)
		return;
	if (now->mono_ms < d->valve_until_ms)
		return;
	count_until(d, d->valve_until_ms > d->mono_ms ? d->valve_until_ms : d->mono_ms);
	d->valve = d->valve == VALVE_OPENING ? VALVE_OPEN : VALVE_CLOSED;
	d->draw = draw_now(d);
}

/* Its own relay: opens when the credit is used up, closes when there is some again. */
void device_prepaid(struct device *d)
{
	if (!has_relay(d) || !d->prepaid.on || d->forced)
		return;
	d->closed = !prepaid_tripped(&d->prepaid);
	d->draw = draw_now(d);
}

static void rates_milli(const struct device *d, int64_t out[static RATE__MAX])
{
	for (size_t i = 0; i < RATE__MAX; i++)
		out[i] = d->count[i] / COUNT_PER_MILLI;
}

void device_forget_use(struct device *d)
{
	rates_milli(d, d->prepaid.taken_milli);
}

void device_advance(struct device *d, const struct moment *now)
{
	int64_t milli[RATE__MAX];

	valve_arrive(d, now);
	count_until(d, now->mono_ms);
	d->now = *now;
	d->draw = draw_now(d);
	rates_milli(d, milli);
	prepaid_use(&d->prepaid, milli);
	device_prepaid(d);
}

static int64_t sum(const int64_t count[static RATE__MAX])
{
	int64_t n = 0;

	for (size_t i = 0; i < RATE__MAX; i++)
		n += count[i];
	return n;
}

static void counts_answered(const struct device *d, int64_t out[static RATE__MAX])
{
	for (size_t i = 0; i < RATE__MAX; i++)
		out[i] = d->count[i] < d->ceiling[i] ? d->count[i] : d->ceiling[i];
}

int64_t device_register(const struct device *d)
{
	return sum(d->count) / COUNT_PER_MILLI;
}

int64_t device_register_answered(const struct device *d)
{
	int64_t count[RATE__MAX];

	counts_answered(d, count);
	return sum(count) / COUNT_PER_MILLI;
}

void device_set_register(struct device *d, int64_t milli)
{
	int64_t rest = milli;

	memset(d->count, 0, sizeof d->count);
	for (size_t i = 0; i < RATE__MAX && !d->mall->water; i++) {
		int64_t part = milli / 100 * rate_percent[i];

		d->count[i] = part * COUNT_PER_MILLI;
		rest -= part;
	}
	d->count[d->mall->water ? RATE_SHARP : RATE_FLAT] += rest * COUNT_PER_MILLI;
	device_forget_use(d);
	device_raise_ceiling(d, 0);
}

void device_set_closed(struct device *d, bool closed)
{
	d->closed = closed;
	d->valve = closed ? VALVE_OPEN : VALVE_CLOSED;
	d->draw = draw_now(d);
}

void device_raise_ceiling(struct device *d, int64_t ahead_ms)
{
	memcpy(d->ceiling, d->count, sizeof d->ceiling);
	d->ceiling[rate_now(d)] += d->draw * ahead_ms * d->speed;
}

static void valve_start(struct device *d, bool open)
{
	enum valve there = open ? VALVE_OPEN : VALVE_CLOSED;
	enum valve going = open ? VALVE_OPENING : VALVE_CLOSING;

	if (d->valve == there || d->valve == going)
		return;
	d->valve = going;
	d->valve_until_ms = d->now.mono_ms + VALVE_MOVES_MS;
	d->draw = draw_now(d);
}

static void relay_force(struct device *d, bool forced, bool open)
{
	d->forced = forced;
	d->closed = !(forced && open);
	d->draw = draw_now(d);
	device_prepaid(d);
}

static bool three_phase(const struct device *d)
{
	return str_eq(d->mall->model, "acrel-dtsy1352");
}

static enum modbus_exception write_relay(struct device *d, const struct modbus_request *req)
{
	if (req->function == MODBUS_ACREL_WRITE) {
		enum modbus_exception bad = prepaid_write(&d->prepaid, req);

		device_prepaid(d);
		return bad;
	}
	if (req->function != 16)
		return MODBUS_ILLEGAL_FUNCTION;
	if (tables_have(three_phase(d), req))
		return d->prepaid.refuses ? MODBUS_DEVICE_FAILURE
					  : tables_write(&d->tables, three_phase(d), req);
	if (req->address != ACREL_FORCED || req->count != 2)
		return MODBUS_ILLEGAL_ADDRESS;
	if (req->values[0] > 1 || req->values[1] > 1)
		return MODBUS_ILLEGAL_VALUE;
	relay_force(d, req->values[0] == 1, req->values[1] == 1);
	return MODBUS_OK;
}

static enum modbus_exception write_valve(struct device *d, const struct modbus_request *req)
{
	if (req->function != 6)
		return MODBUS_ILLEGAL_FUNCTION;
	if (req->address != XINTAI_VALVE)
		return MODBUS_ILLEGAL_ADDRESS;
	if (req->values[0] != 1 && req->values[0] != 2)
		return MODBUS_ILLEGAL_VALUE;
	valve_start(d, req->values[0] == 1);
	return MODBUS_OK;
}

static enum modbus_exception device_write(struct device *d, const struct modbus_request *req)
{
	enum modbus_exception bad = MODBUS_ILLEGAL_ADDRESS;

	if (wall_is_write(d, req))
		bad = wall_write(d, req);
	else if (d->mall->water)
		bad = write_valve(d, req);
	else if (has_relay(d))
		bad = write_relay(d, req);
	if (!bad)
		d->written_at = d->now.wall;
	return bad;
}

static enum modbus_exception device_read(const struct device *d, const struct modbus_request *req,
	int64_t offset_milli, uint16_t *values)
{
	struct meter_reading state;

	if (has_relay(d) && req->function == 3) {
		if (tables_have(three_phase(d), req)) {
			tables_read(&d->tables, three_phase(d), req, values);
			return MODBUS_OK;
		}
		if (req->address >= PREPAID_TOLD &&
			req->address + req->count <= PREPAID_TOLD + PREPAID_TOLD_REGISTERS) {
			prepaid_read(&d->prepaid, device_register_answered(d), req, values);
			return MODBUS_OK;
		}
	}
	device_reading(d, offset_milli, &state);
	switch (model_encode(d->model, &state, req->function, req->address, req->count, values)) {
	case ERR_OK:
		return MODBUS_OK;
	case ERR_NOT_FOUND:
		return req->function == 4 ? MODBUS_ILLEGAL_FUNCTION : MODBUS_ILLEGAL_ADDRESS;
	case ERR_BAD_VALUE:
		return MODBUS_ILLEGAL_VALUE;
	default:
		return MODBUS_DEVICE_FAILURE;
	}
}

/* Tables, or a frame that sells nothing. */
static bool is_setting(const struct device *d, const struct modbus_request *req)
{
	return tables_have(three_phase(d), req) ||
	       (req->function == MODBUS_ACREL_WRITE && !prepaid_sells(req));
}

enum modbus_exception device_answer(struct device *d, const struct modbus_request *req,
	int64_t offset_milli, uint16_t *values, bool *switched)
{
	enum modbus_exception bad;

	*switched = false;
	if (!modbus_is_write(req->function))
		return device_read(d, req, offset_milli, values);
	bad = device_write(d, req);
	*switched = bad == MODBUS_OK;
	if (*switched && d->prepaid.loses && is_setting(d, req)) {
		d->prepaid.loses = false;
		return MODBUS_GATEWAY_NO_ANSWER;
	}
	return bad;
}

/* The offset goes to one rate, so that rates and total still agree. */
static void offset_apply(int64_t count[static RATE__MAX], int64_t offset_milli)
{
	size_t rate = RATE_FLAT;

	for (size_t i = 0; i < RATE__MAX; i++) {
		if (count[i] > count[rate])
			rate = i;
	}
	count[rate] += offset_milli * COUNT_PER_MILLI;
	if (count[rate] < 0)
		count[rate] = 0;
}

static void reading_energy(const int64_t count[static RATE__MAX], struct meter_reading *r)
{
	int64_t total = 0;

	static const enum point points[RATE__MAX] = { POINT_ENERGY_SHARP, POINT_ENERGY_PEAK,
		POINT_ENERGY_FLAT, POINT_ENERGY_VALLEY };

	for (size_t i = 0; i < RATE__MAX; i++) {
		reading_set(r, points[i], count[i] / COUNT_PER_MILLI);
		total += count[i];
	}
	reading_set(r, POINT_ENERGY, total / COUNT_PER_MILLI);
	reading_set(r, POINT_EXPORT, 0);
}

/* Watts and power factor in thousandths to milliamperes. */
static int64_t current_ma(int64_t w, int64_t mv, int64_t factor)
{
	if (w == 0 || mv == 0 || factor == 0)
		return 0;
	return w * 1000000000 / (mv * factor);
}

static void reading_phases(const struct device *d, struct meter_reading *r)
{
	int phases = d->model->phases == 3 ? 3 : 1;
	int64_t factor = 940 + noise(d, 7, 45);
	int64_t left = d->draw;

	for (int i = 0; i < phases; i++) {
		int64_t mv = NOMINAL_MV + noise(d, 1 + (uint32_t)i, 25) * 100;
		int64_t part = d->draw * (1000 + noise(d, 4 + (uint32_t)i, 60)) / 1000 / phases;

		if (i == phases - 1)
			part = left;
		left -= part;
		reading_set(r, POINT_VOLTAGE_A + (enum point)i, mv);
		reading_set(r, POINT_CURRENT_A + (enum point)i, current_ma(part, mv, factor));
		reading_set(r, POINT_POWER_A + (enum point)i, part);
	}
	reading_set(r, POINT_POWER, d->draw);
	reading_set(r, POINT_POWER_FACTOR, d->draw ? factor : 1000);
	reading_set(r, POINT_FREQUENCY, 50000 + noise(d, 8, 3) * 10);
	reading_set(r, POINT_PT_RATIO, 1);
	reading_set(r, POINT_CT_RATIO, d->mall->ct_ratio);
}

static void reading_water(
	const struct device *d, const int64_t count[static RATE__MAX], struct meter_reading *r)
{
	int64_t litres = 0;

	for (size_t i = 0; i < RATE__MAX; i++)
		litres += count[i];
	reading_set(r, POINT_VOLUME, litres / COUNT_PER_MILLI);
	reading_set(r, POINT_FLOW, d->draw);
	reading_set(r, POINT_BATTERY, 3600 + noise(d, 9, 2) * 10);
}

void device_reading(const struct device *d, int64_t offset_milli, struct meter_reading *out)
{
	struct meter_reading r = { .at = d->now.wall };
	int64_t count[RATE__MAX];

	counts_answered(d, count);
	if (offset_milli)
		offset_apply(count, offset_milli);
	if (d->mall->water) {
		reading_water(d, count, &r);
	} else {
		reading_energy(count, &r);
		reading_phases(d, &r);
	}
	reading_set(&r, POINT_CREDIT, prepaid_fen(&d->prepaid) * 10);
	reading_set(&r, POINT_PURCHASE_COUNT, d->prepaid.count);
	reading_set(&r, POINT_CLOCK, wall_told(d));
	if (d->mall->water || has_relay(d)) {
		r.has_supply = true;
		r.supply = device_supply(d);
	}
	r.has_status = true;
	if (d->forced)
		r.status |= UINT32_C(1) << STATUS_FORCED;
	ASSERT(str_copy(r.serial, sizeof r.serial, d->mall->serial));
	*out = r;
}
