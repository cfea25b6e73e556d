#pragma once
/* The RS485 bus behind a gateway: how long things take on it, and what waits for it. Pure. */
#include "sim/mbap.h"

enum { LINE_QUEUE_MAX = 32 };

struct line_timing {
	int baud;	/* 8N1: ten bits a byte */
	int answer_ms;	/* from the end of a request to the first byte of the answer */
	int silence_ms; /* how long the gateway waits for an answer */
};

/* Microseconds that n bytes take, with the silence of 3.5 characters that ends a frame. */
int64_t line_frame_us(const struct line_timing *t, size_t n);

/* Bytes of the RTU frame that carries a PDU: unit, PDU, checksum. */
static inline size_t line_bytes(size_t pdu_n)
{
	return pdu_n + 3;
}

/* A request that waits for the bus, and who asked. */
struct job {
	uint64_t client;
	struct mbap_frame frame;
};

struct job_queue {
	struct job jobs[LINE_QUEUE_MAX];
	size_t first, n;
};

MUST_USE bool job_push(struct job_queue *q, const struct job *job); /* false: full */
MUST_USE bool job_pop(struct job_queue *q, struct job *out);	    /* false: empty */
/* Forgets what a client asked for that is gone. */
void job_drop(struct job_queue *q, uint64_t client);
