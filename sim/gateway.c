#include "sim/gateway_inside.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "sim/state.h"

enum { SLOT_LISTEN, SLOT_STOP, SLOT_CLIENTS };

int64_t gateway_mono_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

static struct moment moment_now(const struct gateway *g)
{
	struct moment m = { .wall = utc_now(), .mono_ms = mono_ms() };
	struct local local = zone_local(g->zone, m.wall);

	m.day = local.day.days;
	m.second = local.second;
	return m;
}

struct device *gateway_device(struct gateway *g, int unit)
{
	if (unit < 1 || unit > MALL_UNITS)
		return NULL;
	return &g->devices[unit - 1];
}

void gateway_advance(struct gateway *g)
{
	struct moment now = moment_now(g);

	for (size_t i = 0; i < MALL_UNITS; i++)
		device_advance(&g->devices[i], &now);
}

enum err gateway_save(struct gateway *g, int64_t ahead_ms)
{
	enum err e;

	gateway_advance(g);
	e = state_save(g->settings.state_path, g->devices, MALL_UNITS, ahead_ms);
	if (e && !g->save_failed)
		log_error("event=state_not_saved gateway=%s errno=%d", g->name, errno);
	g->save_failed = e != ERR_OK;
	g->save_ms = mono_ms() + GATEWAY_SAVE_MS;
	return e;
}

/* Clients */

static struct client *client_find(struct gateway *g, uint64_t id)
{
	for (size_t i = 0; i < GATEWAY_CLIENTS_MAX; i++) {
		if (g->clients[i].fd >= 0 && g->clients[i].id == id)
			return &g->clients[i];
	}
	return NULL;
}

static void client_close(struct gateway *g, struct client *c)
{
	job_drop(&g->queue, c->id);
	close(c->fd);
	c->fd = -1;
	c->in_n = 0;
}

/* Replies are small: a client whose socket does not take one has stopped reading. */
static void client_send(struct gateway *g, struct client *c, const uint8_t *bytes, size_t n)
{
	if (send(c->fd, bytes, n, MSG_DONTWAIT | MSG_NOSIGNAL) != (ssize_t)n)
		client_close(g, c);
}

static void client_accept(struct gateway *g)
{
	int fd = accept4(g->listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	int on = 1;

	if (fd < 0)
		return;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	for (size_t i = 0; i < GATEWAY_CLIENTS_MAX; i++) {
		struct client *c = &g->clients[i];

		if (c->fd >= 0)
			continue;
		c->fd = fd;
		c->id = ++g->clients_seen;
		c->in_n = 0;
		return;
	}
	close(fd); /* as real gateways do that have no connection left */
}

static void reply_exception(struct gateway *g, struct client *c, const struct mbap_frame *ask,
	enum modbus_exception code)
{
	struct mbap_frame reply = { .transaction = ask->transaction, .unit = ask->unit };
	uint8_t bytes[MBAP_FRAME_MAX];

	reply.pdu_n = modbus_reply_exception(ask->pdu[0], code, reply.pdu);
	client_send(g, c, bytes, mbap_build(&reply, bytes));
}

static const struct fault *fault_now(const struct gateway *g, enum fault_kind kind, int unit)
{
	return fault_find(&g->faults, kind, unit, mono_ms());
}

/* A frame has come from a client: it waits for the bus, unless a fault is in the way. */
static void client_ask(struct gateway *g, struct client *c, const struct mbap_frame *frame)
{
	struct job job = { .client = c->id, .frame = *frame };
	const struct fault *cut = fault_now(g, FAULT_CUT, frame->unit);

	if (cut && cut->value == FAULT_CUT_REQUEST) {
		client_close(g, c);
		return;
	}
	if (fault_now(g, FAULT_SILENT, FAULT_ANY_UNIT))
		return; /* the gateway itself is dead */
	if (job_push(&g->queue, &job))
		return;
	g->counters.turned_away++;
	reply_exception(g, c, frame, MODBUS_BUSY);
}

static void client_parse(struct gateway *g, struct client *c)
{
	size_t done = 0;

	for (;;) {
		struct mbap_frame frame;
		size_t used = 0;
		enum mbap_found found = mbap_parse(c->in + done, c->in_n - done, &frame, &used);

		if (found == MBAP_BAD)
			client_close(g, c);
		if (found != MBAP_FRAME)
			break;
		done += used;
		client_ask(g, c, &frame);
		if (c->fd < 0)
			break;
	}
	if (c->fd < 0)
		return;
	memmove(c->in, c->in + done, c->in_n - done);
	c->in_n -= done;
}

static void client_read(struct gateway *g, struct client *c)
{
	ssize_t n = recv(c->fd, c->in + c->in_n, sizeof c->in - c->in_n, MSG_DONTWAIT);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		client_close(g, c);
		return;
	}
	c->in_n += (size_t)n;
	client_parse(g, c);
}

