/* The frame that sells credit to a meter. */
#include <stdio.h>

#include "meter/model_build.h"
#include "meter/model_parse.h"

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
	e = field_at(ps, json_only(s, names, ps->why));
	if (e == ERR_OK)
		e = field_int(ps, s, "at", FIELD_REQUIRED, 0, most, &at);
	if (e == ERR_OK)
		e = field_int(ps, s, "bytes", FIELD_REQUIRED, 1, 4, &size);
	if (e == ERR_OK)
		e = field_int(ps, s, "flag", FIELD_OPTIONAL, 0, most, &flag);
	if (e != ERR_OK)
		return e;
	if (size == 3 || at + size > most + 1)
		return field_bad(ps, "bytes", "must be 1, 2 or 4, inside the registers");
	*out = (struct model_setting){ (uint8_t)at, (uint8_t)size, flag >= 0,
		(uint8_t)(flag < 0 ? 0 : flag) };
	return ERR_OK;
}

static enum err parse_purchase_terms(struct parse *ps, const json_t *obj)
{
	static const char *const firmwares[] = { "set", "add" };
	struct model_purchase *p = &ps->m->purchase;
	int step = 0;
	size_t firmware = 0;
	enum err e = field_int(ps, obj, "step_milli", FIELD_REQUIRED, 1, 1000000, &step);

	if (e == ERR_OK)
		e = field_word(ps, obj, "firmware", FIELD_REQUIRED, firmwares, ARRAY_LEN(firmwares),
			&firmware);
	p->step_milli = step;
	p->adds = firmware == 1;
	return e;
}

static enum err parse_purchase_registers(struct parse *ps, const json_t *obj)
{
	struct model_purchase *p = &ps->m->purchase;
	int function = 0, count = 0;
	enum err e = field_int(ps, obj, "function", FIELD_REQUIRED, 16, 32, &function);

	if (e == ERR_OK && function != 16 && function != 32)
		return field_bad(ps, "function", "must be 16 or 32");
	if (e == ERR_OK)
		e = field_hex(ps, obj, "address", FIELD_REQUIRED, &p->address);
	if (e == ERR_OK)
		e = field_int(ps, obj, "count", FIELD_REQUIRED, 1, MODEL_PURCHASE_MAX, &count);
	p->function = (uint8_t)function;
	p->count = (uint16_t)count;
	if (e == ERR_OK)
		e = parse_setting(ps, obj, "amount", &p->amount);
	if (e == ERR_OK)
		e = parse_setting(ps, obj, "number", &p->number);
	return e == ERR_OK ? parse_setting(ps, obj, "mode", &p->mode) : e;
}

static enum err parse_purchase_frame(struct parse *ps, const json_t *obj)
{
	struct model_purchase *p = &ps->m->purchase;
	enum err e = parse_frame(ps, obj, 1U << HOLE_AMOUNT | 1U << HOLE_NUMBER, &p->frame);

	p->function = p->frame.bytes[0];
	p->amount.size = p->frame.holes[HOLE_AMOUNT].size;
	p->number.size = p->frame.holes[HOLE_NUMBER].size;
	return e;
}

enum err parse_purchase(struct parse *ps, const json_t *root)
{
	static const char *const plain[] = { "function", "address", "count", "step_milli",
		"firmware", "amount", "number", "mode", "note", NULL };
	static const char *const vendor[] = { "frame", "reply", "step_milli", "firmware", "note",
		NULL };
	const json_t *obj = json_object_get(root, "purchase");
	struct model_purchase *p = &ps->m->purchase;
	bool framed = json_object_get(obj, "frame");
	enum err e;

	if (!obj)
		return ERR_OK;
	snprintf(ps->path, sizeof(ps->path), "purchase");
	e = field_at(ps, json_only(obj, framed ? vendor : plain, ps->why));
	if (e == ERR_OK)
		e = parse_purchase_terms(ps, obj);
	if (e == ERR_OK)
		e = framed ? parse_purchase_frame(ps, obj) : parse_purchase_registers(ps, obj);
	if (e != ERR_OK)
		return e;
	snprintf(ps->path, sizeof(ps->path), "purchase");
	if (p->amount.size != 4 || (p->number.size != 2 && p->number.size != 4))
		return field_bad(ps, "amount", "of 4 bytes and a number of 2 or 4 are needed");
	return ERR_OK;
}

bool model_keeps_credit(const struct model *m)
{
	return m->purchase.function != 0 && m->credit_unit != CREDIT_NONE &&
	       model_live_point(m, POINT_CREDIT) && model_live_point(m, POINT_PURCHASE_COUNT);
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

/* What goes into the amount. */
static enum err purchase_amount(
	const struct model *m, int64_t count, int64_t milli, int64_t *amount)
{
	const struct model_purchase *p = &m->purchase;

	if (!model_keeps_credit(m))
		return ERR_NOT_CONFIGURED;
	*amount = milli / p->step_milli;
	if (count < 0 || count > (p->number.size == 2 ? UINT16_MAX : INT32_MAX) || *amount < 0 ||
		*amount > INT32_MAX || *amount * p->step_milli != milli)
		return ERR_OUT_OF_RANGE;
	return ERR_OK;
}

enum err model_purchase_values(const struct model *m, int64_t count, int64_t milli,
	uint16_t values[static MODEL_PURCHASE_MAX])
{
	const struct model_purchase *p = &m->purchase;
	uint8_t bytes[2 * MODEL_PURCHASE_MAX] = { 0 };
	int64_t amount = 0;
	enum err e = purchase_amount(m, count, milli, &amount);

	if (e != ERR_OK)
		return e;
	setting_put(bytes, &p->mode, 1);
	setting_put(bytes, &p->amount, (uint64_t)amount);
	setting_put(bytes, &p->number, (uint64_t)count);
	for (unsigned i = 0; i < p->count; i++)
		values[i] = (uint16_t)(bytes[2 * i] << 8 | bytes[2 * i + 1]);
	return ERR_OK;
}

enum err model_purchase_frame(
	const struct model *m, int64_t count, int64_t milli, struct model_frame *out)
{
	const struct model_purchase *p = &m->purchase;
	const struct model_setting amount_at = { .size = p->amount.size };
	const struct model_setting number_at = { .size = p->number.size };
	uint8_t bytes[4] = { 0 };
	int64_t amount = 0;
	enum err e = purchase_amount(m, count, milli, &amount);

	if (e != ERR_OK)
		return e;
	*out = p->frame;
	setting_put(bytes, &amount_at, (uint64_t)amount);
	frame_fill(out, HOLE_AMOUNT, bytes);
	setting_put(bytes, &number_at, (uint64_t)count);
	frame_fill(out, HOLE_NUMBER, bytes);
	return ERR_OK;
}
