// Which of several sites a page is about: as the address says, else the first that the person sees.
import { computed } from 'vue';
import { route } from '../shared/router';
import { estate } from './list/estate';

export const site_now = computed(() => Number(route.query.site_id) || estate.data?.sites[0]?.id || 0);
