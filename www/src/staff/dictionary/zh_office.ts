// Words of the office's own pages: settings, holidays, the brake, days that were shared, readings in doubt.
type Words = Record<string, string>;

export const zh_office = {
	fees_unpaid: (n: number, month: string) => `${month}：${n} 户物业费拖欠超过宽限期`,
	law_944: '《民法典》第九百四十四条：物业服务人不得采取停止供电、供水等方式催交物业费。开启前请先确认有合法依据。本操作须填写原因，由另一人审批后生效，并记入审计。',
	bounds: (min: string, max: string) => `从 ${min} 到 ${max}`,
	by_profile_empty: '留空表示按用户类型：住宅 22:00–07:00，商铺没有。',
	site_which: '项目', fee_run_would: (n: number, sum: string, shorts: number) => `将收取 ${n} 笔，共 ${sum}${shorts ? `；收取后 ${shorts} 户余额不足` : ''}。`,
	page_help: {
		invoices: '发票在税务平台开具，这里登记申请和结果：一笔充值只在一份申请里，金额为已付减已退。开具后又退款的，请红冲后重开。',
		doubtful: '这些表计的最新读数与已结算的读数接不上，已停止计费，等人判断。没有人决定之前不会因此断电。',
		days: '已日结的账不再改变：每日分录的校验值与前一日相连，yufu verify 可逐日核对。',
		fee_preview: '如果现在收取这个月，每笔费用会收多少、账户够不够；只是试算，不会收费。尚未开始的月份按月末计算。余额少的排在最前。',
		fee_cuts: '合同欠物业费超过宽限天数后列入名单。名单在“审批”中由另一人批准后才会断电；未开启“物业费欠费可断电”时没有名单。',
	} as Words,
	more_file: { audit_chain: '导出校验链' } as Words,
	doubt: {
		accept: (by: string, was: string, now: string) => `从 ${was} 到 ${now}（${by}）将视为真实用量，按电价收取。读数下降而认可，表示表计已走满归零，须先登记满度。`,
		rebase: (by: string, was: string, now: string) => `从现在的读数 ${now} 重新起算，与 ${was} 之间的差（${by}）不收费。`,
	},
	setting_page: {
		find: '查找参数', shipped: '出厂', changed: '已改', two: '双人', none_match: '没有符合的参数。',
		groups: { recharge: '充值与余额', cutting: '断电、免断时段与制动', fee: '物业费', persons: '双人审批', notice: '预警与告警', credit: '表内计费', other: '其他' } as Words,
	},
	holiday: {
		help: '项目自己的日历：决定免断时段和定时供电。电价按各自文件里的节假日，不受这里影响。', year: (y: string) => `${y} 年`, month: (m: number) => `${m} 月`, before: '上一年', after: '下一年', weekdays: ['一', '二', '三', '四', '五', '六', '日'],
		kind: { plain: '平常', holiday: '节假日', workday: '调休上班' } as Words, mark: { holiday: '休', workday: '班' } as Words, kind_label: '这些天是', name: '名称', name_hint: '如：国庆节', save: '保存', from: '从', to: '到', many: '最多 31 天', saved: (n: number) => `已保存 ${n} 天`,
		list: '本年已设', none: '本年还没有设置。', choose: '选择日历中的一天，或填写日期。', read_only: '您的账号只能查看。',
	},
	brake: {
		help: '一分钟内到期断电的户数超出常理时，制动自动启动：不再新断任何一户，等人核对。', on: '制动中：不新断任何一户', off: '未制动：欠费和定时断电照常', pulled_at: '启动', pulled_by: '启动人', by_machine: (n: number) => `系统，一分钟内 ${n} 户到期`, reason: '原因', waiting: '等待断电', people: (n: number) => `${n} 户`, released_at: '解除', released_by: '解除人', release_reason: '解除原因', never: '从未启动过。', last: '上一次',
		list: '解除后将断电的用户', list_none: '没有因制动而等待的用户。', warn: (n: number) => (n ? `解除后，${n} 户将在数秒内开始断电。请先核对下面的名单：余额、读数时间、电价是否可信。` : '解除后，断电照常进行。'), limits: '自动启动条件', count: (n: string) => `一分钟内超过 ${n} 户`, percent: (n: string) => `或超过可控供电点的 ${n}`,
	},
	share_day: {
		group: '公摊', none: '还没有公摊。', before: '前一天', after: '后一天', run_to: (day: string) => `已分摊至 ${day}`, begins: (day: string) => `自 ${day} 起分摊`, complete: '读数齐全', partial: '读数不齐，72 小时后按已有读数分摊', version: (n: number) => `第 ${n} 版`, version_more: '有迟到的用量，已整日重算并补记差额', run_at: (at: string) => `${at} 计算`,
		how: '怎么来的', net: '来源合计', priced: '按来源表的电价', split: { ratio: '按约定比例', area: '按建筑面积', equal: '平均' } as Words, rest: '其余归业主', parts: '各户', tenant: '租户', weight: '份额', use: '用量', charge: '金额', owner: '业主承担', total: '合计', ties: '各户与业主之和等于总数，逐位相等', differs: '各户与业主之和不等于总数',
		rounding: '先分用量、后计价：每一行（费率、阶梯、单价）按整瓦时（或升）用最大余数法拆分，余数归小数部分最大的户，相同时归合同编号小的户，业主最后；所以没有四舍五入误差。', lines: '按费率的明细', of: '其中', time: '当日只在合同期内的秒数计入份额。', bars: '各户用量',
	},
	what_if: {
		draft: '用尚未保存的修改试算', stored: '用已保存的电价试算', add: '再加一只表', meters: '表计', change: '差额', all: '合计', remove: '去掉', lines: (code: string) => `${code} 明细`, was_bar: '实际', would_bar: '试算', none: '这段时间没有已结算的用量。', chart: '实际收取与试算对比',
	},
	labels: { print: (n: number) => `打印 ${n} 张`, left: (n: number) => `公区表和总表 ${n} 块没有标签`, next: '下一批', help: '扫码即可给这块表充值：本店的人进入自己的充值页，别人在确认房号后代充。不显示余额和电话。', code: (code: string) => `表 ${code} 的充值二维码`, scan: '扫码充值' },
	list_view: {
		open: '列与筛选', title: '列与筛选', columns: '显示的列', columns_help: '只影响您在这个浏览器里看到的表格；详情和导出的文件不变。', saved: '保存的筛选', none: '还没有保存的筛选。', nothing: '先在列表上方设置筛选条件，再在这里保存。', name: (what: string) => `把“${what}”保存为`, save: '保存', kept: (name: string) => `已保存“${name}”`, remove: (name: string) => `删除“${name}”`,
	},
	system: {
		parts: '各部分', part: { database: '数据库', poller: '抄表', worker: '后台任务' } as Words, status: { ok: '正常', degraded: '部分异常', failed: '故障' } as Words, pollers: '抄表程序', no_pollers: '没有抄表程序在运行。', poller: '名称', buses: '带的总线', round: '最长一轮', seen: '最近报到', live: '运行中', gone: '已停',
		free: (n: number) => `${n} 组总线没有程序抄表`, jobs: '出问题的任务', jobs_well: '全部任务正常。', jobs_all: '全部任务', trouble: { failing: '连续失败', late: '到时未运行' } as Words, last_run: '上次运行',
		outside: '备份与核对', outside_help: '由服务器的定时任务执行，结束后用 yufu job done backup 或 yufu job done verify 报告；超过三十小时没有报告会告警。', never: '从未', last: (at: string) => `上次成功：${at}`, outside_state: { never: '没有报告过', ok: '正常', late: '逾期', failed: '上次失败' } as Words,
		outbox: '待发消息', waiting: '等待发出', due: '最早一条应发于', none_due: '没有逾期的', storage: '存储', bytes: '数据库大小（约）', kept: '原始读数', kept_days: (n: number, from: string) => `${n} 天，自 ${from}`, kept_none: '尚未归档',
		sealed: '日结', sealed_at: (day: string, at: string) => `${day}（${at} 完成）`, behind: (n: number) => `落后 ${n} 天`, audit: '审计校验链', rows: '已入链', unchained: '未入链', swept: '上次全面检查',
	},
	texts: {
		account: '用某个账户的真实数值', language: '语言', help: '文字是固定的，在这里只能查看：短信模板须在服务商处登记、审核，服务商发送的是登记的文字，登记时应与这里一致；短信猫发送的就是这里的文字，微信发送的是各字段的值。金额、房号等用示例，或用所选账户的数值。',
		ways: '发送途径', ways_unseen: '后台任务还没有报告过途径。', on: '已配置', off: '未配置', page: '租户页面上：', no_template: '没有配置模板，不经此发送', own: '自有文字', not_fit: (what: string) => `不符合字段要求，不会经此发送：${what}`,
		other_language: (name: string) => `（用${name}模板）`, size: (units: number, parts: number, coding: string) => `${units} 字 · ${parts} 条短信（${coding}）`,
		occasion: { cut: '将断供', uncut: '不断供' } as Words, audience: { tenant: '发给租户', login: '发给登录的人', duty: '发给值班人员' } as Words,
	},
	matrix: { find: '查找权限', copy: '复制' },
	json: { before: '之前', after: '之后', what: '项' },
	report_more: { compare: '对比上期', before: (from: string, to: string) => `虚线为上期 ${from} – ${to}`, printed: (at: string) => `${at} 打印`, group: { sale: '售电与资金', use: '用量与损耗', money: '费用与往来' } as Words },
};
