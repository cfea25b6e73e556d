#pragma once
/* Every kind of alarm that there is: one list. */
#include "base/str.h"

struct alarm_kind {
	const char *kind;
	const char *severity;	 /* "info" "warn" "urgent", unless who raises it says otherwise */
	const char *object_kind; /* what it is about */
	bool by_hand; /* its cause is an event, which does not go by itself: a person clears it */
	const char *zh, *en; /* short, for services limit the length of a variable */
};
extern const struct alarm_kind alarm_kinds[];
extern const size_t alarm_kind_count;

const struct alarm_kind *alarm_kind_find(const char *kind); /* NULL: none */
