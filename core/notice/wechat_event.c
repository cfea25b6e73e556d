#include "notice/wechat_event.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "notice/wechat_inside.h"
#include "notice/wechat_xml.h"

#define SHA1_HEX 41
#define SHA1_LEN 20
#define AES_BLOCK 16
#define PAD_MAX 32  /* WeChat pads to 32 bytes */
#define HEAD_LEN 20 /* 16 random bytes and a length */
#define SEALED_MAX 90000

static void cipher_free(EVP_CIPHER_CTX **c)
{
	EVP_CIPHER_CTX_free(*c);
}

/* ---- signatures ---- */

static int by_bytes(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Hex of SHA-1 of the texts, sorted and joined. */
static void sign(const char **texts, size_t n, char out[static SHA1_HEX])
{
	AUTO(buf_wipe) struct buf all = { 0 };
	unsigned char md[SHA1_LEN];

	qsort(texts, n, sizeof(*texts), by_bytes);
	buf_adds(&all, "");
	for (size_t i = 0; i < n; i++)
		buf_adds(&all, texts[i]);
	ASSERT(EVP_Digest(all.text, all.len, md, NULL, EVP_sha1(), NULL) == 1);
	hex_encode(md, sizeof(md), out);
}

static bool same(const char *a, const char *b)
{
	return strlen(a) == strlen(b) && CRYPTO_memcmp(a, b, strlen(a)) == 0;
}

/* Signed over token, time and nonce, and with a sealed text over that, too. */
static enum err check(const struct wechat_app *app, const struct wechat_query *q,
	const char *signature, const char *sealed, struct utc now, struct problem *why)
{
	const char *texts[4] = { app->event_token, q->timestamp, q->nonce, sealed };
	char want[SHA1_HEX];
	int64_t at;

	if (!app->event_token[0])
		return problem_set(why, ERR_NOT_CONFIGURED, "token", "no token is set up");
	sign(texts, sealed ? 4 : 3, want);
	if (!same(want, signature))
		return problem_set(
			why, ERR_BAD_SIGNATURE, "signature", "the signature does not match");
	if (i64_parse(q->timestamp, 0, INT64_C(1) << 40, &at) != ERR_OK ||
		llabs((long long)(now.ms - at * 1000)) > WECHAT_SKEW_MS)
		return problem_set(why, ERR_BAD_SIGNATURE, "timestamp", "too old, or too early");
	return ERR_OK;
}

enum err wechat_echo_check(const struct wechat_app *app, const struct wechat_query *q,
	struct utc now, struct problem *why)
{
	enum err e = check(app, q, q->signature, NULL, now, why);

	if (e == ERR_OK && !wechat_openid_is_sane(q->echostr))
		return problem_set(
			why, ERR_BAD_VALUE, "echostr", "1 to 64 letters and digits are expected");
	return e;
}

/* ---- safe mode ---- */

/* AES-256-CBC; the first half of the key is the IV. */
static bool decrypt(const struct wechat_app *app, const struct buf *in, unsigned char *plain)
{
	AUTO(cipher_free) EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	const unsigned char *key = (const unsigned char *)app->aes_key;
	int n = 0, last = 0;

	return ctx && EVP_DecryptInit_ex(ctx, EVP_aes_256_cbc(), NULL, key, key) == 1 &&
	       EVP_CIPHER_CTX_set_padding(ctx, 0) == 1 &&
	       EVP_DecryptUpdate(ctx, plain, &n, (const unsigned char *)in->text, (int)in->len) ==
		       1 &&
	       EVP_DecryptFinal_ex(ctx, plain + n, &last) == 1;
}

/* random(16) length(4, network order) XML app id, and padding of its own length. */
static bool unwrap(const struct wechat_app *app, const unsigned char *p, size_t n, struct buf *out)
{
	size_t pad = n ? p[n - 1] : 0, len;

	if (pad < 1 || pad > PAD_MAX || n < HEAD_LEN + pad)
		return false;
	for (size_t i = 1; i <= pad; i++)
		if (p[n - i] != pad)
			return false;
	n -= pad;
	len = (size_t)p[16] << 24 | (size_t)p[17] << 16 | (size_t)p[18] << 8 | p[19];
	if (len > n - HEAD_LEN || n - HEAD_LEN - len != strlen(app->app_id) ||
		memcmp(p + HEAD_LEN + len, app->app_id, strlen(app->app_id)) != 0)
		return false;
	buf_add(out, (const char *)p + HEAD_LEN, len);
	return true;
}

enum err wechat_event_open(
	const struct wechat_app *app, const char *sealed, struct buf *out, struct problem *why)
{
	AUTO(buf_free) struct buf in = { 0 };
	AUTO(buf_free) struct buf plain = { 0 };

	if (strlen(sealed) > SEALED_MAX || base64_decode(sealed, strlen(sealed), &in) != ERR_OK ||
		!in.len || in.len % AES_BLOCK)
		return problem_set(why, ERR_BAD_VALUE, "Encrypt", "this is no sealed text");
	buf_add(&plain, in.text, in.len); /* room for the result */
	if (!decrypt(app, &in, (unsigned char *)plain.text) ||
		!unwrap(app, (const unsigned char *)plain.text, in.len, out))
		return problem_set(why, ERR_BAD_SIGNATURE, "Encrypt",
			"sealed with another key, or for another app");
	return ERR_OK;
}

/* ---- XML ---- */

/* Where a text of a message belongs. */
struct place {
	const char *path;
	size_t at, size;
};

#define PLACE(path_, type, member)                                                                 \
	{                                                                                          \
		path_, offsetof(type, member), sizeof(((type *)0)->member)                         \
	}

static const struct place places[] = {
	PLACE("FromUserName", struct wechat_event, openid),
	PLACE("MsgType", struct wechat_event, type),
	PLACE("Event", struct wechat_event, event),
	PLACE("CreateTime", struct wechat_event, created),
	PLACE("MsgID", struct wechat_event, msg_id),
	PLACE("Status", struct wechat_event, status),
};

static const struct place item_places[] = {
	PLACE("TemplateId", struct wechat_item, template_id),
	PLACE("SubscribeStatusString", struct wechat_item, status),
	PLACE("MsgID", struct wechat_item, msg_id),
};

static const char *const lists[] = { "SubscribeMsgPopupEvent/List", "SubscribeMsgChangeEvent/List",
	"SubscribeMsgSentEvent/List" };

struct filling {
	struct wechat_event *event;
	struct buf *sealed; /* of <Encrypt>; NULL: not asked for */
	bool bad;
};

static void put(struct filling *f, void *base, const struct place *p, size_t n, const char *name,
	const char *text)
{
	for (size_t i = 0; i < n; i++)
		if (str_eq(p[i].path, name)) {
			char *dst = (char *)base + p[i].at;

			/* twice, or longer than WeChat's can be */
			if (dst[0] || !str_copy(dst, p[i].size, text))
				f->bad = true;
		}
}

/* The name of a member of a list, or NULL. */
static const char *member_of_list(const char *path)
{
	for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
		size_t n = strlen(lists[i]);

		if (strncmp(path, lists[i], n) == 0 && path[n] == '/')
			return path + n + 1;
	}
	return NULL;
}

