/* The keys that WeChat signs with, by serial number. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "pay/wechat_inside.h"

struct wechat_keys *wechat_keys_new(void)
{
	struct wechat_keys *k = calloc(1, sizeof(*k));

	ASSERT(k && pthread_rwlock_init(&k->lock, NULL) == 0 &&
		pthread_mutex_init(&k->fetch, NULL) == 0);
	return k;
}

void wechat_keys_free(struct wechat_keys **keys)
{
	struct wechat_keys *k = *keys;

	if (!k)
		return;
	for (size_t i = 0; i < k->n; i++)
		crypt_key_free(&k->keys[i].key);
	pthread_rwlock_destroy(&k->lock);
	pthread_mutex_destroy(&k->fetch);
	free(k);
	*keys = NULL;
}

/* The serial is a number: its leading zeros and its case say nothing. */
bool wechat_serial_eq(const char *a, const char *b)
{
	return strcasecmp(a + strspn(a, "0"), b + strspn(b, "0")) == 0;
}

static bool is_over(const struct wechat_key *k, struct utc now)
{
	return k->is_certificate && k->until.ms <= now.ms;
}

/* Where a key of this serial goes: its own place, a new one, or that of the first to end. */
static struct wechat_key *place(struct wechat_keys *keys, const char *serial)
{
	struct wechat_key *first = NULL;

	for (size_t i = 0; i < keys->n; i++) {
		struct wechat_key *k = &keys->keys[i];

		if (wechat_serial_eq(k->serial, serial))
			return k;
		if (k->is_certificate && (!first || k->until.ms < first->until.ms))
			first = k;
	}
	if (keys->n < WECHAT_KEYS_MAX)
		return &keys->keys[keys->n++];
	return first;
}

void wechat_keys_put(struct wechat_keys *keys, struct wechat_key *key)
{
	struct wechat_key *k;

	pthread_rwlock_wrlock(&keys->lock);
	k = place(keys, key->serial);
	ASSERT(k); /* at most one is no certificate */
	crypt_key_free(&k->key);
	*k = *key;
	pthread_rwlock_unlock(&keys->lock);
	*key = (struct wechat_key){ .key = NULL };
}

enum err wechat_key_read(const char *pem, size_t n, struct wechat_key *out)
{
	struct wechat_key key = { .is_certificate = true };
	enum err e = crypt_certificate_span(pem, n, &key.from.ms, &key.until.ms);

	if (e == ERR_OK)
		e = crypt_certificate(pem, n, &key.key, key.serial);
	if (e == ERR_OK)
		*out = key;
	return e;
}

EVP_PKEY *wechat_keys_find(struct wechat_keys *keys, const char *serial, struct utc now)
{
	EVP_PKEY *found = NULL;

	pthread_rwlock_rdlock(&keys->lock);
	for (size_t i = 0; i < keys->n && !found; i++)
		if (wechat_serial_eq(keys->keys[i].serial, serial) && !is_over(&keys->keys[i], now))
			found = keys->keys[i].key;
	if (found)
		EVP_PKEY_up_ref(found);
	pthread_rwlock_unlock(&keys->lock);
	return found;
}

/* Of two keys in force: the public key, or the one that began later. */
static bool is_better(const struct wechat_key *k, const struct wechat_key *best)
{
	if (!best || !k->is_certificate)
		return true;
	return best->is_certificate && k->from.ms > best->from.ms;
}

bool wechat_keys_choose(struct wechat_keys *keys, struct utc now, char serial[CRYPT_SERIAL_MAX])
{
	const struct wechat_key *best = NULL;

	pthread_rwlock_rdlock(&keys->lock);
	for (size_t i = 0; i < keys->n; i++) {
		const struct wechat_key *k = &keys->keys[i];

		if (!is_over(k, now) && k->from.ms <= now.ms && is_better(k, best))
			best = k;
	}
	if (best)
		(void)!str_copy(serial, CRYPT_SERIAL_MAX, best->serial);
	pthread_rwlock_unlock(&keys->lock);
	return best != NULL;
}
