/* Gateways that dial in: real sockets, a gateway of the simulator behind them, the bus of the
 * poller before them. */
#include "sim_fixture.h"

#include "cmock.h"

#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "poller/reception.h"
#include "poller/wait.h"
#include "sim/dialler.h"

#define GATEWAY 77
#define METERS 5
#define PATIENCE_MS 20000

struct world {
	struct fixture sim;
	struct fleet *fleet;
	struct desk *desk;
	struct orders_back *back;
	struct reception *reception;
	pthread_t thread;
	int64_t seen[METERS + 1]; /* readings that came, by unit */
	size_t nameless;	  /* so many meters have no serial number in the table */
};

static void *receive(void *arg)
{
	reception_run(arg);
	return NULL;
}

static struct dial_patterns patterns_of(const char *id)
{
	struct dial_patterns p;

	assert_int_equal(dial_patterns_read(id, "", "ping", &p, NULL), ERR_OK);
	return p;
}

static void open_world(struct world *w)
{
	struct reception_gateway known[2] = { { .gateway_id = GATEWAY, .code = "G1" },
		{ .gateway_id = GATEWAY + 1, .code = "G2" } };
	struct problem why = { 0 };

	*w = (struct world){ 0 };
	log_open("test", LOG_LEVEL_ERROR);
	fixture_open(&w->sim);
	fixture_start(&w->sim);
	w->fleet = fleet_open();
	w->desk = desk_open();
	w->back = orders_back_open();
	assert_int_equal(reception_open("127.0.0.1:0", w->fleet, &w->reception, &why), ERR_OK);
	known[0].patterns = patterns_of("DTU-1");
	known[1].patterns = patterns_of("DTU-10"); /* its bus runs elsewhere */
	reception_expect(w->reception, known, 2);
	assert_int_equal(pthread_create(&w->thread, NULL, receive, w->reception), 0);
}

static void close_world(struct world *w)
{
	struct runner *r = fleet_remove(w->fleet, GATEWAY);

	reception_stop(w->reception);
	pthread_join(w->thread, NULL);
	runner_free(&r);
	reception_free(&w->reception);
	fleet_free(&w->fleet);
	desk_free(&w->desk);
	orders_back_free(&w->back);
	fixture_close(&w->sim);
}

static struct plant_bus plant_of(struct world *w, size_t meters)
{
	struct plant_bus b = { .gateway_id = GATEWAY,
		.group_id = 1,
		.code = "G1",
		.settings = { .transport = TRANSPORT_DIAL_IN, .address = "DTU-1" },
		.patterns = patterns_of("DTU-1"),
		.zone = MALL_ZONE,
		.n = meters };

	b.meters = calloc(meters, sizeof(*b.meters));
	assert_non_null(b.meters);
	for (size_t i = 0; i < meters; i++) {
		const struct mall_meter *m = mall_meter(w->sim.mall, 0, (int)i + 1);

		b.meters[i] = (struct plant_meter){ .id = (int64_t)i + 1,
			.at.unit = (uint8_t)(i + 1),
			.device = 1,
			.model = models_find(w->sim.models, m->model),
			.ct_ratio = 1,
			.pt_ratio = 1 };
		snprintf(b.meters[i].code, sizeof(b.meters[i].code), "M%zu", i + 1);
		snprintf(b.meters[i].serial, sizeof(b.meters[i].serial), "%s",
			i < w->nameless ? "" : m->serial);
	}
	return b;
}

/* The bus, always busy. */
static struct runner *start_bus(struct world *w, size_t meters, struct runner *former)
{
	struct plant_bus b = plant_of(w, meters);
	struct runner_ends ends = { .desk = w->desk,
		.back = w->back,
		.reception = w->reception,
		.sets_clocks = true,
		.period_ms = 50 };
	struct runner *r = NULL;

	assert_int_equal(runner_start(&b, &ends, former, &r), ERR_OK);
	fleet_add(w->fleet, r);
	return r;
}

static struct dialler_settings dialling(const struct world *w, const char *id)
{
	struct dialler_settings s = { .gateway_port = gateway_port(w->sim.gateway),
		.heartbeat = "ping",
		.heartbeat_n = 4,
		.heartbeat_ms = 60,
		.redial_ms = 20,
		.seed = 5 };

	snprintf(s.master, sizeof(s.master), "127.0.0.1:%d", reception_port(w->reception));
	memcpy(s.registration, id, strlen(id));
	s.registration_n = strlen(id);
	return s;
}

