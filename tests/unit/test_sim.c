/* The parts of the simulator that need no socket: frames, loads, the mall, a device, state. */
#include "cmock.h"

#include <string.h>
#include <unistd.h>

#include "rules/tariff.h"
#include "sim/fault.h"
#include "sim/line.h"
#include "sim/mall.h"
#include "sim/state.h"

struct bench {
	struct mall *mall;
	struct models *models;
	struct moment now;
};

static int setup(void **state)
{
	struct bench *b = calloc(1, sizeof *b);
	struct problem why = { 0 };

	b->mall = mall_make(5, 15020, 1);
	if (models_open(NULL, &b->models, &why))
		fail_msg("%s: %s", why.field, why.text);
	/* 2026-03-01 11:00:00 in Shanghai */
	b->now = (struct moment){
		.wall = { 1772334000000 }, .day = 20513, .second = 39600, .mono_ms = 1000
	};
	*state = b;
	return 0;
}

static int teardown(void **state)
{
	struct bench *b = *state;

	models_free(&b->models);
	mall_free(&b->mall);
	free(b);
	return 0;
}

static struct device device_of(struct bench *b, int bus, int unit)
{
	const struct mall_meter *m = mall_meter(b->mall, bus, unit);
	struct device d;

	assert_non_null(m);
	device_init(&d, m, models_find(b->models, m->model), 1, 1);
	device_raise_ceiling(&d, 0);
	device_advance(&d, &b->now);
	return d;
}

static void pass(struct bench *b, struct device *d, int64_t ms)
{
	b->now.mono_ms += ms;
	b->now.wall.ms += ms;
	b->now.second = (int32_t)((b->now.wall.ms / 1000 + 8 * 3600) % 86400);
	device_advance(d, &b->now);
}

/* Lets the device answer all that it counted, as a save does. */
static int64_t told(struct device *d, enum point point)
{
	struct meter_reading r;

	device_raise_ceiling(d, 0);
	device_reading(d, 0, &r);
	assert_true(reading_has(&r, point));
	return r.value[point];
}

static enum modbus_exception send(struct device *d, uint8_t function, uint16_t address,
	uint16_t count, const uint16_t *values)
{
	struct modbus_request req = { .function = function, .address = address, .count = count };
	uint16_t out[MBAP_READ_MAX];
	bool switched;

	memcpy(req.values, values, count * sizeof *values);
	return device_answer(d, &req, 0, out, &switched);
}

static void frames_are_found_in_a_stream(void **state)
{
	/* The request of register block 0x0200, in Modbus TCP. */
	static const uint8_t stream[] = { 0x12, 0x34, 0, 0, 0, 6, 7, 3, 2, 0, 0, 0x30, 0xAA };
	static const uint8_t other[] = { 0, 1, 0, 1, 0, 6, 7, 3, 2, 0, 0, 0x30 };
	static const uint8_t empty[] = { 0, 1, 0, 0, 0, 1, 7 };
	static const uint8_t huge[] = { 0, 1, 0, 0, 0, 255, 7 };
	struct mbap_frame frame;
	size_t used = 0;

	(void)state;
	for (size_t n = 0; n < 12; n++)
		assert_int_equal(mbap_parse(stream, n, &frame, &used), MBAP_MORE);
	assert_int_equal(mbap_parse(stream, sizeof stream, &frame, &used), MBAP_FRAME);
	assert_int_equal(used, 12);
	assert_int_equal(frame.transaction, 0x1234);
	assert_int_equal(frame.unit, 7);
	assert_int_equal(frame.pdu_n, 5);
	assert_int_equal(mbap_parse(other, sizeof other, &frame, &used), MBAP_BAD);
	assert_int_equal(mbap_parse(empty, sizeof empty, &frame, &used), MBAP_BAD);
	assert_int_equal(mbap_parse(huge, sizeof huge, &frame, &used), MBAP_BAD);
}

static void bus_times_are_those_of_the_bytes(void **state)
{
	struct line_timing t = { .baud = 9600 };

	(void)state;
	/* 8 bytes and 3.5 characters of 10 bits: 11.979 ms; 101 bytes: 108.854 ms. */
	assert_int_equal(line_frame_us(&t, line_bytes(5)), 11979);
	assert_int_equal(line_frame_us(&t, line_bytes(2 + 96)), 108854);
}

