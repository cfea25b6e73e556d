// What every modal sheet does: Esc closes it, focus stays inside and goes back to where it came from.
import { nextTick, onBeforeUnmount, onMounted, type Ref } from 'vue';

const FOCUSABLE = 'button:not(:disabled), [href], input:not(:disabled), select, textarea, [tabindex]:not([tabindex="-1"])';

/** Of the sheet's element `box`; answers what its keys do. */
export function use_sheet(box: Ref<HTMLElement | null>, close: () => void): (event: KeyboardEvent) => void {
	let from: Element | null = null;

	function on_key(event: KeyboardEvent): void {
		if (event.key === 'Escape') {
			event.stopPropagation();
			return close();
		}
		if (event.key !== 'Tab' || !box.value) return;
		const all = Array.from(box.value.querySelectorAll<HTMLElement>(FOCUSABLE));
		const edge = event.shiftKey ? all[0] : all[all.length - 1];
		const inside = box.value.contains(document.activeElement);
		if (inside && document.activeElement !== edge && document.activeElement !== box.value) return;
		event.preventDefault();
		(event.shiftKey ? all[all.length - 1] : all[0])?.focus();
	}

	onMounted(async () => {
		from = document.activeElement;
		document.body.classList.add('behind');
		await nextTick();
		const first = box.value?.querySelector<HTMLElement>('[autofocus]') || box.value;
		first?.focus();
	});
	onBeforeUnmount(() => {
		document.body.classList.remove('behind');
		if (from instanceof HTMLElement) from.focus();
	});
	return on_key;
}