/* Is there, within the time of this test, an edge near the step of a meter that is so far ahead? */
static bool near_edge(int64_t ahead)
{
	int64_t wall = utc_now().ms / 1000 + 8 * 3600, shown = wall + ahead;
	int64_t first = (ahead > 0 ? wall : shown) - 60, last = (ahead > 0 ? shown : wall) + 60;

	return first / 900 != last / 900;
}

/* Takes in what the bus has told. */
static void collect(struct world *w)
{
	struct report reports[METERS];
	size_t n = desk_take(w->desk, reports, METERS, 0, 10);

	for (size_t i = 0; i < n; i++)
		if (reports[i].has_reading) {
			assert_false(reports[i].other_serial);
			w->seen[reports[i].meter_id]++;
		}
}

/* Waits until every meter was read so often from now on. */
static void must_read(struct world *w, size_t meters, int64_t times)
{
	int64_t deadline = mono_ms() + PATIENCE_MS;
	bool done = false;

	memset(w->seen, 0, sizeof(w->seen));
	while (!done && mono_ms() < deadline) {
		collect(w);
		done = true;
		for (size_t i = 1; i <= meters; i++)
			done = done && w->seen[i] >= times;
	}
	assert_true(done);
}

static struct runner_health health_of(struct world *w)
{
	struct fleet_health *list = NULL;
	struct runner_health h;

	assert_int_equal(fleet_health(w->fleet, &list), 1);
	h = list[0].health;
	free(list);
	return h;
}

/* Heartbeats before, amid and behind replies: no reading is lost, nothing counts as a fault. */
static void readings_come_past_heartbeats(void **state)
{
	struct world w;
	struct dialler_settings s;
	struct dialler *d;
	struct runner_health h;

	(void)state;
	open_world(&w);
	start_bus(&w, METERS, NULL);
	s = dialling(&w, "DTU-1");
	s.before_packets = true;
	d = dialler_start(&s);
	must_read(&w, METERS, 15);
	h = health_of(&w);
	for (size_t k = 0; k < KIND__MAX; k++)
		if (k != KIND_UNREACHABLE && h.kinds[k] > 0)
			fail_msg("%s: %llu", bus_kind_word((enum bus_kind)k),
				(unsigned long long)h.kinds[k]);
	assert_int_equal(dialler_stats(d).dialled, 1);
	dialler_stop(&d);
	close_world(&w);
}

/* It loses its connection, which nobody tells us, and dials anew. */
static void a_gateway_that_dials_anew_is_read_on(void **state)
{
	struct world w;
	struct dialler_settings s;
	struct dialler *d;

	(void)state;
	open_world(&w);
	start_bus(&w, METERS, NULL);
	s = dialling(&w, "DTU-1");
	d = dialler_start(&s);
	must_read(&w, METERS, 2);
	for (int i = 0; i < 3; i++) {
		dialler_vanish(d);
		must_read(&w, METERS, 2);
	}
	assert_int_equal(dialler_stats(d).dialled, 4);
	assert_false(health_of(&w).twin);
	assert_int_equal(reception_counts(w.reception).refused, 0);
	dialler_stop(&d);
	close_world(&w);
}

static void until_refused(struct world *w, int64_t times)
{
	int64_t deadline = mono_ms() + PATIENCE_MS;

	while (reception_counts(w->reception).refused < times && mono_ms() < deadline)
		collect(w);
	assert_true(reception_counts(w->reception).refused >= times);
}

static void a_twin_is_refused_while_the_first_works(void **state)
{
	struct world w;
	struct dialler_settings s;
	struct dialler *first, *second;

	(void)state;
	open_world(&w);
	start_bus(&w, METERS, NULL);
	s = dialling(&w, "DTU-1");
	first = dialler_start(&s);
	must_read(&w, METERS, 2);
	second = dialler_start(&s);
	until_refused(&w, 2);
	must_read(&w, METERS, 2);
	assert_true(health_of(&w).twin);
	assert_int_equal(dialler_stats(first).hung_up_on, 0);
	assert_int_equal(dialler_stats(second).replies, 0);
	/* The first goes: now the second is the gateway. */
	dialler_stop(&first);
	must_read(&w, METERS, 2);
	assert_true(dialler_stats(second).replies > 0);
	dialler_stop(&second);
	close_world(&w);
}

