#include "sim/fault.h"

#include "base/str.h"

static const char *const kind_words[] = {
#define X(name, word) [FAULT_##name] = word,
	FAULT_KINDS(X)
#undef X
};

static const char *const garbage_words[] = {
#define X(name, word) [GARBAGE_##name] = word,
	GARBAGE_KINDS(X)
#undef X
};

const char *fault_word(enum fault_kind kind)
{
	return kind_words[kind];
}

const char *garbage_word(enum garbage garbage)
{
	return garbage_words[garbage];
}

static int word_find(const char *const *words, size_t n, const char *word)
{
	for (size_t i = 0; i < n; i++) {
		if (str_eq(words[i], word))
			return (int)i;
	}
	return -1;
}

enum err fault_parse(const char *word, enum fault_kind *out)
{
	int i = word_find(kind_words, ARRAY_LEN(kind_words), word);

	if (i < 0)
		return ERR_BAD_VALUE;
	*out = (enum fault_kind)i;
	return ERR_OK;
}

enum err garbage_parse(const char *word, enum garbage *out)
{
	int i = word_find(garbage_words, ARRAY_LEN(garbage_words), word);

	if (i < 0)
		return ERR_BAD_VALUE;
	*out = (enum garbage)i;
	return ERR_OK;
}

enum err fault_add(struct fault_list *list, const struct fault *fault)
{
	if (list->n == FAULTS_MAX)
		return ERR_TOO_MANY;
	list->items[list->n++] = *fault;
	return ERR_OK;
}

size_t fault_remove(struct fault_list *list, int id)
{
	size_t kept = 0, before = list->n;

	for (size_t i = 0; i < list->n; i++) {
		if (id != 0 && list->items[i].id != id)
			list->items[kept++] = list->items[i];
	}
	list->n = kept;
	return before - kept;
}

void fault_expire(struct fault_list *list, int64_t mono_ms)
{
	size_t kept = 0;

	for (size_t i = 0; i < list->n; i++) {
		if (list->items[i].ends_ms > mono_ms)
			list->items[kept++] = list->items[i];
	}
	list->n = kept;
}

const struct fault *fault_find(
	const struct fault_list *list, enum fault_kind kind, int unit, int64_t mono_ms)
{
	const struct fault *any = NULL;

	for (size_t i = 0; i < list->n; i++) {
		const struct fault *f = &list->items[i];

		if (f->kind != kind || f->ends_ms <= mono_ms)
			continue;
		if (f->unit == unit)
			return f;
		if (f->unit == FAULT_ANY_UNIT)
			any = f;
	}
	return any;
}

static void set_length(uint8_t *frame, size_t n)
{
	frame[4] = (uint8_t)((n - 6) >> 8);
	frame[5] = (uint8_t)((n - 6) & 0xff);
}

size_t garbage_apply(enum garbage garbage, uint8_t *frame, size_t n)
{
	enum { TRANSACTION_LOW = 1, PROTOCOL_LOW = 3, UNIT = 6, FUNCTION = 7, COUNT = 8 };

	switch (garbage) {
	case GARBAGE_SHORT:
		n -= n > 12 ? 4 : 1;
		set_length(frame, n);
		break;
	case GARBAGE_LONG:
		for (int i = 0; i < 4; i++)
			frame[n++] = 0xA5;
		set_length(frame, n);
		break;
	case GARBAGE_UNIT:
		frame[UNIT]++;
		break;
	case GARBAGE_TRANSACTION:
		frame[TRANSACTION_LOW] ^= 0x55;
		break;
	case GARBAGE_PROTOCOL:
		frame[PROTOCOL_LOW] = 1;
		break;
	case GARBAGE_FUNCTION:
		frame[FUNCTION] ^= 0x07;
		break;
	case GARBAGE_COUNT:
		frame[COUNT] ^= 0x02;
		break;
	case GARBAGE_NOISE:
	default:
		for (size_t i = 0; i < n; i++)
			frame[i] = (uint8_t)(frame[i] * 37 + i * 11 + 5);
	}
	return n;
}
