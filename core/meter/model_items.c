/* A model file of DL/T 645 or CJ/T 188: values by item and byte, and how they are asked for. */
#include <stdio.h>
#include <string.h>

#include "meter/cjt188.h"
#include "meter/dlt645.h"
#include "meter/model_build.h"
#include "meter/model_parse.h"

static const char *const item_wire_words[] = { "bcd", "signed_bcd", "digits", "wdmy", "smhdmyc" };
_Static_assert(ARRAY_LEN(item_wire_words) == ITEM_WIRE__MAX, "a word for each");
_Static_assert(CJT188_WORDS_MAX == CJT188_CODES_MAX, "a reply for each");
_Static_assert(ITEM_DATA_MAX >= DLT645_DATA_MAX && ITEM_DATA_MAX >= CJT188_DATA_MAX, "room");

#define VALID_LEAST (15 * 60) /* minutes: the easternmost wall clocks are 14 hours ahead of UTC */

/* Bytes as the frame has them: "901F". Absent and optional leaves out. */
static enum err field_bytes(struct parse *ps, const json_t *obj, const char *key,
	enum field_need need, size_t n, uint8_t *out)
{
	const char *text = NULL;
	uint8_t bytes[8] = { 0 };
	size_t got = 0;
	enum err e = field_text(ps, obj, key, need, 2 * sizeof(bytes), &text);

	if (e != ERR_OK || !text)
		return e;
	if (strlen(text) != 2 * n || hex_decode(text, bytes, sizeof(bytes), &got) != ERR_OK ||
		got != n)
		return field_bad(ps, key, "must be hex digits, two for each byte");
	memcpy(out, bytes, n);
	return ERR_OK;
}

static enum err field_byte(
	struct parse *ps, const json_t *obj, const char *key, enum field_need need, uint8_t *out)
{
	return field_bytes(ps, obj, key, need, 1, out);
}

/* An item of DL/T 645 as it is written in lists, high byte first: "0001FF00". */
static enum err field_item(
	struct parse *ps, const json_t *obj, const char *key, enum field_need need, uint32_t *out)
{
	uint8_t b[4] = { 0 };
	bool there = json_object_get(obj, key);
	enum err e = field_bytes(ps, obj, key, need, sizeof(b), b);
	uint32_t id = (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];

	if (e != ERR_OK || !there)
		return e;
	*out = id;
	return ERR_OK;
}

static uint32_t cjt188_id(const struct model *m)
{
	return (uint32_t)m->cjt188.read.item[0] << 8 | m->cjt188.read.item[1];
}

/* ---- frame ---- */

static enum err parse_dlt645(struct parse *ps, const json_t *obj)
{
	static const char *const names[] = { "leaders", "password", "operator", "valid_minutes",
		"note", NULL };
	struct model_dlt645 *d = &ps->m->dlt645;
	enum err e;

	*d = (struct model_dlt645){ .leaders = 4, .valid_minutes = 1440 };
	if (!obj)
		return ERR_OK;
	d->keys.given = json_object_get(obj, "password");
	e = field_at(ps, json_only(obj, names, ps->why));
	if (e == ERR_OK)
		e = field_int(
			ps, obj, "leaders", FIELD_OPTIONAL, 0, DLT645_LEADERS_MAX, &d->leaders);
	if (e == ERR_OK)
		e = field_bytes(ps, obj, "password", FIELD_OPTIONAL, sizeof(d->keys.password),
			d->keys.password);
	if (e == ERR_OK)
		e = field_bytes(ps, obj, "operator", FIELD_OPTIONAL, sizeof(d->keys.operator_code),
			d->keys.operator_code);
	if (e == ERR_OK)
		e = field_int(ps, obj, "valid_minutes", FIELD_OPTIONAL, VALID_LEAST, 7 * 1440,
			&d->valid_minutes);
	return e;
}

/* A list of hex texts of so many bytes each, one after the other into out. */
static enum err parse_hex_list(struct parse *ps, const json_t *obj, const char *key, size_t bytes,
	uint8_t *out, uint8_t *count)
{
	const json_t *list = json_object_get(obj, key);
	size_t n = json_array_size(list);

	if (n < 1 || n > CJT188_WORDS_MAX)
		return field_bad(ps, key, "must be a list of 1 to 4 texts");
	for (size_t i = 0; i < n; i++) {
		const char *text = json_string_value(json_array_get(list, i));
		size_t got = 0;

		if (!text || strlen(text) != 2 * bytes ||
			hex_decode(text, out + i * bytes, bytes, &got) != ERR_OK || got != bytes)
			return field_bad(ps, key, "must hold hex digits, two for each byte");
	}
	*count = (uint8_t)n;
	return ERR_OK;
}

static enum err parse_words(struct parse *ps, const json_t *frame, const char *key,
	enum field_need need, struct cjt188_words *w)
{
	static const char *const names[] = { "item", "replies", "reply_items", "note", NULL };
	const json_t *obj = json_object_get(frame, key);
	uint8_t count = 0;
	enum err e;