static void strangers_and_other_pollers_gateways_are_sent_away(void **state)
{
	struct world w;
	struct dialler_settings s;
	struct dialler *stranger, *elsewhere;
	struct reception_counts c = { 0 };
	int64_t deadline = mono_ms() + PATIENCE_MS;

	(void)state;
	open_world(&w);
	start_bus(&w, METERS, NULL);
	s = dialling(&w, "GET / HTTP/1.1\r\n");
	stranger = dialler_start(&s);
	s = dialling(&w, "DTU-10");
	elsewhere = dialler_start(&s);
	while ((c.unknown < 2 || c.elsewhere < 2) && mono_ms() < deadline) {
		collect(&w);
		c = reception_counts(w.reception);
	}
	assert_true(c.unknown >= 2);
	assert_true(c.elsewhere >= 2);
	assert_int_equal(reception_take(w.reception, GATEWAY), -1);
	dialler_stop(&stranger);
	dialler_stop(&elsewhere);
	close_world(&w);
}

/* Many that connect and say nothing: bounded for one address, and nobody else is kept out. */
static void silent_guests_are_bounded(void **state)
{
	struct world w;
	int fds[RECEPTION_PEER_MAX + 3];
	struct pollfd p;
	uint8_t byte;
	int closed = 0;

	(void)state;
	open_world(&w);
	start_bus(&w, 1, NULL);
	for (size_t i = 0; i < ARRAY_LEN(fds); i++) {
		fds[i] = client_open((uint16_t)reception_port(w.reception));
		p = (struct pollfd){ .fd = fds[i], .events = POLLIN };
		if (i < RECEPTION_PEER_MAX)
			continue;
		assert_int_equal(poll(&p, 1, PATIENCE_MS), 1); /* one too many: closed at once */
		closed += recv(fds[i], &byte, 1, 0) == 0;
	}
	assert_int_equal(closed, 3);
	assert_int_equal(reception_counts(w.reception).turned_away, 3);
	/* One of them says who it is, and is taken. */
	assert_int_equal(send(fds[3], "DTU-1", 5, MSG_NOSIGNAL), 5);
	p = (struct pollfd){ .fd = fds[3], .events = POLLIN };
	assert_int_equal(poll(&p, 1, PATIENCE_MS), 1); /* a request of the bus */
	assert_true(recv(fds[3], &byte, 1, 0) == 1);
	for (size_t i = 0; i < ARRAY_LEN(fds); i++)
		close(fds[i]);
	close_world(&w);
}

/* The bus is configured anew, with more meters: the connection stays, nobody dials again. */
static void a_changed_bus_keeps_its_connection(void **state)
{
	struct world w;
	struct dialler_settings s;
	struct dialler *d;
	struct runner *former;

	(void)state;
	open_world(&w);
	start_bus(&w, METERS - 1, NULL);
	s = dialling(&w, "DTU-1");
	d = dialler_start(&s);
	must_read(&w, METERS - 1, 3);
	former = fleet_remove(w.fleet, GATEWAY);
	runner_end(former);
	start_bus(&w, METERS, former);
	runner_free(&former);
	must_read(&w, METERS, 3);
	assert_int_equal(dialler_stats(d).dialled, 1);
	assert_int_equal(dialler_stats(d).hung_up_on, 0);
	dialler_stop(&d);
	close_world(&w);
}

/* While the gateway was away for a moment somebody has exchanged the meters: not one reading of the
 * new ones passes for one of the old. */
