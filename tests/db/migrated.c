/* What every test of a database begins with, made once: see tests/support/mariadb.sh. */
#include "db_fixture.h"

int main(void)
{
	void *db = NULL;

	if (fixture_open(&db) != 0)
		return 1;
	return fixture_close(&db);
}
