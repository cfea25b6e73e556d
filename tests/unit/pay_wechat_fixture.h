#pragma once
/* The stand-in of WeChat Pay on a port of its own, a merchant that calls it, and a receiver of its
 * notifies. */
#include <pthread.h>

#include "pay/wechat_inside.h"
#include "pay_fixture.h"
#include "sim/svc.h"

#define SEEN_MAX 512

struct wx_seen {
	enum err e;
	bool refund_path;
	struct pay_notify notify;
};

struct wx_world {
	struct pay_files files;
	struct http *http;
	struct svc *svc;
	struct conf *sim_conf;
	struct pay *pay; /* public key mode */
	char base[64];
	pthread_mutex_t lock; /* guards the rest */
	pthread_cond_t changed;
	struct pay *receiver;
	int64_t shift_ms; /* of the receiver's clock */
	struct wx_seen seen[SEEN_MAX];
	size_t n;
};
extern struct wx_world wx;

int wx_setup(void **state);
int wx_teardown(void **state);

/* A merchant with the sandbox's settings, less the lines that begin with one of the texts. */
struct pay *wx_merchant(const char *without, const char *and_without);
/* Notifies are read by this merchant, whose clock is ahead. */
void wx_receive(struct pay *merchant, int64_t shift_ms);

int64_t wx_soon(void);
struct pay_order wx_order(char no[static 33]);
/* Opens it; *value gets the first text of the answer. */
enum err wx_open(const struct pay *p, const char *channel, const struct pay_order *o,
	char value[static 512], struct problem *why);
/* Opens a Native order and pays it. */
void wx_pay(char no[static 33]);
void wx_pay_code(const char *token);
struct pay_event wx_ask(const char *no);
void wx_mode(const char *name, int count);
void wx_command(const char *json);
/* GET, or POST of a body. The status. */
int wx_fetch(const char *target, const char *body, const char *type, char where[static 512]);

/* Waits for the n-th notify of an order ("" for those that nobody may read); the last one. */
struct wx_seen wx_wait(const char *out_trade_no, enum pay_notify_kind kind, size_t n);
/* Waits for the n-th notify from now on that ended so. */
struct wx_seen wx_wait_err(size_t from, enum err e);
size_t wx_count(void);
