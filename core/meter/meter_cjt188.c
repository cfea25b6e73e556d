/* Meters of CJ/T 188-2004: one item is read, the valve is told by control code 04. Identification
 * and reply codes are those of the model file. */
#include <string.h>

#include "meter/cjt188.h"
#include "meter/meter_items.h"

#define PREFIX 3 /* identification, sequence */

struct ask {
	const struct model_cjt188 *rules;
	struct cjt188_expect expect;
	struct cjt188_frame sent, reply;
};

static size_t build(void *p, uint16_t number, uint8_t *out)
{
	struct ask *ask = p;

	ask->sent.data[2] = ask->rules->sequence ? (uint8_t)number : 0;
	return cjt188_build(&ask->sent, ask->rules->leaders, out);
}

static enum err check(void *p, const uint8_t *frame, size_t n, struct bus_error *why)
{
	struct ask *ask = p;

	return cjt188_check_reply(&ask->sent, &ask->expect, frame, n, &ask->reply, why);
}

static const struct bus_framing framing = { "CJ/T 188", build, cjt188_find, check };

static struct ask ask_of(const struct place *p, uint8_t control, const struct cjt188_words *words)
{
	const struct model_cjt188 *rules = &p->model->cjt188;
	struct ask ask = { .rules = rules,
		.expect = { .item_count = words->item_count, .sequence = rules->sequence },
		.sent = { .type = rules->type, .control = control, .n = PREFIX } };

	memcpy(ask.expect.codes, words->codes, sizeof(words->codes));
	memcpy(ask.expect.items, words->items, sizeof(words->items));
	memcpy(ask.sent.address, p->at->digits, CJT188_ADDRESS);
	memcpy(ask.sent.data, words->item, 2);
	return ask;
}

static enum err talk(const struct place *p, struct ask *ask, const struct bus_permit *permit,
	struct bus_error *why)
{
	return bus_exchange(p->bus,
		&(struct bus_ask){ .framing = &framing,
			.ask = ask,
			.reply_bytes = 40,
			.mark = (uint32_t)ask->sent.address[0] << 16 | ask->sent.control,
			.answer_ms = p->model->limits.answer_ms,
			.pause_ms = p->model->limits.pause_ms,
			.permit = permit },
		why);
}

enum err cjt188_read(const struct place *p, const struct model_read *plan, size_t n,
	struct meter_reading *out, struct bus_error *why)
{
	struct ask ask = ask_of(p, CJT188_READ, &p->model->cjt188.read);
	struct item_block block = { 0 };
	struct problem what = { 0 };
	enum err e;

	if (n == 0)
		return ERR_OK;
	e = talk(p, &ask, NULL, why);
	if (e != ERR_OK)
		return e;
	block.item = plan[0].item;
	block.n = ask.reply.n - (size_t)PREFIX;
	memcpy(block.bytes, ask.reply.data + PREFIX, block.n);
	if (model_decode_items(p->model, &block, 1, out, &what) != ERR_OK)
		return bus_error_set(why, ERR_PROTOCOL, BUS_NONSENSE, "%s", what.text);
	return ERR_OK;
}

enum err cjt188_act(const struct place *p, enum meter_act act, const struct bus_permit *permit,
	struct bus_error *why)
{
	struct ask ask = ask_of(p, CJT188_WRITE, &p->model->cjt188.act);
	enum err e;

	ask.sent.data[ask.sent.n++] = (uint8_t)p->model->actions[act].values[0];
	e = talk(p, &ask, permit, why);
	if (e == ERR_OK || e == ERR_REFUSED || !why->sent)
		return e;
	return ERR_UNKNOWN;
}
