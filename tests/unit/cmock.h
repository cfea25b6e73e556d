#pragma once
/* cmocka with the headers that it wants before it, and a seed for tests that draw lots. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/rand.h"

/* xorshift64*: the same numbers from the same seed everywhere. */
struct lots {
	uint64_t state;
};

/* Seed from the environment variable SEED, or a new one; printed, so that a failure can be
 * repeated. */
static inline struct lots lots_open(void)
{
	const char *text = getenv("SEED");
	uint64_t seed = 0;

	if (text)
		seed = strtoull(text, NULL, 10);
	else
		rand_bytes(&seed, sizeof(seed));
	printf("SEED=%llu\n", (unsigned long long)seed);
	return (struct lots){ seed | 1 };
}

static inline uint64_t lots_draw(struct lots *l)
{
	l->state ^= l->state >> 12;
	l->state ^= l->state << 25;
	l->state ^= l->state >> 27;
	return l->state * UINT64_C(2685821657736338717);
}

/* A number in [min, max]. */
static inline int64_t lots_between(struct lots *l, int64_t min, int64_t max)
{
	return min + (int64_t)((lots_draw(l) >> 8) % ((uint64_t)(max - min) + 1));
}
