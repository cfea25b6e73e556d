/* DL/T 645-2007 and CJ/T 188-2004: every recorded frame is taken apart and put together again, and
 * what a reply must be to pass for one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/json.h"
#include "meter/bcd.h"
#include "meter/cjt188.h"
#include "meter/dlt645.h"

/* One line of a vector file: "name = HEX # what it means". */
struct vector {
	char name[40];
	uint8_t bytes[FRAME_MAX];
	size_t n;
};

static bool next_vector(FILE *f, struct vector *v)
{
	char line[512], *equal;

	while (fgets(line, sizeof(line), f)) {
		if (line[0] == '#' || !(equal = strstr(line, " = ")))
			continue;
		*equal = '\0';
		equal[3 + strcspn(equal + 3, "#\n")] = '\0';
		snprintf(v->name, sizeof(v->name), "%.39s", line);
		assert_int_equal(hex_decode(equal + 3, v->bytes, sizeof(v->bytes), &v->n), ERR_OK);
		return true;
	}
	return false;
}

static struct vector vector_of(const char *file, const char *name)
{
	struct vector v = { 0 };
	FILE *f = fopen(file, "r");
	bool found = false;

	assert_non_null(f);
	while (!found && next_vector(f, &v))
		found = str_eq(v.name, name);
	fclose(f);
	if (!found)
		fail_msg("%s is not in %s", name, file);
	return v;
}

#define DLT SOURCE_DIR "/tests/vectors/dlt645_2007.txt"
#define CJT SOURCE_DIR "/tests/vectors/cjt188_2004.txt"

static void every_frame_of_dlt645_comes_back(void **state)
{
	FILE *f = fopen(DLT, "r");
	struct vector v;
	int count = 0;

	(void)state;
	assert_non_null(f);
	while (next_vector(f, &v)) {
		struct dlt645_frame frame;
		uint8_t again[DLT645_FRAME_MAX];
		size_t at = 99, found;

		found = dlt645_find(v.bytes, v.n, &at);
		assert_int_equal(found, v.n - at);
		assert_int_equal(dlt645_parse(v.bytes + at, v.n - at, &frame, NULL), ERR_OK);
		assert_int_equal(dlt645_build(&frame, (int)at, again), v.n);
		assert_memory_equal(again, v.bytes, v.n);
		/* nothing is found before its last byte has come */
		for (size_t n = 0; n < v.n; n++)
			assert_int_equal(dlt645_find(v.bytes, n, &at), 0);
		count++;
	}
	fclose(f);
	assert_int_equal(count, 18);
}

static void every_frame_of_cjt188_comes_back(void **state)
{
	FILE *f = fopen(CJT, "r");
	struct vector v;
	int count = 0;

	(void)state;
	assert_non_null(f);
	while (next_vector(f, &v)) {
		struct cjt188_frame frame;
		uint8_t again[CJT188_FRAME_MAX];
		size_t at = 99, found;

		found = cjt188_find(v.bytes, v.n, &at);
		assert_int_equal(found, v.n - at);
		assert_int_equal(cjt188_parse(v.bytes + at, v.n - at, &frame, NULL), ERR_OK);
		assert_int_equal(cjt188_build(&frame, (int)at, again), v.n);
		assert_memory_equal(again, v.bytes, v.n);
		for (size_t n = 0; n < v.n; n++)
			assert_int_equal(cjt188_find(v.bytes, n, &at), 0);
		count++;
	}
	fclose(f);
	assert_int_equal(count, 15);
}

static void what_the_frames_of_dlt645_say(void **state)
{
	struct vector v = vector_of(DLT, "read_address_reply");
	struct dlt645_frame f;
	char text[20];

	(void)state;
	assert_int_equal(dlt645_parse(v.bytes, v.n, &f, NULL), ERR_OK);
	assert_int_equal(f.control, DLT645_REPLY | DLT645_READ_ADDRESS);
	bcd_text(f.data, 6, text);
	assert_string_equal(text, "201000000012");
	bcd_text(f.address, 6, text);
	assert_string_equal(text, "201000000012");
	v = vector_of(DLT, "read_remaining_amount_reply");
	assert_int_equal(dlt645_parse(v.bytes, v.n, &f, NULL), ERR_OK);
	assert_int_equal(dlt645_item(f.data), 0x00900200);
	assert_memory_equal(f.data + 4, "\x56\x98\x01\x00", 4);
	v = vector_of(DLT, "trip");
	assert_int_equal(dlt645_parse(v.bytes, v.n, &f, NULL), ERR_OK);
	assert_int_equal(f.control, DLT645_RELAY);
	assert_memory_equal(f.data, "\0\0\0\0\0\0\0\0\x1A\0\x24\x41\x15\x12\x05\x18", 16);
}

