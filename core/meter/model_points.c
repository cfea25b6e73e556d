/* The rows of a model file that say what lies where: blocks and points. */
#include <string.h>

#include "meter/model_build.h"
#include "meter/model_parse.h"
#include "meter/word.h"

/* Words of a model file for ways to lie in registers. The two with their own layout are short for a
 * clock. count: registers, 0 where the file says it. */
static const struct {
	const char *word;
	enum wire wire;
	uint16_t count;
	const char *layout;
} wires[] = {
	{ "u16", WIRE_U16, 1, NULL },
	{ "s16", WIRE_S16, 1, NULL },
	{ "u32", WIRE_U32, 2, NULL },
	{ "s32", WIRE_S32, 2, NULL },
	{ "u48", WIRE_U48, 3, NULL },
	{ "s48", WIRE_S48, 3, NULL },
	{ "u64", WIRE_U64, 4, NULL },
	{ "s64", WIRE_S64, 4, NULL },
	{ "f32", WIRE_F32, 2, NULL },
	{ "f64", WIRE_F64, 4, NULL },
	{ "bcd", WIRE_BCD, 0, NULL },
	{ "hex", WIRE_HEX, 0, NULL },
	{ "ascii", WIRE_ASCII, 0, NULL },
	{ "clock", WIRE_CLOCK, 0, NULL },
	{ "clock-bcd", WIRE_CLOCK_BCD, 0, NULL },
	{ "ymdwhms", WIRE_CLOCK, 4, "YMDwhms-" },
	{ "ymdhms", WIRE_CLOCK, 3, "YMDhms" },
};
static const char *const class_words[] = { "live", "config" };
static const char *const ratio_words[] = { "ct", "pt", "ct*pt" };
_Static_assert(ARRAY_LEN(class_words) == CLASS__MAX, "a word for each");

bool wire_is_clock(enum wire w)
{
	return w == WIRE_CLOCK || w == WIRE_CLOCK_BCD;
}

bool wire_is_unsigned(enum wire w)
{
	return w == WIRE_U16 || w == WIRE_U32 || w == WIRE_U48 || w == WIRE_U64;
}

const struct model_block *model_block_of(
	const struct model *m, uint8_t function, uint16_t address, uint16_t count)
{
	for (size_t i = 0; i < m->block_count; i++) {
		const struct model_block *b = &m->blocks[i];

		if (b->function == function && address >= b->address &&
			(unsigned)address + count <= (unsigned)b->address + b->count)
			return b;
	}
	return NULL;
}

enum err parse_block(struct parse *ps, const json_t *obj)
{
	static const char *const names[] = { "function", "address", "count", "whole", "note",
		NULL };
	struct model_block b = { 0 };
	int count = 0;
	enum err e = field_at(ps, json_only(obj, names, ps->why));

	if (e == ERR_OK)
		e = field_read_function(ps, obj, &b.function);
	if (e == ERR_OK)
		e = field_hex(ps, obj, "address", FIELD_REQUIRED, &b.address);
	if (e == ERR_OK)
		e = field_int(ps, obj, "count", FIELD_REQUIRED, 1, 65535 - b.address, &count);
	if (e == ERR_OK)
		e = field_at(ps, json_get_bool(obj, "whole", FIELD_OPTIONAL, &b.whole, ps->why));
	if (e != ERR_OK)
		return e;
	if (b.whole && count > ps->m->limits.max_read)
		return field_bad(ps, "count", "is more than limits.max_read");
	if (ps->m->block_count == MODEL_BLOCKS_MAX)
		return field_bad(ps, "address", "is one block too many");
	b.count = (uint16_t)count;
	ps->m->blocks[ps->m->block_count++] = b;
	return ERR_OK;
}

static enum err parse_ratio(struct parse *ps, const json_t *obj, struct model_point *p)
{
	size_t ratio = ARRAY_LEN(ratio_words);
	enum err e = field_word(
		ps, obj, "ratio", FIELD_OPTIONAL, ratio_words, ARRAY_LEN(ratio_words), &ratio);

