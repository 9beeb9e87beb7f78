/*-------------------------------------------------------------------------
 *
 * guc.h
 *		Every setting.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGD_GUC_H
#define PGD_GUC_H

#include "pg_diagnose.h"

typedef enum PgdTrack
{
	PGD_TRACK_NONE,
	PGD_TRACK_TOP,				/* statements sent by clients */
	PGD_TRACK_ALL				/* also those inside functions and triggers */
} PgdTrack;

/* One field a line of thresholdlist.h. */
typedef struct PgdThresholds
{
#define PGD_THRESHOLD(name, default_value, max, description) double name;
#include "thresholdlist.h"
#undef PGD_THRESHOLD
} PgdThresholds;

PGD_BEGIN_INTERNAL

extern PgdThresholds pgd_threshold;

extern int	pgd_burst_gap;		/* milliseconds; 0: adaptive */
extern int	pgd_evidence_memory;	/* kilobytes; 0: none */
extern int	pgd_evidence_rate;	/* per second; 0: never */
extern int	pgd_max;			/* statements */
extern int	pgd_max_transactions;	/* shapes */
extern int	pgd_query_text_memory;	/* kilobytes */
extern int	pgd_query_text_size;	/* bytes */
extern int	pgd_sample_interval;	/* milliseconds, 0: never */
extern bool pgd_save;
extern bool pgd_save_constants;
extern int	pgd_snapshot_disk;	/* kilobytes */
extern int	pgd_snapshot_interval;	/* seconds, 0: never */
extern int	pgd_track;			/* PgdTrack */
extern bool pgd_track_constants;
extern bool pgd_track_evidence;
extern bool pgd_track_planning;
extern bool pgd_track_transactions;
extern bool pgd_track_utility;

extern void pgd_guc_init(void);

PGD_END_INTERNAL

#endif							/* PGD_GUC_H */