static void jobs_wait_in_order(void **state)
{
	struct job_queue q = { 0 };
	struct job job = { 0 };

	(void)state;
	for (uint64_t i = 0; i < LINE_QUEUE_MAX; i++) {
		job.client = i % 2;
		job.frame.transaction = (uint16_t)i;
		assert_true(job_push(&q, &job));
	}
	assert_false(job_push(&q, &job));
	job_drop(&q, 1);
	for (int i = 0; i < LINE_QUEUE_MAX; i += 2) {
		assert_true(job_pop(&q, &job));
		assert_int_equal(job.frame.transaction, i);
	}
	assert_false(job_pop(&q, &job));
}

static void loads_stay_in_their_bounds(void **state)
{
	(void)state;
	for (int kind = 0; kind < LOAD__MAX; kind++) {
		int64_t sum = 0;

		for (int32_t second = 0; second < 86400; second += 60) {
			int p = load_permille((enum load_kind)kind, 7, 42, 20513, second);

			assert_in_range(p, 0, 1150);
			assert_int_equal(
				p, load_permille((enum load_kind)kind, 7, 42, 20513, second));
			sum += p;
		}
		assert_in_range(sum / 1440, 150, 800); /* no trade sleeps, none never rests */
	}
	assert_true(load_permille(LOAD_RESTAURANT, 1, 1, 0, 12 * 3600) >
		    2 * load_permille(LOAD_RESTAURANT, 1, 1, 0, 4 * 3600));
}

static void mall_is_whole(void **state)
{
	struct bench *b = *state;
	const struct mall *mall = b->mall;
	int used_up = 0, low = 0;

	assert_int_equal(mall->meters_n, 370);
	assert_int_equal(mall->tenants_n, 300);
	for (size_t i = 0; i < mall->tenants_n; i++) {
		const struct mall_tenant *t = &mall->tenants[i];

		used_up += t->balance_fen <= 0;
		low += t->balance_fen > 0 && t->balance_fen < 5000;
		assert_ptr_equal(mall_meter(mall, (int)i / 60, (int)i % 60 + 1), t->power);
		for (size_t k = 0; k < i; k++)
			assert_string_not_equal(t->name, mall->tenants[k].name);
	}
	assert_int_equal(used_up, 3);
	assert_int_equal(low, 12);
	assert_string_equal(mall->tenants[2].name, "好味面馆");
	assert_string_equal(mall->tenants[2].room, "A-103");
	assert_string_equal(mall->tenants[2].phone, "13800000003");
	assert_int_equal(mall->tenants[2].balance_fen, -318);
	assert_string_equal(mall_meter(mall, 4, 74)->code, "E74W");
	assert_null(mall_meter(mall, 4, 75));
	assert_null(mall_meter(mall, 5, 1));
	assert_int_equal(mall_bus(mall, "G5"), 4);
	assert_int_equal(mall_bus(mall, "G6"), -1);
}

static void zone_drop(struct zone **z)
{
	zone_free(z);
}

/* The import takes the tariffs, and the meters' own slots are those of shop-tou. */
static void tariffs_are_good_and_meters_keep_them(void **state)
{
	static const char *const words[] = { "sharp", "peak", "flat", "valley" };
	struct bench *b = *state;
	AUTO(json_free) json_t *all = mall_json(b->mall);
	AUTO(zone_drop) struct zone *zone = NULL;
	AUTO(tariff_free) struct tariff *power = NULL;
	AUTO(tariff_free) struct tariff *water = NULL;
	json_t *tariffs = json_object_get(all, "tariffs");
	struct problem why = { 0 };

	assert_int_equal(zone_open(MALL_ZONE, &zone), ERR_OK);
	if (tariff_parse(json_array_get(tariffs, 0), zone, &power, &why) ||
		tariff_parse(json_array_get(tariffs, 1), zone, &water, &why))
		fail_msg("%s: %s", why.field, why.text);
	for (int32_t second = 0; second < 86400; second += 900) {
		struct utc at = zone_utc(zone, day_of(2026, 5, 5), second);
		const char *rate = NULL;
		struct price price;

		assert_int_equal(tariff_price_at(power, at, 3, &rate, &price), ERR_OK);
		assert_string_equal(rate, words[mall_rate_at(second)]);
	}
}

