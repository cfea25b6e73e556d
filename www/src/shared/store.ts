// Browser storage that may be absent, full or forbidden: then things are merely forgotten.

export function kept(name: string): string | null {
	try {
		return localStorage.getItem(name);
	} catch {
		return null;
	}
}

export function keep(name: string, value: string | null): void {
	try {
		if (value === null) localStorage.removeItem(name);
		else localStorage.setItem(name, value);
	} catch {
		// nothing depends on it
	}
}

/** Forgets every name that starts with `prefix`. */
export function forget(prefix: string): void {
	try {
		for (let i = localStorage.length - 1; i >= 0; i--) {
			const name = localStorage.key(i);
			if (name && name.startsWith(prefix)) localStorage.removeItem(name);
		}
	} catch {
		// nothing to forget
	}
}

/** As kept(), of this tab only. */
export function kept_here(name: string): string | null {
	try {
		return sessionStorage.getItem(name);
	} catch {
		return null;
	}
}

/** As keep(), for this tab only. */
export function keep_here(name: string, value: string | null): void {
	try {
		if (value === null) sessionStorage.removeItem(name);
		else sessionStorage.setItem(name, value);
	} catch {
		// nothing depends on it
	}
}
