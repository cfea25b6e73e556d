import { both } from '../words';

export const zh = {
	manual: '物业已停止供应，充值不会恢复。请联系物业服务台。',
	reason: { overload: '用电过载，已断电。请减少用电设备，再联系物业服务台恢复。', schedule: '现在是定时断电时段，到时自动恢复。', sub_tenant: '上级用户已为您断电，请与对方联系。', vacant: '这户已登记为空置，供应已停止。请联系物业服务台。', safety: '因安全原因停止供应。请联系物业服务台。' } as Record<string, string>,
};

export const en: typeof zh = {
	manual: 'The property has switched the supply off. A top-up does not bring it back: please contact the service desk.',
	reason: { overload: 'Cut by overload. Switch some devices off, then ask the service desk to restore the supply.', schedule: 'This is a scheduled pause; supply returns by itself.', sub_tenant: 'The head tenant has switched your supply off. Please ask them.', vacant: 'This shop is registered as vacant and has no supply. Please contact the service desk.', safety: 'Supply is off for safety. Please contact the service desk.' },
};

export const w = both(zh, en);
