/* The last moment before a frame leaves: a payment that is seen while the bus connects stops a cut.
 * The gateway is a socket whose other side plays the switcher as well. */
#include "cmock.h"

#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "meter/meter.h"
#include "poller/orders.h"

enum news { NOTHING, STILL_WANTED, PAID };

struct gateway {
	int listen_fd;
	pthread_t thread;
	struct order_out *order;
	enum news news; /* what the look finds that begins once the bus is connected */
	char address[64];
	size_t bytes; /* that arrived */
};

/* Accepts, brings the news, answers a write of registers by its echo. */
static void *gateway_run(void *arg)
{
	struct gateway *g = arg;
	uint8_t frame[64];
	int fd = accept(g->listen_fd, NULL, NULL);
	ssize_t n;

	if (fd < 0)
		return NULL;
	if (g->news == PAID)
		order_cancel(g->order);
	do /* as the switcher does, again and again */
		if (g->news == STILL_WANTED)
			order_confirm(g->order, mono_ms());
	while (poll(&(struct pollfd){ .fd = fd, .events = POLLIN }, 1, 10) == 0);
	n = recv(fd, frame, sizeof(frame), 0);
	if (n > 12) {
		g->bytes = (size_t)n;
		frame[5] = 6; /* unit, function, address, count */
		send(fd, frame, 12, MSG_NOSIGNAL);
	}
	close(fd);
	return NULL;
}

static void gateway_start(struct gateway *g, struct order_out *o, enum news news)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t n = sizeof(a);

	*g = (struct gateway){ .order = o, .news = news };
	g->listen_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(g->listen_fd, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(listen(g->listen_fd, 1), 0);
	assert_int_equal(getsockname(g->listen_fd, (struct sockaddr *)&a, &n), 0);
	snprintf(g->address, sizeof(g->address), "127.0.0.1:%d", ntohs(a.sin_port));
	assert_int_equal(pthread_create(&g->thread, NULL, gateway_run, g), 0);
}

static bool may_send(void *ctx)
{
	return order_may_send(ctx);
}

/* An act through a bus that is not connected yet; how many bytes arrived. */
static enum err act(struct order_out *o, enum news news, size_t *bytes)
{
	struct bus_settings settings = { .transport = TRANSPORT_MODBUS_TCP };
	const struct bus_permit permit = { may_send, o };
	struct models *models = NULL;
	struct bus_error why = { 0 };
	struct bus *b = NULL;
	struct gateway g;
	enum err e;

	o->looked_at--; /* before anything connects, however fast that is */
	gateway_start(&g, o, news);
	snprintf(settings.address, sizeof(settings.address), "%s", g.address);
	assert_int_equal(models_open(NULL, &models, NULL), ERR_OK);
	assert_int_equal(bus_open(&settings, &b, NULL), ERR_OK);
	e = meter_act(b, models_find(models, "acrel-ddsy1352"),
		&(struct meter_address){ .unit = 1 }, o->on ? ACT_ON : ACT_OFF, &permit, &why);
	bus_close(&b);
	assert_int_equal(pthread_join(g.thread, NULL), 0);
	close(g.listen_fd);
	models_free(&models);
	*bytes = g.bytes;
	return e;
}

static void a_cut_waits_for_a_look_after_connecting(void **state)
{
	struct order_out *o = order_new();
	size_t bytes;

	(void)state;
	o->permit_until = mono_ms() + GATE_PERMIT_MS;
	assert_int_equal(act(o, STILL_WANTED, &bytes), ERR_OK);
	assert_int_equal(bytes, 17);
	order_free(&o);
}

static void a_payment_while_connecting_stops_the_frame(void **state)
{
	struct order_out *o = order_new();
	size_t bytes;

	(void)state;
	o->permit_until = mono_ms() + GATE_PERMIT_MS;
	assert_int_equal(act(o, PAID, &bytes), ERR_FORBIDDEN);
	assert_int_equal(bytes, 0);
	assert_string_equal(order_refusal(o), "no longer wanted");
	order_free(&o);
}

/* The database is away: what was seen before does not count. */
static void without_a_look_nothing_is_cut(void **state)
{
	struct order_out *o = order_new();
	size_t bytes;

	(void)state;
	o->permit_until = mono_ms() + GATE_PERMIT_MS;
	order_confirm(o, mono_ms() - 1);
	assert_int_equal(act(o, NOTHING, &bytes), ERR_FORBIDDEN);
	assert_int_equal(bytes, 0);
	order_free(&o);
}

static void giving_power_back_does_not_wait(void **state)
{
	struct order_out *o = order_new();
	size_t bytes;

	(void)state;
	o->on = true;
	assert_int_equal(act(o, NOTHING, &bytes), ERR_OK);
	assert_int_equal(bytes, 17);
	order_cancel(o);
	assert_int_equal(act(o, NOTHING, &bytes), ERR_FORBIDDEN);
	assert_int_equal(bytes, 0);
	order_free(&o);
}

static void permissions_end(void **state)
{
	struct order_out *o = order_new();

	(void)state;
	assert_null(order_refusal(o));
	o->permit_until = mono_ms() - 1;
	assert_non_null(order_refusal(o));
	assert_false(order_may_send(o));
	o->permit_until = INT64_MAX;
	order_confirm(o, mono_ms() - ORDER_LOOK_MS - 1);
	assert_non_null(order_refusal(o));
	order_free(&o);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_cut_waits_for_a_look_after_connecting),
		cmocka_unit_test(a_payment_while_connecting_stops_the_frame),
		cmocka_unit_test(without_a_look_nothing_is_cut),
		cmocka_unit_test(giving_power_back_does_not_wait),
		cmocka_unit_test(permissions_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
