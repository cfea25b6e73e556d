#pragma once
/* The thread that takes purchases to meters which keep their own credit: looks for them a few times
 * a second, decides each from the newest reading, commits it as sent, hands it to the bus, and has
 * the meter read after every frame. */
#include "poller/deals.h"

struct purchaser;
struct purchaser *purchaser_open(const struct deals_ends *ends);
void purchaser_free(struct purchaser **p);
void purchaser_run(struct purchaser *p); /* as deals_run() */
void purchaser_stop(struct purchaser *p);
#define PURCHASER_SCAN_MS 300
