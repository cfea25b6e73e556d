/* A model file, checked strictly: whatever is wrong is refused with its JSON path. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "meter/model_build.h"
#include "meter/word.h"

static const char *const utility_words[] = { "electricity", "water" };
static const char *const maturity_words[] = { "draft", "tried" };
static const char *const credit_words[] = { "none", "yuan", "kwh", "m3" };
static const char *const act_words[] = { "on", "off", "auto", "keep" };
static const char *const wire_words[] = { "u16", "s16", "u32", "s32", "u64", "s64", "f32", "bcd",
	"hex", "ymdwhms", "ymdhms" };
static const char *const order_words[] = { "abcd", "cdab", "badc", "dcba" };
static const char *const class_words[] = { "live", "config" };
static const char *const ratio_words[] = { "ct", "pt", "ct*pt" };
_Static_assert(ARRAY_LEN(wire_words) == WIRE__MAX, "a word for each");
_Static_assert(ARRAY_LEN(order_words) == ORDER__MAX, "a word for each");
_Static_assert(ARRAY_LEN(class_words) == CLASS__MAX, "a word for each");

WORD_FUNCTIONS(utility, utility, utility_words, UTILITY__MAX)
WORD_FUNCTIONS(maturity, maturity, maturity_words, MATURITY__MAX)
WORD_FUNCTIONS(credit, credit_unit, credit_words, CREDIT__MAX)
WORD_FUNCTIONS(act, meter_act, act_words, ACT__MAX)

/* What goes through all of the parsing: the model, its defaults, and where we are. */
struct parse {
	struct model *m;
	uint8_t function; /* for rows that do not name one */
	enum wire_order order;
	struct problem *why;
	char path[64]; /* "points[3]" */
};

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

/* Puts the path before the field that json.h named. */
static enum err at_path(struct parse *ps, enum err e)
{
	char inner[sizeof(ps->why->field)];

	if (e == ERR_OK || !ps->why || !ps->path[0])
		return e;
	memcpy(inner, ps->why->field, sizeof(inner));
	snprintf(ps->why->field, sizeof(ps->why->field), "%.63s%s%.60s", ps->path,
		inner[0] ? "." : "", inner);
	return e;
}

static enum err bad(struct parse *ps, const char *key, const char *text)
{
	return at_path(ps, problem_set(ps->why, ERR_BAD_VALUE, key, "%s %s", key, text));
}

static enum err get_text(struct parse *ps, const json_t *obj, const char *key, enum field_need need,
	size_t most, const char **out)
{
	return at_path(ps, json_get_text(obj, key, need, most, out, ps->why));
}

static enum err get_int(struct parse *ps, const json_t *obj, const char *key, enum field_need need,
	int64_t least, int64_t most, int *out)
{
	int64_t v = *out;
	enum err e = at_path(ps, json_get_int(obj, key, need, least, most, &v, ps->why));

	if (e == ERR_OK)
		*out = (int)v;
	return e;
}

/* A word of a list; absent and optional leaves *out. */
static enum err get_word(struct parse *ps, const json_t *obj, const char *key, enum field_need need,
	const char *const words[], size_t n, size_t *out)
{
	const char *text = NULL;
	enum err e = get_text(ps, obj, key, need, 60, &text);
	size_t i;

	if (e != ERR_OK || !text)
		return e;
	i = word_index(words, n, text);
	if (i == n)
		return bad(ps, key, "is not one of the words for it");
	*out = i;
	return ERR_OK;
}

/* "0x0215": registers are written as they are in the frame, in hex, so that nobody has to guess. */
static enum err get_hex(
	struct parse *ps, const json_t *obj, const char *key, enum field_need need, uint16_t *out)
{
	const char *text = NULL;
	enum err e = get_text(ps, obj, key, need, 6, &text);

	if (e != ERR_OK || !text)
		return e;
	if (strncmp(text, "0x", 2) != 0 || strlen(text) != 6 ||
		text[2 + strspn(text + 2, "0123456789abcdefABCDEF")])
		return bad(ps, key, "must be text like \"0x0215\"");
	*out = (uint16_t)strtoul(text, NULL, 16);
	return ERR_OK;
}

