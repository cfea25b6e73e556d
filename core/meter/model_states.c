/* The rows of a model file that are about bits: status and supply. */
#include "meter/model_parse.h"

#include <stdio.h>

enum err parse_bits(struct parse *ps, const json_t *obj, struct model_bits *out)
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

/* No field but what the bits mean, and where they are. */
static enum err bits_only(struct parse *ps, const json_t *obj, const char *meaning)
{
	const char *const registers[] = { meaning, "function", "address", "mask", "value", "note",
		NULL };
	const char *const items[] = { meaning, "item", "at", "bytes", "mask", "value", "note",
		NULL };
	bool is_modbus = ps->m->framing == MODEL_MODBUS;

	return field_at(ps, json_only(obj, is_modbus ? registers : items, ps->why));
}

enum err parse_flag(struct parse *ps, const json_t *obj)
{
	struct model_flag f = { 0 };
	const char *word = NULL;
	enum err e = bits_only(ps, obj, "status");

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
	struct model_supply s = { 0 };
	const char *word = NULL;
	enum err e = bits_only(ps, obj, "supply");

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

enum err parse_enciphered(struct parse *ps, const json_t *root)
{
	static const char *const names[] = { "function", "address", "mask", "value", "note", NULL };
	const json_t *obj = json_object_get(root, "enciphered");
	enum err e;

	if (!obj)
		return ERR_OK;
	snprintf(ps->path, sizeof(ps->path), "enciphered");
	e = field_at(ps, json_only(obj, names, ps->why));
	return e == ERR_OK ? parse_bits(ps, obj, &ps->m->enciphered) : e;
}
