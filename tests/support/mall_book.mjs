// A mall of any size as the rows of a workbook.
import { Day } from './sheets.mjs';

/** The Duyun mall: 300 shops and 50 public meters behind five gateways, which never come to be
 * reached. */
export function mall(prefix, meters = 350, perGateway = 70, typed = true) {
	const day = (text) => (typed ? new Day(text) : text);
	const number = (n) => (typed ? n : String(n));
	const gateways = Math.ceil(meters / perGateway);
	const shops = Math.floor((perGateway * 6) / 7);
	const book = {
		项目: [['编码', '名称', '用户类型'], [prefix, '都匀商场', '商铺']],
		区域: [['上级', '编码', '名称', '项目', '类型', '面积']],
		网关: [['编码', '名称', '项目', '区域', '通讯方式', '地址']],
		电价: [['编码', '名称', '文件', '单价'], [`${prefix}-flat`, '单一电价', '', number(0.6583)], [`${prefix}-tou`, '分时', JSON.stringify({
			code: `${prefix}-tou`, name: '分时', utility: 'electricity', versions: [{
				effective_from: '2026-01-01T00:00:00+08:00',
				calendar: [{ days: 'all', slots: [['00:00', 'valley'], ['08:00', 'peak']] }],
				prices: { peak: ['1.0987'], valley: ['0.312'] },
			}],
		}), '']],
		表计: [['编码', '名称', '网关', '表地址', '型号', '表号', '能源类型', '用途', '区域', 'CT变比', '额定电流', '起始读数', '电价', '计费方式', '功率限值', '负荷等级']],
		租户: [['编码', '名称', '电话', '联系电话', '房号', '表计', '起租日期', '面积', '物业费']],
		账户: [['租户', '用途', '期初余额', '报警1', '报警2', '透支限额']],
		公摊: [['源表', '租户', '比例']],
	};
	for (let g = 1; g <= gateways; g++) {
		book.区域.push([`${prefix}-B`, `${prefix}-R${g}`, `${g}号竖井`, prefix, '竖井', '']);
		book.网关.push([`${prefix}-G${g}`, `${g}号网关`, prefix, `${prefix}-R${g}`, 'dial-in', `${prefix}-DTU-${g}`]);
	}
	book.区域.push(['', `${prefix}-B`, '一期', prefix, '楼栋', number(1200.5)]);
	for (let i = 0; i < meters; i++) {
		const g = Math.floor(i / perGateway) + 1;
		const unit = (i % perGateway) + 1;
		const shop = unit <= shops;
		const code = `${prefix}-${String(i + 1).padStart(5, '0')}`;
		book.表计.push([code, `${i + 1}号表`, `${prefix}-G${g}`, number(unit), 'acrel-dtsy1352', String(24090000000 + i), '电',
			shop ? '租户' : '公区', `${prefix}-R${g}`, number(1), number(20), number(0), `${prefix}-${i % 2 ? 'flat' : 'tou'}`, shop ? '账户' : '不计费', number(8000), '普通']);
		if (shop) {
			book.租户.push([`T${code}`, `商户${i + 1}`, `137${String(i + 1).padStart(8, '0')}`, '', String(i + 1).padStart(4, '0'), code, day('2026-03-01'), number(86.5), number(500)]);
			book.账户.push([`T${code}`, '电费', number(200), number(50), number(20), ''], [`T${code}`, '物业费', number(1000), '', '', '']);
		} else if (unit === perGateway || i + 1 === meters) {
			const first = book.租户.at(-1)[0];
			book.公摊.push([code, first, number(0.25)], [code, book.租户.at(-2)[0], number(0.5)]);
		}
	}
	return book;
}
