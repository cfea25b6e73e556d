#include "meter/bus.h"

#include <errno.h>
#include <fcntl.h>
#include <modbus/modbus.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <unistd.h>

#include "meter/dialin.h"
#include "meter/frame.h"
#include "meter/word.h"

/* libmodbus opens lines, waits for, frames and receives replies. Requests are sent by us, because
 * its raw sending leaves the transaction at 0 and its other calls do not look at the unit of a TCP
 * reply; each reply is then checked in full by frame_check_reply(). libmodbus uses select(), so a
 * process holds FD_SETSIZE descriptors at most: more is an error here, never an abort. */

#define STALE_MAX 16	   /* late replies thrown away while waiting for the right one */
#define SILENT_MAX 3	   /* unanswered requests in a row before a connection is made anew */
#define IDLE_MS 1000	   /* without a request: the other side may have hung up */
#define QUIET_MS 20	   /* a serial line that says nothing for so long has finished */
#define DRAIN_MAX 64	   /* pieces; somebody who never stops talking is cut off */
#define DIAL_SILENT_MAX 10 /* the same, of a gateway that dials in */
#define LATE_MS 1500	   /* RTU: a reply that is so late may still come ... */
#define LATE_MAX 8	   /* ... of so many requests that are remembered */
#define HEAP_MAX (2 * FRAME_MAX)

static const char *const transport_words[] = { "modbus-tcp", "rtu-tcp", "rtu", "dial-in" };
static const char *const fault_words[] = { "fine", "unreachable", "lost", "silent", "exception",
	"nonsense" };
_Static_assert(ARRAY_LEN(fault_words) == BUS_FAULT__MAX, "a word for each");

static const char *const kind_words[] = { "fine", "short", "long", "crc", "foreign", "late",
	"noise", "lying", "exception", "silent", "unreachable", "lost" };
_Static_assert(ARRAY_LEN(kind_words) == KIND__MAX, "a word for each");

WORD_FUNCTIONS(transport, transport, transport_words, TRANSPORT__MAX)

/* A request that nobody answered. */
struct given_up {
	uint8_t unit, function;
	uint16_t count;
	int64_t until; /* mono_ms(): then its reply comes no more */
};

struct bus {
	struct bus_settings settings;
	char host[BUS_ADDRESS_MAX];
	char port[8];
	enum framing framing;
	modbus_t *modbus;
	int fd; /* -1: not connected */
	uint16_t transaction;
	int silent; /* unanswered requests in a row */
	bool clean; /* the last request was answered, by nothing but its reply */
	struct given_up given_up[LATE_MAX];
	size_t given_up_next;
	int patience_ms, delay_ms; /* see bus_patience() */
	void (*on_gap)(void *ctx);
	void *gap_ctx;
	uint8_t heap[HEAP_MAX]; /* received and not yet used; not over RTU that we connect to */
	size_t heap_n;
	int64_t receive_ms; /* how long a call to receive waits on this connection; Modbus TCP */
	int64_t quiet_at;   /* mono_ms() of the last sign of life or end of waiting */
	struct bus_stats stats;
};

const char *bus_fault_word(enum bus_fault f)
{
	ASSERT((size_t)f < ARRAY_LEN(fault_words));
	return fault_words[f];
}

const char *bus_kind_word(enum bus_kind k)
{
	ASSERT((size_t)k < ARRAY_LEN(kind_words));
	return kind_words[k];
}

static bool dials_in(const struct bus *b)
{
	return b->settings.transport == TRANSPORT_DIAL_IN;
}

static bool is_socket(const struct bus *b)
{
	return b->settings.transport != TRANSPORT_RTU;
}

/* "10.0.0.5:502" and "[::1]:502". */
static enum err split_address(struct bus *b, struct problem *why)
{
	const char *a = b->settings.address;
	const char *colon = strrchr(a, ':');
	size_t n = colon ? (size_t)(colon - a) : 0;
	int64_t port = 0;

	if (n == 0 || i64_parse(colon + 1, 1, 65535, &port) != ERR_OK)
		return problem_set(why, ERR_BAD_VALUE, "address",
			"the address must be host:port, as in 10.0.0.5:502");
	if (a[0] == '[' && a[n - 1] == ']') {
		a++;
		n -= 2;
	}
	memcpy(b->host, a, n);
	snprintf(b->port, sizeof(b->port), "%d", (int)port);
	return ERR_OK;
}

