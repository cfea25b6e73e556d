#pragma once
#include "fcgi/api.h"

/* A new session of a user, answered as tokens. */
MUST_USE enum err auth_answer_login(struct request *r, const struct user *u, struct answer *a);
