/* Any bytes from a gateway that dials in: first byte which patterns, then the stream. What is taken
 * for a frame has a right CRC and came from these bytes. */
#include <string.h>

#include "meter/dialin.h"

static const char *const beats[] = { "", "ping", "\\x00", "\\xFE \\x00\\x01",
	"{id}\\r\\n \\x01\\x03" };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct dial_patterns p;
	uint8_t out[FRAME_MAX];
	size_t n = 0, used = 0;
	uint16_t crc;

	if (size < 1)
		return 0;
	ASSERT(dial_patterns_read("DTU-1", "", beats[data[0] % ARRAY_LEN(beats)], &p, NULL) ==
		ERR_OK);
	data++;
	size--;
	if (dial_hello(&p, data, size) == DIAL_KNOWN)
		ASSERT(dial_is_quiet(&p, data, size));
	ASSERT(dial_tail(&p, data, size) <= size);
	while (dial_frame(&p, data, size, out, &n, &used) == DIAL_FRAME) {
		ASSERT(n >= 5 && n <= FRAME_MAX && used >= n && used <= size);
		crc = frame_crc(out, n - 2);
		ASSERT(out[n - 2] == (uint8_t)crc && out[n - 1] == crc >> 8);
		data += used;
		size -= used;
	}
	return 0;
}
