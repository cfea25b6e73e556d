import { both } from '../words';

export const zh = {
	display: '显示',
	language: '语言',
	type_size: '字号',
	normal: '标准', large: '大字',
	more: '设置与服务',
	alerts: '余额提醒',
	alerts_hint: '低于多少时通知我',
	price: '电价与公摊',
	price_hint: '各时段单价、下次调价',
	subs: '下级用户',
	subs_hint: '为下级用户断电或供电',
	devices: '登录设备',
	devices_hint: '查看并退出其他手机',
	password: '修改密码',
	former: '已结束的合同',
	former_hint: '以前的账单和明细',
	help: '遇到问题请联系物业服务台。',
};

export const en: typeof zh = {
	display: 'Display',
	language: 'Language',
	type_size: 'Type size',
	normal: 'Normal', large: 'Large',
	more: 'Settings and services',
	alerts: 'Balance alerts',
	alerts_hint: 'Below which balance to be told',
	price: 'Prices and shared costs',
	price_hint: 'Price by hour, next change',
	subs: 'Sub-tenants',
	subs_hint: 'Switch their supply',
	devices: 'Signed-in devices',
	devices_hint: 'See and sign out other phones',
	password: 'Change password',
	former: 'Ended contracts',
	former_hint: 'Bills and statements of before',
	help: 'Questions? Please contact the service desk.',
};

export const w = both(zh, en);
