/* The bus against real sockets and a real terminal, on whose other side sits somebody who answers
 * as badly as told. After each fault the next good answer must come through. */
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <termios.h>
#include <unistd.h>

#include <cmocka.h>
#include <modbus/modbus.h>

#include "meter/frame.h"
#include "meter/meter.h"

enum mood {
	GOOD,
	SILENT,
	BREAKS_OFF,   /* half a reply, then nothing */
	HANGS_UP,     /* closes instead of answering */
	HANGS_UP_MID, /* closes amid the reply */
	TAIL,	      /* a good reply and three bytes more */
	BYTE_COUNT_LOW,
	BYTE_COUNT_HIGH,
	ENDLESS, /* byte count 255 and 300 bytes */
	WRONG_UNIT,
	WRONG_FUNCTION,
	WRONG_PROTOCOL,
	WRONG_HEADER_LENGTH,
	WRONG_TRANSACTION,
	WRONG_CRC,
	WRONG_ECHO,
	EXCEPTION_2,
	EXCEPTION_11,
	LATE, /* keeps the reply until the next request, then sends both */
	LAZY, /* thinks for LAZY_MS */
	DRIP, /* byte by byte */
	JUNK,
};

#define LAZY_MS 300

/* One server: what came in, and how it behaves. */
struct fake {
	enum framing framing;
	int listen_fd; /* -1: the line is fd from the start */
	int stop[2];
	pthread_t thread;
	_Atomic enum mood mood;
	_Atomic int accepted;
	uint8_t late[FRAME_MAX];
	size_t late_n;
	uint8_t last[FRAME_MAX]; /* the last request */
	size_t last_n;
	char address[BUS_ADDRESS_MAX];
};

static bool readable(struct fake *f, int fd)
{
	struct pollfd p[2] = { { .fd = fd, .events = POLLIN },
		{ .fd = f->stop[0], .events = POLLIN } };

	return poll(p, 2, -1) > 0 && !p[1].revents;
}

static size_t request_need(const struct fake *f, const uint8_t *b, size_t n)
{
	size_t head = f->framing == FRAMING_TCP ? 6 : 0;
	size_t crc = f->framing == FRAMING_TCP ? 0 : 2;

	if (n == head + 6 && b[head + 1] == 16)
		return n + 1;
	if (n < head + 7 || b[head + 1] != 16)
		return head + 6 + crc;
	return head + 7 + b[head + 6] + crc;
}

static bool request_read(struct fake *f, int fd)
{
	size_t n = 0;

	while (n < request_need(f, f->last, n)) {
		ssize_t rc;

		if (!readable(f, fd))
			return false;
		rc = read(fd, f->last + n, 1);
		if (rc <= 0)
			return false;
		n += (size_t)rc;
	}
	f->last_n = n;
	return true;
}

static void put(int fd, const uint8_t *b, size_t n)
{
	while (n > 0) {
		ssize_t rc = write(fd, b, n);

		if (rc <= 0)
			return;
		b += rc;
		n -= (size_t)rc;
	}
}

/* The right answer: register a holds a. Body only: unit, function, data. */
static size_t good_body(const uint8_t *request, uint8_t *body)
{
	unsigned address = (unsigned)(request[2] << 8 | request[3]);
	unsigned count = (unsigned)(request[4] << 8 | request[5]);

	memcpy(body, request, 6);
	if (request[1] == 6 || request[1] == 16)
		return 6;
	body[2] = (uint8_t)(2 * count);
	for (unsigned i = 0; i < count; i++) {
		body[3 + 2 * i] = (uint8_t)((address + i) >> 8);
		body[4 + 2 * i] = (uint8_t)(address + i);
	}
	return 3 + 2 * count;
}

static size_t spoil_body(enum mood mood, uint8_t *body, size_t n)
{
	if (mood == WRONG_UNIT)
		body[0] ^= 4;
	if (mood == WRONG_FUNCTION)
		body[1] ^= 7;
	if (mood == BYTE_COUNT_LOW || mood == BYTE_COUNT_HIGH) {
		size_t delta = 2;

		memset(body + n, 0, delta);
		n = mood == BYTE_COUNT_LOW ? n - delta : n + delta;
		body[2] = (uint8_t)(n - 3);
	}
	if (mood == ENDLESS) {
		memset(body + 3, 0x55, 300);
		body[2] = 255;
		n = 303;
	}
	if (mood == WRONG_ECHO)
		body[5] ^= 1;
	if (mood == EXCEPTION_2 || mood == EXCEPTION_11) {
		body[1] |= 0x80;
		body[2] = mood == EXCEPTION_2 ? 2 : 11;
		n = 3;
	}
	return n;
}

