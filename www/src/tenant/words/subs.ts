import { both } from '../words';

export const zh = {
	text: '下级用户接在您的电表下面。您可以为他们断电或恢复供电，每次操作都有记录。',
	none: '没有下级用户。接在您名下、另有电表的摊位可以由您添加。',
	off: '断电', on: '供电',
	off_sure: (n: string) => `确定给 ${n} 断电？对方会立即停电。`,
	on_sure: (n: string) => `确定给 ${n} 恢复供电？请先确认用电安全。`,
	sent: '已下发，等电表回读确认',
	was_off: '由您断电',
	other_cause: '供应由物业或欠费停止，您恢复不了。',
};

export const en: typeof zh = {
	text: 'Sub-tenants hang below your meter. You may cut and restore their supply; every act is recorded.',
	none: 'There are no sub-tenants.',
	off: 'Cut', on: 'Restore',
	off_sure: (n) => `Cut the supply of ${n}? It goes off at once.`,
	on_sure: (n) => `Restore the supply of ${n}? Make sure that it is safe.`,
	sent: 'Sent; waiting for the meter to confirm',
	was_off: 'Cut by you',
	other_cause: 'Cut by the property or for arrears: you cannot restore it.',
};

export const w = both(zh, en);
