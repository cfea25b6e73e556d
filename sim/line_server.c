#include "sim/line_server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <termios.h>
#include <unistd.h>

#include "base/str.h"

enum { QUIET_MS = 100 }; /* bytes that are no frame are forgotten after so much silence */

struct line_server {
	struct line_server_settings settings;
	int listen_fd; /* -1: a terminal */
	int fd;	       /* of the line; -1: nobody is connected */
	int held_fd;   /* other end of the terminal, so that it stays while nobody has it open */
	int stop_fd;
	char address[64];
	pthread_t thread;
	uint8_t in[2 * LINE_FRAME_MAX];
	size_t in_n;

	pthread_mutex_t lock; /* guards the meters */
	struct line_meter meters[LINE_METERS_MAX];
	size_t meter_count;
	struct device devices[LINE_METERS_MAX];
	size_t device_count;
};

/* ---- frames ---- */

static struct line_moment line_now(const struct line_server *s)
{
	struct local local = zone_local(s->settings.zone, utc_now());

	return (struct line_moment){ .wall_s = local.day.days * INT64_C(86400) + local.second,
		.mono_ms = mono_ms() };
}

static void send_all(const struct line_server *s, const uint8_t *b, size_t n)
{
	while (n > 0) {
		ssize_t k =
			s->listen_fd >= 0 ? send(s->fd, b, n, MSG_NOSIGNAL) : write(s->fd, b, n);

		if (k < 0 && errno == EINTR)
			continue;
		if (k <= 0)
			return;
		b += k;
		n -= (size_t)k;
	}
}

static void ask_meters(struct line_server *s, enum line_protocol p, const uint8_t *frame, size_t n)
{
	struct line_moment now = line_now(s);
	uint8_t out[LINE_FRAME_MAX];

	for (size_t i = 0; i < s->meter_count; i++) {
		size_t k = s->meters[i].protocol == p
				   ? line_meter_answer(&s->meters[i], frame, n, &now, out)
				   : 0;

		if (k > 0)
			send_all(s, out, k);
	}
}

static uint16_t crc16(const uint8_t *b, size_t n)
{
	unsigned crc = 0xFFFF;

	while (n-- > 0) {
		crc ^= *b++;
		for (int i = 0; i < 8; i++)
			crc = crc & 1 ? crc >> 1 ^ 0xA001 : crc >> 1;
	}
	return (uint16_t)crc;
}

/* Length of a request of Modbus RTU, 0 while that cannot be said. */
static size_t rtu_length(const uint8_t *b, size_t n)
{
	if (n < 2)
		return 0;
	if (b[1] != 16 && b[1] != MODBUS_ACREL_WRITE)
		return 8;
	return n < 7 ? 0 : 9U + b[6];
}

static void ask_device(struct line_server *s, const uint8_t *frame, size_t n)
{
	uint16_t values[MBAP_READ_MAX] = { 0 }, crc;
	struct modbus_request req;
	struct device *d = NULL;
	struct local local = zone_local(s->settings.zone, utc_now());
	struct moment now = { utc_now(), local.day.days, local.second, mono_ms() };
	uint8_t out[MBAP_PDU_MAX + 3] = { frame[0] };
	enum modbus_exception bad = modbus_parse(frame + 1, n - 3, &req);
	bool switched;
	size_t k;

	for (size_t i = 0; i < s->device_count; i++)
		if (s->devices[i].mall->unit == frame[0])
			d = &s->devices[i];
	if (!d)
		return;
	device_advance(d, &now);
	device_raise_ceiling(d, 0); /* nothing is kept of this meter */
	if (!bad)
		bad = device_answer(d, &req, 0, values, &switched);
	if (bad)
		k = modbus_reply_exception(frame[1], bad, out + 1);
	else if (modbus_is_write(req.function))
		k = modbus_reply_write(&req, out + 1);
	else
		k = modbus_reply_read(&req, values, out + 1);
	crc = crc16(out, k + 1);
	out[k + 1] = (uint8_t)crc;
	out[k + 2] = (uint8_t)(crc >> 8);
	send_all(s, out, k + 3);
}