static struct dlt645_frame asked(const char *name)
{
	struct vector v = vector_of(DLT, name);
	struct dlt645_frame f;

	assert_int_equal(dlt645_parse(v.bytes, v.n, &f, NULL), ERR_OK);
	return f;
}

static void replies_of_dlt645_are_checked(void **state)
{
	static const struct {
		const char *ask, *reply;
		enum err err;
		const char *text;
	} rows[] = {
		{ "read_energy_block", "read_energy_block_reply", ERR_OK, "" },
		{ "read_voltage_block", "read_voltage_block_reply", ERR_OK, "" },
		{ "read_date", "read_date_reply", ERR_OK, "" },
		{ "read_time", "read_time_reply", ERR_OK, "" },
		{ "read_address", "read_address_reply", ERR_OK, "" },
		{ "trip", "trip_ok", ERR_OK, "" },
		{ "read_unsupported", "error_reply", ERR_REFUSED,
			"error 0x02 for item 03010000 (no such data)" },
		/* late ones, foreign ones, and our own */
		{ "read_time", "read_date_reply", ERR_RETRY, "item 04000101 instead of 04000102" },
		{ "read_total_energy", "read_total_energy_reply", ERR_RETRY,
			"reply of meter 398192000337" },
		{ "read_time", "read_time", ERR_RETRY, "a request instead of a reply" },
		{ "trip", "read_energy_block_reply", ERR_RETRY, "reply of meter 201000000012" },
		{ "read_energy_block", "read_address_reply", ERR_RETRY,
			"control code 13 instead of 11" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct dlt645_frame ask = asked(rows[i].ask), out;
		struct vector v = vector_of(DLT, rows[i].reply);
		struct bus_error why = { 0 };
		enum err e = dlt645_check_reply(&ask, v.bytes, v.n, &out, &why);

		if (e != rows[i].err || !strstr(why.text, rows[i].text))
			fail_msg("row %zu: %s %s", i, err_word(e), why.text);
	}
}

/* One byte after the other is spoiled: nothing but the frame as it was passes. */
static void no_spoiled_byte_passes(void **state)
{
	struct dlt645_frame ask = asked("read_energy_block"), out;
	struct vector v = vector_of(DLT, "read_energy_block_reply");

	(void)state;
	for (size_t i = 0; i < v.n; i++)
		for (int bit = 0; bit < 8; bit++) {
			struct bus_error why = { 0 };

			v.bytes[i] ^= (uint8_t)(1 << bit);
			assert_int_not_equal(
				dlt645_check_reply(&ask, v.bytes, v.n, &out, &why), ERR_OK);
			v.bytes[i] ^= (uint8_t)(1 << bit);
		}
}

static void error_bytes_are_named(void **state)
{
	static const struct {
		uint8_t byte;
		const char *text;
	} rows[] = { { 0x01, "(other error)" },
		{ 0x04, "error 0x04 to control code 1C (wrong password or not permitted)" },
		{ 0x06, "(no such data, wrong password or not permitted)" },
		{ 0x78, "(baud rate cannot be changed, too many year zones, too many day slots, "
			"too many rates)" },
		{ 0x00, "error 0x00 to control code 1C (no reason)" } };
	struct dlt645_frame ask = asked("trip"), out;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct dlt645_frame no = { .control = 0xDC, .n = 1, .data = { rows[i].byte } };
		uint8_t bytes[DLT645_FRAME_MAX];
		struct bus_error why = { 0 };
		size_t n;

		memcpy(no.address, ask.address, sizeof(no.address));
		n = dlt645_build(&no, 0, bytes);
		assert_int_equal(dlt645_check_reply(&ask, bytes, n, &out, &why), ERR_REFUSED);
		assert_int_equal(why.fault, BUS_EXCEPTION);
		if (!strstr(why.text, rows[i].text))
			fail_msg("row %zu: %s", i, why.text);
	}
}

/* Leaders, noise that looks like a begin, a spoiled frame: the good one behind is found. */
static void frames_are_found_amid_noise(void **state)
{
	static const char *const before[] = { "", "FE", "FE FE FE FE FE FE FE FE FE FE", "68",
		"68 68 68 68 68 68 68 68 68", "16 00 FF 68 12 00 00 00 10 20 68 11",
		"68 12 00 00 00 10 20 68 91 02 33 32 34 16" /* its sum is wrong */ };
	struct vector v = vector_of(DLT, "read_voltage_block_reply");

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(before); i++) {
		uint8_t bytes[2 * FRAME_MAX];
		size_t n = 0, at = 0;

		assert_int_equal(hex_decode(before[i], bytes, sizeof(bytes), &n), ERR_OK);
		memcpy(bytes + n, v.bytes, v.n);
		assert_int_equal(dlt645_find(bytes, n + v.n, &at), v.n);
		assert_int_equal(at, n);
	}
}

