/* Any bytes as a model file; one that is accepted must plan, encode and decode without a mistake.
 */
#include "meter/model.h"

static void read_by_plan(const struct model *m, enum point_class class)
{
	struct meter_reading state = { .serial = "210625001234" }, back;
	struct register_block blocks[MODEL_READS_MAX];
	size_t n = 0;
	const struct model_read *plan = model_plan(m, class, &n);

	for (size_t i = 0; i < n; i++) {
		struct register_block *b = &blocks[i];

		ASSERT(plan[i].count >= 1 && plan[i].count <= m->limits.max_read);
		b->function = plan[i].function;
		b->address = plan[i].address;
		b->count = plan[i].count;
		ASSERT(model_encode(m, &state, b->function, b->address, b->count, b->regs) ==
			ERR_OK);
	}
	/* points may overlap, so the result need not be a reading */
	(void)!model_decode(m, blocks, n, &back, NULL);
}

/* Answers of every length; what is told must be inside its limits. */
static void read_items(const struct model *m, enum point_class class)
{
	struct item_block blocks[MODEL_READS_MAX] = { 0 };
	struct meter_reading r;
	size_t n = 0;
	const struct model_read *plan = model_plan(m, class, &n);

	for (size_t length = 0; length <= ITEM_DATA_MAX; length += 1 + length / 4) {
		for (size_t i = 0; i < n; i++) {
			blocks[i].item = plan[i].item;
			blocks[i].n = length;
		}
		(void)!model_decode_items(m, blocks, n, &r, NULL);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO(model_free) struct model *m = NULL;
	struct problem why;

	if (model_parse((const char *)data, size, &m, &why) != ERR_OK)
		return 0;
	for (size_t c = 0; c < CLASS__MAX; c++)
		if (m->framing == MODEL_MODBUS)
			read_by_plan(m, (enum point_class)c);
		else
			read_items(m, (enum point_class)c);
	return 0;
}
