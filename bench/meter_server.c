/* Very many DDSY1352 behind very many gateways, as cheap as can be: every connection is a bus of
 * its own whose units answer at once, their registers growing with the time. Loopback only.
 *
 *   meter_server        prints the port that it listens on; ends with its standard input */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "meter/model.h"
#include "sim/mbap.h"

#define UNITS 256
#define BLOCK 0x0200
#define BLOCK_REGISTERS 48
#define EVENTS 256

struct conn {
	int fd;
	size_t n;
	uint8_t bytes[2 * MBAP_FRAME_MAX];
};

struct unit { /* its status block, encoded once a second */
	int64_t second;
	uint16_t regs[BLOCK_REGISTERS];
};

struct server {
	const struct model *model;
	struct unit units[UNITS];
	int listener, poll;
};

static void unit_now(struct server *s, uint8_t unit, struct meter_reading *r)
{
	int64_t seconds = utc_now().ms / 1000 % 10000000;

	*r = (struct meter_reading){ .has_supply = true, .supply = SUPPLY_ON, .has_status = true };
	reading_set(r, POINT_ENERGY, 1000000 + seconds * 10 / 3 * (1 + unit % 3));
	reading_set(r, POINT_ENERGY_FLAT, r->value[POINT_ENERGY]);
	reading_set(r, POINT_POWER, 1200 + unit);
	reading_set(r, POINT_POWER_A, 1200 + unit);
	reading_set(r, POINT_VOLTAGE_A, 229000 + seconds % 20 * 100);
	reading_set(r, POINT_CURRENT_A, 5200);
	snprintf(r->serial, sizeof(r->serial), "%012d", unit);
	(void)s;
}

static enum err answer(
	struct server *s, uint8_t unit, const struct modbus_request *q, uint16_t *regs)
{
	struct unit *u = &s->units[unit];
	int64_t second = mono_ms() / 1000;
	struct meter_reading r;
	enum err e;

	if (q->address == BLOCK && q->count == BLOCK_REGISTERS && u->second == second) {
		memcpy(regs, u->regs, sizeof(u->regs));
		return ERR_OK;
	}
	unit_now(s, unit, &r);
	e = model_encode(s->model, &r, q->function, q->address, q->count, regs);
	if (e == ERR_OK && q->address == BLOCK && q->count == BLOCK_REGISTERS) {
		memcpy(u->regs, regs, sizeof(u->regs));
		u->second = second;
	}
	return e;
}

static bool reply(struct server *s, const struct conn *c, const struct mbap_frame *f)
{
	struct mbap_frame out = { .transaction = f->transaction, .unit = f->unit };
	uint8_t bytes[MBAP_FRAME_MAX];
	struct modbus_request q;
	uint16_t regs[MBAP_READ_MAX];
	size_t n;

	if (modbus_parse(f->pdu, f->pdu_n, &q) != MODBUS_OK || modbus_is_write(q.function) ||
		answer(s, f->unit, &q, regs) != ERR_OK) {
		out.pdu[0] = (uint8_t)(f->pdu[0] | 0x80);
		out.pdu[1] = MODBUS_ILLEGAL_ADDRESS;
		out.pdu_n = 2;
	} else {
		out.pdu[0] = q.function;
		out.pdu[1] = (uint8_t)(2 * q.count);
		out.pdu_n = 2 + 2U * q.count;
		for (size_t i = 0; i < q.count; i++) {
			out.pdu[2 + 2 * i] = (uint8_t)(regs[i] >> 8);
			out.pdu[3 + 2 * i] = (uint8_t)regs[i];
		}
	}
	n = mbap_build(&out, bytes);
	return send(c->fd, bytes, n, MSG_NOSIGNAL) == (ssize_t)n;
}

static bool serve(struct server *s, struct conn *c)
{
	ssize_t got = recv(c->fd, c->bytes + c->n, sizeof(c->bytes) - c->n, MSG_DONTWAIT);
	struct mbap_frame f;
	size_t used;

	if (got <= 0)
		return got < 0 && errno == EAGAIN;
	c->n += (size_t)got;
	for (;;) {
		enum mbap_found found = mbap_parse(c->bytes, c->n, &f, &used);

		if (found != MBAP_FRAME)
			return found == MBAP_MORE;
		if (!reply(s, c, &f))
			return false;
		c->n -= used;
		memmove(c->bytes, c->bytes + used, c->n);
	}
}

static void welcome(const struct server *s)
{
	int fd = accept4(s->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC), yes = 1;
	struct conn *c;

	if (fd < 0)
		return;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
	c = calloc(1, sizeof(*c));
	ASSERT(c);
	c->fd = fd;
	ASSERT(epoll_ctl(s->poll, EPOLL_CTL_ADD, fd,
		       &(struct epoll_event){ .events = EPOLLIN, .data.ptr = c }) == 0);
}

static void open_server(struct server *s)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t size = sizeof(a);

	s->listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	s->poll = epoll_create1(EPOLL_CLOEXEC);
	ASSERT(s->listener >= 0 && s->poll >= 0);
	ASSERT(bind(s->listener, (struct sockaddr *)&a, size) == 0);
	ASSERT(listen(s->listener, 4096) == 0);
	ASSERT(getsockname(s->listener, (struct sockaddr *)&a, &size) == 0);
	ASSERT(epoll_ctl(s->poll, EPOLL_CTL_ADD, s->listener,
		       &(struct epoll_event){ .events = EPOLLIN, .data.ptr = NULL }) == 0);
	ASSERT(epoll_ctl(s->poll, EPOLL_CTL_ADD, STDIN_FILENO,
		       &(struct epoll_event){ .events = EPOLLIN | EPOLLHUP, .data.ptr = s }) == 0);
	printf("%d\n", ntohs(a.sin_port));
	fflush(stdout);
}

int main(void)
{
	static struct server s;
	struct epoll_event events[EVENTS];
	struct models *models = NULL;
	struct problem why = { 0 };
	struct rlimit files;

	getrlimit(RLIMIT_NOFILE, &files);
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
	ASSERT(models_open(NULL, &models, &why) == ERR_OK);
	s.model = models_find(models, "acrel-ddsy1352");
	ASSERT(s.model);
	open_server(&s);
	for (;;) {
		int n = epoll_wait(s.poll, events, EVENTS, -1);

		for (int i = 0; i < n; i++) {
			struct conn *c = events[i].data.ptr;

			if ((void *)c == (void *)&s)
				return 0;
			if (!c) {
				welcome(&s);
			} else if (!serve(&s, c)) {
				close(c->fd);
				free(c);
			}
		}
	}
}
