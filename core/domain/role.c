#include "domain/role.h"

#include <stdio.h>
#include <string.h>

const struct role_row roles[] = {
	{ "admin", "系统管理员" },
	{ "finance", "财务" },
	{ "cashier", "售电员" },
	{ "operator", "值班操作员" },
	{ "engineer", "工程师" },
	{ "viewer", "只读" },
};
const size_t role_count = ARRAY_LEN(roles);

const struct permission_row permissions[] = {
	{ "meter.read", "finance cashier operator engineer viewer" },
	{ "meter.control", "operator engineer" },
	{ "gateway.read", "operator engineer viewer" },
	{ "tenant.read", "finance cashier operator engineer viewer" },
	{ "account.read", "finance cashier operator viewer" },
	{ "sale.create", "cashier" },
	{ "day.seal", "finance" },
	{ "alarm.read", "finance cashier operator engineer viewer" },
	{ "alarm.ack", "operator engineer" },
	{ "tariff.read", "finance cashier operator engineer viewer" },
	{ "tariff.edit", "finance" },
	{ "entry.read", "finance cashier viewer" },
	{ "entry.reverse", "finance" },
	{ "refund.create", "finance" },
	{ "adjustment.create", "finance" },
	{ "invoice.edit", "finance" },
	{ "account.edit", "finance" },
	{ "approval.read", "finance operator engineer" },
	{ "contract.read", "finance cashier operator viewer" },
	{ "contract.edit", "finance operator" },
	{ "meter.edit", "engineer" },
	{ "setting.read", "finance operator engineer" },
	{ "setting.edit", "" },
	{ "fee.read", "finance cashier viewer" },
	{ "fee.edit", "finance" },
	{ "share.read", "finance viewer" },
	{ "share.edit", "finance" },
	{ "schedule.edit", "operator" },
	{ "report.read", "finance viewer" },
	{ "reconciliation.read", "finance" },
	{ "reconciliation.resolve", "finance" },
	{ "import.run", "engineer" },
	{ "audit.read", "finance" },
	{ "user.manage", "" },
	{ "webhook.manage", "" },
	{ "notice.read", "finance operator engineer" },
	{ "notice.edit", "operator" },
	{ "duty.edit", "operator" },
};
const size_t permission_count = ARRAY_LEN(permissions);

static const struct query Q_ROLE = { "SELECT id FROM role WHERE code = ?", &id_shape };
static const struct query Q_ROLE_ADD = { "INSERT INTO role (code, name) VALUES (?, ?)", NULL };
static const struct query Q_PERMISSION_ADD = {
	"INSERT IGNORE INTO role_permission (role_id, permission) VALUES (?, ?)", NULL
};
static const struct query Q_PERMISSION_DROP = {
	"DELETE FROM role_permission WHERE role_id = ? AND permission = ?", NULL
};
static const struct query Q_SITE = { "SELECT id FROM site WHERE code = ?", &id_shape };
static const struct query Q_TENANT = { "SELECT id FROM tenant WHERE code = ?", &id_shape };
static const struct query Q_USER = { "SELECT id FROM user WHERE username = ? AND kind = 'tenant'",
	&id_shape };
static const struct query Q_USER_ADD = {
	"INSERT INTO user (username, kind, name, phone, password_hash, role_id, site_id)"
	" VALUES (?, ?, ?, ?, ?, ?, ?)",
	NULL
};
static const struct query Q_USER_TENANT_ADD = {
	"INSERT INTO user_tenant (user_id, tenant_id) VALUES (?, ?)", NULL
};

static bool has_word(const char *words, const char *word)
{
	size_t n = strlen(word);

	for (const char *s = words; (s = strstr(s, word)); s += n)
		if ((s == words || s[-1] == ' ') && (s[n] == ' ' || s[n] == '\0'))
			return true;
	return false;
}

/* The shipped permissions of a role, no more and no less: nobody else changes them. */
static enum err permissions_install(struct db *db, const struct role_row *r, int64_t id)
{
	enum err e = ERR_OK;

	for (size_t i = 0; e == ERR_OK && i < permission_count; i++) {
		bool has = str_eq(r->code, "admin") || has_word(permissions[i].roles, r->code);

		e = db_exec(db, has ? &Q_PERMISSION_ADD : &Q_PERMISSION_DROP,
			ARGS(arg_i64(id), arg_text(permissions[i].name)), NULL);
	}
	return e;
}

static enum err role_install(struct db *db, const struct role_row *r)
{
	struct id_row row;
	enum err e = db_one(db, &Q_ROLE, ARGS(arg_text(r->code)), &row);

	if (e == ERR_NOT_FOUND) {
		e = db_exec(db, &Q_ROLE_ADD, ARGS(arg_text(r->code), arg_text(r->name)), NULL);
		row.id = db_insert_id(db);
	}
	return e == ERR_OK ? permissions_install(db, r, row.id) : e;
}

enum err roles_install(struct db *db)
{
	enum err e = ERR_OK;

	for (size_t i = 0; e == ERR_OK && i < role_count; i++)
		e = role_install(db, &roles[i]);
	return e;
}

static enum err find(struct db *db, const struct query *q, const char *field, const char *code,
	int64_t *id, struct problem *why)
{
	struct id_row row = { 0 };
	enum err e = code[0] ? db_one(db, q, ARGS(arg_text(code)), &row) : ERR_OK;

	if (e == ERR_NOT_FOUND)
		return problem_set(why, e, field, "there is no %s %s", field, code);
	if (e == ERR_OK)
		*id = row.id;
	return e;
}

enum err user_add(struct db *db, const struct user_new *u, const char *password_hash, int64_t *id,
	struct problem *why)
{
	bool staff = u->role[0] != '\0';
	int64_t role = 0, site = 0, tenant = 0;
	struct id_row user;
	enum err e = find(db, &Q_ROLE, "role", u->role, &role, why);

	if (e == ERR_OK)
		e = find(db, &Q_SITE, "site", u->site, &site, why);
	if (e == ERR_OK)
		e = find(db, &Q_TENANT, "tenant", u->tenant, &tenant, why);
	if (e != ERR_OK)
		return e;
	e = db_exec(db, &Q_USER_ADD,
		ARGS(arg_text(u->username), arg_text(staff ? "staff" : "tenant"), arg_text(u->name),
			arg_text(u->phone), arg_text(password_hash), arg_id(role), arg_id(site)),
		NULL);
	user.id = db_insert_id(db);
	if (e == ERR_ALREADY && !staff)
		e = db_one(db, &Q_USER, ARGS(arg_text(u->username)), &user);
	if (id)
		*id = user.id;
	if (e == ERR_OK && tenant)
		e = db_exec(db, &Q_USER_TENANT_ADD, ARGS(arg_i64(user.id), arg_i64(tenant)), NULL);
	return e;
}