static size_t wrap(const struct fake *f, enum mood mood, uint8_t *frame, size_t n)
{
	uint8_t *body = frame + (f->framing == FRAMING_TCP ? 6 : 0);

	if (f->framing == FRAMING_RTU) {
		uint16_t crc = frame_crc(body, n);

		body[n] = (uint8_t)crc;
		body[n + 1] = (uint8_t)((crc >> 8) ^ (mood == WRONG_CRC));
		return n + 2;
	}
	memcpy(frame, f->last, 2);
	frame[0] ^= mood == WRONG_TRANSACTION;
	frame[2] = mood == WRONG_PROTOCOL;
	frame[3] = 0;
	frame[4] = (uint8_t)(n >> 8);
	frame[5] = (uint8_t)(n + (mood == WRONG_HEADER_LENGTH));
	return n + 6;
}

/* False: hang up. */
static bool answer(struct fake *f, int fd)
{
	enum mood mood = f->mood;
	size_t head = f->framing == FRAMING_TCP ? 6 : 0;
	uint8_t frame[400] = { 0 };
	size_t n = good_body(f->last + head, frame + head);

	n = spoil_body(mood, frame + head, n);
	n = wrap(f, mood, frame, n);
	if (f->late_n > 0)
		put(fd, f->late, f->late_n);
	f->late_n = 0;
	switch (mood) {
	case SILENT:
		return true;
	case HANGS_UP:
		return false;
	case HANGS_UP_MID:
		put(fd, frame, n - 3);
		return false;
	case BREAKS_OFF:
		put(fd, frame, n - 3);
		return true;
	case LATE:
		memcpy(f->late, frame, n);
		f->late_n = n;
		return true;
	case LAZY:
		poll(&(struct pollfd){ .fd = f->stop[0], .events = POLLIN }, 1, LAZY_MS);
		put(fd, frame, n);
		return true;
	case DRIP:
		for (size_t i = 0; i < n; i++)
			put(fd, frame + i, 1);
		return true;
	case JUNK:
		memset(frame, 0xA5, sizeof(frame));
		put(fd, frame, 40);
		return true;
	case TAIL:
		put(fd, frame, n + 3);
		return true;
	default:
		put(fd, frame, n);
		return true;
	}
}

static void serve(struct fake *f, int fd)
{
	while (request_read(f, fd) && answer(f, fd))
		;
}

static void *fake_run(void *arg)
{
	struct fake *f = arg;

	while (readable(f, f->listen_fd)) {
		int fd = accept(f->listen_fd, NULL, NULL);

		if (fd < 0)
			continue;
		f->accepted++;
		f->late_n = 0;
		serve(f, fd);
		close(fd);
	}
	return NULL;
}

static void *fake_run_line(void *arg)
{
	struct fake *f = arg;

	serve(f, f->listen_fd);
	return NULL;
}

static int loopback_port(int *fd)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t n = sizeof(a);

	*fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(*fd >= 0);
	assert_int_equal(bind(*fd, (struct sockaddr *)&a, n), 0);
	assert_int_equal(getsockname(*fd, (struct sockaddr *)&a, &n), 0);
	return ntohs(a.sin_port);
}

static void fake_start(struct fake *f, enum framing framing)
{
	int port;

	memset(f, 0, sizeof(*f));
	f->framing = framing;
	assert_int_equal(pipe2(f->stop, O_CLOEXEC), 0);
	port = loopback_port(&f->listen_fd);
	assert_int_equal(listen(f->listen_fd, 8), 0);
	snprintf(f->address, sizeof(f->address), "127.0.0.1:%d", port);
	assert_int_equal(pthread_create(&f->thread, NULL, fake_run, f), 0);
}

/* The other end of a terminal, as of a serial line. */
static void fake_start_line(struct fake *f)
{
	struct termios t;

	memset(f, 0, sizeof(*f));
	f->framing = FRAMING_RTU;
	assert_int_equal(pipe2(f->stop, O_CLOEXEC), 0);
	f->listen_fd = posix_openpt(O_RDWR | O_NOCTTY);
	assert_true(f->listen_fd >= 0);
	assert_int_equal(grantpt(f->listen_fd), 0);
	assert_int_equal(unlockpt(f->listen_fd), 0);
	assert_int_equal(tcgetattr(f->listen_fd, &t), 0);
	cfmakeraw(&t);
	assert_int_equal(tcsetattr(f->listen_fd, TCSANOW, &t), 0);
	assert_int_equal(ptsname_r(f->listen_fd, f->address, sizeof(f->address)), 0);
	assert_int_equal(pthread_create(&f->thread, NULL, fake_run_line, f), 0);
}

