// What every modal sheet does: Esc closes it, focus stays inside and goes back to where it came from.
import { nextTick, onBeforeUnmount, onMounted, ref, type Ref } from 'vue';

const FOCUSABLE = 'button:not(:disabled), [href], input:not(:disabled), select, textarea, [tabindex]:not([tabindex="-1"])';

export interface SheetParts { box: Ref<HTMLElement | null>; on_key(event: KeyboardEvent): void }

export function use_sheet(close: () => void): SheetParts {
	const box = ref<HTMLElement | null>(null);
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
	return { box, on_key };
}
