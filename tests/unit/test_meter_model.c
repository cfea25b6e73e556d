/* Model files: what is refused, how reads are merged, and that encoding and decoding agree. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "meter/model.h"

static struct models *models_all(void)
{
	struct models *models = NULL;
	struct problem why = { 0 };

	if (models_open(NULL, &models, &why) != ERR_OK)
		fail_msg("%s: %s", why.field, why.text);
	return models;
}

/* A small model, as a form in which single parts are replaced. */
struct form {
	const char *head, *limits, *blocks, *points, *rest;
};

static const struct form good = {
	.head = "\"name\":\"t\",\"maker\":\"T\",\"title\":\"T\",\"utility\":\"electricity\","
		"\"maturity\":\"draft\",\"framing\":\"modbus\",",
	.limits = "\"max_read\":20,\"gap_max\":4,\"pause_ms\":0,\"answer_ms\":100",
	.blocks = "{\"address\":\"0x0000\",\"count\":100},"
		  "{\"function\":4,\"address\":\"0x0000\",\"count\":100}",
	.points = "{\"point\":\"energy\",\"address\":\"0x0000\",\"wire\":\"u32\",\"scale\":\"10\"}",
	.rest = "",
};

static enum err form_parse(const struct form *f, struct model **m, struct problem *why)
{
	AUTO(buf_free) struct buf b = { 0 };

	buf_printf(&b, "{%s\"limits\":{%s},\"blocks\":[%s],\"points\":[%s]%s}",
		f->head ? f->head : good.head, f->limits ? f->limits : good.limits,
		f->blocks ? f->blocks : good.blocks, f->points ? f->points : good.points,
		f->rest ? f->rest : good.rest);
	return model_parse(b.text, b.len, m, why);
}

static struct model *form_model(const char *points)
{
	struct form f = { .points = points };
	struct model *m = NULL;
	struct problem why = { 0 };

	if (form_parse(&f, &m, &why) != ERR_OK)
		fail_msg("%s: %s", why.field, why.text);
	return m;
}

#define ENERGY "{\"point\":\"energy\",\"address\":\"0x0000\",\"wire\":\"u32\",\"scale\":\"10\"}"
#define HEAD(name, utility)                                                                        \
	"\"name\":\"" name "\",\"maker\":\"T\",\"title\":\"T\",\"utility\":\"" utility             \
	"\",\"maturity\":\"draft\",\"framing\":\"modbus\","

#define RATES ",\"settings\":{\"rates\":[\"peak\",\"valley\"],"

/* Files that are refused, and where each is wrong. */
static const struct {
	struct form form;
	const char *field;
} bad_files[] = {
	{ { .head = "" }, "name" },
	{ { .head = HEAD("Upper", "electricity") }, "name" },
	{ { .head = HEAD("", "electricity") }, "name" },
	{ { .head = HEAD("t", "gas") }, "utility" },
	{ { .head = HEAD("t", "water") }, "points" },
	{ { .head = HEAD("t", "electricity") "\"colour\":1," }, "colour" },
	{ { .limits = "" }, "limits.max_read" },
	{ { .limits = "\"max_read\":126,\"gap_max\":4,\"pause_ms\":0,\"answer_ms\":100" },
		"limits.max_read" },
	{ { .limits = "\"max_read\":1,\"gap_max\":4,\"pause_ms\":0,\"answer_ms\":100" },
		"points[0].count" },
	{ { .blocks = "7" }, "blocks[0]" },
	{ { .blocks = "{\"address\":\"0x0000\",\"count\":0}" }, "blocks[0].count" },
	{ { .blocks = "{\"address\":\"0xFFFF\",\"count\":2}" }, "blocks[0].count" },
	{ { .blocks = "{\"address\":\"0\",\"count\":1}" }, "blocks[0].address" },
	{ { .blocks = "{\"address\":\"0x00g0\",\"count\":1}" }, "blocks[0].address" },
	{ { .blocks = "{\"address\":\"0x0000\",\"count\":1}" }, "points[0].address" },
	{ { .blocks = "{\"address\":\"0x0000\",\"count\":21,\"whole\":true}" }, "blocks[0].count" },
	{ { .points = "" }, "points" },
	{ { .points = ENERGY "," ENERGY }, "points[1].point" },
	{ { .points = "{\"point\":\"heat\",\"address\":\"0x0000\",\"wire\":\"u32\"}" },
		"points[0].point" },
	{ { .points = "{\"point\":\"energy\",\"address\":\"0x0000\",\"wire\":\"u33\"}" },
		"points[0].wire" },
	{ { .points = "{\"point\":\"energy\",\"address\":\"0x0000\",\"wire\":\"bcd\"}" },
		"points[0].count" },
	{ { .points = "{\"point\":\"energy\",\"address\":\"0x0000\",\"wire\":\"ymdhms\"}" },
		"points[0].wire" },
	{ { .points = "{\"point\":\"energy\",\"address\":\"0x0063\",\"wire\":\"u32\"}" },
		"points[0].address" },
	{ { .points = "{\"point\":\"energy\",\"function\":5,\"address\":\"0x0000\","
		      "\"wire\":\"u32\"}" },
		"points[0].function" },
	{ { .points = "{\"point\":\"energy\",\"address\":\"0x0000\",\"wire\":\"u32\","
		      "\"scale\":10}" },
		"points[0].scale" },
	{ { .points = "{\"point\":\"energy\",\"address\":\"0x0000\",\"wire\":\"u32\","
		      "\"scale\":\"0\"}" },
		"points[0].scale" },
	{ { .points = "{\"point\":\"energy\",\"address\":\"0x0000\",\"wire\":\"u32\","
		      "\"scale\":\"1/0\"}" },
		"points[0].scale" },
	{ { .points = "{\"point\":\"energy\",\"address\":\"0x0000\",\"wire\":\"u32\","
		      "\"scale\":\"-1\"}" },
		"points[0].scale" },
	{ { .points = "{\"point\":\"energy\",\"address\":\"0x0000\",\"wire\":\"u32\","
		      "\"ratio\":\"ct\"}" },
		"points[0].ratio" },
	{ { .points = ENERGY ",{\"point\":\"serial\",\"address\":\"0x0002\","
			     "\"wire\":\"bcd\",\"count\":6}" },
		"points[1].count" },
	{ { .points = ENERGY ",{\"point\":\"credit\",\"address\":\"0x0002\","
			     "\"wire\":\"s32\"}" },
		"credit_unit" },
	{ { .rest = ",\"status\":[{\"status\":\"sad\"}]" }, "status[0].status" },
	{ { .rest = ",\"status\":[{\"status\":\"fault\",\"address\":\"0x0000\","
		    "\"mask\":\"0x0000\"}]" },
		"status[0].value" },
	{ { .rest = ",\"supply\":[{\"supply\":\"on\",\"address\":\"0x0000\","
		    "\"mask\":\"0x0001\",\"value\":\"0x0002\"}]" },
		"supply[0].value" },
	{ { .rest = ",\"supply\":[{\"supply\":\"on\",\"address\":\"0x0064\","
		    "\"mask\":\"0x0001\"}]" },
		"supply[0].address" },
	{ { .rest = ",\"actions\":{\"explode\":{}}" }, "actions.explode" },
	{ { .rest = ",\"actions\":{\"on\":{\"function\":14,\"address\":\"0x0000\","
		    "\"values\":[1],\"clears\":\"forced\"}}" },
		"actions.on.function" },
	{ { .rest = ",\"actions\":{\"on\":{\"function\":6,\"address\":\"0x0000\","
		    "\"values\":[1,2],\"clears\":\"forced\"}}" },
		"actions.on.values" },
	{ { .rest = ",\"actions\":{\"on\":{\"function\":6,\"address\":\"0x0000\","
		    "\"values\":[65536],\"clears\":\"forced\"}}" },
		"actions.on.values" },
	{ { .rest = ",\"actions\":{\"on\":{\"function\":6,\"address\":\"0x0000\","
		    "\"values\":[1]}}" },
		"actions.on.shows" },
	{ { .rest = ",\"actions\":{\"on\":{\"function\":6,\"address\":\"0x0000\","
		    "\"values\":[1],\"shows\":\"on\"}}" },
		"actions.on.shows" },
	{ { .rest = ",\"settings\":{\"colour\":1}" }, "settings.colour" },
	{ { .rest = ",\"settings\":{\"rates\":[\"sharp\",\"sharp\"]}" }, "settings.rates" },
	{ { .rest = ",\"settings\":{\"rates\":[\"dear\"]}" }, "settings.rates" },
	{ { .rest = ",\"settings\":{\"prices\":{\"address\":\"0x0000\",\"step_micro\":100}}" },
		"settings.prices.rates" },
	{ { .rest = RATES "\"prices\":{\"address\":\"0x0061\",\"step_micro\":100}}" },
		"settings.prices.address" },
	{ { .rest = RATES "\"prices\":{\"address\":\"0x0000\",\"step_micro\":0}}" },
		"settings.prices.step_micro" },
	{ { .rest = RATES "\"prices\":{\"address\":\"0x0000\",\"step_micro\":1,\"write\":"
			  "{\"function\":16,\"address\":\"0x0000\",\"count\":4,\"at\":1}}}" },
		"settings.prices.write.at" },
	{ { .rest = RATES "\"prices\":{\"address\":\"0x0000\",\"step_micro\":1,\"write\":"
			  "{\"function\":17,\"address\":\"0x0000\",\"count\":4,\"at\":0}}}" },
		"settings.prices.write.function" },
	{ { .rest = RATES "\"prepaid\":{\"address\":\"0x0000\",\"write\":{\"function\":16,"
			  "\"address\":\"0x0000\",\"count\":1,\"at\":1,\"flag\":1}}}" },
		"settings.prepaid.write.flag" },
	{ { .rest = RATES "\"slots\":{\"slots\":14,\"schedules\":[]}}" },
		"settings.slots.schedules" },
	{ { .rest = RATES "\"slots\":{\"slots\":14,\"schedules\":[\"0x0050\"]}}" },
		"settings.slots.schedules" },
	{ { .rest = RATES "\"slots\":{\"slots\":33,\"schedules\":[\"0x0000\"]}}" },
		"settings.slots.slots" },
	{ { .rest = RATES "\"slots\":{\"slots\":4,\"schedules\":[\"0x0000\"],"
			  "\"zone_count\":4}}" },
		"settings.slots.zones" },
	{ { .rest = RATES "\"slots\":{\"slots\":4,\"schedules\":[\"0x0000\"],\"write\":6}}" },
		"settings.slots.write" },
};

