#include "fcgi/ticket.h"

#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/rand.h"
#include "web/crypt.h"

#define TICKET_LIFE_MS (600 * INT64_C(1000))
#define TIME_DIGITS 10
#define MAC_DIGITS 32
#define NONCE_TEXT 16 /* base64 of GCM_NONCE_LEN */
#define TICKET_AAD "wechat ticket"

/* A key for one purpose, as hex. */
static void derive(const struct buf *key, const char *purpose, char hex[static SHA256_HEX])
{
	AUTO(buf_wipe) struct buf text = { 0 };

	buf_printf(&text, "yufu %s/", purpose);
	buf_add(&text, key->text, key->len);
	sha256_hex(text.text, text.len, hex);
}

static void state_mac(
	const struct buf *key, const char *nonce, const char *time, char mac[static SHA256_HEX])
{
	char hex[SHA256_HEX], text[80];
	int n = snprintf(text, sizeof(text), "%s/%s", time, nonce);

	derive(key, "state of wechat", hex);
	hmac_sha256_hex(hex, text, (size_t)n, mac);
	OPENSSL_cleanse(hex, sizeof(hex));
}

void state_make(const struct buf *key, struct utc now, char nonce[static STATE_NONCE_MAX],
	char state[static STATE_MAX])
{
	char time[24], mac[SHA256_HEX];

	rand_hex(nonce, 16);
	snprintf(time, sizeof(time), "%0*lld", TIME_DIGITS,
		(long long)(now.ms / 1000 + STATE_LIFE_S));
	state_mac(key, nonce, time, mac);
	snprintf(state, STATE_MAX, "%s%.*s", time, MAC_DIGITS, mac);
}

bool state_is_good(const struct buf *key, const char *nonce, const char *state, struct utc now)
{
	char time[TIME_DIGITS + 1], mac[SHA256_HEX];
	int64_t end;

	if (strlen(nonce) != STATE_NONCE_MAX - 1 || strlen(state) != TIME_DIGITS + MAC_DIGITS)
		return false;
	snprintf(time, sizeof(time), "%.*s", TIME_DIGITS, state);
	state_mac(key, nonce, time, mac);
	return CRYPTO_memcmp(mac, state + TIME_DIGITS, MAC_DIGITS) == 0 &&
	       i64_parse(time, 0, INT64_MAX / 1000, &end) == ERR_OK && end * 1000 > now.ms;
}

static void ticket_key(const struct buf *key, char out[static GCM_KEY_LEN])
{
	char hex[SHA256_HEX];
	size_t n;

	derive(key, "ticket of wechat", hex);
	ASSERT(hex_decode(hex, (uint8_t *)out, GCM_KEY_LEN, &n) == ERR_OK);
	OPENSSL_cleanse(hex, sizeof(hex));
}

void ticket_make(const struct buf *key, const char *app_id, const char *openid, struct utc now,
	struct buf *out)
{
	char k[GCM_KEY_LEN], nonce[GCM_NONCE_LEN];
	AUTO(buf_wipe) struct buf text = { 0 };

	ticket_key(key, k);
	rand_bytes(nonce, sizeof(nonce));
	buf_printf(&text, "%lld %s %s", (long long)(now.ms + TICKET_LIFE_MS), app_id, openid);
	base64_encode(nonce, sizeof(nonce), out);
	ASSERT(gcm_seal(&(struct gcm){ k, nonce, TICKET_AAD }, text.text, text.len, out) == ERR_OK);
	OPENSSL_cleanse(k, sizeof(k));
}

static enum err unseal(const struct buf *key, const char *ticket, struct buf *out)
{
	AUTO(buf_free) struct buf nonce = { 0 };
	char k[GCM_KEY_LEN];
	enum err e;

	if (strlen(ticket) <= NONCE_TEXT || base64_decode(ticket, NONCE_TEXT, &nonce) != ERR_OK ||
		nonce.len != GCM_NONCE_LEN)
		return ERR_BAD_VALUE;
	ticket_key(key, k);
	e = gcm_open(&(struct gcm){ k, nonce.text, TICKET_AAD }, ticket + NONCE_TEXT, out);
	OPENSSL_cleanse(k, sizeof(k));
	return e == ERR_OK ? ERR_OK : ERR_BAD_VALUE;
}

enum err ticket_open(const struct buf *key, const char *ticket, struct utc now,
	char app_id[static 33], char openid[static 65])
{
	AUTO(buf_wipe) struct buf text = { 0 };
	char end_text[24];
	const char *at;
	int64_t end;
	enum err e = unseal(key, ticket, &text);

	if (e != ERR_OK)
		return e;
	at = text.text;
	if (!str_word(&at, end_text, sizeof(end_text)) || !str_word(&at, app_id, 33) ||
		!str_word(&at, openid, 65) || i64_parse(end_text, 0, INT64_MAX, &end) != ERR_OK)
		return ERR_BAD_VALUE;
	return end > now.ms ? ERR_OK : ERR_BAD_VALUE;
}
