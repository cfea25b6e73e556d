/* Tells those who watch which services this worker can use. */
#include <stdio.h>

#include "domain/servicestate.h"
#include "worker/jobs.h"

/* Services are known by the section of their settings. */
static enum err put(struct tools *t, const char *name, const struct problem *off, struct utc now)
{
	char why[200] = "";

	if (off && off->field[0])
		snprintf(why, sizeof(why), "%.60s: %.120s", off->field, off->text);
	return service_state_put(
		t->db, str_eq(name, "wechat") ? "wechat_pay" : name, !off, why, now);
}

enum err job_services(struct tools *t, struct utc now)
{
	enum err e = ERR_OK;

	for (size_t i = 0; e == ERR_OK && i < pay_service_count; i++)
		e = put(t, pay_services[i].name, pay_off(t->pay, pay_services[i].name), now);
	for (size_t i = 0; e == ERR_OK && i < notice_channel_count; i++)
		e = put(t, notice_channels[i].name, notice_channels[i].off(t->notice), now);
	return e;
}