static enum err check_serial(struct bus_settings *s, struct problem *why)
{
	static const int bauds[] = { 1200, 2400, 4800, 9600, 19200, 38400, 57600, 115200 };
	size_t i = 0;

	s->baud = s->baud ? s->baud : 9600;
	s->parity = s->parity ? s->parity : 'N';
	while (i < ARRAY_LEN(bauds) && bauds[i] != s->baud)
		i++;
	if (i == ARRAY_LEN(bauds))
		return problem_set(why, ERR_BAD_VALUE, "baud", "%d baud is not usual", s->baud);
	if (!strchr("NEO", s->parity))
		return problem_set(why, ERR_BAD_VALUE, "parity", "parity is N, E or O");
	if (!s->address[0])
		return problem_set(why, ERR_BAD_VALUE, "address", "the device is missing");
	return ERR_OK;
}

/* On sockets the context only frames and receives: host and device given here are never opened. */
static modbus_t *context_new(const struct bus_settings *s)
{
	if (s->transport == TRANSPORT_MODBUS_TCP)
		return modbus_new_tcp("127.0.0.1", 502);
	if (s->transport == TRANSPORT_RTU_TCP || s->transport == TRANSPORT_DIAL_IN)
		return modbus_new_rtu("/dev/null", 9600, 'N', 8, 1);
	return modbus_new_rtu(s->address, s->baud, s->parity, 8, 1);
}

static enum err check_dial(const struct bus_settings *s, struct problem *why)
{
	if (s->dial.take && s->dial.patterns)
		return ERR_OK;
	return problem_set(why, ERR_BAD_VALUE, "transport",
		"a gateway that dials in is reached through the poller that it dials");
}

static enum err check_address(struct bus *b, struct problem *why)
{
	if (dials_in(b))
		return check_dial(&b->settings, why);
	return is_socket(b) ? split_address(b, why) : check_serial(&b->settings, why);
}

enum err bus_open(const struct bus_settings *settings, struct bus **out, struct problem *why)
{
	AUTO(bus_close) struct bus *b = calloc(1, sizeof(*b));
	enum err e;

	ASSERT(b);
	b->fd = -1;
	b->settings = *settings;
	if (b->settings.connect_ms <= 0)
		b->settings.connect_ms = BUS_CONNECT_MS;
	b->framing = settings->transport == TRANSPORT_MODBUS_TCP ? FRAMING_TCP : FRAMING_RTU;
	e = check_address(b, why);
	if (e != ERR_OK)
		return e;
	b->modbus = context_new(&b->settings);
	ASSERT(b->modbus);
	modbus_set_byte_timeout(b->modbus, 0, 0); /* the whole reply within the response timeout */
	*out = b;
	b = NULL;
	return ERR_OK;
}

static void disconnect(struct bus *b)
{
	if (b->fd < 0)
		return;
	if (is_socket(b)) {
		close(b->fd);
		modbus_set_socket(b->modbus, -1);
	} else {
		modbus_close(b->modbus);
	}
	b->fd = -1;
	b->silent = 0;
	b->heap_n = 0;
	if (dials_in(b)) /* what is late is lost with the connection */
		memset(b->given_up, 0, sizeof(b->given_up));
}

void bus_close(struct bus **b)
{
	if (!*b)
		return;
	disconnect(*b);
	if ((*b)->modbus)
		modbus_free((*b)->modbus);
	free(*b);
	*b = NULL;
}

bool bus_is_connected(const struct bus *b)
{
	return b->fd >= 0;
}

struct bus_stats bus_stats(const struct bus *b)
{
	return b->stats;
}

uint64_t bus_connects(const struct bus *b)
{
	return b->stats.connects;
}

void bus_patience(struct bus *b, int ms)
{
	b->patience_ms = ms;
	b->delay_ms = -1;
}

int bus_delay_ms(const struct bus *b)
{
	return b->delay_ms;
}

void bus_count(struct bus *b, enum bus_kind kind)
{
	b->stats.kinds[kind]++;
}

