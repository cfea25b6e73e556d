// What a person chose for this browser: language and type size.
import { reactive, watchEffect } from 'vue';
import { keep, kept } from './store';

export type Lang = 'zh' | 'en';

/** Chinese first, whatever the browser says; the other language is one press away on every first page. */
function first_lang(): Lang {
	return kept('yufu.lang') === 'en' ? 'en' : 'zh';
}

export const prefs = reactive({ lang: first_lang(), large: kept('yufu.large') === '1' });

/** Keeps the choices and tells the page about them. */
export function prefs_init(): void {
	watchEffect(() => {
		keep('yufu.lang', prefs.lang);
		keep('yufu.large', prefs.large ? '1' : null);
		document.documentElement.lang = prefs.lang === 'zh' ? 'zh-CN' : 'en';
		document.documentElement.classList.toggle('large', prefs.large);
	});
}
