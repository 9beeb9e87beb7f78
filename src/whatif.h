/*-------------------------------------------------------------------------
 *
 * whatif.h
 *		What would the planner do if these indexes existed, or did not?
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGD_WHATIF_H
#define PGD_WHATIF_H

#include "pg_diagnose.h"

#include "nodes/params.h"
#include "nodes/pathnodes.h"
#include "nodes/plannodes.h"

/*
 * An index that does not exist.  Made once, in the current memory context,
 * and used in any number of plannings while that lives.
 */
typedef struct PgdHypothetical
{
	Oid			oid;			/* stands for it in plans; no object's */
	Oid			relid;			/* of the table, partitioned or not */
	Oid			am;
	char	   *name;			/* as the server would choose it */
	char	   *definition;		/* CREATE INDEX, schema-qualified, quoted */
	double		pages;			/* of all partitions */
	double		tuples;
	struct PgdHypotheticalParts *parts; /* whatif.c's own */
} PgdHypothetical;

/* Called for each relation of the query that is looked up, before its paths
 * are chosen from: conditions, keys of joins and orders are known by then. */
typedef void (*PgdWhatIfLook) (PlannerInfo *root, RelOptInfo *rel, Index rti,
							   RangeTblEntry *rte, void *arg);

typedef struct PgdWhatIf
{
	List	   *indexes;		/* PgdHypothetical * that exist */
	List	   *hidden;			/* OIDs of existing indexes that do not */
	uint64		deadline;		/* of pgd_clock(), nanoseconds; 0: none */
	PgdWhatIfLook look;			/* NULL: nobody looks */
	void	   *arg;
} PgdWhatIf;

/* Who plans, and how. */
typedef struct PgdWhatIfRole
{
	Oid			userid;
	const char *settings;		/* as PgdExample's; NULL: as they are */
} PgdWhatIfRole;

PGD_BEGIN_INTERNAL

/*
 * Do some work as another role, in a security-restricted operation, under
 * its settings, in a subtransaction that is rolled back in any case, so
 * that no lock and nothing else remains.  Returns false if it failed, with
 * the reason in "problem", allocated in the memory context of the caller.
 * A cancellation is passed on, all other errors are not.  The work's own
 * allocations go to the memory context that was current, too.
 */
extern bool pgd_whatif_guarded(const PgdWhatIfRole *as, void (*work) (void *),
							   void *arg, char **problem);

/* The following are to be called in guarded work; they throw. */

extern PgdHypothetical *pgd_whatif_index(const char *definition);

/*
 * Plans a copy of the query.  Takes AccessShareLock on its relations, but
 * does not wait for it; refuses a query that does not fit its relations
 * any more.
 */
extern PlannedStmt *pgd_whatif_plan(const PgdWhatIf *wi, const Query *query,
									ParamListInfo params, int cursor_options);

/* Those of "indexes" that a plan uses, in their order. */
extern List *pgd_whatif_used(const PlannedStmt *stmt, List *indexes);

PGD_END_INTERNAL

#endif							/* PGD_WHATIF_H */
