/* The rows of a model file that say what lies where: blocks, points, status, supply. */
#include <stdlib.h>
#include <string.h>

#include "meter/model_build.h"
#include "meter/model_parse.h"
#include "meter/word.h"

static const char *const wire_words[] = { "u16", "s16", "u32", "s32", "u64", "s64", "f32", "bcd",
	"hex", "ymdwhms", "ymdhms" };
static const char *const class_words[] = { "live", "config" };
static const char *const ratio_words[] = { "ct", "pt", "ct*pt" };
_Static_assert(ARRAY_LEN(wire_words) == WIRE__MAX, "a word for each");
_Static_assert(ARRAY_LEN(class_words) == CLASS__MAX, "a word for each");

uint16_t wire_registers(enum wire w)
{
	static const uint16_t registers[] = { [WIRE_U16] = 1,
		[WIRE_S16] = 1,
		[WIRE_U32] = 2,
		[WIRE_S32] = 2,
		[WIRE_U64] = 4,
		[WIRE_S64] = 4,
		[WIRE_F32] = 2,
		[WIRE_YMDWHMS] = 4,
		[WIRE_YMDHMS] = 3 };

	return w < ARRAY_LEN(registers) ? registers[w] : 0;
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

/* "10", "0.01" or "1/3", exactly. */
static enum err scale_parse(const char *text, int64_t *num, int64_t *den)
{
	static const int64_t tens[] = { 1, 10, 100, 1000, 10000, 100000, 1000000 };
	const char *split = strpbrk(text, "./");
	char head[16] = "";
	int64_t a = 0, b = 0;
	size_t places;

	*num = 0;
	*den = 1;
	if (!split)
		return i64_parse(text, 1, 1000000000, num);
	places = strlen(split + 1);
	if ((size_t)(split - text) >= sizeof(head))
		return ERR_BAD_VALUE;
	memcpy(head, text, (size_t)(split - text));
	if (i64_parse(head, 0, 1000000000, &a) != ERR_OK ||
		i64_parse(split + 1, 0, 1000000000, &b) != ERR_OK)
		return ERR_BAD_VALUE;
	if (*split == '/') {
		*num = a;
		*den = b;
		return a > 0 && b > 0 ? ERR_OK : ERR_BAD_VALUE;
	}
	if (places >= ARRAY_LEN(tens) || a > 100)
		return ERR_BAD_VALUE;
	*den = tens[places];
	*num = a * *den + b;
	return *num > 0 ? ERR_OK : ERR_BAD_VALUE;
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

enum err parse_scale(struct parse *ps, const json_t *obj, struct model_point *p)
{
	const char *text = "1";
	enum err e = field_text(ps, obj, "scale", FIELD_OPTIONAL, 20, &text);

	if (e == ERR_OK && scale_parse(text, &p->scale_num, &p->scale_den) != ERR_OK)
		return field_bad(ps, "scale", "must be text like \"10\", \"0.1\" or \"1/3\"");
	return e;
}

/* How many registers; only a serial number has to say so. */
static enum err parse_count(struct parse *ps, const json_t *obj, struct model_point *p)
{
	int count = wire_registers(p->wire);
	bool text = p->wire == WIRE_BCD || p->wire == WIRE_HEX;
	enum err e;

	if (text != p->serial)
		return field_bad(ps, "wire", "does not fit the point");
	if (!p->serial &&
		(p->point == POINT_CLOCK) != (p->wire == WIRE_YMDWHMS || p->wire == WIRE_YMDHMS))
		return field_bad(ps, "wire", "does not fit the point");
	e = field_int(ps, obj, "count", text ? FIELD_REQUIRED : FIELD_OPTIONAL, text ? 1 : count,
		text ? (SERIAL_MAX - 1) / 4 : count, &count);
	p->count = (uint16_t)count;
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
	size_t wire = 0;
	enum err e;

	p->order = ps->order;
	e = field_word(ps, obj, "wire", FIELD_REQUIRED, wire_words, ARRAY_LEN(wire_words), &wire);

	if (e == ERR_OK)
		e = field_order(ps, obj, &p->order);
	if (e == ERR_OK)
		e = parse_class(ps, obj, &p->class);
	p->wire = (enum wire)wire;
	return e;
}

enum err parse_point(struct parse *ps, const json_t *obj)
{
	static const char *const names[] = { "point", "function", "address", "count", "wire",
		"order", "scale", "ratio", "class", "note", NULL };
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
		e = parse_count(ps, obj, &p);
	if (e == ERR_OK)
		e = parse_scale(ps, obj, &p);
	if (e == ERR_OK)
		e = parse_ratio(ps, obj, &p);
	if (e == ERR_OK)
		e = field_in_block(ps, p.function, p.address, p.count);
	if (e != ERR_OK)
		return e;
	/* Point names are unique, so there are never more than point names and the serial. */
	_Static_assert(POINT__MAX + 1 <= MODEL_POINTS_MAX, "room for each");
	ps->m->points[ps->m->point_count++] = p;
	return ERR_OK;
}

static enum err parse_bits(struct parse *ps, const json_t *obj, struct model_bits *out)
{
	struct model_bits b = { 0 };
	bool items = ps->m->framing != MODEL_MODBUS;
	enum err e =
		items ? parse_item_place(ps, obj, &b) : field_read_function(ps, obj, &b.function);

	if (e == ERR_OK && !items)
		e = field_hex(ps, obj, "address", FIELD_REQUIRED, &b.address);
	if (e == ERR_OK)
		e = field_hex(ps, obj, "mask", FIELD_REQUIRED, &b.mask);
	b.value = b.mask;
	if (e == ERR_OK)
		e = field_hex(ps, obj, "value", FIELD_OPTIONAL, &b.value);
	if (e == ERR_OK && !items)
		e = field_in_block(ps, b.function, b.address, 1);
	if (e != ERR_OK)
		return e;
	if (b.mask == 0 || (b.value & ~b.mask) != 0)
		return field_bad(ps, "value", "must lie inside a mask that is not 0");
	*out = b;
	return ERR_OK;
}

enum err parse_flag(struct parse *ps, const json_t *obj)
{
	static const char *const names[] = { "status", "function", "address", "mask", "value",
		"note", NULL };
	static const char *const item_names[] = { "status", "item", "at", "bytes", "mask", "value",
		"note", NULL };
	struct model_flag f = { 0 };
	const char *word = NULL;
	bool items = ps->m->framing != MODEL_MODBUS;
	enum err e = field_at(ps, json_only(obj, items ? item_names : names, ps->why));

	if (e == ERR_OK)
		e = field_text(ps, obj, "status", FIELD_REQUIRED, 40, &word);
	if (e == ERR_OK && status_parse(word, &f.status) != ERR_OK)
		return field_bad(ps, "status", "is not the name of a status");
	if (e == ERR_OK)
		e = parse_bits(ps, obj, &f.when);
	if (e != ERR_OK)
		return e;
	if (f.when.value == 0)
		return field_bad(ps, "value", "must not be 0");
	if (ps->m->flag_count == MODEL_FLAGS_MAX)
		return field_bad(ps, "status", "is one too many");
	ps->m->flags[ps->m->flag_count++] = f;
	return ERR_OK;
}

enum err parse_state(struct parse *ps, const json_t *obj)
{
	static const char *const names[] = { "supply", "function", "address", "mask", "value",
		"note", NULL };
	static const char *const item_names[] = { "supply", "item", "at", "bytes", "mask", "value",
		"note", NULL };
	struct model_supply s = { 0 };
	const char *word = NULL;
	bool items = ps->m->framing != MODEL_MODBUS;
	enum err e = field_at(ps, json_only(obj, items ? item_names : names, ps->why));

	if (e == ERR_OK)
		e = field_text(ps, obj, "supply", FIELD_REQUIRED, 40, &word);
	if (e == ERR_OK && supply_parse(word, &s.supply) != ERR_OK)
		return field_bad(ps, "supply", "must be on, off, moving or unknown");
	if (e == ERR_OK)
		e = parse_bits(ps, obj, &s.when);
	if (e != ERR_OK)
		return e;
	if (ps->m->supply_count == MODEL_FLAGS_MAX)
		return field_bad(ps, "supply", "is one too many");
	ps->m->supplies[ps->m->supply_count++] = s;
	return ERR_OK;
}