void bus_on_gap(struct bus *b, void (*fn)(void *ctx), void *ctx)
{
	b->on_gap = fn;
	b->gap_ctx = ctx;
}

void bus_gap(struct bus *b)
{
	if (b->on_gap)
		b->on_gap(b->gap_ctx);
}

void bus_hang_up(struct bus *b)
{
	disconnect(b);
}

void bus_inherit(struct bus *b, struct bus *former)
{
	struct bus was = *b;

	*b = *former;
	*former = was;
	b->settings = was.settings;
	former->settings = b->settings;
}

/* Readable (or writable) before the deadline; false: not. */
static bool wait_for(int fd, short events, int64_t deadline)
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
		if (error == EINPROGRESS && !wait_for(fd, POLLOUT, deadline))
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
	if (modbus_set_socket(b->modbus, fd) != 0) {
		close(fd);
		return unreachable(b, why, modbus_strerror(errno));
	}
	if (b->framing == FRAMING_TCP) /* it waits by itself: take_in() */
		fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) & ~O_NONBLOCK);
	b->receive_ms = 0;
	b->fd = fd;
	return ERR_OK;
}

/* What the gateway has dialled for us; the context takes it like a connection that we made. */
static enum err connect_dialled(struct bus *b, struct bus_error *why)
{
	int fd = b->settings.dial.take(b->settings.dial.ctx);

	if (fd < 0)
		return bus_error_set(why, ERR_UNAVAILABLE, BUS_UNREACHABLE,
			"gateway %s has not dialled in", b->settings.address);
	if (modbus_set_socket(b->modbus, fd) != 0) {
		close(fd);
		return unreachable(b, why, modbus_strerror(errno));
	}
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
	if (dials_in(b))
		e = connect_dialled(b, why);
	else
		e = is_socket(b) ? connect_socket(b, why) : connect_line(b, why);
	if (e != ERR_OK)
		return e;
	b->stats.connects++;
	if (b->fd < FD_SETSIZE)
		return ERR_OK;
	disconnect(b);
	return unreachable(b, why, "too many open files in this process");
}

/* Bytes thrown away; but the begin of a heartbeat whose rest is still to come is kept, so that the
 * rest does not pass for the begin of a reply. */
static void drained(struct bus *b, const uint8_t *bytes, size_t n)
{
	size_t tail;

	if (!dials_in(b))
		return;
	tail = dial_tail(b->settings.dial.patterns, bytes, n);
	memcpy(b->heap, bytes + n - tail, tail);
	b->heap_n = tail;
}

/* Throws away what came too late for its request; on RTU until nothing more comes, for the rest of
 * such a reply would spoil the next. False: the other side has hung up. */
static bool drain(struct bus *b)
{
	uint8_t junk[FRAME_MAX];
	int64_t quiet = b->framing == FRAMING_TCP ? 0 : QUIET_MS;

	b->heap_n = 0;
	for (int i = 0; i < DRAIN_MAX; i++) {
		ssize_t n;

		if (!wait_for(b->fd, POLLIN, mono_ms() + (i > 0 ? quiet : 0)))
			return true;
		n = read(b->fd, junk, sizeof(junk));
		if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
			return false;
		if (n > 0)
			drained(b, junk, (size_t)n);
	}
	return false;
}

/* RTU: nothing tells a late reply from the reply to the next request of its kind to its unit. So
 * that one waits until no late reply can come any more. */
static int64_t late_until(const struct bus *b, const struct bus_request *q)
{
	int64_t until = 0;

	if (b->framing == FRAMING_TCP)
		return 0;
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

	for (size_t i = 0; b->framing != FRAMING_TCP && i < LATE_MAX; i++)
		if (b->given_up[i].unit == unit && b->given_up[i].until > until)
			until = b->given_up[i].until;
	return until;
}

static bool was_given_up(const struct bus *b, uint8_t unit)
{
	for (size_t i = 0; i < LATE_MAX; i++)
		if (b->given_up[i].unit == unit && b->given_up[i].until > mono_ms())
			return true;
	return false;
}

/* On TCP each reply names its request, so that after an answer nothing needs to be thrown away; but
 * gateways hang up on those that were idle for long. */
