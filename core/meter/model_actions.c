/* What a model's relay or valve can be told, and how it is confirmed. */
#include <stdio.h>
#include <string.h>

#include "meter/model_parse.h"
#include "meter/word.h"

static const char *const act_words[] = { "on", "off", "auto", "keep" };

WORD_FUNCTIONS(act, meter_act, act_words, ACT__MAX)

static bool is_coil_write(const struct model_action *a)
{
	return a->function == 5 || a->function == 15;
}

static enum err parse_values(struct parse *ps, const json_t *obj, struct model_action *a)
{
	const json_t *values = json_object_get(obj, "values");
	size_t n = json_array_size(values);
	int most = is_coil_write(a) ? 1 : 65535;

	if (n < 1 || n > MODEL_VALUES_MAX)
		return field_bad(ps, "values", "must be a list of 1 to 8 numbers");
	for (size_t i = 0; i < n; i++) {
		const json_t *v = json_array_get(values, i);

		if (!json_is_integer(v) || json_integer_value(v) < 0 ||
			json_integer_value(v) > most)
			return field_bad(ps, "values",
				most == 1 ? "must be 0 or 1 for coils"
					  : "must be numbers from 0 to 65535");
		a->values[i] = (uint16_t)json_integer_value(v);
	}
	a->count = (uint16_t)n;
	if ((a->function == 5 || a->function == 6) && n != 1)
		return field_bad(ps, "values", "must be one number with functions 5 and 6");
	if (ps->m->limits.even_counts && !is_coil_write(a) && n % 2)
		return field_bad(ps, "values", "must be an even number of registers");
	return ERR_OK;
}

/* Registers or coils, or a vendor's frame. */
static enum err parse_write(struct parse *ps, const json_t *obj, struct model_action *a)
{
	int function = 0;
	enum err e;

	if (json_object_get(obj, "frame")) {
		e = parse_frame(ps, obj, 0, &a->frame);
		a->function = a->frame.bytes[0];
		return e;
	}
	e = field_int(ps, obj, "function", FIELD_REQUIRED, 5, 16, &function);
	if (e == ERR_OK && function != 5 && function != 6 && function != 15 && function != 16)
		return field_bad(ps, "function", "must be 5, 6, 15 or 16");
	a->function = (uint8_t)function;
	if (e == ERR_OK)
		e = field_hex(ps, obj, "address", FIELD_REQUIRED, &a->address);
	return e == ERR_OK ? parse_values(ps, obj, a) : e;
}

enum err parse_confirm(struct parse *ps, const json_t *obj, struct model_action *a)
{
	const char *shows = NULL, *clears = NULL;
	enum err e = field_text(ps, obj, "shows", FIELD_OPTIONAL, 40, &shows);

	if (e == ERR_OK)
		e = field_text(ps, obj, "clears", FIELD_OPTIONAL, 40, &clears);
	if (e != ERR_OK)
		return e;
	if (a->by_reply && (shows || clears))
		return field_bad(ps, "by_reply", "is for what nothing else shows");
	if (!a->by_reply && !shows == !clears)
		return field_bad(ps, "shows", "or clears, one of the two, is needed");
	a->wants_supply = shows;
	a->wants_clear = clears;
	if (shows && !str_eq(shows, "on") && !str_eq(shows, "off"))
		return field_bad(ps, "shows", "must be on or off");
	a->supply = shows && str_eq(shows, "on") ? SUPPLY_ON : SUPPLY_OFF;
	if (clears && status_parse(clears, &a->clear) != ERR_OK)
		return field_bad(ps, "clears", "is not the name of a status");
	if (shows && ps->m->supply_count == 0)
		return field_bad(ps, "shows", "needs a supply that can be read");
	return ERR_OK;
}

static enum err parse_action(struct parse *ps, const json_t *obj, struct model_action *out)
{
	static const char *const plain[] = { "function", "address", "values", "shows", "clears",
		"deadline_ms", "note", NULL };
	static const char *const vendor[] = { "frame", "reply", "shows", "clears", "deadline_ms",
		"note", NULL };
	struct model_action a = { .deadline_ms = ps->m->limits.settle_ms };
	enum err e;

	if (ps->m->framing != MODEL_MODBUS)
		return parse_item_action(ps, obj, out);
	e = field_at(ps, json_only(obj, json_object_get(obj, "frame") ? vendor : plain, ps->why));

	if (e == ERR_OK)
		e = parse_write(ps, obj, &a);
	if (e == ERR_OK)
		e = field_int(ps, obj, "deadline_ms", FIELD_OPTIONAL, 100, 120000, &a.deadline_ms);
	if (e == ERR_OK)
		e = parse_confirm(ps, obj, &a);
	if (e == ERR_OK)
		*out = a;
	return e;
}

enum err parse_actions(struct parse *ps, const json_t *root)
{
	const json_t *actions = json_object_get(root, "actions");
	enum err e = ERR_OK;

	if (!actions)
		return ERR_OK;
	static const char *const names[] = { "on", "off", "auto", "keep", NULL };

	snprintf(ps->path, sizeof(ps->path), "actions");
	e = field_at(ps, json_only(actions, names, ps->why));
	for (size_t i = 0; e == ERR_OK && i < ACT__MAX; i++) {
		const json_t *a = json_object_get(actions, act_words[i]);

		snprintf(ps->path, sizeof(ps->path), "actions.%s", act_words[i]);
		if (a)
			e = parse_action(ps, a, &ps->m->actions[i]);
	}
	return e;
}

bool model_can(const struct model *m, enum meter_act act)
{
	return m->actions[act].function != 0;
}

bool model_match_act(const struct model *m, uint8_t function, uint16_t address,
	const uint16_t *values, uint16_t count, enum meter_act *out)
{
	for (size_t i = 0; i < ACT__MAX; i++) {
		const struct model_action *a = &m->actions[i];

		if (a->function != 0 && a->frame.n == 0 && a->function == function &&
			a->address == address && a->count == count &&
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
	return a->by_reply;
}
