// One stroke set, drawn on a grid of 24. These are what tenants see; an app may have more.

export const ICONS = {
	home: 'M4 11 12 4l8 7v9h-5v-6H9v6H4z',
	usage: 'M5 20V10M12 20V4M19 20v-7',
	records: 'M6 3h12v18l-3-2-3 2-3-2-3 2zM9 8h6M9 12h6',
	me: 'M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM4.5 20.5c1-4 4-5.5 7.5-5.5s6.5 1.5 7.5 5.5',
	bolt: 'M13 3 5 14h6l-1 7 8-11h-6z',
	drop: 'M12 3c4 5 6 7.8 6 11a6 6 0 0 1-12 0c0-3.2 2-6 6-11z',
	check: 'm5 12.5 4.5 4.500L19 7.5',
	chevron: 'm6 9 6 6 6-6',
	left: 'm15 5-7 7 7 7',
	right: 'm9 5 7 7-7 7',
	close: 'M6 6l12 12M18 6 6 18',
	warn: 'M12 4 2.5 20h19zM12 10v4.500M12 17.300v.2',
	offline: 'M3 3l18 18M8.5 15.500a5 5 0 0 1 7 0M5 12a10 10 0 0 1 4.5-2.600M14 9.300A10 10 0 0 1 19 12M12 19.200v.1',
	spin: 'M12 4a8 8 0 1 1-8 8',
	shop: 'M4 10v10h16V10M3 10l2-6h14l2 6a3 3 0 0 1-6 0 3 3 0 0 1-6 0 3 3 0 0 1-6 0zM10 20v-5h4v5',
	bell: 'M6 16V11a6 6 0 0 1 12 0v5l2 2H4zM10 21h4',
};

export const PATHS: Record<string, string> = { ...ICONS };