static bool is_ready(const struct bus *b)
{
	return b->framing == FRAMING_TCP && b->clean && mono_ms() - b->quiet_at < IDLE_MS;
}

/* Connected, silent for the pause that the meter asks for, and nothing stale in the way. */
static enum err make_ready(struct bus *b, const struct bus_request *q, struct bus_error *why)
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
	disconnect(b); /* gateways close idle connections; that is no fault yet */
	return bus_connect(b, why);
}

static enum err lost(struct bus *b, struct bus_error *why, const char *reason)
{
	disconnect(b);
	return bus_error_set(why, ERR_UNAVAILABLE, BUS_LOST, "connection to %s lost: %s",
		b->settings.address, reason);
}

static enum err send_frame(
	struct bus *b, const uint8_t *frame, size_t n, int64_t deadline, struct bus_error *why)
{
	size_t done = 0;

	while (done < n) {
		ssize_t rc = is_socket(b) ? send(b->fd, frame + done, n - done,
						    MSG_NOSIGNAL | MSG_DONTWAIT)
					  : write(b->fd, frame + done, n - done);

		if (rc > 0) {
			done += (size_t)rc;
			why->sent = true;
		} else if (errno != EINTR && errno != EAGAIN) {
			return lost(b, why, strerror(errno));
		} else if (!wait_for(b->fd, POLLOUT, deadline)) {
			return lost(b, why, "it takes no more bytes");
		}
	}
	b->stats.bytes_out += n;
	b->stats.requests++;
	return ERR_OK;
}

/* Why libmodbus gave up in the midst of a reply. */
static enum err receive_failed(struct bus *b, int error, struct bus_error *why)
{
	if (error == ETIMEDOUT)
		return bus_error_nonsense(why, KIND_SHORT, "reply breaks off");
	if (error == EMBBADCRC)
		return bus_error_nonsense(why, KIND_CRC, "CRC error");
	if (error == EMBBADDATA)
		return bus_error_nonsense(why, KIND_LONG, "reply is too long");
	return lost(b, why, error == ECONNRESET ? "closed by the other side" : strerror(error));
}

/* One frame into reply[]; something has begun to arrive already. */
static enum err receive_frame(struct bus *b, const struct bus_request *q, int64_t deadline,
	uint8_t reply[static FRAME_MAX], size_t *n, struct bus_error *why)
{
	int64_t left = deadline - mono_ms();
	int got;

	left = left > 0 ? left : 1;
	modbus_set_response_timeout(
		b->modbus, (uint32_t)(left / 1000), (uint32_t)(left % 1000 * 1000));
	if (b->framing == FRAMING_RTU)
		modbus_set_slave(b->modbus, q->unit);
	got = modbus_receive_confirmation(b->modbus, reply);
	if (got < 0)
		return receive_failed(b, errno, why);
	/* 0: libmodbus set aside an RTU frame for its unit; the check will say so, or find that it
	 * is right after all (libmodbus knows units to 247 only, some meters have 254). */
	*n = got > 0 ? (size_t)got : frame_need(b->framing, reply, FRAME_MAX);
	b->stats.bytes_in += *n;
	return *n <= FRAME_MAX ? ERR_OK : receive_failed(b, EMBBADDATA, why);
}

/* The same for a function that libmodbus does not know. */
static enum err receive_plain(struct bus *b, const struct bus_request *q, int64_t deadline,
	uint8_t reply[static FRAME_MAX], size_t *n, struct bus_error *why)
{
	size_t have = 0, need = frame_need(b->framing, reply, 0);

	while (have < need) {
		ssize_t got;

		if (need > FRAME_MAX)
			return receive_failed(b, EMBBADDATA, why);
		if (!wait_for(b->fd, POLLIN, deadline))
			return receive_failed(b, ETIMEDOUT, why);
		got = read(b->fd, reply + have, need - have);
		if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR))
			return receive_failed(b, got == 0 ? ECONNRESET : errno, why);
		have += got > 0 ? (size_t)got : 0;
		need = frame_need_for(b->framing, q, reply, have);
	}
	b->stats.bytes_in += have;
	*n = have;
	return ERR_OK;
}

