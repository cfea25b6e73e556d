#pragma once
/* The state file of one gateway: what its meters must remember over a restart. Written whole to a
 * new file, synced, and renamed, so that there is always one that is complete. */
#include "sim/device.h"

/* Raises the ceilings by what each device can count within ahead_ms (0 at a clean stop), writes the
 * file, and only then lets the devices answer up to the new ceilings. On an error nothing changes.
 */
MUST_USE enum err state_save(const char *path, struct device *devices, size_t n, int64_t ahead_ms);

/* Takes the state of each device that the file knows. Registers begin at their saved ceilings:
 * never below what was answered, and at most ahead_ms of use above what was counted. ERR_NOT_FOUND
 * without a file; a file that cannot be understood is an error, and no device changes. */
MUST_USE enum err state_load(
	const char *path, struct device *devices, size_t n, struct problem *why);