static void every_meter_is_read_back_as_it_is(void **state)
{
	struct bench *b = *state;

	for (size_t i = 0; i < b->mall->meters_n; i++) {
		const struct mall_meter *m = &b->mall->meters[i];
		struct device d = device_of(b, m->bus, m->unit);
		size_t n;
		const struct model_read *plan = model_plan(d.model, CLASS_LIVE, &n);
		struct register_block blocks[MODEL_READS_MAX];
		struct meter_reading truth, seen;
		struct problem why = { 0 };
		struct qty at;

		for (size_t k = 0; k < n; k++) {
			struct modbus_request req = { .function = plan[k].function,
				.address = plan[k].address,
				.count = plan[k].count };
			bool switched;

			blocks[k] = (struct register_block){
				.function = req.function, .address = req.address, .count = req.count
			};
			assert_int_equal(
				device_answer(&d, &req, 0, blocks[k].regs, &switched), MODBUS_OK);
		}
		if (model_decode(d.model, blocks, n, &seen, &why))
			fail_msg("%s: %s %s", m->code, why.field, why.text);
		device_reading(&d, 0, &truth);
		assert_true(reading_register(&seen, &at));
		assert_int_equal(at.milli, m->start_milli);
		if (truth.has_supply)
			assert_int_equal(seen.supply, SUPPLY_ON);
		if (m->water)
			continue;
		assert_in_range(
			llabs(seen.value[POINT_POWER] - truth.value[POINT_POWER]), 0, m->ct_ratio);
		assert_in_range(seen.value[POINT_VOLTAGE_A], 225000, 235000);
	}
}

static struct meter_reading read_by_plan(struct device *d, enum point_class class)
{
	struct register_block blocks[MODEL_READS_MAX];
	struct meter_reading seen = { 0 };
	struct problem why = { 0 };
	size_t n;
	const struct model_read *plan = model_plan(d->model, class, &n);

	for (size_t k = 0; k < n; k++) {
		struct modbus_request req = { .function = plan[k].function,
			.address = plan[k].address,
			.count = plan[k].count };
		bool switched;

		blocks[k] = (struct register_block){
			.function = req.function, .address = req.address, .count = req.count
		};
		if (device_answer(d, &req, 0, blocks[k].regs, &switched) != MODBUS_OK)
			fail_msg("%s: register 0x%04X", d->model->name, req.address);
	}
	if (model_decode(d->model, blocks, n, &seen, &why))
		fail_msg("%s: %s", d->model->name, why.text);
	return seen;
}

/* Any model that is shipped can stand on a bus of the simulator. */
static void every_model_can_be_played(void **state)
{
	struct bench *b = *state;

	for (size_t i = 0; i < models_count(b->models); i++) {
		const struct model *model = models_at(b->models, i);
		bool water = model->utility == UTILITY_WATER;
		struct mall_meter m = *mall_meter(b->mall, 0, water ? 71 : 1);
		struct device d;
		struct meter_reading seen;
		struct qty at;

		if (model->framing != MODEL_MODBUS)
			continue; /* test_meter_line.c */
		m.model = model->name;
		device_init(&d, &m, model, 1, 1);
		device_raise_ceiling(&d, 0);
		device_advance(&d, &b->now);
		seen = read_by_plan(&d, CLASS_LIVE);
		assert_true(reading_register(&seen, &at));
		/* floats hold 24 bits of it */
		assert_in_range(llabs(at.milli - m.start_milli), 0, 10 + (m.start_milli >> 23));
		if (model->supply_count > 0)
			assert_int_equal(seen.supply, SUPPLY_ON);
		read_by_plan(&d, CLASS_CONFIG);
	}
}

/* 2026-03-01 11:00:00, a Sunday, in bytes as the makers' papers have them. */
static void clocks_run_wrong_and_are_set(void **state)
{
	static const uint16_t prepaid[] = { 0x0500, 0x0B00, 0x0103, 0x1A00, 0 };
	static const uint16_t monday[] = { 0x0500, 0x0B01, 0x0103, 0x1A00, 0 };
	static const uint16_t adl[] = { 0x1A03, 0x010B, 0x0005 };
	struct bench *b = *state;
	struct device d = device_of(b, 0, 5);
	int64_t right = (int64_t)b->now.day * 86400 + b->now.second;

	assert_int_equal(told(&d, POINT_CLOCK), right);
	d.clock_off_s = 3600;
	assert_int_equal(told(&d, POINT_CLOCK), right + 3600);
	assert_int_equal(send(&d, 32, 0x0354, 5, monday), MODBUS_ILLEGAL_VALUE);
	assert_int_equal(told(&d, POINT_CLOCK), right + 3600);
	assert_int_equal(send(&d, 32, 0x0354, 5, prepaid), MODBUS_OK);
	assert_int_equal(told(&d, POINT_CLOCK), right + 5);
	pass(b, &d, 2000); /* and it goes on from there */
	assert_int_equal(told(&d, POINT_CLOCK), right + 7);
	d = device_of(b, 0, 61);
	assert_int_equal(send(&d, 16, 0x003C, 2, adl), MODBUS_ILLEGAL_VALUE);
	assert_int_equal(send(&d, 16, 0x003C, 3, adl), MODBUS_OK);
	assert_int_equal(told(&d, POINT_CLOCK), right + 5);
}