static void a_wrong_sum_is_told(void **state)
{
	struct dlt645_frame ask = asked("read_voltage_block"), out;
	struct vector v = vector_of(DLT, "read_voltage_block_reply");
	struct bus_error why = { 0 };
	size_t at = 7;

	(void)state;
	v.bytes[v.n - 2]++;
	assert_int_equal(dlt645_find(v.bytes, v.n, &at), v.n);
	assert_int_equal(dlt645_check_reply(&ask, v.bytes, v.n, &out, &why), ERR_PROTOCOL);
	assert_string_equal(why.text, "checksum error");
}

static void replies_of_cjt188_are_checked(void **state)
{
	static const struct {
		const char *ask, *reply;
		bool sequence;
		enum err err;
		const char *text;
	} rows[] = {
		{ "read_now", "read_reply", true, ERR_OK, "" },
		{ "broadcast_read", "read_reply_2", false, ERR_OK, "" },
		{ "broadcast_read", "read_reply_2", true, ERR_RETRY, "sequence 0 instead of 1" },
		{ "read_now_4fe", "read_reply_3", true, ERR_OK, "" },
		{ "read_now", "read_reply_3", true, ERR_RETRY, "reply of meter 78330011223344" },
		{ "read_now", "read_now", true, ERR_RETRY, "a request instead of a reply" },
		{ "read_now", "valve_reply_odd", true, ERR_RETRY, "control code AA instead of 81" },
		{ "read_now", "read_address_reply", true, ERR_RETRY,
			"control code 83 instead of 81" },
	};
	const struct cjt188_expect expect = {
		.codes = { 0x81 }, .items = { { 0x90, 0x1F }, { 0x1F, 0x90 } }, .item_count = 2
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct vector a = vector_of(CJT, rows[i].ask), r = vector_of(CJT, rows[i].reply);
		struct cjt188_expect x = expect;
		struct cjt188_frame ask, out;
		struct bus_error why = { 0 };
		size_t n, at = 0;
		enum err e;

		x.sequence = rows[i].sequence;
		n = cjt188_find(a.bytes, a.n, &at);
		assert_int_equal(cjt188_parse(a.bytes + at, n, &ask, NULL), ERR_OK);
		n = cjt188_find(r.bytes, r.n, &at);
		e = cjt188_check_reply(&ask, &x, r.bytes + at, n, &out, &why);
		if (e != rows[i].err || !strstr(why.text, rows[i].text))
			fail_msg("row %zu: %s %s", i, err_word(e), why.text);
	}
}

static void the_odd_valve_reply_is_taken_where_the_model_says_so(void **state)
{
	struct vector v = vector_of(CJT, "valve_reply_odd");
	struct cjt188_expect x = {
		.codes = { 0x84 }, .items = { { 0xA0, 0x17 } }, .item_count = 1
	};
	struct cjt188_frame out, ask = { .type = 0x10,
		.address = { 1, 0, 0, 5, 8, 0, 0 },
		.control = CJT188_WRITE,
		.n = 4,
		.data = { 0xA0, 0x17, 0, 0x99 } };
	struct bus_error why = { 0 };

	(void)state;
	assert_int_equal(cjt188_check_reply(&ask, &x, v.bytes + 3, v.n - 3, &out, &why), ERR_RETRY);
	x.codes[1] = 0xAA;
	assert_int_equal(cjt188_check_reply(&ask, &x, v.bytes + 3, v.n - 3, &out, &why), ERR_OK);
	assert_memory_equal(out.data, "\xA0\x17\x00\x01\xFF", 5);
}

