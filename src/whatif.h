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
#include "utils/relcache.h"
#include "utils/selfuncs.h"

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
	struct PgdHypotheticalParts *parts; /* for the files of whatif alone */
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

/*
 * Roughly: no rows are read to find out its size where statistics of the
 * columns will do; pgd_whatif_refine() makes up for that.
 */
extern PgdHypothetical *pgd_whatif_index(const char *definition, bool roughly);
extern void pgd_whatif_refine(PgdHypothetical *h);

/*
 * Plans a copy of the query.  Takes AccessShareLock on its relations, but
 * does not wait for it; refuses a query that does not fit its relations
 * any more.
 */
extern PlannedStmt *pgd_whatif_plan(const PgdWhatIf *wi, const Query *query,
									ParamListInfo params, int cursor_options);

/* Those of "indexes" that a plan uses, in their order. */
extern List *pgd_whatif_used(const PlannedStmt *stmt, List *indexes);

/*
 * Run EXPLAIN on a plan of pgd_whatif_plan(), to be called in guarded work as
 * well: the text of it, lines ended by newlines.
 */
extern char *pgd_whatif_explain(const PgdWhatIf *wi, PlannedStmt *plan,
								ParamListInfo params);

/* ----------
 * For hooks_planner.c
 * ----------
 */

/* What is being planned; NULL almost always. */
typedef struct PgdWhatIfPlanning
{
	const PgdWhatIf *wi;
	int			depth;			/* what *pgd_whatif_depth is in its planning */
} PgdWhatIfPlanning;

extern const PgdWhatIfPlanning *pgd_whatif_planning;

/* How deep statements are nested in this session; planning is one level. */
extern const int *pgd_whatif_depth;

/* A subtransaction of ours begins or ends. */
extern bool pgd_whatif_guarding;

/*
 * What the planner calls while it is at work.  It may run functions, and they
 * statements: these know nothing of what does not exist.
 */
#define pgd_whatif_is_planning() \
	unlikely(pgd_whatif_planning != NULL && \
			 *pgd_whatif_depth == pgd_whatif_planning->depth)

extern void pgd_whatif_relation(PlannerInfo *root, Oid relid, bool inhparent,
								RelOptInfo *rel);
extern void pgd_whatif_paths(PlannerInfo *root, RelOptInfo *rel, Index rti,
							 RangeTblEntry *rte);
extern void pgd_whatif_check_deadline(void);
extern bool pgd_whatif_index_statistics(PlannerInfo *root, Oid index,
										AttrNumber column,
										VariableStatData *vardata);
extern const char *pgd_whatif_index_name(Oid oid);

/* ----------
 * Between the files of whatif
 * ----------
 */

/* The index as it would be of one table that has rows. */
typedef struct PgdHypotheticalLeaf
{
	Oid			relid;
	double		table_tuples;
	double		tuples;
	double		pages;
	int			height;			/* levels below the root; -1: unknown */
	AttrNumber *attnums;		/* 0: an expression */
	List	   *exprs;			/* with varno 1 */
	List	   *pred;
} PgdHypotheticalLeaf;

struct PgdWhatIfSample;

typedef struct PgdHypotheticalParts
{
	MemoryContext context;		/* where all of it is */
	bool		unique;
	bool		nulls_not_distinct;
	int			ncolumns;		/* with those of INCLUDE */
	int			nkeys;
	int			fillfactor;		/* percent; 0: the default */
	int			pages_per_range;	/* of BRIN; 0: the default */
	Oid			tablespace;
	AttrNumber *attnums;		/* of the table in the definition */
	Oid		   *types;			/* of the columns or expressions */
	int32	   *typmods;
	Oid		   *collations;		/* of key columns, as all that follow */
	Oid		   *opclasses;
	Oid		   *opfamilies;
	Oid		   *opcintypes;
	int16	   *options;		/* INDOPTION_... */
	bool	   *returnable;		/* of all columns */
	List	   *exprs;			/* as the planner sees them, with varno 1 */
	List	   *pred;
	HeapTuple  *statistics;		/* of key columns that are expressions, rows
								 * of pg_statistic; NULL: none */
	int			nleaves;
	PgdHypotheticalLeaf *leaves;	/* by OID */
	struct PgdWhatIfSample *sample; /* while it is measured */
	bool		unknown;		/* there are columns without statistics */
	int			nmeasured;		/* that will be the leaves */
	PgdHypotheticalLeaf *measured;
} PgdHypotheticalParts;

