import { both } from '../words';

export const zh = {
	open: '给别家充值',
	code: '对方的表号',
	code_hint: '印在表上的标签里，请照着输入，大小写要一致。',
	next: '下一步',
	unknown: (code: string) => `没有可以充值的表 ${code}`,
	unknown_text: '请核对表号。空置的表、公区的表，或该处未开放代充的，都不能在这里充值。',
	power: '电表', water: '水表',
	room: '房号', name: '户名',
	not_yours: (who: string) => `这不是您的表：钱会充给 ${who}`,
};

export const en: typeof zh = {
	open: 'Pay for another shop',
	code: 'The code on their meter',
	code_hint: 'It is on the label of the meter. Capitals count.',
	next: 'Next',
	unknown: (code) => `Meter ${code} cannot be paid for`,
	unknown_text: 'Please check the code. Vacant and public meters, and places that do not let others pay, cannot be paid for here.',
	power: 'Meter', water: 'Water meter',
	room: 'Room', name: 'Name',
	not_yours: (who) => `This is not your meter: the money goes to ${who}`,
};

export const w = both(zh, en);