static void digits_both_ways(void **state)
{
	static const struct {
		int64_t value;
		size_t n;
		bool with_sign;
		const char *bytes;
	} rows[] = { { 0, 1, false, "\x00" }, { 99, 1, false, "\x99" },
		{ 1230000, 4, false, "\x00\x00\x23\x01" }, { -1234, 3, true, "\x34\x12\x80" },
		{ -79, 1, true, "\xF9" }, { 79, 1, true, "\x79" },
		{ 999999999999, 6, false, "\x99\x99\x99\x99\x99\x99" } };
	int64_t v = 7;
	uint8_t bytes[8];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		assert_int_equal(
			bcd_get((const uint8_t *)rows[i].bytes, rows[i].n, rows[i].with_sign, &v),
			ERR_OK);
		assert_int_equal(v, rows[i].value);
		assert_int_equal(
			bcd_put(rows[i].value, rows[i].n, rows[i].with_sign, bytes), ERR_OK);
		assert_memory_equal(bytes, rows[i].bytes, rows[i].n);
	}
	for (int b = 0; b < 256; b++) {
		uint8_t byte = (uint8_t)b;
		bool good = b >> 4 <= 9 && (b & 15) <= 9;

		assert_true((bcd_get(&byte, 1, false, &v) == ERR_OK) == good);
	}
	assert_int_equal(bcd_put(100, 1, false, bytes), ERR_OUT_OF_RANGE);
	assert_int_equal(bcd_put(80, 1, true, bytes), ERR_OUT_OF_RANGE);
	assert_int_equal(bcd_put(-1, 1, false, bytes), ERR_OUT_OF_RANGE);
	assert_int_equal(bcd_parse("12345", 3, bytes), ERR_BAD_VALUE);
	assert_int_equal(bcd_parse("12345A", 3, bytes), ERR_BAD_VALUE);
}

/* ---- model files ---- */

static json_t *shipped(const char *name)
{
	AUTO(buf_free) struct buf text = { 0 };
	char path[256];
	json_t *root = NULL;

	snprintf(path, sizeof(path), SOURCE_DIR "/core/meter/models/%s.json", name);
	assert_int_equal(file_read(path, 1 << 18, &text), ERR_OK);
	assert_int_equal(json_parse(text.text, text.len, &root, NULL), ERR_OK);
	return root;
}

/* "points/0" inside root. */
static json_t *inside(json_t *root, const char *path)
{
	char copy[64], *rest = NULL;
	json_t *at = root;

	snprintf(copy, sizeof(copy), "%s", path);
	for (char *s = strtok_r(copy, "/", &rest); s; s = strtok_r(NULL, "/", &rest))
		at = json_is_array(at) ? json_array_get(at, (size_t)strtol(s, NULL, 10))
				       : json_object_get(at, s);
	assert_non_null(at);
	return at;
}

static enum err parse_changed(const char *name, const char *place, const char *key,
	const char *value, struct problem *why)
{
	AUTO(json_free) json_t *root = shipped(name);
	AUTO(model_free) struct model *m = NULL;
	json_t *at = inside(root, place);
	char *text;
	enum err e;

	if (value)
		json_object_set_new(at, key, json_loads(value, JSON_DECODE_ANY, NULL));
	else
		json_object_del(at, key);
	text = json_text(root);
	e = model_parse(text, strlen(text), &m, why);
	free(text);
	return e;
}

#define POWER "dlt645-2007"
#define WATER "cjt188-2004"

