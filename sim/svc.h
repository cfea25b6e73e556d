#pragma once
/* Stand-ins of WeChat Pay, Alipay and Alibaba Cloud SMS inside yufu-sim: strict about what they are
 * sent, signing with keys of their own, misbehaving on command. They hold none of the platform's
 * private keys. */
#include "base/conf.h"
#include "sim/http.h"

struct svc;

/* Registers the routes and starts sending notifies. Who the merchant is stands in [wechat_pay],
 * [alipay] and [aliyun_sms] as for the platform; the stand-ins' keys, public_base (what a browser
 * reaches them by) and state_dir in [sim]. Without [sim] wechat_platform_private_key_file there are
 * no stand-ins: *out is NULL. */
MUST_USE enum err svc_start(
	struct conf *conf, struct http *http, struct svc **out, struct problem *why);
void svc_stop(struct svc **svc); /* may be given a pointer to NULL */

/* Writes fresh keys and secrets of both sides into a folder, each file 0600; a file that is there
 * already stays as it is. */
MUST_USE enum err svc_make_keys(const char *dir, struct problem *why);

/* Prints the settings that join the platform to the stand-ins: the sections of the services and the
 * stand-ins' part of [sim]. sim_base is the address of yufu-sim's HTTP, public_base that of nginx.
 */
void svc_print_settings(const char *dir, const char *sim_base, const char *public_base);
