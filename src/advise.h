/*-------------------------------------------------------------------------
 *
 * advise.h
 *		Index advice for a workload.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGD_ADVISE_H
#define PGD_ADVISE_H

#include "pg_diagnose.h"

#include "nodes/bitmapset.h"
#include "nodes/pg_list.h"

#include "advise_candidate.h"
#include "advise_need.h"
#include "advise_table.h"
#include "evidence.h"
#include "example.h"
#include "whatif.h"
#include "window.h"

#define PGD_LOAD_PLANS	8		/* shapes of plans told apart */

/* What a statement did in the window, all its users together. */
typedef struct PgdLoad
{
	uint64		queryid;		/* the key, first */
	double		calls;
	double		time;			/* milliseconds, of failed executions too */
	double		rows;
	int			nplans;
	PgdPlanUse	plans[PGD_LOAD_PLANS];	/* of completed executions */
} PgdLoad;

/* One statement that could be helped. */
typedef struct PgdAdvised
{
	PgdLoad		load;
	Oid			userid;			/* as whom it is planned */
	PgdEvidence evidence;
	List	   *examples;		/* PgdExample * */
	char	   *problem;		/* why it cannot be planned, or NULL */
	List	   *needs;			/* PgdNeed *, of all examples */
	List	   *own;			/* indexes made for it: numbers */
	Bitmapset  *relevant;		/* indexes that might concern it */
	double		base;			/* cost as it is, of all examples */
	int			nshapes;
	uint64		shapes[PGD_EVIDENCE_EXAMPLES];	/* of their plans now */
	double		time;			/* what the load would take now, milliseconds */
	List	   *costs;			/* what is known of others, see advise_cost.c */
	double		unforeseen;		/* rows beyond what the planner expects */
} PgdAdvised;

/* An index that might be proposed; its number is its place in the array. */
typedef struct PgdAdvisedIndex
{
	PgdCandidate *candidate;
	PgdHypothetical *index;		/* NULL: not made yet, or it cannot be */
	double		write;			/* milliseconds in the window */
	bool		breaks_hot;
	const char *rejected;		/* why not, or NULL */
	Bitmapset  *helped;			/* statements it was made for */
	int			rank;			/* 0: not proposed */
	double		gain;			/* milliseconds, besides those ranked above */
	double		gain_alone;
} PgdAdvisedIndex;

typedef struct PgdAdvice
{
	/* in */
	double		budget;			/* bytes; 0: any */
	int			max_per_table;	/* 0: any */
	double		total_time;		/* of the database in the window, ms */
	uint64		begin;			/* of pgd_clock() */
	uint64		deadline;		/* of what is being done now */
	bool		out_of_time;	/* something was left out for that reason */
	/* out */
	MemoryContext context;		/* where all of this is */
	MemoryContext scratch;		/* of one planning */
	PgdAdvised **statements;
	int			nstatements;
	PgdAdvisedIndex **indexes;
	int			nindexes;
	int			max_indexes;
	List	   *tables;			/* PgdTable * */
	Bitmapset  *chosen;
	int			nproposed;
} PgdAdvice;

PGD_BEGIN_INTERNAL

/* advise_gather.c: which statements */
extern void pgd_advise_gather(PgdAdvice *advice, const PgdWindow *window,
							  Oid userid, bool reads_all);

#define PGD_NO_TIME	"no time was left to look at it"

extern void pgd_advise_allow(PgdAdvice *advice, double share);

/* advise_workload.c: statements, and what they ask */
extern void pgd_advise_add_statement(PgdAdvice *advice, const PgdLoad *load,
									 const PgdEvidence *evidence,
									 const PgdExampleBytes *examples,
									 int nexamples);
extern void pgd_advise_look_at_all(PgdAdvice *advice);
extern PgdTable *pgd_advise_find_table(PgdAdvice *advice, Oid relid);

/* advise_try.c: what could answer, and what of it the planner likes */
extern void pgd_advise_make_candidates(PgdAdvice *advice);
extern int	pgd_advise_add_index(PgdAdvice *advice, PgdCandidate *candidate);

/* advise_cost.c: what a statement costs with some indexes */
extern double pgd_advise_cost(PgdAdvice *advice, PgdAdvised *statement,
							  const Bitmapset *indexes, Bitmapset **used);
extern double pgd_advise_saved(PgdAdvice *advice, PgdAdvised *statement,
							   const Bitmapset *before,
							   const Bitmapset *after);

/* advise_write.c: what an index costs those who write */
extern void pgd_advise_writes(PgdAdvice *advice);
extern void pgd_advise_write_cost(PgdAdvisedIndex *index);

/* advise_select.c: which to propose */
extern void pgd_advise_select(PgdAdvice *advice);
extern double pgd_advise_gain(PgdAdvice *advice, const Bitmapset *before,
							  const Bitmapset *after, double *best_share);
extern const char *pgd_advise_verdict(PgdAdvice *advice,
									  const Bitmapset *more, double gain,
									  double share);

/* advise_refine.c: the same, looked at as a whole */
extern void pgd_advise_refine(PgdAdvice *advice);

PGD_END_INTERNAL

static inline Bitmapset *
pgd_advise_with(const Bitmapset *set, int more)
{
	return bms_add_member(bms_copy(set), more);
}

static inline Bitmapset *
pgd_advise_without(const Bitmapset *set, int less)
{
	return bms_del_member(bms_copy(set), less);
}

#endif							/* PGD_ADVISE_H */