/* Values of one column of some rows */
typedef struct PgdWhatIfValues
{
	Datum	   *values;
	bool	   *nulls;
	int16		length;
	bool		by_value;
} PgdWhatIfValues;

typedef struct PgdWhatIfSample
{
	double		tuples;			/* that they are a sample of */
	int			nrows;
	int			ncolumns;
	PgdWhatIfValues *columns;
} PgdWhatIfSample;

/* Values that were seen up to so many times are taken together. */
#define PGD_SEEN	50

#define PGD_CLASSES	40

/* So many values have so many rows each. */
typedef struct PgdWhatIfClass
{
	double		values;
	double		rows;
} PgdWhatIfClass;

/* Values whose widths are looked at, at most */
#define PGD_WIDTHS	256

/* What statistics say of a column. */
typedef struct PgdWhatIfColumn
{
	Node	   *expr;			/* with the number of the relation */
	double		width;			/* bytes of a value that is not NULL */
	int			length;			/* of the type; negative: it varies */
	char		align;
	double		null_frac;
	bool		fixed;			/* all values are as wide as that */
	int			nwidths;		/* of values that differ in width; 0: unknown */
	double		widths[PGD_WIDTHS];
} PgdWhatIfColumn;

extern PgdWhatIfColumn *pgd_whatif_columns(const PgdHypothetical *h,
										   PlannerInfo *root, Index rti,
										   Relation relation,
										   const PgdHypotheticalLeaf *leaf);
extern double pgd_whatif_tuple_size(const PgdWhatIfColumn *columns, int n);
extern int	pgd_whatif_spread(const double *seen, double fraction,
							  PgdWhatIfClass classes[PGD_CLASSES]);
extern Oid	pgd_whatif_key_type(Oid opclass, Oid type);
extern double pgd_whatif_gin_pages(const PgdHypothetical *h,
								   const PgdWhatIfSample *sample,
								   double tuples, double table_pages);
extern bool pgd_whatif_may_read(const PgdHypothetical *h);
extern PgdWhatIfSample *pgd_whatif_sample(const PgdHypothetical *h);
extern uint64 pgd_whatif_hash(Datum value, int length, bool by_value,
							  int *width);
extern uint64 *pgd_whatif_row_hashes(const PgdWhatIfSample *sample, int ncolumns);
extern void pgd_whatif_analyze(PgdHypothetical *h,
							   const PgdWhatIfSample *sample);
extern void pgd_whatif_check(Query *query);
extern void pgd_whatif_measure(PgdHypothetical *h, bool roughly);
extern PgdHypotheticalLeaf *pgd_whatif_leaf(const PgdHypothetical *h,
											Oid relid);
extern bool pgd_whatif_fits(const PgdHypothetical *h,
							const PgdHypotheticalLeaf *leaf,
							Relation relation);
extern IndexOptInfo *pgd_whatif_info(const PgdHypothetical *h,
									 const PgdHypotheticalLeaf *leaf,
									 PlannerInfo *root, RelOptInfo *rel,
									 Relation relation);
extern void pgd_whatif_size(const PgdHypothetical *h, PlannerInfo *root,
							RelOptInfo *rel, Index rti, Relation relation,
							PgdHypotheticalLeaf *leaf);
extern char *pgd_whatif_text(const PgdHypothetical *h,
							 const IndexStmt *stmt, Relation relation,
							 List *stored_exprs, Node *stored_pred);

PGD_END_INTERNAL

#endif							/* PGD_WHATIF_H */
