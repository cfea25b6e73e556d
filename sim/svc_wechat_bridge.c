/* What WeixinJSBridge does inside WeChat: it is handed a signed order and asks the payer. */
#include <string.h>

#include "sim/svc_wechat.h"

/* The signature over getBrandWCPayRequest. */
static bool page_signature_is_good(const struct svc *s, const struct http_request *req)
{
	static const char *const names[] = { "appId", "timeStamp", "nonceStr", "package" };
	AUTO(buf_free) struct buf message = { 0 };
	const char *type = http_query(req, "signType"), *sign = http_query(req, "paySign");
	const char *app = http_query(req, "appId");

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		const char *v = http_query(req, names[i]);

		if (!v || !v[0])
			return false;
		buf_printf(&message, "%s\n", v);
	}
	return type && str_eq(type, "RSA") && sign && app && str_eq(app, s->wechat_app_id) &&
	       crypt_verify(s->merchant_public, message.text, message.len, sign) == ERR_OK;
}

void svc_page_jsapi(void *ctx, const struct http_request *req, struct http_reply *reply)
{
	static const char prefix[] = "prepay_id=wx";
	const char *package = http_query(req, "package");
	AUTO(buf_free) struct buf where = { 0 };
	struct svc *s = ctx;
	const char *back = http_query(req, "redirect_url");

	if (!page_signature_is_good(s, req) || !str_starts(package, prefix)) {
		svc_page_error(reply, 400, "支付验证签名失败", "appId、时间戳或 paySign 有误。");
		return;
	}
	buf_adds(&where, "/sandbox/pay?token=");
	percent_encode(package + strlen(prefix), &where);
	if (back) {
		buf_adds(&where, "&redirect_url=");
		percent_encode(back, &where);
	}
	http_add_header(reply, "Location", where.text);
	http_answer(reply, 303, "text/plain", "", 0);
}
