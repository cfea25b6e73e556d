/* Any bytes as a model file; one that is accepted must plan, encode and decode without a mistake.
 */
#include <string.h>

#include "meter/frame.h"
#include "meter/meter.h"

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

/* Any registers have some text, and what it says can be asked to be written. */
static void settings_come_back(
	const struct model *m, enum meter_setting s, const uint8_t *data, size_t size)
{
	struct settings_write frames[MODEL_SCHEDULES_MAX];
	struct model_read reads[SETTING_READS_MAX];
	struct register_block blocks[SETTING_READS_MAX];
	char text[METER_SETTING_TEXT];
	size_t n = model_setting_reads(m, s, reads), k = 0;

	for (size_t i = 0; i < n; i++) {
		ASSERT(reads[i].count >= 1 && reads[i].count <= MODBUS_READ_MAX);
		blocks[i] = (struct register_block){ reads[i].function, reads[i].address,
			reads[i].count, { 0 } };
		for (size_t r = 0; r < reads[i].count; r++, k += 2)
			blocks[i].regs[r] = (uint16_t)(data[k % size] << 8 | data[(k + 1) % size]);
	}
	if (n > 0)
		ASSERT(model_setting_decode(m, s, blocks, n, text) == ERR_OK);
	if (n > 0 && text[0] && model_sets(m, s))
		(void)!model_setting_write(m, s, text, frames, &n);
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

/* Whatever a model says is written must be a frame; a vendor's must take the reply that it says. */
static void must_be_frame(const struct meter_write *w)
{
	const struct bus_vendor *v = w->request.vendor;
	uint8_t frame[FRAME_MAX], reply[FRAME_MAX] = { 0 };

	ASSERT(frame_build(FRAMING_TCP, &w->request, 1, frame) > 0);
	if (!v)
		return;
	memcpy(reply, (const uint8_t[]){ 0, 1, 0, 0, 0, (uint8_t)(v->reply_n + 1), 1 }, 7);
	memcpy(reply + 7, v->reply, v->reply_n);
	ASSERT(frame_need_for(FRAMING_TCP, &w->request, reply, 8) == 7 + v->reply_n);
	ASSERT(frame_check_reply(FRAMING_TCP, &w->request, 1, reply, 7 + v->reply_n, NULL, NULL) ==
		ERR_OK);
}

static void write_all(const struct model *m)
{
	struct meter_write w;

	for (size_t a = 0; a < ACT__MAX; a++)
		if (meter_act_write(m, 1, (enum meter_act)a, &w) == ERR_OK)
			must_be_frame(&w);
	if (meter_clock_write(m, 1, 1795370829, &w) == ERR_OK)
		must_be_frame(&w);
	if (meter_purchase_write(m, 1, 7, m->purchase.step_milli * 5, &w) == ERR_OK)
		must_be_frame(&w);
}

static void lay_out(const struct model *m)
{
	struct model_circuit circuits[MODEL_CIRCUITS_MAX];
	size_t n = 0;

	for (size_t i = 0; i < m->units.boxes; i++) {
		struct model_box box = { m->units.box[i], 1, 2 };

		if (model_circuits(m, &box, circuits, &n, NULL) == ERR_OK)
			ASSERT(n <= MODEL_CIRCUITS_MAX);
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
	for (size_t k = 0; k < METER_SETTING__MAX; k++)
		settings_come_back(m, (enum meter_setting)k, data, size);
	write_all(m);
	lay_out(m);
	return 0;
}
