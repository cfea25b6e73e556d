#pragma once
/* The password by which meters of DL/T 645 let themselves be switched, from the settings:
 * [dlt645] password (or password_file) and operator, eight hex digits each, as sent. */
#include "base/conf.h"
#include "meter/model.h"

/* Absent: keys that are not given. ERR_BAD_VALUE names the setting, never its value. */
MUST_USE enum err dlt645_keys_read(struct conf *c, struct dlt645_keys *out, struct problem *why);
