#pragma once
/* How much a consumer draws at an instant: a day curve by kind of shop, and noise that depends on
 * nothing but the seed, the meter and the time, so that two runs agree. Pure. */
#include "base/base.h"

enum load_kind {
#define LOAD(name, word, title) LOAD_##name,
#include "sim/load.def"
#undef LOAD
	LOAD__MAX
};

/* "restaurant", and the Chinese name of the trade. */
const char *load_word(enum load_kind kind);
const char *load_title(enum load_kind kind);

/* Draw in thousandths of the peak at a second of the local day: 0..1150, noise included. It is
 * constant within a wall clock minute. meter is any number that tells meters apart. */
int load_permille(enum load_kind kind, uint32_t seed, uint32_t meter, int32_t day, int32_t second);

/* A noise in [-amplitude, amplitude] of a meter at a numbered moment. */
int load_noise(uint32_t seed, uint32_t meter, uint64_t moment, int amplitude);
