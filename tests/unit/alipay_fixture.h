#pragma once
/* The stand-in of Alipay on a socket, a platform that calls it, and another one (as another process
 * would be) that gets its notifies. */
#include "pay/pay.h"
#include "pay_fixture.h"

struct stage {
	struct pay_files files;
	struct conf *sim_conf, *pay_conf;
	struct pay *pay, *receiver;
	char base[64];
};
/* by_cert: the application is in certificate mode. */
void stage_open(struct stage *s, bool by_cert);
void stage_close(struct stage *s);
/* The stand-in stops and starts again on another port, from what it kept. */
void stage_restart(struct stage *s);
/* Settings of a platform with other lines for its keys. The caller frees. */
struct conf *stage_conf(const struct stage *s, const char *keys);

/* A fresh order of 50 yuan for half an hour. */
struct pay_order stage_order(char no[static 33]);
/* Opens by a channel; the one text of the answer goes to url. */
enum err stage_try(const struct stage *s, const char *channel, const struct pay_order *o,
	char url[static 4096], struct problem *why);
/* GET, or POST when there is a body; the status. where gets the Location, text (if any) the body.
 */
int stage_fetch(const char *url, const char *body, const char *type, char where[static 600],
	struct buf *text);
/* The payer follows a signed address, or scans a code: the trade exists from now on. */
void stage_visit(const struct stage *s, const char *url, char token[static 40]);
/* And presses the button: the status. */
int stage_press(const struct stage *s, const char *token);
/* An order that is opened and paid, its notify seen. */
struct pay_order stage_paid(const struct stage *s, char no[static 33]);
void stage_mode(const struct stage *s, const char *name, int count, int value);
/* Waits for n verified notifies of an order. Answers how many there are. */
size_t stage_wait(const char *out_trade_no, size_t n, struct pay_event *last);
/* The same for notifies that were turned down. */
size_t stage_wait_refused(enum err e, size_t n);
int64_t soon(void);
