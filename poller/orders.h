#pragma once
/* Acts on their way from the switcher to a bus, and what came of them on the way back. */
#include "base/metersetting.h"
#include "domain/act.h"
#include "poller/wait.h"

#define ORDER_LOOK_MS 1000 /* an order that nobody has looked at for so long is not sent */

struct orders_back;

enum order_kind {
	ORDER_SWITCH, /* relay or valve */
	ORDER_SELL,   /* a purchase: count and milli are written */
	ORDER_SET,    /* a setting is written: `text` */
	ORDER_LOOK,   /* a setting is read */
};

/* Owned by whoever made it; the bus gives it up with the final result. */
struct order_out {
	struct orders_back *back; /* where the result goes; NULL: to the switcher */
	enum order_kind kind;
	int64_t deal_id;      /* of any but a switch */
	int64_t device;	      /* generation of the meter's device; of a look */
	bool release;	      /* before a purchase the meter's own rule gets its relay back */
	int64_t count, milli; /* of a purchase */
	enum meter_setting setting;
	char text[METER_SETTING_TEXT];
	int64_t act_id;
	int64_t supply_point_id;
	int64_t meter_id;
	struct lease lease;
	bool on;	      /* of any but a switch: true */
	int64_t permit_until; /* mono_ms(): how long the trip gate's "go" lasts; of a cut only */
	/* Under the gate. */
	struct gate gate;
	bool cancelled;	   /* the wish has changed: do not send */
	int64_t looked_at; /* mono_ms() at the begin of the last look that found the wish there */
};
struct order_out *order_new(void); /* looked at just now; never NULL */
void order_free(struct order_out **o);
/* The switcher: the look that began then found the wish unchanged, or changed. */
void order_confirm(struct order_out *o, int64_t looked_at);
void order_cancel(struct order_out *o);
/* The bus: NULL while the order is good, or why it is not. */
const char *order_refusal(struct order_out *o);
/* The bus, when it is ready to send: is the order good still? For a cut this waits for a look at
 * the database that begins after the call, so that a payment made until now stops the frame. */
bool order_may_send(struct order_out *o);

struct order_result {
	struct order_out *order;
	bool final;   /* the bus has let go of the order */
	bool dropped; /* never sent */
	enum act_result result;
	char observed[8];
	char error[201];
	struct utc at;		       /* when it was read back */
	char told[METER_SETTING_TEXT]; /* of a look that was DONE */
};

/* Results on their way back; the switcher waits here. */
struct orders_back *orders_back_open(void);
void orders_back_free(struct orders_back **b);
void orders_back_put(struct orders_back *b, const struct order_result *r);
/* The oldest result; false when none came before the deadline (mono_ms()) or after a wake. */
bool orders_back_take(struct orders_back *b, int64_t deadline, struct order_result *out);
void orders_back_wake(struct orders_back *b);
