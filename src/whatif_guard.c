/*-------------------------------------------------------------------------
 *
 * whatif_guard.c
 *		Work as somebody else, of which nothing remains.
 *
 * Planning a statement may run functions of whoever wrote it: immutable ones,
 * to fold constants.  So it is done as the role that executes the statement,
 * in a security-restricted operation, as VACUUM does with the functions of
 * indexes, and in a subtransaction that may only read and is rolled back in
 * any case.  What runs inside is not counted as a statement of anybody.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "miscadmin.h"
#include "storage/proc.h"
#include "utils/guc.h"
#include "utils/guc_tables.h"
#include "utils/resowner.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

#include "whatif.h"

/*
 * Milliseconds that planning waits for a lock, at most: it is called for by
 * nobody who has to have the answer.
 */
#define LOCK_TIMEOUT	100

bool		pgd_whatif_guarding = false;

/* A setting for the rest of the subtransaction; false if it is refused. */
static bool
set(const char *name, const char *value, GucContext context)
{
	/* what is unknown would become a placeholder */
	if (GetConfigOption(name, true, false) == NULL)
		return false;
	return set_config_option(name, value, context, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, DEBUG5, false) > 0;
}

/* What a setting is if nobody says otherwise. */
static const char *
boot_value(struct config_generic *setting)
{
	switch (setting->vartype)
	{
		case PGC_BOOL:
			return ((struct config_bool *) setting)->boot_val ? "on" : "off";
		case PGC_INT:
			return psprintf("%d", ((struct config_int *) setting)->boot_val);
		case PGC_REAL:
			return psprintf("%.17g", ((struct config_real *) setting)->boot_val);
		case PGC_STRING:
			return ((struct config_string *) setting)->boot_val;
		case PGC_ENUM:
			return config_enum_lookup_by_value((struct config_enum *) setting,
											   ((struct config_enum *) setting)->boot_val);
	}
	return NULL;
}

/*
 * Examples name what differs from the server's defaults.  All else that the
 * planner goes by is put back to these: whoever asks may have set it.
 */
static void
apply_defaults(void)
{
	struct config_generic **changed;
	int			n;

	changed = get_explain_guc_options(&n);
	for (int i = 0; i < n; i++)
	{
		const char *value = boot_value(changed[i]);

		if (value != NULL)
			(void) set(changed[i]->name, value, PGC_USERSET);
	}
	pfree(changed);
}

static void
apply(const char *settings, bool superuser)
{
	const char *name = settings;

	if (settings != NULL)
		apply_defaults();
	while (name != NULL && *name != '\0')
	{
		const char *value = name + strlen(name) + 1;

		(void) set(name, value, superuser ? PGC_SUSET : PGC_USERSET);
		name = value + strlen(value) + 1;
	}
}

static void
enter(const PgdWhatIfRole *as)
{
	Oid			userid;
	int			sec_context;
	char		timeout[16];

	if (!SearchSysCacheExists1(AUTHOID, ObjectIdGetDatum(as->userid)))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("role with OID %u does not exist", as->userid)));
	if (!ActiveSnapshotSet())
		PushActiveSnapshot(GetTransactionSnapshot());

	/* These two are for superusers, which is what we are here. */
	(void) set("pg_diagnose.track", "none", PGC_SUSET);
	(void) set("pg_stat_statements.track", "none", PGC_SUSET);
	/* what functions have to say is not for whoever asks us */
	(void) set("client_min_messages", "error", PGC_USERSET);
	GetUserIdAndSecContext(&userid, &sec_context);
	SetUserIdAndSecContext(as->userid,
						   sec_context | SECURITY_RESTRICTED_OPERATION);
	apply(as->settings, superuser_arg(as->userid));

	if (LockTimeout == 0 || LockTimeout > LOCK_TIMEOUT)
	{
		snprintf(timeout, sizeof(timeout), "%d", LOCK_TIMEOUT);
		(void) set("lock_timeout", timeout, PGC_USERSET);
	}
	XactReadOnly = true;		/* reset with the subtransaction */
}

/*
 * Is it not ours to swallow?  What somebody outside asks for comes by way of
 * postgres.c: a function that raises the same code must not hide all else.
 */
static bool
must_pass(const ErrorData *error)
{
	if (error->filename == NULL || strcmp(error->filename, "postgres.c") != 0)
		return false;
	switch (error->sqlerrcode)
	{
		case ERRCODE_QUERY_CANCELED:
		case ERRCODE_ADMIN_SHUTDOWN:
		case ERRCODE_CRASH_SHUTDOWN:
		case ERRCODE_T_R_SERIALIZATION_FAILURE:	/* conflicts with recovery */
			return true;
		default:
			return false;
	}
}

/*
 * The part inside the subtransaction: the error, or NULL.
 */
static ErrorData *
attempt(const PgdWhatIfRole *as, void (*work) (void *), void *arg,
		MemoryContext context)
{
	ErrorData  *volatile error = NULL;

	PG_TRY();
	{
		MemoryContextSwitchTo(context);
		enter(as);
		work(arg);
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		FlushErrorState();
	}
	PG_END_TRY();
	return error;
}

bool
pgd_whatif_guarded(const PgdWhatIfRole *as, void (*work) (void *), void *arg,
				   char **problem)
{
	const MemoryContext context = CurrentMemoryContext;
	const ResourceOwner owner = CurrentResourceOwner;
	const bool	guarding = pgd_whatif_guarding;
	ErrorData  *volatile error = NULL;

	*problem = NULL;
	pgd_whatif_guarding = true;
	PG_TRY();
	{
		BeginInternalSubTransaction(NULL);
		error = attempt(as, work, arg, context);
		/* and with it user, settings, locks, snapshots and open relations */
		RollbackAndReleaseCurrentSubTransaction();
	}
	PG_FINALLY();
	{
		pgd_whatif_guarding = guarding;
		MemoryContextSwitchTo(context);
		CurrentResourceOwner = owner;
	}
	PG_END_TRY();

	if (error == NULL)
		return true;
	if (must_pass(error))
		ReThrowError(error);
	*problem = error->message != NULL ? pstrdup(error->message) : pstrdup("unknown error");
	FreeErrorData(error);
	return false;
}