/* The bus */

void gateway_count_busy(struct gateway *g, int64_t from_us, int64_t to_us)
{
	struct counters *n = &g->counters;
	int64_t second = to_us / 1000000;

	for (; n->window_second < second; n->window_second++)
		n->window_us[(n->window_second + 1) % BUSY_WINDOW_S] = 0;
	n->window_us[second % BUSY_WINDOW_S] += to_us - from_us;
	n->busy_us += to_us - from_us;
}

static void bus_free(struct gateway *g, int64_t now_us)
{
	gateway_count_busy(g, g->begun_us, now_us);
	g->phase = PHASE_IDLE;
}

/* Takes the next request to the bus. */
static void bus_begin(struct gateway *g, int64_t now_us)
{
	const struct line_timing *t = &g->settings.timing;
	const struct fault *slow;
	int64_t asked_us;
	int unit;

	if (!job_pop(&g->queue, &g->job))
		return;
	unit = g->job.frame.unit;
	slow = fault_now(g, FAULT_SLOW, unit);
	asked_us = now_us + line_frame_us(t, line_bytes(g->job.frame.pdu_n));
	g->begun_us = now_us;
	g->counters.transactions++;
	g->counters.bytes_asked += line_bytes(g->job.frame.pdu_n);
	g->phase = PHASE_ASKING;
	g->due_us = asked_us + t->answer_ms * 1000 + (slow ? slow->value * 1000 : 0);
	if (!gateway_device(g, unit) || fault_now(g, FAULT_SILENT, unit)) {
		g->phase = PHASE_WAITING;
		g->due_us = asked_us + t->silence_ms * 1000;
	}
}

static int64_t register_offset(const struct gateway *g, int unit)
{
	const struct fault *jump = fault_now(g, FAULT_JUMP, unit);
	const struct fault *fall = fault_now(g, FAULT_FALL, unit);

	return (jump ? jump->value : 0) - (fall ? fall->value : 0);
}

/* What the meter makes of the request; a switched relay is on the disk before it is confirmed. */
static enum modbus_exception meter_act(
	struct gateway *g, const struct modbus_request *req, uint16_t *values)
{
	int unit = g->job.frame.unit;
	struct device *d = gateway_device(g, unit);
	const struct fault *refuse = fault_now(g, FAULT_EXCEPTION, unit);
	struct moment now = moment_now(g);
	bool switched;
	enum modbus_exception bad;

	if (refuse)
		return (enum modbus_exception)refuse->value;
	device_advance(d, &now);
	bad = device_answer(d, req, register_offset(g, unit), values, &switched);
	if (switched && gateway_save(g, SAVE_AHEAD_MS))
		return MODBUS_DEVICE_FAILURE;
	return bad;
}

/* The request has arrived at the meter: it acts, and begins to answer. */
static void bus_answer(struct gateway *g, int64_t now_us)
{
	const struct mbap_frame *ask = &g->job.frame;
	uint16_t values[MBAP_READ_MAX] = { 0 };
	struct modbus_request req;
	enum modbus_exception bad = modbus_parse(ask->pdu, ask->pdu_n, &req);

	g->reply = (struct mbap_frame){ .transaction = ask->transaction, .unit = ask->unit };
	if (!bad)
		bad = meter_act(g, &req, values);
	if (bad)
		g->reply.pdu_n = modbus_reply_exception(ask->pdu[0], bad, g->reply.pdu);
	else if (modbus_is_write(req.function))
		g->reply.pdu_n = modbus_reply_write(&req, g->reply.pdu);
	else
		g->reply.pdu_n = modbus_reply_read(&req, values, g->reply.pdu);
	g->counters.exceptions += bad != MODBUS_OK;
	g->counters.bytes_answered += line_bytes(g->reply.pdu_n);
	g->phase = PHASE_ANSWERING;
	g->due_us = now_us + line_frame_us(&g->settings.timing, line_bytes(g->reply.pdu_n));
}

