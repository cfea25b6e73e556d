import { both } from '../words';

export const zh = {
	text: '余额低于这些数时通知您，用完断电前还会再通知一次。',
	unit: '按什么提醒',
	units: { yuan: '元', kwh: 'kWh', m3: 'm³' },
	warn1: (u: string) => `第一次提醒（${u}）`,
	warn2: (u: string) => `第二次提醒（${u}）`,
	about: (a: string, b: string) => `约合 ${a} 和 ${b}`,
	bad: '两个数都要填，第二次不高于第一次，最高 100000',
	ways: '通知方式',
	way: { wechat_or_sms: '微信优先，收不到再发短信', sms: '只发短信', both: '微信和短信都发' },
	lang: '通知语言',
	save: '保存',
	saved: '已保存',
	sent: '看发过的通知',
	changed: '有改动还没有保存',
};

export const en: typeof zh = {
	text: 'You are told when the balance falls below these, and once more before supply is cut.',
	unit: 'Alert by',
	units: { yuan: 'yuan', kwh: 'kWh', m3: 'm³' },
	warn1: (u) => `First alert (${u})`,
	warn2: (u) => `Second alert (${u})`,
	about: (a, b) => `about ${a} and ${b}`,
	bad: 'Fill in both; the second not above the first, at most 100000',
	ways: 'How to be told',
	way: { wechat_or_sms: 'WeChat, and SMS if it does not arrive', sms: 'SMS only', both: 'WeChat and SMS' },
	lang: 'Language of messages',
	save: 'Save',
	saved: 'Saved',
	sent: 'Messages that were sent',
	changed: 'Changes are not saved yet',
};

export const w = both(zh, en);
