#include "rules/split.h"

static int64_t within(int64_t v, int64_t least, int64_t most)
{
	return v < least ? least : v > most ? most : v;
}

static int64_t permille_of(int64_t amount_fen, int64_t permille)
{
	return (int64_t)((__int128)amount_fen * within(permille, 0, 1000) / 1000);
}

struct split payment_split(int64_t amount_fen, const struct split_terms *t)
{
	struct split s = { .service_fen = permille_of(amount_fen, t->service_permille) };
	int64_t rest = amount_fen - s.service_fen;

	s.debt_fen = permille_of(amount_fen, t->debt_permille);
	s.debt_fen = within(s.debt_fen, 0, within(t->debt_cap_fen, 0, rest));
	s.debt_fen = within(s.debt_fen, 0, within(t->debt_left_fen, 0, rest));
	s.purse_fen = rest - s.debt_fen;
	return s;
}
