#pragma once
/* The model files of core/meter/models, as the build has put them into the program. */
#include <stddef.h>

struct model_text {
	const char *file;
	const unsigned char *bytes;
	size_t n;
};
extern const struct model_text models_builtin[];
extern const size_t models_builtin_count;
