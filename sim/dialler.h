#pragma once
/* A gateway that dials in: stands before a gateway of the simulator, connects to a master instead
 * of waiting for it, says who it is, and carries RTU frames. It sends heartbeats when it likes:
 * alone, glued to a reply, and amid one; and it dials again when it was hung up on. One thread. */
#include "base/err.h"

enum { DIALLER_BYTES = 64 };

struct dialler_settings {
	char master[128];      /* host:port that it dials */
	uint16_t gateway_port; /* on 127.0.0.1: Modbus TCP */
	uint8_t registration[DIALLER_BYTES];
	size_t registration_n;
	uint8_t heartbeat[DIALLER_BYTES];
	size_t heartbeat_n;  /* 0: none */
	int heartbeat_ms;    /* when nothing else happens */
	int redial_ms;	     /* pause before it dials again */
	bool before_packets; /* says who it is before every packet */
	uint32_t seed;
};

struct dialler;
struct dialler *dialler_start(const struct dialler_settings *settings);
void dialler_stop(struct dialler **d); /* may be given a pointer to NULL */
/* Breaks the connection as a radio does: the other side hears nothing of it; then dials again. */
void dialler_vanish(struct dialler *d);

struct dialler_stats {
	int64_t dialled;    /* connections made */
	int64_t hung_up_on; /* closed by the other side */
	int64_t replies;
};
struct dialler_stats dialler_stats(struct dialler *d);