static void on_open(void *ctx, const char *path)
{
	struct filling *f = ctx;

	for (size_t i = 0; i < ARRAY_LEN(lists); i++)
		if (str_eq(path, lists[i])) {
			if (f->event->n == WECHAT_ITEMS_MAX)
				f->bad = true;
			else
				f->event->n++;
		}
}

static void on_text(void *ctx, const char *path, const char *text)
{
	struct filling *f = ctx;
	const char *member = member_of_list(path);
	struct wechat_item *item;

	if (str_eq(path, "Encrypt") && f->sealed) {
		f->sealed->len = 0;
		buf_adds(f->sealed, text);
	}
	if (!member) {
		put(f, f->event, places, ARRAY_LEN(places), path, text);
		return;
	}
	if (!f->event->n)
		return;
	item = &f->event->items[f->event->n - 1];
	if (str_eq(member, "ErrorCode")) {
		if (i64_parse(text, -1, INT32_MAX, &item->errcode) != ERR_OK)
			f->bad = true;
		return;
	}
	put(f, item, item_places, ARRAY_LEN(item_places), member, text);
}

static enum err read_xml(const char *xml, size_t n, struct wechat_event *out, struct buf *sealed,
	struct problem *why)
{
	struct filling f = { .event = out, .sealed = sealed };
	enum err e;

	*out = (struct wechat_event){ .n = 0 };
	if (n > WECHAT_EVENT_MAX)
		return problem_set(why, ERR_TOO_LARGE, "", "at most %d bytes", WECHAT_EVENT_MAX);
	e = wechat_xml_read(&(struct wechat_xml){ "xml", on_open, on_text, &f }, xml, n, why);
	if (e == ERR_OK && f.bad)
		e = problem_set(why, ERR_BAD_VALUE, "", "a member comes twice or is too long");
	return e;
}

enum err wechat_event_parse(
	const char *xml, size_t n, struct wechat_event *out, struct problem *why)
{
	enum err e = read_xml(xml, n, out, NULL, why);

	if (e == ERR_OK && (!wechat_openid_is_sane(out->openid) || !out->type[0]))
		return problem_set(
			why, ERR_BAD_VALUE, "FromUserName", "the message names no person or type");
	return e;
}

enum err wechat_event_read(const struct wechat_app *app, const struct wechat_query *q,
	const char *body, size_t n, struct utc now, struct wechat_event *out, struct problem *why)
{
	AUTO(buf_free) struct buf sealed = { 0 };
	AUTO(buf_free) struct buf xml = { 0 };
	enum err e;

	if (!app->is_sealed) {
		e = check(app, q, q->signature, NULL, now, why);
		return e == ERR_OK ? wechat_event_parse(body, n, out, why) : e;
	}
	if (!str_eq(q->encrypt_type, "aes"))
		return problem_set(why, ERR_BAD_SIGNATURE, "encrypt_type",
			"in plain, but a key for sealed messages is set up");
	e = read_xml(body, n, out, &sealed, why);
	if (e != ERR_OK || !sealed.len)
		return e != ERR_OK
			       ? e
			       : problem_set(why, ERR_BAD_VALUE, "Encrypt", "nothing is sealed");
	e = check(app, q, q->msg_signature, sealed.text, now, why);
	if (e == ERR_OK)
		e = wechat_event_open(app, sealed.text, &xml, why);
	return e == ERR_OK ? wechat_event_parse(xml.text, xml.len, out, why) : e;
}
