/* Alipay's certificate mode: serials, chains, and the keys that are believed so far. */
#include <ctype.h>
#include <limits.h>
#include <openssl/bn.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509_vfy.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "pay/alipay_inside.h"

#define KNOWN_MAX 8
#define FETCH_EVERY_MS 30000
#define ORGANIZATION_MAX 256
#define RSA_SIGNATURES "1.2.840.113549.1.1"

struct known {
	char sn[ALIPAY_SN_LEN + 1];
	EVP_PKEY *key;
};

struct alipay_certs {
	char app_sn[ALIPAY_SN_LEN + 1];
	char root_sn[ALIPAY_ROOT_SN_MAX];
	char organization[ORGANIZATION_MAX]; /* of Alipay, as the configured certificate has it */
	X509_STORE *roots;
	STACK_OF(X509) * between;      /* the configured certificates above Alipay's own */
	pthread_mutex_t lock;	       /* guards what follows */
	struct known known[KNOWN_MAX]; /* the newest first */
	size_t count;
	int64_t fetched_ms[ALIPAY_ASKER__MAX];
};

static void chain_free(STACK_OF(X509) * *chain)
{
	sk_X509_pop_free(*chain, X509_free);
	*chain = NULL;
}

static void bio_free(BIO **b)
{
	BIO_free(*b);
}

static void store_ctx_free(X509_STORE_CTX **c)
{
	X509_STORE_CTX_free(*c);
}

void alipay_certs_free(struct alipay_certs **c)
{
	if (!*c)
		return;
	for (size_t i = 0; i < (*c)->count; i++)
		crypt_key_free(&(*c)->known[i].key);
	X509_STORE_free((*c)->roots);
	chain_free(&(*c)->between);
	pthread_mutex_destroy(&(*c)->lock);
	free(*c);
	*c = NULL;
}

const char *alipay_app_cert_sn(const struct alipay_certs *c)
{
	return c->app_sn;
}

const char *alipay_root_cert_sn(const struct alipay_certs *c)
{
	return c->root_sn;
}

/* ---- reading ---- */

/* All certificates of a PEM text, in its order; NULL if there is none. */
static STACK_OF(X509) * read_chain(const char *pem, size_t n)
{
	AUTO(bio_free) BIO *bio = n > INT_MAX ? NULL : BIO_new_mem_buf(pem, (int)n);
	STACK_OF(X509) *chain = sk_X509_new_null();
	X509 *x;

	ASSERT(chain);
	while (bio && (x = PEM_read_bio_X509(bio, NULL, crypt_no_password, NULL)))
		ASSERT(sk_X509_push(chain, x) > 0);
	ERR_clear_error(); /* the end of the text is an error to OpenSSL */
	if (sk_X509_num(chain) == 0)
		chain_free(&chain);
	return chain;
}

static void md5_hex(const char *text, size_t n, char out[static ALIPAY_SN_LEN + 1])
{
	unsigned char md[EVP_MAX_MD_SIZE];
	unsigned len = 0;

	ASSERT(EVP_Digest(text, n, md, &len, EVP_md5(), NULL) == 1);
	ASSERT(len == ALIPAY_SN_LEN / 2);
	hex_encode(md, len, out);
}

/* md5 of the issuer, the most specific part first ("CN=…,OU=…,O=…,C=…"), and the number in decimal.
 */
static bool serial_of(X509 *x, char out[static ALIPAY_SN_LEN + 1])
{
	AUTO(bio_free) BIO *bio = BIO_new(BIO_s_mem());
	BIGNUM *number = ASN1_INTEGER_to_BN(X509_get0_serialNumber(x), NULL);
	char *decimal = number ? BN_bn2dec(number) : NULL;
	char *text = NULL;
	long n;
	bool ok = bio && decimal &&
		  X509_NAME_print_ex(bio, X509_get_issuer_name(x), 0,
			  XN_FLAG_RFC2253 & ~(unsigned long)ASN1_STRFLGS_ESC_MSB) >= 0 &&
		  BIO_puts(bio, decimal) > 0;

	if (ok) {
		n = BIO_get_mem_data(bio, &text);
		md5_hex(text, (size_t)n, out);
	}
	OPENSSL_free(decimal);
	BN_free(number);
	return ok;
}

