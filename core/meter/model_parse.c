/* A model file, checked strictly: whatever is wrong is refused with its JSON path. This file sees
 * to the whole; each subject has its own. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "meter/model_build.h"
#include "meter/model_parse.h"
#include "meter/word.h"

static const char *const utility_words[] = { "electricity", "water" };
static const char *const maturity_words[] = { "draft", "tried", "proven" };
static const char *const credit_words[] = { "none", "yuan", "kwh", "m3" };
static const char *const framing_words[] = { "modbus", "dlt645", "cjt188" };

WORD_FUNCTIONS(utility, utility, utility_words, UTILITY__MAX)
WORD_FUNCTIONS(maturity, maturity, maturity_words, MATURITY__MAX)
WORD_FUNCTIONS(credit, credit_unit, credit_words, CREDIT__MAX)
WORD_FUNCTIONS(model_framing, model_framing, framing_words, MODEL_FRAMING__MAX)

static enum err parse_limits(struct parse *ps, const json_t *root)
{
	static const char *const names[] = { "max_read", "gap_max", "even_counts", "pause_ms",
		"answer_ms", "settle_ms", NULL };
	const json_t *obj = json_object_get(root, "limits");
	struct model_limits *l = &ps->m->limits;
	bool items = ps->m->framing != MODEL_MODBUS; /* no registers to limit */
	enum err e;

	*l = (struct model_limits){ .settle_ms = 3000 };
	snprintf(ps->path, sizeof(ps->path), "limits");
	e = field_at(ps, json_only(obj, items ? names + 3 : names, ps->why));
	if (e == ERR_OK && !items)
		e = field_int(
			ps, obj, "max_read", FIELD_REQUIRED, 1, MODBUS_READ_MAX, &l->max_read);
	if (e == ERR_OK && !items)
		e = field_int(ps, obj, "gap_max", FIELD_REQUIRED, 0, MODBUS_READ_MAX, &l->gap_max);
	if (e == ERR_OK)
		e = field_int(ps, obj, "pause_ms", FIELD_REQUIRED, 0, 1000, &l->pause_ms);
	if (e == ERR_OK)
		e = field_int(ps, obj, "answer_ms", FIELD_REQUIRED, 50, 10000, &l->answer_ms);
	if (e == ERR_OK)
		e = field_int(ps, obj, "settle_ms", FIELD_OPTIONAL, 100, 120000, &l->settle_ms);
	if (e == ERR_OK)
		e = field_at(ps, json_get_bool(obj, "even_counts", FIELD_OPTIONAL, &l->even_counts,
					 ps->why));
	return e;
}

static bool is_name(const char *s)
{
	return s[0] && !s[strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789-")];
}

static enum err parse_names(struct parse *ps, const json_t *root)
{
	const char *name = NULL, *maker = NULL, *title = NULL, *framing = NULL;
	enum err e = field_text(ps, root, "name", FIELD_REQUIRED, MODEL_NAME_MAX - 1, &name);

	if (e == ERR_OK)
		e = field_text(ps, root, "maker", FIELD_REQUIRED, 47, &maker);
	if (e == ERR_OK)
		e = field_text(ps, root, "title", FIELD_REQUIRED, 95, &title);
	if (e == ERR_OK)
		e = field_text(ps, root, "framing", FIELD_REQUIRED, 20, &framing);
	if (e != ERR_OK)
		return e;
	if (!is_name(name))
		return field_bad(ps, "name", "may hold small letters, digits and - only");
	if (model_framing_parse(framing, &ps->m->framing) != ERR_OK)
		return field_bad(ps, "framing", "must be modbus, dlt645 or cjt188");
	if (!str_copy(ps->m->name, sizeof(ps->m->name), name) ||
		!str_copy(ps->m->maker, sizeof(ps->m->maker), maker) ||
		!str_copy(ps->m->title, sizeof(ps->m->title), title))
		return field_bad(ps, "name", "is too long");
	return ERR_OK;
}

static enum err parse_kind(struct parse *ps, const json_t *root)
{
	size_t utility = 0, maturity = 0, credit = CREDIT_NONE;
	enum err e = field_word(ps, root, "utility", FIELD_REQUIRED, utility_words,
		ARRAY_LEN(utility_words), &utility);

	if (e == ERR_OK)
		e = field_word(ps, root, "maturity", FIELD_REQUIRED, maturity_words,
			ARRAY_LEN(maturity_words), &maturity);
	if (e == ERR_OK)
		e = field_word(ps, root, "credit_unit", FIELD_OPTIONAL, credit_words,
			ARRAY_LEN(credit_words), &credit);
	if (e == ERR_OK)
		e = field_order(ps, root, &ps->order);
	if (e == ERR_OK)
		e = field_int(ps, root, "phases", FIELD_OPTIONAL, 1, 3, &ps->m->phases);
	if (e == ERR_OK && ps->m->phases == 2)
		return field_bad(ps, "phases", "must be 1 or 3");
	if (e == ERR_OK)
		e = field_read_function(ps, root, &ps->function);
	if (e == ERR_OK && ps->function < 3)
		return field_bad(ps, "function", "must be 3 or 4");
	ps->m->utility = (enum utility)utility;
	ps->m->maturity = (enum maturity)maturity;
	ps->m->credit_unit = (enum credit_unit)credit;
	return e;
}

const struct model_point *model_live_point(const struct model *m, enum point p)
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
	bool ct = model_live_point(m, POINT_CT_RATIO), pt = model_live_point(m, POINT_PT_RATIO);

	ps->path[0] = '\0';
	if (!model_live_point(m, billed))
		return field_bad(ps, "points", "lack the billed register (energy or volume)");
	for (size_t i = 0; i < m->point_count; i++) {
		const struct model_point *p = &m->points[i];

		snprintf(ps->path, sizeof(ps->path), "points[%zu]", i);
		if ((p->by_ct && !ct) || (p->by_pt && !pt))
			return field_bad(ps, "ratio", "needs the ratio as a live point");
		if (p->class != CLASS_LIVE && (p->by_ct || p->by_pt))
			return field_bad(ps, "ratio", "is for live points");
		if (p->count > m->limits.max_read)
			return field_bad(ps, "count", "is more than limits.max_read");
	}
	ps->path[0] = '\0';
	if (model_live_point(m, POINT_CREDIT) && m->credit_unit == CREDIT_NONE)
		return field_bad(ps, "credit_unit", "is needed with a credit");
	if (m->purchase.function && !model_keeps_credit(m))
		return field_bad(ps, "purchase", "needs the live points credit and purchase_count");
	return ERR_OK;
}

