#pragma once
/* Meters that speak DL/T 645-2007 or CJ/T 188-2004, as they hang on a serial line: what one makes
 * of a frame. Written down from the standards' frames, apart from the poller's code, so that the
 * two can disagree. Pure: no sockets, no clock. */
#include "base/err.h"

enum line_protocol { LINE_DLT645, LINE_CJT188 };

/* clang-format off */
#define LINE_FAULTS(X)                                                                             \
	X(NONE,     "none")                                                                        \
	X(SILENT,   "silent")   /* hears nothing */                                                \
	X(ERROR,    "error")    /* refuses whatever it is asked */                                 \
	X(CHECKSUM, "checksum") /* its sum is wrong */                                             \
	X(LEADERS,  "leaders")  /* twenty FE and some noise in front of each answer */             \
	X(FOREIGN,  "foreign")  /* another meter's answer comes before its own */                  \
	X(ECHO,     "echo")     /* the request itself comes back first */                          \
	X(LATE,     "late")     /* keeps each answer back until it is asked again */               \
	X(SPLIT,    "split")    /* the energy block in two frames */                               \
	X(DIGITS,   "digits")   /* an energy whose digits are none */                              \
	X(STUCK,    "stuck")    /* takes an order, and moves neither relay nor valve */
/* clang-format on */

enum line_fault {
#define X(name, word) LINE_FAULT_##name,
	LINE_FAULTS(X)
#undef X
		LINE_FAULT__MAX
};
const char *line_fault_word(enum line_fault f);
MUST_USE enum err line_fault_parse(const char *word, enum line_fault *out);

enum { LINE_FRAME_MAX = 300, LINE_VALVE_MS = 8000 };

struct line_meter {
	enum line_protocol protocol;
	uint8_t address[7];	/* low pair first; 6 or 7 bytes count */
	int64_t register_milli; /* Wh or litres */
	int64_t power_w, credit_fen;
	int purchases;
	uint8_t password[4]; /* level and three bytes; another one is refused */
	bool closed;	     /* relay: current can flow; valve: water can */
	bool keeps;	     /* power is kept: trips are refused */
	int valve_ms;	     /* how long a valve moves */
	int64_t valve_until_ms;
	bool valve_to;	       /* where it moves to */
	int64_t wall_offset_s; /* its clock, against the time given */
	enum line_fault fault;
	int asked, acted;
	uint8_t kept[LINE_FRAME_MAX]; /* an answer that is late */
	size_t kept_n;
};

struct line_moment {
	int64_t wall_s; /* seconds since 1970 of a clock on the wall beside the meter */
	int64_t mono_ms;
};

/* An address of 12 (DL/T 645) or 14 digits (CJ/T 188). Relay closed, valve open. */
void line_meter_init(struct line_meter *m, enum line_protocol protocol, const char *address);

/* How long the frame is that begins here, without leaders: 0 while that cannot be said, or when it
 * is none of the protocol. */
size_t line_frame_length(enum line_protocol protocol, const uint8_t *bytes, size_t n);

/* What the meter sends in answer to a whole frame; 0: nothing. */
size_t line_meter_answer(struct line_meter *m, const uint8_t *frame, size_t n,
	const struct line_moment *now, uint8_t out[static LINE_FRAME_MAX]);
/* Lets a moving valve arrive. */
void line_meter_advance(struct line_meter *m, const struct line_moment *now);