	p->by_ct = ratio == 0 || ratio == 2;
	p->by_pt = ratio == 1 || ratio == 2;
	return e;
}

static bool is_twice(const struct model *m, const struct model_point *p)
{
	for (size_t i = 0; i < m->point_count; i++)
		if (m->points[i].serial == p->serial &&
			(p->serial || m->points[i].point == p->point))
			return true;
	return false;
}

enum err parse_point_name(struct parse *ps, const json_t *obj, struct model_point *p)
{
	const char *word = NULL;
	enum err e = field_text(ps, obj, "point", FIELD_REQUIRED, 40, &word);

	if (e != ERR_OK)
		return e;
	p->serial = str_eq(word, "serial");
	if (!p->serial && point_parse(word, &p->point) != ERR_OK)
		return field_bad(ps, "point", "is not the name of a point");
	if (is_twice(ps->m, p))
		return field_bad(ps, "point", "is there twice");
	return ERR_OK;
}

static bool fits_point(const struct model_point *p)
{
	bool text = p->wire == WIRE_HEX || p->wire == WIRE_ASCII;
	bool clock = wire_is_clock(p->wire);

	if (p->serial)
		return text || p->wire == WIRE_BCD || wire_is_unsigned(p->wire);
	return !text && (!clock || p->point == POINT_CLOCK);
}

/* How many registers: some kinds have to say so. */
static enum err parse_count(
	struct parse *ps, const json_t *obj, uint16_t fixed, struct model_point *p)
{
	int count = fixed;
	int most = !p->serial		   ? 4
		   : p->wire == WIRE_ASCII ? (SERIAL_MAX - 1) / 2
					   : (SERIAL_MAX - 1) / 4;
	enum err e;

	if (wire_is_clock(p->wire) && !fixed) {
		if (json_object_get(obj, "count"))
			return field_bad(ps, "count", "follows from the layout");
		e = parse_layout(ps, obj, &p->clock);
		p->count = (uint16_t)(strlen(p->clock.layout) / 2);
		return e;
	}
	if (json_object_get(obj, "layout"))
		return field_bad(ps, "layout", "is for wire clock and clock-bcd");
	e = field_int(ps, obj, "count", fixed ? FIELD_OPTIONAL : FIELD_REQUIRED, fixed ? fixed : 1,
		fixed ? fixed : most, &count);
	p->count = (uint16_t)count;
	return e;
}

enum err parse_class(struct parse *ps, const json_t *obj, enum point_class *out)
{
	size_t class = CLASS_LIVE;
	enum err e = field_word(
		ps, obj, "class", FIELD_OPTIONAL, class_words, ARRAY_LEN(class_words), &class);

	*out = (enum point_class) class;
	return e;
}

static enum err parse_point_wire(struct parse *ps, const json_t *obj, struct model_point *p)
{
	const char *word = NULL;
	size_t i = 0;
	enum err e = field_text(ps, obj, "wire", FIELD_REQUIRED, 20, &word);

	if (e != ERR_OK)
		return e;
	while (i < ARRAY_LEN(wires) && !str_eq(wires[i].word, word))
		i++;
	if (i == ARRAY_LEN(wires))
		return field_bad(ps, "wire", "is not one of the words for it");
	p->wire = wires[i].wire;
	p->clock.bcd = p->wire == WIRE_CLOCK_BCD;
	if (wires[i].layout)
		ASSERT(str_copy(p->clock.layout, sizeof(p->clock.layout), wires[i].layout));
	if (!fits_point(p) || (p->function <= 2 && p->wire != WIRE_U16))
		return field_bad(ps, "wire", "does not fit the point");
	e = parse_count(ps, obj, wires[i].count, p);
	if (e == ERR_OK)
		e = field_place(ps, obj, 2U * p->count, p->place);
	return e == ERR_OK ? parse_class(ps, obj, &p->class) : e;
}

/* One stretch of bits. */
static bool is_stretch(uint64_t mask)
{
	uint64_t low = mask & (~mask + 1);

	return mask != 0 && ((mask + low) & mask) == 0;
}

