// Further strokes, of the staff's pages.
import { PATHS } from './icons';

export const STAFF_ICONS = {
	search: 'M10.5 17a6.5 6.5 0 1 0 0-13 6.5 6.5 0 0 0 0 13zM15.5 15.5 21 21',
	board: 'M4 5h4v4H4zM10 5h4v4h-4zM16 5h4v4h-4zM4 12h4v4H4zM10 12h4v4h-4zM16 12h4v4h-4zM4 19h16',
	desk: 'M3 7h18v10H3zM12 14.500a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5zM6 12h.1M18 12h.1',
	theme: 'M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18zM12 3v18M12 8l6.300-2.300M12 13l8.900-1M12 18l6.500-1',
	list: 'M4 6h16M4 12h16M4 18h16',
	print: 'M7 8V3h10v5M7 17H4V9h16v8h-3M7 14h10v7H7z',
	wave: 'M12 18.500v.1M8.5 15a5 5 0 0 1 7 0M5.5 12a9.3 9.3 0 0 1 13 0M2.5 9a13.500 13.500 0 0 1 19 0',
};

Object.assign(PATHS, STAFF_ICONS);