static void fake_stop(struct fake *f)
{
	assert_int_equal(write(f->stop[1], "", 1), 1);
	pthread_join(f->thread, NULL);
	close(f->listen_fd);
	close(f->stop[0]);
	close(f->stop[1]);
}

static struct bus *bus_to(enum transport t, const char *address)
{
	struct bus_settings s = { .transport = t };
	struct bus *b = NULL;
	struct problem why = { 0 };

	assert_true(str_copy(s.address, sizeof(s.address), address));
	assert_int_equal(bus_open(&s, &b, &why), ERR_OK);
	return b;
}

#define GOOD_MS 5000 /* patience with what must come */
#define BAD_MS 250   /* patience with what will not */
#define LAME_MS 1000 /* patience with what begins to come, on a busy machine, and is not enough */

static struct bus_request read_of(uint8_t unit, uint16_t address, uint16_t count, int ms)
{
	return (struct bus_request){
		.unit = unit, .function = 3, .address = address, .count = count, .answer_ms = ms
	};
}

static void must_be_good(struct fake *f, struct bus *b, uint8_t unit, uint16_t address)
{
	struct bus_request q = read_of(unit, address, 20, GOOD_MS);
	uint16_t regs[20] = { 0 };
	struct bus_error why = { 0 };
	enum err e;

	f->mood = GOOD;
	e = bus_read(b, &q, regs, &why);
	if (e != ERR_OK)
		fail_msg("%s: %s", err_word(e), why.text);
	assert_int_equal(why.fault, BUS_FINE);
	for (unsigned i = 0; i < 20; i++)
		assert_int_equal(regs[i], address + i);
}

struct row {
	enum mood mood;
	enum err err;
	enum bus_fault fault;
	const char *text; /* what the sentence must say */
	bool rtu, tcp;
	enum bus_kind kind; /* as which it is counted; on RTU some only fail their checksum */
};

static const struct row rows[] = {
	{ SILENT, ERR_TIMEOUT, BUS_SILENT, "no answer within 250 ms", true, true, KIND_SILENT },
	{ BREAKS_OFF, ERR_PROTOCOL, BUS_NONSENSE, "reply breaks off", true, true, KIND_SHORT },
	{ HANGS_UP, ERR_UNAVAILABLE, BUS_LOST, "closed by the other side", true, true, KIND_LOST },
	{ HANGS_UP_MID, ERR_UNAVAILABLE, BUS_LOST, "closed by the other side", true, true,
		KIND_LOST },
	{ BYTE_COUNT_LOW, ERR_PROTOCOL, BUS_NONSENSE, "byte count 38 instead of 40", true, true,
		KIND_SHORT },
	{ BYTE_COUNT_HIGH, ERR_PROTOCOL, BUS_NONSENSE, "byte count 42 instead of 40", true, true,
		KIND_LONG },
	{ ENDLESS, ERR_PROTOCOL, BUS_NONSENSE, "", true, true, KIND_LONG },
	{ WRONG_UNIT, ERR_PROTOCOL, BUS_NONSENSE, "unit 5 instead of 1", true, true, KIND_FOREIGN },
	{ WRONG_FUNCTION, ERR_PROTOCOL, BUS_NONSENSE, "function 4 instead of 3", true, true,
		KIND_FOREIGN },
	{ WRONG_PROTOCOL, ERR_PROTOCOL, BUS_NONSENSE, "protocol 256 instead of 0", false, true,
		KIND_NOISE },
	{ WRONG_HEADER_LENGTH, ERR_PROTOCOL, BUS_NONSENSE, "header length", false, true,
		KIND_NOISE },
	{ WRONG_TRANSACTION, ERR_PROTOCOL, BUS_NONSENSE, "transaction", false, true, KIND_LATE },
	{ WRONG_CRC, ERR_PROTOCOL, BUS_NONSENSE, "CRC error", true, false, KIND_CRC },
	{ JUNK, ERR_PROTOCOL, BUS_NONSENSE, "", true, true, KIND_FINE },
	{ EXCEPTION_2, ERR_REFUSED, BUS_EXCEPTION,
		"exception 2 at register 0x0061 (illegal address)", true, true, KIND_EXCEPTION },
	{ EXCEPTION_11, ERR_REFUSED, BUS_EXCEPTION, "exception 11", true, true, KIND_EXCEPTION },
};

