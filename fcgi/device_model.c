#include "fcgi/device_model.h"

#include "base/str.h"
#include "domain/credit.h"
#include "meter/meter.h"

static bool applies_ratios(const struct model *m)
{
	for (size_t i = 0; i < m->point_count; i++)
		if (m->points[i].by_ct || m->points[i].by_pt)
			return true;
	return false;
}

enum err device_model(const char *models_dir, const char *model, const char *unit,
	const char *utility, struct device_model *out, struct problem *why)
{
	AUTO(models_free) struct models *models = NULL;
	const struct model *m;
	struct meter_address at;
	struct problem inner = { 0 };
	enum err e = models_open(models_dir, &models, why);

	if (e != ERR_OK)
		return e;
	m = models_find(models, model);
	if (!m)
		return problem_set(why, ERR_BAD_VALUE, "new.model", "there is no model %s", model);
	if ((m->utility == UTILITY_WATER) != str_eq(utility, "water"))
		return problem_set(
			why, ERR_BAD_VALUE, "new.model", "%s does not measure %s", model, utility);
	if (meter_address_parse(m, unit, &at, &inner) != ERR_OK)
		return problem_set(
			why, ERR_BAD_VALUE, "new.unit", "the unit of a %s %s", m->name, inner.text);
	out->switchable = model_can(m, ACT_OFF) && m->supply_count > 0;
	out->own_ratio = applies_ratios(m);
	return ERR_OK;
}

enum err credit_model(
	const char *models_dir, const char *model, struct credit_facts *out, struct problem *why)
{
	static const char *const units[] = { "", "yuan", "kwh", "m3" };
	AUTO(models_free) struct models *models = NULL;
	const struct model *m;
	enum err e = models_open(models_dir, &models, why);

	if (e != ERR_OK)
		return e;
	m = models_find(models, model);
	if (!m || !model_keeps_credit(m))
		return problem_set(why, ERR_CONFLICT, "billing",
			"meters of the model %s do not keep credit that can be written", model);
	*out = (struct credit_facts){ .unit = units[m->credit_unit],
		.step_milli = m->purchase.step_milli,
		.adds = m->purchase.adds,
		.prepaid = model_sets(m, METER_PREPAID) };
	if (m->credit_unit == CREDIT_YUAN) /* others know no prices */
		model_holds(m, out->hold.rates, &out->hold.price_step_micro, &out->hold.slots_max);
	return ERR_OK;
}
