#pragma once
/* Inside the WeChat part of core/notice. */
#include "notice/channel.h"
#include "notice/wechat_app.h"
#include "notice/wechat_template.h"

#define WECHAT_AES_KEY_LEN 32

struct wechat_app {
	enum wechat_kind kind;
	char api_base[256], authorize_base[256];
	char app_id[33], secret[129];
	char event_token[33];		  /* of the server URL; empty: no events */
	char aes_key[WECHAT_AES_KEY_LEN]; /* of its safe mode */
	bool is_sealed;			  /* there is such a key: nothing comes in plain */
	char page[129], state[16];	  /* mini program: where a tap leads, and which release */
	struct wechat_template templates[NOTICE_KINDS_MAX]; /* by the place of the kind */
};

/* "[wechat_mp]" or "[wechat_mini]", without the brackets. */
const char *wechat_section(enum wechat_kind kind);

/* Path of an API with the app's base before it; the caller frees. */
void wechat_url(const struct wechat_app *app, const char *path, struct buf *out);

/* ---- what WeChat's error numbers mean ---- */

enum wechat_advice {
	ADVICE_DONE,
	ADVICE_AGAIN,	    /* busy: later */
	ADVICE_TOKEN,	    /* the access token: get it anew, once */
	ADVICE_UNREACHABLE, /* this person, this way: never */
	ADVICE_USED_UP,	    /* this person has not allowed it, or not often enough */
	ADVICE_NEXT_DAY,    /* our quota of the day */
	ADVICE_PERSON,	    /* settings, templates or rights: somebody must look */
	ADVICE_NO,	    /* refused for another reason */
};
enum wechat_advice wechat_advice(int64_t errcode);

/* An answer of any API: errcode (0 if absent) and the number by which the vendor finds the call
 * ("rid: 5f…", empty if none). False: this is no answer. */
struct wechat_verdict {
	int64_t errcode;
	char rid[40];
	json_t *body;
};
void wechat_verdict_free(struct wechat_verdict *v);
MUST_USE bool wechat_verdict_read(const char *text, size_t n, struct wechat_verdict *out);
