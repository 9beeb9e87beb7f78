/*-------------------------------------------------------------------------
 *
 * settings.c
 *		Marks of the server's settings, and a digest of all of them.
 *
 * The background worker is no session of anybody, so the values that it has
 * are those of the configuration.  It looks at them when it starts and after
 * each reload, and compares them with those of its last look.  These lie in
 * the file of the marks, so that a change while the server was down is seen,
 * too.
 *
 * What may hold a secret is kept and shown without its value: all that the
 * server itself hides, commands and connection strings, and settings that no
 * library has defined, of which nobody knows what they are.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "common/hashfn.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/guc_tables.h"

#include "archive.h"
#include "codec.h"
#include "compat.h"
#include "markfile.h"
#include "settings.h"

#define SHOWN_MAX	90			/* bytes of a value in a mark */

typedef struct Setting
{
	const char *name;
	const char *value;			/* or a hash of it */
	bool		hidden;
	bool		configured;		/* somebody has set it */
	int			flags;
} Setting;

typedef struct Settings
{
	int			n;
	Setting    *all;
} Settings;

/* ----------
 * As they are
 * ----------
 */

/* Thresholds change what we say, not what the server does. */
static bool
is_threshold(const char *name)
{
	static const char *const thresholds[] = {
#define PGD_THRESHOLD(name, default_value, max, description) \
		"pg_diagnose." #name,
#include "thresholdlist.h"
#undef PGD_THRESHOLD
	};

	for (int i = 0; i < lengthof(thresholds); i++)
	{
		if (strcmp(name, thresholds[i]) == 0)
			return true;
	}
	return false;
}

static bool
is_hidden(const struct config_generic *setting)
{
	static const char *const telling[] = {
		"command", "conninfo", "key", "passphrase", "password", "secret",
		"token",
	};

	if ((setting->flags & (GUC_SUPERUSER_ONLY | GUC_CUSTOM_PLACEHOLDER)) != 0)
		return true;
	for (int i = 0; i < lengthof(telling); i++)
	{
		if (strstr(setting->name, telling[i]) != NULL)
			return true;
	}
	return false;
}

static const char *
hash_of(const char *value)
{
	return psprintf("%016llx", (unsigned long long)
					DatumGetUInt64(hash_any_extended((const unsigned char *) value,
													 strlen(value), 0)));
}

static void
look_around(Settings *now)
{
	int			n;
	struct config_generic **settings = pgd_guc_variables(&n);

	now->n = 0;
	now->all = palloc(sizeof(Setting) * Max(n, 1));
	for (int i = 0; i < n; i++)
	{
		const struct config_generic *s = settings[i];
		Setting    *setting = &now->all[now->n];
		const char *value;

		/* not to be configured, but what a transaction or the server is */
		if (s->context == PGC_INTERNAL ||
			(s->flags & GUC_DISALLOW_IN_FILE) != 0 || is_threshold(s->name))
			continue;
		setting->hidden = is_hidden(s);
		/* the way that shows units asks who is asking */
		if (setting->hidden)
			value = GetConfigOption(s->name, true, false);
		else
			value = GetConfigOptionByName(s->name, NULL, true);
		if (value == NULL)
			value = "";
		setting->name = s->name;
		setting->value = setting->hidden ? hash_of(value) : pstrdup(value);
		setting->configured = s->source >= PGC_S_FILE;
		setting->flags = s->flags;
		now->n++;
	}
}

/*
 * The same settings have the same digest, whichever server has them.
 */
static uint64
digest_of(const Settings *settings)
{
	uint64		digest = 0;

	for (int i = 0; i < settings->n; i++)
	{
		const Setting *s = &settings->all[i];

		digest = DatumGetUInt64(hash_any_extended((const unsigned char *) s->name,
												  strlen(s->name), digest));
		digest = DatumGetUInt64(hash_any_extended((const unsigned char *) s->value,
												  strlen(s->value), digest));
	}
	return digest == 0 ? 1 : digest;
}

/* ----------
 * As they were
 * ----------
 */

static void
put_settings(StringInfo out, const Settings *settings)
{
	pgd_put_fixed64(out, pgd_archive_node());
	pgd_put_number(out, settings->n);
	for (int i = 0; i < settings->n; i++)
	{
		const Setting *s = &settings->all[i];

		pgd_put_text(out, s->name, strlen(s->name));
		pgd_put_text(out, s->value, strlen(s->value));
		pgd_put_number(out, s->hidden);
	}
}

static const char *
get_string(PgdCursor *in)
{
	int			len;
	const char *text = pgd_get_text(in, &len);

	return pnstrdup(text, len);
}