static void bad_files_are_refused_with_their_path(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad_files); i++) {
		struct model *m = NULL;
		struct problem why = { 0 };

		if (form_parse(&bad_files[i].form, &m, &why) == ERR_OK)
			fail_msg("row %zu was taken", i);
		assert_null(m);
		assert_string_equal(why.field, bad_files[i].field);
		assert_true(why.text[0]);
	}
}

static void the_form_itself_is_good(void **state)
{
	struct model *m = form_model(NULL);

	(void)state;
	assert_string_equal(m->name, "t");
	assert_int_equal(m->supply_count, 0);
	assert_false(model_can(m, ACT_ON));
	model_free(&m);
}

#define POINT_AT(point, address)                                                                   \
	"{\"point\":\"" point "\",\"address\":\"" address "\",\"wire\":\"u16\"}"

static void reads_merge_within_gap_length_and_block(void **state)
{
	size_t n = 0;
	/* max_read 20, gap_max 4: 0x00-0x01 and 0x06 (gap 4) merge; 0x0C (gap 5) does not; 0x1F
	 * would make 20 registers from 0x0C and fits, 0x20 would make 21. */
	struct model *m = form_model(ENERGY "," POINT_AT("voltage_a", "0x0006") "," POINT_AT(
		"voltage_b", "0x000C") "," POINT_AT("voltage_c", "0x0010") "," POINT_AT("current_a",
		"0x0015") "," POINT_AT("current_b", "0x001A") "," POINT_AT("current_c",
		"0x001F") "," POINT_AT("power", "0x0020"));
	const struct model_read *plan = model_plan(m, CLASS_LIVE, &n);

	(void)state;
	assert_int_equal(n, 3);
	assert_int_equal(plan[0].address, 0);
	assert_int_equal(plan[0].count, 7);
	assert_int_equal(plan[1].address, 0x0C);
	assert_int_equal(plan[1].count, 20);
	assert_int_equal(plan[2].address, 0x20);
	assert_int_equal(plan[2].count, 1);
	model_plan(m, CLASS_CONFIG, &n);
	assert_int_equal(n, 0);
	model_free(&m);
}

static void reads_never_leave_a_block(void **state)
{
	struct form f = { .blocks = "{\"address\":\"0x0000\",\"count\":3},"
				    "{\"address\":\"0x0003\",\"count\":9},"
				    "{\"address\":\"0x0020\",\"count\":10,\"whole\":true}",
		.points = ENERGY
		"," POINT_AT("voltage_a", "0x0003") "," POINT_AT("power", "0x0025") };
	struct model *m = NULL;
	size_t n = 0;
	const struct model_read *plan;

	(void)state;
	assert_int_equal(form_parse(&f, &m, NULL), ERR_OK);
	plan = model_plan(m, CLASS_LIVE, &n);
	assert_int_equal(n, 3);
	assert_int_equal(plan[0].count, 2);
	assert_int_equal(plan[1].address, 3);
	assert_int_equal(plan[1].count, 1);
	assert_int_equal(plan[2].address, 0x20); /* a whole block, or nothing */
	assert_int_equal(plan[2].count, 10);
	model_free(&m);
}

