#include "sim/svc_cert.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/rand.h"
#include "base/str.h"

#define VALID_S (10 * 365 * 86400L)

void svc_cert_free(X509 **x)
{
	X509_free(*x);
	*x = NULL;
}

static void key_free(EVP_PKEY **key)
{
	EVP_PKEY_free(*key);
}

static void file_close(FILE **f)
{
	if (*f)
		fclose(*f);
}

/* ---- making ---- */

static void add_name(X509_NAME *name, const char *what, const char *text)
{
	ASSERT(X509_NAME_add_entry_by_txt(
		       name, what, MBSTRING_UTF8, (const unsigned char *)text, -1, -1, 0) == 1);
}

static void set_number(X509 *x)
{
	char hex[33];
	BIGNUM *number = NULL;

	rand_hex(hex, 16);
	hex[0] = '2'; /* as Alipay's begin */
	ASSERT(BN_hex2bn(&number, hex) > 0);
	ASSERT(BN_to_ASN1_INTEGER(number, X509_get_serialNumber(x)));
	BN_free(number);
}

static void set_ca(X509 *x)
{
	X509_EXTENSION *e =
		X509V3_EXT_conf_nid(NULL, NULL, NID_basic_constraints, "critical,CA:TRUE");

	ASSERT(e && X509_add_ext(x, e, -1) == 1);
	X509_EXTENSION_free(e);
}

static X509 *begin(EVP_PKEY *key)
{
	X509 *x = X509_new();

	ASSERT(x && X509_set_version(x, 2) == 1 && X509_set_pubkey(x, key) == 1);
	ASSERT(X509_gmtime_adj(X509_getm_notBefore(x), -86400));
	ASSERT(X509_gmtime_adj(X509_getm_notAfter(x), VALID_S));
	return x;
}

X509 *svc_cert_make(const struct svc_cert_new *n)
{
	X509 *x = begin(n->key);
	X509_NAME *name = X509_get_subject_name(x);

	set_number(x);
	add_name(name, "C", "CN");
	add_name(name, "O", n->organization);
	add_name(name, "OU", n->unit);
	add_name(name, "CN", n->name);
	if (n->ca)
		set_ca(x);
	ASSERT(X509_set_issuer_name(x, n->issuer ? X509_get_subject_name(n->issuer) : name) == 1);
	ASSERT(X509_sign(x, n->issuer_key, EVP_sha256()) > 0);
	return x;
}

X509 *svc_cert_forge(const X509 *like)
{
	AUTO(key_free) EVP_PKEY *key = EVP_RSA_gen(2048);
	X509 *x;

	ASSERT(key);
	x = begin(key);
	ASSERT(X509_set_serialNumber(x, (ASN1_INTEGER *)X509_get0_serialNumber(like)) == 1);
	ASSERT(X509_set_issuer_name(x, X509_get_issuer_name(like)) == 1);
	ASSERT(X509_set_subject_name(x, X509_get_subject_name(like)) == 1);
	ASSERT(X509_sign(x, key, EVP_sha256()) > 0);
	return x;
}

/* ---- serials ---- */

void svc_cert_sn(const X509 *x, char out[static SVC_SN_MAX])
{
	AUTO(buf_free) struct buf text = { 0 };
	const X509_NAME *issuer = X509_get_issuer_name(x);
	BIGNUM *number = ASN1_INTEGER_to_BN(X509_get0_serialNumber(x), NULL);
	char *decimal = BN_bn2dec(number);
	unsigned char md[EVP_MAX_MD_SIZE];

	for (int i = X509_NAME_entry_count(issuer) - 1; i >= 0; i--) {
		const X509_NAME_ENTRY *part = X509_NAME_get_entry(issuer, i);
		const ASN1_STRING *value = X509_NAME_ENTRY_get_data(part);

		buf_printf(&text, "%s=%.*s%s",
			OBJ_nid2sn(OBJ_obj2nid(X509_NAME_ENTRY_get_object(part))),
			ASN1_STRING_length(value), (const char *)ASN1_STRING_get0_data(value),
			i ? "," : "");
	}
	ASSERT(decimal);
	buf_adds(&text, decimal);
	ASSERT(EVP_Digest(text.text, text.len, md, NULL, EVP_md5(), NULL) == 1);
	hex_encode(md, 16, out);
	OPENSSL_free(decimal);
	BN_free(number);
}

