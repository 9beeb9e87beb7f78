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

int			pgd_evidence_memory;
int			pgd_evidence_rate;
int			pgd_max;
int			pgd_query_text_memory;
int			pgd_query_text_size;
int			pgd_sample_interval;
bool		pgd_save;
bool		pgd_save_constants;
int			pgd_snapshot_disk;
int			pgd_snapshot_interval;
int			pgd_burst_gap;
int			pgd_max_transactions;
bool		pgd_track_transactions;
int			pgd_track;
bool		pgd_track_constants;
bool		pgd_track_evidence;
bool		pgd_track_planning;
bool		pgd_track_utility;

static const struct config_enum_entry track_options[] = {
	{"none", PGD_TRACK_NONE, false},
	{"top", PGD_TRACK_TOP, false},
	{"all", PGD_TRACK_ALL, false},
	{NULL, 0, false}
};

PgdThresholds pgd_threshold;

static const struct
{
	const char *name;
	double	   *value;
	double		default_value;
	double		max;
	const char *description;
}			thresholds[] =
{
#define PGD_THRESHOLD(name, default_value, max, description) \
	{"pg_diagnose." #name, &pgd_threshold.name, default_value, max, description},
#include "thresholdlist.h"
#undef PGD_THRESHOLD
};

void
pgd_guc_init(void)
{
	DefineCustomIntVariable("pg_diagnose.burst_gap",
							"Think time that ends a burst of autocommit statements.",
							"0 takes eight times the session's usual one, from 5 to 25 ms.",
							&pgd_burst_gap,
							0, 0, INT_MAX,
							PGC_SUSET, GUC_UNIT_MS, NULL, NULL, NULL);

	DefineCustomIntVariable("pg_diagnose.evidence_memory",
							"Shared memory for what executed plans have shown, and for examples of statements.",
							"0 turns the collection of evidence off, and with it index advice.",
							&pgd_evidence_memory,
							8192, 0, INT_MAX / 1024,
							PGC_POSTMASTER, GUC_UNIT_KB, NULL, NULL, NULL);

	DefineCustomIntVariable("pg_diagnose.evidence_rate",
							"Executions per second of which evidence is taken, in the whole server.",
							"0 takes none.",
							&pgd_evidence_rate,
							200, 0, 1000000,
							PGC_SUSET, 0, NULL, NULL, NULL);

	DefineCustomIntVariable("pg_diagnose.max",
							"Number of statements kept in shared memory.",
							NULL, &pgd_max,
							5000, 100, 1000000,
							PGC_POSTMASTER, 0, NULL, NULL, NULL);

	DefineCustomIntVariable("pg_diagnose.max_transactions",
							"Number of shapes of transactions kept in shared memory.",
							NULL, &pgd_max_transactions,
							500, 50, 100000,
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

	DefineCustomIntVariable("pg_diagnose.sample_interval",
							"Time between two looks at what sessions wait for.",
							"0 turns sampling off.",
							&pgd_sample_interval,
							50, 0, 60000,
							PGC_SIGHUP, GUC_UNIT_MS, NULL, NULL, NULL);

	DefineCustomBoolVariable("pg_diagnose.save",
							 "Keep what is known through a shutdown of the server.",
							 NULL, &pgd_save,
							 true,
							 PGC_SIGHUP, 0, NULL, NULL, NULL);

	DefineCustomBoolVariable("pg_diagnose.save_constants",
							 "Keep evidence, with the constants of statements, on disk through a shutdown of the server.",
							 NULL, &pgd_save_constants,
							 false,
							 PGC_SIGHUP, 0, NULL, NULL, NULL);

	DefineCustomIntVariable("pg_diagnose.snapshot_disk",
							"Disk space for snapshots.",
							"The oldest make room, but not those that have a label.",
							&pgd_snapshot_disk,
							256 * 1024, 1024, INT_MAX,
							PGC_SIGHUP, GUC_UNIT_KB, NULL, NULL, NULL);

	DefineCustomIntVariable("pg_diagnose.snapshot_interval",
							"Time between two snapshots of what is known.",
							"0 turns automatic snapshots off.",
							&pgd_snapshot_interval,
							60, 0, 86400,
							PGC_SIGHUP, GUC_UNIT_S, NULL, NULL, NULL);

	DefineCustomEnumVariable("pg_diagnose.track",
							 "Which statements are captured.",
							 "\"top\" are those sent by clients, \"all\" also those inside functions and triggers.",
							 &pgd_track,
							 PGD_TRACK_ALL, track_options,
							 PGC_SUSET, 0, NULL, NULL, NULL);

	DefineCustomBoolVariable("pg_diagnose.track_constants",
							 "Keep the constants and parameters of examples of statements.",
							 "If off, the planner's advice is based on averages instead.",
							 &pgd_track_constants,
							 true,
							 PGC_SUSET, 0, NULL, NULL, NULL);

	DefineCustomBoolVariable("pg_diagnose.track_evidence",
							 "Collect what plans show of statements, and examples of them.",
							 NULL, &pgd_track_evidence,
							 true,
							 PGC_SUSET, 0, NULL, NULL, NULL);

	DefineCustomBoolVariable("pg_diagnose.track_planning",
							 "Capture the time that planning takes.",
							 NULL, &pgd_track_planning,
							 true,
							 PGC_SUSET, 0, NULL, NULL, NULL);

	DefineCustomBoolVariable("pg_diagnose.track_transactions",
							 "Capture what transactions and bursts of statements consist of.",
							 NULL, &pgd_track_transactions,
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
								 NULL, thresholds[i].value,
								 thresholds[i].default_value,
								 0, thresholds[i].max,
								 PGC_SIGHUP, 0, NULL, NULL, NULL);

	MarkGUCPrefixReserved("pg_diagnose");
}
