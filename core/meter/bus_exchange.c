#include <errno.h>
#include <string.h>

#include "meter/bus_inside.h"
#include "meter/dialin.h"

#define STALE_MAX 16	   /* late replies thrown away while waiting for the right one */
#define SILENT_MAX 3	   /* unanswered requests in a row before a connection is made anew */
#define DIAL_SILENT_MAX 10 /* the same, of a gateway that dials in */
#define LATE_MS 1500	   /* RTU: a reply that is so late may still come */

/* A reply that was waited past: counted here, for the exchange goes on. RTU begins with the unit;
 * on Modbus TCP nothing but a late one is passed over. */
static void passed_over(struct bus *b, const uint8_t *reply, const struct bus_error *why)
{
	bool late = why->kind == KIND_LATE || bus_late_until(b, reply[0]) > mono_ms();

	bus_count(b, late ? KIND_LATE : KIND_FOREIGN);
}

/* The reply to q, past late ones to earlier requests. */
static enum err await_reply(struct bus *b, const struct bus_request *q, int64_t begin,
	int answer_ms, uint16_t *regs, struct bus_error *why)
{
	uint8_t reply[FRAME_MAX] = { 0 };
	size_t n = 0;
	enum err e = ERR_RETRY;
	int stale = 0;

	while (bus_has_more(b, begin + answer_ms) && stale < STALE_MAX) {
		e = bus_receive(b, q, begin + answer_ms, reply, &n, why);
		if (e == ERR_OK)
			e = frame_check_reply(b->framing, q, b->transaction, reply, n, regs, why);
		if (e == ERR_TIMEOUT) /* heartbeats only */
			break;
		if (e != ERR_RETRY)
			return e;
		passed_over(b, reply, why);
		stale++;
	}
	if (stale > 0) {	       /* the check has left the text about the last of them */
		why->kind = KIND_FINE; /* they are counted; its own may still come */
		return ERR_PROTOCOL;
	}
	return bus_error_set(why, ERR_TIMEOUT, BUS_SILENT, "no answer within %d ms", answer_ms);
}

/* After a failure the next request must not meet leftovers of this one. On TCP the transaction
 * tells them apart; RTU has no such thing, so the connection goes. */
static void clean_up(struct bus *b, enum err e)
{
	bool nonsense = e == ERR_PROTOCOL;
	bool silent = e == ERR_TIMEOUT;

	b->silent = silent ? b->silent + 1 : 0;
	if (!bus_is_socket(b) || b->fd < 0)
		return;	       /* drained before the next request */
	if (bus_dials_in(b)) { /* comes back when it pleases: not for the sake of one dead meter */
		if (b->silent >= DIAL_SILENT_MAX)
			bus_hang_up(b);
		return;
	}
	if (nonsense || b->silent >= SILENT_MAX || (silent && b->framing == FRAMING_RTU))
		bus_hang_up(b);
}

/* What the line takes for the bytes of request and reply (11 bits each). */
static int line_ms(const struct bus *b, int bytes)
{
	return b->settings.baud > 0 ? bytes * 11000 / b->settings.baud : 0;
}

static int answer_ms_of(const struct bus_request *q)
{
	return q->answer_ms > 0 ? q->answer_ms : BUS_ANSWER_MS;
}

/* A Modbus TCP gateway may still wait for the meter of the last request, and have ours stand in
 * line. */
static bool stands_in_line(const struct bus *b)
{
	return b->framing == FRAMING_TCP && b->silent > 0;
}

/* How long to wait: for the device, and for the line. */
static int wait_ms(const struct bus *b, const struct bus_request *q, int line)
{
	int answer_ms = answer_ms_of(q);

	if (b->patience_ms > 0 && b->patience_ms < answer_ms && !stands_in_line(b))
		answer_ms = b->patience_ms;
	return answer_ms + line;
}

/* An exchange that began then is over; line: ms that request and reply take on it. */
static void note_end(struct bus *b, enum err e, int64_t begin, int line, bool in_line)
{
	int delay;

	b->quiet_at = mono_ms();
	b->stats.busy_ms += b->quiet_at - begin;
	if (e != ERR_OK && e != ERR_REFUSED)
		return;
	b->stats.answers++;
	b->stats.answer_ms = (int)(b->quiet_at - begin);
	answer_times_add(&b->stats.times, b->stats.answer_ms);
	delay = b->stats.answer_ms > line ? b->stats.answer_ms - line : 0;
	if (!in_line && delay > b->delay_ms)
		b->delay_ms = delay;
}

