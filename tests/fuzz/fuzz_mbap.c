/* Arbitrary bytes on the socket of a simulated gateway: found frames must build back to the same
 * bytes, parsed requests must keep their bounds, and the meters must answer or refuse. */
#include <stdlib.h>
#include <string.h>

#include "sim/device.h"
#include "sim/fault.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct device *devices(void)
{
	static struct device made[3];
	static struct mall *mall;
	static const int units[] = { 3, 65, 71 };
	static struct models *models; /* kept for the devices */
	struct problem why;

	if (mall)
		return made;
	mall = mall_make(1, 0, 1);
	ASSERT(models_open(NULL, &models, &why) == ERR_OK);
	for (size_t i = 0; i < ARRAY_LEN(units); i++) {
		const struct mall_meter *m = mall_meter(mall, 0, units[i]);

		device_init(&made[i], m, models_find(models, m->model), 1, 1);
	}
	return made;
}

static void serve(const struct mbap_frame *frame)
{
	struct modbus_request req;
	uint16_t values[MBAP_READ_MAX] = { 0 };
	uint8_t bytes[MBAP_FRAME_MAX + GARBAGE_ROOM];
	struct mbap_frame reply = *frame;
	enum modbus_exception bad = modbus_parse(frame->pdu, frame->pdu_n, &req);
	bool switched;

	if (!bad)
		bad = device_answer(&devices()[frame->unit % 3], &req, 0, values, &switched);
	if (bad)
		reply.pdu_n = modbus_reply_exception(frame->pdu[0], bad, reply.pdu);
	else if (modbus_is_write(req.function))
		reply.pdu_n = modbus_reply_write(&req, reply.pdu);
	else
		reply.pdu_n = modbus_reply_read(&req, values, reply.pdu);
	ASSERT(garbage_apply((enum garbage)(frame->transaction % GARBAGE__MAX), bytes,
		       mbap_build(&reply, bytes)) <= sizeof bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t done = 0;

	for (;;) {
		struct mbap_frame frame;
		uint8_t again[MBAP_FRAME_MAX];
		size_t used = 0;

		if (mbap_parse(data + done, size - done, &frame, &used) != MBAP_FRAME)
			return 0;
		ASSERT(used > 0 && used <= size - done);
		ASSERT(mbap_build(&frame, again) == used);
		ASSERT(memcmp(again, data + done, used) == 0);
		serve(&frame);
		done += used;
	}
}
