#pragma once
/* A mutex with a condition on the monotonic clock. */
#include <pthread.h>
#include <time.h>

#include "base/clock.h"

struct gate {
	pthread_mutex_t mutex;
	pthread_cond_t cond;
};

static inline void gate_init(struct gate *g)
{
	pthread_condattr_t a;

	pthread_condattr_init(&a);
	pthread_condattr_setclock(&a, CLOCK_MONOTONIC);
	pthread_mutex_init(&g->mutex, NULL);
	pthread_cond_init(&g->cond, &a);
	pthread_condattr_destroy(&a);
}

static inline void gate_destroy(struct gate *g)
{
	pthread_cond_destroy(&g->cond);
	pthread_mutex_destroy(&g->mutex);
}

static inline void gate_lock(struct gate *g)
{
	pthread_mutex_lock(&g->mutex);
}

static inline void gate_unlock(struct gate *g)
{
	pthread_mutex_unlock(&g->mutex);
}

static inline void gate_wake(struct gate *g)
{
	pthread_cond_broadcast(&g->cond);
}

/* Locked: waits for a wake or until mono_ms() reaches deadline_ms. */
static inline void gate_wait(struct gate *g, int64_t deadline_ms)
{
	struct timespec t = { .tv_sec = deadline_ms / 1000,
		.tv_nsec = deadline_ms % 1000 * 1000000 };

	if (deadline_ms == INT64_MAX)
		pthread_cond_wait(&g->cond, &g->mutex);
	else
		pthread_cond_timedwait(&g->cond, &g->mutex, &t);
}