/* Most faults show at once; these use up the time. */
static int patience(enum mood mood)
{
	if (mood == SILENT)
		return BAD_MS;
	if (mood == BREAKS_OFF || mood == WRONG_TRANSACTION || mood == WRONG_UNIT)
		return LAME_MS;
	return GOOD_MS;
}

static void try_rows(struct fake *f, struct bus *b)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct row *r = &rows[i];
		struct bus_request q = read_of(1, 0x61, 20, GOOD_MS);
		uint16_t regs[20];
		struct bus_error why = { 0 };
		uint64_t before;
		enum err e;

		if (f->framing == FRAMING_TCP ? !r->tcp : !r->rtu)
			continue;
		memset(regs, 0xEE, sizeof(regs));
		before = bus_stats(b).kinds[r->kind];
		f->mood = r->mood;
		q.answer_ms = patience(r->mood);
		e = bus_read(b, &q, regs, &why);
		if (e != r->err || why.fault != r->fault || !strstr(why.text, r->text))
			fail_msg("row %zu: %s, %s: %s", i, err_word(e), bus_fault_word(why.fault),
				why.text);
		assert_int_equal(why.address, 0x61);
		assert_true(why.sent);
		if (r->kind && bus_stats(b).kinds[r->kind] != before + 1)
			fail_msg("row %zu was not counted as %s", i, bus_kind_word(r->kind));
		for (unsigned k = 0; k < 20; k++)
			assert_int_equal(regs[k], 0xEEEE);
		must_be_good(f, b, 1, (uint16_t)(0x100 + i));
	}
}

static void faults_are_told_apart_on_tcp(void **state)
{
	struct fake f;
	struct bus *b;

	(void)state;
	fake_start(&f, FRAMING_TCP);
	b = bus_to(TRANSPORT_MODBUS_TCP, f.address);
	must_be_good(&f, b, 1, 0);
	try_rows(&f, b);
	bus_close(&b);
	fake_stop(&f);
}

static void faults_are_told_apart_on_rtu_over_tcp(void **state)
{
	struct fake f;
	struct bus *b;

	(void)state;
	fake_start(&f, FRAMING_RTU);
	b = bus_to(TRANSPORT_RTU_TCP, f.address);
	must_be_good(&f, b, 1, 0);
	try_rows(&f, b);
	must_be_good(&f, b, 254, 7); /* libmodbus itself stops at 247 */
	bus_close(&b);
	fake_stop(&f);
}

static void a_serial_line_works(void **state)
{
	static const enum mood moods[] = { SILENT, BREAKS_OFF, WRONG_CRC, WRONG_UNIT, JUNK, TAIL };
	struct fake f;
	struct bus *b;

	(void)state;
	fake_start_line(&f);
	b = bus_to(TRANSPORT_RTU, f.address);
	must_be_good(&f, b, 1, 0);
	for (size_t i = 0; i < ARRAY_LEN(moods); i++) {
		struct bus_request q = read_of(1, 0x61, 20, BAD_MS);
		uint16_t regs[20];
		struct bus_error why = { 0 };

		f.mood = moods[i];
		assert_true((bus_read(b, &q, regs, &why) == ERR_OK) == (moods[i] == TAIL));
		must_be_good(&f, b, 1, (uint16_t)(0x100 + i));
	}
	bus_close(&b);
	fake_stop(&f);
}

/* The reply to an earlier request must not pass for the reply to this one. */
static void late_replies_are_skipped(void **state)
{
	struct fake f;
	struct bus *b;

	(void)state;
	fake_start(&f, FRAMING_TCP);
	b = bus_to(TRANSPORT_MODBUS_TCP, f.address);
	for (uint16_t i = 0; i < 5; i++) {
		struct bus_request q = read_of(1, 0x61, 20, BAD_MS);
		uint16_t regs[20];
		struct bus_error why = { 0 };

		f.mood = LATE;
		assert_int_equal(bus_read(b, &q, regs, &why), ERR_TIMEOUT);
		must_be_good(&f, b, 1, (uint16_t)(0x200 + i));
	}
	assert_int_equal(f.accepted, 1); /* all on the first connection */
	bus_close(&b);
	fake_stop(&f);
}