/* Every wire kind in every order: one point, known registers, known value. */
static const struct {
	const char *wire, *order, *scale;
	uint16_t regs[4];
	bool refused;
	int64_t value;
} wires[] = {
	{ "u16", "abcd", "1", { 0xFFFF }, false, 65535 },
	{ "u16", "dcba", "1", { 0x0100 }, false, 1 },
	{ "s16", "abcd", "10", { 0x8000 }, false, -327680 },
	{ "u32", "abcd", "10", { 0x0012, 0xD687 }, false, 12345670 },
	{ "u32", "cdab", "10", { 0xD687, 0x0012 }, false, 12345670 },
	{ "u32", "badc", "10", { 0x1200, 0x87D6 }, false, 12345670 },
	{ "u32", "dcba", "10", { 0x87D6, 0x1200 }, false, 12345670 },
	{ "u32", "abcd", "0.1", { 0, 15 }, false, 2 }, /* 1.5: halves go up */
	{ "s32", "abcd", "0.1", { 0xFFFF, 0xFFF1 }, false, -2 },
	{ "u32", "abcd", "1/3", { 0, 10 }, false, 3 },
	{ "s32", "abcd", "1", { 0xFFFF, 0xFFFE }, false, -2 },
	{ "u64", "abcd", "1", { 0, 0x0001, 0, 2 }, false, 0x100000002 },
	{ "u64", "cdab", "1", { 2, 0, 0x0001, 0 }, false, 0x100000002 },
	{ "u64", "abcd", "1", { 0xFFFF, 0xFFFF, 0xFFFF, 0xFFFF }, true, 0 },
	{ "s64", "abcd", "1", { 0xFFFF, 0xFFFF, 0xFFFF, 0xFFFF }, false, -1 },
	{ "u48", "abcd", "1", { 0x0001, 0x0000, 0x0002 }, false, 0x100000002 },
	{ "u48", "cdab", "1", { 0x0002, 0x0000, 0x0001 }, false, 0x100000002 },
	{ "u48", "badc", "1", { 0x0100, 0x0000, 0x0200 }, false, 0x100000002 },
	{ "u48", "dcba", "1", { 0x0200, 0x0000, 0x0100 }, false, 0x100000002 },
	{ "s48", "abcd", "1", { 0xFFFF, 0xFFFF, 0xFFFE }, false, -2 },
	{ "s48", "abcd", "1", { 0x8000, 0x0000, 0x0000 }, true, 0 },
	{ "u64", "badc", "1", { 0, 0x0100, 0, 0x0200 }, false, 0x100000002 },
	{ "u64", "dcba", "1", { 0x0200, 0, 0x0100, 0 }, false, 0x100000002 },
	/* each byte named: 64 bits have more orders than four */
	{ "u64", "efghabcd", "1", { 0, 2, 0, 0x0001 }, false, 0x100000002 },
	{ "u64", "cdabghef", "1", { 0x0001, 0, 2, 0 }, false, 0x100000002 },
	{ "u64", "fehgbadc", "1", { 0, 0x0200, 0, 0x0100 }, false, 0x100000002 },
	{ "u32", "acbd", "1", { 0x0012, 0x0034 }, false, 0x00001234 },
	{ "u16", "ba", "1", { 0x3412 }, false, 0x1234 },
	{ "f64", "abcd", "1000", { 0x3FE1, 0x70A3, 0xD70A, 0x3D71 }, false, 545 },
	{ "f64", "dcba", "1000", { 0x713D, 0x0AD7, 0xA370, 0xE13F }, false, 545 },
	{ "f64", "abcd", "1", { 0x7FF8, 0, 0, 0 }, true, 0 }, /* not a number */
	{ "f64", "abcd", "1", { 0x7FEF, 0xFFFF, 0xFFFF, 0xFFFF }, true, 0 },
	{ "bcd\",\"count\":1,\"note\":\"", "abcd", "1", { 0x1234 }, false, 1234 },
	{ "bcd\",\"count\":2,\"note\":\"", "abcd", "10", { 0x0012, 0x3456 }, false, 1234560 },
	{ "bcd\",\"count\":2,\"note\":\"", "dcba", "1", { 0x5634, 0x1200 }, false, 123456 },
	{ "bcd\",\"count\":3,\"note\":\"", "cdab", "1", { 0x0001, 0x0000, 0 }, false, 1 },
	{ "bcd\",\"count\":4,\"note\":\"64", "abcd", "1", { 0, 0x1234, 0x5678, 0x9012 }, false,
		123456789012 },
	{ "bcd\",\"count\":1,\"note\":\"", "abcd", "1", { 0x123A }, true, 0 },
	{ "u16\",\"mask\":\"0x0FF0", "abcd", "1", { 0xA12B }, false, 0x12 },
	{ "u32\",\"mask\":\"0x00FFFFFF", "abcd", "1", { 0xAA01, 0x0203 }, false, 0x010203 },
	{ "u32\",\"mask\":\"0xFF000000", "dcba", "1", { 0, 0x007B }, false, 0x7B },
	{ "u16\",\"offset\":-40,\"note\":\"", "abcd", "0.1", { 665 }, false, 27 },
	{ "s16\",\"offset\":40,\"note\":\"", "abcd", "1", { 0xFFFE }, false, 38 },
	/* 1E 85 0B 3F, as sent, is 0.545 */
	{ "f32", "dcba", "1000", { 0x1E85, 0x0B3F }, false, 545 },
	{ "f32", "abcd", "1000", { 0x3F0B, 0x851E }, false, 545 },
	{ "f32", "abcd", "1", { 0xBFC0, 0x0000 }, false, -2 }, /* -1.5 */
	{ "f32", "abcd", "1", { 0x7FC0, 0x0000 }, true, 0 },   /* not a number */
	{ "f32", "abcd", "1", { 0x7F80, 0x0000 }, true, 0 },   /* infinite */
	{ "f32", "abcd", "1", { 0xFF80, 0x0000 }, true, 0 },
	{ "f32", "abcd", "1", { 0x7F7F, 0xFFFF }, true, 0 },  /* 3.4e38 */
	{ "f32", "abcd", "1", { 0x8000, 0x0000 }, false, 0 }, /* -0 */
	{ "f32", "abcd", "1", { 0x0000, 0x0001 }, false, 0 }, /* denormal */
};