/* ---- files ---- */

static enum err broken(const char *name, struct problem *why)
{
	return problem_set(why, ERR_INTERNAL, name, "cannot be written: %s", strerror(errno));
}

static enum err write_certs(
	const char *dir, const char *name, X509 *first, X509 *second, struct problem *why)
{
	AUTO(file_close) FILE *f = NULL;
	char path[512];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	f = fd < 0 ? NULL : fdopen(fd, "w");
	if (!f || PEM_write_X509(f, first) != 1 || PEM_write_X509(f, second) != 1)
		return broken(name, why);
	return ERR_OK;
}

static EVP_PKEY *read_key(const char *dir, const char *name)
{
	AUTO(file_close) FILE *f = NULL;
	char path[512];

	snprintf(path, sizeof(path), "%s/%s_private.pem", dir, name);
	f = fopen(path, "re");
	return f ? PEM_read_PrivateKey(f, NULL, NULL, NULL) : NULL;
}

struct authority {
	EVP_PKEY *root_key, *other_key, *key;
	X509 *root, *other, *issuing;
};

static void authority_free(struct authority *a)
{
	EVP_PKEY_free(a->root_key);
	EVP_PKEY_free(a->other_key);
	EVP_PKEY_free(a->key);
	X509_free(a->root);
	X509_free(a->other);
	X509_free(a->issuing);
}

static X509 *make_root(EVP_PKEY *key, const char *name)
{
	return svc_cert_make(&(struct svc_cert_new){
		"Yufu sandbox", "Certification Authority", name, key, NULL, key, true });
}

static void make_authority(struct authority *a)
{
	a->root_key = EVP_RSA_gen(2048);
	a->other_key = EVP_EC_gen("P-256");
	a->key = EVP_RSA_gen(2048);
	ASSERT(a->root_key && a->other_key && a->key);
	a->root = make_root(a->root_key, "Sandbox Root R1");
	a->other = make_root(a->other_key, "Sandbox Root E1");
	a->issuing =
		svc_cert_make(&(struct svc_cert_new){ "Yufu sandbox", "Certification Authority",
			"Sandbox Class 2 R1", a->key, a->root, a->root_key, true });
}

/* A certificate and the one above it, for a key of the folder. */
static enum err issue(const char *dir, const struct authority *a, const char *key_name,
	const char *organization, const char *file, struct problem *why)
{
	AUTO(key_free) EVP_PKEY *key = read_key(dir, key_name);
	AUTO(svc_cert_free) X509 *x = NULL;

	if (!key)
		return problem_set(why, ERR_INTERNAL, key_name, "the private key is not readable");
	x = svc_cert_make(&(struct svc_cert_new){
		organization, "Alipay", key_name, key, a->issuing, a->key, false });
	return write_certs(dir, file, x, a->issuing, why);
}

enum err svc_make_alipay_certs(const char *dir, struct problem *why)
{
	AUTO(authority_free) struct authority a = { NULL, NULL, NULL, NULL, NULL, NULL };
	char root[512];
	enum err e;

	snprintf(root, sizeof(root), "%s/alipay_root_cert.pem", dir);
	if (access(root, F_OK) == 0)
		return ERR_OK;
	make_authority(&a);
	e = issue(dir, &a, "alipay_app", "Yufu demo", "alipay_app_cert.pem", why);
	if (e == ERR_OK)
		e = issue(dir, &a, "alipay", "Alipay sandbox", "alipay_cert.pem", why);
	if (e == ERR_OK)
		e = issue(dir, &a, "alipay_next", "Alipay sandbox", "alipay_next_cert.pem", why);
	return e == ERR_OK ? write_certs(dir, "alipay_root_cert.pem", a.root, a.other, why) : e;
}
