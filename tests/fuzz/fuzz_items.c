/* Any bytes from a line with meters of DL/T 645 and CJ/T 188: first byte the model and the read,
 * then what came. What is found must be a frame, must be put together again as it was, and what is
 * accepted as the reply must decode to a reading or be refused. */
#include <string.h>

#include "meter/bcd.h"
#include "meter/cjt188.h"
#include "meter/dlt645.h"

static const struct model *model_of(const char *name)
{
	static struct models *models;

	if (!models)
		ASSERT(models_open(NULL, &models, NULL) == ERR_OK);
	return models_find(models, name);
}

static void decode(const struct model *m, uint32_t item, const uint8_t *bytes, size_t n)
{
	struct item_block b = { .item = item, .n = n };
	struct meter_reading r;
	struct problem why;

	memcpy(b.bytes, bytes, n);
	(void)!model_decode_items(m, &b, 1, &r, &why);
}

static void dlt645(uint8_t pick, const uint8_t *bytes, size_t n)
{
	const struct model *m = model_of("dlt645-2007");
	size_t reads = 0, at = 0, length = dlt645_find(bytes, n, &at);
	const struct model_read *plan = model_plan(m, pick & 2 ? CLASS_CONFIG : CLASS_LIVE, &reads);
	struct dlt645_frame ask = {
		.address = { 0x12, 0, 0, 0, 0x10, 0x20 }, .control = DLT645_READ, .n = 4
	};
	struct dlt645_frame frame;
	struct bus_error why = { 0 };
	uint8_t again[DLT645_FRAME_MAX];
	uint32_t item = plan[(pick >> 2) % reads].item;

	if (length == 0)
		return;
	ASSERT(at + length <= n);
	if (dlt645_parse(bytes + at, length, &frame, &why) != ERR_OK)
		return;
	ASSERT(dlt645_build(&frame, 0, again) == length && memcmp(again, bytes + at, length) == 0);
	dlt645_put_item(item, ask.data);
	if (dlt645_check_reply(&ask, bytes + at, length, &frame, &why) != ERR_OK)
		return;
	ASSERT(frame.n >= 4);
	decode(m, item, frame.data + 4, frame.n - 4U);
}

static void cjt188(const uint8_t *bytes, size_t n)
{
	const struct model *m = model_of("cjt188-2004");
	size_t reads = 0, at = 0, length = cjt188_find(bytes, n, &at);
	const struct model_read *plan = model_plan(m, CLASS_LIVE, &reads);
	struct cjt188_frame frame, ask = { .type = 0x10,
		.address = { 1, 0, 0, 5, 8, 0, 0 },
		.control = CJT188_READ,
		.n = 3,
		.data = { 0x90, 0x1F, 0 } };
	struct cjt188_expect x = { .item_count = m->cjt188.read.item_count };
	struct bus_error why = { 0 };
	uint8_t again[CJT188_FRAME_MAX];

	if (length == 0)
		return;
	ASSERT(at + length <= n);
	if (cjt188_parse(bytes + at, length, &frame, &why) != ERR_OK)
		return;
	ASSERT(cjt188_build(&frame, 0, again) == length && memcmp(again, bytes + at, length) == 0);
	memcpy(x.codes, m->cjt188.read.codes, sizeof(x.codes));
	memcpy(x.items, m->cjt188.read.items, sizeof(x.items));
	if (cjt188_check_reply(&ask, &x, bytes + at, length, &frame, &why) != ERR_OK)
		return;
	ASSERT(frame.n >= 3);
	decode(m, plan[0].item, frame.data + 3, frame.n - 3U);
}

static void digits(const uint8_t *bytes, size_t n)
{
	size_t most = n < 8 ? n : 8;
	int64_t v = 0;
	uint8_t again[8];

	for (int sign = 0; sign < 2; sign++)
		if (bcd_get(bytes, most, sign, &v) == ERR_OK && v != 0)
			ASSERT(bcd_put(v, most, sign, again) == ERR_OUT_OF_RANGE ||
				memcmp(again, bytes, most) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 2)
		return 0;
	if (data[0] & 1)
		cjt188(data + 1, size - 1);
	else
		dlt645(data[0], data + 1, size - 1);
	digits(data + 1, size - 1);
	return 0;
}
