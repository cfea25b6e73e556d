#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <unistd.h>

#include "meter/bus_inside.h"

/* libmodbus uses select(), so a process holds FD_SETSIZE descriptors at most: more is an error
 * here, never an abort. */

#define IDLE_MS 1000 /* without a request: the other side may have hung up */
#define QUIET_MS 20  /* a serial line that says nothing for so long has finished */
#define DRAIN_MAX 64 /* pieces; somebody who never stops talking is cut off */

void bus_hang_up(struct bus *b)
{
	if (b->fd < 0)
		return;
	if (bus_is_socket(b))
		close(b->fd);
	else
		modbus_close(b->modbus);
	b->fd = -1;
	b->silent = 0;
	b->heap_n = 0;
	if (bus_dials_in(b)) /* what is late is lost with the connection */
		memset(b->given_up, 0, sizeof(b->given_up));
}

bool bus_wait_for(int fd, short events, int64_t deadline)
{
	struct pollfd p = { .fd = fd, .events = events };
	int n;

	do {
		int64_t left = deadline - mono_ms();

		n = poll(&p, 1, left > 0 ? (int)left : 0);
	} while (n < 0 && errno == EINTR);
	return n > 0;
}

static void addrinfo_free(struct addrinfo **list)
{
	if (*list)
		freeaddrinfo(*list);
}

/* A connected socket, or -1 with errno. */
static int socket_connect(const struct addrinfo *a, int64_t deadline)
{
	int fd = socket(a->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int error = 0, on = 1;
	socklen_t n = sizeof(error);

	if (fd < 0)
		return -1;
	if (connect(fd, a->ai_addr, a->ai_addrlen) != 0) {
		error = errno;
		if (error == EINPROGRESS && !bus_wait_for(fd, POLLOUT, deadline))
			error = ETIMEDOUT;
		else if (error == EINPROGRESS && getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &n))
			error = errno;
	}
	if (error != 0) {
		close(fd);
		errno = error;
		return -1;
	}
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
	return fd;
}

static enum err unreachable(const struct bus *b, struct bus_error *why, const char *reason)
{
	return bus_error_set(why, ERR_UNAVAILABLE, BUS_UNREACHABLE, "no connection to %s: %s",
		b->settings.address, reason);
}

static enum err connect_socket(struct bus *b, struct bus_error *why)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV };
	AUTO(addrinfo_free) struct addrinfo *list = NULL;
	int64_t deadline = mono_ms() + b->settings.connect_ms;
	int rc = getaddrinfo(b->host, b->port, &hints, &list);
	int fd = -1;

	if (rc != 0)
		return unreachable(b, why, gai_strerror(rc));
	for (const struct addrinfo *a = list; a && fd < 0; a = a->ai_next)
		fd = socket_connect(a, deadline);
	if (fd < 0)
		return unreachable(b, why, strerror(errno));
	if (b->framing == FRAMING_TCP) /* its calls wait: SO_RCVTIMEO */
		fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) & ~O_NONBLOCK);
	b->receive_ms = 0;
	b->fd = fd;
	return ERR_OK;
}

/* What the gateway has dialled for us. */
static enum err connect_dialled(struct bus *b, struct bus_error *why)
{
	int fd = b->settings.dial.take(b->settings.dial.ctx);

	if (fd < 0)
		return bus_error_set(why, ERR_UNAVAILABLE, BUS_UNREACHABLE,
			"gateway %s has not dialled in", b->settings.address);
	b->fd = fd;
	return ERR_OK;
}

static enum err connect_line(struct bus *b, struct bus_error *why)
{
	if (modbus_connect(b->modbus) != 0)
		return unreachable(b, why, modbus_strerror(errno));
	b->fd = modbus_get_socket(b->modbus);
	return ERR_OK;
}

static enum err bus_connect(struct bus *b, struct bus_error *why)
{
	enum err e;

	if (b->fd >= 0)
		return ERR_OK;
	if (bus_dials_in(b))
		e = connect_dialled(b, why);
	else
		e = bus_is_socket(b) ? connect_socket(b, why) : connect_line(b, why);
	if (e != ERR_OK)
		return e;
	b->stats.connects++;
	if (b->fd < FD_SETSIZE)
		return ERR_OK;
	bus_hang_up(b);
	return unreachable(b, why, "too many open files in this process");
}

/* Throws away what came too late for its request; on RTU until nothing more comes, for the rest of
 * such a reply would spoil the next. But the begin of a heartbeat whose rest is still to come is
 * kept, so that the rest does not pass for the begin of a reply. False: the other side has hung up.
 */
static bool drain(struct bus *b)
{
	int64_t quiet = b->framing == FRAMING_TCP ? 0 : QUIET_MS;

	b->heap_n = 0;
	for (int i = 0; i < DRAIN_MAX; i++) {
		ssize_t n;

		if (!bus_wait_for(b->fd, POLLIN, mono_ms() + (i > 0 ? quiet : 0)))
			return true;
		n = read(b->fd, b->heap, sizeof(b->heap));
		if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
			return false;
		if (n > 0) {
			b->heap_n = (size_t)n;
			bus_heap_drop(b, b->heap_n - bus_heap_tail(b));
		}
	}
	return false;
}

/* RTU: nothing tells a late reply from the reply to the next request of its kind to its unit. So
 * that one waits until no late reply can come any more. */
static int64_t late_until(const struct bus *b, const struct bus_request *q)
{
	int64_t until = 0;

	for (size_t i = 0; i < LATE_MAX; i++) {
		const struct given_up *g = &b->given_up[i];

		if (g->unit == q->unit && g->function == q->function && g->count == q->count &&
			g->until > until)
			until = g->until;
	}
	return until;
}

int64_t bus_late_until(const struct bus *b, uint8_t unit)
{
	int64_t until = 0;

	for (size_t i = 0; i < LATE_MAX; i++)
		if (b->given_up[i].unit == unit && b->given_up[i].until > until)
			until = b->given_up[i].until;
	return until;
}

/* On TCP each reply names its request, so that after an answer nothing needs to be thrown away; but
 * gateways hang up on those that were idle for long. */
static bool is_ready(const struct bus *b)
{
	return b->framing == FRAMING_TCP && b->clean && mono_ms() - b->quiet_at < IDLE_MS;
}

enum err bus_make_ready(struct bus *b, const struct bus_request *q, struct bus_error *why)
{
	enum err e = bus_connect(b, why);

	if (e != ERR_OK)
		return e;
	if (q->pause_ms > 0)
		mono_sleep_until(b->quiet_at + q->pause_ms);
	mono_sleep_until(late_until(b, q));
	if (is_ready(b) || drain(b))
		return ERR_OK;
	b->stats.hang_ups++;
	bus_hang_up(b); /* gateways close idle connections; that is no fault yet */
	return bus_connect(b, why);
}