static void wire_decodes(size_t i)
{
	AUTO(buf_free) struct buf points = { 0 };
	struct register_block b = { .function = 4, .address = 10, .count = 4 };
	struct meter_reading r = { .value[POINT_POWER] = 77 };
	struct problem why = { 0 };
	struct model *m;
	enum err e;

	buf_printf(&points,
		ENERGY ",{\"point\":\"power\",\"function\":4,\"address\":\"0x000A\","
		       "\"wire\":\"%s\",\"order\":\"%s\",\"scale\":\"%s\"}",
		wires[i].wire, wires[i].order, wires[i].scale);
	m = form_model(points.text);
	/* 64 bits reach beyond what power may be, so widen by using no limit: credit */
	memcpy(b.regs, wires[i].regs, sizeof(wires[i].regs));
	if (strstr(wires[i].wire, "64") || strstr(wires[i].wire, "48"))
		m->points[1].point = POINT_CREDIT;
	e = model_decode(m, &b, 1, &r, &why);
	if (e != (wires[i].refused ? ERR_PROTOCOL : ERR_OK))
		fail_msg("row %zu: %s", i, why.text);
	if (wires[i].refused)
		assert_int_equal(r.value[POINT_POWER], 77); /* untouched */
	else
		assert_int_equal(r.value[m->points[1].point], wires[i].value);
	assert_false(reading_has(&r, POINT_ENERGY)); /* not in the block given */
	model_free(&m);
}

static void wires_and_orders(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(wires); i++)
		wire_decodes(i);
}

/* A model with one more point, and what it makes of these registers from 0x000A. */
static enum err decode_with(const char *rest, const char *points, const uint16_t *regs,
	struct meter_reading *r, struct problem *why)
{
	AUTO(buf_free) struct buf all = { 0 };
	AUTO(model_free) struct model *m = NULL;
	struct register_block b = { .function = 3, .address = 10, .count = 8 };
	struct form f = { .rest = rest };
	enum err e;

	buf_printf(&all, "%s,%s", ENERGY, points);
	f.points = all.text;
	e = form_parse(&f, &m, why);
	if (e != ERR_OK)
		fail_msg("%s: %s", why->field, why->text);
	memcpy(b.regs, regs, 8 * sizeof(regs[0]));
	return model_decode(m, &b, 1, r, why);
}

#define FACTORS                                                                                    \
	",\"factors\":[{\"factor\":\"places\",\"address\":\"0x000A\",\"times\":\"power_of_ten\"}," \
	"{\"factor\":\"unit\",\"address\":\"0x000B\",\"mask\":\"0x0F00\",\"times\":\"table\","     \
	"\"table\":{\"0\":\"1\",\"3\":\"1000\",\"4\":\"1/3\"}},"                                   \
	"{\"factor\":\"vt\",\"address\":\"0x000C\",\"times\":\"register\",\"scale\":\"0.1\"}]"
#define SCALED                                                                                     \
	"{\"point\":\"power\",\"address\":\"0x000D\",\"wire\":\"s32\","                            \
	"\"factors\":[\"places\",\"unit\",\"vt\"]}"

