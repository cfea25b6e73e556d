#include "fcgi/device_model.h"

#include <string.h>

#include "base/str.h"
#include "domain/credit.h"
#include "meter/model.h"

static bool applies_ratios(const struct model *m)
{
	for (size_t i = 0; i < m->point_count; i++)
		if (m->points[i].by_ct || m->points[i].by_pt)
			return true;
	return false;
}

static bool is_address(const char *unit)
{
	size_t n = strlen(unit);
	int64_t number;

	if (i64_parse(unit, 1, 247, &number) == ERR_OK)
		return true;
	return (n == 12 || n == 14) && strspn(unit, "0123456789") == n;
}

enum err device_model(const char *models_dir, const char *model, const char *unit,
	const char *utility, struct device_model *out, struct problem *why)
{
	AUTO(models_free) struct models *models = NULL;
	const struct model *m;
	enum err e = models_open(models_dir, &models, why);

	if (e != ERR_OK)
		return e;
	m = models_find(models, model);
	if (!m)
		return problem_set(why, ERR_BAD_VALUE, "new.model", "there is no model %s", model);
	if ((m->utility == UTILITY_WATER) != str_eq(utility, "water"))
		return problem_set(
			why, ERR_BAD_VALUE, "new.model", "%s does not measure %s", model, utility);
	if (!is_address(unit))
		return problem_set(why, ERR_BAD_VALUE, "new.unit",
			"a Modbus unit from 1 to 247, or an address of 12 or 14 digits");
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
	*out = (struct credit_facts){ units[m->credit_unit], m->purchase.step_milli,
		m->purchase.adds };
	return ERR_OK;
}
