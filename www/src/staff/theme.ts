// Light or dark: as the system has it, or as a person chose for this browser. The style sheet knows
// only what the system says; its one condition is rewritten, so that no colour is written down twice.
import { ref, watchEffect } from 'vue';
import { keep, kept } from '../shared/store';

const THEMES = ['auto', 'light', 'dark'] as const;
export type Theme = (typeof THEMES)[number];

export const theme = ref<Theme>(THEMES.find((x) => x === kept('yufu.staff.theme')) || 'auto');
const dark_rules = new Set<CSSMediaRule>();

function find_rules(): void {
	for (const sheet of Array.from(document.styleSheets))
		for (const rule of Array.from(sheet.cssRules))
			if (rule instanceof CSSMediaRule && /prefers-color-scheme:\s*dark/.test(rule.media.mediaText)) dark_rules.add(rule);
}

export function theme_next(): void {
	theme.value = THEMES[(THEMES.indexOf(theme.value) + 1) % THEMES.length]!;
}

/** Paper is light whatever was chosen. */
const MEDIA: Record<Theme, string> = { auto: 'screen and (prefers-color-scheme: dark)', light: 'not all', dark: 'screen' };

export function theme_init(): void {
	find_rules();
	watchEffect(() => {
		keep('yufu.staff.theme', theme.value === 'auto' ? null : theme.value);
		for (const rule of dark_rules) rule.media.mediaText = MEDIA[theme.value];
		document.documentElement.style.colorScheme = theme.value === 'auto' ? '' : theme.value;
	});
}
