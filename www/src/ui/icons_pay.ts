// Further strokes, of the ways to pay: they come with the page that offers them.
import { PATHS } from './icons';

export const PAY_ICONS = {
	wechat: 'M9.5 4C5.4 4 2 6.7 2 10c0 1.9 1.1 3.6 2.8 4.700L4 17l2.8-1.300c.9.2 1.7.300 2.7.300M15.5 9C11.9 9 9 11.3 9 14.200s2.9 5.3 6.5 5.300c.7 0 1.5-.1 2.1-.3L20 20.500l-.6-2.200c1.6-1 2.6-2.5 2.6-4.100C22 11.3 19.1 9 15.5 9z',
	alipay: 'M6 7h12M12 4v3M8 11h8c-1 4-4 7.5-8 7.5-5 0-5-5.5-.5-5.5 3.5 0 7.5 2.5 12.5 5',
};

Object.assign(PATHS, PAY_ICONS);
