import { computed, shallowRef, type ComputedRef } from 'vue';
import type { ApiError } from '../shared/client';
import { prefs } from '../shared/prefs';
import { zh, type Words } from './zh';

const en = shallowRef<Words | null>(null);

/** The words of every page, in the chosen language; Chinese until the others have come. */
export const t = computed(() => (prefs.lang === 'en' && en.value) || zh);

/** The words of one page: they come with it, in both languages, and stay out of the first load. */
export function both<T>(chinese: T, english: T): ComputedRef<T> {
	return computed(() => (prefs.lang === 'en' ? english : chinese));
}

/** Fetches the words of the chosen language if they are not here yet. */
export async function words_load(): Promise<void> {
	if (prefs.lang === 'en' && !en.value) en.value = (await import('./en')).en;
}

/** What an error means to a person. */
export function why(error: ApiError): string {
	const known = t.value.error[error.code];
	return known || t.value.error_detail(t.value.error.internal!, error.detail || error.code);
}
