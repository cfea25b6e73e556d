#include "poller/reception.h"

#include <errno.h>
#include <glib.h>
#include <inttypes.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "poller/wait.h"

#define HELLO_MAX 256	   /* bytes */
#define TALK_MS 60000	   /* between two lines in the log about strangers */
#define USER_TIMEOUT 30000 /* ms: bytes that nobody confirms: the connection is dead */

/* A connection that has not said who it is. */
struct guest {
	int fd; /* -1: none */
	struct in6_addr peer;
	int64_t deadline; /* mono_ms() */
	int64_t heard_at;
	uint8_t bytes[HELLO_MAX];
	size_t n;
};

/* A connection that waits for its bus. */
struct waiting {
	int64_t gateway_id;
	int fd;
};

struct reception {
	struct fleet *fleet;
	int listen_fd, stop_fd;
	int port;
	/* The thread's own. */
	struct guest guests[RECEPTION_GUESTS];
	int64_t talked_at;
	int64_t untold; /* strangers since then */
	/* Under the gate. */
	struct gate gate;
	struct reception_gateway *gateways;
	size_t n;
	GHashTable *waiting; /* &waiting.gateway_id -> struct waiting */
	struct reception_counts counts;
};

/* ---- begin and end ---- */

static void addrinfo_free(struct addrinfo **list)
{
	if (*list)
		freeaddrinfo(*list);
}

static int listen_on(const struct addrinfo *a)
{
	int fd = socket(a->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int on = 1;

	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, a->ai_addr, a->ai_addrlen) == 0 && listen(fd, RECEPTION_GUESTS) == 0)
		return fd;
	close(fd);
	return -1;
}

static int port_of(int fd)
{
	struct sockaddr_storage a;
	socklen_t n = sizeof(a);

	if (getsockname(fd, (struct sockaddr *)&a, &n) != 0)
		return 0;
	if (a.ss_family == AF_INET6)
		return ntohs(((struct sockaddr_in6 *)&a)->sin6_port);
	return ntohs(((struct sockaddr_in *)&a)->sin_port);
}

/* host:port into its two parts; false when it is not that. */
static bool split(const char *address, char *host, size_t size, char port[static 8])
{
	const char *colon = strrchr(address, ':');
	size_t n = colon ? (size_t)(colon - address) : 0;
	int64_t number;

	if (n == 0 || n >= size || i64_parse(colon + 1, 0, 65535, &number) != ERR_OK)
		return false;
	if (address[0] == '[' && address[n - 1] == ']') {
		address++;
		n -= 2;
	}
	memcpy(host, address, n);
	host[n] = '\0';
	snprintf(port, 8, "%d", (int)number);
	return true;
}

static enum err listen_open(struct reception *r, const char *address, struct problem *why)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM,
		.ai_flags = AI_NUMERICSERV | AI_PASSIVE };
	AUTO(addrinfo_free) struct addrinfo *list = NULL;
	char host[128], port[8];

	if (!split(address, host, sizeof(host), port) ||
		getaddrinfo(host, port, &hints, &list) != 0)
		return problem_set(why, ERR_BAD_VALUE, "poller.dial_in_listen",
			"where gateways dial in is host:port, as in 0.0.0.0:15100");
	for (const struct addrinfo *a = list; a && r->listen_fd < 0; a = a->ai_next)
		r->listen_fd = listen_on(a);
	if (r->listen_fd < 0)
		return problem_set(why, ERR_UNAVAILABLE, "poller.dial_in_listen",
			"cannot listen on %s: %s", address, strerror(errno));
	r->port = port_of(r->listen_fd);
	return ERR_OK;
}

static void waiting_free(void *p)
{
	close(((struct waiting *)p)->fd);
	free(p);
}

void reception_free(struct reception **r)
{
	if (!*r)
		return;
	for (size_t i = 0; i < RECEPTION_GUESTS; i++)
		if ((*r)->guests[i].fd >= 0)
			close((*r)->guests[i].fd);
	if ((*r)->listen_fd >= 0)
		close((*r)->listen_fd);
	close((*r)->stop_fd);
	g_hash_table_destroy((*r)->waiting);
	gate_destroy(&(*r)->gate);
	free((*r)->gateways);
	free(*r);
	*r = NULL;
}

enum err reception_open(
	const char *listen, struct fleet *fleet, struct reception **out, struct problem *why)
{
	AUTO(reception_free) struct reception *r = calloc(1, sizeof(*r));
	enum err e = ERR_OK;

	ASSERT(r);
	r->fleet = fleet;
	r->listen_fd = -1;
	r->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	ASSERT(r->stop_fd >= 0);
	r->talked_at = mono_ms() - TALK_MS;
	gate_init(&r->gate);
	r->waiting = g_hash_table_new_full(g_int64_hash, g_int64_equal, NULL, waiting_free);
	for (size_t i = 0; i < RECEPTION_GUESTS; i++)
		r->guests[i].fd = -1;
	if (listen[0])
		e = listen_open(r, listen, why);
	if (e != ERR_OK)
		return e;
	*out = r;
	r = NULL;
	return ERR_OK;
}