static void values_of_a_meter_agree(void **state)
{
	struct bench *b = *state;
	struct device d = device_of(b, 0, 10);
	struct meter_reading r;
	int64_t va = 0, rates = 0;

	device_reading(&d, 0, &r);
	assert_true(r.value[POINT_POWER] > 1000);
	for (int i = 0; i < 3; i++) {
		va += r.value[POINT_VOLTAGE_A + i] * r.value[POINT_CURRENT_A + i] / 1000000;
		assert_true(r.value[POINT_POWER_A + i] > 0);
	}
	assert_in_range(
		llabs(va * r.value[POINT_POWER_FACTOR] / 1000 - r.value[POINT_POWER]), 0, 50);
	for (int i = 0; i < 4; i++)
		rates += r.value[POINT_ENERGY_SHARP + i];
	assert_int_equal(rates, r.value[POINT_ENERGY]);
}

static void a_register_counts_load_and_time(void **state)
{
	struct bench *b = *state;
	struct device d = device_of(b, 0, 5);
	int64_t begin = told(&d, POINT_ENERGY), peak = told(&d, POINT_ENERGY_PEAK);

	d.load = 6000;
	pass(b, &d, 0);
	for (int i = 0; i < 600; i++)
		pass(b, &d, 1000); /* ten minutes of 6 kW: 1 kWh */
	assert_int_equal(told(&d, POINT_ENERGY) - begin, 1000);
	assert_int_equal(told(&d, POINT_ENERGY_PEAK) - peak, 1000); /* 11:00 is peak */

	pass(b, &d, 60 * 60 * 1000);
	peak = told(&d, POINT_ENERGY_PEAK);
	pass(b, &d, 60 * 60 * 1000); /* after 12:00 it is flat */
	assert_int_equal(told(&d, POINT_ENERGY_PEAK), peak);
}

static void no_register_above_its_ceiling(void **state)
{
	struct bench *b = *state;
	struct device d = device_of(b, 0, 5);
	int64_t begin = device_register_answered(&d);

	d.load = 6000;
	pass(b, &d, 0);
	device_raise_ceiling(&d, 60000); /* saved: 100 Wh ahead */
	pass(b, &d, 30000);
	assert_int_equal(device_register_answered(&d), begin + 50);
	pass(b, &d, 300000);
	assert_int_equal(device_register(&d), begin + 550);
	assert_int_equal(device_register_answered(&d), begin + 100);
}

static void a_forced_relay_stays_until_released(void **state)
{
	static const uint16_t closed[] = { 1, 0 }, open[] = { 1, 1 }, released[] = { 0, 1 };
	struct bench *b = *state;
	struct device d = device_of(b, 0, 5);
	int64_t begin;

	assert_int_equal(send(&d, 16, 0x57, 2, open), MODBUS_OK);
	assert_int_equal(device_supply(&d), SUPPLY_OFF);
	begin = device_register(&d);
	pass(b, &d, 3600000);
	assert_int_equal(device_register(&d), begin);
	assert_int_equal(told(&d, POINT_POWER), 0);
	assert_int_equal(told(&d, POINT_CURRENT_A), 0);
	assert_true(d.written_at.ms > 0);

	assert_int_equal(send(&d, 16, 0x57, 2, released), MODBUS_OK);
	assert_int_equal(device_supply(&d), SUPPLY_ON);
	assert_false(d.forced);
	assert_int_equal(send(&d, 16, 0x57, 2, closed), MODBUS_OK);
	assert_true(d.forced);
	assert_int_equal(device_supply(&d), SUPPLY_ON);
}

