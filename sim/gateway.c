#include "sim/gateway.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "sim/state.h"

enum {
	SLOT_LISTEN,
	SLOT_STOP,
	SLOT_CLIENTS,
	BUSY_WINDOW_S = 60,
	/* Ceilings reach so far ahead that a save may come late many times over. */
	SAVE_AHEAD_MS = 6 * GATEWAY_SAVE_MS,
	SLOW_MS = 2000,
};

struct client {
	int fd;	     /* -1: free */
	uint64_t id; /* never used twice */
	uint8_t in[2 * MBAP_FRAME_MAX];
	size_t in_n;
};

enum phase {
	PHASE_IDLE,
	PHASE_ASKING,	 /* the request travels, the meter thinks */
	PHASE_ANSWERING, /* the answer travels */
	PHASE_WAITING,	 /* nobody answers; the gateway waits in vain */
};

struct counters {
	uint64_t transactions, exceptions, silent, turned_away, bytes_asked, bytes_answered;
	int64_t busy_us;
	int64_t window_us[BUSY_WINDOW_S]; /* busy time by second */
	int64_t window_second;		  /* the newest second in it */
};

struct gateway {
	struct gateway_settings settings;
	char name[8];
	const struct zone *zone;
	int listen_fd, stop_fd;
	uint16_t port;
	pthread_t thread;

	pthread_mutex_t lock; /* guards all below */
	struct device devices[MALL_UNITS];
	struct fault_list faults;
	struct job_queue queue;
	struct client clients[GATEWAY_CLIENTS_MAX];
	uint64_t clients_seen;

	enum phase phase;
	struct job job;	  /* in flight, unless idle */
	int64_t begun_us; /* mono: its first bit */
	int64_t due_us;	  /* mono: when the phase ends */
	struct mbap_frame reply;
	struct counters counters;
	int64_t started_ms;
	int64_t save_ms; /* mono: next save */
	bool save_failed;
};

static int64_t mono_us(void)
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

static struct device *device_find(struct gateway *g, int unit)
{
	if (unit < 1 || unit > MALL_UNITS)
		return NULL;
	return &g->devices[unit - 1];
}

static void devices_advance(struct gateway *g)
{
	struct moment now = moment_now(g);

	for (size_t i = 0; i < MALL_UNITS; i++)
		device_advance(&g->devices[i], &now);
}

/* After an error registers stand at their ceilings until a save succeeds. */
static enum err save(struct gateway *g, int64_t ahead_ms)
{
	enum err e;

