/* Any bytes as an event of WeChat's account server: as they arrive, as the XML of a message, and as
 * a sealed text, also behind the seal. The first byte chooses the reader. What is taken must be
 * usable. */
#include <openssl/evp.h>
#include <string.h>

#include "notice/wechat_event.h"
#include "notice/wechat_inside.h"

static struct wechat_app app = { .app_id = "wx0000000000000001",
	.event_token = "THROWAWAYtoken",
	.aes_key = "THROWAWAYkeyOf32BytesForTesting",
	.is_sealed = true };

static void check(enum err e, const struct wechat_event *v)
{
	if (e != ERR_OK)
		return;
	ASSERT(wechat_openid_is_sane(v->openid) && v->type[0]);
	ASSERT(v->n <= WECHAT_ITEMS_MAX);
	ASSERT(memchr(v->event, '\0', sizeof(v->event)) &&
		memchr(v->msg_id, '\0', sizeof(v->msg_id)));
	for (size_t i = 0; i < v->n; i++)
		ASSERT(memchr(v->items[i].template_id, '\0', sizeof(v->items[i].template_id)));
}

/* Whole blocks of plain text under the key, so that what stands behind the seal is reached. */
static void seal(const char *plain, size_t n, struct buf *out)
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	const unsigned char *key = (const unsigned char *)app.aes_key;
	AUTO(buf_free) struct buf cipher = { 0 };
	int len = 0, last = 0;

	n -= n % 16;
	buf_adds(&cipher, "");
	buf_add(&cipher, plain, n);
	ASSERT(ctx && EVP_EncryptInit_ex(ctx, EVP_aes_256_cbc(), NULL, key, key) == 1 &&
		EVP_CIPHER_CTX_set_padding(ctx, 0) == 1 &&
		EVP_EncryptUpdate(ctx, (unsigned char *)cipher.text, &len,
			(const unsigned char *)plain, (int)n) == 1 &&
		EVP_EncryptFinal_ex(ctx, (unsigned char *)cipher.text + len, &last) == 1);
	EVP_CIPHER_CTX_free(ctx);
	base64_encode(cipher.text, n, out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct wechat_query q = { "s", "1795400000", "n", "e", "aes", "s" };
	const char *body = (const char *)data + 1;
	const struct utc now = { INT64_C(1795400000000) };
	AUTO(buf_free) struct buf sealed = { 0 };
	AUTO(buf_free) struct buf plain = { 0 };
	struct wechat_event v;

	if (size < 1)
		return 0;
	buf_adds(&sealed, "");
	switch (data[0] % 4) {
	case 0:
		check(wechat_event_parse(body, size - 1, &v, NULL), &v);
		break;
	case 1: /* signed by nobody */
		ASSERT(wechat_event_read(&app, &q, body, size - 1, now, &v, NULL) != ERR_OK);
		break;
	case 2:
		buf_add(&sealed, body, size - 1);
		(void)!wechat_event_open(&app, sealed.text, &plain, NULL);
		break;
	default:
		seal(body, size - 1, &sealed);
		if (wechat_event_open(&app, sealed.text, &plain, NULL) == ERR_OK)
			check(wechat_event_parse(plain.text ? plain.text : "", plain.len, &v, NULL),
				&v);
	}
	return 0;
}
