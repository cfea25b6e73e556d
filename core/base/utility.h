#pragma once
/* What is metered. The one enumeration that both the meters and the rules speak of. */
enum utility { UTILITY_ELECTRICITY, UTILITY_WATER, UTILITY__MAX };
