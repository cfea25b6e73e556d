#include "web/crypt.h"

#include <limits.h>
#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <openssl/sha.h>
#include <openssl/x509.h>
#include <string.h>
#include <time.h>

#define TAG_LEN 16
#define RSA_BITS_MIN 2048

static void bio_free(BIO **b)
{
	BIO_free(*b);
}

static void x509_free(X509 **x)
{
	X509_free(*x);
}

static void md_ctx_free(EVP_MD_CTX **c)
{
	EVP_MD_CTX_free(*c);
}

static void cipher_ctx_free(EVP_CIPHER_CTX **c)
{
	EVP_CIPHER_CTX_free(*c);
}

void crypt_key_free(EVP_PKEY **key)
{
	EVP_PKEY_free(*key);
	*key = NULL;
}

void buf_wipe(struct buf *b)
{
	if (b->text)
		OPENSSL_cleanse(b->text, b->cap);
	buf_free(b);
}

/* OpenSSL keeps the reason of a failure per thread; nobody reads it, so it must not pile up. */
static enum err fail(enum err e)
{
	ERR_clear_error();
	return e;
}

static enum err rsa_or_refused(EVP_PKEY *key, EVP_PKEY **out)
{
	if (!key)
		return fail(ERR_BAD_VALUE);
	if (!EVP_PKEY_is_a(key, "RSA") || EVP_PKEY_get_bits(key) < RSA_BITS_MIN) {
		EVP_PKEY_free(key);
		return ERR_BAD_VALUE;
	}
	*out = key;
	return ERR_OK;
}

int crypt_no_password(char *buf, int size, int rw, void *arg)
{
	(void)buf;
	(void)size;
	(void)rw;
	(void)arg;
	return 0;
}

static bool is_pem(const char *text, size_t n)
{
	return memmem(text, n, "-----BEGIN ", 11) != NULL;
}

enum err crypt_private_key(const char *text, size_t n, EVP_PKEY **out)
{
	AUTO(buf_wipe) struct buf der = { 0 };
	const unsigned char *p;

	if (n > INT_MAX)
		return ERR_BAD_VALUE;
	if (is_pem(text, n)) {
		AUTO(bio_free) BIO *bio = BIO_new_mem_buf(text, (int)n);

		return rsa_or_refused(
			PEM_read_bio_PrivateKey(bio, NULL, crypt_no_password, NULL), out);
	}
	if (base64_decode(text, n, &der) != ERR_OK)
		return ERR_BAD_VALUE;
	p = (const unsigned char *)der.text;
	return rsa_or_refused(d2i_AutoPrivateKey(NULL, &p, (long)der.len), out);
}

enum err crypt_public_key(const char *text, size_t n, EVP_PKEY **out)
{
	AUTO(buf_free) struct buf der = { 0 };
	const unsigned char *p;

	if (n > INT_MAX)
		return ERR_BAD_VALUE;
	if (is_pem(text, n)) {
		AUTO(bio_free) BIO *bio = BIO_new_mem_buf(text, (int)n);

		return rsa_or_refused(PEM_read_bio_PUBKEY(bio, NULL, crypt_no_password, NULL), out);
	}
	if (base64_decode(text, n, &der) != ERR_OK)
		return ERR_BAD_VALUE;
	p = (const unsigned char *)der.text;
	return rsa_or_refused(d2i_PUBKEY(NULL, &p, (long)der.len), out);
}

static bool serial_text(const X509 *x, char out[static CRYPT_SERIAL_MAX])
{
	BIGNUM *bn = ASN1_INTEGER_to_BN(X509_get0_serialNumber(x), NULL);
	char *hex = bn ? BN_bn2hex(bn) : NULL;
	bool ok = hex && str_copy(out, CRYPT_SERIAL_MAX, hex);

	OPENSSL_free(hex);
	BN_free(bn);
	return ok;
}