/* On RTU only the unit tells: a late reply of another one is passed over and counted. */
static void late_replies_are_skipped_on_a_line(void **state)
{
	struct fake f;
	struct bus *b;

	(void)state;
	fake_start_line(&f);
	b = bus_to(TRANSPORT_RTU, f.address);
	for (uint8_t i = 0; i < 5; i++) {
		struct bus_request q = read_of((uint8_t)(10 + i), 0x61, 20, BAD_MS);
		uint16_t regs[20];
		struct bus_error why = { 0 };

		f.mood = LATE;
		assert_int_equal(bus_read(b, &q, regs, &why), ERR_TIMEOUT);
		must_be_good(&f, b, 1, (uint16_t)(0x200 + i));
	}
	assert_int_equal(bus_stats(b).kinds[KIND_LATE], 5);
	assert_int_equal(bus_stats(b).kinds[KIND_SILENT], 5);
	assert_int_equal(bus_stats(b).kinds[KIND_FOREIGN], 0);
	bus_close(&b);
	fake_stop(&f);
}

/* The same unit asked again for other registers: nothing in the late reply tells that it is not the
 * answer, so that it must have come and gone before. */
static void a_late_reply_does_not_pass_for_the_next(void **state)
{
	struct fake f[2];
	struct bus *b[2];

	(void)state;
	fake_start_line(&f[0]);
	b[0] = bus_to(TRANSPORT_RTU, f[0].address);
	fake_start(&f[1], FRAMING_RTU);
	b[1] = bus_to(TRANSPORT_RTU_TCP, f[1].address);
	for (int i = 0; i < 2; i++) {
		struct bus_request q = read_of(1, 0x61, 20, 50);
		uint16_t regs[20];

		f[i].mood = LAZY;
		assert_int_equal(bus_read(b[i], &q, regs, NULL), ERR_TIMEOUT);
		must_be_good(&f[i], b[i], 1, 0x200);
		bus_close(&b[i]);
		fake_stop(&f[i]);
	}
}

/* Less patience than the request has, learned by whoever asks; behind a Modbus TCP gateway not
 * right after a silence, for the request may stand in line there. */
static void patience_is_bounded_by_what_was_learned(void **state)
{
	struct bus_request q = read_of(1, 0x61, 20, GOOD_MS);
	uint16_t regs[20];
	struct bus_error why = { 0 };
	struct fake f;
	struct bus *b;

	(void)state;
	fake_start(&f, FRAMING_TCP);
	b = bus_to(TRANSPORT_MODBUS_TCP, f.address);
	bus_patience(b, 40);
	assert_int_equal(bus_delay_ms(b), -1);
	f.mood = SILENT;
	assert_int_equal(bus_read(b, &q, regs, &why), ERR_TIMEOUT);
	assert_string_equal(why.text, "no answer within 40 ms");
	f.mood = LAZY;
	assert_int_equal(bus_read(b, &q, regs, &why), ERR_OK);
	assert_int_equal(bus_delay_ms(b), -1); /* nobody knows what it waited for */
	assert_int_equal(bus_read(b, &q, regs, &why), ERR_TIMEOUT);
	bus_patience(b, 0);
	f.mood = GOOD;
	assert_int_equal(bus_read(b, &q, regs, &why), ERR_OK);
	assert_int_equal(bus_read(b, &q, regs, &why), ERR_OK);
	assert_true(bus_delay_ms(b) >= 0);
	bus_close(&b);
	fake_stop(&f);
}

static void slow_and_long_replies_are_fine(void **state)
{
	struct fake f;
	struct bus *b;
	struct bus_request q = read_of(1, 0x61, 20, GOOD_MS);
	uint16_t regs[20];
	struct bus_error why = { 0 };

	(void)state;
	fake_start(&f, FRAMING_TCP);
	b = bus_to(TRANSPORT_MODBUS_TCP, f.address);
	f.mood = DRIP;
	assert_int_equal(bus_read(b, &q, regs, &why), ERR_OK);
	assert_int_equal(regs[19], 0x61 + 19);
	f.mood = TAIL; /* what follows a reply is thrown away */
	assert_int_equal(bus_read(b, &q, regs, &why), ERR_OK);
	must_be_good(&f, b, 1, 0x300);
	assert_int_equal(f.accepted, 1);
	bus_close(&b);
	fake_stop(&f);
}

static void silence_in_a_row_makes_a_new_connection(void **state)
{
	struct fake f;
	struct bus *b;

	(void)state;
	fake_start(&f, FRAMING_TCP);
	b = bus_to(TRANSPORT_MODBUS_TCP, f.address);
	f.mood = SILENT;
	for (int i = 0; i < 3; i++) {
		struct bus_request q = read_of(1, 0x61, 20, 20);
		uint16_t regs[20];

		assert_int_equal(bus_read(b, &q, regs, NULL), ERR_TIMEOUT);
		assert_true(bus_is_connected(b) == (i < 2));
	}
	must_be_good(&f, b, 1, 0);
	assert_int_equal(f.accepted, 2);
	assert_int_equal(bus_stats(b).connects, 2);
	bus_close(&b);
	fake_stop(&f);
}