static enum err get_read_function(struct parse *ps, const json_t *obj, uint8_t *out)
{
	int function = ps->function;
	enum err e = get_int(ps, obj, "function", FIELD_OPTIONAL, 3, 4, &function);

	if (e == ERR_OK)
		*out = (uint8_t)function;
	return e;
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

/* Registers that the meter answers must be inside one of its blocks. */
static enum err check_block(struct parse *ps, uint8_t function, uint16_t address, uint16_t count)
{
	if (model_block_of(ps->m, function, address, count))
		return ERR_OK;
	return bad(ps, "address", "is not inside one of the blocks");
}

static enum err parse_block(struct parse *ps, const json_t *obj)
{
	static const char *const names[] = { "function", "address", "count", "whole", "note",
		NULL };
	struct model_block b = { 0 };
	int count = 0;
	enum err e = at_path(ps, json_only(obj, names, ps->why));

	if (e == ERR_OK)
		e = get_read_function(ps, obj, &b.function);
	if (e == ERR_OK)
		e = get_hex(ps, obj, "address", FIELD_REQUIRED, &b.address);
	if (e == ERR_OK)
		e = get_int(ps, obj, "count", FIELD_REQUIRED, 1, 65535 - b.address, &count);
	if (e == ERR_OK)
		e = at_path(ps, json_get_bool(obj, "whole", FIELD_OPTIONAL, &b.whole, ps->why));
	if (e != ERR_OK)
		return e;
	if (b.whole && count > ps->m->limits.max_read)
		return bad(ps, "count", "is more than limits.max_read");
	if (ps->m->block_count == MODEL_BLOCKS_MAX)
		return bad(ps, "address", "is one block too many");
	b.count = (uint16_t)count;
	ps->m->blocks[ps->m->block_count++] = b;
	return ERR_OK;
}

static enum err parse_ratio(struct parse *ps, const json_t *obj, struct model_point *p)
{
	size_t ratio = ARRAY_LEN(ratio_words);
	enum err e = get_word(
		ps, obj, "ratio", FIELD_OPTIONAL, ratio_words, ARRAY_LEN(ratio_words), &ratio);

	p->by_ct = ratio == 0 || ratio == 2;
	p->by_pt = ratio == 1 || ratio == 2;
	return e;
}

static enum err parse_scale(struct parse *ps, const json_t *obj, struct model_point *p)
{
	const char *text = "1";
	enum err e = get_text(ps, obj, "scale", FIELD_OPTIONAL, 20, &text);

	if (e == ERR_OK && scale_parse(text, &p->scale_num, &p->scale_den) != ERR_OK)
		return bad(ps, "scale", "must be text like \"10\", \"0.1\" or \"1/3\"");
	return e;
}

/* How many registers; only a serial number has to say so. */
static enum err parse_count(struct parse *ps, const json_t *obj, struct model_point *p)
{
	int count = wire_registers(p->wire);
	bool text = p->wire == WIRE_BCD || p->wire == WIRE_HEX;
	enum err e;