enum err crypt_certificate(
	const char *pem, size_t n, EVP_PKEY **key, char serial[static CRYPT_SERIAL_MAX])
{
	AUTO(bio_free) BIO *bio = n > INT_MAX ? NULL : BIO_new_mem_buf(pem, (int)n);
	AUTO(x509_free)
	X509 *x = bio ? PEM_read_bio_X509(bio, NULL, crypt_no_password, NULL) : NULL;

	if (!x || !serial_text(x, serial))
		return fail(ERR_BAD_VALUE);
	return rsa_or_refused(X509_get_pubkey(x), key);
}

static bool time_ms(const ASN1_TIME *t, int64_t *out)
{
	struct tm tm = { 0 };

	if (ASN1_TIME_to_tm(t, &tm) != 1)
		return false;
	*out = (int64_t)timegm(&tm) * 1000;
	return true;
}

enum err crypt_certificate_span(const char *pem, size_t n, int64_t *from_ms, int64_t *until_ms)
{
	AUTO(bio_free) BIO *bio = n > INT_MAX ? NULL : BIO_new_mem_buf(pem, (int)n);
	AUTO(x509_free)
	X509 *x = bio ? PEM_read_bio_X509(bio, NULL, crypt_no_password, NULL) : NULL;

	if (!x || !time_ms(X509_get0_notBefore(x), from_ms) ||
		!time_ms(X509_get0_notAfter(x), until_ms))
		return fail(ERR_BAD_VALUE);
	return ERR_OK;
}

enum err crypt_sign(EVP_PKEY *key, const char *text, size_t n, struct buf *signature)
{
	AUTO(md_ctx_free) EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	unsigned char sig[1024];
	size_t len = sizeof(sig);

	if (!ctx || EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, key) != 1 ||
		EVP_DigestSign(ctx, sig, &len, (const unsigned char *)text, n) != 1)
		return fail(ERR_INTERNAL);
	base64_encode(sig, len, signature);
	return ERR_OK;
}

enum err crypt_verify(EVP_PKEY *key, const char *text, size_t n, const char *signature)
{
	AUTO(buf_free) struct buf sig = { 0 };
	AUTO(md_ctx_free) EVP_MD_CTX *ctx = EVP_MD_CTX_new();

	if (base64_decode(signature, strlen(signature), &sig) != ERR_OK)
		return ERR_BAD_SIGNATURE;
	if (!ctx || EVP_DigestVerifyInit(ctx, NULL, EVP_sha256(), NULL, key) != 1 ||
		EVP_DigestVerify(ctx, (const unsigned char *)sig.text, sig.len,
			(const unsigned char *)text, n) != 1)
		return fail(ERR_BAD_SIGNATURE);
	return ERR_OK;
}

void base64_encode(const void *bytes, size_t n, struct buf *out)
{
	const unsigned char *p = bytes;

	/* whole groups of three, so that no padding stands in the middle */
	for (size_t i = 0; i < n;) {
		size_t part = n - i < 48 ? n - i : 48;
		unsigned char text[65];

		buf_add(out, (const char *)text, (size_t)EVP_EncodeBlock(text, p + i, (int)part));
		i += part;
	}
	buf_adds(out, "");
}

static bool base64_is_clean(const char *text, size_t n, size_t *padding)
{
	static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				       "0123456789+/";

	*padding = 0;
	while (*padding < 2 && *padding < n && text[n - 1 - *padding] == '=')
		++*padding;
	if (n % 4 != 0 || n > INT_MAX)
		return false;
	for (size_t i = 0; i < n - *padding; i++)
		if (!memchr(alphabet, text[i], sizeof(alphabet) - 1))
			return false;
	return true;
}

enum err base64_decode(const char *text, size_t n, struct buf *out)
{
	size_t padding;

	if (!base64_is_clean(text, n, &padding))
		return ERR_BAD_VALUE;
	for (size_t i = 0; i < n;) {
		size_t part = n - i < 64 ? n - i : 64;
		unsigned char bytes[48];
		int len = EVP_DecodeBlock(bytes, (const unsigned char *)text + i, (int)part);

		if (len < 0)
			return ERR_BAD_VALUE;
		i += part;
		buf_add(out, (const char *)bytes, (size_t)len - (i == n ? padding : 0));
	}
	buf_adds(out, "");
	return ERR_OK;
}