	devices_advance(g);
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

static void count_busy(struct counters *n, int64_t from_us, int64_t to_us)
{
	int64_t second = to_us / 1000000;

	for (; n->window_second < second; n->window_second++)
		n->window_us[(n->window_second + 1) % BUSY_WINDOW_S] = 0;
	n->window_us[second % BUSY_WINDOW_S] += to_us - from_us;
	n->busy_us += to_us - from_us;
}

static void bus_free(struct gateway *g, int64_t now_us)
{
	count_busy(&g->counters, g->begun_us, now_us);
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
	if (!device_find(g, unit) || fault_now(g, FAULT_SILENT, unit)) {
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
	struct device *d = device_find(g, unit);
	const struct fault *refuse = fault_now(g, FAULT_EXCEPTION, unit);
	struct moment now = moment_now(g);
	bool switched;
	enum modbus_exception bad;

	if (refuse)
		return (enum modbus_exception)refuse->value;
	device_advance(d, &now);
	bad = device_answer(d, req, register_offset(g, unit), values, &switched);
	if (switched && save(g, SAVE_AHEAD_MS))
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
		int64_t now_us = mono_us();

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
	int64_t now_us = mono_us();
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
		(void)!save(g, SAVE_AHEAD_MS);
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
	if (save(g, SAVE_AHEAD_MS))
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
	(void)!save(*g, 0);
	gateway_free(g);
}

/* For the control side */

const char *gateway_name(const struct gateway *g)
{
	return g->name;
}

uint16_t gateway_port(const struct gateway *g)
{
	return g->port;
}

static int64_t busy_permille(struct gateway *g)
{
	int64_t now_us = mono_us();
	int64_t seconds = now_us / 1000000 - g->started_ms / 1000;
	int64_t busy_us = 0;

	count_busy(&g->counters, now_us, now_us); /* clears the seconds that passed in silence */
	for (size_t i = 0; i < BUSY_WINDOW_S; i++)
		busy_us += g->counters.window_us[i];
	if (seconds > BUSY_WINDOW_S)
		seconds = BUSY_WINDOW_S;
	return busy_us / 1000 / (seconds > 0 ? seconds : 1);
}

json_t *gateway_stats(struct gateway *g)
{
	const struct counters *n = &g->counters;
	int clients = 0;
	json_t *stats;

	pthread_mutex_lock(&g->lock);
	for (size_t i = 0; i < GATEWAY_CLIENTS_MAX; i++)
		clients += g->clients[i].fd >= 0;
	stats = json_pack("{s:s, s:i, s:i, s:i, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "gateway",
		g->name, "port", g->port, "connections", clients, "waiting", (int)g->queue.n,
		"transactions", (json_int_t)n->transactions, "exceptions",
		(json_int_t)n->exceptions, "silent", (json_int_t)n->silent, "turned_away",
		(json_int_t)n->turned_away, "bytes_asked", (json_int_t)n->bytes_asked,
		"bytes_answered", (json_int_t)n->bytes_answered, "busy_ms",
		(json_int_t)(n->busy_us / 1000), "busy_permille", (json_int_t)busy_permille(g));
	pthread_mutex_unlock(&g->lock);
	return stats;
}

static json_t *meter_json(const struct gateway *g, const struct device *d)
{
	json_t *m = json_pack("{s:s, s:s, s:i, s:s, s:s, s:I, s:I, s:s, s:b, s:I, s:s}", "code",
		d->mall->code, "gateway", g->name, "unit", d->mall->unit, "model", d->mall->model,
		"serial", d->mall->serial, "register_milli", (json_int_t)device_register(d),
		"register_answered_milli", (json_int_t)device_register_answered(d), "relay",
		supply_word(device_supply(d)), "forced", d->forced,
		d->mall->water ? "flow_lph" : "power_w", (json_int_t)d->draw, "kind",
		load_word(d->mall->kind));

	json_object_set_new(m, "load_w", d->load < 0 ? json_null() : json_integer(d->load));
	json_object_set_new(m, "last_write_at", json_utc(d->written_at));
	return m;
}

enum err gateway_meter(struct gateway *g, int unit, json_t **out)
{
	struct device *d = device_find(g, unit);

	if (!d)
		return ERR_NOT_FOUND;
	pthread_mutex_lock(&g->lock);
	devices_advance(g);
	*out = meter_json(g, d);
	pthread_mutex_unlock(&g->lock);
	return ERR_OK;
}

enum err gateway_change_meter(
	struct gateway *g, int unit, const struct meter_change *change, struct problem *why)
{
	struct device *d = device_find(g, unit);
	enum err e;

	if (!d)
		return problem_set(why, ERR_NOT_FOUND, "unit", "no such meter");
	pthread_mutex_lock(&g->lock);
	devices_advance(g);
	if (change->set_register)
		device_set_register(d, change->register_milli);
	if (change->set_load)
		d->load = change->load;
	if (change->set_closed)
		device_set_closed(d, change->closed);
	e = save(g, SAVE_AHEAD_MS);
	pthread_mutex_unlock(&g->lock);
	return e ? problem_set(why, e, "", "the state cannot be saved") : ERR_OK;
}

enum err gateway_add_fault(struct gateway *g, const struct fault *fault)
{
	enum err e;

	pthread_mutex_lock(&g->lock);
	fault_expire(&g->faults, mono_ms());
	e = fault_add(&g->faults, fault);
	pthread_mutex_unlock(&g->lock);
	return e;
}

size_t gateway_remove_faults(struct gateway *g, int id)
{
	size_t gone;

	pthread_mutex_lock(&g->lock);
	gone = fault_remove(&g->faults, id);
	pthread_mutex_unlock(&g->lock);
	return gone;
}

static json_t *fault_json(const struct gateway *g, const struct fault *f)
{
	json_t *row = json_pack(
		"{s:i, s:s, s:s}", "id", f->id, "gateway", g->name, "kind", fault_word(f->kind));

	json_object_set_new(
		row, "unit", f->unit == FAULT_ANY_UNIT ? json_null() : json_integer(f->unit));
	if (f->kind == FAULT_GARBAGE)
		json_object_set_new(
			row, "value", json_string(garbage_word((enum garbage)f->value)));
	else if (f->kind == FAULT_CUT)
		json_object_set_new(row, "value",
			json_string(f->value == FAULT_CUT_REPLY ? "reply" : "request"));
	else if (f->kind != FAULT_SILENT)
		json_object_set_new(row, "value", json_integer(f->value));
	if (f->ends_ms != INT64_MAX)
		json_object_set_new(
			row, "seconds_left", json_integer((f->ends_ms - mono_ms() + 999) / 1000));
	return row;
}

void gateway_list_faults(struct gateway *g, json_t *list)
{
	pthread_mutex_lock(&g->lock);
	fault_expire(&g->faults, mono_ms());
	for (size_t i = 0; i < g->faults.n; i++)
		json_array_append_new(list, fault_json(g, &g->faults.items[i]));
	pthread_mutex_unlock(&g->lock);
}
