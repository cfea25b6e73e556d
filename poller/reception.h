#pragma once
/* The thread that gateways dial. It takes a connection, reads who it is, and keeps it until the bus
 * of that gateway takes it over. Bounded in every way: so many connections that have not said yet
 * who they are, so many of them from one address, so many bytes and so much time to say it.
 *
 * One connection a gateway waits. Whether it takes the place of one that the bus already has is
 * decided by the bus, which tries the one it has first. */
#include "meter/dialin.h"
#include "poller/fleet.h"

#define RECEPTION_GUESTS 64	 /* connections that have not said who they are */
#define RECEPTION_PEER_MAX 16	 /* of them from one address */
#define RECEPTION_HELLO_MS 10000 /* to say it */
#define RECEPTION_QUIET_MS 300	 /* a name that may go on is taken as it is after such a silence */

/* A gateway that dials in, whoever holds its lease. */
struct reception_gateway {
	int64_t gateway_id;
	char code[33];
	struct dial_patterns patterns;
};

struct reception;
/* Listens on "0.0.0.0:15100"; "" opens one that nobody can dial. The problem names the setting. */
MUST_USE enum err reception_open(
	const char *listen, struct fleet *fleet, struct reception **out, struct problem *why);
void reception_free(struct reception **r);     /* the buses have ended */
int reception_port(const struct reception *r); /* 0: nobody can dial */
/* Until reception_stop(), which any thread may call. */
void reception_run(struct reception *r);
void reception_stop(struct reception *r);

/* From now on these are the gateways that may dial; copies. Connections that wait for a gateway
 * whose bus does not run here are closed, so that it dials again. */
void reception_expect(struct reception *r, const struct reception_gateway *list, size_t n);

/* For the bus of a gateway: the connection that waits, or -1; does one wait? */
int reception_take(struct reception *r, int64_t gateway_id);
bool reception_waits(struct reception *r, int64_t gateway_id);
/* The bus has a connection that works: the one that waits is closed. */
void reception_refuse(struct reception *r, int64_t gateway_id);

struct reception_counts {
	int64_t accepted;    /* connections */
	int64_t turned_away; /* too many at a time, or silent about who they are */
	int64_t unknown;     /* said something that is no gateway */
	int64_t elsewhere;   /* of a gateway whose bus another poller has */
	int64_t refused;     /* of a gateway that has a working connection */
};
struct reception_counts reception_counts(struct reception *r);
