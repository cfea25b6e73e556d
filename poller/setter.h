#pragma once
/* The thread that keeps what meters hold themselves (prices, slots, prepaid control) as it has to
 * be: has their settings read once a day, works out from the tariff in force what a meter of
 * billing "meter" has to hold, writes what differs and reads it back. */
#include "poller/deals.h"

struct setter;
struct setter *setter_open(const struct deals_ends *ends);
void setter_free(struct setter **s);
/* Before it runs: how often each setting of each meter is read; SETTER_LOOK_MS unless said. */
void setter_look_every(struct setter *s, int64_t ms);
void setter_run(struct setter *s); /* as deals_run() */
void setter_stop(struct setter *s);
#define SETTER_SCAN_MS 500
#define SETTER_SWEEP_MS 3000	    /* what is desired is worked out so often */
#define SETTER_LOOK_MS 86400000	    /* see setter_look_every() */
#define SETTER_LOOK_GAP_MS 2000	    /* between such readings on one bus */
#define SETTER_AGAIN_MS 60000	    /* one that failed: doubled each time ... */
#define SETTER_AGAIN_MAX_MS 3600000 /* ... up to this */