/* On Modbus TCP a late reply names its request: nothing is to be remembered. */
static void note_silence(struct bus *b, const struct bus_request *q, int64_t begin, int line)
{
	if (b->framing == FRAMING_TCP)
		return;
	b->given_up[b->given_up_next] = (struct given_up){ .unit = q->unit,
		.function = q->function,
		.count = q->count,
		.until = begin + answer_ms_of(q) + line + LATE_MS };
	b->given_up_next = (b->given_up_next + 1) % LATE_MAX;
}

static void note(struct bus *b, const struct bus_error *why)
{
	unsigned code = (unsigned)why->exception;

	if (why->kind != KIND_FINE && why->kind != KIND_LYING)
		bus_count(b, why->kind);
	if (why->kind == KIND_EXCEPTION)
		b->stats.exceptions[code < BUS_EXCEPTIONS ? code : BUS_EXCEPTIONS - 1]++;
}

/* The request leaves; *begin: when. */
static enum err dispatch(struct bus *b, const struct bus_request *q, const uint8_t *frame, size_t n,
	int answer_ms, int64_t *begin, struct bus_error *why)
{
	enum err e = bus_make_ready(b, q, why);

	if (e != ERR_OK)
		return e;
	if (q->permit && !q->permit->may_send(q->permit->ctx))
		return bus_error_set(why, ERR_FORBIDDEN, BUS_FINE, "no longer permitted");
	*begin = mono_ms();
	return bus_send(b, frame, n, *begin + answer_ms, why);
}

static enum err exchange(
	struct bus *b, const struct bus_request *q, uint16_t *regs, struct bus_error *why)
{
	uint8_t frame[FRAME_MAX];
	bool in_line = stands_in_line(b);
	int line = line_ms(b, 8 + 5 + 2 * q->count), answer_ms = wait_ms(b, q, line);
	size_t n = frame_build(b->framing, q, ++b->transaction, frame);
	int64_t begin = 0;
	enum err e;

	if (n == 0)
		return bus_error_set(why, ERR_BAD_VALUE, BUS_FINE,
			"there is no such request (function %u, %u registers)", q->function,
			q->count);
	e = dispatch(b, q, frame, n, answer_ms, &begin, why);
	if (e != ERR_OK)
		return e;
	e = await_reply(b, q, begin, answer_ms, regs, why);
	note_end(b, e, begin, line, in_line);
	if (e == ERR_TIMEOUT || (e == ERR_PROTOCOL && why->kind == KIND_FINE))
		note_silence(b, q, begin, line);
	b->clean = (e == ERR_OK || e == ERR_REFUSED) && b->heap_n == 0;
	clean_up(b, e);
	return e;
}

/* Counts what came of an exchange, and tells the caller, if he asks. */
static enum err told(struct bus *b, enum err e, struct bus_error *w, struct bus_error *why)
{
	if (e == ERR_OK) /* it may tell of replies that were passed over */
		*w = (struct bus_error){ .address = w->address, .sent = true };
	note(b, w);
	if (why)
		*why = *w;
	return e;
}

static enum err exchange_told(
	struct bus *b, const struct bus_request *q, uint16_t *regs, struct bus_error *why)
{
	struct bus_error w = { .address = q->address };

	return told(b, exchange(b, q, regs, &w), &w, why);
}

enum err bus_read(
	struct bus *b, const struct bus_request *request, uint16_t *regs, struct bus_error *why)
{
	if (request->vendor || request->function < 1 || request->function > 4)
		return bus_error_set(why, ERR_BAD_VALUE, BUS_FINE, "function %u does not read",
			request->function);
	return exchange_told(b, request, regs, why);
}

enum err bus_write(struct bus *b, const struct bus_request *request, struct bus_error *why)
{
	const uint8_t f = request->function;