void sha256_hex(const void *bytes, size_t n, char out[static SHA256_HEX])
{
	unsigned char md[SHA256_DIGEST_LENGTH];

	ASSERT(EVP_Digest(bytes, n, md, NULL, EVP_sha256(), NULL) == 1);
	hex_encode(md, sizeof(md), out);
}

void sha1_hex(const void *bytes, size_t n, char out[static SHA1_HEX])
{
	unsigned char md[SHA_DIGEST_LENGTH];

	ASSERT(EVP_Digest(bytes, n, md, NULL, EVP_sha1(), NULL) == 1);
	hex_encode(md, sizeof(md), out);
}

void hmac_sha256(const void *key, size_t key_len, const void *bytes, size_t n,
	unsigned char out[static SHA256_LEN])
{
	ASSERT(HMAC(EVP_sha256(), key, (int)key_len, bytes, n, out, NULL));
}

void hmac_sha256_hex(const char *key, const void *bytes, size_t n, char out[static SHA256_HEX])
{
	unsigned char md[SHA256_DIGEST_LENGTH];

	ASSERT(HMAC(EVP_sha256(), key, (int)strlen(key), bytes, n, md, NULL));
	hex_encode(md, sizeof(md), out);
}

enum err gcm_open(const struct gcm *g, const char *sealed, struct buf *out)
{
	AUTO(buf_free) struct buf in = { 0 };
	AUTO(buf_wipe) struct buf plain = { 0 };
	AUTO(cipher_ctx_free) EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	unsigned char *p;
	int len = 0, last = 0, n;

	if (base64_decode(sealed, strlen(sealed), &in) != ERR_OK || in.len < TAG_LEN)
		return ERR_PROTOCOL;
	n = (int)(in.len - TAG_LEN);
	buf_add(&plain, in.text, in.len); /* room for the result */
	p = (unsigned char *)plain.text;
	if (!ctx ||
		EVP_DecryptInit_ex(ctx, EVP_aes_256_gcm(), NULL, (const unsigned char *)g->key,
			(const unsigned char *)g->nonce) != 1 ||
		EVP_DecryptUpdate(
			ctx, NULL, &len, (const unsigned char *)g->aad, (int)strlen(g->aad)) != 1 ||
		EVP_DecryptUpdate(ctx, p, &len, (const unsigned char *)in.text, n) != 1 ||
		EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_SET_TAG, TAG_LEN, in.text + n) != 1 ||
		EVP_DecryptFinal_ex(ctx, p + len, &last) != 1)
		return fail(ERR_PROTOCOL);
	plain.len = (size_t)(len + last);
	plain.text[plain.len] = '\0';
	*out = plain;
	plain = (struct buf){ 0 };
	return ERR_OK;
}

enum err gcm_seal(const struct gcm *g, const char *plain, size_t n, struct buf *out)
{
	AUTO(buf_free) struct buf sealed = { 0 };
	AUTO(cipher_ctx_free) EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	char tag[TAG_LEN];
	int len = 0, last = 0;

	buf_add(&sealed, plain, n);
	if (!ctx || n > INT_MAX ||
		EVP_EncryptInit_ex(ctx, EVP_aes_256_gcm(), NULL, (const unsigned char *)g->key,
			(const unsigned char *)g->nonce) != 1 ||
		EVP_EncryptUpdate(
			ctx, NULL, &len, (const unsigned char *)g->aad, (int)strlen(g->aad)) != 1 ||
		EVP_EncryptUpdate(ctx, (unsigned char *)sealed.text, &len,
			(const unsigned char *)plain, (int)n) != 1 ||
		EVP_EncryptFinal_ex(ctx, (unsigned char *)sealed.text + len, &last) != 1 ||
		EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_GET_TAG, TAG_LEN, tag) != 1)
		return fail(ERR_INTERNAL);
	buf_add(&sealed, tag, TAG_LEN);
	base64_encode(sealed.text, sealed.len, out);
	return ERR_OK;
}