/* Bytes that were used of the begin of in[]; 0: more are needed. */
static size_t take_frame(struct line_server *s)
{
	const uint8_t *b = s->in;
	size_t n = s->in_n, length;

	if (n > 0 && b[0] == 0xFE)
		return 1;
	for (int p = LINE_DLT645; p <= LINE_CJT188; p++) {
		length = line_frame_length((enum line_protocol)p, b, n);
		if (length == 0 || length > n || b[length - 1] != 0x16)
			continue;
		ask_meters(s, (enum line_protocol)p, b, length);
		return length;
	}
	length = rtu_length(b, n);
	if (length == 0 || length > n || crc16(b, length) != 0)
		return 0;
	ask_device(s, b, length);
	return length;
}

static void take_frames(struct line_server *s)
{
	size_t used;

	pthread_mutex_lock(&s->lock);
	while (s->in_n > 0 && (used = take_frame(s)) > 0) {
		s->in_n -= used;
		memmove(s->in, s->in + used, s->in_n);
	}
	pthread_mutex_unlock(&s->lock);
}

/* ---- the thread ---- */

static void hang_up(struct line_server *s)
{
	if (s->listen_fd < 0)
		return;
	close(s->fd);
	s->fd = -1;
	s->in_n = 0;
}

static void line_read(struct line_server *s)
{
	ssize_t n;

	if (s->in_n == sizeof s->in)
		s->in_n = 0;
	n = read(s->fd, s->in + s->in_n, sizeof s->in - s->in_n);
	if (n > 0) {
		s->in_n += (size_t)n;
		take_frames(s);
	} else if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
		hang_up(s);
	}
}

/* A transparent server has one line: the newest connection has it. */
static void line_accept(struct line_server *s)
{
	int fd = accept4(s->listen_fd, NULL, NULL, SOCK_CLOEXEC), on = 1;

	if (fd < 0)
		return;
	if (s->fd >= 0)
		hang_up(s);
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	s->fd = fd;
}

static void *line_main(void *arg)
{
	struct line_server *s = arg;

	for (;;) {
		struct pollfd p[3] = { { .fd = s->stop_fd, .events = POLLIN },
			{ .fd = s->fd, .events = POLLIN },
			{ .fd = s->listen_fd, .events = POLLIN } };
		int n = poll(p, 3, s->in_n > 0 ? QUIET_MS : -1);

		if (p[0].revents)
			return NULL;
		if (n == 0)
			s->in_n = 0;
		if (p[1].revents)
			line_read(s);
		if (p[2].revents)
			line_accept(s);
	}
}

/* ---- begin and end ---- */

static enum err port_open(struct line_server *s, struct problem *why)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(s->settings.port) };
	socklen_t n = sizeof a;
	int on = 1;

	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	s->listen_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (s->listen_fd < 0)
		return problem_set(why, ERR_UNAVAILABLE, "sim.line_port", "no socket");
	setsockopt(s->listen_fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	if (bind(s->listen_fd, (struct sockaddr *)&a, sizeof a) != 0 ||
		listen(s->listen_fd, 4) != 0 ||
		getsockname(s->listen_fd, (struct sockaddr *)&a, &n) != 0)
		return problem_set(why, ERR_UNAVAILABLE, "sim.line_port",
			"cannot listen on port %u: %s", s->settings.port, strerror(errno));
	snprintf(s->address, sizeof s->address, "127.0.0.1:%d", ntohs(a.sin_port));
	return ERR_OK;
}

static enum err terminal_open(struct line_server *s, struct problem *why)
{
	struct termios t;

