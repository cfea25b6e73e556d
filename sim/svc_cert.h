#pragma once
/* Throw-away certificates, and Alipay's idea of their serials. */
#include <openssl/x509.h>

#include "base/err.h"

struct svc_cert_new {
	const char *organization, *unit, *name;
	EVP_PKEY *key;	      /* whose public half it shows */
	const X509 *issuer;   /* NULL: signs itself */
	EVP_PKEY *issuer_key; /* the key itself, if it signs itself */
	bool ca;
};
/* From yesterday for ten years, with a random number. The caller frees. */
X509 *svc_cert_make(const struct svc_cert_new *n);
/* The same names and number as another certificate, but self-made: what a forger can do. */
X509 *svc_cert_forge(const X509 *like);
void svc_cert_free(X509 **x); /* for AUTO() */

#define SVC_SN_MAX 33
/* md5 hex of the issuer, its most specific part first, and the number in decimal. */
void svc_cert_sn(const X509 *x, char out[static SVC_SN_MAX]);

/* alipay_root_cert.pem (with a root beside it that does not sign with RSA), and below it
 * alipay_app_cert.pem, alipay_cert.pem and alipay_next_cert.pem for the keys that lie in the folder
 * already. Nothing if the root is there. */
MUST_USE enum err svc_make_alipay_certs(const char *dir, struct problem *why);