	if (text != p->serial)
		return bad(ps, "wire", "does not fit the point");
	if (!p->serial &&
		(p->point == POINT_CLOCK) != (p->wire == WIRE_YMDWHMS || p->wire == WIRE_YMDHMS))
		return bad(ps, "wire", "does not fit the point");
	e = get_int(ps, obj, "count", text ? FIELD_REQUIRED : FIELD_OPTIONAL, text ? 1 : count,
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

static enum err parse_point_name(struct parse *ps, const json_t *obj, struct model_point *p)
{
	const char *word = NULL;
	enum err e = get_text(ps, obj, "point", FIELD_REQUIRED, 40, &word);

	if (e != ERR_OK)
		return e;
	p->serial = str_eq(word, "serial");
	if (!p->serial && point_parse(word, &p->point) != ERR_OK)
		return bad(ps, "point", "is not the name of a point");
	if (is_twice(ps->m, p))
		return bad(ps, "point", "is there twice");
	return ERR_OK;
}

static enum err parse_point_wire(struct parse *ps, const json_t *obj, struct model_point *p)
{
	size_t wire = 0, order = ps->order, class = CLASS_LIVE;
	enum err e =
		get_word(ps, obj, "wire", FIELD_REQUIRED, wire_words, ARRAY_LEN(wire_words), &wire);

	if (e == ERR_OK)
		e = get_word(ps, obj, "order", FIELD_OPTIONAL, order_words, ARRAY_LEN(order_words),
			&order);
	if (e == ERR_OK)
		e = get_word(ps, obj, "class", FIELD_OPTIONAL, class_words, ARRAY_LEN(class_words),
			&class);
	p->wire = (enum wire)wire;
	p->order = (enum wire_order)order;
	p->class = (enum point_class) class;
	return e;
}

static enum err parse_point(struct parse *ps, const json_t *obj)
{
	static const char *const names[] = { "point", "function", "address", "count", "wire",
		"order", "scale", "ratio", "class", "note", NULL };
	struct model_point p = { 0 };
	enum err e = at_path(ps, json_only(obj, names, ps->why));

	if (e == ERR_OK)
		e = parse_point_name(ps, obj, &p);
	if (e == ERR_OK)
		e = get_read_function(ps, obj, &p.function);
	if (e == ERR_OK)
		e = get_hex(ps, obj, "address", FIELD_REQUIRED, &p.address);
	if (e == ERR_OK)
		e = parse_point_wire(ps, obj, &p);
	if (e == ERR_OK)
		e = parse_count(ps, obj, &p);
	if (e == ERR_OK)
		e = parse_scale(ps, obj, &p);
	if (e == ERR_OK)
		e = parse_ratio(ps, obj, &p);
	if (e == ERR_OK)
		e = check_block(ps, p.function, p.address, p.count);
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
	enum err e = get_read_function(ps, obj, &b.function);

	if (e == ERR_OK)
		e = get_hex(ps, obj, "address", FIELD_REQUIRED, &b.address);
	if (e == ERR_OK)
		e = get_hex(ps, obj, "mask", FIELD_REQUIRED, &b.mask);
	b.value = b.mask;
	if (e == ERR_OK)
		e = get_hex(ps, obj, "value", FIELD_OPTIONAL, &b.value);
	if (e == ERR_OK)
		e = check_block(ps, b.function, b.address, 1);
	if (e != ERR_OK)
		return e;
	if (b.mask == 0 || (b.value & ~b.mask) != 0)
		return bad(ps, "value", "must lie inside a mask that is not 0");
	*out = b;
	return ERR_OK;
}

static enum err parse_flag(struct parse *ps, const json_t *obj)
{
	static const char *const names[] = { "status", "function", "address", "mask", "value",
		"note", NULL };
	struct model_flag f = { 0 };
	const char *word = NULL;
	enum err e = at_path(ps, json_only(obj, names, ps->why));

	if (e == ERR_OK)
		e = get_text(ps, obj, "status", FIELD_REQUIRED, 40, &word);
	if (e == ERR_OK && status_parse(word, &f.status) != ERR_OK)
		return bad(ps, "status", "is not the name of a status");
	if (e == ERR_OK)
		e = parse_bits(ps, obj, &f.when);
	if (e != ERR_OK)
		return e;
	if (f.when.value == 0)
		return bad(ps, "value", "must not be 0");
	if (ps->m->flag_count == MODEL_FLAGS_MAX)
		return bad(ps, "status", "is one too many");
	ps->m->flags[ps->m->flag_count++] = f;
	return ERR_OK;
}

static enum err parse_state(struct parse *ps, const json_t *obj)
{
	static const char *const names[] = { "supply", "function", "address", "mask", "value",
		"note", NULL };
	struct model_supply s = { 0 };
	const char *word = NULL;
	enum err e = at_path(ps, json_only(obj, names, ps->why));

	if (e == ERR_OK)
		e = get_text(ps, obj, "supply", FIELD_REQUIRED, 40, &word);
	if (e == ERR_OK && supply_parse(word, &s.supply) != ERR_OK)
		return bad(ps, "supply", "must be on, off, moving or unknown");
	if (e == ERR_OK)
		e = parse_bits(ps, obj, &s.when);
	if (e != ERR_OK)
		return e;
	if (ps->m->supply_count == MODEL_FLAGS_MAX)
		return bad(ps, "supply", "is one too many");
	ps->m->supplies[ps->m->supply_count++] = s;
	return ERR_OK;
}

static enum err parse_values(struct parse *ps, const json_t *obj, struct model_action *a)
{
	const json_t *values = json_object_get(obj, "values");
	size_t n = json_array_size(values);

	if (n < 1 || n > MODEL_VALUES_MAX)
		return bad(ps, "values", "must be a list of 1 to 8 numbers");
	for (size_t i = 0; i < n; i++) {
		const json_t *v = json_array_get(values, i);

		if (!json_is_integer(v) || json_integer_value(v) < 0 ||
			json_integer_value(v) > 65535)
			return bad(ps, "values", "must be numbers from 0 to 65535");
		a->values[i] = (uint16_t)json_integer_value(v);
	}
	a->count = (uint16_t)n;
	if (a->function == 6 && n != 1)
		return bad(ps, "values", "must be one number with function 6");
	return ERR_OK;
}

/* What a reading shows once the act was carried out. */
static enum err parse_confirm(struct parse *ps, const json_t *obj, struct model_action *a)
{
	const char *shows = NULL, *clears = NULL;
	enum err e = get_text(ps, obj, "shows", FIELD_OPTIONAL, 40, &shows);

	if (e == ERR_OK)
		e = get_text(ps, obj, "clears", FIELD_OPTIONAL, 40, &clears);
	if (e != ERR_OK)
		return e;
	if (!shows == !clears)
		return bad(ps, "shows", "or clears, one of the two, is needed");
	a->wants_supply = shows;
	a->wants_clear = clears;
	if (shows && supply_parse(shows, &a->supply) != ERR_OK)
		return bad(ps, "shows", "must be on or off");
	if (clears && status_parse(clears, &a->clear) != ERR_OK)
		return bad(ps, "clears", "is not the name of a status");
	if (shows && ps->m->supply_count == 0)
		return bad(ps, "shows", "needs a supply that can be read");
	return ERR_OK;
}

static enum err parse_action(struct parse *ps, const json_t *obj, struct model_action *out)
{
	static const char *const names[] = { "function", "address", "values", "shows", "clears",
		"note", NULL };
	struct model_action a = { 0 };
	int function = 0;
	enum err e = at_path(ps, json_only(obj, names, ps->why));

	if (e == ERR_OK)
		e = get_int(ps, obj, "function", FIELD_REQUIRED, 6, 16, &function);
	if (e == ERR_OK && function != 6 && function != 16)
		return bad(ps, "function", "must be 6 or 16");
	a.function = (uint8_t)function;
	if (e == ERR_OK)
		e = get_hex(ps, obj, "address", FIELD_REQUIRED, &a.address);
	if (e == ERR_OK)
		e = parse_values(ps, obj, &a);
	if (e == ERR_OK)
		e = parse_confirm(ps, obj, &a);
	if (e == ERR_OK)
		*out = a;
	return e;
}

static enum err parse_actions(struct parse *ps, const json_t *root)
{
	const json_t *actions = json_object_get(root, "actions");
	enum err e = ERR_OK;

	if (!actions)
		return ERR_OK;
	static const char *const names[] = { "on", "off", "auto", "keep", NULL };

	snprintf(ps->path, sizeof(ps->path), "actions");
	e = at_path(ps, json_only(actions, names, ps->why));
	for (size_t i = 0; e == ERR_OK && i < ACT__MAX; i++) {
		const json_t *a = json_object_get(actions, act_words[i]);

		snprintf(ps->path, sizeof(ps->path), "actions.%s", act_words[i]);
		if (a)
			e = parse_action(ps, a, &ps->m->actions[i]);
	}
	return e;
}

static enum err parse_setting(
	struct parse *ps, const json_t *obj, const char *key, struct model_setting *out)
{
	static const char *const names[] = { "at", "bytes", "flag", NULL };
	const json_t *s = json_object_get(obj, key);
	int most = 2 * ps->m->purchase.count - 1, at = 0, size = 0, flag = -1;
	enum err e;

	if (!s)
		return ERR_OK;
	snprintf(ps->path, sizeof(ps->path), "purchase.%s", key);
	e = at_path(ps, json_only(s, names, ps->why));
	if (e == ERR_OK)
		e = get_int(ps, s, "at", FIELD_REQUIRED, 0, most, &at);
	if (e == ERR_OK)
		e = get_int(ps, s, "bytes", FIELD_REQUIRED, 1, 4, &size);
	if (e == ERR_OK)
		e = get_int(ps, s, "flag", FIELD_OPTIONAL, 0, most, &flag);
	if (e != ERR_OK)
		return e;
	if (size == 3 || at + size > most + 1)
		return bad(ps, "bytes", "must be 1, 2 or 4, inside the registers");
	*out = (struct model_setting){ (uint8_t)at, (uint8_t)size, flag >= 0,
		(uint8_t)(flag < 0 ? 0 : flag) };
	return ERR_OK;
}

static enum err parse_purchase_frame(struct parse *ps, const json_t *obj)
{
	static const char *const firmwares[] = { "set", "add" };
	struct model_purchase *p = &ps->m->purchase;
	int function = 0, count = 0, step = 0;
	size_t firmware = 0;
	enum err e = get_int(ps, obj, "function", FIELD_REQUIRED, 16, 32, &function);

	if (e == ERR_OK && function != 16 && function != 32)
		return bad(ps, "function", "must be 16 or 32");
	if (e == ERR_OK)
		e = get_hex(ps, obj, "address", FIELD_REQUIRED, &p->address);
	if (e == ERR_OK)
		e = get_int(ps, obj, "count", FIELD_REQUIRED, 1, MODEL_PURCHASE_MAX, &count);
	if (e == ERR_OK)
		e = get_int(ps, obj, "step_milli", FIELD_REQUIRED, 1, 1000000, &step);
	if (e == ERR_OK)
		e = get_word(ps, obj, "firmware", FIELD_REQUIRED, firmwares, ARRAY_LEN(firmwares),
			&firmware);
	p->function = (uint8_t)function;
	p->count = (uint16_t)count;
	p->step_milli = step;
	p->adds = firmware == 1;
	return e;
}

static enum err parse_purchase(struct parse *ps, const json_t *root)
{
	static const char *const names[] = { "function", "address", "count", "step_milli",
		"firmware", "amount", "number", "mode", "note", NULL };
	const json_t *obj = json_object_get(root, "purchase");
	struct model_purchase *p = &ps->m->purchase;
	enum err e;

	if (!obj)
		return ERR_OK;
	snprintf(ps->path, sizeof(ps->path), "purchase");
	e = at_path(ps, json_only(obj, names, ps->why));
	if (e == ERR_OK)
		e = parse_purchase_frame(ps, obj);
	if (e == ERR_OK)
		e = parse_setting(ps, obj, "amount", &p->amount);
	if (e == ERR_OK)
		e = parse_setting(ps, obj, "number", &p->number);
	if (e == ERR_OK)
		e = parse_setting(ps, obj, "mode", &p->mode);
	if (e != ERR_OK)
		return e;
	snprintf(ps->path, sizeof(ps->path), "purchase");
	if (p->amount.size != 4 || p->number.size < 2)
		return bad(ps, "amount", "of 4 bytes and a number of at least 2 are needed");
	return ERR_OK;
}

/* Each row of a list that may be absent. */
static enum err parse_rows(struct parse *ps, const json_t *root, const char *key,
	enum field_need need, enum err (*row)(struct parse *, const json_t *))
{
	const json_t *list = json_object_get(root, key);
	enum err e = ERR_OK;

	ps->path[0] = '\0';
	if (!list && need == FIELD_OPTIONAL)
		return ERR_OK;
	if (!json_is_array(list))
		return bad(ps, key, "must be a list");
	for (size_t i = 0; e == ERR_OK && i < json_array_size(list); i++) {
		snprintf(ps->path, sizeof(ps->path), "%s[%zu]", key, i);
		e = row(ps, json_array_get(list, i));
	}
	return e;
}

static enum err parse_limits(struct parse *ps, const json_t *root)
{
	static const char *const names[] = { "max_read", "gap_max", "pause_ms", "answer_ms",
		"settle_ms", NULL };
	const json_t *obj = json_object_get(root, "limits");
	struct model_limits *l = &ps->m->limits;
	enum err e;

	*l = (struct model_limits){ .settle_ms = 3000 };
	snprintf(ps->path, sizeof(ps->path), "limits");
	e = at_path(ps, json_only(obj, names, ps->why));
	if (e == ERR_OK)
		e = get_int(ps, obj, "max_read", FIELD_REQUIRED, 1, MODBUS_READ_MAX, &l->max_read);
	if (e == ERR_OK)
		e = get_int(ps, obj, "gap_max", FIELD_REQUIRED, 0, MODBUS_READ_MAX, &l->gap_max);
	if (e == ERR_OK)
		e = get_int(ps, obj, "pause_ms", FIELD_REQUIRED, 0, 1000, &l->pause_ms);
	if (e == ERR_OK)
		e = get_int(ps, obj, "answer_ms", FIELD_REQUIRED, 50, 10000, &l->answer_ms);
	if (e == ERR_OK)
		e = get_int(ps, obj, "settle_ms", FIELD_OPTIONAL, 100, 120000, &l->settle_ms);
	return e;
}

static bool is_name(const char *s)
{
	return s[0] && !s[strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789-")];
}

static enum err parse_names(struct parse *ps, const json_t *root)
{
	const char *name = NULL, *maker = NULL, *title = NULL, *framing = NULL;
	enum err e = get_text(ps, root, "name", FIELD_REQUIRED, MODEL_NAME_MAX - 1, &name);

	if (e == ERR_OK)
		e = get_text(ps, root, "maker", FIELD_REQUIRED, 47, &maker);
	if (e == ERR_OK)
		e = get_text(ps, root, "title", FIELD_REQUIRED, 95, &title);
	if (e == ERR_OK)
		e = get_text(ps, root, "framing", FIELD_REQUIRED, 20, &framing);
	if (e != ERR_OK)
		return e;
	if (!is_name(name))
		return bad(ps, "name", "may hold small letters, digits and - only");
	if (!str_eq(framing, "modbus"))
		return bad(ps, "framing", "must be modbus");
	if (!str_copy(ps->m->name, sizeof(ps->m->name), name) ||
		!str_copy(ps->m->maker, sizeof(ps->m->maker), maker) ||
		!str_copy(ps->m->title, sizeof(ps->m->title), title))
		return bad(ps, "name", "is too long");
	return ERR_OK;
}

static enum err parse_kind(struct parse *ps, const json_t *root)
{
	size_t utility = 0, maturity = 0, credit = CREDIT_NONE, order = ORDER_ABCD;
	enum err e = get_word(ps, root, "utility", FIELD_REQUIRED, utility_words,
		ARRAY_LEN(utility_words), &utility);

	if (e == ERR_OK)
		e = get_word(ps, root, "maturity", FIELD_REQUIRED, maturity_words,
			ARRAY_LEN(maturity_words), &maturity);
	if (e == ERR_OK)
		e = get_word(ps, root, "credit_unit", FIELD_OPTIONAL, credit_words,
			ARRAY_LEN(credit_words), &credit);
	if (e == ERR_OK)
		e = get_word(ps, root, "order", FIELD_OPTIONAL, order_words, ARRAY_LEN(order_words),
			&order);
	if (e == ERR_OK)
		e = get_int(ps, root, "phases", FIELD_OPTIONAL, 0, 3, &ps->m->phases);
	if (e == ERR_OK)
		e = get_read_function(ps, root, &ps->function);
	ps->m->utility = (enum utility)utility;
	ps->m->maturity = (enum maturity)maturity;
	ps->m->credit_unit = (enum credit_unit)credit;
	ps->order = (enum wire_order)order;
	return e;
}

static const struct model_point *live_point(const struct model *m, enum point p)
{
	for (size_t i = 0; i < m->point_count; i++)
		if (!m->points[i].serial && m->points[i].point == p &&
			m->points[i].class == CLASS_LIVE)
			return &m->points[i];
	return NULL;
}

/* What no single row can see. */
static enum err check_whole(struct parse *ps)
{
	const struct model *m = ps->m;
	enum point billed = m->utility == UTILITY_WATER ? POINT_VOLUME : POINT_ENERGY;
	bool ct = live_point(m, POINT_CT_RATIO), pt = live_point(m, POINT_PT_RATIO);

	ps->path[0] = '\0';
	if (!live_point(m, billed))
		return bad(ps, "points", "lack the billed register (energy or volume)");
	for (size_t i = 0; i < m->point_count; i++) {
		const struct model_point *p = &m->points[i];

		snprintf(ps->path, sizeof(ps->path), "points[%zu]", i);
		if ((p->by_ct && !ct) || (p->by_pt && !pt))
			return bad(ps, "ratio", "needs the ratio as a live point");
		if (p->class != CLASS_LIVE && (p->by_ct || p->by_pt))
			return bad(ps, "ratio", "is for live points");
		if (p->count > m->limits.max_read)
			return bad(ps, "count", "is more than limits.max_read");
	}
	ps->path[0] = '\0';
	if (live_point(m, POINT_CREDIT) && m->credit_unit == CREDIT_NONE)
		return bad(ps, "credit_unit", "is needed with a credit");
	if (m->purchase.function && !model_keeps_credit(m))
		return bad(ps, "purchase", "needs the live points credit and purchase_count");
	return ERR_OK;
}

static enum err parse_supply(struct parse *ps, const json_t *root)
{
	size_t other = SUPPLY_UNKNOWN;
	static const char *const words[] = { "unknown", "moving" };
	enum err e = parse_rows(ps, root, "supply", FIELD_OPTIONAL, parse_state);

	ps->path[0] = '\0';
	if (e == ERR_OK)
		e = get_word(
			ps, root, "supply_else", FIELD_OPTIONAL, words, ARRAY_LEN(words), &other);
	ps->m->supply_else = other == 0 ? SUPPLY_UNKNOWN : SUPPLY_MOVING;
	return e;
}

static enum err parse_root(struct parse *ps, const json_t *root)
{
	static const char *const names[] = { "name", "maker", "title", "utility", "maturity",
		"framing", "phases", "credit_unit", "function", "order", "limits", "blocks",
		"points", "status", "supply", "supply_else", "actions", "purchase", "settings",
		"sources", "note", NULL };
	enum err e = json_only(root, names, ps->why);

	if (e == ERR_OK)
		e = parse_names(ps, root);
	if (e == ERR_OK)
		e = parse_kind(ps, root);
	if (e == ERR_OK)
		e = parse_limits(ps, root);
	if (e == ERR_OK)
		e = parse_rows(ps, root, "blocks", FIELD_REQUIRED, parse_block);
	if (e == ERR_OK)
		e = parse_rows(ps, root, "points", FIELD_REQUIRED, parse_point);
	if (e == ERR_OK)
		e = parse_rows(ps, root, "status", FIELD_OPTIONAL, parse_flag);
	if (e == ERR_OK)
		e = parse_supply(ps, root);
	if (e == ERR_OK)
		e = parse_actions(ps, root);
	if (e == ERR_OK)
		e = parse_purchase(ps, root);
	if (e == ERR_OK)
		e = model_settings_parse(ps->m, root, ps->why);
	if (e == ERR_OK)
		e = check_whole(ps);
	return e;
}

enum err model_parse(const char *text, size_t n, struct model **out, struct problem *why)
{
	AUTO(json_free) json_t *root = NULL;
	AUTO(model_free) struct model *m = calloc(1, sizeof(*m));
	struct problem own = { 0 };
	struct parse ps = { .m = m, .function = 3, .why = why ? why : &own };
	enum err e = json_parse(text, n, &root, ps.why);

	ASSERT(m);
	if (e == ERR_OK)
		e = parse_root(&ps, root);
	for (size_t c = 0; e == ERR_OK && c < CLASS__MAX; c++) {
		e = model_plan_make(m, (enum point_class)c);
		if (e != ERR_OK)
			return problem_set(
				ps.why, e, "points", "need more than %d reads", MODEL_READS_MAX);
	}
	if (e != ERR_OK)
		return e;
	*out = m;
	m = NULL;
	return ERR_OK;
}

void model_free(struct model **m)
{
	free(*m);
	*m = NULL;
}

bool model_can(const struct model *m, enum meter_act act)
{
	return m->actions[act].function != 0;
}

bool model_keeps_credit(const struct model *m)
{
	return m->purchase.function != 0 && m->credit_unit != CREDIT_NONE &&
	       live_point(m, POINT_CREDIT) && live_point(m, POINT_PURCHASE_COUNT);
}

static void setting_put(uint8_t *bytes, const struct model_setting *s, uint64_t v)
{
	if (!s->size)
		return;
	if (s->flagged)
		bytes[s->flag] = 1;
	for (unsigned i = 0; i < s->size; i++)
		bytes[s->at + i] = (uint8_t)(v >> 8 * (s->size - 1U - i));
}

enum err model_purchase_values(const struct model *m, int64_t count, int64_t milli,
	uint16_t values[static MODEL_PURCHASE_MAX])
{
	const struct model_purchase *p = &m->purchase;
	uint8_t bytes[2 * MODEL_PURCHASE_MAX] = { 0 };
	int64_t amount = p->step_milli ? milli / p->step_milli : 0;

	if (!model_keeps_credit(m))
		return ERR_NOT_CONFIGURED;
	if (count < 0 || count > (p->number.size == 2 ? UINT16_MAX : INT32_MAX) || amount < 0 ||
		amount > INT32_MAX || amount * p->step_milli != milli)
		return ERR_OUT_OF_RANGE;
	setting_put(bytes, &p->mode, 1);
	setting_put(bytes, &p->amount, (uint64_t)amount);
	setting_put(bytes, &p->number, (uint64_t)count);
	for (unsigned i = 0; i < p->count; i++)
		values[i] = (uint16_t)(bytes[2 * i] << 8 | bytes[2 * i + 1]);
	return ERR_OK;
}

bool model_match_act(const struct model *m, uint8_t function, uint16_t address,
	const uint16_t *values, uint16_t count, enum meter_act *out)
{
	for (size_t i = 0; i < ACT__MAX; i++) {
		const struct model_action *a = &m->actions[i];

		if (a->function != 0 && a->function == function && a->address == address &&
			a->count == count &&
			memcmp(a->values, values, count * sizeof(values[0])) == 0) {
			*out = (enum meter_act)i;
			return true;
		}
	}
	return false;
}

bool model_confirms(const struct model *m, enum meter_act act, const struct meter_reading *r)
{
	const struct model_action *a = &m->actions[act];

	if (a->wants_supply)
		return r->has_supply && r->supply == a->supply;
	if (a->wants_clear)
		return r->has_status && !reading_has_status(r, a->clear);
	return false;
}
