import { both } from '../words';

/** Ways to pay, as a payer knows them. */
export const zh: Record<string, string> = { wechat_jsapi: '微信支付', wechat_native: '微信支付', wechat_h5: '微信支付', alipay_wap: '支付宝', alipay_page: '支付宝', alipay_qr: '支付宝' };
export const en: typeof zh = { wechat_jsapi: 'WeChat Pay', wechat_native: 'WeChat Pay', wechat_h5: 'WeChat Pay', alipay_wap: 'Alipay', alipay_page: 'Alipay', alipay_qr: 'Alipay' };

export const way = both(zh, en);
