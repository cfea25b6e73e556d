#include "rules/taxno.h"

#include <string.h>

#define LEAST 15
#define MOST 20
#define CREDIT_CODE 18

static const char plain[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
/* Values by place; I, O, S, V and Z are left out, as they look like others. */
static const char credit[] = "0123456789ABCDEFGHJKLMNPQRTUWXY";
#define BASE 31

static int value_of(char c)
{
	const char *at = strchr(credit, c);

	return at ? (int)(at - credit) : -1;
}

/* Weights are the powers of 3 modulo 31. */
static char check_character(const char *text)
{
	int sum = 0, weight = 1;

	for (size_t i = 0; i < CREDIT_CODE - 1; i++) {
		sum += value_of(text[i]) * weight;
		weight = weight * 3 % BASE;
	}
	return credit[(BASE - sum % BASE) % BASE];
}

enum err tax_no_check(const char *text, const char *field, struct problem *why)
{
	size_t n = strlen(text);
	char expected;

	if (strspn(text, plain) != n)
		return problem_set(
			why, ERR_BAD_VALUE, field, "only the letters A-Z and digits belong in it");
	if (n < LEAST || n > MOST)
		return problem_set(
			why, ERR_BAD_VALUE, field, "it has %d to %d characters", LEAST, MOST);
	if (n != CREDIT_CODE)
		return ERR_OK;
	if (strspn(text, credit) != n)
		return problem_set(why, ERR_BAD_VALUE, field,
			"a unified social credit code has none of the letters I, O, S, V, Z");
	expected = check_character(text);
	if (text[CREDIT_CODE - 1] != expected)
		return problem_set(why, ERR_BAD_VALUE, field,
			"a character is wrong: by the others the last one, the check character, "
			"would be %c",
			expected);
	return ERR_OK;
}