#define RECEIVE_SLACK_MS 50

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
			return receive_failed(b, EMBBADDATA, why);
		if (need <= b->heap_n) {
			memcpy(reply, b->heap, need);
			b->heap_n -= need;
			memmove(b->heap, b->heap + need, b->heap_n);
			*n = need;
			return ERR_OK;
		}
		got = take_in(b, deadline);
		if (got == 0)
			return receive_failed(b, ECONNRESET, why);
		if (got < 0)
			return receive_failed(b, errno == EAGAIN ? ETIMEDOUT : errno, why);
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
		ssize_t got;

		if (found == DIAL_FRAME) {
			b->heap_n -= used;
			memmove(b->heap, b->heap + used, b->heap_n);
			return ERR_OK;
		}
		if (found == DIAL_JUNK || b->heap_n == sizeof(b->heap))
			return bus_error_nonsense(why, KIND_NOISE, "bytes that are no reply");
		if (!wait_for(b->fd, POLLIN, deadline))
			return dial_is_quiet(b->settings.dial.patterns, b->heap, b->heap_n)
				       ? ERR_TIMEOUT
				       : receive_failed(b, ETIMEDOUT, why);
		got = read(b->fd, b->heap + b->heap_n, sizeof(b->heap) - b->heap_n);
		if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR))
			return receive_failed(b, got == 0 ? ECONNRESET : errno, why);
		b->heap_n += got > 0 ? (size_t)got : 0;
		b->stats.bytes_in += got > 0 ? (size_t)got : 0;
	}
}

static enum err receive(struct bus *b, const struct bus_request *q, int64_t deadline,
	uint8_t reply[static FRAME_MAX], size_t *n, struct bus_error *why)
{
	if (dials_in(b))
		return receive_dialled(b, deadline, reply, n, why);
	if (b->framing == FRAMING_TCP)
		return receive_tcp(b, q, deadline, reply, n, why);
	return frame_is_vendor(q) ? receive_plain(b, q, deadline, reply, n, why)
				  : receive_frame(b, q, deadline, reply, n, why);
}

/* A reply that was waited past: counted here, for the exchange goes on. */
static void passed_over(struct bus *b, uint8_t unit, const struct bus_error *why)
{
	bool late = why->kind == KIND_LATE || was_given_up(b, unit);

	bus_count(b, late ? KIND_LATE : KIND_FOREIGN);
}

/* Something more to look at, if it be the end. */
static bool has_more(struct bus *b, int64_t deadline)
{
	if (b->heap_n > 0)
		return true;
	if (b->framing != FRAMING_TCP)
		return wait_for(b->fd, POLLIN, deadline);
	return take_in(b, deadline) >= 0 || errno != EAGAIN;
}