/* The serials of the roots that sign with RSA, joined; the file also holds roots for SM2. */
static bool root_serials(STACK_OF(X509) * roots, char out[static ALIPAY_ROOT_SN_MAX])
{
	size_t len = 0;

	out[0] = '\0';
	for (int i = 0; i < sk_X509_num(roots); i++) {
		X509 *x = sk_X509_value(roots, i);
		const ASN1_OBJECT *how = NULL;
		char oid[64], sn[ALIPAY_SN_LEN + 1];

		X509_ALGOR_get0(&how, NULL, NULL, X509_get0_tbs_sigalg(x));
		if (OBJ_obj2txt(oid, sizeof(oid), how, 1) <= 0 || !str_starts(oid, RSA_SIGNATURES))
			continue;
		if (!serial_of(x, sn) || len + ALIPAY_SN_LEN + 2 > ALIPAY_ROOT_SN_MAX)
			return false;
		len += (size_t)snprintf(
			out + len, ALIPAY_ROOT_SN_MAX - len, "%s%s", len ? "_" : "", sn);
	}
	return len > 0;
}

/* Empty if the certificate names none. */
static bool organization_of(const X509 *x, char out[static ORGANIZATION_MAX])
{
	const X509_NAME *name = X509_get_subject_name(x);
	int at = X509_NAME_get_index_by_NID(name, NID_organizationName, -1);
	unsigned char *text = NULL;
	bool ok;

	out[0] = '\0';
	if (at < 0)
		return true;
	ok = ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at))) >=
		     0 &&
	     str_copy(out, ORGANIZATION_MAX, (const char *)text);
	OPENSSL_free(text);
	return ok;
}

bool alipay_is_sn(const char *text)
{
	return strlen(text) == ALIPAY_SN_LEN &&
	       strspn(text, "0123456789abcdefABCDEF") == ALIPAY_SN_LEN;
}

/* ---- believing ---- */

/* An anchor of version 1 cannot say that it may issue; that it stands in the root file says so. */
static int allow_old_anchor(int ok, X509_STORE_CTX *ctx)
{
	const X509 *x = X509_STORE_CTX_get_current_cert(ctx);
	int last = sk_X509_num(X509_STORE_CTX_get0_chain(ctx)) - 1;

	if (ok || X509_STORE_CTX_get_error(ctx) != X509_V_ERR_INVALID_CA)
		return ok;
	return X509_get_version(x) == 0 && X509_STORE_CTX_get_error_depth(ctx) == last;
}

/* An unchecked time (0) is for what the settings name: an old certificate is renewed by a call. */
static bool chain_holds(
	const struct alipay_certs *c, X509 *leaf, STACK_OF(X509) * between, struct utc now)
{
	AUTO(store_ctx_free) X509_STORE_CTX *ctx = X509_STORE_CTX_new();
	X509_VERIFY_PARAM *param;
	bool ok;

	ASSERT(ctx && X509_STORE_CTX_init(ctx, c->roots, leaf, between) == 1);
	param = X509_STORE_CTX_get0_param(ctx);
	if (now.ms)
		X509_VERIFY_PARAM_set_time(param, (time_t)(now.ms / 1000));
	else
		X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_NO_CHECK_TIME);
	/* what stands in the root file is an anchor, whether or not it signed itself */
	X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_PARTIAL_CHAIN);
	X509_STORE_CTX_set_verify_cb(ctx, allow_old_anchor);
	ok = X509_verify_cert(ctx) == 1;
	ERR_clear_error();
	return ok;
}

/* Takes the key. */
static void remember(struct alipay_certs *c, const char *sn, EVP_PKEY *key)
{
	struct known entry = { .key = key };

	(void)!str_copy(entry.sn, sizeof(entry.sn), sn);
	pthread_mutex_lock(&c->lock);
	if (c->count == KNOWN_MAX)
		crypt_key_free(&c->known[--c->count].key);
	memmove(&c->known[1], &c->known[0], c->count * sizeof(c->known[0]));
	c->known[0] = entry;
	c->count++;
	pthread_mutex_unlock(&c->lock);
}