static void exchanged_meters_are_noticed_before_their_first_reading(void **state)
{
	struct world w;
	struct fixture other;
	struct dialler_settings s;
	struct dialler *d;
	struct report reports[METERS];
	int64_t deadline, seen = 0;
	uint64_t before;

	(void)state;
	open_world(&w);
	w.nameless = 2; /* of these nobody has said the number: the first that they tell counts */
	start_bus(&w, METERS, NULL);
	s = dialling(&w, "DTU-1");
	d = dialler_start(&s);
	must_read(&w, METERS, 3);
	before = health_of(&w).kinds[KIND_UNREACHABLE];
	fixture_open(&other);
	other.settings.bus = 1; /* other meters at the same addresses */
	fixture_start(&other);
	dialler_stop(&d);
	s.gateway_port = gateway_port(other.gateway);
	for (deadline = mono_ms() + PATIENCE_MS;
		health_of(&w).kinds[KIND_UNREACHABLE] == before && mono_ms() < deadline;)
		collect(&w);
	collect(&w); /* what was read before */
	d = dialler_start(&s);
	for (deadline = mono_ms() + PATIENCE_MS; seen < 20 && mono_ms() < deadline;) {
		size_t n = desk_take(w.desk, reports, METERS, 0, 10);

		for (size_t i = 0; i < n; i++)
			if (reports[i].has_reading) {
				assert_true(reports[i].other_serial);
				seen++;
			}
	}
	assert_true(seen >= 20);
	/* The old ones are put back: they count again. */
	dialler_stop(&d);
	s.gateway_port = gateway_port(w.sim.gateway);
	d = dialler_start(&s);
	for (deadline = mono_ms() + PATIENCE_MS; seen > 0 && mono_ms() < deadline;) {
		size_t n = desk_take(w.desk, reports, METERS, 0, 10);

		for (size_t i = 0; i < n; i++)
			seen = reports[i].has_reading && !reports[i].other_serial ? 0 : seen;
	}
	assert_int_equal(seen, 0);
	dialler_stop(&d);
	fixture_close(&other);
	close_world(&w);
}

/* The clock of the mall is that of the zone; a meter whose clock is wrong is led back by a step,
 * one that is far off is left to a person, and one that is right is left alone. Near an edge of a
 * tariff the step waits, so that it may not be seen here. */
static void clocks_are_led_back(void **state)
{
	static const int64_t ahead[METERS] = { 0, 100, -100, 7200, 0 };
	struct world w;
	struct report last[METERS] = { 0 }, reports[METERS];
	struct dialler_settings s;
	struct dialler *d;
	int64_t deadline = mono_ms() + PATIENCE_MS;
	int ready = 0;

	(void)state;
	open_world(&w);
	for (int i = 0; i < METERS; i++)
		assert_int_equal(gateway_change_meter(w.sim.gateway, i + 1,
					 &(struct meter_change){
						 .set_clock = true, .clock_off_s = ahead[i] },
					 NULL),
			ERR_OK);
	start_bus(&w, METERS, NULL);
	s = dialling(&w, "DTU-1");
	d = dialler_start(&s);
	while (ready < METERS && mono_ms() < deadline) {
		size_t n = desk_take(w.desk, reports, METERS, 0, 10);

		for (size_t i = 0; i < n; i++)
			if (reports[i].has_reading)
				last[reports[i].meter_id - 1] = reports[i];
		ready = 0;
		for (int i = 0; i < METERS; i++)
			ready += last[i].has_clock &&
				 (llabs(ahead[i]) != 100 || near_edge(ahead[i]) ||
					 last[i].clock_set_at.ms != 0);
	}
	assert_int_equal(ready, METERS);
	for (int i = 0; i < METERS; i++) {
		bool set = last[i].clock_set_at.ms != 0;

		if (set)
			assert_int_equal(last[i].clock_set_by_s, -ahead[i]);
		if (llabs(ahead[i]) != 100)
			assert_false(set);
		assert_in_range(last[i].clock_drift_s - (set ? 0 : ahead[i]) + 2, 0, 4);
	}
	dialler_stop(&d);
	close_world(&w);
}

static void addresses_are_checked(void **state)
{
	static const char *const bad[] = { "15100", "0.0.0.0:70000", ":1",
		"no.such.host.invalid:1" };
	struct reception *r = NULL;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct problem why = { 0 };

		assert_int_not_equal(reception_open(bad[i], NULL, &r, &why), ERR_OK);
		assert_string_equal(why.field, "poller.dial_in_listen");
	}
	assert_int_equal(reception_open("", NULL, &r, NULL), ERR_OK);
	assert_int_equal(reception_port(r), 0);
	reception_free(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(readings_come_past_heartbeats),
		cmocka_unit_test(a_gateway_that_dials_anew_is_read_on),
		cmocka_unit_test(a_twin_is_refused_while_the_first_works),
		cmocka_unit_test(strangers_and_other_pollers_gateways_are_sent_away),
		cmocka_unit_test(silent_guests_are_bounded),
		cmocka_unit_test(a_changed_bus_keeps_its_connection),
		cmocka_unit_test(exchanged_meters_are_noticed_before_their_first_reading),
		cmocka_unit_test(clocks_are_led_back),
		cmocka_unit_test(addresses_are_checked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
