/*-------------------------------------------------------------------------
 *
 * guc.c
 *		Every setting, in alphabetical order.
 *
 * What takes memory is fixed at server start; what decides about capturing is
 * for superusers, so that nobody can hide; thresholds of rules are for the
 * configuration file.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <limits.h>

#include "utils/guc.h"

#include "guc.h"

int			pgd_max;
int			pgd_query_text_memory;
int			pgd_query_text_size;
bool		pgd_save;
int			pgd_track;
bool		pgd_track_planning;
bool		pgd_track_utility;

static const struct config_enum_entry track_options[] = {
	{"none", PGD_TRACK_NONE, false},
	{"top", PGD_TRACK_TOP, false},
	{"all", PGD_TRACK_ALL, false},
	{NULL, 0, false}
};

/*
 * From where on a rule speaks.  Each has the rule's name for a prefix, but
 * for those of "severity", which all rules share; times are milliseconds.
 */
static const struct
{
	const char *name;
	double		default_value;
	double		max;
	const char *description;
}			thresholds[] =
{
	{"pg_diagnose.failing_statement_min_failures", 5, INT_MAX,
	"Failed executions from which a statement is reported as failing."},
	{"pg_diagnose.failing_statement_min_ratio", 0.01, 1,
	"Share of failed executions from which a statement is reported as failing."},
	{"pg_diagnose.frequent_statement_max_time", 1.0, INT_MAX,
	"Mean execution time in milliseconds up to which a statement counts as cheap."},
	{"pg_diagnose.frequent_statement_min_calls", 1000, INT_MAX,
	"Calls from which a cheap statement is reported as frequent."},
	{"pg_diagnose.frequent_statement_min_share", 0.2, 1,
	"Share of all calls from which a cheap statement is reported as frequent."},
	{"pg_diagnose.severity_critical_min_impact", 500, INT_MAX,
	"Milliseconds of database time per second from which a finding is critical."},
	{"pg_diagnose.severity_warning_min_impact", 1, INT_MAX,
	"Milliseconds of database time per second from which a finding is a warning."},
	{"pg_diagnose.slow_before_install_min_calls", 5, INT_MAX,
	"Calls from which a statement of the past is reported, unless as many were captured since."},
	{"pg_diagnose.slow_before_install_min_time", 20, INT_MAX,
	"Mean execution time in milliseconds from which a statement of the past is reported."},
	{"pg_diagnose.slow_statement_min_share", 0.01, 1,
	"Share of all execution time from which a slow statement is reported."},
	{"pg_diagnose.slow_statement_min_time", 100, INT_MAX,
	"95th percentile of execution time in milliseconds from which a statement is slow."},
	{"pg_diagnose.spills_to_disk_max_work_mem", 256, INT_MAX,
	"Megabytes of work_mem up to which raising it is proposed."},
	{"pg_diagnose.spills_to_disk_min_blocks", 128, INT_MAX,
	"Temporary blocks written per execution from which spilling is reported."},
	{"pg_diagnose.tail_latency_min_calls", 100, INT_MAX,
	"Calls from which the tail of a statement's latency is judged."},
	{"pg_diagnose.tail_latency_min_ratio", 20, INT_MAX,
	"Ratio of the 99th percentile to the median from which a tail is reported."},
	{"pg_diagnose.tail_latency_min_time", 20, INT_MAX,
	"99th percentile in milliseconds from which a tail is reported."},
	{"pg_diagnose.unindexed_foreign_key_min_pages", 64, INT_MAX,
	"Pages of the referencing table from which a foreign key without index is reported."},
	{"pg_diagnose.unprepared_planning_min_calls", 100, INT_MAX,
	"Plannings from which a statement's planning is judged."},
	{"pg_diagnose.unprepared_planning_min_ratio", 1.0, INT_MAX,
	"Ratio of planning to execution time from which planning is reported."},
};

/* Rules read them with current_setting(); C has no use for the values. */
static double threshold_values[lengthof(thresholds)];

void
pgd_guc_init(void)
{
	DefineCustomIntVariable("pg_diagnose.max",
							"Number of statements kept in shared memory.",
							NULL, &pgd_max,
							5000, 100, 1000000,
							PGC_POSTMASTER, 0, NULL, NULL, NULL);

	DefineCustomIntVariable("pg_diagnose.query_text_memory",
							"Shared memory for the texts of statements.",
							"Statements beyond that are kept without text.",
							&pgd_query_text_memory,
							4096, 64, INT_MAX / 1024,
							PGC_POSTMASTER, GUC_UNIT_KB, NULL, NULL, NULL);

	DefineCustomIntVariable("pg_diagnose.query_text_size",
							"Size from which on the text of a statement is cut off.",
							NULL, &pgd_query_text_size,
							1024, 64, PGD_TEXT_MAX,
							PGC_POSTMASTER, GUC_UNIT_BYTE, NULL, NULL, NULL);

	DefineCustomBoolVariable("pg_diagnose.save",
							 "Keep what is known through a shutdown of the server.",
							 NULL, &pgd_save,
							 true,
							 PGC_SIGHUP, 0, NULL, NULL, NULL);

	DefineCustomEnumVariable("pg_diagnose.track",
							 "Which statements are captured.",
							 "\"top\" are those sent by clients, \"all\" also those inside functions and triggers.",
							 &pgd_track,
							 PGD_TRACK_ALL, track_options,
							 PGC_SUSET, 0, NULL, NULL, NULL);

	DefineCustomBoolVariable("pg_diagnose.track_planning",
							 "Capture the time that planning takes.",
							 NULL, &pgd_track_planning,
							 true,
							 PGC_SUSET, 0, NULL, NULL, NULL);

	DefineCustomBoolVariable("pg_diagnose.track_utility",
							 "Capture statements other than SELECT, INSERT, UPDATE, DELETE and MERGE.",
							 NULL, &pgd_track_utility,
							 true,
							 PGC_SUSET, 0, NULL, NULL, NULL);

	for (int i = 0; i < lengthof(thresholds); i++)
		DefineCustomRealVariable(thresholds[i].name,
								 thresholds[i].description,
								 NULL, &threshold_values[i],
								 thresholds[i].default_value,
								 0, thresholds[i].max,
								 PGC_SIGHUP, 0, NULL, NULL, NULL);

	MarkGUCPrefixReserved("pg_diagnose");
}
