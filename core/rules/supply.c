#include "rules/supply.h"

#include <string.h>

static const char *const block_words[BLOCK__MAX] = {
	[BLOCK_SAFETY] = "safety",
	[BLOCK_MANUAL] = "manual",
	[BLOCK_VACANT] = "vacant",
	[BLOCK_OVERLOAD] = "overload",
	[BLOCK_SUB_TENANT] = "sub_tenant",
	[BLOCK_SCHEDULE] = "schedule",
	[BLOCK_FEE] = "fee",
	[BLOCK_ARREARS] = "arrears",
};
static const char *const billing_words[BILLING__MAX] = {
	[BILLING_ACCOUNT] = "account",
	[BILLING_METER] = "meter",
	[BILLING_POSTPAID] = "postpaid",
	[BILLING_NONE] = "none",
};
static const char *const want_words[WANT__MAX] = {
	[WANT_ON] = "on",
	[WANT_OFF] = "off",
	[WANT_AUTO] = "auto",
};

/* Index of a word in a list; n when it is not there. */
static size_t word_find(const char *const words[], size_t n, const char *word)
{
	size_t i = 0;

	while (i < n && strcmp(words[i], word) != 0)
		i++;
	return i;
}

const char *block_word(enum block_kind k)
{
	return block_words[k];
}

enum err block_parse(const char *word, enum block_kind *out)
{
	size_t i = word_find(block_words, BLOCK__MAX, word);

	if (i == BLOCK__MAX)
		return ERR_BAD_VALUE;
	*out = (enum block_kind)i;
	return ERR_OK;
}

const char *billing_word(enum billing b)
{
	return billing_words[b];
}

enum err billing_parse(const char *word, enum billing *out)
{
	size_t i = word_find(billing_words, BILLING__MAX, word);

	if (i == BILLING__MAX)
		return ERR_BAD_VALUE;
	*out = (enum billing)i;
	return ERR_OK;
}

const char *want_word(enum supply_want w)
{
	return want_words[w];
}

enum err want_parse(const char *word, enum supply_want *out)
{
	size_t i = word_find(want_words, WANT__MAX, word);

	if (i == WANT__MAX)
		return ERR_BAD_VALUE;
	*out = (enum supply_want)i;
	return ERR_OK;
}

static bool blocked(const struct supply_facts *f, enum block_kind k)
{
	return f->blocks[k];
}

static bool protected(const struct supply_facts *f, enum block_kind k)
{
	(void)k;
	return f->protected_load;
}

static bool kept(const struct supply_facts *f, enum block_kind k)
{
	(void)k;
	return f->keep_until.ms > f->now.ms;
}

/* A meter that is billed later, or not at all, is never cut for money. */
static bool owing(const struct supply_facts *f, enum block_kind k)
{
	return f->blocks[k] && (f->billing == BILLING_ACCOUNT || f->billing == BILLING_METER);
}

/* First row that holds wins. */
static const struct {
	bool (*holds)(const struct supply_facts *f, enum block_kind k);
	enum block_kind block; /* for the rows that ask about one */
	struct supply_decision decision;
} rows[] = {
	/* clang-format off */
	{ blocked,   BLOCK_SAFETY,     { WANT_OFF, "safety",     false } },
	{ blocked,   BLOCK_MANUAL,     { WANT_OFF, "manual",     false } },
	{ blocked,   BLOCK_VACANT,     { WANT_OFF, "vacant",     false } },
	{ protected, BLOCK__MAX,       { WANT_ON,  "protected",  false } },
	{ blocked,   BLOCK_OVERLOAD,   { WANT_OFF, "overload",   true  } },
	{ blocked,   BLOCK_SUB_TENANT, { WANT_OFF, "sub_tenant", false } },
	{ kept,      BLOCK__MAX,       { WANT_ON,  "keep",       false } },
	{ blocked,   BLOCK_SCHEDULE,   { WANT_OFF, "schedule",   true  } },
	{ owing,     BLOCK_FEE,        { WANT_OFF, "fee",        true  } },
	{ owing,     BLOCK_ARREARS,    { WANT_OFF, "arrears",    true  } },
	/* clang-format on */
};

struct supply_decision supply_decide(const struct supply_facts *f)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (rows[i].holds(f, rows[i].block))
			return rows[i].decision;
	return (struct supply_decision){
		.want = f->billing == BILLING_METER ? WANT_AUTO : WANT_ON,
		.reason = "none",
	};
}

static bool fresh(const struct gate_facts *f)
{
	int64_t age = f->now.ms - f->read_at.ms;

	return f->read_at.ms > 0 && age <= GATE_FRESH_MS && age >= -GATE_PERMIT_MS;
}

const char *trip_gate(const struct gate_facts *f)
{
	/* An overload is a danger by itself and a schedule is known beforehand: neither waits for
	 * a warning, for quiet hours or for a payment. Only an overload passes the brake. */
	bool overload = strcmp(f->reason, "overload") == 0;
	bool money = !overload && strcmp(f->reason, "schedule") != 0;
	const struct {
		bool stands;
		const char *word;
	} against[] = {
		{ !fresh(f), "stale" },
		{ !f->plausible, "implausible" },
		{ !f->identity_sure, "identity" },
		{ money && f->quiet, "quiet" },
		{ money && !f->warned, "unwarned" },
		{ f->protected_load, "protected" },
		{ money && f->payment_in_flight, "payment" },
		{ !f->lease_held, "lease" },
		{ !f->clock_sane, "clock" },
		{ !overload && f->brake, "brake" },
	};

	for (size_t i = 0; i < ARRAY_LEN(against); i++)
		if (against[i].stands)
			return against[i].word;
	return "go";
}