static enum err parse_mask(struct parse *ps, const json_t *obj, struct model_point *p)
{
	enum err e;

	if (!json_object_get(obj, "mask"))
		return ERR_OK;
	if (p->serial || !wire_is_unsigned(p->wire))
		return field_bad(ps, "mask", "is for u16, u32, u48 and u64");
	e = field_hex_wide(ps, obj, "mask", FIELD_REQUIRED, 4U * p->count, &p->mask);
	if (e == ERR_OK && !is_stretch(p->mask))
		return field_bad(ps, "mask", "must be one stretch of bits");
	return e;
}

static enum err parse_point_factors(struct parse *ps, const json_t *obj, struct model_point *p)
{
	const json_t *list = json_object_get(obj, "factors");

	if (list && json_array_size(list) == 0)
		return field_bad(ps, "factors", "must be a list of names");
	for (size_t i = 0; i < json_array_size(list); i++) {
		const char *name = json_string_value(json_array_get(list, i));
		size_t f = 0;

		while (name && f < ps->m->factor_count && !str_eq(ps->m->factors[f].name, name))
			f++;
		if (!name || f == ps->m->factor_count)
			return field_bad(ps, "factors", "must be names of the model's factors");
		p->factors |= (uint8_t)(1U << f);
	}
	return ERR_OK;
}

static enum err parse_digits(struct parse *ps, const json_t *obj, struct model_point *p)
{
	bool has = p->serial && (p->wire == WIRE_BCD || p->wire == WIRE_HEX);
	int digits = has ? 4 * p->count : 0;
	enum err e;

	if (!has && json_object_get(obj, "digits"))
		return field_bad(ps, "digits", "is for a serial number in bcd or hex");
	e = field_int(ps, obj, "digits", FIELD_OPTIONAL, has ? 1 : 0, digits, &digits);
	p->digits = (uint8_t)digits;
	return e;
}

/* What makes a number of the registers. */
static enum err parse_arithmetic(struct parse *ps, const json_t *obj, struct model_point *p)
{
	enum err e = field_scale(ps, obj, &p->scale_num, &p->scale_den);

	if (e == ERR_OK)
		e = field_at(ps, json_get_int(obj, "offset", FIELD_OPTIONAL, -MODEL_OFFSET_MAX,
					 MODEL_OFFSET_MAX, &p->offset, ps->why));
	if (e == ERR_OK)
		e = parse_ratio(ps, obj, p);
	if (e == ERR_OK)
		e = parse_mask(ps, obj, p);
	if (e == ERR_OK)
		e = parse_point_factors(ps, obj, p);
	return e == ERR_OK ? parse_digits(ps, obj, p) : e;
}

enum err parse_point(struct parse *ps, const json_t *obj)
{
	static const char *const names[] = { "point", "function", "address", "count", "wire",
		"order", "layout", "mask", "digits", "scale", "offset", "ratio", "factors", "class",
		"note", NULL };
	struct model_point p = { 0 };
	enum err e;

	if (ps->m->framing != MODEL_MODBUS)
		return parse_item_point(ps, obj);
	e = field_at(ps, json_only(obj, names, ps->why));

	if (e == ERR_OK)
		e = parse_point_name(ps, obj, &p);
	if (e == ERR_OK)
		e = field_read_function(ps, obj, &p.function);
	if (e == ERR_OK)
		e = field_hex(ps, obj, "address", FIELD_REQUIRED, &p.address);
	if (e == ERR_OK)
		e = parse_point_wire(ps, obj, &p);
	if (e == ERR_OK)
		e = parse_arithmetic(ps, obj, &p);
	if (e == ERR_OK)
		e = field_in_block(ps, p.function, p.address, p.count);
	if (e != ERR_OK)
		return e;
	/* Point names are unique, so there are never more than point names and the serial. */
	_Static_assert(POINT__MAX + 1 <= MODEL_POINTS_MAX, "room for each");
	ps->m->points[ps->m->point_count++] = p;
	return ERR_OK;
}
