#pragma once
/* Between the bus threads and the sink: what is known of a meter and not yet in the database. One
 * place a meter, where something newer takes the place of what is older, so that the desk is
 * bounded by the number of meters and never makes a bus wait for the database. */
#include "domain/reading.h"
#include "poller/schedule.h"

struct report {
	int64_t meter_id;
	int64_t group_id; /* of the lease */
	int64_t device;	  /* generation that was read; another one in the table never counts */
	char code[33];
	/* The last good answer, if there was one since the last report. */
	bool has_reading;
	struct meter_now now; /* but for verdict, comm and comm_since */
	bool has_register;
	bool own_ratio;	  /* the meter's ratios are in its register already */
	char observed[8]; /* relay or valve: "on" "off" "moving"; "" when it does not tell */
	bool other_serial;
	char serial[33];       /* that it told at first contact; "" */
	int64_t most_per_hour; /* as in struct reading_facts */
	bool has_clock;
	int64_t clock_drift_s;	 /* the meter is ahead of its site; below 0: behind */
	struct utc clock_set_at; /* 0: never */
	int64_t clock_set_by_s;
	int64_t step;
	struct qty capacity; /* by the form of the register; 0: not known */
	/* Communication, in any case. */
	enum comm comm;
	struct utc comm_since;
	int64_t fails;
	char error[201];
	char fault[25];	     /* kind of the error */
	bool gateway_silent; /* no alarm for this one meter: its gateway has one */
};

struct desk;
struct desk *desk_open(void);
void desk_free(struct desk **d);
/* Copies. A report without reading leaves one that still waits where it is. */
void desk_put(struct desk *d, const struct report *r);
/* Puts back what could not be stored, unless something newer has come. */
void desk_put_back(struct desk *d, const struct report *r, size_t n);
/* Waits for the first report, then up to gather_ms for more, and takes the oldest max of them. 0
 * when the desk was closed and is empty, or nothing came within idle_ms. */
size_t desk_take(
	struct desk *d, struct report *out, size_t max, int64_t gather_ms, int64_t idle_ms);
/* Nothing is waited for any more. */
void desk_close(struct desk *d);
bool desk_is_closed(struct desk *d);
size_t desk_waiting(struct desk *d);
