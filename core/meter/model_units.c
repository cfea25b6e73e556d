/* Boxes that hold many meters: which unit ids their circuits answer on. */
#include <stdio.h>

#include "meter/model_parse.h"

static enum err parse_numbers(struct parse *ps, const json_t *obj, const char *key, size_t least,
	uint8_t out[static MODEL_BOXES_MAX], size_t *count)
{
	const json_t *list = json_object_get(obj, key);
	size_t n = json_array_size(list);

	if (n < least || n > MODEL_BOXES_MAX)
		return field_bad(ps, key, "must be a list of numbers");
	for (size_t i = 0; i < n; i++) {
		const json_t *v = json_array_get(list, i);

		if (!json_is_integer(v) || json_integer_value(v) < 1 ||
			json_integer_value(v) > MODEL_CIRCUITS_MAX)
			return field_bad(ps, key, "must hold numbers from 1 to 64");
		out[i] = (uint8_t)json_integer_value(v);
	}
	*count = n;
	return ERR_OK;
}

enum err parse_units(struct parse *ps, const json_t *root)
{
	static const char *const names[] = { "box", "takes", "note", NULL };
	const json_t *obj = json_object_get(root, "units");
	struct model_units *u = &ps->m->units;
	uint8_t takes[MODEL_BOXES_MAX];
	size_t kinds = 0;
	enum err e;

	if (!obj)
		return ERR_OK;
	snprintf(ps->path, sizeof(ps->path), "units");
	e = field_at(ps, json_only(obj, names, ps->why));
	if (e == ERR_OK)
		e = parse_numbers(ps, obj, "box", 1, u->box, &u->boxes);
	if (e == ERR_OK)
		e = parse_numbers(ps, obj, "takes", 2, takes, &kinds);
	if (e != ERR_OK)
		return e;
	if (kinds != 2 || takes[0] < takes[1])
		return field_bad(ps, "takes", "must be the ids of a wide and of a narrow circuit");
	u->takes[0] = takes[0];
	u->takes[1] = takes[1];
	return ERR_OK;
}

static bool has_box(const struct model_units *u, int box)
{
	for (size_t i = 0; i < u->boxes; i++)
		if (u->box[i] == box)
			return true;
	return false;
}

enum err model_circuits(const struct model *m, const struct model_box *box,
	struct model_circuit out[static MODEL_CIRCUITS_MAX], size_t *n, struct problem *why)
{
	const struct model_units *u = &m->units;
	int unit = box->base, end = box->base + box->size;

	*n = 0;
	if (u->boxes == 0)
		return problem_set(why, ERR_NOT_CONFIGURED, "model",
			"%s is a meter with one unit id of its own", m->name);
	if (!has_box(u, box->size))
		return problem_set(why, ERR_BAD_VALUE, "box", "there is no %s with %d circuits",
			m->name, box->size);
	if (box->base < 1 || end > 256 || (box->base - 1) % box->size != 0)
		return problem_set(why, ERR_BAD_VALUE, "base",
			"a box of %d begins at unit 1, %d, %d, ...", box->size, 1 + box->size,
			1 + 2 * box->size);
	if (box->wide < 0 || box->wide * u->takes[0] > box->size)
		return problem_set(why, ERR_OUT_OF_RANGE, "wide",
			"%d circuits of %d ids do not fit a box of %d", box->wide, u->takes[0],
			box->size);
	for (int i = 0; i < box->wide; i++, unit += u->takes[0])
		out[(*n)++] = (struct model_circuit){ (uint8_t)unit, u->takes[0] };
	for (; unit + u->takes[1] <= end; unit += u->takes[1])
		out[(*n)++] = (struct model_circuit){ (uint8_t)unit, u->takes[1] };
	return ERR_OK;
}
