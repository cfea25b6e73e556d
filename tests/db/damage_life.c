/* Damage to supply, contracts, devices and readings. */
#include "damage.h"

static const struct damage list[] = {
	/* supply */
	{ "block_invented", "block", "MIN(id) INTO @s FROM supply_point",
		"INSERT INTO block (supply_point_id, kind, cause, since_at) VALUES (@s, 'arrears',"
		" 'account:999', 1)",
		"arrears_block_has_its_cause", "CONCAT('block:', @s, ':arrears:account:999')" },
	{ "block_gone", "block",
		"supply_point_id, SUBSTRING(cause, 9) INTO @s, @a FROM block WHERE kind = "
		"'arrears' LIMIT 1",
		"DELETE FROM block WHERE supply_point_id = @s", "arrears_have_their_block",
		ACCOUNT },
};

const struct damages damages_of_life = { list, ARRAY_LEN(list) };