/* The answer has arrived at the gateway: it goes to the client, if that is still there. */
static void bus_deliver(struct gateway *g)
{
	struct client *c = client_find(g, g->job.client);
	const struct fault *garbage = fault_now(g, FAULT_GARBAGE, g->reply.unit);
	const struct fault *cut = fault_now(g, FAULT_CUT, g->reply.unit);
	uint8_t bytes[MBAP_FRAME_MAX + GARBAGE_ROOM];
	size_t n = mbap_build(&g->reply, bytes);

	if (!c)
		return;
	if (garbage)
		n = garbage_apply((enum garbage)garbage->value, bytes, n);
	client_send(g, c, bytes, cut ? n / 2 : n);
	if (cut && c->fd >= 0)
		client_close(g, c);
}

static void bus_give_up(struct gateway *g)
{
	struct client *c = client_find(g, g->job.client);

	g->counters.silent++;
	if (c && g->settings.silence_told)
		reply_exception(g, c, &g->job.frame, MODBUS_GATEWAY_NO_ANSWER);
}

/* Moves the bus on until it waits for time or for a request. */
static void bus_run(struct gateway *g)
{
	for (;;) {
		int64_t now_us = gateway_mono_us();

		if (g->phase == PHASE_IDLE) {
			bus_begin(g, now_us);
			if (g->phase == PHASE_IDLE)
				return;
		}
		if (now_us < g->due_us)
			return;
		if (g->phase == PHASE_ASKING) {
			bus_answer(g, now_us);
			continue;
		}
		if (g->phase == PHASE_ANSWERING)
			bus_deliver(g);
		else
			bus_give_up(g);
		bus_free(g, now_us);
	}
}

/* The thread */

static struct timespec wait_time(struct gateway *g)
{
	int64_t now_us = gateway_mono_us();
	int64_t until_us = g->save_ms * 1000;
	int64_t wait_us;

	if (g->phase != PHASE_IDLE && g->due_us < until_us)
		until_us = g->due_us;
	wait_us = until_us > now_us ? until_us - now_us : 0;
	return (struct timespec){ .tv_sec = wait_us / 1000000,
		.tv_nsec = wait_us % 1000000 * 1000 };
}

static void poll_fill(const struct gateway *g, struct pollfd *fds)
{
	fds[SLOT_LISTEN] = (struct pollfd){ .fd = g->listen_fd, .events = POLLIN };
	fds[SLOT_STOP] = (struct pollfd){ .fd = g->stop_fd, .events = POLLIN };
	for (size_t i = 0; i < GATEWAY_CLIENTS_MAX; i++)
		fds[SLOT_CLIENTS + i] = (struct pollfd){ .fd = g->clients[i].fd, .events = POLLIN };
}

static void turn(struct gateway *g, const struct pollfd *fds)
{
	for (size_t i = 0; i < GATEWAY_CLIENTS_MAX; i++) {
		if (fds[SLOT_CLIENTS + i].revents && g->clients[i].fd >= 0)
			client_read(g, &g->clients[i]);
	}
	if (fds[SLOT_LISTEN].revents)
		client_accept(g);
	bus_run(g);
	if (mono_ms() >= g->save_ms) {
		fault_expire(&g->faults, mono_ms());
		(void)!gateway_save(g, SAVE_AHEAD_MS);
	}
}

static void *gateway_main(void *arg)
{
	struct gateway *g = arg;
	struct pollfd fds[SLOT_CLIENTS + GATEWAY_CLIENTS_MAX];
	struct timespec wait;

	log_context(g->name);
	for (;;) {
		pthread_mutex_lock(&g->lock);
		poll_fill(g, fds);
		wait = wait_time(g);
		pthread_mutex_unlock(&g->lock);
		if (ppoll(fds, ARRAY_LEN(fds), &wait, NULL) < 0 && errno != EINTR)
			log_error("event=poll_failed errno=%d", errno);
		if (fds[SLOT_STOP].revents)
			return NULL;
		pthread_mutex_lock(&g->lock);
		turn(g, fds);
		pthread_mutex_unlock(&g->lock);
	}
}

