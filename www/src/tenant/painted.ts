// On a slow line what came with the page is on the screen long before its script; on a fast one the script
// would be first, and the phone would work for tens of milliseconds before it shows anything.

/** The wait is for a frame; where none comes, it ends. */
const LONGEST_MS = 200;

/** When the page has been on the screen, or nobody looks, or the browser does not tell. */
export function painted(): Promise<void> {
	const told = typeof PerformanceObserver === 'function' && (PerformanceObserver.supportedEntryTypes || []).includes('paint');
	if (!told || document.visibilityState === 'hidden') return Promise.resolve();
	return new Promise((done) => {
		setTimeout(done, LONGEST_MS);
		new PerformanceObserver((seen, self) => {
			if (!seen.getEntriesByName('first-contentful-paint').length) return;
			self.disconnect();
			done();
		}).observe({ type: 'paint', buffered: true });
	});
}
