#pragma once
/* Inside of a gateway: for gateway.c, which runs it, and gateway_view.c, which shows and disturbs
 * it. */
#include <pthread.h>

#include "sim/gateway.h"

enum {
	BUSY_WINDOW_S = 60,
	/* Ceilings reach so far ahead that a save may come late many times over. */
	SAVE_AHEAD_MS = 6 * GATEWAY_SAVE_MS,
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

/* With the lock held. */
int64_t gateway_mono_us(void);
void gateway_advance(struct gateway *g); /* all devices, to now */
/* After an error registers stand at their ceilings until a save succeeds. */
MUST_USE enum err gateway_save(struct gateway *g, int64_t ahead_ms);
struct device *gateway_device(struct gateway *g, int unit); /* NULL: none */
void gateway_count_busy(struct gateway *g, int64_t from_us, int64_t to_us);
