#include "fcgi/limits.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "base/rand.h"
#include "fcgi/mapped.h"

#define SETS 4096 /* of so many buckets each; together 256 KiB */
#define WAYS 4
#define MINUTE_US INT64_C(60000000)

/* A bucket is one instant: when it would be full again. Full ones need no place. */
struct bucket {
	_Atomic uint64_t key;
	_Atomic int64_t full_us;
};

/* In the file. */
struct table {
	_Atomic uint64_t seed; /* so that nobody can choose names that share a place; 0: none yet */
	struct bucket buckets[SETS][WAYS];
};

struct limits {
	int64_t per_minute[LIMIT__MAX];
	struct table *table;
};

/* Who comes first says it for all. */
static void seed_set(struct table *t)
{
	char text[17];
	uint64_t none = 0;

	rand_hex(text, 8);
	(void)atomic_compare_exchange_strong(&t->seed, &none, strtoull(text, NULL, 16) | 1);
}

enum err limits_open(struct conf *c, const char *path, struct limits **out, struct problem *why)
{
	static const struct {
		const char *key;
		int64_t shipped;
	} keys[LIMIT__MAX] = {
		[LIMIT_LOGIN] = { "login_per_minute", 300 },
		[LIMIT_WRITE] = { "write_per_minute", 600 },
		[LIMIT_READ] = { "read_per_minute", 3000 },
		[LIMIT_PAYEE] = { "payee_per_minute", 10 },
		[LIMIT_PAYEE_ADDRESS] = { "payee_address_per_minute", 60 },
	};
	struct limits *l = calloc(1, sizeof(*l));
	enum err e = ERR_OK;

	ASSERT(l);
	for (int k = 0; e == ERR_OK && k < LIMIT__MAX; k++)
		e = conf_int(c, "limits", keys[k].key, 0, 1000000, keys[k].shipped,
			&l->per_minute[k], why);
	if (e != ERR_OK) {
		free(l);
		return e;
	}
	l->table = mapped_open(path, sizeof(*l->table));
	seed_set(l->table);
	*out = l;
	return ERR_OK;
}

void limits_free(struct limits **l)
{
	if (!*l)
		return;
	munmap((*l)->table, sizeof(*(*l)->table));
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
	uint64_t h = mixed(atomic_load(&l->table->seed) + (uint64_t)kind);

	for (; *who; who++)
		h = mixed(h ^ (uint8_t)*who);
	return h | 1;
}

/* When it would be full: in the past when it is; and a bucket is never emptier than empty, so what
 * says so is from before the machine's clock began anew. */
static int64_t full_at(const struct bucket *b, int64_t now_us)
{
	int64_t full_us = atomic_load(&b->full_us);

	return full_us > now_us + MINUTE_US ? 0 : full_us;
}

/* The caller's bucket, or the one that is nearest to full. Two who take the same place at once lose
 * a count or two. */
static struct bucket *bucket_of(struct table *t, uint64_t key, int64_t now_us)
{
	struct bucket *set = t->buckets[(key >> 1) % SETS], *fullest = set;

	for (size_t i = 0; i < WAYS; i++) {
		if (atomic_load(&set[i].key) == key)
			return &set[i];
		if (full_at(&set[i], now_us) < full_at(fullest, now_us))
			fullest = &set[i];
	}
	atomic_store(&fullest->key, key);
	atomic_store(&fullest->full_us, 0);
	return fullest;
}

int limits_take(struct limits *l, enum limit_kind kind, const char *who, int64_t now_ms)
{
	int64_t each_us, from_us, late_us, seen, now_us = now_ms * 1000;
	struct bucket *b;

	if (l->per_minute[kind] == 0)
		return 0;
	each_us = MINUTE_US / l->per_minute[kind];
	b = bucket_of(l->table, key_of(l, kind, who), now_us);
	seen = atomic_load(&b->full_us);
	do {
		from_us = seen < now_us || seen > now_us + MINUTE_US ? now_us : seen;
		late_us = from_us + each_us - now_us - MINUTE_US;
		if (late_us > 0)
			return (int)((late_us + 999999) / 1000000);
	} while (!atomic_compare_exchange_weak(&b->full_us, &seen, from_us + each_us));
	return 0;
}