static void a_valve_takes_its_time(void **state)
{
	static const uint16_t open[] = { 1 }, closed[] = { 2 };
	struct bench *b = *state;
	struct device d = device_of(b, 0, 71);
	int64_t begin;

	d.load = 3600; /* a litre a second */
	pass(b, &d, 0);
	begin = device_register(&d);
	assert_int_equal(send(&d, 6, 0x1C, 1, closed), MODBUS_OK);
	pass(b, &d, VALVE_MOVES_MS - 1000);
	assert_int_equal(device_supply(&d), SUPPLY_MOVING);
	pass(b, &d, 10000);
	assert_int_equal(device_supply(&d), SUPPLY_OFF);
	assert_int_equal(device_register(&d), begin + VALVE_MOVES_MS / 1000);
	pass(b, &d, 100000);
	assert_int_equal(device_register(&d), begin + VALVE_MOVES_MS / 1000);

	assert_int_equal(send(&d, 6, 0x1C, 1, open), MODBUS_OK);
	assert_int_equal(device_supply(&d), SUPPLY_MOVING);
	pass(b, &d, VALVE_MOVES_MS + 5000); /* it flows for the five seconds at the end */
	assert_int_equal(device_supply(&d), SUPPLY_ON);
	assert_int_equal(device_register(&d), begin + VALVE_MOVES_MS / 1000 + 5);
}

static void state_survives_the_file(void **state)
{
	static const uint16_t open[] = { 1, 1 };
	struct bench *b = *state;
	char path[] = "/tmp/yufu-sim-state.XXXXXX";
	struct device before[2] = { device_of(b, 0, 5), device_of(b, 0, 6) };
	struct device after[2] = { device_of(b, 0, 5), device_of(b, 0, 6) };
	struct problem why;

	close(mkstemp(path));
	before[0].load = 6000;
	pass(b, &before[0], 0);
	pass(b, &before[0], 3600000);
	assert_int_equal(send(&before[1], 16, 0x57, 2, open), MODBUS_OK);
	assert_int_equal(state_save(path, before, 2, 60000), ERR_OK);
	assert_int_equal(state_load(path, after, 2, &why), ERR_OK);
	/* It goes on at the ceiling: no less than was answered, a minute of use more at most. */
	assert_int_equal(device_register(&after[0]), device_register(&before[0]) + 100);
	assert_int_equal(after[0].load, 6000);
	assert_int_equal(device_supply(&after[1]), SUPPLY_OFF);
	assert_true(after[1].forced);

	/* A disk that cannot be written: nothing may be answered beyond what is saved. */
	device_raise_ceiling(&before[0], 0);
	pass(b, &before[0], 3600000);
	assert_int_equal(state_save("/nonexistent/x.json", before, 2, 60000), ERR_UNAVAILABLE);
	assert_int_equal(device_register_answered(&before[0]), device_register(&before[0]) - 6000);
	unlink(path);
	assert_int_equal(state_load(path, after, 2, &why), ERR_NOT_FOUND);
}

/* The frame of the maker's tool with prices only: sharp, peak, flat, valley in 0.01 yuan. */
static void price_frame(
	uint16_t frame[static 30], uint16_t sharp, uint16_t peak, uint16_t flat, uint16_t valley)
{
	memset(frame, 0, 30 * sizeof *frame);
	frame[14] = 1; /* byte 29: they count */
	frame[16] = sharp;
	frame[18] = peak;
	frame[20] = flat;
	frame[22] = valley;
}

