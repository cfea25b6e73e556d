#include "sim_fixture.h"

#include "cmock.h"

#include <arpa/inet.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

void fixture_open(struct fixture *f)
{
	struct problem why = { 0 };

	*f = (struct fixture){ 0 };
	snprintf(f->dir, sizeof f->dir, "/tmp/yufu-sim-test.XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	f->mall = mall_make(5, 0, 1);
	if (models_open(NULL, &f->models, &why))
		fail_msg("%s: %s", why.field, why.text);
	assert_int_equal(zone_open(MALL_ZONE, &f->zone), ERR_OK);
	f->settings.timing =
		(struct line_timing){ .baud = 1000000, .answer_ms = 0, .silence_ms = 50 };
	f->settings.speed = 1;
	snprintf(f->settings.state_path, sizeof f->settings.state_path, "%s/G1.json", f->dir);
}

void fixture_start(struct fixture *f)
{
	struct problem why = { 0 };

	if (gateway_start(&f->settings, f->mall, f->models, f->zone, &f->gateway, &why))
		fail_msg("%s: %s", why.field, why.text);
}

void fixture_stop(struct fixture *f)
{
	gateway_stop(&f->gateway);
}

void fixture_close(struct fixture *f)
{
	char path[PATH_MAX + 8];

	gateway_stop(&f->gateway);
	unlink(f->settings.state_path);
	snprintf(path, sizeof path, "%s.new", f->settings.state_path);
	unlink(path);
	assert_int_equal(rmdir(f->dir), 0);
	zone_free(&f->zone);
	models_free(&f->models);
	mall_free(&f->mall);
}

int client_open(uint16_t port)
{
	struct sockaddr_in addr = { .sin_family = AF_INET, .sin_port = htons(port) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(connect(fd, (struct sockaddr *)&addr, sizeof addr), 0);
	return fd;
}

void client_ask(int fd, uint16_t transaction, uint8_t unit, const void *pdu, size_t n)
{
	uint8_t frame[300] = { (uint8_t)(transaction >> 8), (uint8_t)transaction, 0, 0,
		(uint8_t)((n + 1) >> 8), (uint8_t)(n + 1), unit };

	memcpy(frame + 7, pdu, n);
	assert_int_equal(send(fd, frame, 7 + n, MSG_NOSIGNAL), 7 + n);
}

static int take(int fd, int ms, uint8_t *bytes, size_t n)
{
	size_t got = 0;

	while (got < n) {
		struct pollfd p = { .fd = fd, .events = POLLIN };
		ssize_t k;

		if (poll(&p, 1, ms) == 0)
			return -1;
		k = recv(fd, bytes + got, n - got, 0);
		if (k <= 0)
			return 0;
		got += (size_t)k;
	}
	return (int)n;
}

int client_answer(int fd, int ms, uint8_t frame[static 300])
{
	int got = take(fd, ms, frame, 6);
	size_t n;

	if (got <= 0)
		return got;
	n = (size_t)(frame[4] << 8 | frame[5]);
	assert_in_range(n, 1, 290);
	got = take(fd, ms, frame + 6, n);
	return got <= 0 ? got : got + 6;
}

void read_registers(int fd, uint8_t unit, uint16_t address, uint16_t count, uint16_t *values)
{
	uint8_t pdu[] = { 3, (uint8_t)(address >> 8), (uint8_t)address, 0, (uint8_t)count };
	uint8_t frame[300] = { 0 };

	client_ask(fd, address, unit, pdu, sizeof pdu);
	assert_int_equal(client_answer(fd, CLIENT_MS, frame), 9 + 2 * count);
	assert_int_equal(frame[0] << 8 | frame[1], address);
	assert_int_equal(frame[6], unit);
	assert_int_equal(frame[7], 3);
	assert_int_equal(frame[8], 2 * count);
	for (size_t i = 0; i < count; i++)
		values[i] = (uint16_t)(frame[9 + 2 * i] << 8 | frame[10 + 2 * i]);
}

uint32_t read_energy(int fd, uint8_t unit)
{
	uint16_t v[2];

	read_registers(fd, unit, 0x0215, 2, v);
	return (uint32_t)v[0] << 16 | v[1];
}

bool read_relay(int fd, uint8_t unit)
{
	uint16_t v[1];

	read_registers(fd, unit, 0x0224, 1, v);
	return (v[0] & 0x2000) != 0;
}

void write_relay(int fd, uint8_t unit, uint16_t forced, uint16_t open)
{
	uint8_t pdu[] = { 16, 0, 0x57, 0, 2, 4, 0, (uint8_t)forced, 0, (uint8_t)open };
	uint8_t frame[300] = { 0 };

	client_ask(fd, 0x57, unit, pdu, sizeof pdu);
	assert_int_equal(client_answer(fd, CLIENT_MS, frame), 12);
	assert_memory_equal(frame + 7, "\x10\x00\x57\x00\x02", 5);
}