/* The reply to q, past late ones to earlier requests. */
static enum err await_reply(struct bus *b, const struct bus_request *q, int64_t begin,
	int answer_ms, uint16_t *regs, struct bus_error *why)
{
	uint8_t reply[FRAME_MAX] = { 0 };
	size_t n = 0;
	enum err e = ERR_RETRY;
	int stale = 0;

	while (has_more(b, begin + answer_ms) && stale < STALE_MAX) {
		e = receive(b, q, begin + answer_ms, reply, &n, why);
		if (e == ERR_OK)
			e = frame_check_reply(b->framing, q, b->transaction, reply, n, regs, why);
		if (e == ERR_TIMEOUT) /* heartbeats only */
			break;
		if (e != ERR_RETRY)
			return e;
		passed_over(b, b->framing == FRAMING_TCP ? q->unit : reply[0], why);
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
	if (!is_socket(b) || b->fd < 0)
		return;	   /* drained before the next request */
	if (dials_in(b)) { /* comes back when it pleases: not for the sake of one dead meter */
		if (b->silent >= DIAL_SILENT_MAX)
			disconnect(b);
		return;
	}
	if (nonsense || b->silent >= SILENT_MAX || (silent && b->framing == FRAMING_RTU))
		disconnect(b);
}

/* What the line takes for request and reply (11 bits a byte). */
static int line_ms(const struct bus *b, const struct bus_request *q)
{
	int bytes = 8 + 5 + 2 * q->count;

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
static int wait_ms(const struct bus *b, const struct bus_request *q)
{
	int answer_ms = answer_ms_of(q);

	if (b->patience_ms > 0 && b->patience_ms < answer_ms && !stands_in_line(b))
		answer_ms = b->patience_ms;
	return answer_ms + line_ms(b, q);
}

static void note_answer(struct bus *b, const struct bus_request *q, bool in_line)
{
	int delay = b->stats.answer_ms - line_ms(b, q);

	delay = delay > 0 ? delay : 0;
	answer_times_add(&b->stats.times, b->stats.answer_ms);
	if (!in_line && delay > b->delay_ms)
		b->delay_ms = delay;
}

/* line: ms that request and reply take on it. */
static void note_silence(struct bus *b, const struct bus_request *q, int64_t begin, int line)
{
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

static enum err exchange(
	struct bus *b, const struct bus_request *q, uint16_t *regs, struct bus_error *why)
{
	uint8_t frame[FRAME_MAX];
	bool in_line = stands_in_line(b);
	int answer_ms = wait_ms(b, q);
	size_t n = frame_build(b->framing, q, ++b->transaction, frame);
	int64_t begin;
	enum err e;

	if (n == 0)
		return bus_error_set(why, ERR_BAD_VALUE, BUS_FINE,
			"there is no such request (function %u, %u registers)", q->function,
			q->count);
	e = make_ready(b, q, why);
	if (e != ERR_OK)
		return e;
	if (q->permit && !q->permit->may_send(q->permit->ctx))
		return bus_error_set(why, ERR_FORBIDDEN, BUS_FINE, "no longer permitted");
	begin = mono_ms();
	e = send_frame(b, frame, n, begin + answer_ms, why);
	if (e != ERR_OK)
		return e;
	e = await_reply(b, q, begin, answer_ms, regs, why);
	b->quiet_at = mono_ms();
	b->stats.busy_ms += b->quiet_at - begin;
	if (e == ERR_OK || e == ERR_REFUSED) {
		b->stats.answers++;
		b->stats.answer_ms = (int)(b->quiet_at - begin);
		note_answer(b, q, in_line);
	}
	if (e == ERR_TIMEOUT || (e == ERR_PROTOCOL && why->kind == KIND_FINE))
		note_silence(b, q, begin, line_ms(b, q));
	b->clean = (e == ERR_OK || e == ERR_REFUSED) && b->heap_n == 0;
	clean_up(b, e);
	return e;
}

static enum err exchange_told(
	struct bus *b, const struct bus_request *q, uint16_t *regs, struct bus_error *why)
{
	struct bus_error w = { .address = q->address };
	enum err e = exchange(b, q, regs, &w);

	if (e == ERR_OK) /* it may tell of replies that were passed over */
		w = (struct bus_error){ .address = q->address, .sent = true };
	note(b, &w);
	if (why)
		*why = w;
	return e;
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

/* Bytes as they come, until a frame is found among them; what lies before it is noise. */
struct inflow {
	uint8_t bytes[2 * FRAME_MAX];
	size_t n;
};

static void inflow_drop(struct inflow *in, size_t n)
{
	in->n -= n;
	memmove(in->bytes, in->bytes + n, in->n);
}

/* What a gateway that dials in says of itself is taken out, wherever it stands. */
static void inflow_clean(const struct bus *b, struct inflow *in)
{
	const struct dial_patterns *p = dials_in(b) ? b->settings.dial.patterns : NULL;

	for (size_t i = 0; p && i < p->n; i++) {
		const struct dial_pattern *d = &p->at[i];
		uint8_t *found;

		while (d->n > 0 && (found = memmem(in->bytes, in->n, d->bytes, d->n))) {
			in->n -= d->n;
			memmove(found, found + d->n, in->n - (size_t)(found - in->bytes));
		}
	}
}

/* ERR_TIMEOUT: nothing more came. */
static enum err inflow_more(
	struct bus *b, struct inflow *in, int64_t deadline, struct bus_error *why)
{
	ssize_t got;

	if (in->n == sizeof(in->bytes))
		inflow_drop(in, FRAME_MAX);
	if (!wait_for(b->fd, POLLIN, deadline))
		return ERR_TIMEOUT;
	got = read(b->fd, in->bytes + in->n, sizeof(in->bytes) - in->n);
	if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR))
		return receive_failed(b, got == 0 ? ECONNRESET : errno, why);
	in->n += got > 0 ? (size_t)got : 0;
	b->stats.bytes_in += got > 0 ? (size_t)got : 0;
	inflow_clean(b, in);
	return ERR_OK;
}

/* The reply to q, past noise, echoes, and what belongs to others. */
static enum err await_frame(
	struct bus *b, const struct bus_ask *q, int64_t begin, int answer_ms, struct bus_error *why)
{
	struct inflow in = { .n = b->heap_n };
	bool passed = false;
	enum err e = ERR_OK;

	memcpy(in.bytes, b->heap, b->heap_n);
	b->heap_n = 0;
	while (e == ERR_OK) {
		size_t at = 0, n = q->framing->find(in.bytes, in.n, &at);

		if (n == 0) {
			e = inflow_more(b, &in, begin + answer_ms, why);
			continue;
		}
		e = q->framing->check(q->ask, in.bytes + at, n, why);
		if (e != ERR_RETRY)
			return e;
		bus_count(b, why->kind);
		inflow_drop(&in, at + n);
		passed = true;
		e = ERR_OK;
	}
	if (e != ERR_TIMEOUT)
		return e;
	drained(b, in.bytes, in.n);
	if (passed) { /* the check has left the text about the last of them */
		why->kind = KIND_FINE;
		return ERR_PROTOCOL;
	}
	if (in.n > b->heap_n)
		return receive_failed(b, ETIMEDOUT, why);
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
		.pause_ms = q->pause_ms };
}

static int ask_line_ms(const struct bus *b, const struct bus_ask *q, size_t n)
{
	int bytes = (int)n + q->reply_bytes;

	return b->settings.baud > 0 ? bytes * 11000 / b->settings.baud : 0;
}

static void note_framed(struct bus *b, enum err e, int64_t begin, int line)
{
	b->quiet_at = mono_ms();
	b->stats.busy_ms += b->quiet_at - begin;
	if (e != ERR_OK && e != ERR_REFUSED)
		return;
	b->stats.answers++;
	b->stats.answer_ms = (int)(b->quiet_at - begin);
	answer_times_add(&b->stats.times, b->stats.answer_ms);
	if (b->stats.answer_ms - line > b->delay_ms)
		b->delay_ms = b->stats.answer_ms > line ? b->stats.answer_ms - line : 0;
}

static enum err ask(struct bus *b, const struct bus_ask *q, struct bus_error *why)
{
	struct bus_request like = as_request(q);
	uint8_t frame[FRAME_MAX];
	size_t n = q->framing->build(q->ask, ++b->transaction, frame);
	int line = ask_line_ms(b, q, n), answer_ms = answer_ms_of(&like);
	int64_t begin;
	enum err e;

	if (b->framing == FRAMING_TCP)
		return bus_error_set(why, ERR_BAD_VALUE, BUS_FINE,
			"%s does not go over modbus-tcp: use rtu-tcp or rtu", q->framing->name);
	if (b->patience_ms > 0 && b->patience_ms < answer_ms)
		answer_ms = b->patience_ms;
	answer_ms += line;
	e = make_ready(b, &like, why);
	if (e != ERR_OK)
		return e;
	if (q->permit && !q->permit->may_send(q->permit->ctx))
		return bus_error_set(why, ERR_FORBIDDEN, BUS_FINE, "no longer permitted");
	begin = mono_ms();
	e = send_frame(b, frame, n, begin + answer_ms, why);
	if (e != ERR_OK || q->unanswered) {
		b->quiet_at = begin + line;
		return e;
	}
	e = await_frame(b, q, begin, answer_ms, why);
	note_framed(b, e, begin, line);
	if (e == ERR_TIMEOUT)
		note_silence(b, &like, begin, line);
	clean_up(b, e);
	return e;
}

enum err bus_exchange(struct bus *b, const struct bus_ask *request, struct bus_error *why)
{
	struct bus_error w = { 0 };
	enum err e = ask(b, request, &w);

	if (e == ERR_OK) /* it may tell of replies that were passed over */
		w = (struct bus_error){ .sent = true };
	note(b, &w);
	if (why)
		*why = w;
	return e;
}
