#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "meter/bus_inside.h"
#include "meter/dialin.h"

/* Requests are sent by us everywhere, because libmodbus's raw sending leaves the transaction at 0
 * and its other calls do not look at the unit of a TCP reply. It frames and receives RTU replies of
 * the functions that it knows, where it is not mixed with what a gateway says of itself. Whoever
 * received a reply, it is then checked in full by frame_check_reply(). */

#define RECEIVE_SLACK_MS 50 /* that a call may wait too long, so that it need not be set anew */

static enum err lost(struct bus *b, struct bus_error *why, const char *reason)
{
	bus_hang_up(b);
	return bus_error_set(why, ERR_UNAVAILABLE, BUS_LOST, "connection to %s lost: %s",
		b->settings.address, reason);
}

enum err bus_send(
	struct bus *b, const uint8_t *frame, size_t n, int64_t deadline, struct bus_error *why)
{
	size_t done = 0;

	while (done < n) {
		ssize_t rc = bus_is_socket(b) ? send(b->fd, frame + done, n - done,
							MSG_NOSIGNAL | MSG_DONTWAIT)
					      : write(b->fd, frame + done, n - done);

		if (rc > 0) {
			done += (size_t)rc;
			why->sent = true;
		} else if (errno != EINTR && errno != EAGAIN) {
			return lost(b, why, strerror(errno));
		} else if (!bus_wait_for(b->fd, POLLOUT, deadline)) {
			return lost(b, why, "it takes no more bytes");
		}
	}
	b->stats.bytes_out += n;
	b->stats.requests++;
	return ERR_OK;
}

enum err bus_receive_failed(struct bus *b, int error, struct bus_error *why)
{
	if (error == ETIMEDOUT)
		return bus_error_nonsense(why, KIND_SHORT, "reply breaks off");
	if (error == EMBBADCRC)
		return bus_error_nonsense(why, KIND_CRC, "CRC error");
	if (error == EMBBADDATA)
		return bus_error_nonsense(why, KIND_LONG, "reply is too long");
	return lost(b, why, error == ECONNRESET ? "closed by the other side" : strerror(error));
}

/* What comes before the deadline, behind the *n bytes that are there. ERR_TIMEOUT: nothing did. */
static enum err read_more(struct bus *b, uint8_t *bytes, size_t max, size_t *n, int64_t deadline,
	struct bus_error *why)
{
	ssize_t got;

	if (!bus_wait_for(b->fd, POLLIN, deadline))
		return ERR_TIMEOUT;
	got = read(b->fd, bytes + *n, max - *n);
	if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR))
		return bus_receive_failed(b, got == 0 ? ECONNRESET : errno, why);
	*n += got > 0 ? (size_t)got : 0;
	b->stats.bytes_in += got > 0 ? (size_t)got : 0;
	return ERR_OK;
}

enum err bus_heap_more(struct bus *b, int64_t deadline, struct bus_error *why)
{
	return read_more(b, b->heap, sizeof(b->heap), &b->heap_n, deadline, why);
}

void bus_heap_drop(struct bus *b, size_t n)
{
	b->heap_n -= n;
	memmove(b->heap, b->heap + n, b->heap_n);
}

size_t bus_heap_tail(const struct bus *b)
{
	return bus_dials_in(b) ? dial_tail(b->settings.dial.patterns, b->heap, b->heap_n) : 0;
}

/* RTU, by libmodbus. */
static enum err receive_frame(struct bus *b, const struct bus_request *q, int64_t deadline,
	uint8_t reply[static FRAME_MAX], size_t *n, struct bus_error *why)
{
	int64_t left = deadline - mono_ms();
	int got;

	left = left > 0 ? left : 1;
	modbus_set_response_timeout(
		b->modbus, (uint32_t)(left / 1000), (uint32_t)(left % 1000 * 1000));
	modbus_set_socket(b->modbus, b->fd);
	modbus_set_slave(b->modbus, q->unit);
	got = modbus_receive_confirmation(b->modbus, reply);
	if (got < 0)
		return bus_receive_failed(b, errno, why);
	/* 0: libmodbus set aside an RTU frame for its unit; the check will say so, or find that it
	 * is right after all (libmodbus knows units to 247 only, some meters have 254). */
	*n = got > 0 ? (size_t)got : frame_need(b->framing, reply, FRAME_MAX);
	b->stats.bytes_in += *n;
	return *n <= FRAME_MAX ? ERR_OK : bus_receive_failed(b, EMBBADDATA, why);
}