static enum err not_trusted(struct problem *why, const char *reason)
{
	return problem_set(why, ERR_BAD_SIGNATURE, "alipay_cert_content", "%s", reason);
}

/* Another merchant's certificate comes from the same root; so the organization counts. */
static enum err check_leaf(struct alipay_certs *c, STACK_OF(X509) * chain, const char *sn,
	struct utc now, struct problem *why)
{
	X509 *leaf = sk_X509_value(chain, 0);
	char theirs[ALIPAY_SN_LEN + 1], organization[ORGANIZATION_MAX];

	if (!serial_of(leaf, theirs) || strcasecmp(theirs, sn) != 0)
		return not_trusted(why, "the certificate has another serial");
	if (!organization_of(leaf, organization) || !str_eq(organization, c->organization))
		return not_trusted(why, "the certificate is not Alipay's");
	return chain_holds(c, leaf, chain, now)
		       ? ERR_OK
		       : not_trusted(why, "the certificate's chain does not end in the root file");
}

enum err alipay_certs_trust(struct alipay_certs *c, const char *sn, const char *pem, size_t n,
	struct utc now, struct problem *why)
{
	AUTO(chain_free) STACK_OF(X509) *chain = read_chain(pem, n);
	AUTO(crypt_key_free) EVP_PKEY *key = NULL;
	char hex[CRYPT_SERIAL_MAX];
	enum err e;

	if (!chain || crypt_certificate(pem, n, &key, hex) != ERR_OK)
		return not_trusted(why, "no certificate with an RSA key");
	for (int i = 0; i < sk_X509_num(c->between); i++) {
		X509 *x = sk_X509_value(c->between, i);

		ASSERT(X509_up_ref(x) == 1 && sk_X509_push(chain, x) > 0);
	}
	e = check_leaf(c, chain, sn, now, why);
	if (e != ERR_OK)
		return e;
	remember(c, sn, key);
	key = NULL;
	log_info("event=alipay_certificate_renewed alipay_cert_sn=%s", sn);
	return ERR_OK;
}

bool alipay_certs_may_fetch(struct alipay_certs *c, enum alipay_asker who, int64_t mono_ms)
{
	bool may;

	pthread_mutex_lock(&c->lock);
	may = c->fetched_ms[who] == 0 || mono_ms - c->fetched_ms[who] >= FETCH_EVERY_MS;
	if (may)
		c->fetched_ms[who] = mono_ms;
	pthread_mutex_unlock(&c->lock);
	return may;
}

/* ---- opening ---- */

static enum err wrong(struct problem *why, const char *key, const char *what)
{
	return problem_set(why, ERR_NOT_CONFIGURED, key, "[alipay] %s_file %s", key, what);
}

/* ERR_OK and a file that is the other one of the two are told apart by the key in it. */
static enum err read_app(
	struct alipay_certs *c, const struct buf *pem, EVP_PKEY *private_key, struct problem *why)
{
	AUTO(chain_free) STACK_OF(X509) *chain = read_chain(pem->text, pem->len);
	AUTO(crypt_key_free) EVP_PKEY *key = NULL;
	char hex[CRYPT_SERIAL_MAX];

	if (!chain || crypt_certificate(pem->text, pem->len, &key, hex) != ERR_OK ||
		!serial_of(sk_X509_value(chain, 0), c->app_sn))
		return wrong(why, "app_cert", "is no certificate with an RSA key");
	return EVP_PKEY_eq(key, private_key) == 1
		       ? ERR_OK
		       : wrong(why, "app_cert", "is not the certificate of our private key");
}

static enum err read_root(struct alipay_certs *c, const struct buf *pem, struct problem *why)
{
	AUTO(chain_free) STACK_OF(X509) *chain = read_chain(pem->text, pem->len);

