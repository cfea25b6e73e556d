/* Meters of DL/T 645-2007: items are read, the relay is told by control code 1C. */
#include <string.h>

#include "meter/bcd.h"
#include "meter/dlt645.h"
#include "meter/meter_items.h"

#define MORE_MAX 8 /* follow-up frames of one answer */

struct ask {
	const struct model *model;
	struct dlt645_frame sent, reply;
};

static size_t build(void *p, uint16_t number, uint8_t *out)
{
	const struct ask *ask = p;

	(void)number; /* a frame has no place for it: the item tells replies apart */
	return dlt645_build(&ask->sent, ask->model->dlt645.leaders, out);
}

static enum err check(void *p, const uint8_t *frame, size_t n, struct bus_error *why)
{
	struct ask *ask = p;

	return dlt645_check_reply(&ask->sent, frame, n, &ask->reply, why);
}

static const struct bus_framing framing = { "DL/T 645", build, dlt645_find, check };

/* Replies look alike to the same item of the same meter, and to all that its relay is told. */
static uint32_t mark_of(const struct dlt645_frame *f)
{
	uint32_t item = f->control == DLT645_RELAY ? 0 : dlt645_item(f->data);

	return (uint32_t)f->address[0] << 16 | ((item >> 16 ^ item) & 0xFFFF);
}

static enum err talk(const struct place *p, struct ask *ask, int reply_bytes,
	const struct bus_permit *permit, struct bus_error *why)
{
	return bus_exchange(p->bus,
		&(struct bus_ask){ .framing = &framing,
			.ask = ask,
			.reply_bytes = reply_bytes,
			.mark = mark_of(&ask->sent),
			.answer_ms = p->model->limits.answer_ms,
			.pause_ms = p->model->limits.pause_ms,
			.permit = permit },
		why);
}

static struct ask ask_of(const struct place *p, uint8_t control)
{
	struct ask ask = { .model = p->model, .sent = { .control = control } };

	if (p->at)
		memcpy(ask.sent.address, p->at->digits, DLT645_ADDRESS);
	return ask;
}

/* Appends the data of a reply but for what stands around it. */
static enum err take(struct item_block *b, const struct dlt645_frame *reply, size_t behind,
	struct bus_error *why)
{
	size_t n = reply->n - 4U - behind;

	if (b->n + n > sizeof(b->bytes))
		return bus_error_nonsense(why, KIND_LONG, "reply is too long");
	memcpy(b->bytes + b->n, reply->data + 4, n);
	b->n += n;
	return ERR_OK;
}

/* What did not fit into one frame, by control code 12. */
static enum err read_more(
	const struct place *p, struct ask *ask, struct item_block *b, struct bus_error *why)
{
	enum err e = ERR_OK;

	ask->sent.control = DLT645_READ_MORE;
	ask->sent.n = 5;
	for (uint8_t i = 1; e == ERR_OK && (ask->reply.control & DLT645_MORE); i++) {
		if (i > MORE_MAX)
			return bus_error_nonsense(why, KIND_LONG, "reply in too many frames");
		ask->sent.data[4] = i;
		e = talk(p, ask, DLT645_DATA_MAX, NULL, why);
		if (e == ERR_OK)
			e = take(b, &ask->reply, 1, why);
	}
	return e;
}

static enum err read_item(const struct place *p, const struct model_read *r, struct item_block *b,
	struct bus_error *why)
{
	struct ask ask = ask_of(p, DLT645_READ);
	enum err e;

	*b = (struct item_block){ .item = r->item };
	ask.sent.n = 4;
	dlt645_put_item(r->item, ask.sent.data);
	e = talk(p, &ask, 40, NULL, why);
	if (e == ERR_REFUSED && r->optional && ask.reply.data[0] == DLT645_NO_SUCH_DATA) {
		b->absent = true;
		return ERR_OK;
	}
	if (e == ERR_OK)
		e = take(b, &ask.reply, 0, why);
	return e == ERR_OK ? read_more(p, &ask, b, why) : e;
}

enum err dlt645_read(const struct place *p, const struct model_read *plan, size_t n,
	struct meter_reading *out, struct bus_error *why)
{
	struct item_block blocks[MODEL_READS_MAX];
	struct problem what = { 0 };

	for (size_t i = 0; i < n; i++) {
		enum err e;

		if (i > 0)
			bus_gap(p->bus);
		e = read_item(p, &plan[i], &blocks[i], why);
		if (e != ERR_OK)
			return e;
	}
	if (model_decode_items(p->model, blocks, n, out, &what) != ERR_OK)
		return bus_error_set(why, ERR_PROTOCOL, BUS_NONSENSE, "%s", what.text);
	return ERR_OK;
}

/* Second, minute, hour, day, month, year. */
static void put_time(int64_t wall, uint8_t out[static 6])
{
	int64_t second = wall % 86400;
	int y, m, d;

	civil_date(wall / 86400, &y, &m, &d);
	int parts[6] = { (int)(second % 60), (int)(second / 60 % 60), (int)(second / 3600), d, m,
		y % 100 };

	for (size_t i = 0; i < 6; i++)
		out[i] = (uint8_t)(parts[i] / 10 << 4 | parts[i] % 10);
}

/* Valid until so many minutes from now. Meters compare it with their own wall clock, whose zone we
 * do not know: a day from now in UTC is later than now in every zone. */
enum err dlt645_act(const struct place *p, enum meter_act act, const struct bus_permit *permit,
	struct bus_error *why)
{
	const struct model_dlt645 *d = &p->model->dlt645;
	struct ask ask = ask_of(p, DLT645_RELAY);
	uint8_t *data = ask.sent.data;
	enum err e;

	memcpy(data, d->keys.password, sizeof(d->keys.password));
	memcpy(data + 4, d->keys.operator_code, sizeof(d->keys.operator_code));
	data[8] = (uint8_t)p->model->actions[act].values[0];
	data[9] = 0;
	put_time(utc_now().ms / 1000 + d->valid_minutes * INT64_C(60), data + 10);
	ask.sent.n = 16;
	e = talk(p, &ask, 12, permit, why);
	explicit_bzero(&ask, sizeof(ask));
	if (e == ERR_OK || e == ERR_REFUSED || !why->sent)
		return e;
	return ERR_UNKNOWN;
}

enum err dlt645_broadcast_time(const struct place *p, int64_t wall_seconds,
	const struct bus_permit *permit, struct bus_error *why)
{
	struct ask ask = ask_of(p, DLT645_BROADCAST_TIME);

	memset(ask.sent.address, 0x99, DLT645_ADDRESS);
	put_time(wall_seconds, ask.sent.data);
	ask.sent.n = 6;
	return bus_exchange(p->bus,
		&(struct bus_ask){ .framing = &framing,
			.ask = &ask,
			.unanswered = true,
			.permit = permit,
			.pause_ms = p->model->limits.pause_ms },
		why);
}