/* Where the registers come from: for people, but a list of texts. */
static enum err check_sources(struct parse *ps, const json_t *root)
{
	const json_t *list = json_object_get(root, "sources");
	size_t i = 0;

	while (i < json_array_size(list) && json_is_string(json_array_get(list, i)))
		i++;
	ps->path[0] = '\0';
	if (list && (!json_is_array(list) || i < json_array_size(list)))
		return field_bad(ps, "sources", "must be a list of texts");
	return ERR_OK;
}

static enum err parse_supply(struct parse *ps, const json_t *root)
{
	size_t other = SUPPLY_UNKNOWN;
	static const char *const words[] = { "unknown", "moving" };
	enum err e = field_rows(ps, root, "supply", FIELD_OPTIONAL, parse_state);

	ps->path[0] = '\0';
	if (e == ERR_OK)
		e = field_word(
			ps, root, "supply_else", FIELD_OPTIONAL, words, ARRAY_LEN(words), &other);
	ps->m->supply_else = other == 0 ? SUPPLY_UNKNOWN : SUPPLY_MOVING;
	return e;
}

static enum err parse_root(struct parse *ps, const json_t *root)
{
	static const char *const names[] = { "name", "maker", "title", "utility", "maturity",
		"framing", "phases", "credit_unit", "function", "order", "limits", "blocks",
		"factors", "points", "status", "supply", "supply_else", "actions", "purchase",
		"settings", "clock_set", "enciphered", "units", "sources", "note", NULL };
	static const char *const item_names[] = { "name", "maker", "title", "utility", "maturity",
		"framing", "phases", "credit_unit", "limits", "frame", "points", "status", "supply",
		"supply_else", "actions", "sources", "note", NULL };
	enum err e = parse_names(ps, root);
	bool items = ps->m->framing != MODEL_MODBUS;

	if (e == ERR_OK)
		e = json_only(root, items ? item_names : names, ps->why);
	if (e == ERR_OK)
		e = parse_kind(ps, root);
	if (e == ERR_OK)
		e = parse_limits(ps, root);
	if (e == ERR_OK)
		e = items ? parse_items_frame(ps, root)
			  : field_rows(ps, root, "blocks", FIELD_REQUIRED, parse_block);
	if (e == ERR_OK)
		e = field_rows(ps, root, "factors", FIELD_OPTIONAL, parse_factor);
	if (e == ERR_OK)
		e = field_rows(ps, root, "points", FIELD_REQUIRED, parse_point);
	if (e == ERR_OK)
		e = field_rows(ps, root, "status", FIELD_OPTIONAL, parse_flag);
	if (e == ERR_OK)
		e = parse_supply(ps, root);
	if (e == ERR_OK)
		e = parse_actions(ps, root);
	if (e == ERR_OK)
		e = parse_purchase(ps, root);
	if (e == ERR_OK)
		e = model_settings_parse(ps->m, root, ps->why);
	if (e == ERR_OK)
		e = parse_clock_set(ps, root);
	if (e == ERR_OK)
		e = parse_enciphered(ps, root);
	if (e == ERR_OK)
		e = parse_units(ps, root);
	if (e == ERR_OK)
		e = check_sources(ps, root);
	return e == ERR_OK ? check_whole(ps) : e;
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
		if (e == ERR_BAD_VALUE)
			return problem_set(ps.why, e, "limits.even_counts",
				"a read of an odd count cannot grow inside its block");
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
