/* Any bytes as what Alipay hands out besides answers and notifies: a bill (as a ZIP file, and as
 * the text in it) and a certificate. The first byte chooses the reader. */
#include <openssl/rsa.h>
#include <string.h>

#include "pay/alipay_inside.h"

static void check(enum err e, struct pay_bill *b)
{
	int64_t paid = 0, refunded = 0;

	ASSERT(e == ERR_OK || (e == ERR_PROTOCOL && !b->rows));
	for (size_t i = 0; i < b->n; i++) {
		const struct pay_bill_row *r = &b->rows[i];

		ASSERT(r->amount_fen >= 0 && memchr(r->out_trade_no, '\0', PAY_ID_MAX));
		ASSERT(r->refund ? r->fee.nano <= 0 : r->fee.nano >= 0);
		*(r->refund ? &refunded : &paid) += r->amount_fen;
	}
	ASSERT(b->paid_fen == paid && b->refunded_fen == refunded);
	pay_bill_free(b);
}

/* The text up to a NUL is the list, what follows the file with the sums. */
static void parse(const char *text, size_t n, struct day day)
{
	AUTO(buf_free) struct buf both = { 0 };
	struct pay_bill b = { 0 };
	size_t first;

	buf_add(&both, text, n);
	buf_adds(&both, "");
	first = strlen(both.text);
	check(alipay_bill_parse(both.text, first < n ? both.text + first + 1 : NULL, day, &b,
		      &(struct problem){ 0 }),
		&b);
}

/* The root, ours and Alipay's are the fuzzer's too. */
static void open_certs(const char *text, size_t n)
{
	static EVP_PKEY *key;
	struct alipay_cert_files files = { .app = { 0 } };
	AUTO(alipay_certs_free) struct alipay_certs *c = NULL;
	AUTO(buf_free) struct buf pem = { 0 };

	if (!key)
		key = EVP_RSA_gen(2048);
	buf_add(&pem, text, n);
	files.app = files.alipay = files.root = pem;
	/* our key is in none of them */
	ASSERT(alipay_certs_open(&files, key, &c, &(struct problem){ 0 }) != ERR_OK);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data + 1;
	struct day day = { 20779 };
	struct pay_bill b = { 0 };

	if (size < 1)
		return 0;
	switch (data[0] % 3) {
	case 0:
		check(alipay_bill_read(text, size - 1, day, &b, &(struct problem){ 0 }), &b);
		break;
	case 1:
		parse(text, size - 1, day);
		break;
	default:
		open_certs(text, size - 1);
	}
	return 0;
}
