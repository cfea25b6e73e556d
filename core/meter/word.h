#pragma once
/* Enumerations as words, both ways, for the lists of this folder. */
#include <string.h>

#include "base/err.h"

/* Index of word in words[0..n), or n. */
static inline size_t word_index(const char *const words[], size_t n, const char *word)
{
	size_t i = 0;

	while (i < n && strcmp(words[i], word) != 0)
		i++;
	return i;
}

/* name_word() and name_parse() over a static table words[] that has `most` rows. */
#define WORD_FUNCTIONS(name, type, words, most)                                                    \
	_Static_assert(ARRAY_LEN(words) == (most), "a word for each");                             \
	const char *name##_word(enum type v)                                                       \
	{                                                                                          \
		ASSERT((size_t)v < ARRAY_LEN(words));                                              \
		return words[v];                                                                   \
	}                                                                                          \
	enum err name##_parse(const char *word, enum type *out)                                    \
	{                                                                                          \
		size_t i = word_index(words, ARRAY_LEN(words), word);                              \
                                                                                                   \
		if (i == ARRAY_LEN(words))                                                         \
			return ERR_BAD_VALUE;                                                      \
		*out = (enum type)i;                                                               \
		return ERR_OK;                                                                     \
	}