static const struct meter_address nine = { .unit = 9 };

static void writes_are_confirmed_or_unknown(void **state)
{
	static const struct {
		enum mood mood;
		enum err err;
	} outcomes[] = {
		{ GOOD, ERR_OK },
		{ EXCEPTION_2, ERR_REFUSED },
		{ EXCEPTION_11, ERR_UNKNOWN },
		{ SILENT, ERR_UNKNOWN },
		{ HANGS_UP, ERR_UNKNOWN },
		{ WRONG_ECHO, ERR_UNKNOWN },
		{ WRONG_UNIT, ERR_UNKNOWN },
	};
	struct models *models = NULL;
	struct model m;
	struct fake f;
	struct bus *b;

	(void)state;
	assert_int_equal(models_open(NULL, &models, NULL), ERR_OK);
	m = *models_find(models, "acrel-ddsy1352");
	fake_start(&f, FRAMING_TCP);
	b = bus_to(TRANSPORT_MODBUS_TCP, f.address);
	for (size_t i = 0; i < ARRAY_LEN(outcomes); i++) {
		struct bus_error why = { 0 };
		bool waits = outcomes[i].mood == SILENT;

		m.limits.answer_ms = waits ? BAD_MS : GOOD_MS;
		f.mood = outcomes[i].mood;
		assert_int_equal(meter_act(b, &m, &nine, ACT_OFF, NULL, &why), outcomes[i].err);
	}
	f.mood = GOOD;
	assert_int_equal(meter_act(b, &m, &nine, ACT_OFF, NULL, NULL), ERR_OK);
	assert_int_equal(
		meter_act(b, models_find(models, "acrel-dtsd1352"), &nine, ACT_OFF, NULL, NULL),
		ERR_NOT_CONFIGURED);
	bus_close(&b);
	fake_stop(&f);
	/* 0x0057 = 1, 0x0058 = 1: forced open */
	assert_memory_equal(f.last + 4, "\x00\x0b\x09\x10\x00\x57\x00\x02\x04\x00\x01\x00\x01", 13);
	models_free(&models);
}

struct asked {
	struct bus *b;
	int times;
	bool connected;
	bool answer;
};

static bool note_asked(void *ctx)
{
	struct asked *a = ctx;

	a->times++;
	a->connected = bus_is_connected(a->b);
	return a->answer;
}

/* The permit is asked when the bus is ready; refused, no byte leaves, and the bus goes on. */
static void permits_are_asked_last(void **state)
{
	struct bus_error why = { 0 };
	struct asked asked = { 0 };
	const struct bus_permit permit = { note_asked, &asked };
	uint16_t value = 1;
	struct bus_request q = { .unit = 1,
		.function = 16,
		.address = 7,
		.count = 1,
		.values = &value,
		.permit = &permit,
		.answer_ms = GOOD_MS };
	struct fake f;
	struct bus *b;

	(void)state;
	fake_start(&f, FRAMING_TCP);
	b = asked.b = bus_to(TRANSPORT_MODBUS_TCP, f.address);
	assert_int_equal(bus_write(b, &q, &why), ERR_FORBIDDEN);
	assert_int_equal(asked.times, 1);
	assert_true(asked.connected);
	assert_false(why.sent);
	assert_int_equal(bus_stats(b).requests, 0);
	must_be_good(&f, b, 1, 0);
	asked.answer = true;
	assert_int_equal(bus_write(b, &q, &why), ERR_OK);
	assert_int_equal(asked.times, 2);
	assert_int_equal(bus_stats(b).requests, 2);
	bus_close(&b);
	fake_stop(&f);
}

static void nobody_there(void **state)
{
	char address[40];
	struct bus_error why = { 0 };
	struct bus_request q = read_of(1, 0, 1, GOOD_MS);
	uint16_t reg = 7;
	struct bus *b;
	int fd;

	(void)state;
	snprintf(address, sizeof(address), "127.0.0.1:%d", loopback_port(&fd)); /* not listening */
	b = bus_to(TRANSPORT_MODBUS_TCP, address);
	assert_int_equal(bus_read(b, &q, &reg, &why), ERR_UNAVAILABLE);
	assert_int_equal(why.fault, BUS_UNREACHABLE);
	assert_false(why.sent);
	assert_non_null(strstr(why.text, address));
	assert_int_equal(reg, 7);
	close(fd);
	bus_close(&b);
}

