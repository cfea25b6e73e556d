#include "meter/bus.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "meter/bus_inside.h"
#include "meter/word.h"

static const char *const transport_words[] = { "modbus-tcp", "rtu-tcp", "rtu", "dial-in" };
static const char *const fault_words[] = { "fine", "unreachable", "lost", "silent", "exception",
	"nonsense" };
_Static_assert(ARRAY_LEN(fault_words) == BUS_FAULT__MAX, "a word for each");

static const char *const kind_words[] = { "fine", "short", "long", "crc", "foreign", "late",
	"noise", "lying", "exception", "silent", "unreachable", "lost" };
_Static_assert(ARRAY_LEN(kind_words) == KIND__MAX, "a word for each");

WORD_FUNCTIONS(transport, transport, transport_words, TRANSPORT__MAX)

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

bool bus_dials_in(const struct bus *b)
{
	return b->settings.transport == TRANSPORT_DIAL_IN;
}

bool bus_is_socket(const struct bus *b)
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

/* On a socket it only receives: the device given here is never opened. */
static modbus_t *context_new(const struct bus_settings *s)
{
	modbus_t *m = s->transport == TRANSPORT_RTU_TCP
			      ? modbus_new_rtu("/dev/null", 9600, 'N', 8, 1)
			      : modbus_new_rtu(s->address, s->baud, s->parity, 8, 1);

	ASSERT(m);
	modbus_set_byte_timeout(m, 0, 0); /* the whole reply within the response timeout */
	return m;
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
	if (bus_dials_in(b))
		return check_dial(&b->settings, why);
	return bus_is_socket(b) ? split_address(b, why) : check_serial(&b->settings, why);
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
	if (settings->transport == TRANSPORT_RTU_TCP || settings->transport == TRANSPORT_RTU)
		b->modbus = context_new(&b->settings);
	*out = b;
	b = NULL;
	return ERR_OK;
}

void bus_close(struct bus **b)
{
	if (!*b)
		return;
	bus_hang_up(*b);
	modbus_free((*b)->modbus); /* may be NULL */
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

void bus_inherit(struct bus *b, struct bus *former)
{
	struct bus was = *b;

	*b = *former;
	*former = was;
	b->settings = was.settings;
	former->settings = b->settings;
}
