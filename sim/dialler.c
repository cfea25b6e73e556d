#include "sim/dialler.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "meter/frame.h"

enum { MBAP = 6, IN_MAX = 2 * FRAME_MAX, VANISHED_MAX = 16 };

struct dialler {
	struct dialler_settings settings;
	pthread_t thread;
	int wake_fd;
	pthread_mutex_t lock; /* guards the next three */
	bool stop, vanish;
	struct dialler_stats stats;
	/* The thread's own. */
	int master_fd, gateway_fd;  /* -1: none */
	int vanished[VANISHED_MAX]; /* open still, and never read again */
	size_t vanished_n;
	uint8_t asked[IN_MAX], told[IN_MAX]; /* RTU requests, Modbus TCP replies */
	size_t asked_n, told_n;
	uint32_t seed;
};

/* xorshift: the same seed gives the same places. */
static uint32_t chance(struct dialler *d, uint32_t below)
{
	d->seed ^= d->seed << 13;
	d->seed ^= d->seed >> 17;
	d->seed ^= d->seed << 5;
	return below > 0 ? d->seed % below : 0;
}

static int connect_to(const char *host, const char *port)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV };
	struct addrinfo *list = NULL;
	int fd = -1, on = 1;

	if (getaddrinfo(host, port, &hints, &list) != 0)
		return -1;
	for (const struct addrinfo *a = list; a && fd < 0; a = a->ai_next) {
		fd = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
		if (fd >= 0 && connect(fd, a->ai_addr, a->ai_addrlen) != 0) {
			close(fd);
			fd = -1;
		}
	}
	freeaddrinfo(list);
	if (fd >= 0)
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	return fd;
}

static void hang_up(struct dialler *d)
{
	if (d->master_fd >= 0)
		close(d->master_fd);
	if (d->gateway_fd >= 0)
		close(d->gateway_fd);
	d->master_fd = d->gateway_fd = -1;
	d->asked_n = d->told_n = 0;
}

static bool say(struct dialler *d, const uint8_t *bytes, size_t n)
{
	return n == 0 || send(d->master_fd, bytes, n, MSG_NOSIGNAL) == (ssize_t)n;
}

static bool dial(struct dialler *d)
{
	char host[128], port[8];
	const char *colon = strrchr(d->settings.master, ':');

	if (!colon)
		return false;
	snprintf(host, sizeof host, "%.*s", (int)(colon - d->settings.master), d->settings.master);
	snprintf(port, sizeof port, "%u", d->settings.gateway_port);
	d->master_fd = connect_to(host, colon + 1);
	d->gateway_fd = d->master_fd >= 0 ? connect_to("127.0.0.1", port) : -1;
	if (d->gateway_fd < 0 || !say(d, d->settings.registration, d->settings.registration_n)) {
		hang_up(d);
		return false;
	}
	pthread_mutex_lock(&d->lock);
	d->stats.dialled++;
	pthread_mutex_unlock(&d->lock);
	return true;
}

/* Length of an RTU request, as far as it can be told. */
static size_t request_need(const uint8_t *b, size_t n)
{
	bool many = n >= 2 && (b[1] == 15 || b[1] == 16 || b[1] == FRAME_ACREL_WRITE);

	if (!many)
		return 8;
	return n < 7 ? 9 : 9 + (size_t)b[6];
}

/* RTU requests go to the gateway as Modbus TCP; a broken one is what a bus swallows. */
static void pass_on(struct dialler *d)
{
	size_t need = request_need(d->asked, d->asked_n);

	while (d->asked_n >= 4 && need <= d->asked_n) {
		uint8_t frame[MBAP + FRAME_MAX] = { 0 };
		size_t n = need - 2;
		uint16_t crc = frame_crc(d->asked, n);

		if (d->asked[n] == (uint8_t)crc && d->asked[n + 1] == crc >> 8) {
			frame[4] = (uint8_t)(n >> 8);
			frame[5] = (uint8_t)n;
			memcpy(frame + MBAP, d->asked, n);
			(void)!send(d->gateway_fd, frame, MBAP + n, MSG_NOSIGNAL);
		}
		d->asked_n -= need;
		memmove(d->asked, d->asked + need, d->asked_n);
		need = request_need(d->asked, d->asked_n);
	}
	if (d->asked_n == sizeof d->asked)
		d->asked_n = 0;
}

/* One reply as RTU, with a heartbeat before, amid or behind it, or none. */
static bool answer(struct dialler *d, const uint8_t *body, size_t n)
{
	const struct dialler_settings *s = &d->settings;
	uint8_t frame[FRAME_MAX + 2];
	uint16_t crc = frame_crc(body, n);
	size_t at = 0;
	bool ok;

	memcpy(frame, body, n);
	frame[n] = (uint8_t)crc;
	frame[n + 1] = (uint8_t)(crc >> 8);
	n += 2;
	ok = !s->before_packets || say(d, s->registration, s->registration_n);
	if (s->heartbeat_n > 0 && chance(d, 4) == 0) {
		at = chance(d, (uint32_t)n + 1);
		ok = ok && say(d, frame, at) && say(d, s->heartbeat, s->heartbeat_n);
	}
	pthread_mutex_lock(&d->lock);
	d->stats.replies++;
	pthread_mutex_unlock(&d->lock);
	return ok && say(d, frame + at, n - at);
}