int reception_port(const struct reception *r)
{
	return r->port;
}

void reception_stop(struct reception *r)
{
	uint64_t one = 1;

	ASSERT(write(r->stop_fd, &one, sizeof(one)) == sizeof(one));
}

/* ---- who may dial, and who waits ---- */

void reception_expect(struct reception *r, const struct reception_gateway *list, size_t n)
{
	struct reception_gateway *copy = calloc(n + 1, sizeof(*copy));
	GHashTableIter it;
	gpointer id;

	ASSERT(copy);
	if (n > 0)
		memcpy(copy, list, n * sizeof(*copy));
	gate_lock(&r->gate);
	free(r->gateways);
	r->gateways = copy;
	r->n = n;
	g_hash_table_iter_init(&it, r->waiting);
	while (g_hash_table_iter_next(&it, &id, NULL))
		if (!fleet_arrived(r->fleet, *(int64_t *)id))
			g_hash_table_iter_remove(&it);
	gate_unlock(&r->gate);
}

int reception_take(struct reception *r, int64_t gateway_id)
{
	struct waiting *w;
	int fd = -1;

	gate_lock(&r->gate);
	w = g_hash_table_lookup(r->waiting, &gateway_id);
	if (w) {
		fd = w->fd;
		g_hash_table_steal(r->waiting, &gateway_id);
		free(w);
	}
	gate_unlock(&r->gate);
	return fd;
}

bool reception_waits(struct reception *r, int64_t gateway_id)
{
	bool waits;

	gate_lock(&r->gate);
	waits = g_hash_table_contains(r->waiting, &gateway_id);
	gate_unlock(&r->gate);
	return waits;
}

void reception_refuse(struct reception *r, int64_t gateway_id)
{
	gate_lock(&r->gate);
	r->counts.refused += g_hash_table_remove(r->waiting, &gateway_id);
	gate_unlock(&r->gate);
}

struct reception_counts reception_counts(struct reception *r)
{
	struct reception_counts c;

	gate_lock(&r->gate);
	c = r->counts;
	gate_unlock(&r->gate);
	return c;
}

static void count(struct reception *r, int64_t *counter)
{
	gate_lock(&r->gate);
	++*counter;
	gate_unlock(&r->gate);
}

/* ---- guests ---- */

static void send_away(struct guest *g)
{
	close(g->fd);
	*g = (struct guest){ .fd = -1 };
}

/* Once a minute at most; what it said, so that a person can enter it. */
static void tell_stranger(struct reception *r, const struct guest *g)
{
	char said[3 * 40 + 1];
	size_t n = 0;

	r->untold++;
	if (mono_ms() - r->talked_at < TALK_MS)
		return;
	for (size_t i = 0; i < g->n && i < 40; i++) {
		uint8_t c = g->bytes[i];

		if (c > ' ' && c < 0x7f && c != '%')
			said[n++] = (char)c;
		else
			n += (size_t)snprintf(said + n, sizeof(said) - n, "%%%02X", c);
	}
	said[n] = '\0';
	log_warn("strangers=%" PRId64 " dialled in and are no gateway here; the last said %s",
		r->untold, said);
	r->talked_at = mono_ms();
	r->untold = 0;
}

/* It belongs to this gateway: its bus is told, or, when that runs elsewhere, it is to dial again.
 */
static void seat(struct reception *r, struct guest *g, int64_t gateway_id)
{
	struct waiting *w = calloc(1, sizeof(*w));
	bool ours;

	ASSERT(w);
	*w = (struct waiting){ gateway_id, g->fd };
	*g = (struct guest){ .fd = -1 };
	gate_lock(&r->gate);
	/* An older one that still waits has been given up by the gateway. */
	g_hash_table_replace(r->waiting, &w->gateway_id, w);
	ours = fleet_arrived(r->fleet, gateway_id);
	r->counts.elsewhere += !ours;
	if (!ours)
		g_hash_table_remove(r->waiting, &gateway_id);
	gate_unlock(&r->gate);
}

/* Says who a guest is, as far as its bytes go. */
static enum dial_hello recognise(
	struct reception *r, const struct guest *g, bool settled, int64_t *gateway_id)
{
	bool more = false;

	*gateway_id = 0;
	gate_lock(&r->gate);
	for (size_t i = 0; i < r->n; i++) {
		enum dial_hello h = dial_hello(&r->gateways[i].patterns, g->bytes, g->n);

		more |= h == DIAL_MORE;
		if (h == DIAL_KNOWN && !*gateway_id)
			*gateway_id = r->gateways[i].gateway_id;
	}
	gate_unlock(&r->gate);
	if (*gateway_id && (settled || !more))
		return DIAL_KNOWN;
	return more || *gateway_id ? DIAL_MORE : DIAL_OTHER;
}

