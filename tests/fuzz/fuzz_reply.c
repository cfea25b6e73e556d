/* Any bytes as the reply to a read of any model: first byte the model (by its name), second the
 * framing and the read, then the reply as it came. What is accepted must decode to believable
 * integers or be refused, and must come back from the encoder. */
#include <string.h>

#include "meter/frame.h"

static uint8_t hash(const char *name)
{
	uint32_t h = 2166136261U;

	for (; *name; name++)
		h = (h ^ (uint8_t)*name) * 16777619U;
	return (uint8_t)(h ^ h >> 8 ^ h >> 16 ^ h >> 24);
}

/* The model whose name's hash is nearest, so that more models do not change what a corpus says. */
static const struct model *model_of(uint8_t pick)
{
	static struct models *models;
	const struct model *nearest = NULL;

	if (!models)
		ASSERT(models_open(SOURCE_DIR "/tests/models", &models, NULL) == ERR_OK);
	for (size_t i = 0; i < models_count(models); i++) {
		const struct model *m = models_at(models, i);

		if (!nearest ||
			(uint8_t)(pick - hash(m->name)) < (uint8_t)(pick - hash(nearest->name)))
			nearest = m;
	}
	return nearest;
}

/* A ratio of 0 is told by no meter that was set up, and comes back as 1. */
static bool is_ratio(const struct model_point *p)
{
	return p->point == POINT_CT_RATIO || p->point == POINT_PT_RATIO;
}

static bool is_exact(const struct model_point *p)
{
	return p->wire != WIRE_F32 && p->wire != WIRE_F64 && !p->serial && !p->factors;
}

/* Where every register of the block is told by a whole value, encoding gives the same reading. */
static void check_back(
	const struct model *m, const struct register_block *b, const struct meter_reading *r)
{
	struct register_block again = { b->function, b->address, b->count, { 0 } };
	struct meter_reading back;
	enum err e = model_encode(m, r, b->function, b->address, b->count, again.regs);

	/* what a factor scaled need not fit with the factor that an encoder plays */
	ASSERT(e == ERR_OK || m->factor_count > 0);
	if (e != ERR_OK)
		return;
	ASSERT(model_decode(m, &again, 1, &back, NULL) == ERR_OK);
	ASSERT(back.has == r->has && back.status == r->status);
	for (size_t i = 0; i < m->point_count; i++)
		if (is_exact(&m->points[i]) &&
			(!is_ratio(&m->points[i]) || r->value[m->points[i].point] > 0))
			ASSERT(back.value[m->points[i].point] == r->value[m->points[i].point]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct model *m;
	const struct model_read *plan;
	struct register_block b = { 0 };
	struct bus_request q = { .unit = 1 };
	struct bus_error why = { 0 };
	struct meter_reading r;
	struct problem problem;
	enum framing f;
	size_t reads = 0;

	if (size < 2)
		return 0;
	m = model_of(data[0]);
	if (m->framing != MODEL_MODBUS)
		return 0; /* fuzz_items.c */
	f = data[1] & 1 ? FRAMING_RTU : FRAMING_TCP;
	plan = model_plan(m, data[1] & 2 ? CLASS_CONFIG : CLASS_LIVE, &reads);
	if (reads == 0)
		return 0;
	plan += (data[1] >> 2) % reads;
	q.function = b.function = plan->function;
	q.address = b.address = plan->address;
	q.count = b.count = plan->count;
	if (frame_check_reply(f, &q, 1, data + 2, size - 2, b.regs, &why) != ERR_OK)
		return 0;
	ASSERT(size - 2 == frame_need(f, data + 2, size - 2));
	if (model_decode(m, &b, 1, &r, &problem) == ERR_OK)
		check_back(m, &b, &r);
	return 0;
}
