#include "sim/load.h"

static const char *const words[] = {
#define LOAD(name, word, title) [LOAD_##name] = word,
#include "sim/load.def"
#undef LOAD
};

static const char *const titles[] = {
#define LOAD(name, word, title) [LOAD_##name] = title,
#include "sim/load.def"
#undef LOAD
};

/* Percent of the peak at the full hours 0..23; straight lines between them. */
static const uint8_t curves[LOAD__MAX][24] = {
	/* clang-format off */
	/*                     0                   6                  12                  18             23 */
	[LOAD_RESTAURANT]  = { 9, 8, 8, 8, 8,10, 18,25,30,38,62,88, 95,78,48,38,42,70, 100,96,80,55,28,14 },
	[LOAD_HOTPOT]      = { 22,12, 9, 9, 9, 9, 9,10,14,22,42,64, 75,66,44,36,46,76, 98,100,97,88,66,38 },
	[LOAD_MILK_TEA]    = { 14,12,12,12,12,12, 12,14,25,48,70,82, 88,95,100,96,92,88, 90,94,86,66,34,18 },
	[LOAD_BAKERY]      = { 12,12,12,20,58,90, 100,92,80,70,62,58, 52,50,52,58,60,58, 52,46,38,26,16,12 },
	[LOAD_FASHION]     = { 5, 5, 5, 5, 5, 5, 5, 6,14,55,82,90, 92,92,92,92,94,96, 100,100,96,70,14, 6 },
	[LOAD_SUPERMARKET] = { 38,36,35,35,36,40, 52,70,80,86,90,92, 92,90,90,90,94,98, 100,98,90,74,50,42 },
	[LOAD_CINEMA]      = { 40,15, 9, 8, 8, 8, 8, 9,14,36,58,66, 70,74,78,80,82,86, 94,100,98,92,78,60 },
	[LOAD_OFFICE]      = { 8, 8, 8, 8, 8, 8, 10,22,66,92,100,96, 72,84,98,98,94,82, 46,30,22,14,10, 8 },
	[LOAD_GYM]         = { 8, 7, 7, 7, 7,10, 30,46,50,52,56,60, 62,56,54,58,66,80, 96,100,94,72,30,10 },
	[LOAD_SALON]       = { 6, 5, 5, 5, 5, 5, 5, 7,16,52,76,84, 82,86,92,92,90,92, 96,100,88,56,16, 7 },
	[LOAD_PHARMACY]    = { 16,15,15,15,15,15, 18,36,70,88,94,96, 94,94,96,98,98,100, 100,98,90,64,28,18 },
	[LOAD_PHONE]       = { 8, 8, 8, 8, 8, 8, 8,10,30,74,92,96, 96,96,96,96,98,100, 100,98,92,62,16, 9 },
	[LOAD_KIDS]        = { 6, 6, 6, 6, 6, 6, 6, 8,22,58,80,86, 76,78,86,90,92,96, 100,94,70,32,10, 7 },
	[LOAD_BOOKS]       = { 7, 7, 7, 7, 7, 7, 7,10,34,72,88,92, 92,94,96,96,96,98, 100,96,84,48,12, 8 },
	[LOAD_LIGHTING]    = { 34,30,30,30,30,32, 44,60,86,96,98,98, 98,98,98,98,98,100, 100,100,100,90,58,40 },
	[LOAD_ESCALATOR]   = { 4, 2, 2, 2, 2, 2, 3,10,46,80,88,92, 94,92,90,90,92,96, 100,100,92,66,22, 8 },
	[LOAD_LIFT]        = { 12, 8, 7, 7, 7, 8, 14,32,60,76,82,90, 92,84,80,80,84,94, 100,96,84,60,34,18 },
	[LOAD_AIR]         = { 12,10,10,10,10,12, 18,40,74,90,96,98, 100,100,100,98,96,96, 96,94,88,60,26,14 },
	[LOAD_PUMP]        = { 18,14,14,14,14,18, 40,62,72,76,84,96, 100,86,70,66,72,88, 98,92,78,56,36,24 },
	[LOAD_SHOP_WATER]  = { 0, 0, 0, 0, 0, 0, 10,30,40,48,70,92, 100,90,50,38,40,66, 92,100,84,56,22, 4 },
	/* clang-format on */
};

const char *load_word(enum load_kind kind)
{
	return words[kind];
}

const char *load_title(enum load_kind kind)
{
	return titles[kind];
}

/* The finishing steps of splitmix64: every input bit reaches every output bit. */
static uint64_t mix(uint64_t x)
{
	x += UINT64_C(0x9e3779b97f4a7c15);
	x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
	return x ^ (x >> 31);
}

int load_noise(uint32_t seed, uint32_t meter, uint64_t moment, int amplitude)
{
	uint64_t h = mix(mix((uint64_t)seed << 32 | meter) ^ moment);

	if (amplitude <= 0)
		return 0;
	return (int)(h % (2 * (uint64_t)amplitude + 1)) - amplitude;
}

/* Days differ, and a mall is busier at weekends: 700..1000 thousandths. */
static int day_permille(uint32_t seed, uint32_t meter, int32_t day)
{
	bool weekend = (day + 3) % 7 >= 5; /* day 0 was a Thursday */

	return 800 + (weekend ? 100 : 0) +
	       load_noise(seed, meter, UINT64_C(1) << 40 | (uint32_t)day, 100);
}

int load_permille(enum load_kind kind, uint32_t seed, uint32_t meter, int32_t day, int32_t second)
{
	int hour = second / 3600;
	int part = second % 3600 / 60; /* minute */
	int base = (curves[kind][hour] * (60 - part) + curves[kind][(hour + 1) % 24] * part) / 6;
	uint64_t minute = (uint64_t)(uint32_t)day * 1440 + (uint64_t)(second / 60);
	int wobble =
		load_noise(seed, meter, minute / 15, 100) + load_noise(seed, meter, ~minute, 50);

	return base * (1000 + wobble) / 1000 * day_permille(seed, meter, day) / 1000;
}
