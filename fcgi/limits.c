#include "fcgi/limits.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/rand.h"

#define SETS 4096 /* of so many buckets each; together 256 KiB */
#define WAYS 4
#define MINUTE_MS 60000

/* A bucket is one instant: when it would be full again. Full ones need no place. */
struct bucket {
	uint64_t key;
	int64_t full_us;
};

struct limits {
	int64_t per_minute[LIMIT__MAX];
	uint64_t seed; /* so that nobody can choose names that share a place */
	pthread_mutex_t lock;
	struct bucket buckets[SETS][WAYS];
};

enum err limits_open(struct conf *c, struct limits **out, struct problem *why)
{
	static const struct {
		const char *key;
		int64_t shipped;
	} keys[LIMIT__MAX] = {
		[LIMIT_LOGIN] = { "login_per_minute", 300 },
		[LIMIT_WRITE] = { "write_per_minute", 600 },
		[LIMIT_READ] = { "read_per_minute", 3000 },
	};
	struct limits *l = calloc(1, sizeof(*l));
	char seed[17];
	enum err e = ERR_OK;

	ASSERT(l);
	for (int k = 0; e == ERR_OK && k < LIMIT__MAX; k++)
		e = conf_int(c, "limits", keys[k].key, 0, 1000000, keys[k].shipped,
			&l->per_minute[k], why);
	if (e != ERR_OK) {
		free(l);
		return e;
	}
	rand_hex(seed, 8);
	l->seed = strtoull(seed, NULL, 16);
	pthread_mutex_init(&l->lock, NULL);
	*out = l;
	return ERR_OK;
}

void limits_free(struct limits **l)
{
	if (!*l)
		return;
	pthread_mutex_destroy(&(*l)->lock);
	free(*l);
	*l = NULL;
}

static uint64_t mixed(uint64_t h)
{
	h = (h ^ (h >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	h = (h ^ (h >> 27)) * UINT64_C(0x94d049bb133111eb);
	return h ^ (h >> 31);
}

/* Never 0, which is no key. */
static uint64_t key_of(const struct limits *l, enum limit_kind kind, const char *who)
{
	uint64_t h = mixed(l->seed + (uint64_t)kind);

	for (; *who; who++)
		h = mixed(h ^ (uint8_t)*who);
	return h | 1;
}

/* The caller's bucket, or the one that is nearest to full. */
static struct bucket *bucket_of(struct limits *l, uint64_t key)
{
	struct bucket *set = l->buckets[(key >> 1) % SETS], *fullest = set;

	for (size_t i = 0; i < WAYS; i++) {
		if (set[i].key == key)
			return &set[i];
		if (set[i].full_us < fullest->full_us)
			fullest = &set[i];
	}
	*fullest = (struct bucket){ .key = key };
	return fullest;
}

int limits_take(struct limits *l, enum limit_kind kind, const char *who, int64_t now_ms)
{
	int64_t each_us, now_us = now_ms * 1000, late_us;
	struct bucket *b;

	if (l->per_minute[kind] == 0)
		return 0;
	each_us = MINUTE_MS * INT64_C(1000) / l->per_minute[kind];
	pthread_mutex_lock(&l->lock);
	b = bucket_of(l, key_of(l, kind, who));
	if (b->full_us < now_us)
		b->full_us = now_us;
	late_us = b->full_us + each_us - now_us - MINUTE_MS * INT64_C(1000);
	if (late_us <= 0)
		b->full_us += each_us;
	pthread_mutex_unlock(&l->lock);
	return late_us <= 0 ? 0 : (int)((late_us + 999999) / 1000000);
}