	snprintf(ps->path, sizeof(ps->path), "frame");
	if (!obj)
		return need == FIELD_OPTIONAL ? ERR_OK : field_bad(ps, key, "is missing");
	snprintf(ps->path, sizeof(ps->path), "frame.%s", key);
	e = field_at(ps, json_only(obj, names, ps->why));
	if (e == ERR_OK)
		e = field_bytes(ps, obj, "item", FIELD_REQUIRED, 2, w->item);
	if (e == ERR_OK)
		e = parse_hex_list(ps, obj, "replies", 1, w->codes, &count);
	if (e == ERR_OK)
		e = parse_hex_list(ps, obj, "reply_items", 2, w->items[0], &w->item_count);
	return e;
}

static enum err parse_cjt188(struct parse *ps, const json_t *obj)
{
	static const char *const names[] = { "leaders", "type", "sequence", "read", "act", "note",
		NULL };
	struct model_cjt188 *c = &ps->m->cjt188;
	enum err e;

	*c = (struct model_cjt188){ .leaders = 3, .type = 0x10, .sequence = true };
	if (!obj)
		return field_bad(ps, "", "is needed: what is read, and what comes in reply");
	e = field_at(ps, json_only(obj, names, ps->why));
	if (e == ERR_OK)
		e = field_int(
			ps, obj, "leaders", FIELD_OPTIONAL, 0, CJT188_LEADERS_MAX, &c->leaders);
	if (e == ERR_OK)
		e = field_byte(ps, obj, "type", FIELD_OPTIONAL, &c->type);
	if (e == ERR_OK)
		e = field_at(
			ps, json_get_bool(obj, "sequence", FIELD_OPTIONAL, &c->sequence, ps->why));
	if (e == ERR_OK)
		e = parse_words(ps, obj, "read", FIELD_REQUIRED, &c->read);
	if (e == ERR_OK)
		e = parse_words(ps, obj, "act", FIELD_OPTIONAL, &c->act);
	return e;
}

enum err parse_items_frame(struct parse *ps, const json_t *root)
{
	const json_t *obj = json_object_get(root, "frame");

	snprintf(ps->path, sizeof(ps->path), "frame");
	return ps->m->framing == MODEL_DLT645 ? parse_dlt645(ps, obj) : parse_cjt188(ps, obj);
}

/* ---- rows ---- */

/* Which item, and which bytes of it. */
static enum err parse_where(
	struct parse *ps, const json_t *obj, int bytes_most, struct model_item *item)
{
	int at = 0, bytes = 0;
	enum err e = ERR_OK;

	item->id = cjt188_id(ps->m);
	if (ps->m->framing == MODEL_DLT645)
		e = field_item(ps, obj, "item", FIELD_REQUIRED, &item->id);
	else if (json_object_get(obj, "item"))
		return field_bad(ps, "item", "is the same for all, in frame.read");
	if (e == ERR_OK)
		e = field_int(ps, obj, "at", FIELD_OPTIONAL, 0, ITEM_DATA_MAX - 1, &at);
	if (e == ERR_OK)
		e = field_int(ps, obj, "bytes", FIELD_REQUIRED, 1, bytes_most, &bytes);
	if (e == ERR_OK && at + bytes > ITEM_DATA_MAX)
		return field_bad(ps, "bytes", "do not fit into an answer");
	item->at = (uint8_t)at;
	item->bytes = (uint8_t)bytes;
	return e;
}

enum err parse_item_place(struct parse *ps, const json_t *obj, struct model_bits *out)
{
	struct model_item item = { 0 };
	enum err e = parse_where(ps, obj, 2, &item);

	out->item = item.id;
	out->at = item.at;
	out->bytes = item.bytes;
	return e;
}

/* "unit_at" and "unit": the byte that says in what the value is told. */
static enum err parse_unit(struct parse *ps, const json_t *obj, struct model_item *item)
{
	int at = 0;
	enum err e;

	item->has_unit = json_object_get(obj, "unit") || json_object_get(obj, "unit_at");
	if (!item->has_unit)
		return ERR_OK;
	e = field_int(ps, obj, "unit_at", FIELD_REQUIRED, 0, ITEM_DATA_MAX - 1, &at);
	item->unit_at = (uint8_t)at;
	return e == ERR_OK ? field_byte(ps, obj, "unit", FIELD_REQUIRED, &item->unit) : e;
}

static enum err check_wire(struct parse *ps, const struct model_point *p)
{
	const struct model_item *i = &p->item;
	bool clock = i->wire == ITEM_WDMY || i->wire == ITEM_SMHDMYC;

	if (p->serial != (i->wire == ITEM_DIGITS) ||
		(!p->serial && (p->point == POINT_CLOCK) != clock))
		return field_bad(ps, "wire", "does not fit the point");
	if ((i->wire == ITEM_WDMY && i->bytes != 4) || (i->wire == ITEM_SMHDMYC && i->bytes != 7) ||
		(i->wire != ITEM_DIGITS && i->bytes > 8))
		return field_bad(ps, "bytes", "do not fit the wire");
	return ERR_OK;
}

