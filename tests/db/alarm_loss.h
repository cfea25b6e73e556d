#pragma once

/* Tests of losses that grow, run by test_alarm.c. */
void losses_that_grow_are_one_alarm_until_they_are_back(void **state);
void a_shaft_that_is_not_read_is_left_as_it_is(void **state);
