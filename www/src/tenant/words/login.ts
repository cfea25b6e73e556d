import { both } from '../words';

export const zh = {
	hello: '水电预付，随时看得见',
	phone: '手机号',
	phone_hint: '开户时登记的手机号',
	phone_bad: '请填写 11 位手机号',
	by_password: '密码登录',
	by_code: '短信登录',
	code: '验证码',
	code_bad: '请填写短信里的 6 位数字',
	password_bad: '请填写密码',
	send: '获取验证码',
	again_in: (s: number) => `${s} 秒后可重发`,
	sent: (phone: string) => `如果 ${phone} 已登记，验证码很快送达，5 分钟内有效。`,
	not_come: '收不到？看看手机是否拦截了短信，或改用密码登录。',
	staff: '这是工作人员账号，请到管理页面登录。',
	staff_link: '去管理页面',
	help: '登录不了？请到物业服务台核对登记的手机号。',
	privacy: '本页只用手机号核对身份和发送提醒；用电记录只有您和物业能看到。',
	ended: '登录已失效，请重新登录。填写的内容还在。',
};

export const en: typeof zh = {
	hello: 'Prepaid power and water, always in sight',
	phone: 'Phone number',
	phone_hint: 'The number you gave when you signed up',
	phone_bad: 'Enter a phone number of 11 digits',
	by_password: 'Password',
	by_code: 'SMS code',
	code: 'Code',
	code_bad: 'Enter the 6 digits of the message',
	password_bad: 'Enter your password',
	send: 'Send code',
	again_in: (s) => `Again in ${s} s`,
	sent: (phone) => `If ${phone} is registered, the code is on its way. It is valid for 5 minutes.`,
	not_come: 'Nothing came? See whether the phone blocked it, or sign in by password.',
	staff: 'This is a staff account. Sign in on the staff page.',
	staff_link: 'Staff page',
	help: 'Cannot sign in? The service desk can check your phone number.',
	privacy: 'Your phone number is used to know you and to send alerts; only you and the property see your usage.',
	ended: 'You have been signed out. What you typed is still there.',
};

export const w = both(zh, en);