static void credit_goes_by_the_prices_and_slots_of_the_meter(void **state)
{
	/* valley all day but for peak from 11:30 to 12:30; the last slot is repeated */
	uint8_t slots[42] = { 4, 0, 0, 2, 30, 11, 4, 30, 12 };
	uint16_t frame[30], table[21], told[9];
	struct bench *b = *state;
	struct device d = device_of(b, 0, 5), after = device_of(b, 0, 5);
	struct modbus_request ask = { .function = 3, .address = 0x0400, .count = 9 };
	char path[] = "/tmp/yufu-sim-state.XXXXXX";
	struct problem why;
	bool switched;

	price_frame(frame, 200, 100, 60, 30);
	assert_int_equal(send(&d, 32, 0x0200, 30, frame), MODBUS_OK);
	for (size_t i = 9; i < sizeof slots; i++)
		slots[i] = slots[i - 3];
	for (size_t i = 0; i < 21; i++)
		table[i] = (uint16_t)(slots[2 * i] << 8 | slots[2 * i + 1]);
	assert_int_equal(send(&d, 16, 0x2006, 21, table), MODBUS_OK);
	d.prepaid.on = true;
	d.prepaid.nano = INT64_C(100000000000);
	d.load = 6000;
	pass(b, &d, 0);	      /* 11:00 */
	pass(b, &d, 1800000); /* 3 kWh at 0.30 */
	assert_int_equal(prepaid_fen(&d.prepaid), 10000 - 90);
	pass(b, &d, 3600000); /* 6 kWh at 1.00 */
	assert_int_equal(prepaid_fen(&d.prepaid), 10000 - 90 - 600);
	pass(b, &d, 1800000);
	assert_int_equal(prepaid_fen(&d.prepaid), 10000 - 90 - 600 - 90);
	assert_int_equal(d.prepaid.count, 0); /* prices are no purchase */

	close(mkstemp(path));
	assert_int_equal(state_save(path, &d, 1, 0), ERR_OK);
	assert_int_equal(state_load(path, &after, 1, &why), ERR_OK);
	unlink(path);
	assert_memory_equal(&after.tables, &d.tables, sizeof d.tables);
	assert_int_equal(device_answer(&after, &ask, 0, told, &switched), MODBUS_OK);
	assert_int_equal(told[0], 1);
	assert_int_equal(told[3], 200);
	assert_int_equal(told[5], 100);
	assert_int_equal(told[8], 0);

	/* A slot of a rate that there is not, half a table, and a meter that refuses. */
	table[0] = 0x0500;
	assert_int_equal(send(&d, 16, 0x2006, 21, table), MODBUS_ILLEGAL_VALUE);
	assert_int_equal(send(&d, 16, 0x2006, 20, table), MODBUS_ILLEGAL_VALUE);
	d.prepaid.refuses = true;
	assert_int_equal(send(&d, 32, 0x0200, 30, frame), MODBUS_DEVICE_FAILURE);
	d.prepaid.refuses = false;
	/* It acts, and the answer is lost: once. */
	d.prepaid.loses = true;
	price_frame(frame, 1, 2, 3, 4);
	assert_int_equal(send(&d, 32, 0x0200, 30, frame), MODBUS_GATEWAY_NO_ANSWER);
	assert_int_equal(d.prepaid.price_fen[3], 4);
	assert_int_equal(send(&d, 32, 0x0200, 30, frame), MODBUS_OK);
}

static void faults_are_found_by_unit_and_time(void **state)
{
	struct fault_list list = { 0 };
	struct fault one = { .id = 1, .unit = 3, .kind = FAULT_SLOW, .value = 10, .ends_ms = 100 };
	struct fault all = {
		.id = 2, .unit = FAULT_ANY_UNIT, .kind = FAULT_SLOW, .value = 20, .ends_ms = 200
	};

	(void)state;
	assert_int_equal(fault_add(&list, &all), ERR_OK);
	assert_int_equal(fault_add(&list, &one), ERR_OK);
	assert_int_equal(fault_find(&list, FAULT_SLOW, 3, 50)->value, 10);
	assert_int_equal(fault_find(&list, FAULT_SLOW, 4, 50)->value, 20);
	assert_int_equal(fault_find(&list, FAULT_SLOW, 3, 100)->value, 20);
	assert_null(fault_find(&list, FAULT_CUT, 3, 50));
	fault_expire(&list, 150);
	assert_int_equal(list.n, 1);
	assert_int_equal(fault_remove(&list, 9), 0);
	assert_int_equal(fault_remove(&list, 2), 1);
	while (list.n < FAULTS_MAX)
		assert_int_equal(fault_add(&list, &one), ERR_OK);
	assert_int_equal(fault_add(&list, &one), ERR_TOO_MANY);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(frames_are_found_in_a_stream),
		cmocka_unit_test(bus_times_are_those_of_the_bytes),
		cmocka_unit_test(jobs_wait_in_order),
		cmocka_unit_test(loads_stay_in_their_bounds),
		TEST(mall_is_whole),
		TEST(tariffs_are_good_and_meters_keep_them),
		TEST(every_meter_is_read_back_as_it_is),
		TEST(every_model_can_be_played),
		TEST(clocks_run_wrong_and_are_set),
		TEST(values_of_a_meter_agree),
		TEST(a_register_counts_load_and_time),
		TEST(no_register_above_its_ceiling),
		TEST(a_forced_relay_stays_until_released),
		TEST(a_valve_takes_its_time),
		TEST(state_survives_the_file),
		TEST(credit_goes_by_the_prices_and_slots_of_the_meter),
		cmocka_unit_test(faults_are_found_by_unit_and_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