/* RTU, of a function that libmodbus does not know. */
static enum err receive_plain(struct bus *b, const struct bus_request *q, int64_t deadline,
	uint8_t reply[static FRAME_MAX], size_t *n, struct bus_error *why)
{
	size_t need;

	*n = 0;
	while ((need = frame_need_for(b->framing, q, reply, *n)) > *n) {
		enum err e;

		if (need > FRAME_MAX)
			return bus_receive_failed(b, EMBBADDATA, why);
		e = read_more(b, reply, need, n, deadline, why);
		if (e != ERR_OK)
			return e == ERR_TIMEOUT ? bus_receive_failed(b, ETIMEDOUT, why) : e;
	}
	return ERR_OK;
}

/* The next call to receive waits so long, or a little longer. */
static bool receive_waits(struct bus *b, int64_t ms)
{
	struct timeval tv = { .tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000 };

	if (b->receive_ms >= ms && b->receive_ms <= ms + RECEIVE_SLACK_MS)
		return true;
	if (setsockopt(b->fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)) != 0)
		return false;
	b->receive_ms = ms;
	return true;
}

/* Modbus TCP: waits for bytes and takes all there are in one call, for a call costs more than a
 * frame does. As read(); EAGAIN when none came in time. */
static ssize_t take_in(struct bus *b, int64_t deadline)
{
	ssize_t got;

	do {
		int64_t left = deadline - mono_ms();

		if (!receive_waits(b, left > 0 ? left : 1))
			return -1;
		got = recv(b->fd, b->heap + b->heap_n, sizeof(b->heap) - b->heap_n, 0);
	} while (got < 0 && errno == EINTR);
	if (got > 0) {
		b->heap_n += (size_t)got;
		b->stats.bytes_in += (size_t)got;
	}
	return got;
}

static enum err receive_tcp(struct bus *b, const struct bus_request *q, int64_t deadline,
	uint8_t reply[static FRAME_MAX], size_t *n, struct bus_error *why)
{
	for (;;) {
		size_t need = frame_need_for(b->framing, q, b->heap, b->heap_n);
		ssize_t got;

		if (need > FRAME_MAX)
			return bus_receive_failed(b, EMBBADDATA, why);
		if (need <= b->heap_n) {
			memcpy(reply, b->heap, need);
			bus_heap_drop(b, need);
			*n = need;
			return ERR_OK;
		}
		got = take_in(b, deadline);
		if (got == 0)
			return bus_receive_failed(b, ECONNRESET, why);
		if (got < 0)
			return bus_receive_failed(b, errno == EAGAIN ? ETIMEDOUT : errno, why);
	}
}

/* The next frame of a gateway that dials in, whatever of its own it sends in between. */
static enum err receive_dialled(struct bus *b, int64_t deadline, uint8_t reply[static FRAME_MAX],
	size_t *n, struct bus_error *why)
{
	for (;;) {
		size_t used = 0;
		enum dial_found found =
			dial_frame(b->settings.dial.patterns, b->heap, b->heap_n, reply, n, &used);
		enum err e;

		if (found == DIAL_FRAME) {
			bus_heap_drop(b, used);
			return ERR_OK;
		}
		if (found == DIAL_JUNK || b->heap_n == sizeof(b->heap))
			return bus_error_nonsense(why, KIND_NOISE, "bytes that are no reply");
		e = bus_heap_more(b, deadline, why);
		if (e == ERR_TIMEOUT &&
			!dial_is_quiet(b->settings.dial.patterns, b->heap, b->heap_n))
			return bus_receive_failed(b, ETIMEDOUT, why);
		if (e != ERR_OK)
			return e;
	}
}

enum err bus_receive(struct bus *b, const struct bus_request *q, int64_t deadline,
	uint8_t reply[static FRAME_MAX], size_t *n, struct bus_error *why)
{
	if (bus_dials_in(b))
		return receive_dialled(b, deadline, reply, n, why);
	if (b->framing == FRAMING_TCP)
		return receive_tcp(b, q, deadline, reply, n, why);
	return frame_is_vendor(q) ? receive_plain(b, q, deadline, reply, n, why)
				  : receive_frame(b, q, deadline, reply, n, why);
}

bool bus_has_more(struct bus *b, int64_t deadline)
{
	if (b->heap_n > 0)
		return true;
	if (b->framing != FRAMING_TCP)
		return bus_wait_for(b->fd, POLLIN, deadline);
	return take_in(b, deadline) >= 0 || errno != EAGAIN;
}