static void bad_settings_are_refused(void **state)
{
	static const struct bus_settings bad[] = {
		{ .transport = TRANSPORT_MODBUS_TCP, .address = "" },
		{ .transport = TRANSPORT_MODBUS_TCP, .address = "10.0.0.1" },
		{ .transport = TRANSPORT_MODBUS_TCP, .address = ":502" },
		{ .transport = TRANSPORT_MODBUS_TCP, .address = "10.0.0.1:0" },
		{ .transport = TRANSPORT_RTU_TCP, .address = "10.0.0.1:65536" },
		{ .transport = TRANSPORT_RTU_TCP, .address = "10.0.0.1:5x" },
		{ .transport = TRANSPORT_RTU, .address = "" },
		{ .transport = TRANSPORT_RTU, .address = "/dev/x", .baud = 9601 },
		{ .transport = TRANSPORT_RTU, .address = "/dev/x", .parity = 'X' },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct bus *b = NULL;
		struct problem why = { 0 };

		assert_int_equal(bus_open(&bad[i], &b, &why), ERR_BAD_VALUE);
		assert_true(why.text[0]);
		assert_null(b);
	}
}

static void impossible_requests_are_not_sent(void **state)
{
	struct bus *b = bus_to(TRANSPORT_MODBUS_TCP, "127.0.0.1:1");
	uint16_t regs[MODBUS_READ_MAX];
	struct bus_request none = read_of(1, 0, 0, GOOD_MS);
	struct bus_request many = read_of(1, 0, MODBUS_READ_MAX + 1, GOOD_MS);
	struct bus_request over = read_of(1, 0xFFFF, 2, GOOD_MS);
	struct bus_request all = read_of(0, 0, 1, GOOD_MS);
	struct bus_request wrong = { .unit = 1, .function = 16, .count = 1, .values = regs };

	(void)state;
	assert_int_equal(bus_read(b, &none, regs, NULL), ERR_BAD_VALUE);
	assert_int_equal(bus_read(b, &many, regs, NULL), ERR_BAD_VALUE);
	assert_int_equal(bus_read(b, &over, regs, NULL), ERR_BAD_VALUE);
	assert_int_equal(bus_read(b, &all, regs, NULL), ERR_BAD_VALUE);
	assert_int_equal(bus_read(b, &wrong, regs, NULL), ERR_BAD_VALUE);
	wrong.values = NULL;
	assert_int_equal(bus_write(b, &wrong, NULL), ERR_BAD_VALUE);
	bus_close(&b);
}

/* 8 bytes out and 7 back take 137 ms at 1200 baud: not to be held against the meter. */
static void slow_lines_get_their_time(void **state)
{
	struct bus_settings s = { .transport = TRANSPORT_MODBUS_TCP, .baud = 1200 };
	struct bus_request q = read_of(1, 0, 1, 20);
	struct bus_error why = { 0 };
	uint16_t reg;
	struct fake f;
	struct bus *b = NULL;

	(void)state;
	fake_start(&f, FRAMING_TCP);
	assert_true(str_copy(s.address, sizeof(s.address), f.address));
	assert_int_equal(bus_open(&s, &b, NULL), ERR_OK);
	f.mood = SILENT;
	assert_int_equal(bus_read(b, &q, &reg, &why), ERR_TIMEOUT);
	assert_string_equal(why.text, "no answer within 157 ms");
	assert_true(bus_stats(b).busy_ms >= 150);
	bus_close(&b);
	fake_stop(&f);
}

/* libmodbus uses select(): a descriptor past its set must be an error, not an abort. */
static void too_many_open_files_are_an_error(void **state)
{
	struct rlimit was, more = { FD_SETSIZE + 64, FD_SETSIZE + 64 };
	struct bus_request q = read_of(1, 0, 20, GOOD_MS);
	struct bus_error why = { 0 };
	uint16_t regs[20];
	int fds[FD_SETSIZE], n = 0;
	struct fake f;
	struct bus *b;

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &was), 0);
	if (was.rlim_max < more.rlim_max)
		skip();
	more.rlim_max = was.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &more), 0);
	fake_start(&f, FRAMING_TCP);
	b = bus_to(TRANSPORT_MODBUS_TCP, f.address);
	do
		fds[n] = dup(0);
	while (fds[n++] < FD_SETSIZE - 1 && n < FD_SETSIZE);
	assert_int_equal(bus_read(b, &q, regs, &why), ERR_UNAVAILABLE);
	assert_non_null(strstr(why.text, "too many open files"));
	while (n > 0)
		close(fds[--n]);
	must_be_good(&f, b, 1, 0);
	bus_close(&b);
	fake_stop(&f);
	setrlimit(RLIMIT_NOFILE, &was);
}

