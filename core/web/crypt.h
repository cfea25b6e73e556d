#pragma once
/* Signatures and seals of the outside services, on OpenSSL's EVP. */
#include <openssl/evp.h>

#include "base/str.h"

void crypt_key_free(EVP_PKEY **key); /* for AUTO() */
/* For OpenSSL's readers of PEM: an empty password, so that none asks a person. */
int crypt_no_password(char *buf, int size, int rw, void *arg);

/* PEM of an RSA key of at least 2048 bits, or the bare base64 that Alipay's console hands out. The
 * caller frees. ERR_BAD_VALUE for anything else. */
MUST_USE enum err crypt_private_key(const char *text, size_t n, EVP_PKEY **out);
MUST_USE enum err crypt_public_key(const char *text, size_t n, EVP_PKEY **out);

#define CRYPT_SERIAL_MAX 64
/* PEM of an X.509 certificate: its key, and its serial number in upper-case hex. */
MUST_USE enum err crypt_certificate(
	const char *pem, size_t n, EVP_PKEY **key, char serial[static CRYPT_SERIAL_MAX]);

/* From when until when a certificate (PEM) is valid, as UTC milliseconds. */
MUST_USE enum err crypt_certificate_span(
	const char *pem, size_t n, int64_t *from_ms, int64_t *until_ms);

/* RSASSA-PKCS1-v1_5 with SHA-256; signatures are base64 text. */
MUST_USE enum err crypt_sign(EVP_PKEY *key, const char *text, size_t n, struct buf *signature);
MUST_USE enum err crypt_verify(EVP_PKEY *key, const char *text, size_t n, const char *signature);

/* Base64 with padding. Decoding takes nothing but the alphabet: no blanks, no lines. */
void base64_encode(const void *bytes, size_t n, struct buf *out);
MUST_USE enum err base64_decode(const char *text, size_t n, struct buf *out);

#define SHA256_HEX 65
void sha256_hex(const void *bytes, size_t n, char out[static SHA256_HEX]);
#define SHA1_HEX 41
void sha1_hex(const void *bytes, size_t n, char out[static SHA1_HEX]); /* no signature */
#define SHA256_LEN 32
void hmac_sha256(const void *key, size_t key_len, const void *bytes, size_t n,
	unsigned char out[static SHA256_LEN]);
void hmac_sha256_hex(const char *key, const void *bytes, size_t n, char out[static SHA256_HEX]);

/* AES-256-GCM with a 12-byte nonce; sealed = base64(ciphertext, 16-byte tag). Opening is
 * ERR_PROTOCOL unless the tag is right. */
#define GCM_KEY_LEN 32
#define GCM_NONCE_LEN 12
struct gcm {
	const char *key;   /* GCM_KEY_LEN bytes */
	const char *nonce; /* GCM_NONCE_LEN bytes */
	const char *aad;   /* may be empty */
};
MUST_USE enum err gcm_open(const struct gcm *g, const char *sealed, struct buf *out);
MUST_USE enum err gcm_seal(const struct gcm *g, const char *plain, size_t n, struct buf *out);

/* n secret bytes are gone afterwards, then the buffer is freed. */
void buf_wipe(struct buf *b);
