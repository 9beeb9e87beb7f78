/*-------------------------------------------------------------------------
 *
 * image_names.h
 *		The names of all counters, by their places; for image.c and
 *		image_read.c.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGD_IMAGE_NAMES_H
#define PGD_IMAGE_NAMES_H

#include "samples.h"
#include "sessions.h"
#include "shapes.h"

/* Counters at the end of a struct, from "first" on. */
#define COUNTERS_FROM(type, first) \
	((int) ((sizeof(type) - offsetof(type, first)) / sizeof(uint64)))

#define PGD_STEP_COUNTERS		COUNTERS_FROM(PgdStep, calls)
#define PGD_OBSERVATION_COUNTERS COUNTERS_FROM(PgdObservation, occurrences)
#define PGD_SAMPLE_COUNTERS		COUNTERS_FROM(PgdSample, samples)

static const char *const pgd_counter_names[] = {
#define PGD_COUNTER(name, combine, unit) #name,
#include "counterlist.h"
#undef PGD_COUNTER
};

static const char *const pgd_session_names[] = {
#define PGD_SESSION_COUNTER(name, combine, unit) #name,
#include "sessionlist.h"
#undef PGD_SESSION_COUNTER
};

static const char *const pgd_xact_names[] = {
#define PGD_XACT_COUNTER(name, combine, unit) #name,
#include "xactlist.h"
#undef PGD_XACT_COUNTER
};

#endif							/* PGD_IMAGE_NAMES_H */