static void registers_scale_other_registers(void **state)
{
	static const struct {
		uint16_t regs[8];
		bool refused;
		int64_t value;
	} rows[] = {
		{ { 0, 0, 10, 0, 1234 }, false, 1234 },
		{ { 2, 0, 10, 0, 1234 }, false, 123400 },
		{ { 0xFFFE, 0, 10, 0, 1234 }, false, 12 }, /* ten to the -2nd */
		{ { 0, 0xA3AA, 10, 0, 5 }, false, 5000 },
		{ { 0, 0x0400, 10, 0xFFFF, 0xFFF7 }, false, -3 },
		{ { 0xFFFF, 0x0300, 263, 0, 7 }, false, 18410 },
		{ { 0, 0x0100, 10, 0, 1 }, true, 0 }, /* not in the table */
		{ { 0, 0, 0, 0, 1 }, true, 0 },	      /* a ratio that was never set */
		{ { 10, 0, 10, 0, 1 }, true, 0 },     /* no such power of ten */
		{ { 9, 0x0300, 0xFFFF, 0x7FFF, 0xFFFF }, true, 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct meter_reading r = { 0 };
		struct problem why = { 0 };
		enum err e = decode_with(FACTORS, SCALED, rows[i].regs, &r, &why);

		if (e != (rows[i].refused ? ERR_PROTOCOL : ERR_OK))
			fail_msg("row %zu: %s", i, why.text);
		assert_int_equal(r.value[POINT_POWER], rows[i].value);
		if (rows[i].refused)
			assert_string_equal(why.field, "power");
	}
}

/* A factor is read along with the points that need it, wherever it lies, and only then. */
static void factors_are_read_with_their_points(void **state)
{
	struct form f = { .rest = ",\"factors\":[{\"factor\":\"a\",\"address\":\"0x0040\","
				  "\"times\":\"power_of_ten\"},{\"factor\":\"b\",\"address\":"
				  "\"0x0050\",\"times\":\"power_of_ten\"}]",
		.points = ENERGY ",{\"point\":\"power\",\"address\":\"0x0060\",\"wire\":\"u16\","
				 "\"factors\":[\"b\"]},{\"point\":\"pt_ratio\",\"address\":"
				 "\"0x0010\",\"wire\":\"u16\",\"factors\":[\"a\"],"
				 "\"class\":\"config\"}" };
	AUTO(model_free) struct model *m = NULL;
	const struct model_read *plan;
	size_t n = 0;

	(void)state;
	assert_int_equal(form_parse(&f, &m, NULL), ERR_OK);
	plan = model_plan(m, CLASS_LIVE, &n);
	assert_int_equal(n, 3);
	assert_int_equal(plan[1].address, 0x50);
	plan = model_plan(m, CLASS_CONFIG, &n);
	assert_int_equal(n, 2);
	assert_int_equal(plan[1].address, 0x40);
}

#define CLOCK(rest) "{\"point\":\"clock\",\"address\":\"0x000A\"," rest "}"
#define NOV_22 1795370829 /* 2026-11-22 18:07:09, a Sunday */

static void clocks_lie_in_many_ways(void **state)
{
	static const struct {
		const char *point;
		uint16_t regs[8];
		int64_t seconds; /* 0: absent */
	} rows[] = {
		{ CLOCK("\"wire\":\"ymdwhms\""), { 0x1A0B, 0x1600, 0x1207, 0x0900 }, NOV_22 },
		{ CLOCK("\"wire\":\"ymdhms\""), { 0x1A0B, 0x1612, 0x0709 }, NOV_22 },
		{ CLOCK("\"wire\":\"clock\",\"layout\":\"smhDMY\""), { 0x0907, 0x1216, 0x0B1A },
			NOV_22 },
		{ CLOCK("\"wire\":\"clock\",\"layout\":\"YY-M-D-h-m-s\""),
			{ 2026, 11, 22, 18, 7, 9 }, NOV_22 },
		{ CLOCK("\"wire\":\"clock-bcd\",\"layout\":\"YMDhms\""), { 0x2611, 0x2218, 0x0709 },
			NOV_22 },
		{ CLOCK("\"wire\":\"clock-bcd\",\"layout\":\"YYMDWhms\""),
			{ 0x2026, 0x1122, 0x0718, 0x0709 }, NOV_22 },
		{ CLOCK("\"wire\":\"clock\",\"layout\":\"YMDhm-\""), { 0x1A0B, 0x1612, 0x07FF },
			NOV_22 - 9 },
		{ CLOCK("\"wire\":\"u32\",\"offset\":946684800"), { 0x3295, 0xEBCD }, NOV_22 },
		/* shows no time: the 31st of February, hour 24, a digit that is none, zeros */
		{ CLOCK("\"wire\":\"ymdhms\""), { 0x1A02, 0x1F12, 0x0709 }, 0 },
		{ CLOCK("\"wire\":\"ymdhms\""), { 0x1A0B, 0x1618, 0x0709 }, 0 },
		{ CLOCK("\"wire\":\"clock-bcd\",\"layout\":\"YMDhms\""), { 0x2611, 0x2A18, 0x0709 },
			0 },
		{ CLOCK("\"wire\":\"clock\",\"layout\":\"YY-M-D-h-m-s\""), { 0 }, 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct meter_reading r = { 0 };
		struct problem why = { 0 };

		if (decode_with("", rows[i].point, rows[i].regs, &r, &why) != ERR_OK)
			fail_msg("row %zu: %s", i, why.text);
		if (r.value[POINT_CLOCK] != rows[i].seconds ||
			reading_has(&r, POINT_CLOCK) != (rows[i].seconds != 0))
			fail_msg("row %zu", i);
	}
}

static void serial_numbers_lie_in_many_ways(void **state)
{
#define SERIAL(rest) "{\"point\":\"serial\",\"address\":\"0x000A\"," rest "}"
	static const struct {
		const char *point;
		uint16_t regs[8];
		const char *serial; /* NULL: refused */
	} rows[] = {
		{ SERIAL("\"wire\":\"bcd\",\"count\":3"), { 0x2106, 0x2500, 0x1234 },
			"210625001234" },
		{ SERIAL("\"wire\":\"bcd\",\"count\":3,\"digits\":10"), { 0x2206, 0x1501, 0x77FF },
			"2206150177" },
		{ SERIAL("\"wire\":\"bcd\",\"count\":3,\"order\":\"dcba\""),
			{ 0x3412, 0x0025, 0x0621 }, "210625001234" },
		{ SERIAL("\"wire\":\"bcd\",\"count\":1"), { 0x12A4 }, NULL },
		{ SERIAL("\"wire\":\"hex\",\"count\":2"), { 0x12A4, 0x00FF }, "12A400FF" },
		{ SERIAL("\"wire\":\"u32\""), { 0x0098, 0x967F }, "9999999" },
		{ SERIAL("\"wire\":\"u32\",\"order\":\"cdab\""), { 0x967F, 0x0098 }, "9999999" },
		{ SERIAL("\"wire\":\"ascii\",\"count\":4"), { 0x4D54, 0x2D37, 0x3520, 0x0000 },
			"MT-75" },
		{ SERIAL("\"wire\":\"ascii\",\"count\":2,\"order\":\"badc\""), { 0x544D, 0x372D },
			"MT-7" },
		{ SERIAL("\"wire\":\"ascii\",\"count\":2"), { 0x4D07, 0x2D37 }, NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct meter_reading r = { 0 };
		struct problem why = { 0 };
		enum err e = decode_with("", rows[i].point, rows[i].regs, &r, &why);

		if (e != (rows[i].serial ? ERR_OK : ERR_PROTOCOL))
			fail_msg("row %zu: %s", i, why.text);
		assert_string_equal(r.serial, rows[i].serial ? rows[i].serial : "");
	}
}

static void a_meter_that_refuses_odd_counts_is_asked_for_even_ones(void **state)
{
	struct form f = { .limits = "\"max_read\":20,\"gap_max\":0,\"pause_ms\":0,"
				    "\"answer_ms\":100,\"even_counts\":true",
		.blocks = "{\"address\":\"0x0000\",\"count\":10},"
			  "{\"address\":\"0x0020\",\"count\":4},"
			  "{\"function\":2,\"address\":\"0x0000\",\"count\":3}",
		.points =
			ENERGY "," POINT_AT("power", "0x0005") "," POINT_AT("voltage_a", "0x0023"),
		.rest = ",\"status\":[{\"status\":\"fault\",\"function\":2,\"address\":\"0x0001\","
			"\"mask\":\"0x0001\"}]" };
	struct meter_reading state_of = { 0 };
	struct model *m = NULL;
	struct problem why = { 0 };
	const struct model_read *plan;
	uint16_t regs[20];
	size_t n = 0;

	(void)state;
	if (form_parse(&f, &m, &why) != ERR_OK)
		fail_msg("%s: %s", why.field, why.text);
	plan = model_plan(m, CLASS_LIVE, &n);
	assert_int_equal(n, 4);
	assert_int_equal(plan[0].function, 2); /* inputs may be odd */
	assert_int_equal(plan[0].count, 1);
	assert_int_equal(plan[2].address, 5); /* one behind */
	assert_int_equal(plan[2].count, 2);
	assert_int_equal(plan[3].address, 0x22); /* one in front, where the block ends */
	assert_int_equal(plan[3].count, 2);
	assert_int_equal(model_encode(m, &state_of, 3, 0, 3, regs), ERR_BAD_VALUE);
	assert_int_equal(model_encode(m, &state_of, 3, 0, 4, regs), ERR_OK);
	model_free(&m);
	f.blocks = "{\"address\":\"0x0000\",\"count\":10},{\"address\":\"0x0023\",\"count\":1},"
		   "{\"function\":2,\"address\":\"0x0000\",\"count\":3}";
	assert_int_equal(form_parse(&f, &m, &why), ERR_BAD_VALUE);
	assert_string_equal(why.field, "limits.even_counts");
}

static void a_box_gives_its_circuits_their_ids(void **state)
{
	AUTO(models_free) struct models *models = models_all();
	const struct model *m = models_find(models, "acrel-adf300");
	struct model_circuit c[MODEL_CIRCUITS_MAX];
	struct problem why = { 0 };
	size_t n = 0;

	(void)state;
	/* the example of 379811.com: base 1, 8 circuits of three ids, 12 of one */
	assert_int_equal(model_circuits(m, &(struct model_box){ 36, 1, 8 }, c, &n, &why), ERR_OK);
	assert_int_equal(n, 20);
	assert_int_equal(c[3].unit, 10);
	assert_int_equal(c[7].unit, 22);
	assert_int_equal(c[7].takes, 3);
	assert_int_equal(c[8].unit, 25);
	assert_int_equal(c[8].takes, 1);
	assert_int_equal(c[19].unit, 36);
	assert_int_equal(
		model_circuits(m, &(struct model_box){ 36, 217, 12 }, c, &n, &why), ERR_OK);
	assert_int_equal(n, 12);
	assert_int_equal(c[11].unit, 250);
	assert_int_equal(
		model_circuits(m, &(struct model_box){ 36, 2, 0 }, c, &n, &why), ERR_BAD_VALUE);
	assert_int_equal(
		model_circuits(m, &(struct model_box){ 36, 253, 0 }, c, &n, &why), ERR_BAD_VALUE);
	assert_int_equal(
		model_circuits(m, &(struct model_box){ 35, 1, 0 }, c, &n, &why), ERR_BAD_VALUE);
	assert_int_equal(
		model_circuits(m, &(struct model_box){ 12, 13, 5 }, c, &n, &why), ERR_OUT_OF_RANGE);
	m = models_find(models, "acrel-ddsy1352");
	assert_int_equal(model_circuits(m, &(struct model_box){ 36, 1, 0 }, c, &n, &why),
		ERR_NOT_CONFIGURED);
}

static void ratios_multiply_and_must_be_there(void **state)
{
	AUTO(models_free) struct models *models = models_all();
	const struct model *m = models_find(models, "acrel-dtsd1352");
	struct register_block b[2] = {
		{ .function = 3, .address = 0, .count = 2, .regs = { 0, 100 } },
		{ .function = 3, .address = 0x8D, .count = 2, .regs = { 10, 40 } },
	};
	struct meter_reading r;
	struct problem why = { 0 };

	(void)state;
	assert_int_equal(model_decode(m, b, 2, &r, &why), ERR_OK);
	assert_int_equal(r.value[POINT_ENERGY], 400000);
	assert_int_equal(r.step, 10 * 10 * 40); /* 0.01 kWh behind PT 10 and CT 40 */
	assert_int_equal(model_decode(m, b, 1, &r, &why), ERR_PROTOCOL);
	assert_string_equal(why.field, "energy");
	b[1].regs[1] = 0;
	assert_int_equal(model_decode(m, b, 2, &r, &why), ERR_PROTOCOL);
	/* the greatest of everything leaves the limits, not the integers */
	memset(b[0].regs, 0xFF, sizeof(b[0].regs));
	memset(b[1].regs, 0xFF, sizeof(b[1].regs));
	assert_int_equal(model_decode(m, b, 2, &r, &why), ERR_PROTOCOL);
}

/* A reading with a value for every point of the model that its registers can hold exactly. */
static struct meter_reading full_reading(const struct model *m, unsigned seed)
{
	struct meter_reading r = { 0 };

	for (size_t i = 0; i < m->point_count; i++) {
		const struct model_point *p = &m->points[i];
		int64_t raw = 1000 + (int64_t)((seed * 7919 + (unsigned)i * 104729) % 20000);

		if (p->serial)
			snprintf(r.serial, sizeof(r.serial), "%0*u", p->digits % SERIAL_MAX,
				seed * 31 + 5);
		else if (p->point == POINT_CT_RATIO)
			reading_set(&r, p->point, 40);
		else if (p->point == POINT_PT_RATIO)
			reading_set(&r, p->point, 10);
		else if (p->point == POINT_CLOCK)
			reading_set(&r, p->point, 1795370829 + (int64_t)seed * 86399);
		else if (p->wire == WIRE_F32)
			reading_set(&r, p->point, raw);
		else
			reading_set(&r, p->point,
				raw * p->scale_num / p->scale_den * (p->by_ct ? 40 : 1) *
					(p->by_pt ? 10 : 1));
	}
	for (size_t i = 0; i < m->flag_count; i++)
		if ((seed >> (i % 8)) & 1)
			r.status |= UINT32_C(1) << m->flags[i].status;
	r.has_status = m->flag_count > 0;
	r.has_supply = m->supply_count > 0;
	r.supply = !r.has_supply ? SUPPLY_UNKNOWN : seed % 2 ? SUPPLY_ON : SUPPLY_OFF;
	return r;
}

static struct meter_reading there_and_back(const struct model *m, const struct meter_reading *r)
{
	struct register_block blocks[2 * MODEL_READS_MAX];
	struct meter_reading back;
	struct problem why = { 0 };
	size_t n = 0;

	for (size_t c = 0; c < CLASS__MAX; c++) {
		size_t reads = 0;
		const struct model_read *plan = model_plan(m, (enum point_class)c, &reads);

		for (size_t i = 0; i < reads; i++) {
			struct register_block *b = &blocks[n++];

			b->function = plan[i].function;
			b->address = plan[i].address;
			b->count = plan[i].count;
			assert_int_equal(
				model_encode(m, r, b->function, b->address, b->count, b->regs),
				ERR_OK);
		}
	}
	if (model_decode(m, blocks, n, &back, &why) != ERR_OK)
		fail_msg("%s: %s", m->name, why.text);
	return back;
}

static void every_point_of_every_model_comes_back(void **state)
{
	AUTO(models_free) struct models *models = models_all();

	(void)state;
	for (size_t i = 0; i < models_count(models); i++) {
		const struct model *m = models_at(models, i);

		if (m->framing != MODEL_MODBUS)
			continue; /* test_meter_items.c */
		for (unsigned seed = 0; seed < 200; seed++) {
			struct meter_reading r = full_reading(m, seed);
			struct meter_reading back = there_and_back(m, &r);

			for (unsigned p = 0; p < POINT__MAX; p++)
				if (r.value[p] != back.value[p])
					fail_msg("%s: %s", m->name, point_word((enum point)p));
			assert_int_equal(r.has, back.has);
			assert_string_equal(r.serial, back.serial);
			assert_int_equal(r.status, back.status);
			assert_int_equal(r.has_supply, back.has_supply);
			assert_int_equal(r.supply, back.supply);
		}
	}
}

static void a_moving_valve_shows_neither_bit(void **state)
{
	AUTO(models_free) struct models *models = models_all();
	const struct model *m = models_find(models, "xintai-water");
	struct meter_reading r = full_reading(m, 1), back;

	(void)state;
	r.supply = SUPPLY_MOVING;
	back = there_and_back(m, &r);
	assert_int_equal(back.supply, SUPPLY_MOVING);
}

/* Any window onto the registers shows the same as the whole. */
static void any_window_shows_the_same_registers(void **state)
{
	AUTO(models_free) struct models *models = models_all();

	(void)state;
	for (size_t i = 0; i < models_count(models); i++) {
		const struct model *m = models_at(models, i);
		const struct model_block *b = &m->blocks[0];
		struct meter_reading r = full_reading(m, 3);
		uint16_t whole[MODBUS_READ_MAX], part[MODBUS_READ_MAX];

		if (m->framing != MODEL_MODBUS)
			continue;
		assert_int_equal(
			model_encode(m, &r, b->function, b->address, b->count, whole), ERR_OK);
		for (uint16_t from = 0; from < b->count; from++) {
			uint16_t n = (uint16_t)(b->count - from > 3 ? 3 : b->count - from);

			if (m->limits.even_counts && n % 2)
				n--;
			if (n == 0)
				continue;
			assert_int_equal(model_encode(m, &r, b->function,
						 (uint16_t)(b->address + from), n, part),
				ERR_OK);
			assert_memory_equal(part, whole + from, n * sizeof(part[0]));
		}
	}
}

static void registers_that_a_meter_lacks(void **state)
{
	AUTO(models_free) struct models *models = models_all();
	const struct model *m = models_find(models, "acrel-ddsy1352");
	struct meter_reading r = full_reading(m, 0);
	uint16_t regs[MODBUS_READ_MAX];

	(void)state;
	memset(regs, 0xEE, sizeof(regs));
	assert_int_equal(model_encode(m, &r, 3, 0x01FF, 2, regs), ERR_NOT_FOUND);
	assert_int_equal(model_encode(m, &r, 3, 0x0200, 49, regs), ERR_NOT_FOUND);
	assert_int_equal(model_encode(m, &r, 4, 0x0200, 48, regs), ERR_NOT_FOUND);
	assert_int_equal(model_encode(m, &r, 3, 0x0200, 0, regs), ERR_NOT_FOUND);
	assert_int_equal(model_encode(m, &r, 3, 0xFFFF, 125, regs), ERR_NOT_FOUND);
	reading_set(&r, POINT_ENERGY, INT64_C(42949672960)); /* one more than fits */
	assert_int_equal(model_encode(m, &r, 3, 0x0200, 48, regs), ERR_OUT_OF_RANGE);
	reading_set(&r, POINT_ENERGY, -10);
	assert_int_equal(model_encode(m, &r, 3, 0x0200, 48, regs), ERR_OUT_OF_RANGE);
	assert_int_equal(regs[0], 0xEEEE);
}

static void acts_are_recognised_and_confirmed(void **state)
{
	static const uint16_t closed[] = { 1, 0 }, open[] = { 1, 1 }, released[] = { 0, 0 };
	AUTO(models_free) struct models *models = models_all();
	const struct model *m = models_find(models, "acrel-ddsy1352");
	struct meter_reading r = { .has_supply = true, .supply = SUPPLY_OFF, .has_status = true };
	enum meter_act act = ACT_KEEP;

	(void)state;
	assert_true(model_match_act(m, 16, 0x57, closed, 2, &act));
	assert_int_equal(act, ACT_ON);
	assert_true(model_match_act(m, 16, 0x57, open, 2, &act));
	assert_int_equal(act, ACT_OFF);
	assert_true(model_match_act(m, 16, 0x57, released, 2, &act));
	assert_int_equal(act, ACT_AUTO);
	assert_false(model_match_act(m, 6, 0x57, closed, 1, &act));
	assert_false(model_match_act(m, 16, 0x58, closed, 2, &act));
	assert_true(model_confirms(m, ACT_OFF, &r));
	assert_false(model_confirms(m, ACT_ON, &r));
	assert_true(model_confirms(m, ACT_AUTO, &r));
	r.status = UINT32_C(1) << STATUS_FORCED;
	assert_false(model_confirms(m, ACT_AUTO, &r));
	r.supply = SUPPLY_ON;
	assert_true(model_confirms(m, ACT_ON, &r));
	assert_true(model_confirms(m, ACT_KEEP, &r));
	r.has_supply = r.has_status = false;
	for (enum meter_act a = ACT_ON; a < ACT__MAX; a++)
		assert_false(model_confirms(m, a, &r));
}

/* A meter of two rates, in an order of its own, that writes its prices as plain registers. */
static void settings_by_other_models(void **state)
{
	struct form form = {
		.rest = RATES
		"\"prices\":{\"address\":\"0x0010\",\"step_micro\":100,\"write\":{\"function\":16,"
		"\"address\":\"0x0010\",\"count\":4,\"at\":0}},"
		"\"slots\":{\"slots\":3,\"schedules\":[\"0x0020\"],\"rate_first\":0,\"write\":16}}"
	};
	struct register_block b = { 3, 0x0010, 4, { 0, 11000, 0, 3100 } };
	struct settings_write out[MODEL_SCHEDULES_MAX];
	AUTO(model_free) struct model *m = NULL;
	char text[METER_SETTING_TEXT];
	struct problem why = { 0 };
	size_t n = 0;

	(void)state;
	if (form_parse(&form, &m, &why) != ERR_OK)
		fail_msg("%s: %s", why.field, why.text);
	assert_int_equal(model_setting_decode(m, METER_PRICES, &b, 1, text), ERR_OK);
	assert_string_equal(text, "peak 1.1 valley 0.31");
	assert_int_equal(model_setting_write(m, METER_PRICES, text, out, &n), ERR_OK);
	assert_int_equal(n, 1);
	assert_memory_equal(out[0].values, b.regs, 8);
	assert_int_equal(
		model_setting_write(m, METER_SLOTS, "00:00 valley 08:00 peak", out, &n), ERR_OK);
	/* rate, minute, hour; the last one again */
	assert_int_equal(out[0].values[0], 0x0100);
	assert_int_equal(out[0].values[1], 0x0000);
	assert_int_equal(out[0].values[2], 0x0008);
	assert_int_equal(out[0].values[3], 0x0000);
	assert_int_equal(out[0].values[4], 0x0800);
	assert_false(model_tells(m, METER_PREPAID));
	assert_int_equal(model_setting_write(m, METER_PREPAID, "off", out, &n), ERR_NOT_CONFIGURED);
}

static void texts_that_a_meter_cannot_hold(void **state)
{
	static const struct {
		enum meter_setting s;
		const char *text;
	} bad[] = { { METER_PRICES, "" }, { METER_PRICES, "sharp 1 peak 1 flat 1" },
		{ METER_PRICES, "sharp 1 peak 1 flat 1 valley 0.311" },
		{ METER_PRICES, "sharp 1 peak 1 flat 1 valley -1" },
		{ METER_PRICES, "sharp 1 peak 1 flat 1 valley 1 dear 1" },
		{ METER_PRICES, "sharp 1 peak 1 flat 1 valley" }, { METER_SLOTS, "" },
		{ METER_SLOTS, "01:00 peak" }, { METER_SLOTS, "00:00 dear" },
		{ METER_SLOTS, "00:00 peak 00:00 flat" }, { METER_SLOTS, "00:00 peak 24:00 flat" },
		{ METER_SLOTS, "00:00 peak 08:00 flat 07:00 peak" },
		{ METER_SLOTS, "00:00 peak 08:00" }, { METER_PREPAID, "maybe" } };
	AUTO(models_free) struct models *models = NULL;
	struct settings_write out[MODEL_SCHEDULES_MAX];
	const struct model *m;
	size_t n = 0;

	(void)state;
	assert_int_equal(models_open(NULL, &models, NULL), ERR_OK);
	m = models_find(models, "acrel-dtsy1352");
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		if (model_setting_write(m, bad[i].s, bad[i].text, out, &n) != ERR_BAD_VALUE)
			fail_msg("\"%s\" was taken", bad[i].text);
}

static void file_put(const char *dir, const char *name, const char *text)
{
	char path[128];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static char *form_text(const char *head)
{
	struct buf b = { 0 };

	buf_printf(&b, "{%s\"limits\":{%s},\"blocks\":[%s],\"points\":[%s]}", head, good.limits,
		good.blocks, good.points);
	return b.text;
}

/* A file may add a model or replace one; a bad one is told of with path and reason, and costs no
 * other model anything. */
static void a_directory_adds_and_replaces(void **state)
{
	char dir[] = "/tmp/yufu-models-XXXXXX", path[64];
	AUTO(text_free) char *replaces = form_text(HEAD("acrel-ddsy1352", "electricity"));
	AUTO(text_free) char *adds = form_text(HEAD("new-one", "electricity"));
	AUTO(text_free) char *wrong = form_text(HEAD("wrong-one", "gas"));
	struct models *models = NULL;
	struct problem why = { 0 };

	(void)state;
	assert_non_null(mkdtemp(dir));
	file_put(dir, "a.json", replaces);
	file_put(dir, "b.json", wrong);
	file_put(dir, "c.json", "");
	file_put(dir, "d.json", adds);
	file_put(dir, "e.txt", "no model");
	assert_int_equal(models_open(dir, &models, &why), ERR_OK);
	assert_string_equal(models_find(models, "acrel-ddsy1352")->maker, "T");
	assert_non_null(models_find(models, "new-one"));
	assert_non_null(models_find(models, "xintai-water"));
	assert_null(models_find(models, "wrong-one"));
	assert_int_equal(models_refused_count(models), 2);
	snprintf(path, sizeof(path), "%s/b.json", dir);
	assert_string_equal(models_refused_at(models, 0)->field, path);
	assert_non_null(strstr(models_refused_at(models, 0)->text, "utility: "));
	assert_non_null(strstr(models_refused_at(models, 1)->field, "/c.json"));
	models_free(&models);
	for (const char *const *f = (const char *const[]){ "a.json", "b.json", "c.json", "d.json",
		     "e.txt", NULL };
		*f; f++) {
		snprintf(path, sizeof(path), "%s/%s", dir, *f);
		unlink(path);
	}
	rmdir(dir);
	assert_int_equal(models_open(dir, &models, &why), ERR_NOT_FOUND);
}

static void a_reading_prints_as_promised(void **state)
{
	struct meter_reading r = { .at = { 1772323200000 },
		.has_supply = true,
		.supply = SUPPLY_ON,
		.has_status = true,
		.serial = "210625001234" };
	AUTO(json_free) json_t *j = NULL;
	char *text;

	(void)state;
	reading_set(&r, POINT_ENERGY, 1234560);
	reading_set(&r, POINT_ENERGY_SHARP, 0);
	reading_set(&r, POINT_VOLTAGE_A, 230100);
	reading_set(&r, POINT_CREDIT, 198560);
	r.status = 1u << STATUS_ARREARS | 1u << STATUS_ALARM1;
	j = reading_json(&r, "acrel-ddsy1352", "7");
	text = json_text(j);
	assert_string_equal(text,
		"{\"time\":\"2026-03-01T00:00:00.000Z\",\"model\":\"acrel-ddsy1352\",\"unit\":7,"
		"\"serial\":\"210625001234\",\"energy_wh\":1234560,"
		"\"energy_by_rate_wh\":{\"sharp\":0},\"voltage_mv\":[230100],\"supply\":\"on\","
		"\"credit\":\"198.56\",\"status\":[\"arrears\",\"alarm1\"]}");
	free(text);
}

static void credit_keeps_its_sign_and_decimals(void **state)
{
	static const struct {
		int64_t milli;
		const char *text;
	} rows[] = { { 0, "0.00" }, { -3180, "-3.18" }, { -50, "-0.05" }, { 1234, "1.234" },
		{ 100000, "100.00" } };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct meter_reading r = { 0 };
		AUTO(json_free) json_t *j = NULL;

		reading_set(&r, POINT_CREDIT, rows[i].milli);
		j = reading_json(&r, "t", "1");
		assert_string_equal(json_string_value(json_object_get(j, "credit")), rows[i].text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bad_files_are_refused_with_their_path),
		cmocka_unit_test(the_form_itself_is_good),
		cmocka_unit_test(reads_merge_within_gap_length_and_block),
		cmocka_unit_test(reads_never_leave_a_block),
		cmocka_unit_test(wires_and_orders),
		cmocka_unit_test(registers_scale_other_registers),
		cmocka_unit_test(factors_are_read_with_their_points),
		cmocka_unit_test(clocks_lie_in_many_ways),
		cmocka_unit_test(serial_numbers_lie_in_many_ways),
		cmocka_unit_test(a_meter_that_refuses_odd_counts_is_asked_for_even_ones),
		cmocka_unit_test(a_box_gives_its_circuits_their_ids),
		cmocka_unit_test(ratios_multiply_and_must_be_there),
		cmocka_unit_test(every_point_of_every_model_comes_back),
		cmocka_unit_test(a_moving_valve_shows_neither_bit),
		cmocka_unit_test(any_window_shows_the_same_registers),
		cmocka_unit_test(registers_that_a_meter_lacks),
		cmocka_unit_test(acts_are_recognised_and_confirmed),
		cmocka_unit_test(settings_by_other_models),
		cmocka_unit_test(texts_that_a_meter_cannot_hold),
		cmocka_unit_test(a_directory_adds_and_replaces),
		cmocka_unit_test(a_reading_prints_as_promised),
		cmocka_unit_test(credit_keeps_its_sign_and_decimals),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