static bool bring_back(struct dialler *d)
{
	while (d->told_n > MBAP) {
		size_t n = (size_t)(d->told[4] << 8 | d->told[5]);

		if (n > FRAME_MAX - 2)
			return false;
		if (d->told_n < MBAP + n)
			return true;
		if (!answer(d, d->told + MBAP, n))
			return false;
		d->told_n -= MBAP + n;
		memmove(d->told, d->told + MBAP + n, d->told_n);
	}
	return true;
}

static bool hear(int fd, uint8_t *bytes, size_t size, size_t *n)
{
	ssize_t got = recv(fd, bytes + *n, size - *n, MSG_DONTWAIT);

	if (got < 0)
		return errno == EAGAIN || errno == EINTR;
	*n += (size_t)got;
	return got > 0;
}

/* False: the connection is no more. */
static bool turn(struct dialler *d, const struct pollfd *p, bool idle)
{
	if (idle)
		return say(d, d->settings.heartbeat, d->settings.heartbeat_n);
	if (p[1].revents) {
		if (!hear(d->master_fd, d->asked, sizeof d->asked, &d->asked_n))
			return false;
		pass_on(d);
	}
	return !p[2].revents ||
	       (hear(d->gateway_fd, d->told, sizeof d->told, &d->told_n) && bring_back(d));
}

/* What others asked for; false: stop. */
static bool look(struct dialler *d)
{
	uint64_t n;
	bool stop, vanish;

	(void)!read(d->wake_fd, &n, sizeof n);
	pthread_mutex_lock(&d->lock);
	stop = d->stop;
	vanish = d->vanish;
	d->vanish = false;
	pthread_mutex_unlock(&d->lock);
	if (vanish && d->master_fd >= 0 && d->vanished_n < VANISHED_MAX) {
		d->vanished[d->vanished_n++] = d->master_fd;
		d->master_fd = -1;
		hang_up(d);
	}
	return !stop;
}

static void *run(void *arg)
{
	struct dialler *d = arg;
	bool dialled = true;

	while (look(d)) {
		struct pollfd p[3] = { { .fd = d->wake_fd, .events = POLLIN },
			{ .fd = d->master_fd, .events = POLLIN },
			{ .fd = d->gateway_fd, .events = POLLIN } };
		bool on = d->master_fd >= 0;
		int wait = on ? d->settings.heartbeat_ms : d->settings.redial_ms;
		int n;

		if (!on && dialled) { /* the first time, and after having vanished: at once */
			dialled = false;
			(void)!dial(d);
			continue;
		}
		n = poll(p, ARRAY_LEN(p), wait > 0 ? wait : -1);
		if (p[0].revents) {
			dialled = true;
			continue;
		}
		if (!on) {
			(void)!dial(d);
		} else if (n >= 0 && !turn(d, p, n == 0)) {
			hang_up(d);
			pthread_mutex_lock(&d->lock);
			d->stats.hung_up_on++;
			pthread_mutex_unlock(&d->lock);
		}
	}
	hang_up(d);
	return NULL;
}

struct dialler *dialler_start(const struct dialler_settings *settings)
{
	struct dialler *d = calloc(1, sizeof *d);

	ASSERT(d);
	d->settings = *settings;
	d->seed = settings->seed ? settings->seed : 1;
	d->master_fd = d->gateway_fd = -1;
	d->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	ASSERT(d->wake_fd >= 0);
	pthread_mutex_init(&d->lock, NULL);
	ASSERT(pthread_create(&d->thread, NULL, run, d) == 0);
	return d;
}

static void wake(struct dialler *d, bool *what)
{
	uint64_t one = 1;

	pthread_mutex_lock(&d->lock);
	*what = true;
	pthread_mutex_unlock(&d->lock);
	ASSERT(write(d->wake_fd, &one, sizeof one) == sizeof one);
}

void dialler_vanish(struct dialler *d)
{
	wake(d, &d->vanish);
}

void dialler_stop(struct dialler **d)
{
	if (!*d)
		return;
	wake(*d, &(*d)->stop);
	pthread_join((*d)->thread, NULL);
	for (size_t i = 0; i < (*d)->vanished_n; i++)
		close((*d)->vanished[i]);
	close((*d)->wake_fd);
	pthread_mutex_destroy(&(*d)->lock);
	free(*d);
	*d = NULL;
}

struct dialler_stats dialler_stats(struct dialler *d)
{
	struct dialler_stats s;

	pthread_mutex_lock(&d->lock);
	s = d->stats;
	pthread_mutex_unlock(&d->lock);
	return s;
}
