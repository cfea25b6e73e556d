#pragma once
/* What becomes of a payment: service charge, agreed repayment of old debt, and the rest for the
 * purse. Whole fen, rounded in favour of the purse. */
#include "base/money.h"

struct split_terms {
	int64_t service_permille; /* 0..1000 of the payment */
	int64_t debt_permille;	  /* 0..1000 of the payment, */
	int64_t debt_cap_fen;	  /* at most this much of one payment, */
	int64_t debt_left_fen;	  /* and never more than is owed */
};

struct split { /* the three sum to the payment */
	int64_t service_fen;
	int64_t debt_fen;
	int64_t purse_fen;
};

/* amount_fen >= 0. Terms outside their ranges count as their nearest limit. */
struct split payment_split(int64_t amount_fen, const struct split_terms *t);
