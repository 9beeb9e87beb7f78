/*-------------------------------------------------------------------------
 *
 * detectors.h
 *		What a pattern in a transcript is, and how it is told.
 *
 * See src/detectors/README.md for how to write one.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGD_DETECTORS_H
#define PGD_DETECTORS_H

#include "guc.h"
#include "transcript.h"

/* Observations of one transcript on their way to its shape. */
typedef struct PgdLook
{
	int			detector;		/* the one that is looking, + 1 */
	int			n;
	int			dropped;		/* more than there is room for */
	PgdObservation seen[PGD_OBSERVATIONS];
} PgdLook;

/* Which transcripts a detector wants to see. */
#define PGD_IN_BLOCK	(1 << PGD_XACT_BLOCK)
#define PGD_IN_BURST	(1 << PGD_XACT_BURST)
#define PGD_IN_BOTH		(PGD_IN_BLOCK | PGD_IN_BURST)

typedef struct PgdDetector
{
	const char *name;			/* the file's */
	const char *title;			/* what is wrong, in half a line */
	const char *dimension;		/* see diagnose.finding */
	const char *grade;			/* exact, sampled or inferred */
	const char *problem;		/* with {words}; NULL: a rule of its own tells */
	const char *advice;			/* with {words} */
	uint32		kinds;			/* PGD_IN_... */
	uint32		needs;			/* PGD_SAW_...; without all of these it is not
								 * asked */
	void		(*look) (const PgdTranscript *t, PgdLook *look);
} PgdDetector;

PGD_BEGIN_INTERNAL

extern int	pgd_detector_count(void);
extern const PgdDetector *pgd_detector(int number);
extern void pgd_detectors_look(const PgdTranscript *t, PgdLook *look);
extern void pgd_observe(PgdLook *look, const PgdObservation *observation);
extern bool pgd_is_new_table(const PgdTranscript *t, int position);
extern int	pgd_first_lock(const PgdTranscript *t);
extern uint64 pgd_time_after(const PgdTranscript *t, int position);

/* All of them: compilers of 18 want a declaration where they are defined. */
#define PGD_DETECTOR(name) extern const PgdDetector pgd_detector_##name;
#include "detectorlist.h"
#undef PGD_DETECTOR

PGD_END_INTERNAL

#define PGD_DETECTORS_MAX	200

#define PGD_MS(ms)	((uint64) ((ms) * 1e6))		/* of a threshold */

#endif							/* PGD_DETECTORS_H */
