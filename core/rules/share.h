#pragma once
/* Sharing of energy that several pay for together: whole thousandths, by largest remainder. Pure.
 */
#include "base/money.h"

struct sharer {
	int64_t id;	  /* tells the sharers apart, and settles ties: the lowest goes first */
	int64_t weight;	  /* >= 0; of the total */
	struct qty part;  /* result */
	int64_t fraction; /* result: what was rounded off or up, in parts of the total */
};

/* Splits q >= 0 among n sharers: each gets q × weight ÷ total, rounded down or up by largest
 * remainder, in its `part`. What the weights leave of the total is the owner's, who is the last in
 * a tie: the parts and *owner sum to q exactly. More weight never gets less, and the order of the
 * sharers changes nothing; afterwards they stand in ascending id.
 *
 * ERR_OUT_OF_RANGE: a negative weight or quantity, total <= 0, weights that sum to more than the
 * total, or an id that comes twice. */
MUST_USE enum err share_split(
	struct qty q, int64_t total, struct sharer *s, size_t n, struct qty *owner);