/* A second item: the time of a date, or what is subtracted. */
static enum err parse_other(struct parse *ps, const json_t *obj, struct model_item *item)
{
	bool date = item->wire == ITEM_WDMY;
	bool number = item->wire == ITEM_BCD || item->wire == ITEM_SIGNED_BCD;

	if (json_object_get(obj, "less") && !number)
		return field_bad(ps, "less", "is for numbers");
	if (json_object_get(obj, "time") && !date)
		return field_bad(ps, "time", "is for a date");
	return field_item(ps, obj, date ? "time" : "less", date ? FIELD_REQUIRED : FIELD_OPTIONAL,
		&item->other);
}

enum err parse_item_point(struct parse *ps, const json_t *obj)
{
	static const char *const names[] = { "point", "item", "at", "bytes", "wire", "scale",
		"class", "optional", "less", "time", "unit_at", "unit", "note", NULL };
	struct model_point p = { 0 };
	size_t wire = 0;
	enum err e = field_at(ps, json_only(obj, names, ps->why));

	if (e == ERR_OK)
		e = parse_point_name(ps, obj, &p);
	if (e == ERR_OK)
		e = parse_where(ps, obj, SERIAL_MAX / 2 - 1, &p.item);
	if (e == ERR_OK)
		e = field_word(
			ps, obj, "wire", FIELD_REQUIRED, item_wire_words, ITEM_WIRE__MAX, &wire);
	p.item.wire = (enum item_wire)wire;
	if (e == ERR_OK)
		e = check_wire(ps, &p);
	if (e == ERR_OK)
		e = parse_other(ps, obj, &p.item);
	if (e == ERR_OK)
		e = parse_unit(ps, obj, &p.item);
	if (e == ERR_OK)
		e = field_scale(ps, obj, &p.scale_num, &p.scale_den);
	if (e == ERR_OK)
		e = parse_class(ps, obj, &p.class);
	if (e == ERR_OK)
		e = field_at(ps,
			json_get_bool(obj, "optional", FIELD_OPTIONAL, &p.item.optional, ps->why));
	if (e != ERR_OK)
		return e;
	ps->m->points[ps->m->point_count++] = p;
	return ERR_OK;
}

enum err parse_item_action(struct parse *ps, const json_t *obj, struct model_action *out)
{
	static const char *const names[] = { "code", "shows", "clears", "by_reply", "deadline_ms",
		"note", NULL };
	struct model_action a = { .count = 1, .deadline_ms = ps->m->limits.settle_ms };
	uint8_t code = 0;
	enum err e = field_at(ps, json_only(obj, names, ps->why));

	if (e == ERR_OK)
		e = field_byte(ps, obj, "code", FIELD_REQUIRED, &code);
	if (e == ERR_OK)
		e = field_at(
			ps, json_get_bool(obj, "by_reply", FIELD_OPTIONAL, &a.by_reply, ps->why));
	if (e == ERR_OK)
		e = field_int(ps, obj, "deadline_ms", FIELD_OPTIONAL, 100, 120000, &a.deadline_ms);
	if (e == ERR_OK)
		e = parse_confirm(ps, obj, &a);
	if (e != ERR_OK)
		return e;
	if (ps->m->framing == MODEL_CJT188 && !ps->m->cjt188.act.codes[0])
		return field_bad(ps, "code", "needs frame.act");
	a.function = ps->m->framing == MODEL_DLT645 ? DLT645_RELAY : CJT188_WRITE;
	a.values[0] = code;
	*out = a;
	return ERR_OK;
}

/* ---- plan ---- */

static enum err want(struct model *m, enum point_class class, uint32_t item, bool optional)
{
	struct model_read *plan = m->plan[class];
	size_t n = m->plan_count[class];

	for (size_t i = 0; i < n; i++)
		if (plan[i].item == item) {
			plan[i].optional &= optional;
			return ERR_OK;
		}
	if (n == MODEL_READS_MAX)
		return ERR_OUT_OF_RANGE;
	plan[n] = (struct model_read){ .item = item, .optional = optional };
	m->plan_count[class]++;
	return ERR_OK;
}

enum err model_plan_items(struct model *m, enum point_class class)
{
	enum err e = ERR_OK;

	m->plan_count[class] = 0;
	for (size_t i = 0; e == ERR_OK && i < m->point_count; i++) {
		const struct model_item *item = &m->points[i].item;

		if (m->points[i].class != class)
			continue;
		e = want(m, class, item->id, item->optional);
		if (e == ERR_OK && item->other)
			e = want(m, class, item->other, true);
	}
	for (size_t i = 0; e == ERR_OK && class == CLASS_LIVE && i < m->flag_count; i++)
		e = want(m, class, m->flags[i].when.item, false);
	for (size_t i = 0; e == ERR_OK && class == CLASS_LIVE && i < m->supply_count; i++)
		e = want(m, class, m->supplies[i].when.item, false);
	return e;
}