/*
 * Returns false if there was no last look of this node.
 */
static bool
get_settings(const PgdMarkList *list, Settings *settings)
{
	PgdCursor	in = {
		.next = list->settings,
		.end = list->settings + list->settings_size,
	};
	uint64		n;

	if (pgd_get_fixed64(&in) != pgd_archive_node())
		return false;
	n = pgd_get_number(&in);
	/* each takes three bytes at least */
	if (in.bad || n > list->settings_size / 3)
		return false;
	settings->n = (int) n;
	settings->all = palloc0(sizeof(Setting) * Max(n, 1));
	for (int i = 0; i < settings->n; i++)
	{
		settings->all[i].name = get_string(&in);
		settings->all[i].value = get_string(&in);
		settings->all[i].hidden = pgd_get_number(&in) != 0;
	}
	return !in.bad;
}

/* ----------
 * What is different
 * ----------
 */

/*
 * Both are in about the same order.
 */
static const Setting *
find(const Settings *settings, const char *name, int hint)
{
	for (int i = 0; i < settings->n; i++)
	{
		const Setting *s = &settings->all[(hint + i) % settings->n];

		if (strcmp(s->name, name) == 0)
			return s;
	}
	return NULL;
}

static bool
is_same(const Setting *a, const Setting *b)
{
	if (a->hidden == b->hidden)
		return strcmp(a->value, b->value) == 0;
	return strcmp(a->hidden ? a->value : hash_of(a->value),
				  b->hidden ? b->value : hash_of(b->value)) == 0;
}

/*
 * The statement that brings the old value back, or NULL.  A list has to be
 * taken apart to be set, and an empty one cannot be set at all.
 */
static const char *
undo_of(const Setting *before, const Setting *now)
{
	if ((now->flags & GUC_DISALLOW_IN_AUTO_FILE) != 0 ||
		((now->flags & GUC_LIST_INPUT) != 0 &&
		 (before->value[0] == '\0' || strchr(before->value, ',') != NULL)))
		return NULL;
	return psprintf("ALTER SYSTEM SET %s = %s", now->name,
					quote_literal_cstr(before->value));
}

static const char *
shown(const Setting *s)
{
	char	   *text = palloc(SHOWN_MAX);

	if (s->value[0] == '\0')
		return "''";
	pgd_mark_text(text, SHOWN_MAX, s->value, -1, GetDatabaseEncoding());
	return text;
}

static void
put_mark(const Setting *before, const Setting *now)
{
	PgdMark		mark;
	const char *undo = NULL;

	pgd_mark_begin(&mark, PGD_MARK_SETTING);
	PGD_MARK_TEXT(&mark, what, now->name, -1);
	if (now->hidden || (before != NULL && before->hidden))
		PGD_MARK_TEXT(&mark, detail, "changed, its value is not shown", -1);
	else if (before == NULL)
		PGD_MARK_TEXT(&mark, detail, psprintf("-> %s", shown(now)), -1);
	else
	{
		PGD_MARK_TEXT(&mark, detail,
					  psprintf("%s -> %s", shown(before), shown(now)), -1);
		undo = undo_of(before, now);
	}
	if (undo != NULL && strlen(undo) < sizeof(mark.undo))
		PGD_MARK_TEXT(&mark, undo, undo, -1);

	/* too many at once for the ring: there is the file */
	if (pgd_marks_put(&mark) == 0 && pgd_markfile_drain(NULL, LOG))
		(void) pgd_marks_put(&mark);
}

/*
 * Look at the settings, mark what has changed since the last look, and move
 * all marks to the file.  For the background worker, which holds the lock of
 * the archive; what is allocated is left to the caller's memory context.
 */
void
pgd_settings_look(void)
{
	Settings	now;
	Settings	before;
	PgdMarkList list;
	StringInfoData out;

	look_around(&now);
	pgd_archive_set_settings_digest(digest_of(&now));

	pgd_markfile_read(&list);
	if (get_settings(&list, &before))
	{
		for (int i = 0; i < now.n; i++)
		{
			const Setting *s = &now.all[i];
			const Setting *then = find(&before, s->name, i);

			if (then == NULL ? s->configured : !is_same(then, s))
				put_mark(then, s);
		}
	}

	initStringInfo(&out);
	put_settings(&out, &now);
	if (out.len == list.settings_size &&
		memcmp(out.data, list.settings, out.len) == 0)
		(void) pgd_markfile_drain(NULL, LOG);
	else
		(void) pgd_markfile_drain(&out, LOG);
}
