// Where the site lies below its host: "" at the root, "/yufu" behind a path. A page knows it by where its own
// script came from, so the same built files serve any path.

/** The path of the site, from the address of a script of the page. */
export function prefix_of(script: string): string {
	return /^\w+:\/\/[^/]*(.*?)(?:\/staff)?\/assets\/[^/]+$/.exec(script)?.[1] || '';
}

export const prefix = prefix_of(import.meta.url);