static void bad_model_files_are_refused_by_path(void **state)
{
	static const struct {
		const char *model, *place, *key, *value, *field;
	} rows[] = {
		{ POWER, "", "blocks", "[]", "blocks" },
		{ POWER, "", "framing", "\"m-bus\"", "framing" },
		{ POWER, "limits", "max_read", "20", "limits.max_read" },
		{ POWER, "limits", "answer_ms", "1", "limits.answer_ms" },
		{ POWER, "frame", "leaders", "21", "frame.leaders" },
		{ POWER, "frame", "password", "\"1234567\"", "frame.password" },
		{ POWER, "frame", "operator", "\"1234567G\"", "frame.operator" },
		{ POWER, "frame", "valid_minutes", "60", "frame.valid_minutes" },
		{ POWER, "points/0", "item", "\"0001FF\"", "points[0].item" },
		{ POWER, "points/0", "item", NULL, "points[0].item" },
		{ POWER, "points/0", "address", "\"0x0000\"", "points[0].address" },
		{ POWER, "points/0", "at", "199", "points[0].bytes" },
		{ POWER, "points/0", "bytes", "9", "points[0].bytes" },
		{ POWER, "points/0", "bytes", NULL, "points[0].bytes" },
		{ POWER, "points/0", "wire", "\"u32\"", "points[0].wire" },
		{ POWER, "points/0", "wire", "\"digits\"", "points[0].wire" },
		{ POWER, "points/0", "scale", "\"0\"", "points[0].scale" },
		{ POWER, "points/0", "time", "\"04000102\"", "points[0].time" },
		{ POWER, "points/0", "unit_at", "4", "points[0].unit" },
		{ POWER, "points/0", "class", "\"config\"", "points" },
		{ POWER, "points/16", "time", NULL, "points[16].time" },
		{ POWER, "points/16", "less", "\"04000102\"", "points[16].less" },
		{ POWER, "points/16", "bytes", "3", "points[16].bytes" },
		{ POWER, "supply/0", "bytes", "3", "supply[0].bytes" },
		{ POWER, "supply/0", "address", "\"0x0224\"", "supply[0].address" },
		{ POWER, "actions/off", "code", "\"1\"", "actions.off.code" },
		{ POWER, "actions/off", "shows", NULL, "actions.off.shows" },
		{ POWER, "actions/off", "by_reply", "true", "actions.off.by_reply" },
		{ POWER, "actions/off", "function", "6", "actions.off.function" },
		{ POWER, "", "credit_unit", NULL, "credit_unit" },
		{ WATER, "", "frame", NULL, "frame" },
		{ WATER, "frame", "read", NULL, "frame.read" },
		{ WATER, "frame", "act", NULL, "actions.on.code" },
		{ WATER, "frame/read", "item", "\"90\"", "frame.read.item" },
		{ WATER, "frame/read", "replies", "[]", "frame.read.replies" },
		{ WATER, "frame/read", "replies", "[\"81\",\"8\"]", "frame.read.replies" },
		{ WATER, "frame/read", "reply_items", "[1]", "frame.read.reply_items" },
		{ WATER, "frame", "type", "\"1\"", "frame.type" },
		{ WATER, "points/0", "item", "\"901F\"", "points[0].item" },
		{ WATER, "points/0", "unit", "\"2\"", "points[0].unit" },
		{ WATER, "", "purchase", "{}", "purchase" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct problem why = { 0 };
		enum err e = parse_changed(
			rows[i].model, rows[i].place, rows[i].key, rows[i].value, &why);

		if (e == ERR_OK || !str_eq(why.field, rows[i].field) || !why.text[0])
			fail_msg("row %zu: %s %s: %s", i, err_word(e), why.field, why.text);
	}
}

static void right_model_files_are_taken(void **state)
{
	static const struct {
		const char *model, *place, *key, *value;
	} rows[] = {
		{ POWER, "", "frame", NULL },
		{ POWER, "frame", "password", "\"02123456\"" },
		{ POWER, "actions/on", "code", "\"1B\"" },
		{ POWER, "actions/off", "deadline_ms", "20000" },
		{ POWER, "points/13", "less", NULL },
		{ WATER, "frame", "sequence", "false" },
		{ WATER, "frame/read", "item", "\"1F90\"" },
		{ WATER, "points/0", "class", "\"live\"" },
		{ WATER, "", "supply_else", "\"moving\"" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct problem why = { 0 };

		if (parse_changed(rows[i].model, rows[i].place, rows[i].key, rows[i].value, &why) !=
			ERR_OK)
			fail_msg("row %zu: %s: %s", i, why.field, why.text);
	}
}

/* Only what is asked for, and what most meters have, is read each round. */
static void items_are_asked_for_once(void **state)
{
	AUTO(models_free) struct models *models = NULL;
	const struct model_read *plan;
	size_t n = 0;

	(void)state;
	assert_int_equal(models_open(NULL, &models, NULL), ERR_OK);
	plan = model_plan(models_find(models, POWER), CLASS_LIVE, &n);
	assert_int_equal(n, 9);
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < i; k++)
			assert_int_not_equal(plan[i].item, plan[k].item);
	assert_int_equal(plan[0].item, 0x0001FF00);
	assert_false(plan[0].optional); /* the billed register */
	assert_true(plan[1].optional);
	assert_int_equal(plan[8].item, 0x04000503);
	assert_false(plan[8].optional); /* the relay */
	model_plan(models_find(models, WATER), CLASS_LIVE, &n);
	assert_int_equal(n, 1);
	model_plan(models_find(models, WATER), CLASS_CONFIG, &n);
	assert_int_equal(n, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_frame_of_dlt645_comes_back),
		cmocka_unit_test(every_frame_of_cjt188_comes_back),
		cmocka_unit_test(what_the_frames_of_dlt645_say),
		cmocka_unit_test(replies_of_dlt645_are_checked),
		cmocka_unit_test(no_spoiled_byte_passes),
		cmocka_unit_test(error_bytes_are_named),
		cmocka_unit_test(frames_are_found_amid_noise),
		cmocka_unit_test(a_wrong_sum_is_told),
		cmocka_unit_test(replies_of_cjt188_are_checked),
		cmocka_unit_test(the_odd_valve_reply_is_taken_where_the_model_says_so),
		cmocka_unit_test(digits_both_ways),
		cmocka_unit_test(bad_model_files_are_refused_by_path),
		cmocka_unit_test(right_model_files_are_taken),
		cmocka_unit_test(items_are_asked_for_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
