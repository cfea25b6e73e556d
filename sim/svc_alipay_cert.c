/* Certificate mode of the stand-in: what it read, and the download of a renewed certificate. */
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/svc_alipay_inside.h"

static void bio_free(BIO **b)
{
	BIO_free(*b);
}

void svc_alipay_free(struct svc_alipay **a)
{
	if (!*a)
		return;
	for (size_t i = 0; i < SVC_ALIPAY_CERTS; i++) {
		buf_free(&(*a)->certs[i].pem);
		crypt_key_free(&(*a)->certs[i].key);
	}
	free(*a);
	*a = NULL;
}

/* ---- settings ---- */

static enum err missing(const char *section, const char *key, struct problem *why)
{
	return problem_set(
		why, ERR_NOT_CONFIGURED, key, "[%s] %s_file is not readable", section, key);
}

/* A PEM text and the serial of its first certificate. */
static enum err read_cert(struct conf *conf, const char *section, const char *key, struct buf *pem,
	char sn[static SVC_SN_MAX], struct problem *why)
{
	AUTO(bio_free) BIO *bio = NULL;
	AUTO(svc_cert_free) X509 *x = NULL;

	if (conf_secret(conf, section, key, pem) != ERR_OK)
		return missing(section, key, why);
	buf_adds(pem, "\n");
	bio = BIO_new_mem_buf(pem->text, (int)pem->len);
	x = PEM_read_bio_X509(bio, NULL, NULL, NULL);
	if (!x)
		return missing(section, key, why);
	svc_cert_sn(x, sn);
	return ERR_OK;
}

/* The serials of those that are signed with RSA, joined. */
static enum err read_roots(struct conf *conf, struct svc_alipay *a, struct problem *why)
{
	AUTO(buf_free) struct buf pem = { 0 };
	AUTO(buf_free) struct buf joined = { 0 };
	AUTO(bio_free) BIO *bio = NULL;
	X509 *x;

	if (conf_secret(conf, "alipay", "alipay_root_cert", &pem) != ERR_OK)
		return missing("alipay", "alipay_root_cert", why);
	bio = BIO_new_mem_buf(pem.text, (int)pem.len);
	while ((x = PEM_read_bio_X509(bio, NULL, NULL, NULL))) {
		char sn[SVC_SN_MAX];

		svc_cert_sn(x, sn);
		if (X509_get_signature_nid(x) == NID_sha256WithRSAEncryption)
			buf_printf(&joined, "%s%s", joined.len ? "_" : "", sn);
		X509_free(x);
	}
	return joined.len && str_copy(a->root_sn, sizeof(a->root_sn), joined.text)
		       ? ERR_OK
		       : missing("alipay", "alipay_root_cert", why);
}

static enum err read_next(struct conf *conf, struct svc_alipay_cert *c, struct problem *why)
{
	AUTO(buf_wipe) struct buf key = { 0 };
	enum err e = read_cert(conf, "sim", "alipay_next_cert", &c->pem, c->sn, why);

	if (e != ERR_OK)
		return e;
	if (conf_secret(conf, "sim", "alipay_next_private_key", &key) != ERR_OK ||
		crypt_private_key(key.text, key.len, &c->key) != ERR_OK)
		return missing("sim", "alipay_next_private_key", why);
	return ERR_OK;
}

static enum err read_all(struct conf *conf, struct svc_alipay *a, struct problem *why)
{
	AUTO(buf_free) struct buf app = { 0 };
	enum err e = read_cert(conf, "alipay", "app_cert", &app, a->app_sn, why);

	if (e == ERR_OK)
		e = read_roots(conf, a, why);
	if (e == ERR_OK)
		e = read_cert(conf, "alipay", "alipay_cert", &a->certs[0].pem, a->certs[0].sn, why);
	if (e == ERR_OK && conf_text(conf, "sim", "alipay_next_cert_file", NULL))
		e = read_next(conf, &a->certs[1], why);
	a->by_cert = true;
	return e;
}

enum err svc_alipay_load(struct conf *conf, struct svc *s, struct problem *why)
{
	struct svc_alipay *a = calloc(1, sizeof(*a));

	ASSERT(a && EVP_PKEY_up_ref(s->alipay_private) == 1);
	a->certs[0].key = s->alipay_private;
	s->alipay = a;
	return conf_text(conf, "alipay", "app_cert_file", NULL) ? read_all(conf, a, why) : ERR_OK;
}

/* ---- download ---- */

/* A certificate that shows the same names and number and would verify what its maker signs. */
static void forge(const struct buf *pem, struct buf *out)
{
	AUTO(bio_free) BIO *in = BIO_new_mem_buf(pem->text, (int)pem->len);
	AUTO(bio_free) BIO *to = BIO_new(BIO_s_mem());
	AUTO(svc_cert_free) X509 *x = PEM_read_bio_X509(in, NULL, NULL, NULL);
	AUTO(svc_cert_free) X509 *fake = svc_cert_forge(x);
	char *text = NULL;
	long n;

	ASSERT(PEM_write_bio_X509(to, fake) == 1);
	n = BIO_get_mem_data(to, &text);
	buf_add(out, text, (size_t)n);
}

struct svc_verdict svc_alipay_cert_download(
	struct svc *s, const struct svc_call *c, struct utc now, json_t *answer)
{
	const char *sn = svc_text(c->biz, "alipay_cert_sn");
	AUTO(buf_free) struct buf packed = { 0 };

	(void)now;
	for (size_t i = 0; s->alipay->by_cert && i < SVC_ALIPAY_CERTS; i++) {
		const struct svc_alipay_cert *cert = &s->alipay->certs[i];
		AUTO(buf_free) struct buf fake = { 0 };

		if (!cert->sn[0] || !str_eq(cert->sn, sn))
			continue;
		if (svc_mode_take(s, SVC_ALIPAY, "forged_certificate", NULL))
			forge(&cert->pem, &fake);
		base64_encode(fake.len ? fake.text : cert->pem.text,
			fake.len ? fake.len : cert->pem.len, &packed);
		svc_set_text(answer, "alipay_cert_content", packed.text);
		return svc_alipay_done();
	}
	return svc_alipay_refused("isv.invalid-alipay-cert-sn", "支付宝公钥证书序列号不存在");
}