	c->roots = X509_STORE_new();
	ASSERT(c->roots);
	if (!chain || !root_serials(chain, c->root_sn))
		return wrong(why, "alipay_root_cert", "holds no RSA root certificates");
	for (int i = 0; i < sk_X509_num(chain); i++)
		ASSERT(X509_STORE_add_cert(c->roots, sk_X509_value(chain, i)) == 1);
	return ERR_OK;
}

/* Trusted because the settings name it; that its chain does not hold is worth a word all the same.
 */
static enum err read_alipay(
	struct alipay_certs *c, const struct buf *pem, EVP_PKEY *private_key, struct problem *why)
{
	AUTO(crypt_key_free) EVP_PKEY *key = NULL;
	char hex[CRYPT_SERIAL_MAX], sn[ALIPAY_SN_LEN + 1];
	X509 *leaf;

	c->between = read_chain(pem->text, pem->len);
	if (!c->between || crypt_certificate(pem->text, pem->len, &key, hex) != ERR_OK)
		return wrong(why, "alipay_cert", "is no certificate with an RSA key");
	leaf = sk_X509_value(c->between, 0);
	if (!serial_of(leaf, sn) || !organization_of(leaf, c->organization))
		return wrong(why, "alipay_cert", "has names that cannot be read");
	if (EVP_PKEY_eq(key, private_key) == 1)
		return wrong(why, "alipay_cert", "holds our own certificate; it must be Alipay's");
	if (!chain_holds(c, leaf, c->between, (struct utc){ 0 }))
		log_warn("event=alipay_chain_open key=alipay_cert_file why=\"the certificate does "
			 "not lead to alipay_root_cert_file\"");
	remember(c, sn, key);
	key = NULL;
	return ERR_OK;
}

enum err alipay_certs_open(const struct alipay_cert_files *files, EVP_PKEY *private_key,
	struct alipay_certs **out, struct problem *why)
{
	AUTO(alipay_certs_free) struct alipay_certs *c = calloc(1, sizeof(*c));
	enum err e;

	ASSERT(c);
	pthread_mutex_init(&c->lock, NULL);
	e = read_root(c, &files->root, why);
	if (e == ERR_OK)
		e = read_app(c, &files->app, private_key, why);
	if (e == ERR_OK)
		e = read_alipay(c, &files->alipay, private_key, why);
	if (e != ERR_OK)
		return e;
	*out = c;
	c = NULL;
	return ERR_OK;
}

/* ---- verifying ---- */

/* A reference to the key of a serial, or (sn NULL) to the one at place i; NULL if there is none. */
static EVP_PKEY *key_of(struct alipay_certs *c, const char *sn, size_t i)
{
	EVP_PKEY *key = NULL;

	pthread_mutex_lock(&c->lock);
	if (!sn && i < c->count)
		key = c->known[i].key;
	for (size_t k = 0; sn && k < c->count; k++)
		if (strcasecmp(c->known[k].sn, sn) == 0)
			key = c->known[k].key;
	if (key)
		ASSERT(EVP_PKEY_up_ref(key) == 1);
	pthread_mutex_unlock(&c->lock);
	return key;
}

static enum err verify_by_cert(
	struct alipay_certs *c, const char *sn, const struct buf *text, const char *sign)
{
	enum err e = sn ? ERR_NOT_FOUND : ERR_BAD_SIGNATURE;

	for (size_t i = 0; e != ERR_OK; i++) {
		AUTO(crypt_key_free) EVP_PKEY *key = key_of(c, sn, i);

		if (!key)
			return e;
		e = crypt_verify(key, text->text, text->len, sign);
		if (sn)
			return e;
	}
	return e;
}

enum err alipay_verify(
	const struct alipay *a, const char *sn, const struct buf *text, const char *sign)
{
	if (!a->certs)
		return crypt_verify(a->alipay_public_key, text->text, text->len, sign);
	if (sn && !alipay_is_sn(sn))
		return ERR_BAD_SIGNATURE;
	return verify_by_cert(a->certs, sn, text, sign);
}
