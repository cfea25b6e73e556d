/* Registers that scale points: a decimal place, a unit, a transformer's ratio. */
#include <string.h>

#include "meter/model_build.h"
#include "meter/model_parse.h"

#define TENS_MAX 9

static const char *const kind_words[] = { "register", "power_of_ten", "table" };
_Static_assert(ARRAY_LEN(kind_words) == FACTOR__MAX, "a word for each");

static unsigned lowest_bit(uint16_t mask)
{
	return (unsigned)__builtin_ctz(mask);
}

static bool power_value(const struct model_factor *f, uint16_t reg, int64_t *num, int64_t *den)
{
	/* with all its bits it may be negative */
	int places = f->mask == 0xFFFF ? (int16_t)reg : reg;
	int64_t ten = 1;

	if (places > TENS_MAX || places < -TENS_MAX)
		return false;
	for (int i = 0; i < (places < 0 ? -places : places); i++)
		ten *= 10;
	*num = places < 0 ? 1 : ten;
	*den = places < 0 ? ten : 1;
	return true;
}

bool factor_value(const struct model_factor *f, uint16_t reg, int64_t *num, int64_t *den)
{
	reg = (uint16_t)((reg & f->mask) >> lowest_bit(f->mask));
	if (f->kind == FACTOR_POWER_OF_TEN)
		return power_value(f, reg, num, den);
	if (f->kind == FACTOR_REGISTER) {
		*num = reg * f->scale_num;
		*den = f->scale_den;
		return reg > 0;
	}
	for (size_t i = 0; i < f->rows; i++) {
		if (f->row[i].key != reg)
			continue;
		*num = f->row[i].num;
		*den = f->row[i].den;
		return true;
	}
	return false;
}

static enum err parse_table(struct parse *ps, const json_t *obj, struct model_factor *f)
{
	json_t *table = json_object_get(obj, "table");
	const char *key;
	json_t *value;

	if (json_object_size(table) < 1 || json_object_size(table) > MODEL_FACTOR_ROWS_MAX)
		return field_bad(ps, "table", "must be an object with 1 to 12 rows");
	json_object_foreach(table, key, value)
	{
		int64_t k = 0;
		const char *text = json_string_value(value);

		if (i64_parse(key, 0, 65535, &k) != ERR_OK)
			return field_bad(ps, "table", "must have numbers from 0 to 65535 as keys");
		if (!text ||
			scale_parse(text, &f->row[f->rows].num, &f->row[f->rows].den) != ERR_OK)
			return field_bad(ps, "table", "must have values like \"10\" or \"0.1\"");
		f->row[f->rows++].key = (uint16_t)k;
	}
	return ERR_OK;
}

/* The register that means a factor of 1, or the least that means anything. */
static int64_t register_of_one(const struct model_factor *f)
{
	int64_t most = f->mask >> lowest_bit(f->mask);
	int64_t reg = f->scale_den / f->scale_num;

	return f->scale_den % f->scale_num == 0 && reg <= most ? reg : 1;
}

/* What a simulator shows: the value that changes nothing, where there is one. */
static uint16_t register_played(const struct model_factor *f)
{
	int64_t reg = 0;

	if (f->kind == FACTOR_REGISTER)
		reg = register_of_one(f);
	if (f->kind == FACTOR_TABLE)
		reg = f->row[0].key;
	for (size_t i = 0; f->kind == FACTOR_TABLE && i < f->rows; i++)
		if (f->row[i].num == f->row[i].den)
			reg = f->row[i].key;
	return (uint16_t)(reg << lowest_bit(f->mask));
}

static enum err parse_kind(struct parse *ps, const json_t *obj, struct model_factor *f)
{
	size_t kind = 0;
	enum err e = field_word(
		ps, obj, "times", FIELD_REQUIRED, kind_words, ARRAY_LEN(kind_words), &kind);

	f->kind = (enum factor_kind)kind;
	if (e == ERR_OK && f->kind != FACTOR_REGISTER && json_object_get(obj, "scale"))
		return field_bad(ps, "scale", "is for times: register");
	if (e == ERR_OK && f->kind != FACTOR_TABLE && json_object_get(obj, "table"))
		return field_bad(ps, "table", "is for times: table");
	if (e == ERR_OK)
		e = field_scale(ps, obj, &f->scale_num, &f->scale_den);
	if (e == ERR_OK && f->scale_num > 1000000)
		return field_bad(ps, "scale", "is too large for a factor");
	if (e == ERR_OK && f->kind == FACTOR_TABLE)
		e = parse_table(ps, obj, f);
	return e;
}

enum err parse_factor(struct parse *ps, const json_t *obj)
{
	static const char *const names[] = { "factor", "function", "address", "mask", "times",
		"scale", "table", "note", NULL };
	struct model_factor f = { .mask = 0xFFFF };
	const char *name = NULL;
	enum err e = field_at(ps, json_only(obj, names, ps->why));

	if (e == ERR_OK)
		e = field_text(ps, obj, "factor", FIELD_REQUIRED, sizeof(f.name) - 1, &name);
	if (e == ERR_OK)
		e = field_read_function(ps, obj, &f.function);
	if (e == ERR_OK)
		e = field_hex(ps, obj, "address", FIELD_REQUIRED, &f.address);
	if (e == ERR_OK)
		e = field_hex(ps, obj, "mask", FIELD_OPTIONAL, &f.mask);
	if (e == ERR_OK && f.mask == 0)
		return field_bad(ps, "mask", "must not be 0");
	if (e == ERR_OK)
		e = parse_kind(ps, obj, &f);
	if (e == ERR_OK)
		e = field_in_block(ps, f.function, f.address, 1);
	if (e != ERR_OK)
		return e;
	if (!name[0])
		return field_bad(ps, "factor", "must not be empty");
	for (size_t i = 0; i < ps->m->factor_count; i++)
		if (str_eq(ps->m->factors[i].name, name))
			return field_bad(ps, "factor", "is there twice");
	if (ps->m->factor_count == MODEL_FACTORS_MAX)
		return field_bad(ps, "factor", "is one too many");
	ASSERT(str_copy(f.name, sizeof(f.name), name));
	f.plays = register_played(&f);
	ps->m->factors[ps->m->factor_count++] = f;
	return ERR_OK;
}
