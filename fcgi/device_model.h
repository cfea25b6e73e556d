#pragma once
/* What the model of a new device says about it. */
#include "base/err.h"

struct credit_facts;
/* models_dir: the site's own model files, as the poller has them; NULL: none. */

/* How meters of a model keep their credit. ERR_CONFLICT: they do not, or it cannot be written. */
MUST_USE enum err credit_model(
	const char *models_dir, const char *model, struct credit_facts *out, struct problem *why);

struct device_model {
	bool switchable; /* relay or valve can be driven and read back */
	bool own_ratio;	 /* its registers have the transformer ratios in them */
};
/* ERR_BAD_VALUE: there is no such model, it measures something else, or the address is none. */
MUST_USE enum err device_model(const char *models_dir, const char *model, const char *unit,
	const char *utility, struct device_model *out, struct problem *why);
