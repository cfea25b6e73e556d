import { reactive } from 'vue';

export const toast = reactive({ text: '' });
let timer = 0;

/** Says something for a few seconds. */
export function say(text: string): void {
	toast.text = text;
	clearTimeout(timer);
	timer = window.setTimeout(() => { toast.text = ''; }, 5000);
}