	s->fd = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (s->fd < 0 || grantpt(s->fd) != 0 || unlockpt(s->fd) != 0 ||
		ptsname_r(s->fd, s->address, sizeof s->address) != 0)
		return problem_set(why, ERR_UNAVAILABLE, "sim", "no pseudo terminal");
	s->held_fd = open(s->address, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (s->held_fd < 0 || tcgetattr(s->held_fd, &t) != 0)
		return problem_set(why, ERR_UNAVAILABLE, "sim", "no pseudo terminal");
	cfmakeraw(&t);
	tcsetattr(s->held_fd, TCSANOW, &t);
	return ERR_OK;
}

static void close_fd(int fd)
{
	if (fd >= 0)
		close(fd);
}

static void line_server_free(struct line_server **s)
{
	if (!*s)
		return;
	close_fd((*s)->listen_fd);
	close_fd((*s)->fd);
	close_fd((*s)->held_fd);
	close_fd((*s)->stop_fd);
	pthread_mutex_destroy(&(*s)->lock);
	free(*s);
	*s = NULL;
}

enum err line_server_start(
	const struct line_server_settings *settings, struct line_server **out, struct problem *why)
{
	AUTO(line_server_free) struct line_server *s = calloc(1, sizeof *s);
	enum err e;

	ASSERT(s);
	s->settings = *settings;
	s->listen_fd = s->fd = s->held_fd = -1;
	s->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	pthread_mutex_init(&s->lock, NULL);
	e = settings->terminal ? terminal_open(s, why) : port_open(s, why);
	if (e)
		return e;
	if (pthread_create(&s->thread, NULL, line_main, s) != 0)
		return problem_set(why, ERR_UNAVAILABLE, "sim", "no thread");
	*out = s;
	s = NULL;
	return ERR_OK;
}

void line_server_stop(struct line_server **s)
{
	uint64_t one = 1;

	if (!*s)
		return;
	ASSERT(write((*s)->stop_fd, &one, sizeof one) == sizeof one);
	pthread_join((*s)->thread, NULL);
	line_server_free(s);
}

const char *line_server_address(const struct line_server *s)
{
	return s->address;
}

size_t line_server_add(struct line_server *s, const struct line_meter *m)
{
	size_t i;

	pthread_mutex_lock(&s->lock);
	ASSERT(s->meter_count < LINE_METERS_MAX);
	i = s->meter_count++;
	s->meters[i] = *m;
	pthread_mutex_unlock(&s->lock);
	return i;
}

void line_server_add_device(struct line_server *s, const struct device *d)
{
	pthread_mutex_lock(&s->lock);
	ASSERT(s->device_count < LINE_METERS_MAX);
	s->devices[s->device_count++] = *d;
	pthread_mutex_unlock(&s->lock);
}

struct line_meter line_server_meter(struct line_server *s, size_t i)
{
	struct line_moment now = line_now(s);
	struct line_meter m;

	pthread_mutex_lock(&s->lock);
	line_meter_advance(&s->meters[i], &now);
	m = s->meters[i];
	pthread_mutex_unlock(&s->lock);
	return m;
}

void line_server_change(struct line_server *s, size_t i,
	void (*change)(struct line_meter *m, const void *arg), const void *arg)
{
	pthread_mutex_lock(&s->lock);
	change(&s->meters[i], arg);
	pthread_mutex_unlock(&s->lock);
}

static void set_fault(struct line_meter *m, const void *arg)
{
	m->fault = *(const enum line_fault *)arg;
	m->kept_n = 0;
}

void line_server_fault(struct line_server *s, size_t i, enum line_fault fault)
{
	line_server_change(s, i, set_fault, &fault);
}

static void address_text(const struct line_meter *m, char out[static 15])
{
	size_t n = m->protocol == LINE_DLT645 ? 6 : 7;

	for (size_t i = 0; i < n; i++)
		snprintf(out + 2 * i, 3, "%02X", m->address[n - 1 - i]);
}

size_t line_server_find(struct line_server *s, const char *address)
{
	size_t found = LINE_METERS_MAX;

	pthread_mutex_lock(&s->lock);
	for (size_t i = 0; i < s->meter_count; i++) {
		char own[15];

		address_text(&s->meters[i], own);
		if (str_eq(own, address))
			found = i;
	}
	pthread_mutex_unlock(&s->lock);
	return found;
}

static json_t *meter_json(const struct line_meter *m)
{
	bool water = m->protocol == LINE_CJT188;
	char address[15];

	address_text(m, address);
	return json_pack("{s:s, s:s, s:I, s:s, s:b, s:s, s:i, s:i}", "address", address, "protocol",
		water ? "cjt188" : "dlt645", "register_milli", (json_int_t)m->register_milli,
		"relay",
		m->valve_until_ms ? "moving"
		: m->closed	  ? "on"
				  : "off",
		"keeps", m->keeps, "fault", line_fault_word(m->fault), "asked", m->asked, "acted",
		m->acted);
}

json_t *line_server_json(struct line_server *s)
{
	struct line_moment now = line_now(s);
	json_t *items = json_array();

	pthread_mutex_lock(&s->lock);
	for (size_t i = 0; i < s->meter_count; i++) {
		line_meter_advance(&s->meters[i], &now);
		json_array_append_new(items, meter_json(&s->meters[i]));
	}
	pthread_mutex_unlock(&s->lock);
	return json_pack("{s:s, s:o}", "address", s->address, "items", items);
}