/* Begin and end */

static enum err listen_open(struct gateway *g, struct problem *why)
{
	struct sockaddr_in addr = { .sin_family = AF_INET, .sin_port = htons(g->settings.port) };
	socklen_t n = sizeof addr;
	int on = 1;

	addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	g->listen_fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (g->listen_fd < 0)
		return problem_set(why, ERR_UNAVAILABLE, g->name, "no socket");
	setsockopt(g->listen_fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	if (bind(g->listen_fd, (struct sockaddr *)&addr, sizeof addr) != 0 ||
		listen(g->listen_fd, GATEWAY_CLIENTS_MAX) != 0 ||
		getsockname(g->listen_fd, (struct sockaddr *)&addr, &n) != 0)
		return problem_set(why, ERR_UNAVAILABLE, "sim.modbus_base_port",
			"cannot listen on port %u for %s: %s", g->settings.port, g->name,
			strerror(errno));
	g->port = ntohs(addr.sin_port);
	return ERR_OK;
}

static enum err devices_open(struct gateway *g, const struct mall *mall,
	const struct models *models, struct problem *why)
{
	enum err e;

	for (int unit = 1; unit <= MALL_UNITS; unit++) {
		const struct mall_meter *m = mall_meter(mall, g->settings.bus, unit);
		const struct model *model = m ? models_find(models, m->model) : NULL;

		if (!model)
			return problem_set(why, ERR_NOT_FOUND, g->name, "no model for unit %d (%s)",
				unit, m ? m->model : "not in the mall");
		device_init(&g->devices[unit - 1], m, model, mall->seed, g->settings.speed);
	}
	e = state_load(g->settings.state_path, g->devices, MALL_UNITS, why);
	if (e && e != ERR_NOT_FOUND)
		return e;
	if (gateway_save(g, SAVE_AHEAD_MS))
		return problem_set(why, ERR_UNAVAILABLE, "sim.state_dir", "cannot write %s",
			g->settings.state_path);
	return ERR_OK;
}

static void gateway_free(struct gateway **g)
{
	if (!*g)
		return;
	for (size_t i = 0; i < GATEWAY_CLIENTS_MAX; i++) {
		if ((*g)->clients[i].fd >= 0)
			close((*g)->clients[i].fd);
	}
	if ((*g)->listen_fd >= 0)
		close((*g)->listen_fd);
	if ((*g)->stop_fd >= 0)
		close((*g)->stop_fd);
	pthread_mutex_destroy(&(*g)->lock);
	free(*g);
	*g = NULL;
}

static struct gateway *gateway_new(const struct gateway_settings *settings, const struct zone *zone)
{
	struct gateway *g = calloc(1, sizeof *g);

	ASSERT(g);
	g->settings = *settings;
	g->zone = zone;
	g->listen_fd = -1;
	g->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	g->started_ms = mono_ms();
	g->counters.window_second = g->started_ms / 1000;
	for (size_t i = 0; i < GATEWAY_CLIENTS_MAX; i++)
		g->clients[i].fd = -1;
	mall_gateway(settings->bus, g->name);
	pthread_mutex_init(&g->lock, NULL);
	ASSERT(g->stop_fd >= 0);
	return g;
}

enum err gateway_start(const struct gateway_settings *settings, const struct mall *mall,
	const struct models *models, const struct zone *zone, struct gateway **out,
	struct problem *why)
{
	AUTO(gateway_free) struct gateway *g = gateway_new(settings, zone);
	enum err e = listen_open(g, why); /* first: two simulators must not share a state */

	if (!e)
		e = devices_open(g, mall, models, why);
	if (e)
		return e;
	if (pthread_create(&g->thread, NULL, gateway_main, g) != 0)
		return problem_set(why, ERR_UNAVAILABLE, g->name, "no thread");
	*out = g;
	g = NULL;
	return ERR_OK;
}

void gateway_stop(struct gateway **g)
{
	uint64_t one = 1;

	if (!*g)
		return;
	ASSERT(write((*g)->stop_fd, &one, sizeof one) == sizeof one);
	pthread_join((*g)->thread, NULL);
	(void)!gateway_save(*g, 0);
	gateway_free(g);
}
