#include "rules/password.h"

#include <string.h>

#include "base/str.h"
#include "rules/password_common.h"

/* Characters of UTF-8 text, one code point each; -1 if it is none. */
static int characters(const char *s)
{
	int n = 0;

	for (; *s; n++) {
		unsigned char c = (unsigned char)*s++;
		int more = c < 0x80 ? 0 : c >= 0xf0 && c < 0xf8 ? 3 : c >= 0xe0 ? 2 : 1;

		if ((c >= 0x80 && c < 0xc2) || c >= 0xf8)
			return -1;
		for (; more; more--)
			if (((unsigned char)*s++ & 0xc0) != 0x80)
				return -1;
	}
	return n;
}

static void lower(const char *from, char out[static PASSWORD_MAX + 1])
{
	size_t n = 0;

	for (; from[n]; n++)
		out[n] = from[n] >= 'A' && from[n] <= 'Z' ? (char)(from[n] | 0x20) : from[n];
	out[n] = '\0';
}

/* -1, 0 or 1 as the line that begins at s stands to a word. */
static int line_compare(const char *s, const char *word)
{
	while (*word && *s == *word)
		s++, word++;
	if (*s == '\n')
		return *word ? -1 : 0;
	return (unsigned char)*s < (unsigned char)*word ? -1 : 1;
}

/* The lines are sorted by their bytes. */
static bool is_common(const char *word)
{
	size_t from = 0, to = password_common_size;

	while (from < to) {
		const char *text = (const char *)password_common;
		size_t mid = from + (to - from) / 2;
		int order;

		while (mid > from && text[mid - 1] != '\n')
			mid--;
		order = line_compare(text + mid, word);
		if (order == 0)
			return true;
		if (order > 0)
			to = mid;
		else
			from = mid + strcspn(text + mid, "\n") + 1;
	}
	return false;
}

/* Is text nothing but one piece of n bytes, again and again, the last one maybe cut? */
static bool repeats(const char *text, const char *piece, size_t n)
{
	for (size_t i = 0; text[i]; i++)
		if (text[i] != piece[i % n])
			return false;
	return true;
}

enum err password_rules(
	const char *password, const char *username, const char *field, struct problem *why)
{
	char word[PASSWORD_MAX + 1], name[PASSWORD_MAX + 1];
	int n;

	if (strlen(password) > PASSWORD_MAX)
		return problem_set(why, ERR_OUT_OF_RANGE, field, "at most %d bytes", PASSWORD_MAX);
	n = characters(password);
	if (n < 0)
		return problem_set(why, ERR_BAD_VALUE, field, "this is no UTF-8");
	if (n < PASSWORD_MIN)
		return problem_set(
			why, ERR_OUT_OF_RANGE, field, "at least %d characters", PASSWORD_MIN);
	lower(password, word);
	if (is_common(word))
		return problem_set(why, ERR_BAD_VALUE, field,
			"this password is on the list of the most common ones");
	if (repeats(word, word, 1))
		return problem_set(
			why, ERR_BAD_VALUE, field, "this is one character again and again");
	if (!username[0] || strlen(username) > PASSWORD_MAX)
		return ERR_OK;
	lower(username, name);
	return repeats(word, name, strlen(name))
		       ? problem_set(why, ERR_BAD_VALUE, field, "this is the user name")
		       : ERR_OK;
}