/* libmodbus's own server, as a witness that neither we nor our fake wrote. */
static void *witness_run(void *arg)
{
	modbus_t *server = arg;
	modbus_mapping_t *map =
		modbus_mapping_new_start_address(0, 0, 0, 0, 0x50, 0x20, 0x60, 0x20);
	uint8_t request[MODBUS_TCP_MAX_ADU_LENGTH];
	int n;

	for (int i = 0; i < 0x20; i++) {
		map->tab_registers[i] = (uint16_t)(1000 + i);
		map->tab_input_registers[i] = (uint16_t)(2000 + i);
	}
	while ((n = modbus_receive(server, request)) > 0)
		modbus_reply(server, request, n, map);
	modbus_mapping_free(map);
	return NULL;
}

static void libmodbus_serves_us(void **state)
{
	uint16_t regs[4], values[2] = { 11, 12 };
	struct bus_request q = { .unit = 3, .function = 4, .address = 0x61, .count = 4 };
	struct bus_request w = {
		.unit = 3, .function = 16, .address = 0x57, .count = 2, .values = values
	};
	struct bus_error why = { 0 };
	modbus_t *server = modbus_new_tcp("127.0.0.1", 0);
	char address[40];
	pthread_t thread;
	struct bus *b;
	int fd, conn;

	(void)state;
	snprintf(address, sizeof(address), "127.0.0.1:%d", loopback_port(&fd));
	assert_int_equal(listen(fd, 1), 0);
	b = bus_to(TRANSPORT_MODBUS_TCP, address);
	q.answer_ms = 1; /* nobody answers yet; the connection is what we are after */
	assert_int_equal(bus_read(b, &q, regs, &why), ERR_TIMEOUT);
	conn = accept(fd, NULL, NULL);
	assert_true(conn >= 0);
	modbus_set_socket(server, conn);
	assert_int_equal(pthread_create(&thread, NULL, witness_run, server), 0);
	q.answer_ms = w.answer_ms = GOOD_MS;
	assert_int_equal(bus_read(b, &q, regs, &why), ERR_OK);
	assert_int_equal(regs[3], 2004);
	assert_int_equal(bus_write(b, &w, &why), ERR_OK);
	q.function = 3;
	q.address = 0x57;
	assert_int_equal(bus_read(b, &q, regs, &why), ERR_OK);
	assert_int_equal(regs[1], 12);
	assert_int_equal(regs[2], 1009);
	w.function = 6;
	w.count = 1;
	assert_int_equal(bus_write(b, &w, &why), ERR_OK);
	q.address = 0x70;
	assert_int_equal(bus_read(b, &q, regs, &why), ERR_REFUSED);
	assert_int_equal(why.exception, 2);
	bus_close(&b);
	pthread_join(thread, NULL);
	close(conn);
	close(fd);
	modbus_free(server);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(faults_are_told_apart_on_tcp),
		cmocka_unit_test(faults_are_told_apart_on_rtu_over_tcp),
		cmocka_unit_test(a_serial_line_works),
		cmocka_unit_test(late_replies_are_skipped),
		cmocka_unit_test(late_replies_are_skipped_on_a_line),
		cmocka_unit_test(a_late_reply_does_not_pass_for_the_next),
		cmocka_unit_test(patience_is_bounded_by_what_was_learned),
		cmocka_unit_test(slow_and_long_replies_are_fine),
		cmocka_unit_test(silence_in_a_row_makes_a_new_connection),
		cmocka_unit_test(writes_are_confirmed_or_unknown),
		cmocka_unit_test(permits_are_asked_last),
		cmocka_unit_test(nobody_there),
		cmocka_unit_test(bad_settings_are_refused),
		cmocka_unit_test(impossible_requests_are_not_sent),
		cmocka_unit_test(slow_lines_get_their_time),
		cmocka_unit_test(too_many_open_files_are_an_error),
		cmocka_unit_test(libmodbus_serves_us),
	};

	signal(SIGPIPE, SIG_DFL); /* a broken connection must not end the process */
	return cmocka_run_group_tests(tests, NULL, NULL);
}
