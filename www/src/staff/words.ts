import { computed } from 'vue';
import type { ApiError } from '../shared/client';
import { prefs } from '../shared/prefs';
import { en } from './en';
import { zh } from './zh';

/** The words of the chosen language. */
export const t = computed(() => (prefs.lang === 'zh' ? zh : en));

/** What an error means to a person. */
export function why(error: ApiError): string {
	const known = t.value.error[error.code];
	return known || t.value.error_detail(t.value.error.internal!, error.detail || error.code);
}
