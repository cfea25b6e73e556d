// Where the site lies below its host: "" at the root, "/yufu" behind a path. A page knows it by where its own
// script came from, so the same built files serve any path.

/** The path of the site, from the address of a script of the page. */
export function prefix_of(script: string): string {
	return /^\w+:\/\/[^/]*(.*?)(?:\/staff)?\/assets\/[^/]+$/.exec(script)?.[1] || '';
}

export const prefix = prefix_of(import.meta.url);

/** The address of a place of the site, as the browser asks for it. */
export function placed(path: string, at = prefix): string {
	return path.startsWith('/') && !path.startsWith('//') && !path.startsWith(`${at}/`) ? at + path : path;
}

/** Links are written without the path of the site; where there is one, each gets it as it appears. The icon
 * is named by where the page was loaded from, and must not follow the address when that changes. */
export function prefix_init(): void {
	const icon = document.querySelector<HTMLLinkElement>('link[rel=icon]');
	if (icon) icon.setAttribute('href', icon.href);
	if (!prefix) return;
	const place = (a: Element): void => {
		const to = a.getAttribute('href')!;
		if (placed(to) !== to) a.setAttribute('href', placed(to));
	};
	new MutationObserver((all) => {
		for (const { target, addedNodes } of all) {
			if (target instanceof HTMLAnchorElement) place(target);
			addedNodes.forEach((n) => {
				if (n instanceof Element) [n, ...Array.from(n.querySelectorAll('a[href]'))].filter((a) => a.matches('a[href]')).forEach(place);
			});
		}
	}).observe(document, { subtree: true, childList: true, attributes: true, attributeFilter: ['href'] });
}
