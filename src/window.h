/*-------------------------------------------------------------------------
 *
 * window.h
 *		What happened between two snapshots, or since one, or since the last
 *		reset.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGD_WINDOW_H
#define PGD_WINDOW_H

#include "pg_diagnose.h"

#include "fmgr.h"

#include "archive.h"
#include "closing.h"
#include "samples.h"
#include "sessions.h"
#include "strays.h"

typedef struct PgdWindow
{
	uint64		lower;			/* number of a snapshot; 0: the last reset
								 * before the upper end */
	uint64		upper;			/* 0: now */
} PgdWindow;

PGD_BEGIN_INTERNAL

extern void pgd_window_get(FunctionCallInfo fcinfo, int arg,
						   PgdWindow *window);
extern char *pgd_window_problem(const PgdWindow *window);
extern double pgd_window_seconds(const PgdWindow *window);
extern int	pgd_window_ids(const PgdWindow *window, uint64 **ids);

/* for window_*.c */
extern void pgd_window_report_absent(uint64 id, const char *problem);
extern void pgd_window_check_ends(const PgdSnapshotHeader *lower,
								  const PgdSnapshotHeader *upper);

/* what happened in it; things that had no part in it are not visited */
extern void pgd_window_statements(const PgdWindow *window,
								  PgdStatementVisitor visit, void *arg);
extern void pgd_window_strays(const PgdWindow *window, PgdStrayVisitor visit,
							  void *arg);
extern void pgd_window_sessions(const PgdWindow *window,
								PgdSessionVisitor visit, void *arg);
extern void pgd_window_shapes(const PgdWindow *window, PgdShapeVisitor visit,
							  void *arg);
extern void pgd_window_samples(const PgdWindow *window, PgdSampleKind kind,
							   PgdSampleVisitor visit, void *arg);

PGD_END_INTERNAL

#endif							/* PGD_WINDOW_H */
