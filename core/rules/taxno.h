#pragma once
/* Tax numbers of companies (纳税人识别号, 统一社会信用代码). Pure. */
#include "base/err.h"

/* 15 to 20 of A-Z and 0-9. One of 18 is a unified social credit code, whose letters and check
 * character are those of GB 32100-2015. ERR_BAD_VALUE on field, saying what is wrong. */
MUST_USE enum err tax_no_check(const char *text, const char *field, struct problem *why);