	if (!request->vendor && f != 5 && f != 6 && f != 15 && f != 16 && f != FRAME_ACREL_WRITE)
		return bus_error_set(why, ERR_BAD_VALUE, BUS_FINE, "function %u does not write", f);
	return exchange_told(b, request, NULL, why);
}

/* ---- other framings ---- */

/* What a gateway that dials in says of itself is taken out, wherever it stands. */
static void heap_clean(struct bus *b)
{
	const struct dial_patterns *p = bus_dials_in(b) ? b->settings.dial.patterns : NULL;

	for (size_t i = 0; p && i < p->n; i++) {
		const struct dial_pattern *d = &p->at[i];
		uint8_t *found;

		while (d->n > 0 && (found = memmem(b->heap, b->heap_n, d->bytes, d->n))) {
			b->heap_n -= d->n;
			memmove(found, found + d->n, b->heap_n - (size_t)(found - b->heap));
		}
	}
}

/* More bytes, among which a frame may begin anywhere. ERR_TIMEOUT: nothing more came. */
static enum err more_noise(struct bus *b, int64_t deadline, struct bus_error *why)
{
	enum err e;

	if (b->heap_n == sizeof(b->heap))
		bus_heap_drop(b, FRAME_MAX);
	e = bus_heap_more(b, deadline, why);
	if (e == ERR_OK)
		heap_clean(b);
	return e;
}

/* The reply to q, past noise, echoes, and what belongs to others. */
static enum err await_frame(
	struct bus *b, const struct bus_ask *q, int64_t begin, int answer_ms, struct bus_error *why)
{
	bool passed = false;
	enum err e = ERR_OK;

	while (e == ERR_OK) {
		size_t at = 0, n = q->framing->find(b->heap, b->heap_n, &at);

		if (n == 0) {
			e = more_noise(b, begin + answer_ms, why);
			continue;
		}
		e = q->framing->check(q->ask, b->heap + at, n, why);
		if (e != ERR_RETRY)
			return e;
		bus_count(b, why->kind);
		bus_heap_drop(b, at + n);
		passed = true;
		e = ERR_OK;
	}
	if (e != ERR_TIMEOUT)
		return e;
	if (passed) { /* the check has left the text about the last of them */
		why->kind = KIND_FINE;
		return ERR_PROTOCOL;
	}
	if (b->heap_n > bus_heap_tail(b))
		return bus_receive_failed(b, ETIMEDOUT, why);
	return bus_error_set(why, ERR_TIMEOUT, BUS_SILENT, "no answer within %d ms", answer_ms);
}

/* As a request of Modbus, for what is counted and remembered of it. No function of that number is
 * read or written there. */
static struct bus_request as_request(const struct bus_ask *q)
{
	return (struct bus_request){ .unit = (uint8_t)(q->mark >> 16),
		.function = 1,
		.count = (uint16_t)q->mark,
		.answer_ms = q->answer_ms,
		.pause_ms = q->pause_ms,
		.permit = q->permit };
}

static enum err ask(struct bus *b, const struct bus_ask *q, struct bus_error *why)
{
	struct bus_request like = as_request(q);
	uint8_t frame[FRAME_MAX];
	size_t n = q->framing->build(q->ask, ++b->transaction, frame);
	int line = line_ms(b, (int)n + q->reply_bytes), answer_ms = wait_ms(b, &like, line);
	int64_t begin = 0;
	enum err e;

	if (b->framing == FRAMING_TCP)
		return bus_error_set(why, ERR_BAD_VALUE, BUS_FINE,
			"%s does not go over modbus-tcp: use rtu-tcp or rtu", q->framing->name);
	e = dispatch(b, &like, frame, n, answer_ms, &begin, why);
	if (e != ERR_OK)
		return e;
	if (q->unanswered) {
		b->quiet_at = begin + line;
		return ERR_OK;
	}
	e = await_frame(b, q, begin, answer_ms, why);
	note_end(b, e, begin, line, false);
	if (e == ERR_TIMEOUT)
		note_silence(b, &like, begin, line);
	clean_up(b, e);
	return e;
}

enum err bus_exchange(struct bus *b, const struct bus_ask *request, struct bus_error *why)
{
	struct bus_error w = { 0 };

	return told(b, ask(b, request, &w), &w, why);
}