static void look_at(struct reception *r, struct guest *g, int64_t now)
{
	bool settled = now - g->heard_at >= RECEPTION_QUIET_MS;
	int64_t gateway_id;
	enum dial_hello h = recognise(r, g, settled, &gateway_id);

	if (h == DIAL_KNOWN) {
		seat(r, g, gateway_id);
	} else if (h == DIAL_OTHER && g->n > 0) {
		count(r, &r->counts.unknown);
		tell_stranger(r, g);
		send_away(g);
	} else if (now >= g->deadline || g->n == sizeof(g->bytes)) {
		count(r, &r->counts.turned_away);
		send_away(g);
	}
}

static void hear(struct reception *r, struct guest *g, int64_t now)
{
	ssize_t n = recv(g->fd, g->bytes + g->n, sizeof(g->bytes) - g->n, MSG_DONTWAIT);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		send_away(g);
		return;
	}
	g->n += (size_t)n;
	g->heard_at = now;
	look_at(r, g, now);
}

static struct in6_addr peer_of(const struct sockaddr_storage *a)
{
	struct in6_addr peer = { 0 };

	if (a->ss_family == AF_INET6)
		peer = ((const struct sockaddr_in6 *)a)->sin6_addr;
	else
		memcpy(&peer.s6_addr[12], &((const struct sockaddr_in *)a)->sin_addr, 4);
	return peer;
}

/* A free place, unless this address has enough of them already. */
static struct guest *place_for(struct reception *r, const struct in6_addr *peer)
{
	struct guest *place = NULL;
	int same = 0;

	for (size_t i = 0; i < RECEPTION_GUESTS; i++) {
		struct guest *g = &r->guests[i];

		if (g->fd < 0)
			place = g;
		else if (memcmp(&g->peer, peer, sizeof(*peer)) == 0)
			same++;
	}
	return same < RECEPTION_PEER_MAX ? place : NULL;
}

static void welcome(struct reception *r, int64_t now)
{
	struct sockaddr_storage from;
	socklen_t size = sizeof(from);
	int fd = accept4(
		r->listen_fd, (struct sockaddr *)&from, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
	unsigned dead_ms = USER_TIMEOUT;
	struct in6_addr peer;
	struct guest *g;
	int on = 1;

	if (fd < 0)
		return;
	count(r, &r->counts.accepted);
	peer = peer_of(&from);
	g = fd < FD_SETSIZE ? place_for(r, &peer) : NULL;
	if (!g) {
		count(r, &r->counts.turned_away);
		close(fd);
		return;
	}
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
	setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &dead_ms, sizeof(dead_ms));
	*g = (struct guest){
		.fd = fd, .peer = peer, .deadline = now + RECEPTION_HELLO_MS, .heard_at = now
	};
}

/* ---- the thread ---- */

enum { SLOT_STOP, SLOT_LISTEN, SLOT_GUESTS };

/* When the first guest has to be looked at, by time alone. */
static int64_t next_look(const struct reception *r, int64_t now)
{
	int64_t next = INT64_MAX;

	for (size_t i = 0; i < RECEPTION_GUESTS; i++) {
		const struct guest *g = &r->guests[i];
		int64_t settled = g->heard_at + RECEPTION_QUIET_MS;

		if (g->fd < 0)
			continue;
		if (g->n > 0 && settled > now && settled < next)
			next = settled;
		if (g->deadline < next)
			next = g->deadline;
	}
	return next;
}

static void turn(struct reception *r, const struct pollfd *fds)
{
	int64_t now = mono_ms();

	for (size_t i = 0; i < RECEPTION_GUESTS; i++) {
		struct guest *g = &r->guests[i];

		if (g->fd >= 0 && fds[SLOT_GUESTS + i].revents)
			hear(r, g, now);
		else if (g->fd >= 0)
			look_at(r, g, now);
	}
	if (fds[SLOT_LISTEN].revents)
		welcome(r, now);
}

void reception_run(struct reception *r)
{
	struct pollfd fds[SLOT_GUESTS + RECEPTION_GUESTS];

	log_context("reception");
	for (;;) {
		int64_t now = mono_ms(), next = next_look(r, now);
		int64_t wait = next == INT64_MAX ? -1 : next > now ? next - now : 0;

		fds[SLOT_STOP] = (struct pollfd){ .fd = r->stop_fd, .events = POLLIN };
		fds[SLOT_LISTEN] = (struct pollfd){ .fd = r->listen_fd, .events = POLLIN };
		for (size_t i = 0; i < RECEPTION_GUESTS; i++)
			fds[SLOT_GUESTS + i] =
				(struct pollfd){ .fd = r->guests[i].fd, .events = POLLIN };
		if (poll(fds, ARRAY_LEN(fds), (int)wait) < 0 && errno != EINTR)
			log_error("poll failed errno=%d", errno);
		if (fds[SLOT_STOP].revents)
			return;
		turn(r, fds);
	}
}
